"""What became of decisions, as one searches for it: added and read, never changed and never removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.store.tables import OUTCOMES


@dataclass(frozen=True, slots=True)
class Row:
    """What one can search outcomes by; `facility_id` is where the patient went or was refused."""

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


def of_decision(connection: sa.Connection, decision_id: UUID) -> Sequence[UUID]:
    """The outcomes of a decision, the newest first."""
    columns = OUTCOMES.c
    query = sa.select(columns.id).where(columns.decision_id == decision_id)
    return list(connection.scalars(query.order_by(columns.recorded_at.desc(), columns.id.desc())))
