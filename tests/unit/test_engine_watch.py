"""A case that the rule engine never came back from is remembered by all processes, and nothing else is."""

from __future__ import annotations

import pytest

from routing.errors import EngineFault
from routing.rules.engine_watch import LOST_MOST, EngineWatch
from routing.rules.rule import Facts, Interval

CASE: Facts = {"age_years": 40, "chest_pain": True, "news2": Interval(2, 5), "complaint": "chest_pain"}


def died_in_the_engine(watch: EngineWatch, facts: Facts, rules: str = "digest") -> bool:
    """The engine is asked about `facts` and does not come back; whether the process above notes a lost case."""
    asking = watch.asking(rules, facts)
    asking.__enter__()
    return watch.note_lost()


def test_a_case_that_the_engine_died_of_is_not_put_to_it_again_by_any_process() -> None:
    first = EngineWatch().of_another_process()
    assert died_in_the_engine(first, CASE)
    second = first.of_another_process()
    for watch in (first, second):
        with (
            pytest.raises(EngineFault, match="did not come back"),
            watch.asking("digest", dict(reversed(CASE.items()))),
        ):
            raise AssertionError("the engine is not asked")


def test_other_cases_and_other_rules_are_put_to_it() -> None:
    watch = EngineWatch().of_another_process()
    assert died_in_the_engine(watch.of_another_process(), CASE)
    asked = []
    for rules, facts in (("digest", {**CASE, "age_years": 41}), ("another", CASE)):
        with watch.asking(rules, facts):
            asked.append(rules)
    assert asked == ["digest", "another"]


def test_a_process_that_ends_while_the_engine_is_not_asked_loses_no_case() -> None:
    watch = EngineWatch().of_another_process()
    with watch.asking("digest", CASE):
        pass
    with pytest.raises(ZeroDivisionError), watch.asking("digest", CASE):
        raise ZeroDivisionError
    assert not watch.note_lost()


def test_of_very_many_lost_cases_the_newest_are_remembered() -> None:
    watch = EngineWatch()
    for age in range(LOST_MOST + 10):
        assert died_in_the_engine(watch.of_another_process(), {"age_years": age})
    with watch.asking("digest", {"age_years": 9}):
        pass
    for age in (10, LOST_MOST, LOST_MOST + 9):
        with pytest.raises(EngineFault), watch.asking("digest", {"age_years": age}):
            pass
