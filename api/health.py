"""Tells the machinery around Wegwijs whether it runs and whether it can decide."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import answer
from api.problems import RETRY_AFTER_SECONDS
from routing import service

health = Blueprint("health", __name__, url_prefix="/health")


@health.get("/live")
def live() -> Response:
    """Whether the process answers at all."""
    ok, found = service.live()
    return answer(found, 200 if ok else 503)


@health.get("/ready")
def ready() -> Response:
    """Whether the database, the rules and the directory are there."""
    ok, found = service.ready(world())
    return answer(found) if ok else answer(found, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
