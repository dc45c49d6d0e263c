"""The pages about rules and figures in a real browser: for everybody, at any size, by keyboard, without a script."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.api.conftest import STEMI
from tests.browser.conftest import Open, arrived, barriers

BOOK = "/desk/rules/acute-nl/1.3.0"

PAGES = [
    "/desk/rules",
    BOOK,
    f"{BOOK}?topic=conditions/sah.yaml",
    f"{BOOK}?topic=selection",
    f"{BOOK}?topic=numbers",
    f"{BOOK}?topic=proof",
    f"{BOOK}?q=borst",
    f"{BOOK}/stemi-on-ecg",
    f"{BOOK}/stemi",
    f"{BOOK}/news2",
    f"{BOOK}/coverage",
    "/desk/rules/try",
    "/desk/rules/try?find=infarct&case=cases/heart.yaml:135",
    "/desk/rules/publishing",
    "/desk/figures",
    "/desk/figures/norms",
    "/desk/figures/overrules",
]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_kept_out(path: str, open_page: Open) -> None:
    assert barriers(open_page(path)) == []
    # the same at 200 per cent
    page = open_page(path, viewport={"width": 640, "height": 360})
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 640, "the page itself never scrolls sideways"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_rule_is_found_by_keyboard(open_page: Open, *, script: bool) -> None:
    page = open_page(BOOK, java_script_enabled=script)
    page.get_by_label("Zoek in regels").focus()
    page.keyboard.type("dottercentrum")
    page.keyboard.press("Enter")
    arrived(page, re.compile(r"q=dottercentrum$"))
    link = page.locator(f"a[href='{BOOK}/stemi-to-pci']")
    link.focus()
    page.keyboard.press("Enter")
    arrived(page, f"{BOOK}/stemi-to-pci")
    expect(page.locator("dl.facts")).to_contain_text("PCI")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_pasted_case_is_compared(open_page: Open, *, script: bool) -> None:
    page = open_page("/desk/rules/try", java_script_enabled=script)
    page.locator("#pasted-old").select_option("acute-nl/1.0.0")
    page.get_by_label("De casus").fill(json.dumps(STEMI))
    page.get_by_label("De casus").press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("section[aria-labelledby=compared]")).to_contain_text("U1")
    page.wait_for_load_state()
    assert "STEMI" not in page.url
    if script:
        assert barriers(page) == []


def test_plots_are_seen_and_their_numbers_can_be_opened(open_page: Open) -> None:
    page = open_page("/desk/figures")
    plots = page.locator("img.plot")
    assert plots.count() >= 3, "of urgencies, days and hours there is one also without a decision"
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        page.wait_for_function("each => each.complete && each.naturalWidth > 0", arg=plots.nth(number).element_handle())
        assert "tabel" in (plots.nth(number).get_attribute("alt") or "")
    page.locator("section[aria-labelledby=f-urgency] summary").press("Enter")
    expect(page.locator("section[aria-labelledby=f-urgency] table")).to_be_visible()
