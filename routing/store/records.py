"""Sealed records and their keys, apart from each other: without its key a record cannot be read by anybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from routing.store import database
from routing.store.tables import RECORD_KEYS, RECORDS


class Sealed(NamedTuple):
    """A record that is sealed under the key in `wrapped`, which is wrapped with the sealing key of this name."""

    sealed: bytes
    sealing_key: str
    wrapped: bytes


def keep(connection: sa.Connection, entry_id: UUID, record: Sealed) -> None:
    """Keep the record of an entry that was added."""
    database.insert_together(connection, rows_of(entry_id, record))


def rows_of(entry_id: UUID, record: Sealed) -> list[database.Row]:
    """What is inserted for a record, after its entry."""
    key = {"id": entry_id, "sealing_key": record.sealing_key, "wrapped": record.wrapped}
    return [(RECORDS, {"id": entry_id, "sealed": record.sealed}), (RECORD_KEYS, key)]


def read(connection: sa.Connection, entry_id: UUID) -> Sealed | None:
    """The record of an entry; None if it has none (any more), or its key is gone."""
    return read_all(connection, [entry_id]).get(entry_id)


def read_all(connection: sa.Connection, ids: Iterable[UUID]) -> dict[UUID, Sealed]:
    """The records of these entries, without those that were erased."""
    joined = RECORDS.join(RECORD_KEYS, RECORDS.c.id == RECORD_KEYS.c.id)
    query = sa.select(RECORDS.c.id, RECORDS.c.sealed, RECORD_KEYS.c.sealing_key, RECORD_KEYS.c.wrapped)
    found = connection.execute(query.select_from(joined).where(RECORDS.c.id.in_(list(ids))))
    return {entry_id: Sealed(sealed, name, wrapped) for entry_id, sealed, name, wrapped in found}


def destroy(connection: sa.Connection, ids: Iterable[UUID]) -> None:
    """Destroy the keys of these entries and what was sealed under them."""
    gone = list(ids)
    connection.execute(RECORD_KEYS.delete().where(RECORD_KEYS.c.id.in_(gone)))
    connection.execute(RECORDS.delete().where(RECORDS.c.id.in_(gone)))


def wrapped_with_others(connection: sa.Connection, sealing_key: str, most: int) -> list[tuple[UUID, str, bytes]]:
    """Keys that are wrapped with other sealing keys than this one, at most so many: id, sealing key, wrapped."""
    columns = RECORD_KEYS.c
    query = sa.select(columns.id, columns.sealing_key, columns.wrapped).where(columns.sealing_key != sealing_key)
    return [(entry_id, name, wrapped) for entry_id, name, wrapped in connection.execute(query.limit(most))]


def rewrap(connection: sa.Connection, entry_id: UUID, sealing_key: str, wrapped: bytes) -> None:
    """Keep the key of a record wrapped with another sealing key."""
    values = {"sealing_key": sealing_key, "wrapped": wrapped}
    connection.execute(RECORD_KEYS.update().where(RECORD_KEYS.c.id == entry_id).values(values))
