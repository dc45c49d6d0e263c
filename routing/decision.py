"""A decision: facts of a case and profiles of places in; urgency, conditions, needs and a place out, with all reasons.

Pure: the same case, directory, rules and moment always give the same decision. Nothing here reads a clock, a file or a
database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from routing.candidate import Match
from routing.case import Case
from routing.facilities.directory import Directory
from routing.facilities.facts import facts_digest
from routing.geography import Places, Point
from routing.journey import Journey, journey_of
from routing.matching import match
from routing.rules.evaluation import Evaluators
from routing.travel import Travel, embedded, found_by, methods_of, silent_in
from routing.triage import Reason, Triage, triage
from routing.way import driven, leaving_at, way_of
from routing.wording import Wording

Minutes = Callable[[Point, Places, datetime], tuple[Travel, ...]]
"""A travel provider: origin, places and moment of leaving -> one travel time a place."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer with what it was made of; see the contract for how it looks outside. `reserved` are the recent
    recommendations that counted, `units` those of a place that matter to what this patient needs, `travel` the times to
    all places of the directory by car, `travel_method` the methods by which they were found, and `journey` how this
    patient travels (None: the rules do not say)."""

    triage: Triage
    match: Match
    warnings: tuple[Reason, ...]
    ruleset: tuple[str, str, str]
    region: tuple[str, str] | None
    vocabulary_digest: str
    directory_revision: int
    directory_digest: str
    directory_facts: str
    travel_method: str
    travel: tuple[Travel, ...]
    reserved: Mapping[str, Mapping[str, tuple[datetime, ...]]]
    units: frozenset[str]
    journey: Journey | None = None


def decide(
    case: Case,
    directory: Directory,
    evaluators: Evaluators,
    now: datetime,
    travel: Minutes = embedded.minutes,
    methods: Collection[str] = (),
) -> Decision:
    """Decide about `case` at `now` with the places in `directory`. There is always an answer. `methods` are those by
    which times to places were found that are not in `directory`, where it holds some of the places only."""
    triaged = triage(case, evaluators, now, directory.holidays)
    leaving = leaving_at(triaged, case, evaluators.ruleset.logistics, now)
    minutes = travel((case.lat, case.lon), directory.places, leaving)
    return placed(triaged, case, directory, evaluators, now, minutes, methods)


def placed(
    triaged: Triage,
    case: Case,
    directory: Directory,
    evaluators: Evaluators,
    now: datetime,
    minutes: tuple[Travel, ...],
    methods: Collection[str] = (),
) -> Decision:
    """The decision about a case that is triaged, with these times to the places in `directory`."""
    ruleset = evaluators.ruleset
    every = sorted(methods_of(minutes) | {*methods}) or [embedded.METHOD]
    way = way_of(triaged, case, ruleset.logistics)
    drives = driven(way, minutes)
    matched = match(triaged, case, directory, ruleset, drives, now)
    wording = Wording(ruleset)
    unsure = _unsure_of_roads((case.lat, case.lon), [found_by(method) for method in every], wording)
    if unsure is not None and matched.badge == "certain":
        matched = replace(matched, badge="sensitive", because=(unsure,))
    advised = matched.candidates[0]
    journey = journey_of(way, triaged, case, directory, drives, advised, wording, now)
    said = journey.warnings if journey is not None else ()
    return Decision(
        triage=triaged,
        match=matched,
        warnings=(*triaged.warnings, *matched.warnings, *said, *_warnings(case, evaluators, triaged, unsure, every)),
        ruleset=(ruleset.name, ruleset.version, ruleset.digest),
        region=(ruleset.region.name, ruleset.region.version) if ruleset.region else None,
        vocabulary_digest=ruleset.vocabulary.digest,
        directory_revision=directory.revision,
        directory_digest=directory.digest,
        directory_facts=facts_digest(directory),
        travel_method=", ".join(every),
        travel=minutes,
        reserved={key: directory.reserved[key] for key in _ids(matched) if key in directory.reserved},
        units=matched.units,
        journey=journey,
    )


def _unsure_of_roads(point: Point, methods: Sequence[str], wording: Wording) -> Reason | None:
    """Why the travel times from `point` may not be those of a road, if they may not."""
    if (island := embedded.island_of(point, methods)) is not None:
        return wording.reason("no_road", {"island": island})
    return wording.reason("no_area_near") if embedded.away_from_areas(point, methods) else None


def _ids(matched: Match) -> Iterator[str]:
    return (candidate.facility.id for candidate in matched.candidates if candidate.facility is not None)


def _warnings(
    case: Case, evaluators: Evaluators, triaged: Triage, unsure: Reason | None, methods: Sequence[str]
) -> Iterator[Reason]:
    evaluation = triaged.evaluation
    say = Wording(evaluators.ruleset).reason
    if evaluation.engine is None:
        yield say("engine_failed")
    elif not evaluation.agree:
        differing = sorted(evaluation.engine ^ evaluation.reference)
        yield say("evaluators_disagree", {"rules": ", ".join(differing)})
    if unsure is not None:
        yield unsure
    for silent in filter(None, map(silent_in, methods)):
        yield say("road_engine_silent", {"engine": silent.engine, "instead": silent.instead})
    region = evaluators.ruleset.region
    if case.region is not None and region is None:
        yield say("no_regional_agreement", {"region": case.region})
    if region is not None and not region.accepted:
        yield say("regional_agreement_pending", {"region": region.name, "version": region.version})
    pending = [rule for rule in evaluation.fired if rule.accepted is None]
    if pending:
        yield say("pending_rules", {"count": len(pending)})


def fired_rules(decision: Decision) -> Sequence[str]:
    """The ids of the rules that fired, in the order of the ruleset."""
    return [rule.id for rule in decision.triage.evaluation.fired]
