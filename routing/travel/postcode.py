"""From a postcode to a point on the map, and whether a point lies in or near the Netherlands at all.

The points are the middles of the 4,046 postcode areas in `data/pc4.csv`; its README says where they come from.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable, Mapping
from functools import cache
from math import cos, floor, inf, isfinite, radians
from typing import Literal

from routing.errors import WegwijsError, shown
from routing.geography import EARTH_RADIUS_KM, Cell, Point, distance_km, ring_of_cells

NEARBY_KM = 30.0
"""How far from the middle of a postcode area a case may lie: the border regions with Belgium and Germany count."""

_POSTCODE = re.compile(r"([1-9][0-9]{3}) ?(?:[A-Za-z]{2})?")
_KM_PER_DEGREE = EARTH_RADIUS_KM * radians(1)
# Cells of about 20 x 20 km: their diagonal is shorter than NEARBY_KM, so a point in the cell of a centroid is near it.
_CELL_LAT, _CELL_LON = 0.18, 0.29
# Small cells of about 5 x 5 km, to find the nearest one; in the far north they are 4.6 km wide.
_SMALL_LAT, _SMALL_LON, _SMALL_KM = 0.045, 0.07, 4.6
_RINGS_MOST = 8
_CELLS_AROUND = [(row, column) for row in range(-2, 3) for column in range(-2, 3)]


class PostcodeError(WegwijsError, ValueError):
    """A postcode that leads to no point; `reason` says whether it is written wrongly or belongs to no known area."""

    def __init__(self, reason: Literal["shape", "unknown_area"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


def centroid(postcode: str) -> Point:
    """The middle (lat, lon in degrees) of the area of `3584`, `3584CX` or `3584 cx`. Raises PostcodeError."""
    match = _POSTCODE.fullmatch(postcode.strip())
    if match is None:
        raise PostcodeError("shape", f"`{shown(postcode)}` is not a postcode like `3584` or `3584 CX`")
    point = _centroids().get(match[1])
    if point is None:
        raise PostcodeError("unknown_area", f"there is no area `{match[1]}`; postcodes for post boxes have no place")
    return point


def nearest_area(lat: float, lon: float) -> str:
    """The four digits of the area whose middle is nearest to a point (degrees)."""
    row, column = floor(lat / _SMALL_LAT), floor(lon / _SMALL_LON)
    cells, best = _small_cells(), (inf, "")
    for ring in range(_RINGS_MOST):
        for cell in ring_of_cells(row, column, ring):
            for pc4, middle in cells.get(cell, ()):
                best = min(best, (distance_km((lat, lon), middle), pc4))
        if best[0] <= ring * _SMALL_KM:  # what lies in further rings is further away
            return best[1]
    return min((distance_km((lat, lon), middle), pc4) for pc4, middle in _centroids().items())[1]


def middles() -> Iterable[Point]:
    """The middles of all areas (lat, lon in degrees)."""
    return _centroids().values()


def area_close_to(lat: float, lon: float) -> str | None:
    """The four digits of the nearest area if its middle is at most 4.6 km away; None where there is none, as on wide
    water and abroad."""
    row, column = floor(lat / _SMALL_LAT), floor(lon / _SMALL_LON)
    cells, best = _small_cells(), (inf, "")
    for cell in (*ring_of_cells(row, column, 0), *ring_of_cells(row, column, 1)):
        for pc4, middle in cells.get(cell, ()):
            best = min(best, (distance_km((lat, lon), middle), pc4))
    return best[1] if best[0] <= _SMALL_KM else None


def near_the_netherlands(lat: float, lon: float) -> bool:
    """Whether a point (degrees) lies within 30 km of the middle of a Dutch postcode area."""
    if not (isfinite(lat) and isfinite(lon)):
        return False
    cells = _cells()
    row, column = _cell(lat, lon)
    if (row, column) in cells:
        return True
    for up, right in _CELLS_AROUND:
        for there_lat, there_lon, km_per_degree in cells.get((row + up, column + right), ()):
            north, east = _KM_PER_DEGREE * (there_lat - lat), km_per_degree * (there_lon - lon)
            if north * north + east * east <= NEARBY_KM * NEARBY_KM:
                return True
    return False


@cache
def _centroids() -> Mapping[str, Point]:
    text = (importlib.resources.files("routing.travel") / "data" / "pc4.csv").read_text(encoding="ascii")
    rows = (line.split(",") for line in text.splitlines()[1:])
    return {pc4: (float(lat), float(lon)) for pc4, lat, lon in rows}


@cache
def _small_cells() -> Mapping[Cell, list[tuple[str, Point]]]:
    """Small cell -> the areas whose middle lies in it."""
    cells: dict[Cell, list[tuple[str, Point]]] = {}
    for pc4, middle in _centroids().items():
        cells.setdefault((floor(middle[0] / _SMALL_LAT), floor(middle[1] / _SMALL_LON)), []).append((pc4, middle))
    return cells


@cache
def _cells() -> Mapping[Cell, list[tuple[float, float, float]]]:
    """Cell -> (lat, lon, km per degree of longitude there) of every centroid in it."""
    cells: dict[Cell, list[tuple[float, float, float]]] = {}
    for lat, lon in _centroids().values():
        cells.setdefault(_cell(lat, lon), []).append((lat, lon, _KM_PER_DEGREE * cos(radians(lat))))
    return cells


def _cell(lat: float, lon: float) -> Cell:
    return floor(lat / _CELL_LAT), floor(lon / _CELL_LON)
