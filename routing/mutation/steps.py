"""By how much a limit is moved: the step in which people count the fact that is held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from routing.rules.condition import tests
from routing.rules.rule import Rule
from routing.rules.ruleset import Ruleset

COUNTED = frozenset({"year", "month", "week", "d", "h", "min", "/min", "mmHg", "%", "1", "mL", "mg", "mg/kg"})
"""Units in which one writes whole numbers, unless a limit of the same fact is written with a decimal."""

MEASURED = 0.1
"""The step of what is measured with a decimal: temperature, glucose, millimetres."""


def steps_of(ruleset: Ruleset) -> Callable[[str], float]:
    """A function from a subject to its step: 1 for whole numbers, scores and what is counted in whole units; 0.1 for
    what is measured; less where a limit is written with more decimals (pH 7.35: 0.01)."""
    finest = _decimals(ruleset.rules)

    def step(name: str) -> float:
        subject, decimals = ruleset.subjects[name], finest.get(name, 0)
        if decimals:
            return float(10**-decimals)
        return 1 if subject.whole or subject.interval or subject.unit in COUNTED else MEASURED

    return step


def _decimals(rules: Iterable[Rule]) -> dict[str, int]:
    """Subject -> the most decimals with which a rule writes a limit of it, where it writes any."""
    found: dict[str, int] = {}
    for test in (test for rule in rules for test in tests(rule.when)):
        if isinstance(test.value, int | float) and test.value != int(test.value):
            exponent = Decimal(repr(test.value)).as_tuple().exponent
            assert isinstance(exponent, int), "a limit is a finite number"
            found[test.subject] = max(found.get(test.subject, 0), -exponent)
    return found
