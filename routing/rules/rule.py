"""A rule as the evaluators and the reader see it: what it asks, what it concludes, and on whose authority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from routing.rules.condition import Condition, tests
from routing.vocabulary import Text

Stage = Literal["triage", "care"]
Strength = Literal["required", "preferred"]
Status = Literal["suspected", "possible"]
SourceState = Literal["read", "partly", "not"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A number known only to lie between two ends (a score whose items are partly unknown)."""

    low: float
    high: float


FactValue = bool | int | float | str | Interval
Facts = Mapping[str, FactValue]
"""Subject -> value. What is not in it is unknown. A time is its RFC 3339 text (rules only ask whether it is known)."""


INTERVAL_FACTS = frozenset({"age_months"})
"""Facts whose value may be known only within limits: the months of somebody whose age was given in years."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a rule or number comes from; `source` is a key of the ruleset's references."""

    source: str
    title: str
    href: str
    section: str | None
    read: SourceState


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted a rule and when; a rule without it is pending."""

    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Need:
    """A capability that the patient needs; `within` is the id of a norm.

    `bypass_minutes` bounds a requirement: it is required as long as the nearest place that has it costs at most so many
    minutes more than the nearest place that meets all else. None: at any distance.
    """

    capability: str
    strength: Strength
    within: str | None = None
    bypass_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. A triage rule concludes an urgency (rank 0-5) or a condition; a care rule what follows from them."""

    id: str
    when: Condition
    text: Text
    reference: Reference
    why: str
    urgency: int | None = None
    condition: str | None = None
    status: Status | None = None
    needs: tuple[Need, ...] = ()
    ambulance: str | None = None
    mmt: bool | None = None
    warning: bool = False
    accepted: Acceptance | None = None
    file: str = ""
    line: int | None = None

    @property
    def stage(self) -> Stage:
        """`triage` if the rule concludes an urgency or a condition, else `care`."""
        return "care" if self.urgency is None and self.condition is None else "triage"


class RuleCycle(ValueError):
    """Rules whose conditions wait for each other; `rules` are their ids."""

    def __init__(self, rules: tuple[str, ...]) -> None:
        super().__init__(f"these rules wait for each other's conclusions: {', '.join(rules)}")
        self.rules = rules


def conditions_asked(rule: Rule) -> frozenset[str]:
    """The codes of the conditions that `rule` asks about."""
    return frozenset(
        test.subject.removeprefix("condition.") for test in tests(rule.when) if test.subject.startswith("condition.")
    )


def strata(rules: Sequence[Rule]) -> tuple[tuple[Rule, ...], ...]:
    """The rules in the order in which they can be evaluated: triage rules that ask only facts, then triage rules that
    ask about conditions concluded before, and the care rules last. Raises RuleCycle."""
    waiting = [rule for rule in rules if rule.stage == "triage"]
    layers: list[tuple[Rule, ...]] = []
    while waiting:
        open_codes = {rule.condition for rule in waiting if rule.condition is not None}
        ready = tuple(rule for rule in waiting if not conditions_asked(rule) & open_codes)
        if not ready:
            raise RuleCycle(_in_the_cycle(waiting))
        layers.append(ready)
        done = {rule.id for rule in ready}
        waiting = [rule for rule in waiting if rule.id not in done]
    care = tuple(rule for rule in rules if rule.stage == "care")
    return (*layers, care) if care else tuple(layers)


def _in_the_cycle(waiting: Sequence[Rule]) -> tuple[str, ...]:
    """Of rules that wait for each other the ids of those that others wait for: not of those that only wait."""
    left = list(waiting)
    while True:
        asked = {code for rule in left for code in conditions_asked(rule)}
        kept = [rule for rule in left if rule.condition in asked]
        if len(kept) == len(left):
            return tuple(sorted(rule.id for rule in left))
        left = kept
