"""A triagist under stress on a bad network: nothing that was answered is lost, and nothing is decided twice."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from routing import case_file, service
from routing.rights import Asker
from tests.browser.conftest import Open, Served, answer_to, arrived, slowed
from tests.browser.test_case import DECISION, press, with_age_and_place, with_complaint
from tests.desk.conftest import name_of

AUDITOR = Asker("", "auditor", frozenset({"auditor"}))
ANSWERS = {"j": "yes", "n": "no", "o": "unknown"}

HERE = """(() => {
  const field = document.activeElement, question = field.closest("#questions .question");
  return question && [question.dataset.fact, field.type, question.classList.contains("settling")];
})()"""
"""The question that has the focus: the fact, the kind of field, and whether it came under the fingers just now."""

REMEMBER = """(() => {
  window.answered = [];
  document.addEventListener("keydown", ({ target, key }) => {
    const question = target.closest("#asked .question");
    if (!question || target.type !== "radio" || question.classList.contains("settling")) return;
    if (question.querySelector(`[data-key="${key}"]`)) window.answered.push([question.dataset.fact, key]);
  }, true);
})()"""
"""Note which question each key answers, at the moment that it is pressed: before and after it an answer of the server
may put another one there."""


def asked(page: Page) -> None:
    """Fill in enough to be asked questions, and go to the first."""
    with_complaint(page)
    with_age_and_place(page)
    expect(page.locator("#questions .question").first).to_be_visible()
    expect(page.locator("#preview .best")).to_be_visible()
    page.keyboard.press("1")


def decisions(served: Served) -> set[str]:
    """The newest, when everything that was asked for is done."""
    served.at_work.until_done()
    return {each["id"] for each in service.search(served.world, AUDITOR, limit=200)["decisions"]}


@pytest.mark.parametrize("latency_ms", [500, 1500])
def test_every_answer_stays_with_its_question_however_late_the_server_answers(latency_ms: int, open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    page.evaluate(REMEMBER)
    slowed(page, latency_ms)
    for number in range(60):
        here: list[Any] | None = page.evaluate(HERE)
        if len(page.evaluate("window.answered")) == 12 or page.evaluate("document.activeElement.id") == "decide":
            break
        if here is None or here[2]:  # an answer came in between, and took the question away or to what is known
            expect(page.locator(".settling")).to_have_count(0)
            page.keyboard.press("1")
            page.wait_for_timeout(50)  # no faster than somebody who looks where the focus is
            continue
        page.keyboard.press("jno"[number % 3] if here[1] == "radio" else "Enter" if here[1] == "text" else "Tab")
    said: dict[str, str] = {fact: ANSWERS[key] for fact, key in page.evaluate("window.answered")}
    for fact, value in said.items():
        expect(page.locator(f"#known #q-{fact} input:checked")).to_have_value(value)
    assert len(said) > 5


def test_who_decides_twice_while_an_answer_is_under_way_decides_once_with_all_that_was_said(
    open_page: Open, served: Served
) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    before = decisions(served)
    fact = page.evaluate(HERE)[0]
    under_way: list[Route] = []
    page.route("**/cases/new/*", lambda route: route.continue_() if under_way else under_way.append(route))
    with page.expect_request("**/cases/new/*"):
        page.keyboard.press("j")
    page.fill("[id='f.heart_rate']", "133")
    press(page, "Control+Enter", "Control+Enter")
    page.fill("[id='f.spo2']", "91")  # too late for the decision, and must not take its place
    press(page, "Tab")
    under_way[0].continue_()
    arrived(page, DECISION)
    (made,) = decisions(served) - before
    seen = case_file.decision_file(served.world, made, AUDITOR)["case"]["observations"]
    assert (seen[fact], seen["heart_rate"]) == (True, 133)
    page.go_back()
    arrived(page, re.compile(rf"/desk/decisions/{made}$"))  # a case that was decided is no form again


def test_what_is_typed_after_somebody_decided_makes_no_second_decision(open_page: Open, served: Served) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    before = decisions(served)
    deciding: list[Route] = []

    def hold(route: Route) -> None:
        if "do=decide" in (route.request.post_data or ""):
            deciding.append(route)
            if len(deciding) == 1:
                return
        route.continue_()

    page.route("**/cases/new/*", hold)
    with page.expect_request(lambda request: "do=decide" in (request.post_data or "")):
        press(page, "Control+Enter")
    page.fill("[id='f.spo2']", "91")
    press(page, "Tab", "Control+Enter")
    page.wait_for_timeout(300)  # longer than what is typed waits before it is sent
    deciding[0].continue_()
    arrived(page, DECISION)
    (made,) = decisions(served) - before
    assert len(deciding) == 1
    assert "spo2" not in case_file.decision_file(served.world, made, AUDITOR)["case"]["observations"]


def test_what_is_typed_after_a_refused_decision_decides_nothing(open_page: Open, served: Served) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    before = decisions(served)
    with answer_to(page, "heart_rate=700"):
        page.fill("[id='f.heart_rate']", "700")
    page.locator("[id='f.heart_rate']").focus()
    press(page, "Control+Enter")
    expect(page.locator("#preview .fault", has_text="Er is nog niet besloten")).to_be_visible()
    page.locator("[id='f.heart_rate']").select_text()
    for key in "72":
        with answer_to(page, "heart_rate=7"):
            press(page, key)
    expect(page.locator("#vital-wrong-heart_rate")).to_be_empty()
    page.locator("#decide").focus()  # to stand on the button is not to press it
    with answer_to(page, "spo2=95"):
        page.evaluate(SAY_SPO2)
    assert decisions(served) == before
    assert "/cases/new/" in page.url
    press(page, "Control+Enter")
    arrived(page, DECISION)
    (made,) = decisions(served) - before
    assert case_file.decision_file(served.world, made, AUDITOR)["case"]["observations"]["heart_rate"] == 72


SAY_SPO2 = """(() => {
  const field = document.getElementById("f.spo2");
  field.value = "95";
  field.dispatchEvent(new Event("change", { bubbles: true }));
})()"""


def test_a_fact_that_was_added_adds_no_other_by_itself(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    find = page.locator("#find")
    find.fill("braken")
    press(page, "Enter")
    expect(page.locator("#known #q-vomiting")).to_be_visible()
    expect(find).to_have_value("")
    with answer_to(page, "find=hoofdpijn"):
        find.press_sequentially("hoofdpijn")
    expect(page.locator("#known #q-headache")).to_have_count(0)
    expect(find).to_have_value("hoofdpijn")


def test_after_a_late_answer_the_focus_is_on_what_is_still_asked_and_never_on_what_was_answered(
    open_page: Open,
) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    slowed(page, 1500)
    first = page.evaluate(HERE)[0]
    for _ in range(page.locator("#questions > .question").count() + 1):
        here = page.evaluate(HERE)
        page.keyboard.press("n" if here is not None and here[1] == "radio" else "Enter")
        page.wait_for_timeout(50)  # no faster than somebody who looks where the focus is
    expect(page.locator(f"#known #q-{first} input:checked")).to_have_value("no")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".settling")).to_have_count(0)
    expect(page.locator("#questions .question:focus-within, #decide:focus")).to_have_count(1)


def test_who_decides_by_key_need_not_look_where_the_focus_is(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    asked(page)
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Control+Enter")
    arrived(page, DECISION)


def test_a_server_that_is_away_is_said_and_what_was_typed_reaches_it_when_it_is_back(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), expected=("ERR_", "htmx:"))
    asked(page)

    def broken(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/cases/new/*", broken)
    page.fill("[id='f.heart_rate']", "133")
    expect(page.locator("#ended")).to_contain_text("De server antwoordt niet")
    expect(page.locator("#questions .question").first).to_be_visible()
    page.unroute("**/cases/new/*", broken)
    expect(page.locator("#ended")).to_be_empty()
    page.reload()
    expect(page.locator("[id='f.heart_rate']")).to_have_value("133")


def test_what_goes_wrong_is_said_above_the_form_and_takes_nothing_away(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"), expected="503")
    asked(page)
    said = {"HX-Retarget": "#ended", "HX-Reswap": "innerHTML", "HX-Reselect": "p", "Content-Type": "text/html"}
    page.route("**/cases/new/*", lambda route: route.fulfill(status=503, headers=said, body="<p>Geen opslag.</p>"))
    page.fill("[id='f.heart_rate']", "133")
    expect(page.locator("#ended")).to_have_text("Geen opslag.")
    expect(page.locator("#questions .question").first).to_be_visible()
    expect(page.locator("[id='f.heart_rate']")).to_have_value("133")


def idle_page(open_page: Open) -> Page:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.clock.install()
    page.reload()
    with answer_to(page, "age=67"):
        page.fill("#age", "67")
        page.clock.run_for(1000)
    expect(page.locator("#preview")).to_contain_text("Plaats")
    expect(page.locator("#preview")).not_to_contain_text("Leeftijd")
    return page


def test_who_is_away_is_asked_and_staying_is_one_key(open_page: Open) -> None:
    page = idle_page(open_page)
    seconds = int(page.evaluate("document.body.dataset.idleSeconds"))
    page.clock.run_for((seconds - 100) * 1000)
    expect(page.locator("#idle")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#idle")).to_be_hidden()
    expect(page.locator("#age")).to_have_value("67")


def test_the_warning_itself_is_no_sign_that_somebody_is_there(open_page: Open) -> None:
    """The field in which somebody typed last loses the focus to it, which must not be sent as a change."""
    page = idle_page(open_page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    seconds = int(page.evaluate("document.body.dataset.idleSeconds"))
    page.clock.run_for((seconds - 100) * 1000)
    expect(page.locator("#idle")).to_be_visible()
    page.wait_for_timeout(500)
    assert sent == []
    expect(page.locator("#idle")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#idle")).to_be_hidden()
    with answer_to(page, "age=68"):
        page.fill("#age", "68")
        page.clock.run_for(1000)
    page.reload()
    expect(page.locator("#age")).to_have_value("68")


def test_when_a_session_ends_nothing_of_a_patient_stays_on_the_screen_and_the_case_is_found_again(
    open_page: Open,
) -> None:
    page = idle_page(open_page)
    address = page.url
    page.clock.run_for((int(page.evaluate("document.body.dataset.idleSeconds")) + 30) * 1000)
    arrived(page, re.compile(r"/desk/sign-in\?next=/desk/cases/new/"))
    expect(page.locator("#age")).to_have_count(0)
    page.goto(address)
    expect(page.locator("#age")).to_have_value("67")


def test_the_clock_of_this_computer_may_be_wrong(open_page: Open) -> None:
    page = open_page("/desk/cases/new", name_of("triagist"))
    page.clock.install(time="2031-01-01T03:00:00")
    page.reload()
    page.clock.run_for(60_000)
    expect(page.locator("#idle")).to_be_hidden()
    assert "/sign-in" not in page.url
