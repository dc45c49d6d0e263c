"""Promises about stops: they hold back nobody in danger, they end, and where everybody has one none counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from routing.candidate import Match
from routing.errors import BadData
from routing.facilities.status import Report, stop
from routing.rules.building import ruleset_from_source
from routing.rules.ruleset import Ruleset
from tests.small_world import AFTERNOON, ids, matched, place, ruleset, said, vocabulary

SEH = ("seh", "required")
PAIRS = [(10, place("near", "seh", "pci")), (20, place("far", "seh", "pci"))]
STOP = stop("seh", AFTERNOON - timedelta(minutes=30))


def stopped(
    *places: str, report: Report = STOP, urgency: str = "U3", rules: Ruleset | None = None, **more: str
) -> Match:
    suspected = [more["suspected"]] if "suspected" in more else []
    status = dict.fromkeys(places, (report,))
    return matched(PAIRS, SEH, urgency=urgency, status=status, suspected=suspected, rules=rules)


def first(found: Match) -> str:
    return ids(found.candidates)[0]


@pytest.mark.parametrize("urgency", ["U0", "U1"])
def test_a_stop_never_holds_back_u1(urgency: str) -> None:
    found = stopped("near", urgency=urgency)
    assert first(found) == "near"
    assert "goes_anyway" in said(found.candidates[0].reasons)


def test_a_stop_never_holds_back_a_time_critical_patient() -> None:
    found = stopped("near", urgency="U2", suspected="stemi")
    assert first(found) == "near"
    assert "goes_anyway" in said(found.candidates[0].reasons)


@pytest.mark.parametrize("urgency", ["U2", "U3", "U4", "U5"])
def test_others_go_where_there_is_no_stop(urgency: str) -> None:
    found = stopped("near", urgency=urgency)
    assert ids(found.candidates) == ["far", "near"]
    assert "stopped" in said(found.candidates[1].reasons)


@pytest.mark.parametrize(("far", "expected"), [(25, "far"), (26, "near")])
def test_u2_drives_no_further_than_agreed_for_a_place_without_a_stop(far: int, expected: str) -> None:
    pairs = [(10, PAIRS[0][1]), (far, PAIRS[1][1])]
    assert first(matched(pairs, SEH, urgency="U2", status={"near": (STOP,)})) == expected
    assert first(matched(pairs, SEH, urgency="U3", status={"near": (STOP,)})) == "far"


def test_when_every_place_has_a_stop_none_counts() -> None:
    found = stopped("near", "far")
    assert first(found) == "near"
    assert "all_stopped" in said(found.warnings)


def test_a_stop_ends_at_its_expected_end() -> None:
    over = stop("seh", AFTERNOON - timedelta(hours=2), AFTERNOON + timedelta(minutes=5))
    assert first(stopped("near", report=over)) == "near"  # 10 minutes away: over on arrival
    lasting = stop("seh", AFTERNOON - timedelta(hours=2), AFTERNOON + timedelta(minutes=11))
    assert first(stopped("near", report=lasting)) == "far"


def test_a_stop_that_nobody_ended_ends_by_itself() -> None:
    old = stop("seh", AFTERNOON - timedelta(minutes=240), AFTERNOON + timedelta(hours=9))
    assert first(stopped("near", report=old)) == "near"


def test_a_stop_of_another_unit_is_no_stop_for_this_patient() -> None:
    assert first(stopped("near", report=stop("hap", STOP.observed_at))) == "near"


def test_a_stop_that_has_not_begun_is_none() -> None:
    assert first(stopped("near", report=stop("seh", AFTERNOON + timedelta(minutes=1)))) == "near"


def test_where_a_region_agreed_on_no_stops_they_are_shown_and_do_not_count() -> None:
    numbers = dict(ruleset().source["parameters.yaml"])
    agreed = {**numbers["agreements"]["stops_agreed"], "value": False}
    source = {
        **ruleset().source,
        "parameters.yaml": {**numbers, "agreements": {**numbers["agreements"], "stops_agreed": agreed}},
    }
    found = stopped("near", rules=ruleset_from_source(source, vocabulary()))
    assert first(found) == "near"
    assert "stops_not_agreed" in said(found.candidates[0].reasons)


def test_a_stop_never_rules_a_place_out() -> None:
    for urgency in ("U2", "U3", "U5"):
        assert stopped("near", urgency=urgency).ruled_out == ()


def test_a_stop_is_shown_with_its_age_and_silence_is_unknown() -> None:
    near, far = stopped("near", urgency="U1").candidates
    assert [(fact.value, fact.age_minutes) for fact in near.status] == [(True, 30)]
    assert [fact.value for fact in far.status] == [None]


def test_a_stop_that_is_not_in_force_is_not_shown_as_one() -> None:
    later = stop("seh", AFTERNOON + timedelta(minutes=1))
    over = stop("seh", AFTERNOON - timedelta(hours=2), AFTERNOON)
    for each in (later, over):
        (near, _) = stopped("near", report=each, urgency="U1").candidates
        assert [fact.value for fact in near.status] == [None]
    lasting = stop("seh", AFTERNOON, AFTERNOON + timedelta(minutes=1))
    assert [fact.value for fact in stopped("near", report=lasting).candidates[0].status] == [True]


def test_a_stop_that_ends_before_it_begins_holds_nobody_back() -> None:
    backwards = stop("seh", AFTERNOON - timedelta(minutes=5), AFTERNOON - timedelta(hours=5))
    assert first(stopped("near", report=backwards)) == "near"


@pytest.mark.parametrize(("value", "fine"), [(-1, False), (0, True), (30.5, False), (100_000, True), (100_001, False)])
def test_the_minutes_of_a_stop_are_whole_and_can_be_meant(value: float, fine: bool) -> None:
    numbers = dict(ruleset().source["parameters.yaml"])
    longest = {**numbers["parameters"]["stop_longest"], "value": value, "region_may_choose": None}
    numbers["parameters"] = {**numbers["parameters"], "stop_longest": longest}
    source = {**ruleset().source, "parameters.yaml": numbers}
    if fine:
        rules = ruleset_from_source(source, vocabulary())
        assert ids(stopped("near", rules=rules).candidates)
        return
    with pytest.raises(BadData, match="must be a whole number of minutes"):
        ruleset_from_source(source, vocabulary())


@pytest.mark.parametrize(("stopped", "first"), [((), "known"), (("near",), "known"), (("near", "far"), "known")])
def test_where_no_stop_counts_u2_patients_go_to_their_own_hospital_as_ever(
    stopped: tuple[str, ...], first: str
) -> None:
    """A place further away than one drives for a stop is not worse for that where no stop holds anybody back."""
    pairs = [(10, place("near", "seh")), (20, place("far", "seh")), (38, place("known", "seh"))]
    found = matched(pairs, SEH, urgency="U2", known_at=["known"], status=dict.fromkeys(stopped, (STOP,)))
    assert ids(found.candidates)[0] == first


def test_a_stop_counts_for_u2_from_the_nearest_place_that_can_do_the_same() -> None:
    pairs = [(10, place("near", "seh")), (24, place("next", "seh")), (60, place("last", "seh"))]
    found = matched(pairs, SEH, urgency="U2", status={"near": (STOP,)})
    assert ids(found.candidates)[0] == "next"
    held = matched(pairs, SEH, urgency="U2", status={"near": (STOP,), "next": (STOP,)})
    assert ids(held.candidates) == ["near", "next", "last"], "the last is too far to drive to for a stop"


def test_a_report_says_nothing_after_its_own_end() -> None:
    until = AFTERNOON - timedelta(minutes=1)
    lapsed = replace(STOP, valid_until=until)
    assert first(stopped("near", report=lapsed)) == "near"
    assert [fact.value for fact in stopped("near", report=lapsed).candidates[0].status] == [None]
    assert first(stopped("near", report=replace(STOP, valid_until=AFTERNOON))) == "far"
