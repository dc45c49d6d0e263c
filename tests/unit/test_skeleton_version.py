"""The name of the skeleton of roads stands for exactly these data: with others, times are others, and so the name."""

from __future__ import annotations

import hashlib
import importlib.resources

from routing.travel import areas, network, skeleton

DATA = ("areas.csv", "junctions.csv", "roads.csv", "ferries.csv", "pc4.csv")

VERSIONS = {"skeleton-nl/1": "3c8e2321ed1743c56ed4ba02686693a8fcab551867d53ff440102a07bd003642"}
"""Method -> digest of the data that it was made with, and of its numbers."""


def digest() -> str:
    found = hashlib.sha256()
    for name in DATA:
        found.update((importlib.resources.files("routing.travel") / "data" / name).read_bytes())
    numbers = (
        skeleton.START_MINUTES, skeleton.SLOWEST_KM_H, skeleton.SPEED_GAIN_KM_H, skeleton.GAIN_OVER_KM,
        skeleton.SOONEST, skeleton.LATEST, skeleton.SMALLEST_MARGIN_MINUTES, skeleton.DETOUR,
        sorted(network.KM_PER_HOUR.items()), network.WINDING, network.CROSSROADS_MINUTES, network.START_MINUTES,
        network.SLOWEST_KM_H, network.SPEED_GAIN_KM_H, network.GAIN_OVER_KM, network.ROADS_MOST,
        sorted(network.BETWEEN_JUNCTIONS_MINUTES.items()), areas.QUIET, areas.MINUTES_PER_CROWDED,
    )  # fmt: skip
    found.update(repr(numbers).encode())
    return found.hexdigest()


def test_other_roads_are_another_version() -> None:
    """Matrices take over what was worked out under the same name, and capsules are worked out again by it."""
    assert VERSIONS[skeleton.METHOD] == digest(), "the data changed: give skeleton.METHOD a new version"
