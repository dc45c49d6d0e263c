"""The log of decisions: entries are added and read, never changed and never removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.store.cursor import bad_cursor, read_cursor, write_cursor
from routing.store.tables import DECISION_CONDITIONS, DECISIONS


@dataclass(frozen=True, slots=True)
class Row:
    """What one can search decisions by. `urgency` is 0-5; `conditions` are code -> status; `decided_at` is aware;
    `patient` is a pseudonym. Of a decision that was erased conditions, place, channel and patient are gone."""

    id: UUID
    decided_at: datetime
    urgency: int
    conditions: Mapping[str, str]
    facility_id: str | None
    channel: str | None
    ruleset_digest: str
    vocabulary_digest: str
    directory_revision: int
    supersedes: UUID | None
    key_id: UUID
    patient: str | None = None
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Which decisions are wanted: from `since` (included) to `until` (not included); None asks nothing."""

    since: datetime | None = None
    until: datetime | None = None
    urgency: int | None = None
    condition: str | None = None
    facility_id: str | None = None


Position = tuple[datetime, UUID]
"""A place in the list of decisions, newest first: when, and which of those of the same moment."""

_COLUMNS = tuple(name for name in Row.__dataclass_fields__ if name != "conditions")


def append(connection: sa.Connection, row: Row) -> None:
    """Add a decision whose entry was added. It counts when the transaction is committed."""
    connection.execute(DECISIONS.insert(), {name: getattr(row, name) for name in _COLUMNS})
    if row.conditions:
        connection.execute(
            DECISION_CONDITIONS.insert(),
            [{"decision_id": row.id, "code": code, "status": status} for code, status in row.conditions.items()],
        )


def exists(connection: sa.Connection, decision_id: UUID) -> bool:
    """Whether there is such a decision."""
    return connection.scalar(sa.select(DECISIONS.c.id).where(DECISIONS.c.id == decision_id)) is not None


def ids_between(
    connection: sa.Connection, since: datetime | None, until: datetime | None, after: Position | None, limit: int
) -> Sequence[tuple[UUID, datetime, int]]:
    """Decisions from `since` (included) to `until` (not included), the oldest first, from the one that follows `after`,
    at most `limit`: id, when it was decided, and the revision of the directory."""
    columns = DECISIONS.c
    query = sa.select(columns.id, columns.decided_at, columns.directory_revision)
    if since is not None:
        query = query.where(columns.decided_at >= since)
    if until is not None:
        query = query.where(columns.decided_at < until)
    if after is not None:
        moment, decision_id = after
        later = sa.and_(columns.decided_at == moment, columns.id > decision_id)
        query = query.where(columns.decided_at >= moment, sa.or_(columns.decided_at > moment, later))
    found = connection.execute(query.order_by(columns.decided_at, columns.id).limit(limit))
    return [(decision_id, decided_at, revision) for decision_id, decided_at, revision in found]


def search(connection: sa.Connection, wanted: Search, after: Position | None, limit: int) -> Sequence[Row]:
    """Decisions that fit `wanted`, newest first, from the one that follows `after`; at most `limit`."""
    query = (
        sa.select(*(DECISIONS.c[name] for name in _COLUMNS))
        .where(*_filters(wanted, after))
        .order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.id.desc())
        .limit(limit)
    )
    found = connection.execute(query).mappings().all()
    conditions = _conditions(connection, [row["id"] for row in found])
    return [Row(conditions=conditions.get(row["id"], {}), **row) for row in found]


def _filters(wanted: Search, after: Position | None) -> Iterable[sa.ColumnElement[bool]]:
    columns = DECISIONS.c
    if wanted.since is not None:
        yield columns.decided_at >= wanted.since
    if wanted.until is not None:
        yield columns.decided_at < wanted.until
    if wanted.urgency is not None:
        yield columns.urgency == wanted.urgency
    if wanted.facility_id is not None:
        yield columns.facility_id == wanted.facility_id
    if wanted.condition is not None:
        coded = sa.select(DECISION_CONDITIONS.c.decision_id).where(DECISION_CONDITIONS.c.code == wanted.condition)
        yield columns.id.in_(coded)
    if after is not None:
        moment, decision_id = after
        yield sa.or_(columns.decided_at < moment, sa.and_(columns.decided_at == moment, columns.id < decision_id))


def _conditions(connection: sa.Connection, ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    if not ids:
        return {}
    table = DECISION_CONDITIONS.c
    query = (
        sa.select(table.decision_id, table.code, table.status).where(table.decision_id.in_(ids)).order_by(table.code)
    )
    found: dict[UUID, dict[str, str]] = {}
    for decision_id, code, status in connection.execute(query):
        found.setdefault(decision_id, {})[code] = status
    return found


def cursor(position: Position) -> str:
    """`position` as a cursor."""
    moment, decision_id = position
    return write_cursor(moment.isoformat(), decision_id.hex)


def position(cursor: str) -> Position:
    """The position that `cursor` stands for. Raises BadInput."""
    moment, decision_id = read_cursor(cursor, str, str)
    try:
        found = datetime.fromisoformat(moment), UUID(hex=decision_id)
    except ValueError as error:
        raise bad_cursor(cursor) from error
    if found[0].tzinfo is None:
        raise bad_cursor(cursor)
    return found
