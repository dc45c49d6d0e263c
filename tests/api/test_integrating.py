"""What an integrator begins with works with a server that runs: a generated client, and the programs of the page."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.documented import whole_document
from tests.api.test_serve import KEY, Server, free_server

PACKAGE = "wegwijs_client"
PAGE = (Path(__file__).parents[2] / "docs/how-to/connect-your-software.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^<!-- run (\w+) -->\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
RUN_BY = {"curl": ("sh", "-c"), "python": (sys.executable, "-c"), "javascript": ("node", "--input-type=module", "-e")}
NEEDED = {"curl": "curl", "python": "sh", "javascript": "node"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = free_server(tmp_path_factory.mktemp("served"))
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the generated package, from which it can be imported."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(whole_document()), "utf-8")
    (folder / "config.yaml").write_text(f"package_name_override: {PACKAGE}\npost_hooks: []\n", "utf-8")
    command = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--meta", "none"]
    command += ["--path", "openapi.json", "--config", "config.yaml", "--output-path", PACKAGE]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    calls = {
        (operation["tags"][0], operation["operationId"])
        for methods in whole_document()["paths"].values()
        for operation in methods.values()
    }
    made = {(path.parent.name, path.stem) for path in (folder / PACKAGE / "api").glob("*/[a-z]*.py")}
    assert calls <= made
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder


def part(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


def test_it_decides_reads_records_searches_and_meets_problems(server: Server, generated: Path) -> None:
    models, made = part("models"), part("client").AuthenticatedClient
    address = f"http://127.0.0.1:{server.port}"
    with made(base_url=address, token=KEY) as client, made(base_url=address, token="x") as nobody:
        case = models.Case.from_dict(
            {
                "channel": "ambulance",
                "patient": {"age_years": 67, "sex": "male"},
                "location": {"lat": 52.0907, "lon": 5.1214},
                "observations": {"chest_pain": True, "ecg_st_elevation": True, "heart_rate": 112},
            }
        )
        decided = part("api.decisions.decisions_create").sync(client=client, body=case)
        assert isinstance(decided, models.Decision), decided
        assert (decided.urgency.level.value, decided.recommendation.facility.id) == ("U1", "umc-utrecht")

        read = part("api.decisions.decisions_read").sync(decided.id, client=client)
        assert read.to_dict() == decided.to_dict()

        body = models.OutcomeBody(outcome="accepted", by="triagist")
        recorded = part("api.decisions.decisions_record_outcome").sync(decided.id, client=client, body=body)
        assert (recorded.decision, recorded.outcome) == (decided.id, "accepted")

        page = part("api.decisions.decisions_search").sync(client=client, condition="stemi", limit=1)
        assert [found.id for found in page.decisions] == [decided.id]

        places = part("api.facilities.facilities_list_all").sync(
            client=client, capability="pci", near="52.0907,5.1214", limit=1
        )
        assert [place.id for place in places.facilities] == ["umc-utrecht"]

        wrong = models.Case.from_dict({**case.to_dict(), "observations": {"hart_rate": 112}})
        problem = part("api.decisions.decisions_create").sync(client=client, body=wrong)
        assert (problem.status, problem.type_.value) == (422, "/problems/invalid-input")
        assert problem.errors[0].field == "observations.hart_rate"

        missing = part("api.decisions.decisions_read").sync("none", client=client)
        assert missing.type_.value == "/problems/not-found"

        assert part("api.vocabulary.vocabulary_read").sync(client=nobody).status == 401


def patient(program: str) -> str:
    """`program`, which waits ten times as long for its answer: it may stand still on this machine."""
    return program.replace("timeout=10)", "timeout=100)").replace("timeout(10_000)", "timeout(100_000)")


@pytest.mark.parametrize("language", RUN_BY)
def test_the_programs_of_the_page_can_be_run(language: str, server: Server) -> None:
    if shutil.which(NEEDED[language]) is None:
        # the gate installs both and says so; elsewhere the page is tested as far as the machine goes
        assert "WEGWIJS_TEST_GATE" not in os.environ, (
            f"`{NEEDED[language]}` is not there, and .ci/run should have installed it"
        )
        pytest.skip(f"`{NEEDED[language]}` is not installed here")
    environment = {**os.environ, "WEGWIJS_URL": f"http://127.0.0.1:{server.port}", "WEGWIJS_KEY": KEY}
    command = [*RUN_BY[language], patient(PROGRAMS[language])]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    if language == "curl":
        made = json.loads(result.stdout)
        assert (made["urgency"]["level"], made["recommendation"]["facility"]["name"]) == ("U1", "UMC Utrecht")
    else:
        first, *reasons = result.stdout.splitlines()
        assert first == "U1 UMC Utrecht"
        assert reasons


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_programs_of_the_page_say_what_went_wrong(language: str, server: Server) -> None:
    if shutil.which(NEEDED[language]) is None:
        pytest.skip(f"`{NEEDED[language]}` is not installed here")
    environment = {**os.environ, "WEGWIJS_URL": f"http://127.0.0.1:{server.port}", "WEGWIJS_KEY": KEY}
    wrong = patient(PROGRAMS[language]).replace("heart_rate", "hart_rate")
    result = subprocess.run([*RUN_BY[language], wrong], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "heart_rate" in result.stdout + result.stderr, "it names what was meant"
