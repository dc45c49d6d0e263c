"""How far a car comes in a while, all around a place: an outline for a map, that knows where the water is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import cos, floor, inf, radians, sin
from typing import NamedTuple

from routing.geography import EARTH_RADIUS_KM, Point, distance_km, ring_of_cells
from routing.travel.areas import Area, area_at, areas, crowded_minutes
from routing.travel.network import access_minutes, minutes_from, network
from routing.travel.postcode import area_close_to
from routing.travel.skeleton import departure, straight_on_minutes

DIRECTIONS = 36
STEP_KM, FURTHEST_KM = 2.5, 75.0
"""It is tried every 2.5 km in 36 directions, so an outline is right to about that."""

_KM_PER_DEGREE = EARTH_RADIUS_KM * radians(1)
# Cells of about 10 x 10 km, in which junctions are looked for
_CELL_LAT, _CELL_LON = 0.09, 0.14


class Ring(NamedTuple):
    """How far one comes in `minutes`: in each direction, from north eastwards, the furthest point (degrees) that is
    reached. What lies nearer in that direction need not be reached all of it."""

    minutes: int
    outline: tuple[Point, ...]


def rings(origin: Point, limits: Sequence[int]) -> tuple[Ring, ...]:
    """How far a car comes from `origin` (degrees) in each of `limits` (minutes), without boats."""
    reached, here = _junctions_reached(origin, max(limits)), area_at(origin)
    furthest = {limit: [origin] * DIRECTIONS for limit in limits}
    km_per_lon = _KM_PER_DEGREE * cos(radians(origin[0]))
    for number in range(DIRECTIONS):
        turn = radians(360 * number / DIRECTIONS)
        km = STEP_KM
        while km <= FURTHEST_KM:
            point = (origin[0] + km * cos(turn) / _KM_PER_DEGREE, origin[1] + km * sin(turn) / km_per_lon)
            if (there := area_close_to(*point)) is not None:
                time = _minutes_to(km, here, point, areas()[there], reached)
                for limit in limits:
                    if time <= limit:
                        furthest[limit][number] = point
            km += STEP_KM
    return tuple(Ring(limit, tuple(furthest[limit])) for limit in limits)


def _junctions_reached(origin: Point, limit: int) -> Mapping[int, float]:
    found: dict[int, float] = {}
    for first, before in departure(origin).ways:
        for junction, further in enumerate(minutes_from(first)):
            if before + further <= min(limit, found.get(junction, inf)):
                found[junction] = before + further
    return found


def _minutes_to(km: float, here: Area, point: Point, area: Area, reached: Mapping[int, float]) -> float:
    known = network()
    best = straight_on_minutes(km) + crowded_minutes(here) if here.land == area.land else inf
    row, column = floor(point[0] / _CELL_LAT), floor(point[1] / _CELL_LON)
    for ring in (0, 1):
        for cell in ring_of_cells(row, column, ring):
            for junction in _junctions_in().get(cell, ()):
                if junction in reached and known.lands[junction] == area.land:
                    time = reached[junction] + access_minutes(distance_km(known.points[junction], point))
                    best = min(best, time)
    return best + crowded_minutes(area)


@cache
def _junctions_in() -> Mapping[tuple[int, int], tuple[int, ...]]:
    found: dict[tuple[int, int], list[int]] = {}
    for number, (lat, lon) in enumerate(network().points):
        found.setdefault((floor(lat / _CELL_LAT), floor(lon / _CELL_LON)), []).append(number)
    return {cell: tuple(numbers) for cell, numbers in found.items()}
