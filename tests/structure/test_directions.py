"""The house keeps its shape: imports run one way, the core has no clock and no luck, files stay readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for package in ("routing", "api", "rulesets") for path in (ROOT / package).rglob("*.py"))

ONLY_THERE = {
    "durable_rules_engine": ("routing/rules/durable.py",),
    "durable": (),
    "sqlalchemy": ("routing/store/",),
    "alembic": ("routing/store/",),
    "psycopg": ("routing/store/",),
    "cryptography": ("routing/log/note.py", "routing/log/sealing.py"),
    "defusedxml": ("routing/formats/",),
    "argon2": ("routing/passwords.py",),
    "joserfc": ("routing/signing_keys.py", "routing/tokens.py"),
    "distributed": ("routing/replaying/cluster.py",),
    "h3": ("routing/travel/matrix_building.py",),
    "flask": ("api/",),
    "z3": ("routing/proving/",),
    "prometheus_client": ("api/metrics.py", "routing/serving.py"),
    "werkzeug": ("api/",),
}
"""Package -> the only files that may import it."""

IMPURE = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.monotonic",
    "time.perf_counter", "time.process_time", "time.sleep", "os.environ", "os.getenv", "os.getpid", "os.urandom",
    "random", "secrets", "uuid.uuid1", "uuid.uuid4", "uuid_utils", "tempfile", "socket", "getpass", "platform",
}  # fmt: skip
"""What gives another answer on another day or machine."""

MAY_BE_IMPURE = (
    "routing/service.py",
    "routing/api_keys.py",
    "routing/log_here.py",
    "routing/keys_here.py",
    "routing/passwords.py",
    "routing/sessions.py",
    "routing/oidc.py",
    "routing/world.py",
    "routing/settings.py",
    "routing/connections.py",
    "routing/dialling.py",
    "routing/serving.py",
    "routing/publishing_files.py",
    "routing/tested.py",
    "routing/cli.py",
    "routing/terminal.py",
    "routing/cli_feeds.py",
    "routing/cli_log.py",
    "routing/cli_settings.py",
    "routing/cli_webhooks.py",
    "routing/cli_travel.py",
    "routing/cli_travel_check.py",
    "routing/feeding/runner.py",
    "routing/webhooks/posting.py",
    "routing/webhooks/sending.py",
    "routing/cli_replay.py",
    "routing/replaying/run.py",
    "routing/replaying/work.py",
    "routing/replaying/cluster.py",
    "routing/bench.py",
    "routing/bench_directory.py",
    "routing/bench_log.py",
    "routing/bench_http.py",
    "routing/bench_desk.py",
    "routing/bench_travel.py",
    "routing/store/scratch.py",
    "api/",
)
"""The service is the only place with a clock; above it the world may be seen."""

ALLOWED: dict[tuple[str, str], str] = {
    ("routing/cli_facilities.py", "time.sleep"): "waits between two looks at the board",
    (
        "routing/cli_proving.py",
        "time.monotonic",
    ): "how long a proof may take; what is over is undecided",
    ("routing/cli_difference.py", "time.monotonic"): "how long the solver may take; reaches no decision",
    ("routing/keyring.py", "os.getpid"): "no two processes write the same new file",
    ("routing/sequencer.py", "time.monotonic"): "how long an entry may wait for its place; reaches no entry",
    ("routing/sequencer.py", "time.sleep"): "waits until another process has given an entry its place",
    ("routing/signing_keys.py", "time.monotonic"): "how long an issuer may take to answer; reaches no decision",
    ("routing/store/database.py", "time.monotonic"): "how long a new SQLite file is waited for; reaches no decision",
    ("routing/store/database.py", "time.sleep"): "waits between two tries to open a new SQLite file",
    ("routing/travel/matrix_file.py", "tempfile"): "a file that is written beside the one whose place it takes",
    ("routing/travel_here.py", "time.monotonic"): "how long a road engine may take; that it did stands in the decision",
    ("routing/webhooks/subscriptions.py", "os.environ"): "secrets of the operator, which stand in no file of settings",
}
"""File and name -> why it is allowed below the service all the same."""

LONGEST = 450
"""More lines than this in one file are a sign of two things in one."""

LONGER = {
    "routing/rules/building.py": 500,
    "routing/rules/durable.py": 635,
    "routing/service.py": 520,
}
"""Files that are longer than they should be, and what they may not grow beyond; this table only gets shorter."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imported(path: Path) -> frozenset[str]:
    """The top-level packages that the file at `path` imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def impurities(path: Path) -> set[str]:
    """The names of IMPURE that the file at `path` uses, whatever it calls them."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.partition(".")[0] in IMPURE}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} & IMPURE
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & IMPURE
        elif isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            found |= {".".join(parts[-2:])} & IMPURE
    return found


def test_imports_run_in_the_directions_of_the_contracts() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    result = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_module_has_its_layer() -> None:
    layers = next(
        contract["layers"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    placed = {
        part for layer in layers for name in re.findall(r"[\w.]+", layer) for part in [".".join(name.split(".")[:2])]
    }
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts[:2]) for path in (ROOT / "routing").rglob("*.py")}
    assert modules - placed - {"routing.__init__"} == set()


@pytest.mark.parametrize("package", ONLY_THERE)
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    elsewhere = [
        name_of(path)
        for path in SOURCES
        if package in imported(path) and not name_of(path).startswith(ONLY_THERE[package] or ("nowhere",))
    ]
    assert elsewhere == []


def test_no_clock_no_luck_and_no_environment_below_the_service() -> None:
    found = {
        (name_of(path), name)
        for path in SOURCES
        if not name_of(path).startswith(MAY_BE_IMPURE)
        for name in impurities(path)
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "what is not used need not be allowed"


def test_the_check_sees_a_clock(tmp_path: Path) -> None:
    source = tmp_path / "core.py"
    source.write_text(
        "import datetime as dt\nimport os\nfrom time import time\nx = dt.datetime.now(), os.environ['A'], time()\n"
    )
    assert impurities(source) == {"datetime.now", "os.environ", "time.time"}


def test_files_stay_short_enough_to_read() -> None:
    lines = {name_of(path): path.read_text("utf-8").count("\n") for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > LONGER.get(name, LONGEST)} == {}


def test_every_module_says_in_one_sentence_what_it_is_for() -> None:
    silent = [name_of(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []


def test_no_module_is_a_drawer() -> None:
    drawers = ("manager", "utils", "util", "helper", "helpers", "common", "misc", "processor")
    assert [name_of(path) for path in SOURCES if path.stem in drawers] == []
