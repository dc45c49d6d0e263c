"""Promises about outcomes: coded, appended, without names, and seen by who decides next."""

from __future__ import annotations

from typing import Any

import pytest

from routing import outcomes, places, service
from routing.errors import BadInput, NotFound
from routing.rights import Asker
from routing.service import World
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
