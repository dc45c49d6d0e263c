"""What may be a password, how it is kept, and codes that a person types."""

from __future__ import annotations

import unicodedata

import argon2
import pytest

from routing import passwords
from routing.errors import BadInput

GOOD = "vier gele fietsen aan zee"


def test_a_password_is_right_in_whatever_form_a_keyboard_writes_it() -> None:
    kept = passwords.hashed("één café in Zürich")
    assert passwords.is_right(kept, unicodedata.normalize("NFD", "één café in Zürich"))
    assert not passwords.is_right(kept, "een cafe in Zurich")
    assert not passwords.is_right(kept, "Één café in Zürich")


def test_it_is_kept_as_argon2id_at_the_cost_that_is_said_and_never_twice_the_same() -> None:
    first, second = passwords.hashed(GOOD), passwords.hashed(GOOD)
    assert first != second
    for kept in (first, passwords.NOBODY):
        found = argon2.extract_parameters(kept)
        assert (found.type, found.memory_cost, found.time_cost) == (argon2.Type.ID, 19_456, 2)
        assert not passwords.is_dated(kept), "an account that is not there must cost what others cost"
    assert passwords.is_dated(argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(GOOD))


@pytest.mark.parametrize("password", ["", GOOD, "A" * 43])
def test_nobody_has_no_password(password: str) -> None:
    assert not passwords.is_right(None, password)
    assert not passwords.is_right(passwords.NOBODY, password)
    assert not passwords.is_right("not a hash", password)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("elf tekens!", "wrong_length"),
        ("x" * 257, "wrong_length"),
        ("e\u0301" * 11, "wrong_length"),  # eleven letters, however they are written
        ("ik ben ZCC-017 op dinsdag", "too_easy"),
        ("Wegwijs voor altijd", "too_easy"),
        ("aaaaaaaaaaaaaaaa", "too_easy"),
        ("AaBbAaBbAaBbAaBb", "too_easy"),
    ],
)
def test_what_is_no_password_is_refused_and_not_repeated(password: str, code: str) -> None:
    with pytest.raises(BadInput) as raised:
        passwords.check_new("zcc-017", password)
    (fault,) = raised.value.faults
    assert (fault.field, fault.code, fault.value) == ("new_password", code, None)
    assert password not in str(raised.value)


@pytest.mark.parametrize(
    "password",
    [GOOD, "twaalf tekens"[:12], "абвгдежзийкл", "🚲🚑🏥🌊🚲🚑🏥🌊🚲🚑🏥🌊⚓", "   abc def   ", "abcde" * 51 + "a"],
)
def test_no_kinds_of_characters_are_asked_for(password: str) -> None:
    passwords.check_new("zcc-017", password)
    assert passwords.is_right(passwords.hashed(password), password)


def test_a_code_is_random_and_can_be_typed() -> None:
    codes = {passwords.new_code() for _ in range(100)}
    assert len(codes) == 100
    for code in codes:
        assert len(code) == 23
        assert not set("ILOU") & set(code)
        kept = passwords.code_hash(code)
        typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert passwords.is_code(kept, typed)
        assert not passwords.is_code(kept, code[:-1])
        assert code not in kept
    assert not passwords.is_code(None, "")
    assert not passwords.is_code(None, "0")
