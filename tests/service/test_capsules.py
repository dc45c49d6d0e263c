"""Decisions are taken along as files, and checked where there is no server, no database and no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from routing import capsules, places, service
from routing.erasure import erase
from routing.errors import BadInput, NotFound
from routing.log.capsule import Verdict, verify
from routing.log.capsule_form import read_capsule
from routing.outcomes import record_outcome
from routing.rights import Asker
from routing.service import World
from routing.settings import Settings
from tests.capsules import found
from tests.service.conftest import AUDITOR, STEMI, Clock, Run

OPERATOR = Asker("", "operator", frozenset({"operator"}))

TOPICS = ("heart", "brain", "obstetric", "trauma", "infection", "minor-and-other", "mental-and-poisoning",
          "environment", "child-more", "abdomen", "breathing-and-airway", "vital-signs", "primary-care-more",
          "stops", "live-status", "comfort-and-bowel", "contradictions", "limits", "modifiers")  # fmt: skip

ODD: dict[str, dict[str, Any]] = {
    "an island without a road": {
        "patient": {"age_years": 71},
        "location": {"lat": 53.09, "lon": 4.86},
        "observations": {"ecg_st_elevation": True},
        "channel": "ambulance",
    },
    "what hardly any place has": {
        "patient": {"age_years": 30},
        "location": {"lat": 53.32, "lon": 6.85},
        "observations": {"burn_tbsa_percent": 45, "inhalation_injury": True},
        "transport": "ambulance",
    },
    "care without a place": {
        "patient": {"age_years": 24},
        "location": {"postcode": "9712"},
        "observations": {"sore_throat": True},
    },
    "nothing known": {"patient": {"age_years": 40}, "location": {"postcode": "3584"}},
}


def worked_cases() -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    """The first worked case of each of these topics."""
    for topic in TOPICS:
        text = (files("rulesets") / "acute-nl" / "1.2.0" / "cases" / f"{topic}.yaml").read_text("utf-8")
        first = next(each for each in yaml.safe_load(text)["cases"] if each["expect"])
        yield topic, first["at"], json.loads(json.dumps(first["given"], default=datetime.isoformat))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all decisions of this page: nothing is changed in it."""
    folder = tmp_path_factory.mktemp("capsules")
    clock = Clock()
    world = service.open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3"), clock)
    service.upgrade(world)
    world.memory.things["clock"] = clock
    yield world
    service.close_world(world)


@pytest.fixture(scope="module")
def triagist(shared: World) -> Asker:
    asker = service.authenticate(shared, service.create_key(shared, "test", frozenset({"triagist"})))
    assert asker is not None
    return asker


def verified(world: World, decision_id: str, *withhold: str) -> tuple[dict[str, Any], Verdict]:
    capsule = capsules.capsule_of(world, decision_id, AUDITOR, withhold)
    return capsule, verify(read_capsule(orjson.dumps(capsule)))


@pytest.fixture(scope="module")
def decided(shared: World, triagist: Asker) -> dict[str, str]:
    """Name of a case -> the id of its decision."""
    clock: Clock = shared.memory.things["clock"]
    made = {}
    for topic, at, given in sorted(worked_cases(), key=lambda case: case[1]):
        clock.now = at
        made[topic] = service.decide(shared, given, triagist)["id"]
    clock.forward(days=1)
    for facility, unit in (("umc-utrecht", "seh"), ("umcg", "seh"), ("st-antonius-nieuwegein", "seh")):
        report = {"unit": unit, "kind": "stop", "value": True, "observed_at": clock.now.isoformat()}
        try:
            places.report_status(shared, facility, report, OPERATOR)
        except NotFound:
            continue
    for name, given in ODD.items():
        made[name] = service.decide(shared, given, triagist)["id"]
    made["stops"] = service.decide(shared, {**STEMI, "called_at": None}, triagist)["id"]
    return made


def test_capsules_of_many_kinds_of_cases_verify_and_decide_again(shared: World, decided: dict[str, str]) -> None:
    wrong, few = [], []
    for name, decision_id in decided.items():
        capsule, verdict = verified(shared, decision_id)
        if verdict.verdict != "verified" or not found(verdict)["replay"]:
            wrong.append((name, verdict.checks))
        if capsule["places"]["others"]:
            few.append(name)
    assert wrong == []
    assert len(decided) > 20
    assert len(few) > len(decided) / 2, "the places that mattered will do mostly"
    assert "stops" in few


@pytest.mark.parametrize("withhold", ["patient", "age", "location", "observations", "times", "complaint", "sex"])
def test_what_is_withheld_is_not_in_the_file_and_the_rest_is_checked(
    shared: World, decided: dict[str, str], withhold: str
) -> None:
    for name in ("heart", "brain", "an island without a road"):
        capsule, verdict = verified(shared, decided[name], withhold)
        assert verdict.verdict == "verified", (name, verdict.checks)
        fields = capsule["decision"]["record"]
        if any("withheld" in field for field in fields):
            assert capsule["places"]["facts"] == {}, "which places are near would tell where"
            assert found(verdict)["replay"] is None


def test_a_fact_by_another_name_is_refused_and_not_told_after_all(shared: World, decided: dict[str, str]) -> None:
    for name in ("observations.hr", "observations.nothing", "everything", "case.patient"):
        with pytest.raises(BadInput, match="cannot be withheld"):
            capsules.capsule_of(shared, decided["heart"], AUDITOR, [name])


def test_an_outcome_is_taken_along_and_only_in_codes_where_something_is_withheld(
    shared: World, triagist: Asker, decided: dict[str, str]
) -> None:
    said = {"outcome": "overridden", "by": "doctor", "reason": "patient_choice", "comment": "een tante zei 112"}
    record_outcome(shared, decided["brain"], {**said, "destination": "meander-amersfoort"}, triagist)
    whole, verdict = verified(shared, decided["brain"])
    assert (verdict.verdict, found(verdict)["others"]) == ("verified", True)
    assert "een tante zei 112" in json.dumps(whole["others"])
    partly, verdict = verified(shared, decided["brain"], "age")
    assert (verdict.verdict, found(verdict)["others"]) == ("verified", True)
    assert "een tante" not in json.dumps(partly["others"])
    assert "meander-amersfoort" in json.dumps(partly["others"])


def test_there_is_no_capsule_of_what_was_never_decided(shared: World) -> None:
    for name in ("0190a1b2-0000-7000-8000-000000000001", "x", ""):
        with pytest.raises(NotFound):
            capsules.capsule_of(shared, name, AUDITOR)


def test_what_was_erased_a_moment_ago_is_said_to_be_erased(shared: World, decided: dict[str, str]) -> None:
    erase(shared, [decided["limits"]], "patient_request", AUDITOR)
    capsule, verdict = verified(shared, decided["limits"])
    assert capsule["decision"]["record"] is None
    assert (verdict.verdict, found(verdict)["erasure"]) == ("verified", True)


# -- on the command line ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(shared: World, decided: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("taken") / "decision.capsule.json"
    made.write_bytes(orjson.dumps(capsules.capsule_of(shared, decided["heart"], AUDITOR)))
    return made


def test_verify_says_what_holds_and_ends_with_what_came_of_it(run: Run, file: Path, decided: dict[str, str]) -> None:
    code, out, err = run("verify", str(file), "--language", "en")
    assert (code, err) == (0, "")
    assert out.startswith("VERIFIED: everything that could be checked holds.\n")
    assert decided["heart"] in out
    assert run("verify", str(file))[1].startswith("GECONTROLEERD")

    code, out, err = run("verify", str(file), "--json")
    found = json.loads(out)
    assert (code, err, found["verdict"]) == (0, "", "verified")
    assert all(check.keys() == {"id", "ok", "text"} for check in found["checks"])
    assert {check["id"]: check["ok"] for check in found["checks"]}["replay"] is True

    key = json.loads(file.read_bytes())["log"]["keys"][0]["vkey"]
    assert run("verify", str(file), "--key", key)[0] == 0
    code, out, _ = run("verify", str(file), "--key", key[:-3] + ("A" if key[-3] != "A" else "B") + key[-2:])
    assert (code, out) == (2, "")


def test_verify_finds_what_was_changed_and_refuses_what_is_no_capsule(run: Run, file: Path, tmp_path: Path) -> None:
    capsule = json.loads(file.read_bytes())
    field = next(each for each in capsule["decision"]["record"] if each["path"] == "result.urgency.level")
    field["value"] = "U5"
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(capsule))
    code, out, err = run("verify", str(changed), "--language", "en")
    assert (code, err) == (1, "")
    assert out.startswith("FAILED")
    assert "  ! The fields that are told are not those of which the entry was made" in out
    assert json.loads(run("verify", str(changed), "--json")[1])["verdict"] == "failed"

    for name, data in (("cut", file.read_bytes()[:-1]), ("none", b"{}"), ("empty", b""), ("newer", b'{"capsule":2}')):
        other = tmp_path / f"{name}.json"
        other.write_bytes(data)
        for options in ((), ("--json",)):
            code, out, err = run("verify", str(other), *options)
            assert (code, out) == (2, ""), name
            assert err
            assert "Traceback" not in err
    assert run("verify", str(tmp_path / "missing.json"))[0] == 2
    assert run("verify", str(tmp_path))[0] == 2


def test_a_decision_is_exported_and_the_log_shown_and_verified(run: Run, tmp_path: Path) -> None:
    world = service.open_world(Settings(database_url=os.environ["WEGWIJS_DATABASE_URL"]))
    service.upgrade(world)
    asker = service.authenticate(world, service.create_key(world, "test", frozenset({"triagist"})))
    assert asker is not None
    made = service.decide(world, {**STEMI, "called_at": None, "reference": "ZCC-4711"}, asker)["id"]
    service.close_world(world)
    target = tmp_path / "taken.json"
    code, out, err = run("log", "export", made, "--output", str(target), "--withhold", "reference")
    assert (code, out) == (0, "")
    assert "wegwijs verify" in err
    assert b"4711" not in target.read_bytes()
    assert run("verify", str(target))[0] == 0
    assert json.loads(run("log", "export", made)[1])["capsule"] == 1
    assert run("log", "export", made, "--withhold", "observations.hr")[0] == 2
    assert run("log", "export", "nothing")[0] == 2

    code, key, _ = run("log", "keys")
    assert code == 0
    assert run("verify", str(target), "--key", key.strip())[0] == 0
    assert run("log", "checkpoint")[1].split("\n")[1] == "1"
    assert run("log", "verify", "--records", "--json")[0] == 0
    code, out, _ = run("log", "rotate", "--sealing")
    assert code == 0
    assert len(out.splitlines()) == 3
    assert len(run("log", "keys")[1].splitlines()) == 2
    code, out, _ = run("log", "verify", "--records")
    assert code == 0
    assert out.startswith("VERIFIED")


# -- without a network ------------------------------------------------------------------------------------------------

_NO_SOCKETS = """
import socket, sys
def refuse(*_, **__): raise AssertionError("somebody wanted the network")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
from routing import cli
sys.exit(cli.main(sys.argv[1:]))
"""
_PLAINLY = "import sys\nfrom routing import cli\nsys.exit(cli.main(sys.argv[1:]))"


def test_a_capsule_is_verified_without_network_database_and_home(file: Path, tmp_path: Path) -> None:
    apart = ["unshare", "--net", "--map-root-user"]
    try:
        may = subprocess.run([*apart, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        may = False
    # where the machine does not let anybody cut a process off the network, nothing in it may open a socket
    command = [*(apart if may else ()), sys.executable, "-c", _PLAINLY if may else _NO_SOCKETS]
    nowhere = str(tmp_path / "nowhere" / "at" / "all")
    given = {"PATH": os.environ["PATH"], "HOME": nowhere, "XDG_DATA_HOME": nowhere, "WEGWIJS_KEYS": f"{nowhere}/keys"}
    environment = {**given, "WEGWIJS_DATABASE_URL": "postgresql://nobody@192.0.2.1/nothing"}
    place = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "check": False}
    result = subprocess.run([*command, "verify", str(file), "--json"], **place)  # type: ignore[call-overload]
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["verdict"] == "verified"
    assert result.stderr == ""
    assert [each.name for each in tmp_path.iterdir()] == []


@pytest.mark.parametrize("heading_to", ["umcg", "zorgsaam-terneuzen"])
def test_a_capsule_tells_of_the_medical_teams_and_of_where_the_patient_was_going(
    shared: World, triagist: Asker, heading_to: str
) -> None:
    """Their stations and that place lie beyond reach, and the answer names them all the same."""
    shared.memory.things["clock"].now = datetime.fromisoformat("2026-12-01T14:00:00+01:00")
    hurt = {"trauma": True, "gcs": 6, "systolic_bp": 80, "heart_rate": 130}
    way = {"since": "2026-12-01T13:50:00+01:00", "heading": 12.5, "heading_to": heading_to}
    given = {"patient": {"age_years": 34}, "location": {"postcode": "6221"}, "observations": hurt, "on_the_way": way}
    made = service.decide(shared, {**given, "channel": "ambulance"}, triagist)
    assert len(made["mmt"]["teams"]) == 4
    assert {"turns_sooner", "turns_later"} & {each["rule"].rsplit("/", 1)[-1] for each in made["warnings"]}
    capsule, verdict = verified(shared, made["id"])
    assert verdict.verdict == "verified", verdict.checks
    assert heading_to in capsule["places"]["facts"]
    for withheld in ("patient", "times", "location"):
        capsule, verdict = verified(shared, made["id"], withheld)
        assert verdict.verdict == "verified", withheld
        told = {field["path"] for field in capsule["decision"]["record"] if "path" in field}
        assert not told & {"case.on_the_way", "result.way", "result.mmt"}, "minutes and moments tell where and when"
