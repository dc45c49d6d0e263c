"""Which norms were met, as far as decisions and outcomes tell: by the advice, and by who arrived where and when.

What nobody recorded is counted as not recorded and never guessed: not that somebody was late, nor that all went well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from routing.directory_here import newest_directory
from routing.errors import bad_input
from routing.facilities.directory import Directory
from routing.facilities.opening import TIME_ZONE
from routing.log.canonical import plain
from routing.outcome_state import Recorded, Standing
from routing.overrules import FEW
from routing.reports import pages
from routing.rules_here import in_force
from routing.store import database, decisions
from routing.world import World

DIRECT = ("pci", "trauma_1")
"""Needs of which is counted whether the patient came straight to a place that has it: a heart attack that needs a PCI
centre, and severe injury that needs a trauma centre of level 1."""

ADVISED = ("met", "not_met", "uncertain", "no_place")
ARRIVED = ("within", "late", "elsewhere", "place_unknown", "clock_unknown", "not_recorded")

Arrival = Literal["within", "late", "elsewhere", "place_unknown", "clock_unknown", "not_recorded"]


@dataclass(frozen=True, slots=True)
class NormRow:
    """What is known of one norm, or (`minutes` is None) of going straight to a place that has `id`. `advised` and
    `arrived` say how many decisions there are of each kind; None: fewer than FEW, but at least one."""

    id: str
    minutes: int | None
    decisions: int
    advised: Mapping[str, int | None]
    arrived: Mapping[str, int | None]


def norms_met(world: World, since: datetime, until: datetime, most: int) -> tuple[list[NormRow], list[UUID]]:
    """What decisions from `since` (included) to `until` (not included) and their outcomes say of each norm that they
    asked for, and of DIRECT, and which decisions are damaged, so that they count nowhere; with more than `most`
    decisions it is refused, as each is opened. Raises BadInput, KeysUnusable, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        count = decisions.count_between(connection, since, until)
    if count > most:
        message = f"there are {count:,} decisions in this period, and at most {most:,} are opened for one page"
        raise bad_input("since", "too_many", message, since.isoformat(), "a shorter period")
    directory = newest_directory(world)
    counts: Counter[tuple[str, str, str]] = Counter()
    minutes: dict[str, int] = {}
    damaged = list[UUID]()
    for page in pages(world, since, until, _whole):
        damaged += page.damaged
        for brief, record, became in page.read:
            for cell in _cells(record, became, directory, brief.decided_at.astimezone(TIME_ZONE).date(), minutes):
                counts[cell] += 1
    known = [*(each for each in in_force(world, world.clock()).norms if each in minutes)]
    known += [each for each in minutes if each not in known]
    return [_row(each, minutes.get(each), counts) for each in (*known, *DIRECT)], damaged


def _whole(record: bytes, _decision_id: UUID) -> dict[str, Any]:
    found: dict[str, Any] = plain(record)
    return found


def _row(name: str, minutes: int | None, counts: Mapping[tuple[str, str, str], int]) -> NormRow:
    def told(part: str, values: tuple[str, ...]) -> dict[str, int | None]:
        found = {value: counts.get((name, part, value), 0) for value in values}
        return {value: None if 0 < n < FEW else n for value, n in found.items()}

    return NormRow(name, minutes, counts.get((name, "", ""), 0), told("advised", ADVISED), told("arrived", ARRIVED))


Cell = tuple[str, str, str]


def _cells(
    record: Mapping[str, Any], became: Standing, directory: Directory, day: date, minutes: dict[str, int]
) -> Iterator[Cell]:
    """What one decision adds: for each norm, and each need of DIRECT, that it is there, its advice and its arrival."""
    result = record["result"]
    verdicts = {check["id"]: check["verdict"] for check in result["recommendation"]["norms"]}
    advised_place = result["recommendation"]["facility"]["id"]
    for need in result["needs"]:
        if need["strength"] != "required":
            continue
        capability = need["capability"]
        if capability in DIRECT:
            yield capability, "", ""
            yield capability, "advised", _has(directory, advised_place, capability, day)
            yield capability, "arrived", _arrived(became.arrived, capability, directory, None, None)
        for norm in need["all_norms"]:
            minutes[norm["norm"]] = norm["minutes"]
            begin = _begin(record["case"], norm["clock_start"])
            yield norm["norm"], "", ""
            yield norm["norm"], "advised", verdicts.get(norm["norm"], "no_place")
            yield norm["norm"], "arrived", _arrived(became.arrived, capability, directory, begin, norm["minutes"])


def _has(directory: Directory, place: str | None, capability: str, day: date) -> str:
    if place is None:
        return "no_place"
    known = directory.by_id.get(place)
    has = None if known is None else known.has(capability, day)
    return {True: "met", False: "not_met", None: "uncertain"}[has]


def _begin(case: Mapping[str, Any], clock_start: str) -> datetime | None:
    given = case.get(clock_start) or case.get("observations", {}).get(clock_start)
    return datetime.fromisoformat(given) if isinstance(given, str) else None


def _arrived(
    arrived: Recorded | None, capability: str, directory: Directory, begin: datetime | None, minutes: int | None
) -> Arrival:
    """Where and when the patient arrived, against what was needed; without `minutes` only where."""
    if arrived is None:
        return "not_recorded"
    place = directory.by_id.get(arrived["facility"]) if arrived["facility"] is not None else None
    at = datetime.fromisoformat(arrived["at"])
    has = None if place is None else place.has(capability, at.astimezone(TIME_ZONE).date())
    if has is not True:
        return "place_unknown" if has is None else "elsewhere"
    if minutes is None:
        return "within"
    if begin is None:
        return "clock_unknown"
    took = at - begin
    return "within" if took.total_seconds() <= minutes * 60 else "late"
