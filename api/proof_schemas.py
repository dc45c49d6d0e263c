"""The proof of a ruleset on the wire: which properties hold for every case there can be, and what shows where not."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas import Answer, Level, Words

Verdict = Literal["proved", "refuted", "undecided"]
ReviewState = Literal["pending"] | dict[str, str]


class ProofCounts(Answer):
    """How many properties have each verdict. Of a stale proof all are undecided."""

    proved: int
    refuted: int
    undecided: int


class ProofSummary(ProofCounts):
    """What is proved of a ruleset, in numbers; `stale`: the proof is not about these files."""

    stale: bool


class ProvedRuleset(Answer):
    """A ruleset by name, version and digest."""

    name: str
    version: str
    digest: str


class Counterexample(Answer):
    """A case for which a property does not hold: what comes out `at` that moment. `after` is the same case with one
    fact otherwise, where a property compares two; `about` names the rule or fact."""

    about: str | None
    text: Words
    at: str
    case: dict[str, Any]
    urgency: Level | None
    fires: list[str]
    after: dict[str, Any] | None
    urgency_after: Level | None


class PropertyException(Answer):
    """What a property does not hold for, and why."""

    id: str
    why: str | None
    review: ReviewState | None


class ProvedProperty(Answer):
    """What came of one property. `verdict_then` is null, but in a stale proof."""

    id: str
    text: Words
    why: str | None
    review: ReviewState | None = Field(description="whether a clinician accepted the property; null in a stale proof")
    verdict: Verdict
    verdict_then: Verdict | None
    how: Literal["proved", "enumerated"]
    seconds: float
    asked: int
    counterexamples: list[Counterexample]
    failing: list[str]
    undecided: list[str]
    listed: list[str]
    exceptions: list[PropertyException]
    rests_on: dict[str, list[str]] | None


class TestedProperty(Answer):
    """What is tested on random worlds and proved nowhere, with the names of the tests."""

    id: str
    text: Words
    tests: list[str]


class ProofAnswer(Answer):
    """The proof that is kept beside a ruleset. `stale`: it is not about these rules, words or properties, and proves
    nothing of them; `proved_of` are the rules of which it was made."""

    ruleset: ProvedRuleset
    stale: bool
    why_stale: Words | None
    proved_of: ProvedRuleset | None
    vocabulary: str | None
    properties_digest: str | None
    solver: str | None
    counts: ProofCounts
    properties: list[ProvedProperty]
    tested: list[TestedProperty]
