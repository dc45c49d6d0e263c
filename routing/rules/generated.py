"""Plain Python code made of rules: it says which of them fire and which are possible, as their meaning does, faster.

Of every comparison the code knows whether it surely holds and whether it may hold (it is not false); the two differ
where something is unknown. A condition is true where it surely holds, and unknown where it only may.

The code is safe to run because nothing that stands in a file gets into it as code: it is put together of conditions
that were read and checked, names and words stand in it as quoted texts, limits as numbers, and variables are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from routing.rules.condition import All, Condition, Not, Test, tests
from routing.rules.rule import Facts, Interval, Rule, strata

Judge = Callable[[Facts], tuple[list[str], list[str]]]
"""Facts -> ids of the rules that fire, and of those that more knowledge could make fire."""

Side = Literal["sure", "may"]
_OTHER: Mapping[Side, Side] = {"sure": "may", "may": "sure"}
_SIGNS = {"=": "==", "at least": "<=", "below": ">"}  # U0 is the most urgent


def judge_of(rules: Sequence[Rule], default_urgency: int) -> Judge:
    """The code that judges a case by `rules`: triage, and then, with its conclusions decided, care."""
    written = "\n    ".join(["def judge(facts):", *_Code(rules).lines(default_urgency)])
    space: dict[str, Any] = {"Interval": Interval}
    exec(compile(written, "<rules>", "exec"), space)  # noqa: S102 - made of checked conditions, see above
    made: Judge = space["judge"]
    return made


class _Code:
    """The code for some rules. `sure3` and `may3` are what is known of test number 3, `sure_c3` and `may_c3` of
    condition number 3."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._layers = strata(rules)
        self._tests: dict[str, dict[Test, int]] = {}  # fact -> its tests, each with its number
        self._conditions: dict[str, int] = {}
        self._concluded = {f"condition.{rule.condition}" for rule in rules if rule.condition is not None}
        for name in sorted(self._concluded):
            self._conditions[name] = len(self._conditions)
        for test in dict.fromkeys(test for rule in rules for test in tests(rule.when)):
            if test.subject.startswith("condition."):
                self._conditions.setdefault(test.subject, len(self._conditions))
            elif test.subject != "urgency":
                of_fact = self._tests.setdefault(test.subject, {})
                of_fact[test] = sum(map(len, self._tests.values()))

    def lines(self, default_urgency: int) -> Iterator[str]:
        """The body of the function."""
        yield "get = facts.get"
        yield "fired, possible, ranks, open_ranks = [], [], [], []"
        for name, found in self._tests.items():
            yield from _of_fact(name, found)
        for name, number in self._conditions.items():
            yield from self._of_condition(name, number)
        for rule in (rule for layer in self._layers for rule in layer if rule.stage == "triage"):
            yield from self._of_rule(rule)
        yield f"urgency = min(ranks, default={default_urgency:d})"
        yield "soonest = min((*open_ranks, urgency))"
        # with no rule's word on it the default stands, which a possible rule may still replace by something less urgent
        yield "latest = urgency if ranks else max((*open_ranks, urgency))"
        for rule in (rule for layer in self._layers for rule in layer if rule.stage == "care"):
            yield from self._of_rule(rule)
        yield "return fired, possible"

    def _of_condition(self, name: str, number: int) -> Iterator[str]:
        """Before anything was concluded; nobody asks before all who conclude it had their turn (see `strata`)."""
        if name in self._concluded:
            yield f"sure_c{number} = may_c{number} = False"
        else:
            yield f"sure_c{number} = (v := get({name!r})) is True"
            yield f"may_c{number} = sure_c{number} or v is None"

    def _of_rule(self, rule: Rule) -> Iterator[str]:
        code = None if rule.condition is None else self._conditions[f"condition.{rule.condition}"]
        outcomes: tuple[tuple[str, Side, str, str, str], ...] = (
            ("if", "sure", "fired", "ranks", f"sure_c{code} = may_c{code}"),
            ("elif", "may", "possible", "open_ranks", f"may_c{code}"),
        )
        for word, side, found, ranks, concluded in outcomes:
            # care fires on what was decided; it is possible while what was concluded is open
            decided = rule.stage == "care" and side == "sure"
            yield f"{word} {self._side(rule.when, side, decided=decided)}:"
            yield f"    {found}.append({rule.id!r})"
            if rule.urgency is not None:
                yield f"    {ranks}.append({rule.urgency:d})"
            if code is not None:
                yield f"    {concluded} = True"

    def _side(self, condition: Condition, side: Side, *, decided: bool) -> str:
        """An expression: whether `condition` surely holds, or whether it may. `decided`: what was not concluded is not
        there, also where it is only not known to be there."""
        if isinstance(condition, Test):
            return self._of_test(condition, side, decided=decided)
        if isinstance(condition, Not):
            return f"(not {self._side(condition.part, _OTHER[side], decided=decided)})"
        everything = isinstance(condition, All)
        if not condition.parts:
            return str(everything)
        parts = [self._side(part, side, decided=decided) for part in condition.parts]
        return f"({(' and ' if everything else ' or ').join(parts)})"

    def _of_test(self, test: Test, side: Side, *, decided: bool) -> str:
        if test.subject == "urgency":
            least = (side == "may") == (test.op == "at least")
            seen = "urgency" if decided else "soonest" if least else "latest"
            return f"({seen} {_SIGNS[test.op]} {test.value!r})"
        if (number := self._conditions.get(test.subject)) is None:
            return f"{side}{self._tests[test.subject][test]}"
        if test.op == "true":
            return f"{'sure' if decided else side}_c{number}"
        assert test.op == "false", "whether something was concluded cannot be asked"
        return f"(not {'sure' if decided else _OTHER[side]}_c{number})"


def _of_fact(name: str, found: Mapping[Test, int]) -> Iterator[str]:
    """What is known of the tests on one fact."""
    yield f"v = get({name!r})"
    compared: dict[Test, int] = {}
    for test, number in found.items():
        if test.op in ("known", "unknown"):
            yield f"sure{number} = may{number} = v is {'not ' if test.op == 'known' else ''}None"
        else:
            compared[test] = number
    if not compared:
        return
    yield "if v is None:"
    for side, value in (("sure", False), ("may", True)):
        yield f"    {' = '.join(f'{side}{number}' for number in compared.values())} = {value}"
    if numeric := {test: number for test, number in compared.items() if isinstance(test.value, int | float)}:
        yield "elif isinstance(v, Interval):"
        for test, number in numeric.items():
            ends = [_compared(test, f"v.{end}") for end in ("low", "high")]
            yield f"    sure{number}, may{number} = {' and '.join(ends)}, {' or '.join(ends)}"
    yield "else:"
    for test, number in compared.items():
        yield f"    sure{number} = may{number} = {_compared(test, 'v')}"


def _compared(test: Test, value: str) -> str:
    """Whether the known `value` meets `test`."""
    if test.op in ("true", "false"):
        return f"{value} is {test.op == 'true'}"
    if isinstance(test.value, tuple):
        return f"{value} {test.op} {{{', '.join(map(repr, test.value))}}}"
    return f"{value} {_SIGNS.get(test.op, test.op)} {test.value!r}"
