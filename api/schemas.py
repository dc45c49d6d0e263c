"""The names on the wire: what may stand in a query, and what every answer holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from routing.errors import BadInput, Fault, NotFound, shown

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_INSTANT = re.compile(
    r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_PLACE = re.compile(r"(-?[0-9]{1,2}(?:\.[0-9]{1,8})?),(-?[0-9]{1,3}(?:\.[0-9]{1,8})?)")

Model = TypeVar("Model", bound=BaseModel)

Level = Literal["U0", "U1", "U2", "U3", "U4", "U5"]


def identifier(what: str, given: str) -> str:
    """`given` if it can be the id of a `what`. Raises NotFound otherwise, so that odd bytes never reach the store."""
    if not _IDENTIFIER.fullmatch(given):
        raise NotFound(what, shown(given))
    return given


# What may stand in a query.


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("is not a time with an offset")
    return datetime.fromisoformat(value).astimezone(UTC)


def _place(value: Any) -> tuple[float, float]:
    found = _PLACE.fullmatch(value) if isinstance(value, str) else None
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise ValueError("is not a latitude and a longitude")
    return float(found[1]), float(found[2])


def _count(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}", value) and 1 <= int(value) <= 200:
        return int(value)
    raise ValueError("is not such a number")


Instant = Annotated[datetime, BeforeValidator(_instant)]
Place = Annotated[tuple[float, float], BeforeValidator(_place)]
Count = Annotated[int, BeforeValidator(_count)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~:=-]{1,200}$")]

_TIME_ALLOWED = "a time with offset: 2026-11-21T20:04:00Z, or with +01:00 (write the plus in an address as %2B)"


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: Cursor | None = Field(None, description="`next` of the page before")
    limit: Count = Field(50, description="a whole number from 1 to 200")


class DecisionQuery(_Query):
    """What `GET /v1/decisions` may be asked: `since` is included, `until` is not."""

    since: Instant | None = Field(None, description=_TIME_ALLOWED)
    until: Instant | None = Field(None, description=_TIME_ALLOWED)
    urgency: Level | None = Field(None, description="U0, U1, U2, U3, U4 or U5")
    condition: Word | None = Field(None, description="the code of a condition (/v1/vocabulary)")
    facility: Word | None = Field(None, description="the id of a facility (/v1/facilities)")


class FacilityQuery(_Query):
    """What `GET /v1/facilities` may be asked; with `near`, the nearest come first."""

    capability: Word | None = Field(None, description="a capability (/v1/vocabulary)")
    kind: Word | None = Field(None, description="a kind of facility (/v1/vocabulary)")
    region: Name | None = Field(
        None, description="an ambulance region or acute-care network, by name or like hollands-midden"
    )
    near: Place | None = Field(None, description="latitude,longitude in degrees: 52.0907,5.1214")


class NoQuery(BaseModel):
    """What all other calls may be asked: nothing."""

    model_config = ConfigDict(extra="forbid")


def query(model: type[Model]) -> Model:
    """The query of this request as `model`. Raises BadInput that names each parameter that is not right."""
    given = request.args.to_dict(flat=False)
    faults = [
        Fault(shown(name), "given_twice", f"the parameter `{shown(name)}` stands here more than once", None, "once")
        for name, values in given.items()
        if len(values) > 1
    ]
    try:
        found = model.model_validate({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        faults += [_fault(model, problem) for problem in error.errors(include_url=False)]
        raise BadInput(tuple(faults)) from None
    if faults:
        raise BadInput(tuple(faults))
    return found


def _fault(model: type[BaseModel], problem: Mapping[str, Any]) -> Fault:
    name = str(shown(str(problem["loc"][0])))
    if problem["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields) or "no parameters"
        return Fault(name, "unknown_parameter", f"there is no parameter `{name}` here", None, known)
    value = shown(problem["input"])
    allowed = model.model_fields[name].description
    return Fault(name, "wrong_value", f"`{value}` cannot be used for `{name}`", value, allowed)


# What every answer holds.


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
    """What is known of a place at this moment, from whom and how old that is."""

    unit: str
    kind: str
    value: Any
    source: str | None
    observed_at: str | None
    age_minutes: float | None


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
    """A recorded decision in a list."""

    id: str
    decided_at: str
    urgency: Level
    conditions: list[str]
    facility: str | None
    channel: str | None
    supersedes: str | None


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


class FacilityPage(_Answer):
    """Places of the directory; `next` is the cursor of the following page."""

    facilities: list[dict[str, Any]]
    next: str | None
    directory_revision: int


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
