"""Who may ask: keys are random, kept as a hash, and end when they are told to."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from routing import service
from routing.errors import BadInput
from routing.rights import ROLES, Asker
from routing.service import World
from routing.store import database
from routing.store.tables import API_KEYS
from tests.service.conftest import Clock, Open


def change(world: World, **values: object) -> None:
    with database.writing(world.engine) as connection:
        connection.execute(API_KEYS.update().values(**values))


def test_a_key_is_random_and_only_its_hash_is_kept(world: World) -> None:
    texts = {service.create_key(world, "desk", frozenset({"triagist"})) for _ in range(5)}
    assert len(texts) == 5
    assert all(re.fullmatch(r"ww_[A-Za-z0-9_-]{43}", text) for text in texts)
    with database.reading(world.engine) as connection:
        kept = str(connection.execute(sa.select(API_KEYS)).all())
    assert not any(text in kept for text in texts)


def test_a_key_tells_who_asks(world: World) -> None:
    text = service.create_key(world, " desk 1 ", frozenset({"triagist", "auditor"}))
    found = service.authenticate(world, text)
    assert found is not None
    assert found.label == "desk 1"
    assert found.roles == {"triagist", "auditor"}
    for other in ("", "ww_", text[:-1], text + "x", text.swapcase(), "\x00", "é" * 50):
        assert service.authenticate(world, other) is None


def test_a_revoked_or_expired_key_is_refused(world: World, clock: Clock) -> None:
    text = service.create_key(world, "desk", frozenset({"triagist"}))
    change(world, expires_at=clock.now)
    assert service.authenticate(world, text) is None
    change(world, expires_at=clock.now.replace(year=2027))
    assert service.authenticate(world, text) is not None
    assert service.has_keys(world)
    change(world, revoked_at=clock.now)
    assert service.authenticate(world, text) is None
    assert not service.has_keys(world)


@pytest.mark.parametrize("label", ["", "  ", "x" * 101, "two\nlines"])
def test_a_label_is_one_short_line(world: World, label: str) -> None:
    with pytest.raises(BadInput):
        service.create_key(world, label, frozenset({"triagist"}))


@pytest.mark.parametrize("roles", [frozenset(), frozenset({"king"}), frozenset({"triagist", "king"})])
def test_only_known_roles_are_given(world: World, roles: frozenset[str]) -> None:
    with pytest.raises(BadInput) as raised:
        service.create_key(world, "desk", roles)
    assert "triagist" in str(raised.value.faults[0].allowed)


def test_the_bootstrap_key_has_every_role_and_there_is_only_one(world: World, open_world: Open) -> None:
    def start_with(text: str) -> None:
        opened = open_world(bootstrap_key=SecretStr(text))
        service.upgrade(opened)
        service.upgrade(opened)
        assert text not in repr(opened)

    start_with("first-key")
    start_with("second-key")
    assert service.authenticate(world, "first-key") is None
    found = service.authenticate(world, "second-key")
    assert found is not None
    assert found.roles == set(ROLES)
    start_with("first-key")
    assert service.authenticate(world, "first-key") is not None
    assert service.authenticate(world, "second-key") is None


def test_what_no_rule_allows_is_not_allowed() -> None:
    operator = Asker("1", "x", frozenset({"operator"}))
    assert not operator.may("decide")
    assert operator.may("read_facilities")
    assert not Asker("1", "x", frozenset(ROLES)).may("anything_else")
    assert not Asker("1", "x", frozenset()).may("read_facilities")
