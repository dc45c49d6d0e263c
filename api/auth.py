"""Decides whose request this is and whether that person or system may make it: what is not allowed is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from flask import Flask, Response, current_app, g, request

from api import browser
from api.problems import Refused
from routing import access_log, service, sessions, tokens
from routing.api_keys import ends_soon
from routing.errors import bad_input
from routing.log.access import opaque_id
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
    "decisions.pre_alerts": "read_decisions",
    "accesses.list_all": "read_access_log",
    "accesses.search": "read_access_log",
    "accesses.patient": "read_access_log",
    "accesses.export": "export_access_log",
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
    "reports.overrules": "read_reports",
    "vocabulary.read": "read_vocabulary",
    "rulesets.list_all": "read_rulesets",
    "rulesets.read": "read_rulesets",
    "rulesets.proof": "read_rulesets",
    "metrics.read": "read_metrics",
    "session.read": "own_session",
    "session.end": "own_session",
    "cds_hooks.call": "decide",
    "cds_hooks.feedback": "outcome",
    "fhir.guidance": "read_decisions",
    "fhir.search_organizations": "read_facilities",
    "fhir.read_organization": "read_facilities",
    "fhir.search_locations": "read_facilities",
    "fhir.read_location": "read_facilities",
    "fhir.search_services": "read_facilities",
    "fhir.read_service": "read_facilities",
}
"""Endpoint -> the action in `RIGHTS` that it performs. An endpoint that is not here may be called by nobody."""

LOGGED: Mapping[str, str] = {
    "decisions.create": "create",
    "decisions.read": "read",
    "decisions.search": "search",
    "decisions.replay": "replay",
    "decisions.record_outcome": "correct",
    "decisions.read_outcome": "read",
    "decisions.pre_alerts": "read",
    "decisions.capsule": "export",
    "erasure.erase": "erase",
    "accesses.list_all": "read_access_log",
    "accesses.search": "read_access_log",
    "accesses.patient": "read_access_log",
    "accesses.export": "export_access_log",
    "cds_hooks.call": "create",
    "cds_hooks.feedback": "correct",
    "fhir.guidance": "read",
}
"""Endpoint -> the event (see `routing.log.access`) that is noted of it in the log of accesses."""

NOTHING_OF_PATIENTS = frozenset(
    {
        "decisions.preview",  # tells only what follows from what the client itself just sent, and keeps nothing
        "facilities.list_all",
        "facilities.read",
        "facilities.write",
        "facilities.remove",
        "facilities.report",
        "facilities.status",
        "facilities.history",
        "events.stream",
        "feeds.take_in",
        "vocabulary.read",
        "rulesets.list_all",
        "rulesets.read",
        "rulesets.proof",
        "figures.read",  # counts, and none of few
        "reports.overrules",  # the same
        "log.checkpoint",
        "log.keys",
        "log.inclusion",
        "log.consistency",
        "metrics.read",  # counts and ages
        "session.read",  # the asker about itself
        "session.end",  # noted as `sign_out` all the same, as signing in is
        "fhir.search_organizations",
        "fhir.read_organization",
        "fhir.search_locations",
        "fhir.read_location",
        "fhir.search_services",
        "fhir.read_service",
    }
)
"""Endpoints with a key that show and change nothing that is kept about patients: they are not noted."""

BY_THE_PAGE = frozenset({"session.read", "events.stream"})
"""Endpoints that a page asks by itself, also with nobody before it: they do not make a session last."""

OPEN = frozenset(
    {
        "pointer",
        "health.live",
        "health.ready",
        "problems.page",
        "public.capacity",
        "openapi.read",
        "openapi.list_schemas",
        "openapi.schema",
        "session.sign_in",
        "session.set_password",
        "session.go_to_issuer",
        "session.come_back",
        "cds_hooks.discover",
        "fhir.metadata",
    }
)
"""Endpoints without a key: they say nothing about patients, keys or the network around the server, and what goes on at
places only where the operator chose to publish it."""


def register(app: Flask) -> None:
    """Check every request to `app` before anything else happens with it."""
    app.before_request(_check)
    app.after_request(_warn)


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
    found = _shown()
    g.asker = _at_the_client(found)
    action = ACTIONS.get(request.endpoint, "")
    if not found.may(action):
        _note_refusal(request.endpoint)
        needed = ", ".join(sorted(RIGHTS.get(action, frozenset()))) or "nobody"
        challenge = {"WWW-Authenticate": 'Bearer realm="wegwijs", error="insufficient_scope"'}
        raise Refused("forbidden", f"This call is for the roles: {needed}.", headers=challenge)


def _shown() -> Asker:
    """Who it is that shows the key, the token or the session of this request. A key counts before a session: what a
    browser sends by itself says less than what a program sends on purpose."""
    if "Authorization" not in request.headers and (text := browser.session_text(world().settings)) is not None:
        return _signed_in(text)
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    shown = shown.strip()
    if scheme.lower() != "bearer" or not shown:
        raise _unauthorized(
            "This call needs `Authorization: Bearer <key>`, or a session of somebody who signed in.", ""
        )
    if tokens.trusts_issuers(world()) and tokens.looks_like_token(shown):
        try:
            return tokens.asker_of_token(world(), shown)
        except tokens.BadToken as error:
            raise _unauthorized(str(error), ', error="invalid_token"') from None
    if (found := service.authenticate(world(), shown[:200])) is None:
        raise _unauthorized("The key is not known or not valid any more.", ', error="invalid_token"')
    return found


def _signed_in(text: str) -> Asker:
    found = sessions.session_of(world(), text, used=request.endpoint not in BY_THE_PAGE)
    if found is None:
        raise _unauthorized("The session has ended: sign in again.", "")
    if request.method not in browser.SAFE:
        browser.check_page(world().settings, text)
    g.session = found
    return sessions.asker_of(found)


def _warn(response: Response) -> Response:
    """Say it with every answer when the secret of a key ends soon: whoever runs the client must see it in time."""
    ends_at: datetime | None = g.asker.ends_at if "asker" in g else None
    if ends_at is not None and ends_soon(ends_at, world().clock()):
        response.headers["Wegwijs-Key-Ends"] = ends_at.isoformat()
    return response


def visitor() -> Asker:
    """Who makes a request without key or session, of whom only the call is known."""
    rule = request.url_rule.rule if request.url_rule else ""
    source = f"{request.method} {rule.replace('<', '{').replace('>', '}')}"  # as the documents write it
    return Asker("", "visitor", frozenset(), source=source, request_id=g.get("request_id"))


def _at_the_client(found: Asker) -> Asker:
    """`found` with who sits at the client, on whose behalf, and by which call."""
    call = visitor()
    return replace(
        found,
        user=_user(found),
        responsible=_named("Wegwijs-Responsible"),
        source=call.source,
        request_id=call.request_id,
    )


def _user(found: Asker) -> str | None:
    """Who sits at the client: as a token or a session says, which is proven, or else as the client says."""
    said = _named("Wegwijs-User")
    if found.user is not None and said not in (None, found.user):
        raise bad_input("Wegwijs-User", "contradiction", "the token or session says that somebody else sits there")
    return found.user or said


def _named(header: str) -> str | None:
    given = request.headers.get(header)
    return None if given is None else opaque_id(header, given)


def _note_refusal(endpoint: str) -> None:
    if (event := LOGGED.get(endpoint)) is not None:
        about = (request.view_args or {}).get("decision_id")
        access_log.refused(world(), asker(), event, about)


def _unauthorized(detail: str, error: str) -> Refused:
    return Refused("unauthorized", detail, headers={"WWW-Authenticate": f'Bearer realm="wegwijs"{error}'})
