"""The log of decisions as it is kept: whatever is done to it in the database is found, and nothing that is true is."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from alembic import command, config
from uuid_utils.compat import uuid7

from routing import capsules, keys_here, log_proofs, outcomes, service
from routing.directory_here import add_packaged
from routing.erasure import erase
from routing.errors import BadRecord, KeysUnusable, StoreUnavailable
from routing.keyring import new_keyring, read_keyring, write_keyring
from routing.keys_here import ACCESS_LOG
from routing.log.canonical import canonical, digest, plain
from routing.log.capsule import verify
from routing.log.capsule_form import read_capsule
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import EMPTY, append, leaf_hash, root, verify_consistency, verify_inclusion
from routing.log.note import Checkpoint, checkpoint_text, new_signer, opened, read_checkpoint, read_vkey, sign
from routing.log.record import as_version_1
from routing.log_check import check_log
from routing.packaged import directory_document
from routing.rights import Asker
from routing.sequencer import sequence, sequence_all
from routing.service import World
from routing.store import database, records, sources
from routing.store import log as store
from routing.store.packing import pack
from routing.store.tables import LOG_CHECKPOINTS, LOG_ENTRIES, LOG_KEYS, LOG_TILES, RECORD_KEYS, RECORDS
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock, Open

ELSEWHERE = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}
KEPT = (LOG_ENTRIES, RECORDS, RECORD_KEYS, LOG_TILES, LOG_CHECKPOINTS, LOG_KEYS)


def checked_capsule(world: World, decision_id: str, *trusted: str) -> str:
    data = orjson.dumps(capsules.capsule_of(world, decision_id, AUDITOR))
    return verify(read_capsule(data), [read_vkey(key) for key in trusted]).verdict


def problems(world: World, log: str = DECISIONS_LOG, *, with_records: bool = True) -> list[str]:
    found = check_log(world, log, with_records=with_records).wire()
    assert (found["verdict"] == "failed") == bool(found["problems"])
    problems: list[str] = found["problems"]
    return problems


@pytest.fixture
def made(world: World, asker: Asker, clock: Clock) -> list[str]:
    """Decisions, each under a checkpoint of its own, and an outcome of the first one."""
    ids = []
    for case in (STEMI, SORE_THROAT, STEMI):
        ids.append(service.decide(world, case, asker)["id"])
        clock.forward(seconds=1)
        sequence(world, DECISIONS_LOG)
    outcomes.record_outcome(world, ids[0], ELSEWHERE, asker)
    sequence(world, DECISIONS_LOG)
    return ids


@contextmanager
def tampered(world: World, harm: Callable[[sa.Connection], None]) -> Iterator[None]:
    """The database after `harm`, and afterwards as it was before."""
    with database.writing(world.engine) as connection:
        before = {table: [dict(row) for row in connection.execute(sa.select(table)).mappings()] for table in KEPT}
        harm(connection)
    yield
    with database.writing(world.engine) as connection:
        for table in (RECORD_KEYS, RECORDS, LOG_TILES, LOG_CHECKPOINTS, LOG_KEYS):
            connection.execute(table.delete())
        connection.execute(LOG_ENTRIES.delete().where(LOG_ENTRIES.c.decision_id.is_not(None)))
        connection.execute(LOG_ENTRIES.delete())
        for table, rows in before.items():
            rows.sort(key=lambda row: row.get("decision_id") is not None)
            if rows:
                connection.execute(table.insert(), rows)


# -- what is done to it -----------------------------------------------------------------------------------------------

_E = LOG_ENTRIES.c


def _at(connection: sa.Connection, position: int) -> Any:
    query = sa.select(LOG_ENTRIES).where(_E.log == DECISIONS_LOG, _E.position == position)
    return connection.execute(query).one()


def _set(connection: sa.Connection, entry_id: UUID, **values: Any) -> None:
    connection.execute(LOG_ENTRIES.update().where(_E.id == entry_id).values(**values))


def _forget(connection: sa.Connection, entry_id: UUID) -> None:
    records.destroy(connection, [entry_id])
    connection.execute(LOG_ENTRIES.delete().where(_E.id == entry_id))


def _byte_of_an_entry(connection: sa.Connection) -> None:
    row = _at(connection, 1)
    _set(connection, row.id, entry=row.entry[:-9] + bytes([row.entry[-9] ^ 1]) + row.entry[-8:])


def _entry_deleted(connection: sa.Connection) -> None:
    _forget(connection, _at(connection, 1).id)


def _last_entry_deleted(connection: sa.Connection) -> None:
    _forget(connection, _at(connection, 3).id)


def _gap_filled_from_below(connection: sa.Connection) -> None:
    row = _at(connection, 1)
    _set(connection, row.id, position=-1)


def _entries_swapped(connection: sa.Connection) -> None:
    one, other = _at(connection, 1), _at(connection, 2)
    _set(connection, one.id, position=99)
    _set(connection, other.id, position=1)
    _set(connection, one.id, position=2)


def _contents_swapped(connection: sa.Connection) -> None:
    one, other = _at(connection, 1), _at(connection, 2)
    _set(connection, one.id, entry=other.entry)
    _set(connection, other.id, entry=one.entry)


def _entry_added(connection: sa.Connection) -> None:
    row = _at(connection, 1)
    values = {**row._mapping, "id": uuid7(), "position": 4}
    connection.execute(LOG_ENTRIES.insert(), values)


def _entry_of_another_kind(connection: sa.Connection) -> None:
    """So that the record of the first decision looks as if it was erased."""
    _set(connection, _at(connection, 3).id, kind="erasure")
    first = _at(connection, 0).id
    records.destroy(connection, [first])


def _checkpoint_changed(connection: sa.Connection) -> None:
    note = connection.scalar(sa.select(LOG_CHECKPOINTS.c.note).where(LOG_CHECKPOINTS.c.size == 2))
    changed = note.replace("\n2\n", "\n3\n", 1)
    connection.execute(LOG_CHECKPOINTS.update().where(LOG_CHECKPOINTS.c.size == 2).values(note=changed))


def _checkpoint_of_another(connection: sa.Connection) -> None:
    note = connection.scalar(sa.select(LOG_CHECKPOINTS.c.note).where(LOG_CHECKPOINTS.c.size == 3))
    connection.execute(LOG_CHECKPOINTS.update().where(LOG_CHECKPOINTS.c.size == 2).values(note=note))


def _newest_checkpoint_gone(connection: sa.Connection) -> None:
    connection.execute(LOG_CHECKPOINTS.delete().where(LOG_CHECKPOINTS.c.size == 4))


def _record_gone(connection: sa.Connection) -> None:
    records.destroy(connection, [_at(connection, 1).id])


def _key_of_a_record_gone(connection: sa.Connection) -> None:
    connection.execute(RECORD_KEYS.delete().where(RECORD_KEYS.c.id == _at(connection, 3).id))


def _record_changed(connection: sa.Connection) -> None:
    entry_id = _at(connection, 1).id
    sealed = connection.scalar(sa.select(RECORDS.c.sealed).where(RECORDS.c.id == entry_id))
    connection.execute(RECORDS.update().where(RECORDS.c.id == entry_id).values(sealed=sealed[:-1] + b"\0"))


def _records_swapped(connection: sa.Connection) -> None:
    one, other = _at(connection, 1).id, _at(connection, 2).id
    kept = records.read_all(connection, [one, other])
    records.destroy(connection, [one, other])
    records.keep(connection, one, kept[other])
    records.keep(connection, other, kept[one])


def _tile_changed(connection: sa.Connection) -> None:
    connection.execute(LOG_TILES.update().where(LOG_TILES.c.log == DECISIONS_LOG).values(hashes=bytes(4 * 32)))


def _key_changed(connection: sa.Connection) -> None:
    where = (LOG_KEYS.c.log == DECISIONS_LOG, LOG_KEYS.c.number == 0)
    vkey = connection.scalar(sa.select(LOG_KEYS.c.vkey).where(*where))
    connection.execute(LOG_KEYS.update().where(*where).values(vkey=vkey[:-2] + ("A=" if vkey[-2] != "A" else "B=")))


FOUND: dict[Callable[[sa.Connection], None], str] = {
    _byte_of_an_entry: "the entries are not those that were signed",
    _entry_deleted: "positions are missing",
    _last_entry_deleted: "does not have as many",
    _gap_filled_from_below: "positions are missing",
    _entries_swapped: "the entries are not those that were signed",
    _contents_swapped: "kept as another one than it says itself",
    _entry_added: "1 entries have a place in the tree that nobody signed",
    _entry_of_another_kind: "kept as another one than it says itself",
    _checkpoint_changed: "was changed or forged",
    _checkpoint_of_another: "another log or another size",
    _newest_checkpoint_gone: "a place in the tree that nobody signed",
    _record_gone: "is gone, and no erasure stands in the log",
    _key_of_a_record_gone: "is gone, and no erasure stands in the log",
    _record_changed: "a sealed record is damaged",
    _records_swapped: "is damaged, or is not the one of this entry",
    _tile_changed: "tile 0/0 of the tree is not that of the entries",
    _key_changed: "signature of a known key",
}


def test_whatever_is_done_to_the_log_is_found(world: World, made: list[str]) -> None:
    assert problems(world) == []
    missed = []
    for harm, words in FOUND.items():
        with tampered(world, harm):
            found = problems(world)
            if not any(words in problem for problem in found):
                missed.append((harm.__name__, found))
        assert problems(world) == [], "it was put back"
    assert missed == []
    assert [checked_capsule(world, each) for each in made] == ["verified"] * 3


def test_a_tile_in_the_middle_of_a_long_log_that_is_changed_is_found(world: World) -> None:
    with database.writing(world.engine) as connection:
        for number in range(600):
            store.add(connection, ACCESS_LOG, uuid7(), "test", b"%d" % number, world.clock())
    sequence_all(world)
    assert problems(world, ACCESS_LOG) == []
    for level, number in ((0, 0), (0, 1), (0, 2), (1, 0)):

        def harm(connection: sa.Connection, level: int = level, number: int = number) -> None:
            where = (LOG_TILES.c.log == ACCESS_LOG, LOG_TILES.c.level == level, LOG_TILES.c.number == number)
            hashes = connection.scalar(sa.select(LOG_TILES.c.hashes).where(*where))
            connection.execute(LOG_TILES.update().where(*where).values(hashes=bytes(32) + hashes[32:]))

        with tampered(world, harm):
            assert problems(world, ACCESS_LOG) == [f"tile {level}/{number} of the tree is not that of the entries"]


def test_what_stands_in_the_log_of_one_decision_is_not_that_of_another(world: World, made: list[str]) -> None:
    """Whoever writes in the database can not pass off a record of their own: its key cannot be wrapped without ours."""

    def harm(connection: sa.Connection) -> None:
        first, second = _at(connection, 0), _at(connection, 1)
        wrapped = connection.execute(sa.select(RECORD_KEYS).where(RECORD_KEYS.c.id == first.id)).one()
        values = {"wrapped": wrapped.wrapped, "sealing_key": wrapped.sealing_key}
        connection.execute(RECORD_KEYS.update().where(RECORD_KEYS.c.id == second.id).values(**values))

    with tampered(world, harm), pytest.raises(BadRecord):
        service.decision(world, made[1], AUDITOR)


def test_a_tree_that_somebody_else_made_is_never_signed_on(world: World, made: list[str], asker: Asker) -> None:
    """Whoever writes in the database rewrites all of the past, tiles and checkpoint as well."""

    def harm(connection: sa.Connection) -> None:
        _byte_of_an_entry(connection)
        entries = [_at(connection, position).entry for position in range(4)]
        connection.execute(
            LOG_TILES.update().where(LOG_TILES.c.log == DECISIONS_LOG).values(hashes=b"".join(map(leaf_hash, entries)))
        )
        origin = keys_here.origin_of(connection, DECISIONS_LOG)
        stranger = new_signer(origin, bytes([7]) * 32)
        hashes = [leaf_hash(entry) for entry in entries]
        text = checkpoint_text(Checkpoint(origin, 4, root(append(EMPTY, hashes))))
        note = sign(text, [stranger])
        connection.execute(
            LOG_CHECKPOINTS.update()
            .where(LOG_CHECKPOINTS.c.log == DECISIONS_LOG, LOG_CHECKPOINTS.c.size == 4)
            .values(note=note)
        )

    with tampered(world, harm):
        late = service.decide(world, SORE_THROAT, asker)["id"]
        with pytest.raises(BadRecord):
            sequence(world, DECISIONS_LOG)
        with database.reading(world.engine) as connection:
            found = store.read(connection, DECISIONS_LOG, UUID(late))
        assert found is not None
        assert found.position is None


# -- proofs -----------------------------------------------------------------------------------------------------------


def test_every_decision_has_a_proof_and_every_state_of_the_log_is_the_start_of_the_next(
    world: World, made: list[str], asker: Asker
) -> None:
    made.append(service.decide(world, SORE_THROAT, asker)["id"])  # waits, and is given its place when it is asked for
    keys = [read_vkey(key["vkey"]) for key in log_proofs.log_keys(world)["keys"]]
    positions = []
    for each in made:
        found = log_proofs.inclusion(world, each)
        signed = read_checkpoint(opened(found["checkpoint"], keys).text)
        proof = [base64.b64decode(text) for text in found["proof"]]
        leaf = leaf_hash(found["entry"].encode())
        assert verify_inclusion(leaf, found["position"], signed.size, proof, signed.root)
        assert (signed.size, json.loads(found["entry"])["id"]) == (found["size"], each)
        positions.append(found["position"])
    assert positions == [0, 1, 2, 4]
    for first in range(1, 6):
        for last in (*range(first, 6), None):
            found = log_proofs.consistency(world, first, last)
            proof = [base64.b64decode(text) for text in found["proof"]]
            roots = [base64.b64decode(found[name]) for name in ("from_root", "to_root")]
            assert verify_consistency(first, roots[0], last or 5, roots[1], proof)
            signed = read_checkpoint(opened(found["checkpoint"], keys).text)
            assert signed.root == roots[1]
    assert log_proofs.checkpoint(world) == log_proofs.inclusion(world, made[0])["checkpoint"]


# -- what is erased ---------------------------------------------------------------------------------------------------


def test_what_was_erased_is_proven_to_have_been_there_and_the_rest_stays_as_it_was(
    world: World, made: list[str]
) -> None:
    erase(world, [made[0]], "patient_request", AUDITOR)
    sequence_all(world)
    assert problems(world) == []
    assert check_log(world).wire()["erased"] == 2, "the decision and its outcome"
    verdict = verify(read_capsule(orjson.dumps(capsules.capsule_of(world, made[0], AUDITOR, ["patient"]))))
    assert verdict.verdict == "verified"
    assert {check.id: check.ok for check in verdict.checks}["erasure"] is True
    assert checked_capsule(world, made[1]) == "verified"


# -- keys -------------------------------------------------------------------------------------------------------------


def test_after_a_rotation_everything_stays_verifiable(
    world: World, made: list[str], asker: Asker, open_world: Open, tmp_path: Path
) -> None:
    first_key = log_proofs.log_keys(world)["keys"][0]["vkey"]
    other_machine = tmp_path / "other.keys"
    shutil.copy(tmp_path / "wegwijs.keys", other_machine)
    there = open_world(keys=other_machine)
    assert checked_capsule(there, made[0], first_key) == "verified"
    said = keys_here.rotate(world, world.clock(), signing=True, sealing=True)
    assert len(said) == 3
    late = service.decide(world, SORE_THROAT, asker)["id"]
    with pytest.raises(KeysUnusable, match="take the newest file to every machine"):
        sequence(there, DECISIONS_LOG)
    with pytest.raises(KeysUnusable, match="does not hold the sealing key"):
        service.decision(there, late, AUDITOR)
    shutil.copy(tmp_path / "wegwijs.keys", other_machine)
    assert sequence(there, DECISIONS_LOG) == 1, "without a restart"
    assert service.decision(there, late, AUDITOR)["id"] == late
    newest = log_proofs.log_keys(world)["keys"][-1]["vkey"]
    for each in (made[0], late):
        assert checked_capsule(world, each, first_key) == "verified"
        assert checked_capsule(there, each, newest) == "verified"
        assert checked_capsule(
            world, each, "wegwijs/x+96a1c8c6+AfXK1vM2rVv1kjvv3Ye0bmA8p8oQBYVtRz3W2Zy0b6aI"[:0] or first_key
        )
    for log in (DECISIONS_LOG, ACCESS_LOG):
        sequence_all(world)
        assert problems(world, log) == []


def test_a_rotation_that_fails_leaves_the_keys_in_use_as_they_were(
    world: World, made: list[str], asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "add_key", fails)
        with pytest.raises(StoreUnavailable):
            keys_here.rotate(world, world.clock(), signing=True, sealing=True)
    keys_here.forget_keyring(world)
    keyring = read_keyring(tmp_path / "wegwijs.keys")
    assert keyring is not None
    late = service.decide(world, SORE_THROAT, asker)["id"]
    with database.reading(world.engine) as connection:
        used = set(connection.scalars(sa.select(RECORD_KEYS.c.sealing_key)))
        assert used == {store.keys(connection, keys_here.SEALING)[-1].vkey}, "no other machine would have the new one"
    assert checked_capsule(world, late) == "verified"
    assert len(keys_here.rotate(world, world.clock(), signing=True, sealing=False)) == 2
    assert [checked_capsule(world, each) for each in (made[0], late)] == ["verified"] * 2


def test_a_file_of_keys_that_is_not_there_or_another_one_says_what_to_do(
    world: World, asker: Asker, open_world: Open, tmp_path: Path
) -> None:
    missing = tmp_path / "elsewhere" / "wegwijs.keys"
    with pytest.raises(KeysUnusable, match="put it there, or say where it is with WEGWIJS_KEYS"):
        service.upgrade(open_world(keys=missing))
    assert not missing.exists(), "new keys in its place would be those of another log"
    with pytest.raises(KeysUnusable, match="WEGWIJS_KEYS"):
        service.decide(open_world(keys=missing), STEMI, asker)

    write_keyring(missing, new_keyring(secrets.token_bytes))
    for use in (service.upgrade, lambda opened: service.decide(opened, STEMI, asker)):
        with pytest.raises(KeysUnusable, match="is not that of this log, or an old one") as refused:
            use(open_world(keys=missing))
        assert str(missing) in str(refused.value)
    ready, found = service.ready(open_world(keys=missing))
    assert (ready, found["fault"]) == (False, "the file of keys is not there, or is not that of this log")

    missing.chmod(0o644)
    with pytest.raises(KeysUnusable, match="chmod 600"):
        service.decide(open_world(keys=missing), STEMI, asker)


# -- before the log ---------------------------------------------------------------------------------------------------


def _upgrade_to(world: World, step: str) -> None:
    with database.writing(world.engine) as connection:
        settings = config.Config(attributes={"connection": connection})
        settings.set_main_option("script_location", "routing.store:migrations")
        command.upgrade(settings, step)


def _tables(connection: sa.Connection, *names: str) -> list[sa.Table]:
    found = sa.MetaData()
    found.reflect(connection, only=names)
    return [found.tables[name] for name in names]


def _as_it_was(world: World, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decisions and an outcome as the software wrote them that had no log; their records."""
    now, key = world.clock(), uuid7()
    with database.writing(world.engine) as connection:
        add_packaged(connection, directory_document(), service.PACKAGED, world.words, now)
        (api_keys,) = _tables(connection, "api_keys")
        secret = {"key_sha256": "0" * 64, "roles": "triagist", "bootstrap": False, "created_at": now}
        connection.execute(api_keys.insert(), {"id": _uuid(connection, key), "label": "old", **secret})
    asker = Asker(str(key), "old", frozenset({"triagist"}))
    made = [service._decide(world, case, asker) for case in cases]
    written = [as_version_1({**each.record, "asker": {"key": str(key), "roles": ["triagist"]}}) for each in made]
    outcome = {
        "version": 1,
        "id": str(uuid7()),
        "decision": written[0]["id"],
        "recorded_at": now.isoformat(),
        "outcome": "accepted",
        "by": "triagist",
        "reason": None,
        "comment": None,
        "recommended": written[0]["result"]["recommendation"]["facility"]["id"],
        "destination": written[0]["result"]["recommendation"]["facility"]["id"],
        "asker": {"key": str(key), "roles": ["triagist"]},
    }
    with database.writing(world.engine) as connection:
        decisions, kept = _tables(connection, "decisions", "outcomes")
        for each, record in zip(made, written, strict=True):
            sources.keep_vocabulary(connection, each.rules.vocabulary, now)
            sources.keep_ruleset(connection, each.rules, now)
            connection.execute(
                decisions.insert(),
                {
                    "id": _uuid(connection, UUID(record["id"])),
                    "decided_at": now,
                    "urgency": int(record["result"]["urgency"]["level"][1]),
                    "facility_id": record["result"]["recommendation"]["facility"]["id"],
                    "channel": record["case"].get("channel"),
                    "ruleset_digest": each.rules.digest,
                    "vocabulary_digest": each.rules.vocabulary.digest,
                    "directory_revision": 1,
                    "key_id": _uuid(connection, key),
                    "entry": pack(canonical(record)),
                    "entry_digest": digest(canonical(record)),
                },
            )
        about = {"decision_id": _uuid(connection, UUID(outcome["decision"])), "key_id": _uuid(connection, key)}
        kept_as = {"record": pack(canonical(outcome)), "record_digest": digest(canonical(outcome))}
        values = {"id": _uuid(connection, UUID(outcome["id"])), "recorded_at": now, **about, **kept_as}
        connection.execute(kept.insert(), values)
    return written


def _uuid(connection: sa.Connection, value: Any) -> Any:
    """An id as a table that was read back from SQLite takes it."""
    return UUID(str(value)) if connection.dialect.name == "postgresql" else UUID(str(value)).hex


def test_records_from_before_the_log_are_adopted(open_world: Open, clock: Clock) -> None:
    world = open_world()
    _upgrade_to(world, "0004")
    written = _as_it_was(world, [STEMI, SORE_THROAT, {**STEMI, "observations": {"ecg_st_elevation": True}}])
    clock.forward(days=1)
    service.upgrade(world)
    service.upgrade(world)  # once more changes nothing
    sequence_all(world)
    assert problems(world) == []
    assert check_log(world).wire()["entries"] == 4
    for record in written:
        assert orjson.loads(service.record_of(world, record["id"], AUDITOR, "read")) == orjson.loads(canonical(record))
        assert service.replay(world, record["id"], AUDITOR)["identical"]
        data = orjson.dumps(capsules.capsule_of(world, record["id"], AUDITOR))
        verdict = verify(read_capsule(data))
        assert verdict.verdict == "verified", verdict.checks
        assert {check.id: check.ok for check in verdict.checks}["replay"] is True
        hidden = verify(read_capsule(orjson.dumps(capsules.capsule_of(world, record["id"], AUDITOR, ["age"]))))
        assert hidden.verdict == "verified", hidden.checks
    (outcome,) = outcomes.outcomes_of(world, written[0]["id"], AUDITOR)["outcomes"]
    assert outcome["outcome"] == "accepted"
    entry = plain(log_proofs.inclusion(world, written[0]["id"])["entry"].encode())
    assert (entry["record"], entry["at"]) == (1, written[0]["decided_at"])


def test_a_damaged_record_from_before_the_log_is_not_adopted_and_nothing_is_changed(
    open_world: Open, clock: Clock
) -> None:
    world = open_world()
    _upgrade_to(world, "0004")
    written = _as_it_was(world, [STEMI])
    with database.writing(world.engine) as connection:
        (decisions,) = _tables(connection, "decisions")
        connection.execute(decisions.update().values(entry=pack(canonical({**written[0], "software": "x"}))))
    with pytest.raises(BadRecord, match="does not match its digest"):
        service.upgrade(world)
    with database.reading(world.engine) as connection:
        assert "log_entries" not in sa.inspect(connection).get_table_names()
        (decisions,) = _tables(connection, "decisions")
        assert "entry" in decisions.c
