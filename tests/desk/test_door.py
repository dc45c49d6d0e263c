"""The door: nobody sees a page who did not sign in, and nothing is done that a page of ours did not ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from api.desk import create_desk
from api.desk.menu import MENU
from api.desk.rights import BY_THE_PAGE, OPEN, PAGES
from routing import users
from routing.log.access import EVENTS
from routing.rights import RIGHTS, ROLES
from routing.service import World
from tests.desk.conftest import Person, csrf_in, name_of, words_of
from tests.people import ANOTHER, PASSWORD, account

People = Callable[[str], Person]


@pytest.fixture(scope="module")
def desk(app: Flask) -> Flask:
    return create_desk(app)


def calls(desk: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and address of every page that is not open."""
    found = []
    for rule in desk.url_map.iter_rules():
        if rule.endpoint not in OPEN:
            with desk.test_request_context():
                address = rule.build(dict.fromkeys(rule.arguments, "none"))
            assert address is not None
            found += [(rule.endpoint, method, address[1]) for method in sorted((rule.methods or set()) - {"OPTIONS"})]
    return found


def test_every_page_stands_in_the_table_and_has_a_right(desk: Flask) -> None:
    endpoints = {rule.endpoint for rule in desk.url_map.iter_rules()}
    assert endpoints == set(PAGES) | OPEN
    assert {page.action for page in PAGES.values()} <= set(RIGHTS)
    assert {page.event for page in PAGES.values()} - {None} <= set(EVENTS)
    assert set(MENU) <= set(PAGES)
    assert set(PAGES) >= BY_THE_PAGE


def test_who_did_not_sign_in_is_sent_to_the_door_and_told_nothing(desk: Flask, visitor: Person) -> None:
    for _, method, address in calls(desk):
        response = visitor.client.open(address, method=method)
        assert response.status_code == (303 if method == "GET" else 401), (method, address)
        if method == "GET":
            assert response.location.startswith("/desk/sign-in?next=/desk")
        script = visitor.client.open(address, method=method, headers={"HX-Request": "true"})
        assert (script.status_code, script.headers["HX-Retarget"]) == (401, "#ended")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_exactly_the_pages_of_the_table(role: str, desk: Flask, person: People) -> None:
    who = person(role)
    for endpoint, method, address in calls(desk):
        if endpoint == "door.sign_out" or endpoint.endswith(".stream"):
            continue  # the one ends all that comes after, the other does not end
        response = who.client.open(address, method=method, data={"csrf": who.csrf} if method == "POST" else None)
        response.close()
        assert (response.status_code == 403) == (role not in RIGHTS[PAGES[endpoint].action]), (role, method, address)
        assert response.status_code < 500


def test_a_page_that_stands_in_no_table_is_for_nobody(app: Flask, person: People) -> None:
    desk = create_desk(app)
    desk.add_url_rule("/desk/forgotten", endpoint="forgotten", view_func=lambda: "secret")
    assert "secret" not in desk.test_client().get("/desk/forgotten").text
    for role in ROLES:
        who = desk.test_client()
        assert who.post("/desk/sign-in", data={"user": name_of(role), "password": PASSWORD}).status_code == 303
        refused = who.get("/desk/forgotten")
        assert (refused.status_code, "secret" in refused.text) == (403, False)


def test_nothing_is_changed_by_a_form_of_another_page(desk: Flask, person: People) -> None:
    who = person("triagist")
    for endpoint, method, address in calls(desk):
        if method == "POST":
            for sent in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
                response = who.client.open(address, method="POST", data=sent)
                assert (response.status_code, "cross-site-request" in response.text) == (403, True), endpoint
            crossing = {"Sec-Fetch-Site": "cross-site"}
            response = who.client.open(address, method="POST", data={"csrf": who.csrf}, headers=crossing)
            assert response.status_code == 403, endpoint
    for address in ("/desk/sign-in", "/desk/password", "/desk/language"):
        assert who.client.post(address, headers={"Origin": "https://elsewhere.example"}).status_code == 403


def test_no_page_of_ours_may_be_shown_within_another_or_run_what_stands_in_it(visitor: Person) -> None:
    for path in ("/desk/sign-in", "/desk/password", "/desk/static/desk.js", "/desk/nowhere"):
        headers = visitor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")


def test_the_front_door_brings_a_browser_to_the_desk_and_a_program_to_the_calls(visitor: Person) -> None:
    assert visitor.get("/", headers={"Accept": "text/html,*/*;q=0.8"}).location == "/desk"
    assert visitor.get("/").json["name"] == "Wegwijs"


def test_who_signs_in_comes_where_they_wanted_to_be_and_never_elsewhere(visitor: Person) -> None:
    who = {"user": name_of("triagist"), "password": PASSWORD}
    for wanted, found in {
        "/desk/cases?urgency=U1": "/desk/cases?urgency=U1",
        "": "/desk",
        "/v1/decisions": "/desk",
    }.items():
        assert visitor.client.post("/desk/sign-in", data={**who, "next": wanted}).location == found
    for wanted in ("https://elsewhere.example/desk", "//elsewhere.example/desk", "/desk\\..\\", "javascript:alert(1)"):
        response = visitor.client.post("/desk/sign-in", data={**who, "next": wanted})
        assert (response.status_code, response.location) == (303, "/desk")


def test_a_wrong_password_is_said_in_words_and_tells_nothing_more(visitor: Person) -> None:
    for user in (name_of("triagist"), "nobody-here"):
        response = visitor.client.post("/desk/sign-in", data={"user": user, "password": "not this one at all"})
        assert response.status_code == 401
        assert "De naam of het wachtwoord klopt niet" in response.text
        assert "not this one" not in response.text


def test_a_first_password_is_chosen_with_the_code(world: World, visitor: Person) -> None:
    _, code = users.add_user(world, "zcc-041", frozenset({"triagist"}))
    form = {"user": "zcc-041", "password": code, "new_password": PASSWORD, "again": PASSWORD}
    assert "niet gelijk" in visitor.client.post("/desk/password", data={**form, "again": ANOTHER}).text
    assert "12 tekens" in visitor.client.post("/desk/password", data={**form, "new_password": "a", "again": "a"}).text
    assert visitor.client.post("/desk/password", data=form).status_code == 303
    assert "zcc-041" in visitor.get("/desk").text
    assert visitor.client.post("/desk/password", data=form).status_code == 401  # the code counts once


def test_signing_out_ends_the_session_everywhere(world: World, app: Flask) -> None:
    account(world, "zcc-051")
    client = app.test_client()
    client.post("/desk/sign-in", data={"user": "zcc-051", "password": PASSWORD})
    stolen: Any = client.get_cookie("wegwijs")
    who = Person(client)
    who.csrf = csrf_in(who.get("/desk").text)
    assert who.post("/desk/sign-out").location == "/desk/sign-in?ended=1"
    thief = app.test_client()
    thief.set_cookie("wegwijs", stolen.value)
    assert thief.get("/desk").status_code == 303


def test_a_language_is_kept_and_dutch_comes_first(visitor: Person) -> None:
    assert '<html lang="nl">' in visitor.get("/desk/sign-in", headers={"Accept-Language": "en"}).text
    assert visitor.post("/desk/language", {"language": "en", "next": "/desk/sign-in"}).location == "/desk/sign-in"
    page = visitor.get("/desk/sign-in").text
    assert '<html lang="en">' in page
    assert "One-time code" not in words_of(page)
    assert "Sign in" in words_of(page)


def test_what_is_not_there_is_said_as_a_page(person: People) -> None:
    response = person("triagist").get("/desk/nowhere")
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "Naar het begin" in response.text


def test_that_nobody_uses_it_yet_is_said_on_every_page(visitor: Person, triagist: Person) -> None:
    for response in (visitor.get("/desk/sign-in"), triagist.get("/desk"), triagist.get("/desk/nowhere")):
        assert "nog niet door artsen vastgesteld" in response.text
