"""Promises about lists of decisions: nothing is lost or doubled, and a page reads hardly more than it shows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from routing import service
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World
from routing.store import database, decision_search, decisions, rule_index, sources
from routing.store.decision_search import Search, page
from routing.store.tables import DECISION_RULES, METADATA
from tests.service.conftest import AUDITOR, STEMI, Clock
from tests.service.test_store import NOON, row

MANY = 3_000
URGENT = {"urgency": 1, "conditions": {"cva": "suspected"}}


@pytest.fixture
def filled(world: World, asker: Asker) -> World:
    """A world with 3,000 decisions, a second or less apart, some at the same moment; one in a hundred is in `rare`."""
    chance = random.Random(4)
    with database.writing(world.engine) as connection:
        sources.keep_vocabulary(connection, world.words, NOON)
        content = {"digest": "sha256:r", "name": "r", "version": "1.0.0", "effective_from": NOON}
        connection.execute(METADATA.tables["rulesets"].insert(), {**content, "content": b"", "first_seen": NOON})
        numbers = rule_index.numbers_of(connection, ("x/often", "x/seldom"))
        ids: list[UUID] = []
        for number in range(MANY):
            added = row(world, asker, NOON + timedelta(milliseconds=chance.randrange(MANY) * 500))
            seldom = number % 100 == 0
            rules = [numbers["x/often"], *([numbers["x/seldom"]] if seldom else [])]
            changes: dict[str, Any] = {
                "urgency": chance.randrange(2, 4) if seldom else chance.randrange(1, 4),
                "conditions": dict.fromkeys(chance.sample(("stemi", "cva", "tia"), chance.randrange(3)), "suspected"),
                "facility_id": "rare" if seldom else f"place-{chance.randrange(3)}",
                "channel": chance.choice((None, "ambulance", "self")),
                "rules": rule_index.packed(rules),
                "outcome": chance.choice((None, "accepted", "overridden")),
            }
            changes["reason"] = "clinician_order" if changes["outcome"] == "overridden" else None
            added = row(world, asker, added.decided_at, **changes)
            decisions.append(connection, added)
            ids.append(added.id)
        rule_index.spread(connection, ids)
    if not world.settings.embedded:
        with world.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    return world


ASKED = (
    Search(),
    Search(since=NOON + timedelta(minutes=5), until=NOON + timedelta(minutes=6)),
    Search(urgency=1),
    Search(condition="cva"),
    Search(facility_id="rare"),
    Search(facility_id="nowhere"),
    Search(rule="x/often"),
    Search(rule="x/seldom"),
    Search(rule="x/never"),
    Search(outcome="accepted"),
    Search(outcome="none"),
    Search(reason="clinician_order"),
    Search(channel="self"),
    Search(ruleset="sha256:r"),
    Search(urgency=1, facility_id="rare"),
    Search(urgency=2, condition="stemi", channel="self"),
    Search(rule="x/seldom", outcome="overridden", since=NOON + timedelta(minutes=3)),
    Search(condition="tia", rule="x/often", outcome="none", facility_id="place-1"),
)
"""All that one may ask alone, and some of it together; one of these never comes together."""


def pages(connection: sa.Connection, wanted: Search, limit: int) -> Iterator[decision_search.Page]:
    after = None
    while True:
        found = page(connection, wanted, after, limit)
        yield found
        if (after := found.after) is None:
            return


def fits(each: decisions.Row, wanted: Search) -> bool:
    """What a search means, in plain words."""
    rules = {1: "x/often", 2: "x/seldom"}
    asked = {
        "urgency": each.urgency == wanted.urgency,
        "condition": wanted.condition in each.conditions,
        "facility_id": each.facility_id == wanted.facility_id,
        "rule": wanted.rule in [rules[number] for number in rule_index.unpacked(each.rules or b"")],
        "outcome": (each.outcome or "none") == wanted.outcome,
        "reason": each.reason == wanted.reason,
        "channel": each.channel == wanted.channel,
        "ruleset": each.ruleset_digest == wanted.ruleset,
        "since": wanted.since is not None and each.decided_at >= wanted.since,
        "until": wanted.until is not None and each.decided_at < wanted.until,
    }
    return all(holds for name, holds in asked.items() if getattr(wanted, name) is not None)


def test_every_search_finds_what_it_means_in_pages_of_any_size(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_search, "READ_AT_ONCE", 40)
    monkeypatch.setattr(decision_search, "ROUNDS", 3)
    with database.reading(filled.engine) as connection:
        everything = [each for found in pages(connection, Search(), 700) for each in found.rows]
        assert len(everything) == MANY
        assert everything == sorted(everything, key=lambda each: (each.decided_at, each.id), reverse=True)
        for wanted in ASKED:
            expected = [each for each in everything if fits(each, wanted)]
            seen = [each for found in pages(connection, wanted, 23) for each in found.rows]
            assert seen == expected, wanted
    assert sum(fits(each, ASKED[-1]) for each in everything) > 0
    assert sum(fits(each, Search(urgency=1, facility_id="rare")) for each in everything) == 0


def test_pages_lose_and_double_nothing_under_inserts(filled: World, asker: Asker) -> None:
    chance = random.Random(5)
    wanted = Search(urgency=1, condition="cva")
    with database.reading(filled.engine) as connection:
        before = [each.id for found in pages(connection, wanted, 200) for each in found.rows]
    seen: list[UUID] = []
    after = None
    while True:
        with database.reading(filled.engine) as connection:
            found = page(connection, wanted, after, 20)
        seen += [each.id for each in found.rows]
        with database.writing(filled.engine) as connection:  # also in the past: a clock may step back
            for _ in range(5):
                at = NOON + timedelta(milliseconds=chance.randrange(MANY) * 500)
                decisions.append(connection, row(filled, asker, at, **URGENT))
        if (after := found.after) is None:
            break
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in set(before)] == before


def plans_of(connection: sa.Connection, wanted: Search) -> Iterator[Any]:
    """How the database goes about each statement of one page, in its own words."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    postgres = connection.dialect.name == "postgresql"
    if postgres:  # a table as small as this it would rather read as a whole
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    sa.event.listen(connection, "before_cursor_execute", listen)
    page(connection, wanted, (NOON + timedelta(minutes=20), UUID(int=0)), 10)
    sa.event.remove(connection, "before_cursor_execute", listen)
    for statement, parameters in asked:
        explain = "EXPLAIN (ANALYZE, FORMAT JSON) " if postgres else "EXPLAIN QUERY PLAN "
        found = connection.exec_driver_sql(explain + statement, parameters).all()
        yield found[0][0][0]["Plan"] if postgres else [line[3] for line in found]


def rows_read(node: dict[str, Any]) -> int:
    """How many rows the leaves of a plan read."""
    below = node.get("Plans", [])
    own = 0 if below else (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own) + sum(map(rows_read, below))


def test_a_page_reads_no_more_rows_than_it_needs(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_search, "READ_AT_ONCE", 100)
    monkeypatch.setattr(decision_search, "ROUNDS", 1)
    for wanted in ASKED:
        questions = max(1, sum(getattr(wanted, name) is not None for name in Search.__dataclass_fields__))
        with database.reading(filled.engine) as connection:
            if filled.settings.embedded:
                for plan in plans_of(connection, wanted):
                    # what `led` holds is limited, and may be put in order again
                    sorts = "SCAN led" not in plan and any("TEMP B-TREE" in line for line in plan)
                    assert not sorts, (wanted, plan)
                    assert not [line for line in plan if line.startswith("SCAN") and line != "SCAN led"], (wanted, plan)
            else:
                read = sum(map(rows_read, plans_of(connection, wanted)))
                # each decision with its conditions; of several questions each list, then what leads and what is asked
                assert read <= (60 if questions == 1 else 100 * (questions + 4) + 60), (wanted, read)


def test_a_decision_is_found_by_its_rules_once_it_has_its_place(world: World, asker: Asker, clock: Clock) -> None:
    made = service.decide(world, STEMI, asker)
    rule = made["urgency"]["reasons"][0]["rule"]
    assert service.search(world, AUDITOR, rule=rule)["decisions"] == []
    sequence_all(world)
    (found,) = service.search(world, AUDITOR, rule=rule)["decisions"]
    assert found["id"] == made["id"]
    clock.forward(minutes=1)
    service.decide(world, STEMI, asker)
    sequence_all(world)
    sequence_all(world)
    assert len(service.search(world, AUDITOR, rule=rule)["decisions"]) == 2
    with database.reading(world.engine) as connection:
        entered = connection.execute(sa.select(DECISION_RULES)).all()
    assert len(entered) == len(set(entered))


def test_numbers_of_rules_are_packed_in_their_order() -> None:
    assert rule_index.unpacked(rule_index.packed((7, 1, 70_000))) == (1, 7, 70_000)
    assert rule_index.unpacked(rule_index.packed(())) == ()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_added_between_two_pages_loses_and_doubles_nothing(seed: int, world: World, asker: Asker) -> None:
    chance = random.Random(seed)
    with database.writing(world.engine) as connection:
        sources.keep_vocabulary(connection, world.words, NOON)
        content = {"digest": "sha256:r", "name": "r", "version": "1.0.0", "effective_from": NOON}
        connection.execute(METADATA.tables["rulesets"].insert(), {**content, "content": b"", "first_seen": NOON})

        def add() -> UUID:
            added = row(world, asker, NOON + timedelta(seconds=chance.randrange(40)))
            decisions.append(connection, added)
            return added.id

        first, seen, after = {add() for _ in range(120)}, [], None
        while True:
            found = page(connection, Search(), after, chance.randrange(1, 9))
            seen += [each.id for each in found.rows]
            if (after := found.after) is None:
                break
            for _ in range(chance.randrange(3)):
                add()
    assert len(seen) == len(set(seen))
    assert first <= set(seen)
