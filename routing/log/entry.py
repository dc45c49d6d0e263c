"""What stands in the log of decisions, outcomes and erasures: who, when, with which rules, and nothing of the patient.

An entry binds the record that it is about by a commitment, so that nobody can change the record afterwards, and whoever
erases it destroys nothing of the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field as Limit
from pydantic import ValidationError

from routing.errors import BadRecord, OtherSoftware
from routing.log.canonical import canonical, is_canonical
from routing.log.commitments import Field, committed
from routing.log.proof import Strict

ENTRY_VERSION = 1
DECISIONS_LOG = "decisions"
"""The log of decisions, of what became of them and of what was erased."""

Kind = Literal["decision", "outcome", "erasure"]
KINDS: tuple[Kind, ...] = ("decision", "outcome", "erasure")

Id = Annotated[str, Limit(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Digest = Annotated[str, Limit(pattern=r"^sha256:[0-9a-f]{64}$")]
Word = Annotated[str, Limit(pattern=r"^[!-~]{1,100}$")]
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?[+-][0-9]{2}:[0-9]{2}"
Moment = Annotated[str, Limit(pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}$")]


class _Region(Strict):
    name: Word
    version: Word


class _Rules(Strict):
    name: Word
    version: Word
    digest: Digest
    region: _Region | None


class _Places(Strict):
    revision: int | None
    digest: Digest | None
    facts: Digest | None


class _Always(Strict):
    version: int
    kind: Kind
    id: Id
    at: Moment
    asker: dict[str, Any]
    software: str | None


class _Decision(_Always):
    supersedes: Id | None
    channel: Word | None
    ruleset: _Rules
    vocabulary: Digest
    directory: _Places
    record: int
    commitments: Digest


class _Outcome(_Always):
    decision: Id
    record: int
    commitments: Digest


class _Erasure(_Always):
    decision: Id
    why: Word


_FORMS: Mapping[str, type[_Always]] = {"decision": _Decision, "outcome": _Outcome, "erasure": _Erasure}


def decision_entry(record: Mapping[str, Any], fields: Sequence[Field], secret: bytes) -> bytes:
    """The entry of a decision with this `record` (plain or not), its fields and its key."""
    return canonical({**decision_members(record), "commitments": committed(fields, secret)})


def decision_members(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry of a decision says besides its commitments, all of which stands in its `record` too."""
    region = record["result"]["provenance"].get("region")
    directory = record["directory"]
    return {
        **_always("decision", record, record["decided_at"]),
        "supersedes": record["supersedes"],
        "channel": record["case"].get("channel"),
        "ruleset": {**record["ruleset"], "region": region},
        "vocabulary": record["vocabulary"],
        "directory": {name: directory.get(name) for name in ("revision", "digest", "facts")},
        "record": record["version"],
    }


def outcome_entry(record: Mapping[str, Any], fields: Sequence[Field], secret: bytes) -> bytes:
    """The entry of an outcome with this `record`, its fields and its key."""
    return canonical({**outcome_members(record), "commitments": committed(fields, secret)})


def outcome_members(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry of an outcome says besides its commitments, all of which stands in its `record` too."""
    return {
        **_always("outcome", record, record["recorded_at"]),
        "decision": record["decision"],
        "record": record["version"],
    }


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
        raise OtherSoftware(f"entries of version {ascii(found.get('version'))[:20]} are not known here")
    form = _FORMS.get(str(found.get("kind")))
    if form is None:
        raise OtherSoftware(f"entries of kind {ascii(found.get('kind'))[:20]} are not known here")
    try:
        form.model_validate(found)
    except ValidationError as error:
        odd = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise BadRecord(f"an entry of kind `{found['kind']}` is not as it must be, at {odd[:100]!a}") from None
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
