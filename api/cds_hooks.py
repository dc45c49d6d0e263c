"""A service of CDS Hooks 2.0: it decides when a contact is opened in an EPD, and hears what became of its cards."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from api import metrics
from api.auth import asker, world
from api.body import answer, json_object
from api.links import base
from routing import cds_hooks as use_cases
from routing.errors import NotFound, shown
from routing.formats.cds_request import SERVICE

cds_hooks = Blueprint("cds_hooks", __name__, url_prefix="/cds-services")

LEVELS_MOST = 32
"""FHIR nests deeper than a case: an extension of a part of an Observation in a Bundle lies fourteen levels deep."""

FRESH_SECONDS = 3_600
_PREFLIGHT_SECONDS = "600"
_HEADERS = "Authorization, Content-Type, Traceparent, Wegwijs-Responsible, Wegwijs-User, X-Request-Id"


@cds_hooks.get("")
def discover() -> Response:
    """Which services there are, when to call them and what they want to know."""
    response = answer(use_cases.discovery(world()), headers={"Cache-Control": f"public, max-age={FRESH_SECONDS}"})
    response.headers["Access-Control-Allow-Origin"] = "*"  # it is the same for everybody, and says nothing of anybody
    return response


@cds_hooks.post("/<service_id>")
def call(service_id: str) -> Response:
    """Decide about the patient of a contact, record it, and answer with a card.

    The same `hookInstance` is carried out once: sent again it gives the same card.
    """
    _check(service_id)
    return answer(use_cases.triage(world(), json_object(LEVELS_MOST), asker(), base(), metrics.count_decision))


@cds_hooks.post("/<service_id>/feedback")
def feedback(service_id: str) -> Response:
    """Record what users did with cards, as outcomes of their decisions."""
    _check(service_id)
    return answer(use_cases.feedback(world(), json_object(), asker()))


def _check(service_id: str) -> None:
    if service_id != SERVICE:
        raise NotFound("service", str(shown(service_id)))


# -- from a browser ---------------------------------------------------------------------------------------------------


def register(app: Flask) -> None:
    """Let pages of the origins that the operator named call from a browser: theirs is the screen of a patient, so it is
    never everybody. A preflight is answered before a key is asked for, since a browser sends it without one."""
    app.before_request(_preflight)
    app.after_request(_allow_origin)


def _origin() -> str | None:
    """The origin of this request, if it is one of CDS Hooks and the operator allows it."""
    given, allowed = request.headers.get("Origin"), (world().settings.cds_origins or "").split()
    return given if given in allowed and request.path.startswith("/cds-services") else None


def _preflight() -> Response | None:
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or _origin() is None:
        return None
    said = {
        "Allow": "GET, HEAD, OPTIONS, POST",
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
    return Response(status=204, headers=said)


def _allow_origin(response: Response) -> Response:
    if (origin := _origin()) is not None and response.headers.get("Access-Control-Allow-Origin") != "*":
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers.add("Vary", "Origin")
    return response
