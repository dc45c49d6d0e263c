"""What is proved holds, what is not is shown by a case that `wegwijs decide` confirms, and what stays open is said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from routing.case import parse_case
from routing.cli import main
from routing.packaged import Desk, decide_at_desk, packaged_directory, rules_in, ruleset_folders
from routing.proving import kept
from routing.proving.earlier import earlier
from routing.proving.properties import FILE
from routing.rules.evaluation import build_evaluators
from routing.rules.publication import read_published
from routing.triage import triage
from routing.vocabulary import read_vocabulary
from routing.worked_cases import read_worked_cases, run
from tests.proving import seeded


def _prove(capsys: pytest.CaptureFixture[str], folder: Path, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    # the solver may stand still as well; of options that are given twice the last one counts
    code = main(["rules", "prove", str(folder), "--json", "--timeout", "3000", *options])
    return code, {one["id"]: one for one in json.loads(capsys.readouterr().out)["properties"]}


def _desk(folder: Path) -> Desk:
    words = read_vocabulary()
    return Desk(words, build_evaluators(rules_in(folder, words)), packaged_directory(words))


def _decided(case: Mapping[str, Any], at: str, desk: Desk) -> dict[str, Any]:
    return decide_at_desk(desk, case, datetime.fromisoformat(at))[1]


def test_a_gap_of_a_minute_in_a_window_is_found_at_that_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.gap_in_a_window(tmp_path)
    code, found = _prove(capsys, folder, "--property", "st-elevation-without-a-gap")
    shown = found["st-elevation-without-a-gap"]["counterexample"]
    assert (code, found["st-elevation-without-a-gap"]["verdict"]) == (1, "refuted")
    onset = datetime.fromisoformat(shown["case"]["observations"]["onset_at"])
    assert (datetime.fromisoformat(shown["at"]) - onset).total_seconds() / 60 == 720
    answer = _decided(shown["case"], shown["at"], _desk(folder))
    assert "stemi" not in {condition["code"] for condition in answer["conditions"]}
    whole = _decided(shown["case"], shown["at"], _desk(seeded.newest()))
    assert "stemi" in {condition["code"] for condition in whole["conditions"]}


def test_a_counterexample_is_printed_so_that_a_shell_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of rules that begin later: whoever names their folder tries them."""
    folder = seeded.gap_in_a_window(tmp_path)
    rules = folder / "ruleset.yaml"
    later = re.sub(r"effective_from: .*", "effective_from: 2031-01-01T00:00:00+01:00", rules.read_text("utf-8"))
    rules.write_text(later, "utf-8")
    assert main(["rules", "prove", str(folder), "--property", "st-elevation-without-a-gap"]) == 1
    said = capsys.readouterr().out
    found = re.search(r"^ +(U\d): (echo '.*' \|)\n +(wegwijs decide - .*)$", said, re.MULTILINE)
    assert found is not None, said
    wegwijs = f"{sys.executable} -m routing.cli"
    ran = subprocess.run(
        ["sh", "-c", f"{found[2]} {found[3].replace('wegwijs', wegwijs, 1)} --json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["urgency"]["level"] == found[1]


def test_a_shadowed_red_flag_is_found_with_a_case_in_which_it_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.with_rule(tmp_path, seeded.SHADOWED, cases=True)
    name, before = "every-rule-makes-a-difference", str(seeded.newest())
    code, found = _prove(capsys, folder, "--property", name, "--changed-since", before)
    one = found["every-rule-makes-a-difference"]
    assert (code, one["verdict"]) == (1, "refuted")
    assert "shadowed-red-flag" in one["failing"]
    shown = next(case for case in _all(one) if case["about"] == "shadowed-red-flag")
    assert "shadowed-red-flag" in shown["fires"]
    answer = _decided(shown["case"], shown["at"], _desk(folder))
    without = _decided(shown["case"], shown["at"], _desk(seeded.newest()))
    for part in ("needs", "dispatch"):
        assert [_bare(each) for each in answer[part]] == [_bare(each) for each in without[part]]
    assert answer["urgency"]["level"] == without["urgency"]["level"] == shown["urgency"]


def _bare(part: Any) -> Any:
    return {key: value for key, value in part.items() if key != "reasons"} if isinstance(part, dict) else part


def test_a_rule_that_stops_when_more_is_known_is_found_with_both_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.with_rule(tmp_path, seeded.LOWERING)
    code, found = _prove(capsys, folder, "--property", "worse-is-never-less-urgent")
    one = found["worse-is-never-less-urgent"]
    assert code == 1
    shown = next(case for case in _all(one) if case["about"] == "hemoptysis_massive")
    assert len(shown["case"]["observations"]) <= 2, "a counterexample says no more than is needed"
    desk = _desk(folder)
    levels = [_decided(case, shown["at"], desk)["urgency"]["level"] for case in (shown["case"], shown["after"])]
    assert levels == [shown["urgency"], shown["urgency_after"]]
    assert levels[0] < levels[1], "U0 is the most urgent"


def _all(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one["counterexample"], *one.get("counterexamples", [])] if one["counterexample"] else []


def test_a_time_out_is_undecided_and_never_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _prove(
        capsys, seeded.copied(tmp_path), "--property", "order-does-not-matter", "--property", "stemi-reaches-pci",
        "--timeout", "0.000001",
    )  # fmt: skip
    assert code == 1
    assert {one["verdict"] for one in found.values()} == {"undecided"}
    assert all("time" in one["undecided"][0] for one in found.values())


def test_a_case_that_the_rules_do_not_confirm_is_undecided(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If the encoding were wrong, it would say so."""
    monkeypatch.setattr("routing.proving.situations.Bench.outcome", lambda *_: None)
    folder = seeded.gap_in_a_window(tmp_path)
    code, found = _prove(capsys, folder, "--property", "st-elevation-without-a-gap")
    assert code == 1
    assert found["st-elevation-without-a-gap"]["verdict"] == "undecided"
    assert "encoding is wrong" in found["st-elevation-without-a-gap"]["undecided"][0]


def test_what_holds_for_every_case_is_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("stemi-reaches-pci", "st-elevation-without-a-gap", "multitrauma-reaches-a-trauma-centre")
    code, found = _prove(capsys, seeded.copied(tmp_path), *(part for name in names for part in ("--property", name)))
    assert code == 0
    assert {name: found[name]["verdict"] for name in names} == dict.fromkeys(names, "proved")


def test_a_named_exception_is_shown_and_without_it_the_property_is_refuted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.copied(tmp_path)
    path = folder / FILE
    content = yaml.safe_load(path.read_text("utf-8"))
    one = next(each for each in content["properties"] if each["id"] == "multitrauma-reaches-a-trauma-centre")
    code, found = _prove(capsys, folder, "--property", one["id"])
    assert code == 0
    assert found[one["id"]]["excepted"] == ["nearest-department-first", "being-resuscitated"]
    del one["except"]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    code, found = _prove(capsys, folder, "--property", one["id"])
    assert (code, found[one["id"]]["verdict"]) == (1, "refuted")
    shown = found[one["id"]]["counterexample"]
    answer = _decided(shown["case"], shown["at"], _desk(folder))
    assert "trauma_1" not in {need["capability"] for need in answer["needs"] if need["strength"] == "required"}


def test_an_exception_of_a_fact_holds_where_its_when_does_and_nowhere_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, name = seeded.copied(tmp_path), "worse-is-never-less-urgent"
    path = folder / FILE
    content = yaml.safe_load(path.read_text("utf-8"))
    content["directions"] = [each for each in content["directions"] if each["facts"] == ["spo2"]]
    one = next(each for each in content["properties"] if each["id"] == name)
    (oxygen,) = [each for each in one["except"] if each["facts"] == ["spo2"]]
    for when, proved in ((oxygen["when"], True), ("on_oxygen", True), ("hypercapnic_target", True), ("fever", False)):
        oxygen["when"] = when
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        code, found = _prove(capsys, folder, "--property", name)
        assert (code, found[name]["verdict"]) == ((0, "proved") if proved else (1, "refuted"))
        assert oxygen["id"] in found[name]["excepted"]
        for shown in _all(found[name]):
            said = shown["case"]["observations"]
            assert (said["on_oxygen"], said["hypercapnic_target"], "fever" in said) == (True, True, False)


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("condition.sepsis", "asks `condition.sepsis`: beside `facts` only other facts can be asked"),
        ("spo2 > 93", "asks `spo2`: beside `facts` only other facts can be asked"),
        ("no_such_fact", "no_such_fact"),
    ],
)
def test_an_exception_of_a_fact_asks_other_facts_alone(
    when: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.copied(tmp_path)
    path = folder / FILE
    content = yaml.safe_load(path.read_text("utf-8"))
    one = next(each for each in content["properties"] if each["id"] == "not-knowing-is-never-less-urgent")
    one["except"][0]["when"] = when
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    assert main(["rules", "prove", str(folder)]) == 2
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: reachable", "kind: reachible", "reachable"),
        ("when: condition.stemi", "when: condition.stemy", "there is no fact, score or conclusion"),
        ("any_of: [pci]", "any_of: [pcy]", "there is no capability `pcy`"),
        ("id: no-rule-stands-twice", "id: every-rule-can-fire", "the name of two properties"),
        ("number: minutes_since_onset", "number: minutes_since_onst", "there is no number `minutes_since_onst`"),
        ("order: [A, C, V, P, U]", "order: [A, C, V, P, X]", "names what is not a value of `avpu`"),
        ("facts: [spo2]", "facts: [avpu]", "direction is for a number"),
        ("fine_from: 111", "fine_from: 90", "begins beyond the limit of what is worse"),
        ("fine_upto: 139", "fine_upto: 105", "no number is fine"),
        ("format: 1", "format: 1\nmore: 1", "more"),
    ],
)
def test_what_is_wrong_in_the_properties_is_said_with_its_line(
    old: str, new: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.copied(tmp_path)
    seeded.change(folder / FILE, old, new)
    assert main(["rules", "prove", str(folder), "--property", "stemi-reaches-pci"]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "properties.yaml:" in message


def test_counterexamples_can_be_kept_as_worked_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = seeded.with_rule(tmp_path, seeded.LOWERING)
    (folder / "cases").mkdir()
    file = folder / "cases" / "counterexamples.yaml"
    name, before = "worse-is-never-less-urgent", str(seeded.newest())
    _prove(capsys, folder, "--property", name, "--changed-since", before, "--keep", str(file))
    desk = _desk(folder)
    cases = read_worked_cases(folder, desk)
    assert len(cases) == 2, "before and after"
    assert [outcome.mismatches for outcome in (run(case, desk) for case in cases)] == [()] * len(cases)


@pytest.mark.parametrize(
    "options", [("--property", "no-such"), ("--timeout", "0"), ("--property", "stemi-reaches-pci", "--write")]
)
def test_bad_usage_is_refused(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "prove", str(seeded.newest()), *options]) == 2
    assert options[0].removeprefix("--") in capsys.readouterr().err or "--write" in options


def test_without_the_solver_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["rules", "prove"]) == 2
    assert "wegwijs[verify]" in capsys.readouterr().err


def test_rules_without_properties_are_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = seeded.copied(tmp_path)
    (folder / FILE).unlink()
    assert main(["rules", "prove", str(folder)]) == 2
    assert "properties.yaml" in capsys.readouterr().err


def test_what_rests_on_nothing_that_changed_is_not_proved_again_and_comes_out_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = seeded.with_rule(tmp_path, seeded.LOWERING)
    names = ("not-knowing-is-never-less-urgent", "st-elevation-without-a-gap")
    options = tuple(part for name in names for part in ("--property", name))
    _, whole = _prove(capsys, folder, *options)
    _, part = _prove(capsys, folder, *options, "--changed-since", str(seeded.newest()))
    for name in names:
        assert part[name]["verdict"] == whole[name]["verdict"]
        assert sorted(part[name].get("failing", [])) == sorted(whole[name].get("failing", []))


def test_a_proof_that_lies_beside_other_rules_is_not_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It only says where to begin; also where it claims that all was proved, and rested on rules of anywhere."""
    folder = seeded.with_rule(tmp_path, seeded.LOWERING)
    proof = json.loads((seeded.newest() / "proof.json").read_text("utf-8"))
    ids = [rule.id for rule in rules_in(seeded.newest(), read_vocabulary()).rules]
    for one in proof["properties"]:
        one |= {"verdict": "proved", "failing": [], "counterexample": None, "counterexamples": []}
        one["rests_on"] = {fact: [*ids[::50], "no-such-rule"] for fact in (*one.get("rests_on", {}), "stridor")}
    (folder / "proof.json").write_text(json.dumps(proof), "utf-8")
    name = "worse-is-never-less-urgent"
    code, found = _prove(capsys, folder, "--property", name)
    assert (code, found[name]["verdict"]) == (1, "refuted")
    assert found[name]["failing"] == ["hemoptysis_massive"]


def test_a_changed_rule_is_proved_again_with_all_that_rests_on_it() -> None:
    words = read_vocabulary()
    rules = rules_in(seeded.newest(), words)
    properties, proof = kept.properties_for(seeded.newest(), rules), kept.proof_beside(seeded.newest())
    assert properties is not None
    assert proof is not None
    first = rules.by_id["stemi-on-ecg"]
    other = replace(rules, rules=tuple(rule if rule != first else replace(rule, urgency=2) for rule in rules.rules))
    found = earlier(rules, proof, properties, other, properties)
    assert {"stemi-on-ecg", "stemi-to-pci"} <= found.changed
    assert "sore-throat-well" not in found.changed
    assert earlier(rules, proof, properties, replace(other, default_urgency=4), properties).results == {}


# -- what is kept -----------------------------------------------------------------------------------------------------


def _with_properties() -> list[Path]:
    words = read_vocabulary()
    return [folder for folder in ruleset_folders(None) if kept.properties_for(folder, rules_in(folder, words))]


def test_every_version_with_properties_has_a_proof_that_is_about_it() -> None:
    """After a change of rules, words or properties: `wegwijs rules prove FOLDER --write`."""
    words = read_vocabulary()
    for folder in _with_properties():
        rules = rules_in(folder, words)
        properties = kept.properties_for(folder, rules)
        proof = kept.proof_beside(folder)
        assert properties is not None
        assert proof is not None, f"{folder} has no proof.json"
        assert kept.stale(proof, rules, properties) is None, folder


def test_every_published_version_has_a_proof_beside_it_that_is_about_it() -> None:
    words, root = read_vocabulary(), seeded.newest().parent.parent
    published = read_published(root)
    assert len(published) >= 5
    for name in published:
        rules = rules_in(root / name, words)
        properties, proof = kept.properties_for(root / name, rules), kept.proof_beside(root / name)
        assert properties is not None
        assert proof is not None, f"{name} has no proof.json"
        assert kept.stale(proof, rules, properties) is None, name
        assert proof["counts"]["undecided"] == 0, name


def test_the_rules_that_decide_have_a_proof() -> None:
    assert seeded.newest() in _with_properties()
    published = read_published(seeded.newest().parent.parent)
    assert f"acute-nl/{seeded.newest().name}" in published


def test_of_the_newest_rules_every_property_is_proved() -> None:
    """Among them that no finding more, no worse value and no answer less makes a case less urgent, but for named
    exceptions. That the proof is what comes out, the gate finds out anew."""
    proof = kept.proof_beside(seeded.newest())
    assert proof is not None
    assert {one["id"]: one["verdict"] for one in proof["properties"] if one["verdict"] != "proved"} == {}
    assert {"worse-is-never-less-urgent", "not-knowing-is-never-less-urgent"} < {
        one["id"] for one in proof["properties"]
    }


def test_what_the_kept_counterexamples_say_comes_out_when_they_are_decided() -> None:
    words = read_vocabulary()
    for folder in _with_properties():
        evaluators = build_evaluators(rules_in(folder, words))
        proof = kept.proof_beside(folder)
        assert proof is not None
        shown = [case for one in proof["properties"] for case in _all(one)]
        for case in shown:
            now = datetime.fromisoformat(case["at"])
            for body, level in (("case", "urgency"), ("after", "urgency_after")):
                if body in case:
                    found = triage(parse_case(case[body], words, now), evaluators, now, frozenset())
                    assert found.urgency.level == case[level], case


def test_a_proof_about_other_rules_words_or_properties_is_stale() -> None:
    words = read_vocabulary()
    rules = rules_in(seeded.newest(), words)
    properties, proof = kept.properties_for(seeded.newest(), rules), kept.proof_beside(seeded.newest())
    assert properties is not None
    assert proof is not None
    for other in (
        {"ruleset": {**proof["ruleset"], "digest": "sha256:0"}}, {"vocabulary": "sha256:0"},
        {"properties_digest": "sha256:0"}, {"properties": proof["properties"][1:]},
    ):  # fmt: skip
        assert kept.stale({**proof, **other}, rules, properties) is not None


def test_what_is_only_tested_names_tests_that_are_there() -> None:
    proof = kept.proof_beside(seeded.newest())
    assert proof is not None
    there = "\n".join(path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    named = [name for one in proof["tested"] for name in one["tests"]]
    assert named
    assert [name for name in named if f"def {name}(" not in there] == []
