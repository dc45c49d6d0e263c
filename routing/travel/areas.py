"""What is known of the place where somebody is: on which piece of land between the big waters, and how built-up it is.

A land is a part of the country that a car leaves over a bridge, dyke, tunnel or ferry only. It is that of the nearest
postcode area: beside a narrow river that can be the other bank, where a bridge is near as a rule.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from functools import cache
from math import log1p
from typing import NamedTuple

from routing.geography import Point
from routing.travel.postcode import nearest_area

QUIET = 9.0
MINUTES_PER_CROWDED = 0.37
"""Getting through a town costs 0.37 minutes for each time that the people around are 2.7 times as many as e^9, which is
about 8,100: our own calibration, see `routing.travel.skeleton`."""


class Area(NamedTuple):
    """A postcode area: its land, how many people live in it, and how many around it (each counted less by its distance:
    by `exp(-(d / 2.5 km)^2)`)."""

    land: str
    people: int
    people_nearby: int


def area_at(point: Point) -> Area:
    """The postcode area whose middle is nearest to `point` (degrees)."""
    return areas()[nearest_area(*point)]


def crowded_minutes(area: Area) -> float:
    """How many minutes it costs to leave or reach a place in `area` because it is built-up."""
    return MINUTES_PER_CROWDED * max(0.0, log1p(area.people_nearby) - QUIET)


@cache
def areas() -> Mapping[str, Area]:
    """Four digits of a postcode -> its area."""
    text = (importlib.resources.files("routing.travel") / "data" / "areas.csv").read_text(encoding="ascii")
    rows = (line.split(",") for line in text.splitlines()[1:])
    return {pc4: Area(land, int(people), int(nearby)) for pc4, land, people, nearby in rows}
