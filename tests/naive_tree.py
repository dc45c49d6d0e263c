"""The Merkle tree exactly as RFC 9162, section 2.1, defines it: by recursion, slowly, and without `routing.log.merkle`.

All trees here have the same leaves: leaf `i` is the entry `leaf i`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache


@cache
def leaf(position: int) -> bytes:
    return hashlib.sha256(b"\x00leaf %d" % position).digest()


@cache
def mth(begin: int, end: int) -> bytes:
    """The hash of the tree over the leaves from `begin` up to `end`."""
    if begin == end:
        return hashlib.sha256(b"").digest()
    if end - begin == 1:
        return leaf(begin)
    middle = begin + left(end - begin)
    return hashlib.sha256(b"\x01" + mth(begin, middle) + mth(middle, end)).digest()


def left(size: int) -> int:
    """The biggest power of two that is smaller than `size`."""
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def path(position: int, begin: int, end: int) -> list[bytes]:
    """The inclusion proof of 2.1.3.1 for the leaf at `position`."""
    if end - begin == 1:
        return []
    middle = begin + left(end - begin)
    if position < middle:
        return [*path(position, begin, middle), mth(middle, end)]
    return [*path(position, middle, end), mth(begin, middle)]


def sides(position: int, begin: int, end: int) -> str:
    """On which side each hash of the inclusion proof stands: R or L, the deepest first."""
    if end - begin == 1:
        return ""
    middle = begin + left(end - begin)
    if position < middle:
        return sides(position, begin, middle) + "R"
    return sides(position, middle, end) + "L"


def subproof(old: int, begin: int, end: int, whole: bool = True) -> list[bytes]:
    """The consistency proof of 2.1.4.1 for the first `old` leaves."""
    if old == end:
        return [] if whole else [mth(begin, end)]
    middle = begin + left(end - begin)
    if old <= middle:
        return [*subproof(old, begin, middle, whole), mth(middle, end)]
    return [*subproof(old, middle, end, False), mth(begin, middle)]


def tiles_of(size: int) -> dict[tuple[int, int], bytes]:
    """All tiles of the tree of `size` leaves, by level and number, from the formula in C2SP tlog-tiles."""
    tiles: dict[tuple[int, int], bytes] = {}
    level = 0
    while 256**level <= size:
        each = 256**level
        hashes = [mth(at * each, (at + 1) * each) for at in range(size // each)]
        for number in range(0, len(hashes), 256):
            tiles[level, number // 256] = b"".join(hashes[number : number + 256])
        level += 1
    return tiles


def reader(tiles: dict[tuple[int, int], bytes]) -> Callable[[int, int], bytes]:
    """A reader of `tiles`; asking for one that does not exist raises KeyError."""
    return lambda level, number: tiles[level, number]
