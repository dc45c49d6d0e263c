"""Servers that send pre-alerts are killed in between: every decision that was acknowledged is told, and nothing twice
under another id."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import STEMI
from tests.api.test_serve import Server
from tests.receiver import (
    SECRET,
    TIMEOUT_SECONDS,
    Receiver,
    Request,
    checked,
    receiving,
    subscription,
    write_subscriptions,
)
from tests.service.conftest import empty_database
from tests.service.log_load import await_true, call, kill_worker, quick_server, running

DECISIONS = 30


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def timeout_seconds() -> int:
    """So long the receiver may take. What somebody was sending who was killed is sent again after that and a little
    more, so it is short."""
    return 3


@pytest.fixture(
    params=[pytest.param("sqlite", marks=pytest.mark.long), pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def servers(
    request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver, timeout_seconds: int
) -> Iterator[list[Server]]:
    """Two servers on one database; on SQLite one, of two processes. All send."""
    told = [subscription(receiver, timeout_seconds=timeout_seconds, places="all")]
    settings = {
        "WEGWIJS_WEBHOOKS": str(write_subscriptions(tmp_path / "webhooks.yaml", told)),
        "BOARD_SECRET": SECRET,
    }
    if request.param == "sqlite":
        made = [quick_server(tmp_path / "one", WEGWIJS_WORKERS="2", **settings)]
        with running(made):
            yield made
        return
    keys = tmp_path / "wegwijs.keys"
    with empty_database(request.getfixturevalue("postgres_server")) as url:
        made = [quick_server(tmp_path / name, url, keys, WEGWIJS_WORKERS="1", **settings) for name in ("one", "other")]
        with running(made):
            yield made


def decide(server: Server) -> str | None:
    """The id of a decision that was acknowledged."""
    try:
        status, _, text = call(server, "POST", "/v1/decisions", json.dumps(STEMI))
    except (OSError, http.client.HTTPException):
        return None
    return str(json.loads(text)["id"]) if status == 201 else None


def test_whoever_is_killed_every_acknowledged_decision_is_told_under_one_id(
    servers: list[Server], receiver: Receiver
) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.05)  # so that senders die while a receiver answers
        request.answer(204)

    receiver.behave = slow
    made: list[str] = []
    for turn in range(DECISIONS):
        if (found := decide(servers[turn % len(servers)])) is not None:
            made.append(found)
        if turn % 6 == 3:
            kill_worker(servers[turn % len(servers)])
    assert len(made) > DECISIONS / 2

    def told() -> set[str]:
        return {event["subject"] for event in list(receiver.taken)}

    await_true(lambda: set(made) <= told(), "every decision to be told")
    ids: dict[str, set[str]] = {}
    for request in list(receiver.requests):
        assert checked(request.headers, request.body, SECRET)
        ids.setdefault(request.event["subject"], set()).add(request.headers["webhook-id"])
    assert {len(found) for found in ids.values()} == {1}


def test_nothing_is_lost_where_all_servers_are_killed_and_started_again(
    servers: list[Server], receiver: Receiver
) -> None:
    receiver.behave = lambda request: request.answer(503)
    made = [found for _ in range(5) if (found := decide(servers[0])) is not None]
    await_true(lambda: len(receiver.requests) > 0, "a first attempt")
    first = {request.headers["webhook-id"]: request.event["subject"] for request in list(receiver.requests)}
    for server in servers:
        server.kill()
    receiver.behave = lambda request: request.answer(204)
    for server in servers:
        server.start()
    await_true(
        lambda: {event["subject"] for event in list(receiver.taken)} >= {*made, *first.values()}, "all to be told"
    )
    taken = {event["id"]: event["subject"] for event in list(receiver.taken)}
    assert first.items() <= taken.items(), "under the same id"
    assert max(Counter(taken.values()).values()) == 1


@pytest.mark.parametrize("timeout_seconds", [TIMEOUT_SECONDS])
def test_a_server_that_is_asked_to_stop_writes_down_what_was_taken(servers: list[Server], receiver: Receiver) -> None:
    made = decide(servers[0])
    await_true(lambda: len(receiver.taken) == 1, "it to be told")

    def state() -> str:
        text = call(servers[0], "GET", f"/v1/decisions/{made}/pre-alerts")[2]
        return str(json.loads(text)["state"])

    await_true(lambda: state() == "told", "that to be seen")
    status, _, text = call(servers[0], "GET", "/metrics")
    assert status == 200
    await_true(
        lambda: any(
            'wegwijs_webhook_attempts_total{result="taken",subscription="board"} 1.0'
            in call(each, "GET", "/metrics")[2]
            for each in servers
        ),
        "that to be counted",
    )
    assert 'wegwijs_webhook_waiting{subscription="board"} 0.0' in text
    for server in servers:
        assert server.stop() == 0
        assert "Traceback" not in server.log()
    assert len(receiver.requests) == 1
