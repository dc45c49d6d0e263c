"""Asks a server whose rule engine goes wrong (see `faulty_engine`) about cases on which it does."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.api.conftest import STEMI
from tests.api.test_serve import Server
from tests.service.faulty_engine import MARKS, NORMAL
from tests.service.log_load import call

MILD: dict[str, Any] = {"patient": {"age_years": 40}, "location": {"lat": 52.0907, "lon": 5.1214}}
"""Somebody of whom hardly anything is known."""


def asked(server: Server, fault: str | None, case: dict[str, Any] = STEMI) -> dict[str, Any] | None:
    """The decision about a case on which the engine goes wrong like this (None: about one on which it does not); None
    if the connection ended without an answer."""
    observations = {**case.get("observations", {}), "systolic_bp": MARKS[fault] if fault else NORMAL}
    try:
        status, _, text = call(server, "POST", "/v1/decisions", json.dumps({**case, "observations": observations}))
    except (OSError, http.client.HTTPException):
        return None
    assert status == 201, text
    decision: dict[str, Any] = json.loads(text)
    return decision


def warned(decision: dict[str, Any], warning: str) -> bool:
    """Whether the decision has this warning, and says that its evaluators do not agree."""
    said = any(each["rule"].endswith(f"/{warning}") for each in decision["warnings"])
    return said and not decision["provenance"]["evaluators_agree"]


def counted(server: Server, name: str) -> float:
    """The counter `wegwijs_<name>_total`, over all processes."""
    status, _, text = call(server, "GET", "/metrics")
    assert status == 200
    lines = (line for line in text.splitlines() if line.startswith(f"wegwijs_{name}_total "))
    return float(next(lines).split()[-1])
