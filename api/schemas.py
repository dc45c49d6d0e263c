"""The names on the wire: what every answer holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Level = Literal["U0", "U1", "U2", "U3", "U4", "U5"]


class Answer(BaseModel):
    """Strict on purpose: tests hold every answer against these, so that none says more or less than is documented."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def told_only(*always: str) -> Callable[[dict[str, Any]], None]:
    """For the JSON Schema of an answer of which a member without a value is left out and never null, but for those that
    are `always` there."""

    def tighten(schema: dict[str, Any]) -> None:
        for name, member in schema["properties"].items():
            member.pop("default", None)
            kinds = [kind for kind in member.get("anyOf", ()) if kind != {"type": "null"}]
            if name not in always and len(kinds) == 1:
                del member["anyOf"]
                member.update(kinds[0])
        schema["required"] = sorted({*schema.get("required", ()), *always})

    return tighten


def may_lack(*names: str, null: tuple[str, ...] = ()) -> Callable[[dict[str, Any]], None]:
    """For the JSON Schema of an answer in which `names` may be left out, and are never null but for those in `null`."""

    def tighten(schema: dict[str, Any]) -> None:
        for name in names:
            member = schema["properties"][name]
            del member["default"]
            if name not in null:
                (kind,) = [kind for kind in member.pop("anyOf") if kind != {"type": "null"}]
                member.update(kind)

    return tighten


class Words(Answer):
    """A text for a reader, in Dutch and in English."""

    nl: str
    en: str


class Reference(Answer):
    """Where something is written, and whether the authors of the rule have read that source itself."""

    title: str
    href: str | None
    section: str | None
    source_read: Literal["read", "partly", "not"]


class SeenInterval(Answer):
    """A score of which items are unknown: it lies between these, both included."""

    low: float
    high: float


Seen = bool | int | float | str | SeenInterval | None
"""What was seen of a fact."""


class Reason(Answer):
    """Why something was concluded: which rule, in words, with what was seen, where that is written, and whether a
    clinician has accepted the rule."""

    rule: str
    text: Words
    because: dict[str, Seen]
    reference: Reference | None
    review: Literal["pending", "accepted"] | None


class Urgency(Answer):
    """How urgent, and within how many minutes care must begin (none: the next working day)."""

    level: Level
    deadline_minutes: int | None
    reasons: list[Reason]


class ConcludedCondition(Answer):
    """An illness or injury that the facts point to."""

    code: str
    label: Words
    status: Literal["suspected", "possible"]
    time_critical: str | None
    reasons: list[Reason]


class Dispatch(Answer):
    """Which ambulance, and whether the mobile medical team goes along."""

    ambulance: str | None
    mmt: bool
    reasons: list[Reason]


class Within(Answer):
    """A limit in minutes between two moments, and the norm that it comes from."""

    minutes: int
    clock_start: str
    clock_end: str
    norm: str
    label: Words
    legal_status: str


class Need(Answer):
    """What the place of care must be able to do, or had better be able to do."""

    capability: str
    label: Words
    strength: Literal["required", "preferred"]
    reasons: list[Reason]
    within: Within | None
    all_norms: list[Within]
    bypass_limit_minutes: int | None


class FacilityName(Answer):
    """A place, as it is named in an answer."""

    id: str
    name: str
    kind: str
    city: str | None


class Destination(Answer):
    """Where to go; without id it is no place in the directory (the own huisarts)."""

    id: str | None
    name: str
    kind: str
    city: str | None
    label: Words


class Travel(Answer):
    """Whole minutes of travel, certainly between `low` and `high`."""

    minutes: int
    low: int
    high: int
    method: str


class NormMet(Answer):
    """Whether a norm is met (`met` is null when the travel time straddles it), with how many minutes to spare;
    `clock_known` is false when nobody said when its clock began and it was counted from now."""

    id: str
    met: bool | None
    verdict: Literal["met", "not_met", "uncertain"]
    margin_minutes: int
    elapsed_minutes: int
    clock_known: bool


class BedCounts(Answer):
    """Beds: how many there are, have staff, are in use, are free; what is not reported is left out."""

    model_config = ConfigDict(json_schema_extra=told_only())

    total: int | None = None
    staffed: int | None = None
    occupied: int | None = None
    available: int | None = None


class StatusFact(Answer):
    """What is known of a place at this moment, from whom, how old that is and whether it is still relied on."""

    unit: str
    kind: str
    value: bool | int | BedCounts | None
    source: str | None
    observed_at: str | None
    age_minutes: int | None
    bed: str | None
    reason: str | None
    since: str | None
    expected_end: str | None
    fresh: bool | None


class Criterion(Answer):
    """One part of the order in which places were ranked."""

    id: str
    value: int | str | list[int]


class ClockOnArrival(Answer):
    """Whole minutes on a clock when the patient arrives: what passed since `started_at`, before leaving and on the way;
    a clock of which nobody said when it began is left out."""

    id: Literal["call_to_arrival", "first_contact_to_arrival", "last_seen_well_to_arrival", "onset_to_arrival"]
    started_at: str
    minutes: int
    low: int
    high: int


class Candidate(Answer):
    """A place that the patient can go to, with everything that put it at this rank; `clocks` with rules of format 4."""

    model_config = ConfigDict(json_schema_extra=may_lack("clocks"))

    rank: int
    facility: Destination
    travel: Travel | None
    arrival_at: str | None
    norms: list[NormMet]
    status: list[StatusFact]
    criteria: list[Criterion]
    reasons: list[Reason]
    clocks: list[ClockOnArrival] | None = None


class RuledOut(Answer):
    """A place within reach that is not a candidate, with all criteria that it failed and what would change that."""

    facility: FacilityName
    travel: Travel
    failed: list[Reason]
    would_change: list[Words]


class OpenQuestion(Answer):
    """A fact that nobody gave and that could change the answer."""

    fact: str
    question: Words
    type: Literal["boolean", "number", "choice", "time"]
    unit: str | None
    could_change: list[str]


class Confidence(Answer):
    """How firmly the answer stands."""

    badge: Literal["certain", "sensitive", "call_first"]
    because: list[Reason]


class RulesetName(Answer):
    """Which rules decided."""

    name: str
    version: str
    digest: str


class RegionName(Answer):
    """Whose agreements decided with the rules."""

    name: str
    version: str


class Provenance(Answer):
    """With what the answer was made."""

    ruleset: RulesetName
    region: RegionName | None
    vocabulary: str
    directory_revision: int
    travel: str
    evaluators_agree: bool
    software: str


class BeforeLeaving(Answer):
    """Minutes that pass before the patient leaves: until an ambulance is there, at the scene, or until somebody leaves
    by themselves."""

    id: Literal["response", "on_scene", "leaving"]
    minutes: int


class RunningClock(Answer):
    """A clock, when it began, and the whole minutes that passed on it until the decision."""

    id: Literal["call_to_arrival", "first_contact_to_arrival", "last_seen_well_to_arrival", "onset_to_arrival"]
    started_at: str
    passed: int


class Way(Answer):
    """How the patient travels (`transport` is null where that is not known) and what follows for every place:
    `urgency_factor` is by how much the drive differs from that of a car."""

    transport: str | None
    on_the_way: bool
    before_leaving: list[BeforeLeaving]
    lead_minutes: int
    urgency_factor: float
    clocks: list[RunningClock]


class Station(Answer):
    """Where the helicopter of a mobile medical team stands."""

    id: str
    name: str


class MedicalTeam(Answer):
    """Whole minutes from the alarm until the team is beside the patient, and where that meets them."""

    station: Station
    minutes: int
    low: int
    high: int
    method: str
    meets: Literal["at_scene", "on_the_way", "not_before_arrival"]


class MedicalTeams(Answer):
    """The mobile medical teams, the nearest first, as information: nothing is decided by it."""

    teams: list[MedicalTeam]
    reasons: list[Reason]


class Decision(Answer):
    """The whole answer to a case; a preview has no `id`. `way` and `mmt` are there with rules of format 4, which say
    how patients travel; `mmt` is null where no team goes along."""

    model_config = ConfigDict(json_schema_extra=may_lack("way", "mmt", null=("mmt",)))

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
    way: Way | None = None
    mmt: MedicalTeams | None = None
    open_questions: list[OpenQuestion]
    open_questions_left: int
    confidence: Confidence
    warnings: list[Reason]
    provenance: Provenance


class DecisionSummary(Answer):
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


class DecisionPage(Answer):
    """Recorded decisions, newest first; `next` is the cursor of the following page."""

    decisions: list[DecisionSummary]
    next: str | None


class Difference(Answer):
    """One thing that is not the same any more."""

    path: str
    then: Any
    now: Any


class Replay(Answer):
    """Whether the same facts, rules and directory still give the same answer."""

    id: str
    identical: bool
    differences: list[Difference]
    ruleset: str
    directory_revision: int


class Erasure(Answer):
    """A decision of which nothing about the patient is left, and of how many outcomes."""

    decision: str
    decided_at: str
    erased_at: str
    outcomes: int


class FiguresPart(Answer):
    """Decisions counted by one thing, or two together; `n` is null where two together are fewer than five."""

    by: list[str]
    rows: list[dict[str, str | int | None]]


class Figures(Answer):
    """How many decisions there were, and how many more were erased."""

    since: str | None
    until: str | None
    decisions: int
    erased: int
    figures: list[FiguresPart]


class FieldError(Answer):
    """One field that cannot be accepted: what was seen there and what is allowed, both null where that says nothing."""

    field: str
    code: str
    message: str
    value: bool | int | float | str | None
    allowed: str | None
