"""What a page of the desk costs beside the same call of the API: looking at a case while it is filled in.

Both are asked of one server, as it is installed, one request after the other in turn, over one connection each. The
ratio within one run means something; the rest is about one machine.
"""

from __future__ import annotations

import http.client
import math
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from routing.bench_http import Progress, wegwijs
from routing.errors import StoreUnavailable
from routing.settings import Settings
from routing.store import scratch
from routing.users import add_user
from routing.world import close_world, open_world

USER, PASSWORD = "bench-desk", "vijf trage schepen thuis"

CASE: Mapping[str, Any] = {
    "channel": "zorgcoordinatie",
    "patient": {"age_years": 67},
    "location": {"postcode": "3511"},
    "complaint": "chest_pain",
    "observations": {"heart_rate": 112, "systolic_bp": 128},
}
FORM = {
    "channel": "zorgcoordinatie",
    "age": "67",
    "place": "3511",
    "complaint": "pijn op de borst",
    "f.heart_rate": "112",
    "f.systolic_bp": "128",
}
"""The same case, as it stands in the form."""

WARM_UP = 10


def measure(settings: Settings, *, requests: int, progress: Progress) -> dict[str, Any]:
    """Measure in a scratch database beside that of `settings`, with its rules, so many requests of each kind. Raises
    BadInput, StoreUnavailable (also where an answer is not the one that was expected)."""
    with (
        tempfile.TemporaryDirectory(prefix="wegwijs-bench-") as name,
        scratch.scratch_database(settings.database_url) as url,
    ):
        folder = Path(name)
        progress("starting Wegwijs")
        with wegwijs(url, folder, settings.rulesets) as server:
            code = _account(settings, url, folder)
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
                desk = _Desk(connection, code)
                headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
                body = orjson.dumps(CASE)
                progress(f"asking each of three things {requests} times")
                took: dict[str, list[float]] = {"api": [], "preview": [], "page": []}
                for number in range(-WARM_UP, requests):
                    times = {
                        "api": _timed(connection, "POST", "/v1/decisions/preview", body, headers),
                        "preview": _timed(connection, "POST", desk.address, desk.form, {**desk.headers, **_SCRIPT}),
                        "page": _timed(connection, "GET", desk.address, b"", desk.headers),
                    }
                    if number >= 0:
                        for what, seconds in times.items():
                            took[what].append(seconds)
    found = {f"{what}_{name}_ms": _at(took[what], part) for what in took for name, part in _PARTS.items()}
    return {
        **found,
        "preview_ratio_to_api": round(found["preview_p50_ms"] / found["api_p50_ms"], 2),
        "page_ratio_to_api": round(found["page_p50_ms"] / found["api_p50_ms"], 2),
        "requests": requests,
        "database": "sqlite" if settings.embedded else "postgresql",
    }


_SCRIPT = {"HX-Request": "true"}
_PARTS = {"p50": 0.5, "p95": 0.95}
_FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def _account(settings: Settings, url: str, folder: Path) -> str:
    """An account at the server that runs on the database `url`; its one-time code."""
    world = open_world(settings.model_copy(update={"database_url": url, "keys": folder / "keys"}))
    try:
        return add_user(world, USER, frozenset({"triagist"}))[1]
    finally:
        close_world(world)


class _Desk:
    """Somebody who signed in at the server behind `connection` and began a case."""

    def __init__(self, connection: http.client.HTTPConnection, code: str) -> None:
        given = {"user": USER, "password": code, "new_password": PASSWORD, "again": PASSWORD}
        signed_in = _asked(connection, "POST", "/desk/password", urlencode(given).encode(), _FORM_TYPE)
        self.headers = {"Cookie": (signed_in.getheader("Set-Cookie") or "").partition(";")[0], **_FORM_TYPE}
        begun = _asked(connection, "GET", "/desk/cases/new", b"", self.headers)
        self.address = begun.getheader("Location") or ""
        page = _text(connection, self.address, self.headers)
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        if found is None:
            raise StoreUnavailable("a measurement could not begin: the page of a new case was not answered")
        self.form = urlencode({**FORM, "csrf": found[1]}).encode()


def _asked(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    response.read()
    return response


def _text(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> str:
    connection.request("GET", path, headers=dict(headers))
    return connection.getresponse().read().decode()


def _timed(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> float:
    began = time.perf_counter()
    response = _asked(connection, method, path, body, headers)
    if response.status != 200:
        raise StoreUnavailable(f"a measurement was answered with {response.status}")
    return time.perf_counter() - began


def _at(times: list[float], part: float) -> float:
    return round(sorted(times)[math.ceil(part * len(times)) - 1] * 1000, 2)
