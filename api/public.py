"""Shows everybody how busy places of care are, where the operator chose to publish that."""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.auth import world
from api.body import answer
from api.problems import Refused
from api.queries import NoQuery, query
from routing.public_capacity import public_capacity
from routing.vocabulary import digest_of

public = Blueprint("public", __name__, url_prefix="/v1/public")

FRESH_SECONDS = 60


@public.get("/capacity")
def capacity() -> Response:
    """Of every place whether it is open, how busy it is and whether it asks ambulances to divert."""
    query(NoQuery)
    if not world().settings.public_capacity:
        raise Refused("not-found", "This server publishes nothing: `WEGWIJS_PUBLIC_CAPACITY` is not set.")
    found = public_capacity(world())
    response = answer(found, headers={"Cache-Control": f"public, max-age={FRESH_SECONDS}"})
    response.headers["Access-Control-Allow-Origin"] = "*"  # for everybody, so also for other sites
    response.set_etag(digest_of(found))
    response.make_conditional(request)
    return response
