"""Runs a recorded decision again with what was known then, and says whether the answer is the same to the last byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from routing.case import parse_case
from routing.decision import decide
from routing.facilities.directory import Directory
from routing.log.canonical import canonical, plain
from routing.log.entry import make_entry, reserved_of
from routing.rules.evaluation import Evaluators

Difference = dict[str, Any]
"""`{"path", "then", "now"}`: what stood at a place of the record, and what stands there now."""


def replay(record: bytes, directory: Directory, evaluators: Evaluators) -> list[Difference]:
    """Decide again about the case in `record` (a canonical entry); empty if every byte is the same.

    `directory` and `evaluators` are those that the entry names; the recent recommendations that counted then stand in
    the entry. The version of the software is taken over from it: replaying with newer software is the point.
    """
    entry = plain(record)
    now = datetime.fromisoformat(entry["decided_at"])
    vocabulary = evaluators.ruleset.vocabulary
    case = parse_case(entry["case"], vocabulary, now, recorded=True)
    again = make_entry(
        decide(case, replace(directory, reserved=reserved_of(entry)), evaluators, now),
        case,
        vocabulary,
        id=entry["id"],
        now=now,
        asker=entry["asker"],
        supersedes=entry["supersedes"],
    )
    again["software"] = entry["software"]
    again["result"]["provenance"]["software"] = entry["result"]["provenance"]["software"]
    _as_written_then(again["result"], entry["result"])
    anew = canonical(again)
    if record == anew:
        return []
    found = list(differences(entry, plain(anew)))
    # the bytes differ though the values do not: not written canonically, so not written by us
    return found or [{"path": "", "then": "other bytes", "now": "canonical bytes"}]


def _as_written_then(again: dict[str, Any], then: Mapping[str, Any]) -> None:
    """Take out of `again` what records did not name yet when `then` was written, where it says nothing."""
    pairs = [("region", again["provenance"], then["provenance"])]
    pairs += [("bypass_limit_minutes", *both) for both in zip(again["needs"], then["needs"], strict=False)]
    for both in zip(_candidates(again), _candidates(then), strict=False):
        facts = zip(*(candidate["status"] for candidate in both), strict=False)
        pairs += [(key, *fact) for fact in facts for key in ("bed", "reason", "since", "expected_end", "fresh")]
    for key, new, old in pairs:
        if key not in old and new[key] is None:
            del new[key]


def _candidates(result: Mapping[str, Any]) -> list[Any]:
    return [candidate for candidate in (result["recommendation"], *result["alternatives"]) if candidate is not None]


def differences(then: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Every place where two plain values differ, as a path like `result.urgency.level`.

    Where something stands on one side only, the other side says `absent`.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*then, *now)):
            here = f"{path}.{key}" if path else key
            if key not in then or key not in now:
                there = {side: value.get(key) for side, value in (("then", then), ("now", now)) if key in value}
                yield {"path": here, "then": None, "now": None, **there, "absent": "then" if key in now else "now"}
            else:
                yield from differences(then[key], now[key], here)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (before, after) in enumerate(zip(then, now, strict=True)):
            yield from differences(before, after, f"{path}.{index}" if path else str(index))
    elif then != now or type(then) is not type(now):
        yield {"path": path, "then": then, "now": now}
