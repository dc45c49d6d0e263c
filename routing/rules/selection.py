"""Who may be chosen and in which order, as the ruleset says it: what gives way first, the ranking, the texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from routing.rules.condition import Condition
from routing.rules.rule import Reference
from routing.vocabulary import ReportKind, Text

Order = Literal[
    "gave_way", "norms_not_sure", "unknown", "stopped", "preferred_missing", "not_known_there", "minutes", "id"
]
ORDERS: tuple[Order, ...] = (
    "gave_way", "norms_not_sure", "unknown", "stopped", "preferred_missing", "not_known_there", "minutes", "id"
)  # fmt: skip

_NORM = ("norm", "limit", "elapsed", "low", "high", "short")
_TRIP = ("minutes", "low", "high")

_STOP = ("unit", "since", "until")
_AGE, _NAME = ("unit", "age"), ("name", "unit", "age")
_TURN = ("heading", "name", "minutes", "other", "more")
_TWO_PLANS = ("capability", "name", "minutes", "limit")

TEXTS: Mapping[str, tuple[str, ...]] = {
    "lacks": ("capability",),
    "capability_unknown": ("capability",),
    "closed": ("arrival", "opens"),
    "closed_for_now": ("arrival",),
    "opening_unknown": (),
    "too_late": _NORM,
    "not_sure_in_time": _NORM,
    "in_time": _NORM,
    "clock_unknown": ("norm",),
    "wrong_patients": ("age",),
    "referral_only": (),
    "has": ("capability",),
    "prefers": ("capability",),
    "known_there": (),
    "nearest": _TRIP,
    "distance": _TRIP,
    "gave_way": ("what",),
    "perhaps": ("what",),
    "beyond_reach": ("reach",),
    "without_place": ("capability",),
    "takes_over": ("capability",),
    "status_unknown": (),
    "near_tie": ("name", "minutes"),
    "faster": ("name", "minutes"),
    "confident": (),
    "may_change": (),
    "settled": (),
    "clock_open": _NORM,
    "no_need": (),
    "fallback": ("capability",),
    "evaluators_disagree": ("rules",),
    "engine_failed": (),
    "pending_rules": ("count",),
    "no_regional_agreement": ("region",),
    "place_uncertain": (),
    "no_road": ("island",),
    "direct": _TWO_PLANS,
    "nearest_first": _TWO_PLANS,
    "regional_agreement_pending": ("region", "version"),
    "goes_anyway": _STOP,
    "stopped": _STOP,
    "stops_not_agreed": _STOP,
    "all_stopped": (),
    "stop_ended": _STOP,
    "full": _AGE,
    "full_with_reserved": ("unit", "age", "free", "coming"),
    "full_goes_anyway": _AGE,
    "reported_closed": _AGE,
    "reported_closed_stale": _AGE,
    "too_young": ("age",),
    "too_old": ("age",),
    "too_early": ("weeks",),
    "weeks_unknown": ("weeks",),
    "stop_unknown": ("name", "unit"),
    "stop_stale": _NAME,
    "beds_stale": _NAME,
    "might_be_better": ("name", "minutes", "what"),
    "faster_but": ("name", "minutes", "what"),
    "not_looked_at": ("count",),
    "turns_later": _TURN,
    "turns_sooner": _TURN,
    "on_foot": (),
    "weather_unknown": (),
}
"""Every text that a ruleset must give, with the words that may stand between braces in it."""

TEXTS_SINCE: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "direct",
            "nearest_first",
            "regional_agreement_pending",
            "goes_anyway",
            "stopped",
            "stops_not_agreed",
            "all_stopped",
        ),
        2,
    ),
    **dict.fromkeys(
        (
            "stop_ended",
            "full",
            "full_with_reserved",
            "full_goes_anyway",
            "reported_closed",
            "reported_closed_stale",
            "too_young",
            "too_old",
            "too_early",
            "weeks_unknown",
            "stop_unknown",
            "stop_stale",
            "beds_stale",
            "might_be_better",
            "not_looked_at",
            "faster_but",
        ),
        3,
    ),
    **dict.fromkeys(("turns_later", "turns_sooner", "on_foot", "weather_unknown"), 4),
}
"""Texts that only rulesets of this format and later hold; what they speak of cannot happen with an older one."""

TEXTS_UNTIL: Mapping[str, int] = {"status_unknown": 2}
"""Texts that rulesets after this format do not hold any more: others say it better."""


def texts_of(version: int) -> Mapping[str, tuple[str, ...]]:
    """The texts that a ruleset of this format must hold."""
    return {
        name: words
        for name, words in TEXTS.items()
        if TEXTS_SINCE.get(name, 1) <= version <= TEXTS_UNTIL.get(name, version)
    }


def orders_of(version: int) -> tuple[Order, ...]:
    """What a ruleset of this format ranks by; stops came with the second."""
    return ORDERS if version > 1 else tuple(name for name in ORDERS if name != "stopped")


@dataclass(frozen=True, slots=True)
class Stops:
    """What a stop means for a patient. Up to the urgency `goes_anyway_to` and for the conditions `goes_anyway_with`
    nothing: it is shown. Up to `prefers_without_to` a place without one is preferred within `extra_minutes`. Whoever
    is less urgent is sent to a place without one. `agreed` is False where the region agreed on no stops.

    A stop counts at most `longest_minutes`. `units`: unit of a stop -> the capabilities that it is about.
    """

    agreed: bool
    goes_anyway_to: int
    goes_anyway_with: frozenset[str]
    prefers_without_to: int
    extra_minutes: int
    longest_minutes: int
    units: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """How far live facts are relied on: for `fresh_minutes` after they were observed, per kind of report. A stop that
    ended is still told of for `ended_shown_minutes`. Where there is a `herd_guard`, patients who were advised to go to
    a place count against its free beds for `reservation_minutes`, or until the place itself reports again.
    """

    fresh_minutes: Mapping[ReportKind, int]
    ended_shown_minutes: int
    herd_guard: bool
    reservation_minutes: int


@dataclass(frozen=True, slots=True)
class Search:
    """How many of the places within reach are looked at, the nearest first: of those that may have all that is needed,
    and of the others."""

    able_most: int
    others_most: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of minutes with its authority."""

    minutes: int
    reference: Reference
    why: str


@dataclass(frozen=True, slots=True)
class Instead:
    """Care without a place that takes over in office hours, for this urgency (its rank) and less urgent ones."""

    capability: str
    urgency_from: int


@dataclass(frozen=True, slots=True)
class OfSomePatients:
    """Facts that are asked first, or not at all, where a condition holds: nobody asks an old man about contractions.
    `facts` stand in the order in which they are written."""

    facts: tuple[str, ...]
    when: Condition


@dataclass(frozen=True, slots=True)
class Template:
    """The words for one criterion: what holds of a place, and what would change it."""

    text: Text
    change: Text | None = None


@dataclass(frozen=True, slots=True)
class Nobody:
    """The answer when no place in the directory can take the patient."""

    kind: str
    name: Text
    text: Text


@dataclass(frozen=True, slots=True)
class Selection:
    """The order in which needs give way, the ranking, the detours worth making, the fallback, and all texts.

    `asked_first_in_order`: what is asked first is asked in the order in which it is written; else by what it could
    change, as before there was such a choice.
    """

    give_way: tuple[str, ...]
    order: tuple[Order, ...]
    preferred_detour: Limit
    known_there_detour: Limit
    known_there_from: int
    open_questions_most: int
    asked_first: tuple[OfSomePatients, ...]
    asked_first_in_order: bool
    not_asked: tuple[OfSomePatients, ...]
    in_office_hours: Mapping[str, Instead]
    fallback_capability: str
    nobody: Nobody
    texts: Mapping[str, Template]
    stops: Stops | None = None
    live: LiveFacts | None = None
    search: Search | None = None
