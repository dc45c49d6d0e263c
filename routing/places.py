"""What one can ask and tell about places of care: who they are, what they can do, and what goes on there right now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from routing.directory_here import Proposal, change_directory, directory_at, directory_of, newest_directory
from routing.errors import BadInput, Changed, Fault, NotAllowed, NotFound, bad_input, shown
from routing.facilities.changes import PROFILE, Change, status_change
from routing.facilities.directory import Directory
from routing.facilities.opening import TIME_ZONE
from routing.facilities.profile import Facility, capability_table
from routing.facilities.record import facility_record, read_facility
from routing.facilities.regions import in_region
from routing.facilities.reporting import SOURCE, Judged, judge, lately, read_report
from routing.facilities.status import Report, report_record
from routing.geography import distance_km
from routing.rights import Asker
from routing.rules.selection import LiveFacts, Stops
from routing.rules_here import in_force
from routing.store import database
from routing.store import directory as history
from routing.store.cursor import bad_cursor, read_cursor, write_cursor
from routing.vocabulary import digest_of
from routing.world import World

REPORTS_MOST = 500
"""So many reports of one place may come in one call."""

STATES = ("stop", "no_stop", "unknown")
"""What can be asked of places: that a unit has a stop now, that it freshly said to have none, or neither."""

# -- asking -----------------------------------------------------------------------------------------------------------


def facilities(
    world: World,
    *,
    capability: str | None = None,
    kind: str | None = None,
    region: str | None = None,
    near: tuple[float, float] | None = None,
    status: str | None = None,
    unit: str | None = None,
    at: datetime | None = None,
    revision: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """Places of the directory, `{"facilities": [...], "next", "directory_revision"}`; by id, or nearest first when
    `near` (latitude, longitude) is given, with `distance_km`. `capability`: places that certainly have it today;
    `region`: one of any kind, by its name or that in small letters with hyphens (`hollands-midden`); `status`: one of
    STATES, of the `unit` (the emergency department if none is named). `at` or `revision`: as it was known then, with
    the ages of then. Each place has its live `status`; what its profile says of that name is `profile_status`.
    Raises BadInput, NotFound, BadRecord, StoreUnavailable."""
    for name, value, allowed in (
        ("capability", capability, world.words.capabilities),
        ("kind", kind, world.words.facility_kinds),
        ("unit", unit, world.words.stop_kinds),
        ("status", status, dict.fromkeys(STATES)),
    ):
        if value is not None:
            check_word(name, value, allowed)
    directory, now = _as_of(world, revision, at)
    live, day = _live(world, now), now.astimezone(TIME_ZONE).date()
    found = sorted(
        (round(distance_km(near, (place.lat, place.lon)), 3) if near else 0.0, place.id)
        for place in directory.facilities
        if (capability is None or place.has(capability, day) is True)
        and (kind is None or place.kind == kind)
        and (region is None or in_region(place, region))
        and (status is None or live.state(directory.status.get(place.id, ()), unit or "seh", now) == status)
    )
    after = tuple(read_cursor(cursor, (float, int), str)) if cursor is not None else None
    left = [position for position in found if after is None or position > after]
    page = left[:limit]
    return {
        "facilities": [
            {
                **_facility(directory.by_id[place_id]),
                "profile_status": directory.by_id[place_id].status,
                "status": live.shown(directory.status.get(place_id, ()), now),
                **({"distance_km": away} if near else {}),
            }
            for away, place_id in page
        ],
        "next": write_cursor(*page[-1]) if len(left) > limit else None,
        "directory_revision": directory.revision,
    }


def facility(world: World, facility_id: str) -> dict[str, Any]:
    """The profile of one place, with `tag`: a digest of exactly this profile. Raises NotFound, StoreUnavailable."""
    return profile(_place(newest_directory(world), facility_id))


def profile(place: Facility) -> dict[str, Any]:
    """The profile of `place` as the outside sees it."""
    return {**_facility(place), "tag": tag_of(place)}


def tag_of(place: Facility) -> str:
    """A digest of the profile of `place`: it changes when the profile does."""
    return digest_of(facility_record(place))


def facility_status(world: World, facility_id: str) -> dict[str, Any]:
    """What is going on at one place now: `{"facility", "status": [report with "age_minutes", "fresh", "in_force"],
    "directory_revision"}`. Raises NotFound, StoreUnavailable."""
    directory, now = newest_directory(world), world.clock()
    _place(directory, facility_id)
    reports = _live(world, now).shown(directory.status.get(facility_id, ()), now)
    return {"facility": facility_id, "status": reports, "directory_revision": directory.revision}


def facility_history(world: World, facility_id: str, *, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """What was changed and reported of one place, the newest first: `{"facility", "changes": [{revision, received_at,
    observed_at, source, subject, ...}], "next"}`. Raises BadInput, NotFound, StoreUnavailable."""
    before = (*read_cursor(cursor, int, int),) if cursor is not None else None
    if before is not None and not all(0 <= part < 2**31 for part in before):
        raise bad_cursor(str(cursor))
    with database.reading(world.engine) as connection:
        rows = history.past(connection, facility_id=facility_id, before=before, limit=limit + 1)
    if not rows and before is None:
        _place(newest_directory(world), facility_id)
    page = rows[:limit]
    following = write_cursor(page[-1].revision, page[-1].position) if len(rows) > limit else None
    return {"facility": facility_id, "changes": [change_record(past) for past in page], "next": following}


def change_record(past: history.Past) -> dict[str, Any]:
    """A change as the outside sees it: of a profile the whole profile, of a status the report."""
    change = past.change
    said = {"profile": change.content} if change.subject == PROFILE else {"report": change.content}
    return {
        "revision": past.revision,
        "received_at": past.received_at.isoformat(),
        "observed_at": change.observed_at.isoformat(),
        "valid_until": change.valid_until.isoformat() if change.valid_until else None,
        "facility": change.facility_id,
        "subject": change.subject,
        "source": change.source,
        **said,
    }


def directory_as_of(world: World, *, revision: int | None = None, at: datetime | None = None) -> Directory:
    """The directory of a `revision`, or as it was known `at` a moment. Raises NotFound, BadRecord, StoreUnavailable."""
    if revision is not None:
        return directory_of(world, revision, world.words)
    return directory_at(world, at) if at is not None else newest_directory(world)


def _as_of(world: World, revision: int | None, at: datetime | None) -> tuple[Directory, datetime]:
    """The directory that is asked for, and the moment from which its status is looked at."""
    now = world.clock()
    if revision is not None and at is not None:
        raise bad_input("revision", "contradiction", "cannot be asked beside `at`", revision, "one of the two")
    if at is not None and at > now:
        raise bad_input("at", "in_the_future", "lies in the future", at.isoformat(), "a time that has passed")
    directory = directory_as_of(world, revision=revision, at=at)
    if revision is None:
        return directory, at or now
    with database.reading(world.engine) as connection:
        return directory, history.received(connection, revision)


def _facility(place: Facility) -> dict[str, Any]:
    # `capabilities` is what the place says itself, `resolved` what follows from that and from its kind, for each one
    return {**facility_record(place), "resolved": dict(place.capabilities)}


def _place(directory: Directory, facility_id: str) -> Facility:
    if (place := directory.by_id.get(facility_id)) is None:
        raise NotFound("facility", str(shown(facility_id)))
    return place


def check_word(field_name: str, value: str, allowed: Mapping[str, Any]) -> None:
    """Raises BadInput if `value` is not one of the `allowed` words."""
    if value not in allowed:
        raise bad_input(field_name, "unknown_value", f"is not a {field_name}", value, ", ".join(allowed))


# -- how live facts are read ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Live:
    """How the rules that decide now read live facts; without such rules nothing is fresh."""

    facts: LiveFacts | None
    stops: Stops | None

    def fresh(self, report: Report, now: datetime) -> bool:
        """Whether the report may still be relied on."""
        return self.facts is not None and report.fresh(now, self.facts.fresh_minutes[report.kind])

    def in_force(self, report: Report, now: datetime) -> bool:
        """Whether it reports a stop that has begun and is not over."""
        longest = self.stops.longest_minutes if self.stops is not None else 0
        return report.is_stop and report.began <= now < report.ends(longest)

    def shown(self, reports: Iterable[Report], now: datetime) -> list[dict[str, Any]]:
        """The reports of a place with their ages; a stop also says when it ends at the latest."""
        return [self._shown(report, now) for report in reports]

    def _shown(self, report: Report, now: datetime) -> dict[str, Any]:
        found = {**report_record(report), "age_minutes": report.age_minutes(now), "fresh": self.fresh(report, now)}
        if not report.is_stop or self.stops is None:
            return found
        ends = report.ends(self.stops.longest_minutes).astimezone(UTC).isoformat()
        return {**found, "in_force": self.in_force(report, now), "ends_at_the_latest": ends}

    def state(self, reports: Iterable[Report], unit: str, now: datetime) -> str:
        """Which of STATES holds of the unit of a place."""
        for report in reports:
            if report.unit == unit and report.kind == "stop":
                if self.in_force(report, now):
                    return "stop"
                if report.value is False and self.fresh(report, now):
                    return "no_stop"
        return "unknown"


def _live(world: World, now: datetime) -> Live:
    selection = in_force(world, now).selection
    return Live(selection.live, selection.stops)


def live_reading(world: World) -> Live:
    """How the national rules that decide now read live facts. Raises BadData."""
    return _live(world, world.clock())


# -- telling ----------------------------------------------------------------------------------------------------------

ENVELOPE = ("source", "observed_at", "valid_until")
"""What a profile may be sent with: who says so, when that was seen, and until when it holds."""


Expected = Callable[[str | None], bool]
"""Whether a profile with this tag (None: there is none) is what the asker means to change."""


def put_facility(
    world: World, facility_id: str, body: Mapping[str, Any], asker: Asker, expected: Expected
) -> tuple[dict[str, Any], bool]:
    """Make `body` the profile of a place, if what is known of it is as `expected`. Only an operator may make a new
    place. Returns the profile with `directory_revision`, and whether the place is new.

    Raises NotAllowed (not the asker's own record, or a new place), Changed (the profile is another one by now, or there
    is one already, or none), BadInput, StoreUnavailable.
    """
    may_change(asker, facility_id)
    given = {key: value for key, value in body.items() if key not in (*ENVELOPE, "resolved", "tag")}
    if given.setdefault("id", facility_id) != facility_id:
        raise bad_input("id", "other_place", "is not the place of this address", given["id"], facility_id)
    place = read_facility(given, capability_table(world.words))

    def propose(proposal: Proposal) -> tuple[list[Change], bool]:
        known = proposal.directory.by_id.get(facility_id)
        _check_expected(facility_id, known, expected)
        if known is None and "operator" not in asker.roles:
            raise NotAllowed(f"only an operator can add a place, and there is no `{facility_id}`")
        if place.located_at is not None and (
            place.located_at not in proposal.directory.by_id or place.located_at == facility_id
        ):
            message = "is not another place in the directory"
            raise bad_input("located_at", "unknown_place", message, place.located_at, "the id of another place")
        envelope = _envelope(body, asker, proposal.now)
        if known is not None and facility_record(known) == facility_record(place):
            return [], False
        return [Change(facility_id, PROFILE, facility_record(place), *envelope)], known is None

    made, new = change_directory(world, propose, source=_source(body, asker), key_id=_key(asker))
    return {**profile(made.by_id[facility_id]), "directory_revision": made.revision}, new


def remove_facility(world: World, facility_id: str, asker: Asker, expected: Expected) -> int:
    """Take a place that does not exist any more out of the directory; the past stays as it was. Returns the new
    revision. Raises NotAllowed, NotFound, Changed, BadInput (another place lies within it), StoreUnavailable."""
    may_change(asker, facility_id)

    def propose(proposal: Proposal) -> tuple[list[Change], None]:
        _check_expected(facility_id, _place(proposal.directory, facility_id), expected)
        if inside := [place.id for place in proposal.directory.facilities if place.located_at == facility_id]:
            message = f"other places lie within it: {', '.join(inside)}"
            raise bad_input("id", "has_places_within", message, facility_id, "a place that no other is located at")
        return [Change(facility_id, PROFILE, None, _source({}, asker), proposal.now)], None

    made, _ = change_directory(world, propose, source=_source({}, asker), key_id=_key(asker))
    return made.revision


def _check_expected(facility_id: str, known: Facility | None, expected: Expected) -> None:
    tag = tag_of(known) if known is not None else None
    if not expected(tag):
        raise Changed(facility_id, tag)


def report_status(world: World, facility_id: str, body: Any, asker: Asker) -> dict[str, Any]:
    """Take in what is reported of a place: one report or a list, all of them or none. Returns `{"facility",
    "directory_revision", "taken", "known", "older", "damped": [subject]}`; what was taken is used by every decision
    that begins after this returns, wherever. Raises NotAllowed, NotFound, BadInput, StoreUnavailable."""
    may_change(asker, facility_id)
    wires = body if isinstance(body, list) else [body]
    if not 1 <= len(wires) <= REPORTS_MOST:
        raise bad_input("", "too_many", "is not such a list of reports", len(wires), f"1 to {REPORTS_MOST} reports")
    reports = read_reports(world, wires, world.clock(), several=isinstance(body, list))

    def propose(proposal: Proposal) -> tuple[list[Change], list[Judged]]:
        _place(proposal.directory, facility_id)
        judged = judge_reports(proposal, facility_id, reports)
        return status_changes(facility_id, judged, _source({}, asker)), judged

    made, judged = change_directory(
        world,
        propose,
        source=_source({}, asker),
        key_id=_key(asker),
        places=[facility_id],
    )
    return {"facility": facility_id, "directory_revision": made.revision, **verdicts(judged)}


def read_reports(world: World, wires: Sequence[Any], received_at: datetime, *, several: bool) -> list[Report]:
    """The reports in `wires`, all of them. Raises BadInput that lists everything that is wrong with any."""
    reports: list[Report] = []
    faults: list[Fault] = []
    for number, wire in enumerate(wires):
        try:
            reports.append(read_report(wire, world.words, received_at, f"{number}." if several else ""))
        except BadInput as error:
            faults.extend(error.faults)
    if faults:
        raise BadInput(tuple(faults))
    return reports


def judge_reports(proposal: Proposal, facility_id: str, reports: Iterable[Report]) -> list[Judged]:
    """What to do with each of `reports` of a place, in the order in which they were observed."""
    known = {report.subject: report for report in proposal.directory.status.get(facility_id, ())}
    flips = {subject: moments for (place, subject), moments in proposal.flips.items() if place == facility_id}
    judged: list[Judged] = []
    for report in sorted(reports, key=lambda report: report.observed_at):
        flipped = flips.get(report.subject, ())
        found = judge(report, known.get(report.subject), lately(flipped, report.observed_at))
        if found.verdict == "taken":
            known[report.subject] = found.report
            flips[report.subject] = (*flipped, report.observed_at) if found.flip else flipped
        judged.append(found)
    return judged


def status_changes(facility_id: str, judged: Iterable[Judged], source: str) -> list[Change]:
    """The changes that the reports which were taken make."""
    return [
        status_change(facility_id, found.report, found.report.source or source, flip=found.flip)
        for found in judged
        if found.verdict == "taken"
    ]


def verdicts(judged: Sequence[Judged]) -> dict[str, list[str]]:
    """What became of reports: verdict -> subjects."""
    names = ("taken", "known", "older", "damped")
    return {name: [found.report.subject for found in judged if found.verdict == name] for name in names}


def may_change(asker: Asker, facility_id: str) -> None:
    """Raises NotAllowed if `asker` may not change what is known of this place."""
    if not asker.speaks_for(facility_id):
        raise NotAllowed(f"this key may not change `{facility_id}`: it may change {_own(asker)}")


def _own(asker: Asker) -> str:
    return ", ".join(f"`{name}`" for name in sorted(asker.facilities or ())) or "no place"


def _source(body: Mapping[str, Any], asker: Asker) -> str:
    given = body.get("source")
    if given is not None and not (isinstance(given, str) and SOURCE.fullmatch(given)):
        raise bad_input("source", "wrong_value", "is not a source", given, "1 to 64 letters, digits and . _ : / -")
    return given or (f"key {asker.key_id}" if asker.key_id else asker.label)


def _key(asker: Asker) -> UUID | None:
    return UUID(asker.key_id) if asker.key_id else None


def _envelope(body: Mapping[str, Any], asker: Asker, now: datetime) -> tuple[str, datetime, datetime | None]:
    """Who says so, when it was observed (now, unless it says otherwise), and until when it holds."""
    observed = _moment("observed_at", body.get("observed_at")) or now
    until = _moment("valid_until", body.get("valid_until"))
    if observed > now:
        raise bad_input("observed_at", "in_the_future", "lies in the future", body["observed_at"], "a time that passed")
    if until is not None and until <= observed:
        raise bad_input("valid_until", "ends_before_it_begins", "does not lie after `observed_at`", body["valid_until"])
    return _source(body, asker), observed, until


def _moment(name: str, given: Any) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise bad_input(name, "bad_time", "is not a time with an offset", given, "2026-11-21T20:04:00+01:00")
    return found.astimezone(UTC)
