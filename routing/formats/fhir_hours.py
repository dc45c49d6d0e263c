"""Turns the hours of FHIR into our opening, and its absences into a moment until which something is closed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from routing.facilities.opening import TIME_ZONE, read_opening
from routing.formats.record import moment

DAYS = {"mon": "mo", "tue": "tu", "wed": "we", "thu": "th", "fri": "fr", "sat": "sa", "sun": "su"}
SERVICE_HOURS = ("availableStartTime", "availableEndTime")
"""Names of the times in HealthcareService.availableTime."""
LOCATION_HOURS = ("openingTime", "closingTime")
"""Names of the times in Location.hoursOfOperation."""


_CLOCK_TIME = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]+)?)?")
_DATE = re.compile(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Absence:
    """Not available from `since` until `until`, both RFC 3339; None where the period does not say it."""

    since: str | None
    until: str | None


def opening_of(hours: Any, names: tuple[str, str]) -> str | list[dict[str, Any]]:
    """The opening, in the form of `read_opening`, that a list of weekly hours says.

    Seven whole days are `always`. Raises ValueError with a message for the reader where any of it cannot be read: a
    part of the hours would be a wrong opening.
    """
    if not isinstance(hours, list) or not hours:
        raise ValueError("is not a list of hours")
    windows = [_window(entry, names) for entry in hours]
    whole_days = (window["days"] for window in windows if (window["from"], window["to"]) == ("00:00", "24:00"))
    if {day for days in whole_days for day in days} == set(DAYS.values()):
        return "always"
    read_opening(windows)
    return windows


def _window(entry: Any, names: tuple[str, str]) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("daysOfWeek"), list) or not entry["daysOfWeek"]:
        raise ValueError("does not say on which days")
    days = [DAYS.get(day) if isinstance(day, str) else None for day in entry["daysOfWeek"]]
    if None in days:
        raise ValueError("names a day that is none of mon, tue, wed, thu, fri, sat, sun")
    if entry.get("allDay") is True:
        return {"days": days, "from": "00:00", "to": "24:00"}
    start, end = (entry.get(name) for name in names)
    return {"days": days, "from": _clock_time(start), "to": _end(_clock_time(end, closing=True))}


def _clock_time(value: Any, closing: bool = False) -> str:
    """`08:00:00` as `08:00`; the last minute of the day, as a closing time, is its end."""
    found = _CLOCK_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is not None and closing and found[1] == "23:59":
        return "24:00"
    if found is None or (found[2] or "00") != "00":
        raise ValueError("has a time that is no whole minute")
    return found[1]


def _end(clock: str) -> str:
    return "24:00" if clock == "00:00" else clock


def absence_at(periods: Iterable[Mapping[str, Any]], at: datetime) -> Absence | None:
    """The one of `periods` (`{"start", "end"}`) that holds at `at` and lasts the longest; None where none holds.

    A date without a time counts from the beginning of that Dutch day, and as an end until its end. Raises ValueError
    where a period cannot be read.
    """
    in_force = []
    for period in periods:
        since, until = _edge(period.get("start"), last=False), _edge(period.get("end"), last=True)
        if since is None and until is None:
            raise ValueError("is a period without a beginning and an end")
        if (since is None or since <= at) and (until is None or at < until):
            in_force.append((since, until))
    if not in_force:
        return None
    since, until = max(in_force, key=lambda edges: (edges[1] is None, edges[1].timestamp() if edges[1] else 0))
    return Absence(since.isoformat() if since else None, until.isoformat() if until else None)


def _edge(value: Any, last: bool) -> datetime | None:
    if value is None:
        return None
    if (text := moment(value)) is not None:
        return datetime.fromisoformat(text)
    if isinstance(value, str) and _DATE.fullmatch(value):
        day = datetime.fromisoformat(value).replace(tzinfo=TIME_ZONE)
        return day + timedelta(days=1) if last else day
    raise ValueError("has a beginning or an end that is neither a date nor a moment with an offset")
