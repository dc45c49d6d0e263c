"""What is asked apart of the rule engine means what stood in the rule, and keeps rules from multiplying out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from random import Random

from routing.rules.condition import All, AnyOf, Condition, Not, Op, Subject, Test, negation_normal, normal_form
from routing.rules.durable import DurableEvaluator
from routing.rules.parts import FEW, Step, steps
from routing.rules.rule import Facts, Rule
from tests.rules import oracle
from tests.rules.generated import rule

FACTS = tuple(f"f{number}" for number in range(12))
CODES = ("shock", "stemi", "cva")
SUBJECTS = {
    **{name: Subject(name, "number", "1", 0, 9, whole=True) for name in FACTS},
    **{f"condition.{code}": Subject(f"condition.{code}", "condition") for code in CODES},
    "urgency": Subject("urgency", "urgency"),
}


def _any_of_facts(random: Random) -> AnyOf:
    return AnyOf(tuple(_test(random) for _ in range(random.randint(2, 6))))


def _test(random: Random) -> Test:
    op: Op = random.choice(["<", ">=", "=", "known", "unknown"])
    return Test(random.choice(FACTS), op, None if op in ("known", "unknown") else random.randint(0, 9))


def _rules(random: Random) -> list[Rule]:
    """Rules that ask for several of the same alternatives, also of what was concluded, and also the opposite."""
    pool: list[Condition] = [_any_of_facts(random) for _ in range(8)]
    concluded: list[Condition] = [
        AnyOf((Test(f"condition.{code}", "true"), _test(random), _test(random))) for code in CODES
    ]
    decided: list[Condition] = [*concluded, *map(Not, concluded), AnyOf((Test("urgency", "below", 2), _test(random)))]

    def when(may_ask: Sequence[Condition]) -> Condition:
        some = [random.choice([*pool, *may_ask]) for _ in range(random.randint(1, 4))]
        both = All((*some, _test(random), All((random.choice(pool), _test(random)))))
        return random.choice([both, AnyOf((both, All((random.choice(pool), random.choice(pool))))), some[0]])

    triage = [rule(f"t{n}", when(()), condition=CODES[0]) for n in range(3)]
    triage += [rule(f"u{n}", when(concluded[:1]), condition=CODES[1], urgency=n) for n in range(3)]
    triage += [rule(f"v{n}", when(concluded[:2]), condition=CODES[2]) for n in range(2)]
    triage += [rule(f"w{n}", when(concluded), urgency=random.randint(0, 5)) for n in range(3)]
    return [*triage, *(rule(f"c{n}", when(decided)) for n in range(8))]


def _fired(found: Sequence[Step], rules: Sequence[Rule], facts: Facts, default_urgency: int) -> frozenset[str]:
    """The rules that fire when the steps are gone through one after the other."""
    by_id = {one.id: one for one in rules}
    known = dict(facts)
    fired: set[str] = set()
    for step in found:
        if step.stage == "care":
            ranks = [urgency for name in fired if (urgency := by_id[name].urgency) is not None]
            decided = dict.fromkeys((f"condition.{code}" for code in CODES), False)
            known = {**decided, "urgency": min(ranks, default=default_urgency), **known}
        true = [piece.name for piece in step.pieces if oracle.truth(piece.when, known) is True]
        if step.of_parts:
            known.update(dict.fromkeys(true, True))
        else:
            fired.update(true)
            codes = [by_id[name].condition for name in true]
            known.update({f"condition.{code}": True for code in codes if code is not None})
    return frozenset(fired)


def test_parts_mean_what_stood_in_the_rule() -> None:
    random = Random(11)
    asked_apart = 0
    for _ in range(60):
        rules, default = _rules(random), random.randint(0, 5)
        found = list(steps(rules))
        asked_apart += sum(len(step.pieces) for step in found if step.of_parts)
        whole = [piece.name for step in found if not step.of_parts for piece in step.pieces]
        assert sorted(whole) == sorted(one.id for one in rules)
        with closing(DurableEvaluator(rules, SUBJECTS, default)) as engine:
            for _ in range(40):
                facts = {name: random.randint(0, 9) for name in FACTS if random.random() < 0.6}
                expected = oracle.fired(rules, facts, default)
                assert _fired(found, rules, facts, default) == expected
                assert engine.fired(facts) == expected
    assert asked_apart > 500


def test_every_step_asks_only_for_parts_of_earlier_steps() -> None:
    random = Random(12)
    for _ in range(100):
        known: set[str] = set()
        for step in steps(_rules(random)):
            asked = {name for piece in step.pieces for name in _parts_asked(piece.when)}
            assert asked <= known
            known.update(piece.name for piece in step.pieces if step.of_parts)


def _parts_asked(condition: Condition) -> set[str]:
    if isinstance(condition, Test):
        if condition.subject.startswith("part."):
            assert condition.op == "true", "a part that was not concluded says nothing"
            return {condition.subject}
        return set()
    assert not isinstance(condition, Not)
    return set().union(*map(_parts_asked, condition.parts))


def test_what_would_multiply_out_does_not() -> None:
    sizes = (10, 12, 8)
    anys = [AnyOf(tuple(Test(f"f{n}", ">=", size * 10 + n) for n in range(size))) for size in sizes]
    found = list(steps([rule("wide", All(tuple(anys)), urgency=1)]))
    assert sum(len(normal_form(piece.when)) for step in found for piece in step.pieces) <= sum(sizes) + FEW
    assert math.prod(sizes) == 960


def test_rules_share_a_part() -> None:
    shared = AnyOf(tuple(Test(name, ">=", 3) for name in FACTS))
    opposite = Not(All(tuple(Test(name, "<", 3) for name in FACTS)))
    assert negation_normal(opposite) == shared
    rules = [
        rule("one", All((shared, Test("f1", "=", 1))), urgency=1),
        rule("two", All((Test("f2", "=", 2), opposite)), urgency=2),
        rule("care", All((shared, Test("urgency", "at least", 1)))),
    ]
    parts = [piece for step in steps(rules) if step.of_parts for piece in step.pieces]
    assert [(piece.rule, piece.when) for piece in parts] == [("one", shared)]


def test_a_rule_without_alternatives_costs_no_part() -> None:
    plain = All((Test("f1", "=", 1), Test("f2", "=", 2)))
    one_of = All((Test("f1", "=", 1), AnyOf((Test("f2", "=", 2), Test("f3", "=", 3)))))
    rules = [rule("plain", plain, urgency=1), rule("one-of", one_of, urgency=1)]
    assert [step.of_parts for step in steps(rules)] == [False]
