"""Promises about feeds that need a mapping: nothing is guessed, and a wrong mapping is refused by its field."""

from __future__ import annotations

import io
import json
from copy import deepcopy
from typing import Any

import pytest

from routing.errors import BadInput
from routing.formats.feed import FORMATS, FeedOptions, FeedRecord, PlaceName
from routing.yamlfile import read
from tests.feeds import EXAMPLES, RECEIVED_AT, example, records, why

MAP = read(EXAMPLES / "lpz-map.yaml").value
TIME = "2026-11-21T20:04:00+01:00"


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example mapping with `value` at `path`; `...` takes away what is there."""
    found = deepcopy(MAP)
    *outer, last = path.split(".")
    part: Any = found
    for name in outer:
        part = part[int(name)] if isinstance(part, list) else part[name]
    key = int(last) if isinstance(part, list) else last
    if value is ...:
        del part[key]
    else:
        part[key] = value
    return found


def one(*items: Any, field_map: dict[str, Any] | None = None, **more: Any) -> FeedRecord:
    data = json.dumps([{"oid": "1.2", "beschikbaarheid": list(items), **more}])
    [record] = records("lpz", data.encode(), **(field_map or MAP))
    return record


def item(**more: Any) -> dict[str, Any]:
    return {"afdeling": "SEH", "gemeten": TIME, **more}


def said(record: FeedRecord) -> dict[tuple[str, str], Any]:
    return {(report["unit"], report["kind"]): report["value"] for report in record.reports}


@pytest.mark.parametrize("field_map", [None, {}])
def test_without_a_mapping_nothing_is_read(field_map: dict[str, Any] | None) -> None:
    feed = FORMATS["lpz"].read(io.BytesIO(example("lpz")), FeedOptions("lpz", RECEIVED_AT, field_map))
    with pytest.raises(BadInput) as caught:
        list(feed)
    assert caught.value.faults[0].field == "field_map"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("place", ..., "field_map.place"),
        ("place.path", "", "field_map.place.path"),
        ("place.path", "a..b", "field_map.place.path"),
        ("place.scheme", "LPZ", "field_map.place.scheme"),
        ("unit.values", {}, "field_map.unit.values"),
        ("unit.values", {"SEH": 5}, "field_map.unit.values.SEH"),
        ("unit.colour", "x", "field_map.unit.colour"),
        ("facts", [], "field_map.facts"),
        ("facts.0.kind", "closed", "field_map.facts.0.kind"),
        ("facts.0.values", {"stop": "yes"}, "field_map.facts.0.values.stop"),
        ("facts.0.values", {"stop": 1}, "field_map.facts.0.values.stop"),
        ("facts.0.values", ..., "field_map.facts.0"),
        ("facts.0.path", ..., "field_map.facts.0"),
        ("facts.0.bed", {"path": "a", "values": {"a": "burn"}}, "field_map.facts.0"),
        ("facts.1.counts", ..., "field_map.facts.1"),
        ("facts.1.path", "a", "field_map.facts.1"),
        ("facts.1.values", {"a": True}, "field_map.facts.1"),
        ("facts.1.counts", {"free": "a"}, "field_map.facts.1.counts.free.[key]"),
        ("item_observed_at", ..., "field_map"),
    ],
)
def test_a_wrong_mapping_is_refused_by_the_name_of_its_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        records("lpz", example("lpz"), **changed(path, value))
    assert field in [fault.field for fault in caught.value.faults]


def test_a_text_means_what_the_mapping_says_and_nothing_else() -> None:
    assert said(one(item(status="stop"))) == {("seh", "stop"): True}
    assert said(one(item(status="open"))) == {("seh", "stop"): False}
    for unknown in ("Stop", "gesloten", "", 1, True, None, [], {"a": 1}):
        record = one(item(status=unknown))
        assert record.reports == ()
        assert "status" in why(record)


def test_a_value_that_the_mapping_ignores_says_why_in_its_words() -> None:
    assert why(one(item(status="dreigende stop")))["status"] == "a stop that threatens is no stop"


def test_yes_no_and_nothing_count_as_json_writes_them() -> None:
    given = changed("facts.0.values", {"true": True, "false": False, "null": None, "2": True})
    values = [
        said(one(item(status=value), field_map=given)).get(("seh", "stop"), "-") for value in (True, False, None, 2)
    ]
    assert values == [True, False, None, True]


def test_an_unknown_unit_is_ignored_and_not_repeated() -> None:
    record = one(item(afdeling="A. Voorbeeld", status="stop"))
    assert record.reports == ()
    assert list(why(record)) == ["afdeling"]
    assert "Voorbeeld" not in repr(record)


def test_numbers_are_whole_numbers() -> None:
    fact = {"kind": "crowding", "path": "druk"}
    given = changed("facts.0", fact)
    assert said(one(item(druk=85), field_map=given)) == {("seh", "crowding"): 85}
    assert said(one(item(druk=None), field_map=given)) == {("seh", "crowding"): None}
    for wrong in ("85", 85.5, -1, True):
        assert [fault.field for fault in one(item(druk=wrong), field_map=given).refused] == ["druk"]


def test_beds_without_their_kind_are_not_taken_for_all_beds() -> None:
    given = changed("facts.1.bed", {"path": "soort", "values": {"IC": "adult_icu"}})
    beds = {"bedden": {"totaal": 4}}
    [report] = one(item(soort="IC", **beds), field_map=given).reports
    assert report["bed"] == "adult_icu"
    assert report["value"] == {"total": 4}
    assert one(item(soort="?", **beds), field_map=given).reports == ()


def test_the_moment_may_stand_with_the_organisation() -> None:
    given = {**changed("item_observed_at", ...), "observed_at": "tijd"}
    record = one({"afdeling": "SEH", "status": "stop"}, field_map=given, tijd=TIME)
    assert record.reports[0]["observed_at"] == TIME


def test_facts_may_stand_in_the_organisation_itself() -> None:
    given = changed("items", ...)
    data = json.dumps({"organisations": [{"oid": "1.2", **item(status="stop")}]}).encode()
    [record] = records("lpz", data, **given)
    assert record.place == PlaceName("lpz", "1.2")
    assert said(record) == {("seh", "stop"): True}


@pytest.mark.parametrize(
    ("organisation", "field"),
    [
        ({"beschikbaarheid": []}, "oid"),
        ({"oid": " ", "beschikbaarheid": []}, "oid"),
        ({"oid": ["1"], "beschikbaarheid": []}, "oid"),
        ({"oid": "1"}, "beschikbaarheid"),
        ({"oid": "1", "beschikbaarheid": {}}, "beschikbaarheid"),
        ({"oid": "1", "beschikbaarheid": [item(status="stop"), 5]}, "beschikbaarheid"),
        ({"oid": "1", "beschikbaarheid": [{"afdeling": "SEH", "status": "stop"}]}, "gemeten"),
        ({"oid": "1", "beschikbaarheid": [item(gemeten="20:04", status="stop")]}, "gemeten"),
        ({"oid": "1", "beschikbaarheid": [item(status="stop", tot="straks")]}, "tot"),
        ({"oid": "1", "beschikbaarheid": [item(bedden={"totaal": "4"})]}, "bedden.totaal"),
    ],
)
def test_an_organisation_with_something_wrong_gives_nothing(organisation: dict[str, Any], field: str) -> None:
    right = {"oid": "2", "beschikbaarheid": [item(status="open")]}
    wrong, after = records("lpz", json.dumps([organisation, right]).encode())
    assert [fault.field for fault in wrong.refused] == [field]
    assert wrong.reports == ()
    assert len(after.reports) == 1
