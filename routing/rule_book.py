"""The installed rules to read and to search: by topic, one by one, and what the worked cases show of each."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from routing import coverage, lookup, worked_cases
from routing.errors import InFlight, NotFound
from routing.packaged import Desk, overlays, packaged_directory, ruleset_folders
from routing.rules.reading import conclusions, label_of, sentence
from routing.rules.releases import read_release
from routing.rules.rule import Rule
from routing.rules.ruleset import Ruleset
from routing.rules_here import evaluators_of, installed_rulesets
from routing.vocabulary import Language, Text
from routing.worked_cases import WorkedCase, read_worked_cases
from routing.world import World

PARTS = ("conditions", "urgency", "destination")
"""The folders of a ruleset with rules, in the order in which one reads them."""

FOUND_MOST = 100
"""So many of what a search finds are shown; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The rules of one file: `part` is one of PARTS."""

    file: str
    part: str
    title: Text
    rules: tuple[Rule, ...]

    @property
    def pending(self) -> int:
        """How many of them no clinician has accepted."""
        return sum(rule.accepted is None for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a search found: what it is (see `lookup.KINDS`), its id, and what it is called."""

    kind: str
    id: str
    label: Text


def ruleset_named(world: World, name: str, version: str) -> Ruleset:
    """The installed ruleset `name` of this `version`. Raises NotFound, BadData."""
    for rules in installed_rulesets(world):
        if (rules.name, rules.version) == (name, version):
            return rules
    raise NotFound("ruleset", f"{name}/{version}")


def topics(rules: Ruleset) -> list[Topic]:
    """The rules by topic, in the order of PARTS and then of the titles."""
    by_file: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        by_file.setdefault(rule.file, []).append(rule)
    found = [
        Topic(file, file.partition("/")[0], Text(**rules.source[file]["topic"]), tuple(of_it))
        for file, of_it in by_file.items()
    ]
    order = {part: number for number, part in enumerate(PARTS)}
    return sorted(found, key=lambda topic: (order.get(topic.part, len(PARTS)), topic.title.nl.casefold()))


def in_short(rules: Ruleset, some: Iterable[Rule]) -> list[dict[str, Any]]:
    """What rules ask and conclude, as `lookup` tells it: `{id, text, when_text, then_text, urgency, status, reference,
    review, ...}`, with `why`."""
    return [{**lookup.summary(rule, rules), "why": rule.why} for rule in some]


def search(world: World, rules: Ruleset, words: str, language: Language) -> list[Found]:
    """Everything whose id, label, sentence or other names hold all of `words`, rules first."""
    wanted = words.casefold().split()
    if not wanted:
        return []
    index = world.memory.once(("rule search", rules.digest), lambda: tuple(_indexed(rules)))
    return [found for found, texts in index if all(word in texts[language] for word in wanted)]


def _indexed(rules: Ruleset) -> Iterator[tuple[Found, Mapping[str, str]]]:
    for kind, name, label, more in _named(rules):
        said = {
            language: " ".join(
                (name, name.replace("_", " "), label.wire()[language], *(m.wire()[language] for m in more))
            )
            for language in ("nl", "en")
        }
        yield Found(kind, name, label), {language: text.casefold() for language, text in said.items()}


def _named(rules: Ruleset) -> Iterator[tuple[str, str, Text, Sequence[Text]]]:
    words = rules.vocabulary
    for rule in rules.rules:
        yield "rule", rule.id, rule.text, (sentence(rule.when, rules), *conclusions(rule, rules))
    for code, condition in words.conditions.items():
        yield "condition", code, condition.label, ()
    for code, complaint in words.complaints.items():
        others = Text(" ".join(complaint.synonyms.get("nl", ())), " ".join(complaint.synonyms.get("en", ())))
        yield "complaint", code, complaint.label, (others,)
    for name, fact in words.facts.items():
        yield "fact", name, fact.label, (fact.question, *(Text(alias, alias) for alias in fact.aliases))
    for key in (*rules.scores, *rules.derived):
        yield "score" if key in rules.scores else "derived", key, label_of(key, rules), ()
    numbers = rules.source["parameters.yaml"]
    for part, kind in (("parameters", "parameter"), ("norms", "norm")):
        for key, entry in numbers[part].items():
            yield kind, key, Text(**entry["label"]), ()


def numbers(rules: Ruleset) -> dict[str, list[dict[str, Any]]]:
    """The numbers that rules use: `parameters` and `norms` (as they are written, with their reference), `scores` and
    `derived` (with their label and reference)."""
    written = rules.source["parameters.yaml"]
    references = rules.source["ruleset.yaml"]["references"]

    def entry(key: str, value: Mapping[str, Any]) -> dict[str, Any]:
        named = value["reference"]
        return {"id": key, **value, "reference": {**references[named["source"]], "section": named.get("section")}}

    return {
        **{part: [entry(key, value) for key, value in written[part].items()] for part in ("parameters", "norms")},
        "scores": [{"id": key, "label": score.label.wire(), "why": score.why} for key, score in rules.scores.items()],
        "derived": [{"id": key, "label": each.label.wire(), "why": each.why} for key, each in rules.derived.items()],
    }


def choice_of_place(rules: Ruleset) -> dict[str, Any]:
    """How a place is chosen: `give_way` (`{id, label}`, what is given up first stands first), `order` (names), and
    `rest`, as the file says it."""
    source = rules.source["selection.yaml"]
    words = rules.vocabulary

    def label(name: str) -> dict[str, str] | None:
        if name in rules.norms:
            return rules.norms[name].label.wire()
        return words.capabilities[name].label.wire() if name in words.capabilities else None

    told = ("give_way", "order", "texts")
    return {
        "give_way": [{"id": name, "label": label(name)} for name in source["give_way"]],
        "order": list(source["order"]),
        "rest": {key: value for key, value in source.items() if key not in told},
    }


# -- one name, and what the worked cases show --------------------------------------------------------------------------


@dataclass
class _Tried:
    """What of the worked cases of a ruleset was read and run; one thread at a time, beside those that decide."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: threading.Lock = field(default_factory=threading.Lock)
    cases: tuple[WorkedCase, ...] | None = None
    covered: tuple[coverage.RuleCoverage, ...] | None = None


def _tried(world: World, rules: Ruleset) -> _Tried:
    # reading and running the cases takes seconds: not under the lock of the memory, which deciding needs
    return world.memory.once(("worked cases", rules.digest), _Tried)


def cases_of(world: World, rules: Ruleset) -> tuple[WorkedCase, ...]:
    """The worked cases beside `rules`. The first time in a process that takes a second. Raises NotFound, BadData."""
    tried = _tried(world, rules)
    with tried.lock:
        if tried.cases is None:
            tried.cases = read_worked_cases(_folder(world, rules), desk_of(world, rules))
        return tried.cases


def _folder(world: World, rules: Ruleset) -> Path:
    for folder in ruleset_folders(world.settings.rulesets):
        release = read_release(folder)
        if (release.name, release.version) == (rules.name, rules.version):
            return folder
    raise NotFound("ruleset", f"{rules.name}/{rules.version}")


def desk_of(world: World, rules: Ruleset) -> Desk:
    """Words, `rules` and the packaged places, as worked cases are decided with. Raises EngineRefusal, BadData."""
    directory = world.memory.once("packaged directory", lambda: packaged_directory(world.words))
    return Desk(world.words, evaluators_of(world, rules), directory, overlays(world.settings.rulesets))


def look_up(world: World, rules: Ruleset, name: str) -> list[dict[str, Any]]:
    """All that `name` stands for (see `lookup.look_up`). The worked cases of a rule are those that are there to show
    that it fires; they are not run for that. Raises NotFound, BadData."""
    shelf = lookup.Shelf(rules, cases_of(world, rules), lambda: _meant_to_fire(world, rules))
    if not lookup.is_name(name, rules):
        raise NotFound("name", name)
    return lookup.look_up(name, shelf)


def _meant_to_fire(world: World, rules: Ruleset) -> dict[str, list[WorkedCase]]:
    found: dict[str, list[WorkedCase]] = {}
    for case in cases_of(world, rules):
        for rule in case.expect.fires:
            found.setdefault(rule, []).append(case)
    return found


def coverage_of(world: World, rules: Ruleset, *, run: bool) -> tuple[coverage.RuleCoverage, ...] | None:
    """What the worked cases show of each rule; None if this process did not run them yet and should not `run` them now:
    that takes some 15 seconds, in which it answers others more slowly. Raises InFlight if another thread is at it,
    NotFound, BadData."""
    tried = _tried(world, rules)
    if tried.covered is not None or not run:
        return tried.covered
    if not tried.running.acquire(blocking=False):
        raise InFlight("the worked cases are being run")
    try:
        desk = desk_of(world, rules)
        outcomes = [worked_cases.run(case, desk) for case in cases_of(world, rules)]
        tried.covered = coverage.coverage(rules, outcomes)
    finally:
        tried.running.release()
    return tried.covered
