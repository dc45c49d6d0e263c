"""Makes long answers small for clients that can read that: a decision is a tenth of its size on a mobile network."""

from __future__ import annotations

import gzip

from flask import Flask, Response, g, request

SHORT = 4096
"""Answers of fewer bytes are sent as they are."""

FAST = 1
"""The level of gzip: higher ones take three times as long for a few kilobytes less."""


def register(app: Flask) -> None:
    """Let `app` compress what it answers."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    # a strong ETag is that of the bytes as they are; what somebody without a key reads may be kept by others
    fits = response.mimetype == "application/json" and not response.is_streamed and "ETag" not in response.headers
    if not fits or "asker" not in g:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] and (response.content_length or 0) >= SHORT:
        response.set_data(gzip.compress(response.get_data(), FAST, mtime=0))
        response.content_encoding = "gzip"
    return response
