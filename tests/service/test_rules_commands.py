"""What a reviewer of rules meets at a terminal: what the cases reach, all that is known of a name, what changed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from routing.packaged import packaged_directory
from routing.rules.building import packaged_rulesets, read_ruleset
from routing.tested import TESTED, not_tested
from routing.vocabulary import read_vocabulary
from tests.service.conftest import Run

PUBLISHED = next(folder for folder in packaged_rulesets() if folder.name == "1.0.0")


@pytest.fixture
def small(ruleset: Path) -> Path:
    """A copy of the packaged ruleset with only one file of worked cases, so that running them is quick."""
    for path in (ruleset / "cases").glob("*.yaml"):
        if path.name != "heart.yaml":
            path.unlink()
    return ruleset


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


# -- check


def test_check_counts_reviews_and_the_state_of_sources(run: Run, small: Path) -> None:
    accepted = "review: {by: a cardiologist, on: 2026-05-01}"
    change(small / "conditions/stemi-acs.yaml", "review: pending", accepted)
    found = json.loads(run("rules", "check", str(small), "--json")[1])
    assert found["review"] == {"accepted": 1, "pending": found["rules"] - 1}
    assert sum(found["sources"].values()) == found["rules"]
    assert found["numbers"]["not"] > 0
    out = run("rules", "check", str(small))[1]
    assert f"of {found['rules']} rules the source of {found['sources']['read']} was read" in out
    assert re.search(r"of \d+ thresholds and norms the source of \d+ was read, of \d+ in part, of \d+ not", out)


@pytest.mark.parametrize("date", ["2026-02-30", "soon", ""])
def test_an_acceptance_needs_a_real_date(date: str, run: Run, small: Path) -> None:
    change(small / "conditions/stemi-acs.yaml", "review: pending", f"review: {{by: a cardiologist, on: '{date}'}}")
    code, out, _ = run("rules", "check", str(small))
    assert code == 1
    assert f"`{date}` is not a date" in out


def test_an_acceptance_needs_somebody(run: Run, small: Path) -> None:
    change(small / "conditions/stemi-acs.yaml", "review: pending", "review: {on: 2026-05-01}")
    assert run("rules", "check", str(small))[0] == 1


# -- test


def test_what_came_of_worked_cases_is_kept_beside_the_rules_they_were_run_with(run: Run, small: Path) -> None:
    code, _, err = run("rules", "test", str(small), "--write")
    assert (code, f"{small / TESTED}: written" in err) == (0, True)
    words = read_vocabulary()
    rules, places = read_ruleset(small, words), packaged_directory(words).digest
    found = json.loads((small / TESTED).read_bytes())
    assert found["cases"]["count"] > 10
    assert found["failed"] == []
    assert 0 < len(found["never_fired"]) < len(rules.rules), "one file of cases does not fire every rule"
    assert {each.en for each in not_tested(small, rules, places)} == {
        f"no worked case fires the rule `{rule}`" for rule in found["never_fired"]
    }
    (small / "cases" / "heart.yaml").write_text(
        (small / "cases" / "heart.yaml").read_text("utf-8").replace("urgency: U1", "urgency: U5", 1), "utf-8"
    )
    assert [each.en for each in not_tested(small, rules, places)] == [
        "tested.json: is of no use, because it is about other worked cases; `wegwijs rules test --write` makes it again"
    ]
    assert run("rules", "test", str(small), "--write")[0] == 1
    (failed,) = json.loads((small / TESTED).read_bytes())["failed"]
    assert failed.startswith("cases/heart.yaml:")
    assert failed in next(not_tested(small, rules, places)).en


@pytest.mark.parametrize("where", [[], ["."]])
def test_what_is_kept_is_about_one_ruleset(where: list[str], run: Run, tmp_path: Path) -> None:
    code, _, err = run("rules", "test", *where, "--write")
    assert code == 2
    assert "ruleset" in err
    assert not list(tmp_path.rglob(TESTED))


# -- coverage


def test_coverage_names_what_no_case_fires(run: Run, small: Path) -> None:
    code, out, err = run("rules", "coverage", str(small), "--json")
    found = json.loads(out)
    assert code == 1, "one file of cases does not fire every rule"
    assert "worked cases" in err
    rules = {one["rule"] for one in found["not_fired"] if one["branch"] is None}
    assert len(rules) == found["rules"] - found["rules_fired"] > 0
    assert "stemi-on-ecg" not in rules
    assert found["branches"] > found["branches_fired"] > 0
    missing = [one for one in found["not_fired"] if one["rule"] == "acs-with-sweating"]
    assert "pallor" in {one["branch"] for one in missing}
    assert {one["file"] for one in missing} == {"conditions/stemi-acs.yaml"}
    assert found["near_misses"] + len(found["no_near_miss"]) == found["near_misses_possible"]
    assert found["edges"] + len(found["no_edge"]) == found["limits"]


def test_coverage_says_how_many_percent(run: Run, small: Path) -> None:
    _, out, _ = run("rules", "coverage", str(small))
    assert re.search(
        r"^conditions/stemi-acs.yaml:\d+: rule `acs-with-sweating`: no worked case fires it by: ", out, re.M
    )
    assert re.search(r"^\d+ of \d+ branches fired \(\d+\.\d%\)$", out, re.M)


def test_a_missing_branch_fails_only_who_asks_for_branches(run: Run, tmp_path: Path, small: Path) -> None:
    """A ruleset of which every rule fires."""
    fired = {one["rule"] for one in json.loads(run("rules", "coverage", str(small), "--json")[1])["not_fired"]}
    assert fired
    keep_fired_rules(small, run)
    assert run("rules", "coverage", str(small))[0] == 0
    assert run("rules", "coverage", str(small), "--branches")[0] == 1


def keep_fired_rules(folder: Path, run: Run) -> None:
    """Leave out of `folder` every rule that no case fires, and the cases that name one."""
    (folder / "cases/heart.yaml").write_text(json.dumps({"cases": [a_case()]}), "utf-8")
    for path in folder.glob("*/*.yaml"):
        if path.parent.name in ("urgency", "conditions", "destination"):
            path.unlink()
    rules = {
        "urgency": [a_rule("pain", {"any": ["chest_pain", "dyspnea"]}, {"urgency": "U2"})],
        "conditions": [a_rule("acs", "chest_pain", {"condition": {"code": "acs", "status": "possible"}})],
        "destination": [a_rule("care", "condition.acs", {"warning": True})],
    }
    for name, written in rules.items():
        topic = {"topic": {"nl": "a", "en": "a"}, "rules": written}
        (folder / name / "one.yaml").write_text(json.dumps(topic), "utf-8")


def a_rule(name: str, when: Any, then: Any) -> dict[str, Any]:
    text, reference = {"nl": "tekst", "en": "text"}, {"source": "nhg-acs"}
    about = {"id": name, "when": when, "then": then, "text": text, "reference": reference}
    return {**about, "why": "because", "review": "pending"}


def a_case() -> dict[str, Any]:
    given = {"patient": {"age_years": 50}, "location": {"postcode": "3584CX"}, "observations": {"chest_pain": True}}
    return {"name": {"nl": "a", "en": "a"}, "at": "2026-11-18T14:00:00+01:00", "given": given, "expect": {}}


# -- show


def shown(run: Run, *arguments: str) -> list[dict[str, Any]]:
    code, out, _ = run("rules", "show", *arguments, "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)["found"]
    return found


def test_a_rule_is_shown_with_all_that_a_reviewer_asks(run: Run, small: Path) -> None:
    (rule,) = shown(run, "stemi-on-ecg", str(small))
    assert rule["when_text"]["en"] == "ST elevation on the ECG and minutes since onset at most 12 hours (720 min)"
    assert [number["id"] for number in rule["parameters"]] == ["stemi_window_minutes"]
    assert rule["reference"]["read"] == "read"
    assert (rule["review"], rule["file"]) == ("pending", "conditions/stemi-acs.yaml")
    assert any("67" in case["name"]["nl"] for case in rule["worked_cases"])


def test_the_text_of_a_rule_is_one_language_and_fits(run: Run, small: Path) -> None:
    code, out, err = run("rules", "show", "stemi-on-ecg", str(small))
    assert code == 0
    for part in ("ALS", "DAN", "WAAROM", "BRON", "gelezen", "nog door geen arts aanvaard", "WERKVOORBEELDEN"):
        assert part in out
    assert "worked cases" in err
    assert max(map(len, out.splitlines())) <= 88
    english = run("rules", "show", "stemi-on-ecg", str(small), "--language", "en")[1]
    assert "not yet accepted by a clinician" in english


def test_a_condition_is_shown_with_what_recognises_it_and_where_it_sends(run: Run, small: Path) -> None:
    (condition,) = shown(run, "stemi", str(small))
    assert "stemi-on-ecg" in {rule["id"] for rule in condition["recognised_by"]}
    (to_pci,) = [rule for rule in condition["sends"] if rule["id"] == "stemi-to-pci"]
    assert to_pci["besides"]["en"] == "always"
    assert condition["time_critical"] == "STEMI"
    assert condition["worked_cases"]


def test_rules_for_those_without_a_condition_are_told_apart(run: Run, small: Path) -> None:
    (condition,) = shown(run, "hip_fracture", str(small))
    assert "own-practice" in {rule["id"] for rule in condition["not_where_it_is"]}
    assert "own-practice" not in {rule["id"] for rule in condition["sends"]}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("chest_pain", ["complaint", "fact"]),
        ("hr", ["fact"]),
        ("news2", ["score"]),
        ("shock_index", ["derived"]),
        ("news2_urgent", ["parameter"]),
        ("pci-75", ["norm"]),
        ("syncope", ["condition", "complaint", "fact"]),
    ],
)
def test_everything_that_a_name_stands_for_is_shown(name: str, kinds: list[str], run: Run, small: Path) -> None:
    found = shown(run, name, str(small))
    assert [entry["kind"] for entry in found] == kinds
    assert all(entry["rules"] for entry in found if "rules" in entry)
    for language in ("nl", "en"):
        code, out, _ = run("rules", "show", name, str(small), "--language", language)
        assert code == 0
        assert len(re.findall(r"^[A-Z][A-Z ]*  \S", out, re.M)) == len(kinds)


def test_every_name_of_the_packaged_rules_can_be_shown(run: Run) -> None:
    from routing.cli_rules import open_shelf
    from routing.lookup import KINDS, look_up
    from routing.lookup_text import lookup_text
    from routing.vocabulary import read_vocabulary

    shelf = open_shelf(read_vocabulary(), PUBLISHED)
    nobody = type(shelf)(shelf.ruleset, shelf.cases, dict)
    rules, words = shelf.ruleset, shelf.ruleset.vocabulary
    names = {*rules.by_id, *words.conditions, *words.complaints, *rules.scores, *rules.derived, *rules.parameters}
    seen = set()
    for name in sorted({*names, *rules.norms, *words.facts}):
        found = look_up(name, nobody)
        seen |= {entry["kind"] for entry in found}
        assert max(map(len, lookup_text(found, rules, "en").splitlines())) <= 120
    assert seen == set(KINDS)


def test_an_unknown_name_is_refused_with_what_comes_near(run: Run, small: Path) -> None:
    code, out, err = run("rules", "show", "stemi-on-egc", str(small))
    assert (code, out) == (2, "")
    assert "did you mean `stemi-on-ecg`" in err
    assert run("rules", "show", "news2", str(small), "--markdown")[0] == 2


def test_the_page_of_a_condition_says_what_was_not_read(run: Run, small: Path) -> None:
    code, out, _ = run("rules", "show", "stemi", str(small), "--markdown")
    assert code == 0
    assert "Sources of these rules: 1 read, 0 partly read, 1 not read." in out
    assert "| `stemi-on-ecg` |" in out
    assert "## Where it sends" in out


# -- diff


def test_diff_says_what_changed_and_what_it_was(run: Run, small: Path) -> None:
    change(small / "parameters.yaml", "value: 720", "value: 600")
    change(small / "conditions/stemi-acs.yaml", "  - id: stemi-late", "  - id: stemi-later")
    code, out, _ = run("rules", "diff", "1.0.0", str(small))
    assert code == 0
    assert "rules: + stemi-later: ST elevation on the ECG, with symptoms that began 12 to 48 hours ago." in out
    assert "rules: - stemi-late: " in out
    assert "parameters: ~ stemi_window_minutes: value\nparameters:     was 720\nparameters:     is  600\n" in out
    assert out.endswith("rules: 1 added, 1 removed, 0 changed; parameters: 0 added, 0 removed, 1 changed\n")
    found = json.loads(run("rules", "diff", "1.0.0", str(small), "--json")[1])
    (changed,) = found["parameters"]["changed"]
    assert changed == {"id": "stemi_window_minutes", "what": ["value"], "old": {"value": 720}, "new": {"value": 600}}
    assert found["old"]["digest"] != found["new"]["digest"]


def test_diff_of_the_same_is_empty_and_of_nothing_refused(run: Run, small: Path) -> None:
    assert run("rules", "diff", "1.0.0", str(small))[1] == "same\n"
    code, _, err = run("rules", "diff", "1.0.0", "9.9.9")
    assert code == 2
    assert "1.0.0" in err
    assert run("rules", "diff", "1.0.0", "nowhere")[0] == 2


# -- regions


CHECKS = ("check", "test", "coverage")


@pytest.fixture
def region(tmp_path: Path) -> Path:
    """The agreements of a region beside a copy of the national rules they lie on."""
    packaged = packaged_rulesets()[0].parents[1]
    shutil.copytree(packaged / "acute-nl/1.2.0", tmp_path / "r/acute-nl/1.2.0", ignore=shutil.ignore_patterns("cases"))
    found = tmp_path / "r/regions/example-no-stops/1.1.0"
    shutil.copytree(packaged / "regions/example-no-stops/1.1.0", found)
    return found


def one_document(out: str) -> dict[str, Any]:
    """The one JSON document on standard output, and nothing else."""
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("command", CHECKS)
def test_the_agreements_of_a_region_are_checked_by_themselves(run: Run, region: Path, command: str) -> None:
    code, out, _ = run("rules", command, str(region), "--json")
    found = one_document(out)
    assert (code, found["errors"], found["overlays"], found["cases"], found["failed"]) == (0, 0, 1, 2, 0)
    assert "1 regional overlays" in run("rules", command, str(region))[1] or command == "coverage"


def test_the_agreements_can_be_checked_from_their_own_folder(
    run: Run, region: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(region)
    code, out, _ = run("rules", "check", ".", "--json")
    assert (code, one_document(out)["overlays"]) == (0, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[1.2.0]", "[9.9.9]", "overlay.yaml:8: there is no `acute-nl/9.9.9` beside `regions`"),
        ("ruleset: acute-nl", "ruleset: acute-be", "overlay.yaml:8: there is no `acute-be/1.2.0` beside `regions`"),
        ("value: 60", "value: 500", "overlay.yaml:17: `500` is not within what a region may choose: 0 to 120 min"),
        ("value: 60", "value: 7.5", "overlay.yaml:17: `7.5` is not a whole number of minutes"),
        ("value: 60", "value: .inf", "overlay.yaml:17: "),
        ("region: example-no-stops", "region: EXAMPLE-NO-STOPS", "overlay.yaml:2: "),
        ("parameters:", "parameters", "overlay.yaml:"),
    ],
)
def test_agreements_that_are_wrong_are_one_clear_error(run: Run, region: Path, old: str, new: str, said: str) -> None:
    change(region / "overlay.yaml", old, new)
    code, out, _ = run("rules", "check", str(region), "--json")
    found = one_document(out)
    assert (code, found["errors"]) == (1, 1)
    assert found["findings"]["errors"][0].startswith(f"regions/example-no-stops/1.1.0/{said}")


@pytest.mark.parametrize("command", CHECKS)
def test_a_folder_that_holds_no_rules_is_bad_input(run: Run, region: Path, tmp_path: Path, command: str) -> None:
    for folder in (tmp_path / "nowhere", region.parent, region.parents[1], region / "overlay.yaml"):
        code, out, err = run("rules", command, str(folder), "--json")
        assert (code, out) == (2, "")
        assert "holds no ruleset" in err


def test_agreements_that_nobody_would_read_fail_the_check(run: Run, small: Path, tmp_path: Path) -> None:
    home = tmp_path / "all/acute-nl"
    home.mkdir(parents=True)
    small.rename(home / "1.0.0")
    lost = tmp_path / "all/regions/somewhere/1.0.0"
    lost.mkdir(parents=True)
    (lost / "overlay.yml").write_text("region: somewhere\n", "utf-8")
    code, out, _ = run("rules", "check", str(tmp_path / "all"), "--json")
    assert code == 1
    assert "it has no `overlay.yaml`" in one_document(out)["findings"]["errors"][-1]


def test_show_tells_what_holds_in_a_region(run: Run, region: Path) -> None:
    (found,) = shown(run, "lvo_bypass_minutes", str(region))
    assert found["value"] == 60
    code, out, _ = run("rules", "show", "lvo_bypass_minutes", str(region), "--language", "en")
    assert code == 0
    assert "60 min" in out


def test_diff_tells_what_a_region_chose(run: Run, region: Path) -> None:
    code, out, _ = run("rules", "diff", "1.2.0", str(region), "--json")
    found = one_document(out)
    assert code == 0
    assert [change["id"] for change in found["parameters"]["changed"]] == ["lvo_bypass_minutes"]
    assert [change["id"] for change in found["agreements"]["changed"]] == ["stops_agreed"]
    assert found["rules"] == {"added": [], "removed": [], "changed": []}
    assert found["old"]["digest"] != found["new"]["digest"]
    assert "parameters: ~ lvo_bypass_minutes" in run("rules", "diff", "1.2.0", str(region))[1]


def test_a_case_of_a_region_must_name_the_region(run: Run, region: Path) -> None:
    change(region / "cases/stops.yaml", "      region: example-no-stops\n", "")
    code, out, _ = run("rules", "check", str(region))
    assert code == 1
    assert "a worked case of a region names it: `region: example-no-stops`" in out


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("{facility: umcg, unit: seh, since: 2026-11-18T13:00:00}", "`since` must be a time with offset"),
        ("{facility: umcg, unit: seh, since: soon}", "`since` must be a time with offset"),
        ("{facility: umcg, unit: seh, since: 9999-12-31T23:59:00+00:00}", "in the years 1900 to 2200"),
        ("{facility: umcg, unit: seh, since: 0001-01-01T00:00:00+14:00}", "in the years 1900 to 2200"),
        (
            "{facility: umcg, unit: seh, since: 2026-11-18T13:00:00+01:00, expected_end: 2026-11-18T14:00:00}",
            "`expected_end` must be a time with offset",
        ),
        (
            "{facility: umcg, unit: seh, since: 2026-11-18T13:00:00+01:00, expected_end: 2026-11-18T12:00:00+01:00}",
            "a stop ends after it began",
        ),
        ("{facility: umcg, unit: sehh, since: 2026-11-18T13:00:00+01:00}", "there is no stop kind `sehh`"),
        ("{facility: nowhere, unit: seh, since: 2026-11-18T13:00:00+01:00}", "there is no facility `nowhere`"),
        ("{facility: umcg, unit: seh}", "Field required"),
    ],
)
def test_a_stop_of_a_worked_case_that_cannot_be_is_a_clear_error(run: Run, small: Path, stop: str, said: str) -> None:
    written = {"cases": [{**a_case(), "stops": "STOPS"}]}
    text = json.dumps(written).replace('"STOPS"', f"[{stop}]")
    (small / "cases/heart.yaml").write_text(text, "utf-8")
    code, out, err = run("rules", "test", str(small), "--json")
    found = one_document(out)
    assert (code, found["errors"], err) == (1, 1, "")
    assert said in found["findings"]["errors"][0]
    assert found["findings"]["errors"][0].startswith("cases/heart.yaml:1: ")


def test_a_worked_case_without_an_offset_is_a_clear_error(run: Run, small: Path) -> None:
    (small / "cases/heart.yaml").write_text(json.dumps({"cases": [{**a_case(), "at": "2026-11-18T14:00:00"}]}), "utf-8")
    code, out, _ = run("rules", "test", str(small))
    assert code == 1
    assert "error: cases/heart.yaml:1: `at` must be a time with offset" in out


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"profiles": [{"facility": "nowhere", "age_from_years": 18}]}, "there is no facility `nowhere`"),
        ({"profiles": [{"facility": "umcg", "age_from_years": "18"}]}, "`age_from_years` Input should be"),
        ({"profiles": [{"facility": "umcg", "capabilities": {"mri": True}}]}, "`capabilities.mri` is not a capability"),
        ({"status": [{"facility": "nowhere"}]}, "there is no facility `nowhere`"),
        ({"status": [{"facility": "umcg", "unit": "seh", "kind": "stop", "value": "yes",
                      "observed_at": "2026-11-18T13:00:00+01:00"}]}, "`value` of `stop` is yes or no"),
        ({"coming": [{"facility": "umcg", "unit": "seh", "at": ["soon"]}]}, "`at` must be a time with offset"),
        ({"coming": [{"facility": "umcg", "unit": "sehh", "at": []}]}, "there is no stop kind `sehh`"),
        ({"expect": {"recommended": {"does_not_say": "fulll"}}}, "there is no text `fulll`"),
    ],
)  # fmt: skip
def test_live_facts_of_a_worked_case_that_cannot_be_are_a_clear_error(
    run: Run, small: Path, part: dict[str, Any], said: str
) -> None:
    (small / "cases/heart.yaml").write_text(json.dumps({"cases": [{**a_case(), **part}]}), "utf-8")
    code, out, err = run("rules", "test", str(small), "--json")
    found = one_document(out)
    assert (code, found["errors"], err) == (1, 1, "")
    assert said in found["findings"]["errors"][0]
    assert found["findings"]["errors"][0].startswith("cases/heart.yaml:1: ")


@pytest.mark.parametrize("name", ["cases/more.yml", "cases/more/heart.yaml"])
def test_worked_cases_that_nobody_would_run_are_an_error(run: Run, small: Path, name: str) -> None:
    (small / name).parent.mkdir(exist_ok=True)
    (small / name).write_text("cases: []\n", "utf-8")
    code, out, _ = run("rules", "check", str(small))
    assert code == 1
    assert f"error: {name}: would not be read" in out


# -- norm variants


def test_the_norm_variants_are_listed_as_what_they_are(run: Run) -> None:
    code, out, err = run("norms", "--language", "en")
    assert (code, err) == (0, "")
    assert re.findall(r"^variant-\d", out, re.M) == [f"variant-{number}" for number in range(5)]
    assert "they never take part in a decision" in out
    found = one_document(run("norms", "--json")[1])
    assert found["takes_part_in_decisions"] is False
    assert [one["variant"] for one in found["variants"]] == [f"variant-{number}" for number in range(5)]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_one_norm_variant_is_shown_with_values_and_sources(run: Run, language: str) -> None:
    code, out, _ = run("norms", "variant-1", "--language", language)
    assert code == 0
    assert "<= 75 min" in out
    assert "G1.1" in out
    assert max(map(len, out.splitlines())) <= 88
    (found,) = one_document(run("norms", "variant-1", "--json")[1])["variants"]
    (norm,) = [norm for norm in found["norms"] if norm["id"] == "pci-75"]
    assert (norm["value"], norm["unit"], norm["reference"]["section"]) == (75, "min", "G1.1")
    assert set(found["references"]) >= {norm["reference"]["source"] for norm in found["norms"]}


def test_an_unknown_norm_variant_is_bad_input(run: Run) -> None:
    for name in ("variant-9", "", "../variant-1"):
        code, out, err = run("norms", name, "--json")
        assert (code, out) == (2, "")
        assert "variant-0, variant-1" in err
