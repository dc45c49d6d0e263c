"""People with an account, for tests: a password that is set as its owner would, and a browser that signed in."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from routing import sessions, users
from routing.rights import Asker
from routing.service import World

PASSWORD = "vier gele fietsen aan zee"
ANOTHER = "zeven blauwe emmers thuis"
VISITOR = Asker("", "visitor", frozenset(), source="POST /v1/session", request_id="r-1")


def account(
    world: World, name: str = "zcc-017", *roles: str, facilities: frozenset[str] | None = None, **more: Any
) -> str:
    """The name of an account with these roles (triagist) that has PASSWORD."""
    _, code = users.add_user(world, name, frozenset(roles or ("triagist",)), facilities, **more)
    begun = sessions.set_password(world, name, code, PASSWORD, VISITOR, None)
    sessions.sign_out(world, sessions.asker_of(begun.session))
    return name


def sign_in(client: FlaskClient, name: str = "zcc-017", password: str = PASSWORD, **rest: Any) -> Any:
    """What the server answers to this name and password."""
    return client.post("/v1/session", json={"user": name, "password": password}, **rest)


def signed_in(client: FlaskClient, name: str = "zcc-017", password: str = PASSWORD) -> dict[str, str]:
    """What the page in this browser, which signs in now, sends with every change."""
    response = sign_in(client, name, password)
    assert response.status_code == 201, response.text
    return {"Wegwijs-CSRF": response.json["csrf"]}
