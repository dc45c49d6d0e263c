"""Conditions: every way to write one, every way to write one wrong, and what is said about it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from routing.rules.condition import (
    ALWAYS,
    CLAUSES_MOST,
    All,
    AnyOf,
    Condition,
    ConditionError,
    Names,
    Not,
    Parameter,
    Subject,
    Test,
    asked_negatively,
    compare,
    in_words,
    negation_normal,
    normal_form,
    read_condition,
    satisfiable,
)
from routing.rules.condition import (
    tests as comparisons,
)
from routing.rules.reference import meaning
from routing.rules.rule import Interval

SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("chest_pain", "boolean"),
        Subject("pregnant", "boolean"),
        Subject("systolic_bp", "number", "mmHg", 0, 300, whole=True),
        Subject("temperature", "number", "degC", 20, 45),
        Subject("age_years", "number", "year", 0, 120),
        Subject("news2", "number", "1", 0, 20, interval=True),
        Subject("news2.highest_item", "number", "1", 0, 3, interval=True),
        Subject("avpu", "choice", choices=("A", "C", "V", "P", "U")),
        Subject("course", "choice", choices=("24h", "week", "longer")),
        Subject("onset_at", "time"),
        Subject("condition.stemi", "condition"),
        Subject("urgency", "urgency"),
    )
}
NAMES = Names(SUBJECTS, {"cardiac_age": Parameter(40, "year"), "fever": Parameter(38.5, "degC")})


def read(source: Any) -> Condition:
    return read_condition(source, NAMES)


def refused(source: Any) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        read(source)
    return caught.value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("chest_pain", Test("chest_pain", "true")),
        ("not pregnant", Test("pregnant", "false")),
        ("  not   pregnant ", Test("pregnant", "false")),
        ("systolic_bp < 90", Test("systolic_bp", "<", 90)),
        ("systolic_bp<=90", Test("systolic_bp", "<=", 90)),
        ("systolic_bp > 90 mmHg", Test("systolic_bp", ">", 90)),
        ("systolic_bp >= 90mmHg", Test("systolic_bp", ">=", 90)),
        ("systolic_bp = 90", Test("systolic_bp", "=", 90)),
        ("systolic_bp != 90", Test("systolic_bp", "!=", 90)),
        ("temperature >= 38.5", Test("temperature", ">=", 38.5)),
        ("temperature >= $fever", Test("temperature", ">=", 38.5)),
        ("age_years >= $cardiac_age", Test("age_years", ">=", 40)),
        ("news2 >= 7", Test("news2", ">=", 7)),
        ("news2.highest_item >= 3", Test("news2.highest_item", ">=", 3)),
        ("avpu = P", Test("avpu", "in", ("P",))),
        ("avpu != A", Test("avpu", "not in", ("A",))),
        ("avpu in [V, P, U]", Test("avpu", "in", ("P", "U", "V"))),
        ("avpu not in [A,C]", Test("avpu", "not in", ("A", "C"))),
        ("course = 24h", Test("course", "in", ("24h",))),
        ("course in [24h, week]", Test("course", "in", ("24h", "week"))),
        ("onset_at is known", Test("onset_at", "known")),
        ("onset_at is unknown", Test("onset_at", "unknown")),
        ("systolic_bp is unknown", Test("systolic_bp", "unknown")),
        ("condition.stemi", Test("condition.stemi", "true")),
        ("not condition.stemi", Test("condition.stemi", "false")),
        ("urgency at least U2", Test("urgency", "at least", 2)),
        ("not urgency at least U2", Test("urgency", "below", 2)),
        ("always", ALWAYS),
        ({"all": ["chest_pain", "not pregnant"]}, All((Test("chest_pain", "true"), Test("pregnant", "false")))),
        ({"any": ("chest_pain",)}, AnyOf((Test("chest_pain", "true"),))),
        ({"not": {"any": ["chest_pain"]}}, Not(AnyOf((Test("chest_pain", "true"),)))),
    ],
)
def test_every_way_to_write_a_condition_is_read_as_meant(written: Any, meant: Condition) -> None:
    assert read(written) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # a name that is not there
        ("sytolic_bp < 90", "did you mean `systolic_bp`?"),
        ("chestpain", "did you mean `chest_pain`?"),
        ("nonsense_word", "there is no fact, score or conclusion `nonsense_word`"),
        ("condition.stmi", "did you mean `condition.stemi`"),
        ("age_years >= $cardiac_agee", "there is no parameter `$cardiac_agee`; did you mean `cardiac_age`?"),
        # numbers
        ("systolic_bp < 90 mmhg", "the unit is `mmhg`, but `systolic_bp` is in `mmHg`"),
        ("systolic_bp < 1e3", "the unit is `e3`"),
        ("age_years >= $fever", "the unit is `degC`, but `age_years` is in `year`"),
        ("systolic_bp < 90.5", "whole number"),
        ("systolic_bp < low", "`low` is not a number"),
        ("systolic_bp", "is a number: compare it with something"),
        ("systolic_bp in [90]", "is a number, not a choice"),
        ("chest_pain = 1", "is a boolean, not a number"),
        ("chest_pain = true", "is a boolean, not a number"),
        ("chest_pain in [true]", "is a boolean, not a choice"),
        ("onset_at < 90", "is a time, not a number"),
        ("condition.stemi = 1", "is a condition, not a number"),
        ("urgency >= 2", "is a urgency, not a number"),
        ("news2 = 7", "use `<`, `<=`, `>` or `>=`"),
        ("news2 != 7", "use `<`, `<=`, `>` or `>=`"),
        ("news2 is known", "compare it with a number"),
        # comparisons that decide nothing
        ("systolic_bp < 0", "can never be true: `systolic_bp` lies between 0 and 300 mmHg"),
        ("systolic_bp > 300", "can never be true"),
        ("systolic_bp = 301", "can never be true"),
        ("systolic_bp <= -1", "can never be true"),
        ("systolic_bp >= 0", "is always true"),
        ("systolic_bp <= 300", "is always true"),
        ("systolic_bp != 301", "is always true"),
        ("news2 >= 21", "can never be true"),
        ("news2 < 21", "is always true"),
        # choices
        ("avpu = X", "`X` is not a value of `avpu`; allowed: A, C, V, P, U"),
        ("avpu in [A, a]", "`a` is not a value of `avpu`"),
        ("avpu in []", "is not a value of `avpu`"),
        ("avpu in [A, A]", "a value stands twice"),
        ("avpu in [A, C, V, P, U]", "ask `is known` instead"),
        ("avpu > A", "is a choice: use `=`, `!=` or `in [...]`"),
        ("avpu", "is a choice: compare it with something"),
        ("course = 24 h", "is not a value of `course`"),
        ("avpu = $fever", "compare it with one of its values"),
        # conclusions
        ("condition.stemi is known", "only a fact can be known or unknown"),
        ("urgency is unknown", "only a fact can be known or unknown"),
        ("urgency", "compare it with something"),
        ("urgency at least U9", "an urgency is one of U0, U1, U2, U3, U4, U5"),
        # what is no comparison at all
        ("", "cannot be read; write for example"),
        ("systolic_bp <", "cannot be read"),
        ("90 > systolic_bp", "cannot be read"),
        ("50 < systolic_bp < 90", "cannot be read"),
        ("chest_pain and pregnant", "cannot be read"),
        ("not systolic_bp < 90", "cannot be read"),
        ("systolic_bp == 90", "cannot be read"),
        ("chest_pain is true", "cannot be read"),
        ("Chest_pain", "cannot be read"),
    ],
)
def test_a_comparison_that_is_wrong_is_refused_with_what_would_be_right(written: str, said: str) -> None:
    error = refused(written)
    assert error.message.startswith(f"`{written}`: ")
    assert said in error.message


@pytest.mark.parametrize(
    "written",
    [
        None, True, 5, [], ["chest_pain"], {}, {"all": []}, {"any": []}, {"all": "chest_pain"}, {"any": {}},
        {"none": ["chest_pain"]}, {"all": ["chest_pain"], "any": ["pregnant"]}, {"not": None}, {"not": ["chest_pain"]},
    ],
)  # fmt: skip
def test_a_tree_that_is_wrong_is_refused_with_what_would_be_right(written: Any) -> None:
    assert "`any: [...]` (not empty)" in refused(written).message


def test_a_refusal_leads_to_the_part_that_is_wrong() -> None:
    tree = {"all": ["chest_pain", {"not": {"any": ["pregnant", "sbp < 90"]}}]}
    assert refused(tree).location == ("all", 1, "not", "any", 1)


def test_an_urgency_that_everybody_has_is_refused() -> None:
    assert "always true" in refused("urgency at least U5").message


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "=", "!="])
def test_a_comparison_is_refused_exactly_where_it_decides_nothing(op: str) -> None:
    subject = Subject("n", "number", "1", 2, 6, whole=True)
    names = Names({"n": subject}, {})
    for limit in range(9):
        outcomes = {compare(Test("n", op, limit), value) for value in range(2, 7)}  # type: ignore[arg-type]
        try:
            read_condition(f"n {op} {limit}", names)
        except ConditionError as error:
            assert len(outcomes) == 1, error.message
            assert ("never" in error.message) is (outcomes == {False})
        else:
            assert len(outcomes) == 2, f"n {op} {limit}"


@pytest.mark.parametrize(
    "written",
    [
        "chest_pain", "not pregnant", "systolic_bp < 90", "temperature >= 38.5", "avpu in [P, V]", "avpu not in [A]",
        "always", "onset_at is unknown", "onset_at is known", "condition.stemi", "not condition.stemi",
        "urgency at least U2", "not urgency at least U2", "news2.highest_item >= 3",
        {"all": ["chest_pain", {"not": {"any": ["pregnant", "systolic_bp < 90"]}}, "always"]},
    ],
)  # fmt: skip
def test_a_condition_can_be_written_down_again(written: Any) -> None:
    assert in_words(read(written)) == written
    assert read(in_words(read(written))) == read(written)


def test_negation_is_pushed_into_the_comparisons() -> None:
    tree = read({"not": {"all": ["systolic_bp < 90", {"any": ["not pregnant", "onset_at is known"]}]}})
    assert in_words(negation_normal(tree)) == {
        "any": ["systolic_bp >= 90", {"all": ["pregnant", "onset_at is unknown"]}]
    }


def test_the_normal_form_leaves_out_what_adds_nothing() -> None:
    tree = read({"any": ["chest_pain", {"all": ["chest_pain", "pregnant"]}, {"all": ["chest_pain", "chest_pain"]}]})
    assert normal_form(tree) == ((Test("chest_pain", "true"),),)
    assert normal_form(ALWAYS) == ((),)
    assert normal_form(Not(ALWAYS)) == ()


def test_a_condition_with_too_many_alternatives_is_refused_before_it_eats_the_machine() -> None:
    pairs = [{"any": [f"systolic_bp = {2 * n}", f"systolic_bp = {2 * n + 1}"]} for n in range(60)]
    with pytest.raises(ConditionError, match=rf"more than {CLAUSES_MOST} alternatives; split the rule in two"):
        normal_form(read({"all": pairs}))
    with pytest.raises(ConditionError, match="split the rule in two"):
        normal_form(read({"not": {"any": [{"all": list(pair["any"])} for pair in pairs]}}))


def test_a_condition_with_just_as_many_alternatives_as_allowed_is_read() -> None:
    pairs = [{"any": [f"systolic_bp = {2 * n}", f"systolic_bp = {2 * n + 1}"]} for n in range(8)]
    assert len(normal_form(read({"all": pairs}))) == CLAUSES_MOST == 256


def clause(*written: str) -> tuple[Test, ...]:
    return tuple(test for each in written for test in comparisons(read(each)))


@pytest.mark.parametrize(
    "written",
    [
        ("systolic_bp < 5", "systolic_bp > 10"),
        ("systolic_bp < 5", "systolic_bp >= 5"),
        ("systolic_bp > 5", "systolic_bp < 6"),  # whole numbers
        ("systolic_bp = 5", "systolic_bp != 5"),
        ("systolic_bp = 5", "systolic_bp = 6"),
        ("temperature > 38", "temperature < 38"),
        ("news2 < 3", "news2 > 5"),
        ("news2 < 3", "news2 >= 3"),
        ("chest_pain", "not chest_pain"),
        ("condition.stemi", "not condition.stemi"),
        ("avpu = A", "avpu = P"),
        ("avpu in [A, C]", "avpu not in [A, C]"),
        ("onset_at is known", "onset_at is unknown"),
        ("systolic_bp is unknown", "systolic_bp < 90"),
        ("chest_pain is unknown", "chest_pain"),
        ("urgency at least U2", "not urgency at least U3"),
        ("not urgency at least U4", "urgency at least U4"),
        ("chest_pain", "systolic_bp < 5", "systolic_bp > 10"),
    ],
)
def test_a_contradiction_is_seen(written: tuple[str, ...]) -> None:
    assert not satisfiable(clause(*written), SUBJECTS)


@pytest.mark.parametrize(
    "written",
    [
        (),
        ("systolic_bp > 5", "systolic_bp < 7"),
        ("systolic_bp >= 5", "systolic_bp <= 5"),
        ("temperature > 38", "temperature < 38.1"),
        ("systolic_bp != 5", "systolic_bp != 6"),
        ("news2 >= 3", "news2 < 5"),
        ("avpu in [A, C]", "avpu not in [A]"),
        ("systolic_bp is known", "systolic_bp < 90"),
        ("urgency at least U3", "not urgency at least U2"),
        ("chest_pain", "not pregnant", "condition.stemi", "onset_at is unknown"),
    ],
)
def test_what_can_be_together_is_no_contradiction(written: tuple[str, ...]) -> None:
    assert satisfiable(clause(*written), SUBJECTS)


def test_contradictions_between_whole_numbers_are_seen_exactly() -> None:
    subjects = {"n": Subject("n", "number", "1", 0, 4, whole=True)}
    single = [Test("n", op, limit) for op in ("<", "<=", ">", ">=", "=", "!=") for limit in range(-1, 6)]  # type: ignore[arg-type]
    for pair in itertools.product(single, single):
        possible = any(all(compare(test, value) for test in pair) for value in range(5))
        assert satisfiable(pair, subjects) is possible, pair


def test_contradictions_over_a_score_are_seen_exactly() -> None:
    subjects = {"s": Subject("s", "number", "1", 0, 3, interval=True)}
    single = [Test("s", op, limit) for op in ("<", "<=", ">", ">=") for limit in range(4)]  # type: ignore[arg-type]
    points = [half / 2 for half in range(-1, 8)]
    ranges = [Interval(low, high) for low in points for high in points if low <= high]
    for several in (*itertools.product(single, repeat=2), *itertools.combinations(single, 3)):
        holds = meaning(All(several))
        possible = any(holds({"s": found}) is True for found in ranges)
        assert satisfiable(several, subjects) is possible, several


def test_asking_for_the_absence_of_a_conclusion_is_seen_through_every_negation() -> None:
    def negative(source: Any) -> list[str]:
        return [test.subject for test in asked_negatively(read(source))]

    assert negative("not condition.stemi") == ["condition.stemi"]
    assert negative({"not": "condition.stemi"}) == ["condition.stemi"]
    assert negative({"not": {"any": ["chest_pain", {"all": ["condition.stemi", "pregnant"]}]}}) == ["condition.stemi"]
    assert negative({"not": "not condition.stemi"}) == []
    assert negative({"not": {"not": "condition.stemi"}}) == []
    assert negative({"not": "urgency at least U2"}) == ["urgency"]
    assert negative({"not": "not urgency at least U2"}) == []
    assert negative("not pregnant") == []
