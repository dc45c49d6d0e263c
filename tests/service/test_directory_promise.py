"""What a place reports is used by every decision that begins after it was acknowledged, in whichever process."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from routing import places, service
from routing.directory_here import add_packaged, change_directory, directory_of, newest_directory
from routing.facilities.changes import PROFILE, Change, status_change
from routing.facilities.record import facility_record
from routing.facilities.status import Report
from routing.log.record import as_version_1
from routing.packaged import directory_document
from routing.service import Asker, World
from routing.settings import Settings
from routing.store import database
from routing.store.tables import DIRECTORY_REVISIONS, FACILITY_CHANGES, RESERVATIONS
from tests.patience import PATIENCE_SECONDS, wait_longer
from tests.service.conftest import AUDITOR, STEMI, Clock, Open, kept_record, replace_record

PLACE = "umc-utrecht"
"""Where the patient of `STEMI` goes."""

ROUNDS, NODES, LOOKS = 500, (0, 1, 0, 1), 5
"""So many changes; after each so many threads, each of one of the nodes, look so often: 10,000 times in all."""

processes = multiprocessing.get_context("spawn")

# -- other processes --------------------------------------------------------------------------------------------------


def write(world: World, place: str, value: bool, count: int = 1) -> tuple[int, str]:
    """Report a stop of `count` units of a place on or off; the revision, and when that was observed."""
    units = list(world.words.stop_kinds)[:count]
    reports = [Report(unit, "stop", value, world.clock()) for unit in units]
    made, _ = change_directory(
        world,
        lambda _: ([status_change(place, report, "test", flip=True) for report in reports], None),
        source="test",
        key_id=None,
    )
    return made.revision, reports[0].observed_at.isoformat()


def writes_when_asked(url: str, pipe: Connection) -> None:
    """One write for every value that comes in, acknowledged as soon as it returns."""
    wait_longer()
    world = service.open_world(Settings(database_url=url))
    pipe.send("ready")
    while (value := pipe.recv()) is not None:
        pipe.send(write(world, PLACE, value))
    service.close_world(world)


def writes_on_and_on(url: str, pipe: Connection, place: str, count: int, most: int, pause: float) -> None:
    """Writes of `count` changes each without being asked, each acknowledged; at most so many."""
    wait_longer()
    world = service.open_world(Settings(database_url=url))
    for number in range(most):
        pipe.send(write(world, place, number % 2 == 0, count))
        time.sleep(pause)
    pipe.close()
    service.close_world(world)


@contextmanager
def started(target: Any, url: str, *arguments: Any) -> Iterator[tuple[Any, Connection]]:
    here, there = processes.Pipe()
    process = processes.Process(target=target, args=(url, there, *arguments), daemon=True)
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        process.kill()
        process.join(PATIENCE_SECONDS)
        here.close()


def acknowledged(pipe: Connection) -> list[tuple[int, str]]:
    """All that a writer acknowledged until it ended."""
    found = []
    with pytest.raises(EOFError):
        while True:
            found.append(pipe.recv())
    return found


def stops_at(world: World, place: str) -> dict[str, tuple[Any, str]]:
    reports = newest_directory(world).status.get(place, ())
    return {report.unit: (report.value, report.observed_at.isoformat()) for report in reports if report.kind == "stop"}


@pytest.fixture
def nodes(world: World) -> Iterator[list[World]]:
    """Two nodes with clocks that run."""
    made = [service.open_world(Settings(database_url=world.settings.database_url)) for _ in range(2)]
    for node in made:
        newest_directory(node)
    yield made
    for node in made:
        service.close_world(node)


# -- the promise ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_an_acknowledged_change_is_used_by_every_decision_that_begins_afterwards(
    database_url: str, nodes: list[World]
) -> None:
    with (
        started(writes_when_asked, database_url) as (_, writer),
        started(writes_on_and_on, database_url, "erasmus-mc", 2, 1_000_000, 0.02) as (_, others),
        ThreadPoolExecutor(len(NODES)) as pool,
    ):
        assert writer.recv() == "ready"
        assert others.recv()
        missed = []
        for number in range(ROUNDS):
            value = number % 2 == 0
            writer.send(value)
            revision, observed = writer.recv()
            seen = [found for each in pool.map(lambda node: _looks(nodes[node]), NODES) for found in each]
            assert len(seen) == len(NODES) * LOOKS
            missed += [(revision, found) for found in seen if found[0] < revision or found[1] != (value, observed)]
            if number % 50 == 0:
                answer = service.preview(nodes[number // 50 % 2], STEMI)
                assert answer["provenance"]["directory_revision"] >= revision
                assert _stop_in(answer) == (value, observed)
            while others.poll():  # the other writer is never held up by its pipe
                others.recv()
        assert missed == []
        assert newest_directory(nodes[0]).status["erasmus-mc"]


def _looks(node: World) -> list[tuple[int, tuple[Any, str]]]:
    seen = []
    for _ in range(LOOKS):
        found = newest_directory(node)
        (stop,) = found.status[PLACE]
        seen.append((found.revision, (stop.value, stop.observed_at.isoformat())))
    return seen


def _stop_in(answer: dict[str, Any]) -> tuple[Any, str]:
    places_named = [answer["recommendation"], *answer["alternatives"]]
    (found,) = [named for named in places_named if named["facility"] and named["facility"]["id"] == PLACE]
    (stop,) = [fact for fact in found["status"] if fact["unit"] == "seh" and fact["kind"] == "stop"]
    return stop["value"], stop["observed_at"]


def test_writers_in_several_processes_make_one_history(world: World, nodes: list[World]) -> None:
    each = 15
    with (
        started(writes_on_and_on, world.settings.database_url, "erasmus-mc", 3, each, 0) as (_, first),
        started(writes_on_and_on, world.settings.database_url, "umcg", 3, each, 0) as (_, second),
    ):
        mine = [write(nodes[0], PLACE, number % 2 == 0, 3) for number in range(each)]
        told = [*mine, *acknowledged(first), *acknowledged(second)]
    assert sorted(revision for revision, _ in told) == list(range(2, 2 + 3 * each))
    assert_whole(world, told, 3)
    assert newest_directory(nodes[0]) == newest_directory(nodes[1]) == newest_directory(world)


def test_a_writer_that_is_killed_leaves_nothing_half_done_and_loses_nothing(world: World, nodes: list[World]) -> None:
    told: list[tuple[int, str]] = []
    for number in range(3):
        with started(writes_on_and_on, world.settings.database_url, PLACE, 5, 1_000_000, 0) as (process, pipe):
            told.append(pipe.recv())
            time.sleep(0.05 + 0.037 * number)
            os.kill(process.pid, signal.SIGKILL)
            process.join(PATIENCE_SECONDS)
            told += acknowledged(pipe)
        told.append(write(nodes[0], PLACE, True, 5))  # whoever comes next is not held up
    assert_whole(world, told, 5)


def assert_whole(world: World, told: Sequence[tuple[int, str]], count: int) -> None:
    """No gap between revisions, each with all its changes, among them all that were acknowledged, and readable."""
    revisions, changes = DIRECTORY_REVISIONS.c, FACILITY_CHANGES.c
    with database.reading(world.engine) as connection:
        numbers = connection.scalars(sa.select(revisions.revision).order_by(revisions.revision)).all()
        counts = sa.select(changes.revision, sa.func.count()).group_by(changes.revision).order_by(changes.revision)
        assert connection.execute(counts).all() == [(number, count) for number in numbers[1:]]
        kept = sa.select(changes.revision, changes.observed_at).where(changes.position == 0)
        found = {(revision, moment.isoformat()) for revision, moment in connection.execute(kept)}
        received = connection.scalars(sa.select(revisions.received_at).order_by(revisions.revision)).all()
    assert numbers == list(range(1, len(numbers) + 1))
    assert set(told) <= found
    assert received == sorted(received)
    afresh = World(world.settings, world.engine, world.clock, world.words)
    assert newest_directory(afresh) == newest_directory(world)


def test_many_threads_on_few_connections_all_see_what_was_acknowledged(nodes: list[World]) -> None:
    """More threads than connections: whoever waits for another to read the directory must not starve it of one."""
    writer, reader = nodes
    done = []

    def look(_: int) -> int:
        least = done[-1] if done else 0
        return newest_directory(reader).revision - least

    with ThreadPoolExecutor(24) as pool:
        looking = pool.map(look, range(600))
        done.extend(write(writer, PLACE, number % 2 == 0)[0] for number in range(30))
        assert min(looking) >= 0


# -- decisions of the past --------------------------------------------------------------------------------------------


@pytest.fixture
def operator(world: World) -> Asker:
    found = service.authenticate(world, service.create_key(world, "operator", frozenset({"operator", "triagist"})))
    assert found is not None
    return found


STROKE: dict[str, Any] = {**STEMI, "observations": {"facial_droop": True}, "complaint": None}
KNEE: dict[str, Any] = {
    "patient": {"age_years": 30},
    "location": {"lat": 52.0907, "lon": 5.1214},
    "complaint": "wound",
    "observations": {},
    "channel": "huisarts",
}


def test_a_decision_of_last_week_replays_though_everything_changed_since(
    world: World, clock: Clock, operator: Asker, open_world: Open
) -> None:
    clock.now = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    first = service.decide(world, KNEE, operator)["recommendation"]["facility"]["id"]
    beds = {"unit": "seh", "kind": "beds", "value": {"available": 1}, "observed_at": clock.now.isoformat()}
    minor = {**beds, "unit": "minor_injury"}
    hap = {**beds, "unit": "hap"}
    places.report_status(world, first, [beds, minor, hap], operator)
    stop = {"unit": "seh", "kind": "stop", "value": True, "observed_at": clock.now.isoformat()}
    places.report_status(world, PLACE, stop, operator)
    made = []
    for body in (KNEE, KNEE, STEMI, KNEE):
        clock.forward(minutes=1)
        made.append(service.decide(world, body, operator)["id"])
    held = [kept_record(world, decision) for decision in made]
    assert any("reserved" in entry["directory"] for entry in held), "the herd guard counted somebody"

    clock.forward(days=7)
    _everything_changes(world, clock, operator, first)
    for each in (world, open_world()):
        for decision in made:
            replayed = service.replay(each, decision, AUDITOR)
            assert (replayed["identical"], replayed["differences"]) == (True, [])
    assert service.decide(world, KNEE, operator)["provenance"]["directory_revision"] > held[-1]["directory"]["revision"]


def _everything_changes(world: World, clock: Clock, operator: Asker, first: str) -> None:
    found = newest_directory(world)
    moved = {**facility_record(found.by_id[PLACE]), "lat": 53.2, "lon": 6.5, "name": "Somewhere Else"}
    gone = [key for key, place in found.by_id.items() if place.located_at == first]
    changes = [
        Change(PLACE, PROFILE, moved, "test", clock.now),
        *(Change(key, PROFILE, None, "test", clock.now) for key in (*gone, first)),
    ]
    change_directory(world, lambda _: (changes, None), source="test", key_id=UUID(operator.key_id))
    quiet = {"unit": "seh", "kind": "stop", "value": False, "observed_at": clock.now.isoformat()}
    places.report_status(world, PLACE, quiet, operator)
    package = json.loads(json.dumps(directory_document()))
    for record in package["facilities"]:
        record["lat"] = round(record["lat"] + 0.01, 5)
    with database.writing(world.engine) as connection:
        add_packaged(connection, package, "packaged", world.words, clock.now)
        connection.execute(RESERVATIONS.delete())
    now = newest_directory(world)
    assert first not in now.by_id
    assert now.by_id[PLACE].name == "Somewhere Else"


def test_a_record_from_before_there_was_live_status_still_replays(world: World, asker: Asker) -> None:
    """Records of older versions lack what is said of a report nowadays; nothing else may differ."""
    made = service.decide(world, STEMI, asker)["id"]
    record = as_version_1(kept_record(world, made))
    stripped = 0
    for candidate in (record["result"]["recommendation"], *record["result"]["alternatives"]):
        for fact in candidate["status"]:
            for key in ("bed", "reason", "since", "expected_end", "fresh"):
                stripped += fact.pop(key, 0) is None
    assert stripped
    replace_record(world, record)
    write(world, PLACE, True)
    replayed = service.replay(world, made, AUDITOR)
    assert (replayed["identical"], replayed["differences"]) == (True, [])


def test_a_directory_of_the_past_is_the_one_that_decided(world: World, nodes: list[World]) -> None:
    seen = []
    for number in range(6):
        write(world, PLACE, number % 2 == 0)
        seen.append(newest_directory(world))
    for then in seen:
        assert directory_of(nodes[1], then.revision, nodes[1].words) == then
    assert stops_at(nodes[0], PLACE)["seh"][0] is False
