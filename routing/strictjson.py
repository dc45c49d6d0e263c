"""Reads JSON strictly, so that no field of a case is guessed, doubled or dropped: over HTTP and on the command line."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

from routing.errors import BadInput, Fault

LEVELS_MOST = 12
"""A case is three levels deep; what nests deeper than this is no case."""


class NotJson(BadInput):
    """The bytes are not exactly one clean JSON document; the single fault says where and why. `at` is the line and the
    column, both from 1, where they are no JSON any more; None for all else that is wrong."""

    def __init__(self, faults: tuple[Fault, ...], at: tuple[int, int] | None = None) -> None:
        super().__init__(faults)
        self.at = at


def parse(data: bytes, levels_most: int = LEVELS_MOST) -> Any:
    """`data` as plain values, nested at most so many levels deep. Raises NotJson."""
    if not data.strip():
        raise _refuse("empty_body", "the body is empty", "one JSON object")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse("not_utf8", f"byte {error.start} is not UTF-8 text", "JSON in UTF-8") from None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _not_json(text, error) from None
    if _deeper_than(value, levels_most):
        raise _refuse("too_deep", "objects and lists are nested too deep", f"at most {levels_most} levels")
    # orjson takes the last of two equal keys: the wrong one of two blood pressures would decide without a word
    json.loads(text, object_pairs_hook=_refuse_doubles, parse_int=str, parse_float=str)
    return value


def _refuse(code: str, message: str, allowed: str, field: str = "", value: Any = None) -> NotJson:
    return NotJson((Fault(field, code, message, value, allowed),))


class _NoNumber(str):
    """A word that stands where a number should: `NaN`, `Infinity`, or a number too large to be one."""

    __slots__ = ()


def _not_json(text: str, error: orjson.JSONDecodeError) -> NotJson:
    try:
        loose = json.loads(text, parse_constant=_NoNumber, parse_float=_finite)
    except (ValueError, RecursionError):
        loose = None
    if (found := _first_no_number(loose, "")) is not None:
        field, word = found
        return _refuse(
            "not_a_number", f"`{word[:20]}` is not a number", "a finite number, or null for unknown", field, word[:20]
        )
    message = f"line {error.lineno}, column {error.colno}: {error.msg[:120]}"
    return NotJson((Fault("", "not_json", message, None, "JSON"),), (error.lineno, error.colno))


def _finite(text: str) -> float | _NoNumber:
    return value if math.isfinite(value := float(text)) else _NoNumber(text)


def _first_no_number(value: Any, path: str) -> tuple[str, str] | None:
    if isinstance(value, _NoNumber):
        return path, str(value)
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        if (found := _first_no_number(member, f"{path}.{key}" if path else str(key))) is not None:
            return found
    return None


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            child
            for item in layer
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not layer:
            return False
    return True


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            name = key[:80]
            raise _refuse("duplicate_key", f"the key `{name}` stands twice in one object", "every key once", name)
        seen.add(key)
