"""Finds facts under which one condition surely holds and another does not, or shows that there are none.

What a comparison can see of a fact is a handful of values: nothing, each limit that is asked, just beside it, and
between two of them. The search tries combinations of those, so where it ends without having found any, two conditions
say the same of every case. Facts are taken to be independent of each other: what is the same under that assumption is
the same of every real case, which can hold fewer combinations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from routing.rules.condition import AnyOf, Condition, Not, Subject, Test, negation_normal, tests
from routing.rules.reference import meaning
from routing.rules.rule import FactValue, Interval

STEPS_MOST = 20_000
"""So many steps a search may take before it says that it does not know."""

Value = FactValue | None
"""What may be seen of a subject; None is nothing."""

Goal = tuple[Condition, bool]
"""A condition without `not`, and whether it must surely hold or must not."""

StepOf = Callable[[str], float]
"""Subject -> the step in which it is counted."""


@dataclass(frozen=True, slots=True)
class Search:
    """What came of a search: facts (subject -> value) that meet all goals, or None. `complete` says whether all was
    tried, so that None means that there are no such facts."""

    facts: Mapping[str, FactValue] | None
    complete: bool


def tell_apart(holds: Condition, fails: Condition, subjects: Mapping[str, Subject], step_of: StepOf) -> Search:
    """Facts under which `holds` surely holds and `fails` does not."""
    return search(((holds, True), (fails, False)), subjects, step_of)


def search(goals: Iterable[Goal], subjects: Mapping[str, Subject], step_of: StepOf) -> Search:
    """Facts that meet all `goals`; what does not matter is left out of them."""
    wanted = tuple((negation_normal(condition), wants) for condition, wants in goals)
    asked: dict[str, list[Test]] = {}
    for test in (test for condition, _ in wanted for test in tests(condition)):
        asked.setdefault(test.subject, []).append(test)
    domains = {name: tuple(values_of(subjects[name], found, step_of(name))) for name, found in asked.items()}
    trying = _Trying()
    found = trying.solve(wanted, domains)
    if found is None:
        return Search(None, trying.steps <= STEPS_MOST)
    facts = {name: value for name, (value, *_) in found.items() if value is not None}
    return Search(facts, complete=True)


_Domains = Mapping[str, tuple[Value, ...]]


class _Trying:
    """One search, which counts its steps."""

    def __init__(self) -> None:
        self.steps = 0
        self._met: dict[tuple[Test, Value], bool] = {}

    def solve(self, goals: Sequence[Goal], domains: _Domains) -> _Domains | None:
        """What is left of `domains` where all `goals` are met; None if nothing is, or after too many steps."""
        self.steps += 1
        if self.steps > STEPS_MOST:
            return None
        left: dict[str, tuple[Value, ...]] = dict(domains)
        open_goals: list[Goal] = []
        waiting = list(reversed(goals))
        while waiting:
            condition, wants = waiting.pop()
            if isinstance(condition, Test):
                kept = tuple(value for value in left[condition.subject] if self._is(condition, value) is wants)
                if not kept:
                    return None
                left[condition.subject] = kept
                continue
            assert not isinstance(condition, Not), "negations were pushed into the comparisons"
            if isinstance(condition, AnyOf) is wants and len(condition.parts) != 1:
                open_goals.append((condition, wants))
            else:
                waiting += [(part, wants) for part in reversed(condition.parts)]
        if not open_goals:
            return left
        return self._branch(open_goals, left)

    def _branch(self, open_goals: list[Goal], left: _Domains) -> _Domains | None:
        """One of the parts of the first open goal must do, the simplest first."""
        (condition, wants), *others = sorted(open_goals, key=lambda goal: len(_parts(goal[0])))
        for part in sorted(_parts(condition), key=_size):
            if (found := self.solve([(part, wants), *others], left)) is not None:
                return found
            if self.steps > STEPS_MOST:
                return None
        return None

    def _is(self, test: Test, value: Value) -> bool:
        key = (test, value)
        if key not in self._met:
            self._met[key] = meaning(test)({} if value is None else {test.subject: value}) is True
        return self._met[key]


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return () if isinstance(condition, Test | Not) else condition.parts


def _size(condition: Condition) -> int:
    return sum(1 for _ in tests(condition))


def values_of(subject: Subject, asked: Sequence[Test], step: float) -> Iterator[Value]:
    """What comparisons can see of `subject`: one value of every kind, those that one would write down first."""
    if subject.kind == "urgency":
        yield from reversed(range(6))
    elif subject.kind == "condition":
        yield from (False, True)
    elif subject.kind == "boolean":
        yield from (None, True, False)
    elif subject.kind == "time":
        yield from (None, "2026-11-18T14:00:00+01:00")
    elif subject.kind == "choice":
        yield None
        named = dict.fromkeys(word for test in asked if isinstance(test.value, tuple) for word in test.value)
        yield from (*named, *(word for word in subject.choices if word not in named))
    else:
        yield from _numbers(subject, asked, step)


def _numbers(subject: Subject, asked: Sequence[Test], step: float) -> Iterator[Value]:
    limits = sorted({float(test.value) for test in asked if isinstance(test.value, int | float)})
    low = subject.low if subject.low is not None else min(limits, default=0.0) - 1
    high = subject.high if subject.high is not None else max(limits, default=0.0) + 1
    beside = (tidy(limit + sign * step) for limit in limits for sign in (-1, 1))
    written = dict.fromkeys(point for point in (*limits, *beside, low, high) if low <= point <= high)
    between = [] if subject.whole else [(one + other) / 2 for one, other in itertools.pairwise(sorted(written))]
    found = [tidy(point) for point in dict.fromkeys((*written, *between))]
    yield None
    yield from found
    if subject.interval:
        yield from itertools.starmap(Interval, itertools.combinations(sorted(found), 2))


def tidy(value: float) -> float:
    """`value` without what counting in binary adds to it; a whole number as one.

    >>> tidy(38.1 - 0.1)
    38
    """
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded
