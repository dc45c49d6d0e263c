"""However a log grows it has one tree; what is proved of it is true, and no check raises whatever is handed in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.log.merkle import (
    EMPTY,
    append,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    root,
    root_of,
    tiles_after,
    verify_consistency,
    verify_inclusion,
)
from tests.naive_tree import leaf, mth, path, reader, subproof, tiles_of

quick = settings(max_examples=100, deadline=None)

NEWEST = 66_000

batches = st.lists(st.integers(0, 300), max_size=8)
sizes = st.one_of(st.integers(1, 1000), st.integers(1, NEWEST), st.sampled_from([256, 512, 65_535, 65_536, 65_537]))
hashes = st.one_of(st.binary(min_size=32, max_size=32), st.integers(0, 40).map(leaf))
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(0, 20), st.floats(), st.text(), st.binary(), hashes
)
proofs = st.one_of(st.lists(hashes, max_size=8), st.lists(anything, max_size=4), st.lists(hashes).map(tuple), anything)


@pytest.fixture(scope="module")
def newest() -> dict[tuple[int, int], bytes]:
    return tiles_of(NEWEST)


@quick
@given(batches)
def test_any_way_to_append_gives_the_same_tree(batches: list[int]) -> None:
    frontier, tiles, size = EMPTY, dict[tuple[int, int], bytes](), 0
    for more in batches:
        new = [leaf(position) for position in range(size, size + more)]
        frontier = append(frontier, iter(new))
        tiles |= tiles_after(size, reader(tiles), new)
        size += more
        assert root(frontier) == mth(0, size) == root_of(size, reader(tiles))
    assert tiles == tiles_of(size)
    assert frontier == append(EMPTY, map(leaf, range(size))) == frontier_of(size, reader(tiles))


@quick
@given(sizes, st.data())
def test_any_entry_is_proved_from_newer_tiles(
    newest: dict[tuple[int, int], bytes], size: int, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(position, size, reader(newest))
    assert proof == path(position, 0, size)
    assert verify_inclusion(leaf(position), position, size, proof, mth(0, size))
    other = data.draw(st.integers(0, NEWEST).filter(lambda other: other != position))
    assert not verify_inclusion(leaf(other), position, size, proof, mth(0, size))
    assert not verify_inclusion(leaf(position), other, size, proof, mth(0, size))


@quick
@given(sizes, st.data())
def test_any_older_log_is_proved_from_newer_tiles(
    newest: dict[tuple[int, int], bytes], new: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, reader(newest))
    assert proof == subproof(old, 0, new)
    assert verify_consistency(old, mth(0, old), new, mth(0, new), proof)
    other = data.draw(st.integers(1, NEWEST).filter(lambda other: other != old))
    assert not verify_consistency(old, mth(0, other), new, mth(0, new), proof)


@quick
@given(anything, anything, anything, proofs, anything)
def test_nothing_handed_in_makes_an_inclusion_check_raise(leaf: Any, at: Any, size: Any, proof: Any, top: Any) -> None:
    found = verify_inclusion(leaf, at, size, proof, top)
    assert found is False or (at == 0 and size == 1 and leaf == top and not proof)


@quick
@given(anything, anything, anything, anything, proofs)
def test_nothing_handed_in_makes_a_consistency_check_raise(
    old: Any, older: Any, new: Any, newer: Any, proof: Any
) -> None:
    found = verify_consistency(old, older, new, newer, proof)
    assert found is False or (old == new and older == newer and not proof)


@quick
@given(st.integers(2, 600), st.data())
def test_any_other_proof_of_the_same_length_is_found(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    proof = path(position, 0, size)
    other = data.draw(st.lists(hashes, min_size=len(proof), max_size=len(proof)))
    assert verify_inclusion(leaf(position), position, size, other, mth(0, size)) == (other == proof)
