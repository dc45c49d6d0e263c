"""FHIR R4 and CDS Hooks for tests: the official definitions, and a contact as an EPD sends it."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema_rs

from routing.formats.fhir_places import SNOMED

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
AT = "2026-11-23T14:55:00+01:00"
"""Five minutes before the clock of the tests stands still."""


@cache
def official() -> jsonschema_rs.Draft6Validator:
    """The JSON Schema of FHIR 4.0.1 itself, of the resources that are read or answered here."""
    text = (Path(__file__).parent / "formats/fhir-r4.schema.json").read_text("utf-8")
    return jsonschema_rs.Draft6Validator(json.loads(text))


def wrong_in(resource: Any) -> list[str]:
    """What is wrong with `resource` by the official definition of its type."""
    definitions = json.loads((Path(__file__).parent / "formats/fhir-r4.schema.json").read_text("utf-8"))
    schema = {**definitions, "$ref": f"#/definitions/{resource['resourceType']}"}
    found = jsonschema_rs.Draft6Validator(schema).iter_errors(resource)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in found]


def concept(code: str, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def measured(code: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    """An Observation with a number."""
    quantity = {"value": value, "system": UCUM, "code": unit}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(code),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": AT,
        "valueQuantity": quantity,
        **more,
    }


def found(code: str, present: bool = True, system: str = SNOMED, **more: Any) -> dict[str, Any]:
    """An Observation that is answered with yes or no."""
    made = measured("", 0, "", **more)
    del made["valueQuantity"]
    return {**made, "code": concept(code, system), "valueBoolean": present, **more}


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", **({"entry": entries} if entries else {}), **more}


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999990019"}],
    "name": [{"family": "Voorbeeldsma", "given": ["Cunegonda"]}],
    "telecom": [{"system": "phone", "value": "+31612345678"}],
    "gender": "male",
    "birthDate": "1959-03-17",
    "address": [{"use": "home", "line": ["Geheimstraat 7"], "city": "Utrecht", "postalCode": "3584 CX"}],
}
ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
    "subject": {"reference": "Patient/p1", "display": "Cunegonda Voorbeeldsma"},
    "reasonCode": [{"coding": [{"system": SNOMED, "code": "29857009"}], "text": "mevrouw Voorbeeldsma: pijn borst"}],
}
VITALS = [
    measured("8867-4", 112, "/min"),
    {
        "resourceType": "Observation",
        "status": "final",
        "code": concept("85354-9"),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": AT,
        "component": [
            {"code": concept("8480-6"), "valueQuantity": {"value": 128, "system": UCUM, "code": "mm[Hg]"}},
            {"code": concept("8462-4"), "valueQuantity": {"value": 80, "system": UCUM, "code": "mm[Hg]"}},
        ],
    },
]
FINDINGS = [found("ecg_st_elevation", system="urn:wegwijs:fact")]


def call(**prefetch: Any) -> dict[str, Any]:
    """A call about a man of 67 with ST elevation, with other prefetch where it is given."""
    given = {
        "patient": PATIENT,
        "encounter": ENCOUNTER,
        "observations": bundle(*VITALS),
        "findings": bundle(*FINDINGS),
        "complaints": None,
        "conditions": None,
        **prefetch,
    }
    return copy.deepcopy(
        {
            "hook": "encounter-start",
            "hookInstance": str(uuid4()),
            "context": {"userId": "Practitioner/u-77", "patientId": "p1", "encounterId": "e1"},
            "prefetch": given,
        }
    )


def case_said(**more: Any) -> dict[str, Any]:
    """`more` as the extension of a call."""
    return {"extension": {"nl.wegwijs": more}}
