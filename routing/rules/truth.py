"""Why a rule fires or does not: its condition part by part, each true, false or unknown of what is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from routing.rules.condition import AnyOf, Condition, Not, Test, negation_normal
from routing.rules.reading import sentence
from routing.rules.reference import Truth, meaning
from routing.rules.rule import Facts, FactValue
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Text

ALL = Text(nl="dit samen:", en="these together:")
ANY = Text(nl="een van:", en="one of:")


@dataclass(frozen=True, slots=True)
class Line:
    """One part of a condition: how deep it lies, what it asks, whether that is true (None: unknown), and of a question
    about one `subject` the value that was seen (None: none was)."""

    depth: int
    text: Text
    truth: Truth
    subject: str | None = None
    seen: FactValue | None = None


def outline_of_truth(condition: Condition, ruleset: Ruleset, facts: Facts) -> tuple[Line, ...]:
    """`condition` as lines, the whole first, with what each part comes to by these `facts`."""
    return tuple(_lines(negation_normal(condition), ruleset, facts, 0))


def _lines(condition: Condition, ruleset: Ruleset, facts: Facts, depth: int) -> Iterator[Line]:
    truth = meaning(condition)(facts)
    if isinstance(condition, Test):
        name = condition.subject
        yield Line(depth, sentence(condition, ruleset), truth, name, facts.get(name))
        return
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    if not condition.parts:
        yield Line(depth, sentence(condition, ruleset), truth)
        return
    yield Line(depth, ANY if isinstance(condition, AnyOf) else ALL, truth)
    for part in condition.parts:
        yield from _lines(part, ruleset, facts, depth + 1)
