"""A database that is only there for a measurement, beside the one that is used, which is never touched."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from routing.store import database, decisions
from routing.store.database import CONNECT_SECONDS, guarded
from routing.store.tables import DECISION_CONDITIONS, DECISIONS, LOG_ENTRIES, RECORD_KEYS, RECORDS

_BARE = DECISIONS.to_metadata(sa.MetaData())
_BARE.append_column(sa.Column("record", sa.LargeBinary))

Like = tuple[decisions.Row, bytes]
"""A decision as one searches for it, and its entry."""


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The address of a new, empty database of the kind of `url`: on the same PostgreSQL server (the user must be
    allowed to make one), or a file in a folder of its own. It is gone when the block ends. Raises StoreUnavailable."""
    given = sa.make_url(url)
    if given.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory(prefix="wegwijs-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'wegwijs.sqlite3'}"
        return
    name = f"wegwijs_bench_{secrets.token_hex(6)}"
    engine = sa.create_engine(
        given, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args={"connect_timeout": CONNECT_SECONDS}
    )
    try:
        with guarded(engine), engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield given.set(database=name).render_as_string(hide_password=False)
        finally:
            with guarded(engine), engine.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        engine.dispose()


# -- a decision as it would be kept without a log ---------------------------------------------------------------------


def add_record_column(connection: sa.Connection) -> None:
    """Let a row of a decision hold its record."""
    kind = sa.LargeBinary().compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {DECISIONS.name} ADD COLUMN record {kind}")


def bare_rows(row: decisions.Row, record: bytes) -> list[database.Row]:
    """What would be inserted for a decision if there were no log: its row with the packed record, its conditions."""
    (_, values), *coded = decisions.rows_of(row)
    return [(_BARE, {**values, "record": record}), *coded]


def remove_bare_rows(connection: sa.Connection) -> None:
    """Take away the rows that stand in no log."""
    bare = sa.select(_BARE.c.id).where(_BARE.c.record.is_not(None))
    connection.execute(DECISION_CONDITIONS.delete().where(DECISION_CONDITIONS.c.decision_id.in_(bare)))
    connection.execute(_BARE.delete().where(_BARE.c.record.is_not(None)))


# -- a row as large as a decision, and nothing else -------------------------------------------------------------------

_ROWS = sa.Table(
    "bare_rows", sa.MetaData(), sa.Column("id", sa.Uuid, primary_key=True), sa.Column("content", sa.LargeBinary)
)


def make_bare_table(connection: sa.Connection) -> None:
    """Make the table of such rows."""
    _ROWS.create(connection)


def add_bare_row(connection: sa.Connection, content: bytes) -> None:
    """Add such a row."""
    connection.execute(_ROWS.insert(), {"id": uuid7(), "content": content})


def bytes_of_a_decision(connection: sa.Connection) -> int:
    """How many bytes the sealed record, its key and its entry have on average."""
    sizes = (
        sa.select(sa.func.avg(sa.func.length(column)))
        for column in (RECORDS.c.sealed, RECORD_KEYS.c.wrapped, LOG_ENTRIES.c.entry)
    )
    return sum(int(connection.scalar(size) or 0) for size in sizes)


# -- a long log -------------------------------------------------------------------------------------------------------


def some_entries(connection: sa.Connection, log: str, most: int) -> list[Like]:
    """Entries of decisions that others can be made like, at most so many."""
    columns = [column for column in DECISIONS.c if column.name in decisions.Row.__dataclass_fields__]
    rows = connection.execute(sa.select(*columns).order_by(DECISIONS.c.id).limit(most)).mappings()
    found = [decisions.Row(conditions={}, **row) for row in rows]
    query = sa.select(LOG_ENTRIES.c.id, LOG_ENTRIES.c.entry).where(LOG_ENTRIES.c.log == log)
    entries = {}
    for entry_id, entry in connection.execute(query.where(LOG_ENTRIES.c.id.in_([row.id for row in found]))):
        entries[entry_id] = entry
    return [(row, entries[row.id]) for row in found]


def add_like(connection: sa.Connection, log: str, made: Sequence[tuple[UUID, Like]]) -> None:
    """Add entries like real ones but for their ids, each with its row, and with a record that nobody can open."""
    columns = [name for name in decisions.Row.__dataclass_fields__ if name not in ("id", "conditions")]
    entries, rows = [], []
    for entry_id, (row, entry) in made:
        renamed = entry.replace(str(row.id).encode(), str(entry_id).encode())
        values = {"id": entry_id, "log": log, "kind": "decision", "logged_at": row.decided_at, "entry": renamed}
        entries.append(values)
        rows.append({"id": entry_id, **{name: getattr(row, name) for name in columns}})
    ids = [entry_id for entry_id, _ in made]
    connection.execute(LOG_ENTRIES.insert(), entries)
    connection.execute(RECORDS.insert(), [{"id": entry_id, "sealed": b"nothing"} for entry_id in ids])
    keys = [{"id": entry_id, "sealing_key": "none", "wrapped": b"nothing"} for entry_id in ids]
    connection.execute(RECORD_KEYS.insert(), keys)
    connection.execute(DECISIONS.insert(), rows)
