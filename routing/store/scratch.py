"""A database that is only there for a measurement, beside the one that is used, which is never touched."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from routing.store.database import CONNECT_SECONDS, guarded


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
