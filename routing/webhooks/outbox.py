"""Which systems are to be told of a decision or of what becomes of it: rows that are committed with it, or not at all.

Nobody waits for a receiver here. What is told is not kept: it is read in the sealed record when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing.facilities.directory import Directory
from routing.facilities.profile import Facility
from routing.log.canonical import plain
from routing.log_here import records_of
from routing.outcome_state import Recorded, Standing, destination, in_order, standing
from routing.store import database, deliveries, outcomes
from routing.store.deliveries import Expecting, New
from routing.vocabulary import URGENCIES
from routing.webhooks.subscriptions import Subscribed, Subscription, subscribed
from routing.world import World

ENDS_AFTER: Mapping[str, timedelta] = {
    **dict.fromkeys(("recommended", "accepted", "diverted"), timedelta(hours=2)),
    **dict.fromkeys(("superseded", "cancelled"), timedelta(hours=6)),
}
"""Event -> so long it is tried to tell it: by then the patient is there, and who is told so late is misled. A team that
waits for nobody is worth a word for longer."""


def of_decision(
    world: World, connection: database.Connection, record: Mapping[str, Any], place: Facility | None, now: datetime
) -> list[database.Row]:
    """What is inserted with the decision of `record`, which recommends `place`: the systems of that place are told, and
    those that expect the patient because of the decision that it takes the place of."""
    if not (all_subscribed := subscribed(world)):
        return []
    decision, level = UUID(record["id"]), URGENCIES.index(record["result"]["urgency"]["level"])
    former = UUID(record["supersedes"]) if record["supersedes"] else None
    chain, new = decision, list[New]()
    if former is not None:
        chain = deliveries.chain_of(connection, former)
        expecting = _who_expects(world, connection, former, all_subscribed)
        new += (_taken_back(each, "superseded", former, decision, level, now) for each in expecting)
    if place is not None:
        new += (
            _new(each.subscription.id, "recommended", decision, decision, chain, place.id, level, now)
            for each in all_subscribed
            if each.subscription.wants("recommended", place, level)
        )
    return deliveries.rows_of(new)


def _who_expects(
    world: World, connection: database.Connection, decision: UUID, all_subscribed: Sequence[Subscribed]
) -> Iterator[Expecting]:
    found = [
        each
        for each in deliveries.expecting(connection, decision)
        if _wants_back(all_subscribed, each.subscription, "superseded")
    ]
    if found:
        recorded = records_of(world, connection, outcomes.of_decision(connection, decision))
        arrived = standing([plain(each) for each in recorded.values()]).arrived
        yield from (each for each in found if arrived is None or each.facility_id != arrived["facility"])


@dataclass(frozen=True, slots=True)
class _Expected:
    """Where the patient is expected, how that came about, and how urgent somebody said it is (0-5; None: nobody)."""

    place: str | None
    event: str
    urgency: int | None


def _expected(found: Standing, advised: str | None) -> _Expected:
    state, decided = destination(found, advised), found.decided
    place = state.place if state.status == "active" else None
    if decided is None:
        return _Expected(place, "recommended", None)
    event = "accepted" if decided["destination"] == advised else "diverted"
    return _Expected(place, event, URGENCIES.index(decided["urgency"]) if decided["urgency"] else None)


@dataclass(frozen=True, slots=True)
class About:
    """The decision that an outcome is about: where was advised to go, and how urgent it was (0-5)."""

    decision: UUID
    advised: str | None
    urgency: int


def of_outcome(
    world: World,
    connection: database.Connection,
    about: About,
    earlier: Sequence[Recorded],
    record: Recorded,
    directory: Directory,
    now: datetime,
) -> list[database.Row]:
    """What is inserted with the outcome of `record`, which follows `earlier` ones: who was told that the patient comes
    is told that this is not so any more, and the systems of the place where the patient goes are told."""
    if not (all_subscribed := subscribed(world)):
        return []
    cause, found = UUID(record["id"]), standing(in_order([*earlier, record]))
    before, after = _expected(standing(earlier), about.advised), _expected(found, about.advised)
    there = found.arrived["facility"] if found.arrived is not None else after.place
    chain = deliveries.chain_of(connection, about.decision)
    urgency = min(about.urgency, about.urgency if after.urgency is None else after.urgency)
    new = [
        _taken_back(each, "cancelled", about.decision, cause, urgency, now)
        for each in deliveries.expecting(connection, about.decision)
        if each.facility_id != there and _wants_back(all_subscribed, each.subscription, "cancelled")
    ]
    place = directory.by_id.get(after.place) if after.place is not None else None
    if place is not None and after != before:
        new += (
            _new(each.subscription.id, after.event, about.decision, cause, chain, place.id, urgency, now)
            for each in all_subscribed
            if each.subscription.wants(after.event, place, urgency)
        )
    return deliveries.rows_of(new)


def _wants_back(all_subscribed: Sequence[Subscribed], name: str, event: str) -> bool:
    # whoever was told that a patient comes is told that it does not, however urgent that now is
    found: Subscription | None = next(
        (each.subscription for each in all_subscribed if each.subscription.id == name), None
    )
    return found is not None and event in found.events


def _taken_back(told: Expecting, event: str, decision: UUID, cause: UUID, urgency: int, now: datetime) -> New:
    return _new(told.subscription, event, decision, cause, told.chain_id, told.facility_id, urgency, now)


def _new(
    name: str, event: str, decision: UUID, cause: UUID, chain: UUID, place: str, urgency: int, now: datetime
) -> New:
    return New(uuid7(), name, event, decision, cause, chain, place, urgency, now, now + ENDS_AFTER[event])
