"""The names on the wire of places of care: their profiles, what goes on there, and what became of reports and feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from api.schemas import Answer, BedCounts, FieldError, Words, told_only
from routing.facilities.profile import Status
from routing.facilities.record import FacilityId, FacilityRecord
from routing.facilities.reporting import Source
from routing.vocabulary import ReportKind

_PROFILE = ("coord_precision", "status")


class FacilityProfile(FacilityRecord):
    """A place: what it says of itself (what is not said is left out), in `resolved` what follows from that for every
    capability, and in `tag` what `If-Match` wants."""

    model_config = ConfigDict(json_schema_extra=told_only(*_PROFILE))

    resolved: dict[str, bool | None]
    tag: str


class FacilityBody(FacilityRecord):
    """The whole profile of a place as it is sent: what is left out is not known any more. `source`, `observed_at` and
    `valid_until` are of the sender; `resolved` and `tag` may stand there and are not read."""

    id: FacilityId | None = None  # type: ignore[assignment]  # the address says it
    source: Source | None = None
    observed_at: datetime | None = None
    valid_until: datetime | None = None
    resolved: Any = None
    tag: Any = None


class FacilityWritten(FacilityProfile):
    """A place as it is kept now, and in which revision of the directory."""

    directory_revision: int


class FacilityRemoved(Answer):
    """A place that is not in the directory any more."""

    facility: str
    directory_revision: int


class StatusReport(Answer):
    """A report as it is kept: what is not said is left out. A `value` of null is not known any more."""

    model_config = ConfigDict(json_schema_extra=told_only("value"))

    unit: str
    kind: ReportKind
    value: bool | int | BedCounts | None
    observed_at: str
    bed: str | None = None
    since: str | None = None
    expected_end: str | None = None
    valid_until: str | None = None
    reason: str | None = None
    source: str | None = None


class ShownReport(StatusReport):
    """A report with its age, and whether it is still relied on; a stop also says whether it is in force and when it
    ends at the latest."""

    age_minutes: int
    fresh: bool
    in_force: bool | None = None
    ends_at_the_latest: str | None = None


class ListedFacility(FacilityRecord):
    """A place in a list, with what goes on there; what its profile calls `status` is `profile_status` here."""

    model_config = ConfigDict(json_schema_extra=told_only("coord_precision"))

    status: list[ShownReport]  # type: ignore[assignment]  # here the word means what goes on there
    profile_status: Status
    resolved: dict[str, bool | None]
    distance_km: float | None = None


class FacilityPage(Answer):
    """Places of the directory; `next` is the cursor of the following page."""

    facilities: list[ListedFacility]
    next: str | None
    directory_revision: int


class FacilityStatus(Answer):
    """What goes on at one place now."""

    facility: str
    status: list[ShownReport]
    directory_revision: int


class StatusTaken(Answer):
    """What became of reports: the subjects (unit/kind/bed) that were taken in, were known already, are older than what
    is known, or change too often to be relied on."""

    facility: str
    directory_revision: int
    taken: list[str]
    known: list[str]
    older: list[str]
    damped: list[str]


class _Change(Answer):
    revision: int
    received_at: str
    observed_at: str
    valid_until: str | None
    facility: str
    subject: str
    source: str


class StatusChange(_Change):
    """What was reported of a subject (unit/kind/bed) of a place."""

    report: StatusReport


class KeptProfile(FacilityRecord):
    """The profile of a place as it was kept."""

    model_config = ConfigDict(json_schema_extra=told_only(*_PROFILE))


class ProfileChange(_Change):
    """The profile that a place has since; null if it was taken out of the directory."""

    profile: KeptProfile | None


class FacilityHistory(Answer):
    """What was changed and reported of one place, the newest first."""

    facility: str
    changes: list[StatusChange | ProfileChange]
    next: str | None


class PublicPlace(Answer):
    """What everybody may know of a place; null is unknown."""

    id: str
    name: str
    kind: str
    city: str
    open: bool | None
    waiting_minutes: int | None
    crowding: Words | None
    stop: bool | None
    stop_text: Words | None
    age_minutes: int | None


class PublicCapacity(Answer):
    """How busy places are, as of a whole minute."""

    as_of: str
    facilities: list[PublicPlace]


class FeedCounts(Answer):
    """How many records there were and how many were refused; of single facts, what became of them."""

    records: int
    refused: int
    taken: int
    known: int
    older: int
    damped: int
    ignored: int


class IgnoredField(Answer):
    """A field that was not read, and why."""

    field: str
    why: str


class FeedOutcome(Answer):
    """What became of one record; of one that was refused nothing was taken."""

    where: str
    facility: str | None
    taken: list[str]
    known: list[str]
    older: list[str]
    damped: list[str]
    ignored: list[IgnoredField]
    refused: list[FieldError]


class FeedReport(Answer):
    """What became of a feed: the counts, and the records about which there is something to say."""

    format: str
    source: str
    dry_run: bool
    directory_revision: int
    counts: FeedCounts
    records: list[FeedOutcome]
    listed: int
    not_listed: int
    broken: FieldError | None
