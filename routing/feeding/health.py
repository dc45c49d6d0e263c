"""Says how the feeds that are pulled from elsewhere are doing, and which of them are late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from routing.store import database
from routing.store.feeds import Health, read_health
from routing.world import World

LATE_AFTER = 3
"""A feed is late when it did not answer well for so many times as long as it is asked."""


def feeds_status(world: World) -> list[dict[str, Any]]:
    """How every feed that is pulled is doing, by name. Raises StoreUnavailable."""
    return [{**_age(health, now), **_details(health)} for health, now in _all(world)]


def feed_ages(world: World) -> list[dict[str, Any]]:
    """Only how old what every feed said is: `{"name", "age_seconds", "late"}`. Raises StoreUnavailable."""
    return [_age(health, now) for health, now in _all(world)]


def _all(world: World) -> list[tuple[Health, datetime]]:
    now = world.clock()
    with database.reading(world.engine) as connection:
        return [(health, now) for health in read_health(connection)]


def _age(health: Health, now: datetime) -> dict[str, Any]:
    last = health.succeeded_at
    return {
        "name": health.name,
        "age_seconds": None if last is None else max(0, int((now - last).total_seconds())),
        "late": last is None or now - last > timedelta(seconds=LATE_AFTER * health.every_seconds),
    }


def _details(health: Health) -> dict[str, Any]:
    last = health.succeeded_at
    return {
        "attempted_at": health.attempted_at.isoformat(),
        "succeeded_at": last.isoformat() if last else None,
        "failures": health.failures,
        "error": health.error,
        "counts": health.counts,
    }
