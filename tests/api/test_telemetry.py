"""A collector is told how long requests and their parts took, under the ids that stand in the log, and nothing of a
patient; what it does or does not do changes no answer."""

from __future__ import annotations

import http.server
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api import create_app
from api.telemetry import EXTENSION
from routing import service
from routing import settings as settings_module
from routing.errors import BadInput, StoreUnavailable
from routing.settings import read_settings
from routing.world import World
from tests.api.conftest import STEMI
from tests.patience import PATIENCE_SECONDS
from tests.ports import nobody_listens

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MARKS = ("MARK-4711", "52.0907", "chest_pain", "ecg_st_elevation")


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector on this machine, and what it was told."""
    told: list[bytes] = []

    class Told(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Told)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", told
    finally:
        server.shutdown()
        server.server_close()


Ask = Callable[..., Any]


@pytest.fixture
def own_key(own_world: World) -> str:
    return service.create_key(own_world, "watched", frozenset({"triagist"}))


@contextmanager
def watched(world: World, key: str, url: str) -> Iterator[tuple[Ask, Callable[[], None]]]:
    """Asks an app that tells the collector at `url`; the second one waits until all was told."""
    settings = world.settings.model_copy(update={"telemetry_url": url})
    app = create_app(world=replace(world, settings=settings))
    provider = app.extensions[EXTENSION].span_processor

    def ask(method: str, path: str, **rest: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}", "traceparent": f"00-{TRACE}-{PARENT}-01"}
        return app.test_client().open(path, method=method, headers={**headers, **rest.pop("headers", {})}, **rest)

    try:
        yield ask, lambda: provider.force_flush(1_000 * PATIENCE_SECONDS)
    finally:
        provider.shutdown()


def spans_of(told: list[bytes]) -> list[Any]:
    requests = [ExportTraceServiceRequest.FromString(each) for each in told]
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def said(span: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_request_and_its_parts_are_told_under_the_ids_of_the_log(
    own_world: World, own_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with collector() as (url, told), watched(own_world, own_key, url) as (ask, all_told):
        with caplog.at_level(logging.INFO, "wegwijs.access"):
            assert ask("POST", "/v1/decisions", json=STEMI).status_code == 201
        all_told()
        spans = {span.name: span for span in spans_of(told)}
    whole = spans["POST /v1/decisions"]
    assert set(spans) == {"POST /v1/decisions", "read", "decide", "record"}
    assert whole.trace_id.hex() == TRACE
    assert whole.parent_span_id.hex() == PARENT
    line = json.loads(caplog.messages[-1])
    assert (line["trace_id"], line["span_id"], line["parent_id"]) == (TRACE, whole.span_id.hex(), PARENT)
    assert said(whole) == {
        "http.request.method": "POST", "http.route": "/v1/decisions", "http.response.status_code": 201
    }  # fmt: skip
    for name in ("read", "decide", "record"):
        assert spans[name].parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= spans[name].start_time_unix_nano
        assert spans[name].end_time_unix_nano <= whole.end_time_unix_nano
        assert said(spans[name]) == {}


def test_nothing_of_a_patient_reaches_the_collector(own_world: World, own_key: str) -> None:
    with collector() as (url, told), watched(own_world, own_key, url) as (ask, all_told):
        made = ask("POST", "/v1/decisions", json={**STEMI, "reference": MARKS[0]}).get_json()
        ask("GET", f"/v1/decisions/{made['id']}")
        ask("GET", f"/v1/decisions?condition={MARKS[0]}")
        ask("POST", "/v1/decisions", json={"patient": {"age_years": MARKS[0]}, MARKS[0]: 1})
        ask(MARKS[0], f"/v1/{MARKS[0]}", headers={"traceparent": MARKS[0], "tracestate": f"a={MARKS[0]}"})
        all_told()
        everything = b"".join(told)
    assert len(spans_of(told)) >= 8
    for mark in (*MARKS, made["id"], made["recommendation"]["facility"]["name"]):
        assert mark.encode() not in everything


def test_what_goes_wrong_is_told_by_its_kind_alone(
    own_world: World, own_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> Any:
        raise StoreUnavailable(f"at host {MARKS[0]}")

    with collector() as (url, told), watched(own_world, own_key, url) as (ask, all_told):
        ask("GET", "/v1/vocabulary")  # who it is, is known by now
        with monkeypatch.context() as patch:
            patch.setattr("routing.service.newest_directory", lost)
            assert ask("POST", "/v1/decisions", json=STEMI).status_code == 503
        all_told()
    spans = {span.name: span for span in spans_of(told)}
    assert said(spans["read"]) == {"error.type": "StoreUnavailable"}
    assert said(spans["POST /v1/decisions"])["http.response.status_code"] == 503
    assert spans["POST /v1/decisions"].status.code == 2  # an error
    assert MARKS[0].encode() not in b"".join(told)
    assert all(not span.events for span in spans.values())


def test_a_collector_that_is_not_there_changes_no_answer(own_world: World, own_key: str) -> None:
    with nobody_listens() as port, watched(own_world, own_key, f"http://127.0.0.1:{port}/v1/traces") as (ask, _):
        began = time.monotonic()
        assert [ask("POST", "/v1/decisions", json=STEMI).status_code for _ in range(3)] == [201] * 3
        assert time.monotonic() - began < 30  # and not the time-out of a collector for each


def test_without_a_collector_nobody_watches(own_world: World) -> None:
    app = create_app(world=own_world)
    assert EXTENSION not in app.extensions
    assert app.extensions["wegwijs"].part is own_world.part


@pytest.mark.parametrize(
    "url", ["collector:4318", "ftp://collector/", "http://name:secret@collector/", "http://c/?a=b"]
)
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_settings(telemetry_url=url)
    assert [fault.field for fault in refused.value.faults] == ["WEGWIJS_TELEMETRY_URL"]


def test_packages_that_are_not_installed_are_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "find_spec", lambda _: None)
    with pytest.raises(BadInput) as refused:
        read_settings(telemetry_url="http://127.0.0.1:4318/v1/traces")
    assert "wegwijs[telemetry]" in refused.value.faults[0].message
    assert read_settings().telemetry_url is None
