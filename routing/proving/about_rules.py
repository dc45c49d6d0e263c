"""Properties of single rules: each can fire, each makes a difference, none stands there twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import z3

from routing.proving.asking import Asker, Open
from routing.proving.properties import Property
from routing.proving.result import Counterexample, Result, verdict_of
from routing.proving.situations import Outcome
from routing.proving.symbols import Formula, some
from routing.rules.rule import Need, Rule
from routing.vocabulary import AMBULANCES, URGENCIES, Text


def reachable(wanted: Property, asker: Asker) -> Result:
    """Every rule fires in some valid case."""
    failing, open_ = [], []
    for rule in _not_excepted(wanted, asker):
        if any(rule.id in outcome.fired for outcome in asker.seen):
            continue
        if rule.id not in asker.earlier.changed and asker.earlier.settled(wanted.id, rule.id):
            continue
        try:
            if asker.case(asker.encoding.fired(rule), partial(_fires, rule.id)) is None:
                failing.append(rule.id)
        except Open as error:
            open_.append(f"{rule.id}: {error}")
    return _result(wanted, asker, failing, open_, ())


def _fires(key: str, outcome: Outcome) -> bool:
    return key in outcome.fired


def _fires_without(key: str, others: frozenset[str], outcome: Outcome) -> bool:
    return key in outcome.fired and not others <= outcome.fired


def effect(wanted: Property, asker: Asker) -> Result:
    """Every rule changes something in some valid case: without it the urgency, a condition, a need, the ambulance or a
    warning would be otherwise."""
    failing: list[str] = []
    open_: list[str] = []
    shown: list[Counterexample] = []
    rules = list(_not_excepted(wanted, asker))
    for number, rule in enumerate(rules, 1):
        if number % 100 == 0:
            asker.say(f"{wanted.id}: {number} of {len(rules)} rules")
        covering = _covering(rule, asker.ruleset.rules)

        def changes(outcome: Outcome, rule: Rule = rule, covering: Covering = covering) -> bool:
            return _changes(rule, covering, outcome.fired, asker)

        if any(map(changes, asker.seen)) or _as_it_was(wanted, rule, covering, asker):
            continue
        formula = z3.And(asker.encoding.fired(rule), z3.Or(list(_effects(rule, covering, asker))))
        try:
            if asker.case(formula, changes) is None:
                failing.append(rule.id)
                shown += _shadowed(rule, asker)
        except Open as error:
            open_.append(f"{rule.id}: {error}")
    return _result(wanted, asker, failing, open_, shown)


def _as_it_was(wanted: Property, rule: Rule, covering: Covering, asker: Asker) -> bool:
    """Whether it was proved before that the rule changes something, and no rule that changed could take that away."""
    changed = asker.earlier.changed
    if rule.id in changed or any(others & changed for others in covering.values()):
        return False
    return asker.earlier.settled(wanted.id, rule.id)


def _shadowed(rule: Rule, asker: Asker) -> Iterator[Counterexample]:
    """A case in which the rule fires and changes nothing."""

    def fires(outcome: Outcome) -> bool:
        return rule.id in outcome.fired

    known = asker.case(asker.encoding.fired(rule), fires)
    if known is not None:
        text = Text(
            nl=f"De regel `{rule.id}` gaat af en verandert niets: andere regels zeggen al wat hij zegt.",
            en=f"The rule `{rule.id}` fires and changes nothing: other rules say already what it says.",
        )
        yield asker.counterexample(asker.smallest(known, fires), text, rule.id)


def _as_much(other: Rule, rule: Rule) -> Iterator[tuple[str, bool]]:
    """For each part of what `rule` concludes, whether `other` concludes at least as much."""
    if rule.urgency is not None:
        yield "urgency", other.urgency is not None and other.urgency <= rule.urgency
    if rule.condition is not None:
        weaker = rule.status == "possible" or other.status == "suspected"
        yield "condition", other.condition == rule.condition and weaker
    for number, need in enumerate(rule.needs):
        yield f"need {number}", any(_covers(one, need) for one in other.needs)
    if rule.ambulance is not None:
        said = other.ambulance is not None and AMBULANCES.index(other.ambulance) <= AMBULANCES.index(rule.ambulance)
        yield "ambulance", said
    if rule.mmt:
        yield "mmt", bool(other.mmt)
    if rule.warning:
        yield "warning", False


def _covers(one: Need, need: Need) -> bool:
    stronger = one.strength == "required" or need.strength == "preferred"
    wider = one.bypass_minutes is None or (
        need.bypass_minutes is not None and one.bypass_minutes >= need.bypass_minutes
    )
    return one.capability == need.capability and stronger and need.within in (None, one.within) and wider


Covering = Mapping[str, frozenset[str]]
"""For each part of what a rule concludes the other rules that conclude at least as much."""


def _covering(rule: Rule, rules: Sequence[Rule]) -> Covering:
    found: dict[str, set[str]] = {part: set() for part, _ in _as_much(rule, rule)}
    for other in rules:
        if other.id != rule.id:
            for part, covers in _as_much(other, rule):
                if covers:
                    found[part].add(other.id)
    return {part: frozenset(others) for part, others in found.items()}


def _effects(rule: Rule, covering: Covering, asker: Asker) -> Iterator[Formula]:
    """Each way in which the rule, where it fires, changes what comes out."""
    encoding = asker.encoding
    for part, others in covering.items():
        alone = z3.Not(encoding.some_fired(encoding.by_id[key] for key in sorted(others)))
        if part == "urgency" and rule.urgency == encoding.default_urgency:  # else the default would say the same
            less = [other for other in encoding.urgent if (other.urgency or 0) > encoding.default_urgency]
            alone = z3.And(alone, encoding.some_fired(less))
        yield alone


def _changes(rule: Rule, covering: Covering, fired: frozenset[str], asker: Asker) -> bool:
    """Whether without `rule` something else would have come out of a case in which these rules fired."""
    if rule.id not in fired:
        return False
    for part, others in covering.items():
        if others & fired:
            continue
        if part != "urgency" or rule.urgency != asker.ruleset.default_urgency:
            return True
        if any(asker.ruleset.by_id[key].urgency is not None for key in fired - {rule.id}):
            return True
    return False


# -- two rules --------------------------------------------------------------------------------------------------------


def implied(asker: Asker) -> tuple[list[tuple[Rule, Rule]], list[str]]:
    """The pairs of rules of which the first never fires without the second, and those of which that is not known; of
    those alone that conclude the same, or another urgency: of others nobody asks."""
    if (known := asker.memory.get("implied")) is not None:
        pairs: tuple[list[tuple[Rule, Rule]], list[str]] = known
        return pairs
    found, open_ = [], []
    without = _Without(asker)
    for rule in asker.ruleset.rules:
        try:
            found += [(rule, other) for other in _always_with(rule, without, asker)]
        except Open as error:
            open_.append(f"{rule.id}: {error}")
    asker.memory["implied"] = found, open_
    return found, open_


def _always_with(rule: Rule, without: _Without, asker: Asker) -> list[Rule]:
    """The rules without which `rule` never fires: all that are left when no case shows otherwise. Raises Open."""
    fired = asker.encoding.fired
    while perhaps := [other for other in asker.ruleset.rules if without.perhaps_never(rule, other)]:
        ids = frozenset(other.id for other in perhaps)
        formula = z3.And(fired(rule), some(z3.Not(fired(other)) for other in perhaps))
        if asker.case(formula, partial(_fires_without, rule.id, ids)) is None:
            return perhaps
    return []


class _Without:
    """Which rules fired without which others in the cases that were seen so far."""

    def __init__(self, asker: Asker) -> None:
        self.asker, self.counted = asker, 0
        self.fired = dict.fromkeys(asker.ruleset.by_id, 0)
        self.conclusions = {rule.id: _conclusion(rule) for rule in asker.ruleset.rules}
        kinds = {one.id: one.entry.kind for one in asker.memory["properties"]}
        asked = {key for key, kind in kinds.items() if kind in ("duplicates", "overlaps")}
        # pairs that did not change are known where all that is said of pairs was proved before
        self.known = asked <= asker.earlier.results.keys()

    def perhaps_never(self, rule: Rule, other: Rule) -> bool:
        """Whether `rule` perhaps never fires without `other`: it did not so far, and they ask for something both."""
        earlier = self.asker.earlier
        if self.known and not earlier.changed & {rule.id, other.id}:
            return False
        for number, outcome in enumerate(self.asker.seen[self.counted :], self.counted):
            for key in outcome.fired:
                self.fired[key] |= 1 << number
        self.counted = len(self.asker.seen)
        if rule.id == other.id or rule.stage != other.stage or self.fired[rule.id] & ~self.fired[other.id]:
            return False
        if not _other_urgency(rule, other) and self.conclusions[rule.id] != self.conclusions[other.id]:
            return False
        asks = self.asker.encoding.asks
        return bool(asks[rule.id] & asks[other.id])


def duplicates(wanted: Property, asker: Asker) -> Result:
    """No two rules fire in exactly the same cases and conclude the same."""
    found, open_ = implied(asker)
    both = {(one.id, two.id) for one, two in found}
    failing = [
        f"{one.id} = {two.id}"
        for one, two in found
        if (two.id, one.id) in both and one.id < two.id and _conclusion(one) == _conclusion(two)
    ]
    failing += asker.earlier.pairs(wanted.id, "failing")
    return _result(wanted, asker, failing, open_, ())


def overlaps(wanted: Property, asker: Asker) -> Result:
    """Which rules never fire without another that concludes another urgency; all of them are listed."""
    found, open_ = implied(asker)
    listed = tuple(
        f"{one.id} ({URGENCIES[one.urgency]}) never fires without {two.id} ({URGENCIES[two.urgency]})"
        for one, two in found
        if one.urgency is not None and two.urgency is not None and one.urgency != two.urgency
    )
    return _result(wanted, asker, (), open_, (), (*listed, *asker.earlier.pairs(wanted.id, "listed")))


def _other_urgency(one: Rule, two: Rule) -> bool:
    return one.urgency is not None and two.urgency is not None and one.urgency != two.urgency


def _conclusion(rule: Rule) -> tuple[object, ...]:
    return rule.urgency, rule.condition, rule.status, rule.needs, rule.ambulance, rule.mmt, rule.warning


def _not_excepted(wanted: Property, asker: Asker) -> Iterator[Rule]:
    excepted = {name for one in wanted.exemptions for name in one.entry.rules}
    return (rule for rule in asker.ruleset.rules if rule.id not in excepted)


def _result(
    wanted: Property,
    asker: Asker,
    failing: Sequence[str],
    open_: Sequence[str],
    shown: Sequence[Counterexample],
    listed: tuple[str, ...] = (),
) -> Result:
    return Result(
        id=wanted.id,
        text=wanted.entry.text,
        verdict=verdict_of(failing, open_),
        how="proved",
        seconds=round(asker.passed(), 2),
        asked=len(asker.ruleset.rules),
        counterexamples=tuple(shown),
        failing=tuple(failing),
        undecided=tuple(open_),
        listed=listed,
        excepted=tuple(one.entry.id for one in wanted.exemptions),
    )
