"""Whatever is sent, the answer is a decision or a problem that names the field: never a crash, never a record."""

from __future__ import annotations

import copy
import json
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.problem_schemas import Problem
from api.schemas import Decision
from tests.api.conftest import STEMI
from tests.once import read_vocabulary

WORDS = read_vocabulary()

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
member = st.sampled_from([*STEMI, "known_at", "region", "called_at", "assessed_at", "reference", "note", "supersedes"])
fact = st.sampled_from(sorted(WORDS.fact_names))


@st.composite
def almost_cases(draw: st.DrawFn) -> dict[str, Any]:
    """The STEMI case with a few members and facts replaced by anything."""
    body = copy.deepcopy(STEMI)
    body |= draw(st.dictionaries(member, anything, max_size=2))
    if isinstance(body.get("observations"), dict):
        body["observations"] |= draw(st.dictionaries(fact | st.text(max_size=12), anything, max_size=3))
    return body


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(body=almost_cases() | anything)
def test_a_body_that_is_almost_a_case_is_answered_or_refused(body: Any, app: Flask, keys: dict[str, str]) -> None:
    # json.dumps writes NaN, Infinity and lone surrogates, which are to be refused as well
    response = app.test_client().post(
        "/v1/decisions/preview",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {keys['triagist']}"},
    )
    assert response.status_code in (200, 400, 422), response.get_data(as_text=True)
    if response.status_code == 200:
        Decision.model_validate(response.get_json())
    else:
        assert Problem.model_validate(response.get_json()).errors


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_json_are_refused(body: bytes, app: Flask, keys: dict[str, str]) -> None:
    response = app.test_client().post(
        "/v1/decisions",
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {keys['triagist']}"},
    )
    assert response.status_code in (400, 422)
    assert Problem.model_validate(response.get_json()).errors


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    path=st.sampled_from(["/v1/decisions", "/v1/facilities", "/v1/vocabulary", "/v1/rulesets"]),
    query=st.dictionaries(
        st.sampled_from(["since", "until", "urgency", "facility", "cursor", "limit", "near", "region"])
        | st.text(max_size=8),
        st.text(max_size=30),
        max_size=3,
    ),
)
def test_a_query_of_anything_is_answered_or_refused(
    path: str, query: dict[str, str], app: Flask, keys: dict[str, str]
) -> None:
    response = app.test_client().get(path, query_string=query, headers={"Authorization": f"Bearer {keys['auditor']}"})
    assert response.status_code in (200, 422), response.get_data(as_text=True)
