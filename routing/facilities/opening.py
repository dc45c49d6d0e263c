"""When a place is open, by Dutch clock time, with summer time and public holidays, and what is not known about it.

An opening is one of four: always, out of hours (the huisartsenpost), weekly windows, or unknown. Unknown is an answer
of its own: such a place is neither open nor closed, and somebody has to call first.

The clock skips from 02:00 to 03:00 in March and repeats 02:00-03:00 in October. A time in the skipped hour stands for
03:00. A window that begins in the repeated hour begins the first time round, one that ends in it ends the second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

Day = Literal["mo", "tu", "we", "th", "fr", "sa", "su", "holiday"]

DAYS: tuple[Day, ...] = ("mo", "tu", "we", "th", "fr", "sa", "su", "holiday")
"""The days of the week and `holiday`: a public holiday counts as `holiday` and not as its day of the week."""

TIME_ZONE = ZoneInfo("Europe/Amsterdam")
HORIZON = timedelta(days=8)
"""How far ahead the next change is looked for: a week and a day finds every weekly window."""

_WORKING_DAYS = frozenset(DAYS[:5])
_FREE_DAYS = frozenset(DAYS[5:])
_HOUR = 60
_MIDNIGHT = 24 * _HOUR
_REPEATED_FROM, _REPEATED_UNTIL = 2 * _HOUR, 3 * _HOUR
_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_WINDOW_KEYS = {"days", "from", "to"}


@dataclass(frozen=True, slots=True)
class Window:
    """Open on `days` from `start` until `end`, in minutes after midnight by Dutch clock time.

    `start` is 0-1439 and `end` 0-1440. Where `end` is not later than `start` the window runs into the next morning,
    whatever day that is.
    """

    days: frozenset[Day]
    start: int
    end: int

    @property
    def overnight(self) -> bool:
        """Whether the window ends on the morning after the day on which it began."""
        return self.end <= self.start


@dataclass(frozen=True, slots=True)
class Opening:
    """When a place is open; `windows` says it for `out_of_hours` and `windows`, and is empty for the other two."""

    pattern: Literal["always", "out_of_hours", "windows", "unknown"]
    windows: tuple[Window, ...] = ()


ALWAYS = Opening("always")
UNKNOWN = Opening("unknown")
OUT_OF_HOURS = Opening(
    "out_of_hours",
    (
        Window(_WORKING_DAYS, 0, 8 * _HOUR),
        Window(_WORKING_DAYS, 17 * _HOUR, _MIDNIGHT),
        Window(_FREE_DAYS, 0, _MIDNIGHT),
    ),
)
"""Evening, night and weekend (ANW): all that is not office hours, so also the night before a working day."""

_NAMED = {opening.pattern: opening for opening in (ALWAYS, UNKNOWN, OUT_OF_HOURS)}


_CLOCK_SCHEMA = {"type": "string", "pattern": f"^({_CLOCK_TIME.pattern})$"}
OPENING_SCHEMA: dict[str, Any] = {
    "oneOf": [
        {"enum": list(_NAMED)},
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "days": {"type": "array", "items": {"enum": list(DAYS)}, "minItems": 1, "uniqueItems": True},
                    "from": _CLOCK_SCHEMA,
                    "to": _CLOCK_SCHEMA,
                },
                "required": ["days", "from", "to"],
                "additionalProperties": False,
            },
        },
    ]
}
"""What `read_opening` reads, as JSON Schema."""


def read_opening(value: Any) -> Opening:
    """The opening that a record writes as `always`, `unknown`, `out_of_hours` or a list of windows.

    A window is `{"days": ["mo", "holiday"], "from": "08:00", "to": "22:00"}`; `to` may be `24:00`, and a `to` that is
    not later than `from` lies on the next morning. Raises ValueError with a message for the reader.
    """
    if isinstance(value, str) and value in _NAMED:
        return _NAMED[value]
    if isinstance(value, list) and value:
        return Opening("windows", tuple(_window(entry) for entry in value))
    raise ValueError("must be `always`, `unknown`, `out_of_hours` or a list of windows")


def opening_record(opening: Opening) -> str | list[dict[str, Any]]:
    """The form that `read_opening` reads back as the same opening."""
    if opening.pattern != "windows":
        return opening.pattern
    return [
        {
            "days": [day for day in DAYS if day in window.days],
            "from": _clock_time(window.start),
            "to": _clock_time(window.end),
        }
        for window in opening.windows
    ]


def is_open(opening: Opening, at: datetime, holidays: frozenset[date]) -> bool | None:
    """Whether a place with `opening` is open at the instant `at` (with offset), or None where that is unknown."""
    if opening.pattern == "always":
        return True
    if opening.pattern == "unknown":
        return None
    local = _local(at)
    today = local.date()
    day, before = day_of(today, holidays), day_of(today - timedelta(days=1), holidays)
    since, until = _minutes_since_midnight(local)
    return any(
        (day in window.days and window.start <= since and (window.overnight or until < window.end))
        or (before in window.days and window.overnight and until < window.end)
        for window in opening.windows
    )


def next_change(opening: Opening, at: datetime, holidays: frozenset[date]) -> datetime | None:
    """The first instant after `at`, in UTC, at which the place opens or closes.

    None where it is always open, where the opening is unknown, and where nothing changes within eight days.
    """
    if not opening.windows:
        return None
    # in UTC, because Python adds to and compares Dutch times by the clock on the wall
    now, instant = is_open(opening, at, holidays), at.astimezone(UTC)
    for edge in _edges(opening, _local(at).date(), holidays):
        if edge > instant + HORIZON:
            return None
        if instant < edge and is_open(opening, edge, holidays) != now:
            return edge
    return None


class Hours:
    """An opening from the instant `begin` (in UTC) on: what is asked of later instants is worked out once for each
    stretch in which nothing changes."""

    def __init__(self, opening: Opening, begin: datetime, holidays: frozenset[date]) -> None:
        self._opening, self._known_until, self._holidays = opening, begin, holidays
        self._stretches: list[tuple[datetime, bool | None, datetime | None]] = []  # until when, open, what ended it

    def is_open(self, at: datetime) -> bool | None:
        """As `is_open`, for `begin` or later."""
        return self._stretch(at)[1] if self._opening.windows else is_open(self._opening, at, self._holidays)

    def next_change(self, at: datetime) -> datetime | None:
        """As `next_change`, for `begin` or later."""
        change = self._stretch(at)[2]
        return change if change is not None else next_change(self._opening, at, self._holidays)

    def _stretch(self, at: datetime) -> tuple[datetime, bool | None, datetime | None]:
        for stretch in self._stretches:
            if at < stretch[0]:
                return stretch
        begin = self._known_until
        change = next_change(self._opening, begin, self._holidays)
        self._known_until = change if change is not None else begin + HORIZON
        self._stretches.append((self._known_until, is_open(self._opening, begin, self._holidays), change))
        return self._stretch(at)


def office_hours(at: datetime, holidays: frozenset[date]) -> bool:
    """Whether the own huisarts works at `at`: Monday to Friday 08:00-17:00, not on a public holiday."""
    return not is_open(OUT_OF_HOURS, at, holidays)


def night(at: datetime) -> bool:
    """Whether `at` lies in the night of the national figures on emergency departments: 23:00-07:00 Dutch time."""
    hour = _local(at).hour
    return hour >= 23 or hour < 7


def day_of(day: date, holidays: frozenset[date]) -> Day:
    """What `day` counts as: `holiday` on a public holiday, else its day of the week."""
    return "holiday" if day in holidays else DAYS[day.weekday()]


def _local(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone; a bare clock time could be two instants")
    # by way of UTC: Python leaves a Dutch time in the skipped hour as it is, though no clock ever shows it
    return at.astimezone(UTC).astimezone(TIME_ZONE)


def _minutes_since_midnight(local: datetime) -> tuple[float, float]:
    """Clock time in minutes, once to hold against a beginning and once to hold against an end.

    The two differ in the repeated hour only: on the second pass every beginning in that hour is past, and on the first
    pass no end in that hour has come.
    """
    minutes = local.hour * _HOUR + local.minute + (local.second + local.microsecond / 1e6) / 60
    if _REPEATED_FROM <= minutes < _REPEATED_UNTIL and _is_repeated(local):
        return (minutes, _REPEATED_FROM - 1e-9) if local.fold == 0 else (_REPEATED_UNTIL - 1e-9, minutes)
    return minutes, minutes


def _is_repeated(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _edges(opening: Opening, today: date, holidays: frozenset[date]) -> Iterator[datetime]:
    """Every instant at which a window of `opening` begins or ends, in order, from yesterday until past the horizon.

    Windows of a later day begin after midnight of that day, so what lies before it can be given out at once: most
    questions are answered by the first few edges.
    """
    waiting: set[datetime] = set()
    for ahead in range(-1, HORIZON.days + 2):
        day = today + timedelta(days=ahead)
        counts_as = day_of(day, holidays)
        for window in opening.windows:
            if counts_as in window.days:
                waiting.add(_instant(day, window.start, fold=0))
                waiting.add(_instant(day + timedelta(days=1) if window.overnight else day, window.end, fold=1))
        midnight = _instant(day + timedelta(days=1), 0, fold=0)
        yield from sorted(edge for edge in waiting if edge < midnight)
        waiting = {edge for edge in waiting if edge >= midnight}
    yield from sorted(waiting)


@lru_cache(maxsize=4096)  # places keep few different hours, and very many decisions are made on the same days
def _instant(day: date, minutes: int, fold: Literal[0, 1]) -> datetime:
    days, rest = divmod(minutes, _MIDNIGHT)
    clock = time(*divmod(rest, _HOUR), fold=fold)
    local = datetime.combine(day + timedelta(days=days), clock, tzinfo=TIME_ZONE)
    instant = local.astimezone(UTC)
    if instant.astimezone(TIME_ZONE).time() != clock:  # in the hour that the clock skips
        return local.replace(hour=_REPEATED_UNTIL // _HOUR, minute=0, fold=0).astimezone(UTC)
    return instant


def _window(entry: Any) -> Window:
    if not isinstance(entry, Mapping) or set(entry) != _WINDOW_KEYS:
        raise ValueError("a window has exactly `days`, `from` and `to`")
    days = entry["days"]
    if not isinstance(days, list) or not days or any(day not in DAYS or days.count(day) > 1 for day in days):
        raise ValueError(f"`days` must be a list of different days out of {', '.join(DAYS)}")
    start, end = _minutes(entry["from"], "from"), _minutes(entry["to"], "to")
    if start == _MIDNIGHT:
        raise ValueError("`from` must lie before `24:00`")
    return Window(frozenset(days), start, end)


def _minutes(value: Any, key: str) -> int:
    if not isinstance(value, str) or _CLOCK_TIME.fullmatch(value) is None:
        raise ValueError(f"`{key}` must be a clock time like `08:00`")
    hours, minutes = value.split(":")
    return int(hours) * _HOUR + int(minutes)


def _clock_time(minutes: int) -> str:
    return f"{minutes // _HOUR:02d}:{minutes % _HOUR:02d}"


def clock_time(moment: datetime, reference: datetime | None = None) -> str:
    """Dutch clock time, with the date where it is another day than that of `reference`."""
    local = moment.astimezone(TIME_ZONE)
    other_day = reference is not None and local.date() != reference.astimezone(TIME_ZONE).date()
    time = f"{local.hour:02}:{local.minute:02}"  # strftime takes ten times as long, and this is asked of every place
    return f"{local.day:02}-{local.month:02} {time}" if other_day else time
