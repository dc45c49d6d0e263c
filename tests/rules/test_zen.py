"""The engine that ours is compared with is given the same rules: it names the same ones, or the comparison says
nothing."""

from __future__ import annotations

from random import Random

from routing.bench_zen import in_zen
from routing.rules.building import packaged_rulesets
from routing.rules.condition import Subject
from routing.rules.reference import ReferenceEvaluator
from routing.rules.rule import FactValue, Interval
from routing.vocabulary import read_vocabulary
from tests.once import read_ruleset


def _value(random: Random, subject: Subject) -> FactValue | None:
    if subject.kind == "boolean":
        return random.random() < 0.6
    if subject.kind == "choice":
        return random.choice(subject.choices)
    if subject.kind == "number":
        low, high = int(subject.low or 0), int(subject.high or 0)
        ends = sorted((random.randint(low, high), random.randint(low, high)))
        return Interval(*ends) if subject.interval and random.random() < 0.5 else ends[0]
    return None


def test_the_engine_that_is_compared_with_names_the_same_rules() -> None:
    random = Random(3)
    rules = read_ruleset(max(packaged_rulesets()), read_vocabulary())
    assert {rule.stage for rule in rules.rules} == {"triage", "care"}
    given, fired = in_zen(rules)
    ours = ReferenceEvaluator(rules.rules, rules.default_urgency)
    named = 0
    for _ in range(150):
        share = random.choice([0.1, 0.5, 0.9])
        facts = {
            name: value
            for name, subject in rules.subjects.items()
            if random.random() < share and (value := _value(random, subject)) is not None
        }
        expected = ours.judge(facts).fired
        assert fired(given(facts)) == expected
        named += len(expected)
    assert named > 1000
