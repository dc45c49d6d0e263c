"""What comes in over CDS Hooks is the case that one would send to /v1/decisions, whatever was measured."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import service
from routing.case import parse_case
from routing.errors import BadInput
from routing.formats.cds_cards import SUMMARY_MOST, card_of
from routing.formats.cds_case import WHY, Asked, case_of
from routing.formats.cds_request import read_request
from routing.formats.fhir_codes import UNITS, converted, fact_codes
from routing.world import World
from tests.api.conftest import world as world
from tests.fhir import UCUM, bundle, call, measured
from tests.once import read_vocabulary

WORDS = read_vocabulary()
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CODES = fact_codes(WORDS)
MEASURED = {
    code: fact for code, fact in CODES.items() if WORDS.facts[fact].type == "number" and code.startswith("http://loinc")
}


def observed(code: str, value: float, unit: str) -> dict[str, Any]:
    system, _, bare = code.partition("|")
    made = measured(bare, value, unit)
    return {**made, "code": {"coding": [{"system": system, "code": bare}]}}


def asked(*resources: dict[str, Any]) -> Asked:
    body = call(observations=bundle(*resources), findings=None)
    body["prefetch"]["encounter"]["reasonCode"] = []
    return case_of(read_request(body), WORDS, NOW)


numbers = st.integers(-10, 400) | st.floats(-10, 400, allow_nan=False).map(lambda value: round(value, 2))


@settings(max_examples=150, deadline=None)
@given(code=st.sampled_from(sorted(MEASURED)), value=numbers, data=st.data())
def test_a_measurement_is_the_fact_or_is_named_and_never_anything_else(
    code: str, value: float, data: st.DataObject
) -> None:
    fact_id = MEASURED[code]
    fact = WORDS.facts[fact_id]
    unit = data.draw(st.sampled_from([*sorted(UNITS[fact.unit or ""]), "[in_i]"]))
    found = asked(observed(code, value, unit))
    said = converted(value, unit, fact)
    direct = {
        "patient": {"age_years": 67, "sex": "male"},
        "location": {"postcode": "3584CX"},
        "observations": {fact_id: said},
    }
    try:
        case = None if said is None else parse_case(direct, WORDS, NOW)
    except BadInput:
        case = None
    if case is None:
        assert "observations" not in found.case
        assert [each.why for each in found.unused if each.why in ("unit", "impossible")]
    else:
        assert parse_case(found.case, WORDS, NOW).observations == case.observations
        assert not [each for each in found.unused if each.why in ("unit", "impossible")]


@settings(max_examples=200, deadline=None)
@given(value=st.integers(0, 10_000).map(lambda each: each / 100))
def test_units_are_converted_exactly(value: float) -> None:
    for unit, accepted in UNITS.items():
        facts = [fact for fact in WORDS.facts.values() if fact.unit == unit]
        for ucum, factor in accepted.items():
            for fact in facts[:1]:
                assert converted(value, ucum, fact) == float(Decimal(str(value)) * factor)


def test_every_unit_of_a_fact_that_has_a_code_is_read() -> None:
    assert {WORDS.facts[fact].unit for fact in MEASURED.values()} <= UNITS.keys()


vitals = st.fixed_dictionaries(
    {},
    optional={
        ("8867-4", "/min", "heart_rate"): st.integers(0, 350),
        ("8480-6", "mm[Hg]", "systolic_bp"): st.integers(0, 320),
        ("59408-5", "%", "spo2"): st.integers(0, 100),
        ("2708-6", "%", "spo2"): st.integers(0, 100),
        ("8310-5", "Cel", "temperature"): st.integers(200, 460).map(lambda each: each / 10),
        ("9279-1", "{breaths}/min", "respiratory_rate"): st.integers(0, 150),
        ("9269-2", "{score}", "gcs"): st.integers(3, 15),
        ("14743-9", "mmol/L", "glucose"): st.integers(0, 1000).map(lambda each: each / 10),
    },
)


@pytest.fixture(scope="module")
def preview(world: World) -> Callable[[Any], dict[str, Any]]:
    """What is decided about a case, at one moment."""
    standing = dataclasses.replace(world, clock=lambda: NOW)
    return lambda case: service.preview(standing, case)


@settings(max_examples=15, deadline=None)
@given(measures=vitals)
def test_what_is_decided_is_what_the_same_case_gets_over_v1(
    measures: dict[Any, float], preview: Callable[[Any], dict[str, Any]]
) -> None:
    found = asked(*(measured(code, value, unit) for (code, unit, _), value in measures.items()))
    of_fact: dict[str, set[float]] = {}
    for (_, _, fact), value in measures.items():
        of_fact.setdefault(fact, set()).add(value)
    direct = {
        "patient": {"age_years": 67, "sex": "male"},
        "location": {"postcode": "3584CX"},
        "observations": {fact: values.copy().pop() for fact, values in of_fact.items() if len(values) == 1},
    }
    there, here = preview(direct), preview(found.case)
    for name in ("urgency", "conditions", "needs", "dispatch", "recommendation", "alternatives", "open_questions"):
        assert here[name] == there[name], name
    card = card_of({**here, "id": "01a202e0-2f70-7455-a350-b0834be62ba3"}, found, WORDS, "https://wegwijs.example/")
    assert len(card["summary"]) <= SUMMARY_MOST
    assert here["urgency"]["level"] in card["summary"]


# -- whatever is sent -------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def spots(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every member of `value`."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(spot for key, member in members for spot in spots(member, (*way, key)))]


SPOTS = [way for way in spots(call()) if way]


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.sampled_from(SPOTS), anything), min_size=1, max_size=3))
def test_a_call_of_almost_anything_is_read_or_refused_with_a_field(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    body: Any = copy.deepcopy(call())
    for way, value in changes:
        part = body
        try:
            for key in way[:-1]:
                part = part[key]
            part[way[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    try:
        found = case_of(read_request(body), WORDS, NOW)
    except BadInput as error:
        assert error.faults
        assert all(fault.field and fault.message for fault in error.faults)
        return
    assert all(each.why in WHY for each in found.unused)


@pytest.mark.parametrize("sender", [{"value": 112, "system": UCUM, "code": "/min", "unit": "slagen per minuut"}])
def test_the_words_of_a_unit_are_not_looked_at(sender: dict[str, Any]) -> None:
    assert asked(measured("8867-4", 0, "", valueQuantity=sender)).case["observations"] == {"heart_rate": 112}
