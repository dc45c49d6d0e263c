"""The directory as a history: whatever came in, in whatever order, each revision is one directory and stays it."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing import directory_here, places, service
from routing.directory_here import add_packaged, change_directory, directory_at, directory_of, newest_directory
from routing.errors import BadInput, BadRecord, NotFound, OtherSoftware
from routing.facilities.changes import PROFILE, Change, chained, status_change, with_changes
from routing.facilities.directory import Directory, read_directory, to_records
from routing.facilities.reporting import FLIPS_MOST, judge
from routing.facilities.status import Beds, Report
from routing.rights import Asker
from routing.settings import Settings
from routing.store import database
from routing.store import directory as history
from routing.store.tables import DIRECTORY_CHECKPOINTS, DIRECTORY_REVISIONS, FACILITY_CHANGES
from routing.world import World
from tests import small_world

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
AMSTERDAM = timezone(timedelta(hours=1))
KEYS = ("burn-centre", "day-hospital", "nursing-home", "new-a", "new-b", "zzz-new")
UNITS = ("seh", "obstetrics", "elv")

# -- what happens -----------------------------------------------------------------------------------------------------

Step = tuple[str, str, Any]
"""What happens to a place: (`put`, `remove` or `report`; its id; the details)."""

profiles = st.fixed_dictionaries(
    {
        "lat": st.sampled_from([51.9, 52.00001, 52.0449996, 52.3]),
        "lon": st.sampled_from([4.9, 5.0, 5.7]),
        "capabilities": st.dictionaries(
            st.sampled_from(["icu", "pci", "ivt", "obstetrics"]), st.sampled_from([True, False, None]), max_size=3
        ),
        "opening": st.sampled_from(["always", "unknown", "out_of_hours"]),
    },
    optional={
        "located_at": st.sampled_from(["near-hospital", "new-a"]),
        "identifiers": st.just({"agb": "06010101"}),
        "min_gestation_weeks": st.integers(20, 42),
    },
)
values = st.one_of(
    st.tuples(st.just("stop"), st.sampled_from([True, False, None])),
    st.tuples(st.just("waiting_minutes"), st.integers(0, 90)),
    st.tuples(st.just("beds"), st.builds(Beds, total=st.integers(5, 9), available=st.integers(0, 5))),
)
reports = st.tuples(st.sampled_from(UNITS), values, st.integers(0, 3600), st.booleans())
steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), profiles),
    st.tuples(st.just("remove"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.just("report"), st.sampled_from(KEYS), reports),
)
revisions = st.lists(st.lists(steps, min_size=1, max_size=3), min_size=1, max_size=7)


def _report(detail: Any) -> Report:
    unit, (kind, value), seconds, abroad = detail
    observed = NOON - timedelta(seconds=seconds)
    return Report(unit, kind, value, observed.astimezone(AMSTERDAM) if abroad else observed)


def change_of(step: Step) -> Change:
    what, key, detail = step
    if what == "report":
        return status_change(key, _report(detail), "the place", flip=True)
    content = small_world.place(key, "seh") | detail if what == "put" else None
    return Change(key, PROFILE, content, "the place", NOON.astimezone(AMSTERDAM), NOON + timedelta(days=9))


def possible(directory: Directory, changes: Sequence[Change]) -> list[Change]:
    """Those of `changes` that may follow, one after the other: what is there is removed or reports, and no place lies
    within one that is not there."""
    taken: list[Change] = []
    for change in changes:
        now = with_changes(directory, directory.revision + 1, taken, small_world.table())
        if (change.subject != PROFILE or change.content is None) and change.facility_id not in now.by_id:
            continue
        try:
            with_changes(directory, directory.revision + 1, [*taken, change], small_world.table())
        except BadInput:
            continue
        taken.append(change)
    return taken


@dataclass
class Model:
    """The directory written down as plainly as possible: records, reports and stamps by the id of the place."""

    head: Mapping[str, Any]
    records: dict[str, Any] = field(default_factory=dict)
    status: dict[str, tuple[Report, ...]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def package(self, document: Mapping[str, Any]) -> None:
        """What places changed and reported themselves stays; all else is as the package says."""
        self.head = {key: value for key, value in document.items() if key != "facilities"}
        own = {key: record for key, record in self.records.items() if key in self.changed}
        given = {record["id"]: record for record in document["facilities"] if record["id"] not in self.changed}
        self.records = {**given, **own}
        for key, record in self.records.items():
            if record.get("located_at") not in (None, *self.records):
                self.records[key] = {name: value for name, value in record.items() if name != "located_at"}
        self.status = {key: found for key, found in self.status.items() if key in self.records}

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            key = change.facility_id
            if change.subject != PROFILE:
                kept = {report.subject: report for report in self.status.get(key, ())}
                kept[change.subject] = _read_back(change)
                self.status[key] = tuple(kept[subject] for subject in sorted(kept))
                continue
            self.changed[key] = {"source": change.source, "observed_at": NOON, "removed": change.content is None}
            self.records.pop(key, None)
            if change.content is None:
                self.status.pop(key, None)
            else:
                self.records[key] = change.content

    def directory(self, revision: int) -> Directory:
        """Made from scratch."""
        made = read_directory({**self.head, "facilities": [*self.records.values()]}, small_world.table(), revision)
        return replace(made, status=self.status)


def _read_back(change: Change) -> Report:
    content = change.content
    assert content is not None
    moment = datetime.fromisoformat(content["observed_at"])
    value = Beds(**content["value"]) if isinstance(content["value"], dict) else content["value"]
    return Report(content["unit"], content["kind"], value, moment)


def assert_same(found: Directory, model: Model) -> None:
    """Everything that decisions and records use is as if it had been read from scratch."""
    made = model.directory(found.revision)
    for name in (
        *("facilities", "by_id", "index", "holidays", "bits", "mask_true", "mask_unknown", "places", "status"),
        "reference_date",
    ):
        assert getattr(found, name) == getattr(made, name), name
    stamps = {
        key: {"source": stamp.source, "observed_at": stamp.observed_at, "removed": stamp.removed}
        for key, stamp in found.changed.items()
    }
    assert stamps == model.changed
    again = read_directory(to_records(found), small_world.table(), found.revision)
    assert replace(again, digest=found.digest) == found


def document(variant: int = 0) -> dict[str, Any]:
    """The packaged directory; variants hold another place, lack one, or say something else of one."""
    found = json.loads(json.dumps(to_records(small_world.directory())))
    records = {record["id"]: record for record in found["facilities"]}
    if variant & 1:
        records["new-b"] = small_world.place("new-b", "seh", "pci", located_at="near-hospital")
    if variant & 2:
        del records["day-hospital"]
        records["burn-centre"]["name"] = "Another Name"
    if variant & 4:
        records["in-the-home"] = small_world.place("in-the-home", located_at="nursing-home")
    return {**found, "facilities": list(records.values())}


def model_of(variant: int) -> Model:
    model = Model({})
    model.package(document(variant))
    return model


@given(revisions)
@settings(deadline=None)
def test_a_snapshot_made_step_by_step_is_the_one_made_from_scratch(batches: list[list[Step]]) -> None:
    found, model = read_directory(document(), small_world.table(), 1), model_of(0)
    for batch in batches:
        changes = possible(found, [change_of(step) for step in batch])
        before, found = found, with_changes(found, found.revision + 1, changes, small_world.table())
        model.apply(changes)
        assert_same(found, model)
        assert found.digest == chained(before.digest, changes) != before.digest


def test_a_place_within_one_that_is_not_there_is_refused() -> None:
    for located_at in ("nowhere", "post"):
        content = small_world.place("post", located_at=located_at)
        with pytest.raises(BadInput, match="not another place"):
            with_changes(small_world.directory(), 4, [Change("post", PROFILE, content, "x", NOON)], small_world.table())


# -- in the database --------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@cache
def _empty() -> Path:
    """A database with tables and nothing in them, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="wegwijs-tests-"))
    engine = database.open_engine(f"sqlite:///{folder / 'empty.sqlite3'}")
    with database.writing(engine) as connection:
        database.migrate(connection)
    engine.dispose()
    return folder / "empty.sqlite3"


@contextmanager
def some_worlds(number: int = 2) -> Iterator[list[World]]:
    """Worlds of their own on one database, as processes have them, in the words of the small world."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(_empty(), f"{folder}/x.sqlite3")
        made = [_open(folder, clock) for _ in range(number)]
        with database.writing(made[0].engine) as connection:
            add_packaged(connection, document(), "packaged", small_world.vocabulary(), NOON)
        try:
            yield made
        finally:
            for world in made:
                service.close_world(world)


def _open(folder: str, clock: Clock) -> World:
    url = f"sqlite:///{folder}/x.sqlite3"
    return World(Settings(database_url=url), database.open_engine(url), clock, small_world.vocabulary())


def fresh(world: World) -> World:
    """The same world, remembering nothing."""
    return World(world.settings, world.engine, world.clock, world.words)


def add(world: World, changes: Sequence[Change]) -> Directory:
    return change_directory(world, lambda _: (changes, None), source="test", key_id=None)[0]


Known = dict[int, tuple[Directory, Model, datetime]]

events = st.lists(
    st.one_of(st.lists(steps, min_size=1, max_size=3), st.lists(steps, min_size=1, max_size=2), st.integers(0, 7)),
    min_size=1,
    max_size=9,
)


def carried_out(worlds: Sequence[World], happening: Sequence[Any]) -> Known:
    """Let all this happen, each in another world; what every revision was and when."""
    writers = itertools.cycle(worlds)
    known: Known = {}
    model = model_of(0)
    found = newest_directory(worlds[0])
    known[1] = (found, copy_of(model), NOON)
    for event in happening:
        world = next(writers)
        clock: Any = world.clock
        clock.now += timedelta(minutes=1)
        if isinstance(event, int):
            with database.writing(world.engine) as connection:
                add_packaged(connection, document(event), "packaged", world.words, clock.now)
            found = newest_directory(fresh(world))
            if found.revision not in known:
                model.package(document(event))
        else:
            changes = possible(newest_directory(world), [change_of(step) for step in event])
            made = add(world, changes)
            found = newest_directory(fresh(world))
            assert made == found
            model.apply(changes)
        known.setdefault(found.revision, (found, copy_of(model), clock.now))
        for each in worlds:
            assert newest_directory(each) == found
    return known


def copy_of(model: Model) -> Model:
    return Model(model.head, dict(model.records), dict(model.status), dict(model.changed))


CHECKPOINTS = 3


@pytest.fixture(autouse=True)
def often_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_here, "CHECKPOINT_EVERY", CHECKPOINTS)


slow = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(events)
@slow
def test_every_revision_and_every_moment_can_be_read_back(happening: list[Any]) -> None:
    with some_worlds() as worlds:
        known = carried_out(worlds, happening)
        assert sorted(known) == list(range(1, len(known) + 1))
        for revision, (then, model, moment) in known.items():
            reader = fresh(worlds[0])
            found = directory_of(reader, revision, reader.words)
            assert found == then
            assert_same(found, model)
            following = known.get(revision + 1)
            until = following[2] - timedelta(microseconds=1) if following else moment + timedelta(days=9)
            for when in (moment, until):
                assert directory_at(reader, when) == then
        with pytest.raises(NotFound):
            directory_at(worlds[0], NOON - timedelta(microseconds=1))
        for missing in (0, len(known) + 1):
            with pytest.raises(NotFound):
                directory_of(worlds[0], missing, worlds[0].words)


@given(events, st.data())
@slow
def test_damage_is_found_and_never_a_wrong_directory(happening: list[Any], data: st.DataObject) -> None:
    with some_worlds() as worlds:
        known = carried_out(worlds, [[("report", "burn-centre", ("seh", ("stop", True), 0, False))], *happening])
        revision = _damage(worlds[0], data)
        for number, (then, _, _) in known.items():
            try:
                found = directory_of(fresh(worlds[0]), number, worlds[0].words)
            except (BadRecord, NotFound):
                assert number >= revision
            else:
                assert found == then
                assert number != revision or number % CHECKPOINTS == 0


def _damage(world: World, data: st.DataObject) -> int:
    """Damage something that a revision rests on; which one."""
    changes = FACILITY_CHANGES.c
    with database.writing(world.engine) as connection:
        rows = connection.execute(sa.select(FACILITY_CHANGES).order_by(changes.revision, changes.position)).all()
        row = data.draw(st.sampled_from(rows))
        this = sa.and_(changes.revision == row.revision, changes.position == row.position)
        match data.draw(st.sampled_from(["byte", "byte", "byte", "facility_id", "source", "lost", "moved"])):
            case "byte":
                bits = bytearray(row.content)
                bits[data.draw(st.integers(0, len(bits) - 1))] ^= 1 << data.draw(st.integers(0, 7))
                connection.execute(FACILITY_CHANGES.update().where(this).values(content=bytes(bits)))
            case "lost":
                connection.execute(FACILITY_CHANGES.delete().where(this))
            case "moved":
                connection.execute(FACILITY_CHANGES.update().where(this).values(position=row.position + 7, source="x"))
            case column:
                values = {column: "post" if row.facility_id != "post" else "nursing-home"}
                connection.execute(FACILITY_CHANGES.update().where(this).values(values))
        return int(row.revision)


@given(st.data())
@settings(parent=slow, max_examples=15)
def test_damage_of_a_directory_that_was_kept_whole_is_found(data: st.DataObject) -> None:
    with some_worlds() as worlds:
        report = [("report", "burn-centre", ("seh", ("waiting_minutes", minutes), 0, False)) for minutes in range(9)]
        known = carried_out(worlds, [[step] for step in report])
        table = data.draw(st.sampled_from([DIRECTORY_REVISIONS, DIRECTORY_CHECKPOINTS]))
        with database.writing(worlds[0].engine) as connection:
            row = connection.execute(sa.select(table).where(table.c.content != b"").limit(1)).one()
            bits = bytearray(row.content)
            bits[data.draw(st.integers(0, len(bits) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            values: dict[str, Any] = {"content": bytes(bits)}
            if table is DIRECTORY_CHECKPOINTS and data.draw(st.booleans()):
                other = connection.execute(sa.select(table).where(table.c.revision > row.revision).limit(1)).one()
                values = {"content": other.content, "digest": other.digest}
            connection.execute(table.update().where(table.c.revision == row.revision).values(values))
        for number, (then, _, _) in known.items():
            try:
                found = directory_of(fresh(worlds[0]), number, worlds[0].words)
            except BadRecord:
                assert row.revision <= number < row.revision + CHECKPOINTS
            else:
                assert found == then
                assert number != row.revision


def test_a_database_that_was_put_back_is_read_again(tmp_path: Path) -> None:
    """A process that saw more than the database holds by now must not go on with what nobody knows any more."""
    with some_worlds(1) as (world,):
        file = Path(str(world.engine.url.database))
        crowded, quiet = (
            change_of(("report", "post", ("seh", ("stop", value), seconds, False)))
            for value, seconds in ((True, 60), (False, 30))
        )
        add(world, [crowded])
        with database.writing(world.engine) as connection:
            connection.exec_driver_sql("DELETE FROM facility_changes")
            connection.exec_driver_sql("DELETE FROM directory_revisions WHERE revision > 1")
        assert newest_directory(world).status == {}
        add(world, [crowded])
        with database.writing(world.engine) as connection:
            connection.exec_driver_sql("DELETE FROM facility_changes")
            connection.exec_driver_sql("DELETE FROM directory_revisions WHERE revision > 1")
        another = _open(str(file.parent), world.clock)  # type: ignore[arg-type]
        made = add(another, [quiet])
        assert newest_directory(world) == made  # the same number, another history
        service.close_world(another)


def test_a_package_is_taken_in_though_a_place_that_it_builds_on_was_removed() -> None:
    with some_worlds(1) as (world,):
        add(world, [change_of(("remove", "nursing-home", None))])
        with database.writing(world.engine) as connection:
            assert add_packaged(connection, document(4), "packaged", world.words, NOON) == 3
        found = newest_directory(world)
        assert "nursing-home" not in found.by_id
        assert found.by_id["in-the-home"].located_at is None


def test_the_same_package_again_is_no_revision() -> None:
    with some_worlds(1) as (world,):
        add(world, [change_of(("remove", "nursing-home", None))])
        for variant, revision in ((0, 2), (1, 3), (1, 3), (0, 4)):
            with database.writing(world.engine) as connection:
                assert add_packaged(connection, document(variant), "packaged", world.words, NOON) == revision


def test_what_another_version_wrote_is_not_called_damage() -> None:
    """The digest fits, so nothing is damaged; only a capability that was kept then is unknown to these words."""
    with some_worlds(1) as (world,):
        content = small_world.place("new-a", "tomorrow")
        changes = [Change("new-a", PROFILE, content, "x", NOON)]
        head = history.Head(2, chained(newest_directory(world).digest, changes), NOON)
        with database.writing(world.engine) as connection:
            history.add_changes(connection, head, changes, "x", None)
        with pytest.raises(OtherSoftware):
            newest_directory(world)


# -- reports ----------------------------------------------------------------------------------------------------------


def stop(seconds: int, value: bool | None, **more: Any) -> Report:
    return Report("seh", "stop", value, NOON + timedelta(seconds=seconds), **more)


series = st.lists(
    st.tuples(st.integers(0, 9_999), st.sampled_from([True, False, None])),
    min_size=1,
    max_size=8,
    unique_by=lambda x: x[0],
)


@given(series.flatmap(st.permutations))
def test_an_older_report_never_takes_the_place_of_a_newer_one(arriving: list[tuple[int, bool | None]]) -> None:
    known: Report | None = None
    for seconds, value in arriving:
        judged = judge(stop(seconds, value), known, flips=0)
        if known is not None:
            assert judged.report.observed_at >= known.observed_at
            assert (judged.verdict == "taken") == (stop(seconds, value).observed_at > known.observed_at)
        known = judged.report
    assert known is not None
    seconds, value = max(arriving)
    assert (known.observed_at, known.value) == (stop(seconds, value).observed_at, value)


@given(series)
def test_a_stop_that_goes_on_keeps_its_beginning(told: list[tuple[int, bool | None]]) -> None:
    known: Report | None = None
    began: datetime | None = None
    for seconds, value in sorted(told):
        known = judge(stop(seconds, value), known, flips=0).report
        began = (began or known.observed_at) if value is True else None
        if value is True:
            assert known.began == began
    assert judge(stop(10_000, True, since=NOON), known, flips=0).report.began == NOON  # its own word wins


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=30), st.integers(0, 3))
def test_a_value_that_flips_is_damped(told: list[bool | None], before: int) -> None:
    known, flips = stop(0, None), before
    for seconds, value in enumerate(told, 1):
        judged = judge(stop(seconds, value), known, flips)
        assert judged.flip <= (judged.verdict == "taken")
        flips += judged.flip
        if flips == FLIPS_MOST and judged.flip:
            assert (judged.report.value, judged.report.reason) == (None, "flapping")
        assert judged.report.value is None or flips < FLIPS_MOST
        known = judged.report
    assert flips <= FLIPS_MOST
    quiet = judge(stop(99, True), known, flips=0)
    assert (quiet.verdict, quiet.report.value) == ("taken", True)


def wire(seconds: int, value: bool | None) -> dict[str, Any]:
    return {"unit": "seh", "kind": "stop", "value": value, "observed_at": stop(seconds, value).observed_at.isoformat()}


@pytest.fixture
def desk() -> Iterator[tuple[World, Asker]]:
    with some_worlds(1) as (world,):
        asker = service.authenticate(world, service.create_key(world, "test", frozenset({"operator"})))
        assert asker is not None
        yield world, asker


def test_the_same_report_twice_is_no_revision(desk: tuple[World, Asker]) -> None:
    world, asker = desk
    world.clock.now += timedelta(hours=3)  # type: ignore[attr-defined]
    first = places.report_status(world, "post", wire(0, True), asker)
    assert first["taken"] == ["seh/stop"]
    again = places.report_status(world, "post", [wire(0, True), wire(0, True)], asker)
    assert (again["directory_revision"], again["known"]) == (first["directory_revision"], ["seh/stop"] * 2)
    later = places.report_status(world, "post", wire(60, True), asker)
    assert later["directory_revision"] == first["directory_revision"] + 1
    for repeated in (wire(60, True), wire(0, True)):
        told = places.report_status(world, "post", repeated, asker)
        assert (told["directory_revision"], told["taken"]) == (later["directory_revision"], [])
    assert newest_directory(world).status["post"][0].began == NOON


def test_a_place_that_flips_ten_times_a_minute_makes_few_revisions(desk: tuple[World, Asker]) -> None:
    world, asker = desk
    told = []
    for seconds in range(0, 60, 6):
        world.clock.now = NOON + timedelta(seconds=seconds)  # type: ignore[attr-defined]
        told.append(places.report_status(world, "post", wire(seconds, seconds % 12 == 0), asker))
    assert newest_directory(world).status["post"][0].value is None
    assert newest_directory(world).revision == 2 + FLIPS_MOST
    assert told[-1]["damped"] == ["seh/stop"]
    world.clock.now += timedelta(minutes=2)  # type: ignore[attr-defined]
    assert places.report_status(world, "post", wire(170, True), asker)["taken"] == ["seh/stop"]
