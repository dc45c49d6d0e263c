"""What is recorded and answered: the shape of the contract, nothing lost, nothing personal, nothing inexact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from routing.case import case_record, parse_case
from routing.decision import Decision
from routing.errors import BadInput
from routing.log.canonical import canonical, is_canonical, plain
from routing.log.record import RECORD_VERSION, answer, make_record, result_of
from tests.small_world import (
    AFTERNOON,
    CASES,
    SORE_THROAT,
    STEMI,
    body,
    case,
    decided,
    directory_of,
    place,
    result_body,
    ruleset,
    vocabulary,
)

ASKER = {"key": "k1", "roles": ["triagist"]}


def entry(now: datetime = AFTERNOON, places: Any = None, **changes: Any) -> dict[str, Any]:
    decision = decided(now, places, **changes)
    return make_record(decision, case(now, **changes), vocabulary(), id="0198", now=now, asker=ASKER, supersedes=None)


def shown(decision: Decision) -> dict[str, Any]:
    return result_body(decision, vocabulary())


def need(result: dict[str, Any], capability: str) -> dict[str, Any]:
    (found,) = [item for item in result["needs"] if item["capability"] == capability]
    return dict(found)


# -- the shape


def test_a_result_has_every_part_of_the_contract() -> None:
    result = shown(decided(observations=STEMI, called_at="2026-11-18T13:50:00+01:00"))
    assert set(result) >= {
        "urgency", "conditions", "dispatch", "needs", "recommendation", "alternatives", "ruled_out",
        "open_questions", "confidence", "warnings", "provenance",
    }  # fmt: skip
    assert result["urgency"]["level"] == "U1"
    assert result["conditions"][0]["code"] == "stemi"
    assert result["dispatch"]["ambulance"] == "A1"
    best = result["recommendation"]
    assert set(best) >= {"rank", "facility", "travel", "arrival_at", "norms", "status", "criteria", "reasons"}
    assert set(best["facility"]) >= {"id", "name", "kind", "city"}
    assert set(best["travel"]) == {"minutes", "low", "high", "method"}
    assert set(best["norms"][0]) >= {"id", "met", "margin_minutes"}
    assert set(result["ruled_out"][0]) >= {"facility", "failed", "would_change"}
    assert set(result["open_questions"][0]) >= {"fact", "question", "could_change"}
    assert result["provenance"]["evaluators_agree"] is True


@pytest.mark.parametrize("name", CASES)
def test_every_reason_has_words_in_both_languages_and_names_its_rule(name: str) -> None:
    def reasons(value: Any) -> Any:
        if isinstance(value, dict):
            if "rule" in value and "text" in value:
                yield value
            for item in value.values():
                yield from reasons(item)
        elif isinstance(value, list):
            for item in value:
                yield from reasons(item)

    for reason in reasons(shown(decided(**CASES[name]))):
        assert reason["rule"].startswith("small/")
        assert reason["text"]["nl"]
        assert reason["text"]["en"]
        assert isinstance(reason["because"], dict)


def test_care_without_a_place_has_no_facility_id_and_no_travel() -> None:
    best = shown(decided(observations=SORE_THROAT))["recommendation"]
    assert best["facility"]["id"] is None
    assert best["facility"]["kind"] == "huisarts"
    assert (best["travel"], best["arrival_at"]) == (None, None)


def test_whether_a_norm_is_met_is_yes_no_or_unknown() -> None:
    def met(called_at: str | None) -> Any:
        result = shown(decided(observations=STEMI, called_at=called_at, transport="own"))
        return result["recommendation"]["norms"][0]["met"]

    assert met("2026-11-18T13:59:00+01:00") is True
    assert met("2026-11-18T12:30:00+01:00") is False
    assert met("2026-11-18T13:10:00+01:00") is None


# -- norms of needs


def test_tighter_norm_is_shown() -> None:
    result = shown(decided(observations={**STEMI, "systolic_bp": 80}))
    pci = need(result, "pci")
    assert pci["within"]["norm"] == "pci-60"
    assert pci["within"] | {"minutes": 60, "clock_start": "called_at", "clock_end": "arrival"} == pci["within"]
    assert {norm["norm"] for norm in pci["all_norms"]} == {"pci-60", "pci-75"}


@pytest.mark.parametrize("places", [(), (place("poor", "seh"),), (place("closed", "pci", opening="out_of_hours"),)])
def test_a_norm_is_shown_also_where_nobody_can_meet_it(places: tuple[dict[str, Any], ...]) -> None:
    result = shown(decided(places=directory_of(*places), observations=STEMI))
    assert need(result, "pci")["within"]["norm"] == "pci-75"


def test_a_need_without_a_norm_has_none() -> None:
    assert need(shown(decided(observations=STEMI)), "seh")["within"] is None


# -- the record


@pytest.mark.parametrize("name", CASES)
def test_a_record_is_canonical_and_holds_no_bare_decimal(name: str) -> None:
    changes = {**CASES[name], "location": {"lat": 52.0001, "lon": 5.00001}}
    assert is_canonical(canonical(entry(**changes)))


def test_decimals_survive_the_record() -> None:
    observations = {"temperature": 38.7, "burn_tbsa_percent": 0.1, "pregnancy_weeks": 31.999999999999996}
    record = plain(canonical(entry(observations=observations, patient={"age_years": 0.3})))
    assert record["case"]["observations"] == observations
    again = parse_case(record["case"], vocabulary(), AFTERNOON)
    assert again == case(observations=observations, patient={"age_years": 0.3})


def test_a_decimal_that_was_seen_survives_in_a_reason() -> None:
    record = plain(canonical(entry(observations=SORE_THROAT)))
    (reason,) = answer(record)["urgency"]["reasons"]
    assert reason["because"] == {"sore_throat": True, "temperature": 37.2}


def test_a_note_is_not_recorded() -> None:
    record = canonical(entry(note="Mrs Jansen, daughter phones", observations=STEMI))
    assert b"Jansen" not in record


def test_a_record_names_what_decided_and_what_both_evaluators_said() -> None:
    record = entry(observations=STEMI)
    assert record["version"] == RECORD_VERSION
    assert record["ruleset"] == {"name": "small", "version": "1.0.0", "digest": ruleset().digest}
    assert record["vocabulary"] == vocabulary().digest
    assert record["directory"]["revision"] == 3
    assert record["evaluators"]["engine"] == record["evaluators"]["reference"] == sorted(record["evaluators"]["fired"])
    assert record["asker"] == ASKER
    assert record["decided_at"] == AFTERNOON.isoformat()


def test_the_answer_is_the_recorded_result() -> None:
    record = entry(observations=STEMI)
    found = answer(record)
    assert found["id"] == "0198"
    assert found["supersedes"] is None
    assert {key: found[key] for key in record["result"]} == result_of(record)


def test_a_case_comes_back_from_its_record_as_it_was() -> None:
    full = case(
        reference="ZCC-1", channel="meldkamer", called_at="2026-11-18T12:50:00Z",
        patient={"age_years": 67, "sex": "male"},
        location={"lat": 52.0907, "lon": 5.1214}, complaint="chest_pain", transport="ambulance", known_at=["b", "a"],
        region="midden-nederland", observations={"heart_rate": 112, "onset_at": "2026-11-18T13:20:00+01:00"},
    )  # fmt: skip
    assert parse_case(case_record(full), vocabulary(), AFTERNOON) == full


def test_text_that_no_record_can_hold_is_refused_with_the_case() -> None:
    """Half a character is not text: it must be refused when it comes in, not fail when the decision is written."""
    with pytest.raises(BadInput) as caught:
        parse_case(body(reference="ZCC-\ud800"), vocabulary(), AFTERNOON)
    assert caught.value.faults[0].field == "reference"


def test_an_interval_that_was_seen_is_recorded_as_its_two_ends() -> None:
    record = plain(canonical(entry(observations={"heart_rate": 130, "avpu": "V"})))
    (reason,) = answer(record)["urgency"]["reasons"]
    assert reason["because"] == {"alarm": {"low": 6, "high": 6}}
