"""The keys with which other software asks; only a hash of each is kept."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from routing.store.database import insert_if_absent
from routing.store.tables import API_KEYS


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its text; `facilities` are the places of which it is the key, None is no limit; `organisation` is
    whose key it is. Without `expires_at` it does not end by itself."""

    id: UUID
    label: str
    roles: frozenset[str]
    facilities: frozenset[str] | None = None
    organisation: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A key and what became of it. `former_until` is when the secret before this one stops being valid; `used_at` is
    exact to an hour. A client that comes with tokens has an `issuer`, and no secret."""

    key: Key
    created_at: datetime
    revoked_at: datetime | None
    former_until: datetime | None
    used_at: datetime | None
    bootstrap: bool
    issuer: str | None
    client: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A valid key that was shown: when that secret of it ends, if it does, and when its use was last noted."""

    key: Key
    ends_at: datetime | None
    used_at: datetime | None


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def add_key(connection: sa.Connection, key: Key, text: str, now: datetime) -> None:
    """Keep a new key."""
    connection.execute(API_KEYS.insert(), _values(key, text, now))


def set_bootstrap_key(connection: sa.Connection, key: Key, text: str, now: datetime) -> None:
    """Make `text` the one bootstrap key that is valid: an earlier one is revoked. May be repeated."""
    columns = API_KEYS.c
    hashed = _hashed(text)
    insert_if_absent(connection, API_KEYS, {**_values(key, text, now), "bootstrap": True})
    renewed = {"revoked_at": None, "expires_at": None, "roles": _written(key.roles)}
    connection.execute(API_KEYS.update().where(columns.key_sha256 == hashed).values(renewed))
    others = columns.bootstrap.is_(True) & (columns.key_sha256 != hashed) & columns.revoked_at.is_(None)
    connection.execute(API_KEYS.update().where(others).values(revoked_at=now))


def find_key(connection: sa.Connection, text: str, now: datetime) -> Found | None:
    """The valid key with this text, which may also be the secret before its newest one, or None."""
    columns = API_KEYS.c
    hashed = _hashed(text)
    former = (columns.former_sha256 == hashed) & (columns.former_until > now)
    query = sa.select(*_ASKED_OF_ALL).where((columns.key_sha256 == hashed) | former, *_valid(now))
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    # the database compares hashes of random texts, whose timing tells nothing; this closes what collation might open
    newest = hmac.compare_digest(found.key_sha256, hashed)
    if not newest and not hmac.compare_digest(found.former_sha256 or "", hashed):
        return None
    return Found(_key(found), found.expires_at if newest else found.former_until, found.used_at)


def note_use(connection: sa.Connection, key_id: UUID, now: datetime, before: datetime) -> None:
    """Note that a key is used now, unless that was noted after `before`."""
    columns = API_KEYS.c
    due = columns.used_at.is_(None) | (columns.used_at <= before)
    connection.execute(API_KEYS.update().where(columns.id == key_id, due).values(used_at=now))


def all_keys(connection: sa.Connection) -> list[Kept]:
    """Every key that there ever was, the oldest first."""
    return [
        _kept(row) for row in connection.execute(sa.select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id))
    ]


def read_key(connection: sa.Connection, key_id: UUID) -> Kept | None:
    """The key with this id; nobody else changes it until the transaction ends."""
    row = connection.execute(sa.select(API_KEYS).where(API_KEYS.c.id == key_id).with_for_update()).one_or_none()
    return None if row is None else _kept(row)


def renew_key(
    connection: sa.Connection, key_id: UUID, text: str, expires_at: datetime | None, former_until: datetime | None
) -> None:
    """Give a key the secret `text`. The one that was the newest stays valid until `former_until`; with None it is gone
    at once, and the one before it stays what it was."""
    columns = API_KEYS.c
    values: dict[str, Any] = {"key_sha256": _hashed(text), "expires_at": expires_at}
    if former_until is not None:
        values |= {"former_sha256": columns.key_sha256, "former_until": former_until}
    connection.execute(API_KEYS.update().where(columns.id == key_id).values(values))


def revoke_key(connection: sa.Connection, key_id: UUID, now: datetime) -> None:
    """End a key for good, with all its secrets. May be repeated: the first moment stays."""
    columns = API_KEYS.c
    connection.execute(
        API_KEYS.update().where(columns.id == key_id, columns.revoked_at.is_(None)).values(revoked_at=now)
    )


def read_client(connection: sa.Connection, issuer: str, client: str) -> Kept | None:
    """The client that comes with tokens of `issuer`, if it ever came."""
    row = connection.execute(sa.select(API_KEYS).where(API_KEYS.c.key_sha256 == _no_hash(issuer, client))).one_or_none()
    return None if row is None else _kept(row)


def add_client(connection: sa.Connection, key: Key, issuer: str, client: str, now: datetime) -> None:
    """Keep a client that comes with tokens of `issuer`, unless it is there already."""
    values = {**_values(key, "", now), "key_sha256": _no_hash(issuer, client), "issuer": issuer, "client": client}
    insert_if_absent(connection, API_KEYS, values)


def _no_hash(issuer: str, client: str) -> str:
    """What stands for a client in the place of a hash: no text has this as its hash, so it is the key of nobody."""
    return "token:" + _hashed(f"{issuer}\n{client}")[:58]


def any_key(connection: sa.Connection, now: datetime) -> bool:
    """Whether at least one key is valid."""
    query = sa.select(API_KEYS.c.id).where(API_KEYS.c.issuer.is_(None), *_valid(now)).limit(1)
    return connection.scalar(query) is not None


# -- rows -------------------------------------------------------------------------------------------------------------

_ASKED_OF_ALL = [
    API_KEYS.c[name]
    for name in (
        *("id", "label", "roles", "facilities", "organisation", "expires_at"),
        *("key_sha256", "former_sha256", "former_until", "used_at"),
    )
]
"""What has to be known at every request."""


def _valid(now: datetime) -> Iterable[sa.ColumnElement[bool]]:
    columns = API_KEYS.c
    yield columns.revoked_at.is_(None)
    yield sa.or_(columns.expires_at.is_(None), columns.expires_at > now)


def _key(row: Any) -> Key:
    places = None if row.facilities is None else frozenset(row.facilities.split())
    return Key(row.id, row.label, frozenset(row.roles.split()), places, row.organisation, row.expires_at)


def _kept(row: Any) -> Kept:
    return Kept(
        _key(row), row.created_at, row.revoked_at, row.former_until, row.used_at, row.bootstrap, row.issuer, row.client
    )


def _written(names: frozenset[str]) -> str:
    return " ".join(sorted(names))


def _values(key: Key, text: str, now: datetime) -> dict[str, object]:
    return {
        "id": key.id,
        "label": key.label,
        "key_sha256": _hashed(text),
        "roles": _written(key.roles),
        "facilities": None if key.facilities is None else _written(key.facilities),
        "organisation": key.organisation,
        "bootstrap": False,
        "created_at": now,
        "expires_at": key.expires_at,
    }
