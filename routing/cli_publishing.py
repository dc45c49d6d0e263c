"""The command about publishing rules: what people proposed and agreed on at the desk, and the lines that follow."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from routing import publishing
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, opened_world, show


def add_publishing_command(commands: Any) -> None:
    """`wegwijs rules agreed`."""
    text = (
        "How far each ruleset that is installed here is: published, proposed at the desk, agreed on by two people, or "
        "none of these; with the lines for `published.yaml` of what was agreed on and is unchanged. What stands in "
        "the database counts nowhere as published. Fails if a ruleset is not the one that was published."
    )
    add_json_option(add_command(commands, "agreed", _agreed, text, "wegwijs rules agreed"))


def _agreed(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = publishing.standings(world)
        former = publishing.history(world)
    if arguments.json:
        show({"rulesets": [_record(each) for each in found], "proposals": [publishing.as_record(it) for it in former]})
    else:
        for line in _lines(found):
            print(line)
    return DOES_NOT_HOLD if any(each.state == "changed" for each in found) else FINE


def _record(found: publishing.Standing) -> dict[str, Any]:
    return {
        "ruleset": found.name,
        "digest": found.ruleset.digest,
        "state": found.state,
        "in_force": found.in_force,
        "entry": publishing.entry_of(found.proposal) if found.state == "agreed" and found.proposal else None,
    }


def _lines(found: list[publishing.Standing]) -> Iterator[str]:
    for each in found:
        decides = ", decides now" if each.in_force else ""
        yield f"{each.name}: {_WORDS[each.state]}{decides}"
        yield f"  {each.ruleset.digest}"
        proposal = each.proposal
        if proposal is not None and each.state in ("proposed", "agreed"):
            yield f"  proposed by {proposal.proposed_by} at {proposal.proposed_at.isoformat()}"
            if proposal.digest != each.ruleset.digest:
                yield "  the files are not those that were proposed: it cannot be agreed to any more"
        if proposal is not None and each.state == "agreed" and proposal.ended_at is not None:
            yield f"  agreed by {proposal.ended_by} at {proposal.ended_at.isoformat()}; add to published.yaml:"
            yield publishing.entry_of(proposal).rstrip("\n")


_WORDS = {
    "published": "published",
    "changed": "NOT the files that were published",
    "proposed": "proposed, waits for a second person",
    "agreed": "agreed on by two people, not published yet",
    "nothing": "not published, nobody proposed it",
}
