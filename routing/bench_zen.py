"""The same rules in zen-engine, a rule engine written in Rust: what a decision costs there, measured beside ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from routing.rules.condition import All, AnyOf, Condition, Test, negation_normal, tests
from routing.rules.rule import Facts, Interval, Rule, strata
from routing.rules.ruleset import Ruleset
from routing.vocabulary import URGENCIES

Fired = Callable[[dict[str, Any]], frozenset[str]]


class _Written:
    """A ruleset as expressions of zen-engine: an expression a rule, a step a stratum. Names are generated."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        asked = (test.subject for rule in ruleset.rules for test in tests(rule.when))
        self.names = {name: f"a{number}" for number, name in enumerate(dict.fromkeys(asked))}
        self.rules = {rule.id: f"r{number}" for number, rule in enumerate(ruleset.rules)}

    def graph(self) -> dict[str, Any]:
        """The whole as zen-engine reads it."""
        steps: list[Mapping[str, str]] = []
        layers = strata(self.ruleset.rules)
        for layer in layers:
            if layer[0].stage == "care":
                steps.append({self._name("urgency"): self._urgency(rule for one in layers[:-1] for rule in one)})
            steps.append(dict(self._layer(layer)))
        return _in_a_row(steps)

    def _layer(self, layer: Sequence[Rule]) -> Iterator[tuple[str, str]]:
        concluded: dict[str, list[str]] = {}
        for rule in layer:
            yield self.rules[rule.id], self._expression(negation_normal(rule.when))
            if rule.condition is not None:
                concluded.setdefault(self._name(f"condition.{rule.condition}"), []).append(f"$.{self.rules[rule.id]}")
        for name, by in concluded.items():
            yield name, " or ".join((f"{name} == true", *by))

    def _urgency(self, rules: Iterable[Rule]) -> str:
        found: dict[int, list[str]] = {}
        for rule in rules:
            if rule.urgency is not None:
                found.setdefault(rule.urgency, []).append(self.rules[rule.id])
        ranks = (f"({' or '.join(found[rank])}) ? {rank} : " for rank in range(len(URGENCIES)) if rank in found)
        return f"{''.join(ranks)}{self.ruleset.default_urgency}"

    def _name(self, subject: str) -> str:
        return self.names.setdefault(subject, f"a{len(self.names)}")

    def _expression(self, condition: Condition) -> str:
        if isinstance(condition, Test):
            return self._test(condition)
        assert isinstance(condition, All | AnyOf), "negations were pushed into the comparisons"
        if not condition.parts:
            return "true" if isinstance(condition, All) else "false"
        word = " and " if isinstance(condition, All) else " or "
        return f"({word.join(map(self._expression, condition.parts))})"

    def _test(self, test: Test) -> str:
        name, op = self._name(test.subject), test.op
        if test.subject == "urgency":
            return f"{name} {'<=' if op == 'at least' else '>'} {test.value}"
        if test.subject.startswith("condition."):
            return f"{name} {'==' if op == 'true' else '!='} true"
        if op in ("true", "false"):
            return f"{name} == {op}"
        if op in ("known", "unknown"):
            return f"{name} {'!=' if op == 'known' else '=='} null"
        if isinstance(test.value, tuple):
            chosen = f"{name} in [{', '.join(map(repr, test.value))}]"
            return chosen if op == "in" else f"({name} != null and not ({chosen}))"
        if self.ruleset.subjects[test.subject].interval:
            name = f"{name}_{'low' if op in ('>', '>=') else 'high'}"
        return f"({name} != null and {name} {'==' if op == '=' else op} {test.value!r})"

    def given(self, facts: Facts) -> dict[str, Any]:
        """`facts` under their names here; what is a range by its two ends."""
        found: dict[str, Any] = {}
        for subject, value in facts.items():
            if (name := self.names.get(subject)) is None:
                continue
            if self.ruleset.subjects[subject].interval:
                ends = (value.low, value.high) if isinstance(value, Interval) else (value, value)
                found |= {f"{name}_low": ends[0], f"{name}_high": ends[1]}
            else:
                found[name] = value
        return found


def _in_a_row(steps: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """A graph in which each step knows what it was given and what the steps before it found."""
    nodes: list[dict[str, Any]] = [{"id": "begin", "type": "inputNode", "name": "begin"}]
    for number, step in enumerate(steps):
        told = [{"id": key, "key": key, "value": value} for key, value in step.items()]
        content = {"expressions": told, "passThrough": True}
        nodes.append({"id": f"n{number}", "type": "expressionNode", "name": f"n{number}", "content": content})
    nodes.append({"id": "end", "type": "outputNode", "name": "end"})
    edges = [
        {"id": f"e{number}", "sourceId": before["id"], "targetId": after["id"], "type": "edge"}
        for number, (before, after) in enumerate(pairwise(nodes))
    ]
    return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}


def in_zen(ruleset: Ruleset) -> tuple[Callable[[Facts], dict[str, Any]], Fired]:
    """How facts are given to zen-engine, and which rules of `ruleset` fire by what was given. Raises ImportError where
    it is not installed (extra `bench`)."""
    from zen import ZenEngine

    written = _Written(ruleset)
    decision = ZenEngine().create_decision(orjson.dumps(written.graph()).decode())
    ids = {name: key for key, name in written.rules.items()}

    def fired(given: dict[str, Any]) -> frozenset[str]:
        result = decision.evaluate(given)["result"]
        return frozenset(key for name, key in ids.items() if result[name])

    return written.given, fired
