"""Cases that somebody is still filling in: kept sealed, seen by nobody else, gone once decided or after a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from routing.errors import NotFound
from routing.keys_here import checked_keyring, keyring_with
from routing.log_here import sealed_apart, unsealed
from routing.rights import Asker
from routing.store import database
from routing.store import drafts as store
from routing.world import World

KEPT = timedelta(hours=24)
"""A draft that was not changed for so long is removed: it is about a patient, and nobody finished it."""

MOST = 20

_DECISION = "decision"

Content = Mapping[str, tuple[str, ...]]
"""What stands in the fields of the form: name -> values."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An unfinished case: what stands in the form, and since when."""

    id: UUID
    began_at: datetime
    changed_at: datetime
    content: Content


def keep_draft(world: World, draft_id: UUID, content: Content, asker: Asker) -> None:
    """Keep what `asker` has filled in so far, in the place of what was kept before. Raises NotFound if this draft is of
    somebody else, KeysUnusable, StoreUnavailable."""
    now = world.clock()
    with database.writing(world.engine) as connection:
        store.remove_before(connection, now - KEPT)
        sealed, _ = sealed_apart(checked_keyring(world, connection), draft_id, orjson.dumps(content))
        if not store.keep(connection, store.Kept(draft_id, asker.apart, now, now, sealed)):
            raise NotFound("draft", str(draft_id))


def draft_of(world: World, draft_id: UUID, asker: Asker) -> Draft | None:
    """What `asker` filled in under this id; None if nothing, or if it is too old. Raises BadRecord, KeysUnusable,
    StoreUnavailable."""
    with database.reading(world.engine) as connection:
        found = store.read(connection, draft_id, asker.apart)
        return None if found is None or _too_old(world, found) else _opened(world, connection, found)


def settle_draft(world: World, draft_id: UUID, decision_id: UUID, asker: Asker) -> None:
    """Keep of a draft of `asker` no more than which decision came of it, so that what a page sends later does not make
    it a draft again. Raises KeysUnusable, StoreUnavailable."""
    now, content = world.clock(), {_DECISION: (str(decision_id),)}
    with database.writing(world.engine) as connection:
        sealed, _ = sealed_apart(checked_keyring(world, connection), draft_id, orjson.dumps(content))
        store.remove(connection, draft_id, asker.apart)
        store.keep(connection, store.Kept(draft_id, _settled(asker), now, now, sealed))


def decision_of(world: World, draft_id: UUID, asker: Asker) -> str | None:
    """The id of the decision that came of a draft of `asker`; None if there is none, or not any more. Raises BadRecord,
    KeysUnusable, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        found = store.read(connection, draft_id, _settled(asker))
        return None if found is None else _opened(world, connection, found).content[_DECISION][0]


def drafts_of(world: World, asker: Asker) -> list[Draft]:
    """The newest unfinished cases of `asker`. Raises BadRecord, KeysUnusable, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        found = store.of_owner(connection, asker.apart, MOST)
        return [_opened(world, connection, each) for each in found if not _too_old(world, each)]


def remove_draft(world: World, draft_id: UUID, asker: Asker) -> None:
    """Forget a draft of `asker`, if there is one. Raises StoreUnavailable."""
    with database.writing(world.engine) as connection:
        store.remove(connection, draft_id, asker.apart)


def _settled(asker: Asker) -> str:
    return f"settled by {asker.apart}"


def _too_old(world: World, found: store.Kept) -> bool:
    return found.changed_at < world.clock() - KEPT


def _opened(world: World, connection: database.Connection, found: store.Kept) -> Draft:
    keyring = keyring_with(world, connection, [found.content.sealing_key])
    written, _ = unsealed(keyring, found.id, found.content)
    content = {name: tuple(values) for name, values in orjson.loads(written).items()}
    return Draft(found.id, found.began_at, found.changed_at, content)
