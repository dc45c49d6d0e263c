"""Who reads Dutch reads Dutch, who reads English reads English, and nobody reads the words of the machine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from api.desk import region_words
from api.desk.problem_words import at_the_desk
from api.problem_types import TYPES
from routing import rule_book
from routing.directory_here import newest_directory
from routing.facilities.regions import regions_of
from routing.rights import Asker
from routing.rules.selection import TEXTS
from routing.rules_here import installed_overlays, installed_rulesets
from routing.service import World
from tests.desk.conftest import OWN, Person, words_of
from tests.desk.decided import asker_of, decided
from tests.desk.places import report
from tests.desk.test_pages import PAGES

People = Callable[[str], Person]

ONLY_THE_API = {"malformed-json", "precondition-failed"}
"""Problems that no page can have: it sends forms."""

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}
AS_WRITTEN = {"code", "pre", "kbd", "script", "style"}
"""What stands as the machine has it, or is read by nobody."""

BOOK = "/desk/rules/acute-nl/1.4.0"
MORE_PAGES = (
    ("triagist", f"{BOOK}?topic=numbers", None),
    ("triagist", f"{BOOK}?topic=proof", None),
    ("triagist", f"{BOOK}/pci-75", None),
    ("triagist", f"{BOOK}/news2", None),
    ("auditor", "/desk/audit/{about}/rules?q=stemi", None),
    ("triagist", "/desk/cases/new?supersedes={about}", None),
)


class _Text(HTMLParser):
    """The text that stands on a page, each with the language it is marked with (None: that of the page)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str | None, str]] = []
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("lang") if tag != "html" else None))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        said = re.sub(r"\s+", " ", data).strip()
        if said and not AS_WRITTEN & {tag for tag, _ in self._open}:
            marked = [lang for _, lang in self._open if lang is not None]
            self.found.append((marked[-1] if marked else None, said))


def texts_of(page: str) -> list[tuple[str | None, str]]:
    """What a reader sees of `page`, as (the language it is marked with, text); code is left out."""
    reader = _Text()
    reader.feed(page)
    return reader.found


def in_english(person: Person) -> Person:
    """The same person, who reads English."""
    person.client.set_cookie("wegwijs-language", "en")
    return person


@pytest.fixture(scope="module")
def asker(world: World) -> Asker:
    return asker_of(world)


@pytest.fixture(scope="module")
def about(world: World, asker: Asker) -> str:
    way = {"since": world.clock().isoformat(), "heading_to": "radboudumc"}
    return decided(world, asker, on_the_way=way, known_at=[OWN], region="example-no-stops")


def machine_words(world: World) -> set[str]:
    """Ids that mean nothing to a reader: what stands between the braces of texts, regions, capabilities, facts."""
    known = {word for words in TEXTS.values() for word in words} | regions_with_ids(world) | {"command line"}
    known |= (
        world.words.capabilities.keys() | world.words.facts.keys() | {each.region for each in installed_overlays(world)}
    )
    labels = {each.label.nl for part in (world.words.capabilities, world.words.facts) for each in part.values()}
    return known - labels


def regions_with_ids(world: World) -> set[str]:
    """The networks of acute care, as the directory writes them."""
    return set(regions_of(newest_directory(world))["roaz"])


READ = [each for each in (*PAGES, *MORE_PAGES) if not each[1].endswith("/record")]
"""All pages but the one that shows a record as it is written, and says so."""


@pytest.mark.parametrize(("role", "path", "entry"), READ, ids=lambda value: str(value))
def test_no_page_shows_a_word_of_the_machine(
    role: str, path: str, entry: str | None, world: World, about: str, person: People
) -> None:
    response = person(role).get(path.format(about=about), follow_redirects=True)
    assert response.status_code == 200
    raw = machine_words(world)
    shown = [said for marked, said in texts_of(response.text) if marked is None]
    assert [said for said in shown if said in raw] == []
    assert [said for said in shown if re.search(r"\b[a-z]+_[a-z]+", said)] == []


# -- regions ----------------------------------------------------------------------------------------------------------


def test_the_board_names_regions_and_still_finds_the_places_in_them(
    world: World, person: People, triagist: Person
) -> None:
    page = triagist.get("/desk/places").text
    assert '<option value="zwn">Zuidwest-Nederland</option>' in page
    assert '<option value="nhfl">Noord-Holland en Flevoland</option>' in page
    assert '<optgroup label="acute zorg (ROAZ)">' in page
    english = in_english(person("triagist")).get("/desk/places").text
    assert '<option value="nhfl">Noord-Holland and Flevoland</option>' in english
    assert '<optgroup label="acute care (ROAZ)">' in english
    report(world, "erasmus-mc", {"kind": "crowding", "value": 80})
    report(world, OWN, {"kind": "crowding", "value": 80})
    found = triagist.get("/desk/places?region=zwn").text
    assert "row-erasmus-mc-seh" in found
    assert f"row-{OWN}-seh" not in found
    assert '<option value="zwn" selected>Zuidwest-Nederland</option>' in found


def test_every_network_of_the_directory_has_a_name(world: World) -> None:
    assert regions_with_ids(world) == region_words._NETWORKS.keys()


def test_a_region_of_a_directory_of_somebody_else_stands_as_it_is_written(app: Any) -> None:
    with app.test_request_context():
        found = region_words.region_choices({"ggz": ("Midden", "Noord"), "roaz": ("anders",)})
    assert found == {"ggz": [("Midden", "Midden"), ("Noord", "Noord")], "acute zorg (ROAZ)": [("anders", "anders")]}


def test_a_region_with_agreements_is_chosen_by_its_title(triagist: Person, person: People) -> None:
    page = triagist.get("/desk/cases/new", follow_redirects=True).text
    assert '<option value="example-no-stops">Voorbeeld: een regio zonder stops</option>' in page
    assert ">example-no-stops<" not in page
    english = in_english(person("triagist")).get("/desk/cases/new", follow_redirects=True).text
    assert '<option value="example-no-stops">Example: a region without stops</option>' in english


def test_the_region_of_a_decision_is_said_by_its_title(about: str, triagist: Person, person: People) -> None:
    for said in (
        words_of(triagist.get(f"/desk/decisions/{about}").text),
        words_of(person("auditor").get(f"/desk/audit/{about}").text),
    ):
        assert "Voorbeeld: een regio zonder stops 1." in said
        assert "regio Voorbeeld: een regio zonder stops" in said


# -- who reported -----------------------------------------------------------------------------------------------------


def test_who_reported_is_said_in_words(world: World, person: People, triagist: Person) -> None:
    speaker = person("facility")
    form = {"unit": "seh", "stop": "yes"}
    assert speaker.post(f"/desk/places/{OWN}/status", form).status_code == 303
    report(world, "erasmus-mc", {"kind": "waiting_minutes", "value": 30, "source": "command line"})
    assert re.search(r"sleutel …[0-9a-f]{6}", words_of(triagist.get(f"/desk/places/{OWN}").text))
    page = words_of(triagist.get("/desk/places/erasmus-mc").text)
    assert "opdrachtregel" in page
    assert "command line" not in page
    assert "command line" in words_of(in_english(person("triagist")).get("/desk/places/erasmus-mc").text)


# -- JSON that is none ------------------------------------------------------------------------------------------------

VERSIONS = {"old": "acute-nl/1.3.0", "new": "acute-nl/1.4.0"}


@pytest.mark.parametrize(
    ("body", "dutch", "english"),
    [
        (
            '{\n "channel": "self"\n "patient": {}}',
            "op regel 3, teken 2 is het geen JSON meer.",
            "at line 3, character 2",
        ),
        (
            '{"patient": {"age_years": 67}',
            "vaak ontbreekt een komma, een aanhalingsteken of een haakje",
            "often a comma",
        ),
        ("", "er staat niets in het veld. Plak de hele casus.", "the field is empty."),
        ('{"channel": "self", "channel": "seh"}', "channel staat er twee keer; laat er één staan.", "stands twice"),
    ],
)
def test_what_is_no_json_is_said_with_its_place_and_what_to_do(
    body: str, dutch: str, english: str, person: People
) -> None:
    manager = person("medical_manager")
    said = words_of(manager.post("/desk/rules/try", {**VERSIONS, "body": body}).text)
    assert "De casus kan niet worden gelezen:" in said
    assert dutch in said
    for of_python in ("Expecting", "delimiter", "unexpected", "EOF", "JSONDecode", "column"):
        assert of_python not in said
    told = words_of(in_english(manager).post("/desk/rules/try", {**VERSIONS, "body": body}).text)
    assert english in told
    assert "regel" not in told.partition("The case cannot be read")[2][:300]


def test_what_is_wrong_with_a_pasted_case_is_said_in_dutch(person: People) -> None:
    case = {
        "patient": {"sex": "x"},
        "location": {"postcode": "3511"},
        "called_at": "gisteren",
        "observations": {"temperature": 99, "heart_reat": 80, "syncope": "ja"},
    }
    said = words_of(person("medical_manager").post("/desk/rules/try", {**VERSIONS, "body": json.dumps(case)}).text)
    assert "called_at heeft niet de goede vorm; goed is een tijd die voorbij is, met tijdzone" in said
    assert "patient.age_years ontbreekt; vul het aan" in said
    assert "patient.sex is geen waarde die hier kan staan; goed is male, female, other" in said
    assert "observations.temperature kan deze waarde niet hebben; goed is een getal van" in said
    assert "observations.heart_reat is geen gegeven dat Wegwijs kent" in said
    assert "is not" not in said
    assert "there is no" not in said


# -- what is written in English ---------------------------------------------------------------------------------------


def english_of(page: str) -> Iterator[str]:
    """What is marked as English."""
    return (said for marked, said in texts_of(page) if marked == "en")


def test_the_owner_and_the_why_of_rules_are_marked_as_english_and_say_so(
    world: World, triagist: Person, person: People
) -> None:
    ruleset = installed_rulesets(world)[-1]
    rule = ruleset.by_id["stemi-on-ecg"]
    book = f"/desk/rules/{ruleset.name}/{ruleset.version}"
    topic = next(each for each in rule_book.topics(ruleset) if rule in each.rules).file
    for address, said in (
        ("/desk/rules", ruleset.owner),
        (f"{book}/{rule.id}", rule.why),
        (f"{book}?topic={topic}", rule.why),
    ):
        page = triagist.get(address).text
        assert re.sub(r"\s+", " ", said).strip() in english_of(page), address
        assert re.search(r'Engels:</span>\s*<span lang="en">', page), address
        assert "Engels:" not in in_english(person("triagist")).get(address).text, address


def test_the_norm_of_a_rule_says_its_clock_and_its_standing_in_words(triagist: Person) -> None:
    said = words_of(triagist.get(f"{BOOK}/pci-75").text)
    assert "75 minuten (de melding → aankomst); voorbeeld, geen geldende norm" in said
    assert "called_at" not in said


def test_a_number_of_the_rules_has_a_comma_in_dutch(triagist: Person, person: People) -> None:
    address = f"{BOOK}?topic=numbers"
    assert "1,5 mm" in words_of(triagist.get(address).text)
    assert "1.5 mm" in words_of(in_english(person("triagist")).get(address).text)


# -- what went wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_what_went_wrong_is_said_without_words_of_the_api(name: str) -> None:
    for both in (*at_the_desk(name, decides=True), *at_the_desk(name, decides=False)):
        for said in (both.nl, both.en):
            assert not re.search(r"`|Retry-After|Bearer|ETag|\bprefetch\b|\bNaN\b", said) or name in ONLY_THE_API, said


def test_a_question_that_cannot_be_asked_says_so_in_dutch(triagist: Person, person: People) -> None:
    said = words_of(triagist.get("/desk/places?unit=nothing").text)
    assert "Zo kan dit niet worden gevraagd" in said
    assert "verbeter wat hieronder staat" in said
    assert "invalid-input" not in said
    assert "errors" not in said
    assert "correct what stands below" in words_of(in_english(person("triagist")).get("/desk/places?unit=nothing").text)
