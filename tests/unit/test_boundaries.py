"""A limit has cases on it and beside it only where the comparison decides; loose ends say how they are mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from routing.boundaries import boundaries, figures, missing
from routing.errors import Finding
from routing.mutation.steps import steps_of
from routing.rules.loose_ends import found_loose, loose_ends
from routing.rules.mending import FORMAT, mend_of, with_mend
from routing.rules.rule import Interval
from tests.fixtures_ruleset import FILES, refusals, rule, small_ruleset, topic


def reached(folder: Path, when: str, *seen: dict[str, Any]) -> tuple[bool, bool]:
    rules = small_ruleset(folder, {"urgency/extra.yaml": topic(rule("extra", when))})
    found = [one for one in boundaries(rules, seen, steps_of(rules)) if one.rule.id == "extra"]
    (one,) = found
    assert figures(found)["boundaries_both"] == (one.on and one.beside)
    lacks = [name for name, there in (("on", one.on), ("beside", one.beside)) if not there]
    assert [each["lacks"] for each in missing(found)] == ([lacks] if lacks else [])
    return one.on, one.beside


@pytest.mark.parametrize(
    ("when", "on", "beside", "too_far"),
    [
        ("heart_rate >= 120", 120, 119, 118),
        ("heart_rate > 120", 120, 121, 122),
        ("heart_rate < 120", 120, 119, 118),
        ("heart_rate <= 120", 120, 121, 122),
        ("temperature >= 38.5", 38.5, 38.4, 38.3),
        ("{not: temperature >= 38.5}", 38.5, 38.4, 38.3),
        ("alarm >= 3", Interval(3, 3), Interval(2, 2), Interval(1, 1)),
    ],
)
def test_a_case_on_the_limit_and_one_a_step_away_on_the_other_side(
    when: str, on: Any, beside: Any, too_far: Any, tmp_path: Path
) -> None:
    name = when.replace("{not: ", "").split()[0]
    for number, (values, wanted) in enumerate(
        (((on, beside), (True, True)), ((on, too_far), (True, False)), ((beside,), (False, True)), ((), (False, False)))
    ):
        assert reached(tmp_path / str(number), when, *({name: value} for value in values)) == wanted


def test_a_case_in_which_something_else_decides_does_not_count(tmp_path: Path) -> None:
    when = "{all: [chest_pain, heart_rate >= 120]}"
    assert reached(tmp_path / "a", when, {"heart_rate": 120}, {"heart_rate": 119, "chest_pain": False}) == (
        False,
        False,
    )
    both = [{"heart_rate": value, "chest_pain": True} for value in (119, 120)]
    assert reached(tmp_path / "b", when, *both) == (True, True)


# -- loose ends


def test_what_nothing_asks_for_and_what_stands_twice_is_named(tmp_path: Path) -> None:
    files = {
        "urgency/heart.yaml": topic(rule("twice", "{all: [chest_pain, pregnant, chest_pain]}")),
        "destination/where.yaml": topic(rule("care", "chest_pain", "{warning: true}")),
    }
    said = loose_ends(small_ruleset(tmp_path, files))
    for part in ("score `alarm`", "number `shock_index`", "`chest_pain` stands twice in the same list"):
        assert [one for one in said if part in one], part
    own = [one for one in loose_ends(small_ruleset(tmp_path / "own")) if "nothing asks" in one]
    assert own == ["derived.yaml: nothing asks for the number `minutes_since_onset`"]


def test_a_text_that_was_not_translated_is_named(tmp_path: Path) -> None:
    rules = FILES["urgency/heart.yaml"].replace("en: older with pain", "en: ouder met pijn")
    found = [one.finding for one in found_loose(small_ruleset(tmp_path, {"urgency/heart.yaml": rules}))]
    assert [one.rule for one in found if "Dutch and in English" in one.message] == ["old-with-pain"]


def test_every_problem_says_how_it_is_mended(tmp_path: Path) -> None:
    for number, when in enumerate(("chest_pian", "heart_rate < 0", "heart_rate >= $nothing", "{any: []}", "avpu = X")):
        (finding,) = refusals(tmp_path / str(number), rule("wrong", when))
        assert mend_of(finding.message) != FORMAT or when == "{any: []}", finding.message
        assert finding.line is not None
    said = with_mend(Finding("a.yaml", 3, "no rule uses the parameter `x`"))
    assert said == "a.yaml:3: no rule uses the parameter `x`\n  mend: take it out, or use it"
    assert mend_of("there is no fact `x`; did you mean `y`") == "did you mean `y`"
