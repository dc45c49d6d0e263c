"""What a decision over HTTP costs: the server as it is installed, beside a bare one that only validates and commits.

Both run one after the other on the same machine, with as many processes and threads, in scratch databases, and are
asked by the same load generator (wrk), which is on that machine too. Ratios within one run mean something; the rest is
about one machine.
"""

from __future__ import annotations

import http.client
import math
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from routing.errors import StoreUnavailable, bad_input
from routing.serving import THREADS
from routing.settings import PREFIX, Settings
from routing.store import database, scratch

Progress = Callable[[str], None]

WORKERS = 2
BODIES = 20
CONNECTIONS = 16
WARM_UP_SECONDS = 3
START_SECONDS = 180
PACED_CLIENTS = 8
PATH = "/v1/decisions"


@dataclass(frozen=True, slots=True)
class _Running:
    """A server that answers on `port`."""

    port: int
    process: subprocess.Popen[bytes]
    key: str
    started_s: float


def measure(
    settings: Settings, cases: Sequence[Mapping[str, Any]], *, seconds: int, progress: Progress
) -> dict[str, Any]:
    """Measure in scratch databases beside that of `settings`, with its rules, for `seconds` each: as fast as it goes,
    and at half of that. `cases` are bodies; those that are not taken as they stand are left out. Raises BadInput
    without wrk, or where nothing is answered; StoreUnavailable."""
    if (wrk := shutil.which("wrk")) is None:
        raise bad_input("wrk", "missing", "the load generator is not installed", allowed="Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="wegwijs-bench-") as name:
        folder = Path(name)
        with scratch.scratch_database(settings.database_url) as url:
            progress("starting Wegwijs")
            with wegwijs(url, folder, settings.rulesets) as server:
                bodies, answer_bytes = _accepted(server, cases)
                script = _script(folder, bodies, server.key)
                _load(wrk, server, script, WARM_UP_SECONDS)
                progress(f"asking Wegwijs for {seconds} s")
                own = _load(wrk, server, script, seconds)
                progress(f"asking it at half of that for {seconds} s")
                paced = _paced(server, bodies, own["requests_per_s"] / 2, seconds)
                rss = [_resident_mb(pid) for pid in _children(server.process.pid)]
            row_bytes = _row_bytes(url)
        with (
            scratch.scratch_database(settings.database_url) as url,
            _bare(url, folder, answer_bytes, row_bytes) as server,
        ):
            script = _script(folder, bodies, server.key)
            _load(wrk, server, script, WARM_UP_SECONDS)
            progress(f"asking a bare server for {seconds} s")
            bare = _load(wrk, server, script, seconds)
    return {
        "database": "sqlite" if settings.embedded else "postgresql",
        "workers": WORKERS,
        "ratio_to_bare": round(own["requests_per_s"] / bare["requests_per_s"], 3),
        "requests_per_s": own["requests_per_s"],
        "bare_requests_per_s": bare["requests_per_s"],
        "refused": own["refused"] + bare["refused"] + paced["refused"],
        "half_load_per_s": paced["per_s"],
        "p50_ms": paced["p50_ms"],
        "p99_ms": paced["p99_ms"],
        "p99_to_p50": round(paced["p99_ms"] / paced["p50_ms"], 2),
        "rss_mb_per_worker": round(max(rss), 1),
        "cold_start_s": round(own["started_s"], 2),
        "answer_bytes": answer_bytes,
        "row_bytes": row_bytes,
    }


# -- servers -----------------------------------------------------------------------------------------------------------


@contextmanager
def wegwijs(url: str, folder: Path, rulesets: Path | None) -> Iterator[_Running]:
    """`wegwijs serve` on the database `url`, with its keys in `folder`, until the block ends. The tables are made
    first, by another process: what is measured is a server that starts again, as nearly all starts do."""
    key = secrets.token_urlsafe(32)
    given = {"DATABASE_URL": url, "KEYS": str(folder / "keys"), "BOOTSTRAP_KEY": key, "WORKERS": str(WORKERS)}
    given |= {"RULESETS": str(rulesets)} if rulesets is not None else {}
    port = _free_port()
    environment = _environment({f"{PREFIX}{name}": value for name, value in {**given, "PORT": str(port)}.items()})
    made = [sys.executable, "-m", "routing.cli", "db", "upgrade"]
    subprocess.run(made, env=environment, check=True, capture_output=True)  # noqa: S603  our own words
    command = [sys.executable, "-m", "routing.cli", "serve"]
    with _running(command, environment, port, key, "/health/ready", folder / "wegwijs.log") as server:
        yield server


@contextmanager
def _bare(url: str, folder: Path, answer_bytes: int, row_bytes: int) -> Iterator[_Running]:
    port = _free_port()
    sizes = {"BARE_ANSWER_BYTES": str(answer_bytes), "BARE_ROW_BYTES": str(row_bytes)}
    options = ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)]
    bind = ["--bind", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "warning"]
    engine = database.open_engine(url)
    with database.writing(engine) as connection:
        scratch.make_bare_table(connection)
    engine.dispose()
    command = [sys.executable, "-m", "gunicorn", *options, *bind, "api.bare:create_bare()"]
    environment = _environment({"BARE_DATABASE_URL": url, **sizes})
    with _running(command, environment, port, "none", "/", folder / "bare.log") as server:
        yield server


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **given}


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], port: int, key: str, path: str, log: Path
) -> Iterator[_Running]:
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)  # noqa: S603  our own words
    try:
        while not _answers(port, path):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                raise StoreUnavailable(f"a server for the measurement did not start: {log.read_text()[-500:]}")
            time.sleep(0.02)
        yield _Running(port, process, key, time.perf_counter() - began)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _answers(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in found]


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _row_bytes(url: str) -> int:
    engine = database.open_engine(url)
    try:
        with database.reading(engine) as connection:
            return scratch.bytes_of_a_decision(connection)
    finally:
        engine.dispose()


# -- load --------------------------------------------------------------------------------------------------------------


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def _accepted(server: _Running, cases: Sequence[Mapping[str, Any]]) -> tuple[list[bytes], int]:
    """Bodies that are decided about as they stand, and how large an answer is on average."""
    bodies, sizes = [], []
    for case in cases:
        body = orjson.dumps(case)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", PATH, body, _headers(server.key))
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status == 201:
            bodies.append(body)
            sizes.append(len(text))
        if len(bodies) == BODIES:
            break
    if not bodies:
        raise bad_input("cases", "refused", "no case was answered", allowed="worked cases of the rules")
    return bodies, sum(sizes) // len(sizes)


def _script(folder: Path, bodies: Sequence[bytes], key: str) -> Path:
    """The program by which wrk asks about each body in turn."""
    script = folder / "ask.lua"
    listed = ",\n".join(f"[==[{body.decode()}]==]" for body in bodies)
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in _headers(key).items())
    turn = f"return wrk.format(nil, '{PATH}', nil, bodies[turn % #bodies + 1])"
    script.write_text(
        f'wrk.method = "POST"\n{headers}local bodies = {{\n{listed}\n}}\nlocal turn = 0\n'
        f"request = function()\n  turn = turn + 1\n  {turn}\nend\n"
    )
    return script


def _load(wrk: str, server: _Running, script: Path, seconds: int) -> dict[str, Any]:
    options = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "30s", "-s", str(script)]
    done = subprocess.run(  # noqa: S603  our own words
        [wrk, *options, f"http://127.0.0.1:{server.port}{PATH}"], capture_output=True, text=True, check=True
    )
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None or not float(rate[1]):
        raise StoreUnavailable(f"nothing was answered: {done.stdout[-300:]}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    return {
        "requests_per_s": float(rate[1]),
        "refused": int(refused[1]) if refused else 0,
        "started_s": server.started_s,
    }


def _paced(server: _Running, bodies: Sequence[bytes], per_s: float, seconds: int) -> dict[str, Any]:
    """How long answers take when so many are asked for a second, counted from when each was due."""
    count = max(PACED_CLIENTS, int(per_s * seconds))
    began, took, refused = time.perf_counter() + 0.1, [0.0] * count, [0]

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for number in range(client, count, PACED_CLIENTS):
            due = began + number / per_s
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("POST", PATH, bodies[number % len(bodies)], _headers(server.key))
            response = connection.getresponse()
            response.read()
            took[number] = time.perf_counter() - due
            if response.status != 201:
                refused[0] += 1
        connection.close()

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(PACED_CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    in_order = sorted(took)
    p50, p99 = (in_order[math.ceil(part * count) - 1] * 1000 for part in (0.5, 0.99))
    return {"per_s": round(per_s, 1), "p50_ms": round(p50, 2), "p99_ms": round(p99, 2), "refused": refused[0]}
