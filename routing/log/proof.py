"""What proves that an entry stands in a log: its position, the way to a root, and who signed that root.

Trust begins with one public key that somebody has from elsewhere. A log whose key was changed says so itself: the key
before it announced the new one.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from routing.errors import BadInput, BadRecord
from routing.log.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from routing.log.note import Checkpoint, Verifier, opened, read_checkpoint, read_vkey


class Strict(BaseModel):
    """A part of a file that somebody may have written to deceive: nothing is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KeyForm(Strict):
    """A public key of a log, and how the key before it announced it (None: the first one)."""

    vkey: str = Field(max_length=500)
    statement: str | None = Field(max_length=5_000)


class LogForm(Strict):
    """A log as it was signed at one moment, with all keys that it ever had."""

    checkpoint: str = Field(max_length=20_000)
    keys: list[KeyForm] = Field(min_length=1, max_length=1_000)


class PlaceForm(Strict):
    """Where an entry stands in the tree, and the hashes beside its way to the root, in base64."""

    position: int = Field(ge=0)
    proof: list[str] = Field(max_length=64)


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint whose signature holds, the key that made it, and whether that key is trusted (None: nobody said
    which keys are)."""

    checkpoint: Checkpoint
    by: Verifier
    trusted: bool | None


def announcement(origin: str, new: str) -> str:
    """The text by which the key of a log says which key signs after it."""
    return f"wegwijs key 1\n{origin}\n{new}\n"


def read_signed(log: LogForm, trusted: Sequence[Verifier]) -> Signed:
    """The checkpoint of `log`. `trusted` are keys that the reader has from elsewhere: one of them must have signed, or
    have announced the key that did, directly or through others. Raises BadRecord if a signature does not hold."""
    keys = chain_of(log.keys)
    found = opened(log.checkpoint, keys)
    checkpoint = read_checkpoint(found.text)
    by = found.signed_by[-1]
    if checkpoint.origin != by.name:
        raise BadRecord("the checkpoint is not one of the log to which its keys belong")
    if not trusted:
        return Signed(checkpoint, by, None)
    # a key vouches for those after it, never for those before it
    start = next((number for number, key in enumerate(keys) if key in trusted), len(keys))
    return Signed(checkpoint, by, by in keys[start:])


def chain_of(keys: Sequence[KeyForm]) -> list[Verifier]:
    """The keys in their order, each of which announced the one after it. Raises BadRecord."""
    found: list[Verifier] = []
    for key in keys:
        verifier = _read_vkey(key.vkey)
        if (key.statement is None) != (not found):
            raise BadRecord("of the keys of a log the first one, and no other, comes without an announcement")
        if found and verifier.name != found[0].name:
            raise BadRecord("the keys are not all those of one log")
        if found and key.statement is not None:
            said = opened(key.statement, found[-1:]).text
            if said != announcement(found[-1].name, key.vkey):
                raise BadRecord("the announcement of a key is about another key")
        found.append(verifier)
    return found


def _read_vkey(text: str) -> Verifier:
    try:
        return read_vkey(text)
    except BadInput as error:
        raise BadRecord("a public key cannot be read") from error


def in_tree(entry: bytes, place: PlaceForm, checkpoint: Checkpoint) -> bool:
    """Whether `entry` stands at its place in the tree that was signed."""
    try:
        proof = list(map(read_hash, place.proof))
    except BadRecord:
        return False
    return verify_inclusion(leaf_hash(entry), place.position, checkpoint.size, proof, checkpoint.root)


def read_hash(text: str, length: int = HASH_BYTES) -> bytes:
    """The bytes that `text` is the base64 of; there is no second way to write them. Raises BadRecord if they are not so
    many."""
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:  # also what is not ASCII
        found = b""
    if len(found) != length or base64.b64encode(found).decode() != text:
        raise BadRecord(f"`{text[:60]}` is not the base64 of {length} bytes")
    return found


def written_proof(proof: Sequence[bytes]) -> list[str]:
    """Hashes of a proof in base64."""
    return [base64.b64encode(each).decode() for each in proof]
