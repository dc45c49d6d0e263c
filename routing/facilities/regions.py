"""Which regions there are: the name of each as an id, the places in one, and the one in which a point lies."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from routing.facilities.directory import Directory
from routing.facilities.profile import Facility
from routing.geography import unit_vector


def in_region(place: Facility, region: str) -> bool:
    """Whether the place lies in the region, of whichever kind, of this name."""
    wanted = region_id(region)
    return any(region_id(name) == wanted for name in place.regions.values())


def regions_of(directory: Directory) -> dict[str, tuple[str, ...]]:
    """The names of all regions in which a place lies, by their kind (`rav`, `roaz`, ...), each in the order of the
    alphabet."""
    found: dict[str, set[str]] = {}
    for place in directory.facilities:
        for kind, name in place.regions.items():
            found.setdefault(kind, set()).add(name)
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


@lru_cache(maxsize=1024)
def region_id(name: str) -> str:
    """The name of a region in small letters with hyphens: `hollands-midden`."""
    plain_letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain_letters).strip("-")


def ambulance_region(directory: Directory, lat: float, lon: float) -> str | None:
    """The ambulance region (RAV) in which a point (degrees) lies, as far as the nearest place can tell; its id."""
    north, east, up = unit_vector((lat, lon))
    near = (
        (x * north + y * east + z * up, place.regions["rav"])
        for (x, y, z), place in zip(directory.places.vectors, directory.facilities, strict=True)
        if "rav" in place.regions
    )
    nearest = max(near, default=None)
    return None if nearest is None else region_id(nearest[1])
