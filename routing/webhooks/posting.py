"""Sends a message to an address: within a limit of time, nowhere else than was said, and without reading a body."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from routing.dialling import Line, connected, plainly


@dataclass(frozen=True, slots=True)
class Posting:
    """What is sent where; everything together may take so many seconds."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Posted:
    """How that went: the status of the answer (None: there was none), in how many seconds to come again if that was
    said, and in words why it was not taken (None: it was)."""

    status: int | None
    error: str | None = None
    retry_after: float | None = None


def post(asked: Posting) -> Posted:
    """Send a message once. Never raises: what went wrong is said, without anything that the other side said."""
    line = Line()
    timer = threading.Timer(asked.timeout_seconds, line.end)
    timer.daemon = True
    timer.start()
    try:
        return _exchanged(asked, line)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = line.cut or isinstance(error, TimeoutError)
        return Posted(None, f"no answer within {asked.timeout_seconds:g} seconds" if late else plainly(error))
    finally:
        timer.cancel()
        if line.socket is not None:
            line.socket.close()


def _exchanged(asked: Posting, line: Line) -> Posted:
    connection, target = connected(asked.url, asked.timeout_seconds, line)
    connection.request("POST", target, asked.body, {**asked.headers, "Connection": "close"})
    answer = connection.getresponse()
    if line.cut:  # in the middle of the headers, which looks like their end
        raise TimeoutError
    with answer:  # the status says all; what else is sent is not read
        if 200 <= answer.status < 300:
            return Posted(answer.status)
        more = " with a redirect, which is not followed" if 300 <= answer.status < 400 else ""
        return Posted(
            answer.status, f"the server answered {answer.status}{more}", _seconds(answer.getheader("Retry-After"))
        )


def _seconds(said: str | None) -> float | None:
    """How long to wait by `Retry-After`: a number of seconds or a moment."""
    if said is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", said.strip()):
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
