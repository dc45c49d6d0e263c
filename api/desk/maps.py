"""A decision on the map: the patient, the places in their rank and how far one comes; and what every map needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g

from api.auth import world
from api.desk.page import page
from api.desk.words import t, text
from routing import service
from routing.decision_map import on_map
from routing.log.canonical import plain
from routing.log.record import answer

pages = Blueprint("maps", __name__)

RULED_OUT_MOST = 60
"""So many places that were ruled out are shown, the nearest; any other can be looked up in the answer."""


@pages.record_once
def _tell_templates(state: Any) -> None:
    state.app.jinja_env.globals.update(map_tiles=tiles)


def tiles() -> dict[str, str | None]:
    """What lies under a map, if the operator set it: the address of tiles, and whose they are."""
    settings = world().settings
    return {"address": settings.map_tiles, "whose": settings.map_tiles_attribution}


@pages.get("/decisions/<decision_id>/map")
def decision(decision_id: str) -> Response:
    """Where the patient is, and where the places are that were weighed."""
    record = plain(service.record_of(world(), decision_id, g.asker, "read"))
    found = shown(record)
    return page("decision_map.html", decision=answer(record), found=found, layers=layers(found))


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of the decision in `record` is shown on a map: as `on_map`, with the RULED_OUT_MOST nearest places that were
    ruled out, and `farther`: how many there are more."""
    found = on_map(world(), record)
    nearest = sorted(found["ruled_out"], key=lambda each: each["travel"]["minutes"] if each["travel"] else 10_000)
    return {**found, "ruled_out": nearest[:RULED_OUT_MOST], "farther": len(nearest[RULED_OUT_MOST:])}


def layers(found: Mapping[str, Any]) -> dict[str, Any]:
    """What `map.js` draws of what is `shown`."""
    patient = found["patient"]
    label = t("Patiënt", "Patient")
    if patient is not None and patient["precision"] == "postcode":
        label = t("Patiënt (midden van het postcodegebied)", "Patient (middle of the postcode area)")
    return {
        "patient": {"lat": patient["lat"], "lon": patient["lon"], "label": label} if patient is not None else None,
        "rings": [{"outline": ring["outline"], "label": f"{ring['minutes']} min"} for ring in found["rings"]],
        "candidates": [_mark(each, number=each["rank"]) for each in found["candidates"]],
        "ruled_out": [_mark(each) for each in found["ruled_out"]],
    }


def one_place(place: Mapping[str, Any]) -> dict[str, Any]:
    """What `map.js` draws of the profile of one place."""
    mark = {"id": place["id"], "lat": place["lat"], "lon": place["lon"], "number": "●", "label": place["name"]}
    return {"candidates": [mark]}


def _mark(part: Mapping[str, Any], number: int | None = None) -> dict[str, Any]:
    facility, travel = part["facility"], part["travel"]
    name = text(facility["label"]) if facility.get("label") else facility["name"]
    minutes = f", {travel['minutes']} min" if travel else ""
    head = f"{number}. " if number is not None else ""
    known = {"id": facility["id"], "lat": part["lat"], "lon": part["lon"], "label": f"{head}{name}{minutes}"}
    return known if number is None else {**known, "number": number}
