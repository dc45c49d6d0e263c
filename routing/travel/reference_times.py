"""Times or reach that somebody else measured, read strictly, to hold the times of a provider against.

Either a table (`from,to,minutes`, each end a postcode, the id of a place or `LAT LON`), or a JSON document that says
which hospitals are within 25 and within 30 minutes of postcode areas.
"""

from __future__ import annotations

import csv
import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from routing.errors import bad_input, shown
from routing.geography import Point
from routing.travel.postcode import PostcodeError, centroid

KNOWN_TIMES = "known_times.csv"
"""The driving times between Dutch towns that come with Wegwijs."""

MINUTES_MOST = 1_440


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places, in degrees, with what somebody calls them, and the minutes between them."""

    what: str
    origin: Point
    destination: Point
    minutes: float


@dataclass(frozen=True, slots=True)
class Reach:
    """Which of `places` (id -> point) are within so many minutes of postcode areas: limit -> postcode -> ids. `unknown`
    are ids that the directory does not know; they count nowhere."""

    places: Mapping[str, Point]
    within: Mapping[int, Mapping[str, frozenset[str]]]
    unknown: tuple[str, ...]


def read_reference(text: bytes, places: Mapping[str, Point]) -> tuple[Pair, ...] | Reach:
    """What stands in a file; `places` are those of the directory by id. Raises BadInput."""
    if text.lstrip()[:1] == b"{":
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise bad_input("FILE", "not_json", f"is not JSON: {error}") from error
        return _reach(document, places)
    try:
        lines = text.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise bad_input("FILE", "not_utf8", "is not UTF-8") from error
    return _pairs(lines, places)


def known_pairs() -> tuple[Pair, ...]:
    """The driving times that come with Wegwijs: commonly known, without traffic, from town to town."""
    text = (importlib.resources.files("routing.travel") / "data" / KNOWN_TIMES).read_text(encoding="utf-8")
    return _pairs(text.splitlines(), {})


# -- pairs


def _pairs(lines: Sequence[str], places: Mapping[str, Point]) -> tuple[Pair, ...]:
    rows = csv.DictReader(lines)
    missing = {"from", "to", "minutes"} - set(rows.fieldnames or ())
    if missing:
        wanted = "a table with the columns `from,to,minutes`, or a JSON object with `hospitals` and `pc4`"
        raise bad_input("FILE", "shape", f"is neither {wanted}")
    found = [_pair(number, row, places) for number, row in enumerate(rows, 2)]
    if not found:
        raise bad_input("FILE", "empty", "holds no pair of places")
    return tuple(found)


def _pair(line: int, row: Mapping[str, Any], places: Mapping[str, Point]) -> Pair:
    ends = [_point(f"line {line}, `{key}`", str(row[key] or ""), places) for key in ("from", "to")]
    minutes = _minutes(f"line {line}, `minutes`", str(row["minutes"] or ""))
    return Pair(str(row.get("what") or f"{row['from']} - {row['to']}"), ends[0], ends[1], minutes)


def _minutes(where: str, text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if not 0 < minutes <= MINUTES_MOST:
        raise bad_input(where, "minutes", "is not a time", text, f"a number of minutes above 0, up to {MINUTES_MOST}")
    return minutes


def _point(where: str, text: str, places: Mapping[str, Point]) -> Point:
    if text in places:
        return places[text]
    parts = text.split()
    try:
        if len(parts) == 2 and "." in text:
            lat, lon = map(float, parts)
            if -90 <= lat <= 90 and -180 <= lon <= 180:
                return lat, lon
        return centroid(text)
    except (ValueError, PostcodeError) as error:
        allowed = "a postcode (`3584`), the id of a place, or degrees (`52.09 5.12`)"
        raise bad_input(where, "point", "leads to no point", text, allowed) from error


# -- reach


def _reach(document: Any, places: Mapping[str, Point]) -> Reach:
    if not isinstance(document, dict) or not {"hospitals", "pc4"} <= document.keys():
        raise bad_input(
            "FILE",
            "shape",
            "is not an object with `hospitals` (ids) and `pc4` (postcode -> two lists of their numbers)",
        )
    ids, areas = document["hospitals"], document["pc4"]
    if not (isinstance(ids, list) and all(isinstance(one, str) for one in ids) and isinstance(areas, dict) and areas):
        raise bad_input("FILE", "shape", "`hospitals` is not a list of ids, or `pc4` is not an object that holds areas")
    unknown = tuple(one for one in ids if one not in places)
    within: dict[int, dict[str, frozenset[str]]] = {25: {}, 30: {}}
    for pc4, lists in areas.items():
        near, further = _lists(pc4, lists, ids)
        within[25][pc4] = near - set(unknown)
        within[30][pc4] = (near | further) - set(unknown)
    return Reach({one: places[one] for one in ids if one in places}, within, unknown)


def _lists(pc4: str, lists: Any, ids: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    where = f"pc4.{shown(pc4)}"
    try:
        centroid(pc4)
    except PostcodeError as error:
        raise bad_input(where, "postcode", str(error)) from error
    good = isinstance(lists, list) and len(lists) == 2 and all(isinstance(each, list) for each in lists)
    if not good or not all(type(one) is int and 0 <= one < len(ids) for each in lists for one in each):
        raise bad_input(
            where,
            "shape",
            "is not two lists: within 25, and further within 30",
            None,
            f"numbers from 0 to {len(ids) - 1}",
        )
    return frozenset(ids[one] for one in lists[0]), frozenset(ids[one] for one in lists[1])
