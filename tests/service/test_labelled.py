"""How the words of data sets become observations, and how their urgencies are held against ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routing.errors import BadInput
from routing.evaluation import Prediction, as_text, news2_alone, placed, report
from routing.formats.labelled import WEDNESDAY_AFTERNOON, LabelledCase, read_labelled
from routing.vocabulary import Vocabulary, read_vocabulary


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return read_vocabulary()


def row(**parts: Any) -> dict[str, Any]:
    return {"id": "a", "age": 40, "expected_urgency_band": [1, 2], **parts}


def read(words: Vocabulary, **parts: Any) -> LabelledCase:
    (found,) = read_labelled([json.dumps(row(**parts))], words)
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (False, False), ("productive_green", True), ("No", False), ("denied", False), ("absent", False),
        (" none ", False), (["left", "right"], True), ([], False), (None, None), (3, "unmapped"), ({}, "unmapped"),
    ],
)  # fmt: skip
def test_a_described_finding_is_present(words: Vocabulary, value: Any, expected: Any) -> None:
    found = read(words, findings={"cough": value})
    if expected == "unmapped":
        assert found.unmapped == ("cough",)
        assert found.body["observations"] == {}
    else:
        assert found.body["observations"].get("cough") is expected
        assert found.unmapped == ()


def test_numbers_and_choices_must_fit(words: Vocabulary) -> None:
    vitals = {"hr": 80, "sbp": 1_000, "spo2": "95", "temp_c": True, "avpu": "V", "gcs": None, "rr": 16.0}
    found = read(words, vitals=vitals, findings={"penetrating_injury": "elbow", "heart_rate": 200})
    assert found.body["observations"] == {"heart_rate": 80, "avpu": "V", "respiratory_rate": 16.0}
    assert sorted(found.unmapped) == ["penetrating_injury", "spo2", "systolic_bp", "temp_c"]


def test_history_is_looked_up_by_both_names(words: Vocabulary) -> None:
    names = [name for name in words.facts if name.startswith("history_") and words.facts[name].type == "boolean"]
    history = [
        "anticoagulant",
        "an_unheard_of_illness",
        "systolic_bp",
        *(name[len("history_") :] for name in names[:1]),
    ]
    found = read(words, findings={"history": history})
    assert found.body["observations"] == {"anticoagulant": True, **dict.fromkeys(names[:1], True)}
    assert found.unmapped == ("history:an_unheard_of_illness", "history:systolic_bp")


def test_what_is_said_twice_is_there_if_it_is_said_once(words: Vocabulary) -> None:
    for findings in ({"anticoagulant": False, "history": ["anticoagulant"]}, {"history": ["anticoagulant"]}):
        assert read(words, findings=findings).body["observations"] == {"anticoagulant": True}


def test_who_where_and_how_they_came(words: Vocabulary) -> None:
    found = read(words, sex="F", arrival_mode="ambulance", complaint="chest_pain")
    assert found.body["patient"] == {"age_years": 40, "sex": "female"}
    assert found.body["transport"] == "ambulance"
    assert found.body["complaint"] == "chest_pain"
    assert (found.set, found.at, found.band, found.target) == ("cases", WEDNESDAY_AFTERNOON, (1, 2), None)
    other = read(words, age=None, sex="?", arrival_mode="helicopter", complaint="moaning", strict_target=2, set="s")
    assert other.unmapped == ("age", "sex:?", "complaint:moaning", "arrival_mode:helicopter")
    assert other.body["patient"] == {"age_years": 50}
    assert (other.set, other.target) == ("s", 2)
    assert read(words, arrival_mode="unknown", sex=None).unmapped == ()


def test_a_row_that_cannot_be_a_case_is_refused(words: Vocabulary) -> None:
    for parts in ({"age": 400}, {"expected_urgency_band": [2]}, {"expected_urgency_band": [-1, 2]}, {"id": None}):
        with pytest.raises(BadInput, match="line 1"):
            read(words, **parts)


def case(band: tuple[int, int], target: int | None = None) -> LabelledCase:
    return LabelledCase("a", "s", {}, WEDNESDAY_AFTERNOON, band, target, frozenset())


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("abdominal_pain", "abdominal_pain"),
        ("pain_abdominal", "abdominal_pain"),
        ("lt_flank_pain", "flank_pain"),
        ("pain_in_the_moon", None),
        ("acute_epigastric_pain", "abdominal_pain"),
        ("loc_loss_of_consciousness", "syncope"),
        ("d_diarrhea", "diarrhea"),
        ("rt_side_weakness", "neurological_deficit"),
        ("general_weakness", "malaise_adult"),
        ("no_chest_pain", None),
        ("pain_without_fever", None),
    ],
)
def test_a_complaint_may_be_written_in_several_ways(words: Vocabulary, given: str, complaint: str | None) -> None:
    found = read(words, complaint=given)
    assert found.body.get("complaint") == complaint
    assert found.unmapped == (() if complaint else (f"complaint:{given}",))


def test_a_complaint_that_is_also_a_finding_is_observed_unless_it_was_denied(words: Vocabulary) -> None:
    found = read(words, complaint="hemoptysis")
    assert (found.body["complaint"], found.body["observations"]) == ("cough", {"hemoptysis": True})
    assert read(words, complaint="hypotension").body["observations"] == {"hypotension_reported": True}
    denied = read(words, complaint="hemoptysis", findings={"hemoptysis": False})
    assert denied.body["observations"] == {"hemoptysis": False}


def test_a_lower_number_is_more_urgent() -> None:
    band = (2, 3)
    found = placed([(case(band, 3), urgency) for urgency in range(6)])
    assert found == {
        "n": 6, "in_band": 2, "under": 2, "over": 2, "under2": 1, "strict_n": 6, "strict": 0.1667,
        "urgent_share": 0.3333, "u2_share": 0.1667,
    }  # fmt: skip
    assert placed([(case(band), 2)])["strict"] is None
    assert placed([])["urgent_share"] is None


def test_the_table_shows_the_shares_of_the_urgent_levels() -> None:
    urgencies = (0, 1, 2, 3)
    table = as_text(report([Prediction(case((1, 2)), urgency, (), None) for urgency in urgencies]))
    heads, ours = (line.split() for line in table.splitlines()[:2])
    assert heads[-4:] == ["U0-U1", "U2", "strict", "time_critical"]
    assert ours[-6:] == ["50%", "25%", "-", "0", "of", "0"]


@pytest.mark.parametrize(
    ("news2", "urgency"),
    [((7, 2), 1), ((6, 2), 2), ((5, 1), 2), ((3, 3), 2), ((4, 2), 3), ((1, 1), 3), ((0, 0), 4), (None, 3)],
)
def test_news2_alone(news2: tuple[float, float] | None, urgency: int) -> None:
    assert news2_alone(Prediction(case((1, 2)), 0, (), news2)) == urgency
