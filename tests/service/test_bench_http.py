"""The measurement over HTTP: it says what it lacks, and reads what the load generator says."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from api.bare import create_bare
from routing import bench_http
from routing.bench_http import _load, _Running
from routing.errors import BadInput
from routing.settings import Settings
from routing.store import database, scratch
from tests.fixtures_ruleset import few_rules
from tests.service.conftest import STEMI

SAID = """Running 1s test
  Non-2xx or 3xx responses: 3
Requests/sec:    712.50
Transfer/sec:      2.10MB
"""


def test_without_a_load_generator_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BadInput) as raised:
        bench_http.measure(Settings(database_url=f"sqlite:///{tmp_path}/w"), [STEMI], seconds=1, progress=print)
    assert "apt-get install wrk" in str(raised.value.faults[0].allowed)


def test_what_the_load_generator_says_is_read(tmp_path: Path) -> None:
    program = tmp_path / "wrk"
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{SAID}EOF\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    server = _Running(1, None, "key", 2.5)  # type: ignore[arg-type]
    assert _load(str(program), server, tmp_path / "ask.lua", 1) == {
        "requests_per_s": 712.5,
        "refused": 3,
        "started_s": 2.5,
    }


def test_the_bare_server_commits_and_answers_what_it_was_told(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    engine = database.open_engine(database_url)
    with database.writing(engine) as connection:
        scratch.make_bare_table(connection)
    for name, value in {"DATABASE_URL": database_url, "ANSWER_BYTES": "4400", "ROW_BYTES": "1700"}.items():
        monkeypatch.setenv(f"BARE_{name}", value)
    app = create_bare()
    response = app.test_client().post("/v1/decisions", json=STEMI)
    assert (response.status_code, len(response.data)) == (201, 4400)
    with database.reading(engine) as connection:
        kept = connection.exec_driver_sql("SELECT content FROM bare_rows").scalars().all()
    assert [len(content) for content in kept] == [1700]
    for each in (engine, app.extensions["engine"]):
        each.dispose()


@pytest.mark.long
def test_a_whole_measurement_refuses_nothing_and_gives_its_ratios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("wrk") is None:
        assert "WEGWIJS_TEST_GATE" not in os.environ, "the gate installs wrk"
        pytest.skip("wrk is not installed (Debian: apt-get install wrk)")
    rules = few_rules(tmp_path / "rules")
    settings = Settings(database_url=f"sqlite:///{tmp_path}/beside.sqlite3", rulesets=rules)
    monkeypatch.setattr(bench_http, "WARM_UP_SECONDS", 1)
    told: list[str] = []
    found = bench_http.measure(settings, [STEMI], seconds=1, progress=told.append)
    assert found["refused"] == 0
    assert found["database"] == "sqlite"
    assert min(found["requests_per_s"], found["bare_requests_per_s"], found["p50_ms"]) > 0
    assert found["ratio_to_bare"] == round(found["requests_per_s"] / found["bare_requests_per_s"], 3)
    assert found["answer_bytes"] > 1_000
    assert len(told) == 4
