"""What is recorded of a decision: the case, the moment, what decided, what both evaluators said, and the answer.

With the ruleset, vocabulary and directory that it names by digest, an entry is all that is needed to decide again.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from routing.candidate import Candidate, RuledOut, StatusFact
from routing.case import Case, case_record
from routing.decision import Decision, fired_rules
from routing.facilities.opening import TIME_ZONE
from routing.log.canonical import exact
from routing.questions import OpenQuestion
from routing.rules.rule import FactValue, Interval, Reference
from routing.rules.ruleset import Norm
from routing.travel import Travel
from routing.triage import PatientNeed, Reason
from routing.vocabulary import Vocabulary

ENTRY_VERSION = 1
Written = dict[int, dict[str, Any]]
"""Reasons that were written down already, by their identity: they live as long as the decision."""

SOFTWARE = f"wegwijs {importlib.metadata.version('wegwijs')}"


def make_entry(
    decision: Decision,
    case: Case,
    vocabulary: Vocabulary,
    *,
    id: str,  # noqa: A002 - the field's name in the contract
    now: datetime,
    asker: Mapping[str, Any],
    supersedes: str | None,
) -> dict[str, Any]:
    """The record of `decision`, ready for `canonical`. `asker` says which key and roles; never a person's name."""
    evaluation = decision.triage.evaluation
    name, version, digest = decision.ruleset
    return {
        "version": ENTRY_VERSION,
        "id": id,
        "decided_at": now.isoformat(),
        "supersedes": supersedes,
        "case": _exact_record(case_record(case)),
        "asker": dict(asker),
        "software": SOFTWARE,
        "ruleset": {"name": name, "version": version, "digest": digest},
        "vocabulary": decision.vocabulary_digest,
        "directory": {
            "revision": decision.directory_revision,
            "digest": decision.directory_digest,
            **({"reserved": _reserved(decision)} if decision.reserved else {}),
        },
        "evaluators": {
            "engine": None if evaluation.engine is None else sorted(evaluation.engine),
            "reference": sorted(evaluation.reference),
            "fired": list(fired_rules(decision)),
        },
        "result": result_body(decision, vocabulary),
    }


def _reserved(decision: Decision) -> dict[str, dict[str, list[str]]]:
    return {
        facility: {unit: [moment.isoformat() for moment in moments] for unit, moments in sorted(units.items())}
        for facility, units in sorted(decision.reserved.items())
    }


def reserved_of(entry: Mapping[str, Any]) -> dict[str, dict[str, tuple[datetime, ...]]]:
    """The recent recommendations that counted when `entry` was made, as a directory holds them."""
    return {
        facility: {unit: tuple(map(datetime.fromisoformat, moments)) for unit, moments in units.items()}
        for facility, units in entry["directory"].get("reserved", {}).items()
    }


def result_body(decision: Decision, vocabulary: Vocabulary) -> dict[str, Any]:
    """The decision as the outside sees it, without id, time and what it supersedes."""
    triage, match = decision.triage, decision.match
    written: Written = {}
    return {
        "urgency": {
            "level": triage.urgency.level,
            "deadline_minutes": triage.urgency.deadline_minutes,
            "reasons": reasons(triage.urgency.reasons),
        },
        "conditions": [
            {
                "code": found.code,
                "label": vocabulary.conditions[found.code].label.wire(),
                "status": found.status,
                "time_critical": vocabulary.conditions[found.code].time_critical,
                "reasons": reasons(found.reasons),
            }
            for found in triage.conditions
        ],
        "dispatch": {
            "ambulance": triage.dispatch.ambulance,
            "mmt": triage.dispatch.mmt,
            "reasons": reasons(triage.dispatch.reasons),
        },
        "needs": [_need(need, vocabulary) for need in triage.needs],
        "recommendation": _candidate(match.candidates[0], written),
        "alternatives": [_candidate(candidate, written) for candidate in match.candidates[1:]],
        "ruled_out": _all_ruled_out(match.ruled_out, written),
        "open_questions": [_question(question, vocabulary) for question in triage.open_questions],
        "open_questions_left": triage.questions_left,
        "confidence": {"badge": match.badge, "because": reasons(match.because)},
        "warnings": reasons(decision.warnings),
        "provenance": {
            "ruleset": dict(zip(("name", "version", "digest"), decision.ruleset, strict=True)),
            "region": dict(zip(("name", "version"), decision.region, strict=True)) if decision.region else None,
            "vocabulary": decision.vocabulary_digest,
            "directory_revision": decision.directory_revision,
            "travel": decision.travel_method,
            "evaluators_agree": triage.evaluation.agree,
            "software": SOFTWARE,
        },
    }


def answer(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The decision as it was answered, from its record."""
    return {"id": entry["id"], "decided_at": entry["decided_at"], "supersedes": entry["supersedes"], **entry["result"]}


def reasons(found: Iterable[Reason], written: Written | None = None) -> list[dict[str, Any]]:
    """Reasons as the outside sees them; what is said of many places is written once, and kept in `written`."""
    if written is None:
        return [_reason(reason) for reason in found]
    return [written.get(id(reason)) or written.setdefault(id(reason), _reason(reason)) for reason in found]


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "text": reason.text.wire(),
        "because": {name: _fact_value(value) for name, value in reason.because.items()},
        "reference": _reference(reason.reference),
        "review": reason.review,
    }


def _travel(travel: Travel) -> dict[str, Any]:
    return {"minutes": travel.minutes, "low": travel.low, "high": travel.high, "method": travel.method}


def _fact_value(value: FactValue) -> Any:
    if isinstance(value, Interval):
        return {"low": exact(value.low), "high": exact(value.high)}
    return exact(value) if isinstance(value, float) else value


def _exact_record(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _exact_record(value) if isinstance(value, dict) else exact(value) if isinstance(value, float) else value
        for key, value in record.items()
    }


def _reference(reference: Reference | None) -> dict[str, str | None] | None:
    if reference is None:
        return None
    return {
        "title": reference.title,
        "href": reference.href,
        "section": reference.section,
        "source_read": reference.read,
    }


def _need(need: PatientNeed, vocabulary: Vocabulary) -> dict[str, Any]:
    within = [_within(norm) for norm in need.within]
    return {
        "capability": need.capability,
        "label": vocabulary.capabilities[need.capability].label.wire(),
        "strength": need.strength,
        "reasons": reasons(need.reasons),
        "within": min(within, key=lambda norm: int(norm["minutes"]), default=None),
        "all_norms": within,
        "bypass_limit_minutes": need.bypass_minutes,
    }


def _within(norm: Norm) -> dict[str, Any]:
    return {
        "minutes": norm.minutes,
        "clock_start": norm.clock_start,
        "clock_end": "arrival",
        "norm": norm.id,
        "label": norm.label.wire(),
        "legal_status": norm.legal_status,
    }


def _candidate(candidate: Candidate, written: Written) -> dict[str, Any]:
    facility, travel = candidate.facility, candidate.travel
    return {
        "rank": candidate.rank,
        "facility": {
            "id": facility.id if facility else None,
            "name": facility.name if facility else candidate.name.nl,
            "kind": candidate.kind,
            "city": facility.city if facility else None,
            "label": candidate.name.wire(),
        },
        "travel": _travel(travel) if travel else None,
        "arrival_at": candidate.arrival_at.astimezone(TIME_ZONE).isoformat() if candidate.arrival_at else None,
        "norms": [
            {
                "id": check.norm.id,
                "met": {"met": True, "not_met": False, "uncertain": None}[check.verdict],
                "verdict": check.verdict,
                "margin_minutes": check.margin,
                "elapsed_minutes": check.elapsed,
                "clock_known": check.counted,
            }
            for check in candidate.norms
        ],
        "status": [_status(fact) for fact in candidate.status],
        "criteria": [{"id": name, "value": value} for name, value in candidate.criteria],
        "reasons": reasons(candidate.reasons, written),
    }


def _status(fact: StatusFact) -> dict[str, Any]:
    return {
        "unit": fact.unit,
        "kind": fact.kind,
        "value": dict(fact.value) if isinstance(fact.value, Mapping) else fact.value,
        "source": fact.source,
        "observed_at": fact.observed_at.isoformat() if fact.observed_at else None,
        "age_minutes": fact.age_minutes,
        "bed": fact.bed,
        "reason": fact.reason,
        "since": fact.since.isoformat() if fact.since else None,
        "expected_end": fact.expected_end.isoformat() if fact.expected_end else None,
        "fresh": fact.fresh,
    }


def _all_ruled_out(places: Iterable[RuledOut], written: Written) -> list[dict[str, Any]]:
    # many places fail for the same reasons, and share them
    why: dict[int, tuple[list[dict[str, Any]], list[dict[str, str]]]] = {}
    found = []
    for facility, travel, failed, would_change in places:
        if (said := why.get(id(failed))) is None:
            said = why[id(failed)] = (reasons(failed, written), [text.wire() for text in would_change])
        found.append(
            {
                "facility": {"id": facility.id, "name": facility.name, "kind": facility.kind, "city": facility.city},
                "travel": _travel(travel),
                "failed": said[0],
                "would_change": said[1],
            }
        )
    return found


def _question(question: OpenQuestion, vocabulary: Vocabulary) -> dict[str, Any]:
    fact = vocabulary.facts[question.fact]
    return {
        "fact": question.fact,
        "question": fact.question.wire(),
        "type": fact.type,
        "unit": fact.unit,
        "could_change": list(question.could_change),
    }
