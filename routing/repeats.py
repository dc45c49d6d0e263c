"""Lets a client ask again without fear: under its key a request is carried out once, however often it is sent.

The key is committed with what was made of the request, so there is never one without the other; what is answered again
is read from the record, so nothing is kept twice. A request that was refused leaves nothing: it may be sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import orjson

from routing.errors import Erased, InFlight, KeyReused
from routing.keys_here import keyring_of
from routing.log.sealing import fingerprint
from routing.rights import NO_ORGANISATION, Asker
from routing.store import database, idempotency
from routing.world import World

KEPT = timedelta(days=7)
"""So long a key stands for its request: a client that was cut off for a weekend can still ask what came of it."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is to be carried out once, by the fingerprints of its key and of all that it asks."""

    key: str
    request: str


class _Done(Exception):
    """Another one carried this request out while we were about to."""

    def __init__(self, entry_id: UUID) -> None:
        super().__init__()
        self.entry_id = entry_id


def once(world: World, asker: Asker, key: str | None, call: str, body: Any) -> Once | None:
    """The request `call` of `asker` with this JSON `body`, if it has a `key`. Keys of others are other keys. Raises
    KeysUnusable."""
    if key is None:
        return None
    secret = keyring_of(world).naming
    said = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    whose = asker.apart
    if world.settings.decisions_shared is not None:
        # organisations that come with tokens of one client are others too, and so is one that somebody changed to
        whose = f"{whose} {asker.organisation or NO_ORGANISATION}"
    return Once(fingerprint(secret, whose.encode(), key.encode()), fingerprint(secret, call.encode(), said))


def answered_once(
    world: World, request: Once | None, carry_out: Callable[[], Answer], read_again: Callable[[UUID], Answer]
) -> Answer:
    """What `carry_out` answers, which calls `claim` and inserts `rows_of`; or `read_again` of the entry that was made
    when this request came before. Raises InFlight, KeyReused, Erased, StoreUnavailable, and what these raise."""
    if request is None:
        return carry_out()
    with _under_way(world, request):
        with database.reading(world.engine) as connection:
            entry_id = _entry_of(connection, request, world.clock())
        if entry_id is None:
            try:
                return carry_out()
            except _Done as done:
                entry_id = done.entry_id
    return read_again(entry_id)


def claim(connection: database.Connection, request: Once | None, now: datetime) -> None:
    """Make sure, in the transaction that carries `request` out and before it does anything, that nobody else did or
    does. Raises InFlight, KeyReused, Erased."""
    if request is None:
        return
    if not idempotency.try_lock(connection, request.key):
        raise InFlight
    if (entry_id := _entry_of(connection, request, now)) is not None:
        raise _Done(entry_id)
    idempotency.take_out(connection, request.key)


def rows_of(request: Once | None, entry_id: UUID, decision_id: UUID, now: datetime) -> list[database.Row]:
    """What is inserted with the entry that was made of `request`."""
    if request is None:
        return []
    return [idempotency.row_of(request.key, idempotency.Done(request.request, entry_id, decision_id), now)]


def _entry_of(connection: database.Connection, request: Once, now: datetime) -> UUID | None:
    done = idempotency.read(connection, request.key, now - KEPT)
    if done is None:
        return None
    if done.request is None:
        raise Erased("decision", str(done.decision_id))
    if done.request != request.request:
        raise KeyReused
    return done.entry_id


@contextmanager
def _under_way(world: World, request: Once) -> Iterator[None]:
    mine = object()
    if world.under_way.setdefault(request.key, mine) is not mine:
        raise InFlight
    try:
        yield
    finally:
        del world.under_way[request.key]
