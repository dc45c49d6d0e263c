"""Whatever a reason rests on has a label in Dutch and in English, and a value as a reader knows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from api.desk.evidence import GIVEN_UP, label, seen
from api.desk.reason_words import STANDS_IN_TEXT, said_of
from api.desk.travel_words import method_word, methods_words
from api.desk.words import LANGUAGE
from routing.rules.selection import TEXTS
from routing.rules_here import installed_rulesets
from routing.service import World
from routing.wording import OUR_TEXTS
from tests.desk.audited import reasons_of
from tests.desk.conftest import OWN, Person, words_of
from tests.desk.decided import CRASH, asker_of, decided
from tests.desk.places import report

ROUTING = Path(__file__).parents[2] / "routing"
SAYERS = {"say", "reason", "said", "listed", "of_units", "Said", "Concession", "Turning"}
"""What is called with the words of a reason."""


def in_language(app: Flask, language: str) -> Any:
    """A request of somebody who reads this language."""
    return app.test_request_context(headers={"Cookie": f"{LANGUAGE}={language}"})


def words_in_code() -> dict[str, str]:
    """Every word that code puts into a reason about places -> the file that does so: keys of a literal that is given to
    a SAYER, is called `words` or `seen`, or is returned as words."""
    found: dict[str, str] = {}
    for path in sorted(ROUTING.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "FactValue" not in source and "Wording" not in source:  # knows no words of reasons
            continue
        for node in _of_words(ast.parse(source)):
            for part in (each for each in ast.walk(node) if isinstance(each, ast.Dict)):
                for key in part.keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        found[key.value] = path.name
    return found


def _of_words(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in SAYERS:
                yield from (*node.args, *(each.value for each in node.keywords))
        elif isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if any(getattr(each, "id", "") in ("words", "seen") for each in targets):
                yield node.value
        elif isinstance(node, ast.FunctionDef) and node.returns and "FactValue" in ast.unparse(node.returns):
            yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)


def concession_names() -> set[str]:
    """What code says can be given up at a place, beside norms and capabilities."""
    return {
        node.args[1].value
        for path in sorted(ROUTING.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Concession"
        if isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, str)
    }


def test_every_word_that_a_text_about_places_may_name_has_a_label() -> None:
    unknown = [
        f"{text}: {word}"
        for text, words in TEXTS.items()
        for word in words
        if word not in STANDS_IN_TEXT and said_of(text, word) is None
    ]
    assert unknown == []


def test_every_word_that_code_puts_into_a_reason_has_a_label() -> None:
    found = words_in_code()
    assert {"arrival", "since", "elapsed", "age", "coming", "heading", "engine", "count", "reach"} <= found.keys()
    unknown = {word: file for word, file in found.items() if word not in STANDS_IN_TEXT and said_of("", word) is None}
    assert unknown == {}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_fact_and_number_that_a_rule_may_rest_on_has_a_label(language: str, app: Flask, world: World) -> None:
    with in_language(app, language):
        for rules in installed_rulesets(world):
            for subject in [*rules.subjects, *(f"condition.{code}" for code in world.words.conditions)]:
                assert "_" not in label(subject)
                assert label(subject) != subject or language == "en", "sex and urgency are called so in English"


@pytest.mark.parametrize("language", ["nl", "en"])
def test_whatever_is_given_up_is_called_by_its_name_and_place_on_the_list(
    language: str, app: Flask, world: World
) -> None:
    names = concession_names()
    assert {"open", "patients", "referral", "gestation"} <= names
    for rules in installed_rulesets(world):
        names |= {*rules.selection.give_way, *rules.norms}
    because = dict.fromkeys(sorted(names | world.words.capabilities.keys()), 6)
    with in_language(app, language):
        for text in GIVEN_UP:
            told = seen({"rule": f"acute-nl/selection/{text}", "because": because})
            raw = {name for (said, _), name in zip(told, because, strict=True) if said == name}
            assert raw <= {"huisarts", "neurosurgery"}, "the vocabulary calls these so"
            assert {value[:8] for _, value in told} == {"nummer 3" if language == "nl" else "number 3"}


@pytest.mark.parametrize(
    ("text", "because", "nl", "en"),
    [
        ("pending_rules", {"count": 11}, ("aantal regels", "11"), ("number of rules", "11")),
        ("stopped", {"unit": "seh", "since": "14:05"}, ("stop sinds", "14:05"), ("stop since", "14:05")),
        ("stopped", {"until": "16:05"}, ("stop telt tot", "16:05"), ("stop counts until", "16:05")),
        ("closed", {"arrival": "22:24"}, ("aankomst om", "22:24"), ("arrival at", "22:24")),
        ("full", {"age": 7}, ("hoe oud de melding is", "7 min"), ("how old the report is", "7 min")),
        ("too_young", {"age": 16}, ("voor patiënten vanaf", "16 jaar"), ("for patients from the age of", "16 years")),
        ("too_early", {"weeks": 32}, ("vanaf zwangerschapsduur", "32 weken"), ("from a pregnancy of", "32 weeks")),
        ("nearest", {"minutes": 12}, ("reistijd", "12 min"), ("travel time", "12 min")),
        ("direct", {"minutes": 9}, ("zoveel dichterbij", "9 min"), ("so much nearer", "9 min")),
        (
            "road_engine_silent",
            {"instead": "skeleton-nl/1"},
            ("geschat met", "schatting over de Nederlandse hoofdwegen (skeleton-nl/1)"),
            ("estimated by", "estimate over the Dutch main roads (skeleton-nl/1)"),
        ),
    ],
)
def test_a_word_is_said_with_its_label_and_unit(
    text: str, because: dict[str, Any], nl: tuple[str, str], en: tuple[str, str], app: Flask
) -> None:
    reason = {"rule": f"acute-nl/selection/{text}", "because": because}
    for language, said in (("nl", nl), ("en", en)):
        with in_language(app, language):
            assert seen(reason) == [said]


def test_texts_about_wegwijs_itself_are_labelled_too() -> None:
    for name, template in OUR_TEXTS.items():
        for word in ("engine", "instead", "count", "minutes"):
            if f"{{{word}}}" in template.text.nl:
                assert said_of(name, word) is not None


def test_a_decision_with_stops_and_full_places_shows_no_key_of_a_reason(
    world: World, triagist: Person, app: Flask
) -> None:
    end = (world.clock() + timedelta(hours=2)).isoformat()
    report(world, OWN, {"kind": "stop", "value": True, "expected_end": end})
    report(world, "diakonessenhuis-utrecht", {"kind": "open", "value": False})
    report(world, "st-antonius-nieuwegein", {"kind": "beds", "value": {"available": 0, "total": 20}})
    asker = asker_of(world)
    said: set[str] = set()
    for about in (
        decided(world, asker),
        decided(world, asker, CRASH),
        decided(world, asker, {**CRASH, "known_at": [OWN]}),
    ):
        for reason in reasons_of(world, about):
            said |= set(reason["because"])
            for language in ("nl", "en"):
                with in_language(app, language):
                    raw = {found for found, _ in seen(reason)} & reason["because"].keys()
                    assert language == "en" or raw == set()
                    assert [found for found, _ in seen(reason) if "_" in found] == []
        assert "skeleton-nl/1)" in words_of(triagist.get(f"/desk/decisions/{about}").text)
    assert {"since", "until", "count", "minutes", "low", "high", "elapsed"} <= said


def test_a_method_of_travel_times_is_said_in_words(app: Flask) -> None:
    with in_language(app, "nl"):
        assert methods_words("skeleton-nl/1, osrm/1").endswith(", routeserver (osrm/1)")
        assert method_word("straight-line-nl/1 (osrm/1 did not answer)") == (
            "schatting in rechte lijn (straight-line-nl/1), want osrm/1 gaf geen antwoord"
        )
        assert method_word("other/2") == "other/2"
