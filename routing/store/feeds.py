"""How the feeds that are pulled from elsewhere are doing, and the lock that keeps two from pulling the same one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from routing.store.database import Engine, reading
from routing.store.tables import FEEDS

_LOCK = 0x77656766  # any number will do, as long as every Wegwijs process uses the same


@dataclass(frozen=True, slots=True)
class Health:
    """How a feed is doing: when it was last asked and last answered well, how often it failed since, with what error.

    `etag` and `last_modified` are what its server said of what was taken last, as it was read with `configured` (a
    digest of the configuration); `counts` are those of the last report.
    """

    name: str
    configured: str
    every_seconds: int
    attempted_at: datetime
    succeeded_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    counts: Mapping[str, int] | None = None


def read_health(connection: sa.Connection) -> list[Health]:
    """All feeds that were ever asked, by name."""
    rows = connection.execute(sa.select(FEEDS).order_by(FEEDS.c.name)).mappings()
    return [Health(**{**row, "counts": orjson.loads(row["counts"]) if row["counts"] else None}) for row in rows]


def keep_health(connection: sa.Connection, health: Health) -> None:
    """Keep how a feed is doing."""
    counts = orjson.dumps(dict(health.counts)).decode() if health.counts is not None else None
    values = {**asdict(health), "counts": counts}
    if not connection.execute(FEEDS.update().where(FEEDS.c.name == health.name).values(values)).rowcount:
        connection.execute(FEEDS.insert(), values)


def forget_others(connection: sa.Connection, names: Iterable[str]) -> None:
    """Forget the feeds that are not among `names`."""
    connection.execute(FEEDS.delete().where(FEEDS.c.name.not_in(list(names))))


@contextmanager
def alone_with(engine: Engine, name: str) -> Iterator[bool]:
    """Whether nobody else pulls the feed `name` now; if so, nobody can until the block ends. On SQLite one process
    pulls all feeds, and there is nobody else. Raises StoreUnavailable."""
    if engine.dialect.name != "postgresql":
        yield True
        return
    key = zlib.crc32(name.encode()) - 2**31
    with reading(engine) as connection:
        # a lock of the session, not of a transaction, which would stand open for as long as the feed takes
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        got = bool(own.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK, key))))
        try:
            yield got
        finally:
            if got:
                own.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK, key)))
