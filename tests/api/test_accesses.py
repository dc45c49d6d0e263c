"""Over HTTP: every call is noted or shows nothing of patients; who looked is told to who may ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.access_schemas import AccessPage, PatientAccessPage
from api.accesses import AccessSearch
from api.auth import ACTIONS, LOGGED, NOTHING_OF_PATIENTS, OPEN
from routing import access_log
from routing.log.access import EVENTS
from routing.rights import RIGHTS, ROLES
from routing.service import World
from tests.api.conftest import AUDITOR, STEMI, Send
from tests.api.test_anything import anything
from tests.api.test_bad_bodies import problem_of
from tests.fhir import call

REFERENCE = "ZCC-2026-000123"
CASE = {**STEMI, "reference": REFERENCE}
WHO = {"Wegwijs-User": "u-77", "Wegwijs-Responsible": "dr-3", "X-Request-Id": "r-1"}

CALLS: dict[str, tuple[str, str, Any]] = {
    "decisions.create": ("POST", "/v1/decisions", CASE),
    "decisions.read": ("GET", "/v1/decisions/{}", None),
    "decisions.search": ("GET", "/v1/decisions?urgency=U1&limit=1", None),
    "decisions.replay": ("POST", "/v1/decisions/{}/replay", None),
    "decisions.capsule": ("GET", "/v1/decisions/{}/capsule", None),
    "decisions.record_outcome": ("POST", "/v1/decisions/{}/outcome", {"outcome": "accepted", "by": "triagist"}),
    "decisions.read_outcome": ("GET", "/v1/decisions/{}/outcome", None),
    "decisions.pre_alerts": ("GET", "/v1/decisions/{}/pre-alerts", None),
    "erasure.erase": ("POST", "/v1/decisions/{}/erasure", {"why": "test_data"}),
    "accesses.list_all": ("GET", "/v1/accesses?limit=1", None),
    "accesses.search": ("POST", "/v1/accesses/search", {"reference": REFERENCE, "limit": 1}),
    "accesses.patient": ("POST", "/v1/accesses/patient", {"reference": REFERENCE, "limit": 1}),
    "accesses.export": ("POST", "/v1/accesses/export", {"reference": REFERENCE}),
    "cds_hooks.call": ("POST", "/cds-services/wegwijs-triage", lambda _: call()),
    "cds_hooks.feedback": ("POST", "/cds-services/wegwijs-triage/feedback", lambda made: feedback(made)),
    "fhir.guidance": ("GET", "/fhir/GuidanceResponse/{}", None),
}
"""Every endpoint that is noted -> how it is called, with the id of a decision in its address or its body."""


def feedback(made: str) -> dict[str, Any]:
    """That the card of a decision was put aside just now."""
    said = {"card": made, "outcome": "overridden", "outcomeTimestamp": datetime.now(UTC).isoformat()}
    return {"feedback": [said]}


def body_of(endpoint: str, made: str) -> Any:
    body = CALLS[endpoint][2]
    return body(made) if callable(body) else body


def newest(world: World) -> dict[str, Any]:
    found: dict[str, Any] = access_log.accesses(world, AUDITOR, limit=1)["accesses"][0]
    return found


def role_for(endpoint: str) -> str:
    return next(role for role in ROLES if role in RIGHTS[ACTIONS[endpoint]])


@pytest.fixture
def made(send: Send) -> str:
    found: str = send("POST", "/v1/decisions", json=CASE).get_json()["id"]
    return found


# -- every call


def test_every_call_is_noted_or_shows_nothing_of_patients(app: Flask) -> None:
    with_key = {rule.endpoint for rule in app.url_map.iter_rules()} - OPEN
    assert LOGGED.keys() | NOTHING_OF_PATIENTS == with_key
    assert LOGGED.keys() & NOTHING_OF_PATIENTS == set()
    assert set(LOGGED.values()) <= set(EVENTS)
    assert set(CALLS) == set(LOGGED)


@pytest.mark.parametrize("endpoint", LOGGED)
def test_a_call_is_noted_as_the_table_says(endpoint: str, world: World, send: Send, made: str, app: Flask) -> None:
    method, path, _ = CALLS[endpoint]
    response = send(method, path.format(made), role_for(endpoint), json=body_of(endpoint, made), headers=WHO)
    assert response.status_code in (200, 201), response.text
    access = newest(world)
    assert (access["event"], access["outcome"]) == (LOGGED[endpoint], "ok")
    assert (access["user"]["user"], access["user"]["responsible"]) == ("u-77", "dr-3")
    assert access["user"]["roles"] == [role_for(endpoint)]
    (rule,) = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint]
    call = f"{method} {rule.replace('<', '{').replace('>', '}')}"
    assert access["source"] == {"system": "api", "call": call, "request_id": "r-1"}


@pytest.mark.parametrize("endpoint", LOGGED)
def test_a_call_that_is_not_allowed_is_noted_as_refused(endpoint: str, world: World, send: Send, made: str) -> None:
    method, path, _ = CALLS[endpoint]
    response = send(method, path.format(made), "facility", json=body_of(endpoint, made), headers=WHO)
    assert response.status_code == 403
    if not path.startswith("/fhir/"):  # there a problem is an OperationOutcome
        problem_of(response, 403, "forbidden")
    access = newest(world)
    assert (access["event"], access["outcome"]) == (LOGGED[endpoint], "refused")
    assert (access["user"]["roles"], access["user"]["user"]) == (["facility"], "u-77")
    about = {"patient": access_log.patient_of(world, REFERENCE), "decision": made}
    assert access["subjects"] == ([about] if "{}" in path or endpoint == "cds_hooks.feedback" else [])


def test_what_shows_nothing_of_patients_is_not_noted(world: World, send: Send) -> None:
    before = newest(world)["id"]
    assert send("POST", "/v1/decisions/preview", json=CASE).status_code == 200
    for path in ("/v1/facilities?limit=1", "/v1/facilities/umc-utrecht", "/v1/rulesets", "/v1/vocabulary"):
        assert send("GET", path).status_code == 200
    found = access_log.accesses(world, AUDITOR, limit=2)["accesses"]
    assert [access["event"] for access in found] == ["read_access_log", found[1]["event"]]
    assert found[1]["id"] == before


# -- who sits at the client


@pytest.mark.parametrize("header", ["Wegwijs-User", "Wegwijs-Responsible"])
@pytest.mark.parametrize("value", ["Jan Jansen", "jan@umc.nl", "", "u" * 65, "111222333", "1112.22.333", "u-1, u-2"])
def test_a_header_that_may_hold_a_name_or_a_bsn_is_refused(header: str, value: str, send: Send) -> None:
    found = problem_of(send("GET", "/v1/decisions", headers={header: value}), 422, "invalid-input")
    (error,) = found.errors
    assert (error.field, error.value) == (header, None)
    assert "never a BSN" in (error.allowed or "")
    assert not value or value not in found.model_dump_json()


def test_without_the_headers_nobody_is_named(world: World, send: Send) -> None:
    assert send("GET", "/v1/decisions?limit=1").status_code == 200
    assert (newest(world)["user"]["user"], newest(world)["user"]["responsible"]) == (None, None)


# -- who looked


def test_who_looked_is_shown_page_by_page(send: Send, made: str) -> None:
    send("GET", f"/v1/decisions/{made}")
    send("POST", f"/v1/decisions/{made}/replay")
    page = send("GET", f"/v1/accesses?decision={made}&limit=2", "auditor").get_json()
    AccessPage.model_validate(page)
    assert [access["event"] for access in page["accesses"]] == ["replay", "read"]
    rest = send("GET", f"/v1/accesses?decision={made}&limit=2&event=create&cursor={page['next']}", "auditor").get_json()
    assert [access["event"] for access in rest["accesses"]] == ["create"]
    patient = page["accesses"][0]["subjects"][0]["patient"]
    by_patient = send("GET", f"/v1/accesses?patient={patient}&event=replay&limit=1", "auditor").get_json()
    assert by_patient["accesses"] == page["accesses"][:1]
    body = {"reference": REFERENCE, "event": "replay", "limit": 1}
    by_reference = send("POST", "/v1/accesses/search", "auditor", json=body).get_json()
    assert by_reference["accesses"] == page["accesses"][:1]


def test_a_patient_can_be_told_who_looked(send: Send, made: str) -> None:
    send("GET", f"/v1/decisions/{made}", headers=WHO)
    page = send("POST", "/v1/accesses/patient", "auditor", json={"reference": REFERENCE, "limit": 2}).get_json()
    PatientAccessPage.model_validate(page)
    read = page["accesses"][0]
    assert (read["event"], read["decisions"], read["user"]) == ("read", [made], "u-77")
    assert read["what"] == {"nl": "Uw gegevens bekeken", "en": "Looked at your data"}
    assert read["why"] == {"nl": "voor uw zorg", "en": "for your care"}


def test_accesses_are_exported_as_audit_events(send: Send, made: str) -> None:
    response = send("POST", "/v1/accesses/export", "auditor", json={"decision": made})
    assert response.content_type == "application/fhir+ndjson"
    (event,) = [json.loads(line) for line in response.text.splitlines()]
    assert event["resourceType"] == "AuditEvent"
    assert event["subtype"][0]["code"] == "create"
    assert event["source"]["observer"]["identifier"]["value"].startswith("wegwijs/")
    assert event["source"]["observer"]["identifier"]["value"].endswith("/access")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("search", {"reference": 7}, "reference"),
        ("search", {"reference": ""}, "reference"),
        ("search", {"reference": "x" * 201}, "reference"),
        ("search", {"patient": "Jan Jansen"}, "patient"),
        ("search", {"user": "Jan Jansen"}, "user"),
        ("search", {"limit": 0}, "limit"),
        ("search", {"limit": "5"}, "limit"),
        ("search", {"since": "yesterday"}, "since"),
        ("search", {"event": "peek"}, "event"),
        ("search", {"event": ["read"]}, "event"),
        ("search", {"nurse": "x"}, "nurse"),
        ("search", {"reference": "x", "patient": "a" * 32}, "reference"),
        ("patient", {}, "reference"),
        ("patient", {"reference": None}, "reference"),
        ("export", {"cursor": "x"}, "cursor"),
        ("export", [], ""),
    ],
)
def test_what_cannot_be_asked_is_refused_and_names_are_not_repeated(
    path: str, body: Any, field: str, send: Send
) -> None:
    found = problem_of(send("POST", f"/v1/accesses/{path}", "auditor", json=body), 422, "invalid-input")
    assert [error.field for error in found.errors] == [field]
    assert "Jansen" not in found.model_dump_json()


def test_the_number_of_a_case_is_no_part_of_an_address(send: Send) -> None:
    problem_of(send("GET", "/v1/accesses?reference=ZCC-1", "auditor"), 422, "invalid-input")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(body=st.dictionaries(st.sampled_from([*AccessSearch.model_fields]) | st.text(max_size=5), anything, max_size=3))
def test_whatever_is_asked_is_answered_or_refused(body: Any, app: Flask, keys: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {keys['auditor']}"}
    for path in ("search", "export", "patient"):
        # json.dumps writes NaN and lone surrogates, which are to be refused as well
        response = app.test_client().post(
            f"/v1/accesses/{path}", data=json.dumps(body), content_type="application/json", headers=headers
        )
        assert response.status_code in (200, 400, 422), response.get_data(as_text=True)
