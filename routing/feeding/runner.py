"""Pulls feeds from elsewhere, again and again, and keeps how each of them is doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Literal

from routing.errors import BadData, BadInput, WegwijsError
from routing.feeding.fetching import Asking, Fetched, NotFetched, fetch
from routing.feeding.report import FeedReport
from routing.feeding.sources import FeedSource
from routing.feeding.taking_in import sender, take_in
from routing.store import database
from routing.store import feeds as store
from routing.store.feeds import Health
from routing.vocabulary import digest_of
from routing.world import World

LONGEST_PAUSE_SECONDS = 900
"""A feed that keeps failing is asked at least so often (or as often as it always is, if that is less)."""

AT_ONCE = 4
"""So many feeds are pulled at the same time; the others wait, so that connections are left for everybody."""

Result = Literal["taken", "unchanged", "failed", "busy"]
Fetch = Callable[[Asking, Callable[[], float]], AbstractContextManager[Fetched]]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pull:
    """A feed as it is pulled: with the values of its headers and its mapping of fields. `pause` waits so many seconds
    and says whether to stop, `chance` gives a random number from 0 to 1, `elapsed` a clock in seconds."""

    feed: FeedSource
    headers: Mapping[str, str]
    field_map: Mapping[str, Any] | None
    pause: Callable[[float], bool]
    chance: Callable[[], float]
    say: Say
    elapsed: Callable[[], float] = time.monotonic
    fetch: Fetch = fetch


@dataclass(frozen=True, slots=True)
class Pulled:
    """How one pull went: `failed` with an `error`, `busy` if somebody else pulls this feed now."""

    result: Result
    report: FeedReport | None = None
    error: str | None = None


def run(world: World, pulls: Sequence[Pull], *, once: bool = False) -> bool:
    """Pull all of `pulls`, each in a thread of its own, until each is told to stop (or `once`). Whether the last pull
    of each went well. Raises StoreUnavailable if the database does not answer at the start."""
    with database.writing(world.engine) as connection:
        store.forget_others(connection, (pull.feed.name for pull in pulls))
    well: dict[str, bool] = {}
    slots = threading.BoundedSemaphore(AT_ONCE)

    def keep(pull: Pull) -> None:
        well[pull.feed.name] = keep_pulling(world, pull, slots, once=once)

    threads = [threading.Thread(target=keep, args=(pull,), name=pull.feed.name, daemon=True) for pull in pulls]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # in short pieces, so that the person at the keyboard can end it
            thread.join(0.2)
    return all(well.get(pull.feed.name, False) for pull in pulls)


def keep_pulling(world: World, pull: Pull, slots: AbstractContextManager[Any], *, once: bool = False) -> bool:
    """Pull a feed, each time within `slots`, until its `pause` says to stop, or `once`. Whether the last pull went
    well."""
    failures = 0
    while True:
        with slots:
            pulled = _surely(world, pull)
        pull.say(described(pull.feed.name, pulled))
        failures = failures + 1 if pulled.result == "failed" else 0
        seconds = pause_after(pull.feed.every_seconds, failures, pull.chance)
        if once or pull.pause(seconds):
            return not failures


def _surely(world: World, pull: Pull) -> Pulled:
    try:
        return pull_once(world, pull)
    except WegwijsError as error:
        return Pulled("failed", error=str(error))
    except Exception as error:  # noqa: BLE001  a mistake of ours in one feed must not end it for ever, unseen
        return Pulled("failed", error=f"unexpected: {type(error).__name__}")


def pause_after(every_seconds: int, failures: int, chance: Callable[[], float]) -> float:
    """How long to wait before the next pull: after failures longer and longer, and not as long as others do."""
    longest = max(every_seconds, min(every_seconds << min(failures, 20), LONGEST_PAUSE_SECONDS))
    return every_seconds + (longest - every_seconds) * (0.5 + chance() / 2)


def described(name: str, pulled: Pulled) -> str:
    """How a pull went, as one line."""
    if pulled.report is None or pulled.result == "failed":
        return f"{name}: {pulled.result}" + (f": {pulled.error}" if pulled.error else "")
    return f"{name}: {pulled.result}: {counted(pulled.report.counts)}"


def counted(counts: Mapping[str, int]) -> str:
    """Counts of a report as words."""
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "records")


# -- one pull ---------------------------------------------------------------------------------------------------------


def pull_once(world: World, pull: Pull) -> Pulled:
    """Fetch a feed if it changed, take it in, and keep how that went. Raises StoreUnavailable."""
    with store.alone_with(world.engine, pull.feed.name) as alone:
        if not alone:
            return Pulled("busy")
        before = _begun(world, pull)
        try:
            pulled, after = _pulled(world, pull, before)
        except (NotFetched, BadInput, BadData) as error:
            pulled, after = Pulled("failed", error=str(error)), before
        now = world.clock()
        if pulled.result == "failed":
            after = replace(after, failures=before.failures + 1, error=pulled.error)
        else:
            after = replace(after, failures=0, error=None, succeeded_at=now)
        _keep(world, after)
        return pulled


def _begun(world: World, pull: Pull) -> Health:
    """How the feed was doing, with this attempt written down before anything is asked."""
    feed, now = pull.feed, world.clock()
    read_as = [feed.model_dump(), pull.field_map, world.words.digest, version("wegwijs")]
    configured = digest_of({"read": read_as})
    with database.reading(world.engine) as connection:
        known = {health.name: health for health in store.read_health(connection)}.get(feed.name)
    begun = Health(feed.name, configured, feed.every_seconds, now)
    if known is not None:
        begun = replace(known, configured=configured, every_seconds=feed.every_seconds, attempted_at=now)
        if known.configured != configured:  # what was taken then may be read otherwise now
            begun = replace(begun, etag=None, last_modified=None)
    _keep(world, begun)
    return begun


def _pulled(world: World, pull: Pull, before: Health) -> tuple[Pulled, Health]:
    feed = pull.feed
    limit = world.settings.feed_limit
    asking = Asking(feed.url, pull.headers, feed.timeout_seconds, limit, before.etag, before.last_modified)
    with pull.fetch(asking, pull.elapsed) as fetched:
        if fetched.stream is None:
            return Pulled("unchanged"), before
        report = take_in(
            world,
            feed.format,
            fetched.stream,
            sender(feed.name, feed.facilities),
            source=feed.source,
            field_map=pull.field_map,
        )
    after = replace(before, counts=report.counts, etag=None, last_modified=None)
    if report.broken is not None:
        return Pulled("failed", report, f"broken at {report.broken.field}: {report.broken.message}"), after
    if report.complete:  # what was refused today may be known tomorrow: then it is asked for again as a whole
        after = replace(after, etag=fetched.etag, last_modified=fetched.last_modified)
    return Pulled("taken", report), after


def _keep(world: World, health: Health) -> None:
    with database.writing(world.engine) as connection:
        store.keep_health(connection, health)
