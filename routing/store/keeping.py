"""Which decisions are old enough to be erased: nothing was added to them for long enough, and nobody holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.store.tables import DECISIONS, LEGAL_HOLDS, LOG_ENTRIES, OUTCOMES, Moment


@dataclass(frozen=True, slots=True)
class Class:
    """Decisions of `channels` (None: of all but those `named` elsewhere) of which nothing changed since `before`."""

    name: str
    channels: frozenset[str] | None
    named: frozenset[str]
    before: datetime


def newest_entry(connection: sa.Connection) -> datetime | None:
    """When the newest entry of any log was added, among those that have a position and those that wait for one."""
    columns = LOG_ENTRIES.c
    logs = connection.scalars(sa.select(columns.log).distinct()).all()
    times = []
    for log in logs:
        placed = sa.select(columns.logged_at).where(columns.log == log, columns.position.is_not(None))
        times.append(connection.scalar(placed.order_by(columns.position.desc()).limit(1)))
        waiting = sa.select(sa.func.max(columns.logged_at)).where(columns.log == log, columns.position.is_(None))
        times.append(connection.scalar(waiting))
    return max((moment for moment in times if moment is not None), default=None)


def by_month(connection: sa.Connection, wanted: Class) -> Iterator[tuple[str, int, int]]:
    """Months (UTC, the oldest first) in which decisions of this class were made that are old enough: month, how many,
    how many of them are held."""
    month = _month(connection).label("month")
    held = sa.select(LEGAL_HOLDS.c.decision_id).where(LEGAL_HOLDS.c.decision_id == DECISIONS.c.id).exists()
    counted = (sa.func.count(), sa.func.sum(sa.case((held, 1), else_=0)))
    query = sa.select(month, *counted).where(*_old_enough(wanted)).group_by(month).order_by(month)
    for found, count, of_them_held in connection.execute(query):
        yield found, count, int(of_them_held)


def next_due(
    connection: sa.Connection, wanted: Class, after: tuple[datetime, UUID] | None, most: int
) -> Sequence[tuple[datetime, UUID]]:
    """Decisions of this class that are old enough and not held, the oldest first, at most so many; `after` is the last
    of those that were given before."""
    columns = DECISIONS.c
    held = sa.select(LEGAL_HOLDS.c.decision_id).where(LEGAL_HOLDS.c.decision_id == columns.id).exists()
    query = sa.select(columns.decided_at, columns.id).where(*_old_enough(wanted), ~held)
    if after is not None:
        place = sa.tuple_(sa.literal(after[0], Moment), sa.literal(after[1], sa.Uuid))
        query = query.where(sa.tuple_(columns.decided_at, columns.id) > place)
    found = connection.execute(query.order_by(columns.decided_at, columns.id).limit(most))
    return [(moment, decision_id) for moment, decision_id in found]


def _old_enough(wanted: Class) -> Iterator[sa.ColumnElement[bool]]:
    columns = DECISIONS.c
    yield columns.decided_at < wanted.before
    yield columns.erased_at.is_(None)
    if wanted.channels is not None:
        yield columns.channel.in_(sorted(wanted.channels))
    elif wanted.named:
        yield sa.or_(columns.channel.is_(None), columns.channel.not_in(sorted(wanted.named)))
    later = sa.select(OUTCOMES.c.id).where(
        OUTCOMES.c.decision_id == columns.id, OUTCOMES.c.recorded_at >= wanted.before
    )
    yield ~later.exists()


def _month(connection: sa.Connection) -> sa.ColumnElement[str]:
    if connection.dialect.name == "sqlite":  # where a moment is text in UTC
        return sa.func.substr(DECISIONS.c.decided_at, 1, 7, type_=sa.Text)
    return sa.func.to_char(sa.func.timezone("UTC", DECISIONS.c.decided_at), "YYYY-MM", type_=sa.Text)
