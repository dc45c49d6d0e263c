"""A world of its own for every test, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from routing import cli, service
from routing.keys_here import keyring_of
from routing.log_here import make_ready
from routing.rights import Asker
from routing.service import World
from routing.settings import Settings
from routing.store import database, records
from routing.store.tables import LOG_ENTRIES
from tests.patience import await_true

SERVER = os.environ.get("WEGWIJS_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")

STEMI: dict[str, Any] = {
    "channel": "ambulance",
    "called_at": "2026-11-18T13:50:00+01:00",
    "patient": {"age_years": 67, "sex": "male"},
    "location": {"lat": 52.0907, "lon": 5.1214},
    "complaint": "chest_pain",
    "observations": {"heart_rate": 112, "systolic_bp": 128, "temperature": 36.7, "ecg_st_elevation": True},
    "transport": "ambulance",
}
"""A man of 67 in Utrecht with ST elevation on the ECG."""

SORE_THROAT: dict[str, Any] = {
    "patient": {"age_years": 24},
    "location": {"postcode": "9712"},
    "observations": {"sore_throat": True},
}


AUDITOR = Asker("", "auditor", frozenset({"auditor"}))
"""Who looks at the server itself."""


class Clock:
    """A clock that stands still until it is moved: a Wednesday afternoon."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.Engine]:
    address = sa.make_url(SERVER.replace("postgresql://", "postgresql+psycopg://")).set(database="postgres")
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 60})
    try:
        server.connect().close()
    except sa.exc.OperationalError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("no PostgreSQL server answers at WEGWIJS_TEST_POSTGRES (default: 127.0.0.1:5432)")
    yield server
    server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; for a test with a `world`, of one that is up to date."""
    upgraded = request.getfixturevalue(f"upgraded_{request.param}") if "world" in request.fixturenames else None
    if request.param == "sqlite":
        path = tmp_path / "data" / "wegwijs.sqlite3"
        if upgraded is not None:
            path.parent.mkdir()
            shutil.copy(upgraded.url.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    with empty_database(request.getfixturevalue("postgres_server"), upgraded and upgraded.url) as url:
        yield url


@contextmanager
def empty_database(server: sa.Engine, like: str | None = None) -> Iterator[str]:
    """The address of a database on `server`, or of a copy of the one at `like`, that is gone when the block ends."""
    name = f"wegwijs_test_{os.getpid()}_{secrets.token_hex(4)}"
    template = f" TEMPLATE {sa.make_url(like).database}" if like else ""
    _once_nobody_is_connected(server, f"CREATE DATABASE {name}{template}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    _once_nobody_is_connected(server, f"DROP DATABASE {name} WITH (FORCE)")


def _once_nobody_is_connected(server: sa.Engine, statement: str) -> None:
    """Run `statement`, which PostgreSQL refuses while a process of its own is not gone yet that served a connection."""

    def done() -> bool:
        try:
            with server.connect() as connection:
                connection.exec_driver_sql(statement)
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, psycopg.errors.ObjectInUse):
                return False
            raise
        return True

    await_true(done, "connections to a database to end")


@dataclass(frozen=True)
class Upgraded:
    """A database that is up to date and that nobody uses, to make copies of, and the file with the keys of its logs."""

    url: str
    keys: Path


def upgraded(url: str, keys: Path) -> Upgraded:
    """The database at `url`, brought up to date."""
    opened = service.open_world(Settings(database_url=url, keys=keys), Clock())
    service.upgrade(opened)
    service.close_world(opened)
    return Upgraded(url, keys)


@pytest.fixture(scope="session")
def upgraded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    folder = tmp_path_factory.mktemp("upgraded")
    return upgraded(f"sqlite:///{folder}/wegwijs.sqlite3", folder / "wegwijs.keys")


@pytest.fixture(scope="session")
def upgraded_postgresql(postgres_server: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    with empty_database(postgres_server) as url:
        yield upgraded(url, tmp_path_factory.mktemp("upgraded") / "wegwijs.keys")


@pytest.fixture
def clock() -> Clock:
    return Clock()


Open = Callable[..., World]


@pytest.fixture
def open_world(database_url: str, clock: Clock, tmp_path: Path) -> Iterator[Open]:
    """Opens another world on the same database, as another process would."""
    opened: list[World] = []

    def another(**settings: Any) -> World:
        settings = {"keys": tmp_path / "wegwijs.keys", **settings}
        opened.append(service.open_world(Settings(database_url=database_url, **settings), clock))
        return opened[-1]

    yield another
    for world in opened:
        service.close_world(world)


@pytest.fixture
def world(open_world: Open, database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A world with a database that is up to date."""
    kind = database_url.partition(":")[0].partition("+")[0]
    copied: Upgraded = request.getfixturevalue(f"upgraded_{kind}")
    shutil.copy(copied.keys, tmp_path / "wegwijs.keys")
    return open_world()


@pytest.fixture
def asker(world: World) -> Asker:
    """A triagist."""
    found = service.authenticate(world, service.create_key(world, "test", frozenset({"triagist"})))
    assert found is not None
    return found


def kept_record(world: World, decision_id: str) -> dict[str, Any]:
    """The record of a decision as its JSON is read; decimals stay as they are written."""
    found: dict[str, Any] = json.loads(service.record_of(world, decision_id, AUDITOR, "read"))
    return found


def replace_record(world: World, record: dict[str, Any]) -> None:
    """Put another record, with its entry, in the place of the one with its id, as if it had been made like that."""
    made = make_ready(keyring_of(world), "decision", record)
    with database.writing(world.engine) as connection:
        connection.execute(LOG_ENTRIES.update().where(LOG_ENTRIES.c.id == made.id).values(entry=made.entry))
        records.destroy(connection, [made.id])
        records.keep(connection, made.id, made.record)


LONG_ON_SQLITE = (
    "test_bench_log",
    "test_directory_promise",
    "test_log_killed",
    "test_repeats_killed",
    "test_replay_cluster",
    "test_replay_command",
    "test_replay_of_many",
    "test_sign_in",
    "test_webhooks",
)
"""Modules that are run on SQLite with `-m long` only: they take minutes, on PostgreSQL they are in every run, and most
of what they call is tried on SQLite by the tests of the API."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in LONG_ON_SQLITE and "[sqlite" in item.name:
            item.add_marker("long")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command in a folder of its own, with a database of its own: exit code, output, messages."""
    monkeypatch.setenv("WEGWIJS_DATABASE_URL", f"sqlite:///{tmp_path}/data/wegwijs.sqlite3")
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, stdin: Any = None) -> tuple[int, str, str]:
        if stdin is not None:
            text = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
        code = cli.main(arguments)
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return command


@pytest.fixture
def ruleset(tmp_path: Path) -> Path:
    """A copy of the packaged ruleset."""
    (source,) = Path(str(files("rulesets"))).glob("acute-nl/1.0.0")
    return Path(shutil.copytree(source, tmp_path / "mine"))
