"""The commands about feeds that are pulled from elsewhere: pull them, and say how they are doing."""

from __future__ import annotations

import argparse
import os
import random
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routing.errors import BadInput, Fault, bad_input
from routing.feeding.health import feeds_status
from routing.feeding.runner import Pull, counted, run
from routing.feeding.sources import FeedSource, field_map_of, read_feed_sources
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, opened_world, say, settings_here, show


def add_feeds_commands(commands: Any) -> None:
    """`wegwijs feeds ...`."""
    text = "Pull feeds from their addresses, again and again; stop it with Ctrl-C."
    running = add_command(commands, "run", _run, text, "wegwijs feeds run --config feeds.yaml --once")
    running.add_argument("--config", type=Path, metavar="FILE", help="which feeds, a YAML file (WEGWIJS_FEEDS)")
    running.add_argument("--once", action="store_true", help="pull each feed once; exit code 1 if one failed")
    text = "Show how the feeds that are pulled are doing; exit code 1 if one is late."
    add_json_option(add_command(commands, "status", _status, text, "wegwijs feeds status"))


def _run(arguments: argparse.Namespace) -> int:
    path = arguments.config or settings_here().feeds
    if path is None:
        raise bad_input("--config", "missing", "is needed, or the setting WEGWIJS_FEEDS", allowed="a YAML file")
    feeds = read_feed_sources(path)
    stop = threading.Event()
    chance = random.SystemRandom().random
    with opened_world() as world:
        pulls = [
            Pull(feed, _headers(feed, os.environ), field_map_of(feed, path.parent), stop.wait, chance, say)
            for feed in feeds
        ]
        try:
            well = run(world, pulls, once=arguments.once)
        finally:
            stop.set()
    return FINE if well else DOES_NOT_HOLD


def _headers(feed: FeedSource, environment: Mapping[str, str]) -> dict[str, str]:
    missing = [variable for variable in feed.headers.values() if not environment.get(variable)]
    if missing:
        faults = (
            Fault(name, "missing", f"is needed in the environment for the feed `{feed.name}`") for name in missing
        )
        raise BadInput(tuple(faults))
    return {header: environment[variable] for header, variable in feed.headers.items()}


def _status(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = feeds_status(world)
    if arguments.json:
        show({"feeds": found})
    else:
        for feed in found:
            print(_line(feed))
        if not found:
            say("no feed was pulled yet")
    return DOES_NOT_HOLD if any(feed["late"] for feed in found) else FINE


def _line(feed: Mapping[str, Any]) -> str:
    age = feed["age_seconds"]
    when = "never answered well" if age is None else f"{age // 60} min {age % 60} s ago"
    parts = [f"{feed['name']:<24} {'LATE' if feed['late'] else 'fine':<5} {when}"]
    parts += [counted(feed["counts"])] if feed["counts"] else []
    parts += [f"failed {feed['failures']} times: {feed['error']}"] if feed["error"] else []
    return "; ".join(parts)
