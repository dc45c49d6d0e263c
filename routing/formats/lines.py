"""Takes a feed of lines apart, and puts what lines in a row say of the same place together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from routing.errors import BrokenFeed
from routing.formats.record import RECORD_BYTES, FeedRecord, PlaceName

LINES_MOST = 500
"""So many lines in a row about the same place at most make one record."""


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of `stream` with their ends, the last one perhaps without. Raises BrokenFeed at one over 1 MB."""
    number = 0
    while line := stream.readline(RECORD_BYTES + 1):
        number += 1
        if len(line) > RECORD_BYTES:
            raise BrokenFeed(f"line {number}", "too_long", "is longer than a line may be", "at most 1 MB")
        yield line


def joined(parts: Iterable[tuple[FeedRecord, int]]) -> Iterator[FeedRecord]:
    """The records of `parts` (each with its size in bytes), those in a row with reports of the same place as one.

    At most 500 lines and 1 MB are joined. What stood before a BrokenFeed is handed on before it is raised.
    """
    waiting: list[FeedRecord] = []
    size = 0
    try:
        for record, length in parts:
            fits = len(waiting) < LINES_MOST and size + length <= RECORD_BYTES
            if waiting and not (fits and _joinable(record, waiting[0].place)):
                yield _as_one(waiting)
                waiting, size = [], 0
            if record.reports:
                waiting.append(record)
                size += length
            else:
                yield record
    except BrokenFeed as broken:
        if waiting:
            yield _as_one(waiting)
        raise broken from None
    if waiting:
        yield _as_one(waiting)


def _joinable(record: FeedRecord, place: PlaceName) -> bool:
    return bool(record.reports) and record.place == place


def _as_one(records: list[FeedRecord]) -> FeedRecord:
    if len(records) == 1:
        return records[0]
    first, last = records[0], records[-1]
    reports: tuple[dict[str, Any], ...] = tuple(report for record in records for report in record.reports)
    where = f"lines {first.where.removeprefix('line ')} to {last.where.removeprefix('line ')}"
    return FeedRecord(first.place, where, reports, ignored=tuple(each for record in records for each in record.ignored))
