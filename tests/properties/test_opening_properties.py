"""Whatever the windows: a place opens and closes only where the next change says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.facilities.opening import (
    DAYS,
    HORIZON,
    OUT_OF_HOURS,
    TIME_ZONE,
    Hours,
    Opening,
    Window,
    is_open,
    next_change,
    office_hours,
    opening_record,
    read_opening,
)
from routing.facilities.public_holidays import dutch_holidays

HOLIDAYS = dutch_holidays(2026, 2027)

# Starts of stretches in which something happens: both nights of the clock, Christmas, King's day, Ascension, New Year.
EVENTFUL = [
    datetime(2026, month, day, tzinfo=UTC)
    for month, day in ((3, 27), (10, 23), (12, 23), (12, 30), (4, 25), (5, 12), (11, 16))
]

quarters = st.integers(0, 95).map(lambda quarter: quarter * 15)
windows = st.builds(
    Window,
    days=st.frozensets(st.sampled_from(DAYS), min_size=1),
    start=quarters,
    end=quarters.map(lambda minutes: minutes + 15),
)
openings = st.lists(windows, min_size=1, max_size=4).map(lambda found: Opening("windows", tuple(found)))
instants = st.builds(
    lambda start, seconds: start + timedelta(seconds=seconds), st.sampled_from(EVENTFUL), st.integers(0, 5 * 86_400)
)


@given(openings, instants, st.lists(st.integers(0, 20 * 86_400), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_hours_from_an_instant_on_answer_as_when_asked_each_time(
    opening: Opening, begin: datetime, seconds: list[int]
) -> None:
    hours = Hours(opening, begin, HOLIDAYS)
    for later in (begin, *(begin + timedelta(seconds=number) for number in seconds)):
        assert hours.is_open(later) is is_open(opening, later, HOLIDAYS)
        assert hours.next_change(later) == next_change(opening, later, HOLIDAYS)


@given(openings, instants)
@settings(max_examples=300, deadline=None)
def test_nothing_changes_before_the_next_change_and_something_does_there(opening: Opening, at: datetime) -> None:
    now, change = is_open(opening, at, HOLIDAYS), next_change(opening, at, HOLIDAYS)
    until = change if change is not None else at + HORIZON
    assert until.tzinfo is UTC
    assert at < until <= at + HORIZON
    step = (until - at) / 50
    assert all(is_open(opening, at + step * number, HOLIDAYS) is now for number in range(50))
    assert is_open(opening, until - timedelta(microseconds=1), HOLIDAYS) is now
    if change is not None:
        assert is_open(opening, change, HOLIDAYS) is not now


@given(openings, instants)
@settings(max_examples=100, deadline=None)
def test_following_the_changes_gives_the_same_answer_as_asking_every_quarter(opening: Opening, at: datetime) -> None:
    moment, state, change = at, is_open(opening, at, HOLIDAYS), next_change(opening, at, HOLIDAYS)
    while moment < at + timedelta(days=2):
        while change is not None and change <= moment:
            state, change = not state, next_change(opening, change, HOLIDAYS)
        assert is_open(opening, moment, HOLIDAYS) is state
        moment += timedelta(minutes=15)


@given(openings)
def test_an_opening_is_read_back_as_it_was_written(opening: Opening) -> None:
    assert read_opening(opening_record(opening)) == opening


@given(instants)
def test_a_patient_always_has_the_huisarts_or_the_huisartsenpost(at: datetime) -> None:
    assert office_hours(at, HOLIDAYS) is not is_open(OUT_OF_HOURS, at, HOLIDAYS)


@given(openings, instants, st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5))
def test_the_offset_in_which_an_instant_is_written_makes_no_difference(
    opening: Opening, at: datetime, extra: set[date]
) -> None:
    holidays = HOLIDAYS | extra
    assert is_open(opening, at, holidays) is is_open(opening, at.astimezone(TIME_ZONE), holidays)
    assert next_change(opening, at, holidays) == next_change(opening, at.astimezone(TIME_ZONE), holidays)
