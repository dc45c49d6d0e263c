"""Tokens of an issuer: believed when everything about them is right, refused when anything is not or cannot be told."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OKPKey, RSAKey

from api import create_app
from routing import access_log, api_keys, cli, service, serving, tokens
from routing.errors import BadData
from routing.issuers import Claims, Login, read_issuers
from routing.issuers import Issuer as Believed
from routing.service import World
from routing.settings import Settings
from routing.world import Memory
from tests.api.conftest import AUDITOR, OWN, STEMI, Clock
from tests.api.test_bad_bodies import problem_of
from tests.issuer import AUDIENCE, CONFIGURED, SECRETS, Issuer, running, silent

Call = Callable[..., Any]


@pytest.fixture
def issuer(clock: Clock) -> Iterator[Issuer]:
    with running(lambda: clock.now.timestamp()) as made:
        yield made


@pytest.fixture
def trusting(own_world: World, issuer: Issuer, tmp_path: Path) -> Call:
    """`trusting(more)`: the world when it believes the issuer, with lines more about it."""

    def make(more: str = "") -> World:
        path = tmp_path / "issuers.yaml"
        path.write_text(CONFIGURED.format(url=issuer.url, audience=AUDIENCE) + more)
        settings = own_world.settings.model_copy(update={"issuers": path})
        return dataclasses.replace(own_world, settings=settings, issuers=Memory())

    return make


@pytest.fixture
def client(trusting: Call) -> FlaskClient:
    return create_app(world=trusting()).test_client()


@pytest.fixture(scope="session")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048)


def get(client: FlaskClient, token: str, path: str = "/v1/vocabulary", **headers: str) -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}", **headers})


def encoded(given: Any) -> str:
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# -- a client comes with a token --------------------------------------------------------------------------------------


def granted(issuer: Issuer, client: str, scope: str) -> str:
    """The token that the token endpoint gives a client for its secret (client credentials)."""
    secret = base64.b64encode(f"{client}:{SECRETS[client]}".encode()).decode()
    body = f"grant_type=client_credentials&scope={scope}".encode()
    asking = urllib.request.Request(f"{issuer.url}/token", body, {"Authorization": f"Basic {secret}"})
    with urllib.request.urlopen(asking, timeout=60) as answer:
        return str(json.load(answer)["access_token"])


def test_a_client_gets_a_token_and_decides_with_it(trusting: Call, issuer: Issuer) -> None:
    world = trusting()
    client = create_app(world=world).test_client()
    token = granted(issuer, "desk", "triagist")
    response = client.post("/v1/decisions", json=STEMI, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 201
    (known,) = [each for each in api_keys.all_keys(world) if each["issuer"] is not None]
    assert (known["client"], known["issuer"], known["roles"]) == ("desk", issuer.url, [])
    auditor = service.create_key(world, "auditor", frozenset({"auditor"}))
    capsule = get(client, auditor, f"/v1/decisions/{response.json['id']}/capsule").json
    assert capsule is not None
    replay = client.post(response.headers["Location"] + "/replay", headers={"Authorization": f"Bearer {token}"})
    assert replay.json["identical"]
    seen = get(client, auditor, "/v1/accesses").json["accesses"]
    users = [each["user"] for each in seen if each["event"] == "create"]
    assert [(user["key"], user["roles"], user["user"]) for user in users] == [(known["id"], ["triagist"], None)]
    for _ in range(2):  # the same client, also with a newer token, keeps its id
        get(client, granted(issuer, "desk", "auditor"))
    get(client, granted(issuer, "ward", "auditor"))
    assert [each["client"] for each in api_keys.all_keys(world) if each["issuer"]] == ["desk", "ward"]


def test_a_client_of_an_issuer_is_the_key_of_nobody(trusting: Call, issuer: Issuer) -> None:
    world = trusting()
    found = tokens.asker_of_token(world, issuer.token("operator"))
    assert not service.has_keys(world)
    for text in ("", f"{issuer.url}\ndesk", "desk", found.key_id):
        assert service.authenticate(world, text) is None
    told = api_keys.key(world, found.key_id)
    assert told["last_used_at"] is not None
    with pytest.raises(service.BadInput, match="no secret"):
        api_keys.renew_key(world, found.key_id)


def test_a_client_that_was_shut_out_stays_out_whatever_token_it_brings(trusting: Call, issuer: Issuer) -> None:
    world = trusting()
    client = create_app(world=world).test_client()
    key_id = tokens.asker_of_token(world, issuer.token("operator")).key_id
    api_keys.revoke_key(world, key_id)
    for token in (issuer.token("operator"), issuer.token("triagist", iat=None)):
        assert "shut out" in problem_of(get(client, token), 401, "unauthorized").detail
        with pytest.raises(tokens.BadToken, match="shut out"):
            tokens.read_token(world, token)
    assert get(client, issuer.token("operator", client_id="ward")).status_code == 200


def test_a_role_is_what_the_file_says_and_other_names_mean_nothing(client: FlaskClient, issuer: Issuer) -> None:
    assert get(client, issuer.token("triagist"), "/v1/decisions").status_code == 200
    assert get(client, issuer.token(realm_access={"roles": "x rav"}), "/v1/decisions").status_code == 200
    for nothing in ({}, {"roles": []}, {"roles": ["triagist"]}, {"roles": "zcc-triage-2"}, {"roles": 7}, [], None):
        response = get(client, issuer.token(realm_access=nothing), "/v1/vocabulary")
        problem_of(response, 403, "forbidden")


def test_a_place_speaks_for_the_places_that_its_token_names(client: FlaskClient, issuer: Issuer) -> None:
    def report(place: str, **claims: Any) -> int:
        headers = {"Authorization": f"Bearer {issuer.token(*claims.pop('roles', ['facility']), **claims)}"}
        body = {"unit": "seh", "kind": "crowding", "value": 80, "observed_at": "2026-11-23T14:00:00Z", "source": "x"}
        return client.post(f"/v1/facilities/{place}/status", json=body, headers=headers).status_code

    assert report(OWN, places=[OWN]) == 202
    assert report(OWN, places=f"other {OWN}") == 202
    for nothing in (None, [], "", ["other"], OWN + "x", 7, {OWN: True}):
        assert report(OWN, places=nothing) == 403
    assert report(OWN, roles=["operator"]) == 202
    assert report(OWN, roles=["operator", "facility"], places=["other"]) == 403


# -- who sits there ---------------------------------------------------------------------------------------------------


def noted(world: World) -> Any:
    """Who made the one search that is noted."""
    found = access_log.accesses(world, AUDITOR)["accesses"]
    (event,) = [each for each in found if each["event"] == "search"]
    return event["user"]


def test_a_person_is_noted_by_an_id_that_says_nothing(trusting: Call, issuer: Issuer) -> None:
    world = trusting()
    client = create_app(world=world).test_client()
    token = issuer.token("triagist", sub="j.jansen@example.nl", org="Meldkamer Utrecht")
    assert get(client, token, "/v1/decisions").status_code == 200
    user = noted(world)
    assert user["user"] == tokens.subject_id(issuer.url, "j.jansen@example.nl")
    assert user["organisation"] == "Meldkamer Utrecht"
    assert "jansen" not in json.dumps(user)


def test_a_client_can_not_say_that_somebody_else_sits_there(client: FlaskClient, issuer: Issuer) -> None:
    token = issuer.token("triagist", sub="jan")
    response = get(client, token, "/v1/decisions", **{"Wegwijs-User": "piet"})
    assert problem_of(response, 422, "invalid-input").errors[0].field == "Wegwijs-User"
    own = {"Wegwijs-User": tokens.subject_id(issuer.url, "jan")}
    assert get(client, token, "/v1/decisions", **own).status_code == 200


def test_a_client_that_comes_for_itself_says_who_sits_there(trusting: Call, issuer: Issuer) -> None:
    world = trusting()
    client = create_app(world=world).test_client()
    get(client, issuer.token("triagist"), "/v1/decisions", **{"Wegwijs-User": "u-17"})
    assert noted(world)["user"] == "u-17"


def test_subjects_can_be_noted_as_they_are_or_not_at_all(trusting: Call, issuer: Issuer) -> None:
    as_given = create_app(world=trusting("    subjects: as_given\n")).test_client()
    assert get(as_given, issuer.token("triagist", sub="0b7e2f")).status_code == 200
    for wrong in ("j@x.nl", "123456782", "a b", 7, ""):
        problem_of(get(as_given, issuer.token("triagist", sub=wrong)), 401, "unauthorized")
    none = trusting("    subjects: none\n    organisation: Regio\n")
    asker = tokens.asker_of_token(none, issuer.token("triagist", sub="j@x.nl"))
    assert (asker.user, asker.organisation) == (None, "Regio")


# -- what is not right is refused -------------------------------------------------------------------------------------


def forged(issuer: Issuer, header: dict[str, Any], secret: bytes) -> str:
    """A token that is signed with the public key as if that were a shared secret."""
    head = {"alg": "HS256", "kid": "k1", "typ": "at+jwt", **header}
    text = f"{encoded(head)}.{encoded(issuer.claims('operator'))}"
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), sha256))}"


def unsigned(issuer: Issuer, header: Any, payload: Any = None, signature: str = "") -> str:
    return f"{encoded(header)}.{encoded(payload if payload is not None else issuer.claims('operator'))}.{signature}"


def changed(token: str, part: int, text: str) -> str:
    parts = token.split(".")
    parts[part] = text
    return ".".join(parts)


HEAD = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}

WRONG: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "alg none": (lambda i: unsigned(i, {**HEAD, "alg": "none"}), "alg"),
    "alg None": (lambda i: unsigned(i, {**HEAD, "alg": "None"}), "alg"),
    "no alg": (lambda i: unsigned(i, {"typ": "at+jwt"}), "signed JWT"),
    "alg a list": (lambda i: unsigned(i, {**HEAD, "alg": ["ES256"]}), ""),
    "HS256 with the PEM": (lambda i: forged(i, {}, i.key.as_pem(private=False)), "alg"),
    "HS256 with the JWK": (lambda i: forged(i, {}, json.dumps(i.key.as_dict(private=False)).encode()), "alg"),
    "HS256 with the point": (lambda i: forged(i, {}, base64.urlsafe_b64decode(i.published[0]["x"] + "==")), "alg"),
    "RS256 with the id of an EC key": (
        lambda i: i.token("operator", header={"alg": "RS256", "kid": "k1"}, key=RSAKey.generate_key(2048)),
        "kid",
    ),
    "ES384 with the id of a P-256 key": (
        lambda i: i.token("operator", header={"alg": "ES384"}, key=ECKey.generate_key("P-384")),
        "kid",
    ),
    "another key by the same id": (lambda i: i.token("operator", key=ECKey.generate_key("P-256")), "signature"),
    "another key and no id": (
        lambda i: i.token("operator", header={"kid": None}, key=ECKey.generate_key("P-256")),
        "signature",
    ),
    "an id that is not there": (lambda i: i.token("operator", header={"kid": "k2"}), "kid"),
    "an id that is a path": (lambda i: i.token("operator", header={"kid": "../../../dev/null"}), "kid"),
    "an id that is SQL": (lambda i: i.token("operator", header={"kid": "' OR 1=1 --"}), "kid"),
    "an id that is no text": (lambda i: unsigned(i, {**HEAD, "kid": ["k1"]}, None, "AAAA"), ""),
    "type of a logout": (lambda i: i.token("operator", header={"typ": "logout+jwt"}), "typ"),
    "no type": (lambda i: i.token("operator", header={"typ": None}), "typ"),
    "crit": (lambda i: unsigned(i, {**HEAD, "crit": ["exp"], "exp": 1}, None, "AAAA"), ""),
    "b64": (lambda i: unsigned(i, {**HEAD, "crit": ["b64"], "b64": False}, None, "AAAA"), ""),
    "expired": (lambda i: i.token("operator", exp=int(i.clock()) - 60), "exp"),
    "no end": (lambda i: i.token("operator", exp=None), "exp"),
    "an end that is text": (lambda i: i.token("operator", exp=str(int(i.clock()) + 300)), "exp"),
    "an end that is true": (lambda i: i.token("operator", exp=True), "exp"),
    "an end next year": (lambda i: i.token("operator", exp=int(i.clock()) + 365 * 86_400), "24 hours"),
    "an end beyond all": (lambda i: i.token("operator", exp=10**18), "24 hours"),
    "not yet": (lambda i: i.token("operator", nbf=int(i.clock()) + 61), "nbf"),
    "made tomorrow": (lambda i: i.token("operator", iat=int(i.clock()) + 61), "iat"),
    "for another": (lambda i: i.token("operator", aud="https://other.example"), "aud"),
    "for others": (lambda i: i.token("operator", aud=["a", "b", 7]), "aud"),
    "for nobody": (lambda i: i.token("operator", aud=None), "aud"),
    "for part of the name": (lambda i: i.token("operator", aud=AUDIENCE[:-1]), "aud"),
    "of another issuer": (lambda i: i.token("operator", iss="https://other.example"), "iss"),
    "of nearly this issuer": (lambda i: i.token("operator", iss=i.url + "/"), "iss"),
    "of no issuer": (lambda i: i.token("operator", iss=None), "iss"),
    "of a list of issuers": (lambda i: i.token("operator", iss=[i.url]), "iss"),
    "no client": (lambda i: i.token("operator", client_id=None), "client"),
    "a client that is no text": (lambda i: i.token("operator", client_id=7), "client"),
    "an organisation of two lines": (lambda i: i.token("operator", org="a\nb"), "organisation"),
    "too long": (lambda i: i.token("operator", padding="x" * 8_000), "longer"),
    "another payload": (
        lambda i: changed(i.token("triagist"), 1, encoded(i.claims("operator"))),
        "signature",
    ),
    "no signature": (lambda i: changed(i.token("operator"), 2, ""), "signature"),
    "half a signature": (lambda i: i.token("operator")[:-40], "signature"),
    "a signature of zeros": (lambda i: changed(i.token("operator"), 2, encoded(bytes(64))), "signature"),
    "a payload that is no JSON": (lambda i: unsigned(i, HEAD, b"{", "AAAA"), "signed JWT"),
    "a payload with a key twice": (lambda i: unsigned(i, HEAD, b'{"iss":"a","iss":"b"}', "AAAA"), "signed JWT"),
    "a payload that is a list": (lambda i: unsigned(i, HEAD, [1], "AAAA"), "signed JWT"),
    "a payload of brackets": (lambda i: unsigned(i, HEAD, b"[" * 4_000, "AAAA"), "signed JWT"),
    "a header of brackets": (lambda i: unsigned(i, b'{"a":' + b"[" * 2_900, {}, "AAAA"), "signed JWT"),
    "a header without alg": (lambda i: unsigned(i, b'{ "": 1}', {}, "AAAA"), "signed JWT"),
    "letters": (lambda i: "eyJ.x.y", "signed JWT"),
    "dots": (lambda i: "eyJ..", "signed JWT"),
    "an encrypted token": (lambda i: "eyJ.a.b.c.d", "not known"),
}
"""What is wrong with a token -> how it is made, and a word of what is said about it."""


@pytest.fixture(scope="module")
def shared(upgraded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Issuer]]:
    """One world and one issuer for all tokens that are refused, which change neither."""
    folder, clock = tmp_path_factory.mktemp("tokens"), Clock()
    shutil.copy(upgraded, folder / "own.sqlite3")
    with running(lambda: clock.now.timestamp()) as issuer:
        (folder / "issuers.yaml").write_text(CONFIGURED.format(url=issuer.url, audience=AUDIENCE))
        url, keys = f"sqlite:///{folder}/own.sqlite3", upgraded.parent / "wegwijs.keys"
        settings = Settings(database_url=url, keys=keys, issuers=folder / "issuers.yaml")
        opened = service.open_world(settings, clock)
        yield opened, issuer
        service.close_world(opened)


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_is_not_right_is_refused(what: str, shared: tuple[World, Issuer]) -> None:
    world, issuer = shared
    client = create_app(world=world).test_client()
    assert get(client, issuer.token("operator")).status_code == 200
    make, word = WRONG[what]
    response = get(client, make(issuer))
    assert word in problem_of(response, 401, "unauthorized").detail
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_no_byte_of_a_token_can_be_changed(shared: tuple[World, Issuer]) -> None:
    world, issuer = shared
    token = issuer.token("operator")
    assert tokens.asker_of_token(world, token).roles == {"operator"}
    # of the last character two bits say nothing
    for at in range(len(token) - 1):
        other = "B" if token[at] == "A" else "A"
        if token[at] == ".":
            continue
        with pytest.raises(tokens.BadToken):
            tokens.asker_of_token(world, token[:at] + other + token[at + 1 :])


def test_nothing_of_a_token_is_said_or_logged(shared: tuple[World, Issuer], caplog: pytest.LogCaptureFixture) -> None:
    world, issuer = shared
    client = create_app(world=world).test_client()
    for make, _ in WRONG.values():
        token = make(issuer)
        said = get(client, token).get_data(as_text=True)
        for part in token.split("."):
            if len(part) > 8:
                assert part not in said
                assert part not in caplog.text
    assert "other.example" not in caplog.text


def test_an_address_of_keys_in_a_token_is_never_asked(client: FlaskClient, issuer: Issuer, clock: Clock) -> None:
    with running(lambda: clock.now.timestamp()) as thief:
        for where in ({"jku": f"{thief.url}/keys"}, {"x5u": f"{thief.url}/keys"}, {"jwk": thief.published[0]}):
            header = {"kid": "k1", **where}
            problem_of(get(client, issuer.token("operator", header=header, key=thief.key)), 401, "unauthorized")
            assert get(client, issuer.token("operator", header=header)).status_code == 200  # it says nothing
        assert thief.asked == []


def test_clocks_may_differ_a_minute(client: FlaskClient, issuer: Issuer) -> None:
    now = int(issuer.clock())
    assert get(client, issuer.token("operator", exp=now - 59)).status_code == 200
    assert get(client, issuer.token("operator", nbf=now + 59, iat=now + 59)).status_code == 200


def test_a_token_is_an_unknown_key_where_no_issuer_is_believed(own_world: World, issuer: Issuer) -> None:
    client = create_app(world=own_world).test_client()
    problem_of(get(client, issuer.token("operator")), 401, "unauthorized")
    assert issuer.asked == []


# -- keys that change, and an issuer that does not answer -------------------------------------------------------------


def test_the_issuer_is_asked_once_and_not_for_each_token(client: FlaskClient, issuer: Issuer) -> None:
    for _ in range(5):
        assert get(client, issuer.token("operator")).status_code == 200
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_a_new_key_counts_at_once_and_one_that_was_withdrawn_ends_within_15_minutes(
    client: FlaskClient, issuer: Issuer, clock: Clock
) -> None:
    before = issuer.key
    assert get(client, issuer.token("operator")).status_code == 200
    clock.forward(seconds=31)
    issuer.rotate("k2")
    old = issuer.token("operator", header={"kid": "k1"}, key=before)
    assert get(client, old).status_code == 200  # nobody asked since
    assert get(client, issuer.token("operator")).status_code == 200
    problem_of(get(client, old), 401, "unauthorized")
    issuer.rotate("k3")
    clock.forward(minutes=15)
    old = issuer.token("operator", header={"kid": "k2"})
    problem_of(get(client, old), 401, "unauthorized")


def test_tokens_with_made_up_keys_do_not_make_us_ask_again_and_again(
    client: FlaskClient, issuer: Issuer, clock: Clock
) -> None:
    for number in range(20):
        problem_of(get(client, issuer.token("operator", header={"kid": f"x{number}"})), 401, "unauthorized")
    assert issuer.asked.count("/keys") == 1
    clock.forward(seconds=30)
    for number in range(20):
        get(client, issuer.token("operator", header={"kid": f"y{number}"}))
    assert issuer.asked.count("/keys") == 2


def break_with(issuer: Issuer, how: str) -> None:
    if how == "another issuer":
        issuer.said_issuer = "https://other.example"
    elif how == "no keys":
        issuer.published = [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}, {"kty": "new"}, {}]  # type: ignore[list-item]
    elif how == "private keys":
        issuer.published = [{**issuer.key.as_dict(private=True), "kid": "k1"}]
    elif how != "silent":
        issuer.broken = {"an error": 500, "no JSON": b"<html>", "a list": b"[]", "too much": b" " * 300_000}[how]


BROKEN = ["an error", "silent", "no JSON", "a list", "too much", "another issuer", "no keys", "private keys"]


@pytest.mark.parametrize("how", BROKEN)
def test_nobody_is_let_in_while_the_issuer_does_not_give_its_keys(
    how: str, trusting: Call, issuer: Issuer, clock: Clock
) -> None:
    world = trusting()
    client = create_app(world=world).test_client()
    key = service.create_key(world, "desk", frozenset({"operator"}))
    token = issuer.token("operator")
    break_with(issuer, how)
    with silent(issuer) if how == "silent" else nullcontext():
        for _ in range(3):
            response = get(client, token)
            problem_of(response, 503, "issuer-unavailable")
            assert response.headers["Retry-After"] == "30"
    assert len(issuer.asked) <= 2  # and it is not asked each time
    assert get(client, key).status_code == 200  # keys need no issuer
    issuer.broken = issuer.said_issuer = None
    issuer.rotate("k1")
    clock.forward(seconds=30)
    assert get(client, issuer.token("operator")).status_code == 200


def test_keys_that_are_known_are_used_for_a_day_while_the_issuer_is_away(
    client: FlaskClient, issuer: Issuer, clock: Clock
) -> None:
    assert get(client, issuer.token("operator")).status_code == 200
    issuer.broken = 500
    clock.forward(hours=23, minutes=59)
    assert get(client, issuer.token("operator")).status_code == 200
    # of a key that is not known nobody can say whether it is right
    problem_of(get(client, issuer.token("operator", header={"kid": "k2"})), 503, "issuer-unavailable")
    clock.forward(minutes=1)
    problem_of(get(client, issuer.token("operator")), 503, "issuer-unavailable")


def test_keys_that_cannot_sign_tokens_do_not_hide_those_that_can(
    client: FlaskClient, issuer: Issuer, rsa: RSAKey
) -> None:
    ok = OKPKey.generate_key("Ed25519")
    issuer.published.clear()
    issuer.add_key("enc", rsa, use="enc", alg="RSA-OAEP")
    issuer.add_key("wrap", ECKey.generate_key("P-256"), use="sig", key_ops=["wrapKey"])
    issuer.published += [{"kty": "AKP", "alg": "ML-DSA-44"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, None, 7]  # type: ignore[list-item]
    issuer.published += [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "point"}]
    issuer.add_key("r", rsa, alg="RS256")
    issuer.add_key("e", ok, alg="Ed25519")
    issuer.published[-1].pop("alg")
    assert get(client, issuer.token("operator", header={"alg": "RS256", "kid": "r"}, key=rsa)).status_code == 200
    assert get(client, issuer.token("operator", header={"alg": "Ed25519", "kid": "e"}, key=ok)).status_code == 200
    for kid, alg in (("r", "PS256"), ("enc", "RS256")):  # a key signs only with what it is said to sign with
        response = get(client, issuer.token("operator", header={"alg": alg, "kid": kid}, key=rsa))
        problem_of(response, 401, "unauthorized")


def test_the_command_says_what_a_token_may_do_or_why_it_is_refused(
    trusting: Call, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = trusting()
    monkeypatch.setenv("WEGWIJS_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("WEGWIJS_KEYS", str(world.settings.keys))
    monkeypatch.setenv("WEGWIJS_ISSUERS", str(world.settings.issuers))

    def check(text: str) -> tuple[int, Any]:
        (tmp_path / "shown.txt").write_text(text + "\n")
        code = cli.main(["keys", "check", str(tmp_path / "shown.txt"), "--json"])
        return code, json.loads(capsys.readouterr().out)

    now = int(time.time())
    code, told = check(issuer.token("facility", "auditor", iat=now, exp=now + 60, places=[OWN]))
    assert (code, told["roles"], told["facilities"], told["client"]) == (0, ["auditor", "facility"], [OWN], "desk")
    code, told = check(issuer.token("auditor", iat=now, exp=now + 60, aud="other"))
    assert (code, told["valid"]) == (1, False)
    assert "aud" in told["why"]
    made, key = api_keys.make_key(world, "desk", frozenset({"operator"}))
    code, told = check(key)
    assert (code, told["id"], told["roles"], told["last_used_at"]) == (0, made["id"], ["operator"], None)
    assert check("wegwijs_unknown")[0] == 1
    assert [each["client"] for each in api_keys.all_keys(world)] == [None]  # to look is not to come
    issuer.broken = 500
    code, told = check(issuer.token("auditor", iat=now, exp=now + 60))
    assert (code, "does not answer" in told["why"]) == (1, True)
    assert cli.main(["keys", "check", str(tmp_path / "nothing")]) == 2
    capsys.readouterr()
    assert cli.main(["keys", "check", str(tmp_path / "shown.txt")]) == 1
    assert "valid: no" in capsys.readouterr().out


# -- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "issuers"),
        ("issuers: []", "issuers"),
        ("issuers: [{issuer: https://x.nl, audience: [a], roles: {a: [king]}}]", "triagist"),
        ("issuers: [{issuer: https://x.nl, audience: [a], roles: {a: []}}]", "no role"),
        ("issuers: [{issuer: https://x.nl, audience: [a]}]", "roles"),
        ("issuers: [{issuer: https://x.nl, audience: [], roles: {a: [auditor]}}]", "audience"),
        ("issuers: [{issuer: http://x.nl, audience: [a], roles: {a: [auditor]}}]", "https://"),
        ("issuers: [{issuer: x, audience: [a], roles: {a: [auditor]}}]", "https://"),
        ("issuers: [{issuer: https://x.nl, audience: [a], roles: {a: [auditor]}, algorithms: [HS256]}]", "HS256"),
        ("issuers: [{issuer: https://x.nl, audience: [a], roles: {a: [auditor]}, algorithms: [none]}]", "none"),
        ("issuers: [{issuer: https://x.nl, audience: [a], roles: {a: [auditor]}, keys_url: ftp://x}]", "keys_url"),
        ("issuers: [{issuer: https://x.nl, audience: [a], roles: {a: [auditor]}, skew: 9}]", "skew"),
        (
            "issuers: [{TWICE}, {TWICE}]".replace(
                "TWICE", "issuer: https://x.nl, audience: [a], roles: {a: [auditor]}"
            ),
            "twice",
        ),
    ],
)
def test_a_file_of_issuers_that_cannot_be_used_says_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "issuers.yaml").write_text(text)
    with pytest.raises(BadData) as raised:
        read_issuers(tmp_path / "issuers.yaml")
    assert said in str(raised.value)


def test_the_file_of_the_documents_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/keys-and-roles.md").read_text("utf-8")
    (tmp_path / "of-cds-hooks").mkdir()
    files = [tmp_path / "issuers.yaml", tmp_path / "of-cds-hooks/issuers.yaml"]
    for file, block in zip(files, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL), strict=True):
        file.write_text(block)
    (found,), (of_cds_hooks,) = map(read_issuers, files)
    assert found.roles["spoed"] == ["triagist", "auditor"]
    assert of_cds_hooks.roles[of_cds_hooks.issuer] == ["triagist"]
    shown = {
        name for row in re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE) for name in re.findall(r"`([\w.]+)`", row)
    }
    known = set(Believed.model_fields) - {"claims"} | {f"claims.{name}" for name in Claims.model_fields}
    assert known | {f"login.{name}" for name in Login.model_fields} <= shown


def test_a_server_with_a_file_that_cannot_be_used_does_not_start(own_world: World, tmp_path: Path) -> None:
    (tmp_path / "issuers.yaml").write_text("issuers: 7")
    settings = own_world.settings.model_copy(update={"issuers": tmp_path / "issuers.yaml"})
    with pytest.raises(BadData):
        create_app(world=dataclasses.replace(own_world, settings=settings, issuers=Memory()))
    with pytest.raises(BadData):
        serving.prepare(settings)
