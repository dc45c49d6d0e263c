"""Promises about the two plans: straight to the place that has everything, or the nearest first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.triage import widest
from tests.small_world import ids, matched, place, said, texts, travel_of

IVT = ("ivt", "required")
EVT = ("evt", "required")
EVT_IN_TIME = ("evt", "required", "ivt-270")
NEAR = place("near", "seh", "ivt")
CENTRE = place("centre", "seh", "ivt", "evt")


@pytest.mark.parametrize(("limit", "first", "plan"), [(19, "near", "nearest_first"), (20, "centre", "direct")])
def test_the_bypass_limit_decides_between_direct_and_nearest_first(limit: int, first: str, plan: str) -> None:
    found = matched([(10, NEAR), (30, CENTRE)], IVT, EVT, bypass={"evt": limit})
    assert ids(found.candidates)[0] == first
    assert plan in said(found.warnings)
    words = texts(found.warnings)
    assert "20 minutes" in words
    assert f"{limit} " in words
    assert {"near": "Centre", "centre": "Near"}[first] in words  # the other plan is named


def test_a_limit_of_nothing_sends_everybody_to_the_nearest_first() -> None:
    assert ids(matched([(10, NEAR), (11, CENTRE)], IVT, EVT, bypass={"evt": 0}).candidates)[0] == "near"
    level = matched([(10, NEAR), (10, CENTRE)], IVT, EVT, bypass={"evt": 0})
    assert ids(level.candidates) == ["centre"]
    assert "direct" not in said(level.warnings)  # there is nothing to choose between


def test_without_a_limit_a_requirement_holds_at_any_distance() -> None:
    assert ids(matched([(10, NEAR), (110, CENTRE)], IVT, EVT).candidates) == ["centre"]


def test_a_place_that_only_perhaps_has_it_is_not_what_is_driven_past_for() -> None:
    perhaps = place("perhaps", "seh", "ivt", unknown=["evt"])
    found = matched([(10, NEAR), (20, perhaps), (60, CENTRE)], IVT, EVT, bypass={"evt": 30})
    assert ids(found.candidates)[0] == "near"


def test_without_a_place_that_surely_has_it_the_limit_changes_nothing() -> None:
    perhaps = place("perhaps", "seh", "ivt", unknown=["evt"])
    pairs = [(10, NEAR), (60, perhaps)]
    bounded, unbounded = matched(pairs, IVT, EVT, bypass={"evt": 5}), matched(pairs, IVT, EVT)
    assert ids(bounded.candidates) == ids(unbounded.candidates)
    assert said(bounded.warnings) == said(unbounded.warnings)


def test_a_closed_or_far_away_place_is_not_the_other_plan() -> None:
    shut = place("shut", "seh", "ivt", opening=[{"days": ["sa"], "from": "08:00", "to": "09:00"}])
    found = matched([(5, shut), (10, CENTRE)], IVT, EVT, bypass={"evt": 0})
    assert ids(found.candidates) == ["centre"]
    beyond = matched([(10, NEAR), (travel_of(500), CENTRE)], IVT, EVT, bypass={"evt": 600})
    assert ids(beyond.candidates)[0] == "near"


def test_what_is_only_needed_at_the_centre_still_leaves_a_hospital() -> None:
    found = matched([(10, place("plain", "seh")), (90, CENTRE)], EVT, bypass={"evt": 30})
    assert ids(found.candidates)[0] == "plain"
    assert "nearest_first" in said(found.warnings)


@given(near=st.integers(1, 100), far=st.integers(1, 100), limit=st.integers(0, 120))
@settings(max_examples=100, deadline=None)
def test_nobody_drives_further_past_the_nearest_than_the_limit(near: int, far: int, limit: int) -> None:
    found = matched([(near, NEAR), (far, CENTRE)], IVT, EVT, bypass={"evt": limit})
    assert ids(found.candidates)[0] == ("centre" if far - near <= limit else "near")


def test_the_most_generous_limit_counts_and_none_is_the_most_generous() -> None:
    assert widest([30, 10]) == 30
    assert widest([30, None]) is None


@given(first=st.integers(0, 60), second=st.integers(0, 60), one=st.integers(0, 60), other=st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_several_limits_do_not_add_up_to_a_longer_drive(first: int, second: int, one: int, other: int) -> None:
    """Each place has one thing more than the place before it; each limit alone would allow its own step."""
    pairs = [
        (10, NEAR), (10 + first, CENTRE), (10 + first + second, place("all", "seh", "ivt", "evt", "pci")),
    ]  # fmt: skip
    found = matched(pairs, IVT, EVT, ("pci", "required"), bypass={"evt": one, "pci": other})
    extra = {"near": 0, "centre": first, "all": first + second}[ids(found.candidates)[0]]
    assert extra <= max(one, other)


def test_what_is_to_be_had_at_the_same_place_costs_nothing_more() -> None:
    both = place("both", "seh", "ivt", "evt", "pci")
    found = matched([(10, NEAR), (50, both)], IVT, EVT, ("pci", "required"), bypass={"evt": 60, "pci": 5})
    assert ids(found.candidates)[0] == "both"
    assert said(found.warnings).count("direct") == 1
