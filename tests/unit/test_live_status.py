"""Promises about beds, closures and the age of what places report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from routing.candidate import Match
from routing.facilities.status import Beds, Report, stop
from tests.small_world import AFTERNOON, ids, matched, place, said, texts

SEH = ("seh", "required")
NEAR, FAR = place("near", "seh"), place("far", "seh")
PAIRS = [(10, NEAR), (20, FAR)]


def minutes_ago(minutes: float) -> datetime:
    return AFTERNOON - timedelta(minutes=minutes)


def beds(free: int | Beds, age: float = 10, unit: str = "seh", bed: str | None = None) -> Report:
    count = free if isinstance(free, Beds) else Beds(available=free)
    return Report(unit, "beds", count, minutes_ago(age), bed=bed)


def opened(value: bool | None, age: float = 10, unit: str = "seh", **more: Any) -> Report:
    return Report(unit, "open", value, minutes_ago(age), **more)


def near(*reports: Report, urgency: str = "U3", suspected: tuple[str, ...] = (), coming: tuple[float, ...] = (),
         pairs: Any = None) -> Match:  # fmt: skip
    reserved: Mapping[str, Any] = {"near": {"seh": tuple(map(minutes_ago, coming))}} if coming else {}
    return matched(
        pairs or PAIRS, SEH, urgency=urgency, suspected=suspected, status={"near": reports}, reserved=reserved
    )


def first(found: Match) -> str:
    return ids(found.candidates)[0]


def reasons(found: Match, facility: str = "near") -> list[str]:
    return next(said(each.reasons) for each in found.candidates if each.facility and each.facility.id == facility)


# -- beds


@pytest.mark.parametrize("urgency", ["U2", "U3", "U5"])
def test_a_place_without_room_comes_after_one_that_did_not_say_so(urgency: str) -> None:
    found = near(beds(0), urgency=urgency)
    assert (first(found), "full" in reasons(found)) == ("far", True)
    assert "10 minutes ago" in texts(found.candidates[1].reasons)


@pytest.mark.parametrize(("urgency", "suspected"), [("U0", ()), ("U1", ()), ("U2", ("stemi",)), ("U3", ("cva",))])
def test_a_lack_of_room_holds_back_nobody_in_danger_and_is_shown(urgency: str, suspected: tuple[str, ...]) -> None:
    found = near(beds(0), urgency=urgency, suspected=suspected)
    assert (first(found), "full_goes_anyway" in reasons(found)) == ("near", True)


@pytest.mark.parametrize(
    ("count", "full"),
    [
        (Beds(available=0), True),
        (Beds(available=1), False),
        (Beds(total=10, occupied=10), True),
        (Beds(total=10, occupied=12), True),
        (Beds(total=10, staffed=8, occupied=8), True),
        (Beds(total=10, staffed=8, occupied=7), False),
        (Beds(total=10, staffed=8, occupied=8, available=1), False),
        (Beds(total=10), False),
        (Beds(occupied=10), False),
        (Beds(staffed=0), False),
    ],
)
def test_a_place_is_full_when_it_says_so_or_everything_with_staff_is_taken(count: Beds, full: bool) -> None:
    assert (first(near(beds(count))) == "far") is full


def test_a_unit_is_full_when_every_kind_of_bed_is() -> None:
    both = [beds(0, bed="emergency_department"), beds(0)]
    assert first(near(*both)) == "far"
    assert first(near(both[0], beds(1))) == "near"


@pytest.mark.parametrize(("age", "full"), [(0, True), (60, True), (60.1, False), (600, False)])
def test_beds_that_were_counted_long_ago_hold_nobody_back(age: float, full: bool) -> None:
    found = near(beds(0, age))
    assert ((first(found) == "far"), ("full" in reasons(found))) == (full, full)


def test_a_count_of_which_one_part_is_old_is_no_lack_of_room() -> None:
    assert first(near(beds(0, bed="emergency_department"), beds(0, 61))) == "near"


def test_the_room_of_another_unit_says_nothing() -> None:
    assert first(near(beds(0, unit="obstetrics"))) == "near"


# -- patients on their way


@pytest.mark.parametrize(
    ("free", "coming", "expected"),
    [
        (1, (5,), "far"),
        (2, (5,), "near"),
        (2, (5, 4), "far"),
        (1, (), "near"),
        (1, (10,), "near"),  # at the very moment of the report: counted in it
        (1, (9.9,), "far"),
        (1, (15,), "near"),  # before the report: counted in it
        (1, (-1,), "near"),  # nobody is advised in the future
    ],
)
def test_patients_who_were_sent_since_the_last_report_take_its_free_beds(
    free: int, coming: tuple[float, ...], expected: str
) -> None:
    found = near(beds(free), coming=coming)
    assert first(found) == expected
    assert ("full_with_reserved" in reasons(found)) is (expected == "far")


def test_who_was_sent_half_an_hour_ago_has_arrived() -> None:
    assert first(near(beds(1, 50), coming=(30,))) == "near"
    assert first(near(beds(1, 50), coming=(29.9,))) == "far"


@pytest.mark.parametrize(("urgency", "suspected"), [("U0", ()), ("U1", ()), ("U2", ("stemi",))])
def test_patients_on_their_way_keep_nobody_in_danger_away(urgency: str, suspected: tuple[str, ...]) -> None:
    found = near(beds(1), urgency=urgency, suspected=suspected, coming=(5, 4, 3))
    assert (first(found), "full_with_reserved" in reasons(found)) == ("near", False)


def test_without_a_count_of_beds_nobody_counts_who_is_on_the_way() -> None:
    assert first(near(coming=(5, 4, 3))) == "near"


# -- closures


@pytest.mark.parametrize("urgency", ["U0", "U1", "U3", "U5"])
def test_a_place_that_just_said_that_it_is_closed_is_ruled_out_for_everybody(urgency: str) -> None:
    found = near(opened(False), urgency=urgency, suspected=("stemi",))
    assert (first(found), ids(found.ruled_out)) == ("far", ["near"])
    (closed,) = found.ruled_out
    assert said(closed.failed) == ["reported_closed"]
    assert closed.would_change


@pytest.mark.parametrize(("age", "out"), [(240, True), (240.1, False)])
def test_an_old_closure_rules_nobody_out_and_says_call_first(age: float, out: bool) -> None:
    found = near(opened(False, age), urgency="U1")
    assert ("near" in ids(found.ruled_out)) is out
    if not out:
        assert (first(found), found.badge, said(found.because)) == ("near", "call_first", ["reported_closed_stale"])


def test_for_who_is_not_in_danger_a_place_with_an_old_closure_comes_after_one_without() -> None:
    found = near(opened(False, 300), urgency="U3")
    assert ids(found.candidates) == ["far", "near"]


def test_of_two_closures_the_fresh_one_counts() -> None:
    both = [opened(False, 300), opened(False, 10, "obstetrics")]
    for reports in (both, both[::-1]):
        found = matched([(10, place("near", "seh", "obstetrics")), (20, place("far", "seh", "obstetrics"))], SEH,
                        ("obstetrics", "required"), urgency="U1", status={"near": tuple(reports)})  # fmt: skip
        assert said(found.ruled_out[0].failed) == ["reported_closed"]


def test_a_closure_that_said_until_when_it_holds_says_nothing_afterwards() -> None:
    found = near(opened(False, 10, valid_until=minutes_ago(1)))
    assert (first(found), "reported_closed_stale" in reasons(found)) == ("near", False)


def test_a_unit_that_is_only_preferred_rules_nothing_out_and_holds_nobody_back() -> None:
    pairs = [(10, place("near", "seh", "obstetrics")), (20, FAR)]
    needs = (SEH, ("obstetrics", "preferred"))
    for report in (opened(False, unit="obstetrics"), stop("obstetrics", AFTERNOON), beds(0, unit="obstetrics")):
        assert first(matched(pairs, *needs, urgency="U3", status={"near": (report,)})) == "near", report


def test_a_closed_emergency_department_is_not_the_cautious_way_out_either() -> None:
    """Nobody can give what is needed, so an emergency department as a precaution: one that is open."""
    found = matched(PAIRS, ("elv", "required"), urgency="U3", status={"near": (opened(False),)}, give_way=())
    assert "fallback" in said(found.warnings)
    assert (first(found), ids(found.ruled_out)) == ("far", ["near"])


def test_a_place_that_says_that_it_is_open_needs_no_call_for_its_hours() -> None:
    pairs = [(10, place("near", "seh", opening="unknown")), (20, FAR)]
    assert first(near(pairs=pairs)) == "far"
    found = near(opened(True), pairs=pairs)
    assert (first(found), "opening_unknown" in reasons(found)) == ("near", False)
    assert first(near(opened(True, 241), pairs=pairs)) == "far", "an old word that it is open ranks nothing higher"
    assert first(near(opened(True, unit="obstetrics"), pairs=pairs)) == "far"
    assert first(near(opened(None), pairs=pairs)) == "far"


# -- stops that end


def ends_in(minutes: float) -> Report:
    return Report("seh", "stop", True, minutes_ago(30), expected_end=AFTERNOON + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("minutes", "held", "told"),
    [(11, True, False), (10, False, True), (1, False, True), (-10, False, True), (-29, False, True)],
)
def test_a_stop_that_is_over_on_arrival_holds_nobody_back_and_is_told_of(minutes: int, held: bool, told: bool) -> None:
    found = near(ends_in(minutes))
    assert ((first(found) == "far"), ("stop_ended" in reasons(found))) == (held, told)


def test_an_hour_after_its_end_nothing_is_left_of_a_stop() -> None:
    over = Report("seh", "stop", True, minutes_ago(90), expected_end=minutes_ago(60))
    assert "stop_ended" not in reasons(near(over))
    assert "stop_ended" in reasons(near(replace(over, expected_end=minutes_ago(59))))


def test_a_stop_that_is_seen_after_its_expected_end_goes_on() -> None:
    """It overran: the newer observation says more than the older expectation."""
    overrun = Report("seh", "stop", True, minutes_ago(5), since=minutes_ago(90), expected_end=minutes_ago(30))
    assert first(near(overrun)) == "far"


# -- what is shown


def test_what_was_reported_is_shown_with_its_age_and_whether_it_may_be_relied_on() -> None:
    fresh, old = beds(3, 10), Report("seh", "crowding", 120, minutes_ago(90))
    (candidate, _) = near(fresh, old, urgency="U1").candidates
    shown = {fact.kind: fact for fact in candidate.status}
    assert (shown["beds"].value, shown["beds"].age_minutes, shown["beds"].fresh) == ({"available": 3}, 10, True)
    assert (shown["crowding"].value, shown["crowding"].age_minutes, shown["crowding"].fresh) == (120, 90, False)
    assert (shown["stop"].value, shown["stop"].observed_at) == (None, None), "silence is unknown, not none"


def test_crowding_and_waiting_are_shown_and_decide_nothing() -> None:
    busy = [Report("seh", "crowding", 500, AFTERNOON), Report("seh", "waiting_minutes", 600, AFTERNOON)]
    assert first(near(*busy)) == "near"
