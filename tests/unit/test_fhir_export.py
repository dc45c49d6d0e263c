"""Promises about places as FHIR R4: as its own definition says, read back as the same place, never looking better."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.facilities.opening import OUT_OF_HOURS, read_opening
from routing.facilities.profile import Facility, capability_table
from routing.facilities.record import facility_record, read_facility
from routing.feeding.draft import merged
from routing.formats.feed import FeedRecord, PlaceName
from routing.formats.fhir_export import STATES, fhir_id, healthcare_service, location, organization, units_of_place
from routing.formats.fhir_places import CAPACITY, STOP_URL
from routing.formats.fhir_r4 import CAPACITY_URL
from tests.feeds import records
from tests.fhir import wrong_in
from tests.once import read_vocabulary

WORDS = read_vocabulary()
TABLE = capability_table(WORDS)
DAY = date(2026, 11, 23)
NOW = "2026-11-23T14:00:00+01:00"
HOSPITAL: dict[str, Any] = {
    "id": "voorbeeld",
    "name": "Ziekenhuis <Voorbeeld> & Zn",
    "kind": "hospital_seh",
    "city": "Voorbeeldstad",
    "postcode": "3584CX",
    "lat": 52.09071,
    "lon": 5.12142,
    "capabilities": {"seh": True, "icu": True, "nicu": None, "picu": False},
    "opening": "always",
    "opening_of": {"seh": [{"days": ["mo", "tu", "holiday"], "from": "08:00", "to": "22:30"}]},
    "identifiers": {"ura": "00001234", "agb": "06010101"},
    "contacts": {"general": "+31 30 123 4567"},
    "age_from_years": 16,
    "referral_only": True,
}


def place(**changes: Any) -> Facility:
    record = {name: value for name, value in {**HOSPITAL, **changes}.items() if value is not None}
    return read_facility(record, TABLE)


def report(unit: str, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    """A report as `routing.places.Live.shown` gives it."""
    return {"unit": unit, "kind": kind, "value": value, "observed_at": NOW, "age_minutes": 5, "fresh": True, **more}


def resources(of: Facility, *shown: dict[str, Any]) -> list[dict[str, Any]]:
    services = [healthcare_service(of, unit, shown, WORDS) for unit in units_of_place(of, shown, DAY)]
    return [organization(of, DAY), location(of), *services]


def service(unit: str, *shown: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return healthcare_service(place(**changes), unit, shown, WORDS)


def status(resource: dict[str, Any]) -> tuple[str | None, str | None]:
    """What a service says goes on there: in our word, and in that of the SDOH guide."""
    (extension,) = [each for each in resource["extension"] if each["url"] == CAPACITY_URL]
    codings = extension["extension"][0]["valueCodeableConcept"]["coding"]
    ours = [each["code"] for each in codings if each["system"] == CAPACITY]
    theirs = [each["code"] for each in codings if each["system"] != CAPACITY]
    return ours[0], theirs[0] if theirs else None


def taken_in(*exported: dict[str, Any]) -> list[FeedRecord]:
    """What our own feed reader makes of it."""
    entries = [{"resource": resource} for resource in exported]
    return records("fhir-r4", json.dumps({"resourceType": "Bundle", "entry": entries}).encode())


def said(found: list[FeedRecord]) -> dict[tuple[str, str], Any]:
    return {(each["unit"], each["kind"]): each for record in found for each in record.reports}


# -- as FHIR says it --------------------------------------------------------------------------------------------------

windows = st.lists(
    st.fixed_dictionaries(
        {
            "days": st.lists(
                st.sampled_from(["mo", "tu", "we", "th", "fr", "sa", "su", "holiday"]), min_size=1, unique=True
            ),
            "from": st.sampled_from(["00:00", "07:30", "17:00", "22:00"]),
            "to": st.sampled_from(["06:00", "08:00", "12:15", "24:00"]),
        }
    ),
    min_size=1,
    max_size=3,
)
openings = st.sampled_from(["always", "unknown", "out_of_hours"]) | windows
flags = st.sampled_from([True, False, None])
moments = st.sampled_from([NOW, "2026-11-23T10:00:00+00:00"])
reports = st.lists(
    st.one_of(
        st.builds(
            lambda unit, value, force, since: report(unit, "stop", value, in_force=force and value is True, **since),
            st.sampled_from(list(WORDS.stop_kinds)),
            flags,
            st.booleans(),
            st.fixed_dictionaries({}, optional={"since": moments, "expected_end": moments}),
        ),
        st.builds(
            lambda unit, value, fresh: report(unit, "open", value, fresh=fresh),
            st.sampled_from(list(WORDS.stop_kinds)),
            flags,
            st.booleans(),
        ),
        st.builds(
            lambda unit, free, fresh: report(unit, "beds", {"available": free}, fresh=fresh),
            st.sampled_from(["icu", "nicu", "obstetrics"]),
            st.integers(0, 3),
            st.booleans(),
        ),
    ),
    max_size=5,
)
places = st.builds(
    place,
    id=st.sampled_from(["voorbeeld", "x" * 80, "a-" * 39 + "b"]),
    name=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40),
    kind=st.sampled_from(list(WORDS.facility_kinds)),
    status=st.sampled_from(["active", "unknown"]),
    opening=openings,
    opening_of=st.dictionaries(st.sampled_from(["seh", "icu", "hap", "cardiac_care"]), openings, max_size=3),
    capabilities=st.dictionaries(st.sampled_from(["seh", "icu", "nicu", "hap", "elv"]), flags),
    postcode=st.sampled_from([None, "3584CX"]),
    located_at=st.sampled_from([None, "elders"]),
    patients=st.sampled_from(["all", "children"]),
    identifiers=st.sampled_from([{}, {"ura": "00001234"}]),
    contacts=st.sampled_from([{}, {"general": "+31 30 123 4567"}]),
    age_from_years=st.sampled_from([None, 16]),
)


@settings(max_examples=60, deadline=None)
@given(of=places, shown=reports)
def test_every_place_is_as_the_definition_of_fhir_says(of: Facility, shown: list[dict[str, Any]]) -> None:
    made = resources(of, *shown)
    for resource in made:
        assert wrong_in(resource) == [], resource["resourceType"]
    ids = [(resource["resourceType"], resource["id"]) for resource in made]
    assert len(set(ids)) == len(ids)


@settings(max_examples=60, deadline=None)
@given(of=places, shown=reports)
def test_what_is_not_known_never_looks_available(of: Facility, shown: list[dict[str, Any]]) -> None:
    for resource in resources(of, *shown)[2:]:
        unit = resource["type"][0]["coding"][-1]["code"]
        mine = [each for each in shown if each["unit"] == unit]
        ours, theirs = status(resource)
        if ours == "free":
            assert any(each["kind"] == "beds" and each["fresh"] for each in mine)
        if any(each["kind"] == "open" and each["value"] is False and each["fresh"] for each in mine):
            assert (ours, theirs) == ("closed", "no-capacity")
            assert resource["notAvailable"]
        if any(each.get("in_force") for each in mine):
            assert theirs in ("no-capacity", "additional-assessment-required")
            assert [each for each in resource["extension"] if each["url"] == STOP_URL]


def test_a_unit_of_which_nobody_knows_is_no_service_and_is_named() -> None:
    of = place()
    assert "nicu" not in units_of_place(of, (), DAY)
    (named,) = [each["valueCoding"]["code"] for each in organization(of, DAY)["extension"] if "nicu" in str(each)]
    assert named == "nicu"
    assert "picu" not in str(organization(of, DAY)), "what it certainly has not is not unknown"


def test_ids_fit_fhir_and_are_one_for_each_unit() -> None:
    assert fhir_id("umc-utrecht", "minor_injury") == "umc-utrecht.minor-injury"
    long = [fhir_id("x" * 80, unit) for unit in WORDS.stop_kinds]
    assert len(set(long)) == len(long)
    assert all(len(each) <= 64 for each in long)


# -- what goes on there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ((), "unknown"),
        ((report("seh", "stop", True, in_force=True),), "stop"),
        ((report("seh", "stop", True, in_force=False, fresh=True),), "unknown"),
        ((report("seh", "stop", False),), "unknown"),
        ((report("seh", "open", False),), "closed"),
        ((report("seh", "open", False, fresh=False),), "unknown"),
        ((report("seh", "open", False), report("seh", "stop", True, in_force=True)), "closed"),
        ((report("seh", "beds", {"available": 0}),), "full"),
        ((report("seh", "beds", {"staffed": 4, "occupied": 4}),), "full"),
        ((report("seh", "beds", {"available": 2}),), "free"),
        ((report("seh", "beds", {"total": 2}),), "unknown"),
        ((report("seh", "beds", {"available": 2}, fresh=False),), "unknown"),
        ((report("seh", "beds", {"available": 2}), report("seh", "stop", True, in_force=True)), "stop"),
        ((report("icu", "open", False),), "unknown"),
    ],
)
def test_the_worst_that_counts_is_shown(shown: tuple[dict[str, Any], ...], state: str) -> None:
    assert status(service("seh", *shown)) == (state, STATES[state][1])


def test_a_stop_is_no_closure() -> None:
    made = service("seh", report("seh", "stop", True, in_force=True))
    assert "notAvailable" not in made
    assert said(taken_in(made)).keys() == {("seh", "stop")}


def test_it_does_not_get_younger_on_its_way() -> None:
    first, old, new = (f"2026-11-21T{clock}:00+01:00" for clock in ("18:00", "19:00", "20:00"))
    stop = report("icu", "stop", True, in_force=True, since=first, observed_at=new)
    closed = report("icu", "open", False, observed_at=old, expected_end="2026-11-22T08:00:00+01:00")
    found = said(taken_in(service("icu", stop, closed)))
    assert (found["icu", "stop"]["observed_at"], found["icu", "stop"]["since"]) == (new, first)
    assert found["icu", "open"]["observed_at"] == old
    assert found["icu", "open"]["expected_end"] == "2026-11-22T08:00:00+01:00"
    assert ("icu", "beds") not in found, "a closure says nothing about beds"


def test_what_is_full_is_taken_in_as_no_bed_free() -> None:
    full = said(taken_in(service("icu", report("icu", "beds", {"available": 0}))))
    assert full["icu", "beds"]["value"] == {"available": 0}
    assert said(taken_in(service("icu", report("icu", "beds", {"available": 3})))) == {}


# -- there and back ---------------------------------------------------------------------------------------------------


def back(of: Facility) -> Facility:
    """The place after its export was taken in again."""
    known = facility_record(of)
    for record in taken_in(*resources(of)):
        assert record.place == PlaceName("id", of.id)
        assert record.refused == ()
        known = merged(known, record.profile or {})
    return read_facility(known, TABLE)


def test_a_place_that_is_taken_in_again_is_the_same() -> None:
    of = place(opening_of={"seh": [{"days": ["mo", "tu"], "from": "08:00", "to": "22:30"}], "icu": "always"})
    found = back(of)
    assert dataclasses.replace(found, opening_of={}) == dataclasses.replace(of, opening_of={})
    # hours of the whole place stand at each unit now, and mean the same
    assert {each: found.opening_for(each) for each in TABLE.capabilities} == {
        each: of.opening_for(each) for each in TABLE.capabilities
    }


def without_holidays(opening: Any) -> frozenset[tuple[str, int]]:
    """Every minute of a week at which it is open, as FHIR can say it."""
    if opening.pattern == "always":
        return frozenset((day, 60 * hour) for day in DAYS for hour in range(24))
    open_at = set()
    for window in opening.windows:
        for day in window.days & {*DAYS}:
            after = DAYS[(DAYS.index(day) + 1) % 7]
            end = 24 * 60 if window.overnight else window.end
            open_at |= {(day, minute) for minute in range(window.start, end, 15)}
            open_at |= {(after, minute) for minute in range(0, window.end, 15)} if window.overnight else set()
    return frozenset(open_at)


DAYS = ["mo", "tu", "we", "th", "fr", "sa", "su"]


@settings(max_examples=60, deadline=None)
@given(opening=openings)
def test_hours_come_back_as_the_same_hours_but_for_holidays(opening: Any) -> None:
    of = place(opening_of={"seh": opening})
    given_hours, found = of.opening_of["seh"], back(of).opening_of["seh"]
    if given_hours.pattern == "unknown":
        assert found == given_hours, "what is not known is not said, and so stays"
    elif given_hours.pattern != "always" and not without_holidays(given_hours):
        assert found == given_hours, "open on holidays only: FHIR has no words for that"
    elif given_hours.pattern != "always" and found.pattern != "always":
        assert without_holidays(found) == without_holidays(given_hours)
    elif given_hours.pattern == "always":
        assert found.pattern == "always"


def test_what_fhir_cannot_say_about_holidays_stands_there_in_words() -> None:
    evening = service("hap", kind="huisartsenpost", capabilities={}, opening="out_of_hours", opening_of={})
    assert evening["availabilityExceptions"] == "op feestdagen: 00:00-24:00"
    assert read_opening("out_of_hours") == OUT_OF_HOURS
    closed = service("seh", opening_of={"seh": [{"days": ["mo"], "from": "08:00", "to": "12:00"}]})
    assert closed["availabilityExceptions"] == "op feestdagen gesloten"
