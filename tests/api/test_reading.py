"""What can be asked, where one can go, what decides and whether all is well: it can all be read."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.place_schemas import FacilityPage
from api.shelf_schemas import RulesetPage, VocabularyAnswer
from routing import service
from routing.service import World
from tests.api.conftest import Send
from tests.api.test_bad_bodies import problem_of


def test_the_vocabulary_is_read_once_and_then_only_checked(send: Send, world: World) -> None:
    response = send("GET", "/v1/vocabulary", "facility")
    found = VocabularyAnswer.model_validate_json(response.get_data())
    assert found.digest == world.words.digest
    assert "heart_rate" in found.vocabulary.facts
    assert response.headers["ETag"] == f'"{world.words.digest}"'
    assert response.headers["Cache-Control"] == "private, no-cache"
    again = send("GET", "/v1/vocabulary", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    changed = send("GET", "/v1/vocabulary", headers={"If-None-Match": '"sha256:other"'})
    assert changed.status_code == 200


def test_every_facility_can_be_reached_page_by_page(send: Send) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = FacilityPage.model_validate(send("GET", f"/v1/facilities?limit=100{cursor}").get_json())
        seen += [found.id for found in page.facilities]
        if page.next is None:
            break
        cursor = f"&cursor={page.next}"
    assert len(seen) == len(set(seen))
    assert len(seen) > 300
    assert "umc-utrecht" in seen


def test_facilities_are_found_by_what_they_can(send: Send) -> None:
    page = send("GET", "/v1/facilities?capability=pci&limit=200").get_json()
    assert page["facilities"]
    assert all(found["resolved"]["pci"] is True for found in page["facilities"])
    kinds = send("GET", "/v1/facilities?kind=hospital_seh&limit=5").get_json()["facilities"]
    assert {found["kind"] for found in kinds} == {"hospital_seh"}


def test_the_nearest_come_first_when_asked_from_somewhere(send: Send) -> None:
    page = send("GET", "/v1/facilities?near=52.0907,5.1214&capability=pci&limit=10").get_json()["facilities"]
    distances = [found["distance_km"] for found in page]
    assert distances == sorted(distances)
    assert distances[0] < 20


def test_a_region_is_found_by_its_name(send: Send) -> None:
    assert send("GET", "/v1/facilities?region=Zuid-Limburg").get_json()["facilities"]


@pytest.mark.parametrize(("name", "value"), [("capability", "teleportation"), ("kind", "castle")])
def test_a_word_that_is_not_in_the_vocabulary_is_refused(name: str, value: str, send: Send) -> None:
    found = problem_of(send("GET", f"/v1/facilities?{name}={value}"), 422, "invalid-input")
    assert found.errors[0].field == name
    assert found.errors[0].allowed


def test_one_facility_is_shown_with_all_that_is_known(send: Send) -> None:
    found = send("GET", "/v1/facilities/umc-utrecht").get_json()
    assert found["id"] == "umc-utrecht"
    assert found["tag"].startswith("sha256:")


def test_the_rules_can_be_read_by_their_digest(send: Send) -> None:
    page = RulesetPage.model_validate(send("GET", "/v1/rulesets").get_json())
    (deciding,) = [found for found in page.rulesets if found.in_force]
    assert deciding.name == "acute-nl"
    response = send("GET", f"/v1/rulesets/{deciding.digest}")
    found = response.get_json()
    assert found["digest"] == deciding.digest
    assert "ruleset.yaml" in found["source"]
    again = send("GET", f"/v1/rulesets/{deciding.digest}", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_ready_says_what_is_ready(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.get_json()["ruleset"]["name"] == "acute-nl"


def test_not_ready_is_503(client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, found = service.ready(world)
    monkeypatch.setattr(service, "ready", lambda _: (False, {**found, "status": "not ready", "fault": "no database"}))
    response = client.get("/health/ready")
    assert (response.status_code, response.get_json()["fault"]) == (503, "no database")


def test_live_needs_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError("live must not ask anyone")

    monkeypatch.setattr(service, "authenticate", fail)
    assert client.get("/health/live").get_json() == {"status": "live"}


def test_the_front_door_lists_every_call(client: FlaskClient) -> None:
    calls = client.get("/").get_json()["calls"]
    assert "POST /v1/decisions" in calls
    assert "GET /health/ready" in calls
