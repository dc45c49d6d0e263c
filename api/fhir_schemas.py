"""The part of FHIR R4 that is answered here, written out: what stands in none of these is never answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from api.schemas import Answer, told_only


def _all_told(schema: dict[str, Any]) -> None:
    told_only()(schema)


class FhirPart(Answer):
    """An element of FHIR: what is not said is left out, never null."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, json_schema_extra=_all_told)


class FhirCoding(FhirPart):
    """A code of a system."""

    system: str
    code: str
    display: str | None = None


class FhirConcept(FhirPart):
    """A meaning, in codes and in words."""

    coding: list[FhirCoding]
    text: str | None = None


class FhirReference(FhirPart):
    """Another resource, or what is known of it by name alone."""

    reference: str | None = None
    type: str | None = None
    display: str | None = None


class FhirIdentifier(FhirPart):
    """A number in a register."""

    system: str
    value: str


class FhirPeriod(FhirPart):
    """From when until when."""

    start: str
    end: str | None = None


class FhirAddress(FhirPart):
    """Where a place is."""

    city: str
    postal_code: str | None = None
    country: Literal["NL"]


class FhirContact(FhirPart):
    """A telephone number."""

    system: Literal["phone"]
    value: str
    use: Literal["work"]
    rank: int


class FhirPosition(FhirPart):
    """WGS84 degrees."""

    longitude: float
    latitude: float


class FhirExtensionPart(FhirPart):
    """A part of an extension."""

    url: str
    value_boolean: bool | None = None
    value_date_time: str | None = None
    value_codeable_concept: FhirConcept | None = None


class FhirExtension(FhirPart):
    """What FHIR has no element for: what goes on at a unit, a stop, a unit of which nothing is known."""

    url: str
    value_coding: FhirCoding | None = None
    extension: list[FhirExtensionPart] | None = None


class FhirOrganization(FhirPart):
    """A place of care: who it is."""

    resource_type: Literal["Organization"]
    id: str
    extension: list[FhirExtension] | None = None
    identifier: list[FhirIdentifier]
    active: bool | None = None
    type: list[FhirConcept]
    name: str
    telecom: list[FhirContact] | None = None
    address: list[FhirAddress]


class FhirHours(FhirPart):
    """Hours of a site."""

    days_of_week: list[str]
    all_day: bool | None = None
    opening_time: str | None = None
    closing_time: str | None = None


class FhirLocation(FhirPart):
    """A place of care: where it is."""

    resource_type: Literal["Location"]
    id: str
    identifier: list[FhirIdentifier]
    name: str
    mode: Literal["instance"]
    address: FhirAddress
    physical_type: FhirConcept
    position: FhirPosition
    managing_organization: FhirReference
    part_of: FhirReference | None = None
    hours_of_operation: list[FhirHours] | None = None


class FhirMeta(FhirPart):
    """The oldest moment at which any of this was observed."""

    last_updated: str


class FhirAvailable(FhirPart):
    """Hours of a unit."""

    days_of_week: list[str]
    all_day: bool | None = None
    available_start_time: str | None = None
    available_end_time: str | None = None


class FhirNotAvailable(FhirPart):
    """A closure."""

    description: str
    during: FhirPeriod


class FhirEligibility(FhirPart):
    """For whom a unit is."""

    code: FhirConcept
    comment: str


class FhirHealthcareService(FhirPart):
    """A unit of a place where patients come: when it is open, and what goes on there."""

    resource_type: Literal["HealthcareService"]
    id: str
    meta: FhirMeta | None = None
    extension: list[FhirExtension]
    identifier: list[FhirIdentifier]
    active: bool | None = None
    provided_by: FhirReference
    type: list[FhirConcept]
    location: list[FhirReference]
    name: str
    eligibility: list[FhirEligibility] | None = None
    available_time: list[FhirAvailable] | None = None
    not_available: list[FhirNotAvailable] | None = None
    availability_exceptions: str | None = None


class FhirIssue(FhirPart):
    """One thing that went wrong, or that is to be known."""

    severity: Literal["error", "warning", "information"]
    code: str
    details: FhirConcept | None = None
    diagnostics: str | None = None
    expression: list[str] | None = None


class FhirOperationOutcome(FhirPart):
    """What went wrong, or what is to be known. `details` of the first issue names the problem, as in `/problems`."""

    resource_type: Literal["OperationOutcome"]
    id: str | None = None
    issue: list[FhirIssue]


class FhirValue(FhirPart):
    """A named value of what came out."""

    name: str
    value_boolean: bool | None = None
    value_code: str | None = None
    value_codeable_concept: FhirConcept | None = None
    value_date_time: str | None = None
    value_integer: int | None = None
    value_reference: FhirReference | None = None
    value_string: str | None = None
    value_uri: str | None = None


class FhirParameter(FhirValue):
    """What came out: a value, or several that belong together."""

    part: list[FhirValue] | None = None


class FhirParameters(FhirPart):
    """Everything that came out."""

    resource_type: Literal["Parameters"]
    id: str
    parameter: list[FhirParameter]


class FhirPlaceAction(FhirPart):
    """To go to one place."""

    prefix: str
    title: str
    description: str | None = None
    precheck_behavior: Literal["yes", "no"]
    resource: FhirReference


class FhirAction(FhirPart):
    """To go to one of these places."""

    title: str
    priority: Literal["routine", "urgent", "asap", "stat"]
    grouping_behavior: Literal["logical-group"]
    selection_behavior: Literal["at-most-one"]
    action: list[FhirPlaceAction]


class FhirRequestGroup(FhirPart):
    """What is advised."""

    resource_type: Literal["RequestGroup"]
    id: str
    status: Literal["active"]
    intent: Literal["proposal"]
    priority: Literal["routine", "urgent", "asap", "stat"]
    authored_on: str
    reason_code: list[FhirConcept]
    action: list[FhirAction]


class FhirCodeFilter(FhirPart):
    """Under which codes."""

    path: Literal["code"]
    code: list[FhirCoding]


class FhirDataRequirement(FhirPart):
    """What would answer an open question."""

    type: Literal["Observation"]
    profile: list[str]
    code_filter: list[FhirCodeFilter]


class FhirGuidanceResponse(FhirPart):
    """A recorded decision."""

    resource_type: Literal["GuidanceResponse"]
    id: str
    contained: list[FhirOperationOutcome | FhirParameters | FhirRequestGroup]
    identifier: list[FhirIdentifier]
    module_canonical: str
    status: Literal["success", "data-requested"]
    occurrence_date_time: str
    performer: FhirReference
    reason_code: list[FhirConcept]
    evaluation_message: list[FhirReference] | None = None
    output_parameters: FhirReference
    result: FhirReference
    data_requirement: list[FhirDataRequirement] | None = None


class FhirLink(FhirPart):
    """This page, or the next one."""

    relation: Literal["self", "next"]
    url: str


class FhirMatch(FhirPart):
    """Why a resource is in the answer."""

    mode: Literal["match"]


class FhirEntry(FhirPart):
    """One of what was found."""

    full_url: str
    resource: FhirOrganization | FhirLocation | FhirHealthcareService
    search: FhirMatch


class FhirBundle(FhirPart):
    """A page of what was found."""

    resource_type: Literal["Bundle"]
    type: Literal["searchset"]
    total: int
    link: list[FhirLink]
    entry: list[FhirEntry] | None = None


class FhirSoftware(FhirPart):
    """Which software this is."""

    name: str
    version: str


class FhirImplementation(FhirPart):
    """Where it is."""

    description: str
    url: str


class FhirInteraction(FhirPart):
    """What can be done with a type of resource."""

    code: Literal["read", "search-type"]


class FhirSearchParam(FhirPart):
    """What a search may ask."""

    name: str
    type: Literal["token", "string", "reference", "special"]


class FhirResourceOf(FhirPart):
    """A type of resource that is here."""

    type: str
    interaction: list[FhirInteraction]
    search_param: list[FhirSearchParam] | None = None


class FhirSecurity(FhirPart):
    """How to show who one is."""

    description: str


class FhirRest(FhirPart):
    """What is here."""

    mode: Literal["server"]
    documentation: str
    security: FhirSecurity
    resource: list[FhirResourceOf]


class FhirCapabilityStatement(FhirPart):
    """What this server can do with FHIR."""

    resource_type: Literal["CapabilityStatement"]
    status: Literal["active"]
    date: str
    kind: Literal["instance"]
    software: FhirSoftware
    implementation: FhirImplementation
    fhir_version: Literal["4.0.1"]
    format: list[str]
    rest: list[FhirRest]
