"""The log of decisions as it is here: adds entries with their sealed records, and opens the records again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from routing.errors import BadRecord, Erased, KeysUnusable, NotFound
from routing.keyring import Keyring, name_of
from routing.keys_here import checked_keyring, keyring_with
from routing.log.canonical import digest
from routing.log.commitments import Field, fields_of, written_with_fields
from routing.log.entry import DECISIONS_LOG, Kind, decision_entry, outcome_entry, read_entry
from routing.log.sealing import KEY_BYTES, seal, unseal, unwrap, wrap
from routing.store import database, records, unadopted
from routing.store import log as store
from routing.store.packing import pack, unpack
from routing.world import World

_ENTRIES: Mapping[Kind, Callable[[Mapping[str, Any], Sequence[Field], bytes], bytes]] = {
    "decision": decision_entry,
    "outcome": outcome_entry,
}


@dataclass(frozen=True, slots=True)
class Ready:
    """An entry that only has to be written, with its record sealed."""

    id: UUID
    kind: Kind
    entry: bytes
    record: records.Sealed
    decision_id: UUID | None = None


def make_ready(keyring: Keyring, kind: Kind, record: Mapping[str, Any], written: bytes | None = None) -> Ready:
    """Make the entry of `record`, and seal the record under a key of its own; `written` is what is sealed where that is
    there already."""
    entry_id = UUID(record["id"])
    anew, fields = written_with_fields(record)
    sealed, key = sealed_apart(keyring, entry_id, anew if written is None else written)
    entry = _ENTRIES[kind](record, fields, key)
    about = UUID(record["decision"]) if kind == "outcome" else None
    return Ready(entry_id, kind, entry, sealed, about)


def sealed_apart(keyring: Keyring, entry_id: UUID, data: bytes) -> tuple[records.Sealed, bytes]:
    """`data` of the entry with this id, sealed under a fresh key, and that key."""
    key, newest = secrets.token_bytes(KEY_BYTES), keyring.sealing[-1]
    return records.Sealed(seal(pack(data), key, entry_id.bytes), name_of(newest), wrap(key, newest)), key


def add(connection: database.Connection, ready: Ready, now: datetime, beside: Sequence[database.Row] = ()) -> None:
    """Add an entry and its record, and at once what belongs to them (`beside`). They count when the transaction is
    committed."""
    entry = store.row_of(DECISIONS_LOG, ready.id, ready.kind, ready.entry, now, ready.decision_id)
    database.insert_together(connection, [entry, *records.rows_of(ready.id, ready.record), *beside])


def record_of(world: World, connection: database.Connection, what: str, entry_id: UUID) -> bytes:
    """The canonical record of an entry; `what` is what the reader calls it. Raises NotFound, Erased, BadRecord,
    KeysUnusable."""
    return opened(world, connection, what, entry_id)[0]


def opened(world: World, connection: database.Connection, what: str, entry_id: UUID) -> tuple[bytes, bytes]:
    """The canonical record of an entry, held against what stands in the log, and the key that it was sealed under.
    Raises NotFound, Erased, BadRecord, KeysUnusable."""
    logged = store.read(connection, DECISIONS_LOG, entry_id)
    if logged is None or logged.kind != what:
        raise NotFound(what, str(entry_id))
    if (found := records.read(connection, entry_id)) is None:
        raise Erased(what, str(entry_id))
    record, key = unsealed(keyring_with(world, connection, [found.sealing_key]), entry_id, found)
    check_committed(logged.entry, record, key)
    return record, key


def unsealed(keyring: Keyring, entry_id: UUID, found: records.Sealed) -> tuple[bytes, bytes]:
    """The canonical record in `found`, and its key. Raises BadRecord, KeysUnusable."""
    sealing_key = keyring.sealing_key(found.sealing_key)
    if sealing_key is None:
        raise KeysUnusable(f"the file of keys does not hold the sealing key {found.sealing_key}")
    key = unwrap(found.wrapped, sealing_key)
    return unpack(unseal(found.sealed, key, entry_id.bytes)), key


def records_of(world: World, connection: database.Connection, ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """The canonical records of these entries, without those that were erased. Raises BadRecord, KeysUnusable."""
    found = records.read_all(connection, ids)
    keyring = keyring_with(world, connection, {sealed.sealing_key for sealed in found.values()})
    return {entry_id: unsealed(keyring, entry_id, sealed)[0] for entry_id, sealed in found.items()}


def check_committed(entry: bytes, record: bytes, key: bytes) -> None:
    """Whether `record` is the one that `entry` was made of. Raises BadRecord."""
    kind: Kind = read_entry(entry)["kind"]
    plain = orjson.loads(record)
    if _ENTRIES[kind](plain, fields_of(plain), key) != entry:
        raise BadRecord(f"the record of {kind} `{plain.get('id')}` is not the one that stands in the log")


def adopt(world: World, connection: database.Connection, now: datetime) -> int:
    """Give records from before there was this log an entry in it, sealed like all others; how many. Raises BadRecord
    if one of them is damaged: then nothing is changed."""
    keyring = checked_keyring(world, connection)
    count = 0
    while waiting := unadopted.some(connection, 500):
        for each in waiting:
            record = unpack(each.record)
            if digest(record) != each.record_digest:
                raise BadRecord(f"the record of {each.kind} `{each.id}` does not match its digest")
            plain = orjson.loads(record)
            add(connection, make_ready(keyring, each.kind, plain, record), now)
            unadopted.adopted(connection, each, plain)
            count += 1
    return count
