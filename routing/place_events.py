"""What changes at places of care, one event after the other, so that a listener can go on exactly where it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from routing.directory_here import NONE_YET
from routing.errors import StoreUnavailable, bad_input
from routing.facilities.changes import PROFILE
from routing.places import change_record
from routing.store import database
from routing.store import directory as history
from routing.world import World

Position = tuple[int, int]
"""A revision of the directory and a change in it. Revisions become visible in their order, so who has read up to a
position has everything before it."""

EVENTS_AT_ONCE = 200

_ID = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Event:
    """One change: where it stands, whether it is of the profile or of the status of a place, and what changed."""

    position: Position
    kind: Literal["status", "profile"]
    change: dict[str, Any]


def event_id(position: Position) -> str:
    """The position as a listener keeps it.

    >>> event_id((17, 3))
    '17.3'
    """
    revision, number = position
    return f"{revision}.{number}"


def position_of(world: World, given: str) -> Position:
    """The position of an event id that was given out. Raises BadInput for any other, StoreUnavailable."""
    if found := _ID.fullmatch(given):
        position = int(found[1]), int(found[2])
        with database.reading(world.engine) as connection:
            if event_id(position) == given and history.has_position(connection, *position):
                return position
    allowed = "an id that was given out, or nothing for what is new from now on"
    raise bad_input("last_event_id", "unknown_event", "is not the id of an event", given, allowed)


def newest_position(world: World) -> Position:
    """Where somebody begins who only wants what is new. Raises StoreUnavailable."""
    with database.reading(world.engine) as connection:
        found = history.newest_position(connection)
    if found is None:
        raise StoreUnavailable(NONE_YET)
    return found


def events_after(world: World, position: Position, limit: int = EVENTS_AT_ONCE) -> list[Event]:
    """What changed after `position`, the oldest first, at most `limit`. Raises BadRecord, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        rows = history.past(connection, after=position, limit=limit)
    return [
        Event(
            (row.revision, row.position), "profile" if row.change.subject == PROFILE else "status", change_record(row)
        )
        for row in rows
    ]
