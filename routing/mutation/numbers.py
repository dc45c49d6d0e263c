"""Small changes to numbers that stand apart from the rules: named thresholds, scores and formulas."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from routing.mutation.mutants import Mutant, StepOf
from routing.rules.condition import ConditionError, Names, Parameter, read_condition
from routing.rules.rule import Rule
from routing.rules.ruleset import Ruleset
from routing.rules.scores import Band, Derived, Formula, Item, Score
from routing.rules.telling_apart import tidy
from routing.rules.usage import written_rules
from routing.yamlfile import Location

NOT_OF_RULES = "is used where a place is chosen, not by the condition of a rule"


def of_parameters(ruleset: Ruleset, step_of: StepOf) -> Iterator[Mutant | None]:
    """Every named threshold a step up and down, in all rules that ask for it at once. Those that no condition of a rule
    names are not changed (see `parameters_of_places`); None for what would be refused."""
    for key, users in _users(ruleset).items():
        parameter = ruleset.parameters[key]
        step = min(step_of(name) for name in _held_against(key, users, ruleset))
        for sign in (-1, 1):
            value = tidy(parameter.value + sign * step)
            rules = _rules_with(key, Parameter(value, parameter.unit), users, ruleset)
            where = ("parameters", key, "value")
            was, now = (f"${key} = {tidy(each):g}" for each in (parameter.value, value))
            made = Mutant("number", key, "parameters.yaml", where, was, now, rules or {})
            yield None if rules is None else made


def parameters_of_places(ruleset: Ruleset) -> tuple[str, ...]:
    """The named thresholds that the condition of no rule names: limits of detours, of stops, of reports."""
    return tuple(key for key in ruleset.parameters if key not in _users(ruleset))


def _users(ruleset: Ruleset) -> Mapping[str, list[str]]:
    """Named threshold -> the rules whose condition names it."""
    found: dict[str, list[str]] = {}
    for name, entry in written_rules(ruleset).items():
        text = json.dumps(entry["when"])
        for key in ruleset.parameters:
            if f"${key}" in text and f"${key}" in _words(entry["when"]):
                found.setdefault(key, []).append(name)
    return found


def _words(when: Any) -> frozenset[str]:
    """All words of a condition as it is written."""
    if isinstance(when, str):
        return frozenset(when.split())
    parts = when.values() if isinstance(when, dict) else when if isinstance(when, list) else ()
    return frozenset(word for part in parts for word in _words(part))


def _held_against(key: str, users: list[str], ruleset: Ruleset) -> Iterator[str]:
    """The subjects that are held against the threshold `key`."""
    written = written_rules(ruleset)
    for user in users:
        yield from _subjects(written[user]["when"], key)


def _subjects(when: Any, key: str) -> Iterator[str]:
    if isinstance(when, str):
        if f"${key}" in (words := when.split()):
            yield words[0]
        return
    for part in when.values() if isinstance(when, dict) else when:
        yield from _subjects(part, key)


def _rules_with(key: str, parameter: Parameter, users: list[str], ruleset: Ruleset) -> Mapping[str, Rule] | None:
    """The rules that ask for the threshold `key` as they would be read; None if one would be refused."""
    names = Names(ruleset.subjects, {**ruleset.parameters, key: parameter})
    written = written_rules(ruleset)
    try:
        whens = {name: read_condition(written[name]["when"], names) for name in users}
    except ConditionError:
        return None
    return {name: replace(ruleset.by_id[name], when=when) for name, when in whens.items()}


def of_score(score: Score, file: str, step_of: StepOf) -> Iterator[Mutant]:
    """Every limit of a row a step up and down and with or without the limit itself, and all points one off."""
    for index, item in enumerate(score.items):
        here: Location = ("items", index)
        for where, was, now, other in (*_bands(item, here, step_of(item.fact)), *_values(item, here)):
            items = (*score.items[:index], other, *score.items[index + 1 :])
            changed = replace(score, items=items)
            yield Mutant("number", score.id, file, where, f"{item.fact}: {was}", f"{item.fact}: {now}", score=changed)


def _bands(item: Item, here: Location, step: float) -> Iterator[tuple[Location, str, str, Item]]:
    for number, band in enumerate(item.bands):
        for other in _bands_beside(band, step):
            bands = (*item.bands[:number], other, *item.bands[number + 1 :])
            if _rises(bands):
                yield (*here, "bands", number), _band(band), _band(other), replace(item, bands=bands)


def _bands_beside(band: Band, step: float) -> Iterator[Band]:
    for sign in (-1, 1):
        if band.upto is not None:
            yield replace(band, upto=tidy(band.upto + sign * step))
        if band.below is not None:
            yield replace(band, below=tidy(band.below + sign * step))
    if band.upto is not None:
        yield replace(band, upto=None, below=band.upto)
    if band.below is not None:
        yield replace(band, below=None, upto=band.below)
    yield from (replace(band, points=band.points + sign) for sign in (-1, 1) if band.points + sign >= 0)


def _rises(bands: tuple[Band, ...]) -> bool:
    """Whether each band begins after the one before it: others are refused."""
    ends = [band.upto if band.upto is not None else band.below for band in bands]
    limits = [end for end in ends if end is not None]
    return all(left < right for left, right in itertools.pairwise(limits))


def _band(band: Band) -> str:
    end = f"up to {band.upto:g}" if band.upto is not None else f"below {band.below:g}" if band.below is not None else ""
    return f"{end or 'above'}: {band.points} points"


def _values(item: Item, here: Location) -> Iterator[tuple[Location, str, str, Item]]:
    for value, given in (item.values or {}).items():
        for sign in (-1, 1):
            if given + sign >= 0:
                other = replace(item, values={**(item.values or {}), value: given + sign})
                yield (*here, "values", value), f"{value}: {given} points", f"{value}: {given + sign} points", other


def of_derived(derived: Derived) -> Iterator[Mutant]:
    """Every number that a formula adds, one off to each side."""
    for where, was, now, formula in _formulas(derived.formula, ("derived", derived.id, "formula")):
        changed = replace(derived, formula=formula)
        yield Mutant("number", derived.id, "derived.yaml", where, was, now, derived=changed)


def _formulas(formula: Formula, here: Location) -> Iterator[tuple[Location, str, str, Formula]]:
    ((kind, body),) = formula.items()
    if kind == "weighted":
        plus = body.get("plus", 0)
        for sign in (-1, 1):
            other = {kind: {**body, "plus": plus + sign}}
            yield (*here, kind), f"plus {plus:g}", f"plus {plus + sign:g}", other
    elif kind != "minutes_since":
        for index, member in enumerate(body):
            for where, was, now, inner in () if isinstance(member, str) else _formulas(member, (*here, kind, index)):
                members = [*body[:index], inner, *body[index + 1 :]]
                yield where, was, now, {kind: members}
