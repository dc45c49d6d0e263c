"""Holds each record of a feed against what is known by then: what changes because of it, or why it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from routing.directory_here import Proposal
from routing.errors import BadInput, Fault, shown
from routing.facilities.changes import PROFILE, Change
from routing.facilities.directory import Directory
from routing.facilities.profile import CapabilityTable, Facility
from routing.facilities.record import facility_record, read_facility
from routing.facilities.reporting import CLOCKS_DIFFER_SECONDS, Judged
from routing.facilities.status import Report, with_report
from routing.feeding.report import VERDICTS, Outcome
from routing.formats.record import NO_PLACE, FeedRecord, PlaceName
from routing.places import judge_reports, status_changes, verdicts
from routing.rights import Asker

MERGED = ("capabilities", "opening_of", "regions", "capability_periods", "identifiers", "contacts")
"""Fields of a profile with names of their own inside: a part of such a field leaves the rest as it is."""

Names = dict[tuple[str, str], frozenset[str]]
"""How feeds may name places: (scheme, value) -> ids of the places that it fits."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record whose reports were read: into `reports`, or the `faults` say why not."""

    record: FeedRecord
    reports: tuple[Report, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Draft:
    """What is known while the records of a feed are taken in one after the other, beginning with `directory`."""

    directory: Directory
    table: CapabilityTable
    names: Names
    flips: dict[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    status: dict[str, tuple[Report, ...]] = field(default_factory=dict)
    places: dict[str, Facility] = field(default_factory=dict)
    observed: dict[str, datetime] = field(default_factory=dict)

    def place(self, facility_id: str) -> Facility | None:
        """The place as it is by now."""
        return self.places.get(facility_id) or self.directory.by_id.get(facility_id)

    def observed_at(self, facility_id: str) -> datetime | None:
        """When its profile was last observed; None if it is as it came with Wegwijs."""
        stamp = self.directory.changed.get(facility_id)
        return self.observed.get(facility_id, stamp.observed_at if stamp else None)


def names_of(places: Iterable[Facility]) -> Names:
    """All names of `places`: ids, identifiers by their scheme, and names in small letters."""
    found: Names = {}
    for place in places:
        for name in _names(place):
            found[name] = found.get(name, frozenset()) | {place.id}
    return found


def _names(place: Facility) -> list[tuple[str, str]]:
    own = [("id", place.id), ("name", _plain(place.name))]
    return [*own, *((scheme, value) for scheme, value in place.identifiers.items() if scheme not in ("id", "name"))]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def find(names: Names, place: PlaceName) -> frozenset[str]:
    """The ids of the places that `place` can mean: one, if all is well."""
    value = _plain(place.value) if place.scheme == "name" else place.value
    return names.get((place.scheme, value), frozenset())


# -- one record -------------------------------------------------------------------------------------------------------


def take(draft: Draft, prepared: Prepared, now: datetime, asker: Asker, source: str) -> tuple[list[Change], Outcome]:
    """The changes that follow from a record at `now`, and what became of it; `draft` knows them from here on. Whatever
    is wrong with any part of it, nothing of it is taken."""
    record = prepared.record
    if record.place == NO_PLACE and not record.refused:
        return [], Outcome(record.where, None, ignored=record.ignored)
    facility_id, faults = _which(draft, record, asker)
    faults = (*record.refused, *faults, *prepared.faults)
    made: Change | str | None = None
    if facility_id is not None and record.profile is not None and not record.refused:
        try:
            made = _profile(draft, facility_id, record, now, source)
        except BadInput as error:
            faults += error.faults
    if faults or facility_id is None:
        return [], Outcome(record.where, facility_id, ignored=record.ignored, refused=faults)
    changes = [made] if isinstance(made, Change) else []
    judged = _judged(draft, facility_id, prepared.reports, now)
    said = verdicts(judged)
    if made is not None:
        said["taken" if changes else str(made)].append(PROFILE)
    _remember(draft, changes, judged, facility_id)
    changes += status_changes(facility_id, judged, source)
    taken, known, older, damped = (tuple(said[verdict]) for verdict in VERDICTS)
    return changes, Outcome(record.where, facility_id, taken, known, older, damped, record.ignored)


def _which(draft: Draft, record: FeedRecord, asker: Asker) -> tuple[str | None, tuple[Fault, ...]]:
    """The place of `record`, also a new one; or None, and why there is none or the asker may not speak for it."""
    place = record.place
    if place == NO_PLACE:
        return None, ()
    found = find(draft.names, place)
    if len(found) > 1:
        message, allowed = f"fits {len(found)} places", f"one of {', '.join(sorted(found))}"
        return None, (Fault(f"facility.{place.scheme}", "ambiguous_place", message, shown(place.value), allowed),)
    new = not found and place.scheme == "id" and record.profile is not None and "operator" in asker.roles
    if not found and not new:
        return None, (_unknown(place),)
    facility_id = place.value if new else next(iter(found))
    if not asker.speaks_for(facility_id):
        message = "is not a place that this key may change"
        return facility_id, (Fault("facility", "not_allowed", message, shown(facility_id), _own(asker)),)
    return facility_id, ()


def _unknown(place: PlaceName) -> Fault:
    field_name = "facility" if place.scheme == "id" else f"facility.{place.scheme}"
    allowed = "the id of a place, or a number that stands under `identifiers` in its profile"
    return Fault(field_name, "unknown_place", "is not a place in the directory", shown(place.value), allowed)


def _own(asker: Asker) -> str:
    own = sorted(asker.facilities or ())
    return ", ".join(own[:10]) + (f" and {len(own) - 10} more" if len(own) > 10 else "") if own else "no place"


def _judged(draft: Draft, facility_id: str, reports: Sequence[Report], now: datetime) -> list[Judged]:
    if not reports:
        return []
    seen = replace(draft.directory, status={facility_id: _status(draft, facility_id)})
    return judge_reports(Proposal(seen, now, draft.flips), facility_id, reports)


def _status(draft: Draft, facility_id: str) -> tuple[Report, ...]:
    return draft.status.get(facility_id, draft.directory.status.get(facility_id, ()))


def _remember(draft: Draft, changes: Iterable[Change], judged: Iterable[Judged], facility_id: str) -> None:
    for change in changes:
        before, after = draft.place(facility_id), read_facility(change.content, draft.table)
        for name in _names(before) if before else ():
            draft.names[name] = draft.names[name] - {facility_id}
        for name in _names(after):
            draft.names[name] = draft.names.get(name, frozenset()) | {facility_id}
        draft.places[facility_id], draft.observed[facility_id] = after, change.observed_at
    for found in judged:
        if found.verdict == "taken":
            draft.status[facility_id] = with_report(_status(draft, facility_id), found.report)
            key = (facility_id, found.report.subject)
            if found.flip:
                draft.flips[key] = (*draft.flips.get(key, ()), found.report.observed_at)


# -- profiles ---------------------------------------------------------------------------------------------------------


def merged(known: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """The profile `known` with `part` laid over it: fields with names inside (MERGED) name by name. Null takes a field
    or a name away; of a capability it says that it is not known whether the place has it."""
    found = dict(known)
    for key, value in part.items():
        if key in MERGED and isinstance(value, Mapping) and isinstance(known.get(key, {}), Mapping):
            both = {**known.get(key, {}), **value}
            value = both if key == "capabilities" else _without_none(both)
        found[key] = value
    return _without_none(found)


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _profile(draft: Draft, facility_id: str, record: FeedRecord, now: datetime, source: str) -> Change | str:
    """The change that the profile of `record` makes, or the verdict on it if it makes none. Raises BadInput."""
    assert record.profile is not None
    known = draft.place(facility_id)
    before = facility_record(known) if known is not None else {"id": facility_id}
    place = read_facility(merged(before, record.profile), draft.table, "profile.")
    faults = []
    if place.id != facility_id:
        faults.append(Fault("profile.id", "other_place", "is not the place of this record", place.id, facility_id))
    if place.located_at is not None and (place.located_at == facility_id or draft.place(place.located_at) is None):
        message = "is not another place in the directory"
        faults.append(Fault("profile.located_at", "unknown_place", message, place.located_at, "another place's id"))
    observed = now if record.observed_at is None else datetime.fromisoformat(record.observed_at)
    if (ahead := (observed - now).total_seconds()) > CLOCKS_DIFFER_SECONDS:
        message = f"lies {int(ahead)} seconds in the future"
        faults.append(Fault("observed_at", "in_the_future", message, record.observed_at, "a time that has passed"))
    if faults:
        raise BadInput(tuple(faults))
    after, last = facility_record(place), draft.observed_at(facility_id)
    if known is not None and after == facility_record(known):
        return "known"
    if last is not None and observed <= last:
        return "older"
    return Change(facility_id, PROFILE, after, source, min(observed, now).astimezone(UTC))
