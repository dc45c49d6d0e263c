"""The golden logs verify and replay, with Wegwijs and with a verifier that uses nothing of it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from routing.log.capsule import read_capsule, verify
from routing.log.entry import read_entry
from routing.log.merkle import EMPTY, append, leaf_hash, root
from routing.log.note import opened, read_checkpoint, read_vkey
from tests.golden import verifier

LOGS = sorted(Path(__file__).parent.glob("log-*"))
CAPSULES = [path for log in LOGS for path in sorted((log / "capsules").glob("*.json.gz"))]


@cache
def read(path: Path) -> bytes:
    """A capsule as it was exported; the rules of most of them stand in one file."""
    data = gzip.decompress(path.read_bytes())
    capsule = orjson.loads(data)
    if "ruleset" in capsule:
        return data
    rules = orjson.loads(gzip.decompress((path.parent.parent / "rules.json.gz").read_bytes()))
    return orjson.dumps({**capsule, **rules})


@cache
def keys(log: Path) -> tuple[str, ...]:
    return tuple(key["vkey"] for key in json.loads((log / "keys.json").read_text()))


def log_of(capsule: Path) -> Path:
    return capsule.parent.parent


def test_there_is_a_golden_log() -> None:
    assert [log.name for log in LOGS] == ["log-1"]
    assert len(CAPSULES) >= 8


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_golden_log_is_the_one_that_was_written(log: Path) -> None:
    sums = dict(line.split("  ")[::-1] for line in (log / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(log).as_posix(): path for path in log.rglob("*") if path.is_file()}
    assert {
        name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in files if name != "SHA256SUMS"
    } == sums


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_every_checkpoint_of_a_golden_log_is_over_its_entries(log: Path) -> None:
    entries = (log / "entries.jsonl").read_bytes().splitlines()
    forms = json.loads((log / "keys.json").read_text())
    assert len(forms) > 1, "a new key was begun with"
    kinds = [read_entry(entry)["kind"] for entry in entries]
    assert set(kinds) == {"decision", "outcome", "erasure"}
    frontier = EMPTY
    for note in json.loads((log / "checkpoints.json").read_text()):
        checkpoint = read_checkpoint(opened(note, [read_vkey(vkey) for vkey in keys(log)]).text)
        frontier = append(frontier, map(leaf_hash, entries[frontier.size : checkpoint.size]))
        assert (checkpoint.size, checkpoint.root) == (frontier.size, root(frontier))
        assert verifier.read_checkpoint(note, forms, forms[0]["vkey"]) == (checkpoint.size, checkpoint.root)
    assert frontier.size == len(entries)


@pytest.mark.parametrize("path", CAPSULES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_golden_capsule_verifies_and_replays(path: Path) -> None:
    first = read_vkey(keys(log_of(path))[0])
    found = verify(read_capsule(read(path)), [first])
    checks = {check.id: check.ok for check in found.checks}
    assert found.verdict == "verified", found.checks
    assert checks["key"] is True
    if path.name.startswith("erased"):
        assert checks["erasure"] is True
    elif "without" in path.name:
        assert checks["withheld"] is None
    else:
        assert (checks["evaluators"], checks["replay"]) == (True, True)


@pytest.mark.parametrize("path", CAPSULES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_golden_capsule_is_checked_by_a_program_that_knows_only_the_page(path: Path) -> None:
    if path.name.startswith("from-before"):
        # its entry says nothing of the places, which only had digests of another kind then
        assert json.loads(json.loads(read(path))["decision"]["entry"])["directory"]["facts"] is None
        with pytest.raises(verifier.Wrong, match="places"):
            verifier.check_capsule(read(path), keys(log_of(path))[0])
        return
    entry = verifier.check_capsule(read(path), keys(log_of(path))[0])
    assert entry == json.loads(json.loads(read(path))["decision"]["entry"])


def test_the_page_shows_the_hash_of_its_entry() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "log-format.md").read_text("utf-8")
    entry = text.partition("```entry\n")[2].partition("\n")[0].encode()
    leaf = text.partition("```leaf\n")[2].partition("\n")[0]
    assert leaf_hash(entry).hex() == leaf
    assert read_entry(entry)["kind"] == "erasure"


def changed(data: bytes, change: Any) -> bytes:
    capsule = orjson.loads(data)
    change(capsule)
    return orjson.dumps(capsule)


def _flip(text: str) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[0] ^= 1
    return base64.b64encode(raw).decode()


def _field(capsule: dict[str, Any], path: str) -> dict[str, Any]:
    (found,) = [field for field in capsule["decision"]["record"] if field.get("path") == path]
    field: dict[str, Any] = found
    return field


def in_proof(capsule: dict[str, Any]) -> None:
    proof = capsule["decision"]["place"]["proof"]
    proof[0] = _flip(proof[0])


def in_entry(capsule: dict[str, Any]) -> None:
    capsule["decision"]["entry"] = capsule["decision"]["entry"].replace("ambulance", "ambulancf")


def in_checkpoint(capsule: dict[str, Any]) -> None:
    origin, size, rest = capsule["log"]["checkpoint"].split("\n", 2)
    capsule["log"]["checkpoint"] = f"{origin}\n{int(size) + 1}\n{rest}"


def in_rules(capsule: dict[str, Any]) -> None:
    next(iter(capsule["ruleset"]["parameters.yaml"]["parameters"].values()))["value"] = 1


def in_places(capsule: dict[str, Any]) -> None:
    next(iter(capsule["places"]["facts"].values()))["profile"]["name"] = "Elders"


CHANGES: dict[str, tuple[str, Any]] = {
    "a value of a field": ("record", lambda it: _field(it, "case.observations.heart_rate").update(value=113)),
    "a level of urgency": ("record", lambda it: _field(it, "result.urgency.level").update(value="U2")),
    "a hash of the proof": ("inclusion", in_proof),
    "a letter of the entry": ("inclusion", in_entry),
    "a digit of the checkpoint": ("signature", in_checkpoint),
    "a number of the rules": ("rules", in_rules),
    "the name of a place": ("places", in_places),
}
"""What is changed -> the check that names it, and how it is changed."""


@pytest.mark.parametrize("what", CHANGES)
def test_one_changed_byte_is_found_and_named(what: str) -> None:
    check, change = CHANGES[what]
    (path,) = [path for path in CAPSULES if path.name == "stemi-whole.json.gz"]
    found = verify(read_capsule(changed(read(path), change)), [read_vkey(keys(log_of(path))[0])])
    assert found.verdict == "failed"
    assert check in {each.id for each in found.checks if each.ok is False}
    with pytest.raises((verifier.Wrong, ValueError)):
        verifier.check_capsule(changed(read(path), change), keys(log_of(path))[0])


def test_a_golden_capsule_verifies_with_the_network_off(tmp_path: Path) -> None:
    (path,) = [path for path in CAPSULES if path.name == "stemi-whole.json.gz"]
    file = tmp_path / "decision.capsule.json"
    file.write_bytes(read(path))
    command = [
        str(Path(sys.executable).with_name("wegwijs")),
        "verify",
        str(file),
        "--key",
        keys(log_of(path))[0],
        "--json",
    ]
    off = without_network()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody")}
    done = subprocess.run(
        [*off, *command], env=environment, cwd=tmp_path, capture_output=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr.decode()
    assert orjson.loads(done.stdout)["verdict"] == "verified"
    assert not (tmp_path / "nobody").exists()


def without_network() -> list[str]:
    """What runs a command without any network, where the machine allows that."""
    for options in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        if (
            shutil.which("unshare")
            and subprocess.run([*options, "true"], capture_output=True, check=False).returncode == 0
        ):
            return options
    # elsewhere no address can be reached: every name leads nowhere and every proxy is closed
    return ["env", "http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9", "RES_OPTIONS=attempts:0"]
