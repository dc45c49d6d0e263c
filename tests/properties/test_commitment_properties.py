"""Commitments: a record falls apart into fields and comes together again, and nothing in it can change unseen."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import BadRecord
from routing.log.canonical import canonical
from routing.log.commitments import (
    Field,
    commitment,
    committed,
    fields_of,
    over_all,
    record_of,
    salts,
    written_with_fields,
)
from tests.capsules import outcome_of, record_of_version_1
from tests.capsules import record_of as decided
from tests.small_world import CASES

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


def as_read(record: Any) -> Any:
    return orjson.loads(canonical(record))


REAL = [as_read(decided(number, **case)) for number, case in enumerate(CASES.values(), 1)]
REAL += [as_read(record_of_version_1(20, **CASES["heart attack in shock"])), as_read(outcome_of(1, 30))]

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=8)
    | st.sampled_from([{"decimal": "38.7"}, {}, []])
)
NAMES = st.sampled_from(["a", "level", "because", "patient", "observations", "urgency", "10", "2"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
PARTS = st.dictionaries(NAMES, VALUES, max_size=4)
RECORDS = st.fixed_dictionaries(
    {"id": st.text(max_size=5), "version": st.integers(0, 9)},
    optional={
        "case": st.fixed_dictionaries({}, optional={"patient": PARTS, "observations": PARTS, "location": VALUES}),
        "reasons": st.lists(VALUES, max_size=12),
        "result": st.fixed_dictionaries(
            {}, optional={"urgency": PARTS, "recommendation": st.none() | PARTS, "needs": VALUES}
        ),
        "texts": VALUES,
        "comment": VALUES,
    },
)
"""JSON of the shape of a record, with anything in it."""


def put_together(record: Any) -> Any:
    return record_of((field.path, orjson.loads(field.value)) for field in fields_of(record))


@pytest.mark.parametrize("record", REAL, ids=range(len(REAL)))
def test_a_record_is_exactly_its_fields(record: Any) -> None:
    assert canonical(put_together(record)) == canonical(record)


@given(RECORDS)
@settings(max_examples=150)
def test_whatever_has_the_shape_of_a_record_is_exactly_its_fields(record: Any) -> None:
    assert canonical(put_together(record)) == canonical(record)


@given(st.one_of(RECORDS, st.sampled_from(REAL)))
@settings(max_examples=150)
def test_a_record_that_is_written_by_its_fields_has_the_canonical_bytes(record: Any) -> None:
    written, fields = written_with_fields(record)
    assert written == canonical(record)
    assert fields == fields_of(as_read(record))
    assert all(type(field) is Field for field in fields)
    assert [field.path for field in fields] == sorted({field.path for field in fields})


@given(RECORDS, st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_the_order_of_members_makes_no_difference(record: Any, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            names = [*value]
            random.shuffle(names)
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    assert committed(fields_of(shuffled(record)), KEY) == committed(fields_of(record), KEY)


def changes(record: Any) -> Iterator[tuple[str, list[Field]]]:
    """Fields with one of them changed, dropped, added or moved."""
    fields = fields_of(record)
    for number, field in enumerate(fields):
        rest = [*fields[:number], *fields[number + 1 :]]
        yield f"without {field.path}", rest
        yield f"{field.path} twice", sorted([*fields, field], key=lambda each: each.path)
        changed = Field(field.path, b"7" if field.value != b"7" else b"8")
        yield f"{field.path} changed", [*fields[:number], changed, *fields[number + 1 :]]
        moved = Field(f"{field.path}x", field.value)
        yield f"{field.path} moved", sorted([*rest, moved], key=lambda each: each.path)
    yield "one more", sorted([*fields, Field("case.x", b"1")], key=lambda each: each.path)


def test_every_field_that_is_changed_dropped_added_or_moved_changes_what_stands_in_the_log() -> None:
    record = REAL[2]
    before = committed(fields_of(record), KEY)
    assert [what for what, fields in changes(record) if committed(fields, KEY) == before] == []


def test_values_that_change_places_change_what_stands_in_the_log() -> None:
    record = REAL[2]
    for one, other in (("heart_rate", "systolic_bp"), ("a", "b")):
        first, second = copy.deepcopy(record), copy.deepcopy(record)
        first["case"]["observations"].update({one: 80, other: 112})
        second["case"]["observations"].update({one: 112, other: 80})
        assert committed(fields_of(first), KEY) != committed(fields_of(second), KEY)


@given(RECORDS)
@settings(max_examples=80)
def test_no_two_fields_have_the_same_salt_or_commitment(record: Any) -> None:
    fields = fields_of(record)
    found = salts(KEY, len(fields))
    assert len({*found}) == len(found) == len(fields)
    assert {len(salt) for salt in found} <= {16}
    assert len({*map(commitment, fields, found)}) == len(fields)


def test_records_that_say_the_same_under_different_keys_share_no_commitment() -> None:
    fields = fields_of(REAL[2])
    one = {*map(commitment, fields, salts(KEY, len(fields)))}
    other = {*map(commitment, fields, salts(OTHER_KEY, len(fields)))}
    assert one & other == set()
    assert committed(fields, KEY) != committed(fields, OTHER_KEY)


def test_the_order_of_commitments_says_nothing() -> None:
    fields = fields_of(REAL[2])
    found = [*map(commitment, fields, salts(KEY, len(fields)))]
    assert over_all(found) == over_all(reversed(found)) == committed(fields, KEY)


@pytest.mark.parametrize(
    "fields",
    [
        [("id", 1), ("id", 1)],
        [("case.patient.age_years", 1), ("case.patient", {"sex": "male"})],
        [("case.patient", {"age_years": 1})],
        [("case", {"patient": {}, "x": 1})],
        [("", {"id": 1})],
        [("id.more", 1)],
        [("result.needs.0", 1)],
        [("reasons.0", 1), ("reasons", [])],
        [("reasons", [1])],
        [("reasons.00", 1)],
        [("reasons.٣", 1)],
        [("reasons.x", 1)],
        [("reasons.10000", 1)],
        [("reasons.-1", 1)],
    ],
    ids=repr,
)
def test_fields_that_no_record_has_are_refused(fields: list[tuple[str, Any]]) -> None:
    with pytest.raises(BadRecord):
        record_of(fields)


def test_a_withheld_reason_leaves_a_gap() -> None:
    assert record_of([("reasons.2", "c"), ("reasons.0", "a")]) == {"reasons": ["a", None, "c"]}
