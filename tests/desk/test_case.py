"""A new case without a script: kept while it is filled in, decided once, and never without what was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from routing import service
from routing.errors import StoreUnavailable
from routing.rights import Asker
from routing.service import World
from tests.desk.conftest import Person, csrf_in, name_of, words_of
from tests.desk.decided import asker_of
from tests.people import PASSWORD

STEMI = {
    "complaint": "pijn op de borst",
    "age": "67",
    "place": "3511",
    "channel": "zorgcoordinatie",
    "f.ecg_st_elevation": "yes",
}
SCRIPT = {"HX-Request": "true"}
AUDITOR = Asker("", "auditor", frozenset({"auditor"}))


def begun(who: Person) -> str:
    """The address of a new case."""
    address: str = who.get("/desk/cases/new").location
    return address


def decisions(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.search(world, AUDITOR, limit=200)["decisions"]
    return found


def test_a_case_is_decided_with_a_plain_form(world: World, triagist: Person) -> None:
    address = begun(triagist)
    before = len(decisions(world))
    assert triagist.post(address, {**STEMI, "do": "update"}).location == address
    page = words_of(triagist.get(address).text)
    assert "U1" in page
    assert "UMC Utrecht" in page
    assert len(decisions(world)) == before  # to look is not to decide
    made = triagist.post(address, {**STEMI, "do": "decide"})
    assert re.fullmatch(r"/desk/decisions/[0-9a-f-]{36}\?decided=1", made.location)
    assert len(decisions(world)) == before + 1
    assert decisions(world)[0]["urgency"] == "U1"


def test_sent_twice_it_is_decided_once_and_changed_it_is_decided_again(world: World, triagist: Person) -> None:
    address, before = begun(triagist), len(decisions(world))
    first, second = (triagist.post(address, {**STEMI, "do": "decide"}).location for _ in range(2))
    assert first == second
    assert len(decisions(world)) == before + 1
    other = triagist.post(address, {**STEMI, "age": "68", "do": "decide"}).location
    assert other != first
    assert len(decisions(world)) == before + 2
    newest, replaced = decisions(world)[:2]
    assert newest["supersedes"] == replaced["id"], "what a page of before decides is about the same case"
    assert triagist.post(address, {**STEMI, "age": "68", "do": "decide"}).location == other
    assert len(decisions(world)) == before + 2


def test_who_is_on_the_way_is_chosen_without_a_script_and_stands_there_again(world: World, triagist: Person) -> None:
    address = begun(triagist)
    page = triagist.get(address).text
    assert '<select id="on_the_way"' in page
    assert '<label for="heading_to">' in page
    going = {**STEMI, "transport": "ambulance", "heading_to": "umcg", "do": "update"}
    triagist.post(address, going)
    assert "De patiënt is op weg naar" in words_of(triagist.get(address).text), "said before anything is decided"
    made = triagist.post(address, {**going, "do": "decide"}).location
    decision = decisions(world)[0]["id"]
    assert decision in made
    again = triagist.get(f"/desk/cases/new?supersedes={decision}").location
    form = triagist.get(again).text
    assert '<option value="yes" selected>' in form
    assert (
        'name="heading_to" list="places" autocomplete="off" size="28" value="Universitair Medisch Centrum Groningen'
        in form
    )
    wrong = triagist.post(begun(triagist), {**STEMI, "heading_to": "nergens", "do": "decide"})
    assert wrong.status_code == 422
    assert "Kies een plek uit de lijst." in words_of(wrong.text)


def test_what_was_filled_in_survives_signing_out(app: Flask, triagist: Person) -> None:
    address = begun(triagist)
    triagist.post(address, {**STEMI, "do": "update"}, headers=SCRIPT)
    triagist.post("/desk/sign-out")
    assert triagist.get(address).location == f"/desk/sign-in?next={address}"
    back = triagist.client.post(
        "/desk/sign-in", data={"user": name_of("triagist"), "password": PASSWORD, "next": address}
    )
    assert back.location == address
    page = triagist.get(address).text
    assert 'value="67"' in page
    assert 'value="pijn op de borst"' in page
    assert "pijn op de borst" in triagist.get("/desk").text


def test_nobody_sees_what_somebody_else_fills_in(person: Callable[[str], Person], triagist: Person) -> None:
    address = begun(triagist)
    triagist.post(address, {**STEMI, "reference": "ZCC-1", "do": "update"})
    other = person("ambulance")
    assert "ZCC-1" not in other.get(address).text
    assert other.post(address, {"age": "1", "do": "update"}).status_code == 404
    assert "ZCC-1" in triagist.get(address).text


def test_what_is_missing_or_wrong_is_said_at_its_field_and_nothing_is_decided(world: World, triagist: Person) -> None:
    address, before = begun(triagist), len(decisions(world))
    empty = triagist.post(address, {"do": "decide"})
    assert empty.status_code == 422
    assert "Leeftijd is nodig" in words_of(empty.text)
    wrong = triagist.post(address, {**STEMI, "f.heart_rate": "900", "do": "decide"})
    assert wrong.status_code == 422
    assert "hartslag : Buiten de grenzen. Toegestaan: 0 - 350 /min." in words_of(wrong.text)
    assert 'value="900"' in wrong.text
    assert len(decisions(world)) == before


def test_what_follows_without_the_wrong_value_is_shown_and_said_to_be_without_it(triagist: Person) -> None:
    page = words_of(triagist.post(begun(triagist), {**STEMI, "f.heart_rate": "900"}, headers=SCRIPT).text)
    assert "U1" in page
    assert "Zonder wat niet klopt" in page


def test_a_finding_that_one_looks_for_is_there(triagist: Person) -> None:
    address = begun(triagist)
    triagist.post(address, {**STEMI, "find": "kramp in de kuit die niet bestaat", "do": "find"})
    looked = triagist.post(address, {**STEMI, "find": "stridor", "do": "find"})
    assert looked.location == address
    page = triagist.get(address).text
    assert re.search(r'name="f.stridor" value="yes"[^>]* checked', page)


def test_half_a_word_that_is_typed_is_not_looked_for(triagist: Person) -> None:
    parts = triagist.post(begun(triagist), {**STEMI, "find": "strid"}, headers=SCRIPT).text
    assert "kent Wegwijs niet" not in parts
    parts = triagist.post(begun(triagist), {**STEMI, "find": "stridd", "do": "find"}, headers=SCRIPT).text
    assert "kent Wegwijs niet" in parts


@pytest.mark.parametrize("headers", [{}, SCRIPT], ids=["no script", "script"])
def test_a_part_of_a_name_is_that_fact_and_of_several_they_are_named(triagist: Person, headers: dict[str, str]) -> None:
    address = begun(triagist)
    triagist.post(address, {**STEMI, "find": "nekst", "do": "find"}, headers=headers)
    assert re.search(r'name="f.neck_stiffness" value="yes"[^>]* checked', triagist.get(address).text)
    parts = words_of(triagist.post(address, {**STEMI, "find": "pijn", "do": "find"}, headers=headers).text)
    assert re.search(r"Ander gegeven : Wat bedoelt u: ([^;?]*pijn[^;?]*; ){4}[^;?]*pijn[^;?]* \(en nog \d+\)\?", parts)


def test_now_is_kept_as_the_minute_in_which_it_was_sent(triagist: Person) -> None:
    address = begun(triagist)
    triagist.post(address, {**STEMI, "called_at": "nu", "f.onset_at": "Nu", "do": "update"})
    page = triagist.get(address).text
    for name in ("called_at", "f.onset_at"):
        assert re.search(rf'name="{re.escape(name)}" value="[0-2][0-9]:[0-5][0-9]"', page), name


def test_the_norm_that_counts_from_the_first_contact_is_judged_with_what_is_filled_in(
    world: World, triagist: Person
) -> None:
    assert '<label for="first_contact_at">Eerste contact zorgverlener om</label>' in triagist.get(begun(triagist)).text

    def of_first_contact(**fields: str) -> tuple[dict[str, Any], str]:
        triagist.post(begun(triagist), {**STEMI, **fields, "do": "decide"})
        found = service.decision(world, decisions(world)[0]["id"], asker_of(world))
        norms = [norm for need in found["needs"] for norm in need["all_norms"]]
        names = {norm["norm"] for norm in norms if norm["clock_start"] == "first_contact_at"}
        return next(each for each in found["recommendation"]["norms"] if each["id"] in names), found["id"]

    norm, _ = of_first_contact()
    assert norm["clock_known"] is False
    norm, decision = of_first_contact(first_contact_at="nu")
    assert (norm["clock_known"], norm["verdict"]) == (True, "met")
    again = triagist.get(f"/desk/cases/new?supersedes={decision}").location
    assert re.search(r'name="first_contact_at" value="[0-9: -]{16}"', triagist.get(again).text)
    wrong = triagist.post(begun(triagist), {**STEMI, "first_contact_at": "straks"}, headers=SCRIPT).text
    assert re.search(r'id="wrong-first_contact_at"[^>]*><span class="wrong">Een tijd', wrong)
    assert "Eerste contact zorgverlener om</a>: Een tijd" in wrong


def test_swapped_blood_pressures_are_said_and_the_advice_does_without_both(triagist: Person) -> None:
    fields = {**STEMI, "f.systolic_bp": "60", "f.diastolic_bp": "110"}
    page = words_of(triagist.post(begun(triagist), fields, headers=SCRIPT).text)
    assert "De onderdruk is hoger dan de bovendruk; kijk of ze zijn verwisseld." in page
    assert "Zonder wat niet klopt" in page
    assert triagist.post(begun(triagist), {**fields, "do": "decide"}).status_code == 422


def test_a_question_that_nobody_could_answer_is_not_asked_again(triagist: Person) -> None:
    parts = triagist.post(begun(triagist), {**STEMI, "f.diaphoresis": "unknown"}, headers=SCRIPT).text
    still_open, known = parts.split('id="known"')
    assert "q-diaphoresis" not in still_open
    assert "q-diaphoresis" in known


def test_new_facts_go_on_from_an_earlier_decision_and_supersede_it(world: World, triagist: Person) -> None:
    made = triagist.post(begun(triagist), {**STEMI, "do": "decide"}).location
    decision_id = re.findall(r"[0-9a-f-]{36}", made)[0]
    address = triagist.get(f"/desk/cases/new?supersedes={decision_id}").location
    page = triagist.get(address).text
    assert 'value="67"' in page
    assert f'name="supersedes" value="{decision_id}"' in page
    fields = {**STEMI, "supersedes": decision_id, "f.systolic_bp": "80", "do": "decide"}
    later = re.findall(r"[0-9a-f-]{36}", triagist.post(address, fields).location)[0]
    assert next(each for each in decisions(world) if each["id"] == later)["supersedes"] == decision_id
    assert triagist.get("/desk/cases/new?supersedes=nothing").status_code == 404


@pytest.mark.parametrize(
    "name", ["complaint", "age", "place", "reference", "called_at", "find", "f.heart_rate", "region"]
)
def test_what_is_typed_is_shown_as_text_and_never_run(name: str, triagist: Person) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    address = begun(triagist)
    for response in (
        triagist.post(address, {**STEMI, name: evil, "do": "find"}, headers=SCRIPT),
        triagist.post(address, {**STEMI, name: evil, "do": "decide"}),
        triagist.get(address),
        triagist.get("/desk"),
    ):
        assert "<script>alert" not in response.text
        assert "<img src=x" not in response.text


def test_a_script_that_decides_is_sent_on_and_one_that_cannot_is_told_why(triagist: Person) -> None:
    address = begun(triagist)
    refused = triagist.post(address, {"do": "decide"}, headers=SCRIPT)
    assert "Er is nog niet besloten" in refused.text
    made = triagist.post(address, {**STEMI, "do": "decide"}, headers=SCRIPT)
    assert (made.status_code, made.headers["HX-Redirect"][:16]) == (204, "/desk/decisions/")


def test_without_a_database_nothing_is_decided_and_that_is_said(
    triagist: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun(triagist)

    def lost(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(service, "decide", lost)
    response = triagist.post(address, {**STEMI, "do": "decide"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "<h1>" in response.text
    monkeypatch.undo()
    assert 'value="67"' in triagist.get(address).text  # what was filled in is still there


def test_thrown_away_it_is_gone(triagist: Person) -> None:
    address = begun(triagist)
    triagist.post(address, {**STEMI, "reference": "WEG-1", "do": "update"})
    assert triagist.post(address, {"do": "discard"}).location == "/desk"
    assert "WEG-1" not in triagist.get(address).text
    script = triagist.post(begun(triagist), {"do": "discard"}, headers={"HX-Request": "true"})
    assert (script.status_code, script.headers["HX-Redirect"]) == (204, "/desk")


def test_the_fields_of_a_page_have_limits(triagist: Person) -> None:
    address = begun(triagist)
    huge = triagist.post(address, {"reference": "x" * 300_000})
    assert huge.status_code == 413
    assert csrf_in(triagist.get(address).text) == triagist.csrf
