"""Accounts with which people sign in: made by an operator, who knows no password, and ended when somebody leaves."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from routing import attempts
from routing.api_keys import check_rights
from routing.errors import NotFound, bad_input, shown
from routing.log.access import looks_like_bsn
from routing.passwords import code_hash, new_code
from routing.store import database, sessions
from routing.store import users as store
from routing.world import World

CODE_VALID = timedelta(hours=24)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,63}")
_LIKE_A_SUBJECT = re.compile(r"s\.[0-9a-f]{32}")
NAME_ALLOWED = "an id of 3 to 64 of a-z, 0-9, `.`, `_`, `-`, as `zcc-017`; never a patient, and rather no person's name"


def is_name(text: str) -> bool:
    """Whether an account can have this name, by its form."""
    return _NAME.fullmatch(text) is not None


def add_user(
    world: World,
    name: str,
    roles: frozenset[str],
    facilities: frozenset[str] | None = None,
    organisation: str | None = None,
) -> tuple[dict[str, Any], str]:
    """Make an account: what `user` tells of it, and a one-time code, which is given this once and with which whoever it
    is for sets a password. Raises BadInput, StoreUnavailable."""
    if not is_name(name) or looks_like_bsn(name) or _LIKE_A_SUBJECT.fullmatch(name):
        raise bad_input("user", "not_an_id", "is not a name for an account", allowed=NAME_ALLOWED)
    check_rights(world, roles, facilities, organisation)
    now = world.clock()
    made = store.User(name, roles, facilities, organisation.strip() if organisation else None, created_at=now)
    with database.writing(world.engine) as connection:
        if store.read_user(connection, name, lock=True) is not None:
            raise bad_input("user", "exists", "is there already", name, "another name, or: wegwijs users passwd NAME")
        store.add_user(connection, made)
        return _with_code(world, connection, name, now)


def new_code_for(world: World, name: str) -> tuple[dict[str, Any], str]:
    """Take the password of an account away, end its sessions, and give it a one-time code with which its owner sets
    another: what `user` tells, and the code. Raises NotFound, StoreUnavailable."""
    now = world.clock()
    with database.writing(world.engine) as connection:
        _kept(connection, name, lock=True)
        sessions.end_sessions_of(connection, name, now)
        attempts.forgive(world, connection, name)
        return _with_code(world, connection, name, now)


def _with_code(world: World, connection: database.Connection, name: str, now: datetime) -> tuple[dict[str, Any], str]:
    code = new_code()
    store.set_code(connection, name, code_hash(code), now + CODE_VALID)
    return _told(connection, name, now), code


def set_rights(
    world: World,
    name: str,
    roles: frozenset[str],
    facilities: frozenset[str] | None = None,
    organisation: str | None = None,
) -> dict[str, Any]:
    """Let an account do what these roles do and nothing else, from its next request on, and give it another
    organisation, if one is given; what `user` tells. Raises BadInput, NotFound, StoreUnavailable."""
    check_rights(world, roles, facilities, organisation)
    with database.writing(world.engine) as connection:
        kept = _kept(connection, name, lock=True)
        store.set_rights(
            connection, name, roles, facilities, organisation.strip() if organisation else kept.organisation
        )
        return _told(connection, name, world.clock())


def disable(world: World, name: str) -> dict[str, Any]:
    """Keep an account out from now on and end its sessions; what `user` tells. May be repeated: the first moment stays.
    Raises NotFound, StoreUnavailable."""
    now = world.clock()
    with database.writing(world.engine) as connection:
        kept = _kept(connection, name, lock=True)
        store.set_disabled(connection, name, kept.disabled_at or now)
        sessions.end_sessions_of(connection, name, now)
        return _told(connection, name, now)


def enable(world: World, name: str) -> dict[str, Any]:
    """Let an account in again, with the password that it had; what `user` tells. May be repeated. Raises NotFound,
    StoreUnavailable."""
    with database.writing(world.engine) as connection:
        _kept(connection, name, lock=True)
        store.set_disabled(connection, name, None)
        attempts.forgive(world, connection, name)
        return _told(connection, name, world.clock())


def all_users(world: World) -> list[dict[str, Any]]:
    """What `user` tells of every account, by name. Raises StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return [_summary(each, world.clock()) for each in store.all_users(connection)]


def user(world: World, name: str) -> dict[str, Any]:
    """One account: `{"user", "state", "roles", "facilities", "organisation", "created_at", "disabled_at",
    "password_set_at", "code_until", "signed_in_at"}`; `state` is active, waits_for_password, code_expired or disabled.
    Raises NotFound, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return _told(connection, name, world.clock())


def _kept(connection: database.Connection, name: str, *, lock: bool = False) -> store.User:
    kept = store.read_user(connection, name, lock=lock) if is_name(name) else None
    if kept is None:
        raise NotFound("user", str(shown(name)))
    return kept


def _told(connection: database.Connection, name: str, now: datetime) -> dict[str, Any]:
    return _summary(_kept(connection, name), now)


def _summary(kept: store.User, now: datetime) -> dict[str, Any]:
    moments = ("created_at", "disabled_at", "password_set_at", "code_until", "signed_in_at")
    return {
        "user": kept.name,
        "state": _state(kept, now),
        "roles": sorted(kept.roles),
        "facilities": None if kept.facilities is None else sorted(kept.facilities),
        "organisation": kept.organisation,
        **{name: moment.isoformat() if (moment := getattr(kept, name)) else None for name in moments},
    }


def _state(kept: store.User, now: datetime) -> str:
    if kept.disabled_at is not None:
        return "disabled"
    if kept.password is not None:
        return "active"
    return "waits_for_password" if kept.code_until is not None and kept.code_until > now else "code_expired"
