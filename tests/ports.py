"""Ports of this machine for servers that start later, or that never do."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_FIRST = 15_000
_OF_THE_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")

_mine: list[IO[bytes]] = []
"""Locks that this process holds until it ends."""


def own_port() -> int:
    """A port that only this process takes, until it ends. The system gives it to nobody who asks for any port, nor to a
    client as its own end of a connection: between looking for a port that is free and a server that listens on it lie
    seconds, and other tests run meanwhile."""
    folder = Path(tempfile.gettempdir()) / f"wegwijs-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    first_of_system = int(_OF_THE_SYSTEM.read_text().split()[0]) if _OF_THE_SYSTEM.exists() else 32_768
    ports = list(range(_FIRST, max(first_of_system, _FIRST + 5_000)))
    random.SystemRandom().shuffle(ports)
    for port in ports:
        lock = (folder / str(port)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as tried:
                tried.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _mine.append(lock)
        return port
    raise AssertionError("no port of this machine is free")


@contextmanager
def nobody_listens() -> Iterator[int]:
    """A port at which connections are refused within the block, and which nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
