"""The command about publishing rules: what people proposed and agreed on at the desk, and the lines that follow."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from routing import publishing
from routing import publishing_words as words
from routing.publishing_doubts import doubts
from routing.settings import Settings
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, opened_world, show


def add_publishing_command(commands: Any) -> None:
    """`wegwijs rules agreed`."""
    text = (
        "How publishing goes on this server, and how far each ruleset that is installed here is: published (by whom, "
        "and from when it decides), proposed at the desk, agreed on by two people, or none of these; with the lines "
        "for `published.yaml` of what was agreed on and is unchanged. What stands in the database counts nowhere as "
        "published. Fails if a ruleset is not the one that was published."
    )
    add_json_option(add_command(commands, "agreed", _agreed, text, "wegwijs rules agreed"))


def _agreed(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = publishing.standings(world)
        former = publishing.history(world)
        faults = publishing.file_faults(world)
        settings = world.settings
    if arguments.json:
        document = {
            "desk_publishes": settings.desk_publishes,
            "only_published": settings.only_published,
            "warnings": [each.en for each in doubts(settings)],
            "faults": list(map(str, faults)),
            "rulesets": [_record(each) for each in found],
            "proposals": [publishing.as_record(each) for each in former],
        }
        show(document)
    else:
        print(words.way(settings).en)
        for doubt in doubts(settings):
            print(f"warning: {doubt.en}")
        for fault in faults:
            print(f"error: {fault}")
        for line in _lines(found, settings):
            print(line)
    return DOES_NOT_HOLD if faults or any(each.state == "changed" for each in found) else FINE


def _record(found: publishing.Standing) -> dict[str, Any]:
    said = found.publication
    return {
        "ruleset": found.name,
        "digest": found.ruleset.digest,
        "state": found.state,
        "in_force": found.in_force,
        "begins": found.begins,
        "unrecorded": found.unrecorded,
        "published_by": [said.proposed_by, said.agreed_by] if said is not None and said.agreed_by else None,
        "entry": publishing.entry_of(found.proposal) if found.state == "agreed" and found.proposal else None,
    }


def _lines(found: list[publishing.Standing], settings: Settings) -> Iterator[str]:
    for each in found:
        begins = each.ruleset.effective_from.isoformat()
        decides = ", decides now" if each.in_force else ""
        yield f"{each.name}: {_WORDS[each.state]}{decides}"
        yield f"  {each.ruleset.digest}"
        proposal = each.proposal
        if each.state == "published":
            if (said := each.publication) is not None and said.agreed_at is not None:
                by = words.published_by(each, said.agreed_at)
                yield f"  {by.en if by else ''}"
            yield f"  {words.from_when(each.begins, begins).en}"
            if each.unrecorded:
                yield "  the database does not know that two people agreed: record it at the desk, by one button"
        if proposal is not None and each.state in ("proposed", "agreed"):
            yield f"  proposed by {proposal.proposed_by} at {proposal.proposed_at.isoformat()}"
            if proposal.digest != each.ruleset.digest:
                yield "  the files are not those that were proposed: it cannot be agreed to any more"
            elif each.state == "proposed":
                yield f"  {words.on_agreeing(each.begins, settings, begins).en}"
                yield from (f"  not ready to be published: {reason.en}" for reason in each.not_green)
        if proposal is not None and each.state == "agreed" and proposal.ended_at is not None:
            yield f"  agreed by {proposal.ended_by} at {proposal.ended_at.isoformat()}; add to published.yaml:"
            yield publishing.entry_of(proposal).rstrip("\n")


_WORDS = {
    "published": "published",
    "changed": "NOT the files that were published",
    "proposed": "proposed, waits for a second person",
    "agreed": "agreed on by two people, not published yet",
    "unknown": "cannot be told, as published.yaml cannot be read",
    "nothing": "not published, nobody proposed it",
}
