"""What is written comes back as it was, from a database of the right shape, or it is said that it does not."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from uuid_utils.compat import uuid7

from routing import service
from routing.directory_here import add_packaged
from routing.errors import BadInput, BadRecord, StoreUnavailable
from routing.rights import Asker
from routing.service import World
from routing.store import database, decision_search, decisions, directory, log, records, sources
from routing.store.cursor import read_cursor, write_cursor
from routing.store.decision_search import Search, page
from routing.store.tables import METADATA
from routing.vocabulary import digest_of

NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)


@pytest.fixture
def sourced(world: World) -> World:
    """A world whose database knows one vocabulary and one ruleset."""
    with database.writing(world.engine) as connection:
        sources.keep_vocabulary(connection, world.words, NOON)
        content = {"digest": "sha256:r", "name": "r", "version": "1.0.0", "effective_from": NOON}
        connection.execute(METADATA.tables["rulesets"].insert(), {**content, "content": b"", "first_seen": NOON})
    return world


def row(world: World, asker: Asker, at: datetime = NOON, **changes: Any) -> decisions.Row:
    values: dict[str, Any] = {
        "id": uuid7(),
        "decided_at": at,
        "urgency": 1,
        "conditions": {"stemi": "suspected"},
        "facility_id": "umc-utrecht",
        "channel": "ambulance",
        "ruleset_digest": "sha256:r",
        "vocabulary_digest": world.words.digest,
        "directory_revision": 1,
        "supersedes": None,
        "key_id": UUID(asker.key_id),
    }
    return decisions.Row(**{**values, **changes})


def append(world: World, added: decisions.Row) -> UUID:
    with database.writing(world.engine) as connection:
        decisions.append(connection, added)
    return added.id


def found(world: World, **wanted: Any) -> list[UUID]:
    with database.reading(world.engine) as connection:
        return [each.id for each in page(connection, Search(**wanted), None, 100).rows]


def newest(connection: sa.Connection) -> int | None:
    """The number of the newest directory."""
    found = directory.head(connection)
    return found.revision if found is not None else None


def test_the_migrations_make_the_tables_that_the_code_expects(world: World) -> None:
    with database.reading(world.engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_upgrade_can_be_repeated(world: World) -> None:
    service.upgrade(world)
    service.upgrade(world)
    with database.reading(world.engine) as connection:
        assert newest(connection) == 1


def test_the_newest_shape_is_the_last_step_of_the_migrations() -> None:
    assert (
        database.newest_shape()
        == ScriptDirectory(str(Path(database.__file__).parent / "migrations")).get_current_head()
    )


def test_a_database_that_is_up_to_date_needs_no_migrations(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of a database that is up to date does not even load them: that takes memory for as long as it lives."""
    monkeypatch.setitem(sys.modules, "alembic", None)
    service.upgrade(world)
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0013'")
    with pytest.raises(ImportError):
        service.upgrade(world)


def test_a_database_of_a_newer_version_is_refused(world: World) -> None:
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="newer"):
        service.upgrade(world)


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """In a process of its own: tests wait for a lock longer than the product does."""
    looked_at = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
    program = f"""
import json
from routing.store import database
with database.reading(database.open_engine("sqlite:///{tmp_path}/x.sqlite3")) as connection:
    print(json.dumps({{each: connection.exec_driver_sql(f"PRAGMA {{each}}").scalar() for each in {looked_at!r}}}))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seen = json.loads(ran.stdout)
    assert seen == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }


def test_an_entry_comes_back_as_it_was(sourced: World, asker: Asker) -> None:
    decision_id = append(sourced, row(sourced, asker))
    with database.writing(sourced.engine) as connection:
        log.add(connection, "decisions", decision_id, "decision", b"an entry", NOON)
        records.keep(connection, decision_id, records.Sealed(b"sealed", "a key", b"wrapped"))
    with database.reading(sourced.engine) as connection:
        assert log.read(connection, "decisions", decision_id) == log.Logged(
            decision_id, "decision", NOON, b"an entry", None
        )
        assert log.read(connection, "access", decision_id) is None
        assert log.read(connection, "decisions", uuid7()) is None
        assert records.read(connection, decision_id) == (b"sealed", "a key", b"wrapped")
        assert records.read(connection, uuid7()) is None
        assert decisions.exists(connection, decision_id)
        assert not decisions.exists(connection, uuid7())


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(hours=1), timedelta(hours=-11)])
def test_a_moment_is_the_same_moment_in_every_time_zone(sourced: World, asker: Asker, offset: timedelta) -> None:
    moment = datetime(2026, 10, 25, 0, 59, 59, 123456, UTC)  # an hour before the clock goes back
    append(sourced, row(sourced, asker, moment.astimezone(timezone(offset))))
    with database.reading(sourced.engine) as connection:
        (seen,) = page(connection, Search(since=moment), None, 10).rows
        assert not page(connection, Search(until=moment), None, 10).rows
    assert seen.decided_at == moment
    assert seen.decided_at.tzinfo == UTC


def test_a_time_without_offset_is_not_written(sourced: World, asker: Asker) -> None:
    with pytest.raises(ValueError, match="offset"):
        append(sourced, row(sourced, asker, datetime(2026, 11, 18, 12)))


def test_search_asks_for_all_that_is_given(sourced: World, asker: Asker) -> None:
    first = append(sourced, row(sourced, asker))
    second = append(sourced, row(sourced, asker, NOON + timedelta(hours=1), urgency=3, conditions={}, facility_id=None))
    third = append(sourced, row(sourced, asker, NOON + timedelta(hours=2), conditions={"cva": "possible", "tia": "x"}))
    assert found(sourced) == [third, second, first]
    assert found(sourced, urgency=1) == [third, first]
    assert found(sourced, condition="cva") == [third]
    assert found(sourced, facility_id="umc-utrecht") == [third, first]
    assert found(sourced, since=NOON + timedelta(hours=1)) == [third, second]
    assert found(sourced, until=NOON + timedelta(hours=1)) == [first]
    assert found(sourced, urgency=3, condition="cva") == []


def test_a_decision_can_only_rest_on_what_is_kept(sourced: World, asker: Asker) -> None:
    for changes in (
        {"ruleset_digest": "sha256:other"},
        {"vocabulary_digest": "sha256:other"},
        {"directory_revision": 7},
        {"supersedes": uuid7()},
        {"key_id": uuid7()},
    ):
        with pytest.raises(StoreUnavailable):
            append(sourced, row(sourced, asker, **changes))
    assert found(sourced) == []


def test_a_broken_block_leaves_nothing_behind(sourced: World, asker: Asker) -> None:
    with pytest.raises(ZeroDivisionError), database.writing(sourced.engine) as connection:
        decisions.append(connection, row(sourced, asker))
        raise ZeroDivisionError
    assert found(sourced) == []


def test_an_error_of_the_database_does_not_repeat_values(sourced: World, asker: Asker) -> None:
    taken = row(sourced, asker, channel="secret")
    append(sourced, taken)
    with pytest.raises(StoreUnavailable) as raised:
        append(sourced, taken)
    assert "secret" not in f"{raised.value} {raised.value.__cause__}"


def test_content_that_changed_is_found(world: World) -> None:
    with database.writing(world.engine) as connection:
        table = METADATA.tables["directory_revisions"]
        connection.execute(table.update().values(digest=digest_of("something else")))
    with database.reading(world.engine) as connection, pytest.raises(BadRecord):
        directory.read_whole(connection, 1)


def test_another_directory_is_another_revision(world: World) -> None:
    content: dict[str, Any] = {"reference_date": "2026-01", "facilities": []}
    other = {**content, "holidays": ["2026-12-25"]}
    with database.writing(world.engine) as connection:
        revisions = [
            add_packaged(connection, each, "test", world.words, NOON) for each in (content, content, other, content)
        ]
        assert revisions == [2, 2, 3, 4]
        assert newest(connection) == 4
        assert directory.read_whole(connection, 3).content["holidays"] == ["2026-12-25"]


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{tmp_path}/new/x.sqlite3")
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    engine.dispose()
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    engine = database.open_engine("postgresql+psycopg://nobody:secret@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable) as raised, database.reading(engine):
        pass
    assert "secret" not in str(raised.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file"):
        database.open_engine(f"sqlite:///{tmp_path}/file/x.sqlite3")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_text("this is not a database, but it is long enough to look like one " * 40)
    engine = database.open_engine(f"sqlite:///{tmp_path}/x.sqlite3")
    with pytest.raises(StoreUnavailable), database.reading(engine):
        pass
    engine.dispose()


def test_a_writer_that_waits_too_long_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    engine = database.open_engine(f"sqlite:///{tmp_path}/x.sqlite3")
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    other = sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable), database.writing(engine):
        pass
    other.close()
    engine.dispose()


ID = "01a20243bf417c2f9d1a7c2c4f3c9b11"


def cursors() -> Iterator[str]:
    yield from ("", "x", "%%%", "é", "A" * 500, write_cursor("only one"), write_cursor("no time", ID))
    yield from (write_cursor(NOON.isoformat(), "no id"), write_cursor("2026-11-18T12:00:00", ID))
    yield from (write_cursor(NOON.isoformat(), ID) + "=x", write_cursor(1, 2), write_cursor(True, "x"))


@pytest.mark.parametrize("cursor", list(cursors()))
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput) as raised:
        decision_search.position(cursor)
    assert raised.value.faults[0].field == "cursor"


def test_a_cursor_comes_back_as_it_was() -> None:
    position = (NOON, uuid7())
    assert decision_search.position(decision_search.cursor(position)) == position
    assert read_cursor(write_cursor(1.5, "é"), float, str) == [1.5, "é"]


def test_a_new_file_that_another_process_begins_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite3"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    engine = database.open_engine(f"sqlite:///{file}")
    try:
        with database.reading(engine) as connection:
            assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
    finally:
        release.join()
        engine.dispose()
        other.close()


# -- inserting what belongs together


def test_rows_that_belong_together_are_all_inserted_or_none(sourced: World, asker: Asker) -> None:
    added = row(sourced, asker, conditions={"cva": "possible", "tia": "suspected"})
    entry = log.row_of("decisions", added.id, "decision", b"an entry", NOON)
    sealed = records.rows_of(added.id, records.Sealed(b"sealed", "a key", b"wrapped"))
    with database.writing(sourced.engine) as connection:
        database.insert_together(connection, [entry, *sealed, *decisions.rows_of(added)])
    with pytest.raises(StoreUnavailable), database.writing(sourced.engine) as connection:
        another = log.row_of("decisions", uuid7(), "decision", b"another", NOON)
        database.insert_together(connection, [another, *decisions.rows_of(added)])
    with database.reading(sourced.engine) as connection:
        assert log.read(connection, "decisions", added.id) is not None
        assert records.read(connection, added.id) == records.Sealed(b"sealed", "a key", b"wrapped")
        assert log.count_waiting(connection, "decisions") == 1
    assert found(sourced) == [added.id]


# -- going through a long log


def placed(world: World, count: int) -> list[UUID]:
    """Entries with their positions."""
    ids = [uuid7() for _ in range(count)]
    with database.writing(world.engine) as connection:
        for number, entry_id in enumerate(ids):
            log.add(connection, "decisions", entry_id, "decision", b"entry %d" % number, NOON)
        log.place(connection, 0, ids)
    return ids


def test_what_is_missing_is_found_bit_by_bit(sourced: World, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_CHUNK", 3)
    ids = placed(sourced, 8)
    lost = [append(sourced, row(sourced, asker)) for _ in range(7)]
    with database.writing(sourced.engine) as connection:
        for entry_id in ids[:5]:
            records.keep(connection, entry_id, records.Sealed(b"sealed", "a key", b"wrapped"))
        wrapped = METADATA.tables["record_keys"]
        connection.execute(wrapped.delete().where(wrapped.c.id == ids[2]))
        decisions.append(connection, row(sourced, asker, id=ids[6]))
    with database.reading(sourced.engine) as connection:
        assert [entry for _, entry in log.bytes_between(connection, "decisions", 1, 9)] == [
            b"entry %d" % number for number in range(1, 8)
        ]
        kept = list(log.kept_between(connection, "decisions", 0, 9))
        assert [each.id for each in kept] == ids
        assert [each.has_record for each in kept] == [True, True, False, True, True, False, False, False]
        assert log.decisions_without_entry(connection, "decisions", 100) == sorted(lost)
        assert len(log.decisions_without_entry(connection, "decisions", 4)) == 4
        assert log.span(connection, "decisions") == (0, 8)


def test_a_position_is_given_once(sourced: World) -> None:
    ids = placed(sourced, 2)
    with pytest.raises(BadRecord, match="do not wait any more"), database.writing(sourced.engine) as connection:
        log.place(connection, 2, ids)


def test_of_many_who_write_at_once_in_one_process_nobody_is_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)  # of SQLite itself some would give up after so long
    engine = database.open_engine(f"sqlite:///{tmp_path}/busy.sqlite3")
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE written (n INTEGER)")

    def write(number: int) -> None:
        for _ in range(3):
            with database.writing(engine) as connection:
                connection.exec_driver_sql(f"INSERT INTO written VALUES ({number})")
                time.sleep(0.03)  # a slow disk

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(write, range(12)))
    with database.reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM written").scalar() == 36
    engine.dispose()


def test_a_process_that_writes_on_and_on_leaves_others_their_turn(tmp_path: Path) -> None:
    url, done = f"sqlite:///{tmp_path}/busy.sqlite3", threading.Event()
    greedy, other = database.open_engine(url), database.open_engine(url)  # as two processes have them
    with database.writing(greedy) as connection:
        connection.exec_driver_sql("CREATE TABLE written (n INTEGER)")

    def write_on_and_on(number: int) -> None:
        while not done.is_set():
            with database.writing(greedy) as connection:
                connection.exec_driver_sql(f"INSERT INTO written VALUES ({number})")
                time.sleep(0.002)

    with ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(write_on_and_on, number) for number in range(4)]
        try:
            for _ in range(10):
                with database.writing(other) as connection:
                    connection.exec_driver_sql("INSERT INTO written VALUES (99)")
        finally:
            done.set()
        for each in writing:
            each.result()
    with database.reading(other) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM written WHERE n = 99").scalar() == 10
    for engine in (greedy, other):
        engine.dispose()


def test_who_waits_too_long_for_a_turn_to_write_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "TURN_SECONDS", 0.05)
    engine = database.open_engine(f"sqlite:///{tmp_path}/busy.sqlite3")
    with database.writing(engine), ThreadPoolExecutor(1) as other:

        def write() -> None:
            with database.writing(engine):
                raise AssertionError("two write at once")

        with pytest.raises(StoreUnavailable, match="others are writing"):
            other.submit(write).result()
    engine.dispose()
