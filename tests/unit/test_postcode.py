"""Postcodes and the border: what leads to a point, what is refused, and who still counts as nearby."""

from __future__ import annotations

import pytest

from routing.errors import WegwijsError
from routing.geography import distance_km
from routing.travel.postcode import PostcodeError, centroid, near_the_netherlands


@pytest.mark.parametrize("written", ["3584", "3584CX", "3584 CX", "3584cx", "3584 cx", " 3584CX "])
def test_all_usual_ways_to_write_a_postcode_lead_to_the_same_point(written: str) -> None:
    assert centroid(written) == centroid("3584")


def test_the_point_lies_where_the_area_lies() -> None:
    assert distance_km(centroid("3584"), (52.0868, 5.1720)) < 1.5  # Utrecht Science Park
    assert distance_km(centroid("1105"), (52.2945, 4.9580)) < 1.5  # Amsterdam Zuidoost
    assert distance_km(centroid("6229"), (50.8355, 5.7150)) < 2  # Maastricht, Randwyck


@pytest.mark.parametrize("written", ["", "358", "35844", "0584CX", "3584C", "3584CXX", "3584-CX", "CX3584", "３５８４"])
def test_what_is_no_postcode_is_refused_by_its_shape(written: str) -> None:
    with pytest.raises(PostcodeError) as caught:
        centroid(written)
    assert caught.value.reason == "shape"
    assert "3584 CX" in str(caught.value)


def test_an_area_that_does_not_exist_is_refused_as_unknown() -> None:
    with pytest.raises(PostcodeError) as caught:
        centroid("1000AA")  # post boxes in Amsterdam
    assert caught.value.reason == "unknown_area"
    assert isinstance(caught.value, WegwijsError)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        (52.0907, 5.1214),  # Utrecht
        (51.2194, 4.4025),  # Antwerp: 30 km from Dutch areas
        (50.7753, 6.0839),  # Aachen
        (53.4800, 6.1600),  # Schiermonnikoog
        (50.7514, 5.9139),  # the southern tip
        (52.6500, 5.4000),  # on the IJsselmeer
    ],
)
def test_the_netherlands_and_the_border_region_count_as_near(lat: float, lon: float) -> None:
    assert near_the_netherlands(lat, lon)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        (50.8503, 4.3517),  # Brussels
        (52.5200, 13.4050),  # Berlin
        (5.1214, 52.0907),  # latitude and longitude exchanged
        (0.0, 0.0),
        (12.1449, -68.2655),  # Bonaire
        (float("nan"), 5.0),
        (52.0, float("inf")),
    ],
)
def test_what_lies_elsewhere_is_not_near(lat: float, lon: float) -> None:
    assert not near_the_netherlands(lat, lon)


def test_the_distance_over_the_globe() -> None:
    assert distance_km((52.0, 5.0), (52.0, 5.0)) == 0
    assert distance_km((52.0, 5.0), (53.0, 5.0)) == pytest.approx(111.195, abs=0.01)
    assert distance_km((53.2194, 6.5665), (50.8514, 5.6910)) == pytest.approx(270, abs=2)  # Groningen-Maastricht
