"""A place: what is known of it and what is not; and a form by which only who speaks for it reports what goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from routing import places
from routing.facilities.opening import TIME_ZONE
from routing.rights import ROLES
from routing.service import World
from tests.desk.conftest import OWN, Person, words_of
from tests.desk.places import OPERATOR, report

People = Callable[[str], Person]

PATH = f"/desk/places/{OWN}"


def now_of(world: World, place: str = OWN) -> dict[str, Any]:
    """What is known of a place now: subject -> value."""
    found = places.facility_status(world, place)["status"]
    return {f"{each['unit']}/{each['kind']}": each for each in found}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_place_can_do_is_said_and_so_is_what_nobody_knows(role: str, person: People) -> None:
    said = words_of(person(role).get(PATH).text)
    assert "Wat deze plek kan" in said
    assert "niet nagekeken" in said
    assert "Niet bekend: bel eerst" in said
    assert "Geen telefoonnummers bekend" in said


def test_hours_are_said_in_words_and_unknown_hours_to_be_unknown(triagist: Person) -> None:
    assert "ma–vr 17:00–23:00; za, zo, feestdag 08:00–23:00" in words_of(
        triagist.get("/desk/places/hap-arnhem-zuid").text
    )
    unknown = words_of(triagist.get("/desk/places/gelre-zutphen").text)
    assert "niet bekend: bel eerst" in unknown
    assert "Volgens de openingstijden: niet bekend" in unknown


def test_telephone_numbers_can_be_called(world: World, triagist: Person) -> None:
    known = places.facility(world, "umcg")
    profile = {key: value for key, value in known.items() if key not in ("resolved", "tag")}
    places.put_facility(world, "umcg", {**profile, "contacts": {"seh": "+31 50 123 4567"}}, OPERATOR, lambda _: True)
    page = triagist.get("/desk/places/umcg").text
    assert '<a href="tel:+31501234567">+31 50 123 4567</a>' in page


@pytest.mark.parametrize("wrong", ["nowhere", "UPPER", "a_b", "%3Cscript%3E"])
def test_a_place_that_is_not_there(wrong: str, triagist: Person) -> None:
    for path in (f"/desk/places/{wrong}", f"/desk/places/{wrong}/history.svg?of=stops"):
        response = triagist.get(path)
        assert response.status_code == 404, path
        assert "<script>" not in response.text


# -- reporting


def test_only_who_speaks_for_a_place_sees_its_form(person: People) -> None:
    other = "/desk/places/isala-zwolle"
    for role in ROLES:
        who = person(role)
        assert ("Meld dit" in who.get(PATH).text) == (role in ("facility", "operator")), role
        assert ("Meld dit" in who.get(other).text) == (role == "operator"), role


def test_a_place_reports_for_itself_alone(world: World, person: People) -> None:
    facility = person("facility")
    form = {"unit": "seh", "stop": "yes"}
    assert facility.post("/desk/places/isala-zwolle/status", form).status_code == 403
    assert "seh/stop" not in now_of(world, "hap-zutphen")
    for role in ("triagist", "auditor", "medical_manager", "ambulance"):
        assert person(role).post(f"{PATH}/status", form).status_code == 403


def test_a_stop_with_its_reason_and_expected_end_is_reported_and_shown(world: World, person: People) -> None:
    facility = person("facility")
    form = {"unit": "or", "stop": "yes", "reason": "no_staff", "ends_in": "60", "waiting_minutes": "45"}
    response = facility.post(f"{PATH}/status", form)
    assert response.status_code == 303
    assert response.location.endswith("?taken=2#reported")
    found = now_of(world)
    assert found["or/waiting_minutes"]["value"] == 45
    stop = found["or/stop"]
    assert (stop["value"], stop["reason"], stop["in_force"]) == (True, "no_staff", True)
    lasts = datetime.fromisoformat(stop["expected_end"]) - datetime.fromisoformat(stop["observed_at"])
    assert lasts == timedelta(hours=1)
    said = words_of(facility.get(response.location).text)
    assert "Gemeld. Elke beslissing vanaf nu rekent ermee." in said
    assert "te weinig personeel" in said


def test_an_end_on_the_clock_is_that_of_the_dutch_wall(world: World, person: People) -> None:
    wanted = (world.clock().astimezone(TIME_ZONE) + timedelta(hours=3)).replace(second=0, microsecond=0, tzinfo=None)
    form = {"unit": "picu", "stop": "yes", "ends_at": wanted.isoformat(timespec="minutes")}
    assert person("facility").post(f"{PATH}/status", form).status_code == 303
    end = datetime.fromisoformat(now_of(world)["picu/stop"]["expected_end"])
    assert end.astimezone(TIME_ZONE).replace(tzinfo=None) == wanted


def test_all_that_can_be_said_of_a_unit_fits_in_one_form(world: World, person: People) -> None:
    form = {
        "unit": "icu", "stop": "no", "open": "yes", "crowding": "40", "waiting_minutes": "10", "offload_minutes": "5",
        "bed": "adult_icu", "total": "20", "staffed": "18", "occupied": "17", "available": "1",
    }  # fmt: skip
    response = person("operator").post("/desk/places/umcg/status", form)
    assert "taken=6" in response.location
    found = now_of(world, "umcg")
    assert found["icu/stop"]["value"] is False
    assert found["icu/open"]["value"] is True
    assert found["icu/beds"]["value"] == {"total": 20, "staffed": 18, "occupied": 17, "available": 1}
    assert found["icu/beds"]["bed"] == "adult_icu"


def test_what_is_not_known_any_more_is_said_to_be_so(world: World, person: People) -> None:
    operator = person("operator")
    operator.post("/desk/places/isala-zwolle/status", {"unit": "or", "stop": "yes"})
    operator.post("/desk/places/isala-zwolle/status", {"unit": "or", "stop": "unknown"})
    assert now_of(world, "isala-zwolle")["or/stop"]["value"] is None
    assert "niet meer bekend" in words_of(operator.get("/desk/places/isala-zwolle").text)


FAULTS: dict[str, tuple[dict[str, str], str, str]] = {
    "nothing": ({}, "form", "ten minste één ding"),
    "too crowded": ({"crowding": "501"}, "crowding", "van 0 tot 500"),
    "no number": ({"waiting_minutes": "veel"}, "waiting_minutes", "van 0 tot 1440"),
    "a very long number": ({"crowding": "9" * 400}, "crowding", "van 0 tot 500"),
    "another writing": ({"crowding": "٤٠"}, "crowding", "van 0 tot 500"),
    "more free than there are": ({"total": "3", "available": "9"}, "available", "meer dan er kunnen zijn"),
    "a bed of another unit": ({"bed": "adult_icu", "total": "3"}, "bed", "hoort bij: intensive care"),
    "an end that passed": ({"stop": "yes", "ends_at": "2020-01-01T10:00"}, "ends_at", "al voorbij"),
    "an end far ahead": ({"stop": "yes", "ends_at": "2090-01-01T10:00"}, "ends_at", "dagen vooruit"),
    "no end": ({"stop": "yes", "ends_at": "straks"}, "ends_at", "geen datum"),
    "two ends": ({"stop": "yes", "ends_in": "30", "ends_at": "2090-01-01T10:00"}, "ends_at", "niet allebei"),
    "a reason in words": ({"stop": "yes", "reason": "<script>alert(1)</script>"}, "reason", "Kies een reden"),
    "no such unit": ({"unit": "keuken", "stop": "yes"}, "unit", "Kies een onderdeel"),
    "no such bed": ({"bed": "<b>", "total": "1"}, "bed", "Kies een soort bed"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_said_in_dutch_beside_its_field_and_nothing_is_kept(
    name: str, world: World, person: People
) -> None:
    form, field, said = FAULTS[name]
    before = places.facility_status(world, OWN)["directory_revision"]
    response = person("facility").post(f"{PATH}/status", {"unit": "seh", "offload_minutes": "7", **form}
                                       if name != "nothing" else {"unit": "seh"})  # fmt: skip
    assert response.status_code == 422
    assert said in words_of(response.text)
    if field != "form":
        assert f'id="fault-{field}"' in response.text
        assert f'aria-describedby="fault-{field}"' in response.text
        assert re.search(r'name="offload_minutes"[^>]* value="7"', response.text), "what was filled in stays"
    assert "<script>alert" not in response.text
    assert places.facility_status(world, OWN)["directory_revision"] == before


def test_a_form_without_the_token_of_the_session_changes_nothing(world: World, person: People) -> None:
    before = places.facility_status(world, OWN)["directory_revision"]
    facility = person("facility")
    assert facility.client.post(f"{PATH}/status", data={"unit": "seh", "stop": "yes"}).status_code == 403
    assert places.facility_status(world, OWN)["directory_revision"] == before


# -- what went on


def test_the_past_is_a_list_and_plots_with_their_numbers(world: World, person: People) -> None:
    place = "st-antonius-nieuwegein"
    report(world, place, {"kind": "stop", "value": True, "reason": "crowding"}, {"kind": "crowding", "value": 133})
    triagist = person("triagist")
    page = triagist.get(f"/desk/places/{place}").text
    assert "133" in words_of(page)
    pictures = re.findall(r'<img class="plot" src="([^"]+)"[^>]* alt="([^"]+)"', page)
    assert len(pictures) == 2
    for address, words in pictures:
        assert "tabel" in words
        response = triagist.get(address.replace("&amp;", "&"))
        assert (response.status_code, response.mimetype) == (200, "image/svg+xml")
        root = ElementTree.fromstring(response.data)
        assert root.tag.endswith("svg")
        assert [each for each in root.iter() if str(each.tag).endswith("script")] == []
        assert [name for each in root.iter() for name in each.attrib if name.endswith("href")] == []


@pytest.mark.parametrize("query", ["", "of=kitchen", "of=%3Cscript%3E"])
def test_there_is_no_plot_of_what_is_not_counted(query: str, triagist: Person) -> None:
    assert triagist.get(f"{PATH}/history.svg?{query}").status_code == 404


def test_a_time_that_cannot_be_asked_is_a_day(triagist: Person) -> None:
    for days in ("", "0", "99999999999", "x"):
        assert "<strong>afgelopen dag</strong>" in triagist.get(f"{PATH}?days={days}").text
    assert "<strong>afgelopen 30 dagen</strong>" in triagist.get(f"{PATH}?days=30").text


def test_the_history_goes_on_page_by_page(world: World, triagist: Person) -> None:
    place = "adrz-goes"
    for number in range(25):
        seen = (world.clock() - timedelta(hours=2) + timedelta(minutes=2 * number)).isoformat()
        report(world, place, {"kind": "waiting_minutes", "value": number, "unit": "obstetrics", "observed_at": seen})
    page = triagist.get(f"/desk/places/{place}").text
    (older,) = re.findall(r'href="([^"]+)">Eerdere meldingen', page)
    assert triagist.get(older.replace("&amp;", "&").partition("#")[0]).status_code == 200
    assert triagist.get(f"/desk/places/{place}?cursor=nonsense").status_code == 422
