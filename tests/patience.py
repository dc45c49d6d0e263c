"""On a machine that does much else a test may stand still for seconds, and so may whoever it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from routing import publishing_files, sequencer
from routing.store import database, scratch

PATIENCE_SECONDS = 180
"""What comes in the end has come by then, on whatever machine."""

LOOK_SECONDS = 0.02

BUSY_SECONDS = 60


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds()`; `what` is said if it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(LOOK_SECONDS)


def wait_longer() -> None:
    """Let worlds that this process opens from now on wait a minute for a lock, a connection or their turn, where others
    give up after seconds: whoever holds what they wait for may stand still as long as that."""
    before = f"-c statement_timeout={database.STATEMENT_SECONDS}s -c lock_timeout={database.BUSY_SECONDS}s"
    after = f"-c statement_timeout={2 * BUSY_SECONDS}s -c lock_timeout={BUSY_SECONDS}s"
    assert before in database._POSTGRES_OPTIONS
    database._POSTGRES_OPTIONS = database._POSTGRES_OPTIONS.replace(before, after)
    database._POOL["pool_timeout"] = BUSY_SECONDS
    database.BUSY_SECONDS = database.TURN_SECONDS = database.CONNECT_SECONDS = BUSY_SECONDS
    database.STATEMENT_SECONDS = 2 * BUSY_SECONDS
    scratch.CONNECT_SECONDS = BUSY_SECONDS
    publishing_files.LOCK_SECONDS = sequencer.WAIT_SECONDS = BUSY_SECONDS
