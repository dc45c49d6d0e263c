"""What differs between two versions of a ruleset: what came, what went, and what changed in what stayed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from routing.rules.rule import Reference, Rule
from routing.rules.ruleset import Ruleset
from routing.rules.usage import written_rules

SINGLE = ("ruleset.yaml", "parameters.yaml", "derived.yaml", "selection.yaml")
NOWHERE = Reference("", "", "", None, "read")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that stands in both versions and is not the same; `what` names the keys that differ."""

    id: str
    what: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs in one part, by id."""

    added: Mapping[str, Any]
    removed: Mapping[str, Any]
    changed: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def differences(old: Ruleset, new: Ruleset) -> Mapping[str, Difference]:
    """Part (`rules`, `parameters`, `norms`, `scores` and the others) -> what differs in it."""
    before, after = dict(_parts(old)), dict(_parts(new))
    return {part: _difference(before.get(part, {}), after.get(part, {})) for part in dict.fromkeys((*before, *after))}


def kept_acceptances(old: Ruleset, new: Ruleset) -> tuple[str, ...]:
    """Ids of rules that ask, conclude or say something else than before (also because a number changed) and carry the
    acceptance that was given to what they were."""
    return tuple(
        rule.id
        for rule in new.rules
        if rule.accepted is not None
        and (before := old.by_id.get(rule.id)) is not None
        and before.accepted == rule.accepted
        and _meant(before) != _meant(rule)
    )


def _meant(rule: Rule) -> Rule:
    return replace(rule, why="", reference=NOWHERE, file="", line=None)


def _parts(ruleset: Ruleset) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every part of a ruleset as id -> what is written there; nothing that decides is left out."""
    source = ruleset.source
    head, numbers = source["ruleset.yaml"], source["parameters.yaml"]
    files = {rule.id: rule.file for rule in ruleset.rules}
    yield "rules", {key: {**entry, "file": files[key]} for key, entry in written_rules(ruleset).items()}
    yield "topics", {file: source[file]["topic"] for file in dict.fromkeys(files.values())}
    yield from numbers.items()
    yield "scores", {value["id"]: value for file, value in source.items() if file.startswith("scores/")}
    yield "derived", source["derived.yaml"]["derived"]
    yield "selection", _without(source["selection.yaml"], "texts")
    yield "texts", source["selection.yaml"]["texts"]
    yield "references", head["references"]
    yield "head", _without(head, "references")
    yield "other", {file: value for file, value in source.items() if not _told(file, files.values())}


def _told(file: str, rule_files: Collection[str]) -> bool:
    return file in SINGLE or file.startswith("scores/") or file in rule_files


def _without(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in keys}


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    return Difference(
        added={key: entry for key, entry in new.items() if key not in old},
        removed={key: entry for key, entry in old.items() if key not in new},
        changed=tuple(
            Change(key, dict(_changed(old[key], entry)))
            for key, entry in new.items()
            if key in old and old[key] != entry
        ),
    )


def _changed(old: Any, new: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield "value", (old, new)
        return
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield key, (old.get(key), new.get(key))
