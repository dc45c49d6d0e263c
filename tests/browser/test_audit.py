"""An auditor in a real browser: from an id to `identiek` and `bewijs klopt`, by keyboard, with and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from routing import service
from tests.browser.conftest import Open, Served, arrived, barriers, settled
from tests.desk.audited import asked_by, decide
from tests.desk.conftest import name_of
from tests.service.conftest import kept_record, replace_record

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
"""Nobody has to scroll sideways."""

ZOOMED = {"viewport": {"width": 640, "height": 360}}


@pytest.fixture(scope="module")
def decided(served: Served) -> str:
    """The id of a decision; somebody searched and found several, so that one access is about more than one."""
    asker = asked_by(served.world)
    made, *_ = (decide(served.world, asker, reference="ZCC-5") for _ in range(3))
    service.search(served.world, asker)
    return made


def tab_to(page: Page, name: str) -> None:
    """Go by Tab until what has this name has the focus, as far as a page is."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_auditor_comes_from_an_id_to_identical_and_proven_by_keyboard(
    open_page: Open, decided: str, *, script: bool
) -> None:
    page = open_page("/desk/audit", name_of("auditor"), java_script_enabled=script)
    expect(page.locator("#decision")).to_be_focused()
    page.keyboard.type(decided)
    page.keyboard.press("Enter")
    arrived(page, f"/desk/audit/{decided}")
    tab_to(page, "Reken na")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Identiek, tot op de laatste byte.")).to_be_visible()
    settled(page)
    if not script:
        page.wait_for_load_state()
        tab_to(page, "Terug naar het bewijs van deze beslissing")
        page.keyboard.press("Enter")
        arrived(page, f"/desk/audit/{decided}")
    tab_to(page, "Controleer het bewijs")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Bewijs klopt: alles wat te controleren was, klopt.")).to_be_visible()


def test_the_focus_stays_where_it_was_when_an_answer_comes_in(open_page: Open, decided: str) -> None:
    page = open_page(f"/desk/audit/{decided}", name_of("auditor"))
    button = page.get_by_role("button", name="Reken na")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#replayed .verdict")).to_be_visible()
    expect(button).to_be_focused()
    assert page.url.endswith(f"/desk/audit/{decided}")


def test_a_session_that_ended_meanwhile_is_said_on_the_page(open_page: Open, decided: str) -> None:
    page = open_page(f"/desk/audit/{decided}", name_of("auditor"), expected="401")
    page.context.clear_cookies()
    page.get_by_role("button", name="Reken na").click()
    expect(page.locator("#ended")).to_contain_text("verlopen")
    expect(page.get_by_role("link", name="Meld u weer aan")).to_be_visible()


@pytest.fixture(scope="module")
def short(served: Served) -> str:
    """A decision with every part of a record, and few of the hundreds of places in it, which are alike:
    to look at each of them as axe does takes a minute."""
    made = decide(served.world, asked_by(served.world))
    record = kept_record(served.world, made)
    del record["result"]["ruled_out"][3:], record["result"]["alternatives"][2:]
    replace_record(served.world, record)
    return made


@pytest.mark.parametrize("part", ["", "/record", "/rules?q=stemi"])
def test_nobody_is_kept_out_by_the_evidence(part: str, open_page: Open, decided: str, short: str) -> None:
    for size in ({}, ZOOMED):
        page = open_page(f"/desk/audit/{short if part == '/record' else decided}{part}", name_of("auditor"), **size)
        if not part:
            page.get_by_role("button", name="Reken na").click()
            expect(page.locator("#replayed .verdict")).to_be_visible()
            page.get_by_role("button", name="Controleer het bewijs").click()
            expect(page.locator("#proven .verdict")).to_be_visible()
            settled(page)
        assert barriers(page) == []
        assert page.evaluate(FITS)
        page.goto(f"/desk/audit/{decided}{part}")
        assert page.evaluate(FITS)


@pytest.mark.parametrize("path", ["/desk/audit", "/desk/accesses", "/desk/audit/compare"])
def test_nobody_is_kept_out_by_the_pages_of_an_auditor(path: str, open_page: Open, decided: str) -> None:
    for size in ({}, ZOOMED):
        page = open_page(path, name_of("auditor"), **size)
        assert barriers(page) == []
        assert page.evaluate(FITS)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_comparison_is_made_by_keyboard_and_its_plots_are_seen(
    open_page: Open, decided: str, *, script: bool
) -> None:
    page = open_page("/desk/audit/compare", name_of("auditor"), java_script_enabled=script)
    page.locator("#ruleset").focus()
    tab_to(page, "Vergelijk")
    page.keyboard.press("Enter")
    expect(page.locator("#result h2")).to_contain_text("had gegolden")
    page.wait_for_load_state()
    plot = page.locator("img.plot").last
    expect(plot).to_be_visible()
    if script:
        assert plot.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
        assert barriers(page) == []


def test_a_patient_gets_an_overview_that_can_be_printed(open_page: Open, decided: str) -> None:
    page = open_page("/desk/accesses", name_of("auditor"))
    page.get_by_label("Kenmerk van de casus", exact=True).fill("ZCC-5")
    page.keyboard.press("Enter")
    expect(page.locator(".patient-view article").first).to_be_visible()
    page.wait_for_load_state()
    assert "ZCC-5" not in page.url
    assert barriers(page) == []
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".patient-view article").first).to_be_visible()
