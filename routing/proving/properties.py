"""What is to be proved of a ruleset, as a medical manager writes it down beside the rules in `properties.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from routing.errors import BadData, Finding
from routing.rules.condition import Condition, ConditionError, Names, read_condition, tests
from routing.rules.rule import Strength
from routing.rules.ruleset import Ruleset
from routing.vocabulary import URGENCIES, Identifier, Strict, Text, digest_of, parse_as
from routing.yamlfile import YamlFile, read

FILE = "properties.yaml"

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Words = Annotated[str, StringConstraints(min_length=1)]
Kind = Literal[
    "reachable", "effect", "duplicates", "overlaps", "urgency", "order", "monotone", "unknown", "always", "stops",
    "kinds_of_places", "somewhere",
]  # fmt: skip
Review = Literal["pending"] | dict[str, str]


class NeedsEntry(Strict):
    """One of these capabilities must be among the needs."""

    any_of: tuple[Identifier, ...] = Field(min_length=1)
    strength: Strength | None = None


class ThenEntry(Strict):
    """What must follow; all that is said must."""

    urgency: str | None = None
    conditions: tuple[Identifier, ...] = ()
    needs: tuple[NeedsEntry, ...] = ()


class WindowEntry(Strict):
    """A number that must be covered from one value to another, both included."""

    number: str
    low: float = Field(alias="from")
    high: float = Field(alias="to")


class ExceptEntry(Strict):
    """What a property does not hold for, by name and with the reason. `of_default`: it holds but for the default
    urgency, which counts where no rule says one. `when` beside `facts`: changes of these are not asked about there."""

    id: Key
    why: Words
    review: Review
    when: Any = None
    rules: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    of_default: bool = False


class PropertyEntry(Strict):
    """A property as it is written."""

    id: Key
    kind: Kind
    text: Text
    why: Words
    review: Review
    when: Any = None
    then: ThenEntry | None = None
    window: WindowEntry | None = None
    exceptions: tuple[ExceptEntry, ...] = Field(default=(), alias="except")


class DirectionEntry(Strict):
    """Facts and which way is worse: an answer, a number below or above a limit, or words from the best to the worst.

    Of a number what is not worse is fine, unless `fine_from` or `fine_upto` says from where it is: between the two it
    is no reassurance, and it need not be worse than not knowing.
    """

    facts: tuple[Identifier, ...] = Field(min_length=1)
    worse: bool | None = None
    low_upto: float | None = None
    fine_from: float | None = None
    fine_upto: float | None = None
    high_from: float | None = None
    order: tuple[str, ...] = ()
    why: Words
    review: Review


class TestedEntry(Strict):
    """What is promised of the choice of a place and is tested on random worlds, not proved: `tests` are its tests."""

    id: Key
    text: Text
    tests: tuple[str, ...] = Field(min_length=1)


class PropertiesFile(Strict):
    """All of `properties.yaml`."""

    format: Literal[1]
    directions: tuple[DirectionEntry, ...] = ()
    properties: tuple[PropertyEntry, ...] = Field(min_length=1)
    tested: tuple[TestedEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exception to a property; `when` is read, and None where the exception names rules or facts."""

    entry: ExceptEntry
    when: Condition | None


@dataclass(frozen=True, slots=True)
class Property:
    """A property, ready to be asked about; `when` is the whole condition, a window included."""

    entry: PropertyEntry
    when: Condition | None
    exemptions: tuple[Exemption, ...]

    @property
    def id(self) -> str:
        """Its name."""
        return self.entry.id


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of a ruleset; `digest` names exactly what the file holds."""

    digest: str
    properties: tuple[Property, ...]
    directions: tuple[DirectionEntry, ...]
    tested: tuple[TestedEntry, ...]


def properties_beside(folder: Path, ruleset: Ruleset) -> Properties | None:
    """The properties that lie beside the rules in `folder`; None if there are none. Raises BadData."""
    path = folder / FILE
    return read_properties(read(path, FILE), ruleset) if path.is_file() else None


def read_properties(file: YamlFile, ruleset: Ruleset) -> Properties:
    """Check `file` against `ruleset`. Raises BadData that lists everything that is wrong, with its line."""
    parsed = parse_as(PropertiesFile, file)
    reader = _Reader(file, ruleset)
    properties = tuple(reader.one(entry, index) for index, entry in enumerate(parsed.properties))
    reader.directions(parsed.directions)
    reader.unique([*(one.id for one in parsed.properties), *(one.id for one in parsed.tested)])
    if reader.findings:
        raise BadData(tuple(reader.findings))
    return Properties(digest_of(file.value), properties, parsed.directions, parsed.tested)


class _Reader:
    """Collects what is wrong while a file is read."""

    def __init__(self, file: YamlFile, ruleset: Ruleset) -> None:
        self.file, self.ruleset = file, ruleset
        self.names = Names(ruleset.subjects, ruleset.parameters)
        self.findings: list[Finding] = []

    def wrong(self, location: Sequence[str | int], message: str) -> None:
        self.findings.append(self.file.finding(tuple(location), message))

    def unique(self, ids: Sequence[str]) -> None:
        for key in sorted({key for key in ids if ids.count(key) > 1}):
            self.wrong(("properties",), f"`{key}` is the name of two properties")

    def condition(self, source: Any, here: Sequence[str | int]) -> Condition | None:
        try:
            return read_condition(source, self.names)
        except ConditionError as error:
            self.wrong((*here, *error.location), error.message)
            return None

    def one(self, entry: PropertyEntry, index: int) -> Property:
        here = ("properties", index)
        if (entry.kind == "always") != (entry.then is not None and entry.when is not None):
            self.wrong(here, "`when` and `then` belong to the kind `always`, which needs both")
        source = entry.when
        if entry.window is not None:
            if entry.window.number not in self.ruleset.subjects:
                self.wrong((*here, "window"), f"there is no number `{entry.window.number}`")
            else:
                source = {"all": [source, *self._window(entry.window)]}
        when = self.condition(source, (*here, "when")) if source is not None else None
        if entry.then is not None:
            self._then(entry.then, (*here, "then"))
        return Property(entry, when, tuple(self._exemptions(entry, here)))

    def _window(self, window: WindowEntry) -> Iterator[str]:
        subject = self.ruleset.subjects[window.number]
        if subject.low is None or window.low > subject.low:
            yield f"{window.number} >= {_written(window.low)}"
        if subject.high is None or window.high < subject.high:
            yield f"{window.number} <= {_written(window.high)}"

    def _then(self, then: ThenEntry, here: Sequence[str | int]) -> None:
        if then.urgency is not None and then.urgency not in URGENCIES:
            self.wrong((*here, "urgency"), f"`{then.urgency}` is not an urgency ({', '.join(URGENCIES)})")
        words = self.ruleset.vocabulary
        for code in then.conditions:
            if code not in words.conditions:
                self.wrong((*here, "conditions"), f"there is no condition `{code}`")
        for need in then.needs:
            for capability in need.any_of:
                if capability not in words.capabilities:
                    self.wrong((*here, "needs"), f"there is no capability `{capability}`")
        if not (then.urgency or then.conditions or then.needs):
            self.wrong(here, "says nothing: give `urgency`, `conditions` or `needs`")

    def _exemptions(self, entry: PropertyEntry, here: Sequence[str | int]) -> Iterator[Exemption]:
        for index, given in enumerate(entry.exceptions):
            place = (*here, "except", index)
            when = self.condition(given.when, (*place, "when")) if given.when is not None else None
            of_facts = bool(given.facts) and entry.kind in ("monotone", "unknown")
            if of_facts and when is not None:
                self._excused(when, given, (*place, "when"))
            elif bool(given.rules) + bool(given.facts) + (given.when is not None) != 1:
                self.wrong(place, "an exception says `when`, names `rules`, or names `facts`: exactly one of these")
            for name in given.rules:
                if name not in self.ruleset.by_id:
                    self.wrong((*place, "rules"), f"there is no rule `{name}`")
            for name in given.facts:
                if name not in self.ruleset.vocabulary.facts:
                    self.wrong((*place, "facts"), f"there is no fact `{name}`")
            yield Exemption(given, when)

    def _excused(self, when: Condition, given: ExceptEntry, here: Sequence[str | int]) -> None:
        """A `when` beside `facts` asks about the rest of the patient, which is the same before and after."""
        facts = self.ruleset.vocabulary.facts
        for subject in sorted({test.subject for test in tests(when)}):
            if subject not in facts or subject in given.facts:
                self.wrong(here, f"asks `{subject}`: beside `facts` only other facts can be asked")
        if given.of_default:
            self.wrong(here, "stands beside `of_default`: make it two exceptions")

    def directions(self, entries: Sequence[DirectionEntry]) -> None:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            here = ("directions", index)
            numeric = entry.low_upto is not None or entry.high_from is not None
            if (entry.worse is not None) + numeric + bool(entry.order) != 1:
                self.wrong(here, "a direction says `worse`, `low_upto` and/or `high_from`, or `order`")
            for worse, fine, sign in ((entry.low_upto, entry.fine_from, 1), (entry.high_from, entry.fine_upto, -1)):
                if fine is not None and (worse is None or sign * fine <= sign * worse):
                    self.wrong(here, "what is fine begins beyond the limit of what is worse, on the same side")
            if entry.fine_from is not None and entry.fine_upto is not None and entry.fine_from > entry.fine_upto:
                self.wrong(here, "no number is fine: `fine_from` lies above `fine_upto`")
            expected = "boolean" if entry.worse is not None else "number" if numeric else "choice"
            for name in entry.facts:
                fact = self.ruleset.vocabulary.facts.get(name)
                if fact is None:
                    self.wrong((*here, "facts"), f"there is no fact `{name}`")
                elif fact.type != expected or self.ruleset.subjects[name].interval:
                    self.wrong((*here, "facts"), f"`{name}` is a {fact.type}, and the direction is for a {expected}")
                elif not set(entry.order) <= {*self.ruleset.vocabulary.choices(name)} and entry.order:
                    self.wrong((*here, "order"), f"names what is not a value of `{name}`")
                if name in seen:
                    self.wrong((*here, "facts"), f"`{name}` has a direction already")
                seen.add(name)


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
