"""Runs the server: brings the database up to date, makes a first key where there is none, and answers over HTTP."""

from __future__ import annotations

import ctypes
import gc
import logging
import mmap
import os
import shlex
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import orjson
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

from routing import log_lines, publishing_doubts, service
from routing.connections import ANSWERS_HELD, PatientWorker, connections_most
from routing.errors import WegwijsError, bad_input
from routing.oidc import check_logins
from routing.other_servers import loopback
from routing.rights import ROLES
from routing.rules.engine_watch import EngineWatch
from routing.sequencer import begin_sequencing
from routing.settings import Settings
from routing.tokens import check_issuers
from routing.users import add_user, all_users
from routing.webhooks.sending import begin_sending
from routing.webhooks.shown import doubts
from routing.webhooks.subscriptions import subscribed
from routing.world import World

APPLICATION = "api"
"""The package that makes the application of a world; nothing here may know the web."""

COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which all processes of this server count together."""

_TRACE_MOST = 4_000
"""So many characters are said of where a process was when it crashed."""

_SO_ATTACH_FILTER = 26
"""Of socket.h on Linux."""

DOOR_SECONDS = 0.2
"""Whoever began to connect before the door was closed is in after so long."""

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""

SILENCE_SECONDS = 10
"""A client that says nothing for so long in the middle of its request, or reads nothing of the answer, is cut off: it
holds a thread."""

THREADS = 16
"""So many requests a process answers at once; at most half of them are streams of events."""

TIMEOUT_SECONDS = 30
KEEPALIVE_SECONDS = 20
MOST_REQUESTS = 50_000
"""After about so many requests a worker is replaced by a fresh one, so that nothing can grow for ever."""

FIRST_ACCOUNT = "start"
"""The account that a first start makes on a machine of one's own."""

EXAMPLE = {"patient": {"age_years": 67}, "location": {"postcode": "3584CX"}, "observations": {"chest_pain": True}}

Say = Callable[[str], None]

log = logging.getLogger("wegwijs.serving")


def serve(settings: Settings, say: Say) -> None:
    """Serve until told to stop; `say` gets the lines for the operator. Raises StoreUnavailable, BadData."""
    gc.disable()  # what a start makes stays: looking through it again and again would take a quarter of the start
    with _counting_together():
        world, first = prepare(settings)
        _Server(settings, world, lambda port: say(greeting(settings, port, first))).run()


@contextmanager
def _counting_together() -> Iterator[None]:
    """Within the block all processes count together, in a folder that is gone afterwards. The library looks for it when
    it is first imported."""
    if COUNTS in os.environ:
        yield
        return
    mine = os.getpid()
    folder = tempfile.mkdtemp(prefix="wegwijs-counts-")
    os.environ[COUNTS] = folder
    try:
        yield
    finally:
        if os.getpid() == mine:  # and not a worker that ends
            del os.environ[COUNTS]
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class First:
    """What a first start made for whoever started it, and shows this once: the text of an API key, and the one-time
    code of an account; None where there was no need."""

    key: str | None = None
    code: str | None = None


def prepare(settings: Settings) -> tuple[World, First]:
    """Bring the database up to date, and read the rules. Returns the world, without a connection, and what had to be
    made so that anybody can come in. The rule engine is not asked: it must not cross a fork. Raises BadInput if that
    would open the server to a network at once."""
    world = service.open_world(settings)
    first = First()
    try:
        check_issuers(world)
        subscribed(world)
        check_logins(world)
        service.upgrade(world)
        nobody_may = settings.bootstrap_key is None and settings.issuers is None and not service.has_keys(world)
        make_first = settings.embedded and nobody_may
        if make_first:
            _check_alone(settings)
        service.check_rules(world)  # a ruleset that cannot be read is said now, not at the first case
        service.translate_rules(world)
        for doubt in doubts(world, subscribed(world)):
            log.warning("subscription %s", doubt)
        for each in publishing_doubts.doubts(settings):
            log.warning("publishing: %s", each.en)
        if make_first:
            first = replace(first, key=service.create_key(world, "made at the first start", frozenset(ROLES)))
        if settings.embedded and loopback(settings.host) and settings.issuers is None and not all_users(world):
            first = replace(first, code=add_user(world, FIRST_ACCOUNT, frozenset(ROLES))[1])
    finally:
        service.close_world(world)  # no connection may be shared with the workers
    import_module(APPLICATION)
    return world, first


def _check_alone(settings: Settings) -> None:
    if not loopback(settings.host):
        message = "is open to a network, where no first key with every role is made"
        allowed = "127.0.0.1, or first: wegwijs keys create --label NAME --role triagist"
        raise bad_input("WEGWIJS_HOST", "not_alone", message, settings.host, allowed)


def greeting(settings: Settings, port: int, first: First) -> str:
    """What the operator wants to know once the server listens on `port`."""
    key = first.key
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{port}"
    lines = [f"Wegwijs listens on {address}"]
    if not loopback(settings.host):
        lines.append("It speaks no TLS: put a server before it that does, or keys and cases can be read on the way")
    if first.code is not None:
        lines += [
            f"People work at {address}/desk. A first account was made: `{FIRST_ACCOUNT}`, with a one-time code",
            f"that is shown this once and with which you choose a password there: {first.code}",
        ]
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
    gives entries their place in the log and tells places of patients that come, if no other process is doing that."""
    extensions = worker.wsgi.extensions
    extensions["wegwijs.streams"].ending = lambda: not worker.alive
    extensions["wegwijs.sequencer"] = begin_sequencing(extensions["wegwijs"])
    extensions["wegwijs.webhooks"] = begin_sending(extensions["wegwijs"], extensions["wegwijs.count_attempt"])
    worker.ready[0] = 1


def _end(_server: Any, worker: Any) -> None:
    # a worker that could not even begin has none; of one that is gone gunicorn may tell us in its own process
    extensions = getattr(getattr(worker, "wsgi", None), "extensions", {})
    for name in ("wegwijs.webhooks", "wegwijs.sequencer"):  # what was sent is noted, which the sequencer finishes
        if (end := extensions.get(name)) is not None:
            end()


def _before_fork(server: Any, worker: Any) -> None:
    """Let it be known of the process that is about to begin where it was when C code crashed or stood still."""
    worker.trace = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed when the process has ended
    worker.watch = server.app.watch = server.app.watch.of_another_process()
    worker.ready = mmap.mmap(-1, 1)  # both processes see it


def _forget(_server: Any, worker: Any) -> None:
    """What a process that ended had in use is not in use any more; what it counted stays. A case on which it crashed or
    stood still is not put to the rule engine again; of a process that somebody killed nothing is believed of its
    case."""
    from prometheus_client.multiprocess import mark_process_dead  # not before its folder is known

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
    with worker.trace as trace:
        trace.seek(0)
        where = trace.read(_TRACE_MOST).decode("utf-8", "replace").splitlines()
    if where and worker.watch.note_lost():
        log.error("the rule engine did not come back from a case, which is decided without it from now on")
    if where:
        log.error("a process crashed or stood still in C code: %s", " | ".join(where))


def _listen(server: Any) -> None:
    """Cut off who is silent in the middle of a request: each connection takes this from what it came in by."""
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SILENCE_SECONDS, 0))
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWERS_HELD)
    _keep_what_is_here()
    gc.enable()


def _keep_what_is_here() -> None:
    """What is here by now is for good: it need not be looked through, nor copied in a child, again; a request that had
    to wait for that would wait for a third of a second. Memory that was used only to make it is given back."""
    gc.collect()
    gc.freeze()
    if (trim := _of_the_c_library("malloc_trim")) is not None:
        trim(0)


def _share_memory() -> None:
    """Let threads take memory from two places and not from one for each: what one has freed the others use."""
    if (mallopt := _of_the_c_library("mallopt")) is not None:
        mallopt(_ARENA_MAX, 2)


def _of_the_c_library(name: str) -> Callable[..., Any] | None:
    """A function that the C library of Linux mostly has."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def close_door(listener: socket.socket) -> None:
    """Let nobody new begin to connect, and everybody in who has begun: between a last look for a connection and the
    closing of the door another one could come, which the system would reset. Only Linux can; nothing elsewhere."""
    # of a segment that opens a connection (SYN without ACK) nothing is taken; its sender tries again a second later
    program = struct.pack(
        "=HBBIHBBIHBBIHBBIHBBI",
        *(0x30, 0, 0, 13),  # load the flags of TCP
        *(0x54, 0, 0, 0x12),  # keep SYN and ACK
        *(0x15, 0, 1, 0x02),  # only SYN?
        *(0x06, 0, 0, 0),  # take nothing
        *(0x06, 0, 0, 0xFFFFFFFF),  # take it whole
    )
    kept = ctypes.create_string_buffer(program, len(program))
    if sys.platform == "linux":
        with suppress(OSError):
            told = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, told)


class _Arbiter(Arbiter):  # type: ignore[misc]
    """The process above the others."""

    def stop(self, graceful: bool = True) -> None:
        """Stop them all. The door is closed first, where no other server stands behind it."""
        if graceful and not (self.reexec_pid or self.master_pid or self.systemd):
            for each in self.LISTENERS:
                close_door(each.sock)
            time.sleep(DOOR_SECONDS)
        super().stop(graceful)

    def manage_workers(self) -> None:
        """Keep as many processes as there should be. Those that are replaced go when the fresh ones can answer: until
        then nobody would, and clients would wait for what a process works out at its start."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(self.WORKERS) > self.num_workers and time.monotonic() < deadline:
            fresh = sorted(self.WORKERS.values(), key=lambda worker: worker.age)[-self.num_workers :]
            if all(worker.ready[0] for worker in fresh):
                break
            time.sleep(0.05)
            self.reap_workers()
        super().manage_workers()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn with our settings instead of a command line."""

    def __init__(self, settings: Settings, world: World, listening: Callable[[int], None]) -> None:
        self.settings, self.world, self.listening = settings, world, listening
        self.watch = EngineWatch()
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        options = {
            "bind": f"{host}:{self.settings.port}",
            "workers": self.settings.worker_count,
            "worker_class": PatientWorker,
            "worker_connections": connections_most(),
            "threads": THREADS,
            "timeout": TIMEOUT_SECONDS,
            "graceful_timeout": TIMEOUT_SECONDS,
            "keepalive": KEEPALIVE_SECONDS,
            "max_requests": MOST_REQUESTS,
            "max_requests_jitter": MOST_REQUESTS // 10,
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "wegwijs",
            "pre_fork": _before_fork,
            "post_worker_init": _begin,
            "worker_exit": _end,
            "child_exit": _forget,
            "on_starting": lambda _server: log_lines.take_over("gunicorn.error"),
            "on_reload": lambda _server: self._read_again(),
            "when_ready": self._ready,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until told to stop."""
        _Arbiter(self).run()

    def _ready(self, server: Any) -> None:
        _listen(server)
        self.listening(server.LISTENERS[0].sock.getsockname()[1])

    def _read_again(self) -> None:
        """Let workers from now on use the rules that are there now (SIGHUP); those that cannot be read change
        nothing."""
        try:
            self.world, _ = prepare(self.settings)
        except WegwijsError as error:
            log.error("what is there now cannot be used: %s", error)  # noqa: TRY400  where in the code says nothing

    def load(self) -> Any:
        """The application, made in the worker: connections and the rule engine must not cross a fork."""
        _share_memory()
        gc.disable()
        world = service.world_in_child(self.world, self.watch)
        service.warm_up(world, EXAMPLE)
        application = import_module(APPLICATION).create_app(world=world)
        _keep_what_is_here()
        gc.enable()
        return application
