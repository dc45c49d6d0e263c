"""The commands about people who sign in: their accounts made, changed and ended; no command ever sees a password."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from routing import users
from routing.terminal import (
    FINE,
    add_command,
    add_json_option,
    add_rights,
    opened_world,
    rights_in,
    rights_lines,
    say,
    show,
)

_EXAMPLE = "zcc-017"
_OWNER = "who the account is for sets a password with the code at /desk/password"


def add_users_commands(commands: Any) -> None:
    """The commands below `wegwijs users`."""
    text = (
        "Make an account for a person. It prints a one-time code, valid for 24 hours, with which that person sets a "
        "password: you never know it, so what stands in the log of accesses under this name is theirs. Take an id of "
        "your staff for the name: no patient, and rather no person's name."
    )
    example = f"wegwijs users add {_EXAMPLE} --role triagist --organisation 'ZCC Midden'"
    add = add_command(commands, "add", _add, text, example)
    _add_name(add)
    add_rights(add, "account")
    text = "List the accounts, by name: what each may do, in which state it is and when somebody last signed in."
    listing = add_command(commands, "list", _list, text, "wegwijs users list --all")
    listing.add_argument("--all", action="store_true", help="also those that are disabled")
    add_json_option(listing)
    text = "Show one account."
    _add_name(add_command(commands, "show", _show, text, f"wegwijs users show {_EXAMPLE}"))
    text = (
        "Take the password of an account away, end its sessions, and print a one-time code, valid for 24 hours, with "
        "which its owner sets another: when it was forgotten, or somebody else may know it, or the code ran out."
    )
    _add_name(add_command(commands, "passwd", _passwd, text, f"wegwijs users passwd {_EXAMPLE}"))
    text = "Give an account these roles and no others; they count from its next request on, also under open sessions."
    example = f"wegwijs users roles {_EXAMPLE} --role triagist --role auditor"
    roles = add_command(commands, "roles", _roles, text, example)
    _add_name(roles)
    add_rights(roles, "account")
    text = "Keep an account out and end its sessions, at once: somebody left. It stays, for the logs name it."
    _add_name(add_command(commands, "disable", _disable, text, f"wegwijs users disable {_EXAMPLE}"))
    text = "Let an account in again, with the password that it had; also after tries that failed, without waiting."
    _add_name(add_command(commands, "enable", _enable, text, f"wegwijs users enable {_EXAMPLE}"))


def _add_name(made: argparse.ArgumentParser) -> None:
    made.add_argument("user", metavar="NAME", help=users.NAME_ALLOWED)
    add_json_option(made)


def _add(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        made, code = users.add_user(world, arguments.user, *rights_in(arguments))
    return _show_once(arguments, made, code)


def _passwd(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found, code = users.new_code_for(world, arguments.user)
    return _show_once(arguments, found, code)


def _show_once(arguments: argparse.Namespace, found: Mapping[str, Any], code: str) -> int:
    if arguments.json:
        show({"code": code, **found})
        return FINE
    for line in _lines(found):
        say(line)
    say(f"{_OWNER}; it is shown once, counts once, and ends at {found['code_until']}:")
    print(code)
    return FINE


def _list(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = [each for each in users.all_users(world) if arguments.all or each["state"] != "disabled"]
    if arguments.json:
        show({"users": found})
        return FINE
    for each in found:
        print("\n".join(_lines(each)))
    if not found:
        say(f"there are no accounts; make one with: wegwijs users add {_EXAMPLE} --role triagist")
    return FINE


def _show(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        return _told(arguments, users.user(world, arguments.user))


def _roles(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        return _told(arguments, users.set_rights(world, arguments.user, *rights_in(arguments)))


def _disable(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        return _told(arguments, users.disable(world, arguments.user))


def _enable(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        return _told(arguments, users.enable(world, arguments.user))


def _told(arguments: argparse.Namespace, found: Mapping[str, Any]) -> int:
    if arguments.json:
        show(found)
    else:
        print("\n".join(_lines(found)))
    return FINE


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['user']}  {found['state'].replace('_', ' ')}"
    yield from rights_lines(found)
    ended = f"; disabled {found['disabled_at']}" if found["disabled_at"] else ""
    yield f"  made {found['created_at']}{ended}"
    yield f"  last signed in {found['signed_in_at'] or 'never'}"
