"""A new case in a real browser: by keyboard alone, with and without a script, and nothing that was typed is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from routing import service
from routing.rights import Asker
from tests.browser.conftest import Open, Served, barriers
from tests.desk.conftest import name_of

DECISION = re.compile(r"/desk/decisions/[0-9a-f-]{36}")


def press(page: Page, *keys: str) -> int:
    """Press each of `keys` once; how many that were."""
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.id")
    return found


def with_complaint(page: Page, typed: str = "hartaanv") -> None:
    page.keyboard.type(typed)
    expect(page.locator("#complaint-list [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")


def test_a_stemi_is_handled_in_twelve_keystrokes_after_the_complaint(open_page: Open, served: Served) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    expect(page.locator("#complaint")).to_have_value("pijn op de borst")
    count = press(page, "6", "7", "Tab", "3", "5", "1", "1", "Tab")
    ecg = page.locator("#q-ecg_st_elevation .digit")
    expect(ecg).to_be_visible()
    count += press(page, ecg.inner_text(), "j")
    expect(page.locator("#preview .urgency")).to_have_text("▲ U1")
    expect(page.locator("#preview .best")).to_contain_text("UMC Utrecht")
    count += press(page, "Control+Enter")
    page.wait_for_url(DECISION)
    expect(page.get_by_role("button", name="Advies volgen")).to_be_focused()
    count += press(page, "Enter")
    expect(page.locator("#outcome .outcomes")).to_contain_text("vastgelegd")
    assert count == 12
    newest = service.search(served.world, Asker("", "auditor", frozenset({"auditor"})), limit=1)["decisions"][0]
    assert (newest["urgency"], newest["outcome"], "stemi" in newest["conditions"]) == ("U1", "accepted", True)


def test_without_a_script_the_same_case_is_decided(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), java_script_enabled=False)
    page.fill("#complaint", "pijn op de borst")
    page.fill("#age", "67")
    page.fill("#place", "3511")
    page.keyboard.press("Enter")
    page.check("[id='f.ecg_st_elevation-yes']")
    page.get_by_role("button", name="Bijwerken").click()
    expect(page.locator("#preview .urgency")).to_have_text("▲ U1")
    page.get_by_role("button", name="Beslis en leg vast").click()
    page.wait_for_url(DECISION)


def test_an_answer_goes_to_the_question_that_has_the_focus_and_the_focus_stays_on_a_question(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    press(page, "6", "7", "Tab", "3", "5", "1", "1", "Tab", "m")
    expect(page.locator("#sex-male")).to_be_checked()
    expect(page.locator("#questions .question").first).to_be_visible()
    page.keyboard.press("1")
    for answer, value in (("j", "yes"), ("n", "no"), ("o", "unknown"), ("n", "no")):
        expect(page.locator(".settling")).to_have_count(0)
        question = page.locator(".question:focus-within")
        fact = question.get_attribute("data-fact")
        if question.locator("input[type=radio]").count() == 0:
            page.keyboard.press("Enter")
            continue
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.keyboard.press(answer)
        expect(page.locator(f"#known #q-{fact} input:checked")).to_have_value(value)
        expect(page.locator("#questions .question:focus-within")).to_have_count(1)
        assert focused(page).startswith("f."), "the focus was lost"


def test_what_is_typed_is_there_after_a_reload_and_in_no_store_of_the_browser(open_page: Open, served: Served) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    press(page, "6", "7", "Tab")
    with page.expect_response(
        lambda response: response.request.method == "POST" and "3511" in response.request.post_data
    ):
        page.keyboard.type("3511")
    page.reload()
    expect(page.locator("#complaint")).to_have_value("pijn op de borst")
    expect(page.locator("#place")).to_have_value("3511")
    kept = page.evaluate("[Object.entries(localStorage), Object.values(sessionStorage), document.cookie]")
    assert kept == [[], [page.url.removeprefix(served.url)], ""]  # htmx notes the address, which says nothing


def test_a_vital_sign_that_cannot_be_is_said_at_once_and_kept_in_its_field(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    press(page, "6", "7", "Tab", "3", "5", "1", "1")
    page.fill("[id='f.heart_rate']", "900")
    expect(page.locator("#vital-wrong-heart_rate")).to_contain_text("0 - 350 /min")
    assert focused(page) == "f.heart_rate"
    expect(page.locator("[id='f.heart_rate']")).to_have_value("900")
    page.fill("[id='f.heart_rate']", "112")
    expect(page.locator("#vital-wrong-heart_rate")).to_be_empty()


def test_a_place_is_chosen_by_a_click_on_the_map(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    page.keyboard.type("67")
    page.get_by_text("Plaats op de kaart").click()
    box = page.locator("#on-map .map")
    expect(box).to_be_visible()
    box.click()
    expect(page.locator("#place")).to_have_value(re.compile(r"5[0-3]\.\d{5}, [3-7]\.\d{5}"))
    expect(page.locator("#preview .best")).to_be_visible()
    assert barriers(page) == []


def test_a_finding_is_added_by_its_name(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.fill("#find", "gierend geluid bij inademen (stridor)")
    page.keyboard.press("Enter")
    expect(page.locator("#known #q-stridor input:checked")).to_have_value("yes")
    expect(page.locator("#find")).to_have_value("")


def test_who_was_signed_out_is_told_and_finds_the_case_again(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), expected="401")
    with_complaint(page)
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.fill("#age", "67")
    page.context.clear_cookies()
    page.fill("#place", "3511")
    expect(page.locator("#ended")).to_contain_text("Uw aanmelding is verlopen")
    expect(page.locator("#place")).to_have_value("3511")
    assert (
        page.locator("#ended a").get_attribute("href")
        == f"/desk/sign-in?next={page.url.partition('/desk')[1]}" + (page.url.partition("/desk")[2])
    )


SIZES = {
    "laptop": {"viewport": {"width": 1280, "height": 720}},
    "zoomed": {"viewport": {"width": 640, "height": 360}},
    "tablet": {"viewport": {"width": 820, "height": 1180}, "has_touch": True},
}


@pytest.mark.parametrize("size", SIZES)
def test_nobody_is_kept_out_of_a_new_case(size: str, open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), **SIZES[size])
    assert barriers(page) == []
    with_complaint(page)
    press(page, "6", "7", "Tab", "3", "5", "1", "1", "Tab")
    expect(page.locator("#preview .best")).to_be_visible()
    page.fill("[id='f.heart_rate']", "900")
    expect(page.locator("#vital-wrong-heart_rate")).not_to_be_empty()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "one has to scroll sideways"


def test_the_button_that_decides_is_on_the_first_screen_however_long_the_advice(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    press(page, "6", "7", "Tab", "3", "5", "1", "1", "Tab")
    expect(page.locator("#preview .best")).to_be_visible()
    box = page.locator("#decide").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 720
