"""Properties of all cases: what always follows, that there is always an urgency, and what can lower it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import z3

from routing.proving.asking import NOT_CONFIRMED, Asker, Open
from routing.proving.changing import Change, lowering, of_choice, of_number, yes_or_no
from routing.proving.earlier import still_lowers_nothing
from routing.proving.encoding import MAY_ROUND, Encoding
from routing.proving.properties import DirectionEntry, Property, ThenEntry
from routing.proving.result import Counterexample, Result, verdict_of
from routing.proving.situations import Known, Outcome, known_in, smallest
from routing.proving.symbols import Formula
from routing.rules.condition import Condition
from routing.rules.reference import meaning
from routing.rules.rule import Facts, FactValue
from routing.vocabulary import URGENCIES, Text

# -- what always follows ----------------------------------------------------------------------------------------------


def always(wanted: Property, asker: Asker) -> Result:
    """In every valid case in which `when` holds follows what `then` says, but for the exceptions."""
    then = wanted.entry.then
    assert then is not None and wanted.when is not None, "the reader saw to that"
    encoding = asker.encoding
    exempt = [one.when for one in wanted.exemptions if one.when is not None]
    formula = z3.And(
        encoding.truth(wanted.when, decided=True).sure,
        *[z3.Not(encoding.truth(when, decided=True).sure) for when in exempt],
        z3.Not(_follows(then, encoding)),
    )
    asked, excused = meaning(wanted.when), [meaning(when) for when in exempt]

    def shows(outcome: Outcome) -> bool:
        facts = outcome.facts
        holds = asked(facts) is True and not any(when(facts) is True for when in excused)
        return holds and not _followed(then, outcome, asker)

    try:
        known = asker.case(formula, shows)
    except Open as error:
        return _result(wanted, asker, 1, (), (), (str(error),))
    if known is None:
        return _result(wanted, asker, 1, (), (), ())
    shown = asker.counterexample(asker.smallest(known, shows), wanted.entry.text)
    return _result(wanted, asker, 1, (shown,), (), ())


def _follows(then: ThenEntry, encoding: Encoding) -> Formula:
    parts = [encoding.concluded(code).sure for code in then.conditions]
    if then.urgency is not None:
        parts.append(encoding.at_least(URGENCIES.index(then.urgency)))
    for need in then.needs:
        parts.append(z3.Or([encoding.needed(capability, need.strength) for capability in need.any_of]))
    return z3.And(parts)


def _followed(then: ThenEntry, outcome: Outcome, asker: Asker) -> bool:
    fired = [asker.ruleset.by_id[key] for key in outcome.fired]
    if then.urgency is not None and outcome.rank > URGENCIES.index(then.urgency):
        return False
    if not set(then.conditions) <= {rule.condition for rule in fired}:
        return False
    said = {(need.capability, need.strength) for rule in fired for need in rule.needs}
    return all(
        any((name, strength) in said for name in need.any_of for strength in _strengths(need.strength))
        for need in then.needs
    )


def _strengths(wanted: str | None) -> tuple[str, ...]:
    return (wanted,) if wanted is not None else ("required", "preferred")


# -- an urgency, whatever the order -----------------------------------------------------------------------------------


def urgency(wanted: Property, asker: Asker) -> Result:
    """Every valid case gets one of the six urgencies, and a deadline that the ruleset names."""
    encoding = asker.encoding
    without = z3.Not(encoding.at_least(len(URGENCIES) - 1))
    exactly = [encoding.at_least(rank) for rank in range(len(URGENCIES))]
    crossed = z3.Or([z3.And(more, z3.Not(less)) for more, less in itertools.pairwise(exactly)])
    return _never(wanted, asker, z3.Or(without, crossed))


def order(wanted: Property, asker: Asker) -> Result:
    """The rules read from the last to the first conclude the same conditions and urgencies."""
    encoding = asker.encoding
    turned = Encoding(
        tuple(reversed(encoding.rules)), encoding.default_urgency, encoding.domain, encoding.derived, encoding.scores,
        _symbols=encoding._symbols,
    )  # fmt: skip
    codes = {rule.condition for rule in encoding.rules if rule.condition is not None}
    different = [encoding.concluded(code).sure != turned.concluded(code).sure for code in sorted(codes)]
    different += [encoding.concluded(code).may != turned.concluded(code).may for code in sorted(codes)]
    different += [encoding.at_least(rank) != turned.at_least(rank) for rank in range(len(URGENCIES))]
    different += [encoding.fired(rule) != turned.fired(rule) for rule in encoding.rules if rule.stage == "care"]
    return _never(wanted, asker, *different)


def _never(wanted: Property, asker: Asker, *formulas: Formula) -> Result:
    """That none of `formulas` can hold; there is no case that the real rules could confirm."""
    open_, failing = [], []
    for formula in formulas:
        simple = z3.simplify(formula)
        if z3.is_false(simple):
            continue
        try:
            if asker.model(simple) is not None:
                failing.append(f"the solver gave a case for: {str(simple)[:120]}")
        except Open as error:
            open_.append(str(error))
    return _result(wanted, asker, len(formulas), (), tuple(failing), tuple(open_))


# -- what can lower the urgency ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Question:
    """One change of one fact; `of_default`: only lowering below what a rule said counts. Cases of which one of
    `excused` surely holds are not asked about."""

    fact: str
    change: Change
    of_default: bool
    excused: tuple[Condition, ...] = ()

    def excuses(self, facts: Facts) -> bool:
        """Whether a case with these facts is not asked about."""
        return any(meaning(when)(facts) is True for when in self.excused)


def monotone(wanted: Property, asker: Asker) -> Result:
    """A fact that becomes known to be worse, or that is worse, never makes a case less urgent."""
    return _changes(wanted, asker, "worse")


def unknown(wanted: Property, asker: Asker) -> Result:
    """A reassuring answer that is not known any more never makes a case less urgent."""
    return _changes(wanted, asker, "unknown")


def _changes(wanted: Property, asker: Asker, which: str) -> Result:
    shown, failing, open_ = [], [], []
    directions: Sequence[DirectionEntry] = asker.memory["directions"]
    questions = list(_questions(wanted, directions, asker.encoding, which))
    rests_on: dict[str, set[str]] = {}
    for number, question in enumerate(questions, 1):
        if number % 100 == 0:
            asker.say(f"{wanted.id}: {number} of {len(questions)} changes")
        if question.fact in failing:
            continue
        if still_lowers_nothing(asker.earlier, wanted.id, question.fact, asker.encoding):
            kept = asker.earlier.results[wanted.id]["rests_on"].get(question.fact, ())
            rests_on.setdefault(question.fact, set()).update(kept)
            continue
        try:
            if (found := _still_lower(question, asker, wanted.id)) is not None:
                shown.append(found)
                failing.append(question.fact)
                continue
            rests = rests_on.setdefault(question.fact, set())
            if (found := _lowered(question, asker, wanted.id, which, rests)) is not None:
                shown.append(found)
                failing.append(question.fact)
        except Open as error:
            open_.append(f"{question.fact}: {error}")
    result = _result(wanted, asker, len(questions), tuple(shown), tuple(failing), tuple(open_))
    return replace(result, rests_on={fact: tuple(sorted(rules)) for fact, rules in rests_on.items() if rules})


def _questions(
    wanted: Property, directions: Sequence[DirectionEntry], encoding: Encoding, which: str
) -> Iterator[_Question]:
    for entry in directions:
        for fact in entry.facts:
            about = [one for one in wanted.exemptions if fact in one.entry.facts]
            if any(one.when is None and not one.entry.of_default for one in about):
                continue
            of_default = any(one.entry.of_default for one in about)
            excused = tuple(one.when for one in about if one.when is not None)
            for kind, change in _of_entry(entry, fact, encoding):
                if kind == which:
                    yield _Question(fact, change, of_default, excused)


def _of_entry(entry: DirectionEntry, fact: str, encoding: Encoding) -> Iterator[tuple[str, Change]]:
    if entry.worse is not None:
        yield from zip(("worse", "unknown"), yes_or_no(fact, worse=entry.worse), strict=True)
    elif entry.order:
        yield from of_choice(encoding, fact, entry.order)
    else:
        low, high = (entry.low_upto, entry.fine_from), (entry.high_from, entry.fine_upto)
        yield from of_number(encoding, fact, low=low, high=high)


def _still_lower(question: _Question, asker: Asker, wanted: str) -> Counterexample | None:
    """The case by which an earlier proof showed this, if these rules make it less urgent too."""
    before = asker.earlier.shown(wanted, question.fact)
    if before is None or "after" not in before:
        return None
    now = datetime.fromisoformat(before["at"])
    first, second = asker.bench.of_body(before["case"], now), asker.bench.of_body(before["after"], now)
    if first is None or second is None or not _is_lower(first, second, question, asker):
        return None
    return Counterexample(
        Text(**before["text"]),
        before["at"],
        before["case"],
        after=before["after"],
        about=question.fact,
        urgency=URGENCIES[first.rank],
        urgency_after=URGENCIES[second.rank],
        fires=tuple(key for key in asker.ruleset.by_id if key in first.fired),
    )


def _begun_with(question: _Question, asker: Asker, wanted: str) -> frozenset[str]:
    """The rules on which an earlier proof of this rested, of those that there are: most are needed again."""
    return asker.earlier.perhaps_rests_on(wanted, question.fact) & asker.encoding.by_id.keys()


def _lowered(question: _Question, asker: Asker, wanted: str, which: str, rests_on: set[str]) -> Counterexample | None:
    """A case that the change makes less urgent; None if there is none, and in `rests_on` the rules, beside those that
    ask for the fact, by which that is so. Raises Open."""
    asked = lowering(asker.encoding, question.change, default_counts=not question.of_default)
    if asked is None:
        return None
    also = _begun_with(question, asker, wanted) - asked.touched
    rests_on |= also
    counts = [z3.Not(asked.before.truth(when).sure) for when in question.excused]
    plainly: tuple[Formula, ...] = ()
    while (model := asker.model(z3.And(asked.formula(also), *counts, *plainly))) is not None:
        before, after = known_in(model, asked.before), known_in(model, asked.after)
        first, second = asker.bench.outcome(before), asker.bench.outcome(after)
        if first is None or second is None:
            raise Open("the solver gave a case that is not valid: the encoding is wrong")
        if _is_lower(first, second, question, asker):
            return _shown(question, before, after, asker, which)
        new = _urgent(first.fired | second.fired, asker) - also - asked.touched
        if not new and plainly:
            raise Open(NOT_CONFIRMED)
        if not new:  # perhaps a number that cannot be written, or one so near a limit that rounding decides
            plainly = (z3.Not(MAY_ROUND), *_halves(question.change, asker.encoding))
        also |= new
        rests_on |= new
    if plainly:
        raise Open("in whole and half numbers there is no such case; in finer ones rounding may decide")
    return None


def _halves(change: Change, encoding: Encoding) -> Iterator[Formula]:
    """The numbers as people write them: halves at most."""
    for symbol in (change.before, change.after, *encoding.domain.symbols.values()):
        if z3.is_real(symbol.low) and z3.is_const(symbol.low):
            yield z3.IsInt(symbol.low * 2)


def _urgent(fired: frozenset[str], asker: Asker) -> frozenset[str]:
    return frozenset(key for key in fired if asker.ruleset.by_id[key].urgency is not None)


def _is_lower(first: Outcome, second: Outcome, question: _Question, asker: Asker) -> bool:
    counts = not question.of_default or bool(_urgent(first.fired, asker))
    return second.rank > first.rank and counts and not question.excuses(first.facts)


def _shown(question: _Question, before: Known, after: Known, asker: Asker, which: str) -> Counterexample:
    fact = question.fact

    def other(known: Known) -> dict[str, FactValue]:
        rest = {key: value for key, value in known.items() if key != fact}
        return {**rest, fact: after[fact]} if fact in after else rest

    def still(outcome_of: Known) -> bool:
        if (fact in outcome_of) != (fact in before):
            return False
        first, second = asker.bench.outcome(outcome_of), asker.bench.outcome(other(outcome_of))
        return first is not None and second is not None and _is_lower(first, second, question, asker)

    less = smallest(before, still)
    label = asker.ruleset.vocabulary.facts[fact].label
    text = Text(
        nl=f"Dit geval wordt minder dringend als `{label.nl}` {_SAID[which].nl}.",
        en=f"This case becomes less urgent when `{label.en}` {_SAID[which].en}.",
    )
    return asker.counterexample(less, text, fact, after=other(less))


_SAID = {
    "worse": Text(nl="bekend of erger wordt", en="becomes known or worse"),
    "unknown": Text(nl="niet meer bekend is", en="is not known any more"),
}


def _result(
    wanted: Property,
    asker: Asker,
    asked: int,
    shown: tuple[Counterexample, ...],
    failing: tuple[str, ...],
    open_: tuple[str, ...],
) -> Result:
    return Result(
        id=wanted.id,
        text=wanted.entry.text,
        verdict=verdict_of(shown or failing, open_),
        how="proved",
        seconds=round(asker.passed(), 2),
        asked=asked,
        counterexamples=shown,
        failing=failing,
        undecided=open_,
        excepted=tuple(one.entry.id for one in wanted.exemptions),
    )
