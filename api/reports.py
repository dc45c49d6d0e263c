"""Shows what is overruled, where, when and why: counts over many decisions, in which no patient or person stands."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import answer
from api.queries import OverrulesQuery, query
from routing.reports import overrules as count_overrules

reports = Blueprint("reports", __name__, url_prefix="/v1/reports")

DECISIONS_MOST = 20_000
"""A longer report keeps a worker busy for too long; the command line makes it."""


@reports.get("/overrules")
def overrules() -> Response:
    """Which rules were overridden in a period, and which patients arrived where there was a stop or a refusal."""
    wanted = query(OverrulesQuery)
    return answer(count_overrules(world(), **wanted.model_dump(), most=DECISIONS_MOST))
