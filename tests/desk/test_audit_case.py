"""Whatever a case says, the pages of the auditor show it: no part of it breaks them, and all of it is in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.desk.words import moment
from routing import service
from routing.case import KEYS as CASE_KEYS
from routing.directory_here import newest_directory
from routing.service import World
from routing.vocabulary import Fact
from tests.desk.audited import asked_by
from tests.desk.conftest import Person, words_of


@pytest.fixture
def auditor(person: Callable[[str], Person]) -> Person:
    return person("auditor")


def everything(world: World) -> dict[str, Any]:
    """A case in which every part that a case can have is filled in, every observation too."""
    now = world.clock()
    ago = {"time": (now - timedelta(minutes=50)).isoformat(), "boolean": True}
    facts = {key: fact for key, fact in world.words.facts.items() if fact.given == "observations"}

    def value(fact: Fact) -> Any:
        if fact.type == "choice":
            return sorted(fact.values)[0]
        return fact.range[1] if fact.type == "number" and fact.range is not None else ago[fact.type]

    return {
        "reference": "ZCC-all",
        "channel": "ambulance",
        "called_at": (now - timedelta(minutes=40)).isoformat(),
        "first_contact_at": (now - timedelta(minutes=30)).isoformat(),
        "assessed_at": (now - timedelta(minutes=20)).isoformat(),
        "patient": {"age_years": 5, "age_months": 62, "sex": "female"},
        "location": {"lat": 52.0907, "lon": 5.1214, "postcode": "3511AB"},
        "complaint": "chest_pain",
        "observations": {key: value(fact) for key, fact in facts.items()},
        "transport": "ambulance",
        "on_the_way": {"since": (now - timedelta(minutes=10)).isoformat(), "heading": 12.5, "heading_to": "umcg"},
        "known_at": ["umc-utrecht", "umcg"],
        "region": "midden-nederland",
        "note": "stands in no record",
    }


def parts_of(case: dict[str, Any]) -> list[tuple[str, ...]]:
    """Every part of a case that may be left out, also within another; of the observations only all together."""
    inner = [(outer, name) for outer in ("patient", "location", "on_the_way") for name in case[outer]]
    return [(name,) for name in case if name not in ("patient", "location")] + inner


def alone(case: dict[str, Any], part: tuple[str, ...]) -> dict[str, Any]:
    """The least that a case needs, with this one part of `case`."""
    found: dict[str, Any] = {"patient": {"age_years": 5}, "location": {"lat": 52.0907, "lon": 5.1214}}
    if len(part) == 1:
        return {**found, part[0]: case[part[0]]}
    return {**found, part[0]: {**found.get(part[0], {}), part[1]: case[part[0]][part[1]]}}


def test_no_part_that_a_case_can_have_breaks_the_evidence(auditor: Person, world: World) -> None:
    whole, asker = everything(world), asked_by(world)
    assert set(whole) == set(CASE_KEYS), "every part of the contract is tried"
    tried = [whole, {**whole, "on_the_way": {}}, {**whole, "observations": {}}]
    tried += [alone(whole, part) for part in parts_of(whole)]
    for case in tried:
        made = service.decide(world, case, asker)["id"]
        for path in (f"/desk/audit/{made}", f"/desk/audit/{made}/rules?q=a", f"/desk/audit/{made}/record"):
            assert auditor.get(path).status_code == 200, (path, case)


def test_of_who_is_on_the_way_the_evidence_says_since_when_and_where_to_in_words(auditor: Person, world: World) -> None:
    case = everything(world)
    made = service.decide(world, {**case, "observations": {}}, asked_by(world))["id"]
    page = words_of(auditor.get(f"/desk/audit/{made}").text)
    utrecht, groningen = (newest_directory(world).by_id[place].name for place in ("umc-utrecht", "umcg"))
    since = moment(case["on_the_way"]["since"])
    assert f"al onderweg sinds {since} vrager" in page
    assert f"al onderweg naar {groningen}" in page
    assert "al onderweg, koers 12,5 graden" in page
    assert f"bekend bij {utrecht}, {groningen}" in page
    made = service.decide(world, {**case, "observations": {}, "on_the_way": {}}, asked_by(world))["id"]
    assert "al onderweg ja vrager" in words_of(auditor.get(f"/desk/audit/{made}").text)
