"""Reads what hospitals say of themselves in EDXL-HAVE 1.0: diversion, free beds, ambulances that wait.

`Closed` for ambulances is a request to take them elsewhere (a stop), never a closed door. What HAVE says that is no
status of today, or that means something else than our word for it, is not taken, and the record says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from routing.errors import Fault, shown
from routing.formats.elements import Leaf, find, leaves, local_name, read_elements, text_at
from routing.formats.record import (
    NO_PLACE,
    FeedOptions,
    FeedRecord,
    Ignored,
    PlaceName,
    moment,
    no_time,
    refused,
    whole_number,
)

BED_TYPES: dict[str, tuple[str, str]] = {
    "AdultICU": ("icu", "adult_icu"),
    "PediatricICU": ("picu", "pediatric_icu"),
    "NeonatalICU": ("nicu", "neonatal_icu"),
    "EmergencyDepartment": ("seh", "emergency_department"),
    "NurseryBeds": ("beds", "nursery"),
    "MedicalSurgical": ("beds", "medical_surgical"),
    "Burn": ("beds", "burn"),
    "Pediatrics": ("pediatrics", "pediatrics"),
    "AdultPsychiatric": ("ggz_crisis", "adult_psychiatric"),
    "PediatricPsychiatric": ("ggz_crisis", "pediatric_psychiatric"),
    "NegativeFlowIsolation": ("beds", "negative_flow_isolation"),
    "OtherIsolation": ("beds", "other_isolation"),
    "OperatingRooms": ("or", "operating_rooms"),
}
"""BedType -> unit and kind of bed. Rehabilitation and long-term care are one type there and three kinds here."""

DOORS = ("seh", "obstetrics", "beds")
"""The ways in: the emergency department, the delivery rooms and admission. A hospital that is closed closes all."""

REASONS = {
    "crowding": ("crowding", "crowded", "overcrowding", "overcrowded", "ed saturation", "ed overcrowding", "drukte"),
    "no_staff": ("no staff", "staff shortage", "staffing shortage", "lack of staff", "personeelstekort"),
    "no_beds": ("no beds", "no beds available", "bed shortage", "geen bedden", "beddentekort"),
    "no_icu_beds": ("no icu beds", "no icu beds available", "icu full", "geen ic-bedden", "ic vol"),
    "technical_failure": ("technical failure", "power failure", "power outage", "technische storing", "stroomstoring"),
    "it_failure": ("it failure", "it outage", "computer failure", "ict-storing"),
    "infection": ("infection outbreak", "outbreak", "infectie-uitbraak"),
    "disaster": ("disaster", "mass casualty incident", "ramp"),
}
"""Reason -> what EMSTrafficReason says word for word; any other text is `other`, for a part of a text can deny it."""
_REASON_OF = {text: reason for reason, texts in REASONS.items() for text in texts}

_NO_CAPABILITY = "is what is offered today, without hours or level, and no capability of the profile"
_COUNTED_PATIENTS = "counts of patients by triage colour say nothing about how crowded it is"
_OPERATIONS = "is about the hospital as a whole and names no unit"
_PROFILE = "the directory knows this; a message of status does not change it"
_FREE_TEXT = "free text, in which names may stand"

WHY: dict[tuple[str, ...], str] = {
    ("Organization",): _PROFILE,
    ("EmergencyDepartmentStatus", "EMSTraffic", "EMSTrafficReason"): _FREE_TEXT + "; only its code was taken",
    ("EmergencyDepartmentStatus", "EMSCapacity"): _COUNTED_PATIENTS,
    ("EmergencyDepartmentStatus", "EMSCensus"): _COUNTED_PATIENTS,
    (
        "EmergencyDepartmentStatus",
        "EMSAmbulanceStatus",
        "EMSOffloadStatus",
    ): "normal or delayed is no number of minutes",
    ("EmergencyDepartmentStatus", "EMSAirTransportStatus"): "how long a helicopter waits is no waiting of ambulances",
    ("ServiceCoverageStatus",): _NO_CAPABILITY,
    ("HospitalFacilityStatus", "ClinicalStatus"): "full or normal names no unit",
    ("HospitalFacilityStatus",): _OPERATIONS,
    ("HospitalResourcesStatus",): _OPERATIONS,
}
"""The beginning of a path -> why nothing is taken there; the longest that fits counts."""

_BEDS = "HospitalBedCapacityStatus"
_COUNTS = ("AvailableCount", "BaselineCount", "AdditionalCapacityCount24Hr", "AdditionalCapacityCount72Hr")
_BED_ELEMENTS = frozenset(("BedType", "SubCategoryBedType", "CapacityStatus", *_COUNTS))
_LATER = "what can be made free later is not free now"
_CAPACITY_WHY = {"AdditionalCapacityCount24Hr": _LATER, "AdditionalCapacityCount72Hr": _LATER}


@dataclass(slots=True)
class _Found:
    """What was read of one hospital so far; `handled` are the paths about which something was decided."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    ignored: dict[Ignored, None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    handled: set[tuple[str, ...]] = field(default_factory=set)

    def ignore(self, path: tuple[str, ...], why: str) -> None:
        self.ignored.setdefault(Ignored("/".join(str(shown(name)) for name in path), why))

    def report(self, unit: str, kind: str, value: Any, **more: str) -> None:
        self.reports.append({"unit": unit, "kind": kind, "value": value, **more})


def read_have1(stream: BinaryIO, options: FeedOptions) -> Iterator[FeedRecord]:
    """A record for every `Hospital` of a `HospitalStatus`. Raises BrokenFeed."""
    for number, element in read_elements(stream, "HospitalStatus", "have:1.0", "Hospital"):
        yield _hospital(element, f"Hospital {number}", options)


def _hospital(hospital: Element, where: str, options: FeedOptions) -> FeedRecord:
    place = _place(hospital)
    if place is None:
        message = "names no hospital: neither an ID nor a name"
        return refused(NO_PLACE, where, Fault("Organization/OrganizationInformation", "missing", message))
    written = text_at(hospital, "LastUpdateTime")
    observed_at = moment(written)
    if observed_at is None:
        return refused(place, where, no_time("LastUpdateTime", written))
    found = _Found(handled={("LastUpdateTime",)})
    _traffic(hospital, found)
    _offload(hospital, found)
    _facility_status(hospital, found)
    _beds(hospital, found)
    _no_doubles(hospital, found)
    for leaf in leaves(hospital):
        _explain(leaf, found)
    if found.faults:
        return refused(place, where, *found.faults)
    reports = tuple({**report, "observed_at": observed_at, "source": options.source} for report in found.reports)
    return FeedRecord(place, where, reports, observed_at=observed_at, ignored=tuple(found.ignored))


def _place(hospital: Element) -> PlaceName | None:
    """The ID of the organisation (an attribute, or an identifier of xPIL), else its name."""
    for information in find(hospital, "Organization", "OrganizationInformation"):
        named = list(information.iter())
        for element in named:
            if local_name(element) in {"OrganizationInformation", "OrganisationName", "OrganizationName", "PartyName"}:
                for name, value in element.attrib.items():
                    if name.rpartition("}")[2] in {"ID", "PartyID"} and value.strip():
                        return PlaceName("have", value.strip())
        for element in named:
            if local_name(element) == "NameElement" and (element.text or "").strip():
                return PlaceName("name", " ".join((element.text or "").split()))
    return None


def _traffic(hospital: Element, found: _Found) -> None:
    path = ("EmergencyDepartmentStatus", "EMSTraffic", "EMSTrafficStatus")
    status = text_at(hospital, *path)
    if status is None:
        return
    found.handled.add(path)
    match status:
        case "Normal":
            found.report("seh", "stop", False)
        case "Closed":
            reason = text_at(hospital, *path[:2], "EMSTrafficReason")
            coded = _REASON_OF.get(reason.rstrip(".!").lower(), "other") if reason else None
            found.report("seh", "stop", True, **({"reason": coded} if coded else {}))
        case "Advisory":
            found.ignore(path, "Advisory is a warning that a stop may come, and no stop")
        case "NotApplicable":
            found.ignore(path, "NotApplicable: the hospital has no emergency department")
        case _:
            found.faults.append(_unknown(path, status, "Normal, Advisory, Closed, NotApplicable"))


def _unknown(path: tuple[str, ...], value: str, allowed: str) -> Fault:
    return Fault("/".join(path), "unknown_value", "is not a value of HAVE 1.0", shown(value), allowed)


def _double(path: tuple[str, ...], value: str) -> Fault:
    return Fault("/".join(path), "double", "stands twice with different values", shown(value))


def _offload(hospital: Element, found: _Found) -> None:
    path = ("EmergencyDepartmentStatus", "EMSAmbulanceStatus", "EMSOffloadMinutes")
    written = text_at(hospital, *path)
    if written is None:
        return
    found.handled.add(path)
    minutes = whole_number(written)
    if minutes is None:
        found.faults.append(Fault("/".join(path), "wrong_type", "is not a number of minutes", shown(written)))
    else:
        found.report("seh", "offload_minutes", minutes)


def _facility_status(hospital: Element, found: _Found) -> None:
    path = ("HospitalFacilityStatus", "FacilityStatus")
    status = text_at(hospital, *path)
    if status is None:
        return
    found.handled.add(path)
    match status:
        case "Normal" | "Closed" | "Evacuating":
            no_emergency = text_at(hospital, "EmergencyDepartmentStatus", "EMSTraffic", "EMSTrafficStatus")
            for unit in DOORS:
                if unit != "seh" or no_emergency != "NotApplicable":
                    # in normal operation is not open at this hour: it only ends what was said of a closure
                    found.report(unit, "open", None if status == "Normal" else False)
        case "Compromised":
            found.ignore(path, "Compromised does not say what still works")
        case _:
            found.faults.append(_unknown(path, status, "Normal, Compromised, Evacuating, Closed"))


def _beds(hospital: Element, found: _Found) -> None:
    values: dict[str, list[Element]] = {}
    for capacity in find(hospital, _BEDS, "BedCapacity"):
        bed_type: str | None = None
        names = Counter(map(local_name, capacity))
        # some systems leave the element Capacity out and write the counts beside the type
        bare = not names["Capacity"] and names["BedType"] == 1
        for child in capacity:
            name = local_name(child)
            if name == "BedType":
                bed_type = " ".join((child.text or "").split())
                if bare:
                    values.setdefault(bed_type, []).append(capacity)
            elif name == "Capacity" and bed_type is not None:
                values.setdefault(bed_type, []).append(child)
            elif name == "SubCategoryBedType":
                found.ignore(("BedCapacity", name), "a part of the beds that were counted already")
                bed_type = None
    found.handled |= {path for path, _ in leaves(hospital) if path[0] == _BEDS and path[-1] in _BED_ELEMENTS}
    for bed_type, counted in values.items():
        _bed_type(bed_type, counted, found)


def _bed_type(bed_type: str, counted: list[Element], found: _Found) -> None:
    path = ("BedCapacity", bed_type)
    if bed_type == "RehabLongTermCare":
        found.ignore(
            path, "rehabilitation and long-term care are one type here; grz, elv and Wlz places are not the same"
        )
    elif bed_type not in BED_TYPES:
        found.ignore(("BedCapacity", "BedType"), "is not a kind of bed that is known here")
    elif len(counted) > 1:
        found.ignore(path, "stands more than once; which of the counts holds is not known")
    else:
        unit, bed = BED_TYPES[bed_type]
        counts = _counts(counted[0], path, found)
        if counts:
            found.report(unit, "beds", counts, bed=bed)


def _counts(capacity: Element, path: tuple[str, ...], found: _Found) -> dict[str, int]:
    written = _written(capacity, path, found)
    for name, why in _CAPACITY_WHY.items():
        if name in written:
            found.ignore((*path, name), why)
    numbers: dict[str, int] = {}
    for name, count in (("AvailableCount", "available"), ("BaselineCount", "total")):
        if not written.get(name):
            continue
        number = whole_number(written[name])
        if number is None:
            fault = Fault("/".join((*path, name)), "wrong_type", "is not a number of beds", shown(written[name]))
            found.faults.append(fault)
        else:
            numbers[count] = number
    return _with_status(written.get("CapacityStatus"), numbers, path, found)


def _written(capacity: Element, path: tuple[str, ...], found: _Found) -> dict[str, str]:
    """The texts of the elements about beds, by their names."""
    written: dict[str, str] = {}
    for child in capacity:
        name, text = local_name(child), " ".join((child.text or "").split())
        if name in _BED_ELEMENTS and written.setdefault(name, text) != text:
            found.faults.append(_double((*path, name), text))
    return written


def _with_status(status: str | None, numbers: dict[str, int], path: tuple[str, ...], found: _Found) -> dict[str, int]:
    """`numbers` with what CapacityStatus adds: `NotAvailable` is none free; that some are free is no number."""
    here = (*path, "CapacityStatus")
    if status == "NotAvailable":
        if numbers.get("available"):
            found.ignore(here, "says that none is available and counts some; neither is taken")
            return {}
        return {**numbers, "available": 0}
    if status not in {None, "", "Vacant/Available", "VacantAvailable"}:
        found.faults.append(_unknown(here, str(status), "Vacant/Available, NotAvailable"))
    elif status and "available" not in numbers:
        found.ignore(here, "that some are free is no number")
    return numbers


def _no_doubles(hospital: Element, found: _Found) -> None:
    """Of two different values nobody can say which holds, and the first would decide without a word."""
    seen: dict[tuple[str, ...], str] = {}
    for path, text in leaves(hospital):
        if path in found.handled and path[0] != _BEDS and seen.setdefault(path, text) != text:
            found.faults.append(_double(path, text))


def _explain(leaf: Leaf, found: _Found) -> None:
    """Notes why a leaf about which nothing was decided is not taken."""
    path, _ = leaf
    if path in found.handled:
        return
    if path[-1] == "CommentText":
        found.ignore(path, _FREE_TEXT)
        return
    for length in range(len(path), 0, -1):
        if (why := WHY.get(path[:length])) is not None:
            found.ignore(path, why)
            return
    found.ignore(path, "is not an element of HAVE 1.0 that is known here")
