"""When stops of emergency departments begin, by the hour of the day, on weekdays and in weekends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from routing.errors import bad_input
from routing.facilities.opening import TIME_ZONE
from routing.facilities.status import report_of
from routing.store import database, directory
from routing.world import World

UNIT = "seh"

Days = Literal["weekdays", "weekend"]

REPORTS_MOST = 300_000
"""Each report is opened, which takes some seconds for so many."""

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class StopHours:
    """How many stops began in each hour of the day (0 to 23), by the clock here; `places` reported at least one.

    A stop counts once, however often it was reported, in the hour in which it began. Saturday and Sunday are the
    weekend; public holidays count as the day of the week that they are.
    """

    places: int
    weekdays: tuple[int, ...]
    weekend: tuple[int, ...]


def stop_hours(world: World, since: datetime, until: datetime, unit: str = UNIT) -> StopHours:
    """The stops of `unit` that began from `since` (included) to `until` (not included), of all places; with more than
    REPORTS_MOST reports since then it is refused. Raises BadInput, BadRecord, StoreUnavailable."""
    subject = f"{unit}/stop"
    with database.reading(world.engine) as connection:
        if (count := directory.count_reported(connection, subject, since)) > REPORTS_MOST:
            message = f"places made {count:,} reports since then, and at most {REPORTS_MOST:,} are read for one page"
            raise bad_input("since", "too_many", message, since.isoformat(), "a shorter period")
        # a stop that goes on keeps its beginning, however often it is reported
        began = {
            (change.facility_id, report.began)
            for change in directory.reported(connection, subject, since)
            if change.content is not None and (report := report_of(change.content)).is_stop
        }
    inside = {(place, moment) for place, moment in began if since <= moment < until}
    counts: Counter[tuple[Days, int]] = Counter()
    for _, moment in inside:
        local = moment.astimezone(TIME_ZONE)
        counts["weekend" if local.weekday() >= _SATURDAY else "weekdays", local.hour] += 1
    hours = {days: tuple(counts[days, hour] for hour in range(24)) for days in ("weekdays", "weekend")}
    return StopHours(len({place for place, _ in inside}), hours["weekdays"], hours["weekend"])
