"""Promises about a whole decision: there is always an answer, it is the same every time, and doubts are said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from routing.decision import decide, fired_rules
from routing.errors import EngineFault
from routing.log.canonical import canonical
from routing.rules.durable import DurableEvaluator
from routing.rules.evaluation import Evaluators
from routing.rules.rule import Facts
from tests.small_world import (
    AFTERNOON,
    CASES,
    HERE,
    MOMENTS,
    SORE_THROAT,
    STEMI,
    STROKE,
    case,
    decided,
    directory,
    directory_of,
    evaluators,
    ids,
    place,
    result_body,
    ruleset,
    said,
    texts,
    told,
    vocabulary,
    windows,
)


class Stub:
    """An engine that says what a test wants it to say."""

    def __init__(self, *fired: str, fault: str | None = None) -> None:
        self.said, self.fault = frozenset(fired), fault

    def fired(self, _facts: Facts) -> frozenset[str]:
        if self.fault is not None:
            raise EngineFault(self.fault)
        return self.said


def with_engine(stub: Stub) -> Evaluators:
    return replace(evaluators(), engine=cast(DurableEvaluator, stub))


# -- always an answer


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: f"{now:%d-%m %H:%M}")
@pytest.mark.parametrize("name", CASES)
def test_there_is_always_an_answer(name: str, now: datetime) -> None:
    places = directory()
    for somewhere in (places, directory_of(), directory_of(place("closed", "seh", opening=windows("06:00", "06:01")))):
        decision = decided(now, somewhere, **CASES[name])
        best = decision.match.candidates[0]
        assert best.rank == 1
        assert best.reasons
        assert best.facility is not None or best.kind in vocabulary().capabilities or best.kind == "meldkamer"
        assert decision.match.because


@pytest.mark.parametrize("name", CASES)
def test_nothing_disappears_silently(name: str) -> None:
    decision = decided(**CASES[name])
    reach = ruleset().logistics.reach_minutes[decision.triage.urgency.level]
    travel = told(dict.fromkeys((item.id for item in directory().facilities), 30), directory())
    near = decide(case(**CASES[name]), directory(), evaluators(), AFTERNOON, travel).match
    assert {*ids(near.candidates), *ids(near.ruled_out)} >= set(directory().by_id)
    for out in decision.match.ruled_out:
        assert out.failed, out.facility.id
        assert out.travel.minutes <= reach
        assert all(reason.text.nl and reason.text.en for reason in out.failed)


@pytest.mark.parametrize("name", CASES)
def test_every_text_is_filled_in_both_languages(name: str) -> None:
    match = decided(**CASES[name]).match
    reasons = [reason for item in match.candidates for reason in item.reasons]
    reasons += [reason for out in match.ruled_out for reason in out.failed]
    for reason in (*reasons, *match.because, *decided(**CASES[name]).warnings):
        for text in (reason.text.nl, reason.text.en):
            assert text
            assert not set("{}") & set(text)


def test_empty_directory_names_the_dispatch_centre() -> None:
    decision = decided(places=directory_of(), observations=STEMI)
    assert ids(decision.match.candidates) == ["meldkamer"]
    assert decision.triage.urgency.level == "U1"
    assert "nobody" in said(decision.warnings)


# -- the same every time


@pytest.mark.parametrize("name", CASES)
def test_the_same_case_gives_the_same_bytes(name: str) -> None:
    def answer() -> bytes:
        return canonical(result_body(decided(**CASES[name]), vocabulary()))

    assert answer() == answer()


def test_the_order_of_observations_makes_no_difference() -> None:
    observations = CASES["everything"]["observations"]
    backwards = dict(reversed(observations.items()))
    first, second = (result_body(decided(observations=given), vocabulary()) for given in (observations, backwards))
    assert canonical(first) == canonical(second)


def test_the_moment_counts_not_the_zone_in_which_it_is_written() -> None:
    at = datetime.fromisoformat("2026-10-25T02:50:00+02:00")
    answers = {
        canonical(result_body(decided(now, observations=STEMI, called_at="2026-10-25T02:40:00+02:00"), vocabulary()))
        for now in (at, at.astimezone(UTC), at.astimezone(ZoneInfo("Europe/Amsterdam")))
    }
    assert len(answers) == 1


# -- both evaluators


def test_evaluators_that_agree_say_nothing() -> None:
    decision = decided(observations=STEMI)
    assert decision.triage.evaluation.agree
    assert not {"evaluators_disagree", "engine_failed"} & set(said(decision.warnings))


def test_evaluators_that_disagree_count_both_and_warn() -> None:
    engine = Stub("chest-pain", "low-pressure")  # two rules of which the plain meaning knows nothing
    decision = decide(case(observations={"laceration": True}), directory(), with_engine(engine), AFTERNOON)
    assert set(fired_rules(decision)) == {"chest-pain", "low-pressure", "cut", "where-cuts-go"}
    assert decision.triage.urgency.level == "U1"  # the more urgent
    assert {need.capability for need in decision.triage.needs} == {"minor_injury"}
    assert not decision.triage.evaluation.agree
    (warning,) = [reason for reason in decision.warnings if said([reason]) == ["evaluators_disagree"]]
    for rule in ("chest-pain", "low-pressure", "cut", "where-cuts-go"):
        assert rule in warning.text.nl


def test_rules_that_only_the_engine_misses_count_all_the_same() -> None:
    decision = decide(case(observations=STEMI), directory(), with_engine(Stub()), AFTERNOON)
    assert decision.triage.urgency.level == "U1"
    assert ids(decision.match.candidates)[0] == "heart-centre"
    assert "evaluators_disagree" in said(decision.warnings)


def test_an_engine_that_fails_leaves_the_reference_and_an_alarm() -> None:
    broken = with_engine(Stub(fault="the rule engine answered 312 to a fact"))
    decision = decide(case(observations=STEMI), directory(), broken, AFTERNOON)
    sound = decided(observations=STEMI)
    assert fired_rules(decision) == fired_rules(sound)
    assert decision.match == sound.match
    assert decision.triage.evaluation.engine is None
    assert decision.triage.evaluation.fault == "the rule engine answered 312 to a fact"
    assert "engine_failed" in said(decision.warnings)
    assert "312" not in texts(decision.warnings)  # for the operator, not for the reader


# -- what must be said


def test_pending_rules_are_said() -> None:
    (warning,) = [r for r in decided(observations={"chest_pain": True}).warnings if said([r]) == ["pending_rules"]]
    assert warning.because == {"count": 3}  # the urgency, PCI preferred, and emergencies to hospital
    assert "3" in warning.text.nl


def test_accepted_rules_need_no_such_warning() -> None:
    decision = decided(observations={"laceration": True})
    assert fired_rules(decision) == ["cut", "where-cuts-go"]
    assert "pending_rules" not in said(decision.warnings)
    assert decision.triage.urgency.reasons[0].review == "accepted"


def test_unknown_region_is_said() -> None:
    decision = decided(observations=STEMI, region="atlantis")
    (warning,) = [r for r in decision.warnings if said([r]) == ["no_regional_agreement"]]
    assert "atlantis" in warning.text.nl
    assert "no_regional_agreement" not in said(decided(observations=STEMI).warnings)


def test_warnings_of_rules_come_first() -> None:
    decision = decided(observations={**STEMI, "pregnant": True})
    assert said(decision.warnings)[0] == "blood-thinner-warning"


def test_what_decided_is_named() -> None:
    decision = decided()
    assert decision.ruleset == ("small", "1.0.0", ruleset().digest)
    assert decision.vocabulary_digest == vocabulary().digest
    assert (decision.directory_revision, decision.directory_digest) == (3, directory().digest)
    assert decision.travel_method == "skeleton-nl/1"
    stranger = decide(case(), directory(), evaluators(), AFTERNOON, told(_all(30), directory()))
    assert stranger.travel_method == "told"


def _all(minutes: int) -> dict[str, int]:
    return {item.id: minutes for item in directory().facilities}


# -- the place


def test_a_heart_attack_goes_past_the_nearest_hospital() -> None:
    decision = decided(observations=STEMI)
    assert ids(decision.match.candidates) == ["heart-centre", "far-heart-centre", "unsure-hospital"]
    assert "near-hospital" in ids(decision.match.ruled_out)


def test_a_stroke_prefers_thrombectomy_within_a_detour() -> None:
    def first(minutes: int) -> str:
        travel = told({**_all(60), "near-hospital": 10, "heart-centre": minutes}, directory())
        return ids(decide(case(observations=STROKE), directory(), evaluators(), AFTERNOON, travel).match.candidates)[0]

    assert (first(25), first(26)) == ("heart-centre", "near-hospital")


def test_night_and_holiday_change_the_place() -> None:
    def kind(at: str) -> str:
        return decided(datetime.fromisoformat(at), observations=SORE_THROAT).match.candidates[0].kind

    assert kind("2026-11-18T14:00:00+01:00") == "huisarts"  # a Wednesday
    assert kind("2026-11-18T20:00:00+01:00") == "huisartsenpost"
    assert kind("2026-11-18T03:00:00+01:00") == "huisartsenpost"
    assert kind("2026-11-21T14:00:00+01:00") == "huisartsenpost"  # a Saturday
    assert kind("2026-12-25T14:00:00+01:00") == "huisartsenpost"  # Christmas, a Friday
    assert kind("2026-11-18T17:00:00+01:00") == "huisartsenpost"
    assert kind("2026-11-18T16:59:00+01:00") == "huisarts"


def test_just_before_eight_nobody_is_sent_to_an_emergency_department_for_want_of_an_open_post() -> None:
    """At 07:50 the posts close before one is there, and the own doctor opens in ten minutes."""
    decision = decided(datetime.fromisoformat("2026-11-18T07:50:00+01:00"), observations=SORE_THROAT)
    assert decision.triage.urgency.level == "U5"
    assert decision.match.candidates[0].kind != "hospital"


def test_care_without_a_place_leaves_nobody_without_a_reason() -> None:
    decision = decided(observations=SORE_THROAT)
    best = decision.match.candidates[0]
    assert (best.facility, best.travel, best.kind) == (None, None, "huisarts")
    assert said(best.reasons) == ["without_place", "own-doctor"]
    assert {name for out in decision.match.ruled_out for name in said(out.failed)} == {"without_place"}


def test_an_adult_is_not_sent_to_the_childrens_hospital_and_a_child_may_be() -> None:
    adult, child = (
        decided(places=directory_of(place("children", "seh", patients="children"), place("all", "seh")),
                patient={"age_years": years}, observations={"chest_pain": True})
        for years in (40, 4)
    )  # fmt: skip
    assert ids(adult.match.candidates) == ["all"]
    assert ids(child.match.candidates) == ["all", "children"]


def test_no_hospital_that_can_help_within_reach_is_said() -> None:
    decision = decided(observations={"burn_tbsa_percent": 30})
    assert decision.triage.urgency.level == "U2"
    # the burn centre is more than two hours away; the nearest hospital that is open comes first
    assert "gave_way" in said(decision.warnings)
    assert "burn centre" in texts(decision.warnings)


def test_travel_times_have_an_interval_around_the_estimate() -> None:
    for item in decided(observations=STEMI).match.candidates:
        assert item.travel is not None
        assert 0 <= item.travel.low < item.travel.minutes < item.travel.high


def test_the_travel_provider_is_asked_once_for_all_places_from_where_the_patient_is() -> None:
    asked: list[tuple[Any, int, datetime]] = []
    known = told(_all(30), directory())

    def provide(origin: Any, places: Any, at: datetime) -> Any:
        asked.append((origin, len(places.points), at))
        return known(origin, places, at)

    decide(case(observations=STEMI), directory(), evaluators(), AFTERNOON, provide)
    assert [(origin, count) for origin, count, _ in asked] == [(HERE, len(directory().facilities))]
    # an ambulance comes first: ten minutes until it is there, twenty at the scene
    assert asked[0][2] == AFTERNOON + timedelta(minutes=30)


def test_the_arrival_is_now_plus_the_ambulance_plus_the_drive() -> None:
    logistics = ruleset().logistics
    decision = decide(case(observations=STEMI, channel="meldkamer"), directory(), evaluators(), AFTERNOON,
                      told(_all(30), directory()))  # fmt: skip
    arrival = decision.match.candidates[0].arrival_at
    assert arrival is not None
    expected = logistics.response_minutes["A1"] + logistics.on_scene_minutes + 30
    assert arrival - AFTERNOON == timedelta(minutes=expected)
