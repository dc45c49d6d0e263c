"""The directory: what is refused, what comes back byte for byte, and what the national table holds."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from routing.errors import BadInput
from routing.facilities import directory as directory_module
from routing.facilities.directory import (
    Directory,
    facility_record,
    national_directory_records,
    read_directory,
    read_facility,
    to_records,
)
from routing.facilities.opening import ALWAYS, OUT_OF_HOURS, UNKNOWN
from routing.facilities.profile import capability_table
from routing.geography import distance_km
from routing.travel.postcode import centroid
from tests.once import read_vocabulary

DATA = Path(directory_module.__file__).parent / "data"
TABLE = capability_table(read_vocabulary())
HOLIDAYS = (date(2026, 12, 25), date(2026, 12, 26))


def record(**changes: Any) -> dict[str, Any]:
    place = {"id": "a-place", "name": "A place", "kind": "hospital_seh", "city": "Utrecht", "lat": 52.09, "lon": 5.12}
    return {**place, **changes}


def document(*records: Any, **changes: Any) -> dict[str, Any]:
    return {"reference_date": "2025-04", "holidays": [], "facilities": list(records), **changes}


def refused(content: dict[str, Any]) -> dict[str, str]:
    """Field -> message of everything that is wrong with `content`."""
    with pytest.raises(BadInput) as caught:
        read_directory(content, TABLE, revision=1)
    return {fault.field: f"{fault.message} ({fault.allowed})" for fault in caught.value.faults}


@pytest.fixture(scope="module")
def national() -> Directory:
    return read_directory(national_directory_records(HOLIDAYS), TABLE, revision=7)


def test_an_unknown_key_is_refused_and_named() -> None:
    found = refused(document(record(beds=12)))
    assert list(found) == ["facilities.a-place.beds"]
    assert "capabilities" in found["facilities.a-place.beds"]


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"kind": "clinic"}, "kind", "hospital_seh"),
        ({"kind": None}, "kind", "string"),
        ({"id": "A Place"}, "id", "hyphens"),
        ({"lat": "52.09"}, "lat", "degrees"),
        ({"lat": 5.12}, "lat", "degrees"),
        ({"lon": 52.09}, "lon", "degrees"),
        ({"lat": float("nan")}, "lat", "degrees"),
        ({"lat": True}, "lat", "degrees"),
        ({"postcode": "3584 CX"}, "postcode", "3584CX"),
        ({"name": "  "}, "name", "at least 1"),
        ({"status": "closed"}, "status", "active"),
        ({"coord_precision": "street"}, "coord_precision", "site"),
        ({"patients": "adults"}, "patients", "children"),
        ({"referral_only": "yes"}, "referral_only", "boolean"),
        ({"capabilities": {"pci": "yes"}}, "capabilities.pci", "true, false or null"),
        ({"capabilities": {"pci": 1}}, "capabilities.pci", "true, false or null"),
        ({"capabilities": {"dotter": True}}, "capabilities.dotter", "pci"),
        ({"capabilities": {"pci": True, "cardiac_care": False}}, "capabilities.cardiac_care", "true, or nothing"),
        ({"opening": "24/7"}, "opening", "out_of_hours"),
        ({"opening": [{"days": ["mo"], "from": "8", "to": "9"}]}, "opening", "08:00"),
        ({"opening_of": {"seh": "open"}}, "opening_of.seh", "always"),
        ({"opening_of": {"dotter": "always"}}, "opening_of.dotter", "pci"),
        ({"located_at": "another-place"}, "located_at", "another place"),
        ({"located_at": "a-place"}, "located_at", "another place"),
    ],
)
def test_what_is_wrong_is_named_by_place_and_field_with_what_is_allowed(
    changes: dict[str, Any], field: str, allowed: str
) -> None:
    found = refused(document(record(**changes)))
    name = changes.get("id", "a-place")
    assert list(found) == [f"facilities.{name}.{field}"]
    assert allowed in next(iter(found.values()))


def test_a_missing_field_is_named() -> None:
    without_city = record()
    del without_city["city"]
    assert list(refused(document(without_city))) == ["facilities.a-place.city"]


def test_a_record_without_an_id_is_named_by_its_place_in_the_list() -> None:
    assert list(refused(document(record(), "not a record"))) == ["facilities.1"]


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    found = refused(document(record(lat=0.0), record(id="b", kind="clinic"), holidays=["25-12-2026"]))
    assert set(found) == {"facilities.a-place.lat", "facilities.b.kind", "holidays"}


def test_an_id_that_stands_twice_is_refused() -> None:
    assert list(refused(document(record(), record()))) == ["facilities.a-place.id"]


def test_an_unknown_key_of_the_document_is_refused() -> None:
    assert list(refused(document(record(), source="x"))) == ["source"]


def test_order_of_records_makes_no_difference() -> None:
    first, second = record(), record(id="b-place", capabilities={"seh": True, "pci": False})
    swapped = record(id="b-place", capabilities={"pci": False, "seh": True})
    one = read_directory(document(first, second), TABLE, 1)
    other = read_directory(document(swapped, first), TABLE, 1)
    assert one == other
    assert [place.id for place in one.facilities] == ["a-place", "b-place"]


def test_the_digest_follows_the_content_and_not_the_revision() -> None:
    digest = read_directory(document(record()), TABLE, 1).digest
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert read_directory(document(record()), TABLE, 2).digest == digest
    for changed in (
        document(record(name="Another")),
        document(record(lat=52.09001)),
        document(record(capabilities={"pci": None})),
        document(record(opening="always")),
        document(record(), holidays=["2026-12-25"]),
    ):
        assert read_directory(changed, TABLE, 1).digest != digest


def test_degrees_are_kept_to_five_decimals() -> None:
    rounded = read_directory(document(record(lat=52.0900000004)), TABLE, 1)
    assert rounded == read_directory(document(record(lat=52.09)), TABLE, 1)


def test_an_own_unknown_survives_the_way_to_a_record_and_back() -> None:
    place = read_facility(record(capabilities={"ct": None}), TABLE)
    assert facility_record(place)["capabilities"] == {"ct": None}
    assert read_facility(facility_record(place), TABLE) == place


def test_masks_say_for_certain_and_unknown() -> None:
    made = read_directory(document(record(capabilities={"seh": True, "pci": False})), TABLE, 1)
    seh, pci, picu = made.bits["seh"], made.bits["pci"], made.bits["picu"]
    assert made.mask_true[0] & seh and not made.mask_unknown[0] & seh
    assert not made.mask_true[0] & pci and not made.mask_unknown[0] & pci
    assert not made.mask_true[0] & picu and made.mask_unknown[0] & picu


def test_masks_agree_with_the_profiles(national: Directory) -> None:
    for number, place in enumerate(national.facilities):
        for capability, bit in national.bits.items():
            assert bool(national.mask_true[number] & bit) is (place.capabilities[capability] is True)
            assert bool(national.mask_unknown[number] & bit) is (place.capabilities[capability] is None)


def test_a_snapshot_can_be_rebuilt_byte_for_byte(national: Directory) -> None:
    through_json = json.loads(orjson.dumps(to_records(national)))
    rebuilt = read_directory(through_json, TABLE, revision=7)
    assert rebuilt == national
    assert orjson.dumps(to_records(rebuilt)) == orjson.dumps(to_records(national))
    assert rebuilt.digest == national.digest


def test_the_national_file_is_written_as_the_directory_writes_it(national: Directory) -> None:
    assert to_records(national)["facilities"] == national_directory_records()["facilities"]
    lines = (DATA / "facilities.json").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(national.facilities) + 2, "one record a line"


def test_index_and_positions_run_parallel_to_the_places(national: Directory) -> None:
    for number, place in enumerate(national.facilities):
        assert national.index[place.id] == number
        assert national.by_id[place.id] is place
        assert national.places.points[number] == (place.lat, place.lon)
    assert national.holidays == frozenset(HOLIDAYS)


def test_the_counts_in_the_readme_are_those_of_the_file(national: Directory) -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in readme.splitlines() if line[:1] == "|"]
    kinds = Counter(place.kind for place in national.facilities)
    assert {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdigit()} == kinds
    capabilities = {name for place in national.facilities for name in place.given}
    counted = {row[0]: tuple(map(int, row[1:])) for row in rows if len(row) == 4 and row[1].isdigit()}
    assert counted == {
        name: (
            sum(place.given.get(name) is True for place in national.facilities),
            sum(place.given.get(name) is False for place in national.facilities),
            sum(place.given.get(name) is True and name in place.unchecked for place in national.facilities),
        )
        for name in capabilities
    }
    statuses = Counter(place.status for place in national.facilities)
    precisions = Counter(place.coord_precision for place in national.facilities)
    for name, count in (statuses | precisions).items():
        assert f"{count} `{name}`" in readme
    assert f"{len(national.facilities)} places of acute care" in readme


def test_every_source_and_remark_is_explained_in_the_readme(national: Directory) -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    named = {word for place in national.facilities for word in (*place.sources, *place.remarks)}
    assert not [word for word in named if f"| `{word}` |" not in readme]


def test_known_national_figures(national: Directory) -> None:
    seh = [place for place in national.facilities if place.capabilities["seh"]]
    assert len(seh) == 79
    assert sum(place.opening == ALWAYS for place in seh) == 76
    assert sum(place.capabilities["trauma_1"] is True for place in national.facilities) == 11
    assert sum(place.capabilities["burn_centre"] is True for place in national.facilities) == 3


def test_level_two_and_three_of_other_hospitals_are_unknown(national: Directory) -> None:
    for place in national.facilities:
        if place.kind == "hospital_seh" and not place.capabilities["trauma_1"]:
            assert place.capabilities["trauma_2"] is None
            assert place.capabilities["trauma_3"] is None


def test_a_pci_centre_has_cardiac_care(national: Directory) -> None:
    assert all(place.capabilities["cardiac_care"] for place in national.facilities if place.capabilities["pci"])


def test_a_place_without_known_hours_is_not_taken_for_open(national: Directory) -> None:
    for place_id in ("gelre-zutphen", "oogziekenhuis-rotterdam", "etz-tweesteden", "ggz-crisis-utrecht"):
        assert national.by_id[place_id].opening == UNKNOWN
    assert national.by_id["gelre-zutphen"].opening_of == {}
    assert national.by_id["amstelland"].opening == UNKNOWN
    assert set(national.by_id["amstelland"].opening_of) == {"seh", "minor_injury"}


def test_most_huisartsenposten_are_open_out_of_hours(national: Directory) -> None:
    posts = [place for place in national.facilities if place.kind == "huisartsenpost"]
    assert sum(place.opening == OUT_OF_HOURS for place in posts) == 93
    assert all(place.opening.windows for place in posts)


def test_a_place_on_the_grounds_of_another_stands_where_the_other_stands(national: Directory) -> None:
    for place in national.facilities:
        if place.located_at is not None:
            host = national.by_id[place.located_at]
            assert distance_km((place.lat, place.lon), (host.lat, host.lon)) < 0.1


def test_a_place_lies_in_or_beside_the_area_of_its_postcode(national: Directory) -> None:
    for place in national.facilities:
        if place.postcode is not None:
            assert distance_km((place.lat, place.lon), centroid(place.postcode)) < 2.5, place.id
