"""Counts of what is overruled: it makes no difference who counted what, and in which order, and no decision is lost."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.overrules import FEW, LEAST, Arrival, Seen, Tally, erased, report_of, tally, wilson

RULES = ("a/r1", "a/r2", "b/r1")
PLACES = ("x", "y")

REFUSALS = st.tuples(st.sampled_from(PLACES), st.sampled_from(("full", "stop")))
ARRIVALS = st.builds(Arrival, st.sampled_from(PLACES), st.booleans(), st.booleans(), st.booleans())


@st.composite
def decisions(draw: st.DrawFn) -> Seen:
    overridden = draw(st.sampled_from((None, False, True)))
    return Seen(
        rules=tuple(draw(st.lists(st.sampled_from(RULES), unique=True))),
        ruleset=draw(st.sampled_from(("a/1", "a/2"))),
        region=draw(st.sampled_from((None, "utrecht", "zeeland"))),
        block=draw(st.sampled_from(("night", "weekend", "evening", "office_hours"))),
        recommended=draw(st.sampled_from((None, *PLACES))),
        overridden=overridden,
        reason=draw(st.sampled_from(("capacity", "other"))) if overridden else None,
        chosen=draw(st.sampled_from((None, *PLACES))) if overridden else None,
        urgency=draw(st.sampled_from((None, "higher", "lower"))) if overridden else None,
        arrived=draw(st.one_of(st.none(), ARRIVALS)),
        refusals=tuple(
            draw(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(("full", "stop"))), max_size=2))
        ),
    )


MANY = st.lists(decisions(), max_size=40)


@given(MANY, st.randoms(use_true_random=False))
def test_the_order_of_decisions_makes_no_difference(seen: list[Seen], luck: random.Random) -> None:
    other = list(seen)
    luck.shuffle(other)
    assert report_of(tally(seen)) == report_of(tally(other))


@given(MANY, MANY, MANY)
def test_counts_can_be_put_together_in_any_order(first: list[Seen], second: list[Seen], third: list[Seen]) -> None:
    a, b, c = map(tally, (first, second, third))
    assert (a + b) + c == a + (b + c) == tally([*first, *second, *third])
    assert a + b == b + a
    assert a + Tally() == a


@given(MANY, st.integers(0, 5))
def test_every_decision_is_counted_once(seen: list[Seen], gone: int) -> None:
    found = report_of(tally(seen) + erased(gone), few=0)
    assert (found["decisions"], found["erased"]) == (len(seen), gone)
    rows = [found["all"], *found["rules"]]
    fired = [len(seen), *(sum(row["rule"] in each.rules for each in seen) for row in found["rules"])]
    for row, count in zip(rows, fired, strict=True):
        assert row["decisions"] == count
        assert row["overridden"] <= row["with_outcome"] <= row["decisions"]
        for part in ("by_ruleset", "by_region", "by_recommended", "by_block"):
            assert sum(each["decisions"] for each in row[part]) == count
        for part in ("by_reason", "by_chosen", "by_urgency"):
            assert sum(each["overridden"] for each in row[part]) == row["overridden"]
    arrivals = [each.arrived for each in seen if each.arrived is not None]
    assert sum(place["arrivals"] for place in found["places"]) == len(arrivals)
    for place in found["places"]:
        assert sum(each["count"] for each in place["in_spite_for"]) == place["in_spite"] <= place["arrivals"]
        assert sum(each["count"] for each in place["refused_for"]) == place["refusals"]


@given(MANY)
def test_no_share_is_given_of_few_decisions(seen: list[Seen]) -> None:
    for row in report_of(tally(seen), few=0)["rules"]:
        for part in (row, *row["by_region"], *row["by_block"]):
            few = part["with_outcome"] < LEAST
            assert (part["share"] is None) == (part["low"] is None) == (part["high"] is None) == few


@given(MANY)
def test_within_a_rule_few_are_not_told_apart(seen: list[Seen]) -> None:
    open_, closed = (report_of(tally(seen), few=few) for few in (0, FEW))
    for whole, row in zip([open_["all"], *open_["rules"]], [closed["all"], *closed["rules"]], strict=True):
        for part in (name for name in row if name.startswith("by_")):
            for told, shown in zip(whole[part], row[part], strict=True):
                assert told["value"] == shown["value"]
                for name in ("decisions", "with_outcome", "overridden"):
                    few = 0 < told.get(name, 0) < FEW
                    assert shown.get(name) == (None if few else told.get(name))
                if shown["overridden"] is None:
                    assert shown.get("share") is None, "a share would tell the count"


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_true_share_lies_around_the_one_that_was_seen(part: int, more: int) -> None:
    whole = part + more
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole <= high <= 1
    assert wilson(whole - part, whole) == pytest.approx((1 - high, 1 - low))


def test_the_interval_is_that_of_wilson() -> None:
    # worked out by hand from the formula
    assert wilson(1, 10) == pytest.approx((0.01788, 0.40415), abs=1e-4)
    assert wilson(38, 100) == pytest.approx((0.29095, 0.47791), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.27754), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def seen(rule: str, overridden: int, accepted: int) -> list[Seen]:
    fixed: dict[str, Any] = {"ruleset": "a/1", "region": None, "block": "night", "recommended": "x"}
    no = [Seen((rule,), **fixed, overridden=True, reason="capacity", chosen="y") for _ in range(overridden)]
    return [*no, *(Seen((rule,), **fixed, overridden=False) for _ in range(accepted))]


def test_few_decisions_do_not_come_before_many() -> None:
    found = report_of(tally([*seen("a/chance", 3, 0), *seen("a/often", 19, 31), *seen("a/never", 0, 50)]))
    assert [row["rule"] for row in found["rules"]] == ["a/often", "a/never", "a/chance"]
    assert report_of(tally(seen("a/often", 1, 0)), "often")["rules"][0]["overridden"] == 1
    assert report_of(tally(seen("a/often", 1, 0)), "other")["rules"] == []
