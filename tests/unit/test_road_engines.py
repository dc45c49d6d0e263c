"""Road engines are asked as their documentation says, read strictly, and never waited for longer than was said."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.geography import Point
from routing.travel.breaker import Breaker
from routing.travel.engines import PROTOCOLS, NoAnswer, question, seconds_in
from routing.travel.exchange import ANSWER_MOST, exchange
from routing.travel.road_engine import RoadEngine, travel_of
from tests.engine_server import Engine, dripping, engine_server, hanging, saying, steady
from tests.ports import nobody_listens

HERE: Point = (52.0907, 5.1214)
PLACES: tuple[Point, ...] = ((52.0869, 5.1796), (52.0116, 5.6703), (51.4427, 3.5734))
NAMES = sorted(PROTOCOLS)

PATIENT_SECONDS = 60
"""So long an engine is waited for that answers in the end."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_server(Engine()) as made:
        yield made


def road_engine(url: str, name: str = "osrm", seconds: float = PATIENT_SECONDS, key: str | None = None) -> RoadEngine:
    clock = time.monotonic
    return RoadEngine(PROTOCOLS[name], url, seconds, 15, Breaker(clock), exchange, clock, key)


# -- what is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_gives_the_times_in_the_order_of_the_places(engine: Engine, name: str) -> None:
    found = road_engine(engine.url, name).ask(HERE, PLACES, PATIENT_SECONDS)
    assert found == tuple(travel_of(steady(HERE, place) / 60, f"{name}/1") for place in PLACES)
    assert len(engine.asked) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_place_without_a_way_has_no_time_and_the_others_have(engine: Engine, name: str) -> None:
    engine.drive = lambda origin, place: None if place == PLACES[1] else steady(origin, place)
    found = road_engine(engine.url, name).ask(HERE, PLACES, PATIENT_SECONDS)
    assert found is not None
    assert [travel is None for travel in found] == [False, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_where_there_is_no_way_at_all_the_engine_has_no_answer_and_is_not_blamed(engine: Engine, name: str) -> None:
    engine.drive = lambda _origin, _place: None
    asked = road_engine(engine.url, name)
    assert [asked.ask(HERE, PLACES, PATIENT_SECONDS) for _ in range(5)] == [None] * 5
    assert asked.breaker.state == "closed"


def test_the_questions_are_those_of_the_documentation() -> None:
    osrm = question(PROTOCOLS["osrm"], "http://localhost:5000/", None, HERE, PLACES[:2])
    assert osrm.url == (
        "http://localhost:5000/table/v1/driving/5.121400,52.090700;5.179600,52.086900;5.670300,52.011600"
        "?sources=0&destinations=1;2&annotations=duration&generate_hints=false"
    )
    assert (osrm.body, "Authorization" in osrm.headers) == (None, False)
    valhalla = question(PROTOCOLS["valhalla"], "http://localhost:8002", None, HERE, PLACES[:1])
    assert valhalla.url == "http://localhost:8002/sources_to_targets"
    assert valhalla.body == (
        b'{"sources":[{"lat":52.0907,"lon":5.1214,"search_cutoff":1000}],'
        b'"targets":[{"lat":52.0869,"lon":5.1796,"search_cutoff":1000}],"costing":"auto"}'
    )
    ors = question(PROTOCOLS["openrouteservice"], "https://api.openrouteservice.org", "secret", HERE, PLACES[:2])
    assert ors.url == "https://api.openrouteservice.org/v2/matrix/driving-car"
    assert ors.headers["Authorization"] == "secret"
    assert ors.body == (
        b'{"locations":[[5.1214,52.0907],[5.1796,52.0869],[5.6703,52.0116]],"sources":["0"],'
        b'"destinations":["1","2"],"metrics":["duration"]}'
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_key_goes_to_the_engine_and_stands_in_nothing_that_is_shown(engine: Engine, name: str) -> None:
    asked = road_engine(engine.url, name, key="s3cret")
    asked.ask(HERE, PLACES, PATIENT_SECONDS)
    assert engine.asked[0][3]["Authorization"] == "s3cret"
    assert "s3cret" not in repr(asked)
    assert "52.09" not in repr(question(asked.protocol, asked.url, asked.key, HERE, PLACES))


# -- the documented answers -------------------------------------------------------------------------------------------

DOCUMENTED: dict[str, tuple[Any, list[float]]] = {
    "osrm": (
        {
            "code": "Ok",
            "sources": [{"location": [13.3888, 52.517033], "hint": "P", "name": "Friedrichstraße", "distance": 4.15}],
            "durations": [[192.6, 382.8]],
            "destinations": [
                {"location": [13.397631, 52.529432], "hint": "B", "name": "Torstraße", "distance": 4.1},
                {"location": [13.428554, 52.523239], "hint": "C", "name": "Platz der Vereinten Nationen"},
            ],
        },
        [192.6, 382.8],
    ),
    "valhalla": (
        {
            "algorithm": "timedistancematrix",
            "units": "kilometers",
            "sources": [[{"lon": -73.990508, "lat": 40.744014}]],
            "targets": [[{"lon": -73.979713, "lat": 40.739735}, {"lon": -73.985015, "lat": 40.752522}]],
            "sources_to_targets": [
                [
                    {"distance": 1.311, "time": 976, "to_index": 0, "from_index": 0},
                    {"distance": 1.263, "time": 930, "to_index": 1, "from_index": 0},
                ]
            ],
        },
        [976, 930],
    ),
    "openrouteservice": (
        {
            "durations": [[448.82, 553.01]],
            "destinations": [{"location": [8.68, 49.40], "snapped_distance": 9.1}, {"location": [8.69, 49.4]}],
            "sources": [{"location": [8.66, 49.41], "snapped_distance": 3.5}],
            "metadata": {"attribution": "openrouteservice.org | OpenStreetMap contributors", "service": "matrix"},
        },
        [448.82, 553.01],
    ),
}
"""Shapes of the documentation of each engine, with one row for the patient and two places."""


def read(name: str, answer: Any, count: int = 2) -> list[float | None]:
    return seconds_in(PROTOCOLS[name], answer if isinstance(answer, bytes) else json.dumps(answer).encode(), count)


@pytest.mark.parametrize("name", NAMES)
def test_answers_of_the_documentation_are_read(name: str) -> None:
    answer, seconds = DOCUMENTED[name]
    assert read(name, answer) == seconds


def durations(name: str, row: Any) -> Any:
    """The documented answer with another row of times."""
    if name == "valhalla":
        cells = [{"distance": 1, "time": time, "to_index": n, "from_index": 0} for n, time in enumerate(row)]
        return {**DOCUMENTED[name][0], "sources_to_targets": [cells]}
    return {**DOCUMENTED[name][0], "durations": [row]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "row", [[1.0], [1.0, 2.0, 3.0], [], [-1.0, 2.0], [90_000, 2.0], ["12", 2.0], [True, 2.0], [[1.0], 2.0], [1e400, 2]]
)
def test_wrong_times_are_no_answer(name: str, row: Any) -> None:
    with pytest.raises(NoAnswer):
        read(name, durations(name, row))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"[]", b"null", b"{}", b'{"code":"Ok","durations":[[NaN,1]]}', b'{"durations":"many"}',
               b'{"code":"Ok","durations":[[1,2],[3,4]]}', b'{"code":"Ok","durations":[]}', b'{"sources_to_targets":7}',
               b'{"sources_to_targets":[[{"time":1},{"time":2}]]}', b'{"sources_to_targets":{"durations":[[1]]}}',
               b'{"code":"NoSegment","message":"Could not find a matching segment for coordinate 0"}']
)  # fmt: skip
def test_nonsense_is_no_answer(name: str, answer: bytes) -> None:
    with pytest.raises(NoAnswer) as refused:
        read(name, answer)
    assert "coordinate" not in str(refused.value), "what the engine says may tell where the patient is"


def test_times_in_another_order_than_the_places_are_no_answer() -> None:
    answer = durations("valhalla", [1, 2])
    answer["sources_to_targets"][0].reverse()
    with pytest.raises(NoAnswer):
        read("valhalla", answer)


@pytest.mark.parametrize(("name", "how_far"), [("osrm", "distance"), ("openrouteservice", "snapped_distance")])
def test_a_place_far_from_any_road_lies_outside_the_map_and_has_no_time(name: str, how_far: str) -> None:
    answer = {**DOCUMENTED[name][0], "destinations": [{how_far: 999}, {how_far: 30_000}]}
    assert read(name, answer) == [DOCUMENTED[name][1][0], None]
    with pytest.raises(NoAnswer) as refused:
        read(name, {**answer, "sources": [{how_far: 30_000}]})
    assert refused.value.refused


WORDS = ["code", "durations", "sources_to_targets", "time", "to_index", "sources", "destinations"]
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(WORDS), inner),
)


@given(ANYTHING)
def test_whatever_an_engine_says_is_times_or_no_answer(answer: Any) -> None:
    for name in NAMES:
        try:
            found = read(name, answer)
        except NoAnswer:
            continue
        assert all(each is None or 0 <= each <= 86_400 for each in found)


# -- engines that behave badly ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("badly", [hanging, dripping])
@pytest.mark.parametrize("name", NAMES)
def test_an_engine_that_hangs_or_drips_is_not_waited_for(
    engine: Engine, name: str, badly: Callable[[Engine], Engine]
) -> None:
    asked = road_engine(badly(engine).url, name)
    began = time.monotonic()
    assert asked.ask(HERE, PLACES, 0.2) is None
    assert time.monotonic() - began < PATIENT_SECONDS, "it would have hung for ever"
    assert asked.breaker.state == "open"


def test_a_road_engine_that_hangs_costs_its_time_out_once(engine: Engine) -> None:
    """With a clock of its own: what each question waits is counted, not measured."""
    waited: list[float] = []
    counted: list[tuple[str, bool]] = []

    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()

    def hang(_asked: Any, seconds: float) -> bytes:
        clock.now += seconds
        waited.append(seconds)
        raise NoAnswer("no answer", late=True)

    asked = replace(
        road_engine(engine.url), breaker=Breaker(clock, rest_seconds=30), exchange=hang, elapsed=clock,
        count=lambda result, left_alone: counted.append((result, left_alone)),
    )  # fmt: skip
    for _ in range(100):
        assert asked.ask(HERE, PLACES, 1.0) is None
    assert waited == [1.0]
    assert counted == [("late", True)] + [("left_alone", True)] * 99
    clock.now += 30
    asked.ask(HERE, PLACES, 1.0)
    asked.ask(HERE, PLACES, 1.0)
    assert waited == [1.0, 1.0], "after a rest one question tries it again"


@pytest.mark.parametrize(
    ("status", "answer", "blamed"),
    [(500, b"oops", True), (503, b"", True), (401, b"{}", True), (429, b"{}", True), (302, b"", True),
     (200, b"not json", True), (200, b" " * (ANSWER_MOST + 10), True), (400, b'{"code":"NoSegment"}', False)],
)  # fmt: skip
def test_an_engine_that_gives_no_times_is_left_alone_after_some_times_unless_it_was_the_question(
    engine: Engine, status: int, answer: bytes, blamed: bool
) -> None:
    asked = road_engine(saying(engine, status, answer).url)
    for _ in range(5):
        assert asked.ask(HERE, PLACES, PATIENT_SECONDS) is None
    assert len(engine.asked) == (3 if blamed else 5)
    assert asked.breaker.state == ("open" if blamed else "closed")


def test_an_engine_that_is_not_there_is_no_answer() -> None:
    with nobody_listens() as port:
        assert road_engine(f"http://127.0.0.1:{port}").ask(HERE, PLACES, PATIENT_SECONDS) is None


def test_an_answer_that_ends_in_the_middle_is_none(engine: Engine) -> None:
    def half(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "900")
        handler.end_headers()
        handler.wfile.write(b'{"code":"Ok"')
        handler.close_connection = True

    engine.badly = half
    assert road_engine(engine.url).ask(HERE, PLACES, PATIENT_SECONDS) is None


def test_a_time_in_which_nobody_can_drive_that_far_is_no_answer(engine: Engine) -> None:
    engine.drive = lambda _origin, _place: 20.0  # minutes for seconds, or another country
    assert road_engine(engine.url).ask(HERE, PLACES, PATIENT_SECONDS) is None


def test_where_the_patient_is_stands_in_no_line_of_the_log(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    saying(engine, 200, {"code": "InvalidQuery", "message": "5.121400,52.090700"})
    road_engine(engine.url).ask(HERE, PLACES, PATIENT_SECONDS)
    saying(engine, 500, b"52.0907")
    road_engine(engine.url).ask(HERE, PLACES, PATIENT_SECONDS)
    hanging(engine)
    road_engine(engine.url).ask(HERE, PLACES, 0.2)
    road_engine("http://bad host:5").ask(HERE, PLACES, 0.2)
    assert len(caplog.records) >= 3
    assert "52.09" not in caplog.text
    assert "5.12" not in caplog.text


# -- the interval -----------------------------------------------------------------------------------------------------


@given(st.floats(0, 1_440), st.floats(0, 1_440))
def test_a_longer_drive_is_longer_at_both_ends(one: float, other: float) -> None:
    short, long = (travel_of(time, "osrm/1") for time in sorted((one, other)))
    assert all(before <= after for before, after in zip(short[:3], long[:3], strict=True))


@given(st.floats(0, 1_440))
def test_the_interval_is_at_least_a_tenth_and_two_minutes_to_either_side(time: float) -> None:
    found = travel_of(time, "osrm/1")
    assert found.low == 0 or time - found.low >= max(2, 0.1 * time)
    assert found.high - time >= max(2, 0.1 * time)
