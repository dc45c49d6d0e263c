"""The rules as formulas of the solver: which rules fire in a case, and what is concluded, for all cases at once.

It says what `routing.rules.generated` says, in the same three values: of every condition whether it surely holds and
whether it may. A test holds the two together, case by case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import z3

from routing.proving.numbers import Known, derived_symbol, score_symbols
from routing.proving.symbols import Domain, Formula, Symbol, domain_of, every, fresh, in_range, number, some
from routing.rules.condition import All, Condition, Not, Subject, Test, tests
from routing.rules.rule import Rule, Strength, strata
from routing.rules.ruleset import Ruleset
from routing.rules.scores import Derived, Score, formula_facts, score_facts

ROUNDING = z3.Q(1, 10**9)
"""So near a limit the evaluator, which rounds, may come out on either side; both are then possible."""

MAY_ROUND = z3.Bool("rounding may decide")
"""Left open in a proof; where it is denied, numbers are reckoned exactly, as they nearly always are."""


class Truth(NamedTuple):
    """Whether something surely holds, and whether it may; the two differ where something is unknown."""

    sure: Formula
    may: Formula


@dataclass(frozen=True)
class Encoding:
    """The rules of a ruleset over symbols of facts; `encode` makes one, `with_facts` one for a case beside it.

    `like` is the case from which only the `replaced` facts differ: what does not hang on these is the same formula, and
    the rest is that formula with other values in it.
    """

    rules: tuple[Rule, ...]
    default_urgency: int
    domain: Domain
    derived: Mapping[str, Derived] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    replaced: Mapping[str, Symbol] = field(default_factory=dict)
    like: Encoding | None = None
    _symbols: dict[str, Symbol] = field(default_factory=dict, repr=False, compare=False)
    _truths: dict[tuple[int, bool], Truth] = field(default_factory=dict, repr=False, compare=False)

    # -- what is known

    @property
    def valid(self) -> tuple[Formula, ...]:
        """What is so in every valid case, of the facts before any was replaced."""
        return self.domain.valid

    def with_facts(self, replaced: Mapping[str, Symbol]) -> Encoding:
        """The same rules about a case in which these facts are otherwise."""
        if self.like is not None:
            return self.like.with_facts({**self.replaced, **replaced})
        return Encoding(self.rules, self.default_urgency, self.domain, self.derived, self.scores, replaced, self)

    def other(self, name: str, copy: str) -> tuple[Symbol, tuple[Formula, ...]]:
        """A symbol for the fact `name` in another case, and what is so of its value."""
        subject = self.domain.subjects[name]
        found = fresh(subject, f"{name} {copy}")
        return found, tuple(in_range(subject, found))

    def symbol(self, name: str) -> Symbol:
        """What is known of a fact, a derived number or a score."""
        if (found := self._symbols.get(name)) is not None:
            return found
        if name in self.replaced:
            found = self.replaced[name]
        elif self.like is not None:
            like = self.like.symbol(name)
            known, low, high, exact = (self._otherwise(part) for part in like[:4])
            over = None if like.over is None else self._otherwise(like.over)
            found = Symbol(known, low, high, exact, over, like.once)
        elif name in self.derived:
            found = derived_symbol(self.derived[name], self.symbol, self.domain.subjects)
        elif (key := name.removesuffix(".highest_item")) in self.scores:
            pair = score_symbols(self.scores[key], self.symbol, self.domain.subjects, self._of_facts)
            self._symbols[key], self._symbols[f"{key}.highest_item"] = pair
            return self._symbols[name]
        else:
            found = self.domain.symbols[name]
        self._symbols[name] = found
        return found

    # -- what hangs on what

    @cached_property
    def layers(self) -> tuple[tuple[Rule, ...], ...]:
        """The rules in the order in which they can be evaluated."""
        return self.like.layers if self.like is not None else strata(self.rules)

    @cached_property
    def asks(self) -> Mapping[str, frozenset[str]]:
        """Rule id -> the facts on which it hangs whether the rule fires, also through numbers and conclusions; those of
        a care rule that asks for the urgency are those of all rules that conclude one."""
        if self.like is not None:
            return self.like.asks
        found: dict[str, frozenset[str]] = {}
        concluded: dict[str, frozenset[str]] = {}
        for layer in self.layers:
            for rule in layer:
                found[rule.id] = frozenset().union(*(self.behind(test, concluded) for test in tests(rule.when)))
            for rule in layer:
                if rule.condition is not None:
                    name = f"condition.{rule.condition}"
                    concluded[name] = concluded.get(name, frozenset()) | found[rule.id]
                if rule.urgency is not None:
                    concluded["urgency"] = concluded.get("urgency", frozenset()) | found[rule.id]
        return found

    def behind(self, test: Test, concluded: Mapping[str, frozenset[str]] | None = None) -> frozenset[str]:
        """The facts that a comparison asks for; of a conclusion those in `concluded`."""
        name = test.subject
        if name == "urgency" or name.startswith("condition."):
            return (concluded or {}).get(name, frozenset())
        if name in self.derived:
            return frozenset(formula_facts(self.derived[name].formula))
        if (key := name.removesuffix(".highest_item")) in self.scores:
            parts = score_facts(self.scores[key])
            return frozenset().union(*(self.behind(Test(part, "known"), concluded) for part in parts))
        return frozenset({name})

    def _same(self, rule: Rule) -> Encoding | None:
        """The case of which this rule says the same, because it asks for nothing that differs."""
        return None if self.like is None or self.asks[rule.id] & self.replaced.keys() else self.like

    # -- what holds

    def truth(self, condition: Condition, *, decided: bool = False) -> Truth:
        """Whether `condition` surely holds, and whether it may. `decided`: as care rules are asked, for which what was
        not concluded is not there."""
        key = (id(condition), decided)  # conditions live as long as their rules, and take long to compare
        if (found := self._truths.get(key)) is None:
            if self.like is None:
                found = self._truth(condition, decided=decided)
            else:
                found = Truth(*map(self._otherwise, self.like.truth(condition, decided=decided)))
            self._truths[key] = found
        return found

    def _otherwise(self, formula: Formula) -> Formula:
        """`formula` with the replaced facts as they are in this case; the solver does this far quicker than it can be
        built again."""
        return z3.substitute(formula, *self._replacements)

    @cached_property
    def _replacements(self) -> tuple[tuple[Formula, Formula], ...]:
        """The unknowns of the replaced facts, each with what takes its place. Raises ValueError for a fact that is
        settled for all cases, and for a value of another kind."""
        found = {}
        for name, symbol in self.replaced.items():
            plain = self.domain.symbols[name]
            for unknown, value in ((plain.known, symbol.known), (plain.low, symbol.low), (plain.high, symbol.high)):
                if not z3.is_const(unknown) or unknown.decl().kind() != z3.Z3_OP_UNINTERPRETED:
                    raise ValueError(f"`{name}` is the same in all cases")
                if unknown.sort() != value.sort():
                    raise ValueError(f"`{name}` is a {unknown.sort()}, and not {value}")
                found[unknown.get_id()] = (unknown, value)
        return tuple(found.values())

    def _truth(self, condition: Condition, *, decided: bool) -> Truth:
        if isinstance(condition, Test):
            return self._of_test(condition, decided=decided)
        if isinstance(condition, Not):
            inner = self._truth(condition.part, decided=decided)
            return Truth(z3.Not(inner.may), z3.Not(inner.sure))
        parts = [self._truth(part, decided=decided) for part in condition.parts]
        join = every if isinstance(condition, All) else some
        return Truth(join(part.sure for part in parts), join(part.may for part in parts))

    def _of_facts(self, condition: Condition, known: Known) -> Truth:
        return _seen(condition, self.domain.subjects, known)

    def _of_test(self, test: Test, *, decided: bool) -> Truth:
        if test.subject == "urgency":
            return self._of_urgency(test, decided=decided)
        if test.subject.startswith("condition."):
            return self._of_conclusion(test, decided=decided)
        return test_of(test, self.domain.subjects[test.subject], self.symbol(test.subject))

    def _of_urgency(self, test: Test, *, decided: bool) -> Truth:
        assert isinstance(test.value, int)
        if decided:
            sure = may = self.at_least(test.value)
        else:
            sure, may = self._surely_at_least(test.value), self._perhaps_at_least(test.value)
        if test.op == "at least":
            return Truth(sure, may)
        return Truth(z3.Not(may), z3.Not(sure))

    def _of_conclusion(self, test: Test, *, decided: bool) -> Truth:
        found = self.concluded(test.subject.removeprefix("condition."))
        if decided:
            found = Truth(found.sure, found.sure)
        if test.op == "true":
            return found
        return Truth(z3.Not(found.may), z3.Not(found.sure))

    # -- what follows

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """Rule id -> rule."""
        return {rule.id: rule for rule in self.rules}

    def fired(self, rule: Rule) -> Formula:
        """Whether the rule fires."""
        if (same := self._same(rule)) is not None:
            return same.fired(rule)
        return self.truth(rule.when, decided=rule.stage == "care").sure

    def possible(self, rule: Rule) -> Formula:
        """Whether more knowledge could make the rule fire, which does not fire yet."""
        if (same := self._same(rule)) is not None:
            return same.possible(rule)
        return every((self.truth(rule.when).may, z3.Not(self.fired(rule))))

    def may_fire(self, rule: Rule) -> Formula:
        """Whether the rule fires or is possible."""
        if (same := self._same(rule)) is not None:
            return same.may_fire(rule)
        return self.truth(rule.when).may

    def concluded(self, code: str) -> Truth:
        """Whether a condition is concluded, and whether it may be."""
        if (rules := self._concluding.get(code)) is None:  # nothing is known of it, and nothing will be
            return Truth(z3.BoolVal(False), z3.BoolVal(True))
        return Truth(self.some_fired(rules), some(self.may_fire(rule) for rule in rules))

    @cached_property
    def _concluding(self) -> Mapping[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {}
        for layer in self.layers:
            for rule in layer:
                if rule.condition is not None:
                    found.setdefault(rule.condition, []).append(rule)
        return {code: tuple(rules) for code, rules in found.items()}

    @cached_property
    def urgent(self) -> tuple[Rule, ...]:
        """The rules that conclude an urgency."""
        return tuple(rule for rule in self.rules if rule.urgency is not None)

    def some_fired(self, rules: Iterable[Rule]) -> Formula:
        """Whether at least one of `rules` fires."""
        return some(self.fired(rule) for rule in rules)

    def at_least(self, rank: int) -> Formula:
        """Whether the urgency is at least that of `rank` (0-5)."""
        by_rule = self.some_fired(rule for rule in self.urgent if _rank(rule) <= rank)
        if self.default_urgency > rank:
            return by_rule
        return z3.Or(by_rule, z3.Not(self.some_fired(self.urgent)))

    def _surely_at_least(self, rank: int) -> Formula:
        """Whether the urgency is so whatever is still learned: rules that may fire can only replace the default by
        something less urgent."""
        decided = self.at_least(rank)
        open_less = some(self.possible(rule) for rule in self.urgent if _rank(rule) > rank)
        return z3.And(decided, z3.Or(self.some_fired(self.urgent), z3.Not(open_less)))

    def _perhaps_at_least(self, rank: int) -> Formula:
        return z3.Or(self.at_least(rank), *[self.possible(rule) for rule in self.urgent if _rank(rule) <= rank])

    def needed(self, capability: str, strength: Strength | None = None) -> Formula:
        """Whether a fired rule says that the patient needs `capability`."""
        return self.some_fired(
            rule
            for rule in self.rules
            if any(need.capability == capability and strength in (None, need.strength) for need in rule.needs)
        )


def _rank(rule: Rule) -> int:
    assert rule.urgency is not None
    return rule.urgency


def _seen(condition: Condition, subjects: Mapping[str, Subject], known: Known) -> Truth:
    """A condition about facts as the rows of a score see them."""
    if isinstance(condition, Test):
        return test_of(condition, subjects[condition.subject], known(condition.subject))
    if isinstance(condition, Not):
        inner = _seen(condition.part, subjects, known)
        return Truth(z3.Not(inner.may), z3.Not(inner.sure))
    parts = [_seen(part, subjects, known) for part in condition.parts]
    join = every if isinstance(condition, All) else some
    return Truth(join(part.sure for part in parts), join(part.may for part in parts))


# -- one comparison ---------------------------------------------------------------------------------------------------


def test_of(test: Test, subject: Subject, symbol: Symbol) -> Truth:
    """What is known of one comparison with a fact or number."""
    known = symbol.known
    if test.op == "known":
        return Truth(known, known)
    if test.op == "unknown":
        return Truth(z3.Not(known), z3.Not(known))
    if test.op in ("true", "false"):
        value = symbol.low if test.op == "true" else z3.Not(symbol.low)
        return _if_known(known, value, value)
    if isinstance(test.value, tuple):
        named = z3.Or([symbol.low == subject.choices.index(word) for word in test.value])
        value = named if test.op == "in" else z3.Not(named)
        return _if_known(known, value, value)
    low = _compared(test, symbol.low, subject, symbol)
    if not subject.interval:
        return _if_known(known, low, low)
    high = _compared(test, symbol.high, subject, symbol)
    return _if_known(known, z3.And(low, high), z3.Or(low, high))


def _if_known(known: Formula, sure: Formula, may: Formula) -> Truth:
    return Truth(every((known, sure)), some((z3.Not(known), may)))


def _compared(test: Test, value: Formula, subject: Subject, symbol: Symbol) -> Formula:
    assert isinstance(test.value, int | float)
    limit, near = number(test.value), ROUNDING
    if symbol.over is not None:
        limit, near = limit * symbol.over, near * symbol.over
    elif z3.is_int(value) and float(test.value) == int(test.value):
        limit = z3.IntVal(int(test.value))
    if test.op == "=":
        return value == limit
    if test.op == "!=":
        return value != limit
    strictly = test.op in (">", "<=")
    above = value > limit if strictly else value >= limit
    # a difference that is rounded once is zero where the two are the same, and nowhere else
    if not z3.is_true(symbol.exact) and not test.value == symbol.once == 0:
        name = f"rounded {subject.name} {'>' if strictly else '>='} {test.value!r}"
        within = z3.And(value - limit < near, limit - value < near, z3.Not(symbol.exact), MAY_ROUND)
        either = z3.And(within, z3.Bool(name))
        if symbol.over is None and not _rounded_once(test.value, symbol):
            above = z3.If(within, either, above)
        else:  # what is rounded once is never taken past a limit, only onto it
            above = z3.And(above, z3.Not(either)) if strictly else z3.Or(above, either)
    return above if test.op in (">", ">=") else z3.Not(above)


def _rounded_once(limit: float, symbol: Symbol) -> bool:
    """Whether the sum is rounded once on its way to this limit: what is added afterwards can be taken from the limit
    instead, if that is a number of the evaluator's kind. Adding the same to two numbers never turns them round."""
    if symbol.once is None:
        return False
    return Fraction(limit) - Fraction(symbol.once) == Fraction(limit - symbol.once)


# -- making one -------------------------------------------------------------------------------------------------------


def encode(ruleset: Ruleset) -> Encoding:
    """The rules of `ruleset`, with its agreements, about every valid case. Raises CannotEncode."""
    facts = {name: subject for name, subject in ruleset.subjects.items() if name in ruleset.vocabulary.facts}
    domain = domain_of(facts, ruleset.vocabulary, ruleset.agreements)
    domain = Domain(ruleset.subjects, domain.symbols, domain.valid)
    return Encoding(ruleset.rules, ruleset.default_urgency, domain, ruleset.derived, ruleset.scores)


def encode_rules(rules: Sequence[Rule], subjects: Mapping[str, Subject], default_urgency: int) -> Encoding:
    """Rules over `subjects` alone, each of which may have any value of its range or be unknown."""
    facts = {name: found for name, found in subjects.items() if found.kind not in ("condition", "urgency")}
    domain = Domain(subjects, (plain := domain_of(facts)).symbols, plain.valid)
    return Encoding(tuple(rules), default_urgency, domain)
