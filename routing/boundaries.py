"""Which limits of numbers have a worked case exactly on them, and one just on the other side.

A case counts only where the comparison decides: all else of the rule is such that the rule fires or does not by this
comparison alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from routing.mutation.seen import Truths
from routing.rules.condition import ALWAYS, AnyOf, Condition, Not, Test, compare, negation_normal, tests
from routing.rules.reading import as_written
from routing.rules.rule import Facts, Rule
from routing.rules.ruleset import Ruleset
from routing.rules.telling_apart import tidy

LIMITS = frozenset({"<", "<=", ">", ">="})
NEVER = AnyOf(())


@dataclass(frozen=True, slots=True)
class Boundary:
    """A limit in a rule: whether a worked case stands exactly `on` it, and one just on the other side (`beside`)."""

    rule: Rule
    test: Test
    on: bool
    beside: bool


def boundaries(ruleset: Ruleset, seen: Sequence[Facts], step_of: Callable[[str], float]) -> tuple[Boundary, ...]:
    """Every limit of every rule, and whether the cases whose facts were `seen` stand on it and beside it."""
    return tuple(_of_ruleset(ruleset, Truths(seen), step_of))


def _of_ruleset(ruleset: Ruleset, truths: Truths, step_of: Callable[[str], float]) -> Iterator[Boundary]:
    for rule in ruleset.rules:
        when = negation_normal(rule.when)
        for test in dict.fromkeys(tests(when)):
            if test.op not in LIMITS or not isinstance(test.value, int | float):
                continue
            decided = truths.sure(_with(when, test, ALWAYS)) ^ truths.sure(_with(when, test, NEVER))
            on, beside = _at(test, test.value), _beside(test, test.value, step_of(test.subject))
            yield Boundary(rule, test, bool(decided & truths.sure(on)), bool(decided & truths.sure(beside)))


def _at(test: Test, value: float) -> Condition:
    """Whether the subject is known to be exactly `value`."""
    return replace(test, op="=", value=value)


def _beside(test: Test, limit: float, step: float) -> Condition:
    """Whether the subject is known to lie within a step of the limit, where the comparison comes out otherwise."""
    above = compare(test, limit) is not compare(test, limit + step)
    near = tidy(limit + step if above else limit - step)
    within = Not(replace(test, op=">" if above else "<", value=near))
    further = replace(test, op=">" if above else "<", value=limit)
    return negation_normal(AnyOf((_at(test, near), _all(within, further))))


def _all(*parts: Condition) -> Condition:
    return type(ALWAYS)(parts)


def _with(condition: Condition, test: Test, instead: Condition) -> Condition:
    """`condition`, without `not`, with `instead` wherever `test` stands."""
    if isinstance(condition, Test):
        return instead if condition == test else condition
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    return replace(condition, parts=tuple(_with(part, test, instead) for part in condition.parts))


def figures(found: Sequence[Boundary]) -> Mapping[str, int]:
    """The counts over all limits."""
    return {
        "boundaries": len(found),
        "boundaries_on": sum(one.on for one in found),
        "boundaries_beside": sum(one.beside for one in found),
        "boundaries_both": sum(one.on and one.beside for one in found),
    }


def missing(found: Sequence[Boundary]) -> Iterator[dict[str, Any]]:
    """Each limit that lacks a case, with what it lacks."""
    for one in found:
        lacks = [name for name, there in (("on", one.on), ("beside", one.beside)) if not there]
        if lacks:
            rule = one.rule
            yield {"rule": rule.id, "file": rule.file, "line": rule.line, "limit": as_written(one.test), "lacks": lacks}
