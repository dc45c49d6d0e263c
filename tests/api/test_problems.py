"""When something goes wrong the client learns what to do, and the log learns nothing about the patient."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.problem_types import TYPES
from routing import service
from routing.errors import BadRecord, OtherSoftware, StoreUnavailable
from tests.api.conftest import STEMI, Send
from tests.api.test_bad_bodies import problem_of


@pytest.mark.parametrize("name", TYPES)
def test_every_problem_type_has_a_page_in_both_languages(name: str, client: FlaskClient) -> None:
    response = client.get(f"/problems/{name}")
    assert (response.status_code, response.content_type) == (200, "text/html; charset=utf-8")
    page = response.get_data(as_text=True)
    assert 'lang="nl"' in page
    assert 'lang="en"' in page
    assert str(TYPES[name].status) in page


def test_a_problem_that_does_not_exist_has_no_page(client: FlaskClient) -> None:
    problem_of(client.get("/problems/flat-tyre"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["/v2/decisions", "/v1", "/v1/patients", "//v1/decisions", "/static/x", "/v1/decisions/a/b"]
)
def test_an_unknown_address_is_not_found(path: str, client: FlaskClient) -> None:
    problem_of(client.get(path), 404, "not-found")


@pytest.mark.parametrize("name", ["none", "%00", "%ff", "..", "a b", "é", "x" * 500, "preview"])
@pytest.mark.parametrize("what", ["decisions", "facilities", "rulesets"])
def test_what_does_not_exist_is_not_found(what: str, name: str, send: Send) -> None:
    problem_of(send("GET", f"/v1/{what}/{name}"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/decisions", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PUT", "/v1/decisions/none", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/v1/decisions/none/replay", {"POST", "OPTIONS"}),
        ("POST", "/v1/vocabulary", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/v1/facilities", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_another_method_names_the_ones_that_are_possible(method: str, path: str, allowed: set[str], send: Send) -> None:
    response = send(method, path)
    problem_of(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed


def test_head_answers_like_get_without_a_body(send: Send) -> None:
    response = send("HEAD", "/v1/vocabulary")
    assert response.status_code == 200
    assert response.get_data() == b""
    assert response.headers["ETag"]


def test_options_names_the_methods(send: Send) -> None:
    response = send("OPTIONS", "/v1/decisions")
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def _failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_a_store_that_does_not_answer_gives_no_decision(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "decide", _failing(StoreUnavailable("the disk is full")))
    response = send("POST", "/v1/decisions", json=STEMI)
    problem_of(response, 503, "store-unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "disk" not in response.get_data(as_text=True)


def test_a_store_that_cannot_check_the_key_gives_503(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "authenticate", _failing(StoreUnavailable("gone")))
    problem_of(send("GET", "/v1/vocabulary"), 503, "store-unavailable")


def test_what_another_version_stored_is_no_fault_of_the_server(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "replay", _failing(OtherSoftware("another form")))
    problem_of(send("POST", "/v1/decisions/0198/replay"), 501, "other-software")


def test_a_damaged_record_is_said_to_be_damaged(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "decision", _failing(BadRecord("digest 12 is not 13")))
    problem_of(send("GET", "/v1/decisions/0198"), 500, "damaged-record")


def test_an_unexpected_error_tells_nothing_and_logs_no_patient(
    send: Send, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "decide", _failing(KeyError("heart_rate 112 of a man of 67 in 3584CX")))
    with caplog.at_level(logging.DEBUG):
        response = send("POST", "/v1/decisions", json=STEMI)
    found = problem_of(response, 500, "internal-error")
    for text in (response.get_data(as_text=True), caplog.text):
        assert "heart_rate" not in text
        assert "3584CX" not in text
    assert "Traceback" not in caplog.text
    logged = [record.getMessage() for record in caplog.records if record.name == "wegwijs.problems"]
    assert len(logged) == 1
    assert found.instance in logged[0]
    assert "KeyError" in logged[0]
    assert "test_problems.py:" in logged[0]


MEMBERS = {"message", "request_id", "trace_id", "span_id", "parent_id", "method", "route", "status", "ms", "key"}


def test_the_access_log_has_one_line_without_patient_data(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        response = send("POST", "/v1/decisions", json={**STEMI, "reference": "ZCC-1", "note": "mevrouw Jansen"})
        send("GET", f"/v1/decisions/{response.get_json()['id']}?x=1")
        send("GET", "/v1/decisions?facility=umc-utrecht")
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "wegwijs.access"]
    assert [line["route"] for line in lines] == ["/v1/decisions", "/v1/decisions/<decision_id>", "/v1/decisions"]
    assert all(set(line) == MEMBERS for line in lines)
    for word in ("Jansen", "ZCC-1", "52.09", "chest_pain", "umc-utrecht", response.get_json()["id"]):
        assert word not in caplog.text


def test_a_refused_case_leaves_no_value_in_the_log(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send("POST", "/v1/decisions", json={**STEMI, "channel": "mevrouw Jansen"})
    assert "Jansen" not in caplog.text


def test_the_id_of_a_request_comes_back(client: FlaskClient) -> None:
    assert client.get("/", headers={"X-Request-Id": "zcc-2026.000123"}).headers["X-Request-Id"] == "zcc-2026.000123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "-x", 'a"b'])
def test_an_id_that_is_not_sane_is_replaced(given: str, client: FlaskClient) -> None:
    made = client.get("/", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{16}", made)


def test_the_title_speaks_the_language_of_the_client(client: FlaskClient) -> None:
    title = TYPES["not-found"].title
    for language, expected in {
        "nl-NL, nl;q=0.9, en;q=0.5": title.nl,
        "en": title.en,
        "fr": title.en,
        "": title.en,
    }.items():
        assert client.get("/nowhere", headers={"Accept-Language": language}).get_json()["title"] == expected


def test_every_answer_is_kept_out_of_caches_and_is_taken_as_what_it_is(send: Send) -> None:
    for method, path in (
        ("POST", "/v1/decisions"),
        ("GET", "/v1/decisions"),
        ("GET", "/nowhere"),
        ("GET", "/v1/facilities"),
    ):
        response = send(method, path, json=STEMI if method == "POST" else None)
        assert response.headers["Cache-Control"] == "no-store", path
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in response.headers
