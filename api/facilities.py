"""Shows the places of care and what they can do."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import answer
from api.schemas import FacilityQuery, identifier, query
from routing import service

facilities = Blueprint("facilities", __name__, url_prefix="/v1/facilities")


@facilities.get("")
def list_all() -> Response:
    """The places that have what is asked for, a page at a time."""
    wanted = query(FacilityQuery)
    return answer(service.facilities(world(), **wanted.model_dump()))


@facilities.get("/<facility_id>")
def read(facility_id: str) -> Response:
    """One place, with everything that is known of it."""
    return answer(service.facility(world(), identifier("facility", facility_id)))
