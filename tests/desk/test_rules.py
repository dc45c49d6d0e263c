"""The rules to read: every rule as a sentence with its source and review, found by any word, and never as markup."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from routing import rule_book
from routing.errors import InFlight
from routing.rules.reading import conclusions, sentence
from routing.rules.ruleset import Ruleset
from routing.rules_here import in_force, installed_rulesets
from routing.service import World
from tests.desk.conftest import Person, words_of

People = Callable[[str], Person]


@pytest.fixture
def ruleset(world: World) -> Ruleset:
    return in_force(world, world.clock())


@pytest.fixture
def book(ruleset: Ruleset) -> str:
    """The address of the rules that decide."""
    return f"/desk/rules/{ruleset.name}/{ruleset.version}"


def test_every_version_says_from_when_it_counts_and_how_much_is_reviewed(world: World, triagist: Person) -> None:
    seen = words_of(triagist.get("/desk/rules").text)
    for each in installed_rulesets(world):
        assert f"{each.title.nl} {each.version}" in seen
        assert f" {len(each.rules)} {len(each.pending)} " in seen
    assert seen.count("✓ beslist nu") == 1
    assert "door geen arts goedgekeurd" in seen


def test_every_rule_stands_under_one_topic_with_its_sentence_and_source(
    ruleset: Ruleset, book: str, triagist: Person
) -> None:
    topics = rule_book.topics(ruleset)
    assert sorted(rule.id for topic in topics for rule in topic.rules) == sorted(ruleset.by_id)
    assert {topic.part for topic in topics} == set(rule_book.PARTS)
    for topic in topics[:: len(topics) // 6]:
        page = triagist.get(f"{book}?topic={topic.file}").text
        seen = words_of(page)
        for rule in topic.rules:
            assert f'id="rule-{rule.id}"' in page
            assert rule.text.nl in seen
            assert rule.reference.title in seen
        assert seen.count("niet beoordeeld") >= topic.pending


def test_one_rule_shows_when_why_and_which_cases_fire_it(ruleset: Ruleset, book: str, triagist: Person) -> None:
    rule = ruleset.by_id["stemi-on-ecg"]
    seen = words_of(triagist.get(f"{book}/{rule.id}").text)
    for part in (rule.text.nl, rule.why, rule.reference.title, "(gelezen)", "niet beoordeeld", "urgentie U1", "12 uur"):
        assert part in seen, part
    assert "Werkvoorbeelden die dit laten zien (0)" not in seen
    assert "cases/" in seen
    assert "proberen" not in seen, "a triagist has no page to try rules"


@pytest.mark.parametrize(
    "name", ["stemi", "age_years", "chest_pain", "pci-75", "stemi_window_minutes", "news2", "shock_index"]
)
def test_what_is_no_rule_is_shown_as_well(name: str, book: str, triagist: Person) -> None:
    response = triagist.get(f"{book}/{name}")
    assert response.status_code == 200, name
    assert "<code>" in response.text


def test_each_kind_of_name_has_a_page(world: World, ruleset: Ruleset, book: str, triagist: Person) -> None:
    words = ruleset.vocabulary
    some = [
        *list(ruleset.scores)[:2],
        *list(ruleset.derived)[:2],
        *list(words.conditions)[:2],
        *list(words.complaints)[:2],
    ]
    some += [*list(ruleset.parameters)[:2], *list(ruleset.norms)[:2], *list(words.facts)[:2]]
    for name in some:
        assert triagist.get(f"{book}/{name}").status_code == 200, name


def test_a_text_of_the_choice_of_a_place_is_where_reasons_lead(book: str, triagist: Person) -> None:
    response = triagist.get(f"{book}/selection/distance")
    assert (response.status_code, response.location) == (303, f"{book}?topic=selection#text-distance")
    page = triagist.get(f"{book}?topic=selection").text
    assert 'id="text-distance"' in page
    assert triagist.get(f"{book}?topic=numbers").status_code == 200


def test_a_search_finds_by_every_word_in_the_language_of_the_page(
    world: World, ruleset: Ruleset, book: str, triagist: Person
) -> None:
    found = rule_book.search(world, ruleset, "ST-elevatie ECG", "nl")
    assert "stemi-on-ecg" in [each.id for each in found]
    for each in found:
        if each.kind == "rule":
            rule = ruleset.by_id[each.id]
            follows = " ".join(each.nl for each in conclusions(rule, ruleset))
            assert "st-elevatie" in f"{rule.text.nl} {sentence(rule.when, ruleset).nl} {follows}".casefold()
    assert rule_book.search(world, ruleset, " ", "nl") == []
    assert "Niets gevonden" in triagist.get(f"{book}?q=zzzzz").text
    assert "Gegeven" in words_of(triagist.get(f"{book}?q=temperatuur").text)


def test_what_is_searched_for_is_never_markup(book: str, triagist: Person) -> None:
    page = triagist.get(f"{book}?q=%3Cscript%3Ealert(1)%3C/script%3E%22%3E").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("path", ["acute-nl/9.9.9", "nobody/1.2.0", "acute-nl/1.2.0/no-such-rule", "x/y/coverage"])
def test_what_is_not_there_is_not_found(path: str, person: People) -> None:
    assert person("medical_manager").get(f"/desk/rules/{path}").status_code == 404


def test_the_worked_cases_are_run_only_when_somebody_asks(
    world: World, ruleset: Ruleset, book: str, person: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = rule_book.cases_of(world, ruleset)[:40]
    monkeypatch.setattr(rule_book, "cases_of", lambda *_: some)
    manager = person("medical_manager")
    assert "nog niet gedraaid" in words_of(manager.get(f"{book}/coverage").text)
    tried = rule_book._tried(world, ruleset)
    with tried.running:
        assert "worden al gedraaid" in words_of(manager.get(f"{book}/coverage?run=1").text)
        with pytest.raises(InFlight):
            rule_book.coverage_of(world, ruleset, run=True)
    seen = words_of(manager.get(f"{book}/coverage?run=1").text)
    found = rule_book.coverage_of(world, ruleset, run=False)
    assert found is not None
    assert f"Regels die afgaan {sum(each.fired for each in found)} {len(ruleset.rules)}" in seen
    assert words_of(manager.get(f"{book}/coverage").text) == seen
    tried.covered = None
