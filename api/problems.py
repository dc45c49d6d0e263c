"""Says what went wrong, in one shape for every error, with what the reader can do about it (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol

import orjson
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import ClientDisconnected, HTTPException

from api.fhir_outcome import FHIR, in_fhir, operation_outcome
from api.problem_types import TYPES, problem_address
from routing import log_lines
from routing.cds_hooks import PrefetchMissing
from routing.errors import (
    BadInput,
    BadRecord,
    Changed,
    Erased,
    Fault,
    InFlight,
    KeyReused,
    NotAllowed,
    NotFound,
    NotPublished,
    OtherSoftware,
    SignInRefused,
    StoreUnavailable,
    TooManyAttempts,
)
from routing.feeding.report import fault_record
from routing.published_here import TRIED_EVERY
from routing.signing_keys import ASKED_EVERY, IssuerUnavailable

MAX_ERRORS = 50
"""A problem lists at most this many faults; more do not help the reader."""

RETRY_AFTER_SECONDS = 5
"""How long a client should wait before it asks a store again that did not answer."""

log = logging.getLogger("wegwijs.problems")


_BY_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}


SHOWN = "wegwijs.problem"
"""Where an application keeps how its problems are shown."""


class Shown(Protocol):
    """Makes the answer about a problem: its name, its detail, what is wrong, headers, and a status of its own."""

    def __call__(
        self,
        name: str,
        detail: str,
        faults: tuple[Fault, ...],
        headers: Mapping[str, str] | None,
        status: int | None,
        /,
    ) -> Response: ...


class Refused(Exception):
    """The request is refused for a reason that only HTTP knows (its key, its media type, its JSON)."""

    def __init__(
        self, name: str, detail: str, faults: tuple[Fault, ...] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail
        self.faults = faults
        self.headers = headers


def problem(
    name: str,
    detail: str,
    faults: tuple[Fault, ...] = (),
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """The problem `name` as `application/problem+json`, in the language that the client prefers; `more` are members of
    its own."""
    kind = TYPES[name]
    if (shown := current_app.extensions.get(SHOWN)) is not None:
        page: Response = shown(name, detail, faults[:MAX_ERRORS], headers, status)
        return page
    language = request.accept_languages.best_match(("en", "nl"), default="en")
    if in_fhir(request.path):
        outcome = operation_outcome(name, kind.title.wire()[language], detail, faults[:MAX_ERRORS], g.get("request_id"))
        return _response(outcome, status or kind.status, FHIR, headers)
    body: dict[str, Any] = {
        "type": problem_address(name),
        "title": kind.title.wire()[language],
        "status": status or kind.status,
        "detail": detail,
        "instance": g.get("request_id", ""),
        "advice": kind.advice.wire(),
    }
    if faults:
        body["errors"] = [fault_record(fault) for fault in faults[:MAX_ERRORS]]
    body.update(more or {})
    return _response(body, status or kind.status, "application/problem+json", headers)


def _response(body: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str] | None) -> Response:
    response = Response(orjson.dumps(body), status, content_type=media_type)
    response.headers.update(headers or {})
    response.headers["Vary"] = "Accept-Language"
    return response


def register(app: Flask, shown: Shown | None = None) -> None:
    """Let every error in `app` end as a problem: as JSON, or as it is `shown` where people read it."""
    if shown is not None:
        app.extensions[SHOWN] = shown
    app.register_error_handler(Refused, lambda e: problem(e.name, e.detail, e.faults, e.headers))
    app.register_error_handler(BadInput, _bad_input)
    app.register_error_handler(SignInRefused, lambda e: problem("sign-in-refused", str(e)))
    app.register_error_handler(TooManyAttempts, _too_many_attempts)
    app.register_error_handler(PrefetchMissing, _prefetch_missing)
    app.register_error_handler(NotAllowed, lambda e: problem("forbidden", _sentence(str(e))))
    app.register_error_handler(Changed, _changed)
    app.register_error_handler(InFlight, _in_flight)
    app.register_error_handler(KeyReused, lambda _: problem("idempotency-key-reused", _REUSED))
    app.register_error_handler(NotFound, lambda e: problem("not-found", f"There is no {e.what} `{e.name[:100]}`."))
    app.register_error_handler(Erased, lambda e: problem("erased", f"The {e.what} `{e.name[:100]}` was erased."))
    app.register_error_handler(StoreUnavailable, _store_unavailable)
    app.register_error_handler(IssuerUnavailable, _issuer_unavailable)
    app.register_error_handler(BadRecord, _damaged)
    app.register_error_handler(OtherSoftware, _other_software)
    app.register_error_handler(NotPublished, _not_published)
    app.register_error_handler(ClientDisconnected, lambda _: problem("request-timeout", _CUT_OFF))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _bad_input(error: BadInput) -> Response:
    count = len(error.faults)
    fields = "1 field" if count == 1 else f"{count} fields"
    return problem("invalid-input", f"{fields} cannot be accepted; nothing was decided or stored.", error.faults)


def _prefetch_missing(error: PrefetchMissing) -> Response:
    fault = Fault(
        f"prefetch.{error.key}", "missing", "is needed, and nothing is fetched from here", None, "the resource"
    )
    return problem("prefetch-missing", "Something that is needed to decide is not in `prefetch`.", (fault,))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _changed(error: Changed) -> Response:
    if error.tag is None:
        return problem("precondition-failed", f"There is no `{error.name}`; a new place needs `If-None-Match: *`.")
    detail = f"`{error.name}` is not what you read; `ETag` is that of what it is now."
    return problem("precondition-failed", detail, headers={"ETag": f'"{error.tag}"'})


_CUT_OFF = "The body stopped coming before its end; nothing was decided or stored."
_REUSED = "Under this `Idempotency-Key` something else was asked before; nothing was done with this request."


def _in_flight(_: InFlight) -> Response:
    detail = "A request with this `Idempotency-Key` is being carried out; nothing was done with this one."
    return problem("in-flight", detail, headers={"Retry-After": "1"})


def _too_many_attempts(error: TooManyAttempts) -> Response:
    detail = "This try was not looked at, whether it was right or not."
    return problem("too-many-attempts", detail, headers={"Retry-After": str(error.seconds)})


def _store_unavailable(error: StoreUnavailable) -> Response:
    _log_failure("store unavailable", error)
    detail = "The answer could not be recorded, so there is none."
    return problem("store-unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _issuer_unavailable(error: IssuerUnavailable) -> Response:
    _log_failure("issuer unavailable", error)
    detail = "The issuer of the token does not answer, so nobody is let in with it."
    wait = str(int(ASKED_EVERY.total_seconds()))
    return problem("issuer-unavailable", detail, headers={"Retry-After": wait})


def _damaged(error: BadRecord) -> Response:
    _log_failure("damaged record", error)
    return problem("damaged-record", "A recorded decision cannot be read back as it was written.")


def _other_software(error: OtherSoftware) -> Response:
    _log_failure("stored by another version", error)
    return problem("other-software", "The rules or places stored with it have a form that this version does not read.")


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    name = _BY_STATUS.get(status) or ("bad-request" if status < 500 else "internal-error")
    headers = {key: value for key, value in error.get_headers() if key in {"Allow", "Retry-After"}}
    return problem(name, _HTTP_DETAIL.get(name, HTTPStatus(status).phrase), headers=headers, status=status)


_HTTP_DETAIL = {
    "not-found": "There is nothing at this address.",
    "method-not-allowed": "This address does not know this method.",
    "body-too-large": "The body is larger than this server reads; nothing was decided or stored.",
}


def _not_published(error: NotPublished) -> Response:
    _log_failure("no published rules may decide", error)
    detail = "No rules that are published may decide now, so nothing was decided or recorded."
    wait = str(int(TRIED_EVERY.total_seconds()))
    return problem("no-rules-decide", detail, headers={"Retry-After": wait})


def _unexpected(error: Exception) -> Response:
    _log_failure("unexpected error", error)
    return problem("internal-error", "The request failed unexpectedly; nothing is answered.")


def _log_failure(what: str, error: Exception) -> None:
    # the words of an exception may quote the patient: only its kind and its place in the code are written down
    log_lines.write(
        log,
        logging.ERROR,
        what,
        request_id=g.get("request_id"),
        trace_id=g.trace.trace_id if "trace" in g else None,
        route=request.url_rule.rule if request.url_rule else None,
        error=type(error).__name__,
        at_code=log_lines.frames_of(error.__traceback__),
    )
