"""How right travel times are, and who lives in reach: references are read strictly, figures are what they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from routing.errors import BadInput
from routing.geography import Places, Point
from routing.packaged import packaged_directory
from routing.people_in_reach import BANDS, people_in_reach, picture
from routing.travel import Travel, skeleton
from routing.travel.accuracy import accuracy, crow_fly
from routing.travel.areas import areas
from routing.travel.postcode import centroid
from routing.travel.reference_times import Pair, Reach, known_pairs, read_reference
from routing.vocabulary import read_vocabulary

AT = datetime(2026, 11, 26, 13, tzinfo=UTC)
PLACES = {"here": (52.0907, 5.1214), "there": (52.1561, 5.3878)}


def by_latitude(origin: Point, places: Places, at: datetime) -> tuple[Travel, ...]:
    """Made up: a minute for each tenth of a degree to the north, five to either side."""
    minutes = [round(10 * abs(lat - origin[0])) for lat, _ in places.points]
    return tuple(Travel(one, max(0, one - 5), one + 5, "made-up") for one in minutes)


def faults(error: pytest.ExceptionInfo[BadInput]) -> str:
    return " ".join(f"{fault.field} {fault.message} {fault.value} {fault.allowed}" for fault in error.value.faults)


# -- reading


def test_a_table_takes_postcodes_ids_and_degrees() -> None:
    text = b"from,to,minutes,what\n3511,here,12.5,a\nthere,52.09 5.12,20,\n"
    found = read_reference(text, PLACES)
    assert found == (
        Pair("a", centroid("3511"), PLACES["here"], 12.5),
        Pair("there - 52.09 5.12", PLACES["there"], (52.09, 5.12), 20.0),
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"from,to\n1,2\n", "from,to,minutes"),
        (b"from,to,minutes\n", "no pair"),
        (b"from,to,minutes\n3511,nowhere,5\n", "nowhere"),
        (b"from,to,minutes\n3511,3584,-5\n", "-5"),
        (b"from,to,minutes\n3511,3584,soon\n", "soon"),
        (b"from,to,minutes\n3511,95.0 5.1,5\n", "95.0 5.1"),
        (b"\xff\xfe", "UTF-8"),
        (b"{", "JSON"),
        (b'{"hospitals": []}', "pc4"),
        (b'{"hospitals": ["here"], "pc4": {}}', "pc4"),
        (b'{"hospitals": ["here"], "pc4": {"3511": [[0]]}}', "two lists"),
        (b'{"hospitals": ["here"], "pc4": {"3511": [[1], []]}}', "0 to 0"),
        (b'{"hospitals": ["here"], "pc4": {"0000": [[0], []]}}', "0000"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_was_seen(text: bytes, named: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_reference(text, PLACES)
    assert named in faults(caught)


def test_reach_names_the_places_that_nobody_knows() -> None:
    document = {"hospitals": ["here", "gone", "there"], "pc4": {"3511": [[0, 1], [2]]}}
    found = read_reference(json.dumps(document).encode(), PLACES)
    assert isinstance(found, Reach)
    assert found.unknown == ("gone",)
    assert found.within == {25: {"3511": {"here"}}, 30: {"3511": {"here", "there"}}}


# -- comparing


def test_errors_of_pairs_are_what_they_say() -> None:
    pairs = [Pair("right", (52.0, 5.0), (55.0, 5.0), 30), Pair("ten off", (52.0, 5.0), (54.0, 5.0), 30)]
    found = accuracy(pairs, "made-up", by_latitude, AT)
    assert (found.compared, found.mean_abs_error, found.inside) == (2, 5.0, 0.5)
    assert [miss.what for miss in found.worst] == ["ten off", "right"]
    assert found.worst[0].off == -10
    within_25 = found.limits[25]
    assert (within_25.both, within_25.ours, within_25.theirs) == (0, 1, 0)
    assert (within_25.precision, within_25.recall) == (0.0, None)
    # 15 to 25 is sure to be within 25, and is not
    assert found.surely_wrong == {25: 1, 30: 0, 45: 0}


def test_reach_is_counted_pair_by_pair() -> None:
    lat, lon = centroid("3511")
    places = {"near": (lat + 2.0, lon), "far": (lat + 2.8, lon), "beyond": (lat + 4.0, lon)}
    reach = Reach(places, {25: {"3511": frozenset({"near", "far"})}}, ())
    found = accuracy(reach, "made-up", by_latitude, AT)
    counts = found.limits[25]
    assert (counts.both, counts.ours, counts.theirs) == (1, 1, 2)
    assert (counts.precision, counts.recall, counts.f1) == (1.0, 0.5, pytest.approx(2 / 3))
    assert [(miss.what, miss.within) for miss in found.worst] == [("3511 - far", True)]
    assert found.mean_abs_error is None


def test_the_times_that_are_used_are_nearer_to_the_known_ones_than_the_simple_ways() -> None:
    known = known_pairs()
    ours = accuracy(known, skeleton.METHOD, skeleton.minutes, AT)
    crow = accuracy(known, "crow-fly", crow_fly, AT)
    assert ours.mean_abs_error is not None
    assert crow.mean_abs_error is not None
    assert ours.mean_abs_error < 3.5 < crow.mean_abs_error
    assert ours.inside is not None
    assert ours.inside > 0.95


# -- people


def test_everybody_is_counted_once_and_the_interval_encloses_the_estimate() -> None:
    directory = packaged_directory(read_vocabulary())
    found = people_in_reach(directory, "seh", 45, skeleton.minutes, AT)
    assert found.people == sum(area.people for area in areas().values())
    assert found.surely <= found.within <= found.perhaps
    # the published figures are 99.6 and 99.7 percent
    assert found.surely < 0.9965 < found.perhaps
    beyond = found.beyond
    assert beyond
    assert sum(area.people for area in beyond) == pytest.approx((1 - found.within) * found.people)
    assert all(area.minutes > 45 for area in beyond)
    islands = {"1791", "8899", "8881", "9166"}
    assert islands <= {area.pc4 for area in beyond}


def test_minutes_before_the_drive_count_for_all() -> None:
    directory = packaged_directory(read_vocabulary())
    at_once = people_in_reach(directory, "pci", 75, skeleton.minutes, AT)
    after = people_in_reach(directory, "pci", 75, skeleton.minutes, AT, lead_minutes=30)
    assert after.within < at_once.within
    for one, other in zip(at_once.areas, after.areas, strict=True):
        assert (one.minutes + 30, one.low + 30, one.high + 30) == (other.minutes, other.low, other.high)


def test_a_capability_that_nobody_has_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        people_in_reach(packaged_directory(read_vocabulary()), "teleport", 45, skeleton.minutes, AT)
    assert "teleport" in faults(caught)


def test_the_picture_has_a_dot_for_every_area_with_people() -> None:
    found = people_in_reach(packaged_directory(read_vocabulary()), "seh", 45, skeleton.minutes, AT)
    drawn = ElementTree.fromstring(picture(found, "seh, 45 min"))
    paths = drawn.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(paths) == len(BANDS)
    assert sum(path.attrib["d"].count("M") for path in paths) == sum(area.people > 0 for area in found.areas)
