"""Travel times from the straight line: plausible on land, honest about the interval, and dangerous across water."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from math import acos

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.geography import Point, places_at, some_of, unit_vector
from routing.travel import TravelProvider, straight_line
from routing.travel.straight_line import minutes, minutes_between

AT = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
UTRECHT, AMSTERDAM_AMC, AMERSFOORT = (52.0907, 5.1214), (52.2945, 4.9580), (52.1561, 5.3878)
GRONINGEN, ASSEN, MAASTRICHT, HEERLEN = (53.2194, 6.5665), (52.9928, 6.5642), (50.8514, 5.6910), (50.8882, 5.9795)
ROTTERDAM, GOUDA = (51.9225, 4.4792), (52.0115, 4.7105)
VLISSINGEN, BRESKENS = (51.4427, 3.5734), (51.3967, 3.5570)


@pytest.mark.parametrize(
    ("origin", "destination", "by_road"),
    [
        # commonly known driving times from centre to centre, outside the rush hour
        (UTRECHT, AMERSFOORT, 27),
        (UTRECHT, AMSTERDAM_AMC, 32),
        (GRONINGEN, ASSEN, 30),
        (MAASTRICHT, HEERLEN, 27),
        (ROTTERDAM, GOUDA, 27),
        (GRONINGEN, MAASTRICHT, 210),
    ],
)
def test_on_land_the_known_driving_time_lies_in_the_interval(origin: Point, destination: Point, by_road: int) -> None:
    travel = minutes_between(origin, destination)
    assert travel.low <= by_road <= travel.high


def test_it_does_not_see_the_westerschelde() -> None:
    """A named limit: by road it is about 48 minutes. Whoever needs that must ask a provider that knows the water."""
    assert minutes_between(VLISSINGEN, BRESKENS).high < 48


def test_next_door_takes_some_minutes_and_never_less_than_none() -> None:
    assert minutes_between(UTRECHT, UTRECHT) == (5, 0, 9, "straight-line-nl/1")


def test_the_formula_at_ten_kilometres() -> None:
    # d = 10: v = 27.5 + 70.6 (1 - e^(-13/40.5)) = 46.885 km/h; t = 4.7 + 780/46.885 = 21.337; a quarter is 5.334
    ten_km_north = (52.0 + 10 / 111.1950, 5.0)
    assert minutes_between((52.0, 5.0), ten_km_north)[:3] == (21, 16, 27)


def test_the_interval_is_a_quarter_and_at_least_four_minutes() -> None:
    near, far = minutes_between(UTRECHT, (52.10, 5.13)), minutes_between(UTRECHT, GRONINGEN)
    assert near.high - near.minutes >= 4
    assert near.minutes - near.low >= 4
    assert far.low <= 0.75 * (far.minutes + 0.5)
    assert far.high >= 1.25 * (far.minutes - 0.5)


def test_farther_is_never_faster() -> None:
    line = [minutes_between((52.0, 5.0), (52.0 + step / 100, 5.0)) for step in range(150)]
    for nearer, farther in pairwise(line):
        assert nearer.minutes <= farther.minutes
        assert nearer.low <= farther.low
        assert nearer.high <= farther.high


def test_there_and_back_take_equally_long() -> None:
    assert minutes_between(UTRECHT, GRONINGEN) == minutes_between(GRONINGEN, UTRECHT)


def test_all_places_at_once_give_what_each_gives_alone() -> None:
    towns = [AMSTERDAM_AMC, AMERSFOORT, GRONINGEN, ASSEN, MAASTRICHT, HEERLEN, ROTTERDAM, GOUDA, BRESKENS, UTRECHT]
    assert minutes(UTRECHT, places_at(towns), AT) == tuple(minutes_between(UTRECHT, town) for town in towns)


def test_nowhere_to_go_is_an_empty_answer() -> None:
    assert minutes(UTRECHT, places_at([]), AT) == ()


def test_some_of_the_places_in_the_order_asked_for() -> None:
    places = places_at([UTRECHT, ASSEN, GOUDA])
    assert some_of(places, [2, 0]) == places_at([GOUDA, UTRECHT])


def test_the_module_is_a_travel_provider() -> None:
    provider: TravelProvider = straight_line
    assert provider.name == "straight-line-nl/1"
    assert {travel.method for travel in provider.minutes(UTRECHT, places_at([ASSEN]), AT)} == {provider.name}


def test_a_unit_vector_has_length_one() -> None:
    assert sum(part * part for part in unit_vector(UTRECHT)) == pytest.approx(1)


@given(st.tuples(st.floats(50, 54.5), st.floats(2.5, 8)), st.tuples(st.floats(49, 55), st.floats(2, 9)))
def test_the_steps_say_what_the_formula_says(origin: Point, place: Point) -> None:
    (x, y, z), (px, py, pz) = unit_vector(origin), unit_vector(place)
    formula = straight_line._travel(straight_line.EARTH_RADIUS_KM * acos(min(1.0, x * px + y * py + z * pz)))
    near, far = minutes(origin, places_at([origin, place]))
    assert far == formula
    assert near.minutes == minutes_between(origin, origin).minutes


@given(st.floats(5, 200))
def test_how_far_one_comes_is_where_the_formula_says_just_that_time(wanted: float) -> None:
    km = straight_line.reach_km(wanted)
    north = (52.0 + km / 111.195, 5.0)
    assert abs(minutes_between((52.0, 5.0), north).minutes - wanted) <= 0.51


def test_nobody_comes_anywhere_before_leaving_and_nothing_is_said_of_what_is_too_far() -> None:
    assert straight_line.reach_km(4) == 0
    with pytest.raises(ValueError, match="further"):
        straight_line.reach_km(10_000)
