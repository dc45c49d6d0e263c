"""What every use case works in: settings, database, clock and words, and a memory of what was read or built before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from routing.facilities.directory import Directory
from routing.rules.engine_watch import EngineWatch
from routing.settings import Settings
from routing.store import database
from routing.vocabulary import Vocabulary, read_vocabulary

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Memory:
    """What was read or built before, by what it is; each thing is made once, and the longest unused is forgotten."""

    most: int = 32
    things: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `key` stands for, made by `make` if it is not there."""
        with self.lock:
            if key in self.things:
                self.things.move_to_end(key)
            else:
                self.things[key] = make()
                if len(self.things) > self.most:
                    self.things.popitem(last=False)
            made: Made = self.things[key]
            return made

    def forget(self, key: Hashable) -> None:
        """Let what `key` stands for be made anew when it is next asked for."""
        with self.lock:
            self.things.pop(key, None)


@dataclass(slots=True)
class Latest:
    """The newest directory that this process has seen, and under which digest the database holds it; one thread at a
    time brings it up to date."""

    directory: Directory | None = None
    digest: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


def unwatched(_name: str) -> AbstractContextManager[None]:
    """A part of a use case of which nobody watches how long it takes."""
    return nullcontext()


def uncounted(_result: str, _left_alone: bool) -> None:
    """How a question to a road engine went, where nobody counts that."""


@dataclass(frozen=True)
class World:
    """Everything a use case needs: settings, database, clock and words. Open it once in every process, after a fork."""

    settings: Settings
    engine: database.Engine = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    words: Vocabulary
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    published: Memory = field(default_factory=lambda: Memory(most=1), repr=False, compare=False)
    """What this process last saw of `published.yaml`, where only published rules may decide."""
    regional: Memory = field(default_factory=lambda: Memory(most=64), repr=False, compare=False)
    """The rules of regions: many, and small, as they share what is large with the national ones."""
    latest: Latest = field(default_factory=Latest, repr=False, compare=False)
    past: Memory = field(default_factory=lambda: Memory(most=8), repr=False, compare=False)
    """Directories of the past, which replays ask for."""
    kept: set[str] = field(default_factory=set, repr=False, compare=False)
    """Digests of the rulesets and vocabularies that are certainly in the database."""
    under_way: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """Requests with a key of the client that this process is carrying out."""
    rule_numbers: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    """The numbers that the database certainly knows rules by."""
    uses: dict[str, datetime] = field(default_factory=dict, repr=False, compare=False)
    """When this process last tried to note that a key is used."""
    signing_in: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(4), repr=False, compare=False)
    """So many may sign in at once in this process: what a password costs must not keep others from deciding."""
    issuers: Memory = field(default_factory=lambda: Memory(most=1), repr=False, compare=False)
    """The issuers whose tokens are believed, with their public keys."""
    part: Callable[[str], AbstractContextManager[None]] = field(default=unwatched, repr=False, compare=False)
    """Opens a part of a use case, by its name, for whoever watches how long it takes."""
    travel: Memory = field(default_factory=lambda: Memory(most=1), repr=False, compare=False)
    """Where times of travel come from, and whether a road engine is left alone."""
    count_road: Callable[[str, bool], None] = field(default=uncounted, repr=False, compare=False)
    """Is told how questions to a road engine went, and whether it is left alone since."""
    watch: EngineWatch | None = field(default=None, repr=False, compare=False)
    """Which cases the rule engine never came back from, where a process above this one watches that."""
    webhooks: Memory = field(default_factory=lambda: Memory(most=1), repr=False, compare=False)
    """Who is told of patients that come, with the secrets with which that is signed."""


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def open_world(settings: Settings, clock: Callable[[], datetime] = utc_now) -> World:
    """The world of `settings`. Reads the vocabulary; connects to the database only when it is first needed.
    Raises BadData, StoreUnavailable."""
    return World(settings, database.open_engine(settings.database_url), clock, read_vocabulary())


def world_in_child(world: World, watch: EngineWatch | None = None) -> World:
    """`world` for a process that was forked off: what was read stays, and connections are made anew."""
    return replace(world, engine=database.open_engine(world.settings.database_url), watch=watch)


def close_world(world: World) -> None:
    """Close the connections of `world`."""
    world.engine.dispose()
