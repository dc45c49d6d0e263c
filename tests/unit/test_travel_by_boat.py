"""Whoever needs a boat gets the minutes of the moment at which they leave, and they are held to that later."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from routing.by_road import decide_by_road
from routing.case import Case, parse_case
from routing.decision import Decision, decide
from routing.geography import places_at
from routing.log.canonical import canonical
from routing.log.record import make_record
from routing.log.replay import replay
from routing.packaged import Desk, open_desk
from routing.travel import skeleton
from routing.travel.breaker import Breaker
from routing.travel.engines import PROTOCOLS, NoAnswer, Question
from routing.travel.road_engine import RoadEngine
from tests import small_world
from tests.capsules import checked, found, record_of
from tests.unit.test_capsule import lying

EVENING = datetime.fromisoformat("2026-11-30T20:55:00+01:00")
"""The last boat from Texel leaves at half past nine, and Den Burg is ten minutes from the quay."""

NIGHT = datetime.fromisoformat("2026-11-30T03:00:00+01:00")
DEN_BURG = {"lat": 53.0545, "lon": 4.7980}


@cache
def desk() -> Desk:
    return open_desk(None, NIGHT)


def a_case(now: datetime, **said: Any) -> Case:
    body = {"patient": {"age_years": 67}, "location": DEN_BURG, "observations": {"ecg_st_elevation": True}, **said}
    return parse_case(body, desk().words, now, desk().directory.by_id)


def decided(now: datetime, **said: Any) -> Decision:
    return decide(a_case(now, **said), desk().directory, desk().evaluators, now)


def drive(decision: Decision) -> int:
    travel = decision.match.candidates[0].travel
    assert travel is not None
    return travel.minutes


def test_who_waits_for_an_ambulance_can_miss_the_last_boat() -> None:
    waiting = decided(EVENING)
    assert waiting.journey is not None
    assert waiting.journey.way.lead == 30
    assert drive(waiting) > 500
    assert drive(decided(EVENING, on_the_way={})) < 130
    assert drive(decided(EVENING - timedelta(minutes=30))) < 130


def test_what_passes_before_leaving_is_not_waited_twice_for_the_first_boat() -> None:
    waiting, driving = decided(NIGHT), decided(NIGHT, on_the_way={})
    assert drive(driving) == drive(waiting) + 30


def test_older_rules_reckon_with_the_same_boat() -> None:
    now = datetime.fromisoformat("2026-11-20T20:55:00+01:00")
    before = open_desk(None, now)
    case = a_case(now)
    assert before.evaluators.ruleset.logistics.travel is None
    assert drive(decide(case, before.directory, before.evaluators, now)) > 500


def recorded(decision: Decision, case: Case, now: datetime) -> bytes:
    return canonical(make_record(decision, case, desk().words, id="0", now=now, asker={}, supersedes=None))


@pytest.mark.parametrize("now", [EVENING, NIGHT])
def test_a_decision_from_an_island_replays_to_the_last_byte(now: datetime) -> None:
    made = recorded(decided(now), a_case(now), now)
    assert replay(made, desk().directory, desk().evaluators) == []


@pytest.mark.parametrize("said", [{}, {"on_the_way": {}}, {"transport": "own"}])
@pytest.mark.parametrize("clock", ["03:00", "20:50", "21:05", "21:20"])
def test_a_capsule_from_an_island_works_its_times_out_again(clock: str, said: dict[str, Any]) -> None:
    now = datetime.fromisoformat(f"2026-11-18T{clock}:00+01:00")
    record = record_of(1, now, location=DEN_BURG, observations=small_world.STEMI, **said)
    assert record["travel"]["method"] == skeleton.METHOD
    verdict = checked(lying(record).capsule(0, wanted=small_world.directory().by_id))
    assert (found(verdict)["replay"], found(verdict)["travel"]) == (True, True)


# -- a road engine


def asking(asked: list[Question]) -> RoadEngine:
    def exchange(question: Question, _seconds: float) -> bytes:
        asked.append(question)
        raise NoAnswer("it answered 500")

    return RoadEngine(
        PROTOCOLS["osrm"], "http://127.0.0.1:1", 60, 15, Breaker(time.monotonic), exchange, time.monotonic
    )


def by_road(now: datetime, asked: list[Question], **said: Any) -> Decision:
    here = desk()
    return decide_by_road(a_case(now, **said), here.directory, here.evaluators, now, skeleton.minutes, asking(asked))


def test_no_road_engine_is_asked_how_long_a_boat_takes() -> None:
    asked: list[Question] = []
    assert recorded(by_road(NIGHT, asked), a_case(NIGHT), NIGHT) == recorded(decided(NIGHT), a_case(NIGHT), NIGHT)
    assert asked == []


def test_a_place_on_an_island_is_not_asked_about_from_the_mainland() -> None:
    helder, texel = ({**small_world.place(name, "seh", "pci"), "lat": lat, "lon": lon} for name, lat, lon in
                     (("helder", 52.956, 4.76), ("texel", DEN_BURG["lat"], DEN_BURG["lon"])))  # fmt: skip
    asked: list[Question] = []
    decide_by_road(
        small_world.case(observations=small_world.STEMI, location={"lat": 52.96, "lon": 4.77}),
        small_world.directory_of(helder, texel),
        small_world.evaluators(),
        small_world.AFTERNOON,
        skeleton.minutes,
        asking(asked),
    )
    (only,) = asked
    assert "4.760000,52.956000" in only.url
    assert "4.798000,53.054500" not in only.url


def test_only_a_boat_goes_from_one_land_to_another_where_either_is_an_island() -> None:
    den_burg, oosterend, vlieland, utrecht = (53.0545, 4.7980), (53.0870, 4.8830), (53.2960, 5.0720), (52.0907, 5.1214)
    places = places_at([den_burg, oosterend, vlieland, utrecht])
    assert skeleton.by_boat(den_burg, places) == {2, 3}
    assert skeleton.by_boat(utrecht, places) == {0, 1, 2}
    assert skeleton.by_boat(vlieland, places) == {0, 1, 3}
