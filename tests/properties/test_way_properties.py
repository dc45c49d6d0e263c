"""How the patient travels, for any minutes: later never is in time, and a drive only grows with its factor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.candidate import NormCheck
from routing.case import Case, parse_case
from routing.criteria import Criteria
from routing.decision import decide
from routing.packaged import Desk, open_desk
from routing.travel import Travel
from routing.triage import PatientNeed, Triage, triage
from routing.way import PLAIN, Way, driven, minutes_since, running, way_of

NOW = datetime.fromisoformat("2026-11-30T14:00:00+01:00")
WAYS = ("ambulance", "own", "taxi", "walk", None)
VERDICTS = ("met", "uncertain", "not_met")

drives = st.builds(
    lambda low, more, most: Travel(low + more, low, low + more + most, "x"),
    st.integers(0, 200), st.integers(0, 60), st.integers(0, 60),
)  # fmt: skip
factors = st.integers(250, 4000)


@cache
def desk() -> Desk:
    return open_desk(None, NOW)


def case(**said: Any) -> Case:
    start = {"patient": {"age_years": 67}, "location": {"lat": 52.0907, "lon": 5.1214}}
    return parse_case({**start, "observations": {"ecg_st_elevation": True}, **said}, desk().words, NOW)


@cache
def triaged(transport: str | None) -> Triage:
    return triage(case(transport=transport), desk().evaluators, NOW, desk().directory.holidays)


def checks(drive: Travel, called: int | None, way: dict[str, Any] | None, more: int, **said: Any) -> list[NormCheck]:
    """The norms at the first place with PCI, `more` minutes later than the rules say."""
    rules, directory = desk().evaluators.ruleset, desk().directory
    logistics = replace(rules.logistics, on_scene_minutes=rules.logistics.on_scene_minutes + more)
    rules = replace(rules, logistics=logistics)
    calls = {} if called is None else {"called_at": (NOW - timedelta(minutes=called)).isoformat()}
    patient = case(**calls, **said, **({} if way is None else {"on_the_way": way}))
    travel = (drive,) * len(directory.facilities)
    criteria = Criteria(triaged(patient.transport), patient, directory, rules, travel, NOW)
    number = next(index for index, place in enumerate(directory.facilities) if place.capabilities.get("pci"))
    (found,) = criteria.assess([PatientNeed("pci", "required", (rules.norms["pci-75"],), ())], (), [number])
    assert found.norms_not_sure == sum(check.verdict == "uncertain" and not check.fits for check in found.norms)
    return list(found.norms)


@settings(deadline=None)
@given(drives, st.none() | st.integers(0, 120), st.integers(0, 90), st.sampled_from(["ambulance", None]))
def test_a_longer_time_before_leaving_never_turns_a_norm_to_met(
    drive: Travel, called: int | None, more: int, transport: str | None
) -> None:
    sooner, later = (checks(drive, called, None, minutes, transport=transport) for minutes in (0, more))
    for before, after in zip(sooner, later, strict=True):
        assert VERDICTS.index(before.verdict) <= VERDICTS.index(after.verdict)
        assert after.elapsed - before.elapsed == more


@settings(deadline=None)
@given(drives, st.none() | st.integers(0, 120), st.sampled_from(WAYS))
def test_on_the_way_is_never_later_than_from_the_same_position_before_leaving(
    drive: Travel, called: int | None, transport: str | None
) -> None:
    going, waiting = (checks(drive, called, way, 0, transport=transport) for way in ({}, None))
    for one, other in zip(going, waiting, strict=True):
        assert one.elapsed <= other.elapsed
        assert (one.low, one.high) <= (other.low, other.high)


@settings(deadline=None)
@given(drives, st.sampled_from(WAYS), st.none() | st.fixed_dictionaries({}))
def test_a_norm_on_a_clock_that_nobody_started_is_never_met(
    drive: Travel, transport: str | None, way: dict[str, Any] | None
) -> None:
    for channel in (None, "meldkamer", "ambulance", "huisarts", "seh"):
        found = checks(drive, None, way, 0, transport=transport, channel=channel)
        assert all(check.verdict != "met" and not check.counted for check in found)


@settings(deadline=None)
@given(drives, st.sampled_from(["own", "ambulance", None]))
def test_a_call_at_an_unknown_time_still_tells_a_place_in_time_from_one_that_straddles(
    drive: Travel, transport: str | None
) -> None:
    """As if the call were now, for the order of places alone; what is said of the norm stays uncertain."""
    unknown, now = (checks(drive, called, None, 0, transport=transport) for called in (None, 0))
    for one, other in zip(unknown, now, strict=True):
        assert one.fits == (other.verdict == "met")
        assert (one.verdict == "not_met") == (other.verdict == "not_met")


@given(drives)
def test_a_factor_of_one_changes_nothing(drive: Travel) -> None:
    given = (drive, drive)
    assert driven(Way("ambulance", ()), given) is given


@given(drives, factors, factors)
def test_a_drive_only_grows_with_its_factor(drive: Travel, one: int, other: int) -> None:
    (short,), (long,) = (driven(Way("ambulance", (), factor), (drive,)) for factor in sorted((one, other)))
    assert all(before <= after for before, after in zip(short[:3], long[:3], strict=True))


@given(drives, factors)
def test_a_factor_keeps_the_estimate_in_its_interval_and_rounds_the_interval_outwards(
    drive: Travel, factor: int
) -> None:
    (found,) = driven(Way("ambulance", (), factor), (drive,))
    assert found.low <= found.minutes <= found.high
    assert found.low * PLAIN <= drive.low * factor
    assert found.high * PLAIN >= drive.high * factor


@settings(deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 100_000), st.sampled_from(["+00:00", "+01:00", "+02:00"]))
def test_clocks_run_from_what_the_case_says_whatever_the_offset_it_is_written_with(
    called: int, onset: int, offset: str
) -> None:
    zone = datetime.fromisoformat(f"2026-01-01T00:00:00{offset}").tzinfo
    calls, began = ((NOW - timedelta(minutes=minutes)).astimezone(zone) for minutes in (called, onset))
    patient = case(called_at=calls.isoformat(), observations={"onset_at": began.isoformat()})
    assert {each.clock: each.passed for each in running(patient, NOW)} == {"called_at": called, "onset_at": onset}
    assert minutes_since(calls, NOW) == called


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(WAYS), st.sampled_from([None, "meldkamer", "ambulance", "self"]), st.booleans())
def test_the_arrival_is_now_and_before_leaving_and_the_drive(
    transport: str | None, channel: str | None, going: bool
) -> None:
    patient = case(transport=transport, channel=channel, **({"on_the_way": {}} if going else {}))
    found = decide(patient, desk().directory, desk().evaluators, NOW)
    assert found.journey is not None
    assert found.journey.way == way_of(found.triage, patient, desk().evaluators.ruleset.logistics)
    assert going <= (found.journey.way.lead == 0)
    for each in found.match.candidates:
        if each.travel is not None and each.arrival_at is not None:
            assert each.arrival_at - NOW == timedelta(minutes=found.journey.way.lead + each.travel.minutes)
