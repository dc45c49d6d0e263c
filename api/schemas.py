"""The names on the wire: what every answer holds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Level = Literal["U0", "U1", "U2", "U3", "U4", "U5"]


class _Answer(BaseModel):
    """Strict on purpose: tests hold every answer against these, so that none says more or less than is documented."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Words(_Answer):
    """A text for a reader, in Dutch and in English."""

    nl: str
    en: str


class Reference(_Answer):
    """Where something is written, and whether the authors of the rule have read that source itself."""

    title: str
    href: str | None
    section: str | None
    source_read: Literal["read", "partly", "not"]


class Reason(_Answer):
    """Why something was concluded: which rule, in words, with what was seen, where that is written, and whether a
    clinician has accepted the rule."""

    rule: str
    text: Words
    because: dict[str, Any]
    reference: Reference | None
    review: Literal["pending", "accepted"] | None


class Urgency(_Answer):
    """How urgent, and within how many minutes care must begin (none: the next working day)."""

    level: Level
    deadline_minutes: int | None
    reasons: list[Reason]


class ConcludedCondition(_Answer):
    """An illness or injury that the facts point to."""

    code: str
    label: Words
    status: Literal["suspected", "possible"]
    time_critical: str | None
    reasons: list[Reason]


class Dispatch(_Answer):
    """Which ambulance, and whether the mobile medical team goes along."""

    ambulance: str | None
    mmt: bool
    reasons: list[Reason]


class Within(_Answer):
    """A limit in minutes between two moments, and the norm that it comes from."""

    minutes: int
    clock_start: str
    clock_end: str
    norm: str
    label: Words
    legal_status: str


class Need(_Answer):
    """What the place of care must be able to do, or had better be able to do."""

    capability: str
    label: Words
    strength: Literal["required", "preferred"]
    reasons: list[Reason]
    within: Within | None
    all_norms: list[Within]
    bypass_limit_minutes: int | None


class FacilityName(_Answer):
    """A place, as it is named in an answer."""

    id: str
    name: str
    kind: str
    city: str | None


class Destination(_Answer):
    """Where to go; without id it is no place in the directory (the own huisarts)."""

    id: str | None
    name: str
    kind: str
    city: str | None
    label: Words


class Travel(_Answer):
    """Whole minutes of travel, certainly between `low` and `high`."""

    minutes: int
    low: int
    high: int
    method: str


class NormMet(_Answer):
    """Whether a norm is met (`met` is null when the travel time straddles it), with how many minutes to spare;
    `clock_known` is false when nobody said when its clock began and it was counted from now."""

    id: str
    met: bool | None
    verdict: Literal["met", "not_met", "uncertain"]
    margin_minutes: int
    elapsed_minutes: int
    clock_known: bool


class StatusFact(_Answer):
    """What is known of a place at this moment, from whom, how old that is and whether it is still relied on."""

    unit: str
    kind: str
    value: Any
    source: str | None
    observed_at: str | None
    age_minutes: int | None
    bed: str | None
    reason: str | None
    since: str | None
    expected_end: str | None
    fresh: bool | None


class Criterion(_Answer):
    """One part of the order in which places were ranked."""

    id: str
    value: int | str | list[int]


class Candidate(_Answer):
    """A place that the patient can go to, with everything that put it at this rank."""

    rank: int
    facility: Destination
    travel: Travel | None
    arrival_at: str | None
    norms: list[NormMet]
    status: list[StatusFact]
    criteria: list[Criterion]
    reasons: list[Reason]


class RuledOut(_Answer):
    """A place within reach that is not a candidate, with all criteria that it failed and what would change that."""

    facility: FacilityName
    travel: Travel
    failed: list[Reason]
    would_change: list[Words]


class OpenQuestion(_Answer):
    """A fact that nobody gave and that could change the answer."""

    fact: str
    question: Words
    type: Literal["boolean", "number", "choice", "time"]
    unit: str | None
    could_change: list[str]


class Confidence(_Answer):
    """How firmly the answer stands."""

    badge: Literal["certain", "sensitive", "call_first"]
    because: list[Reason]


class RulesetName(_Answer):
    """Which rules decided."""

    name: str
    version: str
    digest: str


class RegionName(_Answer):
    """Whose agreements decided with the rules."""

    name: str
    version: str


class Provenance(_Answer):
    """With what the answer was made."""

    ruleset: RulesetName
    region: RegionName | None
    vocabulary: str
    directory_revision: int
    travel: str
    evaluators_agree: bool
    software: str


class Decision(_Answer):
    """The whole answer to a case; a preview has no `id`."""

    id: str | None
    decided_at: str
    supersedes: str | None
    urgency: Urgency
    conditions: list[ConcludedCondition]
    dispatch: Dispatch | None
    needs: list[Need]
    recommendation: Candidate | None
    alternatives: list[Candidate]
    ruled_out: list[RuledOut]
    open_questions: list[OpenQuestion]
    open_questions_left: int
    confidence: Confidence
    warnings: list[Reason]
    provenance: Provenance


class DecisionSummary(_Answer):
    """A recorded decision in a list, with its newest outcome; of one that was erased conditions, facility, channel and
    reason are gone."""

    id: str
    decided_at: str
    urgency: Level
    conditions: list[str]
    facility: str | None
    channel: str | None
    supersedes: str | None
    outcome: Literal["accepted", "overridden"] | None
    reason: str | None
    erased: bool


class DecisionPage(_Answer):
    """Recorded decisions, newest first; `next` is the cursor of the following page."""

    decisions: list[DecisionSummary]
    next: str | None


class Difference(_Answer):
    """One thing that is not the same any more."""

    path: str
    then: Any
    now: Any


class Replay(_Answer):
    """Whether the same facts, rules and directory still give the same answer."""

    id: str
    identical: bool
    differences: list[Difference]
    ruleset: str
    directory_revision: int


class Note(_Answer):
    """What was allowed and is said all the same."""

    code: str
    text: Words


class Outcome(_Answer):
    """What became of a decision. What does not belong to the event, or was not known to the version, is null."""

    version: int
    id: str
    decision: str
    recorded_at: str
    event: Literal["decided", "arrived", "confirmed", "refused", "cancelled", "withdrawn"]
    corrects: str | None
    at: str
    outcome: Literal["accepted", "overridden"] | None
    by: Literal["triagist", "nurse", "paramedic", "doctor"] | None
    reason: str | None
    comment: str | None
    urgency: Level | None
    recommended: str | None
    destination: str | None
    facility: str | None
    told_by: Literal["place", "desk"] | None
    notes: list[Note]
    asker: dict[str, Any]
    software: str | None


class PlaceAnswer(_Answer):
    """What the place where the patient goes said last."""

    event: Literal["confirmed", "refused"]
    reason: str | None
    at: str
    told_by: Literal["place", "desk"] | None


class DestinationState(_Answer):
    """Where the patient goes or went; `counting` are the outcomes that this rests on, `corrected` those that were
    corrected, with the one that did so."""

    status: Literal["active", "revoked", "completed"]
    place: str | None
    since: str | None
    answer: PlaceAnswer | None
    counting: list[str]
    corrected: dict[str, str]


class OutcomeList(_Answer):
    """What was recorded of a decision, the newest first, and where that leaves the patient."""

    decision: str
    state: DestinationState
    outcomes: list[Outcome]


class Erasure(_Answer):
    """A decision of which nothing about the patient is left, and of how many outcomes."""

    decision: str
    decided_at: str
    erased_at: str
    outcomes: int


class FiguresPart(_Answer):
    """Decisions counted by one thing, or two together; `n` is null where two together are fewer than five."""

    by: list[str]
    rows: list[dict[str, str | int | None]]


class Figures(_Answer):
    """How many decisions there were, and how many more were erased."""

    since: str | None
    until: str | None
    decisions: int
    erased: int
    figures: list[FiguresPart]


class Counts(_Answer):
    """In how many decisions something was so, how many of these have an outcome, and how many were overridden. The
    share is of those with an outcome, and lies between `low` and `high` with 95 per cent certainty; all three are null
    where there are too few."""

    decisions: int
    with_outcome: int
    overridden: int
    share: float | None
    low: float | None
    high: float | None


class CountsOf(Counts):
    """The same for one value; null is none (no place of the directory, no region)."""

    value: str | None


class OverriddenOf(_Answer):
    """How many were overridden with this value: a reason, a place that was chosen, another urgency (`higher`, `lower`,
    `same`; null where nobody gave one)."""

    value: str | None
    overridden: int


class RuleOverrules(Counts):
    """What was counted of the decisions in which a rule fired, or of all."""

    rule: str | None
    by_reason: list[OverriddenOf]
    by_chosen: list[OverriddenOf]
    by_urgency: list[OverriddenOf]
    by_ruleset: list[CountsOf]
    by_region: list[CountsOf]
    by_recommended: list[CountsOf]
    by_block: list[CountsOf]


class NamedRuleOverrules(RuleOverrules):
    """The same, with what the rule says; null if no ruleset that is installed has it."""

    text: Words | None


class ReasonCount(_Answer):
    """How often a reason was given; null is no reason."""

    reason: str | None
    count: int


class PlaceArrivals(_Answer):
    """Arrivals at a place: all, those while it had a stop, after it had refused, where nobody had chosen it; `in_spite`
    of a stop or refusal, for which reasons; and what it refused."""

    place: str
    arrivals: int
    had_stop: int
    had_refused: int
    not_chosen: int
    in_spite: int
    refusals: int
    in_spite_for: list[ReasonCount]
    refused_for: list[ReasonCount]


class Period(_Answer):
    """From when (included) until when (not included)."""

    since: str
    until: str


class Overrules(_Answer):
    """Which rules were overridden, the one that certainly was most first. Of erased decisions only their number is
    left."""

    period: Period
    region: str | None
    decisions: int
    erased: int
    least_for_a_share: int
    all: RuleOverrules
    rules: list[NamedRuleOverrules]
    places: list[PlaceArrivals]


class FacilityPage(_Answer):
    """Places of the directory; `next` is the cursor of the following page."""

    facilities: list[dict[str, Any]]
    next: str | None
    directory_revision: int


class FacilityStatus(_Answer):
    """What goes on at one place now."""

    facility: str
    status: list[dict[str, Any]]
    directory_revision: int


class StatusTaken(_Answer):
    """What became of reports: the subjects (unit/kind/bed) that were taken in, were known already, are older than what
    is known, or change too often to be relied on."""

    facility: str
    directory_revision: int
    taken: list[str]
    known: list[str]
    older: list[str]
    damped: list[str]


class FacilityHistory(_Answer):
    """What was changed and reported of one place, the newest first."""

    facility: str
    changes: list[dict[str, Any]]
    next: str | None


class PublicPlace(_Answer):
    """What everybody may know of a place; null is unknown."""

    id: str
    name: str
    kind: str
    city: str
    open: bool | None
    waiting_minutes: int | None
    crowding: Words | None
    stop: bool | None
    stop_text: Words | None
    age_minutes: int | None


class PublicCapacity(_Answer):
    """How busy places are, as of a whole minute."""

    as_of: str
    facilities: list[PublicPlace]


class VocabularyAnswer(_Answer):
    """All words that a case may use."""

    digest: str
    vocabulary: dict[str, Any]


class RulesetSummary(_Answer):
    """A ruleset in a list."""

    name: str
    version: str
    digest: str
    title: Words
    effective_from: str
    in_force: bool


class RulesetPage(_Answer):
    """The rulesets that are known here."""

    rulesets: list[RulesetSummary]


class FieldError(_Answer):
    """One field that cannot be accepted."""

    field: str
    code: str
    message: str
    value: Any
    allowed: str | None


class Problem(_Answer):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    advice: Words
    errors: list[FieldError] = []
