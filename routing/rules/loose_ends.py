"""What is not wrong in a ruleset but makes one wonder: thresholds that nothing uses, needs that nobody can meet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from routing.errors import Finding
from routing.rules.condition import Condition, Not, Test, tests
from routing.rules.reading import as_written
from routing.rules.rule import Rule
from routing.rules.ruleset import Ruleset
from routing.rules.scores import formula_facts, score_facts
from routing.rules.usage import accepted_too_early
from routing.yamlfile import Location

_PARAMETER = re.compile(r"\$(\w+)")
_LIMIT = re.compile(
    r'"(?:bypass_limit|extra_minutes|longest_minutes|ended_shown_minutes|reservation_minutes)": "(\w+)"'
)
_SOURCE = re.compile(r'"source": "([^"]+)"')


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """One thing to wonder about: `location` is where in `file` it stands, where the ruleset itself knows no line."""

    finding: Finding
    location: Location | None = None


def loose_ends(ruleset: Ruleset) -> tuple[str, ...]:
    """One sentence for each loose end, in a fixed order."""
    return tuple(str(found.finding) for found in found_loose(ruleset))


def found_loose(ruleset: Ruleset) -> Iterator[LooseEnd]:
    """The loose ends, in a fixed order."""
    text = json.dumps(dict(ruleset.source), sort_keys=True)
    fresh = ruleset.source["selection.yaml"].get("status", {}).get("fresh_minutes", {})
    used_parameters = {*_PARAMETER.findall(text), *_LIMIT.findall(text), *fresh.values()}
    for name in ruleset.parameters:
        if name not in used_parameters:
            yield _entry("parameters.yaml", ("parameters", name), f"no rule uses the parameter `{name}`")
    needs = [need for rule in ruleset.rules for need in rule.needs]
    for name in ruleset.norms:
        if name not in {need.within for need in needs}:
            yield _entry("parameters.yaml", ("norms", name), f"no need asks for the norm `{name}`")
    for name in ruleset.source["ruleset.yaml"]["references"]:
        if name not in set(_SOURCE.findall(text)):
            yield _entry("ruleset.yaml", ("references", name), f"nothing cites the reference `{name}`")
    yield from _numbers_that_nothing_asks_for(ruleset)
    for rule in accepted_too_early(ruleset):
        yield _of_rule(rule, f"was accepted before its source appeared: {rule.reference.title}")
    for rule in ruleset.rules:
        if rule.text.nl == rule.text.en and " " in rule.text.nl:  # one word may be the same in both
            yield _of_rule(rule, "its text says the same in Dutch and in English")
        for part in dict.fromkeys(_twice(rule.when)):
            yield _of_rule(rule, f"`{as_written(part)}` stands twice in the same list")
    yield from _needs_nobody_can_meet(ruleset)


def _entry(file: str, location: Location, message: str) -> LooseEnd:
    return LooseEnd(Finding(file, None, message), location)


def _of_rule(rule: Rule, message: str) -> LooseEnd:
    return LooseEnd(Finding(rule.file, rule.line, message, rule.id))


def _numbers_that_nothing_asks_for(ruleset: Ruleset) -> Iterator[LooseEnd]:
    """Scores and derived numbers that no rule, no score and no open question rests on."""
    chosen = (*ruleset.selection.asked_first, *ruleset.selection.not_asked)
    conditions = (*(rule.when for rule in ruleset.rules), *(each.when for each in chosen))
    asked = {test.subject.removesuffix(".highest_item") for when in conditions for test in tests(when)}
    asked |= {fact for score in ruleset.scores.values() for fact in score_facts(score)}
    asked |= {fact for derived in ruleset.derived.values() for fact in formula_facts(derived.formula)}
    files = {value["id"]: name for name, value in ruleset.source.items() if name.startswith("scores/")}
    for key in ruleset.scores:
        if key not in asked:
            yield _entry(files[key], ("id",), f"nothing asks for the score `{key}`")
    for key in ruleset.derived:
        if key not in asked:
            yield _entry("derived.yaml", ("derived", key), f"nothing asks for the number `{key}`")


def _twice(condition: Condition) -> Iterator[Condition]:
    """The parts that stand twice in one `all` or `any`."""
    if isinstance(condition, Test):
        return
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    for number, part in enumerate(parts):
        if part in parts[:number]:
            yield part
        yield from _twice(part)


def _needs_nobody_can_meet(ruleset: Ruleset) -> Iterator[LooseEnd]:
    words = ruleset.vocabulary
    kinds = words.facility_kinds.values()
    can = {capability for kind in kinds for name in (*kind.has, *kind.may_have) for capability in words.implied[name]}
    for rule in ruleset.rules:
        for need in rule.needs:
            if words.capabilities[need.capability].place and need.capability not in can:
                yield _of_rule(rule, f"no kind of place can have `{need.capability}`")
