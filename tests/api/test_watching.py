"""What a machine may watch: every metric is documented and right, and nothing of a patient is in metrics or logs."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from api import create_app, limits
from api.desk import create_desk
from api.limits import NEVER_REFUSED, Buckets
from api.metrics import count_decision
from api.trace import trace_of
from routing import access_log, outcomes, places, service
from routing.log_lines import JsonLines
from routing.settings import Settings
from routing.world import World
from tests.api.conftest import OWN, STEMI, Send

PAGE = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text("utf-8")


def seen(text: str) -> dict[str, float]:
    """Every sample: its name with its labels -> its value."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def watched(send: Send) -> dict[str, float]:
    response = send("GET", "/metrics", "operator")
    assert response.status_code == 200
    return seen(response.get_data(as_text=True))


def test_every_metric_is_documented_and_no_other(send: Send) -> None:
    documented = set(re.findall(r"^\| `(wegwijs_\w+)", PAGE, re.MULTILINE))
    served = set(re.findall(r"^# TYPE (wegwijs_\w+)", send("GET", "/metrics", "operator").get_data(as_text=True), re.M))
    assert {name for name in served if not name.endswith("_created")} == documented


def test_a_decision_is_counted_once_however_often_it_is_answered(send: Send) -> None:
    before = watched(send)
    for _ in range(2):
        made = send("POST", "/v1/decisions", json=STEMI, headers={"Idempotency-Key": "counted"}).json
    after = watched(send)
    grown = {name: after[name] - before.get(name, 0) for name in after if name.startswith("wegwijs_decision")}
    badge, level = made["confidence"]["badge"], made["urgency"]["level"]
    counted = {name: value for name, value in grown.items() if value and "_created" not in name}
    assert counted == {
        f'wegwijs_decisions_total{{badge="{badge}",urgency="{level}"}}': 1,
        **{
            f'wegwijs_decision_conditions_total{{condition="{each["code"]}",status="{each["status"]}"}}': 1
            for each in made["conditions"]
        },
    }
    asked = 'wegwijs_requests_total{method="POST",route="/v1/decisions",status="201"}'
    assert after[asked] - before.get(asked, 0) == 2


def test_an_engine_that_fails_and_evaluators_that_differ_are_counted(send: Send) -> None:
    before = watched(send)
    made = send("POST", "/v1/decisions", json=STEMI).json
    differing = {**made, "provenance": {**made["provenance"], "evaluators_agree": False}}
    count_decision(differing)
    count_decision({**differing, "warnings": [{"rule": "acute-nl/selection/engine_failed"}]})
    after = watched(send)
    for name in ("wegwijs_engine_faults_total", "wegwijs_evaluator_disagreements_total"):
        assert after[name] - before[name] == 1


def test_how_far_the_log_is_behind_and_which_connections_are_in_use(send: Send) -> None:
    found = watched(send)
    assert found['wegwijs_log_entries{log="decisions"}'] >= 0
    assert found['wegwijs_log_waiting{log="access"}'] > 0, "nothing sequences here"
    assert found['wegwijs_log_behind_seconds{log="access"}'] >= 0
    assert found["wegwijs_pool_connections_in_use"] >= 0


@pytest.mark.parametrize("role", ["triagist", "ambulance", "facility", "medical_manager"])
def test_only_an_operator_or_auditor_watches(send: Send, role: str) -> None:
    assert send("GET", "/metrics", role).status_code == 403


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_bucket_is_emptied_by_its_own_key_and_filled_by_time() -> None:
    now = [100.0]
    buckets = Buckets(2, lambda: now[0])
    assert [buckets.wait_of("a") for _ in range(2 * limits.BURST_SECONDS)] == [0.0] * 20
    assert buckets.wait_of("a") == 0.5
    assert buckets.wait_of("b") == 0.0
    now[0] += 0.5
    assert (buckets.wait_of("a"), buckets.wait_of("a")) == (0.0, 0.5)
    now[0] += 1000
    assert [buckets.wait_of("a") for _ in range(21)] == [0.0] * 20 + [0.5]


def test_a_key_that_asks_too_much_is_told_to_wait_and_still_gets_its_decisions(
    app: Flask, world: World, keys: dict[str, str]
) -> None:
    limited = create_app(world=world)
    limited.extensions["wegwijs.buckets"] = Buckets(1, lambda: 0.0)  # however long the first one takes
    client, headers = limited.test_client(), {"Authorization": f"Bearer {keys['triagist']}"}
    statuses = [client.get("/v1/rulesets", headers=headers).status_code for _ in range(limits.BURST_SECONDS + 1)]
    assert statuses == [200] * limits.BURST_SECONDS + [429]
    refused = client.get("/v1/rulesets", headers=headers)
    assert (refused.json["type"], refused.headers["Retry-After"]) == ("/problems/too-many-requests", "1")
    for _ in range(3):
        assert client.post("/v1/decisions", json=STEMI, headers=headers).status_code == 201
    assert set(limited.view_functions) | set(create_desk(limited).view_functions) >= NEVER_REFUSED
    assert client.get("/health/live").status_code == 200


def test_without_a_limit_nothing_is_counted(world: World) -> None:
    settings = Settings(database_url=world.settings.database_url, rate_limit=0)
    app = Flask("test")
    limits.register(app, settings.rate_limit)
    assert app.before_request_funcs == {}


# -- traces and logs ---------------------------------------------------------------------------------------------------

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("given", [f"00-{TRACE}-00f067aa0ba902b7-01", f" 7e-{TRACE}-00f067aa0ba902b7-00-more"])
def test_the_trace_of_the_client_goes_on(given: str) -> None:
    found = trace_of(given)
    assert (found.trace_id, found.parent_id) == (TRACE, "00f067aa0ba902b7")
    assert re.fullmatch("[0-9a-f]{16}", found.span_id)
    assert found.span_id != found.parent_id


@pytest.mark.parametrize(
    "given",
    ["", "Jansen", f"ff-{TRACE}-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}-{'0' * 16}-01",
     f"00-{TRACE.upper()}-00f067aa0ba902b7-01", f"00-{TRACE}-00f067aa0ba902b7"],
)  # fmt: skip
def test_what_is_no_trace_begins_a_new_one(given: str) -> None:
    found = trace_of(given)
    assert found.parent_id is None
    assert re.fullmatch("[0-9a-f]{32}", found.trace_id)
    assert found.trace_id != TRACE


MARK = "MARK-Jansen"
BSN = "111222333"
MARKED: dict[str, Any] = {**STEMI, "reference": MARK, "note": MARK, "patient": {"age_years": 67, "sex": "male"}}
HEADERS = {
    "Idempotency-Key": MARK,
    "X-Request-Id": BSN,
    "traceparent": MARK,
    "tracestate": MARK,
    "Wegwijs-User": MARK,
    "User-Agent": MARK,
    "Referer": f"https://elsewhere/{MARK}",
    "Accept-Language": MARK,
    "X-Forwarded-For": MARK,
    "Cookie": f"patient={MARK}",
}
ODD = {
    "If-Match": MARK,
    "Content-Type": f"text/{MARK}",
    "Content-Encoding": MARK,
    "Authorization": f"Bearer {MARK}",
    "Wegwijs-User": f"{MARK} {BSN}",
    "Idempotency-Key": f"{MARK} {BSN}",
}


def failing(*_: Any, **__: Any) -> Any:
    raise KeyError(f"{MARK} {BSN}")


def test_nothing_that_a_client_says_is_in_logs_or_metrics(
    send: Send, app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marked values through every input of every call, also of those that cannot be read and those that fail."""
    caplog.handler.setFormatter(JsonLines())
    statuses: set[int] = set()

    def ask(method: str, path: str, **rest: Any) -> Any:
        response = send(method, path, rest.pop("role", "triagist"), **rest)
        statuses.add(response.status_code)
        return response

    with caplog.at_level(logging.DEBUG):
        made = ask("POST", "/v1/decisions", json=MARKED, headers=HEADERS)
        assert made.status_code == 201
        ask("POST", f"{made.headers['Location']}/outcome", json={"outcome": MARK}, headers=HEADERS)
        for rule in app.url_map.iter_rules():
            path = re.sub("<[^>]+>", MARK, rule.rule)
            if rule.endpoint == "events.stream":
                continue  # a stream that never ends; its address is read as all others are
            for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}):
                for body in (b"{}", b'{"MARK-Jansen": "MARK-Jansen"}', b'{"MARK-Jansen', b"\xff"):
                    ask(method, path, role="operator", data=body, headers=HEADERS, content_type="application/json")
                ask(method, f"{path}?{MARK}={MARK}&cursor={MARK}&since={MARK}", role="auditor", headers=HEADERS)
        for name, value in ODD.items():
            ask("POST", "/v1/decisions", json=MARKED, headers={name: value})
            ask("PUT", f"/v1/facilities/{OWN}", role="operator", json=MARKED, headers={name: value})
        ask("GET", f"/{MARK}")
        ask("MARK-JANSEN", "/v1/decisions")
        for module, name in ((service, "decide"), (service, "search"), (places, "facilities"),
                             (outcomes, "record_outcome"), (access_log, "accesses")):  # fmt: skip
            monkeypatch.setattr(module, name, failing, raising=False)
        ask("POST", "/v1/decisions", json=MARKED, headers=HEADERS)
        ask("GET", f"/v1/decisions?facility={MARK.lower()}")
        ask("POST", f"{made.headers['Location']}/outcome", json=MARKED)
        numbers = send("GET", "/metrics", "operator", headers=HEADERS).get_data(as_text=True)
    assert {200, 201, 400, 401, 403, 404, 405, 415, 422, 500} <= statuses
    lines = caplog.text
    assert lines.count('"message":"request"') > 100
    for text in (lines, numbers):
        for value in (MARK, MARK.upper(), "Jansen", BSN, "52.0907", "ecg_st_elevation"):
            assert value not in text
