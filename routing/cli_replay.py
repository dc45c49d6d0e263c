"""The command that decides again: is everything still the same, and what would other rules have changed?"""

from __future__ import annotations

import argparse
import re
import sys
import time
from contextlib import suppress
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any

from routing import access_log, service
from routing.directory_here import newest_directory
from routing.errors import bad_input
from routing.facilities.opening import TIME_ZONE
from routing.replay_text import one_text, replay_text
from routing.replaying.run import Progress, Wanted, replay_many, replay_one_supposing
from routing.replaying.supposed import supposed_rules
from routing.terminal import (
    BAD_USAGE,
    DOES_NOT_HOLD,
    FINE,
    add_command,
    add_json_option,
    add_user_option,
    auditor_here,
    moment_of,
    opened_world,
    say,
    show,
)
from routing.world import World

TOLD_SECONDS = 1.0
LOGGED_SECONDS = 10.0
"""How often progress is told: on a screen, and where it goes to a file."""


def add_replay_command(commands: Any) -> None:
    """`wegwijs replay`."""
    text = "Decide again: one decision or millions, as of then or as if other rules had been in force."
    made = add_command(commands, "replay", _replay, text, EXAMPLES)
    made.add_argument("decision", nargs="?", metavar="DECISION_ID", help="only this decision")
    made.add_argument("--since", metavar="TIME", help="from this moment or Dutch date (default: the first decision)")
    made.add_argument("--until", metavar="TIME", help="to before this moment or Dutch date (default: now)")
    made.add_argument("--ruleset", metavar="X", help="as if X had been in force: a folder, NAME/VERSION or a digest")
    where = made.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="so many processes (default: one a core)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="on a Dask cluster: tcp://HOST:8786")
    made.add_argument("--resume", type=Path, metavar="FILE", help="keep what is finished in FILE, and go on from there")
    made.add_argument("--changed", type=Path, metavar="FILE", help="write all that differs to FILE, one JSON line each")
    made.add_argument("--most", type=int, default=100, metavar="N", help="show at most N that differ (default: 100)")
    add_user_option(made)
    add_json_option(made)


EXAMPLES = """wegwijs replay --since 2026-11-01 --until 2026-12-01
      is every decision of November the same when it is made again? exit code 1 if not
  wegwijs replay --since 2026-11-01 --ruleset acute-nl/1.1.0 --changed changed.jsonl
      what would have been otherwise since then if acute-nl 1.1.0 had been in force?
  wegwijs replay --scheduler tcp://10.0.0.5:8786 --resume replay.jsonl --json
      everything, on a Dask cluster; run it again to go on after an interruption
  wegwijs replay 0198c0de-7000-7000-8000-000000000001
      one decision"""


def _replay(arguments: argparse.Namespace) -> int:
    for option in ("workers", "most"):
        if (given := getattr(arguments, option)) is not None and given < (option == "workers"):
            raise bad_input(f"--{option}", "out_of_range", "is not such a number", given, "1 or more")
    if arguments.decision is not None:
        return _one(arguments)
    with opened_world() as world:
        supposed = supposed_rules(world, arguments.ruleset) if arguments.ruleset is not None else None
        wanted = Wanted(
            since=_moment("--since", arguments.since),
            until=_moment("--until", arguments.until),
            supposed=supposed,
            workers=arguments.workers,
            scheduler=arguments.scheduler,
            resume=arguments.resume,
            listing=arguments.changed,
            most=arguments.most,
        )
        given = {"since": wanted.since, "until": wanted.until}
        criteria = {name: moment.isoformat() for name, moment in given.items() if moment is not None}
        access_log.begun(world, auditor_here(arguments, "replay"), "replay", criteria)
        found = replay_many(world, wanted, _Teller())
        _print(world, found, as_json=arguments.json)
    return _code(found)


def _one(arguments: argparse.Namespace) -> int:
    if any(getattr(arguments, name) is not None for name in OF_MANY):
        say(f"of one decision there is no {', '.join('--' + name for name in OF_MANY)}")
        return BAD_USAGE
    asker = auditor_here(arguments, "replay")
    with opened_world() as world:
        if arguments.ruleset is not None:
            supposed = supposed_rules(world, arguments.ruleset)
            access_log.noted(world, asker, "replay", service.as_id("decision", arguments.decision), lambda _: None)
            found = replay_one_supposing(world, arguments.decision, supposed, arguments.most)
            _print(world, found, as_json=arguments.json)
            return _code(found)
        again = service.replay(world, arguments.decision, asker)
    if arguments.json:
        show(again)
    else:
        sys.stdout.write(one_text(again))
    return FINE if again["identical"] else DOES_NOT_HOLD


OF_MANY = ("since", "until", "workers", "scheduler", "resume", "changed")


def _code(found: dict[str, Any]) -> int:
    """A difference by other rules is what was asked for; a difference as of then, or a record that cannot be read, is
    not as it must be."""
    wrong = found["different"] if found["ruleset"] is None else found["unreadable"]
    return DOES_NOT_HOLD if wrong else FINE


def _print(world: World, found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show(found)
        return
    names = {place.id: place.name for place in newest_directory(world).facilities}
    sys.stdout.write(replay_text(found, world.words, names))


def _moment(option: str, text: str | None) -> datetime | None:
    """A date is the beginning of that day in the Netherlands."""
    if text is not None and _DATE.fullmatch(text):
        with suppress(ValueError):
            return datetime.combine(date.fromisoformat(text), clock_time(), TIME_ZONE)
    return moment_of(option, text)


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Teller:
    """Says how far it is: on one line of a screen that is written again, or now and then where it goes to a file."""

    def __init__(self) -> None:
        self._screen = sys.stderr.isatty()
        self._last, self._over = 0.0, False

    def __call__(self, progress: Progress) -> None:
        done = progress.done >= progress.total
        pause = TOLD_SECONDS if self._screen else LOGGED_SECONDS
        if self._over or (not done and time.monotonic() - self._last < pause):
            return
        self._over = done
        self._last = time.monotonic()
        if self._screen:
            end = "\n" if done else ""
            print(f"\r{progress_text(progress):<{WIDTH}}", end=end, file=sys.stderr, flush=True)
        else:
            say(progress_text(progress))


WIDTH = 79


def progress_text(progress: Progress) -> str:
    """How far it is, how fast it goes, and how long it will take."""
    now = progress.done - progress.resumed
    rate = now / progress.seconds if progress.seconds else 0.0
    text = f"{progress.done:,} of {progress.total:,} decisions, {rate:,.0f} a second"
    if rate and progress.done < progress.total:
        left = round((progress.total - progress.done) / rate)
        text += f", {left // 3600}:{left // 60 % 60:02}:{left % 60:02} to go"
    return text
