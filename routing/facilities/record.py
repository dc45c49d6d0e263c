"""One place as files, the interface and the log write it: read strictly, and written down again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from routing.errors import BadInput, Fault, shown
from routing.facilities.opening import OPENING_SCHEMA, UNKNOWN, Opening, opening_record, read_opening
from routing.facilities.profile import (
    CapabilityTable,
    Facility,
    Patients,
    Period,
    Precision,
    Status,
    contradictions,
    resolve_capabilities,
)

FacilityId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}[A-Z]{2}$")]
Hours = Annotated[Opening, PlainValidator(read_opening), WithJsonSchema(OPENING_SCHEMA)]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./:_-]{0,79}$")]
Telephone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()-]{2,23}$")]

_ALLOWED = {
    "id": "lower-case letters, digits and single hyphens",
    "postcode": "a postcode like `3584CX`",
    "lat": "degrees from 50 to 54.5",
    "lon": "degrees from 2.5 to 8",
    "opening": "`always`, `unknown`, `out_of_hours` or a list of windows",
    "opening_of": "`always`, `unknown`, `out_of_hours` or a list of windows, for a capability",
    "capabilities": "true, false or null",
    "capability_periods": "`from` and `to`, each a date like `2026-12-25`",
    "contacts": "a telephone number like `+31 30 123 4567`",
    "identifiers": "a number as it is written there, at most 80 characters",
    "min_gestation_weeks": "20 to 42",
    "age_from_years": "0 to 120",
    "age_below_years": "1 to 120",
}


class StrictRecord(BaseModel):
    """What is read of a record: nothing unknown, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DaysRecord(StrictRecord):
    """The days on which a capability is there, both included; null is no limit."""

    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")

    @field_validator("first", "last", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, str):
            return date.fromisoformat(value)  # pydantic says what is wrong with it
        return value

    @model_validator(mode="after")
    def _in_order(self) -> DaysRecord:
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("`to` does not lie before `from`")
        return self


class FacilityRecord(StrictRecord):
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
    opening: Hours = Field(UNKNOWN, json_schema_extra={"default": UNKNOWN.pattern})
    opening_of: dict[Word, Hours] = Field(default_factory=dict)
    patients: Patients = "all"
    referral_only: bool = False
    sources: list[Word] = Field(default_factory=list)
    unchecked: list[Word] = Field(default_factory=list)
    remarks: list[Word] = Field(default_factory=list)
    regions: dict[Word, Name] = Field(default_factory=dict)
    capability_periods: dict[Word, DaysRecord] = Field(default_factory=dict)
    min_gestation_weeks: int | None = Field(None, ge=20, le=42)
    age_from_years: int | None = Field(None, ge=0, le=120)
    age_below_years: int | None = Field(None, ge=1, le=120)
    identifiers: dict[Word, Number] = Field(default_factory=dict)
    contacts: dict[Word, Telephone] = Field(default_factory=dict)


_RECORD = TypeAdapter(FacilityRecord)


def read_facility(record: Any, table: CapabilityTable, prefix: str = "") -> Facility:
    """The place that `record` describes; `prefix` comes before the names of fields in messages. Raises BadInput."""
    try:
        parsed = _RECORD.validate_python(record)
    except ValidationError as error:
        raise BadInput(tuple(record_faults(error, FacilityRecord, prefix))) from error
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
        regions={
            **{key: name for key, name in (("rav", parsed.rav), ("roaz", parsed.roaz)) if name is not None},
            **parsed.regions,
        },
        capabilities=resolve_capabilities(table.kinds[parsed.kind], parsed.capabilities, table),
        given=parsed.capabilities,
        opening=_same(parsed.opening),
        opening_of={capability: _same(opening) for capability, opening in parsed.opening_of.items()},
        patients=parsed.patients,
        referral_only=parsed.referral_only,
        sources=tuple(parsed.sources),
        unchecked=tuple(parsed.unchecked),
        remarks=tuple(parsed.remarks),
        periods={key: Period(days.first, days.last) for key, days in sorted(parsed.capability_periods.items())},
        min_gestation_weeks=parsed.min_gestation_weeks,
        age_from_years=parsed.age_from_years,
        age_below_years=parsed.age_below_years,
        identifiers=dict(sorted(parsed.identifiers.items())),
        contacts=dict(sorted(parsed.contacts.items())),
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
        **{kind: place.regions.get(kind) for kind in _OWN_FIELDS},
        "regions": {kind: name for kind, name in sorted(place.regions.items()) if kind not in _OWN_FIELDS},
        "capabilities": dict(sorted(place.given.items())),
        "opening": opening_record(place.opening),
        "opening_of": {key: opening_record(opening) for key, opening in sorted(place.opening_of.items())},
        "patients": place.patients if place.patients != "all" else None,
        "referral_only": place.referral_only or None,
        "sources": list(place.sources),
        "unchecked": list(place.unchecked),
        "remarks": list(place.remarks),
        "capability_periods": {key: _days(period) for key, period in place.periods.items()},
        "min_gestation_weeks": place.min_gestation_weeks,
        "age_from_years": place.age_from_years,
        "age_below_years": place.age_below_years,
        "identifiers": dict(place.identifiers),
        "contacts": dict(place.contacts),
    }
    return {key: value for key, value in record.items() if value is not None and value not in ([], {})}


_OWN_FIELDS = ("rav", "roaz")
"""Kinds of regions that have a field of their own in a record."""


def _days(period: Period) -> dict[str, str]:
    both = (("from", period.first), ("to", period.last))
    return {name: day.isoformat() for name, day in both if day is not None}


def without_fractions(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a place with degrees as text, so that a digest does not hang on how a program writes a fraction."""
    return {**record, "lat": f"{record['lat']:.5f}", "lon": f"{record['lon']:.5f}"}


def _against_table(parsed: FacilityRecord, table: CapabilityTable, prefix: str) -> Iterator[Fault]:
    if parsed.kind not in table.kinds:
        yield Fault(f"{prefix}kind", "unknown_kind", "is not a kind of place", parsed.kind, ", ".join(table.kinds))
    parts: tuple[tuple[str, Iterable[str]], ...] = (
        ("capabilities", parsed.capabilities),
        ("opening_of", parsed.opening_of),
        ("capability_periods", parsed.capability_periods),
    )
    youngest, below = parsed.age_from_years, parsed.age_below_years
    if youngest is not None and below is not None and below <= youngest:
        message = "leaves no age"
        yield Fault(f"{prefix}age_below_years", "contradiction", message, below, f"more than {youngest}")
    for kind in _OWN_FIELDS:
        if kind in parsed.regions:
            message = "has a field of its own"
            yield Fault(f"{prefix}regions.{kind}", "contradiction", message, parsed.regions[kind], f"`{kind}`")
    for part, names in parts:
        for name in names:
            if name not in table.capabilities:
                field_name, allowed = f"{prefix}{part}.{name}", ", ".join(table.capabilities)
                yield Fault(field_name, "unknown_capability", "is not a capability", name, allowed)
    for capability, implied in contradictions(parsed.capabilities, table):
        field_name = f"{prefix}capabilities.{implied}"
        message = f"cannot be false where `{capability}` is true, because that implies it"
        yield Fault(field_name, "contradiction", message, False, "true, or nothing")


def record_faults(error: ValidationError, model: type[BaseModel], prefix: str) -> Iterator[Fault]:
    """Everything that does not fit `model`, each with the field, the value seen and what is allowed."""
    for problem in error.errors(include_url=False):
        location = [str(part) for part in problem["loc"]]
        allowed = problem.get("ctx", {}).get("expected") or _ALLOWED.get(location[0] if location else "")
        if problem["type"] == "extra_forbidden":
            allowed = ", ".join(model.model_fields)
        message = problem["msg"].removeprefix("Value error, ")
        field_name = (prefix + ".".join(location)).rstrip(".")
        yield Fault(field_name, problem["type"], message, shown(problem["input"]), allowed)
