"""The engine behind its fence names the same rules as their meaning, for very many random rulesets and cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from random import Random

import pytest

from routing.case import parse_case
from routing.packaged import open_desk
from routing.rules.condition import All, Not, Op, Subject, Test
from routing.rules.condition import tests as comparisons
from routing.rules.durable import DurableEvaluator, EngineRefusal
from routing.rules.explanation import asker
from routing.rules.overlay import overlay_folders
from routing.rules.reference import Judgement, ReferenceEvaluator, Truth, meaning
from routing.rules.rule import Facts, Interval, Rule, strata
from routing.triage import triage
from tests.once import read_worked_cases
from tests.rules import oracle
from tests.rules.generated import CONDITIONS, World, case, rule, schema, world, worst

CASES_PER_RULESET = 125


def _agree(seed: int, cases: int) -> int:
    """Compare the evaluators on one random ruleset; the number of rules that fired."""
    random = Random(seed)
    made = world(random)
    repeat = f"repeat with: pytest tests/rules/test_differential.py --differential-seed {seed} --differential-cases 1"
    reference = ReferenceEvaluator(made.rules, made.default_urgency) if _all_concluded(made) else None
    firings = 0
    with closing(DurableEvaluator(made.rules, made.subjects, made.default_urgency)) as durable:
        for number in range(cases):
            facts = case(random, made) if number else worst(random, made)
            meant = oracle.fired(made.rules, facts, made.default_urgency)
            found = durable.fired(facts)
            assert found == meant, f"case {number} of seed {seed}: {sorted(found ^ meant)}; {repeat}"
            if reference is not None:
                judged = reference.judge(facts).fired
                assert judged == meant, f"reference, case {number} of seed {seed}: {sorted(judged ^ meant)}; {repeat}"
            firings += len(found)
    return firings


def _all_concluded(made: World) -> bool:
    asked = {
        test.subject for one in made.rules for test in comparisons(one.when) if test.subject.startswith("condition.")
    }
    return asked <= {f"condition.{one.condition}" for one in made.rules}


PARTS = 8
"""So that all cores take part: the random rulesets are dealt out."""


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engine_names_the_rules_that_their_meaning_names(pytestconfig: pytest.Config, part: int) -> None:
    wanted: int = pytestconfig.getoption("differential_cases")
    first: int = pytestconfig.getoption("differential_seed")
    rulesets = max(-(-wanted // CASES_PER_RULESET), PARTS)
    seeds = range(first + part, first + rulesets, PARTS)
    firings = sum(_agree(seed, CASES_PER_RULESET) for seed in seeds)
    assert firings > CASES_PER_RULESET * len(seeds)  # else the cases say little


def _by_meaning(made: World, facts: Facts) -> Judgement:
    """The judgement by the meaning of one condition after the other, without any code that was made of the rules."""
    fired, possible = set[str](), set[str]()
    known, truths = dict(facts), dict[str, Truth]()
    for one in (one for layer in strata(made.rules) for one in layer if one.stage == "triage"):
        asked = {code: truths.get(code, known.get(code)) for code in known.keys() | truths.keys()}
        truth = meaning(one.when)({name: value for name, value in asked.items() if value is not None})
        _count(one, truth, fired, possible)
        if one.condition is not None:
            code = f"condition.{one.condition}"
            before = truths.get(code, False)
            truths[code] = True if True in (before, truth) else None if None in (before, truth) else False
    ranks, open_ranks = (
        [one.urgency for one in made.rules if one.id in ids and one.urgency is not None] for ids in (fired, possible)
    )
    urgency = min(ranks, default=made.default_urgency)
    latest = urgency if ranks else max(*open_ranks, urgency, urgency)
    known |= {code: truth for code, truth in truths.items() if truth is not None}
    codes = {f"condition.c{number}" for number in range(CONDITIONS)}
    decided = {**known, **{code: known.get(code) is True for code in codes}, "urgency": urgency}
    undecided = {**known, "urgency": Interval(min(*open_ranks, urgency, urgency), latest)}
    for one in (one for one in made.rules if one.stage == "care"):
        holds = meaning(one.when)(decided) is True
        open_ = meaning(one.when)(undecided) is not False
        _count(one, True if holds else None if open_ else False, fired, possible)
    return Judgement(frozenset(fired), frozenset(possible))


def _count(one: Rule, truth: Truth, fired: set[str], possible: set[str]) -> None:
    if truth is not False:
        (fired if truth else possible).add(one.id)


def test_the_code_made_of_rules_judges_as_their_meaning_does() -> None:
    random = Random(11)
    found = [0, 0]
    for _ in range(60):
        made = world(random, facts=30, rules=60)
        evaluator = ReferenceEvaluator(made.rules, made.default_urgency)
        for number in range(25):
            facts = case(random, made) if number else {}
            few = dict(random.sample(sorted(facts.items()), min(len(facts), random.randint(0, 4))))
            for given in (facts, few, _less_sure(random, made, facts)):
                judged = evaluator.judge(given)
                assert judged == _by_meaning(made, given)
                found[0] += len(judged.fired)
                found[1] += len(judged.possible)
    assert min(found) > 20_000  # else the cases say little


def _less_sure(random: Random, made: World, facts: Facts) -> Facts:
    """`facts` with some of the numbers known within limits only, as the months of who is so many years old."""
    numbers = [name for name, value in facts.items() if type(value) in (int, float)]
    wide = {name: _around(random, made, name) for name in numbers if random.random() < 0.3}
    return {**facts, **wide}


def _around(random: Random, made: World, name: str) -> Interval:
    ends = [value for value in made.values[name] if not isinstance(value, bool | str | Interval)]
    return Interval(*sorted(random.choices(ends, k=2)))


def test_what_to_ask_of_a_rule_of_which_nothing_is_known_is_as_if_asked() -> None:
    desk = open_desk(None, datetime(2026, 11, 18, 13, tzinfo=UTC))
    evaluators, rules = desk.evaluators, desk.evaluators.ruleset
    askers = {one.id: asker(one.when, rules.asked_facts) for one in rules.rules}
    nothing: Facts = {"urgency": rules.default_urgency}
    of_nothing = {key: set(ask(nothing)) for key, ask in askers.items()}
    asked = same = 0
    for folder in overlay_folders():
        for worked in read_worked_cases(folder, desk):
            parsed = parse_case(worked.given, desk.words, worked.at, desk.directory.by_id)
            found = triage(parsed, evaluators, worked.at, desk.directory.holidays).evaluation
            to_ask = {one.id: set[str]() for one in found.possible}
            asking = evaluators.asking.asked(found.facts, evaluators.asking.rules(to_ask.keys()))
            for number, one in enumerate(rules.rules):
                names = {name for name, those in asking.items() if those >> number & 1}
                assert names == (set(askers[one.id](found.facts)) if one.id in to_ask else set())
                if one.id in to_ask:
                    to_ask[one.id] = names
            asked += len(to_ask)
            same += sum(names == of_nothing[key] for key, names in to_ask.items())
    assert 1000 < same < asked - 1000


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_makes_the_same_rules_and_cases(seed: int) -> None:
    one, other = Random(seed), Random(seed)
    first, second = world(one), world(other)
    assert first == second
    assert [case(one, first) for _ in range(20)] == [case(other, second) for _ in range(20)]


ALLOWED: dict[str, set[Op]] = {
    "boolean": {"true", "false", "known", "unknown"},
    "number": {"<", "<=", ">", ">=", "=", "!=", "known", "unknown"},
    "score": {"<", "<=", ">", ">="},
    "choice": {"in", "not in", "known", "unknown"},
    "time": {"known", "unknown"},
    "condition": {"true", "false"},
    "urgency": {"at least", "below"},
}
OPS = sorted({op for ops in ALLOWED.values() for op in ops})


def _wild(random: Random, subjects: list[Subject]) -> Iterator[tuple[Subject, Test]]:
    while True:
        subject, op = random.choice(subjects), random.choice(OPS)
        value: float | tuple[str, ...] | None = None
        if op in ("in", "not in"):
            value = (random.choice([*subject.choices, "elsewhere"]),)
        elif op not in ("true", "false", "known", "unknown"):
            value = random.choice([0, 1.5, 5, 2**53 - 1, 2**53, 1e300, float("nan"), float("inf")])
        yield subject, Test(subject.name, op, value)


def _documented(subject: Subject, test: Test, *, triage: bool, negated: bool) -> bool:
    """Whether the fence says that it refuses this test."""
    kind = "score" if subject.interval else subject.kind
    if test.op not in ALLOWED[kind]:
        return True
    if triage and (kind == "urgency" or (kind == "condition" and (test.op == "false") != negated)):
        return True
    if isinstance(test.value, tuple):
        return test.value[0] not in subject.choices
    return test.value is not None and not abs(test.value) < 2**53


def test_a_rule_is_refused_for_a_documented_reason_only(pytestconfig: pytest.Config) -> None:
    random = Random(pytestconfig.getoption("differential_seed"))
    subjects = schema(random, 40)
    refused = 0
    for number, (subject, test) in zip(count(), _wild(random, list(subjects.values())), strict=False):
        if number == 3000:
            break
        triage, negated = random.random() < 0.5, random.random() < 0.3
        when = All((Test("condition.c1", "true"), Not(test) if negated else test))
        one = rule("the-rule", when, urgency=1 if triage else None)
        try:
            DurableEvaluator([one], subjects, 3).close()
        except EngineRefusal as refusal:
            assert refusal.rule == "the-rule"
            assert "`the-rule`" in str(refusal)
            assert _documented(subject, test, triage=triage, negated=negated), str(refusal)
            refused += 1
        else:
            assert not _documented(subject, test, triage=triage, negated=negated), test
    assert 500 < refused < 2900
