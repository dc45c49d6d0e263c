"""What is said on the pages of the auditor: facts with their source and age, rules that fired, the record as a tree."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.auth import world
from api.desk.evidence import label, value_of
from api.desk.place_words import kind_word, place_of, source_word, unit_word
from api.desk.region_words import agreements_of
from api.desk.words import decimal, language, moment, t
from routing.flips import NOWHERE
from routing.rules.reading import amount
from routing.rules.rule import Interval

SHOWN_MOST = 400
"""So many characters of one value of a record are shown; how many more there are is said."""

KINDS: Mapping[str, tuple[str, str]] = {
    "stop": ("stop", "stop"),
    "open": ("open", "open"),
    "beds": ("bedden", "beds"),
    "crowding": ("drukte (NEDOCS)", "crowding (NEDOCS)"),
    "waiting_minutes": ("wachttijd", "waiting time"),
    "offload_minutes": ("wachttijd van ambulances", "waiting time of ambulances"),
}


def said(key: str, value: Any) -> str:
    """A value of a fact in words, also one of which only the limits are known."""
    if isinstance(value, Interval):
        value = {"low": value.low, "high": value.high}
    if isinstance(value, Mapping) and value.keys() == {"low", "high"}:
        return t(
            f"tussen {value_of(key, value['low'])} en {value_of(key, value['high'])}",
            f"between {value_of(key, value['low'])} and {value_of(key, value['high'])}",
        )
    if key in ("location.lat", "location.lon") and isinstance(value, float):
        return f"{value:.4f}"
    return value_of(key, value)


def kind_label(kind: str) -> str:
    """What a kind of place is called, or that it is none."""
    return t("geen plek", "no place") if kind == NOWHERE else kind_word(kind)


# -- facts ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactSeen:
    """One fact of a decision: what it is called, its value, where it came from, how old it was when it was decided, and
    which rules rest on it."""

    label: str
    value: str
    source: str
    age: str
    rules: tuple[str, ...]


def facts_seen(record: Mapping[str, Any], names: Mapping[str, str]) -> list[FactSeen]:
    """Everything that was known of the patient, and what the rules worked out of it; `names` are those of numbers that
    rules work out."""
    used = _used(record)
    given = dict(_given(record["case"]))
    source = t("vrager", "asker")
    found = [
        FactSeen(_label(key), _given_said(key, value), source, _age(value, record), tuple(used[key].rules))
        for key, value in given.items()
    ]
    derived = t("regels, klok", "rules, clock")
    rest = [(key, about) for key, about in used.items() if key not in given]
    return found + [
        FactSeen(names.get(key) or _label(key), said(key, about.value), derived, "", tuple(about.rules))
        for key, about in rest
        if about.rules
    ]


def case_in_words(case: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What a case says: name of the fact -> what it is called, and its value as a reader knows it."""
    return {key: (_label(key), _exactly(key, value)) for key, value in _given(case)}


def _exactly(key: str, value: Any) -> str:
    """A moment with its day, for it may lie long before, and a number with all its digits, which may decide."""
    fact = world().words.facts.get(key)
    if fact is not None and fact.type == "time" and isinstance(value, str):
        return moment(value)
    if fact is not None and isinstance(value, float):
        return amount(value, fact.unit, language())
    return _given_said(key, value)


@dataclass(slots=True)
class _Used:
    """A fact as rules saw it: its value, and which rules they were."""

    value: Any = None
    rules: list[str] = field(default_factory=list)


def _used(record: Mapping[str, Any]) -> Mapping[str, _Used]:
    """Fact -> how rules saw it. What the choice of places says is none of them."""
    found: dict[str, _Used] = defaultdict(_Used)
    for reason in reasons_in(record):
        rule = reason["rule"].partition("/")[2]
        if rule.startswith("selection/"):
            continue
        for key, value in reason["because"].items():
            found[key].value = value
            if rule not in found[key].rules:
                found[key].rules.append(rule)
    return found


def reasons_in(part: Any) -> Iterator[Mapping[str, Any]]:
    """Every reason in a record, of any version."""
    if isinstance(part, Mapping):
        if {"rule", "text", "because"} <= part.keys():
            yield part
            return
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from reasons_in(each)


def _given(case: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in sorted(case.items(), key=lambda each: _ORDER.get(each[0], len(_ORDER))):
        if key == "observations" or key == "patient":
            yield from value.items()
        elif key == "on_the_way" and not value:  # said, and nothing more known of it
            yield key, True
        elif key in ("location", "on_the_way"):
            yield from ((f"{key}.{name}", each) for name, each in value.items())
        elif key == "known_at":
            yield key, ", ".join(map(place_of, value))
        else:
            yield key, value


_ORDER = {name: number for number, name in enumerate(("patient", "complaint", "observations"))}

_CASE_WORDS: Mapping[str, tuple[str, str]] = {
    "reference": ("kenmerk van de vrager", "reference of who asked"),
    "called_at": ("melding", "call"),
    "first_contact_at": ("eerste contact met een zorgverlener", "first medical contact"),
    "assessed_at": ("beoordeeld", "assessed"),
    "region": ("regio", "region"),
    "supersedes": ("vervangt", "supersedes"),
    "note": ("notitie", "note"),
    "on_the_way": ("al onderweg", "on the way"),
    "on_the_way.since": ("al onderweg sinds", "on the way since"),
    "on_the_way.heading": ("al onderweg, koers", "on the way: heading"),
    "on_the_way.heading_to": ("al onderweg naar", "on the way to"),
    "known_at": ("bekend bij", "known at"),
    "location.lat": ("plaats: noorderbreedte", "place: latitude"),
    "location.lon": ("plaats: oosterlengte", "place: longitude"),
    "location.postcode": ("plaats: postcode", "place: postcode"),
}


def _given_said(key: str, value: Any) -> str:
    if key in ("called_at", "first_contact_at", "assessed_at", "on_the_way.since"):
        return moment(value)
    if key == "on_the_way.heading":
        return decimal(t(f"{value:g} graden", f"{value:g} degrees"))
    if key == "on_the_way.heading_to":
        return place_of(value)
    return agreements_of(value) if key == "region" else said(key, value)


def _label(key: str) -> str:
    return t(*_CASE_WORDS[key]) if key in _CASE_WORDS else label(key)


def _age(value: Any, record: Mapping[str, Any]) -> str:
    """Of a moment how long before the decision it was; a value without a moment has no age of its own."""
    if not isinstance(value, str) or "T" not in value:
        return ""
    try:
        then = datetime.fromisoformat(value)
        minutes = int((datetime.fromisoformat(record["decided_at"]) - then).total_seconds() // 60)
    except (ValueError, TypeError):
        return ""
    if minutes < 0:
        return t(f"{-minutes} min erna", f"{-minutes} min after")
    return t(f"{minutes} min ervoor", f"{minutes} min before") if minutes < 2880 else moment(then)


# -- what was known of places -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reported:
    """What was known of a place that was advised: what, its value, who said so and when."""

    place: str
    unit: str
    kind: str
    value: str
    source: str
    observed: str
    age: str


def reports_seen(record: Mapping[str, Any]) -> tuple[list[Reported], list[tuple[str, list[str]]]]:
    """What was known of the places that were advised, and of each the units of which was not known whether they had a
    stop or were open."""
    known: list[Reported] = []
    unknown: dict[str, list[str]] = {}
    result = record["result"]
    for place in (result["recommendation"], *result["alternatives"]):
        if place is None:
            continue
        name = place["facility"]["name"]
        for fact in place["status"]:
            if fact["value"] is None:
                unknown.setdefault(name, []).append(f"{unit_word(fact['unit'])}: {_kind(fact['kind'])}")
            else:
                known.append(_reported(name, fact))
    return known, list(unknown.items())


def _kind(kind: str) -> str:
    return t(*KINDS[kind]) if kind in KINDS else kind


def _reported(place: str, fact: Mapping[str, Any]) -> Reported:
    value = fact["value"]
    unknown = t("onbekend", "unknown")
    return Reported(
        place=place,
        unit=unit_word(fact["unit"]),
        kind=_kind(fact["kind"]),
        value=_counts(value) if isinstance(value, Mapping) else value_of("", value),
        source=source_word(fact["source"]) if fact["source"] else unknown,
        observed=moment(fact["observed_at"]) if fact["observed_at"] else unknown,
        age=unknown if fact["age_minutes"] is None else f"{fact['age_minutes']} min{_not_fresh(fact)}",
    )


def _counts(value: Mapping[str, Any]) -> str:
    said = {
        "total": t("in totaal", "in all"),
        "staffed": t("met personeel", "staffed"),
        "occupied": t("bezet", "occupied"),
        "available": t("vrij", "free"),
    }
    return ", ".join(f"{number} {said.get(name, name)}" for name, number in value.items())


def why_erased(why: str) -> str:
    """Why something was erased, in words."""
    said = {
        "patient_request": ("de patiënt vroeg erom", "the patient asked for it"),
        "retention": ("de bewaartijd is voorbij", "it was kept as long as it must be"),
        "wrong_patient": ("het ging over de verkeerde patiënt", "it was about the wrong patient"),
        "court_order": ("bevel van een rechter", "order of a court"),
        "test_data": ("het was een proef", "it was a test"),
    }
    return t(*said[why]) if why in said else why


def _not_fresh(fact: Mapping[str, Any]) -> str:
    return t(" (verouderd)", " (out of date)") if fact.get("fresh") is False else ""


# -- rules ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleFired:
    """A rule that fired: which evaluators named it, and the reason that was given of it if there was one."""

    id: str
    engine: bool | None
    reference: bool
    reason: Mapping[str, Any] | None


def rules_fired(record: Mapping[str, Any]) -> list[RuleFired]:
    """The rules that fired by either evaluator, in the order of the ruleset."""
    named = record["evaluators"]
    engine = None if named["engine"] is None else set(named["engine"])
    given: dict[str, Mapping[str, Any]] = {}
    for reason in reasons_in(record):
        given.setdefault(reason["rule"].partition("/")[2], reason)
    return [
        RuleFired(rule, None if engine is None else rule in engine, rule in named["reference"], given.get(rule))
        for rule in named["fired"]
    ]


# -- the record, as it is written -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of a record: its name, and either its value in short or what lies below it."""

    name: str
    value: str | None
    below: Sequence[Branch] = ()


def tree(name: str, value: Any) -> Branch:
    """`value` as a tree; lists of plain values stand on one line."""
    if isinstance(value, Mapping) and value:
        return Branch(name, None, [tree(str(key), each) for key, each in value.items()])
    if isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        return Branch(name, None, [tree(str(number), each) for number, each in enumerate(value)])
    return Branch(name, short(value, 4_000))


def short(value: Any, most: int = SHOWN_MOST) -> str:
    """A value as JSON on one line, not longer than somebody reads."""
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(written) <= most:
        return written
    more = len(written) - most
    return t(f"{written[:most]} … en nog {more} tekens", f"{written[:most]} … and {more} more characters")
