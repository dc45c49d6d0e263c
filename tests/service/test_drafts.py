"""Unfinished cases: kept sealed, for whoever filled them in and nobody else, and not for long."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from routing import drafts
from routing.errors import NotFound
from routing.rights import Asker
from routing.service import World
from routing.store import database
from routing.store.people import DRAFTS
from tests.service.conftest import Clock

ME = Asker("key-1", "people", frozenset({"triagist"}), user="zcc-017", session="s")
SOMEBODY = dataclasses.replace(ME, user="zcc-018")
ONE, OTHER = UUID(int=1), UUID(int=2)
CONTENT = {"complaint": ("pijn op de borst",), "age": ("67",), "added": ("spo2", "gcs")}


def test_a_draft_comes_back_as_it_was_filled_in(world: World) -> None:
    drafts.keep_draft(world, ONE, CONTENT, ME)
    found = drafts.draft_of(world, ONE, ME)
    assert found is not None
    assert found.content == CONTENT
    drafts.keep_draft(world, ONE, {"age": ("68",)}, ME)
    assert [each.content for each in drafts.drafts_of(world, ME)] == [{"age": ("68",)}]


def test_a_draft_of_somebody_else_is_neither_seen_nor_changed_nor_removed(world: World) -> None:
    drafts.keep_draft(world, ONE, CONTENT, ME)
    assert drafts.draft_of(world, ONE, SOMEBODY) is None
    assert drafts.drafts_of(world, SOMEBODY) == []
    with pytest.raises(NotFound):
        drafts.keep_draft(world, ONE, {"age": ("1",)}, SOMEBODY)
    drafts.remove_draft(world, ONE, SOMEBODY)
    assert drafts.draft_of(world, ONE, ME) is not None


def test_a_draft_is_gone_a_day_after_it_was_changed(world: World, clock: Clock) -> None:
    drafts.keep_draft(world, ONE, CONTENT, ME)
    clock.now += timedelta(hours=23)
    drafts.keep_draft(world, OTHER, CONTENT, ME)
    assert [each.id for each in drafts.drafts_of(world, ME)] == [OTHER, ONE]
    clock.now += timedelta(hours=2)
    assert [each.id for each in drafts.drafts_of(world, ME)] == [OTHER]
    assert drafts.draft_of(world, ONE, ME) is None
    drafts.keep_draft(world, OTHER, CONTENT, ME)
    with database.reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(DRAFTS)) == 1


def test_nothing_of_a_draft_stands_in_the_database_in_the_clear(world: World) -> None:
    drafts.keep_draft(world, ONE, {"reference": ("MARK-Jansen",), "complaint": ("pijn op de borst",)}, ME)
    with database.reading(world.engine) as connection:
        (row,) = connection.execute(sa.select(DRAFTS)).all()
    assert b"MARK" not in row.sealed
    assert "MARK" not in repr(row)


def test_a_draft_that_is_finished_is_removed(world: World) -> None:
    drafts.keep_draft(world, ONE, CONTENT, ME)
    drafts.remove_draft(world, ONE, ME)
    drafts.remove_draft(world, ONE, ME)
    assert drafts.drafts_of(world, ME) == []


def test_a_draft_that_was_decided_keeps_nothing_of_the_patient_and_is_no_draft_again(world: World) -> None:
    decision_id = UUID(int=7)
    drafts.keep_draft(world, ONE, CONTENT, ME)
    drafts.settle_draft(world, ONE, decision_id, ME)
    assert drafts.decision_of(world, ONE, ME) == str(decision_id)
    assert (drafts.draft_of(world, ONE, ME), drafts.drafts_of(world, ME)) == (None, [])
    assert drafts.decision_of(world, ONE, SOMEBODY) is None
    with pytest.raises(NotFound):
        drafts.keep_draft(world, ONE, CONTENT, ME)
    assert drafts.drafts_of(world, ME) == []
