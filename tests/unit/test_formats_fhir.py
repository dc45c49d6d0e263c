"""Promises about FHIR R4: the right place, only what the words really mean, and no persons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routing.facilities.opening import read_opening
from routing.formats.feed import NO_PLACE, FeedRecord, PlaceName
from routing.formats.fhir_places import REFERENCES_MOST, UNITS
from tests.feeds import example, records, until_broken, why

TIME = "2026-11-21T20:00:00+01:00"
URA = {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "00001234"}
AGB = {"system": "http://fhir.nl/fhir/NamingSystem/agb-z", "value": "06010101"}
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ORGANIZATION: dict[str, Any] = {"resourceType": "Organization", "id": "o"}
LOCATION: dict[str, Any] = {"resourceType": "Location", "id": "l"}
SERVICE: dict[str, Any] = {"resourceType": "HealthcareService", "id": "s"}


def typed(code: str, system: str = ROLE) -> dict[str, Any]:
    return {"type": [{"coding": [{"system": system, "code": code}]}]}


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "timestamp": TIME, **more, "entry": entries}).encode()


def read(*resources: dict[str, Any], **field_map: Any) -> list[FeedRecord]:
    return records("fhir-r4", bundle(*resources), **field_map)


def one(resource: dict[str, Any], **field_map: Any) -> FeedRecord:
    [record] = read(resource, **field_map)
    return record


def said(record: FeedRecord) -> dict[tuple[str, str], Any]:
    return {(report["unit"], report["kind"]): report["value"] for report in record.reports}


# -- which place


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ({**ORGANIZATION, "identifier": [AGB, URA]}, PlaceName("ura", "00001234")),
        ({**ORGANIZATION, "identifier": [AGB]}, PlaceName("agb", "06010101")),
        ({**ORGANIZATION, "identifier": [{**AGB, "use": "old"}]}, PlaceName("fhir", "Organization/o")),
        ({**ORGANIZATION, "identifier": [{"system": "x", "value": "1"}]}, PlaceName("fhir", "Organization/o")),
        ({"resourceType": "Organization", "name": "Demo"}, PlaceName("name", "Demo")),
        ({**LOCATION, "identifier": [AGB]}, PlaceName("agb", "06010101")),
        ({**LOCATION, "managingOrganization": {"identifier": URA}}, PlaceName("ura", "00001234")),
        ({**LOCATION, "managingOrganization": {"reference": "Organization/9"}}, PlaceName("fhir", "Organization/9")),
        (
            {**LOCATION, "managingOrganization": {"reference": "https://x.nl/fhir/Organization/9/_history/2"}},
            PlaceName("fhir", "Organization/9"),
        ),
        ({**LOCATION, "managingOrganization": {"reference": "#inside"}}, PlaceName("fhir", "Location/l")),
        ({**LOCATION, "managingOrganization": "Organization/9"}, PlaceName("fhir", "Location/l")),
        ({**SERVICE, "location": [{"reference": "Location/1"}]}, PlaceName("fhir", "Location/1")),
        (
            {**SERVICE, "location": [{"reference": "Location/1"}, {"reference": "Location/2"}]},
            PlaceName("fhir", "HealthcareService/s"),
        ),
        (SERVICE, PlaceName("fhir", "HealthcareService/s")),
    ],
)
def test_the_place_is_found_by_the_surest_name(resource: dict[str, Any], place: PlaceName) -> None:
    assert one(resource).place == place


def test_a_reference_finds_what_stood_before_it_in_the_bundle() -> None:
    organization = {**ORGANIZATION, "identifier": [URA]}
    location = {**LOCATION, "managingOrganization": {"reference": "Organization/o"}}
    service = {**SERVICE, "location": [{"reference": "Location/l"}]}
    assert {record.place for record in read(organization, location, service)} == {PlaceName("ura", "00001234")}
    assert read(service, location, organization)[0].place == PlaceName("fhir", "Location/l")


def test_only_so_many_references_are_remembered() -> None:
    organizations = [{**ORGANIZATION, "id": str(n), "identifier": [URA]} for n in range(REFERENCES_MOST + 1)]
    known = {**LOCATION, "managingOrganization": {"reference": "Organization/0"}}
    unknown = {**LOCATION, "managingOrganization": {"reference": f"Organization/{REFERENCES_MOST}"}}
    found = read(*organizations, known, unknown)
    assert found[-2].place == PlaceName("ura", "00001234")
    assert found[-1].place == PlaceName("fhir", f"Organization/{REFERENCES_MOST}")


# -- organisations


def test_an_organisation_gives_its_name_and_identifiers() -> None:
    record = one({**ORGANIZATION, "name": " Demo ", "identifier": [URA, AGB]})
    assert record.profile == {
        "name": "Demo",
        "identifiers": {"ura": "00001234", "agb": "06010101", "fhir": "Organization/o"},
    }
    assert record.reports == ()


@pytest.mark.parametrize(
    ("telecom", "contacts"),
    [
        ([{"system": "phone", "use": "work", "value": "tel:+31-30-1234567"}], {"general": "+31-30-1234567"}),
        (
            [
                {"system": "phone", "use": "work", "value": "030 111 1111", "rank": 2},
                {"system": "phone", "use": "work", "value": "030 222 2222", "rank": 1},
            ],
            {"general": "030 222 2222"},
        ),
        ([{"system": "phone", "use": "mobile", "value": "0612345678"}], None),
        ([{"system": "phone", "use": "home", "value": "0301234567"}], None),
        ([{"system": "phone", "value": "0301234567"}], None),
        ([{"system": "email", "use": "work", "value": "a@example.org"}], None),
        ([{"system": "phone", "use": "work", "value": "vraag naar A. Voorbeeld"}], None),
        ("030 1234567", None),
    ],
)
def test_only_a_telephone_number_for_work_is_a_contact(telecom: Any, contacts: dict[str, str] | None) -> None:
    record = one({**ORGANIZATION, "telecom": telecom})
    assert (record.profile or {}).get("contacts") == contacts
    assert "0612345678" not in repr(record)
    assert "Voorbeeld" not in repr(record)


@pytest.mark.parametrize("field", ["contact", "text", "comment", "extraDetails", "description", "contained", "address"])
def test_no_field_in_which_persons_may_be_named_is_taken_or_repeated(field: str) -> None:
    for resource in (ORGANIZATION, LOCATION, SERVICE):
        record = one({**resource, field: [{"name": {"text": "A. Voorbeeld"}}]})
        assert field in why(record)
        assert "Voorbeeld" not in repr(record)


@pytest.mark.parametrize("kind", ["Patient", "Practitioner", "PractitionerRole", "Endpoint", "X"])
def test_of_other_resources_only_their_type_is_kept(kind: str) -> None:
    record = one({"resourceType": kind, "id": "voorbeeld", "name": [{"text": "A. Voorbeeld"}]})
    assert record.place == NO_PLACE
    assert list(why(record)) == [kind]
    assert "oorbeeld" not in repr(record)


# -- locations


@pytest.mark.parametrize(("code", "unit"), [(code.split("|"), unit) for code, unit in UNITS.items()])
def test_a_department_that_is_suspended_is_not_open(code: list[str], unit: str) -> None:
    assert said(one({**LOCATION, **typed(code[1], code[0]), "status": "suspended"})) == {(unit, "open"): False}


def test_in_use_lifts_a_closure_and_claims_no_open_door() -> None:
    assert said(one({**LOCATION, **typed("ER"), "status": "active"})) == {("seh", "open"): None}


def test_in_use_does_not_lift_what_the_same_bundle_closed() -> None:
    closed = {**SERVICE, **typed("ER"), "providedBy": {"identifier": URA}}
    closed["notAvailable"] = [{"during": {"start": "2026-11-21T00:00:00Z"}}]
    active = {**LOCATION, **typed("ER"), "managingOrganization": {"identifier": URA}, "status": "active"}
    first, second = read(closed, active)
    assert said(first) == {("seh", "open"): False}
    assert second.reports == ()


def test_a_site_gives_its_position_and_its_doors() -> None:
    record = one({**LOCATION, **typed("HOSP"), "status": "inactive", "position": {"latitude": 52, "longitude": 5.1}})
    assert record.profile == {"lat": 52.0, "lon": 5.1}
    assert said(record) == {("seh", "open"): False, ("obstetrics", "open"): False, ("beds", "open"): False}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"status": "suspended"}, "status"),
        ({**typed("ER"), "status": "closed"}, "status"),
        ({**typed("XYZ"), "status": "suspended"}, "status"),
        ({**typed("ER"), "position": {"latitude": 52, "longitude": 5}}, "position"),
        ({**typed("HOSP"), "position": {"latitude": "52", "longitude": 5}}, "position"),
        ({**typed("HOSP"), "position": {"latitude": True, "longitude": 5}}, "position"),
        ({**typed("ER"), "operationalStatus": {"code": "C"}}, "operationalStatus"),
        ({"name": "SEH"}, "name"),
    ],
)
def test_what_a_location_does_not_clearly_say_is_ignored(more: dict[str, Any], field: str) -> None:
    record = one({**LOCATION, **more})
    assert record.reports == ()
    assert record.profile is None
    assert field in why(record)


def test_a_type_that_means_two_units_means_none() -> None:
    both = {"type": typed("ER")["type"] + typed("ICU")["type"]}
    assert one({**LOCATION, **both, "status": "suspended"}).reports == ()


def test_a_mapping_adds_types_of_the_sender() -> None:
    resource = {**LOCATION, **typed("vk", "https://x.nl/afdeling"), "status": "suspended"}
    assert one(resource).reports == ()
    assert said(one(resource, units={"https://x.nl/afdeling|vk": "obstetrics"})) == {("obstetrics", "open"): False}


# -- hours


def hours(*times: dict[str, Any], kind: str = "ER") -> FeedRecord:
    return one({**SERVICE, **typed(kind), "availableTime": list(times)})


WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(
    ("time", "opening"),
    [
        ({"daysOfWeek": WEEK, "allDay": True}, "always"),
        (
            {"daysOfWeek": ["mon"], "availableStartTime": "08:00:00", "availableEndTime": "17:30:00"},
            [{"days": ["mo"], "from": "08:00", "to": "17:30"}],
        ),
        (
            {"daysOfWeek": ["sun"], "availableStartTime": "17:00:00", "availableEndTime": "00:00:00"},
            [{"days": ["su"], "from": "17:00", "to": "24:00"}],
        ),
        (
            {"daysOfWeek": ["fri"], "availableStartTime": "22:00", "availableEndTime": "06:00"},
            [{"days": ["fr"], "from": "22:00", "to": "06:00"}],
        ),
        (
            {"daysOfWeek": ["sat"], "availableStartTime": "08:00:00", "availableEndTime": "23:59:59"},
            [{"days": ["sa"], "from": "08:00", "to": "24:00"}],
        ),
    ],
)
def test_hours_become_an_opening_that_the_directory_reads(time: dict[str, Any], opening: Any) -> None:
    record = hours(time)
    assert record.profile == {"opening_of": {"seh": opening}}
    read_opening(opening)
    assert (opening == "always") != ("public holidays" in why(record).get("availableTime", ""))


@pytest.mark.parametrize(
    "time",
    [
        {"daysOfWeek": ["mon"]},
        {"availableStartTime": "08:00:00", "availableEndTime": "17:00:00"},
        {"daysOfWeek": ["maandag"], "allDay": True},
        {"daysOfWeek": ["mon", "mon"], "allDay": True},
        {"daysOfWeek": [["mon"]], "allDay": True},
        {"daysOfWeek": "mon", "allDay": True},
        {"daysOfWeek": ["mon"], "availableStartTime": "8:00", "availableEndTime": "17:00:00"},
        {"daysOfWeek": ["mon"], "availableStartTime": "08:00:30", "availableEndTime": "17:00:00"},
        {"daysOfWeek": ["mon"], "availableStartTime": "08:00:00", "availableEndTime": "24:00:00"},
        "mon-fri",
    ],
)
def test_hours_of_which_a_part_cannot_be_read_are_not_taken_at_all(time: Any) -> None:
    record = hours({"daysOfWeek": ["tue"], "allDay": True}, time)
    assert record.profile is None
    assert "availableTime" in why(record)


def test_hours_of_a_location_have_other_names() -> None:
    time = {"daysOfWeek": ["mon"], "openingTime": "08:00:00", "closingTime": "17:00:00"}
    record = one({**LOCATION, **typed("ICU"), "hoursOfOperation": [time]})
    assert record.profile == {"opening_of": {"icu": [{"days": ["mo"], "from": "08:00", "to": "17:00"}]}}


# -- absences; the feeds of these tests come in on 21 November at 20:10


def absent(*periods: Any) -> FeedRecord:
    return one({**SERVICE, **typed("ER"), "notAvailable": [{"during": period} for period in periods]})


@pytest.mark.parametrize(
    ("periods", "since", "until"),
    [
        (
            [{"start": "2026-11-21T18:00:00+01:00", "end": "2026-11-22T08:00:00+01:00"}],
            "2026-11-21T18:00:00+01:00",
            "2026-11-22T08:00:00+01:00",
        ),
        ([{"start": "2026-11-21", "end": "2026-11-21"}], "2026-11-21T00:00:00+01:00", "2026-11-22T00:00:00+01:00"),
        ([{"start": "2026-11-21"}], "2026-11-21T00:00:00+01:00", None),
        ([{"end": "2026-11-21"}], None, "2026-11-22T00:00:00+01:00"),
        ([{"start": "2026-11-21", "end": "2026-11-21"}, {"start": "2026-11-20"}], "2026-11-20T00:00:00+01:00", None),
    ],
)
def test_an_absence_that_holds_now_is_not_open_until_its_end(
    periods: Any, since: str | None, until: str | None
) -> None:
    [report] = absent(*periods).reports
    assert (report["unit"], report["kind"], report["value"]) == ("seh", "open", False)
    assert (report.get("since"), report.get("expected_end")) == (since, until)


@pytest.mark.parametrize(
    "period",
    [
        {"start": "2026-12-25", "end": "2026-12-26"},
        {"start": "2026-11-01", "end": "2026-11-20"},
        {"end": "2026-11-21T20:10:00+01:00"},
        {},
        {"start": "2026-11"},
        {"start": "2026-11-21T18:00:00"},
        {"start": "2026-02-30"},
        {"start": 5},
        "today",
    ],
)
def test_an_absence_that_does_not_hold_now_or_cannot_be_read_is_ignored(period: Any) -> None:
    record = absent(period)
    assert record.reports == ()
    assert "notAvailable" in why(record)


def test_the_description_of_an_absence_is_not_repeated() -> None:
    absence = {"description": "A. Voorbeeld is ziek", "during": {"start": "2026-11-21"}}
    record = one({**SERVICE, **typed("ER"), "notAvailable": [absence]})
    assert len(record.reports) == 1
    assert "Voorbeeld" not in repr(record)


# -- capacity and time


def capacity(code: str) -> dict[str, Any]:
    url = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
    inner = {"url": "capacityStatus", "valueCodeableConcept": {"coding": [{"code": code}]}}
    return {"extension": [{"url": url, "extension": [inner]}]}


def test_no_capacity_is_no_free_bed_where_there_are_beds() -> None:
    assert said(one({**SERVICE, **typed("ICU"), **capacity("no-capacity")})) == {("icu", "beds"): {"available": 0}}


@pytest.mark.parametrize(
    ("kind", "code"), [("ICU", "capacity"), ("ICU", "waitlist"), ("ER", "no-capacity"), ("X", "x")]
)
def test_capacity_that_is_no_number_is_ignored(kind: str, code: str) -> None:
    record = one({**SERVICE, **typed(kind), **capacity(code)})
    assert record.reports == ()
    assert "extension.capacityStatus" in why(record)


@pytest.mark.parametrize("broken", ["x", [], [{"url": "capacityStatus", "valueCodeableConcept": "x"}]])
def test_an_extension_of_another_shape_does_no_harm(broken: Any) -> None:
    extension = {**capacity("no-capacity")["extension"][0], "extension": broken}
    assert one({**SERVICE, **typed("ICU"), "extension": [extension, "x"]}).reports == ()


def test_the_moment_is_that_of_the_resource_else_that_of_the_bundle() -> None:
    resource = {**LOCATION, **typed("ER"), "status": "suspended"}
    later = "2026-11-21T20:05:00+01:00"
    assert one(resource).reports[0]["observed_at"] == TIME
    assert one({**resource, "meta": {"lastUpdated": later}}).reports[0]["observed_at"] == later


def test_status_without_a_moment_is_not_taken() -> None:
    resource = {**LOCATION, **typed("ER"), "status": "suspended"}
    [record] = records("fhir-r4", bundle(resource, timestamp="2026-11-21"))
    assert record.reports == ()
    assert "meta.lastUpdated" in why(record)
    entry = json.dumps({"resource": resource})
    late = f'{{"resourceType": "Bundle", "entry": [{entry}], "timestamp": "{TIME}"}}'
    assert records("fhir-r4", late.encode())[0].reports == ()


# -- what is no Bundle


@pytest.mark.parametrize(
    "data",
    [b"{}", b'{"resourceType": "Organization"}', b'{"entry": [{}], "resourceType": "Bundle"}', b"[]"],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    found, broken = until_broken("fhir-r4", data)
    assert found == []
    assert broken is not None


def test_a_bundle_of_nothing_gives_nothing() -> None:
    assert records("fhir-r4", b'{"resourceType": "Bundle"}') == []


@pytest.mark.parametrize(
    "resource", [None, 5, {}, {"resourceType": 5}, {"resourceType": "a b"}, {"resourceType": "Location"}]
)
def test_an_entry_that_is_no_resource_is_refused_by_itself(resource: Any) -> None:
    wrong, right = read(resource, {**ORGANIZATION, "name": "Demo"})
    assert wrong.refused
    assert wrong.place == NO_PLACE
    assert right.profile


def test_an_entry_with_a_key_twice_is_refused_by_itself() -> None:
    data = bundle(ORGANIZATION).replace(b'"id": "o"', b'"id": "o", "id": "p"')
    [record] = records("fhir-r4", data)
    assert [fault.code for fault in record.refused] == ["duplicate_key"]


@pytest.mark.parametrize("value", [None, 5, "x", [], [5], [None], {}, {"a": {}}, [{}], [[[]]], True])
def test_any_value_in_any_field_is_taken_as_it_should_be_or_ignored(value: Any) -> None:
    fields = {key for resource in json.loads(example("fhir-r4"))["entry"] for key in resource["resource"]}
    for resource in (ORGANIZATION, {**LOCATION, **typed("ER")}, {**SERVICE, **typed("ICU")}):
        for field in fields - {"resourceType"}:
            [record] = read({**resource, field: value})
            assert record.where == "entry 1"
