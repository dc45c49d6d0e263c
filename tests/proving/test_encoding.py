"""The rules as the solver knows them fire in exactly the cases in which they fire when a case is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from random import Random

import pytest
import z3

from routing.case import parse_case
from routing.packaged import open_desk
from routing.proving.encoding import Encoding, encode, encode_rules
from routing.proving.symbols import Symbol, given
from routing.rules.condition import Subject, normal_form, satisfiable
from routing.rules.condition import tests as comparisons
from routing.rules.evaluation import Evaluators
from routing.rules.reference import ReferenceEvaluator
from routing.rules.rule import Facts, FactValue, Interval
from routing.triage import facts_of
from tests.rules.generated import World, case, values, world, worst

NOW = datetime.fromisoformat("2026-11-18T20:00:00+01:00")


@cache
def _in_force() -> Evaluators:
    return open_desk(None, NOW).evaluators


def concluded_only(made: World) -> World:
    """Without the rules that ask for a condition which no rule concludes."""
    rules = made.rules
    while True:
        concluded = {f"condition.{one.condition}" for one in rules}
        asked = [{test.subject for test in comparisons(one.when)} for one in rules]
        kept = tuple(
            one
            for one, names in zip(rules, asked, strict=True)
            if {name for name in names if name.startswith("condition.")} <= concluded
        )
        if kept == rules:
            return replace(made, rules=rules)
        rules = kept


def _differing(encoding: Encoding, facts: Facts, fired: frozenset[str], possible: frozenset[str]) -> list[str]:
    """The rules of which the solver says otherwise. Where rounding decides it says nothing, which is no difference."""
    found = []
    for rule in encoding.rules:
        for formula, named in ((encoding.fired(rule), fired), (encoding.possible(rule), possible)):
            said = z3.simplify(formula)
            if (z3.is_true(said) or z3.is_false(said)) and z3.is_true(said) != (rule.id in named):
                found.append(rule.id)
    return found


def test_a_fact_takes_the_place_of_one_of_its_own_kind_only() -> None:
    made = world(Random(1), rules=20)
    encoding = encode_rules(made.rules, made.subjects, made.default_urgency)
    name = next(key for key, one in made.subjects.items() if one.kind == "boolean")
    of_case = encoding.with_facts({name: Symbol(z3.BoolVal(True), z3.IntVal(3), z3.IntVal(3))})
    with pytest.raises(ValueError, match=f"`{name}` is a Bool, and not 3"):
        of_case.fired(next(rule for rule in made.rules if name in encoding.asks[rule.id]))


@pytest.mark.parametrize("seed", range(16))
def test_the_solver_names_the_rules_that_the_evaluator_names_of_random_rules(seed: int) -> None:
    random = Random(seed)
    made = concluded_only(world(random, rules=random.randint(40, 80)))
    reference = ReferenceEvaluator(made.rules, made.default_urgency)
    subjects = {name: replace(one, whole=False) for name, one in made.subjects.items()}  # random values are not whole
    encoding = encode_rules(made.rules, subjects, made.default_urgency)
    firings = 0
    for number in range(12):
        facts = case(random, made) if number else worst(random, made)
        judged = reference.judge(facts)
        of_case = encoding.with_facts(given(facts, subjects))
        assert _differing(of_case, facts, judged.fired, judged.possible) == [], f"case {number} of seed {seed}: {facts}"
        firings += len(judged.fired)
    assert firings > 12


def test_the_solver_names_the_rules_that_the_evaluator_names_of_the_rules_in_force() -> None:
    """With derived numbers and scores, which random rules do not have."""
    evaluators = _in_force()
    ruleset, encoding, random = evaluators.ruleset, encode(evaluators.ruleset), Random(20261118)
    subjects = {name: found for name, found in ruleset.subjects.items() if name in ruleset.vocabulary.facts}
    aims = tuple(
        clause
        for rule in random.sample(ruleset.rules, 40)
        for clause in normal_form(rule.when)
        if satisfiable(clause, ruleset.subjects)
    )
    worth = {
        name: tuple(value for value in found if _plain(value, subjects[name]))
        for name, found in values(random, subjects, ruleset.rules).items()
    }  # nothing so near a limit that rounding decides
    made = World(subjects, ruleset.rules, ruleset.default_urgency, worth, aims)
    formulas = {rule.id: (encoding.fired(rule), encoding.possible(rule)) for rule in ruleset.rules}
    solver = z3.Solver()
    for number in range(15):
        age = random.choice([0, 0.5, 4, 15, 16, 40, 70.5])
        months = Interval(age * 12, age * 12 + 11) if age == int(age) else int(age * 12)
        facts = {**case(random, made), "age_years": age, "age_months": months, **_pulse(random), **ruleset.agreements}
        judged = evaluators.reference.judge(evaluators.with_numbers(facts, NOW))
        solver.push()
        for name, symbol in given(facts, subjects, NOW).items():
            mine = encoding.symbol(name)
            solver.add(mine.known == symbol.known)
            if name in facts:
                solver.add(mine.low == symbol.low, mine.high == symbol.high)
        assert solver.check() == z3.sat
        model = solver.model()
        for at, named in enumerate((judged.fired, judged.possible)):
            said = {key for key, found in formulas.items() if z3.is_true(model.eval(found[at], model_completion=True))}
            assert said == named, f"case {number}: {sorted(said ^ named)}: {facts}"
        solver.pop()


def _plain(value: FactValue, subject: Subject) -> bool:
    if not isinstance(value, float):
        return True
    return len(repr(value)) < 10 and (not subject.whole or value == int(value))


def _pulse(random: Random) -> Facts:
    """Vital signs as people measure them, each perhaps not measured: they decide scores."""
    found = {
        "heart_rate": random.choice([35, 51, 90, 110.0, 111, 131]), "systolic_bp": random.choice([0, 70, 90, 100, 111]),
        "spo2": random.choice([83, 88, 91, 94.5, 97]), "temperature": random.choice([34.9, 36, 38.0, 38.1, 39.4]),
        "respiratory_rate": random.choice([8, 9, 12, 21, 25, 31]), "avpu": random.choice("ACVPU"),
        "on_oxygen": random.random() < 0.5, "hypercapnic_target": random.random() < 0.5,
    }  # fmt: skip
    return {name: value for name, value in found.items() if random.random() < 0.8}


def test_every_valid_case_is_among_those_of_the_solver() -> None:
    """A child of 20 months, somebody of 40 and a half, and a complaint that names a finding: what holds of valid cases
    was not taken too narrowly."""
    evaluators = _in_force()
    words, encoding = evaluators.ruleset.vocabulary, encode(evaluators.ruleset)
    subjects = {name: encoding.domain.subjects[name] for name in words.facts}
    for patient, complaint in (
        ({"age_months": 20}, None), ({"age_years": 40.5}, None), ({"age_years": 120}, "cough"),
        ({"age_months": 1500}, None), ({"age_years": 1, "age_months": 23.5}, "hemoptysis"), ({"age_years": 0}, "cough"),
    ):  # fmt: skip
        body = {"patient": patient, "location": {"postcode": "3584CX"}, "complaint": complaint, "observations": {}}
        facts = {**facts_of(parse_case(body, words, NOW), NOW, frozenset()), **evaluators.ruleset.agreements}
        solver = z3.Solver()
        solver.add(*encoding.valid)
        for name, symbol in given(facts, subjects, NOW).items():
            mine = encoding.symbol(name)
            solver.add(mine.known == symbol.known)
            if name in facts:
                solver.add(mine.low == symbol.low, mine.high == symbol.high)
        assert solver.check() == z3.sat, (patient, complaint)


def test_what_no_case_can_be_is_not_among_those_of_the_solver() -> None:
    encoding = encode(_in_force().ruleset)
    years, months = encoding.symbol("age_years"), encoding.symbol("age_months")
    office, night = encoding.symbol("office_hours"), encoding.symbol("night")
    for impossible in (
        z3.Not(years.known), z3.And(years.low == 3, months.low < 36), z3.And(years.low == 3, months.high > 48),
        z3.And(office.low, night.low), encoding.symbol("heart_rate").low > 350,
    ):  # fmt: skip
        solver = z3.Solver()
        solver.add(*encoding.valid, impossible)
        assert solver.check() == z3.unsat, impossible
