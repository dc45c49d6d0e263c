"""Gives entries that were committed their place in the tree, and signs how the tree stands.

Nobody waits for this: an entry is added without it, and has its place within a second. From then on a decision is also
found by the rules that fired. Every process tries; the lock in
the database lets one at a time through, and goes with the transaction of whoever holds it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from routing import repeats
from routing.errors import BadRecord, StoreUnavailable, WegwijsError
from routing.keys_here import checked_keyring, signer_of, verifiers_of
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import EMPTY_ROOT, Tile, leaf_hash, root_of, tiles_after
from routing.log.note import Checkpoint, Verifier, checkpoint_text, opened, read_checkpoint, sign
from routing.store import database, idempotency, rule_index
from routing.store import log as store
from routing.world import World

BATCH = 2_000
EVERY_SECONDS = 0.25
AFTER_FAULT_SECONDS = 2.0
WAIT_SECONDS = 5.0
END_SECONDS = 1.0
"""So long a process that is asked to stop goes on until no entry waits."""

LAST_LOOKS_SECONDS = 0.02

log = logging.getLogger("wegwijs.sequencer")


def sequence(world: World, log: str, most: int = BATCH) -> int:
    """Give at most so many entries of `log` that wait their positions, and sign the tree with them; how many. 0 also
    where another process is doing it. Raises BadRecord if the tree is not the one that was signed last: then nothing is
    added to it; StoreUnavailable."""
    with database.writing(world.engine) as connection:
        if not store.try_lock(connection, log) or not (waiting := store.waiting(connection, log, most)):
            return 0
        signer = signer_of(world, connection, log)
        kept: dict[tuple[int, int], bytes] = {}

        def tile(level: int, number: int) -> bytes:
            if (level, number) not in kept:
                kept[level, number] = store.tile(connection, log, level, number)
            return kept[level, number]

        size = _signed_size(connection, log, tile, verifiers_of(world, connection, log))
        grown = tiles_after(size, tile, [leaf_hash(entry) for _, entry in waiting])
        kept.update(grown)
        store.put_tiles(connection, log, grown)
        store.place(connection, size, placed := [entry_id for entry_id, _ in waiting])
        if log == DECISIONS_LOG:
            rule_index.spread(connection, placed)
            idempotency.forget(connection, world.clock() - repeats.KEPT)
        now_at = size + len(waiting)
        text = checkpoint_text(Checkpoint(signer.name, now_at, root_of(now_at, tile)))
        store.add_checkpoint(connection, log, now_at, sign(text, [signer]), world.clock())
        return len(waiting)


def _signed_size(connection: database.Connection, log: str, tile: Tile, verifiers: Sequence[Verifier]) -> int:
    """How many entries the tree has, by what was signed last, after holding the tree against it. Whoever may write in
    the database could otherwise have a tree signed that they made themselves."""
    head = store.head(connection, log)
    size, note = (0, "") if head is None else head
    if (placed := store.placed_up_to(connection, log)) != size:
        raise BadRecord(f"{placed} entries of the log `{log}` have a place, and {size} were signed")
    if head is None:
        return 0
    signed = read_checkpoint(opened(note, verifiers).text)
    of_this_log = (signed.origin, signed.size) == (verifiers[0].name, size)
    if not of_this_log or signed.root != (root_of(size, tile) if size else EMPTY_ROOT):
        raise BadRecord(f"the tree of the log `{log}` is not the one that was signed at {size} entries")
    return size


def placed(world: World, log: str, entry_id: UUID) -> tuple[int, str] | None:
    """The newest checkpoint (size, signed note) once the entry with this id stands in the tree: if it waits, it is
    given its place now. None if there is no such entry. Raises StoreUnavailable, also if another process is giving
    places and does not get done; BadRecord."""
    waited = 0.0
    while True:
        with database.reading(world.engine) as connection:
            if (logged := store.read(connection, log, entry_id)) is None:
                return None
            head = store.head(connection, log)
        if head is not None and logged.position is not None and logged.position < head[0]:
            return head
        if sequence(world, log):
            continue
        if waited > WAIT_SECONDS:
            raise StoreUnavailable("the entry waits for its place in the log, which another process is giving it")
        waited += EVERY_SECONDS
        time.sleep(EVERY_SECONDS)


def sequence_all(world: World, stopped: Callable[[], bool] = lambda: False) -> int:
    """Give all entries that wait in any log now their positions, unless `stopped()`; how many. What comes meanwhile is
    for the next round: else a busy log would never let go. Raises as `sequence` does."""
    with database.reading(world.engine) as connection:
        waiting = store.logs_waiting(connection)
    done = 0
    for each in waiting:
        count = BATCH
        while count == BATCH and not stopped():
            count = sequence(world, each)
            done += count
    return done


def log_health(world: World, log: str = DECISIONS_LOG) -> dict[str, Any]:
    """How a log stands: `{"log", "size", "waiting", "waiting_seconds"}`, how many entries were signed, how many wait
    and how long the oldest one does (0: none does). Raises KeysUnusable, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        checked_keyring(world, connection)
        head = store.head(connection, log)
        since = store.oldest_waiting(connection, log)
        waiting = store.count_waiting(connection, log) if since is not None else 0
    seconds = 0.0 if since is None else max(0.0, (world.clock() - since).total_seconds())
    size = head[0] if head is not None else 0
    return {"log": log, "size": size, "waiting": waiting, "waiting_seconds": round(seconds, 1)}


def begin_sequencing(world: World) -> Callable[[], None]:
    """Sequence in a thread of its own; calling what is returned ends that."""
    stop = threading.Event()
    work = threading.Thread(target=keep_sequencing, args=(world, stop), name="sequencer", daemon=True)
    work.start()

    def end() -> None:
        stop.set()
        work.join(END_SECONDS)

    return end


def keep_sequencing(world: World, stop: threading.Event) -> None:
    """Sequence until `stop` is set, and then what waits still. What goes wrong is said, and tried again: entries wait,
    none is lost."""
    said = ""
    while not stop.is_set():
        fault = _fault(world, stop.is_set)
        if fault is not None and repr(fault) != said:  # once, and not four times a second
            _say(fault)
        said = "" if fault is None else repr(fault)
        stop.wait(EVERY_SECONDS if fault is None else AFTER_FAULT_SECONDS)
    until = time.monotonic() + END_SECONDS

    def late() -> bool:
        return time.monotonic() >= until

    # another process that is giving places may end as well, and not have seen the newest entries
    while not said and not late() and _fault(world, late) is None and _any_waiting(world):
        time.sleep(LAST_LOOKS_SECONDS)


def _any_waiting(world: World) -> bool:
    try:
        with database.reading(world.engine) as connection:
            return bool(store.logs_waiting(connection))
    except StoreUnavailable:
        return False


def _fault(world: World, stopped: Callable[[], bool]) -> Exception | None:
    """Give places in one round; what kept us from it."""
    try:
        sequence_all(world, stopped)
    except Exception as error:  # noqa: BLE001  whatever it is, the thread must live: else entries would wait for ever
        return error
    return None


def _say(fault: Exception) -> None:
    write = log.warning if isinstance(fault, StoreUnavailable) else log.error
    unexpected = None if isinstance(fault, WegwijsError) else fault
    write("entries wait for their place in the log: %s", fault, exc_info=unexpected)
