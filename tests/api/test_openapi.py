"""The OpenAPI document is valid, complete and true, and says of every call who may make it and how it can go wrong."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api import create_app
from api.auth import ACTIONS, OPEN
from api.openapi import TAGS, call_of
from api.operations import OPERATIONS
from api.place_schemas import FacilityBody
from api.problem_types import TYPES
from routing.case import KEYS
from routing.facilities.record import FacilityRecord
from routing.places import ENVELOPE
from routing.rights import RIGHTS
from routing.service import World
from tests.api.conftest import STEMI, Send
from tests.api.documented import undocumented, validator, whole_document

DOCUMENT = whole_document()
OF_CALLS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def test_it_is_a_valid_document() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []
    broken = copy.deepcopy(DOCUMENT)
    broken["paths"]["/v1/decisions"]["post"]["responses"]["201"].pop("description")
    assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_every_call_is_in_it(app: Flask) -> None:
    missing = sorted({rule.endpoint for rule in app.url_map.iter_rules()} - set(OPERATIONS))
    assert missing == [], f"add {missing} to OPERATIONS in api/operations.py, with what each takes and answers"
    assert set(OPERATIONS) - {rule.endpoint for rule in app.url_map.iter_rules()} == set(), "no such endpoint any more"
    calls = {
        call_of(rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {f"{method.upper()} {path}" for path, method in OF_CALLS} == calls
    assert {rule.endpoint.partition(".")[0] for rule in app.url_map.iter_rules()} == set(TAGS)


def test_every_problem_that_is_documented_has_a_page(client: FlaskClient) -> None:
    named = {
        name for _, response in DOCUMENT["components"]["responses"].items() for name in response["x-problem-types"]
    }
    of_no_call = {"/problems/method-not-allowed"}  # a call that is documented allows its method
    assert named | of_no_call == {f"/problems/{name}" for name in TYPES}
    for name in named:
        assert client.get(name).status_code == 200
        assert name in DOCUMENT["info"]["description"]


def test_it_says_of_every_call_which_roles_may(app: Flask) -> None:
    for endpoint, operation in endpoints(app).items():
        for scheme in ("key", "session"):
            roles = {role for entry in operation["security"] for role in entry.get(scheme, ())}
            assert roles == (set() if endpoint in OPEN else set(RIGHTS[ACTIONS[endpoint]])), (endpoint, scheme)
        assert {"401", "403"} <= set(operation["responses"]) or endpoint in OPEN, endpoint


def endpoints(app: Flask) -> dict[str, Any]:
    """Endpoint -> its operation."""
    return {
        rule.endpoint: DOCUMENT["paths"][call_of(rule, "").strip()][method.lower()]
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_name_of_a_call_is_its_own_and_every_call_says_what_it_does() -> None:
    operations = [DOCUMENT["paths"][path][method] for path, method in OF_CALLS]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] and operation["description"] for operation in operations)


def test_the_headers_that_are_read_are_documented() -> None:
    read = set()
    for path in (Path(__file__).parents[2] / "api").glob("*.py"):
        text = path.read_text("utf-8")
        read |= set(re.findall(r'request\.headers\.get\("([\w-]+)"|_(?:named|tags)\("([\w-]+)"\)', text))
    named = {name for pair in read for name in pair if name}
    assert named - set(DOCUMENT["components"]["parameters"]) == {
        "Authorization",
        "Content-Encoding",
        "X-Forwarded-For",
    }, "add the header to REQUEST_HEADERS in api/headers.py, and to the calls that read it"


def test_the_examples_fit_their_schemas() -> None:
    found = 0
    for path, method in OF_CALLS:
        operation, here = DOCUMENT["paths"][path][method], f"#/paths/{path.replace('/', '~1')}/{method}"
        bodies = [(f"{here}/requestBody", operation.get("requestBody", {}))]
        bodies += [(f"{here}/responses/{status}", response) for status, response in operation["responses"].items()]
        for pointer, body in bodies:
            for media_type, media in body.get("content", {}).items():
                if "example" in media:
                    found += 1
                    whole = f"{pointer}/content/{media_type.replace('/', '~1')}/schema"
                    assert [error.message for error in validator(whole).iter_errors(media["example"])] == [], pointer
    assert found > 20


def test_what_a_case_and_a_profile_may_hold_is_what_is_read() -> None:
    assert list(DOCUMENT["components"]["schemas"]["Case"]["properties"]) == [*KEYS, "supersedes"]
    assert set(FacilityBody.model_fields) == {*FacilityRecord.model_fields, *ENVELOPE, "resolved", "tag"}


def test_a_missing_and_a_strange_member_of_a_decision_are_noticed(send: Send) -> None:
    made = send("POST", "/v1/decisions/preview", json=STEMI).get_json()
    check = validator("#/components/schemas/Decision")
    assert check.is_valid(made)
    for path in ([], ["urgency"], ["recommendation"], ["recommendation", "facility"], ["needs", 0], ["ruled_out", 0]):
        for change in ("missing", "strange"):
            wrong = copy.deepcopy(made)
            inner = wrong
            for part in path:
                inner = inner[part]
            inner.pop(next(iter(inner))) if change == "missing" else inner.update(strange=1)
            assert not check.is_valid(wrong), (path, change)


def test_an_answer_that_is_not_documented_is_noticed(world: World) -> None:
    app = create_app(world=world)
    app.view_functions["health.live"] = lambda: ({"status": "live", "strange": 1}, 200, {})
    app.view_functions["vocabulary.read"] = lambda: ("teapot", 418, {})
    app.view_functions["openapi.list_schemas"] = lambda: ("x", 200, {"Content-Type": "text/plain"})
    app.add_url_rule("/forgotten", endpoint="health.forgotten", view_func=lambda: "x")
    app.before_request_funcs[None] = app.before_request_funcs[None][:1]  # without keys
    client = Flask.test_client_class.__base__(app, app.response_class)
    for path, word in (
        ("/health/live", "strange"),
        ("/v1/vocabulary", "418"),
        ("/v1/schemas", "text/plain"),
        ("/forgotten", "OPERATIONS"),
    ):
        assert word in " ".join(undocumented(app, client.get(path))), path


def test_it_is_served_to_everybody_and_sent_once(client: FlaskClient) -> None:
    response = client.get("/v1/openapi.json")
    assert response.get_json() == DOCUMENT
    again = client.get("/v1/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_the_command_line_prints_the_same_without_a_server(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("wegwijs")), "openapi"]
    result = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == DOCUMENT


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_one_and_is_described(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema_rs.meta.validate(schema)
    assert schema.get("description"), f"say in a docstring what `{name}` is"
