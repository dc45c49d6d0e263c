"""Where only published rules may decide, what is not published never does, and what is wrong is said loudly."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from routing import published_here, publishing, rules_here, service
from routing.errors import NotPublished
from routing.rights import Asker
from routing.rules.durable import EngineRefusal
from routing.rules.ruleset import Ruleset
from routing.service import World
from routing.settings import read_settings
from routing.vocabulary import Vocabulary
from tests.rulesets_here import OLDER, change, few_versions, publish
from tests.service.conftest import STEMI, Clock, Open, Run

SOON, PAST = "2026-11-18T14:00:00+00:00", "2026-01-02T00:00:00+00:00"
NEW = "acute-nl/1.1.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published version, and one beside it that began long ago and that nobody published."""
    return few_versions(tmp_path / "rulesets", v1_1_0=PAST)


@pytest.fixture
def here(world: World, open_world: Open, folder: Path) -> World:
    return open_world(rulesets=folder, only_published=True)


Version = Callable[[], str]


@pytest.fixture
def version(here: World) -> Version:
    """The version that decides about a case now."""
    asker = service.authenticate(here, service.create_key(here, "test", frozenset({"triagist"})))
    assert isinstance(asker, Asker)
    return lambda: str(service.decide(here, STEMI, asker)["provenance"]["ruleset"]["version"])


def test_what_is_not_published_never_decides(here: World, open_world: Open, folder: Path, version: Version) -> None:
    assert version() == "1.0.0"
    assert rules_here.in_force(open_world(rulesets=folder), here.clock()).version == "1.1.0", "as it is without"
    assert service.ready(here)[1]["ruleset"]["version"] == "1.0.0"
    listed = {each["version"]: each["in_force"] for each in service.rulesets(here)["rulesets"]}
    assert listed == {"1.0.0": True, "1.1.0": False}, "it is listed all the same"


def test_what_is_not_published_can_be_tried(here: World) -> None:
    found = {each.name: each for each in publishing.standings(here)}
    assert (found[NEW].state, found[NEW].in_force, found[NEW].begins) == ("nothing", False, "at_once")
    assert [rules.version for rules in rules_here.installed_rulesets(here)] == ["1.0.0", "1.1.0"]
    assert rules_here.evaluators_of(here, found[NEW].ruleset).ruleset.version == "1.1.0"


def test_published_rules_decide_from_their_moment_without_a_restart(
    here: World, folder: Path, clock: Clock, version: Version
) -> None:
    change(folder / NEW / "ruleset.yaml", PAST, SOON)
    publish(folder, OLDER, NEW)
    clock.now = clock.now.replace(hour=13, minute=59, second=59)
    assert version() == "1.0.0"
    clock.forward(seconds=1)
    assert version() == "1.1.0"


def test_what_is_published_while_the_server_runs_decides_from_then_on(
    here: World, folder: Path, version: Version
) -> None:
    assert version() == "1.0.0"
    publish(folder, OLDER, NEW)
    assert version() == "1.1.0"
    publish(folder, OLDER)
    assert version() == "1.0.0", "and not any more once it does not stand there"


def test_a_folder_that_came_while_the_server_ran_decides_once_it_is_published(
    here: World, folder: Path, version: Version, tmp_path: Path
) -> None:
    assert version() == "1.0.0"
    other = few_versions(tmp_path / "other", v1_2_0=PAST)
    shutil.copytree(other / "acute-nl/1.2.0", folder / "acute-nl/1.2.0")
    assert version() == "1.0.0"
    publish(folder, OLDER, "acute-nl/1.2.0")
    assert version() == "1.2.0"
    assert "1.2.0" in {rules.version for rules in rules_here.installed_rulesets(here)}


def wrong_digest(folder: Path) -> None:
    change(folder / OLDER / "urgency/heart.yaml", "older with pain", "older without pain")


def no_file(folder: Path) -> None:
    (folder / "published.yaml").unlink()


def broken(folder: Path) -> None:
    (folder / "published.yaml").write_text("published: [\n", "utf-8")


def not_here(folder: Path) -> None:
    text = (folder / "published.yaml").read_text("utf-8")
    (folder / "published.yaml").write_text(text + text.partition("\n")[2].replace("1.0.0", "9.0.0"), "utf-8")


def gone(folder: Path) -> None:
    """As a network drive that went away."""
    folder.rename(folder.with_name("away"))


WRONG = [wrong_digest, no_file, broken, not_here]


@pytest.mark.parametrize("harm", [*WRONG, lambda folder: publish(folder), lambda folder: publish(folder, NEW)])
def test_a_server_does_not_start_where_nothing_may_decide_or_the_file_is_wrong(
    harm: Callable[[Path], None], world: World, open_world: Open, folder: Path
) -> None:
    change(folder / NEW / "ruleset.yaml", PAST, "2030-01-01T00:00:00+00:00")
    harm(folder)
    here = open_world(rulesets=folder, only_published=True)
    with pytest.raises(NotPublished) as raised:
        service.check_rules(here)
    assert "published.yaml" in str(raised.value)
    ready, found = service.ready(here)
    assert (ready, found["ruleset"]) == (False, None)
    assert "published.yaml" in found["fault"]
    with pytest.raises(NotPublished):
        rules_here.in_force(here, here.clock())


@pytest.mark.parametrize("harm", WRONG)
def test_a_file_that_becomes_wrong_changes_nothing_of_what_decides_and_is_said(
    harm: Callable[[Path], None],
    here: World,
    folder: Path,
    version: Version,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = (folder / "published.yaml").read_text("utf-8")
    assert version() == "1.0.0"
    harm(folder)
    if harm is wrong_digest:  # nothing is looked at again before the file changes too
        publish(folder, NEW)
        (folder / "published.yaml").write_text(text + (folder / "published.yaml").read_text().partition("\n")[2])
    assert version() == "1.0.0"
    assert "changes nothing" in caplog.text
    ready, found = service.ready(here)
    assert (ready, "published.yaml" in found["fault"]) == (False, True)
    if harm is wrong_digest:
        change(folder / OLDER / "urgency/heart.yaml", "older without pain", "older with pain")
        clock.forward(seconds=11)
        assert version() == "1.1.0", "it is tried again, also if the file itself stays as it is"
    else:
        (folder / "published.yaml").write_text(text, "utf-8")
        assert version() == "1.0.0"
    assert service.ready(here)[0]


def test_a_folder_that_went_away_changes_nothing_of_what_decides(
    here: World, folder: Path, version: Version, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    assert version() == "1.0.0"
    gone(folder)
    assert version() == "1.0.0"
    assert not service.ready(here)[0]
    folder.with_name("away").rename(folder)
    clock.forward(seconds=11)
    assert version() == "1.0.0"

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(published_here, "read_release", refuse)
        publish(folder, OLDER, NEW)
        assert version() == "1.0.0"
        assert not service.ready(here)[0]
    clock.forward(seconds=11)
    assert version() == "1.1.0"


def test_nothing_decides_once_nothing_is_published_any_more(here: World, folder: Path, version: Version) -> None:
    assert version() == "1.0.0"
    publish(folder)
    with pytest.raises(NotPublished):
        version()
    assert not service.ready(here)[0]
    assert {each.state for each in publishing.standings(here)} == {"nothing"}, "the page is there to mend it"


def test_a_server_without_the_setting_asks_nobody_what_is_published(
    world: World, open_world: Open, folder: Path
) -> None:
    broken(folder)
    here = open_world(rulesets=folder)
    service.check_rules(here)
    assert rules_here.in_force(here, here.clock()).version == "1.1.0"


def test_the_rules_that_come_with_wegwijs_are_published(world: World, open_world: Open) -> None:
    here, other = open_world(only_published=True), open_world()
    assert rules_here.in_force(here, here.clock()).digest == rules_here.in_force(other, here.clock()).digest


def test_files_that_were_read_before_they_were_changed_and_published_are_read_again(
    here: World, folder: Path, version: Version
) -> None:
    assert [rules.version for rules in rules_here.installed_rulesets(here)] == ["1.0.0", "1.1.0"]
    change(folder / NEW / "urgency/heart.yaml", "older with pain", "older and with pain")
    publish(folder, OLDER, NEW)
    assert version() == "1.1.0"
    text = rules_here.in_force(here, here.clock()).by_id["old-with-pain"].text
    assert text.en == "older and with pain"


def test_a_command_refuses_to_serve_without_published_rules(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder)
    monkeypatch.setenv("WEGWIJS_RULESETS", str(folder))
    monkeypatch.setenv("WEGWIJS_ONLY_PUBLISHED", "true")
    code, _, said = run("serve")
    assert (code, "published.yaml" in said, "WEGWIJS_ONLY_PUBLISHED" in said) == (2, True, True)
    assert read_settings().only_published


def test_others_go_on_deciding_while_a_new_file_is_taken_up(
    here: World, folder: Path, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert version() == "1.0.0"
    publish(folder, OLDER, NEW)
    reading, go_on, seen = threading.Event(), threading.Event(), list[str]()
    read_now = rules_here.read_ruleset

    def slowly(path: Path, words: Vocabulary) -> Ruleset:
        reading.set()
        assert go_on.wait(60)
        return read_now(path, words)

    monkeypatch.setattr(rules_here, "read_ruleset", slowly)
    one = threading.Thread(target=lambda: seen.append(version()))
    one.start()
    assert reading.wait(60)
    assert version() == "1.0.0", "nobody waits for it"
    go_on.set()
    one.join()
    assert (seen, version()) == (["1.1.0"], "1.1.0")


def test_rules_that_the_rule_engine_cannot_take_are_not_taken_up(
    here: World, folder: Path, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert version() == "1.0.0"

    def refuse(*_: object) -> None:
        raise EngineRefusal("old-with-pain", "no")

    monkeypatch.setattr(rules_here, "build_evaluators", refuse)
    publish(folder, OLDER, NEW)
    assert version() == "1.0.0"
    assert not service.ready(here)[0]
