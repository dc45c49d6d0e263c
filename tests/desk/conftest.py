"""The pages of the desk on a fresh SQLite database, and people with each role who use them without a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import create_app
from routing import service
from routing.rights import ROLES
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.people import PASSWORD, account

OWN = "umc-utrecht"
"""The place of the account with the role facility."""


class _Forms(HTMLParser):
    """Finds the CSRF token of a page, as a browser would send it."""

    csrf = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("name") == "csrf":
            self.csrf = found.get("value") or ""


def csrf_in(page: str) -> str:
    """What the forms of `page` send along."""
    forms = _Forms()
    forms.feed(page)
    return forms.csrf


def words_of(page: str) -> str:
    """What a reader sees of `page`, in one line."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(page)
    return re.sub(r"\s+", " ", " ".join(found)).strip()


@dataclass
class Person:
    """Somebody at a browser without a script."""

    client: FlaskClient
    csrf: str = ""

    def get(self, path: str, **rest: Any) -> TestResponse:
        """A page, read to its end."""
        return self.client.get(path, buffered=True, **rest)

    def post(self, path: str, form: dict[str, Any] | None = None, **rest: Any) -> TestResponse:
        """Send a form of a page of ours."""
        return self.client.post(path, data={"csrf": self.csrf, **(form or {})}, **rest)


@pytest.fixture(scope="session")
def with_accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with an account for each role, to make copies of."""
    path = tmp_path_factory.mktemp("desk") / "wegwijs.sqlite3"
    opened = open_world(Settings(database_url=f"sqlite:///{path}"))
    service.upgrade(opened)
    account_for_each_role(opened)
    close_world(opened)
    return path


@pytest.fixture(scope="module")
def world(with_accounts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for the tests of one file: what others report of places must not be found here."""
    path = tmp_path_factory.mktemp("desk") / "wegwijs.sqlite3"
    for each in (with_accounts, with_accounts.with_name("wegwijs.keys")):
        shutil.copy(each, path.with_name(each.name))
    opened = open_world(Settings(database_url=f"sqlite:///{path}"))
    yield opened
    close_world(opened)


def account_for_each_role(world: World) -> None:
    """People who can sign in, each with one role."""
    for role in ROLES:
        account(world, name_of(role), role, facilities=frozenset({OWN}) if role == "facility" else None)


def name_of(role: str) -> str:
    """The name of the account with this role."""
    return f"a-{role.replace('_', '-')}"


class FromAnAddressOfItsOwn(FlaskClient):
    """A browser at another place than all others: tries to sign in that fail are counted by address."""

    places = count(1)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        number = next(self.places)
        self.environ_base = {**self.environ_base, "REMOTE_ADDR": f"10.0.{number // 250}.{number % 250 + 1}"}


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    made = create_app(world=world)
    made.test_client_class = FromAnAddressOfItsOwn
    return made


@pytest.fixture
def visitor(app: Flask) -> Person:
    """Somebody who did not sign in."""
    return Person(app.test_client())


@pytest.fixture
def person(app: Flask) -> Callable[[str], Person]:
    """`person(role)`: somebody who signed in at the door, with this role alone."""

    def sign_in(role: str = "triagist") -> Person:
        client = app.test_client()
        response = client.post("/desk/sign-in", data={"user": name_of(role), "password": PASSWORD})
        assert response.status_code == 303, words_of(response.text)
        return Person(client, csrf_in(client.get("/desk").text))

    return sign_in


@pytest.fixture
def triagist(person: Callable[[str], Person]) -> Person:
    return person("triagist")
