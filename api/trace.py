"""The trace that a request belongs to (W3C Trace Context): taken over from the client, or begun here."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


@dataclass(frozen=True, slots=True)
class Trace:
    """Ids in hexadecimal digits: of the trace, of our part of it, and of the part of the client (None: it began
    here)."""

    trace_id: str
    span_id: str
    parent_id: str | None


def trace_of(traceparent: str) -> Trace:
    """The trace that a client names in `traceparent`; a new one if it names none, or not as the standard says."""
    found = _PARENT.fullmatch(traceparent.strip(" \t"))
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return Trace(secrets.token_hex(16), secrets.token_hex(8), None)
    return Trace(found[1], secrets.token_hex(8), found[2])
