"""Signing in at an issuer that is believed here: OpenID Connect, authorization code with PKCE (RFC 7636, RFC 9700).

Whoever begins gets a secret in a cookie, of which everything else is made that must fit when they come back: the state,
the nonce and the proof for the code. So nothing is kept for people who never come back, and what one browser began
another cannot end. Coming back counts once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

import orjson

from routing import sessions
from routing.access_log import note
from routing.api_keys import client_of
from routing.errors import NotFound, SignInRefused, bad_input
from routing.feeding.fetching import NotFetched
from routing.issuers import Login
from routing.keys_here import keyring_of
from routing.log.sealing import fingerprint
from routing.rights import Asker
from routing.signing_keys import Endpoints, IssuerUnavailable, KeyRing, endpoints_of, tokens_for
from routing.store import database, keys
from routing.tokens import BadToken, Shown, read_id_token, rings_of
from routing.world import World

VALID = timedelta(minutes=10)
"""So long somebody may take to sign in at the issuer."""

_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,499}")
_AGAIN = "Begin again, in the same browser."


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is kept in the cookie of whoever went to an issuer: a secret, which login, when, and where to go then."""

    secret: str
    login: str
    at: int
    following: str

    def made(self, what: str) -> str:
        """A value that only who has the secret can make: 43 characters that may stand in an address."""
        found = hmac.new(self.secret.encode(), what.encode(), sha256).digest()
        return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def logins(world: World) -> tuple[str, ...]:
    """The names of the logins with which people can sign in elsewhere."""
    return tuple(sorted(ring.issuer.login.name for ring in rings_of(world).values() if ring.issuer.login is not None))


def check_logins(world: World) -> None:
    """See that the secrets of all logins are there. Raises BadData, and BadInput that names the variable that is not
    set."""
    for ring in rings_of(world).values():
        if ring.issuer.login is not None:
            _secret_of(ring.issuer.login)


def local_path(given: str | None) -> str:
    """Where somebody goes once signed in: a path here, and nothing that a browser takes for another site. Raises
    BadInput."""
    if given is None:
        return "/"
    if not _LOCAL_PATH.fullmatch(given):
        raise bad_input("next", "not_here", "is not a path of this server", allowed="a path like /desk, without a host")
    return given


# -- going there ------------------------------------------------------------------------------------------------------


def begin(world: World, name: str, origin: str, following: str) -> tuple[str, str]:
    """Where to send somebody who wants to sign in with the login `name` and then go to the path `following`, and what
    their browser must keep meanwhile. Raises NotFound, IssuerUnavailable."""
    ring, login = _login(world, name)
    endpoints = endpoints_of(ring, world.clock())
    began = Beginning(secrets.token_urlsafe(32), name, int(world.clock().timestamp()), following)
    challenge = base64.urlsafe_b64encode(sha256(began.made("verifier").encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": login.client_id,
        "redirect_uri": return_address(origin, name),
        "scope": " ".join(login.scopes),
        "state": began.made("state"),
        "nonce": began.made("nonce"),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    separator = "&" if "?" in endpoints.authorization else "?"
    return f"{endpoints.authorization}{separator}{urlencode(asked)}", _written(world, began)


def return_address(origin: str, name: str) -> str:
    """Where the issuer sends people back to; it must be registered there, letter by letter. Each login has its own, so
    that what one issuer gave is never taken to another."""
    return f"{origin}/v1/session/oidc/{name}/return"


def _login(world: World, name: str) -> tuple[KeyRing, Login]:
    for ring in rings_of(world).values():
        if ring.issuer.login is not None and ring.issuer.login.name == name:
            return ring, ring.issuer.login
    raise NotFound("login", name[:40])


def _secret_of(login: Login) -> tuple[str, str] | None:
    if login.secret is None:
        return None
    if not (value := os.environ.get(login.secret)):
        message = f"is not set, and the login `{login.name}` in the file of issuers takes its secret from there"
        raise bad_input(login.secret, "missing", message)
    return login.client_id, value


# -- what the browser keeps -------------------------------------------------------------------------------------------


def _written(world: World, began: Beginning) -> str:
    data = orjson.dumps([began.secret, began.login, began.at, began.following])
    return base64.urlsafe_b64encode(data).decode() + "." + _seal(world, data)


def _seal(world: World, data: bytes) -> str:
    return fingerprint(keyring_of(world).naming, b"sign in elsewhere", data)


def _read(world: World, name: str, kept: str | None, now: datetime) -> Beginning:
    """What a browser kept, if it is what we gave it for this login, lately. Raises SignInRefused."""
    encoded, _, seal = (kept or "").partition(".")
    try:
        data = base64.urlsafe_b64decode(encoded.encode())
    except (binascii.Error, ValueError):
        data = b""
    if not data or not hmac.compare_digest(seal.encode(), _seal(world, data).encode()):
        raise SignInRefused(f"This browser did not begin to sign in, or did so too long ago. {_AGAIN}")
    began = Beginning(*orjson.loads(data))
    if began.login != name:
        raise SignInRefused(f"This browser began to sign in elsewhere. {_AGAIN}")
    if not timedelta(0) <= now - datetime.fromtimestamp(began.at, now.tzinfo) <= VALID:
        raise SignInRefused(f"That took too long. {_AGAIN}")
    return began


# -- coming back ------------------------------------------------------------------------------------------------------


def finish(
    world: World, name: str, origin: str, kept: str | None, said: Mapping[str, str], visitor: Asker
) -> tuple[sessions.Begun, str]:
    """A session for whoever comes back with `said` from the issuer of the login `name`, in the browser that `kept` what
    `begin` gave it, and the path to go to. It is noted, also when the issuer's word does not let them in. Raises
    NotFound, SignInRefused, TooManyAttempts, IssuerUnavailable, StoreUnavailable."""
    ring, login = _login(world, name)
    began = _read(world, name, kept, world.clock())
    if not hmac.compare_digest(said.get("state", "").encode(), began.made("state").encode()):
        raise SignInRefused(f"What came back does not fit what this browser began (`state`). {_AGAIN}")
    with sessions.few_at_once(world):
        endpoints = endpoints_of(ring, world.clock())
        _check_sender(ring, endpoints, said)
        if "error" in said or not (code := said.get("code")):
            raise SignInRefused("The issuer let nobody in: it gave an error, or no code.")
        id_token = _id_token(ring, login, endpoints, code, return_address(origin, name), began.made("verifier"))
        try:
            shown = read_id_token(ring, login, id_token, began.made("nonce"), world.clock())
        except BadToken as error:
            _note_refused(world, ring, login, visitor)
            raise SignInRefused(str(error)) from None
        return _let_in(world, ring, login, shown, visitor, began.made("state")), began.following


def _check_sender(ring: KeyRing, endpoints: Endpoints, said: Mapping[str, str]) -> None:
    """Refuse what another issuer sent (RFC 9207): its code must not be shown to this one."""
    named = said.get("iss")
    if named != ring.issuer.issuer and (named is not None or endpoints.names_itself):
        raise SignInRefused(f"What came back is not of the issuer at which this browser began (`iss`). {_AGAIN}")


def _id_token(ring: KeyRing, login: Login, endpoints: Endpoints, code: str, redirect_uri: str, verifier: str) -> str:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": login.client_id,
        "code_verifier": verifier,
    }
    try:
        given = tokens_for(ring.issuer, endpoints.token, form, _secret_of(login))
    except NotFetched as error:
        if error.status is not None and 400 <= error.status < 500:
            raise SignInRefused(f"The issuer did not take the code that came back. {_AGAIN}") from None
        raise IssuerUnavailable(f"the token endpoint of {ring.issuer.issuer}: {error}") from None
    if not isinstance(found := given.get("id_token"), str):
        raise SignInRefused("The issuer gave no ID token.")
    return found


def _let_in(world: World, ring: KeyRing, login: Login, shown: Shown, visitor: Asker, state: str) -> sessions.Begun:
    who = replace(
        visitor,
        user=shown.user,
        roles=shown.roles,
        facilities=shown.facilities,
        organisation=shown.organisation,
    )
    if not shown.roles:
        _note_refused(world, ring, login, who)
        raise SignInRefused("The issuer gives this person no role that means anything here.")
    with database.writing(world.engine) as connection:
        client = _client(world, connection, ring, login)
        begun = None if client.revoked_at is not None else sessions.begin(world, connection, who, client, state=state)
    if begun is None:
        _note_refused(world, ring, login, who)
        raise SignInRefused(f"This was used before, or an operator ended signing in this way. {_AGAIN}")
    return begun


def _note_refused(world: World, ring: KeyRing, login: Login, who: Asker) -> None:
    with database.writing(world.engine) as connection:
        client = _client(world, connection, ring, login)
        note(connection, replace(who, key_id=str(client.key.id)), "sign_in", world.clock(), outcome="refused")


def _client(world: World, connection: database.Connection, ring: KeyRing, login: Login) -> keys.Kept:
    return client_of(connection, ring.issuer.issuer, login.client_id, login.client_id, world.clock())
