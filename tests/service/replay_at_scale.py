"""Shows that very many decisions replay identically on a Dask cluster of which a worker is killed on the way.

    python -m tests.service.replay_at_scale --decisions 100000
    python -m tests.service.replay_at_scale --decisions 2000 --different 2000 --instead acute-nl/1.0.0

In a scratch database on `WEGWIJS_TEST_POSTGRES`, with the packaged rules and directory: some decisions are made about
the worked cases, with reports of places in between; the others are copies of them under ids of their own, and each is
made again in full. A scheduler and two workers run as processes of their own; one worker is killed when a third of the
work is done, and another takes its place. Exit code 1 if anything is not identical. With `--instead` other rules are
supposed, and what they would have changed is shown.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from routing import places, service
from routing.directory_here import newest_directory
from routing.packaged import open_desk
from routing.replay_text import replay_text
from routing.replaying.run import Progress, Wanted, replay_many
from routing.replaying.supposed import Supposed, supposed_rules
from routing.settings import Settings
from routing.store.scratch import scratch_database
from routing.vocabulary import read_vocabulary
from routing.worked_cases import packaged_worked_cases
from routing.world import World
from tests.service.conftest import Clock
from tests.service.replays import OPERATOR, copy
from tests.service.test_replay_cluster import EVER, Started


def main() -> int:
    """Fill, replay, and say what was found as JSON."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--decisions", type=int, default=100_000, help="how many are replayed (default: 100,000)")
    made.add_argument("--different", type=int, default=1_000, help="how many of them are no copies (default: 1,000)")
    made.add_argument("--instead", metavar="RULESET", help="suppose these rules: a folder, or NAME/VERSION")
    wanted = made.parse_args()
    server = os.environ.get("WEGWIJS_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
    address = server.replace("postgresql://", "postgresql+psycopg://", 1).rstrip("/") + "/postgres"
    with scratch_database(address) as url, tempfile.TemporaryDirectory(prefix="wegwijs-replay-") as folder:
        clock = Clock()
        world = service.open_world(Settings(database_url=url, keys=Path(folder) / "wegwijs.keys"), clock)
        try:
            service.upgrade(world)
            count = _filled(world, clock, wanted.decisions, wanted.different)
            supposed = supposed_rules(world, wanted.instead) if wanted.instead else None
            found = _replayed(world, Path(folder), count, supposed)
            names = {place.id: place.name for place in newest_directory(world).facilities}
        finally:
            service.close_world(world)
    if wanted.instead:
        sys.stdout.write(replay_text(found, world.words, names))
        return 0
    sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    return int(found["decisions"] != found["identical"] or found["decisions"] != count)


def _filled(world: World, clock: Clock, decisions: int, different: int) -> int:
    asker = service.authenticate(world, service.create_key(world, "made for a replay", frozenset({"triagist"})))
    assert asker is not None
    made = []
    for number, body in enumerate(_cases(different)):
        if number % 20 == 0:
            _report(world, clock, number)
        clock.forward(minutes=1)
        made.append(service.decide(world, body, asker)["id"])
        if len(made) % 100 == 0:
            _say(f"{len(made)} of {different} are decided")
    each, beyond = divmod(decisions - len(made), len(made))
    for number, decision_id in enumerate(made):
        if copies := each + (number < beyond):
            copy(world, decision_id, copies)
        if number % 100 == 0:
            _say(f"{number * (each + 1)} of {decisions} decisions are there")
    return decisions


def _cases(count: int) -> Sequence[Any]:
    """So many bodies of worked cases, of all rulesets; times in them are left out, for the clock is another one."""
    desk = open_desk(None, datetime.now(UTC))
    assert desk.words == read_vocabulary()
    given = [case.given for case in packaged_worked_cases(desk.words, desk.directory)]
    told = [body for body in given if not any(key.endswith("_at") for key in _keys(body))]
    step = max(1, len(told) // count)
    return told[::step][:count]


def _keys(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [*value, *(key for part in value.values() for key in _keys(part))]


def _report(world: World, clock: Clock, number: int) -> None:
    place, stop = ("umc-utrecht", "amsterdam-umc-amc")[number // 20 % 2], number // 40 % 2 == 0
    report = {"unit": "seh", "kind": "stop", "value": stop, "observed_at": clock.now.isoformat()}
    places.report_status(world, place, report, OPERATOR)


def _replayed(world: World, folder: Path, count: int, supposed: Supposed | None) -> dict[str, Any]:
    cluster, killed, told = Started(folder), list[int](), list[int]()
    try:
        for _ in range(2):
            cluster.add_worker()

        def watch(progress: Progress) -> None:
            if progress.done >= (told[-1] if told else 0) + count // 50:
                told.append(progress.done)
                _say(f"{progress.done} of {progress.total} are replayed")
            if not killed and progress.done >= count // 3:
                cluster.workers[0].send_signal(signal.SIGKILL)
                killed.append(-cluster.workers[0].wait())
                cluster.add_worker()
                _say("a worker was killed, and another began")

        begin = time.monotonic()
        wanted = Wanted(until=EVER, supposed=supposed, scheduler=cluster.address, resume=folder / "kept.jsonl")
        found = replay_many(world, wanted, watch)
        found["wall_seconds"] = round(time.monotonic() - begin, 1)
    finally:
        cluster.end()
    return {**found, "killed_by_signal": killed}


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
