"""Shows recorded decisions and places of care as FHIR R4; what is asked is read as strictly as under `/v1`."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from api.auth import asker, world
from api.fhir_outcome import FHIR
from api.links import base
from api.queries import Count, Cursor, NoQuery, identifier, query
from routing import fhir_face
from routing.fhir_face import Wanted

fhir = Blueprint("fhir", __name__, url_prefix="/fhir")

NEAR_KM = 50.0
"""How far away a place may be where `near` does not say it."""

PUBLISHED = "2026-11-29"
"""When what this face can do last changed."""

_NEAR = re.compile(r"(-?\d{1,2}(?:\.\d{1,8})?)\|(-?\d{1,3}(?:\.\d{1,8})?)(?:\|(\d{1,4}(?:\.\d{1,3})?)(?:\|km)?)?")
_TOKEN = re.compile(r"(?:([^|\s]{1,200})\|)?([^|\s]{1,100})")


def _near(value: Any) -> tuple[float, float, float]:
    found = _NEAR.fullmatch(value) if isinstance(value, str) else None
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise ValueError("is not a place with a distance")
    return float(found[1]), float(found[2]), float(found[3]) if found[3] else NEAR_KM


def _token(value: Any) -> tuple[str | None, str]:
    found = _TOKEN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is not a code or an identifier")
    return found[1], found[2]


def _id_of(kind: str) -> BeforeValidator:
    return BeforeValidator(lambda value: value.removeprefix(f"{kind}/") if isinstance(value, str) else value)


FhirId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Near = Annotated[
    tuple[float, float, float],
    BeforeValidator(_near),
    WithJsonSchema({"type": "string", "pattern": f"^{_NEAR.pattern}$"}),
]
Token = Annotated[
    tuple[str | None, str],
    BeforeValidator(_token),
    WithJsonSchema({"type": "string", "pattern": f"^{_TOKEN.pattern}$"}),
]
Starts = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]
Json_ = Annotated[str, StringConstraints(pattern=r"^(json|application/json|application/fhir\+json)$")]


class _Search(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: FhirId | None = Field(None, alias="_id", description="the id of a resource")
    identifier: Token | None = Field(None, description="system|value, or a value of any system")
    name: Starts | None = Field(None, description="how the name begins")
    count: Count = Field(50, alias="_count", description="a whole number from 1 to 200")
    form: Json_ | None = Field(
        None, alias="_format", description="json or application/fhir+json; there is nothing else"
    )
    cursor: Cursor | None = Field(None, description="from the link to the next page")

    @property
    def wanted(self) -> Wanted:
        """What is asked of places."""
        asked = self.model_dump(exclude={"count", "form", "cursor"}, exclude_none=True)
        return Wanted(**asked)


class OrganizationSearch(_Search):
    """What `GET /fhir/Organization` may be asked."""

    kind: Token | None = Field(None, alias="type", description="a kind of place (/v1/vocabulary)")


class LocationSearch(_Search):
    """What `GET /fhir/Location` may be asked; with `near` the nearest come first."""

    near: Near | None = Field(None, description="latitude|longitude|kilometres|km: 52.0907|5.1214|20|km")
    organization: Annotated[FhirId, _id_of("Organization")] | None = Field(None, description="Organization/<id>")


class ServiceSearch(LocationSearch):
    """What `GET /fhir/HealthcareService` may be asked; with `near` the nearest come first."""

    kind: Token | None = Field(None, alias="service-type", description="a unit: urn:wegwijs:unit|seh, or a role code")
    location: Annotated[FhirId, _id_of("Location")] | None = Field(None, description="Location/<id>")


def fhir_answer(value: Any) -> Response:
    """`value` as a resource."""
    return Response(orjson.dumps(value), content_type=FHIR)


@fhir.get("/metadata")
def metadata() -> Response:
    """What this server can do with FHIR (a CapabilityStatement)."""
    query(NoQuery)
    return fhir_answer(capability_statement(base()))


@fhir.get("/GuidanceResponse/<decision_id>")
def guidance(decision_id: str) -> Response:
    """One recorded decision as a GuidanceResponse."""
    return fhir_answer(fhir_face.guidance(world(), identifier("GuidanceResponse", decision_id), asker()))


@fhir.get("/Organization")
def search_organizations() -> Response:
    """Places of care: who they are."""
    return _found("Organization", query(OrganizationSearch))


@fhir.get("/Organization/<resource_id>")
def read_organization(resource_id: str) -> Response:
    """One place of care."""
    return _one("Organization", resource_id)


@fhir.get("/Location")
def search_locations() -> Response:
    """Places of care: where they are."""
    return _found("Location", query(LocationSearch))


@fhir.get("/Location/<resource_id>")
def read_location(resource_id: str) -> Response:
    """Where one place of care is."""
    return _one("Location", resource_id)


@fhir.get("/HealthcareService")
def search_services() -> Response:
    """Units where patients come: when they are open, and what goes on there."""
    return _found("HealthcareService", query(ServiceSearch))


@fhir.get("/HealthcareService/<resource_id>")
def read_service(resource_id: str) -> Response:
    """One unit of a place of care."""
    return _one("HealthcareService", resource_id)


def _one(kind: str, resource_id: str) -> Response:
    return fhir_answer(fhir_face.place_resource(world(), kind, identifier(kind, resource_id)))


def _found(kind: str, asked: _Search) -> Response:
    page = fhir_face.search(world(), kind, asked.wanted, asked.cursor, asked.count)
    links = [{"relation": "self", "url": _address(kind, asked, asked.cursor)}]
    if page.next is not None:
        links.append({"relation": "next", "url": _address(kind, asked, page.next)})
    entries = [
        {"fullUrl": f"{base()}fhir/{kind}/{made['id']}", "resource": made, "search": {"mode": "match"}}
        for made in page.resources
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": page.total, "link": links}
    return fhir_answer({**bundle, "entry": entries} if entries else bundle)  # FHIR has no empty lists


def _address(kind: str, asked: _Search, cursor: str | None) -> str:
    told = {**asked.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True), "cursor": cursor}
    said = {name: _written(value) for name, value in told.items() if value is not None}
    return f"{base()}fhir/{kind}" + (f"?{urlencode(said)}" if said else "")


def _written(value: Any) -> str:
    """A parameter as it stands in an address."""
    return "|".join(str(part) for part in value if part is not None) if isinstance(value, tuple) else str(value)


# -- what it can do ---------------------------------------------------------------------------------------------------

SEARCHES: dict[str, type[_Search]] = {
    "Organization": OrganizationSearch,
    "Location": LocationSearch,
    "HealthcareService": ServiceSearch,
}
"""Type of resource -> what a search for it may ask."""

_KINDS = {
    "_id": "token",
    "identifier": "token",
    "name": "string",
    "type": "token",
    "service-type": "token",
    "near": "special",
    "organization": "reference",
    "location": "reference",
}
"""Search parameter -> its kind in FHIR."""


def capability_statement(address: str) -> dict[str, Any]:
    """What this server can do, as FHIR says it; `address` is that of the server."""
    searched = [
        {
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [
                {"name": name, "type": _KINDS[name]}
                for name in (field.alias or key for key, field in asked.model_fields.items())
                if name in _KINDS
            ],
        }
        for kind, asked in SEARCHES.items()
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Wegwijs", "version": version("wegwijs")},
        "implementation": {"description": "Wegwijs: triage and places of care", "url": f"{address}fhir"},
        "fhirVersion": "4.0.1",
        "format": ["json", FHIR],
        "rest": [
            {
                "mode": "server",
                "documentation": "Read only. Every call but this one needs a key or a token, as under /v1.",
                "security": {"description": "Authorization: Bearer, with an API key or an OAuth 2 access token."},
                "resource": [{"type": "GuidanceResponse", "interaction": [{"code": "read"}]}, *searched],
            }
        ],
    }
