"""What became of decisions: outcomes are added and read, never changed and never removed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.errors import BadRecord
from routing.log.canonical import digest
from routing.store.packing import pack, unpack
from routing.store.tables import OUTCOMES


def append(
    connection: sa.Connection, outcome_id: UUID, decision_id: UUID, now: datetime, record: bytes, key_id: UUID
) -> None:
    """Add an outcome of a decision; `record` is canonical."""
    values = {"id": outcome_id, "decision_id": decision_id, "recorded_at": now, "key_id": key_id}
    connection.execute(OUTCOMES.insert(), {**values, "record": pack(record), "record_digest": digest(record)})


def read(connection: sa.Connection, decision_id: UUID) -> list[bytes]:
    """The outcomes of a decision, the newest first. Raises BadRecord."""
    columns = OUTCOMES.c
    query = sa.select(columns.record, columns.record_digest).where(columns.decision_id == decision_id)
    found = []
    for packed, expected in connection.execute(query.order_by(columns.recorded_at.desc(), columns.id.desc())):
        record = unpack(packed)
        if digest(record) != expected:
            raise BadRecord(f"an outcome of decision `{decision_id}` does not match its digest")
        found.append(record)
    return found
