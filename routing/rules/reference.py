"""What a condition means, in plain Python: true, false, or unknown when an observation that matters is not there.

This is the meaning; the rule engine must agree with it (see `durable.py`), and on every decision both are asked.
Kleene's three-valued logic: `not` unknown is unknown, `all` is false as soon as one part is, `any` true as soon as one
part is. So learning more never makes a true condition untrue, except where a rule asks `is unknown` itself.

`meaning` says what one condition means; all rules of a ruleset are asked together by code that says the same and is
made of them (see `generated.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne

from routing.rules.condition import AnyOf, Condition, Not, Test
from routing.rules.generated import judge_of
from routing.rules.rule import Facts, Interval, Rule

Truth = bool | None
Meaning = Callable[[Facts], Truth]

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "!=": ne, "at least": le, "below": gt,
}  # fmt: skip


def meaning(condition: Condition) -> Meaning:
    """A function from facts to true, false or None (unknown)."""
    if isinstance(condition, Test):
        return _test(condition)
    if isinstance(condition, Not):
        inner = meaning(condition.part)
        return lambda facts: None if (found := inner(facts)) is None else not found
    decisive = isinstance(condition, AnyOf)  # one true part decides `any`, one false part decides `all`
    return _joined([meaning(part) for part in condition.parts], decisive=decisive)


def _joined(parts: Sequence[Meaning], *, decisive: bool) -> Meaning:
    def joined(facts: Facts) -> Truth:
        result: Truth = not decisive
        for part in parts:
            found = part(facts)
            if found is decisive:
                return decisive
            if found is None:
                result = None
        return result

    return joined


def _test(test: Test) -> Meaning:
    name, op, value = test.subject, test.op, test.value
    if op == "known":
        return lambda facts: name in facts
    if op == "unknown":
        return lambda facts: name not in facts
    if op in ("true", "false"):
        wanted = op == "true"
        return lambda facts: None if (found := facts.get(name)) is None else found is wanted
    if isinstance(value, tuple):
        words, inside = frozenset(value), op == "in"
        return lambda facts: None if (found := facts.get(name)) is None else (found in words) is inside
    assert isinstance(value, int | float)
    return _number(name, _COMPARISONS[op], value)


def _number(name: str, holds: Callable[[float, float], bool], limit: float) -> Meaning:
    def number(facts: Facts) -> Truth:
        found = facts.get(name)
        if found is None:
            return None
        if isinstance(found, Interval):
            low, high = holds(found.low, limit), holds(found.high, limit)
            return low if low is high else None
        return holds(found, limit)  # type: ignore[arg-type]  # types were checked when the rule was read

    return number


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say about a case: ids of the rules that fire, and of those that more knowledge could make fire."""

    fired: frozenset[str]
    possible: frozenset[str]


class ReferenceEvaluator:
    """The rules of a ruleset, ready to be asked about one case after the other. Holds no state between cases."""

    def __init__(self, rules: Sequence[Rule], default_urgency: int) -> None:
        self._judge = judge_of(rules, default_urgency)

    def judge(self, facts: Facts) -> Judgement:
        """Evaluate triage, then, with its conclusions decided, care."""
        fired, possible = self._judge(facts)
        return Judgement(frozenset(fired), frozenset(possible))
