"""What somebody says became of a decision: read strictly, and held against what is known and what was said before."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from routing.case import CLOCK_SKEW
from routing.errors import BadInput, Fault, shown
from routing.outcome_state import EVENTS, Event, Recorded, Standing
from routing.vocabulary import URGENCIES, CodedReason, Vocabulary

COMMENT_MOST = 500

By = Literal["triagist", "nurse", "paramedic", "doctor"]
CLINICIANS = ("nurse", "paramedic", "doctor")

_SHARED = frozenset({"event", "by", "comment", "at", "corrects"})
MEMBERS: Mapping[Event, frozenset[str]] = {
    "decided": _SHARED | {"outcome", "reason", "destination", "urgency"},
    "arrived": _SHARED | {"facility"},
    "confirmed": _SHARED | {"facility"},
    "refused": _SHARED | {"facility", "reason"},
    "cancelled": _SHARED | {"reason"},
    "withdrawn": _SHARED - {"at"},
}
"""Event -> the members that belong to it."""

_NEEDED: Mapping[Event, tuple[str, ...]] = {
    "decided": ("outcome", "by"),
    "arrived": ("at", "facility"),
    "confirmed": ("facility",),
    "refused": ("facility",),
    "cancelled": ("by",),
    "withdrawn": ("corrects",),
}

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
_TIME = "a time with offset, for example 2026-11-21T20:04:00+01:00, from the decision until now"
_ALLOWED: Mapping[str, str] = {
    "event": ", ".join(EVENTS),
    "outcome": "accepted, overridden",
    "by": f"triagist, {', '.join(CLINICIANS)}: the function, never a name",
    "comment": f"1 to {COMMENT_MOST} characters, nothing that says who the patient is",
    "destination": "the id of a place, or null",
    "facility": "the id of a place",
    "urgency": ", ".join(URGENCIES),
    "at": _TIME,
    "corrects": "the id of an earlier outcome of this decision",
}


class Said(BaseModel):
    """The body of an outcome: every member that any event can have."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    event: Event = "decided"
    corrects: str | None = None
    at: str | None = None
    outcome: Literal["accepted", "overridden"] | None = None
    by: By | None = None
    reason: str | None = None
    comment: str | None = Field(None, min_length=1, max_length=COMMENT_MOST)
    urgency: Literal["U0", "U1", "U2", "U3", "U4", "U5"] | None = None
    destination: str | None = None
    facility: str | None = None


def read_said(body: Mapping[str, Any], facility: str | None = None) -> Said:
    """`body` with the members of its event; `facility` is the place that says it, where it does not name itself.
    Raises BadInput."""
    try:
        said = Said.model_validate(body)
    except ValidationError as error:
        raise BadInput(tuple(_shape_faults(error))) from error
    if said.facility is None and facility is not None and "facility" in MEMBERS[said.event]:
        said = said.model_copy(update={"facility": facility})
    if faults := tuple(_member_faults(said)):
        raise BadInput(faults)
    return said


def _shape_faults(error: ValidationError) -> Iterator[Fault]:
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        allowed = ", ".join(Said.model_fields) if problem["type"] == "extra_forbidden" else _ALLOWED.get(name)
        yield Fault(name, problem["type"], problem["msg"], _seen(name, problem["input"]), allowed)


def _seen(name: str, value: Any) -> Any:
    # a comment is not repeated: it may say more than it should
    return None if name == "comment" else shown(value)


def _member_faults(said: Said) -> Iterator[Fault]:
    belongs = MEMBERS[said.event]
    for name in Said.model_fields:
        value = getattr(said, name)
        if value is not None and name not in belongs:
            others = ", ".join(event for event, members in MEMBERS.items() if name in members)
            message = f"does not belong to `{said.event}`"
            yield Fault(name, "not_for_event", message, _seen(name, value), f"nothing; it belongs to: {others}")
    for name in _NEEDED[said.event]:
        if getattr(said, name) is None:
            yield Fault(name, "missing", f"`{said.event}` needs it", None, _ALLOWED[name])
    if said.at is not None and moment_of(said.at) is None:
        yield Fault("at", "wrong_type", "is not a time with an offset from UTC", shown(said.at), _TIME)


def moment_of(text: str) -> datetime | None:
    """The moment that `text` writes; None if it is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


# -- held against what is known ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What an outcome is held against: the words, the places, the moments of now and of the decision, where was advised
    or ever chosen to go (`aimed`), the outcomes that may be corrected (id -> the one that corrected it, or None), and
    what counts before this one, without what it corrects."""

    words: Vocabulary
    places: Collection[str]
    now: datetime
    decided_at: datetime
    aimed: Collection[str]
    correctable: Mapping[str, str | None]
    before: Standing


def faults_of(said: Said, known: Known) -> Iterator[Fault]:
    """Everything that is wrong with what was said."""
    yield from _time_faults(said, known)
    yield from _correction_faults(said, known)
    yield from _place_faults(said, known)
    yield from _reason_faults(said, known.words)
    yield from _contradictions(said, known.before)


def _time_faults(said: Said, known: Known) -> Iterator[Fault]:
    at = moment_of(said.at) if said.at is not None else None
    if at is None:
        return
    if at > known.now + CLOCK_SKEW:
        yield Fault("at", "in_the_future", "this time lies after now", shown(said.at), _TIME)
    elif at < known.decided_at - CLOCK_SKEW:
        message = f"this time lies before the decision ({known.decided_at.isoformat(timespec='seconds')})"
        yield Fault("at", "before_decision", message, shown(said.at), _TIME)


def _correction_faults(said: Said, known: Known) -> Iterator[Fault]:
    if said.corrects is None:
        return
    if said.corrects not in known.correctable:
        message = "is not an outcome of this decision that you may correct"
        yield Fault("corrects", "unknown_outcome", message, shown(said.corrects), _ALLOWED["corrects"])
    elif (newer := known.correctable[said.corrects]) is not None:
        message = "was corrected already; correct what took its place"
        yield Fault("corrects", "corrected_already", message, shown(said.corrects), newer)


def _place_faults(said: Said, known: Known) -> Iterator[Fault]:
    for name in ("destination", "facility"):
        place = getattr(said, name)
        if place is not None and place not in known.places:
            yield Fault(name, "unknown_facility", "is not a place of the directory", shown(place), "/v1/facilities")
        elif place is not None and said.event in ("confirmed", "refused") and place not in known.aimed:
            message = "is not where the patient was advised or chosen to go"
            allowed = ", ".join(sorted(known.aimed)) or "no place: record `decided` first"
            yield Fault(name, "not_destination", message, shown(place), allowed)


def _reason_faults(said: Said, words: Vocabulary) -> Iterator[Fault]:
    if said.event == "decided" and said.outcome == "accepted":
        for name in ("reason", "destination", "urgency"):
            if (seen := getattr(said, name)) is not None:
                yield Fault(name, "not_overridden", "belongs to what is overridden", shown(seen), "nothing, or null")
        return
    reasons = _reasons(said.event, words)
    if reasons is None:
        return
    reason = reasons.get(said.reason or "")
    if reason is None:
        yield Fault("reason", "unknown_reason", "is not a reason", shown(said.reason), ", ".join(reasons))
        return
    if reason.comment and said.comment is None:
        yield Fault("comment", "comment_needed", f"`{said.reason}` needs a comment", None, _ALLOWED["comment"])
    if reason.clinician and said.by not in CLINICIANS:
        message = f"`{said.reason}` is for a clinician to say"
        yield Fault("by", "clinician_needed", message, said.by, ", ".join(CLINICIANS))


def _reasons(event: Event, words: Vocabulary) -> Mapping[str, CodedReason] | None:
    return {
        "decided": words.override_reasons,
        "refused": words.refusal_reasons,
        "cancelled": words.cancel_reasons,
    }.get(event)


def _contradictions(said: Said, before: Standing) -> Iterator[Fault]:
    for event, other, why in (
        ("cancelled", before.arrived, "the patient has arrived"),
        ("arrived", before.cancelled, "it was cancelled"),
        ("confirmed", before.cancelled, "it was cancelled"),
        ("refused", before.cancelled, "it was cancelled"),
    ):
        if said.event == event and other is not None:
            message = f"{why}; if that is wrong, correct it first"
            yield Fault("event", "contradiction", message, said.event, f"`corrects`: `{_id(other)}`, or another event")


def _id(record: Recorded) -> str:
    return str(record["id"])
