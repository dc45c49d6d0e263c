"""The page of a decision: all of the answer, in words, for who may read it and nobody else."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from api.desk import evidence
from routing import outcomes, service
from routing.erasure import erase
from routing.facilities.opening import TIME_ZONE
from routing.rights import Asker
from routing.service import World
from routing.store import database
from routing.webhooks.shown import ADVICE
from tests.desk.conftest import Person, words_of
from tests.desk.decided import ADVISED, ANEURYSM, CASE, CRASH, asker_of, decided, recorded

People = Callable[[str], Person]
NOT_THERE = "01a20243-0ea7-74bb-b786-680850fd5d6a"


@pytest.fixture(scope="module")
def asker(world: World) -> Asker:
    return asker_of(world)


@pytest.fixture(scope="module")
def stemi(world: World, asker: Asker) -> str:
    """A decision of which nothing was recorded."""
    return decided(world, asker)


def accesses_about(world: World, decision_id: str, auditor: Asker) -> list[tuple[str, str]]:
    """Event and outcome of everything that was noted of a decision, the newest first."""
    from routing.access_log import accesses

    found = accesses(world, auditor, decision=decision_id, limit=200)["accesses"]
    return [(each["event"], each["outcome"]) for each in found if each["event"] != "read_access_log"]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_whole_answer_stands_on_the_page(
    world: World, asker: Asker, stemi: str, triagist: Person, language: str
) -> None:
    triagist.client.set_cookie("wegwijs-language", language, path="/desk")
    seen = words_of(triagist.get(f"/desk/decisions/{stemi}?why_not=a").text)
    decision = service.decision(world, stemi, asker)
    best = decision["recommendation"]
    reasons = [
        *decision["urgency"]["reasons"],
        *decision["warnings"],
        *decision["dispatch"]["reasons"],
        *decision["confidence"]["because"],
        *(
            reason
            for part in ("conditions", "needs", "alternatives")
            for each in decision[part]
            for reason in each["reasons"]
        ),
        *best["reasons"],
    ]
    assert len(reasons) > 20
    for reason in reasons:
        assert reason["text"][language] in seen
        assert reason["rule"] in seen
    for question in decision["open_questions"]:
        assert question["question"][language] in seen
    for place in (best, *decision["alternatives"]):
        assert place["facility"]["name"] in seen
        assert f"{place['travel']['minutes']} min" in seen
        assert f"({place['travel']['low']}–{place['travel']['high']})" in seen
    for piece in (stemi, decision["provenance"]["ruleset"]["digest"], decision["provenance"]["travel"], "U1", "A1"):
        assert piece in seen


def test_what_is_not_known_is_said_to_be_unknown(triagist: Person, stemi: str) -> None:
    seen = words_of(triagist.get(f"/desk/decisions/{stemi}").text)
    assert "wanneer de klok begon is onbekend (het eerste contact met een zorgverlener)" in seen
    assert "stop: onbekend (niets gemeld)" in seen
    assert "telefoonnummer niet bekend" in seen
    assert "Wat hier niet staat, is niet ingevuld en dus onbekend." in seen


def test_a_clock_says_the_moment_at_which_it_ends(world: World, asker: Asker, triagist: Person) -> None:
    called = world.clock() - timedelta(minutes=20)
    about = decided(world, asker, called_at=called.isoformat())
    page = triagist.get(f"/desk/decisions/{about}").text
    assert f'data-ends-at="{(called + timedelta(minutes=75)).isoformat()}"' in html.unescape(page)


def test_no_clock_runs_for_who_has_arrived(world: World, asker: Asker, triagist: Person) -> None:
    about = decided(world, asker)
    arrived = {"event": "arrived", "facility": ADVISED, "at": world.clock().isoformat()}
    outcomes.record_outcome(world, about, arrived, asker)
    page = triagist.get(f"/desk/decisions/{about}").text
    assert "data-ends-at" not in page
    assert "Aangekomen bij UMC Utrecht" in words_of(page)


def test_a_look_at_a_decision_is_noted_once(world: World, asker: Asker, triagist: Person) -> None:
    about = decided(world, asker)
    auditor = replace(asker, roles=frozenset({"auditor"}))
    for path in ("", "/handover", "/timeline", "?why_not=utrecht"):
        before = accesses_about(world, about, auditor)
        assert triagist.get(f"/desk/decisions/{about}{path}").status_code == 200
        assert accesses_about(world, about, auditor) == [("read", "ok"), *before]
    before = accesses_about(world, about, auditor)
    form = {"what": "accept", "by": "triagist", "key": "k1"}
    assert triagist.post(f"/desk/decisions/{about}/outcome", form).status_code == 303
    assert accesses_about(world, about, auditor) == [("correct", "ok"), *before]


def test_a_decision_that_is_not_there_is_said_so(triagist: Person) -> None:
    for given in (NOT_THERE, "none", "<script>", NOT_THERE.upper(), "0" * 300):
        for path in ("", "/handover", "/timeline"):
            response = triagist.get(f"/desk/decisions/{given}{path}")
            assert (response.status_code, "Dit bestaat niet" in response.text) == (404, True), (given, path)
        response = triagist.post(f"/desk/decisions/{given}/outcome", {"what": "accept", "by": "triagist"})
        assert response.status_code == 404, given


def test_a_decision_that_was_erased_says_so_and_takes_nothing_more(
    world: World, asker: Asker, triagist: Person
) -> None:
    about = decided(world, asker)
    erase(world, [about], "test_data", Asker("", "operator", frozenset({"operator"})))
    for path in ("", "/handover"):
        response = triagist.get(f"/desk/decisions/{about}{path}")
        assert (response.status_code, "Dit is gewist" in response.text) == (410, True)
    assert triagist.post(f"/desk/decisions/{about}/outcome", {"what": "accept", "by": "triagist"}).status_code == 410
    assert "Gewist" in words_of(triagist.get(f"/desk/decisions/{about}/timeline").text)


def test_who_looks_at_old_advice_is_led_to_the_new(world: World, asker: Asker, triagist: Person) -> None:
    old = decided(world, asker)
    new = decided(world, asker, supersedes=old)
    page = triagist.get(f"/desk/decisions/{old}").text
    assert "Er is een nieuwer advies" in page
    assert f'href="/desk/decisions/{new}"' in page
    assert 'value="accept"' not in page
    newer = triagist.get(f"/desk/decisions/{new}").text
    assert "Er is een nieuwer advies" not in newer
    assert f'href="/desk/decisions/{old}"' in newer
    steps = words_of(triagist.get(f"/desk/decisions/{old}/timeline").text)
    assert steps.count("UMC Utrecht") == 2


def test_that_the_place_must_be_called_is_said(triagist: Person, stemi: str) -> None:
    seen = words_of(triagist.get(f"/desk/decisions/{stemi}").text)
    assert f"Bel UMC Utrecht. {ADVICE['none'].nl}" in seen


def test_why_not_there_is_answered_for_every_place(world: World, asker: Asker, triagist: Person, stemi: str) -> None:
    decision = service.decision(world, stemi, asker)
    for place in decision["ruled_out"][::60]:
        response = triagist.get(f"/desk/decisions/{stemi}", query_string={"why_not": place["facility"]["name"]})
        seen = words_of(response.text)
        for reason in place["failed"]:
            assert reason["text"]["nl"] in seen, place["facility"]
        for change in place["would_change"]:
            assert change["nl"] in seen
    assert "Geen plek gevonden met “xyzzy”" in words_of(triagist.get(f"/desk/decisions/{stemi}?why_not=xyzzy").text)
    assert "komt wel in aanmerking: plaats 1" in words_of(triagist.get(f"/desk/decisions/{stemi}?why_not=umc utr").text)


def test_who_typed_no_place_sees_only_those_that_fail_in_one_thing(
    world: World, asker: Asker, triagist: Person
) -> None:
    stroke = {**CASE, "complaint": "neurological_deficit", "observations": {"facial_droop": True}}
    for case, said in ((CASE, "Dichterbij, en bijna geschikt: Diakonessenhuis"), (stroke, None)):
        about = service.decide(world, case, asker)
        seen = words_of(triagist.get(f"/desk/decisions/{about['id']}").text).partition("Waarom niet daarheen?")[2]
        near = about["recommendation"]["travel"]["minutes"]
        nearly = [place for place in about["ruled_out"] if len(place["failed"]) == 1]
        assert any(place["travel"]["minutes"] < near for place in nearly) is (said is not None)
        assert ("Dichterbij, en bijna geschikt:" in seen) is (said is not None)
        assert said is None or said in seen


def test_what_rules_concluded_is_not_shown_as_an_answer_that_somebody_gave(triagist: Person, stemi: str) -> None:
    seen = words_of(triagist.get(f"/desk/decisions/{stemi}").text)
    assert "hartinfarct met ST-elevatie (STEMI) ja, volgens de regels" in seen
    assert "comfortzorg op de plek waar de patiënt is nee, volgens de regels" in seen


@pytest.mark.parametrize("case", [CASE, CRASH], ids=["stemi", "crash"])
def test_to_show_a_decision_only_the_rules_that_decide_are_read(
    world: World, asker: Asker, triagist: Person, monkeypatch: pytest.MonkeyPatch, case: dict[str, object]
) -> None:
    # to read all that are installed takes seconds, and the first to look would wait for that
    monkeypatch.setattr(evidence, "installed_rulesets", lambda _: pytest.fail("all rules were read"))
    about = decided(world, asker, case)
    for path in ("", "/handover", "/timeline", "/map"):
        assert triagist.get(f"/desk/decisions/{about}{path}").status_code == 200


def test_a_moment_of_another_day_is_shown_with_its_day(world: World, asker: Asker, triagist: Person) -> None:
    for hours, written in ((1, "%H:%M"), (40, "%d-%m-%Y %H:%M")):
        began = world.clock() - timedelta(hours=hours)
        about = decided(world, asker, {**CASE, "observations": {**CASE["observations"], "onset_at": began.isoformat()}})
        seen = words_of(triagist.get(f"/desk/decisions/{about}").text)
        on_the_wall = began.astimezone(TIME_ZONE)
        today = on_the_wall.date() == world.clock().astimezone(TIME_ZONE).date()
        shown = on_the_wall.strftime(written if today is (hours == 1) else "%d-%m-%Y %H:%M")
        assert f"begin van de klachten {shown}" in seen


def test_a_script_gets_only_the_part_that_it_asked_for(triagist: Person, stemi: str) -> None:
    script = {"HX-Request": "true", "HX-Target": "why-not-found"}
    page = triagist.get(f"/desk/decisions/{stemi}?why_not=amersfoort", headers=script).text
    assert "Meander" in page
    assert "<html" not in page


def test_nothing_that_was_typed_becomes_part_of_the_page(triagist: Person, stemi: str) -> None:
    evil = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>"
    for path in (f"/desk/decisions/{stemi}?why_not=", "/desk/cases?place=", "/desk/cases?rule=", "/desk/cases?since="):
        page = triagist.get(path.partition("?")[0], query_string={path.partition("?")[2].rstrip("="): evil}).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_what_a_system_sent_along_becomes_no_part_of_the_page(world: World, asker: Asker, triagist: Person) -> None:
    evil = "<script>alert(1)</script>"
    about = decided(world, asker, reference=evil, note=evil)
    comment = {"outcome": "overridden", "by": "doctor", "reason": "context", "comment": evil, "destination": None}
    outcomes.record_outcome(world, about, comment, asker)
    for path in ("", "/handover", "/timeline"):
        page = triagist.get(f"/desk/decisions/{about}{path}").text
        assert evil not in page
    assert html.escape(evil) in triagist.get(f"/desk/decisions/{about}").text


def test_an_auditor_reads_and_records_nothing(person: People, world: World, asker: Asker, stemi: str) -> None:
    auditor = person("auditor")
    page = auditor.get(f"/desk/decisions/{stemi}").text
    assert 'value="accept"' not in page
    assert "Nieuwe gegevens" not in page
    response = auditor.post(f"/desk/decisions/{stemi}/outcome", {"what": "accept", "by": "triagist"})
    assert response.status_code == 403
    assert recorded(world, stemi, asker) == []


def test_nothing_of_a_patient_stands_in_title_or_address(triagist: Person, stemi: str) -> None:
    page = triagist.get(f"/desk/decisions/{stemi}").text
    assert "<title>Advies · Wegwijs</title>" in page
    assert CASE["reference"] in page
    assert not any(
        CASE["reference"] in part for part in page.split('href="')[1:] if CASE["reference"] in part.split('"')[0]
    )


def test_a_lost_database_is_said_and_shows_nothing(
    world: World, triagist: Person, stemi: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise service.StoreUnavailable("the database does not answer")

    monkeypatch.setattr(database, "writing", lost)
    for path in (f"/desk/decisions/{stemi}", f"/desk/decisions/{stemi}/timeline", "/desk/cases"):
        response = triagist.get(path)
        assert response.status_code == 503, path
        assert "UMC Utrecht" not in response.text
    response = triagist.post(f"/desk/decisions/{stemi}/outcome", {"what": "accept", "by": "triagist"})
    assert response.status_code == 503


# -- the sheet --------------------------------------------------------------------------------------------------------


def test_the_sheet_says_what_is_known_and_leaves_room_for_what_is_not(triagist: Person, stemi: str) -> None:
    seen = words_of(triagist.get(f"/desk/decisions/{stemi}/handover").text)
    for piece in (
        "S Situatie",
        "B Achtergrond",
        "A Beoordeling",
        "R Advies",
        stemi,
        "acute-nl 1.",
        "67 jaar",
        "112 /min",
    ):
        assert piece in seen
    for piece in (
        "Demo, niet door artsen vastgesteld",
        "Naam (Wegwijs vraagt die nooit)",
        "Geboortedatum",
        "UMC Utrecht",
    ):
        assert piece in seen
    assert "gebruikt bloedverdunners (antistolling) ; diabetes" in seen
    assert "Nee op: flauwgevallen of kort weggeraakt" in seen
    assert "Wat gebeurde er" not in seen


def test_after_an_accident_the_sheet_says_what_happened_and_what_is_hurt(
    world: World, asker: Asker, triagist: Person
) -> None:
    about = decided(world, asker, CRASH)
    seen = words_of(triagist.get(f"/desk/decisions/{about}/handover").text)
    happened, _, rest = seen.partition("I Letsel")
    assert "zit of zat bekneld" in happened.partition("M Wat gebeurde er")[2]
    assert "mogelijk bekkenbreuk" in rest.partition("S Gemeten")[0]
    assert "134 /min" in rest


def test_everything_that_was_filled_in_stands_on_the_sheet(world: World, asker: Asker, triagist: Person) -> None:
    about = decided(world, asker, CRASH)
    seen = words_of(triagist.get(f"/desk/decisions/{about}/handover").text)
    for fact in CRASH["observations"]:
        if fact != "trauma":  # the accident itself, of which the rest is told
            assert world.words.facts[fact].label.nl in seen, fact


def test_that_no_place_is_sure_to_have_what_is_needed_stands_on_the_sheet(
    world: World, asker: Asker, triagist: Person
) -> None:
    about = decided(world, asker, ANEURYSM)
    seen = words_of(triagist.get(f"/desk/decisions/{about}/handover").text)
    assert "Van geen plek die voldoet is zeker dat zij dit heeft: vaatchirurgie, dag en nacht. Bel eerst." in seen
    assert "Zekerheid van het advies: bel eerst" in seen
    assert "niet te veel vocht geven" in seen


def test_that_the_advice_is_elsewhere_than_where_the_patient_is_heading_stands_on_the_sheet(
    world: World, asker: Asker, triagist: Person
) -> None:
    for heading_to, turning in (("umcg", "minuten korter"), ("diakonessenhuis-utrecht", "omkeren kost")):
        about = decided(world, asker, CRASH, on_the_way={"heading_to": heading_to})
        decision = service.decision(world, about, asker)
        seen = words_of(triagist.get(f"/desk/decisions/{about}/handover").text)
        assert turning in seen
        assert "al onderweg: naar" in seen
        assert "Al onderweg: de reistijd telt vanaf waar de patiënt nu is." in seen
        for warning in decision["warnings"]:
            assert (warning["text"]["nl"] in seen) == (not warning["rule"].endswith("pending_rules")), warning["rule"]


def test_how_certain_the_advice_was_is_said_of_its_own_place_where_somebody_decided_otherwise(
    world: World, asker: Asker, triagist: Person
) -> None:
    about = decided(world, asker, ANEURYSM)
    best = service.decision(world, about, asker)["recommendation"]["facility"]["name"]
    body = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}
    outcomes.record_outcome(world, about, body, asker)
    seen = words_of(triagist.get(f"/desk/decisions/{about}/handover").text)
    assert f"Zekerheid van het advies ({best}" in seen


# -- how the patient travels ------------------------------------------------------------------------------------------


def test_the_minutes_from_the_call_to_the_arrival_stand_on_the_page(
    world: World, asker: Asker, triagist: Person
) -> None:
    about = decided(world, asker)
    decision = service.decision(world, about, asker)
    (clock,) = decision["recommendation"]["clocks"]
    seen = words_of(triagist.get(f"/desk/decisions/{about}").text)
    assert f"melding → aankomst: {clock['minutes']} min ({clock['low']}–{clock['high']})" in seen
    assert "Vóór het rijden (ambulance): 20 min ter plaatse." in seen


def test_who_is_on_the_way_and_the_medical_teams_stand_on_the_page(
    world: World, asker: Asker, triagist: Person
) -> None:
    way = {"since": (world.clock() - timedelta(minutes=3)).isoformat(), "heading": 12.5, "heading_to": "umcg"}
    about = decided(world, asker, CRASH, on_the_way=way)
    seen = words_of(triagist.get(f"/desk/decisions/{about}").text)
    assert "Al onderweg: de reistijd telt vanaf waar de patiënt nu is." in seen
    assert "koers 12.5 graden" in seen
    assert "De patiënt is op weg naar Universitair Medisch Centrum Groningen" in seen
    teams = service.decision(world, about, asker)["mmt"]["teams"]
    assert len(teams) == 4
    assert all(team["station"]["name"] in seen for team in teams)
    assert "Of een team vrij is en of er gevlogen kan worden, is hier niet bekend." in seen
