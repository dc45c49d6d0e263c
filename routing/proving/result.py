"""What came of the properties of a ruleset: a verdict each, and what shows it where one does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from routing.vocabulary import Text

Verdict = Literal["proved", "refuted", "undecided"]
How = Literal["proved", "enumerated"]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A case for which a property does not hold: `body` as `wegwijs decide` reads it, decided `at` a moment. `after` is
    the same case with one fact otherwise, where a property compares two; `about` names the rule or fact."""

    text: Text
    at: str
    body: Mapping[str, Any]
    after: Mapping[str, Any] | None = None
    about: str | None = None
    urgency: str | None = None
    urgency_after: str | None = None
    fires: tuple[str, ...] = ()

    def wire(self) -> dict[str, Any]:
        """As it stands in the answer and in `proof.json`."""
        found = {
            "about": self.about,
            "text": self.text.wire(),
            "at": self.at,
            "case": dict(self.body),
            "urgency": self.urgency,
            "fires": list(self.fires),
            "after": dict(self.after) if self.after is not None else None,
            "urgency_after": self.urgency_after,
        }
        return {key: value for key, value in found.items() if value not in (None, [])}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one property. `asked` is how many questions it consists of, `undecided` which of them stayed open
    and why; `listed` what was found that is not a failure; `excepted` names of exceptions; `rests_on` for each fact the
    rules, beside those that ask for it, by which the property holds."""

    id: str
    text: Text
    verdict: Verdict
    how: How
    seconds: float
    asked: int
    counterexamples: tuple[Counterexample, ...] = ()
    failing: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    rests_on: Mapping[str, tuple[str, ...]] | None = None

    def wire(self) -> dict[str, Any]:
        """As it stands in the answer and in `proof.json`; `counterexample` is the first of them."""
        first = self.counterexamples[0].wire() if self.counterexamples else None
        found: dict[str, Any] = {
            "id": self.id,
            "text": self.text.wire(),
            "verdict": self.verdict,
            "how": self.how,
            "seconds": self.seconds,
            "asked": self.asked,
            "counterexample": first,
        }
        if len(self.counterexamples) > 1:
            found["counterexamples"] = [one.wire() for one in self.counterexamples[1:]]
        return found | dict(self._lists())

    def _lists(self) -> Iterator[tuple[str, Any]]:
        for name in ("failing", "undecided", "listed", "excepted"):
            if found := getattr(self, name):
                yield name, list(found)
        if self.rests_on is not None:
            yield "rests_on", {key: list(found) for key, found in self.rests_on.items()}


def verdict_of(counterexamples: object, undecided: object) -> Verdict:
    """Refuted as soon as one case shows it; proved only if nothing stayed open."""
    return "refuted" if counterexamples else "undecided" if undecided else "proved"
