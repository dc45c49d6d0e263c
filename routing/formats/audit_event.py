"""Writes an access as a FHIR R4 AuditEvent, for whoever collects the access logs of many systems."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from routing.log.access import AccessEvent, Subject
from routing.log.canonical import canonical

Json = dict[str, Any]

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_OWN = "urn:wegwijs"

_DICOM_TEXT = {
    "110100": "Application Activity",
    "110101": "Audit Log Used",
    "110106": "Export",
    "110110": "Patient Record",
    "110112": "Query",
    "110114": "User Authentication",
}

TYPES = {
    **dict.fromkeys(("create", "read", "replay", "correct", "erase"), "110110"),
    **dict.fromkeys(("read_access_log", "export_access_log", "prune_access_log"), "110101"),
    "search": "110112",
    "export": "110106",
    "verify": "110100",
    **dict.fromkeys(("sign_in", "sign_out"), "110114"),
}
"""Event -> its DICOM code (`AuditEvent.type`)."""

OUTCOMES = {"ok": ("0", "Success"), "failed": ("4", "Minor failure"), "refused": ("8", "Serious failure")}

PURPOSES = {
    "care": ("TREAT", "treatment"),
    "control": ("HCOMPL", "health compliance"),
    "patient_request": ("PATRQT", "patient requested"),
    "records": ("RECORDMGT", "records management"),
}
"""Purpose -> its code of HL7 v3 ActReason."""

LIFECYCLES = {
    "create": ("1", "Origination / Creation"),
    "correct": ("3", "Amendment"),
    "verify": ("4", "Verification"),
    "export": ("10", "Export"),
    "erase": ("15", "Permanent erasure / Physical destruction"),
}
"""Event -> what happened to the decision (DICOM life cycle of a record); everything else is use of it."""

_USE = ("6", "Access / Use")


def audit_event(event: AccessEvent, observer: str) -> Json:
    """`event` as an AuditEvent; `observer` is the name of the log that it stands in."""
    code = TYPES[event.event]
    outcome, said = OUTCOMES[event.outcome]
    entities = list(_entities(event))
    return {
        "resourceType": "AuditEvent",
        "id": str(event.id),
        "type": _coding(_DICOM, code, _DICOM_TEXT[code]),
        "subtype": [_coding(f"{_OWN}:access-event", event.event)],
        "action": event.action,
        "recorded": event.at.isoformat(),
        "outcome": outcome,
        "outcomeDesc": said,
        "purposeOfEvent": [_concept(f"{_TERMINOLOGY}/v3-ActReason", *PURPOSES[event.purpose])],
        "agent": list(_agents(event)),
        "source": {
            "observer": _device(f"{_OWN}:log", observer),
            "type": [_coding(f"{_TERMINOLOGY}/security-source-type", "4", "Application Server")],
        },
        **({"entity": entities} if entities else {}),  # FHIR has no empty lists
    }


# -- who ---------------------------------------------------------------------------------------------------------------


def _agents(event: AccessEvent) -> Iterator[Json]:
    """Who sat there, on whose behalf, and the client; the first of these that is known asked for it."""
    user = event.user
    roles = [_concept(f"{_OWN}:role", role) for role in sorted(user.roles)]
    person = _concept(f"{_TERMINOLOGY}/extra-security-role-type", "humanuser", "human user")
    if user.user is not None:
        yield _agent(person, _person(user.user, user.organisation), roles, asked=True)
    if user.responsible is not None:
        behalf = _concept(f"{_TERMINOLOGY}/v3-ParticipationType", "RESP", "responsible party")
        yield _agent(behalf, _person(user.responsible, user.organisation), [], asked=False)
    client = str(user.key) if user.key is not None else event.source.system
    device = _device(f"{_OWN}:key", client, user.organisation)
    source = _concept(_DICOM, "110153", "Source Role ID")
    yield _agent(source, device, [] if user.user is not None else roles, asked=user.user is None)


def _agent(kind: Json, who: Json, roles: list[Json], *, asked: bool) -> Json:
    return {"type": kind, **({"role": roles} if roles else {}), "who": who, "requestor": asked}


def _person(identifier: str, organisation: str | None) -> Json:
    return {"type": "Practitioner", "identifier": _identifier(f"{_OWN}:user", identifier, organisation)}


def _device(system: str, value: str, organisation: str | None = None) -> Json:
    return {"type": "Device", "identifier": _identifier(system, value, organisation)}


def _identifier(system: str, value: str, organisation: str | None) -> Json:
    assigner = {"assigner": {"type": "Organization", "display": organisation}} if organisation is not None else {}
    return {"system": system, "value": value, **assigner}


# -- what --------------------------------------------------------------------------------------------------------------


def _entities(event: AccessEvent) -> Iterator[Json]:
    yield from _patients(event)
    for subject in event.subjects:
        yield from _decision(event, subject)
    if event.found is not None or event.criteria:
        yield _query(event)
    if TYPES[event.event] == "110101":
        yield {"type": _entity_type("2", "System Object"), "role": _role("13", "Security Resource"), "name": "access"}
    if event.source.call is not None or event.source.request_id is not None:
        yield _request(event)


def _patients(event: AccessEvent) -> Iterator[Json]:
    for patient in dict.fromkeys(subject.patient for subject in event.subjects):
        if patient is not None:
            identifier = _identifier(f"{_OWN}:patient-pseudonym", patient, None)
            yield {
                "what": {"type": "Patient", "identifier": identifier},
                "type": _entity_type("1", "Person"),
                "role": _role("1", "Patient"),
            }


def _decision(event: AccessEvent, subject: Subject) -> Iterator[Json]:
    if subject.decision is not None:
        cycle = LIFECYCLES.get(event.event, _USE)
        yield {
            "what": {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{subject.decision}"}},
            "type": _entity_type("2", "System Object"),
            "role": _role("3", "Report"),
            "lifecycle": _coding(f"{_TERMINOLOGY}/dicom-audit-lifecycle", *cycle),
        }


def _query(event: AccessEvent) -> Json:
    found = [] if event.found is None else [{"type": "found", "valueString": str(event.found)}]
    return {
        "type": _entity_type("2", "System Object"),
        "role": _role("24", "Query"),
        "query": base64.b64encode(canonical(dict(event.criteria))).decode(),
        **({"detail": found} if found else {}),
    }


def _request(event: AccessEvent) -> Json:
    details = {"system": event.source.system, "call": event.source.call, "request_id": event.source.request_id}
    return {
        "type": _entity_type("4", "Other"),
        "role": _role("21", "Job Stream"),
        "detail": [{"type": name, "valueString": value} for name, value in details.items() if value is not None],
    }


def _entity_type(code: str, display: str) -> Json:
    return _coding(f"{_TERMINOLOGY}/audit-entity-type", code, display)


def _role(code: str, display: str) -> Json:
    return _coding(f"{_TERMINOLOGY}/object-role", code, display)


def _coding(system: str, code: str, display: str | None = None) -> Json:
    return {"system": system, "code": code, **({"display": display} if display is not None else {})}


def _concept(system: str, code: str, display: str | None = None) -> Json:
    return {"coding": [_coding(system, code, display)]}
