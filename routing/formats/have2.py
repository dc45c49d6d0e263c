"""Reads the colours of EDXL-HAVE 2.0: green and red of a hospital and of its services.

Only the few elements named here are known; the dictionary of all elements of version 2.0 was not read. Red asks to
take ambulances elsewhere (a stop), green says that nobody asks for that; every other colour is a shade in between,
of which nobody can say from here what it asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from pydantic import Field

from routing.errors import Fault, shown
from routing.formats.elements import find, leaves, read_elements, text_at
from routing.formats.field_map import Path, StrictMap, Word, checked_map
from routing.formats.record import NO_PLACE, FeedOptions, FeedRecord, Ignored, PlaceName, moment, no_time, refused

STOPS = {"green": False, "red": True}
UNITS: Mapping[str, str] = {
    "emergency department": "seh",
    "intensive care unit": "icu",
    "pediatric intensive care unit": "picu",
    "paediatric intensive care unit": "picu",
    "neonatal intensive care unit": "nicu",
    "obstetrics": "obstetrics",
    "pediatrics": "pediatrics",
    "paediatrics": "pediatrics",
}
"""Name of a service in small letters -> unit."""

_ID = ("facilityInformation", "facilityID")
_NAME = ("facilityInformation", "facilityName")
_COLOUR = ("facilityColourStatus", "colourCode", "Value")
_SERVICE_COLOUR = ("serviceStatus", "colourStatus", "colourCodeDefault", "Value")
_SERVICE = ("serviceList", "serviceListItem")
_SHADE = "is neither green nor red; what it asks is not known"


class HaveMap(StrictMap):
    """The mapping of fields: where a facility says its time, and further names of services with their unit."""

    observed_at: Path = "lastUpdateTime"
    units: dict[str, Word] = Field(default_factory=dict)


def read_have2(stream: BinaryIO, options: FeedOptions) -> Iterator[FeedRecord]:
    """A record for every `facility` of a `HAVE`. Raises BrokenFeed, and BadInput for a wrong mapping of fields."""
    given = checked_map(HaveMap, options.field_map)
    units = {**UNITS, **{name.lower(): unit for name, unit in given.units.items()}}
    time_path = tuple(given.observed_at.split("."))
    for number, element in read_elements(stream, "HAVE", "have:2.0", "facility"):
        yield _facility(element, f"facility {number}", options, units, time_path)


def _facility(
    facility: Element, where: str, options: FeedOptions, units: Mapping[str, str], time_path: tuple[str, ...]
) -> FeedRecord:
    place = _place(facility)
    if place is None:
        return refused(NO_PLACE, where, Fault("/".join(_ID), "missing", "names no hospital: neither an ID nor a name"))
    written = text_at(facility, *time_path)
    observed_at = moment(written)
    if observed_at is None:
        return refused(place, where, no_time("/".join(time_path), written))
    ignored: dict[tuple[str, str], Ignored] = {}
    stops = _stops(facility, units, ignored)
    handled = {_ID, _NAME, _COLOUR, time_path, (*_SERVICE, "serviceName"), (*_SERVICE, *_SERVICE_COLOUR)}
    for path, _ in leaves(facility):
        if path not in handled:
            _ignore(ignored, "/".join(str(shown(name)) for name in path), "is not an element that is known here")
    reports: tuple[dict[str, Any], ...] = tuple(
        {"unit": unit, "kind": "stop", "value": value, "observed_at": observed_at, "source": options.source}
        for unit, value in stops.items()
    )
    return FeedRecord(place, where, reports, observed_at=observed_at, ignored=tuple(ignored.values()))


def _ignore(ignored: dict[tuple[str, str], Ignored], field: str, why: str) -> None:
    ignored.setdefault((field, why), Ignored(field, why))


def _place(facility: Element) -> PlaceName | None:
    if (written := text_at(facility, *_ID)) is not None:
        return PlaceName("have", written)
    name = text_at(facility, *_NAME)
    return PlaceName("name", name) if name is not None else None


def _stops(facility: Element, units: Mapping[str, str], ignored: dict[tuple[str, str], Ignored]) -> dict[str, bool]:
    """Unit -> whether it asks to divert. The colour of the whole is that of the emergency department, unless that has
    its own among the services."""
    said: dict[str, set[bool]] = {}
    for service in find(facility, *_SERVICE):
        colour, name = text_at(service, *_SERVICE_COLOUR), text_at(service, "serviceName")
        unit = units.get((name or "").lower())
        if colour is None:
            continue
        if unit is None:
            _ignore(ignored, "/".join((*_SERVICE, "serviceName")), "stands for no unit that is known here")
        elif colour.lower() in STOPS:
            said.setdefault(unit, set()).add(STOPS[colour.lower()])
        else:
            _ignore(ignored, "/".join((*_SERVICE, *_SERVICE_COLOUR)), _SHADE)
            said.setdefault(unit, set())
    colour = text_at(facility, *_COLOUR)
    if colour is not None and "seh" in said:
        _ignore(ignored, "/".join(_COLOUR), "the emergency department has a colour of its own")
    elif colour is not None and colour.lower() in STOPS:
        said["seh"] = {STOPS[colour.lower()]}
    elif colour is not None:
        _ignore(ignored, "/".join(_COLOUR), _SHADE)
    for unit, values in said.items():
        if len(values) > 1:
            _ignore(ignored, "/".join(_SERVICE), f"`{unit}` is both green and red; neither is taken")
    return {unit: next(iter(values)) for unit, values in said.items() if len(values) == 1}
