"""A line of the log of accesses: one form, nothing in it that says who a patient is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import BadInput, BadRecord
from routing.log.access import (
    EVENTS,
    OUTCOMES,
    PURPOSES,
    SUBJECTS_MOST,
    AccessEvent,
    Source,
    Subject,
    User,
    access_entry,
    is_pseudonym,
    looks_like_bsn,
    opaque_id,
    purpose_of,
    read_access,
)
from routing.log.canonical import canonical, is_canonical, plain
from routing.rights import ROLES
from tests.strategies_access import accesses

NURSE = User(UUID(int=1), "Meldkamer Utrecht", frozenset({"triagist"}), "u-77", "dr-3")
EVENT = AccessEvent(
    id=UUID(int=2),
    at=datetime(2026, 11, 18, 13, tzinfo=UTC),
    event="read",
    outcome="ok",
    purpose="care",
    user=NURSE,
    source=Source("api", "GET /v1/decisions/{decision_id}", "r-1"),
    subjects=(Subject("0123456789abcdef" * 2, UUID(int=3)),),
)


def test_an_entry_has_exactly_these_members() -> None:
    assert plain(access_entry(EVENT)) == {
        "version": 1,
        "id": "00000000-0000-0000-0000-000000000002",
        "at": "2026-11-18T13:00:00+00:00",
        "event": "read",
        "action": "R",
        "outcome": "ok",
        "purpose": "care",
        "subjects": [
            {"patient": "0123456789abcdef0123456789abcdef", "decision": "00000000-0000-0000-0000-000000000003"}
        ],
        "found": None,
        "criteria": {},
        "user": {
            "key": "00000000-0000-0000-0000-000000000001",
            "organisation": "Meldkamer Utrecht",
            "roles": ["triagist"],
            "user": "u-77",
            "responsible": "dr-3",
        },
        "source": {"system": "api", "call": "GET /v1/decisions/{decision_id}", "request_id": "r-1"},
    }


@given(accesses())
def test_what_is_written_is_read_back(event: AccessEvent) -> None:
    entry = access_entry(event)
    assert is_canonical(entry)
    assert read_access(entry) == event
    assert access_entry(read_access(entry)) == entry


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subjects", (Subject("Jan Jansen"),)),
        ("subjects", (Subject("ZCC-2026-000123"),)),
        ("subjects", (Subject(),) * (SUBJECTS_MOST + 1)),
        ("event", "peek"),
        ("outcome", "perhaps"),
        ("purpose", "curiosity"),
        ("at", datetime(2026, 11, 18, 13)),
        ("criteria", {"facility": "Jan Jansen"}),
        ("criteria", {"Jan Jansen": None}),
        ("user", replace(NURSE, user="J. Jansen")),
        ("user", replace(NURSE, responsible="x" * 65)),
        ("user", replace(NURSE, organisation="two\nlines")),
        ("source", Source("telephone", None, None)),
        ("source", Source("api", "GET /v1/decisions?facility=jan&urgency=U1", None)),
        ("source", Source("api", None, "two words")),
    ],
)
def test_what_may_not_stand_in_the_log_cannot_be_made(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be recorded"):
        replace(EVENT, **{name: value})


@pytest.mark.parametrize("change", [{"version": 2}, {"action": "D"}, {"found": "1"}, {"note": "x"}, {"at": "then"}])
def test_an_entry_that_was_not_written_here_is_refused(change: dict[str, Any]) -> None:
    entry = canonical({**plain(access_entry(EVENT)), **change})
    with pytest.raises(BadRecord):
        read_access(entry)
    with pytest.raises(BadRecord):
        read_access(b"{}")


@pytest.mark.parametrize("given_id", ["u-77", "7", "urn:oid:2.16.528", "A" * 64, "123456780"])
def test_an_id_that_only_the_client_can_resolve_is_taken(given_id: str) -> None:
    assert opaque_id("Wegwijs-User", given_id) == given_id


@pytest.mark.parametrize(
    "given_id", ["", "Jan Jansen", "jan@umc.nl", "-u", "A" * 65, "ü", "u\n", "111222333", "123456782"]
)
def test_what_may_be_a_name_or_a_bsn_is_refused_and_not_repeated(given_id: str) -> None:
    with pytest.raises(BadInput) as caught:
        opaque_id("Wegwijs-User", given_id)
    (fault,) = caught.value.faults
    assert (fault.field, fault.value) == ("Wegwijs-User", None)
    assert not given_id or given_id not in fault.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("111222333", True), ("11122233-3", True), ("1112.22.333", True), ("10000008", True), ("000000000", False),
     ("111222334", False), ("1112223331", False), ("u111222333", False)],
)  # fmt: skip
def test_a_number_that_passes_the_test_of_eleven_may_be_a_bsn(text: str, expected: bool) -> None:
    assert looks_like_bsn(text) is expected


@given(st.integers(min_value=1, max_value=999_999_999))
def test_the_test_of_eleven_is_that_of_the_bsn(number: int) -> None:
    digits = f"{number:09}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 1, -1), strict=False)) - int(digits[8])
    assert looks_like_bsn(digits) is (total % 11 == 0)


@pytest.mark.parametrize(
    ("event", "role", "purpose"),
    [
        ("create", "triagist", "care"),
        ("read", "ambulance", "care"),
        ("read", "auditor", "control"),
        ("replay", "auditor", "control"),
        ("read_access_log", "auditor", "control"),
        ("erase", "medical_manager", "records"),
    ],
)
def test_why_somebody_looked_follows_from_the_event_and_the_role(event: str, role: str, purpose: str) -> None:
    assert purpose_of(event, frozenset({role})) == purpose


def test_every_event_and_purpose_can_be_told_in_both_languages() -> None:
    for text in (*(kind.text for kind in EVENTS.values()), *PURPOSES.values()):
        assert all(text.wire().values())
    assert {kind.action for kind in EVENTS.values()} <= set("CRUDE")
    assert {purpose_of(event, frozenset({role})) for event in EVENTS for role in ROLES} <= set(PURPOSES)
    assert OUTCOMES == ("ok", "refused", "failed")


def test_a_pseudonym_is_32_hexadecimal_digits() -> None:
    assert is_pseudonym("0123456789abcdef" * 2)
    assert not any(map(is_pseudonym, ("", "0" * 31, "0" * 33, "G" * 32, "0123456789ABCDEF" * 2, "0" * 32 + "\n")))
