"""A real service on a fresh SQLite database, with one key for each role."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from routing import service
from routing.rights import ROLES, Asker
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.api.documented import DocumentedClient

STEMI: dict[str, Any] = {
    "channel": "ambulance",
    "patient": {"age_years": 67, "sex": "male"},
    "location": {"lat": 52.0907, "lon": 5.1214},
    "complaint": "chest_pain",
    "observations": {"heart_rate": 112, "systolic_bp": 128, "ecg_st_elevation": True, "chest_pain": True},
    "transport": "ambulance",
}
"""A man of 67 in Utrecht with ST elevation: any day, any hour."""

OWN = "umc-utrecht"
"""The place of which the key with the role facility is."""

AUDITOR = Asker("", "auditor", frozenset({"auditor"}))
"""Who looks at the server itself."""

Send = Callable[..., Any]


@pytest.fixture(scope="session", autouse=True)
def _every_answer_is_documented() -> Iterator[None]:
    """Whatever a test asks of an app: its answers are those of the OpenAPI document."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "test_client_class", DocumentedClient)
        yield


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("api")
    opened = open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3"))
    service.upgrade(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="session")
def keys(world: World) -> dict[str, str]:
    """Role -> a key with only this role."""
    places = {"facility": frozenset({OWN})}
    return {role: service.create_key(world, f"test {role}", frozenset({role}), places.get(role)) for role in ROLES}


@pytest.fixture(scope="session")
def app(world: World) -> Flask:
    return create_app(world=world)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without a key."""
    return app.test_client()


@pytest.fixture
def send(client: FlaskClient, keys: dict[str, str]) -> Send:
    """`send(method, path, role="triagist", ...)` with the key of that role."""

    def call(method: str, path: str, role: str = "triagist", **rest: Any) -> Any:
        headers = {"Authorization": f"Bearer {keys[role]}", **rest.pop("headers", {})}
        return client.open(path, method=method, headers=headers, **rest)

    return call


@pytest.fixture
def stored(world: World) -> Callable[[], int]:
    """How many decisions are recorded."""

    def count() -> int:
        total, cursor = 0, None
        while True:
            page = service.search(world, AUDITOR, cursor=cursor, limit=200)
            total, cursor = total + len(page["decisions"]), page["next"]
            if cursor is None:
                return total

    return count


class Clock:
    """A clock that stands still until it is moved: a Monday afternoon."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)

    def said(self, **ago: float) -> str:
        """The moment so long ago, as it is written in a report."""
        return (self.now - timedelta(**ago)).isoformat()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database that is up to date and was not used yet."""
    path = tmp_path_factory.mktemp("new") / "wegwijs.sqlite3"
    opened = open_world(Settings(database_url=f"sqlite:///{path}"), Clock())
    service.upgrade(opened)
    close_world(opened)
    return path


@pytest.fixture
def own_world(upgraded: Path, tmp_path: Path, clock: Clock) -> Iterator[World]:
    """A world of the test's own, in which it may change what it likes."""
    shutil.copy(upgraded, tmp_path / "own.sqlite3")
    url, keys = f"sqlite:///{tmp_path}/own.sqlite3", upgraded.parent / "wegwijs.keys"
    opened = open_world(Settings(database_url=url, keys=keys, public_capacity=True), clock)
    yield opened
    close_world(opened)


@pytest.fixture
def own_app(own_world: World) -> Flask:
    return create_app(world=own_world)


@pytest.fixture
def ask(own_app: Flask, own_world: World) -> Send:
    """`ask(method, path, role="operator", ...)` in the test's own world."""
    made: dict[str, str] = {}

    def call(method: str, path: str, role: str = "operator", **rest: Any) -> Any:
        if role not in made:
            places = frozenset({OWN}) if role == "facility" else None
            made[role] = service.create_key(own_world, role, frozenset({role}), places)
        headers = {"Authorization": f"Bearer {made[role]}", **rest.pop("headers", {})}
        return own_app.test_client().open(path, method=method, headers=headers, **rest)

    return call
