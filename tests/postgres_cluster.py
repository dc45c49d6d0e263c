"""A PostgreSQL of the test's own, which may be killed like one whose machine fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.ports import own_port
from tests.processes import children_of

PATIENCE_SECONDS = 180
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
}


@dataclass
class Cluster:
    """A cluster in `folder`, which runs as another user where this one is root: PostgreSQL refuses root."""

    programs: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        """Its one database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Make the cluster; it does not run yet."""
        arguments = ("--pgdata", str(self.folder / "data"), "--username", "postgres", "--auth", "trust", "--no-sync")
        self._run("initdb", arguments).wait(PATIENCE_SECONDS)

    def start(self) -> None:
        """Start it, and wait until it answers: after a kill it first recovers."""
        options = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = self._run("postgres", ("-D", str(self.folder / "data"), *given))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill all its processes at once, without a chance to tidy up."""
        if self.process is None or self.process.poll() is not None:
            return
        for each in (self.process.pid, *children_of(self.process.pid)):
            with suppress(ProcessLookupError):  # it ended by itself when the first one was gone
                os.kill(each, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Stop it as an operator does who does not wait for clients: connections are ended, nothing is lost."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_SECONDS)

    def end_connections(self) -> int:
        """End all connections of Wegwijs; how many there were."""
        ask = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'wegwijs'"
        with psycopg.connect(self.database_url.replace("+psycopg", ""), connect_timeout=60) as connection:
            row = connection.execute(ask).fetchone()
            assert row is not None
            return int(row[0])

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.database_url.replace("+psycopg", ""), connect_timeout=3).close()
            return True
        return False

    def _run(self, program: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        other: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
        command = (str(self.programs / program), *arguments)
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, **(other if os.geteuid() == 0 else {})
            )


def postgres_programs() -> Path:
    """Where initdb and postgres are. Skips the test where they are not, unless it runs in CI: there it fails."""
    on_path = shutil.which("initdb")
    found = [*([Path(on_path).resolve()] if on_path else []), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        message = "no programs of PostgreSQL here (Debian: apt-get install postgresql): none can be killed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return max(found, key=lambda program: program.stat().st_mtime).parent


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A cluster that runs, and is gone afterwards."""
    programs = postgres_programs()
    # not below pytest's own folders: another user may not look into these
    folder = Path(tempfile.mkdtemp(prefix="wegwijs-pg-"))
    made = Cluster(programs, folder, own_port())
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        made.make()
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
