"""What regions are called: ambulance regions, networks of acute care, and regions with agreements of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.auth import world
from api.desk.words import t, text
from routing.directory_here import newest_directory
from routing.facilities.regions import region_id, regions_of
from routing.rules_here import installed_overlays

_KINDS: Mapping[str, tuple[str, str]] = {
    "rav": ("ambulanceregio", "ambulance region"),
    "roaz": ("acute zorg (ROAZ)", "acute care (ROAZ)"),
}

_NETWORKS: Mapping[str, tuple[str, str]] = {
    "brabant": ("Brabant", "Brabant"),
    "euregio": ("Euregio", "Euregio"),
    "limburg": ("Limburg", "Limburg"),
    "midden": ("Midden-Nederland", "Midden-Nederland"),
    "nhfl": ("Noord-Holland en Flevoland", "Noord-Holland and Flevoland"),
    "noord": ("Noord-Nederland", "Noord-Nederland"),
    "oost": ("Oost", "Oost"),
    "west": ("West", "West"),
    "zwn": ("Zuidwest-Nederland", "Zuidwest-Nederland"),
    "zwolle": ("Zwolle", "Zwolle"),
}
"""Id in the directory that comes with Wegwijs -> the region of the network, without the words that all of them share. A
network that is not here stands as its directory writes it."""


def kind_of_region(kind: str) -> str:
    """What a kind of region is called; one that a directory names itself stands as it is."""
    return t(*_KINDS[kind]) if kind in _KINDS else kind


def region_word(kind: str, name: str) -> str:
    """What a region of this kind is called."""
    return t(*_NETWORKS[name]) if kind == "roaz" and name in _NETWORKS else name


def region_choices(found: Mapping[str, Iterable[str]]) -> dict[str, list[tuple[str, str]]]:
    """Regions to choose from: what their kind is called -> (name in the directory, what it is called), sorted."""
    return {
        kind_of_region(kind): sorted(((name, region_word(kind, name)) for name in names), key=lambda each: each[1])
        for kind, names in found.items()
    }


# -- regions with agreements ------------------------------------------------------------------------------------------


def agreements_of(region: str) -> str:
    """What the region of a case is called: by the title of its agreements, else by the name of the region that has this
    id, else the id itself."""
    if (title := regions_with_agreements().get(region)) is not None:
        return title
    known = regions_of(newest_directory(world()))
    names = (region_word(kind, name) for kind in known for name in known[kind])
    return next((name for name in names if region_id(name) == region), region)


def regions_with_agreements() -> dict[str, str]:
    """The regions of which agreements are installed: id -> the title of the newest, in the order of these titles."""
    newest = sorted(installed_overlays(world()), key=lambda overlay: overlay.effective_from)
    titles = {overlay.region: text(overlay.content.title) for overlay in newest}
    return dict(sorted(titles.items(), key=lambda each: each[1]))
