"""What was told, and what was not: of one decision for who cares for the patient, of all for the operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing.access_log import noted, uuid_of
from routing.directory_here import newest_directory
from routing.errors import Erased, NotFound, bad_input
from routing.facilities.regions import region_id
from routing.rights import Asker
from routing.service import as_id
from routing.shared_decisions import organisations_of
from routing.store import database, decisions, deliveries, records
from routing.store.deliveries import Delivery, Receiver
from routing.vocabulary import Text
from routing.webhooks.content import test_event
from routing.webhooks.health import LATE_AFTER, configured
from routing.webhooks.outbox import ENDS_AFTER
from routing.webhooks.posting import Posted, post
from routing.webhooks.sending import posting
from routing.webhooks.subscriptions import Subscribed, subscribed
from routing.world import World

AGAIN_WITHIN = timedelta(hours=24)
"""What is older is not sent again: whoever gets it would believe that a patient comes."""

NOT_TOLD = ("given_up", "stopped")

ADVICE: Mapping[str, Text] = {
    "none": Text(
        nl="Voor deze plek is geen voormelding ingesteld. Bel, als het team klaar moet staan.",
        en="No pre-alert is set up for this place. Call, if the team must be ready.",
    ),
    "waiting": Text(nl="De voormelding is onderweg.", en="The pre-alert is on its way."),
    "late": Text(nl="De voormelding is nog niet aangekomen. Bel.", en="The pre-alert has not arrived yet. Call."),
    "told": Text(
        nl="Het systeem van de plek heeft de voormelding aangenomen.",
        en="The system of the place took the pre-alert.",
    ),
    "not_told": Text(
        nl="De voormelding is niet aangekomen, en wordt niet meer geprobeerd. Bel.",
        en="The pre-alert did not arrive, and is not tried any more. Call.",
    ),
}
"""Where the newest thing that is to be told stands -> what to do."""


def pre_alerts_of(world: World, decision_id: str, asker: Asker) -> dict[str, Any]:
    """What was told of a decision, and what was not: `{"decision", "state", "call", "advice", "pre_alerts": [...]}`.
    That `asker` read it is noted. Raises NotFound, Erased, StoreUnavailable."""
    decision, now = as_id("decision", decision_id), world.clock()

    def read(connection: database.Connection) -> dict[str, Any]:
        if not decisions.exists(connection, decision, organisations_of(world, asker)):
            raise NotFound("decision", decision_id)
        if records.read(connection, decision) is None:
            raise Erased("decision", decision_id)
        return {"decision": decision_id, **pre_alerts_within(connection, decision, now)}

    return noted(world, asker, "read", decision, read)


def pre_alerts_within(connection: database.Connection, decision: UUID, now: datetime) -> dict[str, Any]:
    """What was told of a decision, and what was not: `{"state", "call", "advice", "pre_alerts"}`. The caller notes who
    reads it."""
    found = deliveries.of_decision(connection, decision)
    state = state_of(found, now)
    return {
        "state": state,
        "call": state in ("none", "late", "not_told"),
        "advice": ADVICE[state].wire(),
        "pre_alerts": [shown(each, now) for each in found],
    }


def state_of(found: Sequence[Delivery], now: datetime) -> str:
    """Whether who is to know the newest thing knows it: `none` (nobody is to), `waiting`, `late`, `told` or
    `not_told`."""
    newest = [each for each in found if each.cause_id == found[-1].cause_id]
    states = {_state(each, now) for each in newest}
    if not states:
        return "none"
    if states & {*NOT_TOLD}:
        return "not_told"
    if "waiting" in states:
        return "late" if now - newest[0].made_at > LATE_AFTER else "waiting"
    return "told"


def _state(delivery: Delivery, now: datetime) -> str:
    # where no process sends any more nobody says that it is too late
    return "given_up" if delivery.state == "waiting" and delivery.expires_at <= now else delivery.state


def shown(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """A delivery as it is shown."""
    moments = ("made_at", "expires_at", "attempted_at", "settled_at")
    said = {name: getattr(delivery, name) for name in moments}
    return {
        "id": str(delivery.id),
        "subscription": delivery.subscription,
        "event": delivery.event,
        "place": delivery.facility_id,
        "state": _state(delivery, now),
        "attempts": delivery.attempts,
        "error": delivery.error,
        **{name: moment.isoformat() if moment is not None else None for name, moment in said.items()},
    }


# -- for the operator -------------------------------------------------------------------------------------------------


def newest_deliveries(
    world: World, limit: int, *, subscription: str | None = None, state: str | None = None
) -> list[dict[str, Any]]:
    """Deliveries, the newest first, without the decisions that they are about. Raises StoreUnavailable."""
    wanted = {name: value for name, value in (("subscription", subscription), ("state", state)) if value is not None}
    now = world.clock()
    with database.reading(world.engine) as connection:
        return [shown(each, now) for each in deliveries.newest(connection, limit, **wanted)]


def doubts(world: World, all_subscribed: Sequence[Subscribed]) -> Iterator[str]:
    """What is not wrong in a file of subscriptions but makes one wonder: places and regions that are not known, and
    who is told that a patient comes but never that this is not so any more. Raises StoreUnavailable."""
    if not all_subscribed:
        return
    directory = newest_directory(world)
    regions = {region_id(name) for place in directory.facilities for name in place.regions.values()}
    for about in all_subscribed:
        found = about.subscription
        places = found.places if isinstance(found.places, list) else []
        for place in places:
            if place not in directory.by_id:
                yield f"`{found.id}`: there is no place `{place}`, so nothing is told of it"
        for region in found.regions:
            if region_id(region) not in regions:
                yield f"`{found.id}`: no place lies in the region `{region}`, so nothing is told of it"
        if "cancelled" not in found.events or "superseded" not in found.events:
            yield f"`{found.id}`: is told that a patient comes, and not always that this is not so any more"


def send_again(world: World, ids: Sequence[str], subscription: str | None) -> list[str]:
    """Let deliveries that were given up or stopped wait again: those with these ids, or all of a subscription of the
    last day; the ids. Raises BadInput for one that is not there, was not given up, or is too old; StoreUnavailable."""
    now = world.clock()
    with database.writing(world.engine) as connection:
        found = [_given_up(connection, each, now) for each in ids]
        if subscription is not None:
            _known(world, subscription)
            every = deliveries.newest(connection, 10_000, subscription=subscription)
            found += (each for each in every if each.state in NOT_TOLD and now - each.made_at <= AGAIN_WITHIN)
        for each in sorted(found, key=lambda each: each.number):
            deliveries.wait_again(connection, each.number, now, now + ENDS_AFTER[each.event])
        _let_go_on(connection, {each.subscription for each in found})
    return [str(each.id) for each in found]


def _given_up(connection: database.Connection, given: str, now: datetime) -> Delivery:
    wanted = uuid_of(given)
    found = deliveries.newest(connection, 1, id=wanted) if wanted is not None else []
    allowed = "an id of: wegwijs webhooks deliveries --state given_up"
    if not found:
        raise bad_input("ID", "unknown_delivery", "there is no such delivery", given, allowed)
    if found[0].state not in NOT_TOLD:
        raise bad_input("ID", "not_given_up", f"is {found[0].state}, not given up or stopped", given, allowed)
    if now - found[0].made_at > AGAIN_WITHIN:
        message = f"is of {found[0].made_at.isoformat(timespec='minutes')}: who gets it would expect a patient"
        raise bad_input("ID", "too_old", message, given, "what is not older than a day")
    return found[0]


def _let_go_on(connection: database.Connection, names: set[str]) -> None:
    for name, receiver in deliveries.read_receivers(connection).items():
        if name in names and receiver.stopped_at is not None:
            kept = Receiver(name, receiver.configured, receiver.attempted_at, receiver.succeeded_at)
            deliveries.keep_receiver(connection, kept)


def _known(world: World, name: str) -> Subscribed:
    found = {each.subscription.id: each for each in subscribed(world)}
    if name not in found:
        raise bad_input("subscription", "unknown_subscription", "there is no such subscription", name, ", ".join(found))
    return found[name]


def try_out(world: World, name: str) -> tuple[UUID, Posted]:
    """Send a test event to a subscription, which is no event of any patient; its id, and how that went. A receiver that
    had stopped and takes it is told again from then on. Raises BadInput, StoreUnavailable."""
    about, now, event_id = _known(world, name), world.clock(), uuid7()
    posted = post(posting(about, str(event_id), test_event(about, event_id, now), now))
    if posted.error is None:
        with database.writing(world.engine) as connection:
            deliveries.keep_receiver(connection, Receiver(name, configured(about), now, now))
    return event_id, posted
