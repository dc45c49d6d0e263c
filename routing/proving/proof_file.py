"""What stands in `proof.json`: of each property whether it holds for every case, and the cases that show where not."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from routing.proving.result import How, Verdict
from routing.vocabulary import Strict


class SaidIn(Strict):
    """A text for a reader, in Dutch and in English."""

    nl: str
    en: str


class CounterexampleIn(Strict):
    """A case for which a property does not hold, decided `at` a moment; `after` is the same case with one fact
    otherwise, where a property compares two."""

    about: str | None = None
    text: SaidIn
    at: str
    case: dict[str, Any]
    urgency: str | None = None
    fires: list[str] = Field(default_factory=list)
    after: dict[str, Any] | None = None
    urgency_after: str | None = None


class ProvedIn(Strict):
    """What came of one property; see `routing.proving.result`."""

    id: str
    text: SaidIn
    verdict: Verdict
    how: How
    seconds: float
    asked: int
    counterexample: CounterexampleIn | None = None
    counterexamples: list[CounterexampleIn] = Field(default_factory=list)
    failing: list[str] = Field(default_factory=list)
    undecided: list[str] = Field(default_factory=list)
    listed: list[str] = Field(default_factory=list)
    excepted: list[str] = Field(default_factory=list)
    rests_on: dict[str, list[str]] | None = None

    @property
    def shown_by(self) -> list[CounterexampleIn]:
        """Every counterexample; the file holds the first apart."""
        return [*([self.counterexample] if self.counterexample is not None else []), *self.counterexamples]


class TestedIn(Strict):
    """What is tested on random worlds and proved nowhere, with the names of the tests."""

    id: str
    text: SaidIn
    tests: list[str]


class RulesIn(Strict):
    """The rules of which a proof was made."""

    name: str
    version: str
    digest: str


class ProofFile(Strict):
    """All of `proof.json`."""

    format: Literal[1]
    ruleset: RulesIn
    vocabulary: str
    properties_digest: str
    solver: str
    counts: dict[Verdict, int]
    properties: list[ProvedIn]
    tested: list[TestedIn]
