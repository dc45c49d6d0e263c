"""Reads our own table of status reports: one line a report, the columns separated by `;` or `,`.

The first line names the columns. A cell is read by the kind of its line: `stop` and `open` take `true`, `false` or
nothing (not known any more), `beds` takes the four counts, the others take a whole number or nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, BinaryIO

from routing.errors import BadInput, BrokenFeed, Fault, shown
from routing.formats.lines import joined, read_lines
from routing.formats.record import (
    NO_PLACE,
    FeedOptions,
    FeedRecord,
    PlaceName,
    moment,
    no_time,
    refused,
    whole_number,
)

COUNTS = ("total", "staffed", "occupied", "available")
MOMENTS = ("observed_at", "expected_end", "since", "valid_until")
COLUMNS = ("facility", "unit", "kind", "bed", "value", *COUNTS, "reason", *MOMENTS, "source")
NEEDED = frozenset({"facility", "unit", "kind", "observed_at"})
_YES_NO = {"true": True, "false": False, "": None}
_YES_NO_KINDS = frozenset({"stop", "open"})
_NUMBER_KINDS = frozenset({"crowding", "waiting_minutes", "offload_minutes"})
_KINDS = ", ".join(sorted(_YES_NO_KINDS | _NUMBER_KINDS | {"beds"}))
_TEXTS = ("unit", "kind", "bed", "reason", "source")


def read_csv(stream: BinaryIO, options: FeedOptions) -> Iterator[FeedRecord]:
    """The records of `stream`. Raises BrokenFeed with the line that cannot be read, or for wrong columns."""
    return joined(_records(stream, options))


def _records(stream: BinaryIO, options: FeedOptions) -> Iterator[tuple[FeedRecord, int]]:
    lines = _text_lines(stream)
    first = next(lines, "")
    separator = ";" if ";" in first else ","
    columns = _columns(first, separator)
    rows = csv.reader(lines, delimiter=separator, strict=True)
    while (row := _next_row(rows)) is not None:
        if any(cell.strip() for cell in row):
            cells = dict(zip(columns, row, strict=False))
            where = f"line {rows.line_num + 1}"
            right_length = len(row) == len(columns)
            yield (
                (_record(cells, where, options) if right_length else _wrong_length(row, columns, where)),
                sum(map(len, row)),
            )


def _text_lines(stream: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(read_lines(stream), 1):
        if not line.endswith(b"\n"):
            # half a number is a number too: only the end of the line says that it is whole
            message = "has no end, so the file may have been cut off in it"
            raise BrokenFeed(f"line {number}", "cut_off", message, "every line ended, also the last")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            message = f"byte {error.start + 1} of the line is not UTF-8 text"
            raise BrokenFeed(f"line {number}", "not_utf8", message, "text in UTF-8") from None


def _columns(line: str, separator: str) -> list[str]:
    if not line.strip():
        raise BrokenFeed("line 1", "no_columns", "does not name the columns", separator.join(COLUMNS))
    columns = [name.strip() for name in line.strip().split(separator)]
    for name in columns:
        if name not in COLUMNS:
            raise BrokenFeed("line 1", "unknown_column", f"`{shown(name)}` is not a column", ", ".join(COLUMNS))
        if columns.count(name) > 1:
            raise BrokenFeed("line 1", "double_column", f"the column `{name}` stands twice", "every column once")
    if missing := sorted(NEEDED - set(columns)):
        raise BrokenFeed("line 1", "missing_column", f"the column `{missing[0]}` is missing", ", ".join(sorted(NEEDED)))
    return columns


def _next_row(rows: Any) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        raise BrokenFeed(f"line {rows.line_num + 1}", "not_csv", str(error), "cells with their quotes closed") from None


def _wrong_length(row: list[str], columns: list[str], where: str) -> FeedRecord:
    message = f"has {len(row)} cells, and there are {len(columns)} columns"
    return refused(NO_PLACE, where, Fault(where, "wrong_length", message, len(row), f"{len(columns)} cells"))


def _record(row: dict[str, str], where: str, options: FeedOptions) -> FeedRecord:
    cells = {name: cell.strip() for name, cell in row.items()}
    if not cells["facility"]:
        return refused(NO_PLACE, where, Fault("facility", "missing", "names no place", None, "the id of a place"))
    place = PlaceName("id", cells["facility"])
    faults = [_needed(name) for name in ("unit", "kind") if not cells[name]]
    faults += [no_time(name, cells.get(name)) for name in MOMENTS if not _is_moment(name, cells.get(name, ""))]
    report: dict[str, Any] = {"source": options.source}
    report |= {name: cells[name] for name in (*_TEXTS, *MOMENTS) if cells.get(name)}
    try:
        report["value"] = _value(cells)
    except BadInput as error:
        faults += error.faults
    return refused(place, where, *faults) if faults else FeedRecord(place, where, (report,))


def _needed(name: str) -> Fault:
    return Fault(name, "missing", "is needed", None, _KINDS if name == "kind" else "a unit of the vocabulary")


def _is_moment(name: str, cell: str) -> bool:
    return moment(cell) is not None or (not cell and name not in NEEDED)


def _value(cells: dict[str, str]) -> Any:
    kind, value = cells["kind"], cells.get("value", "")
    counts = {name: cells[name] for name in COUNTS if cells.get(name)}
    if kind == "beds":
        _must_be_empty({"value": value} if value else {}, kind)
        return {name: _count(name, cell) for name, cell in counts.items()} or None
    _must_be_empty(counts, kind)
    if kind in _YES_NO_KINDS:
        if value not in _YES_NO:
            allowed = "true, false, or nothing for not known any more"
            raise BadInput((Fault("value", "wrong_type", "is not yes or no", shown(value), allowed),))
        return _YES_NO[value]
    if kind in _NUMBER_KINDS:
        return _count("value", value) if value else None
    raise BadInput((Fault("kind", "unknown_value", "is not a kind of status", shown(kind), _KINDS),))


def _must_be_empty(cells: dict[str, str], kind: str) -> None:
    faults = tuple(
        Fault(name, "not_here", f"must be empty where the kind is `{kind}`", shown(cell), "nothing")
        for name, cell in cells.items()
    )
    if faults:
        raise BadInput(faults)


def _count(name: str, cell: str) -> int:
    number = whole_number(cell)
    if number is None:
        raise BadInput((Fault(name, "wrong_type", "is not a whole number", shown(cell), "a number like `12`"),))
    return number
