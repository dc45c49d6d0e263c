"""Where a rule that was changed fires otherwise than before: the cases in words, and an example of each kind.

Two conditions that are written otherwise may mean the same; whether they do is searched over all values that their
comparisons can tell apart, and each example is held against the plain meaning of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from routing.rules.condition import All, AnyOf, Condition, Not, Test, negation_normal
from routing.rules.reading import as_written, sentence
from routing.rules.reference import meaning
from routing.rules.rule import Facts, Rule
from routing.rules.ruleset import Ruleset
from routing.rules.telling_apart import Search, StepOf, tell_apart
from routing.vocabulary import Text


@dataclass(frozen=True, slots=True)
class Region:
    """The cases in which only one of two conditions holds: as it would be written, in words, and an example."""

    written: str
    text: Text
    example: Facts


@dataclass(frozen=True, slots=True)
class Meaning:
    """How two versions of a rule differ: `only_old` is where it fired and does not any more, `only_new` where it did
    not fire and does now; None where there is no such case, or none was found. `complete`: all was searched."""

    rule: str
    only_old: Region | None
    only_new: Region | None
    complete: bool

    @property
    def same(self) -> bool:
        """Whether the two fire in the same cases."""
        return self.complete and self.only_old is None and self.only_new is None


def differences_in_meaning(old: Ruleset, new: Ruleset, step_of: StepOf) -> Iterator[Meaning]:
    """Each rule of both versions of which the condition is not written as it was, numbers of named thresholds filled
    in. Both versions must have the same facts."""
    for rule in new.rules:
        before = old.by_id.get(rule.id)
        if before is not None and before.when != rule.when:
            yield difference_in_meaning(before, rule, new, step_of)


def difference_in_meaning(old: Rule, new: Rule, ruleset: Ruleset, step_of: StepOf) -> Meaning:
    """How `new` differs from `old`, said with the words of `ruleset`."""
    was, now = negation_normal(old.when), negation_normal(new.when)
    lost = tell_apart(was, now, ruleset.subjects, step_of)
    won = tell_apart(now, was, ruleset.subjects, step_of)
    only_old, only_new = _region(was, now, lost, ruleset), _region(now, was, won, ruleset)
    return Meaning(new.id, only_old, only_new, lost.complete and won.complete)


def _region(holds: Condition, fails: Condition, found: Search, ruleset: Ruleset) -> Region | None:
    if found.facts is None:
        return None
    assert meaning(holds)(found.facts) is True, "an example is one"
    assert meaning(fails)(found.facts) is not True, "an example is one"
    where = negation_normal(difference(holds, fails))
    return Region(as_written(where), sentence(where, ruleset), found.facts)


def difference(holds: Condition, fails: Condition) -> Condition:
    """Where `holds` holds and `fails` does not, both without `not`: what they have in common is said once. A comparison
    that is turned round in it may also be about something that is not known."""
    if isinstance(holds, Test | Not) or isinstance(fails, Test | Not) or type(holds) is not type(fails):
        return _joined([holds, Not(fails)])
    common = [part for part in holds.parts if part in fails.parts]
    mine, others = ([part for part in one.parts if part not in common] for one in (holds, fails))
    if isinstance(holds, All):
        inner = difference(mine[0], others[0]) if len(mine) == len(others) == 1 else _apart(All, mine, others)
        return _joined([*common, inner])
    inner = difference(mine[0], others[0]) if len(mine) == len(others) == 1 else _apart(AnyOf, mine, others)
    return _joined([inner, *map(Not, common)])


def _apart(kind: type[All] | type[AnyOf], mine: list[Condition], others: list[Condition]) -> Condition:
    """Where what only one of them names holds, and what only the other names does not."""
    holds, fails = (part[0] if len(part) == 1 else kind(tuple(part)) for part in (mine, others))
    if kind is AnyOf:
        return _joined([holds, Not(fails)]) if others else holds
    return _joined([holds, Not(fails)]) if mine else Not(fails)


def _joined(parts: list[Condition]) -> Condition:
    found: list[Condition] = []
    for part in map(negation_normal, parts):
        found += part.parts if isinstance(part, All) else [part]
    unique = tuple(dict.fromkeys(found))
    return unique[0] if len(unique) == 1 else All(unique)
