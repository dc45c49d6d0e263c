"""Lets a Dask cluster work on chunks; what its workers lose, the scheduler gives to others."""

from __future__ import annotations

import os
import queue
import secrets
import time
from collections.abc import Mapping
from typing import Any, Self

from routing.errors import Stopped, bad_input
from routing.replaying.chunks import Chunk, chunk_record, read_chunk
from routing.replaying.work import answer
from routing.settings import PREFIX, Settings, read_settings

CONNECT_SECONDS = 10
"""How long the scheduler may take to answer."""

EMPTY_SECONDS = 60
"""How long a cluster may be without any worker."""

IN_HAND = 2
"""Chunks for each thread of the cluster: one to work on, and the next."""

OPTION = "--scheduler"


class Cluster:
    """The workers of a scheduler, and the chunks that they have in hand."""

    def __init__(self, address: str, job: bytes) -> None:
        self._address, self._job = address, job
        self._client = _connected(address)
        self._name = secrets.token_hex(6)
        self._futures: dict[str, tuple[Chunk, Any]] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads = 0
        self._looked = self._seen = time.monotonic()
        self._look()

    def slots(self) -> int:
        """Enough for all threads of all workers that are there now."""
        if time.monotonic() - self._looked > 1:
            self._look()
        return max(1, self._threads) * IN_HAND

    def begin(self, chunk: Chunk) -> None:
        """Hand `chunk` to the scheduler."""
        key = f"wegwijs-replay-{self._name}-{chunk.number}"
        future = self._client.submit(work_on, self._job, chunk_record(chunk), key=key, pure=False)
        self._futures[key] = chunk, future
        future.add_done_callback(lambda future: self._done.put(future.key))

    def finished(self, seconds: float) -> bytes | None:
        """The answer about a chunk, if there is one within `seconds`. Raises Stopped."""
        try:
            key = self._done.get(timeout=seconds)
        except queue.Empty:
            self._look()
            return None
        chunk, future = self._futures.pop(key)
        if future.status == "finished":
            found: bytes = future.result()
            return found
        if future.status == "error":
            raise Stopped(_why(future.exception(), chunk))
        raise Stopped(f"the scheduler at {self._address} was lost")

    def _look(self) -> None:
        """See how many are at work, and whether there is anybody at all."""
        self._looked = now = time.monotonic()
        try:
            self._threads = sum(self._client.nthreads().values())
        except (OSError, TimeoutError, ValueError) as error:
            raise Stopped(f"the scheduler at {self._address} does not answer any more") from error
        if self._threads:
            self._seen = now
        elif now - self._seen > EMPTY_SECONDS:
            raise Stopped(f"the scheduler at {self._address} has had no worker for {EMPTY_SECONDS} seconds")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._futures.clear()
        self._client.close()


def work_on(job: bytes, chunk: list[Any]) -> bytes:
    """What a worker of the cluster is asked to do."""
    return answer(job, read_chunk(chunk), _own_settings)


def _own_settings(given: Mapping[str, Any]) -> Settings:
    """What the environment of the worker says goes before what came with the job: it may reach the database by another
    address."""
    return read_settings(**{key: value for key, value in given.items() if not os.environ.get(PREFIX + key.upper())})


def _why(error: BaseException | None, chunk: Chunk) -> str:
    if type(error).__name__ == "KilledWorker":
        return f"several workers died, one after the other, over the same work: {chunk}"
    # what it says may be about a patient, or about the way to the database
    return f"a worker of the cluster failed ({type(error).__name__}) over: {chunk}"


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        message = "needs the extra that works with clusters: pip install 'wegwijs[distributed]'"
        raise bad_input(OPTION, "not_installed", message, address) from error
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        message = f"does not answer within {CONNECT_SECONDS} seconds"
        raise bad_input(OPTION, "no_scheduler", message, address, "tcp://HOST:8786, of a running scheduler") from error
