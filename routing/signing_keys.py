"""What issuers say of themselves, their public keys and where people sign in: fetched with limits, kept for a while and
fetched again when it changed; and the tokens that they give for what somebody brings back from there."""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from routing import strictjson
from routing.errors import BadInput, WegwijsError
from routing.feeding.fetching import Asking, NotFetched, fetch
from routing.issuers import Issuer
from routing.other_servers import refused_address

FRESH = timedelta(minutes=15)
"""So long keys are used without asking whether the issuer withdrew one."""

KEPT_MOST = timedelta(hours=24)
"""So long they are used when the issuer does not answer."""

ASKED_EVERY = timedelta(seconds=30)
"""An issuer is not asked more often than this, whatever tokens come in."""

BYTES_MOST = 262_144
KEYS_MOST = 100
RSA_BITS_LEAST = 2_048

log = logging.getLogger("wegwijs.tokens")


class IssuerUnavailable(WegwijsError):
    """Whether a token is right cannot be told now, because its issuer does not give its keys: nobody is let in."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of an issuer, by its id, and the algorithms with which it may have signed."""

    id: str | None
    algorithms: frozenset[str]
    key: Key


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where people sign in at an issuer, and where what they bring back is changed for tokens; whether it says itself,
    in what they bring back, that it was the one (RFC 9207)."""

    authorization: str
    token: str
    names_itself: bool


@dataclass(slots=True)
class KeyRing:
    """The keys of one issuer as this process knows them: when they were fetched, when that was last tried, and whether
    that failed; and the same of where people sign in there."""

    issuer: Issuer
    keys: tuple[PublicKey, ...] | None = None
    fetched_at: datetime | None = None
    tried_at: datetime | None = None
    failed: bool = False
    endpoints: Endpoints | None = None
    endpoints_at: datetime | None = None
    endpoints_tried_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def keys_for(ring: KeyRing, key_id: str | None, algorithm: str, now: datetime) -> list[PublicKey]:
    """The keys of an issuer with which a token may be signed that names `key_id` and `algorithm`; none if there is no
    such key. A token that names no key may be of any that fits. Raises IssuerUnavailable."""
    if ring.fetched_at is None or not _within(ring.fetched_at, now, FRESH):
        _refresh(ring, now)
    if not (found := _fitting(ring, key_id, algorithm, now)):
        _refresh(ring, now)  # the issuer may have another key since
        found = _fitting(ring, key_id, algorithm, now)
        if not found and ring.failed:
            raise IssuerUnavailable(f"{ring.issuer.issuer} does not answer, and the key of this token is not known")
    return found


def endpoints_of(ring: KeyRing, now: datetime) -> Endpoints:
    """Where people sign in at an issuer, as its discovery document says. Raises IssuerUnavailable."""
    fresh = _within(ring.endpoints_at, now, FRESH)
    # a thread that waits does nothing else: one asks, and an issuer that is silent holds the others for a second
    if not fresh and not _within(ring.endpoints_tried_at, now, ASKED_EVERY) and ring.lock.acquire(timeout=1.0):
        try:
            if not _within(ring.endpoints_tried_at, now, ASKED_EVERY):
                _ask_for_endpoints(ring, now)
        finally:
            ring.lock.release()
    if ring.endpoints is None or not _within(ring.endpoints_at, now, KEPT_MOST):
        raise IssuerUnavailable(f"{ring.issuer.issuer} does not say where people sign in")
    return ring.endpoints


def _ask_for_endpoints(ring: KeyRing, now: datetime) -> None:
    try:
        ring.endpoints, ring.endpoints_at = _endpoints(ring.issuer), now
    except (NotFetched, BadInput, _UnusableError) as error:
        log.warning("where people sign in at %s is not known: %s", ring.issuer.issuer, error)
    ring.endpoints_tried_at = now


def _within(then: datetime | None, now: datetime, span: timedelta) -> bool:
    # a clock that stepped back says nothing about how long ago that was
    return then is not None and timedelta(0) <= now - then < span


def _fitting(ring: KeyRing, key_id: str | None, algorithm: str, now: datetime) -> list[PublicKey]:
    keys = ring.keys
    if keys is None or not _within(ring.fetched_at, now, KEPT_MOST):
        raise IssuerUnavailable(f"{ring.issuer.issuer} does not answer, and none of its keys are known")
    named = [each for each in keys if key_id is None or each.id == key_id]
    return [each for each in named if algorithm in each.algorithms]


def _refresh(ring: KeyRing, now: datetime) -> None:
    """Ask the issuer for its keys, unless that was just done. One thread asks; the others go on with what is known, and
    wait only where nothing ever was."""
    if _within(ring.tried_at, now, ASKED_EVERY):
        return
    wait = 2.0 * ring.issuer.timeout_seconds if ring.tried_at is None else 0.0
    if not ring.lock.acquire(timeout=wait):
        return
    try:
        if _within(ring.tried_at, now, ASKED_EVERY):
            return
        try:
            ring.keys, ring.fetched_at, ring.failed = _fetched(ring.issuer), now, False
        except (NotFetched, BadInput, _UnusableError) as error:
            ring.failed = True
            log.warning("the keys of %s could not be fetched: %s", ring.issuer.issuer, error)
        ring.tried_at = now
    finally:
        ring.lock.release()


# -- fetching ---------------------------------------------------------------------------------------------------------


class _UnusableError(Exception):
    """What an issuer sent holds nothing that can be used."""


def _fetched(issuer: Issuer) -> tuple[PublicKey, ...]:
    """The keys that `issuer` publishes now. Raises NotFetched, BadInput, _UnusableError."""
    keys = _document(issuer, issuer.keys_url or _keys_url(issuer)).get("keys")
    if not isinstance(keys, list) or len(keys) > KEYS_MOST:
        raise _UnusableError("what it sent is not a set of keys")
    found = [each for each in map(_public_key, keys) if each is not None]
    if not found:
        raise _UnusableError("it publishes no key that can be used")
    return tuple(found)


def _keys_url(issuer: Issuer) -> str:
    return _address(issuer, _discovered(issuer), "jwks_uri")


def _discovered(issuer: Issuer) -> Mapping[str, Any]:
    said = _document(issuer, issuer.issuer.removesuffix("/") + "/.well-known/openid-configuration")
    if said.get("issuer") != issuer.issuer:
        raise _UnusableError("its discovery document names another issuer")
    return said


def _address(issuer: Issuer, said: Mapping[str, Any], name: str) -> str:
    url = said.get(name)
    if not isinstance(url, str) or refused_address(url, allow_http=issuer.allow_http):
        raise _UnusableError(f"its discovery document names no address that may be asked (`{name}`)")
    return url


def _endpoints(issuer: Issuer) -> Endpoints:
    said = _discovered(issuer)
    names_itself = said.get("authorization_response_iss_parameter_supported") is True
    authorization, token = (_address(issuer, said, name) for name in ("authorization_endpoint", "token_endpoint"))
    return Endpoints(authorization, token, names_itself)


def tokens_for(
    issuer: Issuer, url: str, form: Mapping[str, str], credentials: tuple[str, str] | None
) -> Mapping[str, Any]:
    """What the token endpoint `url` of an issuer gives for `form`, to the client with these credentials (RFC 6749,
    2.3.1). Raises NotFetched with what it answered, IssuerUnavailable."""
    headers = {}
    if credentials is not None:
        both = ":".join(quote_plus(part) for part in credentials)
        headers["Authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
    try:
        return _document(issuer, url, urlencode(form).encode(), headers)
    except (_UnusableError, BadInput) as error:
        raise IssuerUnavailable(f"the token endpoint of {issuer.issuer}: {error}") from None


def _document(
    issuer: Issuer, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    sent = {"Accept": "application/json", **(headers or {})}
    asking = Asking(url, sent, float(issuer.timeout_seconds), BYTES_MOST, form=form)
    with fetch(asking, time.monotonic) as answer:
        found = strictjson.parse(answer.stream.read()) if answer.stream is not None else None
    if not isinstance(found, Mapping):
        raise _UnusableError("what it sent is not a document")
    return found


# -- reading ----------------------------------------------------------------------------------------------------------

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"Ed25519"}),
}


def _public_key(given: Any) -> PublicKey | None:
    """The public key that `given` describes, None if it is none that may sign tokens: not every key in a set is, and
    one of a kind that is not known must not hide the others."""
    if not isinstance(given, Mapping) or "d" in given or given.get("use", "sig") != "sig":
        return None
    if not isinstance(uses := given.get("key_ops", ["verify"]), list) or "verify" not in uses:
        return None
    algorithms, key_id = _algorithms(given), given.get("kid")
    if not algorithms or not (key_id is None or isinstance(key_id, str)):
        return None
    wanted: Sequence[str] = ("kty", "n", "e", "crv", "x", "y")
    try:
        return PublicKey(key_id, algorithms, import_key({name: given[name] for name in wanted if name in given}))
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _algorithms(given: Mapping[str, Any]) -> frozenset[str]:
    kind = given.get("kty")
    if kind == "RSA":
        able = _RSA if _bits(given.get("n")) >= RSA_BITS_LEAST else frozenset[str]()
    else:
        able = _CURVES.get((str(kind), str(given.get("crv"))), frozenset())
    return able & {given["alg"]} if isinstance(given.get("alg"), str) else able


def _bits(number: Any) -> int:
    try:
        return int.from_bytes(base64.urlsafe_b64decode(f"{number}==")).bit_length()
    except (binascii.Error, ValueError):
        return 0
