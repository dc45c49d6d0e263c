"""Writes places as FHIR R4: an Organization, its Location, and a HealthcareService for each unit where patients come.

What is not known is never written as available: a unit of which nobody knows whether it is there is named as such, and
what nobody freshly reported is `unknown`. Our own feed reader takes all of this in again (see `fhir_r4`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from routing.facilities.opening import DAYS, Opening, Window
from routing.facilities.profile import Facility
from routing.facilities.status import Beds
from routing.formats.fhir_hours import DAYS as DAYS_OF_FHIR
from routing.formats.fhir_hours import LOCATION_HOURS, SERVICE_HOURS
from routing.formats.fhir_places import CAPACITY, OWN_PLACE, OWN_UNIT, ROLE_CODE, STOP_URL, SYSTEMS, UNITS
from routing.formats.fhir_r4 import CAPABILITY_OF, CAPACITY_URL
from routing.vocabulary import Text, Vocabulary

Json = dict[str, Any]

KIND = "urn:wegwijs:facility-kind"
ELIGIBILITY = "urn:wegwijs:eligibility"
UNKNOWN_UNIT_URL = "urn:wegwijs:extension:unknown-unit"
"""On an Organization: a unit of which nobody knows whether the place has it."""
SDOH = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"

STATES: Mapping[str, tuple[Text, str | None]] = {
    "closed": (Text("gesloten gemeld", "reported closed"), "no-capacity"),
    "stop": (Text("stop: liefst naar elders", "stop: divert if possible"), "additional-assessment-required"),
    "full": (Text("geen bed vrij gemeld", "no bed free"), "no-capacity"),
    "free": (Text("bed vrij gemeld", "bed free"), "capacity"),
    "unknown": (Text("niet vers gemeld", "not freshly reported"), None),
}
"""What goes on at a unit, the worst first -> in words, and the code of the SDOH guide that is not wider than that. A
stop asks to divert if possible and is no closure, so it is `additional-assessment-required`: somebody has to call."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DAY = {ours: theirs for theirs, ours in DAYS_OF_FHIR.items()}


def fhir_id(*parts: str) -> str:
    """The id of a resource about a place, or about a unit of it: at most 64 characters, always the same."""
    made = ".".join(part.replace("_", "-") for part in parts)
    if _ID.fullmatch(made):
        return made
    return f"{made[:47]}-{hashlib.sha256(made.encode()).hexdigest()[:16]}"


def organization(place: Facility, day: date) -> Json:
    """The place as an Organization: who it is."""
    general = place.contacts.get("general")
    unknown = [unit for unit, capability in CAPABILITY_OF.items() if place.has(capability, day) is None]
    return _told(
        {
            "resourceType": "Organization",
            "id": fhir_id(place.id),
            "extension": [{"url": UNKNOWN_UNIT_URL, "valueCoding": _coding(OWN_UNIT, unit)} for unit in unknown],
            "identifier": identifiers_of(place),
            "active": True if place.status != "unknown" else None,
            "type": [_concept(KIND, place.kind)],
            "name": place.name,
            "telecom": [{"system": "phone", "value": general, "use": "work", "rank": 1}] if general else [],
            "address": [_address(place)],
        }
    )


def location(place: Facility) -> Json:
    """The site of the place: where it is. It has no `status`: what is closed is a unit, and stands at its service."""
    within = [_reference("Location", place.located_at)] if place.located_at is not None else []
    return _told(
        {
            "resourceType": "Location",
            "id": fhir_id(place.id),
            "identifier": identifiers_of(place),
            "name": place.name,
            "mode": "instance",
            "address": _address(place),
            "physicalType": _concept(PHYSICAL, "si", "Site"),
            "position": {"longitude": place.lon, "latitude": place.lat},
            "managingOrganization": _reference("Organization", place.id, place.name),
            "partOf": within[0] if within else None,
            "hoursOfOperation": _hours(place.opening, LOCATION_HOURS),
        }
    )


def units_of_place(place: Facility, shown: Iterable[Mapping[str, Any]], day: date) -> list[str]:
    """The units of a place that are services: those that it certainly has, and those of which somebody reported."""
    has = [unit for unit, capability in CAPABILITY_OF.items() if place.has(capability, day) is True]
    return list(dict.fromkeys((*has, *(report["unit"] for report in shown))))


def service_name(place: Facility, unit: str, words: Vocabulary) -> str:
    """The name of a unit of a place."""
    return f"{place.name}: {words.stop_kinds[unit].label.nl}"


def healthcare_service(place: Facility, unit: str, shown: Sequence[Mapping[str, Any]], words: Vocabulary) -> Json:
    """A unit of a place as a HealthcareService; `shown` are the reports of the place with their ages (see
    `routing.places.Live.shown`)."""
    mine = [report for report in shown if report["unit"] == unit]
    counting = [report for report in mine if report["fresh"] or report.get("in_force")]
    state = state_of(mine)
    label = words.stop_kinds[unit].label.nl
    opening = place.opening_for(CAPABILITY_OF[unit]) if unit in CAPABILITY_OF else None
    return _told(
        {
            "resourceType": "HealthcareService",
            "id": fhir_id(place.id, unit),
            # the oldest moment: what is taken in again must not look younger than it is
            "meta": {"lastUpdated": min(report["observed_at"] for report in counting)} if counting else None,
            "extension": [_capacity(state), *_stops(mine)],
            "identifier": identifiers_of(place),
            "active": True if place.status != "unknown" else None,
            "providedBy": _reference("Organization", place.id, place.name),
            "type": [{"coding": unit_codings(unit, label), "text": label}],
            "location": [_reference("Location", place.id, place.name)],
            "name": service_name(place, unit, words),
            "eligibility": list(_eligibility(place, unit)),
            "availableTime": _hours(opening, SERVICE_HOURS) if opening is not None else [],
            "notAvailable": [_closure(report) for report in counting if _closes(report)],
            "availabilityExceptions": _exceptions(opening) if opening is not None else None,
        }
    )


def state_of(mine: Sequence[Mapping[str, Any]]) -> str:
    """Which of STATES holds of a unit, by the reports about it: the worst that still counts."""
    if any(_closes(report) and report["fresh"] for report in mine):
        return "closed"
    if any(report.get("in_force") for report in mine):
        return "stop"
    counts = [report["value"] for report in mine if report["kind"] == "beds" and report["fresh"]]
    free = {Beds(**count).free for count in counts if isinstance(count, Mapping)}
    if free == {0}:
        return "full"
    return "free" if any(free - {None}) else "unknown"


# -- parts ------------------------------------------------------------------------------------------------------------


def identifiers_of(place: Facility) -> list[Json]:
    """The numbers of a place: those of the national registers, and its id here."""
    schemes = {scheme: system for system, scheme in SYSTEMS.items() if scheme != "id"}
    known = [(system, place.identifiers[scheme]) for scheme, system in schemes.items() if scheme in place.identifiers]
    return [{"system": system, "value": value} for system, value in (*known, (OWN_PLACE, place.id))]


def _address(place: Facility) -> Json:
    return _told({"city": place.city, "postalCode": place.postcode, "country": "NL"})


def _reference(kind: str, place_id: str, name: str | None = None) -> Json:
    return _told({"reference": f"{kind}/{fhir_id(place_id)}", "display": name})


def _coding(system: str, code: str, display: str | None = None) -> Json:
    return _told({"system": system, "code": code, "display": display})


def _concept(system: str, code: str, display: str | None = None) -> Json:
    return {"coding": [_coding(system, code, display)]}


def unit_codings(unit: str, label: str) -> list[Json]:
    """The codes of a unit: that of HL7 where one means the same, and our own at last."""
    standard = [name.split("|") for name, of in UNITS.items() if of == unit]
    named = [_coding(system, code) for system, code in standard if system == ROLE_CODE]
    return [*named, _coding(OWN_UNIT, unit, label)]


def _capacity(state: str) -> Json:
    words, code = STATES[state]
    codings = [_coding(CAPACITY, state, words.en), *([_coding(SDOH, code)] if code is not None else [])]
    concept = {"coding": codings, "text": words.nl}
    return {"url": CAPACITY_URL, "extension": [{"url": "capacityStatus", "valueCodeableConcept": concept}]}


def _stops(mine: Iterable[Mapping[str, Any]]) -> Iterator[Json]:
    """A stop that is in force, or that is freshly said not to be there."""
    for report in mine:
        if report["kind"] != "stop" or not (report.get("in_force") or (report["fresh"] and report["value"] is False)):
            continue
        parts = [{"url": "inForce", "valueBoolean": bool(report["value"])}]
        for name, member in (("observedAt", "observed_at"), ("since", "since"), ("expectedEnd", "expected_end")):
            if (moment := report.get(member)) is not None:
                parts.append({"url": name, "valueDateTime": moment})
        yield {"url": STOP_URL, "extension": parts}


def _closes(report: Mapping[str, Any]) -> bool:
    return report["kind"] == "open" and report["value"] is False


def _closure(report: Mapping[str, Any]) -> Json:
    during = {"start": report.get("since") or report["observed_at"], "end": report.get("expected_end")}
    return {"description": "gesloten gemeld", "during": _told(during)}


def _eligibility(place: Facility, unit: str) -> Iterator[Json]:
    if place.referral_only:
        yield {"code": _concept(ELIGIBILITY, "referral-only"), "comment": "alleen op verwijzing"}
    if place.patients == "children":
        yield {"code": _concept(ELIGIBILITY, "children"), "comment": "alleen kinderen"}
    if place.age_from_years is not None:
        yield {"code": _concept(ELIGIBILITY, "age-from"), "comment": f"vanaf {place.age_from_years} jaar"}
    if place.age_below_years is not None:
        yield {"code": _concept(ELIGIBILITY, "age-below"), "comment": f"tot {place.age_below_years} jaar"}
    if place.min_gestation_weeks is not None and unit == "obstetrics":
        weeks = f"vanaf {place.min_gestation_weeks} weken zwangerschap"
        yield {"code": _concept(ELIGIBILITY, "gestation-from"), "comment": weeks}


def _exceptions(opening: Opening) -> str | None:
    """What the hours of FHIR have no words for."""
    if opening.pattern in ("always", "unknown"):
        return None
    windows = [window for window in opening.windows if "holiday" in window.days]
    if not windows:
        return "op feestdagen gesloten"
    return "op feestdagen: " + ", ".join(f"{_clock(window.start)}-{_clock(window.end)}" for window in windows)


def _hours(opening: Opening, names: tuple[str, str]) -> list[Json]:
    """The hours of a week; none where they are not known. A window over midnight is written as two."""
    if opening.pattern == "unknown":
        return []
    if opening.pattern == "always":
        return [{"daysOfWeek": list(_DAY.values()), "allDay": True}]
    return [entry for window in opening.windows for entry in _window(window, names)]


def _window(window: Window, names: tuple[str, str]) -> Iterator[Json]:
    days = [day for day in DAYS if day in window.days and day in _DAY]
    if not days:
        return
    if not window.overnight:
        yield _entry(days, window.start, window.end, names)
        return
    yield _entry(days, window.start, 24 * 60, names)
    if window.end:
        week = list(_DAY)
        yield _entry([week[(week.index(day) + 1) % 7] for day in days], 0, window.end, names)


def _entry(days: Iterable[str], start: int, end: int, names: tuple[str, str]) -> Json:
    named: Json = {"daysOfWeek": [_DAY[day] for day in days]}
    if (start, end) == (0, 24 * 60):
        return {**named, "allDay": True}
    # FHIR has no 24:00; the reader takes the last minute of a day for its end
    return {**named, names[0]: f"{_clock(start)}:00", names[1]: f"{_clock(min(end, 24 * 60 - 1))}:00"}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _told(value: Json) -> Json:
    """`value` without what is not said: FHIR has no null and no empty lists."""
    return {key: said for key, said in value.items() if said is not None and said not in ([], {})}
