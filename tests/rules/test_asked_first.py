"""What is asked first is asked in the order in which a ruleset writes it; acute-nl writes it for every complaint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from api.desk.case_questions import MOST
from api.desk.vital_signs import VITALS
from routing.case import parse_case
from routing.packaged import packaged_directory
from routing.questions import OpenQuestion, open_questions
from routing.rules.building import packaged_rulesets, ruleset_from_source
from routing.rules.condition import Condition
from routing.rules.condition import tests as comparisons
from routing.rules.evaluation import Evaluation, Evaluators
from routing.rules.reference import meaning
from routing.triage import facts_of, triage
from tests.once import build_evaluators, read_ruleset, read_vocabulary
from tests.small_world import AFTERNOON, HOLIDAYS, case, ruleset, vocabulary

NOW = datetime(2026, 12, 1, 20, tzinfo=UTC)
NEWEST = Path(str(files("rulesets"))) / "acute-nl" / "1.5.0"
CHILDREN = ("abdominal_pain_child", "cardiac_arrest_child", "crying_baby", "fever_child", "malaise_child")
COMPLAINTS = tuple(read_vocabulary().complaints)

# -- a small ruleset


def small(*first: dict[str, Any], in_order: bool | None = None, not_asked: Sequence[dict[str, Any]] = ()) -> Evaluators:
    """The small rules, with what is asked first, and a rule that rests on silence: a cut is U3 until contractions are
    denied."""
    source = dict(ruleset().source)
    setting = {} if in_order is None else {"asked_first_in_order": in_order}
    asked = {**source["selection.yaml"]["open_questions"], "asked_first": list(first), "not_asked": list(not_asked)}
    source["selection.yaml"] = {**source["selection.yaml"], "open_questions": {**asked, **setting}}
    urgency = next(name for name in source if name.startswith("urgency/"))
    (cut,) = (rule for rule in source[urgency]["rules"] if rule["id"] == "cut")
    silent = {"all": ["laceration", {"any": ["contractions is unknown", "contractions"]}]}
    rules = [*source[urgency]["rules"], {**cut, "id": "cut-until-asked", "when": silent, "then": {"urgency": "U3"}}]
    source[urgency] = {**source[urgency], "rules": rules}
    return build_evaluators(ruleset_from_source(source, vocabulary()))


def entry(when: Any, *facts: str) -> dict[str, Any]:
    return {"facts": list(facts), "when": when, "why": "made up"}


def asked_by(evaluators: Evaluators, **seen: object) -> dict[str, OpenQuestion]:
    found = triage(case(observations=seen), evaluators, AFTERNOON, HOLIDAYS).open_questions
    return {question.fact: question for question in found}


FIRST = (
    entry("office_hours", "burn_tbsa_percent", "sore_throat", "systolic_bp"),
    entry("chest_pain", "unresponsive", "sore_throat", "facial_droop"),
)


def test_what_is_asked_first_is_asked_in_the_order_in_which_it_is_written() -> None:
    order = list(asked_by(small(*FIRST, in_order=True)))
    assert order[:3] == ["burn_tbsa_percent", "sore_throat", "systolic_bp"]
    order = list(asked_by(small(*FIRST, in_order=True), chest_pain=True))
    assert order[:4] == ["burn_tbsa_percent", "systolic_bp", "unresponsive", "facial_droop"], "once, the first time"
    order = list(asked_by(small(*reversed(FIRST), in_order=True), chest_pain=True))
    assert order[:4] == ["unresponsive", "facial_droop", "burn_tbsa_percent", "systolic_bp"]


@pytest.mark.parametrize("in_order", [None, False])
def test_rules_that_do_not_say_so_ask_first_by_what_could_change(in_order: bool | None) -> None:
    order = list(asked_by(small(*FIRST, in_order=in_order), chest_pain=True))
    assert order[:4] == ["unresponsive", "systolic_bp", "facial_droop", "burn_tbsa_percent"]
    assert list(asked_by(small(*reversed(FIRST), in_order=in_order), chest_pain=True)) == order


@pytest.mark.parametrize("in_order", [True, False])
def test_what_was_answered_is_never_asked(in_order: bool) -> None:
    given = {"burn_tbsa_percent": 3, "systolic_bp": 120, "sore_throat": False}
    asked = asked_by(small(*FIRST, in_order=in_order), **given)
    assert asked
    assert not asked.keys() & given.keys()


def test_what_is_asked_first_must_still_be_able_to_change_something() -> None:
    evaluators = small(entry("office_hours", "sore_throat", "facial_droop", "unresponsive"), in_order=True)
    assert list(asked_by(evaluators))[:3] == ["sore_throat", "facial_droop", "unresponsive"]
    asked = asked_by(evaluators, unresponsive=True)  # nothing is graver: of the stroke only the place is asked
    assert "urgency" not in asked["facial_droop"].could_change
    asked = asked_by(evaluators, facial_droop=True, chest_pain=True)
    assert next(iter(asked)) == "unresponsive", "an own doctor is for who is not urgent"
    assert "sore_throat" not in asked
    assert all(each.could_change for each in asked.values())


def test_what_stands_behind_a_gate_is_asked_where_it_is_written() -> None:
    written = entry("office_hours", "contractions", "last_known_well_at")
    assert not asked_by(small(written)).keys() & {"contractions", "last_known_well_at"}
    asked = asked_by(small(written, in_order=True))
    assert list(asked)[:2] == ["contractions", "last_known_well_at"]
    assert asked["contractions"].could_change == ("urgency", "conditions", "needs")
    closed = asked_by(small(written, in_order=True), pregnant=False, facial_droop=False)
    assert not closed.keys() & {"contractions", "last_known_well_at"}, "nothing can come of it any more"


def test_what_holds_up_the_urgency_by_silence_is_asked_where_it_is_written() -> None:
    written = entry("laceration", "contractions")
    assert "contractions" not in asked_by(small(written), laceration=True, pregnant=False)
    asked = asked_by(small(written, in_order=True), laceration=True, pregnant=False)
    assert (next(iter(asked)), asked["contractions"].could_change) == ("contractions", ("urgency",))
    graver = asked_by(small(written, in_order=True), laceration=True, pregnant=False, chest_pain=True)
    assert "contractions" not in graver, "another rule holds the urgency up as well"


def test_what_need_not_be_asked_is_not_asked_first_either() -> None:
    left_out = [entry("office_hours", "sore_throat", "contractions")]
    first = entry("office_hours", "sore_throat", "contractions", "facial_droop")
    asked = asked_by(small(first, in_order=True, not_asked=left_out))
    assert next(iter(asked)) == "facial_droop"
    assert not asked.keys() & {"sore_throat", "contractions"}


# -- acute-nl


@cache
def acute(version: str = NEWEST.name) -> Evaluators:
    return build_evaluators(read_ruleset(NEWEST.parent / version, read_vocabulary()))


def found(complaint: str, patient: dict[str, Any], channel: str = "huisartsenpost", **seen: object) -> Evaluation:
    """What is found of this patient in Utrecht."""
    words = read_vocabulary()
    body = {"channel": channel, "patient": patient, "location": {"postcode": "3511"}, "complaint": complaint}
    directory = packaged_directory(words)
    parsed = parse_case({**body, "observations": seen}, words, NOW, directory.by_id)
    return acute().evaluate(facts_of(parsed, NOW, directory.holidays), NOW)


def asked_of(evaluation: Evaluation, most: int | None = None) -> list[str]:
    rules = acute().ruleset
    rank = min((each.urgency for each in evaluation.fired if each.urgency is not None), default=rules.default_urgency)
    questions, _ = open_questions(acute(), evaluation, rank, most or rules.selection.open_questions_most)
    return [question.fact for question in questions]


def in_the_form(complaint: str, patient: dict[str, Any], **seen: object) -> list[str]:
    """What the form of a new case asks beside its row of vital signs, and of them what is asked first."""
    asked = asked_of(found(complaint, patient, **seen))
    return [name for name in asked if name not in VITALS][:MOST]


@pytest.mark.parametrize("version", [folder.name for folder in packaged_rulesets() if folder < NEWEST])
def test_versions_before_1_5_0_ask_as_they_did(version: str) -> None:
    assert not acute(version).ruleset.selection.asked_first_in_order


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_every_complaint_is_first_asked_what_is_written_for_it(complaint: str) -> None:
    age = 2 if complaint in CHILDREN else 45
    evaluation = found(complaint, {"age_years": age, **({"age_months": 12 * age} if age < 16 else {})})
    about = [
        name
        for each in acute().ruleset.selection.asked_first
        if any(test.subject == "complaint" for test in comparisons(each.when)) and meaning(each.when)(evaluation.facts)
        for name in each.facts
    ]
    asked = asked_of(evaluation, 1_000)
    open_ = [name for name in dict.fromkeys(about) if name in asked]
    assert len(open_) >= 5, "a triagist must know what to ask first"
    assert asked[: len(open_)] == open_


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_nothing_is_written_for_a_complaint_in_vain(complaint: str) -> None:
    """Five to nine facts, each once; besides it an entry may be for some of its patients only."""
    entries = acute().ruleset.selection.asked_first
    own = [each for each in entries if complaint in _complaints(each.when)]
    for each in own:
        assert len(each.facts) == len(set(each.facts)) <= 9
    assert max(len(each.facts) for each in own) >= 5


def _complaints(when: Condition) -> set[str]:
    """The complaints that `when` names, not those that it excludes."""
    of = (test.value for test in comparisons(when) if test.subject == "complaint" and test.op == "in")
    return {name for value in of if isinstance(value, tuple) for name in value}


ADULT = {"age_years": 40}


def test_a_heart_attack_on_the_ecg_is_asked_when_it_began() -> None:
    asked = in_the_form("chest_pain", {"age_years": 60, "sex": "male"}, channel="ambulance", ecg_st_elevation=True)
    assert asked[0] == "onset_at"
    assert {"diaphoresis", "dyspnea"} <= set(asked)
    every = asked_of(found("chest_pain", {"age_years": 60}, ecg_st_elevation=True), 1_000)
    assert not {"icd_shock", "rosc"} & set(every)


def test_a_serious_accident_is_asked_about_bleeding_breathing_consciousness_pelvis_and_how_it_came_about() -> None:
    asked = in_the_form("multitrauma", {"age_years": 30, "sex": "male"})
    assert asked[:4] == ["massive_bleeding", "airway_obstructed", "respiratory_distress", "unresponsive"]
    assert {"flail_chest", "pelvic_fracture", "penetrating_injury", "fall_height_m"} <= set(asked)
    assert not {"fever", "palpitations", "infection_suspected"} & set(asked)


def test_who_wants_to_die_is_asked_what_was_done_and_about_plan_means_drink_and_who_is_there() -> None:
    asked = in_the_form("psychiatric_crisis", ADULT, suicidal=True)
    assert asked[:2] == ["suicide_attempt", "overdose"]
    assert {"suicide_plan", "suicide_means", "immediate_danger_to_self", "alcohol", "companion_present"} <= set(asked)
    assert in_the_form("psychiatric_crisis", ADULT)[:3] == ["suicidal", "suicide_attempt", "suicide_plan"]
    assert "suicide_means" in in_the_form("psychiatric_crisis", ADULT, suicidal=True, suicide_plan=False)


def test_a_feverish_baby_is_asked_about_its_danger_signs_and_not_about_drugs() -> None:
    baby = {"age_years": 0, "age_months": 5}
    asked = in_the_form("fever_child", baby, fever=True)
    assert asked[:3] == ["somnolent", "respiratory_distress", "non_blanching_rash"]
    assert {"drinks_little", "no_wet_nappy", "bulging_fontanelle", "parents_worried"} <= set(asked)
    drugs = {"alcohol", "substance_use", "poison_stimulant", "poison_ghb", "withdrawal"}
    assert not drugs & set(asked_of(found("fever_child", baby, fever=True), 1_000))
    older = in_the_form("fever_child", {"age_years": 6}, fever=True)
    assert "neck_stiffness" in older and "bulging_fontanelle" not in older


def test_a_sprained_ankle_is_asked_about_the_limb() -> None:
    asked = in_the_form("ankle_injury", {"age_years": 30, "sex": "female"})
    assert asked[:4] == ["massive_bleeding", "deformity", "neurovascular_deficit", "open_fracture"]
    assert {"unable_to_weightbear", "fracture_suspected", "fall_height_m"} <= set(asked)
    assert not {"hip_pain", "hip_deformity", "loss_of_consciousness"} & set(asked)
    assert "hip_deformity" in in_the_form("trauma_extremity", {"age_years": 80}, deformity=False, open_fracture=False)


def test_a_stroke_is_asked_about_face_arm_and_speech_before_its_scale() -> None:
    asked = asked_of(found("neurological_deficit", {"age_years": 70, "sex": "female"}, channel="meldkamer"))
    first = ["facial_droop", "arm_weakness", "speech_disturbance", "last_known_well_at", "anticoagulant", "glucose"]
    assert asked[:6] == first
    scale = {"race_face", "race_arm", "race_leg", "race_gaze", "race_aphasia_agnosia"}
    seen = {"facial_droop": True, "arm_weakness": True, "speech_disturbance": False}
    asked = in_the_form("neurological_deficit", {"age_years": 70}, channel="ambulance", **seen)
    assert asked[:2] == ["last_known_well_at", "anticoagulant"]
    assert scale & set(asked)


@pytest.mark.parametrize("said", [{}, {"pregnant": True}])
def test_a_pregnancy_is_first_asked_its_weeks(said: dict[str, object]) -> None:
    asked = in_the_form("pregnancy_problem", {"age_years": 30, "sex": "female"}, **said)
    assert asked[:3] == ["pregnancy_weeks", "vaginal_bleeding", "contractions"]
    assert {"rupture_of_membranes", "reduced_fetal_movement", "headache", "visual_symptoms_pregnancy"} <= set(asked)


PARTS = {"gcs_eye", "gcs_verbal", "gcs_motor"}


@pytest.mark.parametrize(
    ("complaint", "patient", "seen", "left_out", "asked"),
    [
        ("trauma_head", ADULT, {"avpu": "A"}, PARTS, {"gcs", "new_confusion"}),
        ("trauma_head", ADULT, {"gcs": 14}, PARTS, {"new_confusion"}),
        ("trauma_head", ADULT, {"avpu": "V"}, set(), PARTS),
        ("trauma_head", ADULT, {}, set(), PARTS),
        ("headache", ADULT, {}, {"rosc", "icd_shock"}, {"unresponsive"}),
        ("headache", ADULT, {"loss_of_consciousness": True}, set(), {"rosc"}),
        ("syncope", ADULT, {}, set(), {"rosc", "icd_shock"}),
        ("palpitations", ADULT, {"pacemaker_or_icd": False}, {"icd_shock"}, set()),
        ("chest_pain", ADULT, {}, set(), {"icd_shock"}),
        ("cardiac_arrest_adult", ADULT, {}, set(), {"rosc"}),
        ("fever_child", {"age_years": 3}, {}, {"alcohol", "substance_use"}, set()),
        ("fever_child", {"age_years": 3}, {"somnolent": True}, set(), {"alcohol"}),
        ("poisoning", {"age_years": 3}, {}, set(), {"alcohol"}),
        ("fever", ADULT, {}, {"hypercapnic_target"}, set()),
        ("dyspnea", ADULT, {"history_copd": True}, set(), {"hypercapnic_target"}),
    ],
)
def test_what_makes_no_sense_is_not_asked_and_comes_back_where_it_does(
    complaint: str, patient: dict[str, Any], seen: dict[str, object], left_out: set[str], asked: set[str]
) -> None:
    questions = set(asked_of(found(complaint, patient, **seen), 1_000))
    assert not left_out & questions
    assert asked <= questions
