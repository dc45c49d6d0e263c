"""All places of care at one moment, checked and put ready so that the right ones are found quickly."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
)

from routing.errors import BadInput, Fault, shown
from routing.facilities.profile import (
    CapabilityTable,
    Facility,
    Traits,
    traits,
)
from routing.facilities.record import StrictRecord, facility_record, read_facility, record_faults, without_fractions
from routing.facilities.status import LiveStatus, report_of, report_record
from routing.geography import Places, places_at


class _Document(StrictRecord):
    reference_date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){1,2}$")]
    holidays: list[str] = Field(default_factory=list)
    facilities: list[Any]
    status: dict[str, list[Any]] = Field(default_factory=dict)
    changed: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """The places of care at `revision`, immutable and shared by requests; all tuples run parallel to `facilities`.

    `facilities` are sorted by id. `digest` is over what the places and holidays are, not over the revision. A
    capability has the number `bits[capability]`; `mask_true[i] & bit` says that the place has it for certain, and
    `mask_unknown[i] & bit` that nobody knows (see `masks_on` for capabilities that are not there for ever). Places
    with the same `traits` differ in where they are and what they report only. `places` holds the positions for a travel
    provider.

    `status` holds what was reported of places; of a place or subject that is not in it nothing is known. `changed` says
    who last changed the profile of a place since the national directory was taken in. `reserved` are the moments of
    recent recommendations, by id of the place and unit; they come from the log, not from the directory.
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
    traits: tuple[Traits, ...] = field(repr=False, compare=False)
    places: Places = field(repr=False)
    status: LiveStatus = field(default_factory=dict, repr=False, hash=False)
    changed: Mapping[str, Stamp] = field(default_factory=dict, repr=False, hash=False)
    reserved: Mapping[str, Mapping[str, tuple[datetime, ...]]] = field(default_factory=dict, repr=False, hash=False)
    digests: dict[str, tuple[Any, Any, str]] = field(default_factory=dict, repr=False, hash=False, compare=False)
    """What `facts` worked out of places, kept with what it was worked out of."""

    def masks_on(self, day: date) -> tuple[Sequence[int], Sequence[int]]:
        """`mask_true` and `mask_unknown` on `day`: without the capabilities that are not there on that day."""
        ended = {
            index: sum(self.bits[name] for name, period in place.periods.items() if not period.holds(day))
            for index, place in enumerate(self.facilities)
            if place.periods
        }
        if not any(ended.values()):
            return self.mask_true, self.mask_unknown
        has, unknown = list(self.mask_true), list(self.mask_unknown)
        for index, gone in ended.items():
            has[index] &= ~gone
            unknown[index] &= ~gone
        return has, unknown


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who changed the profile of a place, on the word of what was observed when; `removed` if it is gone."""

    source: str
    observed_at: datetime
    valid_until: datetime | None = None
    removed: bool = False


def read_directory(document: Mapping[str, Any], table: CapabilityTable, revision: int) -> Directory:
    """The snapshot of `document`: `{"reference_date", "holidays": ["2026-12-25", ...], "facilities": [record, ...]}`;
    one that was kept later also holds `status` and `changed`.

    Raises BadInput that lists everything that is wrong, each with the id of the place, the field and what is allowed.
    """
    try:
        parsed = _Document.model_validate(document)
    except ValidationError as error:
        raise BadInput(tuple(record_faults(error, _Document, ""))) from error
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
    ordered = sorted(facilities, key=lambda place: place.id)
    snapshot = _snapshot(ordered, holidays, parsed.reference_date, table, revision)
    if not parsed.status and not parsed.changed:
        return snapshot
    status = {key: tuple(report_of(report) for report in reports) for key, reports in parsed.status.items()}
    changed = {key: _stamp(record) for key, record in parsed.changed.items()}
    live = replace(snapshot, status=status, changed=changed)
    return replace(live, digest=_digest(to_records(live)))


def to_records(directory: Directory) -> dict[str, Any]:
    """The plain document from which `read_directory` makes the same snapshot again."""
    document = _document(directory.facilities, directory.holidays, directory.reference_date)
    live = {
        "status": {key: list(map(report_record, reports)) for key, reports in sorted(directory.status.items())},
        "changed": {key: _stamp_record(stamp) for key, stamp in sorted(directory.changed.items())},
    }
    return {**document, **{key: value for key, value in live.items() if value}}


def _stamp_record(stamp: Stamp) -> dict[str, Any]:
    record = {
        "source": stamp.source,
        "observed_at": stamp.observed_at.isoformat(),
        "valid_until": stamp.valid_until.isoformat() if stamp.valid_until else None,
        "removed": stamp.removed or None,
    }
    return {key: value for key, value in record.items() if value is not None}


def _stamp(record: Mapping[str, Any]) -> Stamp:
    until = record.get("valid_until")
    return Stamp(
        source=record["source"],
        observed_at=datetime.fromisoformat(record["observed_at"]),
        valid_until=datetime.fromisoformat(until) if until else None,
        removed=record.get("removed", False),
    )


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
        mask_true=tuple(mask(place, bits, True) for place in places),
        mask_unknown=tuple(mask(place, bits, None) for place in places),
        traits=traits(places),
        places=places_at((place.lat, place.lon) for place in places),
    )


def mask(place: Facility, bits: Mapping[str, int], wanted: bool | None) -> int:
    """The bits of the capabilities of which `wanted` holds: True is has, None is unknown."""
    return sum(bit for capability, bit in bits.items() if place.capabilities[capability] is wanted)


def _document(places: Iterable[Facility], holidays: Iterable[date], reference_date: str) -> dict[str, Any]:
    return {
        "reference_date": reference_date,
        "holidays": [day.isoformat() for day in sorted(holidays)],
        "facilities": [facility_record(place) for place in places],
    }


def _digest(document: Mapping[str, Any]) -> str:
    places = [without_fractions(record) for record in document["facilities"]]
    body = orjson.dumps({**document, "facilities": places}, option=orjson.OPT_SORT_KEYS)
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _dates(texts: Iterable[str], faults: list[Fault]) -> Iterator[date]:
    for text in texts:
        try:
            yield date.fromisoformat(text)
        except ValueError:
            faults.append(Fault("holidays", "bad_date", "is not a date", shown(text), "a date like `2026-12-25`"))


def _between_places(places: Collection[Facility]) -> Iterator[Fault]:
    counts = Counter(place.id for place in places)
    for place_id in sorted(key for key, count in counts.items() if count > 1):
        yield Fault(
            f"facilities.{place_id}.id", "double_id", f"stands {counts[place_id]} times", place_id, "every id once"
        )
    yield from not_within(places, counts)


def not_within(places: Iterable[Facility], known: Container[str]) -> Iterator[Fault]:
    """Which of `places` lie within a place that is not `known`, or within themselves."""
    for place in places:
        if place.located_at is not None and (place.located_at not in known or place.located_at == place.id):
            message = "is not another place in this directory"
            field_name = f"facilities.{place.id}.located_at"
            yield Fault(field_name, "unknown_place", message, place.located_at, "the id of another place, or nothing")


def _shown_id(record: Any, number: int) -> str:
    found = record.get("id") if isinstance(record, Mapping) else None
    return str(shown(found)) if isinstance(found, str) else str(number)
