"""The life of a ruleset at a terminal: begun from another, compared in meaning, a rule retired, published by two."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from routing.rules.building import read_ruleset
from routing.rules.publication import read_published
from routing.vocabulary import read_vocabulary
from tests.fixtures_ruleset import few_rules, rule, topic
from tests.service.conftest import Run
from tests.service.test_mutate_command import FAST, JUST_BELOW, NO_PAIN, ON_IT, a_case

CHANGES = "# Changes in acute-nl\n\n## 1.0.0, from 1 January 2026\n\nThe first rules.\n"
OF_OTHERS = [
    a_case({"fires": ["old-with-pain"], "urgency": "U2"}, chest_pain=True),
    a_case({"fires": ["acs-in-shock", "stemi-needs-pci"]}, chest_pain=True, heart_rate=120, systolic_bp=80),
]


def small(folder: Path, rules: str = FAST, *cases: dict[str, Any]) -> Path:
    """A small ruleset as a version in a folder of rulesets, with worked cases for its own rules and these."""
    place = few_rules(folder / "rulesets" / "acute-nl" / "1.0.0")
    (place / "urgency" / "extra.yaml").write_text(rules, "utf-8")
    (place / "cases").mkdir()
    (place / "cases" / "fast.yaml").write_text(cases_file(*(cases or (ON_IT, JUST_BELOW, NO_PAIN))), "utf-8")
    (place / "cases" / "others.yaml").write_text(cases_file(*OF_OTHERS), "utf-8")
    (place / "changes.md").write_text(CHANGES, "utf-8")
    return place


def cases_file(*cases: dict[str, Any]) -> str:
    """Each case begins on a line of its own, as somebody would write it."""
    lines = "".join(
        f"  # a remark\n  - name: {json.dumps(case['name'])}\n    at: {case['at']}\n"
        f"    given: {json.dumps(case['given'])}\n    expect: {json.dumps(case['expect'])}\n\n"
        for case in cases
    )
    return f"# worked cases\ncases:\n{lines}"


def begun(run: Run, folder: Path, *options: str, name: str = "acute-nl/1.1.0") -> dict[str, Any]:
    code, out, _ = run("rules", "new", name, "--to", str(folder.parents[1]), "--json", *options)
    assert code == 0, out
    found: dict[str, Any] = json.loads(out)
    return found


# -- new


def test_a_new_version_is_the_newest_with_a_later_moment_and_its_reviews(run: Run, tmp_path: Path) -> None:
    old = small(tmp_path)
    text = (old / "ruleset.yaml").read_text("utf-8").replace("version: 1.0.0", "version: 1.0.0  # the first")
    (old / "ruleset.yaml").write_text(text, "utf-8")
    found = begun(run, old)
    new = Path(found["folder"])
    assert new == old.parent / "1.1.0"
    before, after = (read_ruleset(each, read_vocabulary()) for each in (old, new))
    assert after.version == "1.1.0"
    assert after.effective_from > before.effective_from
    assert [each.accepted for each in after.rules] == [each.accepted for each in before.rules]
    assert after.by_id["acs-in-shock"].accepted is not None
    assert (new / "ruleset.yaml").read_text("utf-8") == text.replace("1.0.0 ", "1.1.0 ").replace(
        "2026-01-01T00:00:00+01:00", found["effective_from"]
    )
    assert (new / "cases" / "fast.yaml").read_bytes() == (old / "cases" / "fast.yaml").read_bytes()
    begins = (new / "changes.md").read_text("utf-8")
    assert begins.startswith("# Changes in acute-nl\n\n## 1.1.0, from ")
    assert begins.endswith(CHANGES.partition("\n\n")[2])
    assert run("rules", "test", str(new))[0] == 0


def test_an_empty_ruleset_can_be_checked_and_tested(run: Run, tmp_path: Path) -> None:
    folder = Path(begun(run, tmp_path / "a" / "b" / "c", "--empty", name="lesson/0.1.0")["folder"])
    code, out, _ = run("rules", "test", str(folder), "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["rules"], found["cases"], found["rules_fired"]) == (1, 2, 1)
    assert not [one for one in found["findings"]["warnings"] if "norm" not in one]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("acute-nl/1.0.0",), "NAME/VERSION"),
        (("acute-nl",), "NAME/VERSION"),
        (("acute-nl/1.1.0", "--effective-from", "2025-01-01T00:00:00+01:00"), "--effective-from"),
        (("acute-nl/1.1.0", "--effective-from", "soon"), "--effective-from"),
    ],
    ids=["is there", "no version", "too early", "no time"],
)
def test_what_cannot_be_begun_is_refused(arguments: tuple[str, ...], field: str, run: Run, tmp_path: Path) -> None:
    root = small(tmp_path).parents[1]
    code, out, err = run("rules", "new", *arguments, "--to", str(root))
    assert (code, out) == (2, "")
    assert field in err
    assert not (root / "acute-nl" / "1.1.0").exists()


# -- retire


def test_a_retired_rule_goes_with_the_cases_that_are_about_it_alone(run: Run, tmp_path: Path) -> None:
    alone = a_case({"does_not_fire": ["fast"]}, heart_rate=119, chest_pain=True)
    other = a_case({"urgency": "U3"}, heart_rate=60)
    folder = small(tmp_path, FAST + rule("slow", "heart_rate < 40"), alone, other)
    slow = a_case({"fires": ["slow"]}, heart_rate=39)
    (folder / "cases" / "slow.yaml").write_text(cases_file(slow), "utf-8")
    code, out, _ = run("rules", "retire", "fast", str(folder), "--json")
    found = json.loads(out)
    assert code == 0, out
    assert len(found["cases_removed"]) == 1
    assert found["still_named"] == found["failing"] == []
    assert (folder / "urgency" / "extra.yaml").read_text("utf-8") == topic(rule("slow", "heart_rate < 40"))
    assert (folder / "cases" / "fast.yaml").read_text("utf-8") == cases_file(other)
    assert "- Retired: `fast`." in (folder / "changes.md").read_text("utf-8")


def test_a_case_that_expects_more_is_left_for_somebody_to_decide(run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path, FAST + rule("slow", "heart_rate < 40"), ON_IT, a_case({"fires": ["slow"]}, heart_rate=39))
    before = (folder / "cases" / "fast.yaml").read_text("utf-8")
    code, out, _ = run("rules", "retire", "fast", str(folder))
    assert code == 1
    assert "still named, decide what it expects now: cases/fast.yaml:7: names `fast` in `fires`" in out
    assert (folder / "cases" / "fast.yaml").read_text("utf-8") == before


def test_what_nothing_uses_after_a_rule_is_retired_is_named(run: Run, tmp_path: Path) -> None:
    rules = topic(rule("hot", "temperature >= 39", reference="journal"), rule("slow", "heart_rate < 40"))
    folder = small(tmp_path, rules, *OF_OTHERS)
    with (folder / "ruleset.yaml").open("a") as head:
        head.write('  journal: {title: A journal, href: "https://example.org/journal", read: read}\n')
    code, out, _ = run("rules", "retire", "hot", str(folder))
    assert code == 0
    assert "left loose: ruleset.yaml: nothing cites the reference `journal`" in out


def test_a_rule_that_others_rest_on_is_not_taken_out(run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    code, _, err = run("rules", "retire", "old-with-pain", str(folder))
    assert code != 0
    assert "no rule concludes the condition `acs`" in err
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


# -- publish

PUBLISH = ("--author", "A. de Boer", "--approved-by", "B. Smit", "--on", "2025-12-01", "--note", "For evaluation")


def test_a_published_version_stands_in_the_file_and_is_never_touched_again(run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path)
    root = folder.parents[1]
    earlier = "# a remark\npublished:\n  other/1.0.0:\n    digest: sha256:" + "0" * 64
    earlier += '\n    published_on: "2025-01-01"\n    approved_by: null\n    note: before\n'
    (root / "published.yaml").write_text(earlier, "utf-8")
    code, out, _ = run("rules", "publish", str(folder), *PUBLISH, "--json")
    found = json.loads(out)
    assert (code, found["published"], found["reasons"]) == (0, True, [])
    text = (root / "published.yaml").read_text("utf-8")
    assert text.startswith(earlier)
    entry = read_published(root)["acute-nl/1.0.0"]
    assert entry.digest == found["digest"] == read_ruleset(folder, read_vocabulary()).digest
    assert entry.approved_by is None, "a rule is pending, so nobody approved it for care"
    assert "agreed to by A. de Boer and B. Smit" in text
    assert run("rules", "publish", str(folder), *PUBLISH)[0] == 2
    assert run("rules", "retire", "fast", str(folder))[0] == 2
    assert (root / "published.yaml").read_text("utf-8") == text
    assert run("rules", "check", str(folder))[0] == 0


def test_what_every_rule_was_accepted_in_names_both(run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path)
    for path in folder.rglob("*.yaml"):
        accepted = "review: {by: a cardiologist, on: 2026-05-01}"
        path.write_text(path.read_text("utf-8").replace("review: pending", accepted), "utf-8")
    assert run("rules", "publish", str(folder), *PUBLISH)[0] == 0
    entry = read_published(folder.parents[1])["acute-nl/1.0.0"]
    assert (entry.author, entry.approved_by) == ("A. de Boer", "B. Smit")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--approved-by", "a de boer"), ("--approved-by", " "), ("--on", "tomorrow"), ("--note", " ")],
    ids=["one person", "nobody", "no date", "no note"],
)
def test_one_person_alone_cannot_publish(option: str, value: str, run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path)
    given = list(PUBLISH)
    given[given.index(option) + 1] = value
    code, out, err = run("rules", "publish", str(folder), *given)
    assert (code, out) == (2, "")
    assert option in err
    assert not (folder.parents[1] / "published.yaml").exists()


def test_what_is_not_green_is_not_published(run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path, FAST + rule("slow", "heart_rate < 40"), {**ON_IT, "expect": {"urgency": "U5"}})
    (folder / "changes.md").write_text("# Changes\n\nNothing yet.\n", "utf-8")
    code, out, _ = run("rules", "publish", str(folder), *PUBLISH[:-4], "--on", "2026-12-01", "--note", "x", "--json")
    found = json.loads(out)
    assert (code, found["published"]) == (1, False)
    reasons = "\n".join(found["reasons"])
    for reason in (
        "cases/fast.yaml:4: this worked case",
        "rule `slow`: no worked case",
        "changes.md",
        "before the day",
    ):
        assert reason in reasons
    assert not (folder.parents[1] / "published.yaml").exists()


# -- diff in meaning


def other_version(folder: Path, old: str, new: str) -> Path:
    place = Path(shutil.copytree(folder, folder.parent / "1.1.0"))
    text = (place / "urgency" / "extra.yaml").read_text("utf-8")
    assert old in text
    (place / "urgency" / "extra.yaml").write_text(text.replace(old, new), "utf-8")
    return place


def compared(run: Run, old: Path, new: Path) -> dict[str, Any]:
    code, out, _ = run("rules", "diff", str(old), str(new), "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_moved_limit_is_said_as_the_cases_between_the_two(run: Run, tmp_path: Path) -> None:
    old = small(tmp_path)
    found = compared(run, old, other_version(old, "heart_rate >= 120", "heart_rate >= 130"))
    (one,) = found["meaning"]
    assert (one["id"], one["same"], one["only_new"]) == ("fast", False, None)
    assert one["only_old"]["written"] == "chest_pain and heart_rate >= 120 and heart_rate < 130"
    assert 120 <= one["only_old"]["example"]["heart_rate"] < 130
    assert one["only_old"]["example"]["chest_pain"] is True
    assert set(one["only_old"]["text"]) == {"nl", "en"}
    urgency = found["worked_cases"]["otherwise"]["urgency"]
    assert (urgency["count"], urgency["old"], urgency["new"]) == (1, "U1", "U2")
    assert urgency["example"].startswith("cases/fast.yaml:")


def test_the_same_in_other_words_is_said_to_mean_the_same(run: Run, tmp_path: Path) -> None:
    old = small(tmp_path)
    when = "{all: [heart_rate >= 120, chest_pain]}"
    new = other_version(old, when, "{not: {any: [heart_rate < 120, not chest_pain]}}")
    (one,) = compared(run, old, new)["meaning"]
    assert one["same"] is True
    out = run("rules", "diff", str(old), str(new))[1]
    assert "meaning: fast: written otherwise, fires in the same cases" in out
    assert "worked cases: urgency, conditions, needs and ambulance are the same in all 5" in out


def test_a_rule_that_asks_something_else_differs_both_ways(run: Run, tmp_path: Path) -> None:
    old = small(tmp_path)
    (one,) = compared(run, old, other_version(old, "chest_pain]", "pregnant]"))["meaning"]
    assert one["only_old"]["written"] == "heart_rate >= 120 and chest_pain and not pregnant"
    assert one["only_new"]["written"] == "heart_rate >= 120 and pregnant and not chest_pain"


def test_two_texts_without_a_change_that_decides_run_no_cases(run: Run, tmp_path: Path) -> None:
    old = small(tmp_path)
    found = compared(run, old, old)
    assert (found["meaning"], found["worked_cases"], found["every_case"]) == ([], None, None)


def test_a_version_with_properties_is_published_with_its_proof_only(run: Run, tmp_path: Path) -> None:
    folder = small(tmp_path)
    text = {"nl": "elke regel gaat af", "en": "every rule fires"}
    one = {"id": "fires", "kind": "reachable", "text": text, "why": "else it is idle", "review": "pending"}
    (folder / "properties.yaml").write_text(json.dumps({"format": 1, "properties": [one]}), "utf-8")
    (reason,) = json.loads(run("rules", "publish", str(folder), *PUBLISH, "--json")[1])["reasons"]
    assert reason == "proof.json: is not there; `wegwijs rules prove --write` makes it"
    (folder / "proof.json").write_text(json.dumps({"ruleset": {"digest": "sha256:" + "0" * 64}}), "utf-8")
    (reason,) = json.loads(run("rules", "publish", str(folder), *PUBLISH, "--json")[1])["reasons"]
    assert "it is about other rules" in reason
    assert run("rules", "prove", str(folder), "--write")[0] == 0
    assert run("rules", "publish", str(folder), *PUBLISH)[0] == 0


def test_a_case_that_gets_something_else_is_found_among_all_cases_or_shown_not_to_be_there(
    run: Run, tmp_path: Path
) -> None:
    old = small(tmp_path)
    found = compared(run, old, other_version(old, "heart_rate >= 120", "heart_rate >= 130"))["every_case"]
    less, more, conditions, needs = found["questions"]
    assert (less["verdict"], less["old"]) == ("differs", "U1")
    assert less["new"] > "U1"
    assert 120 <= less["case"]["observations"]["heart_rate"] < 130
    assert [one["verdict"] for one in (more, conditions, needs)] == ["same"] * 3


def test_without_a_solver_it_is_said_what_is_missing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = small(tmp_path)
    new = other_version(old, "heart_rate >= 120", "heart_rate >= 130")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    out = run("rules", "diff", str(old), str(new))[1]
    assert "every case: not searched, which needs a solver: pip install 'wegwijs[verify]'" in out
    assert "meaning: fast: fires no more where chest_pain and heart_rate >= 120 and heart_rate < 130" in out
