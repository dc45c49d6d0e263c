"""Shows the places of care and what goes on there, and takes in what they say of themselves."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import asker, world
from api.body import answer, json_object, json_value, no_body, tagged
from api.conditions import expected
from api.queries import FacilityQuery, PageQuery, identifier, query
from routing import places
from routing.errors import bad_input

facilities = Blueprint("facilities", __name__, url_prefix="/v1/facilities")

TAKEN = frozenset({"events"})
"""Addresses below `/v1/facilities` that are no place."""


@facilities.get("")
def list_all() -> Response:
    """The places that have what is asked for, a page at a time, with what goes on there."""
    wanted = query(FacilityQuery)
    return answer(places.facilities(world(), **wanted.model_dump()))


@facilities.get("/<facility_id>")
def read(facility_id: str) -> Response:
    """The profile of one place, with everything that is known of it."""
    found = places.facility(world(), identifier("facility", facility_id))
    return tagged(found, found["tag"])


@facilities.put("/<facility_id>")
def write(facility_id: str) -> Response:
    """Another profile for a place, or a new place; only if it is as the client has seen it."""
    place = identifier("facility", facility_id)
    places.may_change(asker(), place)
    if place in TAKEN:
        raise bad_input("id", "taken", "cannot be the id of a place", place, "another id")
    found, new = places.put_facility(world(), place, json_object(), asker(), expected(may_be_new=True))
    # no ETag here: what is kept is not byte for byte what was sent; `tag` in the body is that of what is kept
    where = f"/v1/facilities/{place}"
    return answer(found, 201 if new else 200, {"Location" if new else "Content-Location": where})


@facilities.delete("/<facility_id>")
def remove(facility_id: str) -> Response:
    """Take a place out of the directory; only if it is as the client has seen it."""
    place = identifier("facility", facility_id)
    no_body()
    revision = places.remove_facility(world(), place, asker(), expected(may_be_new=False))
    return answer({"facility": place, "directory_revision": revision})


@facilities.post("/<facility_id>/status")
def report(facility_id: str) -> Response:
    """Take in what goes on at a place: one report or a list."""
    place = identifier("facility", facility_id)
    return answer(places.report_status(world(), place, json_value(), asker()), 202)


@facilities.get("/<facility_id>/status")
def status(facility_id: str) -> Response:
    """What goes on at a place now."""
    return answer(places.facility_status(world(), identifier("facility", facility_id)))


@facilities.get("/<facility_id>/history")
def history(facility_id: str) -> Response:
    """What was changed and reported of a place, the newest first."""
    wanted = query(PageQuery)
    place = identifier("facility", facility_id)
    return answer(places.facility_history(world(), place, **wanted.model_dump()))
