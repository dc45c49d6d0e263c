"""Short forms of `python -m tests.service.under_fire`: a server that is hurt in every way keeps its promises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.service import engine_faults, under_fire
from tests.service.log_load import Load, await_true, started_with, workers_of
from tests.service.under_fire import Found, Ground, as_table

SECONDS = 2.0


def played(name: str, folder: Path, **ground: Any) -> Found:
    """What came of the scene, said in the output of the test; every promise of it was held. If nothing is broken but
    what was promised of time it is played again, up to three times: a machine that stands still for some seconds breaks
    that too, but hardly each time, and a server that keeps clients waiting does."""
    for number in range(3):
        there = folder / str(number)
        there.mkdir()
        found = under_fire.play(name, Ground(there, seconds=SECONDS, as_installed=False, **ground))
        sys.stdout.write(as_table(name, found) + "\n")
        broken = {promise for promise, held in found.promises.items() if not held}
        if not broken or not broken <= found.of_time:
            break
    assert broken == set()
    return found


def test_slow_and_silent_clients_and_those_that_do_not_read_or_part_keep_nobody_waiting(tmp_path: Path) -> None:
    found = played("slow", tmp_path, connections=2_500)
    assert found.figures["hurting clients"] > 2 * under_fire.THREADS


@pytest.mark.long
def test_very_many_idle_connections_keep_nobody_waiting(tmp_path: Path) -> None:
    found = played("idle", tmp_path, connections=1_500, patience=4.0)
    assert found.figures["opened"] == 1_500


@pytest.mark.long
def test_floods_of_headers_and_of_connections_harm_nobody(tmp_path: Path) -> None:
    found = played("flood", tmp_path)
    assert {"200", "400", "414", "431"} >= {s for each in found.figures["came of it"].values() for s in each}


def test_rules_are_switched_and_a_server_is_stopped_without_a_request_lost(tmp_path: Path) -> None:
    found = played("stop", tmp_path)
    assert found.figures["stop: decisions"] > 0


def test_an_engine_that_fails_disagrees_crashes_or_hangs_leaves_the_cautious_answer(tmp_path: Path) -> None:
    found = played("engine", tmp_path)
    assert found.figures["names one more: urgency"] == "U3 -> U1"
    assert 8 < found.figures["hangs: connection ended after_s"] < 30


@pytest.mark.postgres
@pytest.mark.long
def test_a_database_that_is_restarted_stopped_or_loses_its_connections_is_waited_for(tmp_path: Path) -> None:
    found = played("database", tmp_path)
    assert found.figures["refused"].get("503", 0) > 0


def test_a_process_with_few_files_makes_room_and_does_not_end(tmp_path: Path) -> None:
    """Where a process may open few files, the longest idle connection goes when another one comes."""
    server = Ground(tmp_path).server()
    server.command = started_with("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)); ")
    with under_fire.running_alone(server):
        before = workers_of(server)
        held = under_fire.idle_connections(server.port, 600)
        try:
            await_true(lambda: under_fire.still_open(held) < 200, "room to be made")
            assert [engine_faults.asked(server, None) is not None for _ in range(5)] == [True] * 5
            assert workers_of(server) == before
        finally:
            for each in held:
                each.close()


def test_a_promise_that_is_broken_ends_the_program_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, broken = Found({"decisions": 3}, {"all is well": True}), Found({"decisions": 0}, {"all is well": False})
    monkeypatch.setattr(under_fire, "play", lambda name, ground: {"slow": kept, "idle": broken}[name])
    assert under_fire.main(["--only", "slow", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out) == {
        "slow": {"figures": {"decisions": 3}, "promises": {"all is well": True}}
    }
    assert under_fire.main(["--only", "slow", "--only", "idle"]) == 1
    assert "BROKEN  all is well" in capsys.readouterr().out


def test_a_decision_that_was_not_answered_or_was_lost_breaks_a_promise(tmp_path: Path) -> None:
    found, load = Found(), Load([], acknowledged=["a", "a"], broken=1, took=[(0.0, 9.0), (0.0, 0.1)])
    found.calm = 2.0
    found.went_on(load, "in this test")
    found.nothing_lost(load)
    assert set(found.promises.values()) == {False}
    found.answers(load)
    assert (found.figures["broken"], found.figures["slowest_ms"]) == (1, 9_000.0)
