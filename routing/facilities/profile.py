"""What is known about one place of care: where it is, what it can do, when it is open, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from routing.facilities.opening import Opening, is_open
from routing.vocabulary import Vocabulary

Status = Literal["active", "active_limited_hours", "unknown"]
"""`unknown`: nobody could say whether the place still exists. Places that closed are not in the directory."""

Patients = Literal["all", "children"]
Precision = Literal["site", "pc4", "city", "airport"]
"""What a position stands for: the door, the middle of a postcode area or of a town, the middle of an airfield."""


@dataclass(frozen=True, slots=True)
class KindCapabilities:
    """What every place of a kind has, and what some places of that kind have."""

    has: frozenset[str]
    may_have: frozenset[str]


@dataclass(frozen=True, slots=True)
class CapabilityTable:
    """The part of the vocabulary that profiles rest on.

    `capabilities` are the ids in the order of their bits, `implies` says per capability what a place that has it
    certainly has too (one step or all steps, both are fine).
    """

    capabilities: tuple[str, ...]
    kinds: Mapping[str, KindCapabilities]
    implies: Mapping[str, Iterable[str]]


@dataclass(frozen=True, slots=True)
class Period:
    """The days on which a capability is there, both included; None is no limit."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` lies in it."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Facility:
    """One place of care.

    `lat` and `lon` are WGS84 degrees with five decimals (about a metre). `given` holds the place's own capabilities and
    `capabilities` what follows for every capability: True, False, or None where it is unknown. `opening` holds for the
    whole place, except for the capabilities in `opening_of`. `located_at` is the id of the place in whose building this
    one is, `regions` the `rav` (ambulance region), `roaz` (acute-care network) and others by their kind. `unchecked`
    names what nobody held against a source, `remarks` what else to know, as words that the data's README explains.

    `periods` are the days of a capability that is not there for ever; see `has`. `min_gestation_weeks`: before so many
    weeks of pregnancy this is not the place. `age_from_years` is included, `age_below_years` is not. `identifiers` are
    its numbers elsewhere (`ura`, `agb`, `lpz`), `contacts` telephone numbers by what they are for.
    """

    id: str
    name: str
    kind: str
    city: str
    lat: float
    lon: float
    capabilities: Mapping[str, bool | None] = field(hash=False)
    given: Mapping[str, bool | None] = field(hash=False)
    opening: Opening
    opening_of: Mapping[str, Opening] = field(hash=False)
    status: Status
    coord_precision: Precision
    postcode: str | None = None
    located_at: str | None = None
    regions: Mapping[str, str] = field(default_factory=dict, hash=False)
    patients: Patients = "all"
    referral_only: bool = False
    sources: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    periods: Mapping[str, Period] = field(default_factory=dict, hash=False)
    min_gestation_weeks: int | None = None
    age_from_years: int | None = None
    age_below_years: int | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict, hash=False)
    contacts: Mapping[str, str] = field(default_factory=dict, hash=False)

    def has(self, capability: str, day: date) -> bool | None:
        """Whether the place has `capability` on `day`; None where nobody knows."""
        period = self.periods.get(capability)
        return self.capabilities[capability] if period is None or period.holds(day) else False

    def opening_for(self, capability: str) -> Opening:
        """When `capability` is to be had here."""
        return self.opening_of.get(capability, self.opening)


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What a patient finds at a place, wherever it is: places that are alike share it. `keeps_hours`: it is not simply
    always open, or unknown when, and so it matters when somebody arrives."""

    keeps_hours: bool


def traits(places: Iterable[Facility]) -> tuple[Traits, ...]:
    """The traits of each of `places`."""
    found: dict[tuple[object, ...], Traits] = {}
    return tuple(found.setdefault(_likeness(place), Traits(_keeps_hours(place))) for place in places)


def _keeps_hours(place: Facility) -> bool:
    return bool(place.opening_of) or place.opening.pattern not in ("always", "unknown")


def _likeness(place: Facility) -> tuple[object, ...]:
    return (
        *(frozenset(part.items()) for part in (place.capabilities, place.periods, place.opening_of)),
        place.opening,
        place.status,
        place.patients,
        place.referral_only,
        place.min_gestation_weeks,
        place.age_from_years,
        place.age_below_years,
    )


def open_for(facility: Facility, capability: str, at: datetime, holidays: frozenset[date]) -> bool | None:
    """Whether `capability` is open at `facility` at the instant `at`; None where that is unknown.

    A place of which nobody knows whether it still exists is closed outside its hours and unknown within them.
    """
    answer = is_open(facility.opening_for(capability), at, holidays)
    return None if answer and facility.status == "unknown" else answer


def resolve_capabilities(
    kind: KindCapabilities, given: Mapping[str, bool | None], table: CapabilityTable
) -> dict[str, bool | None]:
    """What a place of `kind` with its own capabilities `given` can do: every capability -> True, False or None.

    The kind's `has` is true, its `may_have` unknown, everything else false; then the place's own word, which always
    wins; then what follows from a true one, except where the place itself says no. See `contradictions` for that.
    """
    resolved: dict[str, bool | None] = {
        capability: True if capability in kind.has else None if capability in kind.may_have else False
        for capability in table.capabilities
    }
    resolved.update(given)
    found = [capability for capability, value in resolved.items() if value]
    while found:
        for implied in table.implies.get(found.pop(), ()):
            if not resolved[implied] and given.get(implied) is not False:
                resolved[implied] = True
                found.append(implied)
    return resolved


def contradictions(given: Mapping[str, bool | None], table: CapabilityTable) -> tuple[tuple[str, str], ...]:
    """Pairs `(capability, implied)` of which the place itself says that it has the first and not the second."""
    pairs: list[tuple[str, str]] = []
    for capability in (key for key, value in given.items() if value):
        seen, todo = {capability}, [capability]
        while todo:
            new = set(table.implies.get(todo.pop(), ())) - seen
            seen |= new
            todo.extend(new)
        pairs.extend((capability, implied) for implied in sorted(seen) if given.get(implied) is False)
    return tuple(pairs)


def capability_table(vocabulary: Vocabulary) -> CapabilityTable:
    """The part of `vocabulary` that profiles rest on."""
    return CapabilityTable(
        capabilities=tuple(vocabulary.capabilities),
        kinds={
            key: KindCapabilities(frozenset(kind.has), frozenset(kind.may_have))
            for key, kind in vocabulary.facility_kinds.items()
        },
        implies={key: capability.implies for key, capability in vocabulary.capabilities.items()},
    )
