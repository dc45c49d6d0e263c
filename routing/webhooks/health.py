"""Says how the systems that are told are doing, and which of them are late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from routing.store import database, deliveries
from routing.store.deliveries import Receiver
from routing.vocabulary import digest_of
from routing.webhooks.subscriptions import Subscribed, subscribed
from routing.world import World

LATE_AFTER = timedelta(seconds=60)
"""A place that was not told for so long is to be called: a receiver that works takes an event within seconds."""

FAILURES_LATE = 3
"""So many failures one after the other are no chance any more, also when nothing waits."""


def configured(about: Subscribed) -> str:
    """A digest of where a subscription sends to: what wanted nothing any more may want something elsewhere."""
    return digest_of({"url": about.subscription.url})


def is_stopped(about: Subscribed, receivers: Mapping[str, Receiver]) -> bool:
    """Whether the receiver said that it wants nothing any more, and is still at that address."""
    found = receivers.get(about.subscription.id)
    return found is not None and found.stopped_at is not None and found.configured == configured(about)


def webhook_ages(world: World) -> list[dict[str, Any]]:
    """How each subscription is doing: `{"name", "waiting", "waiting_seconds", "late", "stopped"}`. Raises
    StoreUnavailable."""
    return [
        {name: each[name] for name in ("name", "waiting", "waiting_seconds", "late", "stopped")}
        for each in subscriptions_status(world)
    ]


def subscriptions_status(world: World) -> list[dict[str, Any]]:
    """The same with when it was last sent something, took it, and why not since. Raises StoreUnavailable."""
    if not (all_subscribed := subscribed(world)):
        return []
    now = world.clock()
    with database.reading(world.engine) as connection:
        waiting = deliveries.waiting_since(connection)
        receivers = deliveries.read_receivers(connection)
    return [_status(each, waiting.get(each.subscription.id), receivers, now) for each in all_subscribed]


def _status(
    about: Subscribed, waiting: tuple[int, datetime] | None, receivers: Mapping[str, Receiver], now: datetime
) -> dict[str, Any]:
    name = about.subscription.id
    found, stopped = receivers.get(name), is_stopped(about, receivers)
    age = timedelta(0) if waiting is None else max(timedelta(0), now - waiting[1])
    failures = found.failures if found is not None else 0
    return {
        "name": name,
        "waiting": waiting[0] if waiting is not None else 0,
        "waiting_seconds": round(age.total_seconds(), 1),
        "late": stopped or age > LATE_AFTER or failures >= FAILURES_LATE,
        "stopped": stopped,
        "attempted_at": _said(found.attempted_at if found else None),
        "succeeded_at": _said(found.succeeded_at if found else None),
        "failures": failures,
        "error": found.error if found else None,
    }


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
