"""Promises about erasing: what is about the patient is gone for good, and the log still verifies."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa

from routing import erasure, outcomes, service
from routing.errors import BadInput, BadRecord, Erased, NotFound
from routing.keys_here import keyring_of
from routing.log.entry import DECISIONS_LOG, read_entry
from routing.log.merkle import leaf_hash, root_from
from routing.log.note import opened, read_checkpoint, read_vkey
from routing.log.sealing import pseudonym
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World
from routing.store import database, erasing, log
from routing.store.tables import (
    DECISION_CONDITIONS,
    DECISION_RULES,
    DECISIONS,
    LOG_ENTRIES,
    METADATA,
    OUTCOMES,
    RECORD_KEYS,
    RECORDS,
    RESERVATIONS,
)
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock

OPERATOR = Asker("", "command line", frozenset({"operator"}))
OVERRIDDEN = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}


def decided(world: World, asker: Asker, case: dict[str, Any] = STEMI, **more: Any) -> str:
    """The id of a decision with an outcome, both of which stand in the tree."""
    decision_id = str(service.decide(world, {**case, **more}, asker)["id"])
    outcomes.record_outcome(world, decision_id, OVERRIDDEN, asker)
    sequence_all(world)
    return decision_id


def rows(world: World, table: sa.Table) -> list[Any]:
    with database.reading(world.engine) as connection:
        return list(connection.execute(sa.select(table)).mappings())


def everything(world: World) -> dict[str, list[Any]]:
    """All that stands in the database, without who looked: also a look that changes nothing is noted."""
    kept = {table.name: rows(world, table) for table in METADATA.sorted_tables if table.name != "access_subjects"}
    kept["log_entries"] = [row for row in kept["log_entries"] if row["log"] == DECISIONS_LOG]
    return {name: sorted(map(repr, found)) for name, found in kept.items()}


def verified(world: World) -> int:
    """How many entries the newest checkpoint is about, after its signature was checked and its root made anew of the
    entries themselves."""
    with database.reading(world.engine) as connection:
        head = log.head(connection, DECISIONS_LOG)
        assert head is not None
        verifiers = [read_vkey(key.vkey) for key in log.keys(connection, DECISIONS_LOG)]
        entries = [entry for _, entry in log.bytes_between(connection, DECISIONS_LOG, 0, head[0])]
    signed = read_checkpoint(opened(head[1], verifiers).text)
    assert root_from(map(leaf_hash, entries)) == (signed.size, signed.root)
    return signed.size


# -- what is gone, and what stays


def test_what_was_erased_cannot_be_read_by_anybody(world: World, asker: Asker) -> None:
    erased, other = decided(world, asker), decided(world, asker, SORE_THROAT)
    (said,) = erasure.erase(world, [erased], "patient_request", OPERATOR)
    assert (said["decision"], said["outcomes"]) == (erased, 1)
    for ask in (service.decision, service.replay, outcomes.outcomes_of):
        with pytest.raises(Erased):
            ask(world, erased, AUDITOR)
    with pytest.raises(Erased):
        outcomes.record_outcome(world, erased, OVERRIDDEN, asker)
    assert service.replay(world, other, AUDITOR)["identical"]
    assert len(outcomes.outcomes_of(world, other, AUDITOR)["outcomes"]) == 1


def test_of_what_was_erased_only_when_and_how_urgent_is_left(world: World, asker: Asker) -> None:
    erased, other = decided(world, asker, reference="ZCC-1"), decided(world, asker)
    before = next(found for found in service.search(world, AUDITOR)["decisions"] if found["id"] == erased)
    erasure.erase(world, [erased], "wrong_patient", OPERATOR)
    (after,) = [found for found in service.search(world, AUDITOR)["decisions"] if found["id"] == erased]
    gone = {"conditions": [], "facility": None, "channel": None, "reason": None, "erased": True}
    assert after == {**before, **gone}
    ids = (UUID(erased), UUID(other))
    for table in (DECISION_CONDITIONS, DECISION_RULES, RESERVATIONS):
        assert {row["decision_id"] for row in rows(world, table)} <= {ids[1]}
    (row,) = [row for row in rows(world, DECISIONS) if row["id"] == ids[0]]
    assert (row["patient"], row["rules"]) == (None, None)
    (outcome,) = [row for row in rows(world, OUTCOMES) if row["decision_id"] == ids[0]]
    assert (outcome["facility_id"], outcome["reason"], outcome["outcome"]) == (None, None, "overridden")
    assert len(rows(world, RECORDS)) == len(rows(world, RECORD_KEYS)) == 2


def test_the_log_says_who_erased_and_why_and_nothing_of_the_patient(world: World, asker: Asker) -> None:
    decision_id = decided(world, asker)
    erasure.erase(world, [decision_id], "court_order", OPERATOR)
    (entry,) = [row["entry"] for row in rows(world, LOG_ENTRIES) if row["kind"] == "erasure"]
    found = read_entry(entry)
    assert (found["decision"], found["why"]) == (decision_id, "court_order")
    assert found["asker"] == {"key": "", "organisation": None, "roles": ["operator"]}


def test_the_log_still_verifies_after_an_erasure(world: World, asker: Asker) -> None:
    ids = [decided(world, asker, case) for case in (STEMI, SORE_THROAT, STEMI)]
    before = [row["entry"] for row in rows(world, LOG_ENTRIES)]
    assert verified(world) == 6
    erasure.erase(world, ids[:2], "patient_request", OPERATOR)
    assert verified(world) == 6, "what was signed before still holds"
    assert set(before) < {row["entry"] for row in rows(world, LOG_ENTRIES)}
    sequence_all(world)
    assert verified(world) == 8


def test_a_record_that_is_put_back_without_its_key_is_of_no_use(world: World, asker: Asker) -> None:
    decision_id = decided(world, asker)
    (kept, *_) = [row for row in rows(world, RECORDS) if str(row["id"]) == decision_id]
    erasure.erase(world, [decision_id], "patient_request", OPERATOR)
    (other,) = rows(world, RECORD_KEYS) or [None]
    assert other is None
    another = decided(world, asker)
    (key,) = [row for row in rows(world, RECORD_KEYS) if str(row["id"]) == another]
    with database.writing(world.engine) as connection:
        connection.execute(RECORDS.insert(), dict(kept))
    with pytest.raises(Erased):
        service.decision(world, decision_id, AUDITOR)
    with database.writing(world.engine) as connection:
        connection.execute(RECORD_KEYS.insert(), {**key, "id": UUID(decision_id)})
    with pytest.raises(BadRecord):
        service.decision(world, decision_id, AUDITOR)


def test_erasing_twice_is_the_same_as_once(world: World, asker: Asker, clock: Clock) -> None:
    ids = [decided(world, asker), decided(world, asker, SORE_THROAT)]
    first = erasure.erase(world, ids, "patient_request", OPERATOR)
    once = everything(world)
    clock.forward(days=1)
    assert erasure.erase(world, [ids[1], *ids], "court_order", OPERATOR) == first
    assert everything(world) == once


def test_nothing_is_erased_where_one_of_them_does_not_exist(world: World, asker: Asker) -> None:
    decision_id = decided(world, asker)
    for other in ("x", str(UUID(int=0))):
        with pytest.raises(NotFound):
            erasure.erase(world, [decision_id, other], "patient_request", OPERATOR)
    with pytest.raises(BadInput) as raised:
        erasure.erase(world, [decision_id], "because", OPERATOR)
    assert raised.value.faults[0].allowed == ", ".join(erasure.WHY)
    assert service.replay(world, decision_id, AUDITOR)["identical"]


def test_all_decisions_about_a_patient_are_found_by_the_reference(world: World, asker: Asker, clock: Clock) -> None:
    first = decided(world, asker, reference="ZCC-2026-1")
    clock.forward(minutes=5)
    second = decided(world, asker, reference="ZCC-2026-1", supersedes=first)
    other = decided(world, asker, reference="ZCC-2026-2")
    found = erasure.decisions_of(world, reference="ZCC-2026-1")
    assert found == [second, first]
    name = pseudonym(keyring_of(world).naming, "ZCC-2026-1")
    assert erasure.decisions_of(world, patient=name) == found
    seen = erasure.look(world, found, "patient_request")
    assert (len(seen.decisions), seen.outcomes, seen.erased, seen.held) == (2, 2, [], [])
    erasure.erase(world, found, "patient_request", OPERATOR)
    assert erasure.decisions_of(world, reference="ZCC-2026-1") == []
    left = {each["id"]: each for each in service.search(world, AUDITOR)["decisions"]}
    assert left[second]["supersedes"] == first, "they stay linked"
    assert not left[other]["erased"]


def test_an_outcome_that_comes_while_a_decision_is_erased_is_refused(
    world: World, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision_id = decided(world, asker)

    read = outcomes.read_said  # what comes after the decision was read and before anything is written

    def erase_first(*arguments: Any) -> Any:
        erasure.erase(world, [decision_id], "patient_request", OPERATOR)
        return read(*arguments)

    monkeypatch.setattr(outcomes, "read_said", erase_first)
    with pytest.raises(Erased):
        outcomes.record_outcome(world, decision_id, OVERRIDDEN, asker)
    assert rows(world, RECORDS) == []


def test_a_decision_that_waits_for_its_place_is_not_indexed_once_erased(world: World, asker: Asker) -> None:
    decision_id = service.decide(world, STEMI, asker)["id"]
    erasure.erase(world, [decision_id], "test_data", OPERATOR)
    sequence_all(world)
    assert rows(world, DECISION_RULES) == []
    assert verified(world) == 2


# -- what must not be erased


def test_a_hold_keeps_a_decision_from_all_but_a_court_order(world: World, asker: Asker) -> None:
    held, other = decided(world, asker), decided(world, asker)
    with database.writing(world.engine) as connection:
        erasing.hold(connection, UUID(held), "claim", world.clock())
    assert len(erasure.look(world, [held], "patient_request").held) == 1
    with pytest.raises(BadInput) as raised:
        erasure.erase(world, [other, held], "patient_request", OPERATOR)
    assert raised.value.faults[0].code == "held"
    assert all(service.replay(world, each, AUDITOR)["identical"] for each in (held, other))
    erasure.erase(world, [held], "court_order", OPERATOR)
    with pytest.raises(Erased):
        service.decision(world, held, AUDITOR)


# -- the file itself


def found_in(world: World, secrets: Sequence[bytes]) -> int:
    """How many of `secrets` stand in the file of the database, or in those beside it."""
    file = Path(world.engine.url.database or "")
    data = [path.read_bytes() for path in file.parent.glob(f"{file.name}*")]
    return sum(any(secret in each for each in data) for secret in secrets)


def sealed_of(world: World, decision_id: str) -> list[bytes]:
    """The wrapped key of a decision, and pieces of what is sealed under it."""
    (key,) = [row["wrapped"] for row in rows(world, RECORD_KEYS) if str(row["id"]) == decision_id]
    (sealed,) = [row["sealed"] for row in rows(world, RECORDS) if str(row["id"]) == decision_id]
    return [key, *(sealed[start : start + 24] for start in range(0, len(sealed) - 24, 256))]


def test_what_was_erased_is_not_in_the_file_any_more(world: World, asker: Asker) -> None:
    if not world.settings.embedded:
        return  # what a server leaves in its files is for its VACUUM
    decision_id = decided(world, asker)
    others = [decided(world, asker, SORE_THROAT) for _ in range(3)]
    secrets = sealed_of(world, decision_id)
    assert found_in(world, secrets) == len(secrets) > 5
    erasure.erase(world, [decision_id], "patient_request", OPERATOR)
    assert found_in(world, secrets) == 0
    assert found_in(world, sealed_of(world, others[0])) > 1


def test_nothing_stays_in_the_file_where_many_are_erased_here_and_there(world: World, asker: Asker) -> None:
    if not world.settings.embedded:
        return
    made = [decided(world, asker, SORE_THROAT)]
    (key,), (sealed,) = (
        [row for row in rows(world, table) if str(row["id"]) == made[0]] for table in (RECORD_KEYS, RECORDS)
    )
    (row,) = [row for row in rows(world, DECISIONS) if str(row["id"]) == made[0]]
    (logged,) = [row for row in rows(world, LOG_ENTRIES) if str(row["id"]) == made[0]]
    chance, secrets = random.Random(1), {}
    with database.writing(world.engine) as connection:  # many like it, each with other bytes
        for number in range(400):
            copy = UUID(int=UUID(made[0]).int + (number << 40) + 1)
            secrets[str(copy)] = [chance.randbytes(40), *(chance.randbytes(32) for _ in range(8))]
            wrapped, *parts = secrets[str(copy)]
            connection.execute(LOG_ENTRIES.insert(), {**logged, "id": copy, "position": None})
            connection.execute(DECISIONS.insert(), {**row, "id": copy})
            connection.execute(RECORD_KEYS.insert(), {**key, "id": copy, "wrapped": wrapped})
            connection.execute(RECORDS.insert(), {**sealed, "id": copy, "sealed": b"".join(parts) * 40})
    every = list(secrets)
    chance.shuffle(every)
    for start in range(0, 360, 40):
        erasure.erase(world, every[start : start + 40], "test_data", OPERATOR)
    gone = [secret for each in every[:360] for secret in secrets[each]]
    assert found_in(world, gone) == 0
    assert found_in(world, [secrets[each][0] for each in every[360:]]) == 40


def test_the_columns_of_an_outcome_follow_the_newest(world: World, asker: Asker, clock: Clock) -> None:
    decision_id = decided(world, asker)
    (found,) = service.search(world, AUDITOR, outcome="overridden", reason="clinician_order")["decisions"]
    assert found["id"] == decision_id
    clock.forward(minutes=1)
    outcomes.record_outcome(world, decision_id, {"outcome": "accepted", "by": "nurse"}, asker)
    assert service.search(world, AUDITOR, outcome="overridden")["decisions"] == []
    (found,) = service.search(world, AUDITOR, outcome="accepted")["decisions"]
    assert (found["outcome"], found["reason"]) == ("accepted", None)
    assert orjson.dumps(service.search(world, AUDITOR, outcome="none")["decisions"]) == b"[]"
