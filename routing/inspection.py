"""What an auditor is shown of one decision, so that it can be judged without trusting us; every look is noted once.

What was erased, is damaged or was written by other software is said to be so, and what can still be proven of it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from routing.access_log import noted
from routing.capsules import capsule_of
from routing.case import parse_case
from routing.directory_here import directory_of
from routing.errors import BadRecord, Erased, OtherSoftware
from routing.log.canonical import plain
from routing.log.capsule import Verdict, verify
from routing.log.capsule_form import read_capsule
from routing.log.capsule_words import Check, say
from routing.log.entry import DECISIONS_LOG
from routing.log.note import Verifier
from routing.log.proof import KeyForm, LogForm, PlaceForm, in_tree, read_signed
from routing.log.record import check_version
from routing.log_proofs import inclusion, log_keys
from routing.outcomes import outcomes_within
from routing.rights import Asker
from routing.rules.reading import conclusions
from routing.rules.rule import Rule
from routing.rules.truth import Line, outline_of_truth
from routing.rules_here import evaluators_of
from routing.service import as_id, rules_of, words_of
from routing.shared_decisions import shared_record
from routing.store import database
from routing.store import log as store
from routing.triage import facts_of
from routing.vocabulary import Text
from routing.world import World

State = Literal["kept", "erased", "damaged", "other software"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the log about a decision: its own entry, an outcome or an erasure (`why`, a code). `position`
    counts from 0; None: it waits for its place."""

    kind: str
    at: str
    position: int | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A decision as it is kept. `record` is there only where `state` is `kept`; `trouble` says what is wrong in the
    words of the server; `outcomes` is None where what became of it cannot be read. The log had `size` entries that were
    signed."""

    id: str
    state: State
    entries: tuple[Entry, ...]
    size: int
    record: Mapping[str, Any] | None = None
    outcomes: Mapping[str, Any] | None = None
    trouble: str | None = None


def inspected(world: World, decision_id: str, asker: Asker) -> Inspection:
    """The decision with all that stands about it in the log; that `asker` looked is noted. Raises NotFound,
    StoreUnavailable."""
    found = as_id("decision", decision_id)
    known: dict[str, Any] = {}
    state: State = "kept"
    try:
        record, outcomes = noted(world, asker, "read", found, lambda connection: _kept(world, connection, found, asker))
        check_version(record)
        known = {"record": record, "outcomes": outcomes}
    except Erased:
        state = "erased"
    except BadRecord as error:
        state, known = "damaged", {"trouble": str(error)}
    except OtherSoftware as error:
        state, known = "other software", {"trouble": str(error)}
    with database.reading(world.engine) as connection:
        head = store.head(connection, DECISIONS_LOG)
        own = store.read(connection, DECISIONS_LOG, found)
        about = store.about(connection, DECISIONS_LOG, found)
    entries = tuple(_entry(logged) for logged in ([own] if own is not None else []) + about)
    return Inspection(decision_id, state, entries, head[0] if head is not None else 0, **known)


def _kept(
    world: World, connection: database.Connection, decision: UUID, asker: Asker
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    record: Mapping[str, Any] = plain(shared_record(world, connection, decision, asker))
    try:
        check_version(record)
        return record, outcomes_within(world, connection, record)
    except (BadRecord, OtherSoftware):
        return record, None


def _entry(logged: store.Logged) -> Entry:
    try:
        why = orjson.loads(logged.entry).get("why") if logged.kind == "erasure" else None
    except (ValueError, AttributeError):  # it is damaged; what that means is said where the log is checked
        why = None
    return Entry(logged.kind, logged.logged_at.isoformat(), logged.position, why if isinstance(why, str) else None)


# -- proof ------------------------------------------------------------------------------------------------------------


def checked(world: World, decision_id: str, asker: Asker, trusted: Sequence[Verifier] = ()) -> Verdict:
    """What `wegwijs verify` says of the capsule of this decision, made and checked now; that `asker` let it be checked
    is noted. Of a record that is damaged the place of its entry is checked all the same. Raises NotFound,
    OtherSoftware, StoreUnavailable, and BadRecord where not even an entry can be read."""
    try:
        capsule = capsule_of(world, decision_id, asker, event="verify")
    except BadRecord as error:
        return _only_the_entry(world, decision_id, trusted, str(error))
    return verify(read_capsule(orjson.dumps(capsule)), trusted)


def _only_the_entry(world: World, decision_id: str, trusted: Sequence[Verifier], why: str) -> Verdict:
    checks: list[Check] = []
    found = inclusion(world, decision_id)
    keys = [KeyForm(vkey=key["vkey"], statement=key["statement"]) for key in log_keys(world)["keys"]]
    try:
        signed = read_signed(LogForm(checkpoint=found["checkpoint"], keys=keys), trusted)
    except BadRecord:
        say(checks, "signature", False)
        say(checks, "inclusion", None)
    else:
        size = signed.checkpoint.size
        say(checks, "signature", True, origin=signed.checkpoint.origin, size=size)
        say(checks, "key", signed.trusted, key=f"{signed.by.name}+{signed.by.key_id}")
        place = PlaceForm(position=found["position"], proof=found["proof"])
        ok = in_tree(found["entry"].encode(), place, signed.checkpoint)
        say(checks, "inclusion", ok, position=place.position, size=size)
    say(checks, "record", False, why=why)
    return Verdict(tuple(checks), decision_id)


# -- why, and why not -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule and what it came to: it `fired`, it is `possible` with what was not known, or it does `not` hold; with its
    condition part by part."""

    rule: Rule
    outcome: Literal["fired", "possible", "not"]
    follows: tuple[Text, ...]
    lines: tuple[Line, ...]


def rules_judged(
    world: World, decision_id: str, asker: Asker, words: str, most: int
) -> tuple[Mapping[str, Any], Sequence[Judged], int]:
    """The record of a decision, and of the rules of then those with all of `words` in their id or text, each with why
    it fired or did not: the first `most`, and how many there are. That `asker` looked is noted. Raises NotFound,
    Erased, BadInput, BadRecord, OtherSoftware, StoreUnavailable."""
    found = as_id("decision", decision_id)
    written = noted(world, asker, "read", found, lambda connection: shared_record(world, connection, found, asker))
    record = plain(written)
    check_version(record)
    vocabulary = words_of(world, record["vocabulary"])
    rules = rules_of(world, record["ruleset"]["digest"], vocabulary)
    wanted = [rule for rule in rules.rules if _named(rule, words)]
    now = datetime.fromisoformat(record["decided_at"])
    case = parse_case(record["case"], vocabulary, now, recorded=True)
    holidays = directory_of(world, record["directory"]["revision"], vocabulary).holidays
    evaluation = evaluators_of(world, rules).evaluate(facts_of(case, now, holidays), now)
    fired, possible = ({rule.id for rule in each} for each in (evaluation.fired, evaluation.possible))

    def judged(rule: Rule) -> Judged:
        outcome: Literal["fired", "possible", "not"] = (
            "fired" if rule.id in fired else "possible" if rule.id in possible else "not"
        )
        return Judged(rule, outcome, conclusions(rule, rules), outline_of_truth(rule.when, rules, evaluation.facts))

    return record, [judged(rule) for rule in wanted[:most]], len(wanted)


def _named(rule: Rule, words: str) -> bool:
    text = f"{rule.id} {rule.text.nl} {rule.text.en}".casefold()
    asked = words.casefold().split()
    return bool(asked) and all(word in text for word in asked)
