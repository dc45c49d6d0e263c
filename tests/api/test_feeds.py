"""Feeds over HTTP: taken in while they arrive, with a report of every record, or refused before anything is read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from routing import service
from routing.directory_here import newest_directory
from routing.formats.feed import FORMATS
from routing.rights import ROLES
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.api.conftest import Send
from tests.feeds import EXAMPLES, FILES, example

LINES = {"Content-Type": "application/x-ndjson"}


def line(place: str = "umc-utrecht", at: str = "2026-01-01T12:00:00+01:00", **more: Any) -> bytes:
    report = {"facility": place, "unit": "seh", "kind": "stop", "value": False, "observed_at": at, **more}
    return json.dumps(report).encode() + b"\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of their own: what is reported here must not decide anything elsewhere."""
    opened = open_world(Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('feeds')}/wegwijs.sqlite3"))
    service.upgrade(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def keys(world: World) -> dict[str, str]:
    places = {"facility": frozenset({"umc-utrecht"})}
    return {role: service.create_key(world, f"test {role}", frozenset({role}), places.get(role)) for role in ROLES}


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    return create_app(world=world)


def test_a_feed_is_answered_with_what_became_of_it(send: Send, world: World) -> None:
    data = line() + line("adrz-goes") + line("nowhere") + line("adrz-goes", unit="garden")
    found = send("POST", "/v1/feeds/ndjson?source=region", "operator", data=data, headers=LINES)
    assert found.status_code == 200
    report = found.get_json()
    assert report["counts"] | {"known": 0} == {
        "records": 4, "refused": 2, "taken": 2, "known": 0, "older": 0, "damped": 0, "ignored": 0
    }  # fmt: skip
    assert [(each["where"], each["refused"][0]["code"]) for each in report["records"]] == [
        ("line 3", "unknown_place"),
        ("line 4", "unknown_unit"),
    ]
    assert (report["listed"], report["not_listed"], report["broken"]) == (2, 0, None)
    assert newest_directory(world).status["umc-utrecht"][0].source == "region"


def test_a_feed_with_a_map_that_is_not_there_is_refused(send: Send) -> None:
    headers = {"Content-Type": "application/json"}
    for query in ("", "?map=mine"):
        found = send("POST", f"/v1/feeds/lpz{query}", "operator", data=example("lpz"), headers=headers)
        assert found.status_code == 422
        assert found.get_json()["errors"][0]["field"] == "map"


@pytest.mark.parametrize("name", sorted(set(FILES) - {"lpz"}))
def test_the_examples_of_every_format_can_be_sent(send: Send, name: str) -> None:
    headers = {"Content-Type": FORMATS[name].media_types[0]}
    found = send("POST", f"/v1/feeds/{name}?dry_run=true", "operator", data=example(name), headers=headers)
    assert found.status_code == 200
    assert found.get_json()["counts"]["records"] > 0


def test_a_broken_feed_is_a_problem_that_says_what_was_taken_before(send: Send, world: World) -> None:
    data = line("erasmus-mc", "2026-01-01T12:01:00+01:00") + b'{"facility"'
    found = send("POST", "/v1/feeds/ndjson", "operator", data=data, headers=LINES)
    body = found.get_json()
    assert found.status_code == 422 and body["type"] == "/problems/broken-feed"
    assert body["broken"]["field"] == "line 2" == body["errors"][0]["field"]
    assert body["counts"]["records"] == 1


def test_what_cannot_be_this_format_is_refused_before_it_is_read(send: Send) -> None:
    for path, headers, status in (
        ("/v1/feeds/fax", LINES, 404),
        ("/v1/feeds/ndjson", {"Content-Type": "application/json"}, 415),
        ("/v1/feeds/ndjson", {"Content-Type": "application/x-ndjson; charset=latin-1"}, 415),
        ("/v1/feeds/ndjson", {**LINES, "Content-Encoding": "gzip"}, 415),
        ("/v1/feeds/ndjson?dry_run=maybe", LINES, 422),
        ("/v1/feeds/ndjson?dryrun=true", LINES, 422),
    ):
        assert send("POST", path, "operator", data=line(), headers=headers).status_code == status, path


def test_only_those_who_may_send_feeds_can(send: Send, client: FlaskClient) -> None:
    for role in ("triagist", "ambulance", "medical_manager", "auditor"):
        assert send("POST", "/v1/feeds/ndjson", role, data=line(), headers=LINES).status_code == 403
    assert client.post("/v1/feeds/ndjson", data=line(), headers=LINES).status_code == 401


def test_a_dry_run_keeps_nothing(send: Send, world: World) -> None:
    before = newest_directory(world)
    data = line("isala-zwolle", "2026-01-02T12:00:00+01:00") + line("umc-utrecht", "2026-01-02T12:00:00+01:00")
    found = send("POST", "/v1/feeds/ndjson?dry_run=true", "operator", data=data, headers=LINES)
    assert found.get_json()["dry_run"] is True and found.get_json()["counts"]["taken"] >= 1
    assert newest_directory(world) is before


@pytest.fixture
def small(world: World, tmp_path: Path) -> Iterator[FlaskClient]:
    """A server that reads small bodies, somewhat larger feeds, and knows one mapping of fields."""
    (tmp_path / "region.yaml").write_bytes((EXAMPLES / "lpz-map.yaml").read_bytes())
    limits = {"body_limit": 1_024, "feed_limit": 4_096, "feed_maps": tmp_path}
    opened = open_world(Settings(database_url=world.settings.database_url, **limits))
    yield create_app(world=opened).test_client()
    close_world(opened)


def test_a_feed_has_a_limit_of_its_own(small: FlaskClient, keys: dict[str, str]) -> None:
    headers = {**LINES, "Authorization": f"Bearer {keys['operator']}"}
    fits, large = line() * 15, line() * 60
    assert 1_024 < len(fits) < 4_096 < len(large)
    assert small.post("/v1/feeds/ndjson", data=fits, headers=headers).status_code == 200
    assert small.post("/v1/feeds/ndjson", data=large, headers=headers).status_code == 413
    chunks = {"input_stream": io.BytesIO(large), "environ_overrides": {"wsgi.input_terminated": True}}
    found = small.post("/v1/feeds/ndjson", headers={**headers, "Transfer-Encoding": "chunked"}, **chunks)
    assert found.status_code == 422 and found.get_json()["broken"]["code"] in ("too_large", "cut_off")


def test_a_mapping_of_fields_is_named_in_the_address(small: FlaskClient, keys: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {keys['operator']}"}
    found = small.post("/v1/feeds/lpz?map=region&dry_run=true", data=example("lpz"), headers=headers)
    assert found.status_code == 200 and found.get_json()["counts"]["records"] > 0
    other = small.post("/v1/feeds/lpz?map=other", data=example("lpz"), headers=headers)
    assert other.get_json()["errors"][0]["allowed"] == "region"
