"""Connects to the database and guards its promises: a write is on disk before it counts, or it did not happen."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from routing.errors import StoreUnavailable

Engine = sa.Engine
"""A database as the use cases hold it; they need not know what is behind it."""

Connection = sa.Connection
"""A connection within one transaction, to be handed on."""

Row = tuple[sa.Table, Mapping[str, Any]]
"""What is to be inserted, and into which table."""

BUSY_SECONDS = 5
"""How long a statement waits for another writer before it gives up."""

LOOK_SECONDS = 0.001
"""How often whoever wants to write in a file of SQLite looks whether another process is done."""

TURN_SECONDS = 15
"""How long a thread waits until it may write in a file of SQLite, where others of its process write before it."""

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 15

IDLE_SECONDS = 60
"""How long a transaction may do nothing before PostgreSQL ends it: a machine that died must not keep its locks."""

_NOTICING = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
"""A machine of the database that vanishes without a word is noticed within half a minute: a request that waited for it
is refused, and so frees its thread. The system would let it wait for hours."""

_TURN = "wegwijs_turn"
"""The option of an engine that holds whose turn it is to write."""

_POOL = {"pool_size": 8, "max_overflow": 10, "pool_timeout": 5}
_POSTGRES_OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={BUSY_SECONDS}s "
    f"-c idle_in_transaction_session_timeout={IDLE_SECONDS}s "
    "-c jit=off"  # to compile a query takes longer than to run any of ours
)
_UPGRADE_LOCK = 0x77656777  # any number will do, as long as every Wegwijs process uses the same


def open_engine(url: str) -> sa.Engine:
    """An engine for `url`; connects only when it is first used. Raises StoreUnavailable without a driver or folder."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    arguments = {"connect_timeout": CONNECT_SECONDS, "options": _POSTGRES_OPTIONS, "application_name": "wegwijs"}
    arguments |= _NOTICING
    arguments = {key: value for key, value in arguments.items() if key not in parsed.query}
    try:
        return sa.create_engine(
            parsed, hide_parameters=True, pool_pre_ping=True, pool_recycle=1800, connect_args=arguments, **_POOL
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable("PostgreSQL needs its driver: pip install 'wegwijs[postgres]'") from error


def _open_sqlite(url: sa.URL) -> sa.Engine:
    assert url.database is not None
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(url.database).touch(mode=0o600)  # what is in it is about patients; SQLite's other files follow this one
    except OSError as error:
        message = f"the file of the database {url.database} cannot be made or written: {error.strerror}"
        raise StoreUnavailable(f"{message}; make its folder writable, or see WEGWIJS_DATABASE_URL") from error
    turn = {_TURN: threading.Lock()}
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}, execution_options=turn, **_POOL
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # this module begins transactions itself
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    # what is deleted is overwritten at once: it may be about a patient
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    # SQLite refuses this one statement at once, without its busy time-out, while another process begins a new file
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    # a transaction that reads first and writes later could be refused half-way: writers take the lock at once
    if not connection.get_execution_options().get("wegwijs_writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    # SQLite itself looks only ten times a second whether a file is free, and threads of another process that write one
    # after the other leave it free for less than that
    raw.execute("PRAGMA busy_timeout=0")
    try:
        _wait_until_free(raw)
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what stands in the way
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")


def _wait_until_free(raw: sqlite3.Connection) -> None:
    """Begin a transaction that writes, as soon as nobody else does; not at all if something else stands in the way."""
    deadline = time.monotonic() + BUSY_SECONDS
    while not raw.in_transaction:
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                return
            time.sleep(LOOK_SECONDS)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to read with. On PostgreSQL each statement sees what was committed until then, on SQLite all see one
    state. Raises StoreUnavailable."""
    with guarded(engine), engine.connect() as connection:
        yield connection


@contextmanager
def reading_one_state(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one state of the database throughout, whatever is written meanwhile. Raises
    StoreUnavailable."""
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def look_again(connection: sa.Connection) -> None:
    """Let a connection that only reads see everything that was committed until now."""
    connection.rollback()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose writes are committed together when the block ends, or not at all. Raises StoreUnavailable."""
    with _turn(engine), guarded(engine), engine.connect() as connection:
        writer = connection.execution_options(wegwijs_writes=True)
        with writer.begin():
            yield writer


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """Of the threads of this process only one writes in a file of SQLite at a time. SQLite itself lets those that wait
    try again now and then, without an order: of sixteen under load some would never get in before they give up."""
    lock: threading.Lock | None = engine.get_execution_options().get(_TURN)
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=TURN_SECONDS):
        raise StoreUnavailable(f"the database {engine.url.database} is too busy: others are writing")
    try:
        yield
    finally:
        lock.release()


def watch_connections(engine: sa.Engine, taken: Callable[[], None], given_back: Callable[[], None]) -> None:
    """Call `taken` whenever a connection leaves the pool, and `given_back` when it is back or was thrown away."""
    sa.event.listen(engine, "checkout", lambda *_: taken())
    sa.event.listen(engine, "checkin", lambda *_: given_back())


@contextmanager
def guarded(engine: sa.Engine) -> Iterator[None]:
    """What the database library raises within the block becomes StoreUnavailable, without values of patients."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        file = f" {engine.url.database}" if engine.dialect.name == "sqlite" else ""
        raise StoreUnavailable(f"the database{file} cannot be used: {_said(error)}") from error
    except (sa.exc.TimeoutError, sa.exc.PendingRollbackError) as error:
        raise StoreUnavailable("the database is too busy") from error


def empty_write_ahead(engine: sa.Engine) -> bool:
    """Bring what SQLite has written ahead into its file, and leave nothing of earlier states beside it; whether that is
    so now (others may still read an earlier state). Nothing has to be done elsewhere. Raises StoreUnavailable."""
    if engine.dialect.name != "sqlite":
        return True
    with guarded(engine), engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


_FILE_FAULTS = {
    sqlite3.SQLITE_READONLY: "it, the files beside it and its folder must be writable",
    sqlite3.SQLITE_CANTOPEN: "it, the files beside it and its folder must be writable",
    sqlite3.SQLITE_FULL: "make room on its disk; nothing was written by halves",
    sqlite3.SQLITE_IOERR: "look at its disk",
    sqlite3.SQLITE_BUSY: "another process is writing in it",
    sqlite3.SQLITE_CORRUPT: "bring back a backup",
    sqlite3.SQLITE_NOTADB: "see WEGWIJS_DATABASE_URL",
}
"""What SQLite may find wrong with its file, and what to do about it; it says this without values."""


def _said(error: sa.exc.DBAPIError) -> str:
    words = str(error.orig).partition("\n")[0]
    if (advice := _FILE_FAULTS.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)) is not None:
        return f"{words}; {advice}"
    # what the database says about a statement may repeat its values; about a connection it does not
    return words if error.statement is None else type(error.orig).__name__


def lock_upgrades(connection: sa.Connection) -> None:
    """Wait until no other process upgrades this database; held until the transaction ends."""
    if connection.dialect.name == "postgresql":  # on SQLite the writer holds the only lock already
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))


def migrate(connection: sa.Connection) -> None:
    """Bring the tables up to the newest shape, in the transaction of `connection`."""
    if _shape(connection) == newest_shape():
        return  # every start and every command comes here, and there is nearly never anything to do
    from alembic import command, config, util  # only needed here, and slow to import

    settings = config.Config(attributes={"connection": connection})
    settings.set_main_option("script_location", "routing.store:migrations")
    try:
        command.upgrade(settings, "head")
    except util.CommandError as error:
        raise StoreUnavailable(f"the database was made by a newer Wegwijs, or by something else: {error}") from error


def newest_shape() -> str:
    """The newest shape of the tables: the number of the last step in `migrations/versions`."""
    steps = (Path(__file__).parent / "migrations" / "versions").glob("step_*.py")
    return max(step.name.split("_")[1] for step in steps)


def _shape(connection: sa.Connection) -> str | None:
    """The shape that the tables have; None where that is not one shape, as in an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    return str(found[0]) if len(found) == 1 else None


def insert_if_absent(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> None:
    """Insert `values` unless a row with the same key is there already (another process may be faster)."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).values(values).on_conflict_do_nothing())


# -- inserting what belongs together ----------------------------------------------------------------------------------


def insert_together(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Insert rows that belong together, each after those that it refers to: in one statement where the database can.

    A decision waits for this, so the statements are written once for each set of tables and columns, and run as they
    are: that costs a third of the time.
    """
    groups = [(*alike, list(each)) for alike, each in groupby(rows, key=lambda row: (row[0], tuple(row[1])))]
    at_once = [groups] if connection.dialect.name == "postgresql" else [[group] for group in groups]
    for some in at_once:
        shape = tuple((table, names, len(given)) for table, names, given in some)
        text, binds = _written_once(connection.dialect, shape)
        values = [value for _, _, given in some for _, row in given for value in row.values()]
        bound = [value if bind is None else bind(value) for bind, value in zip(binds, values, strict=True)]
        connection.exec_driver_sql(text, tuple(bound))


_Bind = Callable[[Any], Any] | None
_Shape = tuple[tuple[sa.Table, tuple[str, ...], int], ...]
"""Tables, each with its columns and how many rows it gets."""


@lru_cache(maxsize=500)
def _written_once(dialect: sa.Dialect, shape: _Shape) -> tuple[str, tuple[_Bind, ...]]:
    """The statement that inserts what has this shape, and what makes of each value what the driver takes."""
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    *first, last = [_insert(table, names, count, mark) for table, names, count in shape]
    parts = [f"part_{number} AS ({insert})" for number, insert in enumerate(first)]
    text = f"WITH {', '.join(parts)} {last}" if parts else last
    types = (table.c[name].type for table, names, count in shape for _ in range(count) for name in names)
    return text, tuple(each.dialect_impl(dialect).bind_processor(dialect) for each in types)


def _insert(table: sa.Table, names: Sequence[str], count: int, mark: str) -> str:
    row = f"({', '.join([mark] * len(names))})"
    # only names of our own tables and columns
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {', '.join([row] * count)}"  # noqa: S608
