"""Over HTTP: who may erase, what is said of what was erased, and who may count."""

from __future__ import annotations

from typing import Any

import pytest

from api.schemas import DecisionPage, Erasure, Figures
from tests.api.conftest import STEMI, Send
from tests.api.test_bad_bodies import problem_of


@pytest.fixture
def decided(ask: Send) -> str:
    return str(ask("POST", "/v1/decisions", "triagist", json=STEMI).get_json()["id"])


def test_what_was_erased_is_gone_and_says_so(ask: Send, decided: str) -> None:
    path = f"/v1/decisions/{decided}"
    done = ask("POST", f"{path}/erasure", json={"why": "patient_request"})
    assert done.status_code == 200
    Erasure.model_validate(done.get_json())
    for method, part, body in (
        ("GET", "", None),
        ("GET", "/outcome", None),
        ("POST", "/replay", None),
        ("POST", "/outcome", {"outcome": "accepted", "by": "triagist"}),
    ):
        problem_of(ask(method, f"{path}{part}", "triagist", json=body), 410, "erased")
    (left,) = DecisionPage.model_validate(ask("GET", "/v1/decisions", "triagist").get_json()).decisions
    assert (left.id, left.erased, left.conditions, left.facility) == (decided, True, [], None)
    assert ask("POST", f"{path}/erasure", json={"why": "court_order"}).get_json() == done.get_json()


@pytest.mark.parametrize("body", [{}, {"why": None}, {"why": "so"}, {"why": 1}, {"why": "retention", "x": 1}])
def test_a_reason_of_the_list_is_needed(ask: Send, decided: str, body: dict[str, Any]) -> None:
    found = problem_of(ask("POST", f"/v1/decisions/{decided}/erasure", json=body), 422, "invalid-input")
    assert found.errors[0].field == ("x" if "x" in body else "why")
    assert ask("GET", f"/v1/decisions/{decided}", "triagist").status_code == 200


def test_what_is_not_there_cannot_be_erased(ask: Send) -> None:
    problem_of(ask("POST", "/v1/decisions/none/erasure", json={"why": "retention"}), 404, "not-found")


def test_who_looks_after_quality_may_count_and_not_read(ask: Send, decided: str) -> None:
    found = Figures.model_validate(ask("GET", "/v1/figures?by=urgency,hour", "medical_manager").get_json())
    assert (found.decisions, found.erased, [part.by for part in found.figures]) == (1, 0, [["urgency"], ["hour"]])
    problem_of(ask("GET", "/v1/decisions", "medical_manager"), 403, "forbidden")
    problem_of(ask("GET", "/v1/figures?by=age", "medical_manager"), 422, "invalid-input")


@pytest.mark.parametrize(
    "asked", ["outcome=none", "channel=ambulance", "urgency=U1&condition=stemi", "rule=acute-nl/no-such-rule"]
)
def test_decisions_are_found_by_what_is_known_of_them(ask: Send, decided: str, asked: str) -> None:
    found = DecisionPage.model_validate(ask("GET", f"/v1/decisions?{asked}", "triagist").get_json())
    assert [each.id for each in found.decisions] == ([] if "no-such-rule" in asked else [decided])


@pytest.mark.parametrize("asked", ["rule=stemi", "outcome=lost", "ruleset=1.0.0", "reason=A%20whim"])
def test_an_odd_question_is_refused(ask: Send, asked: str) -> None:
    problem_of(ask("GET", f"/v1/decisions?{asked}", "triagist"), 422, "invalid-input")
