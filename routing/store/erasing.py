"""Empties what is known of decisions: keys and records destroyed, columns that tell of the patient emptied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.store import deliveries, idempotency, records
from routing.store.rule_index import take_out
from routing.store.tables import DECISION_CONDITIONS, DECISIONS, LEGAL_HOLDS, OUTCOMES, RESERVATIONS


@dataclass(frozen=True, slots=True)
class Erasable:
    """A decision that can be erased or was; `held` is why it must not be erased for now; `outcomes` are its
    outcomes."""

    id: UUID
    decided_at: datetime
    erased_at: datetime | None
    rules: bytes | None
    held: str | None
    outcomes: tuple[UUID, ...]


def of_patient(connection: sa.Connection, pseudonym: str) -> Sequence[UUID]:
    """The decisions about the patient with this pseudonym, the newest first."""
    columns = DECISIONS.c
    query = sa.select(columns.id).where(columns.patient == pseudonym)
    return list(connection.scalars(query.order_by(columns.decided_at.desc(), columns.id.desc())))


def erasable(connection: sa.Connection, ids: Iterable[UUID], *, lock: bool) -> Sequence[Erasable]:
    """These decisions, as far as they exist, the oldest first; with `lock` nobody adds anything to them until the
    transaction ends."""
    columns, wanted = DECISIONS.c, list(ids)
    query = sa.select(columns.id, columns.decided_at, columns.erased_at, columns.rules)
    query = query.where(columns.id.in_(wanted)).order_by(columns.decided_at, columns.id)
    decisions = connection.execute(query.with_for_update() if lock else query).all()
    holds = sa.select(LEGAL_HOLDS.c.decision_id, LEGAL_HOLDS.c.why).where(LEGAL_HOLDS.c.decision_id.in_(wanted))
    held = {found.decision_id: found.why for found in connection.execute(holds)}
    theirs = sa.select(OUTCOMES.c.decision_id, OUTCOMES.c.id).where(OUTCOMES.c.decision_id.in_(wanted))
    outcomes: dict[UUID, list[UUID]] = {}
    for decision_id, outcome_id in connection.execute(theirs.order_by(OUTCOMES.c.id)):
        outcomes.setdefault(decision_id, []).append(outcome_id)
    return [Erasable(*found, held.get(found.id), tuple(outcomes.get(found.id, ()))) for found in decisions]


def empty(connection: sa.Connection, found: Sequence[Erasable], now: datetime) -> None:
    """Destroy the records of these decisions and of their outcomes, and all that was there to find them by. The caller
    has locked the decisions and the log, and has added the entries that say so."""
    ids = [each.id for each in found]
    records.destroy(connection, [*ids, *(outcome for each in found for outcome in each.outcomes)])
    take_out(connection, ((each.id, each.decided_at, each.rules) for each in found))
    for table in (DECISION_CONDITIONS, RESERVATIONS, LEGAL_HOLDS):
        connection.execute(table.delete().where(table.c.decision_id.in_(ids)))
    idempotency.empty(connection, ids)
    deliveries.empty(connection, ids, now)
    gone = dict.fromkeys(("facility_id", "channel", "patient", "rules", "reason"))
    connection.execute(DECISIONS.update().where(DECISIONS.c.id.in_(ids)).values({**gone, "erased_at": now}))
    theirs = OUTCOMES.update().where(OUTCOMES.c.decision_id.in_(ids))
    connection.execute(theirs.values(facility_id=None, reason=None))


# -- what must not be erased ------------------------------------------------------------------------------------------


def hold(connection: sa.Connection, decision_id: UUID, why: str, now: datetime) -> None:
    """Keep a decision from being erased, from now on or for another reason than before."""
    release(connection, decision_id)
    connection.execute(LEGAL_HOLDS.insert(), {"decision_id": decision_id, "why": why, "held_at": now})


def release(connection: sa.Connection, decision_id: UUID) -> bool:
    """Let a decision be erased again; whether it was held."""
    return connection.execute(LEGAL_HOLDS.delete().where(LEGAL_HOLDS.c.decision_id == decision_id)).rowcount > 0
