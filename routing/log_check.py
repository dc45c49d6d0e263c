"""Goes through a whole log and holds it against what was signed: every entry, every checkpoint, every record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from routing.errors import BadInput, BadRecord, KeysUnusable, OtherSoftware
from routing.keys_here import ACCESS_LOG, keyring_with
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import (
    EMPTY,
    HASH_BYTES,
    TILE_BYTES,
    TILE_WIDTH,
    Frontier,
    append,
    frontier_of,
    leaf_hash,
    root,
    tile_root,
)
from routing.log.note import Verifier, opened, read_checkpoint, read_vkey
from routing.log.proof import KeyForm, chain_of
from routing.log_here import check_committed, unsealed
from routing.store import database, records
from routing.store import log as store
from routing.store.accesses import removed_below
from routing.world import World

PROBLEMS_MOST = 100
"""So many problems are named one by one; more are only counted."""

_PIECE = 10_000
_PAGE = 200

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
    is there, or was erased; with `with_records` also that it says what it said. Raises StoreUnavailable."""
    found = Found(log)
    with database.reading_one_state(world.engine) as connection:  # the log grows meanwhile
        keys = _keys(connection, log, found)
        found.waiting = store.count_waiting(connection, log)
        try:
            first, size = store.span(connection, log)
        except BadRecord as error:  # nothing can be said of a tree with holes in it
            found.problem(str(error))
            return found
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
    """Every entry against every checkpoint and every tile, in one go. Of the oldest that were removed only the tiles
    are left: what was signed of them alone cannot be held against anything, and what was signed later is against both.
    """
    first, size = span
    leaves = (leaf_hash(entry) for _, entry in store.bytes_between(connection, log, first, size))
    try:
        frontier = frontier_of(first, lambda *tile: store.tile(connection, log, *tile)) if first else EMPTY
    except BadRecord as error:
        found.problem(f"the tree of what was removed: {error}")
        return
    signed, tiles = first, _Tiles(connection, log, first)
    for signed, note, _ in store.checkpoints(connection, log, first):
        if not frontier.size < signed <= size:
            found.problem(f"a checkpoint of {signed} entries: the log does not have as many, or it came before")
            break
        while frontier.size < signed:
            piece = list(islice(leaves, min(_PIECE, signed - frontier.size)))
            frontier = append(frontier, piece)
            tiles.add(0, b"".join(piece))
            progress(frontier.size, size)
        found.checkpoints += 1
        if (wrong := _wrong(note, keys, frontier)) is not None:
            found.problem(f"the checkpoint of {signed} entries: {wrong}")
    found.entries = frontier.size - first
    if signed < size:
        found.problem(f"{size - signed} entries have a place in the tree that nobody signed")
    elif frontier.size == size:
        tiles.end()
    for level, number in tiles.wrong:
        found.problem(f"tile {level}/{number} of the tree is not that of the entries")


class _Tiles:
    """Holds the tiles that are kept against the hashes of a tree as these come by."""

    def __init__(self, connection: database.Connection, log: str, first: int) -> None:
        self.connection, self.log = connection, log
        self.rows: list[bytearray] = []
        self.numbers: list[int] = []
        self.wrong: list[tuple[int, int]] = []
        while first:  # of what was removed there is nothing but the tiles themselves
            number, held = divmod(first, TILE_WIDTH)
            kept = store.tile(connection, log, len(self.rows), number) if held else b""
            self.rows.append(bytearray(kept[: held * HASH_BYTES]))
            self.numbers.append(number)
            first = number

    def add(self, level: int, hashes: bytes) -> None:
        """The next hashes of a level."""
        if level == len(self.rows):
            self.rows.append(bytearray())
            self.numbers.append(0)
        row = self.rows[level]
        row += hashes
        while len(row) >= TILE_BYTES:
            full = bytes(row[:TILE_BYTES])
            del row[:TILE_BYTES]
            self._compare(level, full)
            self.add(level + 1, tile_root(full))

    def end(self) -> None:
        """There are no more hashes."""
        for level, row in enumerate(self.rows):
            if row:
                self._compare(level, bytes(row))

    def _compare(self, level: int, hashes: bytes) -> None:
        number = self.numbers[level]
        self.numbers[level] += 1
        if store.tile(self.connection, self.log, level, number) != hashes:
            self.wrong.append((level, number))


def _wrong(note: str, keys: list[Verifier], frontier: Frontier) -> str | None:
    """What is wrong with a checkpoint of these entries."""
    try:
        checkpoint = read_checkpoint(opened(note, keys).text)
    except (BadRecord, BadInput) as error:
        return str(error)
    if (checkpoint.origin, checkpoint.size) != (keys[0].name, frontier.size):
        return "it is about another log or another size"
    return None if checkpoint.root == root(frontier) else "the entries are not those that were signed"


def _records(world: World, connection: database.Connection, size: int, found: Found, *, with_records: bool) -> None:
    """Whether each record is there or was erased, and, if wanted, says what it said."""
    erased = store.erased_decisions(connection, DECISIONS_LOG)
    for position, kept in enumerate(store.kept_between(connection, DECISIONS_LOG, 0, size)):
        if not _told_right(kept):
            found.problem(f"entry {position} is kept as another one than it says itself: `{kept.id}`")
        if kept.kind == "erasure":
            continue
        gone = (kept.decision_id or kept.id) in erased
        found.records, found.erased = found.records + (not gone), found.erased + gone
        if kept.has_record == gone:
            how = "was erased, and is still there" if gone else "is gone, and no erasure stands in the log"
            found.problem(f"the record of {kept.kind} `{kept.id}` {how}")
    if with_records:
        _all_records(world, connection, size, found)
    for missing in store.decisions_without_entry(connection, DECISIONS_LOG, PROBLEMS_MOST):
        found.problem(f"decision `{missing}` stands in no log")


def _all_records(world: World, connection: database.Connection, size: int, found: Found) -> None:
    entries = store.between(connection, DECISIONS_LOG, 0, size)
    while page := list(islice(entries, _PAGE)):
        kept = records.read_all(connection, [logged.id for logged in page])
        for logged in page:
            if (sealed := kept.get(logged.id)) is not None:
                _record(world, connection, logged, sealed, found)


def _told_right(kept: store.Kept) -> bool:
    """Whether an entry is kept under what it says itself: only that was signed."""
    try:
        said = orjson.loads(kept.entry)
        about = None if kept.decision_id is None else str(kept.decision_id)
        return (said["id"], said["kind"], said.get("decision")) == (str(kept.id), kept.kind, about)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _record(
    world: World, connection: database.Connection, logged: store.Logged, sealed: records.Sealed, found: Found
) -> None:
    try:
        keyring = keyring_with(world, connection, [sealed.sealing_key])
        check_committed(logged.entry, *unsealed(keyring, logged.id, sealed))
    except (BadRecord, OtherSoftware, KeysUnusable) as error:
        found.problem(f"{logged.kind} `{logged.id}`: {error}")
