"""Promises about outcomes: coded, appended, without names, and seen by who decides next."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from routing import outcomes, places, service
from routing.errors import BadInput, NotAllowed, NotFound
from routing.log.canonical import canonical, digest
from routing.log.entry import DECISIONS_LOG
from routing.rights import Asker
from routing.service import World
from routing.store import database, log
from routing.store.packing import pack
from routing.store.tables import OUTCOMES, UNADOPTED
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock

ACCEPTED = {"outcome": "accepted", "by": "triagist"}
ELSEWHERE = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}


def decided(world: World, asker: Asker, case: dict[str, Any] = STEMI) -> dict[str, Any]:
    return service.decide(world, case, asker)


def test_an_outcome_is_added_and_the_decision_stays_as_it_was(world: World, asker: Asker, clock: Clock) -> None:
    made = decided(world, asker)
    first = outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    clock.forward(minutes=4)
    second = outcomes.record_outcome(world, made["id"], ELSEWHERE, asker)
    assert first["destination"] == made["recommendation"]["facility"]["id"]
    assert second["destination"] == "meander-amersfoort"
    assert outcomes.outcomes_of(world, made["id"], AUDITOR)["outcomes"] == [second, first]
    assert service.decision(world, made["id"], AUDITOR) == made
    assert service.replay(world, made["id"], AUDITOR)["identical"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"reason": "mood"}, "reason", "unknown_reason"),
        ({"reason": None}, "reason", "unknown_reason"),
        ({"reason": "patient_choice"}, "comment", "comment_needed"),
        ({"by": "triagist"}, "by", "clinician_needed"),
        ({"by": "Jan"}, "by", "literal_error"),
        ({"destination": "nowhere"}, "destination", "unknown_facility"),
        ({"outcome": "accepted"}, "reason", "not_overridden"),
        ({"outcome": "forgotten"}, "outcome", "literal_error"),
        ({"comment": ""}, "comment", "string_too_short"),
        ({"comment": "x" * 501}, "comment", "string_too_long"),
        ({"mood": 1}, "mood", "extra_forbidden"),
    ],
)
def test_what_cannot_be_accepted_is_named_and_nothing_is_kept(
    world: World, asker: Asker, changes: dict[str, Any], field: str, code: str
) -> None:
    made = decided(world, asker)
    with pytest.raises(BadInput) as raised:
        outcomes.record_outcome(world, made["id"], {**ELSEWHERE, **changes}, asker)
    assert (field, code) in {(fault.field, fault.code) for fault in raised.value.faults}
    assert "x" * 80 not in str(raised.value.faults), "a comment is not repeated"
    assert outcomes.outcomes_of(world, made["id"], AUDITOR)["outcomes"] == []


def test_there_is_no_outcome_of_what_was_not_decided(world: World, asker: Asker) -> None:
    for unknown in ("x", "01a20243-0ea7-74bb-b786-680850fd5d6a"):
        with pytest.raises(NotFound):
            outcomes.record_outcome(world, unknown, ACCEPTED, asker)
        with pytest.raises(NotFound):
            outcomes.outcomes_of(world, unknown, AUDITOR)


# -- what else can become of it


@pytest.fixture
def hospital(world: World) -> Asker:
    """The key of the place where the advice sends."""
    return of_place(world, "umc-utrecht")


def of_place(world: World, place: str) -> Asker:
    key = service.create_key(world, f"the desk of {place}", frozenset({"facility"}), frozenset({place}))
    found = service.authenticate(world, key)
    assert found is not None
    return found


def record(world: World, made: dict[str, Any], asker: Asker, event: str, **body: Any) -> dict[str, Any]:
    return outcomes.record_outcome(world, made["id"], {"event": event, **body}, asker)


def state(world: World, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = outcomes.outcomes_of(world, made["id"], AUDITOR)["state"]
    return found


def codes(outcome: dict[str, Any]) -> list[str]:
    return [note["code"] for note in outcome["notes"]]


def faults(raised: pytest.ExceptionInfo[BadInput]) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in raised.value.faults}


def test_a_patient_on_the_way_is_confirmed_and_arrives(
    world: World, asker: Asker, hospital: Asker, clock: Clock
) -> None:
    made = decided(world, asker)
    assert state(world, made) == {
        "status": "active", "place": "umc-utrecht", "since": None, "answer": None, "counting": [], "corrected": {},
    }  # fmt: skip
    clock.forward(minutes=2)
    outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    clock.forward(minutes=1)
    said = record(world, made, hospital, "confirmed")
    assert (said["facility"], said["told_by"], said["recommended"]) == ("umc-utrecht", "place", None)
    assert state(world, made)["answer"] == {
        "event": "confirmed", "reason": None, "at": clock.now.isoformat(), "told_by": "place",
    }  # fmt: skip
    clock.forward(minutes=20)
    at = clock.now - timedelta(minutes=3)
    arrived = record(world, made, asker, "arrived", facility="umc-utrecht", at=at.isoformat())
    assert codes(arrived) == []
    found = state(world, made)
    assert (found["status"], found["place"], found["since"]) == ("completed", "umc-utrecht", at.isoformat())
    assert len(found["counting"]) == 3


def test_a_refusal_revokes_the_destination_until_somebody_decides_again(
    world: World, asker: Asker, hospital: Asker, clock: Clock
) -> None:
    made = decided(world, asker)
    record(world, made, hospital, "refused", reason="full")
    assert (state(world, made)["status"], state(world, made)["answer"]["reason"]) == ("revoked", "full")
    outcomes.record_outcome(world, made["id"], {**ELSEWHERE, "reason": "capacity"}, asker)
    assert (state(world, made)["status"], state(world, made)["place"]) == ("active", "meander-amersfoort")
    # and the place may change its mind, which changes nothing about where the patient goes
    record(world, made, hospital, "confirmed")
    assert state(world, made)["place"] == "meander-amersfoort"
    # whoever decides for the place that refused goes there all the same, and that is said
    record(world, made, hospital, "refused", reason="stop")
    back = outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    assert codes(back) == ["refused_there"]
    assert state(world, made)["status"] == "active"


def test_a_correction_appends_and_nothing_is_edited(world: World, asker: Asker, clock: Clock) -> None:
    made = decided(world, asker)
    wrong = outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    right = outcomes.record_outcome(world, made["id"], {**ELSEWHERE, "corrects": wrong["id"]}, asker)
    found = outcomes.outcomes_of(world, made["id"], AUDITOR)
    assert found["outcomes"] == [right, wrong], "what was wrong stays as it was written"
    assert found["state"]["corrected"] == {wrong["id"]: right["id"]}
    assert found["state"]["counting"] == [right["id"]]
    gone = record(world, made, asker, "withdrawn", corrects=right["id"])
    assert state(world, made)["place"] == "umc-utrecht", "nothing was decided: the advice stands"
    with database.reading(world.engine) as connection:
        entries = [log.read(connection, DECISIONS_LOG, UUID(each["id"])) for each in (wrong, right, gone)]
    assert all(entry is not None and entry.kind == "outcome" for entry in entries)


def test_a_decision_is_found_by_the_outcome_that_counts(world: World, asker: Asker) -> None:
    def found() -> tuple[str | None, str | None]:
        (summary,) = service.search(world, AUDITOR)["decisions"]
        return summary["outcome"], summary["reason"]

    made = decided(world, asker)
    wrong = outcomes.record_outcome(world, made["id"], ELSEWHERE, asker)
    assert found() == ("overridden", "clinician_order")
    record(world, made, asker, "confirmed", facility="umc-utrecht")
    assert found() == ("overridden", "clinician_order"), "what a place says does not hide what was decided"
    record(world, made, asker, "withdrawn", corrects=wrong["id"])
    assert found() == (None, None)
    outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    assert found() == ("accepted", None)


def test_what_was_corrected_is_not_corrected_twice(world: World, asker: Asker) -> None:
    made = decided(world, asker)
    wrong = outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    right = outcomes.record_outcome(world, made["id"], {**ELSEWHERE, "corrects": wrong["id"]}, asker)
    with pytest.raises(BadInput) as raised:
        outcomes.record_outcome(world, made["id"], {**ACCEPTED, "corrects": wrong["id"]}, asker)
    assert faults(raised) == {("corrects", "corrected_already")}
    assert raised.value.faults[0].allowed == right["id"]


def test_outcomes_stand_in_the_order_in_which_they_came(world: World, asker: Asker, clock: Clock) -> None:
    made = decided(world, asker)
    first = outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    clock.forward(seconds=-1)  # a clock that is set back
    second = outcomes.record_outcome(world, made["id"], ELSEWHERE, asker)
    assert outcomes.outcomes_of(world, made["id"], AUDITOR)["outcomes"] == [second, first]
    assert state(world, made)["place"] == "meander-amersfoort"


def test_a_receiving_place_confirms_only_for_itself(world: World, asker: Asker, hospital: Asker) -> None:
    made = decided(world, asker)
    other = of_place(world, "meander-amersfoort")
    with pytest.raises(NotFound):
        record(world, made, other, "confirmed")
    with pytest.raises(NotAllowed, match="not that of the place"):
        record(world, made, hospital, "confirmed", facility="meander-amersfoort")
    for event, body in (("decided", ACCEPTED), ("cancelled", {"reason": "died", "by": "doctor"})):
        with pytest.raises(NotAllowed, match="for who decides"):
            record(world, made, hospital, event, **body)
    outcomes.record_outcome(world, made["id"], ELSEWHERE, asker)
    assert record(world, made, other, "refused", reason="no_staff")["facility"] == "meander-amersfoort"
    assert record(world, made, hospital, "confirmed")["facility"] == "umc-utrecht", "it was advised"


def test_what_a_place_said_is_corrected_by_that_place_only(world: World, asker: Asker, hospital: Asker) -> None:
    made = decided(world, asker)
    chosen = outcomes.record_outcome(world, made["id"], ACCEPTED, asker)
    refused = record(world, made, hospital, "refused", reason="full")
    for who_asks, outcome in ((asker, refused), (hospital, chosen)):
        with pytest.raises(BadInput) as raised:
            record(world, made, who_asks, "withdrawn", corrects=outcome["id"])
        assert faults(raised) == {("corrects", "unknown_outcome")}
    record(world, made, hospital, "withdrawn", corrects=refused["id"])
    assert state(world, made)["status"] == "active"
    # what it says by telephone is newer, and counts
    record(world, made, asker, "refused", facility="umc-utrecht", reason="full")
    assert state(world, made)["answer"]["told_by"] == "desk"


DO_NOT_FIT: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("decided", {"by": "nurse"}, "outcome", "missing"),
    ("decided", {"outcome": "accepted"}, "by", "missing"),
    ("decided", {**ELSEWHERE, "facility": "umc-utrecht"}, "facility", "not_for_event"),
    ("decided", {**ACCEPTED, "urgency": "U2"}, "urgency", "not_overridden"),
    ("decided", {**ELSEWHERE, "urgency": "U6"}, "urgency", "literal_error"),
    ("arrived", {"facility": "umc-utrecht"}, "at", "missing"),
    ("arrived", {"at": "2026-11-18T13:00:00Z"}, "facility", "missing"),
    ("arrived", {"facility": "nowhere", "at": "2026-11-18T13:00:00Z"}, "facility", "unknown_facility"),
    ("arrived", {"facility": "umc-utrecht", "at": "2026-11-18T12:50:00Z"}, "at", "before_decision"),
    ("arrived", {"facility": "umc-utrecht", "at": "2026-11-18T13:10:00Z"}, "at", "in_the_future"),
    ("arrived", {"facility": "umc-utrecht", "at": "2026-11-18T13:00:00"}, "at", "wrong_type"),
    ("arrived", {"facility": "umc-utrecht", "at": "today"}, "at", "wrong_type"),
    (
        "arrived",
        {"facility": "umc-utrecht", "at": "2026-11-18T13:00:00Z", "reason": "x"},
        "reason",
        "not_for_event",
    ),
    ("confirmed", {"facility": "meander-amersfoort"}, "facility", "not_destination"),
    ("refused", {"facility": "umc-utrecht"}, "reason", "unknown_reason"),
    ("refused", {"facility": "umc-utrecht", "reason": "capacity"}, "reason", "unknown_reason"),
    ("refused", {"facility": "umc-utrecht", "reason": "not_our_patient"}, "comment", "comment_needed"),
    ("cancelled", {"by": "nurse"}, "reason", "unknown_reason"),
    ("cancelled", {"reason": "died"}, "by", "missing"),
    ("withdrawn", {}, "corrects", "missing"),
    ("withdrawn", {"corrects": "01a20243-0ea7-74bb-b786-680850fd5d6a"}, "corrects", "unknown_outcome"),
    ("forgotten", {}, "event", "literal_error"),
)
"""Event and what is said of it; field and code of what is wrong with that."""


def test_what_does_not_fit_an_event_is_named_with_what_would(world: World, asker: Asker) -> None:
    made = decided(world, asker)
    for event, body, field, code in DO_NOT_FIT:
        with pytest.raises(BadInput) as raised:
            record(world, made, asker, event, **body)
        assert (field, code) in faults(raised), (event, body)
        assert all(fault.allowed for fault in raised.value.faults), (event, body)
    assert outcomes.outcomes_of(world, made["id"], AUDITOR)["outcomes"] == []


def test_who_goes_nowhere_does_not_arrive_and_who_arrived_is_not_cancelled(
    world: World, asker: Asker, clock: Clock
) -> None:
    made = decided(world, asker)
    ended = record(world, made, asker, "cancelled", reason="treated_on_the_spot", by="paramedic")
    assert state(world, made)["status"] == "revoked"
    there = {"facility": "umc-utrecht", "at": clock.now.isoformat()}
    for event, body in (("arrived", there), ("confirmed", {"facility": "umc-utrecht"})):
        with pytest.raises(BadInput) as raised:
            record(world, made, asker, event, **body)
        assert faults(raised) == {("event", "contradiction")}
        assert ended["id"] in (raised.value.faults[0].allowed or "")
    arrived = record(world, made, asker, "arrived", **there, corrects=ended["id"])
    assert state(world, made)["status"] == "completed"
    with pytest.raises(BadInput) as raised:
        record(world, made, asker, "cancelled", reason="died", by="doctor")
    assert faults(raised) == {("event", "contradiction")}
    assert arrived["id"] in (raised.value.faults[0].allowed or "")


def test_an_arrival_where_nobody_chose_to_go_is_kept_and_said(world: World, asker: Asker, clock: Clock) -> None:
    made = decided(world, asker)
    arrived = record(world, made, asker, "arrived", facility="meander-amersfoort", at=clock.now.isoformat())
    assert codes(arrived) == ["not_chosen"]
    assert state(world, made)["place"] == "meander-amersfoort"


def test_another_urgency_at_the_same_place_is_an_override(world: World, asker: Asker) -> None:
    made = decided(world, asker)
    body = {"outcome": "overridden", "by": "nurse", "reason": "alarm_signal", "comment": "grey and sweating"}
    kept = outcomes.record_outcome(world, made["id"], {**body, "urgency": "U0", "destination": "umc-utrecht"}, asker)
    assert (kept["urgency"], codes(kept)) == ("U0", ["same_place"])


def test_a_stop_at_the_destination_stands_in_the_outcome_for_ever(world: World, asker: Asker, clock: Clock) -> None:
    made = decided(world, asker)
    clock.forward(minutes=1)
    stop(world, "umc-utrecht", value=True)
    clock.forward(minutes=1)
    assert codes(outcomes.record_outcome(world, made["id"], ACCEPTED, asker)) == ["stop_there"]
    at = clock.now.isoformat()
    clock.forward(minutes=10)
    stop(world, "umc-utrecht", value=False)
    clock.forward(minutes=1)
    arrived = record(world, made, asker, "arrived", facility="umc-utrecht", at=at)
    assert codes(arrived) == ["stop_there"], "when the patient came it was still there"
    later = record(world, made, asker, "arrived", facility="umc-utrecht", at=clock.now.isoformat())
    assert codes(later) == []


def stop(world: World, place: str, *, value: bool) -> None:
    desk = Asker("", "the desk of the region", frozenset({"operator"}))
    report = {"unit": "seh", "kind": "stop", "value": value, "observed_at": world.clock().isoformat()}
    places.report_status(world, place, report, desk)


def test_outcomes_of_the_first_version_are_read_and_get_their_entry(world: World, asker: Asker) -> None:
    made = decided(world, asker)
    first = {
        "version": 1, "id": "01a20243-0ea7-74bb-b786-680850fd5d6a", "decision": made["id"],
        "recorded_at": world.clock().isoformat(), "outcome": "overridden", "by": "doctor", "reason": "clinician_order",
        "comment": None, "recommended": "umc-utrecht", "destination": "meander-amersfoort",
        "asker": {"key": asker.key_id, "roles": ["triagist"]},
    }  # fmt: skip
    put_aside(world, first, asker)
    service.upgrade(world)
    (shown,) = outcomes.outcomes_of(world, made["id"], AUDITOR)["outcomes"]
    assert {key: shown[key] for key in first} == first
    assert (shown["event"], shown["corrects"], shown["software"]) == ("decided", None, None)
    assert state(world, made)["place"] == "meander-amersfoort"
    right = outcomes.record_outcome(world, made["id"], {**ACCEPTED, "corrects": first["id"]}, asker)
    assert state(world, made)["counting"] == [right["id"]]


def put_aside(world: World, outcome: dict[str, Any], asker: Asker) -> None:
    """Keep `outcome` as a database had it before there was a log with proofs."""
    written, known = canonical(outcome), UUID(outcome["id"])
    row = {"id": known, "decision_id": UUID(outcome["decision"]), "recorded_at": world.clock(), "event": "decided"}
    aside = {"id": known, "kind": "outcome", "record": pack(written), "record_digest": digest(written)}
    with database.writing(world.engine) as connection:
        connection.execute(OUTCOMES.insert(), {**row, "key_id": UUID(asker.key_id)})
        connection.execute(UNADOPTED.insert(), aside)


# -- and the herd guard

WRIST: dict[str, Any] = {
    "patient": {"age_years": 30, "sex": "male"},
    "location": {"postcode": "3584CX"},
    "channel": "zorgcoordinatie",
    "transport": "own",
    "complaint": "trauma_extremity",
    "observations": {"trauma": True, "fracture_suspected": True, "pain_score": 6},
}
"""Somebody in Utrecht who needs an emergency department, and is in no danger."""


def beds(world: World, place: str, free: int) -> None:
    key = service.create_key(world, "the desk of the region", frozenset({"operator"}))
    asker = service.authenticate(world, key)
    assert asker is not None
    report = {"unit": "seh", "kind": "beds", "bed": "emergency_department", "value": {"total": 10, "available": free}}
    places.report_status(world, place, {**report, "observed_at": world.clock().isoformat()}, asker)


def went_to(world: World, asker: Asker) -> tuple[str, str]:
    made = decided(world, asker, WRIST)
    return made["id"], made["recommendation"]["facility"]["id"]


def test_a_patient_who_goes_elsewhere_takes_no_bed_where_it_was_advised(
    world: World, asker: Asker, clock: Clock
) -> None:
    _, nearest = went_to(world, asker)
    beds(world, nearest, 1)
    clock.forward(minutes=1)
    first, there = went_to(world, asker)
    assert there == nearest
    clock.forward(minutes=1)
    second, elsewhere = went_to(world, asker)
    assert elsewhere != nearest, "the last bed is taken by who is on the way"
    outcomes.record_outcome(world, first, ELSEWHERE, asker)
    clock.forward(minutes=1)
    assert went_to(world, asker)[1] == nearest
    assert service.replay(world, second, AUDITOR)["identical"], "what counted then stands in the record"


def test_an_accepted_advice_counts_from_then_on(world: World, asker: Asker, clock: Clock) -> None:
    _, nearest = went_to(world, asker)
    beds(world, nearest, 1)
    clock.forward(minutes=1)
    first, _ = went_to(world, asker)
    clock.forward(minutes=29)
    outcomes.record_outcome(world, first, ACCEPTED, asker)
    clock.forward(minutes=15)
    assert went_to(world, asker)[1] != nearest
    beds(world, nearest, 1)  # the place itself reports again: the patient has arrived
    clock.forward(minutes=1)
    assert went_to(world, asker)[1] == nearest


def test_a_decision_that_supersedes_gives_back_the_bed_of_the_one_before(
    world: World, asker: Asker, clock: Clock
) -> None:
    _, nearest = went_to(world, asker)
    beds(world, nearest, 1)
    clock.forward(minutes=1)
    first, _ = went_to(world, asker)
    service.decide(world, {**SORE_THROAT, "supersedes": first}, asker)
    clock.forward(minutes=1)
    assert went_to(world, asker)[1] == nearest


def test_a_patient_who_goes_nowhere_or_was_refused_takes_no_bed(world: World, asker: Asker, clock: Clock) -> None:
    _, nearest = went_to(world, asker)
    for event, body in (
        ("cancelled", {"reason": "no_patient", "by": "paramedic"}),
        ("refused", {"reason": "full", "facility": nearest}),
    ):
        clock.forward(hours=2)
        beds(world, nearest, 1)
        clock.forward(minutes=1)
        first, _ = went_to(world, asker)
        outcomes.record_outcome(world, first, {"event": event, **body}, asker)
        clock.forward(minutes=1)
        assert went_to(world, asker)[1] == nearest


def test_the_page_describes_every_member_of_the_record_and_no_other(world: World, asker: Asker) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/outcome-record.md").read_text("utf-8")
    table = page.partition("<!-- outcome -->\n")[2].partition("\n\n")[0]
    described = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    kept = outcomes.record_outcome(world, decided(world, asker)["id"], ACCEPTED, asker)
    assert sorted(described) == sorted(kept)
    assert f"Version {kept['version']}." in page
