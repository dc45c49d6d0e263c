"""A receiver of pre-alerts on this machine: takes what is sent, as it is told to, and remembers all of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"secret of the board, 32 bytes ok").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"the next secret of the board, ok").decode()

TIMEOUT_SECONDS = 60
"""So long a receiver may take unless a test says otherwise: one that answers must never be late by accident."""

Behave = Callable[["Request"], None]


def checked(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether one of the signatures is that of `secret`, worked out here by itself after Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, each) for each in headers["webhook-signature"].split(" "))


class Receiver:
    """`behave` says how the next requests are answered; `requests` are all that came, `taken` the events that were
    answered with 2xx, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.behave: Behave = lambda request: request.answer(204)
        self.requests: list[Request] = []
        self.taken: list[dict[str, Any]] = []
        self.let_go = threading.Event()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def ids(self) -> list[str]:
        """The ids of all requests, in order."""
        return [request.headers["webhook-id"] for request in self.requests]

    def events(self) -> list[str]:
        """What was taken, in order."""
        return [event["data"]["event"] for event in self.taken]


class Request:
    """One request, and how it is answered."""

    def __init__(self, handler: BaseHTTPRequestHandler, receiver: Receiver) -> None:
        self.handler, self.receiver = handler, receiver
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.path = handler.path
        self.body = handler.rfile.read(int(self.headers["content-length"]))
        self.event: dict[str, Any] = json.loads(self.body)
        self.at = time.monotonic()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer; underscores in the names of `headers` are hyphens."""
        if 200 <= status < 300:
            self.receiver.taken.append(self.event)
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)


def in_turn(*behave: Behave) -> Behave:
    """Each request as one of `behave`, the last one for ever."""
    left = list(behave)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def status(code: int, **headers: str) -> Behave:
    """An answer with this status."""
    return lambda request: request.answer(code, **headers)


def hang(request: Request) -> None:
    """Say nothing until the receiver is let go, and then nothing either."""
    request.receiver.let_go.wait()


def drip(request: Request) -> None:
    """A byte of a header now and then, for ever: never late by itself."""
    request.handler.wfile.write(b"HTTP/1.1 204 No Content\r\nX-Slow: ")
    while not request.receiver.let_go.wait(0.1):
        request.handler.wfile.write(b"x")


def flood(request: Request) -> None:
    """A body that never ends."""
    request.receiver.taken.append(request.event)
    request.handler.send_response(200)
    request.handler.end_headers()
    while not request.receiver.let_go.is_set():
        request.handler.wfile.write(b"x" * 65_536)
        request.receiver.flooded = getattr(request.receiver, "flooded", 0) + 65_536  # type: ignore[attr-defined]


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """A receiver that answers until the block ends; with TLS if there is a certificate (with its key in one file)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    receiver = Receiver(f"{scheme}://127.0.0.1:{server.server_address[1]}/pre-alerts")
    server.receiver = receiver  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  whoever sends may hang up
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        request = Request(self, receiver)
        with receiver.lock:
            receiver.requests.append(request)
            receiver.at_once += 1
            receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
        try:
            with suppress(OSError):
                receiver.behave(request)
        finally:
            with receiver.lock:
                receiver.at_once -= 1
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def subscription(receiver: Receiver, name: str = "board", **changes: Any) -> dict[str, Any]:
    """A subscription to everything at all places; a change to None leaves a member out."""
    made = {
        "id": name,
        "url": receiver.url,
        "places": "all",
        "urgency_at_least": "U5",
        "secrets": [{"variable": "BOARD_SECRET"}],
        "timeout_seconds": TIMEOUT_SECONDS,
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def write_subscriptions(path: Path, subscriptions: Sequence[dict[str, Any]]) -> Path:
    """A file of subscriptions (YAML reads JSON)."""
    path.write_text(json.dumps({"server": "https://wegwijs.example.nl", "subscriptions": list(subscriptions)}), "utf-8")
    return path
