"""Knows about which case the rule engine is being asked, so that a case it never came back from is not put to it twice.

The engine is C code. Where it crashes or hangs in spite of its fence its process ends, with all that this one was
doing, and the same case asked again would end the next one. What is remembered is a number without a meaning.
"""

from __future__ import annotations

import mmap
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from routing.errors import EngineFault
from routing.rules.rule import Facts

LOST_MOST = 256
"""So many cases are remembered; after that the oldest is forgotten."""

_NUMBER = struct.Struct("=q")
_NONE = 0


@dataclass(frozen=True)
class EngineWatch:
    """Memory that is shared by the processes of a server: `lost` by all of them, `asked` by one and the process above
    it. Numbers of cases mean the same in processes that were forked off from one, and nothing elsewhere."""

    lost: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, (LOST_MOST + 1) * _NUMBER.size), repr=False)
    asked: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, _NUMBER.size), repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def of_another_process(self) -> EngineWatch:
        """The same for a process that is about to be forked off."""
        return replace(self, asked=mmap.mmap(-1, _NUMBER.size), lock=threading.Lock())

    @contextmanager
    def asking(self, rules: str, facts: Facts) -> Iterator[None]:
        """The engine is asked about `facts` in the block; `rules` is their digest. One case at a time: the engine holds
        Python's lock anyway. Raises EngineFault if it did not come back from this case before."""
        number = hash((rules, frozenset(facts.items()))) or 1
        if number in self._lost():
            raise EngineFault("the rule engine did not come back from this case before")
        with self.lock:
            _NUMBER.pack_into(self.asked, 0, number)
            try:
                yield
            finally:
                _NUMBER.pack_into(self.asked, 0, _NONE)

    def note_lost(self) -> bool:
        """The process of `asked` is gone: remember the case that it was asking the engine about; whether there was
        one. Called by the process above, and only there."""
        number, *_ = _NUMBER.unpack_from(self.asked)
        if number == _NONE:
            return False
        count, *_ = _NUMBER.unpack_from(self.lost)
        _NUMBER.pack_into(self.lost, (1 + count % LOST_MOST) * _NUMBER.size, number)
        _NUMBER.pack_into(self.lost, 0, count + 1)  # last: whoever reads the count reads what belongs to it
        return True

    def _lost(self) -> tuple[int, ...]:
        count, *_ = _NUMBER.unpack_from(self.lost)
        return struct.unpack_from(f"={min(count, LOST_MOST)}q", self.lost, _NUMBER.size) if count else ()
