"""Rings on a map end where a car comes in that time, and do not jump over the water."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routing.geography import Point, distance_km, places_at
from routing.travel import skeleton
from routing.travel.areas import area_at
from routing.travel.rings import DIRECTIONS, rings

UTRECHT, VLISSINGEN, DEN_BURG = (52.0907, 5.1214), (51.4425, 3.5736), (53.0545, 4.7980)
AT = datetime(2026, 11, 26, 13, tzinfo=UTC)


@pytest.mark.parametrize("origin", [UTRECHT, VLISSINGEN, DEN_BURG])
def test_every_point_of_a_ring_is_reached_in_its_time(origin: Point) -> None:
    for ring in rings(origin, (15, 30, 45)):
        assert len(ring.outline) == DIRECTIONS
        points = [point for point in ring.outline if point != origin]
        assert max(travel.minutes for travel in skeleton.minutes(origin, places_at(points), AT)) <= ring.minutes + 1


def test_a_longer_time_reaches_at_least_as_far_in_every_direction() -> None:
    near, far = rings(UTRECHT, (15, 45))
    for one, other in zip(near.outline, far.outline, strict=True):
        assert distance_km(UTRECHT, one) <= distance_km(UTRECHT, other)


def test_a_ring_does_not_cross_the_westerschelde_where_no_road_does() -> None:
    (ring,) = rings(VLISSINGEN, (30,))
    # the west of Zeeuws-Vlaanderen, 5 km away on the other side, is 40 to 60 minutes by road
    assert not [point for point in ring.outline if area_at(point).land == "zeeuws-vlaanderen" and point[1] < 3.7]


def test_a_ring_stays_on_an_island() -> None:
    (ring,) = rings(DEN_BURG, (45,))
    assert all(skeleton.island_of(point) == "Texel" for point in ring.outline)
