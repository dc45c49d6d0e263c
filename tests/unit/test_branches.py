"""The ways in which a rule can fire are counted as an author would: every member of an `any`, at any depth."""

from __future__ import annotations

from routing.rules.branches import branches, lacking, taken
from routing.rules.condition import ALWAYS, All, AnyOf, Condition, Not, Test
from routing.rules.rule import Facts, Interval

A, B, C, D = (Test(name, "true") for name in "abcd")
LOW = Test("pressure", "<", 90)


def ways(condition: Condition) -> list[Condition]:
    return [way.condition for way in branches(condition)]


def went(condition: Condition, facts: Facts) -> list[Condition]:
    found = branches(condition)
    return [found[position].condition for position in sorted(taken(found)(facts))]


def test_a_rule_without_any_has_one_branch_itself() -> None:
    assert ways(All((A, B))) == [All((A, B))]
    assert ways(A) == [A]
    assert ways(ALWAYS) == [ALWAYS]


def test_every_member_of_an_any_is_a_branch_at_any_depth() -> None:
    inner = All((B, AnyOf((C, D))))
    assert ways(All((A, AnyOf((A, inner))))) == [A, inner, C, D]


def test_an_any_in_an_any_is_one_list() -> None:
    assert ways(AnyOf((A, AnyOf((B, C))))) == [A, B, C]


def test_a_denied_all_has_branches_too() -> None:
    assert ways(Not(All((A, B)))) == [Test("a", "false"), Test("b", "false")]


def test_a_branch_is_taken_only_if_all_that_it_is_a_part_of_holds() -> None:
    inner = All((B, AnyOf((C, D))))
    when = AnyOf((A, inner))
    assert went(when, {"a": True, "c": True}) == [A]
    assert went(when, {"b": True, "d": True}) == [inner, D]
    assert went(when, {}) == []


def test_a_member_that_stands_in_two_lists_is_two_branches() -> None:
    when = All((AnyOf((A, B)), AnyOf((A, C))))
    assert ways(when) == [A, B, A, C]
    assert went(when, {"a": True}) == [A, A]


def test_what_alone_is_lacking() -> None:
    assert lacking(All((A, LOW)))({"a": True, "pressure": 90}) == {LOW}
    assert lacking(All((A, LOW)))({"pressure": 90}) == frozenset()
    assert lacking(All((A, AnyOf((B, LOW)))))({"a": True}) == {B, LOW}
    assert lacking(AnyOf((A, All((B, C)))))({"b": True}) == {A, C}
    assert lacking(All((A, LOW)))({"a": True, "pressure": 89}) is None
    assert lacking(ALWAYS)({}) is None


def test_a_comparison_that_stands_twice_is_lacking_once() -> None:
    assert lacking(All((A, AnyOf((A, B)))))({}) == {A}


def test_a_number_within_limits_is_lacking_until_it_is_sure() -> None:
    assert lacking(LOW)({"pressure": Interval(80, 100)}) == {LOW}
    assert lacking(LOW)({"pressure": Interval(80, 85)}) is None
