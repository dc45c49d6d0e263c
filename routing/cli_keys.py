"""The commands about API keys: made, listed, renewed and revoked; the text of a key is shown once."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from routing import api_keys, tokens
from routing.sessions import LOCAL
from routing.signing_keys import IssuerUnavailable
from routing.terminal import (
    DOES_NOT_HOLD,
    FINE,
    add_command,
    add_json_option,
    add_rights,
    line_in,
    opened_world,
    rights_in,
    rights_lines,
    say,
    show,
)
from routing.world import World

_EXAMPLE_ID = "01a202e0-2f70-7455-a350-b0834be62ba3"


def add_keys_commands(keys: Any) -> None:
    """The commands below `wegwijs keys`."""
    _add_create(keys)
    _add_check(keys)
    text = "List the keys, the oldest first: what each may do, when it ends and when it was last used."
    listing = add_command(keys, "list", _list, text, "wegwijs keys list --all")
    listing.add_argument("--all", action="store_true", help="also those that were revoked or have expired")
    add_json_option(listing)
    text = "Show one key, without its secret."
    _add_key(add_command(keys, "show", _show, text, f"wegwijs keys show {_EXAMPLE_ID}"))
    text = (
        "Give a key a new secret, which is shown once. The secret that counted until now stays valid beside it for a "
        "while, so that clients can be changed one by one; answers to who still uses it say until when."
    )
    example = f"wegwijs keys rotate {_EXAMPLE_ID} --overlap 14 --days 365"
    renewing = add_command(keys, "rotate", _rotate, text, example)
    _add_key(renewing)
    overlap = "how many days the former secret stays valid beside it; 0 ends it now (default: 7)"
    renewing.add_argument("--overlap", type=int, default=7, metavar="DAYS", help=overlap)
    renewing.add_argument("--days", type=int, metavar="N", help="the key ends in so many days (default: as it did)")
    lost = "the newest secret was lost before anybody used it: replace that, and leave the one before it as it is"
    renewing.add_argument("--lost", action="store_true", help=lost)
    text = "End a key now and for good, with all its secrets; of the client of an issuer: keep it out."
    _add_key(add_command(keys, "revoke", _revoke, text, f"wegwijs keys revoke {_EXAMPLE_ID}"))


def _add_check(keys: Any) -> None:
    text = (
        "Say what a key or a token may do here, or why it is refused. It is read from a file or from standard input: "
        "what is typed stays in the history of a shell. Exit code 0: it is valid, 1: it is refused."
    )
    check = add_command(keys, "check", _check, text, "wegwijs keys check token.txt")
    check.add_argument("file", metavar="FILE", help="file with the text of a key or a token, or -")
    add_json_option(check)


def _add_create(keys: Any) -> None:
    text = "Make an API key; it is shown once and kept only as a hash."
    example = "wegwijs keys create --label 'desk 3' --role triagist --role auditor --days 365"
    create = add_command(keys, "create", _create, text, example)
    create.add_argument("--label", required=True, help="what the key is for, on one line")
    add_rights(create, "key")
    create.add_argument("--days", type=int, metavar="N", help="it ends in so many days (default: it does not)")
    add_json_option(create)


def _add_key(made: argparse.ArgumentParser) -> None:
    made.add_argument("key", metavar="KEY_ID", help="the id of a key, as `wegwijs keys list` gives it; not its text")
    add_json_option(made)


def _create(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        made, text = api_keys.make_key(world, arguments.label, *rights_in(arguments), arguments.days)
    return _show_once(arguments, made, text)


def _rotate(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        how = {"overlap_days": arguments.overlap, "days": arguments.days, "lost": arguments.lost}
        made, text = api_keys.renew_key(world, arguments.key, **how)
    return _show_once(arguments, made, text)


def _show_once(arguments: argparse.Namespace, made: Mapping[str, Any], text: str) -> int:
    if arguments.json:
        show({"key": text, **made})
        return FINE
    for line in _lines(made):
        say(line)
    say("this secret is shown once:")
    print(text)
    return FINE


def _check(arguments: argparse.Namespace) -> int:
    text = line_in(arguments.file, "FILE", "one key or token", 2 * tokens.CHARACTERS_MOST)
    with opened_world() as world:
        if tokens.trusts_issuers(world) and tokens.looks_like_token(text):
            told = _of_token(world, text)
        else:
            found = api_keys.key_of_text(world, text)
            why = "There is no such key, or it is not valid any more." if found is None else None
            told = {"valid": found is not None, "why": why, **(found or {})}
    if arguments.json:
        show(told)
    else:
        print("\n".join(f"{name}: {_plain(value)}" for name, value in told.items() if value is not None))
    return FINE if told["valid"] else DOES_NOT_HOLD


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def _of_token(world: World, text: str) -> dict[str, Any]:
    try:
        shown = tokens.read_token(world, text)
    except (tokens.BadToken, IssuerUnavailable) as error:
        return {"valid": False, "why": str(error)}
    places = None if shown.facilities is None else sorted(shown.facilities)
    of_it = {"issuer": shown.issuer, "client": shown.client, "organisation": shown.organisation, "user": shown.user}
    return {"valid": True, "why": None, "roles": sorted(shown.roles), "facilities": places, **of_it}


def _list(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = [each for each in api_keys.all_keys(world) if arguments.all or each["state"] in ("valid", "ends_soon")]
    if arguments.json:
        show({"keys": found})
        return FINE
    for each in found:
        print("\n".join(_lines(each)))
    if not found:
        say("there are no keys; make one with: wegwijs keys create --label NAME --role triagist")
    for each in found:
        if each["state"] == "ends_soon":
            say(f"the key `{each['label']}` ends on {each['expires_at']}: wegwijs keys rotate {each['id']} --days 365")
    return FINE


def _show(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        return _told(arguments, api_keys.key(world, arguments.key))


def _revoke(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = api_keys.revoke_key(world, arguments.key)
        again = found["bootstrap"] and world.settings.bootstrap_key is not None
    if again:
        say("this is the bootstrap key: it is valid again at the next start as long as WEGWIJS_BOOTSTRAP_KEY is set")
    return _told(arguments, found)


def _told(arguments: argparse.Namespace, found: Mapping[str, Any]) -> int:
    if arguments.json:
        show(found)
    else:
        print("\n".join(_lines(found)))
    return FINE


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {found['state'].replace('_', ' ')}  {found['label']}"
    if found["issuer"] == LOCAL:
        yield "  all who sign in here with a name and a password"
    elif found["issuer"] is not None:
        yield f"  comes with tokens: client {found['client']} of {found['issuer']}"
    yield from rights_lines(found)
    ends = found["revoked_at"] or found["expires_at"]
    yield f"  made {found['created_at']}; {'ends' if found['revoked_at'] is None else 'ended'} {ends or 'never'}"
    if found["former_secret_until"] is not None:
        yield f"  the secret before the newest is valid until {found['former_secret_until']}"
    yield f"  last used {found['last_used_at'] or 'never'}"
