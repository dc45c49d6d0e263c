"""What every outside format of status and profiles is turned into: records about one place each, not yet checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from routing.errors import Fault, shown

RECORD_BYTES = 1_000_000
"""No line, element or entry about one place is longer; what is longer is damaged or meant to do harm."""

_MOMENT = re.compile(
    r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class PlaceName:
    """How a feed names a place: `scheme` is `id` for our own id, `name` for its name, else a scheme of identifiers
    (`ura`, `agb`, `lpz`, `have`, `fhir`). Both are empty where a record names no place."""

    scheme: str
    value: str


NO_PLACE = PlaceName("", "")
"""Of a record that names no place: it holds faults or what was ignored, and nothing else."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A field that was seen and deliberately not taken, and why; its text is not repeated, for it may hold names."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """What one record of a feed says about one place, not yet held against the vocabulary.

    `reports` are status reports as they go over the wire, without `facility`; `profile` is a part of a profile.
    `observed_at` is the moment of the record as a whole (RFC 3339), None where every report has its own. With `refused`
    the record is unusable, and `reports` and `profile` are empty. `where` says where it stands (`line 12`).
    """

    place: PlaceName
    where: str
    reports: tuple[dict[str, Any], ...] = ()
    profile: dict[str, Any] | None = None
    observed_at: str | None = None
    ignored: tuple[Ignored, ...] = ()
    refused: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """Who sent the feed, when it came in (with offset), and the mapping of fields where the format takes one."""

    source: str
    received_at: datetime
    field_map: Mapping[str, Any] | None = None


Reader = Callable[[BinaryIO, FeedOptions], Iterator[FeedRecord]]


@dataclass(frozen=True, slots=True)
class Format:
    """An outside format: `read` gives its records one by one and raises BrokenFeed where the file cannot be read on,
    after the records before that. `needs_map` says that it cannot be read without a mapping of fields."""

    read: Reader
    media_types: tuple[str, ...]
    title: str
    needs_map: bool = False


def refused(place: PlaceName, where: str, *faults: Fault) -> FeedRecord:
    """A record of which nothing can be used."""
    return FeedRecord(place, where, refused=faults)


def moment(text: Any) -> str | None:
    """`text` if it is a moment that exists, with seconds and an offset (RFC 3339); None if not."""
    if not isinstance(text, str) or _MOMENT.fullmatch(stripped := text.strip()) is None:
        return None
    with suppress(ValueError):
        datetime.fromisoformat(stripped)
        return stripped
    return None


def whole_number(text: str) -> int | None:
    """The number that `text` writes in at most nine digits, without sign or leading zeros; None if it is none."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def no_time(field: str, value: Any = None) -> Fault:
    """The fault of a record that does not say when it was true."""
    message = "is needed: a status without a moment could be old"
    if value is not None:
        message = "is not a moment with an offset"
    return Fault(field, "no_time", message, shown(value), "a moment like `2026-11-21T20:04:00+01:00`")
