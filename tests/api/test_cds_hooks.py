"""A whole round of CDS Hooks: discovery, a call, its card, feedback; and all that can be wrong with a call."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from routing import access_log, service
from routing.errors import BadInput
from routing.formats.cds_cards import INDICATORS, SUMMARY_MOST
from routing.formats.cds_case import WHY, _shown
from routing.log.canonical import plain
from routing.service import World
from routing.settings import read_settings
from routing.world import Memory
from tests.api.conftest import AUDITOR, Clock, Send
from tests.api.test_bad_bodies import problem_of
from tests.fhir import ENCOUNTER, PATIENT, UCUM, VITALS, bundle, call, case_said, concept, found, measured, wrong_in
from tests.issuer import running

TRIAGE = "/cds-services/wegwijs-triage"
FEEDBACK = f"{TRIAGE}/feedback"


def card_of(ask: Send, body: dict[str, Any], role: str = "triagist", **more: Any) -> dict[str, Any]:
    response = ask("POST", TRIAGE, role, json=body, **more)
    assert response.status_code == 200, response.text
    (card,) = response.get_json()["cards"]
    assert len(card["summary"]) <= SUMMARY_MOST
    found: dict[str, Any] = card
    return found


def decisions(world: World) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = service.search(world, AUDITOR, limit=200)["decisions"]
    return made


def case_in(world: World, decision_id: str) -> dict[str, Any]:
    case: dict[str, Any] = plain(service.record_of(world, decision_id, AUDITOR, "read"))["case"]
    return case


# -- a whole round ----------------------------------------------------------------------------------------------------


def test_what_is_sent_here_is_fhir_by_its_own_definition() -> None:
    for resource in (PATIENT, ENCOUNTER, *VITALS, bundle(*VITALS), found("29857009")):
        assert wrong_in(resource) == []


def test_a_whole_round_from_discovery_to_an_outcome_that_is_visible(ask: Send, own_app: Flask, clock: Clock) -> None:
    discovered = own_app.test_client().get("/cds-services")
    assert discovered.headers["Access-Control-Allow-Origin"] == "*"
    (offered,) = discovered.get_json()["services"]
    assert offered["hook"] == "encounter-start"

    body = call()
    assert body["prefetch"].keys() == offered["prefetch"].keys(), "the call answers what was asked"
    card = card_of(ask, body)
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("U1 levensbedreigend; vermoeden: ")
    assert "UMC Utrecht" in card["summary"]
    assert [each["isRecommended"] for each in card["suggestions"]] == [True, False, False, False, False]
    assert {each["code"] for each in card["overrideReasons"]} >= {"capacity", "clinical_judgement", "other"}
    assert all(each["display"] for each in card["overrideReasons"])
    decided = ask("GET", f"/v1/decisions/{card['uuid']}", "auditor").get_json()
    assert (decided["urgency"]["level"], decided["recommendation"]["facility"]["id"]) == ("U1", "umc-utrecht")

    clock.forward(minutes=2)
    told = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {
            "reason": {"code": "no_contact", "system": "urn:wegwijs:override-reason"},
            "userComment": "niemand nam op",
        },
        "outcomeTimestamp": clock.said(minutes=1),
    }
    answered = ask("POST", FEEDBACK, "triagist", json={"feedback": [told]})
    assert answered.status_code == 200, answered.text
    (outcome,) = answered.get_json()["outcomes"]
    assert (outcome["card"], outcome["outcome"], outcome["reason"]) == (card["uuid"], "overridden", "no_contact")
    shown = ask("GET", f"/v1/decisions/{card['uuid']}/outcome", "auditor").get_json()["outcomes"]
    assert [(each["id"], each["comment"], each["by"]) for each in shown] == [
        (outcome["id"], "niemand nam op", "triagist")
    ]


def test_the_decision_is_that_of_the_same_case_over_v1(ask: Send) -> None:
    card = card_of(ask, {**call(), **case_said(channel="seh")})
    case = {
        "channel": "seh",
        "patient": {"age_years": 67, "sex": "male"},
        "location": {"postcode": "3584CX"},
        "observations": {
            "heart_rate": 112, "systolic_bp": 128, "diastolic_bp": 80, "ecg_st_elevation": True, "chest_pain": True,
        },
    }  # fmt: skip
    direct = ask("POST", "/v1/decisions", "triagist", json=case).get_json()
    decided = ask("GET", f"/v1/decisions/{card['uuid']}", "triagist").get_json()
    for name in ("urgency", "conditions", "needs", "recommendation", "open_questions", "warnings"):
        assert decided[name] == direct[name], name


def test_it_is_recorded_with_its_channel_and_who_sat_there(ask: Send, own_world: World) -> None:
    card = card_of(ask, {**call(), **case_said(channel="seh", reference="ZCC-1")})
    (row,) = decisions(own_world)
    assert (row["id"], row["channel"]) == (card["uuid"], "seh")
    created = [each for each in access_log.accesses(own_world, AUDITOR)["accesses"] if each["event"] == "create"]
    assert [each["user"]["user"] for each in created] == ["u-77"]
    assert created[0]["source"]["call"] == "POST /cds-services/{service_id}"


@pytest.mark.parametrize("said", ["Practitioner/999990019", "Practitioner/Jan de Vries", "x" * 90, ""])
def test_a_user_that_cannot_be_noted_as_an_id_keeps_nobody_from_deciding(
    said: str, ask: Send, own_world: World
) -> None:
    body = call()
    body["context"]["userId"] = said
    card_of(ask, body)
    (access,) = [each for each in access_log.accesses(own_world, AUDITOR)["accesses"] if each["event"] == "create"]
    assert access["user"]["user"] is None


@pytest.mark.parametrize("level", INDICATORS)
def test_the_urgency_shows_in_the_indicator(level: str) -> None:
    order = ["info", "warning", "critical"]
    levels = list(INDICATORS)
    later = INDICATORS[levels[min(levels.index(level) + 1, 5)]]
    assert order.index(INDICATORS[level]) >= order.index(later), "what is more urgent never stands out less"


# -- asked again ------------------------------------------------------------------------------------------------------


def test_the_same_hook_instance_is_carried_out_once(ask: Send, own_world: World, clock: Clock) -> None:
    body = call(observations=bundle(*VITALS, measured("1234-5", 1, "1")))
    first = card_of(ask, body)
    body["fhirAuthorization"] = {"access_token": "another one", "token_type": "Bearer"}
    clock.forward(hours=30)  # by now every measurement is old: the card still says what was true then
    assert card_of(ask, body) == first
    assert len(decisions(own_world)) == 1
    body["prefetch"]["patient"]["birthDate"] = "1990-01-01"
    problem_of(ask("POST", TRIAGE, "triagist", json=body), 422, "idempotency-key-reused")
    assert len(decisions(own_world)) == 1


def test_another_hook_instance_is_another_decision(ask: Send, own_world: World) -> None:
    assert card_of(ask, call())["uuid"] != card_of(ask, call())["uuid"]
    assert len(decisions(own_world)) == 2


# -- what is not understood is named ----------------------------------------------------------------------------------


def quantity(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "system": UCUM, "code": "/min", **more}


UNREAD: dict[str, tuple[dict[str, Any], str]] = {
    "a code that is not known": (measured("1234-5", 3, "1"), "unknown_code"),
    "another unit": (measured("8867-4", 1.9, "Hz"), "unit"),
    "glucose by mass": (measured("14743-9", 90, "mg/dL"), "unit"),
    "no unit": (measured("8867-4", 112, "/min", valueQuantity={"value": 112}), "unit"),
    "a unit in words only": (measured("8867-4", 112, "", valueQuantity={"value": 112, "unit": "bpm"}), "unit"),
    "more than": (measured("8867-4", 200, "", valueQuantity=quantity(200, comparator=">")), "comparator"),
    "a value that cannot be": (measured("8867-4", 999, "/min"), "impossible"),
    "half a GCS": (measured("9269-2", 14.5, "1"), "impossible"),
    "entered in error": (measured("8867-4", 40, "/min", status="entered-in-error"), "status"),
    "not measured": (
        {**found("x"), "code": concept("8867-4"), "valueBoolean": None, "dataAbsentReason": concept("x")}, "absent"
    ),
    "yesterday morning": (measured("8867-4", 40, "/min", effectiveDateTime="2026-11-22T08:00:00+01:00"), "old"),
    "tomorrow": (measured("8867-4", 40, "/min", effectiveDateTime="2026-11-24T08:00:00+01:00"), "future"),
    "a month": (measured("8867-4", 40, "/min", effectiveDateTime="2026-11"), "no_time"),
    "no moment": (measured("8867-4", 40, "/min", effectiveDateTime=None), "no_time"),
    "no offset": (measured("8867-4", 40, "/min", effectiveDateTime="2026-11-23T14:00:00"), "no_time"),
    "words": ({**found("29857009"), "valueBoolean": None, "valueString": "een beetje"}, "value"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREAD)
def test_what_is_not_understood_is_named_on_the_card_and_counts_as_unknown(
    name: str, ask: Send, own_world: World
) -> None:
    resource, why = UNREAD[name]
    body = call(encounter={**ENCOUNTER, "reasonCode": []}, observations=bundle(resource), findings=None)
    card = card_of(ask, body)
    told, _, _ = card["detail"].partition("Plaats van zorg")
    assert "**Niet gebruikt, en dus onbekend:**" in told
    assert WHY[why] in told
    assert "1 gegeven niet gebruikt" in card["summary"]
    assert card["indicator"] in ("warning", "critical"), "it is not for later reading"
    assert "observations" not in case_in(own_world, card["uuid"])


def test_two_values_of_one_moment_count_as_none(ask: Send, own_world: World) -> None:
    two = bundle(measured("8867-4", 60, "/min"), measured("8867-4", 160, "/min"))
    card = card_of(ask, call(observations=two))
    assert WHY["contradiction"] in card["detail"]
    assert "heart_rate" not in case_in(own_world, card["uuid"])["observations"]


def test_the_newest_of_several_measurements_counts(ask: Send, own_world: World) -> None:
    before = measured("8867-4", 60, "/min", effectiveDateTime="2026-11-23T12:00:00+01:00")
    card = card_of(ask, call(observations=bundle(before, measured("8867-4", 160, "/min"))))
    assert case_in(own_world, card["uuid"])["observations"]["heart_rate"] == 160
    assert "telt de nieuwste waarde" in card["detail"]


def test_a_complaint_that_was_found_absent_counts_as_neither(ask: Send, own_world: World) -> None:
    card = card_of(ask, call(findings=bundle(found("29857009", present=False))))
    assert WHY["contradiction"] in card["detail"]
    assert "chest_pain" not in case_in(own_world, card["uuid"])["observations"]


def test_what_did_not_come_along_is_named(ask: Send) -> None:
    body = call()
    for name in ("encounter", "observations", "findings", "complaints", "conditions"):
        del body["prefetch"][name]
    card = card_of(ask, body)
    assert card["detail"].count(WHY["not_sent"]) == 5
    assert "5 gegevens niet gebruikt" in card["summary"]
    more = call(observations=bundle(*VITALS, link=[{"relation": "next", "url": "https://epd.example/x"}]))
    assert WHY["more"] in card_of(ask, more)["detail"]


def condition(code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "clinicalStatus": concept("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        "code": concept(code, "http://snomed.info/sct"),
        "subject": {"reference": "Patient/p1"},
        **more,
    }


def test_conditions_count_when_they_are_of_now_or_last(ask: Send, own_world: World) -> None:
    of_contact = {"encounter": {"reference": "Encounter/e1"}}
    listed = bundle(condition("195967001"))  # asthma: who has it keeps it
    now = bundle(
        condition("267036007", **of_contact),  # dyspnea, of this contact
        condition("422400008", recordedDate="2019-03-01"),  # vomiting, years ago
        condition("25064002", **of_contact, verificationStatus=concept("differential", "x")),
        condition("404640003", **of_contact, clinicalStatus=concept("resolved", "x")),
    )
    card = card_of(ask, call(conditions=listed, complaints=now))
    observed = case_in(own_world, card["uuid"])["observations"]
    assert {"history_asthma", "dyspnea"} <= observed.keys()
    assert not {"vomiting", "headache", "dizziness"} & observed.keys()
    for why in ("no_time", "not_confirmed", "not_active"):
        assert WHY[why] in card["detail"]


# -- who and where ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("1959-11-23", {"age_years": 67}),
        ("1959-11-24", {"age_years": 66}),
        ("2024-11-24", {"age_months": 23}),
        ("2024-11-23", {"age_years": 2}),
        ("2026-11-20", {"age_months": 0}),
        ("2026-08-24", {"age_months": 2}),
        ("2026-08-23", {"age_months": 3}),
    ],
)
def test_the_age_is_that_of_now_in_months_for_an_infant(
    born: str, age: dict[str, int], ask: Send, own_world: World
) -> None:
    card = card_of(ask, call(patient={**PATIENT, "birthDate": born}))
    assert case_in(own_world, card["uuid"])["patient"] == {**age, "sex": "male"}


@pytest.mark.parametrize("born", [None, "1959", "1959-03", "2026-12-01", "1805-01-01", "1959-02-30", "onbekend"])
def test_without_an_age_nothing_is_decided_and_the_card_says_so(born: str | None, ask: Send, own_world: World) -> None:
    card = card_of(ask, call(patient={**PATIENT, "birthDate": born}))
    assert card["summary"] == "Wegwijs kan niet adviseren: de leeftijd van de patiënt ontbreekt"
    assert "uuid" not in card
    assert "suggestions" not in card
    assert "Beslis volgens uw eigen protocol" in card["detail"]
    assert decisions(own_world) == []


def at_location(**of_location: Any) -> dict[str, Any]:
    place = {"resourceType": "Location", "id": "l1", **of_location}
    return {**ENCOUNTER, "contained": [place], "location": [{"location": {"reference": "#l1"}, "status": "active"}]}


@pytest.mark.parametrize(
    ("encounter", "address", "said", "place"),
    [
        (ENCOUNTER, "3584 CX", {}, {"postcode": "3584CX"}),
        (at_location(position={"latitude": 53.2, "longitude": 6.56}), "3584CX", {}, {"lat": 53.2, "lon": 6.56}),
        (at_location(address={"postalCode": "9712 AB"}), "3584CX", {}, {"postcode": "9712AB"}),
        (at_location(position={"latitude": 6.56, "longitude": 53.2}), "3584CX", {}, {"postcode": "3584CX"}),
        (at_location(address={"postalCode": "9712 AB"}), "3584CX", {"postcode": "1012"}, {"postcode": "1012"}),
    ],
)
def test_the_place_is_that_of_the_contact_before_the_home_address(
    encounter: dict[str, Any],
    address: str,
    said: dict[str, Any],
    place: dict[str, Any],
    ask: Send,
    own_world: World,
) -> None:
    patient = {**PATIENT, "address": [{"use": "old", "postalCode": "1011AB"}, {"postalCode": address}]}
    body = call(encounter=encounter, patient=patient)
    card = card_of(ask, {**body, **case_said(location=said)} if said else body)
    recorded = case_in(own_world, card["uuid"])["location"]
    assert place.items() <= recorded.items()
    assert ("woonadres" in card["detail"]) == (place == {"postcode": "3584CX"})


@pytest.mark.parametrize("postcode", [None, "B-1000", "0000 AA", "Voorbeeldstad"])
def test_without_a_place_nothing_is_decided_and_the_card_says_how(
    postcode: str | None, ask: Send, own_world: World
) -> None:
    card = card_of(ask, call(patient={**PATIENT, "address": [{"postalCode": postcode}]}))
    assert card["summary"] == "Wegwijs kan niet adviseren: de plaats van de patiënt ontbreekt"
    assert "Encounter.location" in card["detail"]
    assert decisions(own_world) == []


# -- what is wrong with a call ----------------------------------------------------------------------------------------


def changed(path: str, value: Any) -> dict[str, Any]:
    body: Any = call()
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    part = body
    for name in way:
        part = part[name]
    part[last] = value
    return body  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("hook", "patient-view", "hook"),
        ("hookInstance", "one", "hookInstance"),
        ("hookInstance", None, "hookInstance"),
        ("context", {}, "context.patientId"),
        ("nurse", "x", "nurse"),
        ("prefetch.medication", {}, "prefetch.medication"),
        ("prefetch.patient", "Patient/p1", "prefetch.patient"),
        ("prefetch.patient.resourceType", "Person", "prefetch.patient.resourceType"),
        ("prefetch.patient.gender", "v", "prefetch.patient.gender"),
        ("prefetch.patient.birthDate", 1959, "prefetch.patient.birthDate"),
        ("prefetch.patient.id", "p2", "prefetch.patient.id"),
        ("prefetch.encounter.subject", {"reference": "Patient/p2"}, "prefetch.encounter.subject"),
        ("prefetch.observations", [], "prefetch.observations"),
        ("prefetch.observations.entry.0.resource", 3, "prefetch.observations.entry.0.resource"),
        (
            "prefetch.observations.entry.0.resource.subject",
            {"reference": "https://epd.example/fhir/Patient/p2"},
            "prefetch.observations.entry.0.resource.subject",
        ),
        (
            "prefetch.observations.entry.0.resource.valueQuantity.value",
            "112",
            "prefetch.observations.entry.0.resource.valueQuantity.value",
        ),
        ("prefetch.observations.entry.0.resource.code", None, "prefetch.observations.entry.0.resource.code"),
        ("extension", {"nl.wegwijs": {"observations": {}}}, "extension.nl.wegwijs.observations"),
        ("extension", {"nl.wegwijs": {"channel": "post"}}, "extension.nl.wegwijs.channel"),
        ("extension", {"nl.wegwijs": {"location": {"lat": 1}}}, "extension.nl.wegwijs.location.lon"),
        ("extension", {"nl.wegwijs": {"on_the_way": {"heading": 400}}}, "extension.nl.wegwijs.on_the_way.heading"),
        ("extension", {"nl.wegwijs": {"supersedes": "none"}}, "extension.nl.wegwijs.supersedes"),
        ("extension", {"nl.wegwijs": 1}, "extension.nl.wegwijs"),
    ],
)
def test_what_cannot_be_read_is_a_problem_that_names_it(
    path: str, value: Any, field: str, ask: Send, own_world: World
) -> None:
    problem = problem_of(ask("POST", TRIAGE, "triagist", json=changed(path, value)), 422, "invalid-input")
    assert field in [error.field for error in problem.errors or ()]
    assert decisions(own_world) == []


def test_without_the_patient_it_is_said_that_it_did_not_come_along(ask: Send, own_world: World) -> None:
    body = call()
    del body["prefetch"]["patient"]
    for sent in (body, {name: value for name, value in body.items() if name != "prefetch"}):
        problem = problem_of(ask("POST", TRIAGE, "triagist", json=sent), 412, "prefetch-missing")
        assert [error.field for error in problem.errors or ()] == ["prefetch.patient"]
    assert decisions(own_world) == []
    said = case_said(patient={"age_years": 67}, location={"postcode": "3584"})
    card = card_of(ask, {**body, **said})
    assert case_in(own_world, card["uuid"])["patient"] == {"age_years": 67}
    assert f"patient: {WHY['not_sent']}" in card["detail"]


def test_what_is_huge_or_deep_is_refused_and_what_fhir_needs_is_not(ask: Send) -> None:
    problem_of(
        ask("POST", TRIAGE, "triagist", json=call(patient={**PATIENT, "x": "y" * 300_000})), 413, "body-too-large"
    )
    deep: Any = {"url": "x"}
    for _ in range(40):
        deep = {"extension": [deep]}
    refused = ask("POST", TRIAGE, "triagist", json=call(patient={**PATIENT, **deep}))
    assert "too_deep" in [error.code for error in problem_of(refused, 400, "malformed-json").errors or ()]
    extended = {"extension": [{"url": "x", "extension": [{"url": "y", "valueCoding": {"code": "z"}}]}]}
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", **extended}]}, "valueQuantity": {}}
    card_of(ask, call(observations=bundle({**VITALS[1], "component": [part]})))


def test_there_is_no_other_service(ask: Send) -> None:
    problem_of(ask("POST", "/cds-services/other", "triagist", json=call()), 404, "not-found")
    problem_of(ask("POST", "/cds-services/other/feedback", "triagist", json={}), 404, "not-found")


# -- feedback ---------------------------------------------------------------------------------------------------------


def told(card: dict[str, Any], clock: Clock, **more: Any) -> dict[str, Any]:
    return {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": clock.said(), **more}


def test_the_recommended_suggestion_is_accepting_and_another_one_is_not(ask: Send, clock: Clock) -> None:
    card = card_of(ask, call())
    first, second = (
        {"outcome": "accepted", "acceptedSuggestions": [{"id": each["uuid"]}]} for each in card["suggestions"][:2]
    )
    body = {"feedback": [told(card, clock, **first), told(card, clock, **second)]}
    accepted, other = ask("POST", FEEDBACK, "triagist", json=body).get_json()["outcomes"]
    assert (accepted["outcome"], accepted["reason"], accepted["destination"]) == ("accepted", None, "umc-utrecht")
    decided = ask("GET", f"/v1/decisions/{card['uuid']}", "triagist").get_json()
    second_place = decided["alternatives"][0]["facility"]["id"]
    assert (other["outcome"], other["reason"], other["destination"]) == ("overridden", "other", second_place)


@pytest.mark.parametrize(
    ("why", "reason", "comment"),
    [
        (None, "other", "geen reden opgegeven (CDS Hooks)"),
        ({"userComment": "familie kiest"}, "other", "familie kiest"),
        ({"reason": {"code": "distance"}}, "distance", None),
        ({"reason": {"code": "X1", "system": "urn:epd"}}, "other", "eigen reden van het EPD: X1"),
        ({"reason": {"code": "Jan de Vries", "system": "urn:epd"}}, "other", "eigen reden van het EPD: onleesbaar"),
    ],
)
def test_what_the_standard_leaves_open_is_recorded_as_other(
    why: Any, reason: str, comment: str | None, ask: Send, clock: Clock
) -> None:
    card = card_of(ask, call())
    more = {} if why is None else {"overrideReason": why}
    response = ask("POST", FEEDBACK, "triagist", json={"feedback": [told(card, clock, **more)]})
    assert response.status_code == 200, response.text
    (shown,) = ask("GET", f"/v1/decisions/{card['uuid']}/outcome", "triagist").get_json()["outcomes"]
    assert (shown["reason"], shown["comment"]) == (reason, comment)


def test_a_reason_for_a_clinician_says_who_decided(ask: Send, clock: Clock) -> None:
    card = card_of(ask, call())
    why = {"overrideReason": {"reason": {"code": "clinical_judgement"}, "userComment": "gezien"}}
    body = {"feedback": [told(card, clock, **why)]}
    problem = problem_of(ask("POST", FEEDBACK, "triagist", json=body), 422, "invalid-input")
    assert [error.field for error in problem.errors or ()] == ["feedback.0.extension.nl.wegwijs.by"]
    body["feedback"][0]["extension"] = {"nl.wegwijs": {"by": "doctor"}}
    assert ask("POST", FEEDBACK, "triagist", json=body).status_code == 200


def test_the_same_feedback_counts_once(ask: Send, clock: Clock) -> None:
    card = card_of(ask, call())
    body = {"feedback": [told(card, clock)]}
    first = ask("POST", FEEDBACK, "triagist", json=body).get_json()
    assert ask("POST", FEEDBACK, "triagist", json=body).get_json() == first
    assert len(ask("GET", f"/v1/decisions/{card['uuid']}/outcome", "triagist").get_json()["outcomes"]) == 1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no suggestion": ({"outcome": "accepted"}, "acceptedSuggestions"),
    "a suggestion of another card": (
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "00000000-0000-4000-8000-000000000000"}]},
        "acceptedSuggestions.0.id",
    ),
    "a reason with what was accepted": (
        {"outcome": "accepted", "overrideReason": {"userComment": "x"}},
        "overrideReason",
    ),
    "an unknown reason of ours": ({"overrideReason": {"reason": {"code": "x"}}}, "overrideReason.reason.code"),
    "a reason that needs a comment": (
        {"overrideReason": {"reason": {"code": "patient_choice"}}},
        "overrideReason.userComment",
    ),
    "a long comment": ({"overrideReason": {"userComment": "x" * 501}}, "overrideReason.userComment"),
    "a time before the decision": ({"outcomeTimestamp": "2026-11-22T10:00:00Z"}, "outcomeTimestamp"),
    "no time": ({"outcomeTimestamp": "now"}, "outcomeTimestamp"),
    "somebody": ({"extension": {"nl.wegwijs": {"by": "Jan"}}}, "extension.nl.wegwijs.by"),
    "another outcome": ({"outcome": "ignored"}, "outcome"),
}


@pytest.mark.parametrize("name", WRONG)
def test_of_wrong_feedback_nothing_is_recorded(name: str, ask: Send, clock: Clock) -> None:
    more, field = WRONG[name]
    card = card_of(ask, call())
    body = {"feedback": [told(card, clock), told(card, clock, **more)]}
    problem = problem_of(ask("POST", FEEDBACK, "triagist", json=body), 422, "invalid-input")
    assert f"feedback.1.{field}" in [error.field for error in problem.errors or ()]
    assert ask("GET", f"/v1/decisions/{card['uuid']}/outcome", "triagist").get_json()["outcomes"] == []


def test_feedback_about_a_card_that_is_not_there(ask: Send, clock: Clock, own_world: World) -> None:
    nowhere = {"uuid": "00000000-0000-4000-8000-000000000000"}
    problem_of(ask("POST", FEEDBACK, "triagist", json={"feedback": [told(nowhere, clock)]}), 404, "not-found")
    (access,) = [each for each in access_log.accesses(own_world, AUDITOR)["accesses"] if each["event"] == "correct"]
    assert access["outcome"] == "refused"


# -- privacy ----------------------------------------------------------------------------------------------------------

MARKED = ("Voorbeeldsma", "Cunegonda", "999990019", "+31612345678", "Geheimstraat", "1959-03-17", "secret-token")
"""What of the patient and the client must be nowhere."""


def test_nothing_of_the_patient_but_age_sex_and_place_is_kept_or_logged(
    ask: Send, own_world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {**call(), "fhirServer": "https://epd.example", "fhirAuthorization": {"access_token": "secret-token"}}
    card = card_of(ask, body)
    answers = [
        json.dumps(card),
        ask("GET", f"/v1/decisions/{card['uuid']}", "auditor").text,
        ask("GET", f"/v1/decisions/{card['uuid']}/capsule", "auditor").text,
        ask("GET", f"/fhir/GuidanceResponse/{card['uuid']}", "auditor").text,
        ask("GET", "/v1/accesses", "auditor").text,
        service.record_of(own_world, card["uuid"], AUDITOR, "read").decode(),
        ask("POST", TRIAGE, "triagist", json={**body, "hook": "x"}).text,
        ask("POST", TRIAGE, "triagist", json=changed("prefetch.patient.birthDate", ["1959-03-17"])).text,
        caplog.text,
    ]
    for mark in MARKED:
        assert not [text for text in answers if mark in text], mark
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("own.sqlite3*"))
    for mark in MARKED:
        assert mark.encode() not in kept, mark
    assert case_in(own_world, card["uuid"])["patient"] == {"age_years": 67, "sex": "male"}


def test_a_code_that_is_words_does_not_come_back() -> None:
    assert _shown("<script>alert(1)</script>") == "een onleesbare code"
    assert _shown("[x](javascript:y)") == "een onleesbare code"
    assert _shown("http://loinc.org|1234-5") == "`http://loinc.org|1234-5`"


# -- from a browser, and with a token of CDS Hooks --------------------------------------------------------------------

PREFLIGHT = {"Origin": "https://epd.example", "Access-Control-Request-Method": "POST"}


def test_a_page_may_call_only_where_the_operator_named_its_origin(own_world: World, own_app: Flask) -> None:
    key = {"Authorization": f"Bearer {service.create_key(own_world, 'epd', frozenset({'triagist'}))}"}
    by_default = own_app.test_client().options(TRIAGE, headers={**PREFLIGHT, **key})
    assert "Access-Control-Allow-Origin" not in by_default.headers
    settings = own_world.settings.model_copy(update={"cds_origins": "https://epd.example https://b.example"})
    client: FlaskClient = create_app(world=dataclasses.replace(own_world, settings=settings)).test_client()
    allowed = client.options(TRIAGE, headers=PREFLIGHT)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, "https://epd.example")
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    refused = client.post(TRIAGE, json=call(), headers={"Origin": "https://epd.example"})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://epd.example")
    for path, origin in ((TRIAGE, "https://evil.example"), ("/v1/decisions", "https://epd.example")):
        response = client.options(path, headers={**PREFLIGHT, **key, "Origin": origin})
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("origins", ["*", "https://epd.example/", "epd.example", "https://a.example https://B.example"])
def test_origins_that_are_none_are_refused_at_the_start(origins: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_settings(cds_origins=origins)
    assert [fault.field for fault in refused.value.faults] == ["WEGWIJS_CDS_ORIGINS"]


ISSUER = """
issuers:
  - issuer: {url}
    keys_url: {url}/keys
    audience: ["https://wegwijs.example/cds-services/wegwijs-triage"]
    types: [JWT]
    subjects: none
    roles:
      "{url}": [triagist]
    claims:
      roles: iss
      client: [iss]
      organisation: tenant
"""
"""An EPD that signs its own tokens, as CDS Hooks says: no roles stand in them, so the issuer is the role."""


def test_a_token_as_cds_hooks_says_lets_an_epd_in(own_world: World, tmp_path: Path) -> None:
    path = tmp_path / "issuers.yaml"
    with running(lambda: own_world.clock().timestamp()) as issuer:
        path.write_text(ISSUER.format(url=issuer.url))
        settings = own_world.settings.model_copy(update={"issuers": path})
        client = create_app(world=dataclasses.replace(own_world, settings=settings, issuers=Memory())).test_client()
        now = int(own_world.clock().timestamp())
        claims = {
            "iss": issuer.url, "aud": "https://wegwijs.example/cds-services/wegwijs-triage",
            "iat": now, "exp": now + 60, "jti": "ee22b021-e1b7-4611-ba5b-8eec6a33ac1e", "tenant": "ziekenhuis",
        }  # fmt: skip

        def send(said: dict[str, Any], **header: Any) -> Any:
            token = issuer.sign(said, {"typ": "JWT", **header})
            return client.post(TRIAGE, json=call(), headers={"Authorization": f"Bearer {token}"})

        assert send(claims).status_code == 200
        asked = len(issuer.asked)
        assert send(claims, jku="https://evil.example/keys").status_code == 200
        assert len(issuer.asked) == asked, "where a token says its key is, nobody looks"
        problem_of(send({**claims, "aud": "https://other.example"}), 401, "unauthorized")
        problem_of(send({**claims, "exp": now - 3600}), 401, "unauthorized")
