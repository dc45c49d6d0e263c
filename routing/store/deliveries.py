"""What is told to the systems of places: added with what it is about, handed out to be sent, and settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from routing.store import database
from routing.store import log as logs
from routing.store.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOK_RECEIVERS

ANNOUNCING = ("recommended", "accepted", "diverted")
"""Events that say that a patient comes; all others take that back."""

_COLUMNS = WEBHOOK_DELIVERIES.c
_WAITS = _COLUMNS.due_at.is_not(None)


@dataclass(frozen=True, slots=True)
class New:
    """What one subscription is to be told. `cause_id` is the entry of what happened; what has one `chain_id` is told in
    order; `urgency` is 0-5."""

    id: UUID
    subscription: str
    event: str
    decision_id: UUID
    cause_id: UUID
    chain_id: UUID
    facility_id: str
    urgency: int
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """The same as it stands there. `state`: waiting, taken, given_up, stopped or erased; then there is no place."""

    number: int
    id: UUID
    subscription: str
    event: str
    decision_id: UUID
    cause_id: UUID
    chain_id: UUID
    facility_id: str | None
    urgency: int
    made_at: datetime
    expires_at: datetime
    state: str
    due_at: datetime | None
    claimed_until: datetime | None
    attempts: int
    attempted_at: datetime | None
    settled_at: datetime | None
    error: str | None


def rows_of(new: Iterable[New]) -> list[database.Row]:
    """What is inserted for these, after the decisions that they are about."""
    return [
        (WEBHOOK_DELIVERIES, {**asdict(each), "state": "waiting", "due_at": each.made_at, "attempts": 0})
        for each in new
    ]


@dataclass(frozen=True, slots=True)
class Expecting:
    """A place that was last told, under this subscription, that the patient of a decision comes."""

    subscription: str
    facility_id: str
    chain_id: UUID


def expecting(connection: sa.Connection, decision_id: UUID) -> list[Expecting]:
    """Who was told that the patient of this decision comes, or is about to be, and not that this is not so any more."""
    query = sa.select(_COLUMNS.subscription, _COLUMNS.facility_id, _COLUMNS.event, _COLUMNS.chain_id)
    query = query.where(_COLUMNS.decision_id == decision_id, _COLUMNS.facility_id.is_not(None))
    last = {(row.subscription, row.facility_id): row for row in connection.execute(query.order_by(_COLUMNS.number))}
    return [
        Expecting(row.subscription, row.facility_id, row.chain_id) for row in last.values() if row.event in ANNOUNCING
    ]


def chain_of(connection: sa.Connection, decision_id: UUID) -> UUID:
    """In which order what is told of this decision belongs: its own, or that of what it took the place of."""
    query = sa.select(_COLUMNS.chain_id).where(_COLUMNS.decision_id == decision_id).limit(1)
    return connection.scalar(query) or decision_id


def empty(connection: sa.Connection, decision_ids: Iterable[UUID], now: datetime) -> None:
    """Keep nothing of these decisions, which are being erased, but that something was told; what waits is not sent."""
    theirs = WEBHOOK_DELIVERIES.update().where(_COLUMNS.decision_id.in_(list(decision_ids)))
    gone: dict[str, Any] = {"state": "erased", "due_at": None, "claimed_until": None, "settled_at": now}
    connection.execute(theirs.where(_WAITS).values(gone))
    connection.execute(theirs.values(facility_id=None, error=None))


# -- handed out to be sent --------------------------------------------------------------------------------------------


def try_lock(connection: sa.Connection) -> bool:
    """Be the only one that hands out, until the transaction ends; False if another one is."""
    return logs.try_lock(connection, "webhooks")


def any_to_do(connection: sa.Connection, now: datetime) -> bool:
    """Whether anything is due, or has waited too long."""
    free = sa.or_(_COLUMNS.claimed_until.is_(None), _COLUMNS.claimed_until <= now)
    late = sa.or_(_COLUMNS.due_at <= now, _COLUMNS.expires_at <= now)
    return connection.scalar(sa.select(_COLUMNS.number).where(_WAITS, free, late).limit(1)) is not None


def under_way(connection: sa.Connection, now: datetime) -> Mapping[str, int]:
    """Subscription -> how many are being sent to it now, by whichever process."""
    query = sa.select(_COLUMNS.subscription, sa.func.count()).where(_WAITS, _COLUMNS.claimed_until > now)
    return {row[0]: row[1] for row in connection.execute(query.group_by(_COLUMNS.subscription))}


def due(connection: sa.Connection, subscription: str, now: datetime, most: int) -> list[Delivery]:
    """What can be sent under this subscription now, the most urgent first, at most so many: nothing before which
    something of the same chain waits still."""
    earlier = WEBHOOK_DELIVERIES.alias("earlier")
    before = sa.select(earlier.c.number).where(
        earlier.c.subscription == _COLUMNS.subscription,
        earlier.c.chain_id == _COLUMNS.chain_id,
        earlier.c.number < _COLUMNS.number,
        earlier.c.due_at.is_not(None),
    )
    query = sa.select(WEBHOOK_DELIVERIES).where(
        _WAITS,
        _COLUMNS.subscription == subscription,
        _COLUMNS.due_at <= now,
        _COLUMNS.expires_at > now,
        sa.or_(_COLUMNS.claimed_until.is_(None), _COLUMNS.claimed_until <= now),
        ~before.exists(),
    )
    found = connection.execute(query.order_by(_COLUMNS.urgency, _COLUMNS.due_at, _COLUMNS.number).limit(most))
    return [Delivery(*row) for row in found]


def claim(connection: sa.Connection, deliveries: Sequence[Delivery], until: datetime, now: datetime) -> None:
    """Let nobody else send these until then: whoever dies meanwhile has them sent again."""
    theirs = WEBHOOK_DELIVERIES.update().where(_COLUMNS.number.in_([each.number for each in deliveries]))
    connection.execute(theirs.values(claimed_until=until, attempted_at=now, attempts=_COLUMNS.attempts + 1))


def overdue(connection: sa.Connection, now: datetime) -> list[Delivery]:
    """What waits, is not being sent, and must not be sent any more."""
    free = sa.or_(_COLUMNS.claimed_until.is_(None), _COLUMNS.claimed_until <= now)
    found = connection.execute(sa.select(WEBHOOK_DELIVERIES).where(_WAITS, _COLUMNS.expires_at <= now, free))
    return [Delivery(*row) for row in found]


def waiting_for(connection: sa.Connection, subscription: str) -> list[Delivery]:
    """What waits under this subscription."""
    found = connection.execute(sa.select(WEBHOOK_DELIVERIES).where(_WAITS, _COLUMNS.subscription == subscription))
    return [Delivery(*row) for row in found]


def settle(
    connection: sa.Connection,
    number: int,
    state: str,
    now: datetime,
    error: str | None = None,
    claimed_until: datetime | None = None,
) -> bool:
    """Say what became of a delivery that waited; False if it waits no more (it was erased meanwhile), or if it was
    claimed until then and somebody else is sending it by now."""
    values = {"state": state, "due_at": None, "claimed_until": None, "settled_at": now, "error": error}
    mine = WEBHOOK_DELIVERIES.update().where(_COLUMNS.number == number, _WAITS)
    if claimed_until is not None:
        mine = mine.where(_COLUMNS.claimed_until == claimed_until)
    return connection.execute(mine.values(values)).rowcount > 0


def put_off(connection: sa.Connection, number: int, claimed_until: datetime, due_at: datetime, error: str) -> None:
    """Let a delivery that failed be tried again then, unless somebody else is sending it by now."""
    mine = WEBHOOK_DELIVERIES.update().where(_COLUMNS.number == number, _WAITS, _COLUMNS.claimed_until == claimed_until)
    connection.execute(mine.values(due_at=due_at, claimed_until=None, error=error))


def wait_again(connection: sa.Connection, number: int, now: datetime, expires_at: datetime) -> None:
    """Let a delivery that was settled wait as if it were new."""
    values = {"state": "waiting", "due_at": now, "expires_at": expires_at, "attempts": 0, "settled_at": None}
    connection.execute(WEBHOOK_DELIVERIES.update().where(_COLUMNS.number == number).values(values))


# -- seen -------------------------------------------------------------------------------------------------------------


def of_decision(connection: sa.Connection, decision_id: UUID) -> list[Delivery]:
    """All that was or is to be told of a decision, in order."""
    query = sa.select(WEBHOOK_DELIVERIES).where(_COLUMNS.decision_id == decision_id).order_by(_COLUMNS.number)
    return [Delivery(*row) for row in connection.execute(query)]


def newest(connection: sa.Connection, limit: int, **wanted: Any) -> list[Delivery]:
    """Deliveries, the newest first, at most so many; `wanted`: column -> its value."""
    query = sa.select(WEBHOOK_DELIVERIES).order_by(_COLUMNS.number.desc()).limit(limit)
    for name, value in wanted.items():
        query = query.where(_COLUMNS[name] == value)
    return [Delivery(*row) for row in connection.execute(query)]


def waiting_since(connection: sa.Connection) -> Mapping[str, tuple[int, datetime]]:
    """Subscription -> how many wait under it, and since when the oldest does."""
    query = sa.select(
        _COLUMNS.subscription, sa.func.count(), sa.func.min(_COLUMNS.made_at, type_=_COLUMNS.made_at.type)
    )
    found = connection.execute(query.where(_WAITS).group_by(_COLUMNS.subscription))
    return {name: (count, since) for name, count, since in found}


# -- how receivers are doing ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receiver:
    """How the system behind a subscription is doing: when it was last sent something and last took it, how often it
    failed since and why, and since when it wants nothing any more, at the address of which `configured` is a digest."""

    name: str
    configured: str
    attempted_at: datetime
    succeeded_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    stopped_at: datetime | None = None


def read_receivers(connection: sa.Connection) -> dict[str, Receiver]:
    """All receivers that were ever sent something, by the name of their subscription."""
    return {row.name: Receiver(*row) for row in connection.execute(sa.select(WEBHOOK_RECEIVERS))}


def keep_receiver(connection: sa.Connection, receiver: Receiver) -> None:
    """Keep how a receiver is doing."""
    values = asdict(receiver)
    mine = WEBHOOK_RECEIVERS.update().where(WEBHOOK_RECEIVERS.c.name == receiver.name)
    if not connection.execute(mine.values(values)).rowcount:
        connection.execute(WEBHOOK_RECEIVERS.insert(), values)
