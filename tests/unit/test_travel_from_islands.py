"""From an island the travel times are too short, and that is said."""

from __future__ import annotations

import pytest

from routing.travel.postcode import _centroids, area_close_to, centroid
from routing.travel.straight_line import ISLANDS, island_of
from tests.unit.test_national_directory_decisions import decided, decided_at


@pytest.mark.parametrize(
    ("postcode", "island"),
    [("1791", "Texel"), ("1797", "Texel"), ("8899", "Vlieland"), ("8881", "Terschelling"), ("8897", "Terschelling"),
     ("9161", "Ameland"), ("9164", "Ameland"), ("9166", "Schiermonnikoog")],
)  # fmt: skip
def test_every_island_without_a_road_is_known(postcode: str, island: str) -> None:
    assert island_of(centroid(postcode)) == island


@pytest.mark.parametrize("postcode", ["1781", "8861", "9076", "9141", "9976", "4381", "3511"])
def test_the_mainland_is_no_island(postcode: str) -> None:
    assert island_of(centroid(postcode)) is None


def test_islands_do_not_overlap() -> None:
    for name, south, north, west, east in ISLANDS:
        assert island_of(((south + north) / 2, (west + east) / 2)) == name


def test_an_island_without_a_road_is_said() -> None:
    decision = decided("8881", observations={"chest_pain": True})
    said = [reason for reason in decision.warnings if reason.rule.endswith("/no_road")]
    assert len(said) == 1
    assert "Terschelling" in said[0].text.nl


def test_nothing_is_certain_from_an_island() -> None:
    hurt = {"trauma": True, "penetrating_injury": "torso", "systolic_bp": 80}
    assert decided("8881", observations=hurt).match.badge != "certain"
    assert decided("3511", observations=hurt).match.badge == "certain"


def test_the_mainland_has_no_such_warning() -> None:
    decision = decided("3511", observations={"chest_pain": True})
    assert not [reason for reason in decision.warnings if reason.rule.endswith("/no_road")]


@pytest.mark.parametrize("point", [(52.75, 5.35), (53.585, 6.70), (52.60, 4.48), (51.85, 6.62)])
def test_on_the_water_and_abroad_it_is_said_that_no_postcode_is_near(point: tuple[float, float]) -> None:
    """The IJsselmeer, Borkum, the sea off Egmond and Bocholt."""
    decision = decided_at(point, observations={"trauma": True, "penetrating_injury": "torso", "systolic_bp": 80})
    assert [reason for reason in decision.warnings if reason.rule.endswith("/no_area_near")]
    assert decision.match.badge != "certain"


def test_hardly_anybody_in_the_country_is_told_so() -> None:
    assert not [pc4 for pc4 in _centroids() if area_close_to(*centroid(pc4)) is None]
