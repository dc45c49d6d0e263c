"""Keeps what is finished of a long replay in a file, so that one that was interrupted goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from routing.errors import BadInput, bad_input
from routing.replaying.chunks import Chunk, chunk_record

MARK, FORM = "wegwijs_replay", 1
OPTION = "--resume"

Question = Mapping[str, Any]
"""What a replay is about, as plain values: answers to another question must never be mixed with these."""


@dataclass(slots=True)
class Kept:
    """A file of finished chunks: a line with the question (`head`), then a line a chunk. Of each chunk it is remembered
    where its line stands, not what is in it."""

    head: dict[str, Any]
    file: BinaryIO | None = None
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def answer(self, chunk: Chunk) -> bytes | None:
        """What was found in `chunk` before; None if it was not finished."""
        if self.file is None or (place := self.places.get(_key(chunk))) is None:
            return None
        self.file.seek(place[0])
        return self.file.read(place[1])

    def keep(self, answer: bytes) -> None:
        """Add what was found in a chunk; once this returns it outlives the process and the machine."""
        if self.file is not None:
            self.file.seek(0, os.SEEK_END)
            _write(self.file, answer)


@contextmanager
def kept_in(path: Path | None, question: Question, settle: Callable[[], Mapping[str, Any]]) -> Iterator[Kept]:
    """The file at `path`. If it is new, what `settle` gives stands in its head from then on, beside the question.
    Without a path nothing is kept. Raises BadInput for a file that cannot be read or written, or is about another
    question."""
    if path is None:
        yield Kept({**settle()})
        return
    with private_file(path, OPTION, "a+b") as file:
        yield _read(file, path, question) or _new(file, question, settle())


def _new(file: BinaryIO, question: Question, settled: Mapping[str, Any]) -> Kept:
    head = {MARK: FORM, "question": dict(question), **settled}
    file.truncate(0)
    _write(file, orjson.dumps(head))
    return Kept(head, file)


def _read(file: BinaryIO, path: Path, question: Question) -> Kept | None:
    file.seek(0)
    first = file.readline()
    if not first.endswith(b"\n") and (b'{"%s":' % MARK.encode()).startswith(first[: len(MARK) + 4]):
        return None  # it is new, or not even the head was written to its end
    head = _head(first, path)
    if head["question"] != question:
        seen = ", ".join(key for key, value in question.items() if head["question"].get(key) != value)
        message = f"holds a replay of another question ({seen})"
        raise bad_input(OPTION, "another_question", message, str(path), "the same question, or a new file")
    return Kept(head, file, dict(_places(file, path)))


def _head(line: bytes, path: Path) -> dict[str, Any]:
    with suppress(ValueError, TypeError, KeyError):
        head: dict[str, Any] = orjson.loads(line)
        if head[MARK] == FORM and isinstance(head["question"], dict):
            return head
    raise _unreadable(path)


def _places(file: BinaryIO, path: Path) -> Iterator[tuple[bytes, tuple[int, int]]]:
    start = file.tell()
    for line in iter(file.readline, b""):
        if not line.endswith(b"\n"):  # the process ended in the middle of it
            file.truncate(start)
            return
        try:
            key = orjson.dumps(orjson.loads(line)["chunk"])
        except (ValueError, TypeError, KeyError):
            raise _unreadable(path) from None
        yield key, (start, len(line) - 1)
        start += len(line)


def _write(file: BinaryIO, line: bytes) -> None:
    file.write(line + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _key(chunk: Chunk) -> bytes:
    return orjson.dumps(chunk_record(chunk))


def _unreadable(path: Path) -> BadInput:
    return bad_input(OPTION, "unreadable", "is not a file that a replay keeps", str(path), "a new file")


@contextmanager
def private_file(path: Path, option: str, mode: str) -> Iterator[BinaryIO]:
    """The file at `path`, opened; if it is made, nobody else may read it. Raises BadInput that names the `option`."""
    try:
        path.touch(mode=0o600)
        file = path.open(mode)
    except OSError as error:
        raise bad_input(option, "unwritable", f"cannot be written: {error.strerror}", str(path)) from error
    with file:
        yield file  # type: ignore[misc]  # every mode that is asked for here is one of bytes
