"""Reads a FHIR R4 Bundle with organisations, locations and services into parts of profiles and into status.

Each entry is one record. Organisations stand before their locations and services, as senders write them; what refers
to something that has not been seen is named by that reference, for the service to look up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from routing.errors import BadInput, BrokenFeed, Fault, shown
from routing.formats.entries import Head, json_object, read_entries
from routing.formats.fhir_hours import LOCATION_HOURS, SERVICE_HOURS, absence_at, opening_of
from routing.formats.fhir_places import (
    CAPACITY,
    NAME_MOST,
    REFERENCES_MOST,
    SITE_CODES,
    STOP_URL,
    identifiers,
    objects,
    place_of,
    reference_of,
    remember,
    types_of,
    unit_of,
    units_of,
)
from routing.formats.have1 import DOORS
from routing.formats.record import NO_PLACE, FeedOptions, FeedRecord, Ignored, PlaceName, moment, refused

_SAME_NAME = (
    *("seh", "hap", "minor_injury", "icu", "picu", "nicu", "obstetrics", "pediatrics"),
    *("ggz_crisis", "elv", "grz", "wlz_crisis"),
)
CAPABILITY_OF = {unit: unit for unit in _SAME_NAME} | {"ehh": "cardiac_care"}
"""Unit -> the capability whose opening its hours are."""

BED_UNITS = frozenset(
    {"icu", "picu", "nicu", "obstetrics", "pediatrics", "beds", "ggz_crisis", "elv", "grz", "wlz_crisis"}
)
"""Units of which no capacity means no free place; an emergency department has no such places."""

CAPACITY_URL = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
)
_DAMAGE = frozenset({"not_json", "not_utf8", "empty_body"})
_TYPE = re.compile(r"[A-Za-z]{1,40}")
_PHONE = re.compile(r"(tel:)?\+?[0-9][0-9 ()\-.]{4,22}")

_DIRECTORY = "is not taken from a feed; the directory keeps its own"
_PERSONS = "may name persons"
_NO_UNIT = "its type stands for no unit that is known here; a mapping of fields can say which"

NEVER = {
    "contact": _PERSONS,
    "text": "free text, " + _PERSONS,
    "comment": "free text, " + _PERSONS,
    "extraDetails": "free text, " + _PERSONS,
    "description": "free text, " + _PERSONS,
    "contained": "what is contained is not read; it belongs in an entry of its own",
    "operationalStatus": "is the status of one bed, and says nothing about a unit",
    "availabilityExceptions": "free text about hours",
    "active": "whether the record is in use, not whether the place is open",
    "specialty": "a specialty is no department",
    "address": _DIRECTORY,
    "alias": _DIRECTORY,
}
"""Field -> why it is never taken; of fields that stand in neither table the reason is that of the directory."""


_LOCATION_FIELDS = frozenset(
    ("identifier", "managingOrganization", "type", "physicalType", "position", "hoursOfOperation", "status", "name")
)


@dataclass(slots=True)
class _Found:
    """What was read of one resource so far."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)

    def ignore(self, name: str, why: str) -> None:
        self.ignored.append(Ignored(str(shown(name)), why))


@dataclass(slots=True)
class _Bundle:
    """What is kept while a Bundle is read: the places of resources, and what was said to be closed."""

    options: FeedOptions
    units: Mapping[str, str]
    known: dict[str, PlaceName] = field(default_factory=dict)
    closed: set[tuple[PlaceName, str]] = field(default_factory=set)


def read_fhir(stream: BinaryIO, options: FeedOptions) -> Iterator[FeedRecord]:
    """A record for every entry. Raises BrokenFeed, and BadInput for a wrong mapping of fields."""
    bundle = _Bundle(options, units_of(options.field_map))
    for head, number, data in read_entries(stream, "entry", "entry", _check_bundle):
        yield _entry(data, f"entry {number}", head, bundle)


def _check_bundle(head: Head) -> None:
    if head.get("resourceType") != "Bundle":
        allowed = "a Bundle, with `resourceType` before `entry`"
        raise BrokenFeed("the beginning", "no_bundle", "is not a FHIR Bundle", allowed)


def _entry(data: bytes, where: str, head: Head, bundle: _Bundle) -> FeedRecord:
    try:
        entry = json_object(data, where, _DAMAGE)
    except BadInput as error:
        if isinstance(error, BrokenFeed):
            raise
        return refused(NO_PLACE, where, *error.faults)
    resource = entry.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(resource, dict) or not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        return refused(NO_PLACE, where, Fault("resource", "missing", "is not a resource with its `resourceType`"))
    if kind not in _READ:
        why = "this type of resource says nothing about places that is read here"
        return FeedRecord(NO_PLACE, where, ignored=(Ignored(kind, why),))
    place = place_of(resource, bundle.known)
    if place == NO_PLACE:
        return refused(NO_PLACE, where, Fault("resource", "missing", "has no identifier, id or name"))
    remember(bundle.known, resource, entry.get("fullUrl"), place)
    return _record(resource, kind, place, where, head, bundle)


def _record(
    resource: dict[str, Any], kind: str, place: PlaceName, where: str, head: Head, bundle: _Bundle
) -> FeedRecord:
    meta = resource.get("meta")
    observed_at = moment(meta.get("lastUpdated") if isinstance(meta, dict) else None) or moment(head.get("timestamp"))
    found = _Found()
    taken = _READ[kind](resource, place, found, bundle)
    for name in resource:
        if name not in taken and name not in {"resourceType", "id", "meta"}:
            found.ignore(name, NEVER.get(name, _DIRECTORY))
    if found.reports and observed_at is None:
        found.ignore("meta.lastUpdated", "is missing, as is the time of the Bundle; status without a time is not taken")
        found.reports = []
    reports = tuple({"observed_at": observed_at, **report, "source": bundle.options.source} for report in found.reports)
    return FeedRecord(place, where, reports, found.profile or None, observed_at, tuple(dict.fromkeys(found.ignored)))


# -- the three types of resources; each returns the fields with which it dealt


def _organization(resource: dict[str, Any], place: PlaceName, found: _Found, bundle: _Bundle) -> Set[str]:
    name = resource.get("name")
    if isinstance(name, str) and name.strip():
        found.profile["name"] = name.strip()
    known_as = identifiers(resource)
    if known_as.pop("id", None) is None and (own := reference_of(resource)):
        known_as["fhir"] = own
    if known_as:
        found.profile["identifiers"] = known_as
    _phones(resource.get("telecom"), found)
    return {"name", "identifier", "telecom"}


def _phones(telecom: Any, found: _Found) -> None:
    phones: list[tuple[int, int, str]] = []
    for point in objects(telecom):
        value = point.get("value")
        if point.get("system") != "phone" or point.get("use") != "work":
            found.ignore("telecom", "is no telephone number for work")
        elif not isinstance(value, str) or not _PHONE.fullmatch(value.strip()):
            found.ignore("telecom", "is no telephone number")
        else:
            rank = point.get("rank")
            phones.append((rank if isinstance(rank, int) else 99, len(phones), value.strip().removeprefix("tel:")))
    if phones:
        found.profile["contacts"] = {"general": min(phones)[2]}
    if len(phones) > 1:
        found.ignore("telecom", "another number for work; the first by rank is taken")


def _location(resource: dict[str, Any], place: PlaceName, found: _Found, bundle: _Bundle) -> Set[str]:
    unit, site = unit_of(resource, bundle.units), bool(types_of(resource) & SITE_CODES)
    if site and unit is None:
        _position(resource.get("position"), found)
    elif "position" in resource:
        found.ignore("position", "is that of a part of the place")
    if "hoursOfOperation" in resource:
        _hours(resource["hoursOfOperation"], "hoursOfOperation", LOCATION_HOURS, unit, found)
    if "status" in resource:
        _location_status(resource["status"], (unit,) if unit else DOORS if site else (), place, found, bundle)
    if "name" in resource:
        found.ignore("name", "may be that of a part; the name of a place is that of its organisation")
    return _LOCATION_FIELDS


def _position(position: Any, found: _Found) -> None:
    if position is None:
        return
    lat, lon = (position.get(key) if isinstance(position, dict) else None for key in ("latitude", "longitude"))
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in (lat, lon)):
        found.profile |= {"lat": float(lat), "lon": float(lon)}  # type: ignore[arg-type]
    else:
        found.ignore("position", "is not a latitude and a longitude")


def _location_status(status: Any, units: tuple[str, ...], place: PlaceName, found: _Found, bundle: _Bundle) -> None:
    if not units:
        found.ignore("status", _NO_UNIT)
    elif status in ("suspended", "inactive"):
        for unit in units:
            _close(unit, place, found, bundle)
    elif status == "active":
        # in use is not open at this hour: it lifts what was closed, and the hours decide again
        for unit in units:
            if (place, unit) not in bundle.closed:
                found.reports.append({"unit": unit, "kind": "open", "value": None})
    else:
        found.ignore("status", "is none of active, suspended, inactive")


def _close(unit: str, place: PlaceName, found: _Found, bundle: _Bundle, **more: str) -> None:
    found.reports.append({"unit": unit, "kind": "open", "value": False, **more})
    if len(bundle.closed) < REFERENCES_MOST and len(place.value) <= NAME_MOST:
        bundle.closed.add((place, unit))


def _hours(hours: Any, name: str, names: tuple[str, str], unit: str | None, found: _Found) -> None:
    if unit not in CAPABILITY_OF:
        found.ignore(name, _NO_UNIT)
        return
    try:
        opening = opening_of(hours, names)
    except ValueError as error:
        found.ignore(name, f"not taken, for a part of it {error}")
        return
    found.profile["opening_of"] = {CAPABILITY_OF[unit]: opening}
    if opening != "always":
        found.ignore(name, "says nothing about public holidays: on those the place counts as closed")


def _service(resource: dict[str, Any], place: PlaceName, found: _Found, bundle: _Bundle) -> Set[str]:
    unit = unit_of(resource, bundle.units)
    if "availableTime" in resource:
        _hours(resource["availableTime"], "availableTime", SERVICE_HOURS, unit, found)
    if "notAvailable" in resource:
        _absence(resource["notAvailable"], unit, place, found, bundle)
    if "extension" in resource:
        _capacity(resource["extension"], unit, found)
    if "name" in resource:
        found.ignore("name", "is that of the service; the name of a place is that of its organisation")
    taken = {"identifier", "providedBy", "location", "type", "availableTime", "notAvailable", "extension", "name"}
    return taken if unit else taken - {"type"}


def _absence(absences: Any, unit: str | None, place: PlaceName, found: _Found, bundle: _Bundle) -> None:
    if unit is None:
        found.ignore("notAvailable", _NO_UNIT)
        return
    entries = list(objects(absences))
    if any("description" in entry for entry in entries):
        found.ignore("notAvailable.description", "free text, " + _PERSONS)
    periods = [period for entry in entries for period in objects([entry.get("during")])]
    if len(periods) < len(entries):
        found.ignore("notAvailable", "one of them has no period")
    try:
        absence = absence_at(periods, bundle.options.received_at)
    except ValueError as error:
        found.ignore("notAvailable", f"not taken, for it {error}")
        return
    if absence is None:
        found.ignore("notAvailable", "none of it holds now; what is announced is taken once it holds")
        return
    more = {"since": absence.since, "expected_end": absence.until}
    _close(unit, place, found, bundle, **{key: value for key, value in more.items() if value})


def _capacity(extensions: Any, unit: str | None, found: _Found) -> None:
    for extension in objects(extensions):
        if extension.get("url") == STOP_URL and unit is not None:
            _stop(extension, unit, found)
            continue
        if extension.get("url") != CAPACITY_URL:
            found.ignore("extension", "is not an extension that is known here")
            continue
        codes = {
            str(coding.get("code"))
            for part in objects(extension.get("extension"))
            if part.get("url") == "capacityStatus"
            for concept in objects([part.get("valueCodeableConcept")])
            for coding in objects(concept.get("coding"))
            if coding.get("system") != CAPACITY
        }
        if codes == {"no-capacity"} and unit in BED_UNITS and not _says(extension, "closed"):
            found.reports.append({"unit": unit, "kind": "beds", "value": {"available": 0}})
        elif codes == {"no-capacity"}:
            found.ignore("extension.capacityStatus", "no capacity is no number of beds here, and no request to divert")
        else:
            found.ignore("extension.capacityStatus", "capacity or a waiting list is no number of free places")


def _says(extension: Mapping[str, Any], code: str) -> bool:
    """Whether our own code for what goes on stands in a capacity status."""
    return any(
        (coding.get("system"), coding.get("code")) == (CAPACITY, code)
        for part in objects(extension.get("extension"))
        for concept in objects([part.get("valueCodeableConcept")])
        for coding in objects(concept.get("coding"))
    )


def _stop(extension: Mapping[str, Any], unit: str, found: _Found) -> None:
    """A stop as `fhir_export` writes it, with the moment at which it was observed."""
    parts = {part.get("url"): part for part in objects(extension.get("extension"))}
    value = parts.get("inForce", {}).get("valueBoolean")
    moments = {
        name: moment(parts.get(url, {}).get("valueDateTime"))
        for url, name in (("observedAt", "observed_at"), ("since", "since"), ("expectedEnd", "expected_end"))
    }
    if not isinstance(value, bool) or moments["observed_at"] is None:
        found.ignore("extension.stop", "does not say whether there is a stop, and when that was observed")
        return
    told = {name: said for name, said in moments.items() if said is not None}
    found.reports.append({"unit": unit, "kind": "stop", "value": value, **told})


_READ: dict[str, Callable[[dict[str, Any], PlaceName, _Found, _Bundle], Set[str]]] = {
    "Organization": _organization,
    "Location": _location,
    "HealthcareService": _service,
}
