"""JSON Schemas of a case, a decision and the files in which rules are written, for editors and validators."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from api.case_schema import case_schema
from api.schemas import Decision
from api.webhook_schemas import AlertData
from routing.proving.properties import PropertiesFile
from routing.rules.publication import PublishedFile
from routing.rules.shapes import DerivedFile, Head, OverlayFile, ParametersFile, ScoreFile, SelectionFile, TopicFile
from routing.vocabulary import AMBULANCES, URGENCIES, Vocabulary, VocabularyFile
from routing.worked_cases import WorkedCasesFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/schema+json"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaOf:
    """What a schema is of: the model that reads it (None: a case, which is read word by word), the files below a folder
    of rulesets that it is for, and what it says."""

    model: type[BaseModel] | None
    files: tuple[str, ...]
    what: str


SCHEMAS_OF_FILES: Mapping[str, SchemaOf] = {
    "case": SchemaOf(None, (), "A case, with every fact that may be observed."),
    "decision": SchemaOf(Decision, (), "A decision."),
    "pre-alert": SchemaOf(AlertData, (), "What the system of a place is told of a patient."),
    "ruleset": SchemaOf(Head, ("*/*/ruleset.yaml",), "The head of a ruleset."),
    "parameters": SchemaOf(ParametersFile, ("*/*/parameters.yaml",), "Thresholds, norms and deadlines."),
    "derived": SchemaOf(DerivedFile, ("*/*/derived.yaml",), "Numbers that are computed of facts."),
    "selection": SchemaOf(SelectionFile, ("*/*/selection.yaml",), "How places are chosen and put in order."),
    "score": SchemaOf(ScoreFile, ("*/*/scores/*.yaml",), "A score, item by item."),
    "rules": SchemaOf(
        TopicFile,
        ("*/*/urgency/*.yaml", "*/*/conditions/*.yaml", "*/*/destination/*.yaml"),
        "The rules about one topic.",
    ),
    "properties": SchemaOf(PropertiesFile, ("*/*/properties.yaml",), "What is proved of a ruleset."),
    "worked-cases": SchemaOf(
        WorkedCasesFile, ("*/*/cases/*.yaml", "regions/*/*/cases/*.yaml"), "Cases with what must come out."
    ),
    "overlay": SchemaOf(OverlayFile, ("regions/*/*/overlay.yaml",), "What a region chose."),
    "vocabulary": SchemaOf(VocabularyFile, ("vocabulary.yaml",), "Every word that cases and rules use."),
    "published": SchemaOf(PublishedFile, ("published.yaml",), "Which rulesets were published."),
}
"""Name -> what the schema of that name is of."""

CONDITION: Json = {
    "description": "A comparison (`systolic_bp < 90 mmHg`, `avpu in [V, P, U]`, `not pregnant`), or a tree of them.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        *(
            {
                "type": "object",
                "properties": {name: {"type": "array", "items": {"$ref": "#/$defs/Condition"}, "minItems": 1}},
                "required": [name],
                "additionalProperties": False,
            }
            for name in ("all", "any")
        ),
        {
            "type": "object",
            "properties": {"not": {"$ref": "#/$defs/Condition"}},
            "required": ["not"],
            "additionalProperties": False,
        },
    ],
}
"""What a rule asks, as `routing.rules.condition` reads it."""

CONDITIONS = (("RuleEntry", "when"), ("SomePatientsEntry", "when"), ("ItemEntry", "only_if"), ("ItemEntry", "unless"))
"""Members (of the model of that name) that hold a condition."""

WORDS: Mapping[tuple[str, str], Callable[[Vocabulary], Collection[str]]] = {
    ("ThenEntry", "urgency"): lambda words: URGENCIES,
    ("DefaultEntry", "level"): lambda words: URGENCIES,
    ("Expectation", "urgency"): lambda words: URGENCIES,
    ("InsteadEntry", "urgency_from"): lambda words: URGENCIES,
    ("GoesAnywayEntry", "urgency"): lambda words: URGENCIES,
    ("DispatchEntry", "ambulance"): lambda words: AMBULANCES,
    ("ConclusionEntry", "code"): lambda words: words.conditions,
    ("NeedEntry", "capability"): lambda words: words.capabilities,
    ("InsteadEntry", "capability"): lambda words: words.capabilities,
    ("FallbackEntry", "capability"): lambda words: words.capabilities,
}
"""Members that hold one of the words of the vocabulary: an editor offers these."""


def schema_named(name: str, words: Vocabulary) -> Json:
    """The schema of that name, a key of SCHEMAS_OF_FILES, with the `words` that may stand in it."""
    of = SCHEMAS_OF_FILES[name]
    made = case_schema(words, every_fact=True) if of.model is None else _of_model(of.model, words)
    head = {"$schema": DIALECT, "$id": f"/v1/schemas/{name}", "title": f"Wegwijs: {name}", "description": of.what}
    return {**head, **{key: value for key, value in made.items() if key not in ("title", "description")}}


def _of_model(model: type[BaseModel], words: Vocabulary) -> Json:
    made: Json = tidied(model.model_json_schema(by_alias=True))
    entries = {**made.get("$defs", {}), model.__name__: made}
    for (entry, member), allowed in WORDS.items():
        if entry in entries:
            described = entries[entry]["properties"][member]
            nullable = {"type": "null"} in described.pop("anyOf", ())
            described.pop("type", None)
            described["enum"] = [*allowed(words), *([None] if nullable else ())]
    places = [entries[entry]["properties"] for entry, _ in CONDITIONS if entry in entries]
    for entry, member in CONDITIONS:
        if entry in entries:
            held = entries[entry]["properties"]
            nullable = "default" in held[member]
            condition: Json = {"$ref": "#/$defs/Condition"}
            held[member] = {"anyOf": [condition, {"type": "null"}]} if nullable else condition
    if places:
        made["$defs"]["Condition"] = CONDITION
    if model is WorkedCasesFile:
        made["$defs"]["WorkedCaseEntry"]["properties"]["given"] = case_schema(words, every_fact=True)
    return made


def tidied(schema: Any) -> Any:
    """`schema` without the titles that pydantic makes of the names of members, which say nothing new, and with names of
    members that are held against their pattern: pydantic lets those pass that do not fit it."""
    if isinstance(schema, list):
        return [tidied(item) for item in schema]
    return dict(_tidied(schema)) if isinstance(schema, dict) else schema


def _tidied(schema: Json) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        if key in ("properties", "$defs"):  # here a title is the name of a member
            yield key, {name: tidied(member) for name, member in value.items()}
        elif key == "patternProperties":
            ((pattern, member),) = value.items()
            yield "propertyNames", {"pattern": pattern}
            yield "additionalProperties", tidied(member)
        elif key == "description" and isinstance(value, str):
            yield key, " ".join(value.split())
        elif not (key == "title" and isinstance(value, str)):
            yield key, tidied(value)
