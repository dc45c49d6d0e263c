"""Soft reservations: patients who were lately advised to go somewhere, until they are too old to count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from routing.store.tables import RESERVATIONS

KEPT = timedelta(days=1)
"""No region can choose that a reservation counts for longer than this."""


def reserve(
    connection: sa.Connection, decision_id: UUID, facility_id: str, units: Iterable[str], now: datetime
) -> None:
    """Reserve a bed of each of `units` of a place for the patient of a decision, and forget what is long past."""
    columns = RESERVATIONS.c
    connection.execute(RESERVATIONS.delete().where(columns.made_at < now - KEPT))
    values = [{"decision_id": decision_id, "unit": unit, "facility_id": facility_id, "made_at": now} for unit in units]
    connection.execute(RESERVATIONS.insert(), values)


def release(connection: sa.Connection, decision_id: UUID) -> None:
    """Forget what was reserved by a decision that another one took the place of."""
    connection.execute(RESERVATIONS.delete().where(RESERVATIONS.c.decision_id == decision_id))


def recent(connection: sa.Connection, since: datetime) -> Mapping[str, Mapping[str, tuple[datetime, ...]]]:
    """Place -> unit -> when patients were advised to go there, after `since`, in that order."""
    columns = RESERVATIONS.c
    query = sa.select(columns.facility_id, columns.unit, columns.made_at).where(columns.made_at > since)
    found: dict[str, dict[str, tuple[datetime, ...]]] = {}
    for facility, unit, moment in connection.execute(query.order_by(columns.made_at, columns.decision_id)):
        units = found.setdefault(facility, {})
        units[unit] = (*units.get(unit, ()), moment)
    return found
