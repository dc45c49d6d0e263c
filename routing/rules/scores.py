"""Numbers that follow from facts: derived numbers by a formula, and scores as tables of points.

What is unknown stays unknown: a derived number of an unknown fact is unknown; a score over partly unknown items is the
interval between the least and the most points that those items can still give.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.rules.condition import Condition, tests
from routing.rules.reference import Meaning, meaning
from routing.rules.rule import Facts, FactValue, Interval, Reference
from routing.vocabulary import Text

Formula = Mapping[str, Any]
"""One of `ratio`, `sum`, `lowest`, `highest` over facts or formulas, `minutes_since` a time, `weighted`."""

Calculation = Callable[[Facts, datetime], float | None]


@dataclass(frozen=True, slots=True)
class Derived:
    """A number computed from facts; `range` is inclusive, a result outside it is unknown."""

    id: str
    unit: str
    low: float
    high: float
    formula: Formula
    label: Text
    reference: Reference
    why: str


@dataclass(frozen=True, slots=True)
class Band:
    """Points for numbers up to and including `upto` (or strictly `below`); the last band has no end."""

    points: int
    upto: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a score: a fact and its points. With `only_if` it counts only where that is true."""

    fact: str
    bands: tuple[Band, ...] = ()
    values: Mapping[str, int] | None = None
    only_if: Condition | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A score as published: items with points. Where `not_for` is true the score has no value.

    Facts in `assumed_false` count as false in `only_if` unless they are said to be true.
    """

    id: str
    label: Text
    low: float
    high: float
    items: tuple[Item, ...]
    reference: Reference
    why: str
    not_for: Condition | None = None
    assumed_false: tuple[str, ...] = ()


def formula_facts(formula: Formula) -> Iterator[str]:
    """The facts that a formula asks for."""
    ((kind, body),) = formula.items()
    if kind == "minutes_since":
        yield str(body)
    elif kind == "weighted":
        yield from body["of"]
    else:
        for member in body:
            if isinstance(member, str):
                yield member
            else:
                yield from formula_facts(member)


def score_facts(score: Score) -> tuple[str, ...]:
    """The facts that a score asks for, each once."""
    asked = [item.fact for item in score.items]
    for condition in (score.not_for, *(item.only_if for item in score.items)):
        if condition is not None:
            asked.extend(test.subject for test in tests(condition))
    return tuple(dict.fromkeys(asked))


def calculation(formula: Formula) -> Calculation:
    """A function from facts and `now` to the number, or None where it is unknown."""
    ((kind, body),) = formula.items()
    if kind == "minutes_since":
        return _minutes_since(str(body))
    if kind == "weighted":
        weights = {str(name): float(weight) for name, weight in body["of"].items()}
        plus = float(body.get("plus", 0))
        members = [_fact(name) for name in weights]
        return _over(members, lambda found: sum(map(_times, found, weights.values())) + plus)
    members = [_fact(member) if isinstance(member, str) else calculation(member) for member in body]
    if kind == "ratio":
        return _over(members, lambda found: found[0] / found[1] if found[1] else None)
    if kind == "sum":
        return _over(members, sum)
    return _of_known(members, min if kind == "lowest" else max)


def _times(left: float, right: float) -> float:
    return left * right


def _fact(name: str) -> Calculation:
    def fact(facts: Facts, _now: datetime) -> float | None:
        found = facts.get(name)
        return found if isinstance(found, int | float) and not isinstance(found, bool) else None

    return fact


def _over(members: Sequence[Calculation], combine: Callable[[list[float]], float | None]) -> Calculation:
    def over(facts: Facts, now: datetime) -> float | None:
        found = [member(facts, now) for member in members]
        return None if None in found else combine([number for number in found if number is not None])

    return over


def _of_known(members: Sequence[Calculation], choose: Callable[[list[float]], float]) -> Calculation:
    def of_known(facts: Facts, now: datetime) -> float | None:
        found = [number for member in members if (number := member(facts, now)) is not None]
        return choose(found) if found else None

    return of_known


def _minutes_since(name: str) -> Calculation:
    def minutes_since(facts: Facts, now: datetime) -> float | None:
        moment = facts.get(name)
        if not isinstance(moment, str):
            return None
        # whole minutes, rounded down; a clock that runs a little ahead counts as now
        return max(0, int((now - datetime.fromisoformat(moment)).total_seconds() // 60))

    return minutes_since


Points = Callable[[Facts], tuple[Interval, Interval] | None]


def points(score: Score) -> Points:
    """A function from facts to (total, highest single item) as intervals, or None where the score is not meant for.

    Where an unknown yes/no decides which items count, the interval spans what both answers would give.
    """
    items = [(_item(item), meaning(item.only_if) if item.only_if is not None else None) for item in score.items]
    excluded = meaning(score.not_for) if score.not_for is not None else None
    assumed = dict.fromkeys(score.assumed_false, False)
    asked = [test.subject for item in score.items if item.only_if is not None for test in tests(item.only_if)]
    gates = tuple(dict.fromkeys(asked))

    def total(facts: Facts) -> tuple[Interval, Interval] | None:
        if excluded is not None and excluded(facts) is True:
            return None
        if (found := _sum(items, facts, assumed)) is not None:
            return found
        unknown = [name for name in gates if name not in facts and name not in assumed]
        answers = itertools.product((True, False), repeat=len(unknown))
        sums = [_sum(items, {**facts, **dict(zip(unknown, answer, strict=True))}, assumed) for answer in answers]
        known = [one for one in sums if one is not None]
        return _hull([one[0] for one in known]), _hull([one[1] for one in known])

    return total


Counted = Sequence[tuple[Callable[[Facts], tuple[float, float]], Meaning | None]]


def _sum(items: Counted, facts: Facts, assumed: Facts) -> tuple[Interval, Interval] | None:
    """Total and highest item; None where it is not known whether an item counts."""
    seen = {**assumed, **facts} if assumed else facts
    low = high = most_low = most_high = 0.0
    for item, counts in items:
        truth = True if counts is None else counts(seen)
        if truth is None:
            return None
        if truth:
            least, most = item(facts)
            low, high = low + least, high + most
            most_low, most_high = max(most_low, least), max(most_high, most)
    return Interval(low, high), Interval(most_low, most_high)


def _hull(intervals: Sequence[Interval]) -> Interval:
    return Interval(min(one.low for one in intervals), max(one.high for one in intervals))


def _item(item: Item) -> Callable[[Facts], tuple[float, float]]:
    name = item.fact
    if item.values is not None:
        by_value: dict[FactValue, float] = {_word(key): float(given) for key, given in item.values.items()}
        ends = (min(by_value.values()), max(by_value.values()))

        def choice(facts: Facts) -> tuple[float, float]:
            value = facts.get(name)
            return ends if value is None else (by_value[value], by_value[value])

        return choice
    bands = item.bands
    either = (float(min(band.points for band in bands)), float(max(band.points for band in bands)))

    def number(facts: Facts) -> tuple[float, float]:
        value = facts.get(name)
        if value is None or isinstance(value, Interval | str):
            return either
        given = float(band_of(bands, value).points)
        return given, given

    return number


def _word(key: str) -> FactValue:
    return {"true": True, "false": False}.get(key, key)


def band_of(bands: Sequence[Band], value: float) -> Band:
    """The band that `value` falls in."""
    for band in bands:
        if band.upto is not None and value <= band.upto:
            return band
        if band.below is not None and value < band.below:
            return band
    return bands[-1]
