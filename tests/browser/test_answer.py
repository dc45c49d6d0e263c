"""The page of a decision in a real browser: by keyboard, with and without a script, on paper, and for everybody."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from routing import outcomes
from routing.rights import Asker
from tests.browser.conftest import Open, Served, arrived, barriers, settled, slowed
from tests.desk.conftest import name_of
from tests.desk.decided import ADVISED, ANEURYSM, CRASH, asker_of, decided, recorded

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
    arrived(page, re.compile(r"recorded=accept"))
    expect(page.locator(".outcomes")).to_contain_text("Advies gevolgd")
    assert [each["outcome"] for each in recorded(served.world, about, asker)] == ["accepted"]


def test_who_presses_enter_many_times_follows_the_advice_once(
    open_page: Open, served: Served, asker: Asker, about: str
) -> None:
    page = open_page(f"/desk/decisions/{about}?decided=1", TRIAGIST)
    expect(page.locator("form.accept button")).to_be_focused()
    slowed(page, 1000)  # the first answer is not there yet when the last key is pressed
    for _ in range(3):
        page.keyboard.press("Enter")
    arrived(page, re.compile(r"recorded=accept|under_way"))
    served.at_work.until_done()  # also what the browser gave up, to send it again
    assert [each["outcome"] for each in recorded(served.world, about, asker)] == ["accepted"]


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
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("name", "reason")
    page.keyboard.press("d")
    expect(focused).to_have_attribute("value", "context")
    page.keyboard.press("1")
    expect(focused).to_have_attribute("value", "capacity")
    page.keyboard.press("Tab")
    expect(focused).to_have_attribute("name", "comment")
    page.keyboard.type("1 keer gebeld, d")  # letters in a text choose nothing
    expect(page.locator("input[name=reason]:checked")).to_have_value("capacity")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(focused).to_have_attribute("name", "going")
    page.keyboard.press("Enter")
    arrived(page, re.compile(r"recorded=override"))
    (found,) = recorded(served.world, about, asker)
    assert (found["reason"], found["comment"]) == ("capacity", "1 keer gebeld, d")
    assert found["destination"] not in (None, ADVISED)


def test_a_key_chooses_nothing_outside_the_list(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}#override", TRIAGIST)
    expect(page.locator("#override input[name=reason]").first).to_be_visible()
    page.locator("form.accept button").focus()
    expect(page.locator("form.accept button")).to_be_focused()
    page.keyboard.press("1")
    assert page.locator("input[name=reason]:checked").count() == 0


def test_a_place_that_is_not_advised_is_found_as_one_types(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}", TRIAGIST)
    field = page.locator("#why_not")
    field.click()
    # who types slowly is answered before the end of it as well, and then that answer goes away again
    with page.expect_response(re.compile(r"why_not=diakonessenhuis(\+|%20)zeist$")):
        page.keyboard.type("diakonessenhuis zeist")
    settled(page)
    expect(page.locator("#why-not-found h3", has_text="Zeist").first).to_be_visible()
    expect(field).to_be_focused()
    assert "why_not" not in page.url
    page.locator("#why-not-found summary").first.click()
    expect(page.locator("#why-not-found dl").first).to_be_visible()


def test_a_place_that_is_not_advised_is_found_without_a_script(open_page: Open, about: str) -> None:
    page = open_page(f"/desk/decisions/{about}", TRIAGIST, java_script_enabled=False)
    page.locator("#why_not").fill("diakonessenhuis zeist")
    page.keyboard.press("Enter")
    arrived(page, re.compile(r"why_not=diakonessenhuis\+zeist#why-not"))
    expect(page.locator("#why-not-found h3").first).to_contain_text("Zeist")


def test_a_clock_runs_down_by_the_clock_of_the_server(open_page: Open, served: Served, asker: Asker) -> None:
    page = open_page("/desk", TRIAGIST)
    page.clock.install(time="2031-01-01T00:00:00Z")  # the clock of this computer is wrong
    left = page.locator(".clock .left").first

    def said(words: str, minutes: int, since: datetime) -> None:
        """That of so many minutes, counted at the moment `since`, no more are gone than went by until now."""
        expect(left).to_have_text(re.compile(words.replace("#", r"\d+")))
        shown = int("".join(filter(str.isdigit, left.inner_text())))
        late = ceil((served.world.clock() - since) / timedelta(minutes=1))
        allowed = range(minutes - late, minutes + 1) if "nog" in words else range(minutes, minutes + late + 1)
        assert shown in allowed, left.inner_text()

    began = served.world.clock()
    page.goto(f"/desk/decisions/{decided(served.world, asker)}")
    said("^nog # min$", 61, began)
    page.clock.fast_forward("10:00")
    said("^nog # min$", 51, began)
    began = served.world.clock()
    called = began - timedelta(minutes=90)
    page.goto(f"/desk/decisions/{decided(served.world, asker, called_at=called.isoformat())}")
    said("^# min voorbij$", 15, began)


@pytest.mark.parametrize(
    "case",
    [None, ANEURYSM, CRASH, {**CRASH, "on_the_way": {"heading_to": "diakonessenhuis-zeist"}}],
    ids=["chest pain", "aneurysm", "accident", "accident on the way"],
)
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
def test_who_forgot_something_is_brought_to_it(open_page: Open, about: str, *, script: bool) -> None:
    page = open_page(f"/desk/decisions/{about}", TRIAGIST, expected="422", java_script_enabled=script)
    page.locator("#override > summary").click()
    page.locator("#override textarea").fill("Dit blijft staan.")
    page.locator("#override button.primary").click()
    arrived(page, f"/desk/decisions/{about}/outcome#wrong")
    expect(page.locator("#fault-override-reason")).to_be_visible()
    expect(page.locator("#override #wrong")).to_be_focused()
    expect(page.locator("#override textarea")).to_have_value("Dit blijft staan.")
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
    arrived(page, f"/desk/reception?decision={about}")
    page.get_by_role("button", name="Vastleggen").first.press("Enter")
    arrived(page, re.compile(r"recorded=confirmed"))
    assert [each["event"] for each in recorded(served.world, about, asker)] == ["confirmed"]


def test_cases_are_found_by_keyboard(open_page: Open, about: str) -> None:
    page = open_page("/desk/cases", TRIAGIST)
    page.locator("#urgency").select_option("U1")
    page.locator("#rule").fill("acute-nl/stemi-to-pci")
    page.locator("#rule").press("Enter")
    arrived(page, re.compile(r"urgency=U1&.*rule=acute-nl%2Fstemi-to-pci"))
    page.locator(f'a[href="/desk/decisions/{about}"]').click()
    arrived(page, f"/desk/decisions/{about}")
