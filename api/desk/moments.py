"""Days and moments that people fill in or are shown to fill in, by the calendar and the clock on the wall."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from routing.facilities.opening import TIME_ZONE

_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")


def day_of(given: str) -> date:
    """The day that a field for a date holds. Raises ValueError if it holds none, or one before the year 2000."""
    if not _DAY.fullmatch(given):
        raise ValueError("no day")
    return date.fromisoformat(given)


def midnight(day: date) -> datetime:
    """The moment at which `day` begins here."""
    return datetime.combine(day, time.min, TIME_ZONE)


def moment_of(given: str, now: datetime) -> datetime | None:
    """The moment that a field for a date and a time holds; None if it holds none. In the hour that comes twice a year
    it is the last one that has passed."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        return None
    if found.tzinfo is not None:
        return None
    later = found.replace(tzinfo=TIME_ZONE, fold=1)
    return later if later <= now else found.replace(tzinfo=TIME_ZONE, fold=0)


def in_field(moment: datetime) -> str:
    """`moment` as a field for a date and a time holds it."""
    return moment.astimezone(TIME_ZONE).strftime("%Y-%m-%dT%H:%M")
