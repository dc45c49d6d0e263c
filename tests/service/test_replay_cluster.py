"""Replays on a Dask cluster of real processes: the same result, also when one of them is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.errors import BadInput, Stopped
from routing.replaying import cluster
from routing.replaying.run import Progress, Wanted, replay_many
from routing.rights import Asker
from routing.world import World
from tests.patience import PATIENCE_SECONDS, await_true
from tests.ports import own_port
from tests.service.conftest import Clock
from tests.service.replays import fill, lasting, quietly

EVER = datetime(2100, 1, 1, tzinfo=UTC)
POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def free_address() -> str:
    return f"tcp://127.0.0.1:{own_port()}"


class Started:
    """A scheduler on this machine, and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.address, self.folder = free_address(), folder
        self.workers: list[subprocess.Popen[bytes]] = []
        host, port = self.address.removeprefix("tcp://").split(":")
        self.scheduler = self._start("scheduler", "--host", host, "--port", port, "--no-dashboard", "--no-show")
        await_true(lambda: self._answers(host, int(port)), "the scheduler to answer")

    def _answers(self, host: str, port: int) -> bool:
        assert self.scheduler.poll() is None, (self.folder / "cluster.log").read_text("utf-8")
        with suppress(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=PATIENCE_SECONDS).close()
            return True
        return False

    def add_worker(self) -> None:
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
        self.workers.append(self._start("worker", self.address, *options))

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        # what is set for the tests must not reach a worker: it is told where its database is
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WEGWIJS_")}
        with (self.folder / "cluster.log").open("ab") as log:
            command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    made = Started(tmp_path)
    try:
        yield made
    finally:
        made.end()


@POSTGRES
def test_a_killed_worker_of_a_cluster_changes_nothing_in_the_result(
    world: World,
    asker: Asker,
    clock: Clock,
    started: Started,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CONNECT_SECONDS", "EMPTY_SECONDS"):  # a worker may take long to begin
        monkeypatch.setattr(cluster, name, PATIENCE_SECONDS)
    fill(world, asker, clock, copies=31)
    for _ in range(2):
        started.add_worker()
    undisturbed = replay_many(world, Wanted(until=EVER, workers=1), quietly)

    def kill(progress: Progress) -> None:
        if progress.done and started.workers[0].poll() is None:
            started.workers[0].send_signal(signal.SIGKILL)
            started.workers[0].wait()

    wanted = Wanted(until=EVER, scheduler=started.address, resume=tmp_path / "kept.jsonl")
    found = replay_many(world, wanted, kill)
    assert started.workers[0].returncode == -signal.SIGKILL
    assert lasting(found) == lasting(undisturbed)
    assert (found["decisions"], found["identical"]) == (160, 160)
    # what a cluster finished, others need not do again
    resumed = replay_many(world, Wanted(until=EVER, workers=1, resume=tmp_path / "kept.jsonl"), quietly)
    assert (resumed["resumed"], lasting(resumed)) == (160, lasting(undisturbed))


@SQLITE
def test_a_cluster_without_workers_or_scheduler_is_said(
    world: World, asker: Asker, clock: Clock, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, asker, clock, copies=0)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(cluster, "EMPTY_SECONDS", 1)
    with pytest.raises(Stopped, match="has had no worker"):
        replay_many(world, Wanted(until=EVER, scheduler=started.address), quietly)
    monkeypatch.setattr(cluster, "EMPTY_SECONDS", 60)

    def kill(_: Progress) -> None:
        started.scheduler.kill()

    begin = time.monotonic()
    with pytest.raises(Stopped, match="the scheduler at tcp://127"):
        replay_many(world, Wanted(until=EVER, scheduler=started.address), kill)
    assert time.monotonic() - begin < 55, "and not when it has had no worker for a minute"


@SQLITE
def test_a_scheduler_that_does_not_answer_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    for address in (free_address(), "nonsense", "tcp://", "ftp://x:1"):
        with pytest.raises(BadInput, match="does not answer"):
            replay_many(world, Wanted(until=EVER, scheduler=address), quietly)


@SQLITE
def test_without_the_extra_it_is_said_how_to_install_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'wegwijs\[distributed\]'"):
        replay_many(world, Wanted(until=EVER, scheduler="tcp://127.0.0.1:1"), quietly)
