"""Small changes to a rule: a limit moved a step, a comparison turned round, a choice left out, an urgency one off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from routing.rules.condition import (
    OPPOSITE,
    All,
    AnyOf,
    Condition,
    ConditionError,
    Names,
    Not,
    Op,
    Test,
    in_words,
    read_condition,
)
from routing.rules.reading import as_written
from routing.rules.rule import Rule
from routing.rules.scores import Derived, Score
from routing.rules.telling_apart import tidy
from routing.vocabulary import URGENCIES
from routing.yamlfile import Location

Kind = Literal["threshold", "operator", "connective", "negated", "choice", "dropped", "urgency", "number"]
KINDS: Mapping[Kind, str] = {
    "threshold": "limits in rules, moved by one step to either side",
    "operator": "comparisons with a limit: with or without the limit itself, or the other way round",
    "connective": "`all` turned into `any`, or `any` into `all`",
    "negated": "what is not a number, asked the other way round",
    "choice": "one value left out of a list",
    "dropped": "one comparison that is not about a number left out",
    "urgency": "the urgency that a rule concludes, one level up or down",
    "number": "named thresholds, limits and points of scores, numbers in formulas",
}
"""What is changed, in the order in which it is counted."""

STRICTNESS: Mapping[Op, Op] = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}

StepOf = Callable[[str], float]
Path = tuple[int, ...]
"""Leads to a part of a condition: the position among the parts, level after level (below `not` always 0)."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change. `file` and `location` are where it is made, `was` and `now` what stands there in words.

    What it changes: `rules` (id -> the rule as it then is), and of numbers a score or a derived number.
    """

    kind: Kind
    of: str
    file: str
    location: Location
    was: str
    now: str
    rules: Mapping[str, Rule] = field(default_factory=dict, repr=False)
    score: Score | None = field(default=None, repr=False)
    derived: Derived | None = field(default=None, repr=False)


def mutants_of(rule: Rule, place: Location, names: Names, step_of: StepOf) -> Iterator[Mutant | None]:
    """Every small change of `rule`, which stands at `place` of its file; None for each that cannot be written: it is
    refused when the rules are read, as a comparison that never or always holds is."""
    for path, part in _parts(rule.when, ()):
        for kind, changed in _changes(part, step_of):
            yield _changed(rule, (kind, path, part, changed), place, names)
    for path, part in _parts(rule.when, ()):
        if (
            not path
            or not isinstance(part, Test)
            or (isinstance(part.value, int | float) and part.subject != "urgency")
        ):
            continue
        around = part_at(rule.when, path[:-1])
        if isinstance(around, All | AnyOf) and len(around.parts) > 1:
            left = replace(around, parts=(*around.parts[: path[-1]], *around.parts[path[-1] + 1 :]))
            found = _changed(rule, ("dropped", path[:-1], around, left), place, names)
            yield (
                None
                if found is None
                else replace(
                    found,
                    location=(*place, "when", *_location(rule.when, path)),
                    was=as_written(part),
                    now="(left out)",
                )
            )
    for rank in (rule.urgency - 1, rule.urgency + 1) if rule.urgency is not None else ():
        if 0 <= rank < len(URGENCIES):
            was, now = (f"urgency: {URGENCIES[each]}" for each in (rule.urgency or 0, rank))
            other = {rule.id: replace(rule, urgency=rank)}
            yield Mutant("urgency", rule.id, rule.file, (*place, "then", "urgency"), was, now, other)


def _parts(condition: Condition, here: Path) -> Iterator[tuple[Path, Condition]]:
    yield here, condition
    inner = () if isinstance(condition, Test) else (condition.part,) if isinstance(condition, Not) else condition.parts
    for index, part in enumerate(inner):
        yield from _parts(part, (*here, index))


def part_at(condition: Condition, path: Path) -> Condition:
    """The part of `condition` that `path` leads to."""
    for index in path:
        assert not isinstance(condition, Test), "nothing lies below a comparison"
        condition = condition.part if isinstance(condition, Not) else condition.parts[index]
    return condition


def _with(condition: Condition, path: Path, part: Condition) -> Condition:
    """`condition` with `part` where `path` leads to."""
    if not path:
        return part
    assert not isinstance(condition, Test), "nothing lies below a comparison"
    if isinstance(condition, Not):
        return Not(_with(condition.part, path[1:], part))
    changed = _with(condition.parts[path[0]], path[1:], part)
    return replace(condition, parts=(*condition.parts[: path[0]], changed, *condition.parts[path[0] + 1 :]))


def _location(condition: Condition, path: Path) -> Location:
    """Where in the YAML of a `when` the part stands that `path` leads to."""
    found: list[str | int] = []
    for index in path:
        assert not isinstance(condition, Test), "nothing lies below a comparison"
        if isinstance(condition, Not):
            found.append("not")
            condition = condition.part
        else:
            found += ["all" if isinstance(condition, All) else "any", index]
            condition = condition.parts[index]
    return tuple(found)


def _changes(part: Condition, step_of: StepOf) -> Iterator[tuple[Kind, Condition]]:
    """The changes of one part alone, other than leaving it out."""
    if isinstance(part, All | AnyOf):
        if len(part.parts) > 1:
            yield "connective", (AnyOf if isinstance(part, All) else All)(part.parts)
        return
    if not isinstance(part, Test):
        return
    if isinstance(part.value, int | float) and part.subject != "urgency":
        step = step_of(part.subject)
        yield from (("threshold", replace(part, value=tidy(part.value + sign * step))) for sign in (-1, 1))
        if part.op in STRICTNESS:
            yield "operator", replace(part, op=STRICTNESS[part.op])
        yield "operator", replace(part, op=OPPOSITE[part.op])
        return
    yield "negated", replace(part, op=OPPOSITE[part.op])
    if isinstance(part.value, int):
        yield from (("threshold", replace(part, value=part.value + sign)) for sign in (-1, 1))
    if isinstance(part.value, tuple) and len(part.value) > 1:
        for word in part.value:
            yield "choice", replace(part, value=tuple(each for each in part.value if each != word))


def _changed(
    rule: Rule, change: tuple[Kind, Path, Condition, Condition], place: Location, names: Names
) -> Mutant | None:
    kind, path, part, other = change
    when = _with(rule.when, path, other)
    if not _can_be_written(rule, other, names):
        return None
    where = (*place, "when", *_location(rule.when, path))
    was, now = (_words(each) for each in (part, other))
    return Mutant(kind, rule.id, rule.file, where, was, now, {rule.id: replace(rule, when=when)})


def _can_be_written(rule: Rule, part: Condition, names: Names) -> bool:
    """Whether the rule would be read with `part` in it."""
    if isinstance(part, Test):
        if part.subject == "urgency" and not 0 <= _rank(part) < len(URGENCIES):
            return False
        if rule.stage == "triage" and part.subject.startswith("condition.") and part.op == "false":
            return False
        try:
            read_condition(in_words(part), names)
        except ConditionError:
            return False
    return True


def _rank(test: Test) -> int:
    assert isinstance(test.value, int), "an urgency is asked by its rank"
    return test.value


_LONG = 160


def _words(part: Condition) -> str:
    """What stands there on one line; of a long list its beginning."""
    if isinstance(part, Test):
        return as_written(part)
    word = "all" if isinstance(part, All) else "any"
    text = f"{word}: {as_written(part)}" if isinstance(part, All | AnyOf) else as_written(part)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
