"""A case of the solver as one that can be decided: decided by the real rules, and told in as few facts as will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import z3

from routing.case import parse_case
from routing.errors import BadInput
from routing.proving.encoding import Encoding
from routing.proving.symbols import Formula
from routing.rules.evaluation import Evaluators
from routing.rules.rule import Facts, FactValue
from routing.triage import facts_of

Known = Mapping[str, FactValue]
"""What is known of a case: facts of the vocabulary; a time is the minutes since. Months are not in it where they follow
from the years."""

PLACE = {"postcode": "3584CX"}
"""Where every counterexample is: in the middle of the country, near many places."""

MOMENTS = {
    (True, False): datetime.fromisoformat("2026-11-18T14:00:00+01:00"),
    (False, False): datetime.fromisoformat("2026-11-18T20:00:00+01:00"),
    (False, True): datetime.fromisoformat("2026-11-18T03:00:00+01:00"),
}
"""A moment for (office hours, night): a Wednesday without a holiday."""
CLOCK = ("office_hours", "night")
OF_THE_CASE = ("complaint", "channel", "transport")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules make of a case: `rank` of the urgency, `facts` with all numbers and what was concluded."""

    fired: frozenset[str]
    rank: int
    facts: Facts


@dataclass(frozen=True)
class Bench:
    """Decides the cases of the solver by the real rules."""

    evaluators: Evaluators
    holidays: frozenset[date] = frozenset()

    def body(self, known: Known) -> tuple[dict[str, Any], datetime]:
        """The case as `wegwijs decide` reads it, and the moment at which it is decided."""
        words = self.evaluators.ruleset.vocabulary
        now = MOMENTS[bool(known.get("office_hours")), bool(known.get("night"))]
        patient = {key: known[key] for key in ("age_years", "age_months", "sex") if key in known}
        body: dict[str, Any] = {"patient": patient, "location": dict(PLACE)}
        body |= {key: known[key] for key in OF_THE_CASE if key in known}
        observations: dict[str, Any] = {}
        for name, value in known.items():
            fact = words.facts[name]
            if fact.given != "observations":
                continue
            if fact.type == "time":
                assert isinstance(value, int | float)
                observations[name] = (now - timedelta(minutes=value)).isoformat()
            else:
                observations[name] = value
        if "complaint" in body:
            body["complaint"] = _name_of(str(body["complaint"]), self.evaluators, observations)
        if observations:
            body["observations"] = observations
        return body, now

    def outcome(self, known: Known) -> Outcome | None:
        """What the rules make of a case; None where it is no valid case."""
        return self.of_body(*self.body(known))

    def of_body(self, body: Any, now: datetime) -> Outcome | None:
        """What the rules make of a case as somebody wrote it; None where it is no valid case."""
        rules = self.evaluators.ruleset
        try:
            case = parse_case(body, rules.vocabulary, now)
        except BadInput:
            return None
        facts = self.evaluators.with_numbers(facts_of(case, now, self.holidays), now)
        fired = self.evaluators.reference.judge(facts).fired
        ranks = [rank for key in fired if (rank := rules.by_id[key].urgency) is not None]
        rank = min(ranks, default=rules.default_urgency)
        concluded = {f"condition.{code}": False for code in rules.vocabulary.conditions}
        concluded |= {f"condition.{rules.by_id[key].condition}": True for key in fired if rules.by_id[key].condition}
        return Outcome(fired, rank, {**facts, **concluded, "urgency": rank})


def _name_of(complaint: str, evaluators: Evaluators, observations: Mapping[str, Any]) -> str:
    """A name of the complaint that says nothing more than what is in `observations`: some names are findings too."""
    words = evaluators.ruleset.vocabulary
    names = (complaint, *words.complaints[complaint].aliases)
    said = (name for name in names if (fact := words.complaint_facts.get(name)) is None or fact in observations)
    return next(said, complaint)


# -- from the solver --------------------------------------------------------------------------------------------------


def known_in(model: Formula, encoding: Encoding) -> dict[str, FactValue]:
    """What is known in the case that the solver found."""
    found: dict[str, FactValue] = {}
    asked = [declared for declared in model.decls() if declared.name().startswith("known ")]
    said = {declared.name() for declared in asked if z3.is_true(model[declared])}
    for name, plain in encoding.domain.symbols.items():
        symbol = encoding.replaced.get(name, plain)
        if symbol is plain and f"known {name}" not in said:
            continue  # it is not known, or the solver did not need it
        if not z3.is_true(model.eval(symbol.known, model_completion=True)):
            continue
        subject = encoding.domain.subjects[name]
        low = model.eval(symbol.low, model_completion=True)
        if name == "age_months":
            high = model.eval(symbol.high, model_completion=True)
            if not z3.is_true(z3.simplify(low == high)):
                continue
        found[name] = _plain(low, subject.choices)
    return _only_months(found)


def _plain(value: Formula, choices: tuple[str, ...]) -> FactValue:
    if z3.is_true(value) or z3.is_false(value):
        return bool(z3.is_true(value))
    exact = Fraction(value.as_fraction()) if z3.is_rational_value(value) else Fraction(value.as_long())
    if choices:
        return choices[int(exact)]
    return int(exact) if exact.denominator == 1 else float(exact)


def _only_months(known: dict[str, FactValue]) -> dict[str, FactValue]:
    """An age that no year can say is given in months."""
    years = known.get("age_years")
    if isinstance(years, int | float) and years > 120:
        known.pop("age_years")
    return known


# -- in few facts -----------------------------------------------------------------------------------------------------

AGES = (40, 70, 20, 8, 2)


def smallest(known: Known, still: Callable[[Known], bool]) -> dict[str, FactValue]:
    """`known` with as little as will do: facts are forgotten one after the other, and what stays is made plain, as long
    as the case is `still` one that shows it."""
    found = dict(known)
    for name in [key for key in known if key not in ("age_years", *CLOCK)]:
        less = {key: value for key, value in found.items() if key != name}
        if still(less):
            found = less
    for name in list(found):
        for value in _plainer(name, found[name]):
            other = {**found, name: value}
            if still(other):
                found = other
                break
    return found


def _plainer(name: str, value: FactValue) -> Iterator[FactValue]:
    if name == "age_years":
        yield from AGES
    if name == "office_hours" and value is True:
        yield False
    if name == "night" and value is True:
        yield False
    if isinstance(value, float) and not isinstance(value, bool):
        yield round(value)
        yield round(value, 1)
