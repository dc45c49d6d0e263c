"""The commands about the log of accesses: look into it, tell a patient who looked, export it, remove what is old."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from routing import access_log
from routing.access_text import accesses_text, patient_text
from routing.errors import bad_input
from routing.log.access import EVENTS
from routing.terminal import FINE, add_command, add_json_option, add_user_option, auditor_here, opened_world, say, show

LIMIT_MOST = 200


def add_access_commands(commands: Any) -> None:
    """`wegwijs access ...`."""
    text = "List who did what with data of patients, the newest first; that you looked is noted too."
    listing = add_command(
        commands, "list", _list, text, "wegwijs access list --decision 01a202e0-2f70-7455-a350-b0834be62ba3"
    )
    _filters(listing)
    _pages(listing)
    text = "Tell a patient who saw or changed their data, when, why and from which organisation."
    view = add_command(
        commands, "patient", _patient, text, "wegwijs access patient --reference ZCC-2026-000123 --language en"
    )
    view.add_argument("--reference", required=True, metavar="REF", help="the client's own number of the case")
    view.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    _pages(view)
    text = "Write accesses as FHIR R4 AuditEvent, a line each, the oldest first; that you did is noted too."
    example = "wegwijs access export --since 2026-11-01T00:00:00+01:00 --to accesses.ndjson"
    export = add_command(commands, "export", _export, text, example)
    _filters(export)
    export.add_argument("--to", metavar="FILE", help="the file to write (default: standard output)")
    add_user_option(export)
    text = "Show what is old enough to be removed from the log, and with --yes remove it; five years are always kept."
    prune = add_command(commands, "prune", _prune, text, "wegwijs access prune --before 2031-01-01T00:00:00+01:00")
    prune.add_argument("--before", required=True, metavar="TIME", help="remove what is older, a time with offset")
    prune.add_argument("--yes", action="store_true", help="remove it; without this it is only counted")
    add_user_option(prune)
    add_json_option(prune)


def _filters(made: argparse.ArgumentParser) -> None:
    made.add_argument("--reference", metavar="REF", help="only about the patient of this number of a case")
    made.add_argument("--patient", metavar="PSEUDONYM", help="only about this patient, by pseudonym")
    made.add_argument("--decision", metavar="ID", help="only about this decision")
    made.add_argument("--of-user", metavar="ID", help="only by this user, as the client named them")
    made.add_argument("--of-key", metavar="ID", help="only with the API key of this id")
    made.add_argument("--event", choices=tuple(EVENTS), help="only this kind of event")
    made.add_argument("--since", metavar="TIME", help="from this time on, with offset")
    made.add_argument("--until", metavar="TIME", help="before this time, with offset")


def _pages(made: argparse.ArgumentParser) -> None:
    made.add_argument("--limit", type=int, default=50, help=f"at most so many, up to {LIMIT_MOST} (default: 50)")
    made.add_argument("--cursor", help="where an earlier answer said that there is more")
    add_user_option(made)
    add_json_option(made)


def _list(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = access_log.accesses(
            world, auditor_here(arguments, "access list"), **_asked(arguments), **_page(arguments)
        )
    if arguments.json:
        show(found)
    else:
        sys.stdout.write(accesses_text(found))
    return FINE


def _patient(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        asker = auditor_here(arguments, "access patient")
        found = access_log.patient_view(world, asker, arguments.reference, **_page(arguments))
    if arguments.json:
        show(found)
    else:
        sys.stdout.write(patient_text(found, arguments.language))
    return FINE


def _export(arguments: argparse.Namespace) -> int:
    count = 0
    with opened_world() as world, _opened(arguments.to) as stream:
        for line in access_log.export(world, auditor_here(arguments, "access export"), **_asked(arguments)):
            stream.write(line)
            count += 1
        stream.flush()
    say(f"{count} accesses")
    return FINE


def _prune(arguments: argparse.Namespace) -> int:
    before = _moment("--before", arguments.before)
    with opened_world() as world:
        found = access_log.prune(world, auditor_here(arguments, "access prune"), before, dry_run=not arguments.yes)
    if arguments.json:
        show(found)
        return FINE
    span = f", from {found['first_at']} to {found['last_at']}" if found["entries"] else ""
    print(f"{found['entries']} accesses {'are older' if found['dry_run'] else 'were removed'}{span}")
    if found["dry_run"] and found["entries"]:
        say("nothing was removed: say so with --yes, after you have exported what must be kept elsewhere")
    return FINE


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        **{name: getattr(arguments, name) for name in ("reference", "patient", "decision", "event")},
        "user": arguments.of_user,
        "key": arguments.of_key,
        **{
            name: _moment(f"--{name}", getattr(arguments, name))
            for name in ("since", "until")
            if getattr(arguments, name)
        },
    }


def _page(arguments: argparse.Namespace) -> dict[str, Any]:
    if not 1 <= arguments.limit <= LIMIT_MOST:
        raise bad_input("--limit", "out_of_range", "is not such a number", arguments.limit, f"1 to {LIMIT_MOST}")
    return {"cursor": arguments.cursor, "limit": arguments.limit}


def _moment(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise bad_input(option, "wrong_type", "is not a time with an offset", text, "2026-11-21T20:04:00+01:00")
    return found


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    if name is None:
        yield sys.stdout.buffer
        return
    try:
        stream = Path(name).open("xb")  # noqa: SIM115  what fails later is not about opening it
    except OSError as error:
        raise bad_input("--to", "unwritable", f"cannot be written: {error.strerror}", name) from error
    with stream:
        yield stream
