"""The file of subscriptions is read strictly: what is wrong is said with its line, and no secret is ever repeated."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest

from routing.errors import BadData, BadInput
from routing.facilities.profile import Facility
from routing.webhooks.signing import signed_headers
from routing.webhooks.subscriptions import read_subscriptions, secret_bytes
from tests.receiver import OTHER_SECRET, SECRET
from tests.small_world import directory

GOOD = """
server: https://wegwijs.example.nl/
subscriptions:
  - id: seh-umc-utrecht
    url: https://board.example.nl/pre-alerts
    places: [umc-utrecht]
    urgency_at_least: U2
    secrets:
      - variable: BOARD_SECRET
"""


def read(path: Path, text: str, **environment: str) -> Any:
    file = path / "webhooks.yaml"
    file.write_text(text, "utf-8")
    return read_subscriptions(file, {"BOARD_SECRET": SECRET, **environment})


def test_what_is_not_said_is_the_least(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD)
    assert found.server == "https://wegwijs.example.nl"
    assert (found.subscription.data, found.subscription.timeout_seconds) == ("minimal", 10)
    assert found.subscription.events == ["recommended", "accepted", "diverted", "superseded", "cancelled"]
    assert "secret of the board" not in repr(found)
    assert "board.example.nl" not in repr(found)


@pytest.mark.parametrize(
    ("written", "instead", "line", "word"),
    [
        ("https://board", "http://board", 4, "must begin with https://"),
        ("https://board", "https://me:secret@board", 4, "must not hold a name or password"),
        ("https://board", "ftp://board", 4, "must begin with https://"),
        ("board.example.nl/pre-alerts", "board.example.nl/a b", 4, "is not an address"),
        ("board.example.nl/pre-alerts", "board.example.nl/\u00e9", 4, "is not an address"),
        ("    places: [umc-utrecht]\n", "", 4, "say which `places`"),
        ("[umc-utrecht]", "[]", 4, "say which `places`"),
        ("[umc-utrecht]", "[umc-utrecht, umc-utrecht]", 4, "stands twice"),
        ("[umc-utrecht]", "everywhere", 6, "places"),
        ("U2", "high", 7, "urgency_at_least"),
        ("    urgency_at_least: U2\n", "", 4, "urgency_at_least"),
        ("variable: BOARD_SECRET", "value: whsec_abc", 9, "value"),
        ("variable: BOARD_SECRET", "{variable: A, file: b}", 9, "either `variable` or `file`"),
        ("server: https://wegwijs.example.nl/\n", "", 2, "server"),
        ("    urgency", "    name: x\n    urgency", 7, "name"),
        ("    urgency", "    data: everything\n    urgency", 7, "data"),
        ("    urgency", "    events: [born]\n    urgency", 7, "events"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(written: str, instead: str, line: int, word: str, tmp_path: Path) -> None:
    assert written in GOOD
    with pytest.raises(BadData) as caught:
        read(tmp_path, GOOD.replace(written, instead))
    text = str(caught.value)
    assert word in text
    assert f"webhooks.yaml:{line}:" in text
    assert "secret@" not in text
    assert "whsec_abc" not in text
    assert "allow_http" not in text, "which there is not here"


def test_on_this_machine_itself_no_tls_is_needed(tmp_path: Path) -> None:
    for host in ("127.0.0.1:8080", "localhost", "[::1]:1"):
        read(tmp_path, GOOD.replace("https://board.example.nl", f"http://{host}"))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "secret",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_not base64!",
        "whsec_" + "A" * 200,
    ],
)
def test_a_secret_that_is_none_is_named_and_not_repeated(secret: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, GOOD, BOARD_SECRET=secret)
    (fault,) = caught.value.faults
    assert (fault.field, fault.value) == ("BOARD_SECRET", None)
    assert "seh-umc-utrecht" in fault.message
    assert "openssl rand" in (fault.allowed or "")
    assert len(secret) < 8 or secret not in str(caught.value)


def test_a_secret_may_lie_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "board.secret"
    text = GOOD.replace("- variable: BOARD_SECRET", "- file: board.secret\n      - variable: BOARD_SECRET")
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read(tmp_path, text)
    file.write_text(OTHER_SECRET + "\n", "utf-8")
    file.chmod(stat.S_IRUSR | stat.S_IRGRP)
    with pytest.raises(BadInput, match="can be read by others: chmod 600"):
        read(tmp_path, text)
    file.chmod(stat.S_IRUSR)
    (found,) = read(tmp_path, text)
    assert found.secrets == (secret_bytes(OTHER_SECRET), secret_bytes(SECRET))


def test_places_may_be_named_or_lie_in_a_region(tmp_path: Path) -> None:
    place: Facility = directory().facilities[0]
    region = next(iter(place.regions.values()), None)
    (named,) = read(tmp_path, GOOD.replace("umc-utrecht]", f"{place.id}]"))
    assert named.subscription.wants("recommended", place, 2)
    assert not named.subscription.wants("recommended", place, 3)
    (everywhere,) = read(tmp_path, GOOD.replace("[umc-utrecht]", "all"))
    assert everywhere.subscription.is_about(place)
    (elsewhere,) = read(tmp_path, GOOD.replace("places: [umc-utrecht]", "regions: [Nowhere]"))
    assert not elsewhere.subscription.is_about(place)
    if region is not None:
        (there,) = read(tmp_path, GOOD.replace("places: [umc-utrecht]", f"regions: ['{region}']"))
        assert there.subscription.is_about(place)


def test_the_signature_is_that_of_the_example_of_the_standard() -> None:
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    made = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [secret])
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert base64.b64decode(made["webhook-signature"].removeprefix("v1,"))
