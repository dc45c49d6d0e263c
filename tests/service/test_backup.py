"""A backup that is made while decisions go on is brought back whole: nothing that was answered before it is missing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from routing import service
from routing.log.entry import DECISIONS_LOG
from routing.log_check import check_log
from routing.replaying.run import Wanted, replay_many
from routing.rights import Asker
from routing.sequencer import sequence
from routing.settings import Settings
from routing.store import database
from routing.store.tables import DECISIONS
from routing.world import World
from tests.postgres_cluster import postgres_programs
from tests.service.conftest import SORE_THROAT, Clock, empty_database
from tests.service.replays import fill, quietly

EVER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def elsewhere(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database to bring a backup back to; nothing is in it."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'restored.sqlite3'}"
    else:
        with empty_database(request.getfixturevalue("postgres_server")) as url:
            yield url


def bring_back(of: str, to: str, folder: Path) -> None:
    """Back the database up as docs/how-to/deploy.md says it, and bring the backup back to another database."""
    if of.startswith("sqlite"):
        files = [sqlite3.connect(url.removeprefix("sqlite:///")) for url in (of, to)]
        with closing(files[0]) as source, closing(files[1]) as target:
            source.backup(target)
        return
    programs, dump = postgres_programs(), folder / "wegwijs.dump"
    run(programs / "pg_dump", "--format=custom", f"--file={dump}", plain(of))
    run(programs / "pg_restore", f"--dbname={plain(to)}", "--no-owner", "--exit-on-error", str(dump))


def plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def run(program: Path, *arguments: str) -> None:
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def while_decisions_go_on(world: World, asker: Asker, work: Callable[[], None]) -> None:
    """Do `work` between two decisions, and others while it lasts."""
    done, began, broken = threading.Event(), threading.Event(), list[Exception]()

    def decide() -> None:
        try:
            while not done.is_set():
                service.decide(world, SORE_THROAT, asker)
                began.set()
        except Exception as error:  # noqa: BLE001 - told below, in the thread of the test
            broken.append(error)
            began.set()

    thread = threading.Thread(target=decide)
    thread.start()
    try:
        assert began.wait(60)
        work()
    finally:
        done.set()
        thread.join()
    assert not broken


def test_a_backup_that_is_brought_back_holds_all_that_was_answered_before_it(
    world: World, asker: Asker, clock: Clock, database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    answered = set(fill(world, asker, clock, copies=0)[:3])
    assert sequence(world, DECISIONS_LOG)  # some entries have their place in the backup, others get it afterwards
    answered |= {service.decide(world, SORE_THROAT, asker)["id"]}
    while_decisions_go_on(world, asker, lambda: bring_back(database_url, elsewhere, tmp_path))
    shutil.copy(world.settings.keys or "", tmp_path / "copy.keys")

    restored = service.open_world(Settings(database_url=elsewhere, keys=tmp_path / "copy.keys"), clock)
    try:
        service.upgrade(restored)
        while sequence(restored, DECISIONS_LOG):
            pass
        with database.reading(restored.engine) as connection:
            kept = {str(key) for key in connection.execute(sa.select(DECISIONS.c.id)).scalars()}
        assert answered <= kept
        checked = check_log(restored, with_records=True)
        assert (checked.problems, checked.entries) == ([], len(kept))
        again = replay_many(restored, Wanted(until=EVER, workers=1), quietly)
        assert (again["decisions"], again["identical"]) == (len(kept), len(kept))
        later = service.decide(restored, SORE_THROAT, asker)["id"]
        assert service.replay(restored, later, asker)["identical"]
    finally:
        service.close_world(restored)
