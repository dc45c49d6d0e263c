"""Profiles of places: what follows from the kind, from the place's own word and from what implies what."""

from __future__ import annotations

from datetime import datetime

import pytest

from routing.facilities.opening import ALWAYS, TIME_ZONE, UNKNOWN, Opening, read_opening
from routing.facilities.profile import (
    CapabilityTable,
    Facility,
    KindCapabilities,
    Status,
    contradictions,
    open_for,
    resolve_capabilities,
)

HOSPITAL = KindCapabilities(has=frozenset({"ct"}), may_have=frozenset({"seh", "pci", "trauma_1", "trauma_2"}))
TABLE = CapabilityTable(
    capabilities=("seh", "hap", "minor_injury", "ct", "pci", "cardiac_care", "trauma_1", "trauma_2", "trauma_3"),
    kinds={"hospital": HOSPITAL},
    implies={"seh": ["minor_injury"], "pci": ["cardiac_care"], "trauma_1": ["trauma_2"], "trauma_2": ["trauma_3"]},
)
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=TIME_ZONE)
MIDNIGHT = datetime(2026, 11, 18, 0, 0, tzinfo=TIME_ZONE)
DAYTIME = read_opening([{"days": ["we"], "from": "08:00", "to": "17:00"}])


def place(opening: Opening, opening_of: dict[str, Opening] | None = None, status: Status = "active") -> Facility:
    return Facility(
        id="a-place",
        name="A place",
        kind="hospital",
        city="Utrecht",
        lat=52.09,
        lon=5.12,
        capabilities={},
        given={},
        opening=opening,
        opening_of=opening_of or {},
        status=status,
        coord_precision="site",
    )


def test_every_capability_gets_an_answer() -> None:
    assert set(resolve_capabilities(HOSPITAL, {}, TABLE)) == set(TABLE.capabilities)


def test_the_kind_says_true_unknown_or_false() -> None:
    resolved = resolve_capabilities(HOSPITAL, {}, TABLE)
    assert (resolved["ct"], resolved["seh"], resolved["hap"]) == (True, None, False)


def test_a_capability_left_unknown_stays_unknown() -> None:
    assert resolve_capabilities(HOSPITAL, {"seh": True}, TABLE)["pci"] is None


def test_a_place_may_say_that_nobody_knows_what_its_kind_always_has() -> None:
    assert resolve_capabilities(HOSPITAL, {"ct": None}, TABLE)["ct"] is None


@pytest.mark.parametrize("own", [True, False, None])
@pytest.mark.parametrize("capability", ["ct", "seh", "hap"])
def test_the_own_word_of_a_place_wins_over_its_kind(capability: str, own: bool | None) -> None:
    assert resolve_capabilities(HOSPITAL, {capability: own}, TABLE)[capability] is own


def test_what_is_implied_is_true_over_several_steps() -> None:
    resolved = resolve_capabilities(HOSPITAL, {"trauma_1": True}, TABLE)
    assert (resolved["trauma_2"], resolved["trauma_3"]) == (True, True)


def test_what_is_implied_is_true_even_where_the_kind_has_it_not() -> None:
    assert resolve_capabilities(HOSPITAL, {"pci": True}, TABLE)["cardiac_care"] is True


def test_an_own_no_is_not_overruled_by_what_implies_it() -> None:
    assert resolve_capabilities(HOSPITAL, {"pci": True, "cardiac_care": False}, TABLE)["cardiac_care"] is False


def test_unknown_implies_nothing() -> None:
    resolved = resolve_capabilities(HOSPITAL, {"trauma_1": None}, TABLE)
    assert (resolved["trauma_2"], resolved["trauma_3"]) == (None, False)


def test_false_implies_nothing() -> None:
    assert resolve_capabilities(HOSPITAL, {"trauma_1": False}, TABLE)["trauma_2"] is None


def test_what_a_place_says_is_left_as_it_was() -> None:
    given: dict[str, bool | None] = {"trauma_1": True}
    resolve_capabilities(HOSPITAL, given, TABLE)
    assert given == {"trauma_1": True}


def test_a_place_that_has_one_and_denies_what_follows_contradicts_itself() -> None:
    assert contradictions({"trauma_1": True, "trauma_3": False}, TABLE) == (("trauma_1", "trauma_3"),)
    assert contradictions({"trauma_1": True, "trauma_3": None}, TABLE) == ()
    assert contradictions({"trauma_1": False, "trauma_3": True}, TABLE) == ()


def test_a_capability_may_have_hours_of_its_own() -> None:
    hospital = place(UNKNOWN, {"seh": DAYTIME})
    assert open_for(hospital, "seh", NOON, frozenset()) is True
    assert open_for(hospital, "seh", MIDNIGHT, frozenset()) is False
    assert open_for(hospital, "ct", NOON, frozenset()) is None


def test_a_place_that_may_not_exist_any_more_is_never_called_open() -> None:
    assert open_for(place(DAYTIME, status="unknown"), "hap", NOON, frozenset()) is None
    assert open_for(place(DAYTIME, status="unknown"), "hap", MIDNIGHT, frozenset()) is False
    assert open_for(place(ALWAYS, status="active"), "hap", NOON, frozenset()) is True


def test_a_profile_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        place(ALWAYS).status = "unknown"  # type: ignore[misc]
