"""A case goes in and a recorded, repeatable answer comes out: a man with ST elevation in Utrecht, and what follows."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api import create_app
from api.schemas import Decision, DecisionPage, Replay
from routing import service
from routing.service import World, close_world, open_world
from tests.api.conftest import AUDITOR, STEMI, Send
from tests.api.test_bad_bodies import problem_of


@pytest.fixture(scope="module")
def made(world: World, keys: dict[str, str]) -> dict[str, Any]:
    """A recorded decision about the STEMI case."""
    client = create_app(world=world).test_client()
    response = client.post("/v1/decisions", json=STEMI, headers={"Authorization": f"Bearer {keys['ambulance']}"})
    assert response.status_code == 201, response.get_data(as_text=True)
    assert response.headers["Location"] == f"/v1/decisions/{response.get_json()['id']}"
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = response.get_json()
    return found


def test_st_elevation_in_utrecht_goes_to_a_place_with_pci_at_once(made: dict[str, Any], send: Send) -> None:
    assert made["urgency"]["level"] == "U1"
    assert {"stemi"} <= {condition["code"] for condition in made["conditions"]}
    needs = {need["capability"]: need["strength"] for need in made["needs"]}
    assert needs["pci"] == "required"
    assert made["dispatch"]["ambulance"] == "A1"
    chosen = made["recommendation"]["facility"]["id"]
    assert send("GET", f"/v1/facilities/{chosen}").get_json()["resolved"]["pci"] is True
    assert made["recommendation"]["travel"]["low"] <= made["recommendation"]["travel"]["minutes"]


def test_every_reason_can_be_read_in_both_languages(made: dict[str, Any]) -> None:
    reasons = [*made["urgency"]["reasons"], *made["recommendation"]["reasons"], *made["conditions"][0]["reasons"]]
    assert reasons
    for reason in reasons:
        assert reason["rule"].startswith("acute-nl/")
        assert reason["text"]["nl"]
        assert reason["text"]["en"]


def test_the_answer_has_exactly_the_shape_that_is_documented(made: dict[str, Any]) -> None:
    found = Decision.model_validate(made)
    assert found.provenance.evaluators_agree
    assert found.provenance.software.startswith("wegwijs ")


def test_what_was_answered_can_be_read_again(made: dict[str, Any], send: Send) -> None:
    assert send("GET", f"/v1/decisions/{made['id']}", "auditor").get_json() == made


def test_a_preview_says_the_same_and_is_not_recorded(
    made: dict[str, Any], send: Send, stored: Callable[[], int]
) -> None:
    before = stored()
    response = send("POST", "/v1/decisions/preview", json=STEMI)
    assert response.status_code == 200
    preview = response.get_json()
    Decision.model_validate(preview)
    assert preview["id"] is None
    for part in ("urgency", "conditions", "needs", "dispatch"):
        assert preview[part] == made[part]
    assert preview["recommendation"]["facility"] == made["recommendation"]["facility"]
    assert stored() == before


def test_a_replay_is_identical(made: dict[str, Any], send: Send, stored: Callable[[], int]) -> None:
    before = stored()
    response = send("POST", f"/v1/decisions/{made['id']}/replay", "auditor")
    assert response.status_code == 200
    found = Replay.model_validate(response.get_json())
    assert (found.identical, found.differences) == (True, [])
    assert found.ruleset == made["provenance"]["ruleset"]["digest"]
    assert stored() == before


def test_a_replay_may_carry_an_empty_object(made: dict[str, Any], send: Send) -> None:
    assert send("POST", f"/v1/decisions/{made['id']}/replay", json={}).status_code == 200


def test_a_restart_keeps_what_was_decided(made: dict[str, Any], world: World, keys: dict[str, str]) -> None:
    again = open_world(world.settings)
    try:
        client = create_app(world=again).test_client()
        headers = {"Authorization": f"Bearer {keys['triagist']}"}
        assert client.get(f"/v1/decisions/{made['id']}", headers=headers).get_json() == made
        replayed = client.post(f"/v1/decisions/{made['id']}/replay", headers=headers).get_json()
        assert replayed["identical"] is True
    finally:
        close_world(again)


def test_a_later_decision_says_which_one_it_replaces(made: dict[str, Any], send: Send) -> None:
    response = send("POST", "/v1/decisions", json={**STEMI, "supersedes": made["id"]})
    assert response.status_code == 201
    assert response.get_json()["supersedes"] == made["id"]


@pytest.mark.parametrize("value", ["none", 7, "00000000-0000-0000-0000-000000000000"])
def test_a_decision_cannot_replace_one_that_is_not_there(value: Any, send: Send, stored: Callable[[], int]) -> None:
    before = stored()
    response = send("POST", "/v1/decisions", json={**STEMI, "supersedes": value})
    assert problem_of(response, 422, "invalid-input").errors[0].field == "supersedes"
    assert stored() == before


def test_a_note_for_people_does_not_reach_the_record(send: Send, world: World) -> None:
    response = send("POST", "/v1/decisions", json={**STEMI, "note": "belt vanaf de achterdeur"})
    assert response.status_code == 201
    record = service.record_of(world, response.get_json()["id"], AUDITOR, "read")
    assert b"chest_pain" in record
    assert b"achterdeur" not in record


def test_decisions_are_found_by_what_they_said(made: dict[str, Any], send: Send) -> None:
    chosen = made["recommendation"]["facility"]["id"]
    for question in ("urgency=U1", "condition=stemi", f"facility={chosen}", "since=2020-01-01T00:00:00Z"):
        page = DecisionPage.model_validate(send("GET", f"/v1/decisions?{question}&limit=200").get_json())
        assert made["id"] in {found.id for found in page.decisions}, question
    for question in ("urgency=U5", "condition=tia", "facility=nowhere", "until=2020-01-01T00:00:00Z"):
        page = DecisionPage.model_validate(send("GET", f"/v1/decisions?{question}&limit=200").get_json())
        assert made["id"] not in {found.id for found in page.decisions}, question


def test_pages_follow_each_other_without_gap_or_double(send: Send) -> None:
    for _ in range(3):
        assert send("POST", "/v1/decisions", json=STEMI).status_code == 201
    whole = [found["id"] for found in send("GET", "/v1/decisions?limit=200").get_json()["decisions"]]
    seen: list[str] = []
    cursor = ""
    while True:
        page = send("GET", f"/v1/decisions?limit=2{cursor}").get_json()
        seen += [found["id"] for found in page["decisions"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == whole


def test_a_cursor_that_was_made_up_is_refused(send: Send) -> None:
    for cursor in ("x", "MTIz", "a" * 200):
        response = send("GET", f"/v1/decisions?cursor={cursor}")
        assert problem_of(response, 422, "invalid-input").errors[0].field == "cursor"


@pytest.mark.parametrize(
    "parts",
    [
        {"patient": {"age_years": 0}, "observations": {}},
        {"patient": {"age_months": 3}, "complaint": None, "observations": {}, "channel": None},
        {"location": {"postcode": "3584CX"}},
        {"location": {"postcode": "9166"}},
        {"patient": {"age_years": 120}, "observations": {"cardiac_arrest": True}},
        {"observations": {"laceration": True}, "complaint": None, "transport": "own", "channel": "self"},
    ],
)
def test_there_is_always_an_answer_of_the_documented_shape(parts: dict[str, Any], send: Send) -> None:
    body = {**copy.deepcopy(STEMI), **parts}
    response = send("POST", "/v1/decisions/preview", json=body)
    assert response.status_code == 200, response.get_data(as_text=True)
    found = Decision.model_validate(response.get_json())
    assert found.recommendation is not None


def test_times_that_were_given_start_the_clock_of_the_norms(send: Send, world: World) -> None:
    now = world.clock()
    called = (now - timedelta(minutes=6)).isoformat()
    body = copy.deepcopy(STEMI)
    body |= {"called_at": called, "assessed_at": now.isoformat()}
    body["observations"]["onset_at"] = (now - timedelta(minutes=50)).isoformat()
    response = send("POST", "/v1/decisions", json=body)
    assert response.status_code == 201
    limits = [need["within"] for need in response.get_json()["needs"] if need["capability"] == "pci"]
    assert [limit["clock_start"] for limit in limits if limit]


REGION = "example-drip-and-ship"


def test_the_answer_in_a_region_names_it_and_its_rules_can_be_read(send: Send) -> None:
    answered = send("POST", "/v1/decisions", json={**STEMI, "region": REGION})
    found = Decision.model_validate(answered.get_json())
    assert found.provenance.region is not None
    assert found.provenance.region.name == REGION
    read = send("GET", f"/v1/rulesets/{found.provenance.ruleset.digest}")
    assert read.status_code == 200
    assert read.get_json()["source"]["overlay.yaml"]["region"] == REGION
    assert send("GET", f"/v1/decisions/{found.id}").get_json() == answered.get_json()


@pytest.mark.parametrize("name", ["stops_agreed", "lvo_scale"])
def test_what_a_region_agreed_on_is_in_the_vocabulary_and_refused_as_an_observation(name: str, send: Send) -> None:
    facts = send("GET", "/v1/vocabulary").get_json()["vocabulary"]["facts"]
    assert facts[name]["given"] == "agreement"
    answered = send("POST", "/v1/decisions", json={**STEMI, "observations": {name: True}})
    found = problem_of(answered, 422, "invalid-input")
    assert [(error.field, error.code) for error in found.errors] == [(f"observations.{name}", "wrong_place")]
    assert "name the `region`" in found.errors[0].message


def test_an_unknown_region_is_decided_nationally_and_one_in_capitals_refused(send: Send) -> None:
    found = send("POST", "/v1/decisions/preview", json={**STEMI, "region": "nowhere"}).get_json()
    assert found["provenance"]["region"] is None
    assert any(reason["rule"].endswith("/no_regional_agreement") for reason in found["warnings"])
    problem_of(send("POST", "/v1/decisions/preview", json={**STEMI, "region": "Nowhere"}), 422, "invalid-input")
