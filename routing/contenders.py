"""Of which places the time of travel decides where the patient goes: those about which a road engine is asked.

A time is known between its low and its high end until the engine was asked. A place is a contender if it could come
first with the best that the engine can say of it and the worst that it can say of the place that comes first now; and
so is each that could be the nearest which surely has something, where a bypass limit asks for that. Once no contender
is left that was not asked, asking about all other places could not make another place first, as long as the engine's
times lie between those ends. What is said of the places behind the first keeps the times that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from routing.case import Case
from routing.criteria import LATE, NEVER, UNKNOWN, Assessment, Criteria
from routing.facilities.directory import Directory
from routing.matching import Matcher
from routing.rules.ruleset import Ruleset
from routing.travel import Travel
from routing.triage import PatientNeed, Triage
from routing.way import driven, way_of

BY_DETOUR = frozenset({"stopped", "preferred_missing", "not_known_there"})
"""Criteria of the ranking that count for places within some minutes of the nearest only."""

Standing = tuple[int | tuple[int, ...], ...]
"""A place by what ranks before any detour."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times to all places by car: as they are known now, the numbers of those about which the engine was asked, and
    what it would say where it found so many minutes."""

    now: Sequence[Travel]
    asked: Set[int]
    by_engine: Callable[[int], Travel]

    def at_best(self) -> tuple[Travel, ...]:
        """The times if the engine is as quick everywhere as it can be."""
        return tuple(self._end(number, travel, travel.low) for number, travel in enumerate(self.now))

    def at_worst(self) -> tuple[Travel, ...]:
        """The times if the engine is as slow everywhere as it can be."""
        return tuple(self._end(number, travel, travel.high) for number, travel in enumerate(self.now))

    def _end(self, number: int, travel: Travel, minutes: int) -> Travel:
        return travel if number in self.asked else self.by_engine(minutes)


def contenders(
    triage: Triage, case: Case, directory: Directory, ruleset: Ruleset, times: Times, now: datetime, best: int
) -> list[int]:
    """The numbers of the places still to be asked about, the most telling first: the `best` first of the ranking, and
    all contenders. Empty where nothing hangs on a time, or all was asked."""
    way = way_of(triage, case, ruleset.logistics)
    matcher = Matcher(triage, case, directory, ruleset, driven(way, tuple(times.now)), now.astimezone(UTC))
    found = matcher.match()
    ranked = [directory.index[each.facility.id] for each in found.candidates if each.facility is not None]
    ends = _Ends(matcher, driven(way, times.at_best()), driven(way, times.at_worst()))
    others = {*ends.rivals(ranked[0])} if ranked else set[int]()
    for needs in matcher.held_to[: -1 if ranked else None]:  # nobody can do that, as far as is known now
        others |= {*ends.perhaps_open(needs)}
    for needs in matcher.nearest_of:
        others |= {*ends.nearest(needs)}
    soonest = sorted(others, key=lambda number: (times.now[number].low, times.now[number].minutes, number))
    # what it costs or gains to go there is told by the same source
    heading = case.on_the_way.heading_to if case.on_the_way is not None else None
    going_to = [directory.index[heading]] if ranked and heading is not None and heading in directory.index else []
    return [number for number in dict.fromkeys((*ranked[:best], *going_to, *soonest)) if number not in times.asked]


class _Ends:
    """The places of one case at both ends of their times."""

    def __init__(self, matcher: Matcher, best: Sequence[Travel], worst: Sequence[Travel]) -> None:
        self.matcher, self.numbers, self.best = matcher, range(len(best)), best
        self.at_best, self.at_worst = self._criteria(best), self._criteria(worst)
        order = matcher.ruleset.selection.order
        self.before = order[: min(order.index(name) for name in order if name in BY_DETOUR or name == "minutes")]
        """The criteria that rank before any detour."""

    def _criteria(self, travel: Sequence[Travel]) -> Criteria:
        it = self.matcher
        return Criteria(it.triage, it.case, it.directory, it.ruleset, travel, it.now, it.ranking.stops)

    def rivals(self, first: int) -> Iterator[int]:
        """The places that could come before `first`, which comes first now."""
        needs = self.matcher.held_to[-1]
        (leader,) = self.at_worst.assess(needs, self.matcher.preferred, [first])
        standing = self._standing(leader.gave_way, leader.unknown, leader.norms_not_sure)
        furthest = leader.travel.minutes + self._detour(leader)
        # beyond the reach only those count that can do it, and only where nobody within it can do anything
        beyond = leader.travel.minutes > self.matcher.reach
        reach = inf if beyond else self.matcher.reach
        near = [number for number in self.numbers if self.best[number].minutes <= reach]
        places = self.at_best.assess(needs, self.matcher.preferred, near)
        for number, place in zip(near, places, strict=True):
            at_best = self._at_best(place)
            if at_best is None:
                continue
            within = beyond and _time(place) <= self.matcher.reach
            if within or at_best < standing or (at_best == standing and _time(place) <= furthest):
                yield number

    def perhaps_open(self, needs: Sequence[PatientNeed]) -> Iterator[int]:
        """The places that could do this, if they are open at one end of their times at least."""
        ends = (it.assess(needs, (), self.numbers) for it in (self.at_best, self.at_worst))
        for number, (one, other) in enumerate(zip(*ends, strict=True)):
            if self._at_best(one) is not None and not (_closed(one) and _closed(other)):
                yield number

    def _standing(self, gave_way: tuple[int, ...], unknown: int, norms_not_sure: int) -> Standing:
        values: Mapping[str, int | tuple[int, ...]] = {
            "gave_way": gave_way,
            "unknown": unknown,
            "norms_not_sure": norms_not_sure,
        }
        return tuple(values[name] for name in self.before if name in values)

    def _at_best(self, place: Assessment) -> Standing | None:
        """How a place stands at the best: whether it is open hangs on the moment of arrival, and is left open. None if
        it surely cannot do what is asked."""
        failures = [found for found in place.failures if found.name != "open"]
        if any(found.position >= NEVER for found in failures):
            return None
        doubts = [found for found in place.doubts if found.name != "open"]
        positions = sorted((found.position for found in (*failures, *doubts) if found.position), reverse=True)
        unknown = sum(found.text in UNKNOWN for found in doubts)
        return self._standing(tuple(positions), unknown, place.norms_not_sure)

    def _detour(self, leader: Assessment) -> float:
        """How many minutes further than the first place another one can be and still be preferred to it."""
        ranking, selection = self.matcher.ranking, self.matcher.ruleset.selection
        stops = ranking.stops
        if not {*selection.order} - {*self.before} <= {*BY_DETOUR, "minutes", "id"}:
            return inf  # something else counts before the minutes
        detours = [selection.preferred_detour.minutes, selection.known_there_detour.minutes]
        if stops is not None and stops.diverts:
            if not ranking.prefers_without_stop and self.matcher.directory.status.get(leader.facility.id):
                return inf  # a place without a stop comes first at any distance
            detours.append(stops.extra_minutes)
        return max(detours)

    def nearest(self, needs: Sequence[PatientNeed]) -> Iterator[int]:
        """The places that could be the nearest of which it is certain that they can do all this, in time or not."""
        reach = self.matcher.reach
        surely = (
            _time(place)
            for place in self.at_worst.assess(needs, (), self.numbers)
            if all(found.text in LATE for found in (*place.failures, *place.doubts))
        )
        limit = min(min(surely, default=reach), reach)
        near = [number for number in self.numbers if self.best[number].minutes <= limit]
        for number, place in zip(near, self.at_best.assess(needs, (), near), strict=True):
            if all(found.text in LATE or found.name == "open" for found in (*place.failures, *place.doubts)):
                yield number


def _time(place: Assessment) -> int:
    return place.travel.minutes


def _closed(place: Assessment) -> bool:
    return any(found.name == "open" for found in place.failures)
