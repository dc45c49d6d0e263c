"""The islands without a road: which boat goes there, how long that takes, and that at night none goes.

`data/ferries.csv` holds the boats. Their times are as commonly known, not read from a timetable; a boat can be full or
stay in port in a storm. What is quicker in an emergency, a lifeboat or a helicopter, has no minutes here.
"""

from __future__ import annotations

import csv
import importlib.resources
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from routing.geography import Point

_AMSTERDAM = ZoneInfo("Europe/Amsterdam")


class Ferry(NamedTuple):
    """The boat to an island: from where to where, how long in minutes, how often, and between which times."""

    island: str
    name: str
    harbour_name: str
    harbour: Point
    landing: Point
    crossing_minutes: int
    fastest_minutes: int
    every_minutes: int
    first: time
    last: time


class Boat(NamedTuple):
    """Minutes until one is over the water: as a rule, at the soonest and at the latest."""

    minutes: float
    low: float
    high: float


@cache
def ferries() -> Mapping[str, Ferry]:
    """The land of an island (see `routing.travel.areas`) -> its boat."""
    text = (importlib.resources.files("routing.travel") / "data" / "ferries.csv").read_text(encoding="utf-8")
    return {row["island"]: _ferry(row) for row in csv.DictReader(text.splitlines())}


def _ferry(row: Mapping[str, str]) -> Ferry:
    return Ferry(
        row["island"],
        row["name"],
        row["harbour"],
        (float(row["harbour_lat"]), float(row["harbour_lon"])),
        (float(row["landing_lat"]), float(row["landing_lon"])),
        int(row["crossing_minutes"]),
        int(row["fastest_minutes"]),
        int(row["every_minutes"]),
        time.fromisoformat(row["first"]),
        time.fromisoformat(row["last"]),
    )


def boat_at(ferry: Ferry, at: datetime, at_latest: datetime) -> Boat:
    """How long the crossing takes for who is at the quay at `at`, and `at_latest` by then (both aware): by day half the
    time between two boats is waited, at night until the first boat. At the soonest the fastest boat is about to leave,
    or one is called out; at the latest the last boat of the day is just missed."""
    wait = waiting_minutes(ferry, at)
    usual = ferry.every_minutes / 2 if wait is None else wait
    waits = (wait, waiting_minutes(ferry, at_latest))
    longest = max(ferry.every_minutes if each is None else each for each in waits)
    return Boat(usual + ferry.crossing_minutes, ferry.fastest_minutes, longest + ferry.crossing_minutes)


def waiting_minutes(ferry: Ferry, at: datetime) -> float | None:
    """Minutes until the first boat of the day where none sails at `at` (aware); None while they do."""
    here = at.astimezone(_AMSTERDAM)
    if ferry.first <= here.time().replace(tzinfo=None) <= ferry.last:
        return None
    day = here.date() + timedelta(days=0 if here.time().replace(tzinfo=None) < ferry.first else 1)
    first = datetime.combine(day, ferry.first, _AMSTERDAM)
    return (first.timestamp() - at.timestamp()) / 60
