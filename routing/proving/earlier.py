"""What a proof of other rules still says about these: what rests on nothing that changed need not be proved again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routing.proving.encoding import Encoding
from routing.proving.properties import Properties
from routing.rules.condition import tests
from routing.rules.rule import Rule, conditions_asked
from routing.rules.ruleset import Ruleset


@dataclass(frozen=True)
class Earlier:
    """An earlier proof; `changed` are the rules that are not what they were, or rest on the conclusions of one that is
    not, with those that are gone. `results` are what came of the properties that are stated as they were. `hints` are
    the results of any earlier proof: they are not believed, and only say where to begin."""

    changed: frozenset[str]
    results: Mapping[str, Mapping[str, Any]]
    hints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def settled(self, wanted: str, name: str) -> bool:
        """Whether it was proved of `name` (a rule or a fact) that the property `wanted` holds."""
        return wanted in self.results and not self.failed(wanted, name)

    def failed(self, wanted: str, name: str) -> bool:
        """Whether the property did not hold for `name`, or that stayed open."""
        one = self.results.get(wanted, {})
        return name in one.get("failing", ()) or any(it.startswith(f"{name}: ") for it in one.get("undecided", ()))

    def shown(self, wanted: str, name: str) -> Mapping[str, Any] | None:
        """The counterexample that is about `name`."""
        one = self.results.get(wanted, {})
        cases = [one.get("counterexample"), *one.get("counterexamples", [])]
        return next((case for case in cases if case is not None and case.get("about") == name), None)

    def perhaps_rests_on(self, wanted: str, name: str) -> frozenset[str]:
        """The rules on which it rested that the property `wanted` holds for `name`, as a place to begin."""
        rests_on = self.hints.get(wanted, {}).get("rests_on") or {}
        return frozenset(rests_on.get(name, ()))

    def pairs(self, wanted: str, part: str) -> list[str]:
        """What was said of two rules that did not change: `one = other`, `one (U1) never fires without other (U2)`."""
        found = self.results.get(wanted, {}).get(part, ())
        return [line for line in found if not self.changed & {line.split(" ")[0], *line.replace("(", "").split(" ")}]


NOTHING = Earlier(frozenset(), {})
"""No earlier proof: all is to be proved."""


def hinted(proof: Mapping[str, Any] | None) -> Earlier:
    """An earlier `proof` that is not believed: all is to be proved, and it only says where to begin."""
    return Earlier(frozenset(), {}, {one["id"]: one for one in (proof or {}).get("properties", ())})


def earlier(
    before: Ruleset, proof: Mapping[str, Any], stated: Properties, after: Ruleset, properties: Properties
) -> Earlier:
    """What the `proof` of the rules `before`, of the properties `stated` then, still says about the rules `after`.
    Only hints where more than rules differs: words, scores, derived numbers, agreements or the default urgency."""
    same = ("subjects", "derived", "scores", "agreements", "default_urgency")
    if before.vocabulary.digest != after.vocabulary.digest or any(
        getattr(before, part) != getattr(after, part) for part in same
    ):
        return hinted(proof)
    entries = {one.id: one.entry for one in stated.properties}
    kept = {one.id for one in properties.properties if entries.get(one.id) == one.entry}
    if stated.directions != properties.directions:
        kept -= {one.id for one in properties.properties if one.entry.kind in ("monotone", "unknown")}
    results = {one["id"]: one for one in proof["properties"] if one["id"] in kept}
    return replace(hinted(proof), changed=_changed(before, after), results=results)


def _changed(before: Ruleset, after: Ruleset) -> frozenset[str]:
    old = {rule.id: _says(rule) for rule in before.rules}
    new = {rule.id: _says(rule) for rule in after.rules}
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    while True:
        rules = [rule for ruleset in (before, after) for rule in ruleset.rules]
        codes = {rule.condition for rule in rules if rule.id in changed and rule.condition is not None}
        urgency = any(rule.urgency is not None for rule in rules if rule.id in changed)
        more = {
            rule.id
            for rule in rules
            if conditions_asked(rule) & codes
            or (urgency and any(test.subject == "urgency" for test in tests(rule.when)))
        }
        if more <= changed:
            return frozenset(changed)
        changed |= more


def _says(rule: Rule) -> tuple[object, ...]:
    """All of a rule that decides."""
    asked_and_said = (rule.when, rule.urgency, rule.condition, rule.status, rule.needs, rule.ambulance, rule.mmt)
    return (*asked_and_said, rule.warning)


def still_lowers_nothing(found: Earlier, wanted: str, fact: str, encoding: Encoding) -> bool:
    """Whether the proof that no change of `fact` lowers the urgency rests on rules that are all as they were."""
    rests_on = found.results.get(wanted, {}).get("rests_on")
    if not isinstance(rests_on, dict) or not found.settled(wanted, fact):
        return False
    touched = {rule.id for rule in encoding.rules if fact in encoding.asks[rule.id] and rule.stage == "triage"}
    return not (touched | set(rests_on.get(fact, ()))) & found.changed
