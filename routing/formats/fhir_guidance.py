"""Writes a recorded decision as a FHIR R4 GuidanceResponse: what was concluded, what is advised, what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routing.formats.fhir_codes import codes_of
from routing.formats.fhir_export import fhir_id
from routing.vocabulary import Vocabulary

Json = dict[str, Any]

URGENCY = "urn:wegwijs:urgency"
CONDITION = "urn:wegwijs:condition"
CAPABILITY = "urn:wegwijs:capability"
RULE = "urn:wegwijs:rule"
PROFILE_OF_OBSERVATION = "http://hl7.org/fhir/StructureDefinition/Observation"

PRIORITIES: Mapping[str, str] = {
    "U0": "stat",
    "U1": "stat",
    "U2": "asap",
    "U3": "urgent",
    "U4": "routine",
    "U5": "routine",
}
"""Urgency -> RequestGroup.priority (its order: routine, urgent, asap, stat)."""


def guidance_response(decision: Mapping[str, Any], words: Vocabulary) -> Json:
    """`decision` (as it was answered) as a GuidanceResponse with what belongs to it contained. Nothing of the patient
    stands in it but what was concluded."""
    rules = decision["provenance"]["ruleset"]
    messages, questions = list(_issues(decision)), decision["open_questions"]
    return {
        "resourceType": "GuidanceResponse",
        "id": decision["id"],
        "contained": [
            *([{"resourceType": "OperationOutcome", "id": "messages", "issue": messages}] if messages else []),
            {"resourceType": "Parameters", "id": "output", "parameter": list(_output(decision, words))},
            _request_group(decision, words),
        ],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{decision['id']}"}],
        "moduleCanonical": f"urn:wegwijs:ruleset:{rules['name']}|{rules['version']}",
        # more may be asked, and the answer is whole without it
        "status": "data-requested" if questions else "success",
        "occurrenceDateTime": decision["decided_at"],
        "performer": {"type": "Device", "display": decision["provenance"]["software"]},
        "reasonCode": [_urgency(decision, words)],
        **({"evaluationMessage": [{"reference": "#messages"}]} if messages else {}),
        "outputParameters": {"reference": "#output"},
        "result": {"reference": "#advice"},
        **({"dataRequirement": [_requirement(each["fact"], words) for each in questions]} if questions else {}),
    }


def _urgency(decision: Mapping[str, Any], words: Vocabulary) -> Json:
    level = decision["urgency"]["level"]
    return _concept(URGENCY, level, words.urgencies[level].label.nl)


def _concept(system: str, code: str, display: str | None = None) -> Json:
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": display} if display else {})}


def _requirement(fact_id: str, words: Vocabulary) -> Json:
    """An open question as what would answer it: an Observation with one of these codes."""
    label = words.facts[fact_id].label.nl
    codes = [{"system": system, "code": code, "display": label} for system, code in codes_of(fact_id, words)]
    return {
        "type": "Observation",
        "profile": [PROFILE_OF_OBSERVATION],
        "codeFilter": [{"path": "code", "code": codes}],
    }


# -- what was warned --------------------------------------------------------------------------------------------------


def _issues(decision: Mapping[str, Any]) -> Iterator[Json]:
    for severity, reasons in (
        ("warning", decision["warnings"]),
        ("information", decision["confidence"]["because"]),
    ):
        for reason in reasons:
            text = reason["text"]["nl"]
            yield {"severity": severity, "code": "informational", "details": _concept(RULE, reason["rule"], text)}


# -- what came out ----------------------------------------------------------------------------------------------------


def _output(decision: Mapping[str, Any], words: Vocabulary) -> Iterator[Json]:
    urgency, dispatch = decision["urgency"], decision["dispatch"]
    yield _part(
        "urgency",
        _value("level", "CodeableConcept", _urgency(decision, words)),
        *_number("deadline-minutes", urgency["deadline_minutes"]),
        *_reasons(urgency["reasons"]),
    )
    for found in decision["conditions"]:
        concept = _concept(CONDITION, found["code"], found["label"]["nl"])
        status = _value("status", "Code", found["status"])
        yield _part("condition", _value("code", "CodeableConcept", concept), status, *_reasons(found["reasons"]))
    for need in decision["needs"]:
        within = need["within"]
        yield _part(
            "need",
            _value("capability", "CodeableConcept", _concept(CAPABILITY, need["capability"], need["label"]["nl"])),
            _value("strength", "Code", need["strength"]),
            *_number("within-minutes", within["minutes"] if within else None),
            *_reasons(need["reasons"]),
        )
    ambulance = [] if dispatch["ambulance"] is None else [_value("ambulance", "Code", dispatch["ambulance"])]
    yield _part("dispatch", *ambulance, _value("mmt", "Boolean", dispatch["mmt"]), *_reasons(dispatch["reasons"]))
    for candidate in (decision["recommendation"], *decision["alternatives"]):
        yield _part("candidate", *_candidate(candidate), *_reasons(candidate["reasons"]))
    for place in decision["ruled_out"]:
        named = _value("facility", "Reference", _location(place["facility"]))
        yield _part("ruled-out", named, *_reasons(place["failed"]))
    yield _value("confidence", "Code", decision["confidence"]["badge"])
    if decision["supersedes"] is not None:
        yield _value("supersedes", "Uri", f"urn:uuid:{decision['supersedes']}")
    provenance = decision["provenance"]
    yield _part(
        "provenance",
        _value("ruleset-digest", "String", provenance["ruleset"]["digest"]),
        _value("vocabulary-digest", "String", provenance["vocabulary"]),
        _value("directory-revision", "Integer", provenance["directory_revision"]),
        _value("evaluators-agree", "Boolean", provenance["evaluators_agree"]),
    )
    if left := decision["open_questions_left"]:
        yield _value("open-questions-left", "Integer", left)


def _candidate(candidate: Mapping[str, Any]) -> Iterator[Json]:
    yield _value("rank", "Integer", candidate["rank"])
    yield _value("facility", "Reference", _location(candidate["facility"]))
    if candidate["travel"] is not None:
        yield from _number("travel-minutes", candidate["travel"]["minutes"])
    if candidate["arrival_at"] is not None:
        yield _value("arrival-at", "DateTime", candidate["arrival_at"])


def _location(facility: Mapping[str, Any]) -> Json:
    """The place by reference; care that is no place in the directory (the own GP) by name alone."""
    known = {} if facility["id"] is None else {"reference": f"Location/{fhir_id(facility['id'])}"}
    return {**known, "display": facility["name"]}


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> list[Json]:
    return [_value("reason", "CodeableConcept", _concept(RULE, each["rule"], each["text"]["nl"])) for each in reasons]


def _value(name: str, kind: str, value: Any) -> Json:
    return {"name": name, f"value{kind}": value}


def _number(name: str, value: int | None) -> list[Json]:
    return [] if value is None else [_value(name, "Integer", value)]


def _part(name: str, *parts: Json) -> Json:
    return {"name": name, "part": list(parts)}


# -- what is advised --------------------------------------------------------------------------------------------------


def _request_group(decision: Mapping[str, Any], words: Vocabulary) -> Json:
    priority = PRIORITIES[decision["urgency"]["level"]]
    places = [decision["recommendation"], *decision["alternatives"]]
    return {
        "resourceType": "RequestGroup",
        "id": "advice",
        "status": "active",
        "intent": "proposal",
        "priority": priority,
        "authoredOn": decision["decided_at"],
        "reasonCode": [_urgency(decision, words)],
        "action": [
            {
                "title": "Plaats van zorg",
                "priority": priority,
                "groupingBehavior": "logical-group",
                "selectionBehavior": "at-most-one",
                "action": [_action(candidate) for candidate in places],
            }
        ],
    }


def _action(candidate: Mapping[str, Any]) -> Json:
    said = " ".join(reason["text"]["nl"] for reason in candidate["reasons"])
    return {
        "prefix": str(candidate["rank"]),
        "title": candidate["facility"]["name"],
        **({"description": said} if said else {}),
        "precheckBehavior": "yes" if candidate["rank"] == 1 else "no",
        "resource": _location(candidate["facility"]),
    }
