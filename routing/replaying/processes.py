"""Lets processes on this machine work on chunks; one that dies is replaced, and its chunk is worked on again."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Protocol, Self

from routing.errors import Stopped
from routing.replaying.chunks import Chunk
from routing.replaying.judging import Judge
from routing.replaying.work import answer, work
from routing.settings import Settings
from routing.world import World

ATTEMPTS = 3
"""So often a chunk is given to a process; if each of them dies over it, the chunk is to blame."""


class Workers(Protocol):
    """Whoever works on chunks: here, on all cores, or in a cluster."""

    def slots(self) -> int:
        """How many chunks they can have in hand."""

    def begin(self, chunk: Chunk) -> None:
        """Put `chunk` in their hands."""

    def finished(self, seconds: float) -> bytes | None:
        """The answer about a chunk, whichever comes first; None if there is none within `seconds`. Raises Stopped."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(slots=True)
class Here:
    """Works on one chunk after the other, in this process."""

    world: World
    judge: Judge
    chunk: Chunk | None = None

    def slots(self) -> int:
        """One."""
        return 1

    def begin(self, chunk: Chunk) -> None:
        """Remember `chunk`."""
        self.chunk = chunk

    def finished(self, seconds: float) -> bytes | None:
        """The answer about the chunk, however long it takes."""
        assert self.chunk is not None
        return work(self.world, self.judge, self.chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    chunk: Chunk | None = None


class Processes:
    """`count` processes, each with one chunk in hand at a time."""

    def __init__(self, job: bytes, count: int) -> None:
        self._job = job
        self._workers = [self._started() for _ in range(count)]
        self._answers: deque[bytes] = deque()
        self._deaths: Counter[int] = Counter()

    def slots(self) -> int:
        """As many as there are processes."""
        return len(self._workers)

    def begin(self, chunk: Chunk) -> None:
        """Give `chunk` to a process that has nothing to do."""
        number = next(number for number, worker in enumerate(self._workers) if worker.chunk is None)
        self._give(number, chunk)

    def _give(self, number: int, chunk: Chunk) -> None:
        worker = self._workers[number]
        worker.chunk = chunk
        # one that died without anything in hand shows it here or when it is waited for
        with suppress(OSError):
            worker.pipe.send(chunk)

    def finished(self, seconds: float) -> bytes | None:
        """The answer about a chunk; a process that died is replaced on the way. Raises Stopped."""
        busy = {worker.pipe: number for number, worker in enumerate(self._workers) if worker.chunk is not None}
        for pipe in wait(busy, seconds):
            assert isinstance(pipe, Connection)
            number = busy[pipe]
            try:
                self._answers.append(pipe.recv_bytes())
            except (EOFError, OSError):
                self._replace(number)
            else:
                self._workers[number].chunk = None
        return self._answers.popleft() if self._answers else None

    def _replace(self, number: int) -> None:
        lost = self._workers[number]
        assert lost.chunk is not None
        _end((lost,))
        self._deaths[lost.chunk.number] += 1
        if self._deaths[lost.chunk.number] >= ATTEMPTS:
            raise Stopped(f"{ATTEMPTS} processes died, one after the other, over the same work: {lost.chunk}")
        self._workers[number] = self._started()
        self._give(number, lost.chunk)

    def _started(self) -> _Worker:
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        process = spawn.Process(target=_work_on, args=(self._job, there), daemon=True)
        process.start()
        there.close()
        return _Worker(process, here)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._workers)


def _end(workers: Iterable[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()
        worker.process.kill()
    for worker in workers:
        worker.process.join()


def _work_on(job: bytes, pipe: Connection) -> None:
    """The life of a process: chunks come in and answers go out, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks
    with suppress(EOFError, OSError):
        while True:
            chunk: Chunk = pipe.recv()
            pipe.send_bytes(answer(job, chunk, lambda given: Settings(**given)))
