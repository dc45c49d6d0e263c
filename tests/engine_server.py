"""A road engine for tests that speaks each protocol as its documentation shows it, or as badly as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from routing.geography import Point, distance_km

Drive = Callable[[Point, Point], float | None]
"""The seconds of a drive; None: there is no way."""


def steady(origin: Point, place: Point) -> float:
    """A drive at 60 km/h along the straight line, and one minute."""
    return 60 + 60 * distance_km(origin, place)


@dataclass
class Engine:
    """What the server answers, and what it was asked. `badly` answers instead: it gets the handler."""

    drive: Drive = steady
    badly: Callable[[BaseHTTPRequestHandler], None] | None = None
    asked: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, query: dict[str, list[str]], body: bytes) -> Any:
        """The answer of whichever engine has this path."""
        if path.startswith("/table/v1/driving/"):
            return self._osrm(path, query)
        given = json.loads(body)
        return self._valhalla(given) if path == "/sources_to_targets" else self._openrouteservice(given)

    def _osrm(self, path: str, query: dict[str, list[str]]) -> Any:
        points = [(float(lat), float(lon)) for lon, lat in (end.split(",") for end in path.split("/")[-1].split(";"))]
        origin, places = points[int(query["sources"][0])], [points[int(n)] for n in query["destinations"][0].split(";")]
        assert query["annotations"] == ["duration"]
        return {
            "code": "Ok",
            "durations": [[self.drive(origin, place) for place in places]],
            "sources": [_waypoint(origin)],
            "destinations": [_waypoint(place) for place in places],
        }

    def _valhalla(self, given: Any) -> Any:
        ((origin,), places) = ([(end["lat"], end["lon"]) for end in given[side]] for side in ("sources", "targets"))
        assert given["costing"] == "auto"
        row = [
            {"from_index": 0, "to_index": number, "time": self.drive(origin, place), "distance": 1.0}
            for number, place in enumerate(places)
        ]
        ends = {
            side: [[{"lat": end["lat"], "lon": end["lon"]} for end in given[side]]] for side in ("sources", "targets")
        }
        return {"algorithm": "costmatrix", "units": "kilometers", "sources_to_targets": [row], **ends}

    def _openrouteservice(self, given: Any) -> Any:
        points = [(lat, lon) for lon, lat in given["locations"]]
        (origin,), places = ([points[int(number)] for number in given[side]] for side in ("sources", "destinations"))
        assert given["metrics"] == ["duration"]
        return {
            "durations": [[self.drive(origin, place) for place in places]],
            "sources": [{"location": [origin[1], origin[0]], "snapped_distance": 0.3}],
            "destinations": [{"location": [place[1], place[0]], "snapped_distance": 2.1} for place in places],
            "metadata": {"attribution": "openrouteservice.org", "service": "matrix"},
        }


def _waypoint(point: Point) -> dict[str, Any]:
    return {"hint": "", "distance": 4.15, "name": "", "location": [point[1], point[0]]}


@contextmanager
def engine_server(engine: Engine) -> Iterator[Engine]:
    """`engine` behind an address of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])))

        def _reply(self, body: bytes) -> None:
            engine.asked.append((self.command, self.path, body, dict(self.headers)))
            if engine.badly is not None:
                engine.badly(self)
                return
            parts = urlsplit(self.path)
            send(self, 200, engine.answer(parts.path, parse_qs(parts.query), body))

        def log_message(self, *_arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    engine.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    try:
        yield engine
    finally:
        engine.stop.set()
        server.shutdown()
        server.server_close()
        serving.join()


def send(handler: BaseHTTPRequestHandler, status: int, answer: Any) -> None:
    """`answer` as JSON, or as it is where it is bytes."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


# -- engines that behave badly ----------------------------------------------------------------------------------------


def hanging(engine: Engine) -> Engine:
    """It takes the question, and says nothing until the test is over."""
    engine.badly = lambda _handler: engine.stop.wait() and None  # type: ignore[assignment, func-returns-value]
    return engine


def dripping(engine: Engine) -> Engine:
    """It says a byte now and then, so that it never seems to be gone."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        try:
            while not engine.stop.wait(0.02):
                handler.wfile.write(b" ")
                handler.wfile.flush()
        except OSError:
            return

    engine.badly = drip
    return engine


def saying(engine: Engine, status: int, answer: Any) -> Engine:
    """It answers this, whatever it is asked."""
    engine.badly = lambda handler: send(handler, status, answer)
    return engine


def slow(engine: Engine, seconds: float) -> Engine:
    """It answers, and takes so long."""
    drive = engine.drive

    def later(origin: Point, place: Point) -> float | None:
        time.sleep(seconds)
        return drive(origin, place)

    engine.drive = later
    return engine
