"""Shows what Wegwijs does under load while something is wrong: with figures, and what was promised of them.

    python -m tests.service.under_fire                      everything, in about seven minutes
    python -m tests.service.under_fire --only slow --only engine
    python -m tests.service.under_fire --only idle --connections 10000 --json
    python -m tests.service.under_fire --only workers --postgres

Each scene starts a server of its own, as it is installed, with two processes, hurts it while others ask for decisions,
and holds what came of it against what is promised. Exit code 1 if a promise does not hold. docs/under-fire.md says what
each scene shows.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from routing.serving import THREADS
from routing.store.scratch import scratch_database
from tests.api.conftest import STEMI
from tests.api.test_serve import KEY, Server
from tests.fixtures_ruleset import few_rules
from tests.postgres_cluster import own_cluster
from tests.service import engine_faults, faulty_engine
from tests.service.conftest import SERVER
from tests.service.hurting_clients import (
    FLOODS,
    KINDS,
    Crowd,
    files_as_many_as_may_be,
    flooded,
    idle_connections,
    opened_and_closed,
    still_open,
)
from tests.service.log_load import (
    Load,
    assert_nothing_lost,
    await_true,
    install,
    percentile,
    quick_server,
    started_with,
    workers_of,
)

CLIENTS = 3
WORKERS = 2
SLOWEST_SECONDS = 5.0
TIMES_SLOWER = 4
"""No decision may take longer while a server is hurt than the longer of the two: so many seconds, or so many times the
slowest one before. That is a lot, for machines that test do much else."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a scene plays: a folder, the address of an empty database (none: SQLite in that folder), how long, how many
    connections, and whether with all rules or with a few."""

    folder: Path
    database_url: str = ""
    seconds: float = 20.0
    connections: int = 10_000
    all_rules: bool = False
    patience: float | None = None
    """So long a connection may take until its request is there; None: as long as Wegwijs gives it."""
    as_installed: bool = True
    """Whether it waits for its database no longer than it does as it is installed."""

    @property
    def rounds(self) -> int:
        """How often something is done that takes long by itself."""
        return 3 if self.seconds >= 10 else 1

    @property
    def some(self) -> int:
        """So many decisions show that the server decides."""
        return 20 if self.seconds >= 10 else 5

    def server(self, **settings: str) -> Server:
        """A server that does not run yet."""
        made = quick_server(self.folder, self.database_url, WEGWIJS_WORKERS=str(WORKERS), **settings)
        if self.all_rules:
            del made.settings["WEGWIJS_RULESETS"]
        if self.patience is not None:
            made.command = started_with(f"connections.REQUEST_SECONDS = {self.patience}; ")
        elif self.as_installed:
            made.command = Server.command
        return made


@dataclass(slots=True)
class Found:
    """What came of a scene: figures, and which promises were held."""

    figures: dict[str, Any] = field(default_factory=dict)
    promises: dict[str, bool] = field(default_factory=dict)
    of_time: set[str] = field(default_factory=set)
    """Which of the promises say how long something takes: a machine that stands still meanwhile breaks them too."""
    calm: float = 0.0
    """How long the slowest decision took while nothing was wrong."""

    @property
    def held(self) -> bool:
        return all(self.promises.values())

    def nothing_lost(self, load: Load) -> None:
        """Hold the log and all records against what clients were told."""
        try:
            assert_nothing_lost(load)
        except AssertionError as error:
            self.figures["lost"] = str(error)[:500]
            self.promises["nothing acknowledged is lost or twice, and the log verifies"] = False
        else:
            self.promises["nothing acknowledged is lost or twice, and the log verifies"] = True

    def answers(self, load: Load, name: str = "") -> None:
        """How decisions went."""
        took = sorted(seconds for _, seconds in load.took)
        before = f"{name} " if name else ""
        self.figures |= {
            f"{before}decisions": len(took),
            f"{before}p50_ms": round(percentile(took, 0.5) * 1000, 1) if took else None,
            f"{before}p99_ms": round(percentile(took, 0.99) * 1000, 1) if took else None,
            f"{before}slowest_ms": round(took[-1] * 1000, 1) if took else None,
            f"{before}refused": dict(Counter(str(status) for status, _ in load.refused)),
            f"{before}broken": load.broken - load.unconnected,
            f"{before}not connected": load.unconnected,
        }

    def went_on(self, load: Load, what: str) -> None:
        """Promise that every decision was answered, soon."""
        answered = bool(load.took) and not load.refused and not load.broken
        self.promises[f"every decision is answered {what}"] = answered
        most = max(SLOWEST_SECONDS, TIMES_SLOWER * self.calm)
        self.figures["slowest allowed_ms"] = round(most * 1000, 1)
        self.takes(f"none takes too long {what}", _slowest(load), most)

    def takes(self, promise: str, seconds: float, most: float) -> None:
        """Promise that something takes less than `most` seconds."""
        self.promises[promise] = seconds < most
        self.of_time.add(promise)

    def before(self, server: Server, seconds: float) -> None:
        """How decisions go while nothing is wrong."""
        load = _asked_for(server, seconds)
        self.answers(load, "before:")
        self.calm = _slowest(load)


@contextmanager
def running_alone(server: Server) -> Iterator[Server]:
    """The server runs within the block."""
    try:
        server.start()
        await_true(lambda: len(workers_of(server)) == WORKERS, "all processes to begin")  # one of them answers already
        yield server
    finally:
        server.kill()


def _asked_for(server: Server, seconds: float, clients: int = CLIENTS) -> Load:
    load = Load([server], clients=clients, most=1_000_000)
    with load.running():
        time.sleep(seconds)
    return load


def _slowest(load: Load) -> float:
    return max((seconds for _, seconds in load.took), default=float("inf"))


def _resident_mb(server: Server) -> float:
    """Of the process of `server` that has most."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers_of(server)]
    return round(max(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


# -- clients -----------------------------------------------------------------------------------------------------------


def slow(ground: Ground) -> Found:
    """Slow and silent clients, bodies that drip, connections that vanish: others are decided about all the same."""
    found = Found()
    with running_alone(ground.server()) as server:
        found.before(server, ground.seconds / 4)
        memory, workers = _resident_mb(server), workers_of(server)
        crowd = Crowd(server.port, each=max(5, min(40, ground.connections // 250)))
        with crowd.there():
            time.sleep(1)
            load = _asked_for(server, ground.seconds)
        found.answers(load)
        found.figures |= {"threads": 2 * THREADS, "hurting clients": crowd.each * len(KINDS)}
        found.figures["cut off and back"] = dict(crowd.cut_off)
        found.figures["memory_mb"] = [memory, _resident_mb(server)]
        found.went_on(load, "though many are slow or silent")
        found.promises["no process ended"] = workers_of(server) == workers
    return found


def idle(ground: Ground) -> Found:
    """Very many connections on which nothing is said."""
    found = Found()
    limit = files_as_many_as_may_be()
    with running_alone(ground.server()) as server:
        found.before(server, ground.seconds / 4)
        memory, workers = _resident_mb(server), workers_of(server)
        began = time.monotonic()
        held = idle_connections(server.port, min(ground.connections, limit - 500))
        found.figures |= {"files allowed": limit, "opened": len(held)}
        found.figures["opened within_s"] = round(time.monotonic() - began, 1)
        try:
            load = _asked_for(server, min(ground.seconds, 10.0))
            found.figures["still open after the decisions"] = still_open(held)
            found.answers(load)
            found.figures["memory_mb"] = [memory, _resident_mb(server)]
            found.went_on(load, "though very many are idle")
            found.promises["all connections were opened"] = len(held) == ground.connections
            found.promises["no process ended"] = workers_of(server) == workers
            await_true(lambda: still_open(held) == 0, "the idle connections to be closed")
            found.promises["who is idle for long is cut off"] = True
        finally:
            for each in held:
                each.close()
        found.answers(_asked_for(server, ground.seconds / 4), "after:")
    return found


def flood(ground: Ground) -> Found:
    """Headers without an end, and connections as fast as they can be opened."""
    found = Found()
    with running_alone(ground.server()) as server:
        found.before(server, ground.seconds / 4)
        memory, workers = _resident_mb(server), workers_of(server)
        came = {name: Counter[str]() for name in FLOODS}
        load = Load([server], clients=CLIENTS, most=1_000_000)
        with load.running():
            until = time.monotonic() + ground.seconds / 2
            while time.monotonic() < until:
                for name, text in FLOODS.items():
                    came[name][flooded(server.port, text)] += 1
            count = opened_and_closed(server.port, ground.seconds / 2)
        found.answers(load)
        found.figures["came of it"] = {name: dict(each) for name, each in came.items()}
        found.figures["connections per second"] = round(count / (ground.seconds / 2))
        found.figures["memory_mb"] = [memory, _resident_mb(server)]
        found.went_on(load, "though others flood")
        found.promises["no process ended"] = workers_of(server) == workers
        statuses = {status for each in came.values() for status in each}
        found.promises["what is no request is refused, never a 5xx"] = not any(s.startswith("5") for s in statuses)
        found.promises["a request with 99 headers is answered"] = set(came["99 headers"]) == {"200"}
    return found


def overload(ground: Ground) -> Found:
    """Many times as many requests at once as there are threads, by wrk."""
    found = Found()
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("the scene `overload` needs the load generator wrk (Debian: apt-get install wrk)")
    with running_alone(ground.server()) as server:
        workers = workers_of(server)
        script = ground.folder / "ask.lua"
        body = orjson.dumps(STEMI).decode()
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        script.write_text("\n".join(['wrk.method = "POST"', f"wrk.body = [==[{body}]==]", *lines]))
        address = f"http://127.0.0.1:{server.port}/v1/decisions"
        for connections in (32, 128, 512):
            options = [
                "-t",
                "1",
                "-c",
                str(connections),
                "-d",
                f"{max(3, int(ground.seconds))}s",
                "--timeout",
                "30s",
            ]
            said = subprocess.run(
                [wrk, *options, "--latency", "-s", str(script), address], capture_output=True, text=True, check=True
            ).stdout
            name = f"{connections} at once:"
            found.figures[f"{name} per second"] = float(_number(said, r"Requests/sec:\s+([\d.]+)"))
            found.figures[f"{name} p50"] = _number(said, r"50%\s+(\S+)")
            found.figures[f"{name} p99"] = _number(said, r"99%\s+(\S+)")
            errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
            refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
            found.figures[f"{name} refused"] = int(refused[1]) if refused else 0
            found.figures[f"{name} broken"] = sum(map(int, errors.groups())) if errors else 0
            held = not refused and not errors and found.figures[f"{name} per second"] > 0
            found.promises[f"{connections} at once are all answered"] = held
        found.promises["no process ended"] = workers_of(server) == workers
    return found


def _number(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else "0"


# -- what Wegwijs rests on ---------------------------------------------------------------------------------------------


def database(ground: Ground) -> Found:
    """PostgreSQL is restarted, stopped for a while, killed, and its connections are ended, under load."""
    found = Found()
    pause = min(10.0, ground.seconds / 2)
    with own_cluster() as cluster:
        server = Ground(ground.folder, cluster.database_url, all_rules=ground.all_rules).server()

        def stopped() -> None:
            cluster.stop()
            time.sleep(pause)
            cluster.start()

        def restarted() -> None:
            cluster.stop()
            cluster.start()

        def killed() -> None:
            cluster.kill()
            cluster.start()

        hurts: dict[str, Callable[[], object]] = {
            "connections ended": cluster.end_connections,
            "restarted": restarted,
            f"stopped for {pause:.0f} s": stopped,
            "killed": killed,
        }
        with running_alone(server):
            load = Load([server], clients=CLIENTS, most=1_000_000)
            with load.running():
                load.more(ground.some)
                for name, hurt in hurts.items():
                    refused = len(load.refused)
                    hurt()
                    there = time.monotonic()
                    load.more(ground.some)
                    again = min(began + took for began, took in load.took if began + took > there)
                    found.figures[f"{name}: refused"] = len(load.refused) - refused
                    found.figures[f"{name}: decides again after_s"] = round(again - there, 2)
                    found.takes(f"{name}: decides again within 10 s, by itself", again - there, 10)
            found.answers(load)
            found.promises["who is not answered gets 503 with Retry-After, never a broken answer"] = (
                set(load.refused) <= {(503, "5")} and not load.broken
            )
            found.nothing_lost(load)
            found.promises["ready again"] = server.call("GET", "/health/ready")[0] == 200
            found.promises["no error that nobody thought of"] = "unexpected error" not in server.log()
    return found


def workers(ground: Ground) -> Found:
    """One process of the server is killed each second."""
    found = Found()
    with running_alone(ground.server()) as server:
        killed, load = 0, Load([server], clients=CLIENTS, most=1_000_000)
        with load.running():
            until = time.monotonic() + ground.seconds
            while time.monotonic() < until:
                time.sleep(1)
                if there := workers_of(server):
                    with suppress(ProcessLookupError):
                        os.kill(there[killed % len(there)], signal.SIGKILL)
                        killed += 1
            last = time.monotonic()
            load.more(1)
            found.figures["decides again after_s"] = round(time.monotonic() - last, 2)
            load.more(ground.some)
        found.answers(load)
        asked = len(load.acknowledged) + len(load.refused) + load.broken
        found.figures |= {
            "killed": killed,
            "failed of a thousand": round(1000 * (asked - len(load.acknowledged)) / asked, 1),
        }
        found.promises["answers that are lost are broken connections, nothing else"] = not load.refused
        await_true(lambda: len(workers_of(server)) == WORKERS, "two processes")
        found.promises["there are two processes again"] = True
        found.promises["no case is taken for one that the engine died of"] = "did not come back" not in server.log()
        found.nothing_lost(load)
    return found


def stop(ground: Ground) -> Found:
    """Rules are switched (SIGHUP) and the server is stopped (SIGTERM) under load."""
    found = Found()
    rules = ground.folder / "versions"
    few_rules(rules / "acute-nl/1.0.0")
    server = ground.server(WEGWIJS_RULESETS=str(rules))
    server.settings["WEGWIJS_RULESETS"] = str(rules)
    with running_alone(server):
        assert server.process is not None
        found.before(server, ground.seconds / 4)
        load = Load([server], clients=CLIENTS, most=1_000_000)
        with load.running():
            load.more(ground.some)
            for number in range(1, ground.rounds + 1):
                install(rules, f"1.0.{number}", f"2026-01-0{number + 1}T00:00:00+00:00")
                began = time.monotonic()
                os.kill(server.process.pid, signal.SIGHUP)
                await_true(lambda wanted=f"1.0.{number}": _version(server) == wanted, "the new rules")  # type: ignore[misc]
                found.figures[f"switch {number}: new rules after_s"] = round(time.monotonic() - began, 2)
                load.more(ground.some)
            time.sleep(min(3.0, ground.seconds / 3))  # the old processes end meanwhile
        found.answers(load, "switch:")
        found.went_on(load, "while rules are switched")
        found.nothing_lost(load)
        stops = Load([server], clients=CLIENTS * 4, most=1_000_000)
        for number in range(ground.rounds):
            with stops.running():
                stops.more(ground.some)
                began = time.monotonic()
                code = server.stop()
                found.figures[f"stop {number + 1}: stopped after_s"] = round(time.monotonic() - began, 2)
                found.promises[f"stop {number + 1}: ends in peace"] = code == 0
            server.start()  # its log is looked at below
        found.answers(stops, "stop:")
        found.promises["no request is refused or broken by a stop that was not refused a connection"] = (
            stops.broken == stops.unconnected and not stops.refused
        )
        found.nothing_lost(stops)
    return found


def _version(server: Server) -> str:
    status, made = server.call("POST", "/v1/decisions", STEMI)
    return str(made["provenance"]["ruleset"]["version"]) if status == 201 else str(status)


# -- the engine --------------------------------------------------------------------------------------------------------


def engine(ground: Ground) -> Found:
    """The rule engine fails, misses rules, names one too many, crashes, and hangs."""
    found = Found()
    server = ground.server()
    # in a test one that merely gets no turn for a while must not be taken for one that hangs; clients wait for 30 s
    server.command = faulty_engine.command(stuck_seconds=3 if ground.as_installed else 12)
    with running_alone(server):
        for fault, case in (("fails", STEMI), ("misses rules", STEMI), ("names one more", engine_faults.MILD)):
            normal = engine_faults.asked(server, None, case)
            kind = "engine_faults" if fault == "fails" else "evaluator_disagreements"
            before = engine_faults.counted(server, kind)
            answer = engine_faults.asked(server, fault, case)
            assert answer is not None
            assert normal is not None
            warning = "engine_failed" if fault == "fails" else "evaluators_disagree"
            levels = [each["urgency"]["level"] for each in (normal, answer)]
            found.figures[f"{fault}: urgency"] = " -> ".join(levels)
            graver = levels[1] < levels[0] if fault == "names one more" else levels[1] == levels[0]
            found.promises[f"{fault}: the graver urgency stands"] = graver
            found.promises[f"{fault}: the answer warns"] = engine_faults.warned(answer, warning)
            found.promises[f"{fault}: it is counted"] = engine_faults.counted(server, kind) == before + 1
        for fault in ("crashes", "hangs"):
            load = Load([server], clients=CLIENTS, most=1_000_000)
            with load.running():
                load.more(ground.some)
                before_it = set(workers_of(server))
                began = time.monotonic()
                first = engine_faults.asked(server, fault)
                found.figures[f"{fault}: connection ended after_s"] = round(time.monotonic() - began, 2)
                # the one that ends is still there when its connection has ended
                await_true(lambda was=before_it: _one_replaced(server, was), "another process")  # type: ignore[misc]
                processes = workers_of(server)
                again = engine_faults.asked(server, fault)
                more = [engine_faults.asked(server, fault) for _ in range(ground.some)]
                load.more(ground.some)
            found.answers(load, f"{fault}:")
            found.promises[f"{fault}: the process ends, and the client is not answered"] = first is None
            found.promises[f"{fault}: asked again it is decided without the engine, and the answer warns"] = all(
                answer is not None and engine_faults.warned(answer, "engine_failed") for answer in (again, *more)
            )
            found.promises[f"{fault}: no other process ends of it"] = workers_of(server) == processes
            found.promises[f"{fault}: it is said"] = server.log().count("did not come back from a case") >= 1
            found.nothing_lost(load)
        other = engine_faults.asked(server, None)
        found.promises["other cases are still put to the engine"] = bool(
            other and other["provenance"]["evaluators_agree"]
        )
    return found


def _one_replaced(server: Server, before: set[int]) -> bool:
    now = set(workers_of(server))
    return len(now) == len(before) and len(now & before) == len(before) - 1


SCENES: dict[str, Callable[[Ground], Found]] = {
    each.__name__: each for each in (slow, idle, flood, overload, database, workers, stop, engine)
}


def play(name: str, ground: Ground) -> Found:
    """Play a scene."""
    return SCENES[name](ground)


def main(arguments: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(
        prog="python -m tests.service.under_fire",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(["scenes:", *(f"  {name:<10}{scene.__doc__}" for name, scene in SCENES.items())]),
    )
    made.add_argument("--only", action="append", choices=list(SCENES), help="this scene; may be given more than once")
    made.add_argument(
        "--seconds", type=float, default=20.0, help="how long clients hurt it, in each scene (default: 20)"
    )
    made.add_argument("--connections", type=int, default=10_000, help="idle connections (default: 10,000)")
    made.add_argument("--postgres", action="store_true", help="on WEGWIJS_TEST_POSTGRES instead of SQLite")
    made.add_argument("--few-rules", action="store_true", help="with a handful of rules: starts sooner, shows less")
    made.add_argument("--json", action="store_true", help="only JSON, no tables")
    wanted = made.parse_args(arguments)
    results: dict[str, Found] = {}
    for name in wanted.only or SCENES:
        with _database(wanted.postgres) as url, tempfile.TemporaryDirectory(prefix="wegwijs-fire-") as folder:
            ground = Ground(Path(folder), url, wanted.seconds, wanted.connections, all_rules=not wanted.few_rules)
            results[name] = play(name, ground)
        if not wanted.json:
            sys.stdout.write(as_table(name, results[name]) + "\n")
            sys.stdout.flush()
    told = {name: {"figures": found.figures, "promises": found.promises} for name, found in results.items()}
    sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0 if all(found.held for found in results.values()) else 1


@contextmanager
def _database(postgres: bool) -> Iterator[str]:
    address = f"{SERVER.replace('postgresql://', 'postgresql+psycopg://', 1).rstrip('/')}/postgres"
    with scratch_database(address if postgres else "sqlite://") as url:
        yield url


def as_table(name: str, found: Found) -> str:
    """What was found, for people."""
    lines = [f"{name}: {SCENES[name].__doc__}"]
    lines += [f"    {key:<44} {value}" for key, value in found.figures.items()]
    lines += [f"    {'held  ' if held else 'BROKEN'}  {promise}" for promise, held in found.promises.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
