"""An issuer of tokens on this machine: discovery document, public keys, sign-in, a token endpoint, with real keys."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from routing import signing_keys
from routing.feeding.fetching import fetch

AUDIENCE = "https://wegwijs.example"
SECRETS = {"desk": "secret of the desk", "ward": "secret of the ward", "wegwijs-desk": "secret: of the login/1"}
"""Client -> its secret, for the token endpoint."""

CONFIGURED = """
issuers:
  - issuer: {url}
    audience: ["{audience}"]
    timeout_seconds: 30
    roles:
      zcc-triage: [triagist]
      rav: [ambulance]
      ward: [facility]
      doctor: [medical_manager]
      control: [auditor]
      admin: [operator]
    claims:
      roles: [realm_access, roles]
      organisation: org
      facilities: places
"""
"""What a server is told of it; `wrong` is a name that means nothing here."""

LOGIN = """
    login: {{name: {name}, client_id: wegwijs-desk, secret: TEST_LOGIN_SECRET}}
"""
"""What a server is told besides, so that people can sign in there."""

NAMES = {
    "triagist": "zcc-triage",
    "ambulance": "rav",
    "facility": "ward",
    "medical_manager": "doctor",
    "auditor": "control",
    "operator": "admin",
}
"""Role here -> its name at the issuer."""


class Issuer:
    """What it publishes and how it behaves can be changed at will; `asked` counts requests by path."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self.url, self.clock = url, clock
        self.published: list[dict[str, Any]] = []
        self.said_issuer: str | None = None
        self.broken: bytes | int | None = None
        self.silent = threading.Event()
        self.silent.set()
        self.asked: list[str] = []
        self.person: dict[str, Any] | None = {"sub": "jan", "roles": ["triagist"]}
        self.names_itself = False
        self.codes_count_once = True
        self.codes: dict[str, dict[str, str]] = {}
        self.changed: dict[str, Any] = {}
        self.head: dict[str, Any] = {}
        self.signing: Key | None = None
        self.key: Key = self.add_key("k1")

    def add_key(self, name: str, key: Key | None = None, **changes: Any) -> Key:
        """Publish a key, by default a new one on P-256."""
        made = key or ECKey.generate_key("P-256")
        self.published.append({**made.as_dict(private=False), "kid": name, "use": "sig", "alg": "ES256", **changes})
        return made

    def rotate(self, name: str) -> None:
        """Sign with a new key from now on, and withdraw the former ones."""
        self.published.clear()
        self.key = self.add_key(name)

    def claims(self, *roles: str, **changes: Any) -> dict[str, Any]:
        """What a token says of a client with these roles; a change to None leaves a claim out."""
        now = int(self.clock())
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "desk",
            "client_id": "desk",
            "iat": now,
            "exp": now + 300,
            "realm_access": {"roles": [NAMES.get(role, role) for role in roles]},
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, *roles: str, header: dict[str, Any] | None = None, key: Key | None = None, **changes: Any) -> str:
        """A token for a client with these roles."""
        return self.sign(self.claims(*roles, **changes), header, key)

    def sign(self, claims: dict[str, Any], header: dict[str, Any] | None = None, key: Key | None = None) -> str:
        """`claims` as a token, signed with `key` (the present one)."""
        head = {"alg": "ES256", "kid": self.published[-1]["kid"], "typ": "at+jwt", **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        signing = key or self.key
        return jwt.encode(head, claims, signing, algorithms=[head["alg"]], default_type=None)

    def answer(self, path: str) -> tuple[int, Any]:
        """What is at `path`."""
        if path == "/.well-known/openid-configuration":
            named = self.said_issuer or self.url
            return 200, {
                "issuer": named,
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint": f"{self.url}/token",
                "authorization_endpoint": f"{self.url}/authorize",
                "authorization_response_iss_parameter_supported": self.names_itself,
            }
        return (200, {"keys": self.published}) if path == "/keys" else (404, {})

    def authorize(self, asked: dict[str, str]) -> str:
        """Where a browser is sent once the person at it signed in, or did not (RFC 6749, 4.1)."""
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        said = {"state": asked["state"], "session_state": "x.y", **({"iss": self.url} if self.names_itself else {})}
        if self.person is None:
            return f"{asked['redirect_uri']}?{urlencode({**said, 'error': 'access_denied'})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({**said, 'code': code})}"

    def exchange(self, client: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """An ID token for a code, if all that must fit does (RFC 6749, 4.1.3; RFC 7636, 4.6)."""
        given = {name: values[0] for name, values in form.items()}
        code = given.get("code", "")
        asked = self.codes.pop(code, None) if self.codes_count_once else self.codes.get(code)
        challenge = base64.urlsafe_b64encode(sha256(given.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if (
            asked is None
            or (asked["client_id"], asked["redirect_uri"]) != (client, given.get("redirect_uri"))
            or (asked["code_challenge"], asked["code_challenge_method"]) != (challenge.decode(), "S256")
        ):
            return 400, {"error": "invalid_grant"}
        assert self.person is not None
        person = dict(self.person)
        claims = self.claims(*person.pop("roles"), aud=client, client_id=None, azp=client, nonce=asked["nonce"])
        claims |= {**person, **self.changed}
        said = {name: value for name, value in claims.items() if value is not None}
        token = self.sign(said, {"typ": "JWT", **self.head}, self.signing)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": token}

    def grant(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """The answer of the token endpoint (RFC 6749, 4.1.3 and 4.4)."""
        encoded = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        client, _, secret = map(unquote_plus, encoded.partition(":"))
        public = not authorization and form.get("client_id") == ["public"]
        if SECRETS.get(client) != secret and not public:
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") == ["authorization_code"]:
            return self.exchange("public" if public else client, form)
        if form.get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        roles = form.get("scope", [""])[0].split()
        token = self.token(*roles, sub=client, client_id=client)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 300}


@contextmanager
def silent(issuer: Issuer) -> Iterator[None]:
    """Within the block `issuer` takes what it is asked and says nothing; whoever asks gives up after a second."""
    with pytest.MonkeyPatch.context() as patch:
        hasty = lambda asking, elapsed: fetch(replace(asking, timeout_seconds=1.0), elapsed)  # noqa: E731
        patch.setattr(signing_keys, "fetch", hasty)
        issuer.silent.clear()
        try:
            yield
        finally:
            issuer.silent.set()


@contextmanager
def running(clock: Callable[[], float]) -> Iterator[Issuer]:
    """An issuer that answers until the block ends; `clock` gives seconds since 1970."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}", clock)
    server.issuer = issuer  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.silent.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        issuer = self.server.issuer  # type: ignore[attr-defined]
        issuer.asked.append(self.path.partition("?")[0])
        issuer.silent.wait()
        if self.path.startswith("/authorize?"):
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            self._send(302, b"", Location=issuer.authorize(asked))
            return
        if isinstance(issuer.broken, int):
            self._send(issuer.broken, b"")
        elif issuer.broken is not None:
            self._send(200, issuer.broken)
        else:
            status, body = issuer.answer(self.path)
            self._send(status, json.dumps(body).encode())

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = parse_qs(self.rfile.read(length).decode())
        issuer = self.server.issuer  # type: ignore[attr-defined]
        issuer.asked.append(self.path)
        issuer.silent.wait()
        status, body = issuer.grant(self.headers.get("Authorization", ""), form)
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked did not wait
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
