"""Derived numbers and scores as formulas of the solver: what follows from facts, and what stays unknown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import z3

from routing.proving.symbols import Formula, Symbol, number
from routing.rules.condition import Condition, Subject, Test, tests
from routing.rules.scores import Band, Derived, Item, Score

YES, NO = z3.BoolVal(True), z3.BoolVal(False)
ZERO = z3.RealVal(0)

Known = Callable[[str], Symbol]
Sure = Callable[[Condition, Known], tuple[Formula, Formula]]
"""A condition over subjects -> whether it surely holds, and whether it may."""


class CannotEncode(ValueError):
    """Something in the rules has a meaning that the solver cannot be told."""


# -- derived numbers --------------------------------------------------------------------------------------------------


def derived_symbol(derived: Derived, known: Known, subjects: Mapping[str, Subject]) -> Symbol:
    """The derived number: unknown where the formula is, or where it lies outside its range."""
    ((kind, body),) = derived.formula.items()
    if kind == "ratio" and all(isinstance(name, str) and not _below_zero(subjects[name]) for name in body):
        return _ratio(derived, *(_member(name, known, subjects) for name in body))
    found = _calculated(derived.formula, known, subjects)
    inside = z3.And(found.low >= number(derived.low), found.low <= number(derived.high))
    return found._replace(known=z3.And(found.known, inside), high=found.low)


def _below_zero(subject: Subject) -> bool:
    return subject.low is None or subject.low < 0 or subject.interval


def _ratio(derived: Derived, upper: Symbol, lower: Symbol) -> Symbol:
    """A ratio of two numbers that are not below zero, kept as the two: so that the solver need not divide."""
    low, high = number(derived.low) * lower.low, number(derived.high) * lower.low
    inside = z3.And(lower.low > 0, upper.low >= low, upper.low <= high)
    known = z3.And(upper.known, lower.known, inside)
    return Symbol(known, upper.low, ZERO, _all_whole((upper, lower)), over=lower.low)


def _calculated(formula: Mapping[str, Any], known: Known, subjects: Mapping[str, Subject]) -> Symbol:
    ((kind, body),) = formula.items()
    if kind == "minutes_since":
        return known(str(body))
    if kind == "weighted":
        members = [_member(name, known, subjects) for name in body["of"]]
        weights = [float(weight) for weight in body["of"].values()]
        plus = float(body.get("plus", 0))
        total = z3.Sum([found.low * number(weight) for found, weight in zip(members, weights, strict=True)])
        whole = all(value == int(value) for value in (*weights, plus))
        exact = _all_whole(members) if whole else NO
        # two products that are exact are added with one rounding
        once = plus if len(members) <= 2 and all(map(_only_shifts, weights)) else None
        return Symbol(_all_known(members), total + number(plus), ZERO, exact, once=once)
    members = [_member(member, known, subjects) for member in body]
    if kind == "ratio":
        upper, lower = members
        return Symbol(z3.And(_all_known(members), lower.low != 0), upper.low / lower.low, ZERO, _all_whole(members))
    if kind == "sum":
        return Symbol(_all_known(members), z3.Sum([found.low for found in members]), ZERO, _all_whole(members))
    return _of_known(members, least=kind == "lowest")


def _only_shifts(weight: float) -> bool:
    """Whether a number times `weight` is never rounded: it is a power of two, or one below zero."""
    return abs(math.frexp(weight)[0]) == 0.5


def _member(member: Any, known: Known, subjects: Mapping[str, Subject]) -> Symbol:
    if not isinstance(member, str):
        return _calculated(member, known, subjects)
    found = known(member)
    if subjects[member].interval:  # a number that is only known within limits is not known here
        return found._replace(known=z3.And(found.known, found.low == found.high))
    return found


def _all_known(members: Sequence[Symbol]) -> Formula:
    return z3.And([found.known for found in members])


def _all_whole(members: Sequence[Symbol]) -> Formula:
    """Sums, whole multiples and ratios of whole numbers are on the right side of every limit, however they are rounded:
    these numbers are small."""
    return z3.And([z3.IsInt(found.low) for found in members if z3.is_real(found.low)])


def _of_known(members: Sequence[Symbol], *, least: bool) -> Symbol:
    """The lowest or highest of what is known."""
    known, value = members[0].known, members[0].low
    for found in members[1:]:
        better = found.low < value if least else found.low > value
        value = z3.If(z3.And(found.known, z3.Or(z3.Not(known), better)), found.low, value)
        known = z3.Or(known, found.known)
    return Symbol(known, value, ZERO, z3.And([found.exact for found in members]))


# -- scores -----------------------------------------------------------------------------------------------------------


def score_symbols(score: Score, known: Known, subjects: Mapping[str, Subject], sure: Sure) -> tuple[Symbol, Symbol]:
    """The score and its highest item. Where it is not known whether an item counts, both span what the answers to the
    yes/no questions would give, as `routing.rules.scores.points` does."""
    assumed = frozenset(score.assumed_false)

    def seen(name: str) -> Symbol:
        found = known(name)
        if name not in assumed:
            return found
        return Symbol(YES, z3.And(found.known, found.low), NO)

    excluded = sure(score.not_for, known)[0] if score.not_for is not None else NO
    gates = tuple(_gates(score, subjects, assumed))
    decided, plain = _sums(score.items, known, seen, subjects, sure)
    sums = [plain]
    for answers in itertools.product((True, False), repeat=len(gates)):
        answer = dict(zip(gates, answers, strict=True))
        sums.append(_sums(score.items, _answered(known, answer), _answered(seen, answer), subjects, sure)[1])
    low = [_either(decided, plain[at], _least([one[at] for one in sums[1:]])) for at in (0, 2)]
    high = [_either(decided, plain[at], _most([one[at] for one in sums[1:]])) for at in (1, 3)]
    valued = z3.Not(excluded)
    return Symbol(valued, low[0], high[0]), Symbol(valued, low[1], high[1])


def _gates(score: Score, subjects: Mapping[str, Subject], assumed: frozenset[str]) -> Iterator[str]:
    """The yes/no facts that decide which items count, and may be unknown."""
    asked = [test for item in score.items if item.only_if is not None for test in tests(item.only_if)]
    for name in dict.fromkeys(test.subject for test in asked):
        if name in assumed:
            continue
        if subjects[name].kind == "boolean":
            yield name
        elif name != "age_years" and not _settled(name, asked):
            raise CannotEncode(f"score `{score.id}`: which items count may hang on `{name}`, which is not a yes/no")


def _settled(name: str, asked: Sequence[Test]) -> bool:
    """Whether it is asked of `name` too if it is known, by which an unknown value can be settled."""
    return any(test.subject == name and test.op in ("known", "unknown") for test in asked)


def _answered(known: Known, answers: Mapping[str, bool]) -> Known:
    def answered(name: str) -> Symbol:
        found = known(name)
        if name not in answers:
            return found
        value = z3.If(found.known, found.low, z3.BoolVal(answers[name]))
        return Symbol(YES, value, value)

    return answered


_Sums = tuple[Formula, Formula, Formula, Formula]


def _sums(
    items: Sequence[Item], known: Known, seen: Known, subjects: Mapping[str, Subject], sure: Sure
) -> tuple[Formula, _Sums]:
    """Whether it is known of all items if they count, and total and highest item, each at least and at most."""
    decided: list[Formula] = []
    lows: list[Formula] = []
    highs: list[Formula] = []
    for item in items:
        least, most = _points(item, known(item.fact), subjects[item.fact])
        if item.only_if is not None:
            holds, may = sure(item.only_if, seen)
            decided.append(holds == may)
            least, most = z3.If(holds, least, ZERO), z3.If(holds, most, ZERO)
        lows.append(least)
        highs.append(most)
    return z3.And(decided), (z3.Sum(lows), z3.Sum(highs), _most([ZERO, *lows]), _most([ZERO, *highs]))


def _points(item: Item, found: Symbol, subject: Subject) -> tuple[Formula, Formula]:
    if item.values is not None:
        given = _by_value(item.values, found, subject)
        least, most = min(item.values.values()), max(item.values.values())
    else:
        given = _by_band(item.bands, found.low)
        least, most = min(band.points for band in item.bands), max(band.points for band in item.bands)
    known = z3.And(found.known, found.low == found.high) if subject.interval else found.known
    return z3.If(known, given, number(least)), z3.If(known, given, number(most))


def _by_value(values: Mapping[str, int], found: Symbol, subject: Subject) -> Formula:
    if subject.kind == "boolean":
        return z3.If(found.low, number(values["true"]), number(values["false"]))
    given = number(values[subject.choices[-1]])
    for index, word in enumerate(subject.choices[:-1]):
        given = z3.If(found.low == index, number(values[word]), given)
    return given


def _by_band(bands: Sequence[Band], value: Formula) -> Formula:
    given = number(bands[-1].points)
    for band in reversed(bands[:-1]):
        limit = value <= number(band.upto) if band.upto is not None else value < number(band.below or 0)
        given = z3.If(limit, number(band.points), given)
    return given


def _either(condition: Formula, first: Formula, second: Formula) -> Formula:
    return z3.If(condition, first, second)


def _least(numbers: Sequence[Formula]) -> Formula:
    found = numbers[0]
    for other in numbers[1:]:
        found = z3.If(other < found, other, found)
    return found


def _most(numbers: Sequence[Formula]) -> Formula:
    found = numbers[0]
    for other in numbers[1:]:
        found = z3.If(other > found, other, found)
    return found
