"""A real service on a fresh SQLite database, with one key for each role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from routing import service
from routing.service import ROLES, World, close_world, open_world
from routing.settings import Settings

STEMI: dict[str, Any] = {
    "channel": "ambulance",
    "patient": {"age_years": 67, "sex": "male"},
    "location": {"lat": 52.0907, "lon": 5.1214},
    "complaint": "chest_pain",
    "observations": {"heart_rate": 112, "systolic_bp": 128, "ecg_st_elevation": True, "chest_pain": True},
    "transport": "ambulance",
}
"""A man of 67 in Utrecht with ST elevation: any day, any hour."""

Send = Callable[..., Any]


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
    return {role: service.create_key(world, f"test {role}", frozenset({role})) for role in ROLES}


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
            page = service.search(world, cursor=cursor, limit=200)
            total, cursor = total + len(page["decisions"]), page["next"]
            if cursor is None:
                return total

    return count
