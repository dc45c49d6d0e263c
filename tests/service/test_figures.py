"""Promises about figures: they add up, they say nothing of a single patient, and nothing is read but counts."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from routing import erasure, figures, outcomes, service
from routing.errors import BadInput
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World
from routing.store.figures import Span
from tests.service.conftest import SORE_THROAT, STEMI, Clock, Run
from tests.service.test_erasure import OPERATOR, OVERRIDDEN

EVER = Span()


def rows(world: World, *by: str, span: Span = EVER) -> dict[Any, int | None]:
    return {row.values if len(by) > 1 else row.values[0]: row.n for row in figures.part(world, by, span)}


@pytest.fixture
def made(world: World, asker: Asker, clock: Clock) -> list[dict[str, Any]]:
    """Six times a heart attack and twice a sore throat, an hour apart; one was overridden and one was erased."""
    answers = []
    for number in range(9):
        answers.append(service.decide(world, STEMI if number < 7 else SORE_THROAT, asker))
        clock.forward(hours=1)
    outcomes.record_outcome(world, answers[0]["id"], OVERRIDDEN, asker)
    sequence_all(world)
    erasure.erase(world, [answers[6]["id"]], "test_data", OPERATOR)
    return answers


def test_figures_add_up_and_erased_decisions_are_counted_apart(world: World, made: list[dict[str, Any]]) -> None:
    assert figures.total(world, EVER) == (8, 1)
    throat = made[8]["urgency"]["level"]
    assert rows(world, "urgency") == {made[0]["urgency"]["level"]: 6, throat: 2}
    assert rows(world, "condition")["stemi"] == 6
    assert rows(world, "channel") == {None: 2, "ambulance": 6}
    assert rows(world, "outcome") == {"none": 7, "overridden": 1}
    assert rows(world, "rule")["acute-nl/stemi-to-pci"] == 6
    for alone in ("urgency", "channel", "facility", "hour", "weekday", "outcome"):
        assert sum(n or 0 for n in rows(world, alone).values()) == 8, alone


def test_the_hour_is_that_of_the_clock_here(world: World, made: list[dict[str, Any]]) -> None:
    hours = list(rows(world, "hour"))
    assert hours == [14, 15, 16, 17, 18, 19, 21, 22], "at 13:00 UTC it is 14 o'clock in winter; that of 20 is erased"
    assert rows(world, "weekday") == {"we": 8}
    assert list(rows(world, "weekday", "hour")) == [("we", hour) for hour in hours]


def test_fewer_than_five_of_two_things_together_are_not_told(world: World, made: list[dict[str, Any]]) -> None:
    place = made[0]["recommendation"]["facility"]["id"]
    found = rows(world, "condition", "facility")
    assert found["stemi", place] == 6
    assert None in rows(world, "urgency", "outcome").values()
    assert all(n is None or n >= figures.FEW for n in found.values())


def test_only_the_time_that_is_asked_counts(world: World, made: list[dict[str, Any]]) -> None:
    span = Span(datetime(2026, 11, 18, 14, tzinfo=UTC), datetime(2026, 11, 18, 16, tzinfo=UTC))
    assert figures.total(world, span) == (2, 0)
    for by in figures.BY:
        found = [n or 0 for n in rows(world, by, span=span).values()]
        assert found and max(found) == (2 if by != "hour" else 1), by
    found = figures.figures(world, figures.read_parts("rule,urgency"), span)
    assert found["since"] == "2026-11-18T14:00:00+00:00"
    assert [each["by"] for each in found["figures"]] == [["rule"], ["urgency"]]


@pytest.mark.parametrize("text", ["", "age", "urgency,", "rule:urgency", "urgency:urgency", "urgency:hour:outcome"])
def test_only_what_is_known_is_counted_by(text: str) -> None:
    with pytest.raises(BadInput):
        figures.read_parts(text)
    assert figures.read_parts("hour,hour") == (("hour",),)


def test_the_command_counts(run: Run) -> None:
    code, out, _ = run("figures", "--json")
    assert (code, json.loads(out)["decisions"]) == (0, 0)
    code, out, _ = run("figures", "--csv", "--by", "urgency")
    assert (code, list(csv.reader(io.StringIO(out)))) == (0, [["by", "value", "and_value", "n"]])
    code, out, _ = run("figures", "--since", "2026-11-01T00:00:00+01:00")
    assert (code, out.startswith("0 decisions")) == (0, True)
    assert run("figures", "--since", "yesterday")[0] == 2
    assert run("figures", "--by", "age")[0] == 2
