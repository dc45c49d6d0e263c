"""Names that the rule engine cannot confuse: it tells names apart by a hash of 32 bits, and never compares them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

OF_THE_ENGINE = (
    "all", "any", "pri", "count", "cap", "dist", "name", "$lt", "$lte", "$gt", "$gte", "$eq", "$neq", "$mt", "$imt",
    "$iall", "$iany", "$ex", "$nex", "$or", "$and", "$m", "$add", "$sub", "$mul", "$div", "$l", "$r", "$forward", "$i",
    "$s", "$timerName", "$baseTime", "$time", "id", "sid", "g", "d", "e",
)  # fmt: skip
"""Names that mean something to the engine or to the fence; it compares their hashes only."""


def _fnv(name: str) -> int:
    """The 32-bit hash by which the engine tells names apart; it never compares the names themselves."""
    value = 0x811C9DC5
    for byte in name.encode("ascii"):
        value = (value ^ byte) * 16777619 % 2**32
    return value


def safe_names(letter: str, taken: Iterable[str]) -> Iterator[str]:
    """`letter` with a number, leaving out the names whose hash is that of a name handed out before or `taken`."""
    seen = {_fnv(name) for name in taken}
    for index in itertools.count():
        name = f"{letter}{index}"
        if (value := _fnv(name)) not in seen:
            seen.add(value)
            yield name
