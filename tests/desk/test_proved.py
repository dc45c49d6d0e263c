"""What is proved of a version, as somebody reads it; a proof of other files counts for nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from api import create_app
from api.desk.audit_words import case_in_words
from api.desk.proved import CASES_MOST
from routing import service
from routing.rules.reading import amount
from routing.rules.ruleset import Ruleset
from routing.rules_here import installed_rulesets
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.desk.conftest import Person, account_for_each_role, csrf_in, name_of, words_of
from tests.people import PASSWORD

People = Callable[[str], Person]

PACKAGED = Path(str(files("rulesets"))) / "acute-nl"


@pytest.fixture
def ruleset(world: World) -> Ruleset:
    """A version of which something is refuted, so that everything there can be is seen."""
    return next(one for one in installed_rulesets(world) if one.version == "1.3.0")


@pytest.fixture
def proof(ruleset: Ruleset) -> Any:
    return json.loads((PACKAGED / ruleset.version / "proof.json").read_bytes())


@pytest.fixture
def address(ruleset: Ruleset) -> str:
    return f"/desk/rules/{ruleset.name}/{ruleset.version}?topic=proof"


def part_of(page: str, name: str) -> str:
    """What stands on `page` about the property `name`, as it is written."""
    return page.partition(f'id="property-{name}"')[2].partition("</article>")[0]


def test_every_property_stands_there_with_its_verdict_in_words_and_a_sign(
    proof: Any, address: str, triagist: Person
) -> None:
    page = triagist.get(address).text
    signs = {"proved": "✓ bewezen", "refuted": "✗ weerlegd", "undecided": "? onbeslist"}
    hows = {"proved": "door een oplosser", "enumerated": "alles wat er is, is geprobeerd"}
    for one in proof["properties"]:
        seen = words_of(f"<p {part_of(page, one['id'])}")
        assert f"{signs[one['verdict']]} {one['text']['nl']}" in seen, one["id"]
        assert hows[one["how"]] in seen
        assert f"{one['seconds']:.2f} s".replace(".", ",") in seen
        assert "niet beoordeeld" in seen
    for one in proof["tested"]:
        assert one["text"]["nl"] in words_of(page).partition("Alleen getest, niet bewezen")[2]


def test_a_version_says_beside_its_title_what_is_proved(
    world: World, proof: Any, address: str, triagist: Person
) -> None:
    counts = proof["counts"]
    said = f"{counts['proved']} bewezen, {counts['refuted']} weerlegd, {counts['undecided']} onbeslist"
    assert f"Wat is bewezen : {said}" in words_of(triagist.get(address.partition("?")[0]).text)


def test_a_counterexample_reads_as_facts_with_the_urgency_before_and_after(
    ruleset: Ruleset, proof: Any, address: str, triagist: Person
) -> None:
    (one,) = [one for one in proof["properties"] if one["id"] == "worse-is-never-less-urgent"]
    case = one["counterexample"]
    seen = words_of(f"<p {part_of(triagist.get(address).text, one['id'])}")
    facts = ruleset.vocabulary.facts
    for name, value in case["case"]["observations"].items():
        said = {True: "ja", False: "nee"}[value] if isinstance(value, bool) else amount(value, facts[name].unit, "nl")
        assert f"{facts[name].label.nl} {said}" in seen, name
    for rule in case["fires"]:
        assert ruleset.by_id[rule].text.nl in seen
    assert f"Verandert: {facts[case['about']].label.nl} onbekend → ja" in seen
    before, after = seen.index(f" {case['urgency']} "), seen.index(f" {case['urgency_after']} ")
    assert seen.index("Urgentie ") < before < seen.index("Urgentie daarna") < after
    assert f"Gaat niet op voor ({len(one['failing'])})" in seen
    shown = 1 + len(one["counterexamples"])
    assert f"En nog {shown - CASES_MOST} tegenvoorbeelden" in seen


def test_a_counterexample_has_its_moments_with_the_day_and_its_numbers_whole(world: World) -> None:
    with create_app(world=world).test_request_context():
        given = {"onset_at": "2025-11-18T19:59:00+01:00", "systolic_bp": 100.125}
        found = case_in_words({"observations": given})
    assert found["onset_at"][1] == "18-11-2025 19:59"
    assert found["systolic_bp"][1].startswith("100,125 ")


def test_an_exception_stands_there_with_its_reason(address: str, triagist: Person) -> None:
    seen = words_of(f"<p {part_of(triagist.get(address).text, 'multitrauma-reaches-a-trauma-centre')}")
    assert "Behalve nearest-department-first : Engels: An airway that is not safe" in seen
    assert "being-resuscitated : Engels: U0 goes to the nearest emergency department." in seen


def test_a_counterexample_is_tried_by_who_may_try_rules(proof: Any, address: str, person: People) -> None:
    assert "Deze casus proberen" not in person("triagist").get(address).text
    manager = person("medical_manager")
    assert "Deze casus proberen" in manager.get(address).text
    (one,) = [one for one in proof["properties"] if one["id"] == "worse-is-never-less-urgent"]
    case = one["counterexample"]
    for body, level in (("case", "urgency"), ("after", "urgency_after")):
        form = {"new": address.removeprefix("/desk/rules/").partition("?")[0], "body": json.dumps(case[body])}
        response = manager.post("/desk/rules/try", form)
        assert response.status_code == 200
        assert f" {case[level]} " in words_of(response.text).partition("Urgentie")[2][:40]


def test_it_is_read_in_english_as_well(proof: Any, address: str, triagist: Person) -> None:
    triagist.client.set_cookie("wegwijs-language", "en")
    seen = words_of(triagist.get(address).text)
    assert "What is proved" in seen
    for one in proof["properties"]:
        assert one["text"]["en"] in seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The newest ruleset alone, with its properties and its proof."""
    made = tmp_path / "rulesets" / "acute-nl" / "1.3.0"
    shutil.copytree(PACKAGED / "1.3.0", made)
    return made


@pytest.fixture
def reader(folder: Path, tmp_path: Path) -> Iterator[Person]:
    """A medical manager at a server that has that ruleset alone."""
    opened = open_world(Settings(database_url=f"sqlite:///{tmp_path}/w.sqlite3", rulesets=folder.parents[1]))
    service.upgrade(opened)
    account_for_each_role(opened)
    client = create_app(world=opened).test_client()
    client.post("/desk/sign-in", data={"user": name_of("medical_manager"), "password": PASSWORD})
    yield Person(client, csrf_in(client.get("/desk").text))
    close_world(opened)


def test_a_version_without_a_proof_says_so_plainly(folder: Path, reader: Person) -> None:
    (folder / "proof.json").unlink()
    seen = words_of(reader.get("/desk/rules/acute-nl/1.3.0?topic=proof").text)
    assert "Bij deze versie ligt geen bewijs: van haar regels is niets bewezen." in seen
    assert "✓ bewezen" not in seen.partition("Uitleg")[0]


def test_a_stale_proof_is_never_shown_as_valid(folder: Path, reader: Person) -> None:
    address = "/desk/rules/acute-nl/1.3.0?topic=proof"
    assert "✓ bewezen" in words_of(reader.get(address).text)
    path = folder / "proof.json"
    kept = json.loads(path.read_bytes())
    path.write_text(json.dumps({**kept, "vocabulary": "sha256:0"}), "utf-8")
    page = reader.get(address)
    seen = words_of(page.text)
    assert page.status_code == 200
    assert "Dit bewijs telt niet meer: het gaat over een andere woordenlijst" in seen
    assert "✓ bewezen" not in seen.partition("Uitleg")[0]
    assert "verdict proved" not in page.text
    assert seen.count("? onbeslist") >= len(kept["properties"])
    assert "Toen, van andere bestanden: bewezen" in seen
    assert "het bewijs telt niet meer" in words_of(reader.get(address.partition("?")[0]).text)


def test_a_proof_that_cannot_be_read_leaves_the_page_standing(folder: Path, reader: Person) -> None:
    (folder / "proof.json").write_text("{", "utf-8")
    page = reader.get("/desk/rules/acute-nl/1.3.0?topic=proof")
    assert page.status_code == 200
    assert "het bestand met het bewijs kan niet worden gelezen" in words_of(page.text)


def test_what_stands_in_a_proof_is_never_markup(folder: Path, reader: Person) -> None:
    path = folder / "proof.json"
    kept = json.loads(path.read_bytes())
    refuted = next(each for each in kept["properties"] if each["verdict"] == "refuted")
    refuted["failing"] = ["<script>alert(1)</script>"]
    refuted["counterexample"]["case"]["observations"]["x"] = '"><script>alert(2)</script>'
    path.write_text(json.dumps(kept), "utf-8")
    page = reader.get("/desk/rules/acute-nl/1.3.0?topic=proof").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
