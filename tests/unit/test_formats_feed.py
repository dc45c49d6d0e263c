"""Promises about every outside format: no half record, no surprise, no growing memory, nothing dropped in silence."""

from __future__ import annotations

import io
import itertools
import re
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import BadInput
from routing.formats.feed import FORMATS, NO_PLACE
from routing.formats.record import RECORD_BYTES, moment
from routing.yamlfile import parse
from tests.feeds import FILES, example, facts, options, records, until_broken

EACH = pytest.mark.parametrize("name", list(FORMATS))
WHOLE_ONLY = ("have-1.0", "have-2.0", "fhir-r4", "lpz")
"""Formats of which the end is seen: a file that is cut off is always noticed."""
PAGE = Path(__file__).parents[2] / "docs/reference/feeds.md"


@EACH
def test_the_example_gives_records_about_places(name: str) -> None:
    found = records(name, example(name))
    assert any(record.reports or record.profile for record in found)
    assert all(record.refused == () and record.where for record in found)


@EACH
def test_every_report_has_what_a_report_needs_and_names_its_source(name: str) -> None:
    for record in records(name, example(name)):
        for report in record.reports:
            assert {"unit", "kind", "value", "observed_at", "source"} <= set(report)
            assert moment(report["observed_at"]) is not None
            assert "facility" not in report


@EACH
def test_a_feed_cut_off_anywhere_gives_whole_records_or_none(name: str) -> None:
    data = example(name)
    whole = facts(records(name, data))
    for end in range(len(data)):
        found, broken = until_broken(name, data[:end])
        assert facts(found) == whole[: len(facts(found))]
        assert all(record.refused == () for record in found)
        if name in WHOLE_ONLY and end < len(data.rstrip()):
            assert broken is not None, end


@EACH
def test_a_feed_in_another_encoding_is_refused_and_not_misread(name: str) -> None:
    text = example(name).decode("utf-8")
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        found, broken = until_broken(name, text.encode(encoding))
        # an XML file says its encoding; that of one that says otherwise than it is must not be read either
        assert broken is not None, encoding
        assert facts(found) == []


@EACH
def test_bytes_that_are_no_text_break_the_feed_where_they_stand(name: str) -> None:
    data = example(name)
    whole = facts(records(name, data))
    for at in range(0, len(data), 7):
        found, _ = until_broken(name, data[:at] + b"\xff\xfe" + data[at:])
        unchanged = [fact for fact in facts(found) if fact in whole]
        assert facts(found) == unchanged, at


@EACH
@given(data=st.binary(max_size=300))
def test_any_bytes_at_all_are_read_or_refused(name: str, data: bytes) -> None:
    until_broken(name, data)


@EACH
@given(changes=st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3), st.integers(0, 9)), max_size=4))
def test_a_damaged_feed_is_read_or_refused(name: str, changes: list[tuple[int, bytes, int]]) -> None:
    data = example(name)
    for at, new, dropped in changes:
        data = data[: at % len(data)] + new + data[at % len(data) + dropped :]
    for record in until_broken(name, data)[0]:
        assert not (record.refused and (record.reports or record.profile))
        assert record.place != NO_PLACE or not (record.reports or record.profile)


@EACH
def test_an_empty_feed_is_no_error_only_where_a_feed_of_nothing_is_possible(name: str) -> None:
    found, broken = until_broken(name, b"")
    assert found == []
    assert (broken is None) == (name == "ndjson")


@EACH
def test_a_feed_may_come_in_pieces_of_any_size(name: str) -> None:
    data = example(name)
    whole = records(name, data)
    for size in (1, 2, 3, 7, 64):
        assert records(name, cast("BinaryIO", _Dripping(data, size))) == whole


class _Dripping(io.BytesIO):
    """A stream that gives at most `most` bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.most if size is None or size < 0 else min(size, self.most))


def test_only_the_formats_that_are_written_down_are_there() -> None:
    assert list(FORMATS) == ["ndjson", "csv", "have-1.0", "have-2.0", "fhir-r4", "lpz"]
    assert set(FILES) == set(FORMATS)
    assert [name for name, each in FORMATS.items() if each.needs_map] == ["lpz"]


def test_every_format_has_its_section_and_there_are_no_others() -> None:
    described = re.findall(r"^## `(.*)`$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert described == list(FORMATS)


def test_the_example_mapping_on_the_page_reads_the_example_feed() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert records("lpz", example("lpz"), **parse(block, "page").value) == records("lpz", example("lpz"))


@pytest.mark.parametrize("name", ["have-2.0", "fhir-r4", "lpz"])
def test_a_wrong_mapping_of_fields_is_refused_before_anything_is_read(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        records(name, b"", colour="blue")
    assert "field_map.colour" in [fault.field for fault in caught.value.faults]


NO_MOMENTS = (
    *("2026-11-21T20:04:00", "2026-11-21", "2026-02-30T00:00:00Z", "2026-11-21T25:00:00Z", "0001-01-01T00:00:00Z"),
    *("2026-W47-6T00:00:00Z", "٢٠٢٦-11-21T20:04:00Z", 5),
)


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_a_moment_without_offset_or_that_does_not_exist_is_none(text: Any) -> None:
    assert moment(text) is None


# -- large feeds


def piece(name: str) -> tuple[bytes, Callable[[int], bytes], bytes]:
    """The beginning, one of many records, and the end of a large feed of the format `name`."""
    time = "2026-11-21T20:04:00+01:00"
    match name:
        case "ndjson":
            line = '{"facility": "place-%d", "unit": "seh", "kind": "stop", "value": true, "observed_at": "' + time
            return b"", lambda n: (line % n).encode() + b'"}\n', b""
        case "csv":
            header = b"facility,unit,kind,value,observed_at\n"
            return header, lambda n: f"place-{n},seh,waiting_minutes,{n % 90},{time}\n".encode(), b""
        case "fhir-r4":
            coding = '{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "ER"}'
            resource = (
                '{"fullUrl": "urn:uuid:%d", "resource": {"resourceType": "Location", "id": "%d", '
                '"status": "suspended", "type": [{"coding": [' + coding + "]}], "
                '"meta": {"lastUpdated": "' + time + '"}}},\n'
            )
            begin = b'{"resourceType": "Bundle", "entry": ['
            last = b'{"resource": {"resourceType": "Practitioner"}}]}'
            return begin, lambda n: (resource % (n, n)).encode(), last
        case "lpz":
            begin, last = b'{"organisations": [', b'{"oid": "last", "beschikbaarheid": []}]}'
            inner = '{"afdeling": "SEH", "status": "stop", "gemeten": "' + time + '"}'
            item = '{"oid": "%d", "beschikbaarheid": [' + inner + "]},\n"
            return begin, lambda n: (item % n).encode(), last
        case _:
            return _xml_piece(name)


def _xml_piece(name: str) -> tuple[bytes, Callable[[int], bytes], bytes]:
    text = example(name).decode()
    tag = "have:Hospital" if name == "have-1.0" else "facility"
    start, end = text.index(f"<{tag}>"), text.index(f"</{tag}>") + len(f"</{tag}>\n")
    record = text[start:end]
    last = text[text.rindex("</") :].encode()
    return text[:start].encode(), lambda n: record.replace("demo-1", f"demo-{n}").encode(), last


class Generated(io.RawIOBase):
    """A stream that is made while it is read, about `size` bytes long, and never there as a whole."""

    def __init__(self, name: str, size: int) -> None:
        begin, record, end = piece(name)
        self.count = size // len(record(1)) + 1
        self.parts: Iterator[bytes] = itertools.chain([begin], map(record, range(self.count)), [end])
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.rest == b"" and (part := next(self.parts, None)) is not None:
            self.rest = part
        taken = self.rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self.rest = self.rest[len(taken) :]
        return len(taken)


def peak_of(name: str, size: int) -> int:
    """The most bytes in memory while a feed of `size` bytes is read."""
    made = Generated(name, size)
    stream = cast("BinaryIO", io.BufferedReader(made))
    tracemalloc.start()
    try:
        read = count_reports(FORMATS[name].read(stream, options(name)))
        assert read >= made.count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def count_reports(found: Iterable[Any]) -> int:
    return sum(len(record.reports) for record in found)


SMALL, LARGE = 150_000, 600_000


@EACH
def test_a_large_feed_needs_no_more_memory_than_a_small_one(name: str) -> None:
    peaks = [peak_of(name, size) for size in (SMALL, LARGE)]
    grown = 3_500_000 if name == "fhir-r4" else 300_000  # a Bundle remembers up to 10,000 references
    assert peaks[1] < peaks[0] + grown
    assert peaks[1] < 20_000_000


@EACH
def test_many_small_records_may_be_longer_than_one_may_be(name: str) -> None:
    made = Generated(name, RECORD_BYTES + 200_000)
    read = count_reports(FORMATS[name].read(cast("BinaryIO", io.BufferedReader(made)), options(name)))
    assert read >= made.count


ENDLESS = {
    "ndjson": (b'{"facility": "', b"a" * 65_536),
    "csv": (b"facility,unit,kind,observed_at\n", b"a" * 65_536),
    "have-1.0": (b'<HospitalStatus><Hospital a="">', b"a" * 65_536),
    "have-2.0": (b"<HAVE><facility>", b"<a/>" * 16_384),
    "fhir-r4": (b'{"resourceType": "Bundle", "entry": [{"a": "', b"a" * 65_536),
    "lpz": (b'{"organisations": [{"a": [', b"1, " * 22_000),
}


@EACH
def test_a_record_without_an_end_is_refused_after_a_megabyte(name: str) -> None:
    begin, more = ENDLESS[name]
    stream = _Endless(begin, more)
    with pytest.raises(BadInput) as caught:
        list(FORMATS[name].read(cast("BinaryIO", io.BufferedReader(stream)), options(name)))
    assert caught.value.faults[0].code == "too_long"
    assert stream.given < 2_500_000


class _Endless(io.RawIOBase):
    def __init__(self, begin: bytes, more: bytes) -> None:
        self.rest, self.more, self.given = begin, more, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.rest = self.rest or self.more
        taken = self.rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self.rest = self.rest[len(taken) :]
        self.given += len(taken)
        return len(taken)
