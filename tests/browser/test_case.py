"""A new case in a real browser: by keyboard alone, with and without a script, and nothing that was typed is lost."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Dialog, FloatRect, Page, expect

from api.desk.vital_signs import VITALS
from routing import service
from routing.rights import Asker
from tests.browser.conftest import Open, Served, answer_to, arrived, barriers, settled
from tests.desk.conftest import name_of

DECISION = re.compile(r"/desk/decisions/[0-9a-f-]{36}")


def press(page: Page, *keys: str) -> int:
    """Press each of `keys` once; how many that were."""
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def with_complaint(page: Page, typed: str = "hartaanv") -> None:
    expect(page.locator("#complaint")).to_be_focused()
    page.keyboard.type(typed)
    expect(page.locator("#complaint-list [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")


def with_age_and_place(page: Page) -> int:
    """Type both, and wait for the questions that are asked about who is so old and there; how many keys that took."""
    with answer_to(page, "age=67", "place=3511"):
        return press(page, "6", "7", "Tab", "3", "5", "1", "1", "Tab")


def test_a_stemi_is_handled_in_twelve_keystrokes_after_the_complaint(open_page: Open, served: Served) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    expect(page.locator("#complaint")).to_have_value("pijn op de borst")
    count = with_age_and_place(page)
    ecg = page.locator("#q-ecg_st_elevation .digit")
    expect(ecg).to_be_visible()
    count += press(page, ecg.inner_text(), "j")
    expect(page.locator("#preview .urgency")).to_have_text("▲ U1")
    expect(page.locator("#preview .best")).to_contain_text("UMC Utrecht")
    count += press(page, "Control+Enter")
    arrived(page, DECISION)
    expect(page.get_by_role("button", name="Advies volgen")).to_be_focused()
    count += press(page, "Enter")
    arrived(page, re.compile(r"recorded=accept"))
    expect(page.locator("#outcome .outcomes")).to_contain_text("Advies gevolgd")
    assert count == 12
    newest = service.search(served.world, Asker("", "auditor", frozenset({"auditor"})), limit=1)["decisions"][0]
    assert newest["id"] in page.url
    assert (newest["urgency"], newest["outcome"], "stemi" in newest["conditions"]) == ("U1", "accepted", True)


def test_without_a_script_the_same_case_is_decided(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), java_script_enabled=False)
    page.fill("#complaint", "pijn op de borst")
    page.fill("#age", "67")
    page.fill("#place", "3511")
    page.keyboard.press("Enter")
    expect(page.locator("#preview .best")).to_be_visible()
    page.wait_for_load_state()
    page.check("[id='f.ecg_st_elevation-yes']")
    page.get_by_role("button", name="Bijwerken").click()
    expect(page.locator("#preview .urgency")).to_have_text("▲ U1")
    page.get_by_role("button", name="Beslis en leg vast").click()
    arrived(page, DECISION)


def test_an_answer_goes_to_the_question_that_has_the_focus_and_the_focus_stays_on_a_question(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    with_age_and_place(page)
    with answer_to(page, "place=3511", "sex=male"):
        page.keyboard.press("m")
    expect(page.locator("#sex-male")).to_be_checked()
    expect(page.locator("#questions .question").first).to_be_visible()
    page.keyboard.press("1")
    for answer, value in (("j", "yes"), ("n", "no"), ("o", "unknown"), ("n", "no")):
        expect(page.locator(".settling")).to_have_count(0)
        question = page.locator(".question:focus-within")
        fact = question.get_attribute("data-fact")
        if question.locator("input[type=radio]").count() == 0:
            with answer_to(page):
                page.keyboard.press("Enter")
            continue
        with answer_to(page, f"f.{fact}={value}"):
            page.keyboard.press(answer)
        expect(page.locator(f"#known #q-{fact} input:checked")).to_have_value(value)
        expect(page.locator("#questions .question:focus-within")).to_have_count(1)
        expect(page.locator(":focus"), "the focus was lost").to_have_id(re.compile(r"^f\."))


def test_what_is_typed_is_there_after_a_reload_and_in_no_store_of_the_browser(open_page: Open, served: Served) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    press(page, "6", "7", "Tab")
    with answer_to(page, "place=3511"):
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
    expect(page.locator(":focus")).to_have_id("f.heart_rate")
    expect(page.locator("[id='f.heart_rate']")).to_have_value("900")
    page.fill("[id='f.heart_rate']", "112")
    expect(page.locator("#vital-wrong-heart_rate")).to_be_empty()


def test_a_place_is_chosen_by_a_click_on_the_map(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    page.keyboard.type("67")
    page.get_by_text("Plaats op de kaart").click()
    box = page.locator("#on-map .map")
    expect(box.locator('.map-outline path[fill="#fbfaf5"]')).to_be_visible()  # by then it knows how large it is
    expect(box.locator(".town .map-text", has_text="Zwolle")).to_be_visible()  # to find one's way by
    box.click()
    expect(page.locator("#place")).to_have_value(re.compile(r"5[0-3]\.\d{5}, [3-7]\.\d{5}"))
    expect(page.locator("#preview .best")).to_be_visible()
    settled(page)
    assert barriers(page) == []


def test_a_finding_is_added_by_its_name(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with answer_to(page, "find=gierend"):
        page.locator("#find").press_sequentially("gierend")
    expect(page.locator("#find")).to_have_value("gierend")  # whoever thinks halfway can go on
    page.locator("#find").press_sequentially(" geluid bij inademen (stridor)")
    page.keyboard.press("Enter")
    expect(page.locator("#known #q-stridor input:checked")).to_have_value("yes")
    expect(page.locator("#find")).to_have_value("")


def test_who_was_signed_out_is_told_and_finds_the_case_again(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), expected="401")
    with_complaint(page)
    with answer_to(page, "age=67"):
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
    with_age_and_place(page)
    expect(page.locator("#preview .best")).to_be_visible()
    with answer_to(page, "heart_rate=900"):
        page.fill("[id='f.heart_rate']", "900")
    expect(page.locator("#vital-wrong-heart_rate")).not_to_be_empty()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "one has to scroll sideways"


def test_the_button_that_decides_is_on_the_first_screen_however_long_the_advice(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    with_age_and_place(page)
    expect(page.locator("#preview .best")).to_be_visible()
    box = page.locator("#decide").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 720


def test_who_throws_a_case_away_is_asked_and_is_at_the_first_page_again(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    with_age_and_place(page)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        if len(asked) > 1:
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", answer)
    page.get_by_role("button", name="Gooi weg").click()
    expect(page.locator("#age")).to_have_value("67")  # whoever does not mean it keeps everything
    page.get_by_role("button", name="Gooi weg").click()
    arrived(page, re.compile(r"/desk$"))
    assert len(asked) == 2
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("#case")).to_have_count(0)


def test_a_word_that_leads_nowhere_is_said_as_one_types(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.keyboard.type("cva")
    expect(page.locator("#complaint-list [role=option]").first).to_contain_text("neurologische uitval")
    expect(page.locator("#complaint-none")).to_be_hidden()
    page.fill("#complaint", "")
    page.keyboard.type("qqq")
    expect(page.locator("#complaint-none")).to_contain_text("Geen klacht heet zo.")
    assert barriers(page) == []


@pytest.mark.parametrize("key", ["Enter", "Tab"])
def test_who_types_the_whole_name_of_a_complaint_gets_that_one(open_page: Open, key: str) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint_by(page, "buikpijn", key)
    expect(page.locator("#complaint")).to_have_value("buikpijn")  # and not "buikpijn kind"


def with_complaint_by(page: Page, typed: str, key: str) -> None:
    expect(page.locator("#complaint")).to_be_focused()
    page.keyboard.type(typed)
    expect(page.locator("#complaint-list [role=option][aria-selected=true]")).to_have_text(typed)
    page.keyboard.press(key)
    expect(page.locator("#age")).to_be_focused()


def test_where_to_go_stands_in_sight_before_somebody_decides(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint_by(page, "buikpijn", "Enter")
    page.fill("#age", "58")
    page.fill("#place", "4461")
    page.fill("[id='f.systolic_bp']", "84")
    page.fill("[id='f.heart_rate']", "128")
    expect(page.locator("#preview .urgency")).to_have_text("▲ U1")
    expect(page.locator("#preview .warn").first).to_be_visible()
    best, decide = page.locator("#preview .best").bounding_box(), page.locator("#decide").bounding_box()
    assert best is not None
    assert decide is not None
    assert best["y"] + best["height"] < decide["y"] < 720


END_OF_NAME = """label => {
  const written = document.createRange();
  written.selectNode(label.firstChild);
  return written.getBoundingClientRect().right;
}"""
"""Where the short name ends that stands above a vital sign."""


def boxes_of(page: Page, selector: str) -> list[FloatRect]:
    """Where each element stands."""
    found = [each.bounding_box() for each in page.locator(selector).all()]
    return [box for box in found if box is not None]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("size", ["laptop", "tablet"])
def test_the_vital_signs_stand_in_one_row_in_the_order_of_abcde(size: str, language: str, open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), **SIZES[size])
    if language == "en":
        page.get_by_role("button", name="English").click()
    fields, labels = boxes_of(page, ".vital :is(input, select)"), boxes_of(page, ".vital label")
    named = [each.get_attribute("name") for each in page.locator(".vital :is(input, select)").all()]
    assert named == [f"f.{name}" for name in VITALS]
    assert len({box["y"] for box in fields}) == len({box["y"] for box in labels}) == 1
    assert all(left["x"] + left["width"] < right["x"] for left, right in pairwise(fields))
    assert all(box["width"] >= 44 for box in fields)  # four figures fit: 38,4
    ends = [each.evaluate(END_OF_NAME) for each in page.locator(".vital label").all()]
    assert all(end <= box["x"] + box["width"] for end, box in zip(ends, labels, strict=True)), "a name does not fit"


def test_who_stands_on_a_vital_sign_reads_its_name_its_unit_and_what_is_allowed(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.get_by_role("radio", name="vrouw").focus()
    page.keyboard.press("c")
    expect(page.get_by_role("textbox", name="pols hartslag")).to_be_focused()
    assert boxes_of(page, ".vital:focus-within .about")[0]["width"] > 100
    about = page.locator(".vital:focus-within .about")
    expect(about).to_have_text(re.compile(r"hartslag\s+Toegestaan: 0 - 350 /min\."))
    page.get_by_role("radio", name="vrouw").focus()
    page.keyboard.press("d")
    expect(page.get_by_role("combobox", name="AVPU bewustzijn (AVPU)")).to_be_focused()
    page.keyboard.press("v")
    expect(page.locator("[id='f.avpu']")).to_have_value("V")


def test_which_vital_signs_could_change_the_advice_follows_what_is_filled_in(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    expect(page.locator(".vital .wanted")).to_have_count(0)
    with_complaint(page)
    with_age_and_place(page)
    expect(page.locator("#v-heart_rate label")).to_have_text(re.compile("gevraagd"))
    with answer_to(page, "heart_rate=900"):
        page.fill("[id='f.heart_rate']", "900")
    expect(page.locator("[id='f.heart_rate']")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#v-heart_rate label")).not_to_have_text(re.compile("gevraagd"))
    with answer_to(page, "heart_rate=90"):
        page.fill("[id='f.heart_rate']", "90")
    expect(page.locator("[id='f.heart_rate']")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("enkel", "trauma arm of been"),
        ("buikp", "buikpijn"),
        ("hand", "trauma arm of been"),
        ("verslikt", "reanimatie volwassene"),
        ("hartaanv", "pijn op de borst"),
    ],
)
def test_the_first_complaint_of_the_list_is_one_of_which_a_word_begins_so(
    typed: str, chosen: str, open_page: Open
) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.keyboard.type(typed)
    expect(page.locator("#complaint-list [role=option]", has_text=chosen).first).to_be_visible()
    first = page.locator("#complaint-list [role=option][aria-selected=true]")
    expect(first).not_to_have_text(re.compile("geweld|kind"))


def test_what_is_found_in_the_middle_of_a_word_is_never_taken_unasked(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.keyboard.type("renkel")  # of drenkeling
    expect(page.locator("#complaint-list [role=option]")).to_have_text(re.compile("^reanimatie kind"))
    expect(page.locator("#complaint-unsure")).to_be_visible()
    assert barriers(page) == []
    press(page, "Enter")
    expect(page.locator("#complaint")).to_have_value("renkel")
    press(page, "ArrowDown", "Enter")
    expect(page.locator("#complaint")).to_have_value(re.compile("^reanimatie kind"))


def test_an_arrow_goes_from_the_first_complaint_to_the_second(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.keyboard.type("hart")
    options = page.locator("#complaint-list [role=option]")
    expect(options.first).to_have_attribute("aria-selected", "true")
    second = options.nth(1).get_attribute("data-label")
    press(page, "ArrowDown", "Enter")
    expect(page.locator("#complaint")).to_have_value(str(second))


def test_a_complaint_of_a_child_is_pointed_out_for_an_adult(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page, "buikpijn kind")
    page.fill("#age", "72")
    expect(page.locator("#preview .warn", has_text="andere leeftijd")).to_contain_text("“buikpijn”")
    page.fill("#age", "8 mnd")
    expect(page.locator("#preview .warn", has_text="andere leeftijd")).to_have_count(0)


def test_letters_lead_from_the_row_to_its_other_letters_and_stand_in_no_number(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    with_age_and_place(page)
    page.locator("[id='f.avpu']").focus()
    press(page, "c")
    expect(page.locator("[id='f.heart_rate']")).to_be_focused()
    expect(page.locator("[id='f.avpu']")).to_have_value("")
    press(page, "x", "9", "E")  # also with Caps Lock
    expect(page.locator("[id='f.temperature']")).to_be_focused()
    expect(page.locator("[id='f.heart_rate']")).to_have_value("9")
    page.get_by_text("Plaats op de kaart").focus()
    press(page, "B")
    expect(page.locator("[id='f.respiratory_rate']")).to_be_focused()


def test_a_key_says_unknown_also_where_a_number_or_a_time_is_asked(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    with_age_and_place(page)
    onset = page.locator("#questions #q-onset_at")
    expect(onset).to_be_visible()
    page.locator("[id='f.onset_at']").focus()
    press(page, "b")
    expect(page.locator("[id='f.respiratory_rate']")).to_be_focused()
    page.locator("[id='f.onset_at']").focus()
    with answer_to(page, "onset_at=onbekend"):
        press(page, "o")
    expect(page.locator("#known #q-onset_at input")).to_have_value("onbekend")
    expect(page.locator("#preview .fault")).to_have_count(0)
    with answer_to(page, "heart_rate=90"):
        page.fill("[id='f.heart_rate']", "90")
    expect(page.locator("#known #q-onset_at input"), "it is not asked again").to_have_value("onbekend")


def test_nu_becomes_the_minute_of_the_server_in_the_field(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    with_complaint(page)
    with_age_and_place(page)
    called = page.locator("#called_at")
    called.press_sequentially("nu")
    expect(called).to_have_value(re.compile(r"^\d\d:\d\d$"))
    written = called.input_value()
    with answer_to(page, "heart_rate=90"):
        page.fill("[id='f.heart_rate']", "90")
    expect(called).to_have_value(written)
    expect(page.locator("#wrong-called_at")).to_be_empty()
