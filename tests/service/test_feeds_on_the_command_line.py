"""A file of status and profiles is taken in from the command line, and the exit code says how that went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.feeds import EXAMPLES
from tests.service.conftest import Run
from tests.service.test_feeds import lines, stop

PAST = "2026-01-01T12:00:00+01:00"


def test_a_file_is_taken_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / "status.ndjson").write_bytes(lines([stop(at=PAST), stop("adrz-goes", at=PAST)]))
    code, out, _ = run("facilities", "import", "status.ndjson", "--source", "region")
    assert (code, out.startswith("2 records, 2 taken; revision 2")) == (0, True)
    code, out, _ = run("facilities", "import", "status.ndjson", "--source", "region", "--json")
    assert code == 0 and json.loads(out)["counts"]["known"] == 2


def test_what_is_refused_is_said_and_the_exit_code_is_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "status.ndjson").write_bytes(lines([stop(at=PAST), stop("nowhere", at=PAST)]))
    code, out, _ = run("facilities", "import", "status.ndjson", "--dry-run")
    assert code == 1
    assert "line 2: no place\n  refused: `facility` is not a place in the directory; seen: `nowhere`" in out
    assert "(nothing was kept)" in out


def test_a_broken_file_is_exit_code_2_with_what_was_taken(run: Run, tmp_path: Path) -> None:
    (tmp_path / "status.jsonl").write_bytes(lines([stop(at=PAST)]) + b"{")
    code, out, err = run("facilities", "import", "status.jsonl")
    assert code == 2 and "1 taken" in out and "`line 2`" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status.xml",), "--format"),
        (("gone.csv",), "gone.csv"),
        (("lpz.json", "--format", "lpz"), "map"),
        (("lpz.json", "--format", "lpz", "--map", "gone.yaml"), "gone.yaml"),
    ],
)
def test_what_cannot_be_read_is_exit_code_2(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "lpz.json").write_bytes((EXAMPLES / "lpz.json").read_bytes())
    code, _, err = run("facilities", "import", *arguments)
    assert code == 2 and said in err


def test_a_format_with_a_map_reads_from_standard_input(run: Run) -> None:
    arguments = ("--format", "lpz", "--map", str(EXAMPLES / "lpz-map.yaml"), "--json")
    code, out, _ = run("facilities", "import", "-", *arguments, stdin=(EXAMPLES / "lpz.json").read_bytes())
    assert code in (0, 1) and json.loads(out)["counts"]["records"] > 0
