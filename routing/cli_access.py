"""The commands about the log of accesses: look into it, tell a patient who looked, export it, remove what is old."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from routing import access_log
from routing.access_text import accesses_text, patient_text
from routing.errors import bad_input
from routing.log.access import EVENTS
from routing.terminal import (
    FINE,
    add_command,
    add_json_option,
    add_user_option,
    auditor_here,
    moment_of,
    opened_world,
    reference_in,
    say,
    show,
)

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
    _reference(view.add_mutually_exclusive_group(required=True))
    view.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    _pages(view)
    text = "Write accesses as FHIR R4 AuditEvent, a line each, the oldest first; that you did is noted too."
    example = "wegwijs access export --since 2026-11-01T00:00:00+01:00 --output accesses.ndjson"
    export = add_command(commands, "export", _export, text, example)
    _filters(export)
    export.add_argument("--output", metavar="FILE", help="a new file to write, instead of standard output")
    add_user_option(export)
    text = "Show what is old enough to be removed from the log, and with --yes remove it; five years are always kept."
    prune = add_command(commands, "prune", _prune, text, "wegwijs access prune --before 2031-01-01T00:00:00+01:00")
    prune.add_argument("--before", required=True, metavar="TIME", help="remove what is older, a time with offset")
    prune.add_argument("--yes", action="store_true", help="remove it; without this it is only counted")
    add_user_option(prune)
    add_json_option(prune)


def _filters(made: argparse.ArgumentParser) -> None:
    _reference(made.add_mutually_exclusive_group())
    made.add_argument("--patient", metavar="PSEUDONYM", help="only about this patient, by pseudonym")
    made.add_argument("--decision", metavar="ID", help="only about this decision")
    made.add_argument("--of-user", metavar="ID", help="only by this user, as the client named them")
    made.add_argument("--of-key", metavar="ID", help="only with the API key of this id")
    made.add_argument("--event", choices=tuple(EVENTS), help="only this kind of event")
    made.add_argument("--since", metavar="TIME", help="from this time on, with offset")
    made.add_argument("--until", metavar="TIME", help="before this time, with offset")


def _reference(made: Any) -> None:
    made.add_argument("--reference", metavar="REF", help="the client's own number of the case of the patient")
    of = "file with that number, or -: what is typed stays in the history of a shell"
    made.add_argument("--reference-file", metavar="FILE", help=of)


def _given_reference(arguments: argparse.Namespace) -> str | None:
    given: str | None = arguments.reference
    return reference_in(arguments.reference_file) if arguments.reference_file is not None else given


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
        found = access_log.patient_view(world, asker, _given_reference(arguments) or "", **_page(arguments))
    if arguments.json:
        show(found)
    else:
        sys.stdout.write(patient_text(found, arguments.language))
    return FINE


def _export(arguments: argparse.Namespace) -> int:
    count = 0
    with opened_world() as world, _opened(arguments.output) as stream:
        for line in access_log.export(world, auditor_here(arguments, "access export"), **_asked(arguments)):
            stream.write(line)
            count += 1
        stream.flush()
    say(f"{count} accesses")
    return FINE


def _prune(arguments: argparse.Namespace) -> int:
    before = moment_of("--before", arguments.before)
    assert before is not None, "the option is required"
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
        **{name: getattr(arguments, name) for name in ("patient", "decision", "event")},
        "reference": _given_reference(arguments),
        "user": arguments.of_user,
        "key": arguments.of_key,
        **{
            name: moment_of(f"--{name}", getattr(arguments, name))
            for name in ("since", "until")
            if getattr(arguments, name)
        },
    }


def _page(arguments: argparse.Namespace) -> dict[str, Any]:
    if not 1 <= arguments.limit <= LIMIT_MOST:
        raise bad_input("--limit", "out_of_range", "is not such a number", arguments.limit, f"1 to {LIMIT_MOST}")
    return {"cursor": arguments.cursor, "limit": arguments.limit}


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    if name is None:
        yield sys.stdout.buffer
        return
    try:
        Path(name).touch(mode=0o600, exist_ok=False)  # pseudonyms and who looked are for nobody else to read
        stream = Path(name).open("wb")  # noqa: SIM115  what fails later is not about opening it
    except OSError as error:
        raise bad_input("--output", "unwritable", f"cannot be written: {error.strerror}", name) from error
    with stream:
        yield stream
