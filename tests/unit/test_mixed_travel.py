"""Times of travel that were found by several methods, in one decision and in its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Minutes, decide
from routing.geography import Places, Point
from routing.log.canonical import canonical, plain
from routing.log.record import make_record, travel_of
from routing.log.replay import replay
from routing.travel import Silent, Travel, found_by, silent_in, stands_in, straight_line
from tests.small_world import AFTERNOON, CASES, HERE, case, directory, evaluators, said, vocabulary
from tests.unit.test_capsule import checked, found, lying, record_of

IDS = tuple(item.id for item in directory().facilities)
EMBEDDED = straight_line.METHOD
SILENT = stands_in(EMBEDDED, "osrm/1")


def mixed(methods: Mapping[str, str]) -> Minutes:
    """The times of the straight line, some of them as if by another method."""

    def provide(origin: Point, places: Places, _at: Any) -> tuple[Travel, ...]:
        times = straight_line.minutes(origin, places)
        return tuple(
            travel._replace(method=methods.get(name, EMBEDDED)) for name, travel in zip(IDS, times, strict=True)
        )

    return provide


def recorded(methods: Mapping[str, str], name: str = "heart attack in shock") -> dict[str, Any]:
    asked = case(**CASES[name])
    decision = decide(asked, directory(), evaluators(), AFTERNOON, mixed(methods))
    return make_record(
        decision,
        asked,
        vocabulary(),
        id="01990000-0000-7000-8000-000000000001",
        now=AFTERNOON,
        asker={"key": "k", "organisation": None, "roles": ["triagist"]},
        supersedes=None,
    )


def test_where_all_times_are_found_by_one_method_the_record_says_it_once() -> None:
    assert set(recorded({})["travel"]) == {"method", "minutes"}


def test_the_record_says_which_times_were_found_otherwise() -> None:
    record = recorded({IDS[0]: "osrm/1", IDS[2]: SILENT})
    assert record["travel"]["method"] == EMBEDDED
    assert record["travel"]["others"] == {"osrm/1": [0], SILENT: [2]}
    assert record["result"]["provenance"]["travel"] == f"osrm/1, {EMBEDDED}, {SILENT}"


@given(st.dictionaries(st.sampled_from(IDS), st.sampled_from(["osrm/1", SILENT, "valhalla/1"])))
def test_the_method_of_every_time_is_read_back_from_the_record(methods: dict[str, str]) -> None:
    expected = mixed(methods)(HERE, directory().places, AFTERNOON)
    assert travel_of(plain(canonical(recorded(methods)))) == expected


@given(
    st.dictionaries(st.sampled_from(IDS), st.sampled_from(["osrm/1", SILENT, "valhalla/1"])),
    st.sampled_from(sorted(CASES)),
)
def test_a_decision_with_mixed_times_replays_to_the_last_byte(methods: dict[str, str], name: str) -> None:
    assert replay(canonical(recorded(methods, name)), directory(), evaluators()) == []


def test_an_engine_that_did_not_answer_is_said_and_said_again_in_the_replay() -> None:
    decision = decide(case(), directory(), evaluators(), AFTERNOON, mixed({IDS[0]: SILENT}))
    (warning,) = [each for each in decision.warnings if each.rule.endswith("/road_engine_silent")]
    assert "osrm/1" in warning.text.nl
    assert EMBEDDED in warning.text.en
    written = canonical(recorded({IDS[0]: SILENT}))
    assert b"road_engine_silent" in written
    assert replay(written, directory(), evaluators()) == []
    plainly = decide(case(), directory(), evaluators(), AFTERNOON, mixed({IDS[0]: "osrm/1"}))
    assert "road_engine_silent" not in said(plainly.warnings)


def test_who_stands_in_for_an_engine_is_read_back() -> None:
    assert silent_in(SILENT) == Silent("osrm/1", EMBEDDED)
    assert found_by(SILENT) == EMBEDDED
    assert silent_in(EMBEDDED) is None
    assert found_by("matrix/1 skeleton-nl/1") == "matrix/1 skeleton-nl/1"


# -- the capsule


def capsule_of(methods: Mapping[str, str], wanted: Any = IDS) -> Any:
    return lying({**record_of(1), **recorded(methods), "id": record_of(1)["id"]}).capsule(0, wanted=wanted)


def test_a_capsule_with_mixed_times_is_verified_and_says_that_not_all_can_be_worked_out() -> None:
    verdict = checked(capsule_of({IDS[0]: "osrm/1"}))
    assert verdict.verdict == "verified"
    assert (found(verdict)["replay"], found(verdict)["travel"]) == (True, None)


def test_times_that_stand_in_for_an_engine_are_worked_out_again() -> None:
    verdict = checked(capsule_of({IDS[0]: SILENT}))
    assert (found(verdict)["replay"], found(verdict)["travel"]) == (True, True)


def test_a_made_up_time_is_found_beside_times_of_an_engine() -> None:
    record = recorded({IDS[0]: "osrm/1"})
    minutes = record["travel"]["minutes"]
    record["travel"] = {**record["travel"], "minutes": [*minutes[:-3], *(each + 1 for each in minutes[-3:])]}
    assert found(checked(lying(record).capsule(0, wanted=IDS)))["travel"] is False


def test_a_capsule_names_the_methods_of_places_that_are_not_told() -> None:
    """`provenance.travel` is over all places, though only some of them are in the capsule."""
    result = recorded({})["result"]
    named = {
        each["facility"]["id"] for each in [result["recommendation"], *result["alternatives"], *result["ruled_out"]]
    }
    unnamed = next(key for key in IDS if key not in named)
    record = recorded({unnamed: "valhalla/1"})
    assert record["result"]["provenance"]["travel"] == f"{EMBEDDED}, valhalla/1"
    verdict = checked(lying(record).capsule(0, wanted=[key for key in IDS if key != unnamed]))
    assert found(verdict)["replay"] is True
