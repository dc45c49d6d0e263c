"""The desk in a real Chromium: a server of its own, somebody who signed in, and no error on any page."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from api import create_app
from routing import service
from routing.rights import ROLES
from routing.sequencer import begin_sequencing
from routing.service import World, close_world, open_world
from routing.settings import Settings
from routing.world import utc_now
from tests.desk.conftest import account_for_each_role
from tests.people import PASSWORD, account

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CHROMIUM = os.environ.get("WEGWIJS_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
"""The browser of the system; where there is none these tests fail and say so."""

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--lang=nl",
)  # fmt: skip

PATIENCE_MS = 60_000
"""So long is waited for what must come. A machine that does much else at the same time is late with everything, which
says nothing about what is tested; where nothing is wrong nobody waits so long."""

AXE = Axe()

EVERYBODY = "iedereen"
"""An account with every role."""


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing: what is asked is noted by the application."""


class AtWork:
    """An application that knows how many requests it is at work on; a stream that goes on is none."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app, self.requests, self.changed = app, 0, threading.Condition()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        self._count(1)
        try:
            return self.app(environ, start_response)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self.changed:
            self.requests += more
            self.changed.notify_all()

    def until_done(self) -> None:
        """Wait until it is at work on nothing, also not on what a browser sent and does not wait for any more."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.requests == 0, 2 * PATIENCE_MS / 1000), "a request takes too long"


@dataclass(frozen=True)
class Served:
    """A server that answers, the world behind it, and what it is at work on."""

    url: str
    world: World
    at_work: AtWork


@contextmanager
def serving(folder: Path, clock: Callable[[], datetime] = utc_now, **settings: Any) -> Iterator[Served]:
    """A server of its own in this process, with an account for each role and one with all of them."""
    world = open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3", **settings), clock)
    service.upgrade(world)
    account_for_each_role(world)
    account(world, EVERYBODY, *ROLES)
    at_work = AtWork(create_app(world=world))
    with listening(at_work) as url:
        end = begin_sequencing(world)
        yield Served(url, world, at_work)
        end()
    close_world(world)


@contextmanager
def listening(app: WSGIApplication) -> Iterator[str]:
    """The address at which `app` answers within the block."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET), timeout=2 * PATIENCE_MS)
        yield launched
        launched.close()


def sign_in(context: BrowserContext, user: str) -> None:
    """Let whoever looks in this browser be `user`, as at the door."""
    form = {"user": user, "password": PASSWORD}
    answer = context.request.post("/desk/sign-in", form=form, max_redirects=0, timeout=PATIENCE_MS)
    assert answer.status == 303, answer.text()


def leave(context: BrowserContext) -> None:
    """Close this browser; what a test does with its requests is over before that."""
    for page in context.pages:
        page.unroute_all(behavior="ignoreErrors")
    context.close()


def arrived(page: Page, at: str | re.Pattern[str]) -> None:
    """Wait until `page` is at this address, a path or what is in the whole of it, and stands there whole. That one
    navigation took the place of another, as when somebody presses twice, is an error to `page.wait_for_url` and none
    here."""
    expect(page).to_have_url(at)
    page.wait_for_load_state()


def settled(page: Page) -> None:
    """Wait until what the server answered to the script stands in `page`."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


@contextmanager
def answer_to(page: Page, *said: str) -> Iterator[None]:
    """What is done within makes the script send a form with all that is `said` in it, such as `age=67`: wait until the
    answer to that stands in `page`. Of what is typed before it, parts may have been sent and answered."""
    with page.expect_response(lambda answer: all(each in (answer.request.post_data or "") for each in said)):
        yield
    settled(page)


def slowed(page: Page, latency_ms: int) -> None:
    """Let every answer of the server take so much longer."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1},
    )


Open = Callable[..., Page]


@pytest.fixture
def open_page(served: Served, browser: Browser) -> Iterator[Open]:
    """`open_page(path, user=EVERYBODY, **context)`: a page for somebody who signed in at the door, in a browser of
    their own; `user=None` for nobody. What a page says on its console as an error fails the test, unless it holds what
    is `expected`."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(
        path: str = "/desk",
        user: str | None = EVERYBODY,
        *,
        expected: str | tuple[str, ...] | None = None,
        **context: Any,
    ) -> Page:
        all_expected = (expected,) if isinstance(expected, str) else expected or ()

        def note(said: str) -> None:
            if not any(each in said for each in all_expected):
                wrong.append(said)

        # of 1280 by 720 there is less on a laptop; that is what must do
        made = browser.new_context(base_url=served.url, **{"viewport": {"width": 1280, "height": 720}, **context})
        contexts.append(made)
        page = made.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: note(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: note(str(error)))
        if user is not None:
            sign_in(made, user)
        page.goto(path)
        return page

    yield opened
    for each in contexts:
        leave(each)
    served.at_work.until_done()  # what is under way still must not show up in the next test
    assert wrong == []


def barriers(page: Page) -> list[str]:
    """What axe-core finds on `page` that WCAG 2.2 A and AA do not allow."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    # of what passes nothing is asked: to find a selector for each of thousands of elements takes minutes
    options = {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]}
    found = AXE.run(page, options=options)
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {node['html'][:200]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
