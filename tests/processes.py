"""Finds the processes that another one started, to kill them without asking the one above them."""

from __future__ import annotations

from pathlib import Path


def children_of(parent: int) -> list[int]:
    """The processes that `parent` started and that still run, the oldest first."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            state, above = (each / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended while we looked
            continue
        if int(above) == parent and state != "Z":
            found.append(int(each.name))
    return sorted(found)
