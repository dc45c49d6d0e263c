"""Points on the globe and the distances between them; the globe is a sphere, right within half a per cent here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

Point = tuple[float, float]
"""Latitude and longitude in WGS84 degrees."""

Vector = tuple[float, float, float]
"""A point on the globe as a vector of length 1 from its centre."""

Cell = tuple[int, int]
"""A square of a grid over the map: row to the north, column to the east."""

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


@dataclass(frozen=True, slots=True)
class Places:
    """Places to travel to, in a fixed order: degrees for a road engine, unit vectors for a straight line."""

    points: tuple[Point, ...]
    vectors: tuple[Vector, ...]


def places_at(points: Iterable[Point]) -> Places:
    """The places at `points` (lat, lon in degrees)."""
    fixed = tuple(points)
    return Places(fixed, tuple(unit_vector(point) for point in fixed))


def some_of(places: Places, indices: Sequence[int]) -> Places:
    """The places at `indices`, in that order: the few that a slow provider is asked about."""
    return Places(tuple(places.points[index] for index in indices), tuple(places.vectors[index] for index in indices))


def unit_vector(point: Point) -> Vector:
    """`point` (degrees) as a unit vector."""
    lat, lon = radians(point[0]), radians(point[1])
    return cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)


def distance_km(here: Point, there: Point) -> float:
    """Great-circle distance in km between two points in degrees."""
    lat, other_lat = radians(here[0]), radians(there[0])
    north, east = sin((other_lat - lat) / 2), sin(radians(there[1] - here[1]) / 2)
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(north * north + cos(lat) * cos(other_lat) * east * east)))


def ring_of_cells(row: int, column: int, ring: int) -> list[Cell]:
    """The cells that lie `ring` cells around one: itself for 0, else the border of a square."""
    if not ring:
        return [(row, column)]
    wide = range(column - ring, column + ring + 1)
    sides = [(row + up, column + right) for up in range(1 - ring, ring) for right in (-ring, ring)]
    return [*((row - ring, right) for right in wide), *((row + ring, right) for right in wide), *sides]
