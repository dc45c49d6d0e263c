"""A folder of rulesets for tests: a published version, and a newer one that lies beside it and was not published."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

NEWER = "acute-nl/1.0.1"
OLDER = "acute-nl/1.0.0"


def two_rulesets(folder: Path) -> Path:
    """`folder` with the packaged 1.0.0, published, and a copy of it as 1.0.1, which decides from 2030 on."""
    source = Path(str(files("rulesets")))
    for name in (OLDER, NEWER):
        shutil.copytree(source / OLDER, folder / name)
    change(folder / NEWER / "ruleset.yaml", "version: 1.0.0", "version: 1.0.1")
    head = (folder / NEWER / "ruleset.yaml").read_text("utf-8")
    began = head.partition("effective_from:")[2].partition("\n")[0].strip()
    change(folder / NEWER / "ruleset.yaml", began, '"2030-01-01T00:00:00+01:00"')
    lines = (source / "published.yaml").read_text("utf-8").splitlines(keepends=True)
    begin = next(number for number, line in enumerate(lines) if line.strip() == "acute-nl/1.1.0:")
    (folder / "published.yaml").write_text("".join(lines[:begin]), "utf-8")
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Write `new` for the first `old` in the file at `path`, where it must stand."""
    text = path.read_text("utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1), "utf-8")


def accept_all(folder: Path) -> None:
    """Let every rule in `folder` be accepted by a clinician who does not exist."""
    for path in folder.rglob("*.yaml"):
        text = path.read_text("utf-8")
        if "review: pending" in text:
            path.write_text(text.replace("review: pending", "review: {by: a test, on: 2026-11-01}"), "utf-8")
