"""Erases what is known of a patient: the log still says that there was a decision, and nothing says what it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing.access_log import note
from routing.errors import BadInput, Fault, NotFound, bad_input
from routing.keys_here import keyring_of
from routing.log.entry import DECISIONS_LOG, erasure_entry
from routing.log.record import SOFTWARE
from routing.log.sealing import pseudonym
from routing.rights import Asker, who
from routing.service import as_id
from routing.store import database, erasing, log
from routing.store.accesses import subjects_of
from routing.store.erasing import Erasable
from routing.world import World

WHY = ("patient_request", "retention", "wrong_patient", "court_order", "test_data")
"""Why something is erased: a code, as it stands in the log for ever and may tell nothing of the patient."""

HOLDS = ("claim", "complaint", "investigation", "court_order")
"""Why a decision must not be erased for now."""

DESPITE_HOLD = "court_order"
NOBODY = Asker("", "a policy of retention", frozenset())
"""Who erases where a policy demands it."""

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What would be erased (`decisions`, the oldest first, not yet erased), what was erased before, and what must not
    be."""

    decisions: Sequence[Erasable]
    erased: Sequence[Erasable]
    held: Sequence[Erasable]

    @property
    def outcomes(self) -> int:
        """How many outcomes would be erased."""
        return sum(len(each.outcomes) for each in self.decisions)


def decisions_of(world: World, *, reference: str | None = None, patient: str | None = None) -> list[str]:
    """The ids of the decisions about the case with this reference, or the patient with this pseudonym; those that were
    erased cannot be found any more. Raises KeysUnusable, StoreUnavailable."""
    if (name := pseudonym(keyring_of(world).naming, reference) if reference is not None else patient) is None:
        return []
    with database.reading(world.engine) as connection:
        return list(map(str, erasing.of_patient(connection, name)))


def look(world: World, decision_ids: Sequence[str], why: str) -> Found:
    """What `erase` would do with these. Raises BadInput, NotFound, StoreUnavailable."""
    ids = _checked(decision_ids, why)
    with database.reading(world.engine) as connection:
        return _sorted_out([each for part in _parts(ids) for each in _all(connection, part, lock=False)], why)


def erase(world: World, decision_ids: Sequence[str], why: str, asker: Asker) -> list[dict[str, Any]]:
    """Erase these decisions with all their outcomes, for a reason of WHY: each is said as `{"decision", "erased_at",
    "outcomes"}`, the oldest first. What was erased before stays as it is, and nothing is added about it. Raises
    BadInput if one of them is held: then none is erased; NotFound, StoreUnavailable."""
    ids = _checked(decision_ids, why)
    with database.writing(world.engine) as connection:
        done = erase_within(connection, ids, why, asker, world.clock())
    settle(world)
    return done


def erase_within(
    connection: database.Connection, ids: Sequence[UUID], why: str, asker: Asker | None, now: datetime
) -> list[dict[str, Any]]:
    """`erase`, in the transaction of `connection`; nobody asks for what a policy demands."""
    # whoever indexes decisions by rule holds this lock too: what is erased must not be entered behind our back
    log.lock(connection, DECISIONS_LOG)
    found = _sorted_out([each for part in _parts(ids) for each in _all(connection, part, lock=True)], why)
    if found.held:
        raise BadInput(tuple(map(_held, found.held)))
    about = subjects_of(connection, [each.id for each in found.decisions])
    note(connection, asker or NOBODY, "erase", now, subjects=about)
    for each in found.decisions:
        erasure = _erasure(each, why, asker, now)
        log.add(connection, DECISIONS_LOG, UUID(erasure["id"]), "erasure", erasure_entry(erasure), now, each.id)
    for start in range(0, len(found.decisions), AT_ONCE):
        erasing.empty(connection, found.decisions[start : start + AT_ONCE], now)
    done = [_said(each, each.erased_at or now) for each in (*found.decisions, *found.erased)]
    return sorted(done, key=lambda each: str(each["decided_at"]))


def settle(world: World) -> bool:
    """Let nothing of what was erased stay behind in files beside the database; whether that is certain. Where others
    still read an older state it is not, until a later erasure or the end of the server."""
    return database.empty_write_ahead(world.engine)


def _checked(decision_ids: Sequence[str], why: str) -> list[UUID]:
    if why not in WHY:
        raise bad_input("why", "unknown_value", "is not a reason to erase", why, ", ".join(WHY))
    return [as_id("decision", each) for each in dict.fromkeys(decision_ids)]


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _all(connection: database.Connection, ids: Sequence[UUID], *, lock: bool) -> Sequence[Erasable]:
    found = erasing.erasable(connection, ids, lock=lock)
    if missing := set(ids) - {each.id for each in found}:
        raise NotFound("decision", str(min(missing)))
    return found


def _sorted_out(found: Sequence[Erasable], why: str) -> Found:
    left = [each for each in found if each.erased_at is None]
    return Found(
        [each for each in left if each.held is None or why == DESPITE_HOLD],
        [each for each in found if each.erased_at is not None],
        [each for each in left if each.held is not None and why != DESPITE_HOLD],
    )


def _held(each: Erasable) -> Fault:
    message = f"decision `{each.id}` must not be erased for now ({each.held})"
    return Fault("decision", "held", message, None, f"`wegwijs retention release`, or the reason {DESPITE_HOLD}")


def _erasure(each: Erasable, why: str, asker: Asker | None, now: datetime) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "at": now.isoformat(),
        "asker": who(asker),
        "software": SOFTWARE,
        "decision": str(each.id),
        "why": why,
    }


def _said(each: Erasable, at: datetime) -> dict[str, Any]:
    return {
        "decision": str(each.id),
        "decided_at": each.decided_at.isoformat(),
        "erased_at": at.isoformat(),
        "outcomes": len(each.outcomes),
    }
