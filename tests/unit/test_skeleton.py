"""Times over the skeleton of main roads: across the water, on islands by day and at night, and what always holds."""

from __future__ import annotations

import csv
import importlib.resources
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.geography import Point, distance_km, places_at
from routing.travel import Travel, TravelProvider, skeleton
from routing.travel.areas import area_at, areas
from routing.travel.ferries import ferries
from routing.travel.network import minutes_from, network
from routing.travel.postcode import _centroids, centroid, nearest_area
from routing.travel.straight_line import minutes_between

DAY = datetime(2026, 11, 26, 13, tzinfo=UTC)
NIGHT = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)

VLISSINGEN, TERNEUZEN, BRESKENS = (51.4425, 3.5736), (51.3350, 3.8290), (51.3950, 3.5570)
DEN_HELDER, DEN_BURG = (52.9560, 4.7600), (53.0545, 4.7980)
ENKHUIZEN, LELYSTAD = (52.7030, 5.2900), (52.5100, 5.4750)
HARLINGEN, TERSCHELLING, VLIELAND = (53.1740, 5.4230), (53.3610, 5.2160), (53.2960, 5.0720)
HOEK_VAN_HOLLAND, BRIELLE = (51.9800, 4.1340), (51.9020, 4.1630)
UTRECHT, AMERSFOORT, GRONINGEN = (52.0907, 5.1214), (52.1561, 5.3878), (53.2190, 6.5670)


def between(origin: Point, destination: Point, at: datetime = DAY) -> Travel:
    (travel,) = skeleton.minutes(origin, places_at([destination]), at)
    return travel


@pytest.mark.parametrize("at", [DAY, NIGHT])
@pytest.mark.parametrize(
    ("origin", "destination", "known"),
    [
        (VLISSINGEN, TERNEUZEN, 35),  # through the Westerscheldetunnel
        (VLISSINGEN, BRESKENS, 50),  # the boat between them takes no cars
        (ENKHUIZEN, LELYSTAD, 30),  # over the Houtribdijk
        (HOEK_VAN_HOLLAND, BRIELLE, 30),  # through the Maasdeltatunnel, which opened in December 2024
        (DEN_HELDER, (53.1150, 5.3900), 45),  # over the Afsluitdijk to Zurich
        ((51.6500, 3.9200), (51.5040, 3.8910), 28),  # Zierikzee to Goes, over the Zeelandbrug
        ((52.3700, 5.2150), (52.3730, 4.8930), 32),  # Almere to Amsterdam
    ],
)
def test_commonly_known_times_across_the_water_lie_in_the_interval(
    origin: Point, destination: Point, known: int, at: datetime
) -> None:
    for travel in (between(origin, destination, at), between(destination, origin, at)):
        assert travel.low <= known <= travel.high, travel


@pytest.mark.parametrize(("quay", "island", "known"), [(DEN_HELDER, DEN_BURG, 60), (HARLINGEN, TERSCHELLING, 150)])
def test_the_boat_with_its_waiting_lies_in_the_interval_by_day_and_at_night(
    quay: Point, island: Point, known: int
) -> None:
    for at in (DAY, NIGHT):
        for travel in (between(quay, island, at), between(island, quay, at)):
            assert travel.low <= known <= travel.high, travel


def test_at_night_one_waits_for_the_first_boat() -> None:
    by_day, at_night = between(DEN_BURG, DEN_HELDER), between(DEN_BURG, DEN_HELDER, NIGHT)
    # half past two: the first boat leaves at six, crosses in 20 minutes, and then it is a few minutes more
    assert 230 <= at_night.minutes <= 245
    assert at_night.minutes > by_day.minutes + 100
    # a boat can be called out: what is known is not that it takes so long, but that it may
    assert at_night.low == by_day.low


@pytest.mark.parametrize(("origin", "destination"), [(DEN_BURG, DEN_HELDER), (DEN_HELDER, DEN_BURG)])
def test_who_may_just_miss_the_last_boat_may_have_to_wait_until_the_morning(origin: Point, destination: Point) -> None:
    # the last boat leaves at half past nine in the evening, and the quay is some minutes away
    def at(hour: int, minute: int) -> Travel:
        return between(origin, destination, datetime(2026, 11, 26, hour - 1, minute, tzinfo=UTC))

    assert at(20, 30) == between(origin, destination)
    in_time, missed = [found for found in (at(21, minute) for minute in range(30)) if found.minutes < 120], at(21, 29)
    assert missed.minutes > 500
    assert in_time[-1].minutes < 120 < 500 < in_time[-1].high


def test_in_the_night_that_the_clock_goes_back_the_first_boat_is_an_hour_further() -> None:
    midnight = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    usual = datetime(2026, 10, 23, 22, 30, tzinfo=UTC)
    assert between(DEN_BURG, DEN_HELDER, midnight).minutes == between(DEN_BURG, DEN_HELDER, usual).minutes + 60


def test_from_one_island_to_another_two_boats_go() -> None:
    there = between(TERSCHELLING, VLIELAND)
    assert there.minutes > between(TERSCHELLING, HARLINGEN).minutes
    assert there.low < there.minutes < there.high


def test_on_an_island_one_simply_drives() -> None:
    assert between(DEN_BURG, (53.0030, 4.7880)).minutes < 20
    assert between(DEN_BURG, (53.0030, 4.7880), NIGHT) == between(DEN_BURG, (53.0030, 4.7880))


def test_every_island_has_its_boat_and_the_mainland_none() -> None:
    found = {skeleton.island_of(centroid(pc4)) for pc4 in ("1791", "8899", "8881", "9161", "9166")}
    assert found == {ferry.name for ferry in ferries().values()}
    assert [skeleton.island_of(centroid(pc4)) for pc4 in ("1781", "8861", "9151", "9976", "3511")] == [None] * 5


def test_without_boats_the_hour_makes_no_difference() -> None:
    places = places_at([AMERSFOORT, GRONINGEN, VLISSINGEN])
    assert skeleton.minutes(UTRECHT, places, DAY) == skeleton.minutes(UTRECHT, places, NIGHT)


def test_a_straight_line_that_crosses_the_westerschelde_was_far_too_short() -> None:
    assert minutes_between(VLISSINGEN, BRESKENS).high < between(VLISSINGEN, BRESKENS).low


def test_the_module_is_a_travel_provider() -> None:
    provider: TravelProvider = skeleton
    assert provider.name == "skeleton-nl/1"
    assert between(UTRECHT, AMERSFOORT).method == provider.name


_POINTS = st.tuples(st.floats(50.75, 53.55), st.floats(3.35, 7.25))


@given(_POINTS, st.lists(_POINTS, min_size=1, max_size=12))
def test_each_place_gets_the_time_that_it_gets_alone(origin: Point, points: list[Point]) -> None:
    together = skeleton.minutes(origin, places_at(points), DAY)
    assert together == tuple(between(origin, point) for point in points)


@given(_POINTS, _POINTS)
def test_times_are_finite_and_inside_their_interval(origin: Point, destination: Point) -> None:
    travel = between(origin, destination)
    assert 0 <= travel.low < travel.minutes < travel.high < 2_000
    assert travel.high - travel.minutes >= 3


@given(_POINTS, _POINTS)
def test_the_way_back_takes_as_long_on_the_mainland(origin: Point, destination: Point) -> None:
    if skeleton.island_of(origin) is None and skeleton.island_of(destination) is None:
        assert abs(between(origin, destination).minutes - between(destination, origin).minutes) <= 1


@given(_POINTS)
def test_the_nearest_area_is_the_nearest_of_all(point: Point) -> None:
    nearest = min((distance_km(point, middle), pc4) for pc4, middle in _centroids().items())
    assert nearest_area(*point) == nearest[1]


def test_far_outside_the_country_there_is_a_nearest_area_too() -> None:
    assert (
        nearest_area(48.85, 2.35) == min((distance_km((48.85, 2.35), at), pc4) for pc4, at in _centroids().items())[1]
    )


# -- the data


def test_every_area_and_every_junction_lies_on_a_land_that_is_known() -> None:
    assert areas().keys() == _centroids().keys()
    on_roads = set(network().lands)
    assert {area.land for area in areas().values()} == on_roads | set(ferries())


def test_every_junction_can_be_reached_from_every_other_one() -> None:
    assert max(minutes_from(0)) < 300


def test_no_two_roads_join_the_same_junctions() -> None:
    pairs = [frozenset((road.first, road.second)) for road in network().roads]
    assert len(set(pairs)) == len(pairs)
    assert all(len(pair) == 2 for pair in pairs)


def test_every_road_over_the_water_says_by_which_bridge_dyke_or_tunnel() -> None:
    known = network()
    land = dict(zip(known.names, known.lands, strict=True))
    text = (importlib.resources.files("routing.travel") / "data" / "roads.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert not [row for row in rows if land[row["from"]] != land[row["to"]] and not row["crossing"]]
    assert len(rows) > 700


def test_harbours_lie_on_the_mainland_and_landings_on_their_island() -> None:
    for island, ferry in ferries().items():
        assert area_at(ferry.harbour).land not in ferries()
        assert area_at(ferry.landing).land == island
        assert ferry.fastest_minutes <= ferry.crossing_minutes


# -- what the page about travel times says

_TOWNS = {
    "Vlissingen": VLISSINGEN, "Terneuzen": TERNEUZEN, "Breskens": BRESKENS, "Enkhuizen": ENKHUIZEN,
    "Lelystad": LELYSTAD, "Hoek van Holland": HOEK_VAN_HOLLAND, "Brielle": BRIELLE, "Den Helder": DEN_HELDER,
    "Den Burg (Texel)": DEN_BURG, "Harlingen": HARLINGEN, "West-Terschelling": TERSCHELLING,
}  # fmt: skip
_ROW = re.compile(r"\| (?P<origin>[^|]+?) - (?P<there>[^|,]+), (?P<how>[^|]+) \| (?P<minutes>\d+) \| (\d+) to (\d+) \|")


def test_the_times_across_the_water_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "travel.md").read_text(encoding="utf-8")
    rows = list(_ROW.finditer(page))
    assert len(rows) == 7
    for row in rows:
        at = datetime(2026, 11, 26, 2, tzinfo=UTC) if "night" in row["how"] else DAY
        travel = between(_TOWNS[row["origin"]], _TOWNS[row["there"]], at)
        assert [travel.minutes, travel.low, travel.high] == [int(row[each]) for each in (4, 5, 6)], row[0]


@pytest.mark.parametrize(
    ("origin", "destination", "known"),
    [
        ((51.2113, 5.9428), (51.1918, 5.9987), 10),  # Horn to the hospital of Roermond, over the bridges of the N280
        ((51.3332, 6.0957), (51.3566, 6.1538), 13),  # Baarlo to that of Venlo, over the Zuiderbrug
        ((51.3666, 6.1464), (51.3566, 6.1538), 9),  # Blerick to that of Venlo, over the Stadsbrug
        ((50.8377, 5.6884), (50.8341, 5.7130), 8),  # Maastricht, over the Kennedybrug
        ((51.6297, 4.1367), (51.7501, 4.1018), 32),  # Sint Philipsland to Dirksland, over the Philipsdam
        ((51.5350, 4.2150), (51.4940, 3.8890), 33),  # Tholen to Goes, over the Oesterdam
    ],
)
def test_over_the_bridge_beside_a_town_the_hospital_on_the_other_bank_is_near(
    origin: Point, destination: Point, known: int
) -> None:
    travel = between(origin, destination)
    assert travel.low <= known <= travel.high, travel
