"""Which rules get overridden, where, when and why: counts that can be put together in any order, and shares of them.

A rule that fired in a decision that was overridden need not be the reason; the share of all decisions stands beside it.
Nothing here knows who decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal, NamedTuple

Block = Literal["office_hours", "evening", "night", "weekend"]
"""When it was decided, by Dutch clock: on working days 08:00-17:00, from 23:00 to 07:00 every day, other hours of a
weekend or holiday, and the evening and early morning of a working day."""

LEAST = 10
"""Of fewer decisions with an outcome no share is given: it would say more about chance, or a person, than about a
rule."""

FEW = 5
"""Where two things are counted together, fewer than this are not told apart: they could be somebody."""

EVERY_DECISION = ""
"""Stands for all decisions where a rule could stand."""

_Z = 1.959964  # 95 per cent of a normal distribution lie within so many standard deviations
_SHARED_DIMENSIONS = ("ruleset", "region", "recommended", "block")
_OVERRIDDEN_DIMENSIONS = ("reason", "chosen", "urgency")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one decision adds: the rules that fired, where and when, and what was decided. `overridden` is None where
    nobody said. `urgency` is `higher`, `lower` or `same` where somebody gave another one. `refusals` are place and
    coded reason of each that counts."""

    rules: tuple[str, ...]
    ruleset: str
    region: str | None
    block: Block
    recommended: str | None
    overridden: bool | None = None
    reason: str | None = None
    chosen: str | None = None
    urgency: str | None = None
    arrived: Arrival | None = None
    refusals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a patient arrived, and what was known of that place: that it had a stop, had refused, was not chosen."""

    place: str
    had_stop: bool
    had_refused: bool
    not_chosen: bool


class Cell(NamedTuple):
    """What is counted: `of` a rule or a place (`about`), by a value of a dimension, of one kind."""

    about: Literal["rule", "place", "decisions"]
    of: str
    by: str
    value: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of decisions. Adding two is adding their counts, so it makes no difference who counted what first."""

    counts: Mapping[Cell, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        counts = Counter(self.counts)
        counts.update(other.counts)
        return Tally(dict(counts))

    def total(self, what: str) -> int:
        """How many decisions were counted as `what`: `read`, `erased`."""
        return self.counts.get(Cell("decisions", EVERY_DECISION, "", None, what), 0)


def erased(count: int) -> Tally:
    """So many decisions of the period of which nothing is left to count but that they were there."""
    return Tally({Cell("decisions", EVERY_DECISION, "", None, "erased"): count} if count else {})


def tally(seen: Iterable[Seen]) -> Tally:
    """What these decisions come to."""
    counts: Counter[Cell] = Counter()
    for each in seen:
        counts.update(_cells(each))
    return Tally(dict(counts))


def _cells(seen: Seen) -> Iterator[Cell]:
    yield Cell("decisions", EVERY_DECISION, "", None, "read")
    whats = ["decisions"]
    if seen.overridden is not None:
        whats.append("with_outcome")
    if seen.overridden:
        whats.append("overridden")
    for rule in (EVERY_DECISION, *dict.fromkeys(seen.rules)):
        for what in whats:
            yield Cell("rule", rule, "", None, what)
            for name in _SHARED_DIMENSIONS:
                yield Cell("rule", rule, name, getattr(seen, name), what)
        if seen.overridden:
            for name in _OVERRIDDEN_DIMENSIONS:
                yield Cell("rule", rule, name, getattr(seen, name), "overridden")
    yield from _place_cells(seen)


def _place_cells(seen: Seen) -> Iterator[Cell]:
    if (arrived := seen.arrived) is not None:
        yield Cell("place", arrived.place, "", None, "arrivals")
        for what in ("had_stop", "had_refused", "not_chosen"):
            if getattr(arrived, what):
                yield Cell("place", arrived.place, "", None, what)
        if arrived.had_stop or arrived.had_refused:
            yield Cell("place", arrived.place, "", None, "in_spite")
            yield Cell("place", arrived.place, "in_spite_for", seen.reason if seen.overridden else None, "in_spite")
    for place, reason in seen.refusals:
        yield Cell("place", place, "", None, "refusals")
        yield Cell("place", place, "refused_for", reason, "refusals")


# -- shares -----------------------------------------------------------------------------------------------------------


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Between which shares the true one lies with 95 per cent certainty (Wilson's interval); of nothing: 0 to 1."""
    if whole == 0:
        return 0.0, 1.0
    share, square = part / whole, _Z * _Z / whole
    middle = (share + square / 2) / (1 + square)
    reach = _Z * sqrt(share * (1 - share) / whole + square / (4 * whole)) / (1 + square)
    # the ends are exact where nothing or all was overridden; rounding must not push them past that
    return (0.0 if part == 0 else middle - reach), (1.0 if part == whole else middle + reach)


def _share(overridden: int, with_outcome: int) -> dict[str, Any]:
    if with_outcome < LEAST:
        return {"share": None, "low": None, "high": None}
    low, high = wilson(overridden, with_outcome)
    return {"share": round(overridden / with_outcome, 3), "low": round(low, 3), "high": round(high, 3)}


# -- the report -------------------------------------------------------------------------------------------------------


def report_of(found: Tally, rule: str | None = None, few: int = FEW) -> dict[str, Any]:
    """The whole report on `found`: all decisions, each rule (or only `rule`, with or without the name of its ruleset),
    and places. Rules come in the order in which they are certainly overridden most. Within a rule or a place, counts
    below `few` are null."""
    table = _table(found)
    rows = [
        _row(name, table["rule", name], few)
        for about, name in table
        if about == "rule" and name != EVERY_DECISION and _wanted(name, rule)
    ]
    return {
        "decisions": found.total("read"),
        "erased": found.total("erased"),
        "least_for_a_share": LEAST,
        "few": few,
        "all": _row(None, table.get(("rule", EVERY_DECISION), {}), few),
        "rules": sorted(rows, key=_most_overridden),
        "places": [_place(name, cells, few) for (about, name), cells in sorted(table.items()) if about == "place"],
    }


_Cells = dict[tuple[str, str | None], dict[str, int]]


def _table(found: Tally) -> dict[tuple[str, str], _Cells]:
    table: dict[tuple[str, str], _Cells] = {}
    for (about, of, by, value, what), count in found.counts.items():
        table.setdefault((about, of), {}).setdefault((by, value), {})[what] = count
    return table


def _wanted(name: str, rule: str | None) -> bool:
    return rule is None or rule in (name, name.partition("/")[2])


def _most_overridden(row: Mapping[str, Any]) -> tuple[float, int, str]:
    low = row["low"] if row["low"] is not None else -1.0
    return -low, -row["overridden"], row["rule"]


def _row(rule: str | None, cells: _Cells, few: int) -> dict[str, Any]:
    whole = cells.get(("", None), {})
    return {
        "rule": rule,
        **_counts(whole, 0),
        **{f"by_{name}": _parts(name, cells, few) for name in (*_OVERRIDDEN_DIMENSIONS, *_SHARED_DIMENSIONS)},
    }


def _told(count: int, few: int) -> int | None:
    return None if 0 < count < few else count


def _counts(cell: Mapping[str, int], few: int) -> dict[str, Any]:
    decisions, with_outcome, overridden = (cell.get(what, 0) for what in ("decisions", "with_outcome", "overridden"))
    counts = {"decisions": decisions, "with_outcome": with_outcome, "overridden": overridden}
    hidden = _told(overridden, few) is None  # a share would tell the count
    told = {name: _told(count, few) for name, count in counts.items()}
    return {**told, **_share(overridden, 0 if hidden else with_outcome)}


def _parts(name: str, cells: _Cells, few: int) -> list[dict[str, Any]]:
    """The values of one dimension, the most overridden first. Of reasons and of what was chosen instead only how often:
    they have no share of their own."""
    found = [(value, cell) for (by, value), cell in cells.items() if by == name]
    found.sort(key=lambda part: (-part[1].get("overridden", 0), str(part[0])))
    if name in _SHARED_DIMENSIONS:
        return [{"value": value, **_counts(cell, few)} for value, cell in found]
    return [{"value": value, "overridden": _told(cell["overridden"], few)} for value, cell in found]


def _place(place: str, cells: _Cells, few: int) -> dict[str, Any]:
    whole = cells.get(("", None), {})
    names = ("arrivals", "had_stop", "had_refused", "not_chosen", "in_spite", "refusals")
    return {
        "place": place,
        **{name: whole.get(name, 0) for name in names},
        "in_spite_for": _reasons("in_spite_for", cells, few),
        "refused_for": _reasons("refused_for", cells, few),
    }


def _reasons(by: str, cells: _Cells, few: int) -> list[dict[str, Any]]:
    found = [(value, sum(cell.values())) for (name, value), cell in cells.items() if name == by]
    found.sort(key=lambda part: (-part[1], str(part[0])))
    return [{"reason": reason, "count": _told(count, few)} for reason, count in found]


def most_overridden(report: Mapping[str, Any], most: int) -> Sequence[Mapping[str, Any]]:
    """The first rules of a report that were overridden at all."""
    return [row for row in report["rules"] if row["overridden"]][:most]
