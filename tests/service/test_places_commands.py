"""Places in the terminal: what goes on is seen at a glance, by who cannot see colours too, and told by telephone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import cli_facilities
from routing.place_text import WIDTH, age, board_text
from tests.service.conftest import Run

STOP = ("facilities", "report", "umc-utrecht", "--unit", "seh", "--kind", "stop", "--value", "true")


def later(**by: float) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat()


def test_a_report_by_telephone_counts_at_once(run: Run) -> None:
    code, out, err = run(*STOP, "--reason", "crowding", "--expected-end", later(hours=2))
    assert code == 0
    assert "STOP since" in out
    assert "crowding" in out
    assert "taken" in err
    code, out, _ = run("facilities", "list", "--status", "stop")
    assert [line.split()[0] for line in out.splitlines()] == ["umc-utrecht", "seh:"]
    assert run("facilities", "list", "--status", "stop", "--unit", "icu")[1] == ""
    code, out, _ = run("facilities", "show", "umc-utrecht")
    assert out.startswith("UMC Utrecht, Utrecht (umc-utrecht)")
    assert "seh: STOP since" in out
    found = json.loads(run("facilities", "show", "umc-utrecht", "--json")[1])
    assert (found["id"], found["live"][0]["in_force"]) == ("umc-utrecht", True)
    code, out, _ = run("facilities", "history", "umc-utrecht", "--limit", "1")
    assert "seh/stop: yes  [command line]" in out
    made = run("facilities", "report", "umc-utrecht", "--unit", "icu", "--kind", "beds", "--json", "--value",
               '{"total": 20, "available": 3}')  # fmt: skip
    assert json.loads(made[1])["taken"] == ["icu/beds"]
    (change,) = json.loads(run("facilities", "history", "umc-utrecht", "--limit", "1", "--json")[1])["changes"]
    assert change["report"]["value"] == {"total": 20, "available": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        ("--value", "maybe"),
        ("--value", "7"),
        ("--unit", "kitchen"),
        ("--reason", "holiday"),
        ("--expected-end", "soon"),
        ("--observed-at", "2026-11-21T20:04:00"),
        ("--bed", "adult_icu"),
    ],
)
def test_a_report_that_cannot_be_right_is_refused(run: Run, wrong: tuple[str, str]) -> None:
    code, out, err = run(*STOP, *wrong)
    assert (code, out) == (2, "")
    assert err.strip()
    assert run("facilities", "history", "umc-utrecht")[1] == "nothing was changed\n"


def test_the_board_can_be_read_without_colours(run: Run) -> None:
    assert "nothing was reported" in run("facilities", "board")[1]
    run(*STOP)
    run("facilities", "report", "adrz-goes", "--unit", "seh", "--kind", "crowding", "--value", "150",
        "--observed-at", later(hours=-30))  # fmt: skip
    code, out, _ = run("facilities", "board")
    assert code == 0
    assert "\x1b" not in out
    assert "  STOP since" in out
    assert "150 30h old" in out
    assert "of 304 other places nothing is known" in out
    run("facilities", "report", "adrz-goes", "--unit", "seh", "--kind", "open", "--value", "false")
    assert "  CLOSED by its own word (0m ago)" in run("facilities", "board")[1]
    assert max(map(len, out.splitlines())) <= WIDTH
    found = json.loads(run("facilities", "board", "--json", "--unit", "seh")[1])
    assert [row["facility"] for row in found["rows"]] == ["adrz-goes", "umc-utrecht"]
    for wrong in (("--watch", "5", "--json"), ("--watch", "0"), ("--unit", "kitchen")):
        assert run("facilities", "board", *wrong)[0] == 2


def test_the_board_is_looked_at_again_until_it_is_enough(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[int] = []

    def nap(seconds: int) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli_facilities, "sleep", nap)
    code, out, _ = run("facilities", "board", "--watch", "5")
    assert (code, slept, out.count("As of")) == (130, [5, 5, 5], 3)


def row(**parts: Any) -> dict[str, Any]:
    """A row of the board with names and numbers as long as they come."""
    old = {"age_minutes": 9_999_999, "fresh": False}
    beds = {"free": 5_000, "total": 5_000, **old}
    number = {"value": 1_440, **old}
    stop = {"since": later(hours=-30), "until": later(hours=30), "reason": "technical_failure", **old}
    long = {"facility": "x" * 80, "name": "É" * 120, "unit": "ct_thrombolysis", "stop": stop}
    long |= {"no_stop": old, "closed": old}
    return {**long, "crowding": number, "waiting_minutes": number, "beds": beds, **parts}


@pytest.mark.parametrize(
    "parts", [{}, {"stop": None}, {"beds": {"free": None, "total": None, "age_minutes": 0, "fresh": True}}]
)
def test_the_board_fits_the_screen_whatever_is_on_it(parts: dict[str, Any]) -> None:
    found = {"as_of": later(), "directory_revision": 10**9, "rows": [row(**parts)], "silent": 10**6}
    plain = board_text(found)
    assert max(map(len, plain.splitlines())) <= WIDTH
    assert board_text(found, colour=True).replace("\x1b[1;31m", "").replace("\x1b[0m", "") == plain


def test_ages_are_short() -> None:
    assert [age(minutes) for minutes in (0, 59, 60, 2_879, 2_880)] == ["0m", "59m", "1h", "47h", "2d"]


def test_a_key_for_a_place_names_the_place(run: Run) -> None:
    create = ("keys", "create", "--label", "ward", "--role", "facility")
    code, _, err = run(*create)
    assert code == 2
    assert "at least one place" in err
    assert "nowhere" in run(*create, "--facility", "nowhere")[2]
    made = json.loads(run(*create, "--facility", "umcg", "--facility", "umc-utrecht", "--json")[1])
    assert made["facilities"] == ["umc-utrecht", "umcg"]
