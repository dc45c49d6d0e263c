"""Finds the processes that another one started, to kill them without asking the one above them."""

from __future__ import annotations

from pathlib import Path


def children_of(parent: int) -> list[int]:
    """The processes that `parent` started and that still run, the oldest first."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        state, above = _state(int(each.name))
        if above == parent and state != "Z":
            found.append(int(each.name))
    return sorted(found)


def runs(process: int) -> bool:
    """Whether a process still runs; one that ended and that nobody asked about since does not."""
    return _state(process)[0] not in ("", "Z")


def _state(process: int) -> tuple[str, int]:
    """The state of a process and the one above it; an empty one where it ended while we looked."""
    try:
        state, above = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "", 0
    return state, int(above)
