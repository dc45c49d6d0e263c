"""What a condition means, in plain Python: true, false, or unknown when an observation that matters is not there.

This is the meaning; the rule engine must agree with it (see `durable.py`), and on every decision both are asked.
Kleene's three-valued logic: `not` unknown is unknown, `all` is false as soon as one part is, `any` true as soon as one
part is. So learning more never makes a true condition untrue, except where a rule asks `is unknown` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import NamedTuple

from routing.rules.condition import AnyOf, Condition, Not, Test, tests
from routing.rules.rule import Facts, FactValue, Interval, Rule, conditions_asked, strata

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


class _Asked(NamedTuple):
    """A triage rule: its meaning, the condition it concludes, and its truth where nothing is known.

    Of most rules nothing is known that they ask; their truth is then the same for every case, and worked out once.
    """

    key: str
    holds: Meaning
    code: str | None
    of_nothing: Truth


def _asked(rule: Rule) -> _Asked:
    holds = meaning(rule.when)
    return _Asked(rule.id, holds, f"condition.{rule.condition}" if rule.condition else None, holds({}))


class ReferenceEvaluator:
    """The rules of a ruleset, ready to be asked about one case after the other. Holds no state between cases."""

    def __init__(self, rules: Sequence[Rule], default_urgency: int) -> None:
        layers = strata(rules)
        self._triage = [[_asked(rule) for rule in layer] for layer in layers if layer and layer[0].stage == "triage"]
        triage = [rule for rule in rules if rule.stage == "triage"]
        self._on_conditions = {rule.id for rule in triage if conditions_asked(rule)}  # these are decided on the way
        self._asking: dict[str, list[str]] = {}
        for rule in triage:
            for subject in dict.fromkeys(test.subject for test in tests(rule.when)):
                self._asking.setdefault(subject, []).append(rule.id)
        self._care = [(rule.id, meaning(rule.when)) for layer in layers for rule in layer if rule.stage == "care"]
        concluded = {rule.condition for rule in rules if rule.condition is not None}
        self._codes = {f"condition.{code}" for code in concluded.union(*map(conditions_asked, rules))}
        self._urgency = {rule.id: rule.urgency for rule in rules if rule.urgency is not None}
        self._default = default_urgency

    def judge(self, facts: Facts) -> Judgement:
        """Evaluate triage, then, with its conclusions decided, care."""
        fired: set[str] = set()
        possible: set[str] = set()
        truths: dict[str, Truth] = {}
        open_facts: dict[str, FactValue] = dict(facts)
        touched = self._on_conditions.union(*(self._asking[name] for name in facts if name in self._asking))
        for layer in self._triage:
            for key, holds, code, of_nothing in layer:
                truth = holds(open_facts) if key in touched else of_nothing
                if truth is True:
                    fired.add(key)
                elif truth is None:
                    possible.add(key)
                if code is not None:
                    truths[code] = _either(truths.get(code, False), truth)
            # nobody asks for a condition before all rules that conclude it had their turn (see `strata`)
            for code, truth in truths.items():
                if truth is None:
                    open_facts.pop(code, None)
                else:
                    open_facts[code] = truth
        urgency = min((rank for rank in self._ranks(fired)), default=self._default)
        reachable = min((*self._ranks(possible), urgency))
        decided = {
            **open_facts,
            **{code: open_facts.get(code) is True for code in self._codes},
            "urgency": urgency,
        }
        # with no rule's word on it the default stands, which a possible rule may still replace by something less urgent
        decided_by_rule = any(True for _ in self._ranks(fired))
        highest = urgency if decided_by_rule else max((*self._ranks(possible), urgency))
        open_facts["urgency"] = Interval(reachable, highest)
        for key, holds in self._care:
            if holds(decided) is True:
                fired.add(key)
            elif holds(open_facts) is not False:
                possible.add(key)
        return Judgement(frozenset(fired), frozenset(possible))

    def _ranks(self, ids: set[str]) -> Iterator[int]:
        return (self._urgency[key] for key in ids if key in self._urgency)


def _either(left: Truth, right: Truth) -> Truth:
    if left is True or right is True:
        return True
    return False if left is False and right is False else None
