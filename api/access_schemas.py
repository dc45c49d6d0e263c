"""The names on the wire of what is told about accesses: to whoever keeps watch, and to patients."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from api.schemas import Words


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AccessSubject(_Answer):
    """Whose data: the pseudonym of the patient and the id of the decision, as far as they are known."""

    patient: str | None
    decision: str | None


class AccessUser(_Answer):
    """Who it was: the API key with its organisation and roles, and ids that only the client can resolve."""

    key: str | None
    organisation: str | None
    roles: list[str]
    user: str | None
    responsible: str | None


class AccessSource(_Answer):
    """From where, and by which call or command."""

    system: Literal["api", "command line", "server"]
    call: str | None
    request_id: str | None


class Access(_Answer):
    """One access to the data of patients, or to this log itself."""

    version: int
    id: str
    at: str
    event: str
    action: Literal["C", "R", "U", "D", "E"]
    outcome: Literal["ok", "refused", "failed"]
    purpose: Literal["care", "control", "patient_request", "records"]
    subjects: list[AccessSubject]
    found: int | None
    criteria: dict[str, str | None]
    user: AccessUser
    source: AccessSource


class AccessPage(_Answer):
    """Accesses, the newest first; `next` is the cursor of the following page."""

    accesses: list[Access]
    next: str | None


class PatientAccess(_Answer):
    """One access, as its patient may know it; `decisions` are only the patient's own."""

    at: str
    event: str
    outcome: Literal["ok", "refused", "failed"]
    what: Words
    why: Words
    organisation: str | None
    roles: list[str]
    user: str | None
    responsible: str | None
    decisions: list[str]


class PatientAccessPage(_Answer):
    """Who saw or changed the data of a patient, the newest first."""

    accesses: list[PatientAccess]
    next: str | None
