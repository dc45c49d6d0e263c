"""The proof of a ruleset is read as it is kept, and one that is about other files never counts for these."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.proof_schemas import ProofAnswer
from routing import service
from routing.service import close_world, open_world
from routing.settings import Settings
from tests.api.conftest import Send
from tests.api.test_bad_bodies import problem_of

NEWEST = Path(str(files("rulesets"))) / "acute-nl" / "1.5.0"
COUNTS = json.loads((NEWEST / "proof.json").read_bytes())["counts"]

Read = Callable[[], tuple[Any, dict[str, Any]]]


def listed(client: Any, **headers: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client("GET", "/v1/rulesets", **headers).get_json()["rulesets"]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The newest ruleset alone, with its properties and its proof."""
    made = tmp_path / "rulesets" / "acute-nl" / "1.5.0"
    shutil.copytree(NEWEST, made)
    return made


@pytest.fixture
def read(folder: Path, tmp_path: Path) -> Iterator[Read]:
    """`read()`: how a server with that ruleset answers, and what its list says of the proof."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/wegwijs.sqlite3", rulesets=folder.parents[1])
    world = open_world(settings)
    service.upgrade(world)
    key = service.create_key(world, "test", frozenset({"triagist"}))
    client: FlaskClient = create_app(world=world).test_client()

    def ask() -> tuple[Any, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {key}"}
        (only,) = client.get("/v1/rulesets", headers=headers).get_json()["rulesets"]
        return client.get(f"/v1/rulesets/{only['digest']}/proof", headers=headers), only["proof"]

    yield ask
    close_world(world)


def changed(folder: Path, **members: Any) -> None:
    """Another proof beside the rules, with these members otherwise."""
    path = folder / "proof.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **members}), "utf-8")


def test_a_proof_says_what_was_proved_refuted_and_is_only_tested(send: Send) -> None:
    newest = listed(send)[-1]
    found = ProofAnswer.model_validate_json(send("GET", f"/v1/rulesets/{newest['digest']}/proof").get_data())
    kept = json.loads((NEWEST / "proof.json").read_bytes())
    assert not found.stale
    assert found.why_stale is None
    assert found.counts.model_dump() == kept["counts"]
    assert newest["proof"] == {**kept["counts"], "stale": False}
    assert [one.id for one in found.properties] == [one["id"] for one in kept["properties"]]
    for shown, written in zip(found.properties, kept["properties"], strict=True):
        cases = [case for case in [written["counterexample"], *written.get("counterexamples", [])] if case]
        assert (shown.verdict, shown.how, shown.verdict_then) == (written["verdict"], written["how"], None)
        assert [case.case for case in shown.counterexamples] == [case["case"] for case in cases]
        assert shown.failing == written.get("failing", [])
        assert [one.id for one in shown.exceptions] == written.get("excepted", [])
        assert all(one.why for one in shown.exceptions)
    assert [one.id for one in found.tested] == [one["id"] for one in kept["tested"]]


def test_every_role_that_reads_rules_reads_what_is_proved_of_them(send: Send) -> None:
    digest = listed(send)[-1]["digest"]
    assert send("GET", f"/v1/rulesets/{digest}/proof", "facility").status_code == 200


def test_a_version_without_a_proof_says_so(send: Send, folder: Path, read: Read) -> None:
    (folder / "proof.json").unlink()
    answer, listed_proof = read()
    assert listed_proof is None
    assert problem_of(answer, 404, "not-found").detail == "There is no proof beside the ruleset `acute-nl/1.5.0`."
    unknown = problem_of(send("GET", "/v1/rulesets/sha256:0/proof"), 404, "not-found")
    assert "proof" not in str(unknown.detail)


def other_rules(folder: Path) -> None:
    kept = json.loads((folder / "proof.json").read_bytes())
    changed(folder, ruleset={**kept["ruleset"], "digest": "sha256:0"})


def other_words(folder: Path) -> None:
    changed(folder, vocabulary="sha256:0")


def other_properties(folder: Path) -> None:
    path = folder / "properties.yaml"
    path.write_text(path.read_text("utf-8").replace("No patient without an answer.", "Nobody waits."), "utf-8")


def one_property_left_out(folder: Path) -> None:
    changed(folder, properties=json.loads((folder / "proof.json").read_bytes())["properties"][1:])


def no_properties(folder: Path) -> None:
    (folder / "properties.yaml").unlink()


def properties_that_are_broken(folder: Path) -> None:
    (folder / "properties.yaml").write_text("format: 1\nproperties: 3\n", "utf-8")


OTHERWISE = [
    other_rules,
    other_words,
    other_properties,
    one_property_left_out,
    no_properties,
    properties_that_are_broken,
]


@pytest.mark.parametrize("change", OTHERWISE, ids=lambda change: change.__name__)
def test_a_stale_proof_is_never_shown_as_valid(change: Callable[[Path], None], folder: Path, read: Read) -> None:
    assert read()[1] == {**COUNTS, "stale": False}
    change(folder)
    response, summary = read()
    found = response.get_json()
    assert (response.status_code, found["stale"]) == (200, True)
    assert found["why_stale"]["nl"]
    assert {one["verdict"] for one in found["properties"]} == {"undecided"}
    assert "proved" in {one["verdict_then"] for one in found["properties"]}
    assert (summary["stale"], summary["proved"], summary["undecided"]) == (True, 0, len(found["properties"]))


def test_a_proof_of_which_the_rules_changed_is_stale(folder: Path, read: Read) -> None:
    path = folder / "parameters.yaml"
    path.write_text(path.read_text("utf-8") + "\n# nothing\n", "utf-8")
    file = folder / "ruleset.yaml"
    file.write_text(file.read_text("utf-8").replace("Acute zorg Nederland", "Acute zorg", 1), "utf-8")
    assert read()[0].get_json()["why_stale"]["en"] == "it is about other rules"


@pytest.mark.parametrize("written", ["{", "[]", "{}", '{"format": 1}', '{"format": 2, "counts": {"proved": 16}}'])
def test_a_proof_that_cannot_be_read_proves_nothing_and_hides_no_ruleset(
    written: str, folder: Path, read: Read
) -> None:
    (folder / "proof.json").write_text(written, "utf-8")
    response, summary = read()
    assert summary == {"proved": 0, "refuted": 0, "undecided": 0, "stale": True}
    assert (response.status_code, response.get_json()["properties"]) == (200, [])


def test_a_proof_that_was_made_later_is_seen(folder: Path, read: Read) -> None:
    kept = (folder / "proof.json").read_bytes()
    (folder / "proof.json").unlink()
    response, summary = read()
    assert (response.status_code, summary) == (404, None)
    (folder / "proof.json").write_bytes(kept)
    assert read()[1]["stale"] is False


def test_a_proof_is_read_without_a_solver(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['z3'] = None\n"
        "import api.desk\n"
        "from routing.proofs_here import proof_of\n"
        "from routing.rules_here import in_force\n"
        "from routing.service import open_world\n"
        "from routing.settings import Settings\n"
        "world = open_world(Settings(database_url='sqlite:///none.sqlite3'))\n"
        "print(proof_of(world, in_force(world, world.clock())).stale)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr
