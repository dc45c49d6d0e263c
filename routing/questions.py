"""What to ask next: the unknown facts whose answer could still change the outcome, the gravest change first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Literal, get_args

from routing.rules.asking import Asking, Rules, need_asked
from routing.rules.evaluation import Evaluation, Evaluators
from routing.vocabulary import AMBULANCES, URGENCIES

Change = Literal["urgency", "conditions", "needs", "dispatch", "warnings"]
CHANGES: tuple[Change, ...] = get_args(Change)

Effect = tuple[int, int]
"""What could change (a bit for each of `CHANGES`), and the most urgent rank that it could bring."""

NO_RANK = len(URGENCIES)
NOTHING: Effect = (0, NO_RANK)


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A fact that is not known and whose answer could change the outcome."""

    fact: str
    could_change: tuple[Change, ...]


def open_questions(
    evaluators: Evaluators, evaluation: Evaluation, rank: int, most: int
) -> tuple[tuple[OpenQuestion, ...], int]:
    """The first `most` questions in the order in which to ask them, and how many more there are.

    `rank` (0-5) is the urgency as it stands. First what the ruleset says is asked first of this patient, where it says
    so in the order in which it is written. Then what rules ask of which a part holds already (a finding, the complaint,
    a suspected condition): what could raise the urgency most, then what plays a part in most such rules. Then all else:
    what could raise the urgency most, then in ABCDE order. What need not be asked of this patient is left out; rules do
    not look at that.
    """
    asking, facts = evaluators.asking, evaluation.facts
    possible = asking.rules({rule.id for rule in evaluation.possible})
    own = _own(asking, evaluation, rank)
    asked = asking.asked(facts, possible & _united(own.values()))
    begun, first = asking.begun(facts), asking.first(facts)
    lowering: Set[str] = frozenset()
    if evaluators.ruleset.selection.asked_first_in_order:
        further, lowering = _as_written(asking, evaluation, _united(own.values()), rank, first.keys() - asked.keys())
        asked |= further
    for name in asking.not_asked(facts):
        asked.pop(name, None)
    ahead = {name: rules for name, rules in asked.items() if name in first or rules & begun}
    # whatever else is asked comes after these
    looked_at = ahead if len(ahead) >= most else asked
    could, bringing = _with_conditions(asking, possible, own, _united(looked_at.values()))
    ranks = sorted((level, rules) for level, rules in bringing.items() if level < rank)
    place = evaluators.ruleset.vocabulary.group_places
    order = []
    for name, rules in looked_at.items():
        of_begun = (rules & begun).bit_count()
        gravest = next((level for level, those in ranks if rules & those), rank)
        ahead_of = first.get(name, len(first))
        order.append((ahead_of, not of_begun, gravest, -of_begun, place[name], -rules.bit_count(), name))
    names = [name for *_, name in sorted(order)[:most]]
    told = (
        OpenQuestion(
            name, tuple(it for it in CHANGES if looked_at[name] & could[it] or (it == "urgency" and name in lowering))
        )
        for name in names
    )
    return tuple(told), len(asked) - len(names)


def _as_written(
    asking: Asking, evaluation: Evaluation, changing: Rules, rank: int, names: Iterable[str]
) -> tuple[dict[str, Rules], Set[str]]:
    """Those of `names` (written as asked first, and not asked by any gate) whose answer could change something all the
    same: with the rules of `changing` that it could let fire together with another answer; and those that could make
    the urgency less, as every rule that gives it hangs on their not being given."""
    fired = asking.rules({rule.id for rule in evaluation.fired})
    holding = asking.rules({rule.id for rule in evaluation.fired if rule.urgency == rank})
    found, lowering = {}, set()
    for name, rules in asking.depending(evaluation.facts, names, (changing & ~fired) | holding).items():
        if holding and not holding & ~rules:
            lowering.add(name)
        if rules & ~holding or name in lowering:
            found[name] = rules & ~holding
    return found, lowering


def _united(rules: Iterable[Rules]) -> Rules:
    return reduce(or_, rules, 0)


def _own(asking: Asking, evaluation: Evaluation, rank: int) -> dict[Change, Rules]:
    """What could change -> the rules of the ruleset that could change it by themselves."""
    rules, fired = asking.concluding, evaluation.fired
    said = {(rule.condition, rule.status) for rule in fired if rule.condition is not None}
    # what is suspected need not be called possible as well
    said |= {(code, "possible") for code, status in said if status == "suspected"}
    needs = {need_asked(need) for rule in fired for need in rule.needs}
    required = {capability for capability, strength, _ in needs if strength == "required"}
    ambulance = min(
        (AMBULANCES.index(rule.ambulance) for rule in fired if rule.ambulance is not None), default=len(AMBULANCES)
    )
    found: dict[Change, Rules] = dict.fromkeys(CHANGES, 0)
    for level, those in rules.urgency.items():
        if level < rank:
            found["urgency"] |= those
    for key, those in rules.said.items():
        if key not in said:
            found["conditions"] |= those
    for need, those in rules.need.items():
        if need not in needs and not (need[1] == "preferred" and need[0] in required):
            found["needs"] |= those
    for level, those in rules.ambulance.items():
        if level < ambulance:
            found["dispatch"] |= those
    if not any(rule.mmt for rule in fired):
        found["dispatch"] |= rules.mmt
    found["warnings"] = rules.warning
    return found


def _with_conditions(
    asking: Asking, possible: Rules, own: Mapping[Change, Rules], looked_at: Rules
) -> tuple[Mapping[Change, Rules], Mapping[int, Rules]]:
    """What could change -> the rules that could change it, and a rank -> the rules that could bring it: by themselves,
    and those of `looked_at` also through a condition that they would conclude."""
    could, bringing = dict(own), dict(asking.concluding.urgency)
    through = _Through(asking, possible, own)
    concluding = looked_at & own["conditions"]
    for code, those in asking.concluding.condition.items():
        if not (those := those & concluding):
            continue
        changes, rank = through.of(code)
        for index, change in enumerate(CHANGES):
            if changes >> index & 1:
                could[change] |= those
        if rank < NO_RANK:
            bringing[rank] = bringing.get(rank, 0) | those
    return could, bringing


class _Through:
    """What could change if a condition were concluded: what the possible rules that ask about it could change."""

    def __init__(self, asking: Asking, possible: Rules, own: Mapping[Change, Rules]) -> None:
        self._following, self._possible, self._concluding = asking.following, possible, own["conditions"]
        self._own = [(1 << index, own[change]) for index, change in enumerate(CHANGES)]
        self._ranks = sorted(asking.concluding.urgency.items())
        self._known: dict[str, Effect] = {}

    def of(self, code: str) -> Effect:
        """What could change through this condition."""
        if (known := self._known.get(code)) is not None:
            return known
        self._known[code] = NOTHING  # rules never wait for each other in a circle; this is for what was possible
        all_, concluding = self._following.get(code, (0, ()))
        if not (rules := all_ & self._possible):
            return NOTHING
        changes, rank = 0, NO_RANK
        for bit, those in self._own:
            if those & rules:
                changes |= bit
        for level, those in self._ranks:
            if those & rules:
                rank = level
                break
        if further := rules & self._concluding:
            for rule, other in concluding:
                if rule & further:
                    beyond, lower = self.of(other)
                    changes, rank = changes | beyond, min(rank, lower)
        self._known[code] = changes, rank
        return changes, rank
