"""Finding decisions again, by what they are and never by who the patient is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.desk import cases
from routing import access_log, outcomes, service
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.desk.conftest import Person, csrf_in, words_of
from tests.desk.decided import CRASH, asker_of, decided
from tests.people import PASSWORD, account


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with nothing in it yet."""
    folder: Path = tmp_path_factory.mktemp("cases")
    opened = open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3"))
    service.upgrade(opened)
    account(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def who(own: World) -> Person:
    client: FlaskClient = create_app(world=own).test_client()
    assert client.post("/desk/sign-in", data={"user": "zcc-017", "password": PASSWORD}).status_code == 303
    return Person(client, csrf_in(client.get("/desk").text))


@pytest.fixture(scope="module")
def asker(own: World) -> Asker:
    return asker_of(own)


@pytest.fixture(scope="module")
def kept(own: World, who: Person, asker: Asker) -> dict[str, str]:
    """An empty list was looked at first; then decisions of each sort."""
    assert "Nog geen beslissingen. Begin met een nieuwe casus." in words_of(who.get("/desk/cases").text)
    found = {"stemi": decided(own, asker), "crash": decided(own, asker, CRASH), "other": decided(own, asker)}
    outcomes.record_outcome(own, found["crash"], {"outcome": "accepted", "by": "nurse"}, asker)
    body = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": None}
    outcomes.record_outcome(own, found["other"], body, asker)
    sequence_all(own)  # by which rules are found
    return found


def listed(page: str) -> set[str]:
    return set(re.findall(r'<th scope="row"><a href="/desk/decisions/([0-9a-f-]+)"', page))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, {"stemi", "crash", "other"}),
        ({"urgency": "U1", "condition": "stemi"}, {"stemi", "other"}),
        ({"condition": "multitrauma"}, {"crash"}),
        ({"outcome": "none"}, {"stemi"}),
        ({"outcome": "overridden", "reason": "clinician_order"}, {"other"}),
        ({"rule": "acute-nl/stemi-to-pci"}, {"stemi", "other"}),
        ({"place": "UMC Utrecht"}, {"stemi", "crash", "other"}),
        ({"place": "umc-utrecht"}, {"stemi", "crash", "other"}),
        ({"channel": "seh"}, set()),
        ({"since": "2020-01-01T00:00", "until": "2999-01-01T00:00"}, {"stemi", "crash", "other"}),
        ({"until": "2020-01-01T00:00"}, set()),
        ({"rule": "acute-nl/no-such-rule"}, set()),
    ],
)
def test_what_is_asked_is_found(who: Person, kept: dict[str, str], asked: dict[str, str], names: set[str]) -> None:
    page = who.get("/desk/cases", query_string=asked)
    assert page.status_code == 200
    assert listed(page.text) == {kept[name] for name in names}
    if not names:
        assert "Niets gevonden" in page.text


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"since": "yesterday"}, "since", "Vul een datum en een tijd in"),
        ({"since": "0001-01-01T00:00"}, "since", "jaar 2000"),
        ({"urgency": "U9"}, "urgency", "Kies uit de lijst"),
        ({"condition": "A B"}, "condition", "Kies uit de lijst"),
        ({"place": "ziekenhuis"}, "place", "plekken heten ongeveer zo"),
        ({"place": "Hogwarts"}, "place", "Geen plek heet zo"),
        ({"rule": "stemi to pci"}, "rule", "acute-nl/stemi-to-pci"),
        ({"outcome": "maybe"}, "outcome", "Kies uit de lijst"),
    ],
)
def test_what_cannot_be_asked_is_said_beside_its_field(
    who: Person, kept: dict[str, str], asked: dict[str, str], field: str, said: str
) -> None:
    page = who.get("/desk/cases", query_string=asked)
    assert page.status_code == 422
    assert said in page.text.partition(f'id="fault-{field}">')[2].partition("</p>")[0]
    assert listed(page.text) == set()
    assert len(kept) == 3


def test_older_decisions_are_a_page_further(
    own: World, who: Person, asker: Asker, kept: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "AT_ONCE", 2)
    first = who.get("/desk/cases?urgency=U1").text
    (further,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert "urgency=U1" in further
    second = who.get(further.replace("&amp;", "&")).text
    assert (len(listed(first)), len(listed(second))) == (2, 1)
    assert listed(first) | listed(second) == set(kept.values())
    assert 'rel="next"' not in second
    assert who.get("/desk/cases?cursor=nonsense").status_code == 422


def test_a_search_is_noted_once_with_what_was_found(
    own: World, who: Person, asker: Asker, kept: dict[str, str]
) -> None:
    def noted() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = access_log.accesses(own, asker, event="search", limit=200)["accesses"]
        return found

    before = len(noted())
    who.get("/desk/cases?condition=stemi")
    newest, *rest = noted()
    assert len(rest) == before
    assert (newest["found"], newest["criteria"]) == (2, {"condition": "stemi"})
    assert kept["stemi"] in str(newest)
