"""Places at a glance: who asks to divert, where it is crowded, how long one waits and how many beds are free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from routing.directory_here import newest_directory
from routing.facilities.crowding import crowding_band
from routing.facilities.opening import TIME_ZONE
from routing.facilities.profile import Facility
from routing.facilities.regions import in_region, region_id, regions_of
from routing.facilities.status import Beds, Report
from routing.places import Live, check_word, live_reading
from routing.world import World


def board(
    world: World,
    *,
    region: str | None = None,
    unit: str | None = None,
    kind: str | None = None,
    capability: str | None = None,
    name: str = "",
    also_silent: bool = False,
) -> dict[str, Any]:
    """Every unit of a place of which something is known, the worst first: `{"as_of", "directory_revision", "rows":
    [{facility, name, city, kind, unit, stop, no_stop, closed, crowding, waiting_minutes, offload_minutes, beds}],
    "silent"}`: of how many of the places nothing is known, which is not the same as that all is well there; with
    `also_silent` they are named in `silent_places`, by name.

    Places can be chosen by `region`, `kind`, a `capability` that they certainly have today, and a part of their `name`
    or town, whatever its capitals and accents. Each of the last seven of a row is None (nothing reported) or has
    `age_minutes` and `fresh`; `stop`, which is only there while one is in force, also `since`, `until` (when it ends at
    the latest), `expected_end` (None: nobody said) and `reason`; `no_stop` says that the place reported to have none,
    `closed` that it reported to be closed; `crowding` and the minutes have a `value`, and `beds` how many are `free` of
    the `total`. Raises BadInput (no such unit, kind or capability), BadData, BadRecord, StoreUnavailable.
    """
    for field, value, allowed in (
        ("unit", unit, world.words.stop_kinds),
        ("kind", kind, world.words.facility_kinds),
        ("capability", capability, world.words.capabilities),
    ):
        if value is not None:
            check_word(field, value, allowed)
    directory, live, now = newest_directory(world), live_reading(world), world.clock()
    day, wanted = now.astimezone(TIME_ZONE).date(), region_id(name)
    places = [
        place
        for place in directory.facilities
        if (region is None or in_region(place, region))
        and (kind is None or place.kind == kind)
        and (capability is None or place.has(capability, day) is True)
        and wanted in region_id(f"{place.name} {place.city}")
    ]
    rows = [
        _row(place, each, reports, live, now)
        for place in places
        for each, reports in _by_unit(directory.status.get(place.id, ())).items()
        if unit is None or each == unit
    ]
    rows.sort(key=_how_good)
    told = {row["facility"] for row in rows}
    silent = sorted((place.name, place.id, place) for place in places if place.id not in told)
    found = {"as_of": now.isoformat(), "directory_revision": directory.revision, "rows": rows, "silent": len(silent)}
    return {**found, "silent_places": [_named(place) for _, _, place in silent]} if also_silent else found


def choices(world: World) -> dict[str, tuple[str, ...]]:
    """By which regions the board can be asked: kind of region -> names. Raises BadRecord, StoreUnavailable."""
    return regions_of(newest_directory(world))


def _named(place: Facility) -> dict[str, Any]:
    return {"facility": place.id, "name": place.name, "city": place.city, "kind": place.kind}


def _by_unit(reports: Iterable[Report]) -> dict[str, list[Report]]:
    found: dict[str, list[Report]] = {}
    for report in reports:
        if report.value is not None:
            found.setdefault(report.unit, []).append(report)
    return found


def _row(place: Facility, unit: str, reports: list[Report], live: Live, now: datetime) -> dict[str, Any]:
    return {
        **_named(place),
        "unit": unit,
        "stop": _stop(reports, live, now),
        "no_stop": _said(reports, "stop", live, now),
        "closed": _said(reports, "open", live, now),
        "crowding": _number(reports, "crowding", live, now),
        "waiting_minutes": _number(reports, "waiting_minutes", live, now),
        "offload_minutes": _number(reports, "offload_minutes", live, now),
        "beds": _beds(reports, live, now),
    }


def _stop(reports: Iterable[Report], live: Live, now: datetime) -> dict[str, Any] | None:
    for report in reports:
        if live.in_force(report, now):
            (shown,) = live.shown([report], now)
            return {
                "since": report.began.isoformat(),
                "until": shown["ends_at_the_latest"],
                "expected_end": report.expected_end.isoformat() if report.expected_end else None,
                "reason": report.reason,
                **_age(report, live, now),
            }
    return None


def _said(reports: Iterable[Report], kind: str, live: Live, now: datetime) -> dict[str, Any] | None:
    """That a place said no to what is reported of this kind: no stop, not open."""
    return next((_age(report, live, now) for report in reports if report.kind == kind and report.value is False), None)


def _number(reports: Iterable[Report], kind: str, live: Live, now: datetime) -> dict[str, Any] | None:
    for report in reports:
        if report.kind == kind and isinstance(report.value, int):
            words = {"words": crowding_band(report.value).wire()} if kind == "crowding" else {}
            return {"value": report.value, **words, **_age(report, live, now)}
    return None


def _beds(reports: Iterable[Report], live: Live, now: datetime) -> dict[str, Any] | None:
    """The beds of a unit: as was said of the unit as a whole, else all kinds of beds together, as old as the oldest."""
    counted = [report for report in reports if isinstance(report.value, Beds)]
    counted = [report for report in counted if report.bed is None] or counted
    if not counted:
        return None
    counts = [report.value for report in counted if isinstance(report.value, Beds)]
    return {
        "free": _sum(count.free for count in counts),
        "total": _sum(count.total for count in counts),
        "age_minutes": max(report.age_minutes(now) for report in counted),
        "fresh": all(live.fresh(report, now) for report in counted),
    }


def _sum(counts: Iterable[int | None]) -> int | None:
    known = list(counts)
    return None if None in known else sum(count for count in known if count is not None)


def _age(report: Report, live: Live, now: datetime) -> dict[str, Any]:
    return {"age_minutes": report.age_minutes(now), "fresh": live.fresh(report, now)}


def _how_good(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Closures and stops before everything, then crowding, waiting and few free beds as far as these are fresh."""
    beds = row["beds"]
    free = beds["free"] if beds is not None and beds["fresh"] and beds["free"] is not None else 10_000
    crowding, waiting = _fresh(row["crowding"]), _fresh(row["waiting_minutes"])
    closed = row["closed"] is not None and row["closed"]["fresh"]
    return (not closed, row["stop"] is None, -crowding, -waiting, free, row["name"], row["unit"])


def _fresh(shown: Mapping[str, Any] | None) -> int:
    return shown["value"] if shown is not None and shown["fresh"] else -1
