"""Where only published rules may decide and none is published, who asks is told so, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import create_app
from routing import service
from routing.published_here import TRIED_EVERY
from routing.rules.building import digest_of_folder
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.api.conftest import AUDITOR, OWN, STEMI, Send
from tests.api.documented import DocumentedClient
from tests.fhir import call
from tests.rulesets_here import OLDER, publish, two_rulesets

OPERATOR = "call the operator"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_rulesets(tmp_path_factory.mktemp("rules") / "rulesets")


@pytest.fixture(scope="module")
def here(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that decided once, and of which `published.yaml` names nothing any more."""
    place = tmp_path_factory.mktemp("store")
    settings = Settings(database_url=f"sqlite:///{place}/wegwijs.sqlite3", rulesets=folder, only_published=True)
    opened = open_world(settings)
    service.upgrade(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def ask(here: World) -> Send:
    """`ask(method, path, role="triagist", ...)`, of which every answer is held against the OpenAPI document."""
    app = create_app(world=here)
    app.test_client_class = DocumentedClient
    places = {"facility": frozenset({OWN})}
    roles = ("triagist", "auditor", "operator", "facility")
    keys = {role: service.create_key(here, role, frozenset({role}), places.get(role)) for role in roles}

    def send(method: str, path: str, role: str = "triagist", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {keys[role]}", **more.pop("headers", {})}
        return app.test_client().open(path, method=method, headers=headers, **more)

    return send


@pytest.fixture
def nothing_published(here: World, folder: Path, ask: Send) -> Iterator[str]:
    """`published.yaml` names nothing; the id of a decision of before."""
    made = ask("POST", "/v1/decisions", json=STEMI)
    assert made.status_code == 201
    publish(folder)
    yield made.get_json()["id"]
    publish(folder, OLDER)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/decisions", STEMI),
        ("POST", "/v1/decisions/preview", STEMI),
        ("POST", "/cds-services/wegwijs-triage", call()),
        ("GET", f"/v1/facilities/{OWN}/status", None),
    ],
)
def test_who_asks_what_only_rules_can_say_is_told_what_to_do(
    method: str, path: str, body: Any, ask: Send, here: World, nothing_published: str
) -> None:
    before = len(service.search(here, AUDITOR, limit=200)["decisions"])
    answer = ask(method, path, **({"json": body} if body else {}))
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    found = answer.get_json()
    assert found["type"] == "/problems/no-rules-decide"
    assert OPERATOR in found["advice"]["en"] and "own protocol" in found["advice"]["en"]
    assert "bel de beheerder" in found["advice"]["nl"] and "eigen protocol" in found["advice"]["nl"]
    assert answer.headers["Retry-After"] == str(int(TRIED_EVERY.total_seconds()))
    assert len(service.search(here, AUDITOR, limit=200)["decisions"]) == before
    dutch = ask(method, path, headers={"Accept-Language": "nl"}, **({"json": body} if body else {}))
    assert dutch.get_json()["title"] == "Er zijn nu geen regels die mogen beslissen"


def test_a_call_of_fhir_gets_an_operation_outcome(ask: Send, nothing_published: str) -> None:
    answer = ask("GET", "/fhir/HealthcareService?_count=1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    found = answer.get_json()
    assert found["resourceType"] == "OperationOutcome"
    (issue,) = found["issue"]
    assert (issue["code"], issue["details"]["coding"][0]["code"]) == ("transient", "no-rules-decide")


def test_what_needs_no_rules_is_answered_as_ever(ask: Send, folder: Path, nothing_published: str) -> None:
    report = {"kind": "open", "value": False, "unit": "seh", "observed_at": "2026-11-23T14:00:00+00:00"}
    digest = digest_of_folder(folder / OLDER)
    for status, method, path, role, body in (
        (200, "GET", f"/v1/decisions/{nothing_published}", "triagist", None),
        (200, "POST", f"/v1/decisions/{nothing_published}/replay", "auditor", None),
        (200, "GET", f"/fhir/GuidanceResponse/{nothing_published}", "triagist", None),
        (200, "GET", "/v1/vocabulary", "triagist", None),
        (200, "GET", "/v1/rulesets", "triagist", None),
        (200, "GET", f"/v1/rulesets/{digest}", "triagist", None),
        (200, "GET", "/health/live", "triagist", None),
        (200, "GET", "/metrics", "operator", None),
        (200, "GET", "/problems/no-rules-decide", "triagist", None),
        (200, "GET", f"/v1/facilities/{OWN}", "triagist", None),
        (202, "POST", f"/v1/facilities/{OWN}/status", "facility", report),
        (503, "GET", "/health/ready", "triagist", None),
    ):
        answer = ask(method, path, role, **({"json": body} if body else {}))
        assert answer.status_code == status, (path, answer.get_data(as_text=True))


def test_a_case_is_decided_again_as_soon_as_rules_are_published(
    ask: Send, folder: Path, nothing_published: str
) -> None:
    assert ask("POST", "/v1/decisions", json=STEMI).status_code == 503
    publish(folder, OLDER)
    assert ask("POST", "/v1/decisions", json=STEMI).status_code == 201
