"""The commands about the systems that are told of patients: who is told, of what, and what did not arrive."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routing.errors import bad_input
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, opened_world, say, settings_here, show
from routing.webhooks.health import subscriptions_status
from routing.webhooks.shown import doubts, newest_deliveries, send_again, try_out
from routing.webhooks.subscriptions import Subscribed, read_subscriptions, subscribed

STATES = ("waiting", "taken", "given_up", "stopped", "erased")


def add_webhooks_commands(commands: Any) -> None:
    """`wegwijs webhooks ...`."""
    text = "List who is told of patients that come, and how that is doing; exit code 1 if one is late or stopped."
    add_json_option(add_command(commands, "list", _list, text, "wegwijs webhooks list"))
    text = "Read the file of subscriptions with its secrets, and hold it against the directory; exit code 1 on a doubt."
    check = add_command(commands, "check", _check, text, "wegwijs webhooks check --config webhooks.yaml")
    check.add_argument("--config", type=Path, metavar="FILE", help="which file (default: WEGWIJS_WEBHOOKS)")
    text = "List what was told, is to be told, or was not, the newest first. Nothing of a patient is shown."
    listed = add_command(
        commands, "deliveries", _deliveries, text, "wegwijs webhooks deliveries --state given_up --limit 20"
    )
    listed.add_argument("--subscription", metavar="ID", help="only those of this subscription")
    listed.add_argument("--state", choices=STATES, help="only those in this state")
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="how many, 1 to 1000 (default: 50)")
    add_json_option(listed)
    text = "Let what was given up or stopped be sent again, if it is not older than a day."
    again = add_command(
        commands, "send-again", _send_again, text, "wegwijs webhooks send-again --subscription seh-umc-utrecht"
    )
    again.add_argument("ids", metavar="ID", nargs="*", help="ids of deliveries, as `deliveries` shows them")
    again.add_argument("--subscription", metavar="ID", help="all of this subscription")
    text = "Send a test event to one subscription, marked as such; exit code 1 if it was not taken."
    tried = add_command(commands, "try", _try, text, "wegwijs webhooks try seh-umc-utrecht")
    tried.add_argument("subscription", metavar="ID", help="the subscription")


def _list(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        told = {each.subscription.id: _told(each) for each in subscribed(world)}
        found = [{**told[each["name"]], **each} for each in subscriptions_status(world)]
    if arguments.json:
        show({"subscriptions": found})
    else:
        for each in found:
            print(_line(each))
        if not found:
            say("nobody is subscribed: see WEGWIJS_WEBHOOKS")
    return DOES_NOT_HOLD if any(each["late"] for each in found) else FINE


def _told(each: Subscribed) -> dict[str, Any]:
    names = ("places", "regions", "events", "urgency_at_least", "data")
    return {name: getattr(each.subscription, name) for name in names}


def _line(each: Mapping[str, Any]) -> str:
    state = "STOPPED" if each["stopped"] else "LATE" if each["late"] else "fine"
    whom = each["places"] if isinstance(each["places"], str) else ", ".join((*(each["places"] or ()), *each["regions"]))
    parts = [f"{each['name']:<24} {state:<7} {whom}; {each['urgency_at_least']} and above; {each['data']}"]
    parts += [f"{each['waiting']} wait, the oldest for {each['waiting_seconds']:.0f} s"] if each["waiting"] else []
    parts += [f"last taken {each['succeeded_at']}"] if each["succeeded_at"] else ["nothing was taken yet"]
    parts += [f"failed {each['failures']} times: {each['error']}"] if each["error"] else []
    return "; ".join(parts)


def _check(arguments: argparse.Namespace) -> int:
    path = arguments.config or settings_here().webhooks
    if path is None:
        raise bad_input("--config", "missing", "is needed, or the setting WEGWIJS_WEBHOOKS", allowed="a YAML file")
    found = read_subscriptions(path, os.environ)
    with opened_world() as world:
        wondered = list(doubts(world, found))
    for doubt in wondered:
        print(doubt)
    say(f"{len(found)} subscriptions can be read, with their secrets; doubts: {len(wondered)}")
    return DOES_NOT_HOLD if wondered else FINE


def _deliveries(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.limit <= 1_000:
        raise bad_input("--limit", "out_of_range", "cannot be so many", arguments.limit, "1 to 1000")
    with opened_world() as world:
        found = newest_deliveries(world, arguments.limit, subscription=arguments.subscription, state=arguments.state)
    if arguments.json:
        show({"deliveries": found})
        return FINE
    for each in found:
        parts = [
            f"{each['id']}  {each['made_at'][:19]}  {each['subscription']:<24} {each['event']:<11} {each['state']}"
        ]
        parts += [f"{each['attempts']} attempts"] if each["attempts"] else []
        parts += [each["error"]] if each["error"] else []
        print("; ".join(parts))
    if not found:
        say("nothing")
    return FINE


def _send_again(arguments: argparse.Namespace) -> int:
    if not arguments.ids and arguments.subscription is None:
        raise bad_input("ID", "missing", "say which, or --subscription", allowed="ids of wegwijs webhooks deliveries")
    with opened_world() as world:
        sent = send_again(world, arguments.ids, arguments.subscription)
    for each in sent:
        print(each)
    say(f"{len(sent)} wait again; the server sends them")
    return FINE


def _try(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        event_id, posted = try_out(world, arguments.subscription)
    if posted.error is not None:
        say(f"{arguments.subscription}: the test event {event_id} was not taken: {posted.error}")
        return DOES_NOT_HOLD
    print(f"{arguments.subscription}: the test event {event_id} was taken ({posted.status})")
    return FINE
