"""A decision on the map: where the patient is, where the weighed places are, and how far one comes in a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.errors import NotFound
from routing.facilities.directory import Directory
from routing.log.record import result_of
from routing.places import directory_as_of
from routing.travel import straight_line
from routing.travel.postcode import PostcodeError, centroid
from routing.world import World

RING_MINUTES = (15, 30, 45)
"""The drive times of which the map shows how far one comes."""


def on_map(world: World, record: Mapping[str, Any]) -> dict[str, Any]:
    """What of the decision in `record` has a position: `{"patient", "rings", "candidates", "ruled_out", "elsewhere",
    "directory_revision", "as_then"}`. `patient` is `{"lat", "lon", "precision"}`, precision `given` or `postcode`, or
    None; `rings` are `{"minutes", "km"}` by the straight line. Of candidates (`rank`, `facility`, `travel`) and of
    places ruled out (`facility`, `travel`, `failed`, `would_change`) `lat` and `lon` are those of the directory of
    then; if that is not there any more those of now, and `as_then` says so. `elsewhere` are candidates without a place
    in the directory. Raises BadRecord, OtherSoftware, StoreUnavailable."""
    result = result_of(record)
    directory, as_then = _directory(world, record["directory"]["revision"])
    candidates = [result["recommendation"], *result["alternatives"]]
    patient = _patient(record["case"].get("location", {}))
    return {
        "patient": patient,
        "rings": rings() if patient is not None else [],
        "candidates": [found for each in candidates if (found := _placed(each, directory)) is not None],
        "ruled_out": [found for each in result["ruled_out"] if (found := _placed(each, directory)) is not None],
        "elsewhere": [each for each in candidates if _placed(each, directory) is None],
        "directory_revision": directory.revision,
        "as_then": as_then,
    }


def rings() -> list[dict[str, float]]:
    """How far one comes in each of RING_MINUTES, in km in a straight line: an estimate that sees no water."""
    return [{"minutes": minutes, "km": round(straight_line.reach_km(minutes), 2)} for minutes in RING_MINUTES]


def _directory(world: World, revision: int) -> tuple[Directory, bool]:
    try:
        return directory_as_of(world, revision=revision), True
    except NotFound:
        return directory_as_of(world), False


def _patient(location: Mapping[str, Any]) -> dict[str, Any] | None:
    if "lat" in location and "lon" in location:
        # a case that came with a postcode alone was given the middle of its area
        precision = "postcode" if _is_middle(location) else "given"
        return {"lat": float(location["lat"]), "lon": float(location["lon"]), "precision": precision}
    try:
        lat, lon = centroid(location.get("postcode", ""))
    except PostcodeError:
        return None
    return {"lat": lat, "lon": lon, "precision": "postcode"}


def _is_middle(location: Mapping[str, Any]) -> bool:
    try:
        return centroid(location.get("postcode", "")) == (float(location["lat"]), float(location["lon"]))
    except PostcodeError:
        return False


def _placed(part: Mapping[str, Any], directory: Directory) -> dict[str, Any] | None:
    """A candidate or a place that was ruled out, with its position; None where the directory has none."""
    place = directory.by_id.get(part["facility"]["id"] or "")
    return None if place is None else {**part, "lat": place.lat, "lon": place.lon}
