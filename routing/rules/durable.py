"""Asks the required rule engine which rules hold for a case, from behind a fence that keeps its known defects away.

The engine is durable_rules, a C engine that crashes, mixes up requests or gives wrong answers when it is used as its
manual shows. Here it gets rules and facts of one shape only: flat facts with generated names and numbers, and rules
that are plain conjunctions over one fact. ADR 0001 lists what goes wrong otherwise.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeGuard

import orjson

from routing.errors import EngineFault
from routing.rules.at_once import holds, most_at_once
from routing.rules.condition import Clause, ConditionError, Op, Subject, Test, normal_form
from routing.rules.engine_names import OF_THE_ENGINE, safe_names
from routing.rules.parts import Piece, Step, steps
from routing.rules.rule import Facts, FactValue, Interval, Rule, RuleCycle, Stage

try:
    import durable_rules_engine as engine
except ImportError as error:
    raise ImportError(
        "the rule engine durable-rules 2.0.28 cannot be loaded: it needs CPython 3.11 or 3.12, and a C compiler with "
        "the Python headers when it is installed"
    ) from error

NUMBER_MOST = 2**53
"""Numbers from here on are refused: they are not exact as a float, and the engine saturates at 2^63."""

STACK_MOST = 60
"""Tests that may wait on the engine's stack at once; it fails at 65, on the sickest patients first."""

CHILDREN_MOST = 480
"""Tests below one test; the engine fails at 512 and hangs at 513."""

PROPERTIES_MOST = 190
"""Properties of one fact; the engine fails above 252."""

CLAUSES_MOST = 4000
"""Alternatives of all rules that the engine gets together; it fails above 4,096."""


class EngineRefusal(EngineFault):
    """A rule cannot be put to the engine safely; `rule` is its id and the message says why."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"rule `{rule}`: {message}")
        self.rule = rule
        self.message = message


# -- from rules to what the engine gets -------------------------------------------------------------------------------

_OPS: Mapping[str, frozenset[Op]] = {
    "boolean": frozenset(("true", "false", "known", "unknown")),
    "number": frozenset(("<", "<=", ">", ">=", "=", "!=", "known", "unknown")),
    "score": frozenset(("<", "<=", ">", ">=")),
    "choice": frozenset(("in", "not in", "known", "unknown")),
    "time": frozenset(("known", "unknown")),
    "condition": frozenset(("true", "false")),
    "urgency": frozenset(("at least", "below")),
}
_IN_C = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "!=": "$neq", "not in": "$neq", "at least": "$lte",
         "below": "$gt"}  # fmt: skip

Aspect = str | Test
"""What a property says of a subject: its "value", its "low" or "high" end, whether it is "known", or that one choice
test holds."""


def _aspect(test: Test, subject: Subject) -> Aspect:
    if test.op in ("known", "unknown"):
        return "known"
    if subject.interval:
        return "low" if test.op in (">", ">=") else "high"
    if isinstance(test.value, tuple) and len(test.value) > 1:
        return test
    return "value"


class _Properties:
    """The generated property names of all aspects that the rules ask about."""

    def __init__(self) -> None:
        self._names = safe_names("a", OF_THE_ENGINE)
        self._of: dict[str, dict[Aspect, str]] = {}

    def name(self, test: Test, subject: Subject) -> str:
        aspects = self._of.setdefault(subject.name, {})
        aspect = _aspect(test, subject)
        if aspect not in aspects:
            aspects[aspect] = next(self._names)
        return aspects[aspect]

    def items(self) -> Iterable[tuple[str, dict[Aspect, str]]]:
        """Every subject asked about, with its aspects and their names."""
        return self._of.items()


def _in_c(test: Test, subject: Subject, name: str) -> str:
    """`test` as a piece of the engine's JSON."""
    if isinstance(test.value, tuple):
        if len(test.value) > 1:
            return f'{{"{name}":1}}'
        value = str(subject.choices.index(test.value[0]))
    elif test.value is not None:
        value = _decimal(test.value)
    else:
        value = "1" if test.op in ("true", "known") else "0"
    inner = f'{{"{name}":{value}}}'
    return f'{{"{_IN_C[test.op]}":{inner}}}' if test.op in _IN_C else inner


def _decimal(value: float) -> str:
    """A number without exponent, which the engine cannot read; the value stays exactly the same."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def _refuse_unfit(piece: Piece, test: Test, subjects: Mapping[str, Subject]) -> None:
    """Raise EngineRefusal if `test` is not one that the engine gets right."""
    if (subject := subjects.get(test.subject)) is None:
        raise EngineRefusal(piece.rule, f"asks about `{test.subject}`, which does not exist")
    kind = "score" if subject.interval else subject.kind
    if test.op not in _OPS[kind]:
        raise EngineRefusal(piece.rule, f"`{test.subject}` is a {kind} and cannot be asked with `{test.op}`")
    if piece.stage == "triage" and (kind == "urgency" or (kind == "condition" and test.op == "false")):
        raise EngineRefusal(piece.rule, f"a triage rule may only ask that a condition is there, not `{_asked(test)}`")
    if test.op in ("true", "false", "known", "unknown"):
        return
    if kind == "choice":
        fits = isinstance(test.value, tuple) and bool(test.value) and set(test.value) <= set(subject.choices)
    else:
        fits = _is_number(test.value)
    if not fits:
        raise EngineRefusal(piece.rule, f"`{test.subject} {test.op}` compares with something that cannot be its value")


def _asked(test: Test) -> str:
    return f"not {test.subject}" if test.op == "false" else test.subject


def _is_number(value: object) -> TypeGuard[float]:
    """An int or float itself (a bool or a subclass may print otherwise), finite and exact."""
    return type(value) in (int, float) and -NUMBER_MOST < value < NUMBER_MOST  # type: ignore[operator]


Numbers = tuple[int, ...]
"""Tests by their numbers, each its place in the tests of the stratum: tests themselves take long to compare."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """All tests of a stratum, those that many clauses share first, so that the engine's tree stays small."""

    tests: tuple[Test, ...]
    subjects: tuple[Subject, ...]  # of each test
    aspects: tuple[tuple[str, Aspect], ...]  # of each test, with the name of its subject
    at_once: dict[Numbers, int] = field(default_factory=dict)

    def most(self, numbers: Numbers) -> int:
        """How many of these tests, all on one subject, can be true of one case at most."""
        if not numbers:
            return 0
        if (found := self.at_once.get(numbers)) is None:
            found = most_at_once(self.subjects[numbers[0]], [self.tests[number] for number in numbers])
            self.at_once[numbers] = found
        return found


@dataclass(slots=True)
class _Branch:
    """One test in the tree that the engine will build, with what follows it."""

    below: dict[int, _Branch] = field(default_factory=dict)
    on: dict[str, Numbers] = field(default_factory=dict)  # subject -> the tests below that are about it
    wide: int = 0  # how many tests below can be true together
    deepest: int = 0  # the highest stack of what is below
    stack: int = 0  # how high the engine's stack can get from here

    def measure(self, deepest: int) -> None:
        self.deepest = deepest
        self.stack = max(self.wide, self.wide - 1 + deepest)


class _Group:
    """Clauses that are put to the engine over one fact, few enough for its limits."""

    def __init__(self, asked: _Asked) -> None:
        self._asked = asked
        self._root = _Branch()
        self._aspects: set[tuple[str, Aspect]] = set()
        self.clauses: list[Numbers] = []

    def take(self, clause: Numbers) -> bool:
        """Add `clause`, or leave the group as it was and answer False if it would pass a limit."""
        fresh = {self._asked.aspects[number] for number in clause} - self._aspects
        if len(self._aspects) + len(fresh) > PROPERTIES_MOST:
            return False
        path, grown = self._grow(clause)
        if self._root.stack > STACK_MOST or any(len(branch.below) > CHILDREN_MOST for branch in path):
            if grown is not None:
                self._cut(path, *grown)
            return False
        self._aspects |= fresh
        self.clauses.append(clause)
        return True

    def _grow(self, clause: Numbers) -> tuple[list[_Branch], tuple[int, int] | None]:
        path = [self._root]
        grown = None
        for depth, number in enumerate(clause):
            branch = path[-1]
            if (next_ := branch.below.get(number)) is None:
                next_ = branch.below[number] = _Branch()
                name = self._asked.subjects[number].name
                self._count(branch, name, (*branch.on.get(name, ()), number))
                grown = grown or (depth, number)
            path.append(next_)
        deepest = 0
        for branch in reversed(path):  # a tree that grows only gets deeper
            branch.measure(max(branch.deepest, deepest))
            deepest = branch.stack
        return path, grown

    def _cut(self, path: Sequence[_Branch], depth: int, number: int) -> None:
        """Take away what grew in `path` from the test `number` on."""
        branch, name = path[depth], self._asked.subjects[number].name
        del branch.below[number]
        self._count(branch, name, tuple(other for other in branch.on[name] if other != number))
        for each in reversed(path[: depth + 1]):
            each.measure(max((below.stack for below in each.below.values()), default=0))

    def _count(self, branch: _Branch, name: str, found: Numbers) -> None:
        """`found` are now the tests below `branch` that are about the subject `name`."""
        branch.wide += self._asked.most(found) - self._asked.most(branch.on.get(name, ()))
        branch.on[name] = found


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Pieces that are evaluated together: the engine's definition, the facts it needs, and whose clause is whose."""

    definition: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]  # per group: how its fact begins, and its subjects
    rules: Mapping[str, tuple[str, ...]]  # name of the engine's rule -> names of the pieces it stands for
    care: bool
    of_parts: bool


def _portions(step: Step) -> Iterator[Step]:
    """`step` in portions that the engine can take: its pieces do not wait for each other."""
    portion: list[Piece] = []
    clauses = 0
    for piece in step.pieces:
        more = len(_alternatives(piece))
        if portion and clauses + more > CLAUSES_MOST:
            yield replace(step, pieces=tuple(portion))
            portion, clauses = [], 0
        portion.append(piece)
        clauses += more
    if portion:
        yield replace(step, pieces=tuple(portion))


def _alternatives(piece: Piece) -> tuple[Clause, ...]:
    try:
        return normal_form(piece.when)
    except ConditionError as error:
        raise EngineRefusal(piece.rule, error.message) from error


def _stratum(step: Step, subjects: Mapping[str, Subject], properties: _Properties) -> _Stratum | None:
    """Translate pieces that are evaluated together; None if none of them can ever fire."""
    asked, owners = _owners(step.pieces, subjects)
    if not owners:
        return None
    bodies: list[str | None] = [None] * len(asked.tests)
    definition: list[str] = []
    ids: dict[str, tuple[str, ...]] = {}
    facts = []
    for number, group in enumerate(_groups(owners, asked)):
        names: dict[str, None] = {}
        for clause in group.clauses:
            name = f"r{len(ids)}"
            ids[name] = tuple(dict.fromkeys(piece.name for piece in owners[clause]))
            parts = [f'{{"g":{number}}}']
            for each in clause:
                test, subject = asked.tests[each], asked.subjects[each]
                if (body := bodies[each]) is None:
                    body = bodies[each] = _in_c(test, subject, properties.name(test, subject))
                parts.append(body)
                names[subject.name] = None
            definition.append(f'"{name}":{{"all":[{{"m":{{"$and":[{",".join(parts)}]}}}}]}}')
        facts.append((f'{{"sid":"1","id":"f{number}","g":{number}', tuple(names)))
    definition += [f'"{name}":{body}' for name, body in _WITNESSES.items()]
    text = "{" + ",".join(definition) + "}"
    orjson.loads(text)  # what is not JSON makes the engine read past the end
    return _Stratum(text, tuple(facts), ids, step.stage == "care", step.of_parts)


def _owners(pieces: Sequence[Piece], subjects: Mapping[str, Subject]) -> tuple[_Asked, dict[Numbers, list[Piece]]]:
    """All that is asked, and every clause in a fixed order, with the pieces that fire by it."""
    numbers: dict[Test, int] = {}
    often: list[int] = []
    found: list[tuple[Piece, list[int]]] = []
    fit: dict[Stage, set[int]] = {"triage": set(), "care": set()}
    for piece in pieces:
        for clause in _alternatives(piece):
            seen = []
            for test in clause:
                number = numbers.setdefault(test, len(numbers))
                if number == len(often):
                    often.append(0)
                often[number] += 1
                seen.append(number)
                if number not in fit[piece.stage]:
                    _refuse_unfit(piece, test, subjects)
                    fit[piece.stage].add(number)
            found.append((piece, seen))
    ranked = sorted(numbers, key=lambda test: (-often[numbers[test]], repr(test)))
    place = {numbers[test]: rank for rank, test in enumerate(ranked)}
    owners: dict[Numbers, list[Piece]] = {}
    for piece, seen in found:
        owners.setdefault(tuple(sorted(map(place.__getitem__, seen))), []).append(piece)
        if len(owners) > CLAUSES_MOST:
            message = f"with this rule there are more than {CLAUSES_MOST} alternatives; split rules"
            raise EngineRefusal(piece.rule, message)
    of = tuple(subjects[test.subject] for test in ranked)
    aspects = tuple((one.name, _aspect(test, one)) for test, one in zip(ranked, of, strict=True))
    return _Asked(tuple(ranked), of, aspects), dict(sorted(owners.items()))


def _groups(owners: Mapping[Numbers, Sequence[Piece]], asked: _Asked) -> list[_Group]:
    groups = [_Group(asked)]
    for clause, pieces in owners.items():
        if groups[-1].take(clause):
            continue
        groups.append(_Group(asked))
        if not groups[-1].take(clause):
            raise EngineRefusal(pieces[0].rule, f"asks about more than {PROPERTIES_MOST} things at once")
        if len(groups) > CHILDREN_MOST:
            raise EngineRefusal(pieces[0].rule, "with this rule there are too many rules for the engine")
    return groups


# -- from facts to what the engine gets -------------------------------------------------------------------------------

Encoder = Callable[[FactValue], str | None]
"""A fact's value -> its properties as JSON, each with a comma before it; None if it cannot be the fact's value."""


def _encoder(subject: Subject, aspects: Mapping[Aspect, str]) -> Encoder:
    known = f',"{aspects["known"]}":1' if "known" in aspects else ""
    if subject.interval:
        return _interval_encoder(aspects.get("low"), aspects.get("high"))
    if subject.kind == "number":
        return _number_encoder(known, aspects.get("value"))
    if subject.kind == "time":
        return lambda value: known if isinstance(value, str) else None
    if subject.kind == "boolean":
        name = aspects.get("value")
        yes, no = (f'{known},"{name}":1', f'{known},"{name}":0') if name else (known, known)
        return lambda value: yes if value is True else no if value is False else None
    texts = {choice: known + _choice_text(subject, choice, aspects) for choice in subject.choices}
    return lambda value: texts.get(value) if isinstance(value, str) else None


def _choice_text(subject: Subject, choice: str, aspects: Mapping[Aspect, str]) -> str:
    text = f',"{aspects["value"]}":{subject.choices.index(choice)}' if "value" in aspects else ""
    held = (name for test, name in aspects.items() if isinstance(test, Test) and holds(test, choice))
    return text + "".join(f',"{name}":1' for name in held)


def _number_encoder(known: str, name: str | None) -> Encoder:
    start = f'{known},"{name}":'

    def encode(value: FactValue) -> str | None:
        if not _is_number(value):
            return None
        return start + _decimal(value) if name is not None else known

    return encode


def _interval_encoder(low: str | None, high: str | None) -> Encoder:
    def encode(value: FactValue) -> str | None:
        lowest, highest = (value.low, value.high) if isinstance(value, Interval) else (value, value)
        if not (_is_number(lowest) and _is_number(highest) and lowest <= highest):
            return None
        text = f',"{low}":{_decimal(lowest)}' if low is not None else ""
        return f'{text},"{high}":{_decimal(highest)}' if high is not None else text

    return encode


# -- the engine's own session -----------------------------------------------------------------------------------------

_SESSION = "1"
_WITNESSES = {
    "d": '{"all":[{"m":{"$and":[{"$gt":{"d":1.25}},{"$lt":{"d":1.75}}]}}],"pri":1}',
    "e": '{"all":[{"m":{"e":1}}],"pri":2}',
}
"""Rules that fire in every case, after all others. `e` says that everything was handed over. `d` says that the engine
reads decimals: it asks the C library, which in a Dutch locale reads 36.6 as 36."""

_WITNESS_FACT = f'{{"sid":"{_SESSION}","id":"e","d":1.5,"e":1}}'
_TAKE_WITNESS_BACK = f'{{"sid":"{_SESSION}","id":"e"}}'
_MATCHED, _NOTHING_MATCHED = 0, 1


class _Session:
    """One ruleset in the engine, with the one session that all cases go through, one after the other."""

    def __init__(self, stratum: _Stratum) -> None:
        self.stratum = stratum
        self._take_back = [f'{{"sid":"{_SESSION}","id":"f{number}"}}' for number in range(len(stratum.facts))]
        self._handle: int | None = None
        self._clean = False

    def run(self, facts: Sequence[str]) -> list[str]:
        """The names of the engine's rules that match `facts` (one JSON text for each group)."""
        handle = self.restore()
        self._clean = False
        stored = []
        for text, take_back in zip(facts, self._take_back, strict=True):
            code, _ = engine.assert_fact(handle, text)
            if code == _MATCHED:
                stored.append(take_back)
            elif code != _NOTHING_MATCHED:
                raise EngineFault(f"the rule engine answered {code} to a fact")
        names = self._fire(handle)
        for take_back in stored:
            engine.retract_fact(handle, take_back)
        self._prove_empty(handle)
        return names

    def restore(self) -> int:
        """Make sure that there is a session without anything of an earlier case in it; the engine's handle."""
        if self._clean and self._handle is not None:
            return self._handle
        # the handle comes back when a rule has fired: only then can a session be deleted without a crash
        handle, self._handle = self._handle, None
        if handle is None:
            handle = engine.create_ruleset("w", self.stratum.definition)
        else:
            engine.delete_state(handle, _SESSION)
        try:
            self._fire(handle)
            self._prove_empty(handle)
        finally:
            if not self._clean:
                self.free()
        return handle

    def _fire(self, handle: int) -> list[str]:
        """Hand over the witness, and take the names of all matching rules; those of the witness must come last."""
        code, state = engine.assert_fact(handle, _WITNESS_FACT)
        if code != _MATCHED:  # asking for actions of a session that is not there would crash
            raise EngineFault(f"the rule engine answered {code} to its witness")
        if (first := engine.start_action_for_state(handle, state)) is None:
            raise EngineFault("the rule engine does not see its witness")
        self._handle = handle
        message: str | None = first[1]
        names: list[str] = []
        while message is not None and len(names) <= len(self.stratum.rules) + len(_WITNESSES):
            names.append(message[2 : message.index('"', 2)])
            message = engine.complete_and_start_action(handle, state)
        if message is not None or names[-1] != "e":
            raise EngineFault("the rule engine did not end with its witness")
        if names[-2:] != list(_WITNESSES):
            raise EngineFault("the rule engine misreads decimals: is a locale with a decimal comma set?")
        return names[:-2]

    def _prove_empty(self, handle: int) -> None:
        engine.retract_fact(handle, _TAKE_WITNESS_BACK)
        if engine.get_facts(handle, _SESSION) != "[]":
            raise EngineFault("the rule engine kept something of a case")
        self._clean = True

    def tidy(self) -> None:
        """`restore` for a session that was used."""
        if self._handle is not None:
            self.restore()

    def forget(self) -> None:
        """Leave the engine's memory alone and start anew at the next case."""
        self._handle, self._clean = None, False

    def free(self) -> None:
        """Give the engine's memory back."""
        handle, self._handle, self._clean = self._handle, None, False
        if handle is not None:
            engine.delete_state(handle, _SESSION)
            engine.delete_ruleset(handle)


def _free(sessions: Iterable[_Session]) -> None:
    for session in sessions:
        session.free()


_alive: weakref.WeakSet[DurableEvaluator] = weakref.WeakSet()


def _start_anew() -> None:
    for evaluator in list(_alive):
        evaluator._after_fork()


os.register_at_fork(after_in_child=_start_anew)


class DurableEvaluator:
    """The rules of one ruleset in the required engine. Safe to share between threads; after a fork the child builds
    its own engine at its first case. Cases go through one at a time: scale by processes."""

    def __init__(self, rules: Sequence[Rule], subjects: Mapping[str, Subject], default_urgency: int) -> None:
        """Translate `rules`; `default_urgency` is the rank (0-5) when no rule that fires gives an urgency.

        Raises EngineRefusal for a rule that the engine cannot evaluate safely."""
        properties = _Properties()
        try:
            portions = [portion for step in steps(rules) for portion in _portions(step)]
        except RuleCycle as cycle:
            raise EngineRefusal(cycle.rules[0], str(cycle)) from cycle
        parts = {piece.name: piece.name for portion in portions if portion.of_parts for piece in portion.pieces}
        subjects = {**subjects, **{name: Subject(name, "condition") for name in parts}}
        found = [_stratum(portion, subjects, properties) for portion in portions]
        self._sessions = [_Session(stratum) for stratum in found if stratum is not None]
        self._urgencies = {rule.id: rule.urgency for rule in rules if rule.urgency is not None}
        concluded = {rule.id: f"condition.{rule.condition}" for rule in rules if rule.condition is not None}
        self._concluded = {**concluded, **parts}
        self._default_urgency = default_urgency
        self._encoders: dict[str, Encoder] = {}
        self._unknown: dict[str, str] = {}  # what the engine gets of a subject that is not known
        self._conclusions: dict[str, str] = {}  # condition or urgency -> the beginning of its property
        for name, aspects in properties.items():
            subject = subjects[name]
            self._unknown[name] = f',"{aspects["known"]}":0' if "known" in aspects else ""
            if subject.kind in ("condition", "urgency"):
                self._conclusions[name] = f',"{aspects["value"]}":'
            else:
                self._encoders[name] = _encoder(subject, aspects)
        self._lock = threading.Lock()
        self._closed = False
        self._finalizer = weakref.finalize(self, _free, self._sessions)
        self._finalizer.atexit = False
        _alive.add(self)

    @property
    def alternatives(self) -> int:
        """How many alternatives the engine gets in all; each takes memory in every process, used or not."""
        return sum(len(session.stratum.rules) for session in self._sessions)

    def fired(self, facts: Facts) -> frozenset[str]:
        """The ids of the rules whose condition is true of `facts`. Facts that no rule asks about are not looked at.

        Raises EngineFault if a value cannot be one of its fact (nothing is given to the engine then) or if the engine
        misbehaves (it is clean again afterwards)."""
        texts = self._encode(facts)
        with self._lock:
            if self._closed:
                raise EngineFault("the rule engine was closed")
            try:
                return self._fired(texts)
            except BaseException as error:
                self._tidy()
                if isinstance(error, EngineFault) or not isinstance(error, Exception):
                    raise
                raise EngineFault(f"the rule engine failed: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Give the engine's memory back; the evaluator cannot be used any more."""
        with self._lock:
            self._closed = True
            self._finalizer()

    def _encode(self, facts: Facts) -> dict[str, str]:
        texts = self._unknown.copy()
        encoders = self._encoders
        for name, value in facts.items():
            if (encode := encoders.get(name)) is not None:
                if (text := encode(value)) is None:
                    raise EngineFault(f"the value of `{name}` is not one that the fact can have")
                texts[name] = text
        return texts

    def _fired(self, texts: dict[str, str]) -> frozenset[str]:
        found: set[str] = set()
        for session in self._sessions:
            stratum = session.stratum
            if stratum.care:
                self._settle(texts, found)
            get = texts.__getitem__
            names = session.run([f"{start}{''.join(map(get, asked))}}}" for start, asked in stratum.facts])
            fired = {piece for name in names for piece in stratum.rules[name]}
            self._conclude(texts, fired)
            if not stratum.of_parts:
                found |= fired
        return frozenset(found)

    def _conclude(self, texts: dict[str, str], fired: Iterable[str]) -> None:
        for piece in fired:
            if (condition := self._concluded.get(piece)) in self._conclusions:
                texts[condition] = f"{self._conclusions[condition]}1"

    def _settle(self, texts: dict[str, str], found: set[str]) -> None:
        """Triage is decided: a condition that was not concluded is not there."""
        for name, start in self._conclusions.items():
            texts[name] = texts[name] or f"{start}0"
        if "urgency" in self._conclusions:
            ranks = [self._urgencies[rule] for rule in found if rule in self._urgencies]
            texts["urgency"] = f"{self._conclusions['urgency']}{min(ranks, default=self._default_urgency)}"

    def _tidy(self) -> None:
        """Take away what a case that failed left behind; what cannot be cleaned now is made new at the next case."""
        for session in self._sessions:
            with contextlib.suppress(Exception):
                session.tidy()

    def _after_fork(self) -> None:
        """In a child process: the lock may be held by a thread that is not here, and a case may be half done."""
        self._lock = threading.Lock()
        for session in self._sessions:
            session.forget()
