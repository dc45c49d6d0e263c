"""What a rule asks about a case: a tree of `all`, `any` and `not` over short comparisons a clinician can read.

A comparison is a string: `systolic_bp < 90 mmHg`, `avpu in [V, P, U]`, `chest_pain`, `not pregnant`,
`last_known_well_at is unknown`, `age_years >= $cardiac_age`, `condition.stemi`, `urgency at least U2`, `always`.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from routing.vocabulary import URGENCIES

Kind = Literal["boolean", "number", "choice", "time", "condition", "urgency"]
Op = Literal["<", "<=", ">", ">=", "=", "!=", "in", "not in", "true", "false", "known", "unknown", "at least", "below"]
Value = float | int | tuple[str, ...] | None

OPPOSITE: dict[Op, Op] = {
    "<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "!=", "!=": "=", "in": "not in", "not in": "in",
    "true": "false", "false": "true", "known": "unknown", "unknown": "known", "at least": "below", "below": "at least",
}  # fmt: skip

CLAUSES_MOST = 256
"""A rule that multiplies out to more alternatives than this is refused: it is too much for a reader as well."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a comparison can be about. `interval` means its value is a range (a score over unknown items)."""

    name: str
    kind: Kind
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    whole: bool = False
    choices: tuple[str, ...] = ()
    interval: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named threshold: a number and its unit."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison. `value` is a number, the choices of `in`, the rank of an urgency (0-5), or nothing."""

    __test__ = False  # not a pytest class

    subject: str
    op: Op
    value: Value = None


@dataclass(frozen=True, slots=True)
class All:
    """True if all parts are."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if at least one part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of its part; unknown stays unknown."""

    part: Condition


Condition = Test | All | AnyOf | Not
ALWAYS = All(())
Clause = tuple[Test, ...]
"""A conjunction of tests; a condition in normal form is a tuple of clauses of which one must hold."""


class ConditionError(ValueError):
    """A condition cannot be read; `location` leads to the part of the tree that is wrong."""

    def __init__(self, location: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message


@dataclass(frozen=True, slots=True)
class Names:
    """What may be named: subjects, named parameters."""

    subjects: Mapping[str, Subject]
    parameters: Mapping[str, Parameter]


# -- reading ----------------------------------------------------------------------------------------------------------

_NAME = r"(?P<name>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)"
_NUMBER = r"(?P<number>[-+]?\d+(?:\.\d+)?)(?:\s*(?P<unit>\S+))?"
_FLAG = re.compile(rf"(?P<negated>not\s+)?{_NAME}")
_KNOWN = re.compile(rf"{_NAME}\s+is\s+(?P<state>known|unknown)")
_RIGHT = rf"(?:{_NUMBER}|\$(?P<parameter>\w+)|(?P<word>\w+))"
_COMPARE = re.compile(rf"{_NAME}\s*(?P<op><=|>=|!=|<|>|=)\s*(?P<right>{_RIGHT})")
_ONE_OF = re.compile(rf"{_NAME}\s+(?P<op>not\s+in|in)\s+\[(?P<words>[^\]]*)\]")
_URGENCY = re.compile(r"(?P<negated>not\s+)?urgency\s+at\s+least\s+(?P<level>\w+)")


def read_condition(source: Any, names: Names) -> Condition:
    """Read the `when` of a rule as YAML gave it. Raises ConditionError that says what would be right."""
    return _read(source, names, ())


def _read(source: Any, names: Names, here: tuple[str | int, ...]) -> Condition:
    if isinstance(source, str):
        return _read_test(source.strip(), names, here)
    if isinstance(source, dict) and len(source) == 1:
        ((word, inner),) = source.items()
        if word == "not":
            return Not(_read(inner, names, (*here, "not")))
        if word in ("all", "any") and isinstance(inner, list | tuple) and inner:
            parts = tuple(_read(part, names, (*here, word, index)) for index, part in enumerate(inner))
            return All(parts) if word == "all" else AnyOf(parts)
    raise ConditionError(
        here, "a condition is a comparison in one line, or `all: [...]`, `any: [...]` (not empty) or `not: ...`"
    )


def _read_test(text: str, names: Names, here: tuple[str | int, ...]) -> Condition:
    def refuse(message: str) -> ConditionError:
        return ConditionError(here, f"`{text}`: {message}")

    if text == "always":
        return ALWAYS
    if match := _URGENCY.fullmatch(text):
        _subject("urgency", names, refuse)
        return _urgency(match, refuse)
    if match := _KNOWN.fullmatch(text):
        subject = _subject(match["name"], names, refuse)
        if subject.kind in ("condition", "urgency"):
            raise refuse("only a fact can be known or unknown")
        if subject.interval:
            raise refuse(f"`{subject.name}` may be known within limits only; compare it with a number")
        return Test(subject.name, "known" if match["state"] == "known" else "unknown")
    if match := _ONE_OF.fullmatch(text):
        return _one_of(match, names, refuse)
    if match := _COMPARE.fullmatch(text):
        return _compare(match, names, refuse)
    if match := _FLAG.fullmatch(text):
        return _flag(match, names, refuse)
    raise refuse(
        "cannot be read; write for example `systolic_bp < 90`, `avpu in [V, P]`, `chest_pain`, `not pregnant`, "
        "`onset_at is unknown`, `condition.stemi`, `urgency at least U2`"
    )


Refuse = Callable[[str], ConditionError]


def _subject(name: str, names: Names, refuse: Refuse) -> Subject:
    if (subject := names.subjects.get(name)) is None:
        raise refuse(f"there is no fact, score or conclusion `{name}`{_hint(name, names.subjects)}")
    return subject


def _hint(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(f'`{other}`' for other in close)}?" if close else ""


def _urgency(match: re.Match[str], refuse: Refuse) -> Test:
    if match["level"] not in URGENCIES:
        raise refuse(f"an urgency is one of {', '.join(URGENCIES)}")
    if match["level"] == URGENCIES[-1]:
        raise refuse(f"is always true: every case is at least {URGENCIES[-1]}")
    return Test("urgency", "below" if match["negated"] else "at least", URGENCIES.index(match["level"]))


def _flag(match: re.Match[str], names: Names, refuse: Refuse) -> Test:
    subject = _subject(match["name"], names, refuse)
    if subject.kind not in ("boolean", "condition"):
        raise refuse(f"`{subject.name}` is a {subject.kind}: compare it with something")
    return Test(subject.name, "false" if match["negated"] else "true")


def _one_of(match: re.Match[str], names: Names, refuse: Refuse) -> Test:
    subject = _subject(match["name"], names, refuse)
    words = tuple(word.strip() for word in match["words"].split(","))
    return _choice(subject, "not in" if match["op"].startswith("not") else "in", words, refuse)


def _choice(subject: Subject, op: Op, words: tuple[str, ...], refuse: Refuse) -> Test:
    if subject.kind != "choice":
        raise refuse(f"`{subject.name}` is a {subject.kind}, not a choice")
    for word in words:
        if word not in subject.choices:
            near = _hint(word, dict.fromkeys(subject.choices))
            allowed = f"; allowed: {', '.join(subject.choices)}" if len(subject.choices) <= 12 else near
            raise refuse(f"`{word}` is not a value of `{subject.name}`{allowed}")
    if len(set(words)) != len(words):
        raise refuse("a value stands twice")
    if set(words) == set(subject.choices):
        raise refuse("this names every value, so it says nothing; ask `is known` instead")
    return Test(subject.name, op, tuple(sorted(words)))


def _compare(match: re.Match[str], names: Names, refuse: Refuse) -> Test:
    subject = _subject(match["name"], names, refuse)
    op: Op = match["op"]  # type: ignore[assignment]
    if subject.kind == "choice":
        if op not in ("=", "!="):
            raise refuse(f"`{subject.name}` is a choice: use `=`, `!=` or `in [...]`")
        if match["parameter"] is not None:
            raise refuse(f"`{subject.name}` is a choice: compare it with one of its values")
        return _choice(subject, "in" if op == "=" else "not in", (match["right"].strip(),), refuse)
    if subject.kind != "number":
        raise refuse(f"`{subject.name}` is a {subject.kind}, not a number")
    value, unit = _number(match, names, refuse)
    if unit is not None and unit != subject.unit:
        raise refuse(f"the unit is `{unit}`, but `{subject.name}` is in `{subject.unit}`")
    if subject.interval and op in ("=", "!="):
        raise refuse("a score may lie between two values while items are unknown: use `<`, `<=`, `>` or `>=`")
    if subject.whole and value != int(value):
        raise refuse(f"`{subject.name}` is a whole number, so {value} is never met exactly")
    _reachable(subject, op, value, refuse)
    return Test(subject.name, op, value)


def _number(match: re.Match[str], names: Names, refuse: Refuse) -> tuple[float, str | None]:
    if (key := match["parameter"]) is not None:
        if (parameter := names.parameters.get(key)) is None:
            raise refuse(f"there is no parameter `${key}`{_hint(key, names.parameters)}")
        return parameter.value, parameter.unit
    if match["number"] is None:
        raise refuse(f"`{match['word']}` is not a number")
    text = match["number"]
    return (float(text) if "." in text else int(text)), match["unit"]


def _reachable(subject: Subject, op: Op, value: float, refuse: Refuse) -> None:
    if subject.low is None or subject.high is None:
        return
    low, high = subject.low, subject.high
    ever = {"<": low < value, "<=": low <= value, ">": high > value, ">=": high >= value,
            "=": low <= value <= high, "!=": low < high or low != value}[op]  # fmt: skip
    never = {"<": high >= value, "<=": high > value, ">": low <= value, ">=": low < value,
             "=": low < high or low != value, "!=": low <= value <= high}[op]  # fmt: skip
    if not ever:
        raise refuse(f"can never be true: `{subject.name}` lies between {low:g} and {high:g} {subject.unit}")
    if not never:
        raise refuse(f"is always true: `{subject.name}` lies between {low:g} and {high:g} {subject.unit}")


# -- transforming -----------------------------------------------------------------------------------------------------


def tests(condition: Condition) -> Iterator[Test]:
    """All comparisons in `condition`, in reading order."""
    found: list[Test] = []
    _collect(condition, found)
    return iter(found)


def _collect(condition: Condition, found: list[Test]) -> None:
    if isinstance(condition, Test):
        found.append(condition)
    elif isinstance(condition, Not):
        _collect(condition.part, found)
    else:
        for part in condition.parts:
            _collect(part, found)


def negation_normal(condition: Condition, *, negated: bool = False) -> Condition:
    """The same meaning without `not`: every negation is pushed into the comparisons."""
    if isinstance(condition, Test):
        return Test(condition.subject, OPPOSITE[condition.op], condition.value) if negated else condition
    if isinstance(condition, Not):
        return negation_normal(condition.part, negated=not negated)
    parts = tuple(negation_normal(part, negated=negated) for part in condition.parts)
    return All(parts) if isinstance(condition, All) != negated else AnyOf(parts)


def normal_form(condition: Condition) -> tuple[Clause, ...]:
    """`condition` as alternatives, each a conjunction of tests. Raises ConditionError if there are too many."""
    made, clauses = _multiplied_out(condition)
    return tuple(tuple(made[number] for number in clause) for clause in _shortest(clauses))


def can_be_true(condition: Condition, subjects: Mapping[str, Subject]) -> bool:
    """Whether some case can meet `condition` (see `satisfiable`). Raises ConditionError if it has too many
    alternatives."""
    made, clauses = _multiplied_out(condition)
    return any(satisfiable(tuple(made[number] for number in clause), subjects) for clause in clauses)


def _multiplied_out(condition: Condition) -> tuple[Sequence[Test], Iterable[_Numbers]]:
    """All tests of `condition`, and its alternatives."""
    numbers: dict[Test, int] = {}  # clauses are multiplied out as numbers of tests: a test takes long to compare
    unique = dict.fromkeys(_clauses(negation_normal(condition), numbers))
    return tuple(numbers), unique


def _shortest(clauses: Iterable[_Numbers]) -> Iterator[_Numbers]:
    """`clauses` without those that say more than another one, which add nothing."""
    by_length: dict[int, list[frozenset[int]]] = {}
    sets = [(clause, frozenset(clause)) for clause in clauses]
    for _, found in sets:
        by_length.setdefault(len(found), []).append(found)
    for clause, found in sets:
        shorter = (other for length, others in by_length.items() if length < len(found) for other in others)
        if not any(map(found.issuperset, shorter)):
            yield clause


_Numbers = tuple[int, ...]
"""A clause of which every test is a number."""


def _clauses(condition: Condition, numbers: dict[Test, int]) -> tuple[_Numbers, ...]:
    if isinstance(condition, Test):
        return ((numbers.setdefault(condition, len(numbers)),),)
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    if isinstance(condition, AnyOf):
        found = tuple(clause for part in condition.parts for clause in _clauses(part, numbers))
    else:
        found = ((),)
        for part in condition.parts:
            found = tuple(_joined(left, right) for left, right in itertools.product(found, _clauses(part, numbers)))
            _limit(found)
    _limit(found)
    return found


def _joined(left: _Numbers, right: _Numbers) -> _Numbers:
    return tuple(dict.fromkeys((*left, *right)))


def _limit(found: tuple[_Numbers, ...]) -> None:
    if len(found) > CLAUSES_MOST:
        raise ConditionError((), f"multiplies out to more than {CLAUSES_MOST} alternatives; split the rule in two")


def satisfiable(clause: Clause, subjects: Mapping[str, Subject]) -> bool:
    """Whether some value of each subject can meet all tests of `clause` together (looked at one subject at a time)."""
    by_subject: dict[str, list[Test]] = {}
    for test in clause:
        by_subject.setdefault(test.subject, []).append(test)
    return all(_possible(subjects[name], found) for name, found in by_subject.items())


def _possible(subject: Subject, found: list[Test]) -> bool:
    ops = {test.op for test in found}
    if {"known", "unknown"} <= ops or {"true", "false"} <= ops or ("unknown" in ops and len(ops) > 1):
        return False
    if subject.kind == "choice":
        left = set(subject.choices)
        for test in found:
            if test.op == "in":
                left &= set(_words(test))
            elif test.op == "not in":
                left -= set(_words(test))
        return bool(left)
    if subject.kind in ("number", "urgency"):
        return _numbers_possible(subject, found)
    return True


def _words(test: Test) -> tuple[str, ...]:
    assert isinstance(test.value, tuple)
    return test.value


def _numbers_possible(subject: Subject, found: list[Test]) -> bool:
    if subject.interval:  # `<` speaks about the high end, `>` about the low one: the ends may lie apart, not crossed
        above = [test.value for test in found if test.op in (">", ">=") and isinstance(test.value, int | float)]
        below = [test.value for test in found if test.op in ("<", "<=") and isinstance(test.value, int | float)]
        if not above or not below:
            return True
        strict = any(test.op in ("<", ">") and test.value in (max(above), min(below)) for test in found)
        return max(above) < min(below) or (max(above) == min(below) and not strict)
    low, high = (0.0, 5.0) if subject.kind == "urgency" else (subject.low or 0.0, subject.high or 0.0)
    limits = sorted({low, high, *(test.value for test in found if isinstance(test.value, int | float))})
    between = [(left + right) / 2 for left, right in itertools.pairwise(limits)]
    if subject.whole or subject.kind == "urgency":
        between = [float(math.floor(limit) + step) for limit in limits for step in (-1, 0, 1)]
    inside = [point for point in (*limits, *between) if low <= point <= high]
    return any(all(compare(test, point) for test in found) for point in inside)


def compare(test: Test, value: float) -> bool:
    """Whether the number `value` meets the numeric `test` (tests that are not about a number are met)."""
    limit = test.value
    if not isinstance(limit, int | float):
        return True
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit, "=": value == limit,
            "!=": value != limit, "at least": value <= limit, "below": value > limit}[test.op]  # fmt: skip


def asked_negatively(condition: Condition) -> Iterator[Test]:
    """The tests on conclusions that `condition` asks for their absence."""
    for test in tests(negation_normal(condition)):
        if (test.subject.startswith("condition.") and test.op == "false") or test.op == "below":
            yield test


def in_words(condition: Condition) -> Any:
    """The condition as it would be written in YAML again."""
    if isinstance(condition, Not):
        return {"not": in_words(condition.part)}
    if isinstance(condition, All):
        return {"all": [in_words(part) for part in condition.parts]} if condition.parts else "always"
    if isinstance(condition, AnyOf):
        return {"any": [in_words(part) for part in condition.parts]}
    return _test_in_words(condition)


def _test_in_words(test: Test) -> str:
    if test.op in ("true", "false"):
        return test.subject if test.op == "true" else f"not {test.subject}"
    if test.op in ("known", "unknown"):
        return f"{test.subject} is {test.op}"
    if test.op in ("at least", "below") and isinstance(test.value, int):
        return f"{'not ' if test.op == 'below' else ''}urgency at least {URGENCIES[test.value]}"
    if isinstance(test.value, tuple):
        return f"{test.subject} {test.op} [{', '.join(test.value)}]"
    return f"{test.subject} {test.op} {test.value!r}"
