"""The commands about what is kept of patients: count it, erase it, keep it no longer than it may be, hold it."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from routing import erasure, figures, retention
from routing.errors import bad_input
from routing.store.figures import Span
from routing.terminal import (
    FINE,
    add_command,
    add_json_option,
    add_user_option,
    moment_of,
    opened_world,
    operator_here,
    reference_in,
    say,
    show,
)
from routing.world import World


def add_erase_command(commands: Any) -> None:
    """`wegwijs erase`."""
    text = "Show what would be erased of a patient or of decisions, and with --yes erase it for good."
    example = "wegwijs erase 01a202e0-2f70-7455-a350-b0834be62ba3 --why patient_request --yes"
    erase = add_command(commands, "erase", _erase, text, example)
    erase.add_argument("decisions", metavar="DECISION_ID", nargs="*", help="ids of decisions")
    of = "file with the reference of a case, or - for standard input: all decisions about it"
    erase.add_argument("--reference-file", metavar="FILE", help=of)
    erase.add_argument("--patient", metavar="PSEUDONYM", help="all decisions about this patient, by pseudonym")
    erase.add_argument("--why", required=True, choices=erasure.WHY, help="why, as it will stand in the log")
    erase.add_argument("--yes", action="store_true", help="erase it; without this it is only shown")
    add_user_option(erase)
    add_json_option(erase)


def add_retention_commands(commands: Any) -> None:
    """`wegwijs retention ...`."""
    text = "Show what has been kept long enough, and with --yes erase it, some at a time."
    running = add_command(commands, "run", _run, text, "wegwijs retention run --policy retention.yaml --yes")
    running.add_argument("--policy", type=Path, required=True, metavar="FILE", help="how long what is kept, and why")
    running.add_argument("--yes", action="store_true", help="erase it; without this it is only shown")
    sure = "go on although the newest entry of the log is old: the service was not used for long"
    running.add_argument("--clock-is-right", action="store_true", help=sure)
    add_json_option(running)
    text = "Keep a decision from being erased, except by a court order, until it is released."
    example = "wegwijs retention hold 01a202e0-2f70-7455-a350-b0834be62ba3 --why claim"
    hold = add_command(commands, "hold", _hold, text, example)
    hold.add_argument("decision", metavar="DECISION_ID")
    hold.add_argument("--why", required=True, choices=erasure.HOLDS, help="why it must stay")
    text = "Let a decision be erased again."
    example = "wegwijs retention release 01a202e0-2f70-7455-a350-b0834be62ba3"
    add_command(commands, "release", _release, text, example).add_argument("decision", metavar="DECISION_ID")


def add_figures_command(commands: Any) -> None:
    """`wegwijs figures`."""
    text = "Count the decisions by what they were about and when; nothing is shown of a single one."
    example = "wegwijs figures --since 2026-11-01T00:00:00+01:00 --by urgency,condition:facility --csv"
    made = add_command(commands, "figures", _figures, text, example)
    made.add_argument("--since", metavar="TIME", help="from this time on, with offset")
    made.add_argument("--until", metavar="TIME", help="before this time, with offset")
    by = f"what to count by, with commas between: {', '.join(figures.BY)}; two together as condition:facility"
    made.add_argument("--by", metavar="NAMES", help=f"{by} (default: each alone)")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print a table with commas")
    form.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def _erase(arguments: argparse.Namespace) -> int:
    given = (arguments.decisions, arguments.reference_file, arguments.patient)
    if sum(bool(each) for each in given) != 1:
        message = "say which: ids of decisions, or --reference-file, or --patient"
        raise bad_input("DECISION_ID", "missing", message, allowed="one of the three")
    asker = operator_here(arguments, "erase")
    with opened_world() as world:
        if not (ids := arguments.decisions):
            reference = reference_in(arguments.reference_file) if arguments.reference_file else None
            ids = erasure.decisions_of(world, reference=reference, patient=arguments.patient)
        found = erasure.look(world, ids, arguments.why)
        done = erasure.erase(world, ids, arguments.why, asker) if arguments.yes and ids else []
        settled = erasure.settle(world)
    if arguments.json:
        show({**_counts(found), "erased": bool(arguments.yes), "decisions": done})
        return FINE
    print(_found_text(found))
    if not arguments.yes:
        say("nothing was erased; with --yes it is")
    elif not settled:
        say("others still read the database: what was erased leaves its files with the next erasure, or at the end")
    return FINE


def _counts(found: erasure.Found) -> dict[str, Any]:
    moments = [each.decided_at.isoformat() for each in found.decisions]
    return {
        "to_erase": len(found.decisions),
        "outcomes": found.outcomes,
        "from": moments[0] if moments else None,
        "until": moments[-1] if moments else None,
        "erased_before": len(found.erased),
        "held": [str(each.id) for each in found.held],
    }


def _found_text(found: erasure.Found) -> str:
    said = [f"{len(found.decisions)} decisions with {found.outcomes} outcomes"]
    if found.decisions:
        first, last = found.decisions[0].decided_at, found.decisions[-1].decided_at
        said.append(f"from {first.isoformat(timespec='minutes')} until {last.isoformat(timespec='minutes')}")
    said += [f"{len(found.erased)} were erased before"] if found.erased else []
    said += [f"held, and not to be erased for now: {each.id} ({each.held})" for each in found.held]
    return "; ".join(said)


def _run(arguments: argparse.Namespace) -> int:
    sure = {"clock_is_right": arguments.clock_is_right}
    with opened_world() as world:
        policy = retention.read_policy(arguments.policy, world.words)
        found = retention.due(world, policy, **sure)
        total = sum(each.decisions - each.held for each in found)
        if not arguments.json:
            for line in retention.lines(found):
                print(line)
        done = 0
        if arguments.yes:
            done = retention.run(world, policy, lambda done: say(f"{done} of {total} erased"), **sure)
    if arguments.json:
        due = [
            {"class": each.period, "month": each.month, "decisions": each.decisions, "held": each.held}
            for each in found
        ]
        show({"due": due, "to_erase": total, "erased": done})
    elif not arguments.yes:
        say(f"{total} decisions would be erased, with their outcomes; with --yes they are")
    return FINE


def _hold(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        retention.hold(world, arguments.decision, arguments.why)
    say(f"decision {arguments.decision} is held")
    return FINE


def _release(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        held = retention.release(world, arguments.decision)
    say(f"decision {arguments.decision} {'is not held any more' if held else 'was not held'}")
    return FINE


def _figures(arguments: argparse.Namespace) -> int:
    span = Span(moment_of("--since", arguments.since), moment_of("--until", arguments.until))
    parts = figures.read_parts(arguments.by)
    with opened_world() as world:
        if arguments.json:
            show(figures.figures(world, parts, span))
        elif arguments.csv:
            _table(world, parts, span)
        else:
            _text(world, parts, span)
    return FINE


def _table(world: World, parts: Sequence[tuple[str, ...]], span: Span) -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("by", "value", "and_value", "n"))
    for by in parts:
        for row in figures.part(world, by, span):
            first, second = (*row.values, None)[:2]
            table.writerow((figures.CROSS.join(by), first, second, _count(row)))


def _text(world: World, parts: Sequence[tuple[str, ...]], span: Span) -> None:
    found = figures.total(world, span)
    print(f"{found.decisions:,} decisions, and {found.erased:,} that were erased")
    for by in parts:
        print(f"\nby {' and '.join(by)}")
        for row in figures.part(world, by, span):
            print(f"{' '.join(f'{_word(value):<40}' for value in row.values)} {_count(row):>9}")


def _word(value: str | int | None) -> str:
    return "-" if value is None else str(value)


def _count(row: figures.Row) -> str:
    return f"<{figures.FEW}" if row.n is None else str(row.n)
