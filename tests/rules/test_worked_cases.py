"""The worked cases beside the rules hold: those of each ruleset and each region, once in the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.packaged import Desk, packaged_directory, ruleset_folders
from routing.rules.overlay import lay_over, overlay_folders
from routing.worked_cases import Outcome, run
from tests.once import build_evaluators, read_overlay, read_ruleset, read_vocabulary, read_worked_cases

RULESETS = {f"{folder.parent.name}/{folder.name}": folder for folder in ruleset_folders(None)}
REGIONS = {
    f"{folder.parent.name}/{folder.name} on {version}": (folder, version)
    for folder in overlay_folders(None)
    for version in read_overlay(folder).content.ruleset_versions
}


def desk(folder: Path, overlay: Path | None = None) -> Desk:
    words = read_vocabulary()
    rules = read_ruleset(folder, words)
    if overlay is not None:
        rules = lay_over(rules, read_overlay(overlay))
    return Desk(words, build_evaluators(rules), packaged_directory(words))


def wrong(outcomes: list[Outcome]) -> list[str]:
    return [
        f"{outcome.case.file}:{outcome.case.line}: {found.what}: expected {found.expected}, seen {found.seen}"
        for outcome in outcomes
        for found in outcome.mismatches
    ]


@pytest.mark.parametrize("name", RULESETS)
def test_the_worked_cases_of_a_ruleset_hold_and_fire_every_rule(name: str) -> None:
    at = desk(RULESETS[name])
    cases = read_worked_cases(RULESETS[name], at)
    newest = name == max(RULESETS)
    # what is published never changes, which a test of its own holds: of rules of the past some cases will do
    outcomes = [run(case, at) for case in (cases if newest else cases[::20])]
    assert wrong(outcomes) == []
    if newest:
        fired = frozenset[str]().union(*(outcome.fired for outcome in outcomes))
        assert {rule.id for rule in at.evaluators.ruleset.rules} == fired
    # where nothing is expected of places, none is chosen: the triage comes out the same with and without
    triaged = [outcome for outcome in outcomes if not outcome.case.expect.of_places][::60]
    assert triaged
    assert [run(outcome.case, at, with_places=True) for outcome in triaged] == triaged


@pytest.mark.parametrize("name", REGIONS)
def test_the_worked_cases_of_a_region_hold(name: str) -> None:
    folder, version = REGIONS[name]
    national = RULESETS[f"{read_overlay(folder).content.ruleset}/{version}"]
    at = desk(national, folder)
    outcomes = [run(case, at) for case in read_worked_cases(folder, at)]
    assert outcomes
    assert wrong(outcomes) == []


def test_two_cases_that_differ_only_in_what_is_expected_of_places() -> None:
    """A wrong expectation about places is still found, and one about triage also where no place is chosen."""
    folder = max(RULESETS.values())
    at = desk(folder)
    case = next(case for case in read_worked_cases(folder, at) if case.expect.recommended and case.expect.urgency)
    places, urgency = ({"recommended": {"kind": "x"}}, {"urgency": "U5" if case.expect.urgency != "U5" else "U0"})
    for wanted, what in ((places, "recommended.kind"), (urgency, "urgency")):
        expect = type(case.expect).model_validate(wanted)
        (found,) = run(type(case)(case.name, case.at, case.given, expect, case.file, case.line), at).mismatches
        assert found.what == what
