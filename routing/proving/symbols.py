"""What may be known of a fact, as unknowns of the solver: whether it is known at all, and which value it then has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

import z3

from routing.rules.condition import Subject
from routing.rules.rule import Facts, FactValue, Interval
from routing.vocabulary import Vocabulary

Formula = Any
"""A formula or number of the solver. Its package says nothing about types."""

TIMES_MINUTES_MOST = 121 * 366 * 24 * 60
"""A time may lie at most a lifetime before the decision (see `routing.case`)."""
AGES = ("age_years", "age_months")
MONTHS = 12


def every(parts: Iterable[Formula]) -> Formula:
    """That all of `parts` hold, as `z3.And` says it; that looks at every part first, which takes longer than the rest
    of a proof."""
    return _joined(z3.Z3_mk_and, parts)


def some(parts: Iterable[Formula]) -> Formula:
    """That at least one of `parts` holds, as `z3.Or` says it."""
    return _joined(z3.Z3_mk_or, parts)


def _joined(join: Any, parts: Iterable[Formula]) -> Formula:
    kept = list(parts)  # the solver counts who holds them
    if len(kept) == 1:
        return kept[0]
    context = z3.main_ctx()
    return z3.BoolRef(join(context.ref(), len(kept), (z3.Ast * len(kept))(*[part.as_ast() for part in kept])), context)


class Symbol(NamedTuple):
    """What the solver knows of a subject: `known`, and its value as `low` and `high` (the same but for an interval).

    A yes/no is a truth, a choice the place of its word among the choices, a time the minutes between it and the
    decision. `exact`: whether the evaluator reckons with this number without rounding. `over`: the value is to be
    divided by this, which is above zero where the subject is known. `once`: the evaluator rounds once, and then adds
    this (None: it may round more often).
    """

    known: Formula
    low: Formula
    high: Formula
    exact: Formula = z3.BoolVal(True)
    over: Formula | None = None
    once: float | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """The facts of a vocabulary as symbols, and what is so in every valid case."""

    subjects: Mapping[str, Subject]
    symbols: Mapping[str, Symbol]
    valid: tuple[Formula, ...]


def number(value: float) -> Formula:
    """The number as it is written, exactly: 0.1 is a tenth."""
    return z3.Q(*Fraction(repr(value)).as_integer_ratio())


def fresh(subject: Subject, name: str) -> Symbol:
    """A symbol for `subject` under a `name` of its own."""
    known = z3.Bool(f"known {name}")
    if subject.kind == "boolean":
        value = z3.Bool(f"value {name}")
    elif _counted(subject):
        value = z3.Int(f"value {name}")
    else:
        value = z3.Real(f"value {name}")
    if subject.interval:
        return Symbol(known, value, z3.Real(f"high {name}"))
    return Symbol(known, value, value)


def _counted(subject: Subject) -> bool:
    """Whether its value is a whole number to the solver."""
    return subject.kind in ("choice", "time") or subject.whole


def in_range(subject: Subject, symbol: Symbol) -> Iterator[Formula]:
    """That the value is one that the vocabulary allows."""
    if subject.kind == "choice":
        yield z3.And(symbol.low >= 0, symbol.low < len(subject.choices))
    elif subject.kind == "time":
        yield z3.And(symbol.low >= 0, symbol.low <= TIMES_MINUTES_MOST)
    elif subject.kind == "number" and subject.low is not None and subject.high is not None:
        yield z3.And(symbol.low >= number(subject.low), symbol.high <= number(subject.high))
        if subject.interval:
            yield symbol.low <= symbol.high


def constant(subject: Subject, value: FactValue, now: datetime | None = None) -> Symbol:
    """A subject of which the value is given; a time counts as the minutes from then to `now`."""
    if isinstance(value, bool):
        found = z3.BoolVal(value)
    elif isinstance(value, Interval):
        return Symbol(z3.BoolVal(True), number(value.low), number(value.high))
    elif isinstance(value, str) and subject.kind == "time":
        passed = (now - datetime.fromisoformat(value)).total_seconds() // 60 if now is not None else 0
        found = z3.IntVal(max(0, int(passed)))
    elif isinstance(value, str):
        found = z3.IntVal(subject.choices.index(value))
    else:
        found = z3.IntVal(int(value)) if _counted(subject) and value == int(value) else number(value)
    return Symbol(z3.BoolVal(True), found, found)


def unknown(subject: Subject) -> Symbol:
    """A subject of which nothing is known."""
    if subject.kind == "boolean":
        return Symbol(z3.BoolVal(False), z3.BoolVal(False), z3.BoolVal(False))
    nothing = z3.IntVal(0) if _counted(subject) else z3.RealVal(0)
    return Symbol(z3.BoolVal(False), nothing, nothing)


def given(facts: Facts, subjects: Mapping[str, Subject], now: datetime | None = None) -> dict[str, Symbol]:
    """Every fact among `subjects` as it is in `facts`: its value, or unknown."""
    return {
        name: constant(subject, facts[name], now) if name in facts else unknown(subject)
        for name, subject in subjects.items()
        if subject.kind not in ("condition", "urgency")
    }


def domain_of(
    subjects: Mapping[str, Subject],
    vocabulary: Vocabulary | None = None,
    agreements: Mapping[str, FactValue] | None = None,
) -> Domain:
    """The facts among `subjects` as symbols. With a `vocabulary` also what the reading of a case makes sure of: an age
    is always given, the clock is always known, and what the name of a complaint says is a finding too."""
    agreed = agreements or {}
    symbols: dict[str, Symbol] = {}
    valid: list[Formula] = []
    for name, subject in subjects.items():
        if name in agreed:
            symbols[name] = constant(subject, agreed[name])
            continue
        symbols[name] = fresh(subject, name)
        if name not in AGES or vocabulary is None:
            valid += in_range(subject, symbols[name])
    if vocabulary is not None:
        valid += _clock(symbols)
        valid += _age(subjects, symbols)
        valid += _named_by_complaint(vocabulary, symbols)
        unsaid = [key for key, fact in vocabulary.facts.items() if fact.given == "agreement" and key not in agreed]
        valid += [z3.Not(symbols[key].known) for key in unsaid if key in symbols]
    return Domain(subjects, symbols, tuple(valid))


def _clock(symbols: Mapping[str, Symbol]) -> Iterator[Formula]:
    """Office hours and the night are read off the clock: always known, and never both (08-17 and 23-07)."""
    found = [symbols[name] for name in ("office_hours", "night") if name in symbols]
    yield from (symbol.known for symbol in found)
    if len(found) == 2:
        yield z3.Not(z3.And(found[0].low, found[1].low))


def _age(subjects: Mapping[str, Subject], symbols: dict[str, Symbol]) -> Iterator[Formula]:
    """Years and months of age, as `routing.triage.facts_of` makes them: of whole years the months are an interval; a
    case that gives both is refused where they contradict each other."""
    years, months = AGES
    if years not in symbols or months not in symbols:
        return
    year, month = symbols[years], symbols[months]
    month = symbols[months] = Symbol(month.known, z3.Real("value age_months"), z3.Real("high age_months"))
    oldest, most = (number(subjects[name].high or 0) for name in AGES)
    whole = z3.ToInt(year.low)
    yield z3.And(year.known, month.known, year.low >= 0)
    only_years = z3.And(month.low == whole * MONTHS, month.high == whole * MONTHS + MONTHS - 1, year.low == whole)
    with_months = z3.And(
        month.low == month.high, month.low >= whole * MONTHS, month.low < whole * MONTHS + MONTHS, month.low <= most
    )
    only_months = z3.And(year.low == whole, with_months)
    yield z3.Or(z3.And(year.low <= oldest, z3.Or(only_years, with_months)), only_months)


def _named_by_complaint(vocabulary: Vocabulary, symbols: Mapping[str, Symbol]) -> Iterator[Formula]:
    """A complaint of which every name is also that of a finding says such a finding, which may still be denied."""
    if "complaint" not in symbols:
        return
    complaint = symbols["complaint"]
    for index, (key, entry) in enumerate(vocabulary.complaints.items()):
        named = [vocabulary.complaint_facts.get(name) for name in (key, *entry.aliases)]
        if all(named):
            said = z3.Or([symbols[name].known for name in dict.fromkeys(named) if name is not None])
            yield z3.Implies(z3.And(complaint.known, complaint.low == index), said)
