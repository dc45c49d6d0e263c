"""Slows down who guesses passwords: after some tries that failed the next must wait, longer each time, never for ever.

It is counted by name and by address, in the database, so that it holds for all processes and machines together. A try
is counted before it is looked at: a hundred at once are a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from routing.errors import TooManyAttempts
from routing.keys_here import keyring_of
from routing.log.sealing import fingerprint
from routing.store import database
from routing.store import sessions as store
from routing.world import World

OF_NAME, OF_ADDRESS = 5, 50
"""So many tries may fail in a row before the next one must wait: for a name, and from an address, behind which a whole
hospital may be."""

WAIT_MOST = timedelta(minutes=5)
"""Nobody waits longer: who guesses gets 288 tries a day, and who only forgot a password gets in."""

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Try:
    """A try to sign in, by fingerprints of the name and of the address, each with how many may fail at once."""

    name: str
    free: Mapping[str, int]


def begin(world: World, name: str, address: str | None) -> Try:
    """Count a try to sign in as `name` from `address`. Raises TooManyAttempts if it must wait, StoreUnavailable."""
    secret, now = keyring_of(world).naming, world.clock()
    about = fingerprint(secret, b"sign in as", name.encode())
    free = {about: OF_NAME}
    if address is not None:
        free[fingerprint(secret, b"sign in from", _network(address).encode())] = OF_ADDRESS
    attempt = Try(about, free)
    with database.reading(world.engine) as connection:  # who must wait costs no write
        _check(connection, attempt, now)
    with database.writing(world.engine) as connection:
        for each in sorted(free):  # always in one order: two tries never wait for each other
            store.begin_counting(connection, each, now)
        for each, failures in _check(connection, attempt, now, lock=True).items():
            store.note_failed(connection, each, failures + 1, now)
    return attempt


def succeeded(connection: database.Connection, attempt: Try, now: datetime) -> None:
    """Take a try that did not fail out of the count again, in the transaction that signs somebody in: of the name
    nothing is left, of the address what others did."""
    for each in sorted(attempt.free):
        kept = store.failed(connection, each, lock=True)
        if each == attempt.name:
            store.forget_failed(connection, each)
        elif kept is not None:
            store.note_failed(connection, each, max(0, kept.failures - 1), kept.failed_at)
    store.forget_old_failures(connection, now - FORGOTTEN_AFTER)


def forgive(world: World, connection: database.Connection, name: str) -> None:
    """Forget what went wrong for a name."""
    store.forget_failed(connection, fingerprint(keyring_of(world).naming, b"sign in as", name.encode()))


def _check(connection: database.Connection, attempt: Try, now: datetime, *, lock: bool = False) -> dict[str, int]:
    """How often it failed until now. Raises TooManyAttempts."""
    found, wait = {}, timedelta(0)
    for each in sorted(attempt.free):
        kept = store.failed(connection, each, lock=lock)
        ago = timedelta(0) if kept is None else max(now - kept.failed_at, timedelta(0))
        found[each] = 0 if kept is None or ago >= FORGOTTEN_AFTER else kept.failures
        wait = max(wait, wait_after(found[each], attempt.free[each]) - ago)
    if wait > timedelta(0):
        raise TooManyAttempts(math.ceil(wait.total_seconds()))
    return found


def wait_after(failures: int, free: int) -> timedelta:
    """How long the next try must wait.

    >>> [wait_after(failures, 5).total_seconds() for failures in (4, 5, 6, 12, 99)]
    [0.0, 1.0, 2.0, 128.0, 300.0]
    """
    if failures < free:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - free, 30)), WAIT_MOST)


def _network(address: str) -> str:
    """By what an address is counted: one of IPv6 by its /64, of which somebody has as many as there are grains."""
    try:
        found = ip_address(address.strip("[]"))
    except ValueError:
        return "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
