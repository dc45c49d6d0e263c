"""Driving time from the straight line alone: no map, no server, and therefore not to be trusted across water.

With `d` the great-circle distance in km, a car drives `1.3 d` km at a mean speed that grows with the distance:

    v = 27.5 + 70.6 * (1 - exp(-1.3 d / 40.5))   km/h
    t = 4.7 + 60 * 1.3 d / v                     minutes

Source: our own calibration on 68 pairs of Dutch towns with commonly known driving times; mean error 3.2-4.5 minutes,
and 14-18 for the usual distance times 1.3 at 60 km/h. True over predicted time has its 5th percentile at 0.75 and its
95th at 1.14, hence the interval from 0.75 to 1.25 times the estimate, and at least four minutes to either side.

Danger: it does not see water. Vlissingen-Breskens is 5 km over the Westerschelde and about 48 minutes by road; here it
is 15, with 20 as the upper end of the interval. The same holds for the Wadden islands and the IJsselmeer.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from functools import cache
from math import acos, ceil, cos, exp

from routing.geography import EARTH_RADIUS_KM, Places, Point, distance_km, unit_vector
from routing.travel import Travel

METHOD = "straight-line-nl/1"

DETOUR = 1.3
START_MINUTES = 4.7
SLOWEST_KM_H, SPEED_GAIN_KM_H, GAIN_OVER_KM = 27.5, 70.6, 40.5
MARGIN = 0.25
SMALLEST_MARGIN_MINUTES = 4.0

name = METHOD

ISLANDS: tuple[tuple[str, float, float, float, float], ...] = (
    ("Texel", 52.98, 53.20, 4.68, 4.93),
    ("Vlieland", 53.21, 53.33, 4.84, 5.17),
    ("Terschelling", 53.33, 53.47, 5.13, 5.60),
    ("Ameland", 53.41, 53.49, 5.60, 5.98),
    ("Schiermonnikoog", 53.44, 53.53, 6.05, 6.38),
)
"""The inhabited islands without a road to the mainland: name, south, north, west, east in degrees, read off the map."""


def island_of(point: Point) -> str | None:
    """The island without a road on which `point` lies; travel times from there are far too short."""
    lat, lon = point
    for island, south, north, west, east in ISLANDS:
        if south <= lat <= north and west <= lon <= east:
            return island
    return None


def minutes(origin: Point, places: Places, at: datetime | None = None) -> tuple[Travel, ...]:
    """Minutes by car from `origin` (lat, lon in degrees) to each of `places`; `at` makes no difference here."""
    x, y, z = unit_vector(origin)
    edges, between = _steps()
    return tuple(
        [
            between[bisect_right(edges, cosine := x * px + y * py + z * pz)] or _by_cosine(cosine)
            for px, py, pz in places.vectors
        ]
    )


def minutes_between(origin: Point, destination: Point) -> Travel:
    """Minutes by car between two points in degrees."""
    return _travel(distance_km(origin, destination))


FURTHEST_KM = 500.0
"""Beyond this, which is outside the country, times are worked out each time."""

_CLOSE = 1e-9
"""So close to a step (a metre, at 50 km) it is worked out on which side a place lies."""


@cache
def _steps() -> tuple[list[float], list[Travel | None]]:
    """Times are whole minutes, so they go in steps: the edges of the steps, as cosines of the angle between two points,
    and the time between each two edges; None is close to a step, or far away. The formula itself is slower."""
    steps = [(-1.0, cos(FURTHEST_KM / EARTH_RADIUS_KM))]
    steps += _steps_between(steps[0][1], 1.0, _by_cosine(steps[0][1]), _by_cosine(1.0))
    between: list[Travel | None] = [None]
    for _, end in steps:
        between += [None, _by_cosine(end)]
    return [edge for step in steps for edge in step], between


def _steps_between(low: float, high: float, first: Travel, last: Travel) -> list[tuple[float, float]]:
    # all three minutes only grow with the distance: where the ends are the same, so is all between them
    if first == last:
        return []
    if high - low < _CLOSE:
        return [(low, high)]
    middle = (low + high) / 2
    there = _by_cosine(middle)
    return [*_steps_between(low, middle, first, there), *_steps_between(middle, high, there, last)]


def reach_km(time: float) -> float:
    """How far in a straight line one comes in so many minutes by the same formula: the distance at which the estimate,
    before it is rounded, is just that. 0 where nobody has left yet. Raises ValueError beyond FURTHEST_KM.

    >>> round(reach_km(30), 1)
    19.6
    """
    if time > _time(FURTHEST_KM):
        raise ValueError("that is further than the formula was made for")
    near, far = 0.0, FURTHEST_KM
    while far - near > _CLOSE:  # the time only grows with the distance
        middle = (near + far) / 2
        near, far = (middle, far) if _time(middle) <= time else (near, middle)
    return near


def _by_cosine(cosine: float) -> Travel:
    return _travel(EARTH_RADIUS_KM * acos(min(1.0, cosine)))


def _time(km: float) -> float:
    road_km = DETOUR * km
    return START_MINUTES + 60 * road_km / (SLOWEST_KM_H + SPEED_GAIN_KM_H * (1 - exp(-road_km / GAIN_OVER_KM)))


def _travel(km: float) -> Travel:
    time = _time(km)
    margin = MARGIN * time if MARGIN * time > SMALLEST_MARGIN_MINUTES else SMALLEST_MARGIN_MINUTES
    # int() rounds down: the time is at least 4.7 minutes and the smallest margin 4
    return Travel(int(time + 0.5), int(time - margin), ceil(time + margin), METHOD)
