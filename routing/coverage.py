"""Which rules, and which branches of them, the worked cases fire, and which have a case that stands just outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from routing.rules.branches import branches, lacking, taken
from routing.rules.condition import Condition, Test, negation_normal, tests
from routing.rules.reading import as_written
from routing.rules.reference import meaning
from routing.rules.rule import Facts, Rule
from routing.rules.ruleset import Ruleset
from routing.worked_cases import Outcome

LIMITS = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """What the worked cases show of one rule.

    `missing` are the branches that no case fired it by. `limits` are its comparisons of a number with a limit, and
    `edges` those for which a case would fire the rule if only the number were on the other side of that limit. `near`
    says whether some case would fire the rule if exactly one comparison were true; None where there is none.
    """

    rule: Rule
    fired: bool
    branches: int
    missing: tuple[Condition, ...]
    limits: tuple[Test, ...]
    edges: frozenset[Test]
    near: bool | None


def coverage(ruleset: Ruleset, outcomes: Sequence[Outcome]) -> tuple[RuleCoverage, ...]:
    """What `outcomes` of worked cases show of each rule, in the order of the ruleset."""
    return tuple(_of_rule(rule, outcomes) for rule in ruleset.rules)


def _of_rule(rule: Rule, outcomes: Sequence[Outcome]) -> RuleCoverage:
    ways = branches(rule.when)
    went, lacks = taken(ways), lacking(rule.when)
    asked = tuple(dict.fromkeys(tests(negation_normal(rule.when))))
    fired, seen, outside = False, set[int](), set[Test]()
    for outcome in outcomes:
        if rule.id in outcome.fired:
            fired = True
            seen |= went(outcome.facts)
        elif outside.issuperset(lone := lacks(outcome.facts) or ()):
            continue
        else:
            outside |= {test for test in lone if _tells(test, asked, outcome.facts)}
    limits = tuple(test for test in asked if test.op in LIMITS)
    return RuleCoverage(
        rule=rule,
        fired=fired,
        branches=len(ways),
        missing=tuple(way.condition for number, way in enumerate(ways) if number not in seen),
        limits=limits,
        edges=frozenset(outside.intersection(limits)),
        near=bool(outside) if asked else None,
    )


def _tells(test: Test, asked: Sequence[Test], facts: Facts) -> bool:
    """Whether a case in which only `test` is lacking says something about its rule: a limit must have been held against
    a number, and a case in which nothing that the rule asks is known stands outside every rule."""
    if meaning(test)(facts) is False:
        return True
    return test.op not in LIMITS and any(meaning(other)(facts) is True for other in asked if other != test)


def not_fired(found: Sequence[RuleCoverage]) -> Iterator[dict[str, Any]]:
    """Each rule that no case fires (`branch` is None), and each branch that no case fires its rule by."""
    for one in found:
        for branch in one.missing if one.fired else (None,):
            yield {**_place(one.rule), "branch": None if branch is None else as_written(branch)}


def no_near_miss(found: Sequence[RuleCoverage]) -> Iterator[dict[str, Any]]:
    """Each rule without a case just outside it."""
    yield from (_place(one.rule) for one in found if one.near is False)


def no_edge(found: Sequence[RuleCoverage]) -> Iterator[dict[str, Any]]:
    """Each limit of a rule without a case just outside it."""
    for one in found:
        for test in one.limits:
            if test not in one.edges:
                yield {**_place(one.rule), "limit": as_written(test)}


def _place(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.id, "file": rule.file, "line": rule.line}


def figures(found: Sequence[RuleCoverage]) -> dict[str, int]:
    """The counts over all rules."""
    return {
        "rules_fired": sum(one.fired for one in found),
        "branches": sum(one.branches for one in found),
        "branches_fired": sum(one.branches - len(one.missing) for one in found),
        "near_misses": sum(one.near is True for one in found),
        "near_misses_possible": sum(one.near is not None for one in found),
        "edges": sum(len(one.edges) for one in found),
        "limits": sum(len(one.limits) for one in found),
    }
