"""The command `wegwijs`: to serve, to decide about one case, and to check the rules, from a terminal."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from routing import evaluation, service, strictjson, worked_cases
from routing.cli_access import add_access_commands
from routing.cli_authoring import add_authoring_commands
from routing.cli_contract import add_contract_commands
from routing.cli_difference import add_diff_command
from routing.cli_facilities import add_facilities_commands
from routing.cli_feeds import add_feeds_commands
from routing.cli_keys import add_keys_commands
from routing.cli_log import add_log_commands, add_verify_command
from routing.cli_mutation import add_mutate_command
from routing.cli_norms import add_norms_command
from routing.cli_outcomes import add_case_command, add_overrules_command
from routing.cli_proving import add_proving_command
from routing.cli_publishing import add_publishing_command
from routing.cli_records import add_erase_command, add_figures_command, add_retention_commands
from routing.cli_replay import add_replay_command
from routing.cli_rules import add_rules_commands
from routing.cli_settings import add_settings_command
from routing.cli_travel import add_travel_commands
from routing.cli_users import add_users_commands
from routing.cli_webhooks import add_webhooks_commands
from routing.errors import BadData, BadInput, Fault, WegwijsError, bad_input
from routing.formats.labelled import read_labelled
from routing.packaged import Desk, decide_at_desk, open_desk
from routing.plain_text import decision_text
from routing.terminal import (
    BAD_USAGE,
    FINE,
    Command,
    add_command,
    add_group,
    add_json_option,
    commands_of,
    described,
    moment_of,
    opened_world,
    say,
    settings_here,
    show,
)
from routing.travel_here import assembled, decide_here
from routing.vocabulary import Vocabulary, read_vocabulary

OBJECTS_MORE = 50_000
"""After so many new objects Python looks for garbage: what is read of the rules is many objects that all stay, and to
look through them again and again takes a sixth of the time to start."""

CASE_BYTES_MOST = 262_144
"""The largest case that is read from a file, the same as over HTTP by default."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name) and return its exit code: 0 fine, 1 a check did not
    hold, 2 bad usage or bad input."""
    gc.set_threshold(OBJECTS_MORE)
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


def _fault(fault: Fault) -> str:
    about = [f"`{fault.field}`: {fault.message}" if fault.field else fault.message]
    if fault.value is not None:
        about.append(f"seen: `{fault.value}`")
    if fault.allowed:
        about.append(f"allowed: {fault.allowed}")
    return "; ".join(about)


# -- what can be asked ------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """All commands with their options; the help of each ends with an example."""
    top = described(
        argparse.ArgumentParser(prog="wegwijs"), "How urgent, which condition, which place of care, and why."
    )
    top.add_argument("--version", action="version", version=f"wegwijs {version('wegwijs')}")
    top.epilog = "Exit codes: 0 fine, 1 a check did not hold, 2 bad usage or bad input. Try: wegwijs decide --help"
    commands = commands_of(top)
    _serving(commands)
    add_settings_command(commands)
    add_contract_commands(commands)
    _deciding(commands)
    rules = add_group(commands, "rules", "Check the rules, run the worked cases beside them, and make new ones.")
    add_rules_commands(rules)
    add_diff_command(rules)
    add_mutate_command(rules)
    add_authoring_commands(rules)
    add_case_command(rules)
    add_proving_command(rules)
    add_publishing_command(rules)
    add_norms_command(commands)
    add_facilities_commands(add_group(commands, "facilities", "Look into the directory of places of care."))
    add_feeds_commands(add_group(commands, "feeds", "Pull live status of places from elsewhere."))
    add_webhooks_commands(add_group(commands, "webhooks", "Tell the systems of places that a patient comes."))
    add_travel_commands(add_group(commands, "travel", "Work out times of travel, and look at where they come from."))
    add_overrules_command(commands)
    add_verify_command(commands)
    add_log_commands(add_group(commands, "log", "Check the log of decisions, and take decisions along."))
    add_access_commands(add_group(commands, "access", "See who did what with data of patients."))
    add_figures_command(commands)
    add_erase_command(commands)
    add_retention_commands(add_group(commands, "retention", "Keep what is about patients no longer than it may be."))
    add_replay_command(commands)
    _keeping(commands)
    return top


def _serving(commands: Any) -> None:
    text = "Serve the API; brings the database up to date and makes a first API key if there is none."
    serve = add_command(commands, "serve", _serve, text, "WEGWIJS_PORT=8080 wegwijs serve")
    serve.add_argument("--host", help="address to listen on (WEGWIJS_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on, 0 for a free one (WEGWIJS_PORT)")


def _deciding(commands: Any) -> None:
    text = "Decide about one case, without a server or a database; nothing is logged."
    example = 'echo \'{"patient": {"age_years": 67}, "location": {"postcode": "3584CX"},\n'
    example += '    "observations": {"chest_pain": true}}\' | wegwijs decide -'
    decide = add_command(commands, "decide", _decide, text, example)
    decide.add_argument("case", metavar="CASE.json", help="file with a case, or - for standard input")
    decide.add_argument("--at", metavar="TIME", help="the moment of deciding, with offset (default: now)")
    decide.add_argument("--ruleset", type=Path, metavar="PATH", help="folder of a ruleset, or of rulesets")
    decide.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    add_json_option(decide)
    text = "Hold the urgencies that Wegwijs gives against those that others gave."
    example = "wegwijs evaluate cases.jsonl --predictions predictions.jsonl"
    evaluate = add_command(commands, "evaluate", _evaluate, text, example)
    evaluate.add_argument("cases", metavar="CASES.jsonl", help="labelled cases, one JSON object a line, or -")
    evaluate.add_argument("--predictions", type=Path, metavar="FILE", help="write one line a case to FILE")
    evaluate.add_argument("--ruleset", type=Path, metavar="PATH", help="folder of a ruleset, or of rulesets")
    add_json_option(evaluate)


def _keeping(commands: Any) -> None:
    add_keys_commands(add_group(commands, "keys", "Manage the keys with which other software asks."))
    add_users_commands(add_group(commands, "users", "Manage the accounts with which people sign in at a browser."))
    database = add_group(commands, "db", "Look after the database.")
    text = "Bring the tables and the packaged directory up to date; may be repeated."
    add_command(
        database, "upgrade", _db_upgrade, text, "WEGWIJS_DATABASE_URL=postgresql://me@host/ww wegwijs db upgrade"
    )
    bench = add_group(commands, "bench", "Measure what things cost on this machine.")
    text = "Measure the processor time of a decision and of its parts."
    core = add_command(bench, "core", _bench_core, text, "wegwijs bench core --decisions 500 --json")
    core.add_argument("--decisions", type=int, default=2_000, help="how many decisions are timed (default: 2000)")
    core.add_argument("--memory-decisions", type=int, default=10_000, help="how many more to watch memory with")
    add_json_option(core)
    text = "Measure what live places cost: ten times as many, reports coming in, seeing them. In a scratch database."
    directory = add_command(
        bench, "directory", _bench_directory, text, "wegwijs bench directory --decisions 200 --json"
    )
    directory.add_argument("--decisions", type=int, default=300, help="how many decisions are timed (default: 300)")
    directory.add_argument("--seconds", type=float, default=10, help="how long reports are written (default: 10)")
    add_json_option(directory)
    text = "Measure what the log costs: adding an entry, verifying a long log, replaying. In a scratch database."
    log = add_command(bench, "log", _bench_log, text, "wegwijs bench log --entries 1000000 --json")
    log.add_argument("--entries", type=int, default=100_000, help="how long a log is verified (default: 100000)")
    log.add_argument("--decisions", type=int, default=500, help="how many are added and replayed (default: 500)")
    add_json_option(log)
    text = "Measure decisions over HTTP beside a bare server, in scratch databases. Needs wrk (apt-get install wrk)."
    over_http = add_command(bench, "http", _bench_http, text, "wegwijs bench http --seconds 20 --json")
    over_http.add_argument("--seconds", type=int, default=15, help="how long each load is kept up (default: 15)")
    add_json_option(over_http)
    text = "Measure the times of travel to 500 places: embedded, and from a matrix."
    example = "wegwijs bench travel --matrix nl.matrix --json"
    travel = add_command(bench, "travel", _bench_travel, text, example)
    travel.add_argument("--matrix", type=Path, metavar="FILE", help="a matrix (WEGWIJS_TRAVEL_MATRIX)")
    travel.add_argument("--lookups", type=int, default=2_000, help="how many look-ups are timed (default: 2000)")
    add_json_option(travel)
    text = "Measure the page of a new case beside the same call of the API, in a scratch database."
    at_desk = add_command(bench, "desk", _bench_desk, text, "wegwijs bench desk --requests 500 --json")
    at_desk.add_argument("--requests", type=int, default=200, help="how many of each kind are asked (default: 200)")
    add_json_option(at_desk)


# -- serving and keeping ----------------------------------------------------------------------------------------------


def _serve(arguments: argparse.Namespace) -> int:
    from routing.serving import serve  # a server is a lot to load for somebody who asks for the help

    given = {name: getattr(arguments, name) for name in ("host", "port") if getattr(arguments, name) is not None}
    serve(settings_here(**given), lambda text: print(text, flush=True))
    return FINE


def _db_upgrade(_arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        service.upgrade(world)
    say("the database is up to date")
    return FINE


# -- deciding ---------------------------------------------------------------------------------------------------------


def _decide(arguments: argparse.Namespace) -> int:
    now = moment_of("--at", arguments.at) or datetime.now(UTC)
    body = _json_document(_bytes(arguments.case), arguments.case)
    desk = open_desk(arguments.ruleset, now)
    _, answer = decide_at_desk(desk, body, now, partial(decide_here, assembled(settings_here())))
    if arguments.json:
        show(answer)
    else:
        sys.stdout.write(decision_text(answer, desk.words, arguments.language))
    return FINE


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
        show({**report, "levels": evaluation.levels(predictions), "ruleset": desk.evaluators.ruleset.digest})
    else:
        sys.stdout.write(evaluation.as_text(report))
    return FINE


def _write_lines(path: Path, lines: Iterator[bytes]) -> None:
    try:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise bad_input(str(path), "unwritable", f"cannot be written: {error.strerror}") from error


def _bench_core(arguments: argparse.Namespace) -> int:
    from routing import bench

    words: Vocabulary = read_vocabulary()
    desk = open_desk(None, datetime.now(UTC))
    counts = {"decisions": arguments.decisions, "memory_decisions": arguments.memory_decisions}
    return _figures(
        arguments, bench.core(desk.evaluators, desk.directory, _worked(words, desk), **counts, progress=say)
    )


def _bench_directory(arguments: argparse.Namespace) -> int:
    from routing import bench_directory

    desk = open_desk(None, datetime.now(UTC))
    bodies = [body for body, _ in _mixed(_worked(read_vocabulary(), desk))]
    counts = {"decisions": arguments.decisions, "seconds": arguments.seconds}
    return _figures(arguments, bench_directory.measure(settings_here(), bodies, **counts, progress=say))


def _bench_log(arguments: argparse.Namespace) -> int:
    from routing import bench_log

    cases = _mixed(_worked(read_vocabulary(), open_desk(None, datetime.now(UTC))))
    counts = {"entries": arguments.entries, "decisions": arguments.decisions}
    return _figures(arguments, bench_log.measure(settings_here(), cases, **counts, progress=say))


def _bench_http(arguments: argparse.Namespace) -> int:
    from routing import bench_http

    bodies = [body for body, _ in _mixed(_worked(read_vocabulary(), open_desk(None, datetime.now(UTC))))]
    return _figures(arguments, bench_http.measure(settings_here(), bodies, seconds=arguments.seconds, progress=say))


def _bench_desk(arguments: argparse.Namespace) -> int:
    from routing import bench_desk

    return _figures(arguments, bench_desk.measure(settings_here(), requests=arguments.requests, progress=say))


def _bench_travel(arguments: argparse.Namespace) -> int:
    from routing import bench_travel

    matrix = arguments.matrix or settings_here().travel_matrix
    return _figures(arguments, bench_travel.measure(matrix, arguments.lookups, progress=say))


def _mixed(cases: list[tuple[Any, datetime]]) -> list[tuple[Any, datetime]]:
    """The same in a fixed order in which no kind of case comes first."""
    return [cases[index] for index in sorted(range(len(cases)), key=lambda index: index * 2_654_435_761 % 2**32)]


def _worked(words: Vocabulary, desk: Desk) -> list[tuple[Any, datetime]]:
    return [(case.given, case.at) for case in worked_cases.packaged_worked_cases(words, desk.directory)]


def _figures(arguments: argparse.Namespace, found: dict[str, Any]) -> int:
    if arguments.json:
        show(found)
    else:
        for name, value in found.items():
            print(f"{name}: {value}")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
