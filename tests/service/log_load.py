"""Clients that ask a server for decisions while it is hurt, and what must hold of the log when they are done."""

from __future__ import annotations

import base64
import http.client
import json
import math
import os
import signal
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from routing import service
from routing.keys_here import LOGS
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import verify_consistency
from routing.log.note import Checkpoint, opened, read_checkpoint, read_vkey
from routing.log_check import check_log
from routing.settings import Settings
from routing.store import database
from routing.store import log as store
from routing.store.tables import DECISIONS, LOG_CHECKPOINTS, LOG_ENTRIES, RECORD_KEYS, RECORDS
from routing.world import World
from tests.api.conftest import STEMI
from tests.api.test_serve import KEY, Server
from tests.fixtures_ruleset import few_rules
from tests.patience import PATIENCE_SECONDS, await_true
from tests.ports import own_port
from tests.processes import children_of

PAUSE_SECONDS = 0.02
"""So long a client waits that was not answered, and whoever reads the checkpoint between two looks."""


def started_with(changes: str = "") -> tuple[str, ...]:
    """What starts a server, from any folder, once these statements were run (each with its semicolon). It waits for its
    database longer than others, which might answer 503 where the machine stands still."""
    patient = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); "
    patient += "from tests.patience import wait_longer; wait_longer(); "
    program = f"from routing import cli, connections, serving; {changes}cli.main(['serve'])"
    return sys.executable, "-c", patient + program


def quick_server(folder: Path, database_url: str = "", keys: Path | None = None, **settings: str) -> Server:
    """A server with few rules, on a free port; it is not started."""
    folder.mkdir(parents=True, exist_ok=True)
    rules = str(few_rules(folder / "rules"))
    made = Server(folder, own_port(), database_url, keys, {"WEGWIJS_RULESETS": rules, **settings})
    made.command = started_with()
    return made


@contextmanager
def running(servers: Sequence[Server]) -> Iterator[None]:
    """All of `servers` answer, and are killed when the block ends."""
    try:
        for each in servers:
            each.start()
        yield
    finally:
        for each in servers:
            each.kill()


def workers_of(server: Server) -> list[int]:
    """The processes of `server` that answer requests, the oldest first."""
    assert server.process is not None
    return children_of(server.process.pid)


def kill_worker(server: Server) -> None:
    """Kill the oldest process of `server` that answers requests, without a warning; nobody where none is there."""
    for pid in workers_of(server)[:1]:
        with suppress(ProcessLookupError):  # it ended between two looks
            os.kill(pid, signal.SIGKILL)


def install(rules: Path, version: str, since: str) -> None:
    """Put another version of the few rules beside the one that is there."""
    there = rules / "acute-nl/1.0.0"
    for file in sorted(there.rglob("*.yaml")):
        copy = there.parent / version / file.relative_to(there)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text("utf-8")
        if file.name == "ruleset.yaml":
            lines = text.splitlines()
            kept = [line for line in lines if not line.startswith(("version:", "effective_from:"))]
            text = "\n".join([*kept, f"version: {version}", f'effective_from: "{since}"', ""])
        copy.write_text(text, "utf-8")


# -- load -------------------------------------------------------------------------------------------------------------


@dataclass
class Load:
    """Decisions that several clients ask for at once, and the checkpoints that were seen meanwhile."""

    servers: Sequence[Server]
    clients: int = 3
    most: int = 4_000
    """So many decisions a client asks for at most."""
    acknowledged: list[str] = field(default_factory=list)
    refused: list[tuple[int, str | None]] = field(default_factory=list)
    """Status and `Retry-After` of every other answer."""
    broken: int = 0
    """Requests that were not answered at all."""
    unconnected: int = 0
    """Those of them for which there was no connection: nothing of them was sent."""
    took: list[tuple[float, float]] = field(default_factory=list)
    """Of every decision that was acknowledged when it was asked for, and how many seconds that took."""
    checkpoints: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """The clients run within the block."""
        self.stop.clear()
        work = [threading.Thread(target=self._ask, args=(number,)) for number in range(self.clients)]
        work.append(threading.Thread(target=self._watch))
        for each in work:
            each.start()
        try:
            yield self
        finally:
            self.stop.set()
            for each in work:
                each.join(PATIENCE_SECONDS)

    def more(self, count: int) -> None:
        """Wait until `count` more decisions were acknowledged."""
        enough = len(self.acknowledged) + count
        await_true(lambda: len(self.acknowledged) >= enough, f"{count} more decisions")

    def _ask(self, number: int) -> None:
        body = json.dumps(STEMI)
        for turn in range(self.most):
            if self.stop.is_set():
                return
            server = self.servers[(number + turn) % len(self.servers)]
            began = time.monotonic()
            try:
                status, retry_after, text = call(server, "POST", "/v1/decisions", body)
            except (OSError, http.client.HTTPException) as error:
                self.broken += 1
                self.unconnected += isinstance(error, ConnectionRefusedError)
                self.stop.wait(PAUSE_SECONDS)
                continue
            if status == 201:
                self.acknowledged.append(json.loads(text)["id"])
                self.took.append((began, time.monotonic() - began))
            else:
                self.refused.append((status, retry_after))
                self.stop.wait(PAUSE_SECONDS)

    def _watch(self) -> None:
        while not self.stop.wait(PAUSE_SECONDS):
            try:
                status, _, text = call(self.servers[0], "GET", "/v1/log/checkpoint")
            except (OSError, http.client.HTTPException):
                continue
            if status == 200 and self.checkpoints[-1:] != [text]:
                self.checkpoints.append(text)


def call(server: Server, method: str, path: str, body: str | None = None) -> tuple[int, str | None, str]:
    """Status, `Retry-After` and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.getheader("Retry-After"), response.read().decode()
    finally:
        connection.close()


# -- what must hold ---------------------------------------------------------------------------------------------------


@contextmanager
def opened_beside(server: Server) -> Iterator[World]:
    """A world on the database and with the keys of `server`."""
    world = service.open_world(Settings(database_url=server.database_url, keys=server.keys))
    try:
        yield world
    finally:
        service.close_world(world)


def assert_nothing_lost(load: Load) -> None:
    """Everything that was acknowledged is there once, with its record and its place; nothing is there by halves; the
    tree is that of the entries, and every checkpoint that was ever seen is one of this log."""
    assert set(load.refused) <= {(503, "5")}, "who is not answered is told when to ask again"
    assert len(set(load.acknowledged)) == len(load.acknowledged) > 0
    with opened_beside(load.servers[0]) as world:
        await_true(lambda: not _logs_waiting(world), "all entries to have their place")
        assert_whole(world, load.acknowledged)
        entries = {log: assert_verified(world, log) for log in LOGS}
        assert_only_grew(load, entries[DECISIONS_LOG])


def _logs_waiting(world: World) -> Sequence[str]:
    with database.reading(world.engine) as connection:
        return store.logs_waiting(connection)


def assert_verified(world: World, log: str) -> int:
    """How many entries there are in `log`, of which everything holds and none waits."""
    found = check_log(world, log, with_records=True).wire()
    assert (found["verdict"], found["problems"], found["waiting"]) == ("verified", [], 0)
    return int(found["entries"])


def assert_whole(world: World, acknowledged: Sequence[str]) -> None:
    """Every decision has one entry, one sealed record and one key; among them are all that were acknowledged."""
    entry = LOG_ENTRIES.c
    logged = sa.select(entry.id, entry.position).where(entry.log == DECISIONS_LOG).order_by(entry.position)
    with database.reading(world.engine) as connection:
        ids = [sorted(connection.scalars(sa.select(table.c.id))) for table in (DECISIONS, RECORDS, RECORD_KEYS)]
        entries = connection.execute(logged).all()
    assert set(acknowledged) <= {str(found) for found in ids[0]}
    assert sorted(found for found, _ in entries) == ids[0] == ids[1] == ids[2]
    assert [position for _, position in entries] == list(range(len(entries)))


def assert_only_grew(load: Load, size: int) -> None:
    """Each checkpoint that was seen is followed by one that is not smaller, and proved to be a beginning of the log."""
    server = load.servers[0]
    status, known = server.call("GET", "/v1/log/keys")
    assert status == 200
    verifiers = [read_vkey(key["vkey"]) for key in known["keys"]]
    notes = [*load.checkpoints, call(server, "GET", "/v1/log/checkpoint")[2]]
    seen = [read_checkpoint(opened(note, verifiers).text) for note in notes]
    sizes = [checkpoint.size for checkpoint in seen]
    assert sizes == sorted(sizes)
    assert sizes[-1] == size
    assert len(set(seen)) == len(set(sizes)), "no two trees of the same size"
    for earlier in set(seen):
        assert_beginning(server, earlier, seen[-1])


def assert_beginning(server: Server, earlier: Checkpoint, later: Checkpoint) -> None:
    """The server proves that the log of `later` began as that of `earlier`."""
    status, proved = server.call("GET", f"/v1/log/consistency?from={earlier.size}&to={later.size}")
    assert status == 200
    proof = [base64.b64decode(each) for each in proved["proof"]]
    assert verify_consistency(earlier.size, earlier.root, later.size, later.root, proof)


def lags(server: Server, decisions: Collection[str]) -> list[float]:
    """For each entry of `decisions` how many seconds passed until a checkpoint was signed that covers it, the shortest
    first."""
    entry, checkpoint = LOG_ENTRIES.c, LOG_CHECKPOINTS.c
    with opened_beside(server) as world, database.reading(world.engine) as connection:
        entries = connection.execute(sa.select(entry.id, entry.position, entry.logged_at)).all()
        signed = connection.execute(sa.select(checkpoint.size, checkpoint.signed_at).order_by(checkpoint.size)).all()
    sizes = [size for size, _ in signed]
    covered = [
        (signed[bisect_right(sizes, place)].signed_at, since)
        for found, place, since in entries
        if str(found) in decisions
    ]
    return sorted((until - since).total_seconds() for until, since in covered)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of the sorted `values` does not exceed."""
    return values[max(0, math.ceil(part * len(values)) - 1)]
