"""Disks that are full, files that cannot be written or are not the right ones: a clear word, and nothing by halves."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from routing import service
from routing.errors import StoreUnavailable
from routing.keyring import new_keyring, write_keyring
from routing.log_check import check_log
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World
from routing.settings import Settings
from routing.store import database
from tests.api.test_serve import Server
from tests.patience import PATIENCE_SECONDS
from tests.service.conftest import STEMI
from tests.service.log_load import (
    Load,
    assert_nothing_lost,
    assert_whole,
    await_true,
    opened_beside,
    quick_server,
    workers_of,
)

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# -- full -------------------------------------------------------------------------------------------------------------


@only_sqlite
def test_a_full_disk_leaves_nothing_by_halves_wherever_in_a_decision_it_is_full(world: World, asker: Asker) -> None:
    pages = Pages(world.engine)
    made = [service.decide(world, STEMI, asker)["id"]]
    for more in range(8):
        pages.most = pages.used() + more
        with pytest.raises(
            StoreUnavailable, match=r"wegwijs\.sqlite3 cannot be used: database or disk is full; make room"
        ):
            for _ in range(50):
                made.append(service.decide(world, STEMI, asker)["id"])
        with suppress(StoreUnavailable):
            sequence_all(world)
        assert check_log(world, with_records=True).wire()["verdict"] == "verified"
        pages.most = Pages.PLENTY
        assert service.decision(world, made[0], asker)["id"] == made[0]
        sequence_all(world)
        assert_whole(world, made)
        made.append(service.decide(world, STEMI, asker)["id"])
        sequence_all(world)
    assert_whole(world, made)
    assert check_log(world, with_records=True).wire()["verdict"] == "verified"


class Pages:
    """How many pages a SQLite file may have, as if its disk had no room for more."""

    PLENTY = 1_000_000

    def __init__(self, engine: database.Engine) -> None:
        self.engine, self.most = engine, self.PLENTY
        sa.event.listen(engine, "checkout", self._limit)

    def used(self) -> int:
        with database.reading(self.engine) as connection:
            return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    def _limit(self, connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {self.most}").close()


def test_a_server_on_a_full_disk_answers_503_and_goes_on_by_itself_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as filled:
        server = quick_server(tmp_path / "server", f"sqlite:///{tmp_path}/disk/wegwijs.sqlite3")
        try:
            server.start()
            with Load([server]).running() as load:
                load.more(20)
                with filled(server):
                    await_true(lambda: len(load.refused) > 10, "the disk to be full")
                    first = load.acknowledged[0]
                    # there may be just enough room to note that somebody read it; else nobody does
                    assert server.call("GET", f"/v1/decisions/{first}")[0] in (200, 503)
                    with opened_beside(server) as world:
                        assert check_log(world, with_records=True).wire()["verdict"] == "verified"
                load.more(20)
                assert server.call("GET", f"/v1/decisions/{first}")[0] == 200
                assert server.call("POST", f"/v1/decisions/{first}/replay")[1]["identical"]
            assert load.broken == 0
            assert_nothing_lost(load)
        finally:
            server.kill()


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[Server], Any]]:
    """A small disk at `folder`, and how it gets full; where no disk can be mounted the processes of the server may not
    let a file grow instead."""
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder))
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        yield lambda server: no_growth(server, folder)
        return
    try:
        yield lambda _server: filler(folder)
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


@contextmanager
def filler(folder: Path) -> Iterator[None]:
    """A file that takes the room, but for a little."""
    file = folder / "filler"
    with file.open("wb") as opened:
        for margin in (100_000, 200_000, 400_000):  # a server at work takes room between looking and filling
            room = os.statvfs(folder)
            try:
                os.posix_fallocate(opened.fileno(), 0, room.f_bavail * room.f_frsize - margin)
            except OSError as error:
                if error.errno != ENOSPC or margin == 400_000:
                    raise
            else:
                break
    yield
    file.unlink()


@contextmanager
def no_growth(server: Server, folder: Path) -> Iterator[None]:
    """Files of the server's processes do not get longer than the longest one in `folder` is."""
    assert server.process is not None
    longest = max(file.stat().st_size for file in folder.iterdir())
    ids = (server.process.pid, *workers_of(server))
    before = [
        resource.prlimit(each, resource.RLIMIT_FSIZE, (longest + 100_000, resource.RLIM_INFINITY)) for each in ids
    ]
    yield
    for each, limits in zip(ids, before, strict=True):
        resource.prlimit(each, resource.RLIMIT_FSIZE, limits)


# -- not to be written, not to be read, not the right one --------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installation: `data` and `keys`."""
    folder = tmp_path_factory.mktemp("installed")
    _upgrade(folder)
    return folder


def _upgrade(folder: Path) -> None:
    world = service.open_world(_settings(folder))
    service.upgrade(world)
    service.close_world(world)


def _settings(folder: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{folder}/data/wegwijs.sqlite3", keys=folder / "keys" / "wegwijs.keys")


@pytest.fixture
def folder(installed: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of an installation that the test may harm."""
    copied = Path(shutil.copytree(installed, tmp_path / "here"))
    yield copied
    for each in (copied, *copied.rglob("*")):
        each.chmod(0o700)


def serve(folder: Path) -> tuple[int, str]:
    """Exit code and words of `wegwijs serve` in `folder`, run by somebody to whom the permissions of files apply."""
    settings = _settings(folder)
    server = Server(folder, 0, settings.database_url, settings.keys_file)
    powerless = _without_powers if os.geteuid() == 0 else None
    ran = subprocess.run(
        server.command, env=server.environment(), capture_output=True, timeout=PATIENCE_SECONDS, preexec_fn=powerless
    )
    return ran.returncode, ran.stdout.decode() + ran.stderr.decode()


def _without_powers() -> None:
    """root, but without its right to read and write whatever it likes, once the next program begins."""
    for capability in range(64):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; of those that do not exist it says so


def assert_refused(folder: Path, *words: str) -> None:
    """`wegwijs serve` ends at once, with words for the operator, and has made and changed nothing."""
    before = contents(folder)
    code, said = serve(folder)
    assert (code, len(said.splitlines())) == (2, 1), said
    assert all(word in said for word in words), said
    assert contents(folder) == before


def contents(folder: Path) -> dict[str, Any]:
    """What lies in `folder`: the keys, and which tables the database has."""
    files = {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*")) if file.is_file()}
    tables = [_tables(file) for name, file in files.items() if name.endswith(".sqlite3")]
    keys = {name: file.read_bytes() for name, file in files.items() if name.endswith(".keys")}
    return {"tables": [each for each in tables if each], **keys}


def _tables(file: Path) -> list[str]:
    # immutable: whoever only looks leaves no files of his own behind
    with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as connection, suppress(sqlite3.DatabaseError):
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
    return []


def test_keys_that_cannot_be_written_at_the_first_start_are_said_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys").chmod(0o500)
    file = f"{folder}/keys/wegwijs.keys"
    assert_refused(folder, f"the file of keys {file} cannot be written: Permission denied", "WEGWIJS_KEYS")
    (folder / "keys").chmod(0o700)
    _upgrade(folder)  # nothing of the first attempt is in the way
    assert Path(file).is_file()


def test_a_folder_of_the_database_that_cannot_be_written_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    (folder / "data").mkdir(parents=True)
    (folder / "data").chmod(0o500)
    file = f"{folder}/data/wegwijs.sqlite3"
    assert_refused(folder, f"the file of the database {file} cannot be made", "WEGWIJS_DATABASE_URL")
    (folder / "data").chmod(0o700)
    _upgrade(folder)


def test_new_keys_are_on_disk_before_the_database_rests_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that the file has its name: else a machine that loses its power could lose it, and keep the database."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        done.append("folder on disk" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file on disk")
        sync(descriptor)

    def named(self: Path, target: Path) -> Path:
        done.append("named")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", named)
    write_keyring(tmp_path / "wegwijs.keys", new_keyring(os.urandom))
    assert done == ["file on disk", "named", "folder on disk"]


def _database_read_only(folder: Path) -> None:
    (folder / "data/wegwijs.sqlite3").chmod(0o400)


def _folder_of_database_read_only(folder: Path) -> None:
    (folder / "data").chmod(0o500)


def _no_database(folder: Path) -> None:
    (folder / "data/wegwijs.sqlite3").write_bytes(b"something else\n" * 1_000)


def _keys_unreadable(folder: Path) -> None:
    (folder / "keys/wegwijs.keys").chmod(0o000)


def _keys_open_to_others(folder: Path) -> None:
    (folder / "keys/wegwijs.keys").chmod(0o644)


def _keys_gone(folder: Path) -> None:
    (folder / "keys/wegwijs.keys").unlink()


def _keys_cut_off(folder: Path) -> None:
    file = folder / "keys/wegwijs.keys"
    file.write_bytes(file.read_bytes()[:-40])


def _keys_of_another_log(folder: Path) -> None:
    _upgrade(folder / "other")
    shutil.move(folder / "other/keys/wegwijs.keys", folder / "keys/wegwijs.keys")


@pytest.mark.parametrize(
    ("harm", "file", "words"),
    [
        (_database_read_only, "data/wegwijs.sqlite3", ("must be writable",)),
        (_folder_of_database_read_only, "data/wegwijs.sqlite3", ("must be writable",)),
        (_no_database, "data/wegwijs.sqlite3", ("file is not a database", "WEGWIJS_DATABASE_URL")),
        (_keys_unreadable, "keys/wegwijs.keys", ("cannot be read: Permission denied", "must be able to")),
        (_keys_open_to_others, "keys/wegwijs.keys", ("can be read by others", "chmod 600")),
        (_keys_gone, "keys/wegwijs.keys", ("is not there", "needs it", "WEGWIJS_KEYS")),
        (_keys_cut_off, "keys/wegwijs.keys", ("does not hold keys", "put the newest copy of it in its place")),
        (_keys_of_another_log, "keys/wegwijs.keys", ("is not that of this log",)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_is_wrong_is_named_with_what_to_do_and_nothing_is_changed(
    folder: Path, harm: Callable[[Path], None], file: str, words: tuple[str, ...]
) -> None:
    harm(folder)
    assert_refused(folder, str(folder / file), *words)
