"""Times of travel by the settings: an engine or a matrix that fails leaves a decision, and what happened is said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from routing import service
from routing.errors import BadInput
from routing.rights import Asker
from routing.service import World
from routing.settings import Settings
from routing.travel import embedded, stands_in
from routing.travel_here import EMBEDDED, assembled
from tests.engine_server import Engine, engine_server, hanging, saying
from tests.processes import children_of, runs
from tests.service.conftest import SORE_THROAT, STEMI, Clock, Run, Upgraded

Here = Callable[..., tuple[World, Asker]]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_server(Engine()) as made:
        yield made


@pytest.fixture
def here(upgraded_sqlite: Upgraded, tmp_path: Path) -> Iterator[Here]:
    """A world with these settings, and somebody who asks. It waits a minute for an engine unless it is told otherwise,
    which is longer than anybody may set: one that answers must never be late by accident."""
    opened: list[World] = []

    def make(**settings: Any) -> tuple[World, Asker]:
        shutil.copy(upgraded_sqlite.url.removeprefix("sqlite:///"), tmp_path / "w.sqlite3")
        shutil.copy(upgraded_sqlite.keys, tmp_path / "w.keys")
        given = Settings(database_url=f"sqlite:///{tmp_path}/w.sqlite3", keys=tmp_path / "w.keys", **settings)
        if "road_engine_timeout_ms" not in settings:
            given = given.model_copy(update={"road_engine_timeout_ms": 60_000})
        world = service.open_world(given, Clock())
        opened.append(world)
        asker = service.authenticate(world, service.create_key(world, "test", frozenset({"triagist"})))
        assert asker is not None
        return world, asker

    yield make
    for world in opened:
        service.close_world(world)


def warned(decision: dict[str, Any]) -> bool:
    return any(each["rule"].endswith("/road_engine_silent") for each in decision["warnings"])


@pytest.mark.parametrize("name", ["osrm", "valhalla", "openrouteservice"])
def test_the_best_places_get_the_times_of_the_engine_and_the_rest_keeps_those_known_here(
    here: Here, engine: Engine, name: str
) -> None:
    world, asker = here(road_engine=name, road_engine_url=engine.url)
    made = service.decide(world, STEMI, asker)
    assert made["recommendation"]["travel"]["method"] == f"{name}/1"
    assert made["provenance"]["travel"] == ", ".join(sorted((f"{name}/1", EMBEDDED.name)))
    assert not warned(made)
    assert service.replay(world, made["id"], asker)["identical"] is True


def test_an_engine_that_hangs_costs_one_decision_its_time_out_and_the_next_nothing(here: Here, engine: Engine) -> None:
    world, asker = here(road_engine="osrm", road_engine_url=hanging(engine).url, road_engine_timeout_ms=600)
    counted: list[tuple[str, bool]] = []
    world = replace(world, count_road=lambda result, left_alone: counted.append((result, left_alone)))
    made = [service.decide(world, STEMI, asker) for _ in range(3)]
    assert len(engine.asked) <= 1  # none if it was late before it had read the question
    assert counted == [("late", True), ("left_alone", True), ("left_alone", True)]
    assert all(map(warned, made))
    assert made[0]["recommendation"]["travel"]["method"] == stands_in(EMBEDDED.name, "osrm/1")
    assert service.replay(world, made[0]["id"], asker)["identical"] is True
    ready, found = service.ready(world)
    assert (ready, found["travel"]["engine"]) == (True, {"name": "osrm/1", "breaker": "open"})


def test_without_an_engine_the_same_place_comes_first_as_with_one_that_fails(here: Here, engine: Engine) -> None:
    world, asker = here()
    plain = service.decide(world, STEMI, asker)
    world, asker = here(road_engine="osrm", road_engine_url=saying(engine, 500, b"").url)
    failed = service.decide(world, STEMI, asker)
    assert failed["recommendation"]["facility"] == plain["recommendation"]["facility"]
    assert (warned(plain), warned(failed)) == (False, True)


def test_whoever_types_asks_no_engine(here: Here, engine: Engine) -> None:
    world, _ = here(road_engine="osrm", road_engine_url=engine.url)
    assert service.preview(world, STEMI)["provenance"]["travel"] == EMBEDDED.name
    assert engine.asked == []


def test_an_engine_is_told_where_the_patient_is_and_nothing_else(here: Here, engine: Engine) -> None:
    world, asker = here(road_engine="valhalla", road_engine_url=engine.url, road_engine_key="k3y")
    service.decide(world, {**SORE_THROAT, "reference": "ZCC-77", "observations": {"chest_pain": True}}, asker)
    assert engine.asked
    for _, path, body, headers in engine.asked:
        assert set(json.loads(body)) == {"sources", "targets", "costing"}
        assert "ZCC" not in f"{path}{body!r}{headers}"
        assert set(headers) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Content-Length",
                                "Authorization", "Connection"}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"ROAD_ENGINE": "osrm"}, "WEGWIJS_ROAD_ENGINE_URL"),
        ({"ROAD_ENGINE": "waze"}, "WEGWIJS_ROAD_ENGINE"),
        ({"ROAD_ENGINE": "osrm", "ROAD_ENGINE_URL": "http://osrm.example.nl"}, "https://"),
        ({"ROAD_ENGINE": "osrm", "ROAD_ENGINE_URL": "https://me:secret@osrm.example.nl"}, "name or password"),
        ({"ROAD_ENGINE": "osrm", "ROAD_ENGINE_URL": "https://osrm.example.nl/?key=secret"}, "question mark"),
        ({"ROAD_ENGINE": "osrm", "ROAD_ENGINE_URL": "http://127.0.0.1:5000", "ROAD_ENGINE_TIMEOUT_MS": "1"}, "50"),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_show_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], named: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"WEGWIJS_{name}", value)
    code, out, err = run("decide", "-", stdin=STEMI)
    assert (code, out) == (2, "")
    assert named in err
    assert "secret" not in err.replace("name or password", "")


def test_the_command_decides_with_the_engine_too(run: Run, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    monkeypatch.setenv("WEGWIJS_ROAD_ENGINE", "openrouteservice")
    monkeypatch.setenv("WEGWIJS_ROAD_ENGINE_URL", engine.url)
    monkeypatch.setenv("WEGWIJS_ROAD_ENGINE_TIMEOUT_MS", "10000")
    made = json.loads(run("decide", "-", "--json", stdin=STEMI)[1])
    assert made["recommendation"]["travel"]["method"] == "openrouteservice/1"


def test_the_key_of_the_engine_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJS_ROAD_ENGINE_KEY", "s3cret")
    assert "s3cret" not in run("settings")[1]


# -- the matrix -------------------------------------------------------------------------------------------------------


@pytest.fixture
def few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix of the cells around Utrecht alone."""
    from routing.travel import matrix_building

    found = matrix_building.cells_around(6)
    import h3.api.basic_int as h3

    near = {*h3.grid_disk(h3.latlng_to_cell(52.0907, 5.1214, 6), 2)}
    monkeypatch.setattr(matrix_building, "cells_around", lambda _size: [cell for cell in found if cell in near])


@pytest.mark.usefixtures("few_cells")
def test_a_matrix_is_built_looked_at_used_and_brought_up_to_date(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = str(tmp_path / "nl.matrix")
    build = ("travel", "build", "--provider", "embedded", "--resolution", "6", "--out", file, "--json")
    code, out, err = run(*build)
    first = json.loads(out)
    assert (code, first["cells"], first["places_taken_over"]) == (0, 19, 0)
    assert "19 of 19 cells" in err
    assert json.loads(run("travel", "show", file, "--json")[1])["fits"] is True
    again = json.loads(run(*build)[1])
    assert (again["places_taken_over"], again["places"]) == (first["places"],) * 2
    assert json.loads(run(*build, "--anew")[1])["places_taken_over"] == 0
    monkeypatch.setenv("WEGWIJS_TRAVEL_MATRIX", file)
    made = json.loads(run("decide", "-", "--json", stdin=STEMI)[1])
    assert made["recommendation"]["travel"]["method"] == f"matrix/1 {EMBEDDED.name}"
    figures = json.loads(run("bench", "travel", "--lookups", "30", "--json")[1])
    assert {"embedded_us_p50", "matrix_us_p50", "ratio_embedded_to_matrix"} <= set(figures)


@pytest.mark.usefixtures("few_cells")
def test_a_matrix_of_a_road_engine_is_built(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: Engine
) -> None:
    monkeypatch.setenv("WEGWIJS_ROAD_ENGINE_URL", engine.url)
    file = str(tmp_path / "nl.matrix")
    build = ("travel", "build", "--provider", "osrm", "--resolution", "6", "--out", file, "--json")
    made = json.loads(run(*build)[1])
    assert (made["provider"], made["entries_without_time"]) == ("osrm/1", 0)
    monkeypatch.setenv("WEGWIJS_TRAVEL_MATRIX", file)
    decided = json.loads(run("decide", "-", "--json", stdin=STEMI)[1])
    assert decided["recommendation"]["travel"]["method"] == "matrix/1 osrm/1"
    before = Path(file).read_bytes()
    saying(engine, 500, b"")
    monkeypatch.setattr("routing.cli_travel.PAUSE_SECONDS", 0)
    code, _, err = run(*build, "--anew")
    assert (code, "nothing was written" in err, Path(file).read_bytes()) == (2, True, before)


@pytest.mark.parametrize("out", ["not-there/nl.matrix", "."])
def test_where_no_file_can_be_written_nothing_is_worked_out(
    run: Run, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr("routing.travel.matrix_building.build", lambda *_: pytest.fail("it was worked out"))
    code, _, err = run("travel", "build", "--out", out)
    assert (code, "--out" in err, out in err) == (2, True, True)


def test_a_build_that_is_killed_leaves_no_process_and_no_file(upgraded_sqlite: Upgraded, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "routing.cli", "travel", "build", "--resolution", "9"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "nl.matrix")],
        env={**os.environ, "WEGWIJS_DATABASE_URL": upgraded_sqlite.url},
        stderr=subprocess.PIPE,
    ) as building:
        assert building.stderr is not None
        assert b"cells" in building.stderr.readline()  # its workers work
        workers = children_of(building.pid)
        assert workers
        building.kill()
    until = time.monotonic() + 60
    while left := [pid for pid in workers if runs(pid)]:
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_matrix_is_not_used_and_that_is_said(
    here: Here, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "bad.matrix"
    file.write_bytes(b"not a matrix at all, though it is long enough to be looked at")
    world, asker = here(travel_matrix=file)
    made = service.decide(world, STEMI, asker)
    assert made["provenance"]["travel"] == EMBEDDED.name
    assert "the matrix of travel times is not used" in caplog.text
    ready, found = service.ready(world)
    assert ready is True
    assert "is not a matrix" in found["travel"]["fault"]
    code, out, err = run("travel", "show", str(file), "--json")
    assert (code, json.loads(out)["fits"], "is not a matrix" in err) == (1, False, True)
    assert run("bench", "travel", "--matrix", str(file))[0] == 2


def test_a_matrix_needs_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from routing.travel import matrix_building  # noqa: F401 - so that the file is there to be asked for

    file = tmp_path / "m"
    monkeypatch.setattr("routing.travel_here.find_spec", lambda _name: None)
    with pytest.raises(BadInput, match=r"wegwijs\[matrix\]"):
        assembled(Settings(travel_matrix=file))


def test_the_embedded_default_needs_no_setting() -> None:
    assert assembled(Settings()).known is embedded
