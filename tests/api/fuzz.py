"""Asks what nobody would think of, made from the OpenAPI document: python -m tests.api.fuzz --requests 100000.

Every answer must have a status, a media type, headers and a body that the document knows; a 5xx is wrong unless it is a
deliberate 503 that says when to come back. The memory of the process is said with every round: after the first rounds,
in which everything is built once, it may not grow by more than `--growth-most`.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api import create_app
from api.events import Streams
from routing import service
from routing.rights import ROLES
from routing.settings import Settings
from tests.api.conftest import STEMI

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

LISTED_MOST = 20

SETTLED_AFTER = 5
"""After so many rounds everything that is built once is there."""


@dataclass
class Report:
    """How many requests were answered with which status, and what was wrong: message -> how to ask it again."""

    statuses: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.statuses.total()


def fuzz(
    app: Flask,
    key: str,
    real: dict[str, list[str]],
    each: int,
    number: int,
    report: Report,
    only: Collection[str] = (),
) -> None:
    """Ask every call `each` times with what fits the document and as often with what does not, by the seed `number`.
    `real` are ids that exist, by the parameter in whose place half of the requests have them; `only` are addresses,
    if not all are asked."""
    document = schemathesis.openapi.from_wsgi("/v1/openapi.json", app)
    for found in document.get_all_operations():
        operation = found.ok()
        if only and operation.path not in only:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask(operation, mode, key, real, each, number, report)


def _ask(
    operation: Any, mode: GenerationMode, key: str, real: dict[str, list[str]], each: int, number: int, report: Report
) -> None:
    @seed(number)
    @settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), chosen=st.randoms(use_true_random=False))
    def once(case: Any, chosen: Any) -> None:
        for name, ids in real.items():
            if name in (case.path_parameters or {}) and chosen.random() < 0.5:
                case.path_parameters[name] = chosen.choice(ids)
        if case.headers and chosen.random() < 0.9:  # without a key little is reached
            case.headers.pop("Authorization", None)
        response = case.call(headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"})
        report.asked[operation.label] += 1
        report.statuses[response.status_code] += 1
        deliberate = response.status_code == 503 and "retry-after" in response.headers
        if response.status_code >= 500 and not deliberate:
            report.wrong.setdefault(f"{operation.label}: {response.status_code}", case.as_curl_command())
        try:
            case.validate_response(response, checks=CHECKS)
        except (FailureGroup, schemathesis.errors.SchemathesisError) as error:
            told = "; ".join(str(each) for each in getattr(error, "exceptions", [error]))
            report.wrong.setdefault(f"{operation.label}: {told[:600]}", case.as_curl_command())

    try:
        once()
    except Unsatisfiable:  # of a call that takes nothing, nothing can be wrong
        if mode is GenerationMode.POSITIVE:
            raise


def prepared(folder: Path) -> tuple[Flask, str, dict[str, list[str]], Callable[[], None]]:
    """An app on a database of its own in `folder`, a key that may do all, ids that exist, and what closes it again."""
    world = service.open_world(Settings(database_url=f"sqlite:///{folder}/fuzz.sqlite3", public_capacity=True))
    service.upgrade(world)
    key = service.create_key(world, "fuzz", frozenset(ROLES))
    app = create_app(world=world)
    seconds = itertools.count(step=16)  # a stream of events is over at once
    app.extensions["wegwijs.streams"] = Streams(clock=lambda: next(seconds), sleep=lambda _seconds: None)
    headers = {"Authorization": f"Bearer {key}"}
    client = app.test_client()
    ids = [client.post("/v1/decisions", json=STEMI, headers=headers).get_json()["id"] for _ in range(5)]
    rules = client.get("/v1/rulesets", headers=headers).get_json()["rulesets"]
    real = {
        "decision_id": ids,
        "facility_id": ["umc-utrecht", "meander-amersfoort", "adrz-goes"],
        "digest": [found["digest"] for found in rules],
        "format_name": ["ndjson", "csv", "have-1.0", "have-2.0", "fhir-r4", "lpz"],
        "service_id": ["wegwijs-triage"],
        "resource_id": ["umc-utrecht", "umc-utrecht.seh"],
        "name": ["rules", "case", "not-found", "invalid-input"],
    }
    return app, key, real, lambda: service.close_world(world)


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m tests.api.fuzz", description=__doc__)
    made.add_argument("--requests", type=int, default=2_000, help="about how many (default: 2000)")
    made.add_argument("--growth-most", type=float, default=150.0, metavar="MB", help="of the memory (default: 150)")
    made.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the first seed, to repeat a run")
    arguments = made.parse_args()
    report, began, memory = Report(), time.monotonic(), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        logging.getLogger("wegwijs.access").setLevel(logging.CRITICAL)  # a line for each request is too much to read
        app, key, real, close = prepared(Path(folder))
        for number in itertools.count(arguments.seed):
            fuzz(app, key, real, 20, number, report)
            memory.append(resident_mb())
            seconds = time.monotonic() - began
            left = seconds / report.requests * max(0, arguments.requests - report.requests)
            print(
                f"seed {number}: {report.requests} requests, {len(report.wrong)} wrong, {memory[-1]:.0f} MB, "
                f"{report.requests / seconds:.0f}/s, {left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
            if report.requests >= arguments.requests:
                break
        close()
    grown = growth(memory)
    for message, how in list(report.wrong.items())[:LISTED_MOST]:
        print(f"{message}\n  {how}\n")
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(report.statuses.items()))
    print(f"{report.requests} requests in {time.monotonic() - began:.0f} s, first seed {arguments.seed}")
    print(f"statuses {statuses}")
    print(f"{len(report.wrong)} kinds of answers that are not as documented")
    print(f"memory {memory[-1]:.0f} MB, {grown:.0f} MB more than when everything was built")
    return 1 if report.wrong or grown > arguments.growth_most else 0


def growth(memory: Sequence[float]) -> float:
    """How much larger the last of these is than what was there when everything was built."""
    return memory[-1] - memory[min(SETTLED_AFTER, len(memory)) - 1]


def resident_mb() -> float:
    """The memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
