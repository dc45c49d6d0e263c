"""What became of a decision over HTTP: who may say it, what is refused, and what a place learns."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

from api.outcome_schemas import Outcome, OutcomeList, Overrules
from routing.erasure import erase
from routing.rights import Asker
from routing.service import World
from tests.api.conftest import OWN, STEMI, Clock, Send
from tests.api.test_bad_bodies import problem_of

ACCEPTED = {"outcome": "accepted", "by": "nurse"}
ELSEWHERE = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}
THROAT = {"patient": {"age_years": 24}, "location": {"postcode": "9712"}, "observations": {"sore_throat": True}}


def decided(ask: Send, case: dict[str, Any] = STEMI) -> str:
    """The address of the outcomes of a new decision."""
    made = ask("POST", "/v1/decisions", "triagist", json=case).get_json()
    return f"/v1/decisions/{made['id']}/outcome"


def test_the_whole_way_of_a_patient(ask: Send, clock: Clock) -> None:
    path = decided(ask)
    clock.forward(minutes=1)
    accepted = ask("POST", path, "ambulance", json=ACCEPTED)
    assert accepted.status_code == 201
    confirmed = ask("POST", path, "facility", json={"event": "confirmed"})
    assert Outcome.model_validate(confirmed.get_json()).told_by == "place"
    clock.forward(minutes=12)
    arrived = {"event": "arrived", "facility": OWN, "at": clock.said(minutes=1)}
    assert ask("POST", path, "ambulance", json=arrived).status_code == 201
    told = OutcomeList.model_validate(ask("GET", path, "auditor").get_json())
    assert (told.state.status, told.state.place) == ("completed", OWN)
    assert told.state.answer is not None
    assert told.state.answer.event == "confirmed"
    assert [outcome.event for outcome in told.outcomes] == ["arrived", "confirmed", "decided"]


def test_a_place_learns_nothing_of_other_decisions(ask: Send) -> None:
    about, other = decided(ask), decided(ask, THROAT)
    body = {"event": "confirmed"}
    there, gone = (
        problem_of(ask("POST", path, "facility", json=body), 404, "not-found")
        for path in (other, "/v1/decisions/01a20243-0ea7-74bb-b786-680850fd5d6a/outcome")
    )
    assert there.detail.partition("`")[0] == gone.detail.partition("`")[0]
    problem_of(ask("POST", other, "facility", json={"event": "nonsense"}), 404, "not-found")
    for path in (about, about.removesuffix("/outcome")):
        problem_of(ask("GET", path, "facility"), 403, "forbidden")
    told = ask("POST", about, "facility", json=body).get_json()
    assert {key for key, value in told.items() if value not in (None, [])} == {
        "version", "id", "decision", "recorded_at", "event", "at", "facility", "told_by", "asker", "software",
    }  # fmt: skip


def test_what_a_place_may_not_record_is_forbidden(ask: Send) -> None:
    path = decided(ask)
    for body in (ACCEPTED, {"event": "cancelled", "by": "doctor", "reason": "died"}):
        assert "for who decides" in problem_of(ask("POST", path, "facility", json=body), 403, "forbidden").detail
    body = {"event": "confirmed", "facility": "meander-amersfoort"}
    assert "not that of the place" in problem_of(ask("POST", path, "facility", json=body), 403, "forbidden").detail
    noted = ask("GET", "/v1/accesses?event=correct", "auditor").get_json()["accesses"]
    assert [access["outcome"] for access in noted] == ["refused"] * 3


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({**ELSEWHERE, "reason": "mood"}, "reason", "unknown_reason"),
        ({**ELSEWHERE, "reason": "context"}, "comment", "comment_needed"),
        ({**ELSEWHERE, "by": "triagist"}, "by", "clinician_needed"),
        ({**ELSEWHERE, "destination": "nowhere"}, "destination", "unknown_facility"),
        ({**ACCEPTED, "reason": "capacity"}, "reason", "not_overridden"),
        ({"event": "arrived", "facility": OWN}, "at", "missing"),
        ({"event": "arrived", "facility": OWN, "at": "2026-11-22T14:00:00Z"}, "at", "before_decision"),
        ({"event": "arrived", "facility": OWN, "at": "2026-11-24T14:00:00Z"}, "at", "in_the_future"),
        ({"event": "confirmed", "facility": "meander-amersfoort"}, "facility", "not_destination"),
        ({"event": "confirmed", "facility": OWN, "reason": "full"}, "reason", "not_for_event"),
        ({"event": "withdrawn", "corrects": "x"}, "corrects", "unknown_outcome"),
        ({"event": "refused", "facility": OWN, "reason": "other"}, "comment", "comment_needed"),
        ({"event": "sold"}, "event", "literal_error"),
    ],
)
def test_what_cannot_be_recorded_names_field_value_and_what_is_allowed(
    ask: Send, body: dict[str, Any], field: str, code: str
) -> None:
    path = decided(ask)
    found = problem_of(ask("POST", path, "triagist", json=body), 422, "invalid-input")
    assert [(error.field, error.code) for error in found.errors] == [(field, code)]
    assert found.errors[0].allowed
    assert found.errors[0].value == (None if field == "comment" else body.get(field))
    assert ask("GET", path, "auditor").get_json()["outcomes"] == []


def test_contradictions_name_what_to_correct(ask: Send, clock: Clock) -> None:
    path = decided(ask)
    ended = {"event": "cancelled", "by": "paramedic", "reason": "treated_on_the_spot"}
    cancelled = ask("POST", path, "ambulance", json=ended).get_json()
    arrived = {"event": "arrived", "facility": OWN, "at": clock.said()}
    found = problem_of(ask("POST", path, "ambulance", json=arrived), 422, "invalid-input")
    assert [error.code for error in found.errors] == ["contradiction"]
    assert cancelled["id"] in str(found.errors[0].allowed)
    assert ask("POST", path, "ambulance", json={**arrived, "corrects": cancelled["id"]}).status_code == 201
    found = problem_of(
        ask("POST", path, "ambulance", json={**ended, "corrects": cancelled["id"]}), 422, "invalid-input"
    )
    assert {error.code for error in found.errors} == {"contradiction", "corrected_already"}


def test_of_what_was_erased_nothing_is_recorded(ask: Send, own_world: World) -> None:
    path = decided(ask)
    decision_id = path.split("/")[3]
    erase(own_world, [decision_id], "test_data", Asker("", "operator", frozenset({"operator"})))
    problem_of(ask("POST", path, "triagist", json=ACCEPTED), 410, "erased")
    problem_of(ask("GET", path, "auditor"), 410, "erased")
    problem_of(ask("POST", path, "facility", json={"event": "confirmed"}), 404, "not-found")


# -- reports


def test_who_looks_after_quality_sees_counts(ask: Send, clock: Clock) -> None:
    for outcome in (ACCEPTED, ELSEWHERE):
        ask("POST", decided(ask), "triagist", json=outcome)
    clock.forward(minutes=1)
    found = Overrules.model_validate(ask("GET", "/v1/reports/overrules", "medical_manager").get_json())
    assert (found.decisions, found.all.overridden) == (2, 1)
    assert found.rules
    since = (clock.now - timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    later = ask("GET", f"/v1/reports/overrules?since={since}", "auditor").get_json()
    assert (later["decisions"], later["rules"]) == (0, [])


@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ("rule=no-such-rule", "rule", "unknown_rule"),
        ("rule=A%20b", "rule", "wrong_value"),
        ("region=atlantis", "region", "unknown_region"),
        ("since=yesterday", "since", "wrong_value"),
        ("since=2026-11-23T15:00:00Z", "since", "contradiction"),
        ("limit=5", "limit", "unknown_parameter"),
    ],
)
def test_a_report_that_cannot_be_made_says_why(ask: Send, asked: str, field: str, code: str) -> None:
    response = ask("GET", f"/v1/reports/overrules?{asked}", "auditor")
    (error,) = problem_of(response, 422, "invalid-input").errors
    assert (error.field, error.code) == (field, code)
    assert error.allowed


def test_a_report_over_too_many_decisions_is_left_to_the_command(
    ask: Send, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(ask)
    clock.forward(minutes=1)
    # the name in the package is that of the blueprint
    monkeypatch.setattr(sys.modules["api.reports"], "DECISIONS_MOST", 0)
    (error,) = problem_of(ask("GET", "/v1/reports/overrules", "auditor"), 422, "invalid-input").errors
    assert error.code == "too_many"
    assert "wegwijs overrules" in str(error.allowed)


def test_nobody_else_sees_the_report(ask: Send) -> None:
    for role in ("triagist", "ambulance", "facility", "operator"):
        problem_of(ask("GET", "/v1/reports/overrules", role), 403, "forbidden")


def test_every_coded_reason_can_be_looked_up(ask: Send) -> None:
    words = ask("GET", "/v1/vocabulary", "facility").get_json()["vocabulary"]
    for part in ("override_reasons", "refusal_reasons", "cancel_reasons"):
        assert all(set(reason["label"]) == {"nl", "en"} for reason in words[part].values())
    named = """capacity patient_choice clinician_order context alarm_signal risk_group stop_overruled no_staff distance
        transport clinical_judgement refused no_contact no_appointment appointment_unsuitable not_eligible home_visit
        other"""
    assert set(named.split()) <= set(words["override_reasons"])
