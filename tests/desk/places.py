"""What tests of the pages about places report, and the case that they decide on."""

from __future__ import annotations

from typing import Any

from routing import places, service
from routing.rights import Asker
from routing.service import World
from tests.desk.decided import asker_of

OPERATOR = Asker("", "test", frozenset({"operator"}))

STEMI: dict[str, Any] = {
    "reference": "ZCC-2026-000777",
    "channel": "ambulance",
    "patient": {"age_years": 67, "sex": "male"},
    "location": {"postcode": "3511"},
    "complaint": "chest_pain",
    "observations": {"chest_pain": True, "ecg_st_elevation": True},
    "transport": "ambulance",
}

HURTING = '<img src=x onerror="document.title=1"><script>document.title=2</script>\'"'
"""A name that would do harm where it is not escaped."""


def report(world: World, facility: str, *reports: dict[str, Any]) -> None:
    """Let a place report things, seen now."""
    seen = {"unit": "seh", "observed_at": world.clock().isoformat()}
    places.report_status(world, facility, [{**seen, **each} for each in reports], OPERATOR)


def hurting_place(world: World) -> str:
    """The id of a place with a name that would do harm."""
    body = {"id": "hurting", "name": HURTING, "kind": "hospital_seh", "city": HURTING, "lat": 52.1, "lon": 5.2}
    places.put_facility(world, "hurting", body, OPERATOR, lambda _: True)
    return "hurting"


def decided(world: World, **more: Any) -> dict[str, Any]:
    """A decision on a man with a heart attack in the middle of Utrecht."""
    return service.decide(world, {**STEMI, **more}, asker_of(world))
