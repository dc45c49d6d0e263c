"""From an island the travel times are too short, and that is said."""

from __future__ import annotations

import pytest

from routing.travel.postcode import centroid
from routing.travel.straight_line import ISLANDS, island_of
from tests.unit.test_national_directory_decisions import decided


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
