"""The OpenAPI document of this server, made of the code that answers, and JSON Schemas for who writes its files."""

from __future__ import annotations

import importlib.resources
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from api.auth import ACTIONS, OPEN, world
from api.body import answer
from api.browser import COOKIE, SAFE
from api.case_schema import case_schema
from api.fhir_outcome import FHIR
from api.fhir_schemas import FhirOperationOutcome
from api.headers import (
    ANSWER_HEADERS,
    EVERY_REQUEST,
    OF_PROBLEMS,
    REQUEST_HEADERS,
    TEXT,
    UNDER_A_SESSION,
    WITH_A_KEY,
)
from api.json_schemas import MEDIA_TYPE, SCHEMAS_OF_FILES, schema_named, tidied
from api.operations import (
    ALWAYS,
    CASE,
    FEED,
    JSON,
    OPERATIONS,
    REPORTS,
    SCHEMAS,
    WITH_KEY,
    Operation,
    Success,
)
from api.problem_schemas import BrokenFeed, Problem
from api.problem_types import TYPES, problem_address
from api.sent import sent_operation
from routing.errors import NotFound
from routing.facilities.reporting import ReportBody
from routing.formats.feed import FORMATS
from routing.places import REPORTS_MOST
from routing.rights import RIGHTS, ROLES
from routing.vocabulary import Vocabulary, digest_of

OPENAPI = "3.1.0"
PROBLEM = "application/problem+json"

Json = dict[str, Any]

TAGS: Mapping[str, str] = {
    "decisions": "Decide about a case; read, search, replay and take along what was decided.",
    "erasure": "Erase what is known of a patient.",
    "log": "What proves that nothing was changed afterwards.",
    "accesses": "Who did what with data of patients.",
    "figures": "Counts of decisions.",
    "reports": "What gets overruled, and why.",
    "facilities": "Places of care, and what goes on there.",
    "events": "Changes at places, at the moment they come.",
    "feeds": "Status and profiles of many places at once.",
    "public": "What everybody may know.",
    "vocabulary": "Every word that a case may use.",
    "rulesets": "The rules that decide.",
    "openapi": "What this server is, for programs.",
    "session": "People sign in, at a browser.",
    "cds_hooks": "CDS Hooks 2.0: for an EPD that asks by itself.",
    "fhir": "The same decisions and places as FHIR R4.",
    "metrics": "What a machine may watch.",
    "health": "For the machinery around the server.",
    "problems": "A page about each kind of problem.",
    "pointer": "The front door.",
}
"""The group of a call -> what it is about; a group is the blueprint of the call."""

INTRODUCTION = """\
Triage and care routing: how urgent, which condition, which place of care, and why.

Every call under `/v1` but the open ones needs `Authorization: Bearer <key>`, or the session of a person who signed in,
with one of the roles that are listed. Times are RFC 3339 with an offset, durations are minutes, coordinates are WGS84
degrees. Bodies and parameters are read strictly: what is not known here is refused. `HEAD` works wherever `GET` does.

Errors are problems (RFC 9457), and under `/fhir` an OperationOutcome of the same name; `type` is one of:

{problems}

Schemas of answers are closed: they say exactly what this version answers. Later versions of `/v1` add members and
rename none, so a client that is to live longer ignores what it does not know.
"""


# -- the document -----------------------------------------------------------------------------------------------------


def document(app: Flask, words: Vocabulary) -> Json:
    """The whole document of the calls of `app`, with the `words` of its vocabulary."""
    paths: dict[str, Json] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if (operation := OPERATIONS.get(rule.endpoint)) is not None:
                said = inspect.getdoc(app.view_functions[rule.endpoint]) or ""
                paths.setdefault(_path(rule), {})[method.lower()] = _operation(rule, method, operation, said)
    listed = "\n".join(f"- [`{name}`]({problem_address(name)}): {kind.title.en}" for name, kind in TYPES.items())
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Wegwijs",
            "version": version("wegwijs"),
            "description": INTRODUCTION.format(problems=listed),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": what} for name, what in TAGS.items()],
        "paths": paths,
        "webhooks": {"pre-alert": {"post": sent_operation()}},
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A person who signed in."},
            },
            "parameters": {name: _header_parameter(name) for name in REQUEST_HEADERS},
            "headers": {
                name: {"description": what, "required": True, "schema": schema}
                for name, (what, schema) in ANSWER_HEADERS.items()
            },
            "responses": dict(_problem_responses()),
            "schemas": _schemas(words),
        },
    }


def _path(rule: Rule) -> str:
    return rule.rule.replace("<", "{").replace(">", "}")


def call_of(rule: Rule, method: str) -> str:
    """The call as the documents write it: `GET /v1/decisions/{decision_id}`."""
    return f"{method} {_path(rule)}"


def _operation(rule: Rule, method: str, operation: Operation, said: str) -> Json:
    call = call_of(rule, method)
    summary, _, more = said.partition("\n\n")
    made: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": " ".join(summary.split()).rstrip("."),
        "description": "\n\n".join(part for part in (more, _who(rule.endpoint)) if part),
        "parameters": list(_parameters(rule, method, operation)),
        "responses": _responses(call, rule.endpoint, operation),
        "security": _security(rule.endpoint),
    }
    if operation.body is not None:
        made["requestBody"] = _body(call, operation.body)
    return made


def roles_of(endpoint: str) -> list[str]:
    """The roles that may make this call, in the order of ROLES; none for a call without a key."""
    allowed = RIGHTS.get(ACTIONS.get(endpoint, ""), frozenset())
    return [role for role in ROLES if role in allowed]


def _who(endpoint: str) -> str:
    return "Needs no key." if endpoint in OPEN else f"For a key with one of the roles: {', '.join(roles_of(endpoint))}."


def _security(endpoint: str) -> list[Json]:
    if endpoint in OPEN:
        return []
    return [{scheme: [role]} for scheme in ("key", "session") for role in roles_of(endpoint)]


# -- what is asked ----------------------------------------------------------------------------------------------------


def _parameters(rule: Rule, method: str, operation: Operation) -> Iterator[Json]:
    for name in re.findall(r"<(\w+)>", rule.rule):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if operation.query is not None:
        yield from _query(operation.query)
    of_key = () if rule.endpoint in OPEN else (*WITH_A_KEY, *(() if method in SAFE else UNDER_A_SESSION))
    for header in dict.fromkeys((*operation.headers, *of_key, *EVERY_REQUEST)):
        yield {"$ref": f"#/components/parameters/{header}"}


def _query(model: type[BaseModel]) -> Iterator[Json]:
    schema = model.model_json_schema(by_alias=True)
    for name, member in schema["properties"].items():
        described = {key: value for key, value in member.items() if key not in ("title", "description")}
        kinds = [kind for kind in described.pop("anyOf", ()) if kind != {"type": "null"}]
        described |= kinds[0] if kinds else {}
        if described.get("default", "") in (None, []):
            del described["default"]
        yield {
            "name": name,
            "in": "query",
            "description": member["description"],
            "required": name in schema.get("required", ()),
            "schema": described,
        }


def _header_parameter(name: str) -> Json:
    what, schema = REQUEST_HEADERS[name]
    return {"name": name, "in": "header", "description": what, "required": False, "schema": schema}


def _body(call: str, body: type[BaseModel] | str) -> Json:
    if body == FEED:
        return {"required": True, "content": dict(_feeds())}
    if body == REPORTS:
        one = _ref(ReportBody)
        schema: Json = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": REPORTS_MOST}]}
    else:
        schema = {"$ref": f"#/components/schemas/{CASE}"} if isinstance(body, str) else _ref(body)
    return {"required": True, "content": {JSON: {"schema": schema, **_example("request", call)}}}


def _feeds() -> Iterator[tuple[str, Json]]:
    kinds = sorted({media_type for form in FORMATS.values() for media_type in form.media_types})
    for media_type in kinds:
        formats = [name for name, form in FORMATS.items() if media_type in form.media_types]
        what = f"The format {' or '.join(formats)}."
        yield (
            media_type,
            {"schema": {"description": what, **({} if media_type.endswith(("/json", "+json")) else TEXT)}},
        )


# -- what is answered -------------------------------------------------------------------------------------------------


def problems_of(endpoint: str, operation: Operation) -> dict[int, list[str]]:
    """Status -> the problems with which this call can end with it."""
    of_key = () if endpoint in OPEN else WITH_KEY
    found: dict[int, list[str]] = {}
    for name in TYPES:
        if name in (*ALWAYS, *of_key, *operation.problems):
            found.setdefault(TYPES[name].status, []).append(name)
    return found


def _responses(call: str, endpoint: str, operation: Operation) -> Json:
    made: Json = {str(success.status): _success(call, success) for success in operation.answers}
    for status, names in problems_of(endpoint, operation).items():
        if str(status) in made:  # not ready is said in the same words as ready
            made[str(status)]["content"] |= _problem_content(names, fhir=False)
            made[str(status)]["x-problem-types"] = [problem_address(name) for name in names]
        else:
            made[str(status)] = {"$ref": f"#/components/responses/{_group(endpoint, names)}"}
    return made


def _group(endpoint: str, names: list[str]) -> str:
    """The name of the response that ends with one of these problems."""
    return ".".join((*(["fhir"] if _in_fhir(endpoint) else []), *names))


def _in_fhir(endpoint: str) -> bool:
    return endpoint.startswith("fhir.")


def _success(call: str, success: Success) -> Json:
    made: Json = {"description": success.what, "headers": _headers(success.headers)}
    if success.media_type is not None:
        media: Json = {"schema": _schema_of(success)}
        if success.status < 300:
            media |= _example("answer", call)
        made["content"] = {success.media_type: media}
    return made


def _schema_of(success: Success) -> Json:
    if success.model is not None:
        return _ref(success.model)
    return {"type": "object"} if success.media_type in (JSON, MEDIA_TYPE) else TEXT


def _headers(names: tuple[str, ...]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _problem_responses() -> Iterator[tuple[str, Json]]:
    groups = {
        _group(endpoint, names): (names, _in_fhir(endpoint))
        for endpoint, operation in OPERATIONS.items()
        for names in problems_of(endpoint, operation).values()
    }
    for group, (names, fhir) in sorted(groups.items()):
        status = HTTPStatus(TYPES[names[0]].status)
        told = [
            f"[`{name}`]({problem_address(name)}): {TYPES[name].title.en}. {TYPES[name].advice.en}" for name in names
        ]
        headers = set.intersection(*(set(OF_PROBLEMS.get(name, ())) for name in names))
        yield (
            group,
            {
                "description": "\n\n".join(told) or status.phrase,
                "headers": _headers(tuple(sorted(headers))),
                "content": _problem_content(names, fhir=fhir),
                "x-problem-types": [problem_address(name) for name in names],
            },
        )


def _problem_content(names: list[str], *, fhir: bool) -> Json:
    if fhir:
        return {FHIR: {"schema": _ref(FhirOperationOutcome)}}
    schema = _ref(Problem)
    if "broken-feed" in names:
        schema = {"anyOf": [schema, _ref(BrokenFeed)]}
    return {PROBLEM: {"schema": schema}}


# -- schemas and examples ---------------------------------------------------------------------------------------------

NAMES: Mapping[str, str] = {"Said": "OutcomeBody"}
"""Model -> its name in the document, where the name in the code says too little outside."""


_REF = re.compile(r'"#/components/schemas/(\w+)"')


def _name(model: type[BaseModel]) -> str:
    return NAMES.get(model.__name__, model.__name__)


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{_name(model)}"}


def _schemas(words: Vocabulary) -> Json:
    used = {success.model for operation in OPERATIONS.values() for success in operation.answers if success.model}
    used |= {operation.body for operation in OPERATIONS.values() if isinstance(operation.body, type)}
    wanted = sorted({*used, *SCHEMAS}, key=lambda model: model.__name__)
    _, made = models_json_schema(
        [(model, "validation") for model in wanted], by_alias=True, ref_template="#/components/schemas/{model}"
    )
    found = _renamed(tidied(made["$defs"]))
    found["Problem"]["properties"]["type"] = {"enum": [problem_address(name) for name in TYPES]}
    found["BrokenFeed"]["properties"]["type"] = {"const": problem_address("broken-feed")}
    found[CASE] = case_schema(words, every_fact=False)
    return {name: found[name] for name in sorted(_reached(found, {_name(model) for model in wanted} | {CASE}))}


def _reached(schemas: Json, names: set[str]) -> set[str]:
    """`names` and all that these refer to."""
    todo, reached = set(names), set[str]()
    while todo:
        name = todo.pop()
        reached.add(name)
        todo |= set(_REF.findall(orjson.dumps(schemas[name]).decode())) - reached
    return reached


def _renamed(schemas: Json) -> Json:
    text = orjson.dumps(schemas).decode()
    for old, new in NAMES.items():
        text = text.replace(f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"')
    return {NAMES.get(name, name): schema for name, schema in orjson.loads(text).items()}


@cache
def examples() -> Json:
    """Kind (`request`, `answer`) -> call -> the example of the reference, which the tests run."""
    text = (importlib.resources.files("api") / "examples.json").read_bytes()
    found: Json = orjson.loads(text)
    return found


def _example(kind: str, call: str) -> Json:
    found = examples()[kind].get(call)
    return {"example": found} if found is not None else {}


# -- served -----------------------------------------------------------------------------------------------------------

openapi = Blueprint("openapi", __name__, url_prefix="/v1")

FRESH_SECONDS = 300


@openapi.get("/openapi.json")
def read() -> Response:
    """The OpenAPI document of this server: every call, what it takes, what it answers and how it can go wrong."""
    made = current_app.extensions.get("wegwijs.openapi")
    if made is None:
        made = document(current_app, world().words)
        current_app.extensions["wegwijs.openapi"] = made
    return _kept(answer(made), digest_of(made))


@openapi.get("/schemas")
def list_schemas() -> Response:
    """The JSON Schemas of a case, a decision and the files of rules."""
    return answer({"schemas": {name: f"/v1/schemas/{name}" for name in SCHEMAS_OF_FILES}})


@openapi.get("/schemas/<name>")
def schema(name: str) -> Response:
    """One JSON Schema, for an editor or a validator."""
    if name not in SCHEMAS_OF_FILES:
        raise NotFound("schema", name)
    made = schema_named(name, world().words)
    return _kept(Response(orjson.dumps(made), content_type=MEDIA_TYPE), digest_of(made))


def _kept(response: Response, digest: str) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    response.set_etag(digest)
    response.make_conditional(request)
    return response
