"""The ways in which a rule can fire: which of them a case took, and what alone still stands between a case and a rule.

Every member of an `any` is a branch, at any depth, after `not` is pushed into the comparisons (`not: {all: [a, b]}` is
`any: [not a, not b]`). A rule without `any` has one branch: itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from routing.rules.condition import AnyOf, Condition, Not, Test, negation_normal
from routing.rules.reference import meaning
from routing.rules.rule import Facts


@dataclass(frozen=True, slots=True)
class Branch:
    """One way for a rule to fire; `within` is the position of the branch that it is a part of, if it is."""

    condition: Condition
    within: int | None


Taken = Callable[[Facts], frozenset[int]]
"""Facts of a case in which the rule fired -> the positions of the branches that were taken."""

Lacking = Callable[[Facts], frozenset[Test] | None]
"""Facts -> the comparisons of which each alone would make the condition true; None where it is true already."""


def branches(when: Condition) -> tuple[Branch, ...]:
    """The branches of a rule in reading order; a branch stands before those within it."""
    found: list[Branch] = []
    normal = negation_normal(when)
    _collect(normal, None, found)
    return tuple(found) or (Branch(normal, None),)


def _collect(condition: Condition, within: int | None, found: list[Branch]) -> None:
    if isinstance(condition, Test | Not):
        return
    for part in condition.parts:
        here = within
        if isinstance(condition, AnyOf) and not isinstance(part, AnyOf):  # an `any` in an `any` is one list
            here = len(found)
            found.append(Branch(part, within))
        _collect(part, here, found)


def taken(ways: tuple[Branch, ...]) -> Taken:
    """A function that says which of the branches `ways` of a rule were true, with all that they are a part of."""
    meanings = [(meaning(way.condition), way.within) for way in ways]

    def positions(facts: Facts) -> frozenset[int]:
        found: set[int] = set()
        for position, (holds, within) in enumerate(meanings):
            if (within is None or within in found) and holds(facts) is True:
                found.add(position)
        return frozenset(found)

    return positions


def lacking(when: Condition) -> Lacking:
    """A function that says which comparisons alone keep `when` from being true."""
    return _lacking(negation_normal(when))


def _lacking(condition: Condition) -> Lacking:
    if isinstance(condition, Test):
        holds, alone = meaning(condition), frozenset({condition})
        return lambda facts: None if holds(facts) is True else alone
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    parts = [_lacking(part) for part in condition.parts]
    return _of_any(parts) if isinstance(condition, AnyOf) else _of_all(parts)


def _of_any(parts: list[Lacking]) -> Lacking:
    def of_any(facts: Facts) -> frozenset[Test] | None:
        found: frozenset[Test] = frozenset()
        for part in parts:
            if (one := part(facts)) is None:
                return None
            found |= one
        return found

    return of_any


def _of_all(parts: list[Lacking]) -> Lacking:
    def of_all(facts: Facts) -> frozenset[Test] | None:
        found: frozenset[Test] | None = None
        for one in _not_held(parts, facts):
            found = one if found is None else found & one  # one comparison may stand in two parts
            if not found:
                return found
        return found

    return of_all


def _not_held(parts: list[Lacking], facts: Facts) -> Iterator[frozenset[Test]]:
    for part in parts:
        if (one := part(facts)) is not None:
            yield one
