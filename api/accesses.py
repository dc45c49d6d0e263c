"""Shows who did what with the data of patients, also to those patients, and exports it; looking is noted as well."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.auth import asker, world
from api.body import answer, json_object
from api.queries import AccessFilters, AccessQuery, Cursor, checked, query
from routing import access_log

accesses = Blueprint("accesses", __name__, url_prefix="/v1/accesses")

Reference = Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)]
Limit = Annotated[int, Field(ge=1, le=200, strict=True)]

_REFERENCE = "the client's own number of the case, 1 to 200 characters"
_LIMIT = "a whole number from 1 to 200"


class AccessExport(AccessFilters):
    """What `POST /v1/accesses/export` may be asked."""

    reference: Reference | None = Field(None, description=_REFERENCE)


class AccessSearch(AccessExport):
    """What `POST /v1/accesses/search` may be asked."""

    cursor: Cursor | None = Field(None, description="`next` of the page before")
    limit: Limit = Field(50, description=_LIMIT)


class PatientSearch(BaseModel):
    """What `POST /v1/accesses/patient` must be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: Reference = Field(description=_REFERENCE)
    cursor: Cursor | None = Field(None, description="`next` of the page before")
    limit: Limit = Field(50, description=_LIMIT)


@accesses.get("")
def list_all() -> Response:
    """Accesses, the newest first, a page at a time."""
    return answer(access_log.accesses(world(), asker(), **query(AccessQuery).model_dump()))


@accesses.post("/search")
def search() -> Response:
    """The same, also by the number of a case: that is patient data, and addresses stand in many logs."""
    return answer(access_log.accesses(world(), asker(), **checked(AccessSearch, json_object()).model_dump()))


@accesses.post("/patient")
def patient() -> Response:
    """What the patient of a case may know: who looked, when, why and from which organisation."""
    return answer(access_log.patient_view(world(), asker(), **checked(PatientSearch, json_object()).model_dump()))


@accesses.post("/export")
def export() -> Response:
    """Accesses as FHIR R4 AuditEvent, one a line, the oldest first."""
    lines = access_log.export(world(), asker(), **checked(AccessExport, json_object()).model_dump())
    return Response(lines, content_type="application/fhir+ndjson")
