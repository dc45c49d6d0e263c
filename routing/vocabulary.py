"""The words that cases, rules and directory share: facts, complaints, capabilities, kinds of places, conditions."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import core_schema

from routing.errors import BadData, Finding, shown
from routing.yamlfile import YamlFile, read

Language = Literal["nl", "en"]
FactType = Literal["boolean", "number", "choice", "time"]
Given = Literal["observations", "patient", "case", "clock", "agreement"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]

URGENCIES = ("U0", "U1", "U2", "U3", "U4", "U5")
"""From most to least urgent (facts: NTS and NHG-TriageWijzer, U0 resuscitation to U5 advice)."""

AMBULANCES = ("A0", "A1", "A2", "B1", "B2", "C1", "C2")
"""Ambulance urgencies from most to least urgent (Verbeterde Urgentie Indeling 2024)."""


ReportKind = Literal["stop", "open", "beds", "crowding", "waiting_minutes", "offload_minutes"]
REPORT_KINDS: tuple[ReportKind, ...] = get_args(ReportKind)
"""What can be reported of a unit of a place: a stop asks to divert if possible and is not a closure; `open: false` is
one. `crowding` is a NEDOCS number, the two times are minutes."""

Model = TypeVar("Model", bound=BaseModel)


Group = Literal[
    "airway", "breathing", "circulation", "disability", "exposure", "heart", "brain", "trauma", "abdomen", "pregnancy",
    "infection", "mental", "other", "patient", "history", "case",
]  # fmt: skip
GROUPS: tuple[Group, ...] = get_args(Group)
"""The order in which groups of facts are asked: ABCDE first, as one looks at a patient."""


class Strict(BaseModel):
    """What is read from a data file: nothing unknown, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True, slots=True)
class Text:
    """A text for a reader, in Dutch and in English."""

    nl: str
    en: str

    def wire(self) -> dict[str, str]:
        """The text as `{"nl", "en"}`."""
        return {"nl": self.nl, "en": self.en}

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_text)

    @classmethod
    def __get_pydantic_json_schema__(cls, _source: Any, _handler: Any) -> dict[str, Any]:
        words = {"type": "string", "minLength": 1}
        return {
            "type": "object",
            "properties": {"nl": words, "en": words},
            "required": ["nl", "en"],
            "additionalProperties": False,
        }


def _read_text(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    if not isinstance(value, dict) or value.keys() != {"nl", "en"}:
        raise ValueError("a text has exactly `nl` and `en`")
    if not all(isinstance(words, str) and words for words in value.values()):
        raise ValueError("`nl` and `en` are words; put quotes around a number or a yes/no")
    return Text(**value)


class Labelled(Strict):
    """Anything with a label."""

    label: Text


class Fact(Strict):
    """Something that can be observed or known about a case; `range` and `unit` belong to numbers."""

    type: FactType
    group: Group
    label: Text
    question: Text
    unit: str | None = None
    range: tuple[float, float] | None = None
    whole: bool = False
    values: dict[str, Text] = Field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    given: Given = "observations"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "number" and (self.unit is None or self.range is None):
            raise ValueError("a number needs `unit` and `range`")
        if self.type != "number" and (self.unit or self.range or self.whole):
            raise ValueError("`unit`, `range` and `whole` belong to a number")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("`range` runs from low to high")
        if self.type == "choice" and not self.values and self.given in ("observations", "agreement"):
            raise ValueError("a choice needs `values`")
        if self.type != "choice" and self.values:
            raise ValueError("`values` belong to a choice")
        return self


class Complaint(Labelled):
    """What the caller complains of."""

    aliases: tuple[str, ...] = ()
    synonyms: dict[Language, tuple[str, ...]] = Field(default_factory=dict)


class Capability(Labelled):
    """What a place can do; `place: false` is care that is never a place in the directory (own huisarts)."""

    implies: tuple[Identifier, ...] = ()
    place: bool = True


class FacilityKind(Labelled):
    """A kind of place: a row of capabilities that it has, or may have; all others it does not have."""

    has: tuple[Identifier, ...] = ()
    may_have: tuple[Identifier, ...] = ()


class Condition(Labelled):
    """A suspected illness or injury; `time_critical` is its code among the five national time-critical conditions."""

    time_critical: str | None = None


class BedKind(Labelled):
    """A kind of bed that a place may report, of the unit (a key of `stop_kinds`) that it belongs to."""

    unit: Identifier


class CodedReason(Labelled):
    """Why an advice was not followed, a patient was refused, or goes nowhere; some need a `comment`, some are for a
    `clinician` to say."""

    comment: bool = False
    clinician: bool = False


class VocabularyFile(Strict):
    """All words of `vocabulary.yaml`."""

    version: int
    facts: dict[Identifier, Fact]
    complaints: dict[Identifier, Complaint]
    capabilities: dict[Identifier, Capability]
    facility_kinds: dict[Identifier, FacilityKind]
    stop_kinds: dict[Identifier, Labelled]
    urgencies: dict[str, Labelled]
    conditions: dict[Identifier, Condition]
    dispatches: dict[str, Labelled]
    # vocabularies that were kept before places reported their status do not have these
    bed_kinds: dict[Identifier, BedKind] = Field(default_factory=dict)
    status_reasons: dict[Identifier, Labelled] = Field(default_factory=dict)
    override_reasons: dict[Identifier, CodedReason] = Field(default_factory=dict)
    refusal_reasons: dict[Identifier, CodedReason] = Field(default_factory=dict)
    cancel_reasons: dict[Identifier, CodedReason] = Field(default_factory=dict)


WIDER_THAN_THEIR_NAME = frozenset({"allergic_reaction", "bite", "confusion", "hypothermia"})
"""Complaints that hold more than the fact of the same name: an insect sting, a tick bite, strange behaviour, heat."""


@dataclass(frozen=True)
class Vocabulary:
    """All words, with the digest of exactly these words. `source` is the plain content it was made from."""

    digest: str
    source: Mapping[str, Any] = field(repr=False)
    facts: Mapping[str, Fact] = field(repr=False)
    complaints: Mapping[str, Complaint] = field(repr=False)
    capabilities: Mapping[str, Capability] = field(repr=False)
    facility_kinds: Mapping[str, FacilityKind] = field(repr=False)
    stop_kinds: Mapping[str, Labelled] = field(repr=False)
    urgencies: Mapping[str, Labelled] = field(repr=False)
    conditions: Mapping[str, Condition] = field(repr=False)
    dispatches: Mapping[str, Labelled] = field(repr=False)
    bed_kinds: Mapping[str, BedKind] = field(default_factory=dict, repr=False)
    status_reasons: Mapping[str, Labelled] = field(default_factory=dict, repr=False)
    override_reasons: Mapping[str, CodedReason] = field(default_factory=dict, repr=False)
    refusal_reasons: Mapping[str, CodedReason] = field(default_factory=dict, repr=False)
    cancel_reasons: Mapping[str, CodedReason] = field(default_factory=dict, repr=False)

    @cached_property
    def fact_names(self) -> Mapping[str, str]:
        """Every id and alias of a fact -> the id."""
        return {name: fact_id for fact_id, fact in self.facts.items() for name in (fact_id, *fact.aliases)}

    @cached_property
    def group_places(self) -> Mapping[str, int]:
        """Each fact -> the place of its group in the order in which groups are asked."""
        return {fact_id: GROUPS.index(fact.group) for fact_id, fact in self.facts.items()}

    @cached_property
    def complaint_names(self) -> Mapping[str, str]:
        """Every id and alias of a complaint -> the id."""
        return {name: key for key, complaint in self.complaints.items() for name in (key, *complaint.aliases)}

    @cached_property
    def complaint_facts(self) -> Mapping[str, str]:
        """Every name of a complaint that also names a yes/no observation -> that fact."""
        yes_or_no = {
            name: fact_id
            for name, fact_id in self.fact_names.items()
            if self.facts[fact_id].type == "boolean" and self.facts[fact_id].given == "observations"
        }
        names = self.complaint_names.keys() - WIDER_THAN_THEIR_NAME
        return {name: yes_or_no[name] for name in names if name in yes_or_no}

    @cached_property
    def implied(self) -> Mapping[str, frozenset[str]]:
        """Each capability -> everything that a place with it has too, itself included."""
        return {key: frozenset(self._closure(key)) for key in self.capabilities}

    def _closure(self, capability: str) -> Iterator[str]:
        yield capability
        for implied in self.capabilities[capability].implies:
            yield from self._closure(implied)

    def choices(self, fact_id: str) -> Mapping[str, Text]:
        """The values that a choice may take, with their labels."""
        if fact_id == "complaint":
            return {key: complaint.label for key, complaint in self.complaints.items()}
        return self.facts[fact_id].values


def digest_of(content: Any) -> str:
    """`sha256:...` over the sorted JSON of plain content."""
    return "sha256:" + hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_vocabulary(path: Path | None = None) -> Vocabulary:
    """The vocabulary at `path`, or the one that comes with Wegwijs. Raises BadData with file and line."""
    if path is None:
        with importlib.resources.as_file(importlib.resources.files("rulesets") / "vocabulary.yaml") as packaged:
            return build_vocabulary(read(packaged))
    return build_vocabulary(read(path))


def vocabulary_from_source(source: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary that `Vocabulary.source` was kept of."""
    return build_vocabulary(YamlFile("vocabulary", dict(source), {}))


def build_vocabulary(file: YamlFile) -> Vocabulary:
    """Check `file` and make the vocabulary of it. Raises BadData that lists everything that is wrong."""
    parsed = parse_as(VocabularyFile, file)
    findings = [*_doubles(parsed, file), *_dangling(parsed, file)]
    for name, expected in (("urgencies", URGENCIES), ("dispatches", AMBULANCES)):
        if tuple(getattr(parsed, name)) != expected:
            findings.append(file.finding((name,), f"`{name}` must be exactly {', '.join(expected)}, in this order"))
    if findings:
        raise BadData(tuple(findings))
    parts = {name: getattr(parsed, name) for name in VocabularyFile.model_fields if name != "version"}
    return Vocabulary(digest=digest_of(file.value), source=file.value, **parts)


def parse_as(model: type[Model], file: YamlFile) -> Model:
    """The content of `file` as `model`. Raises BadData with the line of each thing that does not fit."""
    try:
        return model.model_validate(_jsonable(file.value))
    except ValidationError as error:
        raise BadData(tuple(_finding(problem, file) for problem in error.errors(include_url=False))) from error


def _jsonable(value: Any) -> Any:
    # pydantic's strict mode wants tuples where the model says tuple; YAML only knows lists
    if isinstance(value, list):
        return tuple(_jsonable(item) for item in value)
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    return value


def _finding(problem: Any, file: YamlFile) -> Finding:
    location = tuple(problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    where = ".".join(str(part) for part in location)
    seen = "" if isinstance(problem["input"], dict | tuple) else f" (seen: `{shown(problem['input'])}`)"
    return file.finding(location, f"`{where}`: {message}{seen}")


def _doubles(parsed: VocabularyFile, file: YamlFile) -> Iterator[Finding]:
    for part, entries in (("facts", parsed.facts), ("complaints", parsed.complaints)):
        seen: dict[str, str] = {key: key for key in entries}
        for key, entry in entries.items():
            for alias in entry.aliases:
                if (other := seen.get(alias)) is not None:
                    yield file.finding((part, key, "aliases"), f"the alias `{alias}` already belongs to `{other}`")
                seen[alias] = key


def _dangling(parsed: VocabularyFile, file: YamlFile) -> Iterator[Finding]:
    known = parsed.capabilities
    named = [
        *(("capabilities", key, "implies", name) for key, entry in known.items() for name in entry.implies),
        *(
            ("facility_kinds", key, part, name)
            for key, kind in parsed.facility_kinds.items()
            for part in ("has", "may_have")
            for name in getattr(kind, part)
        ),
    ]
    for part, key, place, name in named:
        if name not in known:
            yield file.finding((part, key, place), f"there is no capability `{name}`")
    for bed, entry in parsed.bed_kinds.items():
        if entry.unit not in parsed.stop_kinds:
            yield file.finding(("bed_kinds", bed, "unit"), f"there is no unit `{entry.unit}` under `stop_kinds`")
    for key in known:
        if key in _reach(known, key):
            yield file.finding(("capabilities", key), f"`{key}` implies itself")


def _reach(capabilities: Mapping[str, Capability], start: str) -> frozenset[str]:
    reached: set[str] = set()
    todo = [start]
    while todo:
        for name in capabilities[todo.pop()].implies:
            if name in capabilities and name not in reached:
                reached.add(name)
                todo.append(name)
    return frozenset(reached)
