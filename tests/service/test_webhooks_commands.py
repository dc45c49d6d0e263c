"""The commands about pre-alerts say who is told, what is wrong, and what did not arrive, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from routing import service
from routing.settings import Settings
from routing.webhooks.sending import Sender, send_due
from tests.patience import await_true
from tests.receiver import SECRET, Receiver, receiving, status, subscription, write_subscriptions
from tests.service.conftest import STEMI, Run, Upgraded


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def here(
    run: Run, receiver: Receiver, upgraded_sqlite: Upgraded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """`run` with a database that is up to date, and a subscription."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/wegwijs.sqlite3").write_bytes(Path(upgraded_sqlite.url.removeprefix("sqlite:///")).read_bytes())
    keys = tmp_path / "data/wegwijs.keys"
    keys.write_bytes(upgraded_sqlite.keys.read_bytes())
    keys.chmod(0o600)
    monkeypatch.setenv("BOARD_SECRET", SECRET)
    monkeypatch.setenv(
        "WEGWIJS_WEBHOOKS", str(write_subscriptions(tmp_path / "webhooks.yaml", [subscription(receiver)]))
    )
    return run


def decide_and_send(count: int = 1) -> None:
    """Decisions that are made now, and told as far as that goes."""
    world = service.open_world(Settings())
    asker = service.authenticate(world, service.create_key(world, "test", frozenset({"triagist"})))
    assert asker is not None
    for _ in range(count):
        service.decide(world, STEMI, asker)
    sender = Sender(world)
    idle = 0

    def done() -> bool:
        nonlocal idle
        idle = idle + 1 if send_due(sender) == sender.on_their_way == 0 else 0
        return idle == 3

    await_true(done, "nothing to be left to send")
    service.close_world(world)


def test_a_file_that_is_right_is_said_so_and_what_makes_one_wonder_is_told(
    here: Run, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here("webhooks", "check") == (0, "", "1 subscriptions can be read, with their secrets; doubts: 0\n")
    odd = [
        subscription(receiver, "typing", places=["umc-utrechd"]),
        subscription(receiver, "nowhere", places=None, regions=["Atlantis"]),
        subscription(receiver, "one-way", events=["recommended"]),
    ]
    path = write_subscriptions(tmp_path / "other.yaml", odd)
    code, out, _ = here("webhooks", "check", "--config", str(path))
    assert code == 1
    for word in ("`umc-utrechd`", "`Atlantis`", "`one-way`"):
        assert word in out
    monkeypatch.delenv("BOARD_SECRET")
    code, out, said = here("webhooks", "check")
    assert (code, out) == (2, "")
    assert "`BOARD_SECRET`: is not set, or empty" in said
    monkeypatch.delenv("WEGWIJS_WEBHOOKS")
    assert "WEGWIJS_WEBHOOKS" in here("webhooks", "check")[2]
    assert here("webhooks", "list") == (0, "", "nobody is subscribed: see WEGWIJS_WEBHOOKS\n")


def test_what_was_told_and_what_not_is_listed_and_sent_again(here: Run, receiver: Receiver) -> None:
    code, out, _ = here("webhooks", "list")
    assert (code, "fine" in out, "nothing was taken yet" in out) == (0, True, True)
    assert here("webhooks", "deliveries") == (0, "", "nothing\n")
    decide_and_send()
    receiver.behave = status(410)
    decide_and_send()
    code, out, _ = here("webhooks", "list")
    assert (code, "STOPPED" in out) == (1, True)
    (found,) = json.loads(here("webhooks", "list", "--json")[1])["subscriptions"]
    assert (found["name"], found["stopped"], found["failures"], found["data"]) == ("board", True, 1, "minimal")
    deliveries = json.loads(here("webhooks", "deliveries", "--json")[1])["deliveries"]
    assert [each["state"] for each in deliveries] == ["stopped", "taken"]
    code, out, _ = here("webhooks", "deliveries", "--state", "stopped", "--subscription", "board", "--limit", "5")
    assert (code, out.count("\n"), "410" in out) == (0, 1, True)
    for event in receiver.requests:
        assert event.event["subject"] not in here("webhooks", "deliveries")[1]

    assert here("webhooks", "send-again")[0] == 2
    code, out, said = here("webhooks", "send-again", deliveries[0]["id"])
    assert (code, out) == (0, deliveries[0]["id"] + "\n")
    assert "wait again" in said
    receiver.behave = status(204)
    decide_and_send(0)
    assert here("webhooks", "list")[0] == 0
    code, _, said = here("webhooks", "send-again", deliveries[0]["id"])
    assert (code, "is taken, not given up or stopped" in said) == (2, True)
    assert here("webhooks", "deliveries", "--limit", "0")[0] == 2


def test_a_test_event_shows_whether_the_way_works(here: Run, receiver: Receiver) -> None:
    code, out, _ = here("webhooks", "try", "board")
    assert (code, "was taken (204)" in out) == (0, True)
    assert receiver.events() == ["test"]
    receiver.behave = status(401)
    code, out, said = here("webhooks", "try", "board")
    assert (code, out, "was not taken: the server answered 401" in said) == (1, "", True)
    code, _, said = here("webhooks", "try", "boord")
    assert (code, "there is no such subscription" in said, "allowed: board" in said) == (2, True, True)
    for word in (SECRET, receiver.url):
        assert word not in out + said
