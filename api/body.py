"""Reads JSON strictly, so that no field is guessed, doubled or dropped, and writes answers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.problems import Refused
from routing import strictjson
from routing.errors import bad_input


def json_value(levels_most: int = strictjson.LEVELS_MOST) -> Any:
    """The body of this request as JSON. Raises Refused (400, 415)."""
    _check_media_type()
    return parse(_bytes(), levels_most)


def json_object(levels_most: int = strictjson.LEVELS_MOST) -> dict[str, Any]:
    """The body of this request as a JSON object. Raises Refused (400, 415) or BadInput (422)."""
    value = json_value(levels_most)
    if not isinstance(value, dict):
        raise bad_input("", "not_an_object", "the body must be a JSON object", value, "an object: {...}")
    return value


def no_body() -> None:
    """Refuse a body where none belongs (an empty JSON object may stand for none)."""
    if _bytes().strip() not in (b"", b"{}"):
        raise bad_input("", "unexpected_body", "this call takes no body", allowed="no body")


def _bytes() -> bytes:
    body = request.get_data(cache=False)
    if len(body) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge
    return body


def _check_media_type() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in ("utf-8", "utf8"):
        seen = (request.content_type or "no Content-Type")[:80]
        raise Refused("unsupported-media-type", f"The body is `{seen}`; only `application/json` in UTF-8 is read.")
    if encoding := request.headers.get("Content-Encoding"):
        raise Refused("unsupported-media-type", f"The body is compressed (`{encoding[:40]}`); send it as it is.")


def parse(body: bytes, levels_most: int = strictjson.LEVELS_MOST) -> Any:
    """`body` as plain values. Raises Refused for everything that is not exactly one clean JSON document."""
    try:
        return strictjson.parse(body, levels_most)
    except strictjson.NotJson as error:
        message = error.faults[0].message
        raise Refused("malformed-json", f"The body cannot be read: {message}.", error.faults) from None


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as a JSON response."""
    response = Response(orjson.dumps(value), status, content_type="application/json")
    response.headers.update(headers or {})
    return response


def tagged(value: Any, digest: str) -> Response:
    """`value` with `digest` as strong ETag: a client that has it already gets 304 and no body."""
    response = answer(value, headers={"Cache-Control": "private, no-cache"})
    response.set_etag(digest)
    response.make_conditional(request)
    return response
