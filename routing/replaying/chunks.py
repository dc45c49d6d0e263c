"""Cuts a time into stretches of decisions, each a piece of work of its own: none is left out, none is taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from routing.store import database, decisions
from routing.store.decisions import Position
from routing.world import World

MOST = 500
"""Decisions in a chunk: work for a second or more, so that handing it out costs next to nothing."""

LEAST = 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """The decisions from `first` up to and including `last`, in the order of the log: `size` of them when the chunk was
    cut. `number` counts from 0."""

    number: int
    first: Position
    last: Position
    size: int

    def __str__(self) -> str:
        return f"{self.size} decisions from {self.first[0].isoformat()} ({self.first[1]})"


def chunk_size(total: int, workers: int) -> int:
    """How many decisions to put in a chunk, so that `workers` all have work until near the end."""
    return max(LEAST, min(MOST, -(-total // (workers * 8))))


def chunks(world: World, since: datetime | None, until: datetime, size: int) -> Iterator[Chunk]:
    """All decisions from `since` (None: the first) to before `until`, in chunks of `size` (the last may be smaller);
    cut while they are asked for. Raises StoreUnavailable."""
    after: Position | None = None
    number = 0
    while True:
        with database.reading(world.engine) as connection:
            found = decisions.ids_between(connection, since, until, after, size)
        if not found:
            return
        first, last = ((moment, decision_id) for decision_id, moment, _ in (found[0], found[-1]))
        yield Chunk(number, first, last, len(found))
        after, number = last, number + 1


def chunk_record(chunk: Chunk) -> list[Any]:
    """`chunk` as plain values."""
    return [chunk.number, *_written(chunk.first), *_written(chunk.last), chunk.size]


def read_chunk(record: list[Any]) -> Chunk:
    """The chunk of a `chunk_record`."""
    number, *places, size = record
    return Chunk(number, _place(*places[:2]), _place(*places[2:]), size)


def _written(place: Position) -> tuple[str, str]:
    # the same moment is always the same text: a chunk is found again by it
    return place[0].astimezone(UTC).isoformat(), str(place[1])


def _place(moment: str, decision_id: str) -> Position:
    return datetime.fromisoformat(moment), UUID(decision_id)
