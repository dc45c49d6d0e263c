"""What the stops of places mean for one patient, as the rules and the region say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from routing.facilities.opening import clock_time
from routing.facilities.status import Stop
from routing.rules.rule import FactValue
from routing.rules.selection import Stops
from routing.triage import Triage

Meaning = Literal["goes_anyway", "prefers_without", "avoids", "not_agreed"]


@dataclass(frozen=True, slots=True)
class StopPolicy:
    """What a stop means for this patient, which units matter to what the patient needs, and how long a stop counts."""

    meaning: Meaning
    units: frozenset[str]
    extra_minutes: int
    longest_minutes: int

    @property
    def text(self) -> str:
        """The text of the selection that says what a stop of a place means."""
        return {"goes_anyway": "goes_anyway", "not_agreed": "stops_not_agreed"}.get(self.meaning, "stopped")

    @property
    def diverts(self) -> bool:
        """Whether a place with a stop comes after one without."""
        return self.meaning in ("prefers_without", "avoids")

    def active(self, stops: Iterable[Stop], now: datetime, arrival: datetime) -> Stop | None:
        """The stop that is in force at `now` and still on `arrival`; of several the one that lasts longest."""
        found = [
            stop
            for stop in stops
            if stop.unit in self.units and stop.since <= now and arrival < stop.ends(self.longest_minutes)
        ]
        return max(found, key=lambda stop: (stop.ends(self.longest_minutes), stop.unit), default=None)

    def words(self, stop: Stop) -> Mapping[str, FactValue]:
        """What the texts about a stop may name."""
        return {
            "unit": stop.unit,
            "since": clock_time(stop.since),
            "until": clock_time(stop.ends(self.longest_minutes)),
        }


def policy(stops: Stops, triage: Triage, required: Iterable[str]) -> StopPolicy:
    """What a stop means for a patient who was triaged so and needs the capabilities `required`."""
    needed = set(required)
    units = frozenset(unit for unit, capabilities in stops.units.items() if needed & {*capabilities})
    return StopPolicy(_meaning(stops, triage), units, stops.extra_minutes, stops.longest_minutes)


def _meaning(stops: Stops, triage: Triage) -> Meaning:
    rank = triage.urgency.rank
    if rank <= stops.goes_anyway_to or any(found.code in stops.goes_anyway_with for found in triage.conditions):
        return "goes_anyway"
    if not stops.agreed:
        return "not_agreed"
    return "prefers_without" if rank <= stops.prefers_without_to else "avoids"
