"""Clients that race for the same decision while processes are killed: all get the same one, and it is there once."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from routing.store import database
from routing.store.tables import DECISIONS, IDEMPOTENCY_KEYS
from tests.api.conftest import STEMI
from tests.api.test_serve import KEY, Server
from tests.patience import PATIENCE_SECONDS
from tests.service.conftest import empty_database
from tests.service.log_load import PAUSE_SECONDS, kill_worker, opened_beside, quick_server, running

REQUESTS = 40


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers on one database; on SQLite one, of two processes."""
    if request.param == "sqlite":
        made = [quick_server(tmp_path / "one", WEGWIJS_WORKERS="2")]
        with running(made):
            yield made
        return
    keys = tmp_path / "wegwijs.keys"
    with empty_database(request.getfixturevalue("postgres_server")) as url:
        made = [quick_server(tmp_path / name, url, keys, WEGWIJS_WORKERS="1") for name in ("one", "other")]
        with running(made):
            yield made


def ask(server: Server, key: str) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Idempotency-Key": key}
    try:
        connection.request("POST", "/v1/decisions", json.dumps(STEMI), headers)
        response = connection.getresponse()
        return response.status, response.getheader("Retry-After"), response.read()
    finally:
        connection.close()


def ask_until_answered(server: Server, key: str) -> bytes:
    """Ask again and again, as a client does that was cut off or told to wait."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            status, retry_after, text = ask(server, key)
        except (OSError, http.client.HTTPException):
            status = 0
        if status == 201:
            return text
        assert status in (0, 409, 503), text
        assert status == 0 or retry_after is not None
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"`{key}` was not answered")


def test_racing_clients_and_killed_processes_make_each_decision_once(servers: list[Server]) -> None:
    answers: defaultdict[str, set[bytes]] = defaultdict(set)

    def client(number: int) -> None:
        for turn in range(REQUESTS):
            key = f"request-{turn}"
            answers[key].add(ask_until_answered(servers[(number + turn) % len(servers)], key))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for each in clients:
        each.start()
    for turn in range(6):
        time.sleep(0.15)
        kill_worker(servers[turn % len(servers)])
    for each in clients:
        each.join(PATIENCE_SECONDS)
    assert {key: len(texts) for key, texts in answers.items()} == {f"request-{turn}": 1 for turn in range(REQUESTS)}
    with opened_beside(servers[0]) as world, database.reading(world.engine) as connection:
        ids = {str(found) for found in connection.scalars(sa.select(DECISIONS.c.id))}
        assert connection.scalar(sa.select(sa.func.count()).select_from(IDEMPOTENCY_KEYS)) == REQUESTS
    assert ids == {json.loads(text)["id"] for texts in answers.values() for text in texts}

    servers[0].kill()
    servers[0].start()
    assert {ask(servers[0], "request-0")[2]} == answers["request-0"], "also after it was started anew"
