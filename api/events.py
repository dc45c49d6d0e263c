"""Tells listeners what changes at places of care at the moment it does, and lets them go on where they were."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import orjson
from flask import Blueprint, Response, current_app, request

from api.auth import world
from api.problems import Refused
from api.queries import EventQuery, query
from routing.errors import StoreUnavailable
from routing.place_events import EVENTS_AT_ONCE, Event, Position, event_id, events_after, newest_position, position_of
from routing.service import newest_directory
from routing.serving import THREADS
from routing.world import World

events = Blueprint("events", __name__, url_prefix="/v1/facilities/events")

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
LIFE_SECONDS = 60.0
"""After this a stream ends by itself and the client comes back, so that no worker is held for ever."""

RETRY_AFTER_SECONDS = 5


@dataclass(slots=True)
class Streams:
    """The streams of one process: how many may be open at once, and the newest revision that it has seen. All of them
    share one look at the database every POLL_SECONDS. `ending` says that the process is about to stop."""

    most: int = THREADS // 2  # the other half of the threads is for decisions
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    ending: Callable[[], bool] = lambda: False
    open: set[object] = field(default_factory=set)
    revision: int = 0
    looked_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self) -> Callable[[], None] | None:
        """Take a place among the open streams; gives what gives it back (once), None if there is none left."""
        ticket = object()
        with self.lock:
            if len(self.open) >= self.most:
                return None
            self.open.add(ticket)
        return lambda: self.open.discard(ticket)

    def newest(self, world: World) -> int:
        """The newest revision, as it was at most POLL_SECONDS ago. Raises BadRecord, StoreUnavailable."""
        with self.lock:
            now = self.clock()
            if self.looked_at is None or now - self.looked_at >= POLL_SECONDS:
                self.revision = newest_directory(world).revision
                self.looked_at = now
            return self.revision


@events.get("")
def stream() -> Response:
    """What changes from now on, or from the event that the client saw last."""
    streams: Streams = current_app.extensions["wegwijs.streams"]
    position = _position()
    leave = streams.enter()
    if leave is None:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise Refused("too-many-streams", f"This process has {streams.most} streams already.", headers=headers)
    response = Response(lines(world(), streams, position), content_type="text/event-stream; charset=utf-8")
    response.call_on_close(leave)  # also when the client goes away before the first line
    response.headers["X-Accel-Buffering"] = "no"  # a proxy that collects an answer would hold events back
    return response


def _position() -> Position:
    asked = query(EventQuery).last_event_id
    given = request.headers.get("Last-Event-ID") or asked
    return position_of(world(), given) if given else newest_position(world())


def lines(world: World, streams: Streams, position: Position) -> Iterator[str]:
    """The stream after `position`, as server-sent events. A database that does not answer ends it: the client comes
    back, and is told then."""
    began = spoke = streams.clock()
    # also the place to begin has an id, so that who is cut off before the first event misses none
    yield f"retry: 1000\nid: {event_id(position)}\n\n"
    seen = -1
    with suppress(StoreUnavailable):
        while streams.clock() - began < LIFE_SECONDS and not streams.ending():
            newest = streams.newest(world)
            found = events_after(world, position) if newest > seen else []
            for event in found:
                yield written(event)
                position = event.position
            if len(found) == EVENTS_AT_ONCE:
                continue
            seen = max(seen, newest)
            if found:
                spoke = streams.clock()
            elif streams.clock() - spoke >= HEARTBEAT_SECONDS:
                spoke = streams.clock()
                yield ": nothing new\n\n"
            streams.sleep(POLL_SECONDS)


def written(event: Event) -> str:
    """`event` as it goes over the line."""
    return f"id: {event_id(event.position)}\nevent: {event.kind}\ndata: {orjson.dumps(event.change).decode()}\n\n"
