"""What is going on at a place right now: stops, beds, crowding, waiting. Every report has its age, and none lasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from routing.vocabulary import ReportKind


@dataclass(frozen=True, slots=True)
class Beds:
    """A count of beds: those there are, those with staff, those in use and those free; None is not reported."""

    total: int | None = None
    staffed: int | None = None
    occupied: int | None = None
    available: int | None = None

    @property
    def free(self) -> int | None:
        """How many are free: as reported, else what has staff (or is there) without what is in use; None if unknown."""
        if self.available is not None:
            return self.available
        usable = self.staffed if self.staffed is not None else self.total
        return None if usable is None or self.occupied is None else max(0, usable - self.occupied)


@dataclass(frozen=True, slots=True)
class Report:
    """One live fact about a unit (a key of `stop_kinds`) of a place, as somebody reported it.

    A `value` of None says that it is not known any more. `since` is when a stop began (when nothing else is known: when
    it was first observed), `expected_end` when it should be over. After `valid_until` the report says nothing.
    """

    unit: str
    kind: ReportKind
    value: bool | int | Beds | None
    observed_at: datetime
    bed: str | None = None
    since: datetime | None = None
    expected_end: datetime | None = None
    valid_until: datetime | None = None
    reason: str | None = None
    source: str | None = None

    @property
    def subject(self) -> str:
        """What the report is about; of each subject the newest report counts."""
        return "/".join(part for part in (self.unit, self.kind, self.bed) if part is not None)

    @property
    def began(self) -> datetime:
        """When a stop began."""
        return self.since or self.observed_at

    @property
    def is_stop(self) -> bool:
        """Whether this reports a stop (that may be over by now)."""
        return self.kind == "stop" and self.value is True

    def ends(self, longest_minutes: int) -> datetime:
        """When a stop is over: at its expected end, and at the latest so many minutes after it began. A stop that was
        still seen after its expected end overran it."""
        latest = self.began + timedelta(minutes=longest_minutes)
        if self.expected_end is None or self.began < self.expected_end <= self.observed_at:
            return latest
        return min(latest, self.expected_end)

    def age_minutes(self, now: datetime) -> int:
        """Whole minutes since it was observed."""
        return max(0, int((now - self.observed_at).total_seconds() // 60))

    def fresh(self, now: datetime, fresh_minutes: int) -> bool:
        """Whether the report may still be relied on: it says something, is no older than so many minutes, and its own
        `valid_until` has not passed."""
        return not (self.value is None or now - self.observed_at > timedelta(minutes=fresh_minutes) or self.lapsed(now))

    def lapsed(self, now: datetime) -> bool:
        """Whether its own `valid_until` has passed; then it says nothing any more."""
        return self.valid_until is not None and now > self.valid_until


LiveStatus = Mapping[str, tuple[Report, ...]]
"""Id of a place -> its newest report of every subject, in the order of the subjects."""


def stop(unit: str, since: datetime, expected_end: datetime | None = None, source: str | None = None) -> Report:
    """A stop of `unit` that was seen when it began."""
    return Report(unit, "stop", True, since, expected_end=expected_end, source=source)


def with_report(reports: Iterable[Report], report: Report) -> tuple[Report, ...]:
    """The reports of one place once `report` has taken the place of the one about the same subject."""
    others = (each for each in reports if each.subject != report.subject)
    return tuple(sorted((*others, report), key=lambda each: each.subject))


def report_record(report: Report) -> dict[str, Any]:
    """The report as files, the interface and the log write it; what is not said is left out, `value` never is."""
    value = report.value
    if isinstance(value, Beds):
        value = {name: count for name in BED_COUNTS if (count := getattr(value, name)) is not None}  # type: ignore[assignment]
    record: dict[str, Any] = {
        "unit": report.unit,
        "kind": report.kind,
        "bed": report.bed,
        "observed_at": report.observed_at.isoformat(),
        **{name: moment.isoformat() for name in _MOMENTS if (moment := getattr(report, name)) is not None},
        "reason": report.reason,
        "source": report.source,
    }
    return {**{key: said for key, said in record.items() if said is not None}, "value": value}


def report_of(record: Mapping[str, Any]) -> Report:
    """The report that `report_record` wrote."""
    moments = {name: datetime.fromisoformat(record[name]) for name in ("observed_at", *_MOMENTS) if name in record}
    value = Beds(**record["value"]) if isinstance(record["value"], Mapping) else record["value"]
    return Report(**{**record, **moments, "value": value})


class _Counted(Protocol):
    @property
    def unit(self) -> str: ...
    @property
    def kind(self) -> str: ...


def units_with_beds(reports: Iterable[_Counted]) -> frozenset[str]:
    """The units of which a place reports beds."""
    return frozenset(report.unit for report in reports if report.kind == "beds")


BED_COUNTS = ("total", "staffed", "occupied", "available")
_MOMENTS = ("since", "expected_end", "valid_until")
