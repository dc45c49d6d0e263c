"""Goes through a whole log and holds it against what was signed: every entry, every checkpoint, every record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from routing.errors import BadInput, BadRecord, KeysUnusable, OtherSoftware
from routing.keys_here import ACCESS_LOG, checked_keyring
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import EMPTY, Frontier, append, frontier_of, leaf_hash, root, root_of
from routing.log.note import Verifier, opened, read_checkpoint, read_vkey
from routing.log.proof import KeyForm, chain_of
from routing.log_here import check_committed, unsealed
from routing.store import database, records
from routing.store import log as store
from routing.store.accesses import removed_below
from routing.world import World

PROBLEMS_MOST = 100
"""So many problems are named one by one; more are only counted."""

_PAGE = 500

Progress = Callable[[int, int], None]
"""Gets how many entries were checked, and of how many."""


@dataclass(slots=True)
class Found:
    """What was checked of a log, and what did not hold."""

    log: str
    entries: int = 0
    checkpoints: int = 0
    records: int = 0
    erased: int = 0
    waiting: int = 0
    count: int = 0
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """Something does not hold."""
        self.count += 1
        if len(self.problems) < PROBLEMS_MOST:
            self.problems.append(text)

    def wire(self) -> dict[str, Any]:
        """As it stands on the screen of a program."""
        counted = {name: getattr(self, name) for name in ("entries", "checkpoints", "records", "erased", "waiting")}
        verdict = "failed" if self.count else "verified"
        return {"log": self.log, "verdict": verdict, **counted, "problems": self.problems, "failed": self.count}


def check_log(
    world: World, log: str = DECISIONS_LOG, *, with_records: bool = False, progress: Progress = lambda _done, _of: None
) -> Found:
    """Hold every entry of `log` against the checkpoints that were signed, and every record against its entry: that it
    is there, or was erased; with `with_records` also that it says what it said. Raises StoreUnavailable, BadRecord if
    the entries cannot even be read in their order."""
    found = Found(log)
    with database.reading_one_state(world.engine) as connection:  # the log grows meanwhile
        keys = _keys(connection, log, found)
        first, size = store.span(connection, log)
        found.waiting = store.count_waiting(connection, log)
        if first > (removed_below(connection) if log == ACCESS_LOG else 0):
            found.problem(f"the first {first} entries are gone, and no entry says that they were removed")
        _tree(connection, log, (first, size), keys, found, progress)
        if log == DECISIONS_LOG:
            _records(world, connection, size, found, with_records=with_records)
    return found


def _keys(connection: database.Connection, log: str, found: Found) -> list[Verifier]:
    keys = [KeyForm(vkey=key.vkey, statement=key.statement) for key in store.keys(connection, log)]
    try:
        return chain_of(keys)
    except BadRecord as error:
        found.problem(f"the keys of the log: {error}")
    try:
        return [read_vkey(key.vkey) for key in keys]
    except BadInput:
        return []


def _tree(
    connection: database.Connection,
    log: str,
    span: tuple[int, int],
    keys: list[Verifier],
    found: Found,
    progress: Progress,
) -> None:
    """Every entry against every checkpoint, in one go. Of the oldest that were removed only the tiles are left: what
    was signed of them alone cannot be held against anything, and what was signed later is against both."""
    first, size = span
    leaves = (leaf_hash(entry) for _, entry in store.bytes_between(connection, log, first, size))
    frontier = frontier_of(first, lambda *tile: store.tile(connection, log, *tile)) if first else EMPTY
    signed = first
    for signed, note, _ in store.checkpoints(connection, log, first):
        if not frontier.size < signed <= size:
            found.problem(f"a checkpoint of {signed} entries: the log does not have as many, or it came before")
            break
        while frontier.size < signed:
            frontier = append(frontier, islice(leaves, min(_PAGE, signed - frontier.size)))
            progress(frontier.size, size)
        found.checkpoints += 1
        if (wrong := _wrong(note, keys, frontier)) is not None:
            found.problem(f"the checkpoint of {signed} entries: {wrong}")
    found.entries = frontier.size - first
    if signed < size:
        found.problem(f"{size - signed} entries have a place in the tree that nobody signed")
    elif size and _root_of_tiles(connection, log, size) != root(frontier):
        found.problem("the tiles of the tree are not those of the entries")


def _wrong(note: str, keys: list[Verifier], frontier: Frontier) -> str | None:
    """What is wrong with a checkpoint of these entries."""
    try:
        checkpoint = read_checkpoint(opened(note, keys).text)
    except (BadRecord, BadInput) as error:
        return str(error)
    if (checkpoint.origin, checkpoint.size) != (keys[0].name, frontier.size):
        return "it is about another log or another size"
    return None if checkpoint.root == root(frontier) else "the entries are not those that were signed"


def _root_of_tiles(connection: database.Connection, log: str, size: int) -> bytes | None:
    try:
        return root_of(size, lambda *tile: store.tile(connection, log, *tile))
    except BadRecord:
        return None


def _records(world: World, connection: database.Connection, size: int, found: Found, *, with_records: bool) -> None:
    erased = store.erased_decisions(connection, DECISIONS_LOG)
    entries = (each for each in store.between(connection, DECISIONS_LOG, 0, size) if each.kind != "erasure")
    while page := list(islice(entries, _PAGE)):
        kept = records.read_all(connection, [logged.id for logged in page])
        for logged in page:
            gone, sealed = (logged.decision_id or logged.id) in erased, kept.get(logged.id)
            found.records, found.erased = found.records + (not gone), found.erased + gone
            if (sealed is None) != gone:
                how = "was erased, and is still there" if gone else "is gone, and no erasure stands in the log"
                found.problem(f"the record of {logged.kind} `{logged.id}` {how}")
            if sealed is not None and with_records:
                _record(world, connection, logged, sealed, found)
    for missing in store.decisions_without_entry(connection, DECISIONS_LOG, PROBLEMS_MOST):
        found.problem(f"decision `{missing}` stands in no log")


def _record(
    world: World, connection: database.Connection, logged: store.Logged, sealed: records.Sealed, found: Found
) -> None:
    try:
        check_committed(logged.entry, *unsealed(checked_keyring(world, connection), logged.id, sealed))
    except (BadRecord, OtherSoftware, KeysUnusable) as error:
        found.problem(f"{logged.kind} `{logged.id}`: {error}")
