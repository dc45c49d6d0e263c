"""The names on the wire of what became of decisions, and of reports about that."""

from __future__ import annotations

from typing import Any, Literal

from api.schemas import Answer, Level, Words


class Note(Answer):
    """What was allowed and is said all the same."""

    code: str
    text: Words


class Outcome(Answer):
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


class PlaceAnswer(Answer):
    """What the place where the patient goes said last."""

    event: Literal["confirmed", "refused"]
    reason: str | None
    at: str
    told_by: Literal["place", "desk"] | None


class DestinationState(Answer):
    """Where the patient goes or went; `counting` are the outcomes that this rests on, `corrected` those that were
    corrected, with the one that did so."""

    status: Literal["active", "revoked", "completed"]
    place: str | None
    since: str | None
    answer: PlaceAnswer | None
    counting: list[str]
    corrected: dict[str, str]


class OutcomeList(Answer):
    """What was recorded of a decision, the newest first, and where that leaves the patient."""

    decision: str
    state: DestinationState
    outcomes: list[Outcome]


class CountsOf(Answer):
    """In how many decisions something was so (null is none: no place of the directory, no region), how many of these
    have an outcome, and how many were overridden. The share is of those with an outcome, and lies between `low` and
    `high` with 95 per cent certainty; these three are null where there are too few. A count below `few` is null."""

    value: str | None
    decisions: int | None
    with_outcome: int | None
    overridden: int | None
    share: float | None
    low: float | None
    high: float | None


class OverriddenOf(Answer):
    """How many were overridden with this value: a reason, a place that was chosen, another urgency (`higher`, `lower`,
    `same`; null where nobody gave one)."""

    value: str | None
    overridden: int | None


class RuleOverrules(Answer):
    """What was counted of the decisions in which a rule fired, or of all."""

    rule: str | None
    decisions: int
    with_outcome: int
    overridden: int
    share: float | None
    low: float | None
    high: float | None
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


class ReasonCount(Answer):
    """How often a reason was given, null if few; no reason is null."""

    reason: str | None
    count: int | None


class PlaceArrivals(Answer):
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


class Period(Answer):
    """From when (included) until when (not included)."""

    since: str
    until: str


class Overrules(Answer):
    """Which rules were overridden, the one that certainly was most first. Of erased decisions only their number is
    left; damaged ones count nowhere, and the first are named."""

    period: Period
    region: str | None
    decisions: int
    erased: int
    damaged: int
    damaged_ids: list[str]
    least_for_a_share: int
    few: int
    all: RuleOverrules
    rules: list[NamedRuleOverrules]
    places: list[PlaceArrivals]
