"""What is asked of few rules about a change of one fact is never answered otherwise by all of them."""

from __future__ import annotations

from random import Random

import pytest
import z3

from routing.proving.changing import Change, Side, lowering, of_choice, of_number, yes_or_no
from routing.proving.encoding import Encoding, encode_rules
from routing.proving.symbols import Formula, Symbol
from routing.vocabulary import URGENCIES
from tests.proving.test_encoding import concluded_only
from tests.rules.generated import world


def _lowers(encoding: Encoding, change: Change) -> Formula:
    """That the change makes a case less urgent, asked of all rules, as it is meant."""
    before, after = (encoding.with_facts({change.fact: symbol}) for symbol in (change.before, change.after))
    ranks = range(len(URGENCIES))
    return z3.And(z3.Or([z3.And(before.at_least(rank), z3.Not(after.at_least(rank))) for rank in ranks]), *change.so)


def _impossible(encoding: Encoding, *formulas: Formula) -> bool:
    solver = z3.Solver()
    solver.set("timeout", 300_000)  # what it does not know by then fails the test
    solver.add(*encoding.valid, *formulas)
    return bool(solver.check() == z3.unsat)


@pytest.mark.parametrize("seed", range(3))
def test_few_rules_never_prove_what_all_rules_refute(seed: int) -> None:
    random = Random(seed)
    made = world(random, facts=12, rules=30)
    while concluded_only(made) != made:
        made = world(random, facts=12, rules=30)
    encoding = encode_rules(made.rules, made.subjects, made.default_urgency)
    everything = frozenset(rule.id for rule in encoding.urgent)
    possible = 0
    for change in _changes(encoding):
        meant, asked = _lowers(encoding, change), lowering(encoding, change, default_counts=True)
        if asked is None:
            assert _impossible(encoding, meant), change.fact
            continue
        possible += not _impossible(encoding, meant)
        assert _impossible(encoding, meant, z3.Not(asked.formula(frozenset()))), change.fact
        assert _impossible(encoding, meant != asked.formula(everything)), change.fact
    assert possible


def _changes(encoding: Encoding) -> list[Change]:
    found: list[Change] = []
    for name, subject in encoding.domain.subjects.items():
        if subject.kind == "boolean":
            found += yes_or_no(name, worse=True)
        elif subject.kind == "choice":
            found += [change for _, change in of_choice(encoding, name, subject.choices[:3])]
        elif subject.kind == "number" and not subject.interval:
            middle = ((subject.low or 0) + (subject.high or 0)) / 2
            found += [change for _, change in of_number(encoding, name, low=(middle, None))]
            found += [change for _, change in of_number(encoding, name, high=(middle, middle - 1))]
    return found


def test_between_worse_and_fine_nothing_is_asked() -> None:
    """Of a number with `low_upto: 40` and `fine_from: 50`, and its mirror: which two values each change is about."""
    made = world(Random(7), facts=12, rules=5)
    encoding = encode_rules(made.rules, made.subjects, made.default_urgency)
    name = next(
        name
        for name, subject in encoding.domain.subjects.items()
        if subject.kind == "number" and not subject.interval and (subject.low or 0) <= 30 and (subject.high or 0) >= 60
    )

    def asked(which: str, before: int | None, after: int | None, **sides: Side) -> bool:
        return any(
            _is(change.before, before) and _is(change.after, after) and _holds(change, before, after)
            for kind, change in of_number(encoding, name, **sides)
            if kind == which
        )

    low, high = {"low": (40.0, 50.0)}, {"high": (50.0, 40.0)}
    for worst, worse, middle, fine, sides in ((30, 35, 45, 55, low), (60, 55, 45, 35, high)):
        assert asked("worse", None, worse, **sides)
        assert asked("worse", worse, worst, **sides)
        assert not asked("worse", worst, worse, **sides)
        assert asked("unknown", fine, None, **sides)
        for between in (middle - 1, middle, middle + 1):
            assert not asked("worse", None, between, **sides)
            assert not asked("worse", between, worse, **sides)
            assert not asked("unknown", between, None, **sides)
    assert asked("unknown", 50, None, **low), "the limit of what is fine is fine"
    assert not asked("unknown", 40, None, low=(40.0, None)), "and that of what is worse is worse"
    assert asked("unknown", 45, None, low=(40.0, None))
    assert not asked("unknown", 35, None, low=(40.0, None))


def _is(symbol: Symbol, value: int | None) -> bool:
    return z3.is_true(z3.simplify(symbol.known)) == (value is not None)


def _holds(change: Change, before: int | None, after: int | None) -> bool:
    solver = z3.Solver()
    solver.add(*change.so)
    for symbol, value in ((change.before, before), (change.after, after)):
        if value is not None:
            solver.add(symbol.low == value, symbol.high == value)
    return bool(solver.check() == z3.sat)
