"""Who may do what: without a key nothing, with a key what its roles say, and nothing that no table allows."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from api.auth import ACTIONS, OPEN
from routing.rights import RIGHTS, ROLES
from routing.service import World
from tests.api.conftest import STEMI, Send
from tests.api.test_bad_bodies import problem_of

CALLS = {
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
}
"""Every endpoint that needs a key -> how to call it."""

OWN_RECORD = ("facilities.write", "facilities.remove", "facilities.report")
"""Calls that are about one place; of what they then refuse, `tests/api/test_places.py` tells."""

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


def test_every_call_under_v1_stands_in_the_table_of_rights(app: Flask) -> None:
    under_v1 = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1")}
    others = {rule.endpoint for rule in app.url_map.iter_rules()} - under_v1
    assert under_v1 - OPEN == set(ACTIONS) == set(CALLS)
    assert others == OPEN - {"public.capacity"}
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
    if method != "HEAD":
        problem_of(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="wegwijs"')


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("endpoint", CALLS)
def test_a_role_may_do_exactly_what_the_table_says(endpoint: str, role: str, send: Send) -> None:
    method, path = CALLS[endpoint]
    with_body = endpoint in ("decisions.create", "decisions.preview", "decisions.record_outcome")
    body = STEMI if with_body else {"reference": "ZCC-1"} if endpoint.startswith("accesses") else None
    body = {"why": "test_data"} if endpoint == "erasure.erase" else body
    response = send(method, path, role, json=body)
    if role in RIGHTS[ACTIONS[endpoint]]:
        # as long as nothing is signed, there is no size that the log had
        unsigned = endpoint == "log.consistency" and response.status_code == 422
        assert response.status_code in (200, 201, 404) or endpoint in OWN_RECORD or unsigned
    else:
        assert response.status_code == 403
        if method != "HEAD":
            problem_of(response, 403, "forbidden")
        assert "insufficient_scope" in response.headers["WWW-Authenticate"]


def test_the_key_is_asked_before_the_body_is_read(client: FlaskClient) -> None:
    problem_of(client.post("/v1/decisions", data=b"x" * 300_000), 401, "unauthorized")


def test_bearer_may_be_written_in_any_case(client: FlaskClient, keys: dict[str, str]) -> None:
    assert client.get("/v1/vocabulary", headers={"Authorization": f"bearer {keys['operator']}"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/problems/not-found"])
def test_the_front_door_needs_no_key(path: str, client: FlaskClient) -> None:
    assert client.get(path).status_code == 200


def test_another_limit_for_bodies_can_be_set(world: World, keys: dict[str, str]) -> None:
    small = dataclasses.replace(world, settings=world.settings.model_copy(update={"body_limit": 1024}))
    client = create_app(world=small).test_client()
    headers = {"Authorization": f"Bearer {keys['triagist']}"}
    problem_of(client.post("/v1/decisions", json={"note": "x" * 2000}, headers=headers), 413, "body-too-large")
