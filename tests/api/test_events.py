"""A listener hears every change once and in order, holds nobody up, and never takes more than half of the threads."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask

from api.events import HEARTBEAT_SECONDS, LIFE_SECONDS, Streams, lines
from routing.errors import StoreUnavailable
from routing.place_events import newest_position
from routing.service import World
from routing.serving import THREADS
from tests.api.conftest import OWN, Clock, Send
from tests.api.test_bad_bodies import problem_of

PATH = "/v1/facilities/events"

streaming = sys.modules["api.events"]
"""The module; its blueprint has the same name in `api`."""


class Time:
    """Seconds that only pass while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def streams(own_app: Flask, time: Time) -> Streams:
    """The streams of the app, in a time of their own."""
    made = Streams(clock=time, sleep=time.sleep)
    own_app.extensions["wegwijs.streams"] = made
    return made


def report(ask: Send, clock: Clock, *values: Any) -> None:
    for value in values:
        clock.forward(minutes=2)
        body = {"unit": "seh", "kind": "waiting_minutes", "value": value, "observed_at": clock.said(minutes=1)}
        assert ask("POST", f"/v1/facilities/{OWN}/status", json=body).status_code == 202


def heard(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The events in the text of a stream: id, name, data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def values(text: str) -> list[Any]:
    return [change["report"]["value"] for _, _, change in heard(text)]


@pytest.mark.usefixtures("streams")
def test_without_an_id_only_what_is_new_is_told(ask: Send, clock: Clock, own_world: World) -> None:
    report(ask, clock, 10)
    response = ask("GET", PATH, "triagist", buffered=False)
    assert response.content_type.startswith("text/event-stream")
    blocks = response.iter_encoded()
    revision, position = newest_position(own_world)
    assert next(blocks).decode() == f"retry: 1000\nid: {revision}.{position}\n\n"
    report(ask, clock, 20)
    assert values(next(blocks).decode()) == [20]
    response.close()


@pytest.mark.usefixtures("streams")
def test_a_listener_goes_on_after_the_last_event_that_was_heard(ask: Send, clock: Clock) -> None:
    report(ask, clock, 10)
    start = ask("GET", PATH).get_data(as_text=True).split("id: ")[1].split("\n")[0]
    report(ask, clock, 20, 30)
    both = ask("GET", PATH, headers={"Last-Event-ID": start}).get_data(as_text=True)
    assert values(both) == [20, 30]
    first, second = (event_id for event_id, _, _ in heard(both))
    assert values(ask("GET", f"{PATH}?last_event_id={first}").get_data(as_text=True)) == [30]
    assert values(ask("GET", f"{PATH}?last_event_id={start}", headers={"Last-Event-ID": second}).text) == []


@pytest.mark.usefixtures("streams")
def test_an_event_is_one_line_that_says_all(ask: Send, clock: Clock) -> None:
    report(ask, clock, 10)
    profile = ask("GET", f"/v1/facilities/{OWN}").get_json()
    ask("PUT", f"/v1/facilities/{OWN}", json={**profile, "name": "Two\nlines"[:3]}, headers={"If-Match": "*"})
    status, changed = heard(ask("GET", f"{PATH}?last_event_id=1.0").text)
    assert status[:2] == ("2.0", "status")
    assert status[2]["facility"] == OWN
    assert (changed[1], changed[2]["profile"]["name"]) == ("profile", "Two")


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize("given", ["99.0", "1.1", "2.7", "x", "2", "02.0", "-1.0", "2.0.0", "9" * 300, "1.0 ", "é"])
def test_an_id_that_was_never_given_out_is_refused(given: str, ask: Send, clock: Clock) -> None:
    report(ask, clock, 10)
    found = problem_of(ask("GET", PATH, headers={"Last-Event-ID": given}), 422, "invalid-input")
    assert found.errors[0].field == "last_event_id"
    problem_of(ask("GET", PATH, query_string={"last_event_id": given}), 422, "invalid-input")


def test_a_silent_stream_shows_that_it_lives_and_ends_by_itself(own_world: World, time: Time) -> None:
    told = list(lines(own_world, Streams(clock=time, sleep=time.sleep), (1, 0)))
    assert told[1:] == [": nothing new\n\n"] * int((LIFE_SECONDS - 1) // HEARTBEAT_SECONDS)
    assert time.now - 1_000 == pytest.approx(LIFE_SECONDS, abs=2)


def test_a_process_that_stops_ends_its_streams(own_world: World, time: Time) -> None:
    streams = Streams(clock=time, sleep=time.sleep, ending=lambda: time.now > 1_003)
    assert len(list(lines(own_world, streams, (1, 0)))) == 1
    assert time.now < 1_006


def test_all_streams_of_a_process_share_one_look_a_second(
    own_world: World, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    newest = streaming.newest_directory
    monkeypatch.setattr(streaming, "newest_directory", lambda world: looks.append(time.now) or newest(world))
    streams = Streams(clock=time, sleep=lambda _seconds: None)
    told: list[Iterator[str]] = [lines(own_world, streams, (1, 0)) for _ in range(8)]
    for stream in told:
        next(stream)
    for _ in range(30):
        time.now += 0.25
        for _ in told:
            streams.newest(own_world)
    assert len(looks) == 8
    assert all(later - earlier >= 1 for earlier, later in pairwise(looks))


def test_half_of_the_threads_are_never_streams(ask: Send, streams: Streams) -> None:
    assert streams.most == THREADS // 2
    held = [ask("GET", PATH, buffered=False) for _ in range(streams.most)]
    assert {response.status_code for response in held} == {200}
    refused = ask("GET", PATH)
    problem_of(refused, 503, "too-many-streams")
    assert int(refused.headers["Retry-After"]) > 0
    assert ask("GET", "/v1/facilities?limit=1").status_code == 200
    for response in held:
        response.close()
    assert not streams.open


def test_whoever_goes_away_frees_the_place(ask: Send, streams: Streams) -> None:
    for _ in range(3 * streams.most):
        response = ask("GET", PATH, buffered=False)
        blocks = response.iter_encoded()
        next(blocks)
        response.close()
        response.close()
    ask("HEAD", PATH).close()
    assert not streams.open


def test_a_database_that_does_not_answer_ends_a_stream(
    own_world: World, time: Time, monkeypatch: pytest.MonkeyPatch, ask: Send
) -> None:
    def gone(*_: Any) -> Any:
        raise StoreUnavailable("gone")

    told = lines(own_world, Streams(clock=time, sleep=time.sleep), (1, 0))
    next(told)
    monkeypatch.setattr(streaming, "newest_directory", gone)
    assert list(told) == []
    monkeypatch.setattr(streaming, "newest_position", gone)
    problem_of(ask("GET", PATH), 503, "store-unavailable")
