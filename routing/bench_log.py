"""What the log costs: an entry beside the bare row of a decision, going through a long log, and deciding again.

Everything happens in a scratch database beside the given one. Processor time is that of this process: what a PostgreSQL
server spends is not in it. Ratios within one run mean something; the rest is about one machine.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing import service
from routing.bench import resident_mb
from routing.case import parse_case
from routing.decision import decide
from routing.directory_here import newest_directory
from routing.facilities.directory import Directory
from routing.keyring import Keyring
from routing.keys_here import checked_keyring
from routing.log.canonical import canonical
from routing.log.commitments import written_with_fields
from routing.log.entry import DECISIONS_LOG, decision_entry
from routing.log.record import make_record
from routing.log.replay import replay
from routing.log.sealing import KEY_BYTES, seal, wrap
from routing.log_check import check_log
from routing.log_here import add, make_ready, records_of
from routing.rights import Asker, who
from routing.rules.evaluation import Evaluators
from routing.rules_here import evaluators_of, in_force
from routing.sequencer import BATCH, sequence
from routing.settings import Settings
from routing.store import database, decisions, scratch, sources
from routing.store.packing import pack
from routing.vocabulary import URGENCIES
from routing.world import World, close_world, open_world

Progress = Callable[[str], None]
Cases = Sequence[tuple[Mapping[str, Any], datetime]]

TOGETHER = 100
"""So many entries get their places at once here: four times a second, that is 400 decisions a second."""

PAGE = 100
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all measurements share."""

    world: World
    evaluators: Evaluators
    directory: Directory
    keyring: Keyring
    asker: Asker
    progress: Progress


@dataclass(slots=True)
class _Spent:
    """Processor time of many decisions, in microseconds, and how large their records were."""

    decide: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    unlogged: list[float] = field(default_factory=list)
    logged: list[float] = field(default_factory=list)
    commit: list[float] = field(default_factory=list)
    seal: list[float] = field(default_factory=list)
    sequence: list[float] = field(default_factory=list)
    record_bytes: list[int] = field(default_factory=list)
    sealed_bytes: list[int] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew: what was built once is built."""
        for name in self.__slots__:
            getattr(self, name).clear()


def measure(settings: Settings, cases: Cases, *, entries: int, decisions: int, progress: Progress) -> dict[str, Any]:
    """Measure in a scratch database beside that of `settings`: `decisions` (made of `cases`: body, moment) are added
    and replayed, and a log of `entries` more is verified. Raises StoreUnavailable."""
    with scratch.scratch_database(settings.database_url) as url, _prepared(settings, url, progress) as bench:
        appended = _append(bench, cases, decisions)
        with database.writing(bench.world.engine) as connection:
            scratch.remove_bare_rows(connection)
        opened = _verify(bench, "records", with_records=True)
        replayed = _replay(bench, decisions, appended["decide_cpu_us"])
        _fill(bench, entries)
        return {
            "database": "sqlite" if url.startswith("sqlite") else "postgresql",
            "entries": entries,
            "decisions": decisions,
            **appended,
            **_verify(bench, "entries", with_records=False),
            **opened,
            **replayed,
        }


@contextmanager
def _prepared(settings: Settings, url: str, progress: Progress) -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="wegwijs-bench-") as folder:
        keys = Path(folder) / "wegwijs.keys"  # never those of the real log
        world = open_world(settings.model_copy(update={"database_url": url, "keys": keys}))
        try:
            service.upgrade(world)
            yield _bench(world, progress)
        finally:
            close_world(world)


def _bench(world: World, progress: Progress) -> _Bench:
    asker = service.authenticate(world, service.create_key(world, "bench", frozenset({"triagist"})))
    assert asker is not None
    rules = in_force(world, world.clock())
    with database.writing(world.engine) as connection:
        sources.keep_vocabulary(connection, world.words, world.clock())
        sources.keep_ruleset(connection, rules, world.clock())
        scratch.add_record_column(connection)
        keyring = checked_keyring(world, connection)
    return _Bench(world, evaluators_of(world, rules), newest_directory(world), keyring, asker, progress)


# -- adding -----------------------------------------------------------------------------------------------------------


def _append(bench: _Bench, cases: Cases, count: int) -> dict[str, Any]:
    """Decisions that are written as a bare row and as the log does it, in turn, so that both see the same machine."""
    spent = _Spent()
    gc.collect()
    for number in range(-WARM_UP, count):
        if number == 0:
            _sequence(bench, spent)
            spent.forget()
        _one(bench, *cases[number % len(cases)], spent, number)
        if (number + 1) % TOGETHER == 0 or number + 1 == count:
            _sequence(bench, spent)
            bench.progress(f"{number + 1} of {count} decisions were added")
    found = _figures(spent)
    bench.progress(f"an entry: {found['append_cpu_us']:.0f} us beyond the row, {found['bare_row_cpu_us']:.0f} us")
    return found


def _figures(spent: _Spent) -> dict[str, Any]:
    sequenced = sum(spent.sequence) / len(spent.logged)
    # each decision is compared with itself
    beyond = [logged - unlogged for logged, unlogged in zip(spent.logged, spent.unlogged, strict=True)]
    bare, append = statistics.median(spent.bare), statistics.median(beyond) + sequenced
    return {
        "append_cpu_us": round(append, 1),
        "bare_row_cpu_us": round(bare, 1),
        "append_ratio_to_bare_row": round(append / bare, 2),
        "append_ratio_to_decide": round(append / statistics.median(spent.decide), 3),
        "commit_cpu_us": round(statistics.median(spent.commit), 1),
        "seal_cpu_us": round(statistics.median(spent.seal), 1),
        "sequence_cpu_us_per_entry": round(sequenced, 1),
        "unlogged_cpu_us": round(statistics.median(spent.unlogged), 1),
        "logged_cpu_us": round(statistics.median(spent.logged), 1),
        "decide_cpu_us": round(statistics.median(spent.decide), 1),
        "record_bytes_p50": round(statistics.median(spent.record_bytes)),
        "sealed_bytes_p50": round(statistics.median(spent.sealed_bytes)),
    }


def _one(bench: _Bench, body: Mapping[str, Any], at: datetime, spent: _Spent, number: int) -> None:
    at = at.astimezone(UTC)
    with _timed(spent.decide):
        record = _decide(bench, body, at)
    row, written = _row(bench, record, at), canonical(record)
    packed = pack(written)
    ways = (_write_bare, _write_unlogged, _write_logged)
    for turn in range(len(ways)):
        ways[(number + turn) % len(ways)](bench, record, row, packed, spent)
    _parts(bench, record, packed, spent)
    spent.record_bytes.append(len(written))
    spent.sealed_bytes.append(len(packed))


def _write_bare(bench: _Bench, _record: Any, row: decisions.Row, packed: bytes, spent: _Spent) -> None:
    """The bare row: nothing but the insert and its commit."""
    alone = replace(row, id=uuid7())
    with _timed(spent.bare), database.writing(bench.world.engine) as connection:
        database.insert_together(connection, scratch.bare_rows(alone, packed))


def _write_unlogged(
    bench: _Bench, record: Mapping[str, Any], row: decisions.Row, _packed: bytes, spent: _Spent
) -> None:
    """What a decision would cost without this log: its record is written and packed, and stands in its row."""
    alone = replace(row, id=uuid7())
    with _timed(spent.unlogged), database.writing(bench.world.engine) as connection:
        database.insert_together(connection, scratch.bare_rows(alone, pack(canonical(record))))


def _write_logged(bench: _Bench, record: Mapping[str, Any], row: decisions.Row, _packed: bytes, spent: _Spent) -> None:
    """What it costs with this log, all but its place in the tree."""
    with _timed(spent.logged), database.writing(bench.world.engine) as connection:
        ready = make_ready(bench.keyring, "decision", record)
        add(connection, ready, row.decided_at, decisions.rows_of(row))


def _parts(bench: _Bench, record: Mapping[str, Any], packed: bytes, spent: _Spent) -> None:
    """What committing to a record costs beyond writing it, and what sealing it costs: both are part of the whole."""
    key, alone = bytes(KEY_BYTES), list[float]()
    with _timed(alone):
        canonical(record)
    with _timed(spent.commit):
        decision_entry(record, written_with_fields(record)[1], key)
    spent.commit[-1] -= alone[0]
    with _timed(spent.seal):
        seal(packed, key, bytes(16))
        wrap(key, bench.keyring.sealing[-1])


@contextmanager
def _timed(times: list[float]) -> Iterator[None]:
    begin = time.process_time_ns()
    yield
    times.append((time.process_time_ns() - begin) / 1000)


def _sequence(bench: _Bench, spent: _Spent) -> None:
    with _timed(spent.sequence):
        while sequence(bench.world, DECISIONS_LOG):
            pass


def _decide(bench: _Bench, body: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    words = bench.evaluators.ruleset.vocabulary
    case = parse_case(body, words, at, bench.directory.by_id)
    decided = decide(case, bench.directory, bench.evaluators, at)
    return make_record(decided, case, words, id=str(uuid7()), now=at, asker=who(bench.asker), supersedes=None)


def _row(bench: _Bench, record: Mapping[str, Any], at: datetime) -> decisions.Row:
    result, rules = record["result"], bench.evaluators.ruleset
    return decisions.Row(
        id=UUID(record["id"]),
        decided_at=at,
        urgency=URGENCIES.index(result["urgency"]["level"]),
        conditions={condition["code"]: condition["status"] for condition in result["conditions"]},
        facility_id=result["recommendation"]["facility"]["id"],
        channel=record["case"].get("channel"),
        ruleset_digest=rules.digest,
        vocabulary_digest=rules.vocabulary.digest,
        directory_revision=bench.directory.revision,
        supersedes=None,
        key_id=UUID(bench.asker.key_id),
    )


# -- deciding again ---------------------------------------------------------------------------------------------------


def _replay(bench: _Bench, count: int, decide_us: float) -> dict[str, Any]:
    """All decisions are replayed from their sealed records, a page at a time; memory must not grow."""
    _replay_all(bench)
    gc.collect()
    before, begin = resident_mb(), time.process_time()
    replayed = different = 0
    for _ in range(2):
        done, odd = _replay_all(bench)
        replayed, different = replayed + done, different + odd
    spent = time.process_time() - begin
    gc.collect()
    per_second = replayed / spent
    bench.progress(f"replays: {per_second:.0f} a second, {different} different")
    return {
        "replay_decisions_per_s_per_core": round(per_second, 1),
        "replay_ratio_to_decide": round(1e6 / per_second / decide_us, 2),
        "replays": replayed,
        "replays_different": different,
        "replay_rss_growth_mb": round(resident_mb() - before, 2),
    }


def _replay_all(bench: _Bench) -> tuple[int, int]:
    """How many were replayed, and how many of them were not identical."""
    done = different = 0
    for page in _pages(bench.world):
        with database.reading(bench.world.engine) as connection:
            found = records_of(bench.world, connection, page)
        different += sum(bool(replay(record, bench.directory, bench.evaluators)) for record in found.values())
        done += len(found)
    return done, different


def _pages(world: World) -> Iterator[Sequence[UUID]]:
    after: decisions.Position | None = None
    while True:
        with database.reading(world.engine) as connection:
            page = decisions.ids_between(connection, None, None, after, PAGE)
        if not page:
            return
        last_id, last_moment, _ = page[-1]
        after = (last_moment, last_id)
        yield [decision_id for decision_id, _, _ in page]


# -- verifying --------------------------------------------------------------------------------------------------------


def _fill(bench: _Bench, entries: int) -> None:
    """Add so many entries with the bytes of real ones but for their ids, each with its row and a short record that
    nobody opens, and give them their places."""
    with database.reading(bench.world.engine) as connection:
        like = scratch.some_entries(connection, DECISIONS_LOG, 200)
    done = 0
    coming = ((uuid7(), like[number % len(like)]) for number in range(entries))
    while batch := list(islice(coming, BATCH)):
        with database.writing(bench.world.engine) as connection:
            scratch.add_like(connection, DECISIONS_LOG, batch)
        while count := sequence(bench.world, DECISIONS_LOG):
            done += count
        if done % (25 * BATCH) == 0 or done == entries:
            bench.progress(f"a log of {done} of {entries} entries")


def _verify(bench: _Bench, what: str, *, with_records: bool) -> dict[str, Any]:
    gc.collect()
    memory, cpu, begin = resident_mb(), time.process_time(), time.perf_counter()
    found = check_log(bench.world, with_records=with_records)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    memory = resident_mb() - memory
    assert not found.count, found.problems[:3]
    bench.progress(f"{found.entries} {what} verified in {seconds:.1f} s")
    if with_records:
        return {"verify_records_per_s": round(found.entries / seconds, 1)}
    return {
        "verify_entries_per_s": round(found.entries / seconds),
        "verify_seconds_per_million": round(1e6 * seconds / found.entries, 2),
        "verify_cpu_seconds_per_million": round(1e6 * cpu / found.entries, 2),
        "verify_checkpoints": found.checkpoints,
        "verify_rss_growth_mb": round(memory, 2),
    }
