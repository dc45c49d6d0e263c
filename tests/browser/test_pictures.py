"""The command that takes the pictures of the documents still takes one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long  # nothing that is delivered rests on it
def test_a_picture_of_the_documents_can_be_taken_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.browser.screenshots", str(tmp_path), "home"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [each.name for each in tmp_path.glob("*.png")] == ["home.png"]
    assert (tmp_path / "home.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
