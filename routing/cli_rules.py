"""The commands about rules: are they right, what do the worked cases reach, and what is known of a name."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from routing import boundaries, coverage, lookup, tested, worked_cases
from routing.condition_page import condition_page
from routing.errors import BadData, Finding, bad_input
from routing.facilities.directory import Directory
from routing.lookup_text import lookup_text
from routing.mutation.steps import steps_of
from routing.packaged import Desk, national_folder, packaged_directory, rules_in, ruleset_folders
from routing.rules.agreements import OVERLAY_FILE
from routing.rules.building import read_ruleset
from routing.rules.durable import EngineRefusal
from routing.rules.evaluation import build_evaluators
from routing.rules.loose_ends import found_loose
from routing.rules.mending import as_problem, with_mend
from routing.rules.overlay import is_overlay, lay_over, overlay_folders, read_overlay
from routing.rules.publication import changed_since, read_published
from routing.rules.rule import Rule
from routing.rules.ruleset import Ruleset
from routing.rules.usage import source_states
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, say, show
from routing.tested import TESTED
from routing.vocabulary import Vocabulary, read_vocabulary
from routing.worked_cases import read_worked_cases
from routing.yamlfile import YamlFile, read

STATES = ("read", "partly", "not")


def add_rules_commands(commands: Any) -> None:
    """`wegwijs rules check`, `test`, `coverage` and `show`."""
    for name, command, text, example in (
        ("check", _check, "Read the rules strictly and say everything that is wrong.", "wegwijs rules check"),
        ("test", _test, "Run the worked cases that stand beside the rules.", "wegwijs rules test ./my-ruleset --write"),
        ("coverage", _coverage, "Say which rules and branches no worked case fires.", "wegwijs rules coverage"),
    ):
        made = add_command(commands, name, command, text, example)
        help_text = "folder of a ruleset, of rulesets, or of a region's agreements"
        made.add_argument("path", nargs="?", type=Path, metavar="PATH", help=help_text)
        add_json_option(made)
        if name == "test":
            kept = f"keep what came out of one ruleset as {TESTED} beside its rules: publishing at the desk asks for it"
            made.add_argument("--write", action="store_true", help=kept)
    made.add_argument("--branches", action="store_true", help="a branch that no case fires is a failure too")
    text = "Show everything that is known of a rule, condition, complaint, score, parameter, norm or fact."
    made = add_command(commands, "show", _show, text, "wegwijs rules show stemi --language en")
    made.add_argument("name", metavar="NAME", help="its id, or another name of a fact or complaint")
    made.add_argument("path", nargs="?", type=Path, metavar="PATH", help=help_text)
    made.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    made.add_argument("--markdown", action="store_true", help="the generated part of the page of a condition")
    add_json_option(made)


# -- check, test, coverage --------------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    result, _ = _read_all(arguments.path, run_cases=False)
    return _told(arguments, result, result.wire(), result.lines(run_cases=False))


def _test(arguments: argparse.Namespace) -> int:
    if arguments.write:
        only = ruleset_folders(arguments.path) if not is_overlay(arguments.path) else ()
        if arguments.path is None or only != (arguments.path,):
            raise bad_input("--write", "no_ruleset", "needs the folder of one ruleset", arguments.path)
    result, _ = _read_all(arguments.path, run_cases=True, keep=arguments.write)
    return _told(arguments, result, result.wire(), result.lines(run_cases=True))


def _told(arguments: argparse.Namespace, result: Checked, document: Any, lines: Iterator[str]) -> int:
    if arguments.json:
        show(document)
    else:
        for line in lines:
            print(line)
    return DOES_NOT_HOLD if result.errors or result.failures else FINE


def _coverage(arguments: argparse.Namespace) -> int:
    limits: list[boundaries.Boundary] = []
    result, found = _read_all(arguments.path, run_cases=True, cover=limits)
    missing = list(coverage.not_fired(found))
    document = {**result.wire(), **coverage.figures(found), "not_fired": missing}
    document |= {"no_near_miss": list(coverage.no_near_miss(found)), "no_edge": list(coverage.no_edge(found))}
    document |= {**boundaries.figures(limits), "no_boundary": list(boundaries.missing(limits))}
    code = _told(arguments, result, document, _coverage_lines(result, document))
    fails = missing if arguments.branches else [one for one in missing if one["branch"] is None]
    return DOES_NOT_HOLD if fails else code


def _coverage_lines(result: Checked, document: Mapping[str, Any]) -> Iterator[str]:
    yield from result.problems()
    for one in document["not_fired"]:
        way = "no worked case fires it" if one["branch"] is None else f"no worked case fires it by: {one['branch']}"
        yield f"{one['file']}:{one['line']}: rule `{one['rule']}`: {way}"
    for one in document["no_near_miss"]:
        yield f"{one['file']}:{one['line']}: rule `{one['rule']}`: no worked case stands just outside it"
    for part, whole, what in (
        ("rules_fired", "rules", "rules fired"),
        ("branches_fired", "branches", "branches fired"),
        ("near_misses", "near_misses_possible", "rules have a worked case just outside"),
        ("edges", "limits", "limits of numbers have a worked case just outside"),
        ("boundaries_on", "boundaries", "have a worked case exactly on the limit, which decides there"),
        ("boundaries_both", "boundaries", "have that, and one a step away on the other side"),
    ):
        yield f"{document[part]} of {document[whole]} {what} ({_percent(document[part], document[whole])})"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "none"


def check_folder(path: Path, *, run_cases: bool) -> Checked:
    """What `wegwijs rules check`, or with the cases `test`, finds at `path`."""
    return _read_all(path, run_cases=run_cases)[0]


def _read_all(
    path: Path | None, *, run_cases: bool, cover: list[boundaries.Boundary] | None = None, keep: bool = False
) -> tuple[Checked, list[coverage.RuleCoverage]]:
    """Read what is at `path`, and run the worked cases; what they cover, and the limits
    that they reach, which are added to `cover`, only if asked, because it takes a while. `keep`: what came of the
    cases is kept beside the rules."""
    words = read_vocabulary()
    directory = packaged_directory(words)
    result, found = Checked(), list[coverage.RuleCoverage]()
    for folder in () if is_overlay(path) else ruleset_folders(path):
        try:
            rules = read_ruleset(folder, words)
            desk = Desk(words, build_evaluators(rules), directory)
            cases = read_worked_cases(folder, desk)
            result.add(rules, cases, folder)
            if run_cases:
                outcomes = list(_run(cases, desk))
                if cover is not None:
                    found += coverage.coverage(rules, outcomes)
                    cover += boundaries.boundaries(rules, [one.facts for one in outcomes], steps_of(rules))
                result.add_outcomes(outcomes, rules.rules)
                if keep:
                    kept = tested.write(folder, _kept(folder, rules, directory, outcomes))
                    say(f"{kept}: written")
            if (changed := changed_since(rules, read_published(folder.resolve().parent.parent))) is not None:
                result.wrong(changed)
        except BadData as error:
            for finding in error.findings:
                result.wrong(finding)
        except EngineRefusal as error:
            place = rules.by_id[error.rule]
            result.wrong(Finding(place.file, place.line, error.message, error.rule))
    try:
        regional = overlay_folders(path)
    except BadData as error:
        for finding in error.findings:
            result.wrong(finding)
        regional = ()
    for folder in regional:
        _read_overlay(folder, words, directory, result, run_cases=run_cases)
    return result, found


def _read_overlay(folder: Path, words: Vocabulary, directory: Directory, result: Checked, *, run_cases: bool) -> None:
    """Lay the overlay in `folder` over every version that it was agreed for, and run the worked cases of the region."""
    place = folder.resolve()
    name = f"regions/{place.parent.name}/{place.name}"
    try:
        overlay = read_overlay(folder)
        result.overlays += 1
        for version in overlay.content.ruleset_versions:
            rules = lay_over(read_ruleset(national_folder(overlay, folder, version), words), overlay)
            desk = Desk(words, build_evaluators(rules), directory)
            cases = read_worked_cases(folder, desk)
            result.cases += len(cases)
            if run_cases:
                result.add_outcomes(list(_run(cases, desk)), (), f"{name}/")
    except BadData as error:
        for finding in dict.fromkeys(error.findings):
            result.wrong(replace(finding, file=f"{name}/{finding.file}"))
    except EngineRefusal as error:
        result.wrong(Finding(f"{name}/{OVERLAY_FILE}", None, str(error)))


def _kept(
    folder: Path, rules: Ruleset, directory: Directory, outcomes: Sequence[worked_cases.Outcome]
) -> dict[str, Any]:
    """What is kept of worked cases that were run."""
    failed = [f"{one.case.file}:{one.case.line}" for one in outcomes if one.mismatches]
    fired = frozenset[str]().union(*(one.fired for one in outcomes))
    silent = [rule.id for rule in rules.rules if rule.id not in fired]
    return tested.made(folder, rules, directory.digest, len(outcomes), failed, silent)


def _run(cases: Sequence[worked_cases.WorkedCase], desk: Desk) -> Iterator[worked_cases.Outcome]:
    for number, case in enumerate(cases, 1):
        yield worked_cases.run(case, desk)
        if number % 100 == 0 or number == len(cases):
            say(f"{number} of {len(cases)} worked cases")


def _loose(rules: Ruleset, folder: Path) -> Iterator[Finding]:
    """The loose ends of the ruleset in `folder`, each with its line."""
    files: dict[str, YamlFile] = {}
    for found in found_loose(rules):
        finding = found.finding
        if found.location is not None:
            if finding.file not in files:
                files[finding.file] = read(folder / finding.file, finding.file)
            finding = replace(finding, line=files[finding.file].line(found.location))
        yield finding


class Checked:
    """What came of one or more rulesets."""

    def __init__(self) -> None:
        self.found: dict[str, list[Finding]] = {"error": [], "warning": []}
        self.failures: list[dict[str, Any]] = []
        self.rules = self.pending = self.cases = self.failed = self.fired = self.overlays = 0
        self.states: dict[str, Counter[str]] = {"rules": Counter(), "numbers": Counter()}

    @property
    def errors(self) -> list[str]:
        """All that is wrong, a line each."""
        return [str(finding) for finding in self.found["error"]]

    @property
    def warnings(self) -> list[str]:
        """What makes one wonder, a line each."""
        return [str(finding) for finding in self.found["warning"]]

    def wrong(self, finding: Finding) -> None:
        """Take note of something that is wrong."""
        self.found["error"].append(finding)

    def add(self, rules: Ruleset, cases: Sequence[worked_cases.WorkedCase], folder: Path) -> None:
        self.found["warning"] += _loose(rules, folder)
        self.rules += len(rules.rules)
        self.pending += len(rules.pending)
        self.cases += len(cases)
        for part, counts in source_states(rules).items():
            self.states[part] += counts

    def add_outcomes(self, outcomes: Sequence[worked_cases.Outcome], rules: Sequence[Rule], folder: str = "") -> None:
        """Count what came of the worked cases of `rules` (none: a region's cases need not fire the national rules)."""
        for outcome in outcomes:
            self.failed += bool(outcome.mismatches)
            for mismatch in outcome.mismatches:
                place = f"{folder}{outcome.case.file}:{outcome.case.line}"
                about = {"what": mismatch.what, "expected": mismatch.expected, "seen": mismatch.seen}
                self.failures.append({"case": outcome.case.name.wire(), "place": place, **about})
        seen = frozenset[str]().union(*(outcome.fired for outcome in outcomes))
        missing = [rule for rule in rules if rule.id not in seen]
        self.fired += len(rules) - len(missing)
        message = "no worked case fires it"
        self.found["warning"] += [Finding(rule.file, rule.line, message, rule.id) for rule in missing]

    def wire(self) -> dict[str, Any]:
        return {
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "overlays": self.overlays,
            "rules": self.rules,
            "pending": self.pending,
            "cases": self.cases,
            "failed": self.failed,
            "rules_fired": self.fired,
            "review": {"accepted": self.rules - self.pending, "pending": self.pending},
            "sources": {state: self.states["rules"][state] for state in STATES},
            "numbers": {state: self.states["numbers"][state] for state in STATES},
            "findings": {"errors": self.errors, "warnings": self.warnings},
            "problems": [as_problem(finding, level) for level, found in self.found.items() for finding in found],
            "failures": self.failures,
        }

    def problems(self) -> Iterator[str]:
        """The errors, and what came out otherwise."""
        for finding in self.found["error"]:
            yield f"error: {with_mend(finding)}"
        for failure in self.failures:
            yield f"{failure['place']}: {failure['case']['nl']}"
            yield f"  {failure['what']}: expected {failure['expected']}, seen {failure['seen']}"

    def lines(self, *, run_cases: bool) -> Iterator[str]:
        for finding in self.found["warning"]:
            yield f"warning: {with_mend(finding)}"
        yield from self.problems()
        if self.errors and not self.rules:
            yield f"{len(self.errors)} errors: the rules could not be read, so nothing of them was counted or run"
            return
        for part, what in (("rules", "rules"), ("numbers", "thresholds and norms")):
            count = self.states[part]
            read = f"{count['read']} was read, of {count['partly']} in part, of {count['not']} not"
            yield f"of {sum(count.values())} {what} the source of {read}"
        about = f"{self.rules} rules ({self.pending} not yet accepted by a clinician), {len(self.errors)} errors"
        if self.overlays:
            yield f"{self.overlays} regional overlays, each laid over the national rules that it was agreed for"
        about = f"{about}, {len(self.warnings)} warnings, {self.cases} worked cases"
        yield f"{about}, {self.failed} failed, {self.fired} rules fired" if run_cases else about


# -- show -------------------------------------------------------------------------------------------------------------


def _show(arguments: argparse.Namespace) -> int:
    shelf = open_shelf(read_vocabulary(), arguments.path)
    if arguments.markdown:
        sys.stdout.write(condition_page(_condition(arguments.name, shelf), shelf.ruleset))
        return FINE
    found = lookup.look_up(arguments.name, shelf)
    if arguments.json:
        rules = shelf.ruleset
        show({"ruleset": {"name": rules.name, "version": rules.version, "digest": rules.digest}, "found": found})
    else:
        sys.stdout.write(lookup_text(found, shelf.ruleset, arguments.language))
    return FINE


def _condition(name: str, shelf: lookup.Shelf) -> Mapping[str, Any]:
    known = shelf.ruleset.vocabulary.conditions
    if name not in known:
        raise lookup.no_such_name(name, known)
    return lookup.condition_entry(name, shelf)


def open_shelf(words: Vocabulary, path: Path | None) -> lookup.Shelf:
    """The newest ruleset at `path` (a ruleset's own folder, or a folder of rulesets; None: the packaged ones) with its
    worked cases. Raises BadData."""
    folders = (path,) if path is not None and is_overlay(path) else ruleset_folders(path)
    rules, folder = max(((rules_in(one, words), one) for one in folders), key=_version)
    desk = Desk(words, build_evaluators(rules), packaged_directory(words))
    cases = read_worked_cases(folder, desk)
    return lookup.Shelf(rules, cases, _fired_by(cases, desk))


def _version(found: tuple[Ruleset, Path]) -> list[int]:
    return [int(part) for part in found[0].version.split(".")]


def _fired_by(cases: Sequence[worked_cases.WorkedCase], desk: Desk) -> Callable[[], lookup.Fired]:
    def fired() -> lookup.Fired:
        found: dict[str, list[worked_cases.WorkedCase]] = {}
        for outcome in _run(cases, desk):
            for rule in outcome.fired:
                found.setdefault(rule, []).append(outcome.case)
        return found

    return fired
