"""The desk: thin pages for people who triage, audit and write rules. Plain forms, which a little script makes quicker.

It is an application of its own beside the API, over the same use cases: its pages need a person who signed in, and
what goes wrong is said as a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from api import access, limits, problems, telemetry
from api.desk import (
    accesses,
    answer,
    audit,
    board,
    case,
    cases,
    comparing,
    door,
    figures,
    guard,
    maps,
    page,
    place,
    publishing,
    rule_trials,
    rules,
)

PREFIX = "/desk"

TOPICS = (
    door,
    case,
    answer,
    cases,
    maps,
    board,
    place,
    rules,
    rule_trials,
    publishing,
    figures,
    audit,
    comparing,
    accesses,
)
"""The modules with pages, each with a blueprint `pages` of its own."""

Wsgi = Callable[[Any, Any], Iterable[bytes]]


def create_desk(api: Flask) -> Flask:
    """The pages, over the world of `api`."""
    world = api.extensions["wegwijs"]
    desk = Flask(__name__, static_url_path=f"{PREFIX}/static")
    desk.config["MAX_CONTENT_LENGTH"] = world.settings.body_limit + 1
    desk.config["MAX_FORM_MEMORY_SIZE"] = world.settings.body_limit + 1
    desk.config["MAX_FORM_PARTS"] = 0  # no form of ours is sent in parts, and each costs memory
    desk.url_map.strict_slashes = False
    desk.url_map.merge_slashes = False
    # what the server tells the API (that it is about to stop, say) the pages know as well
    desk.extensions = api.extensions.copy()
    telemetry.register(desk, api.extensions.get(telemetry.EXTENSION))
    access.register(desk)
    guard.register(desk)
    limits.register(desk, world.settings.rate_limit)
    problems.register(desk, page.of_problem)
    page.register(desk)
    for topic in TOPICS:
        desk.register_blueprint(topic.pages, url_prefix=PREFIX)
    return desk


def beside(api: Wsgi, desk: Wsgi) -> Wsgi:
    """One application of the two: the pages under their prefix, the API under all other addresses."""

    def either(environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        of_desk = path == PREFIX or path.startswith(f"{PREFIX}/")
        return (desk if of_desk else api)(environ, start_response)

    return either
