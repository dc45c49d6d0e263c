"""The outside of Wegwijs over HTTP: it reads requests strictly and hands them to the service."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask, Response, current_app, request

from api import access, auth, compression, limits, metrics, problems, telemetry
from api import cds_hooks as hooks
from api.accesses import accesses
from api.body import answer
from api.cds_hooks import cds_hooks
from api.decisions import decisions
from api.desk import PREFIX, beside, create_desk
from api.erasure import erasure
from api.events import Streams, events
from api.facilities import facilities
from api.feeds import feeds
from api.fhir import fhir
from api.figures import figures
from api.health import health
from api.log import log
from api.openapi import openapi
from api.operations import WITH_QUERY
from api.problem_pages import problems as problem_pages
from api.public import public
from api.queries import NoQuery, query
from api.reports import reports
from api.rulesets import rulesets
from api.session import session
from api.vocabulary import vocabulary
from routing.oidc import check_logins
from routing.service import World, open_world, travel_of
from routing.settings import Settings
from routing.tokens import check_issuers
from routing.webhooks.subscriptions import subscribed
from routing.world import Memory


def create_app(settings: Settings | None = None, world: World | None = None) -> Flask:
    """The web application: over `world` if given, else over the world that `settings` (or the environment) describe.
    Raises BadData or BadInput for a file of issuers or subscriptions that cannot be used, where a secret of theirs is
    not set, and for settings of travel times that do not fit each other."""
    if world is None:
        world = open_world(settings or Settings())
    check_issuers(world)
    check_logins(world)
    if (tracer := telemetry.tracer_of(world.settings)) is not None:
        world = replace(world, part=telemetry.parts_of(tracer))
    world = replace(world, count_road=metrics.count_road_engine, travel=Memory(most=1))
    travel_of(world)
    subscribed(world)
    app = Flask(__name__, static_folder=None)
    # one more byte than may be: a body in chunks is cut here without a word, and only its length betrays it
    app.config["MAX_CONTENT_LENGTH"] = world.settings.body_limit + 1
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions["wegwijs"] = world
    app.extensions["wegwijs.streams"] = Streams()
    app.extensions["wegwijs.count_attempt"] = metrics.count_attempt
    telemetry.register(app, tracer)
    access.register(app)
    hooks.register(app)
    auth.register(app)
    compression.register(app)
    limits.register(app, world.settings.rate_limit)
    metrics.watch(world)
    problems.register(app)
    add_addresses(app)
    app.before_request(_refuse_stray_parameters)
    app.wsgi_app = beside(app.wsgi_app, create_desk(app).wsgi_app)  # type: ignore[method-assign, assignment]
    return app


def add_addresses(app: Flask) -> None:
    """Give `app` every call."""
    records = (decisions, accesses, erasure, figures, reports, log)
    around = (openapi, health, metrics.metrics, problem_pages)
    faces = (cds_hooks, fhir)
    for resource in (*records, facilities, events, feeds, public, vocabulary, rulesets, session, *faces, *around):
        app.register_blueprint(resource)
    app.add_url_rule("/", view_func=pointer)


def _refuse_stray_parameters() -> None:
    # a parameter that is ignored looks like one that was understood
    if request.endpoint in auth.ACTIONS and request.endpoint not in WITH_QUERY:
        query(NoQuery)


def pointer() -> Response:
    """What there is at this server, for a program that arrives at the front door; a person goes on to the desk."""
    if request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html":
        return Response(status=303, headers={"Location": PREFIX})
    calls = {
        f"{method} {rule.rule}"
        for rule in current_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return answer({"name": "Wegwijs", "calls": sorted(calls, key=_by_address)})


def _by_address(call: str) -> tuple[str, str]:
    method, _, address = call.partition(" ")
    return address, method
