"""Example feeds of every format, and reading them to the end or to where they break."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from routing.errors import BrokenFeed
from routing.formats.feed import FORMATS, FeedOptions, FeedRecord
from routing.yamlfile import read

EXAMPLES = Path(__file__).parent / "formats"
RECEIVED_AT = datetime.fromisoformat("2026-11-21T20:10:00+01:00")
FILES = {
    "ndjson": "feed.ndjson",
    "csv": "feed.csv",
    "have-1.0": "have-1.0.xml",
    "have-2.0": "have-2.0.xml",
    "fhir-r4": "fhir-r4.json",
    "lpz": "lpz.json",
}


def example(name: str) -> bytes:
    """The example feed of the format `name`."""
    return (EXAMPLES / FILES[name]).read_bytes()


def options(name: str, **field_map: Any) -> FeedOptions:
    """Options for the format `name`, with its example mapping of fields where it needs one."""
    given = read(EXAMPLES / "lpz-map.yaml").value if FORMATS[name].needs_map else None
    return FeedOptions("demo", RECEIVED_AT, field_map or given)


def records(name: str, data: bytes | BinaryIO, **field_map: Any) -> list[FeedRecord]:
    """All records of `data`. Raises what the format raises."""
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    return list(FORMATS[name].read(stream, options(name, **field_map)))


def until_broken(name: str, data: bytes, **field_map: Any) -> tuple[list[FeedRecord], BrokenFeed | None]:
    """The records before `data` breaks, and how it broke."""
    found: list[FeedRecord] = []
    try:
        for record in FORMATS[name].read(io.BytesIO(data), options(name, **field_map)):
            found.append(record)
    except BrokenFeed as broken:
        return found, broken
    return found, None


def facts(found: list[FeedRecord]) -> list[Any]:
    """Every report and profile of `found` with its place, in their order."""

    def of(record: FeedRecord) -> Iterator[Any]:
        yield from ((record.place, report) for report in record.reports)
        if record.profile is not None:
            yield record.place, record.profile

    return [fact for record in found for fact in of(record)]


def why(record: FeedRecord) -> dict[str, str]:
    """What `record` ignored: field -> why."""
    return {note.field: note.why for note in record.ignored}
