"""The programs of the page for EPDs run as they stand there, against a server that runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_integrating import Server, free_server
from tests.api.test_serve import KEY
from tests.fhir import wrong_in

PAGE = (Path(__file__).parents[2] / "docs/how-to/use-from-an-epd.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^<!-- run (\w+) -->\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = free_server(tmp_path_factory.mktemp("epd"))
    try:
        made.start()
        yield made
    finally:
        made.kill()


def run(program: str, server: Server, **more: str) -> Any:
    address = {"WEGWIJS_URL": f"http://127.0.0.1:{server.port}", "WEGWIJS_KEY": KEY}
    environment = {**os.environ, **address, **more}
    result = subprocess.run(["sh", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_the_programs_of_the_page_can_be_run_one_after_the_other(server: Server) -> None:
    if shutil.which("curl") is None:
        assert "WEGWIJS_TEST_GATE" not in os.environ, "`curl` is not there, and .ci/run should have installed it"
        pytest.skip("`curl` is not installed here")
    (card,) = run(PROGRAMS["epd"], server)["cards"]
    assert card["indicator"] == "critical"
    assert "UMC Utrecht" in card["summary"]
    assert "Niet gebruikt" not in card["detail"], "everything of the example is understood"

    (outcome,) = run(PROGRAMS["feedback"], server, CARD=card["uuid"])["outcomes"]
    assert (outcome["card"], outcome["reason"]) == (card["uuid"], "patient_choice")

    found = run(PROGRAMS["fhir"], server)
    assert wrong_in(found) == []
    assert "umc-utrecht.seh" in [entry["resource"]["id"] for entry in found["entry"]]
