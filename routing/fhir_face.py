"""Shows decisions and places as FHIR R4: read only, over the same use cases as `/v1`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from routing import service
from routing.directory_here import newest_directory
from routing.errors import NotFound, shown
from routing.facilities.directory import Directory
from routing.facilities.opening import TIME_ZONE
from routing.facilities.profile import Facility
from routing.facilities.status import Report
from routing.formats.fhir_export import (
    KIND,
    fhir_id,
    healthcare_service,
    location,
    organization,
    service_name,
    unit_codings,
    units_of_place,
)
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
        for found in KINDS[kind](here, place):
            if found.id == resource_id:
                return found.make()
    raise NotFound(kind, str(shown(resource_id)))


def search(world: World, kind: str, wanted: Wanted, cursor: str | None, limit: int) -> Page:
    """The resources of that `kind` that fit, by id or nearest first. Raises BadInput, StoreUnavailable."""
    here = _here(world)
    after = tuple(read_cursor(cursor, (float, int), str)) if cursor is not None else None
    found: dict[tuple[float, str], _Resource] = {}
    for place in here.directory.facilities:
        away = distance_km(wanted.near[:2], (place.lat, place.lon)) if wanted.near else 0.0
        if _fits(place, wanted) and (wanted.near is None or away <= wanted.near[2]):
            found |= {(round(away, 3), each.id): each for each in KINDS[kind](here, place) if _is_wanted(each, wanted)}
    left = [position for position in sorted(found) if after is None or position > after]
    page = left[:limit]
    following = write_cursor(*page[-1]) if len(left) > limit else None
    return Page([found[position].make() for position in page], len(found), following)


def _here(world: World) -> _Here:
    return _Here(world, newest_directory(world), live_reading(world), world.clock())


def _fits(place: Facility, wanted: Wanted) -> bool:
    numbers = {**{system: place.identifiers.get(scheme) for system, scheme in SYSTEMS.items()}, OWN_PLACE: place.id}
    if wanted.identifier is not None:
        system, value = wanted.identifier
        if value not in (numbers.values() if system is None else [numbers.get(system)]):
            return False
    return all(asked in (None, fhir_id(place.id)) for asked in (wanted.organization, wanted.location))


def _is_wanted(found: _Resource, wanted: Wanted) -> bool:
    if wanted.kind is not None:
        system, code = wanted.kind
        if not any(each["code"] == code and system in (None, each["system"]) for each in found.codings):
            return False
    named = wanted.name is None or found.name.casefold().startswith(wanted.name.casefold())
    return named and wanted.id in (None, found.id)


@dataclass(frozen=True, slots=True)
class _Resource:
    """A resource that can be made, and by what it is found."""

    id: str
    name: str
    codings: Sequence[Json]
    make: Callable[[], Json]


def _organizations(here: _Here, place: Facility) -> Iterator[_Resource]:
    kind = [{"system": KIND, "code": place.kind}]
    yield _Resource(fhir_id(place.id), place.name, kind, lambda: organization(place, here.day))


def _locations(_: _Here, place: Facility) -> Iterator[_Resource]:
    yield _Resource(fhir_id(place.id), place.name, (), lambda: location(place))


def _services(here: _Here, place: Facility) -> Iterator[_Resource]:
    words, reports = here.world.words, here.shown(place)
    for unit in units_of_place(place, reports, here.day):
        codings = unit_codings(unit, words.stop_kinds[unit].label.nl)
        make = partial(healthcare_service, place, unit, reports, words)
        yield _Resource(fhir_id(place.id, unit), service_name(place, unit, words), codings, make)


KINDS: Mapping[str, Callable[[_Here, Facility], Iterator[_Resource]]] = {
    "Organization": _organizations,
    "Location": _locations,
    "HealthcareService": _services,
}
"""Type of resource -> what can be made of a place."""
