"""All places of care at one moment, checked and put ready so that the right ones are found quickly."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from routing.errors import BadInput, Fault, shown
from routing.facilities.opening import UNKNOWN, Opening, opening_record, read_opening
from routing.facilities.profile import (
    CapabilityTable,
    Facility,
    Patients,
    Precision,
    Status,
    contradictions,
    resolve_capabilities,
)
from routing.facilities.status import Stop
from routing.geography import Places, places_at

FacilityId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}[A-Z]{2}$")]
Hours = Annotated[Opening, PlainValidator(read_opening)]

_ALLOWED = {
    "id": "lower-case letters, digits and single hyphens",
    "postcode": "a postcode like `3584CX`",
    "lat": "degrees from 50 to 54.5",
    "lon": "degrees from 2.5 to 8",
    "opening": "`always`, `unknown`, `out_of_hours` or a list of windows",
    "opening_of": "`always`, `unknown`, `out_of_hours` or a list of windows, for a capability",
    "capabilities": "true, false or null",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FacilityRecord(_Strict):
    """A place as files, the interface and the log write it; see the README of the national directory."""

    id: FacilityId
    name: Name
    kind: Word
    city: Name
    postcode: Postcode | None = None
    lat: float = Field(ge=50, le=54.5)
    lon: float = Field(ge=2.5, le=8)
    coord_precision: Precision = "site"
    status: Status = "active"
    located_at: FacilityId | None = None
    rav: Name | None = None
    roaz: Name | None = None
    capabilities: dict[Word, bool | None] = Field(default_factory=dict)
    opening: Hours = UNKNOWN
    opening_of: dict[Word, Hours] = Field(default_factory=dict)
    patients: Patients = "all"
    referral_only: bool = False
    sources: list[Word] = Field(default_factory=list)
    unchecked: list[Word] = Field(default_factory=list)
    remarks: list[Word] = Field(default_factory=list)


class _Document(_Strict):
    reference_date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){1,2}$")]
    holidays: list[str] = Field(default_factory=list)
    facilities: list[Any]


_RECORD = TypeAdapter(FacilityRecord)


@dataclass(frozen=True, slots=True)
class Directory:
    """The places of care at `revision`, immutable and shared by requests; all tuples run parallel to `facilities`.

    `facilities` are sorted by id. `digest` is over what the places and holidays are, not over the revision. A
    capability has the number `bits[capability]`; `mask_true[i] & bit` says that the place has it for certain, and
    `mask_unknown[i] & bit` that nobody knows. `places` holds the positions for a travel provider. `stops` are
    by id of the place; a place that is not in it is not known to have none.
    """

    revision: int
    reference_date: str
    digest: str
    facilities: tuple[Facility, ...]
    by_id: Mapping[str, Facility] = field(repr=False, hash=False)
    index: Mapping[str, int] = field(repr=False, hash=False)
    holidays: frozenset[date] = field(repr=False)
    bits: Mapping[str, int] = field(repr=False, hash=False)
    mask_true: tuple[int, ...] = field(repr=False)
    mask_unknown: tuple[int, ...] = field(repr=False)
    places: Places = field(repr=False)
    stops: Mapping[str, tuple[Stop, ...]] = field(default_factory=dict, repr=False, hash=False)


def read_directory(document: Mapping[str, Any], table: CapabilityTable, revision: int) -> Directory:
    """The snapshot of `document`: `{"reference_date", "holidays": ["2026-12-25", ...], "facilities": [record, ...]}`.

    Raises BadInput that lists everything that is wrong, each with the id of the place, the field and what is allowed.
    """
    try:
        parsed = _Document.model_validate(document)
    except ValidationError as error:
        raise BadInput(tuple(_faults(error, _Document, ""))) from error
    faults: list[Fault] = []
    facilities: list[Facility] = []
    for number, record in enumerate(parsed.facilities):
        try:
            facilities.append(read_facility(record, table, f"facilities.{_shown_id(record, number)}."))
        except BadInput as error:
            faults.extend(error.faults)
    holidays = frozenset(_dates(parsed.holidays, faults))
    faults.extend(_between_places(facilities) if not faults else ())
    if faults:
        raise BadInput(tuple(faults))
    return _snapshot(sorted(facilities, key=lambda place: place.id), holidays, parsed.reference_date, table, revision)


def read_facility(record: Any, table: CapabilityTable, prefix: str = "") -> Facility:
    """The place that `record` describes; `prefix` comes before the names of fields in messages. Raises BadInput."""
    try:
        parsed = _RECORD.validate_python(record)
    except ValidationError as error:
        raise BadInput(tuple(_faults(error, FacilityRecord, prefix))) from error
    if faults := tuple(_against_table(parsed, table, prefix)):
        raise BadInput(faults)
    return Facility(
        id=parsed.id,
        name=parsed.name,
        kind=parsed.kind,
        city=parsed.city,
        postcode=parsed.postcode,
        lat=round(parsed.lat, 5),
        lon=round(parsed.lon, 5),
        coord_precision=parsed.coord_precision,
        status=parsed.status,
        located_at=parsed.located_at,
        regions={key: name for key, name in (("rav", parsed.rav), ("roaz", parsed.roaz)) if name is not None},
        capabilities=resolve_capabilities(table.kinds[parsed.kind], parsed.capabilities, table),
        given=parsed.capabilities,
        opening=_same(parsed.opening),
        opening_of={capability: _same(opening) for capability, opening in parsed.opening_of.items()},
        patients=parsed.patients,
        referral_only=parsed.referral_only,
        sources=tuple(parsed.sources),
        unchecked=tuple(parsed.unchecked),
        remarks=tuple(parsed.remarks),
    )


@lru_cache(maxsize=4096)
def _same(opening: Opening) -> Opening:
    """One object for all places that keep the same hours, so that a decision looks at each kind of hours once."""
    return opening


def facility_record(place: Facility) -> dict[str, Any]:
    """The record that `read_facility` reads back as the same place; what is not said is left out."""
    record: dict[str, Any] = {
        "id": place.id,
        "name": place.name,
        "kind": place.kind,
        "city": place.city,
        "postcode": place.postcode,
        "lat": place.lat,
        "lon": place.lon,
        "coord_precision": place.coord_precision,
        "status": place.status,
        "located_at": place.located_at,
        **place.regions,
        "capabilities": dict(sorted(place.given.items())),
        "opening": opening_record(place.opening),
        "opening_of": {key: opening_record(opening) for key, opening in sorted(place.opening_of.items())},
        "patients": place.patients if place.patients != "all" else None,
        "referral_only": place.referral_only or None,
        "sources": list(place.sources),
        "unchecked": list(place.unchecked),
        "remarks": list(place.remarks),
    }
    return {key: value for key, value in record.items() if value is not None and value not in ([], {})}


def to_records(directory: Directory) -> dict[str, Any]:
    """The plain document from which `read_directory` makes the same snapshot again."""
    return _document(directory.facilities, directory.holidays, directory.reference_date)


def national_directory_records(holidays: Iterable[date] = ()) -> dict[str, Any]:
    """The document of the national directory that comes with Wegwijs, with `holidays` written into it."""
    path = importlib.resources.files("routing.facilities") / "data" / "facilities.json"
    document: dict[str, Any] = orjson.loads(path.read_bytes())
    return {**document, "holidays": [day.isoformat() for day in sorted(holidays)]}


def _snapshot(
    places: list[Facility], holidays: frozenset[date], reference_date: str, table: CapabilityTable, revision: int
) -> Directory:
    bits = {capability: 1 << number for number, capability in enumerate(table.capabilities)}
    return Directory(
        revision=revision,
        reference_date=reference_date,
        digest=_digest(_document(places, holidays, reference_date)),
        facilities=tuple(places),
        by_id={place.id: place for place in places},
        index={place.id: number for number, place in enumerate(places)},
        holidays=holidays,
        bits=bits,
        mask_true=tuple(_mask(place, bits, True) for place in places),
        mask_unknown=tuple(_mask(place, bits, None) for place in places),
        places=places_at((place.lat, place.lon) for place in places),
    )


def _mask(place: Facility, bits: Mapping[str, int], wanted: bool | None) -> int:
    return sum(bit for capability, bit in bits.items() if place.capabilities[capability] is wanted)


def _document(places: Iterable[Facility], holidays: Iterable[date], reference_date: str) -> dict[str, Any]:
    return {
        "reference_date": reference_date,
        "holidays": [day.isoformat() for day in sorted(holidays)],
        "facilities": [facility_record(place) for place in places],
    }


def _digest(document: Mapping[str, Any]) -> str:
    # degrees go in as text, so that the digest does not hang on how a program writes a fraction
    places = [
        {**record, "lat": f"{record['lat']:.5f}", "lon": f"{record['lon']:.5f}"} for record in document["facilities"]
    ]
    body = orjson.dumps({**document, "facilities": places}, option=orjson.OPT_SORT_KEYS)
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _dates(texts: Iterable[str], faults: list[Fault]) -> Iterator[date]:
    for text in texts:
        try:
            yield date.fromisoformat(text)
        except ValueError:
            faults.append(Fault("holidays", "bad_date", "is not a date", shown(text), "a date like `2026-12-25`"))


def _between_places(places: list[Facility]) -> Iterator[Fault]:
    counts = Counter(place.id for place in places)
    for place_id in sorted(key for key, count in counts.items() if count > 1):
        yield Fault(
            f"facilities.{place_id}.id", "double_id", f"stands {counts[place_id]} times", place_id, "every id once"
        )
    for place in places:
        if place.located_at is not None and (place.located_at not in counts or place.located_at == place.id):
            message = "is not another place in this directory"
            field_name = f"facilities.{place.id}.located_at"
            yield Fault(field_name, "unknown_place", message, place.located_at, "the id of another place, or nothing")


def _against_table(parsed: FacilityRecord, table: CapabilityTable, prefix: str) -> Iterator[Fault]:
    if parsed.kind not in table.kinds:
        yield Fault(f"{prefix}kind", "unknown_kind", "is not a kind of place", parsed.kind, ", ".join(table.kinds))
    for part, names in (("capabilities", parsed.capabilities), ("opening_of", parsed.opening_of)):
        for name in names:
            if name not in table.capabilities:
                field_name, allowed = f"{prefix}{part}.{name}", ", ".join(table.capabilities)
                yield Fault(field_name, "unknown_capability", "is not a capability", name, allowed)
    for capability, implied in contradictions(parsed.capabilities, table):
        field_name = f"{prefix}capabilities.{implied}"
        message = f"cannot be false where `{capability}` is true, because that implies it"
        yield Fault(field_name, "contradiction", message, False, "true, or nothing")


def _faults(error: ValidationError, model: type[BaseModel], prefix: str) -> Iterator[Fault]:
    for problem in error.errors(include_url=False):
        location = [str(part) for part in problem["loc"]]
        allowed = problem.get("ctx", {}).get("expected") or _ALLOWED.get(location[0] if location else "")
        if problem["type"] == "extra_forbidden":
            allowed = ", ".join(model.model_fields)
        message = problem["msg"].removeprefix("Value error, ")
        field_name = (prefix + ".".join(location)).rstrip(".")
        yield Fault(field_name, problem["type"], message, shown(problem["input"]), allowed)


def _shown_id(record: Any, number: int) -> str:
    found = record.get("id") if isinstance(record, Mapping) else None
    return str(shown(found)) if isinstance(found, str) else str(number)
