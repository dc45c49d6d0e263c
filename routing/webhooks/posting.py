"""Sends a message to an address: within a limit of time, nowhere else than was said, and without reading a body."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import urlsplit


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


class _Line:
    """A connection that is cut once the time is over, whatever the other side does: one that sends a byte now and then
    would never be late by itself."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.cut = False

    def end(self) -> None:
        """Cut it, now or as soon as it is there."""
        self.cut = True
        if self.socket is not None:
            try:
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            except OSError:  # it is closed already
                return

    def hold(self, made: socket.socket) -> None:
        """Let `made` be what is cut."""
        self.socket = made
        if self.cut:
            raise TimeoutError


def post(asked: Posting) -> Posted:
    """Send a message once. Never raises: what went wrong is said, without anything that the other side said."""
    line = _Line()
    timer = threading.Timer(asked.timeout_seconds, line.end)
    timer.daemon = True
    timer.start()
    try:
        return _exchanged(asked, line)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = line.cut or isinstance(error, TimeoutError)
        return Posted(None, f"no answer within {asked.timeout_seconds:g} seconds" if late else _plainly(error))
    finally:
        timer.cancel()
        if line.socket is not None:
            line.socket.close()


def _exchanged(asked: Posting, line: _Line) -> Posted:
    parts = urlsplit(asked.url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    plain = socket.create_connection((host, port), timeout=asked.timeout_seconds)
    line.hold(plain)
    if secure:
        wrapped = _trust().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        line.hold(wrapped)
        wrapped.do_handshake()
    connection = http.client.HTTPConnection(host, port)
    connection.default_port = 443 if secure else 80  # which is left out where the host is named
    connection.sock = line.socket
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
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


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


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


def _plainly(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message[:200]}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or type(error).__name__)[:100]}"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens at its address"
    return f"cannot be reached ({type(error).__name__})"
