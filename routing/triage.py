"""From the rules that fired to how urgent it is, what may be behind it, what is needed, and what to ask next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal, NamedTuple

from routing.case import Case, facts_seen
from routing.facilities.opening import night, office_hours
from routing.questions import OpenQuestion, open_questions
from routing.rules.evaluation import Evaluation, Evaluators
from routing.rules.rule import Facts, FactValue, Interval, Need, Reference, Rule, Status, Strength
from routing.rules.ruleset import Norm, Ruleset
from routing.vocabulary import AMBULANCES, URGENCIES, Text

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: the rule or criterion, a sentence for the reader, the facts that were seen, and on whose authority.

    `review` is `pending` as long as no clinician accepted the rule; it is None where there is nothing to accept.
    """

    rule: str
    text: Text
    because: Mapping[str, FactValue] = field(default_factory=dict)
    reference: Reference | None = None
    review: Literal["pending", "accepted"] | None = None


@dataclass(frozen=True, slots=True)
class Urgency:
    """How urgent: `rank` 0-5 for U0-U5, and within how many minutes care must begin (None: the next working day)."""

    rank: int
    deadline_minutes: int | None
    reasons: tuple[Reason, ...]

    @property
    def level(self) -> str:
        """`U0` to `U5`."""
        return URGENCIES[self.rank]


@dataclass(frozen=True, slots=True)
class SuspectedCondition:
    """A condition that may be behind it."""

    code: str
    status: Status
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Which ambulance urgency, and whether a mobile medical team goes along; None: no rule said so."""

    ambulance: str | None
    mmt: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PatientNeed:
    """A capability that the patient needs, with all norms that were asked for and all reasons.

    `bypass_minutes`: required while it costs at most so many minutes more than the nearest place that meets all else.
    """

    capability: str
    strength: Strength
    within: tuple[Norm, ...]
    reasons: tuple[Reason, ...]
    bypass_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Triage:
    """The answer before any place is looked at; `time_critical` names the suspected national conditions.

    `questions_left` says how many open questions there are beyond those in `open_questions`.
    """

    urgency: Urgency
    conditions: tuple[SuspectedCondition, ...]
    dispatch: Dispatch
    needs: tuple[PatientNeed, ...]
    open_questions: tuple[OpenQuestion, ...]
    warnings: tuple[Reason, ...]
    evaluation: Evaluation
    time_critical: tuple[str, ...]
    questions_left: int = 0


class Concluded(NamedTuple):
    """What was concluded of a case, without reasons: the urgency (`U1`), the status of each condition, the strength of
    each need, and the ambulance."""

    urgency: str
    conditions: Mapping[str, Status]
    needs: Mapping[str, Strength]
    ambulance: str | None
    mmt: bool


def concluded_in(triaged: Triage) -> Concluded:
    """What was concluded by `triaged`."""
    return Concluded(
        triaged.urgency.level,
        {found.code: found.status for found in triaged.conditions},
        {need.capability: need.strength for need in triaged.needs},
        triaged.dispatch.ambulance,
        triaged.dispatch.mmt,
    )


def concluded_by(fired: Sequence[Rule], ruleset: Ruleset) -> Concluded:
    """What follows from `fired` rules of `ruleset`, without the reasons, which take longer to find."""
    evaluation = Evaluation(facts={}, fired=tuple(fired), possible=(), engine=None, reference=frozenset())
    reasons = dict.fromkeys((rule.id for rule in fired), _NO_REASON)
    dispatch = _dispatch(fired, reasons)
    return Concluded(
        _urgency(evaluation, reasons, ruleset).level,
        {found.code: found.status for found in _conditions(fired, reasons)},
        {need.capability: need.strength for need in _needs(fired, reasons, ruleset)},
        dispatch.ambulance,
        dispatch.mmt,
    )


def triaged_again(triaged: Triage, fired: Sequence[Rule], facts: Facts, ruleset: Ruleset) -> Triage:
    """`triaged` as it would be if these rules had `fired` on these `facts`, without the reasons; open questions, and
    the rules that more knowledge could make fire, stay what they were."""
    evaluation = replace(triaged.evaluation, fired=tuple(fired), facts=facts)
    ids = frozenset(rule.id for rule in fired)
    reasons = {rule.id: Reason(f"{ruleset.name}/{rule.id}", rule.text) for rule in fired}
    conditions = tuple(_conditions(fired, reasons))
    return replace(
        triaged,
        urgency=_urgency(evaluation, reasons, ruleset),
        conditions=conditions,
        dispatch=_dispatch(fired, reasons),
        needs=tuple(_needs(fired, reasons, ruleset)),
        warnings=tuple(reasons[rule.id] for rule in fired if rule.warning),
        evaluation=replace(evaluation, engine=ids, reference=ids),
        time_critical=_time_critical(conditions, ruleset),
    )


_NO_REASON = Reason("", Text("", ""))


def facts_of(case: Case, now: datetime, holidays: frozenset[date]) -> dict[str, FactValue]:
    """Everything that rules may ask about `case` at `now`: what was observed, who it is, what time it is."""
    facts: dict[str, FactValue] = dict(facts_seen(case))
    years, months = case.age_years, case.age_months
    if years is None and months is not None:
        years = int(months // MONTHS)
    if years is not None:
        facts["age_years"] = years
        if months is not None or years != int(years):
            facts["age_months"] = months if months is not None else int(years * MONTHS)
        else:
            facts["age_months"] = Interval(int(years) * MONTHS, int(years) * MONTHS + MONTHS - 1)
    facts["office_hours"] = office_hours(now, holidays)
    facts["night"] = night(now)
    return facts


def triage(case: Case, evaluators: Evaluators, now: datetime, holidays: frozenset[date]) -> Triage:
    """Triage `case` at `now`."""
    ruleset = evaluators.ruleset
    evaluation = evaluators.evaluate(facts_of(case, now, holidays), now)
    reasons = {rule.id: reason_of(rule, evaluators, evaluation) for rule in evaluation.fired}
    urgency = _urgency(evaluation, reasons, ruleset)
    conditions = tuple(_conditions(evaluation.fired, reasons))
    needs = tuple(_needs(evaluation.fired, reasons, ruleset))
    most = ruleset.selection.open_questions_most
    questions, left = open_questions(evaluators, evaluation, urgency.rank, most)
    return Triage(
        urgency=urgency,
        conditions=conditions,
        dispatch=_dispatch(evaluation.fired, reasons),
        needs=needs,
        open_questions=questions,
        questions_left=left,
        warnings=tuple(reasons[rule.id] for rule in evaluation.fired if rule.warning),
        evaluation=evaluation,
        time_critical=_time_critical(conditions, ruleset),
    )


def _time_critical(conditions: Iterable[SuspectedCondition], ruleset: Ruleset) -> tuple[str, ...]:
    national = ruleset.vocabulary.conditions
    return tuple(dict.fromkeys(code for found in conditions if (code := national[found.code].time_critical)))


def reason_of(rule: Rule, evaluators: Evaluators, evaluation: Evaluation) -> Reason:
    """Why a fired `rule` counts."""
    because = {
        name: URGENCIES[value] if name == "urgency" and isinstance(value, int) else value
        for name, value in evaluators.seen(rule, evaluation).items()
    }
    name = f"{evaluators.ruleset.name}/{rule.id}"
    return Reason(name, rule.text, because, rule.reference, "accepted" if rule.accepted else "pending")


def _urgency(evaluation: Evaluation, reasons: Mapping[str, Reason], ruleset: Ruleset) -> Urgency:
    ranks = {rule.id: rule.urgency for rule in evaluation.fired if rule.urgency is not None}
    if not ranks:
        rank = ruleset.default_urgency
        default = Reason(f"{ruleset.name}/default-urgency", ruleset.default_text, review="pending")
        return Urgency(rank, ruleset.deadlines[URGENCIES[rank]], (default,))
    rank = min(ranks.values())
    why = tuple(reasons[key] for key, found in ranks.items() if found == rank)
    return Urgency(rank, ruleset.deadlines[URGENCIES[rank]], why)


def _conditions(fired: Iterable[Rule], reasons: Mapping[str, Reason]) -> Iterable[SuspectedCondition]:
    by_code: dict[str, list[Rule]] = {}
    for rule in fired:
        if rule.condition is not None:
            by_code.setdefault(rule.condition, []).append(rule)
    for code, rules in by_code.items():
        status: Status = "suspected" if any(rule.status == "suspected" for rule in rules) else "possible"
        yield SuspectedCondition(code, status, tuple(reasons[rule.id] for rule in rules))


def _dispatch(fired: Sequence[Rule], reasons: Mapping[str, Reason]) -> Dispatch:
    asked = [rule for rule in fired if rule.ambulance is not None]
    teams = [rule for rule in fired if rule.mmt]
    ambulance = min((str(rule.ambulance) for rule in asked), key=AMBULANCES.index, default=None)
    why = dict.fromkeys(rule.id for rule in (*(rule for rule in asked if rule.ambulance == ambulance), *teams))
    return Dispatch(ambulance, bool(teams), tuple(reasons[key] for key in why))


def _needs(fired: Iterable[Rule], reasons: Mapping[str, Reason], ruleset: Ruleset) -> Iterable[PatientNeed]:
    """United: required beats preferred, all norms of what is required count, all reasons are kept."""
    found: dict[str, list[tuple[Need, str]]] = {}
    for rule in fired:
        for need in rule.needs:
            found.setdefault(need.capability, []).append((need, rule.id))
    for capability, asked in found.items():
        strength: Strength = "required" if any(need.strength == "required" for need, _ in asked) else "preferred"
        counting = [(need, key) for need, key in asked if need.strength == strength]
        keys = dict.fromkeys(need.within for need, _ in counting if need.within is not None)
        norms = tuple(ruleset.norms[key] for key in keys)
        why = dict.fromkeys(key for _, key in (*counting, *asked))
        limits = [need.bypass_minutes for need, _ in counting]
        yield PatientNeed(capability, strength, norms, tuple(reasons[key] for key in why), widest(limits))


def widest(limits: Sequence[int | None]) -> int | None:
    """The most generous of the bypass limits; None, no limit, is the widest of all."""
    known = [limit for limit in limits if limit is not None]
    return max(known) if len(known) == len(limits) else None
