"""Who may see which page: people who signed in, with a role that may, from a page of ours; others go to the door."""

from __future__ import annotations

import math
from dataclasses import replace

from flask import Flask, Response, g, request

from api import browser
from api.auth import visitor, world
from api.desk.rights import BY_THE_PAGE, OPEN, PAGES
from api.problems import Refused
from routing import access_log, sessions
from routing.rights import RIGHTS
from routing.sessions import Session

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing but our own files: no script or style within a page, nothing from elsewhere, no page of ours in a frame."""


def register(desk: Flask) -> None:
    """Check every request to `desk` before anything else happens with it, and protect its answers."""
    desk.before_request(_check)
    desk.after_request(_protect)


def session() -> Session | None:
    """The session of whoever asks for this page; None for who did not sign in."""
    found: Session | None = g.get("session")
    return found


def csrf() -> str:
    """What every form of a page sends along, so that it is certainly a form of ours."""
    text = browser.session_text(world().settings)
    return sessions.csrf_of(text) if text else ""


def may(action: str) -> bool:
    """Whether whoever asks for this page may do `action`; nobody may anything before signing in."""
    return "asker" in g and g.asker.may(action)


def _check() -> None:
    endpoint = request.endpoint
    settings = world().settings
    text = browser.session_text(settings)
    # also a page that needs no session, or is not there, is shown to who signed in as their own
    found = sessions.session_of(world(), text, used=endpoint not in BY_THE_PAGE | OPEN) if text else None
    if found is not None:
        call = visitor()
        g.session = found
        g.asker = replace(sessions.asker_of(found), source=call.source, request_id=call.request_id)
    if endpoint is None:
        return
    if endpoint in OPEN:
        if request.method not in browser.SAFE:
            browser.check_origin(settings)
        return
    if text is None or found is None:
        raise Refused("unauthorized", "This page needs somebody who signed in.")
    if request.method not in browser.SAFE:
        browser.check_page(settings, text, shown=request.form.get("csrf", ""))
    _check_right(endpoint)


def _check_right(endpoint: str) -> None:
    page = PAGES.get(endpoint)
    if page is not None and may(page.action):
        return
    if page is not None and page.event is not None:
        access_log.refused(world(), g.asker, page.event, (request.view_args or {}).get("decision_id"))
    needed = ", ".join(sorted(RIGHTS.get(page.action, frozenset()))) if page is not None else ""
    raise Refused("forbidden", f"This page is for the roles: {needed or 'nobody'}.")


def policy() -> str:
    """POLICY, with the origin of the tiles of the map if the operator set one."""
    tiles = world().settings.map_tiles_origin
    return POLICY if tiles is None else POLICY.replace("img-src 'self'", f"img-src 'self' {tiles}")


def idle_seconds() -> int | None:
    """After how many seconds the session of this request ends if nothing more is asked; None for who did not sign in.
    No moment, because the clock of the computer of whoever looks may be wrong."""
    if (found := session()) is None:
        return None
    ends_at = min(found.seen_at + sessions.idle_of(world()), found.ends_at)
    return max(0, math.floor((ends_at - world().clock()).total_seconds()))


def _protect(response: Response) -> Response:
    if request.endpoint not in BY_THE_PAGE and (seconds := idle_seconds()) is not None:
        response.headers["Wegwijs-Idle-Seconds"] = str(seconds)
    response.headers["Content-Security-Policy"] = policy()
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint == "static":
        response.headers["Cache-Control"] = "private, max-age=3600"
    return response
