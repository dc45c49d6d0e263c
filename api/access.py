"""Gives every request an id and writes one line about it in the log, without anything about the patient."""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, current_app, g, request

from api import metrics, telemetry
from api.metrics import METHODS
from api.trace import Trace
from routing import log_lines
from routing.log.access import looks_like_bsn

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

log = logging.getLogger("wegwijs.access")


def register(app: Flask) -> None:
    """Let `app` number, time and log its requests and protect its answers."""
    log_lines.begin()
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    # a client chooses this id: one that may be a BSN is not written down
    sane = _SANE_ID.fullmatch(given) and not looks_like_bsn(given)
    g.request_id = given if sane else secrets.token_hex(8)
    g.trace = telemetry.begin(current_app)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("Cache-Control", "no-store")
    took, route = time.perf_counter() - g.began, request.url_rule.rule if request.url_rule else None
    metrics.observe(request.method, route, response.status_code, took)
    log_lines.write(
        log,
        logging.INFO,
        "request",
        **ids(),
        method=request.method if request.method in METHODS else None,  # a client may make up a word of its own
        route=route,
        status=response.status_code,
        ms=round(took * 1000, 1),
        key=g.asker.key_id if "asker" in g else None,
    )
    return response


def ids() -> dict[str, str | None]:
    """What ties the lines about this request together, here and at the client."""
    trace: Trace = g.trace
    return {
        "request_id": g.request_id,
        "trace_id": trace.trace_id,
        "span_id": trace.span_id,
        "parent_id": trace.parent_id,
    }
