"""Processes are killed in the middle of decisions: nothing that was acknowledged is missing, and nothing is twice."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_serve import Server
from tests.service.log_load import (
    Load,
    assert_nothing_lost,
    lags,
    percentile,
    quick_server,
    workers_of,
)


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    made = quick_server(tmp_path / "server", database_url)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def test_an_entry_has_its_place_within_a_second(server: Server) -> None:
    with Load([server], clients=2).running() as load:
        load.more(100)
    assert_nothing_lost(load)
    assert load.refused == []
    found = lags(server)
    sys.stdout.write(
        f"lag of {len(found)} entries: p50 {percentile(found, 0.5):.2f} s, p99 {percentile(found, 0.99):.2f} s\n"
    )
    assert percentile(found, 0.99) < 5, "a second, with room for a machine that does much else"


def test_workers_killed_under_load_lose_nothing(server: Server) -> None:
    with Load([server]).running() as load:
        for number in range(3):
            load.more(20)
            os.kill(workers_of(server)[-1], signal.SIGKILL)
            time.sleep(0.037 * number)
        load.more(20)
    assert_nothing_lost(load)


def test_a_server_killed_under_load_loses_nothing(server: Server) -> None:
    with Load([server]).running() as load:
        for _ in range(2):
            load.more(30)
            server.kill()
            server.start()
        load.more(10)
    assert load.broken > 0
    assert_nothing_lost(load)


def test_a_server_that_is_asked_to_stop_leaves_nothing_undone(server: Server) -> None:
    with Load([server]).running() as load:
        load.more(30)
        began = time.monotonic()
        assert server.stop() == 0
        sys.stdout.write(f"stopped in {time.monotonic() - began:.1f} s\n")
    server.start()
    assert_nothing_lost(load)
