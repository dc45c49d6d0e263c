"""Promises about EDXL-HAVE: a diversion is a stop, what means something else is not taken, and no XML does harm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from routing.formats.feed import NO_PLACE, FeedRecord, PlaceName
from routing.formats.have1 import BED_TYPES, REASONS
from tests.feeds import example, records, until_broken, why

PAGE = (Path(__file__).parents[2] / "docs/reference/feeds.md").read_text("utf-8")
ORGANIZATION = """<Organization><OrganizationInformation>
    <OrganisationName ID="h1"><NameElement>Demo</NameElement></OrganisationName>
  </OrganizationInformation></Organization>"""
TIME = "<LastUpdateTime>2026-11-21T20:04:00+01:00</LastUpdateTime>"


def have1(inside: str, organization: str = ORGANIZATION, time: str = TIME, begin: str = "") -> bytes:
    hospital = f"<Hospital>{organization}{inside}{time}</Hospital>"
    root = '<HospitalStatus xmlns="urn:oasis:names:tc:emergency:EDXL:HAVE:1.0">'
    return f"{begin}{root}{hospital}</HospitalStatus>".encode()


def one(inside: str, **more: str) -> FeedRecord:
    [record] = records("have-1.0", have1(inside, **more))
    return record


def traffic(status: str, reason: str = "") -> str:
    text = f"<EMSTrafficReason>{reason}</EMSTrafficReason>" if reason else ""
    status = f"<EMSTrafficStatus>{status}</EMSTrafficStatus>"
    return f"<EmergencyDepartmentStatus><EMSTraffic>{status}{text}</EMSTraffic></EmergencyDepartmentStatus>"


def beds(bed_type: str, *counts: str, wrap: bool = True) -> str:
    inside = "".join(counts)
    inside = f"<Capacity>{inside}</Capacity>" if wrap else inside
    capacity = f"<BedCapacity><BedType>{bed_type}</BedType>{inside}</BedCapacity>"
    return f"<HospitalBedCapacityStatus>{capacity}</HospitalBedCapacityStatus>"


def facility(status: str) -> str:
    return f"<HospitalFacilityStatus><FacilityStatus>{status}</FacilityStatus></HospitalFacilityStatus>"


def said(record: FeedRecord) -> dict[tuple[str, str, str | None], Any]:
    return {(report["unit"], report["kind"], report.get("bed")): report["value"] for report in record.reports}


@pytest.mark.parametrize(("status", "stop"), [("Normal", False), ("Closed", True)])
def test_closed_for_ambulances_is_a_stop_and_no_closed_door(status: str, stop: bool) -> None:
    assert said(one(traffic(status))) == {("seh", "stop", None): stop}


@pytest.mark.parametrize(("status", "because"), [("Advisory", "no stop"), ("NotApplicable", "no emergency department")])
def test_a_threatened_stop_is_no_stop(status: str, because: str) -> None:
    record = one(traffic(status))
    assert record.reports == ()
    assert because in why(record)["EmergencyDepartmentStatus/EMSTraffic/EMSTrafficStatus"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [(text, reason) for reason, texts in REASONS.items() for text in texts]
    + [("OVERCROWDING.", "crowding"), ("not crowded at all", "other"), ("Dr A. Voorbeeld is ill", "other")],
)
def test_a_reason_is_coded_where_it_is_evident_and_its_text_is_not_kept(text: str, reason: str) -> None:
    record = one(traffic("Closed", text))
    assert [report["reason"] for report in record.reports] == [reason]
    assert text not in repr(record) or text == reason


def test_no_reason_is_made_up_and_none_belongs_to_no_stop() -> None:
    assert "reason" not in one(traffic("Closed")).reports[0]
    assert "reason" not in one(traffic("Normal", "crowding")).reports[0]


@pytest.mark.parametrize(("bed_type", "where"), BED_TYPES.items())
def test_every_type_of_bed_has_its_unit_and_kind(bed_type: str, where: tuple[str, str]) -> None:
    record = one(beds(bed_type, "<AvailableCount>2</AvailableCount>", "<BaselineCount>10</BaselineCount>"))
    assert said(record) == {(where[0], "beds", where[1]): {"available": 2, "total": 10}}


def test_the_page_has_the_same_types_of_beds() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", PAGE, re.MULTILINE)
    assert {bed_type: (unit, bed) for bed_type, unit, bed in rows} == BED_TYPES


def test_counts_beside_the_type_are_read_too() -> None:
    record = one(beds("AdultICU", "<AvailableCount>2</AvailableCount>", wrap=False))
    assert said(record) == {("icu", "beds", "adult_icu"): {"available": 2}}


@pytest.mark.parametrize(
    ("counts", "value"),
    [
        ("<CapacityStatus>NotAvailable</CapacityStatus>", {"available": 0}),
        ("<CapacityStatus>NotAvailable</CapacityStatus><AvailableCount>0</AvailableCount>", {"available": 0}),
        ("<CapacityStatus>NotAvailable</CapacityStatus><AvailableCount>3</AvailableCount>", None),
        ("<CapacityStatus>Vacant/Available</CapacityStatus>", None),
        ("<CapacityStatus>VacantAvailable</CapacityStatus><AvailableCount>0</AvailableCount>", {"available": 0}),
        ("<AdditionalCapacityCount24Hr>5</AdditionalCapacityCount24Hr>", None),
    ],
)
def test_free_beds_are_only_what_is_free_now_and_counted(counts: str, value: dict[str, int] | None) -> None:
    record = one(beds("Burn", counts))
    assert said(record) == ({("beds", "beds", "burn"): value} if value else {})
    assert value is not None or why(record)


@pytest.mark.parametrize("bed_type", ["RehabLongTermCare", "CholeraTreatment", "<b/>"])
def test_a_type_of_bed_that_we_do_not_have_is_ignored(bed_type: str) -> None:
    record = one(beds(bed_type, "<AvailableCount>2</AvailableCount>"))
    assert record.reports == ()
    assert [field for field in why(record) if field.startswith("BedCapacity/")]


def test_a_type_that_stands_twice_is_not_added_up_or_chosen_from() -> None:
    record = one(
        beds("Burn", "<AvailableCount>2</AvailableCount>") + beds("Burn", "<AvailableCount>5</AvailableCount>")
    )
    assert record.reports == ()
    assert "more than once" in why(record)["BedCapacity/Burn"]


def test_a_count_that_stands_twice_is_refused_and_a_comment_among_beds_is_explained() -> None:
    twice = one(beds("Burn", "<AvailableCount>2</AvailableCount><AvailableCount>5</AvailableCount>"))
    assert [fault.code for fault in twice.refused] == ["double"]
    comment = "<CommentText>x</CommentText></BedCapacity>"
    record = one(beds("Burn", "<AvailableCount>2</AvailableCount>").replace("</BedCapacity>", comment))
    assert "names" in why(record)["HospitalBedCapacityStatus/BedCapacity/CommentText"]
    assert said(record) == {("beds", "beds", "burn"): {"available": 2}}


def test_beds_of_a_subcategory_are_not_counted_again() -> None:
    capacity = "<Capacity><AvailableCount>%d</AvailableCount></Capacity>"
    inside = "<BedType>Burn</BedType>" + capacity % 4 + "<SubCategoryBedType>x</SubCategoryBedType>" + capacity % 1
    record = one(f"<HospitalBedCapacityStatus><BedCapacity>{inside}</BedCapacity></HospitalBedCapacityStatus>")
    assert said(record) == {("beds", "beds", "burn"): {"available": 4}}


@pytest.mark.parametrize(("status", "is_open"), [("Normal", None), ("Closed", False), ("Evacuating", False)])
def test_a_hospital_that_is_closed_is_closed_at_every_door(status: str, is_open: bool | None) -> None:
    doors = {("seh", "open", None), ("obstetrics", "open", None), ("beds", "open", None)}
    assert said(one(facility(status))) == dict.fromkeys(doors, is_open)


def test_a_hospital_without_emergency_department_has_no_such_door() -> None:
    assert ("seh", "open", None) not in said(one(traffic("NotApplicable") + facility("Normal")))


def test_compromised_is_neither_open_nor_closed() -> None:
    record = one(facility("Compromised"))
    assert record.reports == ()
    assert "HospitalFacilityStatus/FacilityStatus" in why(record)


def test_only_the_wait_of_ambulances_counts() -> None:
    inside = "<EMSOffloadStatus>Delayed</EMSOffloadStatus><EMSOffloadMinutes>35</EMSOffloadMinutes>"
    air = "<EMSAirTransportStatus><EMSOffloadMinutes>5</EMSOffloadMinutes></EMSAirTransportStatus>"
    ambulances = f"<EMSAmbulanceStatus>{inside}</EMSAmbulanceStatus>"
    record = one(f"<EmergencyDepartmentStatus>{ambulances}{air}</EmergencyDepartmentStatus>")
    assert said(record) == {("seh", "offload_minutes", None): 35}


def test_what_is_offered_today_never_becomes_a_capability() -> None:
    flags = ("CardiologyInvasive", "NeurologyInvasive", "OBGYNWithLaborDelivery", "Burn", "HyperbaricChamber")
    record = one(
        "<ServiceCoverageStatus>" + "".join(f"<{flag}>true</{flag}>" for flag in flags) + "</ServiceCoverageStatus>"
    )
    assert record.profile is None
    assert set(why(record)) >= {f"ServiceCoverageStatus/{flag}" for flag in flags}


def test_every_element_of_the_example_is_taken_or_explained() -> None:
    [first, _] = records("have-1.0", example("have-1.0"))
    assert len(first.reports) == 4
    assert len(first.ignored) == 10
    assert "Demo Medisch Centrum" not in repr(first.ignored)


def test_a_comment_is_not_repeated() -> None:
    record = one(
        "<EmergencyDepartmentStatus><CommentText>bed 3: A. Voorbeeld</CommentText></EmergencyDepartmentStatus>"
    )
    assert "Voorbeeld" not in repr(record)
    assert "names" in why(record)["EmergencyDepartmentStatus/CommentText"]


@pytest.mark.parametrize(
    ("inside", "field"),
    [
        (traffic("Shut"), "EmergencyDepartmentStatus/EMSTraffic/EMSTrafficStatus"),
        (facility("Fine"), "HospitalFacilityStatus/FacilityStatus"),
        (beds("Burn", "<AvailableCount>two</AvailableCount>"), "BedCapacity/Burn/AvailableCount"),
        (beds("Burn", "<AvailableCount>-1</AvailableCount>"), "BedCapacity/Burn/AvailableCount"),
        (beds("Burn", "<CapacityStatus>Perhaps</CapacityStatus>"), "BedCapacity/Burn/CapacityStatus"),
        (traffic("Normal") + traffic("Closed"), "EmergencyDepartmentStatus/EMSTraffic/EMSTrafficStatus"),
    ],
)
def test_a_hospital_with_a_wrong_value_gives_nothing_and_names_the_field(inside: str, field: str) -> None:
    record = one(inside + beds("AdultICU", "<AvailableCount>1</AvailableCount>"))
    assert [fault.field for fault in record.refused] == [field]
    assert record.reports == ()


@pytest.mark.parametrize("time", ["", "<LastUpdateTime>2026-11-21T20:04:00</LastUpdateTime>", "<LastUpdateTime/>"])
def test_a_hospital_without_a_moment_is_refused_and_the_next_one_read(time: str) -> None:
    both = have1(traffic("Closed"), time=time).replace(b"</HospitalStatus>", have1(traffic("Normal")).split(b">", 1)[1])
    first, second = records("have-1.0", both)
    assert [fault.code for fault in first.refused] == ["no_time"]
    assert first.reports == ()
    assert len(second.reports) == 1


def test_a_hospital_is_named_by_its_id_else_by_its_name() -> None:
    assert one("").place == PlaceName("have", "h1")
    assert one("", organization=ORGANIZATION.replace(' ID="h1"', "")).place == PlaceName("name", "Demo")
    nameless = one(traffic("Closed"), organization="<Organization/>")
    assert nameless.place == NO_PLACE
    assert nameless.refused


def test_prefixes_are_of_no_importance_and_the_version_is() -> None:
    data = have1(traffic("Closed"))
    bare = data.replace(b' xmlns="urn:oasis:names:tc:emergency:EDXL:HAVE:1.0"', b"")
    assert records("have-1.0", bare)[0].reports == records("have-1.0", data)[0].reports
    for other in (data.replace(b"HAVE:1.0", b"HAVE:2.0"), data.replace(b"HospitalStatus", b"Hospitals")):
        found, broken = until_broken("have-1.0", other)
        assert found == []
        assert broken is not None
        assert broken.faults[0].code == "unknown_root"


BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
DANGERS = {
    "a document type": "<!DOCTYPE HospitalStatus>",
    "entities that multiply": BOMB,
    "a file of this machine": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "a file from elsewhere": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/have.dtd">',
    "a parameter entity": '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]>',
}


@pytest.mark.parametrize("name", ["have-1.0", "have-2.0"])
@pytest.mark.parametrize("danger", DANGERS)
def test_dangerous_xml_is_refused_before_it_can_do_anything(name: str, danger: str) -> None:
    data = example(name)
    end = data.index(b"?>") + 2
    found, broken = until_broken(name, data[:end] + DANGERS[danger].encode() + data[end:])
    assert found == []
    assert broken is not None
    assert broken.faults[0].code == "forbidden_xml"


def test_an_entity_that_nobody_declared_breaks_the_feed() -> None:
    found, broken = until_broken("have-1.0", have1("<CommentText>&passwd;</CommentText>"))
    assert found == []
    assert broken is not None
    assert broken.faults[0].code == "not_xml"


def test_elements_that_nest_too_deep_break_the_feed_after_what_was_whole() -> None:
    deep = "<a>" * 100_000
    data = have1(traffic("Closed")).replace(b"</HospitalStatus>", f"<Hospital>{deep}".encode())
    found, broken = until_broken("have-1.0", data)
    assert len(found) == 1
    assert broken is not None
    assert broken.faults[0].code == "too_deep"
    assert broken.where == "Hospital 2"


@pytest.mark.parametrize("encoding", ["x-none", "utf-7", "cp037"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    found, broken = until_broken(
        "have-1.0", have1(traffic("Closed"), begin=f'<?xml version="1.0" encoding="{encoding}"?>')
    )
    assert found == []
    assert broken is not None


# -- version 2.0


def have2(*services: tuple[str, str], colour: str = "", time: str = "2026-11-21T20:04:00+01:00") -> bytes:
    items = "".join(
        f"<serviceListItem><serviceName>{name}</serviceName><serviceStatus><colourStatus><colourCodeDefault>"
        f"<Value>{value}</Value></colourCodeDefault></colourStatus></serviceStatus></serviceListItem>"
        for name, value in services
    )
    whole = f"<facilityColourStatus><colourCode><Value>{colour}</Value></colourCode></facilityColourStatus>"
    return (
        f"<HAVE><facility><facilityInformation><facilityID>f1</facilityID></facilityInformation>"
        f"{whole if colour else ''}<serviceList>{items}</serviceList>"
        f"<lastUpdateTime>{time}</lastUpdateTime></facility></HAVE>"
    ).encode()


def stops(data: bytes, **field_map: Any) -> dict[str, Any]:
    [record] = records("have-2.0", data, **field_map)
    return {report["unit"]: report["value"] for report in record.reports}


@pytest.mark.parametrize(("colour", "expected"), [("red", {"seh": True}), ("Green", {"seh": False})])
def test_red_asks_to_divert_and_green_does_not(colour: str, expected: dict[str, bool]) -> None:
    assert stops(have2(colour=colour)) == expected


@pytest.mark.parametrize("colour", ["yellow", "amber", "black", "grey", "orange", "RED!"])
def test_every_other_colour_is_ignored(colour: str) -> None:
    [record] = records("have-2.0", have2(("Obstetrics", colour), colour=colour))
    assert record.reports == ()
    assert len(record.ignored) == 2


def test_the_colour_of_the_department_goes_before_that_of_the_whole() -> None:
    assert stops(have2(("Emergency Department", "green"), colour="red")) == {"seh": False}
    assert stops(have2(("Emergency Department", "yellow"), colour="red")) == {}


def test_a_unit_that_is_green_and_red_is_neither() -> None:
    assert stops(have2(("Pediatrics", "green"), ("Paediatrics", "red"), ("Obstetrics", "red"))) == {"obstetrics": True}


def test_a_mapping_names_further_services_and_the_moment() -> None:
    data = have2(("Cath lab", "red")).replace(b"lastUpdateTime", b"reported")
    assert stops(data, observed_at="reported", units={"cath LAB": "pci"}) == {"pci": True}
    [record] = records("have-2.0", data)
    assert [fault.code for fault in record.refused] == ["no_time"]
