"""What live places cost: decisions among ten times as many places, reports that come in meanwhile, and seeing them.

Everything happens in a scratch database beside the given one. Ratios within one run mean something; the rest is about
one machine. A report here is one that confirms what was known, which is what most of them do: read, judged, added to
the history and committed like any other.
"""

from __future__ import annotations

import gc
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from routing import places, service
from routing.case import parse_case
from routing.decision import decide
from routing.directory_here import Proposal, add_packaged, change_directory, newest_directory
from routing.errors import StoreUnavailable
from routing.facilities.changes import PROFILE, Change
from routing.facilities.directory import Directory, read_directory
from routing.facilities.profile import capability_table
from routing.facilities.record import facility_record
from routing.facilities.status import Beds, LiveStatus, Report
from routing.log.canonical import canonical
from routing.log.record import make_record
from routing.packaged import directory_document
from routing.rights import Asker
from routing.rules.evaluation import Evaluators
from routing.rules_here import evaluators_of, in_force
from routing.settings import Settings
from routing.store import database
from routing.store.scratch import scratch_database
from routing.world import World, close_world, open_world

Progress = Callable[[str], None]
Bodies = Sequence[Mapping[str, Any]]

FEW, MANY = 317, 3_170
"""How many places decisions are made among."""

WORKERS, BATCH = 2, 100
"""So many processes write, each so many reports in one transaction."""

TARGET_PER_SECOND = 1_000
"""The pace of reports beside which the slow decisions are measured."""

FARAWAY = (50.1, 2.8)
"""Where no patient is within reach; nobody lives in most of it."""


def measure(
    settings: Settings, bodies: Bodies, *, decisions: int, seconds: float, progress: Progress
) -> dict[str, Any]:
    """Measure with a scratch database beside that of `settings`: `decisions` are timed for each figure, reports are
    written for `seconds` at a time. Raises StoreUnavailable."""
    with scratch_database(settings.database_url) as url, _prepared(settings, url, progress) as world:
        asker = service.authenticate(world, service.create_key(world, "bench", frozenset({"triagist", "operator"})))
        assert asker is not None
        evaluators = evaluators_of(world, in_force(world, world.clock()))
        grown = _growth(evaluators, world, bodies, decisions, progress)
        refreshed = _refresh(world, url, settings, progress)
        return {
            "database": "sqlite" if url.startswith("sqlite") else "postgresql",
            "facilities": [FEW, MANY],
            "decisions": decisions,
            **grown,
            **refreshed,
            **_under_reports(world, url, bodies, asker, decisions, seconds, progress),
        }


@contextmanager
def _prepared(settings: Settings, url: str, progress: Progress) -> Iterator[World]:
    """A world on the scratch database, with all the places and a report of each."""
    world = open_world(settings.model_copy(update={"database_url": url}))
    try:
        service.upgrade(world)
        with database.writing(world.engine) as connection:
            add_packaged(connection, synthetic(MANY), "bench", world.words, world.clock())
        for batch in _batches([place.id for place in newest_directory(world).facilities]):
            report(world, batch)
        progress(f"a scratch database with {MANY} places that all report")
        yield world
    finally:
        close_world(world)


def synthetic(count: int, *, elsewhere: bool = False) -> dict[str, Any]:
    """A directory of `count` places of the same mix: the real ones, and copies of them a few kilometres away, so that
    as many times more are within reach of everybody; with `elsewhere` the copies are out of reach of all patients."""
    document, chance = directory_document(), random.Random(7)  # noqa: S311 - not for secrets
    real = document["facilities"]
    found = list(real)
    while len(found) < count:
        like = real[len(found) % len(real)]
        lat, lon = FARAWAY if elsewhere else (like["lat"], like["lon"])
        moved = {
            "id": f"{like['id'][:70]}-{len(found)}",
            "lat": round(min(54.4, max(50.0, chance.gauss(lat, 0.05))), 5),
            "lon": round(min(7.9, max(2.5, chance.gauss(lon, 0.08))), 5),
        }
        found.append({key: value for key, value in {**like, **moved}.items() if key != "located_at"})
    return {**document, "facilities": found[:count]}


# -- ten times as many places -----------------------------------------------------------------------------------------


def _growth(evaluators: Evaluators, world: World, bodies: Bodies, decisions: int, progress: Progress) -> dict[str, Any]:
    """Processor time of a decision with its record, among few and many places in turn."""
    table, now = capability_table(world.words), world.clock()

    def among(document: Mapping[str, Any]) -> Directory:
        found = read_directory(document, table, 1)
        return replace(found, status=_all_report(found, now))

    several = {
        "few": among(synthetic(FEW)),
        "many": among(synthetic(MANY)),
        "elsewhere": among(synthetic(MANY, elsewhere=True)),
    }
    times: dict[str, list[float]] = {name: [] for name in several}
    gc.collect()
    for index in range(-len(several), decisions):
        for name, directory in several.items():
            begin = time.process_time_ns()
            _decide(evaluators, directory, bodies[index % len(bodies)], now)
            if index >= 0:
                times[name].append((time.process_time_ns() - begin) / 1e6)
    p50 = {name: statistics.median(spent) for name, spent in times.items()}
    for name, spent in p50.items():
        progress(f"a decision, {name} places: {spent:.1f} ms")
    return {
        "p50_growth_10x": round(p50["many"] / p50["few"], 2),
        "p50_growth_10x_elsewhere": round(p50["elsewhere"] / p50["few"], 2),
        **{f"decision_cpu_ms_p50_{name}": round(spent, 2) for name, spent in p50.items()},
    }


def _all_report(directory: Directory, now: datetime) -> LiveStatus:
    return {
        place.id: (Report("seh", "beds", Beds(available=3), now), Report("seh", "stop", False, now))
        for place in directory.facilities
    }


def _decide(evaluators: Evaluators, directory: Directory, body: Mapping[str, Any], now: datetime) -> None:
    words = evaluators.ruleset.vocabulary
    case = parse_case(body, words, now, directory.by_id)
    decided = decide(case, directory, evaluators, now)
    canonical(make_record(decided, case, words, id="", now=now, asker={}, supersedes=None))


# -- seeing what changed ----------------------------------------------------------------------------------------------

REFRESHES = 200


def _refresh(world: World, url: str, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Milliseconds until another process has the directory with one change more, by the clock on the wall."""
    other = open_world(settings.model_copy(update={"database_url": url}))
    try:
        newest_directory(other)
        ids = [place.id for place in newest_directory(world).facilities]
        times: dict[str, list[float]] = {"status": [], "profile": []}
        for number in range(REFRESHES):
            kind = "profile" if number % 4 == 3 else "status"
            place_id = ids[number % len(ids)]
            revision = rename(world, place_id, number) if kind == "profile" else report(world, [place_id])
            begin = time.perf_counter()
            found = newest_directory(other)
            times[kind].append((time.perf_counter() - begin) * 1000)
            assert found.revision == revision
    finally:
        close_world(other)
    p50 = {kind: round(statistics.median(spent), 2) for kind, spent in times.items()}
    progress(f"seeing a report: {p50['status']} ms; a new profile: {p50['profile']} ms")
    return {"refresh_ms_p50": p50["status"], "refresh_profile_ms_p50": p50["profile"]}


def report(world: World, place_ids: Sequence[str]) -> int:
    """Take in that these places have no stop; the revision."""
    now = datetime.now(UTC)
    wire = {"unit": "seh", "kind": "stop", "value": False, "observed_at": now.isoformat()}
    reports = {place_id: places.read_reports(world, [wire], now, several=False) for place_id in place_ids}

    def propose(proposal: Proposal) -> tuple[list[Change], None]:
        changes: list[Change] = []
        for place_id, given in reports.items():
            judged = places.judge_reports(proposal, place_id, given)
            changes += places.status_changes(place_id, judged, "bench")
        return changes, None

    made, _ = change_directory(world, propose, source="bench", key_id=None, places=place_ids)
    return made.revision


def rename(world: World, place_id: str, number: int) -> int:
    """Change the profile of a place; the revision."""

    def propose(proposal: Proposal) -> tuple[list[Change], None]:
        record = {**facility_record(proposal.directory.by_id[place_id]), "name": f"Place {number}"}
        return [Change(place_id, PROFILE, record, "bench", proposal.now)], None

    return change_directory(world, propose, source="bench", key_id=None)[0].revision


# -- reports while decisions go on ------------------------------------------------------------------------------------


def _under_reports(
    world: World, url: str, bodies: Bodies, asker: Asker, decisions: int, seconds: float, progress: Progress
) -> dict[str, Any]:
    """Reports as fast as they go while decisions go on; and the slow decisions with and without them, at a pace."""
    _timed(world, bodies, asker, decisions)  # what is built once is built
    alone = _p99(_timed(world, bodies, asker, decisions))
    progress(f"decisions alone: p99 {alone:.1f} ms")
    with _writers(url, pace=None) as finished:
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            _timed(world, bodies, asker, 1)
        per_second = finished()
    progress(f"reports: {per_second:.0f} a second, as fast as they go")
    with _writers(url, pace=TARGET_PER_SECOND) as finished:
        beside = _p99(_timed(world, bodies, asker, decisions))
        paced = finished()
    progress(f"decisions beside {paced:.0f} reports a second: p99 {beside:.1f} ms")
    return {
        "status_updates_per_s": round(per_second),
        "decision_p99_ratio": round(beside / alone, 2),
        "decision_p99_beside_updates_per_s": round(paced),
        "decision_ms_p99_alone": round(alone, 1),
        "decision_ms_p99_beside": round(beside, 1),
    }


def _timed(world: World, bodies: Bodies, asker: Asker, count: int) -> list[float]:
    """Milliseconds by the clock on the wall of whole decisions, logged as always."""
    found = []
    for index in range(count):
        begin = time.perf_counter()
        service.decide(world, bodies[index % len(bodies)], asker)
        found.append((time.perf_counter() - begin) * 1000)
    return found


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


@contextmanager
def _writers(url: str, pace: int | None) -> Iterator[Callable[[], float]]:
    """Processes that write until they are asked how many reports a second that was."""
    spawn = multiprocessing.get_context("spawn")
    pipes, started = [], []
    for number in range(WORKERS):
        here, there = spawn.Pipe()
        each = None if pace is None else pace / WORKERS
        process = spawn.Process(target=_write_on, args=(url, number, each, there), daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        started.append(process)

    def finished() -> float:
        for pipe in pipes:
            pipe.send("stop")
        return float(sum(_answer(pipe) for pipe in pipes))

    try:
        for pipe in pipes:
            _answer(pipe)  # it is ready
        for pipe in pipes:
            pipe.send("go")
        yield finished
    finally:
        for process in started:
            process.join(5)
            process.kill()


def _answer(pipe: Connection) -> float:
    try:
        found: float = pipe.recv()
    except EOFError:
        raise StoreUnavailable("a process that writes reports has ended") from None
    return found


def _write_on(url: str, number: int, pace: float | None, pipe: Connection) -> None:
    """The work of one process: batches of reports, at most `pace` a second."""
    world = open_world(Settings(database_url=url))
    ids = [place.id for place in newest_directory(world).facilities][number::WORKERS]
    pipe.send(0.0)
    pipe.recv()
    begin, written = time.monotonic(), 0
    batches: Iterator[Sequence[str]] = iter(())
    while not pipe.poll():
        if (batch := next(batches, None)) is None:
            batches = _batches(ids)
            continue
        report(world, batch)
        written += len(batch)
        if pace is not None:
            time.sleep(max(0.0, begin + written / pace - time.monotonic()))
    pipe.send(written / (time.monotonic() - begin))
    close_world(world)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
