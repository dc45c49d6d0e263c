"""Decides with the times of a road engine for the places that matter, and with those that are known here for the rest.

First the patient gets a place by the times that are known here. The engine is asked about those places on whose time it
hangs which one that is (see `contenders`), and the place is chosen again; and so on, until nothing hangs on a time that
the engine was not asked about. If it does not answer in time, what is known here counts, and the decision says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from routing.case import Case
from routing.contenders import Times, contenders
from routing.decision import Decision, Minutes, placed
from routing.facilities.directory import Directory
from routing.rules.evaluation import Evaluators
from routing.rules.ruleset import Ruleset
from routing.travel import Travel, embedded, stands_in
from routing.travel.road_engine import RoadEngine, travel_of
from routing.triage import Triage, triage
from routing.way import leaving_at

ROUNDS_MOST = 3
"""So often an engine is asked for one decision at most, all within one limit of time."""

ASKED_MOST = 60
"""About so many places an engine is asked at once at most; an OSRM server as it comes takes 100 points. Where more
could come first, it is asked about those that could be nearest."""


def decide_by_road(
    case: Case, directory: Directory, evaluators: Evaluators, now: datetime, known: Minutes, engine: RoadEngine
) -> Decision:
    """Decide about `case` at `now`; `known` are the times that need nobody else."""
    triaged = triage(case, evaluators, now, directory.holidays)
    leaving = leaving_at(triaged, case, evaluators.ruleset.logistics, now)
    times = known((case.lat, case.lon), directory.places, leaving)
    refined = times_by_road(triaged, case, directory, evaluators.ruleset, now, times, engine)
    return placed(triaged, case, directory, evaluators, now, refined)


def times_by_road(
    triaged: Triage,
    case: Case,
    directory: Directory,
    ruleset: Ruleset,
    now: datetime,
    known: Sequence[Travel],
    engine: RoadEngine,
) -> tuple[Travel, ...]:
    """The times that are `known`, with those of the engine where it hangs on them which place comes first. A boat goes
    by the clock, which no road engine knows: it is not asked about places to which one has to take a boat."""
    times, asked = [*known], {*embedded.by_boat((case.lat, case.lon), directory.places)}
    until = engine.elapsed() + engine.timeout_seconds

    def by_engine(minutes: int) -> Travel:
        return travel_of(minutes, engine.name)

    for turn in range(ROUNDS_MOST):
        best = engine.places if turn == 0 else 1
        wanted = contenders(triaged, case, directory, ruleset, Times(times, asked, by_engine), now, best)[:ASKED_MOST]
        if not wanted:
            break
        points = [directory.places.points[number] for number in wanted]
        found = engine.ask((case.lat, case.lon), points, until - engine.elapsed())
        if found is None:
            for number in wanted:
                times[number] = times[number]._replace(method=stands_in(times[number].method, engine.name))
            break
        for number, travel in zip(wanted, found, strict=True):
            times[number] = travel or times[number]
        asked.update(wanted)
    return tuple(times)
