"""The log of accesses: entries are added and read, never changed, and only the oldest are ever removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from routing.log.access import AccessEvent, Subject, access_entry, read_access
from routing.store import database
from routing.store.cursor import bad_cursor, read_cursor, write_cursor
from routing.store.tables import ACCESS_SUBJECTS, DECISIONS, LOG_ENTRIES

LOG = "access"
BATCH = 500
"""So many entries are in memory at once while a long list is read."""

_ENTRIES, _SUBJECTS = LOG_ENTRIES.c, ACCESS_SUBJECTS.c


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accesses: from `since` (included) to `until` (not included); None asks nothing."""

    since: datetime | None = None
    until: datetime | None = None
    patient: str | None = None
    decision: UUID | None = None
    user: str | None = None
    key: UUID | None = None
    event: str | None = None


Position = tuple[datetime, UUID]
"""A place in the list of accesses: when, and which of those of the same moment."""


# -- adding ------------------------------------------------------------------------------------------------------------


def append(connection: sa.Connection, event: AccessEvent) -> None:
    """Add an access. It counts when the transaction is committed, together with what it is about."""
    subjects: list[database.Row] = [(ACCESS_SUBJECTS, values) for values in subject_values(event)]
    database.insert_together(connection, [(LOG_ENTRIES, entry_values(event)), *subjects])


def entry_values(event: AccessEvent) -> dict[str, Any]:
    """The row of `event` among the entries of all logs."""
    return {
        "id": event.id,
        "log": LOG,
        "kind": event.event,
        "logged_at": event.at,
        "entry": access_entry(event),
        "position": None,
    }


def subject_values(event: AccessEvent) -> list[dict[str, Any]]:
    """The rows by which `event` is found; one where it is about nobody."""
    by = {"entry_id": event.id, "at": event.at, "user_id": event.user.user, "key_id": event.user.key}
    return [
        {**by, "number": number, "patient": subject.patient, "decision_id": subject.decision}
        for number, subject in enumerate(event.subjects or (Subject(),))
    ]


def subjects_of(connection: sa.Connection, decisions: Sequence[UUID]) -> tuple[Subject, ...]:
    """These decisions with the pseudonyms of their patients, in their order; of one that is not there only its id."""
    if not decisions:
        return ()
    columns = DECISIONS.c
    query = sa.select(columns.id, columns.patient).where(columns.id.in_(decisions))
    patients = {row.id: row.patient for row in connection.execute(query)}
    return tuple(Subject(patients.get(decision), decision) for decision in decisions)


# -- reading -----------------------------------------------------------------------------------------------------------


def search(connection: sa.Connection, wanted: Wanted, after: Position | None, limit: int) -> Sequence[bytes]:
    """Entries that fit `wanted`, the newest first, from the one that follows `after`; at most `limit`."""
    columns = sa.tuple_(_SUBJECTS.at, _SUBJECTS.entry_id)
    query = _positions(wanted)
    if after is not None:
        query = query.where(columns < sa.tuple_(*_bound(after)))
    query = query.order_by(_SUBJECTS.at.desc(), _SUBJECTS.entry_id.desc()).limit(limit)
    return [entry for _, entry in _entries(connection, query)]


def oldest_first(connection: sa.Connection, wanted: Wanted, after: Position | None) -> Iterator[tuple[Position, bytes]]:
    """The next BATCH of entries that fit `wanted`, each with its place, the oldest first."""
    query = _positions(wanted)
    if after is not None:
        query = query.where(sa.tuple_(_SUBJECTS.at, _SUBJECTS.entry_id) > sa.tuple_(*_bound(after)))
    return _entries(connection, query.order_by(_SUBJECTS.at, _SUBJECTS.entry_id).limit(BATCH))


def count(connection: sa.Connection, wanted: Wanted) -> int:
    """How many entries fit `wanted`."""
    found: int | None = connection.scalar(sa.select(sa.func.count()).select_from(_positions(wanted).subquery()))
    return found or 0


def _positions(wanted: Wanted) -> sa.Select[Any]:
    # an entry about several decisions of one patient has several rows
    return sa.select(_SUBJECTS.at, _SUBJECTS.entry_id).where(*_filters(wanted)).distinct()


def _filters(wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.since is not None:
        yield _SUBJECTS.at >= wanted.since
    if wanted.until is not None:
        yield _SUBJECTS.at < wanted.until
    equal = {"patient": wanted.patient, "decision_id": wanted.decision, "user_id": wanted.user, "key_id": wanted.key}
    for name, value in equal.items():
        if value is not None:
            yield _SUBJECTS[name] == value
    if wanted.event is not None:
        same = sa.select(_ENTRIES.id).where(_ENTRIES.id == _SUBJECTS.entry_id, _ENTRIES.kind == wanted.event)
        yield same.exists()


def _entries(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[tuple[Position, bytes]]:
    places = [(row.at, row.entry_id) for row in connection.execute(query)]
    ids = [entry_id for _, entry_id in places]
    found = sa.select(_ENTRIES.id, _ENTRIES.entry).where(_ENTRIES.id.in_(ids))
    entries = {row.id: row.entry for row in connection.execute(found)} if ids else {}
    return ((place, entries[place[1]]) for place in places)


def _bound(position: Position) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    return sa.literal(position[0], _SUBJECTS.at.type), sa.literal(position[1], _SUBJECTS.entry_id.type)


def cursor(position: Position) -> str:
    """`position` as a cursor."""
    return write_cursor(position[0].isoformat(), position[1].hex)


def position(cursor: str) -> Position:
    """The position that `cursor` stands for. Raises BadInput."""
    moment, entry_id = read_cursor(cursor, str, str)
    try:
        found = datetime.fromisoformat(moment), UUID(hex=entry_id)
    except ValueError as error:
        raise bad_cursor(cursor) from error
    if found[0].tzinfo is None:
        raise bad_cursor(cursor)
    return found


# -- removing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Oldest:
    """The oldest entries of the log: how many, and from when to when. Their hashes stay in the tree."""

    count: int
    first_at: datetime | None
    last_at: datetime | None
    below: int


def oldest(connection: sa.Connection, before: datetime) -> Oldest:
    """The entries at the beginning of the log that are all older than `before`. One that has no position in the tree
    yet is not among them, and neither is any after the first that is younger."""
    mine = _ENTRIES.log == LOG
    younger = sa.select(_ENTRIES.position).where(mine, _ENTRIES.position.is_not(None), _ENTRIES.logged_at >= before)
    below = connection.scalar(younger.order_by(_ENTRIES.position).limit(1))
    if below is None:
        last = connection.scalar(sa.select(sa.func.max(_ENTRIES.position)).where(mine))
        below = 0 if last is None else last + 1
    moments = sa.func.min(_ENTRIES.logged_at), sa.func.max(_ENTRIES.logged_at)
    found = connection.execute(sa.select(sa.func.count(), *moments).where(mine, _ENTRIES.position < below)).one()
    return Oldest(found[0], found[1], found[2], below)


def removed_below(connection: sa.Connection) -> int:
    """Below which position entries were removed, by what the log itself says last; 0 if none ever were."""
    query = sa.select(_ENTRIES.entry).where(_ENTRIES.log == LOG, _ENTRIES.kind == "prune_access_log")
    entry = connection.scalar(query.order_by(_ENTRIES.logged_at.desc(), _ENTRIES.id.desc()).limit(1))
    return 0 if entry is None else int(read_access(entry).criteria.get("below") or 0)


def remove(connection: sa.Connection, below: int, most: int) -> int:
    """Remove at most `most` entries whose position is smaller than `below`, the oldest first; how many there were."""
    mine = sa.select(_ENTRIES.id, _ENTRIES.logged_at).where(_ENTRIES.log == LOG, _ENTRIES.position < below)
    found = connection.execute(mine.order_by(_ENTRIES.position).limit(most)).all()
    if found:
        ids, moments = [row.id for row in found], [row.logged_at for row in found]
        then = _SUBJECTS.at.between(min(moments), max(moments))
        connection.execute(ACCESS_SUBJECTS.delete().where(then, _SUBJECTS.entry_id.in_(ids)))
        connection.execute(LOG_ENTRIES.delete().where(_ENTRIES.id.in_(ids)))
    return len(found)
