"""Whatever stands in a feed, taking it in is the same as taking in its accepted records one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import service
from routing.directory_here import newest_directory
from routing.facilities.record import facility_record
from routing.facilities.status import report_record
from routing.feeding import taking_in
from routing.feeding.report import Outcome
from routing.feeding.taking_in import sender, take_in
from routing.service import World
from routing.settings import Settings
from tests.service.test_feeds import lines

NOW = datetime(2026, 11, 18, 13, tzinfo=UTC)
PLACES = ("umc-utrecht", "adrz-goes", "isala-zwolle", "new-place")
NEW = {"name": "Nieuw", "kind": "hospital_seh", "city": "Ede", "lat": 52.0, "lon": 5.6}

moments = st.integers(-40, 2).map(lambda minutes: (NOW + timedelta(minutes=minutes)).isoformat())
names = st.sampled_from([*PLACES, {"scheme": "agb", "value": "1"}, {"scheme": "agb", "value": "2"}, "nowhere"])
stops = st.fixed_dictionaries(
    {
        "facility": names,
        "unit": st.sampled_from(["seh", "icu", "garden"]),
        "kind": st.just("stop"),
        "value": st.sampled_from([True, False, None]),
        "observed_at": moments,
    }
)
beds = st.fixed_dictionaries(
    {
        "facility": names,
        "unit": st.just("icu"),
        "kind": st.just("beds"),
        "value": st.fixed_dictionaries({"total": st.integers(-1, 5), "available": st.integers(0, 5)}),
        "observed_at": moments,
    }
)
parts = st.one_of(
    st.just(NEW),
    st.fixed_dictionaries({"identifiers": st.dictionaries(st.just("agb"), st.sampled_from(["1", "2", None]))}),
    st.fixed_dictionaries({"capabilities": st.dictionaries(st.sampled_from(["pci", "magic"]), st.booleans())}),
    st.fixed_dictionaries({"city": st.sampled_from(["Ede", "Goes", ""])}),
)
profiles = st.fixed_dictionaries({"facility": names, "profile": parts, "observed_at": moments})
records = st.lists(st.one_of(stops, beds, profiles), max_size=25)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One database for all examples; each begins with what is known being forgotten."""
    folder = tmp_path_factory.mktemp("feeds")
    opened = service.open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3"), lambda: NOW)
    service.upgrade(opened)
    yield opened
    service.close_world(opened)


def forget(world: World) -> None:
    """Put the database back to the directory as it came with Wegwijs."""
    with world.engine.connect() as connection:
        for table in ("facility_changes", "directory_checkpoints"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM directory_revisions WHERE revision > 1")
        connection.commit()
    world.latest.directory = None


def known(world: World) -> Any:
    found = newest_directory(world)
    profiles = {place.id: facility_record(place) for place in found.facilities if place.id in PLACES}
    status = {place: [report_record(report) for report in reports] for place, reports in found.status.items()}
    stamps = {place: stamp.observed_at for place, stamp in found.changed.items()}
    return profiles, status, stamps


def fed(world: World, data: bytes) -> list[Outcome]:
    outcomes: list[Outcome] = []
    take_in(world, "ndjson", io.BytesIO(data), sender("test"), source="test", progress=outcomes.append)
    return outcomes


def of(where: str, written: list[bytes]) -> bytes:
    """The lines that a record was made of."""
    first, _, last = where.removeprefix("lines ").removeprefix("line ").partition(" to ")
    return b"".join(written[int(first) - 1 : int(last or first)])


@settings(max_examples=80, deadline=None)
@given(records=records, at_once=st.sampled_from([1, 3, 200]))
def test_a_feed_is_the_same_as_its_accepted_records_one_by_one(world: World, records: list[Any], at_once: int) -> None:
    written = [lines([record]) for record in records]
    forget(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taking_in, "RECORDS_AT_ONCE", at_once)
        outcomes = fed(world, b"".join(written))
    together = known(world)
    forget(world)
    for outcome in outcomes:
        if not outcome.refused:
            (again,) = fed(world, of(outcome.where, written))
            assert again.taken == outcome.taken and again.damped == outcome.damped
    assert known(world) == together
    if not any("identifiers" in record.get("profile", {}) for record in records):  # else a name may fit another place
        before = newest_directory(world).revision
        fed(world, b"".join(of(outcome.where, written) for outcome in outcomes if not outcome.refused))
        assert newest_directory(world).revision == before
