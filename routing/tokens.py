"""Who it is that shows a token of an issuer that is believed here: an OAuth 2 access token, signed, as JWT (RFC 9068).

Every token is held against all of: its length, its form, the issuer, the algorithm, the type, a key of that issuer, the
signature, its times, and for whom it is meant. What does not hold is refused; where that cannot be told nobody gets in.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from routing import strictjson
from routing.api_keys import client_of, note_use
from routing.errors import BadInput, WegwijsError
from routing.issuers import Claim, Issuer, Login, read_issuers
from routing.log.access import opaque_id
from routing.rights import Asker
from routing.signing_keys import KeyRing, keys_for
from routing.store import database, keys
from routing.world import World

CHARACTERS_MOST = 8_000
SKEW = timedelta(seconds=60)
"""So much the clocks of an issuer and of this server may differ."""

_HEADER_BYTES_MOST = 4_096
ID_TOKEN = ("JWT",)
"""What an ID token may say of its type."""


class BadToken(WegwijsError):
    """A token that is not believed; says why, and nothing of what stands in it."""


def looks_like_token(text: str) -> bool:
    """Whether `text` has the form of a token (three parts, of which the first is an object), which no API key that was
    made here has."""
    return text.startswith("e") and text.count(".") == 2


def trusts_issuers(world: World) -> bool:
    """Whether any tokens are believed here at all."""
    return world.settings.issuers is not None


def check_issuers(world: World) -> None:
    """See that the file of issuers can be read, if there is one. Raises BadData."""
    rings_of(world)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token that is believed says: whose it is, its client there, and what that may do here."""

    issuer: str
    client: str
    roles: frozenset[str]
    facilities: frozenset[str] | None
    organisation: str | None
    user: str | None


def read_token(world: World, text: str) -> Shown:
    """What the token `text` says, if it is believed; nothing is noted. Raises BadToken, IssuerUnavailable,
    StoreUnavailable."""
    return _read(world, text, world.clock())[0]


def asker_of_token(world: World, text: str) -> Asker:
    """Who comes with the token `text`: the client, by an id of this server's own, with the roles that the token gives.
    Raises BadToken, IssuerUnavailable, StoreUnavailable."""
    now = world.clock()
    shown, known = _read(world, text, now)
    if known is None:
        with database.writing(world.engine) as connection:
            known = client_of(connection, shown.issuer, shown.client, shown.client, now)
    note_use(world, known.key.id, known.used_at, now)
    of_it = (shown.roles, shown.facilities, shown.organisation, shown.user)
    return Asker(str(known.key.id), known.key.label, *of_it)


def _read(world: World, text: str, now: datetime) -> tuple[Shown, keys.Kept | None]:
    """What a token says, and what is known of its client if that ever came."""
    issuer, claims = _claims(text, rings_of(world), now)
    meant = claims.get("aud")
    if not set(_words(meant) if isinstance(meant, list) else [meant]) & set(issuer.audience):
        raise BadToken("The token is not meant for this server (`aud`).")
    shown = _shown(issuer, claims, _client(issuer, claims))
    with database.reading(world.engine) as connection:
        known = keys.read_client(connection, shown.issuer, shown.client)
    if known is not None and known.revoked_at is not None:
        raise BadToken("The client of this token was shut out here.")
    return shown, known


def believes(world: World, issuer: str | None) -> bool:
    """Whether tokens of this issuer are believed here now."""
    return issuer in rings_of(world)


def rings_of(world: World) -> Mapping[str, KeyRing]:
    """The issuers that are believed, each with its keys, by name."""
    path = world.settings.issuers

    def made() -> Mapping[str, KeyRing]:
        return {} if path is None else {each.issuer: KeyRing(each) for each in read_issuers(path)}

    rings: Mapping[str, KeyRing] = world.issuers.once(path, made)
    return rings


def _shown(issuer: Issuer, claims: Mapping[str, Any], client: str) -> Shown:
    roles = _roles(issuer, claims)
    return Shown(
        issuer=issuer.issuer,
        client=client,
        roles=roles,
        facilities=_facilities(issuer, claims, roles),
        organisation=_organisation(issuer, claims),
        user=_user(issuer, claims, client),
    )


def read_id_token(ring: KeyRing, login: Login, text: str, nonce: str, now: datetime) -> Shown:
    """What an ID token says of a person who signed in at an issuer, as it was fetched there (OpenID Connect Core,
    3.1.3.7): it must be of this issuer, for us and nobody else, and made for this very sign-in. Raises BadToken,
    IssuerUnavailable."""
    issuer, claims = _claims(text, {ring.issuer.issuer: ring}, now, ID_TOKEN)
    meant, party = claims.get("aud"), claims.get("azp")
    if meant not in (login.client_id, [login.client_id]):
        raise BadToken("The ID token is not meant for this server alone (`aud`).")
    if party not in (None, login.client_id):
        raise BadToken("The ID token was made for another client (`azp`).")
    if not isinstance(said := claims.get("nonce"), str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise BadToken("The ID token was made for another sign-in (`nonce`).")
    if _seconds(claims, "iat") is None:
        raise BadToken("The ID token does not say when it was made (`iat`).")
    shown = _shown(issuer, claims, login.client_id)
    if shown.user is None:
        raise BadToken("The ID token does not say who signed in (`sub`).")
    return shown


# -- whether it is believed -------------------------------------------------------------------------------------------


def _claims(
    text: str, rings: Mapping[str, KeyRing], now: datetime, types: tuple[str, ...] | None = None
) -> tuple[Issuer, Mapping[str, Any]]:
    """The issuer of a token and what it says, after all was found right but for whom it is meant; `types` are those
    that it may be of, if they are not those of the issuer. Raises BadToken, IssuerUnavailable."""
    if len(text) > CHARACTERS_MOST:
        raise BadToken(f"The token is longer than {CHARACTERS_MOST:,} characters.")
    registry = jws.JWSRegistry(algorithms=None, strict_check_header=False)
    registry.max_header_length = _HEADER_BYTES_MOST
    try:
        token = jws.extract_compact(text.encode(), registry=registry)
        header, claims = token.headers(), strictjson.parse(token.payload or b"")
    except (JoseError, strictjson.NotJson, ValueError, TypeError, AttributeError, RecursionError):
        raise BadToken("The token is not a signed JWT.") from None
    if not isinstance(header, Mapping) or not isinstance(claims, Mapping):
        raise BadToken("The token is not a signed JWT.")
    ring = rings.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
    if ring is None:
        raise BadToken("The issuer of the token (`iss`) is not one that this server believes.")
    issuer = ring.issuer
    algorithm, key_id = _named(issuer, header, types or tuple(issuer.types))
    # `jku`, `x5u`, `jwk` and `x5c` say where the key of a token is to be found: nobody looks there
    registry.allowed = [algorithm]
    candidates = keys_for(ring, key_id, algorithm, now)
    if not any(_signed(token, each.key, registry) for each in candidates):
        what = (
            "The signature of the token is not right." if candidates else "The key of the token (`kid`) is not known."
        )
        raise BadToken(what)
    _check_times(issuer, claims, now)
    return issuer, claims


def _named(issuer: Issuer, header: Mapping[str, Any], types: tuple[str, ...]) -> tuple[str, str | None]:
    """The algorithm and the id of the key that a token names. Raises BadToken."""
    algorithm, kind, key_id = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise BadToken(f"The token is not signed with one of {', '.join(issuer.algorithms)} (`alg`).")
    if kind is None and types == ID_TOKEN:
        kind = "JWT"  # what makes an ID token one stands in it, and many issuers name no type
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in {each.lower() for each in types}:
        what = "an ID token" if types == ID_TOKEN else "an access token"
        raise BadToken(f"The token is not {what}: its type (`typ`) is not one of {', '.join(types)}.")
    if "crit" in header or "b64" in header:
        raise BadToken("The token asks for extensions (`crit`) that are not understood here.")
    if not (key_id is None or isinstance(key_id, str)):
        raise BadToken("The key of the token (`kid`) is not a text.")
    return algorithm, key_id


def _signed(token: jws.CompactSignature, key: Any, registry: jws.JWSRegistry) -> bool:
    try:
        return jws.validate_compact(token, key, registry=registry)
    except (JoseError, ValueError, TypeError):
        return False


def _check_times(issuer: Issuer, claims: Mapping[str, Any], now: datetime) -> None:
    ends, begins, made = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
    moment, skew = now.timestamp(), SKEW.total_seconds()
    if ends is None:
        raise BadToken("The token says no end (`exp`).")
    if ends <= moment - skew:
        raise BadToken("The token has expired (`exp`).")
    if ends > moment + issuer.hours_most * 3600 + skew:
        raise BadToken(f"The token is valid for longer than {issuer.hours_most} hours (`exp`).")
    if any(each is not None and each > moment + skew for each in (begins, made)):
        raise BadToken("The token is not valid yet (`nbf`, `iat`).")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    given = claims.get(name)
    if given is not None and (isinstance(given, bool) or not isinstance(given, int | float)):
        raise BadToken(f"The token does not say a time in `{name}`.")
    return given


# -- what it says -----------------------------------------------------------------------------------------------------


def _claim(claims: Mapping[str, Any], claim: Claim) -> Any:
    found: Any = claims
    for name in [claim] if isinstance(claim, str) else claim:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _words(given: Any) -> list[str]:
    """The words of a claim: a list of them, or one text with spaces between."""
    if isinstance(given, str):
        return given.split()
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def _client(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    found = next((one for each in issuer.claims.client if (one := _claim(claims, each)) is not None), None)
    if not isinstance(found, str) or not 1 <= len(found) <= 200 or not found.isprintable():
        raise BadToken("The token does not name its client.")
    return found


def _roles(issuer: Issuer, claims: Mapping[str, Any]) -> frozenset[str]:
    named = _words(_claim(claims, issuer.claims.roles))
    return frozenset(role for name in named for role in issuer.roles.get(name, ()))


def _facilities(issuer: Issuer, claims: Mapping[str, Any], roles: frozenset[str]) -> frozenset[str] | None:
    """The places for which a token speaks. One with the role facility that names none speaks for none."""
    given = None if issuer.claims.facilities is None else _claim(claims, issuer.claims.facilities)
    if "facility" not in roles or (given is None and "operator" in roles):
        return None
    return frozenset(_words(given))


def _organisation(issuer: Issuer, claims: Mapping[str, Any]) -> str | None:
    given = None if issuer.claims.organisation is None else _claim(claims, issuer.claims.organisation)
    if given is None:
        return issuer.organisation
    if not isinstance(given, str) or not 1 <= len(given.strip()) <= 100 or not given.isprintable():
        raise BadToken("The token names an organisation that cannot be noted.")
    return given.strip()


def _user(issuer: Issuer, claims: Mapping[str, Any], client: str) -> str | None:
    """Who sits at the client, as it is noted; None where the client comes for itself."""
    subject = _claim(claims, issuer.claims.subject)
    if issuer.subjects == "none" or subject is None or subject == client:
        return None
    if not isinstance(subject, str) or not subject:
        raise BadToken("The subject of the token (`sub`) is not a text.")
    if issuer.subjects == "hashed":
        return subject_id(issuer.issuer, subject)
    try:
        return opaque_id("sub", subject)
    except BadInput:
        raise BadToken("The subject of the token (`sub`) cannot be noted as it is: it is not an id.") from None


def subject_id(issuer: str, subject: str) -> str:
    """How a subject of `issuer` is noted: always the same, and not to be read back.

    >>> subject_id("https://login.example", "jan")[:8]
    's.bd96c5'
    """
    return "s." + sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32]
