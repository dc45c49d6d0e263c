"""The door of the desk: signing in and out, a first password, the language, and the page that one comes in at."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from api import browser
from api.auth import visitor, world
from api.desk import guard
from api.desk.page import asked_by_script, page, to
from api.desk.words import LANGUAGE, t
from api.session import with_session
from routing import drafts, oidc, sessions
from routing.errors import BadInput, SignInRefused, TooManyAttempts

pages = Blueprint("door", __name__)

NEXT_MOST = 500

LANGUAGE_SECONDS = 365 * 24 * 3600


@pages.get("")
def home() -> Response:
    """The first page: what whoever signed in can do here."""
    unfinished = drafts.drafts_of(world(), g.asker) if guard.may("decide") else []
    return page("home.html", unfinished=unfinished)


@pages.get("/sign-in")
def sign_in() -> Response:
    """The form to sign in with."""
    return _form("sign_in.html", why=_refused_elsewhere(request.args.get("refused")))


@pages.post("/sign-in")
def let_in() -> Response:
    """Sign in with a name and a password, and go on where one wanted to be."""
    settings = world().settings
    origin = browser.origin_for_people(settings)
    try:
        user, given = _given("user", "password")
        begun = sessions.sign_in(world(), user, given, visitor(), browser.address(settings))
    except (SignInRefused, TooManyAttempts) as error:
        return _refused("sign_in.html", error)
    return with_session(_onwards(), origin, begun)


@pages.get("/password")
def password() -> Response:
    """The form for a password of one's own."""
    return _form("password.html")


@pages.post("/password")
def set_password() -> Response:
    """Set a password, with the present one or with a one-time code, and go on."""
    settings = world().settings
    origin = browser.origin_for_people(settings)
    user, present, new, again = _given("user", "password", "new_password", "again")
    if new != again:
        return _form(
            "password.html",
            422,
            why=t("De twee nieuwe wachtwoorden zijn niet gelijk.", "The two new passwords differ."),
        )
    try:
        begun = sessions.set_password(world(), user, present, new, visitor(), browser.address(settings))
    except BadInput:
        rule = t(
            "Dit wachtwoord mag niet: neem er een van 12 tekens of meer, van genoeg verschillende, zonder uw naam.",
            "This cannot be a password: take one of 12 characters or more, enough of them different, not your name.",
        )
        return _form("password.html", 422, why=rule)
    except (SignInRefused, TooManyAttempts) as error:
        return _refused("password.html", error)
    return with_session(_onwards(), origin, begun)


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session, everywhere."""
    sessions.sign_out(world(), g.asker)
    response = to("door.sign_in", ended=1)
    browser.forget(response, browser.origin_for_people(world().settings), browser.COOKIE)
    return response


@pages.post("/stay")
def stay() -> Response:
    """Stay signed in: that this is asked puts off the end of the session."""
    return Response(status=204) if asked_by_script() else _onwards()


@pages.post("/language")
def language() -> Response:
    """Choose a language, and stay where one was."""
    chosen = "en" if request.form.get("language") == "en" else "nl"
    response = _onwards()
    secure = (browser.own_origin(world().settings) or "").startswith("https:")
    response.set_cookie(LANGUAGE, chosen, LANGUAGE_SECONDS, secure=secure, httponly=True, samesite="Lax", path="/desk")
    return response


def _given(*names: str) -> list[str]:
    return [request.form.get(name, "") for name in names]


def _wanted() -> str:
    """Where to go on: a path of this server, or the first page."""
    try:
        found = oidc.local_path(request.values.get("next", "")[:NEXT_MOST])
    except BadInput:  # whoever signs in is let in, wherever they came from
        return "/desk"
    return found if found.startswith("/desk") else "/desk"


def _onwards() -> Response:
    return Response(status=303, headers={"Location": _wanted()})


def _form(template: str, status: int = 200, why: str | None = None) -> Response:
    user = request.form.get("user", "")
    logins = sorted(oidc.logins(world())) if template == "sign_in.html" else []
    ended = "ended" in request.args
    return page(template, status, next=_wanted(), user=user, why=why, logins=logins, ended=ended)


def _refused_elsewhere(kind: str | None) -> str | None:
    """Why somebody comes back from an issuer without a session."""
    if kind is None:
        return None
    if kind == "IssuerUnavailable":
        return t(
            "De dienst waar u zich aanmeldt antwoordt niet. Probeer het over een minuut weer.",
            "The service where you sign in does not answer. Try again in a minute.",
        )
    return t(
        "Het aanmelden daar lukte niet, of uw account mag hier niets. Probeer het opnieuw, of vraag de beheerder.",
        "Signing in there did not succeed, or your account may do nothing here. Try again, or ask the operator.",
    )


def _refused(template: str, error: SignInRefused | TooManyAttempts) -> Response:
    if isinstance(error, TooManyAttempts):
        seconds = error.seconds
        why = t(
            f"Er is te vaak geprobeerd. Deze poging is niet bekeken; probeer het over {seconds} seconden weer.",
            f"There were too many tries. This one was not looked at; try again in {seconds} seconds.",
        )
        return _form(template, 429, why)
    why = t(
        "De naam of het wachtwoord klopt niet, of dit account mag niet aanmelden.",
        "The name or the password is not right, or this account may not sign in.",
    )
    return _form(template, 401, why)
