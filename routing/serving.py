"""Runs the server: brings the database up to date, makes a first key where there is none, and answers over HTTP."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import orjson
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.util import import_app  # type: ignore[import-untyped]

from routing import service
from routing.errors import bad_input
from routing.feeding.sources import loopback
from routing.rights import ROLES
from routing.sequencer import begin_sequencing
from routing.settings import Settings
from routing.tokens import check_issuers

APPLICATION = "api:create_app()"
"""Where the application is made, as gunicorn writes it; it reads the same environment."""

THREADS = 16
"""So many requests a process answers at once; at most half of them are streams of events."""

TIMEOUT_SECONDS = 30
KEEPALIVE_SECONDS = 20
MOST_REQUESTS = 50_000
"""After about so many requests a worker is replaced by a fresh one, so that nothing can grow for ever."""

EXAMPLE = {"patient": {"age_years": 67}, "location": {"postcode": "3584CX"}, "observations": {"chest_pain": True}}

Say = Callable[[str], None]


def serve(settings: Settings, say: Say) -> None:
    """Serve until told to stop; `say` gets the lines for the operator. Raises StoreUnavailable, BadData."""
    key = prepare(settings)
    _Server(settings, lambda port: say(greeting(settings, port, key))).run()


def prepare(settings: Settings) -> str | None:
    """Bring the database up to date. Returns the text of a key if a first one had to be made. Raises BadInput if that
    would open the server to a network at once."""
    world = service.open_world(settings)
    try:
        check_issuers(world)
        service.upgrade(world)
        nobody_may = settings.bootstrap_key is None and settings.issuers is None and not service.has_keys(world)
        make_first = settings.embedded and nobody_may
        if make_first:
            _check_alone(settings)
        service.check_rules(world)  # a ruleset that cannot be read is said now, not at the first case
        return service.create_key(world, "made at the first start", frozenset(ROLES)) if make_first else None
    finally:
        service.close_world(world)  # no connection may be shared with the workers


def _check_alone(settings: Settings) -> None:
    if not loopback(settings.host):
        message = "is open to a network, where no first key with every role is made"
        allowed = "127.0.0.1, or first: wegwijs keys create --label NAME --role triagist"
        raise bad_input("WEGWIJS_HOST", "not_alone", message, settings.host, allowed)


def greeting(settings: Settings, port: int, key: str | None) -> str:
    """What the operator wants to know once the server listens on `port`."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{port}"
    lines = [f"Wegwijs listens on {address}"]
    if not loopback(settings.host):
        lines.append("It speaks no TLS: put a server before it that does, or keys and cases can be read on the way")
    variable = "$WEGWIJS_BOOTSTRAP_KEY" if settings.bootstrap_key is not None else "$WEGWIJS_KEY"
    if key is not None:
        lines.append(f"A first API key was made; it is shown this once: {key}")
    elif settings.bootstrap_key is None:
        lines.append("Make an API key with: wegwijs keys create --label NAME --role triagist")
    body = shlex.quote(orjson.dumps(EXAMPLE).decode())
    lines += [
        "Try:",
        f"  curl {address}/v1/decisions -H 'Content-Type: application/json' \\",
        f'    -H "Authorization: Bearer {key or variable}" \\',
        f"    -d {body}",
    ]
    return "\n".join(lines)


def _begin(worker: Any) -> None:
    """A process that is asked to stop says so to its streams, which would keep it from stopping; and while it runs it
    gives entries their place in the log, if no other process is doing that."""
    extensions = worker.wsgi.extensions
    extensions["wegwijs.streams"].ending = lambda: not worker.alive
    extensions["wegwijs.sequencer"] = begin_sequencing(extensions["wegwijs"])


def _end(_server: Any, worker: Any) -> None:
    # a worker that could not even begin has none; of one that is gone gunicorn may tell us in its own process
    extensions = getattr(getattr(worker, "wsgi", None), "extensions", {})
    if (end := extensions.get("wegwijs.sequencer")) is not None:
        end()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn with our settings instead of a command line."""

    def __init__(self, settings: Settings, listening: Callable[[int], None]) -> None:
        self.settings, self.listening = settings, listening
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        options = {
            "bind": f"{host}:{self.settings.port}",
            "workers": self.settings.worker_count,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": TIMEOUT_SECONDS,
            "graceful_timeout": TIMEOUT_SECONDS,
            "keepalive": KEEPALIVE_SECONDS,
            "max_requests": MOST_REQUESTS,
            "max_requests_jitter": MOST_REQUESTS // 10,
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "wegwijs",
            "post_worker_init": _begin,
            "worker_exit": _end,
            "when_ready": lambda server: self.listening(server.LISTENERS[0].sock.getsockname()[1]),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in the worker: connections and the rule engine must not cross a fork."""
        app = import_app(APPLICATION)
        service.ready(app.extensions["wegwijs"])  # so that the first case need not wait for the rules
        return app
