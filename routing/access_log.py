"""Who did what with the data of patients: noted with everything that shows or changes them, and shown to who asks.

`note` is called within the transaction of what it is about, so that nothing is shown and nothing changed that is not
noted: where the log cannot be written there is no answer either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from routing.errors import BadRecord, Erased, NotFound, bad_input
from routing.formats.audit_event import audit_event
from routing.keys_here import ACCESS_LOG, checked_keyring, origin_of
from routing.log.access import (
    EVENTS,
    PURPOSES,
    SUBJECTS_MOST,
    AccessEvent,
    Source,
    Subject,
    User,
    access_record,
    is_pseudonym,
    looks_like_bsn,
    purpose_of,
    read_access,
)
from routing.log.sealing import pseudonym
from routing.rights import Asker
from routing.store import accesses as store
from routing.store import database
from routing.world import World

KEPT_YEARS = 5
"""The least that an entry is kept, from when it was written (NEN 7513)."""

REMOVED_AT_ONCE = 2_000

Read = TypeVar("Read")


# -- noting ------------------------------------------------------------------------------------------------------------


def note(
    connection: database.Connection,
    asker: Asker,
    event: str,
    now: datetime,
    *,
    subjects: Sequence[Subject] = (),
    found: int | None = None,
    criteria: Mapping[str, str | None] | None = None,
    outcome: str = "ok",
    purpose: str | None = None,
) -> None:
    """Note in the transaction of `connection` that `asker` does `event`. `subjects` are the patients and decisions that
    it is about; `found` counts what a search found, also if that is nothing; `criteria` names what was searched by,
    with values only where they are codes."""
    user, source = _user(asker), _source(asker)
    why = purpose or purpose_of(event, asker.roles)
    parts = [tuple(subjects[at : at + SUBJECTS_MOST]) for at in range(0, len(subjects), SUBJECTS_MOST)] or [()]
    for part in parts:
        store.append(
            connection, AccessEvent(uuid7(), now, event, outcome, why, user, source, part, found, dict(criteria or {}))
        )


def noted(world: World, asker: Asker, event: str, decision: UUID, read: Callable[[database.Connection], Read]) -> Read:
    """What `read` gives of a decision, noted as `event` in the same transaction; that it is not there, was erased or is
    damaged is noted as well. Raises what `read` raises, and StoreUnavailable: then nothing was shown."""
    with database.writing(world.engine) as connection:
        about = store.subjects_of(connection, [decision])
        try:
            found = read(connection)
        except (NotFound, Erased, BadRecord) as error:
            fault = error
        else:
            note(connection, asker, event, world.clock(), subjects=about)
            return found
        note(connection, asker, event, world.clock(), subjects=about, outcome="failed")
    raise fault


def begun(world: World, asker: Asker, event: str, criteria: Mapping[str, str | None]) -> None:
    """Note that `asker` begins something that goes through many decisions, chosen by `criteria`. Raises
    StoreUnavailable: then it must not begin."""
    with database.writing(world.engine) as connection:
        note(connection, asker, event, world.clock(), criteria=criteria)


def refused(world: World, asker: Asker, event: str, decision: str | None = None) -> None:
    """Note that `asker` was not allowed to do `event`, with the decision that it would have been about if there is
    such an id. Raises StoreUnavailable."""
    asked = uuid_of(decision)
    with database.writing(world.engine) as connection:
        about = store.subjects_of(connection, [] if asked is None else [asked])
        note(connection, asker, event, world.clock(), subjects=about, outcome="refused")


def _user(asker: Asker) -> User:
    key = UUID(asker.key_id) if asker.key_id else None
    return User(key, asker.organisation, asker.roles, asker.user, asker.responsible)


def _source(asker: Asker) -> Source:
    system = "server" if asker.by_itself else "api" if asker.key_id else "command line"
    # a client chooses the id of its request: one that may be a BSN is not worth a line with a BSN in it
    given = asker.request_id
    return Source(system, asker.source, None if given is None or looks_like_bsn(given) else given)


def uuid_of(text: str | None) -> UUID | None:
    """The id of a decision that `text` is, or None."""
    try:
        found = UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None
    return found if str(found) == text else None


def patient_of(world: World, reference: str) -> str:
    """The pseudonym under which the patient of `reference` (the client's number of the case) is known here. Raises
    BadInput, StoreUnavailable."""
    try:
        reference.encode()
    except UnicodeEncodeError:
        raise bad_input("reference", "not_text", "is not text", allowed="1 to 200 characters") from None
    with database.reading(world.engine) as connection:
        return pseudonym(checked_keyring(world, connection).naming, reference)


# -- showing -----------------------------------------------------------------------------------------------------------


def accesses(
    world: World, asker: Asker, *, cursor: str | None = None, limit: int = 50, **filters: Any
) -> dict[str, Any]:
    """Accesses, the newest first: `{"accesses": [...], "next"}`. `filters`: `patient` (pseudonym) or `reference` (the
    client's number of the case), `decision`, `user`, `key`, `event`, `since`, `until`. That somebody looked is noted
    too. Raises BadInput, BadRecord, StoreUnavailable."""
    events, following = _page(world, asker, cursor, limit, _wanted(world, filters), None)
    return {"accesses": [access_record(event) for event in events], "next": following}


def patient_view(
    world: World, asker: Asker, reference: str, *, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """What the patient of `reference` may know, the newest first: `{"accesses": [{at, what, why, who, decisions,
    outcome}], "next"}`. Nothing of another patient is in it. Raises BadInput, BadRecord, StoreUnavailable."""
    wanted = _wanted(world, {"reference": reference})
    events, following = _page(world, asker, cursor, limit, wanted, "patient_request")
    return {"accesses": [_for_patient(event, wanted.patient) for event in events], "next": following}


def _page(
    world: World, asker: Asker, cursor: str | None, limit: int, wanted: store.Wanted, purpose: str | None
) -> tuple[list[AccessEvent], str | None]:
    after = store.position(cursor) if cursor is not None else None
    with database.writing(world.engine) as connection:
        found = [read_access(entry) for entry in store.search(connection, wanted, after, limit + 1)]
        shown = found[:limit]
        _note_reading(connection, world, asker, "read_access_log", wanted, len(shown), purpose)
    more = len(found) > limit
    return shown, store.cursor((shown[-1].at, shown[-1].id)) if more else None


def _for_patient(event: AccessEvent, patient: str | None) -> dict[str, Any]:
    own = [each.decision for each in event.subjects if each.patient == patient]
    return {
        "at": event.at.isoformat(),
        "event": event.event,
        "outcome": event.outcome,
        "what": EVENTS[event.event].text.wire(),
        "why": PURPOSES[event.purpose].wire(),
        "organisation": event.user.organisation,
        "roles": sorted(event.user.roles),
        "user": event.user.user,
        "responsible": event.user.responsible,
        "decisions": [str(decision) for decision in own if decision is not None],
    }


def _wanted(world: World, filters: Mapping[str, Any]) -> store.Wanted:
    given = {name: value for name, value in filters.items() if value is not None}
    reference = given.pop("reference", None)
    if reference is not None:
        if "patient" in given:
            message = "stands beside `patient`, and both say whose data are meant"
            raise bad_input("reference", "contradiction", message, allowed="one of the two")
        given["patient"] = patient_of(world, reference)
    if "patient" in given and not is_pseudonym(given["patient"]):
        raise bad_input("patient", "not_a_pseudonym", "is not a pseudonym", allowed="32 hexadecimal digits")
    for name in ("decision", "key"):
        if name in given:
            given[name] = _id_given(name, given[name])
    if "event" in given and given["event"] not in EVENTS:
        raise bad_input("event", "unknown_value", "is not an event", given["event"], ", ".join(EVENTS))
    return store.Wanted(**given)


def _id_given(name: str, text: str) -> UUID:
    found = uuid_of(text)
    if found is None:
        raise bad_input(name, "not_an_id", "is not such an id", allowed="a UUID, as it was answered")
    return found


def _note_reading(
    connection: database.Connection,
    world: World,
    asker: Asker,
    event: str,
    wanted: store.Wanted,
    found: int,
    purpose: str | None = None,
) -> None:
    named = wanted.patient is not None or wanted.decision is not None
    about = (Subject(wanted.patient, wanted.decision),) if named else ()
    note(
        connection,
        asker,
        event,
        world.clock(),
        subjects=about,
        found=found,
        criteria=_criteria(wanted),
        purpose=purpose,
    )


def _criteria(wanted: store.Wanted) -> dict[str, str | None]:
    """What was asked by. Patient and decision stand among the subjects; an id of a user is not repeated: what is typed
    into a filter may be anything."""
    values = {
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "event": wanted.event,
        "key": str(wanted.key) if wanted.key else None,
    }
    names = [name for name in store.Wanted.__dataclass_fields__ if getattr(wanted, name) is not None]
    return {name: values.get(name) for name in names}


# -- exporting ---------------------------------------------------------------------------------------------------------


def export(world: World, asker: Asker, **filters: Any) -> Iterator[bytes]:
    """Accesses as FHIR R4 AuditEvent, one a line, the oldest first; as many as there are, but never many in memory.
    What comes in while it runs is not in it. `filters` as of `accesses`. That it was exported, and how many entries,
    is noted before the first line. Raises BadInput, StoreUnavailable, and while it runs BadRecord, StoreUnavailable."""
    wanted = _wanted(world, {"until": world.clock(), **{name: of for name, of in filters.items() if of is not None}})
    with database.writing(world.engine) as connection:
        _note_reading(connection, world, asker, "export_access_log", wanted, store.count(connection, wanted))
        observer = origin_of(connection, ACCESS_LOG)
    return _lines(world, wanted, observer)


def _lines(world: World, wanted: store.Wanted, observer: str) -> Iterator[bytes]:
    after = None
    while True:
        with database.reading(world.engine) as connection:
            batch = list(store.oldest_first(connection, wanted, after))
        for _, entry in batch:
            yield orjson.dumps(audit_event(read_access(entry), observer)) + b"\n"
        if len(batch) < store.BATCH:
            return
        after = batch[-1][0]


# -- forgetting --------------------------------------------------------------------------------------------------------


def prune(world: World, asker: Asker, before: datetime, *, dry_run: bool = True) -> dict[str, Any]:
    """Remove the oldest entries, as far as all of them are older than `before`, or only count them (`dry_run`):
    `{"before", "dry_run", "entries", "first_at", "last_at"}`. It is noted before it is done. Nothing younger than
    KEPT_YEARS is ever removed. Raises BadInput, StoreUnavailable."""
    now = world.clock()
    youngest = _years_before(now, KEPT_YEARS)
    if before > youngest:
        message = f"is less than {KEPT_YEARS} years ago, and so long every entry is kept"
        raise bad_input("before", "too_young", message, before.isoformat(), f"{youngest.isoformat()} or earlier")
    with database.writing(world.engine) as connection:
        found = store.oldest(connection, before)
        if not dry_run:
            criteria = {"before": before.isoformat(), "below": str(found.below)}
            note(connection, asker, "prune_access_log", now, found=found.count, criteria=criteria)
    if not dry_run:
        _remove(world, found.below)
    return {
        "before": before.isoformat(),
        "dry_run": dry_run,
        "entries": found.count,
        "first_at": found.first_at.isoformat() if found.first_at else None,
        "last_at": found.last_at.isoformat() if found.last_at else None,
    }


def _remove(world: World, below: int) -> None:
    # in small parts: nobody waits long, and what was begun is finished by doing it again
    removed = REMOVED_AT_ONCE
    while removed == REMOVED_AT_ONCE:
        with database.writing(world.engine) as connection:
            removed = store.remove(connection, below, REMOVED_AT_ONCE)


def _years_before(moment: datetime, years: int) -> datetime:
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - years, day=day)
