"""Accesses as FHIR R4 AuditEvent, held against the definition of that resource: all that must be there, no more."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from hypothesis import given, settings

from routing.formats.audit_event import LIFECYCLES, OUTCOMES, PURPOSES, TYPES, audit_event
from routing.log import access
from routing.log.access import AccessEvent
from routing.log.canonical import plain
from tests.strategies_access import accesses
from tests.unit.test_access import EVENT

LOG = "wegwijs/0123abcd/access"

# -- the definition (FHIR 4.0.1), as far as it is used here: element -> (least, most, shape) ---------------------------

Check = Callable[[Any], bool]
Shape = Mapping[str, tuple[int, int | None, Any]]


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\x00" not in value


def code(*allowed: str) -> Check:
    return lambda value: value in allowed if allowed else re.fullmatch(r"\S+( \S+)*", value) is not None


def uri(value: Any) -> bool:
    return re.fullmatch(r"(http://|https://|urn:)\S+", value) is not None


def instant(value: Any) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


def base64_text(value: Any) -> bool:
    return base64.b64encode(base64.b64decode(value, validate=True)).decode() == value


def boolean(value: Any) -> bool:
    return isinstance(value, bool)


CODING: Shape = {"system": (0, 1, uri), "code": (0, 1, code()), "display": (0, 1, text)}
CONCEPT: Shape = {"coding": (0, None, CODING), "text": (0, 1, text)}
ASSIGNER: Shape = {"type": (0, 1, code("Organization")), "display": (0, 1, text)}
IDENTIFIER: Shape = {"system": (0, 1, uri), "value": (0, 1, text), "assigner": (0, 1, ASSIGNER)}
WHO: Shape = {"type": (0, 1, code("Practitioner", "Device")), "identifier": (0, 1, IDENTIFIER)}
WHAT: Shape = {"type": (0, 1, code("Patient")), "identifier": (0, 1, IDENTIFIER)}
DETAIL: Shape = {"type": (1, 1, text), "valueString": (1, 1, text)}
AGENT: Shape = {
    "type": (0, 1, CONCEPT),
    "role": (0, None, CONCEPT),
    "who": (0, 1, WHO),
    "requestor": (1, 1, boolean),
}
SOURCE: Shape = {"observer": (1, 1, WHO), "type": (0, None, CODING)}
ENTITY: Shape = {
    "what": (0, 1, WHAT),
    "type": (0, 1, CODING),
    "role": (0, 1, CODING),
    "lifecycle": (0, 1, CODING),
    "name": (0, 1, text),
    "query": (0, 1, base64_text),
    "detail": (0, None, DETAIL),
}
AUDIT_EVENT: Shape = {
    "resourceType": (1, 1, code("AuditEvent")),
    "id": (0, 1, lambda value: re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", value) is not None),
    "type": (1, 1, CODING),
    "subtype": (0, None, CODING),
    "action": (0, 1, code(*"CRUDE")),
    "recorded": (1, 1, instant),
    "outcome": (0, 1, code("0", "4", "8", "12")),
    "outcomeDesc": (0, 1, text),
    "purposeOfEvent": (0, None, CONCEPT),
    "agent": (1, None, AGENT),
    "source": (1, 1, SOURCE),
    "entity": (0, None, ENTITY),
}


def faults(value: Any, shape: Any, path: str = "AuditEvent") -> Iterator[str]:
    """Where `value` is not as `shape` wants it."""
    if callable(shape):
        if not shape(value):
            yield f"{path}: `{value}`"
        return
    if not isinstance(value, dict) or not value:
        yield f"{path}: not an object, or an empty one"
        return
    yield from (f"{path}.{name}: no such element" for name in value.keys() - shape.keys())
    for name, (least, most, inner) in shape.items():
        given_values = value.get(name, [] if most is None else None)
        many = given_values if most is None else [given_values] if name in value else []
        if not isinstance(many, list) or (name in value and not many) or len(many) < least:
            yield f"{path}.{name}: {least}..{most or '*'}"
            continue
        for each in many:
            yield from faults(each, inner, f"{path}.{name}")
    if "name" in value and "query" in value:
        yield f"{path}: sev-1, a name or a query"


def test_the_check_sees_what_is_wrong() -> None:
    right = audit_event(EVENT, LOG)
    assert list(faults(right, AUDIT_EVENT)) == []
    without = {name: value for name, value in right.items() if name != "recorded"}
    assert list(faults(without, AUDIT_EVENT)) == ["AuditEvent.recorded: 1..1"]
    assert list(faults({**right, "entity": []}, AUDIT_EVENT)) == ["AuditEvent.entity: 0..*"]
    assert list(faults({**right, "nurse": "x"}, AUDIT_EVENT)) == ["AuditEvent.nurse: no such element"]
    assert list(faults({**right, "action": "X"}, AUDIT_EVENT)) == ["AuditEvent.action: `X`"]


@settings(max_examples=200)
@given(accesses())
def test_every_access_is_a_right_audit_event(event: AccessEvent) -> None:
    found = audit_event(event, LOG)
    assert list(faults(found, AUDIT_EVENT)) == []
    assert [agent["requestor"] for agent in found["agent"]].count(True) == 1
    assert datetime.fromisoformat(found["recorded"]) == event.at


@given(accesses())
def test_nothing_of_an_access_is_lost(event: AccessEvent) -> None:
    written = str(audit_event(event, LOG))
    user, source = event.user, event.source
    said = [user.key, user.organisation, user.user, user.responsible, *user.roles, source.call, source.request_id]
    said += [each for subject in event.subjects for each in (subject.patient, subject.decision)]
    assert [
        each for each in said if each is not None and str(each) not in written and repr(str(each))[1:-1] not in written
    ] == []
    queries = [entity["query"] for entity in audit_event(event, LOG).get("entity", []) if "query" in entity]
    assert [plain(base64.b64decode(query)) for query in queries] in ([dict(event.criteria)], [])
    assert bool(queries) is (event.found is not None or bool(event.criteria))


def test_every_event_outcome_and_purpose_has_its_code() -> None:
    assert set(TYPES) == set(access.EVENTS)
    assert set(LIFECYCLES) < set(access.EVENTS)
    assert set(OUTCOMES) == set(access.OUTCOMES)
    assert set(PURPOSES) == set(access.PURPOSES)


def test_who_sat_there_asked_and_the_responsible_one_is_named_beside_them() -> None:
    person, responsible, client = audit_event(EVENT, LOG)["agent"]
    assert person["requestor"] and not responsible["requestor"] and not client["requestor"]
    assert person["who"]["identifier"]["value"] == "u-77"
    assert responsible["who"]["identifier"]["value"] == "dr-3"
    assert person["who"]["identifier"]["assigner"]["display"] == "Meldkamer Utrecht"
    assert client["who"] == {
        "type": "Device",
        "identifier": {
            "system": "urn:wegwijs:key",
            "value": str(EVENT.user.key),
            "assigner": {"type": "Organization", "display": "Meldkamer Utrecht"},
        },
    }
