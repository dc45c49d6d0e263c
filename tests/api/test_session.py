"""People at a browser: cookies, requests that another site makes it send, and what the server says of them."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import browser, create_app
from api.limits import Buckets
from api.session_schemas import SessionAnswer
from routing import api_keys, passwords, users
from routing.log_lines import JsonLines
from routing.service import World
from tests.api.conftest import OWN, STEMI, Clock, Send
from tests.api.test_bad_bodies import problem_of
from tests.api.test_examples import example
from tests.people import ANOTHER, PASSWORD, account, sign_in, signed_in

PUBLIC = "https://wegwijs.example"


@pytest.fixture
def desk(own_app: Flask, own_world: World) -> FlaskClient:
    """A browser on the machine itself, and the account zcc-017 (triagist)."""
    account(own_world)
    return own_app.test_client()


@pytest.fixture
def public(own_world: World) -> Flask:
    """The same server where everybody finds it, behind one proxy."""
    settings = own_world.settings.model_copy(update={"public_url": PUBLIC, "proxies": 1})
    account(own_world)
    return create_app(world=dataclasses.replace(own_world, settings=settings))


def cookies(response: Any) -> list[str]:
    return list(response.headers.getlist("Set-Cookie"))


# -- signing in and out -----------------------------------------------------------------------------------------------


def test_somebody_signs_in_decides_and_signs_out(desk: FlaskClient, own_world: World, clock: Clock) -> None:
    page = signed_in(desk)
    assert desk.post("/v1/decisions", json=STEMI, headers=page).status_code == 201
    told = desk.get("/v1/session").json
    assert told == {
        "user": "zcc-017",
        "roles": ["triagist"],
        "facilities": None,
        "organisation": None,
        "login": None,
        "began_at": "2026-11-23T14:00:00+00:00",
        "ends_at": "2026-11-23T22:00:00+00:00",
        "idle_ends_at": "2026-11-23T14:30:00+00:00",
        "csrf": page["Wegwijs-CSRF"],
    }
    out = desk.delete("/v1/session", headers=page)
    assert (out.status_code, out.get_data()) == (204, b"")
    assert any(each.startswith("wegwijs=;") and "Max-Age=0" in each for each in cookies(out))
    assert desk.get("/v1/session").status_code == 401


def test_the_cookie_is_for_this_host_over_https_and_for_no_script(public: Flask) -> None:
    client = public.test_client()
    made = sign_in(client, base_url=PUBLIC)
    (cookie,) = cookies(made)
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-wegwijs=")
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}, "no Domain, and gone with the browser"
    assert client.get("/v1/session", base_url=PUBLIC).json["user"] == "zcc-017"
    plain = public.test_client()
    plain.set_cookie("wegwijs", name.partition("=")[2], domain="wegwijs.example")
    assert plain.get("/v1/session", base_url=PUBLIC).status_code == 401, "any site beside this one can set such a name"


def test_on_the_machine_itself_it_needs_no_https(desk: FlaskClient) -> None:
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000"):
        (cookie,) = cookies(sign_in(desk, base_url=f"http://{host}"))
        assert cookie.startswith("wegwijs=")
        assert cookie.endswith("; HttpOnly; Path=/; SameSite=Lax")


def test_elsewhere_nobody_signs_in_before_the_operator_said_where_this_is(desk: FlaskClient) -> None:
    refused = sign_in(desk, base_url="http://wegwijs.example")
    assert "WEGWIJS_PUBLIC_URL" in problem_of(refused, 403, "sign-in-refused").detail
    page = signed_in(desk)
    text = desk.get_cookie("wegwijs")
    assert text is not None
    headers = {**page, "Host": "wegwijs.example", "Cookie": f"wegwijs={text.value}"}
    assert desk.get("/v1/session", headers=headers).status_code == 401


def test_a_session_that_somebody_else_put_there_is_never_taken_over(desk: FlaskClient, own_app: Flask) -> None:
    planted = "A" * 43
    desk.set_cookie("wegwijs", planted)
    made = sign_in(desk)
    assert made.status_code == 201
    first = desk.get_cookie("wegwijs")
    assert first is not None
    assert first.value != planted
    signed_in(desk)
    second = desk.get_cookie("wegwijs")
    assert second is not None
    assert second.value != first.value, "another one each time"
    thief = own_app.test_client()
    thief.set_cookie("wegwijs", planted)
    assert thief.get("/v1/session").status_code == 401


def test_a_stolen_cookie_is_worth_nothing_once_its_owner_signed_out(desk: FlaskClient, own_app: Flask) -> None:
    page = signed_in(desk)
    cookie = desk.get_cookie("wegwijs")
    assert cookie is not None
    thief = own_app.test_client()
    thief.set_cookie("wegwijs", cookie.value)
    assert thief.get("/v1/decisions").status_code == 200
    desk.delete("/v1/session", headers=page)
    for response in (thief.get("/v1/decisions"), thief.post("/v1/decisions", json=STEMI, headers=page)):
        assert problem_of(response, 401, "unauthorized").detail == "The session has ended: sign in again."


def test_a_session_ends_by_itself_and_by_an_operator(desk: FlaskClient, own_world: World, clock: Clock) -> None:
    signed_in(desk)
    clock.forward(minutes=29)
    assert desk.get("/v1/rulesets").status_code == 200
    clock.forward(minutes=29)
    assert desk.get("/v1/session").json["idle_ends_at"] == "2026-11-23T14:59:00+00:00"
    clock.forward(minutes=1)
    assert desk.get("/v1/rulesets").status_code == 401, "to look at the session did not make it last"
    signed_in(desk)
    users.set_rights(own_world, "zcc-017", frozenset({"operator"}))
    assert desk.get("/v1/session").json["roles"] == ["operator"]
    assert desk.get("/v1/decisions").status_code == 403
    users.disable(own_world, "zcc-017")
    assert desk.get("/v1/session").status_code == 401


def test_how_long_a_session_lasts_can_be_set(own_world: World) -> None:
    account(own_world)
    changes = {"session_hours": 1, "session_idle_minutes": 480}
    settings = own_world.settings.model_copy(update=changes)
    client = create_app(world=dataclasses.replace(own_world, settings=settings)).test_client()
    told = sign_in(client).json
    assert told["ends_at"] == told["idle_ends_at"] == "2026-11-23T15:00:00+00:00"


def test_somebody_sets_a_password_with_a_code_and_another_one_with_that(own_app: Flask, own_world: World) -> None:
    _, code = users.add_user(own_world, "zcc-018", frozenset({"auditor"}))
    client, elsewhere = own_app.test_client(), own_app.test_client()

    def put(password: str, new: str) -> Any:
        given = {"user": "zcc-018", "password": password, "new_password": new}
        return client.post("/v1/session/password", json=given)

    refused = problem_of(put(code, "kort"), 422, "invalid-input")
    assert [(error.field, error.value) for error in refused.errors] == [("new_password", None)]
    assert put(code, PASSWORD).status_code == 201
    assert client.get("/v1/session").json["user"] == "zcc-018"
    signed_in(elsewhere, "zcc-018")
    problem_of(put(code, ANOTHER), 403, "sign-in-refused")
    assert put(PASSWORD, ANOTHER).status_code == 201
    assert elsewhere.get("/v1/session").status_code == 401
    assert client.get("/v1/session").status_code == 200


def test_the_examples_about_sessions_are_what_the_server_says(own_app: Flask, own_world: World) -> None:
    _, code = users.add_user(own_world, "zcc-017", frozenset({"triagist"}), organisation="ZCC Midden")
    client = own_app.test_client()
    given = example("request", "POST /v1/session/password")
    assert passwords.code_hash(given["password"]) != passwords.code_hash(code)
    said = {"POST /v1/session/password": client.post("/v1/session/password", json={**given, "password": code})}
    said["POST /v1/session"] = client.post("/v1/session", json=example("request", "POST /v1/session"))
    said["GET /v1/session"] = client.get("/v1/session")
    for call, response in said.items():
        written = example("answer", call)
        SessionAnswer.model_validate(written)
        assert {**written, "csrf": response.json["csrf"]} == response.json, call


# -- requests that another site makes a browser send ------------------------------------------------------------------

FOREIGN = {
    "no header": {},
    "an empty header": {"Wegwijs-CSRF": ""},
    "that of nobody": {"Wegwijs-CSRF": "0" * 64},
    "odd bytes": {"Wegwijs-CSRF": "\xff\xfe"},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_change_under_a_session_needs_what_only_our_pages_know(
    kind: str, desk: FlaskClient, own_world: World
) -> None:
    signed_in(desk)
    for method, path in (
        ("POST", "/v1/decisions"),
        ("POST", "/v1/decisions/preview"),
        ("PUT", f"/v1/facilities/{OWN}"),
        ("DELETE", f"/v1/facilities/{OWN}"),
        ("DELETE", "/v1/session"),
    ):
        response = desk.open(path, method=method, json=STEMI, headers=FOREIGN[kind])
        problem_of(response, 403, "cross-site-request")
    assert desk.get("/v1/decisions").json["decisions"] == []


def test_what_one_session_sends_is_not_that_of_another(desk: FlaskClient) -> None:
    before = signed_in(desk)
    signed_in(desk)
    problem_of(desk.post("/v1/decisions", json=STEMI, headers=before), 403, "cross-site-request")


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_the_browser_says_of_another_site_is_refused(foreign: dict[str, str], desk: FlaskClient) -> None:
    page = signed_in(desk)
    problem_of(desk.post("/v1/decisions", json=STEMI, headers=page | foreign), 403, "cross-site-request")
    problem_of(sign_in(desk, headers=foreign), 403, "cross-site-request")
    given = {"user": "zcc-017", "password": PASSWORD, "new_password": ANOTHER}
    problem_of(desk.post("/v1/session/password", json=given, headers=foreign), 403, "cross-site-request")
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert desk.post("/v1/decisions", json=STEMI, headers=page | own).status_code == 201
    assert sign_in(desk, headers=own).status_code == 201


def test_our_own_pages_are_those_at_the_public_address(public: Flask) -> None:
    client = public.test_client()
    assert sign_in(client, base_url=PUBLIC, headers={"Origin": PUBLIC}).status_code == 201
    refused = sign_in(client, base_url="http://localhost", headers={"Origin": "http://localhost"})
    problem_of(refused, 403, "cross-site-request")


def test_a_form_of_another_site_cannot_sign_anybody_in(desk: FlaskClient) -> None:
    given = {"user": "zcc-017", "password": PASSWORD}
    problem_of(desk.post("/v1/session", data=given), 415, "unsupported-media-type")


def test_a_key_needs_none_of_it_and_counts_before_a_session(desk: FlaskClient, own_world: World, ask: Send) -> None:
    key = api_keys.create_key(own_world, "test", frozenset({"operator"}))
    signed_in(desk)
    headers = {"Authorization": f"Bearer {key}"}
    assert desk.get("/v1/decisions", headers=headers).status_code == 403, "an operator, not the triagist of the session"
    assert desk.delete(f"/v1/facilities/{OWN}", headers=headers | {"If-Match": "*"}).status_code == 200
    for wrong in ("Bearer wegwijs_unknown", "Basic dXNlcjpwYXNz", "Bearer", ""):
        response = desk.get("/v1/decisions", headers={"Authorization": wrong})
        problem_of(response, 401, "unauthorized")


def test_a_key_has_no_session(ask: Send) -> None:
    for method in ("GET", "DELETE"):
        problem_of(ask(method, "/v1/session"), 404, "not-found")


def test_nobody_says_that_somebody_else_sits_there(desk: FlaskClient) -> None:
    signed_in(desk)
    response = desk.get("/v1/decisions", headers={"Wegwijs-User": "zcc-018"})
    assert problem_of(response, 422, "invalid-input").errors[0].field == "Wegwijs-User"
    assert desk.get("/v1/decisions", headers={"Wegwijs-User": "zcc-017"}).status_code == 200


def test_the_key_of_a_request_belongs_to_one_person(desk: FlaskClient, own_app: Flask, own_world: World) -> None:
    account(own_world, "zcc-018")
    other = own_app.test_client()
    pages = ((desk, signed_in(desk)), (other, signed_in(other, "zcc-018")))
    made = {
        client.post("/v1/decisions", json=STEMI, headers={**page, "Idempotency-Key": "one"}).json["id"]
        for client, page in [*pages, *pages]
    }
    assert len(made) == 2


def test_people_do_not_use_up_the_requests_of_each_other(own_world: World) -> None:
    settings = own_world.settings.model_copy(update={"rate_limit": 1})
    app = create_app(world=dataclasses.replace(own_world, settings=settings))
    app.extensions["wegwijs.buckets"] = Buckets(1, lambda: 0.0)
    account(own_world)
    account(own_world, "zcc-018")
    first, second = app.test_client(), app.test_client()
    signed_in(first)
    signed_in(second, "zcc-018")
    assert [first.get("/v1/rulesets").status_code for _ in range(11)] == [200] * 10 + [429]
    assert second.get("/v1/rulesets").status_code == 200


# -- guessing ---------------------------------------------------------------------------------------------------------


def test_who_guesses_is_told_when_to_try_again(desk: FlaskClient, clock: Clock) -> None:
    for _ in range(5):
        problem_of(sign_in(desk, password="not the password"), 403, "sign-in-refused")
    for password in ("not the password", PASSWORD):
        response = sign_in(desk, password=password)
        problem_of(response, 429, "too-many-attempts")
        assert response.headers["Retry-After"] == "1"
    clock.forward(seconds=1)
    assert sign_in(desk).status_code == 201


def test_a_name_that_nobody_has_is_answered_in_the_same_words(desk: FlaskClient) -> None:
    answers = [sign_in(desk, name, "not the password") for name in ("zcc-017", "nobody", "Jan Jansen", "\u202e")]
    assert len({response.json["detail"] for response in answers}) == 1
    assert {response.status_code for response in answers} == {403}


def test_an_address_is_what_the_proxy_before_us_saw(public: Flask) -> None:
    client = public.test_client()

    def guess(forwarded: str, name: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return int(sign_in(client, name, "not the password", base_url=PUBLIC, headers=headers).status_code)

    found = [guess(f"198.51.100.{number}, 192.0.2.7", f"zcc-{number:03}") for number in range(100, 150)]
    assert found == [403] * 50
    assert guess("10.0.0.1, 192.0.2.7", "zcc-200") == 429, "what a browser claims before that changes nothing"
    assert guess("192.0.2.7, 192.0.2.8", "zcc-201") == 403


def test_without_a_proxy_nobody_makes_up_an_address(own_app: Flask, own_world: World) -> None:
    with own_app.test_request_context(
        headers={"X-Forwarded-For": "10.0.0.1"}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    ):
        assert browser.address(own_world.settings) == "192.0.2.7"
        three = own_world.settings.model_copy(update={"proxies": 3})
        assert browser.address(three) == "10.0.0.1"


def test_signing_in_leaves_threads_to_those_who_decide(desk: FlaskClient, own_world: World) -> None:
    page = signed_in(desk)
    for _ in range(4):
        assert own_world.signing_in.acquire(blocking=False)
    response = sign_in(desk)
    problem_of(response, 429, "too-many-attempts")
    assert desk.post("/v1/decisions", json=STEMI, headers=page).status_code == 201
    own_world.signing_in.release()
    assert sign_in(desk).status_code == 201


# -- what is sent and what is said ------------------------------------------------------------------------------------

BAD: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "user"),
    "no password": ({"user": "zcc-017"}, "password"),
    "a number": ({"user": "zcc-017", "password": 123456789012}, "password"),
    "an empty password": ({"user": "zcc-017", "password": ""}, "password"),
    "a very long one": ({"user": "zcc-017", "password": "MARK" * 300}, "password"),
    "a name that is none": ({"user": ["MARK"], "password": PASSWORD}, "user"),
    "something more": ({"user": "zcc-017", "password": PASSWORD, "remember": True}, "remember"),
    "a list": ([], ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_body_that_is_not_right_is_refused_by_field_and_not_repeated(kind: str, desk: FlaskClient) -> None:
    body, field = BAD[kind]
    response = desk.post("/v1/session", json=body)
    assert field in [error.field for error in problem_of(response, 422, "invalid-input").errors]
    assert "MARK" not in response.text


def test_passwords_codes_and_sessions_stand_in_no_log_and_no_answer(
    own_app: Flask, own_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLines())
    client, said = own_app.test_client(), []
    with caplog.at_level(logging.DEBUG):
        _, code = users.add_user(own_world, "zcc-018", frozenset({"triagist"}))
        given = {"user": "zcc-018", "password": code, "new_password": PASSWORD}
        said.append(client.post("/v1/session/password", json=given))
        page = signed_in(client, "zcc-018")
        cookie = client.get_cookie("wegwijs")
        assert cookie is not None
        said += [sign_in(client, "zcc-018", ANOTHER), sign_in(client, ANOTHER, PASSWORD), client.get("/v1/session")]
        said.append(client.post("/v1/decisions", json=STEMI, headers=page))
        said.append(client.delete("/v1/session", headers={**page, "Wegwijs-CSRF": cookie.value}))
        said.append(client.delete("/v1/session", headers=page))
    assert "/v1/session" in caplog.text
    texts = [caplog.text, *(response.get_data(as_text=True) for response in said)]
    for secret in (PASSWORD, ANOTHER, code, cookie.value, "zcc-018"):
        assert secret not in caplog.text
        assert secret == "zcc-018" or not [text for text in texts if secret in text]
    assert page["Wegwijs-CSRF"] not in caplog.text


def test_a_page_listens_to_events_under_a_session_and_does_not_make_it_last(desk: FlaskClient, clock: Clock) -> None:
    assert desk.head("/v1/facilities/events").status_code == 401
    signed_in(desk)
    for _ in range(2):
        clock.forward(minutes=14)
        assert desk.head("/v1/facilities/events").status_code == 200
    clock.forward(minutes=2)
    assert desk.head("/v1/facilities/events").status_code == 401, "a screen with nobody before it listens for ever"
