"""What is told of the way to the advised place: how it is reckoned, which clocks run, where a medical team could meet.

Nothing here decides. It is made after the places were chosen, and only with rules that say how patients travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from routing.candidate import Candidate
from routing.case import Case
from routing.facilities.directory import Directory
from routing.facilities.profile import Facility
from routing.rules.ruleset import Travelling
from routing.travel import Travel
from routing.travel.helicopter import Helicopter, flight
from routing.triage import Reason, Triage
from routing.way import Running, Way, running, turning
from routing.wording import Wording

STATION = "mmt_station"
"""The kind of the places where a helicopter with a mobile medical team stands."""

Meeting = Literal["at_scene", "on_the_way", "not_before_arrival"]
"""Where the team meets the patient, by the estimates: before they leave, during the drive, or only at the place."""


class Team(NamedTuple):
    """A mobile medical team: its station, its flight to where the patient is now, and where that meets them."""

    station: Facility
    flight: Travel
    meets: Meeting


@dataclass(frozen=True, slots=True)
class Journey:
    """How the patient travels, the clocks of which the start is known, the `teams` (None: none goes along) with what is
    said of them, and what is warned of."""

    way: Way
    on_the_way: bool
    clocks: tuple[Running, ...]
    teams: tuple[Team, ...] | None
    of_teams: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


def journey_of(
    way: Way,
    triage: Triage,
    case: Case,
    directory: Directory,
    drives: Sequence[Travel],
    advised: Candidate,
    wording: Wording,
    now: datetime,
) -> Journey | None:
    """The journey to `advised`; `drives` run parallel to `directory.facilities`. None where the rules do not say how
    patients travel."""
    numbers: Travelling | None = wording.ruleset.logistics.travel
    if numbers is None:
        return None
    mmt = triage.dispatch.mmt
    return Journey(
        way=way,
        on_the_way=case.on_the_way is not None,
        clocks=tuple(running(case, now)),
        teams=teams(numbers.helicopter, case, directory, way, advised) if mmt else None,
        of_teams=(wording.reason("weather_unknown"),) if mmt else (),
        warnings=tuple(_warnings(way, case, directory, drives, advised, wording)),
    )


def teams(helicopter: Helicopter, case: Case, directory: Directory, way: Way, advised: Candidate) -> tuple[Team, ...]:
    """The mobile medical teams of the directory, the nearest first."""
    patient = (case.lat, case.lon)
    found = []
    for station, point in zip(directory.facilities, directory.places.points, strict=True):
        if station.kind == STATION and station.status == "active":
            flown = flight(helicopter, point, patient)
            found.append(Team(station, flown, _meeting(flown, way.lead, advised.travel)))
    return tuple(sorted(found, key=lambda team: (team.flight.minutes, team.station.id)))


def _meeting(flown: Travel, lead: int, drive: Travel | None) -> Meeting:
    if flown.minutes <= lead or drive is None:  # without a drive the patient stays where they are
        return "at_scene"
    return "on_the_way" if flown.minutes < lead + drive.minutes else "not_before_arrival"


def _warnings(
    way: Way, case: Case, directory: Directory, drives: Sequence[Travel], advised: Candidate, wording: Wording
) -> Iterator[Reason]:
    if not way.by_car:
        yield wording.reason("on_foot")
    heading = case.on_the_way.heading_to if case.on_the_way is not None else None
    if heading is None or advised.facility is None or advised.travel is None or advised.facility.id == heading:
        return
    # a record is also decided again with the places of another day, which may not have this one
    for place, drive in zip(directory.facilities, drives, strict=True):
        if place.id == heading:
            found = turning((place.name, drive), (advised.facility.name, advised.travel))
            yield wording.reason(found.text, found.words)
