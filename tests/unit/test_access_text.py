"""Accesses in words: a patient reads who looked, when, why and from where, in Dutch or English."""

from __future__ import annotations

from typing import Any

import pytest

from routing.access_text import ROLE_NAMES, accesses_text, patient_text
from routing.log.access import EVENTS, PURPOSES, access_record
from routing.rights import ROLES
from tests.unit.test_access import EVENT


def told(**changes: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-18T13:00:00+00:00",
        "event": "read",
        "outcome": "ok",
        "what": EVENTS["read"].text.wire(),
        "why": PURPOSES["care"].wire(),
        "organisation": "Meldkamer Utrecht",
        "roles": ["triagist"],
        "user": "u-77",
        "responsible": "dr-3",
        "decisions": [],
        **changes,
    }


def test_a_patient_reads_it_in_dutch_with_dutch_time() -> None:
    assert patient_text({"accesses": [told()], "next": None}, "nl").splitlines()[2:] == [
        "2026-11-18 14:00:00  Uw gegevens bekeken, voor uw zorg",
        "    Meldkamer Utrecht, triagist, door u-77, namens dr-3",
    ]


def test_a_patient_reads_what_is_not_known_and_what_was_refused_in_english() -> None:
    access = told(organisation=None, user=None, responsible=None, roles=["facility"], outcome="refused")
    assert patient_text({"accesses": [access], "next": "abc"}, "en").splitlines()[2:] == [
        "2026-11-18 14:00:00  Looked at your data (refused), for your care",
        "    organisation not known, staff of a place of care",
        "",
        "There is more: --cursor abc",
    ]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_patient_of_whom_nothing_is_recorded_reads_that(language: str) -> None:
    assert len(patient_text({"accesses": [], "next": None}, language).splitlines()) == 1


def test_every_role_has_a_name_for_patients() -> None:
    assert set(ROLE_NAMES) == set(ROLES)
    assert all(all(name.wire().values()) for name in ROLE_NAMES.values())


def test_who_keeps_watch_reads_a_line_each() -> None:
    access = access_record(EVENT)
    many = {**access, "subjects": access["subjects"] * 3, "found": 3, "event": "search"}
    nobody = {**access, "subjects": [], "user": dict.fromkeys(access["user"], None)}
    first, second, third = accesses_text({"accesses": [access, many, nobody], "next": None}).splitlines()
    assert first == (
        "2026-11-18 14:00:00  read               ok       u-77 (Meldkamer Utrecht) for dr-3; "
        "0123456789abcdef0123456789abcdef/00000000-0000-0000-0000-000000000003"
    )
    assert "3 found" in second
    assert second.endswith("and 2 more")
    assert third == "2026-11-18 14:00:00  read               ok       api"
