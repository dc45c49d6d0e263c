"""What becomes of worked cases under another version of the rules: urgency, conditions and needs, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.mutation.seen import SeenCase, seen_cases
from routing.packaged import Desk
from routing.triage import Concluded, concluded_by
from routing.worked_cases import WorkedCase

PARTS = ("urgency", "conditions", "needs", "ambulance")
"""What is held side by side."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """How many cases get something else in one part of the answer, and the first of them with what it got."""

    count: int
    example: WorkedCase
    old: Any
    new: Any


def otherwise(cases: Sequence[WorkedCase], old: Desk, new: Desk) -> Mapping[str, Otherwise]:
    """Part of the answer -> in how many of `cases` it is not the same; parts that are always the same are left out.
    The rules are judged by their plain meaning, and no place is chosen."""
    answers = [{_key(seen): _concluded(seen, desk) for seen in seen_cases(cases, desk)} for desk in (old, new)]
    found: dict[str, list[tuple[WorkedCase, Any, Any]]] = {}
    for case in cases:
        before, after = (answer.get((case.file, case.line)) for answer in answers)
        if before is None or after is None:
            continue
        for part in PARTS:
            if (was := getattr(before, part)) != (now := getattr(after, part)):
                found.setdefault(part, []).append((case, was, now))
    return {part: Otherwise(len(found[part]), *found[part][0]) for part in PARTS if part in found}


def _key(seen: SeenCase) -> tuple[str, int | None]:
    return seen.case.file, seen.case.line


def _concluded(seen: SeenCase, desk: Desk) -> Concluded:
    rules = desk.evaluators.ruleset
    return concluded_by([rule for rule in rules.rules if rule.id in seen.fired], rules)
