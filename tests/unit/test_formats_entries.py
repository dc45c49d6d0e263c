"""Promises about taking a long list apart: the same objects as when the file is read at once, or a clear refusal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import BrokenFeed
from routing.formats import entries
from routing.formats.entries import read_entries

TEXTS = st.text(alphabet=st.sampled_from('{}[]",:\\é\n 0a'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)


def read(data: bytes, key: str = "entry", bare_list: bool = False) -> list[Any]:
    found = read_entries(io.BytesIO(data), key, "entry", lambda head: None, bare_list)
    return [json.loads(entry) for _, _, entry in found]


@given(
    items=st.lists(OBJECTS, max_size=5),
    before=st.dictionaries(TEXTS, VALUES, max_size=3),
    after=st.dictionaries(TEXTS.map(lambda text: "z" + text), VALUES, max_size=3),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    chunk=st.integers(1, 40),
)
def test_the_objects_are_those_of_the_whole_file(
    items: list[Any], before: dict[str, Any], after: dict[str, Any], indent: int | None, ascii_only: bool, chunk: int
) -> None:
    data = json.dumps({**before, "entry": items, **after}, indent=indent, ensure_ascii=ascii_only).encode()
    usual = entries.CHUNK_BYTES
    entries.CHUNK_BYTES = chunk
    try:
        assert read(data) == items
        assert read(json.dumps(items).encode(), bare_list=True) == items
    finally:
        entries.CHUNK_BYTES = usual


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b'"entry"', "not_json"),
        (b'{"entry": [{}]', "cut_off"),
        (b'{"entry": [{}', "cut_off"),
        (b'{"entry": [{"a": "b', "cut_off"),
        (b'{"entry": [{}, ]}', "not_json"),
        (b'{"entry": [{} {}]}', "not_json"),
        (b'{"entry": [{}], }', "not_json"),
        (b'{"entry": [1]}', "not_json"),
        (b'{"entry": [[]]}', "not_json"),
        (b'{"entry": {}}', "not_json"),
        (b'{"entry": null}', "not_json"),
        (b'{"entry" [{}]}', "not_json"),
        (b"{entry: [{}]}", "not_json"),
        (b'{"entry": [{}]} {}', "not_json"),
        (b'{"entry": [{}], "entry": [{}]}', "duplicate_key"),
        (b'{"\\u0065ntry": [{}]}', "not_json"),
        (b'{"a": tru, "entry": []}', "not_json"),
        (b'{"a": , "entry": []}', "not_json"),
        (b'{"a": NaN, "entry": []}', "not_a_number"),
        (b'{"a": "\xff", "entry": []}', "not_utf8"),
        (b'{"entry": [{"a": ' + b"[" * 80 + b"]" * 80 + b"}]}", "too_deep"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b', "entry": []}', "too_deep"),
    ],
)
def test_what_is_not_one_object_with_one_list_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BrokenFeed) as caught:
        read(data)
    assert caught.value.faults[0].code == code


def test_the_refusal_names_the_entry_where_it_broke() -> None:
    with pytest.raises(BrokenFeed) as caught:
        read(b'{"entry": [{}, {}, {"a": ')
    assert caught.value.where == "entry 3"


def test_many_members_beside_the_list_take_no_more_than_a_megabyte() -> None:
    data = b"{" + b",".join(b'"%d":[0]' % number for number in range(200_000)) + b"}"
    with pytest.raises(BrokenFeed) as caught:
        read(data)
    assert caught.value.faults[0].code == "too_long"
