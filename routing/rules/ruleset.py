"""A ruleset: an immutable folder of rules, thresholds, scores and norms, checked as a whole and named by its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from routing.rules.condition import Parameter, Subject
from routing.rules.rule import FactValue, Reference, Rule
from routing.rules.scores import Derived, Score, formula_facts, score_facts
from routing.rules.selection import Selection
from routing.rules.shapes import Clock
from routing.travel.helicopter import Helicopter
from routing.vocabulary import Text, Vocabulary


@dataclass(frozen=True, slots=True)
class Norm:
    """A time in which a need must be met, counted from `clock_start` to the arrival."""

    id: str
    minutes: int
    clock_start: Clock
    legal_status: str
    label: Text
    reference: Reference


@dataclass(frozen=True, slots=True)
class Travelling:
    """How patients travel, as rulesets since format 4 say it. `factor_permille`: by which an ambulance of an urgency
    takes longer (or shorter) than a car, in thousandths. `leaving_minutes`: before one leaves without an ambulance."""

    factor_permille: Mapping[str, int]
    leaving_minutes: Mapping[str, int]
    helicopter: Helicopter


@dataclass(frozen=True, slots=True)
class Logistics:
    """Assumed minutes: until an ambulance is there (by its urgency), at the scene, and how far places may be. What is
    assumed of other ways to `travel` is None in a ruleset that says nothing of them."""

    response_minutes: Mapping[str, int]
    on_scene_minutes: int
    reach_minutes: Mapping[str, int]
    travel: Travelling | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """The agreements of a region that a ruleset was changed by; `accepted`: whether the region confirmed them."""

    name: str
    version: str
    title: Text
    accepted: bool


@dataclass(frozen=True)
class Ruleset:
    """Everything that decides. `source` is the plain content of its files, `digest` names exactly that content.

    `region` names the region whose agreements are in it; None: the national rules. `agreements` are facts that hold for
    every case.
    """

    name: str
    version: str
    digest: str
    region: Region | None
    title: Text
    owner: str
    effective_from: datetime
    default_urgency: int
    default_text: Text
    default_why: str
    rules: tuple[Rule, ...] = field(repr=False)
    agreements: Mapping[str, FactValue] = field(repr=False)
    subjects: Mapping[str, Subject] = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)
    norms: Mapping[str, Norm] = field(repr=False)
    deadlines: Mapping[str, int | None] = field(repr=False)
    logistics: Logistics = field(repr=False)
    derived: Mapping[str, Derived] = field(repr=False)
    scores: Mapping[str, Score] = field(repr=False)
    selection: Selection = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    source: Mapping[str, Any] = field(repr=False)

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """Rule id -> rule."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def pending(self) -> tuple[str, ...]:
        """Ids of the rules that no clinician has accepted."""
        return tuple(rule.id for rule in self.rules if rule.accepted is None)

    @cached_property
    def asked_facts(self) -> Mapping[str, tuple[str, ...]]:
        """Each subject -> the facts that it is computed from (a fact: itself)."""
        found: dict[str, tuple[str, ...]] = {name: (name,) for name in self.vocabulary.facts}
        for key, derived in self.derived.items():
            found[key] = tuple(dict.fromkeys(formula_facts(derived.formula)))
        for key, score in self.scores.items():
            found[key] = found[f"{key}.highest_item"] = tuple(
                dict.fromkeys(fact for name in score_facts(score) for fact in found.get(name, (name,)))
            )
        return found
