"""What stands in a golden log: one decision of each kind, about patients who do not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from routing import service
from routing.log.canonical import canonical
from routing.log.record import as_version_1
from routing.rights import Asker
from routing.store import database, decisions
from routing.world import World

CASES: Mapping[str, dict[str, Any]] = {
    "stemi": {
        "reference": "ZCC-2026-000123",
        "channel": "ambulance",
        "called_at": "2026-11-18T13:50:00+01:00",
        "patient": {"age_years": 67, "sex": "male"},
        "location": {"lat": 52.0907, "lon": 5.1214},
        "complaint": "chest_pain",
        "observations": {"heart_rate": 112, "systolic_bp": 128, "temperature": 36.7, "ecg_st_elevation": True},
        "transport": "ambulance",
    },
    "stop": {
        "channel": "huisartsenpost",
        "patient": {"age_years": 54, "sex": "female"},
        "location": {"postcode": "3511"},
        "observations": {"abdominal_pain": True, "fever": True, "temperature": 38.6},
        "transport": "own",
    },
    "own-gp": {
        "channel": "self",
        "patient": {"age_years": 24},
        "location": {"postcode": "9712"},
        "observations": {"sore_throat": True, "temperature": 37.2},
    },
    "island": {
        "channel": "meldkamer",
        "patient": {"age_years": 78, "sex": "female"},
        "location": {"lat": 53.3975, "lon": 5.3400},
        "observations": {"facial_droop": True, "arm_weakness": True},
    },
    "child": {"patient": {"age_months": 20}, "location": {"postcode": "1012"}, "observations": {"laceration": True}},
    "erased": {
        "reference": "ZCC-2026-000124",
        "patient": {"age_years": 41},
        "location": {"postcode": "5611"},
        "observations": {"headache": True},
    },
}


def _stop(now: datetime) -> tuple[str, dict[str, Any]]:
    report = {"unit": "seh", "kind": "stop", "value": True, "reason": "crowding", "observed_at": now.isoformat()}
    return "umc-utrecht", {**report, "expected_end": (now + timedelta(hours=2)).isoformat()}


STATUS: Mapping[str, Callable[[datetime], tuple[str, dict[str, Any]]]] = {"stop": _stop}
"""What is reported just before a case."""


def old_record(world: World, template: str, asker: Asker) -> tuple[bytes, Callable[[database.Connection], None]]:
    """The record of a decision like `template` as version 1 wrote it, and what adds its row."""
    then = as_version_1(orjson.loads(service.record_of(world, template, asker, "read")))
    then = {**then, "id": str(uuid7()), "asker": {"key": asker.key_id, "roles": sorted(asker.roles)}}

    def add(connection: database.Connection) -> None:
        row = decisions.Row(
            id=UUID(then["id"]),
            decided_at=datetime.fromisoformat(then["decided_at"]),
            urgency=1,
            conditions={each["code"]: each["status"] for each in then["result"]["conditions"]},
            facility_id=then["result"]["recommendation"]["facility"]["id"],
            channel="ambulance",
            ruleset_digest=then["ruleset"]["digest"],
            vocabulary_digest=then["vocabulary"],
            directory_revision=then["directory"]["revision"],
            supersedes=None,
            key_id=UUID(asker.key_id),
        )
        decisions.append(connection, row)

    return canonical(then), add
