"""A case as JSON Schema: what `routing.case` reads, with the words of the vocabulary."""

from __future__ import annotations

from typing import Any

from routing.case import KEYS, KNOWN_AT_MOST
from routing.vocabulary import Fact, Vocabulary

Schema = dict[str, Any]

_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
_ON_THE_WAY: Schema = {
    "type": ["object", "null"],
    "properties": {
        "since": {"description": "When they left.", **_MOMENT},
        "heading": {
            "description": "Degrees clockwise from the north.",
            "type": ["number", "null"],
            "minimum": 0,
            "exclusiveMaximum": 360,
        },
        "heading_to": {"description": "The id of the place they are going to.", "type": ["string", "null"]},
    },
    "additionalProperties": False,
}
_TEXTS = {"reference": 200, "note": 10_000}
_WHAT = {
    "reference": "The client's own number of the case; no BSN, no name.",
    "channel": "Who asks.",
    "called_at": "When the call came.",
    "first_contact_at": "When help arrived.",
    "assessed_at": "When the observations were made.",
    "patient": "`age_years`, or `age_months` for a small child; one of them is needed.",
    "location": "`lat` and `lon` (WGS84 degrees), or `postcode`; one of the two is needed.",
    "complaint": "An id or alias under `complaints` of the vocabulary.",
    "observations": "Fact (id or alias) -> its value; `/v1/schemas/case` names every fact with what it may be.",
    "transport": "How the patient travels.",
    "on_the_way": "Set if the patient is on the way already, from `location`; an empty object if no more is known.",
    "known_at": "Ids of the places that know the patient.",
    "region": "The region whose agreements hold.",
    "note": "Text for people: takes no part in the decision and is not recorded.",
    "supersedes": "The id of the earlier decision that this one replaces.",
}


def case_schema(words: Vocabulary, *, every_fact: bool) -> Schema:
    """The schema of a case over HTTP; with `every_fact` also which observations there are, and what each may be."""
    members: dict[str, Schema] = {
        **{name: {"type": ["string", "null"], "maxLength": most} for name, most in _TEXTS.items()},
        **dict.fromkeys(("called_at", "first_contact_at", "assessed_at"), _MOMENT),
        **{name: _choice(words.facts[name]) for name in ("channel", "transport")},
        "patient": _patient(words, one_needed=every_fact),
        "location": _location(one_needed=every_fact),
        "complaint": {"enum": [*words.complaint_names, None]} if every_fact else {"type": ["string", "null"]},
        "observations": _observations(words) if every_fact else _any_observations(),
        "on_the_way": _ON_THE_WAY,
        "known_at": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": KNOWN_AT_MOST},
        "region": {"type": ["string", "null"], "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
        "supersedes": {"type": ["string", "null"]},
    }
    return {
        "title": "Case",
        "type": "object",
        "description": "One patient, where, and what was observed. What is left out or null is unknown, never no.",
        "properties": {name: {"description": _WHAT[name], **members[name]} for name in (*KEYS, "supersedes")},
        "required": ["patient", "location"],
        "additionalProperties": False,
    }


def _choice(fact: Fact) -> Schema:
    return {"enum": [*fact.values, None]}


def _number(fact: Fact) -> Schema:
    assert fact.range is not None, "the vocabulary demands it of a number"
    low, high = fact.range
    return {"type": ["integer" if fact.whole else "number", "null"], "minimum": low, "maximum": high}


def _patient(words: Vocabulary, *, one_needed: bool) -> Schema:
    ages = {name: _number(words.facts[name]) for name in ("age_years", "age_months")}
    return {
        "type": "object",
        "properties": {**ages, "sex": _choice(words.facts["sex"])},
        **(_one_of(("age_years",), ("age_months",)) if one_needed else {}),
        "additionalProperties": False,
    }


def _location(*, one_needed: bool) -> Schema:
    return {
        "type": "object",
        "properties": {
            "lat": {"type": ["number", "null"], "minimum": -90, "maximum": 90},
            "lon": {"type": ["number", "null"], "minimum": -180, "maximum": 180},
            "postcode": {"type": ["string", "null"]},
        },
        **(_one_of(("lat", "lon"), ("postcode",)) if one_needed else {}),
        "additionalProperties": False,
    }


def _one_of(*ways: tuple[str, ...]) -> Schema:
    said = {"not": {"type": "null"}}
    return {"anyOf": [{"required": list(names), "properties": dict.fromkeys(names, said)} for names in ways]}


def _any_observations() -> Schema:
    return {"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "number", "string", "null"]}}


def _observations(words: Vocabulary) -> Schema:
    facts = {name: fact for name, fact in words.facts.items() if fact.given == "observations"}
    return {
        "type": ["object", "null"],
        "properties": {
            name: _observation(facts[fact_id], fact_id)
            for name, fact_id in words.fact_names.items()
            if fact_id in facts
        },
        "additionalProperties": False,
    }


def _observation(fact: Fact, fact_id: str) -> Schema:
    unit = f" ({fact.unit})" if fact.unit else ""
    value = {
        "boolean": {"type": ["boolean", "null"]},
        "time": _MOMENT,
        "choice": _choice(fact),
        "number": _number(fact) if fact.type == "number" else {},
    }[fact.type]
    return {"title": fact_id, "description": f"{fact.label.nl} / {fact.label.en}{unit}", **value}
