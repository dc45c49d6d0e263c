"""What the facts of worked cases would be if a score or a formula were otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from routing.mutation.mutants import Mutant
from routing.mutation.seen import SeenCase
from routing.rules.evaluation import Evaluators
from routing.rules.rule import Facts, FactValue
from routing.rules.ruleset import Ruleset
from routing.rules.scores import Derived, Score, calculation, points, score_facts

_Calculate = Callable[[dict[str, FactValue], SeenCase], None]
"""Puts a number among the facts of a case, or takes it away."""


@dataclass(frozen=True, slots=True)
class Recalculated:
    """The facts of a case as they would be, and the names of those that are otherwise."""

    facts: Facts
    otherwise: frozenset[str]


def recalculated(mutant: Mutant, cases: Sequence[SeenCase], evaluators: Evaluators) -> Mapping[int, Recalculated]:
    """Number of a case -> its facts, for each case in which a number is otherwise. Cases in which nothing is known of
    what the change is about are left out: there it only moves the ends between which a score may lie."""
    rules = evaluators.ruleset
    numbers = _numbers(mutant, rules)
    asked = frozenset(fact for name in _about(mutant, rules) for fact in (name, *rules.asked_facts[name]))
    found: dict[int, Recalculated] = {}
    for number, case in enumerate(cases):
        if asked.isdisjoint(case.given) or asked.isdisjoint(case.facts):
            continue
        facts: dict[str, FactValue] = dict(case.facts)
        for calculate in numbers.values():
            calculate(facts, case)
        names = {name for key in numbers for name in (key, f"{key}.highest_item")}
        if otherwise := frozenset(name for name in names if facts.get(name) != case.facts.get(name)):
            found[number] = Recalculated(facts, otherwise)
    return found


def _about(mutant: Mutant, rules: Ruleset) -> tuple[str, ...]:
    """The fact of the row that is otherwise, or the derived number."""
    if mutant.score is None:
        return (mutant.of,)
    rows = zip(rules.scores[mutant.score.id].items, mutant.score.items, strict=True)
    return tuple(now.fact for was, now in rows if was != now)


def _numbers(mutant: Mutant, rules: Ruleset) -> dict[str, _Calculate]:
    """The numbers that may be otherwise, each after those that it rests on."""
    found: dict[str, _Calculate] = {}
    if mutant.derived is not None:
        found[mutant.derived.id] = _derived(mutant.derived)
    changed = set(found)
    for key, score in rules.scores.items():
        if mutant.score is not None and mutant.score.id == key:
            found[key] = _score(mutant.score)
        elif changed & set(score_facts(score)):
            found[key] = _score(score)
    return found


def _derived(derived: Derived) -> _Calculate:
    formula = calculation(derived.formula)

    def calculate(facts: dict[str, FactValue], case: SeenCase) -> None:
        number = formula(facts, case.case.at)
        if number is not None and derived.low <= number <= derived.high:
            facts[derived.id] = number
        else:
            facts.pop(derived.id, None)

    return calculate


def _score(score: Score) -> _Calculate:
    total = points(score)

    def calculate(facts: dict[str, FactValue], _case: SeenCase) -> None:
        if (found := total(facts)) is not None:
            facts[score.id], facts[f"{score.id}.highest_item"] = found
        else:
            facts.pop(score.id, None)
            facts.pop(f"{score.id}.highest_item", None)

    return calculate
