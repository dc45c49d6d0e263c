"""`wegwijs rules mutate`: small changes to rules, the worked cases that notice them, and those that no case notices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from routing.case import parse_case
from routing.cli_mutation import open_plain_desk
from routing.mutation.noticing import plain_evaluators
from routing.mutation.seen import Truths, numbers_in, seen_cases
from routing.mutation.trial import try_changes
from routing.packaged import Desk
from routing.triage import concluded_by, concluded_in, triage
from routing.worked_cases import WorkedCase
from routing.worked_cases import run as run_case
from tests.fixtures_ruleset import few_rules, rule, topic
from tests.once import read_worked_cases
from tests.service.conftest import Run

AT = "2026-11-18T14:00:00+01:00"


def a_case(expect: Mapping[str, Any], age_years: float = 60, **observations: Any) -> dict[str, Any]:
    given = {"patient": {"age_years": age_years}, "location": {"postcode": "3511"}, "observations": observations}
    return {"name": {"nl": "geval", "en": "case"}, "at": AT, "given": given, "expect": dict(expect)}


def written(folder: Path, rules: str, *cases: Mapping[str, Any]) -> Path:
    """A small ruleset with `rules` beside its own, and these worked cases."""
    place = few_rules(folder / "small")
    (place / "urgency" / "extra.yaml").write_text(rules, "utf-8")
    (place / "cases").mkdir()
    (place / "cases" / "all.yaml").write_text(json.dumps({"cases": cases}), "utf-8")
    return place


def mutated(run: Run, folder: Path, *options: str) -> dict[str, Any]:
    _, out, _ = run("rules", "mutate", str(folder), "--json", *options)
    found: dict[str, Any] = json.loads(out)
    return found


FAST = topic(rule("fast", "{all: [heart_rate >= 120, chest_pain]}", "{urgency: U1}"))
ON_IT = a_case({"fires": ["fast"], "urgency": "U1"}, heart_rate=120, chest_pain=True)
JUST_BELOW = a_case({"does_not_fire": ["fast"]}, heart_rate=119, chest_pain=True)
NO_PAIN = a_case({"does_not_fire": ["fast"], "urgency": "U3"}, heart_rate=120)


def test_cases_on_both_sides_of_a_limit_notice_that_it_moves(run: Run, tmp_path: Path) -> None:
    found = mutated(run, written(tmp_path, FAST, ON_IT, JUST_BELOW, NO_PAIN), "--rule", "fast")
    assert [one["was"] for one in found["survivors"] if one["kind"] in ("threshold", "operator")] == []
    assert found["noticed"] == found["mutants"] > 5
    assert found["percent"] == 100


@pytest.mark.parametrize(
    ("left_out", "moved"), [(ON_IT, "heart_rate >= 121"), (JUST_BELOW, "heart_rate >= 119")], ids=["on", "below"]
)
def test_what_no_case_notices_is_listed_with_a_case_that_would(
    left_out: dict[str, Any], moved: str, run: Run, tmp_path: Path
) -> None:
    far = a_case({"fires": ["fast"]}, heart_rate=180, chest_pain=True)
    cases = [case for case in (ON_IT, JUST_BELOW, NO_PAIN, far) if case is not left_out]
    found = mutated(run, written(tmp_path, FAST, *cases), "--rule", "fast")
    (one,) = [one for one in found["survivors"] if one["now"] == moved]
    assert one["file"] == "urgency/extra.yaml"
    assert one["line"] == 4
    assert one["example"]["heart_rate"] == left_out["given"]["observations"]["heart_rate"]
    assert one["fires"] is (left_out is ON_IT)
    assert found["noticed"] < found["mutants"]


def test_an_urgency_that_is_one_off_is_noticed_by_a_case_that_expects_it(run: Run, tmp_path: Path) -> None:
    says_nothing = {**ON_IT, "expect": {"fires": ["fast"]}}
    for case, noticed in ((ON_IT, 2), (says_nothing, 0)):
        found = mutated(run, written(tmp_path / str(noticed), FAST, case, JUST_BELOW), "--rule", "fast")
        assert found["kinds"]["urgency"]["noticed"] == noticed


def test_a_change_that_changes_no_case_is_listed_apart_and_not_counted(run: Run, tmp_path: Path) -> None:
    """Who is 40 or older is 16 or older: the second limit says nothing."""
    rules = topic(rule("older", "{all: [age_years >= 40, age_years >= 16]}"))
    cases = [a_case({"fires": ["older"]}, age_years=40), a_case({"does_not_fire": ["older"]}, age_years=39)]
    found = mutated(run, written(tmp_path, rules, *cases), "--rule", "older")
    assert {"age_years >= 15", "age_years >= 17", "age_years > 16"} <= {one["now"] for one in found["equivalent"]}
    assert all(one["reason"] for one in found["equivalent"])
    assert not {one["now"] for one in found["survivors"]} & {one["now"] for one in found["equivalent"]}
    kinds = found["kinds"].values()
    assert found["mutants"] == sum(one["noticed"] + one["survivors"] for one in kinds)


def test_a_score_of_which_a_limit_moves_is_noticed_through_the_rules_that_ask_for_it(run: Run, tmp_path: Path) -> None:
    rules = topic(rule("alarmed", "alarm >= 3", "{urgency: U1}"))
    at, below = (
        a_case({"fires": ["alarmed"]}, heart_rate=100),
        a_case({"does_not_fire": ["alarmed"]}, heart_rate=99, avpu="A"),
    )
    for cases, noticed in (((at, below), True), ((), False)):
        found = mutated(run, written(tmp_path / str(noticed), rules, *cases))
        left = {one["now"] for one in found["survivors"]}
        moved = {f"heart_rate: {end}: 0 points" for end in ("below 99", "below 101", "up to 100")}
        assert moved.isdisjoint(left) if noticed else moved <= left


def test_too_few_noticed_is_exit_code_1_and_an_unknown_rule_2(run: Run, tmp_path: Path) -> None:
    folder = written(tmp_path, FAST, ON_IT)
    assert run("rules", "mutate", str(folder), "--rule", "fast")[0] == 1
    code, out, err = run("rules", "mutate", str(folder), "--rule", "fast", "--least", "10")
    assert code == 0
    assert (
        "urgency/extra.yaml:4: `fast`: heart_rate >= 120 -> heart_rate >= 119: no worked case notices; would: " in out
    )
    assert "changes tried" in err
    code, out, err = run("rules", "mutate", str(folder), "--rule", "none")
    assert (code, out) == (2, "")
    assert "none" in err


def test_a_change_is_noticed_exactly_if_a_case_fails_with_the_changed_rules(tmp_path: Path) -> None:
    """Every change is made for real: the whole ruleset is judged anew and every worked case is run."""
    rules = topic(
        rule("fast", "{all: [heart_rate >= 120, {any: [chest_pain, {not: pregnant}]}]}", "{urgency: U1}"),
        rule("faint", "{any: ['avpu in [V, P, U]', {all: [condition.acs, systolic_bp < 90]}]}", "{urgency: U0}"),
    )
    cases = [
        a_case({"urgency": "U1", "absent_conditions": ["acs"]}, heart_rate=120, pregnant=False, avpu="A"),
        a_case({"urgency": "U0", "conditions": {"acs": "possible"}}, chest_pain=True, systolic_bp=89),
        a_case({"needs": {"pci": "required"}}, chest_pain=True, heart_rate=140, systolic_bp=100),
        a_case(
            {"urgency": "U2", "absent_needs": ["pci"]}, age_years=40, chest_pain=True, heart_rate=100, systolic_bp=100
        ),
        a_case({"recommended": {"capability": "pci"}}, age_years=41, chest_pain=True, heart_rate=101, systolic_bp=100),
    ]
    folder, desk = open_plain_desk(written(tmp_path, rules, *cases))
    worked = read_worked_cases(folder, desk)
    trial = try_changes(folder, worked, desk, None, lambda *_: None)
    assert {True, False} == {one.noticed_by is not None for one in trial.tried}
    ruleset = desk.evaluators.ruleset
    for one in trial.tried:
        mutant = one.mutant
        changed = replace(
            ruleset,
            rules=tuple(mutant.rules.get(each.id, each) for each in ruleset.rules),
            scores={**ruleset.scores, **({mutant.score.id: mutant.score} if mutant.score else {})},
            derived={**ruleset.derived, **({mutant.derived.id: mutant.derived} if mutant.derived else {})},
        )
        other = Desk(desk.words, plain_evaluators(changed), desk.directory)
        fails = any(run_case(case, other).mismatches for case in worked)
        assert (one.noticed_by is not None) is fails, f"{mutant.of}: {mutant.was} -> {mutant.now}"


Packaged = tuple[Desk, tuple[WorkedCase, ...]]


@pytest.fixture(scope="module")
def packaged() -> Packaged:
    """The newest packaged ruleset, with every ninth worked case."""
    folder, desk = open_plain_desk(None)
    return desk, read_worked_cases(folder, desk)[::9]


def test_what_follows_from_the_rules_that_fired_is_what_triage_says(
    packaged: Packaged,
) -> None:
    desk, cases = packaged
    for seen in seen_cases(cases, desk):
        parsed = parse_case(seen.case.given, desk.words, seen.case.at, desk.directory.by_id)
        triaged = triage(parsed, desk.evaluators, seen.case.at, desk.directory.holidays)
        assert concluded_by(triaged.evaluation.fired, desk.evaluators.ruleset) == concluded_in(triaged)


def test_rules_hold_in_the_cases_in_which_they_fire(packaged: Packaged) -> None:
    """All cases at once say of every rule what each case says on its own."""
    desk, cases = packaged
    seen = tuple(seen_cases(cases, desk))
    truths = Truths([each.facts for each in seen])
    for rule_ in desk.evaluators.ruleset.rules:
        found = [seen[number].case for number in numbers_in(truths.sure(rule_.when))]
        assert found == [each.case for each in seen if rule_.id in each.fired]
