"""Keeps patients from waiting again and again for a server that does not answer: it is left alone for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

FAILURES_MOST = 3
"""After so many failures in a row the server is left alone; after one that took all the time it is at once."""

REST_SECONDS = 30.0
"""So long it is left alone; then one question tries it again. Our own choice."""

State = Literal["closed", "open", "half_open"]


class Breaker:
    """Whether a server may be asked now. Safe among threads; `elapsed` is a clock in seconds that never goes back."""

    def __init__(
        self, elapsed: Callable[[], float], failures_most: int = FAILURES_MOST, rest_seconds: float = REST_SECONDS
    ) -> None:
        self._elapsed, self._most, self._rest = elapsed, failures_most, rest_seconds
        self._lock = threading.Lock()
        self._failures = 0
        self._until: float | None = None

    def may_ask(self) -> bool:
        """Whether this question may be asked. Once the rest is over one may each time, until an answer comes."""
        with self._lock:
            if self._until is None:
                return True
            if self._elapsed() < self._until:
                return False
            self._until = self._elapsed() + self._rest  # all others wait for what becomes of this one
            return True

    def answered(self) -> None:
        """It answered: it may be asked again by everybody."""
        with self._lock:
            self._failures, self._until = 0, None

    def failed(self, *, late: bool) -> None:
        """It gave no answer; `late`: and took all the time that it had."""
        with self._lock:
            self._failures += 1
            if late or self._failures >= self._most or self._until is not None:
                self._until = self._elapsed() + self._rest

    @property
    def state(self) -> State:
        """`closed`: it is asked; `open`: it is left alone; `half_open`: the next question tries it again."""
        with self._lock:
            if self._until is None:
                return "closed"
            return "open" if self._elapsed() < self._until else "half_open"
