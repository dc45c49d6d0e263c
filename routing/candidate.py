"""The answer about places: candidates in their order, places that are ruled out, norms held against the arrival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from routing.facilities.profile import Facility
from routing.rules.ruleset import Norm
from routing.travel import Travel
from routing.triage import Reason
from routing.vocabulary import Text

Badge = Literal["certain", "sensitive", "call_first"]
Verdict = Literal["met", "not_met", "uncertain"]


@dataclass(frozen=True, slots=True)
class NormCheck:
    """A norm held against the arrival: minutes on its clock (estimate and interval), and whether that is in time.

    `counted` is False where the start of the clock is not known; then the minutes count from now and a verdict on a
    clock that runs since before the call is uncertain. `fits` says that such an uncertain one would surely be in time
    if the clock began when is counted from: that still tells a near place from a far one.
    """

    norm: Norm
    elapsed: int
    low: int
    high: int
    verdict: Verdict
    counted: bool
    fits: bool = False

    @property
    def margin(self) -> int:
        """Minutes to spare (negative: too late), by the estimate."""
        return self.norm.minutes - self.elapsed


@dataclass(frozen=True, slots=True)
class StatusFact:
    """One live fact about a place; a `value` of None is unknown. `fresh` is None where nobody said how long such a
    fact may be relied on."""

    unit: str
    kind: str
    value: bool | int | Mapping[str, int] | None = None
    source: str | None = None
    observed_at: datetime | None = None
    age_minutes: int | None = None
    bed: str | None = None
    reason: str | None = None
    since: datetime | None = None
    expected_end: datetime | None = None
    fresh: bool | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that may be chosen. `facility` is None for care that is no place in the directory (own huisarts)."""

    rank: int
    kind: str
    name: Text
    reasons: tuple[Reason, ...]
    facility: Facility | None = None
    travel: Travel | None = None
    arrival_at: datetime | None = None
    norms: tuple[NormCheck, ...] = ()
    status: tuple[StatusFact, ...] = ()
    criteria: tuple[tuple[str, int | str | tuple[int, ...]], ...] = ()


class RuledOut(NamedTuple):
    """A place within reach that is not chosen: everything that it failed, and what would change each.

    A tuple rather than a dataclass: a decision makes hundreds.
    """

    facility: Facility
    travel: Travel
    failed: tuple[Reason, ...]
    would_change: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The answer: candidates in order (the first is the recommendation), the rest, how sure, and what to warn of.
    `units` are those of a place that matter to what the patient needs."""

    candidates: tuple[Candidate, ...]
    ruled_out: tuple[RuledOut, ...]
    badge: Badge
    because: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    units: frozenset[str] = frozenset()
