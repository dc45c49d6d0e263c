"""Cases that somebody is still filling in, sealed; each belongs to one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from routing.store.database import insert_if_absent
from routing.store.people import DRAFTS
from routing.store.records import Sealed

_COLUMNS = DRAFTS.c


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft as it is kept."""

    id: UUID
    owner: str
    began_at: datetime
    changed_at: datetime
    content: Sealed


def keep(connection: sa.Connection, draft: Kept) -> bool:
    """Keep a draft in the place of what was kept under its id; False, and nothing is kept, if that is of somebody
    else."""
    values = {
        "changed_at": draft.changed_at,
        "sealed": draft.content.sealed,
        "sealing_key": draft.content.sealing_key,
        "wrapped": draft.content.wrapped,
    }
    made = {**values, "id": draft.id, "owner": draft.owner, "began_at": draft.began_at}
    insert_if_absent(connection, DRAFTS, made)  # two requests of one page may come at the same moment
    own = sa.and_(_COLUMNS.id == draft.id, _COLUMNS.owner == draft.owner)
    return connection.execute(DRAFTS.update().where(own).values(values)).rowcount > 0


def read(connection: sa.Connection, draft_id: UUID, owner: str) -> Kept | None:
    """The draft with this id, if it is of `owner`."""
    found = sa.select(DRAFTS).where(_COLUMNS.id == draft_id, _COLUMNS.owner == owner)
    row = connection.execute(found).one_or_none()
    return None if row is None else _kept(row)


def of_owner(connection: sa.Connection, owner: str, most: int) -> list[Kept]:
    """The drafts of `owner`, the newest first."""
    query = sa.select(DRAFTS).where(_COLUMNS.owner == owner).order_by(_COLUMNS.changed_at.desc()).limit(most)
    return [_kept(row) for row in connection.execute(query)]


def remove(connection: sa.Connection, draft_id: UUID, owner: str) -> None:
    """Remove a draft of `owner`."""
    connection.execute(DRAFTS.delete().where(_COLUMNS.id == draft_id, _COLUMNS.owner == owner))


def remove_before(connection: sa.Connection, moment: datetime) -> None:
    """Remove every draft that was not changed since."""
    connection.execute(DRAFTS.delete().where(_COLUMNS.changed_at < moment))


def _kept(row: Any) -> Kept:
    content = Sealed(row.sealed, row.sealing_key, row.wrapped)
    return Kept(row.id, row.owner, row.began_at, row.changed_at, content)
