"""What the rules see of all worked cases at once: for each comparison the cases in which it holds, as one number.

Bit n of such a number stands for case n. So a changed condition is held against thousands of cases in microseconds,
and only the cases in which its rule then fires otherwise are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from routing.case import parse_case
from routing.errors import BadInput
from routing.packaged import Desk
from routing.rules.condition import All, Condition, Not, Test, negation_normal
from routing.rules.reference import meaning
from routing.rules.rule import Facts, FactValue
from routing.triage import facts_of
from routing.worked_cases import WorkedCase

Bits = int
"""A set of worked cases."""


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A worked case with the facts that the rules are asked about (`facts` with numbers and all that was decided,
    `given` without), and the ids of the rules that fire in it by their plain meaning."""

    case: WorkedCase
    given: Facts
    facts: Facts
    fired: frozenset[str]


def seen_cases(cases: Sequence[WorkedCase], desk: Desk) -> Iterator[SeenCase]:
    """What the national rules see of each of `cases` that they decide: those with agreements of a region, and those
    that cannot be read, are left out. Only the plain meaning is asked, no engine."""
    evaluators = desk.evaluators
    rules = evaluators.ruleset
    for case in cases:
        try:
            parsed = parse_case(case.given, desk.words, case.at, desk.directory.by_id)
        except BadInput:
            continue
        if desk.evaluators_for(parsed.region, case.at) is not evaluators:
            continue
        given = facts_of(parsed, case.at, desk.directory.holidays)
        facts = evaluators.with_numbers(given, case.at)
        fired = evaluators.reference.judge(facts).fired
        by_id = rules.by_id
        concluded = {f"condition.{code}": True for name in fired if (code := by_id[name].condition) is not None}
        ranks = [rank for name in fired if (rank := by_id[name].urgency) is not None]
        urgency = min(ranks, default=rules.default_urgency)
        decided = {**facts, **evaluators.asking.not_concluded, **concluded, "urgency": urgency}
        yield SeenCase(case, given, decided, fired)


def bits_of(numbers: Iterator[int] | Sequence[int]) -> Bits:
    """The set of the cases with these `numbers`."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def numbers_in(bits: Bits) -> Iterator[int]:
    """The numbers of the cases in `bits`, from the first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


class Truths:
    """In which of some cases a condition surely holds; the cases are given by what was `seen` of each."""

    def __init__(self, seen: Sequence[Facts]) -> None:
        self._every = (1 << len(seen)) - 1
        self._values: dict[str, dict[tuple[type, FactValue], Bits]] = {}
        for number, facts in enumerate(seen):
            for name, value in facts.items():
                of_fact = self._values.setdefault(name, {})
                key = (type(value), value)  # True and 1 are not the same observation
                of_fact[key] = of_fact.get(key, 0) | 1 << number
        self._tests: dict[Test, Bits] = {}

    def sure(self, condition: Condition) -> Bits:
        """The cases in which `condition` surely holds."""
        return self._sure(negation_normal(condition))

    def _sure(self, condition: Condition) -> Bits:
        if isinstance(condition, Test):
            if (known := self._tests.get(condition)) is None:
                known = self._tests[condition] = self._of_test(condition)
            return known
        assert not isinstance(condition, Not), "negations were pushed into the comparisons"
        if isinstance(condition, All):
            found = self._every
            for part in condition.parts:
                found &= self._sure(part)
                if not found:
                    break
            return found
        found = 0
        for part in condition.parts:
            found |= self._sure(part)
        return found

    def _of_test(self, test: Test) -> Bits:
        values: Mapping[tuple[type, FactValue], Bits] = self._values.get(test.subject, {})
        known = 0
        for bits in values.values():
            known |= bits
        if test.op in ("known", "unknown"):
            return known if test.op == "known" else self._every & ~known
        holds, found = meaning(test), 0
        for (_, value), bits in values.items():
            if holds({test.subject: value}) is True:
                found |= bits
        return found
