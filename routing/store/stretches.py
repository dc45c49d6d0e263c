"""Reads the log of decisions in its order, a stretch at a time, for who looks at all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from routing.errors import NotFound
from routing.store.decisions import Position
from routing.store.tables import DECISIONS

_COLUMNS = DECISIONS.c


class Row(NamedTuple):
    """A decision: when it was made, and what decided."""

    id: UUID
    decided_at: datetime
    ruleset_digest: str
    vocabulary_digest: str
    directory_revision: int
    erased_at: datetime | None


_ROWS = sa.select(*(_COLUMNS[name] for name in Row._fields))


def count_between(connection: sa.Connection, since: datetime | None, until: datetime) -> int:
    """How many decisions there are from `since` (included, None: the first) to `until` (not included)."""
    query = sa.select(sa.func.count()).select_from(DECISIONS).where(_COLUMNS.decided_at < until)
    if since is not None:
        query = query.where(_COLUMNS.decided_at >= since)
    found: int = connection.scalar(query) or 0
    return found


def rows(
    connection: sa.Connection, first: Position, last: Position, after: Position | None, limit: int
) -> Sequence[Row]:
    """The decisions from `first` up to and including `last`, the oldest first, from the one that follows `after`; at
    most `limit` of them."""
    query = _ROWS.where(*(_from(first) if after is None else _after(after)), *_up_to(last))
    return [Row(*found) for found in connection.execute(query.order_by(_COLUMNS.decided_at, _COLUMNS.id).limit(limit))]


def row(connection: sa.Connection, decision_id: UUID) -> Row:
    """This decision. Raises NotFound."""
    found = connection.execute(_ROWS.where(_COLUMNS.id == decision_id)).one_or_none()
    if found is None:
        raise NotFound("decision", str(decision_id))
    return Row(*found)


# the bound on the moment alone is what an index is searched by


def _after(place: Position) -> Iterator[sa.ColumnElement[bool]]:
    yield _COLUMNS.decided_at >= place[0]
    yield sa.or_(_COLUMNS.decided_at > place[0], _COLUMNS.id > place[1])


def _from(place: Position) -> Iterator[sa.ColumnElement[bool]]:
    yield _COLUMNS.decided_at >= place[0]
    yield sa.or_(_COLUMNS.decided_at > place[0], _COLUMNS.id >= place[1])


def _up_to(place: Position) -> Iterator[sa.ColumnElement[bool]]:
    yield _COLUMNS.decided_at <= place[0]
    yield sa.or_(_COLUMNS.decided_at < place[0], _COLUMNS.id <= place[1])
