"""Finds out which place and which unit a FHIR resource is about: by its identifiers, its references and its codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from routing.formats.field_map import StrictMap, Word, checked_map
from routing.formats.record import NO_PLACE, PlaceName

OWN_PLACE = "urn:wegwijs:facility"
"""System of our own ids of places."""

SYSTEMS = {
    OWN_PLACE: "id",
    "http://fhir.nl/fhir/NamingSystem/ura": "ura",
    "http://fhir.nl/fhir/NamingSystem/agb-z": "agb",
}
"""System of an identifier -> scheme, the more certain one first."""

OWN_UNIT = "urn:wegwijs:unit"
"""System of our own units: its codes are the units themselves."""

CAPACITY = "urn:wegwijs:capacity-status"
"""System of what we say of a unit that goes on there; see `fhir_export`."""

STOP_URL = "urn:wegwijs:extension:stop"
"""On a HealthcareService: a stop that is in force, or that is not there."""

ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
SNOMED = "http://snomed.info/sct"
UNITS: Mapping[str, str] = {
    f"{ROLE_CODE}|ER": "seh",
    f"{ROLE_CODE}|ICU": "icu",
    f"{ROLE_CODE}|PEDICU": "picu",
    f"{ROLE_CODE}|PEDNICU": "nicu",
    f"{ROLE_CODE}|PEDU": "pediatrics",
    f"{SNOMED}|225728007": "seh",
    f"{SNOMED}|309904001": "icu",
    f"{SNOMED}|309910001": "picu",
    f"{SNOMED}|405269005": "nicu",
}
"""System and code of a type -> unit, only where both mean the same department. Specialties are no departments."""

SITE_CODES = frozenset({f"{ROLE_CODE}|HOSP", "http://terminology.hl7.org/CodeSystem/location-physical-type|si"})
"""Types of a Location that is a whole site."""

REFERENCES_MOST = 10_000
"""So many resources at most are remembered with their place, about 3 MB; a later one is named by its reference."""

NAME_MOST = 400
"""Longer names of places are not remembered."""

_CodeName = Annotated[str, StringConstraints(pattern=r"^[^|\s]+\|[^|\s]+$", max_length=200)]


class UnitMap(StrictMap):
    """The mapping of fields that this format takes: further types, as `system|code`, with their unit."""

    units: dict[_CodeName, Word] = Field(default_factory=dict)


def units_of(field_map: Mapping[str, Any] | None) -> Mapping[str, str]:
    """The table of units with those of `field_map`, which go first. Raises BadInput that names the field."""
    return {**UNITS, **checked_map(UnitMap, field_map).units}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list of FHIR; nothing where it is no list."""
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def identifiers(resource: Mapping[str, Any]) -> dict[str, str]:
    """Scheme -> value, of the identifiers whose system is known and that are in use."""
    found: dict[str, str] = {}
    for identifier in objects(resource.get("identifier")):
        scheme, value = SYSTEMS.get(str(identifier.get("system"))), identifier.get("value")
        if scheme and isinstance(value, str) and value.strip() and identifier.get("use") != "old":
            found.setdefault(scheme, value.strip())
    return found


def named_by_itself(resource: Mapping[str, Any]) -> PlaceName | None:
    """The place by the most certain identifier of the resource itself; None where it has none."""
    found = identifiers(resource)
    return next((PlaceName(scheme, found[scheme]) for scheme in SYSTEMS.values() if scheme in found), None)


def reference_of(resource: Mapping[str, Any]) -> str | None:
    """`Organization/123`, as other resources refer to this one."""
    kind, key = resource.get("resourceType"), resource.get("id")
    return f"{kind}/{key}" if isinstance(kind, str) and isinstance(key, str) and key else None


def remember(known: dict[str, PlaceName], resource: Mapping[str, Any], full_url: Any, place: PlaceName) -> None:
    """Notes in `known` under which place a later reference to `resource` falls, as long as there is room."""
    for name in (reference_of(resource), full_url):
        if isinstance(name, str) and len(known) < REFERENCES_MOST and len(name) + len(place.value) <= NAME_MOST:
            known[name] = place


def referred(reference: Any, known: Mapping[str, PlaceName]) -> PlaceName | None:
    """The place that a Reference points to: by its identifier, else by what was remembered, else by its text."""
    if not isinstance(reference, dict):
        return None
    if isinstance(reference.get("identifier"), dict):
        found = named_by_itself({"identifier": [reference["identifier"]]})
        if found is not None:
            return found
    text = reference.get("reference")
    if not isinstance(text, str) or not text or text.startswith("#"):
        return None
    local = "/".join(text.partition("/_history/")[0].split("/")[-2:])
    return known.get(text) or known.get(local) or PlaceName("fhir", local)


def place_of(resource: Mapping[str, Any], known: Mapping[str, PlaceName]) -> PlaceName:
    """The place that `resource` is about: itself, where it is, whose it is; at last its own reference or name."""
    for found in _candidates(resource, known):
        if found is not None:
            return found
    if (own := reference_of(resource)) is not None:
        return PlaceName("fhir", own)
    name = resource.get("name")
    return PlaceName("name", name) if isinstance(name, str) and name.strip() else NO_PLACE


def _candidates(resource: Mapping[str, Any], known: Mapping[str, PlaceName]) -> Iterator[PlaceName | None]:
    yield named_by_itself(resource)
    match resource.get("resourceType"):
        case "Location":
            yield referred(resource.get("managingOrganization"), known)
        case "HealthcareService":
            locations = list(objects(resource.get("location")))
            if len(locations) == 1:  # of several nobody can say at which the service is meant
                yield referred(locations[0], known)
            yield referred(resource.get("providedBy"), known)


def types_of(resource: Mapping[str, Any]) -> set[str]:
    """The codes of `type` and `physicalType`, each as `system|code`."""
    concepts = [*objects(resource.get("type")), *objects([resource.get("physicalType")])]
    return {
        f"{coding.get('system')}|{coding.get('code')}"
        for concept in concepts
        for coding in objects(concept.get("coding"))
    }


def unit_of(resource: Mapping[str, Any], units: Mapping[str, str]) -> str | None:
    """The one unit that the types of `resource` mean; None where they mean none, or more than one."""
    types = types_of(resource)
    own = {code.removeprefix(f"{OWN_UNIT}|") for code in types if code.startswith(f"{OWN_UNIT}|")}
    found = own or {units[code] for code in types if code in units}
    return next(iter(found)) if len(found) == 1 else None
