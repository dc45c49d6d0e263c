"""Promises about our own feeds: every line is read strictly, and a wrong one takes no other with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.formats.feed import NO_PLACE, FeedRecord, PlaceName
from routing.formats.lines import LINES_MOST
from tests.feeds import example, facts, records, until_broken

TIME = "2026-11-21T20:04:00+01:00"
STOP = {"facility": "a", "unit": "seh", "kind": "stop", "value": True, "observed_at": TIME}
HEADER = "facility;unit;kind;bed;value;total;staffed;occupied;available;reason;observed_at"


def lines(*values: Any) -> bytes:
    return b"".join((value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n" for value in values)


def table(*rows: str, header: str = HEADER) -> bytes:
    return "".join(f"{row}\n" for row in (header, *rows)).encode()


def row(kind: str, value: str = "", total: str = "", available: str = "", place: str = "a", time: str = TIME) -> str:
    return f"{place};seh;{kind};;{value};{total};;;{available};;{time}"


def value_of(cells: str) -> Any:
    [record] = records("csv", table(cells))
    assert record.refused == ()
    return record.reports[0]["value"]


def refusals(record: FeedRecord) -> list[tuple[str, str]]:
    assert record.reports == ()
    assert record.profile is None
    return [(fault.field, fault.code) for fault in record.refused]


# -- an object a line


def test_a_report_keeps_all_its_fields_but_the_place() -> None:
    [record] = records("ndjson", lines({**STOP, "anything": 5}))
    assert record.place == PlaceName("id", "a")
    assert record.reports == (
        {"source": "demo", "unit": "seh", "kind": "stop", "value": True, "observed_at": TIME, "anything": 5},
    )


def test_the_source_of_a_line_goes_before_that_of_the_feed() -> None:
    [record] = records("ndjson", lines({**STOP, "source": "other"}))
    assert record.reports[0]["source"] == "other"


def test_lines_in_a_row_about_one_place_are_one_record() -> None:
    other = {**STOP, "facility": {"scheme": "agb", "value": "06010101"}}
    found = records("ndjson", lines(STOP, STOP, b"", STOP, other, other, STOP))
    assert [(record.place.value, len(record.reports)) for record in found] == [("a", 3), ("06010101", 2), ("a", 1)]
    assert [record.where for record in found] == ["lines 1 to 4", "lines 5 to 6", "line 7"]


def test_one_record_holds_at_most_so_many_lines() -> None:
    found = records("ndjson", lines(*[STOP] * (LINES_MOST * 2 + 1)))
    assert [len(record.reports) for record in found] == [LINES_MOST, LINES_MOST, 1]


def test_one_record_holds_at_most_a_megabyte() -> None:
    found = records("ndjson", lines(*[{**STOP, "reason": "x" * 400_000}] * 5))
    assert [len(record.reports) for record in found] == [2, 2, 1]


def test_a_profile_is_a_record_by_itself() -> None:
    profile = {"facility": "a", "profile": {"min_gestation_weeks": 32}, "observed_at": TIME, "source": "x"}
    found = records("ndjson", lines(STOP, profile, STOP))
    assert [len(record.reports) for record in found] == [1, 0, 1]
    assert found[1].profile == {"min_gestation_weeks": 32}
    assert found[1].observed_at == TIME
    assert [note.field for note in found[1].ignored] == ["source"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([STOP], ("", "wrong_type")),
        (5, ("", "wrong_type")),
        ({"unit": "seh"}, ("facility", "wrong_type")),
        ({**STOP, "facility": " "}, ("facility", "wrong_type")),
        ({**STOP, "facility": {"scheme": "agb"}}, ("facility", "wrong_type")),
        ({**STOP, "facility": {"scheme": "agb", "value": 6010101}}, ("facility", "wrong_type")),
        (b'{"facility": "a", "facility": "b"}', ("facility", "duplicate_key")),
        (b'{"facility": "a", "value": NaN}', ("value", "not_a_number")),
        ({"facility": "a", "profile": []}, ("profile", "wrong_type")),
        ({"facility": "a", "profile": {}, "unit": "seh"}, ("unit", "unknown_field")),
        ({"facility": "a", "profile": {}, "observed_at": "today"}, ("observed_at", "no_time")),
    ],
)
def test_a_wrong_line_is_refused_by_itself(line: Any, expected: tuple[str, str]) -> None:
    before, wrong, after = records("ndjson", lines(STOP, line, STOP))
    assert refusals(wrong) == [expected]
    assert wrong.where == "line 2"
    assert len(before.reports) == len(after.reports) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"facility": "a"', "not_json"),
        (b"hello", "not_json"),
        (b'{"facility": "\xe9"}', "not_utf8"),
        (b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}", "too_deep"),
        (b"[" * 900 + b"NaN" + b"]" * 900, None),
        (b"[" * 100_000, "not_json"),
        (b'"' + b"a" * 1_000_000 + b'"', "too_long"),
    ],
)
def test_a_damaged_line_breaks_the_feed_after_the_lines_before_it(line: bytes, code: str | None) -> None:
    found, broken = until_broken("ndjson", lines(STOP, STOP, line, STOP))
    assert [len(record.reports) for record in found[:1]] == [2]
    if code is not None:
        assert len(found) == 1
        assert broken is not None
        assert (broken.where, broken.faults[0].code) == ("line 3", code)


@given(st.lists(st.sampled_from(["a", "b"]), max_size=30))
def test_joining_lines_loses_none_and_keeps_their_order(places: list[str]) -> None:
    data = lines(*({**STOP, "facility": place, "reason": str(number)} for number, place in enumerate(places)))
    found = facts(records("ndjson", data))
    assert [(place.value, report["reason"]) for place, report in found] == [(p, str(n)) for n, p in enumerate(places)]


# -- a table


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (row("stop", "true"), True),
        (row("stop", "false"), False),
        (row("stop"), None),
        (row("open", " true "), True),
        (row("crowding", "85"), 85),
        (row("waiting_minutes", "0"), 0),
        (row("offload_minutes"), None),
        (row("beds", total="12", available="0"), {"total": 12, "available": 0}),
        (row("beds"), None),
    ],
)
def test_a_cell_is_read_by_its_kind(cells: str, value: Any) -> None:
    assert value_of(cells) == value


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        *((row("stop", text), ("value", "wrong_type")) for text in ("True", "1", "ja", "null", "yes")),
        *(
            (row("crowding", text), ("value", "wrong_type"))
            for text in ("-1", "+1", "1.0", "1e2", "01", "١", "1 0", "9" * 10)
        ),
        (row("beds", total="x"), ("total", "wrong_type")),
        (row("beds", "5"), ("value", "not_here")),
        (row("stop", "true", total="5"), ("total", "not_here")),
        (row("closed", "true"), ("kind", "unknown_value")),
        (row("stop", "true", time=""), ("observed_at", "no_time")),
        (row("stop", "true", time="2026-11-21 20:04"), ("observed_at", "no_time")),
        (row("stop", "true", place=""), ("facility", "missing")),
        ("a;;stop;;true;;;;;;" + TIME, ("unit", "missing")),
        ("a;seh;stop;;true", ("line 3", "wrong_length")),
        (row("stop", "true") + ";", ("line 3", "wrong_length")),
    ],
)
def test_a_wrong_row_is_refused_by_itself(cells: str, expected: tuple[str, str]) -> None:
    before, wrong, after = records("csv", table(row("stop", "true"), cells, row("stop", "false")))
    assert refusals(wrong) == [expected]
    assert wrong.where == "line 3"
    assert len(before.reports) == len(after.reports) == 1


def test_all_that_is_wrong_with_a_row_is_named_at_once() -> None:
    [record] = records("csv", table("a;;stop;;maybe;;;;;;now"))
    assert refusals(record) == [("unit", "missing"), ("observed_at", "no_time"), ("value", "wrong_type")]


def test_commas_a_byte_order_mark_quotes_and_other_orders_of_columns_are_fine() -> None:
    whole = records("csv", example("csv"))
    text = example("csv").decode()
    assert records("csv", b"\xef\xbb\xbf" + text.replace(";", ",").encode()) == whole
    quoted = text.replace("umc-utrecht;", '"umc-utrecht";').replace("\r\n", "\n")
    assert records("csv", quoted.encode()) == whole
    turned = "".join(";".join(reversed(line.split(";"))) + "\n" for line in text.split("\r\n")[:-1])
    assert records("csv", turned.encode())[0].place == whole[0].place


def test_a_line_break_within_quotes_does_not_shift_the_count_of_lines() -> None:
    found = records("csv", table('a;seh;stop;;true;;;;;"no\nbeds";' + TIME, row("stop", "x")))
    assert found[0].reports[0]["reason"] == "no\nbeds"
    assert found[1].where == "line 4"


@pytest.mark.parametrize(
    ("data", "where", "code"),
    [
        (b"", "line 1", "no_columns"),
        (b"\n", "line 1", "no_columns"),
        (b"facility;unit;kind;observed_at;colour\n", "line 1", "unknown_column"),
        (b"facility;unit;kind;observed_at;kind\n", "line 1", "double_column"),
        (b"facility;unit;kind\n", "line 1", "missing_column"),
        (table(row("stop", "true"))[:-1], "line 2", "cut_off"),
        (table('a;seh;stop;"true'), "line 2", "not_csv"),
        (table('a;seh;stop;"tr"ue'), "line 2", "not_csv"),
        (table("a;seh\rstop;true"), "line 2", "not_csv"),
        (table(row("stop", "true").replace("seh", "s\xe9h")).replace(b"\xc3\xa9", b"\xe9"), "line 2", "not_utf8"),
        (table("a" * 1_000_001), "line 2", "too_long"),
        (table("a" * 200_000), "line 2", "not_csv"),
    ],
)
def test_a_damaged_table_breaks_where_the_damage_is(data: bytes, where: str, code: str) -> None:
    found, broken = until_broken("csv", data)
    assert facts(found) == []
    assert broken is not None
    assert (broken.where, broken.faults[0].code) == (where, code)


def test_a_row_without_a_place_names_none() -> None:
    [record] = records("csv", table(row("stop", "true", place="")))
    assert record.place == NO_PLACE
