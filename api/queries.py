"""What may stand in the address of a call, read as strictly as a body: nothing is guessed and nothing is dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from api.schemas import Level
from routing.errors import BadInput, Fault, NotFound, shown
from routing.log.access import EVENTS, OPAQUE_ALLOWED

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_INSTANT = re.compile(
    r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_PLACE = re.compile(r"(-?[0-9]{1,2}(?:\.[0-9]{1,8})?),(-?[0-9]{1,3}(?:\.[0-9]{1,8})?)")

Model = TypeVar("Model", bound=BaseModel)


def identifier(what: str, given: str) -> str:
    """`given` if it can be the id of a `what`. Raises NotFound otherwise, so that odd bytes never reach the store."""
    if not _IDENTIFIER.fullmatch(given):
        raise NotFound(what, shown(given))
    return given


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


def _revision(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,8}", value):
        return int(value)
    raise ValueError("is not the number of a revision")


def _size(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,17}", value):
        return int(value)
    raise ValueError("is not a number of entries")


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9_.,]{1,500}", value):
        return tuple(value.split(","))
    raise ValueError("are not names with commas between them")


_MOMENT_SCHEMA = {"type": "string", "format": "date-time"}

Size = Annotated[
    int, BeforeValidator(_size), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 999_999_999_999_999_999})
]
Withhold = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"type": "string", "pattern": "^[a-z0-9_.,]{1,500}$"}),
]
Revision = Annotated[
    int, BeforeValidator(_revision), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 999_999_999})
]
EventId = Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,40}$")]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema(_MOMENT_SCHEMA)]
Place = Annotated[
    tuple[float, float], BeforeValidator(_place), WithJsonSchema({"type": "string", "pattern": f"^{_PLACE.pattern}$"})
]
Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 200})]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9_-]{0,127}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
AnyRuleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_/-]{0,127}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Names = Annotated[str, StringConstraints(pattern=r"^[a-z:,]{1,400}$")]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~:=-]{1,200}$")]

NEVER_REPEATED = frozenset({"reference", "patient", "user", "password", "new_password"})
"""What may say who somebody is does not come back in a problem."""

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
    rule: RuleName | None = Field(None, description="a rule as in reasons: acute-nl/stemi-to-pci")
    outcome: Literal["accepted", "overridden", "none"] | None = Field(None, description="accepted, overridden or none")
    reason: Word | None = Field(None, description="the code of a reason to override (/v1/vocabulary)")
    channel: Word | None = Field(None, description="a channel (/v1/vocabulary)")
    ruleset: Digest | None = Field(None, description="the digest of a ruleset (/v1/rulesets)")


class FiguresQuery(BaseModel):
    """What `GET /v1/figures` may be asked: `since` is included, `until` is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Instant | None = Field(None, description=_TIME_ALLOWED)
    until: Instant | None = Field(None, description=_TIME_ALLOWED)
    by: Names | None = Field(None, description="names with commas between, two together with a colon: urgency,hour")


def _event(value: Any) -> str:
    if not isinstance(value, str) or value not in EVENTS:
        raise ValueError("is not an event")
    return value


class AccessFilters(BaseModel):
    """By what accesses can be searched: `since` is included, `until` is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient: Pseudonym | None = Field(None, description="a pseudonym: 32 hexadecimal digits")
    decision: Id | None = Field(None, description="the id of a decision")
    user: UserId | None = Field(None, description=OPAQUE_ALLOWED)
    key: Id | None = Field(None, description="the id of an API key")
    event: Annotated[str, BeforeValidator(_event), WithJsonSchema({"enum": list(EVENTS)})] | None = Field(
        None, description=", ".join(EVENTS)
    )
    since: Instant | None = Field(None, description=_TIME_ALLOWED)
    until: Instant | None = Field(None, description=_TIME_ALLOWED)


class AccessQuery(AccessFilters, _Query):
    """What `GET /v1/accesses` may be asked. The number of a case is patient data, and no part of an address."""


class PageQuery(_Query):
    """What a list may be asked that is only read page by page."""


class EventQuery(BaseModel):
    """What a stream of events may be asked; the header `Last-Event-ID` says the same and goes before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    last_event_id: EventId | None = Field(None, description="the `id` of the last event that was seen")


class FacilityQuery(_Query):
    """What `GET /v1/facilities` may be asked; with `near`, the nearest come first."""

    capability: Word | None = Field(None, description="a capability (/v1/vocabulary)")
    kind: Word | None = Field(None, description="a kind of facility (/v1/vocabulary)")
    region: Name | None = Field(None, description="a region of any kind, by name or like hollands-midden")
    near: Place | None = Field(None, description="latitude,longitude in degrees: 52.0907,5.1214")
    status: Literal["stop", "no_stop", "unknown"] | None = Field(None, description="stop, no_stop or unknown")
    unit: Word | None = Field(None, description="the unit that `status` is about (/v1/vocabulary)")
    at: Instant | None = Field(None, description=_TIME_ALLOWED)
    revision: Revision | None = Field(None, description="a revision of the directory: 1, 2, 3, ...")


class ConsistencyQuery(BaseModel):
    """What `GET /v1/log/consistency` may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Size = Field(alias="from", description="a number of entries that the log had: 1, 2, 3, ...")
    last: Size | None = Field(None, alias="to", description="a number of entries, not less than `from`")


class CapsuleQuery(BaseModel):
    """What `GET /v1/decisions/{id}/capsule` may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    withhold: Withhold = Field((), description="names with commas between them: patient, or location,age ...")


class OverrulesQuery(BaseModel):
    """What `GET /v1/reports/overrules` may be asked: `since` is included, `until` is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Instant | None = Field(None, description=_TIME_ALLOWED)
    until: Instant | None = Field(None, description=_TIME_ALLOWED)
    rule: AnyRuleName | None = Field(None, description="the id of a rule, with or without the name of its ruleset")
    region: Name | None = Field(None, description="a region, by name or like hollands-midden")


class NoQuery(BaseModel):
    """What all other calls may be asked: nothing."""

    model_config = ConfigDict(extra="forbid")


def query(model: type[Model]) -> Model:
    """The query of this request as `model`. Raises BadInput that names each parameter that is not right."""
    given = request.args.to_dict(flat=False)
    twice = [
        Fault(shown(name), "given_twice", f"the parameter `{shown(name)}` stands here more than once", None, "once")
        for name, values in given.items()
        if len(values) > 1
    ]
    return checked(model, {name: values[0] for name, values in given.items()}, twice)


def checked(model: type[Model], given: Mapping[str, Any], faults: Sequence[Fault] = ()) -> Model:
    """`given` as `model`. Raises BadInput with `faults` and every fault that is found."""
    found = list(faults)
    try:
        made = model.model_validate(given)
    except ValidationError as error:
        found += [_fault(model, problem) for problem in error.errors(include_url=False)]
        raise BadInput(tuple(found)) from None
    if found:
        raise BadInput(tuple(found))
    return made


def _fault(model: type[BaseModel], problem: Mapping[str, Any]) -> Fault:
    name = str(shown(str(problem["loc"][0])))
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    if problem["type"] == "extra_forbidden":
        known = ", ".join(fields) or "no parameters"
        return Fault(name, "unknown_parameter", f"there is no parameter `{name}` here", None, known)
    allowed = fields[name].description
    if problem["type"] == "missing":
        return Fault(name, "missing", f"the parameter `{name}` is needed", None, allowed)
    if name in NEVER_REPEATED:
        return Fault(name, "wrong_value", f"what was given cannot be used for `{name}`", None, allowed)
    value = shown(problem["input"])
    return Fault(name, "wrong_value", f"`{value}` cannot be used for `{name}`", value, allowed)
