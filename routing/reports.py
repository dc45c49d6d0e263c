"""Reports over what was decided and what became of it, read a page at a time, however long the period is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from routing.directory_here import newest_directory
from routing.errors import BadRecord, bad_input, shown
from routing.facilities.directory import Directory
from routing.facilities.opening import TIME_ZONE, night, office_hours
from routing.facilities.regions import ambulance_region, region_id
from routing.log.canonical import head, plain
from routing.log_here import records_of
from routing.outcome_state import Recorded, Standing, standing
from routing.overrules import Arrival, Block, Seen, Tally, erased, report_of, tally
from routing.rules_here import installed_overlays, installed_rulesets
from routing.store import database, decisions, outcomes
from routing.vocabulary import URGENCIES
from routing.world import World

PAGE = 200
"""So many decisions are held in memory at once."""

PERIOD = timedelta(days=31)
"""The period of a report, if nobody says since when."""

NAMED_MOST = 20
"""So many damaged decisions are named in one answer."""

_SATURDAY = 5

log = logging.getLogger("wegwijs.reports")


def overrules(
    world: World,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    rule: str | None = None,
    region: str | None = None,
    most: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[str, Any]:
    """Which rules were overridden in decisions from `since` (included) to `until` (not included), where, when and why,
    and who arrived where there was a stop; see `routing.overrules`. Without `until` up to now, without `since` 31 days
    before that. `rule` with or without the name of its ruleset; `region` by name or like `hollands-midden`. With more
    than `most` decisions it is refused. What is damaged is named and counts nowhere else. Raises BadInput,
    KeysUnusable, StoreUnavailable."""
    until = until if until is not None else world.clock()
    since = since if since is not None else until - PERIOD
    if since >= until:
        raise bad_input("since", "contradiction", "lies not before the end of the period", since.isoformat(), "earlier")
    with database.reading(world.engine) as connection:
        count = decisions.count_between(connection, since, until)
    if most is not None and count > most:
        message = f"there are {count:,} decisions since then, and at most {most:,} are counted in one answer"
        raise bad_input("since", "too_many", message, since.isoformat(), "a shorter period, or `wegwijs overrules`")
    wanted = region_id(region) if region is not None else None
    found, regions, bad = _counted(world, since, until, wanted, lambda done: progress(done, count))
    if wanted is not None and wanted not in (known := regions | _regions(world)):
        raise bad_input("region", "unknown_region", "no decision names it", shown(region), ", ".join(sorted(known)))
    told = report_of(found, rule)
    texts = _texts(world)
    if rule is not None and not told["rules"] and not any(rule in (name, name.partition("/")[2]) for name in texts):
        raise bad_input("rule", "unknown_rule", "is not a rule, and fired in none of these decisions", rule, "its id")
    rows = [{**row, "text": texts.get(row["rule"])} for row in told["rules"]]
    period = {"since": since.isoformat(), "until": until.isoformat()}
    named = {"damaged": len(bad), "damaged_ids": [str(each) for each in bad[:NAMED_MOST]]}
    return {"period": period, "region": wanted, **told, **named, "rules": rows}


def _counted(
    world: World, since: datetime, until: datetime, region: str | None, progress: Callable[[int], None]
) -> tuple[Tally, frozenset[str], list[UUID]]:
    """The counts of a period, only of `region` if given, the regions that its decisions name, and the ids of those that
    are damaged."""
    directory = newest_directory(world)
    found, regions, gone, done, bad = Tally(), frozenset[str](), 0, 0, list[UUID]()
    for page in pages(world, since, until, _beginning):
        seen = [_seen(*each, directory) for each in page.read]
        regions |= {each.region for each in seen if each.region is not None}
        found += tally(each for each in seen if region is None or each.region == region)
        bad += page.damaged
        gone += page.there - len(page.read) - len(page.damaged)
        done += page.there
        progress(done)
    return found + erased(gone), regions, bad


Told = tuple[decisions.Brief, dict[str, Any], Standing]
"""A decision: what stands beside its record, what was read of it, and what counts of its outcomes."""


class Page(NamedTuple):
    """Decisions that are held together: how many `there` are, what was `read` of those that were not erased, and the
    ids of those that are `damaged`, by themselves or in an outcome of theirs."""

    there: int
    read: list[Told]
    damaged: list[UUID]


def _beginning(record: bytes, decision_id: UUID) -> dict[str, Any]:
    # most of a record is about places; what is needed here stands before its id
    beginning: dict[str, Any] = head(record, "id", str(decision_id))
    return beginning


def pages(
    world: World, since: datetime, until: datetime, read: Callable[[bytes, UUID], dict[str, Any]]
) -> Iterator[Page]:
    """The decisions of the period, the oldest first, with what `read` makes of a record (its bytes and its id). One
    that is damaged is named and the others are read: it stays damaged, and nobody could count anything any more. Raises
    KeysUnusable, StoreUnavailable."""
    after: decisions.Position | None = None
    while True:
        with database.reading(world.engine) as connection:
            found = decisions.briefs_between(connection, since, until, after, PAGE)
            if not found:
                return
            page = _page(world, connection, found, read)
        if page.damaged:
            log.error("%d damaged records are not counted: %s", len(page.damaged), ", ".join(map(str, page.damaged)))
        yield page
        after = found[-1].position


def _page(
    world: World,
    connection: database.Connection,
    found: list[decisions.Brief],
    read: Callable[[bytes, UUID], dict[str, Any]],
) -> Page:
    try:
        return Page(len(found), _told(world, connection, found, read), [])
    except BadRecord:
        if len(found) == 1:
            return Page(1, [], [found[0].id])
        alone = [_page(world, connection, [each], read) for each in found]
        return Page(
            len(found), [one for page in alone for one in page.read], [one for page in alone for one in page.damaged]
        )


def _told(
    world: World,
    connection: database.Connection,
    found: list[decisions.Brief],
    read: Callable[[bytes, UUID], dict[str, Any]],
) -> list[Told]:
    recorded = records_of(world, connection, [brief.id for brief in found])
    became = outcomes.of_decisions(connection, recorded)
    every = [outcome_id for ids in became.values() for outcome_id in ids]
    told = records_of(world, connection, every) if every else {}
    return [
        (
            brief,
            read(recorded[brief.id], brief.id),
            standing([plain(told[each]) for each in became.get(brief.id, ()) if each in told]),
        )
        for brief in found
        if brief.id in recorded
    ]


# -- what one decision adds -------------------------------------------------------------------------------------------


def _seen(brief: decisions.Brief, record: Mapping[str, Any], became: Standing, directory: Directory) -> Seen:
    name, version = brief.ruleset
    decided, arrived = became.decided, became.arrived
    return Seen(
        rules=tuple(f"{name}/{rule}" for rule in record["evaluators"]["fired"]),
        ruleset=f"{name}/{version}",
        region=_region(record["case"], directory),
        block=_block(brief.decided_at, directory),
        recommended=brief.facility_id,
        overridden=None if decided is None else decided["outcome"] == "overridden",
        reason=None if decided is None else decided["reason"],
        chosen=None if decided is None else decided["destination"],
        urgency=_urgency(decided, brief.urgency),
        arrived=_arrival(arrived) if arrived is not None else None,
        refusals=tuple(
            (place, answer["reason"])
            for place, answer in sorted(became.answers.items())
            if answer["event"] == "refused"
        ),
    )


def _urgency(decided: Recorded | None, advised: int) -> str | None:
    given = decided["urgency"] if decided is not None else None
    if given is None:
        return None
    step = URGENCIES.index(given) - advised
    return "same" if step == 0 else "higher" if step < 0 else "lower"


def _arrival(arrived: Recorded) -> Arrival:
    notes = arrived["notes"]
    return Arrival(arrived["facility"], "stop_there" in notes, "refused_there" in notes, "not_chosen" in notes)


def _region(case: Mapping[str, Any], directory: Directory) -> str | None:
    """The region that the case names, else the ambulance region in which the patient was."""
    named: str | None = case.get("region")
    return named or ambulance_region(directory, case["location"]["lat"], case["location"]["lon"])


def _block(at: datetime, directory: Directory) -> Block:
    local = at.astimezone(TIME_ZONE)
    if night(at):
        return "night"
    if office_hours(at, directory.holidays):
        return "office_hours"
    free = local.weekday() >= _SATURDAY or local.date() in directory.holidays
    return "weekend" if free else "evening"


# -- names ------------------------------------------------------------------------------------------------------------


def _regions(world: World) -> frozenset[str]:
    places = newest_directory(world).facilities
    ambulance = {region_id(place.regions["rav"]) for place in places if "rav" in place.regions}
    return frozenset(ambulance | {overlay.region for overlay in installed_overlays(world)})


def _texts(world: World) -> dict[str, dict[str, str]]:
    """Rule -> what it says, in the words of the newest ruleset that has it."""
    return {
        f"{rules.name}/{rule.id}": rule.text.wire()
        for rules in sorted(installed_rulesets(world), key=lambda rules: rules.effective_from)
        for rule in rules.rules
    }
