"""The gate tries a few failing tests once more by themselves, and lets through only what does not fail again."""

from __future__ import annotations

import subprocess
from pathlib import Path

TESTS = Path(__file__).parents[2] / ".ci" / "tests"

PASSES = "def test_passes():\n    pass\n"

FAILS_ONCE = """
from pathlib import Path

def test_fails_once():
    seen = Path(__file__).with_name("seen")
    before = seen.exists()
    seen.touch()
    assert before
"""

FAILS = "def test_fails():\n    raise AssertionError\n"


def gate(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """What the gate's tests say of a folder with these files of tests."""
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    for number, text in enumerate(files):
        (folder / f"test_{number}.py").write_text(text, "utf-8")
    return subprocess.run(["bash", str(TESTS), "-n", "0"], cwd=folder, capture_output=True, text=True, check=False)


def test_what_fails_once_is_let_through_and_named(tmp_path: Path) -> None:
    said = gate(tmp_path, PASSES, FAILS_ONCE)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "mend them:\ntest_1.py::test_fails_once\n" in said.stderr


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    said = gate(tmp_path, PASSES, FAILS_ONCE, FAILS)
    assert said.returncode == 1
    assert "mend them" not in said.stderr


def test_many_that_fail_are_not_tried_again(tmp_path: Path) -> None:
    said = gate(tmp_path, PASSES, *[FAILS_ONCE.replace('"seen"', f'"seen-{number}"') for number in range(4)])
    assert said.returncode == 1
    assert "4 tests failed; at most 3 are tried again" in said.stderr


def test_what_cannot_be_run_at_all_fails_at_once(tmp_path: Path) -> None:
    said = gate(tmp_path, "import nothing_of_this_name\n")
    assert said.returncode == 2
    assert "by themselves" not in said.stdout


def test_what_passes_is_run_once(tmp_path: Path) -> None:
    said = gate(tmp_path, PASSES)
    assert (said.returncode, said.stdout.count("test session starts"), said.stderr) == (0, 1, "")
