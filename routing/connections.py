"""Gives a thread only to a request that is there in full, so that whoever is slow or silent keeps nobody waiting.

The main thread of a process collects what connections say, without waiting for any of them. What is too large to be
collected is read by a few of the threads, at a pace that must not be too slow.
"""

from __future__ import annotations

import errno
import faulthandler
import fcntl
import re
import resource
import selectors
import socket
import struct
import sys
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Any

from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import (  # type: ignore[import-untyped]
    STOP_KEEPALIVE_LINGER,
    TConn,
    ThreadWorker,
)

REQUEST_SECONDS = 20.0
"""So long a connection may take until its request is there in full."""

BYTES_PER_SECOND = 1_000
"""What is too large to be collected must come at least this fast, after REQUEST_SECONDS."""

BODY_COLLECTED = 262_144
"""Larger bodies are read by a thread, as are those of which nobody said how large they are."""

HEAD_MOST = 65_536
"""More than this before the body is no request."""

_READ_AT_ONCE = 65_536

COLLECTED_MOST = 67_108_864
"""All connections of a process together may have said so much of requests that are not there in full."""

IN_TURN_MOST = 64
"""So many requests wait until one of those threads can read them; more are turned away."""

CONNECTIONS_MOST = 8_192
FILES_KEPT = 128
"""Files and connections of a process that are not those of clients."""

ANSWERS_HELD = 1_048_576
"""So much of answers the system holds for a client that does not read them; the thread that made them goes on."""

UNREAD_MOST = 65_536
"""Whoever has not read so much of earlier answers gets no further ones."""

UNREAD_SECONDS = 10.0
PARTING_SECONDS = 2.0
"""So long a connection that is to be closed waits for the client to have read everything."""

GONE_AFTER_SECONDS = 2.0
"""Of a request that waited longer for a thread it is looked whether its client is still there."""

STUCK_SECONDS = 15.0
"""A process in which no Python runs for so long stands still in C code, and will not come back."""

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_READ_BY_THREAD = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_SIOCOUTQNSD = 0x894B  # of Linux: how much of what was sent has not left yet
_NO_MORE_FILES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_NOTHING_THERE = frozenset((errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED))


def connections_most() -> int:
    """So many connections a process may have: fewer where it may not open so many files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MOST if files == resource.RLIM_INFINITY else max(64, min(CONNECTIONS_MOST, files - FILES_KEPT))


def unread(sock: socket.socket) -> int:
    """How many bytes of answers wait because the other side does not read them; 0 where the system cannot tell."""
    if sys.platform != "linux":
        return 0
    found: int = struct.unpack("i", fcntl.ioctl(sock, _SIOCOUTQNSD, b"\0\0\0\0"))[0]
    return found


def is_gone(sock: socket.socket) -> bool:
    """Whether the other side has closed the connection. Asked of a socket that does not block."""
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True


@dataclass(slots=True)
class Arriving:
    """What a connection has said until now of a request, and until when all of it must be there."""

    until: float
    said: bytearray = field(default_factory=bytearray)
    head: int = 0
    """How long the part before the body is; 0 while that has not ended."""
    whole: int = 0
    """How long it is in all, once the head is there."""
    by_thread: bool = False

    def add(self, data: bytes) -> bool:
        """Whether a thread can go on with it, now that `data` came."""
        self.said += data
        if not self.head:
            if self.said.startswith((b"\r", b"\n")):  # empty lines before a request mean nothing
                self.said = self.said.lstrip(b"\r\n")
            end = self.said.find(_HEAD_END, max(0, len(self.said) - len(data) - len(_HEAD_END)))
            if end < 0:
                return False
            self.head = end + len(_HEAD_END)
            head = bytes(self.said[: self.head])
            length = _LENGTH.search(head)
            body = int(length[1]) if length else 0
            self.by_thread = body > BODY_COLLECTED or _READ_BY_THREAD.search(head) is not None
            self.whole = self.head if self.by_thread else self.head + body
        return len(self.said) >= self.whole


class Paced(SocketUnreader):  # type: ignore[misc]  # gunicorn carries no types
    """Reads the rest of a request in a thread, and gives up when it comes too slowly."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.began, self.received = time.monotonic(), 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What comes next. Raises TimeoutError if it comes too slowly."""
        if time.monotonic() - self.began > REQUEST_SECONDS + self.received / BYTES_PER_SECOND:
            raise TimeoutError("the request comes too slowly")
        data: bytes = super().chunk(size_hint)
        self.received += len(data)
        return data


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A process of the server: gunicorn's, with another way from a connection to a thread."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.arriving: dict[TConn, Arriving] = {}
        self.collected = 0
        self.by_thread: set[TConn] = set()
        self.by_thread_most = max(1, self.cfg.threads // 4)
        self.in_turn: deque[TConn] = deque()
        self.unread: dict[TConn, float] = {}
        self.parting: dict[TConn, float] = {}
        self.well_at = 0.0
        self.trace: Any = None
        """Where it is written what went on when C code crashed or stood still."""

    # -- the process -------------------------------------------------------------------------------------------------

    def init_signals(self) -> None:
        """Also have crashes of C code written down."""
        super().init_signals()
        if self.trace is not None:
            faulthandler.enable(self.trace)

    def notify(self) -> None:
        """Say that this process is well; if it cannot say so for STUCK_SECONDS, it ends, whatever C code does."""
        super().notify()
        now = time.monotonic()
        if self.trace is not None and now - self.well_at > STUCK_SECONDS / 10:  # it costs a thread each time
            faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True, file=self.trace)
            self.well_at = now

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            super().run()
        finally:
            faulthandler.cancel_dump_traceback_later()

    # -- connections -------------------------------------------------------------------------------------------------

    def accept(self, listener: Any) -> bool:
        """Take a new connection, if there is one; where there is no room the longest silent one goes."""
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in _NO_MORE_FILES:
                self._make_room()
                time.sleep(0.01)  # where there is nothing to close, something must end first
            elif error.errno not in _NOTHING_THERE:
                raise
            return False
        self.nr_conns += 1
        self._await(TConn(self.cfg, client, address, listener.getsockname()))
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Whether new connections are taken. At the end those are taken that came before it, and none can come any
        more: what a client sent is answered, or it could not send it."""
        if self.alive or enabled or not self._accepting:
            super().set_accept_enabled(enabled)
            return
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self.accept(listener):
                pass
        super().set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """A connection that was kept begins another request."""
        if conn in self.keepalived_conns:  # and did not go to make room, after the poller had named it
            self.poller.unregister(client)
            self.keepalived_conns.remove(conn)
            self._await(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """Keep the connection or close it, and let the next one that needs a thread to read it have its turn."""
        if conn in self.by_thread:
            self.by_thread.discard(conn)
            if self.in_turn:
                self._by_thread(self.in_turn.popleft())
        if fs.cancelled() or fs.exception() is not None:
            self._close(conn)
        elif fs.result():
            self._keep(conn)
        else:
            self._part(conn)

    def murder_pending(self) -> None:
        """Close connections whose request did not come to its end in time, or that do not read their answers."""
        now = time.monotonic()
        for conn in self._too_late(now):
            if self.arriving[conn].head:  # enough to be told so
                self._hand_over(conn)
            else:
                self._drop(conn)
        for conn, until in list(self.unread.items()):
            del self.unread[conn]
            if until > now:
                self._keep(conn, until)
            else:
                self._close(conn)
        for conn, until in list(self.parting.items()):
            if until <= now:
                self._parted(conn)

    def _too_late(self, now: float) -> list[TConn]:
        by_time = self.arriving.items()  # those that came later have more time left, until all are to end
        some = takewhile(lambda each: each[1].until <= now, by_time) if self.alive else by_time
        return [conn for conn, found in some if found.until <= now]

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for found in self.arriving.values():
            if not found.said:
                found.until = min(found.until, deadline)

    # -- after an answer ---------------------------------------------------------------------------------------------

    def _keep(self, conn: TConn, until: float = 0.0) -> None:
        """Let a connection go on to its next request, once most of its earlier answers are read."""
        try:
            behind = unread(conn.sock) > UNREAD_MOST
            conn.sock.setblocking(False)
        except OSError:
            self._close(conn)
            return
        if behind:
            self.unread[conn] = until or time.monotonic() + UNREAD_SECONDS
        elif rest := conn.parser.unreader.take_buffered():
            self._await(conn, rest)
        else:
            conn.set_timeout()
            if not self.alive:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            self.keepalived_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _part(self, conn: TConn) -> None:
        """Close a connection such that the client can still read its answer; nobody waits for that."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        self.parting[conn] = time.monotonic() + PARTING_SECONDS
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._parting, conn))

    def _parting(self, conn: TConn, _sock: Any) -> None:
        if conn in self.parting:
            try:
                if conn.sock.recv(_READ_AT_ONCE):  # what still comes is of no use
                    return
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                pass
            self._parted(conn)

    def _parted(self, conn: TConn) -> None:
        del self.parting[conn]
        self._unregister(conn)
        self._close(conn)

    def _unregister(self, conn: TConn) -> None:
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    # -- what arrives ------------------------------------------------------------------------------------------------

    def _await(self, conn: TConn, said: bytes = b"") -> None:
        """Collect what `conn` says until its request is there."""
        seconds = REQUEST_SECONDS if self.alive or said else STOP_KEEPALIVE_LINGER
        self.arriving[conn] = Arriving(time.monotonic() + seconds)
        if said:
            self._came(conn, said)
        else:
            self._readable(conn, conn.sock)  # mostly it is there already
        if conn in self.arriving:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._readable, conn))

    def _readable(self, conn: TConn, _sock: Any) -> None:
        if conn not in self.arriving:  # it went to make room, after the poller had named it
            return
        try:
            data = conn.sock.recv(_READ_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop(conn)
            return
        if data:
            self._came(conn, data)
        elif self.arriving[conn].said:
            self._hand_over(conn)  # what ends in the middle is told so, where it can be
        else:
            self._drop(conn)

    def _came(self, conn: TConn, data: bytes) -> None:
        found = self.arriving[conn]
        before = len(found.said)
        enough = found.add(data)
        self.collected += len(found.said) - before
        if enough:
            self._hand_over(conn)
        elif not found.head and len(found.said) > HEAD_MOST:
            with suppress(OSError):
                conn.sock.send(_TOO_LONG)
            self._drop(conn)
        while self.collected > COLLECTED_MOST:
            self._drop(next(other for other, each in self.arriving.items() if each.said))

    def _hand_over(self, conn: TConn) -> None:
        """Let a thread go on with what `conn` has said."""
        found = self._forget(conn)
        whole = found.head and len(found.said) >= found.whole and not found.by_thread
        conn.said, conn.there_at = bytes(found.said), time.monotonic()
        conn.given_up = found.until <= conn.there_at
        if whole or conn.given_up:
            self.enqueue_req(conn)
        elif len(self.by_thread) < self.by_thread_most:
            self._by_thread(conn)
        elif len(self.in_turn) < IN_TURN_MOST:
            self.in_turn.append(conn)
        else:
            self._close(conn)

    def _by_thread(self, conn: TConn) -> None:
        self.by_thread.add(conn)
        self.enqueue_req(conn)

    def handle(self, conn: TConn) -> object:
        """Read a request and answer it, in a thread; not if its client went away while it waited for one: many do where
        there is more to do than can be done, and ask again."""
        if time.monotonic() - conn.there_at > GONE_AFTER_SECONDS and is_gone(conn.sock):
            return False
        conn.sock.setblocking(True)
        conn.init()
        unreader = Paced(conn.sock)
        unreader.unread(conn.said)
        conn.said = b""
        if conn.given_up:
            unreader.began = float("-inf")
        conn.parser.unreader = unreader
        return super().handle(conn)

    def _forget(self, conn: TConn) -> Arriving:
        found = self.arriving.pop(conn)
        self.collected -= len(found.said)
        self._unregister(conn)
        return found

    def _drop(self, conn: TConn) -> None:
        self._forget(conn)
        self._close(conn)

    def _make_room(self) -> None:
        """Close the connection that has been silent longest: one that never asked anything, before one that did."""
        if self.arriving:
            self._drop(next(iter(self.arriving)))
        elif self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
            self._unregister(conn)
            self._close(conn)
