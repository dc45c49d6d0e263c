"""Times by road from an engine of the operator, with an interval of their own; never longer in coming than was said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

from routing.geography import Point, distance_km
from routing.travel import Travel
from routing.travel.breaker import Breaker
from routing.travel.engines import NoAnswer, Protocol, Question, Seconds, question, seconds_in

log = logging.getLogger("wegwijs.travel")

MARGIN = 0.15
SMALLEST_MARGIN_MINUTES = 3.0
"""How far the time of an engine may be off, to either side. Our own choice, without a source: an engine reckons a car
on free roads from kerb to kerb. Traffic and the way to the door make it longer, an ambulance under way with lights and
sirens makes it shorter, and how much has not been measured."""

FASTEST_KM_H = 200.0
"""A drive that would be faster than this along the straight line is no drive."""

Asked = Callable[[str, bool], None]
"""Is told how a question went (`answered`, `late`, `failed`, `refused`, `left_alone`) and whether the engine is left
alone since."""


def _nobody_counts(_result: str, _left_alone: bool) -> None:
    return


@dataclass(frozen=True, slots=True)
class RoadEngine:
    """A road engine that can be asked: which, where, for how long at most, and of how many of the best places."""

    protocol: Protocol
    url: str
    timeout_seconds: float
    places: int
    breaker: Breaker
    exchange: Callable[[Question, float], bytes] = field(repr=False)
    elapsed: Callable[[], float] = field(repr=False)
    key: str | None = field(default=None, repr=False)
    count: Asked = field(default=_nobody_counts, repr=False)

    @property
    def name(self) -> str:
        """Name and version, as it stands in the provenance of a decision."""
        return self.protocol.name

    def ask(self, origin: Point, points: Sequence[Point], seconds: float) -> tuple[Travel | None, ...] | None:
        """The times by car from `origin` to `points` (lat, lon in degrees) within `seconds`; None for a place to which
        it knows no way, and None altogether if it does not answer or is left alone."""
        if seconds <= 0 or not self.breaker.may_ask():
            self._counted("left_alone")
            return None
        try:
            found = self.times(origin, points, seconds)
        except NoAnswer as error:
            if error.refused:
                self.breaker.answered()
            else:
                self.breaker.failed(late=error.late)
            self._counted("refused" if error.refused else "late" if error.late else "failed")
            log.warning("the road engine %s gave no times: %s", self.name, error)
            return None
        self.breaker.answered()
        self._counted("answered")
        return found

    def times(self, origin: Point, points: Sequence[Point], seconds: float) -> tuple[Travel | None, ...]:
        """The same, whether or not it is left alone. Raises NoAnswer."""
        body = self.exchange(question(self.protocol, self.url, self.key, origin, points), seconds)
        found = seconds_in(self.protocol, body, len(points))
        _possible(origin, points, found)
        return tuple(None if time is None else travel_of(time / 60, self.name) for time in found)

    def _counted(self, result: str) -> None:
        self.count(result, self.breaker.state != "closed")


def travel_of(time: float, method: str) -> Travel:
    """A time of an engine in minutes, with its interval; all three only grow with the time."""
    margin = max(MARGIN * time, SMALLEST_MARGIN_MINUTES)
    return Travel(int(time + 0.5), max(0, int(time - margin)), ceil(time + margin), method)


def _possible(origin: Point, points: Sequence[Point], found: Sequence[Seconds]) -> None:
    """Raises NoAnswer for times in which nobody can drive that far: those are times of something else."""
    for point, seconds in zip(points, found, strict=True):
        if seconds is not None and distance_km(origin, point) > 1 + seconds / 3600 * FASTEST_KM_H:
            raise NoAnswer("it gave a time in which nobody can drive that far")
