"""Promises about decisions for any patient: over the small world, and over the rules that come with Wegwijs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.case import parse_case
from routing.decision import decide
from routing.facilities.directory import Directory
from routing.log.canonical import canonical, is_canonical
from routing.log.record import make_record
from routing.log.replay import replay
from routing.packaged import Desk, open_desk
from routing.rules.condition import All, AnyOf, Condition, Test, negation_normal
from routing.rules.condition import tests as comparisons
from routing.rules.evaluation import Evaluators
from routing.rules.reference import meaning
from routing.rules.ruleset import Ruleset
from routing.triage import Triage, triage
from routing.vocabulary import Fact, Vocabulary
from tests import small_world
from tests.small_world import result_body

MOMENTS = st.builds(
    lambda start, minutes: datetime.fromisoformat(start) + timedelta(minutes=minutes),
    st.sampled_from(["2026-11-18T00:00:00+01:00", "2026-10-24T20:00:00+02:00", "2026-12-24T12:00:00+01:00"]),
    st.integers(0, 2 * 24 * 60),
)
"""Around an ordinary Wednesday, the end of summer time and Christmas."""


@cache
def national() -> Desk:
    """The rules and places that come with Wegwijs."""
    return open_desk(None, small_world.AFTERNOON)


def evaluators_of(world: str) -> Evaluators:
    return small_world.evaluators() if world == "small" else national().evaluators


def directory_of(world: str) -> Directory:
    return small_world.directory() if world == "small" else national().directory


def values(fact: Fact, now: datetime) -> st.SearchStrategy[Any]:
    if fact.type == "boolean":
        return st.booleans()
    if fact.type == "choice":
        return st.sampled_from(sorted(fact.values))
    if fact.type == "time":
        return st.integers(0, 3000).map(lambda minutes: (now - timedelta(minutes=minutes)).isoformat())
    assert fact.range is not None
    low, high = fact.range
    if fact.whole:
        return st.integers(math.ceil(low), math.floor(high))
    tenths = st.integers(math.ceil(low * 10), math.floor(high * 10)).map(lambda n: n / 10)
    return st.one_of(st.integers(math.ceil(low), math.floor(high)), tenths)


@st.composite
def patients(draw: st.DrawFn, world: str, now: datetime) -> dict[str, Any]:
    """A body with up to eight observations, more often than not true ones, and some of the rest."""
    vocabulary = evaluators_of(world).ruleset.vocabulary
    facts = {key: fact for key, fact in vocabulary.facts.items() if fact.given == "observations"}
    names = draw(st.lists(st.sampled_from(sorted(facts)), max_size=8, unique=True))
    observations = {name: draw(values(facts[name], now)) for name in names}
    body: dict[str, Any] = {
        "patient": {"age_years": draw(st.sampled_from([0, 1, 5, 17, 18, 40, 64, 65, 80, 101]))},
        "location": {"lat": draw(st.sampled_from([52.09, 51.5, 53.2])), "lon": draw(st.sampled_from([5.12, 5.9, 6.5]))},
        "observations": observations,
    }
    for key in ("channel", "transport"):
        if (value := draw(st.one_of(st.none(), st.sampled_from(sorted(vocabulary.facts[key].values))))) is not None:
            body[key] = value
    if draw(st.booleans()):
        body["complaint"] = draw(st.sampled_from(sorted(vocabulary.complaints)))
    if draw(st.booleans()):
        body["called_at"] = (now - timedelta(minutes=draw(st.integers(0, 90)))).isoformat()
    return body


@cache
def shaky_rules(world: str) -> frozenset[str]:
    return may_be_taken_back(evaluators_of(world).ruleset)


def found(world: str, body: Mapping[str, Any], now: datetime) -> Triage:
    evaluators = evaluators_of(world)
    case = parse_case(dict(body), evaluators.ruleset.vocabulary, now, recorded=True)
    return triage(case, evaluators, now, directory_of(world).holidays)


def may_be_taken_back(ruleset: Ruleset) -> frozenset[str]:
    """Rules that more knowledge may rightly take back.

    Those that ask whether something is unknown; those that rest on a score that is not meant for some patients or that
    assumes something unless it is said, or on the lower of two numbers; and all that ask for what these conclude.
    """
    shaky = {f"{key}{part}" for key, score in ruleset.scores.items() for part in ("", ".highest_item")
             if score.not_for is not None or score.assumed_false}  # fmt: skip
    shaky |= {key for key, derived in ruleset.derived.items() if {"lowest", "highest"} & set(derived.formula)}
    rules = {rule.id for rule in ruleset.rules
             if any(test.op == "unknown" or test.subject in shaky for test in comparisons(rule.when))}  # fmt: skip
    while True:
        codes = {f"condition.{rule.condition}" for rule in ruleset.rules if rule.id in rules}
        more = {rule.id for rule in ruleset.rules if any(test.subject in codes for test in comparisons(rule.when))}
        if more <= rules:
            return frozenset(rules)
        rules |= more


# -- unknown


@pytest.mark.parametrize("world", ["small", "national"])
@settings(deadline=None, max_examples=150)
@given(data=st.data(), now=MOMENTS)
def test_unknown_never_lowers_urgency(world: str, data: st.DataObject, now: datetime) -> None:
    """Learning more never takes a triage rule back, so what is unknown never makes a case less urgent than its rules.

    (The default, when no rule says how urgent it is, is no rule: learning that it is a cold may lower that.)
    """
    body = data.draw(patients(world, now))
    observations = body["observations"]
    assume(observations)
    kept = data.draw(st.lists(st.sampled_from(sorted(observations)), max_size=len(observations) - 1, unique=True))
    less = found(world, {**body, "observations": {name: observations[name] for name in kept}}, now)
    more = found(world, body, now)
    fired_less = {rule.id: rule for rule in less.evaluation.fired if rule.stage == "triage"}
    taken_back = set(fired_less) - {rule.id for rule in more.evaluation.fired}
    assert taken_back <= shaky_rules(world)
    lasting = [rule.urgency for key, rule in fired_less.items() if rule.urgency is not None and key not in taken_back]
    assert more.urgency.rank <= min(lasting, default=5)


def test_in_the_small_world_nothing_is_ever_taken_back() -> None:
    assert shaky_rules("small") == frozenset()


UNTIL_ASKED = {
    "cold-without-fever": "U4 until more is asked; then the rule for advice, or one that raises, takes over",
    "respiratory-complaint-well-by-phone": "the same",
    "vomiting-well": "blood in the stool need not be asked of who vomits only; said all the same it raises",
}
"""Rules that lower and end when something is asked, with why that is no reassurance."""


def unanswered(condition: Condition, beside: Sequence[Condition] = ()) -> set[str]:
    """Facts of which not knowing them makes `condition` true other than beside an answer to the same question.

    `any: [pregnant is unknown, not pregnant]` says "unless pregnant": it ends a mild rule, and never leads to one."""
    if isinstance(condition, Test):
        answers = {one.subject for one in beside if isinstance(one, Test) and one.op not in ("unknown", "known")}
        return {condition.subject} - answers if condition.op == "unknown" else set()
    parts = condition.parts if isinstance(condition, All | AnyOf) else ()
    return {name for part in parts for name in unanswered(part, parts if isinstance(condition, AnyOf) else ())}


@pytest.mark.parametrize("world", ["small", "national"])
def test_no_rule_that_lowers_the_urgency_takes_an_unknown_for_a_reassuring_answer(world: str) -> None:
    """Below the cautious default only what was really said may lead; "unless it was said that" may end it."""
    ruleset = evaluators_of(world).ruleset
    lowering = [rule for rule in ruleset.rules if rule.urgency is not None and rule.urgency > ruleset.default_urgency]
    assert lowering
    assert [rule.id for rule in lowering if meaning(rule.when)({}) is True] == []
    unknown = {rule.id: sorted(unanswered(negation_normal(rule.when))) for rule in lowering}
    assert {key: names for key, names in unknown.items() if names and key not in UNTIL_ASKED} == {}


# -- both evaluators, the same bytes, replay


@pytest.mark.parametrize("world", ["small", "national"])
@settings(deadline=None, max_examples=100)
@given(data=st.data(), now=MOMENTS)
def test_evaluators_agree_and_what_to_ask_is_unknown(world: str, data: st.DataObject, now: datetime) -> None:
    body = data.draw(patients(world, now))
    result = found(world, body, now)
    assert result.evaluation.agree, result.evaluation.fault
    asked = [question.fact for question in result.open_questions]
    assert len(asked) == len(set(asked))
    known = {name for name, value in result.evaluation.facts.items() if name != "age_months"}
    assert not set(asked) & known
    assert all(question.could_change for question in result.open_questions)
    facts = evaluators_of(world).ruleset.vocabulary.facts
    assert not [name for name in asked if facts[name].given == "clock"]


@pytest.mark.parametrize(("world", "count"), [("small", 60), ("national", 40)])
def test_there_is_always_an_answer_and_replay_is_identical(world: str, count: int) -> None:
    evaluators, directory = evaluators_of(world), directory_of(world)
    vocabulary: Vocabulary = evaluators.ruleset.vocabulary

    @settings(deadline=None, max_examples=count)
    @given(data=st.data(), now=MOMENTS)
    def check(data: st.DataObject, now: datetime) -> None:
        case = parse_case(data.draw(patients(world, now)), vocabulary, now)
        decision = decide(case, directory, evaluators, now)
        body = result_body(decision, vocabulary)
        assert body["recommendation"]["reasons"]
        assert {found["facility"]["id"] for found in (body["recommendation"], *body["alternatives"])}
        assert all(out["failed"] for out in body["ruled_out"])
        again = result_body(decide(case, directory, evaluators, now), vocabulary)
        assert canonical(body) == canonical(again)
        asker = {"key": "k1", "roles": ["triagist"]}
        entry = make_record(decision, case, vocabulary, id="1", now=now, asker=asker, supersedes=None)
        record = canonical(entry)
        assert is_canonical(record)
        assert replay(record, directory, evaluators) == []

    check()


@settings(deadline=None, max_examples=60)
@given(data=st.data(), now=MOMENTS)
def test_needs_are_united_over_what_fired(data: st.DataObject, now: datetime) -> None:
    result = found("small", data.draw(patients("small", now)), now)
    asked = [need for rule in result.evaluation.fired for need in rule.needs]
    assert {need.capability for need in result.needs} == {need.capability for need in asked}
    for need in result.needs:
        mine = [other for other in asked if other.capability == need.capability]
        required = any(other.strength == "required" for other in mine)
        assert need.strength == ("required" if required else "preferred")
        assert {norm.id for norm in need.within} == {
            other.within for other in mine if other.within is not None and other.strength == need.strength
        }
