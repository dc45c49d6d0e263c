"""Puts a question to the solver, and believes a case that it gives only once the real rules say the same of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from routing.proving.earlier import NOTHING, Earlier
from routing.proving.encoding import MAY_ROUND, Encoding
from routing.proving.result import Counterexample
from routing.proving.situations import Bench, Known, Outcome, known_in, smallest
from routing.proving.symbols import Formula
from routing.rules.ruleset import Ruleset
from routing.vocabulary import URGENCIES, Text

SEED = 20261122
NOT_CONFIRMED = "the solver gave a case that the rules do not confirm: the encoding is wrong, or rounding decides"


class Open(Exception):
    """The solver did not decide the question, or what it said is not so; the message says which."""


@dataclass(frozen=True)
class Asker:
    """The rules, the solver and the real rules, for one property after the other.

    `clock` gives seconds and only measures; `left` says how many are left for the property at hand. `seen` are cases
    that were decided on the way, by which further questions may be answered.
    """

    ruleset: Ruleset
    encoding: Encoding
    bench: Bench
    clock: Callable[[], float]
    say: Callable[[str], None]
    timeout: float
    began: list[float] = field(default_factory=lambda: [0.0])
    solver: Any = field(default_factory=z3.Solver)
    seen: list[Outcome] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    earlier: Earlier = NOTHING

    def begin(self) -> None:
        """A new property, with all its time."""
        self.began[0] = self.clock()

    def passed(self) -> float:
        """Seconds since the property began."""
        return self.clock() - self.began[0]

    def model(self, formula: Formula) -> Any | None:
        """A case for which `formula` holds; None if there is none. Raises Open."""
        left = self.timeout - self.passed()
        if left <= 0:
            raise Open(f"the time of {self.timeout:g} s was over before this was asked")
        self.solver.set("timeout", max(1, int(left * 1000)))
        self.solver.push()
        try:
            self.solver.add(formula)
            found = self.solver.check()
            if found == z3.sat:
                return self.solver.model()
            if found == z3.unsat:
                return None
            raise Open(f"the solver gave up: {self.solver.reason_unknown()}")
        finally:
            self.solver.pop()

    def case(self, formula: Formula, shows: Callable[[Outcome], bool]) -> dict[str, Any] | None:
        """What is known in a case for which `formula` holds, as the real rules confirm by what it `shows`. None if
        there is none. Raises Open."""
        for question in (formula, z3.And(formula, z3.Not(MAY_ROUND))):
            model = self.model(question)
            if model is None:
                if question is formula:
                    return None
                break
            known = known_in(model, self.encoding)
            outcome = self.bench.outcome(known)
            if outcome is not None and shows(outcome):
                self.seen.append(outcome)
                return known
        raise Open(NOT_CONFIRMED)

    def smallest(self, known: Known, shows: Callable[[Outcome], bool]) -> dict[str, Any]:
        """`known` with as few facts as still show it."""

        def still(less: Known) -> bool:
            outcome = self.bench.outcome(less)
            return outcome is not None and shows(outcome)

        return smallest(known, still)

    def counterexample(
        self, known: Known, text: Text, about: str | None = None, after: Known | None = None
    ) -> Counterexample:
        """`known` as a case that can be decided, and what it is `after` a change."""
        body, now = self.bench.body(known)
        outcome = self.bench.outcome(known)
        assert outcome is not None, "it was decided before"
        fires = tuple(key for key in self.ruleset.by_id if key in outcome.fired)
        changed = self.bench.outcome(after) if after is not None else None
        return Counterexample(
            text,
            now.isoformat(),
            body,
            after=self.bench.body(after)[0] if after is not None else None,
            about=about,
            urgency=URGENCIES[outcome.rank],
            urgency_after=URGENCIES[changed.rank] if changed is not None else None,
            fires=fires,
        )


def asker(
    ruleset: Ruleset, encoding: Encoding, bench: Bench, clock: Callable[[], float], say: Callable[[str], None],
    timeout: float, earlier: Earlier = NOTHING,
) -> Asker:  # fmt: skip
    """An asker with a solver that knows what holds of valid cases, and that always goes the same way."""
    made = Asker(ruleset, encoding, bench, clock, say, timeout, earlier=earlier)
    made.solver.set("random_seed", SEED)
    made.solver.add(*encoding.valid)
    return made
