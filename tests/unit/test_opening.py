"""Opening hours: what open, closed and unknown mean, over midnight, holidays and the two nights of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from routing.facilities.opening import (
    ALWAYS,
    DAYS,
    OUT_OF_HOURS,
    TIME_ZONE,
    UNKNOWN,
    Opening,
    is_open,
    next_change,
    night,
    office_hours,
    opening_record,
    read_opening,
)
from routing.facilities.public_holidays import dutch_holidays

HOLIDAYS = dutch_holidays(2026, 2027)
EVERY_DAY: list[str] = list(DAYS)


def at(text: str) -> datetime:
    """`2026-11-18 14:00` by the Dutch clock."""
    return datetime.fromisoformat(text).replace(tzinfo=TIME_ZONE)


def windows(*entries: tuple[list[str], str, str]) -> Opening:
    return read_opening([{"days": list(days), "from": start, "to": end} for days, start, end in entries])


def is_open_at(opening: Opening, text: str) -> bool | None:
    return is_open(opening, at(text), HOLIDAYS)


DAYTIME = windows((EVERY_DAY, "08:00", "22:00"))
OVERNIGHT = windows((["fr"], "22:00", "06:00"))


def test_unknown_opening_is_not_open_nor_closed() -> None:
    assert is_open_at(UNKNOWN, "2026-11-18 14:00") is None
    assert next_change(UNKNOWN, at("2026-11-18 14:00"), HOLIDAYS) is None


def test_always_open_is_open_at_night_and_on_christmas_day() -> None:
    assert is_open_at(ALWAYS, "2026-11-18 03:00") is True
    assert is_open_at(ALWAYS, "2026-12-25 03:00") is True
    assert next_change(ALWAYS, at("2026-12-25 03:00"), HOLIDAYS) is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("07:59", False), ("08:00", True), ("21:59", True), ("22:00", False), ("00:00", False)],
)
def test_a_window_includes_its_beginning_and_not_its_end(moment: str, expected: bool) -> None:
    assert is_open_at(DAYTIME, f"2026-11-18 {moment}") is expected


def test_the_last_microsecond_before_opening_is_closed() -> None:
    assert is_open(DAYTIME, at("2026-11-18 08:00") - timedelta(microseconds=1), HOLIDAYS) is False


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20 21:59", False),  # Friday
        ("2026-11-20 22:00", True),
        ("2026-11-21 00:00", True),
        ("2026-11-21 05:59", True),  # Saturday morning, begun on Friday
        ("2026-11-21 06:00", False),
        ("2026-11-21 22:00", False),  # Saturday evening has no window of its own
        ("2026-11-20 03:00", False),  # Friday morning belongs to Thursday
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_began(moment: str, expected: bool) -> None:
    assert is_open_at(OVERNIGHT, moment) is expected


def test_a_window_begun_before_a_holiday_runs_on_into_it() -> None:
    thursday_night = windows((["th"], "22:00", "06:00"))
    assert is_open_at(thursday_night, "2026-12-24 23:00") is True
    assert is_open_at(thursday_night, "2026-12-25 05:00") is True  # Christmas day is a holiday, the night is Thursday's


def test_a_window_on_a_holiday_may_run_into_a_working_day() -> None:
    holiday_night = windows((["holiday"], "22:00", "06:00"))
    assert is_open_at(holiday_night, "2026-04-28 05:00") is True  # the morning after King's day
    assert is_open_at(holiday_night, "2026-04-27 05:00") is False


@pytest.mark.parametrize(
    "day", ["2026-04-27", "2026-05-14", "2026-12-25"]
)  # King's day, Ascension, Christmas: weekdays
def test_a_holiday_counts_as_holiday_and_not_as_its_weekday(day: str) -> None:
    assert is_open_at(windows((["mo", "tu", "we", "th", "fr"], "08:00", "17:00")), f"{day} 10:00") is False
    assert is_open_at(windows((["holiday"], "08:00", "17:00")), f"{day} 10:00") is True
    assert is_open_at(OUT_OF_HOURS, f"{day} 10:00") is True
    assert office_hours(at(f"{day} 10:00"), HOLIDAYS) is False


def test_the_evening_before_a_holiday_follows_its_weekday() -> None:
    assert office_hours(at("2026-12-24 16:59"), HOLIDAYS) is True
    assert is_open_at(OUT_OF_HOURS, "2026-12-24 16:59") is False
    assert is_open_at(OUT_OF_HOURS, "2026-12-24 17:00") is True


def test_the_huisartsenpost_stays_open_from_new_years_eve_until_the_second_of_january() -> None:
    eve = at("2026-12-31 17:00")  # a Thursday; 1 January 2027 is a Friday, then the weekend
    assert is_open(OUT_OF_HOURS, eve, HOLIDAYS) is True
    assert is_open_at(OUT_OF_HOURS, "2027-01-01 00:00") is True
    assert is_open_at(OUT_OF_HOURS, "2027-01-01 12:00") is True
    assert next_change(OUT_OF_HOURS, eve, HOLIDAYS) == at("2027-01-04 08:00")


def test_the_night_before_monday_is_out_of_hours() -> None:
    assert is_open_at(OUT_OF_HOURS, "2026-11-23 00:00") is True
    assert is_open_at(OUT_OF_HOURS, "2026-11-23 07:59") is True
    assert is_open_at(OUT_OF_HOURS, "2026-11-23 08:00") is False


def test_out_of_hours_is_all_that_is_not_office_hours() -> None:
    for quarter in range(14 * 96):
        moment = at("2026-12-21 00:00").astimezone(UTC) + timedelta(minutes=15 * quarter)
        assert is_open(OUT_OF_HOURS, moment, HOLIDAYS) is not office_hours(moment, HOLIDAYS)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("22:59", False), ("23:00", True), ("00:00", True), ("06:59", True), ("07:00", False), ("12:00", False)],
)
def test_night_is_from_eleven_to_seven(moment: str, expected: bool) -> None:
    assert night(at(f"2026-11-18 {moment}")) is expected


def test_the_dutch_clock_counts_whatever_the_offset_of_the_instant() -> None:
    assert is_open(DAYTIME, datetime(2026, 7, 1, 6, 0, tzinfo=UTC), HOLIDAYS) is True  # 08:00 in summer
    assert is_open(DAYTIME, datetime(2026, 12, 1, 6, 0, tzinfo=UTC), HOLIDAYS) is False  # 07:00 in winter


def test_a_bare_clock_time_is_refused() -> None:
    for question in (is_open, next_change):
        with pytest.raises(ValueError, match="time zone"):
            question(DAYTIME, datetime(2026, 11, 18, 14, 0), HOLIDAYS)
    with pytest.raises(ValueError, match="time zone"):
        night(datetime(2026, 11, 18, 14, 0))


def hours_open(opening: Opening, first: datetime, last: datetime) -> float:
    """Hours between two instants at which the place is open, counted in minutes that really pass."""
    minutes = int((last.astimezone(UTC) - first.astimezone(UTC)).total_seconds() / 60)
    start = first.astimezone(UTC)
    return sum(bool(is_open(opening, start + timedelta(minutes=minute), HOLIDAYS)) for minute in range(minutes)) / 60


def test_a_night_window_lasts_an_hour_less_in_march_and_an_hour_more_in_october() -> None:
    night_window = windows((["sa"], "23:00", "07:00"))
    assert hours_open(night_window, at("2026-03-28 12:00"), at("2026-03-29 12:00")) == 7
    assert hours_open(night_window, at("2026-10-24 12:00"), at("2026-10-25 12:00")) == 9
    assert hours_open(night_window, at("2026-11-21 12:00"), at("2026-11-22 12:00")) == 8


def test_a_time_in_the_hour_that_the_clock_skips_stands_for_three_oclock() -> None:
    until_half_past_two = windows((["su"], "00:00", "02:30"))
    assert next_change(until_half_past_two, at("2026-03-29 01:00"), HOLIDAYS) == at("2026-03-29 03:00")
    from_half_past_two = windows((["su"], "02:30", "06:00"))
    assert next_change(from_half_past_two, at("2026-03-29 01:00"), HOLIDAYS) == at("2026-03-29 03:00")
    assert is_open_at(from_half_past_two, "2026-03-29 03:00") is True
    within = windows((["su"], "02:15", "02:45"))
    assert hours_open(within, at("2026-03-29 00:00"), at("2026-03-29 12:00")) == 0


def test_in_the_repeated_hour_a_place_opens_the_first_time_and_closes_the_second() -> None:
    until_half_past_two = windows((["su"], "00:00", "02:30"))
    assert hours_open(until_half_past_two, at("2026-10-25 00:00"), at("2026-10-25 12:00")) == 3.5
    from_half_past_two = windows((["su"], "02:30", "06:00"))
    assert hours_open(from_half_past_two, at("2026-10-25 00:00"), at("2026-10-25 12:00")) == 4.5
    assert next_change(from_half_past_two, at("2026-10-25 00:00"), HOLIDAYS) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_next_change_says_when_it_closes_and_when_it_opens() -> None:
    assert next_change(DAYTIME, at("2026-11-18 14:00"), HOLIDAYS) == at("2026-11-18 22:00")
    assert next_change(DAYTIME, at("2026-11-18 22:00"), HOLIDAYS) == at("2026-11-19 08:00")
    assert next_change(OVERNIGHT, at("2026-11-21 03:00"), HOLIDAYS) == at("2026-11-21 06:00")


def test_two_windows_that_touch_are_one() -> None:
    touching = windows((EVERY_DAY, "08:00", "12:00"), (EVERY_DAY, "12:00", "18:00"))
    assert next_change(touching, at("2026-11-18 09:00"), HOLIDAYS) == at("2026-11-18 18:00")
    around_the_clock = windows((EVERY_DAY, "00:00", "24:00"))
    assert next_change(around_the_clock, at("2026-11-18 09:00"), HOLIDAYS) is None


def test_a_weekly_window_is_found_a_week_ahead_and_nothing_beyond_eight_days() -> None:
    monday = windows((["mo"], "09:00", "10:00"))
    assert next_change(monday, at("2026-11-16 10:00"), HOLIDAYS) == at("2026-11-23 09:00")
    on_holidays = windows((["holiday"], "09:00", "10:00"))
    assert next_change(on_holidays, at("2026-11-16 10:00"), HOLIDAYS) is None


def test_the_same_time_twice_is_a_whole_day() -> None:
    assert hours_open(windows((["we"], "08:00", "08:00")), at("2026-11-18 00:00"), at("2026-11-20 00:00")) == 24


@pytest.mark.parametrize("word", ["always", "unknown", "out_of_hours"])
def test_named_openings_are_written_as_their_name(word: str) -> None:
    assert opening_record(read_opening(word)) == word


def test_windows_are_written_as_they_were_read() -> None:
    record = [
        {"days": ["mo", "tu"], "from": "17:00", "to": "08:00"},
        {"days": ["su", "holiday"], "from": "00:00", "to": "24:00"},
    ]
    assert opening_record(read_opening(record)) == record


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("open", "always"),
        ([], "always"),
        (None, "always"),
        ([{"days": ["mo"], "from": "08:00"}], "exactly"),
        ([{"days": ["mo"], "from": "08:00", "to": "09:00", "note": "x"}], "exactly"),
        (["08:00-17:00"], "exactly"),
        ([{"days": [], "from": "08:00", "to": "09:00"}], "different days"),
        ([{"days": ["mo", "mo"], "from": "08:00", "to": "09:00"}], "different days"),
        ([{"days": ["monday"], "from": "08:00", "to": "09:00"}], "different days"),
        ([{"days": [{}], "from": "08:00", "to": "09:00"}], "different days"),
        ([{"days": "mo", "from": "08:00", "to": "09:00"}], "different days"),
        ([{"days": ["mo"], "from": "8:00", "to": "09:00"}], "`from`"),
        ([{"days": ["mo"], "from": "08:00", "to": "24:01"}], "`to`"),
        ([{"days": ["mo"], "from": "08:00", "to": 540}], "`to`"),
        ([{"days": ["mo"], "from": "24:00", "to": "09:00"}], "`from`"),
    ],
)
def test_a_wrong_opening_is_refused_with_what_is_allowed(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_opening(value)


def test_the_national_holidays_of_2026() -> None:
    assert sorted(dutch_holidays(2026, 2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 5),
        date(2026, 4, 6),
        date(2026, 4, 27),
        date(2026, 5, 14),
        date(2026, 5, 24),
        date(2026, 5, 25),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


def test_kings_day_moves_to_saturday_where_it_would_be_a_sunday() -> None:
    assert date(2025, 4, 26) in dutch_holidays(2025, 2025)
    assert date(2025, 4, 27) not in dutch_holidays(2025, 2025)


def test_days_that_differ_by_region_are_not_national_holidays() -> None:
    assert date(2026, 4, 3) not in HOLIDAYS  # Good Friday
    assert date(2025, 5, 5) not in dutch_holidays(2025, 2025)  # Liberation Day, a lustrum year
