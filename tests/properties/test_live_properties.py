"""Promises about what places report of themselves that must hold for any places and any reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.candidate import Match
from routing.facilities.status import Beds, Report, with_report
from tests.small_world import AFTERNOON, Need, ids, matched, place, said

Reports = tuple[Report, ...]
Status = Mapping[str, Reports]

FRESH_MINUTES = {"stop": 60, "beds": 60, "open": 240}
"""How long a report of this kind is relied on in the small world."""

DOUBTS = {"stop_unknown", "stop_stale", "beds_stale"}
LETTERS = "abcd"


@dataclass(frozen=True)
class Evening:
    """Places, so many minutes away, what they reported, who is on the way, and a patient."""

    minutes: Mapping[str, int]
    with_evt: frozenset[str]
    status: Status
    reserved: Mapping[str, int]
    needs: tuple[Need, ...]
    known_at: tuple[str, ...]
    urgency: str
    suspected: tuple[str, ...] = ()

    def answer(self, status: Status | None = None, *, coming: bool = True) -> Match:
        pairs = [
            (minutes, place(key, "seh", "obstetrics", *(("evt",) if key in self.with_evt else ())))
            for key, minutes in self.minutes.items()
        ]
        moments = (AFTERNOON - timedelta(minutes=5),)
        reserved = {key: {"seh": moments * count} for key, count in self.reserved.items()} if coming else {}
        found = self.status if status is None else status
        return matched(pairs, *self.needs, urgency=self.urgency, suspected=self.suspected, status=found,
                       reserved=reserved, known_at=list(self.known_at))  # fmt: skip

    def without(self, keep: Any) -> Status:
        return {key: tuple(filter(keep, reports)) for key, reports in self.status.items()}


def stale(report: Report) -> bool:
    return not report.fresh(AFTERNOON, FRESH_MINUTES[report.kind])


def reports(units: tuple[str, ...]) -> st.SearchStrategy[Report]:
    ages = st.sampled_from([0, 5, 30, 60, 61, 120, 239, 240, 241, 600]).map(
        lambda age: AFTERNOON - timedelta(minutes=age)
    )
    stop = st.builds(
        lambda unit, value, seen, lasts: Report(
            unit, "stop", value, seen, expected_end=seen + timedelta(minutes=lasts) if lasts else None
        ),
        st.sampled_from(units), st.sampled_from([True, True, False, None]), ages,
        st.sampled_from([None, None, 10, 70, 130])
    )  # fmt: skip
    beds = st.builds(
        lambda unit, free, seen: Report(unit, "beds", Beds(available=free), seen),
        st.sampled_from(units), st.integers(0, 2), ages
    )  # fmt: skip
    opened = st.builds(Report, st.sampled_from(units), st.just("open"), st.sampled_from([True, False, None]), ages)
    lapsing = st.sampled_from([None, None, None, AFTERNOON, AFTERNOON - timedelta(minutes=1)])
    return st.builds(lambda one, until: replace(one, valid_until=until), st.one_of(stop, stop, beds, opened), lapsing)


@st.composite
def evenings(draw: st.DrawFn, *, urgencies: tuple[str, ...] = ("U0", "U1", "U2", "U3", "U5"), closures: bool = True,
             most: int = 4) -> Evening:  # fmt: skip
    places = [f"place-{letter}" for letter in LETTERS[: draw(st.integers(1, most))]]
    status: dict[str, Reports] = {}
    for key in places:
        for report in draw(st.lists(reports(("seh", "seh", "obstetrics", "hap")), max_size=3)):
            if closures or report.kind != "open":
                status[key] = with_report(status.get(key, ()), report)
    some = st.frozensets(st.sampled_from(places))
    needs = [("seh", "required")]
    needs += draw(st.sampled_from([[], [("obstetrics", "required")], [("evt", "preferred")]]))
    return Evening(
        minutes={key: draw(st.sampled_from([5, 6, 10, 20, 25, 30, 35, 40, 55])) for key in places},
        with_evt=draw(some),
        status=status,
        reserved=draw(st.dictionaries(st.sampled_from(places), st.integers(1, 3), max_size=2)),
        needs=tuple(needs),
        known_at=tuple(draw(st.sampled_from([(), (places[-1],), (places[0],)]))),
        urgency=draw(st.sampled_from(urgencies)),
    )


def order(found: Match) -> list[str]:
    return ids(found.candidates)


in_danger = st.one_of(
    evenings(urgencies=("U0", "U1")),
    evenings(urgencies=("U2", "U3")).map(lambda evening: replace(evening, suspected=("stemi",))),
)


@settings(deadline=None, max_examples=80)
@given(in_danger)
def test_no_stop_and_no_lack_of_room_changes_anything_for_who_is_in_danger(evening: Evening) -> None:
    closures_only = evening.without(lambda report: report.kind == "open")
    assert order(evening.answer()) == order(evening.answer(closures_only))


@settings(deadline=None, max_examples=80)
@given(in_danger)
def test_nothing_stale_changes_anything_for_who_is_in_danger(evening: Evening) -> None:
    fresh = evening.answer(evening.without(lambda report: not stale(report)))
    found = evening.answer()
    assert (order(found), ids(found.ruled_out)) == (order(fresh), ids(fresh.ruled_out))


@settings(deadline=None, max_examples=80)
@given(in_danger)
def test_patients_on_their_way_never_move_who_is_in_danger(evening: Evening) -> None:
    assert order(evening.answer()) == order(evening.answer(coming=False))


@settings(deadline=None, max_examples=150)
@given(evenings())
def test_a_stale_report_never_rules_a_place_out_and_never_ranks_it_higher(evening: Evening) -> None:
    found = evening.answer()
    for key, known in evening.status.items():
        if not any(map(stale, known)):
            continue
        without = evening.answer({**evening.status, key: tuple(report for report in known if not stale(report))})
        assert ids(found.ruled_out) == ids(without.ruled_out)
        if key in order(found):
            assert order(found).index(key) >= order(without).index(key)


@settings(deadline=None, max_examples=100)
@given(evenings())
def test_whatever_is_reported_every_place_within_reach_is_a_candidate_or_ruled_out(evening: Evening) -> None:
    found = evening.answer()
    places = [*order(found), *ids(found.ruled_out)]
    assert sorted(key for key in places if key in evening.minutes) == sorted(evening.minutes)
    assert found.candidates


@settings(deadline=None, max_examples=60)
@given(
    evenings(),
    st.sampled_from([Report("seh", "stop", True, AFTERNOON), Report("seh", "beds", Beds(available=0), AFTERNOON)]),
)
def test_where_everything_is_held_back_the_order_is_as_if_nothing_were(evening: Evening, hold: Report) -> None:
    held = evening.answer(dict.fromkeys(evening.minutes, (hold,)))
    assert order(held) == order(evening.answer({}))


@settings(deadline=None, max_examples=80)
@given(evenings(), st.data())
def test_what_a_unit_reports_that_this_patient_does_not_need_changes_nothing(
    evening: Evening, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(list(evening.minutes)))
    other = data.draw(reports(("hap", "elv")))
    found = evening.answer()
    more = evening.answer({**evening.status, key: with_report(evening.status.get(key, ()), other)})
    assert (order(more), more.badge, said(more.because)) == (order(found), found.badge, said(found.because))


@settings(deadline=None, max_examples=60)
@given(evenings(urgencies=("U2", "U3"), closures=False, most=3))
def test_certain_holds_in_every_plausible_state_and_a_named_doubt_in_one_of_them_does_not(evening: Evening) -> None:
    found = evening.answer()
    firsts = {order(evening.answer(status))[0] for status in plausible(evening)}
    named = bool(DOUBTS & {*said(found.because)})
    assert named is (firsts != {order(found)[0]})
    assert not (named and found.badge == "certain")


def plausible(evening: Evening) -> Iterator[Status]:
    """Every way in which what is stale or unknown of stops and beds could turn out."""
    units = {need[0] for need in evening.needs if need[1] == "required"}
    doubts: list[tuple[str, tuple[Report, Report]]] = []
    for key in evening.minutes:
        known = {(report.unit, report.kind): report for report in evening.status.get(key, ())}
        for unit in sorted(units):
            stop, beds = known.get((unit, "stop")), known.get((unit, "beds"))
            if stop is None or stale(stop) or (stop.value and stop.ends(240) <= AFTERNOON):
                doubts.append((key, (now(unit, "stop", True), now(unit, "stop", False))))
            if beds is not None and stale(beds) and not beds.lapsed(AFTERNOON):
                doubts.append((key, (now(unit, "beds", Beds(available=0)), now(unit, "beds", Beds(available=9)))))
    for states in product((0, 1), repeat=len(doubts)):
        status = dict(evening.status)
        for (key, ways), state in zip(doubts, states, strict=True):
            status[key] = with_report(status.get(key, ()), ways[state])
        yield status


def now(unit: str, kind: Any, value: Any) -> Report:
    return Report(unit, kind, value, AFTERNOON)
