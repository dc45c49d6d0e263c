"""The directory of places as it is here and now, and as it was: read once, and brought up to date with what changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from routing.errors import BadData, BadInput, BadRecord, NotFound, OtherSoftware, StoreUnavailable
from routing.facilities.changes import Change, chained, with_changes
from routing.facilities.directory import Directory, read_directory, to_records
from routing.facilities.profile import CapabilityTable, capability_table
from routing.store import database
from routing.store import directory as history
from routing.vocabulary import Vocabulary, digest_of
from routing.world import World

CHECKPOINT_EVERY = 256
"""After so many revisions the whole directory is kept again, so that reading the past need not begin at the first."""

FLIPS_REMEMBERED = timedelta(minutes=10)
"""So far back changes of a value are looked up; what changes too often does so within a minute."""

BLOCK = 64
"""So many revisions are read at once by who walks through them."""

STEPS_KEPT = 16
"""Who decided a little later may have seen a little less: so far back a walk can look without reading anew."""

P = ParamSpec("P")
T = TypeVar("T")

NONE_YET = "the database holds no directory yet; run `wegwijs db upgrade`"


def as_stored(read: Callable[P, T], *source: P.args, **more: P.kwargs) -> T:
    """What `read` makes of something stored. Its digest fits, so what cannot be read is of another version."""
    try:
        return read(*source, **more)
    except (BadData, BadInput) as error:
        raise OtherSoftware("what was stored with this decision has a form that this version does not read") from error


# -- reading ----------------------------------------------------------------------------------------------------------


def newest_directory(world: World) -> Directory:
    """The directory as it is now: with everything that was acknowledged before this call, by whichever process.
    Raises StoreUnavailable, also if the database has none yet; BadRecord."""
    with database.reading(world.engine) as connection:
        head, latest = _head(connection), world.latest
        known = latest.directory
        if known is not None and (known.revision, latest.digest) == (head.revision, head.digest):
            return known
        with latest.lock:
            known = latest.directory
            if known is not None and known.revision >= head.revision:
                # while this thread waited, another has seen more than it did
                database.look_again(connection)
                head = _head(connection)
            return _brought_to(world, connection, head)


def _head(connection: database.Connection) -> history.Head:
    if (head := history.head(connection)) is None:
        raise StoreUnavailable(NONE_YET)
    return head


def _brought_to(world: World, connection: database.Connection, head: history.Head) -> Directory:
    """The directory at `head`, the newest revision that `connection` sees; kept for the next who asks. The caller holds
    the lock of what is kept."""
    latest, table = world.latest, capability_table(world.words)
    known = latest.directory
    if known is not None and (known.revision, latest.digest) == (head.revision, head.digest):
        return known
    between: list[history.Head] = []
    if known is not None and known.revision < head.revision <= known.revision + CHECKPOINT_EVERY:
        between = history.heads(connection, known.revision, head.revision)
    # a database that was put back to an older state does not hold what this process saw before
    if known is None or not between or between[0].digest != latest.digest or any(each.whole for each in between[1:]):
        found = as_stored(_read, connection, head.revision, table)
    else:
        found = as_stored(_forward, connection, known, between[1:], table)
    latest.directory, latest.digest = found, head.digest
    return found


def directory_of(world: World, revision: int, words: Vocabulary) -> Directory:
    """The directory of `revision`, read with the words of that time. Raises NotFound, BadRecord, StoreUnavailable."""

    def read() -> Directory:
        with database.reading(world.engine) as connection:
            return as_stored(_read, connection, revision, capability_table(words))

    latest = world.latest.directory
    if latest is not None and latest.revision == revision and words.digest == world.words.digest:
        return latest
    return world.past.once((revision, words.digest), read)


def directory_at(world: World, moment: datetime) -> Directory:
    """The directory as it was known here at `moment`. Raises NotFound before the first, BadRecord, StoreUnavailable."""
    with database.reading(world.engine) as connection:
        revision = history.revision_at(connection, moment)
    if revision is None:
        raise NotFound("directory at", moment.isoformat())
    return directory_of(world, revision, world.words)


def _read(connection: database.Connection, revision: int, table: CapabilityTable) -> Directory:
    whole = history.read_whole(connection, revision)
    start = read_directory(whole.content, table, whole.revision)
    if whole.digest is not None:
        start = replace(start, digest=whole.digest)
    return _forward(connection, start, history.heads(connection, whole.revision + 1, revision), table)


def _forward(
    connection: database.Connection, known: Directory, heads: Sequence[history.Head], table: CapabilityTable
) -> Directory:
    changes = history.read_changes(connection, heads[0].revision, heads[-1].revision) if heads else {}
    for head in heads:
        known = _next(known, head, changes.get(head.revision, []), table)
    return known


def _next(known: Directory, head: history.Head, changes: Sequence[Change], table: CapabilityTable) -> Directory:
    # before anything is made of them: what is damaged may look like something else
    if _chained(known.digest, changes) != head.digest:
        raise BadRecord(f"revision {head.revision} of the directory does not match its digest")
    return with_changes(known, head.revision, changes, table)


def _chained(before: str, changes: Sequence[Change]) -> str | None:
    try:
        return chained(before, changes)
    except (KeyError, TypeError, ValueError):  # not even the shape of a change
        return None


@dataclass(slots=True)
class Walk:
    """The directory at one revision after another, with the words of one time: for who asks for many revisions, mostly
    later and later ones. Each step is made of the one before it, and what was changed is read in blocks."""

    world: World
    words: Vocabulary
    steps: OrderedDict[int, Directory] = field(default_factory=OrderedDict)
    ahead: dict[int, tuple[history.Head, Sequence[Change]]] = field(default_factory=dict)

    def at(self, revision: int) -> Directory:
        """The directory at `revision`. Raises NotFound, BadRecord, OtherSoftware, StoreUnavailable."""
        if revision in self.steps:
            return self.steps[revision]
        newest = max(self.steps, default=None)
        if newest is not None and revision < newest:
            return directory_of(self.world, revision, self.words)
        if newest is None or revision > newest + CHECKPOINT_EVERY:
            return self._keep(directory_of(self.world, revision, self.words))
        while newest < revision:
            newest += 1
            self._keep(self._after(self.steps[newest - 1]))
        return self.steps[revision]

    def _after(self, known: Directory) -> Directory:
        revision = known.revision + 1
        if revision not in self.ahead:
            self.ahead = self._block(revision)
        head, changes = self.ahead.get(revision, (None, ()))
        if head is None or head.whole:
            return directory_of(self.world, revision, self.words)
        return as_stored(_next, known, head, changes, capability_table(self.words))

    def _block(self, first: int) -> dict[int, tuple[history.Head, Sequence[Change]]]:
        last = first + BLOCK - 1
        with database.reading(self.world.engine) as connection:
            changes = history.read_changes(connection, first, last)
            return {
                head.revision: (head, changes.get(head.revision, [])) for head in history.heads(connection, first, last)
            }

    def _keep(self, found: Directory) -> Directory:
        self.steps[found.revision] = found
        if len(self.steps) > STEPS_KEPT:
            self.steps.popitem(last=False)
        return found


# -- changing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to change, held against what is known: `flips` are when values of a place and subject were
    lately seen to change, for the places that were named."""

    directory: Directory
    now: datetime
    flips: history.Flips


def change_directory(
    world: World,
    decide: Callable[[Proposal], tuple[Sequence[Change], T]],
    *,
    source: str,
    key_id: UUID | None,
    places: Sequence[str] = (),
) -> tuple[Directory, T]:
    """Let `decide` say which changes follow from the newest directory, and add them as one revision: all of them, or
    none if it raises. Returns the directory with the changes, and what else `decide` said. It is called once, while
    nobody else can change anything; without changes there is no new revision.

    `places` are those whose recent flips `decide` wants to know.
    Raises what `decide` raises, BadRecord, StoreUnavailable.
    """
    with database.writing(world.engine) as connection:
        history.lock(connection)
        head = _head(connection)
        with world.latest.lock:
            known = _brought_to(world, connection, head)
        # a clock that steps back must not let a later revision look older
        now = max(world.clock(), head.received_at)
        flips = history.flips(connection, places, now - FLIPS_REMEMBERED) if places else {}
        changes, said = decide(Proposal(known, now, flips))
        if not changes:
            return known, said
        following = history.Head(known.revision + 1, chained(known.digest, changes), now)
        made = with_changes(known, following.revision, changes, capability_table(world.words))
        history.add_changes(connection, following, changes, source, key_id)
        if following.revision % CHECKPOINT_EVERY == 0:
            history.add_checkpoint(connection, made.revision, made.digest, to_records(made))
    # only what is committed may be used by others
    with world.latest.lock:
        if world.latest.directory is known:
            world.latest.directory, world.latest.digest = made, following.digest
    return made, said


def add_packaged(
    connection: database.Connection, document: Mapping[str, Any], source: str, words: Vocabulary, now: datetime
) -> int:
    """Take in a whole directory as the newest revision, unless it is the one of this `source` that was taken in last;
    the number of the newest revision of it. What places changed themselves since, and their status, stay as they are.
    The caller holds the lock of upgrades."""
    history.lock(connection)
    head, packaged = history.head(connection), digest_of(document)
    if head is not None and history.last_packaged(connection, source) == packaged:
        return head.revision
    if head is None:
        history.add_whole(connection, 1, document, source, packaged, now)
        return 1
    merged = _merged(document, _read(connection, head.revision, capability_table(words)))
    read_directory(merged, capability_table(words), head.revision + 1)  # what cannot be read is refused here
    history.add_whole(connection, head.revision + 1, merged, source, packaged, max(now, head.received_at))
    return head.revision + 1


def _merged(document: Mapping[str, Any], known: Directory) -> dict[str, Any]:
    kept = to_records(known)
    removed = {key for key, stamp in known.changed.items() if stamp.removed}
    own = {record["id"]: record for record in kept["facilities"] if record["id"] in known.changed}
    given = {record["id"]: record for record in document["facilities"] if record["id"] not in removed}
    records = {**given, **own}
    merged = {**document, "facilities": [_standing(record, records) for record in records.values()]}
    status = {key: reports for key, reports in kept.get("status", {}).items() if key in records}
    live = {"status": status, "changed": kept.get("changed", {})}
    return {**merged, **{key: value for key, value in live.items() if value}}


def _standing(record: Mapping[str, Any], records: Mapping[str, Any]) -> dict[str, Any]:
    """`record` without the building of a place that is gone, here or in the package: the upgrade must not fail on it,
    and the place itself still stands where its degrees say."""
    gone = record.get("located_at") not in (None, *records)
    return {key: value for key, value in record.items() if not (gone and key == "located_at")}
