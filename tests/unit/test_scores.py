"""Scores row by row as they were published, and the numbers that follow from facts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.rules.building import packaged_rulesets, read_ruleset
from routing.rules.condition import Not, Test
from routing.rules.evaluation import build_evaluators
from routing.rules.rule import Facts, FactValue, Interval, Reference
from routing.rules.ruleset import Ruleset
from routing.rules.scores import Band, Item, Score, band_of, calculation, formula_facts, points, score_facts
from routing.vocabulary import Text, read_vocabulary
from tests.fixtures_ruleset import small_ruleset

NOW = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
BOOK = Reference("book", "A book", "https://example.org", None, "read")


@cache
def acute() -> Ruleset:
    (folder,) = (path for path in packaged_rulesets() if path.parent.name == "acute-nl" and path.name == "1.0.0")
    return read_ruleset(folder, read_vocabulary())


def total(score: str, facts: Facts) -> Interval | None:
    found = points(acute().scores[score])(facts)
    return None if found is None else found[0]


def highest(score: str, facts: Facts) -> Interval | None:
    found = points(acute().scores[score])(facts)
    return None if found is None else found[1]


def exactly(points_: float) -> Interval:
    return Interval(points_, points_)


# -- NEWS2: Royal College of Physicians, 2017, chart 1 ----------------------------------------------------------------

NORMAL: Mapping[str, FactValue] = {
    "age_years": 60, "respiratory_rate": 16, "spo2": 97, "on_oxygen": False, "systolic_bp": 120, "heart_rate": 70,
    "avpu": "A", "temperature": 37.0, "hypercapnic_target": False, "pregnant": False,
}  # fmt: skip


def tenths(first: float, last: float) -> list[float]:
    return [number / 10 for number in range(round(first * 10), round(last * 10) + 1)]


NEWS2_ROWS: list[tuple[str, Iterable[FactValue], int]] = [
    ("respiratory_rate", range(9), 3),
    ("respiratory_rate", range(9, 12), 1),
    ("respiratory_rate", range(12, 21), 0),
    ("respiratory_rate", range(21, 25), 2),
    ("respiratory_rate", range(25, 80), 3),
    ("spo2", range(92), 3),
    ("spo2", range(92, 94), 2),
    ("spo2", range(94, 96), 1),
    ("spo2", range(96, 101), 0),
    ("on_oxygen", [True], 2),
    ("on_oxygen", [False], 0),
    ("systolic_bp", range(91), 3),
    ("systolic_bp", range(91, 101), 2),
    ("systolic_bp", range(101, 111), 1),
    ("systolic_bp", range(111, 220), 0),
    ("systolic_bp", range(220, 301), 3),
    ("heart_rate", range(41), 3),
    ("heart_rate", range(41, 51), 1),
    ("heart_rate", range(51, 91), 0),
    ("heart_rate", range(91, 111), 1),
    ("heart_rate", range(111, 131), 2),
    ("heart_rate", range(131, 300), 3),
    ("avpu", ["A"], 0),
    ("avpu", ["C", "V", "P", "U"], 3),
    ("temperature", tenths(25, 35.0), 3),
    ("temperature", tenths(35.1, 36.0), 1),
    ("temperature", tenths(36.1, 38.0), 0),
    ("temperature", tenths(38.1, 39.0), 1),
    ("temperature", tenths(39.1, 44), 2),
]

SCALE_2_AIR: list[tuple[Iterable[int], int]] = [
    (range(84), 3), (range(84, 86), 2), (range(86, 88), 1), (range(88, 101), 0),
]  # fmt: skip
SCALE_2_OXYGEN: list[tuple[Iterable[int], int]] = [
    (range(84), 3), (range(84, 86), 2), (range(86, 88), 1), (range(88, 93), 0), (range(93, 95), 1),
    (range(95, 97), 2), (range(97, 101), 3),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "values", "expected"), NEWS2_ROWS)
def test_news2_gives_the_published_points(fact: str, values: Iterable[FactValue], expected: int) -> None:
    for value in values:
        assert total("news2", {**NORMAL, fact: value}) == exactly(expected), value
        assert highest("news2", {**NORMAL, fact: value}) == exactly(expected), value


@pytest.mark.parametrize(("on_oxygen", "rows"), [(False, SCALE_2_AIR), (True, SCALE_2_OXYGEN)])
def test_news2_uses_the_second_oxygen_scale_where_a_clinician_set_the_target(
    on_oxygen: bool, rows: list[tuple[Iterable[int], int]]
) -> None:
    for values, expected in rows:
        for value in values:
            facts = {**NORMAL, "hypercapnic_target": True, "on_oxygen": on_oxygen, "spo2": value}
            assert total("news2", facts) == exactly(expected + (2 if on_oxygen else 0)), value


def test_news2_without_a_word_about_the_target_uses_the_first_oxygen_scale() -> None:
    unsaid = {name: value for name, value in NORMAL.items() if name != "hypercapnic_target"}
    assert total("news2", {**unsaid, "spo2": 90}) == exactly(3)


def test_news2_of_somebody_in_whom_everything_is_wrong_is_20() -> None:
    worst = {
        **NORMAL, "respiratory_rate": 30, "spo2": 80, "on_oxygen": True, "systolic_bp": 70, "heart_rate": 150,
        "avpu": "U", "temperature": 34.0,
    }  # fmt: skip
    assert total("news2", worst) == exactly(20)
    assert highest("news2", worst) == exactly(3)


def test_news2_is_not_for_children_nor_in_pregnancy() -> None:
    assert total("news2", {**NORMAL, "age_years": 15}) is None
    assert total("news2", {**NORMAL, "age_years": 16}) is not None
    assert total("news2", {**NORMAL, "pregnant": True}) is None
    unsaid = {name: value for name, value in NORMAL.items() if name not in ("age_years", "pregnant")}
    assert total("news2", unsaid) == exactly(0)


@pytest.mark.parametrize(
    "fact", ["respiratory_rate", "spo2", "on_oxygen", "systolic_bp", "heart_rate", "avpu", "temperature"]
)
def test_news2_of_an_unknown_row_lies_between_its_least_and_most_points(fact: str) -> None:
    most = 2 if fact == "on_oxygen" else 3
    unknown = {name: value for name, value in NORMAL.items() if name != fact}
    assert total("news2", unknown) == Interval(0, most)
    assert highest("news2", unknown) == Interval(0, most)


def test_news2_of_nothing_known_lies_between_0_and_20() -> None:
    assert total("news2", {"age_years": 60}) == Interval(0, 20)


@pytest.mark.parametrize("spo2", range(70, 101))
@pytest.mark.parametrize("target", [True, False])
def test_news2_without_a_word_about_oxygen_is_exactly_between_with_and_without(spo2: int, target: bool) -> None:
    facts = {**NORMAL, "hypercapnic_target": target, "spo2": spo2}
    ends = [total("news2", {**facts, "on_oxygen": on_oxygen}) for on_oxygen in (True, False)]
    lows = [found.low for found in ends if found is not None]
    del facts["on_oxygen"]
    assert total("news2", facts) == Interval(min(lows), max(lows))


@pytest.mark.parametrize("target", [True, False])
@pytest.mark.parametrize("on_oxygen", [True, False, None])
def test_news2_of_an_unknown_saturation_never_excludes_what_it_may_turn_out_to_be(
    target: bool, on_oxygen: bool | None
) -> None:
    facts = {**NORMAL, "hypercapnic_target": target, "on_oxygen": on_oxygen}
    del facts["spo2"]
    known = {name: value for name, value in facts.items() if value is not None}
    found = total("news2", known)
    assert found is not None
    for spo2, oxygen in itertools.product(range(101), (True, False) if on_oxygen is None else (on_oxygen,)):
        truth = total("news2", {**facts, "spo2": spo2, "on_oxygen": oxygen})
        assert truth is not None
        assert found.low <= truth.low <= found.high


# -- trauma, stroke, sepsis -------------------------------------------------------------------------------------------

T_RTS_ROWS: list[tuple[str, Iterable[int], int]] = [
    ("gcs_total", range(13, 16), 4),
    ("gcs_total", range(9, 13), 3),
    ("gcs_total", range(6, 9), 2),
    ("gcs_total", range(4, 6), 1),
    ("gcs_total", [3], 0),
    ("systolic_bp", range(90, 301), 4),
    ("systolic_bp", range(76, 90), 3),
    ("systolic_bp", range(50, 76), 2),
    ("systolic_bp", range(1, 50), 1),
    ("systolic_bp", [0], 0),
    ("respiratory_rate", range(10, 30), 4),
    ("respiratory_rate", range(30, 100), 3),
    ("respiratory_rate", range(6, 10), 2),
    ("respiratory_rate", range(1, 6), 1),
    ("respiratory_rate", [0], 0),
]


@pytest.mark.parametrize(("fact", "values", "expected"), T_RTS_ROWS)
def test_t_rts_gives_the_published_points(fact: str, values: Iterable[int], expected: int) -> None:
    best: Facts = {"age_years": 40, "gcs_total": 15, "systolic_bp": 120, "respiratory_rate": 16}
    assert total("t_rts", best) == exactly(12)
    for value in values:
        assert total("t_rts", {**best, fact: value}) == exactly(8 + expected), value


RACE_MOST = {"race_face": 2, "race_arm": 2, "race_leg": 2, "race_gaze": 1, "race_aphasia_agnosia": 2}


def test_race_is_the_sum_of_its_items() -> None:
    for values in itertools.product(*(range(most + 1) for most in RACE_MOST.values())):
        assert total("race", dict(zip(RACE_MOST, values, strict=True))) == exactly(sum(values))
    assert total("race", {}) == Interval(0, 9)
    assert total("race", {"race_arm": 2, "race_gaze": 1}) == Interval(3, 9)


@pytest.mark.parametrize("respiratory_rate", [0, 21, 22, 40])
@pytest.mark.parametrize("systolic_bp", [0, 100, 101, 200])
@pytest.mark.parametrize("gcs", [3, 14, 15])
def test_qsofa_gives_a_point_for_each_of_three(respiratory_rate: int, systolic_bp: int, gcs: int) -> None:
    facts = {"respiratory_rate": respiratory_rate, "systolic_bp": systolic_bp, "gcs_total": gcs}
    expected = (respiratory_rate >= 22) + (systolic_bp <= 100) + (gcs < 15)
    assert total("qsofa", facts) == exactly(expected)


def test_g_fast_counts_four_signs() -> None:
    signs = ("gaze_deviation", "facial_droop", "arm_weakness", "speech_disturbance")
    for values in itertools.product((True, False), repeat=4):
        assert total("g_fast", dict(zip(signs, values, strict=True))) == exactly(sum(values))


@pytest.mark.parametrize("score", ["news2", "t_rts", "race", "qsofa", "g_fast"])
def test_a_score_stays_within_the_range_it_claims(score: str) -> None:
    known: Facts = {"age_years": 60}
    assert total(score, known) == Interval(acute().scores[score].low, acute().scores[score].high)


# -- what a table of points means -------------------------------------------------------------------------------------


def made_up(*items: Item, **further: Any) -> Score:
    return Score("made_up", Text("x", "x"), 0, 9, items, BOOK, "made up", **further)


FLAG = Item("flag", values={"true": 2, "false": 0})
RATE = Item("rate", (Band(3, upto=10), Band(1, below=20), Band(0)))


@pytest.mark.parametrize(("value", "expected"), [(9, 3), (10, 3), (10.1, 1), (19.9, 1), (20, 0), (1e9, 0), (-5, 3)])
def test_a_band_ends_with_upto_and_before_below(value: float, expected: int) -> None:
    assert band_of(RATE.bands, value).points == expected


def test_a_row_counts_only_if_its_condition_holds() -> None:
    score = points(made_up(Item("rate", RATE.bands, only_if=Test("flag", "true"))))
    assert score({"rate": 5, "flag": True}) == (exactly(3), exactly(3))
    assert score({"rate": 5, "flag": False}) == (exactly(0), exactly(0))
    assert score({"rate": 5}) == (Interval(0, 3), Interval(0, 3))
    assert score({"flag": True}) == (Interval(0, 3), Interval(0, 3))
    assert score({"flag": False}) == (exactly(0), exactly(0))


def test_what_is_assumed_false_counts_as_false_until_it_is_said() -> None:
    row = Item("rate", RATE.bands, only_if=Not(Test("flag", "true")))
    score = points(made_up(row, assumed_false=("flag",)))
    assert score({"rate": 5}) == (exactly(3), exactly(3))
    assert score({"rate": 5, "flag": False}) == (exactly(3), exactly(3))
    assert score({"rate": 5, "flag": True}) == (exactly(0), exactly(0))


def test_what_is_assumed_in_a_condition_is_still_unknown_in_its_own_row() -> None:
    row = Item("rate", RATE.bands, only_if=Not(Test("flag", "true")))
    assert points(made_up(row, FLAG, assumed_false=("flag",)))({"rate": 20}) == (Interval(0, 2), Interval(0, 2))


def test_a_score_has_no_value_only_where_it_is_certainly_not_meant_for() -> None:
    score = points(made_up(FLAG, not_for=Test("age_years", "<", 16)))
    assert score({"flag": True, "age_years": 15}) is None
    assert score({"flag": True, "age_years": 16}) == (exactly(2), exactly(2))
    assert score({"flag": True}) == (exactly(2), exactly(2))


def test_the_highest_single_row_is_known_within_limits_too() -> None:
    score = points(made_up(FLAG, RATE))
    assert score({"flag": True})[1] == Interval(2, 3)  # type: ignore[index]
    assert score({"rate": 5})[1] == exactly(3)  # type: ignore[index]
    assert score({})[1] == Interval(0, 3)  # type: ignore[index]


def test_rows_that_take_points_off_count_downwards_too() -> None:
    score = points(made_up(Item("flag", values={"true": -2, "false": 1}, only_if=Test("gate", "true")), RATE))
    assert score({"rate": 20}) is not None
    assert score({"rate": 20})[0] == Interval(-2, 1)  # type: ignore[index]


def test_a_score_names_every_fact_it_rests_on_once() -> None:
    row = Item("rate", RATE.bands, only_if=Not(Test("flag", "true")))
    assert score_facts(made_up(row, FLAG, not_for=Test("age_years", "<", 16))) == ("rate", "flag", "age_years")


# -- numbers that follow from facts -----------------------------------------------------------------------------------


def number(formula: Mapping[str, Any], facts: Facts, now: datetime = NOW) -> float | None:
    return calculation(formula)(facts, now)


def test_a_ratio_with_zero_or_an_unknown_is_unknown() -> None:
    ratio = {"ratio": ["heart_rate", "systolic_bp"]}
    assert number(ratio, {"heart_rate": 120, "systolic_bp": 80}) == 1.5
    assert number(ratio, {"heart_rate": 0, "systolic_bp": 80}) == 0
    assert number(ratio, {"heart_rate": 120, "systolic_bp": 0}) is None
    assert number(ratio, {"heart_rate": 120}) is None
    assert number(ratio, {"systolic_bp": 80}) is None


def test_a_sum_needs_all_of_its_parts() -> None:
    assert number({"sum": ["a", "b", "c"]}, {"a": 1, "b": 2.5, "c": -1}) == 2.5
    assert number({"sum": ["a", "b", "c"]}, {"a": 1, "b": 2}) is None


def test_the_lowest_and_highest_are_those_of_what_is_known() -> None:
    assert number({"lowest": ["a", "b"]}, {"a": 3, "b": 1}) == 1
    assert number({"lowest": ["a", "b"]}, {"a": 3}) == 3
    assert number({"highest": ["a", "b"]}, {"a": 3, "b": 1}) == 3
    assert number({"highest": ["a", "b"]}, {"b": 0}) == 0
    assert number({"lowest": ["a", "b"]}, {}) is None


def test_a_coma_score_given_twice_counts_as_the_graver_one() -> None:
    formula = acute().derived["gcs_total"].formula
    parts = {"gcs_eye": 4, "gcs_verbal": 4, "gcs_motor": 6}
    assert number(formula, {"gcs": 15}) == 15
    assert number(formula, parts) == 14
    assert number(formula, {"gcs": 15, **parts}) == 14
    assert number(formula, {"gcs": 9, **parts}) == 9
    assert number(formula, {"gcs_eye": 4, "gcs_verbal": 4}) is None
    assert number(formula, {"gcs": 15, "gcs_eye": 1}) == 15


def test_the_blood_pressure_of_a_child_is_held_against_its_age() -> None:
    formula = acute().derived["child_hypotension_margin"].formula
    assert number(formula, {"systolic_bp": 80, "age_years": 5}) == 0
    assert number(formula, {"systolic_bp": 79, "age_years": 5}) == -1
    assert number(formula, {"systolic_bp": 80}) is None


def test_a_yes_or_no_is_never_counted_as_a_number() -> None:
    assert number({"sum": ["a"]}, {"a": True}) is None
    assert number({"sum": ["a"]}, {"a": Interval(1, 2)}) is None


SINCE = {"minutes_since": "onset_at"}


@pytest.mark.parametrize(
    ("onset", "now", "minutes"),
    [
        ("2026-11-18T13:00:00+00:00", "2026-11-18T13:00:00+00:00", 0),
        ("2026-11-18T13:00:00+00:00", "2026-11-18T13:00:59+00:00", 0),
        ("2026-11-18T13:00:00+00:00", "2026-11-18T13:01:00+00:00", 1),
        ("2026-11-18T14:00:00+01:00", "2026-11-18T13:30:00+00:00", 30),
        ("2026-11-17T23:50:00+01:00", "2026-11-18T00:10:00+01:00", 20),  # midnight
        ("2026-12-31T23:59:00+01:00", "2027-01-01T00:01:00+01:00", 2),  # New Year
        ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", 60),  # the clock goes forward
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", 60),  # the clock goes back
        ("2026-10-24T14:00:00+02:00", "2026-10-25T14:00:00+01:00", 25 * 60),
        ("2026-11-18T13:01:30+00:00", "2026-11-18T13:00:00+00:00", 0),  # another clock runs ahead
    ],
)
def test_minutes_are_counted_in_elapsed_time_rounded_down(onset: str, now: str, minutes: int) -> None:
    assert number(SINCE, {"onset_at": onset}, datetime.fromisoformat(now)) == minutes


def test_minutes_are_elapsed_time_also_when_now_is_told_in_local_time() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    now = datetime(2026, 10, 25, 14, 0, tzinfo=amsterdam)
    assert number(SINCE, {"onset_at": "2026-10-24T14:00:00+02:00"}, now) == 25 * 60
    assert number(SINCE, {"onset_at": "2026-10-24T14:00:00+02:00"}, now.astimezone(UTC)) == 25 * 60


def test_minutes_since_an_unknown_moment_are_unknown() -> None:
    assert number(SINCE, {}) is None


def test_a_formula_names_the_facts_it_asks() -> None:
    formula = {"lowest": ["gcs", {"sum": ["gcs_eye", {"weighted": {"of": {"a": 2, "b": 1}}}]}, SINCE]}
    assert tuple(formula_facts(formula)) == ("gcs", "gcs_eye", "a", "b", "onset_at")


# -- all numbers together ---------------------------------------------------------------------------------------------


def test_numbers_are_added_to_the_facts_and_what_is_unknown_is_left_out(tmp_path: Path) -> None:
    evaluators = build_evaluators(small_ruleset(tmp_path))
    given: Facts = {"heart_rate": 120, "systolic_bp": 80, "age_years": 60}
    found = evaluators.with_numbers(given, NOW)
    assert found["shock_index"] == 1.5
    assert found["alarm"] == Interval(3, 6)
    assert found["alarm.highest_item"] == exactly(3)
    assert "minutes_since_onset" not in found
    assert given == {"heart_rate": 120, "systolic_bp": 80, "age_years": 60}
    assert "alarm" not in evaluators.with_numbers({**given, "age_years": 8}, NOW)


def test_a_number_outside_its_range_is_unknown(tmp_path: Path) -> None:
    evaluators = build_evaluators(small_ruleset(tmp_path))
    assert evaluators.with_numbers({"heart_rate": 200, "systolic_bp": 10}, NOW)["shock_index"] == 20
    assert "shock_index" not in evaluators.with_numbers({"heart_rate": 201, "systolic_bp": 10}, NOW)
    year = timedelta(minutes=525600)
    assert evaluators.with_numbers({"onset_at": (NOW - year).isoformat()}, NOW)["minutes_since_onset"] == 525600
    long_ago = (NOW - year - timedelta(minutes=1)).isoformat()
    assert "minutes_since_onset" not in evaluators.with_numbers({"onset_at": long_ago}, NOW)
