"""The keys with which other software asks; only a hash of each is kept."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa

from routing.store.database import insert_if_absent
from routing.store.tables import API_KEYS


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its text; `facilities` are the places of which it is the key, None is no limit; `organisation` is
    whose key it is."""

    id: UUID
    label: str
    roles: frozenset[str]
    facilities: frozenset[str] | None = None
    organisation: str | None = None


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


def find_key(connection: sa.Connection, text: str, now: datetime) -> Key | None:
    """The valid key with this text, or None."""
    columns = API_KEYS.c
    hashed = _hashed(text)
    named = (columns.id, columns.label, columns.roles, columns.facilities, columns.organisation, columns.key_sha256)
    query = sa.select(*named).where(columns.key_sha256 == hashed, *_valid(now))
    found = connection.execute(query).one_or_none()
    # the database compares hashes of random texts, whose timing tells nothing; this closes what collation might open
    if found is None or not hmac.compare_digest(found.key_sha256, hashed):
        return None
    places = None if found.facilities is None else frozenset(found.facilities.split())
    return Key(found.id, found.label, frozenset(found.roles.split()), places, found.organisation)


def any_key(connection: sa.Connection, now: datetime) -> bool:
    """Whether at least one key is valid."""
    return connection.scalar(sa.select(API_KEYS.c.id).where(*_valid(now)).limit(1)) is not None


def _valid(now: datetime) -> Iterable[sa.ColumnElement[bool]]:
    columns = API_KEYS.c
    yield columns.revoked_at.is_(None)
    yield sa.or_(columns.expires_at.is_(None), columns.expires_at > now)


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
    }
