"""Capsules of the small world, made without a database: a log of a few decisions, outcomes and erasures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from routing.facilities.directory import Directory
from routing.log.canonical import canonical
from routing.log.capsule import Verdict, verify
from routing.log.capsule_form import CAPSULE_VERSION, read_capsule
from routing.log.capsule_places import near_places, told_places
from routing.log.commitments import fields_of
from routing.log.entry import decision_entry, erasure_entry, outcome_entry
from routing.log.merkle import inclusion_proof, leaf_hash, root_of, tiles_after
from routing.log.note import (
    Checkpoint,
    Signer,
    Verifier,
    checkpoint_text,
    new_signer,
    read_vkey,
    sign,
    verifier_of,
    vkey,
)
from routing.log.proof import announcement, written_proof
from routing.log.record import as_version_1, make_record
from routing.log.withholding import hidden_in_decision, hidden_in_outcome, told_fields, withheld_paths
from tests import small_world
from tests.small_world import AFTERNOON

ORIGIN = "wegwijs/test/decisions"
ASKER = {"key": "0190a1b2-0000-7000-8000-00000000000a", "organisation": "Example", "roles": ["triagist"]}
SOFTWARE = "wegwijs test"


def an_id(number: int) -> str:
    """The id with this number."""
    return f"0190a1b2-0000-7000-8000-{number:012x}"


def a_signer(number: int = 1, origin: str = ORIGIN) -> Signer:
    """A signer whose key is nobody's."""
    return new_signer(origin, bytes([number]) * 32)


def key_forms(*signers: Signer) -> list[dict[str, Any]]:
    """The keys of these signers as a capsule holds them, each announced by the one before it."""
    keys = [vkey(verifier_of(signer)) for signer in signers]
    before: list[tuple[Signer | None, str]] = [(None, ""), *zip(signers, keys, strict=True)]
    return [
        {"vkey": new, "statement": None if old is None else sign(announcement(old.name, new), [old])}
        for new, (old, _) in zip(keys, before, strict=False)
    ]


@dataclass
class SmallLog:
    """A log in memory: entries in their order, and the record and key of each that has one."""

    signers: Sequence[Signer] = (a_signer(),)
    entries: list[bytes] = field(default_factory=list)
    records: list[tuple[Mapping[str, Any], bytes] | None] = field(default_factory=list)

    def add(self, entry: bytes, record: Mapping[str, Any] | None = None, key: bytes = b"") -> int:
        """Add an entry; its position."""
        self.entries.append(entry)
        self.records.append(None if record is None else (orjson.loads(canonical(record)), key))
        return len(self.entries) - 1

    def decision(self, record: Mapping[str, Any], key: bytes | None = None) -> int:
        """Add the entry of a decision with this record."""
        secret = bytes([65 + len(self.entries)]) * 32 if key is None else key
        return self.add(decision_entry(record, fields_of(record), secret), record, secret)

    def outcome(self, record: Mapping[str, Any]) -> int:
        """Add the entry of an outcome with this record."""
        secret = bytes([65 + len(self.entries)]) * 32
        return self.add(outcome_entry(record, fields_of(record), secret), record, secret)

    def tile(self, level: int, number: int) -> bytes:
        """A tile of the tree over all entries."""
        return tiles_after(0, lambda *_: b"", map(leaf_hash, self.entries)).get((level, number), b"")

    def checkpoint(self) -> str:
        """The signed checkpoint of all entries."""
        size = len(self.entries)
        text = checkpoint_text(Checkpoint(self.signers[-1].name, size, root_of(size, self.tile)))
        return sign(text, [self.signers[-1]])

    def form(self, position: int, fields: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
        """The entry at a position as a capsule holds it."""
        proof = inclusion_proof(position, len(self.entries), self.tile)
        place = {"position": position, "proof": written_proof(proof)}
        return {"entry": self.entries[position].decode(), "place": place, "record": fields}

    def capsule(
        self,
        position: int,
        others: Sequence[int] = (),
        withhold: Collection[str] = (),
        places: Directory | None = None,
        wanted: Collection[str] | None = None,
    ) -> dict[str, Any]:
        """The capsule of the decision at a position; `wanted` are the places that are told (None: those near)."""
        log = {"checkpoint": self.checkpoint(), "keys": key_forms(*self.signers)}
        kept = self.records[position]
        head = {"capsule": CAPSULE_VERSION, "log": log}
        if kept is None:
            forms = [self.form(other, None) for other in others]
            gone = {"vocabulary": None, "ruleset": None, "places": None}
            return {**head, "decision": self.form(position, None), "others": forms, **gone}
        record, key = kept
        words = small_world.vocabulary()
        hidden = hidden_in_decision(record, withheld_paths(withhold, words.facts))
        directory = places or small_world.directory()
        if wanted is None:
            wanted = () if hidden else near_places(record, directory)
        return {
            **head,
            "decision": self.form(position, told_fields(record, key, hidden)),
            "others": [self.form(other, self._outcome_told(other, withheld=bool(hidden))) for other in others],
            "vocabulary": dict(words.source),
            "ruleset": dict(small_world.ruleset().source),
            "places": told_places(directory, wanted),
        }

    def _outcome_told(self, position: int, *, withheld: bool) -> list[dict[str, Any]] | None:
        kept = self.records[position]
        return None if kept is None else told_fields(*kept, hidden_in_outcome(kept[0]) if withheld else ())


def record_of(
    number: int = 1, now: datetime = AFTERNOON, places: Directory | None = None, **changes: Any
) -> dict[str, Any]:
    """The record of a decision of the small world."""
    decision = small_world.decided(now, places, **changes)
    case, words = small_world.case(now, **changes), small_world.vocabulary()
    return make_record(decision, case, words, id=an_id(number), now=now, asker=ASKER, supersedes=None)


def record_of_version_1(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The same as version 1 wrote it."""
    return as_version_1(record_of(number, **changes))


def outcome_of(decision: int, number: int, **changes: Any) -> dict[str, Any]:
    """The record of an outcome."""
    return {
        "version": 1,
        "id": an_id(number),
        "decision": an_id(decision),
        "recorded_at": "2026-11-18T14:30:00+01:00",
        "outcome": "overridden",
        "by": "doctor",
        "reason": "other",
        "comment": "an aunt said 112",
        "recommended": "heart-centre",
        "destination": "near-hospital",
        "asker": ASKER,
        "software": SOFTWARE,
        **changes,
    }


def erasure_of(decision: int, number: int) -> bytes:
    """The entry of the erasure of a decision."""
    always = {"id": an_id(number), "at": "2026-11-19T09:00:00+01:00", "asker": ASKER, "software": SOFTWARE}
    return erasure_entry({**always, "decision": an_id(decision), "why": "patient_request"})


def checked(capsule: Any, trusted: Sequence[str] = ()) -> Verdict:
    """The verdict on a capsule, after it was written to a file and read again."""
    data = capsule if isinstance(capsule, bytes) else orjson.dumps(capsule)
    return verify(read_capsule(data), [read_vkey(each) for each in trusted])


def found(verdict: Verdict) -> dict[str, bool | None]:
    """Check -> whether it held."""
    return {check.id: check.ok for check in verdict.checks}


def trusted_keys(*signers: Signer) -> list[Verifier]:
    """The public keys of these signers."""
    return [verifier_of(signer) for signer in signers]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every leaf of JSON, with the way to it; an empty object or list is a leaf too."""
    if not isinstance(value, dict | list) or not value:
        yield path, value
        return
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(member, (*path, key))
