"""Whatever is said in a valid way is kept exactly and reads back the same; all else is refused, never a crash."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.case import case_record, parse_case
from routing.errors import BadInput
from routing.log.canonical import canonical, exact, is_canonical, plain
from routing.vocabulary import Fact
from tests.once import read_vocabulary

WORDS = read_vocabulary()
NOW = datetime(2026, 11, 21, 19, 10, tzinfo=UTC)
OBSERVABLE = {key: fact for key, fact in WORDS.facts.items() if fact.given == "observations"}
NAMES = {name: key for name, key in WORDS.fact_names.items() if key in OBSERVABLE}

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
moments = st.datetimes(datetime(1950, 1, 1), NOW.replace(tzinfo=None), timezones=offsets).filter(
    lambda moment: moment <= NOW
)
times = moments.map(datetime.isoformat)


def value_of(fact: Fact) -> st.SearchStrategy[Any]:
    if fact.type == "boolean":
        return st.booleans()
    if fact.type == "choice":
        return st.sampled_from(sorted(fact.values))
    if fact.type == "time":
        return times
    assert fact.range is not None
    low, high = fact.range
    whole = st.integers(math.ceil(low), math.floor(high))
    return whole if fact.whole else st.one_of(whole, st.floats(low, high))


@st.composite
def observations(draw: st.DrawFn) -> dict[str, Any]:
    """Facts under their id or an alias, each at most once, some said to be unknown."""
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for name in draw(st.lists(st.sampled_from(sorted(NAMES)), max_size=12, unique=True)):
        key = NAMES[name]
        if key not in taken:
            taken.add(key)
            found[name] = draw(st.one_of(st.none(), value_of(OBSERVABLE[key]), value_of(OBSERVABLE[key])))
    return found


ages = st.one_of(
    st.builds(lambda years: {"age_years": years}, st.one_of(st.integers(0, 120), st.floats(0, 120))),
    st.builds(lambda months: {"age_months": months}, st.integers(0, 1500)),
    st.builds(
        lambda years, rest: {"age_years": years, "age_months": 12 * years + rest},
        st.integers(0, 119),
        st.integers(0, 11),
    ),
)
places = st.one_of(
    st.builds(lambda lat, lon: {"lat": lat, "lon": lon}, st.floats(51.9, 52.3), st.floats(4.9, 6.0)),
    st.sampled_from(["3584", "3584CX", "1105 az", "9712", " 6229hx "]).map(lambda written: {"postcode": written}),
    st.just({"lat": 52.0868, "lon": 5.1720, "postcode": "3584"}),
)
patients = st.builds(
    lambda age, sex: {**age, "sex": sex}, ages, st.sampled_from([None, *sorted(WORDS.facts["sex"].values)])
)
bodies = st.fixed_dictionaries(
    {"patient": patients, "location": places},
    optional={
        "reference": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
        "note": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
        "channel": st.sampled_from(sorted(WORDS.facts["channel"].values)),
        "transport": st.sampled_from(sorted(WORDS.facts["transport"].values)),
        "complaint": st.sampled_from(sorted(WORDS.complaint_names)),
        "called_at": times,
        "first_contact_at": times,
        "observations": observations(),
        "known_at": st.lists(st.sampled_from(["umc-utrecht", "antonius", "x"]), max_size=4),
        "region": st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
    },
)


@quick
@given(bodies)
def test_a_case_reads_back_from_its_record_as_it_was(body: dict[str, Any]) -> None:
    case = parse_case(body, WORDS, NOW)
    record = case_record(case)
    assert parse_case(record, WORDS, NOW, recorded=True) == case
    assert case_record(parse_case(record, WORDS, NOW, recorded=True)) == record
    assert "note" not in record


@quick
@given(bodies)
def test_nothing_that_is_said_is_dropped_or_changed_and_nothing_else_is_added(body: dict[str, Any]) -> None:
    found = parse_case(body, WORDS, NOW).observations
    said = {NAMES[name]: value for name, value in body.get("observations", {}).items() if value is not None}
    if (finding := WORDS.complaint_facts.get(body.get("complaint") or "")) is not None:
        said.setdefault(finding, True)  # the complaint says it
    assert found.keys() == said.keys()
    for key, value in said.items():
        if OBSERVABLE[key].type == "time":
            assert datetime.fromisoformat(str(found[key])) == datetime.fromisoformat(value)
        else:
            assert found[key] == value
            assert isinstance(found[key], bool) is isinstance(value, bool)


@quick
@given(bodies)
def test_a_record_survives_being_written_in_the_one_way(body: dict[str, Any]) -> None:
    case = parse_case(body, WORDS, NOW)
    written = canonical(held(case_record(case)))
    assert is_canonical(written)
    assert parse_case(plain(written), WORDS, NOW, recorded=True) == case


def held(value: Any) -> Any:
    """`value` with its numbers as a record holds them."""
    if isinstance(value, dict):
        return {key: held(item) for key, item in value.items()}
    if isinstance(value, list):
        return [held(item) for item in value]
    return exact(value) if isinstance(value, float) else value


junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(
            ["2026-11-21T20:04:00+01:00", "3584CX", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
        ),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
keys = [
    "patient",
    "location",
    "observations",
    "called_at",
    "known_at",
    "reference",
    "region",
    "channel",
    "complaint",
    "x",
]
inner_keys = [
    "age_years",
    "age_months",
    "sex",
    "lat",
    "lon",
    "postcode",
    "heart_rate",
    "hr",
    "avpu",
    "onset_at",
    "pregnant",
]
half_right = st.dictionaries(
    st.sampled_from(keys), st.one_of(junk, st.dictionaries(st.sampled_from(inner_keys), junk, max_size=4)), max_size=5
)


@settings(quick, max_examples=300)
@given(st.one_of(junk, half_right))
def test_whatever_is_sent_is_read_or_refused_by_field(body: Any) -> None:
    try:
        parse_case(body, WORDS, NOW)
    except BadInput as error:
        assert error.faults
        assert all(found.message and found.code for found in error.faults)
