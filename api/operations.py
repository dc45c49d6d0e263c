"""What every call takes and answers, in one table: the OpenAPI document and the checks of the tests are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from api import problem_schemas as wrong
from api.access_schemas import AccessPage, PatientAccessPage
from api.accesses import AccessExport, AccessSearch, PatientSearch
from api.cds_schemas import CdsCards, CdsOutcomes, CdsServices
from api.erasure import ErasureBody
from api.feeds import FeedQuery
from api.fhir import LocationSearch, OrganizationSearch, ServiceSearch
from api.fhir_outcome import FHIR
from api.fhir_schemas import (
    FhirBundle,
    FhirCapabilityStatement,
    FhirGuidanceResponse,
    FhirHealthcareService,
    FhirLocation,
    FhirOperationOutcome,
    FhirOrganization,
)
from api.health_schemas import Live, Ready
from api.log_schemas import Consistency, Inclusion, LogKeys
from api.outcome_schemas import Outcome, OutcomeList, Overrules
from api.place_schemas import (
    FacilityBody,
    FacilityHistory,
    FacilityPage,
    FacilityProfile,
    FacilityRemoved,
    FacilityStatus,
    FacilityWritten,
    FeedReport,
    PublicCapacity,
    StatusTaken,
)
from api.proof_schemas import ProofAnswer
from api.queries import (
    AccessQuery,
    CapsuleQuery,
    ConsistencyQuery,
    DecisionQuery,
    EventQuery,
    FacilityQuery,
    FiguresQuery,
    OverrulesQuery,
    PageQuery,
)
from api.schemas import Decision, DecisionPage, Erasure, Figures, Replay
from api.session_schemas import ComingBackQuery, GoingQuery, NewPassword, SessionAnswer, SignIn
from api.shelf_schemas import Pointer, RulesetAnswer, RulesetPage, SchemaList, VocabularyAnswer
from api.webhook_schemas import PreAlertEvent, PreAlerts, PreAlertTest
from routing.facilities.reporting import ReportBody
from routing.formats.cds_feedback import CdsFeedback
from routing.formats.cds_request import CdsRequest
from routing.log.capsule_form import CapsuleForm
from routing.outcome_body import Said

JSON = "application/json"
EVENTS = "text/event-stream"

Model = type[BaseModel]

CASE = "Case"
"""A case is read word by word with the vocabulary, so its schema is made of that: see `api.case_schema`."""

REPORTS = "Reports"
"""One report or a list of them."""

FEED = "feed"
"""A feed, of which the media type is that of its format."""


@dataclass(frozen=True, slots=True)
class Success:
    """One answer of a call that went well: `model` is the body, None what has no model (or no body at all, if there is
    no `media_type`); `headers` are keys of `api.headers.ANSWER_HEADERS`."""

    status: int
    what: str
    model: Model | None = None
    media_type: str | None = JSON
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: its answers when it goes well, the problems of its own (names in `api.problem_types.TYPES`), the
    parameters in its address, its body (a model, or one of CASE, REPORTS, FEED), and the request headers of its own."""

    answers: tuple[Success, ...]
    problems: tuple[str, ...] = ()
    query: Model | None = None
    body: Model | str | None = None
    headers: tuple[str, ...] = ()


READS_BODY = ("malformed-json", "request-timeout", "body-too-large", "unsupported-media-type")
"""The problems of every call with a body of JSON."""

WITH_KEY = (
    "unauthorized",
    "forbidden",
    "invalid-input",
    "damaged-record",
    "too-many-requests",
    "issuer-unavailable",
    "cross-site-request",
)
"""The problems of every call that needs a key, the last one under a session: a parameter or a name in a header may
always be wrong, and whatever is read of the log or the directory may be damaged."""

ALWAYS = ("bad-request", "internal-error", "store-unavailable", "no-rules-decide")
"""The problems of every call."""

_STORED = ("not-found", "erased", "other-software")
_TAKES_NOTHING = ("request-timeout", "body-too-large")
_SIGN_IN = ("sign-in-refused", "cross-site-request", "too-many-attempts")
_BROWSER = ("Origin", "Sec-Fetch-Site")
_ONCE = ("in-flight", "idempotency-key-reused")
_PAGE = "A page of what was found."
_SEARCHED = ("other-software",)
_SAME = Success(304, "The client has this already.", media_type=None, headers=("ETag",))


def _ok(model: Model, what: str, *headers: str, status: int = 200) -> tuple[Success, ...]:
    return (Success(status, what, model, headers=headers),)


def _fhir(model: Model, what: str) -> tuple[Success, ...]:
    return (Success(200, what, model, FHIR),)


def _tagged(model: Model, what: str) -> tuple[Success, ...]:
    return (Success(200, what, model, headers=("ETag",)), _SAME)


OPERATIONS: Mapping[str, Operation] = {
    "pointer": Operation(
        (
            Success(200, "Every call of this server.", Pointer),
            Success(303, "To the pages for people, for who asks for HTML.", media_type=None, headers=("Location",)),
        )
    ),
    "health.live": Operation(_ok(Live, "The process runs.")),
    "health.ready": Operation(
        (
            Success(200, "Decisions can be made and recorded.", Ready),
            Success(503, "Not now; `fault` says why.", Ready),
        )
    ),
    "metrics.read": Operation((Success(200, "Figures in the format of Prometheus.", media_type="text/plain"),)),
    "problems.page": Operation(
        (Success(200, "A page in Dutch and English.", media_type="text/html"),), problems=("not-found",)
    ),
    "openapi.read": Operation((Success(200, "This document.", headers=("ETag",)), _SAME)),
    "openapi.list_schemas": Operation(_ok(SchemaList, "The schemas.")),
    "openapi.schema": Operation(
        (Success(200, "A JSON Schema.", media_type="application/schema+json", headers=("ETag",)), _SAME),
        problems=("not-found",),
    ),
    "decisions.create": Operation(
        _ok(Decision, "Decided and recorded.", "Location", status=201),
        problems=(*READS_BODY, *_ONCE, "other-software"),
        body=CASE,
        headers=("Idempotency-Key",),
    ),
    "decisions.preview": Operation(
        _ok(Decision, "Decided, not recorded: `id` is null."), problems=(*READS_BODY, "other-software"), body=CASE
    ),
    "decisions.search": Operation(
        _ok(DecisionPage, "Decisions, the newest first."), problems=("other-software",), query=DecisionQuery
    ),
    "decisions.read": Operation(_ok(Decision, "The decision as it was answered."), problems=_STORED),
    "decisions.record_outcome": Operation(
        _ok(Outcome, "What was recorded.", status=201),
        problems=(*READS_BODY, *_ONCE, *_STORED),
        body=Said,
        headers=("Idempotency-Key",),
    ),
    "decisions.read_outcome": Operation(_ok(OutcomeList, "All that was recorded."), problems=_STORED),
    "decisions.pre_alerts": Operation(
        _ok(PreAlerts, "What was told, and what was not."), problems=("not-found", "erased")
    ),
    "decisions.capsule": Operation(
        _ok(CapsuleForm, "A file to keep.", "Content-Disposition"), problems=_STORED, query=CapsuleQuery
    ),
    "decisions.replay": Operation(
        _ok(Replay, "Whether it is decided the same again."), problems=(*_STORED, *_TAKES_NOTHING)
    ),
    "erasure.erase": Operation(
        _ok(Erasure, "Erased, now or before."), problems=(*READS_BODY, "not-found"), body=ErasureBody
    ),
    "log.checkpoint": Operation((Success(200, "A signed note.", media_type="text/plain"),), problems=("not-found",)),
    "log.keys": Operation(_ok(LogKeys, "All keys, the first one first.")),
    "log.inclusion": Operation(_ok(Inclusion, "The entry and its proof."), problems=("not-found",)),
    "log.consistency": Operation(_ok(Consistency, "The proof."), query=ConsistencyQuery),
    "accesses.list_all": Operation(_ok(AccessPage, "Accesses, the newest first."), query=AccessQuery),
    "accesses.search": Operation(
        _ok(AccessPage, "Accesses, the newest first."), problems=READS_BODY, body=AccessSearch
    ),
    "accesses.patient": Operation(
        _ok(PatientAccessPage, "Accesses in words, the newest first."), problems=READS_BODY, body=PatientSearch
    ),
    "accesses.export": Operation(
        (Success(200, "FHIR R4 AuditEvent, one a line, the oldest first.", media_type="application/fhir+ndjson"),),
        problems=READS_BODY,
        body=AccessExport,
    ),
    "facilities.list_all": Operation(
        _ok(FacilityPage, "Places with what goes on there."),
        problems=("not-found", "other-software"),
        query=FacilityQuery,
    ),
    "facilities.read": Operation(
        _tagged(FacilityProfile, "The profile."), problems=("not-found",), headers=("If-None-Match",)
    ),
    "facilities.write": Operation(
        (
            Success(200, "Changed, or the same as before.", FacilityWritten, headers=("Content-Location",)),
            Success(201, "A new place.", FacilityWritten, headers=("Location",)),
        ),
        problems=(*READS_BODY, "not-found", "precondition-failed", "precondition-required"),
        body=FacilityBody,
        headers=("If-Match", "If-None-Match"),
    ),
    "facilities.remove": Operation(
        _ok(FacilityRemoved, "Taken out of the directory."),
        problems=(*_TAKES_NOTHING, "not-found", "precondition-failed", "precondition-required"),
        headers=("If-Match",),
    ),
    "facilities.report": Operation(
        _ok(StatusTaken, "What became of each report.", status=202), problems=(*READS_BODY, "not-found"), body=REPORTS
    ),
    "facilities.status": Operation(_ok(FacilityStatus, "What goes on there now."), problems=("not-found",)),
    "facilities.history": Operation(
        _ok(FacilityHistory, "What changed, the newest first."), problems=("not-found",), query=PageQuery
    ),
    "events.stream": Operation(
        (Success(200, "Events; `data` is a change as in the history of a place.", media_type=EVENTS),),
        problems=("too-many-streams",),
        query=EventQuery,
        headers=("Last-Event-ID",),
    ),
    "public.capacity": Operation(
        (
            Success(200, "How busy places are.", PublicCapacity, headers=("ETag", "Access-Control-Allow-Origin")),
            _SAME,
        ),
        problems=("not-found", "invalid-input"),
        headers=("If-None-Match",),
    ),
    "feeds.take_in": Operation(
        _ok(FeedReport, "The feed was read to its end; records may have been refused."),
        problems=("not-found", "broken-feed", "request-timeout", "body-too-large", "unsupported-media-type"),
        query=FeedQuery,
        body=FEED,
    ),
    "figures.read": Operation(_ok(Figures, "Counts."), query=FiguresQuery),
    "reports.overrules": Operation(_ok(Overrules, "Counts."), query=OverrulesQuery),
    "session.sign_in": Operation(
        _ok(SessionAnswer, "Signed in: `Set-Cookie` is the session.", "Set-Cookie", status=201),
        problems=(*READS_BODY, *_SIGN_IN, "invalid-input"),
        body=SignIn,
        headers=_BROWSER,
    ),
    "session.set_password": Operation(
        _ok(SessionAnswer, "The password was changed, and this is the only session now.", "Set-Cookie", status=201),
        problems=(*READS_BODY, *_SIGN_IN, "invalid-input"),
        body=NewPassword,
        headers=_BROWSER,
    ),
    "session.read": Operation(_ok(SessionAnswer, "Who is signed in, and for how long."), problems=("not-found",)),
    "session.end": Operation(
        (Success(204, "Signed out.", media_type=None, headers=("Set-Cookie",)),),
        problems=(*_TAKES_NOTHING, "not-found"),
    ),
    "session.go_to_issuer": Operation(
        (Success(303, "Go to the issuer and sign in there.", media_type=None, headers=("Location",)),),
        problems=("not-found", "invalid-input", "sign-in-refused", "issuer-unavailable"),
        query=GoingQuery,
    ),
    "session.come_back": Operation(
        (Success(303, "Signed in; go on there.", media_type=None, headers=("Location",)),),
        problems=("not-found", "sign-in-refused", "too-many-attempts", "issuer-unavailable"),
        query=ComingBackQuery,
    ),
    "vocabulary.read": Operation(_tagged(VocabularyAnswer, "All words."), headers=("If-None-Match",)),
    "rulesets.list_all": Operation(_ok(RulesetPage, "The rulesets here.")),
    "rulesets.read": Operation(
        _tagged(RulesetAnswer, "The ruleset with its content."), problems=("not-found",), headers=("If-None-Match",)
    ),
    "rulesets.proof": Operation(_ok(ProofAnswer, "The proof, and whether it is stale."), problems=("not-found",)),
    "cds_hooks.discover": Operation(_ok(CdsServices, "The services.", "Access-Control-Allow-Origin")),
    "cds_hooks.call": Operation(
        _ok(CdsCards, "Decided and recorded; or what is needed for that."),
        problems=(*READS_BODY, *_ONCE, *_STORED, "prefetch-missing"),
        body=CdsRequest,
        headers=("Origin",),
    ),
    "cds_hooks.feedback": Operation(
        _ok(CdsOutcomes, "What was recorded."),
        problems=(*READS_BODY, *_ONCE, *_STORED),
        body=CdsFeedback,
        headers=("Origin",),
    ),
    "fhir.metadata": Operation(_fhir(FhirCapabilityStatement, "What this server can do."), problems=("invalid-input",)),
    "fhir.guidance": Operation(_fhir(FhirGuidanceResponse, "The decision."), problems=_STORED),
    "fhir.search_organizations": Operation(_fhir(FhirBundle, _PAGE), _SEARCHED, query=OrganizationSearch),
    "fhir.read_organization": Operation(_fhir(FhirOrganization, "The place."), problems=("not-found",)),
    "fhir.search_locations": Operation(_fhir(FhirBundle, _PAGE), _SEARCHED, query=LocationSearch),
    "fhir.read_location": Operation(_fhir(FhirLocation, "The place."), problems=("not-found",)),
    "fhir.search_services": Operation(_fhir(FhirBundle, _PAGE), _SEARCHED, query=ServiceSearch),
    "fhir.read_service": Operation(_fhir(FhirHealthcareService, "The unit."), problems=("not-found",)),
}
"""Endpoint -> what it takes and answers. An endpoint that is not here is in no document, and a test says so."""

SENT = (PreAlertEvent, PreAlertTest)
"""What this server sends by itself, to the systems of places that are subscribed."""

SCHEMAS: tuple[Model, ...] = (wrong.Problem, wrong.BrokenFeed, ReportBody, FhirOperationOutcome, *SENT)
"""Models that stand in the document beside those of the table."""

WITH_QUERY = frozenset(endpoint for endpoint, operation in OPERATIONS.items() if operation.query is not None)
"""Endpoints that take parameters in the address."""
