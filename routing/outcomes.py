"""What became of a decision: accepted, or overridden for a coded reason, and where the patient went instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from uuid_utils.compat import uuid7

from routing.access_log import note, noted
from routing.directory_here import newest_directory
from routing.errors import BadInput, Fault, shown
from routing.facilities.status import units_with_beds
from routing.keys_here import checked_keyring
from routing.log.canonical import plain
from routing.log.record import SOFTWARE
from routing.log_here import add, make_ready, record_of, records_of
from routing.rights import Asker, who
from routing.rules_here import in_force
from routing.service import as_id
from routing.store import database, decisions, outcomes, reservations
from routing.store.accesses import subjects_of
from routing.world import World

OUTCOME_VERSION = 1
COMMENT_MOST = 500

By = Literal["triagist", "nurse", "paramedic", "doctor"]
CLINICIANS = ("nurse", "paramedic", "doctor")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    outcome: Literal["accepted", "overridden"]
    by: By
    reason: str | None = None
    comment: str | None = Field(None, min_length=1, max_length=COMMENT_MOST)
    destination: str | None = None


def record_outcome(world: World, decision_id: str, body: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
    """Record what became of a decision; an earlier outcome stays, and the newest counts. `body`: `outcome` (accepted,
    overridden), `by` (the function of who decides, never a name), and if overridden `reason` (a code under
    `override_reasons` of the vocabulary), `comment` where that code needs one, and `destination` (id of a place; null
    is no place of the directory). Raises BadInput, NotFound, Erased, BadRecord, StoreUnavailable."""
    decision = as_id("decision", decision_id)
    with database.reading(world.engine) as connection:  # shows nothing yet: what is done is noted below
        entry = plain(record_of(world, connection, "decision", decision))
    given = _read(body)
    directory, now = newest_directory(world), world.clock()
    recommended = entry["result"]["recommendation"]["facility"]["id"]
    faults = [*_faults(world, given)]
    if given.destination is not None and given.destination not in directory.by_id:
        message = "is not a place of the directory"
        faults.append(Fault("destination", "unknown_facility", message, shown(given.destination), "/v1/facilities"))
    if faults:
        raise BadInput(tuple(faults))
    destination = recommended if given.outcome == "accepted" else given.destination
    outcome = {
        "version": OUTCOME_VERSION,
        "id": str(uuid7()),
        "decision": decision_id,
        "recorded_at": now.isoformat(),
        **{name: getattr(given, name) for name in ("outcome", "by", "reason", "comment")},
        "recommended": recommended,
        "destination": destination,
        "asker": who(asker),
        "software": SOFTWARE,
    }
    with database.writing(world.engine) as connection:
        add(connection, make_ready(checked_keyring(world, connection), "outcome", outcome), now)
        row = outcomes.Row(
            id=UUID(outcome["id"]),
            decision_id=decision,
            recorded_at=now,
            event="decided",
            outcome=given.outcome,
            reason=given.reason,
            facility_id=destination,
            key_id=UUID(asker.key_id),
        )
        outcomes.append(connection, row)
        decisions.show_newest_outcome(connection, decision)
        # the patient is now on the way to where it was decided, and no longer to where it was advised
        reservations.release(connection, decision)
        if destination is not None:
            reporting = units_with_beds(directory.status.get(destination, ()))
            if units := sorted(reporting & {*_units(world, entry)}):
                reservations.reserve(connection, decision, destination, units, now)
        note(connection, asker, "correct", now, subjects=subjects_of(connection, [decision]))
    return outcome


def outcomes_of(world: World, decision_id: str, asker: Asker) -> dict[str, Any]:
    """What was recorded of a decision, the newest first: `{"decision", "outcomes": [...]}`. That `asker` read it is
    noted. Raises NotFound, Erased, BadRecord, StoreUnavailable."""
    decision = as_id("decision", decision_id)

    def read(connection: database.Connection) -> list[Any]:
        record_of(world, connection, "decision", decision)
        ids = outcomes.of_decision(connection, decision)
        found = records_of(world, connection, ids)
        return [plain(found[each]) for each in ids if each in found]

    return {"decision": decision_id, "outcomes": noted(world, asker, "read", decision, read)}


def _read(body: Mapping[str, Any]) -> _Body:
    try:
        return _Body.model_validate(body)
    except ValidationError as error:
        raise BadInput(tuple(_shape_faults(error))) from error


_ALLOWED = {
    "outcome": "accepted, overridden",
    "by": f"triagist, {', '.join(CLINICIANS)}: the function, never a name",
    "comment": f"1 to {COMMENT_MOST} characters, nothing that says who the patient is",
    "destination": "the id of a place, or null",
}


def _shape_faults(error: ValidationError) -> Iterator[Fault]:
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        allowed = ", ".join(_Body.model_fields) if problem["type"] == "extra_forbidden" else _ALLOWED.get(name)
        # a comment is not repeated: it may say more than it should
        seen = None if name == "comment" else shown(problem["input"])
        yield Fault(name, problem["type"], problem["msg"], seen, allowed)


def _faults(world: World, given: _Body) -> Iterator[Fault]:
    reasons = world.words.override_reasons
    if given.outcome == "accepted":
        for name in ("reason", "destination"):
            if (seen := getattr(given, name)) is not None:
                yield Fault(name, "not_overridden", "belongs to what is overridden", shown(seen), "nothing, or null")
        return
    reason = reasons.get(given.reason or "")
    if reason is None:
        yield Fault("reason", "unknown_reason", "is not a reason", shown(given.reason), ", ".join(reasons))
        return
    if reason.comment and given.comment is None:
        yield Fault("comment", "comment_needed", f"`{given.reason}` needs a comment", None, _ALLOWED["comment"])
    if reason.clinician and given.by not in CLINICIANS:
        message = f"`{given.reason}` is for a clinician to say"
        yield Fault("by", "clinician_needed", message, given.by, ", ".join(CLINICIANS))


def _units(world: World, entry: Mapping[str, Any]) -> Iterator[str]:
    """The units of a place that matter to what the patient needs."""
    stops = in_force(world, world.clock()).selection.stops
    needs = {need["capability"] for need in entry["result"]["needs"]}
    for unit, capabilities in stops.units.items() if stops is not None else ():
        if needs & {*capabilities}:
            yield unit
