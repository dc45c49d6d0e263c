"""A decision: facts of a case and profiles of places in; urgency, conditions, needs and a place out, with all reasons.

Pure: the same case, directory, rules and moment always give the same decision. Nothing here reads a clock, a file or a
database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from routing.candidate import Match
from routing.case import Case
from routing.facilities.directory import Directory
from routing.facilities.facts import facts_digest
from routing.geography import Places, Point
from routing.matching import match
from routing.rules.evaluation import Evaluators
from routing.travel import Travel, straight_line
from routing.triage import Reason, Triage, triage
from routing.wording import Wording

Minutes = Callable[[Point, Places, datetime], tuple[Travel, ...]]
"""A travel provider: origin, places and moment of leaving -> one travel time a place."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer with what it was made of; see the contract for how it looks outside. `reserved` are the recent
    recommendations that counted, `units` those of a place that matter to what this patient needs, `travel` the times to
    all places of the directory."""

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


def decide(
    case: Case,
    directory: Directory,
    evaluators: Evaluators,
    now: datetime,
    travel: Minutes = straight_line.minutes,
) -> Decision:
    """Decide about `case` at `now` with the places in `directory`. There is always an answer."""
    ruleset = evaluators.ruleset
    triaged = triage(case, evaluators, now, directory.holidays)
    minutes = travel((case.lat, case.lon), directory.places, now)
    method = minutes[0].method if minutes else straight_line.METHOD
    matched = match(triaged, case, directory, ruleset, minutes, now)
    island = straight_line.island_of((case.lat, case.lon)) if method == straight_line.METHOD else None
    if island is not None and matched.badge == "certain":
        unsure = Wording(ruleset).reason("no_road", {"island": island})
        matched = replace(matched, badge="sensitive", because=(unsure,))
    return Decision(
        triage=triaged,
        match=matched,
        warnings=(*triaged.warnings, *matched.warnings, *_warnings(case, evaluators, triaged, method)),
        ruleset=(ruleset.name, ruleset.version, ruleset.digest),
        region=(ruleset.region.name, ruleset.region.version) if ruleset.region else None,
        vocabulary_digest=ruleset.vocabulary.digest,
        directory_revision=directory.revision,
        directory_digest=directory.digest,
        directory_facts=facts_digest(directory),
        travel_method=method,
        travel=minutes,
        reserved={key: directory.reserved[key] for key in _ids(matched) if key in directory.reserved},
        units=matched.units,
    )


def _ids(matched: Match) -> Iterator[str]:
    return (candidate.facility.id for candidate in matched.candidates if candidate.facility is not None)


def _warnings(case: Case, evaluators: Evaluators, triaged: Triage, method: str) -> Iterator[Reason]:
    evaluation = triaged.evaluation
    say = Wording(evaluators.ruleset).reason
    if evaluation.engine is None:
        yield say("engine_failed")
    elif not evaluation.agree:
        differing = sorted(evaluation.engine ^ evaluation.reference)
        yield say("evaluators_disagree", {"rules": ", ".join(differing)})
    if method == straight_line.METHOD and (island := straight_line.island_of((case.lat, case.lon))) is not None:
        yield say("no_road", {"island": island})
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
