"""Takes feeds in: what others report of many places, each record by itself, all of it or nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from uuid import UUID

from routing.directory_here import Proposal, change_directory, newest_directory
from routing.errors import BadInput, BrokenFeed, NotFound, bad_input, shown
from routing.facilities.changes import Change
from routing.facilities.profile import CapabilityTable, Facility, capability_table
from routing.facilities.reporting import SOURCE
from routing.feeding.draft import Draft, Names, Prepared, find, names_of, take
from routing.feeding.report import FeedReport, Outcome
from routing.formats.feed import FORMATS, FeedOptions, FeedRecord
from routing.places import read_reports
from routing.rights import Asker
from routing.world import World

RECORDS_AT_ONCE = 200
PARTS_AT_ONCE = 500
"""So many records, or so many things said in them, are taken in with one revision of the directory."""


def take_in(
    world: World,
    format: str,  # noqa: A002  the name that the caller knows it by
    stream: BinaryIO,
    asker: Asker,
    *,
    source: str,
    field_map: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    progress: Callable[[Outcome], None] | None = None,
) -> FeedReport:
    """Take in the feed in `stream`, of this `format` (a name of FORMATS), from `source`.

    Every record is about one place: it is taken as a whole, or refused with all that is wrong with it; the others go
    on. Many records are committed at once, and what is committed stays, also if the feed turns out to be broken later
    (`broken` of the report). With `dry_run` the report is the same, and nothing is kept. `progress` is told of every
    record, in their order, once it is committed. Needs no more memory for a larger feed.

    Raises NotFound (no such format), BadInput (the source, or the field map), StoreUnavailable.
    """
    if (reader := FORMATS.get(format)) is None:
        raise NotFound("format", str(shown(format)))
    if not SOURCE.fullmatch(source):
        raise bad_input("source", "wrong_value", "is not a source", source, "1 to 64 letters, digits and . _ : / -")
    if reader.needs_map and field_map is None:
        raise bad_input("map", "missing", f"is needed: the fields of `{format}` differ between senders")
    intake = _Intake(world, asker, source, dry_run, capability_table(world.words))
    report = FeedReport(format, source, dry_run, newest_directory(world).revision)
    try:
        for batch in _batches(reader.read(stream, FeedOptions(source, world.clock(), field_map))):
            revision, outcomes = _committed(intake, batch)
            report.directory_revision = revision
            report.add(outcomes)
            for outcome in outcomes if progress is not None else ():
                progress(outcome)  # type: ignore[misc]
    except BrokenFeed as broken:
        report.broken = broken.faults[0]
    return report


def _batches(records: Iterator[FeedRecord]) -> Iterator[list[FeedRecord]]:
    """`records` in groups of a limited size. A BrokenFeed is raised after what was read before it was handed on."""
    batch: list[FeedRecord] = []
    parts = 0
    try:
        for record in records:
            batch.append(record)
            parts += 1 + len(record.reports) + len(record.ignored) + len(record.refused)
            if len(batch) >= RECORDS_AT_ONCE or parts >= PARTS_AT_ONCE + RECORDS_AT_ONCE:
                yield batch
                batch, parts = [], 0
    except BrokenFeed:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


@dataclass(slots=True)
class _Intake:
    """What stays the same while one feed is taken in, and the names of places, which are read once."""

    world: World
    asker: Asker
    source: str
    dry_run: bool
    table: CapabilityTable
    named: tuple[Facility, ...] = ()
    names: Names = field(default_factory=dict)
    draft: Draft | None = None
    """Of a dry run: what would be known by now."""

    def names_in(self, places: tuple[Facility, ...]) -> Names:
        """The names of `places`; those that were asked for last are still there."""
        if places is not self.named:
            self.named, self.names = places, names_of(places)
        return self.names


def _committed(intake: _Intake, batch: Sequence[FeedRecord]) -> tuple[int, list[Outcome]]:
    """Take in `batch` with one revision: the newest revision, and what became of every record."""
    world = intake.world
    prepared = [_prepared(world, record) for record in batch]
    names = intake.names_in(newest_directory(world).facilities)
    places = sorted({place for record in batch for place in find(names, record.place)})

    def propose(proposal: Proposal) -> tuple[Sequence[Change], list[Outcome]]:
        draft = _draft(intake, proposal)
        taken = [take(draft, each, proposal.now, intake.asker, intake.source) for each in prepared]
        changes = [change for changes, _ in taken for change in changes]
        if draft.places:
            intake.named = ()  # the names were changed for places that are not there before this is committed
        return [] if intake.dry_run else changes, [outcome for _, outcome in taken]

    made, outcomes = change_directory(
        world,
        propose,
        source=intake.source,
        key_id=UUID(intake.asker.key_id) if intake.asker.key_id else None,
        places=places,
    )
    return made.revision, outcomes


def _draft(intake: _Intake, proposal: Proposal) -> Draft:
    if intake.draft is not None:
        intake.draft.flips = {**proposal.flips, **intake.draft.flips}
        return intake.draft
    names = intake.names_in(proposal.directory.facilities)
    draft = Draft(proposal.directory, intake.table, names, dict(proposal.flips))
    if intake.dry_run:
        intake.draft = draft
    return draft


def _prepared(world: World, record: FeedRecord) -> Prepared:
    if record.refused or not record.reports:
        return Prepared(record)
    try:
        found = read_reports(world, record.reports, world.clock(), several=len(record.reports) > 1)
    except BadInput as error:
        return Prepared(record, faults=error.faults)
    return Prepared(record, tuple(found))


def sender(name: str, facilities: Iterable[str] | None = None) -> Asker:
    """Who speaks when Wegwijs itself takes in a feed, from a file or an address: an operator without a key, for these
    places or for all."""
    return Asker("", name, frozenset({"operator"}), None if facilities is None else frozenset(facilities))
