"""A road engine refines the times that decide where the patient goes; whatever it does, there is a decision."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.by_road import decide_by_road, times_by_road
from routing.decision import Decision, Minutes, decide
from routing.facilities.directory import Directory
from routing.facilities.status import stop
from routing.geography import Places, Point
from routing.log.canonical import canonical
from routing.log.record import make_record
from routing.log.replay import replay
from routing.matching import match
from routing.travel import Travel, stands_in
from routing.travel.breaker import Breaker
from routing.travel.engines import PROTOCOLS, NoAnswer, Question
from routing.travel.road_engine import RoadEngine, travel_of
from tests import small_world
from tests.small_world import CASES, MOMENTS, case, evaluators, said, vocabulary

KNOWN = "told"


class Roads:
    """An engine that knows the minutes to every place of `directory`, and notes of which it was asked."""

    def __init__(self, directory: Directory, minutes: Sequence[float | None], silent_from: int | None = None) -> None:
        self.directory, self.minutes, self.silent_from = directory, minutes, silent_from
        self.rounds: list[list[int]] = []

    def exchange(self, asked: Question, _seconds: float) -> bytes:
        if self.silent_from is not None and len(self.rounds) >= self.silent_from:
            raise NoAnswer("no answer", late=True)
        points = [(float(lat), float(lon)) for lon, lat in
                  (end.split(",") for end in asked.url.split("/")[-1].split("?")[0].split(";"))]  # fmt: skip
        known = {(round(lat, 6), round(lon, 6)): n for n, (lat, lon) in enumerate(self.directory.places.points)}
        numbers = [known[point] for point in points[1:]]
        self.rounds.append(numbers)
        row = [None if self.minutes[n] is None else 60 * self.minutes[n] for n in numbers]  # type: ignore[operator]
        return orjson.dumps({"code": "Ok", "durations": [row]})

    def engine(self, places: int = 2) -> RoadEngine:
        clock = time.monotonic
        return RoadEngine(PROTOCOLS["osrm"], "http://127.0.0.1:1", 60, places, Breaker(clock), self.exchange, clock)

    @property
    def asked(self) -> set[int]:
        return {number for each in self.rounds for number in each}


def spread() -> Directory:
    """The small world with several places of each kind, each at a point of its own that lies near: what an engine says
    of them must be possible."""
    places = orjson.loads(small_world._DIRECTORY)["facilities"]
    more = []
    for copy in range(3):
        for number, place in enumerate(places):
            spot = {"lat": 52.0 + 0.001 * copy, "lon": 5.0 + 0.001 * number}
            name = place["id"] if copy == 0 else f"{place['id']}-{copy}"
            more.append({**place, "id": name, **spot})
    return small_world.directory_of(*more)


DIRECTORY = spread()
COUNT = len(DIRECTORY.facilities)


def known(times: Sequence[Travel]) -> Minutes:
    def provide(_origin: Point, _places: Places, _at: Any) -> tuple[Travel, ...]:
        return tuple(times)

    return provide


def told(minutes: Sequence[int], width: float = 0.25) -> list[Travel]:
    return [Travel(m, int(m * (1 - width)), -int(-m * (1 + width)), KNOWN) for m in minutes]


def decided(times: Sequence[Travel], roads: Roads, name: str = "heart attack", moment: Any = MOMENTS[0]) -> Decision:
    return decide_by_road(case(**CASES[name]), DIRECTORY, evaluators(), moment, known(times), roads.engine())


def first_of(decision: Decision) -> str:
    first = decision.match.candidates[0]
    return first.facility.id if first.facility is not None else first.kind


# -- which places are asked about -------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(3, 90), min_size=COUNT, max_size=COUNT),
    st.lists(st.floats(0, 1), min_size=COUNT, max_size=COUNT),
    st.sampled_from(sorted(CASES)),
    st.sampled_from(MOMENTS),
    st.sampled_from([0.0, 0.1, 0.25, 0.4]),
)
def test_asking_about_all_other_places_would_not_make_another_one_first(
    minutes: list[int], along: list[float], name: str, moment: Any, width: float
) -> None:
    """The rule of which places are asked about, held against asking about every place there is: as long as the times of
    the engine lie within the intervals that were known, the same place comes first, for the same needs."""
    times = told(minutes, width)
    true = [travel.low + part * (travel.high - travel.low) for travel, part in zip(times, along, strict=True)]
    roads = Roads(DIRECTORY, true)
    found = decided(times, roads, name, moment)
    every = tuple(travel_of(each, "osrm/1") for each in true)
    asked_all = decide(case(**CASES[name]), DIRECTORY, evaluators(), moment, known(every))
    if len(roads.rounds) < 3:  # the most there are
        assert first_of(found) == first_of(asked_all)
        plans = {"direct", "nearest_first"}
        assert plans & {*said(found.warnings)} == plans & {*said(asked_all.warnings)}


IVT, EVT = ("ivt", "required"), ("evt", "required")


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(2, 8), st.integers(0, 40), st.sampled_from([0.1, 0.25, 0.4]))
def test_asking_about_all_other_places_would_not_make_another_plan(
    data: st.DataObject, count: int, limit: int, width: float
) -> None:
    """The same where a bypass limit weighs the nearest place against the nearest that has everything."""
    kinds = data.draw(st.lists(st.sampled_from(["ivt", "ivt evt", "evt", "closed"]), min_size=count, max_size=count))
    shut = {"opening": [{"days": ["sa"], "from": "08:00", "to": "09:00"}]}
    able = [("ivt evt" if kind == "closed" else kind).split() for kind in kinds]
    records = [
        {
            **small_world.place(f"p{n}", "seh", *has),
            **(shut if kind == "closed" else {}),
            "lat": 52.0 + 0.001 * n,
            "lon": 5.0,
        }
        for n, (kind, has) in enumerate(zip(kinds, able, strict=True))
    ]
    places = small_world.directory_of(*records)
    times = told(data.draw(st.lists(st.integers(3, 80), min_size=count, max_size=count)), width)
    parts = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    true = [travel.low + part * (travel.high - travel.low) for travel, part in zip(times, parts, strict=True)]
    triage = small_world.triaged((IVT, EVT), urgency="U1", ambulance=None, suspected=(), bypass={"evt": limit})
    patient, rules, now = case(transport="own"), small_world.ruleset(), MOMENTS[0]
    roads = Roads(places, true)
    found = times_by_road(triage, patient, places, rules, now, times, roads.engine(1))
    some, every = (
        match(triage, patient, places, rules, by, now)
        for by in (found, tuple(travel_of(each, "osrm/1") for each in true))
    )
    if len(roads.rounds) < 3:
        assert small_world.ids(some.candidates)[0] == small_world.ids(every.candidates)[0]
        assert said(some.warnings) == said(every.warnings)


ENDING = [{"days": ["mo", "tu", "we", "th", "fr"], "from": "08:00", "to": "14:45"}]
KINDS: tuple[dict[str, Any], ...] = (
    small_world.place("p", "seh"),
    small_world.place("p", "seh", "pci"),
    small_world.place("p", "seh", "icu", "pci"),
    small_world.place("p", "pci", unknown=["seh"]),
    small_world.place("p", "seh", "icu", opening=ENDING),
    small_world.place("p", "seh", "pci", opening=ENDING),
)


@settings(max_examples=400, deadline=None)
@given(
    st.data(),
    st.integers(2, 9),
    st.sampled_from([0.1, 0.25, 0.4]),
    st.sampled_from(["U1", "U2", "U3", "U4"]),
    st.sampled_from(
        [(("seh", "required"), ("icu", "preferred")), (("pci", "required", "pci-75"),), (("pci", "required"),)]
    ),
)
def test_the_same_with_stops_and_hours_and_what_is_preferred(
    data: st.DataObject, count: int, width: float, urgency: str, needs: tuple[small_world.Need, ...]
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=count, max_size=count))
    records = [{**kind, "id": f"p{n}", "lat": 52.0 + 0.001 * n, "lon": 5.0} for n, kind in enumerate(kinds)]
    ends = data.draw(st.lists(st.none() | st.integers(5, 90), min_size=count, max_size=count))
    now = MOMENTS[0]
    stops = {
        f"p{n}": (stop("seh", now - timedelta(minutes=30), expected_end=now + timedelta(minutes=end)),)
        for n, end in enumerate(ends)
        if end is not None
    }
    places = replace(small_world.directory_of(*records), status=stops)
    times = told(data.draw(st.lists(st.integers(3, 80), min_size=count, max_size=count)), width)
    parts = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    true = [travel.low + part * (travel.high - travel.low) for travel, part in zip(times, parts, strict=True)]
    triage = small_world.triaged(needs, urgency=urgency, ambulance=None, suspected=(), bypass={})
    patient, rules = case(transport="own", called_at=now.isoformat()), small_world.ruleset()
    roads = Roads(places, true)
    found = times_by_road(triage, patient, places, rules, now, times, roads.engine(1))
    some, every = (
        match(triage, patient, places, rules, by, now)
        for by in (found, tuple(travel_of(each, "osrm/1") for each in true))
    )
    if len(roads.rounds) < 3:
        assert small_world.ids(some.candidates)[0] == small_world.ids(every.candidates)[0]


def test_a_place_that_could_be_nearer_by_road_is_asked_and_comes_first() -> None:
    hospitals = [n for n, place in enumerate(DIRECTORY.facilities) if place.capabilities.get("pci")]
    minutes = [80] * COUNT
    for n, time_ in zip(hospitals, (20, 24, 26), strict=False):
        minutes[n] = time_
    true: list[float | None] = [float(m) for m in minutes]
    true[hospitals[0]], true[hospitals[1]] = 25.0, 18.0
    roads = Roads(DIRECTORY, true)
    found = decided(told(minutes), roads)
    assert first_of(found) == DIRECTORY.facilities[hospitals[1]].id
    assert {*hospitals[:2]} <= roads.asked
    assert found.match.candidates[0].travel == travel_of(18.0, "osrm/1")


def test_places_that_cannot_come_first_are_not_asked_about() -> None:
    roads = Roads(DIRECTORY, [10.0 + n for n in range(COUNT)])
    decided(told([10 + n for n in range(COUNT)]), roads)
    cannot = {n for n, place in enumerate(DIRECTORY.facilities) if place.capabilities.get("pci") is False}
    assert cannot
    assert not roads.asked & cannot


def test_a_first_place_that_turns_out_to_be_far_makes_the_engine_be_asked_again() -> None:
    hospitals = [n for n, place in enumerate(DIRECTORY.facilities) if place.capabilities.get("pci")]
    minutes = [100] * COUNT
    for n, time_ in zip(hospitals, (20, 40, 60), strict=False):
        minutes[n] = time_
    true: list[float | None] = [float(m) for m in minutes]
    true[hospitals[0]] = 110.0  # far outside the interval that was known: across the water
    roads = Roads(DIRECTORY, true)
    found = decided(told(minutes, 0.1), roads)
    assert first_of(found) == DIRECTORY.facilities[hospitals[1]].id
    assert hospitals[1] in roads.asked


def test_care_without_a_place_asks_nobody() -> None:
    roads = Roads(DIRECTORY, [10.0] * COUNT)
    decided(told([10] * COUNT), roads, "sore throat")
    assert roads.rounds == []


# -- what is recorded -------------------------------------------------------------------------------------------------


def record_of(decision: Decision, name: str = "heart attack") -> bytes:
    return canonical(
        make_record(
            decision, case(**CASES[name]), vocabulary(), id="01990000-0000-7000-8000-000000000001", now=MOMENTS[0],
            asker={"key": "k", "organisation": None, "roles": ["triagist"]}, supersedes=None,
        )
    )  # fmt: skip


def test_times_of_the_engine_and_those_known_here_stand_side_by_side_and_replay() -> None:
    found = decided(told([20] * COUNT), Roads(DIRECTORY, [20.0] * COUNT))
    assert found.travel_method == f"osrm/1, {KNOWN}"
    assert replay(record_of(found), DIRECTORY, evaluators()) == []


def test_a_place_to_which_the_engine_knows_no_way_keeps_its_time_and_nobody_is_warned() -> None:
    hospitals = [n for n, place in enumerate(DIRECTORY.facilities) if place.capabilities.get("pci")]
    true: list[float | None] = [20.0] * COUNT
    true[hospitals[0]] = None
    found = decided(told([20] * COUNT), Roads(DIRECTORY, true))
    assert found.travel[hospitals[0]] == told([20])[0]
    assert "road_engine_silent" not in said(found.warnings)


@pytest.mark.parametrize("silent_from", [0, 1])
def test_an_engine_that_does_not_answer_leaves_what_is_known_and_the_decision_says_so(silent_from: int) -> None:
    hospitals = [n for n, place in enumerate(DIRECTORY.facilities) if place.capabilities.get("pci")]
    minutes = [100] * COUNT
    for n, time_ in zip(hospitals, (20, 40, 60), strict=False):
        minutes[n] = time_
    true: list[float | None] = [float(m) for m in minutes]
    true[hospitals[0]] = 110.0
    times = told(minutes, 0.1)
    found = decided(times, Roads(DIRECTORY, true, silent_from))
    assert "road_engine_silent" in said(found.warnings)
    assert stands_in(KNOWN, "osrm/1") in found.travel_method
    same = [travel[:3] == before[:3] for travel, before in zip(found.travel, times, strict=True)]
    assert all(same) is (silent_from == 0)
    assert replay(record_of(found), DIRECTORY, evaluators()) == []
    if silent_from == 0:
        assert first_of(found) == first_of(decide(case(**CASES["heart attack"]), DIRECTORY, evaluators(), MOMENTS[0],
                                                  known(times)))  # fmt: skip


def test_the_rounds_of_one_decision_share_one_limit_of_time() -> None:
    hospitals = [n for n, place in enumerate(DIRECTORY.facilities) if place.capabilities.get("pci")]
    minutes = [100] * COUNT
    for n, time_ in zip(hospitals, (20, 40, 60), strict=False):
        minutes[n] = time_
    true: list[float | None] = [float(m) for m in minutes]
    true[hospitals[0]] = 110.0
    roads, given_seconds = Roads(DIRECTORY, true), []
    now = [0.0]

    def exchange(asked: Question, seconds: float) -> bytes:
        given_seconds.append(seconds)
        now[0] += 0.7
        return roads.exchange(asked, seconds)

    engine = replace(roads.engine(), timeout_seconds=1.0, exchange=exchange, elapsed=lambda: now[0])
    found = decide_by_road(
        case(**CASES["heart attack"]), DIRECTORY, evaluators(), MOMENTS[0], known(told(minutes, 0.1)), engine
    )
    assert given_seconds == pytest.approx([1.0, 0.3])
    assert first_of(found) == DIRECTORY.facilities[hospitals[1]].id


def test_the_place_that_the_patient_is_going_to_is_asked_about_too() -> None:
    """What it costs or gains to go elsewhere is told by one source."""
    heading = next(place.id for place in DIRECTORY.facilities if place.capabilities.get("pci") is False)
    patient = case(**CASES["heart attack"], on_the_way={"heading_to": heading})
    roads = Roads(DIRECTORY, [10.0 + n for n in range(COUNT)])
    times = told([10 + n for n in range(COUNT)])
    decide_by_road(patient, DIRECTORY, evaluators(), MOMENTS[0], known(times), roads.engine())
    assert DIRECTORY.index[heading] in roads.asked


# -- what was once forgotten ------------------------------------------------------------------------------------------


def asked_of(
    kinds: Sequence[dict[str, Any]], minutes: Sequence[int], true: Sequence[float], need: small_world.Need
) -> tuple[set[int], list[str]]:
    """Of which places the engine is asked, and who then comes first, for somebody who is U3."""
    records = [{**kind, "id": f"p{n}", "lat": 52.0 + 0.001 * n, "lon": 5.0} for n, kind in enumerate(kinds)]
    places, roads = small_world.directory_of(*records), Roads(small_world.directory_of(*records), true)
    triage = small_world.triaged((need,), urgency="U3", ambulance=None, suspected=(), bypass={})
    patient, rules, now = case(transport="own"), small_world.ruleset(), MOMENTS[0]
    found = times_by_road(triage, patient, places, rules, now, told(minutes), roads.engine(1))
    return roads.asked, small_world.ids(match(triage, patient, places, rules, found, now).candidates)


def test_where_the_first_place_turns_out_to_lie_beyond_the_reach_those_that_lie_within_it_are_asked() -> None:
    asked, ranked = asked_of([KINDS[0], KINDS[1], KINDS[0]], [61, 49, 61], [45, 61, 45], ("pci", "required"))
    assert asked == {0, 1, 2}
    assert ranked[0] == "p0"


def test_where_nobody_seems_to_be_open_on_arrival_those_that_might_be_are_asked() -> None:
    asked, ranked = asked_of([KINDS[4], KINDS[4]], [50, 300], [38, 300], ("icu", "required"))
    assert asked == {0}
    assert ranked == ["p0"]
