"""Sends what waits to the systems of places, at least once and in order, in a thread of every server process.

Whoever holds the lock in the database hands out, and what was handed out is sent by that process: so there are never
more at once to one receiver than may be, whichever processes and machines run. What a process that dies was sending is
sent again by another one, with the same id. All that is done in the database is done by the one thread; those that wait
for receivers hold no connection, so that requests never wait for them.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from routing import log_lines
from routing.access_log import note
from routing.errors import Erased, StoreUnavailable, WegwijsError
from routing.rights import Asker
from routing.store import database, deliveries
from routing.store.accesses import subjects_of
from routing.store.deliveries import Delivery, Receiver
from routing.webhooks.content import MEDIA_TYPE, event_of
from routing.webhooks.health import configured, is_stopped
from routing.webhooks.posting import Posted, Posting, post
from routing.webhooks.signing import signed_headers
from routing.webhooks.subscriptions import Subscribed, subscribed
from routing.world import World

EVERY_SECONDS = 0.25
AFTER_FAULT_SECONDS = 2.0

AT_ONCE = 4
"""So many events are on their way to one receiver at most, from all processes together."""

MOST_AT_ONCE = 64
"""So many are on their way from one process at most."""

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 120.0

MARGIN_SECONDS = 5.0
"""So much longer than a receiver may take a process may take that sends: then it is taken for dead."""

END_SECONDS = 3.0
"""So long a process that is asked to stop waits for the receivers that it just sent to."""

GONE = 410

Count = Callable[[str, str], None]
"""Is told of each attempt: the subscription, and taken, failed, stopped, given_up or erased."""

log = logging.getLogger("wegwijs.webhooks")


def pause_after(attempts: int, chance: Callable[[], float], asked: float | None = None) -> float:
    """How long to wait after so many attempts, in seconds: longer and longer, and not as long as others do, but at
    least as long as the receiver `asked`."""
    longest = min(FIRST_PAUSE_SECONDS * (1 << min(attempts - 1, 20)), LONGEST_PAUSE_SECONDS)
    return max(longest * (0.5 + chance() / 2), asked or 0.0)


def posting(about: Subscribed, message_id: str, body: bytes, now: datetime) -> Posting:
    """`body` signed and ready to be sent."""
    signed = signed_headers(message_id, int(now.timestamp()), body, about.secrets)
    headers = {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "User-Agent": "Wegwijs", **signed}
    return Posting(about.subscription.url, body, headers, about.subscription.timeout_seconds)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A delivery that this process sends, and until when nobody else does."""

    about: Subscribed
    delivery: Delivery
    until: datetime


@dataclass(slots=True)
class Sender:
    """What one process is sending: `results` come back from the threads that wait for receivers."""

    world: World
    count: Count = lambda _name, _result: None
    chance: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)
    post: Callable[[Posting], Posted] = post
    results: queue.SimpleQueue[tuple[_Claimed, Posted]] = field(default_factory=queue.SimpleQueue)
    news: threading.Event = field(default_factory=threading.Event)
    on_their_way: int = 0


def send_due(sender: Sender) -> int:
    """One round: note what came back, give up what is too late, and send what is due; how many were handed out. Raises
    StoreUnavailable, KeysUnusable."""
    world, back = sender.world, list(_came_back(sender))
    try:
        with database.reading(world.engine) as connection:
            if not back and not deliveries.any_to_do(connection, world.clock()):
                return 0
        counted: list[tuple[str, str]] = []
        with database.writing(world.engine) as connection:
            for claimed, posted in back:
                counted.append((claimed.about.subscription.id, _settle(connection, sender, claimed, posted)))
            handed_out = _hand_out(connection, sender, counted) if deliveries.try_lock(connection) else []
    except BaseException:
        for said in back:  # they were sent, whether or not we could write that down
            sender.results.put(said)
        sender.on_their_way += len(back)
        raise
    for name, result in counted:
        sender.count(name, result)
    for each in handed_out:
        _send(sender, each)
    return len(handed_out)


def _came_back(sender: Sender) -> Iterator[tuple[_Claimed, Posted]]:
    while not sender.results.empty():
        yield sender.results.get()
        sender.on_their_way -= 1


# -- handed out -------------------------------------------------------------------------------------------------------


def _hand_out(connection: database.Connection, sender: Sender, counted: list[tuple[str, str]]) -> list[_Claimed]:
    world = sender.world
    now, receivers = world.clock(), deliveries.read_receivers(connection)
    for each in deliveries.overdue(connection, now):
        counted.append((each.subscription, _end(connection, each, "given_up", now, each.error or "nobody was asked")))
    under_way, found = deliveries.under_way(connection, now), list[_Claimed]()
    for about in subscribed(world):
        name = about.subscription.id
        if is_stopped(about, receivers):
            for each in deliveries.waiting_for(connection, name):
                counted.append((name, _end(connection, each, "stopped", now, "it wants nothing any more (410)")))
            continue
        room = min(AT_ONCE - under_way.get(name, 0), MOST_AT_ONCE - sender.on_their_way - len(found))
        if room > 0 and (due := deliveries.due(connection, name, now, room)):
            until = now + timedelta(seconds=about.subscription.timeout_seconds + MARGIN_SECONDS)
            deliveries.claim(connection, due, until, now)
            _note(connection, about, due, now)
            found += (_Claimed(about, each, until) for each in due)
    return found


def _note(connection: database.Connection, about: Subscribed, due: Sequence[Delivery], now: datetime) -> None:
    """Note that data of these patients leave, before they do; sending again what failed tells nothing new."""
    if first := [each.decision_id for each in due if not each.attempts]:
        itself = Asker("", "pre-alert", frozenset(), source=f"pre-alert {about.subscription.id}", by_itself=True)
        note(connection, itself, "export", now, subjects=subjects_of(connection, first), purpose="care")


def _send(sender: Sender, claimed: _Claimed) -> None:
    """Make the event and send it in a thread of its own; what cannot be made comes back as failed."""
    world, delivery = sender.world, claimed.delivery
    sender.on_their_way += 1
    try:
        with database.reading(world.engine) as connection:
            body = event_of(world, connection, claimed.about, delivery)
    except Erased:
        sender.results.put((claimed, Posted(None, "erased")))
        return
    except WegwijsError as error:
        sender.results.put((claimed, Posted(None, f"its record cannot be read ({type(error).__name__})")))
        return
    except Exception as error:  # noqa: BLE001  a mistake of ours in one event must not hold up all others
        sender.results.put((claimed, Posted(None, f"it cannot be written ({type(error).__name__})")))
        return
    asked = posting(claimed.about, str(delivery.id), body, world.clock())

    def wait_for_receiver() -> None:
        sender.results.put((claimed, sender.post(asked)))
        sender.news.set()

    threading.Thread(target=wait_for_receiver, name=f"webhook {delivery.number}", daemon=True).start()


# -- settled ----------------------------------------------------------------------------------------------------------


def _settle(connection: database.Connection, sender: Sender, claimed: _Claimed, posted: Posted) -> str:
    now, delivery = sender.world.clock(), claimed.delivery
    if posted.error == "erased":
        return _end(connection, delivery, "erased", now, None)
    _keep_health(connection, claimed, posted, now)
    if posted.error is None:
        return _end(connection, delivery, "taken", now, None)
    if posted.status == GONE:
        return _end(connection, delivery, "stopped", now, "it wants nothing any more (410)", claimed.until)
    seconds = pause_after(delivery.attempts + 1, sender.chance, posted.retry_after)
    due_at = now + timedelta(seconds=min(seconds, 1e6))
    if due_at >= delivery.expires_at:  # it would be too late then: say so now
        return _end(connection, delivery, "given_up", now, posted.error, claimed.until)
    deliveries.put_off(connection, delivery.number, claimed.until, due_at, posted.error)
    return "failed"


def _end(
    connection: database.Connection,
    delivery: Delivery,
    state: str,
    now: datetime,
    error: str | None,
    claimed_until: datetime | None = None,
) -> str:
    settled = deliveries.settle(connection, delivery.number, state, now, error, claimed_until)
    if settled and state in ("given_up", "stopped"):
        said: dict[str, Any] = {"subscription": delivery.subscription, "delivery": str(delivery.id), "state": state}
        log_lines.write(log, logging.WARNING, "a place was not told of a patient", **said, error=error)
    return state


def _keep_health(connection: database.Connection, claimed: _Claimed, posted: Posted, now: datetime) -> None:
    name, where = claimed.about.subscription.id, configured(claimed.about)
    before = deliveries.read_receivers(connection).get(name) or Receiver(name, where, now)
    taken, stopped = posted.error is None, posted.status == GONE
    if stopped and not is_stopped(claimed.about, {name: before}):
        log_lines.write(log, logging.ERROR, "a receiver wants nothing any more (410)", subscription=name)
    after = Receiver(
        name,
        where,
        now,
        now if taken else before.succeeded_at,
        0 if taken else before.failures + 1,
        posted.error,
        now if stopped else None,
    )
    deliveries.keep_receiver(connection, after)


# -- again and again --------------------------------------------------------------------------------------------------


def begin_sending(world: World, count: Count) -> Callable[[], None]:
    """Send in a thread of its own, if anybody is subscribed; calling what is returned ends that."""
    if not subscribed(world):
        return lambda: None
    stop, sender = threading.Event(), Sender(world, count)
    work = threading.Thread(target=keep_sending, args=(sender, stop), name="webhooks", daemon=True)
    work.start()

    def end() -> None:
        stop.set()
        sender.news.set()
        work.join(2 * END_SECONDS)

    return end


def keep_sending(sender: Sender, stop: threading.Event) -> None:
    """Send until `stop` is set. What goes wrong is said, and tried again: what waits is in the database, none is
    lost."""
    said = ""
    while not stop.is_set():
        sender.news.clear()
        fault = _fault(sender)
        if fault is not None and repr(fault) != said:  # once, and not again and again
            _say(fault)
        said = "" if fault is None else repr(fault)
        if fault is not None:
            stop.wait(AFTER_FAULT_SECONDS)
        elif not stop.is_set():
            sender.news.wait(EVERY_SECONDS)
    _finish(sender)


def _finish(sender: Sender) -> None:
    """Wait a little for receivers that were just sent something, and write down what they said."""
    until = time.monotonic() + END_SECONDS
    while sender.on_their_way > sender.results.qsize() and time.monotonic() < until:
        sender.news.clear()
        sender.news.wait(0.05)
    try:
        with database.writing(sender.world.engine) as connection:
            for claimed, posted in list(_came_back(sender)):
                sender.count(claimed.about.subscription.id, _settle(connection, sender, claimed, posted))
    except StoreUnavailable:
        log.warning("what receivers said last could not be written down; they are told again")


def _fault(sender: Sender) -> Exception | None:
    try:
        send_due(sender)
    except Exception as error:  # noqa: BLE001  whatever it is, the thread must live: else nobody would be told any more
        return error
    return None


def _say(fault: Exception) -> None:
    write = log.warning if isinstance(fault, StoreUnavailable) else log.error
    unexpected = None if isinstance(fault, WegwijsError) else fault
    write("pre-alerts wait: %s", fault, exc_info=unexpected)
