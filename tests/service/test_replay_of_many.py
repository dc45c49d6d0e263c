"""The promises about replays of many decisions: complete, the same however it is done, honest about what differs."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa

from routing import places, service
from routing.directory_here import Walk, add_packaged, directory_of, newest_directory
from routing.errors import BadInput, NotFound, Stopped
from routing.facilities.directory import national_directory_records
from routing.replaying import work
from routing.replaying.chunks import Chunk, chunks
from routing.replaying.judging import ERASED, Verdict
from routing.replaying.processes import ATTEMPTS, Processes
from routing.replaying.reading import Stored
from routing.replaying.run import Progress, Wanted, replay_many, replay_one_supposing
from routing.replaying.supposed import read_supposed, supposed_record, supposed_rules
from routing.rights import Asker
from routing.settings import Settings
from routing.store import database, decisions, records
from routing.store.tables import DECISIONS, RECORDS
from routing.world import World
from tests.service.conftest import SORE_THROAT, STEMI, Clock, Open, kept_record, replace_record
from tests.service.replays import CASES, OPERATOR, copy, fill, lasting, quietly, stricter

EVER = datetime(2100, 1, 1, tzinfo=UTC)


def many(world: World, **wanted: Any) -> dict[str, Any]:
    """The whole answer, worked out in this process unless something else is said."""
    return replay_many(world, Wanted(**{"until": EVER, "workers": 1, **wanted}), quietly)


# -- as of then


def test_every_decision_that_is_made_again_is_the_same(world: World, asker: Asker, clock: Clock) -> None:
    fill(world, asker, clock, copies=3)
    found = many(world)
    assert {key: found[key] for key in ("decisions", "identical", "different", "erased", "unreadable")} == {
        "decisions": 20,
        "identical": 20,
        "different": 0,
        "erased": 0,
        "unreadable": 0,
    }
    assert found["differences"] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_the_decisions_of_the_time_are_looked_at(world: World, asker: Asker, clock: Clock) -> None:
    begin = clock.now
    fill(world, asker, clock, copies=0)
    counts = [
        many(world, since=begin + timedelta(minutes=since), until=begin + timedelta(minutes=until))["decisions"]
        for since, until in ((0, 3), (0, 4), (3, 9), (1, 3), (12, 13), (13, 99), (5, 5))
    ]
    assert counts == [1, 2, 2, 0, 1, 0, 0]
    assert many(world, until=None)["decisions"] == len(CASES)


def test_a_difference_is_listed_by_its_path(world: World, asker: Asker, clock: Clock, tmp_path: Path) -> None:
    made = fill(world, asker, clock, copies=1)
    record = kept_record(world, made[0])
    record["result"]["urgency"]["level"] = "U5"
    replace_record(world, record)
    found = many(world, listing=tmp_path / "all.jsonl")
    assert (found["identical"], found["different"]) == (9, 1)
    (row,) = found["differences"]
    assert row["id"] == made[0]
    assert row["differences"] == [{"path": "result.urgency.level", "then": "U5", "now": "U1"}]
    assert [orjson.loads(line) for line in (tmp_path / "all.jsonl").read_bytes().splitlines()] == [row]
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o077 == 0


def test_what_cannot_be_read_is_never_taken_for_the_same(world: World, asker: Asker, clock: Clock) -> None:
    made = [UUID(each) for each in fill(world, asker, clock, copies=1)]
    with database.writing(world.engine) as connection:
        connection.execute(RECORDS.update().where(RECORDS.c.id == made[0]).values(sealed=b"damaged" * 9))
        records.destroy(connection, made[1:3])
        erased = sa.update(DECISIONS).where(DECISIONS.c.id == made[2]).values(erased_at=clock.now)
        connection.execute(erased)
    found = many(world)
    assert {key: found[key] for key in ("decisions", "identical", "different", "erased", "unreadable")} == {
        "decisions": 10,
        "identical": 7,
        "different": 2,
        "erased": 1,
        "unreadable": 2,
    }
    problems = {row["id"]: row["problem"] for row in found["differences"]}
    assert "damaged" in problems[str(made[0])]
    assert "not erased" in problems[str(made[1])]


# -- as if other rules had been in force


def test_other_rules_are_compared_case_by_case(world: World, asker: Asker, clock: Clock, tmp_path: Path) -> None:
    made = fill(world, asker, clock, copies=1)
    supposed = supposed_rules(world, str(stricter(tmp_path)))
    found = many(world, supposed=supposed, listing=tmp_path / "changed.jsonl", most=1)
    assert (found["decisions"], found["identical"], found["different"]) == (10, 4, 6)
    flips = found["flips"]
    assert flips["urgency"]["U1"]["U0"] == 4
    assert flips["regions"]["example-drip-and-ship"] == {"changed": 2, "total": 2}
    assert flips["regions"]["not given"] == {"changed": 4, "total": 6}
    assert sum(sum(row.values()) for row in flips["urgency"].values()) == 10
    assert sum(sum(row.values()) for row in flips["kinds"].values()) == 10
    # nothing was agreed in any region on this version
    assert found["overlays"] == {}
    assert found["national_instead"] == {"example-drip-and-ship": 2}
    rows = [orjson.loads(line) for line in (tmp_path / "changed.jsonl").read_bytes().splitlines()]
    assert (found["changed"], found["left_out"]) == (rows[:1], 5)
    row = rows[0]
    assert row["id"] == made[0]
    assert row["urgency"] == {"then": "U1", "now": "U0"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_list_of_changed_cases_holds_nothing_of_the_patient(
    world: World, asker: Asker, clock: Clock, tmp_path: Path
) -> None:
    case = {**STEMI, "reference": "ZCC-2026-000123", "patient": {"age_years": 93, "sex": "female"}}
    service.decide(world, case, asker)
    supposed = supposed_rules(world, str(stricter(tmp_path)))
    text = orjson.dumps(many(world, supposed=supposed)).decode()
    (row,) = many(world, supposed=supposed)["changed"]
    assert set(row) == {"id", "decided_at", "urgency", "conditions", "facility", "kind", "minutes", "rules"}
    for value in ("ZCC-2026", "93", "female", "52.09", "112", "36.7"):
        assert value not in text.replace(row["id"], "").replace(row["decided_at"], "").replace(
            supposed.ruleset.digest, ""
        )


def test_rules_are_known_by_folder_name_and_digest(world: World, asker: Asker, tmp_path: Path) -> None:
    service.decide(world, STEMI, asker)
    folder = supposed_rules(world, str(stricter(tmp_path)))
    assert (folder.ruleset.version, folder.overlays) == ("1.9.0", {})
    named = supposed_rules(world, "acute-nl/1.2.0")
    assert {region: overlay.version for region, overlay in named.overlays.items()}["example-drip-and-ship"] == "1.1.0"
    assert supposed_rules(world, "1.2.0").digest() == named.digest()
    assert supposed_rules(world, named.ruleset.digest).digest() == named.digest()
    assert read_supposed(supposed_record(named), world.words).digest() == named.digest()
    for unknown in ("acute-nl/9.9.9", "sha256:0", "nowhere", ""):
        with pytest.raises(BadInput, match="not a ruleset"):
            supposed_rules(world, unknown)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rules_that_only_decided_in_the_past_can_be_supposed(
    world: World, asker: Asker, open_world: Open, tmp_path: Path
) -> None:
    place = tmp_path / "installed" / "acute-nl" / "1.9.0"
    place.parent.mkdir(parents=True)
    stricter(tmp_path).rename(place)
    head = place / "ruleset.yaml"
    head.write_text(head.read_text("utf-8").replace("2026-11-01T00", "2026-11-02T00"), "utf-8")
    digest = service.decide(open_world(rulesets=place.parents[1]), STEMI, asker)["provenance"]["ruleset"]["digest"]
    for name in ("acute-nl/1.9.0", digest):
        assert supposed_rules(world, name).ruleset.digest == digest
    one = service.decide(world, STEMI, asker)
    found = replay_one_supposing(world, one["id"], supposed_rules(world, digest), 100)
    assert (found["decisions"], found["different"]) == (1, 1)
    for unknown in (str(UUID(int=0)), "x"):
        with pytest.raises(NotFound):
            replay_one_supposing(world, unknown, supposed_rules(world, digest), 100)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_same_rules_change_nothing(world: World, asker: Asker, clock: Clock) -> None:
    fill(world, asker, clock, copies=0)
    found = many(world, supposed=supposed_rules(world, "1.2.0"))
    assert (found["identical"], found["different"], found["unreadable"]) == (len(CASES), 0, 0)
    assert found["flips"]["minutes"]["sum"] == found["flips"]["by_other_rules"] == 0


# -- in parts


def test_chunks_lose_and_double_nothing(world: World, asker: Asker, clock: Clock) -> None:
    begin = clock.now
    made = service.decide(world, SORE_THROAT, asker)["id"]
    copy(world, made, 6)  # at one moment, so that a chunk ends between two of the same time
    clock.forward(minutes=1)
    for _ in range(3):
        service.decide(world, SORE_THROAT, asker)
    with database.reading(world.engine) as connection:
        all_of_them = [each for each, _, _ in decisions.ids_between(connection, begin, EVER, None, 1_000)]
    assert len(all_of_them) == 10
    for size in range(1, 12):
        cut = list(chunks(world, begin, EVER, size))
        assert [chunk.number for chunk in cut] == list(range(len(cut)))
        assert judged(world, cut) == Counter(all_of_them)


def judged(world: World, cut: list[Chunk]) -> Counter[UUID]:
    """Which decisions come along, and how often, when all of these chunks are worked on."""
    seen: Counter[UUID] = Counter()

    def judge(stored: Stored) -> Verdict:
        seen[stored.id] += 1
        return ERASED

    for chunk in cut:
        work.work(world, judge, chunk)
    return seen


def test_a_chunk_of_another_database_is_not_taken_for_empty(world: World, asker: Asker, clock: Clock) -> None:
    service.decide(world, SORE_THROAT, asker)
    (chunk,) = chunks(world, None, EVER, 10)
    elsewhere = Chunk(0, chunk.first, (clock.now, UUID(int=1)), 1)
    for wrong in (elsewhere, Chunk(0, chunk.first, chunk.last, 2)):
        with pytest.raises(NotFound):
            work.work(world, work.judge_of(world, None), wrong)


# -- by many, who may die


@pytest.fixture
def filled(world: World, asker: Asker, clock: Clock) -> World:
    """A world with a hundred decisions, of which one is not as it was."""
    made = fill(world, asker, clock, copies=19)
    record = kept_record(world, made[2])
    record["result"]["dispatch"]["mmt"] = not record["result"]["dispatch"]["mmt"]
    replace_record(world, record)
    return world


class Killer:
    """Kills one of the processes that work, once something was finished."""

    def __init__(self) -> None:
        self.killed = 0

    def __call__(self, progress: Progress) -> None:
        if progress.done and not self.killed:
            victim = multiprocessing.active_children()[-1]
            assert victim.pid is not None
            os.kill(victim.pid, signal.SIGKILL)
            self.killed = victim.pid


def test_a_killed_worker_changes_nothing_in_the_result(filled: World, tmp_path: Path) -> None:
    undisturbed = many(filled, listing=tmp_path / "undisturbed.jsonl")
    killer = Killer()
    wanted = Wanted(until=EVER, workers=2, listing=tmp_path / "killed.jsonl")
    found = replay_many(filled, wanted, killer)
    assert killer.killed
    assert lasting(found) == lasting(undisturbed)
    assert (found["decisions"], found["different"]) == (100, 1)
    assert (tmp_path / "killed.jsonl").read_bytes() == (tmp_path / "undisturbed.jsonl").read_bytes()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_work_over_which_everybody_dies_is_named(world: World, asker: Asker) -> None:
    service.decide(world, SORE_THROAT, asker)
    (chunk,) = chunks(world, None, EVER, 10)
    told = work.job({"database_url": world.settings.database_url}, None)
    with Processes(told, 1) as workers, pytest.raises(Stopped, match=rf"{ATTEMPTS} processes died.*{chunk.first[1]}"):
        workers.begin(chunk)
        for _ in range(20 * ATTEMPTS):
            for victim in multiprocessing.active_children():
                victim.kill()
            if workers.finished(1) is not None:  # we came too late to kill it
                workers.begin(chunk)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_lost_is_said_without_its_password(
    world: World, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.decide(world, SORE_THROAT, asker)
    (chunk,) = chunks(world, None, EVER, 10)
    tries: list[float] = []
    monkeypatch.setattr(work, "time", SimpleNamespace(sleep=tries.append))  # of this module alone
    told = work.job({"database_url": "postgresql://me:secret@127.0.0.1:1/nothing"}, None)
    said = orjson.loads(work.answer(told, chunk, lambda given: Settings(**given)))
    assert "the database cannot be used" in said["stopped"]
    assert "secret" not in said["stopped"]
    assert tries == list(work.PAUSES_SECONDS)


# -- interrupted


def interrupted(world: World, wanted: Wanted, after: int) -> None:
    """A replay that ends after so many chunks, as with Ctrl-C."""
    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay_many(world, wanted, tell)


@pytest.mark.parametrize(
    ("database_url", "rules"),
    [("sqlite", "stricter"), pytest.param("postgresql", None, marks=pytest.mark.postgres)],
    indirect=["database_url"],
)
def test_an_interrupted_replay_goes_on_and_ends_the_same(filled: World, tmp_path: Path, rules: str | None) -> None:
    supposed = supposed_rules(filled, str(stricter(tmp_path))) if rules else None
    seen: list[Progress] = []
    wanted = Wanted(until=EVER, supposed=supposed, workers=1, listing=tmp_path / "whole.jsonl")
    whole = replay_many(filled, wanted, seen.append)
    assert [each.done for each in seen] == [20, 40, 60, 80, 100, 100]
    assert {each.total for each in seen} == {100}

    again = replace(wanted, listing=tmp_path / "parts.jsonl", resume=tmp_path / "kept.jsonl")
    interrupted(filled, again, after=2)
    with (tmp_path / "kept.jsonl").open("ab") as file:
        file.write(b'{"chunk":[2,"2026-')  # it ended in the middle of a line
    found = replay_many(filled, again, quietly)
    assert found["resumed"] == 40
    assert lasting(found) == lasting(whole)
    assert (tmp_path / "parts.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    found = replay_many(filled, again, quietly)
    assert (found["resumed"], lasting(found)) == (100, lasting(whole))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_of_another_question_is_refused(world: World, asker: Asker, clock: Clock, tmp_path: Path) -> None:
    fill(world, asker, clock, copies=0)
    kept = tmp_path / "kept.jsonl"
    assert many(world, resume=kept)["resumed"] == 0
    assert many(world, resume=kept)["resumed"] == len(CASES)
    before = kept.read_bytes()
    for other in ({"since": clock.now}, {"until": clock.now}, {"supposed": supposed_rules(world, "1.1.0")}):
        with pytest.raises(BadInput, match="another question"):
            many(world, resume=kept, **other)
    assert kept.read_bytes() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_until_now_stays_the_now_of_the_beginning(world: World, asker: Asker, clock: Clock, tmp_path: Path) -> None:
    fill(world, asker, clock, copies=0)
    first = many(world, until=None, resume=tmp_path / "kept.jsonl")
    service.decide(world, STEMI, asker)
    clock.forward(days=1)
    again = many(world, until=None, resume=tmp_path / "kept.jsonl")
    assert (lasting(again), again["decisions"]) == (lasting(first), len(CASES))
    assert many(world, until=None)["decisions"] == len(CASES) + 1


@pytest.mark.parametrize(
    "content", [b"hello", b"hello\n", b"{}\n", b"[]\n", b'{"wegwijs_replay":2,"question":{}}\n', b"\xff\n"]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_is_something_else_is_refused_and_left_alone(world: World, tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(content)
    with pytest.raises(BadInput, match="not a file that a replay keeps"):
        many(world, resume=kept)
    assert kept.read_bytes() == content
    with pytest.raises(BadInput, match="cannot be written"):
        many(world, resume=tmp_path)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_head_that_was_not_written_to_its_end_begins_anew(world: World, tmp_path: Path) -> None:
    for head in (b"", b'{"wegw', b'{"wegwijs_replay":1,"ques'):
        (tmp_path / "kept.jsonl").write_bytes(head)
        assert many(world, resume=tmp_path / "kept.jsonl")["decisions"] == 0


# -- places as they were


def test_a_walk_through_the_past_sees_what_was_there(world: World, clock: Clock, open_world: Open) -> None:
    for number in range(12):
        if number == 6:  # a directory that is taken in whole, in the middle
            document = national_directory_records()
            with database.writing(world.engine) as connection:
                fewer = {
                    **document,
                    "facilities": [each for each in document["facilities"] if "located_at" not in each],
                }
                add_packaged(connection, fewer, "test", world.words, clock.now)
        stop = {"unit": "seh", "kind": "stop", "value": number % 2 == 0, "observed_at": clock.now.isoformat()}
        places.report_status(world, ("umc-utrecht", "erasmus-mc")[number % 2], stop, OPERATOR)
        clock.forward(minutes=5)
    newest = newest_directory(world).revision
    assert newest == 14
    forward, jumping = Walk(world, world.words), Walk(open_world(), world.words)
    for revision in (*range(1, newest + 1), *range(newest, 0, -1)):
        known = directory_of(open_world(), revision, world.words)
        for seen in (forward.at(revision), jumping.at(revision * 5 % newest + 1)):
            if seen.revision == revision:
                assert (seen.digest, seen.status, seen.facilities) == (known.digest, known.status, known.facilities)
    with pytest.raises(NotFound):
        forward.at(newest + 1)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []
