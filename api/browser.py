"""What is different when a browser asks: cookies, which it sends by itself, and whether our own page asks."""

from __future__ import annotations

import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Response, request

from api.problems import Refused
from routing.errors import SignInRefused
from routing.other_servers import loopback
from routing.sessions import csrf_of
from routing.settings import Settings

COOKIE = "__Host-wegwijs"
"""The cookie of a session. The beginning of its name makes a browser take it only over https, only from this very host
and for all its paths; on the machine itself, without https, it is the rest."""

SIGNING_IN = "__Host-wegwijs-login"
"""The cookie of whoever went to an issuer to sign in there."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, which a page of another site may make a browser ask; what comes of it that page cannot
read."""

_TEXT_MOST = 100


def own_origin(settings: Settings) -> str | None:
    """Where browsers find this server: as the operator said, or on the machine itself as it was asked. None is nowhere:
    a name in a request is whatever somebody wrote there."""
    if settings.public_url is not None:
        return settings.public_url
    host = urlsplit(request.host_url).hostname
    return request.host_url.rstrip("/") if host is not None and loopback(host) else None


def origin_for_people(settings: Settings) -> str:
    """The same where somebody signs in. Raises SignInRefused."""
    if (found := own_origin(settings)) is None:
        raise SignInRefused("Nobody can sign in at this address: an operator has to set WEGWIJS_PUBLIC_URL.")
    return found


# -- cookies ----------------------------------------------------------------------------------------------------------


def session_text(settings: Settings) -> str | None:
    """The secret of the session that the browser sent, if it sent one."""
    return cookie(settings, COOKIE)[:_TEXT_MOST] or None


def cookie(settings: Settings, name: str) -> str:
    """What the browser kept under this name; nothing where nobody can sign in."""
    origin = own_origin(settings)
    return "" if origin is None else request.cookies.get(_named(name, origin), "")


def keep(response: Response, origin: str, name: str, text: str, *, most: timedelta | None = None) -> None:
    """Let the browser keep `text`: until it is closed, or for so long at the most. `Lax`, because whoever comes back
    from an issuer, or by a link of other software, comes from another site and must be known all the same."""
    secure = origin.startswith("https:")
    age = None if most is None else int(most.total_seconds())
    response.set_cookie(_named(name, origin), text, age, secure=secure, httponly=True, samesite="Lax", path="/")


def forget(response: Response, origin: str, name: str) -> None:
    """Let the browser forget what it kept."""
    keep(response, origin, name, "", most=timedelta(0))


def _named(name: str, origin: str) -> str:
    return name if origin.startswith("https:") else name.removeprefix("__Host-")


# -- whose page it is -------------------------------------------------------------------------------------------------


def check_page(settings: Settings, text: str, shown: str | None = None) -> None:
    """Refuse a change under the session `text` that another site may have made this browser ask: a page of ours says
    what only it can read, in `Wegwijs-CSRF` or as `shown` in a form. Raises Refused."""
    check_origin(settings)
    given = request.headers.get("Wegwijs-CSRF", "") if shown is None else shown
    if not hmac.compare_digest(given.encode(), csrf_of(text).encode()):
        what = "is not that of this session" if given else "is missing"
        raise Refused("cross-site-request", f"A change under a session needs `Wegwijs-CSRF`; here it {what}.")


def check_origin(settings: Settings) -> None:
    """Refuse what a page of another site asks, as far as the browser says so. Raises Refused."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise Refused("cross-site-request", "The browser says that another site asks this (`Sec-Fetch-Site`).")
    if origin is not None and origin != own_origin(settings):
        raise Refused("cross-site-request", "The browser says that a page of another address asks this (`Origin`).")


def address(settings: Settings) -> str | None:
    """The address of the browser: of whoever connects, or as the servers before this one noted it, of which each adds
    one; what comes before these anybody can write."""
    noted = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if settings.proxies and noted:
        return noted[max(0, len(noted) - settings.proxies)]
    return request.remote_addr
