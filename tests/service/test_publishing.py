"""Publishing takes two people who saw the same files, and nothing that a database says puts rules into force."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from routing import publishing, rules_here, service
from routing.errors import BadInput, NotFound, StoreUnavailable
from routing.publishing import Proposal
from routing.rights import Asker
from routing.rules.publication import read_published
from routing.service import World
from routing.settings import read_settings
from routing.store import database
from routing.store import proposals as store
from tests.rulesets_here import NEWER, OLDER, accept_all, change, two_rulesets
from tests.service.conftest import Clock, Open, Run

ANNE = Asker("k", "people who sign in here", frozenset({"medical_manager"}), user="anne", session="1")
BRAM = replace(ANNE, user="bram", session="2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_rulesets(tmp_path / "rulesets")


@pytest.fixture
def here(world: World, open_world: Open, folder: Path) -> World:
    """A server with a published version and a newer one beside it, on a database that is up to date."""
    return open_world(rulesets=folder)


def digest_of(world: World, name: str = NEWER) -> str:
    return publishing.standing_of(world, name).ruleset.digest


def proposed(world: World, by: Asker = ANNE) -> Proposal:
    return publishing.propose(world, NEWER, digest_of(world), "Alleen om uit te proberen: 2 grenzen.", by)


def refused(code: str) -> pytest.RaisesExc[BadInput]:
    return pytest.RaisesExc(BadInput, check=lambda error: error.faults[0].code == code)


def test_two_people_agree_and_the_operator_gets_the_lines(here: World, folder: Path, clock: Clock) -> None:
    first = proposed(here)
    assert publishing.standing_of(here, NEWER).state == "proposed"
    clock.forward(hours=1)
    agreed = publishing.agree(here, str(first.id), first.digest, BRAM)
    assert (agreed.proposed_by, agreed.ended, agreed.ended_by, agreed.ended_at) == ("anne", "agreed", "bram", clock())
    assert publishing.standing_of(here, NEWER).state == "agreed"
    with (folder / "published.yaml").open("a", encoding="utf-8") as file:
        file.write(publishing.entry_of(agreed))
    entry = read_published(folder)[NEWER]
    assert (entry.digest, entry.note) == (first.digest, first.note)
    assert (entry.approved_by, entry.author) == (None, None), "no clinician accepted its rules"
    assert publishing.standing_of(here, NEWER).state == "published"


def test_who_agreed_is_named_once_clinicians_accepted_every_rule(world: World, open_world: Open, folder: Path) -> None:
    accept_all(folder / NEWER)
    here = open_world(rulesets=folder)
    first = proposed(here)
    agreed = publishing.agree(here, str(first.id), first.digest, BRAM)
    with (folder / "published.yaml").open("a", encoding="utf-8") as file:
        file.write(publishing.entry_of(agreed))
    entry = read_published(folder)[NEWER]
    assert (entry.approved_by, entry.author) == ("bram", "anne")


@pytest.mark.parametrize("name", ["anne", "Anne", "an-ne"])
def test_nobody_agrees_to_a_proposal_of_their_own(name: str, here: World) -> None:
    first = proposed(here)
    with refused("same_person"):
        publishing.agree(here, str(first.id), first.digest, replace(BRAM, user=name))
    assert publishing.standing_of(here, NEWER).state == "proposed"


def test_the_database_itself_holds_that_it_takes_two(here: World) -> None:
    first = proposed(here)
    with pytest.raises(StoreUnavailable), database.writing(here.engine) as connection:
        store.end(connection, first.id, "agreed", "anne", here.clock())
    assert publishing.standing_of(here, NEWER).state == "proposed"


def test_only_people_who_signed_in_publish(here: World) -> None:
    digest = digest_of(here)
    for nobody in (replace(ANNE, session=None), replace(ANNE, user=None)):
        with refused("no_person"):
            publishing.propose(here, NEWER, digest, "x", nobody)
    first = proposed(here)
    with refused("no_person"):
        publishing.agree(here, str(first.id), first.digest, replace(BRAM, session=None))
    with refused("no_person"):
        publishing.withdraw(here, str(first.id), replace(BRAM, session=None))


def test_files_that_changed_since_are_not_agreed_to(here: World, folder: Path) -> None:
    first = proposed(here)
    change(folder / NEWER / "ruleset.yaml", "2030-01-01", "2029-01-01")
    assert publishing.standing_of(here, NEWER).state == "proposed", "this server still has what it read"
    with refused("files_changed"):
        publishing.agree(here, str(first.id), first.digest, BRAM)
    with refused("files_changed"):
        publishing.propose(here, NEWER, first.digest, "x", ANNE)


def test_what_was_not_seen_is_not_agreed_to(here: World) -> None:
    first = proposed(here)
    with refused("files_changed"):
        publishing.agree(here, str(first.id), digest_of(here, OLDER), BRAM)
    with refused("files_changed"):
        publishing.propose(here, NEWER, digest_of(here, OLDER), "x", ANNE)


def test_an_agreement_about_other_files_is_none(here: World, open_world: Open, folder: Path) -> None:
    first = proposed(here)
    publishing.agree(here, str(first.id), first.digest, BRAM)
    change(folder / NEWER / "ruleset.yaml", "2030-01-01", "2029-01-01")
    after = publishing.standing_of(open_world(rulesets=folder), NEWER)
    assert (after.state, after.proposal) == ("nothing", None)


@pytest.mark.parametrize("by", [ANNE, BRAM])
def test_either_withdraws_and_then_nobody_agrees(by: Asker, here: World) -> None:
    first = proposed(here)
    assert publishing.withdraw(here, str(first.id), by).ended == "withdrawn"
    with refused("already_ended"):
        publishing.agree(here, str(first.id), first.digest, BRAM)
    with refused("already_ended"):
        publishing.withdraw(here, str(first.id), by)
    assert publishing.standing_of(here, NEWER).state == "nothing"
    second = proposed(here, BRAM)
    assert [each.id for each in publishing.history(here, NEWER)] == [second.id, first.id]


def test_one_proposal_at_a_time_and_none_for_what_was_published(here: World) -> None:
    proposed(here)
    with refused("already_proposed"):
        proposed(here, BRAM)
    with refused("already_published"):
        publishing.propose(here, OLDER, digest_of(here, OLDER), "x", ANNE)
    with pytest.raises(NotFound):
        publishing.propose(here, "acute-nl/9.9.9", digest_of(here), "x", ANNE)
    for unknown in ("0193a0d4-0000-7000-8000-000000000000", "x", ""):
        with pytest.raises(NotFound):
            publishing.agree(here, unknown, digest_of(here), BRAM)


def test_a_note_says_what_it_is_for_and_can_write_nothing_else(here: World, folder: Path) -> None:
    for note in ("", "  ", "x" * 301):
        with refused("note"):
            publishing.propose(here, NEWER, digest_of(here), note, ANNE)
    note = "x\"\n  acute-nl/6.6.6: {digest: sha256:0}\n# '\\ : - é"
    first = publishing.propose(here, NEWER, digest_of(here), note, ANNE)
    agreed = publishing.agree(here, str(first.id), first.digest, BRAM)
    with (folder / "published.yaml").open("a", encoding="utf-8") as file:
        file.write(publishing.entry_of(agreed))
    assert read_published(folder)[NEWER].note == " ".join(note.split())
    assert set(read_published(folder)) == {OLDER, NEWER}


@pytest.mark.parametrize("ending", ["agree", "withdraw"])
def test_of_two_who_end_it_at_once_one_does(ending: str, here: World, open_world: Open, folder: Path) -> None:
    first = proposed(here)
    worlds = [open_world(rulesets=folder) for _ in range(4)]
    start, seen = threading.Barrier(4), list[str]()

    def one(number: int) -> None:
        who = replace(BRAM, user=f"arts-{number}", session=str(number))
        start.wait()
        try:
            if ending == "withdraw" and number % 2:
                publishing.withdraw(worlds[number], str(first.id), who)
            else:
                publishing.agree(worlds[number], str(first.id), first.digest, who)
        except BadInput as error:
            seen.append(error.faults[0].code)
        else:
            seen.append(f"arts-{number}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (ended,) = publishing.history(here, NEWER)
    assert sorted(seen) == ["already_ended"] * 3 + [ended.ended_by]


def test_of_two_who_propose_at_once_one_does(here: World, open_world: Open, folder: Path) -> None:
    worlds = [open_world(rulesets=folder) for _ in range(3)]
    start, seen = threading.Barrier(3), list[str]()

    def one(number: int) -> None:
        start.wait()
        try:
            proposed(worlds[number], replace(ANNE, user=f"arts-{number}"))
        except BadInput as error:
            seen.append(error.faults[0].code)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["already_proposed"] * 2
    assert len(publishing.history(here)) == 1


def test_what_the_database_says_decides_nothing(here: World, folder: Path) -> None:
    before = rules_here.in_force(here, here.clock()).digest
    first = proposed(here)
    publishing.agree(here, str(first.id), first.digest, BRAM)
    assert rules_here.in_force(here, here.clock()).digest == before
    assert set(read_published(folder)) == {OLDER}


def test_nobody_gets_lines_for_what_was_not_agreed(here: World) -> None:
    first = proposed(here)
    with refused("not_agreed"):
        publishing.entry_of(first)
    with refused("not_agreed"):
        publishing.entry_of(publishing.withdraw(here, str(first.id), BRAM))


def test_the_command_says_how_far_each_is(run: Run, folder: Path, open_cli: World) -> None:
    assert f"{NEWER}: not published, nobody proposed it" in run("rules", "agreed")[1]
    first = proposed(open_cli)
    code, out, _ = run("rules", "agreed")
    assert (code, "waits for a second person" in out, "proposed by anne" in out) == (0, True, True)
    agreed = publishing.agree(open_cli, str(first.id), first.digest, BRAM)
    assert publishing.entry_of(agreed) in run("rules", "agreed")[1]
    found = json.loads(run("rules", "agreed", "--json")[1])
    assert [each["state"] for each in found["rulesets"]] == ["published", "agreed"]
    assert found["rulesets"][1]["entry"] == publishing.entry_of(agreed)
    assert (found["proposals"][0]["proposed_by"], found["proposals"][0]["ended_by"]) == ("anne", "bram")
    change(folder / OLDER / "ruleset.yaml", "2026-01-01", "2026-01-02")
    code, out, _ = run("rules", "agreed")
    assert (code, "NOT the files that were published" in out) == (1, True)


@pytest.fixture
def open_cli(run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> World:
    """The world of the command."""
    monkeypatch.setenv("WEGWIJS_RULESETS", str(folder))
    world = service.open_world(read_settings())
    service.upgrade(world)
    return world
