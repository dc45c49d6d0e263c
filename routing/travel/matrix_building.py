"""Works out a matrix of travel times: for every cell of the map around the Netherlands, the times to all places.

A patient can be anywhere in a cell, so the interval of a time spans more than that of the cell's middle: with times
that cost next to nothing those at its corners as well, and with a road engine as many minutes as it takes from the
middle to the edge. What a matrix holds already of the same provider is not worked out again.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from math import ceil
from typing import NamedTuple

import h3.api.basic_int as h3

from routing.geography import Point, places_at
from routing.travel import Travel, TravelProvider, straight_line
from routing.travel.matrix_file import TIMES_MOST, BadMatrix, DirectoryName, Header, Matrix
from routing.travel.postcode import middles

RESOLUTION = 8
"""Cells of about 0.7 km2, 1 km across; of the next size (7) they are 2.6 km across, and times too rough."""

AROUND_KM = 5.0
"""The matrix reaches so far from the middle of every postcode area. Beyond are water, heath and the border regions,
where the embedded times count."""

CELLS_AT_ONCE = 256

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The moment for which times are worked out that do not hang on one."""


class Coded(NamedTuple):
    """Times of some cells: every different time once, and for each cell and place its number there, from 1 (0: none),
    two bytes each."""

    times: list[Travel]
    numbers: bytes


Apart = Callable[[Point], bool]
"""Whether the time to or from a point (degrees) hangs on the moment, so that no matrix can hold it."""

CellTimes = Callable[[Sequence[int], Sequence[Point]], Coded]
"""Works out the times from cells to points."""

Mapped = Callable[[CellTimes, Iterable[Sequence[int]], Sequence[Point]], Iterable[Coded]]
"""Works out the times of many stretches of cells, in their order, in as many processes or threads as there are."""

Place = tuple[str, float, float]
"""Id and where it is: lat, lon in degrees."""

Progress = Callable[[int, int], None]
"""Is told how many cells are done, of how many."""


@dataclass(frozen=True, slots=True)
class Built:
    """What was written: how many cells and places, of how many places the times were taken over, how many of the former
    matrix were dropped, and of how many entries there is no time."""

    cells: int
    places: int
    taken_over: int
    dropped: int
    without_time: int
    bytes_written: int


def cell_of(lat: float, lon: float, resolution: int) -> int:
    """The cell of a point (degrees)."""
    found: int = h3.latlng_to_cell(lat, lon, resolution)
    return found


def cells_around(resolution: int) -> list[int]:
    """The cells within AROUND_KM of the middle of a postcode area, ascending."""
    across_km = 3**0.5 * h3.average_hexagon_edge_length(resolution, unit="km")
    rings = ceil(AROUND_KM / across_km)
    found: set[int] = set()
    for middle in {h3.latlng_to_cell(*point, resolution) for point in middles()}:
        found.update(h3.grid_disk(middle, rings))
    return sorted(found)


def one_after_the_other(
    work: CellTimes, stretches: Iterable[Sequence[int]], points: Sequence[Point]
) -> Iterable[Coded]:
    """Works out the times of `stretches` in this process."""
    return map(work, stretches, repeat(points))


# -- the times of some cells ------------------------------------------------------------------------------------------


def times_with_corners(provider: TravelProvider, apart: Apart, cells: Sequence[int], points: Sequence[Point]) -> Coded:
    """The estimate is that of the middle; the interval spans those at the middle and at all corners. No time for what
    is `apart`."""
    places, coding = places_at(points), _Coding()
    left_out = [number for number, point in enumerate(points) if apart(point)]
    for cell in cells:
        if _is_apart(apart, cell):
            coding.add(repeat(None, len(points)))
            continue
        middle = provider.minutes(h3.cell_to_latlng(cell), places, MOMENT)
        corners = [provider.minutes(corner, places, MOMENT) for corner in h3.cell_to_boundary(cell)]
        every = (middle, *corners)
        lows = map(min, *([time.low for time in times] for times in every))
        highs = map(max, *([time.high for time in times] for times in every))
        times = map(Travel, (t.minutes for t in middle), lows, highs, (t.method for t in middle))
        coding.add(_without(left_out, times))
    return coding.coded()


def times_with_margin(
    ask: Callable[[Point, Sequence[Point]], Sequence[Travel | None]],
    apart: Apart,
    cells: Sequence[int],
    points: Sequence[Point],
) -> Coded:
    """The times of the middle, with the minutes that it takes from there to the edge of the cell at either end. No time
    for what is `apart`."""
    coding = _Coding()
    left_out = [number for number, point in enumerate(points) if apart(point)]
    for cell in cells:
        if _is_apart(apart, cell):
            coding.add(repeat(None, len(points)))
            continue
        edge = edge_minutes(h3.get_resolution(cell))
        found = ask(h3.cell_to_latlng(cell), points)
        times = (time and time._replace(low=max(0, time.low - edge), high=time.high + edge) for time in found)
        coding.add(_without(left_out, times))
    return coding.coded()


def _is_apart(apart: Apart, cell: int) -> bool:
    return any(map(apart, (h3.cell_to_latlng(cell), *h3.cell_to_boundary(cell))))


def _without(numbers: Sequence[int], times: Iterable[Travel | None]) -> Iterable[Travel | None]:
    if not numbers:
        return times
    found = [*times]
    for number in numbers:
        found[number] = None
    return found


def edge_minutes(resolution: int) -> int:
    """Minutes from the middle of a cell to its edge at the slowest speed of the straight line, rounded up."""
    edge_km: float = 1.2 * h3.average_hexagon_edge_length(resolution, unit="km")  # cells differ in size
    return ceil(60 * straight_line.DETOUR * edge_km / straight_line.SLOWEST_KM_H)


class _Coding:
    """Gives every different time a number, in the order in which they come up."""

    def __init__(self, times: Iterable[Travel] = ()) -> None:
        self.numbers: dict[Travel | None, int] = {None: 0}
        self.entries = array("H")
        for time in times:
            self.number(time)

    def number(self, time: Travel | None) -> int:
        found = self.numbers.setdefault(time, len(self.numbers))
        if found > TIMES_MOST:
            raise BadMatrix(f"there are more than {TIMES_MOST:,} different times, which a matrix cannot hold")
        return found

    def add(self, times: Iterable[Travel | None]) -> None:
        self.entries.extend(map(self.number, times))

    def coded(self) -> Coded:
        return Coded([time for time in self.numbers if time is not None], self.entries.tobytes())


# -- the whole --------------------------------------------------------------------------------------------------------


def build(
    write_to: Callable[[Header, Sequence[int], array[int]], int],
    provider: str,
    work: CellTimes,
    mapped: Mapped,
    directory: DirectoryName,
    places: Sequence[Place],
    resolution: int,
    former: Matrix | None,
    progress: Progress,
) -> Built:
    """Work out the times by `provider` to all `places` of `directory` and write them. Of `former`, the times to places
    that are where they were are taken over, if it is by the same provider and for the same cells."""
    cells = cells_around(resolution)
    kept = _kept(former, provider, resolution, cells)
    fresh = [number for number, place in enumerate(places) if place[1:] not in kept]
    coding = _Coding() if former is None or not kept else _Coding(_times(former.header))
    worked_out = _worked_out(work, mapped, cells, [places[number][1:] for number in fresh], coding, progress)
    rows = _rows(former, kept, places, fresh, worked_out, len(cells))
    entries = array("H")
    for row in rows:
        entries.extend(row)
    methods = sorted({time.method for time in coding.numbers if time is not None})
    header = Header(
        provider=provider,
        resolution=resolution,
        directory=directory,
        places=[*places],
        methods=methods,
        times=[(*time[:3], methods.index(time.method)) for time in coding.numbers if time is not None],
        cells=len(cells),
        body="",
    )
    written = write_to(header, cells, entries)
    dropped = 0 if former is None else len({*kept} - {place[1:] for place in places})
    return Built(len(cells), len(places), len(places) - len(fresh), dropped, entries.count(0), written)


def _kept(former: Matrix | None, provider: str, resolution: int, cells: Sequence[int]) -> dict[Point, int]:
    """Where the places are whose times can be taken over -> their column."""
    if former is None or (former.header.provider, former.header.resolution) != (provider, resolution):
        return {}
    if former.cells.tolist() != [*cells]:
        return {}
    return {(lat, lon): column for column, (_, lat, lon) in enumerate(former.header.places)}


def _times(header: Header) -> Iterator[Travel]:
    return (Travel(minutes, low, high, header.methods[method]) for minutes, low, high, method in header.times)


def _worked_out(
    work: CellTimes,
    mapped: Mapped,
    cells: Sequence[int],
    points: Sequence[Point],
    coding: _Coding,
    progress: Progress,
) -> Iterator[Sequence[int]]:
    """The numbers of the times to `points`, cell after cell."""
    if not points:
        progress(len(cells), len(cells))
        yield from repeat((), len(cells))
        return
    stretches = [cells[start : start + CELLS_AT_ONCE] for start in range(0, len(cells), CELLS_AT_ONCE)]
    done = 0
    for stretch, coded in zip(stretches, mapped(work, stretches, points), strict=True):
        known = [0, *map(coding.number, coded.times)]
        numbers = [known[number] for number in memoryview(coded.numbers).cast("H")]
        for start in range(0, len(numbers), len(points)):
            yield numbers[start : start + len(points)]
        done += len(stretch)
        progress(done, len(cells))


def _rows(
    former: Matrix | None,
    kept: dict[Point, int],
    places: Sequence[Place],
    fresh: Sequence[int],
    worked_out: Iterator[Sequence[int]],
    count: int,
) -> Iterator[Sequence[int]]:
    """The rows of the new matrix: what was worked out, between what was taken over."""
    if former is None or len(fresh) == len(places):
        yield from worked_out
        return
    width = former.width
    at = {number: width + index for index, number in enumerate(fresh)}
    columns = [at[number] if number in at else kept[place[1:]] for number, place in enumerate(places)]
    for index, new in zip(range(count), worked_out, strict=True):
        row = [*former.entries[index * width : (index + 1) * width], *new]
        yield [row[column] for column in columns]
