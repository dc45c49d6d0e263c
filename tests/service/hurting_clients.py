"""Clients that hurt a server: slow, silent, endless, far too many, or gone in the middle."""

from __future__ import annotations

import contextlib
import errno
import resource
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.api.test_serve import KEY

HEAD = b"POST /v1/decisions HTTP/1.1\r\nHost: wegwijs\r\nContent-Type: application/json\r\n"
AUTHORISED = HEAD + b"Authorization: Bearer " + KEY.encode() + b"\r\n"

_ESTABLISHED = 1  # of Linux

DRIP_SECONDS = 0.25
"""How long a dripping client waits before its next byte."""


@dataclass(frozen=True, slots=True)
class Hurting:
    """One kind of client: what it says at once, what it then lets drip (nothing: it is silent), whether it goes away
    without a word, and whether it reads what it is answered."""

    at_once: bytes = b""
    drip: bytes = b""
    vanishes: bool = False
    reads: bool = True


KINDS: dict[str, Hurting] = {
    "silent from the start": Hurting(),
    "head that drips": Hurting(at_once=b"POST /v1/dec", drip=b"x"),
    "silent in the head": Hurting(at_once=HEAD),
    "body that drips": Hurting(at_once=AUTHORISED + b"Content-Length: 5000\r\n\r\n{", drip=b" "),
    "silent in the body": Hurting(at_once=AUTHORISED + b"Content-Length: 5000\r\n\r\n{"),
    "body in chunks that drips": Hurting(
        at_once=AUTHORISED + b"Transfer-Encoding: chunked\r\n\r\n", drip=b"1\r\n \r\n"
    ),
    "large body that drips": Hurting(at_once=AUTHORISED + b"Content-Length: 5000000\r\n\r\n{", drip=b" "),
    "gone in the body": Hurting(at_once=AUTHORISED + b"Content-Length: 5000\r\n\r\n{", vanishes=True),
    "reads no answer": Hurting(b"GET /v1/openapi.json HTTP/1.1\r\nHost: wegwijs\r\n\r\n" * 50, reads=False),
    "does not part": Hurting(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reads=False),
}


@dataclass
class Crowd:
    """`each` clients of every kind at `port`, who come back whenever they are cut off, until it is over."""

    port: int
    each: int
    kinds: Sequence[str] = tuple(KINDS)
    cut_off: Counter[str] = field(default_factory=Counter)
    """How often clients of a kind were cut off or got an answer, and came back."""
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def there(self) -> Iterator[Crowd]:
        """The crowd is there within the block."""
        work = threading.Thread(target=self._hurt)
        work.start()
        try:
            yield self
        finally:
            self.over.set()
            work.join(30)

    def _hurt(self) -> None:
        wanted = [kind for kind in self.kinds for _ in range(self.each)]
        open_now: list[tuple[str, socket.socket]] = []
        while not self.over.is_set():
            began = time.monotonic()
            open_now = [(kind, sock) for kind, sock in open_now if self._still_there(kind, sock)]
            missing = Counter(wanted) - Counter(kind for kind, _ in open_now)
            for kind in missing.elements():
                with contextlib.suppress(OSError):
                    sock = connected(self.port)
                    open_now.append((kind, sock))
                    sock.send(KINDS[kind].at_once)
            self.over.wait(max(0.0, DRIP_SECONDS - (time.monotonic() - began)))
        for _, sock in open_now:
            sock.close()

    def _still_there(self, kind: str, sock: socket.socket) -> bool:
        """Let it drip; whether the server still listens."""
        hurting = KINDS[kind]
        try:
            if hurting.vanishes:
                reset(sock)
                raise ConnectionResetError
            if hurting.drip:
                sock.send(hurting.drip)
            if not (is_open(sock) if hurting.reads else is_established(sock)):
                raise ConnectionResetError
        except BlockingIOError:
            return True
        except OSError:
            self.cut_off[kind] += 1
            sock.close()
            return False
        return True


def connected(port: int) -> socket.socket:
    """A connection that waits for nothing."""
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.setblocking(False)
    return made


def reset(sock: socket.socket) -> None:
    """Let the connection be gone without the end that politeness asks for."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def is_open(sock: socket.socket) -> bool:
    """Whether the other side has neither closed the connection nor said anything."""
    try:
        sock.recv(65_536)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_established(sock: socket.socket) -> bool:
    """The same without looking at what was said: whether the other side has not closed."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED


def files_as_many_as_may_be() -> int:
    """Let this process, and those it starts, open as many files as they are allowed to; how many those are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def idle_connections(port: int, count: int, within_seconds: float = 60) -> list[socket.socket]:
    """So many connections on which nothing is said; fewer where no more can be opened in time."""
    made: list[socket.socket] = []
    until = time.monotonic() + within_seconds
    while len(made) < count and time.monotonic() < until:
        try:
            made.append(connected(port))
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL):
                break
            time.sleep(0.01)
    return made


FLOODS: dict[str, bytes] = {
    "20,000 headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n",
    "99 headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"X-A: b\r\n" * 97 + b"\r\n",
    "a header of 64 kB": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: " + b"b" * 65_000 + b"\r\n\r\n",
    "an address of 64 kB": b"GET /" + b"b" * 65_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "1 MB of headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
    + (b"X-A: " + b"b" * 8_000 + b"\r\n") * 130
    + b"\r\n",
    "1 MB without an end of line": b"G" * 1_000_000,
    "bytes that are no text": bytes(range(256)) * 64 + b"\r\n\r\n",
}


def flooded(port: int, text: bytes) -> str:
    """What came of it: the status of the answer, or that the connection was closed without one."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with contextlib.suppress(OSError):  # the server may close before it has read all of it
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
        if answer.startswith(b"HTTP/1.1 "):
            return answer[9:12].decode()
    return "closed"


def opened_and_closed(port: int, seconds: float, also: Callable[[], bool] = lambda: True) -> int:
    """Connections as fast as they can be opened and closed again; how many there were."""
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until and also():
        with contextlib.suppress(OSError):
            reset(connected(port))
            count += 1
    return count


def still_open(connections: Sequence[socket.socket]) -> int:
    """How many of them the server did not close."""
    with selectors.DefaultSelector() as poller:
        for each in connections:
            poller.register(each, selectors.EVENT_READ)
        said = {key.fileobj for key, _ in poller.select(0)}
    return len(connections) - len(said)
