"""What counts of all that was recorded of a decision, and whether the patient is on the way, there, or goes nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from routing.vocabulary import Text

Event = Literal["decided", "arrived", "confirmed", "refused", "cancelled", "withdrawn"]
EVENTS: tuple[Event, ...] = get_args(Event)
"""What can become of a decision: somebody chose a destination, the patient arrived there, the place said yes or no, the
patient goes nowhere after all; `withdrawn`: what was recorded before never happened."""

Status = Literal["active", "revoked", "completed"]
"""Of a destination, in the words of the Dutch exchange of acute care: on the way, given up, handed over."""

OUTCOME_VERSION = 2
"""In version 1 there was one event, `decided`, and nothing could be corrected."""

NOTES: Mapping[str, Text] = {
    "not_chosen": Text(
        nl="De patiënt is aangekomen op een plek die niemand had gekozen.",
        en="The patient arrived at a place that nobody had chosen.",
    ),
    "same_place": Text(
        nl="Er is anders besloten, maar de plek is die van het advies.",
        en="It was decided otherwise, yet the place is the one that was advised.",
    ),
    "refused_there": Text(
        nl="Deze plek had de patiënt geweigerd.",
        en="This place had refused the patient.",
    ),
    "stop_there": Text(
        nl="Deze plek had toen een stop: zo mogelijk ontzien, niet gesloten.",
        en="There was a stop at this place then: spare it where possible, it is not closed.",
    ),
}
"""What is allowed and said all the same."""

_NEW: Mapping[str, Any] = {
    "event": "decided", "corrects": None, "urgency": None, "facility": None, "told_by": None, "notes": [],
    "software": None,
}  # fmt: skip

Recorded = Mapping[str, Any]
"""The plain record of an outcome, of any version."""


def in_full(record: Recorded) -> dict[str, Any]:
    """`record` with all members of the newest version; what an earlier one did not know is null."""
    return {**_NEW, "at": record["recorded_at"], **record}


def _order(record: Recorded) -> tuple[datetime, str]:
    return datetime.fromisoformat(record["recorded_at"]), record["id"]


def in_order(records: Iterable[Recorded]) -> list[dict[str, Any]]:
    """The outcomes of one decision in full, the oldest first."""
    return sorted(map(in_full, records), key=_order)


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts of the outcomes of one decision: the newest of each event that was not corrected, and of what places
    answered (`confirmed`, `refused`) the newest of each place."""

    decided: Recorded | None = None
    arrived: Recorded | None = None
    cancelled: Recorded | None = None
    answers: Mapping[str, Recorded] = field(default_factory=dict)

    @property
    def counting(self) -> list[Recorded]:
        """All of it, the oldest first."""
        events = [each for each in (self.decided, self.arrived, self.cancelled) if each is not None]
        return sorted((*events, *self.answers.values()), key=_order)

    def refused_by(self, place: str | None) -> bool:
        """Whether the last word of `place` was no."""
        answer = self.answers.get(place) if place is not None else None
        return answer is not None and answer["event"] == "refused"


def corrections(records: Iterable[Recorded]) -> dict[str, str]:
    """Which outcome was corrected by which."""
    return {record["corrects"]: record["id"] for record in in_order(records) if record["corrects"] is not None}


def standing(records: Sequence[Recorded], corrected_now: str | None = None) -> Standing:
    """What counts of the outcomes of one decision, which may come in any order; `corrected_now` is the id of one that
    is about to be corrected."""
    corrected = {*corrections(records), corrected_now}
    last: dict[str, Recorded] = {}
    answers: dict[str, Recorded] = {}
    for record in in_order(records):
        if record["id"] in corrected:
            continue
        if record["event"] in ("confirmed", "refused"):
            answers[record["facility"]] = record
        else:
            last[record["event"]] = record
    return Standing(last.get("decided"), last.get("arrived"), last.get("cancelled"), answers)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the patient goes or went: `place` is None where that is no place of the directory. `since` is when the last
    thing happened that made it so; None: nothing was recorded and the advice stands. `answer` is what that place said
    last."""

    status: Status
    place: str | None
    since: datetime | None
    answer: Recorded | None


def destination(found: Standing, recommended: str | None) -> Destination:
    """Where the outcomes that count leave a patient who was advised to go to `recommended`."""
    if found.arrived is not None:
        place = found.arrived["facility"]
        return Destination("completed", place, _at(found.arrived), found.answers.get(place))
    place = found.decided["destination"] if found.decided is not None else recommended
    answer = found.answers.get(place) if place is not None else None
    if found.cancelled is not None:
        return Destination("revoked", place, _at(found.cancelled), answer)
    # who decides for a place after it refused knows that, and goes there all the same
    later = answer is not None and (found.decided is None or _order(found.decided) < _order(answer))
    if later and found.refused_by(place):
        return Destination("revoked", place, _at(answer), answer)
    return Destination("active", place, _at(found.decided), answer)


def _at(record: Recorded | None) -> datetime | None:
    return None if record is None else datetime.fromisoformat(record["at"])


def shown_state(records: Sequence[Recorded], recommended: str | None) -> dict[str, Any]:
    """The state of the destination as it is answered, with the ids of the outcomes that count."""
    found = standing(records)
    state = destination(found, recommended)
    answer = state.answer
    return {
        "status": state.status,
        "place": state.place,
        "since": state.since.isoformat() if state.since is not None else None,
        "answer": None if answer is None else {key: answer[key] for key in ("event", "reason", "at", "told_by")},
        "counting": [each["id"] for each in found.counting],
        "corrected": corrections(records),
    }


def shown_outcome(record: Recorded) -> dict[str, Any]:
    """One outcome as it is answered: in full, and its notes in words."""
    full = in_full(record)
    return {**full, "notes": [{"code": code, "text": NOTES[code].wire()} for code in full["notes"]]}
