"""Changes of the directory, one after the other: each makes the next snapshot from the one before it.

A revision is a list of changes that count together. Its digest is over the digest of the revision before it and these
changes, so that a digest stands for the whole history that led to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from routing.errors import BadInput
from routing.facilities.directory import Directory, Stamp, mask, not_within
from routing.facilities.profile import CapabilityTable, Facility, traits
from routing.facilities.record import read_facility, without_fractions
from routing.facilities.status import Report, report_of, report_record, with_report
from routing.geography import Places, unit_vector
from routing.log.canonical import digest

V = TypeVar("V")

PROFILE = "profile"
"""The subject of a change of the profile; all others are those of reports."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different from now on: the profile of a place (`content` is its whole record, None if the place
    is gone), or its status (`content` is the record of a report). `flip`: another value than before."""

    facility_id: str
    subject: str
    content: Mapping[str, Any] | None
    source: str
    observed_at: datetime
    valid_until: datetime | None = None
    flip: bool = True


def status_change(facility_id: str, report: Report, source: str, *, flip: bool) -> Change:
    """The change that `report` about a place makes."""
    content = report_record(report)
    return Change(facility_id, report.subject, content, source, report.observed_at, report.valid_until, flip)


def chained(before: str, changes: Iterable[Change]) -> str:
    """The digest of the revision that these `changes` make of the one with the digest `before`."""
    lines = [[change.facility_id, change.subject, change.source, _exact(change)] for change in changes]
    return digest(orjson.dumps([before, lines], option=orjson.OPT_SORT_KEYS))


def _exact(change: Change) -> Any:
    if change.subject != PROFILE:
        return change.content
    said = None if change.content is None else without_fractions(change.content)
    return [said, _text(change.observed_at), _text(change.valid_until)]


def _text(moment: datetime | None) -> str | None:
    # the same moment in another time zone is the same change
    return None if moment is None else moment.astimezone(UTC).isoformat()


def with_changes(directory: Directory, revision: int, changes: Sequence[Change], table: CapabilityTable) -> Directory:
    """The snapshot of `revision`, which `changes` make of `directory`. Only what changed is made anew. Raises BadInput
    for a profile that cannot be read, or that names a place which is not there."""
    live = {**directory.status}
    profiles: dict[str, Change] = {}
    for change in changes:
        if change.subject == PROFILE:
            profiles[change.facility_id] = change
            if change.content is None:
                live.pop(change.facility_id, None)
        else:
            assert change.content is not None, "a report is never nothing"
            live[change.facility_id] = with_report(live.get(change.facility_id, ()), report_of(change.content))
    found = replace(directory, revision=revision, digest=chained(directory.digest, changes), status=live)
    return _with_profiles(found, profiles, table) if profiles else found


def _with_profiles(directory: Directory, profiles: Mapping[str, Change], table: CapabilityTable) -> Directory:
    read = {key: None if it.content is None else read_facility(it.content, table) for key, it in profiles.items()}
    by_id = {key: place for key, place in ({**directory.by_id, **read}).items() if place is not None}
    # who stays where it is cannot lose the building that it is in, unless something goes
    removed = len(by_id) < len({*directory.by_id, *read})
    looked_at = by_id.values() if removed else [place for place in read.values() if place is not None]
    if faults := tuple(not_within(looked_at, by_id)):
        raise BadInput(faults)
    stamps = {key: _stamp(change) for key, change in profiles.items()}
    directory = replace(directory, changed={**directory.changed, **stamps})
    return _in_order(directory, [by_id[key] for key in sorted(by_id)])


def _stamp(change: Change) -> Stamp:
    until = change.valid_until
    return Stamp(
        source=change.source,
        observed_at=change.observed_at.astimezone(UTC),
        valid_until=until.astimezone(UTC) if until is not None else None,
        removed=change.content is None,
    )


def _in_order(directory: Directory, places: Sequence[Facility]) -> Directory:
    """The snapshot with these places, which are sorted by id; of a place that stayed, what was worked out stays too."""
    bits, known = directory.bits, directory.places
    before = [directory.index[place.id] if directory.by_id.get(place.id) is place else -1 for place in places]
    anew = [(number, places[number]) for number, index in enumerate(before) if index < 0]

    def parallel(values: tuple[V, ...], make: Callable[[Facility], V]) -> tuple[V, ...]:
        kept = [values[index] for index in before]
        for number, place in anew:
            kept[number] = make(place)
        return tuple(kept)

    return replace(
        directory,
        facilities=tuple(places),
        by_id={place.id: place for place in places},
        index={place.id: number for number, place in enumerate(places)},
        mask_true=parallel(directory.mask_true, lambda place: mask(place, bits, True)),
        mask_unknown=parallel(directory.mask_unknown, lambda place: mask(place, bits, None)),
        traits=parallel(directory.traits, lambda place: traits((place,))[0]),
        places=Places(
            parallel(known.points, lambda place: (place.lat, place.lon)),
            parallel(known.vectors, lambda place: unit_vector((place.lat, place.lon))),
        ),
    )
