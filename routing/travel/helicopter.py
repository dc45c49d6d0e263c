"""How long a helicopter with a mobile medical team takes to be beside a patient: information, nothing is decided by it.

    t = start + 60 d / v + landing   minutes

with `d` the great-circle distance in km and the numbers of the ruleset. The weather, where the team is at this moment
and whether it is free are not known; the interval is wide and does not cover a team that cannot fly.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from routing.geography import Point, distance_km
from routing.travel import Travel

METHOD = "helicopter-nl/1"


class Helicopter(NamedTuple):
    """Minutes until it flies, its speed, minutes from above the patient to beside them, and how far the whole may be
    off (0.5: half of it, to either side)."""

    start_minutes: float
    cruise_km_h: float
    landing_minutes: float
    margin: float


def flight(helicopter: Helicopter, station: Point, patient: Point) -> Travel:
    """Minutes from the alarm at `station` until the team is beside `patient` (both in degrees).

    >>> flight(Helicopter(5, 220, 5, 0.5), (52.4142, 4.8058), (52.4142, 4.8058))
    Travel(minutes=10, low=5, high=15, method='helicopter-nl/1')
    """
    flying = 60 * distance_km(station, patient) / helicopter.cruise_km_h
    time = helicopter.start_minutes + flying + helicopter.landing_minutes
    margin = time * helicopter.margin
    return Travel(int(time + 0.5), int(time - margin), ceil(time + margin), METHOD)
