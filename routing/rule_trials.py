"""Tries one case against two versions of the rules, side by side. Nothing of it is kept, and nobody is told.

What is tried is not a decision: it is not logged, reserves no place and is gone with the answer. Only that somebody
looked at a logged decision in this way is noted, as with a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from routing.case import Case, parse_case
from routing.decision import Decision, decide, fired_rules
from routing.directory_here import directory_of, newest_directory
from routing.errors import bad_input
from routing.log.canonical import canonical, plain
from routing.log.record import answer, make_record
from routing.log.replay import decision_about
from routing.rights import Asker
from routing.rule_book import cases_of, desk_of
from routing.rules.evaluation import Evaluators
from routing.rules.overlay import lay_over, overlay_in_force
from routing.rules.ruleset import Ruleset
from routing.rules_here import evaluators_of, installed_overlays
from routing.service import record_of
from routing.worked_cases import WorkedCase, directory_of_case
from routing.world import World

PARTS = ("urgency", "conditions", "needs", "dispatch", "place", "confidence")
"""What is held side by side, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one version says: its ruleset, the whole answer (id is null), and the rules that fired."""

    ruleset: Ruleset
    answer: Mapping[str, Any]
    fired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two versions say about one case; `differs` are those of PARTS in which they do not say the same."""

    old: Side
    new: Side

    @property
    def differs(self) -> frozenset[str]:
        """The parts in which the two do not say the same; reasons and minutes are not compared."""
        old, new = said(self.old.answer), said(self.new.answer)
        return frozenset(part for part in PARTS if old[part] != new[part])

    def only_in(self, side: Side) -> list[str]:
        """The rules that fired on `side` alone."""
        other = self.new if side is self.old else self.old
        return [rule for rule in side.fired if rule not in other.fired]


def said(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer says, part by part, as it is compared."""
    recommended = found["recommendation"]
    return {
        "urgency": found["urgency"]["level"],
        "conditions": {each["code"]: each["status"] for each in found["conditions"]},
        "needs": {
            each["capability"]: (each["strength"], [norm["norm"] for norm in each["all_norms"]])
            for each in found["needs"]
        },
        "dispatch": (found["dispatch"]["ambulance"], found["dispatch"]["mmt"]),
        "place": (recommended["facility"]["id"], recommended["facility"]["name"]),
        "confidence": found["confidence"]["badge"],
    }


def try_case(world: World, body: Any, old: Ruleset, new: Ruleset) -> Comparison:
    """What two versions say now about the case in `body`, with the places as they are now. Raises BadInput, BadData,
    EngineRefusal, StoreUnavailable."""
    if not isinstance(body, Mapping):
        raise bad_input("", "not_an_object", "the case must be a JSON object", body, "an object: {...}")
    now = world.clock().astimezone(UTC)
    directory = newest_directory(world)

    def deciding(rules: Ruleset) -> tuple[Case, Decision]:
        case = parse_case(body, world.words, now, directory.by_id)
        return case, decide(case, directory, _evaluators(world, rules, case.region, now), now)

    return _compared(old, new, deciding, now)


def try_worked_case(world: World, case: WorkedCase, old: Ruleset, new: Ruleset) -> Comparison:
    """The same of a worked case, at its moment and with its places. Raises BadInput, BadData, EngineRefusal."""

    def deciding(rules: Ruleset) -> tuple[Case, Decision]:
        desk = desk_of(world, rules)
        parsed = parse_case(case.given, world.words, case.at, desk.directory.by_id)
        evaluators = _evaluators(world, rules, parsed.region, case.at)
        return parsed, decide(parsed, directory_of_case(case, desk), evaluators, case.at)

    return _compared(old, new, deciding, case.at)


def try_decision(world: World, decision_id: str, old: Ruleset, new: Ruleset, asker: Asker) -> Comparison:
    """The same of a logged decision, with the places and times of travel of then; that `asker` looked is noted, once,
    as a replay. Raises NotFound, Erased, BadRecord, BadInput, BadData, EngineRefusal, StoreUnavailable."""
    then = plain(record_of(world, decision_id, asker, "replay"))
    directory = directory_of(world, then["directory"]["revision"], world.words)

    def deciding(rules: Ruleset) -> tuple[Case, Decision]:
        return decision_about(then, directory, _evaluators(world, rules, then["case"].get("region"), _moment(then)))

    return _compared(old, new, deciding, _moment(then))


def worked_case_named(world: World, rules: Ruleset, name: str) -> WorkedCase:
    """The worked case `FILE:LINE` beside `rules`. Raises BadInput, BadData."""
    for case in cases_of(world, rules):
        if name_of(case) == name:
            return case
    raise bad_input("case", "unknown_case", "there is no such worked case", name, "one of the list")


def name_of(case: WorkedCase) -> str:
    """By what a worked case is known: its file and line."""
    return f"{case.file}:{case.line}"


def _moment(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["decided_at"])


def _evaluators(world: World, rules: Ruleset, region: str | None, now: datetime) -> Evaluators:
    overlay = overlay_in_force(installed_overlays(world), region, rules, now)
    return evaluators_of(world, rules if overlay is None else lay_over(rules, overlay))


def _compared(
    old: Ruleset, new: Ruleset, deciding: Callable[[Ruleset], tuple[Case, Decision]], now: datetime
) -> Comparison:
    def side(rules: Ruleset) -> Side:
        case, decision = deciding(rules)
        made = make_record(decision, case, rules.vocabulary, id="", now=now, asker={}, supersedes=None)
        return Side(rules, {**answer(plain(canonical(made))), "id": None}, tuple(fired_rules(decision)))

    return Comparison(side(old), side(new))
