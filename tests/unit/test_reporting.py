"""Promises about taking in what places report: nothing impossible gets in, and a newer word never gives way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.errors import BadInput, Fault
from routing.facilities.reporting import FLIPS_MOST, FURTHEST_END, SILENCE, judge, read_report
from routing.facilities.status import Beds, Report, stop
from tests.small_world import AFTERNOON, vocabulary

RECEIVED = AFTERNOON.astimezone(UTC)
STOP = {"unit": "seh", "kind": "stop", "value": True, "observed_at": "2026-11-18T13:50:00+01:00"}
BEDS = {**STOP, "kind": "beds", "value": {"total": 30, "staffed": 25, "occupied": 20, "available": 5}}
SEEN = datetime.fromisoformat("2026-11-18T12:50:00+00:00")


def read(wire: Any) -> Report:
    return read_report(wire, vocabulary(), RECEIVED)


def faults(wire: Any) -> tuple[Fault, ...]:
    with pytest.raises(BadInput) as caught:
        read(wire)
    return caught.value.faults


def after(minutes: float) -> str:
    return (RECEIVED + timedelta(minutes=minutes)).isoformat()


def test_a_report_is_read_as_it_was_written() -> None:
    assert read(STOP) == Report("seh", "stop", True, SEEN)
    assert read(BEDS).value == Beds(30, 25, 20, 5)
    more = {"reason": "crowding", "source": "LPZ export 2", "since": "2026-11-18T13:20:00+01:00",
            "expected_end": "2026-11-18T15:00:00+01:00", "valid_until": "2026-11-18T14:30:00Z"}  # fmt: skip
    found = read({**STOP, **more})
    assert (found.reason, found.source, found.began) == ("crowding", "LPZ export 2", SEEN - timedelta(minutes=30))
    assert found.expected_end == datetime(2026, 11, 18, 14, tzinfo=UTC)
    assert found.valid_until == datetime(2026, 11, 18, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["stop", "open", "beds", "crowding", "waiting_minutes", "offload_minutes"])
def test_of_everything_it_can_be_said_that_it_is_not_known_any_more(kind: str) -> None:
    assert read({**STOP, "kind": kind, "value": None}).value is None


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"unit": "kitchen"}, "unit", "unknown_unit"),
        ({"unit": ""}, "unit", "unknown_unit"),
        ({"unit": 5}, "unit", "string_type"),
        ({"unit": None}, "unit", "string_type"),
        ({"kind": "mood"}, "kind", "literal_error"),
        ({"reason": "boredom"}, "reason", "unknown_reason"),
        ({"reason": True}, "reason", "string_type"),
        ({"bed": "elv_low"}, "bed", "not_about_beds"),
        ({"source": "a\nb"}, "source", "string_pattern_mismatch"),
        ({"source": "x" * 65}, "source", "string_pattern_mismatch"),
        ({"source": ""}, "source", "string_pattern_mismatch"),
        ({"comment": "busy"}, "comment", "extra_forbidden"),
        ({"patient": "somebody"}, "patient", "extra_forbidden"),
        ({"observed_at": None}, "observed_at", "value_error"),
        ({"observed_at": "2026-11-18T13:50:00"}, "observed_at", "value_error"),
        ({"observed_at": "2026-02-30T13:50:00Z"}, "observed_at", "value_error"),
        ({"observed_at": "2026-11-18"}, "observed_at", "value_error"),
        ({"observed_at": 1763470200}, "observed_at", "value_error"),
        ({"observed_at": "1026-11-18T13:50:00Z"}, "observed_at", "value_error"),
        ({"observed_at": after(1.02)}, "observed_at", "in_the_future"),
        ({"since": "2026-11-18T13:50:01+01:00"}, "since", "after_observed"),
        ({"expected_end": "2026-11-18T13:50:00+01:00"}, "expected_end", "ends_before_it_begins"),
        ({"since": "2026-11-18T13:00:00+01:00", "expected_end": "2026-11-18T12:00:00+01:00"}, "expected_end",
         "ends_before_it_begins"),
        ({"valid_until": "2026-11-18T13:49:00+01:00"}, "valid_until", "ends_before_it_begins"),
        ({"expected_end": after(FURTHEST_END.days * 1440 + 1)}, "expected_end", "too_far_ahead"),
        ({"expected_end": "tonight"}, "expected_end", "value_error"),
        ({"value": 1}, "value", "wrong_type"),
        ({"value": "true"}, "value", "wrong_type"),
        ({"value": {"available": 1}}, "value", "wrong_type"),
        ({"kind": "open", "value": 0}, "value", "wrong_type"),
        ({"kind": "crowding", "value": True}, "value", "out_of_range"),
        ({"kind": "crowding", "value": "5"}, "value", "out_of_range"),
        ({"kind": "crowding", "value": 5.0}, "value", "out_of_range"),
        ({"kind": "crowding", "value": -1}, "value", "out_of_range"),
        ({"kind": "crowding", "value": 501}, "value", "out_of_range"),
        ({"kind": "waiting_minutes", "value": 1441}, "value", "out_of_range"),
        ({"kind": "offload_minutes", "value": 601}, "value", "out_of_range"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_field(changes: Mapping[str, Any], field: str, code: str) -> None:
    (fault,) = faults({**STOP, **changes})
    assert (fault.field, fault.code) == (field, code)


@pytest.mark.parametrize(
    ("value", "field", "code"),
    [
        ({}, "value", "wrong_type"),
        (5, "value", "wrong_type"),
        ([5], "value", "wrong_type"),
        (True, "value", "wrong_type"),
        ({"free": 5}, "value.free", "unknown_count"),
        ({"available": -1}, "value.available", "out_of_range"),
        ({"available": True}, "value.available", "out_of_range"),
        ({"available": "5"}, "value.available", "out_of_range"),
        ({"available": 5.0}, "value.available", "out_of_range"),
        ({"available": None}, "value.available", "out_of_range"),
        ({"total": 5001}, "value.total", "out_of_range"),
        ({"total": 10, "staffed": 11}, "value.staffed", "impossible_count"),
        ({"total": 10, "available": 11}, "value.available", "impossible_count"),
        ({"staffed": 4, "available": 5}, "value.available", "impossible_count"),
        ({"total": 10, "occupied": 8, "available": 3}, "value.available", "impossible_count"),
        ({"total": 10, "occupied": 12, "available": 1}, "value.available", "impossible_count"),
    ],
)
def test_a_count_of_beds_that_cannot_be_is_refused(value: Any, field: str, code: str) -> None:
    (fault,) = faults({**BEDS, "value": value})
    assert (fault.field, fault.code) == (field, code)


def test_more_patients_than_beds_is_possible_and_leaves_none_free() -> None:
    found = read({**BEDS, "value": {"total": 10, "occupied": 12}}).value
    assert isinstance(found, Beds)
    assert found.free == 0


def test_a_kind_of_bed_is_of_one_unit() -> None:
    assert read({**BEDS, "bed": "emergency_department"}).subject == "seh/beds/emergency_department"
    (fault,) = faults({**BEDS, "bed": "elv_low"})
    assert (fault.field, fault.code, fault.allowed) == ("bed", "bed_of_another_unit", "`unit`: `elv`")
    (fault,) = faults({**BEDS, "bed": "hammock"})
    assert (fault.field, fault.code) == ("bed", "unknown_bed")


@pytest.mark.parametrize("name", ["unit", "kind", "value", "observed_at"])
def test_what_is_required_is_missed_by_name(name: str) -> None:
    (fault,) = faults({key: value for key, value in STOP.items() if key != name})
    assert (fault.field, fault.code) == (name, "missing")


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = {**STOP, "unit": "kitchen", "reason": "boredom", "since": after(-5), "value": "yes"}
    assert {fault.field for fault in faults(wrong)} == {"unit", "reason", "since", "value"}


@pytest.mark.parametrize("wire", [None, 5, "stop", [STOP]])
def test_a_report_is_an_object(wire: Any) -> None:
    (fault,) = faults(wire)
    assert fault.code == "not_an_object"


def test_faults_of_one_report_of_many_name_it() -> None:
    with pytest.raises(BadInput) as caught:
        read_report({**STOP, "unit": "kitchen"}, vocabulary(), RECEIVED, "3.")
    assert [fault.field for fault in caught.value.faults] == ["3.unit"]


def test_a_clock_that_is_a_little_ahead_does_not_make_a_report_of_the_future() -> None:
    assert read({**STOP, "observed_at": after(1)}).observed_at == RECEIVED


# -- beside what is known

KNOWN = stop("seh", SEEN)


def later(minutes: float, **changes: Any) -> Report:
    return replace(KNOWN, observed_at=SEEN + timedelta(minutes=minutes), **changes)


def test_the_first_word_about_something_is_taken() -> None:
    assert judge(KNOWN, None, 0).verdict == "taken"


def test_the_same_report_again_is_known() -> None:
    assert judge(KNOWN, KNOWN, 0).verdict == "known"
    assert judge(KNOWN, replace(KNOWN, since=SEEN - timedelta(minutes=9)), 0).verdict == "known"


@pytest.mark.parametrize("minutes", [0, -1, -600])
def test_an_older_report_never_takes_the_place_of_a_newer_one(minutes: int) -> None:
    judged = judge(later(minutes, value=False), KNOWN, 0)
    assert (judged.verdict, judged.report) == ("older", KNOWN)


def test_a_stop_that_goes_on_keeps_its_beginning() -> None:
    first = judge(later(30), KNOWN, 0).report
    second = judge(later(60), first, 0).report
    assert (second.began, second.observed_at) == (SEEN, SEEN + timedelta(minutes=60))


def test_a_beginning_that_is_said_is_believed() -> None:
    said = SEEN + timedelta(minutes=20)
    assert judge(later(30, since=said), KNOWN, 0).report.began == said


def test_a_stop_after_it_was_over_begins_anew() -> None:
    over = judge(later(30, value=False), KNOWN, 0)
    assert over.flip
    again = judge(later(60), over.report, 1)
    assert (again.flip, again.report.began) == (True, SEEN + timedelta(minutes=60))


def test_a_stop_of_which_nothing_was_heard_for_hours_is_another_one() -> None:
    """Else it would be over before it began: a stop counts for a few hours from its beginning."""
    hours = SILENCE.total_seconds() / 60
    assert judge(later(hours), KNOWN, 0).report.began == SEEN
    assert judge(later(hours + 1), KNOWN, 0).report.began == SEEN + timedelta(minutes=hours + 1)


def test_a_value_that_changes_too_often_is_kept_as_unknown_until_it_is_quiet() -> None:
    for flips in range(FLIPS_MOST - 1):
        assert judge(later(1, value=False), KNOWN, flips).report.value is False
    unsure = judge(later(1, value=False), KNOWN, FLIPS_MOST - 1)
    assert (unsure.verdict, unsure.report.value, unsure.report.reason) == ("taken", None, "flapping")
    assert judge(later(1, value=False), KNOWN, FLIPS_MOST).verdict == "damped"
    assert judge(later(1), KNOWN, FLIPS_MOST).verdict == "taken", "the same value again is no change"
