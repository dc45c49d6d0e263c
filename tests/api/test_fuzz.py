"""A small part of `python -m tests.api.fuzz`: no answer to anything is other than the document says."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from api.operations import OPERATIONS
from tests.api.fuzz import Report, fuzz, prepared

EACH = 1


def test_whatever_is_asked_the_answer_is_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key, real, close = prepared(tmp_path)
    monkeypatch.setattr(logging.getLogger("wegwijs.access"), "disabled", True)
    report = Report()
    try:
        fuzz(app, key, real, EACH, 20261123, report)
    finally:
        close()
    assert report.wrong == {}
    assert len(report.asked) == len(OPERATIONS)
    assert {200, 201, 404, 422} <= set(report.statuses)


def test_an_answer_that_is_not_documented_is_found(tmp_path: Path) -> None:
    app, key, real, close = prepared(tmp_path)
    app.view_functions["health.live"] = lambda: ({"status": "dead"}, 200)
    app.view_functions["rulesets.list_all"] = lambda: ("", 503)
    report = Report()
    try:
        fuzz(app, key, real, EACH, 1, report, only=("/health/live", "/v1/rulesets"))
    finally:
        close()
    assert {message.partition(":")[0] for message in report.wrong} == {"GET /health/live", "GET /v1/rulesets"}
