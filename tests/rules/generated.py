"""Random vocabularies, rulesets and cases, the same for the same seed: for the differential test, proofs and bench."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from routing.rules.condition import (
    ALWAYS,
    All,
    AnyOf,
    Clause,
    Condition,
    ConditionError,
    Not,
    Op,
    Subject,
    Test,
    compare,
    normal_form,
    satisfiable,
    tests,
)
from routing.rules.rule import FactValue, Interval, Need, Reference, Rule
from routing.vocabulary import Text

REFERENCE = Reference("made-up", "Made up", "https://example.org", None, "not")
TEXT = Text(nl="verzonnen", en="made up")
CONDITIONS = 12
"""How many condition codes a schema has; rules conclude some of them, and never the last one."""


def rule(
    name: str,
    when: Condition,
    *,
    urgency: int | None = None,
    condition: str | None = None,
    needs: tuple[Need, ...] = (),
) -> Rule:
    """A rule with made-up texts; without urgency and condition it is a care rule."""
    warning = urgency is None and condition is None and not needs
    return Rule(
        name, when, TEXT, REFERENCE, "made up", urgency=urgency, condition=condition, needs=needs, warning=warning,
        status="suspected" if condition else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """A vocabulary with rules over it, and per subject the values that are interesting for these rules."""

    subjects: Mapping[str, Subject]
    rules: tuple[Rule, ...]
    default_urgency: int
    values: Mapping[str, tuple[FactValue, ...]]
    aims: tuple[Clause, ...]


def world(random: Random, *, facts: int | None = None, rules: int | None = None) -> World:
    """A schema of 10-60 facts and scores, and 20-300 rules over it."""
    subjects = schema(random, facts or random.randint(10, 60))
    found = ruleset(random, subjects, rules or random.randint(20, 300))
    return World(subjects, found, random.randint(0, 5), values(random, subjects, found), _aims(subjects, found))


# -- vocabulary -------------------------------------------------------------------------------------------------------


def schema(random: Random, count: int) -> dict[str, Subject]:
    """`count` facts and scores of all kinds, the conditions and the urgency."""
    found = [_subject(random, f"{random.choice(['fact', 'x', 'Waarde_met_lange_naam'])}_{n}") for n in range(count)]
    found += [Subject(f"condition.c{n}", "condition") for n in range(CONDITIONS)]
    found.append(Subject("urgency", "urgency", low=0, high=5, whole=True))
    return {subject.name: subject for subject in found}


def _subject(random: Random, name: str) -> Subject:
    kind = random.choices(["boolean", "whole", "decimal", "choice", "time", "score"], [8, 5, 4, 4, 1, 2])[0]
    if kind == "boolean":
        return Subject(name, "boolean")
    if kind == "time":
        return Subject(name, "time")
    if kind == "choice":
        return Subject(name, "choice", choices=tuple(f"v'\"{n}" for n in range(random.choice([2, 3, 5, 9, 40]))))
    low, high = random.choice([(0, 1), (0, 10), (0, 300), (-400, 400), (0, 525600), (-50, 5), (0, 2**53 - 1)])
    whole = kind == "whole"
    return Subject(name, "number", "1", low, high, whole=whole, interval=kind == "score")


# -- rules ------------------------------------------------------------------------------------------------------------


def ruleset(random: Random, subjects: Mapping[str, Subject], count: int) -> tuple[Rule, ...]:
    """`count` rules that can fire: about two thirds triage rules, chained through conditions, the others care rules."""
    limits = {name: _limits(random, subject) for name, subject in subjects.items()}
    return tuple(_rule(random, subjects, limits, f"rule-{number}") for number in range(count))


def _limits(random: Random, subject: Subject) -> tuple[float, ...]:
    """Thresholds that rules share, as they do in practice."""
    if subject.low is None or subject.high is None:
        return ()
    span = subject.high - subject.low
    found: list[float] = [subject.low, subject.high, subject.low + span // 2]
    for _ in range(4):
        point = subject.low + random.random() * span
        found.append(round(point) if subject.whole else round(point, random.choice([0, 1, 3, 17])))
    if not subject.whole and span <= 10:
        found.append(0.00001)
    return tuple(int(limit) if subject.whole else limit for limit in found)


def _rule(random: Random, subjects: Mapping[str, Subject], limits: Mapping[str, tuple[float, ...]], name: str) -> Rule:
    stage = random.choices(["urgency", "condition", "both", "care"], [6, 3, 1, 5])[0]
    code = random.randrange(CONDITIONS - 1) if stage in ("condition", "both") else None
    facts = [name for name, subject in subjects.items() if subject.kind not in ("condition", "urgency")]
    askable = random.sample(facts, min(len(facts), 8))
    if stage == "care":
        conclusions = [f"condition.c{n}" for n in range(CONDITIONS)]
        conclusions.append("urgency")
    else:  # a condition may ask only for conditions with a lower number: no rule waits for itself
        conclusions = [f"condition.c{n}" for n in range(CONDITIONS if code is None else code)]
    for _ in range(100):
        writer = _Writer(random, subjects, limits, askable, conclusions, care=stage == "care")
        when = ALWAYS if random.random() < 0.01 else writer.tree(random.choice([1, 1, 2, 2, 3]), negated=False)
        if _can_fire(when, subjects):
            break
    else:
        when = ALWAYS
    needs = (Need(f"capability_{random.randrange(5)}", "required"),) if stage == "care" else ()
    return rule(
        name, when, needs=needs, urgency=random.randint(0, 5) if stage in ("urgency", "both") else None,
        condition=f"c{code}" if code is not None else None,
    )  # fmt: skip


def _can_fire(when: Condition, subjects: Mapping[str, Subject]) -> bool:
    try:
        clauses = normal_form(when)
    except ConditionError:
        return False
    return len(clauses) <= 64 and any(satisfiable(clause, subjects) for clause in clauses)


@dataclass(frozen=True, slots=True)
class _Writer:
    random: Random
    subjects: Mapping[str, Subject]
    limits: Mapping[str, tuple[float, ...]]
    facts: Sequence[str]
    conclusions: Sequence[str]
    care: bool

    def tree(self, depth: int, *, negated: bool) -> Condition:
        """A nested condition; `negated` when it stands under an odd number of `not`."""
        shape = self.random.random()
        if depth == 0 or shape < 0.15:
            return self.leaf(negated=negated)
        if shape < 0.3:
            return Not(self.tree(depth - 1, negated=not negated))
        count = self.random.choice([1, 2, 2, 3, 4])
        parts = tuple(self.tree(depth - 1, negated=negated) for _ in range(count))
        return All(parts) if shape < 0.7 else AnyOf(parts)

    def leaf(self, *, negated: bool) -> Test:
        if self.conclusions and self.random.random() < (0.3 if self.care else 0.12):
            name = self.random.choice(self.conclusions)
            if name == "urgency":
                op: Op = self.random.choice(["at least", "below"])
                return Test(name, op, self.random.randint(0, 5))
            if self.care:
                return Test(name, self.random.choice(["true", "false"]))
            return Test(name, "false" if negated else "true")
        return self.of_fact(self.subjects[self.random.choice(self.facts)])

    def of_fact(self, subject: Subject) -> Test:
        if subject.kind == "time" or (not subject.interval and self.random.random() < 0.08):
            return Test(subject.name, self.random.choice(["known", "unknown"]))
        if subject.kind == "boolean":
            return Test(subject.name, self.random.choice(["true", "true", "false"]))
        if subject.kind == "choice":
            count = self.random.choice([1, 1, 1, 2, 3, len(subject.choices) - 1])
            words = self.random.sample(subject.choices, min(count, len(subject.choices) - 1))
            return Test(subject.name, self.random.choice(["in", "in", "not in"]), tuple(sorted(words)))
        ops: list[Op] = ["<", "<=", ">", ">="]
        if not subject.interval and self.random.random() < 0.2:
            ops = ["=", "!="]
        return Test(subject.name, self.random.choice(ops), self.random.choice(self.limits[subject.name]))


# -- cases ------------------------------------------------------------------------------------------------------------


def values(random: Random, subjects: Mapping[str, Subject], rules: Sequence[Rule]) -> dict[str, tuple[FactValue, ...]]:
    """Per fact the values worth trying: every threshold, what lies directly beside it, the ends and something between.
    Several of them lie outside the range of the fact: the evaluators must agree there as well."""
    limits: dict[str, set[float]] = {}
    for test in (test for one in rules for test in tests(one.when)):
        if isinstance(test.value, int | float):
            limits.setdefault(test.subject, set()).add(test.value)
    return {
        name: _values(random, subject, sorted(limits.get(name, ())))
        for name, subject in subjects.items()
        if subject.kind not in ("condition", "urgency")
    }


def _values(random: Random, subject: Subject, limits: Sequence[float]) -> tuple[FactValue, ...]:
    if subject.kind == "boolean":
        return True, False
    if subject.kind == "choice":
        return subject.choices
    if subject.kind == "time":
        return ("2026-11-18T14:00:00+01:00",)
    assert subject.low is not None and subject.high is not None
    found: list[float] = [subject.low, subject.high, random.uniform(subject.low, subject.high), -0.0, 5e-324]
    for limit in limits:
        found += [limit, limit - 1, limit + 1, math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf)]
    if subject.whole:
        found = [number(point) for point in found for number in (int, float)]
    found = [point for point in found if abs(point) < 2**53]
    if not subject.interval:
        return tuple(found)
    pairs = [sorted(random.sample(found, 2)) for _ in range(3 * len(found))]
    return (*found, *(Interval(low, high) for low, high in pairs), Interval(found[0], found[0]))


def _aims(subjects: Mapping[str, Subject], rules: Sequence[Rule]) -> tuple[Clause, ...]:
    return tuple(clause for one in rules for clause in normal_form(one.when) if satisfiable(clause, subjects))


def case(random: Random, world: World) -> dict[str, FactValue]:
    """Facts of one case: from nearly nothing to everything known, some of them so that a chosen rule fires."""
    share = random.choice([0.05, 0.3, 0.6, 0.9, 1.0])
    facts = {name: random.choice(found) for name, found in world.values.items() if random.random() < share}
    for _ in range(random.choice([0, 0, 1, 2, 10])):
        if world.aims:
            _aim(random, world, facts, random.choice(world.aims))
    return facts


def worst(random: Random, world: World) -> dict[str, FactValue]:
    """Everything known, and of a few tries the one in which most tests on facts are true: the sickest patient."""

    def true_tests(name: str, value: FactValue) -> int:
        return sum(_meets(test, value) for test in asked.get(name, ()))

    asked: dict[str, list[Test]] = {}
    for test in dict.fromkeys(test for one in world.rules for test in tests(one.when)):
        asked.setdefault(test.subject, []).append(test)
    return {
        name: max(random.sample(found, len(found)), key=lambda value: true_tests(name, value))
        for name, found in world.values.items()
    }


def _aim(random: Random, world: World, facts: dict[str, FactValue], clause: Clause) -> None:
    for name in dict.fromkeys(test.subject for test in clause):
        if name not in world.values:
            continue
        asked = [test for test in clause if test.subject == name]
        if any(test.op == "unknown" for test in asked):
            facts.pop(name, None)
            continue
        fitting = [value for value in world.values[name] if all(_meets(test, value) for test in asked)]
        if fitting:
            facts[name] = random.choice(fitting)


def _meets(test: Test, value: FactValue) -> bool:
    if test.op in ("known", "unknown"):
        return test.op == "known"
    if isinstance(value, bool):
        return value == (test.op == "true")
    if isinstance(value, str):
        return isinstance(test.value, tuple) and (value in test.value) == (test.op == "in")
    if isinstance(value, Interval):
        return compare(test, value.low) and compare(test, value.high)
    return compare(test, value)
