"""Publishing at the desk: two medical managers see the same digest, and the page puts nothing into force."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from api import create_app
from routing import publishing, publishing_doubts, publishing_files, rules_here, service
from routing.errors import StoreUnavailable
from routing.rules.publication import read_published
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.desk.conftest import Person, csrf_in, words_of
from tests.people import PASSWORD, account
from tests.rulesets_here import NEWER, OLDER, as_if_tested, change, just_begun, two_rulesets

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
    return door_of(here)


def door_of(world: World) -> Enter:
    """`enter(name)` of the server of `world`."""
    app: Flask = create_app(world=world)

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


# -- where the desk publishes -----------------------------------------------------------------------------------------


@pytest.fixture
def publishing_here(folder: Path, tmp_path: Path) -> Iterator[World]:
    """A server that publishes by itself, on which only published rules decide, and its medical managers."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/desk.sqlite3", rulesets=folder, only_published=True, desk_publishes=True
    )
    opened = open_world(settings)
    service.upgrade(opened)
    for name in MANAGERS:
        account(opened, name, "medical_manager")
    account(opened, "a-auditor", "auditor")
    yield opened
    close_world(opened)


def test_two_people_publish_at_the_desk_itself(publishing_here: World, folder: Path) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    assert "Deze server publiceert zelf" in words_of(anne.get(PAGE).text)
    assert "Alleen wat in published.yaml staat" in words_of(anne.get("/desk/rules").text)
    propose(anne)
    before = words_of(bram.get(PAGE).text)
    assert "Bij akkoord is deze versie gepubliceerd. Vanaf 01-01-2030 00:00 beslissen deze regels." in before
    assert settle(bram, "agree", bram.get(PAGE).text)[0] == 303
    assert set(read_published(folder)) == {OLDER, NEWER}
    after = words_of(bram.get(PAGE).text)
    assert "voorgesteld door anne, akkoord en gepubliceerd door bram" in after
    assert "Vanaf 01-01-2030 00:00 beslissen deze regels." in after
    assert "wegwijs rules agreed" not in after, "nothing is left for an operator"
    bram.client.set_cookie("wegwijs-language", "en")
    english = words_of(bram.get(PAGE).text)
    assert "This server publishes by itself" in english
    assert "proposed by anne, agreed and published by bram" in english


def test_who_proposed_cannot_publish_it_where_the_desk_publishes(publishing_here: World, folder: Path) -> None:
    anne = door_of(publishing_here)("anne")
    propose(anne)
    page = anne.get(PAGE).text
    assert f'action="{PAGE}/agree"' not in page
    digest = publishing.standing_of(publishing_here, NEWER).ruleset.digest
    for how, code in (("agree", "U hebt dit zelf voorgesteld"), ("record", "staat niet dat twee personen")):
        form = {"proposal": shown(page, "proposal"), "digest": digest, "looked": "yes"}
        response = anne.post(f"{PAGE}/{how}", form)
        assert (response.status_code, code in words_of(response.text)) == (422, True)
    assert set(read_published(folder)) == {OLDER}


def test_a_folder_that_cannot_be_written_is_said_and_can_be_tried_again(
    publishing_here: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    with monkeypatch.context() as patched:
        patched.setattr(publishing_doubts, "can_be_added_to", lambda _: False)
        assert "mag niet schrijven in de map met regels" in words_of(bram.get(PAGE).text)
    (folder / ".published.yaml.new").mkdir()
    code, seen = settle(bram, "agree", page)
    assert (code, "De server kan niet schrijven in published.yaml" in seen) == (503, True)
    assert "uw akkoord is niet vastgelegd" in seen
    assert "wacht op een tweede persoon" in seen
    (folder / ".published.yaml.new").rmdir()
    assert settle(bram, "agree", page)[0] == 303
    assert set(read_published(folder)) == {OLDER, NEWER}


def test_what_the_file_says_and_the_database_does_not_is_mended_by_one_button(
    publishing_here: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text

    def lost(*given: object) -> None:
        publishing_files.add_entry(*given)  # type: ignore[arg-type]
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "add_entry", lost)
        code, said = settle(bram, "agree", page)
    assert code == 503
    assert "published.yaml is geschreven: acute-nl/1.0.1 is gepubliceerd" in said
    assert "deze regels beslissen vanaf 01-01-2030 00:00" in said
    assert "maak het vastleggen af op de pagina Publiceren" in said
    assert "Akkoord vastleggen zoals het bestand zegt" in said, "the button is on the very page"
    assert NEWER in read_published(folder)
    seen = words_of(anne.get(PAGE).text)
    assert "hier is niet vastgelegd dat twee personen akkoord gingen" in seen
    assert f'action="{PAGE}/withdraw"' not in anne.get(PAGE).text
    looking = door_of(publishing_here)("a-auditor")
    assert "Akkoord vastleggen" not in looking.get(PAGE).text
    assert looking.post(f"{PAGE}/record", {"proposal": shown(page, "proposal")}).status_code == 403
    assert anne.post(f"{PAGE}/record", {"proposal": shown(page, "proposal")}).status_code == 303
    seen = words_of(anne.get(PAGE).text)
    assert "Akkoord vastleggen" not in seen
    assert "akkoord: bram" in seen


def test_what_is_not_published_is_said_never_to_decide(publishing_here: World, folder: Path) -> None:
    seen = words_of(door_of(publishing_here)("anne").get(PAGE).text)
    assert "beslist nooit zolang zij niet is gepubliceerd" in seen
    assert "Een map op de server beslist vanaf zijn ingangsdatum" not in seen


def test_a_page_that_publishes_nothing_says_so(here: World, enter: Enter) -> None:
    seen = words_of(enter("anne").get(PAGE).text)
    assert "Deze pagina zet niets in werking" in seen
    assert "Elke versie op deze server beslist vanaf haar ingangsdatum" in seen


def test_while_the_store_stays_away_the_page_says_what_was_published(
    publishing_here: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text

    def gone(*_: object) -> None:
        raise StoreUnavailable("gone")

    def lost(*given: object) -> None:
        publishing_files.add_entry(*given)  # type: ignore[arg-type]
        monkeypatch.setattr(publishing.store, "every", gone)
        gone()

    monkeypatch.setattr(publishing, "add_entry", lost)
    bram.client.set_cookie("wegwijs-language", "en")
    code, said = settle(bram, "agree", page)
    assert code == 503
    assert "published.yaml was written: acute-nl/1.0.1 is published" in said
    assert "Do not agree again: complete the record on the page Publishing" in said
    assert "nothing was decided" not in said.lower()


def test_a_store_that_failed_before_the_file_was_written_does_not_say_that_it_was(
    publishing_here: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text

    def gone(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(publishing, "add_entry", gone)
    code, said = settle(bram, "agree", page)
    assert (code, "published.yaml is geschreven" in said) == (503, False)
    assert set(read_published(folder)) == {OLDER}


BROKEN = "published:\n  acute-nl/1.0.0:\n    digest: nonsense\n"


@pytest.mark.parametrize("only_published", [True, False])
def test_a_file_that_cannot_be_read_is_said_on_the_pages_about_rules_and_nothing_is_published(
    only_published: bool, publishing_here: World, here: World, folder: Path
) -> None:
    world = publishing_here if only_published else here
    anne, bram = map(door_of(world), MANAGERS)
    propose(anne)
    page, before = bram.get(PAGE).text, (folder / "published.yaml").read_text("utf-8")
    rules_here.in_force(world, world.clock())
    (folder / "published.yaml").write_text(BROKEN, "utf-8")
    for path in ("/desk/rules", PAGE):
        answer = bram.get(path)
        seen = words_of(answer.text)
        assert answer.status_code == 200
        assert "published.yaml:3:" in seen, "the file and the line"
        assert "digest" in seen and "should match pattern" in seen, "what is wrong"
        assert f"Nu beslist {OLDER}" in seen
        assert "Er kan zolang niets worden gepubliceerd" in seen
        assert "niet te zeggen: published.yaml is niet te lezen" in seen
    assert bram.get(f"/desk/rules/{OLDER}").status_code == 200
    assert f'action="{PAGE}/agree"' not in bram.get(PAGE).text
    for how in ("agree", "withdraw", "record"):
        code, seen = settle(bram, how, page)
        assert (code, "tot het is hersteld kan niemand publiceren" in seen) == (422, True), how
    assert (folder / "published.yaml").read_text("utf-8") == BROKEN
    (folder / "published.yaml").write_text(before, "utf-8")
    assert "file-faults" not in bram.get(PAGE).text
    assert settle(bram, "agree", page)[0] == 303


def test_a_file_that_can_be_read_and_not_be_used_is_said_and_nothing_is_published(
    publishing_here: World, folder: Path
) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    rules_here.in_force(publishing_here, publishing_here.clock())
    change(folder / OLDER / "ruleset.yaml", "owner:", "owner: x")
    change(folder / "published.yaml", "published:", "# looked at again\npublished:")
    seen = words_of(bram.get(PAGE).text)
    assert "was published on" in seen and "is now sha256:" in seen
    assert settle(bram, "agree", page)[0] == 422
    assert NEWER not in read_published(folder)


# -- what must be green -----------------------------------------------------------------------------------------------


def test_what_the_server_does_not_run_itself_is_said_with_the_command_that_does(
    publishing_here: World, folder: Path
) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    seen = words_of(bram.get(PAGE).text)
    assert "Hij draait ze dan niet zelf" in seen
    assert f"wegwijs rules test {folder / NEWER} --write" in seen


def test_what_is_not_green_is_said_before_and_refused(publishing_here: World, folder: Path) -> None:
    anne, bram = map(door_of(publishing_here), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    (folder / NEWER / "changes.md").unlink()
    as_if_tested(folder / NEWER, failed=["cases/heart.yaml:7"])
    seen = words_of(bram.get(PAGE).text)
    assert "changes.md: zegt niet wat er veranderde" in seen
    assert "cases/heart.yaml:7: dit werkvoorbeeld komt anders uit" in seen
    assert f'action="{PAGE}/agree"' not in bram.get(PAGE).text
    code, seen = settle(bram, "agree", page)
    assert (code, "Deze versie is niet klaar om te publiceren" in seen) == (422, True)
    assert set(read_published(folder)) == {OLDER}
    assert publishing.standing_of(publishing_here, NEWER).state == "proposed"


def test_a_version_whose_moment_has_passed_is_said_to_decide_at_once_before_one_agrees(
    folder: Path, tmp_path: Path
) -> None:
    change(folder / NEWER / "ruleset.yaml", "2030-01-01T00:00:00+01:00", just_begun())
    as_if_tested(folder / NEWER)
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/now.sqlite3", rulesets=folder, only_published=True, desk_publishes=True
    )
    opened = open_world(settings)
    service.upgrade(opened)
    for name in MANAGERS:
        account(opened, name, "medical_manager")
    anne, bram = map(door_of(opened), MANAGERS)
    propose(anne)
    page = bram.get(PAGE).text
    assert re.search(r'<p id="then-\d" class="warn">[^<]*Deze regels beslissen dan meteen: [^<]* is al voorbij', page)
    assert rules_here.in_force(opened, opened.clock()).version == "1.0.0"
    assert settle(bram, "agree", page)[0] == 303
    assert rules_here.in_force(opened, opened.clock()).version == "1.0.1"
    close_world(opened)
