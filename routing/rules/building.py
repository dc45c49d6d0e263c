"""Makes a ruleset of its files, and says of everything that is wrong: file, line, rule, and what would be right."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from routing.errors import BadData, Finding
from routing.rules.agreements import agreement_problem, region_of, with_numbers
from routing.rules.checks import (
    brace_problems,
    conclusion_problems,
    fact_subjects,
    formula_problem,
    item_problem,
    most_points,
    whole,
)
from routing.rules.condition import (
    Condition,
    ConditionError,
    Names,
    Parameter,
    Subject,
    asked_negatively,
    can_be_true,
    read_condition,
    tests,
)
from routing.rules.logistics import logistics_problems, logistics_references, read_logistics
from routing.rules.releases import NOT_A_MOMENT, moment_of
from routing.rules.rule import Acceptance, Need, Reference, Rule, RuleCycle, strata
from routing.rules.ruleset import Norm, Ruleset
from routing.rules.scores import Band, Derived, Item, Score
from routing.rules.selection import Instead, Limit, Nobody, OfSomePatients, Search, Selection, Template
from routing.rules.selection_checks import read_live_parts, selection_problems
from routing.rules.shapes import (
    AcceptedEntry,
    DerivedFile,
    DetourEntry,
    Head,
    ItemEntry,
    NeedEntry,
    NormEntry,
    ParametersFile,
    QuestionsEntry,
    ReferenceEntry,
    RuleEntry,
    ScoreFile,
    SelectionFile,
    SourceEntry,
    TopicFile,
)
from routing.vocabulary import URGENCIES, Text, Vocabulary, digest_of, parse_as
from routing.yamlfile import Location, YamlFile, read

SINGLE_FILES = ("ruleset.yaml", "parameters.yaml", "derived.yaml", "selection.yaml")
BESIDES = ("cases", "properties.yaml")
"""What may lie beside the rules and is not part of what decides: worked cases, and what is to be proved."""

Shape = TypeVar("Shape", bound=BaseModel)


def packaged_rulesets(root: Path | None = None) -> tuple[Path, ...]:
    """The folders of the rulesets under `root`, or of those that come with Wegwijs, sorted."""
    base = root if root is not None else Path(str(importlib.resources.files("rulesets")))
    return tuple(sorted(path.parent for path in base.glob("*/*/ruleset.yaml")))


def read_ruleset(folder: Path, vocabulary: Vocabulary) -> Ruleset:
    """Read and check the ruleset in `folder`. Raises BadData that lists every error with file, line and rule."""
    return _Builder(_files_in(folder), vocabulary).build()


def digest_of_folder(folder: Path) -> str:
    """The digest of the ruleset in `folder`, without looking whether its rules are right. Raises BadData."""
    return digest_of({name: file.value for name, file in _files_in(folder).items()})


def _files_in(folder: Path) -> dict[str, YamlFile]:
    """All files of which the ruleset in `folder` is made. Raises BadData."""
    if not (folder / "ruleset.yaml").is_file():
        raise BadData((Finding(str(folder), None, "is not the folder of a ruleset: it has no `ruleset.yaml`"),))
    head = read(folder / "ruleset.yaml", "ruleset.yaml")
    topics = parse_as(Head, head).topics
    names = [*SINGLE_FILES[1:]]
    for part in ("scores", *topics):
        names += sorted(f"{part}/{path.name}" for path in (folder / part).glob("*.yaml"))
    if stray := tuple(_stray(folder, {"ruleset.yaml", *names}, topics)):
        raise BadData(stray)
    return {"ruleset.yaml": head, **{name: read(folder / name, name) for name in names}}


def _stray(folder: Path, names: set[str], topics: tuple[str, ...]) -> Iterator[Finding]:
    """Files that look like rules and would never be read, and topics without any."""
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        name = path.relative_to(folder).as_posix()
        if name not in names and name.split("/")[0] not in BESIDES:
            message = f"would not be read: rules lie in {', '.join(f'{topic}/*.yaml' for topic in topics)}"
            yield Finding(name, None, message)
    for topic in topics:
        if not any(name.startswith(f"{topic}/") for name in names):
            yield Finding("ruleset.yaml", None, f"the topic `{topic}` has no rules: there is no `{topic}/*.yaml`")


def ruleset_from_source(source: Mapping[str, Any], vocabulary: Vocabulary) -> Ruleset:
    """The ruleset that `Ruleset.source` was kept of."""
    return _Builder({name: YamlFile(name, value, {}) for name, value in source.items()}, vocabulary).build()


class _Builder:
    """Reads the files of one ruleset in the order in which they rest on each other, and collects what is wrong."""

    def __init__(self, files: Mapping[str, YamlFile], vocabulary: Vocabulary) -> None:
        self.files = files
        self.vocabulary = vocabulary
        self.errors: list[Finding] = []
        self.head = parse_as(Head, files["ruleset.yaml"])
        self.parameters = parse_as(ParametersFile, files["parameters.yaml"])
        self.subjects = dict(fact_subjects(vocabulary))
        numbers = self.parameters.parameters
        self.named = {key: Parameter(whole(entry.value), entry.unit) for key, entry in numbers.items()}
        self.values = {key: entry.value for key, entry in numbers.items()}
        self.rule_lines: dict[str, tuple[str, int | None]] = {}

    def build(self) -> Ruleset:
        """The ruleset. Raises BadData with everything that is wrong."""
        head, numbers = self.head, self.parameters
        named = self.named
        derived = self.derived()
        scores = self.scores(named)
        codes = self.vocabulary.conditions
        self.subjects |= {f"condition.{code}": Subject(f"condition.{code}", "condition") for code in codes}
        self.subjects["urgency"] = Subject("urgency", "urgency")
        rules = tuple(self.rules(Names(self.subjects, named)))
        self.between_rules(rules)
        self.agreed(rules)
        norms = {key: self.norm(key, entry) for key, entry in numbers.norms.items()}
        self.tables()
        selection = self.selection(norms)
        effective_from = self.effective_from()
        if self.errors or selection is None:
            raise BadData(tuple(dict.fromkeys(self.errors)))
        source = {name: file.value for name, file in self.files.items()}
        return Ruleset(
            name=head.name,
            version=head.version,
            digest=digest_of(source),
            title=head.title,
            owner=head.owner,
            effective_from=effective_from,
            default_urgency=URGENCIES.index(head.default_urgency.level),
            default_text=head.default_urgency.text,
            default_why=head.default_urgency.why,
            region=region_of(self.files),
            rules=rules,
            agreements={key: entry.value for key, entry in numbers.agreements.items()},
            subjects=self.subjects,
            parameters=named,
            norms=norms,
            deadlines={level: entry.minutes for level, entry in numbers.deadlines.items()},
            logistics=read_logistics(numbers.logistics),
            derived=derived,
            scores=scores,
            selection=selection,
            vocabulary=self.vocabulary,
            source=source,
        )

    def parsed(self, shape: type[Shape], file: str) -> Shape | None:
        """The content of `file`; None, with what is wrong kept, where it does not have its shape."""
        try:
            return parse_as(shape, self.files[file])
        except BadData as error:
            self.errors.extend(error.findings)
            return None

    def error(self, file: str, location: Location, message: str, rule: str | None = None) -> None:
        self.errors.append(self.files[file].finding(location, message, rule))

    def effective_from(self) -> datetime:
        if (found := moment_of(self.head)) is None:
            self.error("ruleset.yaml", ("effective_from",), NOT_A_MOMENT)
            return datetime.min.replace(tzinfo=UTC)
        return found

    def reference(self, given: ReferenceEntry, file: str, location: Location, rule: str | None = None) -> Reference:
        source = self.head.references.get(given.source)
        if source is None:
            self.error(file, (*location, "reference", "source"), f"there is no reference `{given.source}`", rule)
            source = SourceEntry(title=given.source, href="", read="not")
        return Reference(given.source, source.title, source.href, given.section, source.read)

    # numbers

    def norm(self, key: str, entry: NormEntry) -> Norm:
        reference = self.reference(entry.reference, "parameters.yaml", ("norms", key))
        return Norm(key, entry.minutes, entry.clock_start, entry.legal_status, entry.label, reference)

    def tables(self) -> None:
        numbers, file = self.parameters, "parameters.yaml"
        complete: tuple[tuple[Location, Mapping[str, Any], tuple[str, ...]], ...] = (
            (("deadlines",), numbers.deadlines, URGENCIES),
            (("logistics", "reach_minutes"), numbers.logistics.reach_minutes, URGENCIES),
        )
        for location, table, keys in complete:
            if tuple(table) != keys:
                self.error(file, location, f"must name exactly {', '.join(keys)}, in this order")
        for location, message in logistics_problems(numbers.logistics, self.head.format):
            self.error(file, location, message)
        for part in ("parameters", "agreements", "deadlines"):
            for key, entry in getattr(numbers, part).items():
                self.reference(entry.reference, file, (part, key))
        for location, reference in logistics_references(numbers.logistics):
            self.reference(reference, file, location)
        if self.head.default_urgency.level not in URGENCIES:
            self.error("ruleset.yaml", ("default_urgency", "level"), f"is one of {', '.join(URGENCIES)}")

    # derived numbers and scores

    def derived(self) -> dict[str, Derived]:
        file = "derived.yaml"
        parsed = self.parsed(DerivedFile, file)
        if parsed is None:  # rules may still ask for what stands there
            content = self.files[file].value
            self.stand_in(content.get("derived") if isinstance(content, dict) else None)
            return {}
        found: dict[str, Derived] = {}
        for key, entry in parsed.derived.items():
            here: Location = ("derived", key)
            self.free_name(key, file, here)
            self.upwards(entry.range, file, here)
            if (problem := formula_problem(entry.formula, self.subjects)) is not None:
                self.error(file, (*here, "formula"), problem)
            reference = self.reference(entry.reference, file, here)
            low, high = entry.range
            found[key] = Derived(key, entry.unit, low, high, entry.formula, entry.label, reference, entry.why)
        self.subjects |= {
            key: Subject(key, "number", entry.unit, entry.low, entry.high) for key, entry in found.items()
        }
        return found

    def stand_in(self, names: Any) -> None:
        """Names whose definition is wrong: rules that use them are not blamed for it."""
        for name in names if isinstance(names, dict) else ():
            self.subjects.setdefault(str(name), Subject(str(name), "number"))

    def free_name(self, key: str, file: str, location: Location) -> None:
        if key in self.subjects:
            self.error(file, location, f"`{key}` is the name of something else already")

    def upwards(self, limits: tuple[float, float], file: str, location: Location) -> None:
        if limits[0] >= limits[1]:
            self.error(file, (*location, "range"), "`range` runs from low to high")

    def scores(self, parameters: Mapping[str, Parameter]) -> dict[str, Score]:
        found: dict[str, Score] = {}
        names = Names(dict(self.subjects), parameters)
        for file in (name for name in self.files if name.startswith("scores/")):
            entry = self.parsed(ScoreFile, file)
            if entry is None:
                key = self.files[file].value.get("id") if isinstance(self.files[file].value, dict) else None
                self.stand_in({str(key): None, f"{key}.highest_item": None})
                continue
            found[entry.id] = self.score(entry, file, names)
        return found

    def score(self, entry: ScoreFile, file: str, names: Names) -> Score:
        self.free_name(entry.id, file, ("id",))
        self.upwards(entry.range, file, ())
        for name in entry.assumed_false:
            if name not in self.subjects or self.subjects[name].kind != "boolean":
                self.error(file, ("assumed_false",), f"`{name}` is not a yes/no among the facts")
        items = tuple(self.item(item, index, entry, file, names) for index, item in enumerate(entry.items))
        not_for = self.condition(entry.not_for, names, file, ("not_for",)) if entry.not_for is not None else None
        low, high = entry.range
        self.subjects[entry.id] = Subject(entry.id, "number", "1", low, high, interval=True)
        highest = f"{entry.id}.highest_item"
        self.subjects[highest] = Subject(highest, "number", "1", 0, most_points(items), interval=True)
        reference = self.reference(entry.reference, file, ())
        return Score(entry.id, entry.label, low, high, items, reference, entry.why, not_for, entry.assumed_false)

    def item(self, item: ItemEntry, index: int, entry: ScoreFile, file: str, names: Names) -> Item:
        here: Location = ("items", index)
        subject = self.subjects.get(item.fact)
        if subject is None:
            self.error(file, here, f"there is no fact `{item.fact}`")
        elif (problem := item_problem(item, subject)) is not None:
            self.error(file, here, problem)
        only_if = None
        if item.only_if is not None:
            only_if = self.condition(item.only_if, names, file, (*here, "only_if"))
        elif item.unless is not None:
            only_if = self.condition({"not": item.unless}, names, file, (*here, "unless"))
            for test in tests(only_if) if only_if is not None else ():
                if test.subject not in entry.assumed_false:
                    self.error(
                        file, here, f"`unless` needs `{test.subject}` in `assumed_false`: unknown must be settled"
                    )
        bands = tuple(Band(band.points, band.upto, band.below) for band in item.bands)
        return Item(item.fact, bands, item.values, only_if)

    def condition(
        self, source: Any, names: Names, file: str, location: Location, rule: str | None = None
    ) -> Condition | None:
        try:
            return read_condition(source, names)
        except ConditionError as error:
            self.error(file, (*location, *error.location), error.message, rule)
            return None

    # rules

    def topic_files(self) -> Iterator[tuple[str, TopicFile]]:
        for file in self.files:
            if file.split("/")[0] in self.head.topics and (topic := self.parsed(TopicFile, file)) is not None:
                yield file, topic

    def rules(self, names: Names) -> Iterator[Rule]:
        for file, topic in self.topic_files():
            for index, entry in enumerate(topic.rules):
                here: Location = ("rules", index)
                if entry.id in self.rule_lines:
                    first, line = self.rule_lines[entry.id]
                    self.error(file, (*here, "id"), f"the id stands already in {first}:{line}", entry.id)
                self.rule_lines[entry.id] = (file, self.files[file].line((*here, "id")))
                when = self.condition(entry.when, names, file, (*here, "when"), entry.id)
                self.conclusions(entry, file, here)
                if when is not None:
                    rule = self.rule(entry, when, file, here)
                    self.reachable(rule, here)
                    yield rule

    def rule(self, entry: RuleEntry, when: Condition, file: str, here: Location) -> Rule:
        then = entry.then
        return Rule(
            id=entry.id,
            when=when,
            text=self.filled(entry, file, here),
            reference=self.reference(entry.reference, file, here, entry.id),
            why=entry.why,
            urgency=URGENCIES.index(then.urgency) if then.urgency in URGENCIES else None,
            condition=then.condition.code if then.condition else None,
            status=then.condition.status if then.condition else None,
            needs=tuple(self.need(need) for need in then.needs),
            ambulance=then.dispatch.ambulance if then.dispatch else None,
            mmt=then.dispatch.mmt if then.dispatch else None,
            warning=then.warning,
            accepted=self.accepted(entry, file, here),
            file=file,
            line=self.files[file].line(here),
        )

    def need(self, given: NeedEntry) -> Need:
        limit = self.parameters.parameters.get(given.bypass_limit or "")
        return Need(given.capability, given.strength, given.within, None if limit is None else round(limit.value))

    def filled(self, entry: RuleEntry, file: str, here: Location) -> Text:
        """The text of a rule with the parameters in its braces; texts of the first format have no braces."""
        if self.head.format == 1:
            return entry.text
        numbers = self.parameters.parameters
        for problem in brace_problems(entry.text, tuple(numbers)):
            self.error(file, (*here, "text"), problem, entry.id)
            return entry.text
        return with_numbers(entry.text, self.values)

    def accepted(self, entry: RuleEntry, file: str, here: Location) -> Acceptance | None:
        if not isinstance(entry.review, AcceptedEntry):
            return None
        try:
            return Acceptance(entry.review.by, date.fromisoformat(entry.review.on))
        except ValueError:
            self.error(file, (*here, "review", "on"), f"`{entry.review.on}` is not a date (2026-11-21)", entry.id)
            return None

    def conclusions(self, entry: RuleEntry, file: str, here: Location) -> None:
        for location, message in conclusion_problems(entry.then, self.parameters, self.vocabulary):
            self.error(file, (*here, "then", *location), message, entry.id)

    def reachable(self, rule: Rule, here: Location) -> None:
        file = rule.file
        if rule.stage == "triage":
            for test in tests(rule.when):
                if test.subject == "urgency":
                    message = "a rule that concludes an urgency or a condition cannot ask about the urgency"
                    self.error(file, (*here, "when"), message, rule.id)
            for test in asked_negatively(rule.when):
                if test.subject != "urgency":
                    message = (
                        f"a rule that concludes an urgency or a condition may not ask that `{test.subject}` is absent: "
                        "what is not concluded may only be unknown"
                    )
                    self.error(file, (*here, "when"), message, rule.id)
        try:
            reachable = can_be_true(rule.when, self.subjects)
        except ConditionError as error:
            self.error(file, (*here, "when"), error.message, rule.id)
            return
        if not reachable:
            self.error(file, (*here, "when"), "can never be true: its parts contradict each other", rule.id)

    def between_rules(self, rules: tuple[Rule, ...]) -> None:
        concluded = {rule.condition for rule in rules}
        broken = bool(self.errors)  # a rule that could not be read may be the one that concludes
        for rule in rules:
            for test in tests(rule.when):
                code = test.subject.removeprefix("condition.")
                if code != test.subject and code not in concluded and not broken:
                    file, line = self.rule_lines[rule.id]
                    self.errors.append(Finding(file, line, f"no rule concludes the condition `{code}`", rule.id))
        try:
            strata(rules)
        except RuleCycle as error:
            file, line = self.rule_lines[error.rules[0]]
            self.errors.append(Finding(file, line, str(error), error.rules[0]))

    def agreed(self, rules: tuple[Rule, ...]) -> None:
        """What rules ask of agreements must have been agreed: an agreement is never unknown."""
        facts, given = self.vocabulary.facts, self.parameters.agreements
        for key, entry in given.items():
            if (problem := agreement_problem(key, entry.value, self.vocabulary)) is not None:
                self.error("parameters.yaml", ("agreements", key), problem)
        for key, number in self.parameters.parameters.items():
            low, high = number.region_may_choose or (number.value, number.value)
            if not low <= number.value <= high:
                message = f"`region_may_choose` runs from low to high and holds the national value {number.value:g}"
                self.error("parameters.yaml", ("parameters", key, "region_may_choose"), message)
        for rule in rules:
            for name in dict.fromkeys(test.subject for test in tests(rule.when)):
                if name in facts and facts[name].given == "agreement" and name not in given:
                    message = f"asks the agreement `{name}`, which has no value under `agreements` of parameters.yaml"
                    self.errors.append(Finding(*self.rule_lines[rule.id], message, rule.id))

    def selection(self, norms: Mapping[str, Norm]) -> Selection | None:
        file = "selection.yaml"
        given = self.parsed(SelectionFile, file)
        if given is None:
            return None
        for location, message in selection_problems(given, self.head.format, norms, self.vocabulary):
            self.error(file, location, message)
        self.reference(given.open_questions.reference, file, ("open_questions",))
        problems, stops, live = read_live_parts(given, self.parameters, self.vocabulary)
        for location, message in problems:
            self.error(file, location, message)
        for name, part in (("stops", given.stops), ("status", given.status), ("search", given.search)):
            if part is not None:
                self.reference(part.reference, file, (name,))
        asked = {part: tuple(self.of_some(part, given.open_questions)) for part in ("asked_first", "not_asked")}
        for key, taking_over in given.in_office_hours.items():
            self.reference(taking_over.reference, file, ("in_office_hours", key))
        fallback = given.fallback.nobody
        return Selection(
            give_way=given.give_way,
            order=given.order,
            preferred_detour=self.limit(given.preferred_detour, "preferred_detour"),
            known_there_detour=self.limit(given.known_there_detour, "known_there_detour"),
            known_there_from=URGENCIES.index(given.known_there_from) if given.known_there_from in URGENCIES else 0,
            in_office_hours={
                key: Instead(instead.capability, URGENCIES.index(instead.urgency_from))
                for key, instead in given.in_office_hours.items()
                if instead.urgency_from in URGENCIES
            },
            open_questions_most=given.open_questions.most,
            asked_first=asked["asked_first"],
            asked_first_in_order=given.open_questions.asked_first_in_order,
            not_asked=asked["not_asked"],
            fallback_capability=given.fallback.capability,
            nobody=Nobody(fallback.kind, fallback.name, fallback.text),
            texts={key: Template(entry.text, entry.change) for key, entry in given.texts.items()},
            stops=stops,
            live=live,
            search=Search(given.search.able_most, given.search.others_most) if given.search else None,
        )

    def of_some(self, part: str, given: QuestionsEntry) -> Iterator[OfSomePatients]:
        file = "selection.yaml"
        for index, entry in enumerate(getattr(given, part)):
            here: Location = ("open_questions", part, index)
            for name in entry.facts:
                if name not in self.vocabulary.facts:
                    self.error(file, (*here, "facts"), f"there is no fact `{name}`")
            when = self.condition(entry.when, Names(self.subjects, self.named), file, (*here, "when"))
            if when is not None:
                yield OfSomePatients(entry.facts, when)

    def limit(self, given: DetourEntry, key: str) -> Limit:
        return Limit(given.minutes, self.reference(given.reference, "selection.yaml", (key,)), given.why)
