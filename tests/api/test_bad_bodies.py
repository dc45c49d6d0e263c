"""Nothing that cannot be read exactly is decided upon: every bad body is refused, named and leaves no trace."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from api.problem_schemas import Problem
from routing.strictjson import LEVELS_MOST
from tests.api.conftest import STEMI, Send


def changed(**parts: Any) -> bytes:
    """The STEMI case with other parts, as JSON."""
    return json.dumps({**copy.deepcopy(STEMI), **parts}).encode()


def observed(**facts: Any) -> bytes:
    """The STEMI case with other observations, as JSON."""
    return changed(observations={**STEMI["observations"], **facts})


GOOD = json.dumps(STEMI).encode()
JSON = "application/json"

BAD_JSON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty_body"),
    "only spaces": (b" \n\t ", "empty_body"),
    "cut off": (GOOD[:-5], "not_json"),
    "not JSON at all": (b"age=67&place=utrecht", "not_json"),
    "two documents": (GOOD + GOOD, "not_json"),
    "trailing comma": (b'{"patient": {"age_years": 67,}}', "not_json"),
    "single quotes": (b"{'patient': {}}", "not_json"),
    "a comment": (b'{"patient": {} /* 67 */}', "not_json"),
    "NaN": (GOOD.replace(b"112", b"NaN"), "not_a_number"),
    "Infinity": (GOOD.replace(b"112", b"Infinity"), "not_a_number"),
    "minus Infinity": (GOOD.replace(b"112", b"-Infinity"), "not_a_number"),
    "a number beyond all numbers": (GOOD.replace(b"112", b"1e999"), "not_a_number"),
    "a number of ten thousand digits": (GOOD.replace(b"112", b"9" * 10_000), "not_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "not_json"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "not_utf8"),
    "Latin-1": (b'{"reference": "Caf\xe9"}', "not_utf8"),
    "half a surrogate pair": (b'{"reference": "\\ud83d"}', "not_json"),
    "the same key twice": (GOOD.replace(b'"heart_rate": 112', b'"heart_rate": 112, "heart_rate": 40'), "duplicate_key"),
    "the same key twice, one escaped": (b'{"patient": {"age_years": 67, "age\\u005fyears": 6}}', "duplicate_key"),
    "two patients": (GOOD[:-1] + b', "patient": {"age_years": 6}}', "duplicate_key"),
    "nested too deep": (b'{"a":' * (LEVELS_MOST + 1) + b"1" + b"}" * (LEVELS_MOST + 1), "too_deep"),
    "lists nested very deep": (b"[" * 900 + b"]" * 900, "too_deep"),
    "nested deeper than a parser can go": (b"[" * 100_000, "not_json"),
}

BAD_FIELDS: dict[str, tuple[bytes, str, str]] = {
    "a list": (b"[]", "", "not_an_object"),
    "a number": (b"67", "", "not_an_object"),
    "null": (b"null", "", "not_an_object"),
    "text": (b'"chest pain"', "", "not_an_object"),
    "nothing in it": (b"{}", "patient.age_years", "missing"),
    "no age": (changed(patient={}), "patient.age_years", "missing"),
    "no place": (changed(location={}), "location", "missing"),
    "only a latitude": (changed(location={"lat": 52.1}), "location.lon", "missing"),
    "a place in another country": (changed(location={"lat": 48.8, "lon": 2.3}), "location", "outside_area"),
    "latitude and longitude swapped": (changed(location={"lat": 5.1214, "lon": 52.0907}), "location", "outside_area"),
    "a postcode that does not exist": (changed(location={"postcode": "0000"}), "location.postcode", "unknown_postcode"),
    "an unknown field": (changed(triage="U1"), "triage", "unknown_field"),
    "an unknown patient field": (changed(patient={"age_years": 67, "bsn": "1"}), "patient.bsn", "unknown_field"),
    "an unknown fact": (observed(hart_rate=112), "observations.hart_rate", "unknown_fact"),
    "a fact by two names": (observed(hr=112), "observations.hr", "given_twice"),
    "a string for a number": (observed(heart_rate="112"), "observations.heart_rate", "wrong_type"),
    "a number for yes or no": (observed(chest_pain=1), "observations.chest_pain", "wrong_type"),
    "yes or no for a number": (observed(heart_rate=True), "observations.heart_rate", "wrong_type"),
    "a list for a number": (observed(heart_rate=[112]), "observations.heart_rate", "wrong_type"),
    "an impossible number": (observed(heart_rate=1120), "observations.heart_rate", "out_of_range"),
    "a negative number": (observed(systolic_bp=-1), "observations.systolic_bp", "out_of_range"),
    "an unknown choice": (observed(avpu="Q"), "observations.avpu", "unknown_value"),
    "a time without offset": (observed(onset_at="2026-01-01T12:00:00"), "observations.onset_at", "wrong_type"),
    "a time in the future": (observed(onset_at="2999-01-01T12:00:00Z"), "observations.onset_at", "in_the_future"),
    "an unknown channel": (changed(channel="fax"), "channel", "unknown_value"),
    "an unknown complaint": (changed(complaint="help"), "complaint", "unknown_value"),
    "a place that nobody knows": (changed(known_at=["st-elsewhere"]), "known_at.0", "unknown_facility"),
    "a reference with a NUL": (changed(reference="a\x00b"), "reference", "wrong_type"),
    "an age as text": (changed(patient={"age_years": "67"}), "patient.age_years", "wrong_type"),
    "an age of 900": (changed(patient={"age_years": 900}), "patient.age_years", "out_of_range"),
    "a key of a thousand letters": (observed(**{"x" * 1000: 1}), "observations.xxx", "unknown_fact"),
}

BAD_TYPES: dict[str, dict[str, str]] = {
    "none": {},
    "text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "another JSON": {"Content-Type": "application/merge-patch+json"},
    "JSON in Latin-1": {"Content-Type": "application/json; charset=iso-8859-1"},
    "JSON in UTF-16": {"Content-Type": "application/json; charset=utf-16"},
    "compressed": {"Content-Type": JSON, "Content-Encoding": "gzip"},
}

CALLS = ("/v1/decisions", "/v1/decisions/preview")


def problem_of(response: Any, status: int, name: str) -> Problem:
    """The problem in `response`, which must be this one."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    found = Problem.model_validate(response.get_json())
    assert (found.type, found.status) == (f"/problems/{name}", status)
    assert found.instance == response.headers["X-Request-Id"]
    return found


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("case", BAD_JSON)
def test_what_is_not_clean_json_is_refused(case: str, path: str, send: Send, stored: Callable[[], int]) -> None:
    body, code = BAD_JSON[case]
    before = stored()
    found = problem_of(send("POST", path, data=body, content_type=JSON), 400, "malformed-json")
    assert [error.code for error in found.errors] == [code]
    assert stored() == before


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("case", BAD_FIELDS)
def test_what_is_not_a_case_is_refused_by_field(case: str, path: str, send: Send, stored: Callable[[], int]) -> None:
    body, field, code = BAD_FIELDS[case]
    before = stored()
    found = problem_of(send("POST", path, data=body, content_type=JSON), 422, "invalid-input")
    errors = [error for error in found.errors if error.code == code]
    assert errors, found.errors
    assert errors[0].field.startswith(field)
    assert errors[0].message
    assert len(errors[0].field) <= 200
    assert stored() == before


def test_every_fault_is_named_at_once(send: Send) -> None:
    body = changed(patient={}, channel="fax", observations={"heart_rate": "112", "hart_rate": 1})
    found = problem_of(send("POST", "/v1/decisions", data=body, content_type=JSON), 422, "invalid-input")
    fields = {error.field for error in found.errors}
    assert fields == {"patient.age_years", "channel", "observations.heart_rate", "observations.hart_rate"}


def test_a_thousand_faults_are_answered_shortly(send: Send) -> None:
    body = observed(**{f"made_up_{number}": number for number in range(1000)})
    response = send("POST", "/v1/decisions", data=body, content_type=JSON)
    problem_of(response, 422, "invalid-input")
    assert len(response.get_data()) < 50_000


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("kind", BAD_TYPES)
def test_another_media_type_is_refused(kind: str, path: str, send: Send, stored: Callable[[], int]) -> None:
    before = stored()
    problem_of(send("POST", path, data=GOOD, headers=BAD_TYPES[kind]), 415, "unsupported-media-type")
    assert stored() == before


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_json_in_utf8_is_read(content_type: str, send: Send) -> None:
    assert send("POST", "/v1/decisions/preview", data=GOOD, content_type=content_type).status_code == 200


@pytest.mark.parametrize("path", CALLS)
def test_a_body_over_the_limit_is_refused(path: str, send: Send, stored: Callable[[], int]) -> None:
    before = stored()
    body = changed(note="x" * 300_000)
    problem_of(send("POST", path, data=body, content_type=JSON), 413, "body-too-large")
    assert stored() == before


@pytest.mark.parametrize("path", CALLS)
def test_a_body_over_the_limit_in_chunks_is_refused(path: str, send: Send, stored: Callable[[], int]) -> None:
    before = stored()
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    body = io.BytesIO(changed(note="x" * 300_000))
    response = send("POST", path, input_stream=body, content_type=JSON, environ_overrides=chunked)
    problem_of(response, 413, "body-too-large")
    assert stored() == before


def test_a_body_in_chunks_within_the_limit_is_read(send: Send) -> None:
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = send(
        "POST",
        "/v1/decisions/preview",
        input_stream=io.BytesIO(GOOD),
        content_type=JSON,
        environ_overrides=chunked,
    )
    assert response.status_code == 200


def test_a_refused_value_is_shown_shortly(send: Send) -> None:
    body = changed(channel="f" * 5000)
    found = problem_of(send("POST", "/v1/decisions", data=body, content_type=JSON), 422, "invalid-input")
    assert len(found.errors[0].value) <= 80
    assert "meldkamer" in (found.errors[0].allowed or "")


def test_replay_takes_no_body(send: Send, stored: Callable[[], int]) -> None:
    problem_of(send("POST", "/v1/decisions/x/replay", data=GOOD, content_type=JSON), 422, "invalid-input")


BAD_QUERIES = {
    "/v1/decisions?limit=0": "limit",
    "/v1/decisions?limit=201": "limit",
    "/v1/decisions?limit=5.0": "limit",
    "/v1/decisions?limit=many": "limit",
    "/v1/decisions?limit=": "limit",
    "/v1/decisions?limit=5&limit=6": "limit",
    "/v1/decisions?since=yesterday": "since",
    "/v1/decisions?since=2026-11-21": "since",
    "/v1/decisions?since=2026-11-21T20:04:00": "since",
    "/v1/decisions?since=2026-11-21T20:04:00+01:00": "since",
    "/v1/decisions?since=2026-13-21T20:04:00Z": "since",
    "/v1/decisions?until=0001-01-01T00:00:00%2B14:00": "until",
    "/v1/decisions?until=1764000000": "until",
    "/v1/decisions?urgency=U6": "urgency",
    "/v1/decisions?urgency=u1": "urgency",
    "/v1/decisions?condition=%00": "condition",
    "/v1/decisions?condition=%ff": "condition",
    "/v1/decisions?facility='%20or%201=1": "facility",
    "/v1/decisions?cursor=%0a": "cursor",
    "/v1/decisions?patient=67": "patient",
    "/v1/decisions?Urgency=U1": "Urgency",
    "/v1/facilities?near=52.1": "near",
    "/v1/facilities?near=5.1,52.1,3": "near",
    "/v1/facilities?near=nan,5": "near",
    "/v1/facilities?near=99,5": "near",
    "/v1/facilities?capability=PCI": "capability",
    "/v1/facilities?name=umc": "name",
    "/v1/vocabulary?language=nl": "language",
    "/v1/rulesets?limit=5": "limit",
    "/v1/decisions/none?full=true": "full",
}


@pytest.mark.parametrize("address", BAD_QUERIES)
def test_a_query_that_is_not_understood_is_refused(address: str, send: Send) -> None:
    found = problem_of(send("GET", address), 422, "invalid-input")
    assert [error.field for error in found.errors] == [BAD_QUERIES[address]]
    assert found.errors[0].allowed
