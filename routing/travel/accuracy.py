"""How right travel times are: held against times or reach that somebody else measured, and beside simpler ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from routing.geography import Places, Point, distance_km, places_at
from routing.travel import Travel
from routing.travel.postcode import centroid
from routing.travel.reference_times import Pair, Reach

Minutes = Callable[[Point, Places, datetime], tuple[Travel, ...]]

LIMITS = (25, 30, 45)
"""The limits in minutes at which times are compared, where the reference tells them apart."""

WORST_MOST = 15

CROW_DETOUR, CROW_KM_H = 1.3, 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """How often a time lies within a limit: by both, by the provider, by the reference."""

    both: int
    ours: int
    theirs: int

    @property
    def precision(self) -> float | None:
        """Of what the provider says is within the limit, the share that is. None: it says so of nothing."""
        return self.both / self.ours if self.ours else None

    @property
    def recall(self) -> float | None:
        """Of what is within the limit, the share of which the provider says so. None: nothing is."""
        return self.both / self.theirs if self.theirs else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return 2 * self.both / (self.ours + self.theirs) if self.ours + self.theirs else None


class Miss(NamedTuple):
    """A pair that is far off: what it is, the times of the provider, and what the reference says (a time, or None where
    it only says that it is `within` a limit or beyond it)."""

    what: str
    travel: Travel
    minutes: float | None
    limit: int | None
    within: bool | None
    off: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What came out. `mean_abs_error` and `inside` (the share of those times inside the interval) are None where
    the reference holds no times; `surely_wrong`: verdicts of which the interval is sure, denied by the reference."""

    method: str
    compared: int
    mean_abs_error: float | None
    inside: float | None
    limits: Mapping[int, Found]
    surely_wrong: Mapping[int, int]
    worst: tuple[Miss, ...]


def accuracy(reference: Sequence[Pair] | Reach, method: str, minutes: Minutes, at: datetime) -> Accuracy:
    """Hold `minutes`, for who leaves at `at`, against `reference`."""
    if isinstance(reference, Reach):
        return _of_reach(reference, method, minutes, at)
    return _of_pairs(reference, method, minutes, at)


def _of_pairs(pairs: Sequence[Pair], method: str, minutes: Minutes, at: datetime) -> Accuracy:
    times = [minutes(pair.origin, places_at([pair.destination]), at)[0] for pair in pairs]
    both = list(zip(pairs, times, strict=True))
    errors = [abs(travel.minutes - pair.minutes) for pair, travel in both]
    inside = sum(travel.low <= pair.minutes <= travel.high for pair, travel in both)
    limits = {
        limit: Found(
            sum(travel.minutes <= limit and pair.minutes <= limit for pair, travel in both),
            sum(travel.minutes <= limit for travel in times),
            sum(pair.minutes <= limit for pair in pairs),
        )
        for limit in LIMITS
    }
    wrong = {limit: sum(_denied(travel, limit, pair.minutes <= limit) for pair, travel in both) for limit in LIMITS}
    misses = [Miss(pair.what, travel, pair.minutes, None, None, travel.minutes - pair.minutes) for pair, travel in both]
    mean = sum(errors) / len(errors)
    return Accuracy(method, len(pairs), mean, inside / len(pairs), limits, wrong, _worst(misses))


def _of_reach(reach: Reach, method: str, minutes: Minutes, at: datetime) -> Accuracy:
    ids, places = tuple(reach.places), places_at(reach.places.values())
    limits: dict[int, Found] = {}
    wrong = dict.fromkeys(reach.within, 0)
    misses: list[Miss] = []
    known = {pc4: minutes(centroid(pc4), places, at) for pc4 in next(iter(reach.within.values()))}
    for limit, areas in reach.within.items():
        both = ours = theirs = 0
        for pc4, within in areas.items():
            for one, travel in zip(ids, known[pc4], strict=True):
                near, there = travel.minutes <= limit, one in within
                both, ours, theirs = both + (near and there), ours + near, theirs + there
                wrong[limit] += _denied(travel, limit, there)
                if near is not there:
                    misses.append(Miss(f"{pc4} - {one}", travel, None, limit, there, travel.minutes - limit))
        limits[limit] = Found(both, ours, theirs)
    return Accuracy(method, len(known) * len(ids), None, None, limits, wrong, _worst(misses))


def _denied(travel: Travel, limit: int, within: bool) -> bool:
    return travel.low > limit if within else travel.high <= limit


def _worst(misses: Sequence[Miss]) -> tuple[Miss, ...]:
    return tuple(sorted(misses, key=lambda miss: (-abs(miss.off), miss.what))[:WORST_MOST])


def crow_fly(origin: Point, places: Places, at: datetime) -> tuple[Travel, ...]:
    """The usual rule of thumb, to compare with: 1.3 times the straight line at 60 km/h."""
    return tuple(_crow(distance_km(origin, point)) for point in places.points)


def _crow(km: float) -> Travel:
    minutes = int(60 * CROW_DETOUR * km / CROW_KM_H + 0.5)
    return Travel(minutes, minutes, minutes, "crow-fly")


def compared(reference: Sequence[Pair] | Reach, ways: Mapping[str, Minutes], at: datetime) -> Iterator[Accuracy]:
    """The accuracy of each of several ways on the same reference."""
    for method, minutes in ways.items():
        yield accuracy(reference, method, minutes, at)
