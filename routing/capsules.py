"""Puts a decision into one file with all that is needed to check it elsewhere, without what is to be withheld."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from routing.access_log import noted
from routing.directory_here import directory_of
from routing.errors import Erased, NotFound, bad_input, shown
from routing.facilities.directory import Directory
from routing.facilities.facts import place_digests, place_facts
from routing.log.canonical import plain
from routing.log.capsule import CAPSULE_VERSION, KnownPlaces, PlacesForm, made_again
from routing.log.commitments import commitment, fields_of, salts
from routing.log.entry import DECISIONS_LOG
from routing.log.merkle import inclusion_proof
from routing.log.proof import written_proof
from routing.log.replay import differences_between
from routing.log_here import opened
from routing.rights import Asker
from routing.rules_here import evaluators_of
from routing.sequencer import placed
from routing.service import as_id, rules_of, words_of
from routing.store import database
from routing.store import log as store
from routing.store import records as stored_records
from routing.world import World

WITHHELD: Mapping[str, tuple[str, ...]] = {
    "patient": ("case",),
    "age": ("case.patient.age_years", "case.patient.age_months"),
    "sex": ("case.patient.sex",),
    "location": ("case.location",),
    "reference": ("case.reference",),
    "complaint": ("case.complaint",),
    "observations": ("case.observations",),
    "times": ("case.called_at", "case.first_contact_at", "case.assessed_at"),
}
"""What can be withheld -> the fields of a record that say it. `patient` is all of the case."""

_TELL_WHERE = (
    "travel",
    "result.recommendation.travel",
    "result.recommendation.arrival_at",
    "result.recommendation.norms",
    "result.recommendation.criteria",
    "result.alternatives",
    "result.ruled_out",
)
"""Fields that tell where the patient is, or when it was: minutes to places, and what follows from them."""

_TELL_WHAT = ("evaluators", "result.open_questions", "result.open_questions_left")
"""Fields that tell what was found, or was not asked: the rules that fired, and the questions that were left."""


def capsule_of(world: World, decision_id: str, asker: Asker, withhold: Collection[str] = ()) -> dict[str, Any]:
    """The capsule of a decision, as it is written to a file; that `asker` takes it along is noted. `withhold` names
    what is left out: keys of `WITHHELD`, or an observation (`observations.heart_rate`). Whatever repeats what is
    withheld is left out with it.

    Raises NotFound, BadInput, BadRecord, OtherSoftware, StoreUnavailable. A decision that was erased has a capsule too,
    which proves that it was there."""
    paths = tuple(_paths(withhold))
    found = as_id("decision", decision_id)
    if (head := placed(world, DECISIONS_LOG, found)) is None:
        raise NotFound("decision", decision_id)
    size, note = head

    def read(connection: database.Connection) -> tuple[bytes | None, dict[str, Any]]:
        logged = store.read(connection, DECISIONS_LOG, found)
        log = {
            "checkpoint": note,
            "keys": [{"vkey": key.vkey, "statement": key.statement} for key in store.keys(connection, DECISIONS_LOG)],
        }
        try:
            record, key = opened(world, connection, "decision", found)
        except Erased:
            record, key = None, b""
        assert logged is not None, "opened would have said so"
        others = [
            _entry(connection, other, size, _fields_told(world, connection, other, bool(paths)))
            for other in store.about(connection, found)
            if other.position is not None and other.position < size
        ]
        told = None if record is None else _told(orjson.loads(record), key, paths)
        return record, {"log": log, "decision": _entry(connection, logged, size, told), "others": others}

    record, parts = noted(world, asker, "export", found, read)
    capsule = {"capsule": CAPSULE_VERSION, **parts}
    nothing = {"vocabulary": None, "ruleset": None, "places": None}
    return {**capsule, **(nothing if record is None else _to_decide_again(world, record, bool(paths)))}


def _paths(withhold: Iterable[str]) -> Iterator[str]:
    for name in withhold:
        if name in WITHHELD:
            yield from WITHHELD[name]
        elif name.startswith("observations.") and name.count(".") == 1:
            yield f"case.{name}"
        else:
            allowed = f"{', '.join(WITHHELD)}, or observations.<fact>"
            raise bad_input("withhold", "unknown_value", "cannot be withheld", shown(name), allowed)


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


def _fields_told(
    world: World, connection: database.Connection, logged: store.Logged, withheld: bool
) -> list[dict[str, Any]] | None:
    """The fields of an outcome; its comment is withheld where anything is."""
    if stored_records.read(connection, logged.id) is None:
        return None
    record, key = opened(world, connection, logged.kind, logged.id)
    return _told(orjson.loads(record), key, ("comment",) if withheld else ())


def _told(record: Mapping[str, Any], key: bytes, paths: Sequence[str]) -> list[dict[str, Any]]:
    """The fields of `record` as a capsule holds them, without those below `paths` and those that repeat them."""
    fields = fields_of(record)
    hidden = _hidden(record, [field.path for field in fields], paths) if paths else frozenset()
    told = []
    for field, salt in zip(fields, salts(key, len(fields)), strict=True):
        if field.path in hidden:
            told.append({"withheld": base64.b64encode(commitment(field, salt)).decode()})
        else:
            value = orjson.loads(field.value)
            told.append({"path": field.path, "salt": base64.b64encode(salt).decode(), "value": value})
    return told


def _hidden(record: Mapping[str, Any], every: Sequence[str], paths: Sequence[str]) -> frozenset[str]:
    below = {path for path in every if any(path == each or path.startswith(f"{each}.") for each in paths)}
    if not any(path.startswith("case.") for path in paths) and "case" not in paths:
        return frozenset(below)
    told_facts = _facts(record, below)
    where = any(path.startswith(("case.location", "case.called", "case.first", "case.assessed")) for path in below)
    what = any(path.startswith(("case.observations", "case.patient", "case.complaint")) for path in below)
    repeated = {*(_TELL_WHERE if where else ()), *(_TELL_WHAT if what else ())}
    for number, reason in enumerate(record.get("reasons", ())):
        of_place = "/selection/" in reason["rule"]
        if (where and of_place and reason["because"]) or (
            what and not of_place and not reason["because"].keys() <= told_facts
        ):
            repeated.add(f"reasons.{number}")
    if record["version"] == 1:  # every reason stands where it was given
        repeated |= {path for path in every if path.startswith("result.") and path != "result.provenance"}
    return frozenset(
        below | {path for path in every if any(path == one or path.startswith(f"{one}.") for one in repeated)}
    )


def _facts(record: Mapping[str, Any], hidden: Collection[str]) -> set[str]:
    """The facts of the case that are told. What was worked out of facts is none of them."""
    case = record["case"]
    parts = {"case.patient.": case["patient"], "case.observations.": case.get("observations", {}), "case.": case}
    return {name for prefix, part in parts.items() for name in part if f"{prefix}{name}" not in hidden}


# -- what it takes to decide again ------------------------------------------------------------------------------------


def _to_decide_again(world: World, written: bytes, withheld: bool) -> dict[str, Any]:
    record = plain(written)
    words = words_of(world, record["vocabulary"])
    rules = rules_of(world, record["ruleset"]["digest"], words)
    directory = directory_of(world, record["directory"]["revision"], words)
    whole = {"vocabulary": dict(words.source), "ruleset": dict(rules.source)}
    if withheld:  # which places are near would tell where the patient is
        return {**whole, "places": _places(directory, ())}
    near = _places(directory, _near(record, directory))
    again = made_again(written, KnownPlaces(PlacesForm.model_validate(near)), words, evaluators_of(world, rules))
    # what lies far away may count after all, or something is not the same any more: then all places are needed
    same = not differences_between(written, again)
    return {**whole, "places": near if same else _places(directory, directory.by_id)}


def _near(record: Mapping[str, Any], directory: Directory) -> set[str]:
    """The places that stand in the record, and those in whose buildings they are."""
    result = record["result"]
    named = (result["recommendation"], *result["alternatives"], *result["ruled_out"])
    todo = [each["facility"]["id"] for each in named if each["facility"]["id"] is not None]
    found: set[str] = set()
    while todo:
        if (key := todo.pop()) in directory.by_id and key not in found:
            found.add(key)
            if (building := directory.by_id[key].located_at) is not None:
                todo.append(building)
    return found


def _places(directory: Directory, wanted: Collection[str]) -> dict[str, Any]:
    digests = place_digests(directory)
    return {
        "holidays": [day.isoformat() for day in sorted(directory.holidays)],
        "facts": {key: place_facts(directory, directory.by_id[key]) for key in sorted(wanted)},
        "others": {key: digest for key, digest in digests.items() if key not in wanted},
    }
