"""The commands about accounts: they never see a password, and a code is shown once."""

from __future__ import annotations

import json

import pytest

from routing import service, sessions
from routing.settings import Settings
from tests.people import PASSWORD, VISITOR
from tests.service.conftest import Run

NAME = "zcc-017"


def test_an_operator_makes_an_account_and_its_owner_sets_the_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run("users", "add", NAME, "--role", "triagist", "--organisation", "ZCC Midden")
    assert code == 0
    secret = out.strip()
    assert len(secret) == 23
    assert f"{NAME}  waits for password" in err
    assert secret not in err
    assert secret not in run("users", "show", NAME, "--json")[1]
    world = service.open_world(Settings())
    try:
        sessions.set_password(world, NAME, secret, PASSWORD, VISITOR, None)
    finally:
        service.close_world(world)
    shown = json.loads(run("users", "show", NAME, "--json")[1])
    assert (shown["state"], shown["roles"], shown["organisation"]) == ("active", ["triagist"], "ZCC Midden")
    assert shown["signed_in_at"] is not None
    assert set(shown) == {
        *("user", "state", "roles", "facilities", "organisation", "created_at", "disabled_at"),
        *("password_set_at", "code_until", "signed_in_at"),
    }


def test_accounts_are_listed_changed_and_kept_out(run: Run) -> None:
    assert "make one with: wegwijs users add" in run("users", "list")[2]
    first = json.loads(run("users", "add", NAME, "--role", "triagist", "--json")[1])
    run("users", "add", "ward-3", "--role", "facility", "--facility", "umc-utrecht")
    assert "places: umc-utrecht" in run("users", "list")[1]
    changed = run("users", "roles", NAME, "--role", "auditor", "--role", "medical_manager")[1]
    assert "roles: auditor, medical_manager" in changed
    again = json.loads(run("users", "passwd", NAME, "--json")[1])
    assert again["code"] != first["code"]
    assert "disabled" in run("users", "disable", NAME)[1]
    assert NAME not in run("users", "list")[1]
    listed = json.loads(run("users", "list", "--all", "--json")[1])["users"]
    assert [(each["user"], each["state"]) for each in listed] == [("ward-3", "waits_for_password"), (NAME, "disabled")]
    assert "waits for password" in run("users", "enable", NAME)[1]


def test_what_is_not_right_is_said(run: Run) -> None:
    assert run("users", "add", NAME, "--role", "triagist")[0] == 0
    for arguments, said in (
        (("add", NAME, "--role", "triagist"), "is there already"),
        (("add", "Jan Jansen", "--role", "triagist"), "never a patient, and rather no person's name"),
        (("add", "111222333", "--role", "triagist"), "is not a name for an account"),
        (("add", "ward-3", "--role", "facility"), "certain places"),
        (("roles", NAME, "--role", "facility", "--facility", "nowhere"), "is not a place in the directory"),
        (("show", "nobody"), "no user `nobody`"),
        (("passwd", "nobody"), "no user `nobody`"),
        (("disable", "../x"), "no user"),
    ):
        code, out, err = run("users", *arguments)
        assert (code, out) == (2, ""), arguments
        assert said in err
        assert "111222333" not in err
        assert "Jansen" not in err


def test_no_command_takes_a_password(run: Run) -> None:
    for option in ("--password", "--code"):
        assert run("users", "add", NAME, "--role", "triagist", option, PASSWORD)[0] == 2


def test_all_who_sign_in_stand_among_the_keys_as_one(run: Run) -> None:
    secret = run("users", "add", NAME, "--role", "triagist")[1].strip()
    world = service.open_world(Settings())
    try:
        sessions.set_password(world, NAME, secret, PASSWORD, VISITOR, None)
    finally:
        service.close_world(world)
    out = run("keys", "list")[1]
    assert sessions.LABEL in out
    assert "all who sign in here with a name and a password" in out
    assert NAME not in out
