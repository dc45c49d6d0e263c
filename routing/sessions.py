"""People who signed in: who shows a session, how one begins with a name and a password, and how it ends.

A session is 32 random bytes that only the browser knows; the database has their hash, so that every process knows it
and it ends everywhere at once.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from routing import attempts, passwords
from routing.access_log import note
from routing.api_keys import USE_NOTED_EVERY, client_of
from routing.errors import SignInRefused, StoreUnavailable, TooManyAttempts
from routing.rights import Asker
from routing.store import database, keys, users
from routing.store import sessions as store
from routing.store.sessions import Session as Session
from routing.tokens import believes
from routing.users import is_name
from routing.world import World

LOCAL = "wegwijs"
"""Stands in the place of an issuer for all who sign in with an account of this server: they are one client among the
keys, which an operator can shut out."""

PEOPLE = "people"
LABEL = "people who sign in here"

SEEN_EVERY = timedelta(minutes=1)
"""That a session is used is written this often at most."""

REFUSED = "The name or the password is not right, or this account may not sign in."

log = logging.getLogger("wegwijs.sessions")


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that begins: the text that its browser keeps, and what is known of it here."""

    text: str
    session: Session


# -- who shows one ----------------------------------------------------------------------------------------------------


def session_of(world: World, text: str, *, used: bool = True) -> Session | None:
    """The session of which `text` is the secret, if it goes on; that it is `used` puts off its end. Raises
    StoreUnavailable."""
    now = world.clock()
    with database.reading(world.engine) as connection:
        found = store.read_session(connection, _hashed(text), now, now - idle_of(world))
    if found is None or (found.issuer != LOCAL and not believes(world, found.issuer)):
        return None
    if used and now - found.seen_at >= SEEN_EVERY:
        _note_seen(world, found, now)
        return replace(found, seen_at=now)
    return found


def _note_seen(world: World, found: Session, now: datetime) -> None:
    try:
        with database.writing(world.engine) as connection:
            store.note_seen(connection, found.id_sha256, now)
    except StoreUnavailable:
        log.warning("that a session is used could not be noted; it ends earlier if this goes on")


def asker_of(found: Session) -> Asker:
    """Who it is that shows this session."""
    rights = (found.roles, found.facilities, found.organisation)
    return Asker(str(found.key_id), found.label, *rights, user=found.user_id, session=found.id_sha256)


def idle_of(world: World) -> timedelta:
    """After how long without a request a session ends."""
    return timedelta(minutes=world.settings.session_idle_minutes)


def csrf_of(text: str) -> str:
    """What a page must send with every change, so that it is certainly a page of ours: made of the secret of its
    session, which pages of others cannot read."""
    return hmac.new(text.encode(), b"wegwijs csrf", sha256).hexdigest()


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


# -- signing in -------------------------------------------------------------------------------------------------------


def sign_in(world: World, name: str, password: str, visitor: Asker, address: str | None) -> Begun:
    """A new session for whoever knows the password of the account `name`. `visitor` says by which call they come,
    `address` from where, by which tries are counted. It is noted, also when it is refused. Raises SignInRefused,
    TooManyAttempts, StoreUnavailable."""
    name = name.strip().lower()
    with few_at_once(world):
        attempt = attempts.begin(world, name, address)
        kept = _account(world, name)
        right = passwords.is_right(kept.password if kept else None, password)
        dated = passwords.hashed(password) if right and kept and passwords.is_dated(kept.password or "") else None
        with database.writing(world.engine) as connection:
            client = _client(connection, world.clock())
            if right and kept is not None and _may_still(connection, kept, client):
                if dated is not None:
                    users.hash_anew(connection, name, dated, kept.password or "")
                return _let_in(world, connection, kept, client, visitor, attempt)
            _note_refused(world, connection, kept, client, visitor)
    raise SignInRefused(REFUSED)


def set_password(
    world: World, name: str, password: str, new_password: str, visitor: Asker, address: str | None
) -> Begun:
    """Give the account `name` another password, for whoever knows the present one or has its one-time code; all its
    sessions end, and a new one begins. Otherwise as `sign_in`. Raises BadInput for what is no password, SignInRefused,
    TooManyAttempts, StoreUnavailable."""
    name = name.strip().lower()
    passwords.check_new(name, new_password)
    with few_at_once(world):
        attempt = attempts.begin(world, name, address)
        kept, now = _account(world, name), world.clock()
        right = passwords.is_right(kept.password if kept else None, password)
        coded = passwords.is_code(kept.code_sha256 if kept else None, password)
        in_time = kept is not None and kept.code_until is not None and now < kept.code_until
        hashed = passwords.hashed(new_password)  # also when it is not right: that takes as long
        with database.writing(world.engine) as connection:
            client = _client(connection, now)
            if (right or (coded and in_time)) and kept is not None and _may_still(connection, kept, client):
                users.set_password(connection, name, hashed, now)
                store.end_sessions_of(connection, name, now)
                return _let_in(world, connection, kept, client, visitor, attempt)
            _note_refused(world, connection, kept, client, visitor)
    raise SignInRefused(REFUSED)


@contextmanager
def few_at_once(world: World) -> Iterator[None]:
    """Only a few sign in at the same time in this process. Raises TooManyAttempts."""
    # a password takes processor and memory, and a thread: those who guess must leave enough of these for decisions
    if not world.signing_in.acquire(blocking=False):
        raise TooManyAttempts(1)
    try:
        yield
    finally:
        world.signing_in.release()


def _account(world: World, name: str) -> users.User | None:
    """The account of this name. What cannot be a name is looked up as one that nobody has: odd bytes never reach the
    database, and it takes as long."""
    with database.reading(world.engine) as connection:
        return users.read_user(connection, name if is_name(name) else "nobody of this name")


def _may_still(connection: database.Connection, proven: users.User, client: keys.Kept) -> bool:
    """Whether the account may sign in, and was not changed while the password was looked at."""
    kept = users.read_user(connection, proven.name, lock=True)
    if kept is None or kept.disabled_at is not None or client.revoked_at is not None:
        return False
    return (kept.password, kept.code_sha256) == (proven.password, proven.code_sha256)


def _client(connection: database.Connection, now: datetime) -> keys.Kept:
    """Through whom all come who sign in here, by which records and logs name them."""
    return client_of(connection, LOCAL, PEOPLE, LABEL, now)


def _let_in(
    world: World,
    connection: database.Connection,
    account: users.User,
    client: keys.Kept,
    visitor: Asker,
    attempt: attempts.Try,
) -> Begun:
    now = world.clock()
    attempts.succeeded(connection, attempt, now)
    users.note_sign_in(connection, account.name, now)
    who = replace(
        visitor,
        user=account.name,
        roles=account.roles,
        facilities=account.facilities,
        organisation=account.organisation,
    )
    begun = begin(world, connection, who, client, account=account.name)
    assert begun is not None
    return begun


def begin(
    world: World,
    connection: database.Connection,
    who: Asker,
    client: keys.Kept,
    *,
    account: str | None = None,
    state: str | None = None,
) -> Begun | None:
    """A new session of `who`, through `client`, noted in the same transaction; None if somebody came back with this
    `state` before."""
    now, text = world.clock(), secrets.token_urlsafe(32)
    ends_at = now + timedelta(hours=world.settings.session_hours)
    assert who.user is not None
    rights = (who.roles, who.facilities, who.organisation)
    of_client = (client.key.id, client.key.label, client.issuer)
    made = Session(_hashed(text), *of_client, account, who.user, *rights, now, now, ends_at)
    store.forget_ended(connection, now)
    keys.note_use(connection, client.key.id, now, now - USE_NOTED_EVERY)
    if not store.add_session(connection, made, None if state is None else _hashed(state)):
        return None
    note(connection, replace(who, key_id=str(client.key.id)), "sign_in", now)
    return Begun(text, made)


def _note_refused(
    world: World, connection: database.Connection, kept: users.User | None, client: keys.Kept, visitor: Asker
) -> None:
    """Note that somebody was refused. A name that is no account is not noted: it may be anything, also a password."""
    who = replace(visitor, key_id=str(client.key.id))
    if kept is not None:
        who = replace(who, user=kept.name, organisation=kept.organisation, roles=kept.roles)
    note(connection, who, "sign_in", world.clock(), outcome="refused")


# -- signing out ------------------------------------------------------------------------------------------------------


def sign_out(world: World, asker: Asker) -> None:
    """End the session of `asker`, at once and everywhere. Raises StoreUnavailable."""
    assert asker.session is not None
    with database.writing(world.engine) as connection:
        store.end_session(connection, asker.session, world.clock())
        note(connection, asker, "sign_out", world.clock())
