"""Holds every place against the same criteria: what it surely lacks, what is not known of it, when one arrives.

A criterion that is not met has a position, from the ruleset's `give_way`: the higher, the less willingly it is given
up. Surely lacking something has an even position, perhaps lacking it the odd one just before; so a place that perhaps
has it comes before one that surely has not, and after every place that surely has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import NamedTuple

from routing.candidate import NormCheck, Verdict
from routing.case import Case
from routing.facilities.directory import Directory
from routing.facilities.opening import TIME_ZONE, Hours, Opening, clock_time
from routing.facilities.profile import Facility, open_for
from routing.rules.rule import FactValue
from routing.rules.ruleset import Norm, Ruleset
from routing.stops import StopPolicy
from routing.travel import Travel
from routing.triage import MONTHS, PatientNeed, Triage
from routing.way import began, minutes_since, underway_since, way_of

NEVER = 10_000
"""The position of a criterion that is never given up."""

ADULT_YEARS = 18
"""From this age a place for children only does not fit."""

LATE = ("too_late", "not_sure_in_time")
"""The texts of criteria that say only when somebody arrives."""

UNKNOWN = ("opening_unknown", "place_uncertain", "reported_closed_stale")
"""The texts of doubts that rank a place after one of which this is known."""

BIRTHS = "obstetrics"
"""The capability that hangs on the weeks of pregnancy from which a place takes patients."""


@dataclass(frozen=True, slots=True)
class Concession:
    """A criterion that a place does not meet, or perhaps does not: its text, its name, and how much giving it up costs.

    A position of 0 costs nothing by itself; such doubts have a place of their own in the ranking.
    """

    text: str
    name: str
    position: int = 0
    words: Mapping[str, FactValue] = field(default_factory=dict)


OPENING_UNKNOWN = Concession("opening_unknown", "open")
REFERRAL_UNKNOWN = Concession("referral_only", "referral")
PLACE_UNCERTAIN = Concession("place_uncertain", "place")


class Assessment(NamedTuple):
    """One place held against all criteria: `failures` it surely does not meet, `doubts` it perhaps does not.

    A tuple rather than a dataclass: one is made for every place on every decision.

    `gave_way` are the positions of both, the highest first; `surely` the highest of the failures. `besides` are needs
    that no place could meet and that therefore did not count.
    """

    facility: Facility
    travel: Travel
    failures: tuple[Concession, ...]
    doubts: tuple[Concession, ...]
    norms: tuple[NormCheck, ...]
    missing_preferred: tuple[str, ...]
    gave_way: tuple[int, ...]
    surely: int
    besides: tuple[Concession, ...] = ()

    @property
    def unknown(self) -> int:
        """How much is not known of this place apart from its capabilities: its opening hours, whether it exists."""
        return sum([doubt.text in UNKNOWN for doubt in self.doubts]) if self.doubts else 0

    @property
    def norms_not_sure(self) -> int:
        """Norms of which the interval of the arrival straddles the limit."""
        return sum([check.verdict == "uncertain" and not check.fits for check in self.norms]) if self.norms else 0


class _Findings(NamedTuple):
    """The part of an assessment that is the same for all places that are alike and as far away."""

    failures: tuple[Concession, ...]
    doubts: tuple[Concession, ...]
    norms: tuple[NormCheck, ...]
    missing_preferred: tuple[str, ...]
    gave_way: tuple[int, ...]
    surely: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """A required capability: its bit, and what it means for a place to lack it, surely or perhaps."""

    capability: str
    bit: int
    lacks: Concession
    perhaps: Concession


@dataclass(frozen=True, slots=True)
class _Clock:
    """A norm for a capability: minutes that passed on its clock at least, and whether its start is known; where it is
    not, whether being in time from then on still `tells_apart` places."""

    norm: Norm
    bit: int
    passed: int
    known: bool
    can_be_met: bool
    tells_apart: bool = False


class Criteria:
    """The criteria for one case; what is the same for all places is worked out once."""

    def __init__(
        self,
        triage: Triage,
        case: Case,
        directory: Directory,
        ruleset: Ruleset,
        travel: Sequence[Travel],
        now: datetime,
        stops: StopPolicy | None = None,
    ) -> None:
        self.case, self.directory, self.ruleset, self.travel, self.now = case, directory, ruleset, travel, now
        self.urgency = triage.urgency.rank
        self.way = way_of(triage, case, ruleset.logistics)
        self.lead = self.way.lead
        self._positions = {name: 2 * (index + 1) for index, name in enumerate(ruleset.selection.give_way)}
        self._fallback = self._asked(ruleset.selection.fallback_capability)
        self._arrivals: dict[int, datetime] = {}
        self._kept: dict[int, Hours] = {}
        self._shut: dict[tuple[int, int], Concession] = {}
        self._next: dict[int, tuple[datetime, datetime | None]] = {}
        years = case.age_years if case.age_years is not None else (case.age_months or 0) // MONTHS
        self._years = years
        self._weeks = case.observations.get("pregnancy_weeks")
        self._stops = stops if ruleset.selection.live is not None else None
        self._mask_true, self._mask_unknown = directory.masks_on(now.astimezone(TIME_ZONE).date())

    def arrival(self, minutes: int) -> datetime:
        """When the patient arrives at a place so many minutes away."""
        if (found := self._arrivals.get(minutes)) is None:
            found = self._arrivals[minutes] = self.now + timedelta(minutes=self.lead + minutes)
        return found

    def may_have(self, index: int) -> int:
        """The bits of the capabilities that the place with this number has, or perhaps has."""
        return self._mask_true[index] | self._mask_unknown[index]

    def assess(
        self, required: Sequence[PatientNeed], preferred: Sequence[str], places: Iterable[int]
    ) -> Iterator[Assessment]:
        """The places with these numbers held against what is `required`; `preferred` only counts in the ranking."""
        directory = self.directory
        asked = [self._asked(need.capability) for need in required]
        clocks = [self._clock(norm, need.capability) for need in required for norm in need.within]
        clocked = reduce(or_, (clock.bit for clock in clocks), 0)
        liked = [self._asked(name) for name in preferred]
        shared: dict[object, _Findings] = {}
        has, unknown, reports = self._mask_true, self._mask_unknown, directory.status
        for index in places:
            facility, travel, traits = directory.facilities[index], self.travel[index], directory.traits[index]
            # a place without the capability cannot be in time or late for it
            timed = clocked & (has[index] | unknown[index])
            if reports and reports.get(facility.id):  # what it says itself holds of no other place
                found = self._findings(index, asked, liked, clocks if timed else ())
            else:
                key = (traits, travel) if timed else (traits, travel.minutes) if traits.keeps_hours else traits
                if (known := shared.get(key)) is None:
                    known = shared[key] = self._findings(index, asked, liked, clocks if timed else ())
                found = known
            yield Assessment(facility, travel, *found)

    def _findings(
        self, index: int, asked: Sequence[_Asked], liked: Sequence[_Asked], clocks: Sequence[_Clock]
    ) -> _Findings:
        """What is found of one place; `clocks` are looked at where it may have what they are for."""
        facility, travel = self.directory.facilities[index], self.travel[index]
        has, unknown = self._mask_true[index], self._mask_unknown[index]
        failures, doubts = self._lacking(asked, has, unknown)
        self._fitting(facility, asked, travel.minutes, failures, doubts)
        norms = self._timely(clocks, has | unknown, travel, failures, doubts) if clocks else ()
        missing = self._missing(liked, facility, has, travel.minutes) if liked else ()
        positions = [found.position for found in failures]
        surely = max(positions) if positions else 0
        positions += [found.position for found in doubts if found.position]
        gave_way = tuple(sorted(positions, reverse=True))
        return _Findings(tuple(failures), tuple(doubts), norms, missing, gave_way, surely)

    def _asked(self, capability: str) -> _Asked:
        words = {"capability": capability}
        position = self._positions.get(capability, NEVER)
        return _Asked(
            capability,
            self.directory.bits[capability],
            Concession("lacks", capability, position, words),
            Concession("capability_unknown", capability, position - 1, words),
        )

    def _lacking(self, asked: Sequence[_Asked], has: int, unknown: int) -> tuple[list[Concession], list[Concession]]:
        """What a place with these capabilities surely lacks, and what it perhaps lacks."""
        failures = [one.lacks for one in asked if not one.bit & (has | unknown)]
        doubts = [one.perhaps for one in asked if one.bit & unknown]
        # who cannot give what is needed must at least be able to receive an emergency
        fallback = self._fallback
        if not failures or fallback.bit & has or any(found.position >= NEVER for found in failures):
            return failures, doubts
        if not fallback.bit & unknown:
            failures.append(fallback.lacks)
        elif fallback.perhaps not in doubts:
            doubts.append(fallback.perhaps)
        return failures, doubts

    def _fitting(
        self,
        facility: Facility,
        asked: Sequence[_Asked],
        minutes: int,
        failures: list[Concession],
        doubts: list[Concession],
    ) -> None:
        if facility.patients == "children" and self._years >= ADULT_YEARS:
            position = self._positions.get("patients", NEVER)
            failures.append(Concession("wrong_patients", "patients", position, {"age": ADULT_YEARS}))
        if facility.referral_only and self.case.channel in (None, "self"):  # all others are professionals, who refer
            if self.case.channel is None:
                doubts.append(REFERRAL_UNKNOWN)
            else:
                failures.append(Concession("referral_only", "referral", self._positions.get("referral", NEVER)))
        if facility.status == "unknown":
            doubts.append(PLACE_UNCERTAIN)
        if self._stops is not None:
            self._of_profile(facility, asked, failures, doubts)
            self._as_reported(facility, self._stops, failures, doubts)
        if not facility.opening_of:  # most places keep the same hours for everything, and most are plain
            if facility.opening.pattern == "always":
                return
            if facility.opening.pattern == "unknown":
                if not self._says_open(facility):
                    doubts.append(OPENING_UNKNOWN)
                return
        opened = {one.capability: self.open_at(facility, one.capability, minutes) for one in asked}
        if closed := [name for name, open_ in opened.items() if open_ is False]:
            failures.append(self._closed(facility.opening_for(closed[0]), minutes))
        elif None in opened.values() and facility.status != "unknown" and not self._says_open(facility):
            doubts.append(OPENING_UNKNOWN)

    def _as_reported(
        self, facility: Facility, stops: StopPolicy, failures: list[Concession], doubts: list[Concession]
    ) -> None:
        """Whether the place itself says that it is closed: for certain while that report is fresh, perhaps later."""
        reports = self.directory.status.get(facility.id)
        if not reports or (said := stops.closed(reports, self.now)) is None:
            return
        if said.text == "reported_closed":
            failures.append(Concession(said.text, "open", self._positions.get("open", NEVER), said.words))
        else:
            doubts.append(Concession(said.text, "open", 0, said.words))

    def _says_open(self, facility: Facility) -> bool:
        """Whether a place of which the hours are not known says itself that it is open."""
        reports = self.directory.status.get(facility.id)
        return bool(reports) and self._stops is not None and self._stops.open_now(reports or (), self.now)

    def _of_profile(
        self, facility: Facility, asked: Sequence[_Asked], failures: list[Concession], doubts: list[Concession]
    ) -> None:
        """Whether the place is there for patients of this age, and for a pregnancy of so many weeks."""
        position = self._positions.get("patients", NEVER)
        youngest, below = facility.age_from_years, facility.age_below_years
        if youngest is not None and self._years < youngest:
            failures.append(Concession("too_young", "patients", position, {"age": youngest}))
        if below is not None and self._years >= below:
            failures.append(Concession("too_old", "patients", position, {"age": below}))
        weeks = facility.min_gestation_weeks
        if weeks is None or all(one.capability != BIRTHS for one in asked):
            return
        if not isinstance(self._weeks, int | float):
            doubts.append(Concession("weeks_unknown", "gestation", 0, {"weeks": weeks}))
        elif self._weeks < weeks:
            found = Concession("too_early", "gestation", self._positions.get("gestation", NEVER), {"weeks": weeks})
            failures.append(found)

    def open_at(self, facility: Facility, capability: str, minutes: int) -> bool | None:
        """Whether `capability` is open on arrival; None where that is not known."""
        if facility.status == "unknown":
            return open_for(facility, capability, self.arrival(minutes), self.directory.holidays)
        return self._hours(facility.opening_for(capability)).is_open(self.arrival(minutes))

    def _hours(self, opening: Opening) -> Hours:
        # many places keep the same hours; an opening lives as long as the directory, so its identity will do
        if (found := self._kept.get(id(opening))) is None:
            found = self._kept[id(opening)] = Hours(opening, self.arrival(0), self.directory.holidays)
        return found

    def _closed(self, opening: Opening, minutes: int) -> Concession:
        key = (id(opening), minutes)
        if key not in self._shut:
            arrival = self.arrival(minutes)
            opens = self._opens(opening, arrival)
            words = {"arrival": clock_time(arrival), "opens": clock_time(opens, arrival) if opens else ""}
            text = "closed" if opens else "closed_for_now"
            self._shut[key] = Concession(text, "open", self._positions.get("open", NEVER), words)
        return self._shut[key]

    def _opens(self, opening: Opening, arrival: datetime) -> datetime | None:
        """When a closed place opens; between two changes the answer is the same for every arrival."""
        since, opens = self._next.get(id(opening), (arrival, arrival))
        if opens is not None and not since <= arrival < opens:
            opens = self._hours(opening).next_change(arrival)
            self._next[id(opening)] = (arrival, opens)
        return opens

    def _missing(self, liked: Sequence[_Asked], facility: Facility, has: int, minutes: int) -> tuple[str, ...]:
        """Preferred capabilities that the place is not known to have, or not known to have open on arrival."""
        always = facility.opening.pattern == "always" and not facility.opening_of
        return tuple(
            [
                one.capability
                for one in liked
                if not one.bit & has or (not always and self.open_at(facility, one.capability, minutes) is False)
            ]
        )

    # -- norms

    def _clock(self, norm: Norm, capability: str) -> _Clock:
        bit, case, by_car = self.directory.bits[capability], self.case, self.way.by_car
        if (begin := began(case, norm.clock_start)) is not None:
            return _Clock(norm, bit, minutes_since(begin, self.now), known=True, can_be_met=by_car)
        if norm.clock_start in ("called_at", "first_contact_at"):
            # the call was at the latest when somebody first was with the patient or left with them; rules before format
            # 4 otherwise took it that the call is now, and what they decided is replayed with that
            moments = (case.called_at, case.first_contact_at, case.assessed_at, underway_since(case))
            passed = max((minutes_since(moment, self.now) for moment in moments if moment), default=0)
            earlier = any(moments) or case.channel == "ambulance" or case.on_the_way is not None
            before_format_4 = self.ruleset.logistics.travel is None
            is_now = before_format_4 and not earlier
            return _Clock(norm, bit, passed, known=False, can_be_met=is_now, tells_apart=not before_format_4)
        return _Clock(norm, bit, 0, known=False, can_be_met=False)

    def _timely(
        self,
        clocks: Sequence[_Clock],
        may_have: int,
        travel: Travel,
        failures: list[Concession],
        doubts: list[Concession],
    ) -> tuple[NormCheck, ...]:
        found = [_check(clock, self.lead, travel) for clock in clocks if clock.bit & may_have]
        checks = tuple({check.norm.id: check for check in found}.values())
        for check in checks:
            if check.verdict == "not_met":
                position = self._positions.get(check.norm.id, NEVER)
                failures.append(Concession("too_late", check.norm.id, position, norm_words(check)))
            elif check.verdict == "uncertain":
                doubts.append(Concession("not_sure_in_time", check.norm.id, 0, norm_words(check)))
        return checks


def norm_words(check: NormCheck) -> Mapping[str, FactValue]:
    """What the texts about a norm may name; `short` is how many minutes sooner would surely be in time."""
    return {
        "norm": check.norm.id,
        "limit": check.norm.minutes,
        "elapsed": check.elapsed,
        "low": check.low,
        "high": check.high,
        "short": max(0, check.high - check.norm.minutes),
    }


def _check(clock: _Clock, lead: int, travel: Travel) -> NormCheck:
    norm, passed = clock.norm, clock.passed + lead
    low, high = passed + travel.low, passed + travel.high
    verdict: Verdict = "uncertain"
    if low > norm.minutes:
        verdict = "not_met"
    elif high <= norm.minutes and clock.can_be_met:
        verdict = "met"
    fits = clock.tells_apart and verdict == "uncertain" and high <= norm.minutes
    return NormCheck(norm, passed + travel.minutes, low, high, verdict, clock.known, fits)
