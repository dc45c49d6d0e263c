"""The commands that say how right travel times are, and who lives within reach of what."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from routing.errors import bad_input
from routing.facilities.directory import Directory
from routing.geography import Places, Point
from routing.packaged import packaged_directory
from routing.people_in_reach import InReach, people_in_reach, picture
from routing.terminal import FINE, add_command, add_json_option, moment_of, say, show
from routing.travel import Travel, embedded, skeleton, straight_line
from routing.travel.accuracy import Accuracy, Found, Miss, compared, crow_fly
from routing.travel.reference_times import Pair, Reach, known_pairs, read_reference
from routing.vocabulary import read_vocabulary

Minutes = Callable[[Point, Places, datetime], tuple[Travel, ...]]

WAYS: Mapping[str, Minutes] = {
    skeleton.METHOD: skeleton.minutes,
    straight_line.METHOD: straight_line.minutes,
    "crow-fly x 1.3 at 60 km/h": crow_fly,
}
"""The times that are compared: those that are used, the curve without roads, and the usual rule of thumb."""

AREAS_SHOWN = 12


def add_check_commands(commands: Any) -> None:
    """`wegwijs travel check` and `coverage`."""
    text = (
        "Hold the travel times that come with Wegwijs against times that somebody else measured, beside two simpler\n"
        "ways. FILE is a table `from,to,minutes` (postcodes, ids of places or `LAT LON`), or a JSON document that\n"
        "says which hospitals are within 25 and 30 minutes of postcode areas. Without FILE: commonly known times\n"
        "between Dutch towns."
    )
    check = add_command(commands, "check", _check, text, "wegwijs travel check reference.csv --json")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="reference times (default: known times)")
    _add_moment(check)
    add_json_option(check)
    text = (
        "Say how many people live within so many minutes of a place that can do something round the clock, with the\n"
        "interval of the times, and where the others live. The places are those that come with Wegwijs."
    )
    covered = add_command(
        commands, "coverage", _coverage, text, "wegwijs travel coverage --capability seh --minutes 45"
    )
    covered.add_argument("--capability", default="seh", metavar="ID", help="what the place must have (default: seh)")
    covered.add_argument("--minutes", type=int, default=45, metavar="N", help="within how many minutes (default: 45)")
    lead = "minutes that pass before the drive, such as until an ambulance is there and leaves again (default: 0)"
    covered.add_argument("--lead", type=int, default=0, metavar="N", help=lead)
    covered.add_argument("--svg", type=Path, metavar="FILE", help="write a map as a picture too")
    _add_moment(covered)
    add_json_option(covered)


def _add_moment(made: argparse.ArgumentParser) -> None:
    made.add_argument("--at", metavar="TIME", help="leaving when; boats go by the clock (default: now)")


# -- check ------------------------------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    directory = _directory()
    at = moment_of("--at", arguments.at) or datetime.now(UTC)
    reference = _reference(arguments.file, directory)
    if isinstance(reference, Reach) and reference.unknown:
        say(f"{len(reference.unknown)} places of the file are not in the directory and count nowhere")
    found = []
    for one in compared(reference, WAYS, at):
        say(f"{one.method}: {one.compared} pairs compared")
        found.append(one)
    if arguments.json:
        others = [_wire(one) for one in found[1:]]
        unknown = list(reference.unknown) if isinstance(reference, Reach) else []
        show({**_wire(found[0]), "unknown_places": unknown, "beside": others})
    else:
        for line in _check_lines(found):
            print(line)
    return FINE


def _reference(file: Path | None, directory: Directory) -> tuple[Pair, ...] | Reach:
    if file is None:
        return known_pairs()
    try:
        text = file.read_bytes()
    except OSError as error:
        raise bad_input("FILE", "unreadable", f"cannot be read: {error.strerror}", str(file)) from error
    return read_reference(text, {place.id: (place.lat, place.lon) for place in directory.facilities})


def _directory() -> Directory:
    return packaged_directory(read_vocabulary())


def _wire(one: Accuracy) -> dict[str, Any]:
    return {
        "method": one.method,
        "compared": one.compared,
        "mean_abs_error_minutes": one.mean_abs_error,
        "inside_interval": one.inside,
        "limits": {str(limit): _limit_wire(found) for limit, found in one.limits.items()},
        "surely_wrong": {str(limit): count for limit, count in one.surely_wrong.items()},
        "worst": [_miss_wire(miss) for miss in one.worst],
    }


def _limit_wire(found: Found) -> dict[str, Any]:
    counts = {"both": found.both, "ours": found.ours, "theirs": found.theirs}
    return {"precision": found.precision, "recall": found.recall, "f1": found.f1, **counts}


def _miss_wire(miss: Miss) -> dict[str, Any]:
    travel = {"minutes": miss.travel.minutes, "low": miss.travel.low, "high": miss.travel.high}
    known = {"minutes": miss.minutes} if miss.limit is None else {"limit": miss.limit, "within": miss.within}
    return {"what": miss.what, "travel": travel, "reference": known, "off_minutes": miss.off}


def _check_lines(found: list[Accuracy]) -> Iterator[str]:
    for one in found:
        error = "" if one.mean_abs_error is None else f", mean error {one.mean_abs_error:.1f} minutes"
        inside = "" if one.inside is None else f", {_percent(one.inside)} inside the interval"
        yield f"{one.method}: {one.compared} pairs{error}{inside}"
        for limit, counts in one.limits.items():
            figures = (("precision", counts.precision), ("recall", counts.recall), ("F1", counts.f1))
            words = ", ".join(f"{name} {'unknown' if value is None else f'{value:.3f}'}" for name, value in figures)
            yield f"  within {limit} minutes: {words}; {one.surely_wrong[limit]} surely wrong"
    yield f"The furthest off ({found[0].method}):"
    for miss in found[0].worst:
        travel = miss.travel
        known = f"{miss.minutes:g}" if miss.limit is None else f"{'within' if miss.within else 'beyond'} {miss.limit}"
        yield f"  {miss.what}: {travel.minutes} ({travel.low} to {travel.high}), known: {known}"


# -- coverage ----------------------------------------------------------------------------------------------------------


def _coverage(arguments: argparse.Namespace) -> int:
    for name in ("minutes", "lead"):
        if not 0 <= getattr(arguments, name) <= 600:
            raise bad_input(f"--{name}", "range", "is out of range", str(getattr(arguments, name)), "0 to 600")
    at = moment_of("--at", arguments.at) or datetime.now(UTC)
    directory = _directory()
    found = people_in_reach(directory, arguments.capability, arguments.minutes, embedded.minutes, at, arguments.lead)
    if arguments.svg is not None:
        title = f"{arguments.capability}, {arguments.minutes} min"
        arguments.svg.write_text(picture(found, escape(title, quote=True)), encoding="utf-8")
        say(f"the map is in {arguments.svg}")
    if arguments.json:
        show(_coverage_wire(found, at))
    else:
        for line in _coverage_lines(found):
            print(line)
    return FINE


def _coverage_wire(found: InReach, at: datetime) -> dict[str, Any]:
    beyond = [area._asdict() for area in found.beyond]
    return {
        "capability": found.capability,
        "limit_minutes": found.limit_minutes,
        "lead_minutes": found.lead_minutes,
        "method": embedded.METHOD,
        "at": at.isoformat(),
        "places": found.places,
        "people": found.people,
        "within": {"surely": found.surely, "estimate": found.within, "perhaps": found.perhaps},
        "people_beyond": sum(area.people for area in found.beyond),
        "beyond": beyond,
    }


def _coverage_lines(found: InReach) -> Iterator[str]:
    before = f", {found.lead_minutes} of them before the drive" if found.lead_minutes else ""
    yield f"{found.capability}: {found.places} places round the clock; {found.people:,} people ({embedded.METHOD})"
    yield f"within {found.limit_minutes} minutes{before}: {_percent(found.within)} of the people"
    yield f"  surely {_percent(found.surely)}, perhaps {_percent(found.perhaps)}"
    beyond = found.beyond
    yield f"beyond: {sum(area.people for area in beyond):,} people in {len(beyond)} postcode areas"
    for area in beyond[:AREAS_SHOWN]:
        time = f"{area.minutes} minutes ({area.low} to {area.high})"
        yield f"  {area.pc4}: {area.people:,} people, {time} to {area.nearest}"


def _percent(part: float) -> str:
    return f"{100 * part:.2f}%"
