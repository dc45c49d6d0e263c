"""The headers of requests and answers, as the OpenAPI document says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
_TAG: Json = {"type": "string", "pattern": '^(W/)?".*"$'}

REQUEST_HEADERS: Mapping[str, tuple[str, Json]] = {
    "X-Request-Id": (
        "The client's own id of the request; another one is made if this cannot be one.",
        {"type": "string"},
    ),
    "Wegwijs-User": (
        "Who sits at the client, as an id that only the client can resolve; never a name, never a BSN.",
        {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
    ),
    "Wegwijs-Responsible": (
        "On whose behalf that is, as such an id.",
        {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
    ),
    "traceparent": ("The trace of which this request is a part (W3C Trace Context).", TEXT),
    "Idempotency-Key": (
        "The client's own id of this change: sent again with the same body it gives the same answer.",
        {"type": "string", "pattern": "^[!-~]{1,200}$"},
    ),
    "Accept-Language": ("The language of the titles of problems: en, nl.", TEXT),
    "Wegwijs-CSRF": ("With a change under a session: `csrf` of that session.", TEXT),
    "Sec-Fetch-Site": ("As the browser sends it; another site is refused.", TEXT),
    "If-Match": ("The tag of what is changed, as it was read; or `*`.", TEXT),
    "If-None-Match": ("The tag of what the client has already; with a new place `*`.", TEXT),
    "Origin": (
        "As the browser sends it: under a session another site is refused; CDS Hooks answers those that are set up.",
        TEXT,
    ),
    "Last-Event-ID": ("The id of the last event that was seen; goes before the parameter.", TEXT),
}
"""Headers of requests -> what they say, and their schema. `Authorization` is the security scheme."""

EVERY_REQUEST = ("X-Request-Id", "traceparent", "Accept-Language")
WITH_A_KEY = ("Wegwijs-User", "Wegwijs-Responsible")
UNDER_A_SESSION = ("Wegwijs-CSRF", "Origin", "Sec-Fetch-Site")
"""Headers of calls that change something, which count under a session only."""

ANSWER_HEADERS: Mapping[str, tuple[str, Json]] = {
    "X-Request-Id": ("The id of the request, as in the log of the server.", TEXT),
    "Location": ("The address of what was made, or of where to go.", TEXT),
    "Set-Cookie": ("What the browser keeps: the session, or that it is over.", TEXT),
    "Content-Location": ("The address of what was changed.", TEXT),
    "ETag": ("The tag of what is there now.", _TAG),
    "Content-Disposition": ("Under which name to save it.", TEXT),
    "Access-Control-Allow-Origin": ("Every site may read it.", {"const": "*"}),
    "Retry-After": ("In how many seconds to try again.", {"type": "string", "pattern": "^[0-9]+$"}),
    "WWW-Authenticate": ("How to show who one is (RFC 6750).", TEXT),
}
"""Headers of answers -> what they say, and their schema."""

OF_PROBLEMS: Mapping[str, tuple[str, ...]] = {
    "unauthorized": ("WWW-Authenticate",),
    "store-unavailable": ("Retry-After",),
    "no-rules-decide": ("Retry-After",),
    "too-many-streams": ("Retry-After",),
    "too-many-requests": ("Retry-After",),
    "issuer-unavailable": ("Retry-After",),
    "too-many-attempts": ("Retry-After",),
    "in-flight": ("Retry-After",),
}
"""Problem -> the headers that always come with it."""
