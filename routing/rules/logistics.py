"""What a ruleset assumes about travelling: when an ambulance comes and leaves, and what other ways of travel take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from routing.rules.ruleset import Logistics, Travelling
from routing.rules.shapes import AcceptedEntry, AssumedEntry, HelicopterEntry, LogisticsEntry, ReferenceEntry
from routing.travel.helicopter import Helicopter
from routing.vocabulary import AMBULANCES
from routing.yamlfile import Location

CARRIED = AMBULANCES[:5]
"""Ambulance urgencies that move a patient (C1 and C2 are referral and advice)."""

WITHOUT_AMBULANCE = ("own", "taxi", "walk")
"""The values of `transport` for who travels without an ambulance."""

SINCE_FORMAT = 4
"""The first format that says how patients travel without an ambulance, and what a helicopter takes."""

FACTORS = (0.25, 4.0)
"""Within these an urgency may change the time of driving; beyond them it is taken for a mistake."""

_HELICOPTER = {
    "start_minutes": ("min", 0, 60),
    "cruise_km_h": ("km/h", 100, 400),
    "landing_minutes": ("min", 0, 60),
    "margin": ("1", 0, 1),
}
"""Unit, least and most of each number about the helicopter."""

Problem = tuple[Location, str]


def logistics_problems(given: LogisticsEntry, version: int) -> Iterator[Problem]:
    """Everything that is wrong in `logistics` of parameters.yaml; `version` is the format of the ruleset."""
    here: Location = ("logistics",)
    if "A1" not in given.response_minutes:
        yield (*here, "response_minutes"), "`A1` must be named: it counts for every ambulance whose urgency is not"
    for key in given.response_minutes:
        if key not in AMBULANCES:
            yield (*here, "response_minutes", key), f"`{key}` is not an ambulance urgency"
    for name in ("urgency_factor", "leaving_minutes", "helicopter"):
        if (getattr(given, name) is None) != (version < SINCE_FORMAT):
            yield (*here, name), f"`{name}` is about how the patient travels; rulesets of format 4 have it"
    if given.urgency_factor is not None:
        yield from _factors((*here, "urgency_factor"), given.urgency_factor)
    if given.leaving_minutes is not None:
        yield from _leaving((*here, "leaving_minutes"), given.leaving_minutes)
    if given.helicopter is not None:
        for key, (unit, least, most) in _HELICOPTER.items():
            yield from _number((*here, "helicopter", key), getattr(given.helicopter, key), unit, least, most)


def _factors(here: Location, table: Mapping[str, AssumedEntry]) -> Iterator[Problem]:
    yield from _named(here, table, CARRIED)
    for key, entry in table.items():
        yield from _number((*here, key), entry, "1", *FACTORS)
        if Decimal(str(entry.value)) * 1000 % 1:
            yield (*here, key), f"`{entry.value:g}` has more than three decimals"


def _leaving(here: Location, table: Mapping[str, AssumedEntry]) -> Iterator[Problem]:
    yield from _named(here, table, WITHOUT_AMBULANCE)
    for key, entry in table.items():
        yield from _number((*here, key), entry, "min", 0, 240)
        if entry.value != int(entry.value):
            yield (*here, key), f"`{entry.value:g}` is not a whole number of minutes"


def _named(place: Location, table: Mapping[str, object], keys: tuple[str, ...]) -> Iterator[Problem]:
    if tuple(table) != keys:
        yield place, f"must name exactly {', '.join(keys)}, in this order"


def _number(place: Location, entry: AssumedEntry, unit: str, least: float, most: float) -> Iterator[Problem]:
    if entry.unit != unit:
        yield place, f"the unit is {entry.unit}, and must be {unit}"
    if not least <= entry.value <= most:
        yield place, f"`{entry.value:g}` is not from {least:g} to {most:g} {unit}"
    if isinstance(entry.review, AcceptedEntry):
        try:
            date.fromisoformat(entry.review.on)
        except ValueError:
            yield (*place, "review"), f"`{entry.review.on}` is not a date (2026-11-21)"


def logistics_references(given: LogisticsEntry) -> Iterator[tuple[Location, ReferenceEntry]]:
    """Every source that is named in `logistics`, and where."""
    here: Location = ("logistics",)
    yield (*here, "on_scene_minutes"), given.on_scene_minutes.reference
    for part in ("response_minutes", "reach_minutes", "urgency_factor", "leaving_minutes"):
        for key, entry in (getattr(given, part) or {}).items():
            yield (*here, part, key), entry.reference
    for key in _HELICOPTER if given.helicopter is not None else ():
        yield (*here, "helicopter", key), getattr(given.helicopter, key).reference


def read_logistics(given: LogisticsEntry) -> Logistics:
    """What is said in `logistics`, once nothing is wrong with it."""
    travel = None
    if given.urgency_factor is not None and given.leaving_minutes is not None and given.helicopter is not None:
        travel = Travelling(
            factor_permille={key: round(entry.value * 1000) for key, entry in given.urgency_factor.items()},
            leaving_minutes={key: round(entry.value) for key, entry in given.leaving_minutes.items()},
            helicopter=_helicopter(given.helicopter),
        )
    return Logistics(
        response_minutes={key: entry.value for key, entry in given.response_minutes.items()},
        on_scene_minutes=given.on_scene_minutes.value,
        reach_minutes={key: entry.value for key, entry in given.reach_minutes.items()},
        travel=travel,
    )


def _helicopter(given: HelicopterEntry) -> Helicopter:
    return Helicopter(
        start_minutes=given.start_minutes.value,
        cruise_km_h=given.cruise_km_h.value,
        landing_minutes=given.landing_minutes.value,
        margin=given.margin.value,
    )
