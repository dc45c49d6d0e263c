"""The FHIR face over HTTP: decisions and places as the definitions of R4 say, errors as OperationOutcome."""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from api.fhir import SEARCHES
from api.fhir_outcome import ISSUES
from api.problem_types import TYPES
from routing import access_log
from routing.service import World
from tests.api.conftest import AUDITOR, STEMI, Clock, Send
from tests.fhir import call, wrong_in


def read(ask: Send, path: str, role: str = "auditor") -> dict[str, Any]:
    response = ask("GET", path, role)
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/fhir+json"
    resource: dict[str, Any] = response.get_json()
    assert wrong_in(resource) == []
    return resource


def outcome_of(response: Any, status: int, problem: str) -> dict[str, Any]:
    assert (response.status_code, response.mimetype) == (status, "application/fhir+json"), response.text
    resource: dict[str, Any] = response.get_json()
    assert wrong_in(resource) == []
    assert resource["issue"][0]["details"]["coding"][0]["code"] == problem
    return resource


def test_what_it_can_do_is_said_to_everybody_and_is_what_it_does(own_app: Flask, ask: Send) -> None:
    response = own_app.test_client().get("/fhir/metadata")
    statement = response.get_json()
    assert wrong_in(statement) == []
    (rest,) = statement["rest"]
    rules = {rule.rule for rule in own_app.url_map.iter_rules()}
    for resource in rest["resource"]:
        done = {each["code"] for each in resource["interaction"]}
        assert ("search-type" in done) == (f"/fhir/{resource['type']}" in rules)
        assert [rule for rule in rules if rule.startswith(f"/fhir/{resource['type']}/<")]
    assert {each["type"] for each in rest["resource"]} - {"GuidanceResponse"} == set(SEARCHES)


# -- a decision -------------------------------------------------------------------------------------------------------


@pytest.fixture
def decided(ask: Send) -> dict[str, Any]:
    made: dict[str, Any] = ask("POST", "/v1/decisions", "triagist", json=STEMI).get_json()
    return made


def contained(resource: dict[str, Any], reference: str) -> dict[str, Any]:
    (one,) = [each for each in resource["contained"] if f"#{each['id']}" == reference]
    assert wrong_in(one) == []
    found: dict[str, Any] = one
    return found


def test_a_decision_is_shown_as_it_was_answered(ask: Send, decided: dict[str, Any]) -> None:
    guidance = read(ask, f"/fhir/GuidanceResponse/{decided['id']}")
    assert guidance["reasonCode"][0]["coding"][0]["code"] == decided["urgency"]["level"] == "U1"
    assert guidance["status"] == "data-requested"
    rules = decided["provenance"]["ruleset"]
    assert guidance["moduleCanonical"] == f"urn:wegwijs:ruleset:{rules['name']}|{rules['version']}"

    output = contained(guidance, guidance["outputParameters"]["reference"])["parameter"]
    ranked = [each for each in output if each["name"] == "candidate"]
    said = [
        (part["valueReference"]["display"]) for each in ranked for part in each["part"] if part["name"] == "facility"
    ]
    shown = [decided["recommendation"], *decided["alternatives"]]
    assert said == [each["facility"]["name"] for each in shown]
    assert len([each for each in output if each["name"] == "ruled-out"]) == len(decided["ruled_out"])
    conditions = {
        each["part"][0]["valueCodeableConcept"]["coding"][0]["code"] for each in output if each["name"] == "condition"
    }
    assert conditions == {each["code"] for each in decided["conditions"]}

    advice = contained(guidance, guidance["result"]["reference"])
    actions = advice["action"][0]["action"]
    assert [each["title"] for each in actions] == [each["facility"]["name"] for each in shown]
    assert [each["precheckBehavior"] for each in actions].index("yes") == 0
    for each in actions[:3]:
        read(ask, f"/fhir/{each['resource']['reference']}")

    (messages,) = guidance["evaluationMessage"]
    issues = contained(guidance, messages["reference"])["issue"]
    assert [each["details"]["text"] for each in issues if each["severity"] == "warning"] == [
        warning["text"]["nl"] for warning in decided["warnings"]
    ]
    asked = [each["codeFilter"][0]["code"][-1]["code"] for each in guidance["dataRequirement"]]
    assert asked == [each["fact"] for each in decided["open_questions"]]


def test_an_observation_that_answers_a_question_is_understood_as_its_answer(ask: Send, decided: dict[str, Any]) -> None:
    guidance = read(ask, f"/fhir/GuidanceResponse/{decided['id']}")
    coding = guidance["dataRequirement"][0]["codeFilter"][0]["code"][-1]
    answer = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": coding["system"], "code": coding["code"]}]},
        "effectiveDateTime": "2026-11-23T14:59:00+01:00",
        "valueBoolean": True,
    }
    (card,) = ask(
        "POST",
        "/cds-services/wegwijs-triage",
        "triagist",
        json=call(findings={"resourceType": "Bundle", "entry": [{"resource": answer}]}),
    ).get_json()["cards"]
    assert "Niet gebruikt" not in card["detail"]


def test_that_somebody_read_a_decision_as_fhir_is_noted(ask: Send, decided: dict[str, Any], own_world: World) -> None:
    read(ask, f"/fhir/GuidanceResponse/{decided['id']}")
    access = access_log.accesses(own_world, AUDITOR)["accesses"][0]
    assert (access["event"], access["source"]["call"]) == ("read", "GET /fhir/GuidanceResponse/{decision_id}")
    assert [each["decision"] for each in access["subjects"]] == [decided["id"]]


def test_errors_are_an_operation_outcome(ask: Send, own_app: Flask, decided: dict[str, Any]) -> None:
    outcome_of(ask("GET", "/fhir/GuidanceResponse/none", "auditor"), 404, "not-found")
    outcome_of(ask("GET", "/fhir/Location/none", "auditor"), 404, "not-found")
    outcome_of(ask("GET", "/fhir/Patient/p1", "auditor"), 404, "not-found")
    outcome_of(ask("GET", f"/fhir/GuidanceResponse/{decided['id']}", "operator"), 403, "forbidden")
    outcome_of(own_app.test_client().get("/fhir/Location"), 401, "unauthorized")
    outcome_of(ask("POST", "/fhir/Location", "operator", json={}), 405, "method-not-allowed")
    wrong = outcome_of(ask("GET", "/fhir/Location?near=x&status=active", "auditor"), 422, "invalid-input")
    assert {issue["expression"][0] for issue in wrong["issue"][1:]} == {"http.near", "http.status"}
    assert ask("POST", f"/v1/decisions/{decided['id']}/erasure", json={"why": "test_data"}).status_code == 200
    outcome_of(ask("GET", f"/fhir/GuidanceResponse/{decided['id']}", "auditor"), 410, "erased")


def test_every_problem_has_a_code_of_fhir() -> None:
    assert set(ISSUES) <= set(TYPES)


# -- places -----------------------------------------------------------------------------------------------------------


def found(ask: Send, path: str) -> list[dict[str, Any]]:
    """All that a search finds, page by page."""
    resources: list[dict[str, Any]] = []
    while True:
        page = read(ask, path)
        resources += [entry["resource"] for entry in page.get("entry", ())]
        for entry in page.get("entry", ()):
            assert (
                entry["fullUrl"]
                == f"http://localhost/fhir/{entry['resource']['resourceType']}/{entry['resource']['id']}"
            )
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            assert page["total"] == len(resources)
            return resources
        parts = urlsplit(following[0])
        path = f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("kind", SEARCHES)
def test_every_place_can_be_found_and_read(kind: str, ask: Send) -> None:
    all_of_them = found(ask, f"/fhir/{kind}?_count=200")
    assert len({each["id"] for each in all_of_them}) == len(all_of_them) >= 300
    for resource in all_of_them[:3]:
        assert read(ask, f"/fhir/{kind}/{resource['id']}") == resource
        assert found(ask, f"/fhir/{kind}?_id={resource['id']}") == [resource]


def test_searches_find_what_they_ask_for(ask: Send) -> None:
    assert [each["id"] for each in found(ask, "/fhir/Organization?name=umc utr")] == ["umc-utrecht"]
    by_number = found(ask, "/fhir/Location?identifier=urn:wegwijs:facility|umc-utrecht")
    assert [each["id"] for each in by_number] == ["umc-utrecht"]
    assert found(ask, "/fhir/Location?identifier=urn:else|umc-utrecht") == []
    kinds = found(ask, "/fhir/Organization?type=hyperbaric")
    assert kinds
    assert {each["type"][0]["coding"][0]["code"] for each in kinds} == {"hyperbaric"}
    near = found(ask, "/fhir/HealthcareService?service-type=urn:wegwijs:unit|seh&near=52.0907|5.1214|10|km")
    assert "umc-utrecht.seh" in [each["id"] for each in near]
    assert len(near) < 10
    assert found(ask, "/fhir/HealthcareService?service-type=ER&near=52.0907|5.1214|10") == near
    at_one = found(ask, "/fhir/HealthcareService?organization=Organization/umc-utrecht")
    assert {each["providedBy"]["reference"] for each in at_one} == {"Organization/umc-utrecht"}
    assert found(ask, "/fhir/HealthcareService?location=umc-utrecht") == at_one


def test_pages_go_on_where_the_last_one_ended(ask: Send) -> None:
    whole = found(ask, "/fhir/Location?near=52.0907|5.1214|60|km&_count=200")
    assert found(ask, "/fhir/Location?near=52.0907|5.1214|60|km&_count=7") == whole
    first = read(ask, "/fhir/Location?near=52.0907|5.1214|60|km&_count=7")
    assert {link["relation"]: "near=52.0907" in link["url"] for link in first["link"]} == {"self": True, "next": True}


def test_a_stop_and_a_closure_are_visible_at_once(ask: Send, clock: Clock) -> None:
    def shown() -> str:
        resource = read(ask, "/fhir/HealthcareService/umc-utrecht.seh")
        codings = resource["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"]
        found: str = codings[0]["code"]
        return found

    def report(**said: Any) -> None:
        body = {"unit": "seh", "observed_at": clock.said(), "source": "test", **said}
        assert ask("POST", "/v1/facilities/umc-utrecht/status", json=body).status_code == 202

    assert shown() == "unknown"
    report(kind="stop", value=True)
    assert shown() == "stop"
    report(kind="open", value=False)
    assert shown() == "closed"
    clock.forward(days=2)
    assert shown() == "unknown", "what nobody freshly reported is not known"


def test_what_is_shown_is_taken_in_again_and_changes_nothing(ask: Send, own_world: World) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection"}
    organizations = found(ask, "/fhir/Organization?_count=200")
    entries = [{"resource": each} for each in [*organizations, *found(ask, "/fhir/Location?_count=200")]]
    feed = json.dumps({**bundle, "entry": entries})
    headers = {"Content-Type": "application/fhir+json"}
    report = ask("POST", "/v1/feeds/fhir-r4", "operator", data=feed, headers=headers).get_json()
    assert report["counts"]["refused"] == 0, report
    assert report["counts"]["taken"] == 0
    assert report["counts"]["known"] == len(entries)


def test_links_name_the_address_under_which_clients_reach_the_server(own_world: World) -> None:
    settings = own_world.settings.model_copy(update={"public_url": "https://wegwijs.example"})
    client: FlaskClient = create_app(world=dataclasses.replace(own_world, settings=settings)).test_client()
    assert client.get("/fhir/metadata").get_json()["implementation"]["url"] == "https://wegwijs.example/fhir"
