"""The desk in a real Chromium: a server of its own, somebody who signed in, and no error on any page."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
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

CHROMIUM = os.environ.get("WEGWIJS_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
"""The browser of the system; where there is none these tests fail and say so."""

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--lang=nl",
)  # fmt: skip

AXE = Axe()

EVERYBODY = "iedereen"
"""An account with every role."""


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing: what is asked is noted by the application."""


@dataclass(frozen=True)
class Served:
    """A server that answers, and the world behind it."""

    url: str
    world: World


@contextmanager
def serving(folder: Path, clock: Callable[[], datetime] = utc_now, **settings: Any) -> Iterator[Served]:
    """A server of its own in this process, with an account for each role and one with all of them."""
    world = open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3", **settings), clock)
    service.upgrade(world)
    account_for_each_role(world)
    account(world, EVERYBODY, *ROLES)
    with listening(create_app(world=world)) as url:
        end = begin_sequencing(world)
        yield Served(url, world)
        end()
    close_world(world)


@contextmanager
def listening(app: Flask) -> Iterator[str]:
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
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield launched
        launched.close()


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
        page.set_default_timeout(15_000)
        page.on("console", lambda said: note(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: note(str(error)))
        if user is not None:
            made.request.post("/desk/sign-in", form={"user": user, "password": PASSWORD}, max_redirects=0)
        page.goto(path)
        return page

    yield opened
    for each in contexts:
        each.close()
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
