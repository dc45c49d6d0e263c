"""Shows decisions and places as FHIR R4: read only, over the same use cases as `/v1`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from routing import service
from routing.directory_here import newest_directory
from routing.errors import NotFound, shown
from routing.facilities.directory import Directory
from routing.facilities.opening import TIME_ZONE
from routing.facilities.profile import Facility
from routing.facilities.status import Report
from routing.formats.fhir_export import fhir_id, healthcare_service, location, organization, units_of_place
from routing.formats.fhir_guidance import guidance_response
from routing.formats.fhir_places import OWN_PLACE, SYSTEMS
from routing.geography import distance_km
from routing.places import Live, live_reading
from routing.rights import Asker
from routing.store.cursor import read_cursor, write_cursor
from routing.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of what was found: the resources, how many there are in all, and the cursor of the following page."""

    resources: list[Json]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks of places; None is not asked. `kind` is a unit of a HealthcareService, or a kind of place."""

    id: str | None = None
    name: str | None = None
    identifier: tuple[str | None, str] | None = None
    kind: tuple[str | None, str] | None = None
    organization: str | None = None
    location: str | None = None
    near: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class _Here:
    """The places as they are now, with what goes on there."""

    world: World
    directory: Directory
    live: Live
    now: datetime

    @property
    def day(self) -> date:
        return self.now.astimezone(TIME_ZONE).date()

    def shown(self, place: Facility) -> list[dict[str, Any]]:
        reports: Iterable[Report] = self.directory.status.get(place.id, ())
        return self.live.shown(reports, self.now)


def guidance(world: World, decision_id: str, asker: Asker) -> Json:
    """A recorded decision as GuidanceResponse; that `asker` read it is noted. Raises NotFound, Erased, BadRecord,
    StoreUnavailable."""
    return guidance_response(service.decision(world, decision_id, asker), world.words)


def place_resource(world: World, kind: str, resource_id: str) -> Json:
    """The resource of that `kind` (a key of KINDS) with that id. Raises NotFound, StoreUnavailable."""
    here = _here(world)
    for place in here.directory.facilities:
        for made in KINDS[kind](here, place, resource_id, None):
            return made
    raise NotFound(kind, str(shown(resource_id)))


def search(world: World, kind: str, wanted: Wanted, cursor: str | None, limit: int) -> Page:
    """The resources of that `kind` that fit, by id or nearest first. Raises BadInput, StoreUnavailable."""
    here = _here(world)
    after = tuple(read_cursor(cursor, (float, int), str)) if cursor is not None else None
    found: list[tuple[float, str, Json]] = []
    for place in here.directory.facilities:
        away = distance_km(wanted.near[:2], (place.lat, place.lon)) if wanted.near else 0.0
        if _fits(place, wanted, kind) and (wanted.near is None or away <= wanted.near[2]):
            unit = wanted.kind if kind == "HealthcareService" else None
            found += [
                (round(away, 3), made["id"], made)
                for made in KINDS[kind](here, place, wanted.id, unit)
                if wanted.name is None or made["name"].casefold().startswith(wanted.name.casefold())
            ]
    found.sort(key=lambda each: each[:2])
    left = [each for each in found if after is None or each[:2] > after]
    page = left[:limit]
    following = write_cursor(*page[-1][:2]) if len(left) > limit else None
    return Page([made for _, _, made in page], len(found), following)


def _here(world: World) -> _Here:
    return _Here(world, newest_directory(world), live_reading(world), world.clock())


def _fits(place: Facility, wanted: Wanted, kind: str) -> bool:
    numbers = {**{system: place.identifiers.get(scheme) for system, scheme in SYSTEMS.items()}, OWN_PLACE: place.id}
    if wanted.identifier is not None:
        system, value = wanted.identifier
        if value not in (numbers.values() if system is None else [numbers.get(system)]):
            return False
    of_place = (wanted.organization, wanted.location)
    if any(asked is not None and asked != fhir_id(place.id) for asked in of_place):
        return False
    return kind == "HealthcareService" or wanted.kind is None or wanted.kind[1] == place.kind


Maker = Callable[[_Here, Facility, str | None, tuple[str | None, str] | None], Sequence[Json]]


def _organizations(here: _Here, place: Facility, wanted: str | None, _: Any) -> Sequence[Json]:
    return [organization(place, here.day)] if wanted in (None, fhir_id(place.id)) else []


def _locations(here: _Here, place: Facility, wanted: str | None, _: Any) -> Sequence[Json]:
    return [location(place)] if wanted in (None, fhir_id(place.id)) else []


def _services(here: _Here, place: Facility, wanted: str | None, unit: tuple[str | None, str] | None) -> Sequence[Json]:
    reports = here.shown(place)
    made = [
        healthcare_service(place, each, reports, here.world.words)
        for each in units_of_place(place, reports, here.day)
        if wanted in (None, fhir_id(place.id, each))
    ]
    return made if unit is None else [each for each in made if _has_type(each, unit)]


def _has_type(service: Json, wanted: tuple[str | None, str]) -> bool:
    system, code = wanted
    codings = service["type"][0]["coding"]
    return any(coding["code"] == code and system in (None, coding["system"]) for coding in codings)


KINDS: Mapping[str, Maker] = {
    "Organization": _organizations,
    "Location": _locations,
    "HealthcareService": _services,
}
"""Type of resource -> how it is made of a place."""
