"""Promises about replay: what is the same is called identical, and every difference is named by where it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.errors import BadRecord
from routing.facilities.directory import to_records
from routing.log.canonical import canonical, exact, plain
from routing.log.record import as_version_1, make_record
from routing.log.replay import differences, replay
from routing.rules.evaluation import build_evaluators
from tests.small_world import (
    AFTERNOON,
    CASES,
    GIVE_WAY,
    MOMENTS,
    STEMI,
    case,
    decided,
    directory,
    directory_of,
    evaluators,
    ruleset,
    vocabulary,
)


def record(now: datetime = AFTERNOON, **changes: Any) -> bytes:
    entry = make_record(
        decided(now, **changes), case(now, **changes), vocabulary(),
        id="0198", now=now, asker={"key": "k1", "roles": ["triagist"]}, supersedes=None,
    )  # fmt: skip
    return canonical(entry)


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: f"{now:%d-%m %H:%M}")
@pytest.mark.parametrize("name", CASES)
def test_replay_is_identical(name: str, now: datetime) -> None:
    assert replay(record(now, **CASES[name]), directory(), evaluators()) == []


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Europe/Amsterdam")])
def test_replay_is_identical_over_the_end_of_summer_time(zone: Any) -> None:
    now = datetime.fromisoformat("2026-10-25T02:50:00+02:00").astimezone(zone)
    assert replay(record(now, observations=STEMI), directory(), evaluators()) == []


def test_a_record_from_before_regions_and_bypass_limits_is_replayed_identically() -> None:
    then = as_version_1(plain(record(observations=STEMI)))
    del then["result"]["provenance"]["region"]
    for need in then["result"]["needs"]:
        del need["bypass_limit_minutes"]
    assert then["result"]["needs"]
    assert replay(canonical(then), directory(), evaluators()) == []
    then["result"]["provenance"]["region"] = {"name": "somewhere", "version": "1.0.0"}
    assert [found["path"] for found in replay(canonical(then), directory(), evaluators())] == [
        "result.provenance.region"
    ]


def test_replay_is_identical_with_everything_a_case_can_hold() -> None:
    found = record(
        reference="ZCC-é", note="not kept", channel="meldkamer", called_at="2026-11-18T12:50:00.123456Z",
        first_contact_at="2026-11-18T13:51:00+01:00", assessed_at="2026-11-18T13:55:00+01:00", region="zeeland",
        patient={"age_years": 1.5, "sex": "female"}, location={"lat": 52.00012345678, "lon": 5.1}, known_at=["post"],
        complaint="wound", transport="walk", observations={"temperature": 38.65, "laceration": True},
    )  # fmt: skip
    assert replay(found, directory(), evaluators()) == []


def test_replay_names_the_path_of_each_difference() -> None:
    entry = plain(record(observations=STEMI))
    entry["result"]["urgency"]["level"] = "U4"
    entry["evaluators"]["fired"][0] = "another-rule"
    found = {
        item["path"]: (item["then"], item["now"]) for item in replay(canonical_of(entry), directory(), evaluators())
    }
    assert found == {
        "result.urgency.level": ("U4", "U1"),
        "evaluators.fired.0": ("another-rule", "heart-attack"),
    }


def test_replay_with_other_places_says_which_place_it_is_now() -> None:
    document = to_records(directory())
    fewer = [item for item in document["facilities"] if item["id"] != "heart-centre"]
    found = {item["path"]: item for item in replay(record(observations=STEMI), directory_of(*fewer), evaluators())}
    assert "directory.digest" in found
    place = found["result.recommendation.facility.id"]
    assert (place["then"], place["now"]) == ("heart-centre", "far-heart-centre")


def test_replay_with_other_rules_says_so() -> None:
    others = build_evaluators(ruleset(GIVE_WAY[:-1]))
    paths = {item["path"] for item in replay(record(observations=STEMI), directory(), others)}
    assert {"ruleset.digest", "result.provenance.ruleset.digest"} <= paths


def test_newer_software_alone_is_no_difference() -> None:
    entry = plain(record(observations=STEMI))
    entry["software"] = entry["result"]["provenance"]["software"] = "wegwijs 0.0.1"
    assert replay(canonical_of(entry), directory(), evaluators()) == []


def test_bytes_that_differ_are_never_called_identical() -> None:
    """A field that was recorded as null and is not there now is a difference, however small."""
    entry = plain(record(observations=STEMI))
    entry["result"]["recommendation"]["facility"]["wing"] = None
    assert [item["path"] for item in replay(canonical_of(entry), directory(), evaluators())] == [
        "result.recommendation.facility.wing"
    ]


def test_what_is_not_a_record_is_refused() -> None:
    with pytest.raises(BadRecord):
        replay(b'{"case": ', directory(), evaluators())


@pytest.mark.parametrize(
    ("then", "now", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["a.b.1"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": 1}, {}, ["a"]),
        ({}, {"b": 1}, ["b"]),
        ({"a": None}, {}, ["a"]),
        ({}, {"a": None}, ["a"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": 1}, {"a": 1.5}, ["a"]),
        ({"a": {}}, {"a": []}, ["a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a.0.b"]),
        (1, 2, [""]),
    ],
)
def test_differences(then: Any, now: Any, paths: list[str]) -> None:
    assert [item["path"] for item in differences(then, now)] == paths


def canonical_of(entry: Any) -> bytes:
    """The canonical bytes of an entry that was read back, whose decimals are floats."""

    def exactly(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: exactly(item) for key, item in value.items()}
        if isinstance(value, list):
            return [exactly(item) for item in value]
        return exact(value) if isinstance(value, float) else value

    return canonical(exactly(entry))
