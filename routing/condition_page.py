"""Writes what the rules say of a condition as the part of its page that nobody writes by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routing.rules.ruleset import Ruleset

CASES_MOST = 20
"""So many worked cases are named on a page; how many more there are is said."""

_READ = {"read": "read", "partly": "partly read", "not": "not read"}


def condition_page(entry: Mapping[str, Any], ruleset: Ruleset) -> str:
    """The page of the condition in `entry` (of `routing.lookup`) as Markdown, without the hand-written parts."""
    return "\n".join(_page(entry, ruleset)).rstrip() + "\n"


def _page(entry: Mapping[str, Any], ruleset: Ruleset) -> Iterator[str]:
    label = entry["label"]
    yield f"Of the rules of `{ruleset.name}` {ruleset.version}. In Dutch: {label['nl']}. Code: `{entry['id']}`."
    if entry["time_critical"]:
        yield f"One of the five national time-critical conditions ({entry['time_critical']})."
    yield from ("", unread_line(entry["sources"]), "", accepted_line(entry), "", "## Recognised by", "")
    yield from _recognised(entry["recognised_by"])
    yield from ("", "## Where it sends", "")
    yield from _sends(entry["sends"], "No rule asks about this condition itself; what its urgency asks for holds.")
    if entry["builds_on_it"]:
        yield from ("", "It counts in the recognition of something else:", "")
        yield from _sends(entry["builds_on_it"], "")
    if entry["not_where_it_is"]:
        names = ", ".join(f"`{rule['id']}`" for rule in entry["not_where_it_is"])
        yield from ("", f"Rules that do not hold once this condition is concluded: {names}.")
    yield from ("", "## Worked cases", "")
    yield from _cases(entry["worked_cases"], "No worked case names it.")
    if entry["worked_cases_without_it"]:
        yield from ("", "Just outside, where it must not come out:", "")
        yield from _cases(entry["worked_cases_without_it"], "")
    yield from ("", "## Sources", "")
    for source in sorted(entry["sources"], key=lambda source: str(source["title"])):
        yield f"- {_plain(source['title'])}, **{_READ[source['read']]}**: <{source['href']}>"


def unread_line(sources: Sequence[Mapping[str, Any]]) -> str:
    """How much of what these rules rest on was read by whoever wrote them down."""
    by_state = {state: sum(source["read"] == state for source in sources) for state in _READ}
    counts = f"{by_state['read']} read, {by_state['partly']} partly read, {by_state['not']} not read"
    found = f"Sources of these rules: {counts}."
    if by_state["read"] == len(sources):
        return found
    return f"{found} What rests on the others must be held against the source by a clinician."


def accepted_line(entry: Mapping[str, Any]) -> str:
    """How many of the rules a clinician accepted."""
    rules = {rule["id"]: rule for part in ("recognised_by", "sends") for rule in entry[part]}
    pending = sum(rule["review"] == "pending" for rule in rules.values())
    return f"Of these {len(rules)} rules a clinician has accepted {len(rules) - pending}; {pending} are pending."


def _recognised(rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| rule | text | when | urgency | status | source | review |"
    yield "|---|---|---|---|---|---|---|"
    for rule in rules:
        cells = [f"`{rule['id']}`", rule["text"]["en"], rule["when_text"]["en"], rule["urgency"] or "", rule["status"]]
        yield _row([*cells, _source(rule["reference"]), _review(rule["review"])])


def _sends(rules: Sequence[Mapping[str, Any]], nothing: str) -> Iterator[str]:
    if not rules:
        yield nothing
        return
    yield "| rule | text | if also | what follows | source | review |"
    yield "|---|---|---|---|---|---|"
    for rule in rules:
        follows = "; ".join(text["en"] for text in rule["then_text"])
        cells = [f"`{rule['id']}`", rule["text"]["en"], rule["besides"]["en"], follows]
        yield _row([*cells, _source(rule["reference"]), _review(rule["review"])])


def _cases(cases: Sequence[Mapping[str, Any]], nothing: str) -> Iterator[str]:
    if not cases:
        yield nothing
    for case in cases[:CASES_MOST]:
        yield f"- {_plain(case['name']['en'])} (`{case['file']}`)"
    if len(cases) > CASES_MOST:
        yield f"- and {len(cases) - CASES_MOST} more"


def _source(reference: Mapping[str, Any]) -> str:
    about = [reference["title"], reference["section"], _READ[reference["read"]]]
    return ", ".join(part for part in about if part)


def _review(review: Any) -> str:
    return "pending" if review == "pending" else f"{review['by']}, {review['on']}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is, on one line."""
    shown = " ".join(text.split())
    for sign in ("\\", "|", "[", "]", "*", "<", ">"):
        shown = shown.replace(sign, f"\\{sign}")
    return shown
