"""What became of a decision: accepted or overridden for a coded reason, what the chosen place said, and arrival."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing import repeats
from routing.access_log import note, noted, refused
from routing.directory_here import directory_at, newest_directory
from routing.errors import BadInput, Erased, NotAllowed, NotFound
from routing.facilities.directory import Directory
from routing.facilities.status import units_with_beds
from routing.keys_here import checked_keyring
from routing.log.canonical import canonical, plain
from routing.log.record import SOFTWARE
from routing.log_here import add, make_ready, record_of, records_of
from routing.outcome_body import Known, Said, faults_of, moment_of, read_said
from routing.outcome_state import (
    OUTCOME_VERSION,
    Recorded,
    Standing,
    corrections,
    destination,
    in_full,
    in_order,
    shown_outcome,
    shown_state,
    standing,
)
from routing.rights import Asker, who
from routing.rules_here import in_force
from routing.service import as_id
from routing.shared_decisions import as_place_of_others, shared_record
from routing.stops import StopPolicy
from routing.store import database, decisions, outcomes, reservations
from routing.store.accesses import subjects_of
from routing.vocabulary import URGENCIES
from routing.webhooks import outbox
from routing.world import World

OF_A_PLACE = ("arrived", "confirmed", "refused", "withdrawn")
"""What a place may record itself."""

_AFTER = timedelta(microseconds=1)


def record_outcome(
    world: World, decision_id: str, body: Mapping[str, Any], asker: Asker, key: str | None = None
) -> dict[str, Any]:
    """Record what became of a decision. Nothing is edited: earlier outcomes stay, and of each event the newest counts
    that was not corrected (`corrects`). `body` has an `event` (see `routing.outcome_state.EVENTS`; `decided` if it says
    none) and the members that belong to it (`routing.outcome_body.MEMBERS`).

    A key that is only that of places records what these say themselves, of decisions that are about them; of others it
    learns nothing. That `asker` did this is noted. What was recorded under the same `key` is answered again, and that
    is noted as reading. Raises BadInput, NotAllowed, NotFound, InFlight, KeyReused, Erased, BadRecord,
    StoreUnavailable."""
    request = repeats.once(world, asker, key, f"outcome of {decision_id}", body)

    def read_again(found: UUID) -> dict[str, Any]:
        def read(connection: database.Connection) -> dict[str, Any]:
            return shown_outcome(plain(record_of(world, connection, "outcome", found)))

        return noted(world, asker, "read", as_id("decision", decision_id), read)

    return repeats.answered_once(
        world, request, lambda: _record_outcome(world, decision_id, body, asker, request), read_again
    )


def _record_outcome(
    world: World, decision_id: str, body: Mapping[str, Any], asker: Asker, request: repeats.Once | None
) -> dict[str, Any]:
    try:
        decision = as_id("decision", decision_id)
        with database.reading(world.engine) as connection:
            asker = as_place_of_others(world, connection, decision, asker)
        about = about_decision(world, decision, asker)
        said = read_said(body, _only_place(asker))
        _check_place(said, about, asker)
    except (NotAllowed, NotFound):
        refused(world, asker, "correct", decision_id)
        raise
    directory = newest_directory(world)
    happened_among = _directory_then(world, said, about, directory)
    with database.writing(world.engine) as connection:
        repeats.claim(connection, request, world.clock())
        outcomes.lock(connection, about.id)
        earlier = in_order(_recorded(world, connection, about.id))
        now = _moment(world, earlier)
        before = standing(earlier, said.corrects)
        faults = tuple(faults_of(said, _known(world, about, asker, earlier, before, directory, now)))
        if faults:
            raise BadInput(faults)
        record = _record(said, about, asker, now)
        record["notes"] = [*_notes(world, record, about, before, happened_among)]
        beside = repeats.rows_of(request, UUID(record["id"]), about.id, now)
        urgency = URGENCIES.index(about.record["result"]["urgency"]["level"])
        told = outbox.About(about.id, about.advised, urgency)
        beside += outbox.of_outcome(world, connection, told, earlier, record, directory, now)
        add(connection, make_ready(checked_keyring(world, connection), "outcome", record), now, beside)
        outcomes.append(connection, _row(record, asker, now))
        _show(connection, about, standing([*earlier, record]).decided)
        _expect_patient(world, connection, about, [*earlier, record], directory)
        note(connection, asker, "correct", now, subjects=subjects_of(connection, [about.id]))
    return shown_outcome(plain(canonical(record)))  # to the last byte what is read later


def check_outcome(world: World, about: About, body: Mapping[str, Any], asker: Asker) -> None:
    """Raises what `record_outcome` would raise about `body` if it came now; records nothing."""
    with database.reading(world.engine) as connection:
        asker = as_place_of_others(world, connection, about.id, asker)
    said = read_said(body, _only_place(asker))
    _check_place(said, about, asker)
    with database.reading(world.engine) as connection:
        earlier = in_order(_recorded(world, connection, about.id))
    before, now = standing(earlier, said.corrects), _moment(world, earlier)
    if faults := tuple(faults_of(said, _known(world, about, asker, earlier, before, newest_directory(world), now))):
        raise BadInput(faults)


def _show(connection: database.Connection, about: About, decided: Recorded | None) -> None:
    """Let the decision be found by what counts of it now. Raises Erased if it was erased meanwhile."""
    outcome, reason = (None, None) if decided is None else (decided["outcome"], decided["reason"])
    decisions.show_outcome(connection, about.id, outcome, reason)


def outcomes_of(world: World, decision_id: str, asker: Asker) -> dict[str, Any]:
    """What was recorded of a decision, the newest first, and the state of its destination: `{"decision", "state",
    "outcomes": [...]}`. That `asker` read it is noted. Raises NotFound, Erased, BadRecord, StoreUnavailable."""
    decision = as_id("decision", decision_id)

    def read(connection: database.Connection) -> dict[str, Any]:
        record = plain(shared_record(world, connection, decision, asker))
        return {"decision": decision_id, **outcomes_within(world, connection, record)}

    return noted(world, asker, "read", decision, read)


def outcomes_within(world: World, connection: database.Connection, record: Mapping[str, Any]) -> dict[str, Any]:
    """What was recorded of the decision with this `record`, the newest first: `{"state", "outcomes"}`. The caller notes
    who reads it. Raises BadRecord."""
    found = in_order(_recorded(world, connection, UUID(record["id"])))
    return {
        "state": shown_state(found, _advised(record)),
        "outcomes": [shown_outcome(each) for each in reversed(found)],
    }


def standing_of(world: World, decision_id: str) -> Standing:
    """What counts of the outcomes of a decision that was found. Raises BadRecord, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return standing(_recorded(world, connection, UUID(decision_id)))


# -- which decision, and who may say something of it ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class About:
    """The decision that an outcome is about; `aimed` are the places where was advised or ever chosen to go."""

    id: UUID
    record: Mapping[str, Any]
    advised: str | None
    aimed: frozenset[str]


def about_decision(world: World, decision: UUID, asker: Asker) -> About:
    """The decision about which `asker` has something to say; it is shown to nobody. Raises NotFound, Erased, BadRecord,
    StoreUnavailable."""
    with database.reading(world.engine) as connection:  # shows nothing yet: what is done is noted later
        asker = as_place_of_others(world, connection, decision, asker)
        desk = asker.may("choose_destination")
        if not desk and not asker.facilities:
            # before anything is opened: how long that takes would tell that it is there
            raise NotFound("decision", str(decision))
        try:
            record = plain(record_of(world, connection, "decision", decision))
        except Erased:
            if desk:
                raise
            raise NotFound("decision", str(decision)) from None
        chosen = [in_full(each).get("destination") for each in _recorded(world, connection, decision)]
    advised = _advised(record)
    aimed = frozenset(place for place in (advised, *chosen) if place is not None)
    if not desk and not aimed & (asker.facilities or frozenset()):
        # whether there is such a decision at all is nothing for others to know
        raise NotFound("decision", str(decision))
    return About(decision, record, advised, aimed)


def _advised(record: Mapping[str, Any]) -> str | None:
    place: str | None = record["result"]["recommendation"]["facility"]["id"]
    return place


def _only_place(asker: Asker) -> str | None:
    """The place that a key speaks for, if it is exactly one and the key is of nothing else."""
    places = asker.facilities or frozenset()
    return next(iter(places)) if len(places) == 1 and not asker.may("choose_destination") else None


def _check_place(said: Said, about: About, asker: Asker) -> None:
    if asker.may("choose_destination"):
        return
    if said.event not in OF_A_PLACE:
        raise NotAllowed(f"a place records only {', '.join(OF_A_PLACE)}; `{said.event}` is for who decides")
    if said.facility is not None and not asker.speaks_for(said.facility):
        raise NotAllowed("this key is not that of the place in `facility`")
    if said.event == "arrived" and said.facility not in about.aimed:
        raise NotFound("decision", str(about.id))


def _correctable(earlier: Sequence[Recorded], asker: Asker) -> dict[str, str | None]:
    """The outcomes that the asker may correct -> the one that corrected it. What a place said itself only that place
    corrects, and it corrects nothing else."""
    corrected = corrections(earlier)
    own, desk = asker.facilities or frozenset(), asker.may("choose_destination")
    return {
        record["id"]: corrected.get(record["id"])
        for record in earlier
        if (record["facility"] in own if record["told_by"] == "place" else desk)
    }


def _known(
    world: World,
    about: About,
    asker: Asker,
    earlier: Sequence[Recorded],
    before: Standing,
    directory: Directory,
    now: datetime,
) -> Known:
    return Known(
        words=world.words,
        places=directory.by_id.keys(),
        now=now,
        decided_at=_decided_at(about),
        aimed=about.aimed,
        correctable=_correctable(earlier, asker),
        before=before,
    )


# -- the record -------------------------------------------------------------------------------------------------------


def _recorded(world: World, connection: database.Connection, decision_id: UUID) -> list[dict[str, Any]]:
    found = records_of(world, connection, outcomes.of_decision(connection, decision_id))
    return [plain(each) for each in found.values()]


def _moment(world: World, earlier: Sequence[Recorded]) -> datetime:
    """Now, and after everything that was recorded of this decision: a clock that steps back changes no order."""
    now = world.clock().astimezone(UTC)
    last = datetime.fromisoformat(earlier[-1]["recorded_at"]) if earlier else None
    return now if last is None else max(now, last + _AFTER)


def _record(said: Said, about: About, asker: Asker, now: datetime) -> dict[str, Any]:
    at = moment_of(said.at) if said.at is not None else None
    decided = said.event == "decided"
    accepted = decided and said.outcome == "accepted"
    return {
        "version": OUTCOME_VERSION,
        "id": str(uuid7()),
        "decision": str(about.id),
        "recorded_at": now.isoformat(),
        "event": said.event,
        "corrects": said.corrects,
        "at": (at or now).isoformat(),
        **{name: getattr(said, name) for name in ("outcome", "by", "reason", "comment", "urgency")},
        # a place learns of its own answer only what it said itself
        "recommended": about.advised if decided else None,
        "destination": about.advised if accepted else said.destination,
        "facility": said.facility,
        "told_by": _told_by(said, asker),
        "notes": [],
        "asker": who(asker),
        "software": SOFTWARE,
    }


def _told_by(said: Said, asker: Asker) -> str | None:
    if said.facility is not None:
        return "place" if asker.facilities is not None and said.facility in asker.facilities else "desk"
    return None if asker.may("choose_destination") else "place"


def _row(record: Mapping[str, Any], asker: Asker, now: datetime) -> outcomes.Row:
    return outcomes.Row(
        id=UUID(record["id"]),
        decision_id=UUID(record["decision"]),
        recorded_at=now,
        event=record["event"],
        outcome=record["outcome"],
        reason=record["reason"],
        facility_id=record["destination"] if record["event"] == "decided" else record["facility"],
        key_id=UUID(asker.key_id),
    )


# -- what is allowed and said all the same ----------------------------------------------------------------------------


def _notes(
    world: World, record: Mapping[str, Any], about: About, before: Standing, directory: Directory
) -> Iterator[str]:
    if record["event"] not in ("decided", "arrived"):
        return
    arrived = record["event"] == "arrived"
    place = record["facility"] if arrived else record["destination"]
    if arrived and place != (about.advised if before.decided is None else before.decided["destination"]):
        yield "not_chosen"
    if record["outcome"] == "overridden" and place is not None and place == about.advised:
        yield "same_place"
    if before.refused_by(place):
        yield "refused_there"
    if place is not None and _has_stop(world, about, directory, place, datetime.fromisoformat(record["at"])):
        yield "stop_there"


def _decided_at(about: About) -> datetime:
    return datetime.fromisoformat(about.record["decided_at"])


def _directory_then(world: World, said: Said, about: About, newest: Directory) -> Directory:
    """The places as they were known when it happened: of an arrival also some time ago."""
    at = moment_of(said.at) if said.at is not None else None
    if at is None or said.event not in ("decided", "arrived"):
        return newest
    return directory_at(world, max(at, _decided_at(about)))


def _has_stop(world: World, about: About, directory: Directory, place: str, at: datetime) -> bool:
    """Whether a unit of the place that matters to this patient had a stop at that moment."""
    stops = in_force(world, world.clock()).selection.stops
    units = frozenset(_units(world, about.record))
    if stops is None or not units:
        return False
    policy = StopPolicy("avoids", units, stops.extra_minutes, stops.longest_minutes)
    return policy.active(directory.status.get(place, ()), at, at) is not None


# -- where the patient is expected ------------------------------------------------------------------------------------


def _expect_patient(
    world: World, connection: database.Connection, about: About, recorded: Sequence[Recorded], directory: Directory
) -> None:
    """Let the place where the patient goes now, and no other one, count with this patient when it has few beds left."""
    newest = recorded[-1]
    if newest["event"] == "confirmed" and newest["corrects"] is None:
        return  # it was expected already
    state = destination(standing(recorded), about.advised)
    reservations.release(connection, about.id)
    if state.place is None or state.status == "revoked":
        return
    reporting = units_with_beds(directory.status.get(state.place, ()))
    if units := sorted(reporting & {*_units(world, about.record)}):
        since = state.since if state.since is not None else _decided_at(about)
        reservations.reserve(connection, about.id, state.place, units, since)


def _units(world: World, record: Mapping[str, Any]) -> Iterator[str]:
    """The units of a place that matter to what the patient needs."""
    stops = in_force(world, world.clock()).selection.stops
    needs = {need["capability"] for need in record["result"]["needs"]}
    for unit, capabilities in stops.units.items() if stops is not None else ():
        if needs & {*capabilities}:
            yield unit
