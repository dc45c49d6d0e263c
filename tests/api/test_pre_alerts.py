"""Whether a place was told can be asked, and what it is told is what the document says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from api import create_app
from api.json_schemas import schema_named
from api.webhook_schemas import PreAlerts
from routing import service
from routing.errors import BadData
from routing.service import World, close_world, open_world
from routing.settings import Settings
from routing.webhooks.posting import Posting, post
from routing.webhooks.sending import Sender, send_due
from routing.webhooks.shown import pre_alerts_of, try_out
from routing.webhooks.signing import signed_headers
from routing.webhooks.subscriptions import Subscription, read_subscriptions, secret_bytes
from tests.api.conftest import STEMI, Clock, Send
from tests.api.documented import validator
from tests.api.test_examples import ROOT, example, untrue
from tests.patience import await_true
from tests.receiver import (
    OTHER_SECRET,
    SECRET,
    TIMEOUT_SECONDS,
    Receiver,
    receiving,
    status,
    subscription,
    write_subscriptions,
)

DIVERTED = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def told(own_world: World, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The test's own world with a receiver of all and one of the clinical picture."""
    monkeypatch.setenv("BOARD_SECRET", SECRET)
    more = subscription(receiver, "region", data="clinical", url=receiver.url + "?clinical")
    path = write_subscriptions(tmp_path / "webhooks.yaml", [subscription(receiver), more])
    opened = open_world(own_world.settings.model_copy(update={"webhooks": path}), own_world.clock)
    yield opened
    close_world(opened)


@pytest.fixture
def call(told: World) -> Send:
    app, keys = create_app(world=told), dict[str, str]()

    def ask(method: str, path: str, role: str = "triagist", **rest: Any) -> Any:
        if role not in keys:
            keys[role] = service.create_key(told, role, frozenset({role}))
        headers = {"Authorization": f"Bearer {keys[role]}"}
        return app.test_client().open(path, method=method, headers=headers, **rest)

    return ask


def send_all(sender: Sender) -> None:
    for _ in range(20):
        send_due(sender)
        await_true(lambda: sender.on_their_way <= sender.results.qsize(), "receivers to answer")


def test_who_cares_for_the_patient_sees_whether_the_place_was_told(
    call: Send, told: World, receiver: Receiver, clock: Clock
) -> None:
    made = call("POST", "/v1/decisions", json=STEMI).get_json()
    path = f"/v1/decisions/{made['id']}/pre-alerts"
    found = call("GET", path).get_json()
    assert (found["state"], found["call"], len(found["pre_alerts"])) == ("waiting", False, 2)
    clock.forward(seconds=61)
    found = call("GET", path, "ambulance").get_json()
    assert (found["state"], found["call"]) == ("late", True)
    assert call("GET", "/health/ready").get_json()["webhooks"] == [
        {"name": name, "waiting": 1, "waiting_seconds": 61.0, "late": True, "stopped": False}
        for name in ("board", "region")
    ]
    send_all(Sender(told))
    found = call("GET", path, "auditor").get_json()
    assert (found["state"], found["call"]) == ("told", False)
    assert {each["settled_at"] for each in found["pre_alerts"]} == {clock.now.isoformat()}
    receiver.behave = status(410)
    call("POST", f"/v1/decisions/{made['id']}/outcome", json=DIVERTED)
    send_all(Sender(told))
    found = call("GET", path).get_json()
    assert (found["state"], found["call"]) == ("not_told", True)
    assert call("GET", path, "operator").status_code == 403
    assert call("GET", "/v1/decisions/none/pre-alerts").status_code == 404
    assert call("GET", f"{path}?x=1").status_code == 422
    text = call("GET", "/metrics", "operator").get_data(as_text=True)
    assert 'wegwijs_webhook_late{subscription="board"} 1.0' in text
    assert call("POST", f"/v1/decisions/{made['id']}/erasure", "operator", json={"why": "test_data"}).status_code == 200
    assert call("GET", path).status_code == 410


def test_what_is_sent_is_what_the_document_and_the_schema_say(call: Send, told: World, receiver: Receiver) -> None:
    first = call("POST", "/v1/decisions", json=STEMI).get_json()["id"]
    call("POST", f"/v1/decisions/{first}/outcome", json=DIVERTED)
    call("POST", f"/v1/decisions/{first}/outcome", json={"event": "cancelled", "by": "triagist", "reason": "died"})
    second = call("POST", "/v1/decisions", json=STEMI).get_json()["id"]
    call("POST", "/v1/decisions", json={**STEMI, "supersedes": second})
    call("POST", f"/v1/decisions/{second}/outcome", json={"outcome": "accepted", "by": "triagist"})
    send_all(Sender(told))
    kinds = {event["data"]["event"] for event in receiver.taken}
    assert kinds == {"recommended", "accepted", "diverted", "superseded", "cancelled"}
    event, data = validator("#/components/schemas/PreAlertEvent"), schema_named("pre-alert", told.words)
    for sent in receiver.taken:
        assert [error.message for error in event.iter_errors(sent)] == []
        assert jsonschema_rs.Draft202012Validator(data).is_valid(sent["data"])
        assert sent["dataschema"] == "https://wegwijs.example.nl/v1/schemas/pre-alert"
        assert not event.is_valid({**sent, "strange": 1})
    assert {sent["data"]["level"] for sent in receiver.taken} == {"minimal", "clinical"}


def test_a_test_event_says_so_and_is_taken(told: World, receiver: Receiver) -> None:
    _, posted = try_out(told, "board")
    assert (posted.status, posted.error) == (204, None)
    (sent,) = receiver.taken
    assert [error.message for error in validator("#/components/schemas/PreAlertTest").iter_errors(sent)] == []
    assert sent["data"]["test"] is True
    assert "decision" not in sent["data"]
    receiver.behave = status(500)
    assert try_out(told, "board")[1].error == "the server answered 500"


def test_a_file_of_subscriptions_that_is_wrong_keeps_the_server_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "webhooks.yaml"
    path.write_text("subscriptions: []\n", "utf-8")
    with pytest.raises(BadData, match=r"webhooks\.yaml"):
        create_app(Settings(database_url=f"sqlite:///{tmp_path}/none.sqlite3", webhooks=path))


# -- the pages --------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs/how-to/pre-alert-a-place.md").read_text("utf-8")


def block(mark: str, kind: str) -> str:
    found = re.search(rf"^<!-- {mark} -->\n```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, mark
    return found[1]


def test_the_example_of_the_reference_is_what_the_server_says(
    own_world: World, tmp_path: Path, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOARD_SECRET", SECRET)
    path = write_subscriptions(tmp_path / "webhooks.yaml", [subscription(receiver, "seh-umc-utrecht")])
    opened = open_world(own_world.settings.model_copy(update={"webhooks": path}), clock)
    asker = service.authenticate(opened, service.create_key(opened, "test", frozenset({"triagist"})))
    assert asker is not None
    made = service.decide(opened, STEMI, asker)
    clock.forward(seconds=61)
    written = example("answer", "GET /v1/decisions/{decision_id}/pre-alerts")
    PreAlerts.model_validate(written)
    assert untrue(written, pre_alerts_of(opened, made["id"], asker)) == []
    close_world(opened)


def test_the_file_of_the_page_is_read_by_the_real_reader(tmp_path: Path) -> None:
    (tmp_path / "webhooks.yaml").write_text(block("subscriptions", "yaml"), "utf-8")
    (tmp_path / "centre.secret").write_text(SECRET, "utf-8")
    (tmp_path / "centre.secret").chmod(0o600)
    first, second = read_subscriptions(tmp_path / "webhooks.yaml", {"BOARD_SECRET": SECRET})
    assert (first.subscription.id, second.subscription.data) == ("seh-umc-utrecht", "minimal")
    keys = {"server", *Subscription.model_fields} - {"name"}
    assert keys <= set(re.findall(r"`(\w+)`", PAGE))


def test_the_event_of_the_page_has_the_members_of_a_real_one(call: Send, told: World, receiver: Receiver) -> None:
    written = json.loads(block("event", "json"))
    assert [error.message for error in validator("#/components/schemas/PreAlertEvent").iter_errors(written)] == []
    call("POST", "/v1/decisions", json=STEMI)
    send_all(Sender(told))
    real = next(sent for sent in receiver.taken if sent["data"]["level"] == "minimal")
    assert written.keys() == real.keys()
    stemi = next(each for each in real["data"]["conditions"] if each["code"] == "stemi")
    assert written["data"]["conditions"] == [stemi]
    assert written["data"]["needs"][0] in real["data"]["needs"]
    for name in ("place", "urgency", "urgency_advised", "review", "coming"):
        assert written["data"][name] == real["data"][name], name


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The receiver of the page, as it stands there, and its address."""
    environment = {**os.environ, "PRE_ALERT_SECRETS": f"{OTHER_SECRET} {SECRET}", "PORT": "0"}
    command = [sys.executable, "-c", block("run receiver", "python")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        port = made.stdout.readline().split()[-1]
        yield made, f"http://127.0.0.1:{port}/"
        made.kill()


def test_the_receiver_of_the_page_takes_what_is_genuine_and_new(program: tuple[subprocess.Popen[str], str]) -> None:
    process, url = program
    secrets, now = [secret_bytes(SECRET)], time.time()
    written = json.loads(block("event", "json"))
    later = datetime.now(UTC) + timedelta(hours=1)

    def sent(sequence: int, *, at: float = now, signed_with: list[bytes] = secrets, **changes: Any) -> int | None:
        event = {**written, "sequence": f"{sequence:019d}", "expirytime": later.isoformat(), **changes}
        body = json.dumps(event).encode()
        return post(Posting(url, body, signed_headers("id", int(at), body, signed_with), TIMEOUT_SECONDS)).status

    gone = {**written["data"], "event": "cancelled", "coming": False, "because": "diverted"}
    assert sent(2) == 204
    assert sent(2) == 204, "a repeat"
    assert sent(3, data=gone) == 204
    assert sent(1) == 204, "what came before"
    assert sent(9, expirytime="2026-11-23T16:00:00+00:00") == 204, "too late"
    assert sent(4, data={"event": "test", "test": True, "message": {}}) == 204
    assert sent(5, signed_with=[b"another secret of 24 bytes"]) == 401
    assert sent(6, at=now - 400) == 401
    assert post(Posting(url, b"{}", {"webhook-id": "x"}, TIMEOUT_SECONDS)).status == 401
    process.kill()
    assert process.stdout is not None
    assert process.stdout.read().splitlines() == [
        "COMES U1 UMC Utrecht stemi",
        "DOES NOT COME (diverted) U1 UMC Utrecht stemi",
        "TEST, no patient comes",
    ]
