"""The page of a decision in a real browser: by keyboard, with and without a script, on paper, and for everybody."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from routing import outcomes
from routing.rights import Asker
from tests.browser.conftest import Open, Served, barriers
from tests.desk.conftest import name_of
from tests.desk.decided import ADVISED, CRASH, asker_of, decided, recorded
from tests.people import PASSWORD

ZOOMED = {"viewport": {"width": 640, "height": 360}}
TRIAGIST = name_of("triagist")


@pytest.fixture(scope="module")
def asker(served: Served) -> Asker:
    return asker_of(served.world)


@pytest.fixture
def about(served: Served, asker: Asker) -> str:
    """A decision of which nothing was recorded."""
    return decided(served.world, asker)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_enter_follows_the_advice(open_page: Open, served: Served, asker: Asker, about: str, *, script: bool) -> None:
    page = open_page(f"/desk/decisions/{about}?decided=1", TRIAGIST, java_script_enabled=script)
    expect(page.locator("form.accept button")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"recorded=accept"))
    assert "Advies gevolgd" in page.locator(".outcomes").inner_text()
    assert [each["outcome"] for each in recorded(served.world, about, asker)] == ["accepted"]


def test_who_presses_enter_many_times_follows_the_advice_once(
    open_page: Open, served: Served, asker: Asker, about: str
) -> None:
    page = open_page(f"/desk/decisions/{about}?decided=1", TRIAGIST)
    page.locator("form.accept button").dblclick(no_wait_after=True)
    page.wait_for_url(re.compile(r"recorded=accept|under_way"))
    assert len(recorded(served.world, about, asker)) == 1


def test_the_advice_stands_on_the_first_screen(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}?decided=1", TRIAGIST)
    for part in ("header.verdict h1", ".warnings", ".advice .place", "form.accept button"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 720, part


def test_another_decision_is_made_by_keyboard_alone(open_page: Open, served: Served, asker: Asker, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}?decided=1", TRIAGIST)
    expect(page.locator("form.accept button")).to_be_focused()
    page.keyboard.press("Tab")  # who decides
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # decide otherwise
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.press("d")
    assert page.evaluate("document.activeElement.value") == "context"
    page.keyboard.press("1")
    assert page.evaluate("document.activeElement.value") == "capacity"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "comment"
    page.keyboard.type("1 keer gebeld, d")  # letters in a text choose nothing
    assert page.locator("input[name=reason]:checked").get_attribute("value") == "capacity"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "going"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"recorded=override"))
    (found,) = recorded(served.world, about, asker)
    assert (found["reason"], found["comment"]) == ("capacity", "1 keer gebeld, d")
    assert found["destination"] not in (None, ADVISED)


def test_a_key_chooses_nothing_outside_the_list(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}#override", TRIAGIST)
    page.locator("form.accept button").focus()
    page.keyboard.press("1")
    assert page.locator("input[name=reason]:checked").count() == 0


def test_a_place_that_is_not_advised_is_found_as_one_types(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}", TRIAGIST)
    field = page.locator("#why_not")
    field.click()
    page.keyboard.type("diakonessenhuis zeist")
    page.locator("#why-not-found h3", has_text="Zeist").wait_for()
    assert page.evaluate("document.activeElement.id") == "why_not"
    assert "why_not" not in page.url
    page.locator("#why-not-found summary").first.click()
    assert page.locator("#why-not-found dl").first.is_visible()


def test_a_place_that_is_not_advised_is_found_without_a_script(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}", TRIAGIST, java_script_enabled=False)
    page.locator("#why_not").fill("diakonessenhuis zeist")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"why_not=diakonessenhuis\+zeist#why-not"))
    assert "Zeist" in page.locator("#why-not-found h3").first.inner_text()


def test_a_clock_runs_down_by_the_clock_of_the_server(
    open_page: Open, about: str, served: Served, asker: Asker
) -> None:
    page = open_page("/desk", TRIAGIST)
    page.clock.install(time="2031-01-01T00:00:00Z")  # the clock of this computer is wrong
    page.goto(f"/desk/decisions/{about}")
    left = page.locator(".clock .left").first
    assert left.inner_text() in ("nog 60 min", "nog 61 min")
    page.clock.fast_forward("10:00")
    assert left.inner_text() in ("nog 50 min", "nog 51 min")
    called = served.world.clock() - timedelta(minutes=90)
    page.goto(f"/desk/decisions/{decided(served.world, asker, called_at=called.isoformat())}")
    assert left.inner_text() in ("15 min voorbij", "16 min voorbij")


@pytest.mark.parametrize("case", [None, CRASH], ids=["chest pain", "accident"])
def test_the_sheet_is_one_page_of_paper(
    open_page: Open, served: Served, asker: Asker, tmp_path: Path, case: dict[str, object] | None
) -> None:
    about = decided(served.world, asker, case)
    body = {"outcome": "overridden", "by": "doctor", "reason": "context", "comment": "x" * 500, "destination": None}
    outcomes.record_outcome(served.world, about, body, asker)
    for language in ("nl", "en"):
        page = open_page("/desk", TRIAGIST)
        page.context.add_cookies([{"name": "wegwijs-language", "value": language, "url": f"{served.url}/desk"}])
        page.goto(f"/desk/decisions/{about}/handover")
        written = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page[^s]", written)) == 1
        page.emulate_media(media="print")
        assert not page.locator("nav").first.is_visible()
        assert page.locator(".sheet").is_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_who_forgot_something_is_brought_to_it(browser: Browser, served: Served, about: str, *, script: bool) -> None:
    zoomed = {"width": 1280, "height": 720}
    with browser.new_context(base_url=served.url, viewport=zoomed, java_script_enabled=script) as context:
        context.request.post("/desk/sign-in", form={"user": TRIAGIST, "password": PASSWORD}, max_redirects=0)
        page = context.new_page()
        page.goto(f"/desk/decisions/{about}")
        page.locator("#override > summary").click()
        page.locator("#override textarea").fill("Dit blijft staan.")
        page.locator("#override button.primary").click()
        page.locator("#fault-override-reason").wait_for()
        expect(page.locator("#override #wrong")).to_be_focused()
        assert page.locator("#override textarea").input_value() == "Dit blijft staan."
        page.keyboard.press("Tab")
        expect(page.locator("#override input[name=reason]").first).to_be_focused()
        if script:
            assert barriers(page) == []


@pytest.mark.parametrize("size", [{}, ZOOMED], ids=["laptop", "zoomed"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_nobody_is_kept_out_of_a_decision(
    size: dict[str, Any], open_page: Open, served: Served, asker: Asker, *, script: bool
) -> None:
    old = decided(served.world, asker)
    body = {"outcome": "overridden", "by": "doctor", "reason": "context", "comment": "x", "destination": None}
    outcomes.record_outcome(served.world, old, body, asker)
    decided(served.world, asker, supersedes=old)
    fresh = decided(served.world, asker, CRASH)
    paths = [f"/desk/decisions/{fresh}?why_not=utrecht", f"/desk/decisions/{fresh}/handover"]
    paths += [
        f"/desk/decisions/{old}",
        f"/desk/decisions/{old}/timeline",
        "/desk/cases",
        f"/desk/reception?decision={old}",
    ]
    page = open_page(paths[0], java_script_enabled=script, **size)
    for path in paths:
        page.goto(path)
        if script:
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            assert barriers(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_a_place_answers_by_keyboard(open_page: Open, served: Served, asker: Asker, about: str) -> None:
    page = open_page("/desk/reception", name_of("facility"))
    expect(page.locator("#decision")).to_be_focused()
    page.keyboard.type(about)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Vastleggen").first.press("Enter")
    page.wait_for_url(re.compile(r"recorded=confirmed"))
    assert [each["event"] for each in recorded(served.world, about, asker)] == ["confirmed"]


def test_cases_are_found_by_keyboard(open_page: Open, about: str) -> None:
    page = open_page("/desk/cases", TRIAGIST)
    page.locator("#urgency").select_option("U1")
    page.locator("#urgency").press("Enter")
    page.locator("#rule").fill("acute-nl/stemi-to-pci")
    page.locator("#rule").press("Enter")
    page.wait_for_url(re.compile(r"rule=acute-nl%2Fstemi-to-pci"))
    page.locator(f'a[href="/desk/decisions/{about}"]').click()
    page.wait_for_url(re.compile(about))
