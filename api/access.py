"""Gives every request an id and writes one line about it in the log, without anything about the patient."""

from __future__ import annotations

import logging
import re
import secrets
import time

import orjson
from flask import Flask, Response, g, request

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

log = logging.getLogger("wegwijs.access")


def register(app: Flask) -> None:
    """Let `app` number, time and log its requests and protect its answers."""
    _write_log_lines()
    app.before_request(_begin)
    app.after_request(_finish)


def _write_log_lines() -> None:
    # a server that has set up logging keeps its own; otherwise the lines go to standard error
    logger = logging.getLogger("wegwijs")
    logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger.addHandler(handler)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _SANE_ID.fullmatch(given) else secrets.token_hex(8)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response.headers.setdefault("Cache-Control", "no-store")
    entry = {
        "request_id": g.request_id,
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.began) * 1000, 1),
        "key": g.asker.key_id if "asker" in g else None,
    }
    log.info("%s", orjson.dumps(entry).decode())
    return response
