"""How the patient comes to a place: what passes before they leave, how long their drive is, and which clocks run.

A drive is the same for everybody until it is known who drives. From the call to the door more passes: an ambulance has
to come and be at the scene, somebody has to find a car, or the patient is on the way already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.case import Case
from routing.rules.logistics import CARRIED, WITHOUT_AMBULANCE
from routing.rules.rule import FactValue
from routing.rules.ruleset import Logistics
from routing.rules.shapes import Clock
from routing.travel import Travel
from routing.triage import Triage

PLAIN = 1000
"""The factor in thousandths that changes nothing."""

ARRIVALS: dict[Clock, str] = {
    "called_at": "call_to_arrival",
    "first_contact_at": "first_contact_to_arrival",
    "last_known_well_at": "last_seen_well_to_arrival",
    "onset_at": "onset_to_arrival",
}
"""What the minutes on each clock are called when the patient arrives."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one patient travels: by what (None: not known), what passes `before` they leave (what, minutes), by how many
    thousandths the drive differs from that of a car, and whether the drive of a car says when they arrive at all."""

    transport: str | None
    before: tuple[tuple[str, int], ...]
    permille: int = PLAIN
    by_car: bool = True

    @property
    def lead(self) -> int:
        """Minutes before the drive begins."""
        return sum(minutes for _, minutes in self.before)


@dataclass(frozen=True, slots=True)
class Running:
    """A clock of which it is known when it began, and the whole minutes that passed on it until now."""

    clock: Clock
    started_at: datetime
    passed: int


def way_of(triage: Triage, case: Case, logistics: Logistics) -> Way:
    """How the patient of `case` travels, cautiously: where nobody said how, by the ambulance that the rules send; where
    they send none, by what takes longest to leave. Who is on the way has left.

    >>> Way("ambulance", (("response", 10), ("on_scene", 20))).lead
    30
    """
    numbers, ambulance = logistics.travel, triage.dispatch.ambulance
    there = case.channel == "ambulance"
    on_foot = case.transport == "walk" and numbers is not None
    if case.on_the_way is not None:
        # nobody comes any more: who did not say how they travel may sit in any car, and who walks goes on walking
        carried = there or case.transport == "ambulance"
    elif (
        case.transport is None or on_foot
    ):  # who is on foot is fetched by the ambulance that is sent; who drives is not
        carried = there or ambulance in CARRIED
    else:
        carried = case.transport == "ambulance"
    said = "ambulance" if carried else case.transport
    permille = numbers.factor_permille.get(ambulance or "", PLAIN) if carried and numbers is not None else PLAIN
    before = () if case.on_the_way is not None else _before(said, ambulance, logistics, there=there)
    return Way(said, before, permille, by_car=carried or not on_foot)


def leaving_at(triage: Triage, case: Case, logistics: Logistics, now: datetime) -> datetime:
    """When the drive of the patient of `case` begins, as far as is known at `now`. Boats go by the clock: who leaves
    half an hour later can miss the last one."""
    return now + timedelta(minutes=way_of(triage, case, logistics).lead)


def _before(
    said: str | None, ambulance: str | None, logistics: Logistics, *, there: bool
) -> tuple[tuple[str, int], ...]:
    """What passes before who travels by `said` leaves; `there`: an ambulance is with the patient."""
    if said == "ambulance":
        at_scene = ("on_scene", logistics.on_scene_minutes)
        response = logistics.response_minutes.get(ambulance or "A1", logistics.response_minutes["A1"])
        return (at_scene,) if there else (("response", response), at_scene)
    if logistics.travel is None:
        return ()
    leaving = logistics.travel.leaving_minutes
    minutes = max(leaving[name] for name in WITHOUT_AMBULANCE) if said is None else leaving[said]
    return (("leaving", minutes),)


def driven(way: Way, minutes: tuple[Travel, ...]) -> tuple[Travel, ...]:
    """The drives of a car as this patient makes them; where their way changes nothing they are the very same.

    >>> driven(Way(None, ()), ())
    ()
    """
    if way.permille == PLAIN:
        return minutes
    # places that are as far share one drive, and then share what becomes of it
    made: dict[Travel, Travel] = {}
    for travel in minutes:
        if travel not in made:
            made[travel] = _driven(travel, way.permille)
    return tuple([made[travel] for travel in minutes])


def _driven(travel: Travel, permille: int) -> Travel:
    """Rounded to whole minutes, the interval outwards, so that it only grows and no minute is lost to a fraction."""
    minutes = (travel.minutes * permille + PLAIN // 2) // PLAIN
    high = -(-travel.high * permille // PLAIN)
    return Travel(minutes, travel.low * permille // PLAIN, high, f"{travel.method} x {permille / PLAIN:g}")


# -- clocks -----------------------------------------------------------------------------------------------------------


def began(case: Case, clock: Clock) -> datetime | None:
    """When `clock` began; None where nobody said."""
    if clock == "called_at":
        return case.called_at
    if clock == "first_contact_at":
        return case.first_contact_at
    moment = case.observations.get(clock)
    return datetime.fromisoformat(moment) if isinstance(moment, str) else None


def running(case: Case, now: datetime) -> Iterator[Running]:
    """The clocks of which it is known when they began."""
    for clock in ARRIVALS:
        if (started := began(case, clock)) is not None:
            yield Running(clock, started, minutes_since(started, now))


def minutes_since(moment: datetime, now: datetime) -> int:
    """Whole minutes from `moment` to `now`; a moment that other clocks have ahead of ours is now."""
    return max(0, int((now - moment).total_seconds() // 60))


def underway_since(case: Case) -> datetime | None:
    """Since when the patient is known to be on the way."""
    return case.on_the_way.since if case.on_the_way is not None else None


# -- another place than where they are going ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turning:
    """Who is on the way to one place and is advised to go to another: the text that says it, and its words."""

    text: str
    words: dict[str, FactValue]


def turning(heading: tuple[str, Travel], advised: tuple[str, Travel]) -> Turning:
    """What it costs or gains to go to `advised` (name, drive from here) rather than to `heading`. Nothing is added for
    turning round: where the next exit lies is not known, and both drives are reckoned from where the patient is."""
    other, drive = heading[1].minutes, advised[1].minutes
    text, more = ("turns_later", drive - other) if drive >= other else ("turns_sooner", other - drive)
    words: dict[str, FactValue] = {"heading": heading[0], "name": advised[0], "minutes": drive, "other": other}
    return Turning(text, {**words, "more": more})
