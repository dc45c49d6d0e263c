"""What an auditor and a medical manager meet at the terminal when they have decisions made again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from routing import cli_replay, service
from routing.cli_replay import progress_text
from routing.facilities.opening import TIME_ZONE
from routing.keys_here import keyring_of
from routing.replaying.run import Progress
from routing.settings import Settings
from routing.world import World
from tests.service.conftest import AUDITOR, Clock, Run, kept_record, replace_record
from tests.service.replays import CASES, fill, stricter


@pytest.fixture
def made(run: Run, clock: Clock, tmp_path: Path) -> Iterator[tuple[World, list[str]]]:
    """Some decisions in the database of the command, and a world to change them in."""
    url = f"sqlite:///{tmp_path}/data/wegwijs.sqlite3"
    world = service.open_world(Settings(database_url=url), clock)
    service.upgrade(world)
    asker = service.authenticate(world, service.create_key(world, "test", frozenset({"triagist"})))
    assert asker is not None
    assert keyring_of(world)
    yield world, fill(world, asker, clock, copies=1)
    service.close_world(world)


Made = tuple[World, list[str]]


def spoil(world: World, decision_id: str) -> None:
    record = kept_record(world, decision_id)
    record["result"]["urgency"]["level"] = "U5"
    replace_record(world, record)


def test_an_auditor_sees_that_everything_is_the_same(run: Run, made: Made) -> None:
    code, out, err = run("replay", "--since", "2026-11-18", "--until", "2026-11-19")
    assert code == 0
    assert "Replay of 10 decisions, as of then" in out
    assert re.search(r"identical +10  100\.00%", out)
    assert "10 of 10 decisions" in err
    code, out, _ = run("replay", "--json")
    found = json.loads(out)
    assert code == 0
    assert {key: found[key] for key in ("decisions", "identical", "different", "differences")} == {
        "decisions": 10,
        "identical": 10,
        "different": 0,
        "differences": [],
    }
    assert run("replay", "--until", "2026-11-18T13:00:00Z", "--json")[0] == 0


def test_an_auditor_sees_what_is_not_the_same(run: Run, made: Made) -> None:
    world, ids = made
    spoil(world, ids[0])
    code, out, _ = run("replay")
    assert code == 1
    assert all(part in out for part in (ids[0], "result.urgency.level", "then U5", "now  U1"))
    code, out, _ = run("replay", "--json", "--most", "0", "--changed", "all.jsonl")
    found = json.loads(out)
    assert (code, found["different"], found["differences"], found["left_out"]) == (1, 1, [], 1)
    assert [json.loads(line)["id"] for line in Path("all.jsonl").read_text().splitlines()] == [ids[0]]


def test_one_decision_says_what_the_api_says(run: Run, made: Made) -> None:
    world, ids = made
    spoil(world, ids[0])
    for decision_id, expected in ((ids[0], 1), (ids[1], 0)):
        code, out, _ = run("replay", decision_id, "--json")
        assert (code, json.loads(out)) == (expected, service.replay(world, decision_id, AUDITOR))
    assert "identical to the last byte" in run("replay", ids[1])[1]
    code, out, _ = run("replay", ids[0])
    assert "result.urgency.level" in out


def test_a_medical_manager_sees_what_other_rules_would_change(run: Run, made: Made, tmp_path: Path) -> None:
    folder = str(stricter(tmp_path))
    code, out, _ = run("replay", "--ruleset", folder, "--changed", "changed.jsonl")
    assert code == 0
    for part in (
        "as if acute-nl 1.9.0 had been in force",
        "more urgent 4, less urgent 0",
        "2 of example-drip-and-ship by the national rules",
        "URGENCY", "CONDITIONS", "REGIONS", "KIND OF PLACE", "INFLOW", "MINUTES OF TRAVEL", "CHANGED CASES",
        "U1 -> U0",
    ):  # fmt: skip
        assert part in out, part
    assert max(map(len, out.splitlines())) <= 88
    rows = [json.loads(line) for line in Path("changed.jsonl").read_text().splitlines()]
    code, out, _ = run("replay", "--ruleset", folder, "--json")
    found = json.loads(out)
    assert (code, found["changed"], found["ruleset"]["version"]) == (0, rows, "1.9.0")
    one = json.loads(run("replay", made[1][0], "--ruleset", folder, "--json")[1])
    assert (one["decisions"], one["changed"]) == (1, rows[:1])
    assert "U1 -> U0" in run("replay", made[1][0], "--ruleset", folder)[1]


def test_it_goes_on_where_it_was(run: Run, made: Made) -> None:
    first, again = (json.loads(run("replay", "--json", "--resume", "kept.jsonl")[1]) for _ in range(2))
    assert (first["resumed"], again["resumed"]) == (0, len(CASES) * 2)
    assert run("replay", "--since", "2026-01-01", "--resume", "kept.jsonl")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "2026-11-19", "--until", "2026-11-18"), "--since"),
        (("--since", "yesterday"), "not a time"),
        (("--until", "2026-11-18T13:00:00"), "offset"),
        (("--ruleset", "acute-nl/9.9.9"), "NAME/VERSION"),
        (("--ruleset", "."), "not a ruleset"),
        (("--workers", "0"), "--workers"),
        (("--most", "-1"), "--most"),
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "not allowed with"),
        (("--changed", "nowhere/x"), "cannot be written"),
        (("--resume", "."), "cannot be written"),
        (("0198c0de-7000-7000-8000-000000000001",), "no decision"),
        (("0198c0de-7000-7000-8000-000000000001", "--since", "2026-11-18"), "of one decision"),
    ],
)
def test_bad_usage_is_said(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run("replay", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_the_agreements_of_a_region_are_no_rules_to_suppose(run: Run) -> None:
    folder = next(Path(str(cli_replay.__file__)).parents[1].glob("rulesets/regions/*/*"))
    code, _, err = run("replay", "--ruleset", str(folder))
    assert (code, "regions are laid over them" in err) == (2, True)


def test_a_date_is_a_dutch_day() -> None:
    assert cli_replay._moment("--since", "2026-11-01") == datetime(2026, 11, 1, tzinfo=TIME_ZONE)


def test_progress_says_how_long_it_will_take() -> None:
    text = progress_text(Progress(done=3_000, total=10_000, resumed=1_000, seconds=4.0))
    assert text == "3,000 of 10,000 decisions, 500 a second, 0:00:14 to go"
    assert progress_text(Progress(0, 10, 0, 0.0)) == "0 of 10 decisions, 0 a second"


def test_progress_is_told_at_most_once_a_second(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    elapsed = iter([10.0, 10.0, 10.4, 15.0, 21.0, 21.0, 21.1, 30.0])
    monkeypatch.setattr(cli_replay, "time", SimpleNamespace(monotonic=lambda: next(elapsed)))
    tell = cli_replay._Teller()
    for done in (1, 2, 3, 4, 10, 10):
        tell(Progress(done, 10, 0, 1.0))
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["1", "4", "10"]


PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "replay-and-compare.md").read_text("utf-8")
ID = "01a202e0-2f2e-7204-9f58-4f667d0d53f4"


def test_who_follows_the_page_sees_what_it_says(run: Run, made: Made, tmp_path: Path) -> None:
    """Every command of the page but the one that needs several machines, and an example that takes minutes; numbers are
    those of the moment."""
    stricter(tmp_path).rename("my-ruleset")
    seen, followed = "", 0
    for language, text in re.findall(r"^```(sh|text)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "sh":
            if "--scheduler" in text:
                continue
            code, seen, _ = run(*shlex.split(text.replace(ID, made[1][0]))[1:])
            assert code == 0, text
            followed += 1
        elif not text.startswith(("dask", "python -m")):  # these take other machines, or minutes
            lines = [plain_line(line) for line in seen.replace(made[1][0], ID).splitlines()]
            assert [line for line in text.splitlines() if plain_line(line) not in lines] == [], seen
    assert followed == 6


def plain_line(line: str) -> str:
    """`line` with N for numbers and single spaces."""
    return line if ID in line else " ".join(re.sub(r"\b[0-9][0-9.,]*\b", "N", line).split())
