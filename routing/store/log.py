"""Logs of entries: they are added, get a place in a tree soon afterwards, and are never changed.

Whoever adds an entry needs no lock. One sequencer at a time gives the entries that were committed their positions; the
lock that it holds ends with its transaction, so nothing has to be cleaned up after one that dies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from routing.errors import BadRecord
from routing.store import database
from routing.store.tables import (
    DECISIONS,
    LOG_CHECKPOINTS,
    LOG_ENTRIES,
    LOG_KEYS,
    LOG_TILES,
    RECORD_KEYS,
    RECORDS,
)

_ENTRIES, _TILES, _CHECKPOINTS, _KEYS = LOG_ENTRIES.c, LOG_TILES.c, LOG_CHECKPOINTS.c, LOG_KEYS.c
_LOCK = 0x7767_6C6F  # with the number of the log below it; any number will do that no other lock of Wegwijs has
_LOGGED = sa.select(
    _ENTRIES.id, _ENTRIES.kind, _ENTRIES.logged_at, _ENTRIES.entry, _ENTRIES.position, _ENTRIES.decision_id
)
_PLACE = (
    LOG_ENTRIES.update()
    .where(_ENTRIES.id == sa.bindparam("entry_id"), _ENTRIES.position.is_(None))
    .values(position=sa.bindparam("place"))
)
_TILE = sa.select(_TILES.hashes).where(
    _TILES.log == sa.bindparam("of_log"),
    _TILES.level == sa.bindparam("at_level"),
    _TILES.number == sa.bindparam("with_number"),
)
_CHUNK = 10_000
_IDS = 500

# Looked up for each entry by itself: a planner that would rather read all records at once could do so for every chunk.
_HAS_RECORD = sa.and_(
    *(
        sa.select(table.c.id).where(table.c.id == _ENTRIES.id).correlate(LOG_ENTRIES).scalar_subquery().is_not(None)
        for table in (RECORDS, RECORD_KEYS)
    )
)


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it stands in a log; `position` is None as long as it waits for its place in the tree;
    `decision_id` is the decision that it is about, where it is not that decision itself."""

    id: UUID
    kind: str
    logged_at: datetime
    entry: bytes
    position: int | None
    decision_id: UUID | None = None


class Kept(NamedTuple):
    """An entry, and whether its record is there with its key."""

    id: UUID
    kind: str
    decision_id: UUID | None
    entry: bytes
    has_record: bool


@dataclass(frozen=True, slots=True)
class LogKey:
    """A public key of a log, as text; `statement` announces it, signed with the key before it."""

    number: int
    vkey: str
    statement: str | None
    added_at: datetime


# -- entries ----------------------------------------------------------------------------------------------------------


def add(
    connection: sa.Connection,
    log: str,
    entry_id: UUID,
    kind: str,
    entry: bytes,
    now: datetime,
    decision_id: UUID | None = None,
) -> None:
    """Add an entry. It counts when the transaction is committed, and waits for its position. `decision_id` is the
    decision that it is about, where it is not that decision itself."""
    database.insert_together(connection, [row_of(log, entry_id, kind, entry, now, decision_id)])


def row_of(
    log: str, entry_id: UUID, kind: str, entry: bytes, now: datetime, decision_id: UUID | None = None
) -> database.Row:
    """What is inserted for an entry; see `add`."""
    values = {"id": entry_id, "log": log, "kind": kind, "logged_at": now, "entry": entry, "decision_id": decision_id}
    return LOG_ENTRIES, values


def read(connection: sa.Connection, log: str, entry_id: UUID) -> Logged | None:
    """The entry with this id, if there is one in this log."""
    found = connection.execute(_LOGGED.where(_ENTRIES.id == entry_id, _ENTRIES.log == log)).one_or_none()
    return None if found is None else Logged(*found)


def between(connection: sa.Connection, log: str, first: int, last: int) -> Iterator[Logged]:
    """The entries with the positions from `first` up to and not including `last`, in their order, read bit by bit."""
    for found in _bit_by_bit(connection, _LOGGED, log, first, last):
        yield Logged(*found)


def bytes_between(connection: sa.Connection, log: str, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Position and bytes of the entries from `first` up to and not including `last`: what it takes to verify them."""
    yield from _bit_by_bit(connection, sa.select(_ENTRIES.position, _ENTRIES.entry), log, first, last)


def _bit_by_bit(connection: sa.Connection, query: sa.Select[Any], log: str, first: int, last: int) -> Iterator[Any]:
    begin, end = sa.bindparam("begin", type_=sa.BigInteger), sa.bindparam("end", type_=sa.BigInteger)
    chunk = query.where(_ENTRIES.log == log, _ENTRIES.position >= begin, _ENTRIES.position < end)
    ordered = chunk.order_by(_ENTRIES.position)
    for start in range(first, last, _CHUNK):
        yield from connection.execute(ordered, {"begin": start, "end": min(start + _CHUNK, last)})


def about(connection: sa.Connection, log: str, decision_id: UUID) -> list[Logged]:
    """What stands in `log` of a decision besides its own entry: outcomes and erasures, in the order of the log."""
    query = _LOGGED.where(_ENTRIES.log == log, _ENTRIES.decision_id == decision_id)
    found = connection.execute(query.order_by(_ENTRIES.position, _ENTRIES.logged_at, _ENTRIES.id))
    return [Logged(*each) for each in found]


def waiting(connection: sa.Connection, log: str, most: int) -> Sequence[tuple[UUID, bytes]]:
    """The entries that wait for a position, the oldest first, at most so many: id and bytes. What is about a decision
    comes after the decisions, also where a clock went back."""
    query = sa.select(_ENTRIES.id, _ENTRIES.entry, _ENTRIES.logged_at, _ENTRIES.decision_id)
    query = query.where(_ENTRIES.log == log, _ENTRIES.position.is_(None))
    oldest = query.order_by(_ENTRIES.logged_at, _ENTRIES.id).limit(most).subquery().c
    order = (oldest.decision_id.is_not(None), oldest.logged_at, oldest.id)
    found = connection.execute(sa.select(oldest.id, oldest.entry).order_by(*order))
    return [(entry_id, entry) for entry_id, entry in found]


def logs_waiting(connection: sa.Connection) -> Sequence[str]:
    """The logs in which entries wait for a position."""
    query = sa.select(_ENTRIES.log).where(_ENTRIES.position.is_(None)).distinct().order_by(_ENTRIES.log)
    return list(connection.scalars(query))


def oldest_waiting(connection: sa.Connection, log: str) -> datetime | None:
    """Since when the oldest entry waits for its position; None if none does."""
    query = sa.select(sa.func.min(_ENTRIES.logged_at)).where(_ENTRIES.log == log, _ENTRIES.position.is_(None))
    found: datetime | None = connection.scalar(query)
    return found


def count_waiting(connection: sa.Connection, log: str) -> int:
    """How many entries wait for a position."""
    query = sa.select(sa.func.count()).where(_ENTRIES.log == log, _ENTRIES.position.is_(None))
    return int(connection.scalar(query.select_from(LOG_ENTRIES)) or 0)


def erased_decisions(connection: sa.Connection, log: str) -> frozenset[UUID]:
    """The decisions of which an erasure stands in the log."""
    # few entries are about another decision, and those are found without going through all
    about = (_ENTRIES.decision_id.is_not(None), _ENTRIES.kind == "erasure", _ENTRIES.log == log)
    return frozenset(connection.scalars(sa.select(_ENTRIES.decision_id).where(*about)))


def kept_between(connection: sa.Connection, log: str, first: int, last: int) -> Iterator[Kept]:
    """What is kept of the entries from `first` up to and not including `last`, in their order, read bit by bit."""
    query = sa.select(_ENTRIES.id, _ENTRIES.kind, _ENTRIES.decision_id, _ENTRIES.entry, _HAS_RECORD)
    for entry_id, kind, decision_id, entry, has_record in _bit_by_bit(connection, query, log, first, last):
        yield Kept(entry_id, kind, decision_id, entry, bool(has_record))


def decisions_without_entry(connection: sa.Connection, log: str, most: int) -> Sequence[UUID]:
    """Decisions of which no entry stands in the log, at most so many."""
    ids = sa.select(DECISIONS.c.id).order_by(DECISIONS.c.id)
    found: list[UUID] = []
    after: UUID | None = None
    while len(found) < most:
        rest = ids if after is None else ids.where(DECISIONS.c.id > after)
        end = connection.scalar(rest.offset(_CHUNK - 1).limit(1))
        chunk = rest if end is None else rest.where(DECISIONS.c.id <= end)
        found += connection.scalars(chunk.where(_entry_of_decision(log).is_(None)).limit(most - len(found)))
        if end is None:
            break
        after = end
    return found


def _entry_of_decision(log: str) -> sa.ScalarSelect[UUID]:
    entry = sa.select(_ENTRIES.id).where(_ENTRIES.id == DECISIONS.c.id, _ENTRIES.log == log)
    return entry.correlate(DECISIONS).scalar_subquery()


# -- sequencing -------------------------------------------------------------------------------------------------------


def try_lock(connection: sa.Connection, log: str) -> bool:
    """Take the lock of the sequencer of `log` until the transaction ends; False if another one has it."""
    if connection.dialect.name != "postgresql":  # on SQLite the writer holds the only lock already
        return True
    taken = sa.func.pg_try_advisory_xact_lock(_LOCK, sa.func.hashtext(log))
    return bool(connection.scalar(sa.select(taken)))


def lock(connection: sa.Connection, log: str) -> None:
    """Wait for the lock of the sequencer of `log`, and hold it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK, sa.func.hashtext(log))))


def place(connection: sa.Connection, first: int, ids: Sequence[UUID]) -> None:
    """Give the entries with these ids the positions from `first` on. The caller holds the lock. Raises BadRecord if one
    of them has a position: then the tree would not be that of the entries."""
    placed = (_place_at_once if connection.dialect.name == "postgresql" else _place_each)(connection, first, ids)
    if placed != len(ids):
        raise BadRecord(f"of {len(ids)} entries that waited for a position {len(ids) - placed} do not wait any more")


def _place_each(connection: sa.Connection, first: int, ids: Sequence[UUID]) -> int:
    values = [{"entry_id": entry_id, "place": position} for position, entry_id in enumerate(ids, first)]
    return connection.execute(_PLACE, values).rowcount


def _place_at_once(connection: sa.Connection, first: int, ids: Sequence[UUID]) -> int:
    places = list(range(first, first + len(ids)))
    return connection.exec_driver_sql(
        "UPDATE log_entries SET position = given.place FROM unnest(%s::uuid[], %s::bigint[]) AS given (id, place) "
        "WHERE log_entries.id = given.id AND log_entries.position IS NULL",
        (list(ids), places),
    ).rowcount


def tile(connection: sa.Connection, log: str, level: int, number: int) -> bytes:
    """One tile of the tree; empty if there is none."""
    return connection.scalar(_TILE, {"of_log": log, "at_level": level, "with_number": number}) or b""


def put_tiles(connection: sa.Connection, log: str, tiles: Mapping[tuple[int, int], bytes]) -> None:
    """Write the tiles that have grown: (level, number) -> hashes."""
    for (level, number), hashes in tiles.items():
        same = (_TILES.log == log, _TILES.level == level, _TILES.number == number)
        if connection.execute(LOG_TILES.update().where(*same).values(hashes=hashes)).rowcount == 0:
            values = {"log": log, "level": level, "number": number, "hashes": hashes}
            connection.execute(LOG_TILES.insert(), values)


def head(connection: sa.Connection, log: str) -> tuple[int, str] | None:
    """The newest checkpoint: how many entries it is about, and the signed note. None before the first."""
    query = sa.select(_CHECKPOINTS.size, _CHECKPOINTS.note).where(_CHECKPOINTS.log == log)
    found = connection.execute(query.order_by(_CHECKPOINTS.size.desc()).limit(1)).one_or_none()
    return None if found is None else (found.size, found.note)


def checkpoint_at(connection: sa.Connection, log: str, size: int) -> str | None:
    """The checkpoint of exactly so many entries, if there is one."""
    query = sa.select(_CHECKPOINTS.note).where(_CHECKPOINTS.log == log, _CHECKPOINTS.size == size)
    found: str | None = connection.scalar(query)
    return found


def checkpoints(connection: sa.Connection, log: str, above: int = 0) -> Iterator[tuple[int, str, datetime]]:
    """All checkpoints of more than `above` entries in their order: size, note, when it was signed."""
    query = sa.select(_CHECKPOINTS.size, _CHECKPOINTS.note, _CHECKPOINTS.signed_at).where(
        _CHECKPOINTS.log == log, _CHECKPOINTS.size > above
    )
    for found in connection.execute(query.order_by(_CHECKPOINTS.size)):
        yield found.size, found.note, found.signed_at


def add_checkpoint(connection: sa.Connection, log: str, size: int, note: str, now: datetime) -> None:
    """Add the checkpoint of a tree of `size` entries, or put another signature in the place of an earlier one."""
    connection.execute(LOG_CHECKPOINTS.delete().where(_CHECKPOINTS.log == log, _CHECKPOINTS.size == size))
    connection.execute(LOG_CHECKPOINTS.insert(), {"log": log, "size": size, "note": note, "signed_at": now})


def placed_up_to(connection: sa.Connection, log: str) -> int:
    """One more than the highest position, without counting what is below it."""
    positions = _ENTRIES.position
    last: int | None = connection.scalar(
        sa.select(sa.func.max(positions)).where(_ENTRIES.log == log, positions.is_not(None))
    )
    return 0 if last is None else last + 1


def span(connection: sa.Connection, log: str) -> tuple[int, int]:
    """The position of the oldest entry that is there, and how many there were: the same where there is none. Raises
    BadRecord if positions are missing between them."""
    positions = _ENTRIES.position
    query = sa.select(sa.func.count(), sa.func.min(positions), sa.func.max(positions))
    count, first, last = connection.execute(query.where(_ENTRIES.log == log, positions.is_not(None))).one()
    if count == 0:
        return 0, 0
    if first < 0 or count != last + 1 - first:
        message = f"{count} entries, the first is at {first} and the last at {last}"
        raise BadRecord(f"positions are missing in the log `{log}`: {message}")
    return int(first), int(last) + 1


# -- keys -------------------------------------------------------------------------------------------------------------


def keys(connection: sa.Connection, log: str) -> list[LogKey]:
    """The public keys of a log, the first one first."""
    query = sa.select(_KEYS.number, _KEYS.vkey, _KEYS.statement, _KEYS.added_at).where(_KEYS.log == log)
    return [LogKey(*found) for found in connection.execute(query.order_by(_KEYS.number))]


def add_key(connection: sa.Connection, log: str, key: LogKey) -> None:
    """Add the public key that signs `log` from now on."""
    values = {"number": key.number, "vkey": key.vkey, "statement": key.statement, "added_at": key.added_at}
    connection.execute(LOG_KEYS.insert(), {"log": log, **values})
