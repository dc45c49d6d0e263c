"""Use cases about deciding again: all decisions of a time as of then, or as if other rules had been in force."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import orjson

from routing.errors import NotFound, Stopped, bad_input, shown
from routing.flips import Counts, report, summed
from routing.log.record import SOFTWARE
from routing.replaying import reading
from routing.replaying.chunks import Chunk, chunk_size, chunks
from routing.replaying.cluster import Cluster
from routing.replaying.keeping import Kept, kept_in, private_file
from routing.replaying.processes import Here, Processes, Workers
from routing.replaying.reading import Stored
from routing.replaying.supposed import Supposed
from routing.replaying.work import job, judge_of
from routing.settings import Settings
from routing.store import database, decisions, stretches
from routing.store.cursor import bad_cursor, read_cursor, write_cursor
from routing.store.decisions import Position
from routing.world import World

VARIES = ("resumed", "seconds", "decisions_per_s")

TELL_SECONDS = 1.0
"""How long to wait for an answer before it is told that there is none yet."""

AHEAD = 4
"""So many times the chunks that are in hand may be finished and wait for an earlier one; they are held in memory."""

WORTH_A_PROCESS = 200
"""For fewer decisions than this it does not pay to start another process."""


MANY = 8
"""So many workers a cluster is taken to have when work is cut into chunks."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: decisions done of all, how many of these had been done before, and since when."""

    done: int
    total: int
    resumed: int
    seconds: float


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: the decisions from `since` (included; None: the first) to `until` (not included; None: now), as of
    then or by the `supposed` rules; and how: by so many `workers` (None: all cores) or a `scheduler`, kept in `resume`,
    everything that differs written to `listing`, and at most `most` of it in the answer."""

    since: datetime | None = None
    until: datetime | None = None
    supposed: Supposed | None = None
    workers: int | None = None
    scheduler: str | None = None
    resume: Path | None = None
    listing: Path | None = None
    most: int = 100


def replay_many(world: World, wanted: Wanted, tell: Tell) -> dict[str, Any]:
    """Decide again about all decisions that are `wanted`. The answer is the same, whoever works on it, in which parts,
    how often it was interrupted and who died on the way; only what `VARIES` names is about this time.
    Raises BadInput, StoreUnavailable, Stopped."""
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        message = f"lies after the end, {wanted.until.isoformat()}"
        raise bad_input("--since", "order", message, wanted.since.isoformat(), "a time before --until")
    begin = time.monotonic()
    with ExitStack() as opened:
        kept = opened.enter_context(kept_in(wanted.resume, _question(wanted), lambda: _begun(world, wanted)))
        until = datetime.fromisoformat(kept.head["until"])
        total = _count(world, wanted, until)
        listed = _Listed(wanted.most, _listing(opened, wanted.listing))
        workers = opened.enter_context(_workers(world, wanted, total))
        cut = chunks(world, wanted.since, until, kept.head["chunk"])
        run = _Run(workers, kept, cut, total, tell, begin)
        counts = summed(())
        for found in run.in_order():
            counts.update({tuple(name): number for name, number in found["counts"]})
            listed.take(found["rows"])
        run.say()
        seconds = time.monotonic() - begin
    return {
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": until.isoformat(),
        **_summary(counts, wanted.supposed, listed),
        **_about(run, seconds),
    }


def replay_one_supposing(world: World, decision_id: str, supposed: Supposed, most: int) -> dict[str, Any]:
    """What would have been answered in one decision by the `supposed` rules. Raises NotFound, StoreUnavailable."""
    verdict = judge_of(world, supposed)(_one(world, decision_id))
    listed = _Listed(most, None)
    listed.take([dict(verdict.row)] if verdict.row else [])
    return _summary(summed([dict.fromkeys((("decisions",), *verdict.names), 1)]), supposed, listed)


def suppose_part(
    world: World, wanted: Wanted, after: str | None, decisions_most: int, enough: Callable[[], bool]
) -> dict[str, Any]:
    """What the `supposed` rules would have changed in the next decisions of those that are `wanted`, the oldest first,
    from the one that follows `after` (the `next` of an earlier part): at most so many, and no more once it is
    `enough()`; worked out in this process. As `replay_many` answers, with `total` (how many are wanted in all), `first`
    and `last` (when the first and the last of this part were decided) and `next` (None: there are no more). Raises
    BadInput, StoreUnavailable."""
    assert wanted.supposed is not None, "as of then is asked of all of them"
    since, until, supposed = wanted.since, wanted.until or world.clock().astimezone(UTC), wanted.supposed
    begin = _position(after) if after is not None else None
    with database.reading(world.engine) as connection:
        total = stretches.count_between(connection, since, until)
        found = decisions.ids_between(connection, since, until, begin, decisions_most + 1)
    places = [(moment, decision_id) for decision_id, moment, _ in found]
    counts, listed, done = summed(()), _Listed(wanted.most, None), 0
    part = places[:decisions_most]
    if part:
        judge = judge_of(world, supposed)
        for stored in reading.records_in(world, Chunk(0, part[0], part[-1], len(part))):
            verdict = judge(stored)
            counts.update((("decisions",), *verdict.names))
            listed.take([dict(verdict.row)] if verdict.row else [])
            done += 1
            if enough():
                break
    return {
        "since": since.isoformat() if since else None,
        "until": until.isoformat(),
        "total": total,
        "first": part[0][0].isoformat() if part else None,
        "last": part[done - 1][0].isoformat() if done else None,
        "next": write_cursor(part[done - 1][0].isoformat(), part[done - 1][1].hex) if 0 < done < len(places) else None,
        **_summary(counts, supposed, listed),
    }


def _position(after: str) -> Position:
    moment, decision_id = read_cursor(after, str, str)
    try:
        found = datetime.fromisoformat(moment), UUID(hex=decision_id)
    except ValueError:
        raise bad_cursor(after) from None
    if found[0].tzinfo is None:
        raise bad_cursor(after)
    return found


# -- the answer -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Listed:
    """What is to be listed, one after the other: all of it to a file, the first `most` to the answer."""

    most: int
    file: BinaryIO | None
    first: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0

    def take(self, rows: list[dict[str, Any]]) -> None:
        """Add `rows` at the end."""
        room = max(0, self.most - len(self.first))
        self.first += rows[:room]
        self.left_out += len(rows[room:])
        if self.file is not None:
            self.file.writelines(orjson.dumps(row) + b"\n" for row in rows)


def _summary(counts: Counts, supposed: Supposed | None, listed: _Listed) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: counts[key,] for key in ("decisions", "identical", "different", "erased", "unreadable")
    }
    if supposed is None:
        differing = [{"differences": [], **row} for row in listed.first]
        # nobody may take what cannot be made again for the same
        found["different"] += found["unreadable"]
        return {**found, "ruleset": None, "differences": differing, "left_out": listed.left_out}
    rules = supposed.ruleset
    instead = {name[1]: number for name, number in sorted(counts.items()) if name[0] == "national_instead"}
    return {
        **found,
        "ruleset": {"name": rules.name, "version": rules.version, "digest": rules.digest},
        "overlays": {region: overlay.version for region, overlay in supposed.overlays.items()},
        "national_instead": instead,
        "flips": report(counts),
        "changed": [row for row in listed.first if "problem" not in row],
        "problems": [row for row in listed.first if "problem" in row],
        "left_out": listed.left_out,
    }


def _about(run: _Run, seconds: float) -> dict[str, Any]:
    return {
        "software": SOFTWARE,
        "resumed": run.resumed,
        "seconds": round(seconds, 1),
        "decisions_per_s": round((run.done - run.resumed) / seconds, 1) if seconds else None,
    }


# -- the work ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """A replay under way: which chunks are in hand, and which are finished and wait for an earlier one."""

    workers: Workers
    kept: Kept
    cut: Iterator[Chunk]
    total: int
    tell: Tell
    begin: float
    in_hand: int = 0
    turn: int = 0
    waiting: dict[int, Any] = field(default_factory=dict)
    done: int = 0
    resumed: int = 0

    def in_order(self) -> Iterator[dict[str, Any]]:
        """What was found in each chunk, in the order of the log. Raises Stopped, StoreUnavailable."""
        following = next(self.cut, None)
        while True:
            while following is not None and self._room(following):
                self._begin(following)
                following = next(self.cut, None)
            if self.turn in self.waiting:
                yield self.waiting.pop(self.turn)
                self.turn += 1
            elif self.in_hand:
                self._receive(self.workers.finished(TELL_SECONDS))
                self.say()
            else:
                return

    def say(self) -> None:
        """Tell how far it is."""
        self.tell(Progress(self.done, self.total, self.resumed, time.monotonic() - self.begin))

    def _room(self, chunk: Chunk) -> bool:
        slots = self.workers.slots()
        return self.in_hand < slots and chunk.number <= self.turn + slots * AHEAD

    def _begin(self, chunk: Chunk) -> None:
        before = self.kept.answer(chunk)
        if before is None:
            self.workers.begin(chunk)
            self.in_hand += 1
        else:
            self.resumed += self._finish(before)

    def _receive(self, answer: bytes | None) -> None:
        if answer is None:
            return
        self.in_hand -= 1
        self._finish(answer)
        self.kept.keep(answer)

    def _finish(self, answer: bytes) -> int:
        found: dict[str, Any] = orjson.loads(answer)
        if "stopped" in found:
            raise Stopped(found["stopped"])
        self.waiting[found["chunk"][0]] = found
        decisions = _decisions(found)
        self.done += decisions
        return decisions


def _decisions(found: Mapping[str, Any]) -> int:
    counted: int = {tuple(name): number for name, number in found["counts"]}["decisions",]
    return counted


def _workers(world: World, wanted: Wanted, total: int) -> Workers:
    told = partial(job, supposed=wanted.supposed)
    if wanted.scheduler is not None:
        return Cluster(wanted.scheduler, told(_address(world.settings)))
    processes = _processes(wanted, total)
    if processes == 1:
        return Here(world, judge_of(world, wanted.supposed))
    return Processes(told(_same(world.settings)), processes)


def _address(settings: Settings) -> dict[str, str]:
    # where the keys lie, not the keys themselves: each machine has its own copy
    return {"database_url": settings.database_url, "keys": str(settings.keys_file.absolute())}


def _same(settings: Settings) -> dict[str, str]:
    rulesets = {"rulesets": str(settings.rulesets)} if settings.rulesets is not None else {}
    return {**_address(settings), **rulesets}


def _processes(wanted: Wanted, total: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted.workers or max(1, min(cores, total // WORTH_A_PROCESS))


def _question(wanted: Wanted) -> dict[str, Any]:
    return {
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "rules": wanted.supposed.digest() if wanted.supposed else None,
        "software": SOFTWARE,
    }


def _begun(world: World, wanted: Wanted) -> dict[str, Any]:
    until = wanted.until or world.clock().astimezone(UTC)
    total = _count(world, wanted, until)
    workers = MANY if wanted.scheduler is not None else _processes(wanted, total)
    return {"until": until.isoformat(), "chunk": chunk_size(total, workers)}


def _count(world: World, wanted: Wanted, until: datetime) -> int:
    with database.reading(world.engine) as connection:
        return stretches.count_between(connection, wanted.since, until)


def _one(world: World, decision_id: str) -> Stored:
    with suppress(ValueError):
        return reading.one(world, UUID(decision_id))
    raise NotFound("decision", str(shown(decision_id)))


def _listing(opened: ExitStack, path: Path | None) -> BinaryIO | None:
    return opened.enter_context(private_file(path, "--changed", "wb")) if path is not None else None
