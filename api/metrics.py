"""What a machine may watch of Wegwijs: counts, ages and durations, with nothing of any patient in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import prometheus_client as prometheus
from flask import Blueprint, Response
from prometheus_client import multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.auth import world
from routing import service
from routing.world import World

metrics = Blueprint("metrics", __name__, url_prefix="/metrics")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

DURATION = prometheus.Histogram(
    "wegwijs_request_seconds", "How long requests took, by route.", ("method", "route"), buckets=_SECONDS
)
REQUESTS = prometheus.Counter("wegwijs_requests", "Requests, by route and status.", ("method", "route", "status"))
DECISIONS = prometheus.Counter("wegwijs_decisions", "Decisions that were recorded.", ("urgency", "badge"))
CONDITIONS = prometheus.Counter(
    "wegwijs_decision_conditions", "Conditions in decisions that were recorded.", ("condition", "status")
)
DISAGREEMENTS = prometheus.Counter(
    "wegwijs_evaluator_disagreements", "Recorded decisions in which the two evaluators did not name the same rules."
)
ENGINE_FAULTS = prometheus.Counter(
    "wegwijs_engine_faults", "Recorded decisions in which the rule engine failed and the plain meaning decided alone."
)
ATTEMPTS = prometheus.Counter(
    "wegwijs_webhook_attempts", "Attempts to tell the system of a place, by result.", ("subscription", "result")
)
ROAD_ENGINE = prometheus.Counter(
    "wegwijs_road_engine_questions", "Questions to the road engine, by what became of them.", ("result",)
)
ROAD_ENGINE_LEFT = prometheus.Gauge(
    "wegwijs_road_engine_left_alone", "Processes that leave the road engine alone.", multiprocess_mode="livesum"
)
POOL = prometheus.Gauge(
    "wegwijs_pool_connections_in_use", "Connections to the database that are in use.", multiprocess_mode="livesum"
)

ENGINE_FAILED = "/engine_failed"
"""How the name of the warning ends that stands in a decision that was made without the engine."""


def watch(world: World) -> None:
    """Count the connections of `world` that are in use."""
    service.watch_connections(world, POOL.inc, POOL.dec)


def observe(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request that was answered. What a client made up is not a label: it would have no end."""
    where = (method if method in METHODS else "other", route or "none")
    DURATION.labels(*where).observe(seconds)
    REQUESTS.labels(*where, str(status)).inc()


def count_decision(decision: Mapping[str, Any]) -> None:
    """Count a decision that was recorded just now."""
    DECISIONS.labels(decision["urgency"]["level"], decision["confidence"]["badge"]).inc()
    for condition in decision["conditions"]:
        CONDITIONS.labels(condition["code"], condition["status"]).inc()
    if not decision["provenance"]["evaluators_agree"]:
        failed = any(warning["rule"].endswith(ENGINE_FAILED) for warning in decision["warnings"])
        (ENGINE_FAULTS if failed else DISAGREEMENTS).inc()


def count_attempt(subscription: str, result: str) -> None:
    """Count an attempt to tell a system that is subscribed."""
    ATTEMPTS.labels(subscription, result).inc()


def count_road_engine(result: str, left_alone: bool) -> None:
    """Count a question to the road engine, and note whether this process leaves it alone since."""
    ROAD_ENGINE.labels(result).inc()
    ROAD_ENGINE_LEFT.set(int(left_alone))


class Now(Collector):
    """What is looked up in the database at the moment somebody watches."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """How old feeds are, how long pre-alerts wait, and how far the logs are behind."""
        age = GaugeMetricFamily("wegwijs_feed_age_seconds", "How old what a feed said last is.", labels=["feed"])
        late = GaugeMetricFamily("wegwijs_feed_late", "Whether a feed is late (1).", labels=["feed"])
        for feed in self.found["feeds"]:
            late.add_metric([feed["name"]], float(feed["late"]))
            if feed["age_seconds"] is not None:
                age.add_metric([feed["name"]], feed["age_seconds"])
        yield age
        yield late
        yield from self._webhooks()
        size = GaugeMetricFamily("wegwijs_log_entries", "Entries that stand in a log, signed.", labels=["log"])
        waiting = GaugeMetricFamily("wegwijs_log_waiting", "Entries that wait for their place.", labels=["log"])
        behind = GaugeMetricFamily("wegwijs_log_behind_seconds", "How long the oldest of them waits.", labels=["log"])
        for log in self.found["logs"]:
            size.add_metric([log["log"]], log["size"])
            waiting.add_metric([log["log"]], log["waiting"])
            behind.add_metric([log["log"]], log["waiting_seconds"])
        yield from (size, waiting, behind)
        yield GaugeMetricFamily(
            "wegwijs_directory_revision", "The newest revision of the directory.", self.found["directory_revision"]
        )

    def _webhooks(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("wegwijs_webhook_waiting", "Events that wait to be told.", labels=["subscription"])
        oldest = GaugeMetricFamily(
            "wegwijs_webhook_oldest_seconds", "How long the oldest of them waits.", labels=["subscription"]
        )
        late = GaugeMetricFamily("wegwijs_webhook_late", "Whether a receiver is late (1).", labels=["subscription"])
        for each in self.found["webhooks"]:
            waiting.add_metric([each["name"]], each["waiting"])
            oldest.add_metric([each["name"]], each["waiting_seconds"])
            late.add_metric([each["name"]], float(each["late"]))
        yield from (waiting, oldest, late)


@metrics.get("")
def read() -> Response:
    """Everything that is counted, of all processes of this server, as Prometheus reads it."""
    registry = prometheus.CollectorRegistry()
    registry.register(Now(service.watched(world())))
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = prometheus.generate_latest(registry)
    else:
        text = prometheus.generate_latest(prometheus.REGISTRY) + prometheus.generate_latest(registry)
    return Response(text, content_type=prometheus.CONTENT_TYPE_LATEST)
