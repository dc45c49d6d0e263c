"""Decisions as one searches for them: added, told what became of them, and emptied of the patient when erased."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from routing.errors import Erased
from routing.store import database
from routing.store.tables import DECISION_CONDITIONS, DECISIONS, OUTCOMES, RULESETS


@dataclass(frozen=True, slots=True)
class Row:
    """What one can search decisions by. `urgency` is 0-5; `conditions` are code -> status; `decided_at` is aware;
    `patient` is a pseudonym. `rules` are the packed numbers of the rules that fired, `outcome` and `reason` those of
    the newest outcome; `organisation` is that of who asked, "" if none was named, None if that was not noted. Of a
    decision that was erased conditions, place, channel, patient, rules and reason are gone."""

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
    rules: bytes | None = None
    outcome: str | None = None
    reason: str | None = None
    organisation: str | None = None


Position = tuple[datetime, UUID]
"""A place in the list of decisions, newest first: when, and which of those of the same moment."""

_COLUMNS = tuple(name for name in Row.__dataclass_fields__ if name != "conditions")


def append(connection: sa.Connection, row: Row) -> None:
    """Add a decision whose entry was added. It counts when the transaction is committed."""
    database.insert_together(connection, rows_of(row))


def rows_of(row: Row) -> list[database.Row]:
    """What is inserted for a decision, after its entry."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    coded = [
        {"decision_id": row.id, "code": code, "status": status, "decided_at": row.decided_at}
        for code, status in row.conditions.items()
    ]
    return [(DECISIONS, values), *((DECISION_CONDITIONS, each) for each in coded)]


def exists(connection: sa.Connection, decision_id: UUID, organisations: Collection[str] | None = None) -> bool:
    """Whether there is such a decision, for one of these `organisations` if they are given."""
    query = sa.select(DECISIONS.c.id).where(DECISIONS.c.id == decision_id)
    if organisations is not None:
        query = query.where(DECISIONS.c.organisation.in_(organisations))
    return connection.scalar(query) is not None


CHAIN_MOST = 200
"""So many decisions about one case are looked at; no case was ever decided about so often."""


def chain_of(connection: sa.Connection, decision_id: UUID) -> list[Row]:
    """The decision with all that it supersedes, and all that supersede one of these, the oldest first; at most
    CHAIN_MOST. Empty if there is no such decision."""
    found = {row.id: row for row in _rows(connection, DECISIONS.c.id == decision_id)}
    earlier = next(iter(found.values()), None)
    while earlier is not None and earlier.supersedes not in (None, *found) and len(found) < CHAIN_MOST:
        (earlier,) = _rows(connection, DECISIONS.c.id == earlier.supersedes)
        found[earlier.id] = earlier
    newest = list(found)
    while newest and len(found) < CHAIN_MOST:
        later = _rows(connection, DECISIONS.c.supersedes.in_(newest))
        newest = [row.id for row in later if row.id not in found]
        found.update((row.id, row) for row in later)
    return sorted(found.values(), key=lambda row: (row.decided_at, row.id))[:CHAIN_MOST]


def superseding(connection: sa.Connection, decision_id: UUID) -> list[tuple[UUID, datetime, str | None]]:
    """The decisions that supersede this one, when they were made and for which organisation, the newest first."""
    columns = DECISIONS.c
    query = sa.select(columns.id, columns.decided_at, columns.organisation).where(columns.supersedes == decision_id)
    found = connection.execute(query.order_by(columns.decided_at.desc(), columns.id.desc()))
    return [(row.id, row.decided_at, row.organisation) for row in found]


def _rows(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> list[Row]:
    found = connection.execute(sa.select(*(DECISIONS.c[name] for name in _COLUMNS)).where(wanted)).mappings().all()
    table = DECISION_CONDITIONS.c
    ids = [row["id"] for row in found]
    query = sa.select(table.decision_id, table.code, table.status).where(table.decision_id.in_(ids))
    coded: dict[UUID, dict[str, str]] = {}
    for decision_id, code, status in sorted(map(tuple, connection.execute(query))):
        coded.setdefault(decision_id, {})[code] = status
    return [Row(conditions=coded.get(row["id"], {}), **row) for row in found]


def ids_between(
    connection: sa.Connection, since: datetime | None, until: datetime | None, after: Position | None, limit: int
) -> Sequence[tuple[UUID, datetime, int]]:
    """Decisions from `since` (included) to `until` (not included), the oldest first, from the one that follows `after`,
    at most `limit`: id, when it was decided, and the revision of the directory."""
    columns = DECISIONS.c
    query = _in_order(sa.select(columns.id, columns.decided_at, columns.directory_revision), since, until, after, limit)
    return [(decision_id, decided_at, revision) for decision_id, decided_at, revision in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Brief:
    """What can be told of a decision without opening its record; `ruleset` is name and version."""

    id: UUID
    decided_at: datetime
    urgency: int
    facility_id: str | None
    ruleset: tuple[str, str]

    @property
    def position(self) -> Position:
        """Its place in the list."""
        return self.decided_at, self.id


def briefs_between(
    connection: sa.Connection, since: datetime, until: datetime, after: Position | None, limit: int
) -> list[Brief]:
    """Decisions from `since` (included) to `until` (not included), the oldest first, from the one that follows `after`,
    at most `limit`."""
    columns = DECISIONS.c
    query = sa.select(
        columns.id, columns.decided_at, columns.urgency, columns.facility_id, RULESETS.c.name, RULESETS.c.version
    ).join(RULESETS, RULESETS.c.digest == columns.ruleset_digest)
    found = connection.execute(_in_order(query, since, until, after, limit))
    return [Brief(row.id, row.decided_at, row.urgency, row.facility_id, (row.name, row.version)) for row in found]


def _in_order(
    query: sa.Select[Any], since: datetime | None, until: datetime | None, after: Position | None, limit: int
) -> sa.Select[Any]:
    columns = DECISIONS.c
    if since is not None:
        query = query.where(columns.decided_at >= since)
    if until is not None:
        query = query.where(columns.decided_at < until)
    if after is not None:
        moment, decision_id = after
        later = sa.and_(columns.decided_at == moment, columns.id > decision_id)
        query = query.where(columns.decided_at >= moment, sa.or_(columns.decided_at > moment, later))
    return query.order_by(columns.decided_at, columns.id).limit(limit)


def count_between(connection: sa.Connection, since: datetime, until: datetime) -> int:
    """How many decisions there are from `since` (included) to `until` (not included)."""
    columns = DECISIONS.c
    query = sa.select(sa.func.count()).where(columns.decided_at >= since, columns.decided_at < until)
    return int(connection.scalar(query) or 0)


def show_newest_outcome(connection: sa.Connection, decision_id: UUID) -> None:
    """Let a decision be found by its newest outcome, after one was added. Raises Erased."""
    others = OUTCOMES.c
    theirs = (others.decision_id == decision_id, others.event == "decided")
    newest = sa.select(others.outcome, others.reason).where(*theirs).limit(1)
    found = connection.execute(newest.order_by(others.recorded_at.desc(), others.id.desc())).one_or_none()
    show_outcome(connection, decision_id, *((found.outcome, found.reason) if found else (None, None)))


def show_outcome(connection: sa.Connection, decision_id: UUID, outcome: str | None, reason: str | None) -> None:
    """Let a decision be found by the outcome that counts, None if there is none. Raises Erased if the decision was
    erased meanwhile: then nothing may be added to it."""
    columns = DECISIONS.c
    values = {"outcome": outcome, "reason": reason}
    still = DECISIONS.update().where(columns.id == decision_id, columns.erased_at.is_(None)).values(values)
    if connection.execute(still).rowcount == 0:
        raise Erased("decision", str(decision_id))
