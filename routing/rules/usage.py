"""What in a ruleset rests on what: which rules use a number, a fact or a condition, and on sources in which state."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routing.rules.condition import ALWAYS, AnyOf, Condition, Not, Test, negation_normal, tests
from routing.rules.rule import Rule
from routing.rules.ruleset import Ruleset

_PARAMETER = re.compile(r'\$(\w+)|\{(\w+)\}|"bypass_limit": "(\w+)"')
NEVER = AnyOf(())
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def written_rules(ruleset: Ruleset) -> Mapping[str, Mapping[str, Any]]:
    """Rule id -> the rule as it stands in its file."""
    return {
        entry["id"]: entry
        for file in dict.fromkeys(rule.file for rule in ruleset.rules)
        for entry in ruleset.source[file]["rules"]
    }


def parameters_named(written: Any) -> frozenset[str]:
    """The names of the parameters in a rule or score as it is written: `$name`, `{name}` in a text, a limit."""
    return frozenset(name for found in _PARAMETER.findall(json.dumps(written)) for name in found if name)


def subjects_asked(rule: Rule) -> frozenset[str]:
    """The facts, numbers, scores and conditions (`condition.stemi`) that `rule` asks about."""
    return frozenset(test.subject.removesuffix(".highest_item") for test in tests(rule.when))


def asking(subject: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that ask about `subject` itself."""
    return tuple(rule for rule in rules if subject in subjects_asked(rule))


def asking_for_value(subject: str, value: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that ask whether the choice `subject` is `value`."""

    def about(test: Test) -> bool:
        return test.subject == subject and isinstance(test.value, tuple) and value in test.value

    return tuple(rule for rule in rules if any(map(about, tests(rule.when))))


def left_to_ask(when: Condition, code: str) -> Condition | None:
    """What `when` still asks where the condition `code` was concluded; None where it then cannot be true."""
    found = _left(negation_normal(when), f"condition.{code}")
    return None if found == NEVER else found


def _left(condition: Condition, subject: str) -> Condition:
    if isinstance(condition, Test):
        if condition.subject != subject:
            return condition
        return ALWAYS if condition.op == "true" else NEVER
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    parts = [_left(part, subject) for part in condition.parts]
    decisive, idle = (ALWAYS, NEVER) if isinstance(condition, AnyOf) else (NEVER, ALWAYS)
    if decisive in parts:
        return decisive
    kept = tuple(part for part in parts if part != idle)
    return kept[0] if len(kept) == 1 else type(condition)(kept)


def resting_on(fact: str, ruleset: Ruleset) -> tuple[str, ...]:
    """The derived numbers and scores that are computed from `fact`."""
    return tuple(
        key
        for key in (*ruleset.derived, *ruleset.scores)
        if fact in ruleset.asked_facts[key] or fact in _asked_by_items(key, ruleset)
    )


def _asked_by_items(key: str, ruleset: Ruleset) -> frozenset[str]:
    score = ruleset.scores.get(key)
    return frozenset(item.fact for item in score.items) if score else frozenset()


def decided_numbers(ruleset: Ruleset) -> Iterator[tuple[str, str]]:
    """Each parameter and norm with the key of its source."""
    numbers = ruleset.source["parameters.yaml"]
    for part in ("parameters", "norms"):
        for key, entry in numbers[part].items():
            yield key, entry["reference"]["source"]


def source_states(ruleset: Ruleset) -> Mapping[str, Counter[str]]:
    """How many `rules`, and how many decided `numbers`, rest on a source that was read, partly read or not read."""
    sources = ruleset.source["ruleset.yaml"]["references"]
    return {
        "rules": Counter(rule.reference.read for rule in ruleset.rules),
        "numbers": Counter(sources[source]["read"] for _, source in decided_numbers(ruleset)),
    }


def accepted_too_early(ruleset: Ruleset) -> Iterator[Rule]:
    """Rules that were accepted in a year before their source appeared, as far as its title names years."""
    for rule in ruleset.rules:
        years = [int(year) for year in _YEAR.findall(rule.reference.title)]
        if rule.accepted is not None and years and rule.accepted.on.year < max(years):
            yield rule
