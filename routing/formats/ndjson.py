"""Reads our own feed of lines, each one status report or one change of a profile as a JSON object.

A line is a status report as it goes over the wire with `facility` beside it, or `{"facility", "profile",
"observed_at", "source"}`. `facility` is our own id, or `{"scheme": "agb", "value": "06010101"}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from routing.errors import BadInput, BrokenFeed, Fault, shown
from routing.formats.entries import json_object
from routing.formats.lines import joined, read_lines
from routing.formats.record import (
    NO_PLACE,
    FeedOptions,
    FeedRecord,
    Ignored,
    PlaceName,
    moment,
    no_time,
    refused,
)

_PROFILE_KEYS = frozenset({"facility", "profile", "observed_at", "source"})


def read_ndjson(stream: BinaryIO, options: FeedOptions) -> Iterator[FeedRecord]:
    """The records of `stream`. Raises BrokenFeed with the line that cannot be read."""
    return joined(_records(stream, options))


def _records(stream: BinaryIO, options: FeedOptions) -> Iterator[tuple[FeedRecord, int]]:
    for number, line in enumerate(read_lines(stream), 1):
        if line.strip():
            yield _record(line, f"line {number}", options), len(line)


def _record(line: bytes, where: str, options: FeedOptions) -> FeedRecord:
    try:
        value = json_object(line, where)
    except BadInput as error:
        if isinstance(error, BrokenFeed):
            raise
        return refused(NO_PLACE, where, *error.faults)
    place = place_of(value.get("facility"))
    if isinstance(place, Fault):
        return refused(NO_PLACE, where, place)
    if "profile" in value:
        return _profile(value, place, where)
    report = {"source": options.source, **{key: member for key, member in value.items() if key != "facility"}}
    return FeedRecord(place, where, (report,))


def place_of(given: Any) -> PlaceName | Fault:
    """The place that a `facility` names: our own id, or a scheme and a value."""
    if isinstance(given, str) and given.strip():
        return PlaceName("id", given)
    if isinstance(given, dict) and set(given) == {"scheme", "value"}:
        scheme, value = given["scheme"], given["value"]
        if isinstance(scheme, str) and isinstance(value, str) and scheme and value.strip():
            return PlaceName(scheme, value)
    allowed = 'our own id, or `{"scheme": "agb", "value": "06010101"}`'
    return Fault("facility", "wrong_type", "does not name a place", shown(given), allowed)


def _profile(value: dict[str, Any], place: PlaceName, where: str) -> FeedRecord:
    profile, observed_at = value["profile"], value.get("observed_at")
    if not isinstance(profile, dict):
        return refused(place, where, Fault("profile", "wrong_type", "is not an object", shown(profile), "an object"))
    if unknown := sorted(set(value) - _PROFILE_KEYS):
        message = "does not belong beside `profile`; a status report is a line of its own"
        return refused(place, where, Fault(str(shown(unknown[0])), "unknown_field", message))
    if observed_at is not None and moment(observed_at) is None:
        return refused(place, where, no_time("observed_at", observed_at))
    why = "a profile is kept under the source of the whole feed"
    ignored = (Ignored("source", why),) if "source" in value else ()
    return FeedRecord(place, where, profile=profile, observed_at=observed_at, ignored=ignored)
