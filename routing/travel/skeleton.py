"""Driving time over a skeleton of main roads: it knows the water, and needs no map, no download and no server.

The time is the shorter of two: by way of the main roads (`routing.travel.network`: to a junction, over the network, and
from a junction), and straight on over smaller roads, where both are on the same land:

    v = 39 + 47 * (1 - exp(-1.3 d / 53))   km/h
    t = 3.4 + 60 * 1.3 d / v               minutes, d the great-circle distance in km

plus what it costs to leave and reach a built-up place (`routing.travel.areas`). Between two lands only the bridges,
dykes, tunnels and ferries of the network lead. Without traffic jams, at any hour; only boats go by the clock.

Source: our own calibration on two things. Which of 89 hospitals a road engine (openrouteservice, no traffic) reaches
within 25 and 30 minutes from 1,621 postcode areas, and 81 pairs of Dutch towns with commonly known driving times (mean
error 3 minutes). On the first, the true time is below 0.8 times the estimate in about 2 of 100 pairs, and above 1.25
times in about 4; hence the interval, which is at least four minutes to either side. `wegwijs travel check` measures it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from math import acos, ceil, exp
from typing import NamedTuple

from routing.geography import EARTH_RADIUS_KM, Places, Point, distance_km, places_at, unit_vector
from routing.travel import Travel
from routing.travel.areas import area_at, crowded_minutes
from routing.travel.ferries import Boat, boat_at, ferries
from routing.travel.network import minutes_from, ways_on

METHOD = "skeleton-nl/1"
name = METHOD

DETOUR = 1.3
START_MINUTES = 3.4
SLOWEST_KM_H, SPEED_GAIN_KM_H, GAIN_OVER_KM = 39.0, 47.0, 53.0
SOONEST, LATEST = 0.8, 1.25
SMALLEST_MARGIN_MINUTES = 4.0

_NEVER = 1e6
_KEPT_TENTHS = 4_000
_MOST = (_KEPT_TENTHS - 1) / 10
"""Times below this many minutes are looked up; hardly any is longer."""


class Departure(NamedTuple):
    """Where somebody is, for who drives away or arrives: the land, and the minutes to junctions (by number)."""

    land: str
    crowded: float
    ways: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Destinations:
    """Places to drive to, with what was found of each, and the minutes from a junction to all of them as far as they
    were asked for."""

    places: Places
    departures: tuple[Departure, ...]
    on: Mapping[str, tuple[int, ...]]
    islands: Mapping[str, tuple[int, ...]]
    rows: dict[int, array[float]] = field(default_factory=dict, repr=False)


def minutes(origin: Point, places: Places, at: datetime) -> tuple[Travel, ...]:
    """Minutes by car from `origin` (lat, lon in degrees) to each of `places`; `at` matters to boats alone."""
    destinations = _destinations(places)
    here = departure(origin)
    times = _driving(here, unit_vector(origin), destinations)
    if here.land not in ferries() and not destinations.islands:
        known = _travels()
        return tuple([known[int(10 * time + 0.5)] if time < _MOST else _travel(time) for time in times])
    return tuple(_over_water(origin, here.land, destinations, times, at))


def island_of(point: Point) -> str | None:
    """The name of the island without a road on which `point` (degrees) lies, None on the mainland."""
    ferry = ferries().get(area_at(point).land)
    return None if ferry is None else ferry.name


def by_boat(origin: Point, places: Places) -> frozenset[int]:
    """The numbers of the `places` to which only a boat goes from `origin` (degrees)."""
    land, there = area_at(origin).land, _destinations(places)
    if land in ferries():
        return frozenset(range(len(places.points))).difference(there.on.get(land, ()))
    return frozenset(number for numbers in there.islands.values() for number in numbers)


def departure(point: Point) -> Departure:
    """How one gets away from `point` (degrees) by road, or to it."""
    area = area_at(point)
    crowded = crowded_minutes(area)
    ways = () if area.land in ferries() else ways_on(point, area.land)
    return Departure(area.land, crowded, tuple((junction, time + crowded) for junction, time in ways))


@lru_cache(maxsize=8)
def _destinations(places: Places) -> Destinations:
    departures = tuple(map(_departure_of_a_place, places.points))
    on: dict[str, list[int]] = {}
    for number, place in enumerate(departures):
        on.setdefault(place.land, []).append(number)
    by_land = {land: tuple(numbers) for land, numbers in on.items()}
    islands = {land: numbers for land, numbers in by_land.items() if land in ferries()}
    return Destinations(places, departures, by_land, islands)


@lru_cache(maxsize=4096)
def _departure_of_a_place(point: Point) -> Departure:
    # of places only: where patients are is not kept
    return departure(point)


def _driving(here: Departure, vector: tuple[float, float, float], there: Destinations) -> list[float]:
    """Minutes over land to each place; infinite where only a boat goes."""
    rows = [[time + leg for leg in _row(junction, there)] for junction, time in here.ways]
    times = list(map(min, *rows)) if len(rows) > 1 else rows[0] if rows else [_NEVER] * len(there.departures)
    x, y, z = vector
    crowded, vectors, departures = here.crowded, there.places.vectors, there.departures
    for number in there.on.get(here.land, ()):
        px, py, pz = vectors[number]
        km = EARTH_RADIUS_KM * acos(min(1.0, x * px + y * py + z * pz))
        time = straight_on_minutes(km) + crowded + departures[number].crowded
        if time < times[number]:
            times[number] = time
    return times


def _row(junction: int, there: Destinations) -> array[float]:
    """Minutes from a junction to each place."""
    if (row := there.rows.get(junction)) is None:
        over = minutes_from(junction)
        row = array(
            "d", [min((over[end] + time for end, time in each.ways), default=_NEVER) for each in there.departures]
        )
        there.rows[junction] = row
    return row


def _over_water(
    origin: Point, land: str, there: Destinations, times: Sequence[float], at: datetime
) -> Iterator[Travel]:
    """The times where somebody is on an island, or some of the places are."""
    known = ferries()
    start, lead, boat = origin, 0.0, Boat(0, 0, 0)
    driving = times
    if (own := known.get(land)) is not None:
        start, lead = own.harbour, straight_on_minutes(distance_km(origin, own.landing))
        boat = boat_at(own, at + timedelta(minutes=lead), at + timedelta(minutes=_latest(lead)))
        driving = _driving(_departure_of_a_place(start), unit_vector(start), there)
    for number, place in enumerate(there.departures):
        ferry = known.get(place.land)
        if place.land == land or (own is None and ferry is None):
            yield _travel(times[number])
        elif ferry is None:
            yield _with_boats(lead + driving[number], boat)
        else:
            to_quay = _driving(departure(start), unit_vector(start), _destinations(places_at([ferry.harbour])))[0]
            at_quay = at + timedelta(minutes=lead + boat.minutes + to_quay)
            second = boat_at(ferry, at_quay, at + timedelta(minutes=_latest(lead + to_quay) + boat.high))
            after = straight_on_minutes(distance_km(ferry.landing, there.places.points[number]))
            boats = Boat(boat.minutes + second.minutes, boat.low + second.low, boat.high + second.high)
            yield _with_boats(lead + to_quay + after, boats)


def straight_on_minutes(km: float) -> float:
    """Minutes by car over smaller roads, `km` in a straight line, on one land."""
    road_km = DETOUR * km
    return START_MINUTES + 60 * road_km / (SLOWEST_KM_H + SPEED_GAIN_KM_H * (1 - exp(-road_km / GAIN_OVER_KM)))


@cache
def _travels() -> list[Travel]:
    """The answer for every tenth of a minute: a lookup is quicker than making it anew."""
    return [_travel(tenths / 10) for tenths in range(_KEPT_TENTHS)]


def _travel(time: float) -> Travel:
    return _with_boats(int(10 * time + 0.5) / 10, Boat(0, 0, 0))


def _with_boats(driving: float, boats: Boat) -> Travel:
    soonest = max(0.0, min(SOONEST * driving, driving - SMALLEST_MARGIN_MINUTES)) + boats.low
    return Travel(int(driving + boats.minutes + 0.5), int(soonest), ceil(_latest(driving) + boats.high), METHOD)


def _latest(driving: float) -> float:
    """The upper end of a drive of so many minutes."""
    return max(LATEST * driving, driving + SMALLEST_MARGIN_MINUTES)
