"""Where times of travel come from here: what is embedded, a matrix over that, and a road engine for the best places."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from routing.by_road import decide_by_road
from routing.case import Case
from routing.decision import Decision, decide
from routing.errors import bad_input
from routing.facilities.directory import Directory
from routing.geography import Point
from routing.rules.evaluation import Evaluators
from routing.settings import Settings
from routing.travel import TravelProvider, embedded
from routing.travel.breaker import Breaker
from routing.travel.engines import PROTOCOLS
from routing.travel.exchange import exchange
from routing.travel.matrix import MatrixProvider
from routing.travel.matrix_file import BadMatrix, open_matrix
from routing.travel.road_engine import RoadEngine
from routing.world import World, uncounted

log = logging.getLogger("wegwijs.travel")

EMBEDDED: TravelProvider = embedded
"""What needs nobody else and no file: it is always there."""


@dataclass(frozen=True, slots=True)
class TravelHere:
    """`known` has a time for every place and asks nobody; `engine` is asked about the best places. `fault` says why the
    matrix that was set is not used."""

    known: TravelProvider
    engine: RoadEngine | None = None
    fault: str | None = None


def travel_of(world: World) -> TravelHere:
    """Where times of travel come from in `world`. Raises BadInput for settings that do not fit each other."""
    return world.travel.once("travel", lambda: assembled(world.settings, world.count_road))


def assembled(settings: Settings, count: Callable[[str, bool], None] = uncounted) -> TravelHere:
    """Where times of travel come from with these settings. A matrix that cannot be used is not: that is logged, and
    `fault` says it. Raises BadInput."""
    engine = engine_of(settings, count)
    if settings.travel_matrix is None:
        return TravelHere(EMBEDDED, engine)
    try:
        return TravelHere(matrix_at(settings.travel_matrix), engine)
    except BadMatrix as error:
        log.warning("the matrix of travel times is not used: %s", error)
        return TravelHere(EMBEDDED, engine, str(error))


def matrix_at(path: Path) -> MatrixProvider:
    """The matrix in the file `path` over what is embedded. Raises BadMatrix, BadInput."""
    cell_of = grid().cell_of
    return MatrixProvider(open_matrix(path), EMBEDDED, cell_of)


def grid() -> Any:
    """The module that knows cells of the map. Raises BadInput where its package is not there."""
    if find_spec("h3") is None:
        message = "needs a package that is not installed: pip install 'wegwijs[matrix]'"
        raise bad_input("WEGWIJS_TRAVEL_MATRIX", "missing", message)
    from routing.travel import matrix_building

    return matrix_building


def engine_of(settings: Settings, count: Callable[[str, bool], None] = uncounted) -> RoadEngine | None:
    """The road engine of these settings, if there is one. Raises BadInput."""
    if settings.road_engine is None:
        return None
    if settings.road_engine_url is None:
        message = f"must say where the road engine is, as WEGWIJS_ROAD_ENGINE is `{settings.road_engine}`"
        raise bad_input("WEGWIJS_ROAD_ENGINE_URL", "missing", message, allowed="https://osrm.example.nl")
    return RoadEngine(
        protocol=PROTOCOLS[settings.road_engine],
        url=settings.road_engine_url,
        timeout_seconds=settings.road_engine_timeout_ms / 1_000,
        places=settings.road_engine_places,
        breaker=Breaker(time.monotonic),
        exchange=exchange,
        elapsed=time.monotonic,
        key=settings.road_engine_key.get_secret_value() if settings.road_engine_key else None,
        count=count,
    )


def decide_here(here: TravelHere, case: Case, directory: Directory, evaluators: Evaluators, now: datetime) -> Decision:
    """Decide about `case`, with what the road engine says if there is one."""
    if here.engine is None:
        return decide_at_once(here, case, directory, evaluators, now)
    return decide_by_road(case, directory, evaluators, now, here.known.minutes, here.engine)


def decide_at_once(
    here: TravelHere, case: Case, directory: Directory, evaluators: Evaluators, now: datetime
) -> Decision:
    """The same with what is known here: nobody is asked, and nobody is told where the patient is."""
    return decide(case, directory, evaluators, now, here.known.minutes)


def status_of(here: TravelHere, directory: Directory) -> dict[str, Any]:
    """How that is doing: `{"known", "fault", "missing", "engine"}`; `missing` are places that are not in the matrix."""
    matrix = here.known if isinstance(here.known, MatrixProvider) else None
    engine = None if here.engine is None else {"name": here.engine.name, "breaker": here.engine.breaker.state}
    return {
        "known": here.known.name,
        "fault": here.fault,
        "missing": None if matrix is None else matrix.missing(directory.places),
        "engine": engine,
    }


def embedded_times(cells: Sequence[int], points: Sequence[Point]) -> Any:
    """The embedded times of some cells of a matrix; a function by itself, so that other processes can be asked."""
    return grid().times_with_corners(EMBEDDED, on_an_island, cells, points)


def on_an_island(point: Point) -> bool:
    """Whether only a boat goes to `point` (degrees). Boats go by the clock, which a matrix does not know."""
    return embedded.island_of(point, [EMBEDDED.name]) is not None
