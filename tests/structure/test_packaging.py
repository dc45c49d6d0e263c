"""What is shipped is whole: the wheel carries the data, and the lock carries everything that is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")

NEVER_SHIPPED = (".pyc", ".sqlite3", ".lock", ".key")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of all files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        str(folder),
        str(ROOT),
    ]
    result = subprocess.run(build, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


def tracked() -> list[str]:
    """Every file of the three packages, as it lies in the checkout."""
    return [
        path.relative_to(ROOT).as_posix()
        for package in ("routing", "api", "rulesets")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    ]


def test_the_wheel_holds_every_file_of_the_packages(shipped: frozenset[str]) -> None:
    assert set(tracked()) - shipped == set()


def test_the_wheel_holds_the_rules_the_words_and_the_directory(shipped: frozenset[str]) -> None:
    assert "rulesets/vocabulary.yaml" in shipped
    assert "rulesets/acute-nl/1.0.0/ruleset.yaml" in shipped
    assert any(name.startswith("routing/facilities/data/") for name in shipped)
    assert any(name.startswith("routing/travel/data/") for name in shipped)
    assert any(name.startswith("routing/store/migrations/") for name in shipped)


def test_the_wheel_holds_the_licence_and_nothing_that_is_left_over(shipped: frozenset[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in shipped)
    assert [name for name in shipped if name.endswith(NEVER_SHIPPED)] == []
    tops = {name.partition("/")[0] for name in shipped}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"routing", "api", "rulesets"}


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", LOCK, re.MULTILINE))


def test_everything_that_is_asked_for_is_locked() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["postgres"], *extras["test"]]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in wanted} - {"wegwijs"}
    assert names - set(locked()) == set()
    exact = dict(line.split("==") for line in wanted if "==" in line)
    assert {name: locked()[name] for name in exact} == exact


def test_every_locked_package_has_a_hash_and_no_address() -> None:
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(locked())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in LOCK


def test_setup_and_gate_are_sound_shell() -> None:
    for shell, script in (("sh", ".ci/setup"), ("bash", ".ci/run")):
        assert subprocess.run([shell, "-n", str(ROOT / script)], check=False).returncode == 0
