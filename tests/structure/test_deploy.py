"""What lies in docs/deploy agrees with the program that it deploys."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from pathlib import Path

import yaml

from routing.serving import TIMEOUT_SECONDS
from routing.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
CONTAINER = (DEPLOY / "Containerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
UNIT = configparser.RawConfigParser(strict=False)
UNIT.optionxform = str  # type: ignore[assignment,method-assign]
UNIT.read(DEPLOY / "wegwijs.service", "utf-8")


def test_every_setting_that_is_named_exists() -> None:
    named = {name for path in DEPLOY.iterdir() for name in re.findall(r"WEGWIJS_[A-Z_]+", path.read_text("utf-8"))}
    named |= set(re.findall(r"WEGWIJS_[A-Z_]+", (ROOT / "docs" / "how-to" / "deploy.md").read_text("utf-8")))
    assert named
    assert named <= {f"WEGWIJS_{name.upper()}" for name in Settings.model_fields}


def test_the_lock_of_a_server_is_part_of_the_lock() -> None:
    """With the same version and the same hashes; and it has all that a server depends on."""
    whole, part = packages(ROOT / "requirements.lock"), packages(DEPLOY / "requirements.lock")
    assert {name: whole.get(name) for name in part} == part
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    assert {re.split(r"[\[<>=~!; ]", each)[0] for each in wanted} <= part.keys()
    assert not {"pytest", "hypothesis", "mypy"} & part.keys()


def packages(lock: Path) -> dict[str, str]:
    """Name -> its line with version, marker and hashes."""
    lines = [line for line in lock.read_text("utf-8").splitlines() if not line.startswith("#")]
    found = re.split(r"\n(?=\S)", "\n".join(lines))
    return {re.split(r"[\[=]", each)[0]: each.strip() for each in found}


def test_nothing_runs_as_root_and_all_is_refused_that_is_not_needed() -> None:
    service = UNIT["Service"]
    assert service["DynamicUser"] == service["NoNewPrivileges"] == service["MemoryDenyWriteExecute"] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")
    assert re.findall(r"^USER (.*)$", CONTAINER, re.MULTILINE) == ["10001:10001"]
    server = COMPOSE["services"]["wegwijs"]
    assert (server["read_only"], server["cap_drop"]) == (True, ["ALL"])
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert server["ports"] == ["127.0.0.1:8000:8000"], "what is published on all addresses goes around the proxy"


def test_who_stops_it_waits_until_it_has_answered() -> None:
    """Longer than the server itself takes at most, or a request that was begun is lost."""
    assert int(UNIT["Service"]["TimeoutStopSec"]) > TIMEOUT_SECONDS
    assert int(COMPOSE["services"]["wegwijs"]["stop_grace_period"].removesuffix("s")) > TIMEOUT_SECONDS
    assert re.findall(r"^STOPSIGNAL (.*)$", CONTAINER, re.MULTILINE) == ["SIGTERM"]


def test_the_keys_are_kept_outside_of_what_an_upgrade_replaces() -> None:
    (volume,) = re.findall(r"^VOLUME (.*)$", CONTAINER, re.MULTILINE)
    assert f"WEGWIJS_KEYS={volume}/" in CONTAINER
    assert COMPOSE["services"]["wegwijs"]["volumes"] == [f"keys:{volume}"]
    assert f"WEGWIJS_KEYS=/var/lib/{UNIT['Service']['StateDirectory']}/" in UNIT["Service"]["Environment"]


def test_who_looks_whether_it_lives_asks_the_same_in_the_image_and_beside_it() -> None:
    """Podman leaves the check of a Containerfile out of an image in OCI's format."""
    ((options, command),) = re.findall(r"^HEALTHCHECK (.*?) CMD (.*)$", CONTAINER, re.MULTILINE)
    check = COMPOSE["services"]["wegwijs"]["healthcheck"]
    assert check["test"] == ["CMD", *json.loads(command)]
    named = {name.replace("_", "-"): value for name, value in check.items() if name != "test"}
    assert dict(option.removeprefix("--").split("=") for option in options.split()) == named
    assert "/health/live" in command
