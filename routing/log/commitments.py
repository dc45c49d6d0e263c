"""Binds the log to what is known of a patient without saying any of it: one salted hash a field, and one over all.

Whoever has a field and its salt can check that it stands in the log as it was; whoever has neither learns nothing, and
once the salts are gone nobody can guess what was written. A field can be withheld, and all others still be checked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

from routing.errors import BadRecord
from routing.log.canonical import canonical

SALT_BYTES = 16

_INSIDE = frozenset(
    {
        "",
        "case",
        "case.patient",
        "case.observations",
        "reasons",
        "result",
        "result.urgency",
        "result.dispatch",
        "result.recommendation",
        "result.confidence",
    }
)
"""The objects and lists of a record whose members are fields of their own; all others are one field as a whole."""

_DOMAIN = b"wegwijs commitments 1\n"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")


class Field(NamedTuple):
    """A part of a record that is told or withheld as a whole: its path, and its value in canonical bytes."""

    path: str
    value: bytes


# what Field(path, value) does, without a call of a function that is written in Python
_field: Callable[[tuple[str, bytes]], Field] = partial(tuple.__new__, Field)
_PATH = attrgetter("path")


def fields_of(record: Mapping[str, Any]) -> list[Field]:
    """The fields of `record` (as `canonical` takes it, or as its JSON is read), sorted by path. Together they are the
    whole record: see `record_of`."""
    return written_with_fields(record)[1]


def written_with_fields(record: Mapping[str, Any]) -> tuple[bytes, list[Field]]:
    """The canonical bytes of `record`, and its fields as `fields_of` gives them: each part is written only once."""
    pieces: list[bytes] = []
    fields: list[Field] = []
    _write(record, "", pieces, fields)
    fields.sort(key=_PATH)
    return b"".join(pieces), fields


def _write(value: Mapping[str, Any] | list[Any], path: str, pieces: list[bytes], fields: list[Field]) -> None:
    named = isinstance(value, Mapping)
    before = b"{" if named else b"["
    members: Iterable[tuple[Any, Any]] = sorted(value.items()) if isinstance(value, Mapping) else enumerate(value)
    for name, member in members:
        pieces.append(before + _name(name) if named else before)
        before = b","
        inside = f"{path}.{name}" if path else str(name)
        if member and inside in _INSIDE and isinstance(member, Mapping | list):
            _write(member, inside, pieces, fields)
        else:
            written = canonical(member)
            pieces.append(written)
            fields.append(_field((inside, written)))
    pieces.append(b"}" if named else b"]")


@lru_cache(maxsize=2_000)  # there are as many as there are members of a record and facts in a vocabulary
def _name(name: str) -> bytes:
    return canonical(name) + b":"


def salts(secret: bytes, count: int) -> list[bytes]:
    """The salts of a record with `count` fields, in the order of the fields; `secret` is the key of the record."""
    stream = hashlib.shake_256(b"wegwijs salts 1\n" + secret).digest(SALT_BYTES * count)
    return [stream[start : start + SALT_BYTES] for start in range(0, len(stream), SALT_BYTES)]


def commitment(field: Field, salt: bytes) -> bytes:
    """SHA-256 over salt, path, a line end and value."""
    path, value = field
    return hashlib.sha256(b"%b%b\n%b" % (salt, path.encode(), value)).digest()


def over_all(commitments: Iterable[bytes]) -> str:
    """`sha256:` and the digest over the commitments, sorted so that their order says nothing."""
    return "sha256:" + hashlib.sha256(_DOMAIN + b"".join(sorted(commitments))).hexdigest()


def committed(fields: Sequence[Field], secret: bytes) -> str:
    """The digest that stands in the log for a record with these fields and this key."""
    sha256, salted = hashlib.sha256, zip(fields, salts(secret, len(fields)), strict=True)
    # every decision waits for this, so `commitment` is written out
    return over_all([sha256(b"%b%b\n%b" % (salt, path.encode(), value)).digest() for (path, value), salt in salted])


def record_of(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The record that has these fields (path, value), as far as they go. Raises BadRecord where two contradict, or
    where they are not what `fields_of` makes of a record."""
    found: dict[str, Any] = {}
    for path, value in fields:
        if path in _INSIDE and (path == "" or (value and isinstance(value, Mapping | list))):
            raise BadRecord(f"`{path}` cannot be one field of a record")
        _put(found, path.split("."), path, value)
    return {key: _with_lists(value, key) for key, value in found.items()}


def _put(into: dict[str, Any], names: Sequence[str], path: str, value: Any) -> None:
    for depth, name in enumerate(names[:-1], 1):
        if ".".join(names[:depth]) not in _INSIDE or not isinstance(into := into.setdefault(name, {}), dict):
            raise BadRecord(f"`{path}` cannot be a field of a record")
    if names[-1] in into:
        raise BadRecord(f"the field `{path}` stands there twice")
    into[names[-1]] = value


def _with_lists(value: Any, path: str) -> Any:
    if path != "reasons" or not isinstance(value, dict) or not value:
        return value
    if not all(map(_NUMBER.fullmatch, value)):
        raise BadRecord("reasons have numbers")
    # what was withheld leaves a gap that says so
    return [value.get(str(number)) for number in range(max(map(int, value)) + 1)]
