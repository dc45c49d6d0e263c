"""The command `wegwijs`: to serve, to decide about one case, and to check the rules, from a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from routing import evaluation, service, strictjson, worked_cases
from routing.errors import BadData, BadInput, Fault, Finding, WegwijsError, bad_input
from routing.formats.labelled import read_labelled
from routing.packaged import Desk, decide_at_desk, open_desk, packaged_directory, ruleset_folders
from routing.plain_text import decision_text
from routing.rules.building import read_ruleset
from routing.rules.durable import EngineRefusal
from routing.rules.evaluation import build_evaluators
from routing.rules.loose_ends import loose_ends
from routing.rules.publication import changed_since, read_published
from routing.rules.ruleset import Ruleset
from routing.service import ROLES, World
from routing.settings import Settings, read_settings, unknown_variables
from routing.vocabulary import Vocabulary, read_vocabulary

CASE_BYTES_MOST = 262_144
"""The largest case that is read from a file, the same as over HTTP by default."""

FINE, DOES_NOT_HOLD, BAD_USAGE = 0, 1, 2

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name) and return its exit code: 0 fine, 1 a check did not
    hold, 2 bad usage or bad input."""
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # argparse ends the program itself
        return int(stop.code or FINE)
    command: Command = arguments.command
    try:
        return command(arguments)
    except BadInput as error:
        for fault in error.faults:
            say(_fault(fault))
    except BadData as error:
        for finding in error.findings:
            say(str(finding))
    except WegwijsError as error:
        say(str(error))
    except BrokenPipeError:  # whoever reads has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return 130
    return BAD_USAGE


def say(text: str) -> None:
    """A message for the person at the terminal; standard output is for what was asked."""
    print(text, file=sys.stderr, flush=True)


def _fault(fault: Fault) -> str:
    about = [f"`{fault.field}`: {fault.message}" if fault.field else fault.message]
    if fault.value is not None:
        about.append(f"seen: `{fault.value}`")
    if fault.allowed:
        about.append(f"allowed: {fault.allowed}")
    return "; ".join(about)


def _show(value: Any) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    sys.stdout.flush()


# -- what can be asked ------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """All commands with their options; the help of each ends with an example."""
    top = _parser(argparse.ArgumentParser(prog="wegwijs"), "How urgent, which condition, which place of care, and why.")
    top.add_argument("--version", action="version", version=f"wegwijs {version('wegwijs')}")
    top.epilog = "Exit codes: 0 fine, 1 a check did not hold, 2 bad usage or bad input. Try: wegwijs decide --help"
    commands = _commands(top)
    _serving(commands)
    _deciding(commands)
    _rules(_group(commands, "rules", "Check the rules and run the worked cases beside them."))
    _facilities(_group(commands, "facilities", "Look into the directory of places of care."))
    _keeping(commands)
    return top


def _parser(made: argparse.ArgumentParser, text: str, example: str = "") -> argparse.ArgumentParser:
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.description = text
    made.epilog = f"Example:\n  {example}" if example else None
    made.allow_abbrev = False  # an abbreviation that is right today may be another option tomorrow
    return made


def _commands(made: argparse.ArgumentParser) -> Any:
    return made.add_subparsers(metavar="COMMAND", required=True)


def _group(commands: Any, name: str, text: str) -> Any:
    return _commands(_parser(commands.add_parser(name, help=text), text))


def _command(commands: Any, name: str, command: Command, text: str, example: str) -> argparse.ArgumentParser:
    made = _parser(commands.add_parser(name, help=text), text, example)
    made.set_defaults(command=command)
    return made


def _json_option(made: argparse.ArgumentParser) -> None:
    made.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def _serving(commands: Any) -> None:
    text = "Serve the API; brings the database up to date and makes a first API key if there is none."
    serve = _command(commands, "serve", _serve, text, "WEGWIJS_PORT=8080 wegwijs serve")
    serve.add_argument("--host", help="address to listen on (WEGWIJS_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on, 0 for a free one (WEGWIJS_PORT)")


def _deciding(commands: Any) -> None:
    text = "Decide about one case, without a server or a database; nothing is logged."
    example = 'echo \'{"patient": {"age_years": 67}, "location": {"postcode": "3584CX"},\n'
    example += '    "observations": {"chest_pain": true}}\' | wegwijs decide -'
    decide = _command(commands, "decide", _decide, text, example)
    decide.add_argument("case", metavar="CASE.json", help="file with a case, or - for standard input")
    decide.add_argument("--at", metavar="TIME", help="the moment of deciding, with offset (default: now)")
    decide.add_argument("--ruleset", type=Path, metavar="PATH", help="folder of a ruleset, or of rulesets")
    decide.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    _json_option(decide)
    text = "Hold the urgencies that Wegwijs gives against those that others gave."
    example = "wegwijs evaluate cases.jsonl --predictions predictions.jsonl"
    evaluate = _command(commands, "evaluate", _evaluate, text, example)
    evaluate.add_argument("cases", metavar="CASES.jsonl", help="labelled cases, one JSON object a line, or -")
    evaluate.add_argument("--predictions", type=Path, metavar="FILE", help="write one line a case to FILE")
    evaluate.add_argument("--ruleset", type=Path, metavar="PATH", help="folder of a ruleset, or of rulesets")
    _json_option(evaluate)


def _rules(commands: Any) -> None:
    for name, command, text, example in (
        ("check", _rules_check, "Read the rules strictly and say everything that is wrong.", "wegwijs rules check"),
        ("test", _rules_test, "Run the worked cases that stand beside the rules.", "wegwijs rules test ./my-ruleset"),
    ):
        made = _command(commands, name, command, text, example)
        made.add_argument("path", nargs="?", type=Path, metavar="PATH", help="folder of a ruleset, or of rulesets")
        _json_option(made)


def _facilities(commands: Any) -> None:
    text = "List places; with --near, the nearest first."
    example = "wegwijs facilities list --capability pci --near 52.09,5.12 --limit 5"
    listing = _command(commands, "list", _facilities_list, text, example)
    listing.add_argument("--capability", help="only places that certainly have this capability")
    listing.add_argument("--kind", help="only places of this kind")
    listing.add_argument("--region", help="only places in this ambulance region or acute-care network")
    listing.add_argument("--near", metavar="LAT,LON", help="a place in degrees; the nearest come first")
    listing.add_argument("--limit", type=int, help="at most so many (default: all)")
    _json_option(listing)
    text = "Show everything that is known of one place."
    show = _command(commands, "show", _facilities_show, text, "wegwijs facilities show umc-utrecht")
    show.add_argument("id", metavar="ID", help="id of the place")


def _keeping(commands: Any) -> None:
    keys = _group(commands, "keys", "Manage the keys with which other software asks.")
    text = "Make an API key; it is shown once and kept only as a hash."
    example = "wegwijs keys create --label 'desk 3' --role triagist --role auditor"
    create = _command(keys, "create", _keys_create, text, example)
    create.add_argument("--label", required=True, help="what the key is for, on one line")
    create.add_argument("--role", action="append", required=True, choices=ROLES, help="may be given more than once")
    _json_option(create)
    database = _group(commands, "db", "Look after the database.")
    text = "Bring the tables and the packaged directory up to date; may be repeated."
    _command(database, "upgrade", _db_upgrade, text, "WEGWIJS_DATABASE_URL=postgresql://me@host/ww wegwijs db upgrade")
    bench = _group(commands, "bench", "Measure what things cost on this machine.")
    text = "Measure the processor time of a decision and of its parts."
    core = _command(bench, "core", _bench_core, text, "wegwijs bench core --decisions 500 --json")
    core.add_argument("--decisions", type=int, default=2_000, help="how many decisions are timed (default: 2000)")
    core.add_argument("--memory-decisions", type=int, default=10_000, help="how many more to watch memory with")
    _json_option(core)


# -- serving and keeping ----------------------------------------------------------------------------------------------


def _settings(**given: Any) -> Settings:
    for name in unknown_variables(os.environ):
        say(f"`{name}` is not a setting of Wegwijs and does nothing")
    return read_settings(**given)


def _serve(arguments: argparse.Namespace) -> int:
    from routing.serving import serve  # a server is a lot to load for somebody who asks for the help

    given = {name: getattr(arguments, name) for name in ("host", "port") if getattr(arguments, name) is not None}
    serve(_settings(**given), lambda text: print(text, flush=True))
    return FINE


@contextmanager
def _world() -> Iterator[World]:
    world = service.open_world(_settings())
    try:
        if world.settings.embedded:  # a file of one's own need not be prepared by hand
            service.upgrade(world)
        yield world
    finally:
        service.close_world(world)


def _db_upgrade(_arguments: argparse.Namespace) -> int:
    with _world() as world:
        service.upgrade(world)
    say("the database is up to date")
    return FINE


def _keys_create(arguments: argparse.Namespace) -> int:
    roles = frozenset(arguments.role)
    with _world() as world:
        key = service.create_key(world, arguments.label, roles)
    if arguments.json:
        _show({"key": key, "label": arguments.label, "roles": sorted(roles)})
    else:
        say("this key is shown once:")
        print(key)
    return FINE


# -- deciding ---------------------------------------------------------------------------------------------------------


def _decide(arguments: argparse.Namespace) -> int:
    now = _moment(arguments.at)
    body = _json_document(_bytes(arguments.case), arguments.case)
    desk = open_desk(arguments.ruleset, now)
    _, answer = decide_at_desk(desk, body, now)
    if arguments.json:
        _show(answer)
    else:
        sys.stdout.write(decision_text(answer, desk.words, arguments.language))
    return FINE


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise bad_input("--at", "wrong_type", "is not a time with an offset", text, "2026-11-21T20:04:00+01:00")
    return found.astimezone(UTC)


def _bytes(place: str) -> bytes:
    if place == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise bad_input(place, "unreadable", f"cannot be read: {error.strerror}") from error


def _json_document(data: bytes, place: str) -> Any:
    if len(data) > CASE_BYTES_MOST:
        message = f"holds {len(data):,} bytes, and a case at most {CASE_BYTES_MOST:,}"
        raise bad_input(place, "too_large", message, allowed="one case")
    try:
        return strictjson.parse(data)
    except strictjson.NotJson as error:
        fault = error.faults[0]
        raise BadInput((replace(fault, field=fault.field or place),)) from None


def _evaluate(arguments: argparse.Namespace) -> int:
    data = _bytes(arguments.cases)
    words = read_vocabulary()
    cases = tuple(read_labelled(data.splitlines(), words))
    if not cases:
        raise bad_input(arguments.cases, "empty", "holds no labelled case", allowed="one JSON object a line")
    desk = open_desk(arguments.ruleset, max(case.at for case in cases))
    predictions = []
    for number, case in enumerate(cases, 1):
        predictions.append(evaluation.predict(desk, case))
        if number % 100 == 0 or number == len(cases):
            say(f"{number} of {len(cases)} cases")
    if arguments.predictions:
        _write_lines(arguments.predictions, (orjson.dumps(each.wire()) for each in predictions))
    report = evaluation.report(predictions)
    if arguments.json:
        _show({**report, "levels": evaluation.levels(predictions), "ruleset": desk.evaluators.ruleset.digest})
    else:
        sys.stdout.write(evaluation.as_text(report))
    return FINE


def _write_lines(path: Path, lines: Iterator[bytes]) -> None:
    try:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise bad_input(str(path), "unwritable", f"cannot be written: {error.strerror}") from error


# -- rules ------------------------------------------------------------------------------------------------------------


def _rules_check(arguments: argparse.Namespace) -> int:
    return _rules_result(arguments, run_cases=False)


def _rules_test(arguments: argparse.Namespace) -> int:
    return _rules_result(arguments, run_cases=True)


def _rules_result(arguments: argparse.Namespace, *, run_cases: bool) -> int:
    words = read_vocabulary()
    directory = packaged_directory(words)
    result = _RulesResult()
    for folder in ruleset_folders(arguments.path):
        try:
            rules = read_ruleset(folder, words)
            desk = Desk(words, build_evaluators(rules), directory)
            result.add(rules, worked_cases.read_worked_cases(folder, desk), desk, run_cases=run_cases)
            if (changed := changed_since(rules, read_published(folder.parent.parent))) is not None:
                result.errors.append(str(changed))
        except BadData as error:
            result.errors += [str(finding) for finding in error.findings]
        except EngineRefusal as error:
            place = rules.by_id[error.rule]
            result.errors.append(str(Finding(place.file, place.line, error.message, error.rule)))
    if arguments.json:
        _show(result.wire())
    else:
        result.tell(run_cases=run_cases)
    return DOES_NOT_HOLD if result.errors or result.failures else FINE


class _RulesResult:
    """What came of one or more rulesets."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.failures: list[dict[str, Any]] = []
        self.rules = self.pending = self.cases = self.failed = 0
        self.fired = 0

    def add(self, rules: Ruleset, cases: Sequence[worked_cases.WorkedCase], desk: Desk, *, run_cases: bool) -> None:
        self.warnings += loose_ends(rules)
        self.rules += len(rules.rules)
        self.pending += len(rules.pending)
        self.cases += len(cases)
        if not run_cases:
            return
        fired: set[str] = set()
        for case in cases:
            outcome = worked_cases.run(case, desk)
            fired |= outcome.fired
            self.failed += bool(outcome.mismatches)
            for mismatch in outcome.mismatches:
                place = f"{case.file}:{case.line}"
                about = {"what": mismatch.what, "expected": mismatch.expected, "seen": mismatch.seen}
                self.failures.append({"case": case.name.wire(), "place": place, **about})
        self.fired += len(fired)
        self.warnings += [
            f"{rule.file}:{rule.line}: rule `{rule.id}`: no worked case fires it"
            for rule in rules.rules
            if rule.id not in fired
        ]

    def wire(self) -> dict[str, Any]:
        return {
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "rules": self.rules,
            "pending": self.pending,
            "cases": self.cases,
            "failed": self.failed,
            "rules_fired": self.fired,
            "findings": {"errors": self.errors, "warnings": self.warnings},
            "failures": self.failures,
        }

    def tell(self, *, run_cases: bool) -> None:
        for warning in self.warnings:
            print(f"warning: {warning}")
        for error in self.errors:
            print(f"error: {error}")
        for failure in self.failures:
            print(f"{failure['place']}: {failure['case']['nl']}")
            print(f"  {failure['what']}: expected {failure['expected']}, seen {failure['seen']}")
        about = f"{self.rules} rules ({self.pending} not yet accepted by a clinician), {len(self.errors)} errors"
        about = f"{about}, {len(self.warnings)} warnings, {self.cases} worked cases"
        print(f"{about}, {self.failed} failed, {self.fired} rules fired" if run_cases else about)


def _bench_core(arguments: argparse.Namespace) -> int:
    from routing import bench

    words: Vocabulary = read_vocabulary()
    desk = open_desk(None, datetime.now(UTC))
    cases = [
        (case.given, case.at)
        for folder in ruleset_folders(None)
        for case in worked_cases.read_worked_cases(folder, Desk(words, desk.evaluators, desk.directory))
    ]
    counts = {"decisions": arguments.decisions, "memory_decisions": arguments.memory_decisions}
    found = bench.core(desk.evaluators, desk.directory, cases, **counts, progress=say)
    if arguments.json:
        _show(found)
    else:
        for name, value in found.items():
            print(f"{name}: {value}")
    return FINE


# -- places -----------------------------------------------------------------------------------------------------------


def _facilities_list(arguments: argparse.Namespace) -> int:
    question = {name: getattr(arguments, name) for name in ("capability", "kind", "region")}
    near = _near(arguments.near)
    if arguments.limit is not None and arguments.limit < 1:
        raise bad_input("--limit", "out_of_range", "is not such a number", arguments.limit, "1 or more")
    with _world() as world:
        found = service.facilities(world, **question, near=near, limit=arguments.limit or sys.maxsize)
    if arguments.json:
        _show(found)
        return FINE
    for place in found["facilities"]:
        away = f"  {place['distance_km']:6.1f} km" if near else ""
        print(f"{place['id']:<44}{away}  {place['kind']:<20}  {place['name']}, {place['city']}")
    return FINE


def _near(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        lat = lon = 1_000.0
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise bad_input("--near", "wrong_value", "is not a latitude and a longitude", text, "52.0907,5.1214")
    return lat, lon


def _facilities_show(arguments: argparse.Namespace) -> int:
    with _world() as world:
        _show(service.facility(world, arguments.id))
    return FINE
