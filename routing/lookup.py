"""Everything that is known of one name: a rule, condition, complaint, score, number, parameter, norm or fact."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.errors import BadInput, bad_input, shown
from routing.rules.reading import conclusions, sentence
from routing.rules.rule import Reference, Rule, conditions_asked
from routing.rules.ruleset import Ruleset
from routing.rules.usage import (
    asking,
    asking_for_value,
    left_to_ask,
    parameters_named,
    resting_on,
    subjects_asked,
    written_rules,
)
from routing.vocabulary import URGENCIES, Text
from routing.worked_cases import WorkedCase

Entry = dict[str, Any]
Fired = Mapping[str, Sequence[WorkedCase]]
"""Rule id -> the worked cases that fire it."""


@dataclass(frozen=True)
class Shelf:
    """What is looked into: a ruleset, its worked cases, and a function that runs them when somebody asks who fires."""

    ruleset: Ruleset
    cases: Sequence[WorkedCase]
    fired: Callable[[], Fired]


def look_up(name: str, shelf: Shelf) -> list[Entry]:
    """What `name` (an id, or an alias of a fact or complaint) stands for; one name may be several things, such as a
    complaint and a fact. Raises BadInput that names what comes near."""
    found = [find(key, shelf) for kind, find in KINDS.items() if (key := _named(kind, name, shelf.ruleset)) is not None]
    if not found:
        raise no_such_name(name, (key for kind in KINDS for key in _names(kind, shelf.ruleset)))
    return found


def is_name(name: str, ruleset: Ruleset) -> bool:
    """Whether `name` stands for something in `ruleset`."""
    return any(name in _names(kind, ruleset) for kind in KINDS)


def no_such_name(name: str, known: Iterable[str]) -> BadInput:
    """The error about a name that does not exist, with what comes near."""
    near = difflib.get_close_matches(name, sorted(set(known)), n=3, cutoff=0.6)
    meant = f"; did you mean {' or '.join(f'`{other}`' for other in near)}?" if near else ""
    return bad_input("NAME", "unknown_name", f"there is no `{shown(name)}` in the ruleset{meant}")


def _names(kind: str, ruleset: Ruleset) -> Mapping[str, str]:
    """Every name of this kind, with the id that it stands for."""
    words = ruleset.vocabulary
    names: Mapping[str, Mapping[str, Any]] = {
        "rule": ruleset.by_id,
        "condition": words.conditions,
        "complaint": words.complaint_names,
        "score": ruleset.scores,
        "derived": ruleset.derived,
        "parameter": ruleset.parameters,
        "norm": ruleset.norms,
        "fact": words.fact_names,
    }
    aliases = kind in ("complaint", "fact")
    return {name: value if aliases else name for name, value in names[kind].items()}


def _named(kind: str, name: str, ruleset: Ruleset) -> str | None:
    return _names(kind, ruleset).get(name)


# -- one of each kind -------------------------------------------------------------------------------------------------


def _rule(key: str, shelf: Shelf) -> Entry:
    ruleset = shelf.ruleset
    rule, written = ruleset.by_id[key], written_rules(ruleset)[key]
    used = [name for name in ruleset.parameters if name in parameters_named(written)]
    norms = dict.fromkeys(need.within for need in rule.needs if need.within is not None)
    return {
        "kind": "rule",
        "id": key,
        **_place(rule),
        "stage": rule.stage,
        "text": rule.text.wire(),
        "when": written["when"],
        "when_text": sentence(rule.when, ruleset).wire(),
        "then": written["then"],
        "then_text": [text.wire() for text in conclusions(rule, ruleset)],
        "why": rule.why,
        "reference": _reference(rule.reference),
        "review": _review(rule),
        "parameters": [_number(name, ruleset) for name in used],
        "norms": [_norm_of(name, ruleset) for name in norms],
        "asks": sorted(subjects_asked(rule)),
        "worked_cases": [_case(case) for case in shelf.fired().get(key, ())],
    }


def condition_entry(key: str, shelf: Shelf) -> Entry:
    """What is known of the condition `key`: by which rules it is recognised, and where it sends."""
    ruleset = shelf.ruleset
    condition = ruleset.vocabulary.conditions[key]
    concluding = [rule for rule in ruleset.rules if rule.condition == key]
    about: dict[str, list[Entry]] = {part: [] for part in ("builds_on_it", "sends", "not_where_it_is")}
    counting = list(concluding)
    for rule in ruleset.rules:
        if key not in conditions_asked(rule):
            continue
        besides = left_to_ask(rule.when, key)
        if besides is None:
            about["not_where_it_is"].append(summary(rule, ruleset))
        else:
            counting.append(rule)
            entry = {**summary(rule, ruleset), "besides": sentence(besides, ruleset).wire()}
            about["sends" if rule.stage == "care" else "builds_on_it"].append(entry)
    ids = {rule.id for rule in concluding}
    inside, outside = _cases_about(key, ids, shelf.cases)
    return {
        "kind": "condition",
        "id": key,
        "label": condition.label.wire(),
        "time_critical": condition.time_critical,
        "recognised_by": _summaries(concluding, ruleset),
        **about,
        "sources": [_reference(source) for source in _sources(counting)],
        "worked_cases": [_case(case) for case in inside],
        "worked_cases_without_it": [_case(case) for case in outside],
    }


def _cases_about(code: str, rules: set[str], cases: Sequence[WorkedCase]) -> tuple[list[WorkedCase], list[WorkedCase]]:
    """The cases that are there to show the condition, and those that are there to show its absence."""
    inside, outside = [], []
    for case in cases:
        expect = case.expect
        if code in expect.conditions or not rules.isdisjoint(expect.fires):
            inside.append(case)
        elif code in expect.absent_conditions or not rules.isdisjoint(expect.does_not_fire):
            outside.append(case)
    return inside, outside


def _complaint(key: str, shelf: Shelf) -> Entry:
    complaint = shelf.ruleset.vocabulary.complaints[key]
    return {
        "kind": "complaint",
        "id": key,
        "label": complaint.label.wire(),
        "aliases": list(complaint.aliases),
        "synonyms": {language: list(words) for language, words in complaint.synonyms.items()},
        "rules": _summaries(asking_for_value("complaint", key, shelf.ruleset.rules), shelf.ruleset),
    }


def _score(key: str, shelf: Shelf) -> Entry:
    ruleset = shelf.ruleset
    score = ruleset.scores[key]
    return {
        "kind": "score",
        "id": key,
        "label": score.label.wire(),
        "range": [score.low, score.high],
        "items": [
            {**written, "counts_if": None if item.only_if is None else sentence(item.only_if, ruleset).wire()}
            for written, item in zip(_score_written(key, ruleset)["items"], score.items, strict=True)
        ],
        "not_for": None if score.not_for is None else sentence(score.not_for, ruleset).wire(),
        "assumed_false": list(score.assumed_false),
        "reference": _reference(score.reference),
        "why": score.why,
        "rules": _summaries(asking(key, ruleset.rules), ruleset),
    }


def _derived(key: str, shelf: Shelf) -> Entry:
    ruleset = shelf.ruleset
    derived = ruleset.derived[key]
    return {
        "kind": "derived",
        "id": key,
        "label": derived.label.wire(),
        "unit": derived.unit,
        "range": [derived.low, derived.high],
        "formula": dict(derived.formula),
        "reference": _reference(derived.reference),
        "why": derived.why,
        "rules": _summaries(asking(key, ruleset.rules), ruleset),
        "used_by": list(resting_on(key, ruleset)),
    }


def _parameter(key: str, shelf: Shelf) -> Entry:
    ruleset = shelf.ruleset
    entry = ruleset.source["parameters.yaml"]["parameters"][key]
    written = written_rules(ruleset)
    using = [rule for rule in ruleset.rules if key in parameters_named(written[rule.id])]
    return {
        "kind": "parameter",
        "id": key,
        **{name: value for name, value in entry.items() if name != "reference"},
        "reference": _reference_of(entry["reference"], ruleset),
        "rules": _summaries(using, ruleset),
        "used_by": [name for name in ruleset.scores if key in parameters_named(_score_written(name, ruleset))],
    }


def _score_written(key: str, ruleset: Ruleset) -> Any:
    return next(value for file, value in ruleset.source.items() if file.startswith("scores/") and value["id"] == key)


def _norm(key: str, shelf: Shelf) -> Entry:
    ruleset = shelf.ruleset
    entry = ruleset.source["parameters.yaml"]["norms"][key]
    using = [rule for rule in ruleset.rules if any(need.within == key for need in rule.needs)]
    return {
        "kind": "norm",
        "id": key,
        **{name: value for name, value in entry.items() if name != "reference"},
        "reference": _reference_of(entry["reference"], ruleset),
        "rules": _summaries(using, ruleset),
    }


def _fact(key: str, shelf: Shelf) -> Entry:
    ruleset = shelf.ruleset
    fact = ruleset.vocabulary.facts[key]
    return {
        "kind": "fact",
        "id": key,
        "label": fact.label.wire(),
        "question": fact.question.wire(),
        "type": fact.type,
        "unit": fact.unit,
        "range": None if fact.range is None else list(fact.range),
        "values": {value: label.wire() for value, label in fact.values.items()},
        "aliases": list(fact.aliases),
        "codes": dict(fact.codes),
        "rules": _summaries(asking(key, ruleset.rules), ruleset),
        "used_by": list(resting_on(key, ruleset)),
    }


KINDS: Mapping[str, Callable[[str, Shelf], Entry]] = {
    "rule": _rule,
    "condition": condition_entry,
    "complaint": _complaint,
    "score": _score,
    "derived": _derived,
    "parameter": _parameter,
    "norm": _norm,
    "fact": _fact,
}
"""What a name can stand for, in the order in which it is shown."""


# -- pieces -----------------------------------------------------------------------------------------------------------


def _place(rule: Rule) -> Entry:
    return {"file": rule.file, "line": rule.line}


def _review(rule: Rule) -> Any:
    return {"by": rule.accepted.by, "on": rule.accepted.on.isoformat()} if rule.accepted else "pending"


def _reference(reference: Reference) -> Entry:
    return {
        "source": reference.source,
        "title": reference.title,
        "href": reference.href,
        "section": reference.section,
        "read": reference.read,
    }


def _reference_of(written: Mapping[str, Any], ruleset: Ruleset) -> Entry:
    source = ruleset.source["ruleset.yaml"]["references"][written["source"]]
    return {"source": written["source"], **source, "section": written.get("section")}


def _sources(rules: Iterable[Rule]) -> Iterator[Reference]:
    """The source of each rule, every source once, without the section."""
    for reference in {rule.reference.source: rule.reference for rule in rules}.values():
        yield Reference(reference.source, reference.title, reference.href, None, reference.read)


def _summaries(rules: Iterable[Rule], ruleset: Ruleset) -> list[Entry]:
    return [summary(rule, ruleset) for rule in rules]


def summary(rule: Rule, ruleset: Ruleset) -> Entry:
    """What a rule asks and concludes, where it stands, its source and its review."""
    return {
        "id": rule.id,
        **_place(rule),
        "text": rule.text.wire(),
        "when_text": sentence(rule.when, ruleset).wire(),
        "then_text": [text.wire() for text in conclusions(rule, ruleset)],
        "urgency": None if rule.urgency is None else URGENCIES[rule.urgency],
        "status": rule.status,
        "reference": _reference(rule.reference),
        "review": _review(rule),
    }


def _number(name: str, ruleset: Ruleset) -> Entry:
    entry = ruleset.source["parameters.yaml"]["parameters"][name]
    return {"id": name, "value": entry["value"], "unit": entry["unit"], "label": dict(entry["label"])}


def _norm_of(name: str, ruleset: Ruleset) -> Entry:
    norm = ruleset.norms[name]
    label: Text = norm.label
    return {"id": name, "minutes": norm.minutes, "label": label.wire()}


def _case(case: WorkedCase) -> Entry:
    return {"name": case.name.wire(), "file": case.file, "line": case.line}
