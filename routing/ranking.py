"""In which order places come that can take the patient, as the ruleset says it; fewer is better everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime

from routing.case import Case
from routing.criteria import Assessment, Criteria
from routing.facilities.directory import Directory
from routing.facilities.profile import Facility, Traits
from routing.rules.selection import Order, Selection
from routing.stops import Said, StopPolicy

Value = int | str | tuple[int, ...]
Rankings = Mapping[str, tuple[tuple[str, Value], ...]]
"""Id of a place -> each criterion of the ranking with its value."""

Held = Mapping[str, bool]
NOTHING_ASSUMED: Held = {}
"""Of no place anything else than what is known of it."""


def ordered(places: Sequence[Assessment], rankings: Rankings) -> list[Assessment]:
    """`places` with the best by their `rankings` first."""
    return sorted(places, key=lambda place: [value for _, value in rankings[place.facility.id]])


class Ranking:
    """The ranking for one case; what holds patients back at a place is worked out once."""

    def __init__(
        self,
        case: Case,
        directory: Directory,
        criteria: Criteria,
        stops: StopPolicy | None,
        selection: Selection,
        preferred: int,
        now: datetime,
    ) -> None:
        self.case, self.directory, self.criteria, self.selection = case, directory, criteria, selection
        self.stops, self.preferred, self.now = stops, preferred, now
        self._holds: dict[str, Said | None] = {}
        self._units: dict[Traits, frozenset[str]] = {}

    def in_order(self, places: Sequence[Assessment], assumed: Held = NOTHING_ASSUMED) -> list[Assessment]:
        """`places` with the best first; `assumed` says of some whether something holds patients back there."""
        return ordered(places, self.rankings(places, assumed))

    def rankings(self, places: Sequence[Assessment], assumed: Held = NOTHING_ASSUMED) -> Rankings:
        """The ranking of each of `places`."""
        held = {place.facility.id for place in places if assumed.get(place.facility.id, self.held(place))}
        if held and self.prefers_without_stop and not self._worth_it(places, held):
            held = set()
        nearest = min(place.travel.minutes for place in self._best(places, held))
        return {place.facility.id: tuple(self._ranking(place, nearest, held)) for place in places}

    def _worth_it(self, places: Sequence[Assessment], held: Set[str]) -> bool:
        """Whether at a place within the detour that is agreed on nothing holds patients back."""
        return any(place.facility.id not in held for place in self.near_enough(places))

    def near_enough(self, places: Sequence[Assessment]) -> list[Assessment]:
        """The places to one of which a patient is taken because of a stop elsewhere: those within the detour that is
        agreed on, where there is such a limit."""
        if self.stops is None or not self.prefers_without_stop:
            return [*places]
        best = self._best(places, frozenset())
        furthest = min(place.travel.minutes for place in best) + self.stops.extra_minutes
        return [place for place in best if place.travel.minutes <= furthest]

    def _best(self, places: Sequence[Assessment], held: Set[str]) -> list[Assessment]:
        """The places that are best on what ranks before any detour; from the nearest of them detours are counted."""
        order = self.selection.order
        first = order[: min(index for index, name in enumerate(order) if name in self._detours)]
        before = [tuple(value for _, value in self._ranking(place, 0, held, first)) for place in places]
        best = min(before)
        return [place for place, values in zip(places, before, strict=True) if values == best]

    def _ranking(
        self, place: Assessment, nearest: int, held: Set[str], order: Sequence[Order] | None = None
    ) -> Iterator[tuple[str, Value]]:
        selection = self.selection
        detour = place.travel.minutes - nearest
        for name in selection.order if order is None else order:
            match name:
                case "gave_way":
                    yield name, place.gave_way
                case "unknown":
                    yield name, place.unknown - self._said_closed(place)
                case "norms_not_sure":
                    yield name, place.norms_not_sure
                case "stopped":
                    yield name, int(place.facility.id in held)
                case "preferred_missing":
                    near = detour <= selection.preferred_detour.minutes
                    yield name, len(place.missing_preferred) if near else self.preferred
                case "not_known_there":
                    yield name, 0 if self.known_there(place) and detour <= selection.known_there_detour.minutes else 1
                case "minutes":
                    yield name, place.travel.minutes
                case "id":
                    yield name, place.facility.id

    @property
    def prefers_without_stop(self) -> bool:
        """Whether a place without a stop is worth a bounded detour, rather than any."""
        return self.stops is not None and self.stops.meaning == "prefers_without"

    @property
    def _detours(self) -> tuple[Order, ...]:
        """The criteria of the ranking that count minutes from the nearest place."""
        both: tuple[Order, ...] = ("preferred_missing", "not_known_there")
        return ("stopped", *both) if self.prefers_without_stop else both

    def held(self, place: Assessment) -> bool:
        """Whether a stop, or a lack of room, makes another place come first."""
        return self.stops is not None and self.stops.diverts and self.hold(place) is not None

    def hold(self, place: Assessment) -> Said | None:
        """The stop of the place that matters to this patient and lasts until the arrival, or its lack of room."""
        key = place.facility.id
        if self.stops is None or not (reports := self.directory.status.get(key)):
            return None
        if key not in self._holds:
            arrival = self.criteria.arrival(place.travel.minutes)
            reserved = self.directory.reserved.get(key, {})
            self._holds[key] = self.stops.hold(reports, reserved, self.now, arrival)
        return self._holds[key]

    def doubts(self, place: Assessment) -> tuple[Said, ...]:
        """What is stale or unknown of the place, and could hold back this patient."""
        if self.stops is None or not self.stops.diverts:
            return ()
        reports = self.directory.status.get(place.facility.id, ())
        return tuple(self.stops.doubts(self.units(place.facility), reports, self.now))

    def surely_held(self, place: Assessment) -> bool:
        """Whether something holds patients back there by fresh reports alone."""
        if self.stops is None or not self.held(place):
            return False
        reports = self.stops.fresh(self.directory.status.get(place.facility.id, ()), self.now)
        reserved = self.directory.reserved.get(place.facility.id, {})
        return self.stops.hold(reports, reserved, self.now, self.criteria.arrival(place.travel.minutes)) is not None

    def units(self, facility: Facility) -> frozenset[str]:
        """The units that matter to this patient and that the place can have: not one for what it surely has not, nor
        one for what comes with another (an emergency department is no basic urgent care post as well)."""
        if self.stops is None:
            return frozenset()
        traits = self.directory.traits[self.directory.index[facility.id]]
        if (found := self._units.get(traits)) is None:
            known = self.criteria.ruleset.vocabulary.capabilities
            there = {unit for unit in self.stops.units if facility.capabilities.get(unit, True) is not False}
            covered = {name for unit in there if unit in known for name in known[unit].implies}
            found = self._units[traits] = frozenset(there - covered)
        return found

    def _said_closed(self, place: Assessment) -> bool:
        """Whether an old report of a closure would keep somebody in danger from the place (F27: it never does)."""
        in_danger = self.stops is not None and self.stops.meaning == "goes_anyway"
        return in_danger and any(doubt.text == "reported_closed_stale" for doubt in place.doubts)

    def known_there(self, place: Assessment) -> bool:
        """Whether it counts that the patient is known at the place."""
        return self.criteria.urgency >= self.selection.known_there_from and place.facility.id in self.case.known_at
