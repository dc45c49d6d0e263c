"""Says what went wrong as a FHIR R4 OperationOutcome, for calls of the FHIR face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routing.errors import Fault

FHIR = "application/fhir+json"
PROBLEM_SYSTEM = "urn:wegwijs:problem"
"""System of the names of problems: the same names as in `/problems/<name>`."""

ISSUES: Mapping[str, str] = {
    "unauthorized": "login",
    "forbidden": "forbidden",
    "not-found": "not-found",
    "method-not-allowed": "not-supported",
    "request-timeout": "timeout",
    "erased": "deleted",
    "invalid-input": "value",
    "bad-request": "structure",
    "body-too-large": "too-long",
    "unsupported-media-type": "not-supported",
    "too-many-requests": "throttled",
    "damaged-record": "exception",
    "internal-error": "exception",
    "other-software": "not-supported",
    "store-unavailable": "transient",
    "no-rules-decide": "transient",
    "issuer-unavailable": "transient",
}
"""Problem -> its code among the issue types of FHIR; `processing` for those that are not here."""


def in_fhir(path: str) -> bool:
    """Whether an address is one of the FHIR face, of which errors are an OperationOutcome."""
    return path == "/fhir" or path.startswith("/fhir/")


def operation_outcome(
    name: str, title: str, detail: str, faults: Iterable[Fault], request_id: str | None
) -> dict[str, Any]:
    """The problem `name`: one issue, and one more for each parameter that is wrong."""
    code = ISSUES.get(name, "processing")
    concept = {"coding": [{"system": PROBLEM_SYSTEM, "code": name, "display": title}], "text": detail}
    told = {"diagnostics": f"request {request_id}"} if request_id else {}
    issue = {"severity": "error", "code": code, "details": concept, **told}
    return {"resourceType": "OperationOutcome", "issue": [issue, *_issues(faults, code)]}


def _issues(faults: Iterable[Fault], code: str) -> Iterator[dict[str, Any]]:
    for fault in faults:
        allowed = f"; allowed: {fault.allowed}" if fault.allowed else ""
        expression = {"expression": [f"http.{fault.field}"]} if fault.field else {}
        yield {"severity": "error", "code": code, "diagnostics": f"{fault.message}{allowed}", **expression}
