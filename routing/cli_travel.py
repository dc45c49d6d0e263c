"""The commands `wegwijs travel`: work out a matrix of travel times, and look at one."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

from routing import service
from routing.cli_travel_check import add_check_commands
from routing.errors import WegwijsError, bad_input
from routing.facilities.directory import Directory
from routing.geography import Point
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, opened_world, say, show
from routing.travel import Travel
from routing.travel.engines import PROTOCOLS, NoAnswer
from routing.travel.matrix_file import BadMatrix, DirectoryName, Header, Matrix, open_matrix, write_matrix
from routing.travel.road_engine import RoadEngine
from routing.travel_here import EMBEDDED, embedded_times, engine_of, grid, on_an_island

ASKED_AT_ONCE = 90
"""About so many places an engine is asked at once: an OSRM server as it comes takes 100 points."""

TRIES = 3
PAUSE_SECONDS = 2.0
ENGINE_SECONDS = 30.0
"""So long a question for a matrix may take; no patient waits for it."""

SAID_EVERY_SECONDS = 5.0


def add_travel_commands(commands: Any) -> None:
    """`wegwijs travel build` and `show`."""
    text = (
        "Work out the travel times from all over the country to all places of the directory, and write them to a\n"
        "file. What the file holds already of the same provider is taken over, for places that are where\nthey were."
    )
    build = add_command(commands, "build", _build, text, "wegwijs travel build --provider embedded --out nl.matrix")
    whose = "whose times (default: embedded); an engine is where WEGWIJS_ROAD_ENGINE_URL says"
    build.add_argument("--provider", choices=("embedded", *PROTOCOLS), default="embedded", help=whose)
    build.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write, or to bring up to date")
    size = "size of the cells by H3: 8 (the default) is 1 km across, and each step 2.6 times as fine"
    build.add_argument("--resolution", type=int, default=8, choices=range(6, 10), metavar="6-9", help=size)
    build.add_argument("--anew", action="store_true", help="take nothing over from the file that is there")
    add_json_option(build)
    text = "Say what a matrix holds, and whether it fits the directory as it is now (exit code 1: it does not)."
    looked = add_command(commands, "show", _show, text, "wegwijs travel show nl.matrix")
    looked.add_argument("matrix", type=Path, metavar="FILE", help="a matrix")
    add_json_option(looked)
    add_check_commands(commands)


# -- building ---------------------------------------------------------------------------------------------------------


def _build(arguments: argparse.Namespace) -> int:
    building = grid()
    _must_be_writable(arguments.out)
    with opened_world() as world:
        directory = service.newest_directory(world)
        settings = world.settings.model_copy(update={"road_engine": arguments.provider})
        engine = None if arguments.provider == "embedded" else engine_of(settings)
    former = None if arguments.anew else _former(arguments.out)

    def write_to(header: Header, cells: Sequence[int], entries: Any) -> int:
        try:
            write_matrix(arguments.out, header, cells, entries)
        except OSError as error:
            raise bad_input(
                "--out", "unwritable", f"cannot be written: {error.strerror}", str(arguments.out)
            ) from error
        size: int = arguments.out.stat().st_size
        return size

    begun = time.monotonic()
    pool = ThreadPoolExecutor(4) if engine else ProcessPoolExecutor(os.cpu_count(), initializer=_end_with_parent)
    with pool:
        try:
            built = building.build(
                write_to,
                EMBEDDED.name if engine is None else engine.name,
                embedded_times if engine is None else _asked(engine, building),
                _mapped(pool),
                DirectoryName(revision=directory.revision, digest=directory.digest),
                _places(directory),
                arguments.resolution,
                former,
                _progress(begun),
            )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    found = {
        "file": str(arguments.out),
        "provider": EMBEDDED.name if engine is None else engine.name,
        "resolution": arguments.resolution,
        "directory_revision": directory.revision,
        "cells": built.cells,
        "places": built.places,
        "places_taken_over": built.taken_over,
        "places_dropped": built.dropped,
        "entries_without_time": built.without_time,
        "bytes": built.bytes_written,
        "seconds": round(time.monotonic() - begun, 1),
    }
    if arguments.json:
        show(found)
    else:
        print(f"{found['file']}: {built.cells:,} cells x {built.places} places, {built.bytes_written:,} bytes")
        print(f"  {built.taken_over} places taken over, {built.dropped} dropped, in {found['seconds']} s")
        if built.without_time:
            print(f"  {built.without_time:,} entries have no time: there the embedded times count")
    return FINE


def _must_be_writable(path: Path) -> None:
    """Raises BadInput where no file can be written, before hours are spent on what would stand in it."""
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise bad_input("--out", "unwritable", "cannot be written", str(path), "a file in a folder that is there")


def _end_with_parent() -> None:
    """Let this process end when the one that began it does, also where that was killed: nobody waits for it then."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="ends with its parent", daemon=True).start()


def _former(path: Path) -> Matrix | None:
    """The matrix that is there; one that cannot be read is worked out anew, and that is said."""
    if not path.exists():
        return None
    try:
        return open_matrix(path)
    except BadMatrix as error:
        say(f"nothing is taken over: {error}")
        return None


def _places(directory: Directory) -> list[tuple[str, float, float]]:
    return [(place.id, *point) for place, point in zip(directory.facilities, directory.places.points, strict=True)]


def _mapped(pool: Executor) -> Any:
    def mapped(work: Any, stretches: Iterable[Sequence[int]], points: Sequence[Point]) -> Any:
        return pool.map(work, stretches, repeat(points))

    return mapped


def _asked(engine: RoadEngine, building: Any) -> Callable[[Sequence[int], Sequence[Point]], Any]:
    def ask(origin: Point, points: Sequence[Point]) -> list[Travel | None]:
        found: list[Travel | None] = []
        for start in range(0, len(points), ASKED_AT_ONCE):
            found += _patiently(engine, origin, points[start : start + ASKED_AT_ONCE])
        return found

    return lambda cells, points: building.times_with_margin(ask, on_an_island, cells, points)


def _patiently(engine: RoadEngine, origin: Point, points: Sequence[Point]) -> Sequence[Travel | None]:
    """The times from one cell; none where the engine takes no such question. Raises WegwijsError where it does not
    answer, also when it is asked again."""
    for attempt in range(1, TRIES + 1):
        try:
            return engine.times(origin, points, ENGINE_SECONDS)
        except NoAnswer as error:
            if error.refused:
                break
            if attempt == TRIES:
                raise WegwijsError(f"the road engine gave no times: {error}; nothing was written") from error
            time.sleep(PAUSE_SECONDS)
    return [None] * len(points)


def _progress(begun: float) -> Callable[[int, int], None]:
    """Says how far it is, and how long it will take, every now and then."""
    said = [begun]

    def progress(done: int, count: int) -> None:
        now = time.monotonic()
        if now - said[0] < SAID_EVERY_SECONDS and done < count:
            return
        said[0] = now
        left = (now - begun) / done * (count - done) if done else 0
        say(f"{done:,} of {count:,} cells, {left:.0f} s left")

    return progress


# -- looking ----------------------------------------------------------------------------------------------------------


def _show(arguments: argparse.Namespace) -> int:
    try:
        matrix = open_matrix(arguments.matrix)
    except BadMatrix as error:
        say(str(error))
        if arguments.json:
            show({"file": str(arguments.matrix), "fault": str(error), "fits": False})
        return DOES_NOT_HOLD
    with opened_world() as world:
        directory = service.newest_directory(world)
    header = matrix.header
    there = {(lat, lon): key for key, lat, lon in header.places}
    missing = [key for key, lat, lon in _places(directory) if (lat, lon) not in there]
    found = {
        "file": str(arguments.matrix),
        "fault": None,
        "provider": header.provider,
        "resolution": header.resolution,
        "cells": header.cells,
        "places": len(header.places),
        "made_for_revision": header.directory.revision,
        "directory_revision": directory.revision,
        "missing": missing,
        "fits": not missing,
    }
    if arguments.json:
        show(found)
    else:
        print(f"{header.provider}: {header.cells:,} cells of H3 {header.resolution} x {len(header.places)} places")
        print(f"  made for revision {header.directory.revision} of the directory, which is at {directory.revision} now")
        print(f"  places that are new or moved since, and get embedded times: {', '.join(missing) or 'none'}")
    return FINE if not missing else DOES_NOT_HOLD
