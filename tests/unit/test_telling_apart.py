"""Two conditions are told apart by facts, or shown to say the same: held against the meaning, on random conditions."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from routing.rules.condition import All, AnyOf, Condition, Not, Subject, Test, negation_normal
from routing.rules.difference_in_meaning import difference
from routing.rules.reference import meaning
from routing.rules.telling_apart import Search, tell_apart

SUBJECTS = {
    "age": Subject("age", "number", "year", 0, 10, whole=True),
    "pain": Subject("pain", "boolean"),
    "level": Subject("level", "choice", choices=("a", "b", "c")),
}
TESTS = st.one_of(
    st.builds(Test, st.just("age"), st.sampled_from(("<", "<=", ">", ">=", "=", "!=")), st.integers(1, 9)),
    st.builds(Test, st.just("pain"), st.sampled_from(("true", "false", "known", "unknown"))),
    st.builds(Test, st.just("level"), st.sampled_from(("in", "not in")), st.sampled_from((("a",), ("a", "b")))),
)


def _joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    lists = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(All, lists), st.builds(AnyOf, lists), st.builds(Not, parts))


CONDITIONS = st.recursive(TESTS, _joined, max_leaves=6)
CASES = [
    {name: value for name, value in zip(SUBJECTS, values, strict=True) if value is not None}
    for values in itertools.product((None, *range(11)), (None, True, False), (None, "a", "b", "c"))
]
"""Every case that there can be."""


def found(holds: Condition, fails: Condition) -> Search:
    return tell_apart(holds, fails, SUBJECTS, lambda _: 1)


@given(CONDITIONS, CONDITIONS)
def test_facts_are_found_exactly_if_some_case_tells_them_apart(one: Condition, other: Condition) -> None:
    holds, fails = meaning(one), meaning(other)
    apart = [case for case in CASES if holds(case) is True and fails(case) is not True]
    search = found(one, other)
    assert search.complete
    assert (search.facts is not None) is bool(apart)
    if search.facts is not None:
        assert holds(search.facts) is True
        assert fails(search.facts) is not True


@given(CONDITIONS, CONDITIONS)
def test_the_region_holds_every_case_that_tells_two_conditions_apart_where_all_is_known(
    one: Condition, other: Condition
) -> None:
    region = meaning(difference(negation_normal(one), negation_normal(other)))
    holds, fails = meaning(one), meaning(other)
    for case in (case for case in CASES if len(case) == len(SUBJECTS)):
        assert (region(case) is True) is (holds(case) is True and fails(case) is not True)
