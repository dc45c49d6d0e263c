"""The names on the wire of what the log proves: capsules, checkpoints, keys and proofs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas import Answer


class LogKey(Answer):
    """A public key of the log; `statement` is how the key before it announced it (none: the first key)."""

    vkey: str
    statement: str | None
    added_at: str


class LogKeys(Answer):
    """Every public key that the log ever had, the first one first."""

    keys: list[LogKey]


class Inclusion(Answer):
    """An entry of the log, and what proves that it stands in the tree of the checkpoint."""

    id: str
    entry: str
    position: int
    size: int
    proof: list[str]
    checkpoint: str


class Consistency(Answer):
    """What proves that the log only grew from one size to another."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")
    from_root: str
    to_root: str
    proof: list[str]
    checkpoint: str | None


class CapsuleKey(Answer):
    """A public key of the log as a capsule holds it."""

    vkey: str
    statement: str | None


class CapsuleLog(Answer):
    """The log as it was signed when the capsule was made."""

    checkpoint: str
    keys: list[CapsuleKey]


class CapsulePlace(Answer):
    """Where an entry stands in the tree."""

    position: int
    proof: list[str]


class CapsuleEntry(Answer):
    """An entry with its place and the fields of its record; none if these were erased, or it has none."""

    entry: str
    place: CapsulePlace
    record: list[dict[str, Any]] | None


class CapsulePlaces(Answer):
    """What was known of places: all of those that mattered, and of the others a digest."""

    holidays: list[str]
    facts: dict[str, Any]
    others: dict[str, str]


class Capsule(Answer):
    """One decision with all that is needed to check it elsewhere."""

    capsule: int
    log: CapsuleLog
    decision: CapsuleEntry
    others: list[CapsuleEntry]
    vocabulary: dict[str, Any] | None
    ruleset: dict[str, Any] | None
    places: CapsulePlaces | None
