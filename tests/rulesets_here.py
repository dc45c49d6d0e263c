"""A folder of rulesets for tests: a published version, and a newer one that lies beside it and was not published."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path

from routing import tested
from routing.packaged import packaged_directory
from routing.rules.building import digest_of_folder
from tests.fixtures_ruleset import few_rules
from tests.once import read_ruleset, read_vocabulary
from tests.service.log_load import install

NEWER = "acute-nl/1.0.1"
OLDER = "acute-nl/1.0.0"


def two_rulesets(folder: Path) -> Path:
    """`folder` with the packaged 1.0.0, published, and a copy of it as 1.0.1, which decides from 2030 on and
    is kept as tested."""
    source = Path(str(files("rulesets")))
    for name in (OLDER, NEWER):
        # without what is to be proved of them: of a copy under another number no proof is there
        shutil.copytree(source / OLDER, folder / name, ignore=shutil.ignore_patterns("properties.yaml", "proof.json"))
    change(folder / NEWER / "ruleset.yaml", "version: 1.0.0", "version: 1.0.1")
    head = (folder / NEWER / "ruleset.yaml").read_text("utf-8")
    began = head.partition("effective_from:")[2].partition("\n")[0].strip()
    change(folder / NEWER / "ruleset.yaml", began, '"2030-01-01T00:00:00+01:00"')
    lines = (source / "published.yaml").read_text("utf-8").splitlines(keepends=True)
    begin = next(number for number, line in enumerate(lines) if line.strip() == "acute-nl/1.1.0:")
    (folder / "published.yaml").write_text("".join(lines[:begin]), "utf-8")
    as_if_tested(folder / NEWER)
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


def few_versions(folder: Path, **versions: str) -> Path:
    """`folder` with versions of rules of a few words, each from the moment given (`v1_1_0="2030-..."`), beside a 1.0.0
    that decides since 2026-01-01 and that alone is published."""
    few_rules(folder / OLDER)
    for name, since in versions.items():
        version = name.removeprefix("v").replace("_", ".")
        install(folder, version, since)
        (folder / "acute-nl" / version / "changes.md").write_text(f"# Changes\n\n## {version}\n\nA test.\n", "utf-8")
        as_if_tested(folder / "acute-nl" / version)
    return publish(folder, OLDER)


def just_begun() -> str:
    """The second before this one, as it is said where it is noon: a version that begins then counts at once, and it is
    that day still when it is published, also around midnight."""
    now = datetime.now(UTC)
    return (now - timedelta(seconds=1)).astimezone(timezone(timedelta(hours=12 - now.hour))).isoformat()


def as_if_tested(folder: Path, *, failed: Sequence[str] = (), never_fired: Sequence[str] = ()) -> None:
    """Let it be kept beside the rules in `folder` that this came of their worked cases."""
    words = read_vocabulary()
    rules, places = read_ruleset(folder, words), packaged_directory(words).digest
    tested.write(folder, tested.made(folder, rules, places, 1, failed, never_fired))


def publish(folder: Path, *names: str) -> Path:
    """Let exactly these versions in `folder` be published, with the digest of their files; the folder."""
    entries = [
        f"  {name}:\n    digest: {digest_of_folder(folder / name)}\n"
        f'    published_on: "2026-11-01"\n    approved_by: null\n    note: for a test\n'
        for name in names
    ]
    (folder / "published.yaml").write_text(f"published:{' {}' if not names else ''}\n{''.join(entries)}", "utf-8")
    return folder
