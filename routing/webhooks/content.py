"""What a receiver is told: an event in the form of CloudEvents, made of the sealed record at the moment of sending.

Never who the patient is and never where: no number of the case, no location, no places that know the patient, and
nothing that somebody wrote. Of the rest as little as the subscription says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from routing.directory_here import newest_directory
from routing.log.canonical import plain
from routing.log.record import answer
from routing.log_here import record_of, records_of
from routing.outcome_state import in_order, standing
from routing.store import database, outcomes
from routing.store.deliveries import ANNOUNCING, Delivery
from routing.webhooks.subscriptions import Subscribed
from routing.world import World

TYPE = "nl.wegwijs.pre-alert."
"""How the types of all events begin."""

SCHEMA = "/v1/schemas/pre-alert"
MEDIA_TYPE = "application/cloudevents+json"

NEMSIS = "NEMSIS 3.5 eDisposition.24"
_CODES: Mapping[str, str] = {
    "cardiac_arrest": "4224005",
    "obstetric": "4224007",
    "stemi": "4224013",
    "cva": "4224015",
    "sepsis": "4224019",
}
"""Condition -> the pre-alert of NEMSIS that is meant. That of trauma is one of adults: it would tell the age."""

ADULT_TRAUMA = "4224003"
ADULT_YEARS = 18

_BECAUSE = {
    "decided": "diverted",
    "cancelled": "cancelled",
    "refused": "refused",
    "arrived": "arrived_elsewhere",
    "withdrawn": "corrected",
}
"""Event of an outcome -> why, because of it, the patient does not come."""


def event_of(world: World, connection: database.Connection, about: Subscribed, delivery: Delivery) -> bytes:
    """The whole event of a delivery, as it is sent. Raises Erased, BadRecord, KeysUnusable, StoreUnavailable."""
    head = {
        "specversion": "1.0",
        "id": str(delivery.id),
        "source": about.server,
        "type": TYPE + delivery.event,
        "subject": str(delivery.decision_id),
        "time": delivery.made_at.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": about.server + SCHEMA,
        "expirytime": delivery.expires_at.isoformat(),
        "sequence": f"{delivery.number:019d}",
    }
    return orjson.dumps({**head, "data": _data(world, connection, about, delivery)})


def test_event(about: Subscribed, event_id: UUID, now: datetime) -> bytes:
    """An event that says of itself that it is none, to try whether a receiver takes it."""
    head = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": about.server,
        "type": TYPE + "test",
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "expirytime": (now + timedelta(minutes=5)).isoformat(),
    }
    data = {
        "event": "test",
        "test": True,
        "message": {"nl": "Dit is een proef: er komt geen patiënt.", "en": "This is a test: no patient is coming."},
    }
    return orjson.dumps({**head, "data": data})


def _data(world: World, connection: database.Connection, about: Subscribed, delivery: Delivery) -> dict[str, Any]:
    record = plain(record_of(world, connection, "decision", delivery.decision_id))
    decision, case = answer(record), record["case"]
    cause, urgency = _what_happened(world, connection, delivery)
    clinical = about.subscription.data == "clinical"
    address = f"{about.server}/v1/decisions/{delivery.decision_id}"
    told = {
        "event": delivery.event,
        "test": False,
        "level": about.subscription.data,
        "decision": decision["id"],
        "decided_at": decision["decided_at"],
        "supersedes": decision["supersedes"],
        "superseded_by": str(delivery.cause_id) if delivery.event == "superseded" else None,
        "coming": delivery.event in ANNOUNCING,
        "because": _BECAUSE[cause] if delivery.event == "cancelled" and cause is not None else None,
        "place": _place(world, delivery.facility_id),
        "urgency": urgency or decision["urgency"]["level"],
        "urgency_advised": decision["urgency"]["level"],
        "conditions": [_condition(each, _years(case) if clinical else None) for each in decision["conditions"]],
        "needs": [
            {
                "capability": need["capability"],
                "label": need["label"],
                "strength": need["strength"],
                "within_minutes": need["within"]["minutes"] if need["within"] else None,
            }
            for need in decision["needs"]
        ],
        "expected": _expected(decision, delivery.facility_id),
        "review": _review(decision),
        "links": {"decision": address, "outcome": f"{address}/outcome"},
    }
    return {**told, "clinical": _clinical(case) if clinical else None}


def _what_happened(world: World, connection: database.Connection, delivery: Delivery) -> tuple[str | None, str | None]:
    """The event of the outcome that this is told because of, if it was one; and how urgent somebody had said by then
    that it is."""
    found = records_of(world, connection, outcomes.of_decision(connection, delivery.decision_id))
    recorded = in_order([plain(each) for each in found.values()])
    cause = next((each for each in recorded if each["id"] == str(delivery.cause_id)), None)
    if cause is None:
        recorded = [each for each in recorded if datetime.fromisoformat(each["recorded_at"]) < delivery.made_at]
    decided = standing(recorded[: recorded.index(cause) + 1] if cause is not None else recorded).decided
    return (None if cause is None else cause["event"]), (None if decided is None else decided["urgency"])


def _place(world: World, facility_id: str | None) -> dict[str, Any]:
    place = newest_directory(world).by_id.get(facility_id or "")
    return {"id": facility_id, "name": place.name if place else None, "city": place.city if place else None}


def _condition(found: Mapping[str, Any], years: int | None) -> dict[str, Any]:
    code = _CODES.get(found["code"])
    if found["code"] == "multitrauma" and years is not None and years >= ADULT_YEARS:
        code = ADULT_TRAUMA
    alert = None if code is None else {"system": NEMSIS, "code": code}
    return {**{key: found[key] for key in ("code", "label", "status", "time_critical")}, "pre_alert": alert}


def _expected(decision: Mapping[str, Any], facility_id: str | None) -> dict[str, Any] | None:
    """How long the way is and when the patient comes, by the moment of the decision; None where that was not known."""
    candidates: Sequence[Mapping[str, Any]] = (decision["recommendation"], *decision["alternatives"])
    places = (*candidates, *decision["ruled_out"])
    found = next((each for each in places if each["facility"]["id"] == facility_id and facility_id), None)
    if found is None or found["travel"] is None:
        return None
    travel = found["travel"]
    # before the way begins it takes as long, wherever it goes
    known = next((each for each in (found, *candidates) if each.get("arrival_at") and each["travel"]), None)
    at = None
    if known is not None:
        later = timedelta(minutes=travel["minutes"] - known["travel"]["minutes"])
        at = (datetime.fromisoformat(known["arrival_at"]) + later).isoformat()
    return {**{key: travel[key] for key in ("minutes", "low", "high")}, "at": at, "as_of": decision["decided_at"]}


def _review(decision: Mapping[str, Any]) -> str:
    """`pending` as long as any rule that says why was not accepted by a clinician."""
    parts = (decision["urgency"], *decision["conditions"], *decision["needs"], decision["recommendation"])
    pending = any(reason["review"] == "pending" for part in parts for reason in part["reasons"])
    return "pending" if pending else "accepted"


def _years(case: Mapping[str, Any]) -> int | None:
    patient = case["patient"]
    if patient.get("age_years") is not None:
        return int(float(patient["age_years"]))
    return int(float(patient["age_months"])) // 12 if patient.get("age_months") is not None else None


def _clinical(case: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "age_years": _years(case),
        "sex": case["patient"].get("sex"),
        "complaint": case.get("complaint"),
        "findings": case.get("observations", {}),
    }
