"""One case in two versions: what comes out is what would be decided, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from routing import rule_trials, service
from routing.rights import Asker
from routing.rule_book import cases_of, ruleset_named
from routing.service import World
from routing.store import database
from routing.store.tables import METADATA
from tests.api.conftest import STEMI
from tests.desk.conftest import Person, words_of

People = Callable[[str], Person]

VERSIONS = {"old": "acute-nl/1.0.0", "new": "acute-nl/1.2.0"}


def kept(world: World) -> dict[str, int]:
    """How many rows each table has that knows of decisions, places or accesses."""
    with database.reading(world.engine) as connection:
        names = [name for name in METADATA.tables if name not in ("sessions", "api_keys", "users")]
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(METADATA.tables[name])) or 0
            for name in names
        }


@pytest.fixture
def asker(world: World) -> Asker:
    found = service.authenticate(world, service.create_key(world, "trials", frozenset({"triagist"})))
    assert found is not None
    return found


def test_what_is_tried_is_what_would_be_decided(world: World) -> None:
    old, new = (ruleset_named(world, "acute-nl", version) for version in ("1.1.0", "1.2.0"))
    compared = rule_trials.try_case(world, STEMI, old, new)
    decided = service.preview(world, STEMI)
    assert rule_trials.said(compared.new.answer) == rule_trials.said(decided)
    assert compared.new.answer["provenance"]["ruleset"]["version"] == "1.2.0"
    assert compared.old.answer["provenance"]["ruleset"]["version"] == "1.1.0"


def test_a_version_beside_itself_differs_in_nothing(world: World) -> None:
    new = ruleset_named(world, "acute-nl", "1.2.0")
    compared = rule_trials.try_case(world, STEMI, new, new)
    assert (compared.differs, compared.only_in(compared.old), compared.only_in(compared.new)) == (frozenset(), [], [])


def test_differences_are_marked_with_words(world: World, person: People) -> None:
    old, new = (ruleset_named(world, "acute-nl", version) for version in ("1.0.0", "1.2.0"))
    case = next(
        each
        for each in cases_of(world, new)
        if each.expect.urgency == "U1" and "urgency" in rule_trials.try_worked_case(world, each, old, new).differs
    )
    compared = rule_trials.try_worked_case(world, case, old, new)
    name = rule_trials.name_of(case)
    page = person("medical_manager").get(f"/desk/rules/try?old=acute-nl/1.0.0&new=acute-nl/1.2.0&case={name}")
    seen = words_of(page.text)
    assert case.name.nl in seen
    assert f"Verschil in {len(compared.differs)} van de 6 onderdelen" in seen
    assert seen.count("≠ anders") == len(compared.differs)
    assert compared.new.answer["urgency"]["level"] == "U1"


def test_a_pasted_case_is_answered_and_nothing_is_kept(world: World, person: People, caplog: Any) -> None:
    manager = person("medical_manager")
    before = kept(world)
    secret = {**STEMI, "reference": "dossier-998877"}
    response = manager.post("/desk/rules/try", {**VERSIONS, "body": json.dumps(secret)})
    assert response.status_code == 200
    assert "UMC Utrecht" in words_of(response.text)
    assert "Geplakte casus" in words_of(response.text)
    assert kept(world) == before
    assert "998877" not in caplog.text
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("body", ["", "{", "[]", "3", '{"patient": {}}', '{"a": 1, "a": 2}', "{" * 5000, "<script>"])
def test_what_is_no_case_is_said_and_stays_in_the_form(body: str, person: People) -> None:
    response = person("medical_manager").post("/desk/rules/try", {**VERSIONS, "body": body})
    assert response.status_code == 422
    assert "kan niet worden gelezen" in words_of(response.text)
    assert "<script>\n" not in response.text
    assert "<textarea" in response.text


def test_a_logged_decision_is_tried_by_who_may_read_it_and_noted_once(
    world: World, asker: Asker, person: People
) -> None:
    made = service.decide(world, STEMI, asker)
    auditor = person("auditor")
    before = kept(world)
    response = auditor.post("/desk/rules/try/decision", {**VERSIONS, "decision": made["id"]})
    assert response.status_code == 200, words_of(response.text)
    assert "UMC Utrecht" in words_of(response.text)
    after = kept(world)
    more = {name: after[name] - n for name, n in before.items() if after[name] != n}
    assert more == {"access_subjects": 1, "log_entries": 1}
    new = ruleset_named(world, "acute-nl", "1.2.0")
    compared = rule_trials.try_decision(world, made["id"], new, new, asker)
    assert rule_trials.said(compared.new.answer) == rule_trials.said(made)
    refused = person("medical_manager").post("/desk/rules/try/decision", {**VERSIONS, "decision": made["id"]})
    assert (refused.status_code, "UMC" in refused.text) == (403, False)


@pytest.mark.parametrize("decision", ["", "x", "0193a0d4-0000-7000-8000-000000000000", "../../v1"])
def test_a_decision_that_is_not_there_is_said(decision: str, person: People) -> None:
    response = person("auditor").post("/desk/rules/try/decision", {**VERSIONS, "decision": decision})
    assert response.status_code == 404
    assert "is er niet" in words_of(response.text)


def test_worked_cases_are_found_by_a_word(person: People) -> None:
    manager = person("medical_manager")
    assert "Zoek op een woord" in words_of(manager.get("/desk/rules/try").text)
    assert "cases/heart.yaml" in manager.get("/desk/rules/try?find=infarct").text
    assert "Geen werkvoorbeeld gevonden" in words_of(manager.get("/desk/rules/try?find=zzzzz").text)
    assert "kan niet worden gelezen" in words_of(manager.get("/desk/rules/try?case=cases/none.yaml:1").text)
    assert manager.get("/desk/rules/try?old=acute-nl/7.7.7").status_code == 404
