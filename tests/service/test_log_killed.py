"""Processes are killed in the middle of decisions: nothing that was acknowledged is missing, and nothing is twice."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.api.test_serve import STOP_WITHIN_SECONDS, Server
from tests.postgres_cluster import own_cluster
from tests.service.conftest import empty_database
from tests.service.log_load import (
    Load,
    assert_nothing_lost,
    await_true,
    kill_worker,
    lags,
    percentile,
    quick_server,
    started_with,
    workers_of,
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server and its database, which all tests of this module hurt in turn."""
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        yield from _until_killed(quick_server(folder))
        return
    with empty_database(request.getfixturevalue("postgres_server")) as url:
        yield from _until_killed(quick_server(folder, url))


def _until_killed(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def server(installation: Server) -> Server:
    """The server, which runs."""
    if installation.process is None or installation.process.poll() is not None:
        installation.start()
    return installation


def test_an_entry_has_its_place_within_a_second(server: Server) -> None:
    for _ in range(3):  # while a machine stands still no entry gets its place, but hardly three times in turn
        with Load([server], clients=2).running() as load:
            load.more(100)
        assert_nothing_lost(load)
        assert load.refused == []
        found = lags(server, set(load.acknowledged))
        p50, p99 = percentile(found, 0.5), percentile(found, 0.99)
        sys.stdout.write(f"lag of {len(found)} entries: p50 {p50:.2f} s, p99 {p99:.2f} s\n")
        if p99 < 5:
            break
    assert p99 < 5, "a second, with room for a machine that does much else"


def test_workers_killed_under_load_lose_nothing(server: Server) -> None:
    with Load([server]).running() as load:
        for number in range(3):
            load.more(20)
            kill_worker(server)
            time.sleep(0.037 * number)
        load.more(20)
    assert_nothing_lost(load)
    assert "did not come back" not in server.log(), "of a process that somebody killed nothing is believed of its case"


def test_a_server_killed_under_load_loses_nothing(server: Server) -> None:
    with Load([server]).running() as load:
        for _ in range(2):
            load.more(30)
            server.kill()
            server.start()
        load.more(10)
    assert load.broken > 0
    assert_nothing_lost(load)


def test_a_server_that_is_asked_to_stop_under_load_stops_and_loses_nothing(server: Server) -> None:
    with Load([server]).running() as load:
        load.more(30)
        began = time.monotonic()
        assert server.stop() == 0
        took = time.monotonic() - began
    sys.stdout.write(f"stopped under load within {took:.1f} s\n")
    assert took < STOP_WITHIN_SECONDS
    assert "Traceback" not in server.log()
    server.start()
    assert_nothing_lost(load)


def test_a_worker_that_is_replaced_by_a_fresh_one_loses_nothing(tmp_path: Path) -> None:
    server = quick_server(tmp_path / "server")
    server.command = started_with("serving.MOST_REQUESTS = 60; ")
    try:
        server.start()
        first = workers_of(server)
        with Load([server]).running() as load:
            await_true(lambda: not set(first) & set(workers_of(server)), "the worker to be replaced")
            load.more(20)
        assert_nothing_lost(load)
    finally:
        server.kill()


@pytest.mark.postgres
def test_two_servers_on_one_database_make_one_log(postgres_server: sa.Engine, tmp_path: Path) -> None:
    keys = tmp_path / "wegwijs.keys"
    with empty_database(postgres_server) as url:
        servers = [quick_server(tmp_path / name, url, keys, WEGWIJS_WORKERS="1") for name in ("first", "second")]
        try:
            for server in servers:
                server.start()
            with Load(servers).running() as load:
                load.more(40)
                kill_worker(servers[0])
                load.more(40)
                servers[1].kill()
                load.more(20)
            assert_nothing_lost(load)
        finally:
            for server in servers:
                server.kill()


@pytest.mark.postgres
def test_a_database_that_is_killed_under_load_is_waited_for_and_has_lost_nothing(tmp_path: Path) -> None:
    with own_cluster() as cluster:
        server = quick_server(tmp_path / "server", cluster.database_url)
        try:
            server.start()
            with Load([server]).running() as load:
                load.more(30)
                cluster.kill()
                refused = len(load.refused)
                await_true(lambda: len(load.refused) > refused + 5, "clients to be told to wait")
                assert server.call("GET", "/health/ready")[0] == 503
                kill_worker(server)  # the next one begins without a database
                cluster.start()
                load.more(30)
                cluster.kill()
                cluster.start()
                load.more(30)
            assert_nothing_lost(load)
            assert server.call("GET", "/health/ready")[0] == 200
            said = [line for line in server.log().splitlines() if "entries wait for their place" in line]
            assert 0 < len(said) < 20, "it is said when it changes, and not at each attempt"
            assert "Traceback" not in server.log()
        finally:
            server.kill()
