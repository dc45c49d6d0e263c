"""Places of care as text for a terminal: a table at a glance, one place with all that is known, and its history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from textwrap import wrap
from typing import Any

from routing.facilities.opening import TIME_ZONE

WIDTH = 80
_COLUMNS = (("PLACE", 20), ("UNIT", 12), ("STOP", 10), ("CROWDING", 11), ("WAIT MIN", 11), ("BEDS FREE", 11))
_RED, _PLAIN = "\x1b[1;31m", "\x1b[0m"


def board_text(found: Mapping[str, Any], *, colour: bool = False) -> str:
    """The board (see `routing.place_board.board`) as a table of at most WIDTH columns; `old` marks what is not relied
    on any more. Only with `colour` it holds more than plain characters."""
    now = datetime.fromisoformat(found["as_of"])
    lines = [f"As of {clock(now, now)}, revision {found['directory_revision']}", _line(name for name, _ in _COLUMNS)]
    for row in found["rows"]:
        lines.append(_line(_cells(row)))
        if row["closed"] is not None:
            said = row["closed"]
            old = "" if said["fresh"] else ", old: call first"
            lines += _indented(
                f"{_mark(colour, 'CLOSED')} by its own word ({age(said['age_minutes'])} ago{old})", colour
            )
        if row["stop"] is not None:
            lines += _indented(f"{_mark(colour, 'STOP')} {stop_text(row['stop'], now)}", colour)
    if not found["rows"]:
        lines.append("nothing was reported")
    if found["silent"]:
        lines.append(f"of {found['silent']} other places nothing is known: that is not the same as all being well")
    lines.append("behind each value its age; `old`: not relied on any more; ? and -: not reported")
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    pairs = zip(cells, (width for _, width in _COLUMNS), strict=True)
    return " ".join(_cut(cell, width).ljust(width) for cell, width in pairs).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["name"]
    yield row["unit"]
    yield "yes" if row["stop"] is not None else f"no {_aged(row['no_stop'])}" if row["no_stop"] is not None else "?"
    for name in ("crowding", "waiting_minutes"):
        yield f"{row[name]['value']} {_aged(row[name])}" if row[name] is not None else "-"
    beds = row["beds"]
    yield f"{_count(beds['free'])}/{_count(beds['total'])} {_aged(beds)}" if beds is not None else "-"


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _aged(shown: Mapping[str, Any]) -> str:
    return age(shown["age_minutes"]) + ("" if shown["fresh"] else " old")


def _mark(colour: bool, word: str) -> str:
    return f"{_RED}{word}{_PLAIN}" if colour else word


def _indented(text: str, colour: bool = False) -> list[str]:
    unseen = len(_RED + _PLAIN) if colour else 0
    return wrap(text, WIDTH + unseen, initial_indent="  ", subsequent_indent="    ")


def age(minutes: int) -> str:
    """How long ago, in two or three characters.

    >>> age(7), age(125), age(4000)
    ('7m', '2h', '2d')
    """
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // 1440}d"


def clock(moment: datetime | str, now: datetime) -> str:
    """`moment` on a Dutch clock, with the day if that is not the one of `now`."""
    found = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).astimezone(TIME_ZONE)
    today = found.date() == now.astimezone(TIME_ZONE).date()
    return f"{found:%H:%M}" if today else f"{found:%Y-%m-%d %H:%M}"


def stop_text(stop: Mapping[str, Any], now: datetime) -> str:
    """A stop in force, in words: since when, until when at the latest, why, and how old the report is."""
    reason = f", {stop['reason']}" if stop.get("reason") else ""
    period = f"since {clock(stop['since'], now)}, until {clock(stop['until'], now)} at the latest"
    return f"{period}{reason} ({age(stop['age_minutes'])} ago)"


def report_text(report: Mapping[str, Any], now: datetime) -> str:
    """One report of a status as it is answered, in words."""
    unit = f"{report['unit']} {report['bed']}" if report.get("bed") else report["unit"]
    ago = f"{age(report['age_minutes'])} ago"
    if report.get("in_force"):
        since = report.get("since") or report["observed_at"]
        stop = {**report, "since": since, "until": report["ends_at_the_latest"]}
        return f"{unit}: STOP {stop_text(stop, now)}"
    old = ", over by now" if report.get("in_force") is False else "" if report["fresh"] else ", old"
    reason = f", {report['reason']}" if report.get("reason") else ""
    return f"{unit}: {report['kind']} {_said(report)}{reason} ({ago}{old})"


def _said(report: Mapping[str, Any]) -> str:
    value = report["value"]
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    if value is None:
        return "not known"
    return str(value) if not isinstance(value, bool) else "yes" if value else "no"


_TOLD = (
    "postcode",
    "rav",
    "roaz",
    "located_at",
    "patients",
    "min_gestation_weeks",
    "age_from_years",
    "age_below_years",
)


def place_text(profile: Mapping[str, Any], status: Iterable[Mapping[str, Any]], now: datetime) -> str:
    """One place: its profile and what goes on there."""
    lines = [f"{profile['name']}, {profile['city']} ({profile['id']})", f"  {profile['kind']}, {profile['status']}"]
    lines += [f"  {name.replace('_', ' ')}: {profile[name]}" for name in _TOLD if name in profile]
    for name in ("regions", "contacts", "identifiers"):
        lines += [f"  {name.removesuffix('s')} {key}: {said}" for key, said in profile.get(name, {}).items()]
    hours = profile.get("opening", "unknown")
    lines.append(f"  opening: {hours if isinstance(hours, str) else 'in windows, see --json'}")
    for words, wanted in (("has", True), ("not known", None)):
        able = ", ".join(key for key, value in profile["resolved"].items() if value is wanted)
        lines += _indented(f"{words}: {able or 'nothing'}")
    going_on = [line for report in status for line in _indented(report_text(report, now))]
    return "\n".join([*lines, "", "NOW", *(going_on or ["  nothing was reported"])]) + "\n"


def history_text(changes: Iterable[Mapping[str, Any]], now: datetime) -> str:
    """What was changed and reported, a line each, the newest first."""
    lines = []
    for change in changes:
        head = f"{clock(change['received_at'], now)}  revision {change['revision']}  {change['subject']}"
        if change["subject"] == "profile":
            said = "gone" if change["profile"] is None else "changed"
        else:
            said = _said(change["report"])
        lines += wrap(f"{head}: {said}  [{change['source']}]", WIDTH, subsequent_indent="    ")
    return "\n".join(lines or ["nothing was changed"]) + "\n"
