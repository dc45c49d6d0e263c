"""The board: what goes on now, the worst first; what is not known is said, and who looks on does not stay signed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from api.desk import board
from api.desk.rights import BY_THE_PAGE
from routing.rights import ROLES
from routing.service import World
from tests.desk.conftest import Person, words_of
from tests.desk.places import hurting_place, report

People = Callable[[str], Person]


@pytest.fixture(autouse=True)
def _reports(world: World) -> None:
    end = (world.clock() + timedelta(hours=1)).isoformat()
    report(world, "adrz-goes", {"kind": "waiting_minutes", "value": 30})
    report(world, "isala-zwolle", {"kind": "stop", "value": True, "reason": "crowding", "expected_end": end})
    report(world, "umcg", {"kind": "open", "value": False}, {"kind": "crowding", "value": 150})


def rows(page: str) -> list[str]:
    """The rows of the board: place and unit."""
    return re.findall(r'id="row-([a-z0-9_-]+)"', page)


@pytest.mark.parametrize("role", ROLES)
def test_everybody_sees_the_worst_first(role: str, person: People) -> None:
    page = person(role).get("/desk/places").text
    found = rows(page)
    assert found[:2] == ["umcg-seh", "isala-zwolle-seh"]
    assert found.index("adrz-goes-seh") > 1
    said = words_of(page)
    assert "GESLOTEN" in said
    assert "verwacht tot" in said
    assert "150 ernstig overbelast" in said


def test_of_silent_places_it_is_said_that_nothing_is_known(triagist: Person) -> None:
    page = triagist.get("/desk/places")
    assert "andere plekken is niets bekend" in words_of(page.text)
    assert 'id="silent-meander-amersfoort"' not in page.text
    with_silent = triagist.get("/desk/places?silent=1").text
    assert "niet hetzelfde als dat het er goed gaat" in words_of(with_silent)
    assert with_silent.count('id="silent-') > 250


def test_places_are_found_by_name_region_kind_unit_and_what_they_can_do(triagist: Person) -> None:
    for query, found in {
        "name=Zwolle": ["isala-zwolle-seh"],
        "region=zeeland": ["adrz-goes-seh"],
        "kind=huisartsenpost": [],
        "unit=icu": [],
        "capability=pci&region=IJsselland": ["isala-zwolle-seh"],
    }.items():
        assert rows(triagist.get(f"/desk/places?{query}").text) == found, query
    assert "Nog geen meldingen" in triagist.get("/desk/places?kind=huisartsenpost").text
    assert 'id="silent-umc-utrecht"' in triagist.get("/desk/places?name=umc%20utrecht").text
    assert 'value="Zwolle"' in triagist.get("/desk/places?name=Zwolle").text


def test_what_is_less_bad_gives_way_where_there_is_too_much_and_that_is_said(
    triagist: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "ROWS_MOST", 2)
    page = triagist.get("/desk/places").text
    assert rows(page) == ["umcg-seh", "isala-zwolle-seh"]
    assert re.search(r"Er zijn nog \d+ regels waar minder knelt", words_of(page))


def test_a_filter_that_does_not_exist_is_refused_in_words(triagist: Person) -> None:
    assert triagist.get("/desk/places?unit=kitchen").status_code == 422


def test_what_the_page_asks_by_itself_is_the_part_alone_and_does_not_make_a_session_last(triagist: Person) -> None:
    response = triagist.get("/desk/places-now?region=zeeland", headers={"HX-Request": "true"})
    assert rows(response.text) == ["adrz-goes-seh"]
    assert "<html" not in response.text
    assert "board.now" in BY_THE_PAGE
    assert "Wegwijs-Idle-Seconds" not in response.headers
    assert "Wegwijs-Idle-Seconds" in triagist.get("/desk/places").headers


def test_a_name_that_would_do_harm_is_only_shown(world: World, triagist: Person) -> None:
    place = hurting_place(world)
    report(world, place, {"kind": "waiting_minutes", "value": 1})
    for path in ("/desk/places", "/desk/places?silent=1", "/desk/places-now", f"/desk/places/{place}"):
        page = triagist.get(path).text
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page
        assert "<script>document" not in page
    searched = triagist.get("/desk/places?name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in searched


def test_a_place_finds_its_own_form_from_the_board(person: People) -> None:
    assert "Melden voor UMC Utrecht" in words_of(person("facility").get("/desk/places").text)
    assert "Melden voor" not in words_of(person("triagist").get("/desk/places").text)


def test_without_a_script_one_can_refresh(triagist: Person) -> None:
    page = triagist.get("/desk/places?region=zeeland").text
    assert 'href="/desk/places?region=zeeland">Ververs' in page
    assert "verandert niet vanzelf" in page
