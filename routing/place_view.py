"""One place in time: whether it is open now, and what it reported of late, in the order in which that was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from routing.directory_here import newest_directory
from routing.errors import NotFound, shown
from routing.facilities.opening import is_open, next_change
from routing.facilities.status import Beds, Report, report_of
from routing.places import Live, facility_history, live_reading
from routing.world import World

CHANGES_MOST = 1_000
"""So many changes are looked at; of a place that reports more often than that only the newest."""

PAGE = 200
COUNTED = ("crowding", "beds", "waiting_minutes", "offload_minutes")


def open_now(world: World, facility_id: str) -> dict[str, Any]:
    """Whether the place as a whole is open by its hours: `{"open": True, False or None (nobody knows), "changes_at":
    when that is otherwise, or None}`. Raises NotFound, StoreUnavailable."""
    directory, now = newest_directory(world), world.clock()
    if (place := directory.by_id.get(facility_id)) is None:
        raise NotFound("facility", str(shown(facility_id)))
    change = next_change(place.opening, now, directory.holidays)
    found = is_open(place.opening, now, directory.holidays)
    return {"open": found, "changes_at": change.isoformat() if change is not None else None}


def past_of(world: World, facility_id: str, days: int) -> dict[str, Any]:
    """What the place reported in the last so many days: `{"since", "until", "stops": [{unit, begin, end, reason}],
    "crowding", "beds", "waiting_minutes", "offload_minutes": {unit: [{at, value}]}, "complete"}`, oldest first. Of beds
    the value is how many were free; a value is None from when it was not known any more. A stop ends when the place
    said so, at its expected end, or at the latest when the rules take it for over; one that goes on has `end` None.
    `complete` is False where there was more than CHANGES_MOST. Raises NotFound, BadData, StoreUnavailable."""
    now = world.clock()
    since = now - timedelta(days=days)
    reports, complete = _reports(world, facility_id, since)
    series: dict[str, dict[str, list[dict[str, Any]]]] = {kind: {} for kind in COUNTED}
    for report in reports:
        if report.kind in COUNTED and report.observed_at >= since and report.bed is None:
            point = {"at": report.observed_at.isoformat(), "value": _count(report.value)}
            series[report.kind].setdefault(report.unit, []).append(point)
    stops = _stops(reports, live_reading(world), since, now)
    return {"since": since.isoformat(), "until": now.isoformat(), "stops": stops, **series, "complete": complete}


def _count(value: object) -> int | None:
    if isinstance(value, Beds):
        return value.free
    return value if isinstance(value, int) else None


def _reports(world: World, facility_id: str, since: datetime) -> tuple[list[Report], bool]:
    """The reports of the place, in the order in which they were seen, back to the last one before `since`."""
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while len(found) < CHANGES_MOST:
        page = facility_history(world, facility_id, cursor=cursor, limit=PAGE)
        found += page["changes"]
        cursor = page["next"]
        # a stop that began before is still part of the picture: what was said in the two days before is looked at too
        if cursor is None or datetime.fromisoformat(found[-1]["received_at"]) < since - timedelta(days=2):
            return _in_order(found), True
    return _in_order(found), False


def _in_order(changes: Iterable[Mapping[str, Any]]) -> list[Report]:
    reports = [report_of(change["report"]) for change in changes if change.get("report") is not None]
    return sorted(reports, key=lambda report: report.observed_at)


def _stops(reports: Iterable[Report], live: Live, since: datetime, now: datetime) -> list[dict[str, Any]]:
    longest = live.stops.longest_minutes if live.stops is not None else 0
    by_unit: dict[str, list[Report]] = {}
    for report in reports:
        if report.kind == "stop":
            by_unit.setdefault(report.unit, []).append(report)
    found: list[tuple[datetime, dict[str, Any]]] = []
    for unit, said in by_unit.items():
        for report, following in zip(said, [*said[1:], None], strict=True):
            if report.is_stop:
                end = report.ends(longest) if following is None else min(report.ends(longest), following.observed_at)
                _add_stop(found, unit, report, end)
    spans = [(begin, span) for begin, span in sorted(found, key=lambda each: each[0]) if span["end"] > since]
    return [
        {**span, "begin": begin.isoformat(), "end": span["end"].isoformat() if span["end"] <= now else None}
        for begin, span in spans
    ]


def _add_stop(found: list[tuple[datetime, dict[str, Any]]], unit: str, report: Report, end: datetime) -> None:
    """Add a stop, or let the one before it go on if the report repeats it."""
    if found and found[-1][1]["unit"] == unit and found[-1][0] == report.began:
        found[-1][1].update(end=end, reason=report.reason or found[-1][1]["reason"])
    else:
        found.append((report.began, {"unit": unit, "end": end, "reason": report.reason}))
