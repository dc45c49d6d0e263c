"""How long it takes to get there: one port for every provider of travel times, and what goes in and comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
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


def methods_of(times: Iterable[Travel]) -> frozenset[str]:
    """The methods by which these times were found."""
    return frozenset(map(_METHOD, times))


_METHOD = attrgetter("method")


class Silent(NamedTuple):
    """A road engine that was to be asked for a time and gave none, and the method that stands in for it."""

    engine: str
    instead: str


_SILENT = re.compile(r"(?P<instead>.+) \((?P<engine>[^()]+) did not answer\)")


def stands_in(method: str, engine: str) -> str:
    """The method of a time that `method` found because `engine` did not answer.

    >>> stands_in("straight-line-nl/1", "osrm/1")
    'straight-line-nl/1 (osrm/1 did not answer)'
    """
    return f"{method} ({engine} did not answer)"


def silent_in(method: str) -> Silent | None:
    """The engine that did not answer, where `method` stands in for one."""
    found = _SILENT.fullmatch(method)
    return None if found is None else Silent(found["engine"], found["instead"])


def found_by(method: str) -> str:
    """The method that found the time itself, also where it stands in for an engine.

    >>> found_by("straight-line-nl/1 (osrm/1 did not answer)")
    'straight-line-nl/1'
    """
    silent = silent_in(method)
    return method if silent is None else silent.instead


class TravelProvider(Protocol):
    """Something that knows travel times; the answer has one `Travel` a place, in the order of `places`."""

    @property
    def name(self) -> str:
        """Name and version, as it stands in the provenance of a decision (`straight-line-nl/1`)."""

    def minutes(self, origin: Point, places: Places, at: datetime) -> tuple[Travel, ...]:
        """Minutes by car from `origin` (lat, lon in degrees) to each of `places`, leaving at `at`."""
