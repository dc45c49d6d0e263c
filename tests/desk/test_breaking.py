"""Somebody who wants to break or misuse the desk: what is stored or sent is only text, and nothing is half shown."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api import create_app, limits, metrics
from api.desk import create_desk
from api.desk.rights import OPEN
from api.limits import Buckets
from routing import outcomes, places, service, users
from routing.errors import StoreUnavailable
from routing.log_lines import JsonLines
from routing.rights import ROLES
from routing.service import World, close_world, open_world
from routing.settings import Settings
from routing.store import database
from tests.desk.conftest import Person, csrf_in, name_of
from tests.desk.decided import decided
from tests.desk.places import OPERATOR
from tests.people import PASSWORD, account

HURTING = "'\"><b data-evil=1>{{7*7}}</b><script>evil()</script>"
MARK = "MARK-Jansen"
SCRIPT = {"HX-Request": "true"}
CASE = {"complaint": "pijn op de borst", "age": "67", "place": "3511", "channel": "zorgcoordinatie"}
ADDRESSES = re.compile(r"(/(?!/)|#|\?|https://|http://|tel:|data:image/|$)")
FIELDS = (
    "complaint", "age", "sex", "place", "called_at", "channel", "transport", "region", "reference", "supersedes",
    "find", "added", "f.heart_rate", "f.stridor", "user", "password", "next", "what", "by", "reason", "comment",
    "urgency", "going", "facility", "at", "corrects", "key", "unit", "stop", "ends_in", "ends_at", "crowding",
    "total", "bed", "ruleset", "digest", "note", "proposal", "looked", "since", "until", "after", "old", "new",
    "q", "condition", "rule", "outcome", "cursor", "name", "kind", "capability", "case", "patient", "decision",
    "why_not", "days", "of", "n", "event", "withhold", "body",
)  # fmt: skip


class _Reader(HTMLParser):
    """Collects what a page should not hold: a tag or an attribute that somebody wrote into it, and odd addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "data-evil" or name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action", "formaction", "hx-post", "hx-get") and not ADDRESSES.match(
                value or ""
            ):
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("data-map", "hx-vals") or (name, (value or "")[:2]) == ("content", '{"'):
                json.loads(value or "{}")
        if tag == "script" and not dict(attrs).get("src"):
            self.wrong.append("script")


def wrong_in(response: TestResponse) -> list[str]:
    """What of an answer is not only text."""
    if response.mimetype == "image/svg+xml":
        found = ElementTree.fromstring(response.data).iter()
        return [
            each.tag for each in found if each.tag.rpartition("}")[2] in ("b", "script") or "data-evil" in each.attrib
        ]
    if response.mimetype != "text/html":
        return []
    reader = _Reader()
    reader.feed(response.text)
    return reader.wrong + (["49"] if "49</b>" in response.text else [])


def addresses(desk: Flask, known: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and address of every page, with these parts in the address."""
    for rule in desk.url_map.iter_rules():
        if rule.endpoint in ("static", "door.sign_out"):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: quote(known.get(found[1], "none"), safe=""), rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield rule.endpoint, method, path


@pytest.fixture
def everybody(world: World, app: Flask) -> Person:
    if not any(each["user"] == "iedereen" for each in users.all_users(world)):
        account(world, "iedereen", *ROLES)
    client = app.test_client()
    assert client.post("/desk/sign-in", data={"user": "iedereen", "password": PASSWORD}).status_code == 303
    return Person(client, csrf_in(client.get("/desk").text))


@pytest.fixture
def hurting(world: World, everybody: Person) -> dict[str, str]:
    """A world in which everything that can be stored as text would do harm; its ids for addresses."""
    place = {"id": "hurting", "name": HURTING, "city": HURTING, "kind": "hospital_seh", "lat": 52.0908, "lon": 5.1215}
    places.put_facility(world, "hurting", place, OPERATOR, lambda _: True)
    seen = {"unit": "seh", "observed_at": world.clock().isoformat(), "kind": "stop", "value": True}
    places.report_status(world, "hurting", [seen], OPERATOR)
    key = service.create_key(world, HURTING[:60], frozenset({"triagist"}), organisation=HURTING[:60])
    asker = service.authenticate(world, key)
    assert asker is not None
    asker = replace(asker, user="zcc-017")
    decision = decided(world, asker, reference=HURTING)
    comment = {"event": "decided", "by": "doctor", "outcome": "overridden", "reason": "other", "comment": HURTING}
    outcomes.record_outcome(world, decision, {**comment, "destination": "hurting"}, asker, None)
    draft = everybody.get("/desk/cases/new").location
    everybody.post(draft, {**dict.fromkeys(FIELDS, HURTING), "do": "update"})
    everybody.post(draft, {**CASE, "reference": HURTING})
    return {"decision_id": decision, "facility_id": "hurting", "draft_id": draft.rpartition("/")[2]}


def test_what_is_stored_or_sent_is_only_ever_text_on_every_page(
    app: Flask, everybody: Person, hurting: dict[str, str]
) -> None:
    desk, sent = create_desk(app), dict.fromkeys(FIELDS, HURTING)
    asked = "&".join(f"{name}={quote(HURTING)}" for name in FIELDS)
    shown: set[str] = set()
    for known in (hurting, dict.fromkeys(("decision_id", "facility_id", "draft_id", "what", "plot", "name"), HURTING)):
        for endpoint, method, path in addresses(desk, known):
            answers = [everybody.get(path), everybody.get(f"{path}?{asked}"), everybody.get(path, headers=SCRIPT)]
            if method == "POST":
                kinds = ("override", "refused", "arrived", "withdrawn")
                answers = [everybody.post(path, {**sent, "what": what}) for what in kinds]
                answers += [
                    everybody.post(path, {**sent, "do": do}, headers=SCRIPT) for do in ("update", "find", "decide")
                ]
                answers.append(everybody.post(path, {**CASE, "reference": HURTING, "comment": HURTING, "do": "update"}))
            for answer in answers:
                assert wrong_in(answer) == [], (endpoint, method, path)
                assert answer.status_code < 500, (endpoint, method, path)
                if "data-evil=1" in answer.text:
                    shown.add(endpoint)
    assert len(shown) > 15, sorted(shown)  # the walk would find nothing if nothing of it were shown


def test_no_page_about_patients_names_one_in_its_title_or_address(
    app: Flask, everybody: Person, hurting: dict[str, str]
) -> None:
    for endpoint, method, path in addresses(create_desk(app), hurting):
        if method == "GET" and not endpoint.startswith("place."):
            answer = everybody.get(path)
            assert "data-evil" not in answer.headers.get("Location", "")
            assert all("data-evil" not in title for title in re.findall(r"<title>(.*?)</title>", answer.text, re.S))


def test_nothing_is_kept_by_a_browser_or_a_server_between(
    app: Flask, everybody: Person, hurting: dict[str, str]
) -> None:
    for endpoint, method, path in addresses(create_desk(app), hurting):
        answer = everybody.client.open(path, method=method, data={"csrf": everybody.csrf}, buffered=True)
        assert answer.headers["Cache-Control"] == "no-store", endpoint
        assert "unsafe" not in answer.headers["Content-Security-Policy"], endpoint


# -- odd input ---------------------------------------------------------------------------------------------------------

ODD = ("\0", "\ud800", "1e999", "9999-12-31T23:59", "²" + "x" * 300)
ODD_TOO = ("9999-12-31", "0001-01-01T00:00", "//[")
"""As the others, of which each takes seconds."""


@pytest.mark.parametrize(
    "odd",
    [*ODD, *[pytest.param(each, marks=pytest.mark.long) for each in ODD_TOO]],
    ids=[ascii(each)[:20] for each in (*ODD, *ODD_TOO)],
)
def test_odd_input_is_refused_in_words_and_breaks_nothing(
    odd: str, app: Flask, everybody: Person, hurting: dict[str, str]
) -> None:
    written = quote(odd.encode("utf-8", "surrogatepass"))
    asked = "&".join(f"{name}={written}" for name in FIELDS if name != "ruleset")
    dates = f"since={written}&until={written}"
    about = dict.fromkeys(("decision_id", "facility_id", "draft_id", "what", "plot", "name"), "x")
    for known in (hurting, about):
        for endpoint, method, path in addresses(create_desk(app), known):
            path = path.replace("/x", f"/{written}") if known is about else path
            if method == "GET":
                answers = [everybody.get(f"{path}?{query}") for query in (asked, dates, "")]
                answers.append(everybody.client.open(path, method="HEAD", buffered=True))
            else:
                form = {"csrf": everybody.csrf, "do": "decide", "age": "5", "place": "3511"}
                head = "&".join(f"{name}={value}" for name, value in form.items())
                kind = "application/x-www-form-urlencoded"
                bodies = [f"{head}&what={what}&{asked}" for what in ("override", "arrived")]
                bodies += [f"{head}&called_at={written}&f.onset_at={written}&reference={written}", f"{head}&{dates}"]
                answers = [everybody.client.post(path, data=body, content_type=kind) for body in bodies]
            for answer in answers:
                assert answer.status_code < 500, (endpoint, method, path)


def test_a_form_with_thousands_of_fields_or_in_parts_is_refused_or_read_at_once(everybody: Person) -> None:
    address = everybody.get("/desk/cases/new").location
    many = {f"f.{number}": "yes" for number in range(8_000)}
    assert everybody.post(address, many).status_code in (303, 413)
    parts = everybody.client.post(address, data={"csrf": everybody.csrf}, content_type="multipart/form-data")
    assert parts.status_code in (403, 413)
    assert everybody.client.put(address).status_code == 405
    assert everybody.client.options("/desk/cases").status_code == 200


@pytest.mark.parametrize(
    "said", ["//[", "http://[x", "\x7f", "javascript:alert(1)", "http://elsewhere.example//elsewhere"]
)
def test_what_a_script_says_of_its_page_leads_nowhere_else(said: str, visitor: Person) -> None:
    response = visitor.client.post("/desk/cases/new/x", headers={**SCRIPT, "HX-Current-URL": said})
    assert response.status_code == 401
    assert wrong_in(response) == []


COMING = ("places/é", "places/a b", "cases?place=a+b&x=é", "places/%0d%0ax", "cases?place=" + "x" * 600)


@pytest.mark.parametrize("path", [f"/desk/{each}" for each in COMING])
def test_the_door_opens_whatever_address_somebody_came_from(path: str, visitor: Person) -> None:
    door = visitor.get(path).location
    assert visitor.get(door).status_code == 200
    form = {
        "user": name_of("triagist"),
        "password": PASSWORD,
        "next": re.findall('name="next" value="([^"]*)"', visitor.get(door).text)[-1],
    }
    answer = visitor.client.post("/desk/sign-in", data=form)
    assert answer.status_code == 303
    assert answer.location.startswith("/desk")


def test_a_door_that_is_asked_to_lead_elsewhere_leads_to_the_first_page(visitor: Person) -> None:
    who = {"user": name_of("triagist"), "password": PASSWORD}
    elsewhere = ("//elsewhere.example", "/\\elsewhere.example", "/desk\n//elsewhere", "https:/elsewhere")
    for wanted in (*elsewhere, "/%09/elsewhere", "/desk\r\nX: 1", "javascript:alert(1)", "\0/desk", "/v1/decisions"):
        answer = visitor.client.post("/desk/sign-in", data={**who, "next": wanted})
        assert (answer.status_code, answer.location) == (303, "/desk"), wanted


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_a_session_that_somebody_planted_is_not_the_one_that_signing_in_begins(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("wegwijs", "planted-by-somebody-else")
    client.post("/desk/sign-in", data={"user": name_of("triagist"), "password": PASSWORD})
    first = client.get_cookie("wegwijs")
    client.post("/desk/sign-in", data={"user": name_of("triagist"), "password": PASSWORD})
    second = client.get_cookie("wegwijs")
    assert first is not None and second is not None
    assert len({first.value, second.value, "planted-by-somebody-else"}) == 3


def test_over_https_no_other_host_or_script_gets_the_cookie(world: World) -> None:
    settings = Settings(database_url=world.settings.database_url, public_url="https://wegwijs.example.nl")
    opened = open_world(settings)
    client = create_app(world=opened).test_client()
    answer = client.post("/desk/sign-in", data={"user": name_of("triagist"), "password": PASSWORD})
    language = client.post("/desk/language", data={"language": "en"})
    close_world(opened)
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-wegwijs=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert {"Secure", "HttpOnly"} <= set(language.headers["Set-Cookie"].split("; "))


def test_a_session_ends_when_its_account_is_disabled_or_may_do_something_else(world: World, app: Flask) -> None:
    ends: tuple[tuple[str, Callable[[str], Any], int], ...] = (
        ("zcc-061", lambda name: users.disable(world, name), 401),
        ("zcc-062", lambda name: users.set_rights(world, name, frozenset({"auditor"})), 403),
    )
    for name, end, refused in ends:
        account(world, name)
        client = app.test_client()
        client.post("/desk/sign-in", data={"user": name, "password": PASSWORD})
        assert client.get("/desk/cases").status_code == 200
        csrf = csrf_in(client.get("/desk").text)
        end(name)
        assert client.post("/desk/cases/new/x", data={"csrf": csrf, "do": "decide"}).status_code == refused
        assert client.get("/desk/cases/new").status_code == (303 if refused == 401 else 403)


# -- deciding ----------------------------------------------------------------------------------------------------------


def test_a_case_that_was_decided_is_never_a_draft_again(everybody: Person) -> None:
    address = everybody.get("/desk/cases/new").location
    made = everybody.post(address, {**CASE, "reference": "EENS-1", "do": "decide"}).location
    late = everybody.post(address, {**CASE, "reference": "EENS-1", "do": "update"}, headers=SCRIPT)
    assert late.status_code == 200
    assert everybody.get(address).location == made.partition("?")[0]
    assert address not in everybody.get("/desk").text
    assert everybody.post(address, {**CASE, "reference": "EENS-1", "do": "decide"}).location == made


def test_a_decision_at_the_desk_is_never_refused_because_somebody_asks_much(app: Flask, everybody: Person) -> None:
    address = everybody.get("/desk/cases/new").location
    app.extensions["wegwijs.buckets"].left.clear()
    limited = create_desk(app)
    limited.extensions["wegwijs.buckets"] = Buckets(1, lambda: 0.0)
    client = limited.test_client()
    client.post("/desk/sign-in", data={"user": "iedereen", "password": PASSWORD})
    csrf = csrf_in(client.get("/desk").text)
    statuses = [client.get("/desk/rules").status_code for _ in range(limits.BURST_SECONDS + 1)]
    assert statuses[-1] == 429
    assert client.post(address, data={"csrf": csrf, **CASE, "do": "decide"}).status_code == 303


# -- a database that is gone -------------------------------------------------------------------------------------------


def test_without_a_database_every_page_says_so_and_shows_nothing_half(
    app: Flask, everybody: Person, hurting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(database, "reading", lost)
    monkeypatch.setattr(database, "writing", lost)
    for endpoint, method, path in addresses(create_desk(app), hurting):
        if endpoint in OPEN:
            continue
        for headers in ({}, SCRIPT):
            answer = everybody.client.open(path, method=method, headers=headers, data={"csrf": everybody.csrf})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), endpoint
            assert "data-evil" not in answer.text
            assert ("HX-Retarget" in answer.headers, "<html" in answer.text) == (bool(headers), not headers)


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_database_that_goes_away_halfway_leaves_no_page_half(
    calls: int, app: Flask, everybody: Person, hurting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, reading, writing = [0], database.reading, database.writing

    def until_lost(real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(*given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise StoreUnavailable("gone")
            return real(*given, **more)

        return opened

    monkeypatch.setattr(database, "reading", until_lost(reading))
    monkeypatch.setattr(database, "writing", until_lost(writing))
    lost = 0
    for endpoint, method, path in addresses(create_desk(app), hurting):
        if endpoint == "accesses.export":
            continue  # a stream: it breaks off, and the browser says that the download failed
        left[0] = calls
        answer = everybody.client.open(path, method=method, data={"csrf": everybody.csrf}, buffered=True)
        assert answer.status_code < 500 or answer.status_code == 503, endpoint
        lost += answer.status_code == 503
        if answer.mimetype == "text/html" and answer.status_code != 303 and "<!doctype" in answer.text:
            assert answer.text.rstrip().endswith("</html>"), endpoint
    assert lost > 5


# -- logs and metrics --------------------------------------------------------------------------------------------------


def test_nothing_that_is_filled_in_at_the_desk_is_in_logs_or_metrics(
    app: Flask, everybody: Person, hurting: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLines())
    marked = dict.fromkeys(FIELDS, MARK)
    about = dict.fromkeys(("decision_id", "facility_id", "draft_id", "what", "plot", "name"), MARK)
    headers = {"User-Agent": MARK, "Referer": f"http://localhost/{MARK}", "X-Request-Id": "111222333", "Cookie2": MARK}
    asked = "&".join(f"{name}={MARK}" for name in FIELDS)
    with caplog.at_level(logging.DEBUG):
        for known in (hurting, about):
            for _, method, path in addresses(create_desk(app), known):
                for form in (marked, {**CASE, "reference": MARK, "do": "decide"}):
                    data = {"csrf": everybody.csrf, **form}
                    everybody.client.open(f"{path}?{asked}", method=method, headers=headers, data=data, buffered=True)
        everybody.client.get(f"/desk/{MARK}")
        everybody.client.open("/desk/cases", method="MARK-JANSEN")
    with app.test_request_context():
        numbers = metrics.read().get_data(as_text=True)
    assert caplog.text.count('"message":"request"') > 100
    assert '"route":"/desk/cases/new/<draft_id>"' in caplog.text
    for value in (MARK, MARK.upper(), "Jansen", "111222333", "pijn op de borst", "data-evil"):
        assert value not in caplog.text + numbers
