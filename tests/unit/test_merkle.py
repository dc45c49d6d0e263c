"""The root of the log changes with any entry; proofs are those of RFC 9162, and whatever was tampered with is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from routing.errors import BadInput, BadRecord
from routing.log.merkle import (
    EMPTY,
    EMPTY_ROOT,
    SIZE_MOST,
    Frontier,
    append,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    root_from,
    root_of,
    tiles_after,
    verify_consistency,
    verify_inclusion,
)
from tests.naive_tree import leaf, mth, path, reader, sides, subproof, tiles_of

Tiles = dict[tuple[int, int], bytes]

SMALL = range(1, 257)
EDGES = (255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537)
NEWEST = 66_000


@pytest.fixture(scope="module")
def newest() -> Tiles:
    """The tiles of a log that is longer than any that is asked about."""
    return tiles_of(NEWEST)


# --- known answers: transparency-dev/merkle, proof/verify_test.go -----------------------------------------------------

ENTRIES = tuple(
    map(
        bytes.fromhex,
        ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = [  # position, size, proof
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [  # old size, new size, proof
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]


def public_tiles() -> Tiles:
    return tiles_after(0, reader({}), map(leaf_hash, ENTRIES))


def test_an_empty_log_has_the_root_of_the_rfc() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root(EMPTY) == root_of(0, reader({})) == EMPTY_ROOT
    assert root_from([]) == (0, EMPTY_ROOT)


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_public_vectors(size: int) -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES[:size]]
    assert root(append(EMPTY, hashes)).hex() == ROOTS[size - 1]
    assert root_from(iter(hashes)) == (size, bytes.fromhex(ROOTS[size - 1]))
    assert root_of(size, reader(public_tiles())).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("position", "size", "proof"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_public_vectors(position: int, size: int, proof: list[str]) -> None:
    assert [hash_.hex() for hash_ in inclusion_proof(position, size, reader(public_tiles()))] == proof
    hashes = list(map(bytes.fromhex, proof))
    assert verify_inclusion(leaf_hash(ENTRIES[position]), position, size, hashes, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_public_vectors(old: int, new: int, proof: list[str]) -> None:
    assert [hash_.hex() for hash_ in consistency_proof(old, new, reader(public_tiles()))] == proof
    roots = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])
    assert verify_consistency(old, roots[0], new, roots[1], list(map(bytes.fromhex, proof)))


def test_leaves_and_nodes_are_never_confused() -> None:
    left, right = leaf(0), leaf(1)
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert node_hash(left, right) == hashlib.sha256(b"\x01" + left + right).digest()


# --- appending --------------------------------------------------------------------------------------------------------


def test_the_root_is_that_of_the_definition_at_every_size() -> None:
    frontier = EMPTY
    for size in range(601):
        assert root(frontier) == mth(0, size)
        assert frontier == append(EMPTY, map(leaf, range(size))), "one by one or all at once is the same"
        frontier = append(frontier, [leaf(size)])


def test_a_log_longer_than_a_piece_has_the_same_root() -> None:
    assert root_from(leaf(position) for position in range(NEWEST)) == (NEWEST, mth(0, NEWEST))


def test_nothing_appended_changes_nothing() -> None:
    frontier = append(EMPTY, map(leaf, range(11)))
    assert append(frontier, []) == frontier
    assert tiles_after(11, reader({}), []) == {}


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33), "a" * 32, None, 32])
def test_what_is_not_a_hash_is_not_appended(bad: Any) -> None:
    for refused in (
        lambda: append(EMPTY, [leaf(0), bad]),
        lambda: root_from([bad]),
        lambda: tiles_after(0, reader({}), [bad]),
    ):
        with pytest.raises(BadRecord, match="leaf hash"):
            refused()


@pytest.mark.parametrize(
    ("size", "roots"),
    [
        (-1, ()),
        (True, (bytes(32),)),
        (2**63, (bytes(32),)),
        (0, (bytes(32),)),
        (1, ()),
        (3, (bytes(32),)),
        (3, (bytes(32), bytes(31))),
        (4, (bytes(32), bytes(32))),
    ],
)
def test_a_frontier_that_was_not_kept_whole_is_refused(size: Any, roots: tuple[bytes, ...]) -> None:
    with pytest.raises(BadRecord):
        Frontier(size, roots)


# --- tiles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, *EDGES])
def test_tiles_are_those_of_the_definition(size: int) -> None:
    assert tiles_after(0, reader({}), map(leaf, range(size))) == tiles_of(size)


def test_a_log_of_70_000_has_the_tiles_of_the_specification() -> None:
    """The example in C2SP tlog-tiles."""
    widths: dict[int, list[int]] = {}
    for (level, _), tile in sorted(tiles_after(0, reader({}), map(leaf, range(70_000))).items()):
        widths.setdefault(level, []).append(len(tile) // 32)
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}


@pytest.mark.parametrize("before", [1, 254, *EDGES])
@pytest.mark.parametrize("more", [1, 2, 300])
def test_only_tiles_on_the_right_edge_change(before: int, more: int, newest: Tiles) -> None:
    tiles, asked = tiles_of(before), []

    def edge(level: int, number: int) -> bytes:
        asked.append((level, number))
        return tiles[level, number]

    changed = tiles_after(before, edge, map(leaf, range(before, before + more)))
    after = tiles_of(before + more)
    assert changed == {key: tile for key, tile in after.items() if tiles.get(key) != tile}
    assert len(asked) == len(set(asked)) <= 3
    assert all(0 < len(tiles[key]) < 256 * 32 for key in asked), "full tiles and tiles that do not exist are not read"
    assert tiles_after(before, reader(newest), map(leaf, range(before, before + more))) == changed, "a newer edge"


@pytest.mark.parametrize("size", EDGES)
def test_proofs_from_tiles_are_those_of_the_definition(size: int, newest: Tiles) -> None:
    asked: list[tuple[int, int]] = []
    tiles = tiles_of(size)

    def exact(level: int, number: int) -> bytes:
        asked.append((level, number))
        return tiles[level, number]

    positions = {0, 1, 254, size // 2, size // 3 * 2, size - 2, size - 1, *(edge for edge in EDGES if edge < size)}
    for position in positions:
        asked.clear()
        proof = inclusion_proof(position, size, exact)
        assert proof == path(position, 0, size) == inclusion_proof(position, size, reader(newest))
        assert len(asked) == len(set(asked)) <= 6, "two tiles a level: above the leaf, and on the right edge"
        assert verify_inclusion(leaf(position), position, size, proof, mth(0, size))
        if position:
            asked.clear()
            proof = consistency_proof(position, size, exact)
            assert proof == subproof(position, 0, size) == consistency_proof(position, size, reader(newest))
            assert len(asked) == len(set(asked)) <= 6
            assert verify_consistency(position, mth(0, position), size, mth(0, size), proof)
    asked.clear()
    assert root_of(size, exact) == mth(0, size) == root_of(size, reader(newest))
    assert len(asked) <= 3, "one tile a level"
    assert frontier_of(size, exact) == append(EMPTY, map(leaf, range(size)))


@pytest.mark.parametrize("cut", [1, 32, 31 * 32])
def test_a_tile_that_is_too_short_is_found(cut: int) -> None:
    tiles = tiles_of(300)
    tiles[0, 1] = tiles[0, 1][:-cut]
    for proved in (
        lambda: root_of(300, reader(tiles)),
        lambda: inclusion_proof(0, 300, reader(tiles)),
        lambda: consistency_proof(256, 300, reader(tiles)),
        lambda: tiles_after(300, reader(tiles), [leaf(300)]),
    ):
        with pytest.raises(BadRecord, match="tile 0/1"):
            proved()


@pytest.mark.parametrize("more", [b"x", bytes(31), bytes(32 * 256)])
def test_a_tile_that_is_not_whole_hashes_or_too_long_is_found(more: bytes) -> None:
    tiles = tiles_of(300)
    tiles[0, 1] += more
    with pytest.raises(BadRecord, match="tile 0/1"):
        root_of(300, reader(tiles))


@pytest.mark.parametrize(("position", "size"), [(-1, 8), (8, 8), (0, 0), (True, 8), (0, 2**63), (0.0, 8), ("0", 8)])
def test_no_proof_of_what_is_not_in_the_log(position: Any, size: Any, newest: Tiles) -> None:
    with pytest.raises(BadInput):
        inclusion_proof(position, size, reader(newest))


@pytest.mark.parametrize(("old", "new"), [(0, 8), (9, 8), (-1, 8), (True, 8), (8, 2**63), (0, 0)])
def test_no_proof_of_what_is_not_an_older_log(old: Any, new: Any, newest: Tiles) -> None:
    with pytest.raises(BadInput):
        consistency_proof(old, new, reader(newest))


@pytest.mark.parametrize("size", [-1, True, 2**63, 1.0])
def test_no_log_of_a_size_that_is_none(size: Any) -> None:
    with pytest.raises(BadInput):
        root_of(size, reader({}))
    with pytest.raises(BadInput):
        tiles_after(size, reader({}), [leaf(0)])


# --- proofs -----------------------------------------------------------------------------------------------------------


def test_every_entry_of_every_small_log_is_proved(newest: Tiles) -> None:
    for size in SMALL:
        for position in range(size):
            proof = inclusion_proof(position, size, reader(newest))
            assert proof == path(position, 0, size)
            assert verify_inclusion(leaf(position), position, size, proof, mth(0, size))


def test_every_older_log_of_every_small_log_is_proved(newest: Tiles) -> None:
    for new in SMALL:
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, reader(newest))
            assert proof == subproof(old, 0, new)
            assert verify_consistency(old, mth(0, old), new, mth(0, new), proof)


def flipped(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1 << at % 8]) + value[at + 1 :]


def tampered(proof: list[bytes], places: range, added: bytes) -> Iterator[list[bytes]]:
    """`proof` with a byte flipped (at each of `places` of each hash), a hash dropped, added or moved."""
    for number, hash_ in enumerate(proof):
        before, after = proof[:number], proof[number + 1 :]
        yield from ([*before, flipped(hash_, at), *after] for at in places)
        yield before + after
        yield [*before, hash_, hash_, *after]
        yield [*before, added, hash_, *after]
        for other in range(number):
            swapped = list(proof)
            swapped[number], swapped[other] = swapped[other], swapped[number]
            yield swapped
    yield [*proof, added]
    yield [*proof, b""]
    if len(proof) > 1:
        yield proof[1:] + proof[:1]


def places(size: int, turn: int) -> range:
    """Every byte in small logs, one byte that differs from case to case in others."""
    return range(32) if size <= 12 else range(turn % 32, turn % 32 + 1)


TAMPERED = (*range(1, 65), 127, 128, 129, 255, 256)


def test_any_change_to_an_inclusion_proof_is_found() -> None:
    for size in TAMPERED:
        top = mth(0, size)
        for position in range(size):
            proof = path(position, 0, size)
            for at in places(size, position):
                assert not verify_inclusion(flipped(leaf(position), at), position, size, proof, top)
                assert not verify_inclusion(leaf(position), position, size, proof, flipped(top, at))
            for changed in tampered(proof, places(size, position), top):
                assert not verify_inclusion(leaf(position), position, size, changed, top)


def test_any_change_to_a_consistency_proof_is_found() -> None:
    for new in TAMPERED:
        top = mth(0, new)
        for old in range(1, new):
            proof, older = subproof(old, 0, new), mth(0, old)
            for at in places(new, old):
                assert not verify_consistency(old, flipped(older, at), new, top, proof)
                assert not verify_consistency(old, older, new, flipped(top, at), proof)
            assert not verify_consistency(old, top, new, older, proof)
            assert not verify_consistency(new, top, old, older, proof)
            for changed in tampered(proof, places(new, old), top):
                assert not verify_consistency(old, older, new, top, changed)


def test_an_entry_is_at_no_other_position() -> None:
    for size in (*range(1, 50), 64, 65):
        for position in range(size):
            proof = path(position, 0, size)
            others = [at for at in range(size + 2) if verify_inclusion(leaf(position), at, size, proof, mth(0, size))]
            assert others == [position]


def test_a_proof_is_of_no_other_log() -> None:
    for size in range(1, 41):
        for position in range(size):
            proof = path(position, 0, size)
            proved = [
                other
                for other in range(1, 45)
                if verify_inclusion(leaf(position), position, other, proof, mth(0, other))
            ]
            assert proved == [size]


def test_a_wrong_size_under_the_right_root_passes_only_where_nothing_differs_for_the_entry() -> None:
    """Why the size must come from the signed checkpoint: RFC 9162 does not bind it in the proof."""
    for size in range(1, 41):
        for position in range(size):
            proof, top = path(position, 0, size), mth(0, size)
            for other in range(position + 1, 45):
                alike = sides(position, 0, other) == sides(position, 0, size)
                assert verify_inclusion(leaf(position), position, other, proof, top) == alike


def test_a_consistency_proof_is_of_no_other_two_logs() -> None:
    for new in range(2, 20):
        for old in range(1, new):
            proof = subproof(old, 0, new)
            proved = [
                (older, newer)
                for newer in range(1, 22)
                for older in range(1, 22)
                if verify_consistency(older, mth(0, older), newer, mth(0, newer), proof)
            ]
            assert proved == [(old, new)]


def test_a_proof_with_a_root_made_for_it_still_needs_the_depth_of_the_log() -> None:
    """Whoever also chooses the root could go on hashing above it, or stop below it."""
    more = leaf(1000)
    for size in range(2, 41):
        top = mth(0, size)
        for position in range(size):
            proof = path(position, 0, size)
            assert not verify_inclusion(leaf(position), position, size, [*proof, more], node_hash(more, top))
            assert not verify_inclusion(leaf(position), position, size, [*proof, more], node_hash(top, more))
        for old in range(1, size):
            proof, older = subproof(old, 0, size), mth(0, old)
            for above in (node_hash(more, older), older):
                assert not verify_consistency(old, above, size, node_hash(more, top), [*proof, more])
                assert not verify_consistency(old, above, size, node_hash(top, more), [*proof, more])
    # The first 3 of 8 end in the left half, which is a log of its own: its proof is the same but for the last hash.
    assert verify_consistency(3, mth(0, 3), 4, mth(0, 4), subproof(3, 0, 8)[:-1])
    assert not verify_consistency(3, mth(0, 3), 8, mth(0, 4), subproof(3, 0, 8)[:-1])


def test_logs_that_went_two_ways_are_found() -> None:
    """The log said A, later something else at the same place: no proof joins the two."""
    forked = [leaf(position) if position != 3 else leaf(1000) for position in range(8)]
    other = root(append(EMPTY, forked))
    tiles = tiles_after(0, reader({}), forked)
    for old in range(1, 8):
        proof = consistency_proof(old, 8, reader(tiles))
        assert verify_consistency(old, mth(0, old), 8, other, proof) == (old <= 3)


def test_a_log_is_the_same_as_itself_with_an_empty_proof_only() -> None:
    same = mth(0, 7)
    assert verify_consistency(7, same, 7, same, [])
    assert verify_consistency(7, same, 7, same, ())
    assert not verify_consistency(7, same, 7, same, [same])
    assert not verify_consistency(7, same, 7, mth(0, 8), [])


def test_nothing_is_proved_of_an_empty_log() -> None:
    assert not verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not verify_consistency(0, EMPTY_ROOT, 7, mth(0, 7), [])
    assert not verify_consistency(0, EMPTY_ROOT, 7, mth(0, 7), [mth(0, 7)])
    assert not verify_inclusion(EMPTY_ROOT, 0, 0, [], EMPTY_ROOT)


NO_SIZES = [None, "5", 5.0, True, -1, 2**63, 2**64 + 5, 10**1000, b"\x05", [5]]
NO_HASHES = [None, "a" * 32, b"", bytes(31), bytes(33), bytearray(32), memoryview(bytes(32)), 32, [0] * 32]
NO_PROOFS: list[Any] = [
    None,
    b"",
    bytes(64),
    "",
    0,
    {},
    set(),
    iter(()),
    range(2),
    [None],
    ["a" * 32],
    [bytes(31)],
    [[]],
]


@pytest.mark.parametrize("bad", NO_SIZES)
def test_what_is_not_a_number_proves_nothing(bad: Any) -> None:
    size = 8
    proof, older, newer = path(1, 0, size), mth(0, 1), mth(0, size)
    assert verify_inclusion(leaf(1), 1, size, proof, newer)
    assert not verify_inclusion(leaf(1), bad, size, proof, newer)
    assert not verify_inclusion(leaf(1), 1, bad, proof, newer)
    proof = subproof(1, 0, size)
    assert verify_consistency(1, older, size, newer, proof)
    assert not verify_consistency(bad, older, size, newer, proof)
    assert not verify_consistency(1, older, bad, newer, proof)
    assert not verify_consistency(bad, newer, bad, newer, [])


@pytest.mark.parametrize("bad", NO_HASHES)
def test_what_is_not_a_hash_proves_nothing(bad: Any) -> None:
    size, proof = 8, path(1, 0, 8)
    assert not verify_inclusion(bad, 1, size, proof, mth(0, size))
    assert not verify_inclusion(leaf(1), 1, size, proof, bad)
    assert not verify_inclusion(leaf(1), 1, size, [bad, *proof[1:]], mth(0, size))
    assert not verify_inclusion(bad, 0, 1, [], bad)
    assert not verify_consistency(3, bad, size, mth(0, size), subproof(3, 0, size))
    assert not verify_consistency(3, mth(0, 3), size, bad, subproof(3, 0, size))
    assert not verify_consistency(3, mth(0, 3), size, mth(0, size), [bad, *subproof(3, 0, size)[1:]])
    assert not verify_consistency(3, bad, 3, bad, [])


@pytest.mark.parametrize("bad", NO_PROOFS)
def test_what_is_not_a_list_of_hashes_proves_nothing(bad: Any) -> None:
    assert not verify_inclusion(leaf(0), 0, 1, bad, leaf(0))
    assert not verify_consistency(3, mth(0, 3), 8, mth(0, 8), bad)
    assert not verify_consistency(3, mth(0, 3), 3, mth(0, 3), bad)


def test_the_biggest_log_and_the_longest_proof_are_handled() -> None:
    """63 hashes lead from a leaf to the root of 2^63 - 1 leaves; 65 are too many for any log."""
    top = leaf(0)
    for _ in range(63):
        top = node_hash(top, leaf(1))
    assert verify_inclusion(leaf(0), 0, SIZE_MOST, [leaf(1)] * 63, top)
    assert not verify_inclusion(leaf(0), 0, SIZE_MOST, [leaf(1)] * 65, top)
    assert not verify_consistency(1, leaf(0), SIZE_MOST, top, [leaf(1)] * 65)
    assert not verify_inclusion(leaf(0), 0, SIZE_MOST, [leaf(1)] * 1_000_000, top)
