"""Puts a decision into one file with all that is needed to check it elsewhere, without what is to be withheld."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson

from routing.access_log import noted
from routing.directory_here import directory_of
from routing.errors import Erased, NotFound, StoreUnavailable
from routing.log.canonical import plain
from routing.log.capsule import made_again
from routing.log.capsule_form import CAPSULE_VERSION, PlacesForm
from routing.log.capsule_places import KnownPlaces, near_places, told_places
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import inclusion_proof
from routing.log.proof import written_proof
from routing.log.replay import differences_between
from routing.log.withholding import WITHHELD as WITHHELD
from routing.log.withholding import hidden_in_decision, hidden_in_outcome, told_fields, withheld_paths
from routing.log_here import opened
from routing.rights import Asker
from routing.rules_here import evaluators_of
from routing.sequencer import placed
from routing.service import as_id, rules_of, words_of
from routing.store import database
from routing.store import log as store
from routing.store import records as stored_records
from routing.world import World


def capsule_of(
    world: World, decision_id: str, asker: Asker, withhold: Collection[str] = (), event: str = "export"
) -> dict[str, Any]:
    """The capsule of a decision, as it is written to a file; that `asker` takes it along is noted, or another `event`
    where it does not leave the house. `withhold` names what is left out: keys of `WITHHELD`, or an observation
    (`observations.heart_rate`). Whatever tells what is withheld is left out with it.

    Raises NotFound, BadInput, BadRecord, OtherSoftware, StoreUnavailable. A decision that was erased has a capsule too,
    which proves that it was there."""
    paths = withheld_paths(withhold, world.words.facts)
    found = as_id("decision", decision_id)
    size, note = _head(world, found)

    def read(connection: database.Connection) -> tuple[bytes | None, bool, dict[str, Any]]:
        logged = store.read(connection, DECISIONS_LOG, found)
        log = {
            "checkpoint": note,
            "keys": [{"vkey": key.vkey, "statement": key.statement} for key in store.keys(connection, DECISIONS_LOG)],
        }
        assert logged is not None, "it was placed above"
        try:
            record, key = opened(world, connection, "decision", found)
        except Erased:
            record, key = None, b""
        made = None if record is None else orjson.loads(record)
        hidden = frozenset() if made is None else hidden_in_decision(made, paths)
        about = [
            other
            for other in store.about(connection, DECISIONS_LOG, found)
            if other.position is not None and other.position < size
        ]
        others = [
            _entry(connection, other, size, _outcome_told(world, connection, other, withheld=bool(hidden)))
            for other in about
        ]
        if made is None and not any(logged.kind == "erasure" for logged in about):
            raise StoreUnavailable(f"decision `{decision_id}` is being erased at this moment: ask again")
        told = None if made is None else told_fields(made, key, hidden)
        parts = {"log": log, "decision": _entry(connection, logged, size, told), "others": others}
        return record, bool(hidden), parts

    record, withheld, parts = noted(world, asker, event, found, read)
    capsule = {"capsule": CAPSULE_VERSION, **parts}
    nothing = {"vocabulary": None, "ruleset": None, "places": None}
    return {**capsule, **(nothing if record is None else _to_decide_again(world, record, withheld=withheld))}


def _head(world: World, decision_id: UUID) -> tuple[int, str]:
    """The checkpoint under which the decision stands, and everything that was recorded about it until now."""
    if (head := placed(world, DECISIONS_LOG, decision_id)) is None:
        raise NotFound("decision", str(decision_id))
    with database.reading(world.engine) as connection:
        about = store.about(connection, DECISIONS_LOG, decision_id)
    waiting = [other.id for other in about if other.position is None or other.position >= head[0]]
    for entry_id in waiting:
        head = placed(world, DECISIONS_LOG, entry_id) or head
    return head


# -- entries ----------------------------------------------------------------------------------------------------------


def _entry(
    connection: database.Connection, logged: store.Logged, size: int, record: list[dict[str, Any]] | None
) -> dict[str, Any]:
    assert logged.position is not None
    proof = inclusion_proof(
        logged.position, size, lambda level, number: store.tile(connection, DECISIONS_LOG, level, number)
    )
    place = {"position": logged.position, "proof": written_proof(proof)}
    return {"entry": logged.entry.decode(), "place": place, "record": record}


def _outcome_told(
    world: World, connection: database.Connection, logged: store.Logged, *, withheld: bool
) -> list[dict[str, Any]] | None:
    """The fields of an outcome, less where anything is withheld of its decision; None for what has no record."""
    if stored_records.read(connection, logged.id) is None:
        return None
    record, key = opened(world, connection, logged.kind, logged.id)
    made = orjson.loads(record)
    return told_fields(made, key, hidden_in_outcome(made) if withheld else ())


# -- what it takes to decide again ------------------------------------------------------------------------------------


def _to_decide_again(world: World, written: bytes, *, withheld: bool) -> dict[str, Any]:
    record = plain(written)
    words = words_of(world, record["vocabulary"])
    rules = rules_of(world, record["ruleset"]["digest"], words)
    directory = directory_of(world, record["directory"]["revision"], words)
    whole = {"vocabulary": dict(words.source), "ruleset": dict(rules.source)}
    if withheld:  # which places are near would tell where the patient is
        return {**whole, "places": told_places(directory, ())}
    near = told_places(directory, near_places(record, directory))
    known = KnownPlaces(PlacesForm.model_validate(near))
    again = made_again(written, known, evaluators_of(world, rules))
    # what lies far away may count after all, or something is not the same any more: then all places are needed
    enough = not differences_between(written, again) and known.suffice(record, again, rules)
    return {**whole, "places": near if enough else told_places(directory, directory.by_id)}
