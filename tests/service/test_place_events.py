"""However many report at once, and however often a listener is cut off: every event is heard once, in order."""

from __future__ import annotations

import random
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from api.events import Streams, lines
from routing import places
from routing.place_events import Position, events_after, newest_position, position_of
from routing.rights import Asker
from routing.service import World, newest_directory
from tests.service.conftest import Clock, Open

OPERATOR = Asker("", "test", frozenset({"operator"}))
REPORTS = 25


def write(world: World, clock: Clock, facility: str) -> None:
    for number in range(REPORTS):
        seen = (clock.now - timedelta(hours=1) + timedelta(seconds=number)).isoformat()
        reports = [
            {"unit": unit, "kind": "waiting_minutes", "value": 30, "observed_at": seen}
            for unit in ("seh", "obstetrics")[: 1 + number % 2]
        ]
        places.report_status(world, facility, reports, OPERATOR)


def listen(world: World, start: Position, luck: random.Random, writers: list[Future[None]]) -> list[Position]:
    """What somebody hears who is cut off time and again, until all is written and nothing comes any more."""
    streams = Streams(clock=lambda: time.monotonic() * 200, sleep=lambda _seconds: time.sleep(0.002))
    found: list[Position] = []
    position, quiet = start, False
    while not quiet:
        written = all(writer.done() for writer in writers)
        before = len(found)
        stream = lines(world, streams, position)
        for _ in range(luck.randint(1, 12)):
            block = next(stream, None)
            if block is None:
                break
            if event := re.match(r"id: (\S+)\nevent", block):
                position = position_of(world, event[1])
                found.append(position)
        stream.close()
        assert len(found) <= 3 * 2 * REPORTS, "more events than reports"
        quiet = written and len(found) == before and events_after(world, position) == []
    return found


def test_no_event_is_lost_or_heard_twice_across_reconnects(world: World, open_world: Open, clock: Clock) -> None:
    some = [place.id for place in newest_directory(world).facilities[:3]]
    start = newest_position(world)
    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write, open_world(), clock, place) for place in some]
        listeners = [pool.submit(listen, open_world(), start, random.Random(n), writers) for n in range(2)]
    for writer in writers:
        writer.result()
    everything = [event.position for event in events_after(world, start, limit=10_000)]
    assert len(everything) == 3 * sum(1 + number % 2 for number in range(REPORTS))
    assert everything == sorted(set(everything))
    for listener in listeners:
        assert listener.result() == everything
