"""Counts decisions by what one searches them by; the database counts, and nothing of a single decision is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from routing.store.tables import DECISION_CONDITIONS, DECISION_RULES, DECISIONS, RULE_NAMES, Moment

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` (included) to `until` (not included); None is without end."""

    since: datetime | None = None
    until: datetime | None = None


class Total(NamedTuple):
    """How many decisions are left, and how many were erased."""

    decisions: int
    erased: int


def total(connection: sa.Connection, span: Span) -> Total:
    """How many decisions there are in `span`."""
    columns = DECISIONS.c
    query = sa.select(sa.func.count(), sa.func.count(columns.erased_at)).where(*_within(columns.decided_at, span))
    every, erased = connection.execute(query).one()
    return Total(every - erased, erased)


def counts(connection: sa.Connection, by: Sequence[str], span: Span) -> Iterator[tuple[tuple[Any, ...], int]]:
    """How many decisions there are for each combination of values of `by` (see BY), without those that were erased, in
    the order of the values. `hour` is a moment: the hour in which they were made."""
    query = (
        _by_rule(span) if tuple(by) == ("rule",) else _by_columns([(name, BY[name](connection)) for name in by], span)
    )
    for *seen, count in connection.execution_options(yield_per=AT_ONCE).execute(query):
        yield tuple(seen), count


def _by_columns(by: Sequence[tuple[str, sa.ColumnElement[Any]]], span: Span) -> sa.Select[Any]:
    columns, values = DECISIONS.c, [value.label(name) for name, value in by]
    source: sa.FromClause = DECISIONS
    if any(name == "condition" for name, _ in by):
        source = source.join(DECISION_CONDITIONS, DECISION_CONDITIONS.c.decision_id == columns.id)
    query: sa.Select[Any] = sa.select(*values, sa.func.count())
    query = query.select_from(source).where(columns.erased_at.is_(None), *_within(columns.decided_at, span))
    return query.group_by(*values).order_by(*(value.nulls_first() for value in values))


# what was erased does not stand in the indexes of conditions and rules any more: they are counted as they are


def _by_condition(span: Span) -> sa.Select[Any]:
    columns = DECISION_CONDITIONS.c
    query: sa.Select[Any] = sa.select(columns.code, sa.func.count()).where(*_within(columns.decided_at, span))
    return query.group_by(columns.code).order_by(columns.code)


def _by_rule(span: Span) -> sa.Select[Any]:
    columns = DECISION_RULES.c
    counted = sa.select(columns.rule_number, sa.func.count().label("n")).where(*_within(columns.decided_at, span))
    found = counted.group_by(columns.rule_number).subquery()
    names = RULE_NAMES.c
    return sa.select(names.name, found.c.n).join(found, found.c.rule_number == names.number).order_by(names.name)


_ALONE: Mapping[tuple[str, ...], Callable[[Span], sa.Select[Any]]] = {
    ("condition",): _by_condition,
    ("rule",): _by_rule,
}


def _hour(connection: sa.Connection) -> sa.ColumnElement[datetime]:
    decided_at = DECISIONS.c.decided_at
    if connection.dialect.name == "sqlite":  # where a moment is text in UTC
        return sa.type_coerce(sa.func.substr(decided_at, 1, 13, type_=sa.Text) + ":00:00.000000Z", Moment)
    return sa.func.date_trunc("hour", decided_at, "UTC", type_=Moment)


BY: Mapping[str, Callable[[sa.Connection], sa.ColumnElement[Any]]] = {
    "urgency": lambda _: DECISIONS.c.urgency,
    "condition": lambda _: DECISION_CONDITIONS.c.code,
    "facility": lambda _: DECISIONS.c.facility_id,
    "channel": lambda _: DECISIONS.c.channel,
    "outcome": lambda _: DECISIONS.c.outcome,
    "hour": _hour,
}
"""What decisions can be counted by, alone or together, and how that is asked; `rule` can only be asked alone."""


def _within(moment: sa.ColumnElement[datetime], span: Span) -> Iterator[sa.ColumnElement[bool]]:
    if span.since is not None:
        yield moment >= span.since
    if span.until is not None:
        yield moment < span.until
