"""API keys, with which other software asks: made, listed, renewed and revoked, and who it is that shows one."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing.access_log import uuid_of
from routing.directory_here import newest_directory
from routing.errors import NotFound, StoreUnavailable, bad_input, shown
from routing.rights import ROLES, Asker
from routing.settings import is_line
from routing.store import database, keys
from routing.world import World

PREFIX = "wegwijs_"
"""What every key begins with, so that whoever looks for secrets in code and logs finds it."""

SOON = timedelta(days=30)
"""So long before a key ends it is said."""

USE_NOTED_EVERY = timedelta(hours=1)
"""A key that is used all day is written this often at most."""

DAYS_MOST = 3_650
OVERLAP_DAYS_MOST = 90

log = logging.getLogger("wegwijs.keys")


# -- who asks ---------------------------------------------------------------------------------------------------------


def authenticate(world: World, key: str) -> Asker | None:
    """Who the holder of `key` is; None for a key that is unknown, revoked or expired. Raises StoreUnavailable."""
    now = world.clock()
    with database.reading(world.engine) as connection:
        found = keys.find_key(connection, key, now)
    if found is None:
        return None
    note_use(world, found.key.id, found.used_at, now)
    asks = found.key
    return Asker(str(asks.id), asks.label, asks.roles, asks.facilities, asks.organisation, ends_at=found.ends_at)


def note_use(world: World, key_id: UUID, used_at: datetime | None, now: datetime) -> None:
    """Note that a key is used, if that was not noted lately. That it cannot be noted keeps nobody from asking: it is
    for whoever cleans up, and says nothing about patients."""
    lately = (used_at, world.uses.get(str(key_id)))
    if any(each is not None and now - each < USE_NOTED_EVERY for each in lately):
        return
    world.uses[str(key_id)] = now
    try:
        with database.writing(world.engine) as connection:
            keys.note_use(connection, key_id, now, now - USE_NOTED_EVERY)
    except StoreUnavailable:
        log.warning("that the key %s was used could not be noted; this is tried again in an hour", key_id)


def ends_soon(ends_at: datetime | None, now: datetime) -> bool:
    """Whether what ends at `ends_at` ends so soon that it must be said."""
    return ends_at is not None and ends_at - now < SOON


def has_keys(world: World) -> bool:
    """Whether any key is valid now. Raises StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return keys.any_key(connection, world.clock())


def client_of(connection: database.Connection, issuer: str, client: str, label: str, now: datetime) -> keys.Kept:
    """Who comes through an issuer, or signs in here, among the keys: given an id, by which decisions and logs name it,
    when it first comes."""
    if (found := keys.read_client(connection, issuer, client)) is None:
        keys.add_client(connection, keys.Key(uuid7(), label[:100], frozenset()), issuer, client, now)
        found = keys.read_client(connection, issuer, client)
    assert found is not None
    return found


# -- making and ending ------------------------------------------------------------------------------------------------


def create_key(
    world: World,
    label: str,
    roles: frozenset[str],
    facilities: frozenset[str] | None = None,
    organisation: str | None = None,
) -> str:
    """The text of a new key that does not end by itself; see `make_key`."""
    return make_key(world, label, roles, facilities, organisation)[1]


def make_key(
    world: World,
    label: str,
    roles: frozenset[str],
    facilities: frozenset[str] | None = None,
    organisation: str | None = None,
    days: int | None = None,
) -> tuple[dict[str, Any], str]:
    """Make an API key: what `key` tells of it, and its text, which is given this once and kept only as a hash.
    `facilities` are the ids of the places of which it is the key, which the role facility needs; `organisation` is who
    asks with it, as it will stand in every record; it ends after so many `days`. Raises BadInput, StoreUnavailable."""
    check_line("label", label)
    check_rights(world, roles, facilities, organisation)
    now = world.clock()
    whose = organisation.strip() if organisation else None
    made = keys.Key(uuid7(), label.strip(), roles, facilities, whose, _after(now, "days", days, DAYS_MOST))
    text = _new_text()
    with database.writing(world.engine) as connection:
        keys.add_key(connection, made, text, now)
        return _told(connection, made.id, now), text


def _new_text() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _after(now: datetime, name: str, days: int | None, most: int) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= most:
        raise bad_input(name, "out_of_range", "is not a number of days", days, f"1 to {most}")
    return now + timedelta(days=days)


def check_line(name: str, given: str | None) -> None:
    """Refuse a label or the name of an organisation that is none. Raises BadInput."""
    if given is not None and not is_line(given):
        raise bad_input(name, "wrong_value", f"is not a {name}", given, "1 to 100 characters on one line")


def check_rights(
    world: World, roles: frozenset[str], facilities: frozenset[str] | None, organisation: str | None
) -> None:
    """Refuse roles that there are not, places that do not go with them, and what is no organisation: of keys and of
    people. Raises BadInput, StoreUnavailable."""
    check_line("organisation", organisation)
    if not roles or not roles <= set(ROLES):
        strange = ", ".join(sorted(roles - set(ROLES)))
        message = f"there is no role `{strange}`" if strange else "at least one role is needed"
        raise bad_input("role", "unknown_value", message, strange, ", ".join(ROLES))
    if facilities is None:
        if "facility" in roles and "operator" not in roles:
            message = "who has the role facility speaks for certain places"
            raise bad_input("facility", "missing", message, None, "the id of at least one place")
        return
    if "facility" not in roles or "operator" in roles:
        message = "only who has the role facility, and not the role operator, speaks for certain places"
        raise bad_input("facility", "contradiction", message, ", ".join(sorted(facilities)), "--role facility")
    known = newest_directory(world).by_id
    if unknown := sorted(facilities - known.keys()) or (not facilities and ["none"]):
        raise bad_input("facility", "unknown_facility", "is not a place in the directory", ", ".join(unknown))


def renew_key(
    world: World, key_id: str, *, overlap_days: int = 7, days: int | None = None, lost: bool = False
) -> tuple[dict[str, Any], str]:
    """Give a key another secret: what `key` tells of it, and the new text, which is given this once. The secret that
    counted until now stays valid for `overlap_days` (0: it ends now), never longer than the key would have. `days`
    gives the key another end. A key has two secrets at most: while the one before the newest is still valid it is
    refused, but for an overlap of 0, which ends both, and when the newest was `lost`, which alone is then replaced.
    Raises BadInput, NotFound, StoreUnavailable."""
    now = world.clock()
    if not 0 <= overlap_days <= OVERLAP_DAYS_MOST:
        allowed = f"0 to {OVERLAP_DAYS_MOST}"
        raise bad_input("overlap", "out_of_range", "is not a number of days", overlap_days, allowed)
    with database.writing(world.engine) as connection:
        kept = _kept(connection, key_id)
        ends_at = _after(now, "days", days, DAYS_MOST) or kept.key.expires_at
        _check_renewable(kept, ends_at, now)
        two = kept.former_until is not None and kept.former_until > now
        if lost and not two:
            raise bad_input("lost", "contradiction", "this key has no secret before its newest one", key_id)
        if two and overlap_days and not lost:
            until = kept.former_until.isoformat() if kept.former_until else ""
            message = f"has two secrets already: the one before the newest is valid until {until}"
            raise bad_input("key", "two_secrets", message, key_id, "--overlap 0 to end both now, or --lost")
        until_then = min(filter(None, (now + timedelta(days=overlap_days), kept.key.expires_at)))
        text = _new_text()
        keys.renew_key(connection, kept.key.id, text, ends_at, None if lost else until_then)
        return _told(connection, kept.key.id, now), text


def _check_renewable(kept: keys.Kept, ends_at: datetime | None, now: datetime) -> None:
    if kept.issuer is not None:
        raise bad_input("key", "no_secret", "comes with tokens of an issuer and has no secret", str(kept.key.id))
    if kept.bootstrap:
        raise bad_input("key", "bootstrap", "is the bootstrap key", str(kept.key.id), "another WEGWIJS_BOOTSTRAP_KEY")
    if kept.revoked_at is not None:
        raise bad_input("key", "revoked", "was revoked, and stays so", str(kept.key.id), "a new key")
    if ends_at is not None and ends_at <= now:
        raise bad_input("key", "expired", "has expired", str(kept.key.id), "--days N for another end, or a new key")


def revoke_key(world: World, key_id: str) -> dict[str, Any]:
    """End a key now and for good, or keep the client of an issuer out; what `key` tells of it. May be repeated. Raises
    NotFound, StoreUnavailable."""
    now = world.clock()
    with database.writing(world.engine) as connection:
        kept = _kept(connection, key_id)
        keys.revoke_key(connection, kept.key.id, now)
        return _told(connection, kept.key.id, now)


# -- showing ----------------------------------------------------------------------------------------------------------


def all_keys(world: World) -> list[dict[str, Any]]:
    """What `key` tells of every key, the oldest first. Raises StoreUnavailable."""
    now = world.clock()
    with database.reading(world.engine) as connection:
        return [_summary(each, now) for each in keys.all_keys(connection)]


def key(world: World, key_id: str) -> dict[str, Any]:
    """One key, without its secret: `{"id", "label", "state", "roles", "facilities", "organisation", "created_at",
    "expires_at", "revoked_at", "former_secret_until", "last_used_at", "bootstrap", "issuer", "client"}`; `state` is
    valid, ends_soon, expired or revoked. Raises NotFound, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return _told(connection, _kept(connection, key_id).key.id, world.clock())


def key_of_text(world: World, text: str) -> dict[str, Any] | None:
    """What `key` tells of the valid key with this text, or None; that it was looked at is no use of it. Raises
    StoreUnavailable."""
    now = world.clock()
    with database.reading(world.engine) as connection:
        found = keys.find_key(connection, text, now)
        return None if found is None else _told(connection, found.key.id, now)


def _kept(connection: database.Connection, key_id: str) -> keys.Kept:
    found = uuid_of(key_id)
    kept = None if found is None else keys.read_key(connection, found)
    if kept is None:
        raise NotFound("key", str(shown(key_id)))
    return kept


def _told(connection: database.Connection, key_id: UUID, now: datetime) -> dict[str, Any]:
    return _summary(_kept(connection, str(key_id)), now)


def _summary(kept: keys.Kept, now: datetime) -> dict[str, Any]:
    known = kept.key
    return {
        "id": str(known.id),
        "label": known.label,
        "state": _state(kept, now),
        "roles": sorted(known.roles),
        "facilities": None if known.facilities is None else sorted(known.facilities),
        "organisation": known.organisation,
        "created_at": kept.created_at.isoformat(),
        "expires_at": _written(known.expires_at),
        "revoked_at": _written(kept.revoked_at),
        "former_secret_until": _written(kept.former_until if _ahead(kept.former_until, now) else None),
        "last_used_at": _written(kept.used_at),
        "bootstrap": kept.bootstrap,
        "issuer": kept.issuer,
        "client": kept.client,
    }


def _state(kept: keys.Kept, now: datetime) -> str:
    ends_at = kept.key.expires_at
    if kept.revoked_at is not None:
        return "revoked"
    if ends_at is not None and ends_at <= now:
        return "expired"
    return "ends_soon" if ends_soon(ends_at, now) else "valid"


def _ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
