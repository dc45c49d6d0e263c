"""What is going on at a place right now. A stop asks to divert if possible; it is not a closure, and it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of one unit (a key of `stop_kinds`) of a place; `expected_end` is None where none was given."""

    unit: str
    since: datetime
    expected_end: datetime | None = None
    source: str | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether the stop has begun, and was not expected to be over by `now`."""
        return self.since <= now and (self.expected_end is None or now < self.expected_end)

    def ends(self, longest_minutes: int) -> datetime:
        """When the stop is over: at its expected end, and at the latest so many minutes after it began."""
        latest = self.since + timedelta(minutes=longest_minutes)
        return latest if self.expected_end is None else min(latest, self.expected_end)
