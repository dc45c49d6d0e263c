"""The one way to write a record: the same content, the same bytes; anything else is refused or found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from routing.errors import BadRecord
from routing.log.canonical import WHOLE_MOST, canonical, digest, exact, is_canonical, plain, wire


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        (0, b"0"),
        (-7, b"-7"),
        (WHOLE_MOST, b"9007199254740991"),
        ("", b'""'),
        ("é…", '"é…"'.encode()),
        ('"\\\n\x01\x7f/', b'"\\"\\\\\\n\\u0001\x7f/"'),
        ([], b"[]"),
        ((1, 2), b"[1,2]"),
        ({}, b"{}"),
        ({"b": 1, "a": [2], "B": 3, "a_": 4}, b'{"B":3,"a":[2],"a_":4,"b":1}'),
        (Decimal("38.7"), b'{"decimal":"38.7"}'),
        ({"t": Decimal("-0.5")}, b'{"t":{"decimal":"-0.5"}}'),
    ],
)
def test_every_kind_of_value_has_one_form(value: Any, written: bytes) -> None:
    assert canonical(value) == written
    assert is_canonical(written)


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (38.0, 38),
        (-0.0, 0),
        (0.1, Decimal("0.1")),
        (-38.7, Decimal("-38.7")),
        (1e-05, Decimal("0.00001")),
        (7, 7),
        (float(WHOLE_MOST), WHOLE_MOST),
        (0.1 + 0.2, Decimal("0.30000000000000004")),
    ],
)
def test_a_number_is_held_as_a_whole_one_or_with_exactly_its_digits(value: float, held: int | Decimal) -> None:
    assert exact(value) == held
    assert type(exact(value)) is type(held)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), float(2**53), -(2.0**53), 1e300])
def test_a_number_that_is_none_or_too_large_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite and within 2\\^53"):
        exact(value)


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        2**64,
        10**400,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal(38),
        Decimal("1E+2"),
        b"x",
        object(),
        {1, 2},
        {1: "a"},
        {None: 1},
        "\ud800",
        {"\ud800": 1},
        1j,
    ],
)
def test_what_has_no_form_is_refused_as_a_value_not_with_a_crash(value: Any) -> None:
    for held in (value, [value], {"a": value}):
        with pytest.raises(ValueError):
            canonical(held)


@pytest.mark.parametrize("value", [datetime(2026, 11, 21, tzinfo=UTC), date(2026, 11, 21), Point(1)])
def test_what_the_library_would_write_in_its_own_way_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        canonical(value)


@pytest.mark.parametrize("value", [Decimal("38.70"), Decimal("38.0"), Decimal("-0.0")])
def test_a_decimal_with_idle_zeros_is_refused_or_written_without(value: Decimal) -> None:
    try:
        written = canonical(value)
    except ValueError:
        return
    assert written == canonical(exact(float(value)))


def test_what_nests_without_end_is_refused() -> None:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    with pytest.raises(ValueError, match="Recursion"):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1 ",
        b"[1, 2]",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.5",
        b"[1.0]",
        b"1e3",
        b"-0",
        b"9007199254740992",
        b"18446744073709551616",
        b'"\\u00e9"',
        b'"\\u002f"',
        b'"\\/"',
        b'{"\xc3\xa9":1}',
        b"\xff",
        b"NaN",
        b"[1,]",
        b"\xef\xbb\xbf1",
        b'{"decimal":"38.70"}',
        b'{"decimal":"38.0"}',
        b'{"decimal":"38"}',
        b'{"decimal":"+38.7"}',
        b'{"decimal":"038.7"}',
        b'{"decimal":"3.87e1"}',
        b'{"decimal":" 38.7"}',
        b'{"decimal":"3_8.7"}',
        b'{"decimal":"nan"}',
        b'{"decimal":"inf"}',
        b'{"decimal":"-0.0"}',
        b'{"decimal":""}',
        b'{"decimal":38.7}',
        b'{"decimal":38}',
        b'{"decimal":null}',
        b'{"decimal":["38.7"]}',
        '{"decimal":"٣.٥"}'.encode(),
        b'{"decimal":".5"}',
        b'{"decimal":"5."}',
        b'{"decimal":"0.3000000000000000444089209850062616169452667236328125"}',
        b'{"decimal":"9007199254740993.5"}',
        b"[" * 600 + b"]" * 600,
    ],
)
def test_whatever_is_not_written_in_the_one_way_is_found(data: bytes) -> None:
    assert not is_canonical(data)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"NaN", b"[1,]", b'"\\ud800"'])
def test_what_is_no_record_at_all_is_refused_as_one(data: bytes) -> None:
    with pytest.raises(BadRecord):
        plain(data)


def test_decimals_come_back_as_numbers_and_texts_that_look_like_one_stay_text() -> None:
    value = {"t": Decimal("38.7"), "text": '{"decimal":"1.5"}', "list": [Decimal("-0.25"), 3]}
    assert plain(canonical(value)) == {"t": 38.7, "text": '{"decimal":"1.5"}', "list": [-0.25, 3]}
    assert wire(canonical(value)) == b'{"list":[-0.25,3],"t":38.7,"text":"{\\"decimal\\":\\"1.5\\"}"}'


def test_a_digest_names_the_bytes() -> None:
    assert digest(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()
