"""What the rules that may still fire ask of a patient, and which of them conclude what.

A set of rules is a whole number here, with a bit for each rule of the ruleset: a decision asks about hundreds of rules,
and such sets are joined, cut and counted without looking at each rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from routing.rules.condition import Test, negation_normal, tests
from routing.rules.explanation import Asker, asker, asker_of_unknown, on_which_it_depends
from routing.rules.reference import Meaning, meaning
from routing.rules.rule import Facts, FactValue, Need, Rule, Status, Strength, conditions_asked
from routing.rules.ruleset import Ruleset
from routing.vocabulary import AMBULANCES

Rules = int
"""A set of rules: bit `n` stands for rule `n` of the ruleset."""

NeedAsked = tuple[str, Strength, str | None]
"""Capability, strength, and the id of the norm within which it is needed."""

_Key = TypeVar("_Key")

_AS_DIGITS = bytes.maketrans(b"\0\1", b"01")


@dataclass(frozen=True)
class Concluding:
    """Which rules of a ruleset conclude what."""

    urgency: Mapping[int, Rules]
    condition: Mapping[str, Rules]
    said: Mapping[tuple[str, Status | None], Rules]
    need: Mapping[NeedAsked, Rules]
    ambulance: Mapping[int, Rules]
    mmt: Rules
    warning: Rules


@dataclass(frozen=True)
class Asking:
    """What the rules of `ruleset` ask. Made once for a ruleset, and asked for each patient."""

    ruleset: Ruleset

    def rules(self, ids: Set[str]) -> Rules:
        """The rules with these `ids`."""
        return int(bytes(map(ids.__contains__, self._backwards)).translate(_AS_DIGITS), 2)

    @cached_property
    def _backwards(self) -> tuple[str, ...]:
        return tuple(rule.id for rule in reversed(self.ruleset.rules))

    def asked(self, facts: Facts, rules: Rules) -> dict[str, Rules]:
        """Each fact that is to be asked next to find out whether some of `rules` fire -> those rules. Of each of them
        it is not known yet whether it fires; `facts` has what was decided as well (see `Evaluation`)."""
        about = rules & self._touched(facts)
        of_nothing = rules ^ about
        found = {name: those for name, all_ in self._of_nothing(facts["urgency"]) if (those := all_ & of_nothing)}
        for bit, ask in self._askers_of(about):
            for name in ask(facts):
                found[name] = found.get(name, 0) | bit
        return found

    def depending(self, facts: Facts, names: Iterable[str], rules: Rules) -> dict[str, Rules]:
        """Each of `names` that was not given -> those of `rules` of which it depends on it whether they fire: also
        behind a gate that is not known yet, and where they fire (or do not) because it was not given."""
        found, told = {}, self._depending
        for name in names:
            those = rules & self._touching.get(name, 0)
            for bit in _bits(those):
                if (number := bit.bit_length() - 1) not in told:
                    told[number] = on_which_it_depends(self.ruleset.rules[number].when, self.ruleset.asked_facts)
                if name not in told[number](facts):
                    those ^= bit
            if those:
                found[name] = those
        return found

    @cached_property
    def _depending(self) -> dict[int, Asker]:
        return {}

    def _askers_of(self, rules: Rules) -> Iterator[tuple[Rules, Asker]]:
        askers = self._askers
        return ((bit, askers[bit.bit_length() - 1]) for bit in _bits(rules))

    @cached_property
    def _askers(self) -> Sequence[Asker]:
        asked = self.ruleset.asked_facts
        # what is possible of a rule on facts alone is unknown; conclusions were open then and are decided now
        make = (asker_of_unknown, asker)
        return [make[any(map(_concluded, tests(rule.when)))](rule.when, asked) for rule in self.ruleset.rules]

    def _touched(self, facts: Facts) -> Rules:
        """The rules that ask something of which the value is known, or a condition that was concluded."""
        touching, conditions, found = self._touching, self.not_concluded, 0
        for name, value in facts.items():
            if name in touching and (value is not False or name not in conditions):
                found |= touching[name]
        return found

    @cached_property
    def _touching(self) -> Mapping[str, Rules]:
        """Fact or condition -> the rules that ask about it, or about something that is computed from it."""
        asked = self.ruleset.asked_facts
        return _united(
            (name, bit)
            for bit, rule in self._numbered()
            for subject in {test.subject for test in tests(rule.when)} - {"urgency"}
            for name in (subject, *asked.get(subject, ()))
        )

    def _of_nothing(self, urgency: FactValue) -> Sequence[tuple[str, Rules]]:
        """What is asked where nothing is known but the `urgency`, which has few values; with the rules that ask it."""
        if (found := self._asked_of_nothing.get(urgency)) is None:
            facts: Facts = {**self.not_concluded, "urgency": urgency}
            every = self._askers_of((1 << len(self.ruleset.rules)) - 1)
            found = tuple(_united((name, bit) for bit, ask in every for name in ask(facts)).items())
            self._asked_of_nothing[urgency] = found
        return found

    @cached_property
    def _asked_of_nothing(self) -> dict[FactValue, Sequence[tuple[str, Rules]]]:
        return {}

    def begun(self, facts: Facts) -> Rules:
        """The rules of which something that they ask about the patient in front of us holds already."""
        beginnings, found = self._beginnings, 0
        for name in facts:
            for holds, rules in beginnings.get(name, ()):
                if holds(facts):
                    found |= rules
        return found

    @cached_property
    def _beginnings(self) -> Mapping[str, Sequence[tuple[Meaning, Rules]]]:
        """Finding, complaint or condition -> tests on it, each with the rules that ask it (positively)."""
        facts = self.ruleset.vocabulary.facts
        everybody = {name for name, fact in facts.items() if fact.given != "observations"} - {"complaint"} | {"urgency"}
        found: dict[str, dict[Test, Rules]] = {}
        for bit, rule in self._numbered():
            for test in tests(negation_normal(rule.when)):
                telling = test.op not in ("false", "unknown", "known", "not in", "below")
                if telling and test.subject not in everybody:
                    of_it = found.setdefault(test.subject, {})
                    of_it[test] = of_it.get(test, 0) | bit
        return {name: tuple((meaning(test), rules) for test, rules in told.items()) for name, told in found.items()}

    def first(self, facts: Facts) -> Mapping[str, int]:
        """The facts that are asked of this patient before all others -> their place: 0, 1, ... in the order in which
        they are written where the ruleset says so, else 0 for all."""
        in_order = self.ruleset.selection.asked_first_in_order
        names = _of_patient(self._first, facts)
        return {name: place if in_order else 0 for place, name in enumerate(names)}

    def not_asked(self, facts: Facts) -> Iterable[str]:
        """The facts that need not be asked of this patient."""
        return _of_patient(self._not_asked, facts)

    @cached_property
    def _first(self) -> OfPatients:
        return tuple((meaning(entry.when), entry.facts) for entry in self.ruleset.selection.asked_first)

    @cached_property
    def _not_asked(self) -> OfPatients:
        return tuple((meaning(entry.when), entry.facts) for entry in self.ruleset.selection.not_asked)

    @cached_property
    def not_concluded(self) -> Mapping[str, bool]:
        """Every condition that rules conclude, as it stands where it was not: false."""
        codes = {rule.condition for rule in self.ruleset.rules if rule.condition is not None}
        return {f"condition.{code}": False for code in sorted(codes)}

    @cached_property
    def concluding(self) -> Concluding:
        """Which rules conclude what."""
        numbered = list(self._numbered())
        return Concluding(
            urgency=_united((rule.urgency, bit) for bit, rule in numbered if rule.urgency is not None),
            condition=_united((rule.condition, bit) for bit, rule in numbered if rule.condition is not None),
            said=_united(((rule.condition, rule.status), bit) for bit, rule in numbered if rule.condition is not None),
            need=_united((need_asked(need), bit) for bit, rule in numbered for need in rule.needs),
            ambulance=_united(
                (AMBULANCES.index(rule.ambulance), bit) for bit, rule in numbered if rule.ambulance is not None
            ),
            mmt=_all_of(numbered, lambda rule: bool(rule.mmt)),
            warning=_all_of(numbered, lambda rule: rule.warning),
        )

    @cached_property
    def following(self) -> Mapping[str, tuple[Rules, Sequence[tuple[Rules, str]]]]:
        """Code of a condition -> the rules that ask about it, and those of them that conclude another condition, each
        with its code."""
        asking: dict[str, list[tuple[Rules, Rule]]] = {}
        for bit, rule in self._numbered():
            for code in conditions_asked(rule):
                asking.setdefault(code, []).append((bit, rule))
        return {
            code: (
                sum(bit for bit, _ in those),
                tuple((bit, rule.condition) for bit, rule in those if rule.condition is not None),
            )
            for code, those in asking.items()
        }

    def _numbered(self) -> Iterator[tuple[Rules, Rule]]:
        return ((1 << number, rule) for number, rule in enumerate(self.ruleset.rules))


OfPatients = tuple[tuple[Meaning, tuple[str, ...]], ...]
"""Of which patients, and the facts."""


def need_asked(need: Need) -> NeedAsked:
    """What tells one need from another."""
    return need.capability, need.strength, need.within


def _bits(rules: Rules) -> Iterator[Rules]:
    """Each of `rules` as a set of its own."""
    while rules:
        yield (bit := 1 << (rules.bit_length() - 1))
        rules ^= bit


def _united(found: Iterable[tuple[_Key, Rules]]) -> dict[_Key, Rules]:
    united: dict[_Key, Rules] = {}
    for key, rules in found:
        united[key] = united.get(key, 0) | rules
    return united


def _all_of(numbered: Iterable[tuple[Rules, Rule]], which: Callable[[Rule], bool]) -> Rules:
    return sum(bit for bit, rule in numbered if which(rule))


def _of_patient(entries: OfPatients, facts: Facts) -> Iterable[str]:
    """The facts of all entries that hold, each once, in the order in which they are first written."""
    return dict.fromkeys(name for holds, names in entries if holds(facts) for name in names)


def _concluded(test: Test) -> bool:
    return test.subject == "urgency" or test.subject.startswith("condition.")
