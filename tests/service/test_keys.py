"""Who may ask: keys are random, kept as a hash, and end when they are told to."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from routing import api_keys, service
from routing.errors import BadInput, NotFound, StoreUnavailable
from routing.rights import ROLES, Asker
from routing.service import World
from routing.store import database
from routing.store import keys as store
from routing.store.tables import API_KEYS
from tests.service.conftest import Clock, Open, Run
from tests.service.test_log import _tables, _upgrade_to, _uuid


def change(world: World, **values: object) -> None:
    with database.writing(world.engine) as connection:
        connection.execute(API_KEYS.update().values(**values))


def test_a_key_is_random_and_only_its_hash_is_kept(world: World) -> None:
    texts = {service.create_key(world, "desk", frozenset({"triagist"})) for _ in range(5)}
    assert len(texts) == 5
    assert all(re.fullmatch(r"wegwijs_[A-Za-z0-9_-]{43}", text) for text in texts)
    with database.reading(world.engine) as connection:
        kept = str(connection.execute(sa.select(API_KEYS)).all())
    assert not any(text in kept for text in texts)


def test_a_key_tells_who_asks(world: World) -> None:
    text = service.create_key(world, " desk 1 ", frozenset({"triagist", "auditor"}))
    found = service.authenticate(world, text)
    assert found is not None
    assert found.label == "desk 1"
    assert found.roles == {"triagist", "auditor"}
    for other in ("", "wegwijs_", text[:-1], text + "x", text.swapcase(), "\x00", "é" * 50):
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


# -- a key that ends, is renewed, is used


def made(world: World, **given: Any) -> tuple[str, str]:
    """The id and the text of a new key."""
    told, text = api_keys.make_key(world, "desk", frozenset({"triagist"}), **given)
    return told["id"], text


def valid(world: World, *texts: str) -> list[bool]:
    return [service.authenticate(world, text) is not None for text in texts]


def test_a_key_ends_on_its_day_and_that_is_said_in_time(world: World, clock: Clock) -> None:
    key_id, text = made(world, days=60)
    assert api_keys.key(world, key_id)["state"] == "valid"
    clock.forward(days=31)
    found = service.authenticate(world, text)
    assert found is not None
    assert api_keys.ends_soon(found.ends_at, clock.now)
    assert api_keys.key(world, key_id)["state"] == "ends_soon"
    clock.forward(days=29)
    assert valid(world, text) == [False]
    assert api_keys.key(world, key_id)["state"] == "expired"


@pytest.mark.parametrize("days", [0, -1, 3_651])
def test_a_key_ends_after_a_number_of_days_that_can_be(world: World, days: int) -> None:
    with pytest.raises(BadInput, match="days"):
        made(world, days=days)


def test_a_renewed_key_has_two_secrets_for_as_long_as_was_said(world: World, clock: Clock) -> None:
    key_id, first = made(world)
    before = service.authenticate(world, first)
    told, second = api_keys.renew_key(world, key_id, overlap_days=7)
    assert told["former_secret_until"] == (clock.now + timedelta(days=7)).isoformat()
    old, new = service.authenticate(world, first), service.authenticate(world, second)
    assert old is not None
    assert new is not None
    assert before is not None
    assert (old.key_id, new.key_id, new.ends_at) == (before.key_id, before.key_id, None)
    assert old.ends_at == clock.now + timedelta(days=7)  # so that who still uses it is told
    clock.forward(days=7)
    assert valid(world, first, second) == [False, True]
    assert api_keys.key(world, key_id)["former_secret_until"] is None


def test_a_secret_that_nobody_wrote_down_does_not_end_the_one_that_is_in_use(world: World) -> None:
    key_id, first = made(world)
    _, second = api_keys.renew_key(world, key_id)
    with pytest.raises(BadInput, match="two secrets"):
        api_keys.renew_key(world, key_id)
    _, third = api_keys.renew_key(world, key_id, lost=True)
    assert valid(world, first, second, third) == [True, False, True]
    _, fourth = api_keys.renew_key(world, key_id, overlap_days=0)
    assert valid(world, first, second, third, fourth) == [False, False, False, True]
    with pytest.raises(BadInput, match="no secret before"):
        api_keys.renew_key(world, key_id, lost=True)


def test_the_former_secret_never_lives_longer_than_the_key_would_have(world: World, clock: Clock) -> None:
    key_id, first = made(world, days=3)
    _, second = api_keys.renew_key(world, key_id, overlap_days=30, days=365)
    clock.forward(days=3)
    assert valid(world, first, second) == [False, True]


def test_what_cannot_be_renewed_says_what_to_do(world: World, open_world: Open, clock: Clock) -> None:
    key_id, text = made(world, days=1)
    clock.forward(days=1)
    with pytest.raises(BadInput, match="expired"):
        api_keys.renew_key(world, key_id)
    assert valid(world, text, api_keys.renew_key(world, key_id, days=9)[1]) == [False, True]
    with pytest.raises(BadInput, match="overlap"):
        api_keys.renew_key(world, key_id, overlap_days=91)
    api_keys.revoke_key(world, key_id)
    with pytest.raises(BadInput, match="revoked"):
        api_keys.renew_key(world, key_id, days=9)
    service.upgrade(open_world(bootstrap_key=SecretStr("first-key")))
    found = service.authenticate(world, "first-key")
    assert found is not None
    with pytest.raises(BadInput, match="bootstrap"):
        api_keys.renew_key(world, found.key_id)
    for nobody in ("none", str(uuid7()), "", text):
        with pytest.raises(NotFound):
            api_keys.renew_key(world, nobody)


def test_a_revoked_key_takes_both_secrets_with_it_for_good(world: World, clock: Clock) -> None:
    key_id, first = made(world)
    _, second = api_keys.renew_key(world, key_id)
    revoked = api_keys.revoke_key(world, key_id)
    assert valid(world, first, second) == [False, False]
    clock.forward(hours=1)
    assert api_keys.revoke_key(world, key_id)["revoked_at"] == revoked["revoked_at"]
    assert not service.has_keys(world)


def test_a_use_is_noted_once_an_hour_and_not_at_every_request(world: World, open_world: Open, clock: Clock) -> None:
    key_id, text = made(world)
    assert api_keys.key(world, key_id)["last_used_at"] is None
    began = clock.now
    for _ in range(3):  # also another process, which remembers nothing of this one
        valid(world, text)
        valid(open_world(), text)
        clock.forward(minutes=19)
    assert api_keys.key(world, key_id)["last_used_at"] == began.isoformat()
    clock.forward(minutes=3)
    valid(world, text)
    assert api_keys.key(world, key_id)["last_used_at"] == clock.now.isoformat()


def test_a_use_that_cannot_be_noted_keeps_nobody_from_asking(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key_id, text = made(world)
    tried: list[object] = []

    def full(*arguments: object) -> None:
        tried.append(arguments)
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(store, "note_use", full)
    assert valid(world, text, text, text) == [True, True, True]
    assert len(tried) == 1
    assert key_id in caplog.text
    assert text not in caplog.text


# -- clients of an issuer, and what was there before


def test_a_client_that_comes_for_the_first_time_everywhere_at_once_gets_one_id(world: World, clock: Clock) -> None:
    def comes(_: int) -> object:
        with database.writing(world.engine) as connection:
            store.add_client(connection, store.Key(uuid7(), "desk", frozenset()), "https://a", "desk", clock.now)
            return store.read_client(connection, "https://a", "desk")

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(comes, range(8)))
    assert found[0] is not None
    assert found == [found[0]] * 8
    with database.writing(world.engine) as connection:
        for issuer, client in (("https://a", "ward"), ("https://a\ndesk", ""), ("https://b", "desk")):
            store.add_client(connection, store.Key(uuid7(), "x", frozenset()), issuer, client, clock.now)
    assert len(api_keys.all_keys(world)) == 4
    assert not service.has_keys(world)


def test_keys_of_an_older_version_go_on_working(open_world: Open, clock: Clock) -> None:
    world = open_world()
    _upgrade_to(world, "0007")
    with database.writing(world.engine) as connection:
        (kept,) = _tables(connection, "api_keys")
        values = {"label": "old", "key_sha256": sha256(b"ww_old").hexdigest(), "roles": "auditor triagist"}
        of_it = {"id": _uuid(connection, uuid7()), "bootstrap": False, "created_at": clock.now}
        connection.execute(kept.insert(), {**values, **of_it})
    service.upgrade(world)
    found = service.authenticate(world, "ww_old")
    assert found is not None
    assert found.roles == {"auditor", "triagist"}
    _, newer = api_keys.renew_key(world, found.key_id)
    assert valid(open_world(), "ww_old", newer) == [True, True]


def test_the_commands_make_list_renew_and_revoke(run: Run) -> None:
    code, out, err = run("keys", "create", "--label", "desk 1", "--role", "triagist", "--days", "20")
    assert code == 0
    first = out.strip()
    (listed,) = json.loads(run("keys", "list", "--json")[1])["keys"]
    assert (listed["label"], listed["state"], listed["roles"]) == ("desk 1", "ends_soon", ["triagist"])
    assert listed["id"] in err
    code, out, err = run("keys", "list")
    assert listed["id"] in out
    assert f"keys rotate {listed['id']}" in err
    renewed = json.loads(run("keys", "rotate", listed["id"], "--days", "365", "--overlap", "1", "--json")[1])
    assert renewed["key"] != first
    assert "valid until" in run("keys", "show", listed["id"])[1]
    assert run("keys", "rotate", listed["id"])[0] == 2
    assert json.loads(run("keys", "revoke", listed["id"], "--json")[1])["state"] == "revoked"
    code, out, err = run("keys", "list")
    assert (out, "keys create" in err) == ("", True)
    assert "revoked" in run("keys", "list", "--all")[1]
    for nobody in (first, "x"):
        assert run("keys", "revoke", nobody)[0] == 2
    seen = "".join(run("keys", *command)[1] for command in (("list", "--all"), ("show", listed["id"])))
    assert first not in seen
    assert renewed["key"] not in seen


def test_what_no_rule_allows_is_not_allowed() -> None:
    operator = Asker("1", "x", frozenset({"operator"}))
    assert not operator.may("decide")
    assert operator.may("read_facilities")
    assert not Asker("1", "x", frozenset(ROLES)).may("anything_else")
    assert not Asker("1", "x", frozenset()).may("read_facilities")
