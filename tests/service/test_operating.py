"""The server as an operator has it: what clients cannot do to it, what it tells, and rules that come meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from routing import service, serving
from routing.errors import StoreUnavailable
from routing.rights import Asker
from routing.rules import durable
from routing.rules.engine_watch import EngineWatch
from routing.rules_here import evaluators_of
from routing.serving import THREADS
from routing.settings import read_settings
from routing.world import World
from tests.api.conftest import STEMI
from tests.api.test_serve import KEY, Server
from tests.api.test_telemetry import collector, spans_of
from tests.patience import PATIENCE_SECONDS
from tests.service.conftest import Clock, Open
from tests.service.hurting_clients import still_open
from tests.service.log_load import await_true, call, few_rules, install, quick_server, started_with, workers_of

MARK = "MARK-Jansen"

SILENT_SECONDS = 15
"""So long a client may be silent: one that merely gets no turn for a while must not be cut off."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    few_rules(folder / "versions/acute-nl/1.0.0")
    made = quick_server(folder, WEGWIJS_WORKERS="2", WEGWIJS_RULESETS=str(folder / "versions"))
    made.command = started_with(f"serving.SILENCE_SECONDS = connections.REQUEST_SECONDS = {SILENT_SECONDS}; ")
    try:
        made.start()
        await_true(lambda: len(workers_of(made)) == 2, "both processes to begin")
        yield made
    finally:
        made.kill()


def connected(server: Server, text: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    made.sendall(text)
    return made


def watched(server: Server, name: str) -> float:
    status, _, text = call(server, "GET", "/metrics")
    assert status == 200
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[-1])


def test_all_processes_count_together_and_what_a_dead_one_counted_stays(server: Server) -> None:
    name = 'wegwijs_requests_total{method="GET",route="/v1/rulesets",status="200"}'
    assert server.call("GET", "/v1/rulesets")[0] == 200
    before = watched(server, name)
    for _ in range(20):
        assert server.call("GET", "/v1/rulesets")[0] == 200
    assert watched(server, name) == before + 20
    first = workers_of(server)
    os.kill(first[0], signal.SIGKILL)
    await_true(lambda: first[0] not in workers_of(server) and len(workers_of(server)) == 2, "a fresh process")
    assert watched(server, name) == before + 20
    assert 0 <= watched(server, "wegwijs_pool_connections_in_use") <= 2


def test_clients_that_stop_in_the_middle_of_a_request_keep_nobody_waiting(server: Server) -> None:
    head = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\n"
    body = (
        head
        + b"Authorization: Bearer "
        + b"x" * 20
        + b"\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
    )
    silent = [connected(server, text) for text in (head, body) for _ in range(THREADS + 2)]
    try:
        assert server.call("POST", "/v1/decisions", STEMI)[0] == 201
        assert still_open(silent) == len(silent), "nobody had to be cut off before that"
    finally:
        for each in silent:
            each.close()


HEAD = f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"


def test_who_does_not_send_all_of_a_request_in_time_is_told_so_and_without_a_whole_head_is_cut_off(
    server: Server,
) -> None:
    """All of them at once: each of them is waited for as long as a client may be silent."""
    texts = [f"{HEAD}{more}\r\n\r\n" for more in ("Content-Length: 999", "Transfer-Encoding: chunked")]
    with ExitStack() as all_open:
        began = time.monotonic()
        silent = [all_open.enter_context(connected(server, text.encode())) for text in (*texts, HEAD)]
        *told, cut_off = [b"".join(iter(partial(each.recv, 65_536), b"")) for each in silent]
        assert time.monotonic() - began < 60, "a few times as long as a client may be silent"
    for answer in told:
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"/problems/request-timeout" in answer
    assert cut_off == b""


def test_what_is_too_large_is_told_so_at_once(server: Server) -> None:
    with connected(server, f"{HEAD}Content-Length: 999999\r\n\r\n".encode()) as connection:
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_requests_that_are_sent_together_are_answered_in_their_order(server: Server) -> None:
    asked = [f"GET /{place} HTTP/1.1\r\nHost: x\r\n" for place in ("health/live", "nowhere", "v1/facilities")]
    with connected(server, "\r\n".join([*asked[:2], asked[2] + "Connection: close\r\n\r\n"]).encode()) as connection:
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+) ", said) == [b"200", b"404", b"401"]


def test_what_is_no_request_at_all_leaves_nothing_in_the_log(server: Server) -> None:
    before = len(server.log())
    for text in (
        f"GET /{MARK} HTTP/9.9\r\n\r\n",
        f"{MARK}\r\n\r\n",
        f"GET /{MARK} HTTP/1.1\r\n{MARK}: a\r\n{MARK} b: {MARK}\r\n\r\n",
        f"GET /?{MARK} HTTP/1.1\r\nHost: {MARK}\r\nContent-Length: {MARK}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{MARK}: {'x' * 9_000}\r\n\r\n",
        f"GET /{MARK * 900} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {MARK}\r\n\r\n{MARK}",
        f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}\r\n{MARK}\r\n",
    ):
        with connected(server, text.encode()) as connection:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
    assert server.call("GET", "/health/live")[0] == 200
    await_true(lambda: '"route":"/health/live"' in server.log()[before:], "the line of the last request")
    said = server.log()[before:]
    assert MARK not in said
    assert "Traceback" not in said
    for line in said.splitlines():
        assert {"at", "level", "logger", "message"} <= set(json.loads(line))


def test_what_was_installed_meanwhile_is_used_after_a_sighup(server: Server) -> None:
    assert server.process is not None
    install(Path(server.settings["WEGWIJS_RULESETS"]), "1.0.1", "2026-01-02T00:00:00+00:00")
    assert server.call("POST", "/v1/decisions", STEMI)[1]["provenance"]["ruleset"]["version"] == "1.0.0"
    os.kill(server.process.pid, signal.SIGHUP)

    def version() -> str:
        status, made = server.call("POST", "/v1/decisions", STEMI)
        assert status == 201, "nobody is refused meanwhile"
        return str(made["provenance"]["ruleset"]["version"])

    await_true(lambda: version() == "1.0.1", "the new rules")
    assert server.stop() == 0


def test_rules_that_take_effect_decide_from_that_moment_without_a_restart(
    open_world: Open, clock: Clock, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    few_rules(rules / "acute-nl/1.0.0")
    install(rules, "1.1.0", "2026-11-18T14:00:00+00:00")
    world = open_world(rulesets=rules)
    service.upgrade(world)
    asker = service.authenticate(world, service.create_key(world, "test", frozenset({"triagist"})))
    assert isinstance(asker, Asker)

    def version() -> str:
        return str(service.decide(world, STEMI, asker)["provenance"]["ruleset"]["version"])

    clock.now = clock.now.replace(hour=13, minute=59, second=59)
    assert version() == "1.0.0"
    assert service.ready(world)[1]["ruleset"]["version"] == "1.0.0"
    clock.forward(seconds=1)
    assert version() == "1.1.0"
    assert service.ready(world)[1]["ruleset"]["version"] == "1.1.0"


# -- the first case ---------------------------------------------------------------------------------------------------


def test_a_process_that_begins_decides_about_an_example_so_that_the_first_patient_need_not_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = []
    monkeypatch.setattr(service, "preview", lambda here, body: decided.append((here.settings, body)))
    app = serving._Server(world.settings, world, lambda _: None).load()
    service.close_world(app.extensions["wegwijs"])
    assert decided == [(world.settings, serving.EXAMPLE)]


def test_the_example_can_be_decided_about(world: World) -> None:
    service.warm_up(world, serving.EXAMPLE)
    assert service.preview(world, serving.EXAMPLE)["recommendation"]


def test_a_database_that_is_lost_at_the_start_keeps_no_process_from_beginning(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that cannot begin would end the whole server, which must come back by itself with its database."""

    def lost(*_: object) -> None:
        raise StoreUnavailable("gone in the middle")

    monkeypatch.setattr(service, "preview", lost)
    service.warm_up(world, serving.EXAMPLE)
    assert "the first case was not tried at the start: StoreUnavailable" in caplog.text
    monkeypatch.setattr(service, "ready", lambda _: (False, {}))
    caplog.clear()
    service.warm_up(world, serving.EXAMPLE)
    assert caplog.text == "", "nothing is tried where nothing can be decided"


def test_a_server_that_is_stopped_has_told_its_collector_everything(tmp_path: Path) -> None:
    with collector() as (url, told):
        made = quick_server(tmp_path, WEGWIJS_TELEMETRY_URL=url)
        try:
            made.start()
            for _ in range(3):
                assert made.call("POST", "/v1/decisions", STEMI)[0] == 201
            assert made.process is not None
            made.process.terminate()
            made.process.wait(PATIENCE_SECONDS)
        finally:
            made.kill()
        names = [span.name for span in spans_of(told)]
    assert [names.count(name) for name in ("POST /v1/decisions", "read", "decide", "record")] == [3, 3, 3, 3]


def test_rules_are_translated_once_for_all_processes_and_the_engine_is_first_asked_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = str(few_rules(tmp_path / "rules"))
    given = read_settings(database_url=f"sqlite:///{tmp_path}/one.sqlite3", rulesets=rules, bootstrap_key="x" * 40)
    asked: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(durable, "engine", type("Asked", (), {"__getattr__": lambda _, name: asked.append(name)})())
        world, _ = serving.prepare(given)
        above = evaluators_of(world, service.in_force(world, world.clock()))
    assert asked == []
    watch = EngineWatch()
    below = service.world_in_child(world, watch)
    found = evaluators_of(below, service.in_force(below, below.clock()))
    assert found.engine is above.engine
    assert found.reference is above.reference
    assert (above.watch, found.watch) == (None, watch)
    service.close_world(below)
