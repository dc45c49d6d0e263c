"""Two people publish rules in a real browser, by keyboard alone, each with an account of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from routing import rules_here
from routing.rules.publication import read_published
from routing.service import open_world
from routing.settings import Settings
from tests.browser.conftest import Open, Served, barriers, serving
from tests.people import account
from tests.rulesets_here import few_versions

PAGE = "/desk/rules/publishing"
NEW = "acute-nl/1.1.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published version, and one whose moment has just passed and that nobody published."""
    return few_versions(tmp_path / "rulesets", v1_1_0=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())


@pytest.fixture
def served(tmp_path: Path, folder: Path) -> Iterator[Served]:
    """A server that publishes by itself, and two medical managers."""
    with serving(tmp_path, rulesets=folder, only_published=True, desk_publishes=True) as found:
        for name in ("anne", "bram"):
            account(found.world, name, "medical_manager")
        yield found


def press(page: Page, name: str) -> None:
    """Press the button, or the head of what is folded, that is named so, by keyboard."""
    page.locator("main button, main summary").filter(has_text=name).first.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_two_people_publish_by_keyboard_and_the_rules_decide(
    open_page: Open, served: Served, folder: Path, *, script: bool
) -> None:
    beside = open_world(Settings(database_url=served.world.settings.database_url, rulesets=folder, only_published=True))
    assert rules_here.in_force(beside, beside.clock()).version == "1.0.0"
    anne = open_page(PAGE, "anne", java_script_enabled=script)
    assert "Deze server publiceert zelf" in anne.locator("#way").inner_text()
    press(anne, "Publicatie voorstellen")
    note = anne.get_by_label("Waarvoor is deze versie")
    expect(note).to_be_visible()
    note.focus()
    anne.keyboard.type("Om te proberen")
    anne.keyboard.press("Enter")
    expect(anne.get_by_text("Iemand anders moet akkoord gaan")).to_be_visible()
    anne.wait_for_load_state()
    assert anne.locator("button").filter(has_text="Akkoord").count() == 0

    bram = open_page(PAGE, "bram", java_script_enabled=script)
    agree = bram.locator("form[action$=agree]")
    assert "Deze regels beslissen dan meteen" in agree.inner_text()
    agree.locator("input[type=checkbox]").focus()
    bram.keyboard.press("Space")
    press(bram, "Akkoord: publiceer 1.1.0")
    expect(bram.get_by_text("akkoord en gepubliceerd door bram").first).to_be_visible()
    expect(bram.locator("section", has_text="1.1.0").first).to_contain_text("Deze regels beslissen nu.")
    bram.wait_for_load_state()
    if script:
        assert barriers(bram) == []
    assert read_published(folder)[NEW].agreed_by == "bram"
    assert rules_here.in_force(beside, beside.clock()).version == "1.1.0"


def test_a_folder_that_cannot_be_written_is_said_where_one_agreed(
    open_page: Open, served: Served, folder: Path
) -> None:
    anne = open_page(PAGE, "anne")
    press(anne, "Publicatie voorstellen")
    anne.get_by_label("Waarvoor is deze versie").fill("Om te proberen")
    anne.keyboard.press("Enter")
    expect(anne.get_by_text("Iemand anders moet akkoord gaan")).to_be_visible()
    (folder / ".published.yaml.new").mkdir()
    bram = open_page(PAGE, "bram", expected="503")
    bram.locator("form[action$=agree] input[type=checkbox]").check()
    press(bram, "Akkoord: publiceer 1.1.0")
    expect(bram.locator("p.fault[role=alert]")).to_contain_text("kan niet schrijven in published.yaml")
    bram.wait_for_load_state()
    assert barriers(bram) == []
    assert NEW not in read_published(folder)
