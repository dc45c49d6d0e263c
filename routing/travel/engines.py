"""What is asked of a road engine and how its answer is read: the matrices of OSRM, Valhalla and openrouteservice.

Shapes after their documentation: OSRM `docs/http.md` (table service), Valhalla `docs/docs/api/matrix/api-reference.md`,
openrouteservice `docs/api-reference/endpoints/matrix`. An answer is read strictly: what is not one time or null a place
is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import orjson

from routing.errors import WegwijsError
from routing.geography import Point

SNAP_MOST_M = 1_000
"""A place that lies further than this from the nearest road that the engine knows lies outside its map: an engine would
else answer for a road far away as if it began there."""

LONGEST_SECONDS = 86_400
"""A drive takes no longer than a day."""

Seconds = float | None
"""A time in seconds; None: the engine knows no way there."""


class NoAnswer(WegwijsError):
    """A road engine gave no times; says why, without where anybody is. `late`: it took too long; `refused`: it works,
    but does not take this question."""

    def __init__(self, words: str, *, late: bool = False, refused: bool = False) -> None:
        super().__init__(words)
        self.late, self.refused = late, refused


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent to an engine; a `body` is posted."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one kind of engine is asked, from one point to several, and how its answer is read."""

    name: str
    ask: Callable[[str, Point, Sequence[Point]], Question]
    read: Callable[[Any, int], list[Seconds]]


def question(protocol: Protocol, url: str, key: str | None, origin: Point, points: Sequence[Point]) -> Question:
    """The question for the times from `origin` to `points` (lat, lon in degrees) at the engine at `url`; `key` is sent
    as the header `Authorization`."""
    asked = protocol.ask(url.rstrip("/"), origin, points)
    own = {"User-Agent": "Wegwijs", "Accept": "application/json", "Accept-Encoding": "identity"}
    given = {} if key is None else {"Authorization": key}
    return Question(asked.url, {**own, **asked.headers, **given}, asked.body)


def seconds_in(protocol: Protocol, body: bytes, count: int) -> list[Seconds]:
    """The times to `count` places in an answer. Raises NoAnswer."""
    try:
        found = protocol.read(orjson.loads(body), count)
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError, AttributeError):
        raise NoAnswer("its answer is not in the form of its documentation") from None
    if len(found) != count:
        raise NoAnswer(f"it gave {len(found)} times for {count} places")
    if all(each is None for each in found):
        raise NoAnswer("it knows no way to any of the places", refused=True)
    return found


def _seconds(value: Any) -> Seconds:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoAnswer("a time in its answer is not a number")
    if not isfinite(value) or not 0 <= value <= LONGEST_SECONDS:
        raise NoAnswer("a time in its answer is negative, or longer than a day")
    return float(value)


def _row(durations: Any) -> list[Seconds]:
    """The one row of a matrix from one point."""
    if not isinstance(durations, list) or len(durations) != 1 or not isinstance(durations[0], list):
        raise NoAnswer("its answer does not hold one row of times")
    return [_seconds(value) for value in durations[0]]


def _near_a_road(found: list[Seconds], sources: Any, destinations: Any, name: str) -> list[Seconds]:
    """`found` without the times to places that are far from any road; where the answer says how far."""
    if sources and _off_the_map(sources[0], name):
        raise NoAnswer("the patient is not near any road on its map", refused=True)
    if not destinations or len(destinations) != len(found):
        return found
    return [None if _off_the_map(end, name) else time for time, end in zip(found, destinations, strict=True)]


def _off_the_map(end: Any, name: str) -> bool:
    distance = end.get(name) if isinstance(end, Mapping) else None
    return isinstance(distance, int | float) and distance > SNAP_MOST_M


# -- OSRM -------------------------------------------------------------------------------------------------------------


def _ask_osrm(url: str, origin: Point, points: Sequence[Point]) -> Question:
    where = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in (origin, *points))
    ends = ";".join(str(number) for number in range(1, len(points) + 1))
    options = f"sources=0&destinations={ends}&annotations=duration&generate_hints=false"
    return Question(f"{url}/table/v1/driving/{where}?{options}", {})


def _read_osrm(answer: Any, _count: int) -> list[Seconds]:
    if answer["code"] != "Ok":
        raise NoAnswer("it does not take the question", refused=True)
    found = _row(answer["durations"])
    return _near_a_road(found, answer.get("sources"), answer.get("destinations"), "distance")


# -- Valhalla ---------------------------------------------------------------------------------------------------------


def _ask_valhalla(url: str, origin: Point, points: Sequence[Point]) -> Question:
    def end(point: Point) -> dict[str, float]:
        return {"lat": round(point[0], 6), "lon": round(point[1], 6), "search_cutoff": SNAP_MOST_M}

    body = {"sources": [end(origin)], "targets": [*map(end, points)], "costing": "auto"}
    return Question(f"{url}/sources_to_targets", {"Content-Type": "application/json"}, orjson.dumps(body))


def _read_valhalla(answer: Any, _count: int) -> list[Seconds]:
    rows = answer["sources_to_targets"]
    if isinstance(rows, dict):  # its shorter form
        return _row(rows["durations"])
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], list):
        raise NoAnswer("its answer does not hold one row of times")
    if [each["to_index"] for each in rows[0]] != [*range(len(rows[0]))]:
        raise NoAnswer("its times are not in the order of the places")
    return [_seconds(each["time"]) for each in rows[0]]


# -- openrouteservice -------------------------------------------------------------------------------------------------


def _ask_openrouteservice(url: str, origin: Point, points: Sequence[Point]) -> Question:
    body = {
        "locations": [[round(lon, 6), round(lat, 6)] for lat, lon in (origin, *points)],
        "sources": ["0"],
        "destinations": [str(number) for number in range(1, len(points) + 1)],
        "metrics": ["duration"],
    }
    return Question(f"{url}/v2/matrix/driving-car", {"Content-Type": "application/json"}, orjson.dumps(body))


def _read_openrouteservice(answer: Any, _count: int) -> list[Seconds]:
    found = _row(answer["durations"])
    return _near_a_road(found, answer.get("sources"), answer.get("destinations"), "snapped_distance")


PROTOCOLS: Mapping[str, Protocol] = {
    "osrm": Protocol("osrm/1", _ask_osrm, _read_osrm),
    "valhalla": Protocol("valhalla/1", _ask_valhalla, _read_valhalla),
    "openrouteservice": Protocol("openrouteservice/1", _ask_openrouteservice, _read_openrouteservice),
}
"""The engines that can be asked; the number belongs to how we ask and what we make of the answer."""
