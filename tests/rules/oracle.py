"""The meaning of rules in as few lines as possible: slow, recursive, and written without looking at the evaluators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne

from routing.rules.condition import All, Condition, Not, Test
from routing.rules.rule import Facts, Interval, Rule

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "!=": ne, "at least": le, "below": gt
}  # fmt: skip


def truth(condition: Condition, facts: Facts) -> bool | None:
    """True, false, or None for unknown (Kleene)."""
    if isinstance(condition, Test):
        return _test(condition, facts)
    if isinstance(condition, Not):
        inner = truth(condition.part, facts)
        return None if inner is None else not inner
    settles = not isinstance(condition, All)  # one part that is true settles `any`, one that is false `all`
    found: bool | None = not settles
    for part in condition.parts:
        one = truth(part, facts)
        if one is settles:
            return settles
        if one is None:
            found = None
    return found


def _test(test: Test, facts: Facts) -> bool | None:
    if test.op in ("known", "unknown"):
        return (test.subject in facts) == (test.op == "known")
    if test.subject not in facts:
        return None
    value = facts[test.subject]
    if isinstance(value, Interval):
        ends = {_test(test, {test.subject: end}) for end in (value.low, value.high)}
        return ends.pop() if len(ends) == 1 else None
    if test.op in ("true", "false"):
        return value == (test.op == "true")
    if isinstance(test.value, tuple):
        return (value in test.value) == (test.op == "in")
    limit = test.value
    assert limit is not None and not isinstance(value, str)
    return _COMPARE[test.op](value, limit)


def fired(rules: Sequence[Rule], facts: Facts, default_urgency: int) -> frozenset[str]:
    """The ids of the rules that fire: triage until nothing new is concluded, then care with what is decided."""
    concluded: set[str] = set()
    while True:
        known = {**facts, **dict.fromkeys(concluded, True)}
        triage = [rule for rule in rules if rule.stage == "triage" and truth(rule.when, known) is True]
        new = {f"condition.{rule.condition}" for rule in triage if rule.condition is not None} - concluded
        if not new:
            break
        concluded |= new
    ranks = [rule.urgency for rule in triage if rule.urgency is not None]
    of_care = [rule for rule in rules if rule.stage == "care"]
    decided = {**_nothing_concluded(of_care), **known, "urgency": min(ranks, default=default_urgency)}
    care = [rule for rule in of_care if truth(rule.when, decided) is True]
    return frozenset(rule.id for rule in (*triage, *care))


def _nothing_concluded(rules: Sequence[Rule]) -> dict[str, bool]:
    return {test.subject: False for rule in rules for test in _tests(rule.when) if test.subject[:10] == "condition."}


def _tests(condition: Condition) -> list[Test]:
    if isinstance(condition, Test):
        return [condition]
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return [test for part in parts for test in _tests(part)]
