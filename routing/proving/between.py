"""Whether any case at all gets something else by another version of the rules, with an example of each kind.

Where the solver finds no such case there is none; each example is decided by the real rules of both versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import z3

from routing.proving.asking import Asker, Open, asker
from routing.proving.encoding import MAY_ROUND, Encoding, encode
from routing.proving.situations import Bench, Known, known_in, smallest
from routing.proving.symbols import Formula
from routing.rules.evaluation import Evaluators
from routing.triage import Concluded, concluded_by
from routing.vocabulary import URGENCIES

Verdict = Literal["same", "differs", "undecided"]
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Between:
    """One question about two versions: `part` is what was asked; the `case`, as `wegwijs decide` reads it, is decided
    `at` a moment and gets `old` and `new`. `why` says why it stayed undecided."""

    part: str
    verdict: Verdict
    case: Mapping[str, Any] | None = None
    at: str | None = None
    old: Any = None
    new: Any = None
    why: str | None = None


@dataclass(frozen=True)
class _Versions:
    """Two versions, each with its formulas and with the real rules."""

    old: Encoding
    new: Encoding
    benches: tuple[Bench, Bench]
    asker: Asker

    def concluded(self, known: Known) -> tuple[Concluded, Concluded] | None:
        """What both conclude of a case; None where it is no valid case."""
        found = []
        for bench in self.benches:
            if (outcome := bench.outcome(known)) is None:
                return None
            rules = bench.evaluators.ruleset
            found.append(concluded_by([rule for rule in rules.rules if rule.id in outcome.fired], rules))
        return found[0], found[1]


def between(
    old: Evaluators,
    new: Evaluators,
    holidays: frozenset[date],
    clock: Callable[[], float],
    timeout: float = TIMEOUT_SECONDS,
) -> Iterator[Between]:
    """For urgency (less, more), conditions and needs whether some case gets something else by the rules of `new` than
    by those of `old`, which have the same vocabulary. Each question may take `timeout` seconds."""
    encodings = encode(old.ruleset), encode(new.ruleset)
    benches = Bench(old, holidays), Bench(new, holidays)
    made = asker(old.ruleset, encodings[0], benches[0], clock, lambda _: None, timeout)
    made.solver.add(*encodings[1].valid)
    versions = _Versions(*encodings, benches, made)
    for part, formula, value in _questions(*encodings):
        made.begin()
        yield _answer(part, formula, value, versions)


_Value = Callable[[Concluded], Any]


def _questions(old: Encoding, new: Encoding) -> Iterator[tuple[str, Formula, _Value]]:
    ranks = range(len(URGENCIES) - 1)
    less = z3.Or([z3.And(old.at_least(rank), z3.Not(new.at_least(rank))) for rank in ranks])
    more = z3.Or([z3.And(new.at_least(rank), z3.Not(old.at_least(rank))) for rank in ranks])
    yield "less urgent", less, lambda found: found.urgency
    yield "more urgent", more, lambda found: found.urgency
    yield "conditions", z3.Or(list(_conditions(old, new))), lambda found: dict(found.conditions)
    yield "needs", z3.Or(list(_needs(old, new))), lambda found: dict(found.needs)


def _conditions(old: Encoding, new: Encoding) -> Iterator[Formula]:
    codes = {rule.condition for one in (old, new) for rule in one.rules if rule.condition is not None}
    for code in sorted(codes):
        for states in (("suspected", "possible"), ("suspected",)):
            yield z3.Xor(
                *(
                    one.some_fired(rule for rule in one.rules if rule.condition == code and rule.status in states)
                    for one in (old, new)
                )
            )


def _needs(old: Encoding, new: Encoding) -> Iterator[Formula]:
    names = {need.capability for one in (old, new) for rule in one.rules for need in rule.needs}
    for name in sorted(names):
        yield z3.Xor(old.needed(name), new.needed(name))
        yield z3.Xor(old.needed(name, "required"), new.needed(name, "required"))


def _answer(part: str, formula: Formula, value: _Value, versions: _Versions) -> Between:
    def differs(known: Known) -> bool:
        found = versions.concluded(known)
        return found is not None and _as_asked(part, found) and value(found[0]) != value(found[1])

    try:
        for question in (formula, z3.And(formula, z3.Not(MAY_ROUND))):
            model = versions.asker.model(question)
            if model is None:
                if question is formula:
                    return Between(part, "same")
                break
            known = known_in(model, versions.old)
            if differs(known):
                return _example(part, smallest(known, differs), value, versions)
    except Open as error:
        return Between(part, "undecided", why=str(error))
    return Between(part, "undecided", why="the case that was found is not confirmed by the rules themselves")


def _as_asked(part: str, found: tuple[Concluded, Concluded]) -> bool:
    old, new = (URGENCIES.index(one.urgency) for one in found)
    return {"less urgent": new > old, "more urgent": new < old}.get(part, True)


def _example(part: str, known: Known, value: _Value, versions: _Versions) -> Between:
    body, now = versions.benches[0].body(known)
    found = versions.concluded(known)
    assert found is not None, "it was decided before"
    return Between(part, "differs", body, now.isoformat(), value(found[0]), value(found[1]))
