"""Decides again about one recorded decision, and says what is to be counted and what is to be listed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing import flips
from routing.directory_here import Walk
from routing.errors import BadData, BadInput, BadRecord, NotFound, OtherSoftware
from routing.flips import Name
from routing.log.canonical import plain
from routing.log.record import check_version
from routing.log.replay import decision_about, replay
from routing.replaying.reading import Stored
from routing.replaying.supposed import Supposed
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.rules.overlay import lay_over
from routing.rules_here import evaluators_of
from routing.service import rules_of, words_of
from routing.world import World

PATHS_MOST = 100
"""So many differences of one decision are listed; the replay of that decision alone lists all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one decision: what it adds one to, and what is to be listed, if anything."""

    names: tuple[Name, ...]
    row: Mapping[str, Any] | None = None


Judge = Callable[[Stored], Verdict]

ERASED = Verdict((("erased",),))


def as_then(world: World) -> Judge:
    """Judges whether a decision, made again with what was known then, is the same to the last byte. The judge raises
    StoreUnavailable."""
    walks: dict[str, Walk] = {}

    def again(stored: Stored, record: bytes) -> Verdict:
        words = words_of(world, stored.vocabulary_digest)
        walk = walks.setdefault(words.digest, Walk(world, words))
        evaluators = evaluators_of(world, rules_of(world, stored.ruleset_digest, words))
        found = replay(record, walk.at(stored.directory_revision), evaluators)
        if not found:
            return Verdict((("identical",),))
        left_out = {"left_out": len(found) - PATHS_MOST} if len(found) > PATHS_MOST else {}
        return Verdict((("different",),), {**_named(stored), "differences": found[:PATHS_MOST], **left_out})

    return lambda stored: _judged(stored, again)


def supposing(world: World, supposed: Supposed) -> Judge:
    """Judges what would have been answered if the `supposed` rules had been in force. The judge raises
    StoreUnavailable."""
    walk, rules = Walk(world, supposed.ruleset.vocabulary), _Rules(supposed, build_evaluators(supposed.ruleset))

    def instead(stored: Stored, record: bytes) -> Verdict:
        entry = plain(record)
        check_version(entry)
        region = entry["case"].get("region")
        evaluators = rules.in_region(region)
        _, decision = decision_about(entry, walk.at(stored.directory_revision), evaluators)
        then, now = flips.headline_of_record(entry), flips.headline_of_decision(decision)
        names = [*flips.counted(then, now, flips.region_of(entry))]
        if entry["result"]["provenance"].get("region") and not evaluators.ruleset.region:
            names.append(("national_instead", region))
        if not flips.changed(then, now):
            return Verdict((("identical",), *names))
        row = flips.changed_case(str(stored.id), stored.decided_at.isoformat(), then, now)
        return Verdict((("different",), *names), row)

    return lambda stored: _judged(stored, instead)


@dataclass(frozen=True)
class _Rules:
    """The evaluators of the supposed rules, and those of regions as they come."""

    supposed: Supposed
    national: Evaluators
    regional: dict[str, Evaluators] = field(default_factory=dict)

    def in_region(self, region: str | None) -> Evaluators:
        overlay = self.supposed.overlays.get(region or "")
        if overlay is None:
            return self.national
        if overlay.region not in self.regional:
            rules = lay_over(self.supposed.ruleset, overlay)
            self.regional[overlay.region] = build_evaluators(rules, self.national)
        return self.regional[overlay.region]


def _judged(stored: Stored, judge: Callable[[Stored, bytes], Verdict]) -> Verdict:
    if stored.record is None:
        return _unreadable(stored, stored.damage) if stored.damage else ERASED
    try:
        return judge(stored, stored.record)
    except BadInput as error:  # only the names: what was said of the patient is not for a list
        fields = ", ".join(f"`{fault.field}`: {fault.code}" for fault in error.faults)
        return _unreadable(stored, f"the case cannot be taken: {fields}")
    except (BadRecord, NotFound, OtherSoftware, BadData) as error:
        return _unreadable(stored, str(error))


def _unreadable(stored: Stored, problem: str) -> Verdict:
    return Verdict((("unreadable",),), {**_named(stored), "problem": problem})


def _named(stored: Stored) -> dict[str, Any]:
    return {"id": str(stored.id), "decided_at": stored.decided_at.isoformat()}
