"""Why a rule fired or did not, told part by part, comes to the same as what both evaluators said of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routing.case import parse_case
from routing.packaged import Desk, open_desk, ruleset_folders
from routing.rules.condition import ALWAYS, All, AnyOf, Not, Test
from routing.rules.truth import ALL, ANY, outline_of_truth
from routing.triage import facts_of
from tests.once import read_worked_cases
from tests.small_world import ruleset

NOW = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
EVERY = 211
"""So many worked cases apart: some twenty, of every kind."""


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk(None, NOW)


def test_of_every_rule_the_whole_is_true_where_it_fired_and_unknown_where_it_was_possible(desk: Desk) -> None:
    evaluators = desk.evaluators
    rules = evaluators.ruleset
    folder = next(
        each for each in ruleset_folders(None) if (each.parent.name, each.name) == (rules.name, rules.version)
    )
    cases = read_worked_cases(folder, desk)[::EVERY]
    assert len(cases) >= 15
    for case in cases:
        facts = facts_of(
            parse_case(case.given, desk.words, case.at, desk.directory.by_id), case.at, desk.directory.holidays
        )
        found = evaluators.evaluate(facts, case.at)
        fired, possible = {rule.id for rule in found.fired}, {rule.id for rule in found.possible}
        for rule in rules.rules:
            truth = outline_of_truth(rule.when, rules, found.facts)[0].truth
            assert (truth is True) == (rule.id in fired), (case.name, rule.id)
            assert truth is not None or rule.id in possible, (case.name, rule.id)


PAIN, PRESSURE = Test("chest_pain", "true"), Test("systolic_bp", "<", 90)


def test_each_part_says_what_it_asks_what_was_seen_and_what_it_comes_to() -> None:
    lines = outline_of_truth(All((PAIN, AnyOf((PRESSURE, Not(PAIN))))), ruleset(), {"chest_pain": True})
    assert [(line.depth, line.truth, line.subject, line.seen) for line in lines] == [
        (0, None, None, None),
        (1, True, "chest_pain", True),
        (1, None, None, None),
        (2, None, "systolic_bp", None),
        (2, False, "chest_pain", True),
    ]
    assert [line.text for line in lines if line.subject is None] == [ALL, ANY]


def test_what_always_holds_is_said_to() -> None:
    (line,) = outline_of_truth(ALWAYS, ruleset(), {})
    assert (line.truth, line.text.nl) == (True, "altijd")
