"""How long it takes to get there: one port for every provider of travel times, and what goes in and comes out."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from routing.geography import Places, Point


class Travel(NamedTuple):
    """Driving time in whole minutes: the estimate, an interval around it that belongs to the answer, and who says so.

    A tuple rather than a dataclass: one is made for every place on every decision.
    """

    minutes: int
    low: int
    high: int
    method: str


class TravelProvider(Protocol):
    """Something that knows travel times; the answer has one `Travel` a place, in the order of `places`."""

    @property
    def name(self) -> str:
        """Name and version, as it stands in the provenance of a decision (`straight-line-nl/1`)."""

    def minutes(self, origin: Point, places: Places, at: datetime) -> tuple[Travel, ...]:
        """Minutes by car from `origin` (lat, lon in degrees) to each of `places`, leaving at `at`."""
