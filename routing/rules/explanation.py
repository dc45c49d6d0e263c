"""Why a rule fired, and what to ask to find out whether another one would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from routing.rules.condition import All, AnyOf, Condition, Test, negation_normal, tests
from routing.rules.reference import Meaning, meaning
from routing.rules.rule import INTERVAL_FACTS, Facts, Interval

Explainer = Callable[[Facts], Sequence[str]]
"""Facts -> the names of what made the condition true; empty where it is not true."""

Asker = Callable[[Facts], Sequence[str]]
"""Facts -> where the condition is unknown, the facts to ask next; empty where it is true or false."""


def explainer(condition: Condition) -> Explainer:
    """A function that names what made `condition` true: of an `any` only the parts that hold."""
    explained = _explained(negation_normal(condition))

    def names(facts: Facts) -> Sequence[str]:
        found = explained(facts)
        return () if found is None else tuple(dict.fromkeys(found))

    return names


def _explained(condition: Condition) -> Callable[[Facts], Sequence[str] | None]:
    if isinstance(condition, Test):
        holds, name = meaning(condition), (condition.subject,)
        return lambda facts: name if holds(facts) is True else None
    assert isinstance(condition, All | AnyOf), "negations were pushed into the comparisons"
    parts = [_explained(part) for part in condition.parts]
    everything = isinstance(condition, All)

    def joined(facts: Facts) -> Sequence[str] | None:
        found: list[str] = []
        any_held = everything
        for part in parts:
            names = part(facts)
            if names is not None:
                any_held = True
                found.extend(names)
            elif everything:
                return None
        return found if any_held else None

    return joined


def asker(condition: Condition, asked_facts: Mapping[str, Sequence[str]]) -> Asker:
    """A function that says what to ask next; `asked_facts` names the facts that a score or derived number rests on.

    Of an `all` only the first unknown part is asked: authors put the gate first (`pregnant` before the weeks).
    """
    normal = negation_normal(condition)
    truth, ask = meaning(normal), _asked(normal, asked_facts)
    return lambda facts: ask(facts) if truth(facts) is None else ()


def on_which_it_depends(condition: Condition, asked_facts: Mapping[str, Sequence[str]]) -> Asker:
    """A function that says on which facts that nobody gave it still depends whether `condition` holds, also behind a
    gate, and also where it holds (or does not) because they were not given (`is unknown`); empty where all is given."""
    depends = _depends(negation_normal(condition), asked_facts)
    return lambda facts: depends(facts)[1]


def _depends(
    condition: Condition, asked_facts: Mapping[str, Sequence[str]]
) -> Callable[[Facts], tuple[bool | None, Sequence[str]]]:
    """Facts -> whether `condition` holds whatever else is given (None: that depends), and on which facts it depends."""
    if isinstance(condition, Test):
        truth, ask = meaning(condition), _asked(condition, asked_facts)
        of_silence = condition.op in ("known", "unknown")

        def of_test(facts: Facts) -> tuple[bool | None, Sequence[str]]:
            holds = None if of_silence and condition.subject not in facts else truth(facts)
            return (None, ask(facts)) if holds is None else (holds, ())

        return of_test
    assert isinstance(condition, All | AnyOf), "negations were pushed into the comparisons"
    parts, decisive = [_depends(part, asked_facts) for part in condition.parts], isinstance(condition, AnyOf)

    def joined(facts: Facts) -> tuple[bool | None, Sequence[str]]:
        names: list[str] = []
        result: bool | None = not decisive
        for part in parts:
            holds, of_part = part(facts)
            if holds is decisive:
                return decisive, ()
            if holds is None:
                result = None
                names.extend(of_part)
        return result, names

    return joined


def asker_of_unknown(condition: Condition, asked_facts: Mapping[str, Sequence[str]]) -> Asker:
    """The same where it is already known that `condition` is unknown: that saves asking for its truth again."""
    return _asked(negation_normal(condition), asked_facts)


class Part(NamedTuple):
    """A part of a condition: its truth, and what to ask where it is unknown.

    `alone` is the fact that it asks and nothing else (such a part is unknown when the fact is). Where none of the facts
    that it `rests_on` is known, `of_nothing` are asked. A decision asks this of hundreds of parts, and mostly so.
    """

    alone: str | None
    rests_on: frozenset[str]
    of_nothing: Sequence[str]
    truth: Meaning
    ask: Asker


def _asked(condition: Condition, asked_facts: Mapping[str, Sequence[str]]) -> Asker:
    """What to ask where `condition` is unknown."""
    if isinstance(condition, Test):
        names = tuple(asked_facts.get(condition.subject, ()))
        return lambda facts: [name for name in names if name not in facts or isinstance(facts[name], Interval)]
    assert isinstance(condition, All | AnyOf), "negations were pushed into the comparisons"
    parts = [_part(part, asked_facts) for part in condition.parts]
    return _first(parts) if isinstance(condition, All) else _every(parts)


def _part(condition: Condition, asked_facts: Mapping[str, Sequence[str]]) -> Part:
    alone = None
    if isinstance(condition, Test) and condition.op not in ("known", "unknown"):
        name = condition.subject
        alone = name if tuple(asked_facts.get(name, ())) == (name,) and name not in INTERVAL_FACTS else None
    truth, ask = meaning(condition), _asked(condition, asked_facts)
    subjects = {test.subject for test in tests(condition)}
    rests_on = subjects.union(*(asked_facts.get(subject, ()) for subject in subjects))
    return Part(alone, frozenset(rests_on), tuple(ask({})) if truth({}) is None else (), truth, ask)


def _first(parts: Sequence[Part]) -> Asker:
    def first(facts: Facts) -> Sequence[str]:
        known = facts.keys()
        for name, rests_on, of_nothing, truth, ask in parts:
            if name is not None:
                if name not in facts:
                    return (name,)
            elif known.isdisjoint(rests_on):
                if of_nothing:
                    return of_nothing
            elif truth(facts) is None and (names := ask(facts)):  # a condition still open is nobody's to answer
                return names
        return ()

    return first


def _every(parts: Sequence[Part]) -> Asker:
    def every(facts: Facts) -> Sequence[str]:
        known = facts.keys()
        found: list[str] = []  # a name may come twice, of two parts
        for name, rests_on, of_nothing, truth, ask in parts:
            if name is not None:
                if name not in facts:
                    found.append(name)
            elif known.isdisjoint(rests_on):
                found.extend(of_nothing)
            elif truth(facts) is None:
                found.extend(ask(facts))
        return tuple(dict.fromkeys(found))

    return every
