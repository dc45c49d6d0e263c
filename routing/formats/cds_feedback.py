"""Reads what a user did with a card of CDS Hooks, and says it as an outcome of the decision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from routing.errors import BadInput, Fault, bad_input, shown
from routing.formats.cds_cards import OVERRIDE, candidates_of, suggestion_id
from routing.formats.cds_request import EXTENSION, Uuid, checked
from routing.vocabulary import Vocabulary

FEEDBACK_MOST = 50

FIELDS: Mapping[str, str] = {
    "outcome": "outcome",
    "at": "outcomeTimestamp",
    "reason": "overrideReason.reason.code",
    "comment": "overrideReason.userComment",
    "destination": "acceptedSuggestions",
    "by": f"extension.{EXTENSION}.by",
}
"""Member of an outcome -> where it stands in feedback."""

NO_REASON = "geen reden opgegeven (CDS Hooks)"
OTHER_CHOSEN = "een ander voorstel van de kaart gekozen, zonder reden (CDS Hooks)"
"""The comments with which `other` is recorded where a client says no reason, as the standard allows."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class AcceptedSuggestion(_Part):
    """A suggestion that was taken."""

    id: Uuid


class ReasonCoding(_Part):
    """Why a card was not followed: a reason of ours, or one of the client's own."""

    code: str = Field(min_length=1, max_length=100)
    system: str | None = Field(None, max_length=200)
    display: str | None = Field(None, max_length=1_000)


class OverrideReason(_Part):
    """Why a card was not followed, with what the user wrote."""

    reason: ReasonCoding | None = None
    user_comment: str | None = Field(None, alias="userComment", min_length=1)


class Feedback(_Part):
    """What a user did with one card. Under `extension` may stand who decided (`by`)."""

    card: Uuid
    outcome: Literal["accepted", "overridden"]
    accepted: list[AcceptedSuggestion] = Field([], alias="acceptedSuggestions", max_length=20)
    why: OverrideReason | None = Field(None, alias="overrideReason")
    at: str = Field(alias="outcomeTimestamp")
    extension: dict[str, Any] = {}


class CdsFeedback(_Part):
    """The body of feedback."""

    feedback: list[Feedback] = Field(min_length=1, max_length=FEEDBACK_MOST)


def read_feedback(body: Mapping[str, Any]) -> list[Feedback]:
    """What `body` says of each card. Raises BadInput that names everything that is wrong; what a user wrote is not
    repeated."""
    return checked(CdsFeedback, body, "").feedback


def outcome_of(told: Feedback, decision: Mapping[str, Any], words: Vocabulary) -> dict[str, Any]:
    """The body of an outcome of `decision`. A suggestion that is not the recommended one is another place than was
    advised, so the advice was overridden. Raises BadInput."""
    if faults := tuple(_faults(told)):
        raise BadInput(faults)
    own = told.extension.get(EXTENSION)
    said = {"outcome": told.outcome, "at": told.at, "by": own.get("by", "triagist") if own else "triagist"}
    if told.outcome == "overridden":
        return {**said, **_reason(told.why, words)}
    candidates = {suggestion_id(decision["id"], each): each for each in candidates_of(decision)}
    chosen = candidates.get(told.accepted[0].id.lower())
    if chosen is None:
        message, allowed = "is not a suggestion of this card", ", ".join(candidates)
        raise bad_input("acceptedSuggestions.0.id", "unknown_suggestion", message, told.accepted[0].id, allowed)
    if chosen["rank"] == 1:
        return said
    reason = {"reason": "other", "comment": OTHER_CHOSEN}
    return {**said, "outcome": "overridden", **reason, "destination": chosen["facility"]["id"]}


def _faults(told: Feedback) -> Iterator[Fault]:
    own = told.extension.get(EXTENSION)
    if own is not None and (not isinstance(own, Mapping) or own.keys() - {"by"}):
        yield Fault(f"extension.{EXTENSION}", "wrong_type", "is an object with `by`", shown(own), "`by`, or nothing")
    if told.outcome == "accepted" and len(told.accepted) != 1:
        message = "an accepted card names the one suggestion that was taken"
        yield Fault("acceptedSuggestions", "missing", message, len(told.accepted), "one suggestion")
    for name, part, belongs in (
        ("acceptedSuggestions", told.accepted, "accepted"),
        ("overrideReason", told.why, "overridden"),
    ):
        if part and told.outcome != belongs:
            yield Fault(name, "not_for_outcome", f"belongs to `{belongs}`", shown(part), "nothing")


def _reason(why: OverrideReason | None, words: Vocabulary) -> dict[str, Any]:
    comment = why.user_comment if why is not None else None
    coding = why.reason if why is not None else None
    if coding is None:
        return {"reason": "other", "comment": comment or NO_REASON}
    if coding.system in (None, OVERRIDE):
        return {"reason": coding.code, "comment": comment}
    # a reason of the client's own: only its code is kept, its words may say more than they should
    safe = re.fullmatch(r"[A-Za-z0-9.\-_]{1,64}", coding.code)
    return {
        "reason": "other",
        "comment": comment or f"eigen reden van het EPD: {coding.code if safe else 'onleesbaar'}",
    }
