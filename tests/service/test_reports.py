"""Promises about reports of what is overruled: every decision once, erased ones by number, nothing of a patient."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from routing import outcomes, places, reports, service
from routing.errors import BadInput
from routing.log.canonical import head
from routing.rights import Asker
from routing.service import World
from routing.settings import read_settings
from routing.store import database, records
from routing.store.tables import RECORDS
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock, Run

ACCEPTED = {"outcome": "accepted", "by": "triagist"}
ELSEWHERE = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}


def decide(world: World, asker: Asker, clock: Clock, case: dict[str, Any], outcome: dict[str, Any] | None) -> str:
    clock.forward(minutes=1)
    decision_id: str = service.decide(world, case, asker)["id"]
    if outcome is not None:
        outcomes.record_outcome(world, decision_id, outcome, asker)
    return decision_id


def erase(world: World, decision_id: str) -> None:
    with database.writing(world.engine) as connection:
        records.destroy(connection, [UUID(decision_id)])


@pytest.mark.parametrize("of_outcome", [False, True])
def test_what_is_damaged_is_named_and_the_rest_is_counted(
    of_outcome: bool,
    world: World,
    asker: Asker,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(reports, "PAGE", 2)
    begin = clock.now
    made = [decide(world, asker, clock, case, outcome) for case, outcome in 2 * [(STEMI, ELSEWHERE), (STEMI, ACCEPTED)]]
    erase(world, decide(world, asker, clock, STEMI, ELSEWHERE))
    clock.forward(minutes=1)
    spoilt = outcomes.outcomes_of(world, made[2], AUDITOR)["outcomes"][0]["id"] if of_outcome else made[2]
    with database.writing(world.engine) as connection:
        connection.execute(RECORDS.update().where(RECORDS.c.id == UUID(spoilt)).values(sealed=b"spoilt" * 9))
    found = reports.overrules(world, since=begin, until=clock.now)
    assert (found["decisions"], found["erased"], found["damaged"], found["damaged_ids"]) == (3, 1, 1, [made[2]])
    assert found["all"]["overridden"] == 1
    assert [record.getMessage() for record in caplog.records if record.name == "wegwijs.reports"] == [
        f"1 damaged records are not counted: {made[2]}"
    ]


def test_the_report_counts_every_decision_once(
    world: World, asker: Asker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PAGE", 2)  # so that a period has several pages, and one that is full
    begin = clock.now
    for case, outcome in ((STEMI, ACCEPTED), (STEMI, ELSEWHERE), (STEMI, None), (SORE_THROAT, None)):
        decide(world, asker, clock, case, outcome)
    corrected = decide(world, asker, clock, STEMI, ELSEWHERE)
    earlier = outcomes.outcomes_of(world, corrected, AUDITOR)["outcomes"][0]["id"]
    outcomes.record_outcome(world, corrected, {**ACCEPTED, "corrects": earlier}, asker)
    erase(world, decide(world, asker, clock, STEMI, ELSEWHERE))
    clock.forward(minutes=1)
    end = clock.now
    decide(world, asker, clock, STEMI, ELSEWHERE)

    seen: list[tuple[int, int]] = []
    found = reports.overrules(world, since=begin, until=end, progress=lambda *done: seen.append(done))
    assert (found["decisions"], found["erased"]) == (5, 1)
    assert seen == [(2, 6), (4, 6), (6, 6)]
    whole = found["all"]
    assert (whole["decisions"], whole["with_outcome"], whole["overridden"]) == (5, 3, 1), "a correction counts once"
    assert whole["share"] is None, "three are too few"
    fired = {row["rule"]: row for row in found["rules"]}
    row = next(row for name, row in fired.items() if name.startswith("acute-nl/stemi"))
    assert (row["decisions"], row["with_outcome"], row["overridden"]) == (4, 3, 1)
    assert row["by_reason"] == [{"value": "clinician_order", "overridden": None}], "one could be somebody"
    assert row["by_chosen"] == [{"value": "meander-amersfoort", "overridden": None}]
    assert [part["value"] for part in row["by_recommended"]] == ["umc-utrecht"]
    assert [part["value"] for part in row["by_region"]] == ["utrecht"]
    assert [part["value"] for part in row["by_block"]] == ["office_hours"]
    assert row["by_ruleset"][0]["value"].startswith("acute-nl/")
    assert set(row["text"]) == {"nl", "en"}
    # and with the default period: all of them
    clock.forward(minutes=1)
    assert reports.overrules(world)["decisions"] == 6


def test_a_report_of_one_rule_and_one_region(world: World, asker: Asker, clock: Clock) -> None:
    decide(world, asker, clock, STEMI, ELSEWHERE)
    decide(world, asker, clock, {**STEMI, "region": "elsewhere"}, ELSEWHERE)
    decide(world, asker, clock, SORE_THROAT, ELSEWHERE)
    clock.forward(minutes=1)
    assert reports.overrules(world, region="Groningen")["decisions"] == 1
    assert reports.overrules(world, region="zeeland")["decisions"] == 0, "a region without decisions is one"
    found = reports.overrules(world, region="elsewhere")
    assert found["decisions"] == 1
    rule = found["rules"][0]["rule"]
    assert [row["rule"] for row in reports.overrules(world, rule=rule.partition("/")[2])["rules"]] == [rule]
    text = json.dumps(found)
    for hidden in ("52.09", "5.12", "2026-11-18T13:50", asker.key_id, '"by"', "doctor"):
        assert hidden not in text


@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ({"rule": "no-such-rule"}, "rule", "unknown_rule"),
        ({"region": "atlantis"}, "region", "unknown_region"),
        ({"since": datetime(2030, 1, 1, tzinfo=UTC)}, "since", "contradiction"),
        ({"most": 0}, "since", "too_many"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    world: World, asker: Asker, clock: Clock, asked: dict[str, Any], field: str, code: str
) -> None:
    decide(world, asker, clock, SORE_THROAT, None)
    clock.forward(minutes=1)
    with pytest.raises(BadInput) as raised:
        reports.overrules(world, **asked)
    (fault,) = raised.value.faults
    assert (fault.field, fault.code) == (field, code)
    assert fault.allowed


def test_arrivals_where_there_was_a_stop_or_a_refusal_are_counted_by_place(
    world: World, asker: Asker, clock: Clock
) -> None:
    report = {"unit": "seh", "kind": "stop", "value": True, "observed_at": clock.now.isoformat()}
    places.report_status(world, "umc-utrecht", report, Asker("", "desk", frozenset({"operator"})))
    first = decide(world, asker, clock, STEMI, ACCEPTED)
    second = decide(world, asker, clock, STEMI, {**ELSEWHERE, "reason": "stop_overruled", "destination": "umc-utrecht"})
    third = decide(world, asker, clock, STEMI, ELSEWHERE)
    refused = {"event": "refused", "facility": "meander-amersfoort", "reason": "full"}
    outcomes.record_outcome(world, third, refused, asker)
    for decision_id, place in ((first, "umc-utrecht"), (second, "umc-utrecht"), (third, "meander-amersfoort")):
        arrived = {"event": "arrived", "facility": place, "at": (clock.now + timedelta(seconds=1)).isoformat()}
        outcomes.record_outcome(world, decision_id, arrived, asker)
    clock.forward(minutes=1)
    found = {place["place"]: place for place in reports.overrules(world)["places"]}
    there = found["umc-utrecht"]
    assert (there["arrivals"], there["had_stop"], there["in_spite"], there["had_refused"]) == (2, 2, 2, 0)
    assert [each["reason"] for each in there["in_spite_for"]] == [None, "stop_overruled"]
    other = found["meander-amersfoort"]
    assert (other["had_refused"], other["refusals"]) == (1, 1)
    assert other["refused_for"] == [{"reason": "full", "count": None}]


def test_the_beginning_of_a_record_is_read_without_the_rest() -> None:
    written = b'{"a":{"decimal":"1.5"},"case":"\\",\\"id\\":\\"x\\"","id":"x","z":{"id":"x"}}'
    assert head(written, "id", "x") == {"a": 1.5, "case": '","id":"x"'}


# -- on the command line


def test_the_command_says_what_is_overruled(run: Run) -> None:
    assert run("db", "upgrade")[0] == 0
    world = service.open_world(read_settings())
    key = service.create_key(world, "t", frozenset({"triagist"}))
    asker = service.authenticate(world, key)
    assert asker is not None
    case = {key: value for key, value in STEMI.items() if key != "called_at"}
    for number in range(11):
        made = service.decide(world, case, asker)
        outcomes.record_outcome(world, made["id"], ELSEWHERE if number % 3 == 0 else ACCEPTED, asker)
    outcomes.record_outcome(world, made["id"], {"event": "refused", "facility": "umc-utrecht", "reason": "full"}, asker)
    service.close_world(world)
    code, out, err = run("overrules", "--region", "Utrecht")
    assert code == 0
    assert "11 of 11 decisions" in err
    for words in (
        "11 decisions in utrecht",
        "11 have an outcome, 4 were overridden (36%; 15% to 65%)",
        "why      clinician_order <5",
        "instead  meander-amersfoort <5",
        "advised  umc-utrecht <5 of 11",
        "refused 1 (full <5)",
    ):
        assert words in out
    code, out, _ = run("overrules", "--json", "--since", "2026-01-01T00:00:00+01:00", "--until", "2026-01-02T00:00Z")
    assert (code, json.loads(out)["decisions"]) == (0, 0)
    for arguments in (("--since", "today"), ("--rule", "no-such-rule"), ("--region", "atlantis")):
        code, out, err = run("overrules", *arguments)
        assert (code, out) == (2, "")
        assert arguments[1] in err
    world = service.open_world(read_settings())
    with database.writing(world.engine) as connection:
        connection.execute(RECORDS.update().where(RECORDS.c.id == UUID(made["id"])).values(sealed=b"spoilt" * 9))
    service.close_world(world)
    code, out, _ = run("overrules")
    assert code == 1
    assert "10 decisions" in out
    assert "1 more are damaged and count nowhere" in out
    assert made["id"] in out
