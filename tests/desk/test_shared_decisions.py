"""Where organisations are kept apart, no page shows another organisation's case, and none of its forms changes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from api import create_app
from api.desk import create_desk
from routing import service, shared_decisions
from routing.rights import RIGHTS, ROLES
from routing.service import World, close_world, open_world
from routing.settings import Settings
from routing.store import decision_search
from tests.desk.conftest import FromAnAddressOfItsOwn, Person, csrf_in, words_of
from tests.desk.decided import ADVISED, CASE, asker_of, decided, recorded
from tests.people import PASSWORD, account

NOT_THERE = "01a20243-0ea7-74bb-b786-680850fd5d6a"
OF_A_TRIAGIST = sorted(role for role in ROLES if role in RIGHTS["decide"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = f"sqlite:///{tmp_path_factory.mktemp('apart')}/wegwijs.sqlite3"
    opened = open_world(Settings(database_url=url, decisions_shared=()))
    service.upgrade(opened)
    for name, organisation in (("zcc", "ZCC Midden"), ("hap", "HAP Zuid")):
        account(opened, name, *OF_A_TRIAGIST, organisation=organisation)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    made = create_app(world=world)
    made.test_client_class = FromAnAddressOfItsOwn
    return made


@pytest.fixture(scope="module")
def about(world: World) -> str:
    return decided(world, asker_of(world, "ZCC Midden"))


def who(app: Flask, name: str) -> Person:
    client = app.test_client()
    assert client.post("/desk/sign-in", data={"user": name, "password": PASSWORD}).status_code == 303
    return Person(client, csrf_in(client.get("/desk").text))


@pytest.fixture
def zcc(app: Flask) -> Person:
    return who(app, "zcc")


@pytest.fixture
def hap(app: Flask) -> Person:
    return who(app, "hap")


def calls(app: Flask, decision: str) -> list[tuple[str, str]]:
    """Method and address of every page with the id of a decision in its address or in what is asked of it."""
    found = [
        (method, rule.rule.replace("<decision_id>", decision))
        for rule in create_desk(app).url_map.iter_rules()
        for method in sorted({"GET", "POST"} & (rule.methods or set()))
        if "<decision_id>" in rule.rule
    ]
    return [*found, ("GET", f"/desk/cases/new?supersedes={decision}"), ("GET", f"/desk/reception?decision={decision}")]


def test_another_organisations_case_stands_on_no_page(app: Flask, about: str, zcc: Person, hap: Person) -> None:
    walked = calls(app, about)
    assert len(walked) >= 12
    seen = 0
    for method, path in walked:
        said = hap.get(path) if method == "GET" else hap.post(path, {"what": "accept", "by": "nurse"})
        assert said.status_code in (403, 404), (method, path)
        assert CASE["reference"] not in said.text
        assert "Utrecht" not in words_of(said.text)
        if method == "GET":
            seen += zcc.get(path).status_code in (200, 303)
    assert seen >= 5, "the walk would find nothing if nobody could see a case"


def test_another_organisations_case_cannot_be_followed_overridden_or_continued(
    app: Flask, world: World, about: str, zcc: Person, hap: Person
) -> None:
    for what in ("accept", "override", "confirmed"):
        form = {"what": what, "by": "nurse", "reason": "capacity", "comment": "x"}
        assert hap.post(f"/desk/decisions/{about}/outcome", form).status_code == 404
    assert recorded(world, about, asker_of(world, "ZCC Midden")) == []
    assert zcc.post(f"/desk/decisions/{about}/outcome", {"what": "accept", "by": "nurse"}).status_code == 303
    assert len(recorded(world, about, asker_of(world, "ZCC Midden"))) == 1


def test_another_organisations_case_is_in_no_list(about: str, zcc: Person, hap: Person) -> None:
    assert about in zcc.get("/desk/cases").text
    for page in ("/desk", "/desk/cases", "/desk/cases?urgency=U1", "/desk/cases?condition=stemi"):
        assert about not in hap.get(page).text


def test_the_list_says_whose_cases_it_shows(zcc: Person) -> None:
    assert "U ziet de casussen van ZCC Midden. Van andere organisaties ziet u niets." in words_of(
        zcc.get("/desk/cases").text
    )


def test_a_page_without_any_case_of_ones_own_says_that_there_is_more(
    world: World, hap: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_search, "READ_AT_ONCE", 1)
    for _ in range(6):
        decided(world, asker_of(world, "HAP Zuid"))
    found = hap.get("/desk/cases?urgency=U5")
    assert "Tot zover niets gevonden. Er is meer" in words_of(found.text)


def test_a_hospital_that_triages_too_comes_back_to_its_own_page(app: Flask, world: World, about: str) -> None:
    account(world, "umc", "triagist", "facility", facilities=frozenset({ADVISED}), organisation="UMC")
    umc = who(app, "umc")
    wrong = umc.post(f"/desk/decisions/{about}/outcome", {"what": "refused", "place": ADVISED})
    assert wrong.status_code == 422
    assert CASE["reference"] not in wrong.text
    done = umc.post(f"/desk/decisions/{about}/outcome", {"what": "confirmed", "place": ADVISED})
    assert (done.status_code, done.location.partition("?")[0]) == (303, "/desk/reception")
    assert "Vastgelegd." in words_of(umc.get(done.location).text)


def test_that_another_organisation_decided_anew_is_said_and_the_advice_can_still_be_followed(
    world: World, zcc: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = decided(world, asker_of(world, "ZCC Midden"))
    with monkeypatch.context() as shared:
        shared.setattr(shared_decisions, "organisations_seen", lambda *_: None)
        later = decided(world, asker_of(world, "HAP Zuid"), supersedes=first)
    for page in (f"/desk/decisions/{first}", f"/desk/decisions/{first}/handover"):
        text = zcc.get(page).text
        assert "Een andere organisatie heeft daarna opnieuw besloten." in words_of(text)
        assert later not in text
    assert "Advies volgen" in words_of(zcc.get(f"/desk/decisions/{first}").text)
