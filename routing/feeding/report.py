"""What became of a feed: of every record what was taken and what not and why, and the counts of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from routing.errors import Fault
from routing.formats.record import Ignored

LISTED_MOST = 200
"""So many records that were not simply taken are listed in a report; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record: the subjects that were taken, were known already, are older than what is known, or
    change too often; what was not read, and why the record was refused. Of a refused record nothing was taken."""

    where: str
    facility: str | None
    taken: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    damped: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    refused: tuple[Fault, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether there is nothing to say about it: all of it was taken, or was known already."""
        return not (self.older or self.damped or self.ignored or self.refused)

    def wire(self) -> dict[str, Any]:
        """The outcome as it is answered."""
        return {
            "where": self.where,
            "facility": self.facility,
            **{name: list(getattr(self, name)) for name in VERDICTS},
            "ignored": [{"field": each.field, "why": each.why} for each in self.ignored],
            "refused": [fault_record(fault) for fault in self.refused],
        }


VERDICTS = ("taken", "known", "older", "damped")
COUNTS = ("records", "refused", *VERDICTS, "ignored")
"""What is counted: records, those that were refused, then single facts by what became of them, and ignored fields."""


def fault_record(fault: Fault) -> dict[str, Any]:
    """A fault as it is answered."""
    return {
        "field": fault.field[:200],
        "code": fault.code,
        "message": fault.message[:500],
        "value": fault.value,
        "allowed": fault.allowed,
    }


@dataclass(slots=True)
class FeedReport:
    """What became of a whole feed. It grows while the feed is read, but never beyond a fixed size.

    `broken` says where the feed could not be read any further; what was taken before that stays taken.
    """

    format: str
    source: str
    dry_run: bool
    directory_revision: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    broken: Fault | None = None
    _refused: list[Outcome] = field(default_factory=list)
    _others: list[Outcome] = field(default_factory=list)
    _remarkable: int = 0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count `outcomes`, and keep the first ones about which there is something to say."""
        for outcome in outcomes:
            self.counts["records"] += 1
            self.counts["refused"] += bool(outcome.refused)
            for name in (*VERDICTS, "ignored"):
                self.counts[name] += len(getattr(outcome, name))
            if outcome.plain:
                continue
            self._remarkable += 1
            kept = self._refused if outcome.refused else self._others
            if len(kept) < LISTED_MOST:
                kept.append(outcome)

    @property
    def listed(self) -> list[Outcome]:
        """The records about which there is something to say: the refused ones first, at most LISTED_MOST."""
        return (self._refused + self._others)[:LISTED_MOST]

    @property
    def complete(self) -> bool:
        """Whether the feed was read to its end and no record was refused."""
        return self.broken is None and not self.counts["refused"]

    def wire(self) -> dict[str, Any]:
        """The report as it is answered."""
        return {
            "format": self.format,
            "source": self.source,
            "dry_run": self.dry_run,
            "directory_revision": self.directory_revision,
            "counts": dict(self.counts),
            "records": [outcome.wire() for outcome in self.listed],
            "listed": len(self.listed),
            "not_listed": self._remarkable - len(self.listed),
            "broken": fault_record(self.broken) if self.broken else None,
        }


def outcome_text(outcome: Outcome) -> str:
    """What there is to say about a record, as lines for a person."""
    lines = [f"{outcome.where}: {outcome.facility or 'no place'}"]
    lines += [f"  {name}: {', '.join(said)}" for name in VERDICTS if (said := getattr(outcome, name))]
    lines += [f"  ignored: `{each.field}`: {each.why}" for each in outcome.ignored]
    for fault in outcome.refused:
        seen = f"; seen: `{fault.value}`" if fault.value is not None else ""
        allowed = f"; allowed: {fault.allowed}" if fault.allowed else ""
        lines.append(f"  refused: `{fault.field}` {fault.message}{seen}{allowed}")
    return "\n".join(lines)
