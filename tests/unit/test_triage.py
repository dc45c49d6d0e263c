"""Promises about triage: the graver finding counts, unknown is not false, and what to ask next is said."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import build_evaluators
from routing.rules.rule import Interval
from routing.triage import Triage, facts_of, triage
from routing.vocabulary import GROUPS
from tests.small_world import AFTERNOON, EVENING, HOLIDAYS, case, evaluators, ruleset, said, vocabulary


def found(now: datetime = AFTERNOON, **observations: object) -> Triage:
    return triage(case(now, observations=observations), evaluators(), now, HOLIDAYS)


def asked(triaged: Triage) -> dict[str, tuple[str, ...]]:
    return {question.fact: question.could_change for question in triaged.open_questions}


# -- urgency


def test_most_urgent_wins() -> None:
    triaged = found(laceration=True, chest_pain=True, systolic_bp=80)
    assert triaged.urgency.level == "U1"
    assert said(triaged.urgency.reasons) == ["low-pressure"]
    assert triaged.urgency.deadline_minutes == 0


def test_every_rule_that_says_the_urgency_is_a_reason() -> None:
    triaged = found(systolic_bp=80, ecg_st_elevation=True)
    assert said(triaged.urgency.reasons) == ["low-pressure", "heart-attack-is-grave"]


def test_nothing_known_is_the_cautious_default_and_says_so() -> None:
    triaged = found()
    assert (triaged.urgency.level, triaged.urgency.deadline_minutes) == ("U3", 240)
    assert said(triaged.urgency.reasons) == ["default-urgency"]
    assert triaged.urgency.reasons[0].review == "pending"
    assert (triaged.conditions, triaged.needs, triaged.warnings, triaged.time_critical) == ((), (), (), ())


def test_the_next_working_day_has_no_deadline_in_minutes() -> None:
    triaged = found(sore_throat=True, temperature=37.0)
    assert (triaged.urgency.level, triaged.urgency.deadline_minutes) == ("U5", None)


def test_an_unknown_fact_is_not_a_reassuring_one() -> None:
    assert found(sore_throat=True).urgency.level == "U3"  # fever is not known, so "without fever" is not true
    assert found(sore_throat=True, temperature=39.0).urgency.level == "U3"


@pytest.mark.parametrize(
    ("observations", "level"),
    [
        ({"heart_rate": 130, "avpu": "V"}, "U1"),  # 6 points
        ({"heart_rate": 130}, "U3"),  # 3 to 6: perhaps
        ({"heart_rate": 130, "avpu": "A"}, "U3"),
    ],
)
def test_a_score_counts_only_what_is_sure(observations: dict[str, object], level: str) -> None:
    assert found(**observations).urgency.level == level


def test_a_reason_holds_what_was_seen_and_on_whose_authority() -> None:
    triaged = found(systolic_bp=80, heart_rate=130, avpu="V")
    low, score = {reason.rule: reason for reason in triaged.urgency.reasons}.values()
    assert (score.rule, low.rule) == ("small/low-pressure", "small/alarm-score")
    assert score.because == {"systolic_bp": 80}
    assert low.because == {"alarm": Interval(6, 6)}
    assert score.reference is not None
    assert score.reference.title == "Made up"
    assert score.review == "pending"


def test_what_did_not_matter_is_not_among_the_reasons() -> None:
    (reason,) = found(facial_droop=True, arm_weakness=False, heart_rate=70).urgency.reasons
    assert reason.because == {"facial_droop": True}


# -- conditions, needs, dispatch


def test_suspected_beats_possible() -> None:
    seen = (AFTERNOON - timedelta(minutes=30)).isoformat()
    (condition,) = found(facial_droop=True, last_known_well_at=seen).conditions
    assert (condition.code, condition.status) == ("cva", "suspected")
    assert said(condition.reasons) == ["stroke", "stroke-in-time"]
    assert found(facial_droop=True).conditions[0].status == "possible"


def test_time_critical_conditions_are_named_by_their_national_code() -> None:
    assert found(ecg_st_elevation=True, facial_droop=True).time_critical == ("STEMI", "CVA")
    assert found(burn_tbsa_percent=20).time_critical == ()


def test_several_conditions_unite_their_needs() -> None:
    triaged = found(ecg_st_elevation=True, pregnant=True, contractions=True)
    assert {(need.capability, need.strength) for need in triaged.needs} == {
        ("pci", "required"),
        ("obstetrics", "required"),
        ("seh", "required"),
    }


def test_required_beats_preferred() -> None:
    triaged = found(chest_pain=True, ecg_st_elevation=True)
    (pci,) = [need for need in triaged.needs if need.capability == "pci"]
    assert pci.strength == "required"
    assert set(said(pci.reasons)) == {"pci-for-heart-attack", "pci-is-nice-for-chest-pain"}
    assert said(pci.reasons)[0] == "pci-for-heart-attack"  # the one that counts comes first
    assert [need.strength for need in found(chest_pain=True).needs if need.capability == "pci"] == ["preferred"]


def test_all_norms_of_a_need_are_kept() -> None:
    (pci,) = [n for n in found(ecg_st_elevation=True, systolic_bp=80).needs if n.capability == "pci"]
    assert [norm.id for norm in pci.within] == ["pci-75", "pci-60"]


def test_the_most_urgent_ambulance_goes_and_a_team_with_it() -> None:
    dispatch = found(unresponsive=True, ecg_st_elevation=True).dispatch
    assert (dispatch.ambulance, dispatch.mmt) == ("A0", True)
    assert said(dispatch.reasons) == ["no-answer"]
    assert found(laceration=True).dispatch == (quiet := found().dispatch)
    assert (quiet.ambulance, quiet.mmt, quiet.reasons) == (None, False, ())


def test_a_warning_is_a_warning() -> None:
    assert said(found(ecg_st_elevation=True, pregnant=True).warnings) == ["blood-thinner-warning"]
    assert found(ecg_st_elevation=True).warnings == ()


# -- what the rules may ask about


def test_age_in_years_bounds_the_months_and_months_give_the_years() -> None:
    now, holidays = AFTERNOON, HOLIDAYS
    assert facts_of(case(patient={"age_years": 2}), now, holidays)["age_months"] == Interval(24, 35)
    assert facts_of(case(patient={"age_months": 30}), now, holidays)["age_years"] == 2
    assert facts_of(case(patient={"age_years": 0.5}), now, holidays)["age_months"] == 6
    both = facts_of(case(patient={"age_years": 2, "age_months": 30}), now, holidays)
    assert (both["age_years"], both["age_months"]) == (2, 30)


def test_the_clock_is_a_fact() -> None:
    assert facts_of(case(), AFTERNOON, HOLIDAYS)["office_hours"] is True
    evening = facts_of(case(EVENING), EVENING, HOLIDAYS)
    assert (evening["office_hours"], evening["night"]) == (False, False)
    christmas = datetime.fromisoformat("2026-12-25T14:00:00+01:00")
    assert facts_of(case(christmas), christmas, HOLIDAYS)["office_hours"] is False
    late = datetime.fromisoformat("2026-11-18T23:00:00+01:00")
    assert facts_of(case(late), late, HOLIDAYS)["night"] is True


def test_what_is_given_beside_the_observations_is_a_fact() -> None:
    facts = facts_of(case(complaint="wound", channel="self", transport="walk"), AFTERNOON, HOLIDAYS)
    assert (facts["complaint"], facts["channel"], facts["transport"]) == ("wound", "self", "walk")
    assert "sex" not in facts


# -- what to ask next


def test_open_questions_only_name_unknown_facts() -> None:
    observations = {"chest_pain": True, "heart_rate": 80, "pregnant": False, "facial_droop": False}
    triaged = found(**observations)
    assert asked(triaged)
    assert not set(asked(triaged)) & {*observations, "age_years", "age_months", "office_hours", "night"}
    assert set(asked(triaged)) <= set(vocabulary().facts)


def test_open_questions_start_with_what_could_raise_most() -> None:
    order = [name for name in asked(found()) if name in ("unresponsive", "systolic_bp", "chest_pain", "laceration")]
    assert order == ["unresponsive", "systolic_bp", "chest_pain", "laceration"]  # to U0, to U1, to U2, not at all


def test_equally_grave_questions_come_in_the_order_of_looking_at_a_patient() -> None:
    facts = vocabulary().facts
    grave = [name for name in asked(found()) if name in ("avpu", "heart_rate", "systolic_bp")]  # all could raise to U1
    assert grave == sorted(grave, key=lambda name: GROUPS.index(facts[name].group))


def test_a_question_that_can_only_lower_the_urgency_is_not_said_to_raise_it() -> None:
    triaged = found(chest_pain=True)
    assert "urgency" not in asked(triaged).get("laceration", ())
    assert "urgency" not in asked(triaged).get("sore_throat", ())
    assert "urgency" in asked(triaged)["systolic_bp"]


def test_nothing_is_asked_of_a_rule_that_cannot_fire_any_more() -> None:
    assert "contractions" not in asked(found(pregnant=False))
    assert "contractions" in asked(found(pregnant=True))


def test_the_gate_is_asked_before_what_lies_behind_it() -> None:
    assert "pregnant" in asked(found())
    assert "contractions" not in asked(found())


def test_a_question_that_leads_to_a_need_through_a_condition_says_needs() -> None:
    """An ECG decides about the place: it makes a heart attack, and a heart attack needs PCI."""
    assert "needs" in asked(found())["ecg_st_elevation"]


def test_a_question_that_raises_the_urgency_through_a_condition_counts_as_that_grave() -> None:
    order = list(asked(found()))
    assert "urgency" in asked(found())["ecg_st_elevation"]  # heart-attack-is-grave: U1
    assert order.index("ecg_st_elevation") < order.index("chest_pain")  # U2


def test_a_question_that_could_make_the_ambulance_more_urgent_says_dispatch() -> None:
    triaged = found(ecg_st_elevation=True)  # A1; without an answer it would be A0
    assert "dispatch" in asked(triaged)["unresponsive"]


def test_a_question_that_could_only_repeat_the_same_ambulance_does_not_say_dispatch() -> None:
    triaged = found(ecg_st_elevation=True)  # A1, and so says low-pressure
    assert "dispatch" not in asked(triaged).get("systolic_bp", ())


def test_a_question_that_could_tighten_a_norm_says_needs() -> None:
    assert "needs" in asked(found(ecg_st_elevation=True))["systolic_bp"]


def test_a_question_that_could_make_possible_suspected_says_conditions() -> None:
    assert "conditions" in asked(found(facial_droop=True))["last_known_well_at"]


def test_a_preferred_need_that_is_required_already_is_no_change() -> None:
    triaged = found(ecg_st_elevation=True)
    assert "needs" not in asked(triaged).get("chest_pain", ())


def test_what_matters_most_is_asked_first_and_nobody_is_asked_what_cannot_be() -> None:
    numbers = ruleset().source["selection.yaml"]["open_questions"]
    not_asked = [{"facts": ["pregnant"], "when": "age_years >= 60", "why": "made up"}]
    first = [{"facts": ["systolic_bp"], "when": "contractions", "why": "made up"}]
    questions = {**numbers, "not_asked": not_asked, "asked_first": first}
    selection = {**ruleset().source["selection.yaml"], "open_questions": questions}
    asking = build_evaluators(ruleset_from_source({**ruleset().source, "selection.yaml": selection}, vocabulary()))

    def asked(years: int, **seen: bool) -> tuple[bool, list[str]]:
        patient = case(patient={"age_years": years}, observations={"contractions": True, **seen})
        found = triage(patient, asking, AFTERNOON, HOLIDAYS)
        return "pregnant" in {question.fact for question in found.open_questions}, [c.code for c in found.conditions]

    ahead = triage(case(observations={"contractions": True}), asking, AFTERNOON, HOLIDAYS).open_questions
    behind = triage(case(observations={"chest_pain": True}), asking, AFTERNOON, HOLIDAYS).open_questions
    assert (ahead[0].fact, behind[0].fact == "systolic_bp") == ("systolic_bp", False)
    assert asked(30) == (True, [])
    assert asked(70) == (False, [])
    assert asked(70, pregnant=True) == (False, ["obstetric"])  # said all the same: every rule counts
