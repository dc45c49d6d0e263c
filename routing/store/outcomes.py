"""What became of decisions, as one searches for it: added and read, never changed and never removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.store.tables import DECISIONS, OUTCOMES


@dataclass(frozen=True, slots=True)
class Row:
    """What one can search outcomes by; `facility_id` is where the patient was to go or went, or the place that
    answered."""

    id: UUID
    decision_id: UUID
    recorded_at: datetime
    event: str
    outcome: str | None
    reason: str | None
    facility_id: str | None
    key_id: UUID


_COLUMNS = tuple(Row.__dataclass_fields__)


def append(connection: sa.Connection, row: Row) -> None:
    """Add an outcome whose entry was added. It counts when the transaction is committed."""
    connection.execute(OUTCOMES.insert(), {name: getattr(row, name) for name in _COLUMNS})


def lock(connection: sa.Connection, decision_id: UUID) -> None:
    """Let nobody else add an outcome of this decision until the transaction ends."""
    # on SQLite the writer holds the only lock already, and the words for it are left out
    connection.execute(sa.select(DECISIONS.c.id).where(DECISIONS.c.id == decision_id).with_for_update())


def of_decision(connection: sa.Connection, decision_id: UUID) -> Sequence[UUID]:
    """The outcomes of a decision, the newest first."""
    columns = OUTCOMES.c
    query = sa.select(columns.id).where(columns.decision_id == decision_id)
    return list(connection.scalars(query.order_by(columns.recorded_at.desc(), columns.id.desc())))


def of_decisions(connection: sa.Connection, decision_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """The outcomes of each of these decisions, in any order; of those that have none there is nothing."""
    columns = OUTCOMES.c
    query = sa.select(columns.decision_id, columns.id).where(columns.decision_id.in_(list(decision_ids)))
    found: dict[UUID, list[UUID]] = {}
    for decision_id, outcome_id in connection.execute(query):
        found.setdefault(decision_id, []).append(outcome_id)
    return found
