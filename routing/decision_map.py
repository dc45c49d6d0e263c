"""A decision on the map: where the patient is, where the weighed places are, and how far one comes in a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.errors import NotFound
from routing.facilities.directory import Directory
from routing.geography import Point, distance_km
from routing.log.record import result_of
from routing.places import directory_as_of
from routing.travel import rings as travel_rings
from routing.travel.postcode import PostcodeError, centroid
from routing.world import World

RING_MINUTES = (15, 30, 45)
"""The drive times of which the map shows how far one comes."""


def on_map(world: World, record: Mapping[str, Any]) -> dict[str, Any]:
    """What of the decision in `record` has a position: `{"patient", "rings", "candidates", "ruled_out", "elsewhere",
    "directory_revision", "as_then"}`. `patient` is `{"lat", "lon", "precision"}`, precision `given` or `postcode`, or
    None; `rings` are as `rings` gives them. Of candidates (`rank`, `facility`, `travel`) and of
    places ruled out (`facility`, `travel`, `failed`, `would_change`) `lat` and `lon` are those of the directory of
    then; if that is not there any more those of now, and `as_then` says so. `elsewhere` are candidates without a place
    in the directory. Raises BadRecord, OtherSoftware, StoreUnavailable."""
    result = result_of(record)
    directory, as_then = _directory(world, record["directory"]["revision"])
    candidates = [result["recommendation"], *result["alternatives"]]
    patient = _patient(record["case"].get("location", {}))
    return {
        "patient": patient,
        "rings": rings((patient["lat"], patient["lon"])) if patient is not None else [],
        "candidates": [found for each in candidates if (found := _placed(each, directory)) is not None],
        "ruled_out": [found for each in result["ruled_out"] if (found := _placed(each, directory)) is not None],
        "elsewhere": [each for each in candidates if _placed(each, directory) is None],
        "directory_revision": directory.revision,
        "as_then": as_then,
    }


def rings(origin: Point) -> list[dict[str, Any]]:
    """How far one comes by car from `origin` in each of RING_MINUTES: `{"minutes", "outline"}`, and `nearest_km` and
    `furthest_km`, between which it lies; an estimate that knows the water but no traffic."""
    return [_ring(origin, ring) for ring in travel_rings.rings(origin, RING_MINUTES)]


def _ring(origin: Point, ring: travel_rings.Ring) -> dict[str, Any]:
    far = [distance_km(origin, point) for point in ring.outline]
    outline = [[round(lat, 4), round(lon, 4)] for lat, lon in ring.outline]
    return {"minutes": ring.minutes, "outline": outline, "nearest_km": round(min(far)), "furthest_km": round(max(far))}


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
