"""Which requests were carried out under a key of the client, and what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from routing.store.database import Row
from routing.store.tables import IDEMPOTENCY_KEYS

_COLUMNS = IDEMPOTENCY_KEYS.c


@dataclass(frozen=True, slots=True)
class Done:
    """A request that was carried out: its fingerprint (None once the decision was erased), the entry that was made and
    the decision that it is about."""

    request: str | None
    entry_id: UUID
    decision_id: UUID


def try_lock(connection: sa.Connection, key: str) -> bool:
    """Keep others from carrying out a request under `key` until the transaction ends; False if another one does. The
    lock goes with the connection: nobody who died holds one."""
    if connection.dialect.name != "postgresql":  # on SQLite the writer holds the only lock already
        return True
    number = int(key[:16], 16) - 2**63
    return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(number))))


def read(connection: sa.Connection, key: str, since: datetime) -> Done | None:
    """The request that was carried out under `key` after `since`."""
    query = sa.select(_COLUMNS.request, _COLUMNS.entry_id, _COLUMNS.decision_id)
    found = connection.execute(query.where(_COLUMNS.key == key, _COLUMNS.made_at > since)).one_or_none()
    return None if found is None else Done(*found)


def row_of(key: str, done: Done, now: datetime) -> Row:
    """What is inserted with what was made of a request."""
    values = {"request": done.request, "entry_id": done.entry_id, "decision_id": done.decision_id, "made_at": now}
    return IDEMPOTENCY_KEYS, {"key": key, **values}


def take_out(connection: sa.Connection, key: str) -> None:
    """Forget a key, whose time is over."""
    connection.execute(IDEMPOTENCY_KEYS.delete().where(_COLUMNS.key == key))


def forget(connection: sa.Connection, until: datetime) -> None:
    """Forget all keys whose time is over."""
    connection.execute(IDEMPOTENCY_KEYS.delete().where(_COLUMNS.made_at <= until))


def empty(connection: sa.Connection, decisions: Sequence[UUID]) -> None:
    """Forget what was asked in requests about decisions that are erased; that there was a request stays."""
    about = IDEMPOTENCY_KEYS.update().where(_COLUMNS.decision_id.in_(decisions))
    connection.execute(about.values(request=None))
