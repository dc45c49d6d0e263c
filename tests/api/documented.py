"""A test client that holds every answer against the OpenAPI document: what is answered is what is documented."""

from __future__ import annotations

import gzip
from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from api.desk import PREFIX
from api.fhir_outcome import FHIR
from api.openapi import PROBLEM, call_of
from api.printed import printed_document
from routing.vocabulary import read_vocabulary

STREAMED = ("text/event-stream", "application/fhir+ndjson")
"""Media types of answers that come bit by bit: whoever reads one here would take it from the test."""


@cache
def whole_document() -> Any:
    """The document of all calls; no world is needed for it."""
    return printed_document(read_vocabulary())


def _at(pointer: str) -> Any:
    found = whole_document()
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


@cache
def validator(pointer: str) -> jsonschema_rs.Draft202012Validator:
    """What holds a value against the schema at `pointer` in the document."""
    # an address with a parameter in it, as `{decision_id}`, could not stand in a reference
    return jsonschema_rs.Draft202012Validator({**_at(pointer), "components": whole_document()["components"]})


class DocumentedClient(FlaskClient):
    """Fails the test in which an answer comes that the document does not know."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        if "wegwijs" in self.application.extensions:  # the bare server of a measurement has no document
            assert undocumented(self.application, response) == []
        return response


def undocumented(app: Flask, response: TestResponse) -> list[str]:
    """What is wrong with `response` by the document."""
    request = response.request
    if request.path.startswith(PREFIX):
        return []  # the pages for people are no part of the API
    call = f"{request.method} {request.path} {response.status_code}"
    try:
        rule, _ = app.url_map.bind_to_environ(request.environ).match(return_rule=True)
    except HTTPException:  # no such address, or not this method
        return [f"{call}: {fault}" for fault in _problem_faults(response)]
    if request.method == "OPTIONS":
        return [] if "Allow" in response.headers else [f"{call}: no `Allow`"]
    path, _, _ = call_of(rule, "").strip().partition(" ")
    method = "get" if request.method == "HEAD" else request.method.lower()
    if method not in whole_document()["paths"].get(path, {}):
        if response.mimetype in (PROBLEM, FHIR):
            return [f"{call}: {fault}" for fault in _problem_faults(response)]
        return [f"{call}: is in no document; add `{rule.endpoint}` to OPERATIONS in api/operations.py"]
    return [f"{call}: {fault}" for fault in _faults(f"#/paths/{path.replace('/', '~1')}/{method}", response)]


def _problem_faults(response: TestResponse) -> list[str]:
    if response.request.method == "HEAD":
        return []
    fhir = response.request.path.startswith("/fhir")
    if response.mimetype != (FHIR if fhir else PROBLEM):
        return [f"`{response.mimetype}` instead of a problem"]
    return _wrong(f"#/components/schemas/{'FhirOperationOutcome' if fhir else 'Problem'}", response)


def _faults(operation: str, response: TestResponse) -> list[str]:
    pointer = f"{operation}/responses/{response.status_code}"
    responses = _at(f"{operation}/responses")
    if str(response.status_code) not in responses:
        known = ", ".join(responses)
        return [f"the status is not documented ({known}); add it or the problem in api/operations.py"]
    described = responses[str(response.status_code)]
    if "$ref" in described:
        pointer = described["$ref"]
        described = _at(pointer)
    faults = [f"the header `{name}` is missing" for name in described["headers"] if name not in response.headers]
    content = described.get("content")
    if content is None or response.request.method == "HEAD":
        return faults + (["there is a body"] if response.get_data() else [])
    if response.mimetype not in content:
        return [*faults, f"`{response.mimetype}` is not documented ({', '.join(content)})"]
    if not response.mimetype.endswith("json") or response.mimetype in STREAMED:
        return faults
    kind = _kind_of(response)
    if kind is not None and kind not in described["x-problem-types"]:
        faults.append(f"the problem `{kind}` is not documented; add it in api/operations.py")
    return faults + _wrong(f"{pointer}/content/{response.mimetype.replace('/', '~1')}/schema", response)


def _kind_of(response: TestResponse) -> str | None:
    """The problem that `response` is; None if it is none."""
    body = _read(response)
    if response.mimetype == PROBLEM:
        found: str = body.get("type")
        return found
    if response.mimetype == FHIR and body.get("resourceType") == "OperationOutcome":
        return f"/problems/{body['issue'][0]['details']['coding'][0]['code']}"
    return None


def _wrong(pointer: str, response: TestResponse) -> list[str]:
    errors = validator(pointer).iter_errors(_read(response))
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors]


def _read(response: TestResponse) -> Any:
    body = response.get_data()
    return orjson.loads(gzip.decompress(body) if response.content_encoding == "gzip" else body)
