"""Runs the worked cases that stand beside the rules: cases with what must come out, written as sentences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from routing.candidate import Badge
from routing.case import parse_case
from routing.decision import Decision, decide
from routing.errors import BadData, BadInput, Finding
from routing.facilities.changes import PROFILE, Change, with_changes
from routing.facilities.directory import Directory
from routing.facilities.profile import capability_table
from routing.facilities.record import facility_record, read_facility
from routing.facilities.reporting import read_report
from routing.facilities.status import LiveStatus, Report, stop, with_report
from routing.packaged import Desk, ruleset_folders
from routing.rules.building import read_ruleset
from routing.rules.evaluation import build_evaluators
from routing.rules.rule import Facts, Status, Strength
from routing.triage import Concluded, concluded_in, triage
from routing.vocabulary import Strict, Text, Vocabulary, parse_as
from routing.yamlfile import YamlFile, read

CRITERIA: Mapping[str, frozenset[str]] = {
    "capability": frozenset({"lacks", "capability_unknown"}),
    "open": frozenset({"closed", "closed_for_now", "opening_unknown", "reported_closed"}),
    "norm": frozenset({"too_late"}),
    "patients": frozenset({"wrong_patients", "too_young", "too_old"}),
    "gestation": frozenset({"too_early"}),
    "referral": frozenset({"referral_only"}),
    "place": frozenset({"place_uncertain"}),
}
"""What a place can be ruled out by -> the names of the reasons that say so."""

YEARS = (1900, 2200)
"""The years in which a worked case, or a stop in it, can happen."""


class _Dispatch(Strict):
    ambulance: str | None = None
    mmt: bool | None = None


class _Recommended(Strict):
    capability: str | None = None
    facility: str | None = None
    kind: str | None = None
    says: str | None = None
    does_not_say: str | None = None
    badge: Badge | None = None
    because: str | None = None


class _RuledOut(Strict):
    facility: str
    criterion: Literal["capability", "open", "norm", "patients", "gestation", "referral", "place"] | None = None


class Expectation(Strict):
    """What must come out; what is not said may be anything."""

    urgency: str | None = None
    conditions: dict[str, Status] = Field(default_factory=dict)
    absent_conditions: tuple[str, ...] = ()
    fires: tuple[str, ...] = ()
    does_not_fire: tuple[str, ...] = ()
    needs: dict[str, Strength] = Field(default_factory=dict)
    absent_needs: tuple[str, ...] = ()
    dispatch: _Dispatch | None = None
    recommended: _Recommended | None = None
    ruled_out: _RuledOut | None = None
    warnings: tuple[str, ...] = ()

    @property
    def of_places(self) -> bool:
        """Whether something is expected of the choice of a place, or of warnings, which that choice adds to."""
        return self.recommended is not None or self.ruled_out is not None or bool(self.warnings)


class _Stop(Strict):
    facility: str
    unit: str
    since: str
    expected_end: str | None = None


class _Coming(Strict):
    facility: str
    unit: str
    at: tuple[str, ...]


class WorkedCaseEntry(Strict):
    """A worked case as it is written."""

    name: Text
    at: str
    given: Any
    profiles: tuple[dict[str, Any], ...] = ()
    stops: tuple[_Stop, ...] = ()
    status: tuple[dict[str, Any], ...] = ()
    coming: tuple[_Coming, ...] = ()
    expect: Expectation


class WorkedCasesFile(Strict):
    """A file in `cases/`."""

    cases: tuple[WorkedCaseEntry, ...]


@dataclass(frozen=True, slots=True)
class WorkedCase:
    """A case, the moment at which it is decided, and what must come out; `file` and `line` are where it stands.

    `status` is what places had reported by then, `coming` when patients were lately advised to go to a unit of a place,
    `profiles` the records of places that are otherwise than in the directory.
    """

    name: Text
    at: datetime
    given: Any = field(repr=False)
    expect: Expectation
    file: str
    line: int | None
    status: LiveStatus = field(default_factory=dict)
    coming: Mapping[str, Mapping[str, tuple[datetime, ...]]] = field(default_factory=dict)
    profiles: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that came out otherwise."""

    what: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a worked case: nothing in `mismatches` if all is as expected; `fired` are ids of rules, `facts` what
    they were asked about (none where the case could not be read)."""

    case: WorkedCase
    mismatches: tuple[Mismatch, ...]
    fired: frozenset[str]
    facts: Facts = field(default_factory=dict, repr=False)


def packaged_worked_cases(words: Vocabulary, directory: Directory) -> Iterator[WorkedCase]:
    """The worked cases of all packaged rulesets, each read with its own rules: a version may name what another has no
    more. Raises BadData."""
    for folder in ruleset_folders(None):
        yield from read_worked_cases(folder, Desk(words, build_evaluators(read_ruleset(folder, words)), directory))


def read_worked_cases(folder: Path, desk: Desk) -> tuple[WorkedCase, ...]:
    """The worked cases in `cases/` of the ruleset in `folder`. Raises BadData that lists everything that is wrong,
    also names in what is expected that do not exist: `does_not_fire` of a misspelt rule would always hold."""
    cases: list[WorkedCase] = []
    findings: list[Finding] = []
    findings += [
        Finding(path.relative_to(folder).as_posix(), None, "would not be read: worked cases lie in `cases/*.yaml`")
        for path in sorted((folder / "cases").rglob("*"))
        if path.suffix in (".yaml", ".yml") and (path.suffix == ".yml" or path.parent.name != "cases")
    ]
    for path in sorted((folder / "cases").glob("*.yaml")):
        try:
            file = read(path, f"cases/{path.name}")
            parsed = parse_as(WorkedCasesFile, file)
        except BadData as error:
            findings.extend(error.findings)
            continue
        for index, case in enumerate(parsed.cases):
            findings.extend(_dangling(case, file, index, desk))
            wrong = tuple(_wrong_times(case, file, index))
            findings.extend(wrong)
            if not wrong:
                reports, problems = _reports(case, file, index, desk)
                profiles, others = _profiles(case, file, index, desk)
                findings += [*problems, *others]
                cases.append(replace(_worked(case, file, index, reports), profiles=tuple(profiles)))
    if findings:
        raise BadData(tuple(findings))
    return tuple(cases)


def _moment(text: str) -> datetime | None:
    """The time that `text` writes; None if it is none, has no offset, or lies where nobody can reckon with it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and YEARS[0] <= found.year <= YEARS[1] else None


def _wrong_times(case: WorkedCaseEntry, file: YamlFile, index: int) -> Iterator[Finding]:
    years = f"in the years {YEARS[0]} to {YEARS[1]}"
    message = f"must be a time with offset, for example 2026-11-18T14:00:00+01:00, {years}"
    here: tuple[str | int, ...] = ("cases", index)
    if _moment(case.at) is None:
        yield file.finding((*here, "at"), f"`at` {message}")
    for number, given in enumerate(case.stops):
        place = (*here, "stops", number)
        since = _moment(given.since)
        end = _moment(given.expected_end) if given.expected_end is not None else None
        if since is None:
            yield file.finding((*place, "since"), f"`since` {message}")
        if given.expected_end is not None and end is None:
            yield file.finding((*place, "expected_end"), f"`expected_end` {message}")
        if since is not None and end is not None and end <= since:
            yield file.finding((*place, "expected_end"), "a stop ends after it began")
    for number, coming in enumerate(case.coming):
        if None in map(_moment, coming.at):
            yield file.finding((*here, "coming", number, "at"), f"`at` {message}")


def _reports(
    case: WorkedCaseEntry, file: YamlFile, index: int, desk: Desk
) -> tuple[list[tuple[str, Report]], list[Finding]]:
    """What places had reported when the case is decided, and what is wrong with that."""
    found: list[tuple[str, Report]] = []
    problems: list[Finding] = []
    for given in case.stops:
        expected_end = datetime.fromisoformat(given.expected_end) if given.expected_end else None
        made = stop(given.unit, datetime.fromisoformat(given.since), expected_end, "worked case")
        found.append((given.facility, made))
    for number, status in enumerate(case.status):
        place = ("cases", index, "status", number)
        if status.get("facility") not in desk.directory.by_id:
            problems.append(file.finding(place, f"there is no facility `{status.get('facility')}`"))
            continue
        wire = {key: value for key, value in status.items() if key != "facility"}
        try:
            found.append((status["facility"], read_report(wire, desk.words, datetime.fromisoformat(case.at))))
        except BadInput as error:
            problems += [file.finding(place, f"`{fault.field}` {fault.message}") for fault in error.faults]
    return found, problems


def _profiles(
    case: WorkedCaseEntry, file: YamlFile, index: int, desk: Desk
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The whole records of the places that are otherwise in this case, and what is wrong with them."""
    found: list[dict[str, Any]] = []
    problems: list[Finding] = []
    for number, given in enumerate(case.profiles):
        place = ("cases", index, "profiles", number)
        known = desk.directory.by_id.get(given.get("facility", ""))
        if known is None:
            problems.append(file.finding(place, f"there is no facility `{given.get('facility')}`"))
            continue
        changed = {key: value for key, value in given.items() if key != "facility"}
        record = {**facility_record(known), **changed}
        try:
            read_facility(record, capability_table(desk.words))
        except BadInput as error:
            problems += [file.finding(place, f"`{fault.field}` {fault.message}") for fault in error.faults]
        found.append(record)
    return found, problems


def _worked(case: WorkedCaseEntry, file: YamlFile, index: int, reports: Iterable[tuple[str, Report]]) -> WorkedCase:
    at = datetime.fromisoformat(case.at)
    given = file.value["cases"][index]["given"]  # as it was written; the model turned lists into tuples
    status: dict[str, tuple[Report, ...]] = {}
    for facility, report in reports:
        status[facility] = with_report(status.get(facility, ()), report)
    coming: dict[str, dict[str, tuple[datetime, ...]]] = {}
    for each in case.coming:
        coming.setdefault(each.facility, {})[each.unit] = tuple(map(datetime.fromisoformat, each.at))
    return WorkedCase(case.name, at, given, case.expect, file.name, file.line(("cases", index)), status, coming)


def _dangling(case: WorkedCaseEntry, file: YamlFile, index: int, desk: Desk) -> Iterator[Finding]:
    expect = case.expect
    texts = desk.evaluators.ruleset.selection.texts
    words, rules, places = desk.words, desk.evaluators.ruleset.by_id, desk.directory.by_id
    recommended = expect.recommended or _Recommended()
    named: tuple[tuple[str, str, Collection[str], Collection[str]], ...] = (
        ("urgency", "urgency", words.urgencies, [expect.urgency] if expect.urgency else []),
        ("conditions", "condition", words.conditions, expect.conditions),
        ("absent_conditions", "condition", words.conditions, expect.absent_conditions),
        ("fires", "rule", rules, expect.fires),
        ("does_not_fire", "rule", rules, expect.does_not_fire),
        ("needs", "capability", words.capabilities, expect.needs),
        ("absent_needs", "capability", words.capabilities, expect.absent_needs),
        ("recommended", "capability", words.capabilities, [recommended.capability] if recommended.capability else []),
        ("recommended", "facility", places, [recommended.facility] if recommended.facility else []),
        ("recommended", "text", texts, [recommended.does_not_say] if recommended.does_not_say else []),
        ("ruled_out", "facility", places, [expect.ruled_out.facility] if expect.ruled_out else []),
    )
    for part, what, known, names in named:
        for name in names:
            if name not in known:
                yield file.finding(("cases", index, "expect", part), f"there is no {what} `{name}`")
    region = desk.evaluators.ruleset.region
    named_region = case.given.get("region") if isinstance(case.given, dict) else None
    if region is not None and named_region != region.name:
        message = f"a worked case of a region names it: `region: {region.name}`, else it is decided nationally"
        yield file.finding(("cases", index, "given"), message)
    units = [("stops", given.facility, given.unit) for given in case.stops]
    for part, facility, unit in (*units, *(("coming", given.facility, given.unit) for given in case.coming)):
        for what, name, known in (("facility", facility, places), ("stop kind", unit, words.stop_kinds)):
            if name not in known:
                yield file.finding(("cases", index, part), f"there is no {what} `{name}`")


def run(case: WorkedCase, desk: Desk, *, with_places: bool = False) -> Outcome:
    """Triage `case` and compare what comes out with what is expected. A place is chosen only where something is
    expected of that choice, or `with_places`: it changes nothing about the triage, and takes about as long."""
    try:
        parsed = parse_case(case.given, desk.words, case.at, desk.directory.by_id)
    except BadInput as error:
        return Outcome(case, (Mismatch("given", "a case that can be read", str(error)),), frozenset())
    evaluators = desk.evaluators_for(parsed.region, case.at)
    decision: Decision | None = None
    if with_places or case.expect.of_places:
        decision = decide(parsed, directory_of_case(case, desk), evaluators, case.at)
    triaged = decision.triage if decision else triage(parsed, evaluators, case.at, desk.directory.holidays)
    fired = frozenset(rule.id for rule in triaged.evaluation.fired)
    mismatches = [*triage_mismatches(case.expect, concluded_in(triaged), fired)]
    if decision is not None:
        mismatches += place_mismatches(case.expect, decision)
    return Outcome(case, tuple(mismatches), fired, triaged.evaluation.facts)


def directory_of_case(case: WorkedCase, desk: Desk) -> Directory:
    """The places as they are in this case."""
    changes = [Change(record["id"], PROFILE, record, "worked case", case.at) for record in case.profiles]
    directory = desk.directory
    if changes:
        directory = with_changes(directory, directory.revision, changes, capability_table(desk.words))
    return replace(directory, status=case.status, reserved=case.coming)


def triage_mismatches(expect: Expectation, found: Concluded, fired: frozenset[str]) -> Iterator[Mismatch]:
    """What came out otherwise than expected, but for the choice of a place; `fired` are ids of rules."""
    if expect.urgency is not None and expect.urgency != found.urgency:
        yield Mismatch("urgency", expect.urgency, found.urgency)
    yield from _present("conditions", expect.conditions, found.conditions)
    yield from _absent("absent_conditions", expect.absent_conditions, found.conditions)
    yield from _present("needs", expect.needs, found.needs)
    yield from _absent("absent_needs", expect.absent_needs, found.needs)
    yield from _among("fires", expect.fires, fired)
    yield from _absent("does_not_fire", expect.does_not_fire, fired)
    if expect.dispatch is not None:
        for name in expect.dispatch.model_fields_set:
            if (wanted := getattr(expect.dispatch, name)) != (seen := getattr(found, name)):
                yield Mismatch(f"dispatch.{name}", str(wanted), str(seen))


def place_mismatches(expect: Expectation, decision: Decision) -> Iterator[Mismatch]:
    """What came out otherwise than expected of the choice of a place, and of warnings."""
    yield from _recommended(expect.recommended, decision)
    yield from _ruled_out(expect.ruled_out, decision)
    yield from _among("warnings", expect.warnings, frozenset(_name(reason.rule) for reason in decision.warnings))


def _present(what: str, wanted: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[Mismatch]:
    for name, value in wanted.items():
        if seen.get(name) != value:
            yield Mismatch(what, f"{name}: {value}", f"{name}: {seen[name]}" if name in seen else _list(seen))


def _absent(what: str, unwanted: Collection[str], seen: Collection[str]) -> Iterator[Mismatch]:
    for name in unwanted:
        if name in seen:
            yield Mismatch(what, f"not {name}", name)


def _among(what: str, wanted: Collection[str], seen: Collection[str]) -> Iterator[Mismatch]:
    for name in wanted:
        if name not in seen:
            yield Mismatch(what, name, _list(seen))


def _recommended(wanted: _Recommended | None, decision: Decision) -> Iterator[Mismatch]:
    if wanted is None:
        return
    best = decision.match.candidates[0]
    place = best.facility
    seen = f"{place.id} ({best.kind})" if place else f"no place ({best.kind})"
    holds: Mapping[str, Callable[[str], bool]] = {
        "facility": lambda name: place is not None and place.id == name,
        "kind": lambda name: best.kind == name,
        "capability": lambda name: place is not None and place.capabilities[name] is True,
        "says": lambda name: name in {_name(reason.rule) for reason in best.reasons},
        "does_not_say": lambda name: name not in {_name(reason.rule) for reason in best.reasons},
        "badge": lambda name: decision.match.badge == name,
        "because": lambda name: name in {_name(reason.rule) for reason in decision.match.because},
    }
    for part, test in holds.items():
        name = getattr(wanted, part)
        if name is not None and not test(name):
            yield Mismatch(f"recommended.{part}", name, seen)


def _ruled_out(wanted: _RuledOut | None, decision: Decision) -> Iterator[Mismatch]:
    if wanted is None:
        return
    place = next((each for each in decision.match.ruled_out if each.facility.id == wanted.facility), None)
    if place is None:
        ids = [each.facility.id for each in decision.match.candidates if each.facility is not None]
        seen = "is a candidate" if wanted.facility in ids else "is not within reach"
        yield Mismatch("ruled_out", wanted.facility, seen)
        return
    reasons = frozenset(_name(reason.rule) for reason in place.failed)
    if wanted.criterion is not None and not reasons & CRITERIA[wanted.criterion]:
        yield Mismatch("ruled_out.criterion", wanted.criterion, _list(reasons))


def _name(rule: str) -> str:
    return rule.rpartition("/")[2]


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
