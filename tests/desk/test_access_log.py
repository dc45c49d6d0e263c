"""Who saw or did what, for whoever keeps watch, and for the patient: noted, and no reference in an address."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from api.desk import accesses
from routing import access_log
from routing.facilities.opening import TIME_ZONE
from routing.log.access import EVENTS, PURPOSES
from routing.rights import ROLES
from routing.service import World
from tests.desk.audited import EVIL, asked_by, decide, noted_once
from tests.desk.conftest import Person, name_of, words_of

People = Callable[[str], Person]

REFERENCE = "ZCC-2026-000777"
ADDRESSES = ("/desk/accesses", "/desk/accesses/patient", "/desk/accesses/export")


@pytest.fixture(scope="module")
def seen(world: World) -> str:
    """A decision about the patient of REFERENCE."""
    return decide(world, asked_by(world, f"Zorg {EVIL}"), reference=REFERENCE)


@pytest.fixture
def auditor(person: People) -> Person:
    return person("auditor")


def rows(page: str) -> int:
    """How many accesses a page lists."""
    return page.count("<tr>") - page.count("<thead><tr>")


def test_the_words_for_each_event_and_purpose_are_there() -> None:
    assert accesses.EVENT_WORDS.keys() == EVENTS.keys()
    assert accesses.PURPOSE_WORDS.keys() == PURPOSES.keys()
    assert accesses.WRONG.keys() >= {"since", "until", "event", "decision", "patient", "reference", "cursor", "user"}


def test_the_newest_accesses_are_listed_and_looking_is_one_of_them(auditor: Person, world: World, seen: str) -> None:
    with noted_once(world, "read_access_log", user=name_of("auditor")):
        page = auditor.get("/desk/accesses").text
    assert "advies gevraagd en vastgelegd" in page
    assert f"/desk/audit/{seen}" in page
    assert EVIL not in page
    assert "Zorg &lt;script&gt;" in page
    assert "toegangslog bekeken" in auditor.get("/desk/accesses").text


@pytest.mark.parametrize("name", ["decision", "reference", "patient", "user", "event"])
def test_accesses_are_found_by_what_was_asked(name: str, auditor: Person, world: World, seen: str) -> None:
    pseudonym = access_log.patient_of(world, REFERENCE)
    given = {"decision": seen, "reference": REFERENCE, "patient": pseudonym, "user": "zcc-099", "event": "create"}
    filters = {"user": name_of("auditor")}
    with noted_once(world, "read_access_log", **filters):
        page = auditor.post("/desk/accesses", {name: given[name]}).text
    assert f"/desk/audit/{seen}" in page
    assert "Niets past hierbij" not in page
    none = {"decision": seen[:-1] + ("0" if seen[-1] != "0" else "1"), "reference": "other", "patient": "0" * 32,
            "user": "nobody", "event": "prune_access_log"}  # fmt: skip
    assert "Niets past hierbij" in auditor.post("/desk/accesses", {name: none[name]}).text


def test_a_day_is_a_dutch_day_and_the_last_one_counts(auditor: Person, world: World, seen: str) -> None:
    today = world.clock().astimezone(TIME_ZONE).date().isoformat()
    assert (
        f"/desk/audit/{seen}" in auditor.post("/desk/accesses", {"decision": seen, "since": today, "until": today}).text
    )
    assert "Niets past hierbij" in auditor.post("/desk/accesses", {"decision": seen, "until": "2024-01-01"}).text


def test_what_cannot_be_searched_is_refused_in_words_and_not_repeated(auditor: Person) -> None:
    wrong: Mapping[str, str] = {
        "since": "Jansen", "until": "2026-02-30", "event": "Jansen", "decision": "Jansen", "patient": "Jansen",
    }  # fmt: skip
    for address in ("/desk/accesses", "/desk/accesses/export"):
        for name, value in wrong.items():
            refused = auditor.post(address, {name: value})
            assert refused.status_code == 422
            assert 'class="fault"' in refused.text
        both = auditor.post(address, {"patient": "0" * 32, "reference": "x"})
        assert (both.status_code, "niet allebei" in both.text) == (422, True)
    assert auditor.post("/desk/accesses", {"cursor": "nonsense"}).status_code == 422


def test_a_long_list_goes_on_without_a_reference_in_an_address(
    auditor: Person, world: World, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesses, "SHOWN", 2)
    decide(world, asked_by(world), reference=REFERENCE)
    for _ in range(3):
        access_log.patient_view(world, asked_by(world), REFERENCE)
    page = auditor.post("/desk/accesses", {"reference": REFERENCE}).text
    found = rows(page)
    while 'name="cursor"' in page:
        cursor = page.partition('name="cursor" value="')[2].partition('"')[0]
        page = auditor.post("/desk/accesses", {"reference": REFERENCE, "cursor": cursor}).text
        found += rows(page)
    assert found >= 6
    addresses = [part.partition('"')[0] for name in ('href="', 'action="') for part in page.split(name)[1:]]
    assert not [each for each in addresses if REFERENCE in each]


# -- the patient ------------------------------------------------------------------------------------------------------


def test_a_patient_reads_who_looked_when_why_and_from_where(auditor: Person, world: World, seen: str) -> None:
    with noted_once(world, "read_access_log", user=name_of("auditor")):
        page = auditor.post("/desk/accesses/patient", {"reference": REFERENCE}).text
    assert "Wie uw gegevens zag of veranderde" in page
    assert "Advies gevraagd en vastgelegd, voor uw zorg." in words_of(page)
    assert "door zcc-099" in words_of(page)
    assert EVIL not in page
    assert (
        "Er is niets vastgelegd onder dit kenmerk" in auditor.post("/desk/accesses/patient", {"reference": "no"}).text
    )
    assert auditor.post("/desk/accesses/patient", {"reference": " "}).status_code == 422
    assert auditor.post("/desk/accesses/patient", {"reference": "x", "cursor": "nonsense"}).status_code == 422


def test_nothing_of_another_patient_stands_in_the_view_of_one(auditor: Person, world: World, seen: str) -> None:
    asker = asked_by(world)
    other = decide(world, asker, reference="ZCC-other")
    page = auditor.post("/desk/accesses/patient", {"reference": "ZCC-other"}).text
    assert (page.count("<article>"), seen in page, other in page) == (1, False, False)


def test_a_long_overview_says_that_it_is_not_all(
    auditor: Person, world: World, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesses, "PATIENT_SHOWN", 1)
    decide(world, asked_by(world), reference=REFERENCE)
    page = auditor.post("/desk/accesses/patient", {"reference": REFERENCE}).text
    assert "Dit is niet alles" in page
    cursor = page.partition('name="cursor" value="')[2].partition('"')[0]
    assert "<article>" in auditor.post("/desk/accesses/patient", {"reference": REFERENCE, "cursor": cursor}).text


# -- taking it along, and who may -------------------------------------------------------------------------------------


def test_what_fits_is_taken_along_as_fhir(auditor: Person, world: World, seen: str) -> None:
    with noted_once(world, "export_access_log", user=name_of("auditor")):
        file = auditor.post("/desk/accesses/export", {"decision": seen, "event": "create"})
    assert file.headers["Content-Disposition"] == 'attachment; filename="accesses.ndjson"'
    lines: list[dict[str, Any]] = [json.loads(line) for line in file.text.splitlines()]
    assert [line["resourceType"] for line in lines] == ["AuditEvent"]


def test_no_other_role_sees_who_looked(person: People, world: World, seen: str) -> None:
    for role in set(ROLES) - {"auditor"}:
        who = person(role)
        with noted_once(world, "read_access_log", "refused", user=name_of(role)):
            assert who.get("/desk/accesses").status_code == 403
        for address in ADDRESSES:
            refused = who.post(address, {"reference": REFERENCE})
            assert (refused.status_code, "zcc-099" in refused.text) == (403, False)
