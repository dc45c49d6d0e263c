"""Signing in at an issuer: what somebody brings back counts once, in the browser that began, if all of it fits."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import http.client
import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey, RSAKey

from api import create_app
from routing import access_log, api_keys, oidc, sessions, tokens
from routing.errors import BadData, BadInput
from routing.issuers import read_issuers
from routing.service import World
from routing.world import Memory
from tests.api.conftest import AUDITOR, OWN, STEMI, Clock
from tests.api.test_bad_bodies import problem_of
from tests.issuer import AUDIENCE, CONFIGURED, LOGIN, SECRETS, Issuer, running, silent

Call = Callable[..., Any]
START = "/v1/session/oidc/zorg"
BACK = f"{START}/return"


@pytest.fixture
def issuer(clock: Clock) -> Iterator[Issuer]:
    with running(lambda: clock.now.timestamp()) as made:
        yield made


@pytest.fixture
def trusting(own_world: World, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`trusting(login, more)`: the world when people can sign in at the issuer."""
    monkeypatch.setenv("TEST_LOGIN_SECRET", SECRETS["wegwijs-desk"])

    def make(login: str = LOGIN.format(name="zorg"), more: str = "") -> World:
        path = tmp_path / "issuers.yaml"
        path.write_text(CONFIGURED.format(url=issuer.url, audience=AUDIENCE) + login + more)
        settings = own_world.settings.model_copy(update={"issuers": path})
        return dataclasses.replace(own_world, settings=settings, issuers=Memory())

    return make


@pytest.fixture
def world(trusting: Call) -> World:
    found: World = trusting()
    return found


@pytest.fixture
def desk(world: World) -> FlaskClient:
    """A browser."""
    return create_app(world=world).test_client()


def go(desk: FlaskClient, path: str = START) -> str:
    """Begin to sign in: the address at the issuer."""
    response = desk.get(path)
    assert (response.status_code, response.get_data()) == (303, b"")
    return str(response.headers["Location"])


def at_issuer(there: str) -> str:
    """Where the issuer sends the browser back to, from the address `there`."""
    parts = urlsplit(there)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        assert answer.status == 302
        return str(answer.headers["Location"])
    finally:
        connection.close()


def back(desk: FlaskClient, path: str = START) -> str:
    """Sign in at the issuer: the path and query with which it sends the browser back."""
    parts = urlsplit(at_issuer(go(desk, path)))
    assert f"{parts.scheme}://{parts.netloc}" == "http://localhost"
    return f"{parts.path}?{parts.query}"


def changed(address: str, **changes: str | None) -> str:
    """The same address with other parameters; None leaves one out."""
    parts = urlsplit(address)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return f"{parts.path}?{urlencode({name: value for name, value in said.items() if value is not None})}"


# -- as it should be --------------------------------------------------------------------------------------------------


def test_somebody_signs_in_at_the_issuer_decides_and_signs_out(desk: FlaskClient, world: World, issuer: Issuer) -> None:
    issuer.person = {"sub": "j.jansen@example.nl", "roles": ["triagist"], "org": "Meldkamer", "name": "Jan Jansen"}
    came = desk.get(back(desk, f"{START}?next=/desk?case=1"))
    assert (came.status_code, came.headers["Location"]) == (303, "/desk?case=1")
    told = desk.get("/v1/session").json
    person = tokens.subject_id(issuer.url, "j.jansen@example.nl")
    assert (told["user"], told["roles"], told["organisation"], told["login"]) == (
        person,
        ["triagist"],
        "Meldkamer",
        issuer.url,
    )
    page = {"Wegwijs-CSRF": told["csrf"]}
    assert desk.post("/v1/decisions", json=STEMI, headers=page).status_code == 201
    assert desk.delete("/v1/session", headers=page).status_code == 204
    seen = access_log.accesses(world, AUDITOR)["accesses"]
    assert [(each["event"], each["user"]["user"]) for each in seen] == [
        ("sign_out", person),
        ("create", person),
        ("sign_in", person),
    ]
    assert seen[-1]["source"]["call"] == "GET /v1/session/oidc/{login}/return"
    assert "jansen" not in json.dumps(seen).lower()
    (client,) = [each for each in api_keys.all_keys(world) if each["issuer"] == issuer.url]
    assert (client["client"], client["id"]) == ("wegwijs-desk", seen[0]["user"]["key"])


def test_what_is_asked_of_the_issuer_is_bound_to_this_browser_and_this_sign_in(
    desk: FlaskClient, world: World, issuer: Issuer
) -> None:
    asked = [{name: values[0] for name, values in parse_qs(urlsplit(go(desk)).query).items()} for _ in range(2)]
    for each in asked:
        assert each["redirect_uri"] == "http://localhost/v1/session/oidc/zorg/return"
        assert (each["response_type"], each["client_id"], each["scope"]) == ("code", "wegwijs-desk", "openid")
        assert each["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len({each[name] for each in asked}) == 2
        assert all(len(each[name]) == 43 for each in asked)
    kept = desk.get_cookie("wegwijs-login")
    assert kept is not None
    assert (kept.http_only, kept.same_site, kept.max_age) == (True, "Lax", 600)
    assert oidc.logins(world) == ("zorg",)


def test_at_the_public_address_issuer_and_cookies_know_that_address(trusting: Call) -> None:
    world = trusting()
    settings = world.settings.model_copy(update={"public_url": "https://wegwijs.example"})
    client = create_app(world=dataclasses.replace(world, settings=settings)).test_client()
    response = client.get(START, base_url="https://wegwijs.example")
    assert parse_qs(urlsplit(response.headers["Location"]).query)["redirect_uri"] == [f"https://wegwijs.example{BACK}"]
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-wegwijs-login=")
    assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie


def test_a_public_client_needs_no_secret(trusting: Call, issuer: Issuer) -> None:
    desk = create_app(world=trusting("\n    login: {name: zorg, client_id: public}\n")).test_client()
    assert desk.get(back(desk)).status_code == 303


def test_a_place_speaks_for_the_places_that_the_issuer_names(desk: FlaskClient, issuer: Issuer) -> None:
    issuer.person = {"sub": "ward", "roles": ["facility"], "places": [OWN]}
    desk.get(back(desk))
    told = desk.get("/v1/session").json
    assert told["facilities"] == [OWN]
    body = {"unit": "seh", "kind": "crowding", "value": 80, "observed_at": "2026-11-23T14:00:00Z", "source": "x"}
    page = {"Wegwijs-CSRF": told["csrf"]}
    for place, status in ((OWN, 202), ("meander-amersfoort", 403)):
        assert desk.post(f"/v1/facilities/{place}/status", json=body, headers=page).status_code == status


def test_an_issuer_that_is_believed_no_more_ends_the_sessions_of_its_people(
    desk: FlaskClient, world: World, own_world: World, issuer: Issuer
) -> None:
    desk.get(back(desk))
    text = desk.get_cookie("wegwijs")
    assert text is not None
    assert sessions.session_of(world, text.value) is not None
    assert sessions.session_of(own_world, text.value) is None
    (client,) = [each for each in api_keys.all_keys(world) if each["issuer"] == issuer.url]
    again = back(desk)
    api_keys.revoke_key(world, client["id"])
    assert desk.get("/v1/session").status_code == 401
    problem_of(desk.get(again), 403, "sign-in-refused")
    assert desk.get("/v1/session").status_code == 401


def test_who_has_no_role_here_is_not_let_in_and_that_is_noted(desk: FlaskClient, world: World, issuer: Issuer) -> None:
    issuer.person = {"sub": "jan", "roles": ["gardener"]}
    assert "no role" in problem_of(desk.get(back(desk)), 403, "sign-in-refused").detail
    assert desk.get("/v1/session").status_code == 401
    (event,) = access_log.accesses(world, AUDITOR)["accesses"]
    assert (event["event"], event["outcome"]) == ("sign_in", "refused")
    assert event["user"]["user"] == tokens.subject_id(issuer.url, "jan")


# -- where one goes then ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "desk", "",
     "/ok\\..\\x", "/a b", "/\t/evil.example", "/a\r\nSet-Cookie: x=y", "/" + "x" * 500, "/\x00"],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(elsewhere: str, desk: FlaskClient) -> None:
    refused = problem_of(desk.get(f"{START}?{urlencode({'next': elsewhere})}"), 422, "invalid-input")
    assert refused.errors[0].field == "next"
    assert "evil" not in json.dumps(refused.model_dump())


@pytest.mark.parametrize("here", ["/", "/desk", "/desk/cases?since=2026&x=//y#z", "/@evil.example", "/.//x"])
def test_a_path_here_is_where_one_goes(here: str, desk: FlaskClient) -> None:
    assert desk.get(back(desk, f"{START}?{urlencode({'next': here})}")).headers["Location"] == here
    assert desk.get(back(desk)).headers["Location"] == "/"


# -- another browser, another time, another issuer --------------------------------------------------------------------


def test_what_one_browser_began_another_cannot_end(desk: FlaskClient) -> None:
    """Else somebody would be signed in as who sent them the link, or that one as them."""
    began = back(desk)
    other = desk.application.test_client()
    assert "did not begin" in problem_of(other.get(began), 403, "sign-in-refused").detail
    go(other)
    assert "`state`" in problem_of(other.get(began), 403, "sign-in-refused").detail
    assert other.get("/v1/session").status_code == 401
    assert desk.get(began).status_code == 303


def test_what_came_back_counts_once(desk: FlaskClient, issuer: Issuer) -> None:
    for lax in (False, True):
        issuer.codes_count_once = not lax
        began, kept = back(desk), desk.get_cookie("wegwijs-login")
        assert kept is not None
        assert desk.get(began).status_code == 303
        assert desk.get_cookie("wegwijs-login") is None
        problem_of(desk.get(began), 403, "sign-in-refused")
        thief = desk.application.test_client()
        thief.set_cookie("wegwijs-login", kept.value)  # all that was in the address and in the browser
        said = problem_of(thief.get(began), 403, "sign-in-refused").detail
        assert ("used before" if lax else "did not take the code") in said
        assert thief.get("/v1/session").status_code == 401


def test_a_person_whom_the_issuer_did_not_let_in_reads_a_page_and_comes_back_to_the_door(
    desk: FlaskClient, issuer: Issuer
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    refused = desk.get(changed(back(desk), state="another"), headers=browser)
    assert (refused.status_code, refused.location) == (303, "/desk/sign-in?refused=SignInRefused")
    assert "lukte niet" in desk.get(refused.location).text
    began = back(desk)
    with silent(issuer):
        away = desk.get(began, headers=browser)
    assert (away.status_code, away.location) == (303, "/desk/sign-in?refused=IssuerUnavailable")
    assert "antwoordt niet" in desk.get(away.location).text


def test_what_took_too_long_does_not_count(desk: FlaskClient, clock: Clock) -> None:
    began = back(desk)
    clock.forward(minutes=10, seconds=1)
    assert "too long" in problem_of(desk.get(began), 403, "sign-in-refused").detail


@pytest.mark.parametrize("kept", ["", "x", "e30=.x", "\u20ac", "W10=." + "0" * 64])
def test_what_a_browser_made_up_does_not_count(kept: str, desk: FlaskClient) -> None:
    began = back(desk)
    desk.set_cookie("wegwijs-login", kept)
    problem_of(desk.get(began), 403, "sign-in-refused")


def test_no_byte_of_what_the_browser_keeps_can_be_changed(desk: FlaskClient, issuer: Issuer) -> None:
    began, kept = back(desk), desk.get_cookie("wegwijs-login")
    assert kept is not None
    asked = len(issuer.asked)
    for at in range(0, len(kept.value), 7):
        other = "A" if kept.value[at] != "A" else "B"
        desk.set_cookie("wegwijs-login", kept.value[:at] + other + kept.value[at + 1 :])
        problem_of(desk.get(began), 403, "sign-in-refused")
    assert len(issuer.asked) == asked, "nobody was asked"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": None},
        {"state": ""},
        {"state": "x" * 43},
        {"code": None},
        {"code": "made up"},
        {"error": "server_error"},
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, str | None], desk: FlaskClient) -> None:
    began = back(desk)
    problem_of(desk.get(changed(began, **changes)), 403, "sign-in-refused")
    doubled = f"{began}&state={parse_qs(urlsplit(began).query)['state'][0]}"
    problem_of(desk.get(doubled), 403, "sign-in-refused")
    assert desk.get("/v1/session").status_code == 401


def test_who_does_not_sign_in_there_is_not_signed_in_here(desk: FlaskClient, issuer: Issuer) -> None:
    issuer.person = None
    assert "error" in problem_of(desk.get(back(desk)), 403, "sign-in-refused").detail


def test_what_another_issuer_gave_is_never_shown_to_this_one(
    trusting: Call, issuer: Issuer, clock: Clock, tmp_path: Path
) -> None:
    """A mix-up (RFC 9700, 4.4): the browser began at one issuer and comes back from another."""
    issuer.names_itself = True
    with running(lambda: clock.now.timestamp()) as evil:
        world = trusting()
        second = CONFIGURED.format(url=evil.url, audience=AUDIENCE).replace("\nissuers:", "")
        path = world.settings.issuers
        path.write_text(path.read_text() + second + LOGIN.format(name="evil"))
        desk = create_app(world=world).test_client()
        evil.names_itself = True
        began = back(desk)
        asked = len(issuer.asked)
        for wrong in (changed(began, iss=evil.url), changed(began, iss=None), changed(began, iss="")):
            assert "`iss`" in problem_of(desk.get(wrong), 403, "sign-in-refused").detail
        elsewhere = began.replace("/oidc/zorg/", "/oidc/evil/")
        assert "elsewhere" in problem_of(desk.get(elsewhere), 403, "sign-in-refused").detail
        assert len(issuer.asked) == asked
        assert "/token" not in evil.asked
        assert desk.get(began).status_code == 303
        assert "/token" not in evil.asked


def test_a_login_that_there_is_not_is_not_found(desk: FlaskClient, own_world: World) -> None:
    for path in ("/v1/session/oidc/other", "/v1/session/oidc/other/return", "/v1/session/oidc/%E2%82%AC"):
        problem_of(desk.get(path), 404, "not-found")
    problem_of(create_app(world=own_world).test_client().get(START), 404, "not-found")


# -- the ID token -----------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://elsewhere.example"}, "iss"),
    "no issuer": ({"iss": None}, "iss"),
    "for another client": ({"aud": "another"}, "aud"),
    "for us and another": ({"aud": ["wegwijs-desk", "another"]}, "aud"),
    "for an API": ({"aud": AUDIENCE}, "aud"),
    "for nobody": ({"aud": None}, "aud"),
    "made for another client": ({"azp": "another"}, "azp"),
    "made for no text": ({"azp": ["wegwijs-desk"]}, "azp"),
    "another nonce": ({"nonce": "x" * 43}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "a nonce that is no text": ({"nonce": 7}, "nonce"),
    "no end": ({"exp": None}, "exp"),
    "an end that is no time": ({"exp": "tomorrow"}, "exp"),
    "made at no time": ({"iat": None}, "iat"),
    "nobody": ({"sub": None}, "sub"),
    "somebody who is no text": ({"sub": 7}, "sub"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_id_token_that_does_not_fit_lets_nobody_in(
    kind: str, desk: FlaskClient, world: World, issuer: Issuer
) -> None:
    issuer.changed, word = WRONG[kind]
    assert f"`{word}`" in problem_of(desk.get(back(desk)), 403, "sign-in-refused").detail
    assert desk.get("/v1/session").status_code == 401
    (event,) = access_log.accesses(world, AUDITOR)["accesses"]
    assert (event["event"], event["outcome"], event["user"]["user"]) == ("sign_in", "refused", None)


def test_clocks_may_differ_a_minute(desk: FlaskClient, issuer: Issuer, clock: Clock) -> None:
    now = int(clock.now.timestamp())
    for times, status in (
        ({"exp": now - 59}, 303),
        ({"exp": now - 60}, 403),
        ({"iat": now + 60, "exp": now + 300}, 303),
        ({"iat": now + 61, "exp": now + 300}, 403),
        ({"nbf": now + 61}, 403),
        ({"exp": now + 25 * 3600}, 403),
    ):
        issuer.changed = times
        assert desk.get(back(desk)).status_code == status, times


def test_an_id_token_without_a_type_is_one_and_an_access_token_is_none(desk: FlaskClient, issuer: Issuer) -> None:
    for kind, status in ((None, 303), ("jwt", 303), ("at+jwt", 403), ("logout+jwt", 403)):
        issuer.head = {"typ": kind}
        assert desk.get(back(desk)).status_code == status, kind


def test_an_id_token_opens_nothing_by_itself(desk: FlaskClient, issuer: Issuer) -> None:
    token = issuer.token("triagist", aud="wegwijs-desk", header={"typ": "JWT"})
    response = desk.get("/v1/decisions", headers={"Authorization": f"Bearer {token}"})
    assert "`aud`" in problem_of(response, 401, "unauthorized").detail


def unsigned(issuer: Issuer, claims: dict[str, Any], head: dict[str, Any], key: bytes) -> str:
    """A token that is signed with what everybody knows, or with nothing."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    text = b".".join(parts)
    made = hmac.new(key, text, sha256).digest() if key else b""
    return (text + b"." + base64.urlsafe_b64encode(made).rstrip(b"=")).decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
def test_an_id_token_that_anybody_could_write_lets_nobody_in(
    algorithm: str, desk: FlaskClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = json.dumps(issuer.published[0]).encode()
    for key in (b"", public, issuer.key.as_pem(private=False), SECRETS["wegwijs-desk"].encode()):
        head = {"alg": algorithm, "kid": "k1", "typ": "JWT"}
        monkeypatch.setattr(issuer, "sign", lambda claims, *_, head=head, key=key: unsigned(issuer, claims, head, key))
        assert "`alg`" in problem_of(desk.get(back(desk)), 403, "sign-in-refused").detail


def test_an_id_token_with_a_key_of_others_lets_nobody_in(desk: FlaskClient, issuer: Issuer) -> None:
    for key, head in (
        (ECKey.generate_key("P-256"), {}),
        (ECKey.generate_key("P-256"), {"kid": "k2"}),
        (ECKey.generate_key("P-256"), {"kid": None}),
        (RSAKey.generate_key(2048), {"alg": "RS256"}),
        (OctKey.generate_key(256), {"alg": "HS256"}),
    ):
        issuer.signing, issuer.head = key, head
        problem_of(desk.get(back(desk)), 403, "sign-in-refused")
    mine = ECKey.generate_key("P-256")
    issuer.signing, issuer.head = mine, {"kid": "k9", "jwk": mine.as_dict(private=False), "jku": f"{issuer.url}/mine"}
    problem_of(desk.get(back(desk)), 403, "sign-in-refused")
    assert "/mine" not in issuer.asked


# -- an issuer that does not answer, or not as it should --------------------------------------------------------------


def test_while_the_issuer_is_away_nobody_is_sent_there_and_nobody_let_in(
    desk: FlaskClient, issuer: Issuer, clock: Clock
) -> None:
    began = back(desk)
    with silent(issuer):
        response = desk.get(began)
        problem_of(response, 503, "issuer-unavailable")
        assert response.headers["Retry-After"]
    assert desk.get(back(desk)).status_code == 303
    clock.forward(hours=25)
    issuer.broken = 500
    for _ in range(3):
        problem_of(desk.get(START), 503, "issuer-unavailable")
    assert issuer.asked.count("/.well-known/openid-configuration") <= 4, "it is asked again every half a minute"
    clock.forward(seconds=30)
    issuer.broken = None
    go(desk)


def test_a_discovery_document_of_somebody_else_is_not_believed(desk: FlaskClient, issuer: Issuer) -> None:
    issuer.said_issuer = "https://elsewhere.example"
    problem_of(desk.get(START), 503, "issuer-unavailable")


def test_a_secret_is_never_taken_to_another_address(
    desk: FlaskClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = back(desk)
    monkeypatch.setattr(issuer, "grant", lambda *_: (307, {}))
    monkeypatch.setattr("tests.issuer._Handler._send", redirecting(issuer))
    problem_of(desk.get(began), 503, "issuer-unavailable")
    assert issuer.asked[-1] == "/token", "nothing else was asked"


def redirecting(issuer: Issuer) -> Call:
    def send(self: Any, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Location": f"{issuer.url}/other", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    return send


@pytest.mark.parametrize(
    ("answer", "status"),
    [((200, {}), 403), ((200, {"id_token": 7}), 403), ((200, {"id_token": "x"}), 403), ((200, []), 503),
     ((400, {"error": "invalid_grant"}), 403), ((401, {"error": "invalid_client"}), 403), ((500, {}), 503)],
)  # fmt: skip
def test_whatever_the_token_endpoint_says_without_an_id_token_nobody_is_let_in(
    answer: tuple[int, Any], status: int, desk: FlaskClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "grant", lambda *_: answer)
    assert desk.get(back(desk)).status_code == status
    assert desk.get("/v1/session").status_code == 401


# -- the file ---------------------------------------------------------------------------------------------------------

_SECOND = "{issuer: https://y.nl, audience: [a], roles: {a: [auditor]},"
_FIRST = "issuers: [{issuer: https://x.nl, audience: [a], roles: {a: [auditor]}, "


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("login: {name: zorg}}]", "client_id"),
        ("login: {client_id: x}}]", "name"),
        ("login: {name: Zorg/1, client_id: x}}]", "name"),
        ("login: {name: zorg, client_id: x, secret: 's3cret!'}}]", "secret"),
        ("login: {name: zorg, client_id: x, scopes: [profile]}}]", "openid"),
        ("login: {name: zorg, client_id: x, scopes: ['open id']}}]", "scopes"),
        ("subjects: none, login: {name: zorg, client_id: x}}]", "subjects"),
        (f"login: {{name: zorg, client_id: x}}}}, {_SECOND} login: {{name: zorg, client_id: x}}}}]", "twice"),
    ],
)
def test_a_login_that_cannot_be_used_says_what_is_wrong(rest: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "issuers.yaml").write_text(_FIRST + rest)
    with pytest.raises(BadData) as raised:
        read_issuers(tmp_path / "issuers.yaml")
    assert said in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_the_file_of_the_page_for_operators_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/let-people-sign-in.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "issuers.yaml").write_text(block)
    (found,) = read_issuers(tmp_path / "issuers.yaml")
    assert found.login is not None
    back = oidc.return_address("https://wegwijs.example.nl", found.login.name)
    assert f"exactly `{back}`" in page


def test_a_server_without_the_secret_of_a_login_does_not_start(trusting: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    world = trusting()
    monkeypatch.delenv("TEST_LOGIN_SECRET")
    with pytest.raises(BadInput, match="TEST_LOGIN_SECRET"):
        create_app(world=world)
