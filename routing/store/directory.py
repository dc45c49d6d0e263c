"""The directory of places as a history: every change is added under the next revision, nothing is ever changed.

Whoever adds holds the lock until the commit, so that revisions become visible in their order: who sees a revision has
seen all before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from routing.errors import BadRecord, NotFound
from routing.facilities.changes import Change
from routing.store.packing import pack_content, unpack_content
from routing.store.tables import DIRECTORY_CHECKPOINTS, DIRECTORY_REVISIONS, FACILITY_CHANGES
from routing.vocabulary import digest_of

_LOCK = 0x77656764  # any number will do, as long as every Wegwijs process uses the same
_AT_ONCE = 500
_REVISIONS, _CHANGES, _CHECKPOINTS = DIRECTORY_REVISIONS.c, FACILITY_CHANGES.c, DIRECTORY_CHECKPOINTS.c

_HEADS = sa.select(
    _REVISIONS.revision, _REVISIONS.digest, _REVISIONS.received_at, (_REVISIONS.content != b"").label("whole")
)


@dataclass(frozen=True, slots=True)
class Head:
    """A revision: its number, its digest, when it was received, and whether it was taken in whole."""

    revision: int
    digest: str
    received_at: datetime
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A directory that was kept whole: at which revision, and the digest of that (None: that of the content)."""

    revision: int
    content: Mapping[str, Any]
    digest: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """A change as it was received: under which revision and when, with whose key."""

    revision: int
    position: int
    received_at: datetime
    change: Change
    key_id: UUID | None


def lock(connection: sa.Connection) -> None:
    """Wait until nobody else adds to the directory; held until the transaction ends."""
    if connection.dialect.name == "postgresql":  # on SQLite the writer holds the only lock already
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def head(connection: sa.Connection) -> Head | None:
    """The newest revision; None if there is none yet."""
    found = connection.execute(_HEADS.order_by(_REVISIONS.revision.desc()).limit(1)).one_or_none()
    return None if found is None else Head(*found)


def heads(connection: sa.Connection, first: int, last: int) -> list[Head]:
    """The revisions from `first` up to and including `last`, in their order."""
    between = _HEADS.where(_REVISIONS.revision >= first, _REVISIONS.revision <= last)
    return [Head(*found) for found in connection.execute(between.order_by(_REVISIONS.revision))]


def revision_at(connection: sa.Connection, moment: datetime) -> int | None:
    """The newest revision that had been received at `moment`; None if there was none."""
    query = sa.select(sa.func.max(_REVISIONS.revision)).where(_REVISIONS.received_at <= moment)
    found: int | None = connection.scalar(query)
    return found


def received(connection: sa.Connection, revision: int) -> datetime:
    """When this revision was received. Raises NotFound."""
    found = connection.scalar(sa.select(_REVISIONS.received_at).where(_REVISIONS.revision == revision))
    if found is None:
        raise NotFound("directory revision", str(revision))
    moment: datetime = found
    return moment


def newest_position(connection: sa.Connection) -> tuple[int, int] | None:
    """The last change, as (revision, position); position 0 of a revision that was taken in whole. None if there is no
    directory yet."""
    newest = connection.scalar(sa.select(sa.func.max(_REVISIONS.revision)))
    if newest is None:
        return None
    last = connection.scalar(sa.select(sa.func.max(_CHANGES.position)).where(_CHANGES.revision == newest))
    return newest, last or 0


def has_position(connection: sa.Connection, revision: int, position: int) -> bool:
    """Whether there is such a (revision, position), as `newest_position` and `past` give them."""
    if position == 0:
        query = sa.select(_REVISIONS.revision).where(_REVISIONS.revision == revision)
    else:
        query = sa.select(_CHANGES.revision).where(_CHANGES.revision == revision, _CHANGES.position == position)
    return connection.scalar(query) is not None


# -- adding -----------------------------------------------------------------------------------------------------------


def add_whole(
    connection: sa.Connection, revision: int, content: Mapping[str, Any], source: str, packaged: str, now: datetime
) -> None:
    """Add a whole directory as `revision`; `packaged` is the digest of the document that it was taken from."""
    values = {"revision": revision, "digest": digest_of(content), "content": pack_content(content)}
    named = {"source": source, "received_at": now, "packaged_digest": packaged}
    connection.execute(DIRECTORY_REVISIONS.insert(), {**values, **named})


def last_packaged(connection: sa.Connection, source: str) -> str | None:
    """The digest of the document of this `source` that was last taken in whole."""
    given = sa.func.coalesce(_REVISIONS.packaged_digest, _REVISIONS.digest)
    query = sa.select(given).where(_REVISIONS.source == source, _REVISIONS.content != b"")
    found: str | None = connection.scalar(query.order_by(_REVISIONS.revision.desc()).limit(1))
    return found


def add_changes(
    connection: sa.Connection, head: Head, changes: Sequence[Change], source: str, key_id: UUID | None
) -> None:
    """Add `changes` as the revision `head`. The caller holds the lock, and `head` follows the newest revision."""
    values = {"revision": head.revision, "digest": head.digest, "content": b""}
    connection.execute(DIRECTORY_REVISIONS.insert(), {**values, "source": source, "received_at": head.received_at})
    connection.execute(
        FACILITY_CHANGES.insert(),
        [
            {
                "revision": head.revision,
                "position": position,
                "facility_id": change.facility_id,
                "subject": change.subject,
                "content": orjson.dumps(change.content),
                "source": change.source,
                "observed_at": change.observed_at,
                "received_at": head.received_at,
                "valid_until": change.valid_until,
                "flip": change.flip,
                "key_id": key_id,
            }
            for position, change in enumerate(changes)
        ],
    )


def add_checkpoint(connection: sa.Connection, revision: int, digest: str, document: Mapping[str, Any]) -> None:
    """Keep the whole directory at `revision`, which has this `digest`."""
    content = {"digest": digest, "document": document}
    values = {"revision": revision, "digest": digest_of(content), "content": pack_content(content)}
    connection.execute(DIRECTORY_CHECKPOINTS.insert(), values)


# -- reading ----------------------------------------------------------------------------------------------------------


def read_whole(connection: sa.Connection, revision: int) -> Whole:
    """The last directory that was kept whole, at `revision` or before it. Raises NotFound, BadRecord."""
    taken = sa.select(_REVISIONS.revision, _REVISIONS.content, _REVISIONS.digest).where(_REVISIONS.content != b"")
    kept = sa.select(_CHECKPOINTS.revision, _CHECKPOINTS.content, _CHECKPOINTS.digest)
    first = connection.execute(_last(taken, _REVISIONS.revision, revision)).one_or_none()
    second = connection.execute(_last(kept, _CHECKPOINTS.revision, revision)).one_or_none()
    if first is None or digest_at(connection, revision) is None:
        raise NotFound("directory revision", str(revision))
    if second is None or second.revision < first.revision:
        return Whole(first.revision, unpack_content(first.content, first.digest), None)
    content = unpack_content(second.content, second.digest)
    if content["digest"] != digest_at(connection, second.revision):
        raise BadRecord(f"the checkpoint at revision {second.revision} of the directory is of another one")
    return Whole(second.revision, content["document"], content["digest"])


def _last(query: sa.Select[Any], column: sa.Column[int], revision: int) -> sa.Select[Any]:
    return query.where(column <= revision).order_by(column.desc()).limit(1)


def digest_at(connection: sa.Connection, revision: int) -> str | None:
    """The digest under which `revision` is kept; None if there is no such revision."""
    found: str | None = connection.scalar(sa.select(_REVISIONS.digest).where(_REVISIONS.revision == revision))
    return found


def read_changes(connection: sa.Connection, first: int, last: int) -> Mapping[int, list[Change]]:
    """Revision -> its changes in their order, from `first` up to and including `last`. Raises BadRecord."""
    rows = sa.select(FACILITY_CHANGES).where(_CHANGES.revision >= first, _CHANGES.revision <= last)
    changes: dict[int, list[Change]] = {}
    for row in connection.execute(rows.order_by(_CHANGES.revision, _CHANGES.position)):
        changes.setdefault(row.revision, []).append(_change(row))
    return changes


def _change(row: Any) -> Change:
    try:
        content = orjson.loads(row.content)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"a change of revision {row.revision} of the directory is damaged") from error
    return Change(row.facility_id, row.subject, content, row.source, row.observed_at, row.valid_until, row.flip)


Flips = Mapping[tuple[str, str], tuple[datetime, ...]]
"""(place, subject) -> when its value was seen to change."""


def flips(connection: sa.Connection, places: Sequence[str], since: datetime) -> Flips:
    """When values of these places were seen to change, of the changes that were received since then."""
    before = sa.select(sa.func.max(_REVISIONS.revision)).where(_REVISIONS.received_at <= since).scalar_subquery()
    recent = _CHANGES.revision > sa.func.coalesce(before, 0)
    query = sa.select(_CHANGES.facility_id, _CHANGES.subject, _CHANGES.observed_at).where(
        _CHANGES.facility_id.in_(places), recent, _CHANGES.flip.is_(True)
    )
    found: dict[tuple[str, str], tuple[datetime, ...]] = {}
    for place, subject, moment in connection.execute(query):
        found[place, subject] = (*found.get((place, subject), ()), moment)
    return found


def reported(connection: sa.Connection, subject: str, since: datetime) -> Iterator[Change]:
    """The changes about `subject` that were received since then, of all places, the oldest first and one by one. Raises
    BadRecord."""
    query = sa.select(FACILITY_CHANGES).where(*_received_since(subject, since))
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(
        query.order_by(_CHANGES.revision, _CHANGES.position)
    )
    return map(_change, rows)


def count_reported(connection: sa.Connection, subject: str, since: datetime) -> int:
    """How many of these there are."""
    query = sa.select(sa.func.count()).select_from(FACILITY_CHANGES).where(*_received_since(subject, since))
    return connection.scalar(query) or 0


def _received_since(subject: str, since: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    before = sa.select(sa.func.max(_REVISIONS.revision)).where(_REVISIONS.received_at <= since).scalar_subquery()
    return _CHANGES.revision > sa.func.coalesce(before, 0), _CHANGES.subject == subject


def past(
    connection: sa.Connection,
    *,
    facility_id: str | None = None,
    after: tuple[int, int] | None = None,
    before: tuple[int, int] | None = None,
    limit: int = 100,
) -> list[Past]:
    """Changes as they were received: the newest first, those `before` a (revision, position); or with `after` the
    oldest first, those that follow it. At most `limit`."""
    place = sa.tuple_(_CHANGES.revision, _CHANGES.position)
    query = sa.select(FACILITY_CHANGES)
    if facility_id is not None:
        query = query.where(_CHANGES.facility_id == facility_id)
    if before is not None:
        query = query.where(place < sa.tuple_(*map(sa.literal, before)))
    if after is not None:
        query = query.where(place > sa.tuple_(*map(sa.literal, after)))
    ways = [_CHANGES.revision, _CHANGES.position]
    ordered = query.order_by(*(ways if after is not None else [column.desc() for column in ways]))
    rows = connection.execute(ordered.limit(limit))
    return [Past(row.revision, row.position, row.received_at, _change(row), row.key_id) for row in rows]
