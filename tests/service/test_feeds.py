"""Feeds are taken in record by record: each as a whole, or refused with what is wrong with it; nothing is silent."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from routing.directory_here import newest_directory
from routing.errors import BadInput, NotFound
from routing.facilities.changes import PROFILE
from routing.feeding.report import COUNTS, LISTED_MOST, FeedReport, Outcome
from routing.feeding.taking_in import sender, take_in
from routing.rights import Asker
from routing.service import World, authenticate, create_key
from tests.service.conftest import Clock

UMCU, AMC = "umc-utrecht", "adrz-goes"
OPERATOR = sender("test")


def stop(
    place: Any = UMCU, value: bool | None = True, at: str = "2026-11-18T13:50:00+01:00", **more: Any
) -> dict[str, Any]:
    return {"facility": place, "unit": "seh", "kind": "stop", "value": value, "observed_at": at, **more}


def profile(place: Any = UMCU, at: str | None = "2026-11-18T13:50:00+01:00", **fields: Any) -> dict[str, Any]:
    return {"facility": place, "profile": fields, **({"observed_at": at} if at else {})}


def lines(records: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def feed(world: World, *records: Any, asker: Asker = OPERATOR, **more: Any) -> FeedReport:
    return take_in(world, "ndjson", io.BytesIO(lines(records)), asker, source="test", **more)


def facts(world: World) -> Any:
    """All that is known: profiles and status, without when it was received."""
    found = newest_directory(world)
    return list(found.facilities), dict(found.status)


def codes(report: FeedReport) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for outcome in report.listed for fault in outcome.refused]


def test_a_feed_is_taken_in_with_one_revision(world: World) -> None:
    before = newest_directory(world).revision
    report = feed(world, stop(), stop(AMC), profile(contacts={"general": "088 755 5555"}))
    assert report.counts == {**dict.fromkeys(COUNTS, 0), "records": 3, "taken": 3}
    assert report.complete and report.directory_revision == before + 1 == newest_directory(world).revision
    assert newest_directory(world).by_id[UMCU].contacts == {"general": "088 755 5555"}
    assert newest_directory(world).status[UMCU][0].source == "test"


def test_the_same_feed_again_changes_nothing(world: World) -> None:
    records = [stop(), stop(AMC, False), profile(capabilities={"pci": None}), profile(AMC, at=None, remarks=["x"])]
    first = feed(world, *records)
    again = feed(world, *records)
    assert again.counts["known"] == first.counts["taken"] == 4
    assert again.counts["taken"] == again.counts["older"] == 0
    assert again.directory_revision == first.directory_revision and again.complete


def test_an_older_observation_never_takes_the_place_of_a_newer_one(world: World) -> None:
    feed(world, stop(), profile(city="Utrecht-Oost"))
    report = feed(
        world,
        stop(value=False, at="2026-11-18T13:40:00+01:00"),
        profile(at="2026-11-18T13:40:00+01:00", city="Nergens"),
        profile(at="2026-11-18T13:50:00+01:00", city="Nergens"),
    )
    assert [outcome.older for outcome in report.listed] == [("seh/stop",), (PROFILE,), (PROFILE,)]
    assert newest_directory(world).by_id[UMCU].city == "Utrecht-Oost"
    assert newest_directory(world).status[UMCU][0].value is True


def test_a_profile_is_laid_over_what_is_known_name_by_name(world: World) -> None:
    known = newest_directory(world).by_id[UMCU]
    feed(world, profile(identifiers={"agb": "06010101", "lpz": "7"}, capabilities={"pci": None}))
    feed(world, profile(at="2026-11-18T13:51:00+01:00", identifiers={"lpz": None, "ura": "1"}, roaz=None))
    found = newest_directory(world).by_id[UMCU]
    assert found.identifiers == {"agb": "06010101", "ura": "1"}
    assert found.given == {**known.given, "pci": None} and found.capabilities["pci"] is None
    assert "roaz" not in found.regions and found.name == known.name


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (stop("nowhere"), ("facility", "unknown_place")),
        (stop({"scheme": "agb", "value": "1"}), ("facility.agb", "unknown_place")),
        (stop() | {"unit": "garden"}, ("unit", "unknown_unit")),
        (stop(reason="rain"), ("reason", "unknown_reason")),
        (stop(at="2026-11-18T15:50:00+01:00"), ("observed_at", "in_the_future")),
        (stop(expected_end="2026-11-18T13:00:00+01:00"), ("expected_end", "ends_before_it_begins")),
        (stop() | {"kind": "crowding", "value": 501}, ("value", "out_of_range")),
        (
            stop() | {"unit": "icu", "kind": "beds", "value": {"total": 4, "available": 5}},
            ("value.available", "impossible_count"),
        ),
        (stop() | {"unit": "icu", "kind": "beds", "value": {"total": -1}}, ("value.total", "out_of_range")),
        (profile(capabilities={"magic": True}), ("profile.capabilities.magic", "unknown_capability")),
        (profile(at="2027-11-18T13:50:00+01:00", city="X"), ("observed_at", "in_the_future")),
        (profile(id=AMC), ("profile.id", "other_place")),
        (profile(located_at="nowhere"), ("profile.located_at", "unknown_place")),
        (profile(lat=12.0), ("profile.lat", "greater_than_equal")),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_the_others_go_on(
    world: World, record: Any, fault: tuple[str, str]
) -> None:
    before = facts(world)
    report = feed(world, record, stop(AMC))
    assert codes(report) == [fault]
    assert report.counts["refused"] == report.counts["taken"] == 1 and not report.complete
    assert facts(world)[0] == before[0]
    assert {*facts(world)[1]} - {*before[1]} == {AMC}


def test_nothing_of_a_record_is_taken_if_any_of_it_is_wrong(world: World) -> None:
    report = feed(world, stop(), stop() | {"unit": "garden"}, stop() | {"kind": "crowding", "value": 900}, stop(AMC))
    assert codes(report) == [("1.unit", "unknown_unit"), ("2.value", "out_of_range")]
    assert report.counts["records"] == 2 and {*newest_directory(world).status} == {AMC}


def test_a_place_can_be_named_by_an_identifier_that_the_same_feed_gives_it(world: World) -> None:
    name = {"scheme": "agb", "value": "06010101"}
    report = feed(world, stop(name), profile(identifiers={"agb": "06010101"}), stop(name))
    assert codes(report) == [("facility.agb", "unknown_place")]
    assert newest_directory(world).status[UMCU][0].value is True
    assert feed(world, stop(name, False, "2026-11-18T13:55:00+01:00")).counts["taken"] == 1


def test_a_name_that_fits_two_places_is_refused(world: World) -> None:
    feed(world, profile(identifiers={"ura": "7"}), profile(AMC, identifiers={"ura": "7"}))
    report = feed(world, stop({"scheme": "ura", "value": "7"}))
    assert codes(report) == [("facility.ura", "ambiguous_place")]


def test_a_place_can_be_named_by_its_name(world: World) -> None:
    report = feed(world, stop({"scheme": "name", "value": " umc  UTRECHT "}))
    assert report.counts["taken"] == 1 and {*newest_directory(world).status} == {UMCU}


NEW = {"name": "Nieuw", "kind": "hospital_seh", "city": "Ede", "lat": 52.0, "lon": 5.6}


def test_only_an_operator_adds_a_place_and_only_with_a_whole_profile(world: World) -> None:
    key = Asker(str(uuid4()), "x", frozenset({"facility"}), frozenset({"new-place"}))
    assert codes(feed(world, profile("new-place", **NEW), asker=key)) == [("facility", "unknown_place")]
    half = {key: value for key, value in NEW.items() if key not in ("lat", "kind")}
    assert codes(feed(world, profile("new-place", **half))) == [
        ("profile.kind", "missing"),
        ("profile.lat", "missing"),
    ]
    report = feed(world, profile("new-place", **NEW), stop("new-place"))
    assert report.counts["taken"] == 2 and report.complete
    assert newest_directory(world).by_id["new-place"].name == "Nieuw"
    assert {*newest_directory(world).status} == {"new-place"}


def test_a_key_of_a_place_changes_only_its_own_record(world: World) -> None:
    own = authenticate(world, create_key(world, "place", frozenset({"facility"}), frozenset({UMCU})))
    assert own is not None
    report = feed(world, stop(), stop(AMC), asker=own)
    assert codes(report) == [("facility", "not_allowed")] and report.counts["taken"] == 1
    assert report.listed[0].refused[0].allowed == UMCU


def test_a_value_that_flips_ten_times_a_minute_is_damped(world: World, clock: Clock) -> None:
    reports = [stop(value=number % 2 == 0, at=f"2026-11-18T13:50:{number * 6:02}+01:00") for number in range(10)]
    mixed = [each for report in reports for each in (report, stop(AMC, True, report["observed_at"]))]
    report = feed(world, *mixed)
    assert report.counts["damped"] == 5
    kept = newest_directory(world).status[UMCU][0]
    assert (kept.value, kept.reason) == (None, "flapping")
    assert [outcome.damped for outcome in report.listed] == [("seh/stop",)] * 5


def test_a_history_that_is_read_at_once_does_not_flip(world: World) -> None:
    reports = [stop(value=number % 2 == 0, at=f"2026-11-{8 + number:02}T13:50:00+01:00") for number in range(10)]
    report = feed(world, *reports)
    assert report.counts["damped"] == 0
    kept = newest_directory(world).status[UMCU][0]
    assert (kept.value, kept.reason) == (False, None)


def test_what_was_read_before_a_feed_breaks_is_kept_and_the_report_says_where(world: World) -> None:
    data = lines([stop(), stop(AMC)]) + b'{"facility": "umc-utr'
    report = take_in(world, "ndjson", io.BytesIO(data), OPERATOR, source="test")
    assert report.broken is not None and report.broken.field == "line 3"
    assert report.counts["taken"] == 2 and not report.complete
    assert {*newest_directory(world).status} == {UMCU, AMC}


def test_at_every_place_where_a_feed_may_be_cut_only_whole_records_are_taken(world: World) -> None:
    data = lines([stop(), stop(AMC)])
    first = data.index(b"\n") + 1
    for cut in range(0, len(data), 7):
        report = take_in(world, "ndjson", io.BytesIO(data[:cut]), OPERATOR, source="test", dry_run=True)
        whole = 1 if cut >= first - 1 else 0
        assert report.counts["taken"] == whole, cut
        assert (report.broken is None) == (cut in (0, first - 1, first)), cut


def test_a_dry_run_says_the_same_and_keeps_nothing(world: World) -> None:
    records = [stop(), profile("new-place", **NEW), *([stop("new-place"), stop()] * 150), stop("nowhere")]
    before = newest_directory(world)
    tried = feed(world, *records, dry_run=True)
    assert newest_directory(world) is before
    done = feed(world, *records)
    assert tried.counts == done.counts and done.counts["records"] > 300
    assert [each.wire() for each in tried.listed] == [each.wire() for each in done.listed]


def test_a_large_feed_is_taken_in_with_few_revisions_that_never_split_a_record(world: World) -> None:
    ids = [place.id for place in newest_directory(world).facilities]
    before = newest_directory(world).revision
    told: list[Outcome] = []
    records = [stop(place, at=f"2026-11-18T13:{minute:02}:00+01:00") for minute in (50, 51) for place in ids]
    report = feed(world, *records, progress=told.append)
    assert report.counts["taken"] == len(records) == len(told)
    assert report.directory_revision - before == -(-len(records) // 200)


def test_only_the_first_records_are_listed_and_all_are_counted(world: World) -> None:
    many = [stop(f"nowhere-{number}") for number in range(LISTED_MOST + 50)]
    old = stop(value=False, at="2026-11-18T13:00:00+01:00")
    report = feed(world, stop(), stop(AMC, False), old, *many).wire()
    assert (report["listed"], report["not_listed"]) == (LISTED_MOST, 51)
    assert all(each["refused"] for each in report["records"]), "what is refused is not crowded out"
    assert report["counts"]["older"] == 1 and report["counts"]["refused"] == LISTED_MOST + 50


def test_a_format_that_is_not_there_and_a_map_that_is_missing_are_said(world: World) -> None:
    with pytest.raises(NotFound):
        take_in(world, "fax", io.BytesIO(), OPERATOR, source="test")
    with pytest.raises(BadInput, match="map"):
        take_in(world, "lpz", io.BytesIO(), OPERATOR, source="test")
    with pytest.raises(BadInput, match="source"):
        take_in(world, "csv", io.BytesIO(), OPERATOR, source="a\nb")


class Endless(io.RawIOBase):
    """A stream of `size` bytes that is made while it is read."""

    def __init__(self, parts: Iterator[bytes], size: int) -> None:
        self.parts, self.left, self.rest = parts, size, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.rest:
            if self.left <= 0:
                return 0
            self.rest = next(self.parts)
            self.left -= len(self.rest)
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        return count


def test_a_larger_feed_needs_no_more_memory(world: World, clock: Clock) -> None:
    ids = [place.id for place in newest_directory(world).facilities]

    def made() -> Iterator[bytes]:
        number = 0
        while True:
            at = (clock.now - timedelta(days=1) + timedelta(seconds=number // len(ids))).isoformat()
            yield lines([stop(ids[number % len(ids)], True, at, unknown="x" * 2_000)])
            number += 1

    def peak(size: int) -> int:
        tracemalloc.start()
        stream = io.BufferedReader(Endless(made(), size))
        report = take_in(world, "ndjson", stream, OPERATOR, source="test")  # type: ignore[arg-type]
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.counts["records"] > size / 3_000
        return found

    peak(100_000)
    small, large = peak(1_500_000), peak(6_000_000)
    assert large < small * 1.3 + 500_000
