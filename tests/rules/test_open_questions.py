"""The open questions, worked out for all rules at once, are those that one finds by looking at each rule by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property

import pytest

from routing.case import parse_case
from routing.packaged import Desk, open_desk, ruleset_folders
from routing.questions import CHANGES, open_questions
from routing.rules.condition import All, AnyOf, Condition, negation_normal
from routing.rules.condition import Test as Comparison
from routing.rules.condition import tests as comparisons
from routing.rules.evaluation import Evaluation
from routing.rules.explanation import Asker, asker
from routing.rules.reference import meaning
from routing.rules.rule import Interval, Rule, conditions_asked
from routing.rules.ruleset import Ruleset
from routing.triage import facts_of
from routing.vocabulary import AMBULANCES, URGENCIES
from tests.once import read_worked_cases

EVERY = 97
"""So many worked cases apart: some sixty, of every kind."""

MOMENTS = {
    "by what could change": datetime(2026, 11, 18, 13, tzinfo=UTC),
    "as written": datetime(2026, 12, 1, 13, tzinfo=UTC),
}
"""When rules decided that order what is asked first in this way."""

OPEN = Interval(0, 0)
"""What stands for a fact that nobody gave."""


@dataclass
class Plain:
    """What could change, rule by rule, as `routing.questions` says it."""

    rules: Ruleset
    found: Evaluation
    rank: int

    @cached_property
    def following(self) -> dict[str, list[Rule]]:
        """Code of a condition -> the possible rules that ask about it."""
        asking: dict[str, list[Rule]] = {}
        for rule in self.found.possible:
            for code in conditions_asked(rule):
                asking.setdefault(code, []).append(rule)
        return asking

    def own(self, rule: Rule) -> set[str]:
        """What `rule` could change by itself."""
        fired = self.found.fired
        changes = set()
        if rule.urgency is not None and rule.urgency < self.rank:
            changes.add("urgency")
        if rule.condition is not None:
            said = {one.status for one in fired if one.condition == rule.condition}
            if rule.status not in said and not (rule.status == "possible" and "suspected" in said):
                changes.add("conditions")
        needed = [need for one in fired for need in one.needs]
        for need in rule.needs:
            alike = [each for each in needed if each.capability == need.capability]
            same = any((each.strength, each.within) == (need.strength, need.within) for each in alike)
            weaker = need.strength == "preferred" and any(each.strength == "required" for each in alike)
            if not same and not weaker:
                changes.add("needs")
        sent = min((AMBULANCES.index(one.ambulance) for one in fired if one.ambulance), default=len(AMBULANCES))
        sooner = rule.ambulance is not None and AMBULANCES.index(rule.ambulance) < sent
        if sooner or (rule.mmt and not any(one.mmt for one in fired)):
            changes.add("dispatch")
        return changes | ({"warnings"} if rule.warning else set())

    def with_condition(self, rule: Rule) -> tuple[set[str], int]:
        """The same, also through a condition that it would conclude, and the gravest rank that it could bring."""
        changes, grave = self.own(rule), rule.urgency if rule.urgency is not None else len(URGENCIES)
        if "conditions" in changes:
            for other in self.following.get(rule.condition or "", ()):
                beyond, rank = self.with_condition(other)
                changes, grave = changes | beyond, min(grave, rank)
        return changes, grave

    def begun(self, rule: Rule) -> bool:
        """Whether something that it asks about this patient holds already."""
        facts = self.rules.vocabulary.facts
        for test in comparisons(negation_normal(rule.when)):
            everybodys = test.subject == "urgency" or (
                test.subject in facts and facts[test.subject].given != "observations" and test.subject != "complaint"
            )
            telling = test.op not in ("false", "unknown", "known", "not in", "below")
            if telling and not everybodys and test.subject in self.found.facts and meaning(test)(self.found.facts):
                return True
        return False

    def depends_on(self, rule: Rule) -> set[str]:
        """The facts that nobody gave and on which it depends whether `rule` fires, were all else to be asked too."""
        return _undecided(negation_normal(rule.when), self)[1]


def _undecided(condition: Condition, plain: Plain) -> tuple[bool | None, set[str]]:
    facts = plain.found.facts
    if isinstance(condition, Comparison):
        silent = condition.op in ("known", "unknown") and condition.subject not in facts
        truth = None if silent else meaning(condition)(facts)
        rests_on = plain.rules.asked_facts.get(condition.subject, ())
        return truth, {
            name for name in rests_on if isinstance(facts.get(name, OPEN), Interval)
        } if truth is None else set()
    assert isinstance(condition, All | AnyOf)
    parts = [_undecided(part, plain) for part in condition.parts]
    decisive = isinstance(condition, AnyOf)
    if any(truth is decisive for truth, _ in parts):
        return decisive, set()
    open_ = [names for truth, names in parts if truth is None]
    return (None if open_ else not decisive), set[str]().union(*open_)


def plain_questions(plain: Plain, askers: dict[str, Asker], most: int) -> tuple[list[tuple[str, tuple[str, ...]]], int]:
    """The first `most` questions with what they could change, and how many more there are."""
    facts, selection = plain.found.facts, plain.rules.selection
    in_order = selection.asked_first_in_order
    left_out = {name for entry in selection.not_asked if meaning(entry.when)(facts) for name in entry.facts}
    written = [name for entry in selection.asked_first if meaning(entry.when)(facts) for name in entry.facts]
    first = {name: written.index(name) if in_order else 0 for name in written}
    asking: dict[str, list[Rule]] = {}
    for rule in plain.found.possible:
        if plain.own(rule):
            for name in set(askers[rule.id](facts)) - left_out:
                asking.setdefault(name, []).append(rule)
    holding = [rule for rule in plain.found.fired if rule.urgency == plain.rank]
    lowering = set()
    for name in set(written) - set(asking) - left_out if in_order else ():
        those = [rule for rule in plain.rules.rules if name in plain.depends_on(rule)]
        asking[name] = [rule for rule in those if rule not in plain.found.fired and plain.own(rule)]
        if holding and all(rule in those for rule in holding):
            lowering.add(name)
        elif not asking[name]:
            del asking[name]
    told, of_rule = [], {rule.id: (plain.begun(rule), plain.with_condition(rule)) for rule in plain.rules.rules}
    for name, rules in asking.items():
        begun = sum(of_rule[rule.id][0] for rule in rules)
        parts = [of_rule[rule.id][1] for rule in rules]
        grave = min((plain.rank, *(rank for _, rank in parts)))
        changes = set[str]().union(*(each for each, _ in parts), ["urgency"] if name in lowering else [])
        group = plain.rules.vocabulary.group_places[name]
        order = (first.get(name, len(written)), not begun, grave, -begun, group, -len(rules), name)
        told.append((order, name, tuple(each for each in CHANGES if each in changes)))
    return [(name, changes) for _, name, changes in sorted(told)][:most], max(0, len(told) - most)


@cache
def desk(order: str) -> Desk:
    return open_desk(None, MOMENTS[order])


@cache
def evaluations(order: str) -> tuple[Evaluation, ...]:
    return tuple(_evaluations(desk(order)))


def _evaluations(here: Desk) -> Iterator[Evaluation]:
    newest = next(each for each in ruleset_folders(None) if each.name == here.evaluators.ruleset.version)
    for case in read_worked_cases(newest, here)[::EVERY]:
        parsed = parse_case(case.given, here.words, case.at, here.directory.by_id)
        yield here.evaluators.evaluate(facts_of(parsed, case.at, here.directory.holidays), case.at)


@pytest.mark.parametrize("order", MOMENTS)
@pytest.mark.parametrize(("most", "least"), [(1, 50), (25, 1_000), (10_000, 5_000)])
def test_the_open_questions_are_those_that_each_rule_by_itself_asks(most: int, least: int, order: str) -> None:
    evaluators = desk(order).evaluators
    rules = evaluators.ruleset
    assert rules.selection.asked_first_in_order is (order == "as written")
    askers = {rule.id: asker(rule.when, rules.asked_facts) for rule in rules.rules}
    compared = through = 0
    for found in evaluations(order):
        rank = min((rule.urgency for rule in found.fired if rule.urgency is not None), default=rules.default_urgency)
        plain = Plain(rules, found, rank)
        questions, left = open_questions(evaluators, found, rank, most)
        assert ([(each.fact, each.could_change) for each in questions], left) == plain_questions(plain, askers, most)
        compared += len(questions)
        through += sum(len(each.could_change) > 1 for each in questions)
    assert compared > least, "else the cases say little"
    assert through > least // 10
