"""What is recorded of an access: who did what with the data of which patient, when, on whose behalf, and from where.

After NEN 7513 as far as it is known (`docs/reference/access-log.md`). Nothing in it says who the patient is: patients
are pseudonyms, users are ids that only the client can resolve, and of a search only coded values are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from routing.errors import BadRecord, bad_input
from routing.log.canonical import canonical, plain
from routing.vocabulary import Text

ACCESS_VERSION = 1
SUBJECTS_MOST = 200
"""An access to more patients or decisions than this is written as several events."""

OUTCOMES = ("ok", "refused", "failed")
"""It was done; it was not allowed; it was allowed, and what was asked for is not there or cannot be read."""

SYSTEMS = ("api", "command line", "server")
"""By which door; `server`: nobody asked, the server did it by itself."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event: its action (C create, R read, U update, D delete, E execute), and what a patient is told."""

    action: str
    text: Text


def _kind(action: str, nl: str, en: str) -> EventKind:
    return EventKind(action, Text(nl=nl, en=en))


EVENTS: Mapping[str, EventKind] = {
    "create": _kind("C", "Advies gevraagd en vastgelegd", "Asked for advice, which was recorded"),
    "read": _kind("R", "Uw gegevens bekeken", "Looked at your data"),
    "search": _kind("E", "Gezocht, en uw gegevens gevonden", "Searched, and found your data"),
    "export": _kind("R", "Uw gegevens buiten Wegwijs gebracht", "Took your data out of Wegwijs"),
    "replay": _kind("E", "Uw advies nagerekend", "Calculated your advice again"),
    "correct": _kind("U", "Vastgelegd wat er van uw advies werd", "Recorded what became of your advice"),
    "erase": _kind("D", "Uw gegevens gewist", "Erased your data"),
    "verify": _kind("E", "Nagegaan of uw gegevens ongewijzigd zijn", "Checked that your data were not changed"),
    "read_access_log": _kind("R", "Bekeken wie uw gegevens zag", "Looked at who saw your data"),
    "export_access_log": _kind("R", "Een kopie gemaakt van wie uw gegevens zag", "Copied who saw your data"),
    "prune_access_log": _kind("D", "Oude regels hierover verwijderd", "Removed old lines about this"),
    "sign_in": _kind("E", "Aangemeld", "Signed in"),
    "sign_out": _kind("E", "Afgemeld", "Signed out"),
}
"""Every event that can stand in the log; there is no other."""

PURPOSES: Mapping[str, Text] = {
    "care": Text(nl="voor uw zorg", en="for your care"),
    "control": Text(nl="voor toezicht en controle", en="for supervision and checks"),
    "patient_request": Text(nl="omdat u daarom vroeg", en="because you asked for it"),
    "records": Text(nl="voor het beheer van het dossier", en="to manage the record"),
}

_CARE_ROLES = frozenset({"triagist", "ambulance"})
_ALWAYS_FOR = {
    **dict.fromkeys(("create", "correct"), "care"),
    **dict.fromkeys(("erase", "prune_access_log"), "records"),
    **dict.fromkeys(("verify", "read_access_log", "export_access_log"), "control"),
}


def purpose_of(event: str, roles: frozenset[str]) -> str:
    """Why somebody with `roles` does `event`, as far as that can be told: nobody asks them."""
    return _ALWAYS_FOR.get(event) or ("care" if roles & _CARE_ROLES else "control")


# -- who ---------------------------------------------------------------------------------------------------------------

_OPAQUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_PATIENT = re.compile(r"[0-9a-f]{32}")
_CALL = re.compile(r"[A-Za-z0-9/{}_ .-]{1,100}")
_ORGANISATION = re.compile(r"\S[^\x00-\x1f\x7f]{0,99}")
_CRITERION = re.compile(r"[a-z][a-z_]{0,30}")
_CODED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,99}")

OPAQUE_ALLOWED = "1 to 64 letters, digits, `.`, `_`, `:` or `-`; never a name, and never a BSN"


def opaque_id(name: str, given: str) -> str:
    """`given` if it can be the id of a user. Raises BadInput that names `name` and does not repeat what was given:
    it may be what it should not be."""
    if not _OPAQUE.fullmatch(given):
        raise bad_input(name, "not_an_id", "is not an id of a user", allowed=OPAQUE_ALLOWED)
    if looks_like_bsn(given):
        raise bad_input(name, "may_be_bsn", "may be a BSN, which is never recorded here", allowed=OPAQUE_ALLOWED)
    return given


def looks_like_bsn(text: str) -> bool:
    """Whether `text`, without dots and hyphens, is nine digits (or eight) that pass the test of eleven."""
    digits = re.sub(r"[.:_-]", "", text)
    if not re.fullmatch(r"[0-9]{8,9}", digits):
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(w * int(d) for w, d in zip(weights, digits.zfill(9), strict=True)) % 11 == 0 and int(digits) > 0


def is_pseudonym(text: str) -> bool:
    """Whether `text` has the form of the pseudonym of a patient."""
    return _PATIENT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data: the pseudonym of the patient and the id of the decision, as far as they are known."""

    patient: str | None = None
    decision: UUID | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Who did it: the id of the API key (None at the server itself), its organisation and roles, and, as the client
    says them, who sat there and on whose behalf."""

    key: UUID | None
    organisation: str | None
    roles: frozenset[str]
    user: str | None
    responsible: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """From where: which door, which call or command, and the id of the request."""

    system: str
    call: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One access. `found` counts what a search found (0 too); `criteria` are the names of what was searched by, each
    with its value where that is coded. Raises ValueError for what may not stand in the log."""

    id: UUID
    at: datetime
    event: str
    outcome: str
    purpose: str
    user: User
    source: Source
    subjects: tuple[Subject, ...] = ()
    found: int | None = None
    criteria: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A mistake of the code that notes an access must not become a line that holds too much."""
        if wrong := [name for name, right in _checks(self) if not right]:
            raise ValueError(f"an access cannot be recorded with such {', '.join(wrong)}")

    @property
    def action(self) -> str:
        """C, R, U, D or E."""
        return EVENTS[self.event].action


def _checks(event: AccessEvent) -> tuple[tuple[str, bool], ...]:
    user, source = event.user, event.source
    return (
        ("a time", event.at.tzinfo is not None),
        ("an event", event.event in EVENTS and event.outcome in OUTCOMES and event.purpose in PURPOSES),
        ("subjects", len(event.subjects) <= SUBJECTS_MOST),
        ("patients", all(_fits(_PATIENT, each.patient) for each in event.subjects)),
        ("a user", _fits(_OPAQUE, user.user) and _fits(_OPAQUE, user.responsible)),
        ("an organisation", _fits(_ORGANISATION, user.organisation)),
        ("a source", source.system in SYSTEMS and _fits(_CALL, source.call) and _fits(_OPAQUE, source.request_id)),
        ("a count", event.found is None or (isinstance(event.found, int) and event.found >= 0)),
        ("criteria", all(map(_CRITERION.fullmatch, event.criteria))),
        ("coded values", all(_fits(_CODED, value) for value in event.criteria.values())),
    )


def _fits(pattern: re.Pattern[str], text: str | None) -> bool:
    return text is None or pattern.fullmatch(text) is not None


# -- as it is written --------------------------------------------------------------------------------------------------


def access_entry(event: AccessEvent) -> bytes:
    """The canonical entry of `event`."""
    return canonical(access_record(event))


def access_record(event: AccessEvent) -> dict[str, Any]:
    """`event` as plain values."""
    user, source = event.user, event.source
    return {
        "version": ACCESS_VERSION,
        "id": str(event.id),
        "at": event.at.isoformat(),
        "event": event.event,
        "action": event.action,
        "outcome": event.outcome,
        "purpose": event.purpose,
        "subjects": [{"patient": each.patient, "decision": _text(each.decision)} for each in event.subjects],
        "found": event.found,
        "criteria": dict(event.criteria),
        "user": {
            "key": _text(user.key),
            "organisation": user.organisation,
            "roles": sorted(user.roles),
            "user": user.user,
            "responsible": user.responsible,
        },
        "source": {"system": source.system, "call": source.call, "request_id": source.request_id},
    }


def read_access(entry: bytes) -> AccessEvent:
    """The event that `entry` was written of. Raises BadRecord if it is not what `access_entry` writes."""
    record = plain(entry)
    try:
        event = _event_of(record)
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord("an entry of the access log cannot be read") from error
    if access_entry(event) != entry:
        raise BadRecord("an entry of the access log is not as it was written")
    return event


def _event_of(record: Mapping[str, Any]) -> AccessEvent:
    user, source = record["user"], record["source"]
    return AccessEvent(
        id=UUID(record["id"]),
        at=datetime.fromisoformat(record["at"]),
        event=record["event"],
        outcome=record["outcome"],
        purpose=record["purpose"],
        user=User(_id(user["key"]), user["organisation"], frozenset(user["roles"]), user["user"], user["responsible"]),
        source=Source(source["system"], source["call"], source["request_id"]),
        subjects=tuple(Subject(each["patient"], _id(each["decision"])) for each in record["subjects"]),
        found=record["found"],
        criteria=record["criteria"],
    )


def _text(given: UUID | None) -> str | None:
    return None if given is None else str(given)


def _id(given: str | None) -> UUID | None:
    return None if given is None else UUID(given)
