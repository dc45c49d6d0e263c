"""A matrix of travel times says what its provider says, notices damage, and leaves the rest to what is embedded."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.geography import Point, places_at
from routing.travel import Travel, skeleton, straight_line
from routing.travel.matrix import MatrixProvider
from routing.travel.matrix_building import (
    MOMENT,
    Built,
    Coded,
    Place,
    build,
    cell_of,
    cells_around,
    edge_minutes,
    one_after_the_other,
    times_with_corners,
    times_with_margin,
)
from routing.travel.matrix_file import BadMatrix, DirectoryName, Header, Matrix, open_matrix, write_matrix
from routing.travel_here import on_an_island

SIZE = 6
"""Cells of 36 km2, so that a whole country is made in no time."""

PLACES: tuple[Place, ...] = (("delft", 52.0, 4.36), ("ede", 52.04, 5.66), ("goes", 51.5, 3.89), ("zwolle", 52.51, 6.09))
DIRECTORY = DirectoryName(revision=7, digest="sha256:0")


def nowhere(_point: Point) -> bool:
    """Nothing is apart."""
    return False


EMBEDDED = partial(times_with_corners, straight_line, nowhere)


def made(
    path: Path, places: Sequence[Place] = PLACES, former: Matrix | None = None, work: Any = EMBEDDED, size: int = SIZE
) -> Built:
    """A matrix of the straight line in the file `path`."""

    def write_to(header: Header, cells: Sequence[int], entries: array[int]) -> int:
        write_matrix(path, header, cells, entries)
        return path.stat().st_size

    return build(
        write_to, straight_line.METHOD, work, one_after_the_other, DIRECTORY, places, size, former, lambda *_: None
    )


def provider(path: Path) -> MatrixProvider:
    return MatrixProvider(open_matrix(path), straight_line, cell_of)


def points_of(places: Sequence[Place]) -> list[Point]:
    return [(lat, lon) for _, lat, lon in places]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("matrix") / "nl.matrix"
    made(path)
    return path


@pytest.fixture(scope="module")
def matrix(file: Path) -> MatrixProvider:
    return provider(file)


# -- what it says -----------------------------------------------------------------------------------------------------

DUTCH = st.tuples(st.floats(51.3, 53.4), st.floats(3.6, 7.0))


@given(DUTCH)
def test_anywhere_in_a_cell_the_interval_holds_the_time_of_the_provider(matrix: MatrixProvider, where: Point) -> None:
    places = places_at(points_of(PLACES))
    for found, there in zip(matrix.minutes(where, places, MOMENT), straight_line.minutes(where, places), strict=True):
        assert found.low <= there.minutes <= found.high


def test_at_the_middle_of_a_cell_the_estimate_is_that_of_the_provider(matrix: MatrixProvider) -> None:
    places = places_at(points_of(PLACES))
    for cell in matrix.matrix.cells[::50]:
        middle = h3.cell_to_latlng(cell)
        found, there = matrix.minutes(middle, places, MOMENT), straight_line.minutes(middle, places)
        assert [travel.minutes for travel in found] == [travel.minutes for travel in there]


def test_the_method_names_the_matrix_and_whose_times_it_holds(matrix: MatrixProvider) -> None:
    (found,) = matrix.minutes((52.09, 5.12), places_at(points_of(PLACES[:1])), MOMENT)
    assert found.method == matrix.name == "matrix/1 straight-line-nl/1"


def test_a_place_that_is_new_or_moved_gets_its_embedded_time(matrix: MatrixProvider) -> None:
    moved = places_at([(52.0001, 4.36), *points_of(PLACES[1:])])
    found, there = matrix.minutes((52.09, 5.12), moved, MOMENT), straight_line.minutes((52.09, 5.12), moved)
    assert found[0] == there[0]
    assert [travel.method for travel in found[1:]] == [matrix.name] * 3
    assert matrix.missing(moved) == 1


def test_from_outside_the_matrix_all_times_are_embedded(matrix: MatrixProvider) -> None:
    places, paris = places_at(points_of(PLACES)), (48.85, 2.35)
    assert matrix.minutes(paris, places, MOMENT) == straight_line.minutes(paris, places)
    assert not matrix.covers(paris)


def test_every_directory_is_told_its_own_places_in_its_own_order(matrix: MatrixProvider) -> None:
    there, back = places_at(points_of(PLACES)), places_at(points_of(PLACES)[::-1])
    one = matrix.minutes((52.09, 5.12), there, MOMENT)
    assert matrix.minutes((52.09, 5.12), back, MOMENT) == one[::-1]
    assert matrix.minutes((52.09, 5.12), there, MOMENT) == one
    assert matrix.minutes((52.09, 5.12), places_at([]), MOMENT) == ()


def test_the_cells_reach_around_every_postcode_area() -> None:
    cells = {*cells_around(8)}
    for place in ((52.0907, 5.1214), (50.85, 5.69), (53.33, 6.95), (51.44, 3.57), (52.0907 + 0.03, 5.1214)):
        assert h3.latlng_to_cell(*place, 8) in cells
    assert h3.latlng_to_cell(52.5, 4.2, 8) not in cells, "the North Sea"
    assert 60_000 < len(cells) < 70_000


# -- of a road engine -------------------------------------------------------------------------------------------------


def test_where_an_engine_knows_no_way_the_embedded_time_counts_and_elsewhere_the_edge_is_added(tmp_path: Path) -> None:
    def ask(_origin: Point, points: Sequence[Point]) -> list[Travel | None]:
        return [None if point == points[0] else Travel(20, 17, 23, "osrm/1") for point in points]

    result = made(tmp_path / "m", work=partial(times_with_margin, ask, nowhere))
    assert result.without_time == result.cells
    found = provider(tmp_path / "m").minutes((52.09, 5.12), places_at(points_of(PLACES)), MOMENT)
    assert found[0].method == straight_line.METHOD
    edge = edge_minutes(SIZE)
    assert found[1] == Travel(20, 17 - edge, 23 + edge, "matrix/1 osrm/1")


def test_it_takes_two_minutes_from_the_middle_of_a_cell_to_its_edge() -> None:
    assert edge_minutes(8) == 2


def test_where_only_a_boat_goes_no_matrix_says_how_long_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boats go by the clock: from an island, and to one, the embedded times count, which know the moment."""
    texel, lauwersoog = (53.06, 4.80), (53.40, 6.20)
    places = (*PLACES, ("texel", *texel))
    near = [cell for point in (texel, lauwersoog) for cell in h3.grid_disk(h3.latlng_to_cell(*point, 8), 2)]
    monkeypatch.setattr("routing.travel.matrix_building.cells_around", lambda _size: sorted(near))
    made(tmp_path / "m", places, work=partial(times_with_corners, skeleton, on_an_island), size=8)
    found = MatrixProvider(open_matrix(tmp_path / "m"), skeleton, cell_of)
    there, night, day = places_at(points_of(places)), *(MOMENT.replace(hour=hour) for hour in (1, 12))
    for moment in (night, day):
        assert found.minutes(texel, there, moment) == skeleton.minutes(texel, there, moment)
        assert found.minutes(lauwersoog, there, moment)[-1] == skeleton.minutes(lauwersoog, there, moment)[-1]
    assert found.minutes(texel, there, night) != found.minutes(texel, there, day)
    assert found.minutes(lauwersoog, there, day)[0].method == "matrix/1 skeleton-nl/1"


# -- brought up to date -----------------------------------------------------------------------------------------------


class Counted:
    """Works out embedded times, and notes for which points."""

    def __init__(self) -> None:
        self.points: set[Point] = set()

    def __call__(self, cells: Sequence[int], points: Sequence[Point]) -> Coded:
        self.points |= {*points}
        return times_with_corners(straight_line, nowhere, cells, points)


CHANGES: dict[str, tuple[Place, ...]] = {
    "nothing": PLACES,
    "moved": (("delft", 52.01, 4.37), *PLACES[1:]),
    "added": (*PLACES[:2], ("venlo", 51.37, 6.17), *PLACES[2:]),
    "removed": PLACES[1:],
    "all at once": (("delft", 52.01, 4.37), PLACES[3], ("venlo", 51.37, 6.17), ("almere", 52.37, 5.22)),
    "none left": (("venlo", 51.37, 6.17),),
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_places_that_are_new_or_moved_are_worked_out_again(file: Path, tmp_path: Path, change: str) -> None:
    places, counted = CHANGES[change], Counted()
    result = made(tmp_path / "next", places, open_matrix(file), counted)
    assert counted.points == {place[1:] for place in places} - {place[1:] for place in PLACES}
    assert result.taken_over == len({place[1:] for place in places} & {place[1:] for place in PLACES})
    assert result.dropped == len({place[1:] for place in PLACES} - {place[1:] for place in places})
    made(tmp_path / "anew", places)
    one, other = provider(tmp_path / "next"), provider(tmp_path / "anew")
    assert [place[0] for place in one.matrix.header.places] == [place[0] for place in places]
    there = places_at(points_of(places))
    for cell in one.matrix.cells[::20]:
        where = h3.cell_to_latlng(cell)
        assert one.minutes(where, there, MOMENT) == other.minutes(where, there, MOMENT)


def test_nothing_is_taken_over_from_another_provider_or_for_other_cells(file: Path, tmp_path: Path) -> None:
    counted = Counted()
    made(tmp_path / "coarser", PLACES, open_matrix(file), counted, size=5)
    assert counted.points == {place[1:] for place in PLACES}
    other = open_matrix(file)
    other.header = other.header.model_copy(update={"provider": "skeleton-nl/1"})
    again = Counted()
    made(tmp_path / "other", PLACES, other, again)
    assert again.points == {place[1:] for place in PLACES}


# -- the file ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bytes_of_it(file: Path) -> bytes:
    return file.read_bytes()


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(BadMatrix) as found:
        open_matrix(path)
    return str(found.value)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_byte_that_changed_anywhere_is_noticed(bytes_of_it: bytes, tmp_path: Path, data: st.DataObject) -> None:
    place = data.draw(st.one_of(st.integers(0, 2_000), st.integers(0, len(bytes_of_it) - 1)))
    if place in range(_header_end(bytes_of_it), -(-_header_end(bytes_of_it) // 8) * 8):
        return  # the zeros between header and cells say nothing
    change = data.draw(st.integers(1, 255))
    changed = bytes_of_it[:place] + bytes([bytes_of_it[place] ^ change]) + bytes_of_it[place + 1 :]
    refused(tmp_path / "damaged", changed)


def _header_end(data: bytes) -> int:
    return 20 + int.from_bytes(data[16:20], "little") + 32


@pytest.mark.parametrize(
    "spoilt",
    [lambda data: b"", lambda data: data[:40], lambda data: data[:-2], lambda data: data + b"\0\0",
     lambda data: data[: len(data) // 2], lambda data: b"something else" * 9,
     lambda data: b"WEGWIJS-MATRIX-2" + data[16:]],
)  # fmt: skip
def test_a_file_that_is_no_whole_matrix_is_refused(
    bytes_of_it: bytes, tmp_path: Path, spoilt: Callable[[bytes], bytes]
) -> None:
    assert str(tmp_path) in refused(tmp_path / "spoilt", spoilt(bytes_of_it))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMatrix, match="cannot be read"):
        open_matrix(tmp_path / "nowhere")


def test_what_goes_wrong_while_it_is_written_leaves_the_old_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    path.write_bytes(file.read_bytes())

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("routing.travel.matrix_file.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        made(path, PLACES[:1])
    assert path.read_bytes() == file.read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_whoever_reads_the_old_one_goes_on_with_it_while_a_new_one_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "m"
    made(path)
    old = provider(path)
    there = places_at(points_of(PLACES))
    before = old.minutes((52.09, 5.12), there, MOMENT)
    made(path, PLACES[:1])
    assert old.minutes((52.09, 5.12), there, MOMENT) == before
    assert provider(path).missing(there) == 3


def test_the_same_matrix_is_written_in_the_same_bytes(file: Path, tmp_path: Path) -> None:
    made(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def numbered() -> Iterator[Travel]:
    return (Travel(number, 0, number, "many/1") for number in range(120_000))


def test_more_different_times_than_a_matrix_can_hold_are_refused(tmp_path: Path) -> None:
    times = numbered()
    many = [(f"p{number}", 52.0 + number / 1_000, 5.0) for number in range(80)]
    with pytest.raises(BadMatrix, match="different times"):
        made(
            tmp_path / "m",
            many,
            work=partial(times_with_margin, lambda _o, points: [next(times) for _ in points], nowhere),
        )
