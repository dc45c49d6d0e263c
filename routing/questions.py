"""What to ask next: the unknown facts whose answer could still change the outcome, the gravest change first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, get_args

from routing.rules.evaluation import Evaluation, Evaluators
from routing.rules.rule import Rule
from routing.vocabulary import AMBULANCES, URGENCIES

Change = Literal["urgency", "conditions", "needs", "dispatch", "warnings"]
CHANGES: tuple[Change, ...] = get_args(Change)

Effect = tuple[int, int]
"""What a possible rule could change (a bit for each of `CHANGES`), and the most urgent rank that it could bring."""

_BIT: Mapping[Change, int] = {change: 1 << index for index, change in enumerate(CHANGES)}
_URGENCY, _CONDITIONS = _BIT["urgency"], _BIT["conditions"]
NOTHING: Effect = (0, len(URGENCIES))


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
    effects, begun = _Effects(evaluators, evaluation, rank), evaluators.begun(evaluation)
    asking = [
        (rule, names, own) for rule, names in evaluators.to_ask(evaluation) if names and (own := effects.own(rule))
    ]
    open_facts = frozenset[str]().union(*[names for _, names, _ in asking]) - evaluators.not_asked(evaluation)
    near = frozenset[str]().union(*[names for rule, names, _ in asking if rule.id in begun])
    first = evaluators.asked_first(evaluation)
    ahead = open_facts & (first | near)
    # whatever else is asked comes after these
    told = _told(asking, ahead if len(ahead) >= most else open_facts, effects, begun)
    place = evaluators.ruleset.vocabulary.group_places
    order = sorted(
        (name not in first, not begun_of_it, gravest, -begun_of_it, place[name], -count, name)
        for name, (gravest, _, count, begun_of_it) in told.items()
    )
    names = [name for *_, name in order[:most]]
    asked = (OpenQuestion(name, tuple(it for it, bit in _BIT.items() if told[name][1] & bit)) for name in names)
    return tuple(asked), len(open_facts) - len(names)


def _told(
    asking: Iterable[tuple[Rule, Sequence[str], int]], looked_at: Set[str], effects: _Effects, begun: Set[str]
) -> Mapping[str, list[int]]:
    """Of each of the facts `looked_at` the gravest rank that it could bring, what it could change, how many rules ask
    it, and how many of these have begun."""
    told = {name: [effects.rank, 0, 0, 0] for name in looked_at}
    for rule, names, own in asking:
        if looked_at.isdisjoint(names):
            continue
        could, weight = effects.of(rule, own)
        is_begun = rule.id in begun
        for name in names:
            if (found := told.get(name)) is not None:
                if weight < found[0]:
                    found[0] = weight
                found[1] |= could
                found[2] += 1
                found[3] += is_begun
    return told


class _Effects:
    """What each possible rule could change, also through a condition that it would conclude."""

    def __init__(self, evaluators: Evaluators, evaluation: Evaluation, rank: int) -> None:
        self._asking: Mapping[str, tuple[Rule, ...]] = evaluators.asking
        self._possible = {rule.id for rule in evaluation.possible}
        self.rank = rank
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

    def of(self, rule: Rule, own: int) -> Effect:
        """What `rule` could change by itself, as `own` says, and through its condition."""
        weight = rule.urgency if rule.urgency is not None else len(URGENCIES)
        if rule.condition is None or not own & _CONDITIONS:
            return own, weight
        beyond, other = self._of_condition(rule.condition)
        return own | beyond, weight if weight < other else other

    def _of_condition(self, code: str) -> Effect:
        if (known := self._through.get(code)) is not None:
            return known
        self._through[code] = NOTHING  # rules never wait for each other in a circle; this is for what was possible
        changes, weight = NOTHING
        for rule in self._asking.get(code, ()):
            if rule.id in self._possible:
                beyond, other = self.of(rule, self.own(rule))
                changes, weight = changes | beyond, min(weight, other)
        self._through[code] = changes, weight
        return changes, weight

    def own(self, rule: Rule) -> int:
        """What `rule` could change by itself."""
        found = 0
        if rule.urgency is not None and rule.urgency < self.rank:
            found = _URGENCY
        if rule.condition is not None and (rule.condition, rule.status) not in self._said:
            found |= _CONDITIONS
        if rule.needs or rule.ambulance is not None or rule.mmt or rule.warning:  # most conclude no such thing
            found |= self._of_care(rule)
        return found

    def _of_care(self, rule: Rule) -> int:
        found = _BIT["warnings"] if rule.warning else 0
        for need in rule.needs:
            known = (need.capability, need.strength, need.within) in self._needs
            if not known and not (need.strength == "preferred" and need.capability in self._required):
                found |= _BIT["needs"]
        if (rule.mmt and not self._mmt) or (
            rule.ambulance is not None and AMBULANCES.index(rule.ambulance) < self._ambulance
        ):
            found |= _BIT["dispatch"]
        return found
