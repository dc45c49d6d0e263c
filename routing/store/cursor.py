"""Marks a place in a long list, so that reading can go on there even when the list has grown."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from routing.errors import BadInput, bad_input


def write_cursor(*parts: str | float | int) -> str:
    """`parts` as a text that a client may hand back, and need not understand."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type | tuple[type, ...]) -> list[Any]:
    """The parts that `cursor` was written of, one of each of `kinds`. Raises BadInput."""
    try:
        parts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError as error:
        raise bad_cursor(cursor) from error
    if not isinstance(parts, list) or len(parts) != len(kinds) or not all(map(isinstance, parts, kinds)):
        raise bad_cursor(cursor)
    return parts


def bad_cursor(cursor: str) -> BadInput:
    """The refusal of a cursor that was not given out."""
    allowed = "`next` of an earlier answer, unchanged"
    return bad_input("cursor", "bad_cursor", "is not a cursor that was given out", cursor, allowed)
