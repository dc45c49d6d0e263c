"""Whatever the condition: its forms mean the same, learning more never unsettles it, its reasons suffice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.rules.condition import (
    All,
    AnyOf,
    Condition,
    ConditionError,
    Names,
    Not,
    Subject,
    Test,
    in_words,
    negation_normal,
    normal_form,
    read_condition,
    satisfiable,
)
from routing.rules.condition import tests as comparisons
from routing.rules.explanation import asker, explainer
from routing.rules.reference import ReferenceEvaluator, Truth, meaning
from routing.rules.rule import Facts, FactValue, Interval, Need, Reference, Rule
from routing.vocabulary import Text

FLAGS, NUMBERS, CHOICES, TIMES, SCORES = ("a", "b", "c"), ("n", "m"), ("k",), ("t",), ("s",)
WORDS = ("x", "y", "z")
SUBJECTS: Mapping[str, Subject] = {
    **{name: Subject(name, "boolean") for name in FLAGS},
    **{name: Subject(name, "number", "1", 0, 4, whole=True) for name in NUMBERS},
    **{name: Subject(name, "choice", choices=WORDS) for name in CHOICES},
    **{name: Subject(name, "time") for name in TIMES},
    **{name: Subject(name, "number", "1", 0, 4, interval=True) for name in SCORES},
}
OBSERVED = (*FLAGS, *NUMBERS, *CHOICES, *TIMES)
ASKED: Mapping[str, Sequence[str]] = {**{name: (name,) for name in OBSERVED}, "s": ("a", "n")}
CODES = ("p", "q", "r")

quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _numeric(names: Sequence[str], ops: Sequence[str], least: int, most: int) -> st.SearchStrategy[Condition]:
    return st.builds(Test, st.sampled_from(names), st.sampled_from(ops), st.integers(least, most))


some_words = st.sets(st.sampled_from(WORDS), min_size=1, max_size=2).map(lambda words: tuple(sorted(words)))
plain_tests: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Test, st.sampled_from(FLAGS), st.sampled_from(["true", "false"])),
    _numeric(NUMBERS, ["<", "<=", ">", ">=", "=", "!="], 0, 4),
    st.builds(Test, st.sampled_from(CHOICES), st.sampled_from(["in", "not in"]), some_words),
    _numeric(SCORES, ["<", "<=", ">", ">="], 0, 4),
)
presence_tests: st.SearchStrategy[Condition] = st.builds(
    Test, st.sampled_from(OBSERVED), st.sampled_from(["known", "unknown"])
)


def trees(leaves: st.SearchStrategy[Condition], negation: bool = True) -> st.SearchStrategy[Condition]:
    def grow(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        grown = [several.map(All), several.map(AnyOf)]
        return st.one_of(*grown, inner.map(Not)) if negation else st.one_of(*grown)

    return st.recursive(leaves, grow, max_leaves=6)


plain_conditions = trees(plain_tests)
conditions = trees(st.one_of(plain_tests, presence_tests))


@st.composite
def several_facts(draw: st.DrawFn) -> dict[str, FactValue]:
    """Some of the facts, known; the score always within limits, as scores are."""
    values: dict[str, st.SearchStrategy[FactValue]] = {
        **{name: st.booleans() for name in FLAGS},
        **{name: st.integers(0, 4) for name in NUMBERS},
        **{name: st.sampled_from(WORDS) for name in CHOICES},
        **{name: st.just("2026-11-21T20:04:00+01:00") for name in TIMES},
    }
    found: dict[str, FactValue] = {}
    for name, value in values.items():
        if draw(st.booleans()):
            found[name] = draw(value)
    low = draw(st.integers(0, 4))
    found["s"] = Interval(low, draw(st.integers(low, 4)))
    return found


@st.composite
def less_and_more(draw: st.DrawFn) -> tuple[dict[str, FactValue], dict[str, FactValue]]:
    """What is known, and what was known before: fewer facts, and the score within wider limits."""
    more = draw(several_facts())
    kept = draw(st.sets(st.sampled_from(OBSERVED)))
    less = {name: value for name, value in more.items() if name in kept}
    score = more["s"]
    assert isinstance(score, Interval)
    less["s"] = Interval(draw(st.integers(0, int(score.low))), draw(st.integers(int(score.high), 4)))
    return less, more


def either(left: Truth, right: Truth) -> Truth:
    return True if True in (left, right) else None if None in (left, right) else False


@quick
@given(plain_conditions, several_facts())
def test_saying_not_twice_says_nothing(condition: Condition, facts: Facts) -> None:
    assert meaning(Not(Not(condition)))(facts) is meaning(condition)(facts)


@quick
@given(conditions, conditions, several_facts())
def test_not_both_is_either_not_and_not_either_is_both_not(left: Condition, right: Condition, facts: Facts) -> None:
    neither = meaning(Not(AnyOf((left, right))))(facts)
    assert neither is meaning(All((Not(left), Not(right))))(facts)
    assert meaning(Not(All((left, right))))(facts) is meaning(AnyOf((Not(left), Not(right))))(facts)
    assert meaning(AnyOf((left, right)))(facts) is either(meaning(left)(facts), meaning(right)(facts))


@quick
@given(conditions, several_facts())
def test_pushing_negation_into_the_comparisons_keeps_the_meaning(condition: Condition, facts: Facts) -> None:
    pushed = negation_normal(condition)
    assert meaning(pushed)(facts) is meaning(condition)(facts)
    assert not any(isinstance(part, Not) for part in _parts(pushed))


def _parts(condition: Condition) -> list[Condition]:
    if isinstance(condition, Test):
        return [condition]
    inner = (condition.part,) if isinstance(condition, Not) else condition.parts
    return [condition, *(found for part in inner for found in _parts(part))]


@quick
@given(conditions, several_facts())
def test_the_normal_form_keeps_the_meaning(condition: Condition, facts: Facts) -> None:
    alternatives = AnyOf(tuple(All(clause) for clause in normal_form(condition)))
    assert meaning(alternatives)(facts) is meaning(condition)(facts)


@quick
@given(conditions, several_facts())
def test_an_alternative_that_holds_is_never_called_a_contradiction(condition: Condition, facts: Facts) -> None:
    for clause in normal_form(condition):
        if meaning(All(clause))(facts) is True:
            assert satisfiable(clause, SUBJECTS)


@quick
@given(plain_conditions, less_and_more())
def test_learning_more_never_unfires_a_rule(
    condition: Condition, known: tuple[dict[str, FactValue], dict[str, FactValue]]
) -> None:
    before, after = known
    truth = meaning(condition)(before)
    if truth is not None:
        assert meaning(condition)(after) is truth


@quick
@given(plain_conditions)
def test_unknown_never_fires(condition: Condition) -> None:
    assert meaning(condition)({}) is None


@quick
@given(plain_conditions, several_facts())
def test_the_facts_named_as_reasons_suffice(condition: Condition, facts: Facts) -> None:
    named = set(explainer(condition)(facts))
    if meaning(condition)(facts) is True:
        assert named <= facts.keys() & {test.subject for test in comparisons(condition)}
        assert meaning(condition)({name: facts[name] for name in named}) is True
    else:
        assert named == set()


@quick
@given(conditions, several_facts())
def test_only_unknown_facts_are_asked_and_only_while_it_is_open(condition: Condition, facts: Facts) -> None:
    named = asker(condition, ASKED)(facts)
    assert len(set(named)) == len(named)
    assert not set(named) & facts.keys()
    if meaning(condition)(facts) is not None:
        assert not named


@quick
@given(trees(plain_tests.filter(lambda test: isinstance(test, Test) and test.subject != "s")), several_facts())
def test_while_a_condition_is_open_there_is_something_to_ask_and_asking_on_decides_it(
    condition: Condition, facts: dict[str, FactValue]
) -> None:
    answers: Mapping[str, FactValue] = {"a": True, "b": False, "c": True, "n": 1, "m": 3, "k": "y"}
    known = dict(facts)
    for _ in range(len(OBSERVED) + 1):
        if meaning(condition)(known) is not None:
            return
        named = asker(condition, ASKED)(known)
        assert named
        known[named[0]] = answers[named[0]]
    raise AssertionError("asking every fact did not decide it")


@quick
@given(trees(st.one_of(plain_tests, presence_tests)))
def test_a_condition_is_read_back_as_it_was_written(condition: Condition) -> None:
    names = Names(SUBJECTS, {})
    written = in_words(condition)
    try:
        read = read_condition(written, names)
    except ConditionError as error:  # the limits drawn here include some that decide nothing
        assert "never be true" in error.message or "always true" in error.message
        return
    assert read == condition


# -- rules together ---------------------------------------------------------------------------------------------------


REFERENCE = Reference("book", "A book", "https://example.org", None, "read")


@st.composite
def rulesets(draw: st.DrawFn) -> tuple[Rule, ...]:
    """Triage rules that ask only for conditions of earlier rules, and care rules that may ask for absence."""
    found: list[Rule] = []
    for number in range(draw(st.integers(1, 7))):
        concluded: str | None = draw(st.sampled_from([None, *CODES]))
        askable = CODES[: CODES.index(concluded)] if concluded else CODES
        when = draw(plain_conditions)
        if askable and draw(st.booleans()):
            when = All((when, Test(f"condition.{draw(st.sampled_from(askable))}", "true")))
        urgency = draw(st.integers(0, 5)) if concluded is None or draw(st.booleans()) else None
        found.append(_rule(f"triage-{number}", when, urgency, concluded))
    conclusion = st.one_of(
        st.builds(Test, st.sampled_from([f"condition.{code}" for code in CODES]), st.sampled_from(["true", "false"])),
        st.builds(Test, st.just("urgency"), st.sampled_from(["at least", "below"]), st.integers(0, 4)),
    )
    for number in range(draw(st.integers(0, 4))):
        found.append(_rule(f"care-{number}", draw(trees(st.one_of(conclusion, plain_tests)))))
    return tuple(found)


def _rule(name: str, when: Condition, urgency: int | None = None, condition: str | None = None) -> Rule:
    needs = () if urgency is not None or condition else (Need("seh", "preferred"),)
    status = "suspected" if condition else None
    text = Text("tekst", "text")
    return Rule(name, when, text, REFERENCE, "because", urgency, condition, status, needs)  # type: ignore[arg-type]


@quick
@given(rulesets(), several_facts(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_rule_order_does_not_matter(rules: tuple[Rule, ...], facts: Facts, default: int, random: Random) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)
    assert ReferenceEvaluator(shuffled, default).judge(facts) == ReferenceEvaluator(rules, default).judge(facts)


@quick
@given(rulesets(), less_and_more(), st.integers(0, 5))
def test_learning_more_never_takes_back_an_urgency_or_a_condition(
    rules: tuple[Rule, ...], known: tuple[dict[str, FactValue], dict[str, FactValue]], default: int
) -> None:
    before, after = (ReferenceEvaluator(rules, default).judge(facts) for facts in known)
    triage = {rule.id for rule in rules if rule.stage == "triage"}
    assert before.fired & triage <= after.fired


@settings(quick, max_examples=200)
@given(rulesets(), less_and_more(), st.integers(0, 5))
def test_a_rule_that_fires_later_fired_or_was_possible_before(
    rules: tuple[Rule, ...], known: tuple[dict[str, FactValue], dict[str, FactValue]], default: int
) -> None:
    before, after = (ReferenceEvaluator(rules, default).judge(facts) for facts in known)
    assert after.fired <= before.fired | before.possible
    assert not before.fired & before.possible


@quick
@given(rulesets(), several_facts(), st.integers(0, 5))
def test_judging_changes_neither_the_facts_nor_the_next_judgement(
    rules: tuple[Rule, ...], facts: dict[str, FactValue], default: int
) -> None:
    evaluator, seen = ReferenceEvaluator(rules, default), dict(facts)
    first = evaluator.judge(facts)
    evaluator.judge({})
    assert facts == seen
    assert evaluator.judge(facts) == first
