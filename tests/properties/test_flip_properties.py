"""Promises about comparisons with other rules that must hold for any answers: only the whole matters, not the parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from routing.flips import Counts, Headline, changed, changed_case, counted, report, summed

CODES = ("stemi", "cva", "sepsis")
PLACES = ((None, "huisarts"), ("a", "hospital_seh"), ("b", "hospital_seh"), ("c", "hap"))


@st.composite
def headlines(draw: st.DrawFn) -> Headline:
    facility, kind = draw(st.sampled_from(PLACES))
    return Headline(
        urgency=draw(st.sampled_from(("U0", "U1", "U2"))),
        conditions=tuple(sorted(draw(st.sets(st.sampled_from(CODES))))),
        facility=facility,
        kind=kind,
        minutes=draw(st.integers(0, 200)) if facility else None,
        rules=tuple(draw(st.lists(st.sampled_from(("r1", "r2", "r3")), unique=True))),
    )


pairs = st.tuples(headlines(), headlines(), st.sampled_from(("north", "south")))
decisions = st.lists(pairs, max_size=12)


def counts_of(found: Sequence[tuple[Headline, Headline, str]]) -> Counts:
    return summed([dict.fromkeys(counted(*each), 1) for each in found])


@given(decisions, st.lists(st.integers(0, 12), max_size=4), st.randoms(use_true_random=False))
def test_in_which_parts_and_order_decisions_are_counted_does_not_matter(
    found: list[tuple[Headline, Headline, str]], cuts: list[int], chance: Any
) -> None:
    edges = [0, *sorted(cuts), len(found)]
    parts = [counts_of(found[start:end]) for start, end in pairwise(edges)]
    chance.shuffle(parts)
    assert summed(parts) == counts_of(found)
    assert orjson.dumps(report(summed(parts))) == orjson.dumps(report(counts_of(found)))


@given(decisions, decisions, decisions)
def test_sums_of_sums_are_sums(
    a: list[tuple[Headline, Headline, str]],
    b: list[tuple[Headline, Headline, str]],
    c: list[tuple[Headline, Headline, str]],
) -> None:
    one, two, three = counts_of(a), counts_of(b), counts_of(c)
    assert summed([summed([one, two]), three]) == summed([one, summed([two, three])])
    assert summed([one, two]) == summed([two, one])


@given(decisions)
def test_everybody_is_counted_once_in_every_part(found: list[tuple[Headline, Headline, str]]) -> None:
    told = report(counts_of(found))
    for part in ("urgency", "kinds"):
        assert sum(n for row in told[part].values() for n in row.values()) == len(found)
    assert sum(row["total"] for row in told["regions"].values()) == len(found)
    assert sum(row["changed"] for row in told["regions"].values()) == sum(changed(*pair[:2]) for pair in found)
    for side, seen in (("then", 0), ("now", 1)):
        somewhere = [pair for pair in found if pair[seen].facility is not None]  # type: ignore[union-attr]
        assert sum(row[side] for row in told["inflow"].values()) == len(somewhere)


@given(decisions)
def test_minutes_gained_and_lost_add_up(found: list[tuple[Headline, Headline, str]]) -> None:
    both = [
        (then.minutes, now.minutes) for then, now, _ in found if then.minutes is not None and now.minutes is not None
    ]
    told = report(counts_of(found))["minutes"]
    assert told["n"] == len(both) == sum(bucket["n"] for bucket in told["histogram"])
    assert told["sum"] == sum(now - then for then, now in both) == told["lost"]["sum"] - told["gained"]["sum"]
    if both:
        for side, values in zip(("then", "now"), zip(*both, strict=True), strict=True):
            assert told[side]["p50"] == sorted(values)[(len(values) + 1) // 2 - 1]
            assert list(told[side].values()) == sorted(told[side].values())


@given(headlines(), headlines())
def test_a_changed_case_says_what_differs_and_what_explains_it(then: Headline, now: Headline) -> None:
    row = changed_case("id", "2026-11-18T13:00:00+00:00", then, now)
    parts = ("urgency", "conditions", "facility", "kind", "minutes")
    assert changed(then, now) == any(row[part]["then"] != row[part]["now"] for part in parts)
    only = row["rules"]
    assert {*then.rules} - {*only["only_then"]} == {*now.rules} - {*only["only_now"]}


@given(headlines())
def test_the_same_answer_changes_nothing(seen: Headline) -> None:
    assert not changed(seen, seen)
    told = report(counts_of([(seen, seen, "north")]))
    assert told["minutes"]["sum"] == told["by_other_rules"] == 0
    assert all(row["gained"] == row["lost"] == 0 for row in told["conditions"].values())
