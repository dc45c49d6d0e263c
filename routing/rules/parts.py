"""Cuts conditions into parts for the rule engine, which gets alternatives only: what would multiply out is asked apart.

A rule that asks for one of ten findings together with one of twelve others has 120 alternatives. Asked apart, one of
the ten is a part and one of the twelve another, and the rule asks for both parts: 23 alternatives. A part means what
stood in its place: it is concluded where that surely holds, and asked only whether it was. Rules that have the same
part share it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from routing.rules.condition import All, AnyOf, Condition, Test, negation_normal, tests
from routing.rules.rule import Rule, Stage, strata

FEW = 4
"""So many alternatives of one `all` may stand as they are."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A condition without `not`: that of a rule, or a part of one. `name` is the rule, or the subject by which the part
    is asked; `rule` the rule, or the first that asks for the part."""

    name: str
    rule: str
    stage: Stage
    when: Condition


@dataclass(frozen=True, slots=True)
class Step:
    """Rules, or parts of rules, that can be evaluated together once all earlier steps were."""

    pieces: tuple[Piece, ...]
    of_parts: bool

    @property
    def stage(self) -> Stage:
        """That of all its pieces."""
        return self.pieces[0].stage


def steps(rules: Sequence[Rule]) -> Iterator[Step]:
    """`rules` in the order in which they can be evaluated, each after its parts. Parts that ask nothing but facts come
    first, all others directly before the rules that ask for them. Raises RuleCycle."""
    whole = {rule.id: negation_normal(rule.when) for rule in rules}
    often = Counter(found for when in whole.values() for found in _anys(when))
    of_facts: dict[AnyOf, Piece] = {}
    names = (f"part.{number}" for number in itertools.count())
    later = []
    for layer in strata(rules):
        of_layer: dict[AnyOf, Piece] = {}
        pieces = []
        for rule in layer:
            ask = partial(_ask, rule, of_facts, of_layer, names)
            pieces.append(Piece(rule.id, rule.id, rule.stage, _cut(whole[rule.id], ask, often)))
        later += [Step(tuple(of_layer.values()), of_parts=True), Step(tuple(pieces), of_parts=False)]
    return (step for step in (Step(tuple(of_facts.values()), of_parts=True), *later) if step.pieces)


def _anys(condition: Condition) -> Iterator[AnyOf]:
    """Every `any` in an `all` of `condition`."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            if isinstance(condition, All) and isinstance(part, AnyOf):
                yield part
            yield from _anys(part)


def _cut(condition: Condition, ask: Callable[[AnyOf], Test], often: Mapping[AnyOf, int]) -> Condition:
    """`condition` with what `ask` makes of the parts that are asked apart: those that are asked `often`, and the
    largest until few alternatives are left. Within a part nothing is cut."""
    if isinstance(condition, AnyOf):
        return AnyOf(tuple(_cut(part, ask, often) for part in condition.parts))
    if not isinstance(condition, All):
        return condition
    parts = [
        ask(part) if isinstance(part, AnyOf) and often[part] > 1 and _size(part) > 1 else part
        for part in condition.parts
    ]
    parts = [part if isinstance(part, AnyOf) else _cut(part, ask, often) for part in parts]
    while True:
        sizes = [_size(part) for part in parts]
        anys = [index for index, part in enumerate(parts) if isinstance(part, AnyOf) and sizes[index] > 1]
        if math.prod(sizes) <= FEW or not anys or sum(size > 1 for size in sizes) < 2:
            return All(tuple(parts))
        largest = max(anys, key=sizes.__getitem__)
        parts[largest] = ask(cast(AnyOf, parts[largest]))


def _size(condition: Condition) -> int:
    """How many alternatives `condition` has when it is multiplied out."""
    if isinstance(condition, AnyOf):
        return sum(map(_size, condition.parts))
    if isinstance(condition, All):
        return math.prod(map(_size, condition.parts))
    return 1


def _ask(
    rule: Rule, of_facts: dict[AnyOf, Piece], of_layer: dict[AnyOf, Piece], names: Iterator[str], part: AnyOf
) -> Test:
    """The test by which `rule` asks whether `part` was concluded; a part that nobody asked for yet is added."""
    known = of_layer if any(map(_of_conclusions, tests(part))) else of_facts
    if (piece := known.get(part)) is None:
        piece = known[part] = Piece(next(names), rule.id, rule.stage, part)
    return Test(piece.name, "true")


def _of_conclusions(test: Test) -> bool:
    return test.subject == "urgency" or test.subject.startswith("condition.")
