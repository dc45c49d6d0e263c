"""What the stops of places, and places without room, mean for one patient, as the rules and the region say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from routing.facilities.opening import clock_time
from routing.facilities.status import Beds, Report
from routing.rules.rule import FactValue
from routing.rules.selection import LiveFacts, Stops
from routing.triage import Triage

Meaning = Literal["goes_anyway", "prefers_without", "avoids", "not_agreed"]
Reserved = Mapping[str, Sequence[datetime]]
"""Unit of a place -> when patients were lately advised to go there."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something to say of a place: a text of the selection, and what may stand in it."""

    text: str
    words: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class StopPolicy:
    """What a stop means for this patient, which units matter to what the patient needs, and how long a stop counts.

    `live` says how long reports may be relied on; it is None for rulesets from before places reported their status.
    """

    meaning: Meaning
    units: frozenset[str]
    extra_minutes: int
    longest_minutes: int
    live: LiveFacts | None = None

    @property
    def diverts(self) -> bool:
        """Whether a place with a stop, or without room, comes after one without that."""
        return self.meaning in ("prefers_without", "avoids")

    # -- what holds back

    def hold(self, reports: Sequence[Report], reserved: Reserved, now: datetime, arrival: datetime) -> Said | None:
        """The stop that is in force at `now` and still on `arrival`, else a lack of room; None if there is neither."""
        if (stop := self.active(reports, now, arrival)) is not None:
            text = {"goes_anyway": "goes_anyway", "not_agreed": "stops_not_agreed"}.get(self.meaning, "stopped")
            return Said(text, self.words(stop))
        return self.full(reports, reserved, now)

    def active(self, reports: Iterable[Report], now: datetime, arrival: datetime) -> Report | None:
        """The stop that is in force at `now` and still on `arrival`; of several the one that lasts longest."""
        found = [
            report
            for report in reports
            if report.is_stop
            and report.unit in self.units
            and not self.is_over(report, now)
            and arrival < report.ends(self.longest_minutes)
        ]
        return max(found, key=lambda stop: (stop.ends(self.longest_minutes), stop.unit), default=None)

    def is_over(self, report: Report, now: datetime) -> bool:
        """Whether `report` tells of a stop that is not in force at `now` (any more)."""
        lasts = report.began <= now < report.ends(self.longest_minutes) and not report.lapsed(now)
        return report.is_stop and not lasts

    def full(self, reports: Iterable[Report], reserved: Reserved, now: datetime) -> Said | None:
        """That a unit which matters has no room by its own fresh report, or none once the patients who were advised to
        go there since that report are counted. These do not count against a patient who goes anyway."""
        if self.live is None:
            return None
        for unit, counts in sorted(self._beds(reports).items()):
            if not all(report.fresh(now, self.live.fresh_minutes["beds"]) for report in counts):
                continue
            free = sum(_free(report) or 0 for report in counts)
            reported = max(report.observed_at for report in counts)
            since = max(reported, now - timedelta(minutes=self.live.reservation_minutes))
            coming = sum(since < moment <= now for moment in reserved.get(unit, ()))
            words: dict[str, FactValue] = {"unit": unit, "age": min(report.age_minutes(now) for report in counts)}
            if free == 0:
                return Said("full" if self.diverts else "full_goes_anyway", words)
            if self.diverts and self.live.herd_guard and coming >= free:
                return Said("full_with_reserved", {**words, "free": free, "coming": coming})
        return None

    def _beds(self, reports: Iterable[Report]) -> dict[str, list[Report]]:
        """The bed counts of the units that matter; of a unit with several kinds of beds all of them."""
        found: dict[str, list[Report]] = {}
        for report in reports:
            if report.kind == "beds" and report.unit in self.units and _free(report) is not None:
                found.setdefault(report.unit, []).append(report)
        return found

    def ended(self, reports: Iterable[Report], now: datetime, arrival: datetime) -> Iterator[Said]:
        """Stops that are over on arrival, or have been for a while: they do not count any more, and that is said."""
        if self.live is None:
            return
        shown = timedelta(minutes=self.live.ended_shown_minutes)
        for report in reports:
            if report.is_stop and report.unit in self.units and report.began <= now and not report.lapsed(now):
                over = report.ends(self.longest_minutes)
                if over <= arrival and now < over + shown:
                    yield Said("stop_ended", self.words(report))

    def words(self, stop: Report) -> Mapping[str, FactValue]:
        """What the texts about a stop may name."""
        return {
            "unit": stop.unit,
            "since": clock_time(stop.began),
            "until": clock_time(stop.ends(self.longest_minutes)),
        }

    # -- what is not known

    def doubts(self, units: Set[str], reports: Iterable[Report], now: datetime) -> Iterator[Said]:
        """What is stale or unknown, and could hold back this patient: of each of the `units` whether it has a stop, and
        how many beds are free where that was once reported."""
        if self.live is None:
            return
        reported = [report for report in reports if not report.lapsed(now)]
        stops = {report.unit: report for report in reported if report.kind == "stop" and report.value is not None}
        for unit in sorted(units):
            if (known := stops.get(unit)) is None or self.is_over(known, now):
                yield Said("stop_unknown", {"unit": unit})
            elif not known.fresh(now, self.live.fresh_minutes["stop"]):
                yield Said("stop_stale", {"unit": unit, "age": known.age_minutes(now)})
        for unit, counts in sorted(self._beds(reported).items()):
            old = [report for report in counts if not report.fresh(now, self.live.fresh_minutes["beds"])]
            if old:
                yield Said("beds_stale", {"unit": unit, "age": max(report.age_minutes(now) for report in old)})

    def fresh(self, reports: Iterable[Report], now: datetime) -> list[Report]:
        """Those of `reports` that may still be relied on."""
        if self.live is None:
            return list(reports)
        return [report for report in reports if report.fresh(now, self.live.fresh_minutes[report.kind])]

    def closed(self, reports: Iterable[Report], now: datetime) -> Said | None:
        """That the place itself says that a unit which matters is closed: for certain while that report is fresh."""
        if self.live is None:
            return None
        found = [
            (not report.fresh(now, self.live.fresh_minutes["open"]), report.age_minutes(now), report.unit)
            for report in reports
            if report.kind == "open" and report.value is False and report.unit in self.units and not report.lapsed(now)
        ]
        if not found:
            return None
        stale, age, unit = min(found)
        return Said("reported_closed_stale" if stale else "reported_closed", {"unit": unit, "age": age})

    def open_now(self, reports: Iterable[Report], now: datetime) -> bool:
        """Whether the place itself says, freshly, that a unit which matters is open now."""
        return self.live is not None and any(
            report.kind == "open"
            and report.value is True
            and report.unit in self.units
            and report.fresh(now, self.live.fresh_minutes["open"])
            for report in reports
        )


def _free(report: Report) -> int | None:
    return report.value.free if isinstance(report.value, Beds) else None


def policy(stops: Stops, live: LiveFacts | None, triage: Triage, required: Iterable[str]) -> StopPolicy:
    """What a stop means for a patient who was triaged so and needs the capabilities `required`."""
    needed = set(required)
    units = frozenset(unit for unit, capabilities in stops.units.items() if needed & {*capabilities})
    return StopPolicy(_meaning(stops, triage), units, stops.extra_minutes, stops.longest_minutes, live)


def _meaning(stops: Stops, triage: Triage) -> Meaning:
    rank = triage.urgency.rank
    if rank <= stops.goes_anyway_to or any(found.code in stops.goes_anyway_with for found in triage.conditions):
        return "goes_anyway"
    if not stops.agreed:
        return "not_agreed"
    return "prefers_without" if rank <= stops.prefers_without_to else "avoids"
