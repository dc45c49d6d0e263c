"""Shows over HTTP how the log stands and what it proves; there is nothing about a patient in it."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import answer
from api.queries import ConsistencyQuery, identifier, query
from routing import log_proofs

log = Blueprint("log", __name__, url_prefix="/v1/log")


@log.get("/checkpoint")
def checkpoint() -> Response:
    """The newest checkpoint, as the signed note that it is."""
    return Response(log_proofs.checkpoint(world()), content_type="text/plain; charset=utf-8")


@log.get("/keys")
def keys() -> Response:
    """The public keys of the log."""
    return answer(log_proofs.log_keys(world()))


@log.get("/inclusion/<decision_id>")
def inclusion(decision_id: str) -> Response:
    """The entry of a decision, and the proof that it stands in the log."""
    return answer(log_proofs.inclusion(world(), identifier("decision", decision_id)))


@log.get("/consistency")
def consistency() -> Response:
    """The proof that the log only grew from one size to another."""
    wanted = query(ConsistencyQuery)
    return answer(log_proofs.consistency(world(), wanted.first, wanted.last))
