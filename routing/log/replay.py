"""Runs a recorded decision again with what was known then, and says whether the answer is the same to the last byte."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from routing.case import Case, parse_case
from routing.decision import Decision, Minutes, decide
from routing.facilities.directory import Directory
from routing.facilities.facts import facts_digest
from routing.geography import Places, Point
from routing.log.canonical import canonical, plain
from routing.log.record import as_version_1, check_version, make_record, reserved_of, travel_of
from routing.rules.evaluation import Evaluators
from routing.travel import Travel, embedded

Difference = dict[str, Any]
"""`{"path", "then", "now"}`: what stood at a place of the record, and what stands there now."""


def replay(record: bytes, directory: Directory, evaluators: Evaluators) -> list[Difference]:
    """Decide again about the case in `record` (canonical bytes); empty if every byte is the same.

    `directory` and `evaluators` are those that the record names; the recent recommendations that counted then and the
    times of travel stand in the record. The version of the software is taken over from it: replaying with newer
    software is the point. Raises BadRecord, OtherSoftware.
    """
    then = plain(record)
    check_version(then)
    return _compared(record, then, decided_again(then, directory, evaluators))


def differences_between(record: bytes, again: dict[str, Any]) -> list[Difference]:
    """Where `again`, which was made now of the same case (see `decided_again`), is not what `record` says."""
    return _compared(record, plain(record), again)


def _compared(record: bytes, then: Mapping[str, Any], again: dict[str, Any]) -> list[Difference]:
    if then["version"] == 1:
        again = as_version_1(again)
    again["software"] = then["software"]
    again["result"]["provenance"]["software"] = then["result"]["provenance"]["software"]
    if then["version"] == 1:
        _as_written_then(again["result"], then["result"])
    anew = canonical(again)
    if record == anew:
        return []
    found = list(differences(then, plain(anew)))
    # the bytes differ though the values do not: not written canonically, so not written by us
    return found or [{"path": "", "then": "other bytes", "now": "canonical bytes"}]


def decided_again(
    then: Mapping[str, Any],
    directory: Directory,
    evaluators: Evaluators,
    travel: Minutes | None = None,
    methods: Collection[str] = (),
) -> dict[str, Any]:
    """The record that is made now of the case in the plain record `then`, with these places, rules and times of travel
    (see `decision_about`)."""
    case, decision = decision_about(then, directory, evaluators, travel, methods)
    now, vocabulary = datetime.fromisoformat(then["decided_at"]), evaluators.ruleset.vocabulary
    return make_record(
        decision, case, vocabulary, id=then["id"], now=now, asker=then["asker"], supersedes=then["supersedes"]
    )


def decision_about(
    then: Mapping[str, Any],
    directory: Directory,
    evaluators: Evaluators,
    travel: Minutes | None = None,
    methods: Collection[str] = (),
) -> tuple[Case, Decision]:
    """The case in the plain record `then`, and the decision about it at its moment, with these places and rules: those
    that the record names, or others; and these times of travel (None: those of the record if it is about these places,
    else worked out). `methods`: those of places that are not in `directory`. Raises BadInput if the words of these
    rules cannot take the case."""
    now = datetime.fromisoformat(then["decided_at"])
    case = parse_case(then["case"], evaluators.ruleset.vocabulary, now, recorded=True)
    known = replace(directory, reserved=reserved_of(then))
    return case, decide(case, known, evaluators, now, travel or _travel_then(then, directory), methods)


def _travel_then(then: Mapping[str, Any], directory: Directory) -> Minutes:
    recorded = travel_of(then)
    # times to other places than these are not known, and are worked out
    if recorded is None or then["directory"].get("facts") != facts_digest(directory):
        return embedded.WORKED_OUT.get(then["result"]["provenance"]["travel"], embedded.minutes)

    def minutes(_origin: Point, _places: Places, _at: datetime) -> tuple[Travel, ...]:
        return recorded

    return minutes


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
