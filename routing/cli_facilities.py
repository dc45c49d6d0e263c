"""The commands about places of care: which there are, what is known of them, and what goes on there now."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Any, BinaryIO

import orjson

from routing import places
from routing.errors import bad_input
from routing.feeding.maps import read_map
from routing.feeding.report import FeedReport, Outcome, outcome_text
from routing.feeding.taking_in import sender, take_in
from routing.formats.feed import FORMATS
from routing.place_board import board
from routing.place_text import board_text, history_text, place_text, report_text
from routing.rights import Asker
from routing.terminal import (
    BAD_USAGE,
    DOES_NOT_HOLD,
    FINE,
    add_command,
    add_json_option,
    opened_world,
    say,
    show,
)
from routing.vocabulary import REPORT_KINDS
from routing.world import World

AT_THE_SERVER = Asker("", "command line", frozenset({"operator"}))
"""Who uses this command on the server may do what an operator may, without a key."""

_CLEAR = "\x1b[2J\x1b[H"

SURE = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
"""Ends of names of files that leave no doubt about the format; XML and JSON can be several."""

TOLD_EVERY = 5_000


def add_facilities_commands(commands: Any) -> None:
    """`wegwijs facilities ...`."""
    _looking(commands)
    text = "All places with a status at a glance, the worst first."
    example = "wegwijs facilities board --region Utrecht --unit seh"
    table = add_command(commands, "board", _board, text, example)
    table.add_argument("--region", help="only places in this region, of any kind")
    table.add_argument("--unit", help="only this unit")
    table.add_argument("--watch", type=int, metavar="SECONDS", help="look again every so many seconds, until Ctrl-C")
    add_json_option(table)
    text = "Take down what a place tells by telephone, as one report."
    example = "wegwijs facilities report umc-utrecht --unit seh --kind stop --value true --reason crowding"
    report = add_command(commands, "report", _report, text, example)
    report.add_argument("id", metavar="ID", help="id of the place")
    report.add_argument("--unit", required=True, help="the unit that it is about")
    report.add_argument("--kind", required=True, choices=REPORT_KINDS, help="what is reported")
    report.add_argument("--value", required=True, metavar="JSON", help="true, false, a number, null, or counts of beds")
    report.add_argument("--bed", help="the kind of bed")
    report.add_argument("--reason", help="why")
    report.add_argument("--since", metavar="TIME", help="when a stop began, with offset")
    report.add_argument("--expected-end", metavar="TIME", help="when a stop should be over, with offset")
    report.add_argument("--observed-at", metavar="TIME", help="when it was seen, with offset (default: now)")
    add_json_option(report)


def _looking(commands: Any) -> None:
    text = "List places; with --near, the nearest first."
    example = "wegwijs facilities list --capability pci --near 52.09,5.12 --limit 5"
    listing = add_command(commands, "list", _list, text, example)
    listing.add_argument("--capability", help="only places that certainly have this capability")
    listing.add_argument("--kind", help="only places of this kind")
    listing.add_argument("--region", help="only places in this region, of any kind")
    listing.add_argument("--near", metavar="LAT,LON", help="a place in degrees; the nearest come first")
    listing.add_argument("--status", choices=places.STATES, help="only places of which this holds now")
    listing.add_argument("--unit", help="the unit that --status is about (default: seh)")
    listing.add_argument("--limit", type=int, help="at most so many (default: all)")
    add_json_option(listing)
    text = "Show everything that is known of one place, and what goes on there."
    showing = add_command(commands, "show", _show, text, "wegwijs facilities show umc-utrecht")
    showing.add_argument("id", metavar="ID", help="id of the place")
    add_json_option(showing)
    text = "Show what was changed and reported of one place, the newest first."
    past = add_command(commands, "history", _history, text, "wegwijs facilities history umc-utrecht --limit 10")
    past.add_argument("id", metavar="ID", help="id of the place")
    past.add_argument("--limit", type=int, default=50, help="at most so many (default: 50)")
    add_json_option(past)
    text = "Take in a file with status and profiles of places, each record as a whole or not at all."
    example = "wegwijs facilities import beds.csv --source region --dry-run"
    taking = add_command(commands, "import", _import, text, example)
    taking.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    taking.add_argument("--format", choices=sorted(FORMATS), help="its format (default: by the end of its name)")
    taking.add_argument("--map", type=Path, metavar="FILE", help="mapping of fields, for formats that need one")
    taking.add_argument("--source", default="import", metavar="NAME", help="who says so (default: import)")
    taking.add_argument("--dry-run", action="store_true", help="say what would happen, and keep nothing")
    add_json_option(taking)


def _list(arguments: argparse.Namespace) -> int:
    question = {name: getattr(arguments, name) for name in ("capability", "kind", "region", "status", "unit")}
    near = _near(arguments.near)
    limit = _count("--limit", arguments.limit)
    with opened_world() as world:
        found = places.facilities(world, **question, near=near, limit=limit or sys.maxsize)
        now = world.clock()
    if arguments.json:
        show(found)
        return FINE
    for place in found["facilities"]:
        away = f"  {place['distance_km']:6.1f} km" if near else ""
        print(f"{place['id']:<44}{away}  {place['kind']:<20}  {place['name']}, {place['city']}")
        for report in place["status"]:
            if report.get("in_force"):
                print(f"    {report_text(report, now)}")
    return FINE


def _count(option: str, given: int | None) -> int | None:
    if given is not None and given < 1:
        raise bad_input(option, "out_of_range", "is not such a number", given, "1 or more")
    return given


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


def _show(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        profile = places.facility(world, arguments.id)
        live = places.facility_status(world, arguments.id)
        now = world.clock()
    if arguments.json:
        show({**profile, "live": live["status"], "directory_revision": live["directory_revision"]})
    else:
        sys.stdout.write(place_text(profile, live["status"], now))
    return FINE


def _history(arguments: argparse.Namespace) -> int:
    limit = _count("--limit", arguments.limit)
    with opened_world() as world:
        found = places.facility_history(world, arguments.id, limit=limit or 1)
        now = world.clock()
    if arguments.json:
        show(found)
    else:
        sys.stdout.write(history_text(found["changes"], now))
    return FINE


# -- what goes on -----------------------------------------------------------------------------------------------------


def _board(arguments: argparse.Namespace) -> int:
    seconds = _count("--watch", arguments.watch)
    if seconds is not None and arguments.json:
        raise bad_input("--watch", "contradiction", "cannot go with --json, which is one document", seconds)
    with opened_world() as world:
        _look(world, arguments, clear=False)
        while seconds is not None:
            sleep(seconds)
            _look(world, arguments, clear=sys.stdout.isatty())
    return FINE


def _look(world: World, arguments: argparse.Namespace, *, clear: bool) -> None:
    found = board(world, region=arguments.region, unit=arguments.unit)
    if arguments.json:
        show(found)
        return
    sys.stdout.write((_CLEAR if clear else "") + board_text(found, colour=sys.stdout.isatty()))
    sys.stdout.flush()


def _report(arguments: argparse.Namespace) -> int:
    said = ("unit", "kind", "bed", "reason", "since", "expected_end", "observed_at")
    body = {name: given for name in said if (given := getattr(arguments, name)) is not None}
    with opened_world() as world:
        seen = {"observed_at": world.clock().isoformat(), **body, "value": _value(arguments.value)}
        found = places.report_status(world, arguments.id, seen, AT_THE_SERVER)
        status = places.facility_status(world, arguments.id)["status"]
        now = world.clock()
    if arguments.json:
        show(found)
    else:
        _say_what_counts(found, status, now)
    return FINE


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        allowed = 'true, false, null, a number, or {"total": 20, "available": 3}'
        raise bad_input("--value", "wrong_value", "is not such a value", text, allowed) from None


def _say_what_counts(found: Mapping[str, Any], status: list[Mapping[str, Any]], now: datetime) -> None:
    ((verdict, (subject, *_)),) = ((name, found[name]) for name in ("taken", "known", "older", "damped") if found[name])
    say(f"{verdict}; what is known now:")
    for report in status:
        if "/".join(part for part in (report["unit"], report["kind"], report.get("bed")) if part) == subject:
            print(report_text(report, now))


def _import(arguments: argparse.Namespace) -> int:
    name = arguments.format or SURE.get(Path(arguments.file).suffix.lower())
    if name is None:
        raise bad_input("--format", "missing", "is needed for such a file", arguments.file, ", ".join(sorted(FORMATS)))
    field_map = read_map(arguments.map) if arguments.map is not None else None
    with _opened(arguments.file) as stream, opened_world() as world:
        report = take_in(
            world,
            name,
            stream,
            sender("import"),
            source=arguments.source,
            field_map=field_map,
            dry_run=arguments.dry_run,
            progress=_progress(quiet=arguments.json),
        )
    if arguments.json:
        show(report.wire())
    else:
        _tell(report)
    if report.broken is not None:
        return BAD_USAGE
    return FINE if report.complete else DOES_NOT_HOLD


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115  what fails later is not about opening it
    except OSError as error:
        raise bad_input(name, "unreadable", f"cannot be read: {error.strerror}") from error
    with stream:
        yield stream


def _progress(*, quiet: bool) -> Any:
    count = 0

    def told(outcome: Outcome) -> None:
        nonlocal count
        count += 1
        if count % TOLD_EVERY == 0:
            say(f"{count} records")
        if not outcome.plain and not quiet:
            print(outcome_text(outcome))

    return told


def _tell(report: FeedReport) -> None:
    counted = ", ".join(f"{count} {name}" for name, count in report.counts.items() if count or name == "records")
    tried = " (nothing was kept)" if report.dry_run else ""
    print(f"{counted}; revision {report.directory_revision} of the directory{tried}")
    if report.broken is not None:
        say(f"`{report.broken.field}`: {report.broken.message}; what stands before it was read")
