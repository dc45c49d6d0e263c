"""Asks both evaluators about a case and compares them: the rule engine and the plain meaning must name the same rules.

Where they differ, or the engine fails, the rules of both count together, so the graver outcome stands, and it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import compress
from typing import Protocol

from routing.errors import EngineFault
from routing.rules.asking import Asking
from routing.rules.durable import DurableEvaluator
from routing.rules.engine_watch import EngineWatch
from routing.rules.explanation import Explainer, explainer
from routing.rules.reference import ReferenceEvaluator
from routing.rules.rule import Facts, FactValue, Rule
from routing.rules.ruleset import Ruleset
from routing.rules.scores import Points, calculation, points


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules say about one case.

    `facts` are the facts with the derived numbers, the scores and what was decided (`condition.stemi`, and `urgency` as
    its rank 0-5); `engine` the rules that the engine fired (None: it failed, `fault` says how), `reference` those that
    the plain meaning fired, `fired` both together in the order of the ruleset, `possible` those that more knowledge
    could make fire.
    """

    facts: Facts
    fired: tuple[Rule, ...]
    possible: tuple[Rule, ...]
    engine: frozenset[str] | None
    reference: frozenset[str]
    fault: str | None = None

    @property
    def agree(self) -> bool:
        """Whether both evaluators named the same rules."""
        return self.engine == self.reference


class Engine(Protocol):
    """Something that says which rules fire, by the alternatives of their conditions."""

    @property
    def alternatives(self) -> int:
        """How many it holds."""

    def fired(self, facts: Facts) -> frozenset[str]:
        """The ids of the rules that fire. Raises EngineFault."""


@dataclass(frozen=True)
class Evaluators:
    """A ruleset with its two evaluators. The engine keeps C state of its own for each process, behind its own lock."""

    ruleset: Ruleset
    reference: ReferenceEvaluator
    engine: Engine
    watch: EngineWatch | None = None

    @cached_property
    def _numbers(self) -> tuple[Callable[[dict[str, FactValue], datetime], None], ...]:
        return tuple(_numbers(self.ruleset))

    def with_numbers(self, facts: Facts, now: datetime) -> Facts:
        """`facts` with what was agreed, and the derived numbers and the scores that follow from them at `now`."""
        found = {**self.ruleset.agreements, **facts}
        for add in self._numbers:
            add(found, now)
        return found

    def evaluate(self, given: Facts, now: datetime) -> Evaluation:
        """Ask both evaluators about `given` facts at `now`. Never raises for what the engine does."""
        facts = self.with_numbers(given, now)
        judgement = self.reference.judge(facts)
        engine, fault = self._ask_engine(facts)
        both = judgement.fired | (engine or frozenset())
        fired = self._rules(both)
        return Evaluation(
            facts={**facts, **self._decided(fired)},
            fired=fired,
            possible=self._rules(judgement.possible - both),
            engine=engine,
            reference=judgement.fired,
            fault=fault,
        )

    def _rules(self, ids: frozenset[str]) -> tuple[Rule, ...]:
        """The rules with these `ids`, in the order of the ruleset."""
        by_id = self.ruleset.by_id
        return tuple(compress(by_id.values(), map(ids.__contains__, by_id)))

    def _decided(self, fired: Sequence[Rule]) -> dict[str, FactValue]:
        concluded = {f"condition.{rule.condition}" for rule in fired if rule.condition is not None}
        ranks = [rule.urgency for rule in fired if rule.urgency is not None]
        urgency = min(ranks, default=self.ruleset.default_urgency)
        return {**self.asking.not_concluded, **dict.fromkeys(concluded, True), "urgency": urgency}

    def seen(self, rule: Rule, evaluation: Evaluation) -> Mapping[str, FactValue]:
        """The facts that made a fired `rule` true, with the values that were seen; what did not matter is left out."""
        names = self._explainers[rule.id](evaluation.facts)
        return {name: evaluation.facts[name] for name in names if name in evaluation.facts}

    @cached_property
    def asking(self) -> Asking:
        """What the rules ask of a patient."""
        return Asking(self.ruleset)

    @cached_property
    def _explainers(self) -> Mapping[str, Explainer]:
        return {rule.id: explainer(rule.when) for rule in self.ruleset.rules}

    def _ask_engine(self, facts: Facts) -> tuple[frozenset[str] | None, str | None]:
        try:
            if self.watch is None:
                return self.engine.fired(facts), None
            with self.watch.asking(self.ruleset.digest, facts):
                return self.engine.fired(facts), None
        except EngineFault as error:
            return None, str(error)


def build_evaluators(ruleset: Ruleset, like: Evaluators | None = None) -> Evaluators:
    """Both evaluators for `ruleset`; those of `like` where its rules ask and conclude the same, as those of a region
    mostly do. Raises EngineRefusal, which names the rule that the engine cannot take."""
    if like is not None and _asks(ruleset) == _asks(like.ruleset):
        return Evaluators(ruleset, like.reference, like.engine)
    return Evaluators(
        ruleset,
        ReferenceEvaluator(ruleset.rules, ruleset.default_urgency),
        DurableEvaluator(ruleset.rules, ruleset.subjects, ruleset.default_urgency),
    )


def _asks(ruleset: Ruleset) -> tuple[object, ...]:
    """All that the two evaluators are made of."""
    rules = [(rule.id, rule.when, rule.urgency, rule.condition, rule.stage) for rule in ruleset.rules]
    return rules, ruleset.subjects, ruleset.default_urgency


def _numbers(ruleset: Ruleset) -> Iterator[Callable[[dict[str, FactValue], datetime], None]]:
    for key, derived in ruleset.derived.items():
        yield _derived(key, calculation(derived.formula), derived.low, derived.high)
    for key, score in ruleset.scores.items():
        yield _score(key, points(score))


def _derived(
    key: str, calculate: Callable[[Facts, datetime], float | None], low: float, high: float
) -> Callable[[dict[str, FactValue], datetime], None]:
    def add(facts: dict[str, FactValue], now: datetime) -> None:
        found = calculate(facts, now)
        if found is not None and low <= found <= high:
            facts[key] = found

    return add


def _score(key: str, total: Points) -> Callable[[dict[str, FactValue], datetime], None]:
    def add(facts: dict[str, FactValue], _now: datetime) -> None:
        if (found := total(facts)) is not None:
            facts[key], facts[f"{key}.highest_item"] = found

    return add
