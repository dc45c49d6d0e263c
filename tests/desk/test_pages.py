"""What holds for every page: help in one place, the menu that says where one is, and words instead of codes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from routing.rights import Asker
from routing.service import World
from tests.desk.conftest import OWN, Person, words_of
from tests.desk.decided import asker_of, decided

People = Callable[[str], Person]

BOOK = "/desk/rules/acute-nl/1.3.0"
PAGES = (
    ("triagist", "/desk", None),
    ("triagist", "/desk/cases/new", "Nieuwe casus"),
    ("triagist", "/desk/decisions/{about}", "Casussen"),
    ("triagist", "/desk/decisions/{about}/handover", "Casussen"),
    ("triagist", "/desk/decisions/{about}/timeline", "Casussen"),
    ("triagist", "/desk/decisions/{about}/map", "Casussen"),
    ("triagist", "/desk/cases", "Casussen"),
    ("facility", "/desk/reception", "Voormelding beantwoorden"),
    ("facility", f"/desk/places/{OWN}", "Plekken"),
    ("triagist", "/desk/places", "Plekken"),
    ("triagist", "/desk/rules", "Regels"),
    ("triagist", BOOK, "Regels"),
    ("triagist", f"{BOOK}/stemi-to-pci", "Regels"),
    ("auditor", f"{BOOK}/coverage", "Regels"),
    ("auditor", "/desk/rules/try", "Regels"),
    ("operator", "/desk/rules/publishing", "Regels"),
    ("operator", "/desk/figures", "Cijfers"),
    ("auditor", "/desk/figures/norms", "Cijfers"),
    ("auditor", "/desk/figures/overrules", "Cijfers"),
    ("auditor", "/desk/audit", "Audit"),
    ("auditor", "/desk/audit/{about}", "Audit"),
    ("auditor", "/desk/audit/{about}/record", "Audit"),
    ("auditor", "/desk/audit/{about}/rules", "Audit"),
    ("auditor", "/desk/audit/compare", "Audit"),
    ("auditor", "/desk/accesses", "Toegangslog"),
)


@pytest.fixture(scope="module")
def asker(world: World) -> Asker:
    return asker_of(world)


@pytest.fixture(scope="module")
def about(world: World, asker: Asker) -> str:
    return decided(world, asker, observations={"temperature": 38.4, "ecg_st_elevation": True})


@pytest.mark.parametrize(("role", "path", "entry"), PAGES, ids=lambda value: str(value))
def test_help_stands_once_at_the_end_and_the_menu_says_where_one_is(
    role: str, path: str, entry: str | None, about: str, person: People
) -> None:
    response = person(role).get(path.format(about=about), follow_redirects=True)
    assert response.status_code == 200
    main = response.text.partition("<main")[2].partition("</main>")[0]
    assert main.count('<details class="help') == 1
    assert "<h2" not in main.rpartition('<details class="help')[2], "nothing comes after it"
    assert main.count("<h1") == 1
    menu = response.text.partition("<nav")[2].partition("</nav>")[0]
    assert re.findall(r'aria-current="page">([^<]*)', menu) == ([] if entry is None else [entry])


@pytest.mark.parametrize("path", ["/desk/sign-in", "/desk/password"])
def test_there_is_help_at_the_door(path: str, visitor: Person) -> None:
    assert visitor.get(path).text.count('<details class="help') == 1


def test_who_may_not_reads_which_roles_may_in_words(triagist: Person, about: str) -> None:
    response = triagist.get(f"/desk/audit/{about}")
    said = words_of(response.text)
    assert response.status_code == 403
    assert "Deze pagina is voor een andere rol" in said
    assert "Rollen die dit mogen: toezichthouder." in said
    assert "sleutel" not in said


def test_a_number_has_a_comma_in_dutch_and_a_point_in_english(triagist: Person, about: str) -> None:
    assert "38,4 °C" in words_of(triagist.get(f"/desk/decisions/{about}").text)
    triagist.client.set_cookie("wegwijs-language", "en")
    assert "38.4 °C" in words_of(triagist.get(f"/desk/decisions/{about}").text)


def test_roles_are_said_in_words(triagist: Person, person: People, about: str) -> None:
    assert 'title="medisch manager"' in person("medical_manager").get("/desk").text
    assert "medical_manager" not in words_of(triagist.get(f"/desk/decisions/{about}").text)
