"""Why a rule fired names what was seen and mattered; what to ask next names what is unknown and would decide."""

from __future__ import annotations

from routing.rules.condition import ALWAYS, All, AnyOf, Condition, Not, Test
from routing.rules.explanation import asker, explainer
from routing.rules.rule import Facts, Interval

PAIN, PREGNANT, PRESSURE = Test("chest_pain", "true"), Test("pregnant", "true"), Test("systolic_bp", "<", 90)
SHOCK = Test("shock_index", ">", 1)
ALARM = Test("alarm", ">=", 5)
ASKED = {
    **{name: (name,) for name in ("chest_pain", "pregnant", "systolic_bp", "heart_rate", "onset_at", "age_months")},
    "shock_index": ("heart_rate", "systolic_bp"),
    "alarm": ("heart_rate", "avpu"),
}


def named(condition: Condition, facts: Facts) -> tuple[str, ...]:
    return tuple(explainer(condition)(facts))


def asked(condition: Condition, facts: Facts) -> tuple[str, ...]:
    return tuple(asker(condition, ASKED)(facts))


def test_of_several_reasons_only_those_that_hold_are_named() -> None:
    either = AnyOf((PAIN, PREGNANT, PRESSURE))
    assert named(either, {"chest_pain": True, "pregnant": False}) == ("chest_pain",)
    assert named(either, {"chest_pain": True, "systolic_bp": 80}) == ("chest_pain", "systolic_bp")
    assert named(All((PAIN, either)), {"chest_pain": True, "systolic_bp": 80}) == ("chest_pain", "systolic_bp")


def test_half_of_an_alternative_is_no_reason() -> None:
    either = AnyOf((All((PAIN, PREGNANT)), PRESSURE))
    assert named(either, {"chest_pain": True, "pregnant": False, "systolic_bp": 80}) == ("systolic_bp",)
    assert named(either, {"chest_pain": True, "systolic_bp": 80}) == ("systolic_bp",)


def test_what_is_not_true_has_no_reasons() -> None:
    assert named(PAIN, {}) == ()
    assert named(PAIN, {"chest_pain": False}) == ()
    assert named(All((PAIN, PREGNANT)), {"chest_pain": True}) == ()
    assert named(ALWAYS, {"chest_pain": True}) == ()


def test_an_absence_is_a_reason_too() -> None:
    assert named(Not(AnyOf((PAIN, PREGNANT))), {"chest_pain": False, "pregnant": False}) == ("chest_pain", "pregnant")
    assert named(Test("onset_at", "unknown"), {}) == ("onset_at",)


def test_what_is_decided_asks_nothing() -> None:
    assert asked(PAIN, {"chest_pain": True}) == ()
    assert asked(PAIN, {"chest_pain": False}) == ()
    assert asked(All((PAIN, PREGNANT)), {"chest_pain": False}) == ()
    assert asked(All((PAIN, PREGNANT)), {"pregnant": False}) == ()
    assert asked(AnyOf((PAIN, PREGNANT)), {"pregnant": True}) == ()
    assert asked(ALWAYS, {}) == ()
    assert asked(Test("onset_at", "unknown"), {}) == ()


def test_of_what_must_all_hold_the_first_unknown_is_asked_first() -> None:
    assert asked(All((PREGNANT, PRESSURE)), {}) == ("pregnant",)
    assert asked(All((PREGNANT, PRESSURE)), {"pregnant": True}) == ("systolic_bp",)


def test_a_condition_that_is_still_open_is_nobodys_to_answer() -> None:
    assert asked(Test("condition.acs", "true"), {}) == ()
    assert asked(All((Test("condition.acs", "true"), PAIN)), {}) == ("chest_pain",)


def test_of_alternatives_every_unknown_one_is_asked_once() -> None:
    assert asked(AnyOf((PAIN, PREGNANT, PAIN)), {}) == ("chest_pain", "pregnant")
    assert asked(AnyOf((PAIN, PREGNANT)), {"chest_pain": False}) == ("pregnant",)


def test_a_negation_asks_what_its_opposite_would() -> None:
    assert asked(Not(AnyOf((PAIN, PREGNANT))), {}) == ("chest_pain",)
    assert asked(Not(All((PAIN, PREGNANT))), {}) == ("chest_pain", "pregnant")


def test_for_a_number_that_follows_from_facts_the_unknown_ones_are_asked() -> None:
    assert asked(SHOCK, {"heart_rate": 120}) == ("systolic_bp",)
    assert asked(ALARM, {"heart_rate": 120, "alarm": Interval(3, 6)}) == ("avpu",)
    assert asked(ALARM, {"heart_rate": 120, "avpu": "A", "alarm": Interval(3, 3)}) == ()


def test_an_age_known_only_in_years_is_asked_in_months_where_months_matter() -> None:
    assert asked(Test("age_months", "<", 3), {"age_months": Interval(0, 11)}) == ("age_months",)
    assert asked(All((Test("age_months", "<", 3), PAIN)), {"age_months": Interval(0, 11)}) == ("age_months",)
    assert asked(AnyOf((Test("age_months", "<", 3), PAIN)), {"age_months": Interval(0, 11)}) == (
        "age_months",
        "chest_pain",
    )
    assert asked(All((Test("age_months", "<", 3), PAIN)), {"age_months": Interval(12, 23)}) == ()


def test_what_nobody_can_answer_does_not_keep_the_rest_from_being_asked() -> None:
    undefined = {"heart_rate": 0, "systolic_bp": 0}  # a shock index that cannot be computed
    assert asked(All((SHOCK, PAIN)), undefined) == ("chest_pain",)
