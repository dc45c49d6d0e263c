"""Shows the rules that decide, with where each comes from."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import answer, tagged
from api.queries import identifier
from routing import proofs_here, service

rulesets = Blueprint("rulesets", __name__, url_prefix="/v1/rulesets")


@rulesets.get("")
def list_all() -> Response:
    """The rulesets that are known here."""
    return answer(proofs_here.with_proofs(world(), service.rulesets(world())))


@rulesets.get("/<digest>")
def read(digest: str) -> Response:
    """One ruleset with all its rules, by its digest."""
    found = service.ruleset(world(), identifier("ruleset", digest))
    return tagged(found, digest)


@rulesets.get("/<digest>/proof")
def proof(digest: str) -> Response:
    """What is proved of one ruleset, as it lies beside its files, and whether it is still about these."""
    return answer(proofs_here.proof(world(), identifier("ruleset", digest)))
