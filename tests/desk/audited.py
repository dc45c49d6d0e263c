"""Decisions for the pages of the auditor: whole ones, and some to which something was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from api.desk.audit_words import reasons_in
from routing import access_log, service
from routing.log.canonical import plain
from routing.rights import Asker
from routing.service import World
from routing.store import database
from routing.store.tables import RECORDS
from tests.desk.decided import asker_of
from tests.service.conftest import AUDITOR, STEMI

OPERATOR = Asker("", "test", frozenset({"operator"}))
EVIL = "<script>alert(1)</script>"


def asked_by(world: World, organisation: str | None = "Meldkamer Midden") -> Asker:
    """A triagist with a key of this organisation."""
    return replace(asker_of(world, organisation), user="zcc-099", source="POST /v1/decisions", request_id="r-9")


def decide(world: World, asker: Asker, **changes: Any) -> str:
    """The id of a decision about a heart attack."""
    made: str = service.decide(world, {**STEMI, **changes}, asker)["id"]
    return made


@contextmanager
def damaged(world: World, decision_id: str) -> Iterator[None]:
    """Within the block the sealed record is spoilt."""
    own = RECORDS.c.id == UUID(decision_id)
    with database.writing(world.engine) as connection:
        whole = connection.scalar(sa.select(RECORDS.c.sealed).where(own))
        connection.execute(RECORDS.update().where(own).values(sealed=b"damaged" * 9))
    yield
    with database.writing(world.engine) as connection:
        connection.execute(RECORDS.update().where(own).values(sealed=whole))


def notes(world: World, **filters: Any) -> list[dict[str, Any]]:
    """The accesses that fit, the newest first; asking for them is one more."""
    found: list[dict[str, Any]] = access_log.accesses(world, AUDITOR, limit=200, **filters)["accesses"]
    return found


@contextmanager
def noted_once(world: World, event: str, outcome: str = "ok", **filters: Any) -> Iterator[None]:
    """What is done within must add exactly one access, of this event and outcome."""
    before = {each["id"] for each in notes(world, **filters)}
    yield
    added = [
        each
        for each in notes(world, **filters)
        if each["id"] not in before and not (each["event"] == "read_access_log" and not each["user"]["user"])
    ]
    assert [(each["event"], each["outcome"]) for each in added] == [(event, outcome)]


def reasons_of(world: World, decision_id: str) -> list[Mapping[str, Any]]:
    """Every reason in the record of a decision."""
    return list(reasons_in(plain(service.record_of(world, decision_id, AUDITOR, "read"))))
