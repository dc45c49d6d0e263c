"""Publishing at the desk: two medical managers see the same digest, and the page puts nothing into force."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from api import create_app
from routing import publishing, rules_here, service
from routing.rules.publication import read_published
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.desk.conftest import Person, csrf_in, words_of
from tests.people import PASSWORD, account
from tests.rulesets_here import NEWER, OLDER, change, two_rulesets

PAGE = "/desk/rules/publishing"
MANAGERS = ("anne", "bram")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_rulesets(tmp_path / "rulesets")


@pytest.fixture
def here(folder: Path, tmp_path: Path) -> Iterator[World]:
    """A server with a version that nobody published, and two medical managers."""
    opened = open_world(Settings(database_url=f"sqlite:///{tmp_path}/wegwijs.sqlite3", rulesets=folder))
    service.upgrade(opened)
    for name in MANAGERS:
        account(opened, name, "medical_manager")
    for role in ("triagist", "auditor", "operator"):
        account(opened, f"a-{role}", role)
    yield opened
    close_world(opened)


Enter = Callable[[str], Person]


@pytest.fixture
def enter(here: World) -> Enter:
    """`enter(name)`: somebody who signed in at the door of this server."""
    app: Flask = create_app(world=here)

    def sign_in(name: str) -> Person:
        client = app.test_client()
        assert client.post("/desk/sign-in", data={"user": name, "password": PASSWORD}).status_code == 303
        return Person(client, csrf_in(client.get("/desk").text))

    return sign_in


def shown(page: str, name: str) -> str:
    """The hidden value `name` of the forms of a page; all are the same where there is one version to settle."""
    return re.findall(rf'name="{name}" value="([^"]*)"', page)[0]


def propose(who: Person) -> None:
    page = who.get(PAGE).text
    form = {"ruleset": shown(page, "ruleset"), "digest": shown(page, "digest"), "note": "Om te <b>proberen</b>."}
    assert who.post(f"{PAGE}/propose", form).status_code == 303


def settle(who: Person, how: str, page: str, **more: str) -> tuple[int, str]:
    form = {"proposal": shown(page, "proposal"), "digest": shown(page, "digest"), "looked": "yes", **more}
    response = who.post(f"{PAGE}/{how}", form)
    return response.status_code, words_of(response.text)


def test_two_people_publish_and_only_the_operator_can_finish_it(here: World, folder: Path, enter: Enter) -> None:
    before = rules_here.in_force(here, here.clock()).digest
    anne, bram = map(enter, MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    digest = publishing.standing_of(here, NEWER).ruleset.digest
    assert digest in page
    assert "01-01-2030 00:00" in words_of(page)
    assert "<b>proberen" not in page
    assert settle(bram, "agree", page)[0] == 303
    seen = words_of(enter("a-operator").get(PAGE).text)
    assert f"{NEWER}: digest: {digest}" in seen
    assert "wegwijs rules agreed" in seen
    assert rules_here.in_force(here, here.clock()).digest == before
    assert set(read_published(folder)) == {OLDER}
    for page_of in ("/desk/rules", PAGE):
        assert "twee personen zijn akkoord, wacht op de beheerder" in words_of(bram.get(page_of).text)
    assert "bram" in seen and "anne" in seen


def test_who_proposed_has_no_way_to_agree(here: World, enter: Enter) -> None:
    anne = enter("anne")
    propose(anne)
    page = anne.get(PAGE).text
    assert "Iemand anders moet akkoord gaan" in words_of(page)
    assert f'action="{PAGE}/agree"' not in page
    form = {"proposal": shown(page, "proposal"), "looked": "yes"}
    digest = publishing.standing_of(here, NEWER).ruleset.digest
    again = enter("anne")  # another session of the same account is the same person
    for who in (anne, again):
        response = who.post(f"{PAGE}/agree", {**form, "digest": digest})
        assert (response.status_code, "U hebt dit zelf voorgesteld" in words_of(response.text)) == (422, True)
    assert publishing.standing_of(here, NEWER).state == "proposed"


def test_of_two_approvers_the_second_is_told(here: World, enter: Enter) -> None:
    account(here, "carla", "medical_manager")
    anne, bram, carla = map(enter, (*MANAGERS, "carla"))
    propose(anne)
    page, other = bram.get(PAGE).text, carla.get(PAGE).text
    assert settle(bram, "agree", page)[0] == 303
    code, seen = settle(carla, "agree", other)
    assert (code, "al afgehandeld" in seen) == (422, True)
    (kept,) = publishing.history(here)
    assert kept.ended_by == "bram"


def test_files_that_changed_between_are_refused(folder: Path, here: World, enter: Enter) -> None:
    anne, bram = map(enter, MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    change(folder / NEWER / "ruleset.yaml", "2030-01-01", "2026-01-03")
    code, seen = settle(bram, "agree", page)
    assert (code, "De bestanden zijn niet meer die u zag" in seen) == (422, True)
    assert publishing.standing_of(here, NEWER).state == "proposed"


def test_without_looking_or_with_another_digest_nobody_agrees(here: World, enter: Enter) -> None:
    anne, bram = map(enter, MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    assert settle(bram, "agree", page, looked="")[0] == 422
    assert settle(bram, "agree", page, digest="sha256:" + "0" * 64)[0] == 422
    assert settle(bram, "agree", page, proposal="none")[0] == 404
    assert publishing.standing_of(here, NEWER).state == "proposed"


@pytest.mark.parametrize("name", MANAGERS)
def test_either_withdraws_before(name: str, here: World, enter: Enter) -> None:
    anne, bram = map(enter, MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    assert settle(enter(name), "withdraw", page)[0] == 303
    assert settle(bram, "agree", page)[0] == 422
    seen = words_of(bram.get(PAGE).text)
    assert f"ingetrokken: {name}" in seen
    assert publishing.standing_of(here, NEWER).state == "nothing"


def test_a_note_is_asked_and_a_second_proposal_refused(here: World, enter: Enter) -> None:
    anne, bram = map(enter, MANAGERS)
    page = anne.get(PAGE).text
    form = {"ruleset": NEWER, "digest": shown(page, "digest")}
    assert "waarvoor deze versie is" in words_of(anne.post(f"{PAGE}/propose", {**form, "note": " "}).text)
    propose(anne)
    refused = bram.post(f"{PAGE}/propose", {**form, "note": "x"})
    assert (refused.status_code, "staat al een voorstel open" in words_of(refused.text)) == (422, True)


@pytest.mark.parametrize("name", ["a-triagist", "a-auditor", "a-operator"])
def test_only_medical_managers_publish(name: str, here: World, enter: Enter) -> None:
    propose(enter("anne"))
    page = enter("bram").get(PAGE).text
    who = enter(name)
    assert (who.get(PAGE).status_code == 403) == (name == "a-triagist")
    for how in ("propose", "agree", "withdraw"):
        form = {"proposal": shown(page, "proposal"), "digest": shown(page, "digest"), "looked": "yes", "note": "x"}
        assert who.post(f"{PAGE}/{how}", form).status_code == 403, how
    assert publishing.standing_of(here, NEWER).state == "proposed"


def test_a_version_that_decides_unpublished_is_an_alarm(folder: Path, tmp_path: Path) -> None:
    change(folder / NEWER / "ruleset.yaml", "2030-01-01", "2026-01-02")
    opened = open_world(Settings(database_url=f"sqlite:///{tmp_path}/other.sqlite3", rulesets=folder))
    service.upgrade(opened)
    account(opened, "anne", "medical_manager")
    client = create_app(world=opened).test_client()
    client.post("/desk/sign-in", data={"user": "anne", "password": PASSWORD})
    assert "beslist al, maar is niet gepubliceerd" in words_of(client.get(PAGE).text)
    close_world(opened)
