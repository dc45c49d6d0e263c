"""Sessions of people who signed in, by the hash of their id, and how often signing in failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from routing.store.database import insert_if_absent
from routing.store.people import SESSIONS, SIGN_IN_ATTEMPTS, USERS
from routing.store.tables import API_KEYS
from routing.store.users import written

_SESSIONS, _ATTEMPTS = SESSIONS.c, SIGN_IN_ATTEMPTS.c


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in: through which client (a key of ours, see `keys.read_client`), with which account or from
    which issuer, as whom the logs note it, and what they may do."""

    id_sha256: str
    key_id: UUID
    label: str
    issuer: str | None
    account: str | None
    user_id: str
    roles: frozenset[str]
    facilities: frozenset[str] | None
    organisation: str | None
    began_at: datetime
    seen_at: datetime
    ends_at: datetime


def add_session(connection: sa.Connection, session: Session, state_sha256: str | None = None) -> bool:
    """Keep a new session; False, and nothing is kept, if somebody came back with this state before. What somebody with
    an account may do is not kept with the session: it is asked of the account at every request."""
    places = session.facilities
    rights = {
        "roles": written(session.roles),
        "facilities": None if places is None else written(places),
        "organisation": session.organisation,
    }
    values = {
        "id_sha256": session.id_sha256,
        "key_id": session.key_id,
        "account": session.account,
        "user_id": session.user_id,
        "state_sha256": state_sha256,
        "began_at": session.began_at,
        "seen_at": session.seen_at,
        "ends_at": session.ends_at,
        **({} if session.account is not None else rights),
    }
    insert_if_absent(connection, SESSIONS, values)
    return connection.scalar(sa.select(_SESSIONS.user_id).where(_SESSIONS.id_sha256 == session.id_sha256)) is not None


def read_session(connection: sa.Connection, id_sha256: str, now: datetime, seen_after: datetime) -> Session | None:
    """The session with this id, if it goes on: it was not ended, was used after `seen_after`, and neither its account
    nor its client was shut out."""
    rights = ("roles", "facilities", "organisation")
    of_account = [
        sa.case((_SESSIONS.account.is_(None), SESSIONS.c[name]), else_=USERS.c[name]).label(name) for name in rights
    ]
    kept = [_SESSIONS[name] for name in ("id_sha256", "key_id", "account", "user_id", "began_at", "seen_at", "ends_at")]
    query = (
        sa.select(*kept, API_KEYS.c.label, API_KEYS.c.issuer, *of_account)
        .join_from(SESSIONS, API_KEYS, API_KEYS.c.id == _SESSIONS.key_id)
        .outerjoin(USERS, USERS.c.name == _SESSIONS.account)
        .where(
            _SESSIONS.id_sha256 == id_sha256,
            _SESSIONS.ended_at.is_(None),
            _SESSIONS.ends_at > now,
            _SESSIONS.seen_at > seen_after,
            API_KEYS.c.revoked_at.is_(None),
            USERS.c.disabled_at.is_(None),
        )
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _session(row)


def note_seen(connection: sa.Connection, id_sha256: str, now: datetime) -> None:
    """Note that a session is used now."""
    connection.execute(
        SESSIONS.update().where(_SESSIONS.id_sha256 == id_sha256, _SESSIONS.seen_at < now).values(seen_at=now)
    )


def end_session(connection: sa.Connection, id_sha256: str, now: datetime) -> None:
    """End one session."""
    _end(connection, _SESSIONS.id_sha256 == id_sha256, now)


def end_sessions_of(connection: sa.Connection, account: str, now: datetime) -> None:
    """End every session of an account."""
    _end(connection, _SESSIONS.account == account, now)


def _end(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    connection.execute(SESSIONS.update().where(which, _SESSIONS.ended_at.is_(None)).values(ended_at=now))


def forget_ended(connection: sa.Connection, now: datetime) -> None:
    """Forget sessions of which the time is over."""
    connection.execute(SESSIONS.delete().where(_SESSIONS.ends_at <= now))


def _session(row: Any) -> Session:
    places = None if row.facilities is None else frozenset(row.facilities.split())
    rights = {"roles": frozenset(row.roles.split()), "facilities": places}
    return Session(**{name: getattr(row, name) for name in Session.__dataclass_fields__} | rights)


# -- tries that failed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failed:
    """How often it went wrong in a row, and when last."""

    failures: int
    failed_at: datetime


def failed(connection: sa.Connection, about: str, *, lock: bool = False) -> Failed | None:
    """What went wrong for `about`; with `lock` nobody else changes it until the transaction ends."""
    query = sa.select(_ATTEMPTS.failures, _ATTEMPTS.failed_at).where(_ATTEMPTS.about == about)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Failed(*row)


def note_failed(connection: sa.Connection, about: str, failures: int, now: datetime) -> None:
    """Note that it went wrong so often by now."""
    connection.execute(
        SIGN_IN_ATTEMPTS.update().where(_ATTEMPTS.about == about).values(failures=failures, failed_at=now)
    )


def begin_counting(connection: sa.Connection, about: str, now: datetime) -> None:
    """Count what goes wrong for `about` from nothing on, unless it is counted already."""
    insert_if_absent(connection, SIGN_IN_ATTEMPTS, {"about": about, "failures": 0, "failed_at": now})


def forget_failed(connection: sa.Connection, about: str) -> None:
    """Forget what went wrong for `about`."""
    connection.execute(SIGN_IN_ATTEMPTS.delete().where(_ATTEMPTS.about == about))


def forget_old_failures(connection: sa.Connection, until: datetime) -> None:
    """Forget all that went wrong until then."""
    connection.execute(SIGN_IN_ATTEMPTS.delete().where(_ATTEMPTS.failed_at <= until))
