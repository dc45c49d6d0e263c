"""Reads status in the manner of the national platform LPZ: organisations, each with a list of what is available.

What stands inside that list differs and is not known here, so nothing is guessed: a mapping of fields, which whoever
connects the feed writes down, says where the unit, the values and the time are and what each value means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Literal

from pydantic import Field, model_validator

from routing.errors import BadInput, BrokenFeed, Fault, bad_input, shown
from routing.formats.entries import Head, json_object, read_entries
from routing.formats.field_map import Path, StrictMap, Word, checked_map
from routing.formats.record import NO_PLACE, FeedOptions, FeedRecord, Ignored, PlaceName, moment, no_time, refused

_DAMAGE = frozenset({"not_json", "not_utf8", "empty_body"})
_YES_NO_KINDS = frozenset({"stop", "open"})
_MISSING = object()


class Choice(StrictMap):
    """A member at `path` and what each of its texts means; `ignore` says why others are not taken."""

    path: Path
    values: dict[str, Word] = Field(min_length=1)
    ignore: dict[str, str] = Field(default_factory=dict)


class PlaceAt(StrictMap):
    """Where an organisation says which place it is, and in which scheme."""

    path: Path
    scheme: Word = "lpz"


class FactAt(StrictMap):
    """One kind of status: where its value is, and what its texts mean where it is yes or no."""

    kind: Literal["stop", "beds", "crowding", "waiting_minutes", "offload_minutes", "open"]
    path: Path | None = None
    values: dict[str, bool | None] = Field(default_factory=dict)
    ignore: dict[str, str] = Field(default_factory=dict)
    counts: dict[Literal["total", "staffed", "occupied", "available"], Path] = Field(default_factory=dict)
    bed: Choice | None = None
    reason: Choice | None = None
    since: Path | None = None
    expected_end: Path | None = None
    valid_until: Path | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> FactAt:
        if (self.kind == "beds") != bool(self.counts) or (self.kind == "beds") == (self.path is not None):
            raise ValueError("`beds` has `counts` and no `path`; every other kind has a `path` and no `counts`")
        if (self.kind in _YES_NO_KINDS) != bool(self.values):
            raise ValueError("`stop` and `open` need `values`; no other kind has them")
        if self.bed is not None and self.kind != "beds":
            raise ValueError("only `beds` has a `bed`")
        return self


class LpzMap(StrictMap):
    """The whole mapping of fields. Without `items` the facts stand in the organisation itself."""

    organisations: str = "organisations"
    place: PlaceAt
    observed_at: Path | None = None
    items: Path | None = None
    item_observed_at: Path | None = None
    unit: Choice
    facts: tuple[FactAt, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _says_when(self) -> LpzMap:
        if self.observed_at is None and self.item_observed_at is None:
            raise ValueError("`observed_at` or `item_observed_at` is needed: a status without a time could be old")
        return self


def read_lpz(stream: BinaryIO, options: FeedOptions) -> Iterator[FeedRecord]:
    """A record for every organisation. Raises BrokenFeed, and BadInput without a mapping or for a wrong one."""
    if not options.field_map:
        raise bad_input("field_map", "missing", "is needed: the names of the fields are not known without it")
    given = checked_map(LpzMap, options.field_map)
    for _, number, data in read_entries(stream, given.organisations, "organisation", _anything, bare_list=True):
        yield _organisation(data, f"organisation {number}", given, options)


def _anything(head: Head) -> None:
    """Nothing beside the list of organisations is needed."""


def _organisation(data: bytes, where: str, given: LpzMap, options: FeedOptions) -> FeedRecord:
    try:
        organisation = json_object(data, where, _DAMAGE)
    except BadInput as error:
        if isinstance(error, BrokenFeed):
            raise
        return refused(NO_PLACE, where, *error.faults)
    name = _text(_at(organisation, given.place.path))
    if name is None or not name.strip():
        return refused(NO_PLACE, where, Fault(given.place.path, "missing", "names no place"))
    place = PlaceName(given.place.scheme, name.strip())
    items = [organisation] if given.items is None else _at(organisation, given.items)
    if not isinstance(items, list):
        return refused(place, where, Fault(str(given.items), "wrong_type", "is not a list", shown(items), "a list"))
    reports: list[dict[str, Any]] = []
    ignored: list[Ignored] = []
    faults: list[Fault] = []
    for item in items:
        _item(item, organisation, given, reports, ignored, faults)
    if faults:
        return refused(place, where, *faults)
    sourced = tuple({**report, "source": options.source} for report in reports)
    return FeedRecord(place, where, sourced, ignored=tuple(dict.fromkeys(ignored)))


def _item(
    item: Any,
    organisation: Mapping[str, Any],
    given: LpzMap,
    reports: list[dict[str, Any]],
    ignored: list[Ignored],
    faults: list[Fault],
) -> None:
    if not isinstance(item, dict):
        faults.append(Fault(str(given.items), "wrong_type", "holds something that is not an object", shown(item)))
        return
    unit = _chosen(item, given.unit, ignored)
    if unit is None:
        return
    written = _at(item, given.item_observed_at) if given.item_observed_at else _MISSING
    if written is _MISSING and given.observed_at:
        written = _at(organisation, given.observed_at)
    observed_at = moment(written)
    if observed_at is None:
        field = given.item_observed_at or given.observed_at or ""
        faults.append(no_time(field, None if written is _MISSING else written))
        return
    for fact in given.facts:
        bed = _chosen(item, fact.bed, ignored) if fact.bed else None
        if fact.bed and bed is None:  # without its kind it would count for all beds of the unit
            continue
        value = _counts(item, fact, faults) if fact.kind == "beds" else _value(item, fact, ignored, faults)
        if value is not _MISSING:
            report = {"unit": unit, "kind": fact.kind, "value": value, "observed_at": observed_at}
            reports.append(report | ({"bed": bed} if bed else {}) | _more(item, fact, ignored, faults))


def _at(value: Any, path: str) -> Any:
    """What stands at `path`, or _MISSING."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _text(value: Any) -> str | None:
    """A text, a number or yes/no as JSON writes it: `true`, `12`, `stop`; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _chosen(item: Mapping[str, Any], choice: Choice, ignored: list[Ignored]) -> str | None:
    text = _text(_at(item, choice.path))
    if text is None:
        return None
    if text not in choice.values:
        ignored.append(Ignored(choice.path, choice.ignore.get(text, "holds a value that the mapping does not name")))
    return choice.values.get(text)


def _value(item: Mapping[str, Any], fact: FactAt, ignored: list[Ignored], faults: list[Fault]) -> Any:
    path = fact.path or ""
    value = _at(item, path)
    if value is _MISSING or fact.kind not in _YES_NO_KINDS:
        return value if value is None or value is _MISSING else _number(value, path, faults)
    text = "null" if value is None else _text(value)
    if text in fact.values:
        return fact.values[text]
    ignored.append(Ignored(path, fact.ignore.get(text or "", "holds a value that the mapping does not name")))
    return _MISSING


def _counts(item: Mapping[str, Any], fact: FactAt, faults: list[Fault]) -> Any:
    numbers = {name: _number(_at(item, path), path, faults) for name, path in fact.counts.items()}
    return {name: number for name, number in numbers.items() if number is not _MISSING} or _MISSING


def _number(value: Any, path: str, faults: list[Fault]) -> Any:
    if value is None or value is _MISSING:
        return _MISSING
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    faults.append(Fault(path, "wrong_type", "is not a whole number", shown(value), "a number like `12`"))
    return _MISSING


def _more(item: Mapping[str, Any], fact: FactAt, ignored: list[Ignored], faults: list[Fault]) -> dict[str, str]:
    """The reason and the moments of a report, as far as the mapping names them and they are given."""
    found: dict[str, str] = {}
    if fact.reason is not None and (reason := _chosen(item, fact.reason, ignored)) is not None:
        found["reason"] = reason
    for name, path in (("since", fact.since), ("expected_end", fact.expected_end), ("valid_until", fact.valid_until)):
        written = _at(item, path) if path is not None else None
        if written is None or written is _MISSING:
            continue
        if (text := moment(written)) is None:
            faults.append(no_time(str(path), written))
        else:
            found[name] = text
    return found
