"""How the patient travels: minutes before leaving, on the way, the drive, the clocks on arrival, medical teams."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from routing.case import parse_case
from routing.decision import decide
from routing.errors import BadData
from routing.log.canonical import canonical, plain
from routing.log.record import answer, make_record
from routing.log.replay import decided_again, replay
from routing.matching import match
from routing.packaged import Desk, open_desk
from routing.plain_text import decision_text
from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import Evaluators
from routing.rules.ruleset import Ruleset
from routing.travel import Travel
from routing.travel.helicopter import Helicopter, flight
from routing.triage import Dispatch, triage
from routing.vocabulary import Language
from routing.way import Way, driven

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/times.md").read_text("utf-8")
NEW = datetime.fromisoformat("2026-11-30T14:00:00+01:00")
OLD = datetime.fromisoformat("2026-11-20T14:00:00+01:00")
"""A moment at which rules decide that say how patients travel, and one at which older ones do."""

STEMI: dict[str, Any] = {"ecg_st_elevation": True}
UTRECHT = {"lat": 52.0907, "lon": 5.1214}


@cache
def desk(now: datetime = NEW) -> Desk:
    return open_desk(None, now)


def record(now: datetime = NEW, evaluators: Evaluators | None = None, **said: Any) -> dict[str, Any]:
    here = desk(now)
    body = {"patient": {"age_years": 67}, "location": UTRECHT, "observations": STEMI, **said}
    case = parse_case(body, here.words, now, here.directory.by_id)
    decision = decide(case, here.directory, evaluators or here.evaluators, now)
    return make_record(decision, case, here.words, id="0", now=now, asker={}, supersedes=None)


def decided(now: datetime = NEW, evaluators: Evaluators | None = None, **said: Any) -> dict[str, Any]:
    return answer(plain(canonical(record(now, evaluators, **said))))


def lead(**said: Any) -> int:
    minutes: int = decided(**said)["way"]["lead_minutes"]
    return minutes


def ago(**by: float) -> str:
    return (NEW - timedelta(**by)).isoformat()


def called(found: dict[str, Any], clock: str = "call_to_arrival") -> dict[str, Any]:
    (one,) = [each for each in found["recommendation"]["clocks"] if each["id"] == clock]
    return dict(one)


def verdict(found: dict[str, Any], norm: str = "pci-75") -> str:
    (one,) = [each for each in found["recommendation"]["norms"] if each["id"] == norm]
    return str(one["verdict"])


def warned(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {reason["rule"].rpartition("/")[2]: reason for reason in found["warnings"]}


# -- before leaving ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ({"transport": "ambulance", "channel": "meldkamer"}, 30),
        ({"transport": "ambulance", "channel": "ambulance"}, 20),
        ({"channel": "meldkamer"}, 30),
        ({"transport": "own", "channel": "meldkamer"}, 10),
        ({"transport": "taxi", "channel": "meldkamer"}, 15),
        ({"transport": "walk", "channel": "meldkamer"}, 30),
        ({"observations": {"sore_throat": True}, "transport": "walk"}, 0),
        ({"observations": {"sore_throat": True}}, 15),
        ({"on_the_way": {}}, 0),
        ({"transport": "ambulance", "on_the_way": {"heading": 90}}, 0),
    ],
)
def test_what_passes_before_leaving_follows_from_how_the_patient_travels(said: dict[str, Any], minutes: int) -> None:
    """Where nobody said how, the ambulance that is sent counts, and else what takes longest to leave."""
    assert lead(**said) == minutes


def test_rules_of_before_count_what_they_counted() -> None:
    found = decided(OLD, transport="own")
    assert found["provenance"]["ruleset"]["version"] == "1.2.0"
    best = found["recommendation"]
    arrival = datetime.fromisoformat(best["arrival_at"])
    assert arrival - OLD == timedelta(minutes=best["travel"]["minutes"])
    assert not {"way", "mmt"} & found.keys()
    assert "clocks" not in best


def test_who_is_on_foot_is_told_that_the_minutes_are_those_of_a_car() -> None:
    throat = {"sore_throat": True}
    assert "on_foot" in warned(decided(transport="walk", observations=throat))
    assert "on_foot" not in warned(decided(transport="own", observations=throat))
    assert "on_foot" not in warned(decided(transport="walk", channel="meldkamer")), "an ambulance is sent"


def test_a_norm_is_never_met_by_the_car_of_who_is_on_foot() -> None:
    """Own transport, and the same on foot where the rules send no ambulance."""
    here = desk()
    body = {"patient": {"age_years": 67}, "location": UTRECHT, "called_at": ago(minutes=1)}

    def verdicts(transport: str) -> set[str]:
        case = parse_case({**body, "observations": STEMI, "transport": transport}, here.words, NEW)
        triaged = triage(case, here.evaluators, NEW, here.directory.holidays)
        nobody = replace(triaged, dispatch=Dispatch(None, False, ()))
        drives = decide(case, here.directory, here.evaluators, NEW).travel
        found = match(nobody, case, here.directory, here.evaluators.ruleset, drives, NEW)
        return {check.verdict for check in found.candidates[0].norms if check.norm.id == "pci-75"}

    assert (verdicts("own"), verdicts("walk")) == ({"met"}, {"uncertain"})


# -- on the way -------------------------------------------------------------------------------------------------------


def test_on_the_way_only_the_drive_is_left() -> None:
    waiting = decided(transport="ambulance", channel="meldkamer", called_at=ago(minutes=10))
    going = decided(transport="ambulance", channel="meldkamer", called_at=ago(minutes=10), on_the_way={})
    assert called(waiting)["minutes"] - called(going)["minutes"] == 30
    assert going["way"] == {**going["way"], "on_the_way": True, "before_leaving": [], "lead_minutes": 0}
    assert going["recommendation"]["travel"] == waiting["recommendation"]["travel"], "from the position now"


def test_who_walks_on_the_way_is_not_taken_for_an_ambulance_that_is_sent() -> None:
    found = decided(transport="walk", called_at=ago(minutes=5), on_the_way={})
    assert (found["way"]["transport"], verdict(found)) == ("walk", "uncertain")
    assert "on_foot" in warned(found)


def test_who_is_on_the_way_and_did_not_say_how_has_no_lights() -> None:
    slow = with_factor(0.5)
    unknown, known = (decided(evaluators=slow, on_the_way={}, **how) for how in ({}, {"transport": "ambulance"}))
    assert (unknown["way"]["transport"], unknown["way"]["urgency_factor"]) == (None, 1)
    assert (known["way"]["transport"], known["way"]["urgency_factor"]) == ("ambulance", 0.5)


def test_where_another_place_is_advised_the_minutes_lost_are_said() -> None:
    """From Terneuzen to a PCI centre, while they go to the hospital nearby."""
    zeeland = {"location": {"postcode": "4501"}, "channel": "ambulance"}
    found = decided(**zeeland, on_the_way={"heading_to": "zorgsaam-terneuzen"})
    said = warned(found)["turns_later"]
    words, best = said["because"], found["recommendation"]
    assert words["minutes"] == best["travel"]["minutes"]
    assert words["more"] == words["minutes"] - words["other"] > 0
    assert best["facility"]["name"] in said["text"]["en"]
    assert "ZorgSaam" in said["text"]["nl"]
    assert not {"turns_later", "turns_sooner"} & warned(decided(**zeeland)).keys()
    right = decided(**zeeland, on_the_way={"heading_to": best["facility"]["id"]})
    assert not {"turns_later", "turns_sooner"} & warned(right).keys()


def test_where_the_advised_place_is_nearer_the_minutes_won_are_said() -> None:
    found = decided(channel="ambulance", on_the_way={"heading_to": "umcg"})
    words = warned(found)["turns_sooner"]["because"]
    assert words["more"] == words["other"] - words["minutes"] > 0


def test_a_heading_rules_no_place_out() -> None:
    """Away from every hospital or towards it: the same answer."""
    answers = [decided(channel="ambulance", on_the_way={"heading": heading}) for heading in (0, 90, 180, 270.5)]
    assert len({canonical_bytes(found) for found in answers}) == 1


def canonical_bytes(found: dict[str, Any]) -> bytes:
    return json.dumps(found, sort_keys=True).encode()


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_every_clock_of_which_the_start_is_known_runs_until_the_arrival() -> None:
    seen = {"last_known_well_at": ago(minutes=90), "onset_at": ago(minutes=40)}
    found = decided(
        channel="meldkamer", transport="ambulance", called_at=ago(minutes=10), first_contact_at=ago(minutes=5),
        observations={**STEMI, **seen},
    )  # fmt: skip
    for each in (found["recommendation"], *found["alternatives"]):
        travel = each["travel"]
        passed = {"call_to_arrival": 10, "first_contact_to_arrival": 5, "last_seen_well_to_arrival": 90}
        for clock in each["clocks"]:
            since = {**passed, "onset_to_arrival": 40}[clock["id"]]
            assert [clock[key] - travel[key] for key in ("minutes", "low", "high")] == [since + 30] * 3
        assert len(each["clocks"]) == 4
    best = found["recommendation"]
    arrival = datetime.fromisoformat(best["arrival_at"])
    assert arrival - datetime.fromisoformat(called(found)["started_at"]) == timedelta(minutes=called(found)["minutes"])


def test_a_clock_that_nobody_started_is_left_out_and_its_norm_is_not_met() -> None:
    for more in ({}, {"channel": "meldkamer"}, {"channel": "huisarts"}, {"on_the_way": {}}):
        found = decided(**more)
        assert [clock["id"] for clock in found["recommendation"]["clocks"]] == []
        assert verdict(found) == "uncertain", more


def test_who_is_on_the_way_for_an_hour_called_before_that() -> None:
    found = decided(on_the_way={"since": ago(minutes=80)})
    assert verdict(found) == "not_met"


def test_a_limit_inside_the_interval_is_uncertain_and_never_met() -> None:
    """As for a norm of 45 minutes: the 75 of PCI, with a call of so long ago that the arrival straddles it."""
    drive = decided(channel="ambulance")["recommendation"]["travel"]
    for minutes, expected in ((drive["high"], "met"), (drive["high"] - 1, "uncertain"), (drive["low"], "uncertain")):
        found = decided(channel="ambulance", called_at=ago(minutes=75 - 20 - minutes))
        assert verdict(found) == expected, minutes
    assert verdict(decided(channel="ambulance", called_at=ago(minutes=75 - 20 - drive["low"] + 1))) == "not_met"


def test_the_night_in_which_the_clock_jumps_makes_no_difference() -> None:
    """Between 01:30 summer time and 02:30 winter time lie two hours."""
    now = datetime.fromisoformat("2027-10-31T02:30:00+01:00")
    found = decided(now, called_at="2027-10-31T01:30:00+02:00", channel="meldkamer", transport="ambulance")
    assert called(found)["minutes"] == 120 + 30 + found["recommendation"]["travel"]["minutes"]


def test_the_page_about_times_is_right() -> None:
    (body,) = re.findall(r"<!-- example: case -->\n```json\n(.*?)\n```", PAGE, re.DOTALL)
    (table,) = re.findall(r"<!-- example: clock -->\n((?:\|.*\n)+)", PAGE)
    rows = [[int(cell) for cell in line.split("|")[2:5]] for line in table.splitlines()[2:]]
    found = decided(**json.loads(body))
    clock, travel = called(found), found["recommendation"]["travel"]
    names = ("minutes", "low", "high")
    assert rows[4] == [clock[name] for name in names] == [sum(row[place] for row in rows[:4]) for place in range(3)]
    assert rows[3] == [travel[name] for name in names]
    assert [row[0] for row in rows[1:3]] == [each["minutes"] for each in found["way"]["before_leaving"]]
    for more in ({"transport": "own"}, {"on_the_way": {}}):
        other = called(decided(**{**json.loads(body), **more}))
        assert f"{other['minutes']} ({other['low']} to {other['high']})" in PAGE


# -- the drive of an ambulance ----------------------------------------------------------------------------------------


def with_factor(factor: float) -> Evaluators:
    """The packaged rules with this factor for every ambulance."""
    here = desk().evaluators
    travel = here.ruleset.logistics.travel
    assert travel is not None
    changed = replace(travel, factor_permille=dict.fromkeys(travel.factor_permille, round(factor * 1000)))
    logistics = replace(here.ruleset.logistics, travel=changed)
    return replace(here, ruleset=replace(here.ruleset, logistics=logistics))


def test_a_factor_makes_the_drive_of_an_ambulance_longer_and_says_so() -> None:
    plainly = decided(channel="ambulance")["recommendation"]["travel"]
    slower = decided(channel="ambulance", evaluators=with_factor(1.5))
    travel = slower["recommendation"]["travel"]
    assert travel["method"] == f"{plainly['method']} x 1.5"
    assert travel["minutes"] == (plainly["minutes"] * 3 + 1) // 2
    assert slower["way"]["urgency_factor"] == 1.5
    own = decided(transport="own", evaluators=with_factor(1.5))["recommendation"]["travel"]
    assert own["method"] == plainly["method"], "somebody's own car has no lights"


def test_a_record_holds_the_drives_of_a_car_and_replays_with_a_factor() -> None:
    slower = with_factor(1.5)
    made = canonical(record(channel="ambulance", evaluators=slower))
    assert plain(made)["travel"] == plain(canonical(record(channel="ambulance")))["travel"]
    assert replay(made, desk().directory, slower) == []


def test_a_factor_of_one_is_the_very_same_drives() -> None:
    drives = (Travel(10, 6, 14, "x"),)
    assert driven(Way("ambulance", (), 1000), drives) is drives
    assert driven(Way("ambulance", (), 1100), drives) == (Travel(11, 6, 16, "x x 1.1"),)


# -- medical teams ----------------------------------------------------------------------------------------------------

HURT: dict[str, Any] = {"trauma": True, "gcs": 6, "systolic_bp": 80, "heart_rate": 130}


def test_where_a_team_goes_along_the_four_stations_are_named_the_nearest_first() -> None:
    found = decided(channel="ambulance", observations=HURT)
    assert found["dispatch"]["mmt"]
    teams = found["mmt"]["teams"]
    assert len(teams) == 4
    assert [each["minutes"] for each in teams] == sorted(each["minutes"] for each in teams)
    assert all(each["low"] < each["minutes"] < each["high"] for each in teams)
    assert {each["method"] for each in teams} == {"helicopter-nl/1"}
    (reason,) = found["mmt"]["reasons"]
    assert "not known" in reason["text"]["en"]


def test_where_no_team_goes_along_none_is_named() -> None:
    assert decided(channel="ambulance")["mmt"] is None


def test_a_team_meets_the_patient_before_leaving_on_the_way_or_not_at_all() -> None:
    found = decided(channel="meldkamer", transport="ambulance", observations=HURT)
    lead, drive = found["way"]["lead_minutes"], found["recommendation"]["travel"]["minutes"]
    for each in found["mmt"]["teams"]:
        before = each["minutes"] <= lead
        after = each["minutes"] >= lead + drive
        assert each["meets"] == ("at_scene" if before else "not_before_arrival" if after else "on_the_way")
    going = decided(channel="ambulance", observations=HURT, on_the_way={})
    assert all(each["meets"] != "at_scene" for each in going["mmt"]["teams"]), "nobody waits any more"


def test_nothing_is_decided_by_a_flight_time() -> None:
    here = desk().evaluators
    travel = here.ruleset.logistics.travel
    assert travel is not None
    slow = replace(travel, helicopter=Helicopter(60, 100, 60, 1))
    other = replace(here, ruleset=replace(here.ruleset, logistics=replace(here.ruleset.logistics, travel=slow)))
    one, two = (decided(evaluators=rules, observations=HURT, channel="ambulance") for rules in (here, other))
    assert one.pop("mmt") != two.pop("mmt")
    assert one == two


def test_a_flight_has_a_start_a_distance_and_a_landing() -> None:
    flown = flight(Helicopter(5, 120, 5, 0.5), (52.0, 5.0), (52.0 + 60 / 111.195, 5.0))
    assert flown[:2] == (40, 20)
    assert 60 <= flown.high <= 61


# -- records and rules ------------------------------------------------------------------------------------------------


def test_a_decision_about_who_is_on_the_way_is_replayed_to_the_last_byte() -> None:
    for way in ({}, {"since": ago(minutes=9), "heading": 12.5, "heading_to": "umcg"}):
        made = canonical(record(channel="ambulance", called_at=ago(minutes=30), on_the_way=way))
        assert plain(made)["case"]["on_the_way"].keys() == way.keys()
        assert replay(made, desk().directory, desk().evaluators) == []


def test_older_decisions_can_be_supposed_under_rules_that_say_how_patients_travel() -> None:
    then = plain(canonical(record(OLD, transport="own")))
    again = decided_again(then, desk().directory, desk().evaluators)
    assert again["result"]["way"]["lead_minutes"] == 10


def changed(part: str, key: str, field: str, value: Any) -> Ruleset:
    source = json.loads(json.dumps(dict(desk().evaluators.ruleset.source), default=str))
    source["parameters.yaml"]["logistics"][part][key][field] = value
    return ruleset_from_source(source, desk().words)


@pytest.mark.parametrize(
    ("part", "key", "field", "value", "said"),
    [
        ("urgency_factor", "A1", "value", 9, "`9` is not from 0.25 to 4"),
        ("urgency_factor", "A1", "value", 0.1234, "more than three decimals"),
        ("urgency_factor", "A1", "unit", "min", "the unit is min, and must be 1"),
        ("leaving_minutes", "own", "value", 2.5, "is not a whole number of minutes"),
        ("leaving_minutes", "own", "review", {"by": "a doctor", "on": "soon"}, "`soon` is not a date"),
        ("helicopter", "cruise_km_h", "value", 0, "`0` is not from 100 to 400 km/h"),
        ("helicopter", "margin", "reference", {"source": "nobody"}, "there is no reference `nobody`"),
    ],
)
def test_what_is_wrong_about_travelling_is_said(part: str, key: str, field: str, value: Any, said: str) -> None:
    with pytest.raises(BadData) as caught:
        changed(part, key, field, value)
    assert said in str(caught.value)


def test_every_assumption_about_travelling_is_pending() -> None:
    logistics = desk().evaluators.ruleset.source["parameters.yaml"]["logistics"]
    for part in ("urgency_factor", "leaving_minutes", "helicopter"):
        assert {entry["review"] for entry in logistics[part].values()} == {"pending"}


@pytest.mark.parametrize("part", ["urgency_factor", "leaving_minutes", "helicopter"])
def test_how_patients_travel_belongs_to_format_4_and_no_other(part: str) -> None:
    source = json.loads(json.dumps(dict(desk().evaluators.ruleset.source), default=str))
    del source["parameters.yaml"]["logistics"][part]
    with pytest.raises(BadData, match=f"`{part}` is about how the patient travels"):
        ruleset_from_source(source, desk().words)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({}, "vóór het rijden: 10 min tot de ambulance er is, 20 min ter plaatse"),
        ({"channel": "ambulance"}, "vóór het rijden: 20 min ter plaatse"),
        ({"transport": "taxi"}, "vóór het rijden: 15 min tot vertrek"),
        ({"on_the_way": {}}, "al onderweg: alleen het rijden telt"),
    ],
)
def test_the_text_for_a_terminal_says_what_passes_between_now_and_the_drive(case: dict[str, Any], said: str) -> None:
    assert f"  {said}\n" in decision_text(decided(**case), desk().words, "nl")


@pytest.mark.parametrize(
    ("language", "said"),
    [("nl", ("melding tot aankomst: 52 min (48 tot 57)",)), ("en", ("call to arrival: 52 min (48 to 57)",))],
)
def test_the_clock_stands_in_the_text_for_a_terminal(language: Language, said: tuple[str, ...]) -> None:
    (body,) = re.findall(r"<!-- example: case -->\n```json\n(.*?)\n```", PAGE, re.DOTALL)
    text = decision_text(decided(**json.loads(body)), desk().words, language)
    assert all(line in text for line in said)
    assert "Lifeliner" not in text
    assert "Lifeliner 1" in decision_text(decided(channel="ambulance", observations=HURT), desk().words, language)
