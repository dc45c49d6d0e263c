"""The promises about decisions: logged before answered, the same for the same, and repeatable from the log alone."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from routing import log_here, rules_here, service
from routing.directory_here import add_packaged
from routing.errors import BadData, BadInput, BadRecord, NotFound, OtherSoftware, StoreUnavailable
from routing.facilities.directory import national_directory_records
from routing.keys_here import keyring_of
from routing.rights import Asker
from routing.rules.building import ruleset_from_source
from routing.rules.ruleset import Ruleset
from routing.rules.selection import TEXTS
from routing.rules_here import evaluators_of
from routing.service import World
from routing.settings import Settings
from routing.store import database, directory, records
from routing.store.tables import DECISIONS, LOG_ENTRIES, RECORD_KEYS, RECORDS
from routing.vocabulary import Vocabulary
from tests.fixtures_ruleset import few_rules
from tests.patience import wait_longer
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock, Open, kept_record, replace_record


def changed(case: dict[str, Any], **observations: Any) -> dict[str, Any]:
    return {**case, "observations": {**case["observations"], **observations}}


def logged(world: World) -> list[str]:
    return [found["id"] for found in service.search(world, AUDITOR)["decisions"]]


# -- no record, no answer


def test_nothing_is_answered_that_is_not_logged(world: World, asker: Asker, open_world: Open) -> None:
    answered = service.decide(world, STEMI, asker)
    assert service.decision(open_world(), answered["id"], AUDITOR) == answered

    def broken(_connection: sa.Connection) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, OSError("disk full"))

    sa.event.listen(world.engine, "commit", broken)
    with pytest.raises(StoreUnavailable):
        service.decide(world, STEMI, asker)
    sa.event.remove(world.engine, "commit", broken)
    assert logged(world) == [answered["id"]]

    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("DROP TABLE decision_conditions")
    with pytest.raises(StoreUnavailable):
        service.decide(world, STEMI, asker)
    with database.reading(world.engine) as connection:
        assert len(connection.execute(sa.select(DECISIONS.c.id)).all()) == 1


def test_a_lost_connection_is_made_again(world: World, asker: Asker, request: pytest.FixtureRequest) -> None:
    if world.settings.embedded:
        return  # there is no connection to lose to a file
    service.decide(world, STEMI, asker)
    server: sa.Engine = request.getfixturevalue("postgres_server")
    with server.connect() as connection:
        others = "FROM pg_stat_activity WHERE datname = :name"
        name = {"name": world.engine.url.database}
        assert connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {others}"), name).all()
    assert service.decide(world, STEMI, asker)["id"] in logged(world)


def test_a_preview_is_not_logged(world: World) -> None:
    assert service.preview(world, STEMI)["id"] is None
    assert logged(world) == []


def test_bad_input_is_not_logged(world: World, asker: Asker) -> None:
    with pytest.raises(BadInput):
        service.decide(world, changed(STEMI, heart_rate="fast"), asker)
    bodies: tuple[Any, ...] = ([], None, "x", 7)
    for body in bodies:
        with pytest.raises(BadInput):
            service.decide(world, body, asker)
    assert logged(world) == []


def test_without_a_directory_nothing_is_decided(open_world: Open) -> None:
    fresh = open_world()
    with pytest.raises(StoreUnavailable):
        service.preview(fresh, STEMI)
    ok, found = service.ready(fresh)
    assert not ok
    assert found["directory_revision"] is None


def test_a_note_for_people_is_not_kept(world: World, asker: Asker) -> None:
    decision_id = service.decide(world, {**STEMI, "note": "lives above the bakery"}, asker)["id"]
    assert b"bakery" not in service.record_of(world, decision_id, AUDITOR, "read")


# -- the same in, the same out


def test_the_same_case_twice_gives_the_same_body(world: World, asker: Asker) -> None:
    first, second = (service.decide(world, STEMI, asker) for _ in range(2))
    assert first["id"] != second["id"]
    bodies = [{**body, "id": None} for body in (first, second, service.preview(world, STEMI))]
    assert orjson.dumps(bodies[0]) == orjson.dumps(bodies[1]) == orjson.dumps(bodies[2])


def test_a_decision_survives_a_restart(world: World, asker: Asker, open_world: Open) -> None:
    answered = [service.decide(world, case, asker) for case in (STEMI, changed(SORE_THROAT, temperature=38.7))]
    service.close_world(world)
    again = open_world()
    service.upgrade(again)
    for body in answered:
        assert orjson.dumps(service.decision(again, body["id"], AUDITOR)) == orjson.dumps(body)
        assert service.replay(again, body["id"], AUDITOR)["identical"]


def test_what_is_not_there_is_not_found(world: World, asker: Asker) -> None:
    found = service.decide(world, STEMI, asker)["id"]
    for other in ("", "x", found[:-1], found.upper(), f"{{{found}}}", found.replace("-", ""), str(UUID(int=0))):
        with pytest.raises(NotFound):
            service.decision(world, other, AUDITOR)
        with pytest.raises(NotFound):
            service.replay(world, other, AUDITOR)


def test_a_decision_may_supersede_an_earlier_one(world: World, asker: Asker, clock: Clock) -> None:
    first = service.decide(world, {**STEMI, "supersedes": None}, asker)
    assert first["supersedes"] is None
    clock.forward(minutes=5)
    second = service.decide(world, {**changed(STEMI, systolic_bp=80), "supersedes": first["id"]}, asker)
    assert second["supersedes"] == first["id"]
    assert service.decision(world, second["id"], AUDITOR) == second
    assert service.replay(world, second["id"], AUDITOR)["identical"]
    assert [each["supersedes"] for each in service.search(world, AUDITOR)["decisions"]] == [first["id"], None]


@pytest.mark.parametrize("earlier", ["x", 7, str(UUID(int=1)), ["a"], {}, True, ""])
def test_only_a_known_decision_can_be_superseded(world: World, asker: Asker, earlier: Any) -> None:
    with pytest.raises(BadInput) as raised:
        service.decide(world, {**STEMI, "supersedes": earlier}, asker)
    assert raised.value.faults[0].field == "supersedes"


# -- the log


@pytest.fixture
def rewrite(world: World) -> Callable[[str, Callable[[dict[str, Any]], None]], None]:
    """Changes a record as somebody would who has all keys and also makes the entry fit."""

    def forge(decision_id: str, change: Callable[[dict[str, Any]], None]) -> None:
        record = kept_record(world, decision_id)
        change(record)
        replace_record(world, record)

    return forge


def test_a_replay_names_every_difference(world: World, asker: Asker, rewrite: Any) -> None:
    decision_id = service.decide(world, STEMI, asker)["id"]
    rewrite(decision_id, lambda entry: entry["result"]["urgency"].update(level="U5"))
    found = service.replay(world, decision_id, AUDITOR)
    assert not found["identical"]
    assert [(each["path"], each["then"]) for each in found["differences"]] == [("result.urgency.level", "U5")]


def test_a_flipped_byte_is_found(world: World, asker: Asker) -> None:
    decision_id = service.decide(world, STEMI, asker)["id"]
    for table, column in ((RECORDS, "sealed"), (RECORD_KEYS, "wrapped"), (LOG_ENTRIES, "entry")):
        with database.writing(world.engine) as connection:
            this = table.c.id == UUID(decision_id)
            whole = connection.scalars(sa.select(table.c[column]).where(this)).one()
            for place in (0, len(whole) // 2, len(whole) - 1):
                flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
                connection.execute(table.update().where(this).values({column: flipped}))
                with pytest.raises(BadRecord):
                    log_here.record_of(world, connection, "decision", UUID(decision_id))
            connection.execute(table.update().where(this).values({column: whole}))
    assert service.replay(world, decision_id, AUDITOR)["identical"]


def test_the_record_of_another_decision_is_not_taken_for_this_one(world: World, asker: Asker) -> None:
    first, second = (UUID(service.decide(world, case, asker)["id"]) for case in (STEMI, SORE_THROAT))
    with database.writing(world.engine) as connection:
        other = records.read(connection, second)
        assert other is not None
        records.destroy(connection, [first])
        records.keep(connection, first, other)
    with pytest.raises(BadRecord):
        service.decision(world, str(first), AUDITOR)


def test_a_record_that_does_not_fit_its_entry_is_refused(world: World, asker: Asker) -> None:
    decision_id = service.decide(world, STEMI, asker)["id"]
    record = kept_record(world, decision_id)
    record["result"]["urgency"]["level"] = "U5"
    made = log_here.make_ready(keyring_of(world), "decision", record)
    with database.writing(world.engine) as connection:
        records.destroy(connection, [made.id])
        records.keep(connection, made.id, made.record)
    with pytest.raises(BadRecord, match="not the one that stands in the log"):
        service.decision(world, decision_id, AUDITOR)


@pytest.fixture
def other_rules(tmp_path: Path) -> Iterator[Path]:
    """A copy of the packaged rulesets whose newest version was changed in place, as a version to come would be."""
    folder = tmp_path / "rulesets"
    with_data = Path(str(files("rulesets")))
    shutil.copytree(with_data / "acute-nl", folder / "acute-nl")
    for head in folder.glob("acute-nl/*/ruleset.yaml"):
        head.write_text(head.read_text().replace("owner:", "owner: somebody else, formerly", 1))
    yield folder


def test_a_replay_uses_what_was_known_then(
    world: World, asker: Asker, open_world: Open, clock: Clock, other_rules: Path
) -> None:
    then = service.decide(world, STEMI, asker)
    gone = then["recommendation"]["facility"]["id"]
    document = national_directory_records()
    left = [record for record in document["facilities"] if gone not in (record["id"], record.get("located_at"))]
    clock.forward(days=30)
    with database.writing(world.engine) as connection:
        assert add_packaged(connection, {**document, "facilities": left}, "test", world.words, clock.now) == 2

    later = open_world(rulesets=other_rules)
    now = service.decide(later, STEMI, asker)
    assert now["recommendation"]["facility"]["id"] != gone
    assert now["provenance"]["directory_revision"] == 2
    assert now["provenance"]["ruleset"]["digest"] != then["provenance"]["ruleset"]["digest"]
    for body in (then, now):
        for each in (world, later):
            found = service.replay(each, body["id"], AUDITOR)
            assert found["identical"], found["differences"]
            assert found["ruleset"] == body["provenance"]["ruleset"]["digest"]
            assert found["directory_revision"] == body["provenance"]["directory_revision"]
            assert service.ruleset(each, found["ruleset"])["source"]["ruleset.yaml"]["name"] == "acute-nl"


STROKE: dict[str, Any] = {
    **STEMI,
    "location": {"postcode": "1781"},
    "complaint": "neurological_deficit",
    "region": "example-drip-and-ship",
    "observations": {
        "facial_droop": True,
        "arm_weakness": True,
        "speech_disturbance": True,
        "gaze_deviation": True,
        "race_face": 2,
        "race_arm": 2,
        "race_leg": 2,
        "race_gaze": 1,
        "race_aphasia_agnosia": 1,
        "last_known_well_at": "2026-11-18T13:40:00+01:00",
    },
}
"""A probable large occlusion in Den Helder, where the thrombectomy centre is half an hour further."""


def test_the_agreements_of_a_region_decide_and_are_replayed(
    world: World, asker: Asker, open_world: Open, tmp_path: Path
) -> None:
    regional = service.decide(world, STROKE, asker)
    national = service.decide(world, {**STROKE, "region": None}, asker)
    assert regional["provenance"]["region"] == {"name": "example-drip-and-ship", "version": "1.1.0"}
    assert national["provenance"]["region"] is None
    assert regional["recommendation"]["facility"]["id"] != national["recommendation"]["facility"]["id"]
    assert "nearest_first" in {reason["rule"].rsplit("/", 1)[-1] for reason in regional["warnings"]}

    shutil.copytree(Path(str(files("rulesets"))), tmp_path / "rulesets")
    agreed = tmp_path / "rulesets/regions/example-drip-and-ship/1.1.0/overlay.yaml"
    agreed.write_text(agreed.read_text("utf-8").replace("value: 15", "value: 90"), "utf-8")
    later = open_world(rulesets=tmp_path / "rulesets")
    changed_since = service.decide(later, STROKE, asker)
    assert changed_since["recommendation"]["facility"]["id"] == national["recommendation"]["facility"]["id"]
    for body in (regional, national, changed_since):
        for each in (world, later):
            found = service.replay(each, body["id"], AUDITOR)
            assert found["identical"], found["differences"]


def test_an_overlay_that_cannot_be_used_is_said_before_the_first_case(open_world: Open, tmp_path: Path) -> None:
    shutil.copytree(Path(str(files("rulesets"))), tmp_path / "rulesets")
    agreed = tmp_path / "rulesets/regions/example-drip-and-ship/1.1.0/overlay.yaml"
    agreed.write_text(agreed.read_text("utf-8").replace("value: 15", "value: 9000"), "utf-8")
    spoiled = open_world(rulesets=tmp_path / "rulesets")
    ready, found = service.ready(spoiled)
    assert (ready, found["fault"]) == (False, "the rules or the directory cannot be read")
    with pytest.raises(BadData, match="not within what a region may choose"):
        service.check_rules(spoiled)


def test_rules_of_another_form_are_said_to_be_of_another_version(
    world: World, asker: Asker, open_world: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision_id = service.decide(world, STEMI, asker)["id"]
    monkeypatch.setitem(TEXTS, "a_text_of_tomorrow", ())  # a later version asks a text that these rules do not have
    monkeypatch.setattr(service, "ruleset_from_source", ruleset_from_source)  # and does not remember them
    later = open_world()
    with pytest.raises(OtherSoftware):
        service.replay(later, decision_id, AUDITOR)


def test_a_replay_needs_its_ruleset(world: World, asker: Asker, rewrite: Any) -> None:
    decision_id = service.decide(world, STEMI, asker)["id"]
    rewrite(decision_id, lambda entry: entry["ruleset"].update(digest=f"sha256:{'0' * 64}"))
    with pytest.raises(NotFound):
        service.replay(world, decision_id, AUDITOR)


def test_cursor_stays_right_under_inserts(world: World, asker: Asker, clock: Clock) -> None:
    before = []
    for number in range(7):
        before.append(service.decide(world, SORE_THROAT, asker)["id"])
        clock.forward(seconds=number % 2)  # some at the same moment
    seen, cursor = [], None
    while True:
        page = service.search(world, AUDITOR, cursor=cursor, limit=2)
        seen += [found["id"] for found in page["decisions"]]
        service.decide(world, SORE_THROAT, asker)
        if (cursor := page["next"]) is None:
            break
    assert seen == before[::-1]


def test_search_shows_what_was_decided(world: World, asker: Asker) -> None:
    stemi, throat = service.decide(world, STEMI, asker), service.decide(world, SORE_THROAT, asker)
    (found,) = service.search(world, AUDITOR, condition="stemi")["decisions"]
    assert found == {
        "id": stemi["id"],
        "decided_at": stemi["decided_at"],
        "urgency": stemi["urgency"]["level"],
        "conditions": sorted(each["code"] for each in stemi["conditions"]),
        "facility": stemi["recommendation"]["facility"]["id"],
        "channel": "ambulance",
        "supersedes": None,
        "outcome": None,
        "reason": None,
        "erased": False,
    }
    (found,) = service.search(world, AUDITOR, urgency=throat["urgency"]["level"])["decisions"]
    assert found["id"] == throat["id"]
    assert service.search(world, AUDITOR, facility="nowhere") == {"decisions": [], "next": None}
    with pytest.raises(BadInput):
        service.search(world, AUDITOR, urgency="U9")


# -- around it


def test_ready_says_with_what(world: World) -> None:
    ok, found = service.ready(world)
    assert ok
    assert found["directory_revision"] == 1
    assert found["ruleset"]["name"] == "acute-nl"
    assert service.live()[0]


def test_before_any_ruleset_nothing_is_decided(world: World, clock: Clock) -> None:
    clock.now = clock.now.replace(year=1990)
    with pytest.raises(BadData, match="acute-nl"):
        service.preview(world, SORE_THROAT)
    assert not service.ready(world)[0]


def test_rulesets_tell_which_one_decides(world: World) -> None:
    listed = service.rulesets(world)["rulesets"]
    assert [each["in_force"] for each in listed].count(True) == 1
    for each in listed:
        one = service.ruleset(world, each["digest"])
        assert {**each, "source": one["source"]} == one
    with pytest.raises(NotFound):
        service.ruleset(world, "sha256:0")
    assert service.vocabulary(world)["digest"] == world.words.digest


def test_only_rules_that_decide_now_or_later_are_read_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are read when somebody asks for them: a server that starts must not wait for them."""
    read_now, read = [], rules_here.read_ruleset

    def noted(folder: Path, words: Vocabulary) -> Ruleset:
        read_now.append(folder.name)
        return read(folder, words)

    monkeypatch.setattr(rules_here, "read_ruleset", noted)
    service.check_rules(world)
    assert service.ready(world)[0]
    assert read_now == ["1.2.0", "1.3.0", "1.4.0", "1.5.0"]
    every = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0"]
    assert [each["version"] for each in service.rulesets(world)["rulesets"]] == every
    assert sorted(read_now) == every


# -- several processes at once


def start_and_decide(url: str, rulesets: Path) -> str:
    wait_longer()
    world = service.open_world(Settings(database_url=url, bootstrap_key=SecretStr("the-first-key"), rulesets=rulesets))
    try:
        service.upgrade(world)
        asker = service.authenticate(world, "the-first-key")
        assert asker is not None
        made = service.decide(world, SORE_THROAT, asker)
        assert service.replay(world, made["id"], AUDITOR)["identical"]
        return str(made["id"])
    finally:
        service.close_world(world)


def test_two_worlds_race_at_start(database_url: str, open_world: Open, tmp_path: Path) -> None:
    rulesets = few_rules(tmp_path / "rules")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        made = pool.starmap(start_and_decide, [(database_url, rulesets)] * 3, chunksize=1)
    world = open_world()
    assert sorted(logged(world)) == sorted(made)
    with database.reading(world.engine) as connection:
        found = directory.head(connection)
        assert found is not None and found.revision == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM api_keys")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM rulesets")) == 1


def test_many_threads_share_one_world(world: World, asker: Asker) -> None:
    cases = [changed(SORE_THROAT, heart_rate=60 + number) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda case: service.decide(world, case, asker), cases))
    assert sorted(logged(world)) == sorted(body["id"] for body in made)
    for case, body in zip(cases, made, strict=True):
        assert {**service.preview(world, case), "id": body["id"]} == body


# -- regions


def test_the_rules_of_a_region_are_read_by_their_digest(world: World, asker: Asker, clock: Clock) -> None:
    decided = service.decide(world, STROKE, asker)
    digest = decided["provenance"]["ruleset"]["digest"]
    national = service.in_force(world, clock.now).digest
    assert digest != national
    found = service.ruleset(world, digest)
    assert found["digest"] == digest
    assert found["source"]["overlay.yaml"]["region"] == "example-drip-and-ship"
    unused = service.in_force_in(world, "example-no-stops", clock.now).digest  # before anybody decided with it
    assert service.ruleset(world, unused)["source"]["overlay.yaml"]["region"] == "example-no-stops"


def test_the_rules_that_decided_in_a_region_stay_readable_when_it_agrees_on_others(
    world: World, asker: Asker, open_world: Open, tmp_path: Path
) -> None:
    digest = service.decide(world, STROKE, asker)["provenance"]["ruleset"]["digest"]
    shutil.copytree(Path(str(files("rulesets"))), tmp_path / "rulesets")
    shutil.rmtree(tmp_path / "rulesets/regions")
    later = open_world(rulesets=tmp_path / "rulesets")
    assert service.ruleset(later, digest)["source"]["overlay.yaml"]["version"] == "1.1.0"


def test_a_decision_in_a_region_supersedes_a_national_one_and_both_replay(world: World, asker: Asker) -> None:
    first = service.decide(world, {**STROKE, "region": None}, asker)
    second = service.decide(world, {**STROKE, "supersedes": first["id"]}, asker)
    assert second["supersedes"] == first["id"]
    assert first["provenance"]["ruleset"]["digest"] != second["provenance"]["ruleset"]["digest"]
    for body in (first, second):
        found = service.replay(world, body["id"], AUDITOR)
        assert (found["identical"], found["ruleset"]) == (True, body["provenance"]["ruleset"]["digest"])


def test_an_agreement_that_counts_later_is_checked_now(open_world: Open, tmp_path: Path) -> None:
    shutil.copytree(Path(str(files("rulesets"))), tmp_path / "rulesets")
    agreed = tmp_path / "rulesets/regions/example-drip-and-ship/1.1.0/overlay.yaml"
    text = agreed.read_text("utf-8").replace("2026-11-01", "2031-01-01").replace("value: 15", "value: 500")
    agreed.write_text(text, "utf-8")
    world = open_world(rulesets=tmp_path / "rulesets")
    service.upgrade(world)
    with pytest.raises(BadData, match="not within what a region may choose"):
        service.check_rules(world)
    assert not service.ready(world)[0]


def test_many_regions_cost_one_engine(world: World, clock: Clock) -> None:
    engines = set()
    for region in (None, "example-drip-and-ship", "example-no-stops"):
        rules = service.in_force_in(world, region, clock.now)
        engines.add(id(evaluators_of(world, rules).engine))
    assert len(engines) == 1
