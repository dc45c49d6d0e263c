"""What is recorded of a decision: the case, the moment, what decided, what both evaluators said, and the answer.

With the ruleset, vocabulary and directory that it names by digest, a record is all that is needed to decide again. A
record is about a patient: it is kept sealed, and what stands in the log of it are commitments (see `entry`).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from routing.candidate import Candidate, RuledOut, StatusFact
from routing.case import Case, case_record
from routing.decision import Decision, fired_rules
from routing.errors import OtherSoftware
from routing.facilities.opening import TIME_ZONE
from routing.log.canonical import canonical, exact, plain
from routing.log.journey_form import journey_record, travel_record, with_clocks
from routing.questions import OpenQuestion
from routing.rules.rule import FactValue, Interval, Reference
from routing.rules.ruleset import Norm
from routing.travel import Travel
from routing.triage import PatientNeed, Reason
from routing.vocabulary import Text, Vocabulary

RECORD_VERSION = 2
"""In version 1 every reason stood where it was given, and the minutes of travel were not there by themselves."""

SOFTWARE = f"wegwijs {importlib.metadata.version('wegwijs')}"


@dataclass(slots=True)
class _Said:
    """What is said in one record: every reason and text once, in the order in which they first came up."""

    reasons: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, str]] = field(default_factory=list)
    _by_identity: dict[int, int] = field(default_factory=dict)
    _by_words: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def these(self, found: Iterable[Reason]) -> list[int]:
        """The numbers of these reasons."""
        known = self._by_identity
        return [known[key] if (key := id(reason)) in known else self._new(reason) for reason in found]

    def _new(self, reason: Reason) -> int:
        # two reasons that say the same are one, whether or not they were made at once
        because = [(name, type(value), value) for name, value in reason.because.items()]
        words = (reason.rule, reason.text, *because, reason.reference, reason.review)
        if (number := self._by_words.get(words)) is None:
            number = self._by_words[words] = len(self.reasons)
            self.reasons.append(_reason(reason))
        self._by_identity[id(reason)] = number
        return number

    def words(self, found: Iterable[Text]) -> list[int]:
        """The numbers of these texts."""
        return [self._text(text) for text in found]

    def _text(self, text: Text) -> int:
        if (number := self._by_words.get((text,))) is None:
            number = self._by_words[(text,)] = len(self.texts)
            self.texts.append(text.wire())
        return number


def make_record(
    decision: Decision,
    case: Case,
    vocabulary: Vocabulary,
    *,
    id: str,  # noqa: A002 - the field's name in the contract
    now: datetime,
    asker: Mapping[str, Any],
    supersedes: str | None,
) -> dict[str, Any]:
    """The record of `decision`, ready for `canonical`. `asker` says which key, organisation and roles; never a person's
    name."""
    evaluation = decision.triage.evaluation
    name, version, digest = decision.ruleset
    said = _Said()
    result = _result(decision, vocabulary, said)
    return {
        "version": RECORD_VERSION,
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
            "facts": decision.directory_facts,
            **({"reserved": _reserved(decision)} if decision.reserved else {}),
        },
        "travel": _times(decision),
        "evaluators": {
            "engine": None if evaluation.engine is None else sorted(evaluation.engine),
            "reference": sorted(evaluation.reference),
            "fired": list(fired_rules(decision)),
        },
        "result": result,
        "reasons": said.reasons,
        "texts": said.texts,
    }


def check_version(record: Mapping[str, Any]) -> None:
    """Raises OtherSoftware for a record of a version that is not known here."""
    if record.get("version") not in (1, RECORD_VERSION):
        raise OtherSoftware(f"records of version `{record.get('version')}` are not known to {SOFTWARE}")


def as_version_1(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as version 1 wrote it."""
    later = ("reasons", "texts", "travel")
    found = {key: value for key, value in record.items() if key not in later}
    directory = {key: value for key, value in record["directory"].items() if key != "facts"}
    return {**found, "version": 1, "directory": directory, "result": result_of(record)}


def _reserved(decision: Decision) -> dict[str, dict[str, list[str]]]:
    return {
        facility: {unit: [moment.isoformat() for moment in moments] for unit, moments in sorted(units.items())}
        for facility, units in sorted(decision.reserved.items())
    }


def reserved_of(record: Mapping[str, Any]) -> dict[str, dict[str, tuple[datetime, ...]]]:
    """The recent recommendations that counted when `record` was made, as a directory holds them."""
    return {
        facility: {unit: tuple(map(datetime.fromisoformat, moments)) for unit, moments in units.items()}
        for facility, units in record["directory"].get("reserved", {}).items()
    }


def _times(decision: Decision) -> dict[str, Any]:
    """The times to all places; where not all were found by the same method, also which were not by the most usual."""
    numbers: dict[str, list[int]] = {}
    for number, travel in enumerate(decision.travel):
        numbers.setdefault(travel.method, []).append(number)
    usual = min(numbers, key=lambda method: (-len(numbers[method]), method), default=decision.travel_method)
    minutes = [part for travel in decision.travel for part in travel[:3]]
    others = {method: found for method, found in sorted(numbers.items()) if method != usual}
    return {"method": usual, "minutes": minutes, **({"others": others} if others else {})}


def travel_of(record: Mapping[str, Any]) -> tuple[Travel, ...] | None:
    """The travel times that counted when `record` was made, in the order of its directory; None where it has none."""
    if (travel := record.get("travel")) is None:
        return None
    minutes = travel["minutes"]
    parts = (minutes[0::3], minutes[1::3], minutes[2::3])
    methods = [travel["method"]] * len(parts[0])
    for method, numbers in travel.get("others", {}).items():
        for number in numbers:
            methods[number] = method
    return tuple(Travel(*each) for each in zip(*parts, methods, strict=True))


def _result(decision: Decision, vocabulary: Vocabulary, said: _Said) -> dict[str, Any]:
    """The decision as the outside sees it, without id, time and what it supersedes; reasons by their number."""
    triage, match = decision.triage, decision.match
    return {
        "urgency": {
            "level": triage.urgency.level,
            "deadline_minutes": triage.urgency.deadline_minutes,
            "reasons": said.these(triage.urgency.reasons),
        },
        "conditions": [
            {
                "code": found.code,
                "label": vocabulary.conditions[found.code].label.wire(),
                "status": found.status,
                "time_critical": vocabulary.conditions[found.code].time_critical,
                "reasons": said.these(found.reasons),
            }
            for found in triage.conditions
        ],
        "dispatch": {
            "ambulance": triage.dispatch.ambulance,
            "mmt": triage.dispatch.mmt,
            "reasons": said.these(triage.dispatch.reasons),
        },
        "needs": [_need(need, vocabulary, said) for need in triage.needs],
        "recommendation": _candidate(match.candidates[0], said),
        "alternatives": [_candidate(candidate, said) for candidate in match.candidates[1:]],
        "ruled_out": _all_ruled_out(match.ruled_out, said),
        **journey_record(decision.journey, said.these),
        "open_questions": [_question(question, vocabulary) for question in triage.open_questions],
        "open_questions_left": triage.questions_left,
        "confidence": {"badge": match.badge, "because": said.these(match.because)},
        "warnings": said.these(decision.warnings),
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


def answer(record: Mapping[str, Any]) -> dict[str, Any]:
    """The decision as it was answered, from its record."""
    names = ("id", "decided_at", "supersedes")
    return {**{name: record[name] for name in names}, **result_of(record)}


def answer_as_made(made: Mapping[str, Any]) -> dict[str, Any]:
    """What `answer` gives once `made`, from `make_record`, is written and read again: to the last byte what
    whoever reads the decision later gets."""
    return answer(plain(canonical(made)))


def result_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The result in `record`, with every reason and text where it was given."""
    result: dict[str, Any] = record["result"]
    if record["version"] == 1:
        return result
    reasons, texts = record["reasons"], record["texts"]

    def told(part: Mapping[str, Any], name: str = "reasons") -> dict[str, Any]:
        return {**part, name: [reasons[number] for number in part[name]]}

    def place(part: Mapping[str, Any]) -> dict[str, Any]:
        return {**told(part, "failed"), "would_change": [texts[number] for number in part["would_change"]]}

    way, mmt = result.get("way"), result.get("mmt")  # only with rules that say how patients travel
    return {
        **result,
        **({} if mmt is None else {"mmt": told(mmt)}),
        "urgency": told(result["urgency"]),
        "conditions": list(map(told, result["conditions"])),
        "dispatch": told(result["dispatch"]),
        "needs": list(map(told, result["needs"])),
        "recommendation": told(with_clocks(result["recommendation"], way)),
        "alternatives": [told(with_clocks(each, way)) for each in result["alternatives"]],
        "ruled_out": list(map(place, result["ruled_out"])),
        "confidence": told(result["confidence"], "because"),
        "warnings": [reasons[number] for number in result["warnings"]],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "text": reason.text.wire(),
        "because": {name: _fact_value(value) for name, value in reason.because.items()},
        "reference": _reference(reason.reference),
        "review": reason.review,
    }


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


def _need(need: PatientNeed, vocabulary: Vocabulary, said: _Said) -> dict[str, Any]:
    within = [_within(norm) for norm in need.within]
    return {
        "capability": need.capability,
        "label": vocabulary.capabilities[need.capability].label.wire(),
        "strength": need.strength,
        "reasons": said.these(need.reasons),
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


def _candidate(candidate: Candidate, said: _Said) -> dict[str, Any]:
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
        "travel": travel_record(travel) if travel else None,
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
        "criteria": [
            {"id": name, "value": list(value) if isinstance(value, tuple) else value}
            for name, value in candidate.criteria
        ],
        "reasons": said.these(candidate.reasons),
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


def _all_ruled_out(places: Iterable[RuledOut], said: _Said) -> list[dict[str, Any]]:
    # many places fail for the same reasons, and share them
    why: dict[int, tuple[list[int], list[int]]] = {}
    found = []
    for facility, travel, failed, would_change in places:
        if (both := why.get(id(failed))) is None:
            both = why[id(failed)] = (said.these(failed), said.words(would_change))
        found.append(
            {
                "facility": {"id": facility.id, "name": facility.name, "kind": facility.kind, "city": facility.city},
                "travel": travel_record(travel),
                "failed": both[0],
                "would_change": both[1],
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
