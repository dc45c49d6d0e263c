"""The meaning of conditions, comparison by comparison, and the order in which rules are judged."""

from __future__ import annotations

import itertools

import pytest

from routing.rules.condition import ALWAYS, All, AnyOf, Condition, Not, Op, Test
from routing.rules.reference import ReferenceEvaluator, Truth, meaning
from routing.rules.rule import Facts, Interval, Need, Reference, Rule, RuleCycle, conditions_asked, strata
from routing.vocabulary import Text

TRUTHS: tuple[Truth, ...] = (True, False, None)
CHEST_PAIN, PREGNANT = Test("chest_pain", "true"), Test("pregnant", "true")


def facts(**truths: Truth) -> Facts:
    return {name: truth for name, truth in truths.items() if truth is not None}


def rule(
    name: str, when: Condition, urgency: int | None = None, condition: str | None = None, needs: tuple[Need, ...] = ()
) -> Rule:
    reference = Reference("book", "A book", "https://example.org", None, "read")
    status = None if condition is None else "suspected"
    return Rule(
        name, when, Text("tekst", "text"), reference, "because", urgency, condition, status, needs, warning=not needs  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(("left", "right"), list(itertools.product(TRUTHS, TRUTHS)))
def test_all_any_and_not_follow_kleene(left: Truth, right: Truth) -> None:
    seen = facts(chest_pain=left, pregnant=right)
    both, either = meaning(All((CHEST_PAIN, PREGNANT)))(seen), meaning(AnyOf((CHEST_PAIN, PREGNANT)))(seen)
    assert both is (False if False in (left, right) else None if None in (left, right) else True)
    assert either is (True if True in (left, right) else None if None in (left, right) else False)
    assert meaning(Not(CHEST_PAIN))(seen) is (None if left is None else not left)


def test_nothing_asked_is_met_and_no_alternative_is_not() -> None:
    assert meaning(ALWAYS)({}) is True
    assert meaning(All(()))({}) is True
    assert meaning(AnyOf(()))({}) is False


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        ("<", True, False, False), ("<=", True, True, False), (">", False, False, True), (">=", False, True, True),
        ("=", False, True, False), ("!=", True, False, True),
    ],
)  # fmt: skip
def test_a_number_is_compared_as_it_is_written_and_unknown_stays_unknown(
    op: Op, below: bool, at: bool, above: bool
) -> None:
    holds = meaning(Test("systolic_bp", op, 90))
    assert [holds({"systolic_bp": value}) for value in (89, 90, 91)] == [below, at, above]
    assert [holds({"systolic_bp": value}) for value in (89.999, 90.0, 90.001)] == [below, at, above]
    assert holds({}) is None


@pytest.mark.parametrize(
    ("op", "interval", "truth"),
    [
        (">=", (7, 9), True), (">=", (6, 7), None), (">=", (5, 6), False), (">=", (7, 7), True), (">", (7, 9), None),
        (">", (8, 9), True), (">", (3, 7), False), ("<", (0, 6), True), ("<", (0, 7), None), ("<", (7, 20), False),
        ("<=", (0, 7), True), ("<=", (7, 8), None), ("<=", (8, 20), False), (">=", (0, 20), None),
    ],
)  # fmt: skip
def test_a_score_between_two_ends_is_compared_only_where_both_ends_agree(
    op: Op, interval: tuple[int, int], truth: Truth
) -> None:
    assert meaning(Test("news2", op, 7))({"news2": Interval(*interval)}) is truth
    assert meaning(Not(Test("news2", op, 7)))({"news2": Interval(*interval)}) is (None if truth is None else not truth)


def test_a_choice_is_one_of_the_words_or_not() -> None:
    inside, outside = meaning(Test("avpu", "in", ("P", "U"))), meaning(Test("avpu", "not in", ("P", "U")))
    assert (inside({"avpu": "P"}), inside({"avpu": "A"}), inside({})) == (True, False, None)
    assert (outside({"avpu": "P"}), outside({"avpu": "A"}), outside({})) == (False, True, None)


def test_a_yes_or_no_is_true_or_false_or_unknown() -> None:
    yes, no = meaning(Test("pregnant", "true")), meaning(Test("pregnant", "false"))
    assert (yes({"pregnant": True}), yes({"pregnant": False}), yes({})) == (True, False, None)
    assert (no({"pregnant": True}), no({"pregnant": False}), no({})) == (False, True, None)


def test_only_is_known_and_is_unknown_look_at_what_is_not_there() -> None:
    known, unknown = meaning(Test("onset_at", "known")), meaning(Test("onset_at", "unknown"))
    assert (known({"onset_at": "x"}), known({})) == (True, False)
    assert (unknown({"onset_at": "x"}), unknown({})) == (False, True)
    assert (known({"onset_at": 0}), known({"onset_at": False})) == (True, True)


def test_an_urgency_is_at_least_another_if_it_is_as_urgent_or_more() -> None:
    at_least, below = meaning(Test("urgency", "at least", 2)), meaning(Test("urgency", "below", 2))
    assert [at_least({"urgency": rank}) for rank in range(6)] == [True, True, True, False, False, False]
    assert [below({"urgency": rank}) for rank in range(6)] == [False, False, False, True, True, True]
    assert at_least({"urgency": Interval(1, 3)}) is None


def test_rules_are_put_in_the_order_in_which_they_can_be_judged() -> None:
    last = rule("last", Test("condition.b", "true"), urgency=1)
    second = rule("second", Test("condition.a", "true"), condition="b")
    care = rule("care", Test("condition.b", "false"))
    first, too = rule("first", CHEST_PAIN, condition="a"), rule("too", PREGNANT, condition="a")
    layers = strata((care, last, second, first, too))
    assert [[entry.id for entry in layer] for layer in layers] == [["first", "too"], ["second"], ["last"], ["care"]]
    assert conditions_asked(second) == {"a"}


def test_a_rule_is_judged_only_after_every_rule_that_may_conclude_what_it_asks() -> None:
    rules = (
        rule("asks", Test("condition.b", "true"), urgency=1),
        rule("early", CHEST_PAIN, condition="b"),
        rule("late", Test("condition.a", "true"), condition="b"),
        rule("before", PREGNANT, condition="a"),
    )
    found = ReferenceEvaluator(rules, 3).judge({"pregnant": True, "chest_pain": False})
    assert found.fired == {"before", "late", "asks"}
    assert found.possible == frozenset()


def test_a_condition_stays_open_while_one_of_the_rules_that_conclude_it_is() -> None:
    rules = (
        rule("excluded", CHEST_PAIN, condition="b"),
        rule("before", PREGNANT, condition="a"),
        rule("open", Test("condition.a", "true"), condition="b"),
        rule("asks", Test("condition.b", "true"), urgency=0),
        rule("care", Test("condition.b", "true")),
    )
    judge = ReferenceEvaluator(rules, 3).judge
    found = judge({"chest_pain": False})
    assert found.fired == frozenset()
    assert found.possible == {"before", "open", "asks", "care"}
    assert judge({"chest_pain": False, "pregnant": True}).fired == {"before", "open", "asks", "care"}


def test_rules_that_wait_for_each_other_are_named() -> None:
    hen = rule("hen", Test("condition.egg", "true"), condition="hen")
    egg = rule("egg", Test("condition.hen", "true"), condition="egg")
    with pytest.raises(RuleCycle) as caught:
        strata((hen, egg, rule("bystander", CHEST_PAIN, urgency=1)))
    assert caught.value.rules == ("egg", "hen")
    with pytest.raises(RuleCycle) as caught:
        strata((rule("narcissus", Test("condition.x", "true"), condition="x"),))
    assert caught.value.rules == ("narcissus",)


def test_only_the_rules_of_a_cycle_are_named_not_those_that_wait_for_it() -> None:
    hen = rule("hen", Test("condition.egg", "true"), condition="hen")
    egg = rule("egg", Test("condition.hen", "true"), condition="egg")
    with pytest.raises(RuleCycle) as caught:
        strata((rule("chick", Test("condition.hen", "true"), condition="chick"), hen, egg))
    assert caught.value.rules == ("egg", "hen")


def test_in_care_what_was_not_concluded_is_absent() -> None:
    rules = (
        rule("triage", CHEST_PAIN, condition="stemi"),
        rule("with", Test("condition.stemi", "true")),
        rule("without", Test("condition.stemi", "false")),
    )
    judge = ReferenceEvaluator(rules, 3).judge
    assert judge({"chest_pain": True}).fired == {"triage", "with"}
    assert judge({"chest_pain": False}).fired == {"without"}
    unknown = judge({})
    assert unknown.fired == {"without"}
    assert unknown.possible == {"triage", "with"}


def test_the_most_urgent_rule_decides_and_without_any_the_default() -> None:
    rules = (
        rule("u4", CHEST_PAIN, urgency=4),
        rule("u1", PREGNANT, urgency=1),
        rule("fast", Test("urgency", "at least", 2)),
        rule("slow", Test("urgency", "below", 3)),
    )
    judge = ReferenceEvaluator(rules, 3).judge
    assert judge({"chest_pain": True, "pregnant": True}).fired == {"u4", "u1", "fast"}
    assert judge({"chest_pain": True, "pregnant": False}).fired == {"u4", "slow"}
    assert judge({"chest_pain": False, "pregnant": False}).fired == set()  # U3: the default


def test_a_less_urgent_outcome_than_the_default_stays_possible() -> None:
    rules = (rule("u5", CHEST_PAIN, urgency=5), rule("advice", Test("urgency", "below", 4)))
    judge = ReferenceEvaluator(rules, 3).judge
    assert judge({"chest_pain": True}).fired == {"u5", "advice"}
    assert judge({}).possible == {"u5", "advice"}


def test_once_a_rule_said_how_urgent_it_is_nothing_less_urgent_is_possible() -> None:
    rules = (
        rule("u1", PREGNANT, urgency=1),
        rule("u0", Test("ejected", "true"), urgency=0),
        rule("u5", CHEST_PAIN, urgency=5),
        rule("advice", Test("urgency", "below", 4)),
        rule("now", Test("urgency", "at least", 0)),
    )
    found = ReferenceEvaluator(rules, 3).judge({"pregnant": True})
    assert found.fired == {"u1"}
    assert found.possible == {"u0", "u5", "now"}


def test_nothing_is_remembered_between_cases() -> None:
    evaluator = ReferenceEvaluator((rule("triage", CHEST_PAIN, condition="stemi"),), 3)
    seen = {"chest_pain": True}
    assert evaluator.judge(seen).fired == {"triage"}
    assert seen == {"chest_pain": True}
    assert evaluator.judge({}).fired == frozenset()
