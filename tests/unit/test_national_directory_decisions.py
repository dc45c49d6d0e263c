"""A few patients in the real directory with the packaged rules: answers that every triagist would expect."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from routing.candidate import Match
from routing.case import parse_case
from routing.decision import Decision, decide
from routing.log.canonical import canonical, plain
from routing.log.record import answer, answer_as_made, make_record
from routing.matching import match
from routing.packaged import Desk, open_desk
from routing.travel import embedded
from routing.triage import PatientNeed
from tests.small_world import AFTERNOON, EVENING, ids, said

UTRECHT, ZWOLLE, GOES, MAASTRICHT, GRONINGEN, OSS = "3511", "8011", "4461", "6211", "9712", "5341"
NIGHT = datetime.fromisoformat("2026-11-19T03:00:00+01:00")
EMERGENCIES: dict[str, dict[str, Any]] = {
    "heart attack": {"observations": {"ecg_st_elevation": True, "chest_pain": True}},
    "stroke": {"observations": {"facial_droop": True, "arm_weakness": True}},
    "aneurysm": {"observations": {"abdominal_pain": True, "systolic_bp": 70, "known_aortic_aneurysm": True}},
    "injured": {"observations": {"trauma": True, "flail_chest": True}},
    "injured child": {"patient": {"age_years": 6}, "observations": {"trauma": True, "penetrating_injury": "torso"}},
    "burned": {"observations": {"burn_tbsa_percent": 30}},
    "septic": {"observations": {"temperature": 39.5, "systolic_bp": 85, "heart_rate": 130, "new_confusion": True}},
    "arrest": {"observations": {"cardiac_arrest": True}},
    "birth": {
        "patient": {"age_years": 30},
        "observations": {"pregnant": True, "contractions": True, "cord_prolapse": True},
    },
}
SORE_THROAT = {"patient": {"age_years": 24}, "observations": {"sore_throat": True, "fever": False}}


@cache
def desk() -> Desk:
    return open_desk(None, AFTERNOON)


def decided(postcode: str, now: datetime = AFTERNOON, **changes: Any) -> Decision:
    start: dict[str, Any] = {"patient": {"age_years": 67}, "location": {"postcode": postcode}}
    case = parse_case({**start, **changes}, desk().words, now, desk().directory.by_id)
    return decide(case, desk().directory, desk().evaluators, now)


def decided_at(point: tuple[float, float], now: datetime = AFTERNOON, **changes: Any) -> Decision:
    lat, lon = point
    return decided("3511", now, location={"lat": lat, "lon": lon}, **changes)


def first(decision: Decision) -> str:
    return ids(decision.match.candidates)[0]


def matched(postcode: str, now: datetime, *capabilities: str) -> Match:
    """The match of somebody who needs exactly these capabilities."""
    case = parse_case({"patient": {"age_years": 40}, "location": {"postcode": postcode}}, desk().words, now)
    decision = decide(case, desk().directory, desk().evaluators, now)
    needs = tuple(PatientNeed(name, "required", (), ()) for name in capabilities)
    travel = embedded.minutes((case.lat, case.lon), desk().directory.places, now)
    triage = replace(decision.triage, needs=needs)
    return match(triage, case, desk().directory, desk().evaluators.ruleset, travel, now)


@pytest.mark.parametrize("name", EMERGENCIES)
def test_what_is_answered_at_once_is_what_stands_in_the_record(name: str) -> None:
    given = {"called_at": "2026-11-18T12:31:00+01:00", **EMERGENCIES[name]}
    given["observations"] = {"glucose": 5.4, **given["observations"]}
    case = parse_case({"location": {"postcode": ZWOLLE}, "patient": {"age_years": 67}, **given}, desk().words, NIGHT)
    decision = decide(case, desk().directory, desk().evaluators, NIGHT)
    made = make_record(decision, case, desk().words, id="0198", now=NIGHT, asker={}, supersedes=None)
    read = answer(plain(canonical(made)))
    assert answer_as_made(made) == read
    assert canonical(answer_as_made(made)) == canonical(read), "and no tuple, number or text of another kind"


@pytest.mark.parametrize("now", [AFTERNOON, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("postcode", [UTRECHT, ZWOLLE, GOES, MAASTRICHT, GRONINGEN])
@pytest.mark.parametrize("name", EMERGENCIES)
def test_an_emergency_goes_to_a_hospital_that_is_open(name: str, postcode: str, now: datetime) -> None:
    decision = decided(postcode, now, **EMERGENCIES[name])
    best = decision.match.candidates[0]
    assert decision.triage.urgency.rank <= 2
    assert decision.triage.evaluation.agree
    assert best.facility is not None
    assert best.facility.kind == "hospital_seh"
    assert best.facility.capabilities["seh"] is True
    assert best.facility.patients == "all" or name == "injured child"
    assert "closed" not in said(best.reasons)


@pytest.mark.parametrize("name", EMERGENCIES)
def test_nothing_disappears_silently(name: str) -> None:
    decision = decided(UTRECHT, **EMERGENCIES[name])
    directory, reach = desk().directory, desk().evaluators.ruleset.logistics.reach_minutes
    case_at = parse_case({"patient": {"age_years": 1}, "location": {"postcode": UTRECHT}}, desk().words, AFTERNOON)
    travel = embedded.minutes((case_at.lat, case_at.lon), directory.places, AFTERNOON)
    within = {place.id for place, found in zip(directory.facilities, travel, strict=True)
              if found.minutes <= reach[decision.triage.urgency.level]}  # fmt: skip
    shown = [*ids(decision.match.candidates), *ids(decision.match.ruled_out)]
    assert len(shown) == len(set(shown))
    assert set(shown) >= within
    assert len(within) > 200
    assert all(out.failed for out in decision.match.ruled_out)


def test_a_heart_attack_goes_to_a_centre_for_it() -> None:
    for postcode in (UTRECHT, ZWOLLE, MAASTRICHT, GRONINGEN):
        best = decided(postcode, **EMERGENCIES["heart attack"]).match.candidates[0]
        assert best.facility is not None
        assert best.facility.capabilities["pci"] is True
        assert [check.norm.id for check in best.norms] == ["pci-75", "pci-fmc-90"]


def test_evenings_christmas_and_office_hours_lead_to_other_doors() -> None:
    def kind(now: datetime) -> str:
        return decided(GRONINGEN, now, **SORE_THROAT).match.candidates[0].kind

    assert kind(AFTERNOON) == "huisarts"
    assert kind(EVENING) == kind(NIGHT) == "huisartsenpost"
    assert kind(datetime.fromisoformat("2026-12-25T11:00:00+01:00")) == "huisartsenpost"
    assert kind(datetime.fromisoformat("2026-11-22T11:00:00+01:00")) == "huisartsenpost"


def test_just_before_eight_a_sore_throat_is_not_sent_to_an_emergency_department() -> None:
    for minute in (30, 45, 50, 55, 59):
        at = datetime.fromisoformat(f"2026-11-18T07:{minute}:00+01:00")
        for postcode in (UTRECHT, GOES, GRONINGEN):
            assert decided(postcode, at, **SORE_THROAT).match.candidates[0].kind in ("huisartsenpost", "huisarts")


@pytest.mark.parametrize("needs", [("seh", "icu"), ("icu", "seh")])
def test_an_emergency_department_that_closes_at_night_is_closed_at_night(needs: tuple[str, ...]) -> None:
    """Its hospital keeps unknown hours and its emergency department known ones."""
    for place_id, postcode in (("amstelland", "1186"), ("franciscus-vlietland", "3118")):
        (out,) = [item for item in matched(postcode, NIGHT, *needs).ruled_out if item.facility.id == place_id]
        assert "closed" in said(out.failed)
        assert place_id in ids(matched(postcode, AFTERNOON, *needs).candidates)


def test_a_post_that_may_not_exist_any_more_comes_after_one_that_does() -> None:
    decision = decided(OSS, EVENING, **SORE_THROAT)
    order = ids(decision.match.candidates)
    assert order[0] != "hap-oss"
    assert "hap-oss" in order
    (oss,) = [item for item in decision.match.candidates if item.facility is not None and item.facility.id == "hap-oss"]
    assert "place_uncertain" in said(oss.reasons)


def test_an_adult_never_goes_to_a_childrens_hospital() -> None:
    for needs in (("pediatrics",), ("nicu",), ("picu",)):
        found = matched(UTRECHT, AFTERNOON, *needs)
        assert not {"wkz-utrecht", "erasmus-mc-sophia"} & set(ids(found.candidates))
        (out,) = [item for item in found.ruled_out if item.facility.id == "wkz-utrecht"]
        assert "wrong_patients" in said(out.failed)


def test_vascular_surgery_is_known_of_nobody_so_the_triagist_must_call() -> None:
    decision = decided(UTRECHT, **EMERGENCIES["aneurysm"])
    assert decision.match.badge == "call_first"
    assert "capability_unknown" in said(decision.match.candidates[0].reasons)
    assert "perhaps" in said(decision.warnings)


def test_nothing_known_is_not_called_certain() -> None:
    """Everything can still turn out otherwise, and the answer must not sound as if it could not."""
    decision = decided(UTRECHT)
    assert decision.triage.urgency.level == "U3"
    assert decision.triage.open_questions
    assert decision.match.badge != "certain"


def test_what_decides_about_a_stroke_is_asked_at_once() -> None:
    decision = decided(ZWOLLE, **EMERGENCIES["stroke"])
    asked = [question.fact for question in decision.triage.open_questions]
    assert "last_known_well_at" in asked[:3]


def test_an_ecg_is_asked_for_chest_pain() -> None:
    decision = decided(UTRECHT, channel="ambulance", observations={"chest_pain": True})
    asked = [question.fact for question in decision.triage.open_questions]
    assert "ecg_st_elevation" in asked[:5]


def test_a_broken_hip_goes_to_a_hospital_nearby() -> None:
    """Most hospitals do level-3 trauma care; that few say so must not lead every broken hip to a trauma centre."""
    decision = decided(UTRECHT, patient={"age_years": 85},
                       observations={"fall": True, "hip_deformity": True, "unable_to_weightbear": True})  # fmt: skip
    best = decision.match.candidates[0]
    assert best.travel is not None
    nearest = min(item.travel.minutes for item in decision.match.candidates if item.travel is not None)
    assert best.travel.minutes == nearest


def test_a_very_early_birth_in_utrecht_stays_in_utrecht() -> None:
    """Its perinatal centre is one building complex: the mother of the university hospital, the child next door."""
    decision = decided(UTRECHT, patient={"age_years": 30, "sex": "female"},
                       observations={"pregnant": True, "pregnancy_weeks": 28, "contractions": True})  # fmt: skip
    assert first(decision) == "umc-utrecht"


def test_a_badly_injured_child_in_utrecht_stays_in_utrecht() -> None:
    decision = decided(UTRECHT, **EMERGENCIES["injured child"])
    assert first(decision) == "umc-utrecht"


def test_the_same_patient_an_hour_later_has_an_hour_less_of_the_window() -> None:
    seen = (AFTERNOON - timedelta(minutes=150)).isoformat()
    observations = {**EMERGENCIES["stroke"]["observations"], "last_known_well_at": seen}
    early, late = (decided(ZWOLLE, AFTERNOON + timedelta(minutes=m), observations=observations) for m in (0, 60))
    before, after = ({c.norm.id: c.elapsed for c in d.match.candidates[0].norms} for d in (early, late))
    assert after == {key: minutes + 60 for key, minutes in before.items()}


@pytest.mark.parametrize(
    ("observations", "urgency"),
    [
        ({"avpu": "A", "unresponsive": True}, "U1"),
        ({"gcs": 15, "avpu": "U"}, "U1"),
        ({"race_arm": 2, "symptoms_resolved": True}, "U1"),
        ({"race_leg": 2, "facial_droop": True, "symptoms_resolved": True}, "U1"),
        ({"seizure": False, "seizure_ongoing": True}, "U1"),
        ({"chest_pain": False, "chest_pain_radiating": True}, "U2"),
    ],
)
def test_of_contradicting_findings_the_graver_counts_and_it_is_said(observations: dict[str, Any], urgency: str) -> None:
    decision = decided(UTRECHT, observations=observations)
    assert decision.triage.urgency.level == urgency
    assert [reason for reason in decision.triage.warnings if "spreken elkaar tegen" in reason.text.nl]


@pytest.mark.parametrize("item", ["race_face", "race_arm", "race_leg", "race_gaze", "race_aphasia_agnosia"])
def test_every_race_item_alone_is_a_possible_stroke(item: str) -> None:
    decision = decided(UTRECHT, observations={item: 1})
    assert decision.triage.urgency.level == "U1"
    assert "CVA" in decision.triage.time_critical
