"""What to ask next: the unknown facts whose answer could still change the outcome, the gravest change first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from routing.rules.evaluation import Evaluation, Evaluators
from routing.rules.rule import Rule
from routing.vocabulary import AMBULANCES, GROUPS, URGENCIES

Change = Literal["urgency", "conditions", "needs", "dispatch", "warnings"]
CHANGES: tuple[Change, ...] = get_args(Change)

Effect = tuple[int, int]
"""What a possible rule could change (a bit for each of `CHANGES`), and the most urgent rank that it could bring."""

_BIT: Mapping[Change, int] = {change: 1 << index for index, change in enumerate(CHANGES)}
NOTHING: Effect = (0, len(URGENCIES))

_PLACE: Mapping[str, int] = {group: index for index, group in enumerate(GROUPS)}


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A fact that is not known and whose answer could change the outcome."""

    fact: str
    could_change: tuple[Change, ...]


def open_questions(
    evaluators: Evaluators, evaluation: Evaluation, rank: int, most: int
) -> tuple[tuple[OpenQuestion, ...], int]:
    """The first `most` questions in the order in which to ask them, and how many more there are.

    `rank` (0-5) is the urgency as it stands. First what the ruleset says is asked first of this patient. Then what
    rules ask of which a part holds already (a finding, the complaint, a suspected condition): what could raise the
    urgency most, then what plays a part in most such rules. Then all else: what could raise the urgency most, then in
    ABCDE order. What need not be asked of this patient is left out; rules do not look at that.
    """
    effects = _Effects(evaluators, evaluation, rank)
    begun, touched = evaluators.begun(evaluation), evaluators.touched(evaluation)
    told: dict[str, list[int]] = {}  # fact -> the gravest rank it could bring, what it could change, rules, rules begun
    for rule in evaluation.possible:
        could, weight = effects.of(rule)
        if not could:
            continue
        is_begun = rule.id in begun
        for name in evaluators.to_ask(rule, evaluation, touched):
            if (found := told.get(name)) is None:
                told[name] = [min(weight, rank), could, 1, is_begun]
                continue
            if weight < found[0]:
                found[0] = weight
            found[1] |= could
            found[2] += 1
            found[3] += is_begun
    for name in evaluators.not_asked(evaluation):
        told.pop(name, None)
    facts, first = evaluators.ruleset.vocabulary.facts, evaluators.asked_first(evaluation)

    def order(name: str) -> tuple[bool, bool, int, int, int, int, str]:
        gravest, _, count, near = told[name]
        return name not in first, not near, gravest, -near, _PLACE[facts[name].group], -count, name

    ordered = heapq.nsmallest(most, told, key=order)
    asked = (OpenQuestion(name, tuple(it for it, bit in _BIT.items() if told[name][1] & bit)) for name in ordered)
    return tuple(asked), len(told) - len(ordered)


class _Effects:
    """What each possible rule could change, also through a condition that it would conclude."""

    def __init__(self, evaluators: Evaluators, evaluation: Evaluation, rank: int) -> None:
        self._asking: Mapping[str, tuple[Rule, ...]] = evaluators.asking
        self._possible = {rule.id for rule in evaluation.possible}
        self._rank = rank
        fired = evaluation.fired
        concluded = {(rule.condition, rule.status) for rule in fired if rule.condition is not None}
        # what is suspected need not be called possible as well
        self._said = concluded | {(code, "possible") for code, status in concluded if status == "suspected"}
        self._needs = {(need.capability, need.strength, need.within) for rule in fired for need in rule.needs}
        self._required = {need.capability for rule in fired for need in rule.needs if need.strength == "required"}
        asked = [AMBULANCES.index(rule.ambulance) for rule in fired if rule.ambulance is not None]
        self._ambulance = min(asked, default=len(AMBULANCES))
        self._mmt = any(rule.mmt for rule in fired)
        self._through: dict[str, Effect] = {}
        self._found: dict[str, Effect] = {}

    def of(self, rule: Rule) -> Effect:
        """What `rule` could change by itself and through its condition."""
        if (found := self._found.get(rule.id)) is None:
            found = self._found[rule.id] = self._of(rule)
        return found

    def _of(self, rule: Rule) -> Effect:
        if rule.condition is None and not rule.needs and rule.ambulance is None and not (rule.mmt or rule.warning):
            # most rules say an urgency and nothing else
            said = rule.urgency if rule.urgency is not None else len(URGENCIES)
            return (_BIT["urgency"] if said < self._rank else 0), said
        changes = self._changes(rule)
        weight = rule.urgency if rule.urgency is not None else len(URGENCIES)
        if rule.condition is None or not changes & _BIT["conditions"]:
            return changes, weight
        beyond, other = self._of_condition(rule.condition)
        return changes | beyond, min(weight, other)

    def _of_condition(self, code: str) -> Effect:
        if code not in self._through:
            self._through[code] = NOTHING  # rules never wait for each other in a circle; this is for what was possible
            changes, weight = NOTHING
            for rule in self._asking.get(code, ()):
                if rule.id in self._possible:
                    beyond, other = self.of(rule)
                    changes, weight = changes | beyond, min(weight, other)
            self._through[code] = changes, weight
        return self._through[code]

    def _changes(self, rule: Rule) -> int:
        found = _BIT["warnings"] if rule.warning else 0
        if rule.urgency is not None and rule.urgency < self._rank:
            found |= _BIT["urgency"]
        if rule.condition is not None and (rule.condition, rule.status) not in self._said:
            found |= _BIT["conditions"]
        for need in rule.needs:
            known = (need.capability, need.strength, need.within) in self._needs
            if not known and not (need.strength == "preferred" and need.capability in self._required):
                found |= _BIT["needs"]
        if (rule.mmt and not self._mmt) or (
            rule.ambulance is not None and AMBULANCES.index(rule.ambulance) < self._ambulance
        ):
            found |= _BIT["dispatch"]
        return found
