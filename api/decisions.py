"""Decides about a case over HTTP, and shows, searches and replays the decisions that were made."""

from __future__ import annotations

from flask import Blueprint, Response

from api import metrics
from api.auth import asker, world
from api.body import answer, json_object, no_body
from api.conditions import idempotency_key
from api.queries import CapsuleQuery, DecisionQuery, identifier, query
from routing import capsules, outcomes, service
from routing.webhooks.shown import pre_alerts_of

decisions = Blueprint("decisions", __name__, url_prefix="/v1/decisions")


@decisions.post("")
def create() -> Response:
    """Decide, record, and only then answer."""
    decision = service.decide(world(), json_object(), asker(), idempotency_key(), metrics.count_decision)
    return answer(decision, 201, {"Location": f"/v1/decisions/{decision['id']}"})


@decisions.post("/preview")
def preview() -> Response:
    """The same answer, not recorded: for a form that is being filled in."""
    return answer(service.preview(world(), json_object(), asker()))


@decisions.get("")
def search() -> Response:
    """Recorded decisions, newest first, a page at a time."""
    wanted = query(DecisionQuery)
    return answer(service.search(world(), asker(), **wanted.model_dump()))


@decisions.get("/<decision_id>")
def read(decision_id: str) -> Response:
    """One recorded decision, as it was answered."""
    return answer(service.decision(world(), identifier("decision", decision_id), asker()))


@decisions.post("/<decision_id>/outcome")
def record_outcome(decision_id: str) -> Response:
    """Record what became of a decision; an earlier outcome stays."""
    about, key = identifier("decision", decision_id), idempotency_key()
    return answer(outcomes.record_outcome(world(), about, json_object(), asker(), key), 201)


@decisions.get("/<decision_id>/outcome")
def read_outcome(decision_id: str) -> Response:
    """What was recorded of a decision, the newest first."""
    return answer(outcomes.outcomes_of(world(), identifier("decision", decision_id), asker()))


@decisions.get("/<decision_id>/pre-alerts")
def pre_alerts(decision_id: str) -> Response:
    """Whether the place where the patient goes was told, and what to do if not."""
    return answer(pre_alerts_of(world(), identifier("decision", decision_id), asker()))


@decisions.get("/<decision_id>/capsule")
def capsule(decision_id: str) -> Response:
    """One file with which the decision can be checked elsewhere, without us."""
    wanted = query(CapsuleQuery)
    found = capsules.capsule_of(world(), identifier("decision", decision_id), asker(), wanted.withhold)
    return answer(found, headers={"Content-Disposition": f'attachment; filename="{decision_id}.capsule.json"'})


@decisions.post("/<decision_id>/replay")
def replay(decision_id: str) -> Response:
    """Decide again with what was known then, and compare."""
    no_body()
    return answer(service.replay(world(), identifier("decision", decision_id), asker()))
