"""Whatever the record: equal content gives equal bytes, as RFC 8785 would write them, and a changed byte is noticed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import BadRecord
from routing.log.canonical import WHOLE_MOST, canonical, exact, is_canonical, plain, wire

quick = settings(max_examples=200, deadline=None)

finite = st.floats(-WHOLE_MOST, WHOLE_MOST)
keys = st.text(st.characters(max_codepoint=127), max_size=8)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-WHOLE_MOST, WHOLE_MOST), st.text(st.characters(codec="utf-8"), max_size=12)
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def grow(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        objects = st.dictionaries(keys, part, max_size=4).filter(lambda found: found.keys() != {"decimal"})
        return st.one_of(st.lists(part, max_size=4), objects)

    return st.recursive(inner, grow, max_leaves=10)


values = nested(st.one_of(leaves, finite.map(exact)))
without_decimals = nested(leaves)


def as_floats(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    return [as_floats(item) for item in value] if isinstance(value, list) else value


def turned_around(value: Any) -> Any:
    """The same content with every object written in the opposite order."""
    if isinstance(value, dict):
        return {key: turned_around(item) for key, item in reversed(value.items())}
    return [turned_around(item) for item in value] if isinstance(value, list) else value


@quick
@given(values)
def test_what_is_written_is_in_the_one_form_and_reads_back_to_the_same_value(value: Any) -> None:
    data = canonical(value)
    assert is_canonical(data)
    assert plain(data) == as_floats(value)


@quick
@given(values)
def test_equal_content_gives_equal_bytes_whatever_the_order(value: Any) -> None:
    assert canonical(turned_around(value)) == canonical(value)


@quick
@given(without_decimals)
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert wire(canonical(value)) == canonical(value)


@quick
@given(finite)
def test_a_number_comes_back_as_it_was(value: float) -> None:
    assert float(plain(canonical(exact(value)))) == value


@quick
@given(finite, finite)
def test_two_numbers_have_the_same_bytes_exactly_if_they_are_equal(one: float, other: float) -> None:
    assert (canonical(exact(one)) == canonical(exact(other))) is (one == other)


@quick
@given(values, st.data())
def test_a_changed_byte_is_found_or_changes_the_value(value: Any, data: st.DataObject) -> None:
    written = bytearray(canonical(value))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != written[place]))
    changed = bytes(written)
    if is_canonical(changed):
        found = plain(changed)
        assert type(found) is not type(as_floats(value)) or found != as_floats(value)


@quick
@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    if is_canonical(data):
        plain(data)
    try:
        plain(data)
    except BadRecord:
        assert not is_canonical(data)
