"""Where the desk publishes, two people put a version into `published.yaml`, once and whole, whatever else happens."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from routing import publishing, publishing_doubts, publishing_files, rules_here, service
from routing.errors import BadInput, NotWritten, StoreUnavailable
from routing.publishing import Proposal
from routing.rights import Asker
from routing.rules.publication import read_published
from routing.service import World
from routing.settings import Settings, read_settings
from routing.store import database
from routing.tested import TESTED
from tests.patience import PATIENCE_SECONDS
from tests.rulesets_here import OLDER, accept_all, as_if_tested, change, few_versions, just_begun, publish
from tests.service.conftest import STEMI, Clock, Open, Run
from tests.service.log_load import await_true, quick_server, running

ANNE = Asker("k", "people who sign in here", frozenset({"medical_manager"}), user="anne", session="1")
BRAM = replace(ANNE, user="bram", session="2")
SOON = "2026-11-18T14:00:00+00:00"
AGREED = "2026-11-18T13:30:00+00:00"
NEW, NEWEST = "acute-nl/1.1.0", "acute-nl/1.2.0"
BOTH = {"only_published": True, "desk_publishes": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published version, and two beside it that begin an hour from now."""
    return few_versions(tmp_path / "rulesets", v1_1_0=SOON, v1_2_0=SOON)


@pytest.fixture
def here(world: World, open_world: Open, folder: Path) -> World:
    return open_world(rulesets=folder, **BOTH)


def propose(world: World, name: str = NEW, by: Asker = ANNE) -> Proposal:
    return publishing.propose(world, name, publishing.standing_of(world, name).ruleset.digest, "Om te proberen.", by)


def agree(world: World, first: Proposal, by: Asker = BRAM) -> Proposal:
    return publishing.agree(world, str(first.id), first.digest, by)


def refused(code: str) -> pytest.RaisesExc[BadInput]:
    return pytest.RaisesExc(BadInput, check=lambda error: error.faults[0].code == code)


def version(world: World) -> str:
    return rules_here.in_force(world, world.clock()).version


def test_two_people_publish_and_the_rules_decide_from_their_moment_in_every_process(
    here: World, open_world: Open, folder: Path, clock: Clock
) -> None:
    other = open_world(rulesets=folder, **BOTH)
    assert version(other) == "1.0.0"
    first = propose(here)
    assert NEW not in read_published(folder)
    agreed = agree(here, first)
    assert (agreed.ended, agreed.ended_by) == ("agreed", "bram")
    entry = read_published(folder)[NEW]
    assert (entry.digest, entry.note, entry.approved_by) == (first.digest, "Om te proberen.", None)
    assert (entry.proposed_by, entry.agreed_by, entry.agreed_moment) == ("anne", "bram", clock())
    for each in (here, other):
        found = publishing.standing_of(each, NEW)
        assert (found.state, found.begins, found.unrecorded) == ("published", "later", False)
        assert version(each) == "1.0.0"
    clock.forward(hours=1)
    assert [version(each) for each in (here, other)] == ["1.1.0", "1.1.0"]


def test_what_begins_now_decides_as_soon_as_the_second_person_agreed(
    here: World, open_world: Open, folder: Path, clock: Clock
) -> None:
    other = open_world(rulesets=folder, **BOTH)
    clock.forward(hours=2)
    first = propose(here)
    assert publishing.standing_of(here, NEW).begins == "at_once"
    assert version(other) == "1.0.0"
    agree(here, first)
    assert [version(each) for each in (here, other)] == ["1.1.0", "1.1.0"]


@pytest.mark.parametrize("name", ["anne", "Anne", "an-ne"])
def test_one_person_alone_publishes_nothing(name: str, here: World, folder: Path) -> None:
    before = (folder / "published.yaml").read_bytes()
    first = propose(here)
    with refused("same_person"):
        agree(here, first, replace(BRAM, user=name))
    with refused("not_published"):
        publishing.record(here, str(first.id), ANNE)
    assert (folder / "published.yaml").read_bytes() == before
    assert publishing.standing_of(here, NEW).state == "proposed"


def test_the_file_itself_is_refused_if_one_person_did_both(here: World, folder: Path) -> None:
    agree(here, propose(here))
    change(folder / "published.yaml", 'agreed_by: "bram"', 'agreed_by: "An-Ne"')
    assert version(here) == "1.0.0"
    ready, found = service.ready(here)
    assert (ready, "published.yaml" in found["fault"]) == (False, True)


def test_what_clinicians_accepted_says_so_and_names_its_author(world: World, open_world: Open, folder: Path) -> None:
    accept_all(folder / NEW)
    as_if_tested(folder / NEW)
    here = open_world(rulesets=folder, **BOTH)
    agree(here, propose(here))
    entry = read_published(folder)[NEW]
    assert (entry.approved_by, entry.author) == ("bram", "anne")


def test_files_that_changed_since_are_not_published(here: World, folder: Path) -> None:
    first = propose(here)
    change(folder / NEW / "urgency/heart.yaml", "older with pain", "older and with pain")
    with refused("files_changed"):
        agree(here, first)
    assert set(read_published(folder)) == {OLDER}


def test_agreeing_twice_at_once_publishes_once(here: World, open_world: Open, folder: Path) -> None:
    first = propose(here)
    worlds = [open_world(rulesets=folder, **BOTH) for _ in range(4)]
    start, seen = threading.Barrier(4), list[str]()

    def one(number: int) -> None:
        start.wait()
        try:
            agree(worlds[number], first, replace(BRAM, user=f"arts-{number}", session=str(number)))
        except BadInput as error:
            seen.append(error.faults[0].code)
        else:
            seen.append(f"arts-{number}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (ended,) = publishing.history(here, NEW)
    assert [each for each in seen if each.startswith("arts-")] == [ended.ended_by]
    assert set(seen) <= {str(ended.ended_by), "already_ended", "unrecorded"}
    assert (folder / "published.yaml").read_text("utf-8").count(f"  {NEW}:\n") == 1
    assert read_published(folder)[NEW].agreed_by == ended.ended_by


def test_who_presses_twice_is_told_that_it_is_done(here: World, folder: Path) -> None:
    first = propose(here)
    agree(here, first)
    before = (folder / "published.yaml").read_bytes()
    with refused("already_ended"):
        agree(here, first)
    assert (folder / "published.yaml").read_bytes() == before


def test_two_versions_that_are_published_at_once_are_both_there(here: World, open_world: Open, folder: Path) -> None:
    firsts = [propose(here, name) for name in (NEW, NEWEST)]
    worlds = [open_world(rulesets=folder, **BOTH) for _ in firsts]
    threads = [threading.Thread(target=agree, args=pair) for pair in zip(worlds, firsts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_published(folder)) == {OLDER, NEW, NEWEST}
    assert {each.ended for each in publishing.history(here)} == {"agreed"}


def test_processes_that_add_at_once_lose_no_line(folder: Path) -> None:
    names = [f"acute-nl/2.{number}.0" for number in range(6)]
    few_versions(folder, **{f"v2_{number}_0": SOON for number in range(6)})
    program = (
        "import sys; from pathlib import Path; from routing import publishing_files;"
        "from routing.publishing_files import add_entry, entry_lines; publishing_files.LOCK_SECONDS = 60;"
        "from routing.rules.building import read_ruleset; from routing.vocabulary import read_vocabulary;"
        "from datetime import date; root = Path(sys.argv[1]);"
        "rules = read_ruleset(root / sys.argv[2], read_vocabulary());"
        "add_entry(root, rules, entry_lines(rules, 'Anne', 'Bram', date(2026, 11, 1), 'x'))"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(folder), name]) for name in names]
    assert [each.wait(PATIENCE_SECONDS) for each in started] == [0] * len(names)
    assert set(read_published(folder)) == {OLDER, *names}


# -- killed, full, read-only ------------------------------------------------------------------------------------------


def killed_between(url: str, keys: Path, folder: Path, first: Proposal) -> None:
    """Agree in a process that is killed when the file is there and the database does not know it."""
    program = f"""
import os, signal
from datetime import datetime
from pathlib import Path
from routing import publishing, service
from routing.rights import Asker
from routing.settings import Settings
settings = Settings(database_url={url!r}, keys=Path({str(keys)!r}), rulesets=Path({str(folder)!r}),
    only_published=True, desk_publishes=True)
add = publishing.add_entry
def add_and_die(*given):
    add(*given)
    os.kill(os.getpid(), signal.SIGKILL)
publishing.add_entry = add_and_die
bram = Asker("k", "people who sign in here", frozenset({{"medical_manager"}}), user="bram", session="2")
world = service.open_world(settings, clock=lambda: datetime.fromisoformat({AGREED!r}))
publishing.agree(world, {str(first.id)!r}, {first.digest!r}, bram)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL


def test_killed_between_file_and_database_it_is_published_shown_and_mended_by_one_step(
    here: World, database_url: str, folder: Path, tmp_path: Path, clock: Clock
) -> None:
    first = propose(here)
    killed_between(database_url, tmp_path / "wegwijs.keys", folder, first)
    found = publishing.standing_of(here, NEW)
    assert (found.state, found.unrecorded, found.is_open) == ("published", True, True)
    clock.forward(hours=1)
    assert version(here) == "1.1.0", "what decides is what the file says"
    for settle in (agree, lambda *_: publishing.withdraw(here, str(first.id), ANNE)):
        with refused("unrecorded"):
            settle(here, first)
    mended = publishing.record(here, str(first.id), ANNE)
    assert (mended.proposed_by, mended.ended, mended.ended_by) == ("anne", "agreed", "bram")
    assert mended.ended_at == datetime.fromisoformat(AGREED), "when bram agreed, and not when it was mended"
    assert not publishing.standing_of(here, NEW).unrecorded
    with refused("already_ended"):
        publishing.record(here, str(first.id), ANNE)
    assert version(here) == "1.1.0"


def test_killed_while_the_file_is_written_nothing_is_published_and_it_can_be_tried_again(
    here: World, folder: Path
) -> None:
    first = propose(here)
    before = (folder / "published.yaml").read_bytes()
    (folder / ".published.yaml.new").write_text("published:\n  half", "utf-8")  # as a process leaves it that was killed
    assert publishing.standing_of(here, NEW).state == "proposed"
    assert (folder / "published.yaml").read_bytes() == before
    agree(here, first)
    assert set(read_published(folder)) == {OLDER, NEW}
    assert not (folder / ".published.yaml.new").exists()


def read_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refuse(path: object, flags: int, mode: int = 0o777, **more: int | None) -> int:
        if str(path).startswith(str(folder)) and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(str(path), flags, mode, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing_files.os, "open", refuse)


def disk_full(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(publishing_files.os, "fsync", full)


def in_the_way(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / ".published.yaml.new").mkdir()


def locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(publishing_files, "LOCK_SECONDS", 0.1)
    held = os.open(folder / ".published.yaml.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    monkeypatch.setattr(publishing_files, "_held_for_a_test", held, raising=False)


@pytest.mark.parametrize("harm", [read_only, disk_full, in_the_way, locked])
def test_where_nothing_can_be_written_nothing_is_published_or_recorded_and_it_can_be_tried_again(
    harm: Callable[[Path, pytest.MonkeyPatch], None], here: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = propose(here)
    before = (folder / "published.yaml").read_bytes()
    with monkeypatch.context() as patched:
        harm(folder, patched)
        with pytest.raises(NotWritten) as raised:
            agree(here, first)
        assert str(folder / "published.yaml") in str(raised.value)
        assert (folder / "published.yaml").read_bytes() == before
        assert publishing.standing_of(here, NEW).state == "proposed"
        if harm is locked:
            os.close(publishing_files._held_for_a_test)  # type: ignore[attr-defined]
    if harm is in_the_way:
        (folder / ".published.yaml.new").rmdir()
    assert agree(here, first).ended == "agreed"
    assert set(read_published(folder)) == {OLDER, NEW}


def test_a_database_that_fails_at_the_end_leaves_what_can_be_mended(
    here: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = propose(here)
    add = publishing.add_entry

    def lost(*given: object) -> None:
        add(*given)  # type: ignore[arg-type]
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "add_entry", lost)
        with pytest.raises(StoreUnavailable):
            agree(here, first)
    assert publishing.standing_of(here, NEW).unrecorded
    assert publishing.record(here, str(first.id), BRAM).ended_by == "bram"


# -- what must be green -----------------------------------------------------------------------------------------------


def test_a_version_that_would_count_from_a_day_before_is_not_published(here: World, clock: Clock, folder: Path) -> None:
    first = propose(here)
    clock.forward(days=1)
    with refused("not_green"):
        agree(here, first)
    assert "before the day" in publishing.standing_of(here, NEW).not_green[0].en
    assert set(read_published(folder)) == {OLDER}


def test_a_version_of_which_the_proof_is_missing_or_of_other_rules_is_not_published(here: World, folder: Path) -> None:
    first = propose(here)
    text = {"nl": "elke regel gaat af", "en": "every rule fires"}
    one = {"id": "fires", "kind": "reachable", "text": text, "why": "else it is idle", "review": "pending"}
    (folder / NEW / "properties.yaml").write_text(json.dumps({"format": 1, "properties": [one]}), "utf-8")

    def reason() -> str:
        with refused("not_green"):
            agree(here, first)
        (found,) = publishing.standing_of(here, NEW).not_green
        return found.en

    assert reason() == "proof.json: is not there; `wegwijs rules prove --write` makes it"
    other = Path(str(files("rulesets"))) / "acute-nl" / "1.3.0" / "proof.json"
    shutil.copy(other, folder / NEW)
    assert "it is about other rules" in reason()
    (folder / NEW / "proof.json").write_text("[]", "utf-8")
    assert "is no proof" in reason()
    (folder / NEW / "properties.yaml").unlink()
    assert agree(here, first).ended == "agreed"


def test_a_version_of_which_it_is_not_known_that_its_worked_cases_come_out_is_not_published(
    here: World, folder: Path
) -> None:
    first, kept = propose(here), folder / NEW / TESTED

    def reasons() -> list[str]:
        with refused("not_green"):
            agree(here, first)
        return [each.en for each in publishing.standing_of(here, NEW).not_green]

    right = kept.read_bytes()
    kept.unlink()
    assert reasons() == ["tested.json: is not there; `wegwijs rules test --write` makes it"]
    whole = json.loads(right)
    missing = {name: value for name, value in whole.items() if name != "failed"}
    odd = ["{", "[]", '{"format": 1}', *map(json.dumps, ({**whole, "format": 2}, {**whole, "failed": 3}, missing))]
    for text in (*odd, json.dumps({**whole, "never_fired": [3]}), json.dumps({**whole, "cases": 3})):
        kept.write_text(text, "utf-8")
        assert len(reasons()) == 1
        assert "tested.json" in reasons()[0]
    for part, what in (
        ("ruleset", "rules"),
        ("vocabulary", "words"),
        ("directory", "places"),
        ("cases", "worked cases"),
    ):
        kept.write_text(json.dumps({**json.loads(right), part: {"digest": "sha256:0"}}), "utf-8")
        assert f"is about other {what};" in reasons()[0]
    as_if_tested(folder / NEW, failed=["cases/a.yaml:3"], never_fired=["chest-pain"])
    assert reasons() == [
        "cases/a.yaml:3: this worked case comes out otherwise",
        "no worked case fires the rule `chest-pain`",
    ]
    kept.write_bytes(right)
    more = folder / NEW / "cases" / "more.yaml"
    more.parent.mkdir(exist_ok=True)
    more.write_text("cases: []\n", "utf-8")
    assert "is about other worked cases;" in reasons()[0]
    more.unlink()
    assert agree(here, first).ended == "agreed"


# -- a database that is restored --------------------------------------------------------------------------------------


def put_back(world: World, proposals: list[Proposal]) -> None:
    """Let the database hold these proposals and no others, as a copy of another day would."""
    with database.writing(world.engine) as connection:
        connection.execute(publishing.store.RULE_PROPOSALS.delete())
        for each in proposals:
            publishing.store.add(connection, each)


def test_a_database_restored_to_before_the_agreement_takes_nothing_out_of_force(
    here: World, clock: Clock, folder: Path
) -> None:
    first = propose(here)
    agree(here, first)
    clock.forward(hours=1)
    for known in ([first], []):
        put_back(here, known)
        assert version(here) == "1.1.0"
        found = publishing.standing_of(here, NEW)
        assert (found.state, found.unrecorded) == ("published", bool(known))
        assert found.publication is not None
        assert (found.publication.proposed_by, found.publication.agreed_by) == ("anne", "bram"), "the file knows"
        with refused("already_published"):
            propose(here)


def test_a_database_restored_to_after_an_agreement_puts_nothing_into_force(
    here: World, clock: Clock, folder: Path
) -> None:
    agreed = agree(here, propose(here))
    publish(folder, OLDER)  # the file of before
    put_back(here, [agreed])
    clock.forward(hours=1)
    assert version(here) == "1.0.0"
    assert publishing.standing_of(here, NEW).state == "agreed"
    assert agree(here, propose(here)).ended == "agreed", "two people can do it again"
    assert version(here) == "1.1.0"


def test_a_proposal_that_was_published_in_another_way_is_withdrawn(here: World, folder: Path) -> None:
    first = propose(here)
    publish(folder, OLDER, NEW)
    found = publishing.standing_of(here, NEW)
    assert (found.state, found.is_open, found.unrecorded) == ("published", True, False)
    with refused("already_published"):
        agree(here, first)
    with refused("not_published"):
        publishing.record(here, str(first.id), BRAM)
    assert publishing.withdraw(here, str(first.id), ANNE).ended == "withdrawn"


# -- how it is set ----------------------------------------------------------------------------------------------------


def test_both_ways_are_off_until_an_operator_switches_them_on() -> None:
    settings = Settings()
    assert (settings.only_published, settings.desk_publishes) == (False, False)


def test_nothing_is_written_where_the_software_is_installed() -> None:
    with pytest.raises(BadInput) as raised:
        read_settings(desk_publishes=True)
    assert (raised.value.faults[0].field, "WEGWIJS_RULESETS" in str(raised.value)) == ("WEGWIJS_DESK_PUBLISHES", True)


def test_who_may_read_the_file_still_may_and_a_link_stays_one(here: World, folder: Path, tmp_path: Path) -> None:
    (folder / "published.yaml").rename(tmp_path / "elsewhere.yaml")
    (folder / "published.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (tmp_path / "elsewhere.yaml").chmod(0o640)
    agree(here, propose(here))
    assert (folder / "published.yaml").is_symlink()
    assert (tmp_path / "elsewhere.yaml").stat().st_mode & 0o777 == 0o640
    assert set(read_published(folder)) == {OLDER, NEW}


@pytest.fixture
def at_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJS_RULESETS", str(folder))
    monkeypatch.setenv("WEGWIJS_DESK_PUBLISHES", "true")


def test_the_commands_warn_where_nobody_can_publish(
    run: Run, at_the_terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEGWIJS_ONLY_PUBLISHED", "true")
    assert json.loads(run("settings", "--json")[1])["warnings"] == []
    monkeypatch.setattr(publishing_doubts, "can_be_added_to", lambda _: False)
    for command in (("settings",), ("rules", "agreed")):
        assert "may not write in the folder of rulesets" in run(*command)[1]
        assert len(json.loads(run(*command, "--json")[1])["warnings"]) == 1


def test_the_commands_warn_where_publishing_changes_nothing(run: Run, at_the_terminal: None) -> None:
    assert "without WEGWIJS_ONLY_PUBLISHED" in run("settings")[1]


def test_the_command_says_which_way_it_goes_and_who_published(
    run: Run, at_the_terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEGWIJS_ONLY_PUBLISHED", "true")
    world = service.open_world(read_settings())
    service.upgrade(world)
    begins = datetime.now(UTC) + timedelta(days=9)
    name, root = "acute-nl/1.3.0", Path(os.environ["WEGWIJS_RULESETS"])
    few_versions(root, v1_3_0=begins.isoformat())
    first = propose(world, name)
    said = run("rules", "agreed")[1]
    assert "This server publishes by itself" in said
    assert f"By agreeing this version is published. From {begins.isoformat()} these rules decide." in said
    agree(world, first)
    said = run("rules", "agreed")[1]
    assert "agreed and published by bram" in said
    document = json.loads(run("rules", "agreed", "--json")[1])
    assert (document["desk_publishes"], document["only_published"]) == (True, True)
    found = next(each for each in document["rulesets"] if each["ruleset"] == name)
    assert (found["state"], found["begins"], found["published_by"]) == ("published", "later", ["anne", "bram"])
    service.close_world(world)


def test_the_command_says_what_is_wrong_with_the_file_and_what_is_not_ready(
    run: Run, at_the_terminal: None, folder: Path
) -> None:
    world = service.open_world(read_settings())
    service.upgrade(world)
    propose(world, NEW)
    service.close_world(world)
    code, said, _ = run("rules", "agreed")
    assert (code, "not ready to be published: ruleset.yaml: it would count from" in said) == (0, True)
    (folder / "published.yaml").write_text("published:\n  acute-nl/1.0.0: nonsense\n", "utf-8")
    code, said, _ = run("rules", "agreed")
    assert (code, "error: published.yaml:2:" in said) == (1, True)
    assert "cannot be told, as published.yaml cannot be read" in said
    assert json.loads(run("rules", "agreed", "--json")[1])["faults"][0].startswith("published.yaml:2:")


# -- servers ----------------------------------------------------------------------------------------------------------


def test_every_process_of_a_server_takes_up_what_two_people_published_without_a_restart(tmp_path: Path) -> None:
    folder = few_versions(tmp_path / "rulesets", v1_1_0=just_begun())
    made = quick_server(
        tmp_path / "server",
        WEGWIJS_WORKERS="2",
        WEGWIJS_RULESETS=str(folder),
        WEGWIJS_ONLY_PUBLISHED="true",
        WEGWIJS_DESK_PUBLISHES="true",
    )

    def seen() -> set[str]:
        found = [made.call("POST", "/v1/decisions", STEMI) for _ in range(12)]
        assert {status for status, _ in found} == {201}
        return {str(each["provenance"]["ruleset"]["version"]) for _, each in found}

    with running([made]):
        assert seen() == {"1.0.0"}
        assert made.process is not None
        settings = Settings(database_url=made.database_url, keys=made.keys, rulesets=folder, **BOTH)
        beside = service.open_world(settings)
        first = propose(beside)
        assert seen() == {"1.0.0"}
        agree(beside, first)
        service.close_world(beside)
        await_true(lambda: seen() == {"1.1.0"}, "the rules that were published")
        assert made.call("GET", "/health/ready")[1]["ruleset"]["version"] == "1.1.0"
        assert made.stop() == 0
