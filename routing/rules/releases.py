"""Which rulesets lie somewhere and from when they count, without reading their rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from routing.errors import BadData
from routing.rules.shapes import Head
from routing.vocabulary import parse_as
from routing.yamlfile import read

NOT_A_MOMENT = "must be a time with offset, for example 2026-01-01T00:00:00+01:00"


@dataclass(frozen=True, slots=True)
class Release:
    """Which ruleset lies in `folder`, and from when it counts."""

    folder: Path
    name: str
    version: str
    effective_from: datetime


def read_release(folder: Path) -> Release:
    """Which ruleset lies in `folder`, as its `ruleset.yaml` says. Raises BadData."""
    file = read(folder / "ruleset.yaml", "ruleset.yaml")
    head = parse_as(Head, file)
    if (begins := moment_of(head)) is None:
        raise BadData((file.finding(("effective_from",), NOT_A_MOMENT),))
    return Release(folder, head.name, head.version, begins)


def moment_of(head: Head) -> datetime | None:
    """From when the rules count; None if that is not said with an offset."""
    try:
        found = datetime.fromisoformat(head.effective_from)
    except ValueError:
        return None
    return None if found.tzinfo is None else found
