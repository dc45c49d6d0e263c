"""Decides whose request this is and whether that person or system may make it: what is not allowed is refused."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, current_app, g, request

from api.problems import Refused
from routing import service
from routing.rights import RIGHTS, Asker
from routing.service import World

ACTIONS: Mapping[str, str] = {
    "decisions.create": "decide",
    "decisions.preview": "preview",
    "decisions.read": "read_decisions",
    "decisions.search": "read_decisions",
    "decisions.replay": "replay",
    "decisions.capsule": "export",
    "log.checkpoint": "read_log",
    "log.keys": "read_log",
    "log.inclusion": "read_log",
    "log.consistency": "read_log",
    "decisions.record_outcome": "outcome",
    "decisions.read_outcome": "read_decisions",
    "erasure.erase": "erase",
    "facilities.list_all": "read_facilities",
    "facilities.read": "read_facilities",
    "facilities.write": "write_facility",
    "facilities.remove": "remove_facility",
    "facilities.report": "report_status",
    "facilities.status": "read_facilities",
    "facilities.history": "read_facilities",
    "events.stream": "read_facilities",
    "feeds.take_in": "feed",
    "figures.read": "read_figures",
    "vocabulary.read": "read_vocabulary",
    "rulesets.list_all": "read_rulesets",
    "rulesets.read": "read_rulesets",
}
"""Endpoint -> the action in `RIGHTS` that it performs. An endpoint that is not here may be called by nobody."""

OPEN = frozenset({"pointer", "health.live", "health.ready", "problems.page", "public.capacity"})
"""Endpoints without a key: they say nothing about patients, keys or the network around the server, and what goes on at
places only where the operator chose to publish it."""


def register(app: Flask) -> None:
    """Check every request to `app` before anything else happens with it."""
    app.before_request(_check)


def world() -> World:
    """The world (database, clock, data) that this app was made with."""
    found: World = current_app.extensions["wegwijs"]
    return found


def asker() -> Asker:
    """Who makes this request."""
    found: Asker = g.asker
    return found


def _check() -> None:
    if request.endpoint is None or request.endpoint in OPEN:
        return
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise _unauthorized("This call needs `Authorization: Bearer <key>`.", "")
    found = service.authenticate(world(), key.strip()[:200])
    if found is None:
        raise _unauthorized("The key is not known or not valid any more.", ', error="invalid_token"')
    action = ACTIONS.get(request.endpoint, "")
    if not found.may(action):
        needed = ", ".join(sorted(RIGHTS.get(action, frozenset()))) or "nobody"
        challenge = {"WWW-Authenticate": 'Bearer realm="wegwijs", error="insufficient_scope"'}
        raise Refused("forbidden", f"This call is for the roles: {needed}.", headers=challenge)
    g.asker = found


def _unauthorized(detail: str, error: str) -> Refused:
    return Refused("unauthorized", detail, headers={"WWW-Authenticate": f'Bearer realm="wegwijs"{error}'})
