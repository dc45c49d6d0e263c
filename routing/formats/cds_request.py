"""A call of CDS Hooks 2.0 as it comes in: the envelope strictly, of FHIR R4 the elements that are read here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from routing.errors import BadInput, Fault, shown

SERVICE = "wegwijs-triage"
HOOK = "encounter-start"
EXTENSION = "nl.wegwijs"
"""The name under `extension` of what FHIR has no place for."""

EXTRA = (
    "reference", "channel", "called_at", "first_contact_at", "assessed_at", "patient", "location", "complaint",
    "transport", "on_the_way", "known_at", "region", "supersedes",
)  # fmt: skip
"""Members of a case that may come in the extension: all but observations, which are Observations."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Uuid = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
]
Model = TypeVar("Model", bound=BaseModel)


class Fhir(BaseModel):
    """An element of FHIR: what is not read here may stand beside it, and is not kept."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, populate_by_name=True)


class Coding(Fhir):
    """A code of a system."""

    system: str | None = None
    code: str | None = None

    @property
    def name(self) -> str:
        """`system|code`."""
        return f"{self.system or ''}|{self.code or ''}"


class CodeableConcept(Fhir):
    """The same meaning in one or more codes; its text is not read, for it may name persons."""

    coding: list[Coding] = []

    @property
    def names(self) -> list[str]:
        """Every code as `system|code`."""
        return [coding.name for coding in self.coding]


class Quantity(Fhir):
    """A number with its unit."""

    value: float | None = None
    comparator: str | None = None
    system: str | None = None
    code: str | None = None


class Period(Fhir):
    """From when until when."""

    start: str | None = None
    end: str | None = None


class Reference(Fhir):
    """Another resource."""

    reference: str | None = None


class Address(Fhir):
    """Where somebody lives or something is."""

    use: str | None = None
    postal_code: str | None = Field(None, alias="postalCode")
    period: Period | None = None


class Patient(Fhir):
    """Of the patient only the age, the sex and the postcode are read."""

    resource_type: Literal["Patient"] = Field(alias="resourceType")
    id: Id | None = None
    gender: Literal["male", "female", "other", "unknown"] | None = None
    birth_date: str | None = Field(None, alias="birthDate")
    address: list[Address] = []


class Position(Fhir):
    """WGS84 degrees."""

    longitude: float
    latitude: float


class Location(Fhir):
    """Where the patient is."""

    resource_type: Literal["Location"] = Field(alias="resourceType")
    id: Id | None = None
    position: Position | None = None
    address: Address | None = None


class EncounterLocation(Fhir):
    """A place of the contact, and whether the patient is there now."""

    location: Reference
    status: str | None = None


class Encounter(Fhir):
    """Of the contact its reason and its place are read."""

    resource_type: Literal["Encounter"] = Field(alias="resourceType")
    id: Id | None = None
    subject: Reference | None = None
    reason_code: list[CodeableConcept] = Field([], alias="reasonCode")
    location: list[EncounterLocation] = []
    contained: list[dict[str, Any]] = []


class Value(Fhir):
    """What was observed: one of these, or why it was not."""

    code: CodeableConcept
    quantity: Quantity | None = Field(None, alias="valueQuantity")
    integer: int | None = Field(None, alias="valueInteger")
    boolean: bool | None = Field(None, alias="valueBoolean")
    concept: CodeableConcept | None = Field(None, alias="valueCodeableConcept")
    moment: str | None = Field(None, alias="valueDateTime")
    absent: CodeableConcept | None = Field(None, alias="dataAbsentReason")


class Observation(Value):
    """A measurement or a finding, with its parts."""

    resource_type: Literal["Observation"] = Field(alias="resourceType")
    status: str
    subject: Reference | None = None
    effective: str | None = Field(None, alias="effectiveDateTime")
    instant: str | None = Field(None, alias="effectiveInstant")
    period: Period | None = Field(None, alias="effectivePeriod")
    component: list[Value] = []


class Condition(Fhir):
    """A problem or a complaint that was recorded."""

    resource_type: Literal["Condition"] = Field(alias="resourceType")
    code: CodeableConcept | None = None
    clinical: CodeableConcept | None = Field(None, alias="clinicalStatus")
    verification: CodeableConcept | None = Field(None, alias="verificationStatus")
    subject: Reference | None = None
    encounter: Reference | None = None
    recorded: str | None = Field(None, alias="recordedDate")


class BundleLink(Fhir):
    """Where more is."""

    relation: str


class BundleEntry(Fhir):
    """One of what was found."""

    resource: dict[str, Any]


class Bundle(Fhir):
    """What was found by a search."""

    resource_type: Literal["Bundle"] = Field(alias="resourceType")
    link: list[BundleLink] = []
    entry: list[BundleEntry] = []


class Prefetch(BaseModel):
    """What the templates of the service ask for; null is nothing there."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    patient: Patient | None = None
    encounter: Encounter | None = None
    observations: Bundle | None = None
    findings: Bundle | None = None
    complaints: Bundle | None = None
    conditions: Bundle | None = None


class Context(Fhir):
    """Who opened a contact with which patient."""

    user_id: str | None = Field(None, alias="userId", max_length=200)
    patient_id: Id = Field(alias="patientId")
    encounter_id: Id | None = Field(None, alias="encounterId")


class CdsRequest(BaseModel):
    """The body of a call. `fhirServer` and `fhirAuthorization` may stand there: nothing is fetched with them, and they
    are not kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    hook: Literal["encounter-start"]
    hook_instance: Uuid = Field(alias="hookInstance")
    context: Context
    prefetch: Prefetch = Prefetch()
    extension: dict[str, Any] = {}
    fhir_server: Any = Field(None, alias="fhirServer")
    fhir_authorization: Any = Field(None, alias="fhirAuthorization")

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the client says of the case itself."""
        found = self.extension.get(EXTENSION, {})
        return found if isinstance(found, Mapping) else {}


_ALLOWED = {
    "hook": f"`{HOOK}`",
    "hookInstance": "a UUID, another one for every call",
    "context": "`patientId`, `encounterId` and `userId`",
    "prefetch": ", ".join(Prefetch.model_fields),
}


def read_request(body: Mapping[str, Any]) -> CdsRequest:
    """`body` as a call of the service. Raises BadInput that names everything that is wrong; of FHIR no text is
    repeated, for it may name the patient."""
    request = checked(CdsRequest, body, "")
    faults = [*_extension_faults(request), *_patient_faults(request)]
    if faults:
        raise BadInput(tuple(faults))
    return request


def checked(model: type[Model], value: Any, where: str) -> Model:
    """`value` as `model`. Raises BadInput with the path of everything that does not fit, below `where`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BadInput(tuple(_faults(error, where))) from None


def _faults(error: ValidationError, where: str) -> Iterator[Fault]:
    for problem in error.errors(include_url=False):
        path = ".".join(str(shown(str(part))) for part in (*([where] if where else ()), *problem["loc"]))
        seen, private = problem["input"], path.startswith(("prefetch.", "extension", "feedback."))
        value = None if private and isinstance(seen, str) else shown(seen)
        allowed = "as FHIR R4 says" if path.startswith("prefetch.") else _ALLOWED.get(path.split(".")[0])
        if problem["type"] == "missing":
            value = None
        yield Fault(path, problem["type"], problem["msg"], value, allowed)


def _extension_faults(request: CdsRequest) -> Iterator[Fault]:
    found = request.extension.get(EXTENSION)
    if found is not None and not isinstance(found, Mapping):
        yield Fault(f"extension.{EXTENSION}", "wrong_type", "is an object", shown(found), "members of a case")
    for name in request.extra:
        if name not in EXTRA:
            path = f"extension.{EXTENSION}.{shown(name)}"
            yield Fault(path, "unknown_field", "there is no such field here", None, ", ".join(EXTRA))


_TO_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/.*)?")


def of_other_patient(subject: Reference | None, patient_id: str) -> bool:
    """Whether a resource says to be about somebody else."""
    found = _TO_PATIENT.fullmatch(subject.reference) if subject is not None and subject.reference else None
    return found is not None and found[1] != patient_id


def other_patient(where: str) -> Fault:
    """The fault of a resource about somebody else than the patient of the call."""
    message = "is about another patient than `context.patientId`: nothing was decided"
    return Fault(where, "other_patient", message, None, "only resources of the patient of this call")


def _patient_faults(request: CdsRequest) -> Iterator[Fault]:
    patient, encounter, wanted = request.prefetch.patient, request.prefetch.encounter, request.context.patient_id
    if patient is not None and patient.id not in (None, wanted):
        yield other_patient("prefetch.patient.id")
    if encounter is not None and of_other_patient(encounter.subject, wanted):
        yield other_patient("prefetch.encounter.subject")


def instance_of(request: CdsRequest) -> str:
    """The call as a key under which it is carried out once."""
    return f"cds-hooks:{UUID(request.hook_instance)}"
