"""What the log proves to whoever asks: how it stands, that an entry is in it, and that it only ever grew."""

from __future__ import annotations

import base64
from typing import Any

from routing.errors import NotFound, bad_input
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import consistency_proof, inclusion_proof, root_of
from routing.log.proof import written_proof
from routing.sequencer import placed
from routing.service import as_id
from routing.store import database
from routing.store import log as store
from routing.world import World


def checkpoint(world: World) -> str:
    """The newest checkpoint, a signed note. Raises NotFound before the first entry, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        head = store.head(connection, DECISIONS_LOG)
    if head is None:
        raise NotFound("checkpoint", "newest")
    return head[1]


def log_keys(world: World) -> dict[str, Any]:
    """The public keys of the log, the first one first: `{"keys": [{vkey, statement, added_at}]}`. Raises
    StoreUnavailable."""
    with database.reading(world.engine) as connection:
        found = store.keys(connection, DECISIONS_LOG)
    return {
        "keys": [{"vkey": key.vkey, "statement": key.statement, "added_at": key.added_at.isoformat()} for key in found]
    }


def inclusion(world: World, decision_id: str) -> dict[str, Any]:
    """The entry of a decision and the proof that it stands in the log: `{"id", "entry", "position", "size", "proof",
    "checkpoint"}`; an entry that waits is given its place now. Raises NotFound, StoreUnavailable, BadRecord."""
    entry_id = as_id("decision", decision_id)
    if (head := placed(world, DECISIONS_LOG, entry_id)) is None:
        raise NotFound("decision", decision_id)
    size, note = head
    with database.reading(world.engine) as connection:
        logged = store.read(connection, DECISIONS_LOG, entry_id)
        assert logged is not None, "entries are never removed from the log of decisions"
        assert logged.position is not None, "it was placed above"
        proof = inclusion_proof(logged.position, size, lambda *tile: store.tile(connection, DECISIONS_LOG, *tile))
    return {
        "id": decision_id,
        "entry": logged.entry.decode(),
        "position": logged.position,
        "size": size,
        "proof": written_proof(proof),
        "checkpoint": note,
    }


def consistency(world: World, first: int, second: int | None) -> dict[str, Any]:
    """The proof that the log with `second` entries (None: all that were signed) is the one with `first` entries, and
    more: `{"from", "to", "from_root", "to_root", "proof", "checkpoint"}`. Raises BadInput, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        head = store.head(connection, DECISIONS_LOG)
        size = 0 if head is None else head[0]
        last = size if second is None else second
        if not 1 <= first <= size:
            raise bad_input("from", "out_of_range", "is not a size that the log had", first, f"1 to {size}")
        if not first <= last <= size:
            raise bad_input("to", "out_of_range", "is not a size that the log had since", last, f"{first} to {size}")

        def tile(level: int, number: int) -> bytes:
            return store.tile(connection, DECISIONS_LOG, level, number)

        return {
            "from": first,
            "to": last,
            "from_root": base64.b64encode(root_of(first, tile)).decode(),
            "to_root": base64.b64encode(root_of(last, tile)).decode(),
            "proof": written_proof(consistency_proof(first, last, tile)),
            "checkpoint": store.checkpoint_at(connection, DECISIONS_LOG, last),
        }
