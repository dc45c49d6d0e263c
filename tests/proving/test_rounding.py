"""What the evaluator rounds once is never taken past a limit, which is what the solver is told of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.rules.scores import calculation

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NUMBERS = st.floats(-500, 500, allow_subnormal=False) | st.integers(-500, 500).map(float)
WEIGHTS = st.sampled_from([1.0, -1.0, 2.0, -2.0, 0.5, -0.25])
WHOLE = st.integers(-200, 200).map(float)


@settings(max_examples=500)
@given(
    one=NUMBERS,
    weights=st.tuples(WEIGHTS, WEIGHTS),
    plus=WHOLE | st.just(0.0),
    limit=WHOLE | st.just(0.0),
    steps=st.integers(-3, 3),
)
def test_a_sum_of_two_that_are_only_doubled_or_halved_is_never_taken_past_a_limit(
    one: float, weights: tuple[float, float], plus: float, limit: float, steps: int
) -> None:
    """The second number is chosen so that the sum lies on the limit, or so many of the smallest steps beside it."""
    first, second = weights
    other = (limit - plus - first * one) / second
    for _ in range(abs(steps)):
        other = math.nextafter(other, math.inf if steps > 0 else -math.inf)
    assume(math.isfinite(other))
    found = calculation({"weighted": {"of": {"a": first, "b": second}, "plus": plus}})({"a": one, "b": other}, NOW)
    assert found is not None
    exactly = Fraction(one) * Fraction(first) + Fraction(other) * Fraction(second) + Fraction(plus)
    if exactly >= limit:
        assert found >= limit
    if exactly <= limit:
        assert found <= limit
    if plus == limit == 0:
        assert (found == 0) == (exactly == 0)
