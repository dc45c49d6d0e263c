"""What all commands share: how a command is declared, where its words go, and what its exit code means."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from routing import service
from routing.errors import BadInput, bad_input
from routing.log.access import opaque_id
from routing.rights import ROLES, Asker
from routing.service import World
from routing.settings import Settings, read_settings, unknown_variables

FINE, DOES_NOT_HOLD, BAD_USAGE = 0, 1, 2
"""Exit codes: all is well, a check did not hold, bad usage or bad input."""

REFERENCE_BYTES_MOST = 1_000

Command = Callable[[argparse.Namespace], int]


def say(text: str) -> None:
    """A message for the person at the terminal; standard output is for what was asked."""
    print(text, file=sys.stderr, flush=True)


def show(value: Any) -> None:
    """`value` as the one JSON document on standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    sys.stdout.flush()


def settings_here(**given: Any) -> Settings:
    """The settings of this environment, with those in `given` before them. Raises BadInput."""
    for name in unknown_variables(os.environ):
        say(f"`{name}` is not a setting of Wegwijs and does nothing")
    return read_settings(**given)


def add_user_option(made: argparse.ArgumentParser) -> None:
    """`--user`, which every command has that shows what is kept about patients."""
    made.add_argument("--user", metavar="ID", help="who you are, for the log of accesses (default: your login name)")


def auditor_here(arguments: argparse.Namespace, command: str) -> Asker:
    """Who types `command`: whoever sits at the server may do what an auditor may, without a key. Raises BadInput."""
    return _at_the_server(arguments, command, "auditor")


def operator_here(arguments: argparse.Namespace, command: str) -> Asker:
    """The same, and what an operator may. Raises BadInput."""
    return _at_the_server(arguments, command, "operator")


def _at_the_server(arguments: argparse.Namespace, command: str, role: str) -> Asker:
    user = opaque_id("--user", arguments.user) if arguments.user is not None else _login_name()
    return Asker("", "command line", frozenset({role}), user=user, source=f"wegwijs {command}")


def reference_in(place: str) -> str:
    """The reference of a case in a file, or in standard input (-): it is about a patient, and what is typed stays in
    the history of a shell. Raises BadInput."""
    return line_in(place, "--reference-file", "one reference", REFERENCE_BYTES_MOST)


def line_in(place: str, option: str, what: str, most: int) -> str:
    """The one line of text in the file `place`, or in standard input (-), of at most so many bytes. Raises BadInput,
    which names `option` and `what` it should hold."""
    try:
        data = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
        text = data.decode().strip()
    except OSError as error:
        raise bad_input(option, "unreadable", f"cannot be read: {error.strerror}", place) from error
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > most or not text.isprintable():
        raise bad_input(option, "wrong_value", f"does not hold {what}", allowed="one line of text")
    return text


def _login_name() -> str | None:
    try:
        return opaque_id("login name", getpass.getuser())
    except (OSError, KeyError, ImportError, BadInput):  # nobody is logged in, or under another kind of name
        return None


@contextmanager
def opened_world() -> Iterator[World]:
    """The world of this environment, closed again at the end. Raises BadInput, BadData, StoreUnavailable."""
    world = service.open_world(settings_here())
    try:
        if world.settings.embedded:  # a file of one's own need not be prepared by hand
            service.upgrade(world)
        yield world
    finally:
        service.close_world(world)


def moment_of(option: str, text: str | None) -> datetime | None:
    """The moment that was given to an option; None if it was not given. Raises BadInput."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise bad_input(option, "wrong_type", "is not a time with an offset", text, "2026-11-21T20:04:00+01:00")
    return found.astimezone(UTC)


def described(made: argparse.ArgumentParser, text: str, example: str = "") -> argparse.ArgumentParser:
    """`made` with what it is for, and an example at the end of its help."""
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.description = text
    made.epilog = f"Example:\n  {example}" if example else None
    made.allow_abbrev = False  # an abbreviation that is right today may be another option tomorrow
    return made


def commands_of(made: argparse.ArgumentParser) -> Any:
    """The place where the commands below `made` are added."""
    return made.add_subparsers(metavar="COMMAND", required=True)


def add_group(commands: Any, name: str, text: str) -> Any:
    """A group of commands (`wegwijs rules ...`); gives the place where its commands are added."""
    return commands_of(described(commands.add_parser(name, help=text), text))


def add_command(commands: Any, name: str, command: Command, text: str, example: str) -> argparse.ArgumentParser:
    """The command `name`, which runs `command`."""
    made = described(commands.add_parser(name, help=text), text, example)
    made.set_defaults(command=command)
    return made


def add_json_option(made: argparse.ArgumentParser) -> None:
    """`--json`, which every command with a result has."""
    made.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def add_rights(made: argparse.ArgumentParser, what: str) -> None:
    """The options that say what may be done with a `what`: a key, an account."""
    made.add_argument("--role", action="append", required=True, choices=ROLES, help="may be given more than once")
    of = "id of a place for which it speaks, with the role facility; may be given more than once"
    made.add_argument("--facility", action="append", metavar="ID", help=of)
    whose = f"whose {what} it is; stands in every record made with it"
    made.add_argument("--organisation", metavar="NAME", help=whose)


def rights_in(arguments: argparse.Namespace) -> tuple[frozenset[str], frozenset[str] | None, str | None]:
    """The roles, places (None is no limit) and organisation of those options."""
    places = frozenset(arguments.facility) if arguments.facility else None
    return frozenset(arguments.role), places, arguments.organisation


def rights_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What may be done with a key or an account, for a person."""
    if found["roles"]:
        yield f"  roles: {', '.join(found['roles'])}"
    if found["facilities"] is not None:
        yield f"  places: {', '.join(found['facilities'])}"
    if found["organisation"] is not None:
        yield f"  organisation: {found['organisation']}"
