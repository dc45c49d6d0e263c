"""All that belongs to a decision at once, and the decisions about one case in their order."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from routing import access_log, outcomes, service
from routing.case_file import decision_file, timeline
from routing.erasure import erase
from routing.errors import Erased, NotFound
from routing.outcomes import outcomes_of
from routing.rights import Asker
from routing.service import World, close_world, open_world
from routing.settings import Settings
from routing.store import database, decisions
from routing.webhooks.shown import pre_alerts_of
from tests.desk.decided import asker_of, decided

NOT_THERE = "01a20243-0ea7-74bb-b786-680850fd5d6a"
OPERATOR = Asker("", "operator", frozenset({"operator"}))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = open_world(Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('file')}/wegwijs.sqlite3"))
    service.upgrade(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def asker(world: World) -> Asker:
    return asker_of(world)


def test_it_says_what_each_question_alone_would_say(world: World, asker: Asker) -> None:
    about = decided(world, asker)
    outcomes.record_outcome(world, about, {"outcome": "accepted", "by": "nurse"}, asker)
    found = decision_file(world, about, asker)
    assert found["decision"] == service.decision(world, about, asker)
    assert {"decision": about, **{name: found[name] for name in ("state", "outcomes")}} == outcomes_of(
        world, about, asker
    )
    assert {"decision": about, **found["pre_alerts"]} == pre_alerts_of(world, about, asker)
    assert (found["case"]["complaint"], found["superseded_by"]) == ("chest_pain", [])


def test_all_decisions_about_a_case_are_found_from_each_of_them(world: World, asker: Asker) -> None:
    first = decided(world, asker)
    second = decided(world, asker, supersedes=first)
    third = decided(world, asker, supersedes=second)
    aside = decided(world, asker, supersedes=first)
    other = decided(world, asker)
    outcomes.record_outcome(world, second, {"outcome": "accepted", "by": "nurse"}, asker)
    for about in (first, second, third, aside):
        steps = timeline(world, about, asker)
        assert [step["id"] for step in steps] == [first, second, third, aside]
        assert [len(step["outcomes"]) for step in steps] == [0, 1, 0, 0]
    assert [step["id"] for step in timeline(world, other, asker)] == [other]
    later = decision_file(world, first, asker)["superseded_by"]
    assert [each["id"] for each in later] == [aside, second]


def test_a_look_at_a_case_is_noted_once_for_all_its_decisions(world: World, asker: Asker) -> None:
    first = decided(world, asker)
    second = decided(world, asker, supersedes=first)
    timeline(world, second, asker)
    for about in (first, second):
        (noted,) = access_log.accesses(world, asker, decision=about, event="read")["accesses"]
        assert {first, second} <= {each["decision"] for each in noted["subjects"]}


def test_of_what_was_erased_only_that_is_told(world: World, asker: Asker) -> None:
    first = decided(world, asker)
    second = decided(world, asker, supersedes=first)
    outcomes.record_outcome(world, first, {"outcome": "accepted", "by": "nurse"}, asker)
    erase(world, [first], "test_data", OPERATOR)
    gone, left = timeline(world, second, asker)
    assert (gone["erased"], gone["facility"], gone["conditions"], gone["outcomes"]) == (True, None, [], [])
    assert (gone["outcome"], gone["reason"]) == (None, None)
    assert left["facility"] is not None
    with pytest.raises(Erased):
        decision_file(world, first, asker)


def test_a_decision_that_is_not_there_is_noted_as_such(world: World, asker: Asker) -> None:
    for ask in (decision_file, timeline):
        with pytest.raises(NotFound):
            ask(world, NOT_THERE, asker)
    found = access_log.accesses(world, asker, decision=NOT_THERE, event="read")["accesses"]
    assert [each["outcome"] for each in found] == ["failed", "failed"]


def test_a_case_that_was_decided_about_endlessly_is_cut_off(
    world: World, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "CHAIN_MOST", 3)
    ids = [decided(world, asker)]
    for _ in range(5):
        ids.append(decided(world, asker, supersedes=ids[-1]))
    with database.reading(world.engine) as connection:
        for about in ids:
            assert len(decisions.chain_of(connection, UUID(about))) == 3
