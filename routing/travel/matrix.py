"""Times from a matrix that was worked out before: for the middle of the cell of the map in which the patient is.

What is not in the matrix (a cell outside it, a place that is new or moved, a place to which there was no way) gets its
time from the provider that is always there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter

from routing.geography import Places, Point
from routing.travel import Travel, TravelProvider
from routing.travel.matrix_file import Matrix

VERSION = "matrix/1"

CellOf = Callable[[float, float, int], int]
"""The cell of a point (degrees) at a resolution."""


class MatrixProvider:
    """The times of `matrix`, and those of `embedded` where it has none."""

    def __init__(self, matrix: Matrix, embedded: TravelProvider, cell_of: CellOf) -> None:
        self.matrix, self.embedded, self._cell_of = matrix, embedded, cell_of
        header = matrix.header
        self._resolution = header.resolution
        self._times: list[Travel | None] = [None]
        self._times += [
            Travel(minutes, low, high, f"{VERSION} {header.methods[method]}")
            for minutes, low, high, method in header.times
        ]
        self._columns_at = {(lat, lon): column for column, (_, lat, lon) in enumerate(header.places)}
        self._last: tuple[Places, Callable[[Sequence[int]], Sequence[int]]] | None = None

    @property
    def name(self) -> str:
        """Name and version, and those of the provider that filled the matrix."""
        return f"{VERSION} {self.matrix.header.provider}"

    def missing(self, places: Places) -> int:
        """How many of `places` are not in the matrix where they are."""
        return sum(point not in self._columns_at for point in places.points)

    def covers(self, origin: Point) -> bool:
        """Whether the cell of a point is in the matrix."""
        return self.matrix.row(self._cell_of(*origin, self._resolution)) is not None

    def minutes(self, origin: Point, places: Places, at: datetime) -> tuple[Travel, ...]:
        """Minutes by car from `origin` (lat, lon in degrees) to each of `places`."""
        row = self.matrix.row(self._cell_of(*origin, self._resolution))
        if row is None:
            return self.embedded.minutes(origin, places, at)
        row.append(0)  # for places that have no column
        numbers = self._columns(places)(row)
        found = map(self._times.__getitem__, numbers)
        if 0 in numbers:
            others = self.embedded.minutes(origin, places, at)
            return tuple(time or other for time, other in zip(found, others, strict=True))
        return tuple(found)  # type: ignore[arg-type]  # None has the number 0 alone

    def _columns(self, places: Places) -> Callable[[Sequence[int]], Sequence[int]]:
        """What takes of a row the numbers for `places`; a directory is asked about many times over."""
        last = self._last
        if last is not None and last[0] is places:
            return last[1]
        columns = [self._columns_at.get(point, self.matrix.width) for point in places.points]
        if len(columns) == 1:
            taking: Callable[[Sequence[int]], Sequence[int]] = lambda row: (row[columns[0]],)  # noqa: E731
        elif not columns:
            taking = lambda _row: ()  # noqa: E731
        else:
            taking = itemgetter(*columns)
        self._last = (places, taking)
        return taking
