"""Counts decisions over HTTP, for those who look after quality and capacity: nothing of a single one is shown."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import answer
from api.queries import FiguresQuery, query
from routing import figures as counting
from routing.store.figures import Span

figures = Blueprint("figures", __name__, url_prefix="/v1/figures")


@figures.get("")
def read() -> Response:
    """How many decisions there were, by what they were about and when."""
    asked = query(FiguresQuery)
    span = Span(asked.since, asked.until)
    return answer(counting.figures(world(), counting.read_parts(asked.by), span))
