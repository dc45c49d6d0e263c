"""The examples in the documents are true: what is asked there is asked here, and the answers say what is written.

After a change of the rules, `python -m tests.api.write_examples` writes the answers anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel

from api.access_schemas import AccessPage, PatientAccessPage
from api.events import Streams
from api.log_schemas import Consistency, Inclusion, LogKeys
from api.outcome_schemas import Outcome, OutcomeList, Overrules
from api.place_schemas import FacilityPage
from api.proof_schemas import ProofAnswer
from api.schemas import Decision, DecisionPage, Erasure, Figures, Replay
from api.shelf_schemas import RulesetPage
from routing.service import World
from tests.api.conftest import Send

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
API = (ROOT / "docs/reference/api.md").read_text("utf-8")
PROBLEMS = (ROOT / "docs/reference/problems.md").read_text("utf-8")

EVERY_TIME = {
    "at",
    "since",
    "id",
    "patient",
    "request_id",
    "decision",
    "decided_at",
    "recorded_at",
    "erased_at",
    "key",
    "digest",
    "software",
    "vocabulary",
    "arrival_at",
    "ruleset",
    "next",
    "entry",
    "checkpoint",
    "vkey",
    "added_at",
    "from_root",
    "to_root",
}
"""Members that are other ones every time, or with every version."""

_CLOCK = re.compile(r"\b[0-2][0-9]:[0-5][0-9]\b")


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def asked_in_readme() -> dict[str, Any]:
    (curl,) = [block for block in blocks(README, "sh") if block.startswith("curl")]
    found = re.search(r"-d '(\{.*\})'", curl, re.DOTALL)
    assert found
    body: dict[str, Any] = json.loads(found[1])
    return body


def example(kind: str, call: str) -> Any:
    """The JSON after `<!-- kind call -->` in the API reference."""
    found = re.search(rf"<!-- {kind} {re.escape(call)} -->\n```json\n(.*?)^```", API, re.MULTILINE | re.DOTALL)
    assert found, call
    return json.loads(found[1])


PLACES = (
    ("PUT /v1/facilities/{facility_id}", "/v1/facilities/spoedpost-voorbeeld", {"If-None-Match": "*"}),
    ("DELETE /v1/facilities/{facility_id}", "/v1/facilities/spoedpost-voorbeeld", {"If-Match": "*"}),
    ("POST /v1/facilities/{facility_id}/status", "/v1/facilities/umc-utrecht/status", {}),
    ("GET /v1/facilities/{facility_id}/status", "/v1/facilities/umc-utrecht/status", {}),
    ("GET /v1/facilities/{facility_id}/history", "/v1/facilities/umc-utrecht/history?limit=1", {}),
    ("GET /v1/public/capacity", "/v1/public/capacity", {}),
)
"""The calls about places that stand in the reference, in an order that tells a story; address and headers."""

STREAM = "/v1/facilities/events?last_event_id=3.0"


def place_answers(ask: Send) -> dict[str, Any]:
    """What a new server says to the examples about places."""
    answers = {}
    for call, path, headers in PLACES:
        method = call.partition(" ")[0]
        body = example("request", call) if method in ("PUT", "POST") else None
        response = ask(method, path, json=body, headers=headers)
        assert response.status_code < 300, response.text
        answers[call] = response.get_json()
    return answers


def written_stream() -> str:
    """The stream of events that stands in the reference."""
    found = re.search(r"<!-- stream GET /v1/facilities/events -->\n```text\n(.*?)^```", API, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def untrue(written: Any, real: Any, path: str = "") -> list[str]:
    """Where `written` says something that `real` does not; a list may be shortened, an object may lack members."""
    if isinstance(written, dict) and isinstance(real, dict):
        return [
            fault
            for key, value in written.items()
            if key not in EVERY_TIME or not isinstance(value, str | type(None))
            for fault in (untrue(value, real[key], f"{path}/{key}") if key in real else [f"{path}/{key} is not there"])
        ]
    if isinstance(written, list) and isinstance(real, list):
        return [
            f"{path}/{index}: nothing like this"
            for index, value in enumerate(written)
            if not any(untrue(value, candidate) == [] for candidate in real)
        ]
    return [] if written == real else [f"{path}: `{written}` is `{real}`"]


PROOF = "GET /v1/rulesets/{digest}/proof"

SHOWN = ("always-an-urgency", "worse-is-never-less-urgent")
"""The properties that stand in the reference."""


def proof_that_refutes(ask: Send) -> Any:
    """The proof of the newest ruleset that shows a counterexample: whoever reads the reference wants to see one."""
    listed = ask("GET", "/v1/rulesets").get_json()["rulesets"]
    digest = [each["digest"] for each in listed if each["proof"] and each["proof"]["refuted"]][-1]
    return ask("GET", f"/v1/rulesets/{digest}/proof").get_json()


SHORTENED = {"PUT /v1/facilities/{facility_id}", "GET /v1/vocabulary"}
"""Calls of which the answer in the reference is not the whole answer."""

KEPT_EXAMPLES = ROOT / "api/examples.json"


def examples_of_the_document() -> dict[str, dict[str, Any]]:
    """The examples of the reference that are whole, as the OpenAPI document holds them: kind -> call -> example."""
    found: dict[str, dict[str, Any]] = {"request": {}, "answer": {}}
    for kind, call in re.findall(r"^<!-- (request|answer) (.+) -->$", API, re.MULTILINE):
        if kind == "request" or call not in SHORTENED:
            found[kind][call] = example(kind, call)
    found["answer"]["GET /v1/facilities/events"] = written_stream()
    found["answer"]["GET /v1/log/checkpoint"] = written_checkpoint()
    return found


def test_the_document_holds_the_examples_of_the_reference() -> None:
    kept = json.loads(KEPT_EXAMPLES.read_bytes())
    assert kept == examples_of_the_document(), "run: python -m tests.api.write_examples --copy"


def test_a_false_example_is_noticed() -> None:
    real = {"urgency": {"level": "U1"}, "needs": [{"capability": "pci"}, {"capability": "icu"}]}
    assert untrue({"needs": [{"capability": "icu"}]}, real) == []
    assert untrue({"urgency": {"level": "U2"}}, real) == ["/urgency/level: `U2` is `U1`"]
    assert untrue({"needs": [{"capability": "evt"}]}, real) == ["/needs/0: nothing like this"]
    assert untrue({"needed": []}, real) == ["/needed is not there"]


def test_the_readme_gives_the_two_commands_word_for_word() -> None:
    commands = [block.strip() for block in blocks(README, "sh")]
    assert "sh .ci/setup && .venv/bin/wegwijs serve" in commands
    assert "sh .ci/setup && .venv/bin/pytest" in commands


def test_the_answer_in_the_readme_is_the_answer(send: Send) -> None:
    (written,) = [json.loads(block) for block in blocks(README, "json")]
    response = send("POST", "/v1/decisions", json=asked_in_readme())
    assert response.status_code == 201
    assert {"urgency", "conditions", "needs", "recommendation"} <= set(written)
    assert untrue(written, response.get_json()) == []


def decided_in_readme(*options: str) -> str:
    """What the command in the README prints, run as it stands there."""
    (command,) = [block for block in blocks(README, "sh") if "wegwijs decide" in block]
    here = command.strip().replace(".venv/bin/wegwijs", str(Path(sys.executable).with_name("wegwijs")))
    result = subprocess.run(["sh", "-c", " ".join([here, *options])], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_command_line_of_the_readme_prints_what_stands_there() -> None:
    (written,) = (_CLOCK.sub("12:00", block).splitlines() for block in blocks(README, "text"))
    printed = _CLOCK.sub("12:00", decided_in_readme()).splitlines()
    assert [line for line in written if line not in printed and line != "..."] == []
    assert len(written) > 5


def test_the_proof_in_the_readme_can_be_made_as_it_stands_there(send: Send, world: World, tmp_path: Path) -> None:
    (command,) = [block for block in blocks(README, "sh") if "log export" in block]
    here = command.strip().replace(".venv/bin/wegwijs", str(Path(sys.executable).with_name("wegwijs")))
    made = send("POST", "/v1/decisions", json=asked_in_readme()).get_json()["id"]
    settings = {"DATABASE_URL": world.settings.database_url, "KEYS": str(world.settings.keys_file)}
    environment = {**os.environ, **{f"WEGWIJS_{name}": value for name, value in settings.items()}, "ID": made}
    result = subprocess.run(
        ["sh", "-c", here], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("VERIFIED")


def test_the_command_line_and_the_server_answer_the_same(send: Send) -> None:
    (command,) = [block for block in blocks(README, "sh") if "wegwijs decide" in block]
    found = re.search(r"echo '(\{.*\})'", command, re.DOTALL)
    assert found
    here = json.loads(decided_in_readme("--json"))
    there = send("POST", "/v1/decisions/preview", data=found[1], content_type="application/json").get_json()
    for part in ("urgency", "conditions", "needs", "dispatch"):
        assert here[part] == there[part]
    assert here["recommendation"]["facility"] == there["recommendation"]["facility"]


def test_the_examples_of_the_reference_are_what_the_server_says(send: Send) -> None:
    made = send("POST", "/v1/decisions", json=example("request", "POST /v1/decisions"))
    assert made.status_code == 201
    written = example("answer", "POST /v1/decisions")
    Decision.model_validate(written)
    assert untrue(written, made.get_json()) == []
    replayed = send("POST", f"/v1/decisions/{made.get_json()['id']}/replay").get_json()
    followed = {"outcome": "accepted", "by": "triagist"}
    assert send("POST", f"/v1/decisions/{made.get_json()['id']}/outcome", json=followed).status_code == 201
    pages = {
        "GET /v1/decisions": (DecisionPage, send("GET", "/v1/decisions?urgency=U1&condition=stemi&limit=1").get_json()),
        "POST /v1/decisions/{decision_id}/replay": (Replay, replayed),
        "GET /v1/facilities": (
            FacilityPage,
            send("GET", "/v1/facilities?capability=pci&near=52.0907,5.1214&limit=1").get_json(),
        ),
        "GET /v1/rulesets": (RulesetPage, send("GET", "/v1/rulesets").get_json()),
        PROOF: (ProofAnswer, proof_that_refutes(send)),
    }
    for call, (model, real) in pages.items():
        written = example("answer", call)
        model.model_validate(written)
        written.pop("asker", None)  # other keys, with other roles
        assert untrue(written, real) == [], call
    gone = "POST /v1/decisions/{decision_id}/erasure"
    erased = send("POST", f"/v1/decisions/{made.get_json()['id']}/erasure", "operator", json=example("request", gone))
    assert untrue(example("answer", gone), Erasure.model_validate(erased.get_json()).model_dump()) == []
    Figures.model_validate(example("answer", "GET /v1/figures"))
    assert untrue(example("answer", "GET /v1/vocabulary"), send("GET", "/v1/vocabulary").get_json()) == []
    ready = example("answer", "GET /health/ready")
    ready.pop("log")  # other entries
    assert untrue(ready, send("GET", "/health/ready").get_json()) == []


def test_the_examples_about_accesses_are_what_the_server_says(send: Send) -> None:
    for call, (model, real) in access_answers(send).items():
        written = example("answer", call)
        model.model_validate(written)
        for access in written["accesses"]:  # made with another key, of an organisation
            access.pop("decisions", None)
            access.get("user" if "subjects" in access else "", access).pop("organisation")
        assert untrue(written, real) == [], call


REPORT = "since=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z&rule=stemi-to-pci"


def outcome_answers(ask: Send) -> dict[str, tuple[type[BaseModel], Any]]:
    """What a new server says to the examples about what became of a decision."""
    made = ask("POST", "/v1/decisions", "triagist", json=example("request", "POST /v1/decisions")).get_json()
    path, became = f"/v1/decisions/{made['id']}/outcome", "POST /v1/decisions/{decision_id}/outcome"
    recorded = ask("POST", path, "triagist", json=example("request", became))
    assert recorded.status_code == 201, recorded.text
    refused = {"event": "refused", "facility": "meander-amersfoort", "reason": "full"}
    assert ask("POST", path, "triagist", json=refused).status_code == 201
    for number in range(10):  # of fewer there would be no share
        other = ask("POST", "/v1/decisions", "triagist", json=example("request", "POST /v1/decisions")).get_json()
        said = example("request", became) if number % 2 else {"outcome": "accepted", "by": "nurse"}
        assert ask("POST", f"/v1/decisions/{other['id']}/outcome", "triagist", json=said).status_code == 201
    return {
        became: (Outcome, recorded.get_json()),
        "GET /v1/decisions/{decision_id}/outcome": (OutcomeList, ask("GET", path, "auditor").get_json()),
        "GET /v1/reports/overrules": (Overrules, ask("GET", f"/v1/reports/overrules?{REPORT}", "auditor").get_json()),
    }


def test_the_examples_about_outcomes_are_what_the_server_says(ask: Send) -> None:
    for call, (model, real) in outcome_answers(ask).items():
        model.model_validate(real)
        written = example("answer", call)
        model.model_validate(written)
        for outcome in (written, *written.get("outcomes", ())):
            outcome.pop("asker", None)  # other keys, with other roles
        for name in ("counting", "corrected"):
            written.get("state", {}).pop(name, None)
        assert untrue(written, real) == [], call


def log_answers(ask: Send) -> dict[str, tuple[type[BaseModel], Any]]:
    """What a new server says to the examples about its log."""
    made = ask("POST", "/v1/decisions", "triagist", json=example("request", "POST /v1/decisions")).get_json()
    calls: dict[str, tuple[type[BaseModel], str]] = {
        "GET /v1/log/inclusion/{decision_id}": (Inclusion, f"/v1/log/inclusion/{made['id']}"),
        "GET /v1/log/keys": (LogKeys, "/v1/log/keys"),
        "GET /v1/log/consistency": (Consistency, "/v1/log/consistency?from=1"),
    }
    return {call: (model, ask("GET", path, "auditor").get_json()) for call, (model, path) in calls.items()}


def written_checkpoint() -> str:
    """The checkpoint that stands in the reference."""
    found = re.search(r"<!-- checkpoint -->\n```text\n(.*?)^```", API, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_examples_about_the_log_are_what_the_server_says(ask: Send) -> None:
    for call, (model, real) in log_answers(ask).items():
        model.model_validate(real)
        written = example("answer", call)
        model.model_validate(written)
        assert untrue(written, real) == [], call
    real, written = ask("GET", "/v1/log/checkpoint").text.split("\n"), written_checkpoint().split("\n")
    assert [len(line) for line in written[1:3]] == [len(line) for line in real[1:3]]
    assert (written[1], written[3], len(written)) == (real[1], real[3], len(real))


def access_answers(send: Send, role: str = "auditor") -> dict[str, tuple[type[BaseModel], Any]]:
    """What the server says to the examples about accesses, after somebody looked at a decision."""
    searched = example("request", "POST /v1/accesses/search")
    case = {**example("request", "POST /v1/decisions"), "reference": searched["reference"]}
    headers = {"Wegwijs-User": "u-77", "Wegwijs-Responsible": "dr-3"}
    made = send("POST", "/v1/decisions", json=case).get_json()
    send("GET", f"/v1/decisions/{made['id']}", headers=headers)
    told = send("POST", "/v1/accesses/patient", role, json=example("request", "POST /v1/accesses/patient"))
    found = send("POST", "/v1/accesses/search", role, json=searched).get_json()
    assert send("GET", "/v1/accesses?event=read&limit=1", role).get_json()["accesses"] == found["accesses"]
    exported = send("POST", "/v1/accesses/export", role, json=example("request", "POST /v1/accesses/export"))
    assert exported.status_code == 200
    return {
        "GET /v1/accesses": (AccessPage, found),
        "POST /v1/accesses/patient": (PatientAccessPage, told.get_json()),
    }


def test_the_examples_about_places_are_what_the_server_says(ask: Send, own_app: Flask) -> None:
    for call, real in place_answers(ask).items():
        assert untrue(example("answer", call), real) == [], call
    seconds = iter(range(0, 1000, 16))
    own_app.extensions["wegwijs.streams"] = Streams(clock=lambda: next(seconds), sleep=lambda _seconds: None)
    real_stream = ask("GET", STREAM).text
    assert written_stream().strip() in real_stream


@pytest.mark.parametrize("observations", [{"heart_rate": "112", "hart_rate": 112}])
def test_the_example_of_a_problem_is_what_the_server_says(observations: dict[str, Any], send: Send) -> None:
    (written,) = [json.loads(block) for block in blocks(PROBLEMS, "json")]
    body = {"patient": {"age_years": 67}, "location": {"postcode": "3584"}, "observations": observations}
    request = {"data": json.dumps(body), "content_type": "application/json"}
    response = send("POST", "/v1/decisions", headers={"X-Request-Id": "zcc-2026-000123"}, **request)
    assert response.get_json() == written
