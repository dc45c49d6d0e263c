"""The travel times that come with Wegwijs: the provider that is used now, and those of before, for old records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from routing.geography import Places, Point
from routing.travel import Travel, skeleton, straight_line
from routing.travel.postcode import area_close_to

METHOD = name = skeleton.METHOD
minutes = skeleton.minutes
by_boat = skeleton.by_boat

WORKED_OUT: Mapping[str, Callable[[Point, Places, datetime], tuple[Travel, ...]]] = {
    skeleton.METHOD: skeleton.minutes,
    straight_line.METHOD: straight_line.minutes,
}
"""The methods whose times come out the same wherever they are worked out."""


def island_of(point: Point, methods: Iterable[str]) -> str | None:
    """The island without a road on which `point` (degrees) lies, by its name, if one of `methods` is ours: whoever
    worked out the times as they came out then knew the islands as they were known then."""
    used = frozenset(methods)
    if skeleton.METHOD in used:
        return skeleton.island_of(point)
    return straight_line.island_of(point) if straight_line.METHOD in used else None


def away_from_areas(point: Point, methods: Iterable[str]) -> bool:
    """Whether `point` (degrees) is so far from the middle of every Dutch postcode area that it may lie on the water or
    abroad, where the skeleton of roads takes it for the nearest land."""
    return skeleton.METHOD in frozenset(methods) and area_close_to(*point) is None
