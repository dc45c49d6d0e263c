"""What becomes of the urgency when one fact is known otherwise: which rules can stop firing, and which can begin."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import z3

from routing.proving.encoding import Encoding, test_of
from routing.proving.symbols import Formula, Symbol, number
from routing.rules.condition import Test, negation_normal, tests
from routing.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Change:
    """A fact as it is in one case and in another that is the same otherwise; `so` is what holds of the two values."""

    fact: str
    before: Symbol
    after: Symbol
    so: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Lowering:
    """That a change makes a case less urgent, as a question that is put to the solver with few rules first.

    A case becomes less urgent in two ways: a rule stops firing and no rule as urgent fires after (`stopping`), or no
    rule said an urgency, so that the default counted, and now one says less (`lower`). `touched` are all rules about
    urgency that ask for the fact; of the others only those in `also` are looked at, which makes lowering easier: what
    is impossible with few rules is impossible with all.
    """

    encoding: Encoding
    change: Change
    before: Encoding
    after: Encoding
    stopping: tuple[Rule, ...]
    lower: tuple[Rule, ...]
    touched: frozenset[str]

    def formula(self, also: frozenset[str]) -> Formula:
        """The question, with the rules named in `also`."""
        seen = [rule for rule in self.encoding.urgent if rule.id in self.touched or rule.id in also]
        default = self.encoding.default_urgency
        silent_before = z3.Not(self.before.some_fired(seen))
        ways = []
        for rank in sorted({_rank(rule) for rule in self.stopping}):
            fired = self.before.some_fired(rule for rule in self.stopping if _rank(rule) == rank)
            less = z3.Not(self.after.some_fired(rule for rule in seen if _rank(rule) <= rank))
            if default <= rank:  # without any rule the default counts, which is as urgent: some rule says less
                said = self.after.some_fired(rule for rule in self.encoding.urgent if _rank(rule) > rank)
                less = z3.And(less, said)
            ways.append(z3.And(fired, less))
        if self.lower:
            enough = self.after.some_fired(rule for rule in seen if _rank(rule) <= default)
            ways.append(z3.And(silent_before, self.after.some_fired(self.lower), z3.Not(enough)))
        return z3.And(z3.Or(ways), *self.change.so)


def lowering(encoding: Encoding, change: Change, *, default_counts: bool) -> Lowering | None:
    """The question whether `change` makes some case less urgent; None where the rules are written so that it cannot.
    `default_counts`: also where no rule had said an urgency."""
    stopping, beginning = _touched(encoding, change)
    lower = [rule for rule in beginning if _rank(rule) > encoding.default_urgency] if default_counts else []
    if not stopping and not lower:
        return None
    touched = frozenset(rule.id for rule in encoding.urgent if change.fact in encoding.asks[rule.id])
    return Lowering(
        encoding,
        change,
        encoding.with_facts({change.fact: change.before}),
        encoding.with_facts({change.fact: change.after}),
        tuple(stopping),
        tuple(lower),
        touched,
    )


def _touched(encoding: Encoding, change: Change) -> tuple[list[Rule], list[Rule]]:
    """The rules about urgency that can stop firing by the change, and those that can begin."""
    stopping: list[Rule] = []
    beginning: list[Rule] = []
    gone: set[str] = set()
    come: set[str] = set()
    turns: _Turns = {}
    for rule in (rule for layer in encoding.layers for rule in layer if rule.stage == "triage"):
        if change.fact not in encoding.asks[rule.id]:
            continue
        stops, begins = _directions(encoding, rule, change, gone, come, turns)
        for moved, codes, rules in ((stops, gone, stopping), (begins, come, beginning)):
            if moved:
                codes |= {f"condition.{rule.condition}"} if rule.condition is not None else set()
                rules += [rule] if rule.urgency is not None else []
    return stopping, beginning


_Turns = dict[Test, tuple[bool, bool]]
"""How comparisons can turn, as far as that was asked; many rules ask the same."""


def _directions(
    encoding: Encoding, rule: Rule, change: Change, gone: set[str], come: set[str], turns: _Turns
) -> tuple[bool, bool]:
    """Whether the rule can stop firing, and whether it can begin, by how its comparisons can turn."""
    stops = begins = False
    for test in tests(negation_normal(rule.when)):
        if test.subject.startswith("condition."):
            stops, begins = stops or test.subject in gone, begins or test.subject in come
        elif test.subject == change.fact:
            if test not in turns:
                turns[test] = _turns(encoding, test, change)
            lost, won = turns[test]
            stops, begins = stops or lost, begins or won
        elif change.fact in encoding.behind(test):
            return True, True
    return stops, begins


def _turns(encoding: Encoding, test: Test, change: Change) -> tuple[bool, bool]:
    """Whether a comparison can stop holding by the change, and whether it can begin to."""
    subject = encoding.domain.subjects[test.subject]
    before, after = (test_of(test, subject, symbol).sure for symbol in (change.before, change.after))
    return _can_be(z3.And(before, z3.Not(after), *change.so)), _can_be(z3.And(after, z3.Not(before), *change.so))


def _can_be(formula: Formula) -> bool:
    found = z3.simplify(formula)
    if z3.is_true(found) or z3.is_false(found):
        return bool(z3.is_true(found))
    solver = z3.Solver()
    solver.add(found)
    return bool(solver.check() != z3.unsat)


def _rank(rule: Rule) -> int:
    assert rule.urgency is not None
    return rule.urgency


# -- the changes that are asked about ---------------------------------------------------------------------------------


def _said(value: bool) -> Symbol:
    return Symbol(z3.BoolVal(True), z3.BoolVal(value), z3.BoolVal(value))


def yes_or_no(fact: str, *, worse: bool) -> tuple[Change, Change]:
    """Of a yes/no: from unknown to the worse answer, and from the other answer to unknown."""
    nothing = Symbol(z3.BoolVal(False), z3.BoolVal(False), z3.BoolVal(False))
    return Change(fact, nothing, _said(worse)), Change(fact, _said(not worse), nothing)


Side = tuple[float | None, float | None]
"""Up to (or from) where a number is worse than not knowing, and from (or up to) where it is fine. None: no such
side, or all is fine that is not worse."""


def of_number(
    encoding: Encoding, fact: str, *, low: Side = (None, None), high: Side = (None, None)
) -> Iterator[tuple[str, Change]]:
    """Of a number that is worse the lower it is, or the higher, beyond a limit: from unknown to a worse value, from
    there further on, and from a fine value to unknown. What lies between is neither, and not asked about."""
    before, in_range_before = encoding.other(fact, "before")
    after, in_range_after = encoding.other(fact, "after")
    known = (*in_range_before, *in_range_after)
    at = [value._replace(known=z3.BoolVal(True)) for value in (before, after)]
    nothing = Symbol(z3.BoolVal(False), before.low, before.high)
    fine: list[Formula] = []
    for (limit, fine_at), lower in ((low, True), (high, False)):
        if limit is not None:
            edge, begins = number(limit), number(limit if fine_at is None else fine_at)
            inside = [value.low <= edge if lower else value.low >= edge for value in (before, after)]
            further = after.low < before.low if lower else after.low > before.low
            yield "worse", Change(fact, at[0], at[1], (*known, *inside, further))
            yield "worse", Change(fact, nothing, at[1], (*known, inside[1]))
            beyond = before.low > begins if lower else before.low < begins
            fine.append(beyond if fine_at is None else z3.Or(beyond, before.low == begins))
    yield "unknown", Change(fact, at[0], nothing._replace(low=after.low, high=after.high), (*known, *fine))


def of_choice(encoding: Encoding, fact: str, order: Sequence[str]) -> Iterator[tuple[str, Change]]:
    """Of a choice whose words stand from the best to the worst."""
    words = encoding.domain.subjects[fact].choices

    def said(word: str) -> Symbol:
        value = z3.IntVal(words.index(word))
        return Symbol(z3.BoolVal(True), value, value)

    nothing = Symbol(z3.BoolVal(False), z3.IntVal(0), z3.IntVal(0))
    for better, worse in itertools.pairwise(order):
        yield "worse", Change(fact, said(better), said(worse))
        yield "worse", Change(fact, nothing, said(worse))
    yield "unknown", Change(fact, said(order[0]), nothing)
