"""Feeds are pulled from a real server on this machine: whatever it does, what is known stays right."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from routing import service
from routing.directory_here import newest_directory
from routing.errors import BadData
from routing.feeding.health import feed_ages, feeds_status
from routing.feeding.runner import AT_ONCE, LONGEST_PAUSE_SECONDS, Pull, keep_pulling, pause_after, pull_once
from routing.feeding.runner import run as run_all
from routing.feeding.sources import FeedSource, read_feed_sources
from routing.other_servers import refused_address
from routing.service import World
from routing.store import feeds as store
from tests.service.conftest import Clock, Open, Run
from tests.service.test_feeds import lines, stop

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A server that answers as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[dict[str, str]] = []
        self.over = threading.Event()
        remember, answers = self.asked.append, self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                remember(dict(self.headers))
                answers[self.path](self)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str = "/feed") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def body(data: bytes, status: int = 200, announced: int | None = None, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if headers.get("ETag") and request.headers.get("If-None-Match") == headers["ETag"]:
            request.send_response(304)
            request.end_headers()
            return
        request.send_response(status)
        request.send_header("Content-Length", str(len(data) if announced is None else announced))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def pull_of(server: Server, **changes: Any) -> Pull:
    values = {"name": "region", "format": "ndjson", "url": server.url(), "source": "region", "timeout_seconds": 60}
    feed = FeedSource(**{**values, **changes})
    return Pull(feed, {}, None, lambda _seconds: True, lambda: 1.0, lambda _text: None)


def health(world: World) -> dict[str, Any]:
    (found,) = feeds_status(world)
    return found


FEED = lines([stop(), stop("adrz-goes")])


def test_a_feed_is_fetched_taken_in_and_its_health_is_kept(world: World, server: Server, clock: Clock) -> None:
    server.answers["/feed"] = body(FEED)
    pulled = pull_once(world, replace(pull_of(server), headers={"Authorization": "secret"}))
    assert pulled.result == "taken" and pulled.report is not None and pulled.report.counts["taken"] == 2
    assert server.asked[0]["Authorization"] == "secret"
    assert newest_directory(world).status["umc-utrecht"][0].source == "region"
    clock.forward(seconds=59)
    seen = health(world)
    assert (seen["age_seconds"], seen["late"], seen["failures"], seen["error"]) == (59, False, 0, None)
    assert seen["counts"]["taken"] == 2
    clock.forward(minutes=3)
    assert feed_ages(world) == [{"name": "region", "age_seconds": 239, "late": True}]


def test_what_did_not_change_is_not_fetched_again(world: World, server: Server, clock: Clock) -> None:
    server.answers["/feed"] = body(FEED, ETag='"1"')
    assert pull_once(world, pull_of(server)).result == "taken"
    clock.forward(minutes=2)
    assert pull_once(world, pull_of(server)).result == "unchanged"
    assert health(world)["age_seconds"] == 0
    other = pull_of(server, source="other")
    assert pull_once(world, other).result == "taken", "what is read in another way is read again"


def test_what_was_refused_is_fetched_again(world: World, server: Server) -> None:
    server.answers["/feed"] = body(FEED + lines([stop("nowhere")]), ETag='"1"')
    assert [pull_once(world, pull_of(server)).result for _ in range(2)] == ["taken", "taken"]
    assert "If-None-Match" not in server.asked[1]


def slowly(request: BaseHTTPRequestHandler) -> None:
    """Two whole records, and then a byte now and then."""
    request.send_response(200)
    request.end_headers()
    request.wfile.write(FEED)
    try:
        for _ in range(1_200):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.05)
    except OSError:
        return


def never(server: Server) -> Answer:
    return lambda _request: server.over.wait() and None


def endlessly(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(FEED)
    except OSError:
        return


def moved(to: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def failed(world: World, pull: Pull) -> str:
    pulled = pull_once(world, pull)
    assert pulled.result == "failed" and pulled.error is not None
    assert health(world)["error"] == pulled.error and health(world)["failures"] == 1
    return pulled.error


def test_a_server_with_an_error_is_said_in_plain_words_without_its_text(world: World, server: Server) -> None:
    server.answers["/feed"] = body(b"a name of a patient", 500)
    assert failed(world, pull_of(server)) == "the server answered 500"


def test_a_server_that_does_not_answer_is_given_up(world: World, server: Server) -> None:
    server.answers["/feed"] = never(server)
    assert failed(world, pull_of(server, timeout_seconds=1)) == "no answer within 1 seconds"


def test_a_server_that_is_not_there_is_said(world: World, server: Server) -> None:
    pull = pull_of(server, url="http://127.0.0.1:9/feed")
    assert failed(world, pull) == "cannot be reached (ConnectionRefusedError)"


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(world: World, server: Server) -> None:
    """All waiting together is what counts: each look at the clock is ten seconds later here. Measured, it might be over
    before the first record is there, on a machine that stands still."""
    server.answers["/feed"] = slowly
    looks = count(0, 10)
    pull = replace(pull_of(server), elapsed=lambda: next(looks))
    assert "the sender stopped (TimeoutError)" in failed(world, pull)
    assert {*newest_directory(world).status} == {"umc-utrecht", "adrz-goes"}


def test_an_answer_that_is_cut_off_is_not_a_whole_feed(world: World, server: Server) -> None:
    server.answers["/feed"] = body(FEED, announced=len(FEED) + 50)
    assert f"{len(FEED) + 50} bytes were announced" in failed(world, pull_of(server))
    assert health(world)["counts"]["taken"] == 2
    assert health(world)["age_seconds"] is None


def test_an_answer_without_end_is_cut_at_the_limit(open_world: Open, world: World, server: Server) -> None:
    small = open_world(feed_limit=200_000)
    server.answers["/feed"] = endlessly
    assert "is too large" in failed(small, pull_of(server))


def test_redirects_are_followed_on_the_same_host_only(world: World, server: Server) -> None:
    server.answers |= {"/feed": moved("/new"), "/new": body(FEED)}
    assert pull_once(world, pull_of(server)).result == "taken"
    server.answers["/feed"] = moved("http://localhost:1/new")
    assert failed(world, pull_of(server)) == "the server points to another host, or to one without https"


def test_a_compressed_answer_is_refused(world: World, server: Server) -> None:
    server.answers["/feed"] = body(FEED, Content_Encoding="gzip")
    assert "gzip" in failed(world, pull_of(server))


def test_a_feed_speaks_only_for_its_places(world: World, server: Server) -> None:
    server.answers["/feed"] = body(FEED)
    report = pull_once(world, pull_of(server, facilities=["adrz-goes"])).report
    assert report is not None and report.counts["refused"] == 1
    assert {*newest_directory(world).status} == {"adrz-goes"}


def test_a_feed_is_pulled_by_one_at_a_time(world: World, server: Server) -> None:
    server.answers["/feed"] = body(FEED)
    with store.alone_with(world.engine, "region") as alone:
        assert alone
        expected = "busy" if world.engine.dialect.name == "postgresql" else "taken"
        assert pull_once(world, pull_of(server)).result == expected
        assert pull_once(world, pull_of(server, name="other")).result == "taken"
    assert pull_once(world, pull_of(server)).result == "taken"


def test_a_feed_that_fails_is_asked_less_and_less_often_and_recovers(world: World, server: Server) -> None:
    server.answers["/feed"] = body(b"", 503)
    pauses: list[float] = []
    said: list[str] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 3:
            server.answers["/feed"] = body(FEED)
        return len(pauses) == 4

    pull = replace(pull_of(server), pause=pause, say=said.append)
    assert keep_pulling(world, pull, threading.Lock())
    assert pauses == [120, 240, 480, 60]
    assert said[0] == "region: failed: the server answered 503"
    assert said[3] == "region: taken: 2 records, 2 taken"
    assert health(world)["failures"] == 0


def test_many_feeds_are_pulled_beside_each_other(world: World, server: Server) -> None:
    names = [f"region-{number}" for number in range(2 * AT_ONCE)]
    server.answers |= {f"/{name}": body(FEED, ETag=f'"{name}"') for name in names}
    pulls = [pull_of(server, name=name, url=server.url(f"/{name}")) for name in names]
    assert run_all(world, pulls, once=True)
    assert [feed["name"] for feed in feeds_status(world) if not feed["late"]] == names
    assert run_all(world, pulls[:2], once=True)
    assert [feed["name"] for feed in feeds_status(world)] == names[:2], "what is not pulled any more is forgotten"


def test_pauses_differ_by_chance_and_have_an_end() -> None:
    assert pause_after(60, 0, lambda: 0.0) == pause_after(60, 0, lambda: 1.0) == 60
    assert (pause_after(60, 3, lambda: 0.0), pause_after(60, 3, lambda: 1.0)) == (270, 480)
    assert pause_after(60, 10_000, lambda: 1.0) == LONGEST_PAUSE_SECONDS
    assert pause_after(3_600, 10_000, lambda: 1.0) == 3_600


def test_a_mistake_of_ours_does_not_end_a_feed(world: World, server: Server) -> None:
    def broken(*_arguments: Any) -> Any:
        raise ZeroDivisionError("a name of a patient")

    said: list[str] = []
    assert not keep_pulling(world, replace(pull_of(server), fetch=broken, say=said.append), threading.Lock())
    assert said == ["region: failed: unexpected: ZeroDivisionError"]


def test_readiness_says_how_old_feeds_are_and_does_not_depend_on_them(world: World, server: Server) -> None:
    server.answers["/feed"] = body(b"", 500)
    pull_once(world, pull_of(server))
    ok, found = service.ready(world)
    assert ok and found["feeds"] == [{"name": "region", "age_seconds": None, "late": True}]


# -- what is written down ---------------------------------------------------------------------------------------------

CONFIG = """
feeds:
  - name: region
    format: ndjson
    url: {url}
    source: region
    headers:
      Authorization: REGION_TOKEN
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("    format: fax", "is not a format"),
        ("    url: http://example.org/feed", "https://"),
        ("    url: https://me:secret@example.org/feed", "must not hold a name or password"),
        ("    url: file:///etc/passwd", "https://"),
        ("    every_seconds: 1", "every_seconds"),
        ("    every: 60", "every"),
        ("    format: lpz", "`map` is needed"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    given = {"name": "region", "format": "ndjson", "url": "https://example.org/feed", "source": "region"}
    key, _, value = line.strip().partition(": ")
    text = "\n    ".join(f"{name}: {word}" for name, word in {**given, key: value}.items())
    (tmp_path / "feeds.yaml").write_text(f"feeds:\n  - {text}\n")
    with pytest.raises(BadData, match=said) as seen:
        read_feed_sources(tmp_path / "feeds.yaml")
    assert "secret" not in str(seen.value) and seen.value.findings[0].line is not None


def test_the_configuration_of_the_documents_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/feed-live-status.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "feeds.yaml").write_text(text)
    (feed,) = read_feed_sources(tmp_path / "feeds.yaml")
    keys = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert keys == set(FeedSource.model_fields)
    assert feed.headers == {"Authorization": "REGION_TOKEN"}


def test_only_https_and_this_machine_are_addresses_unless_it_is_said() -> None:
    for url in ("https://example.org", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x"):
        assert refused_address(url, allow_http=False) is None
    for url in (
        "http://example.org",
        "http://127.0.0.1.example.org",
        "ftp://x",
        "https://",
        "http://[x",
        "https://x:y",
    ):
        assert refused_address(url, allow_http=False) is not None
    assert refused_address("http://example.org", allow_http=True) is None


def test_feeds_are_run_once_from_the_command_line(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/feed"] = body(lines([stop(at="2026-01-01T12:00:00+01:00")]))
    (tmp_path / "feeds.yaml").write_text(CONFIG.format(url=server.url()))
    code, _, err = run("feeds", "run", "--config", "feeds.yaml", "--once")
    assert code == 2 and "REGION_TOKEN" in err
    monkeypatch.setenv("REGION_TOKEN", "Bearer x")
    monkeypatch.setenv("WEGWIJS_FEEDS", "feeds.yaml")
    code, _, err = run("feeds", "run", "--once")
    assert (code, err) == (0, "region: taken: 1 records, 1 taken\n")
    code, out, _ = run("feeds", "status")
    assert code == 0 and out.startswith("region") and "fine" in out
    server.answers["/feed"] = body(b"", 404)
    code, _, err = run("feeds", "run", "--once")
    assert code == 1 and "the server answered 404" in err
    code, out, _ = run("feeds", "status", "--json")
    assert '"error": "the server answered 404"' in out
