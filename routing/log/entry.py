"""What stands in the log of decisions, outcomes and erasures: who, when, with which rules, and nothing of the patient.

An entry binds the record that it is about by a commitment, so that nobody can change the record afterwards, and whoever
erases it destroys nothing of the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from routing.errors import BadRecord, OtherSoftware
from routing.log.canonical import canonical, is_canonical
from routing.log.commitments import Field, committed

ENTRY_VERSION = 1
DECISIONS_LOG = "decisions"
"""The log of decisions, of what became of them and of what was erased."""

Kind = Literal["decision", "outcome", "erasure"]
KINDS: tuple[Kind, ...] = ("decision", "outcome", "erasure")

_MEMBERS: Mapping[str, frozenset[str]] = {
    "decision": frozenset({"supersedes", "channel", "ruleset", "vocabulary", "directory", "record", "commitments"}),
    "outcome": frozenset({"decision", "record", "commitments"}),
    "erasure": frozenset({"decision", "why"}),
}
_ALWAYS = frozenset({"version", "kind", "id", "at", "asker", "software"})


def decision_entry(record: Mapping[str, Any], fields: Sequence[Field], secret: bytes) -> bytes:
    """The entry of a decision with this `record` (plain or not), its fields and its key."""
    region = record["result"]["provenance"].get("region")
    directory = record["directory"]
    return canonical(
        {
            **_always("decision", record, record["decided_at"]),
            "supersedes": record["supersedes"],
            "channel": record["case"].get("channel"),
            "ruleset": {**record["ruleset"], "region": region},
            "vocabulary": record["vocabulary"],
            "directory": {name: directory.get(name) for name in ("revision", "digest", "facts")},
            "record": record["version"],
            "commitments": committed(fields, secret),
        }
    )


def outcome_entry(record: Mapping[str, Any], fields: Sequence[Field], secret: bytes) -> bytes:
    """The entry of an outcome with this `record`, its fields and its key."""
    return canonical(
        {
            **_always("outcome", record, record["recorded_at"]),
            "decision": record["decision"],
            "record": record["version"],
            "commitments": committed(fields, secret),
        }
    )


def erasure_entry(erasure: Mapping[str, Any]) -> bytes:
    """The entry of an erasure: `{"id", "at", "asker", "software", "decision", "why"}`. It has no record."""
    return canonical({"version": ENTRY_VERSION, "kind": "erasure", **erasure})


def read_entry(entry: bytes) -> dict[str, Any]:
    """The members of an entry. Raises BadRecord if it is none, OtherSoftware if its version or kind is not known."""
    try:
        found = orjson.loads(entry)
    except ValueError as error:
        raise BadRecord("an entry is not JSON") from error
    if not isinstance(found, dict) or not is_canonical(entry):
        raise BadRecord("an entry is not canonical JSON")
    if found.get("version") != ENTRY_VERSION:
        raise OtherSoftware(f"entries of version `{found.get('version')}` are not known here")
    members = _MEMBERS.get(str(found.get("kind")))
    if members is None:
        raise OtherSoftware(f"entries of kind `{found.get('kind')}` are not known here")
    if found.keys() != _ALWAYS | members:
        odd = ", ".join(sorted(found.keys() ^ (_ALWAYS | members)))
        raise BadRecord(f"an entry of kind `{found['kind']}` has other members than it must: {odd}")
    return found


def _always(kind: Kind, record: Mapping[str, Any], at: str) -> dict[str, Any]:
    return {
        "version": ENTRY_VERSION,
        "kind": kind,
        "id": record["id"],
        "at": at,
        "asker": record["asker"],
        "software": record.get("software"),  # the first outcomes did not say it
    }
