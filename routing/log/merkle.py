"""The Merkle tree over the log: one hash stands for all entries, and short proofs show what belongs to it.

A leaf is SHA-256 of 0x00 and an entry, a node SHA-256 of 0x01 and its two halves; the left half is the biggest power of
two that is smaller than the whole (RFC 9162, section 2.1). A hash is 32 bytes, a position counts from 0.

A tile is up to 256 consecutive hashes of one level, one after the other: level 0 holds leaves, and each hash of a level
stands for a full tile of the level below (C2SP tlog-tiles). A tile only ever grows at its end, so a newer one than is
asked for gives the same proofs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import islice

from routing.errors import BadRecord, bad_input

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 2**TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES

SIZE_MOST = 2**63 - 1
PROOF_MOST = 64
"""More hashes than any proof of a tree within SIZE_MOST has."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

PIECE = 2**16
"""So many leaf hashes are in memory while a long log is read."""

Tile = Callable[[int, int], bytes]
"""Level and number -> the bytes of that tile, or of a newer one."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of the leaf that holds `entry`."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above `left` and `right`."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _are_sizes(*values: int) -> bool:
    return all(type(value) is int and 0 <= value <= SIZE_MOST for value in values)  # True is no size


def _is_hash(value: bytes) -> bool:
    return type(value) is bytes and len(value) == HASH_BYTES


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be kept of a tree of `size` leaves to append to it: the roots of its complete subtrees.

    There is one root for every 1 in binary `size`, that of the biggest subtree first. Raises BadRecord if they do not
    fit.
    """

    size: int
    roots: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not _are_sizes(self.size):
            raise BadRecord("the size of a tree is a whole number from 0 to 2^63 - 1")
        if len(self.roots) != self.size.bit_count() or not all(map(_is_hash, self.roots)):
            raise BadRecord(f"a tree of {self.size} leaves has {self.size.bit_count()} complete subtrees")


EMPTY = Frontier(0, ())
"""The tree without leaves."""


def append(frontier: Frontier, leaf_hashes: Iterable[bytes]) -> Frontier:
    """The tree of `frontier` with `leaf_hashes` behind it. Raises BadRecord if one is not a hash.

    All of `leaf_hashes` are in memory at once; `root_from` is for a long log.
    """
    row = _hashes(leaf_hashes)
    size = frontier.size + len(row)
    older = list(frontier.roots)
    roots = []
    for height in range(size.bit_length()):
        if frontier.size >> height & 1:
            row.insert(0, older.pop())
        if len(row) % 2:
            roots.append(row.pop())
        row = _paired(row)
    return Frontier(size, tuple(reversed(roots)))


def root(frontier: Frontier) -> bytes:
    """The root of the tree of `frontier`."""
    return _joined(frontier.roots) if frontier.size else EMPTY_ROOT


def root_from(leaf_hashes: Iterable[bytes]) -> tuple[int, bytes]:
    """How many `leaf_hashes` there are, and the root of their tree; they are read once and not kept.

    Raises BadRecord if one is not a hash.
    """
    coming = iter(leaf_hashes)
    frontier = EMPTY
    while piece := list(islice(coming, PIECE)):
        frontier = append(frontier, piece)
    return frontier.size, root(frontier)


def tiles_after(size_before: int, right_edge: Tile, leaf_hashes: Iterable[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles, by level and number, that are new or longer once `leaf_hashes` are behind `size_before` leaves.

    `right_edge` is asked for at most one tile a level, only for one that is neither empty nor full. Raises BadRecord if
    a tile is too short or a leaf hash not a hash.
    """
    if not _are_sizes(size_before):
        raise bad_input("size", "out_of_range", "is not the size of a log", size_before, "0 to 2^63 - 1")
    tiles: dict[tuple[int, int], bytes] = {}
    level, first, new = 0, size_before, _hashes(leaf_hashes)
    while new:
        number, held = divmod(first, TILE_WIDTH)
        row = _read(right_edge, level, number, 0, held) + new if held else new
        for start in range(0, len(row), TILE_WIDTH):
            tiles[level, number + start // TILE_WIDTH] = b"".join(row[start : start + TILE_WIDTH])
        full = len(row) - len(row) % TILE_WIDTH
        level, first, new = level + 1, number, _raised(row[:full], TILE_HEIGHT)
    return tiles


def tile_root(tile: bytes) -> bytes:
    """The hash that stands for a full `tile` on the level above. Raises BadRecord if it is not full."""
    if len(tile) != TILE_BYTES:
        raise BadRecord(f"a full tile has {TILE_WIDTH} hashes")
    return _raised([tile[at : at + HASH_BYTES] for at in range(0, TILE_BYTES, HASH_BYTES)], TILE_HEIGHT)[0]


def frontier_of(size: int, tile: Tile) -> Frontier:
    """The complete subtrees of the first `size` leaves. Raises BadRecord if a tile is too short."""
    if not _are_sizes(size):
        raise bad_input("size", "out_of_range", "is not the size of a log", size, "0 to 2^63 - 1")
    tile = cache(tile)
    return Frontier(size, tuple(_subtree(height, index, tile) for height, index in _subtrees(0, size)))


def root_of(size: int, tile: Tile) -> bytes:
    """The root of the first `size` leaves. Raises BadRecord if a tile is too short."""
    return root(frontier_of(size, tile))


def inclusion_proof(position: int, size: int, tile: Tile) -> list[bytes]:
    """What shows that the leaf at `position` is among the first `size` (RFC 9162, 2.1.3.1), the deepest hash first.

    Raises BadInput if it is not, BadRecord if a tile is too short.
    """
    if not (_are_sizes(position, size) and position < size):
        raise bad_input("position", "out_of_range", "there is no such entry", position, "0 or more, less than the size")
    begin, end = 0, size
    beside: list[tuple[int, int]] = []
    while end - begin > 1:
        middle = begin + _left_half(end - begin)
        if position < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    return _roots(beside, tile)


def consistency_proof(old: int, new: int, tile: Tile) -> list[bytes]:
    """What shows that the first `old` leaves are the beginning of the first `new` (RFC 9162, 2.1.4.1).

    Empty if both are the same. Raises BadInput if `old` is 0 (of an empty log nothing can be proved) or more than
    `new`, BadRecord if a tile is too short.
    """
    if not (_are_sizes(old, new) and 0 < old <= new):
        raise bad_input("old", "out_of_range", "is not the size of an older log", old, "1 up to the newer size")
    begin, end = 0, new
    beside: list[tuple[int, int]] = []
    while old < end:
        middle = begin + _left_half(end - begin)
        if old <= middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    if begin:
        # Otherwise what is left is all of the older log, whose root the reader has.
        beside.append((begin, end))
    return _roots(beside, tile)


def verify_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the leaf hash `leaf` is at `position` of the `size` leaves under `root`.

    The algorithm of RFC 9162, 2.1.3.2. Anything that is not a number, a hash or a list or tuple of hashes gives False;
    nothing raises. `size` and `root` belong together because a checkpoint was signed with both: the proof alone does
    not bind `size`, since a leaf may have the same neighbours in trees of two sizes.
    """
    if not (_are_sizes(position, size) and _is_proof(proof) and _is_hash(leaf) and _is_hash(root) and position < size):
        return False
    place, last = position, size - 1
    found = leaf
    for beside in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(beside, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the log under `new_root` begins with the one under `old_root`.

    The algorithm of RFC 9162, 2.1.4.2. Two logs of the same size are the same if the roots are equal and the proof is
    empty. An `old_size` of 0 gives False: nothing can be proved of an empty log. So does an `old_size` that is more
    than `new_size`, and anything that is not a number, a hash or a list or tuple of hashes; nothing raises.
    """
    if not (_are_sizes(old_size, new_size) and _is_proof(proof) and _is_hash(old_root) and _is_hash(new_root)):
        return False
    if not 0 < old_size < new_size or not proof:
        return 0 < old_size == new_size and not proof and old_root == new_root
    # The older log is one complete subtree if its size is a power of two; its root is then where the proof starts.
    path = proof if old_size & (old_size - 1) else (old_root, *proof)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = node_hash(beside, older), node_hash(beside, newer)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _is_proof(proof: Sequence[bytes]) -> bool:
    return isinstance(proof, list | tuple) and len(proof) <= PROOF_MOST and all(map(_is_hash, proof))


def _hashes(values: Iterable[bytes]) -> list[bytes]:
    row = list(values)
    if not all(map(_is_hash, row)):
        raise BadRecord("a leaf hash is not 32 bytes")
    return row


def _paired(row: Sequence[bytes]) -> list[bytes]:
    """The nodes above `row`, which has an even length. Most of the time goes here, so `node_hash` is written out."""
    sha256 = hashlib.sha256
    halves = iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(halves, halves, strict=True)]


def _raised(row: list[bytes], levels: int) -> list[bytes]:
    for _ in range(levels):
        row = _paired(row)
    return row


def _joined(roots: Sequence[bytes]) -> bytes:
    """The root above complete subtrees that stand side by side, the biggest first."""
    return reduce(lambda right, left: node_hash(left, right), reversed(roots))


def _left_half(size: int) -> int:
    """The biggest power of two that is smaller than `size`, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1


def _subtrees(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Height and index of the complete subtrees over the leaves from `begin` up to `end`, the biggest first."""
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def _subtree(height: int, index: int, tile: Tile) -> bytes:
    """The root of the complete subtree over the leaves from `index * 2**height`; it never needs a second tile."""
    level, above = divmod(height, TILE_HEIGHT)
    number, begin = divmod(index << above, TILE_WIDTH)
    return _raised(_read(tile, level, number, begin, begin + (1 << above)), above)[0]


def _read(tile: Tile, level: int, number: int, begin: int, end: int) -> list[bytes]:
    """The hashes from `begin` up to `end` of a tile."""
    data = tile(level, number)
    count, rest = divmod(len(data), HASH_BYTES)
    if rest or not end <= count <= TILE_WIDTH:
        raise BadRecord(f"tile {level}/{number} has {len(data)} bytes where {end} to {TILE_WIDTH} hashes are needed")
    return [data[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(begin, end)]


def _roots(spans: list[tuple[int, int]], tile: Tile) -> list[bytes]:
    """The roots over the leaves of each span of a proof, the last first; no tile is read twice."""
    tile = cache(tile)
    return [_joined([_subtree(*subtree, tile) for subtree in _subtrees(*span)]) for span in reversed(spans)]
