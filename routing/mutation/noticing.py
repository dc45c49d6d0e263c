"""Says which worked case notices a small change to the rules: the case whose expectation does not hold any more.

Nothing is assumed of what a change does: where a rule fires otherwise, the rules that rest on its conclusions are asked
again, and the whole expectation of the case is held against what then comes out, also about places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from routing.case import parse_case
from routing.decision import placed
from routing.mutation.mutants import Mutant
from routing.mutation.recalculated import Recalculated, recalculated
from routing.mutation.seen import Bits, SeenCase, Truths, bits_of, numbers_in
from routing.packaged import Desk
from routing.rules.condition import tests
from routing.rules.evaluation import Evaluators
from routing.rules.reference import Meaning, ReferenceEvaluator, meaning
from routing.rules.rule import Facts, FactValue, Rule, strata
from routing.rules.ruleset import Ruleset
from routing.travel import embedded
from routing.triage import Triage, concluded_by, triage, triaged_again
from routing.worked_cases import WorkedCase, directory_of_case, place_mismatches, triage_mismatches


class Watch:
    """The worked cases of a ruleset, ready to be asked which of them notices a change."""

    def __init__(self, cases: Sequence[SeenCase], desk: Desk) -> None:
        self._desk = desk
        self.ruleset = desk.evaluators.ruleset
        self._rules = _Rules(self.ruleset)
        holding = [case for case in cases if _holds(case.case, self._rules.fired(case.fired), desk)]
        self.cases: tuple[SeenCase, ...] = tuple(holding)
        self.truths = Truths([case.facts for case in self.cases])
        self._triaged: dict[tuple[str, int | None], Triage] = {}
        self._fires = self._expected("fires")
        self._does_not_fire = self._expected("does_not_fire")

    def _expected(self, part: str) -> Mapping[str, Bits]:
        """Rule -> the cases that say of it that it fires, or that it does not."""
        found: dict[str, list[int]] = {}
        for number, case in enumerate(self.cases):
            for name in getattr(case.case.expect, part):
                found.setdefault(name, []).append(number)
        return {name: bits_of(numbers) for name, numbers in found.items()}

    def noticing(self, mutant: Mutant) -> SeenCase | None:
        """The first worked case that notices `mutant`, the one that names the rule before others; None: none does."""
        if mutant.score is not None or mutant.derived is not None:
            again = recalculated(mutant, self.cases, self._desk.evaluators)
            return self._first(mutant, again, sorted(again))
        otherwise = 0
        for name, rule in mutant.rules.items():
            was = self._rules.ruleset.by_id[name]
            before, after = self.truths.sure(was.when), self.truths.sure(rule.when)
            if told := (before ^ after) & (self._fires.get(name, 0) | self._does_not_fire.get(name, 0)):
                return self.cases[next(numbers_in(told))]
            otherwise |= (before ^ after) | (0 if _concludes_the_same(was, rule) else after)
        return self._first(mutant, {}, tuple(numbers_in(otherwise)))

    def _first(self, mutant: Mutant, again: Mapping[int, Recalculated], numbers: Sequence[int]) -> SeenCase | None:
        """The first of the cases with these `numbers` that notices it; choosing places takes long, so it comes last."""
        changed = _Changed(mutant.rules)
        of_places: list[tuple[SeenCase, tuple[Rule, ...], Facts]] = []
        for number in numbers:
            case = self.cases[number]
            fired, facts = self._rules.fired_again(case, changed, again.get(number))
            found = self._rules.fired(fired, mutant.rules)
            expect = case.case.expect
            seen = concluded_by(found, self._rules.ruleset)
            if next(triage_mismatches(expect, seen, fired), None) is not None:
                return case
            if expect.of_places:
                of_places.append((case, found, facts))
        return next((case for case, found, facts in of_places if self._chooses_otherwise(case, found, facts)), None)

    def _chooses_otherwise(self, case: SeenCase, fired: Sequence[Rule], facts: Facts) -> bool:
        """Whether another place is chosen than expected where these rules have `fired`."""
        desk, worked = self._desk, case.case
        evaluators = desk.evaluators
        if _about_places(fired) == _about_places(self._rules.fired(case.fired)):
            return False
        parsed = parse_case(worked.given, desk.words, worked.at, desk.directory.by_id)
        directory = directory_of_case(worked, desk)
        if (worked.file, worked.line) not in self._triaged:
            self._triaged[worked.file, worked.line] = triage(parsed, evaluators, worked.at, directory.holidays)
        before = self._triaged[worked.file, worked.line]
        triaged = triaged_again(before, fired, facts, evaluators.ruleset)
        minutes = embedded.minutes((parsed.lat, parsed.lon), directory.places, worked.at)
        decision = placed(triaged, parsed, directory, evaluators, worked.at, minutes)
        return next(place_mismatches(worked.expect, decision), None) is not None


def plain_evaluators(ruleset: Ruleset) -> Evaluators:
    """Evaluators that ask the plain meaning only: of what is tried and never decides there is no engine."""
    reference = ReferenceEvaluator(ruleset.rules, ruleset.default_urgency)
    return Evaluators(ruleset, reference, _SayingTheSame(reference))


@dataclass(frozen=True)
class _SayingTheSame:
    """Stands where the engine stands, and says what the plain meaning says."""

    reference: ReferenceEvaluator
    alternatives: int = 0

    def fired(self, facts: Facts) -> frozenset[str]:
        return self.reference.judge(facts).fired


def _concludes_the_same(one: Rule, other: Rule) -> bool:
    return replace(one, when=other.when) == other


def _holds(case: WorkedCase, fired: Sequence[Rule], desk: Desk) -> bool:
    """Whether the expectation of `case` holds as the rules are; what fails already can notice nothing."""
    seen = concluded_by(fired, desk.evaluators.ruleset)
    ids = frozenset(rule.id for rule in fired)
    return next(triage_mismatches(case.expect, seen, ids), None) is None


def _about_places(fired: Sequence[Rule]) -> tuple[object, ...]:
    """What of the conclusions of `fired` rules the choice of a place rests on, and what is shown as a warning."""
    ranks = [rule.urgency for rule in fired if rule.urgency is not None]
    conditions = frozenset((rule.condition, rule.status) for rule in fired)
    needs = frozenset(need for rule in fired for need in rule.needs)
    return min(ranks, default=None), conditions, needs, frozenset(rule.id for rule in fired if rule.warning)


@dataclass(frozen=True)
class _Changed:
    """Rules as they would be."""

    rules: Mapping[str, Rule]
    meanings: dict[str, Meaning] = field(default_factory=dict)

    def meaning(self, rule: Rule) -> Meaning:
        if rule.id not in self.meanings:
            self.meanings[rule.id] = meaning(rule.when)
        return self.meanings[rule.id]


class _Rules:
    """Which rules rest on which conclusions and numbers."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._meanings = {rule.id: meaning(rule.when) for rule in ruleset.rules}
        self._layers = strata(ruleset.rules)
        self._order = {rule.id: number for number, rule in enumerate(ruleset.rules)}
        self._asking: dict[str, set[str]] = {}
        for rule in ruleset.rules:
            for test in tests(rule.when):
                self._asking.setdefault(test.subject, set()).add(rule.id)

    def fired(self, ids: frozenset[str], changed: Mapping[str, Rule] | None = None) -> tuple[Rule, ...]:
        """The rules with these `ids` in the order of the ruleset, those that are changed as they would be."""
        by_id = self.ruleset.by_id
        return tuple((changed or {}).get(name, by_id[name]) for name in sorted(ids, key=self._order.__getitem__))

    def fired_again(
        self, case: SeenCase, changed: _Changed, again: Recalculated | None
    ) -> tuple[frozenset[str], Facts]:
        """The ids of the rules that fire in `case` with the `changed` rules and the numbers that were calculated
        `again`, and the facts as they then are: the rules that rest on nothing that is otherwise are not asked."""
        facts: dict[str, FactValue] = dict(case.facts if again is None else again.facts)
        fired = set(case.fired)
        open_rules = set(changed.rules)
        for name in () if again is None else again.otherwise:
            open_rules |= self._asking.get(name, set())
        for layer in self._layers:
            concluded = {}
            if layer[0].stage == "care":
                concluded = self._urgency(fired, changed, facts)
            for name, value in concluded.items():
                facts[name] = value
                open_rules |= self._asking.get(name, set())
            touched = [rule for rule in layer if rule.id in open_rules] if open_rules else []
            codes = set()
            for rule in touched:
                known = changed.rules.get(rule.id)
                holds = self._meanings[rule.id] if known is None else changed.meaning(known)
                if (holds(facts) is True) is (rule.id in fired):
                    continue
                fired ^= {rule.id}
                codes.add(rule.condition)
            for code in codes - {None}:
                subject = f"condition.{code}"
                there = any(self.ruleset.by_id[name].condition == code for name in fired)
                if facts.get(subject, False) is not there:
                    facts[subject] = there
                    open_rules |= self._asking.get(subject, set())
        return frozenset(fired), facts

    def _urgency(self, fired: set[str], changed: _Changed, facts: Facts) -> dict[str, FactValue]:
        """The urgency, if it is not what it was."""
        by_id = self.ruleset.by_id
        ranks = [rank for name in fired if (rank := changed.rules.get(name, by_id[name]).urgency) is not None]
        urgency = min(ranks, default=self.ruleset.default_urgency)
        return {} if facts["urgency"] == urgency else {"urgency": urgency}
