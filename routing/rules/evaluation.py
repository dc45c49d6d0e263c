"""Asks both evaluators about a case and compares them: the rule engine and the plain meaning must name the same rules.

Where they differ, or the engine fails, the rules of both count together, so the graver outcome stands, and it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import compress

from routing.errors import EngineFault
from routing.rules.condition import Test, negation_normal, tests
from routing.rules.durable import DurableEvaluator
from routing.rules.explanation import Asker, Explainer, asker, asker_of_unknown, explainer
from routing.rules.reference import Meaning, ReferenceEvaluator, meaning
from routing.rules.rule import Facts, FactValue, Rule, conditions_asked
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


OfPatients = tuple[tuple[Meaning, frozenset[str]], ...]
"""Of which patients, and the facts."""


@dataclass(frozen=True)
class Evaluators:
    """A ruleset with its two evaluators. The engine keeps C state of its own for each process, behind its own lock."""

    ruleset: Ruleset
    reference: ReferenceEvaluator
    engine: DurableEvaluator

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
        return {**self._not_concluded, **dict.fromkeys(concluded, True), "urgency": urgency}

    def seen(self, rule: Rule, evaluation: Evaluation) -> Mapping[str, FactValue]:
        """The facts that made a fired `rule` true, with the values that were seen; what did not matter is left out."""
        names = self._explainers[rule.id](evaluation.facts)
        return {name: evaluation.facts[name] for name in names if name in evaluation.facts}

    def to_ask(self, evaluation: Evaluation) -> Iterator[tuple[Rule, Sequence[str]]]:
        """Each possible rule with the facts to ask next to find out whether it fires."""
        facts, askers, touched = evaluation.facts, self._askers, self._touched(evaluation)
        of_nothing = self._asks_of_nothing(facts["urgency"])
        for rule in evaluation.possible:
            key = rule.id
            yield rule, askers[key](facts) if key in touched else of_nothing[key]

    def asked_first(self, evaluation: Evaluation) -> frozenset[str]:
        """The facts that are asked of this patient before all others."""
        return _of_patient(self._asked_first, evaluation.facts)

    def not_asked(self, evaluation: Evaluation) -> frozenset[str]:
        """The facts that need not be asked of this patient."""
        return _of_patient(self._not_asked, evaluation.facts)

    @cached_property
    def _asked_first(self) -> OfPatients:
        return tuple((meaning(entry.when), entry.facts) for entry in self.ruleset.selection.asked_first)

    @cached_property
    def _not_asked(self) -> OfPatients:
        return tuple((meaning(entry.when), entry.facts) for entry in self.ruleset.selection.not_asked)

    def _touched(self, evaluation: Evaluation) -> frozenset[str]:
        """Ids of the rules that ask something of which the value is known, or a condition that was concluded."""
        asking, conditions = self._rules_asking, self._not_concluded
        known = (name for name, value in evaluation.facts.items() if value is not False or name not in conditions)
        return frozenset[str]().union(*(asking[name] for name in known if name in asking))

    @cached_property
    def _rules_asking(self) -> Mapping[str, frozenset[str]]:
        """Fact or condition -> ids of the rules that ask about it, or about something that is computed from it."""
        found: dict[str, set[str]] = {}
        for rule in self.ruleset.rules:
            for subject in {test.subject for test in tests(rule.when)} - {"urgency"}:
                for name in (subject, *self.ruleset.asked_facts.get(subject, ())):
                    found.setdefault(name, set()).add(rule.id)
        return {name: frozenset(ids) for name, ids in found.items()}

    def _asks_of_nothing(self, urgency: FactValue) -> Mapping[str, Sequence[str]]:
        """What each rule asks where nothing is known but the `urgency`, which has few values."""
        if (found := self._asked_of_nothing.get(urgency)) is None:
            facts: Facts = {**self._not_concluded, "urgency": urgency}
            found = {rule.id: self._askers[rule.id](facts) for rule in self.ruleset.rules}
            self._asked_of_nothing[urgency] = found
        return found

    @cached_property
    def _asked_of_nothing(self) -> dict[FactValue, Mapping[str, Sequence[str]]]:
        return {}

    def begun(self, evaluation: Evaluation) -> frozenset[str]:
        """Ids of the rules of which something that they ask about the patient in front of us holds already."""
        facts = evaluation.facts
        known = (self._beginnings[name] for name in facts if name in self._beginnings)
        return frozenset(key for told in known for holds, keys in told if holds(facts) for key in keys)

    @cached_property
    def _beginnings(self) -> Mapping[str, tuple[tuple[Meaning, tuple[str, ...]], ...]]:
        """Finding, complaint or condition -> tests on it, each with the rules that ask it (positively)."""
        facts = self.ruleset.vocabulary.facts
        everybody = {name for name, fact in facts.items() if fact.given != "observations"} - {"complaint"} | {"urgency"}
        found: dict[str, dict[Test, list[str]]] = {}
        for rule in self.ruleset.rules:
            for test in dict.fromkeys(tests(negation_normal(rule.when))):
                telling = test.op not in ("false", "unknown", "known", "not in", "below")
                if telling and test.subject not in everybody:
                    found.setdefault(test.subject, {}).setdefault(test, []).append(rule.id)
        return {
            name: tuple((meaning(test), tuple(keys)) for test, keys in told.items()) for name, told in found.items()
        }

    @cached_property
    def asking(self) -> Mapping[str, tuple[Rule, ...]]:
        """Code of a condition -> the rules that ask about it."""
        found: dict[str, list[Rule]] = {}
        for rule in self.ruleset.rules:
            for code in conditions_asked(rule):
                found.setdefault(code, []).append(rule)
        return {code: tuple(rules) for code, rules in found.items()}

    @cached_property
    def _not_concluded(self) -> Mapping[str, bool]:
        codes = {rule.condition for rule in self.ruleset.rules if rule.condition is not None}
        return {f"condition.{code}": False for code in sorted(codes)}

    @cached_property
    def _explainers(self) -> Mapping[str, Explainer]:
        return {rule.id: explainer(rule.when) for rule in self.ruleset.rules}

    @cached_property
    def _askers(self) -> Mapping[str, Asker]:
        asked = self.ruleset.asked_facts
        # what is possible of a rule on facts alone is unknown; conclusions were open then and are decided now
        on_facts = {rule.id for rule in self.ruleset.rules if not any(map(_concluded, tests(rule.when)))}
        make = {True: asker_of_unknown, False: asker}
        return {rule.id: make[rule.id in on_facts](rule.when, asked) for rule in self.ruleset.rules}

    def _ask_engine(self, facts: Facts) -> tuple[frozenset[str] | None, str | None]:
        try:
            return self.engine.fired(facts), None
        except EngineFault as error:
            return None, str(error)


def _of_patient(entries: OfPatients, facts: Facts) -> frozenset[str]:
    return frozenset[str]().union(*(names for holds, names in entries if holds(facts)))


def _concluded(test: Test) -> bool:
    return test.subject == "urgency" or test.subject.startswith("condition.")


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
