"""Writes the answers in the documents anew from the real app: python -m tests.api.write_examples.

With --copy only the examples of the OpenAPI document are written, out of the reference as it stands.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from api import create_app
from api.events import Streams
from api.place_schemas import FacilityPage
from api.proof_schemas import ProofAnswer
from api.schemas import Decision, DecisionPage, Replay
from api.shelf_schemas import RulesetPage
from routing import service
from routing.settings import Settings
from tests.api import test_examples
from tests.api.conftest import Clock
from tests.api.test_examples import (
    API,
    README,
    ROOT,
    STREAM,
    access_answers,
    asked_in_readme,
    decided_in_readme,
    example,
    log_answers,
    outcome_answers,
    place_answers,
    written_checkpoint,
    written_stream,
)

WIDTH = 118


def laid_out(value: Any, indent: int = 0) -> str:
    """`value` as JSON that fits a page: on one line where that is short enough."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, dict | list):
        return flat
    space, inner = " " * indent, indent + 2
    if isinstance(value, dict):
        lines = [f"{space}  {json.dumps(key)}: {laid_out(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{space}}}"
    return "[\n" + ",\n".join(f"{space}  {laid_out(item, inner)}" for item in value) + f"\n{space}]"


def ordered(model: type[BaseModel], value: Any) -> Any:
    """`value` with its members in the order in which they are documented."""
    return model.model_validate(value).model_dump()


def in_order(like: Any, value: Any) -> Any:
    """`value` as it was answered, its members in the order of `like`: a place says briefly what a schema says in full,
    and leaves out what is as usual."""
    if isinstance(value, dict) and isinstance(like, dict):
        names = [*(name for name in like if name in value), *(name for name in value if name not in like)]
        return {name: in_order(like.get(name), value[name]) for name in names}
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return [in_order(*pair) for pair in zip(like, value, strict=True)]
    return value


def first_ones(value: Any) -> Any:
    """`value` with only the first entry of each list (but every criterion of a ranking)."""
    if isinstance(value, dict):
        return {key: item if key == "criteria" else first_ones(item) for key, item in value.items()}
    return [first_ones(item) for item in value[:1]] if isinstance(value, list) else value


def only(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names}


def answers_of_proof(client: Any, key: str) -> Any:
    """The proof of the newest ruleset that shows a counterexample."""

    def ask(method: str, path: str) -> Any:
        return client.open(path, method=method, headers={"Authorization": f"Bearer {key}"})

    return test_examples.proof_that_refutes(ask)


def proved(found: dict[str, Any]) -> dict[str, Any]:
    """What of a proof stands in the reference: some properties, and of each list only the first."""
    kept = [first_ones(one) for one in found["properties"] if one["id"] in test_examples.SHOWN]
    for one in kept:
        one["rests_on"] = dict(list(one["rests_on"].items())[:1]) if one["rests_on"] else one["rests_on"]
    return ordered(ProofAnswer, {**found, "properties": kept, "tested": found["tested"][:1]})


def essence(made: dict[str, Any]) -> dict[str, Any]:
    """What of a decision stands in the README."""
    chosen, out = made["recommendation"], made["ruled_out"][0]
    stemi = next(found for found in made["conditions"] if found["code"] == "stemi")
    pci = next(need for need in made["needs"] if need["capability"] == "pci")
    return {
        **only(made, "id"),
        "urgency": only(made["urgency"], "level", "deadline_minutes"),
        "conditions": [
            only(stemi, "code", "status") | {"reasons": [only(stemi["reasons"][0], "rule", "text", "review")]}
        ],
        "dispatch": only(made["dispatch"], "ambulance", "mmt"),
        "needs": [
            only(pci, "capability", "strength")
            | {"within": only(pci["within"], "minutes", "clock_start", "clock_end", "norm")}
        ],
        "recommendation": only(chosen, "rank")
        | {"facility": only(chosen["facility"], "id", "name", "kind", "city"), "travel": chosen["travel"]},
        "ruled_out": [
            {"facility": only(out["facility"], "id", "name"), "failed": [only(out["failed"][0], "rule", "text")]}
        ],
        "provenance": only(made["provenance"], "ruleset", "evaluators_agree"),
    }


def put(page: str, value: Any, before: str = "") -> str:
    """`page` with `value` in the JSON block that follows `before`."""
    pattern = rf"({re.escape(before)}^```json\n).*?(^```)"
    written, count = re.subn(
        pattern, lambda found: found[1] + laid_out(value) + "\n" + found[2], page, count=1, flags=re.M | re.S
    )
    assert count == 1, before
    return written


def copy() -> None:
    """Write the examples of the reference for the OpenAPI document."""
    test_examples.KEPT_EXAMPLES.write_text(laid_out(test_examples.examples_of_the_document()) + "\n", "utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = service.open_world(Settings(database_url=f"sqlite:///{folder}/examples.sqlite3"))
        service.upgrade(world)
        key = service.create_key(world, "examples", frozenset(service.ROLES))
        client = create_app(world=world).test_client()

        def ask(method: str, path: str, body: Any = None) -> Any:
            headers = {"Authorization": f"Bearer {key}"}
            return client.open(path, method=method, headers=headers, json=body).get_json()

        made = ordered(Decision, ask("POST", "/v1/decisions", asked_in_readme()))
        followed = {"outcome": "accepted", "by": "triagist"}
        ask("POST", f"/v1/decisions/{made['id']}/outcome", followed)
        words = ask("GET", "/v1/vocabulary")
        parts = {"facts": "heart_rate", "capabilities": "pci", "conditions": "stemi"}
        words["vocabulary"] = {part: only(words["vocabulary"][part], name) for part, name in parts.items()}
        found = ask("GET", "/v1/decisions?urgency=U1&condition=stemi&limit=1")
        places = ask("GET", "/v1/facilities?capability=pci&near=52.0907,5.1214&limit=1")
        answers = {
            "POST /v1/decisions": first_ones(
                ordered(Decision, ask("POST", "/v1/decisions", example("request", "POST /v1/decisions")))
            ),
            "GET /v1/decisions": ordered(DecisionPage, found),
            "POST /v1/decisions/{decision_id}/replay": ordered(
                Replay, ask("POST", f"/v1/decisions/{made['id']}/replay")
            ),
            "GET /v1/facilities": in_order(ordered(FacilityPage, places), places),
            "GET /v1/vocabulary": words,
            "GET /v1/rulesets": ordered(RulesetPage, ask("GET", "/v1/rulesets")),
            test_examples.PROOF: proved(answers_of_proof(client, key)),
            "GET /health/ready": ask("GET", "/health/ready"),
        }
        service.close_world(world)
    about_places, stream = of_places()
    about_log, checkpoint = of_log()
    page = API
    for call, value in (answers | about_places | of_accesses() | of_outcomes() | about_log).items():
        page = put(page, value, f"<!-- answer {call} -->\n")
    mark = "<!-- stream GET /v1/facilities/events -->\n```text\n"
    page = page.replace(mark + written_stream(), mark + stream)
    page = page.replace(
        f"<!-- checkpoint -->\n```text\n{written_checkpoint()}", f"<!-- checkpoint -->\n```text\n{checkpoint}"
    )
    Path(ROOT / "docs/reference/api.md").write_text(page, "utf-8")
    test_examples.API = page
    copy()
    readme = put(README, essence(made))
    text = re.sub(r"(^```text\n).*?(^```)", lambda found: found[1] + heart() + found[2], readme, flags=re.M | re.S)
    Path(ROOT / "README.md").write_text(text, "utf-8")


def of_log() -> tuple[dict[str, Any], str]:
    """What a new server answers to the examples about its log, and its checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        world = service.open_world(Settings(database_url=f"sqlite:///{folder}/examples.sqlite3"), Clock())
        service.upgrade(world)
        key = service.create_key(world, "examples", frozenset(service.ROLES))
        client = create_app(world=world).test_client()

        def ask(method: str, path: str, _role: str = "", **rest: Any) -> Any:
            return client.open(path, method=method, headers={"Authorization": f"Bearer {key}"}, **rest)

        found = log_answers(ask).items()
        answers = {call: model.model_validate(value).model_dump(by_alias=True) for call, (model, value) in found}
        checkpoint = ask("GET", "/v1/log/checkpoint").text
        service.close_world(world)
    return answers, checkpoint


def of_accesses() -> dict[str, Any]:
    """What a new server answers to the examples about accesses."""
    with tempfile.TemporaryDirectory() as folder:
        world = service.open_world(Settings(database_url=f"sqlite:///{folder}/examples.sqlite3"))
        service.upgrade(world)
        client = create_app(world=world).test_client()
        keys = {
            role: service.create_key(world, role, frozenset({role}), None, organisation)
            for role, organisation in (("triagist", "Meldkamer Utrecht"), ("auditor", "GGD Utrecht"))
        }

        def send(method: str, path: str, role: str = "triagist", headers: Any = None, **rest: Any) -> Any:
            named = {"Authorization": f"Bearer {keys[role]}", **(headers or {})}
            return client.open(path, method=method, headers=named, **rest)

        answers = {call: ordered(model, value) for call, (model, value) in access_answers(send).items()}
        service.close_world(world)
    return answers


def of_outcomes() -> dict[str, Any]:
    """What a new server answers to the examples about what became of decisions."""
    with tempfile.TemporaryDirectory() as folder:
        world = service.open_world(Settings(database_url=f"sqlite:///{folder}/examples.sqlite3"), Clock())
        service.upgrade(world)
        client = create_app(world=world).test_client()
        roles = ("triagist", "auditor")
        keys = {role: service.create_key(world, role, frozenset({role}), None, "Meldkamer Utrecht") for role in roles}

        def ask(method: str, path: str, role: str, **rest: Any) -> Any:
            return client.open(path, method=method, headers={"Authorization": f"Bearer {keys[role]}"}, **rest)

        answers = {call: ordered(model, value) for call, (model, value) in outcome_answers(ask).items()}
        service.close_world(world)
    return answers


def of_places() -> tuple[dict[str, Any], str]:
    """What a new server answers to the examples about places at the moment of which these tell, and a stream."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/examples.sqlite3", public_capacity=True)
        world = service.open_world(settings, Clock())
        service.upgrade(world)
        key = service.create_key(world, "examples", frozenset(service.ROLES))
        app = create_app(world=world)
        seconds = iter(range(0, 1000, 16))
        app.extensions["wegwijs.streams"] = Streams(clock=lambda: next(seconds), sleep=lambda _seconds: None)

        def ask(method: str, path: str, headers: Any = None, **rest: Any) -> Any:
            named = {"Authorization": f"Bearer {key}", **(headers or {})}
            return app.test_client().open(path, method=method, headers=named, **rest)

        answers = place_answers(ask)
        stream = ask("GET", STREAM).text
        service.close_world(world)
    answers["PUT /v1/facilities/{facility_id}"].pop("resolved")
    public = answers["GET /v1/public/capacity"]
    public["facilities"] = [place for place in public["facilities"] if place["id"] == "umc-utrecht"]
    start, first, *_ = stream.split("\n\n")
    return answers, "\n\n".join([start, first]) + "\n"


def heart() -> str:
    """What of the text of a decision stands in the README: how urgent, and where to."""
    lines = decided_in_readme().splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"[A-Z]{2}", line)]
    parts = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    kept = ["\n".join(part).strip() for part in parts if part[0].startswith(("URGENCY", "ADVICE"))]
    return "\n...\n".join([*kept, ""])


if __name__ == "__main__":
    copy() if "--copy" in sys.argv else main()
