"""The names on the wire of what the log proves: its keys and its proofs."""

from __future__ import annotations

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
