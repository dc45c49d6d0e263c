"""`wegwijs travel check` and `coverage` at a terminal: figures beside simpler ways, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.conftest import Run

NOON = "2026-11-26T13:00+01:00"


def test_check_compares_with_known_times_and_two_simpler_ways(run: Run) -> None:
    code, out, _ = run("travel", "check", "--at", NOON, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["method"] == "skeleton-nl/1"
    assert found["mean_abs_error_minutes"] < min(one["mean_abs_error_minutes"] for one in found["beside"])
    assert [one["method"] for one in found["beside"]] == ["straight-line-nl/1", "crow-fly x 1.3 at 60 km/h"]
    assert set(found["limits"]) == {"25", "30", "45"}
    assert found["worst"]


def test_check_reads_reach_and_names_unknown_places(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "reach.json"
    file.write_text(json.dumps({"hospitals": ["umc-utrecht", "gone"], "pc4": {"3584": [[0, 1], []], "9711": [[], []]}}))
    code, out, err = run("travel", "check", str(file), "--json")
    found = json.loads(out)
    assert (code, found["unknown_places"]) == (0, ["gone"])
    assert found["limits"]["30"] == {"precision": 1, "recall": 1, "f1": 1, "both": 1, "ours": 1, "theirs": 1}
    assert found["mean_abs_error_minutes"] is None
    assert "1 places of the file are not in the directory" in err


def test_check_says_in_words_what_is_furthest_off(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "times.csv"
    file.write_text("from,to,minutes,what\n3511,9711,20,far too short\n")
    code, out, _ = run("travel", "check", str(file))
    assert code == 0
    assert "far too short" in out
    assert "known: 20" in out
    assert "surely wrong" in out


@pytest.mark.parametrize(("text", "named"), [("a,b\n", "from,to,minutes"), ("from,to,minutes\n1,2,3\n", "line 2")])
def test_a_file_that_cannot_be_read_is_bad_input(run: Run, tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "times.csv"
    file.write_text(text)
    code, out, err = run("travel", "check", str(file))
    assert (code, out) == (2, "")
    assert named in err


def test_a_file_that_is_not_there_is_bad_input(run: Run, tmp_path: Path) -> None:
    code, _, err = run("travel", "check", str(tmp_path / "no.csv"))
    assert code == 2
    assert "No such file" in err


def test_coverage_counts_people_and_draws_them(run: Run, tmp_path: Path) -> None:
    drawn = tmp_path / "seh.svg"
    code, out, err = run("travel", "coverage", "--at", NOON, "--svg", str(drawn), "--json")
    found = json.loads(out)
    assert code == 0
    assert found["within"]["surely"] < found["within"]["estimate"] < found["within"]["perhaps"] < 1
    assert found["people_beyond"] == sum(area["people"] for area in found["beyond"])
    assert drawn.read_text("utf-8").startswith("<svg")
    assert str(drawn) in err


def test_coverage_says_where_people_live_beyond(run: Run) -> None:
    code, out, _ = run("travel", "coverage", "--capability", "pci", "--minutes", "75", "--lead", "30", "--at", NOON)
    assert code == 0
    assert "30 of them before the drive" in out
    assert "beyond: " in out
    assert " to " in out


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--capability", "teleport"), "teleport"),
        (("--minutes", "-1"), "--minutes"),
        (("--lead", "601"), "--lead"),
        (("--at", "soon"), "--at"),
    ],
)
def test_coverage_refuses_what_makes_no_sense(run: Run, options: tuple[str, str], named: str) -> None:
    code, out, err = run("travel", "coverage", *options)
    assert (code, out) == (2, "")
    assert named in err
