"""Where organisations are kept apart, every call that names a decision answers others as if there were none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from routing import cli, service
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.api.conftest import STEMI

NOT_THERE = "01a20243-0ea7-74bb-b786-680850fd5d6a"

SHOWS_NOTHING = {"log.inclusion"}
"""Proofs of the log, which anybody with a key may check: of an entry nothing about a patient can be read."""

BODIES: dict[str, dict[str, Any]] = {
    "decisions.record_outcome": {"outcome": "accepted", "by": "nurse"},
    "erasure.erase": {"why": "test_data"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = f"sqlite:///{tmp_path_factory.mktemp('apart')}/wegwijs.sqlite3"
    opened = open_world(Settings(database_url=url, decisions_shared=()))
    service.upgrade(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    return create_app(world=world)


def key_of(world: World, organisation: str) -> dict[str, str]:
    roles = frozenset({"triagist", "ambulance"})
    return {"Authorization": f"Bearer {service.create_key(world, organisation, roles, organisation=organisation)}"}


@pytest.fixture
def own(world: World) -> dict[str, str]:
    return key_of(world, "ZCC Midden")


@pytest.fixture
def other(world: World) -> dict[str, str]:
    return key_of(world, "HAP Zuid")


def calls(app: Flask, decision: str) -> list[tuple[str, str, str]]:
    """Endpoint, method and address of every call with the id of a decision in it."""
    return [
        (rule.endpoint, method, rule.rule.replace("<decision_id>", decision))
        for rule in app.url_map.iter_rules()
        for method in sorted({"GET", "POST", "PUT", "DELETE"} & (rule.methods or set()))
        if "<decision_id>" in rule.rule and rule.endpoint not in SHOWS_NOTHING
    ]


def _without_its_own_id(problem: str) -> str:
    return re.sub(r'"instance":"[0-9a-f]+"|"request [0-9a-f]+"', "", problem)


def test_another_organisations_case_is_not_found_by_any_call(
    app: Flask, client: FlaskClient, own: dict[str, str], other: dict[str, str]
) -> None:
    about = client.post("/v1/decisions", json=STEMI, headers=own).json["id"]
    walked = calls(app, about)
    assert len(walked) >= 8
    for (endpoint, method, path), (_, _, missing) in zip(walked, calls(app, NOT_THERE), strict=True):
        said, there_is_none = (
            client.open(each, method=method, headers=other, json=BODIES.get(endpoint)) for each in (path, missing)
        )
        assert said.status_code in (403, 404), path
        assert said.status_code == there_is_none.status_code
        told, none = (_without_its_own_id(each.text) for each in (said, there_is_none))
        assert told.replace(about, NOT_THERE) == none, path
    assert client.get(f"/v1/decisions/{about}", headers=own).status_code == 200
    assert client.get(f"/v1/decisions/{about}/outcome", headers=own).json["outcomes"] == []


def test_another_organisations_case_is_not_among_what_is_searched(
    client: FlaskClient, own: dict[str, str], other: dict[str, str]
) -> None:
    mine = client.post("/v1/decisions", json=STEMI, headers=other).json["id"]
    about = client.post("/v1/decisions", json=STEMI, headers=own).json["id"]
    asked = "/v1/decisions?urgency=U1&condition=stemi&channel=ambulance&limit=200"
    assert mine in [each["id"] for each in client.get(asked, headers=other).json["decisions"]]
    assert about not in client.get("/v1/decisions?limit=200", headers=other).text
    assert about not in client.get(asked, headers=other).text


def test_another_organisations_case_is_not_continued(
    client: FlaskClient, own: dict[str, str], other: dict[str, str]
) -> None:
    about = client.post("/v1/decisions", json=STEMI, headers=own).json["id"]
    for path in ("/v1/decisions", "/v1/decisions/preview"):
        told = [client.post(path, json={**STEMI, "supersedes": each}, headers=other) for each in (about, NOT_THERE)]
        assert [each.status_code for each in told] == [422, 422]
        assert [each.json["errors"][0]["code"] for each in told] == ["unknown_decision"] * 2


def test_feedback_on_another_organisations_card_is_refused(
    client: FlaskClient, own: dict[str, str], other: dict[str, str]
) -> None:
    about = client.post("/v1/decisions", json=STEMI, headers=own).json["id"]
    sent = {"feedback": [{"card": about, "outcome": "accepted", "outcomeTimestamp": "2026-11-30T10:00:00Z"}]}
    services = client.get("/cds-services").json["services"]
    response = client.post(f"/cds-services/{services[0]['id']}/feedback", json=sent, headers=other)
    assert response.status_code == 404
    assert client.get(f"/v1/decisions/{about}/outcome", headers=own).json["outcomes"] == []


def test_an_auditor_sees_all(world: World, client: FlaskClient, own: dict[str, str]) -> None:
    about = client.post("/v1/decisions", json=STEMI, headers=own).json["id"]
    text = service.create_key(world, "auditor", frozenset({"auditor"}), organisation="ROAZ")
    assert client.get(f"/v1/decisions/{about}", headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_the_setting_says_what_it_is_set_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("WEGWIJS_DATABASE_URL", f"sqlite:///{tmp_path}/w.sqlite3")
    monkeypatch.setenv("WEGWIJS_DECISIONS_SHARED", '[["B", "A"], ["C"]]')
    assert cli.main(["settings"]) == 0
    assert 'WEGWIJS_DECISIONS_SHARED = [["A", "B"], ["C"]]  [environment]' in capsys.readouterr().out
