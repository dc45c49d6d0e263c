"""What can be wrong with the small parts of a ruleset: conclusions, formulas, rows of scores, braces in texts."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routing.rules.agreements import bypass_problem
from routing.rules.condition import Subject
from routing.rules.rule import INTERVAL_FACTS
from routing.rules.scores import Item
from routing.rules.shapes import ItemEntry, ParametersFile, ThenEntry
from routing.vocabulary import AMBULANCES, URGENCIES, Text, Vocabulary
from routing.yamlfile import Location


def brace_problems(text: Text | None, allowed: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with the braces in a text."""
    for words in (text.nl, text.en) if text is not None else ():
        try:
            used = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(words)]
        except ValueError as error:
            yield f"`{words}`: {error}"
            continue
        for name, spec, conversion in used:
            if name is not None and (name not in allowed or spec or conversion):
                yield f"`{{{name}}}` cannot be filled in here (allowed: {', '.join(allowed) or 'nothing'})"


def conclusion_problems(
    then: ThenEntry, numbers: ParametersFile, vocabulary: Vocabulary
) -> Iterator[tuple[Location, str]]:
    """What is wrong with what a rule concludes, each with its place below `then`."""
    if not (then.urgency or then.condition or then.needs or then.dispatch or then.warning):
        yield (), "the rule concludes nothing"
    if then.urgency is not None and then.urgency not in URGENCIES:
        yield ("urgency",), f"`{then.urgency}` is not an urgency ({', '.join(URGENCIES)})"
    if then.condition is not None and then.condition.code not in vocabulary.conditions:
        yield ("condition",), f"there is no condition `{then.condition.code}` in the vocabulary"
    ambulance = then.dispatch.ambulance if then.dispatch else None
    if ambulance is not None and ambulance not in AMBULANCES:
        yield ("dispatch",), f"`{ambulance}` is not an ambulance urgency ({', '.join(AMBULANCES)})"
    for index, need in enumerate(then.needs):
        here: Location = ("needs", index)
        if need.capability not in vocabulary.capabilities:
            yield here, f"there is no capability `{need.capability}` in the vocabulary"
        if need.within is not None and need.within not in numbers.norms:
            yield here, f"there is no norm `{need.within}` in parameters.yaml"
        if (problem := bypass_problem(need, numbers.parameters)) is not None:
            yield here, problem


def fact_subjects(vocabulary: Vocabulary) -> Iterator[tuple[str, Subject]]:
    """Every fact as something that a comparison can be about."""
    for key, fact in vocabulary.facts.items():
        low, high = fact.range or (None, None)
        yield (
            key,
            Subject(
                name=key,
                kind=fact.type,
                unit=fact.unit,
                low=low,
                high=high,
                whole=fact.whole,
                choices=tuple(vocabulary.choices(key)) if fact.type == "choice" else (),
                interval=key in INTERVAL_FACTS,
            ),
        )


def most_points(items: Iterable[Item]) -> float:
    """The most points that a single item can give."""
    points = [band.points for item in items for band in item.bands]
    return max((*points, *(given for item in items for given in (item.values or {}).values())), default=0)


def item_problem(item: ItemEntry, subject: Subject) -> str | None:
    """What is wrong with a row of a score, or None."""
    if item.only_if is not None and item.unless is not None:
        return "an item has `only_if` or `unless`, not both"
    if (item.values is None) == (not item.bands):
        return "an item has `bands` (for a number) or `values` (for a choice or a yes/no)"
    if item.values is not None:
        expected = {"true", "false"} if subject.kind == "boolean" else set(subject.choices)
        if set(item.values) != expected:
            return f"`values` must give points for exactly {', '.join(sorted(expected))}"
        return None
    if subject.kind != "number":
        return f"`{subject.name}` is a {subject.kind}; `bands` are for numbers"
    if any(band.upto is not None and band.below is not None for band in item.bands):
        return "a band has `upto` or `below`, not both"
    ends = [band.upto if band.upto is not None else band.below for band in item.bands]
    if ends[-1] is not None or None in ends[:-1]:
        return "every band but the last has `upto` or `below`; the last has neither"
    known = [end for end in ends if end is not None]
    return "bands must rise" if known != sorted(set(known)) else None


def formula_problem(formula: Mapping[str, Any], subjects: Mapping[str, Subject]) -> str | None:
    """What is wrong with a formula, or None."""
    if len(formula) != 1:
        return "a formula is one of ratio, sum, lowest, highest, minutes_since, weighted"
    ((kind, body),) = formula.items()
    if kind == "minutes_since":
        subject = subjects.get(body) if isinstance(body, str) else None
        return None if subject is not None and subject.kind == "time" else f"`{body}` is not a time"
    if kind == "weighted":
        of = body.get("of") if isinstance(body, dict) else None
        weights = [*of.values(), body.get("plus", 0)] if isinstance(of, dict) else []
        if not isinstance(of, dict) or not of or not set(body) <= {"of", "plus"} or not all(map(_is_number, weights)):
            return "`weighted` has `of` (at least one fact: weight) and `plus`, all numbers"
        return _first_problem(list(of), subjects)
    if kind not in ("ratio", "sum", "lowest", "highest") or not isinstance(body, list | tuple) or not body:
        return "a formula is one of ratio, sum, lowest, highest, minutes_since, weighted"
    if kind == "ratio" and len(body) != 2:
        return "a ratio is of two facts"
    return _first_problem(body, subjects)


def _first_problem(members: Any, subjects: Mapping[str, Subject]) -> str | None:
    for member in members:
        if isinstance(member, dict):
            if (problem := formula_problem(member, subjects)) is not None:
                return problem
        elif member not in subjects or subjects[member].kind != "number":
            return f"`{member}` is not a number among the facts"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: float) -> float:
    """`value` as a whole number where it is one."""
    return int(value) if value == int(value) else value
