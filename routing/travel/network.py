"""The main roads of the Netherlands as a skeleton: junctions, what joins them, and how long a car takes in between.

Our own data (`data/junctions.csv`, `data/roads.csv`; the README there says where it comes from). Between two junctions
the road is taken to be 1.06 times as long as the straight line. How fast one drives on each kind of road was calibrated
together with `routing.travel.skeleton`, which says on what.
"""

from __future__ import annotations

import csv
import importlib.resources
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from math import ceil, cos, exp, floor, hypot, inf, radians
from typing import NamedTuple

from routing.geography import EARTH_RADIUS_KM, Cell, Point, distance_km, ring_of_cells

KM_PER_HOUR: Mapping[str, int] = {"motorway": 107, "ring": 101, "expressway": 90, "regional": 67, "town": 48}
"""How fast one drives, without traffic jams, by the kind of road."""

WINDING = 1.06
CROSSROADS_MINUTES = 0.25
"""A stretch that is no motorway has crossroads and roundabouts."""

DETOUR = 1.3
START_MINUTES = 2.7
SLOWEST_KM_H, SPEED_GAIN_KM_H, GAIN_OVER_KM = 44.0, 14.0, 4.5
"""The way to a main road: `2.7 + 60 * 1.3 d / (44 + 14 * (1 - exp(-1.3 d / 4.5)))` minutes for d km straight."""

BETWEEN_JUNCTIONS_MINUTES: Mapping[str, float] = {
    "motorway": 1.0, "ring": 1.0, "expressway": 1.0, "regional": 0.35, "town": 0.35,
}  # fmt: skip
"""A road is reached between two junctions as well, where an exit or a side road is; that costs somewhat more."""

ROADS_MOST = 8
"""So many roads around a place are tried: the ones that are reached first."""

_KM_PER_DEGREE = EARTH_RADIUS_KM * radians(1)
# Cells of about 5 x 5 km. A road is looked for in the cells around a place, and further away only where few are near.
_CELL_LAT, _CELL_LON = 0.045, 0.07
_ENOUGH = 12
_RINGS_MOST = 16


class Road(NamedTuple):
    """A stretch of road between two junctions (numbers), with how long it takes."""

    name: str
    kind: str
    first: int
    second: int
    minutes: float


@dataclass(frozen=True, slots=True)
class Network:
    """The skeleton: junctions with the land they are on, and the roads between them."""

    names: tuple[str, ...]
    points: tuple[Point, ...]
    lands: tuple[str, ...]
    roads: tuple[Road, ...]
    around: tuple[tuple[tuple[int, float], ...], ...]
    cells: Mapping[Cell, tuple[int, ...]]


@cache
def network() -> Network:
    """The network that comes with Wegwijs."""
    junctions = list(_rows("junctions.csv"))
    names = tuple(row["junction"] for row in junctions)
    points = tuple((float(row["lat"]), float(row["lon"])) for row in junctions)
    numbers = {name: number for number, name in enumerate(names)}
    roads = tuple(
        _road(row["road"], row["kind"], numbers[row["from"]], numbers[row["to"]], points) for row in _rows("roads.csv")
    )
    around: list[list[tuple[int, float]]] = [[] for _ in names]
    for road in roads:
        around[road.first].append((road.second, road.minutes))
        around[road.second].append((road.first, road.minutes))
    lands = tuple(row["land"] for row in junctions)
    return Network(names, points, lands, roads, tuple(map(tuple, around)), _cells(roads, points))


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (importlib.resources.files("routing.travel") / "data" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _road(name: str, kind: str, first: int, second: int, points: tuple[Point, ...]) -> Road:
    driving = 60 * WINDING * distance_km(points[first], points[second]) / KM_PER_HOUR[kind]
    return Road(name, kind, first, second, driving + (0 if kind in ("motorway", "ring") else CROSSROADS_MINUTES))


def _cells(roads: tuple[Road, ...], points: tuple[Point, ...]) -> Mapping[Cell, tuple[int, ...]]:
    found: dict[Cell, list[int]] = {}
    for number, road in enumerate(roads):
        (lat, lon), (other_lat, other_lon) = points[road.first], points[road.second]
        steps = 1 + 2 * ceil(max(abs(other_lat - lat) / _CELL_LAT, abs(other_lon - lon) / _CELL_LON))
        on = [
            (lat + (other_lat - lat) * step / steps, lon + (other_lon - lon) * step / steps)
            for step in range(steps + 1)
        ]
        for cell in dict.fromkeys(map(_cell, on)):
            found.setdefault(cell, []).append(number)
    return {cell: tuple(numbers) for cell, numbers in found.items()}


def _cell(point: Point) -> Cell:
    return floor(point[0] / _CELL_LAT), floor(point[1] / _CELL_LON)


@cache
def minutes_from(junction: int) -> array[float]:
    """Minutes from a junction (its number) to every junction; infinite where no road leads."""
    around = network().around
    found = array("d", [inf]) * len(around)
    found[junction] = 0.0
    open_ = [(0.0, junction)]
    while open_:
        so_far, here = heappop(open_)
        if so_far > found[here]:
            continue
        for there, step in around[here]:
            if so_far + step < found[there]:
                found[there] = so_far + step
                heappush(open_, (so_far + step, there))
    return found


def ways_on(point: Point, land: str) -> tuple[tuple[int, float], ...]:
    """The junctions by which one comes from `point`, on `land`, onto the network, each with its minutes; those that are
    reached as soon by way of another one are left out."""
    reached = sorted(_reached(point, land))[:ROADS_MOST]
    roads = network().roads
    ends: dict[int, float] = {}
    for minutes, number, along in reached:
        road = roads[number]
        for junction, there in ((road.first, along), (road.second, 1 - along)):
            ends[junction] = min(ends.get(junction, inf), minutes + there * road.minutes)
    kept: list[tuple[int, float]] = []
    for minutes, junction in sorted((minutes, junction) for junction, minutes in ends.items()):
        if all(before + minutes_from(other)[junction] > minutes for other, before in kept):
            kept.append((junction, minutes))
    return tuple(kept)


def _reached(point: Point, land: str) -> list[tuple[float, int, float]]:
    """Minutes, road and how far along it (0 to 1), for the roads on `land` in the cells around `point`."""
    row, column = _cell(point)
    known, seen, found = network(), set[int](), list[tuple[float, int, float]]()
    km_per_lon = _KM_PER_DEGREE * cos(radians(point[0]))
    for ring in range(_RINGS_MOST):
        for cell in ring_of_cells(row, column, ring):
            for number in known.cells.get(cell, ()):
                if number not in seen:
                    seen.add(number)
                    if (way := _way_to(point, land, known, number, km_per_lon)) is not None:
                        found.append(way)
        if ring and len(found) >= _ENOUGH:
            return found
    if found:
        return found
    ways = (_way_to(point, land, known, number, km_per_lon) for number in range(len(known.roads)))
    return [way for way in ways if way is not None]  # far out at sea or abroad


def _way_to(point: Point, land: str, known: Network, number: int, km_per_lon: float) -> tuple[float, int, float] | None:
    road = known.roads[number]
    here, there = known.lands[road.first] == land, known.lands[road.second] == land
    if not (here or there):
        return None
    (lat, lon), (other_lat, other_lon) = known.points[road.first], known.points[road.second]
    east, north = (lon - point[1]) * km_per_lon, (lat - point[0]) * _KM_PER_DEGREE
    far_east, far_north = (other_lon - lon) * km_per_lon, (other_lat - lat) * _KM_PER_DEGREE
    if here and there:
        square = far_east * far_east + far_north * far_north
        along = min(1.0, max(0.0, -(east * far_east + north * far_north) / square))
    else:  # over the water: one gets onto it at this side only
        along = 0.0 if here else 1.0
    minutes = access_minutes(hypot(east + along * far_east, north + along * far_north))
    if 0 < along < 1:
        minutes += BETWEEN_JUNCTIONS_MINUTES[road.kind]
    return minutes, number, along


def access_minutes(km: float) -> float:
    """Minutes by car to a main road `km` away in a straight line."""
    road_km = DETOUR * km
    return START_MINUTES + 60 * road_km / (SLOWEST_KM_H + SPEED_GAIN_KM_H * (1 - exp(-road_km / GAIN_OVER_KM)))
