"""How the way to a place stands in a record: once for the decision, and in the answer with every place.

What is the same for all places is recorded once: the minutes before leaving and those that passed on each clock. With
the drive to a place these give the minutes on every clock when the patient arrives there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from routing.journey import Journey, Team
from routing.log.canonical import exact
from routing.travel import Travel
from routing.triage import Reason
from routing.way import ARRIVALS, PLAIN, Way


def journey_record(journey: Journey | None, these: Callable[[Iterable[Reason]], list[int]]) -> dict[str, Any]:
    """What a record holds of `journey`; nothing where the rules do not say how patients travel. `these` gives the
    numbers of reasons."""
    if journey is None:
        return {}
    way, teams = journey.way, journey.teams
    return {
        "way": {
            "transport": way.transport,
            "on_the_way": journey.on_the_way,
            "before_leaving": [{"id": name, "minutes": minutes} for name, minutes in way.before],
            "lead_minutes": way.lead,
            "urgency_factor": exact(way.permille / PLAIN),
            "clocks": [
                {"id": ARRIVALS[each.clock], "started_at": each.started_at.isoformat(), "passed": each.passed}
                for each in journey.clocks
            ],
        },
        "mmt": None
        if teams is None
        else {"teams": [_team(team) for team in teams], "reasons": these(journey.of_teams)},
    }


def _team(team: Team) -> dict[str, Any]:
    station = {"id": team.station.id, "name": team.station.name}
    return {"station": station, **travel_record(team.flight), "meets": team.meets}


def travel_record(travel: Travel) -> dict[str, Any]:
    """A drive or a flight as it stands in records and answers."""
    return {"minutes": travel.minutes, "low": travel.low, "high": travel.high, "method": travel.method}


def with_clocks(candidate: Mapping[str, Any], way: Mapping[str, Any] | None) -> dict[str, Any]:
    """`candidate` with the minutes on every clock of `way` when the patient arrives; as it is without a way."""
    if way is None:
        return dict(candidate)
    travel, lead = candidate["travel"], way["lead_minutes"]
    clocks = [] if travel is None else [_on_arrival(clock, lead, travel) for clock in way["clocks"]]
    return {**candidate, "clocks": clocks}


def way_in(result: Mapping[str, Any]) -> Way:
    """What the drives of a car have to be made of for the patient of this `result` of a record or an answer."""
    way = result.get("way")
    return Way(None, ()) if way is None else Way(way["transport"], (), round(way["urgency_factor"] * PLAIN))


def _on_arrival(clock: Mapping[str, Any], lead: int, travel: Mapping[str, Any]) -> dict[str, Any]:
    passed = clock["passed"] + lead
    minutes = {name: passed + travel[name] for name in ("minutes", "low", "high")}
    return {"id": clock["id"], "started_at": clock["started_at"], **minutes}
