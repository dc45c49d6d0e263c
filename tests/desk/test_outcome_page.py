"""What people record at the desk: once, with what belongs to it, and with what is wrong beside the field."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from api.desk.moments import moment_of
from routing.facilities.opening import TIME_ZONE
from routing.rights import Asker
from routing.service import World
from tests.desk.conftest import Person, words_of
from tests.desk.decided import ADVISED, asker_of, decided, recorded

People = Callable[[str], Person]
OVERRIDE = {"what": "override", "by": "doctor", "reason": "clinician_order", "going": "meander-amersfoort"}


@pytest.fixture(scope="module")
def asker(world: World) -> Asker:
    return asker_of(world)


@pytest.fixture
def about(world: World, asker: Asker) -> str:
    """A decision of which nothing was recorded."""
    return decided(world, asker)


def sent(who: Person, about: str, form: dict[str, Any]) -> Any:
    return who.post(f"/desk/decisions/{about}/outcome", form)


def test_the_advice_is_followed_with_one_press(world: World, asker: Asker, about: str, triagist: Person) -> None:
    page = triagist.get(f"/desk/decisions/{about}?decided=1").text
    assert page.index("autofocus") > page.index('value="accept"')
    response = sent(triagist, about, {"what": "accept", "by": "triagist", "key": "one"})
    assert (response.status_code, response.location) == (303, f"/desk/decisions/{about}?recorded=accept#outcome")
    (found,) = recorded(world, about, asker)
    assert (found["outcome"], found["by"], found["destination"]) == ("accepted", "triagist", ADVISED)
    page = triagist.get(f"/desk/decisions/{about}").text
    assert "Advies gevolgd. Bestemming: UMC Utrecht." in words_of(page)
    assert 'value="accept"' not in page


def test_a_double_press_makes_one_outcome(world: World, asker: Asker, about: str, triagist: Person) -> None:
    form = {"what": "accept", "by": "triagist", "key": "twice"}
    for _ in range(2):
        assert sent(triagist, about, form).status_code == 303
    assert len(recorded(world, about, asker)) == 1


def test_presses_at_once_make_one_outcome(world: World, asker: Asker, about: str, app: Flask, triagist: Person) -> None:
    form = {"csrf": triagist.csrf, "what": "accept", "by": "triagist", "key": "at-once"}
    cookie: Any = triagist.client.get_cookie("wegwijs")

    def press(_: int) -> int:
        client = app.test_client()
        client.set_cookie("wegwijs", cookie.value)
        return client.post(f"/desk/decisions/{about}/outcome", data=form).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(press, range(8))) == {303}
    assert len(recorded(world, about, asker)) == 1


def test_a_form_that_was_sent_with_something_else_in_it_is_not_sent_again(
    world: World, asker: Asker, about: str, triagist: Person
) -> None:
    assert sent(triagist, about, {**OVERRIDE, "key": "again"}).status_code == 303
    response = sent(triagist, about, {**OVERRIDE, "going": ADVISED, "key": "again"})
    assert (response.status_code, "was al verstuurd" in response.text) == (409, True)
    assert len(recorded(world, about, asker)) == 1


def test_who_decides_otherwise_says_why_and_where(world: World, asker: Asker, about: str, triagist: Person) -> None:
    comment = "Partner ligt daar al."
    form = {**OVERRIDE, "reason": "context", "comment": f" {comment}\r\nTweede regel. ", "urgency": "U2"}
    assert sent(triagist, about, form).status_code == 303
    (found,) = recorded(world, about, asker)
    wanted = ("overridden", "context", "meander-amersfoort", "U2", f"{comment}\nTweede regel.")
    assert tuple(found[name] for name in ("outcome", "reason", "destination", "urgency", "comment")) == wanted
    seen = words_of(triagist.get(f"/desk/decisions/{about}").text)
    assert "Anders besloten. Bestemming: Meander Medisch Centrum, Amersfoort." in seen
    assert "Bel Meander Medisch Centrum, Amersfoort." in seen


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("Meander Medisch Centrum, Amersfoort", "meander-amersfoort"),
        ("meander medisch centrum, amersfoort", "meander-amersfoort"),
        ("UMC Utrecht", ADVISED),
        ("Elkerliek", "elkerliek-helmond"),
        ("meander medisch", "meander-amersfoort"),
    ],
)
def test_a_place_is_taken_by_its_name_or_a_part_that_only_it_has(
    world: World, asker: Asker, about: str, triagist: Person, typed: str, place: str
) -> None:
    assert sent(triagist, about, {**OVERRIDE, "going": "other", "place": typed}).status_code == 303
    assert recorded(world, about, asker)[0]["destination"] == place


def test_a_place_is_never_guessed(world: World, asker: Asker, about: str, triagist: Person) -> None:
    for typed in ("amersfoort", "Amersfoort"):
        response = sent(triagist, about, {**OVERRIDE, "going": "other", "place": typed})
        assert response.status_code == 422
        assert f"Welke plek bedoelt u met “{typed}”?" in response.text
        assert 'value="meander-amersfoort"> Meander' in response.text
    response = sent(triagist, about, {**OVERRIDE, "going": "other", "place": "Hogwarts"})
    assert "Wij kennen deze plek niet" in response.text
    assert recorded(world, about, asker) == []


def test_a_patient_may_go_to_no_place_of_ours(world: World, asker: Asker, about: str, triagist: Person) -> None:
    assert sent(triagist, about, {**OVERRIDE, "going": "none"}).status_code == 303
    assert recorded(world, about, asker)[0]["destination"] is None


@pytest.mark.parametrize(
    ("form", "said", "field"),
    [
        ({**OVERRIDE, "reason": ""}, "Kies een reden.", "override-reason"),
        ({**OVERRIDE, "reason": "mood"}, "Kies een reden.", "override-reason"),
        ({**OVERRIDE, "reason": "context"}, "hoort een toelichting", "override-comment"),
        ({**OVERRIDE, "comment": "x" * 501}, "Hoogstens 500 tekens", "override-comment"),
        ({**OVERRIDE, "by": "triagist"}, "voor een verpleegkundige", "override-by"),
        ({**OVERRIDE, "by": "triagist"}, "kies die bij ‘besloten door’", "override-reason"),
        ({**OVERRIDE, "by": ""}, "Kies wie dit besloot.", "override-by"),
        ({**OVERRIDE, "going": ""}, "Kies waar de patiënt heen gaat.", "override-going"),
        ({**OVERRIDE, "going": "nowhere"}, "kennen wij niet", "override-going"),
        ({**OVERRIDE, "urgency": "U9"}, "Kies een urgentie", "override-urgency"),
        ({"what": "accept", "by": "mayor"}, "Kies wie dit besloot.", "accept-by"),
        ({"what": "confirmed", "facility": "meander-amersfoort"}, "was niet geadviseerd", "confirmed-facility"),
        ({"what": "refused", "facility": ADVISED, "reason": "other"}, "toelichting", "refused-comment"),
        ({"what": "arrived", "facility": ADVISED, "at": ""}, "hoe laat", "arrived-at"),
        ({"what": "arrived", "facility": ADVISED, "at": "2999-01-01T10:00"}, "moet nog komen", "arrived-at"),
        ({"what": "arrived", "facility": ADVISED, "at": "2001-01-01T10:00"}, "vóór het besluit", "arrived-at"),
        ({"what": "cancelled", "by": "doctor"}, "Kies een reden.", "cancelled-reason"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    world: World, asker: Asker, about: str, triagist: Person, form: dict[str, str], said: str, field: str
) -> None:
    response = sent(triagist, about, form)
    assert response.status_code == 422
    _, _, after = response.text.partition(f'id="fault-{field}">')
    assert said in after.partition("</p>")[0]
    assert f'aria-describedby="fault-{field}"' in response.text
    assert recorded(world, about, asker) == []
    if "comment" in form:
        assert f">{form['comment']}</textarea>" in response.text


def test_who_may_give_a_reason_stands_beside_it_before_it_is_sent(world: World, about: str, triagist: Person) -> None:
    page = triagist.get(f"/desk/decisions/{about}").text
    for code, reason in world.words.override_reasons.items():
        _, _, after = page.partition(f'name="reason" value="{code}"')
        said = words_of(after.partition("</li>")[0])
        assert ("alleen verpleegkundige, ambulanceprofessional of arts" in said) == reason.clinician, code


def test_all_that_is_wrong_is_said_at_once(about: str, triagist: Person) -> None:
    page = sent(triagist, about, {"what": "override", "by": "", "going": "other", "place": "amersfoort"}).text
    assert "Welke plek bedoelt u met “amersfoort”?" in page
    assert "Kies wie dit besloot." in page
    page = sent(triagist, about, {"what": "override", "by": "triagist"}).text
    assert "Kies een reden." in page
    assert "Kies waar de patiënt heen gaat." in page


def test_of_two_places_none_is_guessed(world: World, asker: Asker, about: str, triagist: Person) -> None:
    response = sent(triagist, about, {**OVERRIDE, "place": "UMC Utrecht"})
    assert (response.status_code, "Laat er een staan" in response.text) == (422, True)
    now = world.clock().astimezone(TIME_ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    form = {"what": "arrived", "facility": ADVISED, "place": "Meander Medisch Centrum, Amersfoort", "at": now}
    assert sent(triagist, about, form).status_code == 303
    (found,) = recorded(world, about, asker)
    assert found["facility"] == "meander-amersfoort"  # what was typed, not what stood in the list already


def test_nobody_is_told_to_call_a_place_where_nobody_goes(about: str, triagist: Person) -> None:
    def said() -> str:
        return words_of(triagist.get(f"/desk/decisions/{about}").text)

    assert "Bel UMC Utrecht." in said()
    assert sent(triagist, about, {**OVERRIDE, "going": "none"}).status_code == 303
    assert "De patiënt gaat niet naar een plek uit de gegevens." in said()
    assert sent(triagist, about, {"what": "cancelled", "by": "doctor", "reason": "died"}).status_code == 303
    assert "bel dan af" in said()
    assert "☎ Bel" not in said()


def test_what_is_no_form_of_ours_is_refused_in_words(about: str, triagist: Person) -> None:
    for form in ({}, {"what": "sold"}, {"what": "withdrawn", "corrects": "x"}):
        response = sent(triagist, about, form)
        assert response.status_code == 422
        assert '<p class="fault"' in response.text


def test_what_is_typed_into_a_form_becomes_no_part_of_the_page(about: str, triagist: Person) -> None:
    evil = '"></textarea><script>alert(1)</script>'
    for name in ("comment", "place", "by", "reason", "going", "urgency", "facility", "at", "corrects", "what", "key"):
        for what in ("override", "refused", "arrived", "cancelled", "withdrawn"):
            response = sent(triagist, about, {"what": what, "going": "other", name: evil})
            assert response.status_code == 422, (what, name)
            assert "<script>alert" not in response.text


def test_the_way_of_a_patient_is_recorded_step_by_step(
    world: World, asker: Asker, about: str, triagist: Person
) -> None:
    now = world.clock().astimezone(TIME_ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    for form in (
        {"what": "accept", "by": "triagist"},
        {"what": "confirmed", "facility": ADVISED},
        {"what": "arrived", "facility": ADVISED, "at": now},
    ):
        assert sent(triagist, about, form).status_code == 303, form
    assert [each["event"] for each in recorded(world, about, asker)] == ["arrived", "confirmed", "decided"]
    response = sent(triagist, about, {"what": "cancelled", "by": "doctor", "reason": "died"})
    assert (response.status_code, "Trek dat eerst in" in response.text) == (422, True)


def test_nothing_is_deleted_only_taken_back(world: World, asker: Asker, about: str, triagist: Person) -> None:
    assert sent(triagist, about, {"what": "accept", "by": "triagist"}).status_code == 303
    (first,) = recorded(world, about, asker)
    assert sent(triagist, about, {"what": "withdrawn", "corrects": first["id"]}).status_code == 303
    page = triagist.get(f"/desk/decisions/{about}").text
    seen = words_of(page)
    assert "Advies gevolgd. Bestemming: UMC Utrecht. ingetrokken" in seen
    assert 'value="accept"' in page  # and so one can decide again
    assert len(recorded(world, about, asker)) == 2
    assert "ingetrokken" in words_of(triagist.get(f"/desk/decisions/{about}/timeline").text)


def test_a_refusal_asks_for_another_place(world: World, asker: Asker, about: str, triagist: Person) -> None:
    assert sent(triagist, about, {"what": "refused", "facility": ADVISED, "reason": "full"}).status_code == 303
    seen = words_of(triagist.get(f"/desk/decisions/{about}").text)
    assert "UMC Utrecht neemt de patiënt niet. Reden: vol." in seen
    assert "De bestemming is vervallen. Kies een andere plek" in seen


# -- the place itself -------------------------------------------------------------------------------------------------


def test_a_place_answers_without_seeing_the_case(world: World, asker: Asker, about: str, person: People) -> None:
    place = person("facility")
    assert place.get(f"/desk/decisions/{about}").status_code == 403
    page = place.get(f"/desk/reception?decision={about}").text
    assert "Wij verwachten de patiënt" in page
    assert not any(word in words_of(page) for word in ("U1", "STEMI", "67", "ZCC-2026"))
    response = sent(place, about, {"what": "confirmed", "facility": ADVISED, "key": "p"})
    assert response.location == f"/desk/reception?decision={about}&recorded=confirmed"
    assert "Vastgelegd." in place.get(response.location).text
    (found,) = recorded(world, about, asker)
    assert (found["event"], found["told_by"]) == ("confirmed", "place")


def test_a_place_learns_nothing_of_patients_of_others(world: World, asker: Asker, person: People) -> None:
    place = person("facility")
    throat = {"patient": {"age_years": 24}, "location": {"postcode": "9712"}, "observations": {"sore_throat": True}}
    other = decided(world, asker, throat)
    gone = "01a20243-0ea7-74bb-b786-680850fd5d6a"
    pages = [
        sent(place, each, {"what": "confirmed", "facility": ADVISED}).text.replace(each, "ID") for each in (other, gone)
    ]
    said = [words_of(page).rpartition("Verzoek")[0] for page in pages]
    assert said[0] == said[1]
    assert "Dit bestaat niet" in said[0]
    forms = [words_of(place.get(f"/desk/reception?decision={each}").text) for each in (other, gone)]
    assert forms[0] == forms[1]


def test_a_place_records_only_what_is_its_own(world: World, asker: Asker, about: str, person: People) -> None:
    place = person("facility")
    for form in ({"what": "accept", "by": "doctor"}, OVERRIDE, {"what": "cancelled", "by": "doctor", "reason": "died"}):
        assert sent(place, about, form).status_code == 403
    assert sent(place, about, {"what": "confirmed", "facility": "meander-amersfoort"}).status_code == 403
    faulty = sent(place, about, {"what": "refused", "facility": ADVISED, "reason": "other"})
    assert (faulty.status_code, "hoort een toelichting" in faulty.text) == (422, True)
    assert "U1" not in words_of(faulty.text)
    assert recorded(world, about, asker) == []


def test_what_is_no_number_of_a_pre_alert_is_said(person: People) -> None:
    place = person("facility")
    for given in ("12345", "<b>", "x" * 500):
        response = place.get("/desk/reception", query_string={"decision": given})
        assert (response.status_code, "geen nummer van een voormelding" in response.text) == (422, True)
    assert "Wat wilt u zeggen?" not in place.get("/desk/reception").text


# -- the clock on the wall --------------------------------------------------------------------------------------------


def test_a_time_is_read_by_the_clock_on_the_wall() -> None:
    now = datetime(2026, 7, 1, 12, 0, tzinfo=TIME_ZONE)
    assert moment_of("2026-07-01T11:30", now) == now - timedelta(minutes=30)
    assert [moment_of(each, now) for each in ("", "11:30", "x", "2026-07-01T11:30Z")] == [None] * 4


@pytest.mark.parametrize(("hour", "ago"), [(0, 30), (1, 30)])
def test_in_the_hour_that_comes_twice_the_time_is_the_last_that_has_passed(hour: int, ago: int) -> None:
    now = datetime.fromisoformat("2026-10-25T02:00:00+02:00") + timedelta(hours=hour, minutes=40)
    found = moment_of("2026-10-25T02:10", now)
    assert found is not None
    assert now - found == timedelta(minutes=ago)
