"""Who may do what: without a key nothing, with a key what its roles say, and nothing that no table allows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from api import create_app
from api.auth import ACTIONS, OPEN
from routing import api_keys
from routing.rights import RIGHTS, ROLES
from routing.service import World
from routing.world import Memory
from tests.api.conftest import OWN, STEMI
from tests.api.test_bad_bodies import problem_of
from tests.issuer import AUDIENCE, CONFIGURED, Issuer, running
from tests.people import account, signed_in

CALLS = {
    "metrics.read": ("GET", "/metrics"),
    "decisions.create": ("POST", "/v1/decisions"),
    "decisions.preview": ("POST", "/v1/decisions/preview"),
    "decisions.search": ("GET", "/v1/decisions"),
    "decisions.read": ("GET", "/v1/decisions/none"),
    "decisions.replay": ("POST", "/v1/decisions/none/replay"),
    "decisions.capsule": ("GET", "/v1/decisions/none/capsule"),
    "log.checkpoint": ("GET", "/v1/log/checkpoint"),
    "log.keys": ("GET", "/v1/log/keys"),
    "log.inclusion": ("GET", "/v1/log/inclusion/none"),
    "log.consistency": ("GET", "/v1/log/consistency?from=1"),
    "decisions.record_outcome": ("POST", "/v1/decisions/none/outcome"),
    "decisions.read_outcome": ("GET", "/v1/decisions/none/outcome"),
    "decisions.pre_alerts": ("GET", "/v1/decisions/none/pre-alerts"),
    "accesses.list_all": ("GET", "/v1/accesses"),
    "accesses.search": ("POST", "/v1/accesses/search"),
    "accesses.patient": ("POST", "/v1/accesses/patient"),
    "accesses.export": ("POST", "/v1/accesses/export"),
    "erasure.erase": ("POST", "/v1/decisions/none/erasure"),
    "figures.read": ("GET", "/v1/figures"),
    "facilities.list_all": ("GET", "/v1/facilities"),
    "facilities.read": ("GET", "/v1/facilities/none"),
    "facilities.write": ("PUT", "/v1/facilities/none"),
    "facilities.remove": ("DELETE", "/v1/facilities/none"),
    "facilities.report": ("POST", "/v1/facilities/none/status"),
    "facilities.status": ("GET", "/v1/facilities/none/status"),
    "facilities.history": ("GET", "/v1/facilities/none/history"),
    "events.stream": ("HEAD", "/v1/facilities/events"),
    "feeds.take_in": ("POST", "/v1/feeds/none"),
    "reports.overrules": ("GET", "/v1/reports/overrules"),
    "vocabulary.read": ("GET", "/v1/vocabulary"),
    "rulesets.list_all": ("GET", "/v1/rulesets"),
    "rulesets.read": ("GET", "/v1/rulesets/none"),
    "rulesets.proof": ("GET", "/v1/rulesets/none/proof"),
    "session.read": ("GET", "/v1/session"),
    "session.end": ("DELETE", "/v1/session"),
    "cds_hooks.call": ("POST", "/cds-services/none"),
    "cds_hooks.feedback": ("POST", "/cds-services/none/feedback"),
    "fhir.guidance": ("GET", "/fhir/GuidanceResponse/none"),
    "fhir.search_organizations": ("GET", "/fhir/Organization"),
    "fhir.read_organization": ("GET", "/fhir/Organization/none"),
    "fhir.search_locations": ("GET", "/fhir/Location"),
    "fhir.read_location": ("GET", "/fhir/Location/none"),
    "fhir.search_services": ("GET", "/fhir/HealthcareService"),
    "fhir.read_service": ("GET", "/fhir/HealthcareService/none"),
}
"""Every endpoint that needs a key -> how to call it."""

NOT_KEYS = {
    "no header": {},
    "another scheme": {"Authorization": "Basic dXNlcjpwYXNz"},
    "no key after Bearer": {"Authorization": "Bearer "},
    "only Bearer": {"Authorization": "Bearer"},
    "an unknown key": {"Authorization": "Bearer wegwijs_unknown"},
    "a very long key": {"Authorization": "Bearer " + "k" * 5000},
    "a key that is no text": {"Authorization": "Bearer \xff\xfe"},
    "a key with a NUL in it": {"Authorization": "Bearer a%00b"},
}


def test_every_call_is_open_or_stands_in_the_table_of_rights(app: Flask) -> None:
    under_v1 = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1")}
    others = {rule.endpoint for rule in app.url_map.iter_rules()} - under_v1
    assert (under_v1 | others) - OPEN == set(ACTIONS) == set(CALLS)
    assert others - OPEN == {"metrics.read"} | {call for call in CALLS if call.startswith(("cds_hooks.", "fhir."))}
    documents = {"openapi.read", "openapi.list_schemas", "openapi.schema"}
    signing_in = {"session.sign_in", "session.set_password", "session.go_to_issuer", "session.come_back"}
    assert under_v1 & OPEN == {"public.capacity", *documents, *signing_in}
    assert set(ACTIONS.values()) <= set(RIGHTS)


def test_a_call_that_stands_in_no_table_is_for_nobody(world: World, keys: dict[str, str]) -> None:
    app = create_app(world=world)
    app.add_url_rule("/v1/forgotten", endpoint="forgotten", view_func=lambda: "secret")
    for role in ROLES:
        response = app.test_client().get("/v1/forgotten", headers={"Authorization": f"Bearer {keys[role]}"})
        assert "nobody" in problem_of(response, 403, "forbidden").detail


@pytest.mark.parametrize("endpoint", CALLS)
@pytest.mark.parametrize("kind", NOT_KEYS)
def test_without_a_valid_key_nothing_is_said(endpoint: str, kind: str, client: FlaskClient) -> None:
    method, path = CALLS[endpoint]
    response: Any = client.open(path, method=method, headers=NOT_KEYS[kind], json=STEMI if method == "POST" else None)
    assert response.status_code == 401
    if method != "HEAD" and not path.startswith("/fhir/"):  # there a problem is an OperationOutcome
        problem_of(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="wegwijs"')


# -- every call with every role, with keys, with tokens and under sessions


PLACES = {"facility": frozenset({OWN})}
BODIES: dict[str, Any] = {
    "decisions.create": STEMI,
    "decisions.preview": STEMI,
    "decisions.record_outcome": STEMI,
    "erasure.erase": {"why": "test_data"},
}
"""What is sent to calls that look at the body before they look whether there is what they are about."""

READ_BY_POST = {"decisions.replay", "accesses.search", "accesses.patient", "accesses.export"}
"""Calls that change nothing though they are sent with POST."""

OF_ONESELF = {"session.end"}
"""Calls that change nothing but for whoever makes them."""


def every_call(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and address of every call that needs a key, as the application knows them."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in OPEN:
            with app.test_request_context():
                address = url_for(rule.endpoint, **dict.fromkeys(rule.arguments, "none"))
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield rule.endpoint, method, address


@pytest.fixture(scope="module")
def trusted(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Issuer]]:
    """The same application when it believes an issuer."""
    path = tmp_path_factory.mktemp("issuers") / "issuers.yaml"
    with running(time.time) as issuer:
        path.write_text(CONFIGURED.format(url=issuer.url, audience=AUDIENCE))
        settings = world.settings.model_copy(update={"issuers": path})
        yield create_app(world=dataclasses.replace(world, settings=settings, issuers=Memory())), issuer


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("by", ["key", "token", "session"])
def test_a_role_may_do_exactly_what_the_table_says(
    by: str, role: str, world: World, trusted: tuple[Flask, Issuer], keys: dict[str, str]
) -> None:
    app, issuer = trusted
    client, walked = app.test_client(), set()
    if by == "session":
        headers = signed_in(client, account(world, f"user-{role.replace('_', '-')}", role, facilities=PLACES.get(role)))
    else:
        headers = {"Authorization": f"Bearer {keys[role] if by == 'key' else issuer.token(role, places=[OWN])}"}
    # signing out comes last: nothing goes on after it
    for endpoint, method, address in sorted(every_call(app), key=lambda call: call[0] == "session.end"):
        if endpoint == "events.stream" and method == "GET":
            continue  # it would not end; it is asked for with HEAD
        body = BODIES.get(endpoint) if method != "GET" else None
        response = client.open(address, method=method, json=body, headers=headers)
        response.close()  # it may be a stream
        refused = "insufficient_scope" in response.headers.get("WWW-Authenticate", "")
        assert refused == (role not in RIGHTS[ACTIONS[endpoint]]), (role, method, address, response.status)
        if refused:
            assert response.status_code == 403
        else:
            # what is then wrong is not the role; that a place changes only its own record, test_places.py tells
            assert response.status_code < 500
            assert response.status_code != 401
        walked.add(endpoint)
    assert walked == set(ACTIONS)


def test_an_auditor_reads_everything_and_changes_nothing(app: Flask) -> None:
    for endpoint, method, address in every_call(app):
        reads = method in ("GET", "HEAD") or endpoint in READ_BY_POST | OF_ONESELF
        assert ("auditor" in RIGHTS[ACTIONS[endpoint]]) == reads, (method, address)


def test_only_an_operator_erases_and_only_who_cares_decides() -> None:
    assert RIGHTS["erase"] == RIGHTS["remove_facility"] == {"operator"}
    assert RIGHTS["decide"] == RIGHTS["choose_destination"] == {"triagist", "ambulance"}
    for action in ("decide", "read_decisions", "outcome", "read_access_log"):
        assert "operator" not in RIGHTS[action], "whoever runs the server sees no patient over HTTP"


def test_the_key_is_asked_before_the_body_is_read(client: FlaskClient) -> None:
    problem_of(client.post("/v1/decisions", data=b"x" * 300_000), 401, "unauthorized")


def test_bearer_may_be_written_in_any_case(client: FlaskClient, keys: dict[str, str]) -> None:
    assert client.get("/v1/vocabulary", headers={"Authorization": f"bearer {keys['operator']}"}).status_code == 200


def test_answers_to_a_key_that_ends_soon_say_when(world: World, client: FlaskClient) -> None:
    for days, said in ((29, True), (31, False), (None, False)):
        told, text = api_keys.make_key(world, "test", frozenset({"operator"}), days=days)
        for path in ("/v1/vocabulary", "/v1/decisions"):  # also where it may not
            response = client.get(path, headers={"Authorization": f"Bearer {text}"})
            assert response.headers.get("Wegwijs-Key-Ends") == (told["expires_at"] if said else None)
    assert "Wegwijs-Key-Ends" not in client.get("/health/live").headers


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/problems/not-found"])
def test_the_front_door_needs_no_key(path: str, client: FlaskClient) -> None:
    assert client.get(path).status_code == 200


def test_another_limit_for_bodies_can_be_set(world: World, keys: dict[str, str]) -> None:
    small = dataclasses.replace(world, settings=world.settings.model_copy(update={"body_limit": 1024}))
    client = create_app(world=small).test_client()
    headers = {"Authorization": f"Bearer {keys['triagist']}"}
    problem_of(client.post("/v1/decisions", json={"note": "x" * 2000}, headers=headers), 413, "body-too-large")
