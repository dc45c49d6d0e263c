"""What everybody may know of a place of care: is it open, is it busy, and does it ask ambulances to go elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from routing.directory_here import newest_directory
from routing.facilities.crowding import crowding_band
from routing.facilities.directory import Directory
from routing.facilities.opening import is_open
from routing.facilities.profile import Facility
from routing.facilities.status import Report
from routing.places import Live, live_reading
from routing.vocabulary import Text
from routing.world import World

DOORS = frozenset({"seh", "hap", "minor_injury", "ehh", "obstetrics", "ggz_crisis"})
"""The units where people come in; what goes on behind them, as in an operating room, says nothing to a visitor."""

STOP = Text(
    nl="Vraagt ambulances om zo mogelijk naar een andere plek te gaan. Bij gevaar: bel 112 of kom toch.",
    en="Asks ambulances to go elsewhere if possible. In danger: call 112, or come anyway.",
)


def public_capacity(world: World) -> dict[str, Any]:
    """What is public of every place: `{"as_of", "facilities": [{id, name, kind, city, open, waiting_minutes, crowding,
    stop, stop_text, age_minutes}]}`, as of the whole minute. None is unknown, and so is what is not fresh any more.
    Never contacts, counts of beds, reasons or sources. Raises BadData, BadRecord, StoreUnavailable."""
    directory, live = newest_directory(world), live_reading(world)
    now = world.clock().replace(second=0, microsecond=0)
    return {
        "as_of": now.isoformat(),
        "facilities": [_shown(place, directory, live, now) for place in directory.facilities],
    }


def _shown(place: Facility, directory: Directory, live: Live, now: datetime) -> dict[str, Any]:
    reports = [report for report in directory.status.get(place.id, ()) if report.unit in DOORS]
    fresh = [report for report in reports if live.fresh(report, now) or live.in_force(report, now)]
    waiting, crowding = _highest(fresh, "waiting_minutes"), _highest(fresh, "crowding")
    told = [report for report in fresh if report.kind in ("waiting_minutes", "crowding", "stop", "open")]
    stop = _stop(fresh, live, now)
    return {
        "id": place.id,
        "name": place.name,
        "kind": place.kind,
        "city": place.city,
        "open": _open(place, directory, fresh, now),
        "waiting_minutes": waiting,
        "crowding": crowding_band(crowding).wire() if crowding is not None else None,
        "stop": stop,
        "stop_text": STOP.wire() if stop else None,
        "age_minutes": max((report.age_minutes(now) for report in told), default=None),
    }


def _highest(reports: Iterable[Report], kind: str) -> int | None:
    values = (report.value for report in reports if report.kind == kind)
    return max((value for value in values if isinstance(value, int)), default=None)


def _stop(reports: Iterable[Report], live: Live, now: datetime) -> bool | None:
    """Whether a stop is in force; None where nobody freshly said so or said that there is none."""
    stops = [report for report in reports if report.kind == "stop"]
    if any(live.in_force(report, now) for report in stops):
        return True
    return False if any(report.value is False for report in stops) else None


def _open(place: Facility, directory: Directory, reports: Iterable[Report], now: datetime) -> bool | None:
    """Whether it is open by its hours; a place that said to be closed is not."""
    if any(report.kind == "open" and report.value is False for report in reports):
        return False
    found = is_open(place.opening, now, directory.holidays)
    return None if found and place.status == "unknown" else found
