"""Keeps a client that runs wild from taking the server away from others, and never refuses a decision for that.

How urgent a case is shows only once it was decided, so a limit on deciding could refuse somebody who is dying. What
protects the others from a client that decides too much is that it waits like everybody for a thread and a connection.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, current_app, g, request

from api.problems import Refused

NEVER_REFUSED = frozenset({"decisions.create", "cds_hooks.call", "case.change"})
"""Endpoints, of the API and of the desk, that no limit holds back."""

BURST_SECONDS = 10
"""A key that was quiet may ask at once for so many seconds' worth."""


@dataclass(slots=True)
class Buckets:
    """Of each API key and each person who signed in how many requests it may still make now, and when that was counted.
    One process, one count."""

    per_second: int
    clock: Callable[[], float] = time.monotonic
    left: dict[str, tuple[float, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_of(self, key: str) -> float:
        """Take one request from the bucket of `key`: 0, or after how many seconds there is one again."""
        now, most = self.clock(), float(self.per_second * BURST_SECONDS)
        with self.lock:
            left, at = self.left.get(key, (most, now))
            left = min(most, left + (now - at) * self.per_second)
            enough = left >= 1
            self.left[key] = (left - 1 if enough else left, now)
            return 0.0 if enough else (1 - left) / self.per_second


def register(app: Flask, per_second: int) -> None:
    """Hold every API key and every person who signed in to so many requests a second in this process, on average; 0 is
    no limit."""
    if per_second:
        app.extensions["wegwijs.buckets"] = Buckets(per_second)
        app.before_request(_check)


def _check() -> None:
    if "asker" not in g or request.endpoint in NEVER_REFUSED:
        return
    buckets: Buckets = current_app.extensions["wegwijs.buckets"]
    if wait := buckets.wait_of(g.asker.apart):
        detail = f"This key asks for more than {buckets.per_second} requests a second; nothing was done with this one."
        raise Refused("too-many-requests", detail, headers={"Retry-After": str(math.ceil(wait))})
