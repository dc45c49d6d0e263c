"""A request with a key of the client is carried out once, however often and from wherever it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import orjson
import pytest
import sqlalchemy as sa

from routing import erasure, outcomes, repeats, service
from routing.errors import BadInput, Erased, InFlight, KeyReused, StoreUnavailable
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World
from routing.store import database
from routing.store.tables import DECISIONS, IDEMPOTENCY_KEYS, OUTCOMES
from tests.service.conftest import SORE_THROAT, STEMI, Clock, Open
from tests.service.test_access_everywhere import events

KEY = "7f0c-MARK-KEY"
ACCEPTED = {"outcome": "accepted", "by": "triagist"}


def count(world: World, table: sa.Table) -> int:
    with database.reading(world.engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def kept(world: World) -> list[Any]:
    with database.reading(world.engine) as connection:
        return list(connection.execute(sa.select(IDEMPOTENCY_KEYS)).mappings())


def test_the_same_request_gets_the_same_answer_to_the_last_byte(world: World, open_world: Open, asker: Asker) -> None:
    first = service.decide(world, STEMI, asker, KEY)
    reordered = dict(reversed(STEMI.items()))
    for where in (world, open_world()):
        assert orjson.dumps(service.decide(where, reordered, asker, KEY)) == orjson.dumps(first)
    assert count(world, DECISIONS) == 1
    assert [event["event"] for event in events(world)] == ["create", "read", "read"]


def test_a_key_stands_for_one_request_of_one_asker(world: World, asker: Asker) -> None:
    made = service.decide(world, STEMI, asker, KEY)
    with pytest.raises(KeyReused):
        service.decide(world, SORE_THROAT, asker, KEY)
    with pytest.raises(KeyReused):
        outcomes.record_outcome(world, made["id"], ACCEPTED, asker, KEY)
    found = service.authenticate(world, service.create_key(world, "another", frozenset({"triagist"})))
    assert found is not None
    assert service.decide(world, SORE_THROAT, found, KEY)["id"] != made["id"]
    assert (count(world, DECISIONS), count(world, OUTCOMES)) == (2, 0)


def test_an_outcome_is_recorded_once(world: World, open_world: Open, asker: Asker) -> None:
    made = service.decide(world, STEMI, asker)["id"]
    first = outcomes.record_outcome(world, made, ACCEPTED, asker, KEY)
    assert orjson.dumps(outcomes.record_outcome(open_world(), made, ACCEPTED, asker, KEY)) == orjson.dumps(first)
    assert count(world, OUTCOMES) == 1
    with pytest.raises(KeyReused):
        outcomes.record_outcome(world, made, {"event": "departed"}, asker, KEY)


def test_a_request_that_was_refused_leaves_no_key(world: World, asker: Asker) -> None:
    with pytest.raises(BadInput):
        service.decide(world, {**STEMI, "supersedes": "nothing"}, asker, KEY)
    assert kept(world) == []
    service.decide(world, STEMI, asker, KEY)


def test_no_record_no_key(world: World, asker: Asker) -> None:
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE records RENAME TO elsewhere")
    with pytest.raises(StoreUnavailable):
        service.decide(world, STEMI, asker, KEY)
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO records")
    assert kept(world) == []
    assert world.under_way == {}
    assert service.decide(world, STEMI, asker, KEY)["id"]


def test_of_many_at_once_one_decides(world: World, open_world: Open, asker: Asker) -> None:
    worlds = [world, open_world(), open_world()]

    def ask(number: int) -> bytes | None:
        try:
            return orjson.dumps(service.decide(worlds[number % 3], STEMI, asker, KEY))
        except InFlight:
            return None

    with ThreadPoolExecutor(6) as threads:
        answers = {each for each in threads.map(ask, range(18)) if each is not None}
    assert len(answers) == 1
    assert count(world, DECISIONS) == 1


def test_who_was_overtaken_while_deciding_answers_what_the_other_recorded(
    world: World, open_world: Open, asker: Asker
) -> None:
    other, looked = open_world(), []
    look = repeats._entry_of

    def overtaken(*arguments: Any) -> Any:
        found = look(*arguments)
        if not looked:
            looked.append(found)
            with patch.object(repeats, "_entry_of", look):
                looked.append(service.decide(other, STEMI, asker, KEY))
        return found

    with patch.object(repeats, "_entry_of", overtaken):
        answer = service.decide(world, STEMI, asker, KEY)
    assert looked == [None, answer]
    assert count(world, DECISIONS) == 1


def test_while_a_request_is_carried_out_the_same_one_is_told_to_wait(world: World, asker: Asker) -> None:
    seen: list[Callable[[], Any]] = []
    decide_here = service.decide_here

    def slowly(*arguments: Any) -> Any:
        with pytest.raises(InFlight):
            service.decide(world, STEMI, asker, KEY)
        seen.append(decide_here)
        return decide_here(*arguments)

    with patch.object(service, "decide_here", slowly):
        service.decide(world, STEMI, asker, KEY)
    assert len(seen) == 1


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_also_while_another_process_is_recording_it(world: World, open_world: Open, asker: Asker) -> None:
    request = repeats.once(world, asker, KEY, "decide", STEMI)
    with database.writing(open_world().engine) as connection:
        repeats.claim(connection, request, world.clock())
        with pytest.raises(InFlight):
            service.decide(world, STEMI, asker, KEY)
        service.decide(world, STEMI, asker, "another key")
        connection.rollback()  # as if that process had died
    assert service.decide(world, STEMI, asker, KEY)["id"]


def test_a_key_is_forgotten_when_its_time_is_over(world: World, asker: Asker, clock: Clock) -> None:
    first = service.decide(world, STEMI, asker, KEY)
    other = service.decide(world, STEMI, asker, "other")
    clock.now += repeats.KEPT - timedelta(seconds=1)
    assert service.decide(world, STEMI, asker, KEY) == first
    clock.forward(seconds=1)
    assert service.decide(world, STEMI, asker, KEY)["id"] != first["id"]
    sequence_all(world)
    assert [str(row["decision_id"]) for row in kept(world)] not in ([first["id"]], [other["id"]])
    assert len(kept(world)) == 1


def test_of_what_was_erased_the_key_says_only_that(world: World, asker: Asker) -> None:
    made = service.decide(world, STEMI, asker, KEY)["id"]
    outcomes.record_outcome(world, made, ACCEPTED, asker, "outcome")
    erasure.erase(world, [made], "test_data", replace(asker, roles=frozenset({"operator"})))
    assert [row["request"] for row in kept(world)] == [None, None]
    for body in (STEMI, SORE_THROAT):
        with pytest.raises(Erased):
            service.decide(world, body, asker, KEY)
    with pytest.raises(Erased):
        outcomes.record_outcome(world, made, ACCEPTED, asker, "outcome")


def test_nothing_of_the_request_can_be_guessed_from_what_is_kept(world: World, asker: Asker) -> None:
    service.decide(world, STEMI, asker, KEY)
    (row,) = kept(world)
    said = orjson.dumps(STEMI, option=orjson.OPT_SORT_KEYS)
    for guess in (KEY.encode(), said, b"decide" + said, asker.key_id.encode() + KEY.encode()):
        assert hashlib.sha256(guess).hexdigest() not in (row["key"], row["request"])
    assert KEY not in repr(row)
