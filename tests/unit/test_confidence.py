"""Promises about the badge: certain only where nothing stale or unknown could make another place first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from routing.confidence import MOST_NAMED
from routing.facilities.status import Beds, Report
from tests.small_world import AFTERNOON, ids, matched, place, said, texts

SEH = ("seh", "required")
PAIRS = [(10, place("near", "seh")), (20, place("far", "seh"))]


def stop(value: bool | None, age: int = 5, unit: str = "seh") -> Report:
    return Report(unit, "stop", value, AFTERNOON - timedelta(minutes=age))


def badge(
    status: dict[str, tuple[Report, ...]], *needs: Any, pairs: Any = None, urgency: str = "U3", **more: Any
) -> Any:
    found = matched(pairs or PAIRS, *(needs or (SEH,)), urgency=urgency, status=status, **more)
    return ids(found.candidates)[0], found.badge, said(found.because)


def test_a_fresh_word_that_there_is_no_stop_makes_the_choice_certain() -> None:
    assert badge({"near": (stop(False),)}) == ("near", "certain", ["confident"])


def test_a_stale_word_on_which_the_choice_hangs_is_named_with_its_age() -> None:
    found = matched(PAIRS, SEH, urgency="U3", status={"near": (stop(False, 75),)})
    assert (found.badge, said(found.because)) == ("sensitive", ["stop_stale"])
    assert "Near" in texts(found.because)
    assert "75 minutes" in texts(found.because)


def test_a_stale_word_on_which_nothing_hangs_leaves_the_choice_certain() -> None:
    """The other place is too far to drive to for a stop, or the patient is in danger and goes anyway."""
    far = [(10, PAIRS[0][1]), (26, PAIRS[1][1])]
    assert badge({"near": (stop(False, 75),)}, pairs=far, urgency="U2") == ("near", "certain", ["confident"])
    assert badge({"near": (stop(True, 75),)}, urgency="U1") == ("near", "certain", ["confident"])
    assert badge({}, urgency="U3", suspected=["stemi"])[1] == "certain"
    assert badge({}, pairs=PAIRS[:1])[1] == "certain", "there is no other place"


def test_a_word_that_is_not_known_any_more_is_unknown() -> None:
    assert badge({"near": (stop(None),)}) == ("near", "sensitive", ["stop_unknown"])


def test_a_stop_whose_end_has_passed_leaves_unknown_what_is_now() -> None:
    over = Report("seh", "stop", True, AFTERNOON - timedelta(minutes=20), expected_end=AFTERNOON - timedelta(minutes=5))
    assert badge({"near": (over,)}) == ("near", "sensitive", ["stop_unknown"])


def test_a_stale_stop_that_holds_back_is_named_because_it_may_be_over() -> None:
    old = {"near": (stop(True, 90),), "far": (stop(False),)}
    first, found, because = badge(old)
    assert (first, found, because) == ("far", "sensitive", ["faster_but", "stop_stale"])


def test_a_fresh_stop_holds_back_whatever_else_is_not_known_there() -> None:
    """That nobody knows whether the delivery rooms have a stop as well makes no difference."""
    pairs = [(10, place("near", "seh", "obstetrics")), (30, place("far", "seh", "obstetrics"))]
    known = {"near": (stop(True),), "far": (stop(False), stop(False, unit="obstetrics"))}
    first, _, because = badge(known, SEH, ("obstetrics", "required"), pairs=pairs)
    assert (first, because) == ("far", ["faster_but"])


def test_stale_beds_are_a_doubt_only_where_they_were_once_counted() -> None:
    counted = Report("seh", "beds", Beds(available=3), AFTERNOON - timedelta(minutes=61))
    assert badge({"near": (stop(False), counted)}) == ("near", "sensitive", ["beds_stale"])
    fresh = Report("seh", "beds", Beds(available=3), AFTERNOON - timedelta(minutes=60))
    assert badge({"near": (stop(False), fresh)})[1] == "certain"


def test_what_is_unknown_of_several_units_of_a_place_is_said_in_one_sentence() -> None:
    pairs = [(10, place("near", "seh", "obstetrics")), (30, place("far", "seh", "obstetrics"))]
    found = matched(pairs, SEH, ("obstetrics", "required"), urgency="U3")
    assert said(found.because) == ["stop_unknown"]
    assert "delivery rooms, emergency department" in texts(found.because)


def test_at_most_a_few_places_are_named() -> None:
    """Nearer places with an old stop, each of which would come first if that were over."""
    pairs = [(10 + 3 * number, place(f"held-{number}", "seh")) for number in range(6)]
    pairs.append((50, place("free", "seh")))
    status = {f"held-{number}": (stop(True, 90),) for number in range(6)}
    found = matched(pairs, SEH, urgency="U3", status={**status, "free": (stop(False),)})
    assert ids(found.candidates)[0] == "free"
    assert said(found.because).count("stop_stale") == MOST_NAMED


def test_facts_that_decide_only_together_are_all_named() -> None:
    """A known hospital further away stays first until every nearer place is known to have a stop."""
    pairs = [(10, place("one", "seh", "evt")), (12, place("two", "seh")), (38, place("known", "seh"))]
    held = {"one": (stop(True),), "known": (stop(False),)}
    first, found, because = badge(held, SEH, ("evt", "preferred"), pairs=pairs, urgency="U2", known_at=["known"])
    assert first == "known"
    assert found == "sensitive"
    assert "stop_unknown" in because


def test_a_faster_place_that_is_passed_by_for_its_stop_says_so() -> None:
    found = matched(PAIRS, SEH, urgency="U3", status={"near": (stop(True),), "far": (stop(False),)})
    assert said(found.because) == ["faster_but"]
    assert "Near is faster (10 minutes), but: has asked since" in texts(found.because)
    assert "Near is sneller (10 minuten), maar: vraagt sinds" in texts(found.because, "nl")


def test_a_place_that_would_come_first_if_it_were_known_to_be_open_is_named() -> None:
    pairs = [(10, place("near", "seh", opening="unknown")), (20, place("far", "seh"))]
    first, found, because = badge({"far": (stop(False),)}, pairs=pairs)
    assert (first, found, because) == ("far", "sensitive", ["might_be_better"])
