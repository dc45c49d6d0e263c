"""Entries get their places one after the other, whoever gives them, whatever breaks, and whatever the clock says."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import psycopg
import pytest
import sqlalchemy as sa
from uuid_utils.compat import uuid7

from routing import keys_here, log_check, log_proofs, outcomes, sequencer, service, serving
from routing.capsules import capsule_of
from routing.errors import BadRecord, KeysUnusable, StoreUnavailable
from routing.keys_here import ACCESS_LOG
from routing.log.capsule import read_capsule, verify
from routing.log.entry import DECISIONS_LOG
from routing.log.note import read_checkpoint
from routing.log_check import check_log
from routing.rights import Asker
from routing.sequencer import begin_sequencing, keep_sequencing, log_health, sequence, sequence_all
from routing.service import World
from routing.settings import Settings
from routing.store import database
from routing.store import log as store
from routing.store.tables import LOG_CHECKPOINTS, LOG_ENTRIES, LOG_TILES
from tests.patience import PATIENCE_SECONDS, await_true, wait_longer
from tests.service.conftest import AUDITOR, STEMI, Clock, Open, kept_record

only_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

processes = multiprocessing.get_context("spawn")


def add(world: World, count: int) -> None:
    """Entries of a log in which nothing but the entries counts."""
    with database.writing(world.engine) as connection:
        for _ in range(count):
            store.add(connection, ACCESS_LOG, uuid7(), "test", os.urandom(60), world.clock())


def places(world: World, log: str = ACCESS_LOG) -> list[int | None]:
    with database.reading(world.engine) as connection:
        found = connection.scalars(sa.select(LOG_ENTRIES.c.position).where(LOG_ENTRIES.c.log == log))
        return sorted(found, key=lambda position: (position is None, position))


def assert_verified(world: World, log: str = ACCESS_LOG) -> None:
    found = check_log(world, log, with_records=True).wire()
    assert (found["verdict"], found["problems"], found["waiting"]) == ("verified", [], 0)
    assert places(world, log) == list(range(found["entries"]))


# -- several at once --------------------------------------------------------------------------------------------------


def test_two_sequencers_never_give_a_place_twice(open_world: Open, world: World) -> None:
    worlds = [world, open_world()]
    done = threading.Event()

    def sequence_on_and_on(each: World) -> int:
        given = 0
        while not done.is_set():
            given += sequence(each, ACCESS_LOG, most=7)
        return given

    with ThreadPoolExecutor(4) as pool:
        sequencing = [pool.submit(sequence_on_and_on, each) for each in worlds]
        for _ in pool.map(lambda number: add(worlds[number % 2], 5), range(60)):
            pass
        done.set()
        given = sum(each.result() for each in sequencing)
    given += sequence_all(world)
    assert given == 300
    assert_verified(world)


def sequences_on_and_on(url: str, keys: Path, pipe: Connection) -> None:
    """Give places, few at a time, to a fifth of all that wait: whoever kills this may come late."""
    wait_longer()
    world = service.open_world(Settings(database_url=url, keys=keys))
    sequence(world, DECISIONS_LOG)  # connected
    pipe.send("ready")
    pipe.recv()
    for _ in range(20):
        pipe.send(sequence(world, ACCESS_LOG, most=25))
    pipe.recv()


def test_a_sequencer_that_is_killed_gives_no_place_twice_and_leaves_none_out(world: World) -> None:
    add(world, 2_500)
    url, keys = world.settings.database_url, world.settings.keys_file
    pipes = [processes.Pipe() for _ in range(4)]
    killed = [processes.Process(target=sequences_on_and_on, args=(url, keys, pipe[1]), daemon=True) for pipe in pipes]
    for each in killed:
        each.start()
    for number, (each, (here, there)) in enumerate(zip(killed, pipes, strict=True)):
        there.close()
        assert here.recv() == "ready"
        here.send("go")
        assert here.recv() == 25
        time.sleep(0.003 + 0.0171 * number)
        each.kill()
        each.join(PATIENCE_SECONDS)
        here.close()
        assert check_log(world, ACCESS_LOG).wire()["verdict"] == "verified"
        # PostgreSQL finishes what it was told before it sees that nobody is there any more
        await_true(lambda: sequence(world, ACCESS_LOG, most=3) == 3, "whoever comes next not to be held up")
        size = sum(position is not None for position in places(world))
        assert places(world)[:size] == list(range(size))
    assert sequence_all(world) > 0, "it was killed before it was done"
    assert_verified(world)


@only_postgres
def test_a_database_that_vanishes_without_a_word_is_noticed(world: World) -> None:
    """Else a request, or the sequencer, would wait for its answer for hours."""
    with database.reading(world.engine) as connection:
        driver: psycopg.Connection[Any] = connection.connection.driver_connection
        told = driver.info.get_parameters()
        with socket.socket(fileno=os.dup(driver.fileno())) as wire:
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    idle, interval, count = (int(told[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 30
    assert int(told["tcp_user_timeout"]) <= 30_000


@only_postgres
def test_a_sequencer_that_hangs_does_not_keep_the_others_waiting_for_ever(world: World, open_world: Open) -> None:
    """As when the machine dies on which it runs, and nobody tells the database."""
    add(world, 2)
    other = open_world()
    with database.reading(world.engine) as connection:
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "1min"
    with pytest.raises(StoreUnavailable), database.writing(world.engine) as connection:
        assert store.try_lock(connection, ACCESS_LOG)
        assert sequence(other, ACCESS_LOG) == 0
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '300ms'")
        await_true(lambda: sequence(other, ACCESS_LOG) > 0, "the one that hangs to be given up")
        assert store.waiting(connection, ACCESS_LOG, 1) == [], "this connection is gone"
    assert_verified(world)


def test_a_log_is_verified_while_it_grows(
    world: World, open_world: Open, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.decide(world, STEMI, asker)
    sequence_all(world)
    other, count = open_world(), store.count_waiting

    def and_meanwhile(connection: sa.Connection, log: str) -> int:
        service.decide(other, STEMI, asker)
        sequence_all(other)
        return count(connection, log)

    monkeypatch.setattr(log_check.store, "count_waiting", and_meanwhile)
    for size in (1, 2):
        found = check_log(world, with_records=True).wire()
        assert (found["verdict"], found["problems"], found["entries"]) == ("verified", [], size)


# -- what is wrong stops it -------------------------------------------------------------------------------------------


def _tile_shorter(connection: sa.Connection) -> None:
    hashes = store.tile(connection, ACCESS_LOG, 0, 0)
    connection.execute(LOG_TILES.update().values(hashes=hashes[:-32]))


def _tile_other(connection: sa.Connection) -> None:
    hashes = store.tile(connection, ACCESS_LOG, 0, 0)
    connection.execute(LOG_TILES.update().values(hashes=bytes(32) + hashes[32:]))


def _tiles_gone(connection: sa.Connection) -> None:
    connection.execute(LOG_TILES.delete())


def _newest_checkpoint_gone(connection: sa.Connection) -> None:
    connection.execute(LOG_CHECKPOINTS.delete().where(LOG_CHECKPOINTS.c.size == 5))


def _all_checkpoints_gone(connection: sa.Connection) -> None:
    connection.execute(LOG_CHECKPOINTS.delete())


def _last_entry_gone(connection: sa.Connection) -> None:
    connection.execute(LOG_ENTRIES.delete().where(LOG_ENTRIES.c.position == 4))


@pytest.mark.parametrize(
    "harm",
    [_tile_shorter, _tile_other, _tiles_gone, _newest_checkpoint_gone, _all_checkpoints_gone, _last_entry_gone],
)
def test_to_a_tree_that_is_not_the_signed_one_nothing_is_added(
    world: World, harm: Callable[[sa.Connection], None]
) -> None:
    add(world, 3)
    sequence_all(world)
    add(world, 2)
    sequence_all(world)
    add(world, 1)
    with database.writing(world.engine) as connection:
        harm(connection)
    before = places(world)
    with pytest.raises(BadRecord, match=r"access|tile"):
        sequence(world, ACCESS_LOG)
    assert places(world) == before
    assert check_log(world, ACCESS_LOG).wire()["verdict"] == "failed"


def test_an_entry_never_gets_a_second_place(world: World) -> None:
    add(world, 2)
    with database.reading(world.engine) as connection:
        ids = [entry_id for entry_id, _ in store.waiting(connection, ACCESS_LOG, 10)]
    sequence(world, ACCESS_LOG, most=1)
    with pytest.raises(BadRecord, match="1 do not wait any more"), database.writing(world.engine) as connection:
        store.place(connection, 1, ids)
    assert places(world) == [0, None]


# -- the thread -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (RuntimeError("what nobody thought of"), logging.ERROR),
        (BadRecord("the tree is not the signed one"), logging.ERROR),
        (StoreUnavailable("the database is away"), logging.WARNING),
    ],
)
def test_nothing_that_goes_wrong_ends_the_sequencer_and_it_is_said_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Exception, level: int
) -> None:
    attempts: list[int] = []
    stop = threading.Event()

    def breaks_three_times(world: World, stopped: Callable[[], bool]) -> int:
        attempts.append(1)
        if len(attempts) <= 3:
            raise fault
        stop.set()
        return 0

    monkeypatch.setattr(sequencer, "sequence_all", breaks_three_times)
    monkeypatch.setattr(sequencer, "AFTER_FAULT_SECONDS", 0.01)
    work = threading.Thread(target=keep_sequencing, args=(world, stop))
    work.start()
    work.join(PATIENCE_SECONDS)
    assert not work.is_alive()
    assert len(attempts) >= 4
    (said,) = (record for record in caplog.records if record.name == "wegwijs.sequencer")
    assert (said.levelno, str(fault) in said.getMessage()) == (level, True)


def test_a_busy_log_does_not_keep_a_server_from_stopping(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running = threading.Event()

    def always_more(*_: Any) -> int:
        running.set()
        time.sleep(0.01)
        return sequencer.BATCH

    add(world, 1)
    monkeypatch.setattr(sequencer, "sequence", always_more)
    stop = threading.Event()
    work = threading.Thread(target=keep_sequencing, args=(world, stop))
    work.start()
    assert running.wait(PATIENCE_SECONDS)
    stop.set()
    work.join(PATIENCE_SECONDS)  # else it would go on for ever
    assert not work.is_alive()


def test_whoever_is_asked_to_stop_leaves_no_entry_waiting(
    world: World, open_world: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "END_SECONDS", PATIENCE_SECONDS)
    worlds = [world, open_world()]
    ends = [begin_sequencing(each) for each in worlds]

    def add_and_end(number: int) -> None:
        for _ in range(10):
            add(worlds[number], 1)
        ends[number]()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add_and_end, range(2)))
    assert len(places(world)) == 20
    assert_verified(world)


def test_a_worker_that_never_began_can_end() -> None:
    """gunicorn tells of it in its own process, which must go on."""
    serving._end(None, SimpleNamespace())
    serving._end(None, SimpleNamespace(wsgi=SimpleNamespace(extensions={})))


# -- clock and keys ---------------------------------------------------------------------------------------------------


def test_a_clock_that_steps_back_changes_nothing_in_the_log(world: World, clock: Clock, asker: Asker) -> None:
    made, notes = [], []
    for hours in (0, -1, 3, -2):
        clock.forward(hours=hours)
        decided = service.decide(world, {key: STEMI[key] for key in STEMI if key != "called_at"}, asker)
        made.append(decided["id"])
        clock.forward(minutes=-30)  # what happens to a decision is recorded before it was made, as it seems
        outcome = {"outcome": "accepted", "by": "triagist"}
        outcomes.record_outcome(world, decided["id"], outcome, asker)
        assert log_health(world)["waiting_seconds"] >= 0
        sequence_all(world)
        notes.append(log_proofs.checkpoint(world))
    assert [read_checkpoint(note.partition("\n\n")[0] + "\n").size for note in notes] == [2, 4, 6, 8]
    assert_verified(world, DECISIONS_LOG)
    assert entries_in_order(world) == [kind for _ in made for kind in ("decision", "outcome")]
    for decision in made:
        assert service.replay(world, decision, AUDITOR)["identical"]
    assert verify(read_capsule(orjson.dumps(capsule_of(world, made[1], AUDITOR)))).verdict == "verified"
    assert {each["id"] for each in service.search(world, AUDITOR)["decisions"]} == set(made)


def entries_in_order(world: World) -> list[str]:
    with database.reading(world.engine) as connection:
        return [logged.kind for logged in store.between(connection, DECISIONS_LOG, 0, 1_000)]


@pytest.fixture
def two_machines(world: World, open_world: Open, tmp_path: Path) -> Iterator[tuple[World, World, Path]]:
    """Two machines with a file of keys each, and the file of the second one."""
    file = tmp_path / "second" / "wegwijs.keys"
    file.parent.mkdir()
    shutil.copy(world.settings.keys_file, file)
    yield world, open_world(keys=file), file


def test_a_machine_without_the_newest_keys_goes_on_deciding_and_leaves_signing_to_others(
    two_machines: tuple[World, World, Path], asker: Asker, clock: Clock
) -> None:
    first, second, file = two_machines
    service.decide(second, STEMI, asker)
    keys_here.rotate(first, clock(), signing=True, sealing=True)
    service.decide(second, STEMI, asker)
    with pytest.raises(KeysUnusable, match=f"{file} does not hold the key that signs the log now"):
        sequence_all(second)
    service.decide(second, STEMI, asker)
    assert service.ready(second)[0]
    sealed_anew = service.decide(first, STEMI, asker)["id"]
    with pytest.raises(KeysUnusable, match="does not hold the sealing key"):
        kept_record(second, sealed_anew)
    sequence_all(first)
    assert_verified(first, DECISIONS_LOG)

    shutil.copy(first.settings.keys_file, file)  # while it runs
    assert kept_record(second, sealed_anew) == kept_record(first, sealed_anew)
    service.decide(second, STEMI, asker)
    sequence_all(second)
    assert_verified(second, DECISIONS_LOG)
    assert len(places(second, DECISIONS_LOG)) == 5


def test_a_machine_with_the_keys_of_another_log_records_nothing_until_it_has_the_right_ones(
    two_machines: tuple[World, World, Path], open_world: Open, asker: Asker, tmp_path: Path
) -> None:
    first, second, file = two_machines
    other = service.open_world(Settings(database_url=f"sqlite:///{tmp_path}/other/x.sqlite3"))
    service.upgrade(other)
    service.close_world(other)
    shutil.copy(other.settings.keys_file, file)
    with pytest.raises(KeysUnusable, match=f"{file} is not that of this log"):
        service.decide(second, STEMI, asker)
    assert not service.ready(second)[0]
    with database.reading(first.engine) as connection:
        assert store.count_waiting(connection, DECISIONS_LOG) == 0
    shutil.copy(first.settings.keys_file, file)
    service.decide(second, STEMI, asker)
    sequence_all(second)
    assert_verified(first, DECISIONS_LOG)
    assert places(first, DECISIONS_LOG) == [0]
