"""Connections to other servers, which are cut once the time is over, whatever those servers do."""

from __future__ import annotations

import http.client
import socket
import ssl
from functools import cache
from urllib.parse import urlsplit


class Line:
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


def connected(url: str, timeout_seconds: float, line: Line) -> tuple[http.client.HTTPConnection, str]:
    """A connection to the server of `url`, held by `line`, and what is asked for there. Raises OSError."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    plain = socket.create_connection((host, port), timeout=timeout_seconds)
    line.hold(plain)
    if secure:
        wrapped = trust().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        line.hold(wrapped)
        wrapped.do_handshake()
    connection = http.client.HTTPConnection(host, port)
    connection.default_port = 443 if secure else 80  # which is left out where the host is named
    connection.sock = line.socket
    return connection, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@cache
def trust() -> ssl.SSLContext:
    """The certificates that are trusted."""
    return ssl.create_default_context()


def plainly(error: Exception) -> str:
    """What went wrong, without anything that the other side said or that was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message[:200]}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or type(error).__name__)[:100]}"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens at its address"
    return f"cannot be reached ({type(error).__name__})"
