"""A small part of `python -m tests.api.fuzz`: no answer to anything is other than the document says."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.documented import whole_document
from tests.api.fuzz import Report, fuzz, growth, prepared, resident_mb

EACH = 1


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    """An app, a key that may do all, and ids that exist."""
    *found, close = prepared(tmp_path_factory.mktemp("fuzz"))
    yield tuple(found)
    close()


def test_whatever_is_asked_the_answer_is_documented(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("wegwijs.access"), "disabled", True)
    report = Report()
    fuzz(*asked, EACH, 20261123, report)
    assert report.wrong == {}
    calls = {f"{method.upper()} {path}" for path, methods in whole_document()["paths"].items() for method in methods}
    assert calls - set(report.asked) == {"GET /v1/openapi.json"}, "which was read before"
    assert {200, 422} <= set(report.statuses)


def test_an_answer_that_is_not_documented_is_found(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = asked[0]
    monkeypatch.setitem(app.view_functions, "health.live", lambda: ({"status": "dead"}, 200))
    monkeypatch.setitem(app.view_functions, "rulesets.list_all", lambda: ("", 503))
    report = Report()
    fuzz(*asked, EACH, 1, report, only=("/health/live", "/v1/rulesets"))
    assert {message.partition(":")[0] for message in report.wrong} == {"GET /health/live", "GET /v1/rulesets"}


def test_memory_that_is_built_once_is_no_growth_and_what_comes_after_is() -> None:
    assert growth([100, 200, 300, 400, 500, 510, 505]) == 5
    assert growth([100.0]) == 0
    assert growth([100, 200, 300, 400, 500, 900]) == 400
    assert resident_mb() > 10
