"""Publishing a ruleset in its files: what must be green first, and the lines that say who, when and under which digest.

The lines say that exactly these files were approved, and everything that reads them holds them to it. Where only
published rules may decide nothing decides without such lines; elsewhere every folder that is installed does, from its
`effective_from`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from routing.errors import NotWritten, bad_input
from routing.rules.publication import FILE, PublishedFile, is_same_person, published_file, read_published
from routing.rules.ruleset import Ruleset
from routing.vocabulary import parse_as
from routing.yamlfile import parse

HEADER = (
    "# Which rulesets were published. A published folder never changes: `wegwijs rules check` holds it to its digest.\n"
)
NOTE_MOST = 300

LOCK_SECONDS = 5.0
"""Whoever writes the file is done long before that."""


def entry_lines(rules: Ruleset, author: str, approved_by: str, on: date, note: str) -> str:
    """The lines for `published.yaml`. As long as a rule is pending nobody approved it for care: the file then names
    nobody who did, and a remark says who agreed to publish it. Raises BadInput: it takes two people, and a note."""
    author, approved_by, note = (" ".join(text.split()) for text in (author, approved_by, note))
    for option, text in (("--author", author), ("--approved-by", approved_by)):
        if not any(each.isalnum() for each in text):
            raise bad_input(option, "no_person", "must name a person", text)
    if is_same_person(author, approved_by):
        raise bad_input("--approved-by", "same_person", "is the author: it takes two people to publish", approved_by)
    if not 1 <= len(note) <= NOTE_MOST:
        raise bad_input("--note", "note", "must say what this version is for", allowed=f"1 to {NOTE_MOST} characters")
    pending = len(rules.pending)
    remark = f"  # agreed to by {author} and {approved_by}; {pending} rules are pending, so it is not for care\n"
    lines = [
        f"  {rules.name}/{rules.version}:",
        f"    digest: {rules.digest}",
        f'    published_on: "{on.isoformat()}"',
        f"    approved_by: {'null' if pending else json.dumps(approved_by, ensure_ascii=False)}",
        f"    note: {json.dumps(note, ensure_ascii=False)}",
    ]
    if not pending:
        lines.append(f"    author: {json.dumps(author, ensure_ascii=False)}")
    return (remark if pending else "") + "".join(f"{line}\n" for line in lines)


def add_entry(root: Path, rules: Ruleset, lines: str) -> Path:
    """Add `lines` at the end of `published.yaml` for the rulesets at `root`, which is begun if there is none: what
    stands there stays as it is. The file is replaced at once or stays, whoever is killed and whoever else writes it.
    The file. Raises BadInput if this version stands there already, BadData, NotWritten."""
    path, name = published_file(root).resolve(), f"{rules.name}/{rules.version}"
    with _alone(path):
        before = read_published(root)
        if name in before:
            raise bad_input(
                "FOLDER", "already_published", "was published before, and never changes: make a new version", name
            )
        text = path.read_text("utf-8") if path.is_file() else f"{HEADER}published:\n"
        text = f"{text.rstrip()}\n{lines}"
        after = parse_as(PublishedFile, parse(text, FILE)).published
        if {key: entry for key, entry in after.items() if key != name} != dict(before) or name not in after:
            raise bad_input(
                "FOLDER", "unreadable", "cannot be added: `published` must be the last part of the file", str(path)
            )
        _replace(path, text)
    return path


def can_be_added_to(root: Path) -> bool:
    """Whether this process may write beside `published.yaml` for the rulesets at `root`; the disk can be full still."""
    return os.access(published_file(root).resolve().parent, os.W_OK | os.X_OK)


def _replace(path: Path, text: str) -> None:
    new = _beside(path)
    try:
        mode = path.stat().st_mode & 0o777 if path.is_file() else 0o644
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # other users may run other servers: who could read it still can
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise _not_written(path, error) from error
    try:
        _sync(path.parent)
    except OSError as error:
        raise NotWritten(f"{path} was written, and whether that outlasts a power cut is not known") from error


def _beside(path: Path) -> Path:
    """The file that becomes `path` once it is whole; one that a process left which was killed is used again."""
    return path.with_name(f".{path.name}.new")


def _sync(folder: Path) -> None:
    """That a file in `folder` has a new name must be on disk too."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Within the block no other process adds to the file at `path`. A lock on the file itself would be one on what is
    replaced; that of a process which ends is free. Raises NotWritten."""
    if sys.platform == "win32":  # no server runs there
        yield
        return
    import fcntl

    try:
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise _not_written(path, error) from error
                time.sleep(0.02)
            except OSError as error:
                raise _not_written(path, error) from error
        yield
    finally:
        os.close(descriptor)


def _not_written(path: Path, error: OSError) -> NotWritten:
    return NotWritten(f"{path} cannot be written: {error.strerror}; what it said before it says still")
