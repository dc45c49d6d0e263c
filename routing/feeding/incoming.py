"""A stream of bytes from elsewhere, of a limited size; where it stops too early what is read from it is broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from routing.errors import BrokenFeed


class Incoming(io.RawIOBase):
    """What `read(most bytes)` gives, piece by piece; nothing is the end. Raises BrokenFeed after `limit` bytes, if an
    error of `gone` is raised, and at the end if that comes before `expected` bytes."""

    def __init__(
        self,
        read: Callable[[int], bytes],
        limit: int,
        gone: tuple[type[Exception], ...],
        expected: int | None = None,
    ) -> None:
        self._read, self._limit, self._gone, self._expected = read, limit, gone, expected
        self.count = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Put the next bytes in `buffer`; how many."""
        try:
            piece = self._read(len(buffer))
        except self._gone as error:
            raise BrokenFeed(self._where(), "cut_off", f"the sender stopped ({type(error).__name__})") from error
        self.count += len(piece)
        if self.count > self._limit:
            raise BrokenFeed(self._where(), "too_large", "is too large", f"at most {self._limit} bytes")
        if not piece and self._expected is not None and self.count < self._expected:
            raise BrokenFeed(self._where(), "cut_off", f"{self._expected} bytes were announced")
        buffer[: len(piece)] = piece
        return len(piece)

    def _where(self) -> str:
        return f"byte {self.count}"
