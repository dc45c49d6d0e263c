"""What is not wrong in a ruleset but makes one wonder: thresholds that nothing uses, needs that nobody can meet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from routing.rules.ruleset import Ruleset
from routing.rules.usage import accepted_too_early

_PARAMETER = re.compile(r"\$(\w+)")
_LIMIT = re.compile(
    r'"(?:bypass_limit|extra_minutes|longest_minutes|ended_shown_minutes|reservation_minutes)": "(\w+)"'
)
_SOURCE = re.compile(r'"source": "([^"]+)"')


def loose_ends(ruleset: Ruleset) -> tuple[str, ...]:
    """One sentence for each loose end, in a fixed order."""
    return tuple(_found(ruleset))


def _found(ruleset: Ruleset) -> Iterator[str]:
    text = json.dumps(dict(ruleset.source), sort_keys=True)
    fresh = ruleset.source["selection.yaml"].get("status", {}).get("fresh_minutes", {})
    used_parameters = {*_PARAMETER.findall(text), *_LIMIT.findall(text), *fresh.values()}
    for name in ruleset.parameters:
        if name not in used_parameters:
            yield f"parameters.yaml: no rule uses the parameter `{name}`"
    needs = [need for rule in ruleset.rules for need in rule.needs]
    for name in ruleset.norms:
        if name not in {need.within for need in needs}:
            yield f"parameters.yaml: no need asks for the norm `{name}`"
    for name in ruleset.source["ruleset.yaml"]["references"]:
        if name not in set(_SOURCE.findall(text)):
            yield f"ruleset.yaml: nothing cites the reference `{name}`"
    for rule in accepted_too_early(ruleset):
        source = rule.reference.title
        yield f"{rule.file}:{rule.line}: rule `{rule.id}`: was accepted before its source appeared: {source}"
    yield from _needs_nobody_can_meet(ruleset)


def _needs_nobody_can_meet(ruleset: Ruleset) -> Iterator[str]:
    words = ruleset.vocabulary
    kinds = words.facility_kinds.values()
    can = {capability for kind in kinds for name in (*kind.has, *kind.may_have) for capability in words.implied[name]}
    for rule in ruleset.rules:
        for need in rule.needs:
            if words.capabilities[need.capability].place and need.capability not in can:
                yield f"{rule.file}:{rule.line}: rule `{rule.id}`: no kind of place can have `{need.capability}`"
