"""The server as it is installed: started as a program, killed without warning, started again, and nothing is lost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.schemas import Decision
from routing.serving import THREADS
from tests.api.conftest import STEMI
from tests.fixtures_ruleset import few_rules
from tests.patience import PATIENCE_SECONDS
from tests.ports import own_port

KEY = "a-key-for-this-test-only-0123456789"

STOP_WITHIN_SECONDS = 25
"""A server that is asked to stop does so within a second or two; one that waits for whoever is connected takes the 30
seconds that it gives them. In between there is room for a machine that does much else."""


@dataclass
class Server:
    """`wegwijs serve`, with a database of its own unless one is named."""

    folder: Path
    port: int
    database_url: str = ""
    keys: Path | None = None
    settings: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = (str(Path(sys.executable).with_name("wegwijs")), "serve")
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.database_url = self.database_url or f"sqlite:///{self.folder}/wegwijs.sqlite3"
        self.keys = self.keys or self.folder / "wegwijs.keys"

    def environment(self) -> dict[str, str]:
        """That of this process, with the settings of this server in place of any that stand there."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WEGWIJS_")}
        return kept | {
            "WEGWIJS_DATABASE_URL": self.database_url,
            "WEGWIJS_KEYS": str(self.keys),
            "WEGWIJS_PORT": str(self.port),
            "WEGWIJS_BOOTSTRAP_KEY": KEY,
            **self.settings,
        }

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment(), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log()
            try:
                if self.call("GET", "/health/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready after {PATIENCE_SECONDS} s:\n{self.log()}")

    def kill(self) -> None:
        """Kill all its processes at once, without a chance to tidy up."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> int:
        """Ask it to stop, as an operator does; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def call(self, method: str, path: str, body: Any = None, chunks: Iterator[bytes] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
            content = chunks if chunks is not None else json.dumps(body) if body is not None else None
            connection.request(method, path, content, headers, encode_chunked=chunks is not None)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def free_server(folder: Path) -> Server:
    """A server at a port that is free, not started yet."""
    return Server(folder, own_port())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = free_server(tmp_path)
    try:
        yield made
    finally:
        made.kill()


def test_what_was_decided_survives_a_server_that_is_killed(server: Server) -> None:
    server.start()
    status, made = server.call("POST", "/v1/decisions", STEMI)
    assert status == 201
    Decision.model_validate(made)

    server.kill()
    server.start()

    assert server.call("GET", f"/v1/decisions/{made['id']}") == (200, made)
    status, replayed = server.call("POST", f"/v1/decisions/{made['id']}/replay")
    assert (status, replayed["identical"], replayed["differences"]) == (200, True, [])

    too_much = (b'"' + b"x" * 9_999 for _ in range(40))
    status, problem = server.call("POST", "/v1/decisions", chunks=too_much)
    assert (status, problem["type"]) == (413, "/problems/body-too-large")
    status, problem = server.call("GET", "/nowhere")
    assert (status, problem["type"]) == (404, "/problems/not-found")

    assert server.stop() == 0
    log = server.log()
    assert KEY not in log
    assert "ecg_st_elevation" not in log
    assert "52.0907" not in log
    assert '"route":"/v1/decisions"' in log


@contextmanager
def listening(server: Server) -> Iterator[http.client.HTTPResponse]:
    """A stream of events of the server, of which the beginning was read."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/v1/facilities/events", headers={"Authorization": f"Bearer {KEY}"})
    with closing(connection), connection.getresponse() as response:
        assert response.status == 200
        assert response.readline() == b"retry: 1000\n"
        yield response


def test_listeners_hear_of_a_stop_at_once_and_never_hold_the_server_up(server: Server, tmp_path: Path) -> None:
    server.settings["WEGWIJS_RULESETS"] = str(few_rules(tmp_path / "rules"))  # nothing is decided here
    server.start()
    with ExitStack() as open_streams:
        listeners = [open_streams.enter_context(listening(server)) for _ in range(THREADS // 2)]
        assert server.call("GET", "/v1/facilities/events")[0] == 503
        report = {"unit": "seh", "kind": "stop", "value": True, "observed_at": datetime.now(UTC).isoformat()}
        assert server.call("POST", "/v1/facilities/umc-utrecht/status", report)[0] == 202
        reported = time.monotonic()
        for listener in listeners:
            data = next(line for line in iter(listener.readline, b"") if line.startswith(b"data: "))
            assert json.loads(data.removeprefix(b"data: "))["facility"] == "umc-utrecht"
        assert time.monotonic() - reported < STOP_WITHIN_SECONDS, "and not when a stream ends by itself"
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < STOP_WITHIN_SECONDS, "streams end when the server is asked to stop"
