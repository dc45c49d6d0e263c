"""How long the times of travel to 500 places take: embedded and from a matrix, one after the other in the same run."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from routing.errors import bad_input
from routing.geography import Places, Point, places_at
from routing.travel import TravelProvider
from routing.travel.matrix import MatrixProvider
from routing.travel.matrix_file import BadMatrix
from routing.travel.postcode import middles
from routing.travel_here import EMBEDDED, matrix_at

PLACES = 500
"""To so many places; where a matrix has fewer they are asked about more than once."""


def measure(matrix: Path | None, lookups: int, *, progress: Callable[[str], None]) -> dict[str, Any]:
    """Time `lookups` from points all over the country. Raises BadInput for a file that is no matrix."""
    try:
        provider = None if matrix is None else matrix_at(matrix)
    except BadMatrix as error:
        raise bad_input("--matrix", "unreadable", str(error), allowed="what `wegwijs travel build` made") from error
    places = _places(provider)
    some = random.Random(1)  # noqa: S311 - the same points each time
    points = some.choices(sorted(middles()), k=lookups)
    asked: dict[str, TravelProvider] = {"embedded": EMBEDDED, **({} if provider is None else {"matrix": provider})}
    for each in asked.values():  # what is kept for the next time
        each.minutes(points[0], places, _NOW)
    spent: dict[str, list[float]] = {name: [] for name in asked}
    for point in points:
        for name, each in asked.items():
            spent[name].append(_us(each, point, places))
    found: dict[str, Any] = {"places": PLACES, "lookups": lookups, "embedded": EMBEDDED.name}
    for name, times in spent.items():
        found |= {f"{name}_us_p50": round(statistics.median(times), 1)}
        found |= {f"{name}_us_p99": round(statistics.quantiles(times, n=100)[98], 1)}
        progress(f"{name}: {found[f'{name}_us_p50']} us for 1 x {PLACES}")
    if provider is not None:
        found |= {"matrix": provider.name, "outside_matrix": _outside(provider, points)}
        found["ratio_embedded_to_matrix"] = round(found["embedded_us_p50"] / found["matrix_us_p50"], 2)
    return found


_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _us(provider: TravelProvider, point: Point, places: Places) -> float:
    begin = time.perf_counter_ns()
    provider.minutes(point, places, _NOW)
    return (time.perf_counter_ns() - begin) / 1000


def _places(provider: MatrixProvider | None) -> Places:
    """The places of the matrix, again and again until they are enough; without one as many postcode areas."""
    points = sorted(middles())
    if provider is not None and provider.matrix.header.places:
        points = [(lat, lon) for _, lat, lon in provider.matrix.header.places]
    return places_at(points[number % len(points)] for number in range(PLACES))


def _outside(provider: MatrixProvider, points: Sequence[Point]) -> int:
    return sum(not provider.covers(point) for point in points)
