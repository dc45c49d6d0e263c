"""Writes the log of the server: one JSON object a line, in which nothing of a patient can stand.

What an exception says may quote what a client sent, and so may what the server beneath says about a request that it
cannot read: of these only the kind and the place in the code are written.
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

OURS = "wegwijs"
FRAMES_MOST = 12


class Line:
    """A line of the log: what it is about, and its members."""

    def __init__(self, message: str, members: dict[str, Any]) -> None:
        self.members = {"message": message, **members}

    def __str__(self) -> str:
        return orjson.dumps(self.members).decode()


def write(logger: logging.Logger, level: int, message: str, **members: Any) -> None:
    """Write a line. `members` may hold nothing that a client chose, except ids that were checked."""
    logger.log(level, "%s", Line(message, members))


def frames_of(found: TracebackType | None) -> list[str]:
    """Where in the code it happened, the innermost last, without any value."""
    frames = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in traceback.extract_tb(found)]
    return frames[-FRAMES_MOST:]


class JsonLines(logging.Formatter):
    """A record of the log as one line of JSON: `at`, `level`, `logger`, `message` and the members of the line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **_said(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry |= {"error": record.exc_info[0].__name__, "at_code": frames_of(record.exc_info[2])}
        return orjson.dumps(entry).decode()


def _said(record: logging.LogRecord) -> dict[str, Any]:
    if isinstance(record.args, tuple) and len(record.args) == 1 and isinstance(record.args[0], Line):
        return record.args[0].members
    if record.name.partition(".")[0] == OURS:
        return {"message": record.getMessage()}
    return {"message": _of_others(record)}


def _of_others(record: logging.LogRecord) -> str:
    """What another library says, without what may be of a client: it says this with its words of its own alone."""
    words = str(record.msg)
    if words.startswith("Invalid request"):
        return "a request that cannot be read"  # the rest of the words quotes it
    arguments = record.args if isinstance(record.args, tuple) else ()
    return record.getMessage() if all(isinstance(each, int) for each in arguments) else words


def begin() -> None:
    """Write lines of JSON to standard error, where the program that runs us has not set up a log of its own."""
    logger = logging.getLogger(OURS)
    logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        logger.addHandler(_handler())


def take_over(name: str) -> None:
    """Let the logger `name` of a library write as we do."""
    logger = logging.getLogger(name)
    logger.handlers[:] = [_handler()]
    logger.propagate = False


def _handler() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    return handler
