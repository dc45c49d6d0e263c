"""The one way in which a record is written down, so that the same content always gives the same bytes.

JSON with sorted keys, no spaces, UTF-8. A number that is not whole is a `Decimal` here and is written as
`{"decimal":"38.7"}`, because JSON libraries disagree about how to write such numbers; whole numbers stay within 2^53.
This agrees byte for byte with RFC 8785 for what it accepts (property-tested).
"""

from __future__ import annotations

import hashlib
import math
import re
from decimal import Decimal
from typing import Any

import orjson

from routing.errors import BadRecord

WHOLE_MOST = 2**53 - 1
_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)

_DECIMAL = re.compile(rb'\{"decimal":"(-?[0-9]+\.[0-9]+)"\}')
# Quotes inside a text are escaped, so this can only be an object.
_DIGITS = re.compile(r"-?[0-9]{1,16}\.[0-9]{1,400}")


def exact(value: float) -> int | Decimal:
    """`value` as a record holds it: a whole number, or a decimal with exactly the digits that read back as `value`."""
    if not math.isfinite(value) or abs(value) > WHOLE_MOST:
        raise ValueError("a number in a record is finite and within 2^53")
    if value == int(value):
        return int(value)
    return Decimal(repr(value))


def canonical(value: Any) -> bytes:
    """`value` as canonical bytes: dicts with ASCII keys, lists, texts, whole numbers, `Decimal`, booleans, null.

    Raises ValueError for anything else. A bare float is not looked for here (records are large); `exact` is how a
    number gets into a record, and `is_canonical` finds a stray one.
    """
    try:
        return orjson.dumps(value, default=_written, option=_OPTIONS)
    except TypeError as error:
        raise ValueError(str(error.__cause__ or error)) from error


def wire(data: bytes) -> bytes:
    """Canonical `data` as plain JSON: decimals are numbers again."""
    return _DECIMAL.sub(rb"\1", data)


def plain(data: bytes) -> Any:
    """The value in canonical `data`, decimals as floats. Raises BadRecord if it is not JSON."""
    try:
        return orjson.loads(wire(data))
    except ValueError as error:
        raise BadRecord("a record is not canonical JSON") from error


def head(data: bytes, member: str, value: str) -> Any:
    """The members of a record that stand before this one, decimals as floats: names are sorted, and within a text no
    quote stands by itself. Raises BadRecord if the record does not have this member with this value."""
    start, found, _ = data.partition(b',"%s":"%s"' % (member.encode(), value.encode()))
    if not found:
        raise BadRecord(f"a record has no `{member}` that is `{value}`")
    return plain(start + b"}")


def is_canonical(data: bytes) -> bool:
    """Whether `data` is exactly what `canonical` writes, without a bare decimal anywhere."""
    try:
        value = _read(orjson.loads(data))
        return canonical(value) == data
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return False


def digest(data: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": _digits(value)}
    raise ValueError(f"a {type(value).__name__} has no canonical form")


def _digits(value: Decimal) -> str:
    text = f"{value:f}"
    if not value.is_finite() or not isinstance(shortest := exact(float(value)), Decimal) or f"{shortest:f}" != text:
        raise ValueError("a decimal is finite, not whole, and has exactly the digits that are needed")
    return text


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        if not all(key.isascii() for key in value):
            raise ValueError("keys are ASCII text")
        if value.keys() == {"decimal"}:
            if not _DIGITS.fullmatch(value["decimal"]):  # Decimal reads more than digits, and 1E+999999999 fills memory
                raise ValueError("a decimal is written in digits")
            return Decimal(value["decimal"])
        return {key: _read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_read(item) for item in value]
    if isinstance(value, float):
        raise ValueError("a bare decimal")  # noqa: TRY004 - it is the text that is wrong, not a type
    return value
