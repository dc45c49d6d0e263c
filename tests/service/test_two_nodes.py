"""Two servers as they are installed, on one database: what one acknowledged, the other decides with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_serve import Server
from tests.ports import own_port
from tests.service.conftest import STEMI
from tests.service.log_load import running

PLACES = ("umc-utrecht", "erasmus-mc", "radboudumc")
UNITS = ("seh", "ehh", "pci", "icu", "or", "obstetrics", "picu", "nicu", "trauma", "shockroom", "ct_thrombolysis")


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[list[Server]]:
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(Server(tmp_path / name, own_port(), database_url, tmp_path / "wegwijs.keys"))
    with running(made):
        yield made


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_what_one_server_acknowledged_the_other_decides_with(servers: list[Server]) -> None:
    for number in range(99):
        here, there = servers[number % 2], servers[(number + 1) % 2]
        place, unit = PLACES[number % 3], UNITS[number // 3 % len(UNITS)]
        value = number // 33 % 2 == 0
        report = {"unit": unit, "kind": "stop", "value": value, "observed_at": datetime.now(UTC).isoformat()}
        status, taken = here.call("POST", f"/v1/facilities/{place}/status", report)
        assert (status, taken["taken"]) == (202, [f"{unit}/stop"])

        status, seen = there.call("GET", f"/v1/facilities/{place}/status")
        assert status == 200
        assert seen["directory_revision"] >= taken["directory_revision"]
        assert (value, report["observed_at"]) in told(seen["status"], unit)

        if place == PLACES[0]:
            status, answer = there.call("POST", "/v1/decisions", STEMI)
            assert status == 201
            assert answer["provenance"]["directory_revision"] >= taken["directory_revision"]
            (found,) = [
                named
                for named in (answer["recommendation"], *answer["alternatives"])
                if named["facility"]["id"] == place
            ]
            assert (value, report["observed_at"]) in told(found["status"], unit)


def told(facts: list[dict[str, Any]], unit: str) -> list[tuple[Any, str]]:
    return [(fact["value"], fact["observed_at"]) for fact in facts if (fact["unit"], fact["kind"]) == (unit, "stop")]
