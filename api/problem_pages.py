"""A small page about each kind of problem, for the person who follows the link in `type`."""

from __future__ import annotations

import html

from flask import Blueprint, Response

from api.problem_types import TYPES
from routing.errors import NotFound

problems = Blueprint("problems", __name__, url_prefix="/problems")


@problems.get("/<name>")
def page(name: str) -> Response:
    """A small page about one kind of problem, for the person who follows the link in `type`."""
    kind = TYPES.get(name)
    if kind is None:
        raise NotFound("problem type", name)
    sections = "".join(
        f'<section lang="{language}"><h1>{html.escape(kind.title.wire()[language])}</h1>'
        f"<p>{html.escape(kind.advice.wire()[language])}</p></section>"
        for language in ("nl", "en")
    )
    document = (
        f'<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>{kind.name} · Wegwijs</title></head>'
        f"<body><p>HTTP {kind.status} · <code>/problems/{kind.name}</code></p>{sections}</body></html>"
    )
    return Response(document, content_type="text/html; charset=utf-8")
