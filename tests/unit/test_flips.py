"""The main points of an answer are the same, whether they are taken from the decision or read back from its record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from routing.case import parse_case
from routing.decision import decide
from routing.flips import BUCKETS, headline_of_decision, headline_of_record, region_of
from routing.log.canonical import canonical, plain
from routing.log.record import make_record
from routing.packaged import Desk, open_desk

CASES: tuple[dict[str, Any], ...] = (
    {"patient": {"age_years": 24}, "location": {"postcode": "9712"}, "observations": {"sore_throat": True}},
    {"patient": {"age_years": 67}, "location": {"postcode": "3584"}, "observations": {"ecg_st_elevation": True}},
    {"patient": {"age_years": 80}, "location": {"postcode": "1781"}, "observations": {"hip_deformity": True}},
    {
        "patient": {"age_months": 3},
        "location": {"postcode": "6511"},
        "region": "north",
        "observations": {"fever": True},
    },
    {"patient": {"age_years": 50}, "location": {"lat": 53.18, "lon": 4.85}, "observations": {"facial_droop": True}},
)
NOW = datetime.fromisoformat("2026-11-18T14:00:00+01:00")


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk(None, NOW)


def test_a_decision_and_its_record_have_the_same_headline(desk: Desk) -> None:
    kinds = set()
    for case in CASES:
        read = parse_case(case, desk.words, NOW)
        decision = decide(read, desk.directory, desk.evaluators, NOW)
        made = make_record(decision, read, desk.words, id="x", now=NOW, asker={}, supersedes=None)
        record = plain(canonical(made))
        found = headline_of_decision(decision)
        assert found == headline_of_record(record)
        assert region_of(record) == (case.get("region") or "not given")
        kinds.add(found.kind)
    assert len(kinds) > 1


def test_every_shift_is_in_one_bucket() -> None:
    def holds(bucket: tuple[Any, Any], by: int) -> bool:
        return (bucket[0] is None or bucket[0] <= by) and (bucket[1] is None or by <= bucket[1])

    for by in range(-200, 200):
        assert sum(holds(bucket, by) for bucket in BUCKETS) == 1
