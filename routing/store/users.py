"""Accounts of people, as they are kept: only hashes of passwords and codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from routing.store.people import USERS

_COLUMNS = USERS.c


@dataclass(frozen=True, slots=True)
class User:
    """An account: what whoever signs in with it may do, and what became of it. `facilities` are the places for which
    the role facility speaks, None is no limit; `code_until` is when its one-time code ends, if it has one."""

    name: str
    roles: frozenset[str]
    facilities: frozenset[str] | None
    organisation: str | None
    created_at: datetime
    disabled_at: datetime | None = None
    signed_in_at: datetime | None = None
    password_set_at: datetime | None = None
    password: str | None = None
    code_sha256: str | None = None
    code_until: datetime | None = None


def add_user(connection: sa.Connection, user: User) -> None:
    """Keep a new account."""
    values = {name: getattr(user, name) for name in User.__dataclass_fields__}
    connection.execute(USERS.insert(), {**values, **_rights(user.roles, user.facilities)})


def read_user(connection: sa.Connection, name: str, *, lock: bool = False) -> User | None:
    """The account with this name; with `lock` nobody else changes it until the transaction ends."""
    query = sa.select(USERS).where(_COLUMNS.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _user(row)


def all_users(connection: sa.Connection) -> list[User]:
    """Every account, by name."""
    return [_user(row) for row in connection.execute(sa.select(USERS).order_by(_COLUMNS.name))]


def set_rights(
    connection: sa.Connection,
    name: str,
    roles: frozenset[str],
    facilities: frozenset[str] | None,
    organisation: str | None,
) -> None:
    """Let an account do what these roles do, for this organisation."""
    _change(connection, name, organisation=organisation, **_rights(roles, facilities))


def set_code(connection: sa.Connection, name: str, code_sha256: str, until: datetime) -> None:
    """Give an account a one-time code, and take its password away."""
    _change(connection, name, code_sha256=code_sha256, code_until=until, password=None, password_set_at=None)


def set_password(connection: sa.Connection, name: str, password: str, now: datetime) -> None:
    """Give an account a password, as its hash; a code that it had is used up."""
    _change(connection, name, password=password, password_set_at=now, code_sha256=None, code_until=None)


def hash_anew(connection: sa.Connection, name: str, password: str, former: str) -> None:
    """Keep the same password under another hash, unless it was changed meanwhile."""
    same = (_COLUMNS.name == name) & (_COLUMNS.password == former)
    connection.execute(USERS.update().where(same).values(password=password))


def note_sign_in(connection: sa.Connection, name: str, now: datetime) -> None:
    """Note that somebody signed in."""
    _change(connection, name, signed_in_at=now)


def set_disabled(connection: sa.Connection, name: str, disabled_at: datetime | None) -> None:
    """Keep an account out from now on, or let it in again."""
    _change(connection, name, disabled_at=disabled_at)


def _change(connection: sa.Connection, name: str, **values: Any) -> None:
    connection.execute(USERS.update().where(_COLUMNS.name == name).values(values))


def _rights(roles: frozenset[str], facilities: frozenset[str] | None) -> dict[str, str | None]:
    return {"roles": written(roles), "facilities": None if facilities is None else written(facilities)}


def written(names: frozenset[str]) -> str:
    """Names as one text."""
    return " ".join(sorted(names))


def _user(row: Any) -> User:
    places = None if row.facilities is None else frozenset(row.facilities.split())
    rights = {"roles": frozenset(row.roles.split()), "facilities": places}
    return User(**{name: getattr(row, name) for name in User.__dataclass_fields__} | rights)
