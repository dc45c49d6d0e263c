"""Signing in with a real browser: by keyboard, with and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, arrived, barriers
from tests.desk.conftest import name_of
from tests.people import PASSWORD


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_triagist_signs_in_by_keyboard_and_out_again(open_page: Open, *, script: bool) -> None:
    page = open_page("/desk", None, java_script_enabled=script)
    arrived(page, "/desk/sign-in?next=/desk")
    expect(page.locator("#user")).to_be_focused()
    page.keyboard.type(name_of("triagist"))
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    arrived(page, "/desk")
    expect(page.locator(".who")).to_have_text(name_of("triagist"))
    page.get_by_role("button", name="Afmelden").click()
    arrived(page, "/desk/sign-in?ended=1")


@pytest.mark.parametrize("path", ["/desk/sign-in", "/desk/password"])
def test_nobody_is_kept_out_by_the_door(path: str, open_page: Open) -> None:
    for zoomed in ({}, {"viewport": {"width": 640, "height": 360}}):
        assert barriers(open_page(path, None, **zoomed)) == []


def test_nobody_is_kept_out_by_the_first_page(open_page: Open) -> None:
    assert barriers(open_page("/desk")) == []
