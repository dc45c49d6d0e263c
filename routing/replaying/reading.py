"""Reads the records of decisions, many at a time and in their order; one that is damaged does not hide the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from routing.errors import BadRecord
from routing.log_here import records_of
from routing.replaying.chunks import Chunk
from routing.store import database, stretches
from routing.store.database import Connection
from routing.store.stretches import Row
from routing.world import World

PAGE = 50
"""So many records are held in memory at once."""

GONE = "its record is gone, and it was not erased"


@dataclass(frozen=True, slots=True)
class Stored:
    """A decision as it is kept: what decided, and its canonical record. Without a record it was erased, or `damage`
    says why it cannot be read."""

    id: UUID
    decided_at: datetime
    ruleset_digest: str
    vocabulary_digest: str
    directory_revision: int
    record: bytes | None
    damage: str | None = None


def records_in(world: World, chunk: Chunk) -> Iterator[Stored]:
    """The decisions of `chunk`, the oldest first. Raises StoreUnavailable."""
    after = None
    while True:
        with database.reading(world.engine) as connection:
            page = stretches.rows(connection, chunk.first, chunk.last, after, PAGE)
            records = _records(world, connection, page)
        yield from (_stored(row, records[row.id]) for row in page)
        if len(page) < PAGE:
            return
        after = (page[-1].decided_at, page[-1].id)


def one(world: World, decision_id: UUID) -> Stored:
    """This decision. Raises NotFound, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        row = stretches.row(connection, decision_id)
        return _stored(row, _records(world, connection, [row])[row.id])


def _records(world: World, connection: Connection, rows: Sequence[Row]) -> Mapping[UUID, bytes | BadRecord | None]:
    ids = [row.id for row in rows]
    try:
        found = records_of(world, connection, ids)
    except BadRecord as error:
        if len(rows) == 1:
            return {rows[0].id: error}
        return {row.id: _records(world, connection, [row])[row.id] for row in rows}
    return {key: found.get(key) for key in ids}


def _stored(row: Row, record: bytes | BadRecord | None) -> Stored:
    names = (row.id, row.decided_at, row.ruleset_digest, row.vocabulary_digest, row.directory_revision)
    if isinstance(record, bytes):
        return Stored(*names, record)
    if record is None and row.erased_at is not None:
        return Stored(*names, None)
    return Stored(*names, None, GONE if record is None else str(record))
