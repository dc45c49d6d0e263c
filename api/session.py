"""People sign in at a browser, with a password or at an issuer, see for how long, and sign out again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request

from api import browser
from api.auth import asker, visitor, world
from api.body import answer, json_object, no_body
from api.problems import Refused
from api.queries import checked, query
from api.session_schemas import GoingQuery, NewPassword, SignIn
from routing import oidc, sessions
from routing.errors import SignInRefused, TooManyAttempts
from routing.signing_keys import IssuerUnavailable

DOOR = "/desk/sign-in"
"""The page to sign in at."""

session = Blueprint("session", __name__, url_prefix="/v1/session")


@session.post("")
def sign_in() -> Response:
    """Begin a session, with the name and the password of an account."""
    settings = world().settings
    origin = browser.origin_for_people(settings)
    browser.check_origin(settings)
    given = checked(SignIn, json_object())
    begun = sessions.sign_in(world(), given.user, given.password, visitor(), browser.address(settings))
    return with_session(answer(told(begun.session, begun.text), 201), origin, begun)


@session.post("/password")
def set_password() -> Response:
    """Give an account another password, with the present one or with a one-time code; all its sessions end, and a new
    one begins."""
    settings = world().settings
    origin = browser.origin_for_people(settings)
    browser.check_origin(settings)
    given = checked(NewPassword, json_object())
    who = (given.user, given.password, given.new_password)
    begun = sessions.set_password(world(), *who, visitor(), browser.address(settings))
    return with_session(answer(told(begun.session, begun.text), 201), origin, begun)


@session.get("")
def read() -> Response:
    """Who is signed in, what they may do, and for how long. To ask does not make a session last."""
    found = _own()
    return answer(told(found, browser.session_text(world().settings) or ""))


@session.delete("")
def end() -> Response:
    """Sign out: the session ends at once, everywhere."""
    _own()
    no_body()
    sessions.sign_out(world(), asker())
    response = Response(status=204)
    browser.forget(response, browser.origin_for_people(world().settings), browser.COOKIE)
    return response


@session.get("/oidc/<login>")
def go_to_issuer(login: str) -> Response:
    """Go to an issuer to sign in there, and come back to the path `next`."""
    origin = browser.origin_for_people(world().settings)
    following = oidc.local_path(query(GoingQuery).next)
    try:
        there, kept = oidc.begin(world(), login, origin, following)
    except IssuerUnavailable as error:
        return _back_to_the_door(error, following)
    response = _to(there)
    browser.keep(response, origin, browser.SIGNING_IN, kept, most=oidc.VALID)
    return response


@session.get("/oidc/<login>/return")
def come_back(login: str) -> Response:
    """Come back from an issuer, which sends people here."""
    settings = world().settings
    origin = browser.origin_for_people(settings)
    # what stands there twice was not written by the issuer: then nothing of it counts
    said = {name: values[0] for name, values in request.args.lists() if len(values) == 1}
    kept = browser.cookie(settings, browser.SIGNING_IN)
    try:
        begun, following = oidc.finish(world(), login, origin, kept, said, visitor())
    except (SignInRefused, TooManyAttempts, IssuerUnavailable) as error:
        return _back_to_the_door(error, None)
    response = with_session(_to(following), origin, begun)
    browser.forget(response, origin, browser.SIGNING_IN)
    return response


def _own() -> sessions.Session:
    if "session" not in g:
        raise Refused("not-found", "This request comes with a key or a token, which has no session.")
    found: sessions.Session = g.session
    return found


def _back_to_the_door(error: Exception, following: str | None) -> Response:
    """A person whom an issuer did not let in reads a page; a program is told the problem. Raises `error`."""
    if request.accept_mimetypes.best_match(("application/json", "text/html")) != "text/html":
        raise error
    return _to(f"{DOOR}?{urlencode({'refused': type(error).__name__, **({'next': following} if following else {})})}")


def _to(place: str) -> Response:
    return Response(status=303, headers={"Location": place})


def with_session(response: Response, origin: str, begun: sessions.Begun) -> Response:
    """`response`, with which the browser gets the session that begins."""
    browser.keep(response, origin, browser.COOKIE, begun.text)
    return response


def told(found: sessions.Session, text: str) -> dict[str, Any]:
    """What is said of a session to whoever has it."""
    return {
        "user": found.user_id,
        "roles": sorted(found.roles),
        "facilities": None if found.facilities is None else sorted(found.facilities),
        "organisation": found.organisation,
        "login": None if found.issuer == sessions.LOCAL else found.issuer,
        "began_at": found.began_at.isoformat(),
        "ends_at": found.ends_at.isoformat(),
        "idle_ends_at": min(found.seen_at + sessions.idle_of(world()), found.ends_at).isoformat(),
        "csrf": sessions.csrf_of(text),
    }
